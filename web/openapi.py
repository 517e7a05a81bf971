"""The JSON API as one OpenAPI document, and a page on which a person can read it."""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify
from flask_smorest import Api
from marshmallow import Schema, fields

from exam_delivery import openapi_exam
from kernel.http import public, render_page
from kernel.http.idempotency import HEADER, UNSAFE_METHODS

bp = Blueprint("openapi", __name__)

CONVERTER = re.compile(r"<(?:[^:<>]+:)?(\w+)>")
IDEMPOTENCY_KEY: dict[str, Any] = {
    "in": "header", "name": HEADER, "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
    "description": (
        "names this call for 24 hours: sent again with the same content it is not done again, and what was answered comes "
        "back with `Idempotency-Replayed: true`; with other content it is refused (422); a refusal is not kept"
    ),
}  # fmt: skip
STILL_RUNNING: dict[str, Any] = {
    "409": {"description": "not possible as things stand, or the same Idempotency-Key is still at work (Retry-After)"}
}


class ErrorSchema(Schema):
    """The one shape of an error (``web/errors.py``)."""

    error = fields.String(required=True, metadata={"description": "stable code"})
    message = fields.String(required=True, metadata={"description": "for people, in the reader's language"})
    details = fields.Dict(required=True)


class HouseApi(Api):  # type: ignore[misc]
    """The API with the house's own errors: the library would put handlers of another shape over ours."""

    ERROR_SCHEMA = ErrorSchema

    def _register_error_handlers(self) -> None:
        """Leave every error to ``web/errors.py``."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of the API as the page shows it."""

    method: str
    path: str
    summary: str
    tag: str
    parameters: list[dict[str, Any]]
    responses: dict[str, str]


@dataclass(frozen=True, slots=True)
class ApiPage:
    """The browsable page."""

    title: str
    version: str
    groups: dict[str, list[Operation]]


def init_app(app: Flask) -> None:
    """Prepare the document; blueprints are added by `add_blueprint`."""
    app.config.update(API_TITLE="Kaoku", API_VERSION="v1", OPENAPI_VERSION="3.1.0")
    api = HouseApi(app, spec_kwargs={"info": {"description": "Question bank, exam delivery and certification ledger"}})
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    app.extensions["kaoku_api"] = api
    for name, schema in openapi_exam.SCHEMAS.items():
        api.spec.components.schema(name, component=schema)
    app.register_blueprint(bp)


def add_blueprint(app: Flask, blueprint: Any) -> None:
    """Add a component's API blueprint to the application and the document."""
    app.extensions["kaoku_api"].register_blueprint(blueprint)


def document() -> dict[str, Any]:
    """Return the OpenAPI document: the application's own calls and those of the answering program."""
    spec: dict[str, Any] = deepcopy(current_app.extensions["kaoku_api"].spec.to_dict())
    _name_keys(spec["paths"])
    spec["paths"] |= openapi_exam.paths()
    return spec


def _name_keys(paths: dict[str, dict[str, Any]]) -> None:
    """Give every writing call of a person or program the header under which it is done once."""
    for rule in current_app.url_map.iter_rules():
        if not hasattr(current_app.view_functions[rule.endpoint], "required_permissions"):
            continue
        path = CONVERTER.sub(r"{\1}", rule.rule)
        for method in (rule.methods or set()) & UNSAFE_METHODS:
            if operation := paths.get(path, {}).get(method.lower()):
                operation["parameters"] = [*operation.get("parameters", []), IDEMPOTENCY_KEY]
                operation["responses"] = {**STILL_RUNNING, **operation["responses"]}


@bp.get("/api/v1/openapi.json")
@public
def openapi_json() -> Response:
    """Serve the OpenAPI document."""
    return jsonify(document())


@bp.get("/api/v1/docs")
@public
def docs() -> tuple[str, int]:
    """Show the API to a person."""
    spec = document()
    groups: dict[str, list[Operation]] = {}
    for path, methods in sorted(spec["paths"].items()):
        for method, body in methods.items():
            if method != "parameters":
                operation = _operation(method, path, body)
                groups.setdefault(operation.tag, []).append(operation)
    return render_page("api_docs.html", ApiPage(spec["info"]["title"], spec["info"]["version"], groups))


def _operation(method: str, path: str, body: dict[str, Any]) -> Operation:
    responses = {str(k): v.get("description", "") for k, v in body.get("responses", {}).items()}
    tag = next(iter(body.get("tags", [])), "")
    return Operation(method.upper(), path, body.get("summary", ""), tag, body.get("parameters", []), responses)

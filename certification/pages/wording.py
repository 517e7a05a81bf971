"""Refusals in the reader's language, values of forms, downloads, and acts that end where they began."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

from flask import current_app, request, send_file
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel.errors import ConflictError, DomainError, InvalidInputError
from kernel.http import current_actor, redirect_with_message
from kernel.i18n import N_
from kernel.uow import UnitOfWork, unit_of_work

Errors = dict[str, list[str]]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def said(template: str, context: Mapping[str, Any]) -> str:
    """Return a marked message translated and filled; marked values are translated as well."""
    text: str = _(template)
    filled = {key: _(value) if isinstance(value, str) and value else value for key, value in context.items()}
    return text % filled if context else text


def refusal(exc: DomainError) -> str:
    """Return a refusal in the reader's language."""
    return said(exc.template, exc.context)


def field_errors(exc: InvalidInputError) -> Errors:
    """Return the messages of a refused form by field; those of no field stand under the empty name."""
    if not exc.fields:
        return {"": [refusal(exc)]}
    return {name: [_(message) for message in messages] for name, messages in exc.fields.items()}


def act_and_return(address: str, message: str, act: Callable[[UnitOfWork], object]) -> Response:
    """Do something in one transaction and return to a page with the outcome, done or refused."""
    try:
        with unit_of_work(current_actor()) as uow:
            act(uow)
    except (ConflictError, InvalidInputError) as exc:
        return redirect_with_message(address, refusal(exc), "danger")
    return redirect_with_message(address, message)


def page_address(number: int) -> str:
    """Return the address of another page of the list that is shown, with the same filters."""
    return "?" + urlencode({**request.args.to_dict(), "page": str(number)})


def form_text(name: str) -> str:
    """Return a trimmed text of the form."""
    return request.form.get(name, "").strip()


def form_date(name: str) -> date | None:
    """Return a day of the form, None for an empty field; raises InvalidInputError."""
    text = form_text(name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as exc:
        message = N_("日期应写作 2026-11-21 的形式")
        raise InvalidInputError(message, fields={name: [message]}) from exc


def download(name: str, content: bytes, mimetype: str) -> Response:
    """Answer with a file to keep."""
    return send_file(io.BytesIO(content), mimetype=mimetype, as_attachment=True, download_name=name)


def base_url() -> str:
    """Return the address that QR codes lead to: the installation's own, else the one of this request."""
    return str(current_app.config["KAOKU"].public_url or request.url_root).rstrip("/")

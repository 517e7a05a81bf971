"""Verifiable credentials: the office's download, and what verifiers fetch: keys under did:web, lists of states."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, jsonify, url_for
from werkzeug.wrappers import Response as BaseResponse

from certification.pages.wording import base_url, download, refusal
from certification.rules.credentials import MEDIA_TYPE
from certification.services import credentials as services
from kernel.db import db
from kernel.errors import ConflictError
from kernel.http import current_actor, public, redirect_with_message, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("cert_credentials", __name__)
FRESH = "public, max-age=300"


@bp.post("/certification/certificates/<uuid:certificate_id>/credential")
@requires(Permission.CERTIFICATE_ISSUE)
def take(certificate_id: uuid.UUID) -> BaseResponse:
    """Download a certificate as a verifiable credential."""
    try:
        with unit_of_work(current_actor()) as uow:
            name, content = services.take_credential(uow, certificate_id, base_url=base_url())
    except ConflictError as exc:
        back = url_for("cert_certificates.detail", certificate_id=certificate_id)
        return redirect_with_message(back, refusal(exc), "danger")
    return download(name, content, MEDIA_TYPE)


@bp.get("/issuers/<uuid:organisation_id>/did.json")
@public
def did_document(organisation_id: uuid.UUID) -> Response:
    """Publish an organisation's keys under its identifier."""
    return _open(jsonify(services.did_document(db.session(), organisation_id, base_url=base_url())))


@bp.get("/issuers/<uuid:organisation_id>/status/<purpose>/<int:number>")
@public
def status_list(organisation_id: uuid.UUID, purpose: str, number: int) -> Response:
    """Publish which credentials are revoked or suspended; a list names nobody."""
    token = services.status_list(db.session(), organisation_id, purpose, number, base_url=base_url())
    return _open(Response(token, mimetype=MEDIA_TYPE))


def _open(answer: Response) -> Response:
    """Let verifiers in browsers read an answer, and keep it for some minutes."""
    answer.headers["Cache-Control"] = FRESH
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer

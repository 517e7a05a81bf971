"""JSON API of certification."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from flask import Response, current_app, jsonify, request
from flask_babel import gettext as _
from flask_smorest import Blueprint

from certification.models import CertificationBatch
from certification.repository import batches as repository
from certification.rules.credentials import MEDIA_TYPE
from certification.rules.inbound import AWARD_SEPARATOR, MOST_BYTES, Envelope
from certification.rules.pass_decision import AssessmentMode
from certification.rules.score_sheet import SheetProblem
from certification.schemas import (
    AWARD_FIELDS,
    BatchSchema,
    CertificateChangesSchema,
    CredentialSchema,
    CursorSchema,
    InboundAnswerSchema,
    InboundSchema,
    PublicCertificateSchema,
    ResultChangesSchema,
)
from certification.services import credentials, inbound, lookup, pulling
from certification.services.lookup import PublicCertificate
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import current_actor, paging_from_request, public, requires
from kernel.i18n import N_
from kernel.identity.actor import ANONYMOUS
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork, unit_of_work

certificates = Blueprint(
    "api_certificates", __name__, url_prefix="/api/v1/certificates", description="Public verification of certificates"
)
batches = Blueprint(
    "api_certification", __name__, url_prefix="/api/v1/certification", description="Certification batches"
)
inbound_results = Blueprint(
    "api_certification_inbound", __name__, url_prefix="/api/v1/certification/inbound",
    description="Component results from other systems, signed after Standard Webhooks",
)  # fmt: skip
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
BLUEPRINTS = (certificates, batches, inbound_results)


@certificates.get("/verify/<token>")
@certificates.response(200, PublicCertificateSchema)
@public
def verify(token: str) -> PublicCertificate:
    """Verify the token of a certificate's QR code; an unknown one has the same shape with the state `unknown`."""
    lookup.note_lookup(db.session(), request.remote_addr or "", _write)
    return lookup.verify_token(db.session(), token[:64])


def _write(act: Callable[[UnitOfWork], None]) -> None:
    with unit_of_work(ANONYMOUS) as uow:
        act(uow)


@batches.get("/certificates")
@batches.arguments(CursorSchema, location="query")
@batches.response(200, CertificateChangesSchema)
@requires(Permission.CERTIFICATION_READ)
def pull_certificates(wanted: dict[str, Any]) -> dict[str, Any]:
    """Pull what happened to certificates since a cursor, in order; pass `next_cursor` with the next call."""
    return pulling.certificate_changes(db.session(), current_actor(), wanted["cursor"], limit=wanted["limit"])


@batches.post("/certificates/<uuid:certificate_id>/credential")
@requires(Permission.CERTIFICATE_ISSUE)
@batches.response(200, CredentialSchema)
def make_credential(certificate_id: uuid.UUID) -> dict[str, str]:
    """Make a certificate's verifiable credential (Open Badges 3.0, VC-JWT); each one made is kept with the certificate."""
    base = str(current_app.config["KAOKU"].public_url or request.url_root)
    with unit_of_work(current_actor()) as uow:
        name, content = credentials.take_credential(uow, certificate_id, base_url=base)
    return {"file_name": name, "media_type": MEDIA_TYPE, "credential": content.decode()}


@batches.get("/results")
@batches.arguments(CursorSchema, location="query")
@batches.response(200, ResultChangesSchema)
@requires(Permission.CERTIFICATION_READ)
def pull_results(wanted: dict[str, Any]) -> dict[str, Any]:
    """Pull the decisions about candidates since a cursor, in order; a later decision about somebody comes again."""
    return pulling.result_changes(db.session(), current_actor(), wanted["cursor"], limit=wanted["limit"])


@batches.get("/batches")
@batches.response(200, BatchSchema(many=True))
@requires(Permission.CERTIFICATION_READ)
def list_batches() -> Sequence[CertificationBatch]:
    """List certification batches, the latest first."""
    paging = paging_from_request()
    rows, _total = repository.list_batches(
        db.session(),
        actor=current_actor(),
        wanted=repository.BatchFilter(),
        offset=paging.offset,
        limit=paging.per_page,
    )
    return rows


# --- results from other systems ------------------------------------------------------------------------------------


@inbound_results.post("/<uuid:system_id>/results")
@inbound_results.doc(
    requestBody={"required": True, "content": {"application/json": {"schema": InboundSchema}}},
    parameters=[{"in": "header", "name": name, "required": True, "schema": {"type": "string"}} for name in HEADERS],
)
@inbound_results.response(202, InboundAnswerSchema)
@public
def send_results(system_id: uuid.UUID) -> Any:
    """Take component results of one batch; the same webhook-id again is answered alike and changes nothing."""
    request.max_content_length = MOST_BYTES
    body = request.get_data(cache=False)
    envelope = Envelope(*(request.headers.get(name, "") for name in HEADERS))
    actor = inbound.check_signature(db.session(), system_id, envelope, body)
    parcel = _parcel(envelope.webhook_id, body)
    try:
        with unit_of_work(actor) as uow:
            return inbound.receive(uow, system_id, parcel).answer
    except inbound.BadRowsError as exc:
        return _bad_rows(exc)


def _parcel(webhook_id: str, body: bytes) -> inbound.Parcel:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise InvalidInputError(N_("内容不是 JSON")) from exc
    data = InboundSchema().load(told)["data"]
    rows = [[one["admission_number"], one["component"], _text(one)] for one in data["results"]]
    digest = inbound.digest_of(body)
    return inbound.Parcel(webhook_id, digest, data["batch_id"], rows, data["is_correction"])


def _text(one: dict[str, Any]) -> str:
    if one["component"] == AssessmentMode.COMPETITION:
        return AWARD_SEPARATOR.join(one[name].replace(AWARD_SEPARATOR, " ") for name in AWARD_FIELDS)
    return {"absent": "缺考", "void": "作废"}.get(one["state"], str(one["score"]))


def _bad_rows(exc: inbound.BadRowsError) -> Response:
    """Answer with a message for each row, counted from 1."""
    rows = {f"results.{one.row}": [_said(one)] for one in exc.problems}
    message = _("有 %(n)s 行不能接收，整批没有保存", n=len(rows))
    answer = jsonify({"error": "bad_rows", "message": message, "details": {"fields": rows}})
    answer.status_code = 422
    return answer


def _said(problem: SheetProblem) -> str:
    """Return a complaint in the reader's language, marked values as well."""
    values = {name: _(one) if isinstance(one, str) and one else one for name, one in problem.values.items()}
    text: str = _(problem.message)
    return text % values

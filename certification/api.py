"""JSON API of certification."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from flask import current_app, request
from flask_smorest import Blueprint

from certification.models import CertificationBatch
from certification.repository import batches as repository
from certification.rules.credentials import MEDIA_TYPE
from certification.schemas import (
    BatchSchema,
    CertificateChangesSchema,
    CredentialSchema,
    CursorSchema,
    PublicCertificateSchema,
    ResultChangesSchema,
)
from certification.services import credentials, lookup, pulling
from certification.services.lookup import PublicCertificate
from kernel.db import db
from kernel.http import current_actor, paging_from_request, public, requires
from kernel.identity.actor import ANONYMOUS
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork, unit_of_work

certificates = Blueprint(
    "api_certificates", __name__, url_prefix="/api/v1/certificates", description="Public verification of certificates"
)
batches = Blueprint(
    "api_certification", __name__, url_prefix="/api/v1/certification", description="Certification batches"
)
BLUEPRINTS = (certificates, batches)


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
@batches.response(200, CredentialSchema)
@requires(Permission.CERTIFICATE_ISSUE)
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

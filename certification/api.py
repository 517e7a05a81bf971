"""JSON API of certification."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import request
from flask_smorest import Blueprint

from certification.models import CertificationBatch
from certification.repository import batches as repository
from certification.schemas import BatchSchema, PublicCertificateSchema
from certification.services import lookup
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

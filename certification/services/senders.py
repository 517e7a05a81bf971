"""Systems that may send results in: adding one, a new secret, ending it; secrets are shown once and kept encrypted."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator

from certification.models import SendingSystem
from certification.repository import inbound as repository
from certification.rules.webhooks import OVERLAP_HOURS, new_secret
from kernel import audit, crypto, profiles
from kernel.clock import iso, now
from kernel.db import new_id
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

PURPOSE = "webhook-secret"


def add_system(uow: UnitOfWork, *, name: str) -> tuple[SendingSystem, str]:
    """Add a sending system and return it with its secret, which is never shown again."""
    require(uow.actor, Permission.CONNECTION_MANAGE)
    if not name.strip():
        raise InvalidInputError(N_("请填写名称"), fields={"name": [N_("请填写名称")]})
    key, secret = new_id(), new_secret()
    row = SendingSystem(
        sending_system_id=key, organisation_id=uow.actor.organisation, name=name.strip()[:60],
        secret_ciphertext=_seal(key, secret), is_active=True, created_by=uow.actor.name[:100], created_at=now(),
    )  # fmt: skip
    uow.add(row)
    audit.record(uow, "sending_system.add", "sending_system", key, after={"name": row.name})
    return row, secret


def source_of_files(uow: UnitOfWork, name: str) -> SendingSystem:
    """Return the system of a name whose results come in files, locked; a new one may send nothing by itself."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    plain = name.strip()[:60]
    if not plain:
        raise InvalidInputError(N_("请填写成绩来源"), fields={"source": [N_("请填写成绩来源")]})
    found = repository.find_system(uow.session, uow.actor.organisation, plain)
    if found is not None:
        return repository.lock_system(uow.session, found.sending_system_id, actor=uow.actor)
    key = new_id()
    row = SendingSystem(
        sending_system_id=key, organisation_id=uow.actor.organisation, name=plain, is_active=False,
        secret_ciphertext=_seal(key, new_secret()), created_by=uow.actor.name[:100], created_at=now(),
    )  # fmt: skip
    uow.add(row)
    uow.flush()  # deliveries name it
    audit.record(uow, "sending_system.add", "sending_system", key, after={"name": plain, "is_active": False})
    return row


def renew_secret(uow: UnitOfWork, system_id: uuid.UUID, *, at_once: bool = False) -> tuple[SendingSystem, str]:
    """Give a system a new secret; the old one holds beside it for the hours of the rule profile unless it leaked."""
    require(uow.actor, Permission.CONNECTION_MANAGE)
    row = repository.lock_system(uow.session, system_id, actor=uow.actor)
    hours = int(profiles.value(uow.session, uow.actor.organisation, OVERLAP_HOURS))
    overlaps = bool(hours) and not at_once
    row.previous_secret_ciphertext = row.secret_ciphertext if overlaps else None
    row.previous_until = now() + dt.timedelta(hours=hours) if overlaps else None
    secret = new_secret()
    row.secret_ciphertext = _seal(system_id, secret)
    after = {"previous_until": iso(row.previous_until) if row.previous_until else None}
    audit.record(uow, "sending_system.renew_secret", "sending_system", system_id, after=after)
    return row, secret


def switch(uow: UnitOfWork, system_id: uuid.UUID, *, is_active: bool) -> SendingSystem:
    """End or resume taking what a system sends."""
    require(uow.actor, Permission.CONNECTION_MANAGE)
    row = repository.lock_system(uow.session, system_id, actor=uow.actor)
    row.is_active = is_active
    audit.record(uow, "sending_system.switch", "sending_system", system_id, after={"is_active": is_active})
    return row


def secrets_of(row: SendingSystem) -> Iterator[str]:
    """Yield the secrets that hold now; none for a system that was ended."""
    sealed = [row.secret_ciphertext] if row.is_active else []
    if sealed and row.previous_secret_ciphertext and row.previous_until and now() < row.previous_until:
        sealed.append(row.previous_secret_ciphertext)
    for envelope in sealed:
        key = crypto.purpose_key(PURPOSE)
        yield crypto.decrypt(key, envelope, bound_to=_place(row.sending_system_id)).decode()


def _seal(system_id: uuid.UUID, secret: str) -> bytes:
    return crypto.encrypt(crypto.purpose_key(PURPOSE), secret.encode(), bound_to=_place(system_id))


def _place(system_id: uuid.UUID) -> str:
    return f"sending_systems|secret|{system_id}"

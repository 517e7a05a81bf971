"""Who keeps the keys: the organisation names custodians; while fewer than two are named, any two sealers act."""

from __future__ import annotations

import uuid

from blueprints import repository_release as stored
from blueprints.models import KeyCustodian
from kernel import audit
from kernel.clock import now
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork


def appoint_custodian(uow: UnitOfWork, user_id: uuid.UUID) -> KeyCustodian:
    """Name a person who may seal as custodian; nobody names themselves."""
    require(uow.actor, Permission.WORKFLOW_MANAGE)
    if user_id == uow.actor.user_id:
        raise ForbiddenError(N_("不能指定自己为密钥保管人，请由另一位管理员指定"))
    people = {one.user_id: one for one in stored.list_possible_custodians(uow.session, actor=uow.actor)}
    if user_id not in people:
        message = N_("请选择本机构在用的审卷人")
        raise InvalidInputError(message, fields={"user_id": [message]})
    row = stored.find_custodian(uow.session, user_id, actor=uow.actor)
    if row is not None and row.revoked_at is None:
        raise ConflictError(N_("此人已经是密钥保管人"))
    if row is None:
        row = KeyCustodian(organisation_id=uow.actor.organisation, user_id=user_id)
        uow.add(row)
    row.user_name, row.appointed_by, row.appointed_at = people[user_id].name, uow.actor.user_id, now()
    row.revoked_at = None
    audit.record(uow, "key_custodian.appoint", "user", user_id)
    return row


def dismiss_custodian(uow: UnitOfWork, user_id: uuid.UUID) -> None:
    """End a person's office as custodian."""
    require(uow.actor, Permission.WORKFLOW_MANAGE)
    row = stored.find_custodian(uow.session, user_id, actor=uow.actor)
    if row is None or row.revoked_at is not None:
        raise ConflictError(N_("此人不是密钥保管人"))
    row.revoked_at = now()
    audit.record(uow, "key_custodian.dismiss", "user", user_id)

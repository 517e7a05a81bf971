"""Showing an item with its key: noted for the audit, within the day's quota."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from kernel import audit, profiles
from kernel.clock import now, today
from kernel.errors import ForbiddenError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.uow import unit_of_work
from qbank.models.disclosures import ItemDisclosure
from qbank.models.items import Item
from qbank.repository import disclosures as repository
from qbank.rules.disclosures import QUOTA_KEY
from qbank.rules.items import ItemStatus


class QuotaExceededError(ForbiddenError):
    """A person has seen as many items with their keys today as the organisation allows."""

    code = "disclosure_quota"


def is_secret(item: Item) -> bool:
    """Say whether an item's key must not be known yet: everything that is not out of use."""
    return item.status is not ItemStatus.RETIRED


def left_today(session: Session, actor: Actor) -> int | None:
    """Return how many items with their keys a person may still see today; None where the organisation sets no limit."""
    quota = int(profiles.value(session, actor.organisation, QUOTA_KEY))
    if not quota or actor.user_id is None:
        return None
    return max(0, quota - repository.count_items(session, actor.user_id, today()))


def disclose(session: Session, actor: Actor, item: Item, version_id: uuid.UUID, *, way: str) -> None:
    """Note that a person is about to see a version with its key; the second look on a day is not noted again.

    The author of the item is not noted. The note is a transaction of its own, made before anything is shown.

    Raises
    ------
    QuotaExceededError
        If the day's quota is used up.
    """
    if actor.user_id is None or actor.user_id == item.author_id or not is_secret(item):
        return
    day = today()
    if repository.is_noted(session, actor.user_id, version_id, day):
        return
    quota = profiles.value(session, actor.organisation, QUOTA_KEY)
    if quota and repository.count_items(session, actor.user_id, day) >= quota:
        message = N_("您今天查看试题答案的数量已达上限 %(n)s 题，请明天再看，或请机构管理员调整规则方案")
        raise QuotaExceededError(message, n=quota)
    item_id, number = item.item_id, item.n_versions
    with unit_of_work(actor) as uow:
        uow.is_note = True
        uow.add(
            ItemDisclosure(
                organisation_id=actor.organisation, item_id=item_id, item_version_id=version_id,
                user_id=actor.user_id, user_name=actor.name[:100], way=way, seen_on=day, seen_at=now(),
            )
        )  # fmt: skip
        audit.record(uow, "item.disclose", "item", item_id, after={"way": way, "versions": number})

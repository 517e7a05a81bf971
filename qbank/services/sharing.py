"""Sharing a bank: one organisation offers a level's items, another accepts them for its own level, either side ends it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import update
from sqlalchemy.orm import Session

from kernel import audit
from kernel.clock import now, today
from kernel.errors import ConflictError, IllegalTransitionError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.identity.repository import find_organisation_by_code
from kernel.uow import UnitOfWork
from qbank.models.items import Item, ItemVersion
from qbank.models.sharing import BankShare, SharedItem
from qbank.models.standards import StandardLevel
from qbank.repository import items as item_repository
from qbank.repository import sharing as repository
from qbank.repository import standards
from qbank.rules.sharing import LIVE, Answers, Drift, ShareState, drift, pooled

OFFER = Permission.ITEM_EXPORT
"""Who offers the organisation's items to others, or ends that."""
ACCEPT = Permission.ITEM_IMPORT
"""Who brings items of others into reach of the organisation's forms, or ends that."""
LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Offer:
    """What the owner offers: to whom, for what, from when to when."""

    standard_level_id: uuid.UUID
    receiver_code: str
    purpose: str
    starts_on: date | None
    ends_on: date | None
    includes_trials: bool = False


def offer_share(uow: UnitOfWork, offer: Offer) -> BankShare:
    """Offer the bank of a level to another organisation, which accepts or declines.

    Raises
    ------
    InvalidInputError
        With one message beside each field.
    ConflictError
        If the two sides have an agreement on the level already.
    """
    require(uow.actor, OFFER)
    level = standards.get_level(uow.session, offer.standard_level_id, actor=uow.actor)
    receiver_id = _checked(uow, offer)
    _refuse_second(uow, level.standard_level_id, receiver_id)
    share = BankShare(
        organisation_id=uow.actor.organisation, receiver_id=receiver_id, standard_level_id=level.standard_level_id,
        includes_trials=offer.includes_trials, purpose=offer.purpose.strip(), starts_on=offer.starts_on,
        ends_on=offer.ends_on, state=ShareState.OFFERED, offered_by=uow.actor.user_id,
        offered_by_name=uow.actor.name[:100], offered_at=now(),
    )  # fmt: skip
    uow.add(share)
    uow.flush()  # the page that follows is addressed by the key
    _note(uow, "bank_share.offer", share)
    return share


def _checked(uow: UnitOfWork, offer: Offer) -> uuid.UUID:
    """Return the receiver's id; raises InvalidInputError for whatever is wrong."""
    receiver = find_organisation_by_code(uow.session, offer.receiver_code.strip())
    fields: dict[str, list[str]] = {}
    if receiver is None or not receiver.is_active:
        fields["receiver_code"] = [N_("没有这个代码的机构，请向对方核对机构代码")]
    elif receiver.organisation_id == uow.actor.organisation:
        fields["receiver_code"] = [N_("请填写其他机构的代码")]
    if not 1 <= len(offer.purpose.strip()) <= LONGEST_TEXT:
        fields["purpose"] = [N_("请写明用途，最多 300 字")]
    if offer.starts_on is None:
        fields["starts_on"] = [N_("请填写日期")]
    if offer.ends_on is None:
        fields["ends_on"] = [N_("请填写日期")]
    elif offer.ends_on < max(offer.starts_on or offer.ends_on, today()):
        fields["ends_on"] = [N_("截止日期不能早于起始日期和今天")]
    if fields or receiver is None:
        raise InvalidInputError(N_("请改正标出的内容"), fields=fields)
    return receiver.organisation_id


def _refuse_second(uow: UnitOfWork, standard_level_id: uuid.UUID, receiver_id: uuid.UUID) -> None:
    """Refuse a second agreement on a level; one whose days are over makes room for it."""
    found = repository.find_live(uow.session, standard_level_id, receiver_id)
    if found is None:
        return
    if found.ends_on >= today():
        raise ConflictError(N_("这个等级已经共享给该机构（或正待对方确认），请先终止原协议"))
    found.state = ShareState.ENDED if found.state is ShareState.ACTIVE else ShareState.WITHDRAWN
    found.ended_at, found.end_reason = now(), "期满"
    uow.flush()


def candidate_levels(session: Session, share: BankShare) -> Sequence[StandardLevel]:
    """Return the receiver's levels for which an offer may be accepted: same occupation, edition and level, published."""
    level = session.get_one(StandardLevel, share.standard_level_id)
    return repository.like_levels(session, level, organisation_id=share.receiver_id)


def accept_share(uow: UnitOfWork, bank_share_id: uuid.UUID, *, receiver_level_id: uuid.UUID, version: int) -> BankShare:
    """Accept an offer for one of the receiver's own levels, whose outline must name the same points."""
    share = _lock_offer(uow, bank_share_id, version)
    if receiver_level_id not in {level.standard_level_id for level in candidate_levels(uow.session, share)}:
        message = N_("请选择本机构同一职业、版本和等级的标准")
        raise InvalidInputError(message, fields={"receiver_level_id": [message]})
    if share.ends_on < today():
        raise IllegalTransitionError(N_("共享期限已过，请对方重新提出"))
    common = repository.common_points(uow.session, share.standard_level_id, receiver_level_id)
    if not common:
        message = N_("两边的细目表没有代码和名称都相同的鉴定点，请先核对细目表")
        raise InvalidInputError(message, fields={"receiver_level_id": [message]})
    share.state, share.receiver_level_id = ShareState.ACTIVE, receiver_level_id
    _answered(uow, share, "bank_share.accept")
    return share


def decline_share(uow: UnitOfWork, bank_share_id: uuid.UUID, *, version: int, reason: str = "") -> BankShare:
    """Turn an offer down."""
    share = _lock_offer(uow, bank_share_id, version)
    share.state, share.end_reason = ShareState.DECLINED, reason.strip()[:LONGEST_TEXT]
    _answered(uow, share, "bank_share.decline")
    return share


def _lock_offer(uow: UnitOfWork, bank_share_id: uuid.UUID, version: int) -> BankShare:
    require(uow.actor, ACCEPT)
    share = repository.lock_share(uow.session, bank_share_id, actor=uow.actor)
    if share.receiver_id != uow.actor.organisation:
        raise NotFoundError(N_("共享协议不存在"))
    if share.version != version or share.state is not ShareState.OFFERED:
        raise ConflictError(N_("共享协议已有变动，请刷新后查看"))
    return share


def _answered(uow: UnitOfWork, share: BankShare, act: str) -> None:
    share.answered_by, share.answered_by_name = uow.actor.user_id, uow.actor.name[:100]
    share.answered_at = now()
    _note(uow, act, share)


def end_share(uow: UnitOfWork, bank_share_id: uuid.UUID, *, version: int, reason: str = "") -> BankShare:
    """End an agreement, or take an offer back: no new draw takes its items; what is sealed stays usable.

    Either side ends an agreement; only the owner takes an offer back.
    """
    share = repository.lock_share(uow.session, bank_share_id, actor=uow.actor)
    is_owner = share.organisation_id == uow.actor.organisation
    require(uow.actor, OFFER if is_owner else ACCEPT)
    if share.version != version or share.state not in LIVE:
        raise ConflictError(N_("共享协议已有变动，请刷新后查看"))
    if share.state is ShareState.OFFERED and not is_owner:
        raise IllegalTransitionError(N_("还没有接受的共享，请选择接受或不接受"))
    share.state = ShareState.ENDED if share.state is ShareState.ACTIVE else ShareState.WITHDRAWN
    share.ended_by, share.ended_by_name, share.ended_at = uow.actor.user_id, uow.actor.name[:100], now()
    share.end_reason = reason.strip()[:LONGEST_TEXT]
    _note(uow, "bank_share.end" if share.state is ShareState.ENDED else "bank_share.withdraw", share)
    return share


def _note(uow: UnitOfWork, act: str, share: BankShare) -> None:
    after = {
        "state": share.state.value, "owner": str(share.organisation_id), "receiver": str(share.receiver_id),
        "level": str(share.standard_level_id), "from": share.starts_on.isoformat(), "to": share.ends_on.isoformat(),
        "receiver_level": str(share.receiver_level_id or ""), "trials": share.includes_trials,
    }  # fmt: skip
    audit.record(uow, act, "bank_share", share.bank_share_id, after=after, reason=share.end_reason or share.purpose)


# --- reading and using what is shared --------------------------------------------------------------------------------


def versions_with_items(
    session: Session, version_ids: Sequence[uuid.UUID], *, organisation_id: uuid.UUID
) -> list[tuple[ItemVersion, Item]]:
    """Return versions with their items: the organisation's own, and those of others that it may read.

    Raises
    ------
    ConflictError
        If one of them was shared once and is no longer.
    NotFoundError
        If one of them is not there for this organisation.
    """
    rows = item_repository.versions_with_items(session, version_ids, organisation_id=organisation_id)
    missing = list(set(version_ids) - {version.item_version_id for version, _item in rows})
    if not missing:
        return rows
    rows += repository.shared_versions(session, missing, receiver_id=organisation_id)
    lost = list(set(missing) - {version.item_version_id for version, _item in rows})
    if lost and repository.was_shared(session, lost, receiver_id=organisation_id):
        raise ConflictError(N_("有的试题来自已经终止的题库共享，不能再查看；请撤回未封存的试卷，重新组卷"))
    if lost:
        raise NotFoundError(N_("有的试题版本不存在，可能属于其他机构"))
    return rows


def record_shared_use(uow: UnitOfWork, item_ids: Sequence[uuid.UUID], day: date) -> int:
    """Count the use of others' items in a form that is being sealed, keep them readable for it, and return how many.

    Items of organisations that never shared anything are left alone.

    Raises
    ------
    ConflictError
        If one of them is no longer shared and stands in no sealed form yet; a form that takes the place of a sealed one
        keeps its items.
    """
    receiver_id = uow.actor.organisation
    shared = repository.shared_once(uow.session, item_ids, receiver_id=receiver_id)
    shares = repository.shares_of_items(uow.session, shared, receiver_id=receiver_id)
    known, at = repository.sealed_before(uow.session, shared, receiver_id=receiver_id), now()
    if set(shared) - set(shares) - known:
        raise ConflictError(N_("试卷中有试题来自已经终止的题库共享，不能封存；请撤回这份试卷，重新组卷"))
    for chunk in item_repository.chunks(shared):
        statement = update(Item).where(Item.item_id.in_(chunk)).values(n_used=Item.n_used + 1, last_used_on=day)
        uow.session.execute(statement.execution_options(synchronize_session=False))
    for item_id in shared:
        if item_id not in known:
            uow.add(
                SharedItem(receiver_id=receiver_id, item_id=item_id, bank_share_id=shares[item_id], sealed_at=at)
            )  # fmt: skip
    return len(shared)


# --- what the owner learns -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DriftLine:
    """One version in one organisation beside all others; `drift` is None where there are too few answers."""

    item_id: uuid.UUID
    code: str
    number: int
    organisation_id: uuid.UUID
    here: Answers
    drift: Drift | None

    @property
    def is_lead(self) -> bool:
        """Say whether the owner should look at it."""
        return self.drift is not None and self.drift.is_lead


def find_drift(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> list[DriftLine]:
    """Return how a level's shared versions did in each organisation beside all others, leads first."""
    require(actor, OFFER)
    rows = repository.answers_by_organisation(session, standard_level_id, owner_id=actor.organisation)
    by_version: dict[uuid.UUID, list[repository.AnswerRow]] = {}
    for row in rows:
        by_version.setdefault(row.item_version_id, []).append(row)
    lines = []
    for same in by_version.values():
        answers = {row.organisation_id: Answers(int(row.n), row.right / row.n) for row in same}
        for row in same:
            others = pooled(one for key, one in answers.items() if key != row.organisation_id)
            here = answers[row.organisation_id]
            found = drift(here, others)
            lines.append(DriftLine(row.item_id, row.code, row.number, row.organisation_id, here, found))
    return sorted(lines, key=lambda one: (not one.is_lead, -abs(one.drift.z) if one.drift else 0.0, one.code))

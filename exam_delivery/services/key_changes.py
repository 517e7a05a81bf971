"""Key-change cases: proposed by one person, tried on everybody's answers, approved by another, applied as a whole."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.orm import Session

from exam_delivery.models import ExamSession, KeyChange, SessionStatus
from exam_delivery.repository import key_changes as repository
from exam_delivery.repository import planning, releases
from exam_delivery.rules.amendments import (
    NEEDS_KEY,
    ChangeSource,
    ChangeState,
    KeyPolicy,
    check_pending,
)
from exam_delivery.rules.scoring import KeyedSlot, ScoringKey
from exam_delivery.services import forms, release, scoring, scoring_keys
from exam_delivery.services.analyses import enqueue_analysis
from exam_delivery.services.key_effects import Effects, find_effects
from exam_delivery.services.scoring import Keys
from item_templates import registry
from kernel import audit
from kernel.clock import now, today
from kernel.db import new_id
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.jobs.services import enqueue
from kernel.uow import UnitOfWork

APPLY_JOB = "exam_delivery.apply_key_change"
SHORTEST_REASON = 10
LONGEST_REASON = 2000


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a person proposes about one slot; `key_text` is written as in an item table: ``AC``, ``√``, ``铁|Fe；2``.

    `with_others`: the same item in the other forms of the same sessions, too, as one case.
    """

    form_id: uuid.UUID
    slot: int
    source: str
    policy: str
    reason: str
    key_text: str = ""
    is_harmless: bool = False
    sessions: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    with_others: bool = False


@dataclass(frozen=True, slots=True)
class FormInUse:
    """A form that was sat, with the sessions that are over."""

    form_id: uuid.UUID
    title: str
    sessions: list[ExamSession] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class OtherPlace:
    """Where an item stands in another form; `is_alike` says whether it reads the same there."""

    form_id: uuid.UUID
    title: str
    slot: int
    is_alike: bool


def forms_in_use(session: Session, actor: Actor) -> list[FormInUse]:
    """Return the forms of sessions that are over, latest session first."""
    require(actor, Permission.SCORE_RELEASE)
    titles = forms.titles(session, actor.organisation)
    found: dict[uuid.UUID, FormInUse] = {}
    for row in repository.finished_sessions_with_forms(session, actor=actor):
        for form_id in map(uuid.UUID, row.form_ids):
            if form_id in titles:
                found.setdefault(form_id, FormInUse(form_id, titles[form_id].title)).sessions.append(row)
    return list(found.values())


def open_key(session: Session, actor: Actor, form_id: uuid.UUID) -> ScoringKey:
    """Return the key of a form that was sat, for those who may change it."""
    if form_id not in {one.form_id for one in forms_in_use(session, actor)}:
        raise NotFoundError(N_("没有用这份试卷考完的场次"))
    return scoring_keys.load_key(session, actor.organisation, form_id)


def find_slot(key: ScoringKey, number: int) -> KeyedSlot:
    """Return one slot of a form.

    Raises
    ------
    NotFoundError
        If the form has no such slot.
    """
    slot = key.find(number)
    if slot is None:
        raise NotFoundError(N_("试卷没有第 %(slot)s 题"), slot=number)
    return slot


def new_key_text(change: KeyChange, slot: KeyedSlot) -> str:
    """Return the new key of a case as people write it."""
    content = replace(slot.content, key=scoring_keys.open_new_key(change))
    return registry.get(content.type).key_text(content)


def propose(uow: UnitOfWork, proposal: Proposal) -> KeyChange:
    """Open a case; nothing about scores changes yet.

    Raises
    ------
    InvalidInputError
        With what to mend, by field.
    ConflictError
        If another case about the same slot is not decided yet.
    """
    key = open_key(uow.session, uow.actor, proposal.form_id)
    slot = find_slot(key, proposal.slot)
    new_key = _check(proposal, slot, key)
    others = other_places(uow.session, uow.actor, proposal.form_id, slot) if proposal.with_others else []
    _refuse_other_contents(proposal, others)
    n_before = repository.lock_numbers(uow.session, uow.actor.organisation)
    _refuse_second(uow, {proposal.form_id: proposal.slot, **{one.form_id: one.slot for one in others}})
    change = _new_change(uow, proposal, new_key, n_before + 1)
    uow.add(change)
    uow.flush()  # the other rows name the first
    for number, place in enumerate(others, 2):
        uow.add(_companion(change, place, number, new_key))
    after = {
        "form": str(change.form_id), "slot": change.slot, "policy": change.policy.value, "code": change.code,
        "other_forms": {str(one.form_id): one.slot for one in others},
    }  # fmt: skip
    audit.record(uow, "key_change.propose", "key_change", change.key_change_id, after=after, reason=change.reason[:300])
    return change


def _check(proposal: Proposal, slot: KeyedSlot, key: ScoringKey) -> Any:
    """Return the new key of a proposal, None for a policy without one; raise what is wrong with it."""
    problems: dict[str, list[str]] = {}
    if proposal.policy not in set(KeyPolicy):
        problems["policy"] = [N_("请选择处理办法")]
    if proposal.source not in set(ChangeSource):
        problems["source"] = [N_("请选择来源")]
    if len(proposal.reason.strip()) < SHORTEST_REASON:
        problems["reason"] = [N_("请写明依据，至少 10 个字")]
    if proposal.policy == KeyPolicy.DROP and len(key.slots) < 2:
        problems["policy"] = [N_("试卷只有这一题，不能取消")]
    new_key = None
    if proposal.policy in NEEDS_KEY:
        try:
            new_key = _parse_key(proposal.key_text, slot)
        except ValueError:
            problems["key_text"] = [_how_to_write(slot)]
    if problems:
        raise InvalidInputError(N_("请改正标出的内容"), fields=problems)
    return new_key


def _parse_key(text: str, slot: KeyedSlot) -> Any:
    item_type = registry.get(slot.content.type)
    if slot.content.key is None or not text.strip():
        raise ValueError
    new_key = item_type.parse_key(text.strip(), slot.content)
    if new_key == slot.content.key:
        raise ValueError
    return new_key


def _how_to_write(slot: KeyedSlot) -> str:
    if slot.content.key is None:
        return N_("这道题由人评分，没有标准答案可改；请用“全部给满分”“取消此题”，或重新阅卷")
    return N_("看不出新答案，或与原答案相同；请照题库表格的写法填写，如 B、AC、√、铁|Fe；2")


def _refuse_second(uow: UnitOfWork, places: Mapping[uuid.UUID, int]) -> None:
    for other in repository.pending_of_forms(uow.session, list(places), actor=uow.actor):
        if other.slot == places[other.form_id]:
            raise ConflictError(N_("这道题已有未办结的答案变更案 %(code)s"), code=other.case_code)


def other_places(session: Session, actor: Actor, form_id: uuid.UUID, slot: KeyedSlot) -> list[OtherPlace]:
    """Return where else an item stands in the forms of the sessions that sat a form, by title.

    Forms of these sessions that nobody was given are among them: what they may still be used for follows the same key.
    """
    require(actor, Permission.SCORE_RELEASE)
    if not slot.item_version_id:
        return []
    together = {
        uuid.UUID(key)
        for row in repository.finished_sessions_with_forms(session, actor=actor)
        if str(form_id) in row.form_ids
        for key in row.form_ids
    }
    holding = forms.holding(session, actor.organisation, together - {form_id}, uuid.UUID(slot.item_version_id))
    known = forms.titles(session, actor.organisation)
    found = [
        OtherPlace(key, known[key].title, one.slot, one.content == slot.content)
        for key in holding
        if key in known
        for one in scoring_keys.load_key(session, actor.organisation, key).slots
        if (one.item_version_id, one.part) == (slot.item_version_id, slot.part)
    ]
    return sorted(found, key=lambda one: (one.title, one.slot))


def _refuse_other_contents(proposal: Proposal, others: Sequence[OtherPlace]) -> None:
    """Refuse one new key for an item that says something else in every form, such as one with drawn numbers."""
    if proposal.policy in NEEDS_KEY and not all(one.is_alike for one in others):
        message = N_(
            "这道题在各份试卷中的内容不同（例如数值不同），不能用同一个新答案；请用“全部给满分”或“取消此题”，或逐份提出"
        )
        raise InvalidInputError(N_("请改正标出的内容"), fields={"policy": [message]})


def _companion(lead: KeyChange, place: OtherPlace, number: int, new_key: Any) -> KeyChange:
    """Return the row of a case for another form."""
    key_change_id = new_id()
    same = (
        "organisation_id", "source", "policy", "is_harmless", "sessions", "rooms", "reason", "state", "proposed_by",
        "proposed_by_name", "proposed_at",
    )  # fmt: skip
    return KeyChange(
        **{name: getattr(lead, name) for name in same}, key_change_id=key_change_id, code=f"{lead.code}/{number}",
        lead_id=lead.key_change_id, form_id=place.form_id, slot=place.slot, effects={},
        key_ciphertext=None if new_key is None else scoring_keys.seal_new_key(key_change_id, new_key),
    )  # fmt: skip


def _new_change(uow: UnitOfWork, proposal: Proposal, new_key: Any, number: int) -> KeyChange:
    key_change_id = new_id()
    return KeyChange(
        key_change_id=key_change_id, organisation_id=uow.actor.organisation, code=f"BG-{today().year}-{number:05d}",
        form_id=proposal.form_id, slot=proposal.slot, source=ChangeSource(proposal.source),
        policy=KeyPolicy(proposal.policy), is_harmless=proposal.is_harmless, sessions=sorted(proposal.sessions),
        rooms=sorted(proposal.rooms), reason=proposal.reason.strip()[:LONGEST_REASON], state=ChangeState.PROPOSED,
        key_ciphertext=None if new_key is None else scoring_keys.seal_new_key(key_change_id, new_key), effects={},
        proposed_by=uow.actor.user_id, proposed_by_name=uow.actor.name[:100], proposed_at=now(),
    )  # fmt: skip


def approve(uow: UnitOfWork, key_change_id: uuid.UUID, *, confirmed_digest: str, reason: str = "") -> KeyChange:
    """Approve what was tried; a job applies it to everybody at once.

    Raises
    ------
    ForbiddenError
        If the same person proposed it.
    ConflictError
        If the effects are no longer those that were shown.
    """
    change = _lock_proposed(uow, key_change_id)
    if change.proposed_by == uow.actor.user_id:
        raise ForbiddenError(N_("答案变更须由提出人以外的人批准"))
    if find_effects(uow.session, uow.actor, change).digest != confirmed_digest:
        raise ConflictError(N_("成绩在试算之后有变化，没有批准；请核对最新试算结果"))
    change.effects_digest = confirmed_digest
    _decide(uow, change, ChangeState.APPROVED, reason)
    key = str(key_change_id)
    enqueue(uow, APPLY_JOB, {"key_change_id": key}, title=f"答案变更：{change.code}", unique_key=f"{APPLY_JOB}:{key}")
    return change


def reject(uow: UnitOfWork, key_change_id: uuid.UUID, *, reason: str) -> KeyChange:
    """Leave the key as it is, with a reason."""
    change = _lock_proposed(uow, key_change_id)
    if len(reason.strip()) < SHORTEST_REASON:
        message = N_("请写明依据，至少 10 个字")
        raise InvalidInputError(message, fields={"reason": [message]})
    _decide(uow, change, ChangeState.REJECTED, reason)
    return change


def withdraw(uow: UnitOfWork, key_change_id: uuid.UUID) -> KeyChange:
    """Take back a proposal of one's own."""
    change = _lock_proposed(uow, key_change_id)
    if change.proposed_by != uow.actor.user_id:
        raise ForbiddenError(N_("只有提出人可以撤回"))
    _decide(uow, change, ChangeState.WITHDRAWN, "")
    return change


def _lock_proposed(uow: UnitOfWork, key_change_id: uuid.UUID) -> KeyChange:
    require(uow.actor, Permission.SCORE_RELEASE)
    change = repository.get_change(uow.session, key_change_id, actor=uow.actor, lock=True)
    if change.lead_id is not None:
        raise ConflictError(N_("这份试卷随答案变更案 %(code)s 一并处理"), code=change.case_code)
    check_pending(change.state)
    return change


def _decide(uow: UnitOfWork, change: KeyChange, state: ChangeState, reason: str) -> None:
    members = repository.case_of(uow.session, change)
    for one in members:
        one.state, one.decided_at = state, now()
        one.decided_by, one.decided_by_name = uow.actor.user_id, uow.actor.name[:100]
        one.decision_reason, one.effects_digest = reason.strip()[:LONGEST_REASON], change.effects_digest
    audit.record(
        uow, f"key_change.{state.value}", "key_change", change.key_change_id,
        after={"code": change.code, "effects": change.effects_digest, "forms": [str(one.form_id) for one in members]},
        reason=reason.strip()[:300],
    )  # fmt: skip


# --- the job ---------------------------------------------------------------------------------------------------------


def apply_change(uow: UnitOfWork, key_change_id: uuid.UUID) -> Effects:
    """Give each form's amendment its number, make a new score version for everybody it touches, release corrections.

    All of it happens in the transaction that also ends the job: the case is applied to all its forms or not at all.
    """
    change = repository.get_change(uow.session, key_change_id, actor=uow.actor, lock=True)
    if change.state is not ChangeState.APPROVED:
        raise ConflictError(N_("这个答案变更案没有等待生效"))
    effects = find_effects(uow.session, uow.actor, change)
    members = repository.case_of(uow.session, change)
    for one in members:
        one.number = repository.next_number(uow.session, one.form_id)
        one.state, one.applied_at, one.effects = ChangeState.APPLIED, now(), effects.counts_of(one.form_id)
    change.effects = effects.counts
    uow.flush()  # the keys below are read with this amendment
    scoring.score_attempts(uow, effects.touched, Keys(uow.actor.organisation), None)
    uow.flush()  # releases read the new versions
    _follow_up(uow, effects)
    audit.record(
        uow, "key_change.apply", "key_change", key_change_id,
        after={
            "code": change.code, "number": change.number, "forms": {str(one.form_id): one.number for one in members},
            **effects.counts,
        },
    )  # fmt: skip
    return effects


def _follow_up(uow: UnitOfWork, effects: Effects) -> None:
    """Bring sessions back into order, and announce the corrected results of batches that were released."""
    sittings = [planning.get_session(uow.session, key, actor=uow.actor) for key in sorted(effects.exam_session_ids)]
    for row in sittings:
        if row.status is SessionStatus.RELEASED:
            enqueue_analysis(uow, row)
        else:
            scoring.settle(uow, row.exam_session_id)
    batches = {row.exam_batch_id for row in sittings if row.status is SessionStatus.RELEASED}
    for exam_batch_id in sorted(batches):
        if releases.find_release_of_batch(uow.session, exam_batch_id, actor=uow.actor):
            release.release_correction(uow, exam_batch_id)

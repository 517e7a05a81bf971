"""Items out of use: swapped out of every form that nobody has sat yet in one act, sized in those that were sat.

A draft gets another item in the place. So does a form under review or approved, which is then reviewed again. What was
sealed never changes: a copy with another item takes its place, and goes to review, so that a second person approves it.
"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints import repository_uses as uses
from blueprints.models import ExamForm, FormSlot
from blueprints.rules.states import ChangeKind, FormAct, FormStatus
from blueprints.services.bench import load_bench
from blueprints.services.changes import change_form, place_of
from blueprints.services.form_sets import reopen_set
from blueprints.services.held import find_held
from blueprints.services.quality import copies_of_offers
from blueprints.services.runs import note_decision
from blueprints.services.sittings import FormSitting, sittings_of
from blueprints.services.swaps import new_place, swap_candidates
from kernel import audit
from kernel.clock import now
from kernel.errors import ConflictError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank import public as qbank
from qbank.public_changes import QuarantineInfo

LONGEST_LABEL = 8


class Outcome(enum.StrEnum):
    """What became of an item in one form."""

    REPLACED = "replaced"
    SUCCESSOR = "successor"
    HAS_SUCCESSOR = "has_successor"
    LOCKED = "locked"
    NO_ITEM = "no_item"
    NO_BLUEPRINT = "no_blueprint"
    NOT_SHARED = "not_shared"


OUTCOME_LABELS = {
    Outcome.REPLACED: N_("已替换"),
    Outcome.SUCCESSOR: N_("已另成替代卷，待审核"),
    Outcome.HAS_SUCCESSOR: N_("已有替代卷"),
    Outcome.LOCKED: N_("题位已锁定，没有替换"),
    Outcome.NO_ITEM: N_("没有替换后仍符合全部要求的试题"),
    Outcome.NO_BLUEPRINT: N_("不是按蓝图组成的试卷，请人工处理"),
    Outcome.NOT_SHARED: N_("含有已终止共享的试题，请撤回后重新组卷"),
}


@dataclass(frozen=True, slots=True)
class Delivered:
    """A form that was sat with the item in it: by how many, and what the item is worth there."""

    form: ExamForm
    slot: FormSlot
    sittings: Sequence[FormSitting]

    @property
    def n_started(self) -> int:
        """How many answered the form."""
        return sum(sitting.n_started for sitting in self.sittings)

    @property
    def share_percent(self) -> Decimal:
        """The item's share of the form's marks."""
        total = self.form.total_score
        return (100 * self.slot.score / total).quantize(Decimal("0.1")) if total else Decimal(0)


@dataclass(frozen=True, slots=True)
class Affected:
    """A form that nobody has sat yet: where the item stands, and the sessions that count on the form."""

    form: ExamForm
    slot: FormSlot
    sittings: Sequence[FormSitting]
    successors: Sequence[ExamForm]


@dataclass(frozen=True, slots=True)
class Extent:
    """Everything an item out of use touches."""

    held: QuarantineInfo
    open_forms: list[Affected]
    delivered: list[Delivered]

    @property
    def n_started(self) -> int:
        """How many candidates met the item."""
        return sum(one.n_started for one in self.delivered)

    @property
    def n_candidate_marks(self) -> Decimal:
        """Marks at stake, summed over the candidates who met the item."""
        return sum((one.n_started * one.slot.score for one in self.delivered), Decimal(0))


@dataclass(frozen=True, slots=True)
class FormOutcome:
    """What the sweep did to one form; `code` is the item that came in, `form` the form that holds it now."""

    form: ExamForm
    outcome: Outcome
    code: str = ""


def find_extent(session: Session, actor: Actor, item_id: uuid.UUID) -> Extent:
    """Return the forms an item out of use stands in: those to mend, and those that were sat.

    Raises
    ------
    NotFoundError
        If the item is not in quarantine in the actor's organisation.
    """
    held = find_held(session, actor, [item_id]).get(item_id)
    if held is None:
        raise NotFoundError(N_("这道题没有暂停使用，或者已经恢复"))
    forms = uses.forms_holding(session, item_id, actor=actor)
    sittings = sittings_of(session, actor.organisation, [form.exam_form_id for form in forms])
    extent = Extent(held, [], [])
    for form in forms:
        slot, here = _slot_of(form, item_id), sittings.get(form.exam_form_id, [])
        if any(one.has_begun for one in here):
            extent.delivered.append(Delivered(form, slot, [one for one in here if one.has_begun]))
        else:
            successors = uses.list_replacing(session, form.exam_form_id, actor=actor)
            extent.open_forms.append(Affected(form, slot, here, successors))
    return extent


def count_to_mend(session: Session, actor: Actor) -> int:
    """Return how many forms that are not sealed yet hold items out of use."""
    return uses.count_in_work(session, list(find_held(session, actor)), actor=actor)


def count_sessions_to_change(session: Session, actor: Actor) -> int:
    """Return how many sessions still count on a form whose place another sealed form has taken, before they begin."""
    found = sittings_of(session, actor.organisation, uses.superseded_forms(session, actor=actor))
    return len({one.session_id for sittings in found.values() for one in sittings if not one.has_begun})


def _slot_of(form: ExamForm, item_id: uuid.UUID) -> FormSlot:
    return next(slot for slot in form.slots if slot.item_id == item_id)


def sweep(uow: UnitOfWork, item_id: uuid.UUID) -> list[FormOutcome]:
    """Swap an item in quarantine out of every form that nobody has sat yet; forms left as they are say why."""
    require(uow.actor, Permission.FORM_ASSEMBLE)
    extent = find_extent(uow.session, uow.actor, item_id)
    done = [_mend(uow, affected, extent.held) for affected in extent.open_forms]
    audit.record(
        uow, "item.sweep", "item", item_id,
        after={
            "forms": {str(one.form.exam_form_id): one.outcome.value for one in done},
            "delivered": len(extent.delivered), "candidates": extent.n_started,
        },
        reason=extent.held.reason or None,
    )  # fmt: skip
    return done


def _mend(uow: UnitOfWork, affected: Affected, held: QuarantineInfo) -> FormOutcome:
    form = repository.lock_form(uow.session, affected.form.exam_form_id, actor=uow.actor)
    left = _left_alone(uow, form, affected)
    if left is not None:
        return left
    entry = _replacement(uow, form, affected.slot.slot)
    if entry is None:
        return FormOutcome(form, Outcome.NO_ITEM)
    if form.status is FormStatus.SEALED:
        successor = _successor(uow, form)
        _replace(uow, successor, affected.slot.item_id, entry, held)
        return FormOutcome(successor, Outcome.SUCCESSOR, entry.code)
    _replace(uow, form, affected.slot.item_id, entry, held)
    if form.status is FormStatus.APPROVED:
        _review_again(uow, form)
    return FormOutcome(form, Outcome.REPLACED, entry.code)


def _review_again(uow: UnitOfWork, form: ExamForm) -> None:
    """Send an approved form back to review; one of a set with all the others."""
    if form.form_set_id is not None and form.replaces_form_id is None:
        reopen_set(uow, form.form_set_id)
    else:
        form.status, form.approved_by = FormStatus.IN_REVIEW, None


def _left_alone(uow: UnitOfWork, form: ExamForm, affected: Affected) -> FormOutcome | None:
    """Return why a form is not touched, None when it may be mended."""
    if form.assembly_run_id is None:
        return FormOutcome(form, Outcome.NO_BLUEPRINT)
    if affected.slot.is_locked:
        return FormOutcome(form, Outcome.LOCKED)
    if form.status is FormStatus.SEALED and affected.successors:
        return FormOutcome(affected.successors[-1], Outcome.HAS_SUCCESSOR)
    return None if _is_readable(uow, affected.form) else FormOutcome(form, Outcome.NOT_SHARED)


def _is_readable(uow: UnitOfWork, form: ExamForm) -> bool:
    """Say whether no item of a form comes from a bank that is no longer shared with it."""
    try:
        qbank.load_contents(uow.session, uow.actor, [slot.item_version_id for slot in form.slots])
    except ConflictError:
        return False
    return True


def _replacement(uow: UnitOfWork, form: ExamForm, slot: int) -> qbank.PoolEntry | None:
    """Return the nearest item that keeps every rule and is no near-copy, or None; items out of use are not in the pool."""
    found = swap_candidates(load_bench(uow.session, uow.actor, form), slot)
    copies = copies_of_offers(uow.session, uow.actor, form, found, but_slot=slot)
    return next((entry for entry in found if entry.item_id not in copies), None)


def _replace(uow: UnitOfWork, form: ExamForm, item_id: uuid.UUID, entry: qbank.PoolEntry, held: QuarantineInfo) -> None:
    bench, place = load_bench(uow.session, uow.actor, form), place_of(_slot_of(form, item_id))
    put = new_place(bench, entry, place.slot, place.section)
    comment = f"停用替换：{place.item_code} → {entry.code}（{held.reason}）"
    change_form(uow, form, ChangeKind.QUARANTINE, take=[place], put=[put], comment=comment)


def _successor(uow: UnitOfWork, form: ExamForm) -> ExamForm:
    """Copy a sealed form into one that is to take its place, already on its way to a second person."""
    number = uses.count_replacing(uow.session, form.exam_form_id) + 1
    label = f"{form.label}修{number}"
    if len(label) > LONGEST_LABEL:
        raise ConflictError(N_("试卷“%(name)s”的替代卷太多，请重新组卷"), name=form.name)
    kept = (
        "organisation_id", "assembly_run_id", "exam_blueprint_id", "standard_level_id", "occupation_code",
        "occupation_name", "level_code", "level_name", "edition_label", "name", "duration_minutes", "total_score",
        "n_slots", "form_set_id",
    )  # fmt: skip
    copy = ExamForm(
        **{name: getattr(form, name) for name in kept}, label=label, status=FormStatus.IN_REVIEW,
        created_by=uow.actor.user_id, created_at=now(), updated_at=now(), submitted_by=uow.actor.user_id,
        replaces_form_id=form.exam_form_id, slots=[_copied(slot) for slot in form.slots],
    )  # fmt: skip
    uow.add(copy)
    uow.flush()  # changes and decisions name the form by its key
    note_decision(uow, copy, FormAct.ACCEPT, f"替代已封存的试卷 {form.name} {form.label}".strip())
    return copy


def _copied(slot: FormSlot) -> FormSlot:
    place = replace(place_of(slot), is_locked=False)
    return FormSlot(
        slot=place.slot, section=place.section, item_id=place.item_id, item_version_id=place.item_version_id,
        item_code=place.item_code, type=place.type, point=place.point, importance=place.importance,
        difficulty=place.difficulty, score=place.score, is_locked=place.is_locked,
    )  # fmt: skip

"""Who must keep away from a form: relations to its authors, to who assembled it, and to who is to sit it."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.models import ExamForm
from blueprints.rules.states import FormAct
from kernel import conflicts
from kernel.conflicts import ConflictOfInterestError, CycleRole, Party
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.identity.repository import user_names
from qbank.public_people import people_of_versions

MAKING = frozenset({FormAct.ACCEPT, FormAct.SWAP, FormAct.SUBMIT})


def why_not_approve(
    session: Session,
    actor: Actor,
    form: ExamForm,
    *,
    authors: Collection[uuid.UUID],
    makers: Collection[uuid.UUID | None],
) -> ConflictOfInterestError | None:
    """Return the rule of recusal that forbids this person to approve a form, or None."""
    others = [Party(CycleRole.AUTHOR, key) for key in authors] + [Party(CycleRole.ASSEMBLER, key) for key in makers]
    others += conflicts.candidates_of_form(session, actor.organisation, form.exam_form_id)
    approver = Party(CycleRole.APPROVER, actor.user_id, actor.name)
    try:
        conflicts.require_none(session, actor.organisation, [approver], others)
    except ConflictOfInterestError as exc:
        return exc
    return None


def check_opening(session: Session, actor: Actor, form_id: uuid.UUID) -> None:
    """Refuse who is related to a candidate of a form to look into it; raises ConflictOfInterestError."""
    candidates = conflicts.candidates_of_form(session, actor.organisation, form_id)
    role = CycleRole.APPROVER if actor.may(Permission.FORM_APPROVE) else CycleRole.ASSEMBLER
    conflicts.require_none(session, actor.organisation, [Party(role, actor.user_id, actor.name)], candidates)


def form_people(session: Session, actor: Actor, form_ids: Sequence[uuid.UUID]) -> list[Party]:
    """Return who made some forms, each person once in each role."""
    forms = repository.forms_with_slots(session, form_ids, actor=actor)
    versions = [slot.item_version_id for form in forms for slot in form.slots]
    authors, reviewers = people_of_versions(session, actor.organisation, versions)
    alike = {form.form_set_id or form.exam_form_id: form for form in forms}
    steps = [step for form in alike.values() for step in repository.list_decisions(session, form.exam_form_id)]
    by_role: dict[CycleRole, set[uuid.UUID | None]] = {
        CycleRole.AUTHOR: {*authors},
        CycleRole.REVIEWER: {*reviewers},
        CycleRole.ASSEMBLER: {form.created_by for form in forms} | {s.decided_by for s in steps if s.act in MAKING},
        CycleRole.APPROVER: {form.approved_by for form in forms},
    }
    names = user_names(session, [key for keys in by_role.values() for key in keys if key])
    return [
        Party(role, key, names.get(key, ""))
        for role, keys in by_role.items()
        for key in sorted(keys - {None}, key=str)
        if key
    ]

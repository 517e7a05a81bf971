"""Reading versions of blueprints and the steps of their approval; the caller has found the blueprint inside its walls."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from blueprints.models import BlueprintDecision, BlueprintVersion, ExamBlueprint, ExamForm, FormPackage, FormSlot
from blueprints.rules.blueprint_states import APPROVING
from blueprints.rules.states import BlueprintStatus, FormStatus
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor

MOST = 500


def find_version(session: Session, blueprint_id: uuid.UUID, number: int) -> BlueprintVersion | None:
    """Return a version of a blueprint, or None."""
    return session.scalar(
        select(BlueprintVersion).where(
            BlueprintVersion.exam_blueprint_id == blueprint_id, BlueprintVersion.number == number
        )
    )


def get_version(session: Session, blueprint_id: uuid.UUID, number: int) -> BlueprintVersion:
    """Return a version of a blueprint; raises NotFoundError."""
    found = find_version(session, blueprint_id, number)
    if found is None:
        raise NotFoundError(N_("蓝图没有第 %(n)s 版"), n=number)
    return found


def list_versions(session: Session, blueprint_id: uuid.UUID) -> Sequence[BlueprintVersion]:
    """Return the versions of a blueprint, newest first."""
    query = select(BlueprintVersion).where(BlueprintVersion.exam_blueprint_id == blueprint_id)
    return session.scalars(query.order_by(BlueprintVersion.number.desc()).limit(MOST)).all()


def list_steps(session: Session, blueprint_id: uuid.UUID) -> Sequence[BlueprintDecision]:
    """Return the steps of a blueprint, newest first."""
    query = select(BlueprintDecision).where(BlueprintDecision.exam_blueprint_id == blueprint_id)
    newest = (BlueprintDecision.decided_at.desc(), BlueprintDecision.exam_blueprint_decision_id.desc())
    return session.scalars(query.order_by(*newest).limit(MOST)).all()


def approved_at(session: Session, blueprint_id: uuid.UUID, number: int) -> datetime | None:
    """Return when a version was approved, or let through without; None when it was not."""
    session.flush()  # a step of this very act counts
    return session.scalar(
        select(func.max(BlueprintDecision.decided_at)).where(
            BlueprintDecision.exam_blueprint_id == blueprint_id,
            BlueprintDecision.number == number,
            BlueprintDecision.act.in_(APPROVING),
        )
    )


def count_waiting(session: Session, *, actor: Actor) -> int:
    """Return how many blueprints wait for somebody else than the actor to approve them."""
    rows = session.scalars(
        select(ExamBlueprint).where(
            ExamBlueprint.organisation_id == actor.organisation,
            ExamBlueprint.status == BlueprintStatus.PUBLISHED,
            ExamBlueprint.approved_at.is_(None),
        )
    )
    return sum(1 for row in rows if str(actor.user_id) not in row.editors)


def last_sealed_forms(
    session: Session, standard_level_id: uuid.UUID, last: int, *, but: Collection[uuid.UUID], actor: Actor
) -> list[list[uuid.UUID]]:
    """Return the items of the last sealed forms of a level, the latest first, sets left out; some forms may be left out."""
    forms = (
        select(ExamForm.exam_form_id)
        .join(FormPackage, FormPackage.exam_form_id == ExamForm.exam_form_id)
        .where(
            ExamForm.organisation_id == actor.organisation,
            ExamForm.standard_level_id == standard_level_id,
            ExamForm.status == FormStatus.SEALED,
            ExamForm.form_set_id.is_(None),
            ExamForm.exam_form_id.not_in(but),
        )
        .order_by(FormPackage.sealed_at.desc(), ExamForm.label.desc())
        .limit(last)
    )
    keys = list(session.scalars(forms))
    found: dict[uuid.UUID, list[uuid.UUID]] = {key: [] for key in keys}
    for form_id, item_id in session.execute(
        select(FormSlot.exam_form_id, FormSlot.item_id).where(FormSlot.exam_form_id.in_(keys))
    ):
        found[form_id].append(item_id)
    return list(found.values())

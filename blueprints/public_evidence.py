"""What a pack of evidence may say of a form: its blueprint, its items, who approved and sealed it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from blueprints.models import AssemblyRun, BlueprintVersion, ExamForm, FormDecision, FormPackage, FormSlot
from blueprints.rules.states import ACT_LABELS, FormAct
from blueprints.services import sealing
from blueprints.services.sealing import Part
from kernel.canonical import digest, facts_of
from kernel.identity.actor import system_actor

FORM = (
    "exam_form_id", "name", "label", "occupation_code", "occupation_name", "level_code", "level_name", "edition_label",
    "duration_minutes", "total_score", "n_slots", "created_by", "created_at", "submitted_by", "approved_by",
)  # fmt: skip
SLOT = ("slot", "section", "item_id", "item_version_id", "item_code", "type", "point", "score")
DECISION = ("act", "comment", "decided_by", "decided_by_name", "decided_at")
PACKAGE = ("form_package_id", "title", "delivery_digest", "scoring_digest", "sealed_by", "sealed_at")
RUN = (
    "assembly_run_id",
    "n_forms",
    "seed",
    "pool_digest",
    "blueprint_version",
    "created_by",
    "created_at",
    "accepted_at",
)


@dataclass(frozen=True, slots=True)
class FormEvidence:
    """One sealed form as JSON values; `delivery` and `scoring` are the sealed documents, as they were sealed."""

    form: dict[str, Any]
    blueprint: dict[str, Any]
    slots: list[dict[str, Any]]
    item_version_ids: list[uuid.UUID]
    decisions: list[dict[str, Any]]
    package: dict[str, Any]
    delivery: dict[str, Any]
    scoring: dict[str, Any]


def act_label(act: str) -> str:
    """Return what was decided on a form, in Chinese.

    Examples
    --------
    >>> act_label("seal")
    '封存'
    """
    return ACT_LABELS[FormAct(act)]


def load_form_evidence(session: Session, organisation_id: uuid.UUID, form_id: uuid.UUID) -> FormEvidence | None:
    """Return what is known of a sealed form, None when the organisation has none.

    Parameters
    ----------
    session : Session
        For reading.
    organisation_id : UUID
        Whose walls hold.
    form_id : UUID

    Raises
    ------
    SealBrokenError
        If anything of it was changed since sealing.

    Notes
    -----
    The caller answers for who may see the two documents: they hold items and keys.
    """
    form = session.get(ExamForm, form_id)
    package = session.scalar(select(FormPackage).where(FormPackage.exam_form_id == form_id))
    if form is None or package is None or form.organisation_id != organisation_id:
        return None
    actor = system_actor(organisation_id, name="evidence")
    slots = session.scalars(select(FormSlot).where(FormSlot.exam_form_id == form_id).order_by(FormSlot.slot)).all()
    decided = select(FormDecision).where(FormDecision.exam_form_id == form_id)
    return FormEvidence(
        form=facts_of(form, *FORM),
        blueprint=_blueprint(session, form),
        slots=[facts_of(slot, *SLOT) for slot in slots],
        item_version_ids=[slot.item_version_id for slot in slots],
        decisions=[facts_of(row, *DECISION) for row in session.scalars(decided.order_by(FormDecision.decided_at))],
        package=facts_of(package, *PACKAGE),
        delivery=sealing.open_part(session, actor, form_id, Part.DELIVERY),
        scoring=sealing.open_part(session, actor, form_id, Part.SCORING),
    )


def _blueprint(session: Session, form: ExamForm) -> dict[str, Any]:
    """Return the blueprint as it was when the form was drawn, and the numbered version that was approved."""
    run = session.get(AssemblyRun, form.assembly_run_id) if form.assembly_run_id else None
    if run is None:
        return {"name": "", "spec": {}, "spec_digest": digest({}), "run": None, "approved_version": None}
    version = session.scalar(
        select(BlueprintVersion).where(
            BlueprintVersion.exam_blueprint_id == run.exam_blueprint_id,
            BlueprintVersion.number == (run.blueprint_version or 0),
        )
    )
    names = ("number", "name", "n_items", "total_score", "created_by_name", "created_at")
    return {
        "exam_blueprint_id": str(run.exam_blueprint_id),
        "name": run.blueprint_name,
        "spec": run.spec,
        "spec_digest": digest(run.spec),
        "run": facts_of(run, *RUN),
        "approved_version": facts_of(version, *names) if version else None,
    }

"""What a newly analysed session changes for its level: parameters on the common scale, and items that became easier."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from exam_delivery import public as exam_delivery
from exam_delivery import public_statistics as sittings
from exam_delivery.public import FoundLead, LeadKind
from kernel.clock import today
from kernel.identity.actor import Actor
from kernel.uow import UnitOfWork
from qbank import public_statistics as bank
from qbank.public_statistics import Carrier, ParameterRow
from web.analysis.drift import Anchor, Change, Comparison, Sitting, anchors, compare_session
from web.analysis.pooling import pooled_rows
from web.analysis.scale import Scale, common_scale, read_calibration

DIGITS = 6


def update_level(uow: UnitOfWork, exam_session_id: uuid.UUID) -> None:
    """Keep the level's parameters and pooled facilities anew and raise items of the session that became easier."""
    standard_level_id = sittings.level_of_session(uow.session, uow.actor, exam_session_id)
    scale = level_scale(uow.session, uow.actor, standard_level_id)
    if scale:
        rows = [
            ParameterRow(key, "rasch", round(one.a, DIGITS), round(one.b, DIGITS), 0.0, one.b_error, one.n)
            for key, one in scale.items.items()
        ]
        bank.record_parameters(uow, standard_level_id, rows, scale=scale.base, computed_on=today())
    history = bank.load_history(uow.session, uow.actor, standard_level_id)
    pooled = pooled_rows(history, bank.list_kinds(uow.session, uow.actor, standard_level_id))
    bank.record_pooled(uow, standard_level_id, pooled, computed_on=today())
    known = known_sittings(uow.session, uow.actor, standard_level_id)
    found = anchors(history, known)
    if exam_session_id in known:
        _raise_leads(uow, compare_session(found, known[exam_session_id]))


def level_scale(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> Scale | None:
    """Return the common scale of a level's calibrated sessions, that of the earliest."""
    rows = sittings.list_level_analyses(session, actor, standard_level_id)
    read = [
        read_calibration(f"{row.name} {one.report['title']}".strip(), str(row.exam_session_id), one.report)
        for row, one in rows
    ]
    return common_scale([one for one in read if one])


def level_anchors(
    session: Session, actor: Actor, standard_level_id: uuid.UUID, *, carrier: Carrier = Carrier.ALL
) -> tuple[list[Anchor], dict[uuid.UUID, Sitting]]:
    """Return the versions of a level with their uses in analysed sessions, and those sessions; on one carrier if asked."""
    known = known_sittings(session, actor, standard_level_id)
    return anchors(bank.load_history(session, actor, standard_level_id, carrier=carrier), known), known


def known_sittings(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> dict[uuid.UUID, Sitting]:
    """Return the analysed sessions of a level."""
    return {
        row.exam_session_id: Sitting(row.exam_session_id, row.session_name, row.starts_at)
        for row in sittings.list_trends(session, actor, standard_level_id)
    }


def _raise_leads(uow: UnitOfWork, comparison: Comparison) -> None:
    """Keep a lead for each flagged version, with the form in which it stood."""
    flagged = [one for one in comparison.changes if one.is_flagged]
    forms = _forms_of(uow.session, uow.actor, comparison.sitting.exam_session_id)
    by_form: dict[uuid.UUID, list[FoundLead]] = {}
    for one in flagged:
        form_id = forms.get(str(one.anchor.item_version_id))
        if form_id:
            by_form.setdefault(form_id, []).append(_lead(one, comparison.n_common))
    for form_id, leads in by_form.items():
        exam_delivery.store_leads(uow, comparison.sitting.exam_session_id, form_id, leads)


def _forms_of(session: Session, actor: Actor, exam_session_id: uuid.UUID) -> Mapping[str, uuid.UUID]:
    _row, analyses = exam_delivery.find_analyses(session, actor, exam_session_id)
    return {item["item_version_id"]: one.form_id for one in analyses for item in one.report["items"]}


def _lead(change: Change, n_common: int) -> FoundLead:
    evidence = {
        "code": change.anchor.code, "number": change.anchor.number, "n_before": change.n_before,
        "p_before": round(change.p_before, 3), "n_now": change.n_now, "p_now": round(change.p_now, 3),
        "shift": round(change.shift, 2), "robust_z": round(change.robust_z, 2), "n_common": n_common,
    }  # fmt: skip
    return FoundLead(LeadKind.DRIFT, (), change.p_value, evidence, change.anchor.item_version_id)


def changes_over_time(found: Sequence[Anchor], known: Mapping[uuid.UUID, Sitting], *, limit: int) -> list[Comparison]:
    """Return the latest sessions against those before each of them, the latest first."""
    ordered = sorted(known.values(), key=lambda one: (one.starts_at, one.exam_session_id), reverse=True)
    return [compare_session(found, one) for one in ordered[:limit]]

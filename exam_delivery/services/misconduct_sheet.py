"""A misconduct case as a printed form: facts, the candidate's statement, photos, signatures, decision."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from exam_delivery.documents.misconduct import CaseSheet, case_pdf
from exam_delivery.repository import incidents as incidents_repository
from exam_delivery.repository import planning, seating
from exam_delivery.rules.misconduct import BREACH_LABELS, CaseState
from exam_delivery.rules.rulings import TIER_LABELS
from exam_delivery.services import incidents, misconduct
from kernel.clock import OFFICIAL_ZONE, now
from kernel.identity.actor import Actor
from kernel.identity.repository import get_organisation

MOMENT = "%Y-%m-%d %H:%M"
MAX_PHOTOS = 6


def print_case(session: Session, misconduct_case_id: uuid.UUID, *, actor: Actor) -> tuple[str, bytes]:
    """Return name and PDF of a case."""
    (case, registration, candidate, sitting), signed = misconduct.view_case(session, misconduct_case_id, actor=actor)
    batch = planning.get_batch(session, sitting.exam_batch_id, actor=actor)
    photos = incidents_repository.photos_of(session, registration.registration_id)[:MAX_PHOTOS]
    verdict = TIER_LABELS[case.tier] if case.tier else "不予认定" if case.state is CaseState.DISMISSED else ""
    sheet = CaseSheet(
        organisation=get_organisation(session, case.organisation_id).name, code=case.code,
        exam_title=batch.name, occupation_level=f"{batch.occupation_name} {batch.level_name}",
        session_name=sitting.name, exam_time=f"{sitting.starts_at.astimezone(OFFICIAL_ZONE):%Y-%m-%d %H:%M}",
        place=f"{seating.name_of(session, case.exam_room_id)} {registration.seat_number or ''}".strip(),
        name=candidate.name, admission_number=registration.admission_number or "", id_number=candidate.id_number_mask,
        breach=BREACH_LABELS[case.breach], facts=case.facts,
        statement="考生拒绝陈述" if case.is_statement_refused else case.statement,
        noted=f"{case.proposed_by_name} {case.proposed_at.astimezone(OFFICIAL_ZONE):{MOMENT}}",
        signatures=tuple((one.user_name, f"{one.signed_at.astimezone(OFFICIAL_ZONE):{MOMENT}}") for one in signed),
        digest=misconduct.digest_of(case), verdict=verdict, reason=case.decision_reason if verdict else "",
        decided=f"{case.decided_by_name} {case.decided_at.astimezone(OFFICIAL_ZONE):{MOMENT}}" if case.decided_at else "",
        photos=tuple(
            incidents.read_photo(session, actor, case.exam_session_id, one.incident_evidence_id) for one in photos
        ),
    )  # fmt: skip
    return f"违纪案-{case.code}.pdf", case_pdf(sheet, created_at=now().replace(microsecond=0))

"""What other systems pull: certificates and decisions in the order in which they happened, by a cursor.

Keys of rows sort by the moment they were made. What was made in the last seconds is left for the next call: an act that was
still being committed could otherwise be passed over.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from certification.models import (
    Certificate,
    CertificateAct,
    CertificateEvent,
    CertificationBatch,
    PassDecisionRecord,
    ResultRecord,
)
from certification.services.lookup import state_on
from kernel.clock import now, today
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.national_id import mask_name

SETTLED = dt.timedelta(seconds=10)
PUBLIC_ACTS = (
    CertificateAct.ISSUED, CertificateAct.HELD, CertificateAct.RELEASED, CertificateAct.SUPERSEDED, CertificateAct.REVOKED,
)  # fmt: skip


def _settled() -> uuid.UUID:
    """Return the key before which every act is surely committed: version 7 keys begin with their milliseconds."""
    return uuid.UUID(int=int((now() - SETTLED).timestamp() * 1000) << 80)


def certificate_changes(session: Session, actor: Actor, cursor: uuid.UUID | None, *, limit: int) -> dict[str, Any]:
    """Return public acts on the organisation's certificates after a cursor, masked."""
    require(actor, Permission.CERTIFICATION_READ)
    query = (
        select(CertificateEvent, Certificate)
        .join(Certificate, Certificate.certificate_id == CertificateEvent.certificate_id)
        .where(
            CertificateEvent.organisation_id == actor.organisation, CertificateEvent.act.in_(PUBLIC_ACTS),
            Certificate.issued_at.is_not(None), CertificateEvent.certificate_event_id < _settled(),
        )
        .order_by(CertificateEvent.certificate_event_id)
        .limit(limit + 1)
    )  # fmt: skip
    if cursor is not None:
        query = query.where(CertificateEvent.certificate_event_id > cursor)
    rows = [(row[0], row[1]) for row in session.execute(query)]
    changes = [_certificate_change(event, row) for event, row in rows[:limit]]
    last = rows[min(limit, len(rows)) - 1][0].certificate_event_id if rows else cursor
    return {"changes": changes, "next_cursor": last, "has_more": len(rows) > limit}


def _certificate_change(event: CertificateEvent, row: Certificate) -> dict[str, Any]:
    return {
        "event_id": event.certificate_event_id, "act": event.act.value, "at": event.at, "number": row.number,
        "state": state_on(row, today()), "name": mask_name(row.name), "id_number": row.id_number_mask,
        "occupation_code": row.occupation_code, "occupation": row.occupation_name, "trade": row.trade_name,
        "level_code": row.level_code, "level": row.level_name, "issued_on": row.issued_on, "expires_on": row.expires_on,
        "superseded_by": row.superseded_by, "batch_id": row.certification_batch_id,
    }  # fmt: skip


def result_changes(session: Session, actor: Actor, cursor: uuid.UUID | None, *, limit: int) -> dict[str, Any]:
    """Return decisions about the organisation's candidates after a cursor, masked."""
    require(actor, Permission.CERTIFICATION_READ)
    query = (
        select(PassDecisionRecord, ResultRecord, CertificationBatch.code)
        .join(ResultRecord, ResultRecord.result_record_id == PassDecisionRecord.result_record_id)
        .join(CertificationBatch, CertificationBatch.certification_batch_id == ResultRecord.certification_batch_id)
        .where(
            PassDecisionRecord.organisation_id == actor.organisation, PassDecisionRecord.pass_decision_id < _settled()
        )
        .order_by(PassDecisionRecord.pass_decision_id)
        .limit(limit + 1)
    )
    if cursor is not None:
        query = query.where(PassDecisionRecord.pass_decision_id > cursor)
    rows = [(row[0], row[1], row[2]) for row in session.execute(query)]
    changes = [_result_change(*row) for row in rows[:limit]]
    last = rows[min(limit, len(rows)) - 1][0].pass_decision_id if rows else cursor
    return {"changes": changes, "next_cursor": last, "has_more": len(rows) > limit}


def _result_change(decision: PassDecisionRecord, record: ResultRecord, batch_code: str) -> dict[str, Any]:
    return {
        "decision_id": decision.pass_decision_id, "decided_at": decision.decided_at, "number": decision.number,
        "outcome": decision.outcome.value, "batch_id": record.certification_batch_id, "batch_code": batch_code,
        "admission_number": record.admission_number, "name": mask_name(record.name), "id_number": record.id_number_mask,
    }  # fmt: skip

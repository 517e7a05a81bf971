"""The entries of a pack about people: results, decisions, publicity, roster, certificates."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from certification.models import Certificate, CertificateStatement, ResultRecord
from certification.repository import batches as batch_repository
from certification.repository import certificates as certificate_repository
from certification.repository import evidence as repository
from certification.repository import rosters as roster_repository
from certification.repository import scores as score_repository
from certification.repository.inbound import deliveries_of
from certification.rules.evidence import without
from certification.services.certificates import said_by
from certification.services.evidence_entries import FREE_TEXTS, Collector
from certification.services.personal import read_number
from kernel.canonical import facts_of, plain_value
from kernel.national_id import mask_id_public, mask_name

PERSON = (
    "result_record_id", "candidate_id", "attempt_id", "admission_number", "id_kind", "sex", "birth_date", "phone", "email",
    "employer", "years_in_occupation", "position", "joined_on", "outcome",
)  # fmt: skip
PRIVATE = ("sex", "birth_date", "phone", "email", "employer", "years_in_occupation", "position", "joined_on")
COMPONENT = ("mode", "number", "state", "score", "origin", "entered_by", "entered_at", "score_delivery_id")
DELIVERY = (
    "score_delivery_id", "webhook_id", "body_digest", "file_name", "uploaded_by", "is_correction", "state", "n_saved",
    "received_at", "settled_by", "settled_at",
)  # fmt: skip
DECISION = ("number", "outcome", "reasons", "rule", "decided_by", "decided_at")
PUBLICITY = (
    "number", "starts_on", "ends_on", "n_working_days", "is_certain", "contact", "is_withdrawn", "published_by",
    "published_at",
)  # fmt: skip
SUBMISSION = (
    "roster_submission_id", "round", "channel", "n_rows", "n_warnings", "workbook_digest", "status", "submitted_by",
    "submitted_at", "answered_by", "answered_at", "reference",
)  # fmt: skip
RETURN = ("result_record_id", "field_name", "reason_code")
STEP = ("number", "before", "after", "actor_name", "reason", "at")
CERTIFICATE = (
    "certificate_id", "number", "state", "superseded_by", "id_kind", "body_name", "occupation_code", "occupation_name",
    "trade_name", "level_code", "level_name", "issued_on", "expires_on", "issued_at", "content_digest", "created_at",
)  # fmt: skip
EVENT = ("act", "reason", "actor_name", "at")
STATEMENT = ("kid", "statement", "signed_at")


def add_decision(to: Collector, record: ResultRecord, releases: Sequence[str]) -> str:
    """Write a candidate's component scores and decisions."""
    scores = score_repository.list_scores(to.session, record.result_record_id)
    decisions = score_repository.list_decisions(to.session, record.result_record_id)
    if not decisions:
        to.pack.missing.append(f"准考证 {record.admission_number} 的合格判定")
    to.objects.add(str(record.result_record_id))
    body = {
        "scores": [facts_of(row, *COMPONENT) for row in reversed(scores)],
        "decisions": [facts_of(row, *DECISION) for row in reversed(decisions)],
        "outcome": record.outcome.value,
        "sources": _sources(to, [row.score_delivery_id for row in scores if row.score_delivery_id]),
    }
    return to.pack.add(f"decisions/{record.result_record_id}", "decision", body, [("release", one) for one in releases])


def _sources(to: Collector, delivery_ids: Sequence[uuid.UUID]) -> list[dict[str, Any]]:
    """Return who sent results from outside, how, and who took them in; file names stand in personal packs alone."""
    found = deliveries_of(to.session, delivery_ids)
    return [
        {**without(facts_of(row, *DELIVERY), ("file_name",), leave_out=not to.scope.is_personal), "sender": system.name}
        for row, system in sorted(found.values(), key=lambda pair: pair[0].score_delivery_id)
    ]


def add_batch_course(to: Collector, decisions: Sequence[str], records: Sequence[ResultRecord]) -> list[str]:
    """Write publicity, roster and steps of the batch; return their paths."""
    key = to.batch.certification_batch_id
    to.objects.add(str(key))
    based = [("decision", one) for one in decisions]
    periods = [facts_of(row, *PUBLICITY) for row in repository.list_publicities(to.session, key)]
    publicity = to.pack.add("publicity", "publicity", {"periods": periods}, based)
    roster = to.pack.add("roster", "roster", _rounds(to, records), [("publicity", publicity), *based])
    rows = [facts_of(row, *STEP) for row in batch_repository.list_steps(to.session, key)]
    steps = [without(row, FREE_TEXTS, leave_out=not to.scope.is_personal) for row in rows]
    if not periods:
        to.pack.missing.append("公示记录")
    return [publicity, roster, to.pack.add("steps", "steps", {"steps": steps}, [("roster", roster)])]


def _rounds(to: Collector, records: Sequence[ResultRecord]) -> dict[str, Any]:
    wanted = {record.result_record_id for record in records}
    rounds = roster_repository.list_submissions(to.session, to.batch.certification_batch_id)
    returns = roster_repository.list_returns(to.session, [row.roster_submission_id for row in rounds])
    return {
        "rounds": [
            {
                **facts_of(row, *SUBMISSION),
                "returns": [
                    facts_of(one, *RETURN)
                    for one in returns.get(row.roster_submission_id, [])
                    if one.result_record_id in wanted
                ],
            }
            for row in reversed(rounds)
        ]
    }


def add_certificates(to: Collector, record: ResultRecord, basis: Sequence[tuple[str, str]]) -> list[str]:
    """Write a candidate's certificates with what happened to them; return their paths."""
    rows = repository.list_certificates_of(to.session, record.result_record_id)
    return [_certificate(to, row, basis) for row in rows]


def _certificate(to: Collector, row: Certificate, basis: Sequence[tuple[str, str]]) -> str:
    to.objects.add(str(row.certificate_id))
    number = read_number(row, table="certificates", row_id=row.certificate_id)
    is_plain = to.scope.is_personal
    events = [facts_of(one, *EVENT) for one in certificate_repository.list_events(to.session, row.certificate_id)]
    statements: Sequence[CertificateStatement] = repository.list_statements(to.session, row.certificate_id)
    body = {
        **facts_of(row, *CERTIFICATE),
        "name": row.name if is_plain else mask_name(row.name),
        "id_number": number if is_plain else mask_id_public(number),
        "events": [without(one, FREE_TEXTS, leave_out=not is_plain) for one in events],
        "content": plain_value(said_by(row, number)),
        "statements": [facts_of(one, *STATEMENT) for one in statements],
    }
    kept = without(body, ["content", "statements"], leave_out=not is_plain)
    return to.pack.add(f"certificates/{row.number}", "certificate", kept, basis)


def add_person(to: Collector, record: ResultRecord, links: Sequence[tuple[str, str]]) -> str:
    """Write who it is about, masked unless the pack may name people, bound to everything about the person."""
    number = read_number(record, table="result_records", row_id=record.result_record_id)
    is_plain = to.scope.is_personal
    body = {
        **without(facts_of(record, *PERSON), PRIVATE, leave_out=not is_plain),
        "name": record.name if is_plain else mask_name(record.name),
        "id_number": number if is_plain else mask_id_public(number),
    }
    return to.pack.add(f"candidates/{record.result_record_id}", "candidate", body, links)

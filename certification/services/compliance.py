"""Data compliance of a batch: everybody who passed, held against the rules before the roster is sent."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from sqlalchemy.orm import Session

from certification.models import Certificate, CertificateState, CertificationBatch, ResultRecord
from certification.repository import batches as repository
from certification.repository import certificates as certificate_repository
from certification.repository import publicity as publicity_repository
from certification.repository import rosters as roster_repository
from certification.repository.history import applied_elsewhere
from certification.rules import keys
from certification.rules.batch_states import BatchState
from certification.rules.compliance import (
    ComplianceContext,
    ComplianceFinding,
    ComplianceRecord,
    ComplianceSeverity,
    HeldCertificate,
    check_compliance,
    check_standing,
    occupation_key,
    serials_by_series,
)
from certification.rules.levels import LEVEL_ORDER, level_order
from certification.rules.pass_decision import PassOutcome
from certification.services import early_warning
from certification.services.lookup import EXPIRED, state_on
from certification.services.personal import read_number
from exam_delivery.public_rulings import find_barred
from kernel import profiles
from kernel.clock import today
from kernel.identity.repository import get_organisation
from kernel.national_id import IdKind, Sex
from qbank.public import find_occupation_info


def check_batch_data(session: Session, batch: CertificationBatch) -> list[ComplianceFinding]:
    """Return all findings about those who passed, errors first."""
    key = batch.certification_batch_id
    people = [r for r in repository.list_records(session, key) if r.outcome is PassOutcome.PASSED]
    numbers = {r.result_record_id: read_number(r, table="result_records", row_id=r.result_record_id) for r in people}
    records = [_record(batch, person, numbers[person.result_record_id]) for person in people]
    plain = {person.id_number_index: numbers[person.result_record_id] for person in people}
    findings = check_compliance(records, _context(session, batch, plain)) + early_warning.warnings_of(session, batch)
    return _judged(session, batch, findings)


def standing_findings(session: Session, batch: CertificationBatch) -> list[ComplianceFinding]:
    """Return what the roster will lack whoever passes: occupation, filing, plan. Nobody's data are read for it."""
    nobody = ComplianceRecord(
        record_id="", name="", id_kind=IdKind.RESIDENT_ID, id_number="", sex=None, birth_date=None,
        occupation_code=batch.occupation_code, occupation_name=batch.occupation_name, trade_name=batch.trade_name,
        level=batch.level_code, outcome=PassOutcome.PENDING, has_photo=False,
    )  # fmt: skip
    return _judged(session, batch, check_standing(nobody, _context(session, batch, {})))


def _judged(
    session: Session, batch: CertificationBatch, findings: Sequence[ComplianceFinding]
) -> list[ComplianceFinding]:
    """Return findings with the severity of the rule profile, errors first."""
    softened = set(keys.items_of(str(profiles.value(session, batch.organisation_id, keys.WARNING_CHECKS))))
    judged = [_softened(finding) if finding.check_id in softened else finding for finding in findings]
    return sorted(judged, key=lambda finding: finding.severity is not ComplianceSeverity.ERROR)


CERTIFICATE_CHECKS = frozenset({"C01", "C02", "C03", "C04", "C05", "B02", "B03"})


def check_certificates(session: Session, batch: CertificationBatch) -> list[ComplianceFinding]:
    """Return what is wrong with the numbers and dates of a numbered batch, before it is issued."""
    key = batch.certification_batch_id
    people = {r.result_record_id: r for r in repository.list_records(session, key)}
    rows = [r for r in certificate_repository.list_batch_certificates(session, key) if r.superseded_by is None]
    numbers = {r.certificate_id: read_number(r, table="certificates", row_id=r.certificate_id) for r in rows}
    records = [
        dataclasses.replace(
            _record(batch, people[row.result_record_id], numbers[row.certificate_id]),
            certificate_number=row.number,
            issued_on=row.issued_on,
        )
        for row in rows
        if row.result_record_id in people
    ]
    others = certificate_repository.numbers_of_other_batches(session, batch)
    context = _context(session, batch, {row.id_number_index: numbers[row.certificate_id] for row in rows})
    serials = serials_by_series(others, context.level_codes)
    own = serials_by_series([record.certificate_number for record in records], context.level_codes)
    context = dataclasses.replace(
        context,
        issued_numbers=frozenset(others),
        other_serials=serials,
        last_serials={
            series: max((one for one in serials.get(series, ()) if one < min(found)), default=0)
            for series, found in own.items()
        },
    )
    wanted = CERTIFICATE_CHECKS if context.publicity_ends_on else CERTIFICATE_CHECKS - {"C05"}  # shown elsewhere
    found = [one for one in check_compliance(records, context) if one.check_id in wanted]
    return _judged(session, batch, found)


def count_errors(session: Session, batch: CertificationBatch) -> int:
    """Return how many findings forbid sending the roster, or issuing a numbered batch."""
    is_numbered = batch.state is BatchState.NUMBERED
    findings = check_certificates(session, batch) if is_numbered else check_batch_data(session, batch)
    return sum(finding.severity is ComplianceSeverity.ERROR for finding in findings)


def _softened(finding: ComplianceFinding) -> ComplianceFinding:
    return dataclasses.replace(finding, severity=ComplianceSeverity.WARNING)


def _record(batch: CertificationBatch, person: ResultRecord, number: str) -> ComplianceRecord:
    return ComplianceRecord(
        record_id=str(person.result_record_id),
        name=person.name,
        id_kind=IdKind(person.id_kind),
        id_number=number,
        sex=Sex(person.sex) if person.sex else None,
        birth_date=person.birth_date,
        occupation_code=batch.occupation_code,
        occupation_name=batch.occupation_name,
        trade_name=batch.trade_name,
        level=batch.level_code,
        outcome=person.outcome,
        has_photo=person.has_photo,
    )


def _context(session: Session, batch: CertificationBatch, plain: dict[str, str]) -> ComplianceContext:
    organisation = get_organisation(session, batch.organisation_id)
    values = profiles.values(session, batch.organisation_id)
    occupation = find_occupation_info(session, batch.occupation_code)
    filed = roster_repository.list_filed_scopes(session, batch.organisation_id)
    filed_trades = {row.trade_name for row in filed if row.occupation_code == batch.occupation_code}
    period = publicity_repository.find_publicity(session, batch.certification_batch_id)
    held = _held(session, batch, list(plain))
    elsewhere = certificate_repository.find_certificates_elsewhere(session, batch.organisation_id, list(plain))
    order = level_order(str(values[LEVEL_ORDER]))
    return ComplianceContext(
        today=today(),
        institution_prefix=organisation.certificate_prefix or "",
        occupations={occupation.code: occupation.name} if occupation else {},
        trades={occupation.code: frozenset(occupation.trades) | frozenset(filed_trades)} if occupation else {},
        filed_scope=frozenset(
            (occupation_key(row.occupation_code, row.occupation_name, row.level_code), row.trade_name, row.level_code)
            for row in filed
        ),
        level_codes=keys.level_codes(values),
        publicity_ends_on=period.ends_on if period else None,
        plan_filed_on=batch.plan_filed_on,
        evaluation_starts_on=batch.evaluation_starts_on,
        previous_level={level: step.previous for level, step in order.items()},
        years_at_previous_level={level: step.years for level, step in order.items()},
        notice_working_days=values[keys.PLAN_NOTICE_WORKING_DAYS],
        issued_to=_person_keys([c for c in held if c.certification_batch_id != batch.certification_batch_id], plain),
        issued_elsewhere=_person_keys(elsewhere, plain),
        applied_elsewhere=frozenset(plain[one] for one in applied_elsewhere(session, batch, list(plain))),
        held_certificates=_held_by_number([*held, *elsewhere], plain),
        barred_id_numbers=_barred(session, batch, plain),
    )


def _person_keys(rows: Sequence[Certificate], plain: dict[str, str]) -> frozenset[tuple[str, str, str]]:
    """Return who holds which occupation and level now, as the checks compare them; who let one expire may be certified anew."""
    return frozenset(
        (plain[c.id_number_index], occupation_key(c.occupation_code, c.occupation_name, c.level_code), c.level_code)
        for c in rows
        if state_on(c, today()) != EXPIRED
    )


def _barred(session: Session, batch: CertificationBatch, plain: dict[str, str]) -> frozenset[str]:
    """Return the numbers of people whom a ruling about misconduct bars at present."""
    barred = find_barred(session, batch.organisation_id, list(plain), today())
    return frozenset(plain[index] for index in barred)


def _held(session: Session, batch: CertificationBatch, indices: Sequence[str]) -> list[Certificate]:
    """Return what these people hold already from this organisation and what still counts."""
    rows = certificate_repository.find_certificates_of_people(session, batch.organisation_id, indices)
    return [row for row in rows if row.state in {CertificateState.VALID, CertificateState.HELD}]


def _held_by_number(held: Sequence[Certificate], plain: dict[str, str]) -> dict[str, tuple[HeldCertificate, ...]]:
    found: dict[str, tuple[HeldCertificate, ...]] = {}
    for row in held:
        item = HeldCertificate(row.occupation_code, row.level_code, row.issued_on)
        number = plain[row.id_number_index]
        found[number] = (*found.get(number, ()), item)
    return found

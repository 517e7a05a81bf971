"""Certificates: numbered without gaps, issued, printed, held, superseded, revoked."""

from __future__ import annotations

import dataclasses
import datetime as dt
import secrets
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from certification.documents.model import CertificateSheet
from certification.documents.rendering import certificates_pdf
from certification.models import (
    Certificate,
    CertificateAct,
    CertificateCounter,
    CertificateEvent,
    CertificateState,
    CertificationBatch,
    ResultRecord,
)
from certification.repository import batches as batch_repository
from certification.repository import certificates as repository
from certification.repository import publicity as publicity_repository
from certification.repository.seniors import find_appointed
from certification.rules import keys
from certification.rules.batch_states import BatchState, require_transition
from certification.rules.ecertificate import last_day
from certification.rules.english_names import BILINGUAL, english_names
from certification.rules.levels import DOCUMENTS, NumberSeries, document_kind, number_series
from certification.rules.pass_decision import PassOutcome
from certification.rules.seniors import TERM_IS_VALIDITY
from certification.rules.webhooks import EventType
from certification.services import batches, statements, webhooks
from certification.services.lookup import EXPIRED, state_on
from certification.services.personal import number_fields, read_number
from certification.services.records import read_photo
from kernel import audit, profiles
from kernel.canonical import digest
from kernel.certificate_numbers import next_serial, parse_prefix
from kernel.clock import OFFICIAL_ZONE, now, today
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.models import Organisation
from kernel.identity.permissions import Permission
from kernel.identity.repository import get_organisation
from kernel.national_id import ID_KIND_LABELS, IdKind
from kernel.uow import UnitOfWork

TABLE = "certificates"
TOKEN_BYTES = 16
MESSAGES = {
    CertificateAct.ISSUED: EventType.CERTIFICATE_ISSUED,
    **dict.fromkeys(
        (CertificateAct.HELD, CertificateAct.RELEASED, CertificateAct.SUPERSEDED, CertificateAct.REVOKED),
        EventType.CERTIFICATE_STATE,
    ),
}
WATERMARKS = {
    CertificateState.REVOKED.value: "已撤销",
    CertificateState.SUPERSEDED.value: "已换发",
    CertificateState.HELD.value: "暂停使用",
    EXPIRED: "已过有效期",
}
NO_PREFIX = N_("本机构还没有登记 13 位机构代码，不能编号；请平台管理员在机构信息中填写")


# --- numbers ---------------------------------------------------------------------------------------------------------


def numbering_problem(session: Session, batch: CertificationBatch) -> InvalidInputError | None:
    """Return why no number can be given: the prefix or the level's code is missing."""
    organisation = get_organisation(session, batch.organisation_id)
    if not organisation.certificate_prefix:
        return InvalidInputError(NO_PREFIX)
    try:
        parse_prefix(organisation.certificate_prefix)
        series_of(session, batch)
    except InvalidInputError as error:
        return error
    return None


def series_of(session: Session, batch: CertificationBatch) -> NumberSeries:
    """Return the series that numbers a batch's certificates; refuse while the installation has not entered its code."""
    return number_series(batch.level_code, profiles.values(session, batch.organisation_id))


def number_batch(uow: UnitOfWork, batch_id: uuid.UUID, *, issued_on: dt.date) -> int:
    """Give a number to everybody who passed, in the order of admission numbers, and return how many.

    Raises
    ------
    InvalidInputError
        If the institution's prefix or the level's code is missing, or the date cannot be.
    """
    require(uow.actor, Permission.CERTIFICATE_ISSUE)
    batch = batch_repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    require_transition(batch.state, BatchState.NUMBERED)
    if problem := numbering_problem(uow.session, batch):
        raise problem
    _check_issue_date(uow.session, batch, issued_on)
    organisation = get_organisation(uow.session, batch.organisation_id)
    people = batch_repository.list_records(uow.session, batch_id)
    passed = [person for person in people if person.outcome is PassOutcome.PASSED]
    counter = _counter(uow, batch, organisation, issued_on)
    for person in passed:
        _make_certificate(uow, batch, organisation, person, counter, issued_on=issued_on)
    batches.advance(uow, batch, BatchState.NUMBERED)
    audit.record(uow, "certificate.number", "certification_batch", batch_id, after={"n_numbered": len(passed)})
    return len(passed)


def _check_issue_date(session: Session, batch: CertificationBatch, issued_on: dt.date) -> None:
    period = publicity_repository.find_publicity(session, batch.certification_batch_id)
    message = ""
    if period is None or issued_on < period.ends_on:
        message = N_("发证日期不能早于公示结束日期")
    elif issued_on > today():
        message = N_("发证日期不能晚于今天")
    if message:
        raise InvalidInputError(message, fields={"issued_on": [message]})


def _counter(
    uow: UnitOfWork, batch: CertificationBatch, organisation: Organisation, issued_on: dt.date
) -> CertificateCounter:
    return repository.lock_counter(
        uow.session,
        organisation_id=batch.organisation_id,
        prefix=organisation.certificate_prefix or "",
        year=issued_on.year,
        level_code=series_of(uow.session, batch).code,
    )


def _make_certificate(
    uow: UnitOfWork,
    batch: CertificationBatch,
    organisation: Organisation,
    person: ResultRecord,
    counter: CertificateCounter,
    *,
    issued_on: dt.date,
) -> Certificate:
    counter.last_serial = next_serial(counter.last_serial)
    series = series_of(uow.session, batch)
    number = series.compose(counter.prefix, year=counter.year, serial=counter.last_serial)
    values = profiles.values(uow.session, batch.organisation_id)
    key = new_id()
    plain = read_number(person, table="result_records", row_id=person.result_record_id)
    certificate = Certificate(
        certificate_id=key, organisation_id=batch.organisation_id, number=number,
        certification_batch_id=batch.certification_batch_id, result_record_id=person.result_record_id,
        public_token=secrets.token_hex(TOKEN_BYTES), state=CertificateState.VALID, name=person.name,
        body_name=organisation.name, occupation_code=batch.occupation_code, occupation_name=batch.occupation_name,
        trade_name=batch.trade_name, level_code=batch.level_code, level_name=batch.level_name, issued_on=issued_on,
        own_level_code=batch.own_level_code, own_level_name=batch.own_level_name,
        expires_on=_last_day(uow.session, batch, person, values, issued_on),
        created_at=now(), **number_fields(person.id_kind, plain, table=TABLE, row_id=key),
    )  # fmt: skip
    certificate.content_digest = content_digest(certificate, plain)
    uow.add(certificate)
    uow.flush()  # the event names it, and the unique number is proved now
    note_event(uow, certificate, CertificateAct.NUMBERED)
    return certificate


def _last_day(
    session: Session, batch: CertificationBatch, person: ResultRecord, values: Mapping[str, Any], issued_on: dt.date
) -> dt.date | None:
    """Return the last day of validity: by the years of the level, and for who was appointed no longer than the term."""
    found = last_day(issued_on, keys.validity_years(values, batch.level_code))
    appointed = find_appointed(session, batch.certification_batch_id, person.candidate_id)
    if appointed is None or appointed.appointed_until is None or not values[TERM_IS_VALIDITY]:
        return found
    if appointed.appointed_until < issued_on:
        message = N_("%(name)s的聘期到 %(date)s 为止，发证日期应在聘期内；已续聘的请先登记续聘")
        raise InvalidInputError(message, name=person.name, date=appointed.appointed_until.isoformat())
    return min(appointed.appointed_until, found or dt.date.max)


def content_digest(certificate: Certificate, id_number: str) -> str:
    """Return the digest over what a certificate says."""
    return digest(said_by(certificate, id_number))


def said_by(certificate: Certificate, id_number: str) -> dict[str, str]:
    """Return what a certificate says, as its digest covers it."""
    names = ("number", "name", "id_kind", "body_name", "occupation_name", "trade_name", "level_name", "public_token")
    said = {name: str(getattr(certificate, name)) for name in names}
    if certificate.expires_on:
        said["expires_on"] = certificate.expires_on.isoformat()
    return {**said, "id_number": id_number, "issued_on": certificate.issued_on.isoformat()}


def note_event(uow: UnitOfWork, certificate: Certificate, act: CertificateAct, reason: str = "") -> None:
    """Keep what happened to a certificate, and tell those systems that want to know of public acts."""
    uow.add(
        CertificateEvent(
            organisation_id=certificate.organisation_id, certificate_id=certificate.certificate_id, act=act,
            reason=reason[:300], actor_id=uow.actor.user_id, actor_name=uow.actor.name[:100], at=now(),
        )
    )  # fmt: skip
    kind = MESSAGES.get(act)
    if kind is not None and certificate.issued_at is not None:
        facts = {"number": certificate.number, "state": certificate.state.value, "act": act.value}
        days = {"issued_on": certificate.issued_on.isoformat(), "superseded_by": certificate.superseded_by}
        webhooks.announce(uow, certificate.organisation_id, kind, {**facts, **days})


# --- printing and issuing --------------------------------------------------------------------------------------------


def sheet_of(session: Session, certificate: Certificate, *, base_url: str) -> CertificateSheet:
    """Return what a certificate's sheet says; the QR code leads to the public page."""
    record = session.get(ResultRecord, certificate.result_record_id)
    wording = DOCUMENTS[document_kind(certificate.level_code)]
    values = profiles.values(session, certificate.organisation_id)
    return CertificateSheet(
        body_name=certificate.body_name,
        name=certificate.name,
        id_kind=ID_KIND_LABELS[IdKind(certificate.id_kind)],
        id_number=read_number(certificate, table=TABLE, row_id=certificate.certificate_id),
        occupation=certificate.occupation_name,
        trade=certificate.trade_name,
        skill_level=certificate.level_name,
        certificate_number=certificate.number,
        issued_on=certificate.issued_on,
        verify_address=f"{base_url.rstrip('/')}/verify/{certificate.public_token}",
        photo=read_photo(session, record) if record else None,
        watermark=WATERMARKS.get(state_on(certificate, today()), ""),
        is_bilingual=values[BILINGUAL],
        english=english_names(
            values,
            body=certificate.body_name,
            occupation=certificate.occupation_name,
            trade=certificate.trade_name,
            skill_level=certificate.level_name,
        ),
        expires_on=certificate.expires_on,
        wording=wording,
    )


def ecertificate_pdf(uow: UnitOfWork, certificate_id: uuid.UUID, *, base_url: str) -> tuple[str, bytes]:
    """Return name and content of an e-certificate: the certificate with its signed statement, as a code and attached.

    Raises
    ------
    ConflictError
        If it is not issued, or the organisation has no signing key.
    """
    require(uow.actor, Permission.CERTIFICATE_ISSUE)
    certificate = repository.lock_certificate(uow.session, certificate_id, actor=uow.actor)
    made = make_ecertificate(uow, certificate, base_url=base_url, note=N_("电子证书"))
    audit.record(uow, "certificate.print_electronic", "certificate", certificate_id)
    return made


def make_ecertificate(uow: UnitOfWork, certificate: Certificate, *, base_url: str, note: str) -> tuple[str, bytes]:
    """Return name and content of an e-certificate; the caller has settled who may have it and audits."""
    statement = statements.current_statement(uow, certificate)
    sheet = dataclasses.replace(sheet_of(uow.session, certificate, base_url=base_url), signed_statement=statement)
    content = certificates_pdf([sheet], created_at=issue_moment(certificate))
    note_event(uow, certificate, CertificateAct.PRINTED, note)
    return f"电子证书_{certificate.number}.pdf", content


def issue_moment(certificate: Certificate) -> dt.datetime:
    """Return the moment written into the file: the day of issue, so that printing twice gives the same bytes."""
    return dt.datetime.combine(certificate.issued_on, dt.time(), tzinfo=OFFICIAL_ZONE)


def issue_batch(uow: UnitOfWork, batch_id: uuid.UUID) -> int:
    """Make the certificates of a numbered batch public and return how many."""
    require(uow.actor, Permission.CERTIFICATE_ISSUE)
    batch = batch_repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    require_transition(batch.state, BatchState.ISSUED)
    waiting = [c for c in repository.list_batch_certificates(uow.session, batch_id) if c.issued_at is None]
    for certificate in waiting:
        certificate.issued_at = now()
        statements.sign_when_possible(uow, certificate)
        note_event(uow, certificate, CertificateAct.ISSUED)
    batches.advance(uow, batch, BatchState.ISSUED)
    audit.record(uow, "certificate.issue", "certification_batch", batch_id, after={"n_issued": len(waiting)})
    return len(waiting)


def printable(session: Session, batch_id: uuid.UUID, *, actor: Actor) -> Sequence[Certificate]:
    """Return the certificates of a batch that are worth printing."""
    require(actor, Permission.CERTIFICATE_ISSUE)
    batch_repository.get_batch(session, batch_id, actor=actor)
    rows = repository.list_batch_certificates(session, batch_id)
    return [row for row in rows if state_on(row, today()) == CertificateState.VALID.value]


# --- states ----------------------------------------------------------------------------------------------------------

STATE_STEPS = {
    CertificateAct.HELD: (frozenset({CertificateState.VALID}), CertificateState.HELD),
    CertificateAct.RELEASED: (frozenset({CertificateState.HELD}), CertificateState.VALID),
    CertificateAct.REVOKED: (frozenset({CertificateState.VALID, CertificateState.HELD}), CertificateState.REVOKED),
    CertificateAct.SUPERSEDED: (frozenset({CertificateState.VALID, CertificateState.HELD}), CertificateState.SUPERSEDED),
}  # fmt: skip


def change_state(uow: UnitOfWork, certificate_id: uuid.UUID, act: CertificateAct, *, reason: str) -> Certificate:
    """Hold, release or revoke an issued certificate, with a reason.

    Raises
    ------
    ConflictError
        If its state does not allow it: revoked and superseded are final.
    """
    require(uow.actor, Permission.CERTIFICATE_REVOKE)
    certificate = repository.lock_certificate(uow.session, certificate_id, actor=uow.actor)
    _set_state(uow, certificate, act, reason)
    return certificate


def _set_state(uow: UnitOfWork, certificate: Certificate, act: CertificateAct, reason: str) -> None:
    if not reason.strip():
        raise InvalidInputError(N_("请写明原因"), fields={"reason": [N_("请写明原因")]})
    allowed, new = STATE_STEPS[act]
    if certificate.issued_at is None or certificate.state not in allowed:
        raise ConflictError(N_("证书现在的状态不允许这样做"))
    before, certificate.state = certificate.state, new
    certificate.state_reason = "" if new is CertificateState.VALID else reason.strip()[:300]
    note_event(uow, certificate, act, reason.strip())
    audit.record(
        uow, f"certificate.{act.value}", "certificate", certificate.certificate_id,
        before={"state": before.value}, after={"state": new.value}, reason=reason.strip()[:300],
    )  # fmt: skip


def hold_by_correction(uow: UnitOfWork, certificate: Certificate, reason: str) -> None:
    """Hold a certificate whose result a correction took away, issued or only numbered; an officer decides what becomes of it."""
    if certificate.state is CertificateState.VALID:
        _correct_state(uow, certificate, CertificateAct.HELD, reason)


def restore_by_correction(uow: UnitOfWork, certificate: Certificate, reason: str) -> None:
    """Give back a held certificate whose result a further correction restored."""
    if certificate.state is CertificateState.HELD:
        _correct_state(uow, certificate, CertificateAct.RELEASED, reason)


def _correct_state(uow: UnitOfWork, certificate: Certificate, act: CertificateAct, reason: str) -> None:
    before, certificate.state = certificate.state, STATE_STEPS[act][1]
    certificate.state_reason = "" if certificate.state is CertificateState.VALID else reason[:300]
    note_event(uow, certificate, act, reason)
    audit.record(
        uow, f"certificate.{act.value}", "certificate", certificate.certificate_id, before={"state": before.value},
        after={"state": certificate.state.value}, reason=reason[:300],
    )  # fmt: skip


def add_certificate(
    uow: UnitOfWork, batch: CertificationBatch, person: ResultRecord, *, issued_on: dt.date, reason: str
) -> Certificate:
    """Number and issue a certificate for somebody who passed after the batch was issued."""
    if problem := numbering_problem(uow.session, batch):
        raise problem
    _check_issue_date(uow.session, batch, issued_on)
    organisation = get_organisation(uow.session, batch.organisation_id)
    counter = _counter(uow, batch, organisation, issued_on)
    certificate = _make_certificate(uow, batch, organisation, person, counter, issued_on=issued_on)
    certificate.issued_at = now()
    statements.sign_when_possible(uow, certificate)
    note_event(uow, certificate, CertificateAct.ISSUED, reason)
    return certificate


def reissue(uow: UnitOfWork, certificate_id: uuid.UUID, *, reason: str) -> Certificate:
    """Replace a certificate by a new one with the next number, from the person's data as they are now."""
    require(uow.actor, Permission.CERTIFICATE_ISSUE)
    require(uow.actor, Permission.CERTIFICATE_REVOKE)
    old = repository.lock_certificate(uow.session, certificate_id, actor=uow.actor)
    batch = batch_repository.lock_batch(uow.session, old.certification_batch_id, actor=uow.actor)
    person = batch_repository.get_record(uow.session, old.result_record_id, actor=uow.actor)
    _set_state(uow, old, CertificateAct.SUPERSEDED, reason)
    if problem := numbering_problem(uow.session, batch):
        raise problem
    organisation = get_organisation(uow.session, batch.organisation_id)
    day = today()
    counter = _counter(uow, batch, organisation, day)
    new = _make_certificate(uow, batch, organisation, person, counter, issued_on=day)
    new.issued_at, old.superseded_by = now(), new.number
    statements.sign_when_possible(uow, new)
    note_event(uow, new, CertificateAct.ISSUED, reason.strip())
    return new

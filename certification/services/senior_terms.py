"""After the panel: publicity and objections, appointment with its term, renewal, end, and the batch that issues certificates."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from certification.models import ObjectionStatus, SeniorApplication, SeniorObjection
from certification.repository import seniors as repository
from certification.rules import seniors as rules
from certification.rules.publicity import PublicityPeriod, is_over, publicity_period
from certification.rules.seniors import SeniorAct, SeniorState
from certification.services import seniors
from certification.services.publicity import close_objection
from certification.services.seniors import move, note, require_reason
from kernel import audit, profiles
from kernel.clock import now, today
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

MAX_DAYS_AHEAD = 31
MAX_TERM_YEARS = 10


# --- publicity -------------------------------------------------------------------------------------------------------


def open_publicity(uow: UnitOfWork, key: uuid.UUID, *, starts_on: dt.date | None, contact: str) -> SeniorApplication:
    """Begin to show an application that the panel passed, for the working days of the rule profile."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    row = repository.lock_application(uow.session, key, actor=uow.actor)
    fields: dict[str, list[str]] = {}
    if starts_on is None or not today() <= starts_on <= today() + dt.timedelta(days=MAX_DAYS_AHEAD):
        fields["starts_on"] = [N_("公示开始日期应在今天至 31 天内")]
    if not contact.strip():
        fields["contact"] = [N_("请填写异议受理方式，例如部门和电话")]
    if fields or starts_on is None:
        raise InvalidInputError(next(iter(fields.values()))[0], fields=fields)
    move(row, SeniorState.PUBLICITY)
    n_days = profiles.value(uow.session, row.organisation_id, rules.PUBLICITY_DAYS)
    period = publicity_period(starts_on, n_working_days=n_days)
    row.publicity_starts_on, row.publicity_ends_on = period.starts_on, period.ends_on
    row.publicity_is_certain, row.publicity_contact = period.is_certain, contact.strip()[:200]
    facts = {"starts_on": period.starts_on.isoformat(), "ends_on": period.ends_on.isoformat(), "n_working_days": n_days}
    note(uow, row, SeniorAct.PUBLICITY, facts)
    return row


def period_of(row: SeniorApplication) -> PublicityPeriod | None:
    """Return the publicity of an application in the rules' shape."""
    if row.publicity_starts_on is None or row.publicity_ends_on is None:
        return None
    return PublicityPeriod(row.publicity_starts_on, row.publicity_ends_on, 0, row.publicity_is_certain)


def note_objection(
    uow: UnitOfWork, key: uuid.UUID, *, raised_by: str, raised_on: dt.date | None, content: str
) -> SeniorObjection:
    """Keep an objection; it blocks the appointment until it is settled."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    row = repository.lock_application(uow.session, key, actor=uow.actor)
    if row.state is not SeniorState.PUBLICITY:
        raise ConflictError(N_("只有公示期间才登记异议"))
    missing = {n: [N_("请填写")] for n, text in (("raised_by", raised_by), ("content", content)) if not text.strip()}
    if missing:
        raise InvalidInputError(N_("请填写异议人和异议内容"), fields=missing)
    objection = SeniorObjection(
        organisation_id=row.organisation_id, senior_application_id=key, raised_on=raised_on or today(),
        raised_by=raised_by.strip()[:100], content=content.strip()[:1000], status=ObjectionStatus.OPEN,
        noted_by=uow.actor.name[:100], noted_at=now(),
    )  # fmt: skip
    uow.add(objection)
    audit.record(uow, "senior.objection", "senior_application", key)
    return objection


def settle_objection(uow: UnitOfWork, objection_id: uuid.UUID, *, is_upheld: bool, answer: str) -> SeniorObjection:
    """Close an objection with its answer; an upheld one usually means that nobody is appointed."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    objection = repository.get_objection(uow.session, objection_id, actor=uow.actor)
    repository.lock_application(uow.session, objection.senior_application_id, actor=uow.actor)
    close_objection(objection, is_upheld=is_upheld, answer=answer, actor=uow.actor)
    audit.record(
        uow, "senior.objection_settled", "senior_application", objection.senior_application_id,
        after={"status": objection.status.value},
    )  # fmt: skip
    return objection


# --- appointment -----------------------------------------------------------------------------------------------------


def appointment_obstacles(objections: Sequence[SeniorObjection], row: SeniorApplication) -> list[str]:
    """Return in words what stands between publicity and appointment."""
    period = period_of(row)
    found = []
    if period is None or not is_over(period, today()):
        found.append(N_("公示期还没有结束，结束后才能聘任"))
    if any(one.status is ObjectionStatus.OPEN for one in objections):
        found.append(N_("还有异议没有处理完，请先处理"))
    if any(one.status is ObjectionStatus.UPHELD for one in objections):
        found.append(N_("有异议成立，不能聘任；请办理不予聘任"))
    return found


def appoint(
    uow: UnitOfWork, key: uuid.UUID, *, first: dt.date | None, last: dt.date | None, number: str
) -> SeniorApplication:
    """Appoint an applicant for a term; without a last day the term of the rule profile holds.

    Raises
    ------
    ConflictError
        While publicity runs, an objection is open or upheld, or the employer has no place left.
    InvalidInputError
        If the term cannot be.
    """
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    row = repository.lock_application(uow.session, key, actor=uow.actor)
    move(row, SeniorState.APPOINTED)
    obstacles = appointment_obstacles(repository.list_objections(uow.session, key), row)
    if obstacles:
        raise ConflictError(obstacles[0])
    if seniors.eligibility(uow.session, row).is_full:
        raise ConflictError(N_("该单位这个等级的名额已满"))
    first, last = _term(uow, row, first, last, number)
    row.appointed_from, row.appointed_until, row.appointment_number = first, last, number.strip()[:80]
    note(
        uow, row, SeniorAct.APPOINTED, {"from": first.isoformat(), "until": last.isoformat(), "number": number.strip()}
    )
    return row


def _term(
    uow: UnitOfWork, row: SeniorApplication, first: dt.date | None, last: dt.date | None, number: str
) -> tuple[dt.date, dt.date]:
    fields: dict[str, list[str]] = {}
    if first is None or (row.publicity_ends_on and first <= row.publicity_ends_on):
        fields["first"] = [N_("聘期应从公示结束以后开始")]
    if not number.strip():
        fields["number"] = [N_("请填写聘任文号")]
    if first is not None and last is None:
        last = rules.last_day_of_term(first, profiles.value(uow.session, row.organisation_id, rules.TERM_YEARS))
    if first is not None and last is not None and not _fits(first, last):
        fields["last"] = [N_("聘期最后一天应在开始以后、十年以内")]
    if fields or first is None or last is None:
        raise InvalidInputError(N_("聘任信息填写有误，请按提示修改"), fields=fields)
    return first, last


def _fits(first: dt.date, last: dt.date) -> bool:
    return first < last <= rules.last_day_of_term(first, MAX_TERM_YEARS)


def refuse(uow: UnitOfWork, key: uuid.UUID, *, reason: str) -> SeniorApplication:
    """Decide after publicity that nobody is appointed."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    row = repository.lock_application(uow.session, key, actor=uow.actor)
    require_reason(reason)
    if row.state is not SeniorState.PUBLICITY:
        raise ConflictError(N_("只有公示中的申报可以不予聘任"))
    move(row, SeniorState.REFUSED)
    note(uow, row, SeniorAct.REFUSED, reason=reason)
    return row


def _appointed(uow: UnitOfWork, key: uuid.UUID) -> SeniorApplication:
    row = repository.lock_application(uow.session, key, actor=uow.actor)
    if row.state is not SeniorState.APPOINTED:
        raise ConflictError(N_("只有已聘任的可以这样做"))
    return row


def renew(uow: UnitOfWork, key: uuid.UUID, *, last: dt.date | None, reason: str) -> SeniorApplication:
    """Prolong a term after its assessment (任期考核), whose result is the reason."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    row = _appointed(uow, key)
    require_reason(reason)
    before = row.appointed_until
    if last is None or before is None or last <= before or not _fits(before, last):
        message = N_("续聘的最后一天应晚于现在的聘期，且不超过十年")
        raise InvalidInputError(message, fields={"last": [message]})
    row.appointed_until = last
    note(uow, row, SeniorAct.RENEWED, {"before": before.isoformat(), "until": last.isoformat()}, reason)
    return row


def end(uow: UnitOfWork, key: uuid.UUID, *, last: dt.date | None, reason: str) -> SeniorApplication:
    """End an appointment, early or because its term is over; the place of the quota is free again."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    row = _appointed(uow, key)
    require_reason(reason)
    first, before = row.appointed_from, row.appointed_until
    if last is None or first is None or before is None or not first <= last <= before or last > today():
        message = N_("结束日期应在聘期内，且不晚于今天")
        raise InvalidInputError(message, fields={"last": [message]})
    row.appointed_until = last
    move(row, SeniorState.ENDED)
    note(uow, row, SeniorAct.ENDED, {"before": before.isoformat(), "until": last.isoformat()}, reason)
    return row


def is_term_over(row: SeniorApplication) -> bool:
    """Say whether the last day of a term has passed and nobody has renewed or ended it."""
    return row.state is SeniorState.APPOINTED and row.appointed_until is not None and row.appointed_until < today()

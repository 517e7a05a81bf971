"""Opening what is sealed takes two custodians: one asks with a reason, another confirms in time; early openings raise an alarm."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints import repository_release as stored
from blueprints.models import ExamForm, FormRelease
from blueprints.rules import releases as rules
from blueprints.rules.releases import ReleasePart, ReleaseState
from blueprints.rules.states import FormStatus
from blueprints.services import recusal
from kernel import audit, profiles
from kernel.clock import now
from kernel.errors import ConflictError, DomainError, ForbiddenError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

PAIR = 2
SHORTEST_REASON, LONGEST_REASON = 5, 500
ALARMED = (Permission.WORKFLOW_MANAGE, Permission.SUPERVISE)
"""Who learns of early openings: administrators of the organisation and supervisors."""


class SealedPartError(DomainError):
    """A part of a sealed form that nobody may open alone."""

    code = "sealed_part"
    http_status = 403


@dataclass(frozen=True, slots=True)
class Sitting:
    """A session that counts on a form."""

    name: str
    begins_at: datetime
    is_over: bool


SittingSource = Callable[[Session, uuid.UUID, uuid.UUID], list[Sitting]]
_SOURCES: dict[str, SittingSource] = {}


def register_sittings(name: str, source: SittingSource) -> None:
    """Announce who knows the sittings of a form: `source(session, organisation_id, form_id)`."""
    _SOURCES[name] = source


def sittings_of(session: Session, form: ExamForm) -> list[Sitting]:
    """Return the sittings that count on a form, by time."""
    found = [one for source in _SOURCES.values() for one in source(session, form.organisation_id, form.exam_form_id)]
    return sorted(found, key=lambda one: one.begins_at)


def is_over(session: Session, form: ExamForm) -> bool:
    """Say whether a form was sat and all its sittings are over, so that nothing of it is secret any more."""
    sittings = sittings_of(session, form)
    return bool(sittings) and all(one.is_over for one in sittings)


def is_custodian(session: Session, actor: Actor) -> bool:
    """Say whether a person may ask for and confirm openings: a named custodian, or any sealer while no pair is named."""
    if actor.user_id is None or not actor.may(Permission.FORM_SEAL):
        return False
    named = {one.user_id for one in stored.list_custodians(session, actor=actor)}
    return len(named) < PAIR or actor.user_id in named


def needs_opening(session: Session, form: ExamForm, part: ReleasePart) -> bool:
    """Say whether two persons must open a part before anybody gets it."""
    if form.status is not FormStatus.SEALED:
        return False
    if part is ReleasePart.DELIVERY:
        policy = profiles.value(session, form.organisation_id, rules.DELIVERY_RELEASE.name)
        if policy != rules.BY_TWO:
            return False
    return not is_over(session, form)


def find_opening(session: Session, form: ExamForm, part: ReleasePart) -> FormRelease | None:
    """Return the opening of a part that holds now."""
    return stored.find_opening(session, form, part, moment=now())


def check_open(session: Session, form: ExamForm, part: ReleasePart) -> None:
    """Refuse a part of a sealed form that two custodians have not opened.

    Raises
    ------
    SealedPartError
        With the words for what to do.
    """
    if not needs_opening(session, form, part) or find_opening(session, form, part):
        return
    if part is ReleasePart.SCORING:
        raise SealedPartError(N_("试卷已封存：查阅答案与评分标准须由两名保管人启封，请在“启封”页申请"))
    raise SealedPartError(N_("试卷已封存，本机构规定须由两名保管人启封后才能使用，请在“启封”页申请"))


def would_be_early(session: Session, form: ExamForm, part: ReleasePart) -> bool:
    """Say whether opening a part now would be a break-glass opening."""
    sittings = sittings_of(session, form)
    coming = [one.begins_at for one in sittings if not one.is_over]
    over = bool(sittings) and not coming
    hours = profiles.value(session, form.organisation_id, rules.EARLY_HOURS.name)
    return rules.is_early(part, min(coming, default=None), over, now(), hours)


def request_release(uow: UnitOfWork, form_id: uuid.UUID, *, part: ReleasePart, reason: str) -> FormRelease:
    """Ask, as a custodian, to open a part of a sealed form; another custodian has to confirm in time."""
    form = _sealed_form(uow, form_id)
    _check_custodian(uow, form_id)
    if not needs_opening(uow.session, form, part):
        raise ConflictError(N_("这一部分现在不需要启封"))
    text = reason.strip()
    if not SHORTEST_REASON <= len(text) <= LONGEST_REASON:
        message = N_("请写明启封的原因（5 至 500 字），原因会进入审计记录")
        raise InvalidInputError(message, fields={"reason": [message]})
    moment = now()
    if stored.find_waiting(uow.session, form_id, part, moment=moment):
        raise ConflictError(N_("已有一份同样的申请在等待确认"))
    values = profiles.values(uow.session, form.organisation_id)
    row = FormRelease(
        organisation_id=form.organisation_id, exam_form_id=form_id, part=part, reason=text,
        is_early=would_be_early(uow.session, form, part), state=ReleaseState.WAITING,
        requested_by=_user(uow.actor), requested_by_name=uow.actor.name[:100], requested_at=moment,
        expires_at=moment + timedelta(minutes=values[rules.REQUEST_MINUTES.name]), decided_by_name="",
    )  # fmt: skip
    uow.add(row)
    uow.flush()
    _note(uow, row, "request")
    return row


def confirm_release(uow: UnitOfWork, form_release_id: uuid.UUID) -> FormRelease:
    """Confirm a request as a second custodian; the part is open from now on."""
    row = _decidable(uow, form_release_id)
    form = _sealed_form(uow, row.exam_form_id)
    if row.part is ReleasePart.SCORING:
        minutes = profiles.value(uow.session, form.organisation_id, rules.OPEN_MINUTES.name)
        row.valid_until = now() + timedelta(minutes=minutes)
    row.is_early = row.is_early or would_be_early(uow.session, form, row.part)
    _decide(uow, row, ReleaseState.CONFIRMED)
    _note(uow, row, "confirm")
    return row


def refuse_release(uow: UnitOfWork, form_release_id: uuid.UUID) -> FormRelease:
    """Refuse a request as a second custodian."""
    row = _decidable(uow, form_release_id)
    _decide(uow, row, ReleaseState.REFUSED)
    _note(uow, row, "refuse")
    return row


def withdraw_release(uow: UnitOfWork, form_release_id: uuid.UUID) -> FormRelease:
    """Take one's own request back before anybody confirms it."""
    row = stored.lock_release(uow.session, form_release_id, actor=uow.actor)
    if row.requested_by != uow.actor.user_id:
        raise ForbiddenError(N_("只有申请人本人可以撤销申请"))
    if row.state is not ReleaseState.WAITING:
        raise ConflictError(N_("这份申请已经处理，请刷新页面查看"))
    _decide(uow, row, ReleaseState.WITHDRAWN)
    _note(uow, row, "withdraw")
    return row


def take_note(uow: UnitOfWork, form_release_id: uuid.UUID) -> FormRelease:
    """Take note, as an administrator or supervisor, of an early opening; the alarm on the home pages ends."""
    if not any(uow.actor.may(permission) for permission in ALARMED):
        require(uow.actor, ALARMED[0])
    row = stored.lock_release(uow.session, form_release_id, actor=uow.actor)
    if not row.is_early or row.state is not ReleaseState.CONFIRMED or row.noted_at is not None:
        raise ConflictError(N_("这份记录不需要处理"))
    if uow.actor.user_id in (row.requested_by, row.decided_by):
        raise ForbiddenError(N_("启封人不能确认自己的应急启封，请由其他管理员处理"))
    row.noted_by, row.noted_at = uow.actor.user_id, now()
    _note(uow, row, "take_note")
    return row


def _sealed_form(uow: UnitOfWork, form_id: uuid.UUID) -> ExamForm:
    form = repository.get_form(uow.session, form_id, actor=uow.actor)
    if form.status is not FormStatus.SEALED:
        raise ConflictError(N_("试卷没有封存或已撤回，不需要启封"))
    return form


def _check_custodian(uow: UnitOfWork, form_id: uuid.UUID) -> None:
    require(uow.actor, Permission.FORM_SEAL)
    if not is_custodian(uow.session, uow.actor):
        raise ForbiddenError(N_("您不是本机构指定的密钥保管人，不能申请或确认启封"))
    recusal.check_opening(uow.session, uow.actor, form_id)


def _decidable(uow: UnitOfWork, form_release_id: uuid.UUID) -> FormRelease:
    row = stored.lock_release(uow.session, form_release_id, actor=uow.actor)
    _check_custodian(uow, row.exam_form_id)
    if row.requested_by == uow.actor.user_id:
        raise ForbiddenError(N_("启封须由两人完成：申请人不能确认自己的申请"))
    if row.state is not ReleaseState.WAITING:
        raise ConflictError(N_("这份申请已经处理，请刷新页面查看"))
    if row.expires_at <= now():
        raise ConflictError(N_("这份申请已超过确认时限，请申请人重新申请"))
    return row


def _decide(uow: UnitOfWork, row: FormRelease, state: ReleaseState) -> None:
    row.state, row.decided_at = state, now()
    row.decided_by, row.decided_by_name = uow.actor.user_id, uow.actor.name[:100]


def _user(actor: Actor) -> uuid.UUID:
    if actor.user_id is None:
        raise ForbiddenError(N_("启封须由人员进行"))
    return actor.user_id


def _note(uow: UnitOfWork, row: FormRelease, verb: str) -> None:
    after = {
        "part": row.part.value,
        "state": row.state.value,
        "is_early": row.is_early,
        "release": str(row.form_release_id),
    }
    audit.record(uow, f"form_release.{verb}", "exam_form", row.exam_form_id, after=after, reason=row.reason)

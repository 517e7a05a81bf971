"""违纪案: opened in the room, signed by two at one desk, decided by an exam officer, printed as a form."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import ExamSession, IncidentEvidence, MisconductCase, MisconductSignature
from exam_delivery.pages import reading
from exam_delivery.pages.console import view_of
from exam_delivery.repository import attempts as attempts_repository
from exam_delivery.repository import incidents as incidents_repository
from exam_delivery.repository import misconduct as repository
from exam_delivery.repository.attempts import SeatRow
from exam_delivery.repository.misconduct import CaseRow
from exam_delivery.rules.misconduct import BREACH_LABELS, STATE_KINDS, STATE_LABELS, CaseState
from exam_delivery.rules.rulings import TIER_LABELS
from exam_delivery.services import misconduct, misconduct_sheet, reach, signing
from exam_delivery.services.misconduct import CaseDraft
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.http import Paging, current_actor, paging_from_request, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork, unit_of_work

bp = Blueprint("misconduct", __name__)
Page = tuple[str, int]


@dataclass(frozen=True, slots=True)
class CaseListPage:
    """The cases that this person may see."""

    rows: Sequence[CaseRow]
    paging: Paging
    href: Callable[[int], str]
    badges: Mapping[CaseState, tuple[str, str]]
    breaches: Mapping[str, str]
    states: Sequence[tuple[str, str]]
    state: str


@dataclass(frozen=True, slots=True)
class CaseFormPage:
    """A case to be opened or written anew."""

    sitting: ExamSession
    seat: SeatRow
    breaches: Sequence[tuple[str, str]]
    action: str
    back: str
    filled: Mapping[str, object] = field(default_factory=dict)
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CasePage:
    """One case with its signatures, photos and next step."""

    case: MisconductCase
    sitting: ExamSession
    name: str
    facts: Sequence[tuple[str, str]]
    badge: tuple[str, str]
    signatures: Sequence[MisconductSignature]
    photos: Sequence[IncidentEvidence]
    tiers: Sequence[tuple[str, str]]
    may_sign: bool
    may_amend: bool
    may_decide: bool
    username: str
    filled: Mapping[str, str]
    error: str


def _badges() -> dict[CaseState, tuple[str, str]]:
    return {state: (_(STATE_LABELS[state]), STATE_KINDS[state]) for state in CaseState}


@bp.get("/misconduct/")
@requires(Permission.SESSION_READ)
def index() -> Page:
    """List cases: all to exam officers, those of the own rooms to invigilators."""
    actor, session = current_actor(), db.session()
    wanted = request.args.get("state", "")
    state = CaseState(wanted) if wanted in set(CaseState) else None
    rows = repository.list_cases(session, actor=actor, state=state)
    if not actor.may(Permission.SESSION_WRITE):
        rows = _in_reach(rows)
    paging = paging_from_request()
    first = (paging.page - 1) * paging.per_page
    states = [(one.value, _(STATE_LABELS[one])) for one in CaseState]
    breaches = {breach.value: _(label) for breach, label in BREACH_LABELS.items()}
    page = CaseListPage(
        rows[first : first + paging.per_page], paging.of(len(rows)), reading.page_link("misconduct.index"), _badges(),
        breaches, states, wanted,
    )  # fmt: skip
    return render_page("exam_delivery/misconduct/list.html", page)


def _in_reach(rows: Sequence[CaseRow]) -> list[CaseRow]:
    """Return the cases of the actor's rooms; each session is asked about once."""
    rooms = {
        key: {room.exam_room_id for room in reach.rooms_in_reach(db.session(), key, actor=current_actor())}
        for key in {case.exam_session_id for case, *_rest in rows}
    }
    return [row for row in rows if row[1].exam_room_id in rooms[row[0].exam_session_id]]


def _form(
    exam_session_id: uuid.UUID,
    registration_id: uuid.UUID,
    *,
    case: MisconductCase | None = None,
    filled: Mapping[str, object] | None = None,
    errors: Mapping[str, Sequence[str]] | None = None,
) -> Page:
    view = view_of(exam_session_id)
    reach.check_seat_in_reach(db.session(), exam_session_id, registration_id, actor=current_actor())
    if case:
        action = url_for("misconduct.amend", misconduct_case_id=case.misconduct_case_id)
        back = url_for("misconduct.detail", misconduct_case_id=case.misconduct_case_id)
    else:
        action = url_for("misconduct.create", exam_session_id=exam_session_id, registration_id=registration_id)
        back = url_for("console.candidate", exam_session_id=exam_session_id, registration_id=registration_id)
    page = CaseFormPage(
        sitting=view.sitting,
        seat=attempts_repository.get_seat(db.session(), registration_id, actor=current_actor()),
        breaches=[(breach.value, _(label)) for breach, label in BREACH_LABELS.items()],
        action=action,
        back=back,
        filled=filled or {},
        errors=errors or {},
    )
    return render_page("exam_delivery/misconduct/form.html", page, **({"status": 422} if errors else {}))


@bp.get("/console/<uuid:exam_session_id>/candidates/<uuid:registration_id>/misconduct")
@requires(Permission.SESSION_INVIGILATE)
def new(exam_session_id: uuid.UUID, registration_id: uuid.UUID) -> Page:
    """Show the form of a new case."""
    return _form(exam_session_id, registration_id)


def _draft() -> CaseDraft:
    return CaseDraft(
        breach=reading.text("breach"), facts=reading.text("facts"), statement=reading.text("statement"),
        is_statement_refused=reading.ticked("is_statement_refused"),
    )  # fmt: skip


@bp.post("/console/<uuid:exam_session_id>/candidates/<uuid:registration_id>/misconduct")
@requires(Permission.SESSION_INVIGILATE)
def create(exam_session_id: uuid.UUID, registration_id: uuid.UUID) -> Page | Response:
    """Open a case."""
    try:
        with unit_of_work(current_actor()) as uow:
            case = misconduct.propose(uow, exam_session_id, registration_id, _draft())
            address = url_for("misconduct.detail", misconduct_case_id=case.misconduct_case_id)
    except (ConflictError, InvalidInputError) as exc:
        return _form(exam_session_id, registration_id, filled=request.form, errors=reading.field_errors(exc))
    return redirect_with_message(address, _("违纪案已记录，请两名监考员签字"))


@bp.get("/misconduct/<uuid:misconduct_case_id>")
@requires(Permission.SESSION_READ)
def detail(misconduct_case_id: uuid.UUID) -> Page:
    """Show a case."""
    return _detail(misconduct_case_id)


def _detail(misconduct_case_id: uuid.UUID, error: str = "") -> Page:
    """Show a case, after a refusal with what was typed."""
    actor, session = current_actor(), db.session()
    (case, registration, candidate, sitting), signed = misconduct.view_case(session, misconduct_case_id, actor=actor)
    is_here = actor.may(Permission.SESSION_INVIGILATE)
    page = CasePage(
        case=case,
        sitting=sitting,
        name=candidate.name,
        facts=_facts(case, candidate.name, registration.admission_number or "—", sitting.name),
        badge=_badges()[case.state],
        signatures=signed,
        photos=incidents_repository.photos_of(session, registration.registration_id),
        tiers=[("0", _("不予认定")), *((str(tier), _(label)) for tier, label in TIER_LABELS.items())],
        may_sign=is_here and case.state is CaseState.PROPOSED,
        may_amend=is_here and case.state is CaseState.PROPOSED and not signed,
        may_decide=actor.may(Permission.SESSION_WRITE) and case.state is CaseState.CONFIRMED,
        username=actor.name,
        filled={name: reading.text(name) for name in ("verdict", "reason", "username")},
        error=error,
    )
    return render_page("exam_delivery/misconduct/detail.html", page, status=422 if error else 200)


def _facts(case: MisconductCase, name: str, number: str, sitting: str) -> list[tuple[str, str]]:
    statement = _("考生拒绝陈述") if case.is_statement_refused else case.statement
    facts = [
        (_("考生"), f"{name} {number}"),
        (_("场次"), sitting),
        (_("违纪情形"), _(BREACH_LABELS[case.breach])),
        (_("经过和证据"), case.facts),
        (_("考生陈述"), statement),
        (_("记录人"), case.proposed_by_name),
    ]
    if case.decision_reason:
        facts.append((_("理由"), case.decision_reason))
    if case.tier:
        facts.append((_("违纪类别"), _(TIER_LABELS[case.tier])))
    return facts


@bp.get("/misconduct/<uuid:misconduct_case_id>/edit")
@requires(Permission.SESSION_INVIGILATE)
def edit(misconduct_case_id: uuid.UUID) -> Page:
    """Show the form of a case that nobody has signed."""
    (case, *_rest), _signed = misconduct.view_case(db.session(), misconduct_case_id, actor=current_actor())
    names = ("breach", "facts", "statement", "is_statement_refused")
    filled = {name: getattr(case, name) for name in names}
    return _form(case.exam_session_id, case.registration_id, case=case, filled=filled)


@bp.post("/misconduct/<uuid:misconduct_case_id>/edit")
@requires(Permission.SESSION_INVIGILATE)
def amend(misconduct_case_id: uuid.UUID) -> Page | Response:
    """Write a case anew."""
    try:
        with unit_of_work(current_actor()) as uow:
            misconduct.amend(uow, misconduct_case_id, _draft())
    except (ConflictError, InvalidInputError) as exc:
        (case, *_rest), _signed = misconduct.view_case(db.session(), misconduct_case_id, actor=current_actor())
        errors = reading.field_errors(exc)
        return _form(case.exam_session_id, case.registration_id, case=case, filled=request.form, errors=errors)
    return redirect_with_message(_address(misconduct_case_id), _("已保存"))


def _address(misconduct_case_id: uuid.UUID) -> str:
    return url_for("misconduct.detail", misconduct_case_id=misconduct_case_id)


def _step(misconduct_case_id: uuid.UUID, done: str, verb: Callable[[UnitOfWork], Any]) -> Page | Response:
    try:
        with unit_of_work(current_actor()) as uow:
            verb(uow)
    except (ConflictError, ForbiddenError, InvalidInputError) as exc:
        return _detail(misconduct_case_id, reading.message_of(exc))
    return redirect_with_message(_address(misconduct_case_id), done)


@bp.post("/misconduct/<uuid:misconduct_case_id>/sign")
@requires(Permission.SESSION_INVIGILATE)
def sign(misconduct_case_id: uuid.UUID) -> Page | Response:
    """Sign with a name and the password that belongs to it; two people may do so at one desk."""
    try:
        signer = signing.find_signer(
            current_actor(), reading.text("username"), request.form.get("password", ""), request.remote_addr or ""
        )
    except InvalidInputError as exc:
        return _detail(misconduct_case_id, reading.message_of(exc))
    done = _("%(name)s 已签字", name=signer.name)
    return _step(misconduct_case_id, done, lambda uow: misconduct.sign(uow, misconduct_case_id, signer=signer))


@bp.post("/misconduct/<uuid:misconduct_case_id>/withdraw")
@requires(Permission.SESSION_INVIGILATE)
def withdraw(misconduct_case_id: uuid.UUID) -> Page | Response:
    """Take a case back."""

    def verb(uow: UnitOfWork) -> MisconductCase:
        return misconduct.withdraw(uow, misconduct_case_id, reason=reading.text("reason"))

    return _step(misconduct_case_id, _("违纪案已撤回"), verb)


@bp.post("/misconduct/<uuid:misconduct_case_id>/decide")
@requires(Permission.SESSION_WRITE)
def decide(misconduct_case_id: uuid.UUID) -> Page | Response:
    """Decide a case that two have signed."""

    def verb(uow: UnitOfWork) -> MisconductCase:
        verdict = reading.number("verdict")
        if verdict is None:
            raise InvalidInputError(N_("请选择违纪类别"))
        return misconduct.decide(uow, misconduct_case_id, tier=verdict or None, reason=reading.text("reason"))

    return _step(misconduct_case_id, _("已作出决定"), verb)


@bp.get("/misconduct/<uuid:misconduct_case_id>/pdf")
@requires(Permission.SESSION_READ)
def pdf(misconduct_case_id: uuid.UUID) -> Response:
    """Give the case as a printed form."""
    name, body = misconduct_sheet.print_case(db.session(), misconduct_case_id, actor=current_actor())
    return send_file(io.BytesIO(body), mimetype="application/pdf", as_attachment=True, download_name=name)

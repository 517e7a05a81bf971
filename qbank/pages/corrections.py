"""Correction cases (试题更正): the inbox, one case with its timeline, and the open form."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import (
    MenuEntry,
    Paging,
    Todo,
    current_actor,
    paging_from_request,
    public,
    public_once,
    redirect_with_message,
    render_page,
    requires,
)
from kernel.i18n import N_
from kernel.identity.actor import Actor, system_actor
from kernel.identity.permissions import Permission
from kernel.identity.repository import list_organisations, user_names
from kernel.uow import UnitOfWork, unit_of_work
from qbank.models.corrections import CorrectionCase, CorrectionStep, ItemCorrection, ItemQuarantine
from qbank.models.items import Item, ItemVersion
from qbank.pages.item_wording import Options, excerpt, uuid_or_none
from qbank.pages.wording import Errors, field_errors, form_text, form_version, page_address, refusal
from qbank.repository import corrections as repository
from qbank.repository import items as items_repository
from qbank.rules.corrections import (
    ACT_LABELS,
    OUTCOME_LABELS,
    SOURCE_LABELS,
    STATE_KINDS,
    STATE_LABELS,
    CaseState,
    Outcome,
    ReportSource,
)
from qbank.services import corrections as services
from qbank.services.corrections import Report

bp = Blueprint("corrections", __name__, url_prefix="/corrections")
open_bp = Blueprint("item_reports", __name__, url_prefix="/report-item")
MENU = (
    MenuEntry(N_("标准与题库"), N_("试题更正"), "corrections.index", (Permission.ITEM_RETIRE,), icon="flag", order=40),
)  # fmt: skip
Page = tuple[str, int]


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case as a row of the list."""

    case: CorrectionCase
    item_code: str
    source: str
    state: tuple[str, str]
    assigned: str


@dataclass(frozen=True, slots=True)
class CaseListPage:
    """One page of cases with filters."""

    lines: list[CaseLine]
    paging: Paging
    wanted: Mapping[str, str]
    states: Options
    sources: Options
    n_quarantined: int

    def page_href(self, number: int) -> str:
        """Return the address of another page of the same list."""
        return page_address(number)


@dataclass(frozen=True, slots=True)
class CasePage:
    """One case: what was reported, the item, the timeline, and what can be done now."""

    line: CaseLine
    item: Item | None
    version: ItemVersion | None
    stem: str
    contact: str
    reporter: str
    steps: Sequence[tuple[CorrectionStep, str]]
    correction: ItemCorrection | None
    held: ItemQuarantine | None
    others: Sequence[CaseLine]
    editors: Options
    outcomes: Options
    outcome: str
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Errors = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReportPage:
    """The form for a report: the open one, or that of staff for one item."""

    action: str
    organisations: Options
    item_code: str
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Errors = field(default_factory=dict)
    code: str = ""


def todos(session: Session, actor: Actor) -> list[Todo]:
    """Return what waits for editors: reports nobody took up, and their own open cases."""
    if not services.may_manage(actor) or actor.organisation_id is None:
        return []
    fresh = repository.count_cases(session, actor=actor, wanted=repository.CaseFilter(state=CaseState.REPORTED))
    own = repository.CaseFilter(assigned_to=actor.user_id, only_open=True)
    n_own = repository.count_cases(session, actor=actor, wanted=own) if actor.user_id else 0
    return [
        Todo(_("试题错误报告"), fresh, url_for("corrections.index", state="reported"), _("请受理并指派"), "warning"),
        Todo(_("我办理的更正案"), n_own, url_for("corrections.index", mine=1)),
    ]


@bp.get("/")
@requires(Permission.ITEM_RETIRE)
def index() -> Page:
    """List cases."""
    session, actor, paging = db.session(), current_actor(), paging_from_request()
    wanted = {name: request.args.get(name, "").strip()[:60] for name in ("q", "state", "source", "mine")}
    filters = repository.CaseFilter(
        search=wanted["q"],
        state=CaseState(wanted["state"]) if wanted["state"] in set(CaseState) else None,
        source=ReportSource(wanted["source"]) if wanted["source"] in set(ReportSource) else None,
        assigned_to=actor.user_id if wanted["mine"] else None,
        only_open=bool(wanted["mine"]),
    )
    rows, total = repository.list_cases(
        session, actor=actor, wanted=filters, page=paging.page, per_page=paging.per_page
    )
    page = CaseListPage(
        _lines(session, rows), paging.of(total), wanted,
        [(state.value, _(label)) for state, label in STATE_LABELS.items()],
        [(source.value, _(label)) for source, label in SOURCE_LABELS.items()],
        len(repository.quarantined(session, organisation_id=actor.organisation)),
    )  # fmt: skip
    return render_page("qbank/corrections/list.html", page)


def _lines(session: Session, rows: Sequence[tuple[CorrectionCase, str]]) -> list[CaseLine]:
    names = user_names(session, [case.assigned_to for case, _code in rows if case.assigned_to])
    return [
        CaseLine(
            case, code, _(SOURCE_LABELS[case.source]), (_(STATE_LABELS[case.state]), STATE_KINDS[case.state]),
            names.get(case.assigned_to, "") if case.assigned_to else "",
        )
        for case, code in rows
    ]  # fmt: skip


@bp.get("/<uuid:case_id>")
@requires(Permission.ITEM_RETIRE)
def show(case_id: uuid.UUID) -> Page:
    """Show one case."""
    return _show(case_id, {})


def _show(case_id: uuid.UUID, errors: Errors) -> Page:
    session, actor = db.session(), current_actor()
    case = repository.get_case(session, case_id, actor=actor)
    item = items_repository.get_item(session, case.item_id, actor=actor) if case.item_id else None
    version = repository.find_version(session, case.item_version_id) if case.item_version_id else None
    same, _n = repository.list_cases(session, actor=actor, wanted=repository.CaseFilter(item_id=case.item_id))
    names = user_names(session, [case.reported_by] if case.reported_by else [])
    page = CasePage(
        line=_lines(session, [(case, item.code if item else "")])[0], item=item, version=version,
        stem=excerpt(version.content) if version else "", contact=services.read_contact(case),
        reporter=names.get(case.reported_by, "") if case.reported_by else "",
        steps=[(step, _(ACT_LABELS[step.act])) for step in repository.list_steps(session, case_id)],
        correction=repository.find_correction(session, case_id),
        held=repository.find_quarantine(session, item.item_id) if item else None,
        others=_lines(session, [row for row in same if row[0] is not case]) if item else (),
        editors=[(str(key), name) for key, name in repository.list_editors(session, actor=actor)],
        outcomes=[(outcome.value, _(label)) for outcome, label in OUTCOME_LABELS.items()],
        outcome=_(OUTCOME_LABELS[case.outcome]) if case.outcome else "",
        values=request.form.to_dict() if errors else {}, errors=errors,
    )  # fmt: skip
    return render_page("qbank/corrections/case.html", page, status=422 if errors else 200)


Act = Callable[[UnitOfWork, uuid.UUID], object]


def _triage(uow: UnitOfWork, case_id: uuid.UUID) -> object:
    person = uuid_or_none(form_text("assigned_to"))
    return services.triage(
        uow, case_id, item_code=form_text("item_code"), assigned_to=person, version=form_version()
    )  # fmt: skip


def _assign(uow: UnitOfWork, case_id: uuid.UUID) -> object:
    person = uuid_or_none(form_text("assigned_to"))
    if person is None:
        message = N_("请选择本机构的题库管理员")
        raise InvalidInputError(message, fields={"assigned_to": [message]})
    return services.assign(uow, case_id, person, version=form_version())


def _decide(uow: UnitOfWork, case_id: uuid.UUID) -> object:
    if form_text("outcome") not in set(Outcome):
        message = N_("请选择决定")
        raise InvalidInputError(message, fields={"outcome": [message]})
    outcome = Outcome(form_text("outcome"))
    return services.decide(uow, case_id, outcome, reason=form_text("reason"), version=form_version())


ACTS: Mapping[str, tuple[Act, str]] = {
    "triage": (_triage, N_("已受理")),
    "assign": (_assign, N_("已指派")),
    "note": (lambda uow, key: services.add_note(uow, key, form_text("text")), N_("说明已记录")),
    "decide": (_decide, N_("决定已记录")),
    "reopen": (
        lambda uow, key: services.reopen(uow, key, reason=form_text("text"), version=form_version()),
        N_("更正案已重新打开"),
    ),
    "close": (lambda uow, key: services.close(uow, key, version=form_version()), N_("更正案已办结")),
    "quarantine": (
        lambda uow, key: services.quarantine(uow, key, reason=form_text("text")),
        N_("已暂停组卷使用，新试卷不再抽到这道题"),
    ),
    "release": (services.release, N_("已恢复组卷使用")),
}


@bp.post("/<uuid:case_id>/<any(triage, assign, note, decide, reopen, close, quarantine, release):act>")
@requires(Permission.ITEM_RETIRE)
def act_on(case_id: uuid.UUID, act: str) -> Page | Response:
    """Do one act with a case."""
    verb, message = ACTS[act]
    address = url_for("corrections.show", case_id=case_id)
    try:
        with unit_of_work(current_actor()) as uow:
            verb(uow, case_id)
    except InvalidInputError as exc:
        return _show(case_id, field_errors(exc))
    except ConflictError as exc:
        return redirect_with_message(address, refusal(exc), "danger")
    return redirect_with_message(address, _(message))


# --- reports ---------------------------------------------------------------------------------------------------------


@bp.get("/items/<uuid:item_id>/report")
@requires(Permission.ITEM_READ, Permission.ITEM_READ_OWN)
def report_form(item_id: uuid.UUID) -> Page:
    """Show the form for a report about one item."""
    item = items_repository.get_item(db.session(), item_id, actor=current_actor())
    return _staff_form(item, {})


def _staff_form(item: Item, errors: Errors) -> Page:
    action = url_for("corrections.report", item_id=item.item_id)
    page = ReportPage(action, [], item.code, request.form.to_dict() if errors else {}, errors)
    return render_page("qbank/corrections/report.html", page, status=422 if errors else 200)


@bp.post("/items/<uuid:item_id>/report")
@requires(Permission.ITEM_READ, Permission.ITEM_READ_OWN)
def report(item_id: uuid.UUID) -> Page | Response:
    """Open a case for an item."""
    item = items_repository.get_item(db.session(), item_id, actor=current_actor())
    given = Report(
        ReportSource.STAFF, form_text("text"), item.item_id, item.approved_version_id or item.current_version_id,
        evidence=form_text("evidence"),
    )  # fmt: skip
    try:
        with unit_of_work(current_actor()) as uow:
            case = services.report_error(uow, given)
    except InvalidInputError as exc:
        return _staff_form(item, field_errors(exc))
    address = url_for("items.detail", item_id=item_id)
    return redirect_with_message(address, _("已建立更正案 %(code)s", code=case.code))


@open_bp.get("/")
@public
def form() -> Page:
    """Show the open form."""
    return _open_form({})


def _open_form(errors: Errors, *, code: str = "") -> Page:
    organisations = [(one.code, one.name) for one in list_organisations(db.session()) if one.is_active]
    values = request.form.to_dict() if errors else {"organisation": request.args.get("organisation", "")}
    page = ReportPage(url_for("item_reports.send"), organisations, "", values, errors, code)
    return render_page("qbank/corrections/open_form.html", page, status=422 if errors else 200)


@open_bp.post("/")
@public_once
def send() -> Page:
    """Take a report of anybody; floods are slowed down by address, and robots fill in a field that nobody sees."""
    if form_text("website"):
        return _open_form({}, code="—")
    organisations = {one.code: one for one in list_organisations(db.session()) if one.is_active}
    chosen = organisations.get(form_text("organisation"))
    if chosen is None:
        return _open_form({"organisation": [_("请选择考试机构")]})
    given = Report(
        ReportSource.CANDIDATE, form_text("text"), place=form_text("place"), evidence=form_text("evidence"),
        contact=form_text("contact"),
    )  # fmt: skip
    try:
        with unit_of_work(system_actor(chosen.organisation_id, name="public-form")) as uow:
            case = services.report_publicly(uow, given, address=request.remote_addr or "")
    except InvalidInputError as exc:
        return _open_form(field_errors(exc))
    return _open_form({}, code=case.code)

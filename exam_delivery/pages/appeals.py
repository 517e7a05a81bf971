"""Score checks and appeals in the browser: filing, accepting, looking into, concluding, closing, letters."""

from __future__ import annotations

import datetime as dt
import io
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, request, send_file, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from exam_delivery.models import (
    Candidate,
    ExamBatch,
    KeyChange,
    Registration,
    ResultRuling,
    ScoreReviewEvent,
    ScoreReviewFile,
    ScoreReviewRequest,
)
from exam_delivery.pages import reading
from exam_delivery.repository import appeals as repository
from exam_delivery.repository import candidates, planning
from exam_delivery.repository import rulings as rulings_repository
from exam_delivery.repository.appeals import Entry, RequestFilter
from exam_delivery.rules.appeals import (
    FINDING_LABELS,
    KIND_LABELS,
    OPEN_STATES,
    OUTCOME_LABELS,
    REMEDY_LABELS,
    STATE_LABELS,
    SUBJECT_LABELS,
    Remedy,
    RequestKind,
    RequestState,
)
from exam_delivery.services import appeal_findings, appeal_letters, appeal_reviewers, request_files
from exam_delivery.services import appeals as services
from exam_delivery.services.appeal_findings import Conclusion, Derivation
from exam_delivery.services.appeal_reviewers import Reviewer
from exam_delivery.services.appeals import Filing, Terms
from item_templates import registry
from kernel.clock import today
from kernel.db import db
from kernel.errors import ConflictError, DomainError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.http import (
    Paging,
    current_actor,
    paging_from_request,
    redirect_with_message,
    render_page,
    requires,
    uploaded_file,
)
from kernel.http.lists import EVERYTHING, Listing, begin_with_view, open_list, send_list
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.lists import UNORDERED, Column, ListDescription, declare_list
from kernel.uow import UnitOfWork, unit_of_work

bp = Blueprint("appeals", __name__, url_prefix="/appeals")
Page = tuple[str, int]
KINDS = {
    RequestState.FILED: "warning", RequestState.ACCEPTED: "warning", RequestState.REVIEWING: "info",
    RequestState.CONCLUDED: "warning", RequestState.CLOSED: "success", RequestState.DECLINED: "neutral",
    RequestState.WITHDRAWN: "neutral",
}  # fmt: skip
STEP_OF = {
    RequestState.FILED: 2, RequestState.ACCEPTED: 3, RequestState.REVIEWING: 4, RequestState.CONCLUDED: 5,
    RequestState.CLOSED: 6,
}  # fmt: skip
MIMES = {"pdf": "application/pdf", "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document"}
LETTER_ENDINGS = (".pdf", ".jpg", ".jpeg", ".png")


def _candidate(entry: Entry) -> str:
    return f"{entry[2].name} {entry[1].admission_number or ''}".rstrip()


def _outcome(entry: Entry) -> str:
    return str(_(OUTCOME_LABELS[entry[0].outcome])) if entry[0].outcome else ""


LIST: ListDescription[Entry] = declare_list(
    ListDescription(
        key="appeals",
        title=N_("复核与申诉"),
        columns=(
            Column("code", N_("编号"), lambda entry: entry[0].code, is_fixed=True, is_sortable=True),
            Column("kind", N_("种类"), lambda entry: str(_(KIND_LABELS[entry[0].kind])), is_sortable=True),
            Column("name", N_("考生"), _candidate, is_sortable=True),
            Column("batch", N_("批次"), lambda entry: entry[3].name, is_sortable=True),
            Column("state", N_("状态"), lambda entry: str(_(STATE_LABELS[entry[0].state])), is_sortable=True),
            Column("deadline", N_("答复期限"), lambda entry: entry[0].answer_deadline, is_sortable=True),
            Column("reviewer", N_("复核人员"), lambda entry: entry[0].reviewer_name, is_sortable=True),
            Column("outcome", N_("结论"), _outcome, is_sortable=True),
        ),
        filters=("q", "kind", "state", "overdue", "open"),
        readers=(Permission.SCORE_RELEASE,),
        sharers=(Permission.SCORE_RELEASE,),
    )
)


@dataclass(frozen=True, slots=True)
class ListPage:
    """Requests, the open ones by deadline first."""

    listing: Listing[Entry]
    rows: Sequence[Entry]
    wanted: RequestFilter
    states: Sequence[tuple[str, str]]
    kinds: Sequence[tuple[str, str]]
    badges: Mapping[RequestState, tuple[str, str]]
    labels: Mapping[str, str]
    today: dt.date
    paging: Paging
    href: Callable[[int], str]
    is_mine: bool
    may_manage: bool


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Whose request it is: the first thing that is asked."""

    text: str
    rows: Sequence[tuple[Registration, Candidate, ExamBatch]]


@dataclass(frozen=True, slots=True)
class FilingPage:
    """What is to be filled in about one person."""

    registration: Registration
    candidate: Candidate
    batch: ExamBatch
    terms: Sequence[tuple[str, Terms]]
    blocked: str
    rulings: Sequence[ResultRuling]
    kinds: Sequence[tuple[str, str]]
    subjects: Sequence[tuple[str, str]]
    filled: Mapping[str, str]
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DetailPage:
    """One request with what its reader may do now."""

    request: ScoreReviewRequest
    registration: Registration
    candidate: Candidate
    batch: ExamBatch
    ruling: ResultRuling | None
    badge: tuple[str, str]
    badges: Mapping[RequestState, tuple[str, str]]
    labels: Mapping[str, str]
    step: int
    events: Sequence[ScoreReviewEvent]
    derivation: Derivation | None
    types: Mapping[int, str]
    reviewers: Sequence[Reviewer]
    cases: Sequence[KeyChange]
    may_manage: bool
    may_conclude: bool
    may_close: bool
    has_letter: bool
    files: Sequence[ScoreReviewFile]
    is_overdue: bool
    findings: Mapping[str, str]
    outcomes: Sequence[tuple[str, str]]
    remedies: Sequence[tuple[str, str]]
    filled: Mapping[str, str]
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)


def _badges() -> dict[RequestState, tuple[str, str]]:
    return {state: (_(label), KINDS[state]) for state, label in STATE_LABELS.items()}


def _labels() -> dict[str, str]:
    """Return the words of kinds, subjects, outcomes and remedies by value; no value stands for two of them."""
    tables: tuple[Mapping[Any, str], ...] = (KIND_LABELS, SUBJECT_LABELS, OUTCOME_LABELS, REMEDY_LABELS)
    return {f"{index}-{value}": _(label) for index, table in enumerate(tables) for value, label in table.items()}


def _choices(labels: Mapping[Any, str]) -> list[tuple[str, str]]:
    return [(str(value), _(label)) for value, label in labels.items()]


@bp.get("/")
@requires(Permission.SCORE_RELEASE)
def index() -> Page | Response:
    """List the requests of the organisation."""
    listing = open_list(LIST)
    return begin_with_view(listing) or _list(listing, _wanted(), is_mine=False)


def _wanted() -> RequestFilter:
    args = request.args
    state, kind = args.get("state", ""), args.get("kind", "")
    return RequestFilter(
        state=RequestState(state) if state in set(RequestState) else None,
        kind=RequestKind(kind) if kind in set(RequestKind) else None,
        is_overdue=bool(args.get("overdue")), is_open=bool(args.get("open")), text=args.get("q", "").strip(),
    )  # fmt: skip


@bp.post("/shown")
@requires(Permission.SCORE_RELEASE)
def export_shown() -> Response:
    """Download the requests with the columns, filters and order that are shown."""
    listing = open_list(LIST)
    return send_list(listing, lambda: _entries(db.session(), listing, _wanted(), EVERYTHING), {})


@bp.get("/mine")
@requires(Permission.RESPONSE_MARK, Permission.SCORE_READ)
def mine() -> Page:
    """List the requests that the reader looks into."""
    return _list(open_list(LIST), RequestFilter(reviewer_id=current_actor().user_id), is_mine=True)


def _entries(
    session: Session, listing: Listing[Entry], wanted: RequestFilter, paging: Paging
) -> tuple[list[Entry], int]:
    actor, order = current_actor(), listing.order
    if order.key == "name" and not actor.may(Permission.SCORE_RELEASE):
        order = UNORDERED  # who is not told the names is not told their order either
    return repository.list_requests(
        session, wanted, actor=actor, today=today(), order=order, page=paging.page, per_page=paging.per_page
    )


def _list(listing: Listing[Entry], wanted: RequestFilter, *, is_mine: bool) -> Page:
    actor, paging = current_actor(), paging_from_request()
    rows, total = _entries(db.session(), listing, wanted, paging)
    page = ListPage(
        listing, rows, wanted, _choices(STATE_LABELS), _choices(KIND_LABELS), _badges(), _labels(), today(),
        paging.of(total), reading.page_link("appeals.mine" if is_mine else "appeals.index"), is_mine,
        actor.may(Permission.SCORE_RELEASE),
    )  # fmt: skip
    return render_page("exam_delivery/appeals/list.html", page)


# --- filing ----------------------------------------------------------------------------------------------------------


@bp.get("/new")
@requires(Permission.SCORE_RELEASE)
def search() -> Page:
    """Look for the person who asks, by admission number or name."""
    text = request.args.get("q", "").strip()
    rows = candidates.find_people(db.session(), text, actor=current_actor())
    return render_page("exam_delivery/appeals/search.html", SearchPage(text, rows))


@bp.get("/new/<uuid:registration_id>")
@requires(Permission.SCORE_RELEASE)
def fill_in(registration_id: uuid.UUID) -> Page:
    """Fill in what somebody asks for."""
    filled = {"filed_on": today().isoformat(), "kind": request.args.get("kind", "")}
    return _filing_page(registration_id, filled, {})


@bp.post("/new/<uuid:registration_id>")
@requires(Permission.SCORE_RELEASE)
def file(registration_id: uuid.UUID) -> Page | Response:
    """Enter a request."""
    try:
        filing = _filing()
        with unit_of_work(current_actor()) as uow:
            key = services.file_request(uow, registration_id, filing).score_review_request_id
    except (InvalidInputError, ConflictError) as exc:
        body, _status = _filing_page(registration_id, request.form, reading.field_errors(exc))
        return body, exc.http_status
    return redirect_with_message(url_for("appeals.detail", request_id=key), _("已登记，请审查是否受理"))


def _filing() -> Filing:
    slots = [part for part in reading.text("slots").replace("，", ",").replace("、", ",").split(",") if part.strip()]
    if not all(part.strip().isdecimal() and len(part.strip()) < 5 for part in slots):
        message = _("题号请写数字，用逗号分开，如 3,17")
        raise InvalidInputError(message, fields={"slots": [message]})
    return Filing(
        kind=reading.text("kind"), subject=reading.text("subject"), statement=reading.text("statement"),
        filed_on=_day("filed_on"), slots=tuple(int(part) for part in slots),
        result_ruling_id=reading.key(reading.text("result_ruling_id")), letter=_letter(),
    )  # fmt: skip


def _day(name: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(reading.text(name))
    except ValueError:
        return None


def _letter() -> tuple[str, bytes] | None:
    if not (request.files.get("letter") and request.files["letter"].filename):
        return None
    upload = uploaded_file("letter")
    if not upload.name.lower().endswith(LETTER_ENDINGS):
        message = _("请上传 PDF 或图片（jpg、png）")
        raise InvalidInputError(message, fields={"letter": [message]})
    return upload.name, upload.data


def _filing_page(registration_id: uuid.UUID, filled: Mapping[str, str], errors: Mapping[str, Sequence[str]]) -> Page:
    actor, session = current_actor(), db.session()
    registration = candidates.get_registration(session, registration_id, actor=actor)
    terms, blocked = [], ""
    try:
        terms = [(_(KIND_LABELS[kind]), services.terms_of(session, actor, registration, kind)) for kind in RequestKind]
    except ConflictError as exc:
        blocked = reading.message_of(exc)
    page = FilingPage(
        registration, candidates.get_candidate(session, registration.candidate_id, actor=actor),
        planning.get_batch(session, registration.exam_batch_id, actor=actor), terms, blocked,
        rulings_repository.rulings_of(session, registration_id, actor=actor), _choices(KIND_LABELS),
        _choices(SUBJECT_LABELS), filled, errors,
    )  # fmt: skip
    return render_page("exam_delivery/appeals/new.html", page)


# --- one request -----------------------------------------------------------------------------------------------------


@bp.get("/<uuid:request_id>")
@requires(Permission.SCORE_RELEASE, Permission.RESPONSE_MARK, Permission.SCORE_READ)
def detail(request_id: uuid.UUID) -> Page:
    """Show a request with how the score came about."""
    return _detail_page(request_id, {}, {})


def _detail_page(request_id: uuid.UUID, filled: Mapping[str, str], errors: Mapping[str, Sequence[str]]) -> Page:
    actor, session = current_actor(), db.session()
    services.visible_request(session, actor, request_id)
    row, registration, candidate, batch = repository.get_entry(session, request_id, actor=actor)
    may_manage, is_own = actor.may(Permission.SCORE_RELEASE), row.reviewer_id == actor.user_id
    found = _derivation(row)
    may_assign = may_manage and row.state in {RequestState.ACCEPTED, RequestState.REVIEWING}
    page = DetailPage(
        request=row, registration=registration, candidate=candidate, batch=batch, badge=_badges()[row.state],
        ruling=_ruling_of(row), badges=_badges(), labels=_labels(), step=STEP_OF.get(row.state, 2),
        events=repository.list_events(session, request_id), derivation=found, types=_types(found),
        reviewers=appeal_reviewers.possible_reviewers(session, actor, row) if may_assign else (),
        cases=appeal_findings.possible_cases(session, actor, row) if may_manage else (), may_manage=may_manage,
        may_conclude=is_own and row.state is RequestState.REVIEWING,
        may_close=may_manage and not is_own and row.state is RequestState.CONCLUDED,
        has_letter=may_manage and row.state not in {RequestState.FILED, RequestState.WITHDRAWN},
        files=request_files.files_of(session, actor, [request_id]).get(request_id, ()),
        is_overdue=row.state in OPEN_STATES and (row.answer_deadline or dt.date.max) < today(),
        findings={str(key): _(label) for key, label in FINDING_LABELS.items()}, outcomes=_choices(OUTCOME_LABELS),
        remedies=[one for one in _choices(REMEDY_LABELS) if one[0] != Remedy.NONE], filled=filled, errors=errors,
    )  # fmt: skip
    return render_page("exam_delivery/appeals/detail.html", page)


def _ruling_of(row: ScoreReviewRequest) -> ResultRuling | None:
    if row.result_ruling_id is None:
        return None
    return rulings_repository.get_ruling(db.session(), row.result_ruling_id, actor=current_actor())


def _derivation(row: ScoreReviewRequest) -> Derivation | None:
    try:
        return appeal_findings.derive(db.session(), current_actor(), row)
    except NotFoundError:
        return None


def _types(found: Derivation | None) -> dict[int, str]:
    return {line.keyed.slot: _(registry.get(line.keyed.content.type).label) for line in found.slots} if found else {}


@bp.get("/<uuid:request_id>/scan")
@requires(Permission.SCORE_RELEASE, Permission.RESPONSE_MARK, Permission.SCORE_READ)
def scan(request_id: uuid.UUID) -> Response:
    """Download the letter that the request came with."""
    found = services.read_letter(db.session(), current_actor(), request_id)
    if found is None:
        raise NotFoundError(_("这件申请没有附件"))
    return send_file(io.BytesIO(found[1]), as_attachment=True, download_name=found[0])


@bp.post("/<uuid:request_id>/files/<uuid:file_id>")
@requires(Permission.SCORE_RELEASE, Permission.RESPONSE_MARK, Permission.SCORE_READ)
def evidence(request_id: uuid.UUID, file_id: uuid.UUID) -> Response:
    """Download what the candidate added; audited, hence a post."""
    with unit_of_work(current_actor()) as uow:
        name, content, mime = request_files.read_file(uow, request_id, file_id)
    return send_file(io.BytesIO(content), mimetype=mime, as_attachment=True, download_name=name)


@bp.post("/<uuid:request_id>/accept")
@requires(Permission.SCORE_RELEASE)
def accept(request_id: uuid.UUID) -> Response:
    """Accept a request."""
    late = reading.text("late_reason")
    return _step(request_id, _("已受理，请指派复核人"), lambda uow: services.accept(uow, request_id, late_reason=late))


@bp.post("/<uuid:request_id>/decline")
@requires(Permission.SCORE_RELEASE)
def decline(request_id: uuid.UUID) -> Response:
    """Decline a request."""
    reason = reading.text("reason")
    return _step(request_id, _("已登记为不予受理"), lambda uow: services.decline(uow, request_id, reason=reason))


@bp.post("/<uuid:request_id>/withdraw")
@requires(Permission.SCORE_RELEASE)
def withdraw(request_id: uuid.UUID) -> Response:
    """Take back a request."""
    reason = reading.text("withdraw_reason")
    return _step(request_id, _("已撤回"), lambda uow: services.withdraw(uow, request_id, reason=reason))


@bp.post("/<uuid:request_id>/assign")
@requires(Permission.SCORE_RELEASE)
def assign(request_id: uuid.UUID) -> Response:
    """Give a request to somebody independent."""
    user_id = reading.key(reading.text("reviewer")) or uuid.UUID(int=0)
    return _step(request_id, _("已指派，请等待复核结论"), lambda uow: services.assign(uow, request_id, user_id))


@bp.post("/<uuid:request_id>/send-back")
@requires(Permission.SCORE_RELEASE)
def send_back(request_id: uuid.UUID) -> Response:
    """Give a conclusion back."""
    reason = reading.text("reason")
    return _step(request_id, _("已退回复核人"), lambda uow: services.send_back(uow, request_id, reason=reason))


@bp.post("/<uuid:request_id>/close")
@requires(Permission.SCORE_RELEASE)
def close(request_id: uuid.UUID) -> Response:
    """Close a request as it was concluded."""
    case = reading.key(reading.text("key_change_id"))
    done = _("已办结，可以出具告知书")
    return _step(request_id, done, lambda uow: appeal_findings.close(uow, request_id, key_change_id=case))


def _step(request_id: uuid.UUID, done: str, verb: Callable[[UnitOfWork], object]) -> Response:
    """Take a step and go back to the request, with what was done or why not."""
    back = url_for("appeals.detail", request_id=request_id)
    try:
        with unit_of_work(current_actor()) as uow:
            verb(uow)
    except (ConflictError, InvalidInputError, ForbiddenError, NotFoundError) as exc:
        if isinstance(exc, NotFoundError):
            services.visible_request(db.session(), current_actor(), request_id)  # a foreign request stays unknown
        return redirect_with_message(back, reading.message_of(exc), "danger")
    return redirect_with_message(back, done)


@bp.post("/<uuid:request_id>/conclude")
@requires(Permission.RESPONSE_MARK, Permission.SCORE_READ)
def conclude(request_id: uuid.UUID) -> Page | Response:
    """Write down what was found."""
    marks = {
        int(name.removeprefix("mark-")): text
        for name, text in request.form.items()
        if name.startswith("mark-") and name.removeprefix("mark-").isdecimal()
    }
    conclusion = Conclusion(reading.text("outcome"), reading.text("finding"), reading.text("remedy"), marks)
    try:
        with unit_of_work(current_actor()) as uow:
            appeal_findings.conclude(uow, request_id, conclusion)
    except (InvalidInputError, ConflictError) as exc:
        body, _status = _detail_page(request_id, request.form, reading.field_errors(exc))
        return body, exc.http_status
    return redirect_with_message(url_for("appeals.detail", request_id=request_id), _("结论已提交，由另一人办结"))


@bp.post("/<uuid:request_id>/letter")
@requires(Permission.SCORE_RELEASE)
def letter(request_id: uuid.UUID) -> Response:
    """Download the letter that a request calls for now."""
    try:
        with unit_of_work(current_actor()) as uow:
            name, body = appeal_letters.take_request_letter(uow, request_id, reading.text("format"))
    except DomainError as exc:
        if isinstance(exc, NotFoundError):
            raise
        return redirect_with_message(
            url_for("appeals.detail", request_id=request_id), reading.message_of(exc), "danger"
        )
    return send_file(io.BytesIO(body), mimetype=MIMES[name.rsplit(".", 1)[1]], as_attachment=True, download_name=name)

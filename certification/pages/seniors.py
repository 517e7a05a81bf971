"""Applications for the levels above 高级技师: the list, one application with everything about it, and the officer's acts."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from certification.models import SeniorApplication, SeniorEvent, SeniorMaterial, SeniorObjection, SeniorPanelMember
from certification.pages.enterprise_levels import posted_material
from certification.pages.publicity import OBJECTION_LABELS
from certification.pages.wording import PDF, Errors, download, field_errors, form_date, form_text, page_address, refusal
from certification.repository import seniors as repository
from certification.rules import keys
from certification.rules import seniors as rules
from certification.rules.materials import ACCEPT
from certification.rules.publicity import publicity_period
from certification.rules.seniors import ACT_LABELS, STATE_LABELS, SeniorAct, SeniorState
from certification.services import senior_certificates, senior_documents, senior_panels, senior_terms
from certification.services import seniors as services
from kernel import profiles
from kernel.clock import today
from kernel.conflicts import ConflictOfInterestError
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.http.paging import Paging, paging_from_request
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.skill_levels import all_levels, scale
from kernel.uow import UnitOfWork, unit_of_work

bp = Blueprint("cert_seniors", __name__, url_prefix="/certification/seniors")
STATE_KINDS = {
    SeniorState.DRAFT: "neutral", SeniorState.REVIEW: "info", SeniorState.PASSED: "info", SeniorState.PUBLICITY: "warning",
    SeniorState.APPOINTED: "success", SeniorState.REFUSED: "danger",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SeniorsPage:
    """The list, and who waits for a batch that issues certificates."""

    rows: Sequence[SeniorApplication]
    wanted: repository.SeniorFilter
    paging: Paging
    states: list[tuple[str, str]]
    levels: list[tuple[str, str]]
    labels: dict[SeniorState, str]
    kinds: dict[SeniorState, str]
    due: list[list[SeniorApplication]]
    may_write: bool
    today: dt.date

    def page_href(self, number: int) -> str:
        """Return the address of another page of the same list."""
        return page_address(number)


@dataclass(frozen=True, slots=True)
class SeniorPage:
    """One application."""

    row: SeniorApplication
    state_label: str
    state_kind: str
    held_name: str
    eligibility: services.Eligibility | None
    materials: Sequence[SeniorMaterial]
    members: Sequence[SeniorPanelMember]
    experts: Sequence[tuple[uuid.UUID, str]]
    decision: SeniorEvent | None
    objections: Sequence[SeniorObjection]
    objection_labels: dict[Any, tuple[str, str]]
    obstacles: list[str]
    events: list[tuple[str, SeniorEvent]]
    planned_end: dt.date
    planned_term: dt.date
    contact: str
    today: dt.date
    accept: str
    is_own: bool
    may_write: bool
    may_print: bool
    is_term_over: bool


@dataclass(frozen=True, slots=True)
class SeniorFormPage:
    """Beginning or mending an application."""

    title: str
    action: str
    back: str
    values: dict[str, str]
    levels: list[tuple[str, str]]
    held: list[tuple[str, str]]
    is_new: bool
    errors: Errors = field(default_factory=dict)


@bp.get("/")
@requires(Permission.CERTIFICATION_READ)
def index() -> tuple[str, int]:
    """Show the applications."""
    session, actor, paging = db.session(), current_actor(), paging_from_request()
    state = request.args.get("state", "")
    wanted = repository.SeniorFilter(
        request.args.get("q", "").strip()[:60], SeniorState(state) if state in set(SeniorState) else None,
        request.args.get("level", "")[:12],
    )  # fmt: skip
    rows, total = repository.list_applications(
        session, actor=actor, wanted=wanted, offset=paging.offset, limit=paging.per_page
    )
    labels = {one: _(label) for one, label in STATE_LABELS.items()}
    may_write = actor.may(Permission.CERTIFICATION_WRITE)
    page = SeniorsPage(
        rows, wanted, paging.of(total), [(one.value, label) for one, label in labels.items()], _senior_options(), labels,
        STATE_KINDS, senior_certificates.due_groups(session, actor.organisation) if may_write else [], may_write, today(),
    )  # fmt: skip
    return render_page("certification/seniors.html", page)


def _senior_options() -> list[tuple[str, str]]:
    values = profiles.values(db.session(), current_actor().organisation)
    levels = all_levels(values)
    return [(code, levels[code].name) for code in rules.senior_codes(values) if code in levels]


@bp.get("/<uuid:key>")
@requires(Permission.CERTIFICATION_READ)
def detail(key: uuid.UUID) -> tuple[str, int]:
    """Show one application."""
    session, actor = db.session(), current_actor()
    row = repository.get_application(session, key, actor=actor)
    values = profiles.values(session, row.organisation_id)
    events, objections = repository.list_events(session, key), repository.list_objections(session, key)
    is_own = row.organisation_id == actor.organisation_id
    levels = all_levels(values)
    page = SeniorPage(
        row=row, state_label=_(STATE_LABELS[row.state]), state_kind=STATE_KINDS.get(row.state, "neutral"),
        held_name=levels[row.current_level].name if row.current_level in levels else row.current_level,
        eligibility=services.eligibility(session, row) if row.state is SeniorState.DRAFT else None,
        materials=repository.list_materials(session, key), members=repository.list_members(session, key),
        experts=repository.list_experts(session, row.organisation_id),
        decision=next((one for one in reversed(events) if one.act is SeniorAct.DECIDED), None), objections=objections,
        objection_labels={status: (_(label), kind) for status, (label, kind) in OBJECTION_LABELS.items()},
        obstacles=[_(text) for text in senior_terms.appointment_obstacles(objections, row)],
        events=[(_(ACT_LABELS[one.act]), one) for one in events],
        planned_end=publicity_period(today(), n_working_days=values[rules.PUBLICITY_DAYS]).ends_on,
        planned_term=rules.last_day_of_term(today(), values[rules.TERM_YEARS]),
        contact=str(values[keys.PUBLICITY_CONTACT]), today=today(), accept=ACCEPT, is_own=is_own,
        may_write=is_own and actor.may(Permission.CERTIFICATION_WRITE),
        may_print=is_own and actor.may(Permission.PERSONAL_DATA_REVEAL), is_term_over=senior_terms.is_term_over(row),
    )  # fmt: skip
    return render_page("certification/senior.html", page)


# --- filling in ------------------------------------------------------------------------------------------------------


@bp.get("/new")
@requires(Permission.CERTIFICATION_WRITE)
def new() -> tuple[str, int]:
    """Show the form for a new application."""
    return _form({}, {}, None)


def _form(values: dict[str, str], errors: Errors, key: uuid.UUID | None) -> tuple[str, int]:
    known = scale(profiles.values(db.session(), current_actor().organisation))
    back = url_for("cert_seniors.detail", key=key) if key else url_for("cert_seniors.index")
    page = SeniorFormPage(
        title=_("修改申报") if key else _("新建申报"), back=back, values=values, levels=_senior_options(),
        action=url_for("cert_seniors.update", key=key) if key else url_for("cert_seniors.create"),
        held=[(level.code, level.name) for level in reversed(known)], is_new=key is None, errors=errors,
    )  # fmt: skip
    return render_page("certification/senior_form.html", page, status=422 if errors else 200)


def _posted() -> services.SeniorData:
    texts = {
        name: form_text(name)
        for name in (
            "level_code", "occupation_code", "trade_name", "name", "id_number", "phone", "employer", "position",
            "current_level", "current_certificate", "years_in_occupation", "achievements",
        )
    }  # fmt: skip
    return services.SeniorData(**texts, current_since=form_date("current_since"), joined_on=form_date("joined_on"))


def _saved(key: uuid.UUID | None, act: Callable[[UnitOfWork], SeniorApplication]) -> tuple[str, int] | Response:
    try:
        with unit_of_work(current_actor()) as uow:
            saved = act(uow).senior_application_id
    except InvalidInputError as exc:
        return _form(request.form.to_dict(), field_errors(exc), key)
    except ConflictError as exc:
        return _form(request.form.to_dict(), {"": [refusal(exc)]}, key)
    return redirect_with_message(url_for("cert_seniors.detail", key=saved), _("申报已保存，请上传材料后送评审"))


@bp.post("/new")
@requires(Permission.CERTIFICATION_WRITE)
def create() -> tuple[str, int] | Response:
    """Begin an application."""
    return _saved(None, lambda uow: services.create(uow, _posted()))


@bp.get("/<uuid:key>/edit")
@requires(Permission.CERTIFICATION_WRITE)
def edit(key: uuid.UUID) -> tuple[str, int]:
    """Show the form of an application."""
    row = repository.get_application(db.session(), key, actor=current_actor())
    names = (
        "level_code", "occupation_code", "trade_name", "name", "phone", "employer", "position", "current_level",
        "current_since", "current_certificate", "years_in_occupation", "joined_on", "achievements", "version",
    )  # fmt: skip
    found = {name: getattr(row, name) for name in names}
    return _form({name: "" if value is None else str(value) for name, value in found.items()}, {}, key)


@bp.post("/<uuid:key>/edit")
@requires(Permission.CERTIFICATION_WRITE)
def update(key: uuid.UUID) -> tuple[str, int] | Response:
    """Mend an application."""
    version = int(form_text("version")) if form_text("version").isdecimal() else None
    return _saved(key, lambda uow: services.update(uow, key, _posted(), version=version))


# --- acts ------------------------------------------------------------------------------------------------------------


def act(key: uuid.UUID, message: str, run: Callable[[UnitOfWork], object]) -> Response:
    """Do something in one transaction and return to the application; a refusal names every field that is wrong."""
    address = url_for("cert_seniors.detail", key=key)
    try:
        with unit_of_work(current_actor()) as uow:
            run(uow)
    except InvalidInputError as exc:
        texts = [text for messages in field_errors(exc).values() for text in messages]
        return redirect_with_message(address, "；".join(texts), "danger")
    except (ConflictError, ConflictOfInterestError) as exc:
        return redirect_with_message(address, refusal(exc), "danger")
    return redirect_with_message(address, message)


@bp.post("/<uuid:key>/materials")
@requires(Permission.CERTIFICATION_WRITE)
def add_material(key: uuid.UUID) -> Response:
    """Add a material."""
    return act(
        key, _("材料已上传"),
        lambda uow: services.add_material(uow, key, title=form_text("title"), file=posted_material("file")),
    )  # fmt: skip


@bp.post("/<uuid:key>/materials/<uuid:material_id>/delete")
@requires(Permission.CERTIFICATION_WRITE)
def remove_material(key: uuid.UUID, material_id: uuid.UUID) -> Response:
    """Take a material out."""
    return act(key, _("材料已删除"), lambda uow: services.remove_material(uow, material_id))


@bp.post("/<uuid:key>/submit")
@requires(Permission.CERTIFICATION_WRITE)
def submit(key: uuid.UUID) -> Response:
    """Send an application to the panel."""
    return act(key, _("资格审查通过，请确定评委"), lambda uow: services.submit(uow, key))


@bp.post("/<uuid:key>/withdraw")
@requires(Permission.CERTIFICATION_WRITE)
def withdraw(key: uuid.UUID) -> Response:
    """Take an application back."""
    return act(key, _("这份申报已撤回"), lambda uow: services.withdraw(uow, key, reason=form_text("withdraw_reason")))


@bp.post("/<uuid:key>/panel")
@requires(Permission.CERTIFICATION_WRITE)
def set_panel(key: uuid.UUID) -> Response:
    """Name the panel."""
    chosen = [uuid.UUID(text) for text in request.form.getlist("members") if _is_key(text)]
    return act(key, _("评委已确定，他们在“我的评审”中投票"), lambda uow: senior_panels.set_panel(uow, key, chosen))


def _is_key(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


@bp.post("/<uuid:key>/conclude")
@requires(Permission.CERTIFICATION_WRITE)
def conclude(key: uuid.UUID) -> Response:
    """Count the panel's votes."""
    return act(key, _("评审结论已汇总"), lambda uow: senior_panels.conclude(uow, key))


@bp.post("/<uuid:key>/publicity")
@requires(Permission.CERTIFICATION_WRITE)
def publish(key: uuid.UUID) -> Response:
    """Begin the publicity."""
    return act(
        key, _("公示已开始，请下载名单张贴或发布"),
        lambda uow: senior_terms.open_publicity(
            uow, key, starts_on=form_date("starts_on"), contact=form_text("contact")
        ),
    )  # fmt: skip


@bp.post("/<uuid:key>/objections")
@requires(Permission.CERTIFICATION_WRITE)
def add_objection(key: uuid.UUID) -> Response:
    """Keep an objection."""
    return act(
        key, _("异议已登记"),
        lambda uow: senior_terms.note_objection(
            uow, key, raised_by=form_text("raised_by"), raised_on=form_date("raised_on"), content=form_text("content")
        ),
    )  # fmt: skip


@bp.post("/<uuid:key>/objections/<uuid:objection_id>")
@requires(Permission.CERTIFICATION_WRITE)
def settle(key: uuid.UUID, objection_id: uuid.UUID) -> Response:
    """Close an objection."""
    is_upheld, answer = form_text("act") == "uphold", form_text(f"answer-{objection_id}")
    return act(
        key, _("异议已处理"),
        lambda uow: senior_terms.settle_objection(uow, objection_id, is_upheld=is_upheld, answer=answer),
    )  # fmt: skip


@bp.post("/<uuid:key>/appoint")
@requires(Permission.CERTIFICATION_WRITE)
def appoint(key: uuid.UUID) -> Response:
    """Appoint an applicant."""
    return act(
        key, _("聘任已登记"),
        lambda uow: senior_terms.appoint(
            uow, key, first=form_date("first"), last=form_date("last"), number=form_text("number")
        ),
    )  # fmt: skip


@bp.post("/<uuid:key>/refuse")
@requires(Permission.CERTIFICATION_WRITE)
def refuse(key: uuid.UUID) -> Response:
    """Decide not to appoint."""
    return act(key, _("已登记不予聘任"), lambda uow: senior_terms.refuse(uow, key, reason=form_text("refuse_reason")))


@bp.post("/<uuid:key>/renew")
@requires(Permission.CERTIFICATION_WRITE)
def renew(key: uuid.UUID) -> Response:
    """Prolong a term."""
    return act(
        key, _("续聘已登记"),
        lambda uow: senior_terms.renew(uow, key, last=form_date("renew_last"), reason=form_text("renew_reason")),
    )  # fmt: skip


@bp.post("/<uuid:key>/end")
@requires(Permission.CERTIFICATION_WRITE)
def end(key: uuid.UUID) -> Response:
    """End an appointment."""
    return act(
        key, _("聘任已结束"),
        lambda uow: senior_terms.end(uow, key, last=form_date("end_last"), reason=form_text("end_reason")),
    )  # fmt: skip


@bp.post("/<uuid:key>/batch")
@requires(Permission.CERTIFICATION_WRITE)
def make_batch(key: uuid.UUID) -> Response:
    """Make the batch that issues the certificates of those who are due with this one."""
    try:
        with unit_of_work(current_actor()) as uow:
            batch_id = senior_certificates.make_batch(uow, key).certification_batch_id
    except ConflictError as exc:
        return redirect_with_message(url_for("cert_seniors.detail", key=key), refusal(exc), "danger")
    address = url_for("cert_batches.detail", batch_id=batch_id)
    return redirect_with_message(address, _("已转入发证批次，请补照片后上报名册"))


# --- documents -------------------------------------------------------------------------------------------------------


@bp.post("/<uuid:key>/form.pdf")
@requires(Permission.PERSONAL_DATA_REVEAL)
def form_pdf(key: uuid.UUID) -> Response:
    """Download the application form; audited, hence a post."""
    with unit_of_work(current_actor()) as uow:
        name, content = senior_documents.application_form(uow, key)
    return download(name, content, PDF)


@bp.get("/<uuid:key>/notice.pdf")
@requires(Permission.CERTIFICATION_READ)
def notice_pdf(key: uuid.UUID) -> Response:
    """Download the notice to hang out."""
    return _document(key, senior_documents.publicity_notice)


@bp.get("/<uuid:key>/decision.pdf")
@requires(Permission.CERTIFICATION_READ)
def decision_pdf(key: uuid.UUID) -> Response:
    """Download the decision."""
    return _document(key, senior_documents.decision_sheet)


def _document(key: uuid.UUID, make: Callable[[Session, Actor, uuid.UUID], tuple[str, bytes]]) -> Response:
    try:
        name, content = make(db.session(), current_actor(), key)
    except ConflictError as exc:
        return redirect_with_message(url_for("cert_seniors.detail", key=key), refusal(exc), "danger")
    return download(name, content, PDF)

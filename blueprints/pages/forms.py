"""Forms: list, one form with its history, looking inside, review, sealing, withdrawing."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from blueprints import repository, repository_sets
from blueprints.models import ExamForm, FormDecision, FormPackage, FormSet
from blueprints.pages import wording
from blueprints.repository import Filters
from blueprints.rules.packages import SlotContent
from blueprints.rules.releases import ReleasePart
from blueprints.rules.sections import Section, sections_of
from blueprints.rules.states import ACT_LABELS, FORM_LABELS, FormAct, FormStatus
from blueprints.services import forms as services
from blueprints.services import prints, releases, views
from blueprints.services import quality as quality_services
from blueprints.services.bank import slot_contents
from blueprints.services.quality import FormQuality, form_quality
from blueprints.services.sealing import form_title
from item_templates import registry
from item_templates.contract import Interaction
from kernel.clock import now
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import Paging, current_actor, paging_from_request, redirect_with_message, render_page, requires
from kernel.http.lists import EVERYTHING, Listing, begin_with_view, open_list, send_list
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.lists import Column, ListDescription, Order, declare_list
from kernel.uow import unit_of_work

bp = Blueprint("forms", __name__, url_prefix="/forms")
P = Permission


LIST: ListDescription[ExamForm] = declare_list(
    ListDescription(
        key="forms",
        title=N_("试卷"),
        columns=(
            Column("title", N_("试卷"), form_title, is_fixed=True, is_sortable=True),
            Column(
                "occupation", N_("职业等级"), lambda row: f"{row.occupation_name} {row.level_name}", is_sortable=True
            ),
            Column("edition", N_("标准版次"), lambda row: row.edition_label, is_default=False),
            Column("items", N_("题数"), lambda row: row.n_slots, is_numeric=True, is_sortable=True),
            Column("score", N_("总分"), lambda row: row.total_score, is_numeric=True, is_sortable=True),
            Column(
                "minutes", N_("时长（分钟）"), lambda row: row.duration_minutes, is_default=False, is_numeric=True,
                is_sortable=True,
            ),
            Column("status", N_("状态"), lambda row: str(_(FORM_LABELS[row.status])), is_sortable=True),
            Column("created", N_("组成时间"), lambda row: row.created_at, is_sortable=True),
            Column("changed", N_("最近修改"), lambda row: row.updated_at, is_default=False, is_sortable=True),
        ),
        filters=("q", "status"),
        readers=(P.FORM_READ,),
        sharers=(P.FORM_ASSEMBLE, P.FORM_APPROVE),
        order=Order("created", is_descending=True),
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FormListPage:
    """Forms with their filters."""

    listing: Listing[ExamForm]
    rows: Sequence[ExamForm]
    paging: Paging
    href: Callable[[int], str]
    filters: Filters
    statuses: list[tuple[str, str]]
    badge: Callable[[FormStatus], wording.Badge]


@dataclass(frozen=True, slots=True)
class FormPage:
    """One form: what it is, where it stands, what can be done; no item is shown here."""

    row: ExamForm
    title: str
    badge: wording.Badge
    types: list[tuple[str, str, Any]]
    decisions: Sequence[FormDecision]
    act_labels: dict[FormAct, str]
    acts: set[str]
    refusal: str
    package: FormPackage | None
    n_reserved: int
    quality: FormQuality
    form_set: FormSet | None = None
    may_set_standard: bool = False
    may_ask: bool = False
    comment: str = ""
    errors: dict[str, list[str]] = field(default_factory=dict)
    regions: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class PlacedItem:
    """One item in its place, with the template that shows it."""

    slot: SlotContent
    code: str
    importance: str
    difficulty: int | None
    template: str


@dataclass(frozen=True, slots=True)
class ContentPage:
    """A form opened for reading: its parts with their items; `viewer` and `moment` mark every page of it."""

    row: ExamForm
    title: str
    parts: list[tuple[Section, list[PlacedItem]]]
    may_swap: bool
    with_key: bool
    ticket: str
    viewer: str
    moment: Any
    unset_formulas: str


@bp.get("/")
@requires(P.FORM_READ)
def index() -> tuple[str, int] | Response:
    """List forms."""
    listing, paging = open_list(LIST), paging_from_request()
    if away := begin_with_view(listing):
        return away
    rows, total = _rows(db.session(), listing, paging)
    statuses = [(state.value, _(label)) for state, label in FORM_LABELS.items()]
    page = FormListPage(
        listing, rows, paging.of(total), wording.page_address("forms.index"), _filters(), statuses, wording.form_badge
    )
    return render_page("blueprints/forms.html", page)


def _filters() -> Filters:
    status = request.args.get("status", "")
    return Filters(request.args.get("q", "").strip()[:100], None, status if status in set(FormStatus) else "")


def _rows(session: Session, listing: Listing[ExamForm], paging: Paging) -> tuple[Sequence[ExamForm], int]:
    return repository.list_forms(
        session, _filters(), actor=current_actor(), order=listing.order, offset=paging.offset, limit=paging.per_page
    )


@bp.post("/shown")
@requires(P.FORM_READ)
def export_shown() -> Response:
    """Download the list of forms, not what is in them, with the columns, filters and order that are shown."""
    listing = open_list(LIST)
    return send_list(listing, lambda: _rows(db.session(), listing, EVERYTHING), {})


@bp.get("/<uuid:form_id>")
@requires(P.FORM_READ)
def detail(form_id: uuid.UUID) -> tuple[str, int]:
    """Show one form without its items."""
    return _form_page(form_id)


def _form_page(form_id: uuid.UUID, *, comment: str = "", errors: dict[str, list[str]] | None = None) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    row = repository.get_form(session, form_id, actor=actor, with_slots=True)
    acts = services.possible_acts(row, actor)
    reason = services.refusal(session, actor, row) if FormAct.APPROVE in acts else None
    quality = form_quality(session, actor, row)
    if quality.copies:
        acts -= services.GOING_OUT
    page = FormPage(
        row=row, title=form_title(row), badge=wording.form_badge(row.status), types=_types(row),
        decisions=repository.list_decisions(session, form_id),
        act_labels={act: _(label) for act, label in ACT_LABELS.items()}, acts={act.value for act in acts},
        refusal=_(reason.template) % reason.context if reason else "", package=repository.find_package(session, form_id, actor=actor),
        n_reserved=len(repository.list_reservations(session, form_id)), quality=quality,
        may_ask=actor.may(P.FORM_ASSEMBLE) or actor.may(P.FORM_APPROVE),
        may_set_standard=actor.may(P.PANEL_MANAGE) and row.status in (FormStatus.APPROVED, FormStatus.SEALED),
        comment=comment, errors=errors or {},
        regions=repository.get_run(session, row.assembly_run_id, actor=actor).regions if row.assembly_run_id else (),
        form_set=repository_sets.get_set(session, row.form_set_id, actor=actor) if row.form_set_id else None,
    )  # fmt: skip
    return render_page("blueprints/form.html", page, status=422 if errors else 200)


def _types(row: ExamForm) -> list[tuple[str, str, Any]]:
    names = dict.fromkeys(slot.type for slot in row.slots)
    return [
        (wording.type_label(name), _n_items(row, name), sum(slot.score for slot in row.slots if slot.type == name))
        for name in names
    ]


def _n_items(row: ExamForm, name: str) -> str:
    """Return how many items of a type a form has; items that share a text are counted in sets and by number."""
    chosen = [slot for slot in row.slots if slot.type == name]
    if registry.get(name).interaction is not Interaction.COMPOSITE:
        return str(len(chosen))
    n_slots = row.n_slots - (len(row.slots) - len(chosen))
    return str(_("%(sets)s 组 %(n)s 题", sets=len(chosen), n=n_slots))


@bp.post("/<uuid:form_id>/view")
@requires(P.FORM_READ, repeatable=True)
def view(form_id: uuid.UUID) -> Response:
    """Record that this person looks into the form, then show it."""
    with unit_of_work(current_actor()) as uow:
        ticket = views.open_view(uow, form_id)
    return redirect(url_for("forms.content", form_id=form_id, ticket=ticket), code=303)


@bp.get("/<uuid:form_id>/content")
@requires(P.FORM_READ)
def content(form_id: uuid.UUID) -> tuple[str, int]:
    """Show the items of a form to somebody whose look has been recorded."""
    session, actor, ticket = db.session(), current_actor(), request.args.get("ticket", "")
    row = repository.get_form(session, form_id, actor=actor, with_slots=True)
    views.check_view(actor, row, ticket)
    with_key = request.args.get("key") == "1"
    releases.check_open(session, row, ReleasePart.SCORING if with_key else ReleasePart.DELIVERY)
    slots = slot_contents(session, actor, row)
    placed = {item.slot.slot: item for item in placed_items(row, slots, with_key=with_key)}
    parts = [
        (section, [placed[number] for number in range(section.first, section.last + 1)])
        for section in sections_of(slots)
    ]
    page = ContentPage(
        row=row, title=form_title(row), parts=parts, may_swap=FormAct.SWAP in services.possible_acts(row, actor),
        with_key=with_key, ticket=ticket, viewer=actor.name, moment=now(),
        unset_formulas="、".join(map(str, prints.unset_formulas(slots))),
    )  # fmt: skip
    return render_page("blueprints/content.html", page)


def placed_items(row: ExamForm, slots: Sequence[SlotContent], *, with_key: bool) -> list[PlacedItem]:
    """Return the slots of a form in their places, each with the template that shows it, with or without its key."""
    kind = "review" if with_key else "item"
    places = {place.slot: place for place in row.slots}
    return [
        PlacedItem(
            slot, places[slot.place].item_code, places[slot.place].importance, places[slot.place].difficulty,
            registry.template_name(registry.get(slot.content.type), "review" if kind == "review" else "item"),
        )
        for slot in slots
    ]  # fmt: skip


@bp.post("/<uuid:form_id>/ask-about-copies")
@requires(P.FORM_ASSEMBLE, P.FORM_APPROVE)
def ask_about_copies(form_id: uuid.UUID) -> Response:
    """Put the near-copies of a form before the bank's editors."""
    with unit_of_work(current_actor()) as uow:
        n = quality_services.ask_about_copies(uow, form_id)
    return redirect_with_message(url_for("forms.detail", form_id=form_id), *wording.asked_about_copies(n))


def _done(form_id: uuid.UUID, message: str) -> Response:
    return redirect_with_message(url_for("forms.detail", form_id=form_id), message)


@bp.post("/<uuid:form_id>/submit")
@requires(P.FORM_ASSEMBLE)
def submit(form_id: uuid.UUID) -> Response:
    """Send a draft to review."""
    with unit_of_work(current_actor()) as uow:
        services.submit_form(uow, form_id, comment=request.form.get("comment", ""))
    return _done(form_id, _("试卷已提交审核"))


@bp.post("/<uuid:form_id>/return")
@requires(P.FORM_APPROVE)
def send_back(form_id: uuid.UUID) -> tuple[str, int] | Response:
    """Send a form back to its assembler."""
    comment = request.form.get("comment", "")
    try:
        with unit_of_work(current_actor()) as uow:
            services.return_form(uow, form_id, comment=comment)
    except InvalidInputError as exc:
        return _form_page(form_id, comment=comment, errors=wording.refusal_fields(exc))
    return _done(form_id, _("试卷已退回"))


@bp.post("/<uuid:form_id>/approve")
@requires(P.FORM_APPROVE)
def approve(form_id: uuid.UUID) -> Response:
    """Approve a form."""
    with unit_of_work(current_actor()) as uow:
        services.approve_form(uow, form_id, comment=request.form.get("comment", ""))
    return _done(form_id, _("试卷已批准，可以封存"))


@bp.post("/<uuid:form_id>/seal")
@requires(P.FORM_SEAL)
def seal(form_id: uuid.UUID) -> Response:
    """Seal an approved form."""
    with unit_of_work(current_actor()) as uow:
        services.seal_form(uow, form_id)
    return _done(form_id, _("试卷已封存，内容不能再改变"))


@bp.post("/<uuid:form_id>/withdraw")
@requires(P.FORM_ASSEMBLE, P.FORM_SEAL)
def withdraw(form_id: uuid.UUID) -> tuple[str, int] | Response:
    """Withdraw a form that no sitting counts on."""
    try:
        with unit_of_work(current_actor()) as uow:
            services.withdraw_form(uow, form_id, reason=request.form.get("comment", ""))
    except InvalidInputError as exc:
        return _form_page(form_id, errors=wording.refusal_fields(exc))
    return _done(form_id, _("试卷已撤回"))

"""Key-change cases in the browser: proposing, trying on everybody, deciding."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from flask import Blueprint, redirect, request, send_file, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from exam_delivery.models import ExamRoom, ExamSession, KeyChange
from exam_delivery.pages import reading
from exam_delivery.repository import key_changes as repository
from exam_delivery.rules.amendments import (
    CHANGE_LABELS,
    NEEDS_KEY,
    PENDING,
    POLICY_LABELS,
    SOURCE_LABELS,
    ChangeState,
)
from exam_delivery.rules.scoring import KeyedSlot
from exam_delivery.services import forms, key_change_forms, key_changes, scoring_keys
from exam_delivery.services.key_change_forms import FormLine
from exam_delivery.services.key_changes import FormInUse, OtherPlace, Proposal
from exam_delivery.services.key_effects import Effect, Effects, export_effects, find_effects
from item_templates import registry
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.http import Paging, current_actor, paging_from_request, redirect_with_message, render_page, requires
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("key_changes", __name__, url_prefix="/key-changes")
Page = tuple[str, int]
KINDS = {
    ChangeState.PROPOSED: "warning", ChangeState.APPROVED: "info", ChangeState.APPLIED: "success",
    ChangeState.REJECTED: "neutral", ChangeState.WITHDRAWN: "neutral",
}  # fmt: skip
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHOWN_EFFECTS = 100


@dataclass(frozen=True, slots=True)
class ListPage:
    """Cases, newest first."""

    rows: Sequence[KeyChange]
    titles: Mapping[uuid.UUID, str]
    states: Sequence[tuple[str, str]]
    wanted: str
    badges: Mapping[ChangeState, tuple[str, str]]
    policies: Mapping[str, str]
    n_forms: Mapping[uuid.UUID, int]
    paging: Paging
    href: Callable[[int], str]


@dataclass(frozen=True, slots=True)
class FormsPage:
    """Forms that were sat, or those of one set: the first thing a proposal names."""

    lines: Sequence[FormLine]
    text: str
    set_name: str
    form_set_id: uuid.UUID | None
    paging: Paging
    href: Callable[[int], str]


@dataclass(frozen=True, slots=True)
class SlotLine:
    """One slot of a form as a proposal shows it."""

    slot: KeyedSlot
    type_label: str
    key_text: str


@dataclass(frozen=True, slots=True)
class SlotsPage:
    """The slots of a form with their keys."""

    form: FormInUse
    lines: Sequence[SlotLine]


@dataclass(frozen=True, slots=True)
class ProposalPage:
    """What is to be filled in about one slot."""

    form: FormInUse
    line: SlotLine
    policies: Sequence[tuple[str, str]]
    sources: Sequence[tuple[str, str]]
    sessions: Sequence[tuple[str, str]]
    rooms: Sequence[tuple[str, str]]
    filled: Proposal
    others: Sequence[OtherPlace] = ()
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CasePage:
    """One case with its dry run while it waits, or with what it did."""

    change: KeyChange
    title: str
    line: SlotLine | None
    new_key: str
    badge: tuple[str, str]
    policy: str
    source: str
    sessions: Sequence[ExamSession]
    rooms: Sequence[ExamRoom]
    effects: Effects | None
    shown: Sequence[Effect]
    may_decide: bool
    may_withdraw: bool
    places: Sequence[tuple[str, int]] = ()


def _badges() -> dict[ChangeState, tuple[str, str]]:
    return {state: (_(CHANGE_LABELS[state]), KINDS[state]) for state in ChangeState}


@bp.get("/")
@requires(Permission.SCORE_RELEASE)
def index() -> Page:
    """List the cases."""
    actor, session, paging = current_actor(), db.session(), paging_from_request()
    wanted = request.args.get("state", "")
    state = ChangeState(wanted) if wanted in set(ChangeState) else None
    rows, total = repository.list_changes(session, actor=actor, state=state, page=paging.page, per_page=paging.per_page)
    titles = {key: form.title for key, form in forms.titles(session, actor.organisation).items()}
    page = ListPage(
        rows, titles, [(one.value, _(label)) for one, label in CHANGE_LABELS.items()], state.value if state else "",
        _badges(), {one.value: _(label) for one, label in POLICY_LABELS.items()},
        repository.count_forms(session, rows), paging.of(total),
        reading.page_link("key_changes.index"),
    )  # fmt: skip
    return render_page("exam_delivery/key_changes/list.html", page)


@bp.get("/new")
@requires(Permission.SCORE_RELEASE)
def choose_form() -> Page:
    """Choose the form whose key is in doubt."""
    lines = key_change_forms.list_lines(db.session(), current_actor(), _searched())
    return _forms_page(lines)


@bp.get("/new/sets/<uuid:form_set_id>")
@requires(Permission.SCORE_RELEASE)
def choose_form_of_set(form_set_id: uuid.UUID) -> Page:
    """Choose among the forms of a set, one for each candidate."""
    name, lines = key_change_forms.list_set(db.session(), current_actor(), form_set_id, _searched())
    return _forms_page(lines, name, form_set_id)


def _searched() -> str:
    return request.args.get("q", "").strip()[:100]


def _forms_page(lines: Sequence[FormLine], set_name: str = "", form_set_id: uuid.UUID | None = None) -> Page:
    paging = paging_from_request().of(len(lines))
    shown = lines[paging.offset : paging.offset + paging.per_page]
    link = (
        reading.page_link("key_changes.choose_form_of_set", form_set_id=form_set_id)
        if form_set_id
        else reading.page_link("key_changes.choose_form")
    )
    page = FormsPage(shown, _searched(), set_name, form_set_id, paging, link)
    return render_page("exam_delivery/key_changes/forms.html", page)


@bp.get("/new/<uuid:form_id>")
@requires(Permission.SCORE_RELEASE)
def choose_slot(form_id: uuid.UUID) -> Page:
    """Choose the slot whose key is in doubt."""
    actor, session = current_actor(), db.session()
    key = key_changes.open_key(session, actor, form_id)
    page = SlotsPage(_form(session, actor, form_id), [_line(slot) for slot in key.slots])
    return render_page("exam_delivery/key_changes/slots.html", page)


def _form(session: Session, actor: Actor, form_id: uuid.UUID) -> FormInUse:
    return next(one for one in key_changes.forms_in_use(session, actor) if one.form_id == form_id)


def _line(slot: KeyedSlot) -> SlotLine:
    item_type = registry.get(slot.content.type)
    text = item_type.key_text(slot.content) if slot.content.key is not None else ""
    return SlotLine(slot, _(item_type.label), text)


@bp.get("/new/<uuid:form_id>/<int:slot>")
@requires(Permission.SCORE_RELEASE)
def fill_in(form_id: uuid.UUID, slot: int) -> Page:
    """Fill in what is proposed about one slot."""
    return _proposal_page(Proposal(form_id, slot, "", "", "", with_others=True), {})


@bp.post("/new/<uuid:form_id>/<int:slot>")
@requires(Permission.SCORE_RELEASE)
def propose(form_id: uuid.UUID, slot: int) -> Page | Response:
    """Open a case."""
    proposal = Proposal(
        form_id, slot, reading.text("source"), reading.text("policy"), reading.text("reason"),
        reading.text("key_text"), reading.ticked("is_harmless"),
        tuple(map(str, reading.keys("sessions"))), tuple(map(str, reading.keys("rooms"))), reading.ticked("with_others"),
    )  # fmt: skip
    try:
        with unit_of_work(current_actor()) as uow:
            key = key_changes.propose(uow, proposal).key_change_id
    except (InvalidInputError, ConflictError) as exc:
        body, _status = _proposal_page(proposal, reading.field_errors(exc))
        return body, exc.http_status
    return redirect_with_message(url_for("key_changes.detail", key_change_id=key), _("已提出，请另一人核对试算后批准"))


def _proposal_page(proposal: Proposal, errors: Mapping[str, Sequence[str]]) -> Page:
    actor, session = current_actor(), db.session()
    key = key_changes.open_key(session, actor, proposal.form_id)
    form, slot = _form(session, actor, proposal.form_id), key_changes.find_slot(key, proposal.slot)
    others = key_changes.other_places(session, actor, proposal.form_id, slot)
    form_ids = [proposal.form_id, *(one.form_id for one in others)]
    page = ProposalPage(
        form=form, line=_line(slot), others=others,
        policies=[(one.value, _(label)) for one, label in POLICY_LABELS.items()],
        sources=[(one.value, _(label)) for one, label in SOURCE_LABELS.items()],
        sessions=[(str(row.exam_session_id), row.name) for row in form.sessions],
        rooms=_rooms(repository.rooms_of_forms(session, form_ids, actor=actor)), filled=proposal, errors=errors,
    )  # fmt: skip
    return render_page("exam_delivery/key_changes/propose.html", page)


def _rooms(rooms: Sequence[ExamRoom]) -> list[tuple[str, str]]:
    return [(str(room.exam_room_id), f"{room.site} {room.name}") for room in rooms]


@bp.get("/<uuid:key_change_id>")
@requires(Permission.SCORE_RELEASE)
def detail(key_change_id: uuid.UUID) -> Page | Response:
    """Show a case with its dry run, or with what it did."""
    actor, session = current_actor(), db.session()
    change = repository.get_change(session, key_change_id, actor=actor)
    if change.lead_id is not None:
        return redirect(url_for("key_changes.detail", key_change_id=change.lead_id))
    members = repository.case_of(session, change)
    form = _form(session, actor, change.form_id)
    slot = scoring_keys.load_key(session, actor.organisation, change.form_id).find(change.slot)
    effects = find_effects(session, actor, change) if change.state in PENDING else None
    is_open, is_own = change.state is ChangeState.PROPOSED, change.proposed_by == actor.user_id
    rooms = repository.rooms_of_forms(session, [one.form_id for one in members], actor=actor)
    titles = forms.titles(session, actor.organisation) if len(members) > 1 else {}
    page = CasePage(
        change=change, title=form.title, line=_line(slot) if slot else None, new_key=_new_key(change, slot),
        badge=_badges()[change.state], policy=_(POLICY_LABELS[change.policy]), source=_(SOURCE_LABELS[change.source]),
        sessions=[row for row in form.sessions if str(row.exam_session_id) in change.sessions],
        rooms=[room for room in rooms if str(room.exam_room_id) in change.rooms], effects=effects,
        shown=effects.changed[:SHOWN_EFFECTS] if effects else [], may_decide=is_open and not is_own,
        may_withdraw=is_open and is_own,
        places=[(titles[one.form_id].title if one.form_id in titles else "—", one.slot) for one in members[1:]],
    )  # fmt: skip
    return render_page("exam_delivery/key_changes/detail.html", page)


def _new_key(change: KeyChange, slot: KeyedSlot | None) -> str:
    """Return the new key as people write it."""
    if slot is None or change.policy not in NEEDS_KEY:
        return ""
    return key_changes.new_key_text(change, slot)


@bp.post("/<uuid:key_change_id>/approve")
@requires(Permission.SCORE_RELEASE)
def approve(key_change_id: uuid.UUID) -> Response:
    """Approve what the dry run shows."""
    return _decide(key_change_id, "approve", _("已批准，正在为所有考生重新计分"))


@bp.post("/<uuid:key_change_id>/reject")
@requires(Permission.SCORE_RELEASE)
def reject(key_change_id: uuid.UUID) -> Response:
    """Leave the key as it is."""
    return _decide(key_change_id, "reject", _("没有批准，答案保持不变"))


@bp.post("/<uuid:key_change_id>/withdraw")
@requires(Permission.SCORE_RELEASE)
def withdraw(key_change_id: uuid.UUID) -> Response:
    """Take back a proposal of one's own."""
    return _decide(key_change_id, "withdraw", _("已撤回"))


def _decide(key_change_id: uuid.UUID, act: str, done: str) -> Response:
    back = url_for("key_changes.detail", key_change_id=key_change_id)
    reason, digest = reading.text("reason"), reading.text("digest")
    try:
        with unit_of_work(current_actor()) as uow:
            if act == "approve":
                key_changes.approve(uow, key_change_id, confirmed_digest=digest, reason=reason)
            elif act == "reject":
                key_changes.reject(uow, key_change_id, reason=reason)
            else:
                key_changes.withdraw(uow, key_change_id)
    except (ConflictError, InvalidInputError, ForbiddenError) as exc:
        return redirect_with_message(back, reading.message_of(exc), "danger")
    return redirect_with_message(back, done)


@bp.post("/<uuid:key_change_id>/export")
@requires(Permission.SCORE_RELEASE)
def export(key_change_id: uuid.UUID) -> Response:
    """Download the dry run as Excel: everybody whose score changes."""
    with unit_of_work(current_actor()) as uow:
        change = repository.get_change(uow.session, key_change_id, actor=uow.actor)
        body, name = export_effects(uow, change), f"{change.code}.xlsx"
    return send_file(io.BytesIO(body), mimetype=XLSX, as_attachment=True, download_name=name)

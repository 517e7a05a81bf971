"""Leads from statistics: the list, one case with its evidence, and what a person decides about it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from exam_delivery import public as exam_delivery
from exam_delivery.public import KIND_LABELS, STATE_LABELS, FormTable, LeadFilter, LeadKind, LeadState, Person
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import (
    MenuEntry,
    Paging,
    Todo,
    current_actor,
    paging_from_request,
    redirect_with_message,
    render_page,
    requires,
)
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank import public_statistics as bank

bp = Blueprint("leads", __name__, url_prefix="/leads")
MENU = (MenuEntry(N_("阅卷与成绩"), N_("异常线索"), "leads.index", (Permission.SUPERVISE,), icon="shield", order=40),)
BADGES = {LeadState.OPEN: "warning", LeadState.DISMISSED: "neutral", LeadState.CONFIRMED: "danger"}


@dataclass(frozen=True, slots=True)
class LeadListPage:
    """Leads, the least likely by chance first."""

    rows: Sequence[tuple[Any, Any]]
    people: Mapping[uuid.UUID, Person]
    wanted: LeadFilter
    paging: Paging
    kinds: Sequence[tuple[str, str]]
    states: Sequence[tuple[str, str]]
    labels: Mapping[Any, str]
    badges: Mapping[LeadState, str]


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One item as two candidates answered it."""

    slot: int
    key: str
    first: str
    second: str
    is_same_wrong: bool


@dataclass(frozen=True, slots=True)
class LinkRow:
    """Two of a group with what they share."""

    first: str
    second: str
    figures: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LeadPage:
    """One lead with its evidence."""

    lead: Any
    exam_session: Any
    people: Sequence[Person]
    label: str
    state: str
    badge: str
    answers: Sequence[AnswerRow]
    links: Sequence[LinkRow]
    item_href: str
    errors: Mapping[str, Sequence[str]]
    reason: str


@bp.get("/")
@requires(Permission.SUPERVISE)
def index() -> tuple[str, int]:
    """List leads with filters."""
    paging = paging_from_request()
    wanted = LeadFilter(
        request.args.get("session", type=uuid.UUID),
        request.args.get("state", type=LeadState) if "state" in request.args else LeadState.OPEN,
        request.args.get("kind", type=LeadKind),
    )
    rows, total = exam_delivery.list_leads(
        db.session(), current_actor(), wanted, page=paging.page, per_page=paging.per_page
    )
    people = exam_delivery.load_people(
        db.session(), current_actor(), [key for lead, _row in rows for key in lead.attempt_ids]
    )
    labels: dict[Any, str] = {one: _(text) for one, text in (*KIND_LABELS.items(), *STATE_LABELS.items())}
    kinds = [(one.value, labels[one]) for one in LeadKind]
    states = [(one.value, labels[one]) for one in LeadState]
    page = LeadListPage(rows, people, wanted, paging.of(total), kinds, states, labels, BADGES)
    return render_page("leads/list.html", page)


@bp.get("/<uuid:forensic_lead_id>")
@requires(Permission.SUPERVISE)
def detail(forensic_lead_id: uuid.UUID) -> tuple[str, int]:
    """Show a lead: people, figures, and for a pair both answers side by side."""
    return _show(forensic_lead_id, {}, "")


@bp.post("/<uuid:forensic_lead_id>")
@requires(Permission.SUPERVISE)
def decide(forensic_lead_id: uuid.UUID) -> Response | tuple[str, int]:
    """Dismiss or confirm a lead, or open it again."""
    state = request.form.get("state", LeadState.OPEN, type=LeadState)
    reason, version = request.form.get("reason", ""), request.form.get("version", 0, type=int)
    try:
        with unit_of_work(current_actor()) as uow:
            exam_delivery.decide_lead(uow, forensic_lead_id, state, reason, version=version)
    except InvalidInputError as exc:
        text, _status = _show(forensic_lead_id, exc.fields, reason)
        return text, 422
    return redirect_with_message(url_for(".detail", forensic_lead_id=forensic_lead_id), _("已记录处理结果。"))


def todos(session: Session, actor: Actor) -> list[Todo]:
    """Return the leads that wait for a supervisor."""
    if not actor.may(Permission.SUPERVISE) or actor.organisation_id is None:
        return []
    return [Todo(_("待核查的异常线索"), exam_delivery.count_open_leads(session, actor), url_for("leads.index"))]


def _show(forensic_lead_id: uuid.UUID, errors: Mapping[str, Sequence[str]], reason: str) -> tuple[str, int]:
    actor = current_actor()
    lead = exam_delivery.get_lead(db.session(), actor, forensic_lead_id)
    exam_session, _analyses = exam_delivery.find_analyses(db.session(), actor, lead.exam_session_id)
    found = exam_delivery.load_people(db.session(), actor, lead.attempt_ids)
    people = [found[key] for key in lead.attempt_ids if key in found]
    answers = _side_by_side(lead, actor) if lead.kind is LeadKind.COPYING else []
    page = LeadPage(
        lead, exam_session, people, _(KIND_LABELS[lead.kind]), _(STATE_LABELS[lead.state]), BADGES[lead.state], answers,
        _links(lead, found), _item_href(lead, actor), errors, reason,
    )  # fmt: skip
    return render_page("leads/detail.html", page)


def _links(lead: Any, people: Mapping[uuid.UUID, Person]) -> list[LinkRow]:
    """Return the pairs of a group, the least likely by chance first."""
    names = {str(key): f"{who.name} {who.admission_number}" for key, who in people.items()}
    return [
        LinkRow(names.get(first, "—"), names.get(second, "—"), link)
        for link in lead.evidence.get("links", ())
        for first, second in [link["attempts"]]
    ]


def _item_href(lead: Any, actor: Actor) -> str:
    """Return where the item that a lead is about stands in the bank, for those who may read it there."""
    if lead.item_version_id is None or not actor.may(Permission.ITEM_READ):
        return ""
    named = bank.name_versions(db.session(), actor, [lead.item_version_id])
    return next((url_for("items.detail", item_id=one.item_id) for one in named.values()), "")


def _side_by_side(lead: Any, actor: Actor) -> list[AnswerRow]:
    """Return both candidates' answers to the items of the form that have options."""
    tables = exam_delivery.load_form_tables(db.session(), actor, lead.exam_session_id, lead.attempt_ids)
    table = next((one for one in tables if one.form_id == lead.form_id), None)
    if table is None or not set(lead.attempt_ids) <= set(table.attempt_ids):
        return []
    return _rows(table, [table.attempt_ids.index(key) for key in lead.attempt_ids])


def _rows(table: FormTable, places: Sequence[int]) -> list[AnswerRow]:
    rows = []
    for column, slot in enumerate(table.slots):
        if not slot.keys:
            continue
        first, second = (table.chosen[place][column] or () for place in places)
        is_wrong = all((table.scores[place][column] or 0) < slot.max_score for place in places)
        same_wrong = bool(first) and first == second and is_wrong
        rows.append(AnswerRow(slot.slot, "".join(slot.keys), "".join(first), "".join(second), same_wrong))
    return rows

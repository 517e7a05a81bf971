"""A rater's booklet: items with their controls, kept one by one as they are filled in."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, jsonify, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from blueprints.models_panels import PanelJudgement
from blueprints.pages import panel_words as words
from blueprints.pages.wording import refusal_text
from blueprints.rules.packages import SlotContent, score_text
from blueprints.rules.panel_profile import STEP
from blueprints.rules.panels import CELLS, COMPROMISE, EASE, NOTHING_RULED_OUT, RELEVANCE, RatedItem, chance_of, shown
from blueprints.services import panel_items, panel_rating
from blueprints.services.panel_rating import Desk
from item_templates import registry
from kernel import profiles
from kernel.clock import now
from kernel.db import db
from kernel.errors import DomainError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("panel_rating", __name__, url_prefix="/panels")
P = Permission
VALUE, REVISION = "value-", "revision-"


@dataclass(frozen=True, slots=True)
class Control:
    """What a rater fills in: a subject with its label, newest value and revision."""

    subject: str
    label: str
    value: str
    revision: int

    @property
    def chosen(self) -> list[str]:
        """The options that are ruled out."""
        return self.value.split(",") if self.value else []


@dataclass(frozen=True, slots=True)
class Option:
    """An option that may be ruled out, unless it is the key."""

    id: str
    label: str
    is_key: bool


@dataclass(frozen=True, slots=True)
class PlacedItem:
    """One item of the booklet with its control and what was said before."""

    item: RatedItem
    slot: SlotContent
    template: str
    control: Control
    score: str
    options: Sequence[Option]
    before: str


@dataclass(frozen=True, slots=True)
class RatePage:
    """The booklet of a rater."""

    desk: Desk
    title: str
    how_to: str
    items: Sequence[PlacedItem]
    bookmark: Control | None
    table: Sequence[tuple[str, Sequence[Control]]]
    compromise: Sequence[Control]
    missing: Sequence[tuple[str, str]]
    n_needed: int
    has_earlier: bool
    step: int
    with_key: bool
    ticket: str
    viewer: str
    moment: Any
    cells: Sequence[tuple[str, str]]
    columns: Sequence[str]
    nothing: str = NOTHING_RULED_OUT


@bp.post("/<uuid:panel_id>/enter")
@requires(P.PANEL_RATE)
def enter(panel_id: uuid.UUID) -> Response:
    """Record that a rater opens the booklet, then show it."""
    with unit_of_work(current_actor()) as uow:
        ticket = panel_rating.enter(uow, panel_id)
    return redirect(url_for("panel_rating.rate", panel_id=panel_id, ticket=ticket), code=303)


@bp.get("/<uuid:panel_id>/rate")
@requires(P.PANEL_RATE)
def rate(panel_id: uuid.UUID) -> tuple[str, int]:
    """Show the booklet to a rater whose look has been recorded."""
    session, actor, ticket = db.session(), current_actor(), request.args.get("ticket", "")
    desk = panel_rating.open_desk(session, actor, panel_id)
    panel_rating.check_visit(actor, desk.round, ticket)
    slots = panel_items.check_unchanged(session, desk.panel)
    with_key = request.args.get("key") == "1"
    control, before = _controls(desk), _before(session, desk)
    missing = [(subject, words.subject_label(subject, desk.spec.by_place)) for subject in desk.missing]
    page = RatePage(
        desk=desk, title=desk.panel.name, how_to=str(_(words.HOW_TO[desk.panel.method])),
        items=[
            _placed(item, slots[item.number - 1], control(item.subject), before(item), with_key=with_key)
            for item in desk.spec.items
        ],
        bookmark=control("bookmark") if desk.panel.method.value == "bookmark" else None,
        table=_table(control) if desk.panel.method.value == "ebel" else (),
        compromise=[control(name) for name in COMPROMISE] if desk.spec.asks_compromise else (),
        missing=missing, n_needed=desk.n_needed,
        has_earlier=bool(panel_rating.earlier(session, desk)), step=_step(session, desk), with_key=with_key,
        ticket=ticket, viewer=actor.name, moment=now(),
        cells=[(cell, words.cell_label(cell)) for cell in CELLS], columns=[_(label) for label in EASE.values()],
    )  # fmt: skip
    return render_page("blueprints/panels/rate.html", page)


def _step(session: Session, desk: Desk) -> int:
    return int(profiles.value(session, desk.panel.organisation_id, STEP.name))


def _controls(desk: Desk) -> Callable[[str], Control]:
    def control(subject: str) -> Control:
        row: PanelJudgement | None = desk.mine.get(subject)
        label = words.subject_label(subject, desk.spec.by_place)
        return Control(subject, label, shown(row.judgement) if row else "", row.revision if row else 0)

    return control


def _table(control: Callable[[str], Control]) -> list[tuple[str, list[Control]]]:
    """Return Ebel's table: a row for each relevance, a share for each difficulty."""
    return [
        (str(_(label)), [control(f"cell-{relevance}{ease}") for ease in EASE]) for relevance, label in RELEVANCE.items()
    ]


def _before(session: Session, desk: Desk) -> Callable[[RatedItem], str]:
    """Return what the newest closed round says of an item, in words; empty while there is none."""
    row, own = panel_rating.last_feedback(session, desk)
    if row is None or row.outcome is None:
        return lambda _item: ""
    mine = {key: one.judgement for key, one in own.items()}
    by_place = {one["place"]: one for one in row.outcome.result.get("items", [])}

    def say(item: RatedItem) -> str:
        found = by_place.get(item.place)
        return "" if found is None else _said(found, chance_of(item, mine), item.facility)

    return say


def _said(found: Mapping[str, Any], own: float | None, facility: float | None) -> str:
    values = {
        "own": words.percent(own), "mean": words.percent(found["mean"]), "median": words.percent(found["median"]),
        "low": words.percent(found["low"]), "high": words.percent(found["high"]), "facility": words.percent(facility),
    }  # fmt: skip
    return str(
        _(
            "上一轮：您 %(own)s；专家组均值 %(mean)s，中位数 %(median)s，范围 %(low)s–%(high)s；实际得分率 %(facility)s",
            **values,
        )
    )


def _placed(item: RatedItem, slot: SlotContent, control: Control, before: str, *, with_key: bool) -> PlacedItem:
    template = registry.template_name(registry.get(slot.content.type), "review" if with_key else "item")
    key = panel_items.key_options(slot) if item.options else set()
    names = {"true": _("√ 正确"), "false": _("× 错误")}
    options = [Option(option, names.get(option, option), option in key) for option in item.options]
    return PlacedItem(item, slot, template, control, score_text(slot.score), options, before)


@bp.post("/<uuid:panel_id>/keep")
@requires(P.PANEL_RATE, repeatable=True)
def keep(panel_id: uuid.UUID) -> Response:
    """Keep one judgement and answer how far the rater is (JSON), or a whole form and go back to it."""
    given = request.form
    if subject := given.get("subject", ""):
        return _keep_one(panel_id, subject)
    whole = {
        name.removeprefix(VALUE): (
            ",".join(given.getlist(name)), given.get(REVISION + name.removeprefix(VALUE), 0, type=int)
        )
        for name in given
        if name.startswith(VALUE)
    }  # fmt: skip
    with unit_of_work(current_actor()) as uow:
        n = panel_rating.keep_all(uow, panel_id, whole)
    return redirect_with_message(_back(panel_id), _("已保存 %(n)s 项评定", n=n))


def _keep_one(panel_id: uuid.UUID, subject: str) -> Response:
    given = request.form
    try:
        with unit_of_work(current_actor()) as uow:
            kept = panel_rating.keep_judgement(
                uow, panel_id, subject, given.get("value", ""), revision=given.get("revision", 0, type=int)
            )
    except DomainError as exc:
        refused = jsonify(text=refusal_text(exc), revision=exc.context.get("revision"))
        refused.status_code = exc.http_status
        return refused
    return jsonify(
        subject=kept.subject, revision=kept.revision, value=kept.value, missing=kept.missing, needed=kept.n_needed,
        text=_("已保存"),
    )  # fmt: skip


@bp.post("/<uuid:panel_id>/carry-over")
@requires(P.PANEL_RATE)
def carry_over(panel_id: uuid.UUID) -> Response:
    """Take over what the rater said in the round before."""
    with unit_of_work(current_actor()) as uow:
        n = panel_rating.carry_over(uow, panel_id)
    return redirect_with_message(_back(panel_id), _("已沿用上一轮的 %(n)s 项评定，请逐题复核", n=n))


@bp.post("/<uuid:panel_id>/submit")
@requires(P.PANEL_RATE)
def submit(panel_id: uuid.UUID) -> Response:
    """Say that the round is finished."""
    with unit_of_work(current_actor()) as uow:
        panel_rating.submit_round(uow, panel_id)
    address = url_for("panels.detail", panel_id=panel_id)
    return redirect_with_message(address, _("本轮评定已提交；轮次关闭之前仍可修改"))


def _back(panel_id: uuid.UUID) -> str:
    return url_for("panel_rating.rate", panel_id=panel_id, ticket=request.form.get("ticket", ""))

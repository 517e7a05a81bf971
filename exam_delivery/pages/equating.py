"""Equating the forms of a batch in the browser: what it would do, and the decision of two persons about it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from flask import Blueprint, request
from flask_babel import gettext as _

from exam_delivery.pages import reading
from exam_delivery.repository import equating as repository
from exam_delivery.rules.equating import Curve, Design, Method, Way, four_decimals
from exam_delivery.rules.equating_words import DESIGN_LABELS, DESIGN_MEANINGS, METHOD_LABELS, METHOD_MEANINGS
from exam_delivery.services import equating as service
from exam_delivery.services.equating import Pair, Plan, Study
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import current_actor, render_page, requires
from kernel.identity.permissions import Permission

bp = Blueprint("equating", __name__, url_prefix="/equating")
Page = tuple[str, int]
SHOWN_TURNS = 100
WAY = "way_"
LEFT, RIGHT, TOP, BOTTOM = 44.0, 704.0, 16.0, 184.0


@dataclass(frozen=True, slots=True)
class ChartLine:
    """One line of a picture: its points as SVG has them."""

    points: str
    dash: str


@dataclass(frozen=True, slots=True)
class Chart:
    """By how much scores change, over the raw scores: the middle and 1.96 standard errors to either side."""

    lines: Sequence[ChartLine]
    zero: float
    high: str
    low: str
    last: str


@dataclass(frozen=True, slots=True)
class PairView:
    """One form against the reference as the page shows it."""

    pair: Pair
    options: Sequence[tuple[str, str]]
    value: str
    usual: str
    design: str
    method: str
    meanings: Sequence[str]
    rows: Sequence[tuple[Decimal, Decimal, Decimal, Decimal]]
    chart: Chart | None


@dataclass(frozen=True, slots=True)
class StudyPage:
    """What equating would do."""

    study: Study
    views: Sequence[PairView]
    turned: Mapping[uuid.UUID, tuple[str, str]]
    shown: int
    plan: Plan
    may_release: bool


def way_value(way: Way) -> str:
    """Return a way as a field of a form has it."""
    return f"{way.design.value}:{way.method.value}"


def way_label(way: Way) -> str:
    """Return what people call a way."""
    if way.method is Method.IDENTITY:
        return str(_(METHOD_LABELS[way.method]))
    return f"{_(DESIGN_LABELS[way.design])} · {_(METHOD_LABELS[way.method])}"


def read_plan(values: Mapping[str, str], dropped: Sequence[str]) -> Plan:
    """Return the plan that an address or a form names; nonsense is left out."""
    ways = {}
    for name, value in values.items():
        form_id = reading.key(name.removeprefix(WAY)) if name.startswith(WAY) else None
        design, _colon, method = value.partition(":")
        if form_id and design in set(Design) and method in set(Method):
            ways[form_id] = Way(Design(design), Method(method))
    return Plan(reading.key(values.get("reference")), ways, frozenset(dropped))


@bp.get("/batches/<uuid:exam_batch_id>")
@requires(Permission.SCORE_READ)
def study(exam_batch_id: uuid.UUID) -> Page:
    """Show what equating the forms of a batch would do, by the way that the address names."""
    return study_page(exam_batch_id, read_plan(request.args, request.args.getlist("drop")))


def study_page(exam_batch_id: uuid.UUID, plan: Plan, status: int = 200) -> Page:
    """Return the page of a study; a plan that the data do not carry gives way to the usual one."""
    actor, session = current_actor(), db.session()
    try:
        found = service.study(session, actor, exam_batch_id, plan)
    except InvalidInputError:
        plan = Plan()
        found = service.study(session, actor, exam_batch_id, plan)
    turned = [turn.registration_id for pair in found.pairs for turn in pair.turns[:SHOWN_TURNS]]
    page = StudyPage(
        found, [_view(pair) for pair in found.pairs], repository.people(session, turned, actor=actor), SHOWN_TURNS, plan,
        actor.may(Permission.SCORE_RELEASE),
    )  # fmt: skip
    body, _status = render_page("exam_delivery/equating/study.html", page)
    return body, status


def _view(pair: Pair) -> PairView:
    design, method = pair.way.design, pair.way.method
    meanings = [_(METHOD_MEANINGS[method])]
    if method is not Method.IDENTITY:
        meanings.insert(0, _(DESIGN_MEANINGS[design]))
    return PairView(
        pair, [(way_value(way), way_label(way)) for way in pair.ways], way_value(pair.way), way_label(pair.usual),
        _(DESIGN_LABELS[design]), way_label(pair.way), meanings, _rows(pair), _chart(pair.curve, pair.way),
    )  # fmt: skip


def _rows(pair: Pair) -> list[tuple[Decimal, Decimal, Decimal, Decimal]]:
    """Return raw score, equivalent, standard error and the score after rounding at every whole raw score."""
    if pair.curve is None or pair.conversion is None:
        return []
    return [
        (raw, value, four_decimals(error), pair.conversion.apply(raw))
        for raw, value, error in zip(pair.conversion.points, pair.conversion.values, pair.curve.errors, strict=True)
        if raw == int(raw)
    ]


def _chart(curve: Curve | None, way: Way) -> Chart | None:
    if curve is None or way.method is Method.IDENTITY:
        return None
    change = curve.values - curve.points
    band = 1.96 * curve.errors
    drawn = [change, change - band, change + band]
    high, low = max(1.0, *(float(one.max()) for one in drawn)), min(-1.0, *(float(one.min()) for one in drawn))
    last = float(curve.points[-1])

    def y(value: float) -> float:
        return BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP)

    lines = [
        ChartLine(
            " ".join(
                f"{LEFT + float(x) / last * (RIGHT - LEFT):.1f},{y(float(value)):.1f}"
                for x, value in zip(curve.points, one, strict=True)
            ),
            dash,
        )
        for one, dash in zip(drawn, ("", "5 4", "5 4"), strict=True)
    ]
    return Chart(lines, round(y(0), 1), f"{high:+.1f}", f"{low:+.1f}", f"{last:g}")

"""Equating the forms of a batch in the browser: what it would do, and the decision of two persons about it."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from flask import Blueprint, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import Equating, ExamBatch, ScoreRelease
from exam_delivery.pages import reading
from exam_delivery.pages.scores import XLSX
from exam_delivery.repository import equating as repository
from exam_delivery.repository import equating_decisions as decisions_repository
from exam_delivery.repository import planning, releases
from exam_delivery.rules.equating import ENGINE, Curve, Design, Method, Way, draws_of, four_decimals
from exam_delivery.rules.equating_states import STATE_LABELS, EquatingState
from exam_delivery.rules.equating_words import DESIGN_LABELS, DESIGN_MEANINGS, METHOD_LABELS, METHOD_MEANINGS, source_of
from exam_delivery.services import equated_scores, equating_tables
from exam_delivery.services import equating as service
from exam_delivery.services import equating_decisions as decisions
from exam_delivery.services.equating import Pair, Plan, Study
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork, unit_of_work

bp = Blueprint("equating", __name__, url_prefix="/equating")
Page = tuple[str, int]
SHOWN_TURNS = 100
KINDS = {
    EquatingState.PROPOSED: "warning", EquatingState.APPROVED: "success", EquatingState.REJECTED: "neutral",
    EquatingState.WITHDRAWN: "neutral",
}  # fmt: skip
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
    origin: str
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
    export_href: str
    standing: str
    may_release: bool
    decisions: Sequence[Equating]
    badges: Mapping[EquatingState, tuple[str, str]]
    may_propose: bool
    reason: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PairFigures:
    """A conversion of a decision as it was kept."""

    figures: Mapping[str, Any]
    way: str
    usual: str
    origin: str
    rows: Sequence[tuple[Decimal, Decimal, Decimal, Decimal]]


@dataclass(frozen=True, slots=True)
class DecisionPage:
    """A decision about equating with the figures that it rests on."""

    batch: ExamBatch
    equating: Equating
    badge: tuple[str, str]
    reference: str
    pairs: Sequence[PairFigures]
    study_href: str
    is_in_force: bool
    problem: str
    may_decide: bool
    may_withdraw: bool


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


def study_page(
    exam_batch_id: uuid.UUID, plan: Plan, errors: Mapping[str, Sequence[str]] | None = None, reason: str = ""
) -> Page:
    """Return the page of a study; a plan that the data do not carry gives way to the usual one."""
    actor, session = current_actor(), db.session()
    try:
        found = service.study(session, actor, exam_batch_id, plan)
    except InvalidInputError:
        plan = Plan()
        found = service.study(session, actor, exam_batch_id, plan)
    turned = [turn.registration_id for pair in found.pairs for turn in pair.turns[:SHOWN_TURNS]]
    known = decisions_repository.equatings_of_batch(session, exam_batch_id, actor=actor)
    former = releases.find_release_of_batch(session, exam_batch_id, actor=actor)
    may_release = actor.may(Permission.SCORE_RELEASE)
    is_official = former.equating_id is not None if former else found.terms.is_official
    is_waiting = any(one.state is EquatingState.PROPOSED for one in known)
    page = StudyPage(
        found, [_view(pair, found.seed) for pair in found.pairs], repository.people(session, turned, actor=actor),
        SHOWN_TURNS, plan, _export_address(exam_batch_id, plan), _standing(former, is_official=is_official), may_release,
        known, _badges(), may_release and is_official and found.is_whole and not is_waiting, reason, errors or {},
    )  # fmt: skip
    body, _status = render_page("exam_delivery/equating/study.html", page)
    return body, 422 if errors else 200


def _standing(former: ScoreRelease | None, *, is_official: bool) -> str:
    """Return what equating means for the scores of this batch."""
    if former is not None and is_official:
        return str(_("本批次已按等值后的成绩发布：再有经两人批准的等值决定，就移交成绩更正。"))
    if former is not None:
        return str(_("本页只作参考：本批次成绩已按原始分发布。"))
    if is_official:
        return str(_("规则方案规定：经两人批准的等值改变正式成绩，没有批准不能发布。"))
    return str(_("本页只作参考：规则方案没有启用等值，正式成绩一律按原始分。"))


def _export_address(exam_batch_id: uuid.UUID, plan: Plan) -> str:
    """Return where exactly what is shown is exported."""
    ways: dict[str, Any] = {f"{WAY}{key}": way_value(way) for key, way in plan.ways.items()}
    return url_for(
        "equating.export", exam_batch_id=exam_batch_id, reference=plan.reference, drop=sorted(plan.dropped), **ways
    )


@bp.post("/batches/<uuid:exam_batch_id>/export")
@requires(Permission.SCORE_READ)
def export(exam_batch_id: uuid.UUID) -> Response:
    """Download the conversion tables that the page shows as Excel."""
    plan = read_plan(request.args, request.args.getlist("drop"))
    try:
        with unit_of_work(current_actor()) as uow:
            body, batch = equating_tables.export_study(uow, exam_batch_id, plan)
            name = _file_name(batch.code)
    except (ConflictError, InvalidInputError) as exc:
        back = url_for("equating.study", exam_batch_id=exam_batch_id)
        return redirect_with_message(back, reading.message_of(exc), "danger")
    return send_file(io.BytesIO(body), mimetype=XLSX, as_attachment=True, download_name=name)


def _file_name(code: str) -> str:
    return str(_("%(code)s-等值换算表", code=code)) + ".xlsx"


@bp.post("/<uuid:equating_id>/export")
@requires(Permission.SCORE_READ)
def export_kept(equating_id: uuid.UUID) -> Response:
    """Download the conversion tables of a decision as Excel."""
    with unit_of_work(current_actor()) as uow:
        body, found = equating_tables.export_decision(uow, equating_id)
        name = _file_name(found.code)
    return send_file(io.BytesIO(body), mimetype=XLSX, as_attachment=True, download_name=name)


def _badges() -> dict[EquatingState, tuple[str, str]]:
    return {state: (_(STATE_LABELS[state]), KINDS[state]) for state in EquatingState}


@bp.post("/batches/<uuid:exam_batch_id>")
@requires(Permission.SCORE_RELEASE)
def propose(exam_batch_id: uuid.UUID) -> Page | Response:
    """Propose what the page shows."""
    plan, reason = read_plan(request.form, request.form.getlist("drop")), reading.text("reason")
    try:
        with unit_of_work(current_actor()) as uow:
            found = decisions.propose(uow, exam_batch_id, plan, confirmed_digest=reading.text("digest"), reason=reason)
            key = found.equating_id
    except (InvalidInputError, ConflictError) as exc:
        body, _status = study_page(exam_batch_id, plan, reading.field_errors(exc), reason)
        return body, exc.http_status
    return redirect_with_message(url_for("equating.detail", equating_id=key), _("已提出，请另一人核对后批准"))


@bp.get("/<uuid:equating_id>")
@requires(Permission.SCORE_READ)
def detail(equating_id: uuid.UUID) -> Page:
    """Show a decision with the figures that it rests on."""
    actor, session = current_actor(), db.session()
    found = decisions_repository.get_equating(session, equating_id, actor=actor)
    is_open, is_own = found.state is EquatingState.PROPOSED, found.proposed_by == actor.user_id
    newest = decisions_repository.find_in_force(session, found.exam_batch_id, actor=actor)
    former = releases.find_release_of_batch(session, found.exam_batch_id, actor=actor)
    scale = equated_scores.scale_of_batch(session, actor, found.exam_batch_id, former)
    is_newest = newest is not None and newest.equating_id == found.equating_id
    titles = {one["form_id"]: one["title"] for one in found.figures["forms"]}
    may = actor.may(Permission.SCORE_RELEASE)
    page = DecisionPage(
        planning.get_batch(session, found.exam_batch_id, actor=actor), found, _badges()[found.state],
        titles.get(str(found.reference_form_id), ""), [_kept(found, one) for one in found.figures["pairs"]],
        _study_address(found), is_newest and scale.equating is not None,
        reading.translated(*scale.problem) if is_newest and scale.problem else "", may and is_open and not is_own,
        may and is_open and is_own,
    )  # fmt: skip
    return render_page("exam_delivery/equating/detail.html", page)


def _study_address(found: Equating) -> str:
    ways: dict[str, Any] = {f"{WAY}{key}": f"{design}:{method}" for key, (design, method) in found.plan["ways"].items()}
    return url_for(
        "equating.study", exam_batch_id=found.exam_batch_id, reference=found.plan["reference"],
        drop=found.plan["dropped"], **ways,
    )  # fmt: skip


def _kept(found: Equating, figures: Mapping[str, Any]) -> PairFigures:
    conversion = equated_scores.read_conversions(found)[uuid.UUID(figures["form_id"])]
    rows = [
        (raw, value, Decimal(error), conversion.apply(raw))
        for raw, value, error in zip(conversion.points, conversion.values, figures["errors"], strict=True)
        if raw == int(raw)
    ]
    way = Way(Design(figures["design"]), Method(figures["method"]))
    design, method = figures["usual"]
    origin = _origin(way, found.seed, equated_scores.engine_of(found))
    return PairFigures(figures, way_label(way), way_label(Way(Design(design), Method(method))), origin, rows)


def _origin(way: Way, seed: int, engine: int) -> str:
    """Return what made a conversion: the computation and its number, the formulas, the samples of the errors."""
    if way.method is Method.IDENTITY:
        return str(_("没有换算，原始分就是结果。"))
    return str(
        _(
            "由考库等值计算（第 %(engine)s 版）按 %(source)s 的公式得出；标准误来自 %(draws)s 次自助抽样，种子 %(seed)s。",
            engine=engine, source=source_of(way), draws=draws_of(way.method), seed=seed,
        )
    )  # fmt: skip


@bp.post("/<uuid:equating_id>/approve")
@requires(Permission.SCORE_RELEASE)
def approve(equating_id: uuid.UUID) -> Response:
    """Approve a proposal."""
    digest, reason = reading.text("digest"), reading.text("reason")
    return _decide(
        equating_id,
        _("已批准，发布时按等值后的成绩"),
        lambda uow: decisions.approve(uow, equating_id, confirmed_digest=digest, reason=reason),
    )


@bp.post("/<uuid:equating_id>/reject")
@requires(Permission.SCORE_RELEASE)
def reject(equating_id: uuid.UUID) -> Response:
    """Turn a proposal down."""
    reason = reading.text("reason")
    return _decide(equating_id, _("没有批准"), lambda uow: decisions.reject(uow, equating_id, reason=reason))


@bp.post("/<uuid:equating_id>/withdraw")
@requires(Permission.SCORE_RELEASE)
def withdraw(equating_id: uuid.UUID) -> Response:
    """Take back a proposal of one's own."""
    return _decide(equating_id, _("已撤回"), lambda uow: decisions.withdraw(uow, equating_id))


def _decide(equating_id: uuid.UUID, done: str, act: Callable[[UnitOfWork], object]) -> Response:
    back = url_for("equating.detail", equating_id=equating_id)
    try:
        with unit_of_work(current_actor()) as uow:
            act(uow)
    except (ConflictError, InvalidInputError, ForbiddenError) as exc:
        return redirect_with_message(back, reading.message_of(exc), "danger")
    return redirect_with_message(back, done)


def _view(pair: Pair, seed: int) -> PairView:
    design, method = pair.way.design, pair.way.method
    meanings = [_(METHOD_MEANINGS[method])]
    if method is not Method.IDENTITY:
        meanings.insert(0, _(DESIGN_MEANINGS[design]))
    return PairView(
        pair, [(way_value(way), way_label(way)) for way in pair.ways], way_value(pair.way), way_label(pair.usual),
        _(DESIGN_LABELS[design]), way_label(pair.way), meanings,
        _origin(pair.way, seed, ENGINE) if pair.curve is not None else "", _rows(pair), _chart(pair.curve, pair.way),
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

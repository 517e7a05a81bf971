"""The marking plan of a session for its officer and the leaders: who marks what and how, how far it is, what holds it up."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import ExamBatch, ExamSession, MarkingPause
from exam_delivery.pages import reading
from exam_delivery.repository import marking_training as training
from exam_delivery.repository import planning
from exam_delivery.repository import recusal as people
from exam_delivery.repository.marking import Place
from exam_delivery.rules.marking import DisputeRule, FinalRule, MarkingMethod, MarkRule
from exam_delivery.services import forms, marking_plans
from exam_delivery.services.marking import script_code
from exam_delivery.services.marking_plans import ItemProgress, PlanChoice, Stuck
from item_templates.rounding import round_score
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("marking_plans", __name__, url_prefix="/marking/sessions")
Page = tuple[str, int]
METHOD_LABELS = {MarkingMethod.SINGLE: N_("单评"), MarkingMethod.DOUBLE: N_("双评")}
METHOD_HINTS = {
    MarkingMethod.SINGLE: N_("每份答案由一人评"), MarkingMethod.DOUBLE: N_("每份答案由两人各自评，互不知道对方的分数"),
}  # fmt: skip
FINAL_LABELS = {FinalRule.MEAN: N_("取平均分"), FinalRule.HIGHER: N_("取较高分")}
DISPUTE_LABELS = {
    DisputeRule.THIRD: N_("以第三人评分为准"), DisputeRule.CLOSEST: N_("第三人与较近一方取平均"),
}  # fmt: skip
SHOWN_STUCK = 50


@dataclass(frozen=True, slots=True)
class StuckLine:
    """One answer that waits for somebody in particular, or that nobody can take."""

    code: str
    slot: int
    reason: str
    is_blocked: bool


@dataclass(frozen=True, slots=True)
class MarkingOverviewPage:
    """How far the marking of a session is."""

    session: ExamSession
    batch: ExamBatch
    items: Sequence[ItemProgress]
    form_names: Mapping[uuid.UUID, str]
    names: Mapping[uuid.UUID, str]
    method_labels: Mapping[MarkingMethod, str]
    stuck: Sequence[StuckLine]
    n_stuck: int
    n_blocked: int
    pauses: Sequence[MarkingPause]
    may_write: bool
    own_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class MarkingPlanPage:
    """The plan of one item."""

    session: ExamSession
    progress: ItemProgress
    form_name: str
    choice: PlanChoice
    markers: Sequence[tuple[uuid.UUID, str]]
    methods: Sequence[tuple[str, str, str]]
    final_rules: Sequence[tuple[str, str]]
    dispute_rules: Sequence[tuple[str, str]]
    n_other_items: int
    errors: Mapping[str, list[str]]


@bp.get("/<uuid:exam_session_id>")
@requires(Permission.SESSION_WRITE, Permission.RESPONSE_MARK)
def overview(exam_session_id: uuid.UUID) -> Page:
    """Show plan and progress of each item, and which answers wait for whom."""
    session, actor = db.session(), current_actor()
    row = marking_plans.check_manager(session, actor, exam_session_id)
    items = marking_plans.list_progress(session, actor, row)
    stuck = [_stuck_line(one) for item in items for one in item.stuck]
    stuck.sort(key=lambda one: not one.is_blocked)
    page = MarkingOverviewPage(
        session=row, batch=planning.get_batch(session, row.exam_batch_id, actor=actor), items=items,
        form_names=form_names(), names=dict(people.list_markers(session, actor=actor)),
        method_labels={key: _(label) for key, label in METHOD_LABELS.items()}, stuck=stuck[:SHOWN_STUCK],
        n_stuck=len(stuck), n_blocked=sum(one.is_blocked for one in stuck),
        pauses=[one for one in training.pauses_of_session(session, exam_session_id) if one.lifted_at is None],
        may_write=actor.may(Permission.SESSION_WRITE), own_id=actor.user_id,
    )  # fmt: skip
    return render_page("exam_delivery/marking/overview.html", page)


def form_names() -> dict[uuid.UUID, str]:
    """Return the titles of the organisation's forms."""
    found = forms.titles(db.session(), current_actor().organisation)
    return {key: form.title for key, form in found.items()}


def _stuck_line(one: Stuck) -> StuckLine:
    pending = one.answer.pending
    code = script_code(pending.attempt_id, pending.slot)
    return StuckLine(code, pending.slot, reading.translated(one.reason, one.params), one.is_blocked)


@bp.get("/<uuid:exam_session_id>/items/<uuid:form_id>/<int:slot>")
@requires(Permission.SESSION_WRITE, Permission.RESPONSE_MARK)
def edit(exam_session_id: uuid.UUID, form_id: uuid.UUID, slot: int) -> Page:
    """Show the plan of one item."""
    return _edit(exam_session_id, (form_id, slot), {}, None)


def _items(exam_session_id: uuid.UUID) -> tuple[ExamSession, dict[Place, ItemProgress]]:
    session, actor = db.session(), current_actor()
    row = marking_plans.check_manager(session, actor, exam_session_id)
    return row, {one.item: one for one in marking_plans.list_progress(session, actor, row)}


def _edit(exam_session_id: uuid.UUID, item: Place, errors: Mapping[str, list[str]], choice: PlanChoice | None) -> Page:
    row, items = _items(exam_session_id)
    progress = _find(items, item)
    plan = progress.plan
    page = MarkingPlanPage(
        session=row, progress=progress, form_name=form_names().get(item[0], ""),
        choice=choice or PlanChoice(plan.rule, plan.leader_id, plan.quotas),
        markers=people.list_markers(db.session(), actor=current_actor()),
        methods=[(key.value, _(label), _(METHOD_HINTS[key])) for key, label in METHOD_LABELS.items()],
        final_rules=[(key.value, _(label)) for key, label in FINAL_LABELS.items()],
        dispute_rules=[(key.value, _(label)) for key, label in DISPUTE_LABELS.items()],
        n_other_items=len(_others(items, progress)), errors=errors,
    )  # fmt: skip
    return render_page("exam_delivery/marking/plan.html", page, status=422 if errors else 200)


def _find(items: Mapping[Place, ItemProgress], item: Place) -> ItemProgress:
    if item not in items:
        raise NotFoundError(N_("这道题没有需要人工评分的答案"))
    return items[item]


def _others(items: Mapping[Place, ItemProgress], progress: ItemProgress) -> list[Place]:
    """Return the other items that may get the same plan: not begun and worth the same marks."""
    return [
        one.item
        for one in items.values()
        if one.item != progress.item and not one.is_begun and one.max_score == progress.max_score
    ]


@bp.post("/<uuid:exam_session_id>/items/<uuid:form_id>/<int:slot>")
@requires(Permission.SESSION_WRITE, Permission.RESPONSE_MARK)
def save(exam_session_id: uuid.UUID, form_id: uuid.UUID, slot: int) -> Page | Response:
    """Save the plan of one item, or of all alike."""
    _row, items = _items(exam_session_id)
    progress = _find(items, (form_id, slot))
    wanted = [progress.item, *(_others(items, progress) if reading.ticked("all_items") else [])]
    choice = None
    try:
        choice = _choice(progress)
        with unit_of_work(current_actor()) as uow:
            marking_plans.save_plan(uow, exam_session_id, wanted, choice)
    except (InvalidInputError, ConflictError) as exc:
        return _edit(exam_session_id, progress.item, reading.field_errors(exc), choice)
    address = url_for("marking_plans.overview", exam_session_id=exam_session_id)
    return redirect_with_message(address, _("已保存 %(n)s 道题的阅卷安排", n=len(wanted)))


def _choice(progress: ItemProgress) -> PlanChoice:
    """Return what was chosen; an item that is begun keeps its way of marking."""
    rule = progress.plan.rule if progress.is_begun else _rule(progress.max_score)
    return PlanChoice(rule, reading.key(reading.text("leader")), {key: _quota(key) for key in reading.keys("markers")})


def _rule(max_score: Decimal) -> MarkRule:
    method, final, dispute = reading.text("method"), reading.text("final_rule"), reading.text("dispute_rule")
    return MarkRule(
        MarkingMethod(method) if method in set(MarkingMethod) else MarkingMethod.SINGLE, _tolerance(max_score),
        FinalRule(final) if final in set(FinalRule) else FinalRule.MEAN,
        DisputeRule(dispute) if dispute in set(DisputeRule) else DisputeRule.THIRD,
    )  # fmt: skip


def _tolerance(max_score: Decimal) -> Decimal:
    """Return the tolerance in points; it may be typed as a share of the item's marks: ``10%``."""
    typed = reading.text("tolerance").replace("％", "%") or "0"
    text = typed.removesuffix("%")
    if not (text.replace(".", "", 1).isascii() and text.replace(".", "", 1).isdigit() and len(text) < 8):
        message = N_("请填写不小于 0 的分数，或满分的百分比")
        raise InvalidInputError(message, fields={"tolerance": [message]})
    return round_score(Decimal(text) * max_score / 100 if typed.endswith("%") else Decimal(text))


def _quota(user_id: uuid.UUID) -> int | None:
    text = request.form.get(f"quota-{user_id}", "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 6):
        message = N_("定额请填写整数，不限则留空")
        raise InvalidInputError(message, fields={"markers": [message]})
    return int(text)

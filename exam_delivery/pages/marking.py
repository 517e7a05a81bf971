"""The marking desk: one answer after the other, without names, by keyboard."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from statistics import median

from flask import Blueprint, jsonify, redirect, request, url_for
from flask_babel import format_datetime
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import ExamSession, Mark, MarkingDesk
from exam_delivery.pages import reading
from exam_delivery.repository import marking as repository
from exam_delivery.repository import planning
from exam_delivery.rules import marking_keys as keys
from exam_delivery.rules.marking import FlagKind
from exam_delivery.rules.scoring import allowed_steps, suggestion_for
from exam_delivery.services import marking, marking_desks, marking_plans
from exam_delivery.services.marking import MarkingQueue, Script, TrialDone, Typed, script_code
from item_templates import registry
from item_templates.contract import ItemContent, Suggestion
from item_templates.rounding import decimal_text
from kernel.clock import now
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.profiles import value
from kernel.uow import UnitOfWork, unit_of_work

bp = Blueprint("marking", __name__, url_prefix="/marking")
Page = tuple[str, int]
FLAG_LABELS = {
    FlagKind.UNREADABLE: N_("看不清或无法辨认"), FlagKind.RUBRIC: N_("评分标准没有涉及"),
    FlagKind.SUSPICIOUS: N_("疑似雷同或违规"), FlagKind.OTHER: N_("其他"),
}  # fmt: skip
N_RECENT = 8


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer that was begun and not handed in."""

    code: str
    desk: MarkingDesk
    score: str
    comment: str


@dataclass(frozen=True, slots=True)
class MarkingQueuesPage:
    """What waits for markers."""

    queues: Sequence[MarkingQueue]
    led: set[uuid.UUID]
    drafts: Sequence[Draft]


@dataclass(frozen=True, slots=True)
class MarkingPage:
    """One answer with its rubric."""

    session: ExamSession
    script: Script
    steps: Sequence[str]
    suggestion: Suggestion | None
    key_text: str
    queue: MarkingQueue
    pace: int | None
    typed: Typed
    own_marks: Sequence[Mark]
    errors: Mapping[str, list[str]]
    flag_kinds: Sequence[tuple[str, str]]
    flag_labels: Mapping[FlagKind, str]


@bp.get("/")
@requires(Permission.RESPONSE_MARK)
def index() -> Page:
    """List the sessions with answers to mark."""
    session, actor = db.session(), current_actor()
    queues = marking.list_queues(session, actor)
    led = {
        key for queue in queues if marking_plans.is_leader(session, actor, key := queue.exam_session.exam_session_id)
    }  # fmt: skip
    drafts = [_draft(desk) for desk in repository.own_desks(session, actor=actor) if desk.draft]
    return render_page("exam_delivery/marking/queues.html", MarkingQueuesPage(queues, led, drafts))


def _draft(desk: MarkingDesk) -> Draft:
    score = desk.draft.get("score") or " + ".join(one for one in desk.draft.get("criteria", []) if one)
    return Draft(script_code(desk.attempt_id, desk.slot), desk, score, desk.draft.get("comment", ""))


@bp.get("/<uuid:exam_session_id>")
@requires(Permission.RESPONSE_MARK)
def next_script(exam_session_id: uuid.UUID) -> Response:
    """Go to the next answer of a session."""
    left, slot = reading.key(request.args.get("after")), request.args.get("slot", type=int)
    form_id, number = reading.key(request.args.get("form")), request.args.get("item", type=int)
    found = marking.next_script(
        db.session(), current_actor(), exam_session_id, after=(left, slot) if left and slot else None,
        item=(form_id, number) if form_id and number else None,
    )  # fmt: skip
    if found is None:
        return redirect_with_message(url_for("marking.index"), _("这个场次没有待阅的答案了"), "info")
    return redirect(url_for("marking.script", attempt_id=found[0], slot=found[1]), code=303)


@bp.get("/answers/<uuid:attempt_id>/<int:slot>")
@requires(Permission.RESPONSE_MARK)
def script(attempt_id: uuid.UUID, slot: int) -> Page:
    """Show one answer; the page takes it for the marker as soon as it stands there."""
    return _script(marking.get_script(db.session(), current_actor(), attempt_id, slot), {}, None)


def _script(shown: Script, errors: Mapping[str, list[str]], typed: Typed | None) -> Page:
    actor, session = current_actor(), db.session()
    row = planning.get_session(session, shown.exam_session_id, actor=actor)
    recent = _recent(shown)
    page = MarkingPage(
        session=row, script=shown, steps=allowed_steps(shown.slot.max_score),
        suggestion=suggestion_for(shown.slot, shown.response), key_text=reference_answer(shown.slot.content),
        queue=marking.queue_of(session, actor, row), pace=_pace(recent), typed=typed or _typed_before(shown),
        own_marks=recent, errors=errors, flag_kinds=[(kind.value, _(label)) for kind, label in FLAG_LABELS.items()],
        flag_labels={kind: _(label) for kind, label in FLAG_LABELS.items()},
    )  # fmt: skip
    return render_page("exam_delivery/marking/script.html", page, status=422 if errors else 200)


def _recent(shown: Script) -> list[Mark]:
    """Return the newest own marks that may still be changed, each answer once."""
    actor, session = current_actor(), db.session()
    minutes = value(session, actor.organisation, keys.CHANGE_MINUTES.name)
    found: dict[tuple[uuid.UUID, int], Mark] = {}
    for mark in repository.own_marks(session, shown.exam_session_id, actor=actor, limit=N_RECENT * 2):
        if now() - mark.marked_at <= timedelta(minutes=minutes):
            found.setdefault((mark.attempt_id, mark.slot), mark)
    return list(found.values())[:N_RECENT]


def _pace(recent: Sequence[Mark]) -> int | None:
    """Return how many seconds the last answers took, in the middle."""
    seconds = [mark.seconds for mark in recent if mark.seconds is not None]
    return round(median(seconds)) if seconds else None


def _typed_before(shown: Script) -> Typed:
    """Return what stands in the form: the own mark, or the draft, or nothing."""
    if shown.own_mark is not None:
        own = shown.own_mark
        return Typed(decimal_text(own.score), [str(one) for one in own.criteria], own.comment)
    draft = shown.desk.draft if shown.desk else {}
    return Typed(draft.get("score", ""), draft.get("criteria", []), draft.get("comment", ""))


def reference_answer(content: ItemContent) -> str:
    """Return the reference answer as people write it."""
    key = content.key
    if isinstance(key, list) and all(isinstance(one, str) for one in key):
        return "；".join(key)
    return registry.get(content.type).key_text(content) if key is not None else ""


def _typed_now() -> Typed:
    criteria = [] if reading.text("quick") else request.form.getlist("criterion")
    return Typed(reading.text("quick") or reading.text("score"), criteria, reading.text("comment"))


@bp.post("/answers/<uuid:attempt_id>/<int:slot>")
@requires(Permission.RESPONSE_MARK)
def give_mark(attempt_id: uuid.UUID, slot: int) -> Page | Response:
    """Mark an answer and go to the next of the same item."""
    actor, typed = current_actor(), _typed_now()
    attempt = repository.get_attempt(db.session(), attempt_id, actor=actor)
    following = url_for(
        "marking.next_script", exam_session_id=attempt.exam_session_id, form=attempt.form_id, item=slot
    )  # fmt: skip
    try:
        with unit_of_work(actor) as uow:
            told = _mark(uow, attempt_id, slot, typed)
    except InvalidInputError as exc:
        shown = marking.get_script(db.session(), actor, attempt_id, slot)
        return _script(shown, reading.field_errors(exc), typed)
    except ConflictError as exc:
        _keep_draft(attempt_id, slot, typed)
        return redirect_with_message(following, reading.message_of(exc), "warning")
    return redirect_with_message(following, told)


def _mark(uow: UnitOfWork, attempt_id: uuid.UUID, slot: int, typed: Typed) -> str:
    """Give a mark, or try an answer with an agreed mark, and return what the marker is told."""
    trial = marking.give_trial(uow, attempt_id, slot, typed)
    if trial is None:
        given = marking.give_mark(
            uow, attempt_id, slot, typed.score, comment=typed.comment, criteria=typed.criteria,
            n_seen=reading.number("n_seen") or 0,
        )  # fmt: skip
        return _told(given.score)
    return _told(trial.score) if trial.agreed is None else _trained(trial, trial.agreed)


def _told(score: Decimal) -> str:
    text: str = _("已评 %(score)s 分", score=decimal_text(score))
    return text


def _trained(trial: TrialDone, agreed: Decimal) -> str:
    told = {"score": decimal_text(trial.score), "agreed": decimal_text(agreed), "reason": trial.reason or "—"}
    text: str = (
        _("培训：评 %(score)s 分，定标分 %(agreed)s 分，评准了。理由：%(reason)s", **told)
        if trial.is_hit
        else _("培训：评 %(score)s 分，定标分 %(agreed)s 分，相差过大。理由：%(reason)s", **told)
    )
    return text


def _keep_draft(attempt_id: uuid.UUID, slot: int, typed: Typed) -> bool:
    with unit_of_work(current_actor()) as uow:
        draft = {"score": typed.score, "comment": typed.comment, "criteria": list(typed.criteria)}
        return marking_desks.save_draft(uow, attempt_id, slot, draft)


@bp.post("/answers/<uuid:attempt_id>/<int:slot>/draft")
@requires(Permission.RESPONSE_MARK, repeatable=True)
def save_draft(attempt_id: uuid.UUID, slot: int) -> Response:
    """Take the answer and keep what was typed so far; say whether the answer is still this marker's."""
    typed = _typed_now()
    if _keep_draft(attempt_id, slot, typed):
        if not any((typed.score, typed.comment, *typed.criteria)):
            return jsonify(state="taken", text=_("这份答案归您评"))
        return jsonify(state="saved", text=_("草稿已保存 %(time)s", time=format_datetime(now(), "HH:mm:ss")))
    return jsonify(state="lost", text=_("这份答案已由他人领取或评完；草稿保留在“阅卷台”"))


@bp.post("/answers/<uuid:attempt_id>/<int:slot>/draft/drop")
@requires(Permission.RESPONSE_MARK)
def drop_draft(attempt_id: uuid.UUID, slot: int) -> Response:
    """Throw a draft away."""
    return reading.carry_out(
        url_for("marking.index"), _("草稿已删除"), lambda uow: marking_desks.drop_draft(uow, attempt_id, slot)
    )


@bp.post("/answers/<uuid:attempt_id>/<int:slot>/flag")
@requires(Permission.RESPONSE_MARK)
def hand_over(attempt_id: uuid.UUID, slot: int) -> Page | Response:
    """Hand an answer to the leader and go to the next."""
    actor = current_actor()
    attempt = repository.get_attempt(db.session(), attempt_id, actor=actor)
    kind = FlagKind(found) if (found := reading.text("flag_kind")) in set(FlagKind) else FlagKind.OTHER
    try:
        with unit_of_work(actor) as uow:
            marking_desks.hand_over(uow, attempt_id, slot, kind, reading.text("flag_text"))
    except InvalidInputError as exc:
        shown = marking.get_script(db.session(), actor, attempt_id, slot)
        return _script(shown, reading.field_errors(exc), None)
    except ConflictError as exc:
        return redirect_with_message(url_for("marking.index"), reading.message_of(exc), "warning")
    following = url_for("marking.next_script", exam_session_id=attempt.exam_session_id, form=attempt.form_id, item=slot)
    return redirect_with_message(following, _("已交给阅卷组长"))

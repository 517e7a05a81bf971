"""The marking desk: one answer after the other, without names, by keyboard."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import ExamSession, Mark
from exam_delivery.pages import reading
from exam_delivery.repository import marking as repository
from exam_delivery.repository import planning
from exam_delivery.rules.scoring import allowed_steps, suggestion_for
from exam_delivery.services import marking
from exam_delivery.services.marking import MarkingQueue, Script
from item_templates import registry
from item_templates.contract import Suggestion
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("marking", __name__, url_prefix="/marking")
Page = tuple[str, int]


@dataclass(frozen=True, slots=True)
class MarkingQueuesPage:
    """What waits for markers."""

    queues: Sequence[MarkingQueue]


@dataclass(frozen=True, slots=True)
class MarkingPage:
    """One answer with its rubric."""

    session: ExamSession
    script: Script
    steps: Sequence[str]
    suggestion: Suggestion | None
    key_text: str
    n_waiting: int
    score: str
    comment: str
    own_marks: Sequence[Mark]
    errors: Mapping[str, list[str]]


@bp.get("/")
@requires(Permission.RESPONSE_MARK)
def index() -> Page:
    """List the sessions with answers to mark."""
    queues = marking.list_queues(db.session(), current_actor())
    return render_page("exam_delivery/marking/queues.html", MarkingQueuesPage(queues))


@bp.get("/<uuid:exam_session_id>")
@requires(Permission.RESPONSE_MARK)
def next_script(exam_session_id: uuid.UUID) -> Response:
    """Go to the next answer of a session."""
    left, slot = reading.key(request.args.get("after")), request.args.get("slot", type=int)
    after = (left, slot) if left and slot else None
    found = marking.next_script(db.session(), current_actor(), exam_session_id, after=after)
    if found is None:
        return redirect_with_message(url_for("marking.index"), _("这个场次没有待阅的答案了"), "info")
    return redirect(url_for("marking.script", attempt_id=found[0], slot=found[1]), code=303)


@bp.get("/answers/<uuid:attempt_id>/<int:slot>")
@requires(Permission.RESPONSE_MARK)
def script(attempt_id: uuid.UUID, slot: int) -> Page:
    """Show one answer."""
    return _script(attempt_id, slot, {}, None)


def _script(attempt_id: uuid.UUID, slot: int, errors: Mapping[str, list[str]], typed: tuple[str, str] | None) -> Page:
    actor, session = current_actor(), db.session()
    shown = marking.get_script(session, actor, attempt_id, slot)
    own = shown.own_mark
    score, comment = typed or ((f"{own.score:f}", own.comment) if own else ("", ""))
    waiting = repository.list_unmarked(session, shown.exam_session_id, organisation_id=actor.organisation)
    page = MarkingPage(
        session=planning.get_session(session, shown.exam_session_id, actor=actor), script=shown,
        steps=allowed_steps(shown.slot.max_score), suggestion=suggestion_for(shown.slot, shown.response),
        key_text=_key_text(shown), n_waiting=len(waiting), score=score, comment=comment,
        own_marks=repository.own_marks(session, shown.exam_session_id, actor=actor, limit=8), errors=errors,
    )  # fmt: skip
    return render_page("exam_delivery/marking/script.html", page, status=422 if errors else 200)


def _key_text(shown: Script) -> str:
    """Return the reference answer as people write it."""
    key = shown.slot.content.key
    if isinstance(key, list) and all(isinstance(one, str) for one in key):
        return "；".join(key)
    return registry.get(shown.slot.content.type).key_text(shown.slot.content) if key is not None else ""


@bp.post("/answers/<uuid:attempt_id>/<int:slot>")
@requires(Permission.RESPONSE_MARK)
def give_mark(attempt_id: uuid.UUID, slot: int) -> Page | Response:
    """Mark an answer and go to the next."""
    actor, typed = current_actor(), (reading.text("quick") or reading.text("score"), reading.text("comment"))
    session_id = repository.get_attempt(db.session(), attempt_id, actor=actor).exam_session_id
    following = url_for("marking.next_script", exam_session_id=session_id)
    try:
        with unit_of_work(actor) as uow:
            seen = reading.number("n_seen") or 0
            marking.give_mark(uow, attempt_id, slot, typed[0], comment=typed[1], n_seen=seen)
    except InvalidInputError as exc:
        return _script(attempt_id, slot, reading.field_errors(exc), typed)
    except ConflictError as exc:
        return redirect_with_message(following, reading.message_of(exc), "warning")
    return redirect_with_message(following, _("已评 %(score)s 分", score=typed[0]))

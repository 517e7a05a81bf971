"""The check report of a session: who around it must keep away from whom, by which rule."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint
from flask_babel import gettext as _

from exam_delivery.models import ExamBatch, ExamRoom, ExamSession
from exam_delivery.repository import planning
from exam_delivery.services import recusal as services
from kernel.conflicts import RULES, Conflict, Severity
from kernel.conflicts.rules import CYCLE_LABELS, RELATION_LABELS, RULE_LABELS, severity_of
from kernel.db import db
from kernel.http import current_actor, render_page, requires
from kernel.identity.permissions import Permission
from kernel.profiles import values

bp = Blueprint("recusal", __name__)


@dataclass(frozen=True, slots=True)
class ConflictLine:
    """One conflict in words."""

    rule: str
    is_refused: bool
    role: str
    person: str
    other: str
    relation: str
    place: str
    text: str


@dataclass(frozen=True, slots=True)
class RecusalPage:
    """A session's conflicts, and the rules that were looked at."""

    session: ExamSession
    batch: ExamBatch
    rows: Sequence[ConflictLine]
    n_refused: int
    rules: Sequence[tuple[str, str]]
    may_write: bool


@bp.get("/exam-sessions/<uuid:exam_session_id>/conflicts")
@requires(Permission.SESSION_WRITE, Permission.SESSION_CONTROL, Permission.SUPERVISE)
def report(exam_session_id: uuid.UUID) -> tuple[str, int]:
    """Show what the rules of recusal say about a session."""
    session, actor = db.session(), current_actor()
    row = planning.get_session(session, exam_session_id, actor=actor)
    rows = [_line(one.conflict, one.room) for one in services.session_conflicts(session, actor, row)]
    held = values(session, actor.organisation)
    page = RecusalPage(
        session=row,
        batch=planning.get_batch(session, row.exam_batch_id, actor=actor),
        rows=rows,
        n_refused=sum(one.is_refused for one in rows),
        rules=[(_(RULE_LABELS[rule.rule_id]), _(severity_of(rule, held).value)) for rule in RULES],
        may_write=actor.may(Permission.SESSION_WRITE),
    )
    return render_page("exam_delivery/sessions/conflicts.html", page)


def _line(found: Conflict, room: ExamRoom | None) -> ConflictLine:
    return ConflictLine(
        rule=found.rule.rule_id,
        is_refused=found.severity is Severity.REFUSE,
        role=_(CYCLE_LABELS[found.first.role]),
        person=found.first.name,
        other=found.second.name,
        relation=_(RELATION_LABELS[found.relation.kind]) if found.relation else _("本人"),
        place=f"{room.site} {room.name}" if room else "",
        text=_(found.rule.explanation) % found.context,
    )

"""What waits for the exam officer, the people in the rooms, the chief and the markers."""

from __future__ import annotations

import datetime as dt

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from exam_delivery.models import ExamSession, SessionStatus
from exam_delivery.pages import agreement_todos, appeal_todos, oversight_todos, room_todos
from exam_delivery.pages.reading import translated
from exam_delivery.repository import equating_decisions, key_changes, marking_training, misconduct, planning, rescue
from exam_delivery.services import late_answers, marking
from exam_delivery.services.readiness import find_blockers
from kernel.clock import now
from kernel.http import Todo
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission

SHOWN_SESSIONS = 5
SOON = dt.timedelta(days=3)


def todos(session: Session, actor: Actor) -> list[Todo]:
    """Return sessions not ready with their blockers, answers to mark, and batches to release."""
    if actor.organisation_id is None:
        return []
    found: list[Todo] = room_todos.for_invigilators(session, actor) + room_todos.for_chiefs(session, actor)
    if actor.may(Permission.SESSION_WRITE):
        found += _not_ready(session, actor)
        found += _held_back(session, actor)
    if actor.may(Permission.SESSION_CONTROL):
        found += agreement_todos.for_chiefs(session, actor)
        found += oversight_todos.exemptions_to_agree(session, actor)
        held = rescue.count_held(session, actor=actor)
        found.append(Todo(_("待裁定的应急文件"), held, url_for("rescue.index"), severity="warning"))
        found += _late_answers(session, actor)
    found += oversight_todos.cases_to_sign(session, actor)
    found += oversight_todos.late_answers_elsewhere(session, actor)
    found += oversight_todos.plans(session, actor)
    if actor.may(Permission.SESSION_WRITE):
        found.append(_cases(session, actor))
    if actor.may(Permission.RESPONSE_MARK):
        found.append(_to_mark(session, actor))
    if actor.may(Permission.RESPONSE_MARK) or actor.may(Permission.SESSION_WRITE):
        found += _paused_markers(session, actor)
    if actor.may(Permission.SCORE_RELEASE):
        found += _to_release(session, actor)
        waiting = key_changes.count_pending(session, actor=actor)
        found.append(Todo(_("待审批的答案变更"), waiting, url_for("key_changes.index", state="proposed")))
        found += _equatings(session, actor)
        found += appeal_todos.for_officers(session, actor)
    found += appeal_todos.for_reviewers(session, actor)
    return found


def _equatings(session: Session, actor: Actor) -> list[Todo]:
    """Return proposals of equating that wait for a second person, the oldest first."""
    waiting = equating_decisions.pending(session, actor=actor)
    if not waiting:
        return []
    return [Todo(_("待审批的等值"), len(waiting), url_for("equating.detail", equating_id=waiting[0].equating_id))]


def _late_answers(session: Session, actor: Actor) -> list[Todo]:
    """Return the sessions with candidates about whose late answers nobody has decided."""
    return [
        Todo(
            _("待裁定的迟到答案：%(name)s", name=sitting.name), n,
            url_for("late_answers.index", exam_session_id=sitting.exam_session_id), severity="warning",
        )
        for sitting, n in late_answers.waiting_sessions(session, actor=actor)
    ]  # fmt: skip


def _cases(session: Session, actor: Actor) -> Todo:
    waiting = misconduct.count_waiting(session, actor=actor)
    return Todo(_("待决定的违纪案"), waiting, url_for("misconduct.index", state="confirmed"), severity="warning")


def _not_ready(session: Session, actor: Actor) -> list[Todo]:
    rows, _total = planning.list_sessions(session, actor=actor, statuses=[SessionStatus.PLANNED], per_page=50)
    nearest = sorted((row for row, _batch in rows), key=lambda row: row.starts_at)[:SHOWN_SESSIONS]
    return [_session_todo(session, actor, row) for row in nearest]


def _held_back(session: Session, actor: Actor) -> list[Todo]:
    """Return the sessions that stay closed although their time has come: the gate asks for a person's reason."""
    rows, _total = planning.list_sessions(session, actor=actor, statuses=[SessionStatus.PREPARED], per_page=50)
    n = sum(row.opens_at <= now() for row, _batch in rows)
    return [Todo(_("到时间还没有开放的场次"), n, url_for("exam_sessions.index", status="prepared"))] if n else []


def _session_todo(session: Session, actor: Actor, row: ExamSession) -> Todo:
    blockers = [one for one in find_blockers(session, actor, row) if not one.is_hint]
    detail = "；".join(translated(one.message, one.params) for one in blockers) or _("可以备考")
    severity = "danger" if row.starts_at - now() < SOON else "warning"
    address = url_for("exam_sessions.detail", exam_session_id=row.exam_session_id)
    return Todo(_("场次“%(name)s”尚未备考", name=row.name), max(1, len(blockers)), address, detail, severity)


def _to_mark(session: Session, actor: Actor) -> Todo:
    waiting = sum(queue.n_waiting for queue in marking.list_queues(session, actor))
    return Todo(_("待阅答案"), waiting, url_for("marking.index"), severity="warning")


def _paused_markers(session: Session, actor: Actor) -> list[Todo]:
    paused = marking_training.open_pauses(session, actor=actor, leads_only=not actor.may(Permission.SESSION_WRITE))
    return [
        Todo(_("暂停的阅卷员"), n, url_for("marking_plans.overview", exam_session_id=key), severity="warning")
        for key, n in paused.items()
    ]


def _to_release(session: Session, actor: Actor) -> list[Todo]:
    rows, _total = planning.list_sessions(session, actor=actor, statuses=[SessionStatus.SCORED], per_page=50)
    batches = {batch.exam_batch_id: batch for _row, batch in rows}
    return [
        Todo(_("待发布成绩：%(name)s", name=batch.name), 1, url_for("scores.preview", exam_batch_id=key))
        for key, batch in batches.items()
    ]

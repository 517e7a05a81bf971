"""What waits around the rooms: signatures of invigilators, decisions of the chief that hold others up, plans for the supervisor's eye."""

from __future__ import annotations

import datetime as dt

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from exam_delivery.repository import misconduct, waiting
from exam_delivery.rules.misconduct import CaseState
from exam_delivery.services import console, late_answers, reach
from kernel.clock import now
from kernel.http import Todo
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission

LATELY = dt.timedelta(days=30)


def cases_to_sign(session: Session, actor: Actor) -> list[Todo]:
    """Return the cases of misconduct in one's own sessions that lack a signature."""
    if not actor.may(Permission.SESSION_INVIGILATE):
        return []
    found = console.list_sessions(session, actor=actor, at=now())
    keys = [sitting.exam_session_id for sitting, _batch, _n_rooms in found]
    cases = misconduct.list_cases(session, actor=actor, state=CaseState.PROPOSED, session_ids=keys) if keys else ()
    rooms = {one.exam_room_id for key in keys for one in reach.rooms_in_reach(session, key, actor=actor)}
    n = sum(registration.exam_room_id in rooms for _case, registration, _person, _sitting in cases)
    return [Todo(_("待签字的违纪案"), n, url_for("misconduct.index", state="proposed"), severity="warning")]


def exemptions_to_agree(session: Session, actor: Actor) -> list[Todo]:
    """Return exemptions that others proposed: candidates stand before a browser that does not let them in."""
    keys = waiting.exemptions_to_agree(session, actor=actor)
    if not keys:
        return []
    address = url_for("lockdown.exemption_list", exam_session_id=keys[0])
    return [Todo(_("待批准的考场环境豁免"), len(keys), address, severity="danger")]


def plans(session: Session, actor: Actor) -> list[Todo]:
    """Return examination plans that are not filed yet, and for supervisors those that changed lately after filing."""
    is_watching = actor.may(Permission.SUPERVISE)
    if not is_watching and not actor.may(Permission.SESSION_WRITE):
        return []
    drafts = waiting.count_plans_to_file(session, actor=actor)
    found = [Todo(_("未备案的考试计划"), drafts, url_for("exam_plans.index", status="draft"), severity="warning")]
    if is_watching:
        n = waiting.count_plans_to_look_at(session, now() - LATELY, actor=actor)
        detail = _("最近 30 天备案后有变更，请核对理由")
        found.append(Todo(_("变更过的考试计划"), n, url_for("exam_plans.index", status="filed"), detail))
    return found


def late_answers_elsewhere(session: Session, actor: Actor) -> list[Todo]:
    """Return the sessions whose late answers the chief has not decided, for those whom that holds up or concerns."""
    concerns = actor.may(Permission.SUPERVISE) or actor.may(Permission.SCORE_RELEASE)
    if not concerns or actor.may(Permission.SESSION_CONTROL):
        return []
    return [
        Todo(
            _("待总控裁定的迟到答案：%(name)s", name=sitting.name), n,
            url_for("exam_sessions.detail", exam_session_id=sitting.exam_session_id), _("裁定以前不能发布成绩"), "warning",
        )
        for sitting, n in late_answers.waiting_sessions(session, actor=actor)
    ]  # fmt: skip

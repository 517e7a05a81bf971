"""What waits around score checks, appeals and rulings."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from exam_delivery.repository import appeals as repository
from exam_delivery.repository import rulings
from exam_delivery.repository.appeals import RequestFilter
from exam_delivery.rules.appeals import RequestState
from kernel.clock import today
from kernel.http import Todo
from kernel.identity.actor import Actor


def for_officers(session: Session, actor: Actor) -> list[Todo]:
    """Return requests to accept, to assign, to close and overdue ones, and rulings that wait for another person."""

    def count(wanted: RequestFilter) -> int:
        return repository.count_requests(session, wanted, actor=actor, today=today())

    steps = {
        RequestState.FILED: _("待受理的复核、申诉"),
        RequestState.ACCEPTED: _("待指派复核人的申请"),
        RequestState.CONCLUDED: _("待办结的复核、申诉"),
    }
    found = [
        Todo(text, count(RequestFilter(state=state)), url_for("appeals.index", state=state.value), severity="warning")
        for state, text in steps.items()
    ]
    overdue = count(RequestFilter(is_overdue=True))
    found.append(Todo(_("已超期的复核、申诉"), overdue, url_for("appeals.index", overdue="1"), severity="danger"))
    waiting = rulings.count_proposed(session, actor=actor)
    found.append(Todo(_("待决定的处理决定"), waiting, url_for("rulings.index", state="proposed"), severity="warning"))
    return found


def for_reviewers(session: Session, actor: Actor) -> list[Todo]:
    """Return the requests that somebody looks into."""
    if actor.user_id is None:
        return []
    wanted = RequestFilter(state=RequestState.REVIEWING, reviewer_id=actor.user_id)
    n_waiting = repository.count_requests(session, wanted, actor=actor, today=today())
    return [Todo(_("待我复核的申请"), n_waiting, url_for("appeals.mine"), severity="warning")] if n_waiting else []

"""Moving the people of a cancelled session in the browser."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.pages import reading
from exam_delivery.services import moving
from exam_delivery.services.moving import Moved, MoveView
from kernel.db import db
from kernel.http import current_actor, render_page, requires
from kernel.identity.permissions import Permission

bp = Blueprint("moving", __name__, url_prefix="/exam-sessions")
MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class MovePage:
    """Who may be moved where, and what was moved."""

    view: MoveView
    undone: Collection[str]


@bp.get("/<uuid:exam_session_id>/move")
@requires(Permission.SESSION_WRITE)
def detail(exam_session_id: uuid.UUID) -> tuple[str, int]:
    """Show who may be moved where."""
    view = moving.view_move(db.session(), current_actor(), exam_session_id)
    undone = {str(one.after["change"]) for one in view.moves if "change" in one.after}
    return render_page("exam_delivery/sessions/move.html", MovePage(view, undone))


def _address(exam_session_id: uuid.UUID) -> str:
    return url_for("moving.detail", exam_session_id=exam_session_id)


def _told(moved: Moved) -> str:
    done: str = _("已转移 %(n)s 名考生；请到新场次编排准考证号和座位，再打印准考证", n=moved.n)
    if not moved.left_out:
        return done
    names = "、".join(f"{name}（{other}）" for name, other in moved.left_out[:MOST_NAMED])
    left: str = _("%(n)s 人同一时间另有考试，没有转移：%(names)s", n=len(moved.left_out), names=names)
    return f"{done}。{left}"


@bp.post("/<uuid:exam_session_id>/move")
@requires(Permission.SESSION_WRITE)
def move(exam_session_id: uuid.UUID) -> Response:
    """Move everybody who had not begun."""
    target = reading.key(reading.text("target")) or exam_session_id
    return reading.carry_out(
        _address(exam_session_id), _told, lambda uow: moving.move_people(uow, exam_session_id, target)
    )


@bp.post("/<uuid:exam_session_id>/move/<uuid:session_change_id>/undo")
@requires(Permission.SESSION_WRITE)
def undo(exam_session_id: uuid.UUID, session_change_id: uuid.UUID) -> Response:
    """Take a move back."""
    return reading.carry_out(
        _address(exam_session_id), lambda n: _("已撤销转移，%(n)s 名考生回到本场次", n=n),
        lambda uow: moving.move_back(uow, exam_session_id, session_change_id),
    )  # fmt: skip

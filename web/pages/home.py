"""The home page: what waits for this person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel.db import db
from kernel.http import Todo, current_actor, render_page, requires_sign_in
from kernel.identity.models import User
from kernel.identity.permissions import ROLE_LABELS, Permission
from kernel.jobs.models import Job
from kernel.jobs.repository import list_own_jobs
from web.layout import collect_todos, menu_of

bp = Blueprint("home", __name__)


@dataclass(frozen=True, slots=True)
class HomePage:
    """待办 first, then what is running, then the places this person works in."""

    name: str
    role_labels: list[str]
    todos: list[Todo]
    jobs: Sequence[Job]
    shortcuts: list[dict[str, object]]


@bp.get("/")
@requires_sign_in
def index() -> tuple[str, int] | Response:
    """Show what waits for this person; a one-time password must be changed first."""
    actor = current_actor()
    user = db.session.get(User, actor.user_id)
    if user is not None and user.must_change_password:
        return redirect(url_for("account.password"))
    jobs = list_own_jobs(db.session(), actor=actor) if actor.may(Permission.JOB_READ) else ()
    labels = [_(ROLE_LABELS[role]) for role in sorted(actor.roles)]
    shortcuts = [group for group in menu_of(actor) if group["label"] != _("工作台")]
    return render_page("home.html", HomePage(actor.name, labels, collect_todos(actor), jobs, shortcuts))

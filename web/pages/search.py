"""One search over what this person may see: people, jobs, and whatever the components offer."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, current_app, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from kernel.db import db
from kernel.http import current_actor, render_page, requires_sign_in
from kernel.http.navigation import SearchHit
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.identity.repository import UserFilter, list_users
from kernel.jobs.repository import find_jobs_by_title

bp = Blueprint("search", __name__, url_prefix="/search")
MIN_LENGTH = 2
PER_GROUP = 10


@dataclass(frozen=True, slots=True)
class SearchPage:
    """What was found, by kind."""

    text: str
    is_too_short: bool
    groups: dict[str, list[SearchHit]]


@bp.get("/")
@requires_sign_in
def index() -> tuple[str, int]:
    """Search everything that this person may see."""
    wanted = request.args.get("q", "").strip()[:100]
    is_too_short = len(wanted) < MIN_LENGTH
    groups: dict[str, list[SearchHit]] = {}
    for hit in [] if is_too_short else collect_hits(db.session(), current_actor(), wanted):
        groups.setdefault(hit.group, []).append(hit)
    return render_page("search/index.html", SearchPage(wanted, is_too_short, groups))


def collect_hits(session: Session, actor: Actor, wanted: str) -> list[SearchHit]:
    """Return the hits of all components, then those of the house."""
    sources = current_app.extensions["kaoku_navigation"].search_sources
    hits = [hit for source in sources for hit in source(session, actor, wanted)]
    return hits + people_hits(session, actor, wanted) + job_hits(session, actor, wanted)


def people_hits(session: Session, actor: Actor, wanted: str) -> list[SearchHit]:
    """Return people whose name or sign-in name holds the text."""
    if not actor.may(Permission.USER_MANAGE):
        return []
    people, _total = list_users(session, actor=actor, narrowed=UserFilter(search=wanted), per_page=PER_GROUP)
    return [
        SearchHit(_("人员"), user.name, url_for("people.detail", user_id=user.user_id), user.username)
        for user in people
    ]


def job_hits(session: Session, actor: Actor, wanted: str) -> list[SearchHit]:
    """Return jobs whose title holds the text."""
    if not actor.may(Permission.JOB_READ):
        return []
    jobs = find_jobs_by_title(session, wanted, actor=actor, limit=PER_GROUP)
    return [SearchHit(_("任务"), job.title, url_for("jobs.detail", job_id=job.job_id)) for job in jobs]

"""Reminders of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from kernel.db import db
from kernel.http import Todo, current_actor, redirect_with_message, render_page, requires_sign_in
from kernel.identity.actor import Actor
from kernel.uow import unit_of_work
from qbank.models.workflow import Reminder
from qbank.pages.item_wording import uuid_or_none
from qbank.pages.wording import said
from qbank.repository import reminders as repository
from qbank.services import reminders as services

bp = Blueprint("notices", __name__, url_prefix="/notices")


@dataclass(frozen=True, slots=True)
class NoticesPage:
    """What a person is reminded of, in words."""

    rows: Sequence[tuple[Reminder, str]]


def todos(session: Session, actor: Actor) -> list[Todo]:
    """Return the reminders that wait."""
    if actor.user_id is None or actor.organisation_id is None:
        return []
    count = repository.count_unseen(session, actor=actor)
    return [Todo(_("提醒"), count, url_for("notices.index"), _("到期和逾期的事项"), "warning")]


@bp.get("/")
@requires_sign_in
def index() -> tuple[str, int]:
    """List one's reminders."""
    rows = repository.unseen(db.session(), actor=current_actor())
    return render_page("qbank/notices.html", NoticesPage([(row, said(row.message, row.context)) for row in rows]))


@bp.post("/seen")
@requires_sign_in
def seen() -> Response:
    """Put reminders away."""
    chosen = [key for key in map(uuid_or_none, request.form.getlist("reminder")) if key]
    with unit_of_work(current_actor()) as uow:
        n = services.mark_seen(uow, chosen)
    return redirect_with_message(url_for("notices.index"), _("已收起 %(n)s 条提醒", n=n))

"""Changes of form and reopenings that wait for a second person: nobody else can carry them out, and candidates wait."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from exam_delivery.repository import reopening, standby
from kernel.http import Todo
from kernel.identity.actor import Actor


def for_chiefs(session: Session, actor: Actor) -> list[Todo]:
    """Return what others proposed, with the way to the oldest of it."""
    switches = standby.sessions_to_agree(session, actor=actor)
    reopenings = reopening.sessions_to_agree(session, actor=actor)
    found = [
        (_("待批准的换卷"), "standby.detail", switches),
        (_("待批准的重新开放"), "reopening.detail", reopenings),
    ]
    return [
        Todo(text, len(keys), url_for(endpoint, exam_session_id=keys[0]), severity="danger")
        for text, endpoint, keys in found
        if keys
    ]

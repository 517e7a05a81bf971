"""Pictures of items, for staff of the organisation."""

from __future__ import annotations

from flask import Blueprint, Response, current_app
from flask.blueprints import BlueprintSetupState

from kernel.db import db
from kernel.http import current_actor, requires
from kernel.identity.permissions import Permission
from qbank.services import import_runs, media

bp = Blueprint("media", __name__, url_prefix="/media")
VIEWERS = (Permission.ITEM_READ, Permission.ITEM_READ_OWN, Permission.FORM_READ, Permission.RESPONSE_MARK)


@bp.record_once
def configure(state: BlueprintSetupState) -> None:
    """Tell the bank where this installation keeps its files."""
    media.configure(state.app.config["KAOKU"].instance_dir)


@bp.get("/<media_id>")
@requires(*VIEWERS)
def show(media_id: str) -> Response:
    """Answer a picture; it never changes, so a browser may keep it."""
    session, actor = db.session(), current_actor()
    waiting = import_runs.read_preview_medium(session, actor, media_id)
    data, mime = waiting or media.read_media(session, actor.organisation, media_id)
    response = current_app.response_class(data, mimetype=mime)
    response.headers["Cache-Control"] = "private, max-age=86400, immutable"
    return response

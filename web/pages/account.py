"""One's own account: password and sessions."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel.clock import now
from kernel.db import db
from kernel.errors import InvalidInputError, NotFoundError
from kernel.http import current_actor, redirect_with_message, render_page, requires_sign_in
from kernel.i18n import N_
from kernel.identity import services
from kernel.identity.models import AuthSession, User
from kernel.identity.repository import list_sessions_of
from kernel.uow import unit_of_work
from web.errors import error_message

bp = Blueprint("account", __name__, url_prefix="/account")


@dataclass(frozen=True, slots=True)
class PasswordPage:
    """The form for a new password."""

    must_change: bool
    errors: dict[str, list[str]] = field(default_factory=dict)
    message: str = ""


@dataclass(frozen=True, slots=True)
class SessionsPage:
    """Where this account is signed in."""

    sessions: Sequence[AuthSession]
    current_id: uuid.UUID | None


@bp.get("/password")
@requires_sign_in
def password() -> tuple[str, int]:
    """Show the form for a new password."""
    user = db.session.get(User, current_actor().user_id)
    return render_page("account/password.html", PasswordPage(bool(user and user.must_change_password)))


@bp.post("/password")
@requires_sign_in
def change_password() -> tuple[str, int] | Response:
    """Change the password and end all other sessions."""
    form = request.form
    try:
        if form.get("new", "") != form.get("again", ""):
            raise InvalidInputError(N_("两次输入的新密码不一致"), fields={"again": [_("两次输入的新密码不一致")]})
        with unit_of_work(current_actor()) as uow:
            services.change_own_password(uow, old=form.get("old", ""), new=form.get("new", ""))
    except InvalidInputError as exc:
        return render_page("account/password.html", PasswordPage(False, exc.fields, error_message(exc)), status=422)
    return redirect_with_message(url_for("home.index"), _("密码已修改，其他登录已退出"))


@bp.get("/sessions")
@requires_sign_in
def sessions() -> tuple[str, int]:
    """List where this account is signed in."""
    actor = current_actor()
    rows = list_sessions_of(db.session(), actor.user_id or uuid.UUID(int=0), at=now())
    return render_page("account/sessions.html", SessionsPage(rows, actor.session_id))


@bp.post("/sessions/<uuid:session_id>/end")
@requires_sign_in
def end_session(session_id: uuid.UUID) -> Response:
    """End one of one's own sessions."""
    actor = current_actor()
    row = db.session.get(AuthSession, session_id)
    if row is None or row.user_id != actor.user_id:
        raise NotFoundError(N_("登录记录不存在"))
    with unit_of_work(actor) as uow:
        services.end_session(uow, session_id)
    return redirect_with_message(url_for("account.sessions"), _("该登录已结束"))

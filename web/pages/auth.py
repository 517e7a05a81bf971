"""Signing in and out."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Blueprint, current_app, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel.db import db
from kernel.errors import DomainError, InvalidInputError
from kernel.http import current_actor, public, redirect_with_message, render_page, requires_sign_in
from kernel.http.access import session_cookie_name
from kernel.i18n import N_
from kernel.identity import services
from kernel.identity.actor import ANONYMOUS
from kernel.uow import unit_of_work
from web import i18n
from web.errors import error_message

bp = Blueprint("auth", __name__)


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The sign-in form, with what was wrong the last time."""

    username: str
    next: str
    error: str


@bp.get("/sign-in")
@public
def sign_in() -> tuple[str, int] | Response:
    """Show the sign-in form."""
    if current_actor().user_id:
        return redirect(url_for("home.index"))
    return render_page("auth/sign_in.html", SignInPage("", request.args.get("next", ""), ""))


@bp.post("/sign-in")
@public
def do_sign_in() -> tuple[str, int] | Response:
    """Open a session, or say why not without telling which of name and password was wrong."""
    username = request.form.get("username", "").strip()
    try:
        signed = authenticate(username, request.form.get("password", ""))
    except DomainError as exc:
        page = SignInPage(username, request.form.get("next", ""), error_message(exc))
        return render_page("auth/sign_in.html", page, status=exc.http_status)
    response = redirect(_local_target(request.form.get("next", "")), code=303)
    settings = current_app.config["KAOKU"]
    response.set_cookie(
        session_cookie_name(), signed.token, max_age=settings.session_hours * 3600, httponly=True,
        secure=settings.secure_cookies, samesite="Lax", path="/",
    )  # fmt: skip
    return response


def authenticate(username: str, password: str) -> services.SignedIn:
    """Return a fresh session for the right password; failures are counted, audited and throttled."""
    address = request.remote_addr or ""
    services.check_throttle(db.session(), username, address)
    user = services.find_authentic_user(db.session(), username, password)
    if user is None:
        with unit_of_work(ANONYMOUS) as uow:
            services.record_failure(uow, username, address)
        raise InvalidInputError(N_("登录名或密码不正确"))
    with unit_of_work(services.actor_of_user(user)) as uow:
        hours = current_app.config["KAOKU"].session_hours
        agent = request.user_agent.string
        return services.open_session(uow, user.user_id, hours=hours, address=address, user_agent=agent)


def _local_target(target: str) -> str:
    """Return a path of this site only: no open redirect."""
    parts = urlsplit(target)
    is_local = target.startswith("/") and not target.startswith("//") and not parts.netloc and "\\" not in target
    return target if is_local else url_for("home.index")


@bp.post("/sign-out")
@requires_sign_in
def sign_out() -> Response:
    """End this session."""
    actor = current_actor()
    if actor.session_id:
        with unit_of_work(actor) as uow:
            services.end_session(uow, actor.session_id)
    response = redirect_with_message(url_for("auth.sign_in"), _("已退出登录"))
    response.delete_cookie(session_cookie_name(), path="/", secure=current_app.config["SESSION_COOKIE_SECURE"])
    return response


@bp.get("/language/<language>")
@public
def set_language(language: str) -> Response:
    """Remember the chosen language in this browser."""
    response = redirect(_previous_page(), code=303)
    if language in i18n.LANGUAGES:
        response.set_cookie(i18n.COOKIE, language, max_age=31536000, httponly=True, samesite="Lax")
    return response


def _previous_page() -> str:
    """Return the page the reader came from, as a path of this site."""
    parts = urlsplit(request.referrer or "")
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return _local_target(path if parts.netloc == request.host else "")

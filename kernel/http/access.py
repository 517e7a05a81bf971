"""Permissions at the door: every view carries `requires`, `requires_sign_in` or `public`; a test walks the URL map."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import current_app, g, request

from kernel.db import db
from kernel.errors import ForbiddenError, UnauthenticatedError
from kernel.http.idempotency import once
from kernel.i18n import N_
from kernel.identity.actor import ANONYMOUS, Actor
from kernel.identity.permissions import Permission
from kernel.identity.services import actor_of_token, needs_touch, touch_session
from kernel.uow import unit_of_work

P = ParamSpec("P")
R = TypeVar("R")


def session_cookie_name() -> str:
    """Return the cookie's name; the ``__Host-`` prefix needs HTTPS."""
    return "__Host-kaoku" if current_app.config["SESSION_COOKIE_SECURE"] else "kaoku_staff"


def bearer_token() -> str | None:
    """Return the token of an ``Authorization: Bearer`` header, if there is one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def request_token() -> str | None:
    """Return the staff token of this request: the header of a script, else the cookie of a browser."""
    return bearer_token() or request.cookies.get(session_cookie_name())


def current_actor() -> Actor:
    """Return who makes this request; ANONYMOUS when nobody is signed in."""
    if "actor" not in g:
        g.actor = _load_actor()
    actor: Actor = g.actor
    return actor


def _load_actor() -> Actor:
    token = request_token()
    if not token:
        return ANONYMOUS
    idle = timedelta(minutes=current_app.config["KAOKU"].session_idle_minutes)
    try:
        actor = actor_of_token(db.session(), token, idle=idle, request_id=g.get("request_id", ""))
    except UnauthenticatedError:
        return ANONYMOUS
    if actor.session_id and needs_touch(db.session(), actor.session_id):
        with unit_of_work(actor) as uow:
            touch_session(uow, actor.session_id)
    return actor


def _require_sign_in() -> Actor:
    actor = current_actor()
    if actor.user_id is None:
        raise UnauthenticatedError(N_("请先登录"))
    return actor


def _require_own_password(actor: Actor) -> None:
    """Refuse work to who still uses a one-time password, which somebody else has seen."""
    if actor.must_change_password:
        raise ForbiddenError(N_("您正在使用一次性密码，请先设置自己的密码"), error_code="password_change_required")


def requires(*permissions: Permission, repeatable: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a view run for actors who hold at least one of the permissions, and once for each key that a request names.

    `repeatable` views run each time, for they keep a draft whose last state counts, or show what is noted at every look.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            actor = _require_sign_in()
            if not any(actor.may(p) for p in permissions):
                raise ForbiddenError(N_("没有权限进行此操作，请联系本机构管理员"), permission=permissions[0].value)
            _require_own_password(actor)
            return view(*args, **kwargs) if repeatable else cast("R", once(actor, lambda: view(*args, **kwargs)))

        guarded.required_permissions = permissions  # type: ignore[attr-defined]
        guarded.runs_once = not repeatable  # type: ignore[attr-defined]
        return guarded

    return decorate


def requires_sign_in(view: Callable[P, R]) -> Callable[P, R]:
    """Let a view run for anybody who is signed in, once for each key that a request names: home page, own account."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        return cast("R", once(_require_sign_in(), lambda: view(*args, **kwargs)))

    guarded.needs_sign_in = True  # type: ignore[attr-defined]
    guarded.runs_once = True  # type: ignore[attr-defined]
    return guarded


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a view as open to everybody: sign-in, certificate look-up, health."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def public_once(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a view as open to everybody, and run it once for each key that a form names."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        return cast("R", once(current_actor(), lambda: view(*args, **kwargs)))

    guarded.runs_once = True  # type: ignore[attr-defined]
    return public(guarded)

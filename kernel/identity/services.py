"""Signing in and out, and keeping people: the only writers of the identity tables."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, object_session

from kernel import audit, profiles
from kernel.clock import now
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, TooManyAttemptsError, UnauthenticatedError
from kernel.i18n import N_
from kernel.identity import repository
from kernel.identity.actor import Actor, permissions_of, require
from kernel.identity.models import (
    AuthSession,
    Organisation,
    OrganisationGrant,
    OrganisationKind,
    SignInFailure,
    User,
    UserRole,
)
from kernel.identity.passwords import hash_password, one_time_password, verify_password
from kernel.identity.permissions import Permission, Role
from kernel.identity.walls import within_walls
from kernel.uow import UnitOfWork

THROTTLE_WINDOW = timedelta(minutes=15)
MAX_FAILURES_BY_NAME = 5
MAX_FAILURES_BY_ADDRESS = 50
TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session: the token is shown to the browser once and never stored."""

    token: str
    session_id: uuid.UUID
    user_id: uuid.UUID
    expires_at: datetime


def token_hash(token: str) -> str:
    """Return what the table keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def check_throttle(session: Session, username: str, address: str) -> None:
    """Refuse further tries after too many failures by name or by address; raises TooManyAttemptsError."""
    since = now() - THROTTLE_WINDOW
    by_name = repository.count_failures(session, f"name:{username.lower()}", since=since)
    by_address = repository.count_failures(session, f"address:{address}", since=since)
    if by_name >= MAX_FAILURES_BY_NAME or by_address >= MAX_FAILURES_BY_ADDRESS:
        raise TooManyAttemptsError(
            N_("登录失败次数过多，请 %(minutes)s 分钟后再试"),
            minutes=int(THROTTLE_WINDOW.total_seconds() // 60),
            retry_after_seconds=int(THROTTLE_WINDOW.total_seconds()),
        )


def record_failure(uow: UnitOfWork, username: str, address: str) -> None:
    """Remember a failed sign-in and audit it; old failures are dropped on the way."""
    moment = now()
    uow.session.execute(delete(SignInFailure).where(SignInFailure.failed_at < moment - timedelta(days=1)))
    for subject in (f"name:{username.lower()[:100]}", f"address:{address[:100]}"):
        uow.add(SignInFailure(subject=subject, failed_at=moment))
    audit.record(uow, "sign_in.failed", "user_name", username[:64])


def find_authentic_user(session: Session, username: str, password: str) -> User | None:
    """Return the active user whose password this is, else None; same time for unknown names."""
    user = repository.find_user_by_name(session, username.strip())
    is_right = verify_password(password, user.password_hash if user else None)
    return user if user and is_right and may_sign_in(user) else None


def may_sign_in(user: User) -> bool:
    """Say whether neither the person nor the organisation is disabled."""
    return user.is_active and (user.organisation is None or user.organisation.is_active)


def open_session(uow: UnitOfWork, user_id: uuid.UUID, *, hours: int, address: str, user_agent: str) -> SignedIn:
    """Open a session for a user who has just proved the password."""
    moment = now()
    token = secrets.token_urlsafe(32)
    row = AuthSession(
        user_id=user_id,
        token_hash=token_hash(token),
        created_at=moment,
        last_seen_at=moment,
        expires_at=moment + timedelta(hours=hours),
        remote_address=address[:64],
        user_agent=user_agent[:300],
    )
    uow.add(row)
    uow.session.execute(update(User).where(User.user_id == user_id).values(last_sign_in_at=moment))
    uow.session.execute(delete(SignInFailure).where(SignInFailure.subject == _name_subject(uow.session, user_id)))
    uow.flush()  # the row needs its key for the answer
    audit.record(uow, "sign_in", "user", user_id)
    return SignedIn(token=token, session_id=row.auth_session_id, user_id=user_id, expires_at=row.expires_at)


def _name_subject(session: Session, user_id: uuid.UUID) -> str:
    user = session.get(User, user_id)
    return f"name:{user.username.lower()}" if user else ""


def actor_of_token(session: Session, token: str, *, idle: timedelta, request_id: str = "") -> Actor:
    """Return who a token belongs to; raises UnauthenticatedError when it is unknown, ended or idle too long."""
    row = repository.find_session_by_token_hash(session, token_hash(token))
    moment = now()
    if row is None or row.revoked_at is not None or row.expires_at <= moment or row.last_seen_at + idle <= moment:
        raise UnauthenticatedError(N_("登录已失效，请重新登录"))
    if not may_sign_in(row.user):
        raise UnauthenticatedError(N_("账号已停用，请联系本机构管理员"))
    return actor_of_user(row.user, request_id=request_id, session_id=row.auth_session_id)


def needs_touch(session: Session, session_id: uuid.UUID) -> bool:
    """Say whether the session's last-seen time is old enough to be written again (at most once a minute)."""
    last_seen_at = session.scalar(select(AuthSession.last_seen_at).where(AuthSession.auth_session_id == session_id))
    return last_seen_at is not None and now() - last_seen_at > TOUCH_EVERY


def touch_session(uow: UnitOfWork, session_id: uuid.UUID) -> None:
    """Write the session's last-seen time."""
    uow.session.execute(update(AuthSession).where(AuthSession.auth_session_id == session_id).values(last_seen_at=now()))


def actor_of_user(user: User, *, request_id: str = "", session_id: uuid.UUID | None = None) -> Actor:
    """Return the actor that a user is."""
    roles = frozenset(r.role for r in user.roles)
    return Actor(
        user_id=user.user_id,
        organisation_id=user.organisation_id,
        name=user.name,
        permissions=_permissions(user, roles),
        roles=roles,
        request_id=request_id,
        session_id=session_id,
        must_change_password=user.must_change_password,
    )


def _permissions(user: User, roles: frozenset[Role]) -> frozenset[Permission]:
    held, session = permissions_of(roles), object_session(user)
    if Role.AUTHOR not in roles or user.organisation_id is None or session is None:
        return held
    return within_walls(held, roles, profiles.values(session, user.organisation_id))


def end_session(uow: UnitOfWork, session_id: uuid.UUID) -> None:
    """End one session; ending it twice changes nothing."""
    uow.session.execute(
        update(AuthSession)
        .where(AuthSession.auth_session_id == session_id, AuthSession.revoked_at.is_(None))
        .values(revoked_at=now())
    )
    audit.record(uow, "sign_out", "auth_session", session_id)


def end_all_sessions(uow: UnitOfWork, user_id: uuid.UUID) -> None:
    """End every session of a user: after a new password, a disabled account, or on request."""
    uow.session.execute(
        update(AuthSession)
        .where(AuthSession.user_id == user_id, AuthSession.revoked_at.is_(None))
        .values(revoked_at=now())
    )
    audit.record(uow, "sessions.end_all", "user", user_id)


def create_organisation(
    uow: UnitOfWork, *, code: str, name: str, kind: OrganisationKind, certificate_prefix: str | None = None
) -> Organisation:
    """Create an organisation; the code is what commands and files name it by."""
    require(uow.actor, Permission.ORGANISATION_MANAGE)
    if repository.find_organisation_by_code(uow.session, code):
        raise ConflictError(N_("机构代码 %(code)s 已存在"), code=code)
    row = Organisation(
        code=code, name=name, kind=kind, certificate_prefix=certificate_prefix, is_active=True, created_at=now()
    )
    uow.add(row)
    uow.flush()  # users and the audit event name its key
    audit.record(uow, "organisation.create", "organisation", row.organisation_id, after={"code": code, "name": name})
    return row


def grant_organisation(uow: UnitOfWork, *, organisation_id: uuid.UUID, grantee_id: uuid.UUID) -> None:
    """Let a supervising centre look into an organisation."""
    require(uow.actor, Permission.ORGANISATION_MANAGE)
    uow.add(OrganisationGrant(organisation_id=organisation_id, grantee_id=grantee_id, created_at=now()))
    audit.record(uow, "organisation.grant", "organisation", organisation_id, after={"grantee": str(grantee_id)})


def create_user(
    uow: UnitOfWork,
    *,
    username: str,
    name: str,
    roles: Iterable[Role],
    organisation_id: uuid.UUID | None,
    password: str | None = None,
) -> tuple[User, str]:
    """Create a user and return it with its password; without one given, a one-time password that must be changed.

    Raises
    ------
    ConflictError
        If the sign-in name is taken.
    InvalidInputError
        If the name is malformed, or the roles do not fit the organisation.
    """
    require(uow.actor, Permission.USER_MANAGE)
    wanted = frozenset(roles)
    _check_new_user(uow, username, wanted, organisation_id)
    secret = password or one_time_password()
    user = User(
        username=username,
        name=name.strip() or username,
        organisation_id=organisation_id,
        password_hash=hash_password(secret),
        must_change_password=password is None,
        is_active=True,
        locale="zh_Hans_CN",
        created_at=now(),
        roles=[UserRole(role=role) for role in wanted],
    )
    uow.add(user)
    uow.flush()  # the audit event names its key
    audit.record(uow, "user.create", "user", user.user_id, after={"username": username, "roles": sorted(wanted)})
    return user, secret


def _check_new_user(uow: UnitOfWork, username: str, roles: frozenset[Role], organisation_id: uuid.UUID | None) -> None:
    if not 3 <= len(username) <= 64 or not username.replace("-", "").replace("_", "").replace(".", "").isalnum():
        message = N_("登录名须为 3–64 个字母、数字、点、横线或下划线")
        raise InvalidInputError(message, fields={"username": [message]})
    if repository.find_user_by_name(uow.session, username):
        raise ConflictError(N_("登录名 %(name)s 已被使用"), name=username)
    _check_roles(uow.actor, roles, organisation_id)


def _check_roles(actor: Actor, roles: frozenset[Role], organisation_id: uuid.UUID | None) -> None:
    if not roles:
        message = N_("请至少选择一个角色")
        raise InvalidInputError(message, fields={"roles": [message]})
    if Role.PLATFORM_ADMIN in roles and (organisation_id is not None or len(roles) > 1):
        raise InvalidInputError(N_("平台管理员不属于任何机构，也不能兼任其他角色"))
    if Role.PLATFORM_ADMIN not in roles and organisation_id is None:
        raise InvalidInputError(N_("除平台管理员外，用户必须属于一个机构"))
    if actor.organisation_id is not None and actor.organisation_id != organisation_id:
        raise ForbiddenError(N_("只能管理本机构的用户"))


def set_roles(uow: UnitOfWork, user_id: uuid.UUID, roles: Iterable[Role]) -> None:
    """Replace a user's roles; acts at the user's next request."""
    require(uow.actor, Permission.USER_MANAGE)
    user = repository.get_user(uow.session, user_id, actor=uow.actor)
    wanted = frozenset(roles)
    _check_roles(uow.actor, wanted, user.organisation_id)
    if user_id == uow.actor.user_id and Permission.USER_MANAGE not in permissions_of(wanted):
        raise ConflictError(N_("不能取消自己的用户管理权限，请由另一位管理员操作"))
    before = sorted(r.role for r in user.roles)
    user.roles[:] = [r for r in user.roles if r.role in wanted]
    held = {r.role for r in user.roles}
    user.roles.extend(UserRole(role=role) for role in sorted(wanted - held))
    audit.record(uow, "user.set_roles", "user", user_id, before={"roles": before}, after={"roles": sorted(wanted)})


def rename_user(uow: UnitOfWork, user_id: uuid.UUID, *, name: str) -> None:
    """Change the name that others see; the sign-in name stays."""
    require(uow.actor, Permission.USER_MANAGE)
    user = repository.get_user(uow.session, user_id, actor=uow.actor)
    if not 1 <= len(name) <= 100:
        raise InvalidInputError(N_("请改正标出的内容"), fields={"name": [N_("姓名须为 1–100 个字")]})
    if name != user.name:
        user.name = name
        audit.record(uow, "user.rename", "user", user_id)


def set_active(uow: UnitOfWork, user_id: uuid.UUID, *, is_active: bool) -> None:
    """Enable or disable a user; disabling ends every session at once."""
    require(uow.actor, Permission.USER_MANAGE)
    user = repository.get_user(uow.session, user_id, actor=uow.actor)
    if user.user_id == uow.actor.user_id:
        raise ConflictError(N_("不能停用自己的账号"))
    user.is_active = is_active
    audit.record(uow, "user.set_active", "user", user_id, after={"is_active": is_active})
    if not is_active:
        end_all_sessions(uow, user_id)


def reset_password(uow: UnitOfWork, user_id: uuid.UUID) -> str:
    """Give a user a one-time password and end all sessions; return the password to be handed over."""
    require(uow.actor, Permission.USER_MANAGE)
    user = repository.get_user(uow.session, user_id, actor=uow.actor)
    secret = one_time_password()
    user.password_hash = hash_password(secret)
    user.must_change_password = True
    audit.record(uow, "user.reset_password", "user", user_id)
    end_all_sessions(uow, user_id)
    return secret


def change_own_password(uow: UnitOfWork, *, old: str, new: str) -> None:
    """Change the actor's own password after proving the old one; other sessions end."""
    user = uow.session.get(User, uow.actor.user_id)
    if user is None or not verify_password(old, user.password_hash):
        raise InvalidInputError(N_("原密码不正确"), fields={"old": [N_("原密码不正确")]})
    user.password_hash = hash_password(new)
    user.must_change_password = False
    audit.record(uow, "user.change_password", "user", user.user_id)
    uow.session.execute(
        update(AuthSession)
        .where(AuthSession.user_id == user.user_id, AuthSession.auth_session_id != uow.actor.session_id)
        .values(revoked_at=now())
    )

"""Reading people and organisations."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.models import AuthSession, Organisation, OrganisationGrant, SignInFailure, User, UserRole
from kernel.identity.permissions import Role
from kernel.lists import UNORDERED, Order, ordered_by


def get_organisation(session: Session, organisation_id: uuid.UUID) -> Organisation:
    """Return an organisation or raise NotFoundError."""
    found = session.get(Organisation, organisation_id)
    if found is None:
        raise NotFoundError(N_("机构不存在"))
    return found


def find_organisation_by_code(session: Session, code: str) -> Organisation | None:
    """Return the organisation with a code, if any."""
    return session.scalar(select(Organisation).where(Organisation.code == code))


def list_organisations(session: Session) -> Sequence[Organisation]:
    """Return all organisations, by code; there are few."""
    return session.scalars(select(Organisation).order_by(Organisation.code).limit(1000)).all()


def granted_organisation_ids(session: Session, organisation_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the organisations into which a supervising centre may look."""
    rows = select(OrganisationGrant.organisation_id).where(OrganisationGrant.grantee_id == organisation_id)
    return list(session.scalars(rows))


def is_granted(session: Session, organisation_id: uuid.UUID) -> bool:
    """Say whether a supervising centre may look into an organisation."""
    rows = select(OrganisationGrant.organisation_grant_id).where(OrganisationGrant.organisation_id == organisation_id)
    return session.scalar(rows.limit(1)) is not None


def find_user_by_name(session: Session, username: str) -> User | None:
    """Return the user with a sign-in name, if any."""
    return session.scalar(select(User).where(User.username == username))


def get_user(session: Session, user_id: uuid.UUID, *, actor: Actor) -> User:
    """Return a user of the actor's organisation (any user for the platform administrator)."""
    found = session.get(User, user_id)
    if found is None or (actor.organisation_id is not None and found.organisation_id != actor.organisation_id):
        raise NotFoundError(N_("用户不存在"))
    return found


def user_names(session: Session, user_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return display names by user id."""
    if not user_ids:
        return {}
    rows = session.execute(select(User.user_id, User.name).where(User.user_id.in_(set(user_ids))))
    return {row.user_id: row.name for row in rows}


@dataclass(frozen=True, slots=True)
class UserFilter:
    """What a list of users is narrowed to; empty values narrow nothing."""

    search: str = ""
    role: Role | None = None
    is_active: bool | None = None
    organisation_id: uuid.UUID | None = None


USER_ORDERS: dict[str, Any] = {
    "name": User.name, "username": User.username, "state": User.is_active, "last": User.last_sign_in_at,
    "created": User.created_at,
}  # fmt: skip


def list_users(
    session: Session, *, actor: Actor, search: str = "", page: int = 1, per_page: int = 50,
    narrowed: UserFilter | None = None, order: Order = UNORDERED,
) -> tuple[Sequence[User], int]:  # fmt: skip
    """Return one page of users inside the actor's walls, by sign-in name unless another order is asked for, and the total."""
    query = _narrow_users(select(User), narrowed or UserFilter(search=search), actor)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    by = ordered_by(order, USER_ORDERS, [User.username], User.user_id)
    return session.scalars(query.order_by(*by).limit(per_page).offset((page - 1) * per_page)).all(), total


def _narrow_users(query: Select[User], narrowed: UserFilter, actor: Actor) -> Select[User]:
    organisation_id = actor.organisation_id or narrowed.organisation_id
    if organisation_id is not None:
        query = query.where(User.organisation_id == organisation_id)
    if narrowed.search:
        term = narrowed.search
        query = query.where(
            or_(User.username.contains(term, autoescape=True), User.name.contains(term, autoescape=True))
        )
    if narrowed.role is not None:
        query = query.where(User.user_id.in_(select(UserRole.user_id).where(UserRole.role == narrowed.role)))
    if narrowed.is_active is not None:
        query = query.where(User.is_active.is_(narrowed.is_active))
    return query


def find_session_by_token_hash(session: Session, token_hash: str) -> AuthSession | None:
    """Return the sign-in session of a token hash, if any."""
    return session.scalar(select(AuthSession).where(AuthSession.token_hash == token_hash))


def list_sessions_of(session: Session, user_id: uuid.UUID, *, at: datetime) -> Sequence[AuthSession]:
    """Return the live sign-in sessions of a user, newest first."""
    query = select(AuthSession).where(
        AuthSession.user_id == user_id, AuthSession.revoked_at.is_(None), AuthSession.expires_at > at
    )
    return session.scalars(query.order_by(AuthSession.created_at.desc()).limit(100)).all()


def count_failures(session: Session, subject: str, *, since: datetime) -> int:
    """Return how often signing in failed for a subject since a moment."""
    query = select(func.count()).where(SignInFailure.subject == subject, SignInFailure.failed_at > since)
    return session.scalar(query) or 0

"""Organisations, people and their sessions."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kernel.db import Base, UuidPk
from kernel.identity.permissions import Role


class OrganisationKind(enum.StrEnum):
    """What sort of body an organisation is."""

    SOCIAL = "social"
    EMPLOYER = "employer"
    SCHOOL = "school"
    CENTRE = "centre"


class Organisation(Base):
    """A body with walls: 社会培训评价组织, 用人单位, 技工院校 or a supervising centre."""

    __tablename__ = "organisations"
    organisation_id: Mapped[UuidPk]
    code: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[OrganisationKind]
    certificate_prefix: Mapped[str | None] = mapped_column(String(13), comment="positions 1-13 of certificate numbers")
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class OrganisationGrant(Base):
    """An explicit grant by which a supervising centre sees into another organisation."""

    __tablename__ = "organisation_grants"
    __table_args__ = (UniqueConstraint("organisation_id", "grantee_id"),)
    organisation_grant_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    grantee_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    created_at: Mapped[datetime]


class User(Base):
    """A member of staff; candidates are not users."""

    __tablename__ = "users"
    user_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organisations.organisation_id"), index=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    password_hash: Mapped[str] = mapped_column(String(200))
    must_change_password: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    locale: Mapped[str] = mapped_column(String(10), default="zh_Hans_CN")
    created_at: Mapped[datetime]
    last_sign_in_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}

    organisation: Mapped[Organisation | None] = relationship(lazy="joined")
    roles: Mapped[list[UserRole]] = relationship(lazy="selectin", cascade="all, delete-orphan", back_populates="user")


class UserRole(Base):
    """A role that a user holds."""

    __tablename__ = "user_roles"
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[Role] = mapped_column(primary_key=True)
    user: Mapped[User] = relationship(back_populates="roles", lazy="raise")


class AuthSession(Base):
    """A signed-in browser or script; only the hash of its token is stored, so that a leaked table opens nothing."""

    __tablename__ = "auth_sessions"
    auth_session_id: Mapped[UuidPk]
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.user_id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    remote_address: Mapped[str] = mapped_column(String(64), default="")
    user_agent: Mapped[str] = mapped_column(String(300), default="")
    user: Mapped[User] = relationship(lazy="joined")


class SignInFailure(Base):
    """A failed sign-in, kept to throttle by name and by address."""

    __tablename__ = "sign_in_failures"
    __table_args__ = (Index("ix_sign_in_failures_subject_at", "subject", "failed_at"),)
    sign_in_failure_id: Mapped[UuidPk]
    subject: Mapped[str] = mapped_column(String(120))
    failed_at: Mapped[datetime]

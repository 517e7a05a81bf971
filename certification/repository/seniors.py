"""Reading applications for 特级技师 and 首席技师, their materials, panels, objections and history."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, undefer

from certification.models import (
    ObjectionStatus,
    SeniorApplication,
    SeniorEvent,
    SeniorMaterial,
    SeniorObjection,
    SeniorPanelMember,
)
from certification.repository.access import visible_organisations
from certification.rules.seniors import COUNTED_STATES, OPEN_STATES, SeniorState
from kernel.conflicts.rules import folded
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.models import User, UserRole
from kernel.identity.permissions import Role

MISSING = N_("这份申报不存在")


@dataclass(frozen=True, slots=True)
class SeniorFilter:
    """What the list is narrowed to."""

    search: str = ""
    state: SeniorState | None = None
    level_code: str = ""


def get_application(session: Session, key: uuid.UUID, *, actor: Actor) -> SeniorApplication:
    """Return an application that the actor may read, or raise NotFoundError."""
    found = session.get(SeniorApplication, key)
    if found is None or found.organisation_id not in visible_organisations(session, actor):
        raise NotFoundError(MISSING)
    return found


def lock_application(session: Session, key: uuid.UUID, *, actor: Actor) -> SeniorApplication:
    """Return an application of the own organisation, locked for the rest of the transaction."""
    query = select(SeniorApplication).where(
        SeniorApplication.senior_application_id == key, SeniorApplication.organisation_id == actor.organisation_id
    )
    found = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError(MISSING)
    return found


def find_appointed(session: Session, batch_id: uuid.UUID, key: uuid.UUID) -> SeniorApplication | None:
    """Return the application that put a person into a batch of those appointed, None for anybody else."""
    query = select(SeniorApplication).where(
        SeniorApplication.senior_application_id == key, SeniorApplication.certification_batch_id == batch_id
    )
    return session.scalar(query)


def list_applications(
    session: Session, *, actor: Actor, wanted: SeniorFilter, offset: int = 0, limit: int = 50
) -> tuple[Sequence[SeniorApplication], int]:
    """Return one page of the applications, the newest first, and the total."""
    query = select(SeniorApplication).where(
        SeniorApplication.organisation_id.in_(visible_organisations(session, actor))
    )
    if wanted.state is not None:
        query = query.where(SeniorApplication.state == wanted.state)
    if wanted.level_code:
        query = query.where(SeniorApplication.level_code == wanted.level_code)
    if wanted.search:
        text = wanted.search
        query = query.where(
            SeniorApplication.number.contains(text, autoescape=True)
            | SeniorApplication.name.contains(text, autoescape=True)
            | SeniorApplication.employer.contains(text, autoescape=True)
        )
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    ordered = query.order_by(SeniorApplication.created_at.desc(), SeniorApplication.number.desc())
    return session.scalars(ordered.offset(offset).limit(limit)).all(), total


def count_numbers(session: Session, organisation_id: uuid.UUID, prefix: str) -> int:
    """Return how many applications of an organisation have a number that begins so."""
    query = select(func.count()).where(
        SeniorApplication.organisation_id == organisation_id, SeniorApplication.number.startswith(prefix)
    )
    return session.scalar(query) or 0


def count_places(session: Session, application: SeniorApplication) -> int:
    """Return how many other people of the same employer hold or are on the way to the same level."""
    query = select(SeniorApplication.employer).where(
        SeniorApplication.organisation_id == application.organisation_id,
        SeniorApplication.level_code == application.level_code,
        SeniorApplication.state.in_(COUNTED_STATES),
        SeniorApplication.senior_application_id != application.senior_application_id,
    )
    wanted = folded(application.employer)
    return sum(folded(employer) == wanted for employer in session.scalars(query))


def find_open_of_person(
    session: Session, organisation_id: uuid.UUID, number_index: str, level_code: str, *, other_than: uuid.UUID
) -> SeniorApplication | None:
    """Return another application of the same person for the same level that is not finished."""
    query = select(SeniorApplication).where(
        SeniorApplication.organisation_id == organisation_id, SeniorApplication.id_number_index == number_index,
        SeniorApplication.level_code == level_code, SeniorApplication.state.in_((*OPEN_STATES, SeniorState.APPOINTED)),
        SeniorApplication.senior_application_id != other_than,
    )  # fmt: skip
    return session.scalar(query.limit(1))


def list_due(session: Session, organisation_id: uuid.UUID) -> Sequence[SeniorApplication]:
    """Return those appointed who wait for a batch that issues their certificates."""
    query = select(SeniorApplication).where(
        SeniorApplication.organisation_id == organisation_id, SeniorApplication.state == SeniorState.APPOINTED,
        SeniorApplication.certification_batch_id.is_(None),
    )  # fmt: skip
    return session.scalars(query.order_by(SeniorApplication.number)).all()


def list_materials(session: Session, key: uuid.UUID) -> Sequence[SeniorMaterial]:
    """Return the materials of an application, without their contents."""
    query = select(SeniorMaterial).where(SeniorMaterial.senior_application_id == key)
    return session.scalars(query.order_by(SeniorMaterial.added_at, SeniorMaterial.senior_material_id)).all()


def get_material(session: Session, material_id: uuid.UUID) -> SeniorMaterial:
    """Return a material with its content, or raise NotFoundError; the caller looks after the walls."""
    query = select(SeniorMaterial).where(SeniorMaterial.senior_material_id == material_id)
    found = session.scalar(query.options(undefer(SeniorMaterial.file_ciphertext)))
    if found is None:
        raise NotFoundError(N_("材料不存在"))
    return found


def list_members(session: Session, key: uuid.UUID) -> Sequence[SeniorPanelMember]:
    """Return the panel of an application."""
    query = select(SeniorPanelMember).where(SeniorPanelMember.senior_application_id == key)
    return session.scalars(query.order_by(SeniorPanelMember.name, SeniorPanelMember.user_id)).all()


def find_member(session: Session, key: uuid.UUID, *, actor: Actor) -> SeniorPanelMember | None:
    """Return the actor's own place on the panel of an application of the own organisation."""
    query = select(SeniorPanelMember).where(
        SeniorPanelMember.senior_application_id == key, SeniorPanelMember.user_id == actor.user_id,
        SeniorPanelMember.organisation_id == actor.organisation_id,
    )  # fmt: skip
    return session.scalar(query)


def list_reviews(session: Session, *, actor: Actor) -> Sequence[tuple[SeniorApplication, SeniorPanelMember]]:
    """Return the applications on whose panel the actor sits, the open ones first."""
    query = (
        select(SeniorApplication, SeniorPanelMember)
        .join(
            SeniorPanelMember, SeniorPanelMember.senior_application_id == SeniorApplication.senior_application_id
        )
        .where(
            SeniorPanelMember.user_id == actor.user_id, SeniorApplication.organisation_id == actor.organisation_id,
            SeniorApplication.state != SeniorState.DRAFT,
        )
        .order_by(SeniorPanelMember.voted_at.is_not(None), SeniorApplication.number)
        .limit(200)
    )  # fmt: skip
    return [(row[0], row[1]) for row in session.execute(query)]


def list_experts(session: Session, organisation_id: uuid.UUID) -> Sequence[tuple[uuid.UUID, str]]:
    """Return the assessors of an organisation, who may sit on panels, by name."""
    query = (
        select(User.user_id, User.name)
        .join(UserRole, UserRole.user_id == User.user_id)
        .where(User.organisation_id == organisation_id, User.is_active, UserRole.role == Role.ASSESSOR)
        .order_by(User.name)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def list_objections(session: Session, key: uuid.UUID) -> Sequence[SeniorObjection]:
    """Return the objections to an application in their order."""
    query = select(SeniorObjection).where(SeniorObjection.senior_application_id == key)
    return session.scalars(query.order_by(SeniorObjection.noted_at, SeniorObjection.senior_objection_id)).all()


def count_open_objections(session: Session, key: uuid.UUID) -> int:
    """Return how many objections nobody has settled."""
    return sum(one.status is ObjectionStatus.OPEN for one in list_objections(session, key))


def get_objection(session: Session, objection_id: uuid.UUID, *, actor: Actor) -> SeniorObjection:
    """Return an objection of the own organisation, or raise NotFoundError."""
    found = session.get(SeniorObjection, objection_id)
    if found is None or found.organisation_id != actor.organisation_id:
        raise NotFoundError(N_("异议不存在"))
    return found


def list_events(session: Session, key: uuid.UUID) -> Sequence[SeniorEvent]:
    """Return the history of an application in its order."""
    query = select(SeniorEvent).where(SeniorEvent.senior_application_id == key)
    return session.scalars(query.order_by(SeniorEvent.at, SeniorEvent.senior_event_id)).all()


def count_waiting(session: Session, *, actor: Actor) -> int:
    """Return how many applications wait for the actor's vote."""
    reviews = list_reviews(session, actor=actor)
    return sum(row.state is SeniorState.REVIEW and member.voted_at is None for row, member in reviews)

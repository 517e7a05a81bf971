"""Reading prints, custodians and releases, always inside the actor's organisation."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, defer

from blueprints.models import ExamForm, FormPrint, FormRelease, KeyCustodian
from blueprints.rules.releases import ReleasePart, ReleaseState
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.models import User, UserRole
from kernel.identity.permissions import Role
from kernel.jobs.models import OPEN, Job

MOST_ROWS = 200
PURGE_AT_ONCE = 200


def get_print(session: Session, form_print_id: uuid.UUID, *, actor: Actor) -> FormPrint:
    """Return a file that this very person had made."""
    row = session.get(FormPrint, form_print_id)
    if row is None or row.organisation_id != actor.organisation or row.created_by != actor.user_id:
        raise NotFoundError(N_("没有这份印制文件；每份文件只有申请人本人能够下载"))
    return row


def list_prints(session: Session, form_id: uuid.UUID, *, actor: Actor) -> Sequence[FormPrint]:
    """Return the files made of a form, newest first, without their content."""
    query = select(FormPrint).where(FormPrint.exam_form_id == form_id, FormPrint.organisation_id == actor.organisation)
    newest = query.order_by(FormPrint.created_at.desc()).limit(MOST_ROWS)
    return session.scalars(newest.options(defer(FormPrint.ciphertext))).all()


def due_prints(session: Session, moment: datetime) -> Sequence[FormPrint]:
    """Return files of any organisation whose time is over; the purge alone asks for them."""
    query = select(FormPrint).where(FormPrint.purged_at.is_(None), FormPrint.purge_after <= moment)
    return session.scalars(
        query.order_by(FormPrint.organisation_id, FormPrint.purge_after).limit(PURGE_AT_ONCE).options(defer(FormPrint.ciphertext))
    ).all()  # fmt: skip


def list_open_jobs(session: Session, name: str, form_id: uuid.UUID, *, actor: Actor) -> list[Job]:
    """Return the person's own jobs of a name that are about a form and not over, newest first."""
    query = select(Job).where(
        Job.organisation_id == actor.organisation, Job.created_by == actor.user_id, Job.name == name, Job.status.in_(OPEN)
    )  # fmt: skip
    rows = session.scalars(query.order_by(Job.created_at.desc()).limit(MOST_ROWS))
    return [job for job in rows if job.payload.get("exam_form_id") == str(form_id)]


def list_custodians(session: Session, *, actor: Actor) -> Sequence[KeyCustodian]:
    """Return the custodians of the actor's organisation in office, by name."""
    query = select(KeyCustodian).where(
        KeyCustodian.organisation_id == actor.organisation, KeyCustodian.revoked_at.is_(None)
    )
    return session.scalars(query.order_by(KeyCustodian.user_name).limit(MOST_ROWS)).all()


def find_custodian(session: Session, user_id: uuid.UUID, *, actor: Actor) -> KeyCustodian | None:
    """Return a person's row as custodian, in office or not."""
    query = select(KeyCustodian).where(
        KeyCustodian.organisation_id == actor.organisation, KeyCustodian.user_id == user_id
    )
    return session.scalar(query)


def list_possible_custodians(session: Session, *, actor: Actor) -> Sequence[User]:
    """Return the active people of the organisation who may seal, by name."""
    holders = select(UserRole.user_id).where(UserRole.role == Role.FORM_APPROVER)
    query = select(User).where(
        User.organisation_id == actor.organisation, User.is_active.is_(True), User.user_id.in_(holders)
    )
    return session.scalars(query.order_by(User.name).limit(MOST_ROWS)).all()


def lock_release(session: Session, form_release_id: uuid.UUID, *, actor: Actor) -> FormRelease:
    """Return a release of the organisation, locked for a decision."""
    query = select(FormRelease).where(
        FormRelease.form_release_id == form_release_id, FormRelease.organisation_id == actor.organisation
    )
    row = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if row is None:
        raise NotFoundError(N_("没有这份启封申请"))
    return row


def get_release(session: Session, form_release_id: uuid.UUID, *, actor: Actor) -> FormRelease:
    """Return a release of the organisation."""
    row = session.get(FormRelease, form_release_id)
    if row is None or row.organisation_id != actor.organisation:
        raise NotFoundError(N_("没有这份启封申请"))
    return row


def list_releases(
    session: Session, *, actor: Actor, form_id: uuid.UUID | None = None, offset: int = 0, limit: int = 50
) -> tuple[list[tuple[FormRelease, ExamForm]], int]:
    """Return one page of releases with their forms, newest first, and how many there are."""
    query = (
        select(FormRelease, ExamForm)
        .join(ExamForm, ExamForm.exam_form_id == FormRelease.exam_form_id)
        .where(FormRelease.organisation_id == actor.organisation)
    )
    if form_id:
        query = query.where(FormRelease.exam_form_id == form_id)
    total = session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    rows = session.execute(query.order_by(FormRelease.requested_at.desc()).offset(offset).limit(limit)).all()
    return [(row[0], row[1]) for row in rows], total


def find_opening(session: Session, form: ExamForm, part: ReleasePart, *, moment: datetime) -> FormRelease | None:
    """Return the confirmed release of a part that holds at a moment, the longest one; any form of a set opens them all."""
    query = select(FormRelease).where(
        _same(form),
        FormRelease.organisation_id == form.organisation_id,
        FormRelease.part == part,
        FormRelease.state == ReleaseState.CONFIRMED,
        FormRelease.valid_until.is_(None) | (FormRelease.valid_until > moment),
    )
    return session.scalar(query.order_by(FormRelease.valid_until.desc()).limit(1))


def _same(form: ExamForm) -> ColumnElement[bool]:
    if form.form_set_id is None:
        return FormRelease.exam_form_id == form.exam_form_id
    fellows = select(ExamForm.exam_form_id).where(ExamForm.form_set_id == form.form_set_id)
    return FormRelease.exam_form_id.in_(fellows)


def find_waiting(session: Session, form_id: uuid.UUID, part: ReleasePart, *, moment: datetime) -> FormRelease | None:
    """Return the request for a part that still waits for a second person."""
    query = select(FormRelease).where(
        FormRelease.exam_form_id == form_id,
        FormRelease.part == part,
        FormRelease.state == ReleaseState.WAITING,
        FormRelease.expires_at > moment,
    )
    return session.scalar(query.limit(1))


def count_waiting(session: Session, *, actor: Actor, moment: datetime) -> int:
    """Return how many requests of others wait for a second person."""
    query = select(func.count(FormRelease.form_release_id)).where(
        FormRelease.organisation_id == actor.organisation,
        FormRelease.state == ReleaseState.WAITING,
        FormRelease.expires_at > moment,
        FormRelease.requested_by != actor.user_id,
    )
    return session.scalar(query) or 0


def count_alarms(session: Session, *, actor: Actor) -> int:
    """Return how many early openings no administrator has taken note of."""
    query = select(func.count(FormRelease.form_release_id)).where(
        FormRelease.organisation_id == actor.organisation,
        FormRelease.state == ReleaseState.CONFIRMED,
        FormRelease.is_early.is_(True),
        FormRelease.noted_at.is_(None),
    )
    return session.scalar(query) or 0

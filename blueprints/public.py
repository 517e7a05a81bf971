"""What other components may use of blueprints and forms.

Sittings list, reserve and open sealed forms. Flows over several components (demonstration, simulation) walk the whole way
with the verbs that stand here under their own names; the assembly itself is the job that `start_run` publishes.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.models import FormReservation
from blueprints.repository import PackageRow
from blueprints.rules.releases import ReleasePart
from blueprints.rules.states import FormStatus
from blueprints.services import recusal, releases, sealing
from blueprints.services.blueprints import create_blueprint as create_blueprint
from blueprints.services.blueprints import publish_blueprint as publish_blueprint
from blueprints.services.forms import approve_form as approve_form
from blueprints.services.forms import seal_form as seal_form
from blueprints.services.forms import submit_form as submit_form
from blueprints.services.releases import Sitting as Sitting
from blueprints.services.releases import register_sittings as register_sittings
from blueprints.services.reports import report_slot_error as report_slot_error
from blueprints.services.runs import accept_run as accept_run
from blueprints.services.runs import start_run as start_run
from blueprints.services.sealing import Part
from kernel import audit
from kernel.clock import now
from kernel.conflicts import Party
from kernel.errors import ConflictError, ForbiddenError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.public_changes import EditionState as EditionState
from qbank.public_changes import edition_state as edition_state
from qbank.public_changes import refuse_old_edition as refuse_old_edition

LIST_PERMISSIONS = (Permission.SESSION_READ, Permission.FORM_READ)
DELIVERY_PERMISSIONS = (Permission.SESSION_WRITE, Permission.SESSION_CONTROL)
SCORING_PERMISSIONS = (Permission.SESSION_WRITE, Permission.SCORE_RELEASE, Permission.RESPONSE_MARK)


@dataclass(frozen=True, slots=True)
class SealedForm:
    """A sealed form as sittings see it: what it is for, never what stands in it."""

    form_id: uuid.UUID
    package_id: uuid.UUID
    title: str
    label: str
    occupation_code: str
    occupation_name: str
    level_code: str
    level_name: str
    standard_level_id: uuid.UUID
    total_score: Decimal
    n_slots: int
    duration_minutes: int
    delivery_digest: str
    blueprint_id: uuid.UUID | None = None


def list_sealed_forms(
    session: Session, actor: Actor, *, standard_level_id: uuid.UUID | None = None
) -> list[SealedForm]:
    """Return the sealed forms of the actor's organisation, newest first.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs SESSION_READ or FORM_READ.
    standard_level_id : UUID, optional
        Only forms of this level.

    Returns
    -------
    list of SealedForm
        Withdrawn forms are not among them.
    """
    _require_one(actor, LIST_PERMISSIONS)
    rows = repository.list_packages(session, actor=actor)
    return [_sealed(row) for row in rows if standard_level_id in (None, row.form.standard_level_id)]


def get_sealed_form(session: Session, actor: Actor, form_id: uuid.UUID) -> SealedForm:
    """Return one sealed form.

    Raises
    ------
    NotFoundError
        If the organisation has no such sealed form.
    """
    _require_one(actor, LIST_PERMISSIONS)
    rows = repository.list_packages(session, actor=actor, form_ids=[form_id])
    if not rows:
        raise NotFoundError(N_("没有这份封存试卷，请先封存"))
    return _sealed(rows[0])


def forms_to_open(session: Session, actor: Actor, form_ids: Sequence[uuid.UUID]) -> list[str]:
    """Return the titles of those forms that two custodians have to open before a session can be prepared with them.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs SESSION_READ or FORM_READ.
    form_ids : sequence of UUID
        Forms; those that are not sealed or not the organisation's are left out.
    """
    _require_one(actor, LIST_PERMISSIONS)
    part = ReleasePart.DELIVERY
    return [
        row.title
        for row in repository.list_packages(session, actor=actor, form_ids=form_ids)
        if releases.needs_opening(session, row.form, part) and not releases.find_opening(session, row.form, part)
    ]


def open_delivery(where: UnitOfWork | Session, actor: Actor, form_id: uuid.UUID) -> dict[str, Any]:
    """Return the delivery document of a sealed form: no key, no explanation, no item id in it.

    Parameters
    ----------
    where : UnitOfWork or Session
        With a unit of work the opening is audited; a plain session serves programs only (an actor without `user_id`).
    actor : Actor
        Needs SESSION_WRITE or SESSION_CONTROL.
    form_id : UUID
        The form.

    Returns
    -------
    dict
        ``kaoku-form-delivery/1``.

    Raises
    ------
    SealBrokenError
        If anything of it was changed since sealing.
    SealedPartError
        If the organisation wants two custodians to open it first, and they have not.
    """
    _require_one(actor, DELIVERY_PERMISSIONS)
    return _open(where, actor, form_id, Part.DELIVERY)


def open_scoring(where: UnitOfWork | Session, actor: Actor, form_id: uuid.UUID) -> dict[str, Any]:
    """Return the scoring document of a sealed form, with the keys; for scoring after the sitting.

    Parameters
    ----------
    where : UnitOfWork or Session
        With a unit of work the opening is audited.
    actor : Actor
        Needs SESSION_WRITE, SCORE_RELEASE or RESPONSE_MARK.
    form_id : UUID
        The form.

    Returns
    -------
    dict
        ``kaoku-form-scoring/1``.

    Raises
    ------
    SealedPartError
        If a person asks before two custodians have opened it, or before all sittings are over; programs score by themselves.
    """
    _require_one(actor, SCORING_PERMISSIONS)
    return _open(where, actor, form_id, Part.SCORING)


def form_people(session: Session, actor: Actor, form_ids: Sequence[uuid.UUID]) -> list[Party]:
    """Return who made some forms: authors and reviewers of their items, who assembled them, who approved them.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs SESSION_READ; sees the own organisation only.
    form_ids : sequence of UUID
        Forms; those that do not exist are left out.
    """
    _require_one(actor, (Permission.SESSION_READ,))
    return recusal.form_people(session, actor, form_ids)


def reserve_form(uow: UnitOfWork, form_id: uuid.UUID, *, reference: str) -> None:
    """Note that a sitting counts on a sealed form, so that it cannot be withdrawn; again with the same words is harmless.

    Parameters
    ----------
    uow : UnitOfWork
        Of the act that plans the sitting.
    form_id : UUID
        A sealed form of the actor's organisation.
    reference : str
        Who counts on it, such as ``exam_session:<id>``.
    """
    form = repository.lock_form(uow.session, form_id, actor=uow.actor)
    if form.status is not FormStatus.SEALED:
        raise ConflictError(N_("试卷“%(name)s”没有封存或已撤回，不能用于考试"), name=form.name)
    if repository.find_reservation(uow.session, form_id, reference) is None:
        uow.add(FormReservation(exam_form_id=form_id, reference=reference, reserved_at=now()))


def release_form(uow: UnitOfWork, form_id: uuid.UUID, *, reference: str) -> None:
    """Take a reservation back: the sitting chose another form before anybody sat it."""
    form = repository.get_form(uow.session, form_id, actor=uow.actor)
    if found := repository.find_reservation(uow.session, form.exam_form_id, reference):
        uow.session.delete(found)


def _open(where: UnitOfWork | Session, actor: Actor, form_id: uuid.UUID, part: Part) -> dict[str, Any]:
    session = where.session if isinstance(where, UnitOfWork) else where
    form = repository.get_form(session, form_id, actor=actor)
    if part is Part.DELIVERY:
        releases.check_open(session, form, ReleasePart.DELIVERY)
    elif actor.user_id is not None:
        releases.check_open(session, form, ReleasePart.SCORING)
    if isinstance(where, UnitOfWork):
        audit.record(where, f"{part.value}.open".replace("-", "_"), "exam_form", form_id)
        return sealing.open_part(where.session, actor, form_id, part)
    if part is Part.DELIVERY and actor.user_id is not None:
        raise ForbiddenError(N_("启封试卷须留下审计记录，请在事务中进行"))
    return sealing.open_part(where, actor, form_id, part)


def _require_one(actor: Actor, permissions: Sequence[Permission]) -> None:
    if not any(actor.may(permission) for permission in permissions):
        raise ForbiddenError(N_("没有权限进行此操作，请联系本机构管理员"), permission=permissions[0].value)


def _sealed(row: PackageRow) -> SealedForm:
    form = row.form
    return SealedForm(
        form_id=form.exam_form_id, package_id=row.package_id, title=row.title, label=form.label,
        occupation_code=form.occupation_code, occupation_name=form.occupation_name, level_code=form.level_code,
        level_name=form.level_name, standard_level_id=form.standard_level_id, total_score=form.total_score,
        n_slots=form.n_slots, duration_minutes=form.duration_minutes, delivery_digest=row.delivery_digest,
        blueprint_id=form.exam_blueprint_id,
    )  # fmt: skip

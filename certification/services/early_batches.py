"""Batches that certification opens before theory is over, or without it: groups assess and results arrive meanwhile."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy.orm import Session

from certification.repository import batches as repository
from certification.rules import keys
from certification.rules.pass_decision import AssessmentMode
from certification.services import reception
from exam_delivery.public import read_photos
from exam_delivery.public_registrations import UnreleasedBatch, list_unreleased, open_registrations
from kernel import profiles
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

THEORY_ALONE = N_("本等级只考理论知识，成绩发布后批次自动到达，不需要提前建立")


@dataclass(frozen=True, slots=True)
class EarlyBatch:
    """An examination batch that could be opened, with what its level asks for."""

    batch: UnreleasedBatch
    modes: tuple[AssessmentMode, ...]

    @property
    def has_more_than_theory(self) -> bool:
        """Whether there is something to assess before theory is released."""
        return any(mode is not AssessmentMode.THEORY for mode in self.modes)


def list_early(session: Session, actor: Actor) -> list[EarlyBatch]:
    """Return the batches that are neither released nor opened, the newest first."""
    require(actor, Permission.CERTIFICATION_WRITE)
    opened = repository.source_batch_ids(session, actor.organisation)
    return [
        EarlyBatch(one, modes_of(session, actor.organisation, one.level_code))
        for one in list_unreleased(session, actor)
        if one.exam_batch_id not in opened
    ]


def modes_of(session: Session, organisation_id: uuid.UUID, level_code: str) -> tuple[AssessmentMode, ...]:
    """Return what the pass profile of a level asks for: components, and routes that pass alone."""
    rule = keys.pass_rule(profiles.values(session, organisation_id), level_code)
    return (*(part.mode for part in rule.components), *sorted(rule.routes))


def open_early(uow: UnitOfWork, exam_batch_id: uuid.UUID) -> uuid.UUID:
    """Open a batch with everybody registered and theory pending; the release fills theory in when it comes.

    Raises
    ------
    ConflictError
        If it is opened or released already, nobody is registered, or its level has nothing but theory.
    """
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    if repository.find_batch_by_source(uow.session, uow.actor.organisation, exam_batch_id) is not None:
        raise ConflictError(N_("这个批次已经建立"))
    package = open_registrations(uow, exam_batch_id)
    if set(modes_of(uow.session, uow.actor.organisation, package.level_code)) <= {AssessmentMode.THEORY}:
        raise ConflictError(THEORY_ALONE)
    photos = read_photos(uow.session, uow.actor, [one.candidate_id for one in package.results])
    return reception.open_before_release(uow, package, photos)

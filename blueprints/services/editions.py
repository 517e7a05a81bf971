"""Blueprints and forms as dependants of outlines: who is affected by a new edition, and drafts that follow to it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.models import ExamBlueprint
from blueprints.repository import Filters
from blueprints.rules.codes import engine_code
from blueprints.rules.edition_mapping import map_spec
from blueprints.rules.states import BLUEPRINT_LABELS, FORM_LABELS, BlueprintStatus, FormStatus
from blueprints.services.bank import scope_lines
from blueprints.services.blueprints import LONGEST_NAME, add_draft, outline_weights
from kernel.clock import now
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank import public as qbank
from qbank.public_changes import Affected, Draft, EditionChange

MOST = 500


def find_affected(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> Sequence[Affected]:
    """Return the blueprints and forms that build on a level, without what is out of use."""
    return [*_blueprints(session, actor, standard_level_id), *_forms(session, actor, standard_level_id)]


def _live_blueprints(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> list[ExamBlueprint]:
    filters = Filters(standard_level_id=standard_level_id)
    rows, _total = repository.list_blueprints(session, filters, actor=actor, offset=0, limit=MOST)
    return [row for row in rows if row.status is not BlueprintStatus.ARCHIVED]


def _blueprints(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> Iterator[Affected]:
    for row in _live_blueprints(session, actor, standard_level_id):
        arguments = {"blueprint_id": row.exam_blueprint_id}
        state = BLUEPRINT_LABELS[row.status]
        yield Affected(N_("组卷蓝图"), row.name, state, "blueprints.detail", arguments, Permission.BLUEPRINT_READ)


def _forms(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> Iterator[Affected]:
    filters = Filters(standard_level_id=standard_level_id)
    rows, _total = repository.list_forms(session, filters, actor=actor, offset=0, limit=MOST)
    for row in rows:
        if row.status is not FormStatus.WITHDRAWN:
            title = f"{row.name} {row.label}".strip()
            arguments = {"form_id": row.exam_form_id}
            yield Affected(N_("试卷"), title, FORM_LABELS[row.status], "forms.detail", arguments, Permission.FORM_READ)


def count_relying(session: Session, standard_level_id: uuid.UUID) -> int:
    """Return how many blueprints and forms rely on a published outline."""
    return repository.count_relying(session, standard_level_id)


def follow_edition(uow: UnitOfWork, change: EditionChange) -> Sequence[Draft]:
    """Copy the blueprints of a level into drafts for its next edition; the act was allowed to whom the bank let do it."""
    level = qbank.get_level(uow.session, uow.actor, change.new_level_id)
    scopes = {engine_code(old): engine_code(new) for old, new in change.scopes.items()}
    weights = outline_weights(scope_lines(uow.session, uow.actor, change.new_level_id))
    drafts = []
    for source in _live_blueprints(uow.session, uow.actor, change.old_level_id):
        mapped = map_spec(source.spec, scopes, weights)
        row = ExamBlueprint(
            organisation_id=source.organisation_id, standard_level_id=change.new_level_id,
            occupation_code=level.occupation_code, occupation_name=level.occupation_name, level_code=level.level_code,
            level_name=level.level_name, name=f"{source.name}（{level.edition_label}）"[:LONGEST_NAME],
            duration_minutes=source.duration_minutes, copied_from_id=source.exam_blueprint_id,
            created_by=uow.actor.user_id, created_at=now(), updated_at=now(),
        )  # fmt: skip
        add_draft(uow, row, mapped.spec)
        drafts.append(Draft(row.exam_blueprint_id, row.name, mapped.remarks))
    return drafts

"""Finding imports inside the actor's walls."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.models import User
from qbank.models.imports import ImportMapping
from qbank.models.items import ImportRun, Item, ItemVersion
from qbank.repository.items import chunks
from qbank.rules.items import ImportState, ItemStatus

WAITING = (ImportState.UPLOADED, ImportState.CHECKED)


def list_runs(
    session: Session, *, actor: Actor, page: int = 1, per_page: int = 50
) -> tuple[list[tuple[ImportRun, str]], int]:
    """Return one page of imports with the names of those who made them, newest first, and the total."""
    query = (
        select(ImportRun, User.name, func.count().over().label("total"))
        .outerjoin(User, User.user_id == ImportRun.created_by)
        .where(ImportRun.organisation_id == actor.organisation, ImportRun.state != ImportState.CANCELLED)
        .order_by(ImportRun.created_at.desc(), ImportRun.import_run_id.desc())
    )
    rows = session.execute(query.limit(per_page).offset((page - 1) * per_page)).all()
    return [(row[0], row[1] or "") for row in rows], rows[0].total if rows else 0


def get_run(session: Session, import_run_id: uuid.UUID, *, actor: Actor) -> ImportRun:
    """Return an import; raises NotFoundError for those of others."""
    found = session.get(ImportRun, import_run_id)
    if found is None or found.organisation_id != actor.organisation:
        raise NotFoundError(N_("导入记录不存在，可能已被删除"))
    return found


def lock_run(session: Session, import_run_id: uuid.UUID, *, actor: Actor) -> ImportRun:
    """Return an import after locking its row; raises NotFoundError."""
    query = select(ImportRun).where(
        ImportRun.import_run_id == import_run_id, ImportRun.organisation_id == actor.organisation
    )
    found = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError(N_("导入记录不存在，可能已被删除"))
    return found


def find_same_file(session: Session, file_digest: str, *, actor: Actor) -> ImportRun | None:
    """Return the latest import of the very same file that is in the bank, if any."""
    query = select(ImportRun).where(
        ImportRun.organisation_id == actor.organisation,
        ImportRun.file_digest == file_digest,
        ImportRun.state == ImportState.DONE,
    )
    return session.scalar(query.order_by(ImportRun.created_at.desc()).limit(1))


def find_by_codes(session: Session, codes: Sequence[str], *, actor: Actor) -> dict[str, Item]:
    """Return the items of the bank that have these codes, by code."""
    found: dict[str, Item] = {}
    for chunk in chunks(list(dict.fromkeys(code for code in codes if code))):
        query = select(Item).where(
            Item.organisation_id == actor.organisation, Item.code.in_(chunk), Item.removed_at.is_(None)
        )
        found |= {item.code: item for item in session.scalars(query)}
    return found


def find_numbered_versions(session: Session, numbers: Mapping[uuid.UUID, int | None]) -> dict[uuid.UUID, ItemVersion]:
    """Return, by item, the version that has the number asked for."""
    found: dict[uuid.UUID, ItemVersion] = {}
    for chunk in chunks(list(numbers)):
        query = select(ItemVersion).where(ItemVersion.item_id.in_(chunk))
        found |= {one.item_id: one for one in session.scalars(query) if one.number == numbers[one.item_id]}
    return found


def find_mapping(session: Session, shape: str, *, actor: Actor) -> ImportMapping | None:
    """Return what the organisation said about files of a shape."""
    query = select(ImportMapping).where(
        ImportMapping.organisation_id == actor.organisation, ImportMapping.shape == shape
    )
    return session.scalar(query)


def count_waiting(session: Session, *, actor: Actor) -> int:
    """Return how many uploaded files of a person wait for confirmation."""
    query = select(func.count()).where(
        ImportRun.organisation_id == actor.organisation,
        ImportRun.created_by == actor.user_id,
        ImportRun.state.in_(WAITING),
    )
    return session.scalar(query) or 0


def lock_items_of(session: Session, run: ImportRun) -> Sequence[Item]:
    """Return the items of an import that are still there, locked."""
    query = select(Item).where(Item.import_run_id == run.import_run_id, Item.removed_at.is_(None))
    return session.scalars(query.order_by(Item.item_id).with_for_update()).all()


def count_beyond_draft(session: Session, run: ImportRun) -> int:
    """Return how many items of an import have left the state of a fresh draft, so that it cannot be undone."""
    query = select(func.count()).where(
        Item.import_run_id == run.import_run_id,
        Item.removed_at.is_(None),
        (Item.status != ItemStatus.DRAFT) | Item.approved_version_id.is_not(None),
    )
    return session.scalar(query) or 0


def list_done(session: Session, standard_level_id: uuid.UUID, *, actor: Actor, limit: int) -> Sequence[ImportRun]:
    """Return the last finished imports of a level, newest first."""
    query = select(ImportRun).where(
        ImportRun.organisation_id == actor.organisation,
        ImportRun.standard_level_id == standard_level_id,
        ImportRun.state == ImportState.DONE,
    )
    return session.scalars(query.order_by(ImportRun.created_at.desc()).limit(limit)).all()


def codes_of_run(session: Session, run: ImportRun) -> list[str]:
    """Return the codes of the items that an import made and that are still there, in the file's order."""
    query = select(Item.code).where(
        Item.import_run_id == run.import_run_id, Item.organisation_id == run.organisation_id, Item.removed_at.is_(None)
    )
    return sorted(session.scalars(query), key=lambda code: (len(code), code))

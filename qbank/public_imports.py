"""What other components may know of imports: which files came in for a level, and which items they brought."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from qbank.models.items import ImportRun
from qbank.repository import corrections, imports
from qbank.rules.items import STATUS_LABELS, ImportState
from qbank.services.imports import LEFT_OUT

MOST_IMPORTS = 50
HELD = N_("暂停使用")


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """A file whose items are in the bank."""

    import_run_id: uuid.UUID
    file_name: str
    created_at: datetime
    n_items: int


def list_imported_files(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> list[ImportedFile]:
    """Return the last finished imports of a level, newest first.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs ITEM_READ; sees the own organisation only.
    standard_level_id : UUID
        The level.
    """
    require(actor, Permission.ITEM_READ)
    rows = imports.list_done(session, standard_level_id, actor=actor, limit=MOST_IMPORTS)
    return [
        ImportedFile(row.import_run_id, row.file_name, row.created_at, row.n_imported + row.n_duplicates)
        for row in rows
    ]


def codes_of_import(session: Session, actor: Actor, import_run_id: uuid.UUID) -> tuple[str, list[str]]:
    """Return the name of an imported file, and the codes of its items as the bank has them.

    Items that came in new stand in the file's order; those that the bank had before follow.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs ITEM_READ.
    import_run_id : UUID
        A finished import.

    Raises
    ------
    NotFoundError
        If the organisation has no such import, or it did not finish.
    """
    require(actor, Permission.ITEM_READ)
    run = imports.get_run(session, import_run_id, actor=actor)
    if run.state is not ImportState.DONE:
        raise NotFoundError(N_("这次导入没有完成或已撤销，请选择已完成的导入"))
    before = imports.find_by_codes(session, _known_before(run), actor=actor)
    return run.file_name, list(dict.fromkeys([*imports.codes_of_run(session, run), *before]))


def _known_before(run: ImportRun) -> list[str]:
    """Return the codes of updated items, and those of which the report says that the file's items are the same."""
    report = run.report or {}
    head, tail = LEFT_OUT.split("%(code)s")
    found = [notice["message"] for notice in report.get("warnings", []) if notice.get("code") == "duplicate_of"]
    same = [
        text.removeprefix(head).removesuffix(tail) for text in found if text.startswith(head) and text.endswith(tail)
    ]
    return [*(one["code"] for one in report.get("updated", [])), *same]


def states_of_codes(session: Session, actor: Actor, codes: Sequence[str]) -> dict[str, str]:
    """Return what state items of the organisation are in, as a word to translate, by their codes.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Needs ITEM_READ.
    codes : sequence of str
        Item codes; those that the organisation's bank does not have are left out.
    """
    require(actor, Permission.ITEM_READ)
    items = imports.find_by_codes(session, codes, actor=actor)
    ids = [item.item_id for item in items.values()]
    held = {
        row.item_id for row, _code in corrections.quarantined(session, organisation_id=actor.organisation, item_ids=ids)
    }
    return {code: HELD if item.item_id in held else STATUS_LABELS[item.status] for code, item in items.items()}

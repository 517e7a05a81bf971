"""What the columns of a file mean, remembered for the next file of the same shape."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from kernel import audit
from kernel.canonical import digest_bytes
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import InvalidInputError
from kernel.identity.actor import Actor
from kernel.uow import UnitOfWork
from qbank.interchange.columns import ColumnMapping, MappingError, header_name
from qbank.interchange.guard import UnreadableFileError
from qbank.interchange.limited import sheets_limited
from qbank.interchange.model import ConversionReport
from qbank.interchange.tables import Sheet, sheet_mapping
from qbank.models.imports import ImportMapping
from qbank.models.items import ImportRun
from qbank.repository import imports as repository
from qbank.services import import_runs

SIGN = "\x1f"


@dataclass(frozen=True, slots=True)
class Reading:
    """An uploaded file as it was read: under what the organisation said about files of its shape, if anything."""

    report: ConversionReport
    shape: str
    mapping: ColumnMapping | None


def shape_of(sheets: Sequence[Sheet]) -> str:
    """Return the digest of a file's shape: names of its sheets, their heads, and where there is none their width."""
    lines = [_line(sheet) for sheet in sheets if any(any(cell.strip() for cell in row) for row in sheet.rows)]
    return digest_bytes("\n".join(lines).encode())


def _line(sheet: Sheet) -> str:
    found = sheet_mapping(sheet)
    if found is not None and found.header_row is not None:
        head = [header_name(cell) for cell in sheet.rows[found.header_row]]
        return SIGN.join([sheet.name, str(found.header_row), *head])
    width = max(map(len, sheet.rows), default=0)
    return SIGN.join([sheet.name, "-", str(sheet.first_column), str(width)])


def read_remembering(session: Session, actor: Actor, data: bytes, name: str) -> Reading:
    """Read an uploaded file, under the remembered mapping of its shape; raises InvalidInputError when it is unreadable."""
    report = import_runs.read_upload(data, name)
    if report.format not in import_runs.TABLES:
        return Reading(report, "", None)
    try:
        shape = shape_of(sheets_limited(data, report.format))
    except UnreadableFileError as error:
        raise InvalidInputError(error.message, fields={"file": [error.message]}) from error
    known = repository.find_mapping(session, shape, actor=actor)
    mapping = _usable(known)
    if mapping is None:
        return Reading(report, shape, None)
    return Reading(import_runs.read_upload(data, name, fmt=report.format, mapping=mapping), shape, mapping)


def _usable(known: ImportMapping | None) -> ColumnMapping | None:
    try:
        return ColumnMapping.from_json(known.mapping) if known else None
    except MappingError:
        return None  # written by another release


def note_reading(uow: UnitOfWork, run: ImportRun, reading: Reading) -> None:
    """Keep with an import what shape its file has, and that a remembered mapping was used."""
    run.shape = reading.shape
    if reading.mapping is None:
        return
    run.mapping, run.is_mapping_recalled = reading.mapping.to_json(), True
    known = repository.find_mapping(uow.session, reading.shape, actor=uow.actor)
    if known is not None:
        known.n_used += 1


def remember(uow: UnitOfWork, run: ImportRun, mapping: ColumnMapping) -> None:
    """Remember for the organisation what a person said about the columns of an import's file."""
    run.is_mapping_recalled = False
    if not run.shape:
        return
    known = repository.find_mapping(uow.session, run.shape, actor=uow.actor)
    if known is None:
        known = ImportMapping(
            import_mapping_id=new_id(), organisation_id=uow.actor.organisation, shape=run.shape, n_used=0
        )  # fmt: skip
        uow.add(known)
    known.mapping, known.file_name = mapping.to_json(), run.file_name
    known.changed_by, known.changed_at = uow.actor.user_id, now()
    audit.record(uow, "import.remember_mapping", "import_run", run.import_run_id, after={"shape": run.shape})


def forget(uow: UnitOfWork, run_id: uuid.UUID) -> ImportRun:
    """Forget what was said about files of the shape of an import's file; the import itself is read anew by the caller."""
    run = repository.lock_run(uow.session, run_id, actor=uow.actor)
    known = repository.find_mapping(uow.session, run.shape, actor=uow.actor)
    if known is not None:
        uow.session.delete(known)
        audit.record(uow, "import.forget_mapping", "import_run", run_id, after={"shape": run.shape})
    return run


def remembered_from(session: Session, actor: Actor, run: ImportRun) -> str:
    """Return the name of the file for which the mapping of an import was said, empty when nobody said any."""
    known = repository.find_mapping(session, run.shape, actor=actor) if run.is_mapping_recalled else None
    return known.file_name if known else ""

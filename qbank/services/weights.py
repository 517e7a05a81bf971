"""The weight table of a level: reading, saving, importing from a file."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import delete
from sqlalchemy.orm import Session

from kernel import audit
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.spreadsheets import read_table
from kernel.uow import UnitOfWork
from qbank.models.standards import StandardEdition, WeightRow
from qbank.repository import standards as repository
from qbank.rules.figures import show_number
from qbank.rules.weight_layouts import KnownLevel, ParsedWeights, WeightColumn, parse_weights
from qbank.rules.weights import WeightLine, total_weights
from qbank.services.standards import check_version, require_draft

MAX_LINES = 200


class WeightKind(enum.StrEnum):
    """Which column of the weight table a file is for."""

    THEORY = "theory"
    SKILL = "skill"


def weight_lines(session: Session, level_id: uuid.UUID) -> list[WeightLine]:
    """Return the weight table of a level."""
    return [_line(row) for row in repository.list_weight_rows(session, [level_id])]


def weight_tables(session: Session, level_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[WeightLine]]:
    """Return the weight tables of some levels in one statement."""
    tables: dict[uuid.UUID, list[WeightLine]] = {level_id: [] for level_id in level_ids}
    for row in repository.list_weight_rows(session, level_ids):
        tables[row.standard_level_id].append(_line(row))
    return tables


def _line(row: WeightRow) -> WeightLine:
    return WeightLine(row.name, row.function_name, row.scope_code, row.theory_percent, row.skill_percent)


def save_weights(
    uow: UnitOfWork, level_id: uuid.UUID, lines: Sequence[WeightLine], *, version: int | None = None
) -> None:
    """Replace the weight table of a level whose outline is a draft; sums may still be open, publishing checks them."""
    require(uow.actor, Permission.STANDARD_WRITE)
    level = repository.lock_level(uow.session, level_id, actor=uow.actor)
    check_version(level.version, version)
    require_draft(level)
    _check_lines(lines)
    uow.session.execute(delete(WeightRow).where(WeightRow.standard_level_id == level_id))
    uow.session.add_all(
        WeightRow(
            organisation_id=uow.actor.organisation, standard_level_id=level_id, position=position,
            scope_code=line.scope_code, function_name=line.function_name, name=line.name,
            theory_percent=line.theory_percent, skill_percent=line.skill_percent,
        )
        for position, line in enumerate(lines, start=1)
    )  # fmt: skip
    totals = total_weights(lines)
    after = {"theory": show_number(totals.theory_percent), "skill": show_number(totals.skill_percent)}
    audit.record(uow, "weights.save", "level", level_id, after={"n_rows": len(lines), **after})


def _check_lines(lines: Sequence[WeightLine]) -> None:
    names = [(line.function_name, line.name) for line in lines]
    if len(lines) > MAX_LINES:
        raise InvalidInputError(N_("权重表最多 %(n)s 行"), n=MAX_LINES)
    for line in lines:
        if not 0 < len(line.name) <= 100 or len(line.function_name) > 100 or len(line.scope_code) > 20:
            raise InvalidInputError(N_("“%(name)s”：名称不能为空，也不能超过 100 字"), name=line.name[:20])
        if names.count((line.function_name, line.name)) > 1:
            raise InvalidInputError(N_("“%(name)s”出现了不止一行，请合并"), name=line.name)


def read_weight_file(data: bytes, edition: StandardEdition) -> ParsedWeights:
    """Return the weight columns of a file for the levels of an edition; nothing is saved.

    Raises
    ------
    InvalidInputError
        If no column heading names a level of the edition.
    """
    levels = [KnownLevel(level.level_code, level.name) for level in edition.levels]
    for sheet in read_table(data):
        if parsed := parse_weights(sheet.rows, levels):
            return parsed
    raise InvalidInputError(
        N_("没有找到权重表：表头的列名应为本版本的等级，例如“五级”“四级/中级工”或“L4”，左边各列为项目名称")
    )


def import_weights(uow: UnitOfWork, edition_id: uuid.UUID, parsed: ParsedWeights, *, kind: WeightKind) -> int:
    """Put a file's columns into the weight tables of an edition's levels; return how many levels were changed."""
    require(uow.actor, Permission.STANDARD_WRITE)
    if not parsed.is_usable:
        raise ConflictError(N_("权重表中还有错误，请改正文件后重新上传"))
    edition = repository.get_edition(uow.session, edition_id, actor=uow.actor)
    levels = {level.level_code: level for level in edition.levels}
    for column in parsed.columns:
        level = levels[column.level_code]
        known = weight_lines(uow.session, level.standard_level_id)
        save_weights(uow, level.standard_level_id, merge_column(known, column, kind))
    return len(parsed.columns)


def merge_column(known: Sequence[WeightLine], column: WeightColumn, kind: WeightKind) -> list[WeightLine]:
    """Return a table with one column replaced and the other one kept."""
    new = {(line.function_name, line.name): line.theory_percent for line in column.lines}
    is_theory = kind is WeightKind.THEORY
    merged = []
    for line in known:
        value = new.pop((line.function_name, line.name), None)
        merged.append(replace(line, theory_percent=value) if is_theory else replace(line, skill_percent=value))
    for (function, name), value in new.items():
        line = WeightLine(name, function)
        merged.append(replace(line, theory_percent=value) if is_theory else replace(line, skill_percent=value))
    return [line for line in merged if (line.theory_percent, line.skill_percent) != (None, None)]

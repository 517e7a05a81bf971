"""Blueprints as files: the template to fill in, a table or JSON brought in, a blueprint taken out as Excel."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePath
from typing import Any

from sqlalchemy.orm import Session

from blueprints.assembly.blueprint import BlueprintError
from blueprints.assembly.consistency import contradictions
from blueprints.models import ExamBlueprint
from blueprints.rules.specs import blueprint_of
from blueprints.rules.two_way_import import Message, RowReport, TableReading, read_two_way, spec_of_table
from blueprints.services.bank import scope_lines
from blueprints.services.blueprints import create_blueprint, default_spec
from blueprints.services.copies import named_scopes
from item_templates import registry
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.spreadsheets import TableSheet, read_table, write_table
from kernel.uow import UnitOfWork

LARGEST_FILE = 5_000_000
CODE, NAME, WEIGHT, TOTAL, EACH = "范围代码", "鉴定范围", "比重（%）", "合计", "每题分值"
"""Headings of our own table; it is read back as it is, whatever the language of the pages."""
NO_TABLE = N_(
    "没有找到双向细目表：表头应有“范围”（名称或代码）和各题型的列，每行一个范围，格中写题数。可以先下载模板对照"
)


@dataclass(frozen=True, slots=True)
class FileContent:
    """What a file holds: a blueprint JSON, or the sheets that people can see."""

    spec: dict[str, Any] | None
    sheets: tuple[tuple[str, Sequence[Sequence[str]]], ...]


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What became of a file: the draft that it made, or None, with every row's fate and what is wrong as a whole."""

    row: ExamBlueprint | None
    reports: Sequence[RowReport]
    problems: Sequence[Message]

    def count(self, kind: str) -> int:
        """Return how many rows met a fate."""
        return sum(1 for report in self.reports if report.kind == kind)


def read_file(data: bytes) -> FileContent:
    """Return what an Excel or JSON file holds; to be called before the transaction, nobody waits for a slow file."""
    if len(data) > LARGEST_FILE:
        raise InvalidInputError(N_("文件超过 %(limit)s MB，请拆分后再上传"), limit=LARGEST_FILE // 1_000_000)
    if data.lstrip()[:1] == b"{":
        return FileContent(_json(data), ())
    return FileContent(None, tuple((sheet.name, sheet.rows) for sheet in read_table(data) if not sheet.is_hidden))


def import_blueprint(
    uow: UnitOfWork, standard_level_id: uuid.UUID, content: FileContent, *, file: str, name: str = ""
) -> ImportOutcome:
    """Make a draft of a file; nothing is kept while a row is in error."""
    require(uow.actor, Permission.BLUEPRINT_WRITE)
    file = PurePath(file.replace("\\", "/")).name[:100] or "-"
    reading = TableReading()
    if content.spec is not None:
        spec = content.spec
    else:
        scopes = named_scopes(scope_lines(uow.session, uow.actor, standard_level_id))
        reading = read_two_way(content.sheets, scopes, file)
        if not reading.has_header:
            return ImportOutcome(None, (), [(NO_TABLE, {})])
        if not reading.is_usable:
            return ImportOutcome(None, reading.rows, [(N_("文件中有的行需要改正，没有建立蓝图"), {})])
        base = default_spec(uow.session, uow.actor, standard_level_id)
        spec = spec_of_table(reading, {key: base[key] for key in ("types", "weight_tolerance_percent", "max_overlap")})
    try:
        blueprint = blueprint_of(spec)
    except BlueprintError as exc:
        return ImportOutcome(None, reading.rows, [(exc.template, dict(exc.context))])
    broken = [(str(rule.text.template), dict(rule.text.values)) for rule in contradictions(blueprint)]
    row = create_blueprint(uow, standard_level_id=standard_level_id, name=name, spec=spec)
    return ImportOutcome(row, reading.rows, [*broken, *_unequal(reading)])


def _json(data: bytes) -> dict[str, Any]:
    try:
        spec = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as exc:
        raise InvalidInputError(N_("蓝图文件不是有效的 JSON：%(reason)s"), reason=str(exc)[:80]) from exc
    if not isinstance(spec, dict):
        raise InvalidInputError(NO_TABLE)
    return spec


def _unequal(reading: TableReading) -> list[Message]:
    """Return where the table's own totals differ from its rows."""
    found: list[Message] = []
    for kind, total in reading.totals.items():
        counted = sum(n for (_scope, name), n in reading.counts.items() if name == kind)
        if counted and counted != total:
            template = N_("题型 %(type)s：合计行写 %(total)s 题，各行相加为 %(n)s 题，按各行计")
            found.append((template, {"type": kind, "total": total, "n": counted}))
    return found


def template_file(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> bytes:
    """Return the Excel template of a level: its ranges with their percent, a column for each type of the default mix."""
    require(actor, Permission.BLUEPRINT_WRITE)
    return _workbook(session, actor, standard_level_id, default_spec(session, actor, standard_level_id), ())


def blueprint_file(
    session: Session, actor: Actor, row: ExamBlueprint, rules: Sequence[tuple[str, str]], headings: tuple[str, str]
) -> bytes:
    """Return a blueprint as Excel: its two-way table, which can be read back, and its rules in words."""
    require(actor, Permission.BLUEPRINT_READ)
    sheet = TableSheet(headings[0], headings, [[label, text] for label, text in rules])
    return _workbook(session, actor, row.standard_level_id, row.spec, [sheet])


def _workbook(
    session: Session, actor: Actor, standard_level_id: uuid.UUID, spec: Mapping[str, Any], more: Sequence[TableSheet]
) -> bytes:
    kinds = [rule["type"] for rule in spec["types"]]
    weights = {rule["scope"]: rule["percent"] for rule in spec.get("weights", ())}
    counts = _cell_counts(spec)
    used = {scope for scope, _kind in counts} | set(weights)
    rows: list[list[Any]] = []
    for line in scope_lines(session, actor, standard_level_id):
        if not used or line.code in used:
            numbers = [counts.get((line.code, kind)) for kind in kinds]
            total = sum(n for n in numbers if n is not None)
            rows.append([line.label, line.name, weights.get(line.code), *numbers, total or None])
    total_score = [rule.get("score_each") for rule in spec["types"]]
    rows.append([TOTAL, "", _sum(weights), *[_one(rule["count"]) for rule in spec["types"]], spec["n_items"]])
    rows.append([EACH, "", None, *total_score, None])
    labels = [registry.get(kind).label for kind in kinds]
    header = [CODE, NAME, WEIGHT, *labels, TOTAL]
    return write_table([TableSheet("双向细目表", header, rows), *more])


def _cell_counts(spec: Mapping[str, Any]) -> dict[tuple[str, str], int]:
    """Return the cells that say exactly how many items of one range and type there are."""
    found = {}
    for cell in spec.get("cells") or ():
        scope, kind, count = cell.get("scope"), cell.get("type"), cell["count"]
        plain = isinstance(scope, str) and isinstance(kind, str) and len(cell) == len(("scope", "type", "count"))
        if plain and _one(count) is not None:
            found[scope, kind] = int(_one(count) or 0)
    return found


def _one(count: Any) -> int | None:
    low, high = count if isinstance(count, list) else (count, count)
    return int(low) if low == high else None


def _sum(weights: Mapping[str, Any]) -> Decimal | None:
    """Return the sum of the percents of ranges that lie in no other weighted range."""
    tops = [code for code in weights if not any(code.startswith(f"{other}-") for other in weights)]
    return sum((Decimal(str(weights[code])) for code in tops), Decimal(0)) if tops else None

"""The outcome of an assembly as it is kept: forms with what assembly knew of each item, checks, or the conflict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.result import (
    ENGINE,
    AssemblyResult,
    Change,
    Check,
    Conflict,
    FormResult,
    Wanted,
    WritingTask,
)
from blueprints.assembly.text import Text
from blueprints.assembly.verify import marks
from blueprints.rules.codes import engine_code


@dataclass(frozen=True, slots=True)
class KnownItem:
    """What the bank says of an item beyond what assembly asks for; `point` is the outline's own code."""

    version: str
    code: str
    point: str


def outcome_to_json(result: AssemblyResult, blueprint: Blueprint, known: Mapping[str, KnownItem]) -> dict[str, Any]:
    """Return an outcome as JSON; texts keep their template and values, so that the edge can translate them.

    Parameters
    ----------
    result : AssemblyResult
        What the engine answered.
    blueprint : Blueprint
        Says what items are worth.
    known : mapping
        What the bank says of items, by item id.
    """
    pool = {item.id: item for item in result.pool}
    return {
        "status": result.status,
        "objective": result.objective,
        "gap": result.gap,
        "seconds": round(result.seconds, 3),
        "engine": ENGINE,
        "forms": [
            {
                "items": kept_items(form, pool, blueprint, known),
                "checks": [_check(check) for check in form.checks],
            }
            for form in result.forms
        ],
        "together": [_check(check) for check in result.together],
        "conflict": None if result.conflict is None else _conflict(result.conflict),
    }


def kept_items(
    form: FormResult, pool: Mapping[str, PoolItem], blueprint: Blueprint, known: Mapping[str, KnownItem]
) -> list[dict[str, Any]]:
    """Return the items of a form as they are kept."""
    anchor = blueprint.limits.anchor
    bare = frozenset(anchor.items) if anchor is not None and not anchor.scored else frozenset[str]()
    bare = bare.union(form.pretest)
    return [_item(pool[name], blueprint, known[name], is_trial=name in bare) for name in form.items]


def _item(item: PoolItem, blueprint: Blueprint, known: KnownItem, *, is_trial: bool) -> dict[str, Any]:
    """Return an item; one on trial, or an anchor that is not scored, carries no marks."""
    score = "0" if is_trial else str(marks(item, blueprint))
    return {
        "id": item.id, "version": known.version, "code": known.code, "type": item.type, "point": known.point,
        "importance": item.importance, "difficulty": item.difficulty, "score": score, "n_used": item.n_used,
    }  # fmt: skip


def pool_item(row: Mapping[str, Any]) -> PoolItem:
    """Return what assembly knows of an item of a kept outcome.

    Examples
    --------
    >>> pool_item({"id": "1", "type": "true_false", "point": "A-A-001", "score": "1"}).score
    Decimal('1')
    """
    return PoolItem(
        id=row["id"], type=row["type"], point=engine_code(row["point"]), importance=row.get("importance") or "",
        difficulty=row.get("difficulty"), score=Decimal(row["score"]), n_used=row.get("n_used") or 0,
    )  # fmt: skip


def _check(check: Check) -> dict[str, Any]:
    return {
        "rule": check.constraint, "wanted": _pair(check.wanted), "got": _plain(check.got), "met": check.met,
        "text": text_to_json(check.text),
    }  # fmt: skip


def _conflict(conflict: Conflict) -> dict[str, Any]:
    return {
        "constraints": [{"rule": part.rule, "text": text_to_json(part.text)} for part in conflict.constraints],
        "relaxation": [
            {"changes": [_change(change) for change in way.changes], "cost": round(way.cost, 6)}
            for way in conflict.relaxation
        ],
        "writing_order": [_task(task) for task in conflict.writing_order],
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "rule": change.rule, "from": _pair(change.before), "to": _pair(change.after),
        "text": text_to_json(change.text),
    }  # fmt: skip


def _task(task: WritingTask) -> dict[str, Any]:
    return {
        "point": task.point, "type": task.type, "difficulty": task.difficulty, "count": task.count,
        "importance": task.importance,
    }  # fmt: skip


def text_to_json(text: Text) -> dict[str, Any]:
    """Return a text as template and values.

    Examples
    --------
    >>> text_to_json(Text("缺 %(n)s 题", {"n": Decimal("3.0")}))
    {'template': '缺 %(n)s 题', 'values': {'n': '3.0'}}
    """
    values = {name: value if isinstance(value, int) else str(value) for name, value in text.values.items()}
    return {"template": text.template, "values": values}


def _pair(wanted: Wanted) -> list[str | None]:
    return [None if side is None else _plain(side) for side in wanted]


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text

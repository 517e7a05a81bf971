"""The pool: the items an assembly may draw from, read from JSON or CSV."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeVar

from kernel.errors import InvalidInputError
from kernel.i18n import N_

IMPORTANCE_LETTERS = ("X", "Y", "Z")
DIFFICULTY_LEVELS = (1, 2, 3, 4, 5)
REQUIRED_COLUMNS = ("id", "type", "point")
FLAGS = {"": False, "0": False, "false": False, "否": False, "1": True, "true": True, "是": True}
MOST_COUNT = 10**9

_T = TypeVar("_T")


class PoolError(InvalidInputError):
    """The pool cannot be read; the message names the row and the column."""

    code = "invalid_pool"


@dataclass(frozen=True, slots=True)
class PoolItem:
    """One item as assembly sees it.

    Attributes
    ----------
    id, type, point : str
        Identifier, registry name of the item type, full code of the assessment point such as ``B-A-C-003``.
    importance : str
        ``X``, ``Y``, ``Z``, or empty when the point carries none.
    difficulty : int or None
        1 (easiest) to 5; an item without one is not drawn where the blueprint rules difficulty.
    score : Decimal or None
        Own marks, used where the blueprint gives the type no ``score_each``.
    p_value, a, b, c : float or None
        Proportion correct in [0, 1]; logistic item parameters with D = 1.
    n_used, last_used : int, date or None
        Uses so far and the day of the last one.
    enemies : tuple of str
        Ids that must not stand in the same form; one side naming the other is enough.
    item_set : str or None
        Name of the shared stimulus; its items are taken together or not at all.
    cognitive : str
        Cognitive level in the words of the bank; empty when nobody judged it.
    seconds, characters : float, int or None
        Usual answering time; characters to read.
    key : str
        The choice that is right (``A``, ``T`` …); empty where there is no single one.
    pretest : bool
        The item is on trial: it is drawn for the trial block alone.
    earlier_forms : tuple of int
        Numbers of earlier forms in which it stood, 1 the latest.
    """

    id: str
    type: str
    point: str
    importance: str = ""
    difficulty: int | None = None
    score: Decimal | None = None
    p_value: float | None = None
    a: float | None = None
    b: float | None = None
    c: float | None = None
    n_used: int = 0
    last_used: date | None = None
    enemies: tuple[str, ...] = ()
    item_set: str | None = None
    cognitive: str = ""
    seconds: float | None = None
    characters: int | None = None
    key: str = ""
    pretest: bool = False
    earlier_forms: tuple[int, ...] = ()


def in_scope(point: str, scope: str) -> bool:
    """Say whether a point's code lies in a scope, by whole parts of the code.

    Examples
    --------
    >>> in_scope("B-A-C-003", "B-A"), in_scope("B-AB-001", "B-A")
    (True, False)
    """
    return point == scope or point.startswith(scope + "-")


def read_pool(source: Path | str | bytes) -> tuple[PoolItem, ...]:
    """Return the items of a JSON or CSV pool.

    Parameters
    ----------
    source : path or bytes
        A file, or its content; the format is told by the content.

    Returns
    -------
    tuple of PoolItem
        In the order of the file.

    Raises
    ------
    PoolError
        If the file is no pool, an id repeats, or a value is malformed; names the row and the column.
    """
    text = _decode(source if isinstance(source, bytes) else Path(source).read_bytes())
    rows = _json_rows(text) if text.lstrip()[:1] in ("{", "[") else _csv_rows(text)
    items = tuple(_item(number, row) for number, row in rows)
    _refuse_repeated_ids(items)
    return items


def pool_digest(pool: Iterable[PoolItem]) -> str:
    """Return the SHA-256 of the pool's content as hexadecimal; the order of the items does not matter."""
    digest = hashlib.sha256()
    for item in sorted(pool, key=lambda entry: entry.id):
        digest.update(json.dumps(item_to_json(item), ensure_ascii=False, sort_keys=True).encode())
    return digest.hexdigest()


def item_to_json(item: PoolItem) -> dict[str, Any]:
    """Return the item as the pool file writes it, without the keys that are empty."""
    values = {
        "id": item.id, "type": item.type, "point": item.point, "importance": item.importance,
        "difficulty": item.difficulty, "score": None if item.score is None else str(item.score.normalize()),
        "p_value": item.p_value, "a": item.a, "b": item.b, "c": item.c, "n_used": item.n_used or None,
        "last_used": item.last_used.isoformat() if item.last_used else None,
        "enemies": sorted(item.enemies), "set": item.item_set, "cognitive": item.cognitive, "seconds": item.seconds,
        "characters": item.characters, "key": item.key, "pretest": item.pretest or None,
        "earlier_forms": sorted(item.earlier_forms),
    }  # fmt: skip
    return {key: value for key, value in values.items() if value is not None and value not in ("", [])}


def _decode(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise PoolError(N_("题库文件不是 UTF-8 或 GB18030 编码的文本"))


def _json_rows(text: str) -> list[tuple[int, Mapping[str, Any]]]:
    try:
        data = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as exc:
        raise PoolError(N_("题库文件不是有效的 JSON：%(reason)s"), reason=str(exc)) from exc
    items = data.get("items") if isinstance(data, dict) else data
    if not isinstance(items, list):
        raise PoolError(N_('题库文件应为 {"items": […]}，没有找到 items 列表'))
    for number, row in enumerate(items, 1):
        if not isinstance(row, dict):
            raise PoolError(N_("第 %(row)s 题不是一个对象"), row=number)
    return list(enumerate(items, 1))


def _csv_rows(text: str) -> list[tuple[int, Mapping[str, Any]]]:
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""))
        names = [str(name).strip() for name in reader.fieldnames or ()]
        reader.fieldnames = names
        missing = [name for name in REQUIRED_COLUMNS if name not in names]
        if missing:
            raise PoolError(N_("题库文件缺少列：%(columns)s"), columns="、".join(missing))
        return [(reader.line_num, row) for row in reader]
    except csv.Error as exc:
        raise PoolError(N_("题库文件不是有效的 CSV：%(reason)s"), reason=str(exc)) from exc


def _item(number: int, row: Mapping[str, Any]) -> PoolItem:
    cell = _Cells(number, row)
    return PoolItem(
        id=cell.required("id"),
        type=cell.required("type"),
        point=cell.required("point"),
        importance=cell.get("importance", _importance) or "",
        difficulty=cell.get("difficulty", _difficulty),
        score=cell.get("score", _score),
        p_value=cell.get("p_value", _share),
        a=cell.get("a", _finite),
        b=cell.get("b", _finite),
        c=cell.get("c", _share),
        n_used=cell.get("n_used", _count) or 0,
        last_used=cell.get("last_used", lambda value: date.fromisoformat(value[:10])),
        enemies=cell.names("enemies"),
        item_set=cell.get("set", str),
        cognitive=cell.text("cognitive"),
        seconds=cell.get("seconds", _seconds),
        characters=cell.get("characters", _count),
        key=cell.text("key"),
        pretest=cell.flag("pretest"),
        earlier_forms=tuple(sorted({_form_number(cell, text) for text in cell.names("earlier_forms")})),
    )


def _form_number(cell: _Cells, text: str) -> int:
    try:
        number = _count(text)
    except (ValueError, InvalidOperation) as exc:
        raise cell.error("earlier_forms", text) from exc
    if number < 1:
        raise cell.error("earlier_forms", text)
    return number


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cells of one row, with errors that say where."""

    number: int
    row: Mapping[str, Any]

    def text(self, column: str) -> str:
        value = self.row.get(column)
        if value is None:
            return ""
        if isinstance(value, list | dict | bool):
            raise self.error(column, value)
        return str(value).strip()

    def required(self, column: str) -> str:
        text = self.text(column)
        if not text:
            raise PoolError(N_("题库第 %(row)s 行：列 %(column)s 不能为空"), row=self.number, column=column)
        return text

    def get(self, column: str, parse: Callable[[str], _T]) -> _T | None:
        text = self.text(column)
        if not text:
            return None
        try:
            return parse(text)
        except (ValueError, InvalidOperation) as exc:
            raise self.error(column, text) from exc

    def names(self, column: str) -> tuple[str, ...]:
        value = self.row.get(column)
        parts = value if isinstance(value, list) else self.text(column).split(";")
        return tuple(dict.fromkeys(name for name in (str(part).strip() for part in parts) if name))

    def flag(self, column: str) -> bool:
        value = self.row.get(column)
        text = str(value).strip().lower() if value is not None else ""
        if text not in FLAGS:
            raise self.error(column, value)
        return FLAGS[text]

    def error(self, column: str, value: object) -> PoolError:
        return PoolError(
            N_("题库第 %(row)s 行：列 %(column)s 的值“%(value)s”无效"),
            row=self.number, column=column, value=str(value)[:40],
        )  # fmt: skip


def _importance(text: str) -> str:
    if text.upper() not in IMPORTANCE_LETTERS:
        raise ValueError(text)
    return text.upper()


def _difficulty(text: str) -> int:
    value = _count(text)
    if value not in DIFFICULTY_LEVELS:
        raise ValueError(text)
    return value


def _count(text: str) -> int:
    value = Decimal(text)
    if not value.is_finite() or not 0 <= value <= MOST_COUNT or value != value.to_integral_value():
        raise ValueError(text)
    return int(value)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= MOST_COUNT:
        raise ValueError(text)
    return value


def _score(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite() or value < 0:
        raise ValueError(text)
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(text)
    return value


def _refuse_repeated_ids(items: Sequence[PoolItem]) -> None:
    seen: dict[str, int] = {}
    for position, item in enumerate(items, 1):
        if item.id in seen:
            raise PoolError(
                N_("题库中编号 %(id)s 重复：第 %(first)s 题和第 %(second)s 题"),
                id=item.id, first=seen[item.id], second=position,
            )  # fmt: skip
        seen[item.id] = position

"""Read response sheets and keys: CSV in any encoding, one candidate a row, one item a column."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from kernel.errors import InvalidInputError
from kernel.i18n import N_
from qbank.interchange.detect import decode_text
from qbank.interchange.guard import UnreadableFileError

NOT_REACHED = "NR"
NOT_PRESENTED = "NP"
"""The item did not stand in the candidate's own form: neither omitted nor unreached, it counts for nobody."""
WITHOUT_ANSWER = frozenset({NOT_REACHED, NOT_PRESENTED})
MAX_BYTES = 500_000_000
SMALL_BYTES = 10_000_000
"""Sheets up to this size may come in any encoding; larger ones must be UTF-8 or GB 18030."""
KEY_HEADS = frozenset({"key", "answer", "答案", "标准答案", "正确答案"})


class SheetError(InvalidInputError):
    """A sheet or key that cannot be understood; the message names file, row and column."""

    code = "bad_sheet"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A response sheet by columns: `cells[j][i]` is what candidate i wrote on item j."""

    name: str
    candidates: tuple[str, ...]
    items: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class KeyRow:
    """What the key file says of one item: `text` is empty where the cells are scores; `score` None where not given."""

    text: str
    score: Decimal | None


def read_sheet(path: Path) -> Sheet:
    """Return the response sheet; raises SheetError for whatever has no rows, heads or shape."""
    rows = _rows(path)
    head = [cell.strip() for cell in next(rows, (0, []))[1]]
    _check_head(path.name, head)
    body = [(line, row) for line, row in rows if any(cell.strip() for cell in row)]
    if not body:
        raise SheetError(N_("%(file)s：除表头外没有考生的作答"), file=path.name)
    _check_rows(path.name, body, len(head))
    columns = list(zip(*(row for _line, row in body), strict=True))
    candidates = tuple(cell.strip() for cell in columns[0])
    _check_candidates(path.name, candidates, [line for line, _row in body])
    return Sheet(path.name, candidates, tuple(head[1:]), tuple(columns[1:]))


def read_key(path: Path, sheet: Sheet) -> tuple[dict[str, KeyRow], tuple[str, ...]]:
    """Return the key of every item of the sheet, and the items that only the key has."""
    found: dict[str, KeyRow] = {}
    for line, row in _rows(path):
        cells = [cell.strip() for cell in row] + ["", "", ""]
        if not any(cells) or (not found and cells[1].casefold() in KEY_HEADS and cells[0] not in sheet.items):
            continue
        if not cells[0] or cells[0] in found:
            message = N_("%(file)s 第 %(line)s 行：题号“%(item)s”为空或重复")
            raise SheetError(message, file=path.name, line=line, item=cells[0])
        found[cells[0]] = KeyRow(cells[1], _score(path.name, line, cells[2]))
    missing = [item for item in sheet.items if item not in found]
    if missing:
        message = N_("%(file)s：缺少“%(items)s”列的答案；作答文件的每个题目列都要在答案文件中有一行")
        raise SheetError(message, file=path.name, items="”“".join(missing[:5]))
    return {item: found[item] for item in sheet.items}, tuple(item for item in found if item not in set(sheet.items))


def read_groups(path: Path, sheet: Sheet) -> tuple[dict[str, list[str]], int]:
    """Return the group of every candidate of the sheet in each column of a groups file, and how many candidates have none."""
    rows = _rows(path)
    head = [cell.strip() for cell in next(rows, (0, []))[1]]
    _check_head(path.name, head)
    body = [(line, row) for line, row in rows if any(cell.strip() for cell in row)]
    _check_rows(path.name, body, len(head))
    _check_candidates(path.name, [row[0].strip() for _line, row in body], [line for line, _row in body])
    by_candidate = {row[0].strip(): row for _line, row in body}
    known = [by_candidate.get(candidate) for candidate in sheet.candidates]
    groups = {name: [row[place].strip() if row else "" for row in known] for place, name in enumerate(head[1:], 1)}
    return groups, sum(row is None for row in known)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows with their line numbers."""
    text = _text(path)
    head = text.split("\n", 1)[0]
    delimiter = "\t" if "\t" in head and "," not in head else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        message = N_("%(file)s 第 %(line)s 行附近：不是正确的 CSV（%(reason)s），请检查引号与分隔符")
        raise SheetError(message, file=path.name, line=reader.line_num, reason=str(error)) from error


def _text(path: Path) -> str:
    if path.stat().st_size > MAX_BYTES:
        raise SheetError(N_("%(file)s：文件超过 500 MB，请分批分析"), file=path.name)
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030") if len(data) > SMALL_BYTES else ("utf-8-sig",):
        try:
            return _checked(path.name, data.decode(encoding))
        except UnicodeDecodeError:
            continue
    if len(data) > SMALL_BYTES:
        raise SheetError(N_("%(file)s：无法识别文字编码，请另存为 UTF-8 的 CSV"), file=path.name)
    try:
        return _checked(path.name, decode_text(data).text)
    except UnreadableFileError as error:
        raise SheetError(N_("%(file)s：%(reason)s"), file=path.name, reason=error.message) from error


def _checked(name: str, text: str) -> str:
    if "\x00" in text:
        raise SheetError(N_("%(file)s：这不是文本文件，请另存为 CSV 再试"), file=name)
    return text


def _check_head(name: str, head: Sequence[str]) -> None:
    if len(head) < 2:
        raise SheetError(N_("%(file)s 第 1 行：表头至少要有考生列和一个题目列"), file=name)
    seen: set[str] = set()
    for place, item in enumerate(head[1:], 2):
        if not item or item in seen:
            message = N_("%(file)s 第 1 行第 %(column)s 列：题号“%(item)s”为空或与前面的列重复")
            raise SheetError(message, file=name, column=place, item=item)
        seen.add(item)


def _check_rows(name: str, body: Iterable[tuple[int, list[str]]], width: int) -> None:
    for line, row in body:
        if len(row) != width:
            message = N_("%(file)s 第 %(line)s 行：有 %(found)s 格，表头有 %(width)s 格")
            raise SheetError(message, file=name, line=line, found=len(row), width=width)


def _check_candidates(name: str, candidates: Sequence[str], lines: Sequence[int]) -> None:
    first: dict[str, int] = {}
    for candidate, line in zip(candidates, lines, strict=True):
        if not candidate or candidate in first:
            message = N_("%(file)s 第 %(line)s 行第 1 列：考生“%(candidate)s”为空或与第 %(other)s 行重复")
            raise SheetError(message, file=name, line=line, candidate=candidate, other=first.get(candidate, "-"))
        first[candidate] = line


def _score(name: str, line: int, text: str) -> Decimal | None:
    if not text:
        return None
    value = as_number(text)
    if value is None or value <= 0:
        message = N_("%(file)s 第 %(line)s 行第 3 列：分值“%(text)s”应为大于 0 的数")
        raise SheetError(message, file=name, line=line, text=text)
    return value


def as_number(text: str) -> Decimal | None:
    """Return the finite number that a cell holds, or None.

    Examples
    --------
    >>> as_number(" 2.50 "), as_number("１"), as_number("B"), as_number("nan")
    (Decimal('2.50'), Decimal('1'), None, None)
    """
    try:
        value = Decimal(unicodedata.normalize("NFKC", text).strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value.adjusted()) < 12 else None

"""Turn a response sheet and its key into marks and, where options were chosen, into answers."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from kernel.i18n import N_
from psychometrics.arrays import BoolArray, FloatArray, IntArray
from web.analysis.sheet import NOT_PRESENTED, WITHOUT_ANSWER, KeyRow, Sheet, SheetError, as_number

SEPARATORS = re.compile(r"[;；、,，]")
LETTERS_TOGETHER = re.compile(r"[A-Ja-j]{2,10}")
MAX_OPTIONS = 12
"""A free-text item has as many answers as candidates: the commonest are shown."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What was chosen on one item: `given[i]` names a row of `membership`, -1 where not reached."""

    options: tuple[str, ...]
    is_key: BoolArray
    given: IntArray
    membership: BoolArray
    truncated: bool

    def part(self, rows: IntArray) -> Answers:
        """Return what some candidates chose, with the options of all."""
        return replace(self, given=self.given[rows])


@dataclass(frozen=True, slots=True)
class Marked:
    """Marks of a sheet: NaN where not reached or not given; `answers` None where the cells are scores.

    `is_omitted` says who left an item out; only with it can a part of the candidates be looked at. `presented` says which
    items stood in each candidate's own form; None where one form was everybody's.
    """

    candidates: tuple[str, ...]
    items: tuple[str, ...]
    scores: FloatArray
    max_scores: FloatArray
    n_omitted: IntArray
    answers: tuple[Answers | None, ...]
    maximum_is_observed: tuple[bool, ...]
    is_omitted: BoolArray | None = None
    presented: BoolArray | None = None

    def part(self, rows: IntArray) -> Marked:
        """Return the marks of some candidates; maxima and options stay those of all, so that parts can be compared."""
        if self.is_omitted is None:
            raise ValueError("who omitted what is not known")
        return replace(
            self,
            candidates=tuple(self.candidates[row] for row in rows.tolist()),
            scores=self.scores[rows],
            n_omitted=self.is_omitted[rows].sum(axis=0),
            answers=tuple(one.part(rows) if one else None for one in self.answers),
            is_omitted=self.is_omitted[rows],
            presented=None if self.presented is None else self.presented[rows],
        )

    def n_given(self, place: int) -> int:
        """Return how many candidates had an item in their form."""
        return len(self.candidates) if self.presented is None else int(self.presented[:, place].sum())


@dataclass(frozen=True, slots=True)
class _Column:
    scores: FloatArray
    maximum: float
    is_omitted: BoolArray
    answers: Answers | None = None
    maximum_is_observed: bool = False
    is_presented: BoolArray | None = None


def mark_sheet(sheet: Sheet, key: Mapping[str, KeyRow] | None) -> Marked:
    """Return the marks of a sheet; without a key, and where the key of an item is empty, the cells are scores."""
    columns = [_mark_column(sheet, place, key[item] if key else None) for place, item in enumerate(sheet.items)]
    is_omitted = np.column_stack([column.is_omitted for column in columns])
    return Marked(
        candidates=sheet.candidates,
        items=sheet.items,
        scores=np.column_stack([column.scores for column in columns]),
        max_scores=np.array([column.maximum for column in columns]),
        n_omitted=is_omitted.sum(axis=0),
        answers=tuple(column.answers for column in columns),
        maximum_is_observed=tuple(column.maximum_is_observed for column in columns),
        is_omitted=is_omitted,
        presented=_presented(columns),
    )


def _presented(columns: Sequence[_Column]) -> BoolArray | None:
    """Return what stood in each candidate's form; None where no cell says that something did not."""
    if all(column.is_presented is None for column in columns):
        return None
    everybody = np.ones(len(columns[0].scores), dtype=bool)
    return np.column_stack([everybody if one.is_presented is None else one.is_presented for one in columns])


def _mark_column(sheet: Sheet, place: int, row: KeyRow | None) -> _Column:
    cells = sheet.cells[place]
    places = {text: number for number, text in enumerate(dict.fromkeys(cells))}
    given = np.fromiter(map(places.__getitem__, cells), np.int64, len(cells))
    distinct = [text.strip() for text in places]
    is_absent = np.array([text == NOT_PRESENTED for text in distinct])
    is_presented = ~is_absent[given] if is_absent.any() else None
    if row and row.text:
        return replace(_answer_column(distinct, given, row), is_presented=is_presented)
    column = _score_column(distinct, given, float(row.score) if row and row.score else None)
    if np.isinf(column.scores).any():
        _refuse_score(sheet, place, int(np.argmax(np.isinf(column.scores))))
    return replace(column, is_presented=is_presented)


def _score_column(distinct: Sequence[str], given: IntArray, maximum: float | None) -> _Column:
    """Return a column of scores; what is no score between 0 and the maximum is infinite."""
    marks = np.array([_mark(text) for text in distinct])
    limit = np.inf if maximum is None else maximum
    marks[(marks < 0) | (marks > limit)] = np.inf
    highest = maximum or max(float(np.nanmax(marks, initial=0.0)), 1.0)
    return _Column(marks[given], highest, _is_omitted(distinct, given), None, maximum is None and highest != 1)


def _refuse_score(sheet: Sheet, place: int, row: int) -> None:
    message = N_("%(file)s：考生“%(candidate)s”的“%(item)s”列是“%(cell)s”，应为 0 到该题满分之间的分数、空白或 NR")
    candidate, item, cell = sheet.candidates[row], sheet.items[place], sheet.cells[place][row]
    raise SheetError(message, file=sheet.name, candidate=candidate, item=item, cell=cell)


def _is_omitted(distinct: Sequence[str], given: IntArray) -> BoolArray:
    return np.array([not text for text in distinct], dtype=bool)[given]


def _mark(text: str) -> float:
    """Return the score in a cell: 0 when omitted, NaN when not reached or not given, infinite when it is none."""
    if not text or text in WITHOUT_ANSWER:
        return np.nan if text else 0.0
    value = as_number(text)
    return np.inf if value is None else float(value)


def _answer_column(distinct: Sequence[str], given: IntArray, row: KeyRow) -> _Column:
    right = [answer_options(alternative) for alternative in row.text.split("|")]
    letters = {option for one in right for option in one}
    chosen = [answer_options(text, letters) if text not in WITHOUT_ANSWER else frozenset[str]() for text in distinct]
    maximum = float(row.score or 1)
    unreached = np.array([text in WITHOUT_ANSWER for text in distinct])
    marks = np.array([maximum * any(_same(one, good) for good in right) for one in chosen])
    marks[unreached] = np.nan
    answers = _answers(chosen, letters, np.where(unreached[given], -1, given))
    return _Column(marks[given], maximum, _is_omitted(distinct, given), answers)


def answer_options(text: str, letters: Iterable[str] = ()) -> frozenset[str]:
    """Return the options that a cell names; letters written together are options where the key's options are letters.

    Examples
    --------
    >>> sorted(answer_options("C；a")), sorted(answer_options("ac", {"A", "C"})), sorted(answer_options("Fe 3"))
    (['A', 'C'], ['A', 'C'], ['Fe 3'])
    """
    parts = [_tidy(part) for part in SEPARATORS.split(unicodedata.normalize("NFKC", text)) if part.strip()]
    known = set(letters)
    together = known and all(len(one) == 1 and one.isalpha() for one in known)
    if together and len(parts) == 1 and LETTERS_TOGETHER.fullmatch(parts[0]):
        parts = list(parts[0].upper())
    return frozenset(parts)


def _tidy(text: str) -> str:
    text = " ".join(text.split())
    return text.upper() if len(text) == 1 else text


def _same(given: frozenset[str], good: frozenset[str]) -> bool:
    return bool(given) and {_compared(one) for one in given} == {_compared(one) for one in good}


def _compared(option: str) -> str | Decimal:
    """Return what decides whether two answers agree: the number, or the text whatever its case."""
    number = as_number(option)
    return option.casefold() if number is None else number


def _answers(chosen: Sequence[frozenset[str]], letters: set[str], given: IntArray) -> Answers:
    sizes = np.bincount(given[given >= 0], minlength=len(chosen))
    counts: Counter[str] = Counter()
    for one, size in zip(chosen, sizes.tolist(), strict=True):
        counts.update(dict.fromkeys(one, size))
    ranked = sorted(counts.keys() | letters, key=lambda option: (option not in letters, -counts[option], option))
    shown = sorted(ranked[: max(MAX_OPTIONS, len(letters))])
    membership = np.array([[option in one for option in shown] for one in chosen], dtype=bool)
    is_key = np.array([option in letters for option in shown])
    return Answers(tuple(shown), is_key, given, membership.reshape(len(chosen), -1), len(shown) < len(ranked))

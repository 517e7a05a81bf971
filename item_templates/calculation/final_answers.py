"""The final answers of a worked solution: which numbers of a text are results, and which answers of the key they give."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal

from item_templates.contract import Json
from item_templates.numbers import numbers_in
from item_templates.quantities import quantity_parts

_ANSWER_MARK = re.compile(r"答案?\s*[:：是为]|答\s*$", re.MULTILINE)
_ENUMERATOR = re.compile(r"[①-⑳]|[(（]\s*\d{1,2}\s*[)）]|^\s*\d{1,2}\s*[、．](?!\d)", re.MULTILINE)
_UNIT = re.compile(r"[A-Za-zµμΩ°℃%‰]+\d?")
_OPERATION = re.compile(r"\s*(?:[=+*×÷^≈-]|/\s*[\d(]|·\s*\d)")
_OTHER_SCALE = frozenset("毫微纳千兆厘万亿")
Result = tuple[Decimal, str]


def results_of(text: str) -> list[Result]:
    """Return the numbers of a solution that stand as results, each with what follows it.

    A number with which the text goes on to calculate is no result; numbers of parts, such as （1）, are none either. When the
    text says 答：, only what follows the last one counts.

    Examples
    --------
    >>> [str(value) for value, _ in results_of("I=U/R=220/10=22 A，P=220×22=4840 W")]
    ['22', '4840']
    >>> [str(value) for value, _ in results_of("I=220/10=22 A。答：（1）电流为 22 A。")]
    ['22']
    """
    told = text[_last_mark(text) :]
    return [(value, rest) for value, rest in numbers_in(_ENUMERATOR.sub(" ", told)) if not _goes_on(rest)]


def found_answers(text: str, answers: Sequence[Json]) -> list[bool]:
    """Say for each answer of a key whether it stands among the last results of a text, as many as there are answers.

    Examples
    --------
    >>> found_answers("答：电流 22 A，功率 4800 W", [{"value": 22, "unit": "A"}, {"value": 4840, "unit": "W"}])
    [True, False]
    """
    left = results_of(text)[-len(answers) :] if answers else []
    found = []
    for answer in answers:
        match = next((one for one in left if _is_answer(one, answer)), None)
        found.append(match is not None)
        if match is not None:
            left.remove(match)
    return found


def _last_mark(text: str) -> int:
    marks = [match.end() for match in _ANSWER_MARK.finditer(text)]
    return marks[-1] if marks and numbers_in(text[marks[-1] :]) else 0


def _goes_on(rest: str) -> bool:
    unit = _UNIT.match(rest)
    return bool(_OPERATION.match(rest[unit.end() :] if unit else rest))


def _is_answer(result: Result, answer: Json) -> bool:
    parts = quantity_parts(answer)
    if parts is None or parts[0] is None or parts[1] is None:
        return False
    value, rest = result
    return abs(value - parts[0]) <= parts[1] and _fits_unit(rest, unicodedata.normalize("NFKC", parts[2]).strip())


def _fits_unit(rest: str, unit: str) -> bool:
    """Say whether what follows a number is its unit, or no unit at all; nothing is converted."""
    if unit and rest.startswith(unit):
        return not rest[len(unit) :][:1].isascii() or not rest[len(unit) :][:1].isalpha()
    return not _UNIT.match(rest) and rest[:1] not in _OTHER_SCALE

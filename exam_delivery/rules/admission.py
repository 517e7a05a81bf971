"""Admission numbers by a pattern such as ``{yymmdd}{plan2}{seq4}``."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from kernel.errors import InvalidInputError
from kernel.i18n import N_

TOKEN = re.compile(r"\{([a-z]+)(\d?)\}")
DATE_FORMS = {"yyyymmdd": "%Y%m%d", "yymmdd": "%y%m%d", "yymm": "%y%m", "yy": "%y", "yyyy": "%Y"}
COUNTED = frozenset({"plan", "seq"})
PLAIN = frozenset({*DATE_FORMS, "occupation", "level"})
LITERAL = re.compile(r"[0-9A-Za-z-]*")
MAX_LENGTH = 40


@dataclass(frozen=True, slots=True)
class NumberContext:
    """What a pattern's tokens stand for."""

    day: dt.date
    plan: int
    occupation_code: str
    level_code: str


def check_pattern(pattern: str) -> str:
    """Return a pattern that can number candidates.

    Raises
    ------
    InvalidInputError
        If a token is unknown, the running number is missing, or a character may not stand in a number.
    """
    if not LITERAL.fullmatch(TOKEN.sub("", pattern)):
        raise InvalidInputError(
            N_("准考证号编排规则“%(pattern)s”中只能有字母、数字、短横线和花括号项"), pattern=pattern
        )
    for name, digits in TOKEN.findall(pattern):
        if name in COUNTED and digits in "12345678" and digits:
            continue
        if name not in PLAIN or digits:
            raise InvalidInputError(N_("准考证号编排规则中没有 {%(token)s} 这一项"), token=f"{name}{digits}")
    if len(re.findall(r"\{seq\d\}", pattern)) != 1:
        raise InvalidInputError(N_("准考证号编排规则应当恰有一个流水号，如 {seq4}"))
    return pattern


def has_plan(pattern: str) -> bool:
    """Say whether the pattern tells plans of one day apart."""
    return bool(re.search(r"\{plan\d\}", pattern))


def prefix_of(pattern: str, context: NumberContext) -> str:
    """Return what stands before the running number; two sessions that share it would collide."""
    return _filled(pattern.partition("{seq")[0], context, 0)


def format_number(pattern: str, context: NumberContext, sequence: int) -> str:
    """Return one admission number.

    Examples
    --------
    >>> format_number("{yymmdd}{plan2}{seq4}", NumberContext(dt.date(2026, 11, 28), 1, "4-04-05-05", "3"), 7)
    '261128010007'
    """
    number = _filled(pattern, context, sequence)
    if len(number) > MAX_LENGTH:
        raise InvalidInputError(N_("按规则编出的准考证号超过 %(limit)s 位，请缩短编排规则"), limit=MAX_LENGTH)
    return number


def _filled(pattern: str, context: NumberContext, sequence: int) -> str:
    def value(match: re.Match[str]) -> str:
        name, digits = match.groups()
        if name in DATE_FORMS:
            return context.day.strftime(DATE_FORMS[name])
        if name == "occupation":
            return context.occupation_code.replace("-", "")
        if name == "level":
            return context.level_code
        return _counted(context.plan if name == "plan" else sequence, int(digits))

    return TOKEN.sub(value, pattern)


def _counted(number: int, n_digits: int) -> str:
    text = str(number).zfill(n_digits)
    if len(text) > n_digits:
        raise InvalidInputError(
            N_("准考证号的 %(digits)s 位流水号或场次号不够用（已到 %(number)s），请在规则方案中增加位数"),
            digits=n_digits,
            number=number,
        )
    return text

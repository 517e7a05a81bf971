"""Read the keys of a blueprint's JSON: every value checked, every refusal says where it stands and what would be right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any, TypeVar

from blueprints.assembly.pool import DIFFICULTY_LEVELS, IMPORTANCE_LETTERS
from kernel.errors import InvalidInputError
from kernel.i18n import N_

_T = TypeVar("_T")
SHOWN = 40
MOST_COUNT = 10**9
"""More than any count, mark or number of uses can be; larger numbers are mistakes."""


class BlueprintError(InvalidInputError):
    """The blueprint is malformed; the message names the key and what would be right."""

    code = "invalid_blueprint"


class Keys:
    """The keys of one JSON object and its path; remembers which were read, so that `close` refuses the rest."""

    def __init__(self, data: Any, path: str) -> None:
        if not isinstance(data, Mapping):
            raise BlueprintError(N_("蓝图：%(key)s 应为对象"), key=path or "{}")
        self._data = data
        self._path = path
        self._read: set[str] = set()
        self._inner: dict[str, Keys] = {}

    def names(self) -> list[str]:
        """Return the names of all keys."""
        return list(self._data)

    def has(self, key: str) -> bool:
        """Say whether a key has a value."""
        return self._data.get(key) is not None

    def need(self, key: str, parse: Callable[[Any], _T]) -> _T:
        """Return a value that must be there."""
        value = self.get(key, parse)
        if value is None:
            raise BlueprintError(N_("蓝图：缺少 %(key)s"), key=self._path + key)
        return value

    def get(self, key: str, parse: Callable[[Any], _T]) -> _T | None:
        """Return a value, None where there is none; refuse one that `parse` refuses."""
        self._read.add(key)
        value = self._data.get(key)
        if value is None:
            return None
        try:
            return parse(value)
        except (ValueError, TypeError, InvalidOperation) as exc:
            message = EXPECTED.get(parse, N_("蓝图：%(key)s 的值“%(value)s”无效"))
            raise BlueprintError(message, key=self._path + key, value=str(value)[:SHOWN]) from exc

    def inner(self, key: str) -> Keys:
        """Return the keys of an object inside, always the same ones; without an object, of an empty one."""
        self._read.add(key)
        if key not in self._inner:
            value = self._data.get(key)
            self._inner[key] = Keys({} if value is None else value, f"{self._path}{key}.")
        return self._inner[key]

    def rows(self, key: str) -> list[Keys]:
        """Return the keys of each object in a list."""
        values = self.get(key, as_list) or []
        return [Keys(value, f"{self._path}{key}[{index}].") for index, value in enumerate(values)]

    def close(self) -> None:
        """Refuse every key that nobody read, here and in the objects inside."""
        for key in self._data:
            if key not in self._read:
                raise self.unknown(key)
        for keys in self._inner.values():
            keys.close()

    def unknown(self, key: str, known: Iterable[str] = ()) -> BlueprintError:
        """Return the refusal of a key, with the known key that looks most like it."""
        near = get_close_matches(str(key), [*known, *self._read], n=1)
        if near:
            message = N_("蓝图：不认识的键 %(key)s，是不是 %(near)s？")
            return BlueprintError(message, key=self._path + str(key), near=near[0])
        return BlueprintError(N_("蓝图：不认识的键 %(key)s"), key=self._path + str(key))

    def refuse(self, key: str, message: str, **values: Any) -> BlueprintError:
        """Return a refusal of a key's value in words of its own."""
        return BlueprintError(message, key=self._path + key, **values)


def refuse_repeats(key: str, names: Iterable[str]) -> None:
    """Refuse a list in which a name stands twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise BlueprintError(N_("蓝图：%(key)s 中 %(name)s 重复"), key=key, name=name)
        seen.add(name)


def as_list(value: Any) -> list[Any]:
    """Return a list."""
    if not isinstance(value, list | tuple):
        raise TypeError(value)
    return list(value)


def as_name(value: Any) -> str:
    """Return a text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise TypeError(value)
    return value.strip()


def as_names(value: Any) -> list[str]:
    """Return a list of texts."""
    return [as_name(part) for part in as_list(value)]


def one_or_more(value: Any) -> tuple[str, ...]:
    """Return names where one may stand alone."""
    return (as_name(value),) if isinstance(value, str) else tuple(as_names(value))


def as_flag(value: Any) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def as_number(value: Any) -> Decimal:
    """Return a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise TypeError(value)
    number = Decimal(str(value))
    if not number.is_finite() or abs(number) > MOST_COUNT:
        raise ValueError(value)
    return number


def as_decimal(value: Any) -> Decimal:
    """Return a number that is not negative."""
    number = as_number(value)
    if number < 0:
        raise ValueError(value)
    return number


def _at_most(value: Any, limit: int) -> Decimal:
    number = as_decimal(value)
    if number > limit:
        raise ValueError(value)
    return number


def as_percent(value: Any) -> Decimal:
    """Return a number from 0 to 100."""
    return _at_most(value, 100)


def as_share(value: Any) -> Decimal:
    """Return a number from 0 to 1."""
    return _at_most(value, 1)


def as_whole(value: Any) -> int:
    """Return a whole number from 0."""
    number = as_decimal(value)
    if number != number.to_integral_value():
        raise ValueError(value)
    return int(number)


def as_positive(value: Any) -> int:
    """Return a whole number from 1."""
    number = as_whole(value)
    if number < 1:
        raise ValueError(value)
    return number


def as_range(value: Any) -> tuple[int, int]:
    """Return the bounds of a count: two whole numbers, or one that is both."""
    low, high = (value, value) if not isinstance(value, list | tuple) else value
    bounds = as_whole(low), as_whole(high)
    if bounds[0] > bounds[1]:
        raise ValueError(value)
    return bounds


def as_band(value: Any) -> tuple[Decimal, Decimal]:
    """Return two numbers, the lesser first."""
    low, high = as_list(value)
    bounds = as_decimal(low), as_decimal(high)
    if bounds[0] > bounds[1]:
        raise ValueError(value)
    return bounds


def as_letters(value: Any) -> tuple[str, ...]:
    """Return one or more letters of importance."""
    letters = one_or_more(value)
    if any(letter not in IMPORTANCE_LETTERS for letter in letters):
        raise ValueError(value)
    return letters


def as_levels(value: Any) -> tuple[int, ...]:
    """Return one or more levels of difficulty."""
    levels = tuple(as_whole(part) for part in (value if isinstance(value, list | tuple) else [value]))
    if any(level not in DIFFICULTY_LEVELS for level in levels):
        raise ValueError(value)
    return levels


def as_date(value: Any) -> date:
    """Return a day."""
    return date.fromisoformat(as_name(value)[:10])


EXPECTED: Mapping[Callable[[Any], Any], str] = {
    as_list: N_("蓝图：%(key)s 的值“%(value)s”应为列表，写成 [ … ]"),
    as_name: N_("蓝图：%(key)s 的值“%(value)s”应为文字"),
    as_names: N_('蓝图：%(key)s 的值“%(value)s”应为文字的列表，如 ["A", "B"]'),
    one_or_more: N_("蓝图：%(key)s 的值“%(value)s”应为文字，或文字的列表"),
    as_flag: N_("蓝图：%(key)s 的值“%(value)s”应为 true 或 false"),
    as_number: N_("蓝图：%(key)s 的值“%(value)s”应为数字"),
    as_decimal: N_("蓝图：%(key)s 的值“%(value)s”应为不小于 0 的数"),
    as_percent: N_("蓝图：%(key)s 的值“%(value)s”应为 0 至 100 的数"),
    as_share: N_("蓝图：%(key)s 的值“%(value)s”应为 0 至 1 的数，如 0.3 表示 30%%"),
    as_whole: N_("蓝图：%(key)s 的值“%(value)s”应为不小于 0 的整数"),
    as_positive: N_("蓝图：%(key)s 的值“%(value)s”应为不小于 1 的整数"),
    as_range: N_("蓝图：%(key)s 的值“%(value)s”应为一个整数，或 [最少, 最多] 两个整数，前者不大于后者"),
    as_band: N_("蓝图：%(key)s 的值“%(value)s”应为 [最小, 最大] 两个数，前者不大于后者"),
    as_letters: N_("蓝图：%(key)s 的值“%(value)s”应为 X、Y 或 Z"),
    as_levels: N_("蓝图：%(key)s 的值“%(value)s”应为 1 至 5 的难度级"),
    as_date: N_("蓝图：%(key)s 的值“%(value)s”应为日期，如 2026-01-31"),
}
"""What to say when a parser refuses a value."""

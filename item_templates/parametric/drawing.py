"""Drawing values: the same seed gives the same values on every machine and in every release."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from item_templates.findings import TranslatableValueError
from item_templates.parametric.evaluate import holds, number
from item_templates.parametric.expressions import names_in, parse
from item_templates.parametric.model import Model
from kernel.i18n import N_

MAX_DRAWS = 2000
MAX_CORNERS = 128
Values = Mapping[str, Fraction]
_T = TypeVar("_T")


class NoInstanceError(TranslatableValueError):
    """No values were found that satisfy the conditions."""


@dataclass(slots=True)
class Lot:
    """An endless row of numbers that only the seed decides: SHA-256 of seed and counter, so no library has a say."""

    seed: int
    drawn: int = 0

    def below(self, limit: int) -> int:
        """Return the next number, from 0 to `limit` - 1.

        Examples
        --------
        >>> lot = Lot(7)
        >>> [lot.below(10) for _ in range(6)]
        [2, 1, 8, 7, 5, 8]
        """
        told = f"kaoku-parametric-1/{self.seed}/{self.drawn}".encode()
        self.drawn += 1
        return int.from_bytes(hashlib.sha256(told).digest(), "big") % limit

    def shuffled(self, values: Sequence[_T]) -> list[_T]:
        """Return the values in an order of chance."""
        rest = list(values)
        return [rest.pop(self.below(len(rest))) for _ in values]


def draws(model: Model, lot: Lot) -> Iterator[dict[str, Fraction]]:
    """Yield values for the variables, draw by draw; raises NoInstanceError when there were too many."""
    for _ in range(MAX_DRAWS):
        yield {one.name: one.value(lot.below(len(one))) for one in model.variables}
    raise NoInstanceError(N_("抽取 %(n)s 次都没有得到合用的一组值，请放宽约束条件"), n=MAX_DRAWS)


def complete(model: Model, values: dict[str, Fraction]) -> bool:
    """Put the derived values to those of the variables; say whether all conditions hold.

    Conditions on variables alone come first, so that they can keep derived values from dividing by zero.
    """
    drawn = set(values)
    early = [one for one in model.constraints if names_in(parse(one)) <= drawn]
    if not all(holds(one, values, degrees=model.degrees) for one in early):
        return False
    for one in model.derived:
        values[one.name] = one.rounded(number(one.expression, values, degrees=model.degrees))
    late = [one for one in model.constraints if one not in early]
    return all(holds(one, values, degrees=model.degrees) for one in late)


def corners(model: Model) -> Iterator[dict[str, Fraction]]:
    """Yield combinations of the first and last values of all variables, at most `MAX_CORNERS`."""
    ends = [sorted({0, len(one) - 1}) for one in model.variables]
    for places in itertools.islice(itertools.product(*ends), MAX_CORNERS):
        yield {one.name: one.value(place) for one, place in zip(model.variables, places, strict=True)}

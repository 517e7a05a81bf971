"""From units of a class to the units themselves: which items each form gets, with enemies kept apart."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from blueprints.assembly.columns import IntArray
from blueprints.assembly.compile import Model


class Choice:
    """The units of every form; exchanges inside a class keep every linear rule."""

    def __init__(self, model: Model, counts: IntArray, seed: int) -> None:
        self.model = model
        self.forms: list[set[int]] = [set() for _ in counts]
        self.class_of: dict[int, int] = {}
        self.spare: dict[int, list[int]] = {}
        self.form_of: dict[int, int] = {}
        self._deal(counts, np.random.default_rng((seed, 2)))
        self.enemies: dict[int, set[int]] = {}
        for first, second in model.enemies:
            self.enemies.setdefault(first, set()).add(second)
            self.enemies.setdefault(second, set()).add(first)

    def _deal(self, counts: IntArray, rng: np.random.Generator) -> None:
        """Give the cheapest units of each class, in random order, to the forms that want them."""
        total = counts.sum(axis=0)
        for kind in np.nonzero(total)[0]:
            start, end = self.model.start[kind], self.model.start[kind + 1]
            drawn = rng.permutation(self.model.units[start : start + total[kind]])
            self.spare[int(kind)] = self.model.units[start + total[kind] : end].tolist()
            receivers = np.repeat(np.arange(len(counts)), counts[:, kind])
            for unit, form in zip(drawn.tolist(), receivers.tolist(), strict=True):
                self.forms[form].add(unit)
                self.form_of[unit] = form
                self.class_of[unit] = int(kind)

    def part_enemies(self) -> bool:
        """Exchange units until no form holds enemies; say whether that succeeded."""
        for unit in sorted(self.class_of):
            if self._quarrels(unit, self.form_of.get(unit)) and not self._move(unit):
                return False
        return not any(self._quarrels(unit, form) for unit, form in self.form_of.items())

    def _quarrels(self, unit: int, form: int | None, leaving: int | None = None) -> bool:
        if form is None or unit not in self.enemies:
            return False
        return any(other in self.forms[form] and other != leaving for other in self.enemies[unit])

    def _move(self, unit: int) -> bool:
        """Put the unit elsewhere: by exchange with another form, else for a spare unit, the cheapest that fits."""
        form = self.form_of[unit]
        for other in self._partners(unit):
            there = self.form_of[other]
            if not self._quarrels(other, form, unit) and not self._quarrels(unit, there, other):
                self._place(unit, there)
                self._place(other, form)
                return True
        spare = self.spare[self.class_of[unit]]
        for other in spare:
            if not self._quarrels(other, form, unit):
                spare.remove(other)
                self._retire(unit)
                self.class_of[other] = self.class_of[unit]
                self._place(other, form)
                return True
        return False

    def _partners(self, unit: int) -> Iterator[int]:
        kind, form = self.class_of[unit], self.form_of[unit]
        for other, there in list(self.form_of.items()):
            if self.class_of[other] == kind and there != form:
                yield other

    def _place(self, unit: int, form: int) -> None:
        old = self.form_of.get(unit)
        if old is not None:
            self.forms[old].discard(unit)
        self.forms[form].add(unit)
        self.form_of[unit] = form

    def _retire(self, unit: int) -> None:
        self.forms[self.form_of.pop(unit)].discard(unit)

    def cost(self) -> int:
        """Return the cost of all forms."""
        drawn = np.isin(self.model.units, np.array(list(self.form_of), dtype=np.int64))
        return int(self.model.unit_cost[drawn].sum())

    def item_positions(self) -> list[list[int]]:
        """Return the positions of the items of every form."""
        return [sorted(item for unit in form for item in self.model.members(unit)) for form in self.forms]

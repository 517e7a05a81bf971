"""The forms of one set as one table: rows are the candidates of all of them, columns the item versions that stood in any."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from exam_delivery.public import FormTable, SlotOfForm, Trace

Identity = tuple[str, int, Decimal, tuple[str, ...] | None]
"""What a column is about: version, part, full marks, and the keys where they were changed after the exam."""
Places = Mapping[uuid.UUID, Mapping[int, int]]
"""For every attempt, in which column each slot of the own form stands."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What is analysed as one: an ordinary form, or all forms of a set that gave each candidate a form of their own."""

    table: FormTable
    members: tuple[FormTable, ...]
    places: Places

    @property
    def is_set(self) -> bool:
        """Whether candidates had forms of their own."""
        return self.table.given is not None

    @property
    def attempts(self) -> dict[uuid.UUID, tuple[uuid.UUID, ...]]:
        """The attempts by form."""
        return {one.form_id: one.attempt_ids for one in self.members}

    def in_columns(self, traces: Mapping[uuid.UUID, Trace]) -> dict[uuid.UUID, Trace]:
        """Return traces with the times by column instead of by slot of the own form."""
        if not self.is_set:
            return dict(traces)
        return {
            key: replace(trace, seconds=_by_column(trace.seconds, self.places[key])) for key, trace in traces.items()
        }


def _by_column(seconds: Mapping[int, float], places: Mapping[int, int]) -> dict[int, float]:
    return {places[slot] + 1: spent for slot, spent in seconds.items() if slot in places}


def units(tables: Sequence[FormTable], sets: Mapping[uuid.UUID, tuple[uuid.UUID, str]]) -> list[Unit]:
    """Return what is analysed as one: the forms of every set together, every other form by itself.

    Parameters
    ----------
    tables : sequence of FormTable
        The forms of a session.
    sets : mapping of UUID to (UUID, str)
        Key and name of the set of those forms that belong to one.
    """
    by_set: dict[uuid.UUID, list[FormTable]] = {}
    for table in tables:
        if table.form_id in sets:
            by_set.setdefault(sets[table.form_id][0], []).append(table)
    names = dict(sets.values())
    alone = [Unit(table, (table,), {}) for table in tables if table.form_id not in sets]
    return [*(pool(members, key, names[key]) for key, members in by_set.items()), *alone]


def pool(members: Sequence[FormTable], form_set_id: uuid.UUID, title: str) -> Unit:
    """Return the forms of a set as one table.

    A column is one item version with its part. Instances of a parametric item pool by their version; a version whose key was
    changed in some forms after the exam stands in a column of its own, since its marks follow another key. Columns stand in
    the order of type, assessment point and version and are numbered from 1. Option names are those of the version, whatever
    the order in which each candidate saw them; where forms name other options or keys, nothing is said of options.
    """
    found: dict[Identity, list[SlotOfForm]] = {}
    for table in members:
        for slot in table.slots:
            found.setdefault(identity(table, slot), []).append(slot)
    order = sorted(found, key=lambda key: (found[key][0].type, found[key][0].point, *key[:3], key[3] or ()))
    columns = {key: place for place, key in enumerate(order)}
    slots = tuple(_column(found[key], place) for place, key in enumerate(order, 1))
    return _filled(members, columns, FormTable(form_set_id, title, slots, [], [], (), (), len(members)))


def identity(table: FormTable, slot: SlotOfForm) -> Identity:
    """Return what a slot is about; a slot of no version is only about itself."""
    version = slot.origin or slot.item_version_id or f"{table.form_id}:{slot.slot}"
    is_changed = bool(slot.origin) and slot.origin != slot.item_version_id
    return version, slot.part, slot.max_score, tuple(sorted(slot.keys)) if is_changed else None


def _column(slots: Sequence[SlotOfForm], number: int) -> SlotOfForm:
    first = slots[0]
    is_one = all((set(one.options), set(one.keys)) == (set(first.options), set(first.keys)) for one in slots)
    return replace(first, slot=number) if is_one else replace(first, slot=number, options=(), keys=())


def _filled(members: Sequence[FormTable], columns: Mapping[Identity, int], empty: FormTable) -> Unit:
    """Return the table with a row for every candidate."""
    width, places = len(columns), {}
    scores: list[list[Decimal | None]] = []
    chosen: list[list[tuple[str, ...] | None]] = []
    given: list[frozenset[int]] = []
    for table in members:
        own = [columns[identity(table, slot)] for slot in table.slots]
        by_slot = {slot.slot: place for slot, place in zip(table.slots, own, strict=True)}
        for key, marks, answers in zip(table.attempt_ids, table.scores, table.chosen, strict=True):
            row: list[Decimal | None] = [None] * width
            said: list[tuple[str, ...] | None] = [None] * width
            for place, mark, answer in zip(own, marks, answers, strict=True):
                row[place], said[place] = mark, answer
            scores.append(row)
            chosen.append(said)
            given.append(frozenset(own))
            places[key] = by_slot
    attempts = tuple(key for table in members for key in table.attempt_ids)
    filled = replace(empty, scores=scores, chosen=chosen, attempt_ids=attempts, given=tuple(given))
    return Unit(filled, tuple(members), places)

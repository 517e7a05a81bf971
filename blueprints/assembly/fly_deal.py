"""Deal the units of each class out to very many forms in turn, and part those that must not meet."""

from __future__ import annotations

import numpy as np

from blueprints.assembly.columns import IntArray
from blueprints.assembly.compile import Model
from blueprints.assembly.exchange import NOTHING, Board

TRIES = 200


def deal_units(model: Model, kind: IntArray, rng: np.random.Generator) -> IntArray:
    """Return the unit at each place: those of a class in turn, so that each is used as often as any other but for one."""
    flat = kind.ravel()
    order = np.lexsort((rng.random(len(flat)), flat))
    classes, size = flat[order], np.append(model.n_units, 1)
    start = np.searchsorted(classes, np.arange(len(size)))
    turn = np.arange(len(flat)) - start[classes]
    shuffled = model.units[
        np.lexsort((rng.random(len(model.units)), np.repeat(np.arange(len(model.n_units)), model.n_units)))
    ]
    units = np.append(shuffled, NOTHING)[np.append(model.start[:-1], len(shuffled))[classes] + turn % size[classes]]
    out = np.empty(len(flat), dtype=np.int64)
    out[order] = units
    return out.reshape(kind.shape)


def mend(board: Board) -> list[int]:
    """Exchange units of one class until no form holds a unit twice or holds enemies; return the forms that still do."""
    where: dict[int, tuple[IntArray, IntArray]] = {}
    for form, place in _wrong_places(board):
        kind = int(board.kind[form, place])
        if kind not in where:
            forms, places = np.nonzero(board.kind == kind)
            where[kind] = forms, places
        if not _replace(board, form, place, where[kind]):
            where.clear()
            board.move_out(form, place)
    return sorted({form for form, _ in _wrong_places(board)})


def _wrong_places(board: Board) -> list[tuple[int, int]]:
    """Return places whose unit stands in the form already, or has an enemy there."""
    order = np.argsort(board.unit, axis=1, kind="stable")
    ordered = np.take_along_axis(board.unit, order, axis=1)
    again = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != NOTHING)
    forms, at = np.nonzero(again)
    wrong = list(zip(forms.tolist(), order[forms, at + 1].tolist(), strict=True))
    if not board.enemies:
        return wrong
    hostile = np.isin(board.unit, np.array(sorted(board.enemies), dtype=np.int64))
    for form in np.nonzero(hostile.sum(axis=1) > 1)[0].tolist():
        held: set[int] = set()
        for place in np.nonzero(hostile[form])[0].tolist():
            unit = int(board.unit[form, place])
            if not board.enemies[unit].isdisjoint(held):
                wrong.append((form, place))
            held.add(unit)
    return wrong


def _replace(board: Board, form: int, place: int, where: tuple[IntArray, IntArray]) -> bool:
    """Exchange a unit for one of its class in another form, so that both forms are right there."""
    forms, places = where
    mine = int(board.unit[form, place])
    for at in board.rng.integers(len(forms), size=TRIES).tolist():
        other, there = int(forms[at]), int(places[at])
        theirs = int(board.unit[other, there])
        if (
            other != form
            and theirs != mine
            and _may_stand(board, form, place, theirs)
            and _may_stand(board, other, there, mine)
        ):
            board.unit[form, place], board.unit[other, there] = theirs, mine
            return True
    return False


def _may_stand(board: Board, form: int, place: int, unit: int) -> bool:
    rest = board.unit[form].tolist()
    del rest[place]
    return unit not in rest and board.enemies.get(unit, frozenset()).isdisjoint(rest)

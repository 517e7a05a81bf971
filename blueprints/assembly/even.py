"""Make parallel forms alike: exchange units between them until their information (else difficulty) lies together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.columns import Columns, FloatArray, IntArray
from blueprints.assembly.compile import Model, Options, compile_model
from blueprints.assembly.exchange import NOTHING, Aim, Board, Spare, padded_rules, signatures, tight_rows
from blueprints.assembly.highs import Deadline
from blueprints.assembly.rows import item_information

THETAS = (-2.0, -1.0, 0.0, 1.0, 2.0)
BAND = 0.03
PAIR_BAND, FEW_BAND, FEW = 0.004, 0.01, 4
INSIDE = 0.9
MARGIN = 1e-3
TINY = 1e-9
"""Part of an allowed band that exchanging aims for."""
KNOWN = 0.9
"""Information is evened out only where at least this part of the items has parameters."""
SCALE = 1e4
"""Information is counted in whole steps, so that sums are exact and equal on every machine."""
ROUNDS = 250


@dataclass(frozen=True)
class Evenness:
    """By what forms were made alike, and the largest relative distance of any form from the mean of all."""

    by: str
    largest: float


Forms = tuple[tuple[int, ...], ...]


def even_forms(
    blueprint: Blueprint, columns: Columns, forms: Forms, seed: int, deadline: Deadline
) -> tuple[Forms, Evenness | None]:
    """Return disjoint forms with units exchanged so that they are alike; forms that share items stay as they are."""
    n_items = sum(map(len, forms))
    if len(forms) < 2 or len({item for form in forms for item in form}) < n_items:
        return forms, None
    model = compile_model(replace(blueprint, information=()), columns, Options(n_forms=len(forms)))
    board = _board(model, forms, np.random.default_rng((seed, 6)))
    band = PAIR_BAND if len(forms) <= FEW else FEW_BAND
    aim = aim_of(blueprint, columns, model, board.unit, band)
    if aim is None:
        return forms, None
    board.aim = _mean_aim(aim.information, board.unit, band)
    board.measure()
    before = board.unit.copy()
    board.even_out(deadline, rounds=ROUNDS)
    board.refine(Spare.of(model, board.rules, board.unit), deadline, rounds=ROUNDS)
    board.even_out(deadline, rounds=ROUNDS)
    if blueprint.information and not _informed(blueprint, columns, model, board.unit):
        board.unit = before
        board.measure()
    named = "information" if has_parameters(blueprint, columns) else "difficulty"
    return _positions(model, board.unit), Evenness(named, float(board.distance().max()))


def _informed(blueprint: Blueprint, columns: Columns, model: Model, units: IntArray) -> bool:
    """Say whether every form still has the information that the blueprint asks for."""
    fixed = columns.anchors[columns.main[columns.anchors]].tolist()
    for rule in blueprint.information:
        values = item_information(columns, rule.theta) * columns.main
        for form in _positions(model, units):
            got = float(values[[*form, *fixed]].sum())
            slack = np.inf if rule.tolerance is None else rule.tolerance
            if not rule.target - (rule.tolerance or 0.0) <= got <= rule.target + slack:
                return False
    return True


def _board(model: Model, forms: Forms, rng: np.random.Generator) -> Board:
    class_of = np.full(len(model.columns.items), NOTHING, dtype=np.int64)
    class_of[model.units] = np.repeat(np.arange(len(model.n_units)), model.n_units)
    head = {item: first for first, members in model.followers.items() for item in members}
    rows = [sorted({head.get(item, item) for item in form}) for form in forms]
    width = max(map(len, rows))
    unit = np.full((len(rows), width), NOTHING, dtype=np.int64)
    kind = np.full((len(rows), width), len(model.n_units), dtype=np.int64)
    for number, row in enumerate(rows):
        unit[number, : len(row)] = row
        kind[number, : len(row)] = class_of[row]
    tight = tight_rows(model)
    profile = signatures(model.matrix.tocsr()[tight])
    rules = padded_rules(model, len(forms), (model.period == 0) & ~tight, profile)
    return Board(rules, unit, kind, rng, enemies_of(model))


def enemies_of(model: Model) -> dict[int, set[int]]:
    """Return the enemies of each unit that has any."""
    enemies: dict[int, set[int]] = {}
    for first, second in model.enemies:
        enemies.setdefault(first, set()).add(second)
        enemies.setdefault(second, set()).add(first)
    return enemies


def _positions(model: Model, units: IntArray) -> Forms:
    return tuple(
        tuple(sorted(item for unit in row if unit != NOTHING for item in model.members(unit))) for row in units.tolist()
    )


def has_parameters(blueprint: Blueprint, columns: Columns) -> bool:
    """Say whether information can be spoken of: the blueprint does, or most items have parameters."""
    if blueprint.information:
        return True
    known = columns.parameters[3][columns.usable]
    return bool(len(known)) and float(known.mean()) >= KNOWN


def aim_of(blueprint: Blueprint, columns: Columns, model: Model, units: IntArray, band: float = BAND) -> Aim | None:
    """Return what forms are evened out towards: the blueprint's targets, else the mean of the forms themselves.

    Without parameters of the items it is their difficulty; None where few items have one.
    """
    rules = blueprint.information
    if not has_parameters(blueprint, columns):
        known = columns.difficulty[columns.usable] > 0
        if not len(known) or known.mean() < KNOWN:
            return None
        table = _by_unit(columns, model, columns.difficulty[:, None].astype(np.float64))
        return _mean_aim(table, units, band)
    thetas = [rule.theta for rule in rules] or list(THETAS)
    values = np.round(np.stack([item_information(columns, theta) for theta in thetas], axis=1) * SCALE)
    table = _by_unit(columns, model, values)
    if not rules:
        return _mean_aim(table, units, band)
    fixed = (values * columns.main[:, None])[columns.anchors].sum(axis=0)
    wanted = np.array([rule.target for rule in rules]) * SCALE - fixed
    slack = np.array([np.inf if rule.tolerance is None else rule.tolerance / max(rule.target, TINY) for rule in rules])
    low = np.where(np.isinf(slack), 1 + MARGIN, 1 - slack * INSIDE)
    return Aim(table, np.maximum(wanted, 1.0), low, np.where(np.isinf(slack), np.inf, 1 + slack * INSIDE))


def _mean_aim(table: FloatArray, units: IntArray, band: float) -> Aim:
    target = np.maximum(table[units].sum(axis=1).mean(axis=0), 1.0)
    return Aim(table, target, np.full(len(target), 1 - band), np.full(len(target), 1 + band))


def _by_unit(columns: Columns, model: Model, values: FloatArray) -> FloatArray:
    """Return values of items that count for the form itself as sums over units; the last row is that of no unit."""
    values = values * columns.main[:, None]
    table = np.zeros((len(values) + 1, values.shape[1]))
    table[:-1] = values
    for head, members in model.followers.items():
        table[head] = values[list(members)].sum(axis=0)
    return table

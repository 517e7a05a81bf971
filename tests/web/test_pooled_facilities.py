"""Facilities of versions with few answers: borrowed from items alike, shown where few sat, used only where rules say so."""

from __future__ import annotations

import uuid
from datetime import date

import numpy as np
import pytest

from kernel.clock import today
from kernel.db import db
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.profiles import publish
from kernel.uow import unit_of_work
from qbank import public as qbank
from qbank import public_statistics as statistics
from qbank.public import StatisticsRow, record_statistics
from qbank.public_statistics import Alike, HistoryRow, KindRow, load_measures, load_pooled
from qbank.public_supply import proportions_correct
from tests.blueprints.bank_cases import fill_bank
from web.analysis.pooling import pooled_rows

DAY = date(2026, 6, 1)


def history(answers: list[tuple[int, float]], **changes: object) -> list[HistoryRow]:
    return [
        HistoryRow(uuid.UUID(int=j), f"T{j}", uuid.UUID(int=100 + j), 1, True, "a", n, DAY, share, None)._replace(**changes)
        for j, (n, share) in enumerate(answers)
    ]  # fmt: skip


def kinds(rows: list[tuple[str, str, int | None]]) -> list[KindRow]:
    return [KindRow(uuid.UUID(int=100 + j), *row) for j, row in enumerate(rows)]


def test_an_item_borrows_from_the_closest_group_that_is_large_enough():
    alike = kinds([("A", "single", 3)] * 4 + [("B", "single", 2)] * 2 + [("C", "single", 2), ("D", "essay", None)])
    found = {row.item_version_id: row for row in pooled_rows(history([(20, 0.6)] * 8), alike)}
    by = [(found[uuid.UUID(int=100 + j)].alike, found[uuid.UUID(int=100 + j)].n_alike) for j in range(8)]
    assert by == [(Alike.POINT, 4)] * 4 + [(Alike.DIFFICULTY, 3)] * 3 + [(Alike.LEVEL, 1)]


def test_few_answers_move_towards_items_alike_and_many_stand_by_themselves():
    alike = kinds([("A", "single", 3)] * 7)
    rows = pooled_rows(history([(400, 0.8)] * 5 + [(6, 0.3), (400, 0.3)]), alike)
    few, many = rows[5], rows[6]
    assert 0.45 < few.estimate < 0.8
    assert many.estimate == pytest.approx(0.3, abs=0.02)
    assert few.own_share < 0.5
    assert many.own_share > 0.9
    assert few.high - few.low > 3 * (many.high - many.low)
    assert all(row.low <= row.estimate <= row.high for row in rows)


def test_what_cannot_be_said_is_left_out():
    alike = kinds([("A", "single", 3)] * 3)
    assert [row.n for row in pooled_rows(history([(30, 0.5), (4, 0.5), (0, 0.0)]), alike)] == [30]
    assert pooled_rows(history([(30, 0.5)] * 3, is_in_use=False), alike) == []
    assert pooled_rows(history([(30, None)]), alike) == []
    sources = [*history([(10, 0.5)]), *history([(30, 0.9)], source="b")]
    assert pooled_rows(sources, alike)[0].n == 40


def test_the_bank_keeps_them_shows_them_where_few_answered_and_draws_by_them_only_if_told(
    organisation, make_actor, sign_in
):
    bank, system = fill_bank(organisation.organisation_id, copies=1), system_actor(organisation.organisation_id)
    pool = qbank.load_pool(db.session(), system, bank.standard_level_id)[:12]
    shares = np.linspace(0.3, 0.9, len(pool)).round(3).tolist()
    rows = [
        StatisticsRow(one.item_version_id, "一批", 12, DAY, share, None)
        for one, share in zip(pool, shares, strict=True)
    ]
    key = pool[0].item_version_id

    def borrow() -> None:
        with unit_of_work(system) as uow:
            record_statistics(uow, rows)
            uow.flush()
            found = pooled_rows(
                statistics.load_history(uow.session, system, bank.standard_level_id),
                statistics.list_kinds(uow.session, system, bank.standard_level_id),
            )
            stray = statistics.PooledRow(uuid.uuid4(), 9, 0.5, 0.4, 0.6, 0.5, 3, Alike.TYPE)
            kept = statistics.record_pooled(uow, bank.standard_level_id, [*found, stray], computed_on=DAY)
            assert kept == len(pool)

    borrow()
    borrow()
    own = load_pooled(db.session(), system, [key])[key]
    assert own.n == 12
    assert shares[0] < own.estimate < shares[-1]
    assert load_measures(db.session(), system, bank.standard_level_id)[key].p_value is None
    assert proportions_correct(db.session(), system, bank.standard_level_id) == {}
    page = sign_in(Role.EDITOR).get(f"/items/{pool[0].item_id}/checks").text
    assert "借同类题估计" in page
    assert f"{own.estimate:.2f}" in page
    with unit_of_work(system) as uow:
        publish(uow, {"qbank.statistics.pooled_for_few": True}, effective_on=today())
    measure = load_measures(db.session(), system, bank.standard_level_id)[key]
    assert (measure.p_value, measure.is_pooled) == (round(own.estimate, 4), True)
    assert proportions_correct(db.session(), system, bank.standard_level_id)[pool[0].item_id] == round(own.estimate, 4)

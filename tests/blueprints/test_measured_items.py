"""Figures from analyses steer assembly: the version in use only, enough answers only, and through to the drawn form."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from blueprints.services.bank import load_pool
from kernel.db import db
from kernel.errors import ForbiddenError
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.profiles import publish
from kernel.uow import unit_of_work
from qbank import public as qbank
from qbank.models.items import Item, ItemPoint
from qbank.models.statistics import ItemParameters
from qbank.public import StatisticsRow, record_statistics
from qbank.public_statistics import (
    ParameterRow,
    load_history,
    load_measures,
    name_versions,
    record_parameters,
)
from qbank.public_supply import proportions_correct
from qbank.repository.bank import item_rows
from qbank.services import items as item_services

DAY = date(2026, 6, 1)


@pytest.fixture
def system(organisation):
    return system_actor(organisation.organisation_id)


def keep(actor, *rows: StatisticsRow) -> None:
    with unit_of_work(actor) as uow:
        record_statistics(uow, list(rows))


def entry(bank, actor, item_id: uuid.UUID):
    return next(one for one in load_pool(db.session(), actor, bank.standard_level_id).items if one.id == str(item_id))


def first(bank, actor) -> qbank.PoolEntry:
    return qbank.load_pool(db.session(), actor, bank.standard_level_id)[0]


def test_answers_of_several_sessions_are_weighed_by_their_number(bank, assembler, system):
    one = first(bank, assembler)
    keep(
        system,
        StatisticsRow(one.item_version_id, "exam_session:a:1", 90, DAY, 0.60, 0.3),
        StatisticsRow(one.item_version_id, "exam_session:b:1", 30, date(2026, 9, 1), 0.80, 0.3),
    )
    measure = first(bank, assembler).measure
    assert (measure.p_value, measure.n, measure.measured_on, measure.n_sources) == (0.65, 120, date(2026, 9, 1), 2)
    assert entry(bank, assembler, one.item_id).p_value == 0.65
    assert proportions_correct(db.session(), assembler, bank.standard_level_id) == {one.item_id: 0.65}


def test_too_few_answers_give_no_p_value_and_the_organisation_says_how_many_are_enough(bank, assembler, system):
    one = first(bank, assembler)
    keep(system, StatisticsRow(one.item_version_id, "exam_session:a:1", 29, DAY, 0.6, None))
    assert first(bank, assembler).measure.p_value is None
    assert first(bank, assembler).measure.n == 29
    assert entry(bank, assembler, one.item_id).p_value is None
    with unit_of_work(system) as uow:
        publish(uow, {"qbank.statistics.least_answers": 20}, effective_on=date(2026, 1, 1))
    assert entry(bank, assembler, one.item_id).p_value == 0.6


def test_answers_to_another_version_never_count_for_the_version_in_use(bank, assembler, system, make_actor):
    one = first(bank, assembler)
    keep(system, StatisticsRow(one.item_version_id, "exam_session:a:1", 200, DAY, 0.9, 0.3))
    item = db.session.get(Item, one.item_id)
    frozen = qbank.load_contents(db.session(), system, [one.item_version_id])[one.item_version_id]
    with unit_of_work(make_actor(Role.EDITOR)) as uow:
        changed = replace(frozen.content, stem=frozen.content.stem + "（修订）")
        points = list(
            uow.session.scalars(select(ItemPoint.assessment_point_id).where(ItemPoint.item_id == item.item_id))
        )
        item_services.update_item(
            uow, item.item_id, content=changed, version=item.version, point_ids=points, difficulty=3
        )
    db.session.expire_all()
    item = db.session.get(Item, one.item_id)
    assert item.current_version_id != one.item_version_id
    with unit_of_work(system) as uow:
        uow.session.get(Item, one.item_id).approved_version_id = item.current_version_id

    def n_ready() -> int:
        rows = item_rows(db.session(), bank.standard_level_id, organisation_id=item.organisation_id)
        return sum(row.has_statistics for row in rows)

    assert n_ready() == 0, "what is known of the old version makes the new one no readier"
    keep(system, StatisticsRow(item.current_version_id, "exam_session:b:1", 50, DAY, 0.4, 0.3))
    assert n_ready() == 1
    now = next(e for e in qbank.load_pool(db.session(), assembler, bank.standard_level_id) if e.item_id == one.item_id)
    assert (now.measure.p_value, now.measure.n) == (0.4, 50)
    assert proportions_correct(db.session(), assembler, bank.standard_level_id)[one.item_id] == 0.4
    history = [row for row in load_history(db.session(), system, bank.standard_level_id) if row.item_id == one.item_id]
    assert [(row.number, row.is_in_use, row.n) for row in history] == [(1, False, 200), (2, True, 50)]


def test_parameters_reach_the_pool_and_a_new_calibration_takes_the_place_of_the_old(bank, assembler, system):
    pool = qbank.load_pool(db.session(), assembler, bank.standard_level_id)
    one, other = pool[0], pool[1]
    row = ParameterRow(one.item_version_id, "rasch", 1.1, -0.4, 0.0, 0.12, 300)
    with unit_of_work(system) as uow:
        strange = ParameterRow(uuid.uuid4(), "rasch", 1.0, 0.0, 0.0, None, 10)
        assert record_parameters(uow, bank.standard_level_id, [row, strange], scale="第一场", computed_on=DAY) == 1
    assert (entry(bank, assembler, one.item_id).a, entry(bank, assembler, one.item_id).b) == (1.1, -0.4)
    assert entry(bank, assembler, one.item_id).c == 0.0
    with unit_of_work(system) as uow:
        again = ParameterRow(other.item_version_id, "rasch", 1.0, 0.3, 0.0, None, 400)
        record_parameters(uow, bank.standard_level_id, [again], scale="第一场", computed_on=DAY)
    assert entry(bank, assembler, one.item_id).b is None
    assert entry(bank, assembler, other.item_id).b == 0.3
    assert len(db.session.scalars(select(ItemParameters)).all()) == 1


def test_a_blueprint_that_rules_the_mean_p_value_is_drawn_from_measured_items(bank, assembler, system, run_finished):
    pool = [
        one for one in qbank.load_pool(db.session(), assembler, bank.standard_level_id) if one.type != "short_answer"
    ]
    shares = {one.item_version_id: 0.45 + 0.01 * (number % 40) for number, one in enumerate(pool)}
    keep(system, *(StatisticsRow(key, "exam_session:a:1", 60, DAY, share, 0.3) for key, share in shares.items()))
    run = run_finished(n_forms=1, p_value={"mean": {"target": 0.7, "tolerance": 0.02}}, weight_tolerance_percent=20)
    assert run.status.value in {"optimal", "feasible"}, run.result
    chosen = [uuid.UUID(one["id"]) for one in run.result["forms"][0]["items"]]
    by_item = {one.item_id: shares[one.item_version_id] for one in pool}
    assert sum(by_item[one] for one in chosen) / len(chosen) == pytest.approx(0.7, abs=0.0201)


def test_an_information_target_is_met_by_calibrated_items_and_refused_without_them(
    bank, assembler, system, run_finished
):
    wanted = [{"theta": 0.0, "target": 4.0}]
    assert run_finished(n_forms=1, information=wanted).status.value == "infeasible"
    pool = [
        one for one in qbank.load_pool(db.session(), assembler, bank.standard_level_id) if one.type != "short_answer"
    ]
    rows = [
        ParameterRow(one.item_version_id, "rasch", 1.0, -1.5 + 0.1 * (number % 30), 0.0, 0.1, 300)
        for number, one in enumerate(pool)
    ]
    with unit_of_work(system) as uow:
        record_parameters(uow, bank.standard_level_id, rows, scale="第一场", computed_on=DAY)
    assert run_finished(n_forms=1, information=wanted).status.value in {"optimal", "feasible"}


def test_another_organisation_reads_and_replaces_nothing(bank, assembler, system, make_actor, other_organisation):
    one = first(bank, assembler)
    keep(system, StatisticsRow(one.item_version_id, "exam_session:a:1", 90, DAY, 0.6, 0.3))
    row = ParameterRow(one.item_version_id, "rasch", 1.1, -0.4, 0.0, 0.12, 300)
    with unit_of_work(system) as uow:
        record_parameters(uow, bank.standard_level_id, [row], scale="第一场", computed_on=DAY)
    stranger = system_actor(other_organisation.organisation_id)
    assert load_measures(db.session(), stranger, bank.standard_level_id) == {}
    assert load_history(db.session(), stranger, bank.standard_level_id) == []
    assert name_versions(db.session(), stranger, [one.item_version_id]) == {}
    assert name_versions(db.session(), system, [one.item_version_id])[one.item_version_id].code == one.code
    with unit_of_work(stranger) as uow:
        assert record_parameters(uow, bank.standard_level_id, [row], scale="x", computed_on=DAY) == 0
    assert load_measures(db.session(), system, bank.standard_level_id)[one.item_version_id].b == -0.4
    with pytest.raises(ForbiddenError):
        load_measures(db.session(), make_actor(Role.MARKER), bank.standard_level_id)

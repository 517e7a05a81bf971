"""What the editor offers is what the draw keeps: each rule, with what the bank knows of its items, through a real run."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import select

from blueprints.models import ExamForm
from blueprints.rules.states import RunStatus
from blueprints.services import forms, runs
from blueprints.services.bank import load_pool
from kernel.uow import unit_of_work
from qbank.models.items import Item


def ids_of(session, *codes):
    found = dict(session.execute(select(Item.code, Item.item_id).where(Item.code.in_(codes))).all())
    return [str(found[code]) for code in codes]


def drawn(run):
    """Return the items of each form of a run that gave some."""
    assert run.status in (RunStatus.OPTIMAL, RunStatus.FEASIBLE), run.result["conflict"]
    return [form["items"] for form in run.result["forms"]]


def test_keys_are_balanced_within_their_bounds(run_finished, bank, assembler, session):
    spec = {"key_balance": [{"type": "true_false", "min": 0.4, "max": 0.6}, {"type": "single_choice", "max": 0.3}]}
    run = run_finished(n_forms=1, **spec)
    pool = load_pool(session, assembler, bank.standard_level_id, run.spec)
    key = {item.id: item.key for item in pool.items}
    for items in drawn(run):
        counts = Counter(key[item["id"]] for item in items)
        assert 4 <= counts["T"] <= 6
        assert all(counts[letter] <= 3 for letter in "ABCD")


def test_what_there_is_to_read_and_the_time_it_takes_stay_in_their_bands(run_finished, bank, assembler, session):
    spec = {"reading": {"characters": [900, 1200]}, "answer_time": {"minutes": [5, 12]}}
    run = run_finished(n_forms=1, **spec)
    pool = load_pool(session, assembler, bank.standard_level_id, run.spec)
    known = {item.id: item for item in pool.items}
    (items,) = drawn(run)
    assert 900 <= sum(known[item["id"]].characters for item in items) <= 1200
    assert 300 <= sum(known[item["id"]].seconds for item in items) <= 720
    refused = run_finished(n_forms=1, reading={"characters": [0, 50]})
    assert refused.status is RunStatus.INFEASIBLE


def test_named_items_are_taken_and_anchors_stand_in_every_form(run_finished, session):
    include, anchor = ids_of(session, "T-0000"), ids_of(session, "T-0006")
    run = run_finished(n_forms=2, include=include, anchor={"items": anchor})
    chosen = [{item["id"] for item in items} for items in drawn(run)]
    assert any(include[0] in form for form in chosen)
    assert all(anchor[0] in form for form in chosen)


def test_anchors_that_are_not_scored_come_on_top_without_marks(run_finished, assembler, session):
    anchor = ids_of(session, "T-0006")
    run = run_finished(n_forms=1, anchor={"items": anchor, "scored": False})
    (items,) = drawn(run)
    assert len(items) == 21
    with unit_of_work(assembler) as uow:
        (form,) = runs.accept_run(uow, run.assembly_run_id)
    assert form.total_score == 20
    assert [str(slot.item_id) for slot in form.slots if slot.score == 0] == anchor


def test_all_core_points_are_examined_by_the_forms_together(run_finished):
    run = run_finished(n_forms=2, coverage=[{"importance": "X", "forms": 2}], max_per_point=4)
    points = {item["point"] for items in drawn(run) for item in items if item["importance"] == "X"}
    assert len(points) == 6


def test_parts_and_cells_have_their_numbers(run_finished):
    sections = [
        {"name": "职业道德", "scopes": "A", "n_items": [9, 11], "difficulty": {"mean": {"target": 3, "tolerance": 1}}}
    ]
    cells = [{"scope": "A-A", "type": "single_choice", "count": [3, 3]}]
    run = run_finished(n_forms=1, sections=sections, cells=cells)
    (items,) = drawn(run)
    assert 9 <= sum(item["point"].startswith("A-") for item in items) <= 11
    assert sum(item["point"].startswith("A-A") and item["type"] == "single_choice" for item in items) == 3


def test_a_new_form_keeps_apart_from_the_last_sealed_ones(run_finished, assembler, approver, sealed_form, session):
    old = {str(slot.item_id) for slot in forms.repository.get_form(
        session, sealed_form, actor=assembler, with_slots=True).slots}  # fmt: skip
    run = run_finished(n_forms=1, seed=99, earlier={"last": 1, "max_count": 2})
    (items,) = drawn(run)
    assert len(old & {item["id"] for item in items}) <= 2


def test_items_that_rest_are_not_drawn(run_finished, sealed_form, assembler, session):
    used = set(session.scalars(select(Item.item_id).where(Item.n_used > 0)))
    assert used
    run = run_finished(n_forms=1, cool_down={"days": 30})
    (items,) = drawn(run)
    assert not {str(one) for one in used} & {item["id"] for item in items}


@pytest.mark.parametrize("n_forms", [1])
def test_accepted_forms_name_the_version_they_were_drawn_from(run_finished, assembler, session, n_forms):
    run = run_finished(n_forms=n_forms)
    with unit_of_work(assembler) as uow:
        runs.accept_run(uow, run.assembly_run_id)
    assert run.blueprint_version == 1
    assert session.scalars(select(ExamForm)).one().exam_blueprint_id == run.exam_blueprint_id


def test_shares_of_cognitive_levels_hold_in_every_form(run_finished, session):
    for number, item in enumerate(session.scalars(select(Item).order_by(Item.code))):
        item.cognitive = ("识记", "理解", "")[number // 3 % 3]
    session.commit()
    run = run_finished(n_forms=2, cognitive={"理解": {"min": 0.4, "max": 0.5}, "识记": {"max": 0.3}})
    level = {str(item.item_id): item.cognitive for item in session.scalars(select(Item))}
    for items in drawn(run):
        counts = Counter(level[item["id"]] for item in items)
        assert 8 <= counts["理解"] <= 10
        assert counts["识记"] <= 6


def test_items_on_trial_come_on_top_without_marks_and_never_count(run_finished, assembler, session):
    trial = [str(item.item_id) for item in session.scalars(select(Item).order_by(Item.code).limit(40))]
    for item in session.scalars(select(Item).order_by(Item.code).limit(40)):
        item.is_trial = True
    session.commit()
    without = drawn(run_finished(n_forms=1))
    assert not {item["id"] for item in without[0]} & set(trial)
    run = run_finished(n_forms=1, pretest={"n_items": 3, "max_per_point": 1})
    (items,) = drawn(run)
    assert len(items) == 23
    with unit_of_work(assembler) as uow:
        (form,) = runs.accept_run(uow, run.assembly_run_id)
    unmarked = {str(slot.item_id) for slot in form.slots if slot.score == 0}
    assert form.total_score == 20
    assert len(unmarked) == 3
    assert unmarked <= set(trial)

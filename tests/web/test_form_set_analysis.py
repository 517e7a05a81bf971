"""Every candidate with a form of their own: one report of the set by item version, right figures, one case, no doubles."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from exam_delivery import public
from exam_delivery.models import Attempt, ForensicLead, ResponseState, SessionAnalysis
from exam_delivery.public import FormTable, SlotOfForm, Trace
from exam_delivery.services import form_sets
from exam_delivery.services import forms as session_forms
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.jobs.models import Job
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from qbank.models.corrections import CorrectionCase
from qbank.public import StatisticsRow, record_statistics
from qbank.public_statistics import Carrier, list_kinds, load_history, load_measures, load_pooled
from tests.blueprints.bank_cases import Bank, fill_bank
from tests.exam_delivery import world as world_cases
from tests.exam_delivery.world import World, fake_blueprints
from tests.web.own_forms import LENGTH, MISKEYED, N_CANDIDATES, SET_ID, SET_NAME, OwnForms, own_forms_world
from tests.web.test_answer_export import assert_same_figures, read_back, unpacked
from web.analysis.fairness import fairness_report
from web.analysis.figures import analyse
from web.analysis.form_sets import pool, units
from web.analysis.leads import find_leads
from web.analysis.sessions import analyse_form, mark_table


@pytest.fixture
def bank(organisation) -> Bank:
    return fill_bank(organisation.organisation_id, copies=1)


@pytest.fixture
def forms(bank, monkeypatch) -> OwnForms:
    own = OwnForms(bank)
    monkeypatch.setattr(session_forms, "blueprints", fake_blueprints(own))
    monkeypatch.setattr(form_sets, "sets", own.as_sets())
    monkeypatch.setattr(world_cases, "LEVEL", bank.standard_level_id)
    return own


@pytest.fixture
def world(forms, make_actor) -> World:
    return own_forms_world(make_actor(Role.EXAM_OFFICER, Role.EDITOR), forms)


def run_analysis(world: World) -> list[SessionAnalysis]:
    for job in db.session.query(Job).filter_by(name=public.ANALYSE_JOB, status="waiting"):
        assert run_job(job.job_id) == "done", job.error
    db.session.expire_all()
    return list(public.find_analyses(db.session(), world.officer, world.key)[1])


def leave_what_form_by_form_left(world: World, forms: OwnForms) -> None:
    """Keep an analysis and figures for each form by itself, as it was done before sets were put together."""
    day = date(2026, 1, 1)
    with unit_of_work(world.officer) as uow:
        keys = [uuid.UUID(form_id) for form_id in forms.form_ids]
        public.store_analyses(uow, world.key, {key: {"n_candidates": 1, "items": [], "title": "卷"} for key in keys})
        for form_id, drawn in forms.drawn.items():
            source = f"exam_session:{world.key}:{form_id}"
            rows = [StatisticsRow(forms.pool[place][0], source, 1, day, 1.0) for place in drawn]
            record_statistics(uow, rows)


def counted_by_hand(forms: OwnForms) -> dict[str, list[tuple[float, float]]]:
    """Return by version, for everybody who was given it, the mark and the share of the other items that was right."""
    found: dict[str, list[tuple[float, float]]] = {}
    for attempt in db.session.query(Attempt):
        said = {
            one.slot: one.response for one in db.session.query(ResponseState).filter_by(attempt_id=attempt.attempt_id)
        }
        marks = {}
        for slot, place in enumerate(forms.drawn[str(attempt.form_id)], 1):
            version, content = forms.pool[place]
            key = str(content.key).lower() if content.type == "true_false" else content.key
            marks[str(version)] = float(json.loads(said[slot]) == [key])
        for version, mark in marks.items():
            found.setdefault(version, []).append((mark, (sum(marks.values()) - mark) / (LENGTH - 1)))
    return found


def test_a_session_on_own_forms_is_one_report_with_right_figures_one_case_and_each_answer_counted_once(
    world, forms, sign_in, count_queries, tmp_path
):
    leave_what_form_by_form_left(world, forms)
    assert public.list_analyses(db.session(), world.officer, page=1, per_page=50)[1] == N_CANDIDATES
    with count_queries() as statements:
        (one,) = run_analysis(world)
    assert len(statements) < 100, "the number of queries does not grow with the forms"
    report = one.report
    assert (one.form_id, report["title"], one.n_candidates) == (SET_ID, SET_NAME, N_CANDIDATES)
    assert (report["n_forms"], report["n_items"]) == (N_CANDIDATES, len(forms.pool))
    assert public.list_analyses(db.session(), world.officer, page=1, per_page=50)[1] == 1

    by_hand = counted_by_hand(forms)
    for item in report["items"]:
        marks, rest = np.array(by_hand[item["item_version_id"]]).T
        assert (item["n"], item["n_omitted"], item["n_not_reached"]) == (len(marks), 0, 0)
        assert item["facility"] == pytest.approx(marks.mean(), abs=1e-5)
        assert item["item_rest_correlation"] == pytest.approx(np.corrcoef(marks, rest)[0, 1], abs=1e-5)
        assert sum(option["n"] for option in item["options"].values()) == len(marks)
    test = report["test"]
    assert test["alpha"] is None
    assert test["reliability"] > 0.7
    assert "own_forms" in test["flags"]

    wrong = str(forms.pool[MISKEYED][0])
    (flagged,) = [item for item in report["items"] if "negative_discrimination" in item["flags"]]
    assert flagged["item_version_id"] == wrong
    assert any(flag.startswith("possible_wrong_key:") for flag in flagged["flags"])
    with unit_of_work(world.officer) as uow:
        public.request_analysis(uow, world.key)
    run_analysis(world)
    (case,) = db.session.query(CorrectionCase)
    assert (str(case.item_version_id), case.place) == (wrong, SET_NAME)

    history = load_history(db.session(), world.officer, forms.level_id)
    assert {row.source for row in history} == {f"exam_session:{world.key}:{SET_ID}"}
    assert {str(row.item_version_id): row.n for row in history} == {key: len(rows) for key, rows in by_hand.items()}
    unknown = load_history(db.session(), world.officer, forms.level_id, carrier=Carrier.UNKNOWN)
    assert sum(row.n for row in unknown) == sum(row.n for row in history) == N_CANDIDATES * LENGTH
    measures = load_measures(db.session(), world.officer, forms.level_id)
    assert {measures[uuid.UUID(key)].n for key in by_hand} == {len(rows) for rows in by_hand.values()}
    kinds = list_kinds(db.session(), world.officer, forms.level_id)
    pooled = load_pooled(db.session(), world.officer, [kind.item_version_id for kind in kinds])
    assert {str(key): row.n for key, row in pooled.items()} == {key: len(rows) for key, rows in by_hand.items()}
    assert not db.session.query(ForensicLead).filter_by(kind="copying").count()
    assert_pages_show_the_set(world, report, sign_in, tmp_path)


def assert_pages_show_the_set(world: World, report: dict, sign_in, tmp_path) -> None:
    client = sign_in(Role.EXAM_OFFICER, Role.EDITOR)
    listed = client.get("/analyses/").text
    assert listed.count("/analyses/sessions/") == 1
    assert f"一人一卷，{N_CANDIDATES} 份试卷" in listed
    page = client.get(f"/analyses/sessions/{world.key}").text
    assert f"{SET_NAME} · 一人一卷，{N_CANDIDATES} 份试卷" in page
    assert "一人一卷怎么分析" in page
    assert "各卷之间是否可比" not in page
    flagged = next(item for item in report["items"] if "negative_discrimination" in item["flags"])
    address = f"/analyses/sessions/{world.key}/forms/{SET_ID}"
    assert page.index(f"/items/{flagged['slot']}") < page.index("题目一览"), "what asks for a person stands first"
    item = client.get(f"{address}/items/{flagged['slot']}").text
    assert "选项曲线" in item
    assert "第 4 题" not in item, "a set's items have no number that people know"
    assert client.get(f"{address}/fairness").status_code == 200
    lines = client.get(f"{address}/figures.csv").data.decode("utf-8-sig").splitlines()
    assert len(lines) == 1 + report["n_items"]
    unpacked(client.post(f"/analyses/sessions/{world.key}/export").data, tmp_path)
    folder = tmp_path / "form-1"
    assert not (tmp_path / "form-2").exists()
    again = read_back(folder, str(folder / "responses.csv"), "--key", str(folder / "key.csv"))
    assert_same_figures(report, again)
    same = ("reliability", "reliability_interval", "mean_common_items", "decision", "speededness")
    assert {name: again["test"][name] for name in same} == {name: report["test"][name] for name in same}
    first = (folder / "scores.csv").read_text("utf-8").splitlines()[1].split(",")
    assert Counter(cell == "" for cell in first) == {False: 1 + LENGTH, True: report["n_items"] - LENGTH}


def own_form(number: int, versions: list[str], **changes) -> FormTable:
    """Return one person's form of right-or-wrong items."""
    slots = tuple(
        replace(SlotOfForm(place, version, 1, "A", "single_choice", ("A", "B"), ("A",), Decimal(1), version), **changes)
        for place, version in enumerate(versions, 1)
    )
    key = uuid.UUID(int=number)
    chosen = [("A",) if (number + place) % 3 else ("B",) for place in range(len(versions))]
    marks = [Decimal(int(one == ("A",))) for one in chosen]
    return FormTable(uuid.UUID(int=10_000 + number), "卷", slots, [marks], [chosen], (key,))


def test_instances_pool_by_version_and_a_changed_key_or_another_mark_stands_apart():
    other_options = own_form(3, ["v1", "v2"], options=("A", "C"))
    changed = own_form(4, ["v1", "v2"], item_version_id="", keys=("B",))
    heavier = own_form(5, ["v1", "v2"], max_score=Decimal(2))
    one = pool([own_form(1, ["v1", "v2"]), own_form(2, ["v2", "v3"]), other_options, changed, heavier], SET_ID, "卷组")
    table = one.table
    columns = [(slot.origin, slot.item_version_id, str(slot.max_score), slot.options) for slot in table.slots]
    assert columns == [
        ("v1", "v1", "1", ()), ("v1", "", "1", ("A", "B")), ("v1", "v1", "2", ("A", "B")), ("v2", "v2", "1", ()),
        ("v2", "", "1", ("A", "B")), ("v2", "v2", "2", ("A", "B")), ("v3", "v3", "1", ("A", "B")),
    ]  # fmt: skip
    assert [slot.slot for slot in table.slots] == list(range(1, 8))
    assert [sorted(given) for given in table.given] == [[0, 3], [3, 6], [0, 3], [1, 4], [2, 5]]
    assert (table.n_forms, len(table.attempt_ids)) == (5, 5)
    trace = Trace("考场", {1: 4.0, 2: 6.0, 9: 1.0}, 0, 0)
    assert one.in_columns({uuid.UUID(int=2): trace})[uuid.UUID(int=2)].seconds == {4: 4.0, 7: 6.0}
    nameless = replace(
        own_form(6, ["v1"]), slots=(replace(own_form(6, ["v1"]).slots[0], item_version_id="", origin=""),)
    )
    apart, ordinary = units([nameless, own_form(7, ["v1"])], {nameless.form_id: (SET_ID, "卷组")})
    assert (apart.is_set, ordinary.is_set) == (True, False)
    assert ordinary.in_columns({uuid.UUID(int=7): trace})[uuid.UUID(int=7)] is trace


def test_a_handful_of_candidates_says_not_enough_data():
    report = analyse_form(pool([own_form(n, ["v1", "v2", f"w{n}"]) for n in (1, 2)], SET_ID, "卷组").table, {})
    assert report["test"]["reliability"] is None
    assert {"own_forms", "too_few_candidates"} <= set(report["test"]["flags"])
    assert all("too_few_candidates" in item["flags"] for item in report["items"])
    equal = analyse_form(pool([own_form(3 * n, ["v1", "v2", "v3"]) for n in range(1, 5)], SET_ID, "卷组").table, {})
    assert equal["test"]["reliability"] is None
    assert {"no_own_reliability", "few_candidates"} <= set(equal["test"]["flags"])


def drawn_table(n: int, n_pool: int, length: int, seed: int) -> tuple[FormTable, np.ndarray]:
    """Return honest answers of many persons on forms of their own, and what each was given."""
    rng = np.random.default_rng(seed)
    theta, b = rng.normal(size=n), np.linspace(-1.5, 1.5, n_pool)
    members, given = [], np.zeros((n, n_pool), bool)
    for row in range(n):
        own = np.sort(rng.permutation(n_pool)[:length])
        given[row, own] = True
        form = own_form(row + 1, [f"v{place:03d}" for place in own])
        right = rng.random(length) < 1 / (1 + np.exp(b[own] - theta[row]))
        marks = [Decimal(int(one)) for one in right]
        members.append(replace(form, scores=[marks], chosen=[[("A",) if one else ("B",) for one in right]]))
    return pool(members, SET_ID, "卷组").table, given


def test_enough_candidates_are_calibrated_and_persons_looked_at_but_nobody_compared_with_anybody():
    table, _given = drawn_table(240, 60, 30, 3)
    report = analyse_form(table, {})
    model = report["model"]
    assert (model["name"], model["converged"], model["n_items"]) == ("rasch", True, 60)
    assert np.corrcoef([item["b"] for item in report["items"]], np.linspace(-1.5, 1.5, 60))[0, 1] > 0.95
    assert model["dependent_pairs"] == [], "60 persons with both items are too few to call two items dependent"
    rng = np.random.default_rng(5)
    traces = {
        key: Trace("考场", {j + 1: float(np.exp(3.5 + 0.4 * rng.normal())) for j in sorted(given)}, 6, 3)
        for key, given in zip(table.attempt_ids, table.given or (), strict=True)
    }
    hasty = table.attempt_ids[7]
    traces[hasty] = replace(
        traces[hasty], seconds={slot: 0.4 if place % 2 else 40.0 for place, slot in enumerate(traces[hasty].seconds)}
    )
    found = find_leads(table, traces)
    assert ("times", (hasty,)) in {(lead.kind.value, lead.attempt_ids) for lead in found}
    assert not [lead for lead in found if lead.kind.value in {"copying", "cluster"}]
    assert len(found) <= 3


def test_thin_items_are_not_calibrated_and_carry_no_comparison_of_groups():
    table, _given = drawn_table(120, 80, 12, 4)
    report = analyse_form(table, {key: {"sex": "男" if row % 2 else "女"} for row, key in enumerate(table.attempt_ids)})
    assert report["model"]["flags"] == ["too_few_calibrated"]
    assert all("not_calibrated" in item["flags"] for item in report["items"])
    sexes = next(one for one in report["fairness"]["groupings"] if one["grouping"] == "sex")
    assert sexes["flags"] == ["too_few_per_item"]
    assert find_leads(table, {}) == []


def test_groups_are_compared_on_the_items_that_enough_of_both_answered():
    table, _given = drawn_table(400, 24, 16, 6)
    marked = mark_table(table)
    labels = ["甲" if row % 2 else "乙" for row in range(400)]
    few = marked.presented.copy()
    few[40:, 0] = False
    thin = replace(marked, presented=few, scores=np.where(few, marked.scores, np.nan))
    report = fairness_report(thin, {"培训": labels})
    (one,) = report["groupings"][0]["comparisons"]
    assert "items_left_out" in one["flags"]
    assert (one["class"][0], one["figures"]["delta"][0]) == ("", None)
    assert None not in one["figures"]["delta"][1:]
    assert [verdict for verdict in one["verdict"] if verdict] == []
    assert "items_left_out" not in fairness_report(marked, {"培训": labels})["groupings"][0]["comparisons"][0]["flags"]


def test_figures_of_some_candidates_rest_on_what_they_were_given():
    table, given = drawn_table(90, 30, 20, 8)
    marked = mark_table(table)
    rows = np.arange(40)
    part = analyse(marked.part(rows))
    assert [item["n"] for item in part["items"]] == given[:40].sum(axis=0).tolist()
    alone = analyse(mark_table(pool([own_form(n, ["v1", f"x{n}"]) for n in range(9)], SET_ID, "卷组").table))
    assert alone["items"][0]["n"] == 9

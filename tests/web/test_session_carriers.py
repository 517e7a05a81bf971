"""Figures by what candidates sat on: beside those of all together, never joined unseen, silent where a carrier is thin."""

from __future__ import annotations

import csv
import io
import json
import uuid
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from click.testing import CliRunner

from exam_delivery import public
from exam_delivery.models import SessionAnalysis
from exam_delivery.public_statistics import AnalysedLevel
from kernel.clock import now
from kernel.db import db, new_id
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank.public import load_statistics, record_statistics
from qbank.public_statistics import Carrier, list_carriers, load_history, load_measures
from tests.blueprints.bank_cases import Bank, fill_bank
from tests.exam_delivery.world import SealedForms, World, fake_blueprints
from web.analysis.command import analyse
from web.analysis.exporting import files_of, prepare
from web.analysis.sessions import analyse_form, mark_table, statistics_rows

K = 12
NAMES = {"电脑": 50, "平板": 36, "手机": 7}


def form(keys: list[str] | None = None, seed: int = 1) -> tuple[public.FormTable, dict[uuid.UUID, dict[str, str]]]:
    """Return answers of persons on three carriers, tablets weaker, phones few, and the groups of the persons."""
    rng = np.random.default_rng(seed)
    sat = [name for name, n in NAMES.items() for _ in range(n)]
    shift = np.array([[{"电脑": 0.8, "平板": -0.4, "手机": 0.0}[name]] for name in sat])
    right = rng.random((len(sat), K)) < 1 / (
        1 + np.exp(np.linspace(-1.2, 1.2, K) - shift - rng.normal(size=(len(sat), 1)))
    )
    slots = tuple(
        public.SlotOfForm(j + 1, keys[j] if keys else "", 1, "A", "single_choice", ("A", "B"), ("A",), Decimal(1))
        for j in range(K)
    )
    scores = [[Decimal(int(one)) for one in row] for row in right]
    chosen = [[("A",) if one else ("B",) for one in row] for row in right]
    chosen[0][0], scores[0][0] = (), Decimal(0)
    attempts = tuple(uuid.UUID(int=row + 1) for row in range(len(sat)))
    groups = {key: {"carrier": name} for key, name in zip(attempts, sat, strict=True)}
    return public.FormTable(uuid.UUID(int=99), "理论卷", slots, scores, chosen, attempts), groups


def test_every_carrier_has_the_figures_of_its_own_answers_and_a_thin_one_none():
    table, groups = form()
    report = analyse_form(table, groups)
    computer, tablet, phone = report["by_carrier"]
    assert [one["carrier"] for one in (computer, tablet, phone)] == ["computer", "tablet", "phone"]
    marks = np.array([[float(one) for one in row] for row in table.scores])
    assert computer["items"][3]["facility"] == pytest.approx(marks[:50, 3].mean(), abs=1e-5)
    assert tablet["test"]["mean"] == pytest.approx(marks[50:86].sum(axis=1).mean(), abs=1e-5)
    assert (computer["items"][0]["n_omitted"], tablet["items"][0]["n_omitted"]) == (1, 0)
    assert computer["items"][0]["options"]["A"]["n"] + computer["items"][0]["options"]["B"]["n"] == 49
    assert (phone["test"], phone["flags"], phone["n_candidates"]) == (None, ["too_few_on_carrier"], 7)
    assert set(phone["items"][0]) >= {"n", "facility", "item_version_id"}
    assert "item_rest_correlation" not in phone["items"][0]
    assert sum(one["items"][3]["facility"] * one["n_candidates"] for one in report["by_carrier"]) / 93 == pytest.approx(
        report["items"][3]["facility"], abs=1e-5
    )
    nobody = analyse_form(table, {})
    assert [one["carrier"] for one in nobody["by_carrier"]] == ["unknown"]
    with pytest.raises(ValueError, match="omitted"):
        replace(mark_table(table), is_omitted=None).part(np.array([0]))


@pytest.fixture
def bank(organisation) -> Bank:
    return fill_bank(organisation.organisation_id, copies=1)


@pytest.fixture
def keys(bank, make_actor) -> list[str]:
    from qbank import public as qbank

    pool = qbank.load_pool(db.session(), make_actor(Role.EDITOR), bank.standard_level_id)
    return [str(one.item_version_id) for one in pool][:K]


def keep(actor, report: dict, source: str = "exam_session:a:b") -> int:
    with unit_of_work(actor) as uow:
        return record_statistics(uow, statistics_rows(report, source, date(2026, 6, 1)))


def test_the_bank_keeps_a_row_for_each_carrier_and_assembly_reads_all_together(bank, keys, make_actor):
    editor = make_actor(Role.EDITOR)
    table, groups = form(keys)
    report = analyse_form(table, groups)
    assert keep(editor, report) == K
    whole = load_history(db.session(), editor, bank.standard_level_id)
    assert {row.carrier for row in whole} == {Carrier.ALL}
    assert {row.n for row in whole} == {93}
    tablets = load_history(db.session(), editor, bank.standard_level_id, carrier=Carrier.TABLET)
    assert {(row.carrier, row.n) for row in tablets} == {(Carrier.TABLET, 36)}
    assert list_carriers(db.session(), editor, bank.standard_level_id) == [
        Carrier.COMPUTER,
        Carrier.PHONE,
        Carrier.TABLET,
    ]
    measures = load_measures(db.session(), editor, bank.standard_level_id)
    assert {(measures[uuid.UUID(key)].n, measures[uuid.UUID(key)].n_sources) for key in keys} == {(93, 1)}
    found = load_statistics(db.session(), editor, [row.item_id for row in whole])
    assert {one.carrier for one in found.values()} == {Carrier.ALL}
    again = analyse_form(table, {key: {"carrier": "电脑"} for key in groups})
    assert keep(editor, again) == K
    assert list_carriers(db.session(), editor, bank.standard_level_id) == [Carrier.COMPUTER], "what is gone is gone"
    assert {row.n for row in load_history(db.session(), editor, bank.standard_level_id, carrier=Carrier.COMPUTER)} == {
        93
    }


@pytest.fixture
def world(app, organisation, make_actor, monkeypatch) -> World:
    from exam_delivery.services import forms as session_forms

    sealed = SealedForms(organisation.organisation_id, with_text=False)
    monkeypatch.setattr(session_forms, "blueprints", fake_blueprints(sealed))
    return World(make_actor(Role.EXAM_OFFICER, Role.EDITOR), sealed)


def stored(world: World, report: dict) -> str:
    form_id = uuid.UUID(report["form_id"])
    with unit_of_work(world.officer) as uow:
        uow.add(
            SessionAnalysis(
                session_analysis_id=new_id(), organisation_id=world.officer.organisation, exam_session_id=world.key,
                form_id=form_id, number=1, n_candidates=report["n_candidates"], report=report, computed_at=now(),
            )
        )  # fmt: skip
    return f"/analyses/sessions/{world.key}/forms/{form_id}"


def test_the_report_and_its_items_are_shown_for_all_or_for_one_carrier(world, sign_in):
    table, groups = form()
    report = analyse_form(table, groups)
    address = stored(world, report)
    client = sign_in(Role.EDITOR)
    page = client.get(address).text
    assert "平板（36 人）" in page
    assert "各作答设备" in page
    tablet = client.get(f"{address}?carrier=tablet").text
    assert f"{report['by_carrier'][1]['test']['mean']:.1f}" in tablet
    assert "items/3?carrier=tablet" in tablet
    assert "数据不足" in client.get(f"{address}?carrier=phone").text
    assert client.get(f"{address}?carrier=nothing").status_code == 404
    item = client.get(f"{address}/items/3?carrier=tablet").text
    assert f"{report['by_carrier'][1]['items'][2]['facility']:.2f}" in item
    assert "items/4?carrier=tablet" in item
    assert client.get(f"{address}/items/3?carrier=phone").status_code == 404
    assert "数据不足" in client.get(f"{address}/items/3").text, "phones stand in the table without a figure"
    rows = list(csv.DictReader(io.StringIO(client.get(f"{address}/figures.csv").data.decode("utf-8-sig"))))
    assert [rows[number]["carrier"] for number in (0, K, 2 * K, 3 * K)] == ["all", "computer", "tablet", "phone"]
    assert (rows[3 * K]["n"], rows[3 * K]["item_rest_correlation"]) == ("7", "")
    assert rows[3 * K]["flags"] == "too_few_on_carrier"


def test_one_carrier_is_named_and_not_shown_twice(world, sign_in):
    table, groups = form()
    address = stored(world, analyse_form(table, {key: {"carrier": "平板"} for key in groups}))
    client = sign_in(Role.EDITOR)
    page = client.get(address).text
    assert "作答设备：平板" in page
    assert "各作答设备" not in page
    text = client.get(f"{address}/figures.csv").data.decode("utf-8-sig")
    assert [row["carrier"] for row in csv.DictReader(io.StringIO(text))] == ["tablet"] * K


def test_the_item_in_the_bank_shows_a_line_for_each_carrier_with_interval(bank, keys, make_actor, sign_in):
    editor = make_actor(Role.EDITOR)
    table, groups = form(keys)
    keep(editor, analyse_form(table, groups), f"exam_session:{uuid.uuid4()}:{uuid.uuid4()}")
    (row,) = [
        one for one in load_history(db.session(), editor, bank.standard_level_id) if str(one.item_version_id) == keys[0]
    ]
    page = sign_in(Role.EDITOR).get(f"/items/{row.item_id}/checks").text
    for text in ("全部设备", "电脑", "平板", "手机", "数据不足", "场次统计"):
        assert text in page
    with unit_of_work(editor) as uow:
        rows = statistics_rows(analyse_form(table, groups), "单一来源", date(2026, 7, 1))
        record_statistics(uow, [one for one in rows if one.carrier in {Carrier.ALL, Carrier.PHONE}])
    page = sign_in(Role.EDITOR).get(f"/items/{row.item_id}/checks").text
    assert page.count("单一来源") == 1, "one carrier alone is one line under its own name"


def test_the_bank_s_figures_can_be_narrowed_to_one_carrier(bank, keys, make_actor, sign_in, monkeypatch):
    from web.pages import bank_statistics

    level = AnalysedLevel(bank.standard_level_id, "电工", "四级/中级工", 1, now())
    monkeypatch.setattr(bank_statistics, "_level", lambda _key: level)
    table, groups = form(keys)
    keep(make_actor(Role.EDITOR), analyse_form(table, groups))
    client = sign_in(Role.EDITOR)
    address = f"/analyses/levels/{bank.standard_level_id}"
    assert 'name="carrier"' in client.get(address).text
    assert client.get(f"{address}?carrier=tablet").text != client.get(address).text
    assert "只在一种设备上变容易" not in client.get(f"{address}/drift?carrier=tablet").text


def test_the_command_and_the_archive_for_r_carry_the_carriers(tmp_path):
    table, groups = form()
    carriers = {
        key: {"电脑": "computer", "平板": "tablet", "手机": "phone"}[one["carrier"]] for key, one in groups.items()
    }
    files = files_of("第一场", prepare(table, {}, lambda key: f"c{key.int:03d}", carriers))
    sat = [row["carrier"] for row in csv.DictReader(io.StringIO(files["carriers.csv"]))]
    assert (sat.count("tablet"), sat.count("phone"), sat.count("")) == (36, 0, 7), "seven persons could be known by it"
    assert "carriers.csv" not in files_of("第一场", prepare(table, {}, str))
    for name in ("responses.csv", "key.csv", "carriers.csv"):
        (tmp_path / name).write_text(files[name], encoding="utf-8")
    out, html = tmp_path / "o.json", tmp_path / "o.html"
    result = CliRunner().invoke(
        analyse,
        [
            str(tmp_path / "responses.csv"), "--key", str(tmp_path / "key.csv"), "--groups", str(tmp_path / "carriers.csv"),
            "--out", str(out), "--html", str(html),
        ],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    found = json.loads(out.read_text("utf-8"))["by_carrier"]
    whole = analyse_form(table, groups)["by_carrier"]
    assert [one["n_candidates"] for one in found] == [50, 36, 7]
    assert found[1]["test"]["alpha"] == whole[1]["test"]["alpha"]
    page = html.read_text("utf-8")
    assert "各作答设备" in page
    assert "设备不明" in page

"""Fairness of items between groups: found where it is, silent with a reason where data are short, and without persons."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from exam_delivery import public
from exam_delivery.models import Attempt, Candidate, SessionAnalysis
from exam_delivery.services import forms as session_forms
from kernel.clock import now
from kernel.db import db, new_id
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.exam_delivery.world import ALL_RIGHT, SealedForms, World, fake_blueprints
from web.analysis.command import analyse
from web.analysis.fairness import fairness_report, findings_of
from web.analysis.guide import markdown
from web.analysis.sessions import analyse_form, mark_table

K = 20


def table(seed: int, n: int, *, harder_for_second: float = 0.0) -> tuple[public.FormTable, list[bool]]:
    """Return answers of n persons to twenty items; the fifth is harder for every second person."""
    rng = np.random.default_rng(seed)
    second = np.arange(n) % 2 == 1
    shift = np.zeros((n, K))
    shift[second, 4] = harder_for_second
    right = rng.random((n, K)) < 1 / (1 + np.exp(np.linspace(-1.5, 1.5, K) + shift - rng.normal(size=(n, 1))))
    slots = tuple(
        public.SlotOfForm(j + 1, "", 1, "", "single_choice", ("A", "B"), ("A",), Decimal(1)) for j in range(K)
    )
    scores = [[Decimal(int(one)) for one in row] for row in right]
    chosen = [[("A",) if one else ("B",) for one in row] for row in right]
    keys = tuple(uuid.UUID(int=row + 1) for row in range(n))
    return public.FormTable(uuid.uuid4(), "卷", slots, scores, chosen, keys), second.tolist()


def labels(second: list[bool], names: tuple[str, str] = ("甲地", "乙地")) -> list[str]:
    return [names[one] for one in second]


def test_an_item_that_is_harder_for_one_region_is_found_with_its_direction_and_size():
    form, second = table(1, 800, harder_for_second=1.5)
    report = fairness_report(mark_table(form), {"region": labels(second)})
    (found,) = findings_of(report)
    assert (found["item"], found["verdict"], found["grouping"]) == ("5", "large", "region")
    comparison = found["comparison"]
    harder_for = comparison["focal"] if found["delta"] < 0 else comparison["reference"]
    assert harder_for == "乙地"
    assert abs(found["difference"]) > 0.1
    assert comparison["is_suspect"][4]
    assert report["groupings"][0]["n_tests"] == 2 * K


def test_an_item_that_tells_only_one_group_apart_is_called_crossing():
    rng = np.random.default_rng(2)
    form, second = table(2, 3000)
    noise = [Decimal(int(one)) for one in rng.random(3000) < 0.5]
    for row, is_second in enumerate(second):
        if is_second:
            form.scores[row][9] = noise[row]
    report = fairness_report(mark_table(form), {"region": labels(second)})
    assert {found["item"] for found in findings_of(report) if found["verdict"] == "crossing"} >= {"10"}


def test_fair_items_are_hardly_ever_called_unfair():
    found = [
        one for seed in range(16)
        for form, second in [table(seed, 400)]
        for one in findings_of(fairness_report(mark_table(form), {"region": labels(second)}))
    ]  # fmt: skip
    assert len(found) <= 3


def test_every_large_group_is_compared_with_all_others_and_small_ones_stay_nameless():
    form, _second = table(3, 300)
    sites = ["一号"] * 120 + ["二号"] * 100 + ["三号"] * 60 + ["四号"] * 15 + ["孤例"] * 5
    (sites_report,) = fairness_report(mark_table(form), {"site": sites})["groupings"]
    assert [(one["focal"], one["reference"]) for one in sites_report["comparisons"]] == [
        ("一号", ""),
        ("二号", ""),
        ("三号", ""),
    ]
    assert [one["n_reference"] for one in sites_report["comparisons"]] == [180, 200, 240]
    assert {one["group"] for one in sites_report["groups"]} == {"一号", "二号", "三号", "四号"}
    assert (sites_report["n_unnamed_groups"], sites_report["n_in_unnamed_groups"]) == (1, 5)
    assert "孤例" not in json.dumps(sites_report, ensure_ascii=False)
    assert sites_report["comparisons"][0]["flags"] == ["few_in_group"]


@pytest.mark.parametrize(
    ("n", "names", "reason"),
    [
        (300, [""] * 300, "group_unknown"),
        (300, ["甲"] * 299 + [""], "one_group"),
        (300, ["甲"] * 260 + ["乙"] * 40, "too_few_in_groups"),
        (300, [f"{number % 10}组" for number in range(300)], "too_few_in_groups"),
    ],
)
def test_data_that_cannot_carry_a_comparison_give_a_reason_and_no_figure(n, names, reason):
    form, _second = table(4, n)
    (found,) = fairness_report(mark_table(form), {"region": names})["groupings"]
    assert (found["flags"], found["comparisons"]) == ([reason], [])


def test_a_short_total_is_not_used_to_call_persons_equal():
    form, second = table(5, 400)
    short = public.FormTable(
        form.form_id,
        "",
        form.slots[:9],
        [row[:9] for row in form.scores],
        [row[:9] for row in form.chosen],
        form.attempt_ids,
    )
    report = fairness_report(mark_table(short), {"region": labels(second)})
    assert report["groupings"][0]["flags"] == ["too_few_items_for_groups"]


def test_items_with_partial_marks_or_without_differences_are_named_as_left_out():
    form, second = table(6, 200)
    for row in form.scores:
        row[0] = Decimal(1)
    form.scores[0][1] = Decimal("0.5")
    report = fairness_report(mark_table(form), {"region": labels(second)})
    assert report["left_out"] == ["1", "2"]
    assert len(report["items"]) == K - 2


def test_the_command_compares_the_columns_of_a_groups_file_and_shows_them_on_the_page(tmp_path):
    form, second = table(1, 800, harder_for_second=1.5)
    head = ",".join(["candidate", *(f"Q{slot.slot}" for slot in form.slots)])
    rows = [",".join([f"c{row}", *map(str, marks)]) for row, marks in enumerate(form.scores)]
    (tmp_path / "r.csv").write_text("\n".join([head, *rows]), encoding="utf-8")
    groups = [f"c{row},{name}" for row, name in enumerate(labels(second))][:-1]
    (tmp_path / "g.csv").write_text("\n".join(["candidate,地区", *groups]), encoding="utf-8")
    options = [
        "--groups",
        str(tmp_path / "g.csv"),
        "--out",
        str(tmp_path / "o.json"),
        "--html",
        str(tmp_path / "o.html"),
    ]
    result = CliRunner().invoke(analyse, [str(tmp_path / "r.csv"), *options])
    assert result.exit_code == 0, result.output
    assert "没有 1 名考生" in result.output
    report = json.loads((tmp_path / "o.json").read_text("utf-8"))["fairness"]
    assert [one["item"] for one in findings_of(report)] == ["Q5"]
    assert report["groupings"][0]["n_unknown"] == 1
    page = (tmp_path / "o.html").read_text("utf-8")
    assert "分组公平性" in page
    assert "差异大" in page


def test_a_report_without_groups_says_nothing_of_them(tmp_path):
    (tmp_path / "r.csv").write_text("candidate,Q1,Q2\nc1,1,0\nc2,0,1\n", encoding="utf-8")
    options = ["--out", str(tmp_path / "o.json"), "--html", str(tmp_path / "o.html")]
    assert CliRunner().invoke(analyse, [str(tmp_path / "r.csv"), *options]).exit_code == 0
    assert "fairness" not in json.loads((tmp_path / "o.json").read_text("utf-8"))
    assert "分组公平性" not in (tmp_path / "o.html").read_text("utf-8")


@pytest.fixture
def world(app, organisation, make_actor, monkeypatch) -> World:
    sealed = SealedForms(organisation.organisation_id, with_text=False)
    monkeypatch.setattr(session_forms, "blueprints", fake_blueprints(sealed))
    world = World(make_actor(Role.EXAM_OFFICER, Role.EDITOR), sealed)
    world.register(4)
    world.arrange()
    world.prepare()
    world.open()
    for attempt in world.attempts():
        world.sit(ALL_RIGHT, attempt)
    with unit_of_work(world.officer) as uow:
        for row in uow.session.query(Candidate):
            row.extra = {"报名单位": "演示培训学校", "所在省（市）区": "某省", "户籍所在地": "某村"}
        for place, attempt in enumerate(uow.session.query(Attempt)):
            attempt.device = f"10.0.0.{place} " + ("Mozilla/5.0 (X11; Linux)" if place % 2 else "X (Android 13; Pad)")
    world.close_and_score()
    return world


def test_groups_come_from_registration_and_hold_nothing_that_names_a_person(world, make_actor, other_organisation):
    ids = [attempt.attempt_id for attempt in world.attempts()]
    found = public.load_groups(db.session(), world.officer, ids)
    assert set(found) == set(ids)
    first = found[ids[0]]
    assert first["site"] == "演示考点"
    assert (first["training_body"], first["region"], first["employer"]) == ("演示培训学校", "某省", "演示企业")
    assert {one["sex"] for one in found.values()} == {"男", "女"}
    assert {one["carrier"] for one in found.values()} == {"电脑", "平板"}
    assert set(first) == set(public.GROUPINGS)
    assert "演示考生" not in str(found)
    assert "某村" not in str(found)
    stranger = make_actor(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    assert public.load_groups(db.session(), stranger, ids) == {}


def stored(world: World, report: dict) -> uuid.UUID:
    form_id = world.attempts()[0].form_id
    with unit_of_work(world.officer) as uow:
        uow.add(
            SessionAnalysis(
                session_analysis_id=new_id(), organisation_id=world.officer.organisation, exam_session_id=world.key,
                form_id=form_id, number=7, n_candidates=800, report=report, computed_at=now(),
            )
        )  # fmt: skip
    return form_id


def test_the_page_shows_what_stands_out_and_every_item_of_a_comparison(world, sign_in):
    form, second = table(1, 800, harder_for_second=1.5)
    sexes = {
        key: {"sex": "女" if one else "男", "site": "一号考点"}
        for key, one in zip(form.attempt_ids, second, strict=True)
    }
    form_id = stored(world, analyse_form(form, sexes))
    client = sign_in(Role.EDITOR)
    address = f"/analyses/sessions/{world.key}/forms/{form_id}/fairness"
    page = client.get(address).text
    assert "差异大" in page
    assert "女" in page
    assert "考生都属于同一组" in page
    assert "报名信息里没有这一项" in page
    report = client.get(f"/analyses/sessions/{world.key}/forms/{form_id}").text
    assert f'href="{address}"' in report
    assert "1 道题对某一组考生可能更难" in report
    detail = client.get(f"{address}?grouping=sex&place=0").text
    assert "<svg" in detail
    assert "不计入作比较的总分" in detail
    assert client.get(f"{address}?grouping=sex&place=9").status_code == 200


def test_an_analysis_from_before_the_comparison_says_how_to_get_it(world, sign_in):
    form, _second = table(1, 40)
    report = analyse_form(form, {})
    del report["fairness"]
    form_id = stored(world, report)
    client = sign_in(Role.EDITOR)
    address = f"/analyses/sessions/{world.key}/forms/{form_id}/fairness"
    assert "请在报告页点" in client.get(address).text
    assert client.get(f"/analyses/sessions/{world.key}/forms/{uuid.uuid4()}/fairness").status_code == 404
    assert sign_in(Role.INVIGILATOR).get(address).status_code == 403


def test_the_guide_explains_every_figure_on_the_page_and_in_the_document(sign_in):
    page = sign_in(Role.EDITOR).get("/analyses/guide").text
    for anchor in (
        "facility",
        "item-rest",
        "discrimination",
        "alpha",
        "sem",
        "dif",
        "drift",
        "bank-p-value",
        "multiple",
    ):
        assert f'id="{anchor}"' in page
    assert (Path(__file__).parents[2] / "docs/zh/统计指标.md").read_text("utf-8") == markdown()

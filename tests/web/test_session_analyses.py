"""Statistics of a scored session: computed by themselves, kept in versions, shown to those who may see them."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from exam_delivery import public
from exam_delivery.models import SessionAnalysis
from exam_delivery.services import forms as session_forms
from kernel import profiles
from kernel.clock import today
from kernel.db import db
from kernel.errors import ConflictError, NotFoundError
from kernel.identity.permissions import Role
from kernel.jobs.models import Job
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from qbank.public_changes import Report, ReportSource, report_by_statistics
from tests.exam_delivery.world import ALL_RIGHT, SealedForms, World, fake_blueprints
from tests.factories.standards import make_level
from tests.qbank.item_bank import make_draft
from web.analysis.comparing import compare_forms
from web.analysis.sessions import alarm_reports, statistics_rows

N = 24


@pytest.fixture
def world(app, organisation, make_actor, monkeypatch) -> World:
    """A session of which every candidate has handed in, the abler the more right."""
    sealed = SealedForms(organisation.organisation_id, with_text=False)
    monkeypatch.setattr(session_forms, "blueprints", fake_blueprints(sealed))
    world = World(make_actor(Role.EXAM_OFFICER, Role.EDITOR), sealed)
    world.register(N)
    world.arrange()
    world.prepare()
    world.open()
    for place, attempt in enumerate(world.attempts()):
        n_right = 1 + place * (len(ALL_RIGHT) - 1) // (N - 1)
        shown = [slot for section in attempt.layout["sections"] for slot in section]
        world.sit({slot: ALL_RIGHT[slot] for slot in shown[:n_right]}, attempt)
    world.close_and_score()
    return world


def analyse(world: World) -> list[SessionAnalysis]:
    for job in db.session.query(Job).filter_by(name=public.ANALYSE_JOB, status="waiting"):
        assert run_job(job.job_id) == "done", job.error
    db.session.expire_all()
    return list(public.find_analyses(db.session(), world.officer, world.key)[1])


def test_a_wholly_scored_session_is_analysed_by_itself_form_by_form(world):
    found = analyse(world)
    assert sum(one.n_candidates for one in found) == N
    assert {one.number for one in found} == {1}
    for one in found:
        assert [item["slot"] for item in one.report["items"]] == list(range(1, 11))
        assert one.report["test"]["max_score"] == 10
        assert one.report["test"]["alpha"] > 0.5


def test_the_rules_of_the_organisation_judge_the_figures_and_stand_in_the_report(world, make_actor, sign_in):
    usual = analyse(world)[0].report
    assert "few_candidates" in usual["test"]["flags"]
    assert not any("very_easy" in item["flags"] for item in usual["items"])
    own = {"analysis.few": 5, "analysis.very_easy": 0.7, "analysis.low_reliability": 0.95}
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        profiles.publish(uow, own, effective_on=today())
    with unit_of_work(world.officer) as uow:
        public.request_analysis(uow, world.key)
    strict = analyse(world)[0].report
    assert strict["bounds"]["very_easy"] == 0.7
    assert "few_candidates" not in strict["test"]["flags"]
    assert "low_reliability" in strict["test"]["flags"]
    expected = {item["slot"] for item in strict["items"] if item["n"] >= 5 and 0.7 <= item["facility"] < 1}
    assert expected == {item["slot"] for item in strict["items"] if "very_easy" in item["flags"]} != set()
    assert "很易 ≥ 0.7" in sign_in(Role.EDITOR).get(f"/analyses/sessions/{world.key}").text


def test_what_nobody_saw_any_more_is_not_reached_and_the_first_open_item_is_omitted(world):
    tables = public.load_form_tables(db.session(), world.officer, world.key)
    by_attempt = {attempt.attempt_id: attempt for attempt in world.attempts()}
    assert sum(len(table.chosen) for table in tables) == len(by_attempt)
    for table in tables:
        for scores, chosen in zip(table.scores, table.chosen, strict=True):
            answered = sum(1 for one in chosen if one)
            assert sum(one is None for one in chosen) == max(0, 9 - answered)
            assert sum(one == () for one in chosen) == (1 if answered < 10 else 0)
            assert [score is None for score in scores] == [one is None for one in chosen]


def test_another_run_adds_a_version_and_none_is_changed(world):
    analyse(world)
    with unit_of_work(world.officer) as uow:
        public.request_analysis(uow, world.key)
    assert {one.number for one in analyse(world)} == {2}
    assert db.session.query(SessionAnalysis).count() == 4


def test_figures_of_an_item_stand_beside_its_options(world):
    one = analyse(world)[0]
    figures = next(item for item in one.report["items"] if item["slot"] == 10)
    assert figures["options"]["true"]["key"]
    assert not figures["options"]["false"]["key"]
    assert figures["options"]["true"]["n"] == round(figures["facility"] * figures["n"])


def test_a_session_that_is_not_scored_cannot_be_analysed(app, organisation, make_actor, monkeypatch):
    sealed = SealedForms(organisation.organisation_id)
    monkeypatch.setattr(session_forms, "blueprints", fake_blueprints(sealed))
    world = World(make_actor(Role.EXAM_OFFICER), sealed)
    with pytest.raises(ConflictError), unit_of_work(world.officer) as uow:
        public.request_analysis(uow, world.key)


def test_another_organisation_sees_nothing(world, make_actor, other_organisation):
    analyse(world)
    stranger = make_actor(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError):
        public.find_analyses(db.session(), stranger, world.key)
    assert public.list_analyses(db.session(), stranger, page=1, per_page=50) == ([], 0)


def test_the_pages_lead_from_list_to_report_to_item(world, sign_in):
    analyse(world)
    client = sign_in(Role.EDITOR)
    assert "第一场" in client.get("/analyses/").text
    page = client.get(f"/analyses/sessions/{world.key}").text
    assert "平均得分率" in page
    assert "题总相关" in page
    form_id = public.find_analyses(db.session(), world.officer, world.key)[1][0].form_id
    item = client.get(f"/analyses/sessions/{world.key}/forms/{form_id}/items/3").text
    assert "选项曲线" in item
    assert "标准答案" in item
    assert "演示考生" not in page + item
    assert client.get(f"/analyses/sessions/{world.key}/forms/{form_id}/items/99").status_code == 404


def test_the_figures_can_be_taken_along_as_csv(world, sign_in):
    form_id = analyse(world)[0].form_id
    client = sign_in(Role.EDITOR)
    text = client.get(f"/analyses/sessions/{world.key}/forms/{form_id}/figures.csv").data.decode("utf-8-sig")
    assert text.splitlines()[0].startswith("item,slot,part,point,type,n,facility")
    assert len(text.splitlines()) == 11


def test_who_may_not_see_statistics_is_refused(world, sign_in):
    client = sign_in(Role.INVIGILATOR)
    assert client.get(f"/analyses/sessions/{world.key}").status_code == 403


def test_a_session_without_an_analysis_says_so_and_offers_one(world, sign_in):
    client = sign_in(Role.EDITOR)
    assert "还没有分析" in client.get(f"/analyses/sessions/{world.key}").text
    assert client.post(f"/analyses/sessions/{world.key}/run").status_code == 303
    assert "还没有分析" in client.get("/analyses/").text


def test_statistics_of_a_version_speak_of_all_its_parts():
    whole, part = str(uuid.uuid4()), str(uuid.uuid4())
    report = {
        "items": [
            {"item_version_id": whole, "n": 30, "facility": 0.7, "max_score": 1.0, "item_rest_correlation": 0.3},
            {"item_version_id": part, "n": 30, "facility": 0.5, "max_score": 1.0, "item_rest_correlation": 0.2},
            {"item_version_id": part, "n": 28, "facility": 0.8, "max_score": 2.0, "item_rest_correlation": 0.4},
            {"item_version_id": "", "n": 30, "facility": 0.8, "max_score": 2.0, "item_rest_correlation": 0.4},
        ]
    }
    first, second = statistics_rows(report, "exam_session:x", date(2026, 11, 22))
    assert (first.proportion_correct, first.item_total_r, first.n) == (0.7, 0.3, 30)
    assert second.proportion_correct == pytest.approx(0.7)
    assert (second.item_total_r, second.n) == (None, 28)


def test_an_alarm_about_enough_answers_becomes_a_report_with_its_figures():
    version = str(uuid.uuid4())
    item = {
        "item_version_id": version, "slot": 7, "n": 40, "facility": 0.31, "item_rest_correlation": -0.12,
        "flags": ["possible_wrong_key:C", "negative_discrimination"],
    }  # fmt: skip
    report = {"items": [item, item | {"flags": ["very_easy"]}, item | {"n": 29}]}
    (found,) = alarm_reports(report, "理论知识试卷（A卷）", 30)
    assert str(found.item_version_id) == version
    assert "C" in found.text
    assert found.place == "理论知识试卷（A卷），第 7 题"
    assert "-0.12" in found.evidence
    assert alarm_reports(report, "", 0) == []
    few = {"items": [item | {"n": 12, "flags": [*item["flags"], "few_candidates"]}]}
    assert alarm_reports(few, "", 10) == [], "chance gives such figures among a dozen people"


def test_a_version_with_an_open_case_gets_no_second_one(organisation, make_actor):
    editor = make_actor(Role.EDITOR)
    draft = make_draft(editor, make_level(organisation.organisation_id).standard_level_id)
    report = Report(ReportSource.STAFF, "统计认为答案有误，请核对", item_version_id=draft.current_version_id)
    with unit_of_work(editor) as uow:
        assert report_by_statistics(uow, [report, report]) == 1
    with unit_of_work(editor) as uow:
        assert report_by_statistics(uow, [report, replace(report, item_version_id=uuid.uuid4())]) == 0


def counts(seed: int, mean: float, n: int) -> list[int]:
    scores = np.clip(np.rint(np.random.default_rng(seed).normal(mean, 12, n)), 0, 100).astype(int)
    return np.bincount(scores, minlength=101).tolist()


def form(seed: int, mean: float, n: int = 400) -> dict:
    return {"title": f"卷{seed}", "score_counts": counts(seed, mean, n)}


@pytest.mark.parametrize("n", [60, 400])
def test_a_harder_form_is_worth_more_and_parallel_forms_show_no_difference(n):
    first, same, harder = compare_forms([form(1, 70, n), form(2, 70, n), form(3, 55, n)])
    assert (first.equivalent, first.error) == (60.0, None)
    assert not same.is_different
    assert harder.is_different
    assert harder.equivalent == pytest.approx(75, abs=5)
    assert harder.is_smoothed == (n == 400)


def test_parallel_forms_are_called_different_about_as_often_as_stated():
    called = [compare_forms([form(seed, 70, 80), form(seed + 500, 70, 80)])[1] for seed in range(200)]
    gaps = [abs(one.equivalent - 60) > 1.96 * one.error for one in called]
    assert np.mean(gaps) == pytest.approx(0.05, abs=0.04)


def test_few_candidates_or_other_full_marks_are_not_compared():
    _first, few = compare_forms([form(1, 70), form(2, 70, 29)])
    assert few.equivalent is None
    assert not few.is_different
    other = {"title": "短卷", "score_counts": [0] * 20 + [50, 40, 30]}
    assert compare_forms([form(1, 70), other])[1].equivalent is None

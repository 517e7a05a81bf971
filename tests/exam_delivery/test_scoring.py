"""Scoring: the right marks slot by slot, versions that are only added, one bad answer that holds up nobody else."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal

import pytest
from sqlalchemy.exc import DBAPIError

from exam_delivery.models import (
    ExamSession,
    Registration,
    RegistrationStatus,
    ResponseState,
    ScoreRecord,
    ScoreStatus,
    SessionStatus,
    SlotScore,
)
from exam_delivery.repository import scores as repository
from exam_delivery.repository.scores import ScoreFilter
from exam_delivery.rules.scoring import parse_scoring, response_text, score_attempt, stored_digest
from exam_delivery.rules.statistics import distribution
from exam_delivery.services import registrations, results, scoring
from kernel.db import db
from kernel.errors import IllegalTransitionError
from kernel.identity.permissions import Role
from kernel.jobs.runner import run_job
from kernel.spreadsheets import read_table
from kernel.uow import unit_of_work
from tests.exam_delivery.world import ALL_RIGHT

CHOICE = {
    "type": "single_choice", "stem": "题（　）。", "key": "B",
    "choices": [{"id": c, "content": f"选项{c}"} for c in "ABCD"], "score": "1",
}  # fmt: skip
MULTIPLE = CHOICE | {"type": "multiple_choice", "key": ["A", "C"]}
JUDGEMENT = {"type": "true_false", "stem": "铁是金属。", "key": True, "score": "1"}
FILL = {"type": "fill_in", "stem": "{{1}}是金属。", "key": [["铁", "Fe"]], "score": "2"}
SHORT = {
    "type": "short_answer",
    "stem": "简述。",
    "key": None,
    "rubric": [{"text": "要点", "score": "5"}],
    "score": "5",
}


@pytest.mark.parametrize(
    ("content", "stored", "score", "outcome"),
    [
        (CHOICE, '["B"]', "1", "correct"),
        (CHOICE, '["A"]', "0", "wrong"),
        (CHOICE, "[]", "0", "omitted"),
        (CHOICE, None, "0", "omitted"),
        (CHOICE, "null", "0", "omitted"),
        (CHOICE, '["B", "C"]', None, "unreadable"),
        (CHOICE, '{"a": 1}', None, "unreadable"),
        (CHOICE, "no json", None, "unreadable"),
        (MULTIPLE, '["C", "A"]', "1", "correct"),
        (MULTIPLE, '["A"]', "0", "wrong"),
        (JUDGEMENT, '["true"]', "1", "correct"),
        (JUDGEMENT, '["false"]', "0", "wrong"),
        (FILL, '["fe"]', "2", "correct"),
        (FILL, '["铜"]', "0", "wrong"),
        (SHORT, '["一段话"]', None, "needs_marking"),
        (SHORT, '[""]', "0", "omitted"),
    ],
)
def test_each_kind_of_answer_gets_its_marks(content, stored, score, outcome):
    key = parse_scoring({"key_version": 1, "slots": [{"slot": 1, "score": content["score"], "content": content}]})
    result = score_attempt(key, {} if stored is None else {1: stored}, {}).slots[0]
    assert (result.score, result.outcome) == (None if score is None else Decimal(score), outcome)


def test_the_score_of_the_form_counts_not_that_of_the_item():
    key = parse_scoring({"key_version": 1, "slots": [{"slot": 4, "score": "0.5", "content": CHOICE}]})
    assert score_attempt(key, {4: '["B"]'}, {}).score == Decimal("0.5")


def test_a_mark_fills_only_what_waits_for_one():
    slots = [{"slot": n, "score": c["score"], "content": c} for n, c in enumerate((CHOICE, SHORT), 1)]
    key = parse_scoring({"key_version": 1, "slots": slots})
    result = score_attempt(key, {1: '["A"]', 2: '["话"]'}, {1: Decimal(1), 2: Decimal("3.5")})
    assert [slot.score for slot in result.slots] == [Decimal(0), Decimal("3.5")]
    assert result.score == Decimal("3.5")


def test_the_digest_does_not_depend_on_the_order_of_arrival_or_blanks():
    assert stored_digest({1: '["B"]', 2: "[]"}) == stored_digest({2: "[ ]", 1: '[ "B" ]'})


@pytest.mark.parametrize(
    ("stored", "shown"), [('["B"]', "B"), ('["甲", "乙"]', "甲；乙"), ('[["A","1"]]', "A=1"), ("[]", ""), ("x", "x")]
)
def test_an_answer_reads_as_people_write_it(stored, shown):
    assert response_text(stored) == shown


def records(world):
    newest = repository.newest_records(db.session(), [attempt.attempt_id for attempt in world.attempts()])
    return [newest.get(attempt.attempt_id) for attempt in world.attempts()]


def test_a_closed_session_is_scored_slot_by_slot_and_who_never_began_is_absent(machine_world):
    found = records(machine_world)
    assert [record.score if record else None for record in found] == [Decimal(10), Decimal(1), Decimal(0), None]
    assert all(record.max_score == 10 for record in found[:3])
    slots = repository.slot_scores(db.session(), found[1].score_record_id)
    assert [slot.outcome for slot in slots] == ["correct", "wrong", *["omitted"] * 8]
    assert sum(slot.score for slot in slots) == found[1].score
    assert db.session.get(ExamSession, machine_world.key).status is SessionStatus.SCORED
    absent = db.session.query(Registration).filter_by(status=RegistrationStatus.ABSENT).count()
    assert absent == 1


def rescore(world):
    with unit_of_work(world.officer) as uow:
        job = scoring.request_scoring(uow, world.key)
    assert run_job(job.job_id) == "done"
    db.session.expire_all()
    return job


def test_scoring_again_adds_a_version_and_keeps_the_old(machine_world):
    rescore(machine_world)
    attempt = machine_world.attempts()[0]
    found = repository.records_of_attempt(db.session(), attempt.attempt_id)
    assert [(record.number, record.score) for record in found] == [(2, Decimal(10)), (1, Decimal(10))]
    assert found[0].responses_digest == found[1].responses_digest == attempt.receipt["digest"]


def test_a_run_that_broke_off_scores_nobody_twice(machine_world):
    with unit_of_work(machine_world.officer) as uow:
        job = scoring.request_scoring(uow, machine_world.key)
    run_id = uuid.UUID(job.payload["run_id"])
    with unit_of_work(machine_world.officer) as uow:
        keys = scoring.Keys(uow.actor.organisation)
        scoring.score_attempts(uow, [machine_world.attempts()[0].attempt_id], keys, run_id)
    assert run_job(job.job_id) == "done"
    db.session.expire_all()
    assert [record.number for record in records(machine_world)[:3]] == [2, 2, 2]


def test_the_database_refuses_to_change_or_delete_a_score(machine_world):
    from sqlalchemy import delete, update

    for statement in (update(ScoreRecord).values(score=1), delete(SlotScore)):
        with pytest.raises(DBAPIError, match="append-only"), db.session.begin_nested():
            db.session.execute(statement)


def test_one_unreadable_answer_blocks_its_own_attempt_alone_and_says_why(world):
    world.forms.contents = world.forms.contents[:-1]
    world.register(2)
    world.arrange()
    world.prepare()
    world.open()
    db.session.expire_all()
    first, second = world.attempts()
    world.sit(ALL_RIGHT | {3: '{"broken": true}'}, first)
    world.sit(ALL_RIGHT, second)
    world.close_and_score()
    blocked, whole = records(world)
    assert (blocked.status, blocked.score) == (ScoreStatus.BLOCKED, None)
    assert "第 3 题" in blocked.reason
    assert (whole.status, whole.score) == (ScoreStatus.COMPLETE, Decimal(10))
    assert db.session.get(ExamSession, world.key).status is SessionStatus.CLOSED


def test_answers_that_differ_from_the_receipt_are_not_scored(machine_world):
    attempt = machine_world.attempts()[1]
    with unit_of_work(machine_world.officer) as uow:
        uow.session.get(ResponseState, (attempt.attempt_id, 2)).response = '["B"]'
    rescore(machine_world)
    record = records(machine_world)[1]
    assert record.status is ScoreStatus.BLOCKED
    assert "回执" in record.reason


def test_answers_that_are_gone_raise_an_alarm(machine_world):
    attempt = machine_world.attempts()[1]
    with unit_of_work(machine_world.officer) as uow:
        uow.session.query(ResponseState).filter_by(attempt_id=attempt.attempt_id).delete()
    rescore(machine_world)
    assert "没有作答记录" in records(machine_world)[1].reason


def test_a_scoring_part_that_cannot_be_opened_blocks_only_its_own_form(machine_world):
    attempts = machine_world.attempts()
    machine_world.forms.broken.add(str(attempts[0].form_id))
    rescore(machine_world)
    for attempt, record in zip(attempts[:3], records(machine_world)[:3], strict=True):
        is_broken = attempt.form_id == attempts[0].form_id
        assert (record.status is ScoreStatus.BLOCKED) == is_broken


def test_a_void_candidate_holds_up_nobody_and_can_be_restored(machine_world):
    attempt = machine_world.attempts()[1]
    test_answers_that_differ_from_the_receipt_are_not_scored(machine_world)
    assert db.session.get(ExamSession, machine_world.key).status is SessionStatus.CLOSED
    with unit_of_work(machine_world.officer) as uow:
        registrations.void_registration(uow, attempt.registration_id, reason="违纪")
    db.session.expire_all()
    assert db.session.get(ExamSession, machine_world.key).status is SessionStatus.SCORED
    with unit_of_work(machine_world.officer) as uow:
        registrations.restore_registration(uow, attempt.registration_id, reason="查无此事")
    db.session.expire_all()
    assert db.session.get(ExamSession, machine_world.key).status is SessionStatus.CLOSED


def test_nothing_is_scored_before_the_session_is_over(world):
    world.register(1)
    world.arrange()
    world.prepare()
    with pytest.raises(IllegalTransitionError), unit_of_work(world.officer) as uow:
        scoring.request_scoring(uow, world.key)


def test_the_list_filters_by_state_and_name_and_the_export_holds_what_is_shown(machine_world):
    actor, batch = machine_world.officer, machine_world.batch.exam_batch_id
    lines, total = repository.list_scores(db.session(), ScoreFilter(exam_batch_id=batch), actor=actor)
    assert (total, [line.state for line in lines]) == (4, ["complete", "complete", "complete", "absent"])
    absent, _total = repository.list_scores(db.session(), ScoreFilter(batch, state="absent"), actor=actor)
    assert [line.candidate.name for line in absent] == ["演示考生4"]
    with unit_of_work(actor) as uow:
        body = results.export_scores(uow, ScoreFilter(batch, text="考生1"))
    rows = read_table(body)[0].rows
    assert len(rows) == 2
    assert "110101********" in rows[1][2]
    assert rows[1][8] == "10"


def test_figures_count_each_slot_of_each_form(machine_world):
    actor = machine_world.officer
    figures = results.item_figures(db.session(), actor, [machine_world.key])
    assert sum(figure.n for figure in figures if figure.slot == 1) == 3
    assert sum(figure.mean * figure.n for figure in figures if figure.slot == 1) == pytest.approx(2, abs=0.01)
    spread = results.score_distribution(db.session(), actor, [machine_world.key])
    assert (spread.n, spread.highest, spread.lowest) == (3, Decimal(10), Decimal(0))
    assert sum(band.count for band in spread.bands) == 3


def test_the_greatest_score_lies_in_the_last_band():
    spread = distribution([Decimal(0), Decimal("9.999"), Decimal(10), Decimal(100)], Decimal(100))
    assert [band.count for band in spread.bands] == [2, 1, *[0] * 7, 1]
    assert distribution([], Decimal(100)).mean is None


def test_another_organisation_sees_no_score(machine_world, make_actor, other_organisation):
    stranger = make_actor(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    assert repository.list_scores(db.session(), ScoreFilter(), actor=stranger)[1] == 0


def test_scores_show_in_the_browser(machine_world, sign_in):
    client = sign_in(Role.EXAM_OFFICER)
    batch = machine_world.batch.exam_batch_id
    assert "2026-01" in client.get("/scores/").text
    page = client.get(f"/scores/{batch}?state=complete").text
    assert "演示考生1" in page
    assert "演示考生4" not in page
    figures = client.get(f"/scores/{batch}/figures").text
    assert "各题得分率" in figures
    assert "单项选择题" in figures
    registration = machine_world.attempts()[0].registration_id
    person = client.get(f"/scores/people/{registration}").text
    assert "评分版本" in person
    answer = client.post(f"/scores/{batch}/export?state=complete")
    assert len(read_table(answer.data)[0].rows) == 4
    assert sign_in(Role.INVIGILATOR).get(f"/scores/{batch}").status_code == 403
    assert json.dumps(page)

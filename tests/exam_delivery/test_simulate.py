"""`kaoku simulate`: a session open now, whose candidates can sign in and whose items are ordinary ones."""

from __future__ import annotations

import csv
import gzip
import io
import json

import pytest
from click.testing import CliRunner

from blueprints import public as blueprints
from exam_delivery.models import (
    Attempt,
    AttemptStatus,
    ExamSession,
    Registration,
    RenderedForm,
    ResponseState,
    ScoreRecord,
    SessionStatus,
)
from exam_delivery.services import running
from exam_delivery.services.personal import sign_in_index
from kernel.clock import now, today
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.identity.actor import system_actor
from kernel.jobs.models import Job
from kernel.jobs.runner import run_job
from kernel.national_id import IdKind, check_id_number
from kernel.uow import unit_of_work
from qbank.models.items import Item
from web.cli import cli
from web.simulation import id_number, simulate


@pytest.fixture
def made(organisation, tmp_path):
    out = tmp_path / "people.csv"
    return simulate(35, 30, out, say=lambda _text: None), list(csv.reader(io.StringIO(out.read_text(encoding="utf-8"))))


def test_everybody_in_the_file_can_sign_in_now(made):
    simulated, lines = made
    assert lines[0] == ["admission_number", "id_number"]
    assert len(lines) == 36
    by_number = {row.admission_number: row for row in db.session.query(Registration).all()}
    assert all(by_number[number].sign_in_index == sign_in_index(number, person) for number, person in lines[1:])
    row = db.session.get(ExamSession, simulated.exam_session_id)
    assert row.status is SessionStatus.OPEN
    assert row.opens_at <= row.starts_at <= now() < row.ends_at
    attempts = db.session.query(Attempt).all()
    assert len(attempts) == 35
    assert all(attempt.n_slots == 30 for attempt in attempts)


def test_the_forms_hold_all_items_and_no_key(made):
    form = json.loads(gzip.decompress(db.session.query(RenderedForm).first().body))
    assert len(form["slots"]) == 30
    assert {slot["interaction"] for slot in form["slots"]} == {"choice", "true_false"}
    assert '"key"' not in json.dumps(form)


def test_the_items_are_ordinary_approved_items_of_the_organisation(made, organisation):
    items = db.session.query(Item).all()
    assert len(items) == 30
    assert {item.status for item in items} == {"approved"}
    assert {item.organisation_id for item in items} == {organisation.organisation_id}


def test_right_answers_of_a_simulated_session_earn_every_mark(made, organisation):
    """The whole way over the real sealed form: deliver, answer by the key, close, score."""
    actor = system_actor(organisation.organisation_id, name="test")
    attempt = db.session.query(Attempt).first()
    key = blueprints.open_scoring(db.session(), actor, attempt.form_id)
    with unit_of_work(actor) as uow:
        row = uow.session.get(Attempt, attempt.attempt_id)
        row.status, row.started_at, row.deadline_at = AttemptStatus.IN_PROGRESS, now(), now()
        for slot in key["slots"]:
            answer = json.dumps(as_response(slot["content"]["key"]))
            uow.add(
                ResponseState(attempt_id=row.attempt_id, slot=slot["slot"], seq=1, response=answer, received_at=now())
            )
    with unit_of_work(actor) as uow:
        running.close_session(uow, made[0].exam_session_id)
    assert run_job(db.session.query(Job).filter_by(name="exam_delivery.score").one().job_id) == "done"
    record = db.session.query(ScoreRecord).one()
    assert (record.score, record.max_score, record.status) == (30, 30, "complete")


def as_response(key):
    if isinstance(key, bool):
        return ["true" if key else "false"]
    return key if isinstance(key, list) else [key]


def test_a_second_simulation_stands_beside_the_first(made, tmp_path):
    again = simulate(3, 30, tmp_path / "more.csv", say=lambda _text: None)
    assert again.standard_code != made[0].standard_code
    assert db.session.query(Item).count() == 60


def test_simulated_numbers_are_valid_and_differ():
    numbers = {id_number(index) for index in range(0, 20_000, 37)}
    assert len(numbers) == len(range(0, 20_000, 37))
    assert all(check_id_number(IdKind.RESIDENT_ID, number, today=today()).is_valid for number in numbers)


def test_several_organisations_must_be_told_apart(organisation, other_organisation, tmp_path):
    with pytest.raises(InvalidInputError, match="--organisation"):
        simulate(1, 1, tmp_path / "x.csv", say=lambda _text: None)
    assert not (tmp_path / "x.csv").exists()


def test_wrong_usage_is_told_by_the_command_line():
    assert CliRunner().invoke(cli, ["simulate", "--candidates", "0", "--out", "x.csv"]).exit_code == 2

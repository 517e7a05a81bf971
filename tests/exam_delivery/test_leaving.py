"""Leaving the exam page: kept apart from answers, counted once, shown in the console, locked after too often; nothing lost."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_delivery.answering.app import AnsweringApp, open_storage
from exam_delivery.models import ExamSession, LeaveEvent, RenderedForm
from exam_delivery.repository.leaving import leaves_of_attempt
from exam_delivery.rules.leaving import CODES, Conduct, LeaveAction
from kernel.clock import now
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.settings import Settings
from kernel.uow import unit_of_work
from tests.conftest import SignIn
from tests.exam_delivery.sitting_cases import SECRET, Caller, Clock, count, make_database, prepare
from tests.exam_delivery.test_answering import Exam
from tests.exam_delivery.test_attempts import begin
from tests.exam_delivery.world import World


@pytest.fixture
def exam(scratch_database_url: str) -> Iterator[Exam]:
    engine, sitting = make_database(scratch_database_url)
    clock = Clock()
    app = AnsweringApp(open_storage(Settings(database_url=scratch_database_url, secret_key=SECRET)), SECRET, now=clock)
    yield Exam(app, engine, sitting, clock)
    app.close()
    engine.dispose()


def allow(exam: Exam, action: str, limit: int) -> None:
    exam.rule(Conduct(action, limit))


def is_away(exam: Exam) -> bool:
    with Session(exam.engine) as session:
        return leaves_of_attempt(session, exam.person.attempt_id).is_away


def leave(caller: Caller, *seqs: int, kind: str = "hidden", seconds: int = 0) -> Any:
    events = [{"seq": seq, "kind": kind, "seconds": seconds, "client_time": "t"} for seq in seqs]
    return caller.call("POST", "leaves", {"events": events})


def test_leaves_are_counted_once_however_often_they_are_sent(exam: Exam) -> None:
    caller = exam.begun()
    assert leave(caller, 11, 12).json["n_leaves"] == 2
    again = leave(caller, 11, 12)
    assert (again.json["n_leaves"], again.json["acknowledged"]) == (2, [11, 12])
    assert leave(caller, 13, kind="returned", seconds=40).json["n_leaves"] == 2
    assert count(exam.engine, "SELECT count(*) FROM incidents WHERE kind = 'leave'") == 1


def test_too_many_leaves_lock_the_attempt_and_what_was_typed_before_is_kept(exam: Exam) -> None:
    allow(exam, "lock", 1)
    caller = exam.begun()
    assert leave(caller, 1).json["hold"] is None
    answer = leave(caller, 2).json
    assert answer["hold"]["kind"] == "locked"
    assert "离开考试页面" in answer["hold"]["reason"]
    assert caller.save((1, 1, ["A"])).status == 200  # on its way when the lock came
    exam.clock.forward(seconds=60)
    assert caller.save((2, 2, ["B"])).error == "attempt_held"
    assert leave(caller, 2).json["n_leaves"] == 2  # an old event again locks nobody anew
    assert count(exam.engine, "SELECT count(*) FROM incidents WHERE kind = 'lock'") == 1


def test_only_the_policy_that_says_so_locks(exam: Exam) -> None:
    allow(exam, "warn", 1)
    caller = exam.begun()
    assert leave(caller, 1, 2, 3).json["hold"] is None


def test_leaving_again_after_the_invigilator_unlocked_locks_again(exam: Exam) -> None:
    allow(exam, "lock", 0)
    caller = exam.begun()
    assert leave(caller, 1).json["hold"]["kind"] == "locked"
    exam.execute("UPDATE attempts SET locked_at = NULL")
    assert leave(caller, 1).json["hold"] is None
    assert leave(caller, 2).json["hold"]["kind"] == "locked"


@pytest.mark.parametrize(
    "body",
    [{"events": []}, {"events": [{"seq": 1, "kind": "stroll"}]}, {"events": [{"seq": -1, "kind": "hidden"}]}, {}],
)
def test_nonsense_is_refused(exam: Exam, body: dict[str, Any]) -> None:
    assert exam.begun().call("POST", "leaves", body).status == 422


def test_an_older_holder_and_a_closed_attempt_tell_nothing(exam: Exam) -> None:
    older = exam.begun()
    newer = exam.caller(address="10.0.0.2")
    newer.sign_in(exam.person)
    assert leave(older, 1).error == "attempt_taken_over"
    newer.call("POST", "submit", {})
    assert leave(newer, 1).error == "attempt_closed"
    assert count(exam.engine, "SELECT count(*) FROM leave_events") == 0


def test_a_form_made_before_there_was_a_policy_only_counts(exam: Exam) -> None:
    answer = leave(exam.begun(), *range(1, 30)).json
    assert (answer["n_leaves"], answer["hold"]) == (29, None)


def test_a_page_closed_while_its_candidate_was_away_counts_as_back_after_signing_in(exam: Exam) -> None:
    caller = exam.begun()
    leave(caller, int(exam.clock().timestamp() * 1000))
    assert is_away(exam)
    exam.clock.forward(seconds=20)
    again = exam.caller()
    assert again.sign_in(exam.person).status == 200
    assert not is_away(exam)
    assert leave(again, int(exam.clock().timestamp() * 1000) + 1).json["n_leaves"] == 2  # the return is none
    assert is_away(exam)


def test_a_page_reloaded_while_its_candidate_was_away_counts_as_back_with_its_form(exam: Exam) -> None:
    caller = exam.begun()
    exam.clock.forward(minutes=2)
    leave(caller, int(exam.clock().timestamp() * 1000))
    caller.call("GET", "responses")  # a page that is merely out of sight asks for the time as well
    caller.save((1, 1, ["A"]))
    assert is_away(exam)
    exam.clock.forward(seconds=20)
    assert caller.call("GET", "form").status == 200
    caller.save((1, 2, ["B"]))  # what was noted before is durable with it
    assert not is_away(exam)


def test_who_never_left_is_not_noted_as_back(exam: Exam) -> None:
    exam.begun()
    exam.clock.forward(minutes=2)
    assert exam.caller().sign_in(exam.person).status == 200
    assert count(exam.engine, "SELECT count(*) FROM leave_events") == 0


def test_the_console_shows_how_often_and_how_long(
    session: Session, organisation: Organisation, sign_in: SignIn
) -> None:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        sitting = prepare(uow.session, organisation.organisation_id, n=2, starts_at=now() - timedelta(minutes=5))
        for seq, kind, seconds in ((1, "hidden", 0), (2, "returned", 25), (3, "blurred", 0)):
            uow.add(
                LeaveEvent(
                    attempt_id=sitting.people[0].attempt_id, seq=seq, kind=kind, seconds=seconds, received_at=now()
                )
            )
    client: FlaskClient = sign_in(Role.CHIEF_INVIGILATOR)
    page = client.get(f"/console/{sitting.exam_session_id}").text
    assert page.count("离开页面 2 次，共 25 秒") == 1
    drawer = client.get(f"/console/{sitting.exam_session_id}/candidates/{sitting.people[0].registration_id}").text
    assert "离开页面 2 次，共 25 秒" in drawer


def test_who_is_away_from_the_page_is_shown_before_those_who_write_until_they_are_back(
    session: Session, organisation: Organisation, sign_in: SignIn
) -> None:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        sitting = prepare(uow.session, organisation.organisation_id, n=2, starts_at=now() - timedelta(minutes=5))
    begin(sitting, 0, 1)
    second = sitting.people[1]
    client: FlaskClient = sign_in(Role.CHIEF_INVIGILATOR)

    def states_after(seq: int, kind: str) -> list[tuple[str, str]]:
        with unit_of_work(system_actor(organisation.organisation_id)) as uow:
            uow.add(LeaveEvent(attempt_id=second.attempt_id, seq=seq, kind=kind, seconds=0, received_at=now()))
        seats = client.get(f"/console/{sitting.exam_session_id}/state").json["seats"]
        return [(seat["key"], seat["state"]) for seat in seats]

    first, away = str(sitting.people[0].registration_id), str(second.registration_id)
    assert states_after(1, "hidden") == [(away, "left_page"), (first, "working")]
    drawer = client.get(f"/console/{sitting.exam_session_id}/candidates/{away}").text
    assert all(act in drawer for act in ("离开页面", "强制收卷", "锁定", "暂停"))
    assert states_after(2, "returned") == [(first, "working"), (away, "working")]


def test_the_rules_of_the_organisation_and_the_tools_of_the_session_reach_the_form(
    world: World, session: Session
) -> None:
    world.register(1)
    world.arrange()
    with unit_of_work(world.officer) as uow:
        uow.session.get_one(ExamSession, world.key).tools = ["scratch", "nonsense"]
    world.prepare()
    body = session.scalars(select(RenderedForm.body)).one()
    form = json.loads(gzip.decompress(body))
    assert form["conduct"]["leave_action"] == CODES[LeaveAction.WARN]
    assert form["conduct"]["leave_limit"] == 5
    assert form["conduct"]["rescue_after_seconds"] == 60
    assert (form["conduct"]["consent_seconds"], form["conduct"]["takeover_consent"]) == (600, True)
    assert form["rules"][-1].startswith("考试结束前 10 分钟内交卷须经监考员同意")
    assert form["tools"] == ["scratch"]

"""Paused and locked attempts, and silences, as the answering program sees them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from exam_delivery.answering.app import AnsweringApp, open_storage
from exam_delivery.models import Attempt, ContactGap, ExamSession, Registration
from exam_delivery.repository.attempts import list_seats
from exam_delivery.rules.room import SeatState
from exam_delivery.services.console import state_of
from kernel.identity.actor import system_actor
from kernel.settings import Settings
from tests.exam_delivery.sitting_cases import SECRET, START, Clock, make_database
from tests.exam_delivery.test_answering import Exam


@pytest.fixture
def exam(scratch_database_url: str) -> Iterator[Exam]:
    engine, sitting = make_database(scratch_database_url)
    clock = Clock()
    app = AnsweringApp(open_storage(Settings(database_url=scratch_database_url, secret_key=SECRET)), SECRET, now=clock)
    yield Exam(app, engine, sitting, clock)
    app.close()
    engine.dispose()


def hold(exam: Exam, **columns: object) -> None:
    with exam.engine.begin() as connection:
        connection.execute(update(Attempt).where(Attempt.attempt_id == exam.person.attempt_id).values(**columns))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_paused_clock_stands_still_and_the_page_is_told_why(exam: Exam) -> None:
    caller = exam.begun()
    deadline = moment(caller.call("GET", "responses").json["deadline_at"])
    hold(exam, paused_at=exam.clock(), hold_reason="停电")
    exam.clock.forward(minutes=4)
    answer = caller.call("GET", "responses").json
    assert moment(answer["deadline_at"]) == deadline + timedelta(minutes=4)
    assert answer["hold"] == {"kind": "paused", "since": "2026-11-21T01:00:00.000Z", "reason": "停电"}
    hold(exam, paused_at=None)
    assert caller.call("GET", "responses").json["hold"] is None


@pytest.mark.parametrize("kind", ["paused", "locked"])
def test_what_was_written_before_the_page_learnt_of_it_counts_and_the_rest_waits(exam: Exam, kind: str) -> None:
    caller = exam.begun()
    hold(exam, **{f"{kind}_at": exam.clock()})
    exam.clock.forward(seconds=12)
    assert caller.save((1, 1, ["A"])).status == 200
    exam.clock.forward(seconds=10)
    refused = caller.save((2, 2, ["B"]))
    assert (refused.status, refused.error) == (423, "attempt_held")
    assert refused.json["details"] == {"kind": kind}
    assert caller.call("POST", "submit", {}).error == "attempt_held"
    hold(exam, **{f"{kind}_at": None})
    assert caller.save((2, 2, ["B"])).status == 200
    assert set(caller.durable()) == {"1", "2"}


def test_a_pause_outlasts_the_deadline_and_a_lock_does_not(exam: Exam) -> None:
    caller = exam.begun()
    hold(exam, locked_at=exam.clock())
    exam.clock.forward(minutes=61)
    assert caller.save((1, 1, ["A"])).error == "attempt_closed"
    hold(exam, locked_at=None, paused_at=START + timedelta(minutes=50))
    assert caller.save((1, 2, ["B"])).error == "attempt_held"


def test_who_was_turned_away_at_the_door_cannot_sign_in_or_begin(exam: Exam) -> None:
    waiting = exam.caller()
    waiting.sign_in(exam.person)
    with exam.engine.begin() as connection:
        connection.execute(update(Registration).values(refused_at=START))
    assert waiting.call("POST", "start", {}).error == "not_admitted"
    assert exam.caller().sign_in(exam.person).error == "not_admitted"


def test_where_identities_are_checked_first_nobody_signs_in_before_that_and_nobody_is_thrown_out_later(
    exam: Exam,
) -> None:
    exam.execute("UPDATE exam_sessions SET checks_in_first = :yes", yes=True)
    assert exam.caller().sign_in(exam.person).error == "not_checked_in"
    exam.execute("UPDATE registrations SET checked_in_at = :at", at=exam.clock().replace(tzinfo=None))
    sitting = exam.caller().begin(exam.person)
    exam.execute("UPDATE registrations SET checked_in_at = NULL")
    assert sitting.save((1, 1, ["A"])).status == 200
    assert exam.caller().sign_in(exam.person).status == 200, "a broken computer costs nobody the exam"
    assert exam.caller().sign_in(exam.sitting.people[1]).error == "not_checked_in"


def test_where_a_photo_is_required_nobody_signs_in_before_it_or_a_reason_and_nobody_is_thrown_out_later(
    exam: Exam,
) -> None:
    exam.execute("UPDATE exam_sessions SET door_photo = 'required'")
    refused = exam.caller().sign_in(exam.person)
    assert (refused.status, refused.error) == (403, "not_photographed")
    assert "监考员" in refused.json["message"]
    assert seat_states(exam)[exam.person.registration_id] is SeatState.AT_DOOR, "the console shows who tried"
    exam.execute("UPDATE registrations SET checked_in_at = :at", at=exam.clock().replace(tzinfo=None))
    sitting = exam.caller().begin(exam.person)
    exam.execute("UPDATE registrations SET checked_in_at = NULL")
    assert sitting.save((1, 1, ["A"])).status == 200
    assert exam.caller().sign_in(exam.person).status == 200, "who has begun goes on"
    exam.execute("UPDATE exam_sessions SET door_photo = 'optional'")
    assert exam.caller().sign_in(exam.sitting.people[1]).status == 200


def test_who_waits_signed_in_is_held_at_the_start_until_the_photo(exam: Exam) -> None:
    waiting = exam.caller()
    waiting.sign_in(exam.person)
    exam.execute("UPDATE exam_sessions SET door_photo = 'required'")
    assert waiting.call("POST", "start", {}).error == "not_photographed"
    exam.execute("UPDATE registrations SET checked_in_at = :at", at=exam.clock().replace(tzinfo=None))
    assert waiting.call("POST", "start", {}).status == 200


def seat_states(exam: Exam) -> dict[uuid.UUID, SeatState]:
    """Return how the console shows each candidate."""
    actor = system_actor(exam.sitting.organisation_id)
    with Session(exam.engine) as session:
        rows = list_seats(session, exam.sitting.exam_session_id, room_ids=exam.sitting.room_ids, actor=actor)
    return {row.registration_id: state_of(row, exam.clock()) for row in rows}


def gaps(exam: Exam) -> list[tuple[int, int]]:
    """Return start and length in seconds of each silence that was kept."""
    exam.app.writer.close()
    with Session(exam.engine) as session:
        rows = session.query(ContactGap).order_by(ContactGap.started_at).all()
        return [
            (int((row.started_at - START).total_seconds()), int((row.ended_at - row.started_at).total_seconds()))
            for row in rows
        ]


def test_silences_of_a_working_page_are_kept_whatever_ends_them(exam: Exam) -> None:
    caller = exam.begun()
    exam.clock.forward(seconds=29)
    assert caller.save((1, 1, ["A"])).status == 200
    exam.clock.forward(seconds=90)
    assert caller.save((1, 2, ["B"])).status == 200
    exam.clock.forward(seconds=31)
    caller.sign_in(exam.person)
    exam.clock.forward(seconds=40)
    caller.call("GET", "responses")
    assert gaps(exam) == [(29, 90), (119, 31), (150, 40)]


def test_silence_before_the_start_is_nobodys_loss(exam: Exam) -> None:
    exam.clock.forward(minutes=-10)
    caller = exam.caller()
    caller.sign_in(exam.person)
    exam.clock.forward(minutes=10)
    caller.call("POST", "start", {})
    exam.clock.forward(seconds=8)
    caller.call("GET", "responses")
    assert gaps(exam) == []


def test_a_cancelled_session_tells_who_waits_and_lets_nobody_in(exam: Exam) -> None:
    exam.clock.forward(minutes=-10)
    waiting = exam.caller()
    waiting.sign_in(exam.person)
    hold(exam, locked_at=exam.clock(), hold_reason="本场考试已取消，请等候考务通知")
    with exam.engine.begin() as connection:
        connection.execute(update(ExamSession).values(cancelled_at=exam.clock()))
    told = waiting.call("GET", "responses").json["hold"]
    assert (told["kind"], told["reason"]) == ("cancelled", "本场考试已取消，请等候考务通知")
    exam.clock.forward(minutes=10)
    assert waiting.call("POST", "start", {}).error == "cancelled"
    assert exam.caller().sign_in(exam.person).error == "cancelled"

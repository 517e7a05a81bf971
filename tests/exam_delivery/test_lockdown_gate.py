"""The answering program and the browser that a session needs: every call is checked, nothing is read twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from exam_delivery.answering.app import AnsweringApp, open_storage
from exam_delivery.answering.lockdown import LockdownGate
from exam_delivery.models import LockdownExemption, SessionLockdown
from exam_delivery.rules import seb
from exam_delivery.rules.lockdown import ExemptionReason, ExemptionState, LockdownMode
from kernel.settings import Settings
from tests.exam_delivery.sitting_cases import SECRET, START, Caller, Clock, Reply, Sitting, make_database

BASE = "https://exam.example.cn"
KEY, EXAM_KEY = "a" * 64, "b" * 64


class Counted:
    """A storage that counts how often lockdowns and attempts were asked for."""

    def __init__(self, storage: Any) -> None:
        self.storage = storage
        self.asked: list[str] = []
        self.fails = False

    def __getattr__(self, name: str) -> Any:
        if name in {"find_lockdowns", "find_attempt"}:
            self.asked.append(name)
            if self.fails:
                raise OSError("the database does not answer")
        return getattr(self.storage, name)


class SebCaller(Caller):
    """A device whose browser adds the hash of every address, as Safe Exam Browser does."""

    key, exam_key = KEY, ""

    def raw(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        made = {"HTTP_X_SAFEEXAMBROWSER_CONFIGKEYHASH": seb.request_hash(BASE + path, self.key)}
        if self.exam_key:
            made["HTTP_X_SAFEEXAMBROWSER_REQUESTHASH"] = seb.request_hash(BASE + path, self.exam_key)
        return super().raw(method, path, body, **(made | headers))


class ScriptCaller(Caller):
    """A device whose page reads the hashes by script: they are those of the page's own address."""

    page = f"{BASE}/exam/"

    def raw(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        made = {"HTTP_X_KAOKU_SEB_PAGE": self.page, "HTTP_X_KAOKU_SEB_CONFIG": seb.request_hash(self.page, KEY)}
        return super().raw(method, path, body, **(made | headers))


@dataclass
class Exam:
    app: AnsweringApp
    engine: Engine
    sitting: Sitting
    storage: Counted
    ticks: list[float]

    def wait(self, seconds: float) -> None:
        self.ticks[0] += seconds

    def lock(self, exam_keys: tuple[str, ...] = ()) -> None:
        row = SessionLockdown(
            exam_session_id=self.sitting.exam_session_id, organisation_id=self.sitting.organisation_id,
            mode=LockdownMode.SEB, base_url=BASE, options={}, config_key=KEY, exam_keys=list(exam_keys),
            launch_code="c" * 32, settings_file=b"<plist/>", changed_at=START,
        )  # fmt: skip
        self.add(row)

    def exempt(self, state: ExemptionState = ExemptionState.APPROVED, **who: Any) -> None:
        is_open = state is ExemptionState.PROPOSED
        row = LockdownExemption(
            organisation_id=self.sitting.organisation_id, exam_session_id=self.sitting.exam_session_id, **who,
            reason=ExemptionReason.DEVICE, state=state, proposed_by_name="甲", proposed_at=START,
            decided_at=None if is_open else START,
        )  # fmt: skip
        self.add(row)

    def add(self, row: Any) -> None:
        with Session(self.engine) as session:
            session.add(row)
            session.commit()


@pytest.fixture
def exam(scratch_database_url: str) -> Iterator[Exam]:
    engine, sitting = make_database(scratch_database_url, n_rooms=2)
    storage = Counted(open_storage(Settings(database_url=scratch_database_url, secret_key=SECRET)))
    ticks = [0.0]
    gate = LockdownGate(storage, seconds=5, clock=lambda: ticks[0])
    app = AnsweringApp(storage, SECRET, now=Clock(), gate=gate)
    yield Exam(app, engine, sitting, storage, ticks)
    app.close()
    engine.dispose()


def test_a_common_browser_is_refused_with_the_link_that_opens_the_right_one(exam: Exam) -> None:
    exam.lock()
    reply = Caller(exam.app).sign_in(exam.sitting.people[0])
    assert (reply.status, reply.error) == (403, "lockdown_required")
    assert reply.json["details"]["launch"] == f"sebs://exam.example.cn/api/v1/exam/seb/{'c' * 32}"
    assert "安全考试浏览器" in reply.json["message"]


def test_wrong_credentials_are_told_first_so_that_the_link_goes_to_candidates_alone(exam: Exam) -> None:
    exam.lock()
    body = json.dumps({"admission_number": "1", "id_number": "2"}).encode()
    assert Caller(exam.app).raw("POST", "/api/v1/exam/sign-in", body).error == "wrong_credentials"


def test_the_right_browser_sits_the_whole_exam(exam: Exam) -> None:
    exam.lock()
    caller = SebCaller(exam.app).begin(exam.sitting.people[0])
    assert caller.save((1, 1, ["B"])).status == 200
    assert caller.call("GET", "form").status == 200
    assert caller.call("POST", "submit", {}).status == 200


@pytest.mark.parametrize(
    ("method", "name", "body"),
    [
        ("GET", "form", None),
        ("GET", "responses", None),
        ("PUT", "responses", {"events": [{"slot": 1, "seq": 5, "response": ["A"], "client_time": ""}]}),
        ("POST", "start", {}),
        ("POST", "submit", {}),
    ],
)
def test_every_call_is_checked_not_only_the_first(exam: Exam, method: str, name: str, body: Any) -> None:
    exam.lock()
    inside = SebCaller(exam.app).begin(exam.sitting.people[0])
    outside = Caller(exam.app)
    outside.token, outside.attempt_id = inside.token, inside.attempt_id
    assert outside.call(method, name, body).error == "lockdown_required"
    inside.key = "d" * 64
    assert inside.call(method, name, body).error == "lockdown_required"
    inside.key = KEY
    assert inside.durable() == {}


def test_the_hash_of_another_call_does_not_open_this_one(exam: Exam) -> None:
    exam.lock()
    caller = SebCaller(exam.app).begin(exam.sitting.people[0])
    stolen = seb.request_hash(f"{BASE}/api/v1/exam/sign-in", KEY)
    path = f"/api/v1/exam/attempts/{caller.attempt_id}/responses"
    assert caller.raw("GET", path, HTTP_X_SAFEEXAMBROWSER_CONFIGKEYHASH=stolen).error == "lockdown_required"


def test_hashes_read_by_script_count_for_pages_of_this_site_alone(exam: Exam) -> None:
    exam.lock()
    caller = ScriptCaller(exam.app).begin(exam.sitting.people[0])
    assert caller.save((1, 1, ["B"])).status == 200
    caller.page = "https://elsewhere.example.cn/exam/"
    assert caller.call("GET", "responses").error == "lockdown_required"


def test_where_exam_keys_are_entered_one_is_asked_for(exam: Exam) -> None:
    exam.lock(exam_keys=("f" * 64, EXAM_KEY))
    caller = SebCaller(exam.app)
    assert caller.sign_in(exam.sitting.people[0]).error == "lockdown_required"
    caller.exam_key = EXAM_KEY
    assert caller.sign_in(exam.sitting.people[0]).status == 200


def test_an_exempt_candidate_sits_anywhere_and_nobody_else_does(exam: Exam) -> None:
    exam.lock()
    first, second = exam.sitting.people[:2]
    exam.exempt(registration_id=first.registration_id)
    exam.exempt(ExemptionState.PROPOSED, registration_id=second.registration_id)
    assert Caller(exam.app).begin(first).save((1, 1, ["B"])).status == 200
    assert Caller(exam.app).sign_in(second).error == "lockdown_required"


def test_an_exempt_room_lets_in_who_sits_there(exam: Exam) -> None:
    exam.lock()
    first, second, third = exam.sitting.people
    exam.exempt(exam_room_id=exam.sitting.room_ids[0])
    exam.exempt(ExemptionState.WITHDRAWN, exam_room_id=exam.sitting.room_ids[1])
    replies = [Caller(exam.app).sign_in(person).status for person in (first, second, third)]
    assert replies == [200, 403, 200]


def test_a_lockdown_set_later_holds_after_some_seconds_and_an_exemption_frees_answers_again(exam: Exam) -> None:
    caller = Caller(exam.app).begin(exam.sitting.people[0])
    exam.lock()
    assert caller.save((1, 1, ["B"])).status == 200
    exam.wait(6)
    assert caller.save((1, 2, ["C"])).error == "lockdown_required"
    exam.exempt(registration_id=exam.sitting.people[0].registration_id)
    exam.wait(6)
    assert caller.save((1, 2, ["C"])).status == 200
    assert caller.durable()["1"]["response"] == ["C"]


def test_calls_cost_no_query_while_what_was_read_is_fresh(exam: Exam) -> None:
    exam.lock()
    caller = SebCaller(exam.app).begin(exam.sitting.people[0])
    exam.storage.asked.clear()
    for seq in range(1, 20):
        assert caller.save((1, seq, ["B"])).status == 200
    assert exam.storage.asked == []
    exam.wait(6)
    assert caller.save((1, 20, ["B"])).status == 200
    assert exam.storage.asked == ["find_lockdowns"]


def test_while_the_database_does_not_answer_what_was_read_last_holds(exam: Exam) -> None:
    exam.lock()
    caller = SebCaller(exam.app).begin(exam.sitting.people[0])
    exam.wait(6)
    exam.storage.fails = True
    assert caller.save((1, 1, ["B"])).status == 200
    caller.key = "d" * 64
    assert caller.save((1, 2, ["B"])).error == "lockdown_required"


def test_before_anything_was_read_calls_wait_rather_than_pass(exam: Exam) -> None:
    exam.storage.fails = True
    assert Caller(exam.app).sign_in(exam.sitting.people[0]).status == 503


def test_the_settings_file_is_given_by_its_code_alone(exam: Exam) -> None:
    exam.lock()
    reply = Caller(exam.app).raw("GET", f"/api/v1/exam/seb/{'c' * 32}")
    assert (reply.status, reply.body, reply.headers["Content-Type"]) == (200, b"<plist/>", "application/seb")
    assert Caller(exam.app).raw("GET", "/api/v1/exam/seb/nothing").status == 404
    assert Caller(exam.app).raw("POST", f"/api/v1/exam/seb/{'c' * 32}").status == 405

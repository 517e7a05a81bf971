"""The candidate API, call by call, on a committed database of its own."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from exam_delivery.answering.app import AnsweringApp, open_storage
from exam_delivery.answering.protocol import MAX_BODY, MAX_EVENTS
from exam_delivery.rules.leaving import Conduct
from kernel.settings import Settings
from tests.exam_delivery.sitting_cases import SECRET, Caller, Clock, Person, Sitting, count, make_database


@dataclass
class Exam:
    """A running answering program with its database and clock."""

    app: AnsweringApp
    engine: Engine
    sitting: Sitting
    clock: Clock

    @property
    def person(self) -> Person:
        return self.sitting.people[0]

    def caller(self, **device: str) -> Caller:
        return Caller(self.app, **device)

    def begun(self) -> Caller:
        return self.caller().begin(self.person)

    def execute(self, statement: str, **values: object) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)

    def rule(self, conduct: Conduct) -> None:
        """Write rules into the candidates' forms, as preparation does."""
        with self.engine.begin() as connection:
            raw = connection.exec_driver_sql("SELECT body FROM rendered_forms").fetchmany(1)[0]
        form = json.loads(gzip.decompress(bytes(raw[0]))) | {"conduct": conduct.document()}
        self.execute("UPDATE rendered_forms SET body = :body", body=gzip.compress(json.dumps(form).encode()))


@pytest.fixture
def exam(scratch_database_url: str, tmp_path: object) -> Iterator[Exam]:
    engine, sitting = make_database(scratch_database_url)
    clock = Clock()
    settings = Settings(database_url=scratch_database_url, secret_key=SECRET)
    app = AnsweringApp(open_storage(settings), SECRET, now=clock)
    yield Exam(app, engine, sitting, clock)
    app.close()
    engine.dispose()


def test_sign_in_gives_token_times_and_what_may_be_read_before_the_start(exam: Exam) -> None:
    exam.clock.forward(minutes=-10)
    answer = exam.caller().sign_in(exam.person)
    assert answer.status == 200
    body = answer.json
    assert {"token", "attempt_id", "status", "server_time", "opens_at", "deadline_at"} <= set(body)
    assert (body["status"], body["deadline_at"]) == ("waiting", None)
    assert body["opens_at"] == "2026-11-21T01:00:00.000Z"
    assert body["candidate"]["name"] == "考生1"
    assert body["session"]["pledge"] == "诚信"
    assert "题干" not in answer.body.decode()


@pytest.mark.parametrize(
    ("number", "identity"),
    [("261121000001", "11010119900000001"), ("261121009999", "11010119900000000X"), ("", ""), ("\x00", "\x00")],
)
def test_wrong_credentials_are_refused_without_saying_which_was_wrong(exam: Exam, number: str, identity: str) -> None:
    body = json.dumps({"admission_number": number, "id_number": identity}).encode()
    reply = exam.caller().raw("POST", "/api/v1/exam/sign-in", body)
    assert (reply.status, reply.error) == (401, "wrong_credentials")
    assert set(reply.json) == {"error", "message", "details"}


def test_a_lower_case_x_and_blanks_in_the_identity_number_do_not_matter(exam: Exam) -> None:
    person = exam.person
    typed = Person(f" {person.admission_number} ", person.id_number.lower(), person.registration_id, person.attempt_id)
    assert exam.caller().sign_in(typed).status == 200


def test_guessing_identity_numbers_is_throttled_for_a_while(exam: Exam) -> None:
    wrong = Person(exam.person.admission_number, "0", exam.person.registration_id, exam.person.attempt_id)
    replies = [exam.caller().sign_in(wrong) for _ in range(11)]
    assert [r.status for r in replies] == [401] * 10 + [429]
    assert replies[-1].headers["Retry-After"] == "60"
    assert exam.caller().sign_in(exam.sitting.people[1]).status == 200
    exam.clock.forward(minutes=11)
    assert exam.caller().sign_in(exam.person).status == 200


def test_a_hall_behind_one_router_may_mistype_as_often_as_the_site_allows(exam: Exam) -> None:
    exam.app.max_tries = 12
    strangers = [Person(f"no-{n}", "0", exam.person.registration_id, exam.person.attempt_id) for n in range(12)]
    assert [exam.caller().sign_in(stranger).status for stranger in strangers[:11]] == [401] * 11
    assert exam.caller().sign_in(exam.person).status == 200
    assert exam.caller().sign_in(strangers[11]).status == 401
    assert exam.caller().sign_in(exam.person).error == "too_many_attempts"
    exam.clock.forward(minutes=11)
    assert exam.caller().sign_in(exam.person).status == 200


def test_sign_in_before_the_doors_open_says_when(exam: Exam) -> None:
    exam.clock.forward(minutes=-31)
    reply = exam.caller().sign_in(exam.person)
    assert (reply.status, reply.error) == (403, "not_open")
    assert reply.json["details"]["opens_at"] == "2026-11-21T00:30:00.000Z"


def test_start_before_the_time_is_refused_and_repeating_it_answers_the_same(exam: Exam) -> None:
    exam.clock.forward(minutes=-1)
    caller = exam.caller()
    caller.sign_in(exam.person)
    assert caller.call("POST", "start", {}).error == "not_open"
    exam.clock.forward(minutes=1)
    first = caller.call("POST", "start", {}).json
    assert (first["status"], first["deadline_at"]) == ("in_progress", "2026-11-21T02:00:00.000Z")
    exam.clock.forward(minutes=5)
    assert caller.call("POST", "start", {}).json["deadline_at"] == first["deadline_at"]


def test_a_late_start_ends_with_everybody_and_too_late_is_refused(exam: Exam) -> None:
    exam.execute("UPDATE attempts SET duration_seconds = 5400")
    exam.clock.forward(minutes=20)
    assert exam.begun().call("GET", "responses").json["deadline_at"] == "2026-11-21T02:30:00.000Z"
    exam.clock.forward(minutes=11)
    assert exam.caller().sign_in(exam.sitting.people[1]).error == "too_late"


def test_the_form_is_refused_before_the_start_and_holds_no_key(exam: Exam) -> None:
    caller = exam.caller()
    caller.sign_in(exam.person)
    refused = caller.call("GET", "form")
    assert (refused.status, refused.error) == (403, "not_open")
    caller.call("POST", "start", {})
    path = f"/api/v1/exam/attempts/{caller.attempt_id}/form"
    plain, packed = caller.raw("GET", path), caller.raw("GET", path, HTTP_ACCEPT_ENCODING="gzip, br")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    for word in (b'"key"', b"explanation", b"rubric", b"statistics", b"item_id", b"difficulty"):
        assert word not in plain.body
    assert sorted(s["slot"] for s in plain.json["slots"]) == [1, 2, 3, 4, 5]


def test_the_form_may_wait_sealed_and_the_start_alone_tells_its_key(exam: Exam) -> None:
    exam.clock.forward(minutes=-10)
    caller = exam.caller()
    signed_in = caller.sign_in(exam.person)
    sealed = caller.raw("GET", f"/api/v1/exam/attempts/{caller.attempt_id}/sealed-form")
    assert (sealed.status, sealed.headers["Content-Type"]) == (200, "application/octet-stream")
    assert "form_key" not in signed_in.json
    assert caller.call("POST", "start", {}).error == "not_open"
    assert "form_key" not in caller.call("GET", "responses").json
    exam.clock.forward(minutes=10)
    key = base64.b64decode(caller.call("POST", "start", {}).json["form_key"])
    body = ChaCha20Poly1305(key).decrypt(bytes(12), sealed.body, str(caller.attempt_id).encode())
    assert json.loads(gzip.decompress(body)) == caller.call("GET", "form").json
    other = exam.caller().begin(exam.sitting.people[1])
    theirs = base64.b64decode(other.call("POST", "start", {}).json["form_key"])
    with pytest.raises(InvalidTag):
        ChaCha20Poly1305(theirs).decrypt(bytes(12), sealed.body, str(caller.attempt_id).encode())
    exam.caller().sign_in(exam.person)
    taken = caller.raw("GET", f"/api/v1/exam/attempts/{caller.attempt_id}/sealed-form")
    assert (taken.status, taken.error) == (409, "attempt_taken_over")


def test_answers_are_acknowledged_and_given_back(exam: Exam) -> None:
    caller = exam.begun()
    reply = caller.save((1, 1, ["B"]), (3, 2, ["A"]))
    assert reply.status == 200
    assert reply.json["acknowledged"] == {"1": 1, "3": 2}
    assert {"server_time", "deadline_at"} <= set(reply.json)
    assert caller.durable() == {"1": {"seq": 1, "response": ["B"]}, "3": {"seq": 2, "response": ["A"]}}


def test_order_is_by_seq_and_never_by_arrival(exam: Exam) -> None:
    caller = exam.begun()
    caller.save((1, 5, ["C"]))
    assert caller.save((1, 3, ["A"])).json["acknowledged"] == {"1": 5}
    assert caller.durable()["1"] == {"seq": 5, "response": ["C"]}
    assert count(exam.engine, "SELECT count(*) FROM response_events") == 2


def test_the_same_event_again_is_acknowledged_again_and_kept_once(exam: Exam) -> None:
    caller = exam.begun()
    for _ in range(3):
        assert caller.save((2, 7, ["D"])).json["acknowledged"] == {"2": 7}
    assert count(exam.engine, "SELECT count(*) FROM response_events") == 1


def test_many_events_of_one_slot_in_one_call_leave_the_newest(exam: Exam) -> None:
    caller = exam.begun()
    assert caller.save((1, 2, ["B"]), (1, 9, []), (1, 4, ["C"])).json["acknowledged"] == {"1": 9}
    assert caller.durable()["1"]["response"] == []
    assert count(exam.engine, "SELECT count(*) FROM response_events") == 3


def test_answered_count_follows_answers_changes_and_clearing(exam: Exam) -> None:
    caller = exam.begun()
    counts = []
    for event in (
        (1, 1, ["A"]),
        (2, 2, ["B"]),
        (1, 3, ["C"]),
        (2, 4, []),
        (2, 3, ["D"]),
        (3, 5, ["", ""]),
        (2, 6, [True]),
    ):
        caller.save(event)
        counts.append(count(exam.engine, "SELECT sum(n_answered) FROM attempts"))
    assert counts == [1, 2, 2, 1, 1, 1, 2]


@pytest.mark.parametrize("statement", ["UPDATE response_events SET response = '[]'", "DELETE FROM response_events"])
def test_the_database_refuses_to_change_or_delete_what_a_candidate_sent(exam: Exam, statement: str) -> None:
    exam.begun().save((1, 1, ["A"]), (1, 2, ["B"]))
    with pytest.raises(DBAPIError, match="append-only"):
        exam.execute(statement)
    assert count(exam.engine, "SELECT count(*) FROM response_events WHERE response <> '[]'") == 2


def test_answers_of_all_shapes_come_back_as_they_were(exam: Exam) -> None:
    caller = exam.begun()
    shapes = [[True], ["铁", ""], ["12.5"], [["A", "2"], ["B", "1"]], ["x\u0000y 😀"]]
    caller.save(*((slot, slot, shape) for slot, shape in enumerate(shapes, 1)))
    assert [row["response"] for _, row in sorted(caller.durable().items())] == shapes


MALFORMED = [
    b"", b"{", b"[]", b'{"events":[]}', b'{"events":[{"slot":1}]}', b'{"events":[{"slot":"1","seq":1,"response":[]}]}',
    b'{"events":[{"slot":0,"seq":1,"response":[]}]}', b'{"events":[{"slot":6,"seq":1,"response":[]}]}',
    b'{"events":[{"slot":1,"seq":-1,"response":[]}]}', b'{"events":[{"slot":1,"seq":9007199254740992,"response":[]}]}',
    b'{"events":[{"slot":1,"seq":1,"response":"B"}]}', b'{"events":[{"slot":1,"seq":1,"response":' + b"[" * 50_000,
    json.dumps({"events": [{"slot": 1, "seq": n, "response": []} for n in range(MAX_EVENTS + 1)]}).encode(),
    json.dumps({"events": [{"slot": 1, "seq": 1, "response": ["x" * 70_000]}]}).encode(),
]  # fmt: skip


def test_malformed_saves_are_refused_and_leave_nothing(exam: Exam) -> None:
    caller = exam.begun()
    for body in MALFORMED:
        reply = caller.raw("PUT", f"/api/v1/exam/attempts/{caller.attempt_id}/responses", body)
        assert (reply.status, reply.error) == (422, "invalid_input"), body[:80]
    assert count(exam.engine, "SELECT count(*) FROM response_events") == 0


def test_a_body_beyond_the_limit_is_refused_unread(exam: Exam) -> None:
    caller = exam.begun()
    path = f"/api/v1/exam/attempts/{caller.attempt_id}/responses"
    assert caller.raw("PUT", path, CONTENT_LENGTH=str(MAX_BODY + 1)).status == 413


def test_unknown_fields_and_strange_client_times_do_no_harm(exam: Exam) -> None:
    caller = exam.begun()
    event = {"slot": 1, "seq": 1, "response": ["A"], "client_time": "\x00" * 90, "more": 1}
    assert caller.call("PUT", "responses", {"events": [event], "extra": True}).status == 200


def test_another_candidates_attempt_is_not_found(exam: Exam) -> None:
    caller = exam.begun()
    other = str(exam.sitting.people[1].attempt_id)
    for method, name in (
        ("GET", "form"),
        ("GET", "responses"),
        ("PUT", "responses"),
        ("POST", "submit"),
        ("POST", "start"),
    ):
        assert caller.call(method, name, {}, attempt=other).status == 404


def test_a_forged_token_is_refused(exam: Exam) -> None:
    caller = exam.begun()
    for token in ("", "x", "é", "A" * 54, "AAAA" * 40):
        caller.token = token
        reply = caller.call("GET", "responses")
        assert (reply.status, reply.error) == (401, "signed_out"), token


def test_any_changed_bit_of_a_token_is_refused(exam: Exam) -> None:
    caller = exam.begun()
    good = caller.token
    for position in range(0, len(good) - 1, 7):
        caller.token = good[:position] + ("A" if good[position] != "A" else "B") + good[position + 1 :]
        assert caller.call("GET", "responses").status in {401, 404}


def test_a_newer_sign_in_takes_over_and_the_older_page_turns_read_only(exam: Exam) -> None:
    first = exam.begun()
    first.save((1, 1, ["A"]))
    second = exam.caller(address="10.0.0.2")
    assert second.sign_in(exam.person).json["status"] == "in_progress"
    for method, name, body in (
        ("PUT", "responses", {"events": [{"slot": 1, "seq": 2, "response": ["B"]}]}),
        ("GET", "responses", None),
        ("POST", "submit", {}),
        ("POST", "start", {}),
        ("GET", "form", None),
    ):
        reply = first.call(method, name, body)
        assert (reply.status, reply.error) == (409, "attempt_taken_over")
    assert second.durable() == {"1": {"seq": 1, "response": ["A"]}}
    assert second.save((1, 2, ["C"])).status == 200
    assert count(exam.engine, "SELECT count(*) FROM incidents WHERE kind = 'takeover'") == 1


def test_where_the_rules_ask_for_consent_another_seat_takes_over_after_the_invigilators_act_alone(exam: Exam) -> None:
    exam.rule(Conduct(takeover_consent=True))
    first = exam.begun()
    first.save((1, 1, ["A"]))
    stranger = exam.caller(address="10.0.0.2")
    reply = stranger.sign_in(exam.person)
    assert (reply.status, reply.error) == (409, "consent_needed")
    assert "举手" in reply.json["message"]
    assert first.save((1, 2, ["B"])).status == 200  # who sits at the seat notices nothing
    noted = "SELECT count(*) FROM incidents WHERE kind = 'takeover_refused' AND text LIKE '%10.0.0.2%'"
    assert count(exam.engine, noted) == 1
    exam.execute("UPDATE attempts SET device = ''")  # what a reset, a move and a swap of the machine do
    assert stranger.sign_in(exam.person).json["status"] == "in_progress"
    assert stranger.durable()["1"]["response"] == ["B"]
    assert first.save((1, 3, ["C"])).error == "attempt_taken_over"


def test_the_same_seat_takes_over_without_consent_with_whatever_browser(exam: Exam) -> None:
    exam.rule(Conduct(takeover_consent=True))
    exam.begun()
    assert exam.caller(browser="another").sign_in(exam.person).status == 200
    waiting = exam.sitting.people[1]
    assert exam.caller(address="10.0.0.8").sign_in(waiting).status == 200
    assert exam.caller(address="10.0.0.9").sign_in(waiting).status == 200  # nobody has begun yet


def test_tries_from_elsewhere_come_to_an_end(exam: Exam) -> None:
    exam.rule(Conduct(takeover_consent=True))
    exam.begun()
    stranger = exam.caller(address="10.0.0.2")
    errors = [stranger.sign_in(exam.person).error for _ in range(12)]
    assert errors == ["consent_needed"] * 10 + ["too_many_attempts"] * 2
    assert count(exam.engine, "SELECT count(*) FROM incidents WHERE kind = 'takeover_refused'") == 10


def test_what_an_older_machine_held_unsent_never_replaces_a_newer_machines_answer(exam: Exam) -> None:
    first, second = exam.caller(), exam.caller(address="10.0.0.2")
    unsent = first.sign_in(exam.person).json["first_seq"] + 50
    first.call("POST", "start", {})
    newer = second.sign_in(exam.person).json["first_seq"] + 1
    assert second.save((1, newer, ["newer"])).status == 200
    first.sign_in(exam.person)
    assert first.save((1, unsent, ["older"])).json["acknowledged"] == {"1": newer}
    assert first.durable()["1"]["response"] == ["newer"]


def test_signing_in_again_from_the_same_device_is_no_incident(exam: Exam) -> None:
    exam.begun()
    exam.caller().sign_in(exam.person)
    exam.caller(address="10.0.0.9").sign_in(exam.sitting.people[1])
    exam.caller(address="10.0.0.8").sign_in(exam.sitting.people[1])
    assert count(exam.engine, "SELECT count(*) FROM incidents") == 0


def test_late_answers_are_kept_but_do_not_count(exam: Exam) -> None:
    caller = exam.begun()
    caller.save((1, 1, ["A"]))
    exam.clock.forward(minutes=60, seconds=2)
    assert caller.save((1, 2, ["B"])).status == 200
    exam.clock.forward(seconds=2)
    late = caller.save((1, 3, ["C"]), (2, 4, ["D"]))
    assert (late.status, late.error) == (410, "attempt_closed")
    assert caller.durable() == {"1": {"seq": 2, "response": ["B"]}}
    assert count(exam.engine, "SELECT count(*) FROM response_events WHERE is_late") == 2


def test_an_extension_is_seen_in_every_answer_and_opens_again(exam: Exam) -> None:
    caller = exam.begun()
    exam.clock.forward(minutes=61)
    assert caller.save((1, 1, ["A"])).status == 410
    exam.execute(
        "UPDATE attempts SET deadline_at = :at",
        at=str((exam.clock() + timedelta(minutes=9)).replace(tzinfo=None)) + ".000000",
    )
    assert caller.save((1, 2, ["B"])).json["deadline_at"] == "2026-11-21T02:10:00.000Z"
    assert caller.call("GET", "responses").json["deadline_at"] == "2026-11-21T02:10:00.000Z"


def test_a_save_before_the_start_is_refused_and_not_kept(exam: Exam) -> None:
    caller = exam.caller()
    caller.sign_in(exam.person)
    assert caller.save((1, 1, ["A"])).error == "not_started"
    assert caller.call("POST", "submit", {}).error == "not_started"
    assert count(exam.engine, "SELECT count(*) FROM response_events") == 0


def test_hand_in_gives_one_receipt_for_ever(exam: Exam) -> None:
    caller = exam.begun()
    caller.save((1, 1, ["A"]), (2, 2, []))
    first = caller.call("POST", "submit", {}).json
    assert first["n_answers"] == 1
    assert len(first["digest"]) == 64
    assert first["admission_number"] == exam.person.admission_number
    exam.clock.forward(minutes=3)
    again = caller.call("POST", "submit", {}).json
    assert {k: v for k, v in again.items() if k != "server_time"} == {
        k: v for k, v in first.items() if k != "server_time"
    }
    assert caller.save((1, 9, ["B"])).status == 410
    assert caller.call("GET", "form").status == 410


def test_signing_in_after_the_hand_in_still_shows_the_receipt(exam: Exam) -> None:
    receipt = exam.begun().call("POST", "submit", {}).json
    exam.clock.forward(hours=5)
    later = exam.caller(address="10.0.0.7")
    assert later.sign_in(exam.person).json["status"] == "submitted"
    status = later.call("GET", "responses").json
    assert (status["status"], status["receipt"]["digest"]) == ("submitted", receipt["digest"])
    assert later.call("POST", "submit", {}).json["digest"] == receipt["digest"]


def test_the_digest_changes_with_any_answer(exam: Exam) -> None:
    one, two = exam.begun(), exam.caller().begin(exam.sitting.people[1])
    one.save((1, 1, ["A"]))
    two.save((1, 1, ["B"]))
    assert one.call("POST", "submit", {}).json["digest"] != two.call("POST", "submit", {}).json["digest"]


def test_handing_in_too_early_is_refused_until_time_or_deadline(exam: Exam) -> None:
    exam.execute("UPDATE attempts SET earliest_submit_seconds = 1800")
    caller = exam.begun()
    reply = caller.call("POST", "submit", {})
    assert (reply.status, reply.error) == (409, "too_early")
    assert caller.call("GET", "responses").json["earliest_submit_at"] == "2026-11-21T01:30:00.000Z"
    exam.clock.forward(minutes=30)
    assert caller.call("POST", "submit", {}).status == 200


def test_in_the_last_minutes_handing_in_needs_consent_until_the_deadline(exam: Exam) -> None:
    exam.rule(Conduct(consent_seconds=600))
    caller, other = exam.begun(), exam.caller().begin(exam.sitting.people[1])
    exam.clock.forward(minutes=49)
    assert other.call("POST", "submit", {}).status == 200
    exam.clock.forward(minutes=2)
    reply = caller.call("POST", "submit", {})
    assert (reply.status, reply.error) == (409, "consent_needed")
    assert "监考员同意" in reply.json["message"]
    assert caller.save((1, 1, ["A"])).status == 200
    assert other.call("POST", "submit", {}).status == 200  # a receipt is given again at any time
    exam.clock.forward(minutes=9)
    assert caller.call("POST", "submit", {}).json["n_answers"] == 1
    assert count(exam.engine, "SELECT count(*) FROM attempts WHERE submit_kind = 'timeout'") == 1


def test_fifty_hand_ins_at_once_are_one_hand_in(exam: Exam) -> None:
    caller = exam.begun()
    caller.save((1, 1, ["A"]))
    with ThreadPoolExecutor(50) as pool:
        replies = list(pool.map(lambda _: caller.call("POST", "submit", {}), range(50)))
    assert {r.status for r in replies} == {200}
    assert len({json.dumps({k: r.json[k] for k in ("digest", "submitted_at", "n_answers")}) for r in replies}) == 1


def test_parallel_saves_of_many_candidates_are_all_kept(exam: Exam) -> None:
    callers = [exam.caller().begin(person) for person in exam.sitting.people]
    work = [(caller, slot, seq) for seq in range(1, 21) for slot in range(1, 6) for caller in callers]
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda w: w[0].save((w[1], w[2], [str(w[2])])), work))
    assert {r.status for r in replies} == {200}
    assert count(exam.engine, "SELECT count(*) FROM response_events") == len(work)
    assert all(row == {"seq": 20, "response": ["20"]} for caller in callers for row in caller.durable().values())
    assert count(exam.engine, "SELECT sum(n_answered) FROM attempts") == 15


@pytest.mark.parametrize(("status", "code"), [("void", "void"), ("absent", "absent")])
def test_who_may_not_sit_is_told_so(exam: Exam, status: str, code: str) -> None:
    exam.execute("UPDATE registrations SET status = :status", status=status)
    reply = exam.caller().sign_in(exam.person)
    assert (reply.status, reply.error) == (403, code)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("registrations SET status = 'absent'", "absent"),
        ("registrations SET status = 'void'", "void"),
        ("exam_sessions SET status = 'closed'", "too_late"),
    ],
)
def test_who_waits_cannot_start_after_planning_decided_otherwise(exam: Exam, change: str, code: str) -> None:
    caller = exam.caller()
    caller.sign_in(exam.person)
    exam.execute(f"UPDATE {change}")
    assert caller.call("POST", "start", {}).error == code


def test_an_unprepared_attempt_is_named_so(exam: Exam) -> None:
    exam.execute("DELETE FROM rendered_forms")
    assert exam.caller().sign_in(exam.person).error == "not_prepared"


def test_other_addresses_and_methods_answer_in_the_error_shape(exam: Exam) -> None:
    base = "/api/v1/exam"
    for method, path, status in (
        ("GET", "/sign-in", 405), ("GET", "/", 404), ("GET", "/attempts/x/else", 404), ("DELETE", "/attempts/x/form", 405),
        ("GET", "/attempts/x/form", 401),
    ):  # fmt: skip
        reply = exam.caller().raw(method, base + path)
        assert reply.status == status
        assert set(reply.json) == {"error", "message", "details"}

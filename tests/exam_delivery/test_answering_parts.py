"""The parts around the calls: the writer under trouble, the player's files, one entry for all, the OpenAPI description."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine, text

from exam_delivery import openapi_exam
from exam_delivery.answering import storage_postgresql
from exam_delivery.answering import writer as writer_module
from exam_delivery.answering.app import AnsweringApp, open_storage
from exam_delivery.answering.commands import SaveCommand, SubmitCommand
from exam_delivery.answering.entry import CandidateSite
from exam_delivery.answering.holders import TakeCommand
from exam_delivery.answering.protocol import BUSY, NOT_FOUND, UNAVAILABLE, RefusedError
from exam_delivery.answering.static import PlayerFiles
from exam_delivery.answering.storage_postgresql import PostgresqlStorage
from exam_delivery.answering.turns import FairPool, Ticket
from exam_delivery.answering.writer import Writer
from kernel.settings import Settings
from tests.exam_delivery.sitting_cases import SECRET, Caller, Clock, Sitting, count, make_database
from web.dispatch import Dispatch


@pytest.fixture
def database(scratch_database_url: str) -> Iterator[tuple[Settings, Engine, Sitting]]:
    engine, sitting = make_database(scratch_database_url, n=6)
    yield Settings(database_url=scratch_database_url, secret_key=SECRET), engine, sitting
    engine.dispose()


@contextmanager
def running(settings: Settings, **wishes: Any) -> Iterator[AnsweringApp]:
    app = AnsweringApp(open_storage(settings), SECRET, now=Clock(), **wishes)
    try:
        yield app
    finally:
        app.close()


class Faulty:
    """A storage whose transactions fail while `broken` says so for one of the locked attempts."""

    def __init__(self, storage: Any) -> None:
        self.storage = storage
        self.broken: set[uuid.UUID] = set()
        self.n_transactions = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.storage, name)

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        self.n_transactions += 1
        with self.storage.transaction() as tx:
            lock = tx.lock_attempts

            def lock_attempts(keys: Any, slots: Any = ()) -> Any:
                if self.broken & set(keys):
                    raise OSError("disk")
                return lock(keys, slots)

            tx.lock_attempts = lock_attempts
            yield tx


def transact(writer: Writer, commands: list[Any]) -> list[Any]:
    """Put commands into one batch and return what came out."""
    held = threading.Event()
    gather = writer._gather

    def gather_all(batch: Any) -> Any:
        held.wait(10)
        return gather(batch)

    writer._gather = gather_all  # type: ignore[method-assign]
    writer.submit(SaveCommand(uuid.uuid4(), 0, Clock()(), []))  # lets the loop come round to the new gathering
    tickets = [Ticket() for _ in commands]
    for command, ticket in zip(commands, tickets, strict=True):
        writer.submit(command, ticket)
    held.set()
    return [ticket.result(10) for ticket in tickets]


def test_one_bad_command_fails_alone_and_the_others_are_kept(database: tuple[Settings, Engine, Sitting]) -> None:
    settings, engine, sitting = database
    storage = Faulty(open_storage(settings))
    app = AnsweringApp(storage, SECRET, now=Clock())
    callers = [Caller(app).begin(person) for person in sitting.people]
    storage.broken = {sitting.people[2].attempt_id}
    commands = [SaveCommand(p.attempt_id, 1, Clock()(), [(1, 1, '["A"]', "")]) for p in sitting.people]
    outcomes = transact(app.writer, commands)
    assert [outcome is UNAVAILABLE for outcome in outcomes] == [k == 2 for k in range(6)]
    assert count(engine, "SELECT count(*) FROM response_events") == 5
    storage.broken = set()
    assert callers[2].save((1, 1, ["A"])).status == 200
    app.close()


def test_when_the_database_fails_everybody_is_told_to_try_again_and_it_recovers(
    database: tuple[Settings, Engine, Sitting],
) -> None:
    settings, _engine, sitting = database
    storage = Faulty(open_storage(settings))
    app = AnsweringApp(storage, SECRET, now=Clock())
    callers = [Caller(app).begin(person) for person in sitting.people]
    storage.broken = {person.attempt_id for person in sitting.people}
    reply = callers[0].save((1, 1, ["A"]))
    assert (reply.status, reply.error, reply.headers["Retry-After"]) == (503, "unavailable", "2")
    storage.broken = set()
    assert callers[0].save((1, 1, ["A"])).status == 200
    app.close()


def test_a_database_that_is_away_is_asked_a_few_times_however_many_wait() -> None:
    asked = []

    class Away:
        """No transaction begins; the first one is held until everybody waits."""

        n_writers = 2

        def transaction(self) -> Any:
            asked.append(everybody_waits.wait(10))
            raise OSError("no route to host")

    everybody_waits = threading.Event()
    writer = Writer(Away(), Clock())  # type: ignore[arg-type]
    tickets = [Ticket() for _ in range(50)]
    for ticket in tickets:
        writer.submit(SaveCommand(uuid.uuid4(), 1, Clock()(), []), ticket)
    everybody_waits.set()
    assert all(ticket.result(10) is UNAVAILABLE for ticket in tickets)
    assert len(asked) == 1 + writer_module.MAX_FAILURES
    writer.close()


def test_the_writer_goes_on_even_when_its_log_cannot_be_written(
    database: tuple[Settings, Engine, Sitting], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, _engine, sitting = database
    storage = Faulty(open_storage(settings))
    app = AnsweringApp(storage, SECRET, now=Clock())
    caller = Caller(app).begin(sitting.people[0])

    def full(*_arguments: Any, **_details: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer_module, "log", SimpleNamespace(error=full))
    storage.broken = {sitting.people[0].attempt_id}
    assert caller.save((1, 1, ["A"])).status == 503
    storage.broken = set()
    assert caller.save((1, 1, ["A"])).status == 200
    app.close()


class SlowDisk:
    """A storage in which the flush of each transaction ends when the test says so."""

    def __init__(self, n_writers: int) -> None:
        self.n_writers = n_writers
        self.order: list[str] = []
        self.begun = threading.Semaphore(0)
        self.may_end = [threading.Event() for _ in range(4)]
        self.n_opened = 0

    def lock_attempts(self, _keys: Any, _slots: Any) -> dict[uuid.UUID, Any]:
        return {}

    def states_at(self, _keys: Any) -> dict[Any, Any]:
        return {}

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        number, self.n_opened = self.n_opened, self.n_opened + 1
        self.order.append(f"begin {number}")
        yield self
        self.order.append(f"flush {number}")
        self.begun.release()
        assert self.may_end[number].wait(10)


def hand_over(writer: Writer, n_answers: int) -> Ticket:
    ticket = Ticket()
    events = [(slot, 1, '["A"]', "") for slot in range(1, n_answers + 1)]
    writer.submit(SaveCommand(uuid.uuid4(), 1, Clock()(), events), ticket)
    return ticket


@pytest.mark.parametrize("n_writers", [1, 2, 3])
def test_large_batches_are_carried_out_while_as_many_are_flushed_as_the_database_flushes_side_by_side(
    n_writers: int,
) -> None:
    disk = SlowDisk(n_writers)
    writer = Writer(disk, Clock())  # type: ignore[arg-type]
    tickets = []
    for n in range(3):
        tickets.append(hand_over(writer, writer_module.WORTH_ROWS))
        if n < n_writers:
            assert disk.begun.acquire(timeout=10)
    with pytest.raises(TimeoutError):
        tickets[0].result(0.05)
    assert disk.order == [f"{what} {n}" for n in range(n_writers) for what in ("begin", "flush")], "one after the other"
    newest = tickets.pop(n_writers - 1)
    disk.may_end[n_writers - 1].set()
    assert newest.result(10) is NOT_FOUND, "whoever is durable first is answered first"
    for event in disk.may_end:
        event.set()
    assert [ticket.result(10) for ticket in tickets] == [NOT_FOUND] * 2
    writer.close()
    assert not any(thread.is_alive() for thread in writer.threads)


def test_what_is_too_little_for_a_batch_of_its_own_waits_for_the_flush_of_the_one_before() -> None:
    disk = SlowDisk(2)
    writer = Writer(disk, Clock())  # type: ignore[arg-type]
    tickets = [hand_over(writer, 1)]
    assert disk.begun.acquire(timeout=10)
    tickets += [hand_over(writer, 1), hand_over(writer, 1)]
    with pytest.raises(TimeoutError):
        tickets[1].result(0.05)
    assert disk.n_opened == 1
    for event in disk.may_end:
        event.set()
    assert [ticket.result(10) for ticket in tickets] == [NOT_FOUND] * 3
    assert disk.n_opened == 2, "both went together"
    writer.close()


def test_a_long_trouble_is_told_once_in_full_and_then_in_a_line(
    database: tuple[Settings, Engine, Sitting], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, _engine, sitting = database
    storage = Faulty(open_storage(settings))
    app = AnsweringApp(storage, SECRET, now=Clock())
    caller = Caller(app).begin(sitting.people[0])
    told: list[bool] = []
    monkeypatch.setattr(
        writer_module, "log", SimpleNamespace(error=lambda _event, **details: told.append("exc_info" in details))
    )
    for _ in range(2):
        storage.broken = {sitting.people[0].attempt_id}
        assert [caller.save((1, 1, ["A"])).status for _ in range(3)] == [503] * 3
        storage.broken = set()
        assert caller.save((1, 1, ["A"])).status == 200
    app.close()
    assert told == [True, *[False] * 5] * 2


def test_a_full_queue_is_refused_at_once(database: tuple[Settings, Engine, Sitting]) -> None:
    settings, _engine, sitting = database
    with running(settings) as app:
        caller = Caller(app).begin(sitting.people[0])
        app.writer.max_waiting = 0
        reply = caller.save((1, 1, ["A"]))
        assert (reply.status, reply.error, reply.headers["Retry-After"]) == (503, "busy", "2")
        assert caller.call("GET", "responses").status == 200
        with pytest.raises(RefusedError) as caught:
            app.writer.submit(TakeCommand(uuid.uuid4(), ""))
        assert caught.value.refusal is BUSY


def test_commands_of_one_batch_see_each_other(database: tuple[Settings, Engine, Sitting]) -> None:
    settings, _engine, sitting = database
    with running(settings) as app:
        Caller(app).begin(sitting.people[0])
        key = sitting.people[0].attempt_id
        first, saved, second, taken, refused = transact(
            app.writer,
            [
                SubmitCommand(key, 1), SaveCommand(key, 1, Clock()(), [(1, 1, '["A"]', "")]), SubmitCommand(key, 1),
                TakeCommand(key, "x"), TakeCommand(uuid.uuid4(), "x"),
            ],
        )  # fmt: skip
    assert first == second
    assert first["n_answers"] == 1
    assert saved["acknowledged"] == {"1": 1}
    assert taken.holder_generation == 2
    assert refused.code == "not_found"


def test_two_processes_share_one_database_without_losing_anything(database: tuple[Settings, Engine, Sitting]) -> None:
    settings, engine, sitting = database
    with running(settings) as one, running(settings) as two:
        pairs = []
        for person in sitting.people:
            caller = Caller(one).begin(person)
            other = Caller(two)
            other.token, other.attempt_id = caller.token, caller.attempt_id
            pairs.append((caller, other))
        work = [(pair[seq % 2], seq) for seq in range(1, 31) for pair in pairs]
        with ThreadPoolExecutor(12) as pool:
            replies = list(pool.map(lambda w: w[0].save((w[1] % 5 + 1, w[1], [str(w[1])])), work))
        assert {reply.status for reply in replies} == {200}
    assert count(engine, "SELECT count(*) FROM response_events") == 180
    assert count(engine, "SELECT sum(n_answered) FROM attempts") == 30


@pytest.mark.postgresql  # the embedded database has no connection to lose
def test_a_lost_database_connection_is_opened_anew(database: tuple[Settings, Engine, Sitting]) -> None:
    settings, engine, sitting = database
    with running(settings) as app:
        caller = Caller(app).begin(sitting.people[0])
        with engine.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
            )
        assert caller.save((1, 1, ["A"])).status == 200
        assert caller.durable() == {"1": {"seq": 1, "response": ["A"]}}


def test_the_player_is_served_whole_checked_by_digest_and_nothing_beside_it() -> None:
    caller = Caller(PlayerFiles())
    page = caller.raw("GET", "/exam/")
    assert page.status == 200
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert page.headers["Content-Type"].startswith("text/html")
    assert caller.raw("GET", "/exam").headers["Location"] == "/exam/"
    script = caller.raw("GET", "/exam/assets/main.js", HTTP_ACCEPT_ENCODING="gzip")
    assert gzip.decompress(script.body) == caller.raw("GET", "/exam/assets/main.js").body
    assert caller.raw("GET", "/exam/assets/main.js", HTTP_IF_NONE_MATCH=script.headers["ETag"]).status == 304
    for path in ("/exam/assets/../answering/app.py", "/exam/assets/nothing.js", "/exam/..%2fapp.py"):
        assert caller.raw("GET", path).status == 404
    assert caller.raw("POST", "/exam/").status == 404


def test_one_entry_sends_candidates_to_their_program_and_staff_to_theirs(
    database: tuple[Settings, Engine, Sitting],
) -> None:
    settings, _engine, sitting = database
    made: list[AnsweringApp] = []

    def make() -> AnsweringApp:
        made.append(AnsweringApp(open_storage(settings), SECRET, now=Clock()))
        return made[-1]

    def staff(_environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"staff"]

    site = Dispatch(staff, CandidateSite(make))
    caller = Caller(site)
    assert made == []
    assert caller.sign_in(sitting.people[0]).status == 200
    assert caller.raw("GET", "/exam/").body.startswith(b"<!")
    for path in ("/", "/console/", "/examples", "/api/v1/items", "/api/v1/examine"):
        assert caller.raw("GET", path).body == b"staff"
    assert len(made) == 1
    assert Caller(CandidateSite(make)).raw("GET", "/console/").status == 404
    there = Caller(CandidateSite(make, timezone="Asia/Urumqi")).raw("GET", "/exam/").body
    assert b'name="time-zone" content="Asia/Urumqi"' in there, "players write times in the zone of the place"
    site.close()


def test_behind_a_proxy_the_candidates_own_address_counts(database: tuple[Settings, Engine, Sitting]) -> None:
    settings, engine, sitting = database
    site = CandidateSite(lambda: AnsweringApp(open_storage(settings), SECRET, now=Clock()), trusted_proxies=1)
    person = sitting.people[0]
    body = json.dumps({"admission_number": person.admission_number, "id_number": person.id_number}).encode()
    reply = Caller(site, address="127.0.0.1").raw(
        "POST", "/api/v1/exam/sign-in", body, HTTP_X_FORWARDED_FOR="10.9.8.7", SERVER_NAME="x", SERVER_PORT="80",
    )  # fmt: skip
    assert reply.status == 200
    with engine.connect() as connection:
        devices = connection.execute(text("SELECT device FROM attempts WHERE device <> ''")).scalars().all()
    assert devices == ["10.9.8.7 test"]
    site.close()


def test_the_openapi_description_names_every_call_and_every_schema_it_uses() -> None:
    paths = openapi_exam.paths()
    calls = {(method, path) for path, item in paths.items() for method in item if method != "parameters"}
    base = "/api/v1/exam/attempts/{attempt_id}"
    assert calls == {
        ("post", "/api/v1/exam/sign-in"), ("get", f"{base}/form"), ("post", f"{base}/start"),
        ("get", f"{base}/responses"), ("put", f"{base}/responses"), ("post", f"{base}/submit"),
    }  # fmt: skip
    used = set(json.dumps(paths).split('"#/components/schemas/')[1:])
    assert {name.split('"')[0] for name in used} <= set(openapi_exam.SCHEMAS)


def test_no_file_of_the_answering_program_knows_the_staff_side() -> None:
    folder = Path(openapi_exam.__file__).parent / "answering"
    for file in folder.glob("*.py"):
        source = file.read_text()
        for word in ("import flask", "from flask", "sqlalchemy", "marshmallow", "exam_delivery.models", "jinja"):
            assert word not in source, f"{file.name}: {word}"


def test_who_waits_longest_for_a_shared_connection_gets_it_next() -> None:
    pool = FairPool(["one"])
    held, got = pool.take(0), []
    threads = [threading.Thread(target=lambda name=name: got.append((name, pool.take(10)))) for name in "ab"]
    for n_waiting, thread in enumerate(threads, start=1):
        thread.start()
        while len(pool.waiting) < n_waiting:
            thread.join(0.001)
    pool.give(held)
    with pytest.raises(TimeoutError):
        pool.take(0)  # it is free for nobody who did not wait
    threads[0].join(10)
    assert got == [("a", "one")]
    pool.give("one")
    threads[1].join(10)
    assert got[1:] == [("b", "one")]
    assert not pool.waiting


def test_types_are_compiled_before_threads_meet_them() -> None:
    """Two threads that decode a type for the first time at once crash the process inside msgspec."""
    script = """
import sys, threading
from exam_delivery.answering import leaving, protocol
sys.setswitchinterval(1e-6)
bodies = {protocol.SAVE: b'{"events":[{"slot":1,"seq":2,"response":["A"]}]}', protocol.SIGN_IN: b"{}", leaving.LEAVES: b'{"events":[]}'}
barrier = threading.Barrier(8)
def decode():
    barrier.wait()
    for decoder, body in bodies.items():
        decoder.decode(body)
threads = [threading.Thread(target=decode) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    for file in (Path(openapi_exam.__file__).parent / "answering").glob("*.py"):
        assert "type=" not in file.read_text().replace("_type=", ""), (
            f"{file.name} has msgspec compile a type at a call"
        )


@pytest.mark.postgresql
def test_plans_made_while_the_tables_are_empty_find_rows_by_their_keys(
    database: tuple[Settings, Engine, Sitting],
) -> None:
    storage = PostgresqlStorage(database[0].database_url)
    states = "states('{00000000-0000-0000-0000-000000000007}', '{1}')"
    with storage.transaction():
        explain = [
            (storage_postgresql.STATES_AT % ("$1", "$2"), states),
            (storage_postgresql.KEEP % ("$1", "$2", "$3"), "keep('[]', '[]', '[]')"),
        ]
        for query, call in explain:
            storage.writer.execute(f"PREPARE {call.partition('(')[0]} AS {query}")
            plan = "\n".join(line for (line,) in storage.writer.execute(f"EXPLAIN EXECUTE {call}"))
            assert "Seq Scan" not in plan, plan
            assert "Hash" not in plan, plan
    storage.close()

"""The direct line: whole plain calls are answered by it, everything else as ever, and nobody can tell the answers apart."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import pytest
from sqlalchemy import Engine

from exam_delivery.answering.lines import answer_bytes, read_call
from exam_delivery.answering.protocol import BUSY
from exam_delivery.answering.requests import ok, refuse
from kernel.clock import now
from kernel.settings import Settings
from tests.exam_delivery.sitting_cases import SECRET, Person, count, make_database
from tests.exam_delivery.test_answering_survives_kills import serving
from tests.ports import kept_port

KEY = "00000000-0000-0000-0000-000000000007"
BODY = b'{"events":[]}'


def call(
    method: str = "PUT", name: str = "responses", body: bytes = BODY, headers: str = "", length: str = ""
) -> bytes:
    return (
        f"{method} /api/v1/exam/attempts/{KEY}/{name} HTTP/1.1\r\nHost: exam\r\nAuthorization: Bearer t\r\n{headers}"
        f"Content-Length: {length or len(body)}\r\n\r\n"
    ).encode() + body


def test_a_whole_plain_call_is_read_with_its_headers_and_body() -> None:
    environ = read_call(call(headers="X-SafeExamBrowser-ConfigKeyHash: \tabc \r\nConnection: Keep-Alive\r\n"))
    assert environ is not None
    assert (environ["REQUEST_METHOD"], environ["PATH_INFO"][-10:]) == ("PUT", "/responses")
    assert environ["HTTP_AUTHORIZATION"] == "Bearer t"
    assert environ["HTTP_X_SAFEEXAMBROWSER_CONFIGKEYHASH"] == "abc"
    assert environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])) == BODY
    asked = f"GET /api/v1/exam/attempts/{KEY}/form HTTP/1.1\r\nHost: exam\r\n\r\n".encode()
    assert read_call(asked) is not None


@pytest.mark.parametrize(
    "seen",
    [
        call()[:-1], call() + b"x", call() + call(), call(length="+13"), call(length="013" * 4), call(length="١٣"),
        call(headers="Content-Length: 13\r\n"), call(headers="Transfer-Encoding: chunked\r\n"),
        call(headers="Expect: 100-continue\r\n"), call(headers="Connection: close\r\n"), call(headers="Upgrade: h2c\r\n"),
        call(headers="X-A: 1\r\n folded\r\n"), call(headers="X_A: 1\r\n"), call(headers="X-A : 1\r\n"), call(headers="X-A: \x00\r\n"),
        call(headers="X-A: é\r\n"), call(headers="X-A: 1\n"), call().replace(b"HTTP/1.1", b"HTTP/1.0"),
        call(name="responses?x=1"), call(name="leaves", method="POST"), call(method="DELETE"), b"", b"\x16\x03\x01",
        call().replace(b"\r\n\r\n", b"\r\n", 1), call().replace(f"Content-Length: {len(BODY)}\r\n".encode(), b""),
    ],
)  # fmt: skip
def test_whatever_differs_in_anything_is_left_to_the_server(seen: bytes) -> None:
    assert read_call(seen) is None


def test_answers_carry_their_length_their_headers_and_whether_the_line_stays_open() -> None:
    head, _, body = answer_bytes(ok({"saved": True}), closes=False).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 200 OK"
    assert {"Connection: keep-alive", f"Content-Length: {len(body)}", "Cache-Control: no-store"} <= set(lines)
    assert json.loads(body) == {"saved": True}
    refused = answer_bytes(refuse(BUSY), closes=True).decode().split("\r\n")
    assert {"HTTP/1.1 503 Service Unavailable", "Retry-After: 2", "Connection: close"} <= set(refused)


@dataclass
class Line:
    """One connection of one candidate, byte by byte."""

    connection: socket.socket
    person: Person
    attempt: str = ""

    def request(self, method: str, path: str, body: bytes = b"", headers: str = "") -> bytes:
        return (
            f"{method} /api/v1/exam/{path} HTTP/1.1\r\nHost: exam\r\nAuthorization: Bearer {self.person.token}\r\n"
            f"{headers}Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    def save(self, seq: int, headers: str = "") -> bytes:
        body = json.dumps({"events": [{"slot": 1, "seq": seq, "response": ["A"]}]}).encode()
        return self.request("PUT", f"attempts/{self.attempt}/responses", body, headers)

    def answer(self) -> tuple[int, bool, bytes]:
        """Return status, whether gunicorn itself answered, and the body."""
        seen = b""
        while b"\r\n\r\n" not in seen:
            seen += self._more()
        head, _, body = seen.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += self._more()
        self.rest = body[length:]
        return int(head[9:12]), b"server: gunicorn" in head.lower(), body[:length]

    rest: bytes = b""

    def _more(self) -> bytes:
        got, self.rest = self.rest or self.connection.recv(65536), b""
        assert got, "the server closed the line"
        return got

    def ask(self, data: bytes) -> tuple[int, bool, bytes]:
        self.connection.sendall(data)
        return self.answer()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Engine, list[Person]]]:
    folder = tmp_path_factory.mktemp("site")
    url = f"sqlite:///{folder / 'site.sqlite3'}"
    engine, sitting = make_database(url, n=4, starts_at=now())
    bind = f"127.0.0.1:{kept_port()}"
    settings = Settings(
        instance_dir=folder, database_url=url, secret_key=SECRET, bind=bind, workers=1, log_level="ERROR"
    )
    with serving(settings):
        yield int(bind.rpartition(":")[2]), engine, sitting.people
    engine.dispose()


@contextmanager
def line_of(port: int, person: Person) -> Iterator[Line]:
    """Connect, sign in and start."""
    until = time.monotonic() + 30
    while True:
        with suppress(ConnectionRefusedError):
            connection = socket.create_connection(("127.0.0.1", port), timeout=20)
            break
        assert time.monotonic() < until
        time.sleep(0.05)
    with connection:
        line = Line(connection, person)
        proof = json.dumps({"admission_number": person.admission_number, "id_number": person.id_number}).encode()
        status, by_gunicorn, body = line.ask(line.request("POST", "sign-in", proof))
        assert (status, by_gunicorn) == (200, True)
        person.token, line.attempt = json.loads(body)["token"], json.loads(body)["attempt_id"]
        assert line.ask(line.request("POST", f"attempts/{line.attempt}/start", b"{}"))[0] == 200
        yield line


def test_saves_readings_and_the_hand_in_of_a_page_go_by_the_direct_line(
    site: tuple[int, Engine, list[Person]],
) -> None:
    port, engine, people = site
    with line_of(port, people[0]) as line:
        replies = [line.ask(line.save(seq)) for seq in range(1, 4)]
        assert [json.loads(body)["acknowledged"] for _, _, body in replies] == [{"1": 1}, {"1": 2}, {"1": 3}]
        assert not replies[-1][1]
        path = f"attempts/{line.attempt}"
        status, _, durable = line.ask(line.request("GET", f"{path}/responses"))
        assert (status, json.loads(durable)["responses"]["1"]["seq"]) == (200, 3)
        packed = line.ask(line.request("GET", f"{path}/form", headers="Accept-Encoding: gzip\r\n"))
        plain = line.ask(line.request("GET", f"{path}/form"))
        assert gzip.decompress(packed[2]) == plain[2]
        assert json.loads(plain[2])["sections"]
        handed_in = [line.ask(line.request("POST", f"{path}/submit", b"{}")) for _ in range(2)]
        assert handed_in[0][0] == handed_in[1][0] == 200
        assert json.loads(handed_in[0][2])["digest"] == json.loads(handed_in[1][2])["digest"]
        assert line.ask(line.save(9))[0] == 410
        assert line.ask(line.request("PUT", f"{path}/responses", b"{"))[0] == 422
        stranger = line.request("PUT", f"{path}/responses", b"{}").replace(b"Bearer ", b"Bearer x")
        assert line.ask(stranger)[0] == 401
    assert count(engine, "SELECT count(*) FROM response_events WHERE NOT is_late") == 3


def test_calls_in_pieces_in_one_packet_and_in_other_shapes_are_answered_in_their_order(
    site: tuple[int, Engine, list[Person]],
) -> None:
    port, _engine, people = site
    with line_of(port, people[1]) as line:
        whole = line.save(1)
        for piece in (whole[:40], whole[40:-5], whole[-5:]):
            line.connection.sendall(piece)
            time.sleep(0.02)
        assert json.loads(line.answer()[2])["acknowledged"] == {"1": 1}
        line.connection.sendall(line.save(2) + line.save(3) + line.save(4))
        assert [json.loads(line.answer()[2])["acknowledged"]["1"] for _ in range(3)] == [2, 3, 4]
        assert json.loads(line.ask(line.save(5))[2])["acknowledged"] == {"1": 5}
        assert line.ask(line.save(6, "Content-Length: 1\r\n"))[0] == 400
        assert line.connection.recv(10) == b""


def test_a_line_is_closed_when_the_caller_asks_for_it_and_others_stay_open(
    site: tuple[int, Engine, list[Person]],
) -> None:
    port, _engine, people = site
    with line_of(port, people[2]) as line, line_of(port, people[3]) as other:
        assert line.ask(line.save(1, "Connection: close\r\n"))[0] == 200
        assert line.connection.recv(10) == b""
        assert other.ask(other.save(1))[0] == 200

"""An in-memory candidate API with switches for everything that goes wrong in an exam room.

It keeps what the outside interface promises: acknowledgement per slot, order by ``seq``, one holder per attempt, a deadline
that only the server moves, an idempotent start and hand-in.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import mimetypes
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from exam_delivery.answering.sealed_forms import seal_form, told_key
from exam_delivery.answering.static import PlayerFiles

PLAYER = Path(__file__).resolve().parents[3] / "exam_delivery" / "player"
STATIC = Path(__file__).resolve().parents[3] / "web" / "static"
CSP = "default-src 'self'; script-src 'self'; style-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
ADMISSION_NUMBER = "202611210001"
ID_NUMBER = "11010519491231002X"
ATTEMPT = "7f3c0000-0000-4000-8000-0000000000a1"
FORM_ROOT = b"f" * 32
FILES = PlayerFiles()


def instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


class RefusedError(Exception):
    def __init__(self, status: int, code: str, message: str = "", **details: Any) -> None:
        super().__init__(code)
        self.status, self.code, self.message, self.details = status, code, message, details


@dataclass
class FakeExam:
    """State of the one attempt, and the faults to be shown."""

    form: dict[str, Any]
    opens_at: float = field(default_factory=time.time)
    seconds: int = 3600
    earliest_submit_at: float | None = None
    deadline_at: float | None = None
    status: str = "ready"
    tokens: list[str] = field(default_factory=list)
    responses: dict[int, dict[str, Any]] = field(default_factory=dict)
    accepted: list[tuple[int, int]] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    receipt: dict[str, Any] | None = None
    drop_acknowledgements: int = 0
    refuse_saves: RefusedError | None = None
    refuse_slots: set[int] = field(default_factory=set)
    delay: float = 0.0
    attempt: str = ATTEMPT
    rescue_key: bytes = b"r" * 32
    hold: dict[str, Any] | None = None
    leaves: dict[int, dict[str, Any]] = field(default_factory=dict)
    leave_limit: int | None = None
    refuse_sealed_form: bool = False
    admits_at: float | None = None
    move_start_by: float = 0.0
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def in_progress(self) -> bool:
        return self.status == "in_progress"

    def sign_in(self, body: dict[str, Any]) -> dict[str, Any]:
        if (body.get("admission_number"), body.get("id_number")) != (ADMISSION_NUMBER, ID_NUMBER):
            raise RefusedError(401, "wrong_credentials", "准考证号或证件号不对")
        if self.admits_at:
            raise RefusedError(403, "not_open", "还没有到入场时间", opens_at=instant(self.admits_at))
        token = f"token-{len(self.tokens) + 1}"
        self.tokens.append(token)
        form = self.form
        session = {
            "name": form["session_name"],
            "title": form["title"],
            "duration_seconds": self.seconds,
            "rules": form["rules"],
            "pledge": form["pledge"],
        }
        early = {"earliest_submit_at": instant(self.earliest_submit_at)} if self.earliest_submit_at else {}
        return {
            "token": token,
            "attempt_id": self.attempt,
            "rescue": {"key": base64.b64encode(self.rescue_key).decode(), "generation": len(self.tokens)},
            "opens_at": instant(self.opens_at),
            "candidate": form["candidate"],
            "session": session,
            **self.times(),
            **early,
        }

    def times(self) -> dict[str, Any]:
        status = self.status
        if status == "ready" and time.time() < self.opens_at:
            status = "waiting"
        deadline = instant(self.deadline_at) if self.deadline_at else None
        return {"status": status, "server_time": instant(time.time()), "deadline_at": deadline, "hold": self.hold}

    def start(self) -> dict[str, Any]:
        if self.move_start_by:
            self.opens_at, self.move_start_by = time.time() + self.move_start_by, 0.0
        if time.time() < self.opens_at:
            raise RefusedError(403, "not_open", "考试还没有开始", opens_at=instant(self.opens_at))
        if self.status == "ready":
            self.status, self.deadline_at = "in_progress", time.time() + self.seconds
        return {**self.times(), "form_key": told_key(FORM_ROOT, uuid.UUID(self.attempt), self.packed_form)}

    @property
    def packed_form(self) -> bytes:
        return gzip.compress(json.dumps(self.form, ensure_ascii=False).encode(), mtime=0)

    def sealed_form(self) -> bytes:
        if self.refuse_sealed_form:
            raise RefusedError(503, "busy", "系统繁忙")
        return seal_form(FORM_ROOT, uuid.UUID(self.attempt), self.packed_form)

    def read_form(self) -> dict[str, Any]:
        if not self.deadline_at:
            raise RefusedError(403, "not_open", "考试还没有开始")
        return self.form

    def read_responses(self) -> dict[str, Any]:
        return {
            "responses": {str(slot): kept for slot, kept in self.responses.items()},
            "opens_at": instant(self.opens_at),
            **self.times(),
        }

    def save(self, body: dict[str, Any]) -> dict[str, Any]:
        if self.refuse_saves:
            raise self.refuse_saves
        if self.hold:
            raise RefusedError(423, "attempt_held", "答题已锁定")
        if not self.in_progress:
            raise RefusedError(410, "attempt_closed", "考试已结束")
        if any(event["slot"] in self.refuse_slots for event in body["events"]):
            raise RefusedError(422, "invalid_input", "作答格式不对")
        acknowledged = {}
        for event in body["events"]:
            kept = self.responses.get(event["slot"])
            if kept is None or kept["seq"] < event["seq"]:
                self.responses[event["slot"]] = {"seq": event["seq"], "response": event["response"]}
                self.accepted.append((event["slot"], event["seq"]))
            acknowledged[str(event["slot"])] = self.responses[event["slot"]]["seq"]
        return {"acknowledged": acknowledged, **self.times()}

    def submit(self) -> dict[str, Any]:
        if self.receipt is None:
            text = json.dumps(self.responses, sort_keys=True, ensure_ascii=False)
            self.status = "submitted"
            self.receipt = {
                "n_answers": sum(1 for kept in self.responses.values() if any(kept["response"])),
                "digest": hashlib.sha256(text.encode()).hexdigest(),
                "submitted_at": instant(time.time()),
                "admission_number": ADMISSION_NUMBER,
            }
        return {**self.receipt, "server_time": instant(time.time())}

    def note_leaves(self, body: dict[str, Any]) -> dict[str, Any]:
        self.leaves.update({event["seq"]: event for event in body["events"]})
        n = sum(event["kind"] != "returned" for event in self.leaves.values())
        if self.leave_limit is not None and n > self.leave_limit:
            self.hold = {"kind": "locked", "since": "", "reason": "离开考试页面超过规定次数"}
        return {"acknowledged": [event["seq"] for event in body["events"]], "n_leaves": n, **self.times()}

    def dispatch(self, method: str, path: str, token: str, body: dict[str, Any]) -> dict[str, Any] | bytes:
        if path == "/api/v1/exam/sign-in":
            return self.sign_in(body)
        call = path.rsplit("/", 1)[-1]
        if token not in self.tokens:
            raise RefusedError(401, "signed_out", "登录已失效")
        if token != self.tokens[-1]:
            raise RefusedError(409, "attempt_taken_over", "已在别处登录")
        answers = {
            ("POST", "start"): self.start,
            ("GET", "form"): self.read_form,
            ("GET", "sealed-form"): self.sealed_form,
            ("GET", "responses"): self.read_responses,
            ("PUT", "responses"): lambda: self.save(body),
            ("POST", "submit"): self.submit,
            ("POST", "leaves"): lambda: self.note_leaves(body),
        }
        return answers[method, call]()


class Handler(BaseHTTPRequestHandler):
    server: QuietServer
    exam: FakeExam
    files = FILES

    def log_message(self, *args: object) -> None:
        """Keep quiet."""

    def reply(self, status: int, content: bytes, mime: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", mime)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", CSP)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def file(self, path: Path) -> None:
        if not path.is_file():
            return self.reply(404, b"", "text/plain")
        mime = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        self.server.sent.append((path.name, len(gzip.compress(path.read_bytes()))))
        return self.reply(200, path.read_bytes(), f"{mime}; charset=utf-8" if mime.startswith("text/") else mime)

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path.startswith("/api/"):
            return self.api("GET")
        if path.startswith("/exam/"):
            return self.player(path)
        if path == "/favicon.ico":
            return self.reply(204, b"", "image/x-icon")
        return self.file(STATIC / path.removeprefix("/static/"))

    def player(self, path: str) -> None:
        """Give what the site itself gives."""

        def begin(status: str, headers: list[tuple[str, str]]) -> None:
            self.send_response(int(status.split(maxsplit=1)[0]))
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()

        packs = {"HTTP_ACCEPT_ENCODING": self.headers.get("Accept-Encoding", "")}
        [body] = self.files({"PATH_INFO": path, "REQUEST_METHOD": "GET", **packs}, begin)
        self.server.sent.append((path, len(body)))
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.api("POST")

    def do_PUT(self) -> None:
        self.api("PUT")

    def api(self, method: str) -> None:
        exam = self.exam
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        time.sleep(exam.delay)
        with exam.lock:
            exam.calls.append((method, self.path.rsplit("/", 1)[-1]))
            status, answer = self.answer(method, token, body)
            drop = method == "PUT" and status == 200 and exam.drop_acknowledgements > 0
            exam.drop_acknowledgements -= drop
        if drop:
            self.close_connection = True
            self.connection.close()
            return
        if isinstance(answer, bytes):
            self.reply(status, answer, "application/octet-stream")
        else:
            self.reply(status, json.dumps(answer, ensure_ascii=False).encode(), "application/json")

    def answer(self, method: str, token: str, body: dict[str, Any]) -> tuple[int, dict[str, Any] | bytes]:
        try:
            return 200, self.exam.dispatch(method, self.path, token, body)
        except RefusedError as error:
            return error.status, {"error": error.code, "message": error.message, "details": error.details}


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.sent: list[tuple[str, int]] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that goes away in the middle of an answer is no news."""


def serve(exam: FakeExam, port: int = 0, files: PlayerFiles = FILES) -> tuple[QuietServer, str]:
    """Serve player and API, on a free port or a given one; returns the server and the player's address."""
    handler = type("BoundHandler", (Handler,), {"exam": exam, "files": files})
    server = QuietServer(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}/exam/"

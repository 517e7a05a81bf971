"""The WSGI program behind /api/v1/exam: six calls."""

from __future__ import annotations

import gzip
import hmac
import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from datetime import datetime, timedelta
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import msgspec
import structlog

from exam_delivery.answering import tokens
from exam_delivery.answering.commands import (
    SaveCommand,
    StartCommand,
    SubmitCommand,
    TakeCommand,
    TouchCommand,
    check_holder,
    deadline_of,
)
from exam_delivery.answering.protocol import (
    ABSENT,
    CLOSED,
    MAX_BODY,
    MAX_EVENTS,
    MAX_RESPONSE,
    NOT_FOUND,
    NOT_PREPARED,
    SIGNED_OUT,
    THROTTLED,
    TOO_LARGE,
    UNAVAILABLE,
    VOID,
    WRONG_CREDENTIALS,
    Refusal,
    Save,
    SignIn,
    invalid,
)
from exam_delivery.answering.storage import AttemptRow, Storage
from exam_delivery.answering.storage_postgresql import PostgresqlStorage
from exam_delivery.answering.storage_sqlite import SqliteStorage
from exam_delivery.answering.writer import Writer
from kernel import clock, crypto
from kernel.clock import iso
from kernel.national_id import normalise_id
from kernel.settings import Settings

log = structlog.get_logger()
WAIT_SECONDS = 30
TOKEN_GRACE = timedelta(minutes=30)
TRY_WINDOW = timedelta(minutes=10)
MAX_TRIES_BY_NUMBER, MAX_TRIES_BY_ADDRESS = 8, 200
PREFIX = "/api/v1/exam/"
Answer = tuple[int, list[tuple[str, str]], bytes]
STATUS_LINES = {
    200: "200 OK", 401: "401 Unauthorized", 403: "403 Forbidden", 404: "404 Not Found", 405: "405 Method Not Allowed",
    409: "409 Conflict", 410: "410 Gone", 413: "413 Content Too Large", 422: "422 Unprocessable Content",
    429: "429 Too Many Requests", 500: "500 Internal Server Error", 503: "503 Service Unavailable",
}  # fmt: skip
HEADERS = [
    ("Content-Type", "application/json; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
]


def open_storage(settings: Settings) -> Storage:
    """Return the storage of the configured database."""
    if settings.is_sqlite:
        return SqliteStorage(settings.database_url.removeprefix("sqlite:///"))
    return PostgresqlStorage(settings.database_url)


def session_view(form: dict[str, Any]) -> dict[str, Any]:
    """Return what the candidate may read before the start: nothing of the items."""
    return {
        "name": form["session_name"],
        "title": form["title"],
        "duration_seconds": form["duration_seconds"],
        "rules": form["rules"],
        "pledge": form["pledge"],
    }


class AnsweringApp:
    """The candidate API as one callable."""

    def __init__(self, storage: Storage, secret: str, *, now: Callable[[], datetime] = clock.now) -> None:
        self.storage, self.now = storage, now
        self.token_key = crypto.derive_key(secret, "attempt-token")
        self.index_key = crypto.derive_key(secret, "personal-index")
        self.writer = Writer(storage, now)
        self.routes: dict[tuple[str, str], Callable[[WSGIEnvironment, uuid.UUID, int], Answer]] = {
            ("GET", "form"): self.read_form,
            ("POST", "start"): self.start,
            ("PUT", "responses"): self.save,
            ("GET", "responses"): self.read_responses,
            ("POST", "submit"): self.submit,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        status, headers, body = self._answer(environ)
        start_response(STATUS_LINES[status], [*headers, ("Content-Length", str(len(body)))])
        return [body] if environ["REQUEST_METHOD"] != "HEAD" else [b""]

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        try:
            return self._dispatch(environ)
        except Refusal as refusal:
            return refuse(refusal)
        except FutureTimeoutError:
            return refuse(UNAVAILABLE)
        except Exception as exc:  # noqa: BLE001 - the last resort: an answer without a trace, a log line with one
            log.error("answering_failed", path=environ.get("PATH_INFO"), exc_info=exc)
            return refuse(UNAVAILABLE)

    def _dispatch(self, environ: WSGIEnvironment) -> Answer:
        parts = environ["PATH_INFO"].removeprefix(PREFIX).split("/")
        method = environ["REQUEST_METHOD"]
        if parts == ["sign-in"]:
            return self.sign_in(environ) if method == "POST" else refuse(_method("POST"))
        if len(parts) != 3 or parts[0] != "attempts":
            raise NOT_FOUND
        route = self.routes.get((method, parts[2]))
        if route is None:
            allowed = [m for m, name in self.routes if name == parts[2]]
            raise _method(*allowed) if allowed else NOT_FOUND
        attempt_id, generation = tokens.verify(self.token_key, bearer(environ))
        if parts[1] != str(attempt_id):
            raise NOT_FOUND
        return route(environ, attempt_id, generation)

    def _write(self, command: Any) -> Any:
        return self.writer.submit(command).result(timeout=WAIT_SECONDS)

    def sign_in(self, environ: WSGIEnvironment) -> Answer:
        """Check who it is, make the caller the holder, and say when the exam opens."""
        body = decode(environ, SignIn)
        number, identity = body.admission_number.strip(), normalise_id(body.id_number)
        subjects = [f"number:{number[:60]}", f"address:{environ.get('REMOTE_ADDR', '')[:60]}"]
        self._check_throttle(subjects)
        row = self.storage.find_sign_in(number) if number else None
        proof = crypto.blind_index(self.index_key, "sign-in", number, identity)
        if row is None or not hmac.compare_digest(row.sign_in_index, proof):
            with self.storage_note():
                self._note_failure(subjects)
            raise WRONG_CREDENTIALS
        return self._admit(environ, row.attempt_id, row.registration_status, row.opens_at)

    def storage_note(self) -> Any:
        """Return a context that lets sign-in answer even when the failure cannot be noted."""
        return _Quiet()

    def _note_failure(self, subjects: Sequence[str]) -> None:
        self._write(_FailureCommand(uuid.UUID(int=0), subjects))

    def _check_throttle(self, subjects: Sequence[str]) -> None:
        since = self.now() - TRY_WINDOW
        for subject, limit in zip(subjects, (MAX_TRIES_BY_NUMBER, MAX_TRIES_BY_ADDRESS), strict=True):
            if self.storage.count_failed_sign_ins([subject], since) >= limit:
                raise THROTTLED

    def _admit(
        self, environ: WSGIEnvironment, attempt_id: uuid.UUID | None, status: str, opens_at: datetime | None
    ) -> Answer:
        if status == "void":
            raise VOID
        if status == "absent":
            raise ABSENT
        if attempt_id is None or opens_at is None:
            raise NOT_PREPARED
        if self.now() < opens_at:
            raise Refusal(403, "not_open", "还没有到入场时间", {"opens_at": iso(opens_at)})
        attempt = self._write(TakeCommand(attempt_id, device_of(environ)))
        form = self._form(attempt_id)
        return ok(
            {
                "token": tokens.issue(self.token_key, attempt_id, attempt.holder_generation),
                "attempt_id": str(attempt_id),
                **self._times(attempt),
                "opens_at": iso(attempt.starts_at),
                "candidate": form["candidate"],
                "session": session_view(form),
            }
        )

    def _form(self, attempt_id: uuid.UUID) -> dict[str, Any]:
        body = self.storage.find_form(attempt_id)
        if body is None:
            raise NOT_PREPARED
        form: dict[str, Any] = msgspec.json.decode(gzip.decompress(body))
        return form

    def _times(self, attempt: AttemptRow) -> dict[str, Any]:
        """Return the status and the times that every answer carries."""
        now = self.now()
        status = attempt.status
        if status == "waiting" and now >= attempt.starts_at:
            status = "ready"
        times: dict[str, Any] = {
            "status": status,
            "server_time": iso(now),
            "deadline_at": iso(attempt.deadline_at) if attempt.deadline_at else None,
        }
        if attempt.started_at and attempt.earliest_submit_seconds:
            earliest = attempt.started_at + timedelta(seconds=attempt.earliest_submit_seconds)
            times["earliest_submit_at"] = iso(earliest)
        return times

    def _held(self, attempt_id: uuid.UUID, generation: int) -> AttemptRow:
        attempt = check_holder(self.storage.find_attempt(attempt_id), generation)
        if self.now() > deadline_of(attempt) + TOKEN_GRACE:
            raise SIGNED_OUT
        return attempt

    def read_form(self, environ: WSGIEnvironment, attempt_id: uuid.UUID, generation: int) -> Answer:
        """Give the rendered form, once the clock runs."""
        attempt = self._held(attempt_id, generation)
        if attempt.status == "waiting":
            raise Refusal(403, "not_open", "考试尚未开始，到时间会自动进入", {"opens_at": iso(attempt.starts_at)})
        if attempt.status == "submitted":
            raise CLOSED
        body = self.storage.find_form(attempt_id)
        if body is None:
            raise NOT_PREPARED
        if "gzip" in environ.get("HTTP_ACCEPT_ENCODING", ""):
            return 200, [*HEADERS, ("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")], body
        return 200, [*HEADERS, ("Vary", "Accept-Encoding")], gzip.decompress(body)

    def start(self, _environ: WSGIEnvironment, attempt_id: uuid.UUID, generation: int) -> Answer:
        """Start the clock once."""
        return ok(self._times(self._write(StartCommand(attempt_id, generation))))

    def save(self, environ: WSGIEnvironment, attempt_id: uuid.UUID, generation: int) -> Answer:
        """Keep answers; acknowledge only what is durable."""
        events = checked_events(decode(environ, Save))
        answer = self._write(SaveCommand(attempt_id, generation, events))
        return ok({**answer, "server_time": iso(self.now())})

    def read_responses(self, _environ: WSGIEnvironment, attempt_id: uuid.UUID, generation: int) -> Answer:
        """Give this candidate's durable answers; the page's heartbeat at the same time."""
        attempt = self._held(attempt_id, generation)
        self.writer.submit(TouchCommand(attempt_id, generation))
        states = self.storage.find_states(attempt_id)
        responses = {str(s.slot): {"seq": s.seq, "response": msgspec.Raw(s.response.encode())} for s in states}
        return ok({"responses": responses, **self._times(attempt)})

    def submit(self, _environ: WSGIEnvironment, attempt_id: uuid.UUID, generation: int) -> Answer:
        """Hand in; the receipt names how many answers, their digest and the time."""
        number = self.storage.admission_number(attempt_id)
        receipt = self._write(SubmitCommand(attempt_id, generation, number))
        return ok({**receipt, "server_time": iso(self.now())})

    def close(self) -> None:
        """Finish what waits and close the database."""
        self.writer.close()
        self.storage.close()


class _Quiet:
    """Swallow a refusal of the writer: a full queue must not hide that the credentials were wrong."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, exc: BaseException | None, _trace: object) -> bool:
        return isinstance(exc, Refusal | FutureTimeoutError)


class _FailureCommand:
    """Remember a failed sign-in."""

    def __init__(self, attempt_id: uuid.UUID, subjects: Sequence[str]) -> None:
        self.attempt_id, self.subjects = attempt_id, subjects

    def run(self, tx: Any, _attempt: AttemptRow | None, at: datetime) -> None:
        """Carry it out."""
        tx.note_failed_sign_in(self.subjects, at)


def bearer(environ: WSGIEnvironment) -> str:
    """Return the token of the request; raises the refusal ``signed_out``."""
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise SIGNED_OUT
    return str(token.strip())


def device_of(environ: WSGIEnvironment) -> str:
    """Return what is known of the device: its address and browser."""
    return f"{environ.get('REMOTE_ADDR', '')} {environ.get('HTTP_USER_AGENT', '')}"[:200].strip()


def decode(environ: WSGIEnvironment, shape: type[Any]) -> Any:
    """Return the request's body in its shape; raises Refusal."""
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError as exc:
        raise invalid("请求格式不正确") from exc
    if length > MAX_BODY:
        raise TOO_LARGE
    try:
        return msgspec.json.decode(environ["wsgi.input"].read(length), type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise invalid("请求格式不正确", reason=str(exc)[:200]) from exc


def checked_events(body: Save) -> list[tuple[int, int, str, str]]:
    """Return (slot, seq, response JSON, client time) of each event; raises Refusal."""
    if not 1 <= len(body.events) <= MAX_EVENTS:
        raise invalid(f"每次须提交 1–{MAX_EVENTS} 条作答")
    events = []
    for event in body.events:
        response = msgspec.json.encode(event.response if event.response is not None else []).decode()
        if event.seq < 0 or event.seq >= 2**53 or len(response) > MAX_RESPONSE:
            raise invalid("作答记录超出范围", slot=event.slot)
        events.append((event.slot, event.seq, response, event.client_time[:40]))
    return events


def ok(body: dict[str, Any]) -> Answer:
    """Return a JSON answer."""
    return 200, list(HEADERS), msgspec.json.encode(body)


def refuse(refusal: Refusal) -> Answer:
    """Return a refusal in the one error shape."""
    headers = list(HEADERS)
    if refusal.retry_after:
        headers.append(("Retry-After", str(refusal.retry_after)))
    if refusal.status == 405:
        headers.append(("Allow", ", ".join(refusal.details["allow"])))
    body = {"error": refusal.code, "message": refusal.message, "details": refusal.details}
    return refusal.status, headers, msgspec.json.encode(body)


def _method(*allowed: str) -> Refusal:
    return Refusal(405, "method_not_allowed", "不支持这种操作方式", {"allow": list(allowed)})


def create_answering_app(settings: Settings) -> AnsweringApp:
    """Build the program for the configured database."""
    return AnsweringApp(open_storage(settings), settings.secret_key)

"""The WSGI program behind /api/v1/exam: eight calls."""

from __future__ import annotations

import gzip
import hmac
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Protocol
from wsgiref.types import StartResponse, WSGIEnvironment

import msgspec
import structlog

from exam_delivery.answering import sealed_forms, tokens
from exam_delivery.answering.commands import (
    Command,
    KnockCommand,
    NoteFailureCommand,
    SaveCommand,
    StartCommand,
    SubmitCommand,
    TouchCommand,
    Undecided,
    deadline_of,
    hold_of,
    refuse_holder,
)
from exam_delivery.answering.holders import ReopenCommand, TakeCommand, was_reopened
from exam_delivery.answering.leaving import LEAVES, LeaveCommand, checked_leaves, policy_of
from exam_delivery.answering.lockdown import LockdownGate
from exam_delivery.answering.protocol import (
    AT_THE_DOOR,
    CLOSED,
    NOT_FOUND,
    NOT_PREPARED,
    SAVE,
    SHEET,
    SIGN_IN,
    SIGNED_OUT,
    THROTTLED,
    UNAVAILABLE,
    UNWELCOME,
    WRONG_CREDENTIALS,
    Refusal,
    RefusedError,
    method_not_allowed,
    not_open,
)
from exam_delivery.answering.requests import (
    HEADERS,
    STATUS_LINES,
    Answer,
    accepts_gzip,
    address_of,
    bearer,
    checked_events,
    decode,
    device_of,
    ok,
    refuse,
)
from exam_delivery.answering.steps import Reader, Reading, Receiver, Step, read
from exam_delivery.answering.storage import AttemptRow, SignInRow, StateRow, Storage
from exam_delivery.answering.storage_postgresql import PostgresqlStorage
from exam_delivery.answering.storage_sqlite import SqliteStorage
from exam_delivery.answering.turns import Ticket
from exam_delivery.answering.writer import MAX_WAITING, Writer
from exam_delivery.rules.rescue import PURPOSE, rescue_grant
from kernel import clock, crypto
from kernel.clock import iso
from kernel.national_id import normalise_id
from kernel.settings import Settings

log = structlog.get_logger()
WAIT_SECONDS = 30
TOKEN_GRACE = timedelta(minutes=30)
TRY_WINDOW = timedelta(minutes=10)
MAX_TRIES_BY_NUMBER, MAX_TRIES_BY_ADDRESS = 10, 1000
PREFIX = "/api/v1/exam/"
SEQS_OF_A_HOLDER = 1 << 20
"""Each holder numbers events above this times its generation: what an older machine kept unsent never replaces a newer answer."""
FILE_HEADERS = [("Content-Type", "application/seb"), *HEADERS[1:]]
SEALED_HEADERS = [("Content-Type", "application/octet-stream"), *HEADERS[1:]]
PLAIN_HEADERS = [*HEADERS, ("Vary", "Accept-Encoding")]
PACKED_HEADERS = [*PLAIN_HEADERS, ("Content-Encoding", "gzip")]
Call = Callable[[WSGIEnvironment, uuid.UUID, int], Step]


class DirectCall(Receiver, Protocol):
    """A call whose caller goes on meanwhile; it remembers the step that is being carried out."""

    step: Step | None


class AnsweringApp:
    """The candidate API as one callable."""

    def __init__(
        self,
        storage: Storage,
        secret: str,
        *,
        now: Callable[[], datetime] = clock.now,
        max_waiting: int = MAX_WAITING,
        max_tries: int = MAX_TRIES_BY_ADDRESS,
        gate: LockdownGate | None = None,
    ) -> None:
        self.storage, self.now, self.max_tries = storage, now, max_tries
        self.gate = gate or LockdownGate(storage)
        self.token_key = crypto.derive_key(secret, "attempt-token")
        self.index_key = crypto.derive_key(secret, "personal-index")
        self.rescue_key = crypto.derive_key(secret, PURPOSE)
        self.form_root = crypto.derive_key(secret, sealed_forms.PURPOSE)
        self.writer = Writer(storage, now, max_waiting=max_waiting)
        self.reader = Reader(storage)
        self.calls: dict[str, dict[str, Call]] = {
            "form": {"GET": self.read_form},
            "sealed-form": {"GET": self.read_sealed_form},
            "start": {"POST": self.start},
            "responses": {"GET": self.read_responses, "PUT": self.save},
            "submit": {"POST": self.submit},
            "leaves": {"POST": self.note_leaves},
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        status, headers, body = self._answer(environ)
        start_response(STATUS_LINES[status], [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        """Answer a call on the thread that waits for it."""
        try:
            reply = self._dispatch(environ)
            while isinstance(reply, Step):
                work = reply.work
                reply = reply.finish(read(self.storage, [work])[0] if isinstance(work, Reading) else self._write(work))
        except Exception as exc:  # noqa: BLE001 - every failure is answered, and told by `_failure`
            return _failure(exc)
        return reply

    def answers_at_once(self, environ: WSGIEnvironment) -> bool:
        """Say whether `begin` can be called without a look into the database; the path names an attempt."""
        return self.gate.knows(uuid.UUID(environ["PATH_INFO"].split("/")[5]))

    def begin(self, environ: WSGIEnvironment, call: DirectCall) -> Answer | None:
        """Answer a call, or have its first step carried out and return None; the call is then resolved by another thread."""
        return self._advance(call, lambda: self._dispatch(environ))

    def go_on(self, call: DirectCall, outcome: Any) -> Answer | None:
        """Answer a call whose step was carried out, or have its next step carried out and return None."""
        step = call.step
        if step is None or isinstance(outcome, Refusal):
            return refuse(outcome)
        return self._advance(call, lambda: step.finish(outcome))

    def _advance(self, call: DirectCall, proceed: Callable[[], Answer | Step]) -> Answer | None:
        try:
            reply = proceed()
            if not isinstance(reply, Step):
                return reply
            call.step = reply
            if isinstance(reply.work, Reading):
                self.reader.submit(reply.work, call)
            else:
                self.writer.submit(reply.work, call)
        except Exception as exc:  # noqa: BLE001 - every failure is answered, and told by `_failure`
            return _failure(exc)
        return None

    def _dispatch(self, environ: WSGIEnvironment) -> Answer | Step:
        parts = environ["PATH_INFO"].removeprefix(PREFIX).split("/")
        method = environ["REQUEST_METHOD"]
        if parts == ["sign-in"]:
            return self.sign_in(environ) if method == "POST" else refuse(method_not_allowed("POST"))
        if len(parts) == 2 and parts[0] == "seb":
            return self.read_settings_file(parts[1]) if method == "GET" else refuse(method_not_allowed("GET"))
        if len(parts) != 3 or parts[0] != "attempts" or parts[2] not in self.calls:
            return refuse(NOT_FOUND)
        call = self.calls[parts[2]].get(method)
        if call is None:
            return refuse(method_not_allowed(*self.calls[parts[2]]))
        attempt_id, generation = tokens.verify(self.token_key, bearer(environ))
        if parts[1] != str(attempt_id):
            return refuse(NOT_FOUND)
        self.gate.check(environ, attempt_id)
        return call(environ, attempt_id, generation)

    def _write(self, command: Command) -> Any:
        """Have a command carried out; return its outcome once it is durable, or raise its refusal."""
        ticket = Ticket()
        self.writer.submit(command, ticket)
        outcome = ticket.result(timeout=WAIT_SECONDS)
        if isinstance(outcome, Refusal):
            raise RefusedError(outcome)
        return outcome

    def sign_in(self, environ: WSGIEnvironment) -> Answer:
        """Check who it is, make the caller the holder, and say when the exam opens."""
        body = decode(environ, SIGN_IN)
        number = "".join(c for c in body.admission_number if c.isprintable()).strip()[:60]
        subjects = [f"number:{number}", f"address:{address_of(environ)}"]
        self._check_throttle(subjects)
        row = self.storage.find_sign_in(number) if number else None
        proof = crypto.blind_index(self.index_key, "sign-in", number, normalise_id(body.id_number))
        if not hmac.compare_digest(row.sign_in_index if row else "", proof) or row is None:
            with suppress(RefusedError, TimeoutError):  # a full queue must not hide that the credentials were wrong
                self._write(NoteFailureCommand(subjects))
            raise RefusedError(WRONG_CREDENTIALS)
        return self._admit(environ, row)

    def _check_throttle(self, subjects: Sequence[str]) -> None:
        since = self.now() - TRY_WINDOW
        for subject, limit in zip(subjects, (MAX_TRIES_BY_NUMBER, self.max_tries), strict=True):
            if self.storage.count_failed_sign_ins(subject, since) >= limit:
                raise RefusedError(THROTTLED)

    def _admit(self, environ: WSGIEnvironment, row: SignInRow) -> Answer:
        """Make somebody who proved who they are the holder of their attempt."""
        if row.registration_status in AT_THE_DOOR and row.attempt_id:
            with suppress(RefusedError, TimeoutError):  # a full queue must not hide whom to see
                self._write(KnockCommand(row.attempt_id))
        if row.registration_status in UNWELCOME:
            raise RefusedError(UNWELCOME[row.registration_status])
        body = self.storage.find_form(row.attempt_id) if row.attempt_id else None
        if row.attempt_id is None or row.opens_at is None or body is None:
            raise RefusedError(NOT_PREPARED)
        if self.now() < row.opens_at:
            raise RefusedError(not_open("还没有到入场时间", iso(row.opens_at)))
        self.gate.check(environ, row.attempt_id)
        policy, subject = policy_of(body), f"number:{row.admission_number}"
        attempt = self._write(TakeCommand(row.attempt_id, device_of(environ), policy.takeover_consent, subject))
        token = tokens.issue(self.token_key, row.attempt_id, attempt.holder_generation)
        rescue = rescue_grant(self.rescue_key, row.attempt_id, attempt.holder_generation)
        first_seq = attempt.holder_generation * SEQS_OF_A_HOLDER
        facts = {"token": token, "attempt_id": str(row.attempt_id), "first_seq": first_seq, "rescue": rescue}
        return ok({**facts, **self._times(attempt), **introduction(body)})

    def read_settings_file(self, launch_code: str) -> Answer:
        """Give the settings file of a session to the browser that it configures; the code is named to candidates alone."""
        body = self.storage.find_settings_file(launch_code[:40])
        if body is None:
            raise RefusedError(NOT_FOUND)
        return 200, [*FILE_HEADERS, ("Content-Disposition", "attachment; filename=exam.seb")], body

    def _times(self, attempt: AttemptRow) -> dict[str, Any]:
        """Return the status and the times that every answer carries."""
        now = self.now()
        is_ready = attempt.status == "waiting" and now >= attempt.starts_at
        times: dict[str, Any] = {
            "status": "ready" if is_ready else attempt.status,
            "server_time": iso(now),
            "opens_at": iso(attempt.starts_at),
            "deadline_at": iso(deadline_of(attempt, now)) if attempt.deadline_at else None,
            "hold": hold_of(attempt),
        }
        if attempt.started_at and attempt.earliest_submit_seconds:
            earliest = attempt.started_at + timedelta(seconds=attempt.earliest_submit_seconds)
            times["earliest_submit_at"] = iso(earliest)
        return times

    def _held(self, attempt: AttemptRow | None, generation: int) -> AttemptRow:
        """Return the attempt of a token that is still good; raises RefusedError."""
        refusal = refuse_holder(attempt, generation)
        if refusal or attempt is None:
            raise RefusedError(refusal or NOT_FOUND)
        if attempt.status != "submitted" and self.now() > deadline_of(attempt, self.now()) + TOKEN_GRACE:
            raise RefusedError(SIGNED_OUT)
        return attempt

    def read_form(self, environ: WSGIEnvironment, attempt_id: uuid.UUID, generation: int) -> Step:
        """Give the rendered form, once the clock runs."""

        def finish(found: tuple[AttemptRow, bytes | None] | None) -> Answer:
            attempt = self._held(found[0] if found else None, generation)
            if attempt.status == "waiting":
                raise RefusedError(not_open("考试尚未开始，到时间会自动进入", iso(attempt.starts_at)))
            body = _unless_closed(attempt, found)
            if was_reopened(attempt, self.now()):
                self._note(ReopenCommand(attempt_id, generation))
            if accepts_gzip(environ):
                return 200, PACKED_HEADERS, body
            return 200, PLAIN_HEADERS, gzip.decompress(body)

        return Step(Reading(attempt_id, is_form=True), finish)

    def read_sealed_form(self, _environ: WSGIEnvironment, attempt_id: uuid.UUID, generation: int) -> Step:
        """Give the form sealed to somebody who waits; the start tells its key."""

        def finish(found: tuple[AttemptRow, bytes | None] | None) -> Answer:
            body = _unless_closed(self._held(found[0] if found else None, generation), found)
            return 200, SEALED_HEADERS, sealed_forms.seal_form(self.form_root, attempt_id, body)

        return Step(Reading(attempt_id, is_form=True), finish)

    def start(self, _environ: WSGIEnvironment, attempt_id: uuid.UUID, generation: int) -> Step:
        """Start the clock once, and tell the key of the form that was fetched before."""

        def finish(attempt: AttemptRow) -> Answer | Step:
            if attempt.status != "in_progress":
                return ok(self._times(attempt))
            return Step(Reading(attempt_id, is_form=True), lambda found: tell(attempt, found))

        def tell(attempt: AttemptRow, found: tuple[AttemptRow, bytes | None] | None) -> Answer:
            body = found[1] if found else None
            key = {"form_key": sealed_forms.told_key(self.form_root, attempt_id, body)} if body else {}
            return ok({**self._times(attempt), **key})

        return Step(StartCommand(attempt_id, generation), finish)

    def save(self, environ: WSGIEnvironment, attempt_id: uuid.UUID, generation: int) -> Step:
        """Keep answers; acknowledge only what is durable."""
        events = checked_events(decode(environ, SAVE))
        return Step(SaveCommand(attempt_id, generation, self.now(), events), self._told_now)

    def note_leaves(self, environ: WSGIEnvironment, attempt_id: uuid.UUID, generation: int) -> Step:
        """Keep what the page noticed of leaving it; the policy stands in the candidate's form."""
        events = checked_leaves(decode(environ, LEAVES))
        policy = policy_of(self.storage.find_form(attempt_id))
        return Step(LeaveCommand(attempt_id, generation, self.now(), events, policy), self._told_now)

    def read_responses(self, _environ: WSGIEnvironment, attempt_id: uuid.UUID, generation: int) -> Step:
        """Give this candidate's durable answers; the page's heartbeat at the same time."""

        def finish(found: tuple[AttemptRow, list[StateRow]] | None) -> Answer:
            attempt = self._held(found[0] if found else None, generation)
            self._note(TouchCommand(attempt_id, generation))
            states = found[1] if found else []
            responses = {str(s.slot): {"seq": s.seq, "response": msgspec.Raw(s.response.encode())} for s in states}
            receipt = {"receipt": attempt.receipt} if attempt.receipt else {}
            return ok({"responses": responses, **self._times(attempt), **receipt})

        return Step(Reading(attempt_id, is_form=False), finish)

    def submit(self, _environ: WSGIEnvironment, attempt_id: uuid.UUID, generation: int) -> Step:
        """Hand in; the receipt names how many answers, their digest and the time."""

        def finish(outcome: dict[str, Any] | Undecided) -> Answer | Step:
            if isinstance(outcome, Undecided):
                return Step(Reading(attempt_id, is_form=True), decide)
            return self._told_now(outcome)

        def decide(found: tuple[AttemptRow, bytes | None] | None) -> Step:
            consent = timedelta(seconds=policy_of(found[1] if found else None).consent_seconds)
            return Step(SubmitCommand(attempt_id, generation, consent), self._told_now)

        return Step(SubmitCommand(attempt_id, generation), finish)

    def _note(self, command: Command) -> None:
        """Have something noted that is no reason to refuse a call or to let it wait."""
        with suppress(RefusedError):
            self.writer.submit(command)

    def _told_now(self, outcome: dict[str, Any]) -> Answer:
        """Return what was carried out, with the server's time."""
        return ok({**outcome, "server_time": iso(self.now())})

    def close(self) -> None:
        """Finish what waits and close the database."""
        self.writer.close()
        self.reader.close()
        self.storage.close()


def _failure(exc: Exception) -> Answer:
    """Return the answer to a call that was refused or failed."""
    if isinstance(exc, RefusedError):
        return refuse(exc.refusal)
    if not isinstance(exc, TimeoutError):
        log.error("answering_failed", exc_info=exc)
    return refuse(UNAVAILABLE)


def _unless_closed(attempt: AttemptRow, found: tuple[AttemptRow, bytes | None] | None) -> bytes:
    """Return the form that was found, unless the attempt is handed in; raises RefusedError."""
    if attempt.status == "submitted":
        raise RefusedError(CLOSED)
    if found is None or found[1] is None:
        raise RefusedError(NOT_PREPARED)
    return found[1]


def introduction(body: bytes) -> dict[str, Any]:
    """Return what of a compressed form the candidate may read before the start: nothing of the items."""
    sheet = SHEET.decode(gzip.decompress(body))
    session = {
        "name": sheet.session_name,
        "title": sheet.title,
        "duration_seconds": sheet.duration_seconds,
        "rules": sheet.rules,
        "pledge": sheet.pledge,
    }
    return {"candidate": sheet.candidate, "session": session}


def open_storage(settings: Settings) -> Storage:
    """Return the storage of the configured database."""
    if settings.is_sqlite:
        return SqliteStorage(settings.database_url.removeprefix("sqlite:///"))
    return PostgresqlStorage(settings.database_url)


def create_answering_app(settings: Settings) -> AnsweringApp:
    """Build the program for the configured database."""
    return AnsweringApp(open_storage(settings), settings.secret_key, max_tries=settings.sign_in_tries)

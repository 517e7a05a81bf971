"""Taking a key, finding what was answered under it, keeping an answer, and forgetting old ones."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from kernel.canonical import canonical_json
from kernel.clock import now
from kernel.crypto import blind_index, decrypt, encrypt, purpose_key
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.idempotency.models import KeptAnswer
from kernel.identity.actor import Actor
from kernel.uow import UnitOfWork

KEPT_FOR = timedelta(hours=24)
RETRY_AFTER_SECONDS = 1
PURPOSE = "idempotency"


@dataclass(frozen=True, slots=True)
class Ask:
    """One request under a key: who asked where, and for what."""

    endpoint: str
    key_digest: str
    request_digest: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered; `messages` are (category, text) pairs that the next page shows."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    messages: Sequence[tuple[str, str]] = ()


class AskedOtherwiseError(Exception):
    """The key was used before, at `asked_at`, with other content; no refusal yet, since a person may be asked what is meant."""

    def __init__(self, asked_at: datetime, answer: Answer) -> None:
        super().__init__()
        self.asked_at = asked_at
        self.answer = answer


def ask_of(actor: Actor, *, endpoint: str, key: str, content: str) -> Ask:
    """Return the request as it is compared: a key counts for one person, in one organisation, at one endpoint."""
    place = (str(actor.organisation_id or ""), str(actor.user_id or ""), endpoint)
    secret = purpose_key(PURPOSE)
    return Ask(endpoint, blind_index(secret, "key", *place, key), blind_index(secret, "request", content))


def take_key(session: Session, ask: Ask, *, waits: bool) -> None:
    """Hold a key until the transaction ends; only one request has it.

    PostgreSQL says at once that a request still runs, which an INSERT of the same key would wait for. On SQLite the
    transaction has its turn already, so nobody else can be running.

    Raises
    ------
    ConflictError
        If a request with the same key still runs and this one is not to wait for it.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    number = int.from_bytes(bytes.fromhex(ask.key_digest)[:8], "big", signed=True)
    if waits:
        session.execute(select(func.pg_advisory_xact_lock(number)))
    elif not session.scalar(select(func.pg_try_advisory_xact_lock(number))):
        raise ConflictError(
            N_("同一个 Idempotency-Key 的请求还在处理，请稍后用同样的请求再问"), error_code="still_running",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )  # fmt: skip


def find_answer(session: Session, ask: Ask) -> Answer | None:
    """Return what was answered to the same request before; None when it is new.

    Raises
    ------
    AskedOtherwiseError
        If the key was used for another request.
    """
    row = session.get(KeptAnswer, ask.key_digest, populate_existing=True)
    if row is None or row.created_at <= now() - KEPT_FOR:
        return None
    if row.request_digest != ask.request_digest:
        raise AskedOtherwiseError(row.created_at, _opened(row))
    return _opened(row)


def keep_answer(uow: UnitOfWork, ask: Ask, answer: Answer) -> None:
    """Keep the answer in the transaction of its act."""
    uow.session.execute(delete(KeptAnswer).where(KeptAnswer.key_digest == ask.key_digest))  # one that is too old
    uow.add(
        KeptAnswer(
            key_digest=ask.key_digest, organisation_id=uow.actor.organisation_id, user_id=uow.actor.user_id,
            endpoint=ask.endpoint[:120], request_digest=ask.request_digest, status=answer.status,
            envelope=_sealed(ask, answer), created_at=now(),
        )
    )  # fmt: skip


def forget_old_answers(uow: UnitOfWork) -> int:
    """Delete answers whose day is over; return how many."""
    gone = delete(KeptAnswer).where(KeptAnswer.created_at <= now() - KEPT_FOR).returning(KeptAnswer.key_digest)
    return len(uow.session.scalars(gone).all())


def _sealed(ask: Ask, answer: Answer) -> bytes:
    parts = {
        "headers": dict(answer.headers), "messages": [list(one) for one in answer.messages],
        "body": b64encode(answer.body).decode(),
    }  # fmt: skip
    return encrypt(purpose_key(PURPOSE), canonical_json(parts), bound_to=ask.key_digest)


def _opened(row: KeptAnswer) -> Answer:
    parts = json.loads(decrypt(purpose_key(PURPOSE), row.envelope, bound_to=row.key_digest))
    messages = [(category, text) for category, text in parts["messages"]]
    return Answer(row.status, parts["headers"], b64decode(parts["body"]), messages)

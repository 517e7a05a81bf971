"""应急文件: answers that never reached the server, carried by hand; sealed by the page, opened and merged by the server.

The page seals with ChaCha20-Poly1305 (RFC 8439) under a key of this attempt and this sign-in. One way for every room: browsers
hide their own cryptography (``crypto.subtle``) from pages without TLS, and of two ways the rarer one would be the less tested.
"""

from __future__ import annotations

import base64
import binascii
import enum
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from exam_delivery.rules.merging import ALL_LATE, GivenAnswer
from kernel.errors import InvalidInputError
from kernel.i18n import N_

FORMAT = "kaoku-rescue/1"
PURPOSE = "rescue-file"
MAX_FILE = 8 * 1024 * 1024
MAX_EVENTS = 2000
MAX_RESPONSE = 64 * 1024
MAX_SEQ = 2**53
UNREADABLE = N_("这不是应急文件，或文件不完整，没有导入任何内容：请从考生电脑重新复制一份")
CHANGED = N_("应急文件不完整或被改动过，没有导入任何内容：请考生重新保存一份")


class RescueState(enum.StrEnum):
    """Where a rescue file stands."""

    UPLOADED = "uploaded"
    IMPORTED = "imported"
    HELD = "held"
    COUNTED = "counted"
    LEFT_OUT = "left_out"


STATE_LABELS: dict[RescueState, str] = {
    RescueState.UPLOADED: N_("已上传，待导入"),
    RescueState.IMPORTED: N_("已导入"),
    RescueState.HELD: N_("有迟到答案，待裁定"),
    RescueState.COUNTED: N_("迟到答案已计入"),
    RescueState.LEFT_OUT: N_("迟到答案不计入"),
}


class LateRule(enum.StrEnum):
    """What happens to answers that reach the server after the end although they were given before it."""

    HOLD = N_("逐案裁定")
    COUNT = N_("作答时间未到截止的计入")


@dataclass(frozen=True, slots=True)
class Envelope:
    """A rescue file before it is opened: whose it says it is, and what is sealed."""

    attempt_id: uuid.UUID
    generation: int
    made_at: str
    nonce: bytes
    sealed: bytes


def attempt_key(root: bytes, attempt_id: uuid.UUID, generation: int) -> bytes:
    """Return the key of one holder of an attempt; nothing of it is stored.

    Examples
    --------
    >>> len(attempt_key(b"k" * 32, uuid.UUID(int=7), 3))
    32
    """
    return hmac.new(root, attempt_id.bytes + generation.to_bytes(4, "big"), sha256).digest()


def rescue_grant(root: bytes, attempt_id: uuid.UUID, generation: int) -> dict[str, Any]:
    """Return what a page needs to seal a rescue file; it is told at sign-in."""
    return {"key": base64.b64encode(attempt_key(root, attempt_id, generation)).decode(), "generation": generation}


def read_envelope(data: bytes) -> Envelope:
    """Return the outside of a rescue file; raises InvalidInputError."""
    try:
        raw = json.loads(data)
        if raw["format"] != FORMAT or not 0 <= raw["generation"] < 2**31:
            raise ValueError(raw["format"])
        nonce, sealed = (base64.b64decode(raw[name], validate=True) for name in ("nonce", "sealed"))
        found = Envelope(uuid.UUID(raw["attempt_id"]), raw["generation"], str(raw["made_at"]), nonce, sealed)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error) as exc:
        raise InvalidInputError(UNREADABLE, fields={"file": [UNREADABLE]}) from exc
    return found


def open_envelope(envelope: Envelope, key: bytes, *, n_slots: int) -> list[GivenAnswer]:
    """Return the answers inside; raises InvalidInputError when a single bit differs or the key is another attempt's."""
    bound_to = "\n".join((FORMAT, str(envelope.attempt_id), str(envelope.generation), envelope.made_at))
    try:
        plain = ChaCha20Poly1305(key).decrypt(envelope.nonce, envelope.sealed, bound_to.encode())
        events = json.loads(plain)["events"]
        if len(events) > MAX_EVENTS:
            raise ValueError(len(events))
        return [_event(raw, n_slots, envelope.generation) for raw in events]
    except (InvalidTag, ValueError, KeyError, TypeError, RecursionError) as exc:
        raise InvalidInputError(CHANGED, fields={"file": [CHANGED]}) from exc


def _event(raw: Mapping[str, Any], n_slots: int, sealed_under: int) -> GivenAnswer:
    slot, seq = raw["slot"], raw["seq"]
    generation = min(sealed_under, int(raw.get("generation") or sealed_under))
    response = json.dumps(raw["response"] or [], ensure_ascii=False, separators=(",", ":"))
    if not (isinstance(slot, int) and isinstance(seq, int) and 1 <= slot <= n_slots and 0 <= seq < MAX_SEQ):
        raise ValueError(slot)
    if not isinstance(json.loads(response), list) or len(response) > MAX_RESPONSE:
        raise ValueError(slot)
    client_time = "".join(c for c in str(raw.get("client_time", ""))[:40] if c.isprintable())
    return GivenAnswer(slot, seq, response, client_time, _moment(raw.get("at")), generation)


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None


def until_when(
    *, is_open: bool, rule: str, deadline: datetime, ended_at: datetime | None, grace_seconds: int, at: datetime
) -> datetime | None:
    """Return until when an answer must have been given to count; None while the attempt still takes answers.

    Examples
    --------
    >>> from datetime import UTC
    >>> nine, ten = datetime(2026, 1, 1, 9, tzinfo=UTC), datetime(2026, 1, 1, 10, tzinfo=UTC)
    >>> until_when(is_open=True, rule="逐案裁定", deadline=ten, ended_at=None, grace_seconds=3, at=nine) is None
    True
    >>> until_when(is_open=False, rule="逐案裁定", deadline=ten, ended_at=ten, grace_seconds=3, at=ten).year
    1
    """
    grace = timedelta(seconds=grace_seconds)
    if is_open and ended_at is None and at <= deadline + grace:
        return None
    if not is_open or rule != LateRule.COUNT:
        return ALL_LATE
    return min(deadline, ended_at or deadline) + grace

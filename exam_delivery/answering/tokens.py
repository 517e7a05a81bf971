"""Attempt tokens: verified without the database, bound to the attempt and to the holder generation."""

from __future__ import annotations

import base64
import binascii
import hmac
import uuid
from hashlib import sha256

from exam_delivery.answering.protocol import SIGNED_OUT, RefusedError

MAC_LENGTH = 20


def issue(key: bytes, attempt_id: uuid.UUID, generation: int) -> str:
    """Return the token of one holder of an attempt."""
    body = attempt_id.bytes + generation.to_bytes(4, "big")
    return base64.urlsafe_b64encode(body + _mac(key, body)).decode().rstrip("=")


def verify(key: bytes, token: str) -> tuple[uuid.UUID, int]:
    """Return attempt and generation of a token; raises the refusal ``signed_out``.

    Examples
    --------
    >>> key, attempt = b"k" * 32, uuid.UUID(int=7)
    >>> verify(key, issue(key, attempt, 3)) == (attempt, 3)
    True
    """
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as exc:
        raise RefusedError(SIGNED_OUT) from exc
    body, mac = raw[:20], raw[20:]
    if len(raw) != 20 + MAC_LENGTH or not hmac.compare_digest(mac, _mac(key, body)):
        raise RefusedError(SIGNED_OUT)
    return uuid.UUID(bytes=body[:16]), int.from_bytes(body[16:], "big")


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, body, sha256).digest()[:MAC_LENGTH]

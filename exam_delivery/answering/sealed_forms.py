"""The form before the start: it lies sealed in the waiting page, and the start releases a small key.

So five hundred pages fetch their forms over minutes, not in the same second. Each form of each attempt has a key of its own, made
from the installation's secret and from the form itself: a form that is changed meanwhile has another key, and nothing is kept.
"""

from __future__ import annotations

import base64
import hmac
import uuid
from hashlib import sha256

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

PURPOSE = "form-before-start"
NONCE = bytes(12)
"""One key seals one text, so that the number used once may stand still."""


def form_key(root: bytes, attempt_id: uuid.UUID, body: bytes) -> bytes:
    """Return the key of one form of one attempt: 32 bytes.

    Examples
    --------
    >>> attempt = uuid.UUID(int=7)
    >>> form_key(b"k" * 32, attempt, b"one form") == form_key(b"k" * 32, attempt, b"another")
    False
    """
    return hmac.new(root, attempt_id.bytes + sha256(body).digest(), sha256).digest()


def seal_form(root: bytes, attempt_id: uuid.UUID, body: bytes) -> bytes:
    """Return a compressed form sealed by RFC 8439, bound to its attempt."""
    return ChaCha20Poly1305(form_key(root, attempt_id, body)).encrypt(NONCE, body, str(attempt_id).encode())


def told_key(root: bytes, attempt_id: uuid.UUID, body: bytes) -> str:
    """Return the key as the start tells it."""
    return base64.b64encode(form_key(root, attempt_id, body)).decode()

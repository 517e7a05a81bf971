"""One byte form for a JSON value, and its digest.

Sorted keys, no blanks, UTF-8 unescaped: what RFC 8785 asks for, restricted to the values we use (no floats, so that
no number formatting can differ between machines).
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    msg = f"{type(value).__name__} has no canonical form"
    raise TypeError(msg)


def canonical_json(value: Any) -> bytes:
    """Return the canonical UTF-8 bytes of a JSON value; decimals become strings.

    Examples
    --------
    >>> canonical_json({"b": 1, "a": "题"}).decode()
    '{"a":"题","b":1}'
    """
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain).encode()


def digest(value: Any) -> str:
    """Return the SHA-256 of the canonical form as 64 lower-case hexadecimal digits.

    Examples
    --------
    >>> digest({})[:12]
    '44136fa355b3'
    """
    return hashlib.sha256(canonical_json(value)).hexdigest()


def digest_bytes(data: bytes) -> str:
    """Return the SHA-256 of bytes as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()

"""One byte form for a JSON value, and its digest.

Sorted keys, no blanks, UTF-8 unescaped: what RFC 8785 asks for, restricted to the values we use (no floats, so that
no number formatting can differ between machines).
"""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
import json
import uuid
from decimal import Decimal
from typing import Any

from kernel.clock import iso


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


def plain_value(value: Any) -> Any:
    """Return a value as JSON has it: keys and enumerations as text, moments in UTC, decimals without an exponent.

    Examples
    --------
    >>> plain_value([Decimal("2.50"), dt.date(2026, 1, 5), None])
    ['2.50', '2026-01-05', None]
    """
    if isinstance(value, list | tuple):
        return [plain_value(one) for one in value]
    if isinstance(value, dict):
        return {str(key): plain_value(one) for key, one in value.items()}
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime):
        return iso(value)
    return str(value) if isinstance(value, uuid.UUID | dt.date) else value


def facts_of(row: object, *names: str) -> dict[str, Any]:
    """Return some attributes of a row as JSON values, for records that leave the program."""
    return {name: plain_value(getattr(row, name)) for name in names}

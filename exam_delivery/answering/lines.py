"""The candidates' commonest calls, read straight from the bytes of a connection, and answers written as bytes.

Only one narrow form of request is read here: nothing folded, doubled, chunked, half arrived or followed by more. Whatever differs
in anything is left untouched for the server's own parser, so that nothing is understood here that it would understand otherwise.
"""

from __future__ import annotations

import io
import re
from email.utils import formatdate
from functools import lru_cache
from wsgiref.types import WSGIEnvironment

from exam_delivery.answering.requests import HEADERS, STATUS_LINES, Answer
from kernel.clock import now

CALL = re.compile(
    rb"(?:(PUT|POST) (/api/v1/exam/attempts/[0-9a-f-]{36}/(?:responses|start|submit))"
    rb"|(GET) (/api/v1/exam/attempts/[0-9a-f-]{36}/(?:responses|form))) HTTP/1\.1\r\n"
    rb"((?:[A-Za-z0-9-]+:[\t -~]*\r\n)+)\r\n"
)
LEFT_TO_THE_SERVER = frozenset(
    f"HTTP_{name}" for name in ("TRANSFER_ENCODING", "EXPECT", "UPGRADE", "TRAILER", "TE", "HTTP2_SETTINGS")
)
MAX_LENGTH_DIGITS = 6


def read_call(seen: bytes) -> WSGIEnvironment | None:
    r"""Return what is asked for if these bytes are exactly one whole call of a candidate's page, else None.

    Examples
    --------
    >>> call = b"POST /api/v1/exam/attempts/00000000-0000-0000-0000-000000000007/start HTTP/1.1\r\nHost: x\r\n"
    >>> read_call(call + b"Content-Length: 2\r\n\r\n{}")["PATH_INFO"][-6:]
    '/start'
    >>> read_call(call + b"Content-Length: 3\r\n\r\n{}") is None
    True
    """
    found = CALL.match(seen)
    if found is None:
        return None
    put_method, put_path, get_method, get_path, lines = found.groups()
    headers = _headers(lines)
    if headers is None:
        return None
    body = seen[found.end() :]
    method = (put_method or get_method).decode()
    length = headers.pop("HTTP_CONTENT_LENGTH", "0" if method == "GET" else "")
    if len(length) > MAX_LENGTH_DIGITS or not length.isdecimal() or int(length) != len(body):
        return None
    return {
        **headers, "REQUEST_METHOD": method, "PATH_INFO": (put_path or get_path).decode(), "CONTENT_LENGTH": length,
        "wsgi.input": io.BytesIO(body),
    }  # fmt: skip


def _headers(lines: bytes) -> dict[str, str] | None:
    """Return the headers by their names in an environment, or None when one of them is not for here."""
    headers: dict[str, str] = {}
    for line in lines[:-2].decode("ascii").split("\r\n"):
        name, _, value = line.partition(":")
        headers["HTTP_" + name.upper().replace("-", "_")] = value.strip(" \t")
    is_usual = len(headers) == lines.count(b"\r\n") and headers.keys().isdisjoint(LEFT_TO_THE_SERVER)
    return headers if is_usual and headers.get("HTTP_CONNECTION", "keep-alive").lower() == "keep-alive" else None


def answer_bytes(answer: Answer, *, closes: bool) -> bytes:
    """Return an answer as it goes over the line."""
    status, headers, body = answer
    lines = _USUAL if headers is HEADERS else _lines(headers)
    head = (
        f"HTTP/1.1 {STATUS_LINES[status]}\r\nDate: {_date(int(now().timestamp()))}\r\n"
        f"Connection: {'close' if closes else 'keep-alive'}\r\nContent-Length: {len(body)}\r\n{lines}\r\n"
    )
    return head.encode("ascii") + body


def _lines(headers: list[tuple[str, str]]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers)


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


_USUAL = _lines(HEADERS)

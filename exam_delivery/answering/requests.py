"""Reading requests of the candidate API and writing its answers: bytes in, bytes out, one error shape."""

from __future__ import annotations

from typing import Any, TypeVar
from wsgiref.types import WSGIEnvironment

import msgspec

from exam_delivery.answering.protocol import (
    MAX_BODY,
    MAX_EVENTS,
    MAX_RESPONSE,
    SIGNED_OUT,
    TOO_LARGE,
    Refusal,
    RefusedError,
    Save,
    invalid,
)

Body = TypeVar("Body")
Answer = tuple[int, list[tuple[str, str]], bytes]
STATUS_LINES = {
    200: "200 OK", 401: "401 Unauthorized", 403: "403 Forbidden", 404: "404 Not Found", 405: "405 Method Not Allowed",
    409: "409 Conflict", 410: "410 Gone", 413: "413 Content Too Large", 422: "422 Unprocessable Content", 423: "423 Locked",
    429: "429 Too Many Requests", 503: "503 Service Unavailable",
}  # fmt: skip
HEADERS = [
    ("Content-Type", "application/json; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
]
MAX_SEQ = 2**53


def bearer(environ: WSGIEnvironment) -> str:
    """Return the token of the request; raises the refusal ``signed_out``."""
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise RefusedError(SIGNED_OUT)
    return str(token.strip())


def address_of(environ: WSGIEnvironment) -> str:
    """Return the address the request came from."""
    return str(environ.get("REMOTE_ADDR", ""))[:60]


def device_of(environ: WSGIEnvironment) -> str:
    """Return what is known of the device: its address and browser."""
    text = f"{address_of(environ)} {environ.get('HTTP_USER_AGENT', '')}"
    return "".join(c for c in text if c.isprintable())[:200].strip()


def decode(environ: WSGIEnvironment, decoder: msgspec.json.Decoder[Body]) -> Body:
    """Return the request's body in the decoder's shape; raises RefusedError."""
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError as exc:
        raise invalid("请求格式不正确") from exc
    if length > MAX_BODY:
        raise RefusedError(TOO_LARGE)
    try:
        return decoder.decode(environ["wsgi.input"].read(length))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise invalid("请求格式不正确", reason=str(exc)[:200]) from exc


def checked_events(body: Save) -> list[tuple[int, int, str, str]]:
    """Return (slot, seq, response JSON, client time) of each event; raises RefusedError."""
    if not 1 <= len(body.events) <= MAX_EVENTS:
        raise invalid(f"每次须提交 1–{MAX_EVENTS} 条作答")
    events = []
    for event in body.events:
        response = msgspec.json.encode(event.response if event.response is not None else []).decode()
        if not 0 <= event.seq < MAX_SEQ or len(response) > MAX_RESPONSE:
            raise invalid("作答记录超出范围", slot=event.slot)
        events.append((event.slot, event.seq, response, _printable(event.client_time[:40])))
    return events


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(c for c in text if c.isprintable())


def accepts_gzip(environ: WSGIEnvironment) -> bool:
    """Say whether the browser takes compressed bytes."""
    return "gzip" in environ.get("HTTP_ACCEPT_ENCODING", "")


def ok(body: dict[str, Any]) -> Answer:
    """Return a JSON answer."""
    return 200, HEADERS, msgspec.json.encode(body)


def refuse(refusal: Refusal) -> Answer:
    """Return a refusal in the one error shape."""
    headers = list(HEADERS)
    if refusal.retry_after:
        headers.append(("Retry-After", str(refusal.retry_after)))
    if refusal.status == 401:
        headers.append(("WWW-Authenticate", "Bearer"))
    if refusal.status == 405:
        headers.append(("Allow", ", ".join(refusal.details["allow"])))
    body = {"error": refusal.code, "message": refusal.message, "details": refusal.details}
    return refusal.status, headers, msgspec.json.encode(body)

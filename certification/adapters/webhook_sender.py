"""Sends one message: the name is resolved once, the address checked, and the connection made to that address only."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from certification.rules.webhooks import is_reachable

TIMEOUT_SECONDS = 10
MOST_ANSWER = 64 * 1024
OK = range(200, 300)
FAILURES = (
    (socket.gaierror, "找不到这个地址（域名无法解析）"),
    (TimeoutError, "连接或应答超时"),
    (ConnectionRefusedError, "对方拒绝连接"),
    (ssl.SSLError, "对方的证书无法通过校验"),
    (http.client.HTTPException, "对方的应答无法识别"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """How a try went: the status, or None with the error in words."""

    status: int | None
    error: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether the other side has taken the message."""
        return self.status in OK


class _PlainConnection(http.client.HTTPConnection):
    """A connection to an address that was chosen before; the name only stands in the header."""

    def __init__(self, host: str, port: int, address: str) -> None:
        super().__init__(host, port, timeout=TIMEOUT_SECONDS)
        self._address = address

    def connect(self) -> None:
        """Connect to the chosen address."""
        self.sock = socket.create_connection((self._address, self.port), TIMEOUT_SECONDS)


class _SecureConnection(_PlainConnection):
    """The same over TLS, with the certificate checked against the name."""

    def connect(self) -> None:
        """Connect and shake hands."""
        super().connect()
        self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)


def resolve(host: str, port: int, *, may_be_private: bool) -> str:
    """Return the address to connect to; raises OSError when the name has none, or one that is not allowed.

    One forbidden address among several forbids them all: a name that points inside is a mistake or an attack.
    """
    found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not found or not all(is_reachable(one, may_be_private=may_be_private) for one in found):
        raise OSError("地址属于内部网络，已拒绝")
    return found[0]


def send(url: str, body: str, headers: Mapping[str, str], *, may_be_private: bool) -> Answer:
    """Post a message and return how it went; redirects are not followed, nothing is raised."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    kind = _SecureConnection if parts.scheme == "https" else _PlainConnection
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        address = resolve(parts.hostname or "", port, may_be_private=may_be_private)
        connection = kind(parts.hostname or "", port, address)
        try:
            connection.request("POST", path, body.encode(), {**headers, "Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read(MOST_ANSWER)
            return Answer(answer.status, "" if answer.status in OK else f"对方返回 {answer.status}")
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as exc:
        words = next((text for kind, text in FAILURES if isinstance(exc, kind)), "")
        return Answer(None, (words or str(exc) or type(exc).__name__)[:300])

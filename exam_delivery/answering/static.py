"""The player's files, read once and served from memory under /exam/."""

from __future__ import annotations

import gzip
import mimetypes
import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

FOLDER = Path(__file__).resolve().parent.parent / "player"
SUFFIXES = frozenset({".html", ".css", ".js", ".svg", ".png", ".json"})
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = [
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()"),
]


COMMENTS = re.compile(r"^[ \t]*/\*.*?\*/[ \t]*$|^[ \t]*//[^\n]*$", re.DOTALL | re.MULTILINE)
COMMENTED = frozenset({".js", ".css"})


class PlayerFiles:
    """A WSGI callable that serves the player."""

    def __init__(self, folder: Path = FOLDER) -> None:
        files = (p for p in folder.rglob("*") if p.is_file() and p.suffix in SUFFIXES)
        self.files = {p.relative_to(folder).as_posix(): _packed(p) for p in files}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one file; the page is always asked for anew, its parts are checked by their digest."""
        path = environ["PATH_INFO"].removeprefix("/exam").lstrip("/")
        if environ["PATH_INFO"] == "/exam":
            start_response("301 Moved Permanently", [("Location", "/exam/"), ("Content-Length", "0")])
            return [b""]
        found = self.files.get("index.html" if path == "" else path.removeprefix("assets/"))
        if found is None or environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", "0")])
            return [b""]
        mime, tag, plain, packed = found
        if environ.get("HTTP_IF_NONE_MATCH") == tag:
            start_response("304 Not Modified", [("ETag", tag)])
            return [b""]
        is_packed = "gzip" in environ.get("HTTP_ACCEPT_ENCODING", "")
        body = packed if is_packed else plain
        headers = [
            ("Content-Type", mime), ("Content-Length", str(len(body))), ("ETag", tag), ("Cache-Control", "no-cache"),
            ("Vary", "Accept-Encoding"), *SECURITY_HEADERS,
        ]  # fmt: skip
        start_response("200 OK", [*headers, ("Content-Encoding", "gzip")] if is_packed else headers)
        return [body if environ["REQUEST_METHOD"] == "GET" else b""]


def served(path: Path) -> bytes:
    """Return a file as candidates get it: comments that fill whole lines are left out, lines keep their numbers.

    A candidate's line carries a hundred players at once on the morning of an exam; a sixth of them would be comments.
    """
    data = path.read_bytes()
    if path.suffix not in COMMENTED:
        return data
    return COMMENTS.sub(lambda found: "\n" * found[0].count("\n"), data.decode()).encode()


def _packed(path: Path) -> tuple[str, str, bytes, bytes]:
    data = served(path)
    mime = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if mime.startswith("text/") or mime.endswith("javascript"):
        mime += "; charset=utf-8"
    return mime, f'"{sha256(data).hexdigest()[:24]}"', data, gzip.compress(data, mtime=0)

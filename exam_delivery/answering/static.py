"""The player's files, and the practice beside them, read once and served from memory under /exam/."""

from __future__ import annotations

import base64
import gzip
import mimetypes
import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias
from wsgiref.types import StartResponse, WSGIEnvironment

FOLDER = Path(__file__).resolve().parent.parent / "player"
PRACTICE = FOLDER.with_name("practice")
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
PAGE, WORKER, TYPES = "index.html", "worker.js", "types.js"
VERSIONED = re.compile(r"^assets/(?:[0-9a-f]{16}/)?")
PLACE = "Asia/Shanghai"
File: TypeAlias = tuple[str, str, bytes, bytes]  # kind, digest, plain, packed


class PlayerFiles:
    """A WSGI callable that serves the player under ``/exam/`` and the practice under ``/exam/practice/``.

    The page names its parts by their version, so that browsers keep them for good and a deployment mixes nothing; without the
    version they are there too, for the practice and the room check, checked by their digest.
    """

    def __init__(self, timezone: str = PLACE) -> None:
        own = _read(FOLDER)
        parts = sorted(own.keys() - {PAGE, WORKER, TYPES})
        self.version = _digest(own[name] for name in parts).hex()[:16]
        located = {f'content="{PLACE}"': f'content="{timezone}"', '"assets/': f'"assets/{self.version}/'}
        own[PAGE] = _changed(own[PAGE], located)
        digest = base64.b64encode(_digest([own[PAGE], *(own[name] for name in parts)])).decode()
        values = {"VERSION": self.version, "FILES": " ".join(parts), "DIGEST": digest}
        own[WORKER] = _changed(own[WORKER], {f'{name} = ""': f'{name} = "{value}"' for name, value in values.items()})
        self.files = own | {f"practice/{name}": file for name, file in _read(PRACTICE).items()}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one file; the page is always asked for anew, its parts once for each version."""
        if environ["PATH_INFO"] in {"/exam", "/exam/practice"}:
            start_response("301 Moved Permanently", [("Location", environ["PATH_INFO"] + "/"), ("Content-Length", "0")])
            return [b""]
        found = self.files.get(_name_of(environ["PATH_INFO"]))
        if found is None or environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", "0")])
            return [b""]
        mime, tag, plain, packed = found
        if environ.get("HTTP_IF_NONE_MATCH") == tag:
            start_response("304 Not Modified", [("ETag", tag)])
            return [b""]
        is_packed = "gzip" in environ.get("HTTP_ACCEPT_ENCODING", "")
        body = packed if is_packed else plain
        is_lasting = environ["PATH_INFO"].startswith(f"/exam/assets/{self.version}/")
        headers = [
            ("Content-Type", mime), ("Content-Length", str(len(body))), ("ETag", tag),
            ("Cache-Control", "public, max-age=31536000, immutable" if is_lasting else "no-cache"),
            ("Vary", "Accept-Encoding"), *SECURITY_HEADERS,
        ]  # fmt: skip
        start_response("200 OK", [*headers, ("Content-Encoding", "gzip")] if is_packed else headers)
        return [body if environ["REQUEST_METHOD"] == "GET" else b""]


def _name_of(address: str) -> str:
    """Return the file that an address names; a folder names its page.

    Examples
    --------
    >>> _name_of("/exam/"), _name_of("/exam/assets/views/exam.js"), _name_of("/exam/practice/assets/main.js")
    ('index.html', 'views/exam.js', 'practice/main.js')
    >>> _name_of("/exam/assets/0123456789abcdef/views/exam.js"), _name_of("/exam/worker.js")
    ('views/exam.js', 'worker.js')
    """
    path = VERSIONED.sub("", address.removeprefix("/exam").lstrip("/")).replace("practice/assets/", "practice/", 1)
    return f"{path}index.html" if path in {"", "practice/"} else path


def _read(folder: Path) -> dict[str, File]:
    files = (p for p in folder.rglob("*") if p.is_file() and p.suffix in SUFFIXES)
    return {p.relative_to(folder).as_posix(): _packed(p) for p in files}


def _changed(file: File, values: Mapping[str, str]) -> File:
    """Return a file with what only the server knows written in: time zone of the place, version, names and digest of the parts."""
    mime, _tag, text, _packed = file
    for placeholder, value in values.items():
        text = text.replace(placeholder.encode(), value.encode())
    return _versions(mime, text)


def _digest(files: Iterable[File]) -> bytes:
    return sha256(b"".join(plain for _mime, _tag, plain, _packed in files)).digest()


def served(path: Path) -> bytes:
    """Return a file as candidates get it: comments that fill whole lines are left out, lines keep their numbers.

    A candidate's line carries a hundred players at once on the morning of an exam; a sixth of them would be comments.
    """
    data = path.read_bytes()
    if path.suffix not in COMMENTED:
        return data
    return COMMENTS.sub(lambda found: "\n" * found[0].count("\n"), data.decode()).encode()


def _packed(path: Path) -> File:
    mime = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if mime.startswith("text/") or mime.endswith("javascript"):
        mime += "; charset=utf-8"
    return _versions(mime, served(path))


def _versions(mime: str, data: bytes) -> File:
    return mime, f'"{sha256(data).hexdigest()[:24]}"', data, gzip.compress(data, mtime=0)

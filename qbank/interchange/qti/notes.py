"""What a reader has to say about one item, and the pictures that it brings along."""

from __future__ import annotations

import base64
import binascii
import hashlib
import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from kernel.i18n import N_
from qbank.interchange.guard import LIMITS
from qbank.interchange.model import Notice
from qbank.interchange.pictures import picture_type

Resolve = Callable[[str], bytes | None]
"""Gives the bytes of a file of the package by its path; None for what is not there."""
_DIGEST_END = re.compile(r"-[0-9a-f]{12}$")
_DATA = re.compile(r"data:image/[\w.+-]+;base64,([A-Za-z0-9+/=\s]+)$")


@dataclass(slots=True)
class Notes:
    """Losses and warnings of one item; the same is said once."""

    locator: str
    losses: list[Notice] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)

    def lose(self, code: str, message: str) -> None:
        """Add a construct that does not survive."""
        _add(self.losses, Notice(self.locator, code, message))

    def warn(self, code: str, message: str) -> None:
        """Add a line that deserves a look."""
        _add(self.warnings, Notice(self.locator, code, message))


def _add(notices: list[Notice], notice: Notice) -> None:
    if notice not in notices:
        notices.append(notice)


@dataclass(slots=True)
class Shelf:
    """The pictures that an item shows, taken from its package or from ``data:`` addresses."""

    notes: Notes
    resolve: Resolve
    folder: str = ""
    pictures: dict[str, bytes] = field(default_factory=dict)
    media: list[dict[str, Any]] = field(default_factory=list)

    def take(self, address: str, alt: str) -> str:
        """Return the id under which the item shows a picture; empty, with a loss noted, when it cannot be had."""
        data = self._data(address)
        mime = picture_type(data) if data and len(data) <= LIMITS.picture_bytes else ""
        if data is None or not mime:
            self.notes.lose("picture", N_("图片 %(name)s 不在文件中，或不是图片，未导入") % {"name": address[:60]})
            return ""
        name = self._free_name(_name_of(address), data)
        if name not in self.pictures:
            self.pictures[name] = data
            digest = hashlib.sha256(data).hexdigest()
            self.media.append({"id": name, "digest": digest, "mime": mime, "alt": alt})
        return name

    def _data(self, address: str) -> bytes | None:
        if address.startswith("data:"):
            return _decoded(address)
        path = local_path(address, self.folder)
        return self.resolve(path) if path else None

    def _free_name(self, name: str, data: bytes) -> str:
        wanted, number = name, 1
        while self.pictures.get(wanted, data) != data:
            number += 1
            wanted = f"{name}-{number}"
        return wanted


def local_path(address: str, folder: str) -> str:
    """Return the path inside the package that an address means; empty when it leads out of it or to the network.

    Examples
    --------
    >>> local_path("../media/a%20b.png", "items"), local_path("../../a.png", "items"), local_path("http://x/a.png", "")
    ('media/a b.png', '', '')
    """
    path = unquote(address.split("?", maxsplit=1)[0].split("#", maxsplit=1)[0]).replace("\\", "/")
    if not path or re.match(r"[A-Za-z][\w+.-]*:|/", path) or "\x00" in path:
        return ""
    whole = posixpath.normpath(posixpath.join(folder, path))
    return "" if whole.startswith(("..", "/")) else whole


def _decoded(address: str) -> bytes | None:
    found = _DATA.match(address) if len(address) <= LIMITS.picture_bytes * 2 else None
    try:
        return base64.b64decode(found[1]) if found else None
    except binascii.Error:
        return None


def _name_of(address: str) -> str:
    """Return a media id for an address: the file's name without its end, or ``picture``."""
    if address.startswith("data:"):
        return "picture"
    stem = posixpath.basename(unquote(address.split("?", maxsplit=1)[0])).rpartition(".")[0]
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", _DIGEST_END.sub("", stem)).strip("-._")
    return name[:100] or "picture"

"""The file format of a backup: writing the parts with their digests, and reading them back proved."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, cast

from kernel.crypto import derive_key
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from web.backup.envelope import MAGIC, OpeningReader, SealingWriter, is_sealed

FORMAT = "kaoku-backup/2"
READABLE = (FORMAT, "kaoku-backup/1")
MANIFEST = "manifest.json"
MANIFEST_LIMIT = 256 * 1024 * 1024
DATABASE = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}
FILES = "instance"
ROOT_KEY_FILE = "secret_key"
ROOT_KEY = f"{FILES}/{ROOT_KEY_FILE}"
WORKINGS = ".kaoku-backup-"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself; `rows` and `audit` are empty in backups of the first format."""

    engine: str
    program: str
    created_at: str
    revision: str = ""
    key_check: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    audit: dict[str, Any] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def has_key(self) -> bool:
        """Whether the root secret lies in the backup."""
        return ROOT_KEY in self.digests


def key_check(secret: str) -> str:
    """Return by what a root secret is recognised without being told."""
    return sha256(derive_key(secret, "backup-key-check")).hexdigest()[:32]


class Part:
    """A file on its way into the archive; its digest is taken from the very bytes that are written."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.hash = stream, sha256()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        data = self.stream.read(size)
        self.hash.update(data)
        return data


@contextmanager
def plain_target(file: Path, passphrase: str) -> Iterator[BinaryIO]:
    """Open a new file that only its owner reads, for plain bytes; they are durable when the block ends."""
    file.touch(mode=0o600)
    with file.open("wb") as stream:
        if passphrase:
            sealing = SealingWriter(stream, passphrase)
            yield cast("BinaryIO", sealing)
            sealing.close()
        else:
            yield stream
        stream.flush()
        os.fsync(stream.fileno())


def write_archive(
    target: Path, manifest: dict[str, Any], parts: list[tuple[str, Path]], *, passphrase: str
) -> Manifest:
    """Write parts, then the manifest with their digests; a file that vanished meanwhile was no longer in use."""
    digests: dict[str, str] = {}
    with plain_target(target, passphrase) as stream, tarfile.open(fileobj=stream, mode="w|") as archive:
        for name, file in parts:
            try:
                digests[name] = _add(archive, name, file)
            except FileNotFoundError:
                continue
        whole = Manifest(**manifest, digests=digests)
        text = json.dumps({"format": FORMAT, **asdict(whole)}, ensure_ascii=False, indent=1).encode()
        entry = tarfile.TarInfo(MANIFEST)
        entry.size = len(text)
        archive.addfile(entry, BytesIO(text))
    return whole


def _add(archive: tarfile.TarFile, name: str, file: Path) -> str:
    with file.open("rb") as stream:
        entry = archive.gettarinfo(arcname=name, fileobj=stream)
        part = Part(stream)
        archive.addfile(entry, cast("BinaryIO", part))
    return part.hash.hexdigest()


@contextmanager
def opened(source: Path, passphrase: str) -> Iterator[tarfile.TarFile]:
    """Open a backup for one pass; raises InvalidInputError in words when it is none."""
    try:
        with source.open("rb") as stream:
            sealed = is_sealed(stream.read(len(MAGIC)))
            stream.seek(0)
            if sealed and not passphrase:
                raise InvalidInputError(N_("%(name)s 已加密，请用 --passphrase-file 给出口令文件"), name=source.name)
            plain = cast("BinaryIO", OpeningReader(stream, passphrase)) if sealed else stream
            with tarfile.open(fileobj=plain, mode="r|") as archive:
                yield archive
    except (tarfile.TarError, OSError, EOFError, UnicodeDecodeError) as exc:
        raise InvalidInputError(N_("%(name)s 不是考库的备份文件，或者不完整"), name=source.name) from exc


def check_archive(source: Path, *, passphrase: str = "") -> Manifest:
    """Read a backup once and compare every part with its digest; nothing is written."""
    found: dict[str, str] = {}
    text = b""
    with opened(source, passphrase) as archive:
        for entry in archive:
            stream = archive.extractfile(entry)
            if stream is None:
                continue
            if entry.name == MANIFEST:
                text = stream.read(MANIFEST_LIMIT)
            else:
                found[entry.name] = _digest(stream)
    manifest = parse_manifest(text, source)
    _compare(manifest, found)
    return manifest


def unpack(source: Path, folder: Path, *, passphrase: str = "") -> Manifest:
    """Unpack a backup into a folder and compare every file with its digest."""
    with opened(source, passphrase) as archive:
        for entry in archive:
            _unpack_one(archive, entry, folder.resolve())
    file = folder / MANIFEST
    manifest = parse_manifest(file.read_bytes() if file.is_file() else b"", source)
    _compare(manifest, dict(_digests_below(folder)))
    return manifest


def _unpack_one(archive: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path) -> None:
    """Write a file of a backup where only its owner reads it; a backup holds nothing but files, each inside.

    `TarFile.extractall` knows no filter in Python 3.11.2, which Debian 12 has.
    """
    place = (folder / entry.name).resolve()
    stream = archive.extractfile(entry) if entry.isreg() else None
    if stream is None or not place.is_relative_to(folder):
        raise tarfile.ReadError(entry.name)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.touch(mode=0o600)
    with place.open("wb") as file:
        shutil.copyfileobj(stream, file)


def parse_manifest(text: bytes, source: Path) -> Manifest:
    """Return what a backup says of itself."""
    try:
        raw: dict[str, Any] = json.loads(text)
        if raw.pop("format") not in READABLE or raw["engine"] not in DATABASE:
            raise InvalidInputError(N_("%(name)s 的备份格式无法识别，可能来自更新的版本"), name=source.name)
        return Manifest(**raw)
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise InvalidInputError(N_("%(name)s 不是考库的备份文件，或者不完整"), name=source.name) from exc


def _digests_below(folder: Path) -> Iterator[tuple[str, str]]:
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            with file.open("rb") as stream:
                yield file.relative_to(folder).as_posix(), _digest(stream)


def _digest(stream: Any) -> str:
    state = sha256()
    while block := stream.read(1024 * 1024):
        state.update(block)
    return state.hexdigest()


def _compare(manifest: Manifest, found: dict[str, str]) -> None:
    for name, expected in manifest.digests.items():
        if found.get(name) != expected:
            raise InvalidInputError(N_("备份中的 %(name)s 已损坏，没有恢复任何内容"), name=name)

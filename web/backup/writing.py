"""Writing a backup of a running installation."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from flask import Flask

from kernel.clock import iso, now
from kernel.disk import RESERVE_NAME, require_room
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.settings import Settings
from web.backup.archive import FILES, ROOT_KEY, ROOT_KEY_FILE, WORKINGS, Manifest, key_check, write_archive
from web.backup.databases import database_bytes, dump, engine_name, sqlite_file

LEFT_OUT = ("kaoku.sqlite3", "queue.sqlite3", RESERVE_NAME, f".{RESERVE_NAME}", WORKINGS)
"""What of the instance folder is not copied: databases (copied apart), the disk's reserve, workings of other backups."""


def backup(app: Flask, out: Path, *, keys: Path | None = None, passphrase: str = "") -> Manifest:
    """Write the whole installation into one new file; it may run meanwhile.

    With `keys` the root secret goes into that file instead: the backup alone then opens neither sealed forms nor identity numbers.

    Raises
    ------
    ConflictError
        If a file exists already: a backup is never overwritten.
    DependencyError
        If PostgreSQL's own program is missing or refuses.
    """
    for file in filter(None, (out, keys)):
        require_new(file)
    manifest = write_backup(app.config["KAOKU"], out, with_key=keys is None, passphrase=passphrase)
    if keys is not None:
        write_secret(app.config["KAOKU"], keys)
    return manifest


def require_new(file: Path) -> None:
    """Refuse a file that exists, or whose folder does not."""
    if file.exists():
        raise ConflictError(N_("文件 %(name)s 已存在，备份不覆盖旧文件，请换一个名字"), name=file.name)
    if not file.resolve().parent.is_dir():
        raise InvalidInputError(N_("文件夹 %(name)s 不存在，请先建立"), name=str(file.resolve().parent))


def write_backup(settings: Settings, out: Path, *, with_key: bool, passphrase: str = "") -> Manifest:
    """Write a backup file; it is there whole or not at all."""
    require_room(needed_bytes(settings), out.resolve().parent)
    with tempfile.TemporaryDirectory(dir=out.resolve().parent, prefix=WORKINGS) as name:
        folder = Path(name)
        copy, contents = dump(settings, folder)  # before the files: what it speaks of has been written already
        parts = [(copy.name, copy), *_files(settings)]
        if with_key:
            parts.append((ROOT_KEY, write_secret(settings, folder / ROOT_KEY_FILE)))
        head = {
            "engine": engine_name(settings), "program": version("kaoku"), "created_at": iso(now()),
            "key_check": key_check(settings.secret_key), **asdict(contents),
        }  # fmt: skip
        unfinished = folder / "backup.tar"
        manifest = write_archive(unfinished, head, parts, passphrase=passphrase)
        unfinished.rename(out)
    return manifest


def needed_bytes(settings: Settings) -> int:
    """Return about how much room writing a backup takes: the database twice, as a copy and in the archive, and the files."""
    return 2 * database_bytes(settings) + sum(file.stat().st_size for _name, file in _files(settings))


def _files(settings: Settings) -> Iterator[tuple[str, Path]]:
    """Return the instance folder's files, without databases, backups, and the root secret, which is decided apart."""
    database, backups = str(sqlite_file(settings)), settings.backup_folder.resolve()
    for file in sorted(settings.instance_dir.rglob("*")):
        inside = file.relative_to(settings.instance_dir)
        if inside.parts[0].startswith(LEFT_OUT) or str(inside) == ROOT_KEY_FILE:
            continue
        whole = file.resolve()
        if not file.is_file() or file.is_symlink() or str(whole).startswith(database):
            continue
        if not whole.is_relative_to(backups):
            yield f"{FILES}/{inside.as_posix()}", file


def write_secret(settings: Settings, file: Path) -> Path:
    """Write the root secret into a new file that only its owner reads."""
    file.touch(mode=0o600, exist_ok=False)
    file.write_text(settings.secret_key, encoding="utf-8")
    return file

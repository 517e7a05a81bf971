"""The whole installation in one file, while it runs; and back into an empty one.

A tar archive: `manifest.json` first (format, engine, program, digests), then the database (SQLite: a consistent copy by
``VACUUM INTO``; PostgreSQL: ``pg_dump`` in its custom form) and the instance folder's files (media, uploads, root secret).
The queue's state is left out: committed jobs stand in the database and are taken up again.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import file_digest
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import create_engine, inspect, make_url

from kernel.clock import iso, now
from kernel.errors import ConflictError, DependencyError, InvalidInputError
from kernel.i18n import N_
from kernel.settings import Settings

FORMAT = "kaoku-backup/1"
MANIFEST = "manifest.json"
DATABASE = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}
FILES = "instance"
WORKINGS = ".kaoku-backup-"
LEFT_OUT = ("kaoku.sqlite3", "queue.sqlite3", WORKINGS)
ROOT_KEY_FILE = "secret_key"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    engine: str
    program: str
    created_at: str
    digests: dict[str, str]


def backup(app: Flask, out: Path) -> None:
    """Write the whole installation into one new file; it may run meanwhile.

    Raises
    ------
    ConflictError
        If the file exists already: a backup is never overwritten.
    DependencyError
        If PostgreSQL's own program is missing or refuses.
    """
    settings: Settings = app.config["KAOKU"]
    if out.exists():
        raise ConflictError(N_("文件 %(name)s 已存在，备份不覆盖旧文件，请换一个名字"), name=out.name)
    if not out.resolve().parent.is_dir():
        raise InvalidInputError(N_("文件夹 %(name)s 不存在，请先建立"), name=str(out.resolve().parent))
    with tempfile.TemporaryDirectory(dir=out.resolve().parent, prefix=WORKINGS) as folder:
        parts = [(DATABASE[_engine(settings)], _dump(settings, Path(folder)))]
        parts += [(f"{FILES}/{file.relative_to(settings.instance_dir).as_posix()}", file) for file in _files(settings)]
        parts += _secret_part(settings, Path(folder), [name for name, _file in parts])
        unfinished = Path(folder) / "backup.tar"
        _write(unfinished, _engine(settings), parts)
        unfinished.rename(out)  # whole or not at all


def _engine(settings: Settings) -> str:
    return "sqlite" if settings.is_sqlite else "postgresql"


def _files(settings: Settings) -> Iterator[Path]:
    """Return the instance folder's files, without databases and other backups' workings."""
    database = _sqlite_file(settings)
    for file in sorted(settings.instance_dir.rglob("*")):
        top = file.relative_to(settings.instance_dir).parts[0]
        is_ours = file.is_file() and not file.is_symlink() and file.resolve() != database
        if is_ours and not top.startswith(LEFT_OUT):
            yield file


def _sqlite_file(settings: Settings) -> Path | None:
    name = make_url(settings.database_url).database if settings.is_sqlite else None
    return Path(name).resolve() if name else None


def _secret_part(settings: Settings, folder: Path, names: list[str]) -> list[tuple[str, Path]]:
    """Return the root secret as a file when it came from the environment; without it sealed forms stay closed."""
    if f"{FILES}/{ROOT_KEY_FILE}" in names:
        return []
    file = folder / ROOT_KEY_FILE
    file.touch(mode=0o600)
    file.write_text(settings.secret_key, encoding="utf-8")
    return [(f"{FILES}/{ROOT_KEY_FILE}", file)]


def _dump(settings: Settings, folder: Path) -> Path:
    target = folder / DATABASE[_engine(settings)]
    if not settings.is_sqlite:
        _run(
            "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}", url=settings.database_url
        )
        return target
    source = _sqlite_file(settings)
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=60)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))
    return target


def _run(program: str, *arguments: str, url: str) -> None:
    """Run one of PostgreSQL's own programs on a database; the password travels in the environment, not in the arguments."""
    if shutil.which(program) is None:
        raise DependencyError(N_("没有找到 %(name)s，请安装 postgresql-client（版本不低于服务器）"), name=program)
    address = make_url(url)
    environment = {**os.environ, "PGPASSWORD": address.password or ""}
    plain = address.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    done = subprocess.run(
        [program, *arguments, f"--dbname={plain}"], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DependencyError(N_("%(name)s 没有成功：%(reason)s"), name=program, reason=done.stderr.strip()[-300:])


def _write(target: Path, engine: str, parts: list[tuple[str, Path]]) -> None:
    manifest = {
        "format": FORMAT, "engine": engine, "program": version("kaoku"), "created_at": iso(now()),
        "digests": {name: _digest(file) for name, file in parts},
    }  # fmt: skip
    text = target.with_name(MANIFEST)
    text.write_text(json.dumps(manifest, ensure_ascii=False, indent=1), encoding="utf-8")
    target.touch(mode=0o600)
    with tarfile.open(target, "w") as archive:
        for name, file in [(MANIFEST, text), *parts]:
            archive.add(file, arcname=name, recursive=False)
    with target.open("rb") as written:
        os.fsync(written.fileno())


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def restore(settings: Settings, source: Path) -> None:
    """Put a backup into an empty installation of the same engine.

    Raises
    ------
    ConflictError
        If the installation is not empty, or runs on the other engine.
    InvalidInputError
        If the file is no backup, or is damaged.
    """
    settings.instance_dir.mkdir(parents=True, exist_ok=True)
    _require_empty(settings)
    with tempfile.TemporaryDirectory(dir=settings.instance_dir, prefix=WORKINGS) as name:
        folder = Path(name)
        manifest = _unpack(source, folder)
        if manifest.engine != _engine(settings):
            raise ConflictError(
                N_("备份来自 %(theirs)s，本安装使用 %(ours)s；请先设置同类数据库"),
                theirs=manifest.engine,
                ours=_engine(settings),
            )
        _require_same_secret(settings, folder / FILES / ROOT_KEY_FILE)
        _load(settings, folder / DATABASE[manifest.engine])
        _place_files(folder / FILES, settings.instance_dir)


def _require_empty(settings: Settings) -> None:
    engine = create_engine(settings.database_url)
    try:
        has_tables = inspect(engine).has_table("organisations")
    finally:
        engine.dispose()
    if has_tables or (settings.instance_dir / "media").exists():
        raise ConflictError(N_("本安装不是空的，恢复会覆盖现有数据。请指定新的 KAOKU_INSTANCE_DIR 和空的数据库"))


def _require_same_secret(settings: Settings, kept: Path) -> None:
    """Refuse when the environment names another root secret than the backup's: nothing sealed could be opened."""
    is_given = not (settings.instance_dir / ROOT_KEY_FILE).exists()
    if is_given and kept.read_text(encoding="utf-8").strip() != settings.secret_key:
        raise ConflictError(
            N_("KAOKU_SECRET_KEY 与备份的主密钥不同，恢复后无法打开已封存的内容；请改为原来的密钥，或不设置此项")
        )


def _unpack(source: Path, folder: Path) -> Manifest:
    """Unpack a backup into a folder and compare every file with its digest."""
    try:
        with tarfile.open(source, "r:") as archive:
            archive.extractall(folder, filter="data")
        raw: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (tarfile.TarError, OSError, ValueError) as exc:
        raise InvalidInputError(N_("%(name)s 不是考库的备份文件，或者不完整"), name=source.name) from exc
    if raw.get("format") != FORMAT or raw.get("engine") not in DATABASE:
        raise InvalidInputError(N_("%(name)s 的备份格式无法识别，可能来自更新的版本"), name=source.name)
    manifest = Manifest(raw["engine"], raw["program"], raw["created_at"], raw["digests"])
    for name, expected in manifest.digests.items():
        file = (folder / name).resolve()
        if not file.is_relative_to(folder.resolve()) or not file.is_file() or _digest(file) != expected:
            raise InvalidInputError(N_("备份中的 %(name)s 已损坏，没有恢复任何内容"), name=name)
    return manifest


def _load(settings: Settings, dump: Path) -> None:
    if not settings.is_sqlite:
        _run(
            "pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", str(dump),
            url=settings.database_url,
        )  # fmt: skip
        return
    target = _sqlite_file(settings)
    if target is None:
        raise ConflictError(N_("内存数据库不能恢复，请设置 KAOKU_DATABASE_URL"))
    for leftover in (target, target.with_name(target.name + "-wal"), target.with_name(target.name + "-shm")):
        leftover.unlink(missing_ok=True)
    shutil.move(dump, target)


def _place_files(folder: Path, instance: Path) -> None:
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        target = instance / file.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(file, target)

"""Bringing a backup back: into an empty installation for good."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from sqlalchemy import create_engine, inspect

from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.settings import MIN_SECRET_LENGTH, Settings
from web.backup.archive import DATABASE, FILES, ROOT_KEY_FILE, WORKINGS, Manifest, key_check, unpack
from web.backup.databases import engine_name, load


def restore(settings: Settings, source: Path, *, keys: Path | None = None, passphrase: str = "") -> Manifest:
    """Put a backup into an empty installation of the same engine.

    Raises
    ------
    ConflictError
        If the installation is not empty, runs on the other engine, or has another root secret than the backup's.
    InvalidInputError
        If the file is no backup, is damaged, or lacks the root secret and none was given.
    """
    settings.instance_dir.mkdir(parents=True, exist_ok=True)
    _require_empty(settings)
    with tempfile.TemporaryDirectory(dir=settings.instance_dir, prefix=WORKINGS) as name:
        folder = Path(name)
        manifest = unpack(source, folder, passphrase=passphrase)
        require_engine(settings, manifest)
        secret = folder / FILES / ROOT_KEY_FILE
        if keys is not None or not manifest.has_key:
            _place_secret(settings, manifest, keys, secret)
        _require_same_secret(settings, secret)
        load(settings, folder / DATABASE[manifest.engine])
        _place_files(folder / FILES, settings.instance_dir)
    return manifest


def require_engine(settings: Settings, manifest: Manifest) -> None:
    """Refuse a backup of the other engine."""
    if manifest.engine != engine_name(settings):
        raise ConflictError(
            N_("备份来自 %(theirs)s，本安装使用 %(ours)s；请先设置同类数据库"),
            theirs=manifest.engine,
            ours=engine_name(settings),
        )


def _require_empty(settings: Settings) -> None:
    engine = create_engine(settings.database_url)
    try:
        has_tables = inspect(engine).has_table("organisations")
    finally:
        engine.dispose()
    if has_tables or (settings.instance_dir / "media").exists():
        raise ConflictError(N_("本安装不是空的，恢复会覆盖现有数据。请指定新的 KAOKU_INSTANCE_DIR 和空的数据库"))


def read_secret(file: Path) -> str:
    """Return the root secret that stands in a file."""
    try:
        secret = file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as exc:
        raise InvalidInputError(N_("主密钥文件 %(name)s 不能读取，请检查路径和权限"), name=str(file)) from exc
    if len(secret) < MIN_SECRET_LENGTH:
        raise InvalidInputError(N_("%(name)s 不是主密钥文件"), name=str(file))
    return secret


def _place_secret(settings: Settings, manifest: Manifest, keys: Path | None, target: Path) -> None:
    """Put the root secret that was kept apart beside the unpacked files, proved to be the one of this backup."""
    secret = read_secret(keys) if keys is not None else settings.secret_key
    if manifest.key_check and key_check(secret) != manifest.key_check:
        raise InvalidInputError(
            N_("备份里没有主密钥，现有的主密钥也不是它的。请用 --keys 给出当时分开存放的主密钥文件")
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch(mode=0o600)
    target.write_text(secret, encoding="utf-8")


def _require_same_secret(settings: Settings, kept: Path) -> None:
    """Refuse when the environment names another root secret than the backup's: nothing sealed could be opened."""
    is_given = not (settings.instance_dir / ROOT_KEY_FILE).exists()
    if is_given and kept.read_text(encoding="utf-8").strip() != settings.secret_key:
        raise ConflictError(
            N_("KAOKU_SECRET_KEY 与备份的主密钥不同，恢复后无法打开已封存的内容；请改为原来的密钥，或不设置此项")
        )


def _place_files(folder: Path, instance: Path) -> None:
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        target = instance / file.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(file, target)

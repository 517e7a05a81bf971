"""Settings from the environment, read once and checked at the start.

Every field is documented in ``docs/settings.md``; a test compares the two.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

PREFIX = "KAOKU_"
MIN_SECRET_LENGTH = 32
LEAST = {
    "import_memory_mb": 256, "import_cpu_seconds": 1, "import_seconds": 1, "backup_hours": 0, "backup_keep": 1,
    "disk_reserve_mb": 0, "disk_stop_mb": 64, "disk_warn_mb": 64,
    "sign_in_tries": 50,
}  # fmt: skip


class SettingsError(RuntimeError):
    """A setting is missing or malformed; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an installation may choose.

    Attributes
    ----------
    instance_dir : Path
        Folder for the embedded database, uploaded media, keys and logs.
    database_url : str
        ``sqlite:///…`` or ``postgresql+psycopg://…``.
    secret_key : str
        Root secret (≥ 32 characters); all other keys are derived from it. Created in the instance folder when unset.
    public_url : str
        The address people reach the site by; used in QR codes. Empty: taken from the request.
    bind : str
        HOST:PORT of ``kaoku serve``.
    workers : int
        Number of web processes of ``kaoku serve``.
    secure_cookies : bool
        Send cookies over HTTPS alone; switch on behind TLS.
    max_upload_mb : int
        Largest accepted upload in mebibytes.
    session_hours : int
        Absolute life of a staff session.
    session_idle_minutes : int
        Idle life of a staff session.
    trusted_proxies : int
        Number of proxies in front whose forwarding headers are believed.
    log_level : str
        ``DEBUG``, ``INFO``, ``WARNING`` or ``ERROR``.
    sign_in_tries : int
        Wrong sign-ins of candidates within ten minutes after which an address must wait; a whole hall may share one.
    webhook_private : bool
        Let messages to other systems go to private addresses and over plain HTTP, inside a house's own network.
    timezone : str
        Zone in which times are shown and typed.
    import_memory_mb : int
        Memory that reading one uploaded file may take, in mebibytes.
    import_cpu_seconds : int
        Processor time that reading one uploaded file may take.
    import_seconds : int
        Time on the clock after which the reading of an uploaded file is stopped.
    backup_dir : str
        Folder of the scheduled backups; best on another disk. Empty: ``backups`` in the instance folder.
    backup_hours : int
        Hours from one scheduled backup to the next; 0 makes none.
    backup_keep : int
        Number of scheduled backups that are kept.
    backup_passphrase_file : str
        File with the passphrase by which scheduled backups are encrypted. Empty: they are not.
    disk_warn_mb : int
        Free mebibytes below which the system page and ``kaoku doctor`` warn.
    disk_stop_mb : int
        Free mebibytes below which uploads, imports, exports, printing and backups stop; answers go on.
    disk_reserve_mb : int
        Size of the file that is given up when the disk is really full, so that answers go on; 0 keeps none.
    """

    instance_dir: Path = Path("instance")
    database_url: str = ""
    secret_key: str = ""
    public_url: str = ""
    bind: str = "127.0.0.1:8000"
    workers: int = 2
    secure_cookies: bool = False
    max_upload_mb: int = 20
    session_hours: int = 12
    session_idle_minutes: int = 120
    trusted_proxies: int = 0
    log_level: str = "INFO"
    sign_in_tries: int = 1000
    webhook_private: bool = False
    timezone: str = "Asia/Shanghai"
    import_memory_mb: int = 1024
    import_cpu_seconds: int = 60
    import_seconds: int = 120
    backup_dir: str = ""
    backup_hours: int = 24
    backup_keep: int = 14
    backup_passphrase_file: str = ""
    disk_warn_mb: int = 5120
    disk_stop_mb: int = 1024
    disk_reserve_mb: int = 256

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read and check the environment; raises SettingsError that names what is wrong."""
        env = os.environ if environ is None else environ
        known = {PREFIX + f.name.upper(): f for f in fields(cls)}
        values: dict[str, Any] = {
            f.name: _parse(name, env[name], f.default) for name, f in known.items() if env.get(name)
        }
        base = cls(**values)
        instance = base.instance_dir.resolve()
        values["instance_dir"] = instance
        values["database_url"] = _database_url(base.database_url, instance)
        values["secret_key"] = base.secret_key or _stored_secret(instance)
        settings = cls(**values)
        _check(settings)
        return settings

    @property
    def is_sqlite(self) -> bool:
        """Whether the embedded database is in use."""
        return self.database_url.startswith("sqlite")

    @property
    def backup_folder(self) -> Path:
        """Where scheduled backups are kept."""
        return Path(self.backup_dir) if self.backup_dir else self.instance_dir / "backups"


def whole_number(field: str, environ: Mapping[str, str] | None = None) -> int:
    """Return one setting that is a whole number, for code that needs no installation; raises SettingsError."""
    env = os.environ if environ is None else environ
    name = PREFIX + field.upper()
    default = {one.name: one.default for one in fields(Settings)}[field]
    value = int(str(_parse(name, env[name], default) if env.get(name) else default))
    if value < LEAST.get(field, 1):
        raise SettingsError(f"{name}: at least {LEAST.get(field, 1)} is needed")
    return value


def _parse(name: str, text: str, default: object) -> object:
    if isinstance(default, bool):
        return _boolean(name, text)
    if isinstance(default, int):
        try:
            return int(text)
        except ValueError as exc:
            raise SettingsError(f"{name}: a whole number is needed, got {text!r}") from exc
    return Path(text) if isinstance(default, Path) else text.strip()


def _boolean(name: str, text: str) -> bool:
    table = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    try:
        return table[text.strip().lower()]
    except KeyError as exc:
        raise SettingsError(f"{name}: use true or false, got {text!r}") from exc


def _database_url(url: str, instance: Path) -> str:
    if not url:
        return f"sqlite:///{instance / 'kaoku.sqlite3'}"
    for short in ("postgres://", "postgresql://"):
        if url.startswith(short):
            return "postgresql+psycopg://" + url[len(short) :]
    return url


def _stored_secret(instance: Path) -> str:
    path = instance / "secret_key"
    if not path.exists():
        instance.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(48), encoding="ascii")
        try:
            os.link(fresh, path)  # atomic: the first process wins, the others read its key
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text(encoding="ascii").strip()


def _check(settings: Settings) -> None:
    if len(settings.secret_key) < MIN_SECRET_LENGTH:
        raise SettingsError(f"{PREFIX}SECRET_KEY: at least {MIN_SECRET_LENGTH} characters are needed")
    if not settings.database_url.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise SettingsError(f"{PREFIX}DATABASE_URL: sqlite:///… or postgresql+psycopg://… is needed")
    if settings.log_level not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise SettingsError(f"{PREFIX}LOG_LEVEL: use DEBUG, INFO, WARNING or ERROR")
    for name in ("workers", "max_upload_mb", "session_hours", "session_idle_minutes", *LEAST):
        least = LEAST.get(name, 1)
        if getattr(settings, name) < least:
            raise SettingsError(f"{PREFIX}{name.upper()}: at least {least} is needed")
    if not settings.disk_warn_mb >= settings.disk_stop_mb > settings.disk_reserve_mb:
        raise SettingsError(f"{PREFIX}DISK_WARN_MB: not below DISK_STOP_MB, which must exceed DISK_RESERVE_MB")
    if ":" not in settings.bind:
        raise SettingsError(f"{PREFIX}BIND: HOST:PORT is needed")

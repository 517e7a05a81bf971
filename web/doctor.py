"""Whether this installation is fit to run: one check a line for ``kaoku doctor`` and the system page."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import Flask, current_app
from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from kernel.clock import monotonic, now
from kernel.db import db
from kernel.i18n import N_
from kernel.jobs.models import WorkerHeartbeat
from kernel.settings import Settings
from kernel.working_days import LAST_KNOWN_YEAR
from web.database import revisions

MIN_FREE_BYTES = 1024**3
HEARTBEAT_LIMIT = timedelta(minutes=1)
FONT_PACKAGE = "manimgx_fonts_cjk"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: its name, whether it is in order, and what was found or how to mend it."""

    name: str
    ok: bool
    text: str


Finding = tuple[bool, str]


def run_checks(app: Flask) -> list[Check]:
    """Look at everything; a check that itself breaks is a failed check, never a broken report."""
    with app.app_context():
        return [_run(name, check) for name, check in CHECKS]


def _run(name: str, check: Callable[[], Finding]) -> Check:
    try:
        is_ok, found = check()
    except (SQLAlchemyError, OSError, ValueError) as exc:
        is_ok, found = False, _("检查不能进行：%(reason)s", reason=f"{type(exc).__name__}: {str(exc).splitlines()[0]}")
    return Check(_(name), is_ok, found)


def _settings() -> Settings:
    settings: Settings = current_app.config["KAOKU"]
    return settings


def check_settings() -> Finding:
    """The instance folder can be written; behind HTTPS, cookies are sent over HTTPS alone."""
    settings = _settings()
    with tempfile.TemporaryFile(dir=settings.instance_dir):
        pass
    if settings.public_url.startswith("https://") and not settings.secure_cookies:
        return False, _("KAOKU_PUBLIC_URL 是 https 地址，请把 KAOKU_SECURE_COOKIES 设为 true")
    return True, _("实例目录 %(folder)s 可写", folder=settings.instance_dir)


def check_database() -> Finding:
    """The database answers and keeps what it acknowledges."""
    if not _is_sqlite():
        version, is_durable = _scalar("SHOW server_version"), _scalar("SHOW fsync") == "on"
        return is_durable, _(
            "PostgreSQL %(version)s，fsync %(state)s", version=version, state="on" if is_durable else "off"
        )
    mode, level = _scalar("PRAGMA journal_mode"), _scalar("PRAGMA synchronous")
    return (mode == "wal" and level == 2), _("SQLite，日志方式 %(mode)s，同步级别 %(level)s", mode=mode, level=level)


def _is_sqlite() -> bool:
    return db.engine.dialect.name == "sqlite"


def _scalar(query: str) -> Any:
    """Ask in a savepoint, so that one failed look does not spoil the next."""
    with db.session().begin_nested():
        return db.session().scalar(text(query))


def check_migrations() -> Finding:
    """The schema is the newest one."""
    present, newest = revisions()
    if present != newest:
        return False, _(
            "当前版本 %(present)s，最新版本 %(newest)s，请运行 kaoku db upgrade", present=present, newest=newest
        )
    return True, _("已是最新版本 %(newest)s", newest=newest)


def check_clock() -> Finding:
    """Time runs forward, agrees with the database's, has a zone, and the calendar of working days reaches far enough."""
    started, moment = monotonic(), now()
    difference = abs((_database_time() - moment.timestamp()) - (monotonic() - started))
    if difference > 2:
        return False, _("本机与数据库的时钟相差 %(n)s 秒，请开启时间同步", n=round(difference))
    zone = _settings().timezone
    try:
        local = moment.astimezone(ZoneInfo(zone))
    except ZoneInfoNotFoundError:
        return False, _("没有时区 %(zone)s，请检查 KAOKU_TIMEZONE", zone=zone)
    shown = local.strftime("%Y-%m-%d %H:%M:%S")
    found = _("%(time)s（%(zone)s），工作日历到 %(year)s 年", time=shown, zone=zone, year=LAST_KNOWN_YEAR)
    return local.year <= LAST_KNOWN_YEAR, found


def _database_time() -> float:
    sqlite, postgresql = "(julianday('now') - 2440587.5) * 86400.0", "extract(epoch FROM clock_timestamp())"
    return float(_scalar(f"SELECT {sqlite if _is_sqlite() else postgresql}"))


def check_fonts() -> Finding:
    """The Chinese font for printed documents is installed."""
    spec = find_spec(FONT_PACKAGE)
    folders = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    fonts = [file.name for folder in folders for file in folder.rglob("*") if file.suffix in {".otf", ".ttf", ".ttc"}]
    if not fonts:
        return False, _("没有找到中文字体，请重新安装依赖（make setup）")
    return True, _("中文字体 %(n)s 个", n=len(fonts))


def check_disk() -> Finding:
    """There is room on the instance folder's disk."""
    usage = shutil.disk_usage(_settings().instance_dir)
    found = _(
        "剩余 %(free)s GB，共 %(total)s GB", free=round(usage.free / 1024**3, 1), total=round(usage.total / 1024**3, 1)
    )
    return usage.free >= MIN_FREE_BYTES, found


def check_worker() -> Finding:
    """The job worker has shown life within a minute."""
    with db.session().begin_nested():
        row = db.session().get(WorkerHeartbeat, "kaoku-worker", populate_existing=True)
    if row is None:
        return False, _("后台任务进程从未运行，请用 kaoku serve 或 kaoku worker 启动")
    age = now() - row.at
    seconds = int(age.total_seconds())
    if age > HEARTBEAT_LIMIT:
        return False, _("后台任务进程已 %(n)s 秒没有响应，请检查 kaoku serve 或 kaoku worker", n=seconds)
    return True, _("后台任务进程 %(pid)s，%(n)s 秒前有响应", pid=row.process_id, n=seconds)


CHECKS: tuple[tuple[str, Callable[[], Finding]], ...] = (
    (N_("设置"), check_settings),
    (N_("数据库"), check_database),
    (N_("数据库结构"), check_migrations),
    (N_("时钟"), check_clock),
    (N_("字体"), check_fonts),
    (N_("磁盘"), check_disk),
    (N_("任务进程"), check_worker),
)

"""Looks at the data: the database and its schema, the end of the audit chain, and the backups."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import timedelta

from flask_babel import gettext as _

from kernel import audit
from kernel.clock import now
from kernel.i18n import N_
from web.backup import schedule
from web.checks.finding import Finding, Level, Look, is_sqlite, reading, scalar, settings_now
from web.database import revisions

MIN_POSTGRESQL = 130000
DRILL_LIMIT = timedelta(days=92)


def check_database() -> Finding:
    """The database answers and keeps what it acknowledges."""
    return _check_sqlite() if is_sqlite() else _check_postgresql()


def _check_sqlite() -> Finding:
    mode, level = scalar("PRAGMA journal_mode"), scalar("PRAGMA synchronous")
    text = _("SQLite %(version)s，日志方式 %(mode)s，同步级别 %(level)s", version=scalar("SELECT sqlite_version()"),
             mode=mode, level=level)  # fmt: skip
    if mode != "wal" or level != 2:
        mend = _("应为 wal 和 2。数据库文件要放在本机磁盘上，不能放在网络共享里")
        return Finding(Level.FAIL, text, mend)
    return Finding(Level.OK, text)


def _check_postgresql() -> Finding:
    number, name = int(scalar("SHOW server_version_num")), scalar("SHOW server_version")
    switches = {key: scalar(f"SHOW {key}") for key in ("fsync", "full_page_writes", "synchronous_commit")}
    off = [key for key, value in switches.items() if value == "off"]
    text = _("PostgreSQL %(version)s", version=name)
    if off:
        mend = _("在 postgresql.conf 里改为 on，否则停电会丢失已确认的答案")
        return Finding(Level.FAIL, f"{text}, {', '.join(f'{key} = off' for key in off)}", mend)
    if number < MIN_POSTGRESQL:
        return Finding(Level.FAIL, text, _("请升级到 PostgreSQL 13 或更新的版本"))
    return Finding(Level.OK, text)


def check_migrations() -> Finding:
    """The schema is the newest one."""
    present, newest = revisions()
    if present != newest:
        text = _("当前版本 %(present)s，最新版本 %(newest)s", present=present, newest=newest)
        return Finding(Level.FAIL, text, _("请运行 kaoku db upgrade"))
    return Finding(Level.OK, _("已是最新版本 %(newest)s", newest=newest))


def check_audit() -> Finding:
    """The newest events and the head of the audit chain fit together."""
    with reading() as session:
        result = audit.verify_end(session)
    if result.broken:
        text = _("审计链在第 %(n)s 条断裂", n=result.broken.seq)
        return Finding(Level.FAIL, text, _("请保留现场，运行 kaoku audit verify，并与最近的备份比对"))
    return Finding(Level.OK, _("末端第 %(n)s 条，%(head)s", n=result.n_events, head=result.head_hash[:12]))


def check_backups() -> Finding:
    """There is a fresh backup elsewhere, and one was restored lately to prove it."""
    settings = settings_now()
    with reading() as session:
        newest, drilled = (schedule.last_at(session, act) for act in (schedule.BACKUP_ACT, schedule.DRILL_ACT))
        began = schedule.began_at(session, settings)
        failure = schedule.last_failure(session)
    if failure is not None:
        mend = _("原因见“备份”页面，处理后点“立即备份”")
        return Finding(Level.FAIL, _("最近一次备份或演练没有完成"), mend)
    if not settings.is_sqlite and (trouble := _trouble_with_pg_dump()):
        return Finding(Level.FAIL, trouble, _("请安装 postgresql-client（版本不低于服务器）"))
    if newest is None:
        is_new = began is None or now() - began < schedule.limit_of_age(settings)
        return Finding(Level.WARN if is_new else Level.FAIL, _("还没有备份"), _("运行 kaoku backup，或等待自动备份"))
    hours = int((now() - newest).total_seconds() // 3600)
    text = _("最近一份在 %(n)s 小时前", n=hours)
    if now() - newest > schedule.limit_of_age(settings):
        return Finding(Level.FAIL, text, _("请检查后台任务进程和磁盘空间，并运行 kaoku backup"))
    if drilled is None or now() - drilled > DRILL_LIMIT:
        mend = _("在“备份”页面点“恢复演练”，或运行 kaoku restore --drill 备份文件")
        return Finding(Level.WARN, _("%(text)s，三个月内没有做过恢复演练", text=text), mend)
    return _check_place(text)


def _trouble_with_pg_dump() -> str | None:
    """Return why PostgreSQL cannot be copied: no program, or one older than the server, which it refuses."""
    program = shutil.which("pg_dump")
    if program is None:
        return str(_("没有找到 pg_dump，不能备份"))
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=10).stdout
    own, server = re.search(r"\d+", said), int(scalar("SHOW server_version_num")) // 10000
    if own is None or int(own[0]) < server:
        return str(
            _("pg_dump（%(own)s）比服务器（PostgreSQL %(server)s）旧，不能备份", own=said.strip(), server=server)
        )
    return None


def _check_place(text: str) -> Finding:
    settings = settings_now()
    folder = settings.backup_folder
    if folder.exists() and folder.stat().st_dev == settings.instance_dir.stat().st_dev:
        mend = _("把 KAOKU_BACKUP_DIR 设为另一块磁盘或另一台机器上的目录")
        return Finding(Level.WARN, _("%(text)s，与数据在同一块磁盘上", text=text), mend)
    return Finding(Level.OK, text)


LOOKS = (
    Look("database", N_("数据库"), check_database),
    Look("migrations", N_("数据库结构"), check_migrations),
    Look("audit", N_("审计链"), check_audit),
    Look("backups", N_("备份"), check_backups),
)

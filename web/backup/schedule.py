"""Backups that make themselves: when one is due, the job that writes, reads back and keeps it, and what is known of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kernel import audit
from kernel.audit.models import AuditEvent
from kernel.clock import monotonic, now
from kernel.db import db
from kernel.errors import InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require, system_actor
from kernel.identity.permissions import Permission
from kernel.jobs import JobContext, enqueue, every, handler
from kernel.jobs.models import OPEN, Job, JobStatus
from kernel.settings import Settings
from kernel.uow import UnitOfWork, unit_of_work
from web.backup.archive import ROOT_KEY_FILE, check_archive
from web.backup.drill import drill
from web.backup.envelope import read_passphrase
from web.backup.writing import write_backup

BACKUP_JOB, DRILL_JOB = "system.backup", "system.backup_drill"
BACKUP_ACT, DRILL_ACT = "backup.create", "backup.drill"
OBJECT_TYPE = "backup"
LOOK_SECONDS = 300
FIRST_AFTER = timedelta(hours=1)
PATIENCE = 2
"""A backup is stale when so many intervals have passed without one."""
NAME = re.compile(r"kaoku-\d{8}T\d{6}Z-[0-9a-f]{8}\.tar")


@dataclass(frozen=True, slots=True)
class BackupRecord:
    """One backup or drill that was finished, as the audit chain tells it."""

    at: datetime
    is_drill: bool
    name: str
    megabytes: float
    seconds: float
    is_kept: bool
    outcome: dict[str, Any]


def settings_now() -> Settings:
    """Return the settings of the running application."""
    settings: Settings = current_app.config["KAOKU"]
    return settings


def passphrase_of(settings: Settings) -> str:
    """Return the passphrase of scheduled backups, or nothing."""
    return read_passphrase(Path(settings.backup_passphrase_file)) if settings.backup_passphrase_file else ""


def last_at(session: Session, act: str) -> datetime | None:
    """Return when the newest backup, or drill, was finished."""
    query = select(func.max(AuditEvent.at)).where(AuditEvent.object_type == OBJECT_TYPE, AuditEvent.act == act)
    return session.scalar(query)


def began_at(session: Session, settings: Settings) -> datetime | None:
    """Return when the installation was made: its root secret's file tells, else the first act that was recorded.

    The demonstration records acts of past weeks, so the file comes first.
    """
    file = settings.instance_dir / ROOT_KEY_FILE
    if file.exists():
        return datetime.fromtimestamp(file.stat().st_mtime, tz=UTC)
    return session.scalar(select(AuditEvent.at).where(AuditEvent.seq == 1))


def list_records(session: Session, settings: Settings, *, limit: int = 30) -> list[BackupRecord]:
    """Return the newest backups and drills."""
    query = select(AuditEvent).where(AuditEvent.object_type == OBJECT_TYPE).order_by(AuditEvent.seq.desc()).limit(limit)
    return [_record_of(event, settings) for event in session.scalars(query)]


def _record_of(event: AuditEvent, settings: Settings) -> BackupRecord:
    after = event.details.get("after", {})
    name = str(after.get("name", ""))
    return BackupRecord(
        event.at, event.act == DRILL_ACT, name, after.get("bytes", 0) / 1024**2, after.get("seconds", 0.0),
        bool(NAME.fullmatch(name)) and (settings.backup_folder / name).is_file(), after,
    )  # fmt: skip


def last_failure(session: Session) -> Job | None:
    """Return the newest scheduled backup or drill if it failed."""
    query = select(Job).where(Job.name.in_((BACKUP_JOB, DRILL_JOB)), Job.status.not_in(OPEN))
    job = session.scalar(query.order_by(Job.created_at.desc()).limit(1))
    return job if job is not None and job.status is JobStatus.FAILED else None


def limit_of_age(settings: Settings) -> timedelta:
    """Return the age from which the newest backup counts as stale."""
    return timedelta(hours=PATIENCE * (settings.backup_hours or 24))


@every(LOOK_SECONDS, "web.backup")
def request_when_due() -> None:
    """Publish the job of a backup when the last one is old enough, or has been tried and failed an interval ago."""
    hours = settings_now().backup_hours
    if not hours or not _is_due(db.session(), settings_now(), timedelta(hours=hours)):
        return
    with unit_of_work(system_actor()) as uow:
        enqueue(uow, BACKUP_JOB, {}, title=N_("自动备份"))


def _is_due(session: Session, settings: Settings, interval: timedelta) -> bool:
    began = began_at(session, settings)
    if began is None or now() - began < FIRST_AFTER:
        return False
    tried = session.scalar(select(func.max(Job.created_at)).where(Job.name == BACKUP_JOB))
    newest = max(filter(None, (tried, last_at(session, BACKUP_ACT))), default=None)
    return newest is None or now() - newest >= interval


def request_backup(uow: UnitOfWork, actor: Actor) -> Job:
    """Publish the job of a backup now; one that waits or runs is returned instead of a second."""
    require(actor, Permission.SYSTEM_MANAGE)
    running = uow.session.scalar(select(Job).where(Job.name == BACKUP_JOB, Job.status.in_(OPEN)))
    return running or enqueue(uow, BACKUP_JOB, {}, title=N_("立即备份"))


def request_drill(uow: UnitOfWork, actor: Actor, name: str) -> Job:
    """Publish the job of a restore drill of one kept backup."""
    require(actor, Permission.SYSTEM_MANAGE)
    kept_file(settings_now(), name)
    return enqueue(uow, DRILL_JOB, {"name": name}, title=N_("恢复演练"))


def kept_file(settings: Settings, name: str) -> Path:
    """Return a kept backup by its name; raises NotFoundError for anything else."""
    file = settings.backup_folder / name
    if not NAME.fullmatch(name) or not file.is_file():
        raise NotFoundError(N_("没有这份备份，可能已按保留数量删除"))
    return file


@handler(BACKUP_JOB)
def write_scheduled(context: JobContext) -> None:
    """Write a backup without the root secret, read it back, note it, and delete the oldest beyond the number kept."""
    started = monotonic()
    settings = settings_now()
    passphrase = passphrase_of(settings)
    settings.backup_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    out = _place_of(context, settings)
    if not out.exists():  # it is there when a worker died between writing and noting
        context.progress(5, N_("正在复制数据库和文件"))
        write_backup(settings, out, with_key=False, passphrase=passphrase)
    context.progress(70, N_("正在读回核对"))
    _read_back(out, passphrase)
    facts = {"name": out.name, "bytes": out.stat().st_size, "seconds": round(monotonic() - started, 2)}
    with context.finish(facts, result_url="/system/backups") as uow:
        audit.record(uow, BACKUP_ACT, OBJECT_TYPE, out.name, after=facts)
    delete_oldest(settings)


def _place_of(context: JobContext, settings: Settings) -> Path:
    job = db.session.get(Job, context.job_id)
    created = job.created_at if job else now()
    return settings.backup_folder / f"kaoku-{created:%Y%m%dT%H%M%SZ}-{context.job_id.hex[-8:]}.tar"


def _read_back(out: Path, passphrase: str) -> None:
    """Delete a backup that does not read back whole; a bad one must not push out the good ones."""
    try:
        check_archive(out, passphrase=passphrase)
    except InvalidInputError:
        out.unlink()
        raise


def delete_oldest(settings: Settings) -> None:
    """Delete scheduled backups beyond the number that is kept; files of other names are never touched."""
    for file in kept_backups(settings)[settings.backup_keep :]:
        file.unlink(missing_ok=True)


def kept_backups(settings: Settings) -> Sequence[Path]:
    """Return the scheduled backups, newest first."""
    folder = settings.backup_folder
    files = [file for file in folder.iterdir() if NAME.fullmatch(file.name)] if folder.is_dir() else []
    return sorted(files, key=lambda file: file.name, reverse=True)


@handler(DRILL_JOB)
def run_drill(context: JobContext) -> None:
    """Restore a kept backup into a temporary place and keep what was found."""
    settings = settings_now()
    file = kept_file(settings, context.payload["name"])
    context.progress(10, N_("正在恢复到临时位置"))
    report = drill(settings, file, passphrase=passphrase_of(settings)).as_json()
    with context.finish(report, result_url="/system/backups") as uow:
        facts = {"name": file.name, "bytes": file.stat().st_size, **{k: report[k] for k in ("seconds", "ok", "proofs")}}
        audit.record(uow, DRILL_ACT, OBJECT_TYPE, file.name, after=facts)


def note_backup(out: Path, seconds: float) -> None:
    """Note a backup that was written by hand, so that the age of the newest is known."""
    facts = {"name": out.name, "bytes": out.stat().st_size, "seconds": round(seconds, 2)}
    with unit_of_work(system_actor(name="kaoku backup")) as uow:
        audit.record(uow, BACKUP_ACT, OBJECT_TYPE, out.name, after=facts)

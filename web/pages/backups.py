"""The backups of the installation: the last ones, whether they are fresh, one more now, and a restore drill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel.clock import now
from kernel.db import db
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.jobs.models import Job
from kernel.settings import Settings
from kernel.uow import unit_of_work
from web.backup import schedule
from web.backup.schedule import BACKUP_ACT, DRILL_ACT, BackupRecord
from web.filters import stored_text

bp = Blueprint("backups", __name__, url_prefix="/system/backups")


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A backup or drill with what the drill proved, in the reader's language."""

    record: BackupRecord
    proofs: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class BackupsPage:
    """What is kept, what was done, and what to mend; `warnings` are whole sentences."""

    rows: Sequence[RecordRow]
    facts: list[tuple[str, str]]
    warnings: list[str]
    failure: Job | None
    drill_name: str
    may_manage: bool


@bp.get("/")
@requires(Permission.SYSTEM_READ)
def index() -> tuple[str, int]:
    """Show the newest backups and drills."""
    settings, session = schedule.settings_now(), db.session()
    kept = schedule.kept_backups(settings)
    page = BackupsPage(
        rows=[RecordRow(record, _proofs(record)) for record in schedule.list_records(session, settings)],
        facts=_facts(settings, len(kept)),
        warnings=find_warnings(settings),
        failure=schedule.last_failure(session),
        drill_name=kept[0].name if kept else "",
        may_manage=current_actor().may(Permission.SYSTEM_MANAGE),
    )
    return render_page("system/backups.html", page)


def _proofs(record: BackupRecord) -> list[tuple[str, str]]:
    proofs = record.outcome.get("proofs", [])
    return [(stored_text(proof["name"]), stored_text(proof["template"]) % proof["context"]) for proof in proofs]


def _facts(settings: Settings, n_kept: int) -> list[tuple[str, str]]:
    interval = _("每 %(n)s 小时", n=settings.backup_hours) if settings.backup_hours else _("不自动备份")
    return [
        (_("自动备份"), interval),
        (_("保存位置"), str(settings.backup_folder)),
        (_("现有份数"), _("%(n)s 份，最多保留 %(limit)s 份", n=n_kept, limit=settings.backup_keep)),
        (_("加密"), _("已加密") if settings.backup_passphrase_file else _("未加密")),
    ]


def find_warnings(settings: Settings) -> list[str]:
    """Return what is wrong with the backups, each with the way to mend it."""
    session, found = db.session(), []
    newest, drilled = schedule.last_at(session, BACKUP_ACT), schedule.last_at(session, DRILL_ACT)
    if newest is None:
        found.append(_("还没有备份。新装的系统一小时后自动备份，也可以现在点“立即备份”。"))
    elif now() - newest > schedule.limit_of_age(settings):
        days = (now() - newest).days
        found.append(_("最近一份备份已是 %(n)s 天前。请点“立即备份”，并查看下面没有完成的原因。", n=days))
    if newest is not None and drilled is None:
        found.append(_("还没有做过恢复演练。没有恢复过的备份不算备份，请点“恢复演练”。"))
    return found


@bp.post("/")
@requires(Permission.SYSTEM_MANAGE)
def create() -> Response:
    """Ask for a backup now."""
    with unit_of_work(current_actor()) as uow:
        job = schedule.request_backup(uow, uow.actor)
    return redirect_with_message(url_for("jobs.detail", job_id=job.job_id), _("备份已开始，可以离开此页"))


@bp.post("/<name>/drill")
@requires(Permission.SYSTEM_MANAGE)
def drill(name: str) -> Response:
    """Ask for a restore drill of one backup."""
    with unit_of_work(current_actor()) as uow:
        job = schedule.request_drill(uow, uow.actor, name)
    return redirect_with_message(url_for("jobs.detail", job_id=job.job_id), _("演练已开始，正在使用的数据不受影响"))

"""Menu entries of the house itself, and what waits for those who run it."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from kernel.disk import STOPPED, DiskLevel, guard
from kernel.http import MenuEntry, Todo
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.jobs.repository import count_recent_failures
from web.backup.schedule import settings_now
from web.pages import analyses, backups, bank_statistics, declarations, leads

SYSTEM = N_("系统")
MENU = (
    MenuEntry(N_("工作台"), N_("首页"), "home.index", (), icon="home", order=1),
    *declarations.MENU,
    *analyses.MENU,
    *bank_statistics.MENU,
    *leads.MENU,
    MenuEntry(N_("工作台"), N_("任务"), "jobs.index", (Permission.JOB_READ,), icon="clock", order=90),
    MenuEntry(SYSTEM, N_("机构"), "organisations.index", (Permission.ORGANISATION_MANAGE,), icon="building", order=10),
    MenuEntry(SYSTEM, N_("人员"), "people.index", (Permission.USER_MANAGE,), icon="users", order=20),
    MenuEntry(SYSTEM, N_("规则方案"), "profiles.index", (Permission.PROFILE_MANAGE,), icon="scale", order=30),
    MenuEntry(SYSTEM, N_("审计"), "audit.index", (Permission.AUDIT_READ,), icon="shield", order=80),
    MenuEntry(SYSTEM, N_("系统状态"), "system.index", (Permission.SYSTEM_READ,), icon="monitor", order=90),
)


def upkeep(actor: Actor) -> list[Todo]:
    """Return what the installation itself asks of the platform's administrators: room on the disk and fresh backups."""
    if not actor.may(Permission.SYSTEM_READ):
        return []
    watching, found = guard(), []
    state = watching.state() if watching else None
    if state and state.level is not DiskLevel.PLENTY:
        detail, kind = _("剩余 %(n)s MB", n=state.free_mb), "danger" if state.level in STOPPED else "warning"
        found.append(Todo(_("磁盘空间不足"), 1, url_for("system.index"), detail, kind))
    warnings = backups.find_warnings(settings_now())
    if warnings:
        found.append(Todo(_("备份"), len(warnings), url_for("backups.index"), warnings[0], "warning"))
    return found


def todos(session: Session, actor: Actor) -> list[Todo]:
    """Return the jobs of this person that failed in the last week, and declarations to confirm."""
    waiting = [*declarations.todos(session, actor), *leads.todos(session, actor), *upkeep(actor)]
    if not actor.may(Permission.JOB_READ):
        return waiting
    count = count_recent_failures(session, actor=actor)
    return [
        *waiting,
        Todo(_("没有完成的任务"), count, url_for("jobs.index"), _("最近 7 天，可以查看原因并重试"), "danger"),
    ]

"""Menu entries, and what waits for assemblers, approvers and keepers."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from blueprints import repository, repository_release, repository_sets, repository_versions
from blueprints.pages.panel_navigation import PANEL_MENU, panel_todos
from blueprints.rules.states import FormStatus
from blueprints.services import releases
from blueprints.services.quarantine import count_sessions_to_change, count_to_mend
from kernel.clock import now
from kernel.http import MenuEntry, Todo
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission

MENU = (
    MenuEntry(N_("组卷"), N_("组卷蓝图"), "blueprints.index", (Permission.BLUEPRINT_READ,), icon="table", order=10),
    MenuEntry(N_("组卷"), N_("组卷记录"), "assembly_runs.index", (Permission.FORM_ASSEMBLE,), icon="history", order=20),
    MenuEntry(N_("组卷"), N_("试卷"), "forms.index", (Permission.FORM_READ,), icon="file", order=30),
    MenuEntry(N_("组卷"), N_("一人一卷卷组"), "form_sets.index", (Permission.FORM_READ,), icon="users", order=35),
    MenuEntry(
        N_("组卷"),
        N_("启封记录"),
        "form_releases.index",
        (Permission.FORM_SEAL, *releases.ALARMED),
        icon="lock",
        order=60,
    ),
    MenuEntry(
        N_("组卷"),
        N_("密钥保管人"),
        "form_releases.keepers",
        (Permission.WORKFLOW_MANAGE, Permission.FORM_SEAL),
        icon="users",
        order=70,
    ),
    MenuEntry(
        N_("组卷"), N_("暂停使用的试题"), "quarantine.index", (Permission.FORM_ASSEMBLE,), icon="warning", order=40
    ),
    *PANEL_MENU,
    MenuEntry(
        N_("组卷"), N_("试题使用台账"), "exposure_ledger.index", (Permission.BLUEPRINT_READ,), icon="chart", order=50
    ),
    MenuEntry(N_("组卷"), N_("题库承载力"), "bank_capacity.index", (Permission.FORM_ASSEMBLE,), icon="scale", order=60),
)


def todos(session: Session, actor: Actor) -> list[Todo]:
    """Return forms to approve, forms to seal, forms sent back and runs that gave no form."""
    found: list[Todo] = []
    if actor.organisation_id is None:
        return found
    found += panel_todos(session, actor)
    found += _releases(session, actor)
    if actor.may(Permission.FORM_APPROVE):
        n_waiting = repository_versions.count_waiting(session, actor=actor)
        found.append(Todo(_("待批准的蓝图"), n_waiting, url_for("blueprints.index", status="submitted")))
        n_review = repository.count_forms(session, FormStatus.IN_REVIEW, actor=actor, not_by=actor.user_id)
        n_sets = repository_sets.count_sets(session, FormStatus.IN_REVIEW, actor=actor, not_by=actor.user_id)
        found.append(Todo(_("待审核的卷组"), n_sets, url_for("form_sets.index", status="in_review")))
        found.append(Todo(_("待审核的试卷"), n_review, url_for("forms.index", status="in_review")))
    if actor.may(Permission.FORM_SEAL):
        n_approved = repository.count_forms(session, FormStatus.APPROVED, actor=actor)
        n_sets = repository_sets.count_sets(session, FormStatus.APPROVED, actor=actor)
        found.append(Todo(_("待封存的卷组"), n_sets, url_for("form_sets.index", status="approved")))
        found.append(Todo(_("待封存的试卷"), n_approved, url_for("forms.index", status="approved")))
    if actor.may(Permission.SESSION_WRITE):
        n_sessions = count_sessions_to_change(session, actor)
        found.append(Todo(_("须改用替代卷的场次"), n_sessions, url_for("exam_sessions.index"), severity="warning"))
    if actor.may(Permission.FORM_ASSEMBLE):
        n_drafts = repository.count_forms(session, FormStatus.DRAFT, actor=actor)
        n_sets = repository_sets.count_sets(session, FormStatus.DRAFT, actor=actor)
        n_refused = repository.count_refused_runs(session, actor=actor)
        found += [
            Todo(_("待提交审核的试卷"), n_drafts, url_for("forms.index", status="draft")),
            Todo(_("待提交审核的卷组"), n_sets, url_for("form_sets.index", status="draft")),
            Todo(_("未能组成的组卷"), n_refused, url_for("assembly_runs.index"), severity="warning"),
            Todo(
                _("含有停用试题的试卷"), count_to_mend(session, actor), url_for("quarantine.index"), severity="warning"
            ),
        ]
    return found


def _releases(session: Session, actor: Actor) -> list[Todo]:
    """Return early openings that administrators should know of, and requests that wait for a second custodian."""
    found = []
    if any(actor.may(permission) for permission in releases.ALARMED):
        n_alarms = repository_release.count_alarms(session, actor=actor)
        found.append(Todo(_("待知悉的应急启封"), n_alarms, url_for("form_releases.index"), severity="danger"))
    if releases.is_custodian(session, actor):
        n_waiting = repository_release.count_waiting(session, actor=actor, moment=now())
        found.append(Todo(_("待确认的启封申请"), n_waiting, url_for("form_releases.index"), severity="warning"))
    return found

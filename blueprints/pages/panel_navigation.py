"""The menu entry of standard setting, and what waits for raters and second persons."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from blueprints import repository_panels as repository
from kernel.http import MenuEntry, Todo
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission

PANEL_MENU = (
    MenuEntry(
        N_("组卷"), N_("合格线设定"), "panels.index",
        (Permission.PANEL_MANAGE, Permission.PANEL_RATE, Permission.FORM_APPROVE), icon="scale", order=50,
    ),
)  # fmt: skip


def panel_todos(session: Session, actor: Actor) -> list[Todo]:
    """Return rounds to finish, and conclusions to confirm."""
    found = []
    if actor.may(Permission.PANEL_RATE):
        n_rounds = repository.count_to_rate(session, actor=actor)
        found.append(Todo(_("待完成的合格线评定"), n_rounds, url_for("panels.index", status="rating")))
    if repository.leads(actor):
        n_proposed = repository.count_proposed(session, actor=actor)
        found.append(Todo(_("待复核的合格线结论"), n_proposed, url_for("panels.index", status="proposed")))
    return found

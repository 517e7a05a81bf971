"""What every staff page shares: left menu by role, open jobs, who is signed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from flask import Flask, current_app, request, url_for
from flask_babel import gettext as _

from kernel.db import db
from kernel.http import MenuEntry, Todo, current_actor
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import ROLE_LABELS, Permission
from kernel.identity.repository import get_organisation
from kernel.jobs.repository import count_open_jobs
from web.i18n import html_language

GROUP_ORDER = (
    N_("工作台"),
    N_("标准与题库"),
    N_("组卷"),
    N_("考试"),
    N_("阅卷与成绩"),
    N_("认定"),
    N_("监督"),
    N_("系统"),
)


@dataclass(slots=True)
class Navigation:
    """Everything that components contributed."""

    entries: list[MenuEntry] = field(default_factory=list)
    todo_sources: list[Any] = field(default_factory=list)
    search_sources: list[Any] = field(default_factory=list)


def init_app(app: Flask) -> None:
    """Prepare the shared context of all pages."""
    app.extensions["kaoku_navigation"] = Navigation()
    app.context_processor(shared_context)


def add_component(app: Flask, pages: ModuleType) -> None:
    """Take up a component's menu entries, its source of things to do, and its part in the search."""
    navigation: Navigation = app.extensions["kaoku_navigation"]
    navigation.entries.extend(getattr(pages, "MENU", ()))
    if hasattr(pages, "todos"):
        navigation.todo_sources.append(pages.todos)
    if callable(search := getattr(pages, "search", None)):
        navigation.search_sources.append(search)


def collect_todos(actor: Actor) -> list[Todo]:
    """Return what waits for a person, from all components; nothing that counts zero."""
    navigation: Navigation = current_app.extensions["kaoku_navigation"]
    found = [todo for source in navigation.todo_sources for todo in source(db.session(), actor)]
    return [todo for todo in found if todo.count]


def shared_context() -> dict[str, Any]:
    """Return the variables of the page frames (see ``components/README.md``), and `actor`."""
    actor = current_actor()
    shared: dict[str, Any] = {
        "actor": actor, "product_href": "/", "languages": _languages(), "html_lang": html_language(), "menu": [],
        "breadcrumbs": [], "person": None, "organisation": "", "jobs": None,
    }  # fmt: skip
    return shared | _signed_in_context(actor) if actor.user_id else shared


def _signed_in_context(actor: Actor) -> dict[str, Any]:
    organisation = get_organisation(db.session(), actor.organisation_id).name if actor.organisation_id else ""
    jobs = {"count": count_open_jobs(db.session(), actor=actor), "href": url_for("jobs.index")}
    links = [
        {"label": _("修改密码"), "href": url_for("account.password"), "method": "get"},
        {"label": _("登录记录"), "href": url_for("account.sessions"), "method": "get"},
        {"label": _("退出登录"), "href": url_for("auth.sign_out"), "method": "post"},
    ]
    roles = _("、").join(_(ROLE_LABELS[role]) for role in sorted(actor.roles))
    person = {"name": actor.name, "role": roles, "links": links}
    return {
        "menu": menu_of(actor), "search_href": url_for("search.index"), "organisation": organisation, "person": person,
        "jobs": jobs if actor.may(Permission.JOB_READ) else None,
    }  # fmt: skip


def _languages() -> list[dict[str, Any]]:
    names = {"zh": "中文", "en": "English"}
    current = "en" if html_language() == "en" else "zh"
    return [
        {"code": code, "label": label, "href": url_for("auth.set_language", language=code), "active": code == current}
        for code, label in names.items()
    ]


def menu_of(actor: Actor) -> list[dict[str, Any]]:
    """Return the left menu: groups of entries that the actor may open."""
    navigation: Navigation = current_app.extensions["kaoku_navigation"]
    visible = [e for e in navigation.entries if not e.permissions or any(actor.may(p) for p in e.permissions)]
    groups: list[dict[str, Any]] = []
    for group in GROUP_ORDER:
        entries = sorted((e for e in visible if e.group == group), key=lambda e: e.order)
        if entries:
            groups.append({"label": _(group), "items": [_menu_item(e) for e in entries]})
    items = [item for group in groups for item in group["items"]]
    fitting = [item for item in items if _is_below(request.path, item["href"])]
    for item in fitting:  # /writing/mine lies below /writing as well: only the nearest is marked
        item["active"] = len(item["href"]) == max(len(one["href"]) for one in fitting)
    return groups


def _menu_item(entry: MenuEntry) -> dict[str, Any]:
    return {"label": _(entry.label), "href": url_for(entry.endpoint), "icon": entry.icon, "count": 0, "active": False}


def _is_below(path: str, href: str) -> bool:
    """Say whether an address is a menu entry's own or lies below it."""
    return path == href or (href != "/" and path.startswith(href.rstrip("/") + "/"))

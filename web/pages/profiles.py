"""Rule profiles: the values that hold, their versions with differences, and a form for the next version."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel import profiles
from kernel.clock import now
from kernel.db import db
from kernel.errors import ConflictError, DomainError, InvalidInputError, NotFoundError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity import repository
from kernel.identity.permissions import Permission
from kernel.profiles.models import RuleProfile
from kernel.profiles.services import find_profile, list_profiles
from kernel.uow import unit_of_work
from web.errors import error_message
from web.forms import date_or_none, field_messages, uuid_or_none

bp = Blueprint("profiles", __name__, url_prefix="/profiles")
GROUP_LABELS = {
    "qbank": N_("题库"),
    "conflicts": N_("回避"),
    "blueprints": N_("组卷"),
    "panels": N_("合格线设定"),
    "exam": N_("考试"),
    "marking": N_("阅卷与成绩"),
    "analysis": N_("统计"),
    "certification": N_("认定"),
}
LONG_TEXT = 120

CHOICE_WORDS = {"refuse": N_("拒绝"), "warn": N_("提示"), "allow": N_("允许")}
"""How values that are kept as codes are read."""


@dataclass(frozen=True, slots=True)
class RuleField:
    """One rule as the pages show it; `kind` chooses the control."""

    name: str
    label: str
    help: str
    kind: str
    value: Any
    shown: str
    is_changed: bool
    minimum: float | None
    maximum: float | None
    choices: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """The rules of one component."""

    label: str
    fields: list[RuleField]


@dataclass(frozen=True, slots=True)
class ProfilesPage:
    """The values that hold today, and all versions."""

    groups: list[RuleGroup]
    current: RuleProfile | None
    versions: Sequence[RuleProfile]
    authors: Mapping[uuid.UUID, str]
    organisation_id: str
    organisations: list[tuple[str, str]]
    may_publish: bool


@dataclass(frozen=True, slots=True)
class ProfileFormPage:
    """The form for the next version, filled with the newest one."""

    groups: list[RuleGroup]
    base_number: int
    effective_on: str
    earliest: str
    note: str
    errors: dict[str, list[str]] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProfileVersionPage:
    """One version and what it changed."""

    version: RuleProfile
    author: str
    differences: list[tuple[str, str, str]]
    organisation_id: str


def local_today() -> date:
    """Return today's date where the installation is."""
    return now().astimezone(ZoneInfo(current_app.config["KAOKU"].timezone)).date()


def rule_groups(overrides: Mapping[str, Any]) -> list[RuleGroup]:
    """Return all declared rules with the values of some overrides, by component in the order of the way."""
    groups: dict[str, list[RuleField]] = {name: [] for name in GROUP_LABELS}
    for name, key in profiles.all_keys().items():
        group = name.partition(".")[0]
        groups.setdefault(group, []).append(_field(key, overrides.get(name, key.default)))
    return [RuleGroup(_(GROUP_LABELS.get(name, name)), fields) for name, fields in groups.items() if fields]


def _field(key: profiles.RuleKey, value: Any) -> RuleField:
    notes = [_("依据：%(basis)s", basis=_(key.basis))] if key.basis else []
    kind = _kind(key)
    if kind != "long":
        notes.append(_("默认：%(value)s", value=shown(key.default)))
    return RuleField(
        name=key.name, label=_(key.label), help="；".join(notes), kind=kind, value=value, shown=shown(value),
        is_changed=value != key.default, minimum=key.minimum, maximum=key.maximum,
        choices=[(choice, shown(choice)) for choice in key.choices],
    )  # fmt: skip


def _kind(key: profiles.RuleKey) -> str:
    default = key.default
    if isinstance(default, bool):
        return "boolean"
    if isinstance(default, int | float):
        return "whole" if isinstance(default, int) else "number"
    if key.choices:
        return "choice"
    return "long" if "\n" in default or len(default) > LONG_TEXT else "text"


def shown(value: Any) -> str:
    """Return a rule's value as a person reads it."""
    if isinstance(value, bool):
        return str(_("是") if value else _("否"))
    return str(_(CHOICE_WORDS[value])) if value in CHOICE_WORDS else str(value)


@bp.get("/")
@requires(Permission.PROFILE_MANAGE)
def index() -> tuple[str, int]:
    """Show the values that hold today and all versions; the platform chooses whose."""
    actor, session = current_actor(), db.session()
    rows = [] if actor.organisation_id else repository.list_organisations(session)
    chosen = _chosen_organisation(rows[0].organisation_id if rows else None)
    current = find_profile(session, chosen, on=local_today()) if chosen else None
    versions = list_profiles(session, chosen) if chosen else []
    page = ProfilesPage(
        groups=rule_groups(current.overrides if current else {}),
        current=current,
        versions=versions,
        authors=repository.user_names(session, [v.created_by for v in versions if v.created_by]),
        organisation_id=str(chosen or ""),
        organisations=[(str(row.organisation_id), row.name) for row in rows],
        may_publish=actor.organisation_id is not None,
    )
    return render_page("profiles/index.html", page)


def _chosen_organisation(default: uuid.UUID | None) -> uuid.UUID | None:
    """Return the actor's own organisation; the platform reads the one in the address."""
    return current_actor().organisation_id or uuid_or_none(request.args.get("organisation", "")) or default


@bp.get("/<int:number>")
@requires(Permission.PROFILE_MANAGE)
def detail(number: int) -> tuple[str, int]:
    """Show one version and what it changed."""
    chosen = _chosen_organisation(None)
    versions = list_profiles(db.session(), chosen) if chosen else []
    found = next((version for version in versions if version.number == number), None)
    if found is None:
        raise NotFoundError(N_("没有这一版规则方案"))
    before = next((version for version in versions if version.number < number), None)
    differences = version_differences(before.overrides if before else {}, found.overrides)
    names = repository.user_names(db.session(), [found.created_by] if found.created_by else [])
    author = next(iter(names.values()), "")
    return render_page("profiles/detail.html", ProfileVersionPage(found, author, differences, str(chosen)))


def version_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return label, old and new value of every rule on which two versions differ."""
    changes = []
    for name, key in profiles.all_keys().items():
        old, new = before.get(name, key.default), after.get(name, key.default)
        if old != new:
            changes.append((_(key.label), shown(old), shown(new)))
    return changes


@bp.get("/new")
@requires(Permission.PROFILE_MANAGE)
def new() -> tuple[str, int]:
    """Show the form for the next version."""
    latest = _latest(current_actor().organisation)
    groups = rule_groups(latest.overrides if latest else {})
    today = local_today().isoformat()
    return render_page("profiles/form.html", ProfileFormPage(groups, latest.number if latest else 0, today, today, ""))


def _latest(organisation_id: uuid.UUID) -> RuleProfile | None:
    return next(iter(list_profiles(db.session(), organisation_id)), None)


@bp.post("/")
@requires(Permission.PROFILE_MANAGE)
def publish() -> tuple[str, int] | Response:
    """Publish a new version, unless somebody else did since the form was opened."""
    form = request.form
    base = form.get("base_number", 0, type=int)
    values = {name: form.get(name, "").replace("\r\n", "\n").strip() for name in profiles.all_keys()}
    try:
        effective_on = _checked(values, form.get("effective_on", ""))
        with unit_of_work(current_actor()) as uow:
            latest = _latest(uow.actor.organisation)
            if (latest.number if latest else 0) != base:
                raise ConflictError(N_("规则方案刚刚被他人更新，请打开最新一版后重新修改"))
            row = profiles.publish(uow, values, effective_on=effective_on, note=form.get("note", "").strip())
    except (InvalidInputError, ConflictError) as exc:
        return _form_again(values, base, exc)
    address = url_for("profiles.detail", number=row.number)
    return redirect_with_message(address, _("第 %(n)s 版已发布，自 %(day)s 起生效", n=row.number, day=effective_on))


def _checked(values: Mapping[str, str], effective_on: str) -> date:
    """Check every rule by itself, so that each message stands beside its field."""
    errors: dict[str, list[str]] = {}
    for name, key in profiles.all_keys().items():
        try:
            key.check(values[name])
        except InvalidInputError as exc:
            errors[name] = [error_message(exc)]
    day = date_or_none(effective_on)
    if day is None or day < local_today():
        errors["effective_on"] = [_("请填写今天或以后的日期，已生效的规则不能追溯更改")]
    if errors or day is None:
        raise InvalidInputError(N_("请改正标出的内容"), fields=errors)
    return day


def _form_again(values: Mapping[str, str], base: int, exc: DomainError) -> tuple[str, int]:
    labels = {name: _(key.label) for name, key in profiles.all_keys().items()} | {"effective_on": _("生效日期")}
    page = ProfileFormPage(
        groups=rule_groups(values),
        base_number=base,
        effective_on=request.form.get("effective_on", ""),
        earliest=local_today().isoformat(),
        note=request.form.get("note", ""),
        errors=field_messages(exc) or {"": [error_message(exc)]},
        labels=labels,
    )
    return render_page("profiles/form.html", page, status=exc.http_status)

"""Words of the pages: engine texts in the reader's language, names of types, states as badges, addresses of pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from blueprints.assembly.text import Text
from blueprints.models import ExamBlueprint
from blueprints.rules import states
from blueprints.rules.blueprint_states import STAGE_LABELS, Stage, stage_of
from blueprints.rules.exposure import CAP_LABELS, Cap
from blueprints.rules.states import FormStatus, RunStatus
from blueprints.services.bank import ScopeLine
from item_templates import registry
from kernel.errors import DomainError, InvalidInputError
from kernel.i18n import N_

STAGE_KINDS = {
    Stage.DRAFT: "neutral", Stage.SUBMITTED: "warning", Stage.APPROVED: "success", Stage.ARCHIVED: "neutral",
}  # fmt: skip
RUN_KINDS = {
    RunStatus.WAITING: "info", RunStatus.OPTIMAL: "success", RunStatus.FEASIBLE: "success",
    RunStatus.INFEASIBLE: "danger", RunStatus.TIME_LIMIT: "warning",
}  # fmt: skip
FORM_KINDS = {
    FormStatus.DRAFT: "neutral", FormStatus.IN_REVIEW: "info", FormStatus.APPROVED: "success",
    FormStatus.SEALED: "success", FormStatus.WITHDRAWN: "warning",
}  # fmt: skip
FORM_ICONS = {FormStatus.SEALED: "lock"}
IMPORTANCE_LABELS = {"X": N_("核心要素"), "Y": N_("一般要素"), "Z": N_("辅助要素")}
Badge = dict[str, str]


def type_label(name: str) -> str:
    """Return an item type's name for people."""
    known = {one.name: one.label for one in registry.all_types()}
    return str(_(known[name])) if name in known else name


def blueprint_badge(row: ExamBlueprint) -> Badge:
    """Return the badge of a blueprint's state."""
    stage = stage_of(row.status.value, is_approved=row.approved_at is not None)
    return {"label": _(STAGE_LABELS[stage]), "kind": STAGE_KINDS[stage]}


def run_badge(status: RunStatus) -> Badge:
    """Return the badge of a run's state."""
    return {"label": _(states.RUN_LABELS[status]), "kind": RUN_KINDS[status]}


def cap_text(cap: Cap, place: str = "") -> str:
    """Return a cap on the use of items in words, with the place where it was reached."""
    words = str(_(CAP_LABELS[cap]))
    return f"{words}（{place}）" if place else words


def region_text(region: str, sites: Sequence[str]) -> str:
    """Return a region with its sites, the first three by name."""
    names = "、".join(sites[:3])
    rest = "" if len(sites) <= len(sites[:3]) else str(_(" 等 %(n)s 个考点", n=len(sites)))
    return f"{region}（{names}{rest}）"


def held_back_lines(result: Mapping[str, Any]) -> list[str]:
    """Return what kept items out of a draw, in words."""
    return [
        str(_("%(cap)s：%(n)s 题", cap=cap_text(Cap(cap), place), n=n))
        for cap, place, n in result.get("held_back") or ()
    ]


def asked_about_copies(n_new: int) -> tuple[str, str]:
    """Return what to say after near-copies were put before the bank's editors, and the kind of the message."""
    if n_new:
        return str(_("已提请题库管理员判定 %(n)s 对试题", n=n_new)), "success"
    return str(_("没有新的题对可以提请判定；由其他机构共享的试题请替换")), "warning"


def form_badge(status: FormStatus) -> Badge:
    """Return the badge of a form's state."""
    icon = FORM_ICONS.get(status, "")
    return {"label": _(states.FORM_LABELS[status]), "kind": FORM_KINDS[status], "icon": icon}


def say(text: Mapping[str, Any], scopes: Mapping[str, ScopeLine] | None = None, rule: str = "") -> str:
    """Return a kept text in the reader's language, with the names that people know for types and scopes."""
    values = dict(text.get("values") or {})
    kind = rule.partition("[")[0]
    if "type" in values:
        values["type"] = type_label(str(values["type"]))
    if kind == "types" and "name" in values:
        values["name"] = type_label(str(values["name"]))
    for key in ("scope", "name"):
        line = (scopes or {}).get(str(values.get(key, "")))
        if line is not None:
            values[key] = line.title
    template: str = text["template"]
    message: str = _(template)
    return message % values if values else message


def say_text(text: Text, scopes: Mapping[str, ScopeLine] | None = None, rule: str = "") -> str:
    """Return an engine's text in the reader's language."""
    return say({"template": text.template, "values": dict(text.values)}, scopes, rule)


def error_fields(errors: Mapping[str, Sequence[Text]]) -> dict[str, list[str]]:
    """Return complaints by field in the reader's language."""
    return {name: [say_text(text) for text in texts] for name, texts in errors.items()}


def refusal_fields(exc: InvalidInputError) -> dict[str, list[str]]:
    """Return a refusal as complaints by field; one without fields belongs to the whole form."""
    if not exc.fields:
        return {"": [refusal_text(exc)]}
    return {name: [_(message) for message in messages] for name, messages in exc.fields.items()}


def refusal_text(exc: DomainError) -> str:
    """Return a refusal in the reader's language."""
    message: str = _(exc.template)
    return message % exc.context if exc.context else message


def form_text(fields: MultiDict[str, str]) -> dict[str, str]:
    """Return the texts of a posted form."""
    return {name: value.strip() for name, value in fields.items() if name not in {"csrf_token", "once_key"}}


def page_address(endpoint: str, **values: Any) -> Callable[[int], str]:
    """Return what gives the address of another page of the same list."""
    shown = {name: value for name, value in request.args.items() if name != "page"}
    return lambda number: url_for(endpoint, **(values | shown | {"page": number}))

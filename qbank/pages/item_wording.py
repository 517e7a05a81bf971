"""What pages about items have in common: choices for selects, findings in the reader's language, small views."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from item_templates import registry
from item_templates.contract import Finding, ItemContent, Severity
from item_templates.markup import one_line
from kernel.i18n import N_
from kernel.identity.actor import Actor
from qbank.models.items import Item
from qbank.models.standards import AssessmentPoint, StandardLevel
from qbank.pages.wording import said
from qbank.repository import standards
from qbank.rules.items import DIFFICULTY_LABELS, STATUS_KINDS, STATUS_LABELS

EXCERPT_CHARS = 160
Options = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding as a page shows it: `field` is where the form shows it too."""

    kind: str
    text: str
    field: str


def finding_views(findings: Sequence[Finding]) -> list[FindingView]:
    """Return findings in the reader's language, the grave ones first."""
    ordered = sorted(findings, key=lambda one: one.severity is not Severity.ERROR)
    return [
        FindingView("danger" if one.severity is Severity.ERROR else "warning", finding_text(one), one.field)
        for one in ordered
    ]


def finding_text(one: Finding) -> str:
    """Return a finding's message in the reader's language."""
    params = {name: finding_text(value) if isinstance(value, Finding) else value for name, value in one.params.items()}
    return said(one.template, params) if one.template else one.message


def type_label(name: str) -> str:
    """Return the name of an item type."""
    return str(_(registry.get(name).label))


def type_options() -> Options:
    """Return the item types for a choice."""
    return [(one.name, _(one.label)) for one in registry.all_types()]


def status_options() -> Options:
    """Return the states of items for a choice."""
    return [(status.value, _(label)) for status, label in STATUS_LABELS.items()]


def difficulty_options() -> Options:
    """Return the five difficulties for a choice."""
    return [(str(value), f"{value} {_(label)}") for value, label in DIFFICULTY_LABELS.items()]


def difficulty_label(value: int | None) -> str:
    """Return a difficulty in words, a dash when nobody judged it."""
    return f"{value} {_(DIFFICULTY_LABELS[value])}" if value else "—"


def status_view(item: Item) -> tuple[str, str]:
    """Return the state of an item in words and as a kind of badge."""
    return _(STATUS_LABELS[item.status]), STATUS_KINDS[item.status]


def level_title(level: StandardLevel) -> str:
    """Return a level as choices name it: occupation, level, edition."""
    edition = level.edition
    return f"{edition.standard.occupation_name} {level.name}（{edition.label}）"


def level_options(session: Session, actor: Actor) -> Options:
    """Return the levels of the organisation for a choice; one statement."""
    levels = standards.list_levels(session, actor=actor, include_drafts=True)
    return [(str(level.standard_level_id), level_title(level)) for level in levels]


def point_options(points: Sequence[AssessmentPoint]) -> list[str]:
    """Return points as a picker offers them: code and name."""
    return [f"{point.full_code} {point.name}" for point in points]


def excerpt(content: dict[str, Any] | ItemContent) -> str:
    """Return the beginning of a stem as text on one line."""
    stem = content.stem if isinstance(content, ItemContent) else str(content["stem"])
    text = one_line(stem)
    return text if len(text) <= EXCERPT_CHARS else text[:EXCERPT_CHARS] + "…"


PLACES = (
    (re.compile(r"sheet (.+) row (\d+)", re.DOTALL), N_("工作表“%(name)s”第 %(n)s 行")),
    (re.compile(r"table (\d+) row (\d+)"), N_("表格 %(name)s 第 %(n)s 行")),
    (re.compile(r"sheet (.+)()", re.DOTALL), N_("工作表“%(name)s”")),
    (re.compile(r"table (\d+)()"), N_("表格 %(name)s")),
    (re.compile(r"()row (\d+)"), N_("第 %(n)s 行")),
    (re.compile(r"()line (\d+)"), N_("第 %(n)s 行")),
    (re.compile(r"()paragraph (\d+)"), N_("第 %(n)s 段")),
    (re.compile(r"()item (.+)"), N_("第 %(n)s 题")),
    (re.compile(r"()()file"), N_("整个文件")),
)


def place(locator: str) -> str:
    """Return a reader's locator (``sheet 单选 row 12``) in the reader's language; unknown ones stay as they are."""
    for pattern, words in PLACES:
        if match := pattern.fullmatch(locator):
            return said(words, {"name": match[1], "n": match[2]})
    return locator


_ROWS = re.compile(r"sheet .+? row \d+|table \d+ row \d+|(?<=[\s“])paragraph \d+")


def with_places(message: str) -> str:
    """Return a message of a report with the places of the file that it names in the reader's language."""
    return _ROWS.sub(lambda found: place(found[0]), message)


def uuid_or_none(text: str) -> uuid.UUID | None:
    """Return the id that a query or form field holds, None for anything else."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def int_or_none(text: str, low: int, high: int) -> int | None:
    """Return a whole number between bounds, None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and low <= int(text) <= high else None


def date_or_none(text: str) -> date | None:
    """Return the day that a query or form field holds, None for anything else."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None

"""The outcome of an assembly as its page shows it: forms side by side, or why there are none."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.result import Check
from blueprints.models import AssemblyRun
from blueprints.pages.wording import say, say_text, type_label
from blueprints.rules.codes import engine_code
from blueprints.rules.outcomes import pool_item
from blueprints.rules.packages import score_text
from blueprints.rules.parallel import difficulty_counts, mean_difficulty, overlap_matrix
from blueprints.rules.relaxing import relaxed_n_forms
from blueprints.rules.specs import blueprint_of
from blueprints.rules.two_way import FormRow, form_table
from blueprints.services.bank import ScopeLine, own_items, scope_lines
from item_templates.markup import one_line
from kernel.identity.actor import Actor
from qbank import public as qbank

EXCERPT = 60
Scopes = Mapping[str, ScopeLine]
Points = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One rule held against a form."""

    text: str
    wanted: str
    got: str
    met: bool


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One item of a form; `stem` is empty where it may not be shown."""

    number: int
    code: str
    type: str
    point: str
    importance: str
    difficulty: int | None
    score: str
    stem: str


@dataclass(frozen=True, slots=True)
class ScopeCounts:
    """One scope of a form's two-way table."""

    label: str
    percent: str
    counts: Sequence[int]
    n_items: int
    wanted: str
    got: str
    met: bool


@dataclass(frozen=True, slots=True)
class FormView:
    """One form of an outcome."""

    label: str
    items: list[ItemLine]
    checks: list[CheckLine]
    scopes: list[ScopeCounts]
    difficulty: list[dict[str, Any]]
    mean_difficulty: str
    total_score: str
    n_reused: int

    @property
    def has_difficulty_rules(self) -> bool:
        """Say whether the blueprint asks for numbers of items by difficulty."""
        return any(bar["wanted"] is not None for bar in self.difficulty)


@dataclass(frozen=True, slots=True)
class WayOut:
    """A relaxation: its changes in sentences; `n_forms` where it asks for fewer forms instead."""

    index: int
    changes: list[str]
    n_forms: int | None


@dataclass(frozen=True, slots=True)
class SupplyLine:
    """One rule's need for all forms beside all that the bank has."""

    text: str
    needed: str
    available: str
    is_short: bool
    collides: bool


@dataclass(frozen=True, slots=True)
class ConflictView:
    """Why there is no form, and the ways out."""

    rules: list[str]
    ways: list[WayOut]
    tasks: list[dict[str, Any]]
    supply: list[SupplyLine]

    @property
    def n_to_write(self) -> int:
        """How many items the writing order asks for."""
        return sum(int(task["count"]) for task in self.tasks)


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """Everything the page of a finished run shows."""

    columns: list[str]
    forms: list[FormView]
    overlap: list[list[int]]
    together: list[CheckLine]
    conflict: ConflictView | None

    @property
    def overlap_columns(self) -> list[dict[str, Any]]:
        """Heads of the overlap matrix; none for a single form."""
        labels = [form.label for form in self.forms]
        heads = [{"label": _("与%(label)s卷重复", label=label), "numeric": True} for label in labels]
        return heads if len(labels) > 1 else []


def outcome_view(session: Session, actor: Actor, run: AssemblyRun, labels: Sequence[str]) -> OutcomeView:
    """Return the outcome of a run; stems only while its forms are not taken over, for then looking is an audited act."""
    result: Mapping[str, Any] = run.result or {}
    blueprint = blueprint_of(run.spec)
    scopes = {line.code: line for line in scope_lines(session, actor, run.standard_level_id)}
    found = result.get("forms") or []
    stems = {} if run.accepted_at else load_stems(session, actor, found)
    used = repository.items_in_other_forms(session, run.standard_level_id, run.assembly_run_id, actor=actor)
    forms = [
        form_view(label, form, (blueprint, scopes), stems, {str(item_id) for item_id in used})
        for label, form in zip(labels, found, strict=False)
    ]
    ids = [frozenset(item["id"] for item in form["items"]) for form in found]
    columns = [type_label(rule.type) for rule in blueprint.types if rule.count]
    together = [_check(check, scopes) for check in result.get("together") or []]
    conflict = conflict_view(result, scopes, _points(session, actor, run))
    return OutcomeView(columns, forms, overlap_matrix(ids), together, conflict)


def load_stems(session: Session, actor: Actor, forms: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the beginnings of the items of some forms, by item id."""
    chosen = {uuid.UUID(item["id"]): uuid.UUID(item["version"]) for form in forms for item in form["items"]}
    own = own_items(session, actor, chosen)
    versions = [version for item_id, version in chosen.items() if item_id in own]
    contents = qbank.load_contents(session, actor, versions)
    return {str(item.item_id): excerpt(item.content.stem) for item in contents.values()}


def excerpt(html: str, length: int = EXCERPT) -> str:
    r"""Return the beginning of an item's text on one line; a formula is never cut.

    Examples
    --------
    >>> excerpt(r"若 \(a+b+c\) 则", 6), excerpt("短", 6)
    ('若 …', '短')
    """
    text = one_line(html)
    if len(text) <= length:
        return text
    head = text[: length - 1]
    if head.rfind("\\(") > head.rfind("\\)"):
        head = head[: head.rfind("\\(")]
    return f"{head}…"


def form_view(
    label: str,
    form: Mapping[str, Any],
    rules: tuple[Blueprint, Scopes],
    stems: Mapping[str, str],
    used: set[str],
) -> FormView:
    """Return one form of an outcome; `used` are the items that other forms hold already."""
    blueprint, scopes = rules
    items = [pool_item(row) for row in form["items"]]
    scores = {item.id: item.score or Decimal(0) for item in items}
    levels = [item.difficulty for item in items]
    wanted = {rule.level: rule.low for rule in blueprint.difficulty_counts}
    bars = [
        {"label": _("难度 %(n)s", n=level), "value": count, "wanted": wanted.get(level)}
        for level, count in enumerate(difficulty_counts(levels), 1)
    ]
    return FormView(
        label=label,
        items=[_item(number, row, stems) for number, row in enumerate(form["items"], 1)],
        checks=[_check(check, scopes) for check in form["checks"]],
        scopes=[_scope(row, scopes) for row in form_table(blueprint, items, scores)],
        difficulty=bars, mean_difficulty=str(mean_difficulty(levels) or "–"),
        total_score=score_text(sum(scores.values(), Decimal(0))),
        n_reused=sum(1 for item in items if item.id in used),
    )  # fmt: skip


def _item(number: int, row: Mapping[str, Any], stems: Mapping[str, str]) -> ItemLine:
    return ItemLine(
        number, row["code"], type_label(row["type"]), row["point"], row.get("importance") or "", row.get("difficulty"),
        score_text(Decimal(row["score"])), stems.get(row["id"], ""),
    )  # fmt: skip


def _check(check: Mapping[str, Any], scopes: Scopes) -> CheckLine:
    low, high = check["wanted"]
    return CheckLine(
        say(check["text"], scopes, check["rule"]), check_range(low, high), plain_figure(check["got"]), check["met"]
    )


def check_line(check: Check, scopes: Scopes) -> CheckLine:
    """Return one rule held against a form as pages show it."""
    low, high = (None if side is None else str(side) for side in check.wanted)
    return CheckLine(
        say_text(check.text, scopes, check.constraint), check_range(low, high), plain_figure(str(check.got)), check.met
    )


def check_range(low: str | None, high: str | None) -> str:
    """Return what a rule asks for, in figures."""
    if low is None or high is None:
        return f"≤ {plain_figure(high)}" if high is not None else f"≥ {plain_figure(low or '0')}"
    return plain_figure(low) if low == high else f"{plain_figure(low)}～{plain_figure(high)}"


def plain_figure(text: str) -> str:
    """Return a figure to three places, without trailing zeros."""
    return score_text(round(Decimal(text), 3))


def _scope(row: FormRow, scopes: Scopes) -> ScopeCounts:
    line = scopes.get(row.scope)
    return ScopeCounts(
        line.title if line else row.scope, score_text(row.percent), row.counts, row.n_items, row.wanted,
        score_text(row.got), row.met,
    )  # fmt: skip


def conflict_view(result: Mapping[str, Any], scopes: Scopes, points: Points) -> ConflictView | None:
    """Return the conflict of an outcome in sentences, None when there is none."""
    conflict = result.get("conflict")
    if not conflict:
        return None
    ways = [
        WayOut(
            number,
            [say(change["text"], scopes, change["rule"]) for change in way["changes"]],
            relaxed_n_forms(way["changes"]),
        )
        for number, way in enumerate(conflict["relaxation"])
    ]
    rules = [say(part["text"], scopes, part["rule"]) for part in conflict["constraints"]]
    colliding = {part["rule"] for part in conflict["constraints"]}
    supply = [supply_line(line, scopes, colliding) for line in result.get("supply") or []]
    return ConflictView(rules, ways, [writing_task(task, points) for task in conflict["writing_order"]], supply)


def supply_line(line: Mapping[str, Any], scopes: Scopes, colliding: set[str]) -> SupplyLine:
    """Return one rule's need beside its supply, in words."""
    unit = _("%(n)s 分") if line["in_marks"] else _("%(n)s 题")
    needed, available = (unit % {"n": line[name]} for name in ("needed", "available"))
    text = say(line["text"], scopes, line["rule"])
    return SupplyLine(text, str(needed), str(available), bool(line["is_short"]), line["rule"] in colliding)


def changes_of(run: AssemblyRun, index: int, scopes: Scopes) -> list[str]:
    """Return the changes of one way out of a refused run, in sentences."""
    ways = ((run.result or {}).get("conflict") or {}).get("relaxation") or []
    changes = ways[index]["changes"] if 0 <= index < len(ways) else []
    return [say(change["text"], scopes, change["rule"]) for change in changes]


def _points(session: Session, actor: Actor, run: AssemblyRun) -> Points:
    outline = qbank.outline(session, actor, run.standard_level_id)
    return {engine_code(point.full_code): f"{point.full_code} {point.name}".strip() for point in outline.points}


def writing_task(task: Mapping[str, Any], points: Points) -> dict[str, Any]:
    """Return one line of a writing order with names and as a sentence; a point that the outline lacks is a new one."""
    values = {
        "n": task["count"], "type": type_label(task["type"]), "level": task.get("difficulty"),
        "point": points.get(task["point"]) or _("%(point)s（新）", point=task["point"]),
    }  # fmt: skip
    words = (
        _("%(n)s 道%(type)s，考点 %(point)s，难度 %(level)s", **values)
        if values["level"]
        else _("%(n)s 道%(type)s，考点 %(point)s", **values)
    )
    return {
        **task,
        "is_new": task["point"] not in points,
        "type": values["type"],
        "difficulty": task.get("difficulty") or "",
        "words": str(words),
    }

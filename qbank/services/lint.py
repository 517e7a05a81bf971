"""The rules of good items at work: one item with its waivers, a whole level, and the organisation's own words."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from item_templates.contract import ItemContent
from kernel import audit
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.jobs import enqueue
from kernel.jobs.models import Job
from kernel.uow import UnitOfWork
from qbank.models.curation import LintWaiver, SensitiveWord
from qbank.repository import curation as repository
from qbank.repository import items as item_repository
from qbank.repository import lint as lint_repository
from qbank.repository import pairs, standards
from qbank.rules.lint import key_balance
from qbank.rules.lint.model import LintContext
from qbank.rules.lint.registry import BY_ID, LintFinding, lint
from qbank.services.curation import keep_run
from qbank.services.items import content_of

Progress = Callable[[int, str], None]
PORTION = 500
MOST_NAMED = 500
"""Items of one rule that a report names; all are counted."""


def context_of(session: Session, organisation_id: uuid.UUID) -> LintContext:
    """Return what the rules know of an organisation: its words, and those it takes for known abbreviations."""
    words = repository.sensitive_words(session, organisation_id)
    return LintContext(
        sensitive_words={row.word: row.advice for row in words if not is_abbreviation(row)},
        abbreviations=frozenset(row.word for row in words if is_abbreviation(row)),
    )


KNOWN = "="
"""The advice of a word that is listed as a known abbreviation."""


def is_abbreviation(row: SensitiveWord) -> bool:
    """Say whether a listed word is an abbreviation that needs no explanation."""
    return row.advice == KNOWN


@dataclass(frozen=True, slots=True)
class ItemLint:
    """What the rules say about an item, and what was waived with its reason."""

    findings: list[LintFinding] = field(default_factory=list)
    waived: list[tuple[LintFinding, LintWaiver]] = field(default_factory=list)


def lint_content(session: Session, actor: Actor, content: ItemContent) -> list[LintFinding]:
    """Return what the rules say about a content that is not saved yet."""
    return lint(content, context_of(session, actor.organisation))


def lint_contents(session: Session, actor: Actor, contents: Sequence[ItemContent]) -> list[list[LintFinding]]:
    """Return what the rules say about each of many contents, such as those of a file."""
    context = context_of(session, actor.organisation)
    return [lint(content, context) for content in contents]


def lint_item(session: Session, actor: Actor, item_id: uuid.UUID, content: ItemContent) -> ItemLint:
    """Return what the rules say about an item, waived hits apart."""
    waivers = {one.rule: one for one in lint_repository.waivers_of(session, [item_id])[item_id]}
    found = lint_content(session, actor, content)
    return ItemLint(
        findings=[one for one in found if one.rule.id not in waivers],
        waived=[(one, waivers[one.rule.id]) for one in found if one.rule.id in waivers],
    )


def waive(uow: UnitOfWork, item_id: uuid.UUID, rule: str, *, reason: str) -> LintWaiver:
    """Let a rule not count for an item, for a reason that reviewers see."""
    require(uow.actor, Permission.ITEM_WRITE)
    item = item_repository.lock_item(uow.session, item_id, actor=uow.actor)
    if rule not in BY_ID:
        raise InvalidInputError(N_("没有这条检查规则"))
    reason = reason.strip()
    if len(reason) < 4:
        message = N_("请写明豁免的理由，至少 4 个字，审题人会看到")
        raise InvalidInputError(message, fields={"reason": [message]})
    if any(one.rule == rule for one in lint_repository.waivers_of(uow.session, [item_id])[item_id]):
        raise ConflictError(N_("这条规则对本题已经豁免"))
    waiver = LintWaiver(
        lint_waiver_id=new_id(), organisation_id=item.organisation_id, item_id=item_id, rule=rule,
        reason=reason[:300], version_number=item.n_versions, created_by=uow.actor.user_id, created_at=now(),
        withdrawn_at=None,
    )  # fmt: skip
    uow.add(waiver)
    after = {"rule": rule, "version": item.n_versions}
    audit.record(uow, "lint.waive", "item", item_id, after=after, reason=reason)
    return waiver


def withdraw_waiver(uow: UnitOfWork, item_id: uuid.UUID, rule: str) -> None:
    """Let a rule count for an item again."""
    require(uow.actor, Permission.ITEM_WRITE)
    item_repository.lock_item(uow.session, item_id, actor=uow.actor)
    for one in lint_repository.waivers_of(uow.session, [item_id])[item_id]:
        if one.rule == rule:
            one.withdrawn_at = now()
            audit.record(uow, "lint.withdraw_waiver", "item", item_id, before={"rule": rule})


@dataclass(slots=True)
class LevelReport:
    """What the rules say about a level: items by rule, and the places of the keys."""

    n_items: int = 0
    n_named: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    items: dict[str, list[str]] = field(default_factory=dict)
    spreads: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the report as it is kept."""
        return {"named": self.n_named, "counts": self.counts, "items": self.items, "spreads": self.spreads}


def start_lint(uow: UnitOfWork, standard_level_id: uuid.UUID) -> Job:
    """Ask for the check of a level."""
    require(uow.actor, Permission.ITEM_READ)
    level = standards.get_level(uow.session, standard_level_id, actor=uow.actor)
    title = N_("质量检查：%(level)s") % {"level": f"{level.edition.standard.occupation_name} {level.name}"}
    return enqueue(uow, "qbank.lint", {"standard_level_id": str(standard_level_id)}, title=title)


def lint_level(
    session: Session, actor: Actor, standard_level_id: uuid.UUID, *, progress: Progress = lambda _percent, _text: None
) -> LevelReport:
    """Apply the rules to every item of a level that is not retired; waived hits do not count."""
    rows = pairs.texts_of_level(session, standard_level_id, actor=actor)
    context, report = context_of(session, actor.organisation), LevelReport(n_items=len(rows))
    contents: list[ItemContent] = []
    for start in range(0, len(rows), PORTION):
        portion = rows[start : start + PORTION]
        progress(100 * start // max(1, len(rows)), N_("已检查 %(n)s 题") % {"n": start})
        versions = item_repository.get_versions(session, [row.current_version_id for row in portion])
        waivers = lint_repository.waivers_of(session, [row.item_id for row in portion])
        for row in portion:
            content = content_of(versions[row.current_version_id])
            contents.append(content)
            waived = {one.rule for one in waivers[row.item_id]}
            _count(report, row.item_id, {one.rule.id for one in lint(content, context)} - waived)
    report.spreads = [
        {"shape": one.shape, "counts": list(one.counts), "uneven": one.is_uneven, "run": one.longest_run}
        for one in key_balance.spreads(contents)
    ]
    return report


def _count(report: LevelReport, item_id: uuid.UUID, rules: set[str]) -> None:
    report.n_named += bool(rules)
    for rule in rules:
        report.counts[rule] = report.counts.get(rule, 0) + 1
        named = report.items.setdefault(rule, [])
        if len(named) < MOST_NAMED:
            named.append(str(item_id))


def keep_report(uow: UnitOfWork, standard_level_id: uuid.UUID, report: LevelReport) -> None:
    """Keep the report of a level in place of the one before."""
    keep_run(uow, standard_level_id, "lint", n_items=report.n_items, report=report.to_json())
    after = {"items": report.n_items, "named": report.n_named}
    audit.record(uow, "lint.check", "standard_level", standard_level_id, after=after)


def add_words(uow: UnitOfWork, text: str, *, advice: str = "", is_known: bool = False) -> int:
    """List words, one a line or separated by signs, with the same advice; known abbreviations are listed apart."""
    require(uow.actor, Permission.ITEM_READ)
    require(uow.actor, Permission.ITEM_WRITE)
    for sign in ",，;；、":
        text = text.replace(sign, "\n")
    words = list(dict.fromkeys(word.strip() for word in text.splitlines() if word.strip()))
    if not words or any(len(word) > 40 for word in words):
        message = N_("请填写要列入的词，每个不超过 40 个字")
        raise InvalidInputError(message, fields={"words": [message]})
    present = {row.word: row for row in repository.sensitive_words(uow.session, uow.actor.organisation)}
    advice = KNOWN if is_known else advice.strip()[:200].lstrip(KNOWN)
    for word in words:
        if word in present:
            present[word].advice = advice
            continue
        row = SensitiveWord(
            sensitive_word_id=new_id(), organisation_id=uow.actor.organisation, word=word, advice=advice,
            created_by=uow.actor.user_id, created_at=now(),
        )  # fmt: skip
        uow.add(row)
    audit.record(uow, "lint.words", "organisation", uow.actor.organisation, after={"added": len(words)})
    return len(words)


def remove_word(uow: UnitOfWork, sensitive_word_id: uuid.UUID) -> None:
    """Take a word off the list."""
    require(uow.actor, Permission.ITEM_READ)
    require(uow.actor, Permission.ITEM_WRITE)
    uow.session.delete(repository.get_word(uow.session, sensitive_word_id, actor=uow.actor))
    audit.record(uow, "lint.words", "organisation", uow.actor.organisation, after={"removed": 1})

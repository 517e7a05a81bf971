"""What pages about checks have in common: hits of rules and similar items in the reader's language."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext as _

from item_templates.contract import ItemContent
from item_templates.markup import one_line
from kernel.db import db
from kernel.http import current_actor
from qbank.pages.item_wording import status_view
from qbank.pages.wording import SEVERITY_KINDS, SEVERITY_LABELS, said
from qbank.rules.lint.registry import LintFinding
from qbank.services import lint
from qbank.services.similar import SimilarItem, similar_items

EXCERPT = 120


@dataclass(frozen=True, slots=True)
class LintView:
    """A hit of a rule as a page shows it."""

    rule: str
    title: str
    kind: str
    label: str
    text: str
    href: str


@dataclass(frozen=True, slots=True)
class SimilarView:
    """A similar item as a page shows it."""

    code: str
    href: str
    text: str
    percent: str
    note: str
    status: tuple[str, str]


def lint_views(findings: Sequence[LintFinding]) -> list[LintView]:
    """Return hits in the reader's language."""
    return [
        LintView(
            rule=one.rule.id,
            title=_(one.rule.title),
            kind=SEVERITY_KINDS[one.rule.severity],
            label=_(SEVERITY_LABELS[one.rule.severity]),
            text=said(one.hit.template, one.hit.params),
            href=url_for("lint.catalogue") + f"#{one.rule.id}",
        )
        for one in findings
    ]


def similar_views(found: Sequence[SimilarItem]) -> list[SimilarView]:
    """Return similar items in the reader's language."""
    return [
        SimilarView(
            code=one.item.code,
            href=url_for("items.detail", item_id=one.item.item_id, tab="key"),
            text=one_line(one.item.search_text)[:EXCERPT],
            percent=f"{one.similarity}%",
            note=_("只有标点、空格或选项次序不同")
            if one.is_exact
            else _("只有数字不同")
            if one.differs_in_numbers
            else "",
            status=status_view(one.item),
        )
        for one in found
    ]


def checks_of_draft(content: ItemContent, item_id: uuid.UUID | None) -> tuple[list[LintView], list[SimilarView]]:
    """Return the hits and the similar items of a content that is being written; waived hits are left out."""
    session, actor = db.session(), current_actor()
    if item_id is None:
        hits = lint.lint_content(session, actor, content)
    else:
        hits = lint.lint_item(session, actor, item_id, content).findings
    return lint_views(hits), similar_views(similar_items(session, actor, content, item_id=item_id))

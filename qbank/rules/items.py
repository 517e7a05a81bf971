"""Words and laws of items: states and the steps between them, codes, search text, what a submitted item needs."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import replace

from item_templates import registry
from item_templates.contract import Finding, ItemContent, Severity
from item_templates.findings import finding
from item_templates.formulas.pieces import readable
from item_templates.markup import normalise_text, plain_text
from kernel.errors import IllegalTransitionError
from kernel.i18n import N_


class ItemStatus(enum.StrEnum):
    """Where an item stands."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    RETIRED = "retired"


class ChangeKind(enum.StrEnum):
    """What a version changed: nothing came before it, only words, what it measures, or only its description."""

    FIRST = "first"
    WORDING = "wording"
    SUBSTANCE = "substance"
    DESCRIPTION = "description"


class DuplicatePolicy(enum.StrEnum):
    """What an import does with an item whose content is already in the bank."""

    SKIP = "skip"
    IMPORT = "import"


class ImportDecision(enum.StrEnum):
    """What a person decides about one item of a file before it is imported."""

    SKIP = "skip"
    UPDATE = "update"


class ImportState(enum.StrEnum):
    """Where an import stands."""

    UPLOADED = "uploaded"
    CHECKED = "checked"
    RUNNING = "running"
    DONE = "done"
    UNDONE = "undone"
    CANCELLED = "cancelled"


STATUS_LABELS = {
    ItemStatus.DRAFT: N_("草稿"),
    ItemStatus.IN_REVIEW: N_("审核中"),
    ItemStatus.APPROVED: N_("已入库"),
    ItemStatus.RETIRED: N_("已停用"),
}
STATUS_KINDS = {
    ItemStatus.DRAFT: "neutral",
    ItemStatus.IN_REVIEW: "info",
    ItemStatus.APPROVED: "success",
    ItemStatus.RETIRED: "danger",
}
CHANGE_LABELS = {
    ChangeKind.FIRST: N_("首次保存"),
    ChangeKind.WORDING: N_("文字修改"),
    ChangeKind.SUBSTANCE: N_("实质修改"),
    ChangeKind.DESCRIPTION: N_("属性修改"),
}
IMPORT_LABELS = {
    ImportState.UPLOADED: N_("待识别"),
    ImportState.CHECKED: N_("待确认"),
    ImportState.RUNNING: N_("正在导入"),
    ImportState.DONE: N_("已导入"),
    ImportState.UNDONE: N_("已撤销"),
    ImportState.CANCELLED: N_("已放弃"),
}
DIFFICULTY_LABELS = {1: N_("易"), 2: N_("较易"), 3: N_("中等"), 4: N_("较难"), 5: N_("难")}
ALLOWED: Mapping[ItemStatus, frozenset[ItemStatus]] = {
    ItemStatus.DRAFT: frozenset({ItemStatus.IN_REVIEW, ItemStatus.RETIRED}),
    ItemStatus.IN_REVIEW: frozenset({ItemStatus.DRAFT, ItemStatus.APPROVED, ItemStatus.RETIRED}),
    ItemStatus.APPROVED: frozenset({ItemStatus.DRAFT, ItemStatus.RETIRED}),
    ItemStatus.RETIRED: frozenset({ItemStatus.DRAFT}),
}
EDITABLE = frozenset({ItemStatus.DRAFT, ItemStatus.APPROVED})
ASSUMED_DIFFICULTY = 3
"""What assembly takes for an item whose difficulty nobody has judged: the middle."""
MAX_POINTS_PER_ITEM = 5


def check_transition(old: ItemStatus, new: ItemStatus) -> None:
    """Refuse a step that the life of an item does not have."""
    if new not in ALLOWED[old]:
        raise IllegalTransitionError(
            N_("试题现在是“%(old)s”，不能变为“%(new)s”"), old=STATUS_LABELS[old], new=STATUS_LABELS[new]
        )


def code_prefix(occupation_code: str, standard_code: str, level_code: str) -> str:
    """Return what an item's code begins with.

    Examples
    --------
    >>> code_prefix("6-31-01-03", "DG", "4"), code_prefix("", "QY-01", "4")
    ('6-31-01-03-4', 'QY-01-4')
    """
    return f"{occupation_code or standard_code}-{level_code}"


def item_code(prefix: str, number: int) -> str:
    """Return an item's code.

    Examples
    --------
    >>> item_code("6-31-01-03-4", 123)
    '6-31-01-03-4-000123'
    """
    return f"{prefix}-{number:06d}"


def search_text(content: ItemContent) -> str:
    """Return the text in which a search looks: stem, options, targets and children, formulas on one line, folded."""
    parts = [content.stem, *(one.content for one in (*content.choices, *content.targets))]
    text = "\n".join(readable(plain_text(part)) for part in parts)
    return "\n".join([normalise_text(text), *(search_text(child) for child in content.items)])


def findings_of(content: ItemContent, *, n_points: int, difficulty: int | None) -> list[Finding]:
    """Return everything that stands against submitting an item, or deserves a look."""
    found = [_at_review(one) for one in registry.get(content.type).validate(content)]
    if n_points == 0:
        found.append(finding("no_point", N_("没有选择鉴定点，提交审核前请补上"), field="points"))
    if difficulty is None:
        template = N_("没有填写难度，组卷时按中等计")
        found.append(finding("no_difficulty", template, field="difficulty", severity=Severity.WARNING))
    return found


def _at_review(one: Finding) -> Finding:
    """Return a finding with the weight it has at review: a picture may be imported without words, not submitted."""
    return replace(one, severity=Severity.ERROR) if one.code == "no_alt_text" else one


def blocking(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings that forbid submitting."""
    return [one for one in findings if one.severity is Severity.ERROR]

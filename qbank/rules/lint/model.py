"""What a rule is, what it sees of an item, and what it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from item_templates import registry
from item_templates.contract import Interaction, ItemContent
from item_templates.markup import one_line
from kernel.i18n import N_
from qbank.rules.findings import Severity

BLANK = re.compile(r"_{2,}|＿{2,}|[（(](?:\s|_|＿)*[）)]")
"""A place left open in a stem that has been made one line."""
_MARKED = re.compile(r"<(?:b|strong|u|em)>(.*?)</(?:b|strong|u|em)>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Hit:
    """One place that a rule points at: `place` is the form's field; a message with its values."""

    place: str
    template: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LintContext:
    """What rules know beyond the item: the organisation's words, and abbreviations that need no explanation."""

    sensitive_words: Mapping[str, str] = field(default_factory=dict)
    abbreviations: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ItemText:
    """An item as rules read it: one-line texts, and which options are keyed."""

    content: ItemContent

    @cached_property
    def interaction(self) -> Interaction:
        """The shape of the item."""
        return registry.get(self.content.type).interaction

    @property
    def is_choice(self) -> bool:
        """Whether options are chosen."""
        return self.interaction is Interaction.CHOICE

    @property
    def is_judgement(self) -> bool:
        """Whether a statement is judged."""
        return self.interaction is Interaction.TRUE_FALSE

    @cached_property
    def stem(self) -> str:
        """The stem on one line, blanks as underscores."""
        return one_line(self.content.stem)

    @cached_property
    def choices(self) -> tuple[str, ...]:
        """The options, each on one line."""
        return tuple(one_line(one.content) for one in self.content.choices)

    @cached_property
    def keyed(self) -> tuple[bool, ...]:
        """For each option whether it belongs to the key."""
        key = self.content.key
        wanted = {str(one) for one in key} if isinstance(key, list | tuple) else {str(key)}
        return tuple(one.id in wanted for one in self.content.choices)

    @property
    def key_texts(self) -> tuple[str, ...]:
        """The options of the key."""
        return tuple(text for text, is_key in zip(self.choices, self.keyed, strict=True) if is_key)

    @property
    def distractors(self) -> tuple[str, ...]:
        """The options beside the key."""
        return tuple(text for text, is_key in zip(self.choices, self.keyed, strict=True) if not is_key)

    @property
    def letters(self) -> tuple[str, ...]:
        """The letters under which the options are shown."""
        return tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[n] if n < 26 else str(n + 1) for n in range(len(self.choices)))

    @cached_property
    def marked(self) -> str:
        """What the stem sets off by bold type or a line, joined."""
        return "".join(one_line(part) for part in _MARKED.findall(self.content.stem))

    @cached_property
    def whole(self) -> str:
        """Stem and options, one a line."""
        return "\n".join([self.stem, *self.choices])


Check = Callable[[ItemText, LintContext], Iterable[Hit]]


@dataclass(frozen=True, slots=True)
class LintRule:
    """One rule with the words that explain it to authors."""

    id: str
    title: str
    explanation: str
    bad: str
    good: str
    check: Check
    severity: Severity = Severity.WARNING
    basis: str = N_("命题通用要求")


def length(text: str) -> int:
    """Return how many signs a reader takes in: Chinese characters one by one, a Latin word or number as one.

    Examples
    --------
    >>> length("采用 PLC 控制 380V 电动机")
    9
    """
    return len(re.findall(r"[A-Za-z0-9.]+|[㐀-鿿]", text))

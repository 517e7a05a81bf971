"""The order in which options stand on paper: shuffled by the form's own seeds, letters given anew, the key following."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from blueprints.rules.packages import SlotContent
from item_templates import registry
from item_templates.contract import Choice, ItemContent
from item_templates.markup import plain_text
from kernel.canonical import digest
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

KEEP, ALL_BUT_FIRST, ALL = N_("不打乱"), N_("除 A 卷外打乱"), N_("每份都打乱")
PRINT_SHUFFLE = RuleKey(
    "blueprints.print_shuffle", ALL_BUT_FIRST, N_("纸质试卷的选项顺序"),
    N_("按试卷组成之日有效的规则；打乱后答案和答题卡随之改变，解析中提到选项字母的试题不打乱"),
    choices=(KEEP, ALL_BUT_FIRST, ALL),
)  # fmt: skip
declare(PRINT_SHUFFLE)
SHUFFLED_TYPES = frozenset({"single_choice", "multiple_choice"})
FIRST_LABELS = frozenset({"", "A"})
_LETTER = re.compile(r"(?<![A-Za-z])[A-H](?![A-Za-z])")
CODE_LENGTH = 8


def is_shuffled(policy: str, label: str) -> bool:
    """Say whether a rule has the options of a form stand in another order.

    Examples
    --------
    >>> is_shuffled(ALL_BUT_FIRST, "A"), is_shuffled(ALL_BUT_FIRST, "B"), is_shuffled(KEEP, "B")
    (False, True, False)
    """
    return policy == ALL or (policy == ALL_BUT_FIRST and label not in FIRST_LABELS)


def as_printed(slots: Sequence[SlotContent], *, shuffle: bool) -> list[SlotContent]:
    """Return slots as they stand on paper: the same seed gives the same order at any time."""
    return [replace(slot, content=_shuffled(slot)) if shuffle else slot for slot in slots]


def printed_ids(slot: SlotContent, printed: SlotContent) -> dict[str, str]:
    """Return which option each printed letter stands for, so that answers on paper are scored like those on screen."""
    by_text = {choice.content: choice.id for choice in slot.content.choices}
    return {choice.id: by_text[choice.content] for choice in printed.content.choices}


def order_code(printed: Sequence[SlotContent]) -> str:
    """Return a short code of the order of all options, such as ``3F2A-91BC``."""
    order = [[slot.slot, [choice.content for choice in slot.content.choices]] for slot in printed]
    text = digest(order)[:CODE_LENGTH].upper()
    return f"{text[:4]}-{text[4:]}"


def _shuffled(slot: SlotContent) -> ItemContent:
    content = slot.content
    if not _may_move(content):
        return content
    order = sorted(content.choices, key=lambda choice: _draw(slot, choice))
    letters = [choice.id for choice in content.choices]
    renamed = {choice.id: letter for choice, letter in zip(order, letters, strict=True)}
    choices = tuple(Choice(renamed[choice.id], choice.content) for choice in order)
    return replace(
        content, choices=choices, key=_renamed_key(content.key, renamed), scoring=_renamed_scoring(content, renamed)
    )


def _may_move(content: ItemContent) -> bool:
    """Say whether options may change places: nothing in the item may name them by letter, and no two may be alike."""
    if content.type not in SHUFFLED_TYPES or not registry.get(content.type).may_shuffle(content):
        return False
    if len({choice.content for choice in content.choices}) < len(content.choices):
        return False
    return not any(_LETTER.search(plain_text(text)) for text in (content.explanation, content.stem))


def _draw(slot: SlotContent, choice: Choice) -> str:
    return hashlib.sha256(f"{slot.seed}/{slot.part}/{choice.id}".encode()).hexdigest()


def _renamed_key(key: Any, renamed: Mapping[str, str]) -> Any:
    if isinstance(key, str):
        return renamed.get(key, key)
    return sorted(renamed.get(str(one), str(one)) for one in key) if isinstance(key, list | tuple) else key


def _renamed_scoring(content: ItemContent, renamed: Mapping[str, str]) -> Mapping[str, Any]:
    weights = content.scoring.get("weights")
    if not isinstance(weights, Mapping):
        return content.scoring
    return {**content.scoring, "weights": {renamed.get(name, name): value for name, value in weights.items()}}

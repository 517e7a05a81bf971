"""Marks of an item that are no part of its content: its cognitive level, and whether it is on trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

LEVELS_KEY = "qbank.cognitive_levels"
declare(
    RuleKey(
        LEVELS_KEY,
        default="识记、理解、应用、分析",
        label=N_("认知层次（由浅到深，以顿号分隔）"),
        basis=N_("布鲁姆教育目标分类的通行简化；标准另有规定的从其规定"),
    )
)
MOST_LEVELS = 8
LONGEST = 20
COGNITIVE_COLUMN, TRIAL_COLUMN = "认知层次", "试测"
COGNITIVE_NAMES = (COGNITIVE_COLUMN, "认知水平", "能力层次", "认知能力层次")
TRUE_WORDS = frozenset({"是", "试测", "1", "true", "yes", "√"})
FALSE_WORDS = frozenset({"否", "0", "false", "no", "×"})


@dataclass(frozen=True, slots=True)
class StatedMarks:
    """What a file says of an item's marks; empty and None where it says nothing."""

    cognitive: str = ""
    is_trial: bool | None = None

    def changes(self, cognitive: str, *, is_trial: bool) -> StatedMarks:
        """Return what the file says otherwise than the bank.

        Examples
        --------
        >>> StatedMarks("应用", False).changes("识记", is_trial=False)
        StatedMarks(cognitive='应用', is_trial=None)
        """
        return StatedMarks(
            "" if self.cognitive == cognitive else self.cognitive, None if self.is_trial == is_trial else self.is_trial
        )


NO_MARKS = StatedMarks()
"""What a file says that says nothing."""


def levels_of(text: str) -> tuple[str, ...]:
    """Return the cognitive levels that a rule profile lists, each once, in order.

    Examples
    --------
    >>> levels_of("识记、理解, 应用；识记")
    ('识记', '理解', '应用')
    """
    for sign in ",，;；\n/":
        text = text.replace(sign, "、")
    names = (part.strip()[:LONGEST] for part in text.split("、"))
    return tuple(dict.fromkeys(name for name in names if name))[:MOST_LEVELS]


def read_marks(metadata: Mapping[str, object], levels: Sequence[str]) -> tuple[str, bool, dict[str, object]]:
    """Return the marks that a file's further columns give, and the columns that are left.

    A level that is not on the list stays with the file's other columns, so that nothing is lost.

    Examples
    --------
    >>> read_marks({"认知水平": "理解", "试测": "是", "备注": "x"}, ("识记", "理解"))
    ('理解', True, {'备注': 'x'})
    >>> read_marks({"认知层次": "创造"}, ("识记", "理解"))
    ('', False, {'认知层次': '创造'})
    """
    left, stated = dict(metadata), stated_marks(metadata, levels)
    name = next((name for name in COGNITIVE_NAMES if str(left.get(name, "")).strip() in levels), "")
    left.pop(name, None)
    left.pop(TRIAL_COLUMN, None)
    return stated.cognitive, bool(stated.is_trial), left


def stated_marks(metadata: Mapping[str, object], levels: Sequence[str]) -> StatedMarks:
    """Return what a file's further columns say of an item's marks; a level that is not on the list says nothing.

    Examples
    --------
    >>> stated_marks({"认知水平": "理解", "试测": "否"}, ("识记", "理解"))
    StatedMarks(cognitive='理解', is_trial=False)
    >>> stated_marks({"认知层次": "创造"}, ("识记", "理解"))
    StatedMarks(cognitive='', is_trial=None)
    """
    named = (str(metadata.get(name, "")).strip() for name in COGNITIVE_NAMES)
    word = str(metadata.get(TRIAL_COLUMN, "")).strip().lower()
    is_trial = True if word in TRUE_WORDS else False if word in FALSE_WORDS else None
    return StatedMarks(next((level for level in named if level in levels), ""), is_trial)


def marks_as_columns(cognitive: str, *, is_trial: bool) -> dict[str, str]:
    """Return the columns under which files carry the marks; `read_marks` reads them back.

    Examples
    --------
    >>> marks_as_columns("应用", is_trial=True)
    {'认知层次': '应用', '试测': '是'}
    """
    named = {COGNITIVE_COLUMN: cognitive, TRIAL_COLUMN: "是" if is_trial else ""}
    return {name: value for name, value in named.items() if value}

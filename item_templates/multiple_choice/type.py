"""Multiple choice: two or more options are right."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from item_templates.checks import as_decimal
from item_templates.choice import ChoiceType
from item_templates.contract import Finding, ItemContent, Json, Severity
from item_templates.findings import finding
from item_templates.keys import choice_keys, id_list, joined_ids
from kernel.i18n import N_

DEFAULT_FRACTION = Decimal("0.5")


class MultipleChoice(ChoiceType):
    """Several options are right.

    Notes
    -----
    Scoring methods, always zero when a wrong option is picked:

    - ``exact`` (default): full marks for exactly the key.
    - ``per_option``: right picks divided by the number of right options.
    - ``partial``: ``fraction`` (default 0.5) of the marks when some but not all right options are picked.

    Option ``weights`` replace the method: the weights of the picked options are summed and kept in [0, 1].
    """

    name = "multiple_choice"
    label = N_("多项选择题")
    aliases = (
        "多选", "多选题", "多项选择", "多项选择题", "不定项选择", "不定项选择题", "不定项", "multiple",
        "multiple choice", "multi", "multi select", "multiple response", "multiple answer", "checkbox", "duoxuan",
    )  # fmt: skip
    position = 20
    scoring_methods = {  # noqa: RUF012 - declared ClassVar by BaseType
        "exact": N_("全对得分，多选、少选、错选不得分"),
        "per_option": N_("少选按选对的个数给分，错选不得分"),
        "partial": N_("少选给部分分，错选不得分"),
    }

    def check_key(self, content: ItemContent) -> Iterable[Finding]:
        """Return findings on the list of ids that is the key."""
        ids, key = [choice.id for choice in content.choices], self.key_ids(content)
        outside = [one for one in key if one not in ids]
        if not key:
            yield finding("no_key", N_("没有标准答案，请选出正确的各项"), field="key")
        elif outside:
            yield finding(
                "key_outside_choices", N_("标准答案 %(key)s 不在选项之中"), field="key", key="、".join(outside)
            )
        elif len(set(key)) != len(key):
            yield finding("repeated_key", N_("标准答案里有重复的选项"), field="key")
        elif len(key) < 2:
            yield finding("too_few_keys", N_("多项选择题至少要有两个正确选项，只有一个请改成单项选择题"), field="key")
        elif len(key) == len(ids):
            template = N_("所有选项都是正确的，这道题分不出会与不会")
            yield finding("all_are_keys", template, field="key", severity=Severity.WARNING)
        yield from self._check_fraction(content)

    def _check_fraction(self, content: ItemContent) -> Iterable[Finding]:
        fraction = as_decimal(content.scoring.get("fraction", "0.5"))
        if fraction is None or not 0 < fraction < 1:
            yield finding("bad_fraction", N_("少选的给分比例必须在 0 与 1 之间"), field="scoring")

    def key_ids(self, content: ItemContent) -> list[str]:
        """Return the key as a list of ids."""
        key = [content.key] if isinstance(content.key, str) else content.key
        return [one for one in key if isinstance(one, str)] if isinstance(key, list | tuple) else []

    def most_picks(self, content: ItemContent) -> int:
        """Return the number of options."""
        return len(content.choices)

    def share(self, content: ItemContent, picked: set[str], key: set[str]) -> Decimal:
        """Return the share for a true part of the key, by the scoring method."""
        if not picked < key:
            return Decimal(0)
        method = self.method(content)
        if method == "per_option":
            return Decimal(len(picked)) / Decimal(len(key))
        return self._fraction(content) if method == "partial" else Decimal(0)

    def _fraction(self, content: ItemContent) -> Decimal:
        fraction = as_decimal(content.scoring.get("fraction"))
        return fraction if fraction is not None and 0 < fraction < 1 else DEFAULT_FRACTION

    def key_from_picks(self, picked: list[str]) -> Json:
        """Return the rows marked."""
        return picked

    def key_text(self, content: ItemContent) -> str:
        """Return the letters of the key, joined; ids longer than a letter are separated."""
        return joined_ids(self.key_ids(content))

    def parse_key(self, text: str, content: ItemContent) -> Json:
        """Return the ids that a cell means, in the order of the options."""
        return choice_keys(text, content.choices)

    def normalise_key(self, key: Json) -> Json:
        """Return a list of option ids, or None; a single id becomes a list of one."""
        return id_list(key, N_('多项选择题的答案必须是选项标号的列表，例如 ["A", "C"]'))


TYPE = MultipleChoice()

"""Matching: entries of a first column are paired with those of a second."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from string import digits

from item_templates import checks, forms
from item_templates.base import BaseType, is_omitted, json_list
from item_templates.choice import delivered, refers_to_others
from item_templates.contract import Finding, Interaction, ItemContent, Json, ResponseFormatError
from item_templates.findings import KeyTextError, finding
from item_templates.keys import strip_label
from item_templates.matching.pairs import Pair, pairs_of, read_pairs
from kernel.i18n import N_

TARGET_IDS = (*digits[1:], *(f"{tens}{ones}" for tens in "12" for ones in digits))


class Matching(BaseType):
    """The key is ``{"pairs": [["A", "1"], …]}``; an entry may have no partner, a target several.

    Notes
    -----
    Scoring methods: ``per_pair`` (default) gives the share of entries that are paired just as the key pairs them, over the
    entries that the key or the response pairs; ``exact`` gives all or nothing.
    """

    name = "matching"
    interaction = Interaction.MATCH
    label = N_("匹配题")
    aliases = ("匹配", "连线题", "连线", "配对题", "配对", "matching", "match", "pipei")
    position = 80
    has_choices = True
    scoring_methods = {  # noqa: RUF012 - declared ClassVar by BaseType
        "per_pair": N_("按配对的项数给分"),
        "exact": N_("全部配对才得分"),
    }

    def check(self, content: ItemContent) -> Iterable[Finding]:
        """Return findings on both columns and on the pairs."""
        yield from checks.check_choices(content.choices)
        yield from checks.check_choices(content.targets, field="targets")
        pairs = _key_pairs(content.key)
        if not pairs:
            yield finding("no_key", N_("没有标准答案，请写出各项的对应关系"), field="key")
        known = {(one.id, two.id) for one in content.choices for two in content.targets}
        for one, two in pairs:
            if (one, two) not in known:
                template = N_("对应关系 %(left)s=%(right)s 里有不存在的标号")
                yield finding("key_outside_choices", template, field="key", left=one, right=two)
        if len(set(pairs)) != len(pairs):
            yield finding("repeated_key", N_("标准答案里有重复的对应关系"), field="key")

    def delivery_fields(self, content: ItemContent) -> dict[str, Json]:
        """Return the two columns."""
        return {"choices": delivered(content.choices), "targets": delivered(content.targets)}

    def may_shuffle(self, content: ItemContent) -> bool:
        """Say no where an entry of the second column speaks of another one."""
        return not any(refers_to_others(target, content.targets) for target in content.targets)

    def parse_response(self, content: ItemContent, raw: Json) -> list[Json]:
        """Return the pairs as lists of two ids; raises ResponseFormatError for unknown or repeated ones."""
        if isinstance(raw, list | tuple) and is_omitted(raw):
            return []
        pairs = pairs_of(raw)
        if pairs is None:
            raise ResponseFormatError(N_("匹配题的作答必须是一对对标号的列表"))
        known = {(one.id, two.id) for one in content.choices for two in content.targets}
        if len(set(pairs)) != len(pairs) or not set(pairs) <= known:
            raise ResponseFormatError(N_("作答含有这道题没有的选项，或重复的选项"))
        return [list(pair) for pair in pairs]

    def parse_cell(self, content: ItemContent, text: str) -> list[Json]:
        """Return the pairs of a cell; what cannot be read stays as text and is wrong."""
        listed = json_list(text)
        if listed is not None:
            return listed
        pairs = read_pairs(text, *_columns(content))
        return [list(pair) for pair in pairs] if pairs else super().parse_cell(content, text)

    def fraction(self, content: ItemContent, response: Sequence[Json]) -> Decimal | None:
        """Return the share of entries that are paired as in the key, or all or nothing."""
        key = _partners(_key_pairs(content.key))
        if not key:
            return None
        given = _partners(pairs_of(list(response)) or [])
        if self.method(content) == "exact" or not given:
            return Decimal(given == key)
        entries = key.keys() | given.keys()
        return Decimal(sum(key.get(one) == given.get(one) for one in entries)) / Decimal(len(entries))

    def key_text(self, content: ItemContent) -> str:
        """Return ``A=1;B=3``."""
        return ";".join(f"{one}={two}" for one, two in _key_pairs(content.key))

    def parse_key(self, text: str, content: ItemContent) -> Json:
        """Return the pairs of a cell: ``A=1;B=3``, ``A-1、B-3``, ``A1 B3``."""
        pairs = read_pairs(strip_label(text), *_columns(content))
        if pairs is None:
            template = N_("对应关系“%(text)s”看不明白，请写成 A=1;B=3")
            raise KeyTextError(template, text=text.strip()[:30])
        return _key(pairs)

    def normalise_key(self, key: Json) -> Json:
        """Return ``{"pairs": [[id, id], …]}``, or None."""
        if key is None:
            return None
        pairs = pairs_of(key.get("pairs") if isinstance(key, Mapping) else key)
        if pairs is None:
            raise KeyTextError(N_('匹配题的答案必须形如 {"pairs": [["A", "1"], ["B", "3"]]}'))
        return _key(pairs)

    def fill_from_form(self, content: ItemContent, fields: forms.Fields) -> ItemContent:
        """Return the content with both columns and the partners typed beside the first."""
        choices, targets = forms.choices_of(fields), forms.choices_of(fields, "target", letters=TARGET_IDS)
        rows = zip(choices, fields.get("pair", ()), strict=False)
        pairs = [(choice.id, partner) for choice, text in rows for partner in _partner_ids(text)]
        return replace(content, choices=choices, targets=targets, key=_key(pairs) if pairs else None)


def _key(pairs: Sequence[Pair]) -> dict[str, Json]:
    """Pairs are a set: sorted, so that equal keys have equal digests."""
    return {"pairs": [list(pair) for pair in sorted(pairs)]}


def _key_pairs(key: Json) -> list[Pair]:
    return (pairs_of(key.get("pairs")) or []) if isinstance(key, Mapping) else []


def _partners(pairs: Sequence[Pair]) -> dict[str, set[str]]:
    return {one: {right for left, right in pairs if left == one} for one, _ in pairs}


def _columns(content: ItemContent) -> tuple[list[str], list[str]]:
    return [one.id for one in content.choices], [one.id for one in content.targets]


def _partner_ids(text: str) -> list[str]:
    return [
        part for part in text.replace("；", " ").replace(";", " ").replace("，", " ").replace(",", " ").split() if part
    ]


TYPE = Matching()

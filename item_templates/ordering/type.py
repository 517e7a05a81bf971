"""Ordering: options are put into the right order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from item_templates import checks, forms
from item_templates.base import BaseType, is_omitted, list_of_strings
from item_templates.choice import cell_ids, delivered, refers_to_others
from item_templates.contract import Finding, Interaction, ItemContent, Json, ResponseFormatError, Severity
from item_templates.findings import KeyTextError, finding
from item_templates.keys import joined_ids, ordered_keys
from kernel.i18n import N_


class Ordering(BaseType):
    """The key is the list of all option ids in the right order.

    Notes
    -----
    Scoring methods: ``exact`` (default) gives all or nothing; ``per_position`` the share of positions that are right.
    """

    name = "ordering"
    interaction = Interaction.ORDER
    label = N_("排序题")
    aliases = ("排序", "顺序题", "ordering", "order", "sequence", "sort", "paixu")
    position = 90
    has_choices = True
    scoring_methods = {  # noqa: RUF012 - declared ClassVar by BaseType
        "exact": N_("顺序全对才得分"),
        "per_position": N_("按排对的位置数给分"),
    }

    def check(self, content: ItemContent) -> Iterable[Finding]:
        """Return findings on options and on the key, which names every option once."""
        yield from checks.check_choices(content.choices)
        ids, key = [choice.id for choice in content.choices], _order(content.key)
        if not key:
            yield finding("no_key", N_("没有标准答案，请写出正确的顺序"), field="key")
        elif sorted(key) != sorted(ids):
            yield finding("key_not_all_choices", N_("正确的顺序必须把每个选项写一次"), field="key")
        elif key == ids:
            template = N_("选项已经按正确的顺序排列，请打乱后再写答案")
            yield finding("key_is_listed_order", template, field="choices", severity=Severity.WARNING)

    def delivery_fields(self, content: ItemContent) -> dict[str, Json]:
        """Return the options."""
        return {"choices": delivered(content.choices)}

    def may_shuffle(self, content: ItemContent) -> bool:
        """Say no where an option speaks of another one."""
        return not any(refers_to_others(choice, content.choices) for choice in content.choices)

    def max_parts(self, content: ItemContent) -> int:
        """Return the number of options."""
        return len(content.choices)

    def parse_response(self, content: ItemContent, raw: Json) -> list[Json]:
        """Return ids in the order given; raises ResponseFormatError for an unknown or repeated one."""
        parts = list_of_strings(raw, most=len(content.choices))
        if is_omitted(parts):
            return []
        if len(set(parts)) != len(parts) or not set(parts) <= {choice.id for choice in content.choices}:
            raise ResponseFormatError(N_("作答含有这道题没有的选项，或重复的选项"))
        return list(parts)

    def parse_cell(self, content: ItemContent, text: str) -> list[Json]:
        """Return the ids in the order of the cell."""
        return cell_ids(text.replace("→", ";").replace(">", ";"), content.choices)

    def fraction(self, content: ItemContent, response: Sequence[Json]) -> Decimal | None:
        """Return 1 for the right order, the share of right positions, or 0."""
        key = _order(content.key)
        if not key:
            return None
        given = list(response)
        if given == key:
            return Decimal(1)
        if self.method(content) == "exact" or len(given) > len(key):
            return Decimal(0)
        return Decimal(sum(one == wanted for one, wanted in zip(given, key, strict=False))) / Decimal(len(key))

    def key_text(self, content: ItemContent) -> str:
        """Return the letters in order; ids longer than a letter are separated."""
        return joined_ids(_order(content.key))

    def parse_key(self, text: str, content: ItemContent) -> Json:
        """Return the ids in the order of a cell: ``CAB``, ``C→A→B``, ``C、A、B``."""
        found = ordered_keys(text, content.choices)
        if len(found) != len(content.choices):
            raise KeyTextError(N_("正确的顺序“%(text)s”没有写到每个选项"), text=text.strip()[:30])
        return found

    def normalise_key(self, key: Json) -> Json:
        """Return a list of option ids, or None."""
        if key is None:
            return None
        if isinstance(key, list | tuple) and all(isinstance(one, str) and one for one in key):
            return list(key)
        raise KeyTextError(N_('排序题的答案必须是选项标号的列表，例如 ["C", "A", "B"]'))

    def fill_from_form(self, content: ItemContent, fields: forms.Fields) -> ItemContent:
        """Return the content with the options and the order typed; an order that cannot be read is refused later."""
        content = replace(content, choices=forms.choices_of(fields))
        text = forms.first(fields, "key")
        try:
            return replace(content, key=ordered_keys(text, content.choices) if text else None)
        except KeyTextError:
            return replace(content, key=text.split())


def _order(key: Json) -> list[str]:
    return [one for one in key if isinstance(one, str)] if isinstance(key, list | tuple) else []


TYPE = Ordering()

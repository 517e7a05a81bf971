"""Fill-in: texts are typed into the numbered blanks of the stem."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from item_templates import forms
from item_templates.base import BaseType, accepted_strings, is_omitted, json_list
from item_templates.contract import BLANK_MARK, Finding, Interaction, ItemContent, Json
from item_templates.fill_in.key_text import blanks_of_text, split_answer
from item_templates.findings import KeyTextError, finding
from item_templates.markup import mark_blanks
from item_templates.text_match import is_accepted
from kernel.i18n import N_

FLAGS = ("case_sensitive", "keep_width", "ignore_spaces", "chinese_numerals", "numeric")


class FillIn(BaseType):
    """One list of accepted strings a blank.

    Notes
    -----
    Scoring methods: ``per_blank`` (default) gives each blank an equal share; ``exact`` gives all or nothing.
    The `FLAGS` of the scoring rule change how texts are compared, see `is_accepted`.
    """

    name = "fill_in"
    interaction = Interaction.TEXT_ENTRY
    label = N_("填空题")
    aliases = ("填空", "填充题", "fill in", "fill in the blank", "blank", "cloze", "text entry", "tiankong")
    position = 40
    scoring_methods = {  # noqa: RUF012 - declared ClassVar by BaseType
        "per_blank": N_("按填对的空数给分"),
        "exact": N_("全部填对才得分"),
    }

    def check(self, content: ItemContent) -> Iterable[Finding]:
        """Return findings on the blanks and their accepted strings."""
        marks = [int(number) for number in BLANK_MARK.findall(content.stem)]
        if not marks:
            yield finding("no_blank", N_("题干里没有空位，请在空位处写 {{1}}、{{2}} ……"))
        elif sorted(marks) != list(range(1, len(marks) + 1)):
            yield finding("blank_numbers", N_("空位的编号应从 {{1}} 起连续，每个编号只用一次"))
        key = blanks_of(content.key)
        if not key:
            yield finding("no_key", N_("没有标准答案，请为每个空位写出可接受的答案"), field="key")
        elif marks and len(key) != len(marks):
            template = N_("题干有 %(blanks)s 个空位，标准答案有 %(keys)s 个，请改成一致")
            yield finding("blank_count", template, field="key", blanks=len(marks), keys=len(key))
        for number, accepted in enumerate(key, start=1):
            if not any(one.strip() for one in accepted):
                yield finding("empty_blank_key", N_("第 %(n)s 空没有可接受的答案"), field="key", n=number)

    def delivery_fields(self, content: ItemContent) -> dict[str, Json]:
        """Return the number of blanks."""
        return {"n_blanks": content.n_blanks}

    def max_parts(self, content: ItemContent) -> int:
        """Return the number of blanks."""
        return max(1, content.n_blanks)

    def parse_cell(self, content: ItemContent, text: str) -> list[Json]:
        """Return one string a blank: a JSON list, or texts separated as a key's are."""
        listed = json_list(text)
        if listed is not None:
            return listed
        n_blanks = self.max_parts(content)
        parts = [text.strip()] if n_blanks == 1 else split_answer(text, n_blanks) or [text.strip()]
        return [] if is_omitted(parts) else list(parts)

    def fraction(self, content: ItemContent, response: Sequence[Json]) -> Decimal | None:
        """Return the share of blanks filled right, or all or nothing."""
        key = blanks_of(content.key)
        if not key or not all(key):
            return None
        if len(response) > len(key):
            return Decimal(0)
        pairs = zip(response, key, strict=False)
        right = sum(isinstance(text, str) and is_accepted(text, good, content.scoring) for text, good in pairs)
        if self.method(content) == "exact":
            return Decimal(right == len(key))
        return Decimal(right) / Decimal(len(key))

    def key_text(self, content: ItemContent) -> str:
        """Return ``铁|Fe；2``, or JSON where a text holds one of the separators."""
        blanks = blanks_of(content.key)
        written = "；".join("|".join(accepted) for accepted in blanks)
        if not blanks or blanks_of_text(written, len(blanks)) == blanks:
            return written
        return json.dumps(blanks, ensure_ascii=False)

    def parse_key(self, text: str, content: ItemContent) -> Json:
        """Return accepted strings by blank: blanks apart by ``；``, alternatives by ``|``."""
        listed = json_list(text)
        if listed is not None:
            return self.normalise_key(listed)
        if not content.n_blanks:
            raise KeyTextError(N_("题干里没有空位 {{1}}，看不出答案填在哪里"))
        return blanks_of_text(text, content.n_blanks)

    def normalise_key(self, key: Json) -> Json:
        """Return a list of lists of strings, or None; a plain string is the one accepted text of its blank."""
        if key is None:
            return None
        if not isinstance(key, list | tuple):
            raise KeyTextError(N_('填空题的答案必须是列表，每空一个列表，例如 [["铁", "Fe"], ["2"]]'))
        return [_one_blank(blank) for blank in key]

    def fill_from_form(self, content: ItemContent, fields: forms.Fields) -> ItemContent:
        """Return the content with numbered blanks and the accepted strings of each, one a line."""
        rows = [[line.strip() for line in text.splitlines() if line.strip()] for text in fields.get("blank", ())]
        while rows and not rows[-1]:
            rows.pop()
        flags = {name: True for name in FLAGS if forms.first(fields, name)}
        others = {name: value for name, value in content.scoring.items() if name not in FLAGS}
        return replace(content, stem=mark_blanks(content.stem), key=rows or None, scoring={**others, **flags})


def blanks_of(key: Json) -> list[list[str]]:
    """Return a key as lists of strings, empty for any other shape."""
    if not isinstance(key, list | tuple) or not all(isinstance(blank, list | tuple) for blank in key):
        return []
    return [[one for one in blank if isinstance(one, str)] for blank in key]


def _one_blank(blank: Json) -> list[str]:
    listed = list(blank) if isinstance(blank, list | tuple) else [blank]
    numbers = [str(one) if isinstance(one, int | float) and not isinstance(one, bool) else one for one in listed]
    return [" ".join(one.split()) for one in accepted_strings(numbers)]


TYPE = FillIn()

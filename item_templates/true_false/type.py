"""True/false: the candidate judges one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from item_templates import forms
from item_templates.base import BaseType, is_omitted, json_list
from item_templates.contract import Finding, Interaction, ItemContent, Json, ResponseFormatError, Severity
from item_templates.findings import KeyTextError, finding
from item_templates.keys import judgement, judgement_key
from kernel.i18n import N_


class TrueFalse(BaseType):
    """The key is ``true`` or ``false``; responses are ``["true"]`` and ``["false"]``."""

    name = "true_false"
    interaction = Interaction.TRUE_FALSE
    label = N_("判断题")
    aliases = (
        "判断", "是非", "是非题", "对错题", "正误判断", "true_false", "true/false", "tf", "judge", "judgement",
        "judgment", "boolean", "true or false", "panduan",
    )  # fmt: skip
    position = 30

    def check(self, content: ItemContent) -> Iterable[Finding]:
        """Return findings on the key, and on options that a judgement does not have."""
        if content.key is None:
            yield finding("no_key", N_("没有标准答案，请选择正确或错误"), field="key")
        elif not isinstance(content.key, bool):
            yield finding("bad_key", N_("判断题的答案只能是正确或错误"), field="key")
        if content.choices:
            template = N_("判断题不带选项，这些选项不会显示")
            yield finding("unused_choices", template, field="choices", severity=Severity.WARNING)

    def parse_response(self, content: ItemContent, raw: Json) -> list[Json]:
        """Return ``["true"]``, ``["false"]`` or an empty list; JSON booleans are understood."""
        if isinstance(raw, list | tuple) and len(raw) == 1 and isinstance(raw[0], bool):
            return [_word(raw[0])]
        parts = super().parse_response(content, raw)
        if parts and parts[0] not in {"true", "false"}:
            raise ResponseFormatError(N_("判断题的作答只能是 true 或 false"))
        return parts

    def parse_cell(self, content: ItemContent, text: str) -> list[Json]:
        """Return the judgement in a cell, in any of the words a key may have; other text stays and is wrong."""
        listed = json_list(text)
        cell = str(listed[0]) if listed else text.strip()
        verdict = judgement(cell)
        if verdict is None and cell and content.choices:
            verdict = _judgement_or_none(cell, content)
        return [_word(verdict)] if verdict is not None else super().parse_cell(content, cell)

    def fraction(self, content: ItemContent, response: Sequence[Json]) -> Decimal | None:
        """Return 1 for the key, 0 for anything else."""
        if not isinstance(content.key, bool):
            return None
        parts = [part for part in response if not is_omitted(part)]
        return Decimal(len(parts) == 1 and (parts[0] is content.key or parts[0] == _word(content.key)))

    def key_text(self, content: ItemContent) -> str:
        """Return ``√`` or ``×``."""
        return {True: "√", False: "×"}.get(content.key, "") if isinstance(content.key, bool) else ""

    def parse_key(self, text: str, content: ItemContent) -> Json:
        """Return the judgement that a cell means."""
        return judgement_key(text, content.choices)

    def normalise_key(self, key: Json) -> Json:
        """Return a boolean or None."""
        if key is None or isinstance(key, bool):
            return key
        raise KeyTextError(N_("判断题的答案必须是 true 或 false"))

    def fill_from_form(self, content: ItemContent, fields: forms.Fields) -> ItemContent:
        """Return the content with the judgement of the form."""
        return replace(content, key={"true": True, "false": False}.get(forms.first(fields, "key")))


def _word(verdict: bool) -> str:  # noqa: FBT001 - the value itself, not a switch
    return "true" if verdict else "false"


def _judgement_or_none(cell: str, content: ItemContent) -> bool | None:
    try:
        return judgement_key(cell, content.choices)
    except KeyTextError:
        return None


TYPE = TrueFalse()

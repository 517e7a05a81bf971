"""What items share that people mark: free text and scoring points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from item_templates import checks, forms
from item_templates.base import BaseType, json_list
from item_templates.contract import Finding, Interaction, ItemContent, Json
from item_templates.keys import strip_label
from item_templates.rounding import decimal_text


class MarkedType(BaseType):
    """Free text that a person marks by scoring points."""

    interaction = Interaction.EXTENDED_TEXT

    def check(self, content: ItemContent) -> Iterable[Finding]:
        """Return findings on the scoring points, which are required."""
        return checks.check_rubric(content, required=True)

    def parse_cell(self, content: ItemContent, text: str) -> list[Json]:
        """Return the text of the cell; a JSON list of one text is understood too."""
        listed = json_list(text)
        if listed is not None and len(listed) == 1 and isinstance(listed[0], str):
            text = listed[0]
        return super().parse_cell(content, text)

    def fraction(self, content: ItemContent, response: Sequence[Json]) -> Decimal | None:
        """Return None: a person marks."""
        del content, response
        return None

    def fill_from_form(self, content: ItemContent, fields: forms.Fields) -> ItemContent:
        """Return the content with the scoring points of the form."""
        return replace(content, rubric=forms.rubric_of(fields))


def answer_as_rubric(content: ItemContent, text: str) -> ItemContent:
    """Return the content with a reference answer as its one scoring point, worth the whole score.

    Examples
    --------
    >>> item = ItemContent("essay", "论述…", score=Decimal(10))
    >>> answer_as_rubric(item, "答：先断电。").rubric
    ({'text': '先断电。', 'score': '10'},)
    """
    answer = strip_label(text)
    if not answer or content.rubric:
        return content
    return replace(content, rubric=({"text": answer, "score": decimal_text(content.score)},))

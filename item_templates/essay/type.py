"""Essay: an extended text that a person marks by scoring points."""

from __future__ import annotations

from item_templates.contract import ItemContent, Json
from item_templates.findings import KeyTextError
from item_templates.marked import MarkedType, answer_as_rubric
from kernel.i18n import N_


class Essay(MarkedType):
    """There is no key; the rubric says what earns marks."""

    name = "essay"
    label = N_("论述题")
    aliases = ("论述", "作文题", "作文", "分析题", "essay", "extended text", "lunshu")
    position = 70
    scoring_methods = {"marked": N_("人工评分")}  # noqa: RUF012 - declared ClassVar by BaseType

    def key_text(self, content: ItemContent) -> str:
        """Return an empty text: there is no key."""
        del content
        return ""

    def parse_key(self, text: str, content: ItemContent) -> Json:
        """Return None for an empty cell; any text belongs to the scoring points, see `with_answer`."""
        del content
        if text.strip():
            raise KeyTextError(N_("论述题没有标准答案，请把参考答案写成评分要点"))

    def with_answer(self, content: ItemContent, text: str) -> ItemContent:
        """Return the content with the reference answer as its scoring point."""
        return answer_as_rubric(content, text)

    def normalise_key(self, key: Json) -> Json:
        """Return None; a file that gives a key is refused, for it would be lost."""
        if key not in (None, "", []):
            raise KeyTextError(N_("论述题没有标准答案，请把参考答案写成评分要点"))


TYPE = Essay()

"""Parts of a form: one for each item type, in the blueprint's order, with the official headings (DOMAIN 2.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from blueprints.rules.packages import SectionText, SlotContent, score_text
from item_templates import registry

NUMERALS = (*"一二三四五六七八九十", *(f"十{unit}" for unit in "一二三四五六七八九"), "二十")
HOW_TO_ANSWER = {
    "single_choice": "选择一个正确的答案，将相应的字母填入题内的括号中",
    "multiple_choice": "选择两个或两个以上正确的答案，将相应的字母填入题内的括号中，多选、少选、错选按评分标准给分",
    "true_false": "将判断结果填入括号中，正确的填“√”，错误的填“×”",
    "fill_in": "将正确的答案填在题中的横线上",
    "numeric": "计算并将结果填在题中的横线上",
    "matching": "将左列各项与右列对应项配对，写出对应的标号",
    "ordering": "按正确的顺序写出各项的标号",
    "short_answer": "简要回答下列各题",
    "calculation": "写出必要的计算步骤，最后写明答案",
    "essay": "结合要求作答，论述充分、条理清楚",
}
"""What the printed form says; it is part of the form, in the language of the form."""
HOW_TO_ANSWER_ON_SCREEN = {
    "single_choice": "选择一个正确的答案",
    "multiple_choice": "选择两个或两个以上正确的答案",
    "true_false": "判断说法是否正确",
    "fill_in": "将正确的答案填在空格中",
    "numeric": "计算并填写结果",
    "calculation": "写出计算步骤，最后写“答：”和结果",
    "matching": "为左列各项选出右列的对应项",
    "ordering": "将各项按正确的顺序排列",
}


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a form: items of one type, numbered through."""

    number: int
    type: str
    label: str
    first: int
    last: int
    each: Decimal | None
    total: Decimal

    @property
    def numeral(self) -> str:
        """The Chinese numeral of the heading."""
        return NUMERALS[self.number] if self.number < len(NUMERALS) else str(self.number + 1)

    @property
    def range_text(self) -> str:
        """Which items: ``第1题~第80题``."""
        return f"第{self.first}题" if self.first == self.last else f"第{self.first}题~第{self.last}题"

    @property
    def score_text(self) -> str:
        """What they are worth: ``每题1分，满分80分``."""
        total = f"满分{score_text(self.total)}分"
        return total if self.each is None else f"每题{score_text(self.each)}分，{total}"

    @property
    def printed_heading(self) -> str:
        """Return the heading of the printed part."""
        how = HOW_TO_ANSWER.get(self.type, "")
        middle = f"{self.range_text}。{how}。" if how else f"{self.range_text}。"
        return f"{self.numeral}、{self.label}（{middle}{self.score_text}。）"


def sections_of(slots: Sequence[SlotContent]) -> list[Section]:
    """Return the parts of a form from its slots in order."""
    numbers = sorted({slot.section for slot in slots})
    return [_section(number, [slot for slot in slots if slot.section == number]) for number in numbers]


def _section(number: int, slots: Sequence[SlotContent]) -> Section:
    scores = {slot.score for slot in slots}
    item_type = registry.get(slots[0].chosen_type)
    return Section(
        number=number, type=item_type.name, label=item_type.label, first=slots[0].slot, last=slots[-1].slot,
        each=scores.pop() if len(scores) == 1 else None, total=sum((slot.score for slot in slots), Decimal(0)),
    )  # fmt: skip


def section_texts(slots: Sequence[SlotContent]) -> list[SectionText]:
    """Return headings and instructions as the screen shows them."""
    return [
        SectionText(
            title=f"{section.numeral}、{section.label}",
            instructions="。".join(filter(None, [HOW_TO_ANSWER_ON_SCREEN.get(section.type, ""), section.score_text])),
        )
        for section in sections_of(slots)
    ]

"""Calculation: a worked solution that a person marks step by step, or that its final answers score."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import zip_longest

from item_templates import checks, forms
from item_templates.base import is_omitted, json_list
from item_templates.calculation.final_answers import found_answers
from item_templates.contract import Finding, ItemContent, Json, Suggestion
from item_templates.findings import KeyTextError, finding
from item_templates.keys import strip_label
from item_templates.marked import MarkedType, answer_as_rubric
from item_templates.quantities import quantity_of, quantity_parts, quantity_text, read_quantity, typed_quantity
from item_templates.rounding import round_score
from kernel.i18n import N_

MAX_ANSWERS = 10
_BETWEEN_ANSWERS = re.compile(r"[;；\n]+")


class Calculation(MarkedType):
    """The rubric lists the steps of the solution; the key lists final answers, or is None.

    Notes
    -----
    Under ``steps`` (default) a person marks; where there are final answers, the marker sees which of them the solution
    gives. Under ``final_answer`` the program gives the share of final answers found; `final_answers.results_of` says which
    numbers of a solution count. Another unit than the key's is wrong; nothing is converted.
    """

    name = "calculation"
    label = N_("计算题")
    aliases = ("计算", "计算分析题", "calculation", "jisuan")
    position = 65
    scoring_methods = {  # noqa: RUF012 - declared ClassVar by BaseType
        "steps": N_("按步骤人工评分"),
        "final_answer": N_("按最终答案自动评分"),
    }

    def check(self, content: ItemContent) -> Iterable[Finding]:
        """Return findings on steps and final answers; what the scoring method needs must be there."""
        by_answer = self.method(content) == "final_answer"
        answers = _answers(content)
        if content.key is not None and not isinstance(content.key, list | tuple):
            yield finding("bad_key", N_("最终答案必须是数值的列表"), field="key")
        if by_answer and not answers:
            yield finding("no_key", N_("按最终答案评分需要至少一个最终答案"), field="key")
        if len(answers) > MAX_ANSWERS:
            yield finding("too_many_keys", N_("最终答案太多，最多 %(most)s 个"), field="key", most=MAX_ANSWERS)
        yield from _check_answers(answers)
        yield from checks.check_rubric(content, required=not by_answer)

    def fraction(self, content: ItemContent, response: Sequence[Json]) -> Decimal | None:
        """Return the share of final answers that are given, or None where a person marks."""
        answers = _answers(content)
        if self.method(content) != "final_answer" or not answers:
            return None
        return _share(found_answers(_text(response), answers))

    def suggest(self, content: ItemContent, response: Sequence[Json], max_score: Decimal) -> Suggestion | None:
        """Return which final answers a solution gives, and the marks they would earn by themselves."""
        answers = _answers(content)
        if not answers or is_omitted(response):
            return None
        found = found_answers(_text(response), answers)
        told = tuple(zip(map(quantity_text, answers), found, strict=True))
        return Suggestion(round_score(max_score * _share(found)), told)

    def key_text(self, content: ItemContent) -> str:
        """Return ``22 A；4840±10 W``, or JSON where that reads back as something else."""
        answers = _answers(content)
        written = "；".join(map(quantity_text, answers))
        try:
            exact = not answers or self.parse_key(written, content) == content.key
        except KeyTextError:
            exact = False
        return written if exact else json.dumps(content.key, ensure_ascii=False)

    def parse_key(self, text: str, content: ItemContent) -> Json:
        """Return the final answers of a cell: ``22 A；4840±10 W``, or a JSON list."""
        del content
        listed = json_list(text)
        if listed is not None:
            return self.normalise_key(listed)
        parts = [part for part in _BETWEEN_ANSWERS.split(strip_label(text)) if part.strip()]
        if not parts:
            raise KeyTextError(N_("没有写答案"))
        return [read_quantity(part.strip()) for part in parts]

    def normalise_key(self, key: Json) -> Json:
        """Return a list of ``{"value", "tolerance", "unit"}``, or None when there are no final answers."""
        if key is None or key == []:
            return None
        found = [quantity_of(one) for one in (key if isinstance(key, list | tuple) else [key])]
        if None in found:
            raise KeyTextError(N_('计算题的最终答案必须形如 [{"value": 22, "tolerance": 0, "unit": "A"}]'))
        return found

    def with_answer(self, content: ItemContent, text: str) -> ItemContent:
        """Return the content with plain numbers as final answers, or with a solution as its scoring steps.

        Final answers without any steps are what such an item is scored by.
        """
        try:
            key = self.parse_key(text, content)
        except KeyTextError:
            return answer_as_rubric(content, text)
        scoring = content.scoring if content.rubric else {**content.scoring, "method": "final_answer"}
        return replace(content, key=key, scoring=scoring)

    def fill_from_form(self, content: ItemContent, fields: forms.Fields) -> ItemContent:
        """Return the content with the steps and final answers of the form; rows without a value are ignored."""
        names = ("answer_value", "answer_tolerance", "answer_unit")
        rows = zip_longest(*(fields.get(name, ()) for name in names), fillvalue="")
        key = [typed_quantity(*(text.strip() for text in row)) for row in rows if row[0].strip()]
        return replace(super().fill_from_form(content, fields), key=key or None)


def _answers(content: ItemContent) -> list[Json]:
    return list(content.key) if isinstance(content.key, list | tuple) else []


def _check_answers(answers: Sequence[Json]) -> Iterable[Finding]:
    for number, answer in enumerate(answers, 1):
        parts = quantity_parts(answer)
        if parts is None or parts[0] is None:
            yield finding("bad_key", N_("第 %(n)s 个最终答案必须是一个数"), field="key", n=number)
        if parts is not None and (parts[1] is None or parts[1] < 0):
            template = N_("第 %(n)s 个最终答案的允许误差必须是不小于 0 的数")
            yield finding("bad_tolerance", template, field="key", n=number)


def _share(found: Sequence[bool]) -> Decimal:
    return Decimal(sum(found)) / Decimal(len(found))


def _text(response: Sequence[Json]) -> str:
    return response[0] if len(response) == 1 and isinstance(response[0], str) else ""


TYPE = Calculation()

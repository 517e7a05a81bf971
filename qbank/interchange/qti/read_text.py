"""Interactions in which something is typed."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from lxml.etree import _Element

from item_templates.contract import ItemContent
from item_templates.numbers import json_number, parse_number
from kernel.i18n import N_
from qbank.interchange.qti.declarations import Response, number
from qbank.interchange.qti.flow import ANSWER, BLOCKS
from qbank.interchange.qti.found import Context, Taken, best_entries, no_key
from qbank.interchange.qti.read_choice import inline_texts
from qbank.interchange.qti.tree import text_of

NUMBERS = frozenset({"float", "integer"})
BLANK = "____"


def read_entries(context: Context, interactions: Sequence[tuple[int, _Element]]) -> Taken:
    """Return the numeric item or the fill-in item that the entries of a text are."""
    place, first = interactions[0]
    if len(interactions) == 1 and context.response(first).base in NUMBERS:
        return _numeric(context, first, place)
    return _fill_in(context, interactions)


def _fill_in(context: Context, interactions: Sequence[tuple[int, _Element]]) -> Taken:
    responses = [context.response(element) for _, element in interactions]
    key, texts = [], {}
    for blank, (place, element) in enumerate(interactions, 1):
        response = responses[blank - 1]
        mark = f"{{{{{blank}}}}}"
        if element.tag == "inlineChoiceInteraction":
            accepted, offered = inline_texts(element, response)
            mark += f"（{'/'.join(offered)}）"
            context.notes.lose("qti_inline_choice", N_("文中下拉选择按填空导入，备选项写在空的后面"))
        else:
            accepted = _accepted(context, response)
        if not accepted:
            raise no_key()
        key.append(accepted)
        texts[place] = mark
    is_numeric = all(one.base in NUMBERS for one in responses)
    encode = _encoder(interactions, responses)
    return Taken(ItemContent("fill_in", "", key=key), encode, texts=texts, is_numeric=is_numeric)


def _accepted(context: Context, response: Response) -> list[str]:
    """Return the texts that earn all marks of a blank; those that earn a part are named as a loss."""
    best = best_entries(response)
    entries = response.mapping.entries if response.mapping else ()
    partly = [one.key for one in entries if one.value > 0 and one.key not in best]
    if partly:
        message = N_("部分得分的答案 %(texts)s 未导入：填空题的每个答案都得满分")
        context.notes.lose("qti_partial_answer", message % {"texts": "、".join(partly)[:60]})
    listed = [*response.correct, *best, *context.literals(response.identifier)]
    unpaid = {one.key for one in entries if one.value <= 0} | set(partly)
    return list(dict.fromkeys(" ".join(one.split()) for one in listed if one.strip() and one not in unpaid))


def _encoder(interactions: Sequence[tuple[int, _Element]], responses: Sequence[Response]) -> Any:
    inline = {
        response.identifier: {text_of(one): one.get("identifier", "") for one in element.findall("inlineChoice")}
        for (_, element), response in zip(interactions, responses, strict=True)
        if element.tag == "inlineChoiceInteraction"
    }

    def encode(answer: Sequence[Any]) -> dict[str, list[str]]:
        pairs = zip(responses, answer, strict=False)
        return {one.identifier: [inline.get(one.identifier, {}).get(text, text)] for one, text in pairs if text}

    return encode


def _numeric(context: Context, element: _Element, place: int) -> Taken:
    response = context.response(element)
    listed = [*response.correct, *best_entries(response), *context.literals(response.identifier)]
    values = [value for value in map(number, listed) if value is not None]
    if not values:
        raise no_key()
    below, above = _tolerance(context, response, values[0])
    if below != above:
        message = N_("允许误差上下不同（-%(below)s，+%(above)s），已换算成以中间值为答案的范围")
        context.notes.warn("qti_tolerance", message % {"below": below, "above": above})
    value, tolerance = values[0] + (above - below) / 2, (above + below) / 2
    unit, text = _unit_and_text(place, element)
    key = {"value": json_number(value), "tolerance": json_number(tolerance), "unit": unit}

    def encode(answer: Sequence[Any]) -> dict[str, list[str]]:
        parsed = [parse_number(str(one)) for one in answer]
        return {response.identifier: [f"{one:f}" for one in parsed if one is not None]}

    return Taken(ItemContent("numeric", "", key=key), encode, texts=text, is_numeric=True)


def _unit_and_text(place: int, element: _Element) -> tuple[str, dict[int, str]]:
    """Return the unit that our own files write beside the entry, and what stands for the entry in the stem."""
    block = element.getparent()
    while block is not None and block.tag not in BLOCKS and block.tag != "itemBody":
        block = block.getparent()
    if block is None or block.get("class") == ANSWER:
        return " ".join((element.tail or "").split()), {place: ""}
    return "", {place: BLANK if text_of(block) and block.tag != "itemBody" else ""}


def _tolerance(context: Context, response: Response, value: Decimal) -> tuple[Decimal, Decimal]:
    """Return how far below and above the key an answer may lie, as the first comparison of the rules says.

    The tolerance belongs to the first expression: with the variable first, above and below change places.
    """
    rules = [] if context.processing is None else context.processing.iter("equal")
    for rule in rules:
        names = [one.get("identifier") for one in rule]
        if response.identifier not in names or rule.get("toleranceMode", "exact") == "exact":
            continue
        sizes = [one for one in map(number, (rule.get("tolerance") or "").split()) if one is not None]
        if not sizes:
            continue
        scale = abs(value) / 100 if rule.get("toleranceMode") == "relative" else Decimal(1)
        below, above = sizes[0] * scale, sizes[-1] * scale
        return (above, below) if rule[0].tag == "variable" else (below, above)
    return Decimal(0), Decimal(0)


def read_extended(context: Context, interaction: _Element, place: int) -> Taken:
    """Return the short answer or essay that an ``extendedTextInteraction`` is."""
    del place
    response = context.response(interaction)
    accepted = _accepted(context, response)
    name = "short_answer" if accepted else "essay"
    if accepted and (len(accepted[0]) > 200 or interaction.get("format") == "xhtml"):
        context.notes.warn("qti_long_answer", N_("标准答案是一段文字，逐字相同才得分，请核对"))
    content = ItemContent(name, "", key=accepted or None)
    return Taken(content, lambda answer: {response.identifier: [str(one) for one in answer]})

"""Interactions in which options are picked, put in order or paired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lxml.etree import _Element

from item_templates.contract import Choice, ItemContent
from item_templates.keys import judgement
from item_templates.markup import plain_text
from kernel.i18n import N_
from qbank.interchange.qti.declarations import Response
from qbank.interchange.qti.found import (
    Context,
    Taken,
    best_entries,
    choices_of,
    decode_id,
    identifiers,
    letters,
    no_key,
    worth_of,
)
from qbank.interchange.qti.tree import text_of
from qbank.interchange.reading import SkippedRecord

TARGET = "t."
BLANK = "____"


def read_choice(context: Context, interaction: _Element, number: int) -> Taken:
    """Return the single choice, multiple choice or judgement that a ``choiceInteraction`` is."""
    del number
    response = context.response(interaction)
    elements = interaction.findall("simpleChoice")
    ids = letters(identifiers(elements))
    choices = choices_of(elements, ids, context.flow)
    return _picked(context, response, ids, choices)


def _picked(context: Context, response: Response, ids: Mapping[str, str], choices: tuple[Choice, ...]) -> Taken:
    key = _key(response, ids)
    encode = _encoder(response, ids)
    worth = worth_of(response, ids)
    if response.cardinality == "single" and len(key) > 1 and not response.correct:
        key = key[:1]
    if len(key) == 1:
        judged = judged_options(choices, key[0])
        if judged is not None and response.cardinality == "single" and _is_plain(worth, key[0]):
            words = {str(verdict).lower(): one for one, verdict in judged.items()}
            return Taken(ItemContent("true_false", "", key=judged[key[0]]), _renamed(encode, words))
        if response.cardinality != "single":
            context.notes.warn("type_changed", N_("多选题只有一个正确选项，按单选题导入，请核对"))
        return Taken(ItemContent("single_choice", "", choices, key[0]), encode, worth)
    if response.cardinality == "single":
        raise SkippedRecord("too_many_keys", N_("单选题的答案有多个：%(key)s") % {"key": "、".join(key)})
    return Taken(ItemContent("multiple_choice", "", choices, key), encode, worth)


def _is_plain(worth: Mapping[str, Any], key: str) -> bool:
    return all(not value for one, value in worth.items() if one != key)


def _key(response: Response, ids: Mapping[str, str]) -> list[str]:
    """Return the right options in the order of the options: the correct response, else what the mapping favours."""
    named = list(response.correct) or _favoured(response)
    if not named:
        raise no_key()
    outside = [one for one in named if one not in ids]
    if outside:
        raise SkippedRecord("key_outside_options", N_("答案 %(key)s 不在选项之中") % {"key": "、".join(outside)[:60]})
    return [ours for name, ours in ids.items() if name in named]


def _favoured(response: Response) -> list[str]:
    if response.cardinality == "single":
        return best_entries(response)
    return [one.key for one in response.mapping.entries if one.value > 0] if response.mapping else []


def _encoder(response: Response, ids: Mapping[str, str]) -> Any:
    back = {ours: name for name, ours in ids.items()}
    return lambda answer: {response.identifier: [back[one] for one in answer]}


def _renamed(encode: Any, words: Mapping[str, str]) -> Any:
    return lambda answer: encode([words[one] for one in answer])


def judged_options(choices: Sequence[Choice], key: str) -> dict[str, bool] | None:
    """Return what each option says where they are 正确 and 错误 alone, None for other options."""
    said = {one.id: judgement(plain_text(one.content)) for one in choices}
    if len(said) != 2 or set(said.values()) != {True, False} or key not in said:
        return None
    if any(plain_text(one.content).strip() in {"0", "1", "x", "X"} for one in choices):
        return None
    return {name: bool(verdict) for name, verdict in said.items()}


def read_inline_choice(context: Context, interaction: _Element, number: int) -> Taken:
    """Return the single choice that one ``inlineChoiceInteraction`` in a text is."""
    response = context.response(interaction)
    elements = interaction.findall("inlineChoice")
    ids = letters(identifiers(elements))
    choices = choices_of(elements, ids, context.flow)
    context.notes.warn("qti_inline_choice", N_("文中下拉选择按单选题导入，空处以 ____ 标出"))
    taken = _picked(context, response, ids, choices)
    taken.texts[number] = BLANK
    return taken


def read_order(context: Context, interaction: _Element, number: int) -> Taken:
    """Return the ordering item that an ``orderInteraction`` is."""
    del number
    response = context.response(interaction)
    elements = interaction.findall("simpleChoice")
    ids = letters(identifiers(elements))
    if not response.correct:
        raise no_key()
    key = [ids[one] for one in response.correct if one in ids]
    content = ItemContent("ordering", "", choices_of(elements, ids, context.flow), key)
    return Taken(content, _encoder(response, ids))


def read_match(context: Context, interaction: _Element, number: int) -> Taken:
    """Return the matching item that a ``matchInteraction`` is."""
    del number
    response = context.response(interaction)
    sets = interaction.findall("simpleMatchSet")
    if len(sets) != 2:
        raise SkippedRecord("qti_match_sets", N_("匹配题应有两列选项"))
    left, right = (one.findall("simpleAssociableChoice") for one in sets)
    first, second = letters(identifiers(left)), _targets(identifiers(right))
    pairs = [tuple(text.split()) for text in response.correct or _favoured(response)]
    if not pairs:
        raise no_key()
    if any(len(pair) != 2 or pair[0] not in first or pair[1] not in second for pair in pairs):
        raise SkippedRecord("key_outside_options", N_("答案中的对应关系有不存在的选项"))
    key = {"pairs": sorted([first[one], second[two]] for one, two in pairs)}
    content = ItemContent(
        "matching",
        "",
        choices_of(left, first, context.flow),
        key,
        targets=choices_of(right, second, context.flow),
    )
    limit = max((int(one.get("matchMax", "1") or 0) or 99 for one in left if _is_count(one)), default=1)
    return Taken(content, _pair_encoder(response, first, second), pair_limit=limit)


def _is_count(element: _Element) -> bool:
    return (element.get("matchMax") or "1").isdigit()


def _targets(names: Sequence[str]) -> dict[str, str]:
    """Return ids of ours for the second column: those that were written by us, else 1, 2, 3."""
    if all(name.startswith(TARGET) for name in names):
        plain = {name: decode_id(name, TARGET) for name in names}
        if all(plain[name] != name for name in names):
            return plain
    return {name: str(place) for place, name in enumerate(names, 1)}


def _pair_encoder(response: Response, first: Mapping[str, str], second: Mapping[str, str]) -> Any:
    left, right = ({ours: name for name, ours in ids.items()} for ids in (first, second))
    return lambda answer: {response.identifier: [f"{left[one]} {right[two]}" for one, two in answer]}


def inline_texts(interaction: _Element, response: Response) -> tuple[list[str], list[str]]:
    """Return the right texts and all texts of an ``inlineChoiceInteraction``."""
    texts = {one.get("identifier", ""): text_of(one) for one in interaction.findall("inlineChoice")}
    right = list(response.correct) or best_entries(response)
    return [texts[one] for one in right if texts.get(one)], [text for text in texts.values() if text]

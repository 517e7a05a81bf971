"""Decide the type and the key of a reading from its hint, options and answer; never guess a key."""

from __future__ import annotations

import re
from dataclasses import replace

from item_templates import registry
from item_templates.contract import Choice, Interaction, ItemContent
from item_templates.findings import KeyTextError
from item_templates.keys import choice_keys, judgement_key
from item_templates.markup import plain_text
from kernel.i18n import N_
from qbank.interchange.answers import is_numeric_judgement, read_judgement, read_letters
from qbank.interchange.reading import CHOICE_TYPES, Reading, SkippedRecord
from qbank.interchange.stems import blank_variants
from qbank.interchange.texts import to_html

SEPARATED = re.compile(r"[;；,，、|/\s]")
LONG_ANSWER_CHARS = 30


def decide(reading: Reading) -> ItemContent:
    """Return the content (texts not yet sanitised) of a reading; raises SkippedRecord when it is not certain."""
    hint = _without_parts(reading) if reading.hint_name == "testlet" else reading.hint_name
    if len(reading.options) >= 2:
        return _with_options(reading, hint)
    if hint in CHOICE_TYPES or (reading.hint and reading.hint.name in CHOICE_TYPES):
        raise SkippedRecord("no_options", N_("选择题没有选项"))
    if hint == "true_false":
        return _true_false(reading)
    if hint == "fill_in":
        return _fill_in(reading)
    if hint:
        return _by_type(reading, hint)
    _refuse_unknown_hint(reading)
    return _unhinted(reading)


def _without_parts(reading: Reading) -> str:
    """Return what an item under 案例分析题 and the like is that shares its text with nothing: an essay, or what its options say."""
    if not reading.options:
        reading.warn("type_changed", N_("“%(type)s”没有小题，按论述题导入") % {"type": reading.record.type_hint[:20]})
    return "" if reading.options else "essay"


def _refuse_unknown_hint(reading: Reading) -> None:
    word = reading.record.type_hint.strip()
    if (
        re.search(r"(?:.题|分析|解释|操作|连线|匹配|排序)$", word)
        and not reading.options
        and read_judgement(reading.answer) is None
    ):
        raise SkippedRecord("unknown_type", N_("题型“%(type)s”暂不支持") % {"type": word[:20]})


def _unhinted(reading: Reading) -> ItemContent:
    if not reading.answer:
        raise SkippedRecord("no_key", N_("没有答案"))
    if read_judgement(reading.answer) is not None and not is_numeric_judgement(reading.answer):
        return _true_false(reading)
    if read_letters(reading.answer) and set(read_letters(reading.answer) or ()) <= set("ABCDEFGH"):
        raise SkippedRecord("no_options", N_("答案是选项字母，但没有选项"))
    if is_numeric_judgement(reading.answer) and not blank_variants(reading.stem):
        raise SkippedRecord("ambiguous_key", N_("答案只有 1 或 0，看不出题型和对错，请补上题型"))
    if blank_variants(reading.stem):
        return _fill_in(reading)
    return _by_type(reading, "short_answer")


def _with_options(reading: Reading, hint: str) -> ItemContent:
    if not reading.answer:
        raise SkippedRecord("no_key", N_("没有答案"))
    if reading.is_judged and hint in {"", "true_false"}:
        return _true_false(reading)
    if hint and hint not in CHOICE_TYPES | {"true_false"}:
        if registry.get(hint).interaction is not Interaction.CHOICE and not _names_options(reading):
            return _fill_in(reading) if hint == "fill_in" else _by_type(reading, hint)
        reading.warn(
            "type_changed", N_("题型写作“%(type)s”，但有选项，按选择题导入") % {"type": reading.record.type_hint[:20]}
        )
        hint = ""
    return _choice(reading, hint)


def _names_options(reading: Reading) -> bool:
    letters = read_letters(reading.answer)
    return bool(letters) and set(letters or ()) <= {label for label, _ in reading.options}


def _choice(reading: Reading, hint: str) -> ItemContent:
    choices = _choices(reading)
    keys = _choice_keys(reading, choices)
    if hint == "single_choice" and len(keys) > 1:
        raise SkippedRecord("too_many_keys", N_("单选题的答案有多个：%(key)s") % {"key": reading.answer[:20]})
    name = "single_choice" if len(keys) == 1 else "multiple_choice"
    if hint == "true_false":
        reading.warn("type_changed", N_("题型写作判断题，但选项不是对错，按选择题导入"))
    elif hint == "multiple_choice" and len(keys) == 1:
        return _lone_key(reading, choices, keys)
    key = keys[0] if name == "single_choice" else keys
    return ItemContent(type=name, stem=reading.stem, choices=choices, key=key)


def _lone_key(reading: Reading, choices: tuple[Choice, ...], keys: list[str]) -> ItemContent:
    """Keep a multiple-choice item with one right option where the type allows it, else make it single choice."""
    content = ItemContent(type="multiple_choice", stem=reading.stem, choices=choices, key=keys)
    if not any(
        one.field == "key" and one.severity == "error" for one in registry.get("multiple_choice").validate(content)
    ):
        reading.warn("one_key", N_("多选题只有一个正确选项，请核对"))
        return content
    reading.warn("type_changed", N_("多选题只有一个正确选项，按单选题导入，请核对"))
    return ItemContent(type="single_choice", stem=reading.stem, choices=choices, key=keys[0])


def _choices(reading: Reading) -> tuple[Choice, ...]:
    labels = [label.strip().upper() for label, _ in reading.options]
    if len(set(labels)) != len(labels):
        raise SkippedRecord("ambiguous_options", N_("选项字母重复，无法确定各选项"))
    return tuple(Choice(label, to_html(text)) for label, (_, text) in zip(labels, reading.options, strict=True))


def _choice_keys(reading: Reading, choices: tuple[Choice, ...]) -> list[str]:
    letters = read_letters(reading.answer)
    labels = [choice.id for choice in choices]
    text = plain_text(to_html(reading.answer))
    same = [choice.id for choice in choices if plain_text(choice.content) == text]
    if letters and set(letters) <= set(labels) and not (same and len(letters) > 1):
        return [label for label in labels if label in letters]
    if len(same) == 1:
        return same
    try:
        found = choice_keys(text, choices)
    except KeyTextError as error:
        code = "key_outside_options" if letters else "ambiguous_key"
        raise SkippedRecord(code, str(error)) from error
    if len(found) > 1 and not letters and not SEPARATED.search(text):
        raise SkippedRecord("ambiguous_key", N_("答案“%(key)s”与几个选项都相符，请改成选项字母") % {"key": text[:20]})
    return found


def _true_false(reading: Reading) -> ItemContent:
    if not reading.answer:
        raise SkippedRecord("no_key", N_("没有答案"))
    choices = tuple(Choice(label.strip().upper(), text) for label, text in reading.options)
    said = _judgement(reading, choices)
    return ItemContent(type="true_false", stem=reading.stem, key=said)


def _judgement(reading: Reading, choices: tuple[Choice, ...]) -> bool:
    said = read_judgement(reading.answer)
    if choices:
        try:
            return judgement_key(reading.answer, choices)
        except KeyTextError as error:
            raise SkippedRecord("ambiguous_key", str(error)) from error
    letter = reading.answer.strip().upper()
    if said is None and letter in {"A", "B"}:
        reading.warn("assumed_judgement", N_("判断题的答案是字母，按 A = 正确、B = 错误导入，请核对"))
        return letter == "A"
    if said is None:
        raise SkippedRecord("ambiguous_key", N_("判断题的答案“%(key)s”看不出是对还是错") % {"key": reading.answer[:20]})
    if is_numeric_judgement(reading.answer):
        reading.warn("assumed_judgement", N_("判断题的答案是数字，按 1 = 正确、0 = 错误导入，请核对"))
    return said


def _fill_in(reading: Reading) -> ItemContent:
    """Mark the blanks of the stem so that the answer divides into as many parts; the answer is never bent to fit."""
    if not reading.answer:
        raise SkippedRecord("no_key", N_("没有答案"))
    problem = ""
    for stem in blank_variants(reading.stem):
        try:
            return registry.get("fill_in").with_answer(ItemContent(type="fill_in", stem=stem), reading.answer)
        except KeyTextError as error:
            problem = problem or str(error)
    if not problem:
        raise SkippedRecord("no_blank", N_("填空题的题干里没有空，请用 ____ 或（　）标出"))
    raise SkippedRecord("blank_count", problem)


def _by_type(reading: Reading, name: str) -> ItemContent:
    """Let the item type read its own key."""
    item_type = registry.get(name)
    content = ItemContent(type=name, stem=reading.stem, choices=_choices(reading), score=reading.marks)
    marked = item_type.interaction is Interaction.EXTENDED_TEXT
    content = replace(content, rubric=reading.rubric if marked else ())
    try:
        answered = item_type.with_answer(content, reading.answer) if reading.answer else content
    except KeyTextError as error:
        if name == "numeric" and len(reading.answer) > LONG_ANSWER_CHARS:
            reading.warn("type_changed", N_("数值题的答案是解题过程，按计算题（人工评分）导入"))
            return _by_type(reading, "calculation")
        raise SkippedRecord("ambiguous_key", str(error)) from error
    if reading.answer and answered == content:
        reading.explanation = "\n".join(filter(None, [f"参考答案：{reading.answer}", reading.explanation]))
    return answered

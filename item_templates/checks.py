"""Checks that several item types share; each returns findings and never raises."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal, InvalidOperation

from item_templates.contract import Choice, Finding, ItemContent, Json, Severity
from item_templates.findings import finding
from item_templates.formulas.pieces import formula_errors
from item_templates.markup import has_substance, media_ids, normalise_text, plain_text
from item_templates.rounding import decimal_text
from kernel.i18n import N_

MAX_SCORE = Decimal(1000)
_UNIT = re.compile(r"[\d.]{0,8} ?[a-zωµμ°/]{1,3}")
Check = Callable[[ItemContent], Iterable[Finding]]


def check_stem(content: ItemContent) -> Iterable[Finding]:
    """Yield a finding when there is no stem."""
    if not has_substance(content.stem):
        yield finding("empty_stem", N_("题干是空的，请写出题目"))


def check_score(content: ItemContent) -> Iterable[Finding]:
    """Yield a finding when the score is not above zero, is huge, or has more than three decimals."""
    score = content.score
    if not score.is_finite() or score <= 0:
        yield finding("score_not_positive", N_("分值必须大于 0"), field="score")
    elif score >= MAX_SCORE:
        yield finding("score_too_high", N_("分值必须小于 %(limit)s"), field="score", limit=str(MAX_SCORE))
    elif score != score.quantize(Decimal("0.001")):
        yield finding("score_too_fine", N_("分值最多三位小数"), field="score")


def check_method(content: ItemContent, methods: Iterable[str]) -> Iterable[Finding]:
    """Yield a finding when the scoring method is none of the given ones."""
    method = content.scoring.get("method")
    if method is not None and method not in list(methods):
        template = N_("这种题型没有评分方式“%(method)s”，可用：%(methods)s")
        yield finding("unknown_method", template, field="scoring", method=str(method), methods="、".join(methods))


def check_choices(
    choices: Sequence[Choice], *, field: str = "choices", least: int = 2, most: int = 26
) -> Iterable[Finding]:
    """Yield findings on a list of options: too few, too many, empty, equal, or two with one id."""
    if not choices:
        yield finding("no_choices", N_("没有选项，请至少写 %(least)s 个"), field=field, least=least)
    elif len(choices) < least:
        yield finding("too_few_choices", N_("选项太少，请至少写 %(least)s 个"), field=field, least=least)
    elif len(choices) > most:
        yield finding("too_many_choices", N_("选项太多，最多 %(most)s 个"), field=field, most=most)
    yield from _check_each_choice(choices, field)


def _check_each_choice(choices: Sequence[Choice], field: str) -> Iterable[Finding]:
    for choice in choices:
        if not has_substance(choice.content):
            yield finding("empty_choice", N_("选项 %(id)s 是空的，请写内容或删去它"), field=field, id=choice.id)
    for choice_id, n in Counter(choice.id for choice in choices).items():
        if n > 1:
            yield finding("repeated_choice_id", N_("有 %(n)s 个选项都标为 %(id)s"), field=field, n=n, id=choice_id)
    yield from _check_looks([choice for choice in choices if has_substance(choice.content)], field)


def _check_looks(choices: Sequence[Choice], field: str) -> Iterable[Finding]:
    """Yield a finding for each option that looks like an earlier one: the same, or the same but for case."""
    seen: dict[object, str] = {}
    folded: dict[object, str] = {}
    for choice in choices:
        same = seen.setdefault(_look(choice, keep_case=True), choice.id)
        alike = folded.setdefault(_look(choice, keep_case=False), choice.id)
        if same != choice.id:
            template = N_("选项 %(id)s 与选项 %(other)s 内容相同")
            yield finding("duplicate_choice", template, field=field, id=choice.id, other=same)
        elif alike != choice.id:
            template = N_("选项 %(id)s 与选项 %(other)s 只有大小写不同，请确认是有意的")
            yield finding(
                "choices_differ_in_case", template, field=field, severity=Severity.WARNING, id=choice.id, other=alike
            )


def _look(choice: Choice, *, keep_case: bool) -> object:
    """Return what a candidate can tell options apart by; letters of units keep their case, mA and MA are no slip."""
    text = " ".join(plain_text(choice.content).split())
    marked = choice.content if any(tag in choice.content for tag in ("<sub", "<sup", "<u")) else ""
    is_unit = _UNIT.fullmatch(normalise_text(text)) is not None
    return (normalise_text(text, keep_case=keep_case or is_unit), marked, tuple(media_ids(choice.content)))


def check_rubric(content: ItemContent, *, required: bool) -> Iterable[Finding]:
    """Yield findings on scoring points: missing, without text or score, or not adding up to the item's score."""
    if not content.rubric:
        if required:
            yield finding("no_rubric", N_("没有评分要点，阅卷员无从给分"), field="rubric")
        return
    scores = [as_decimal(point.get("score")) for point in content.rubric]
    for number, (point, score) in enumerate(zip(content.rubric, scores, strict=True), start=1):
        if not str(point.get("text") or "").strip():
            yield finding("empty_rubric_text", N_("第 %(n)s 个评分要点没有内容"), field="rubric", n=number)
        if score is None or score <= 0:
            yield finding("bad_rubric_score", N_("第 %(n)s 个评分要点的分值必须大于 0"), field="rubric", n=number)
    total = sum((score for score in scores if score is not None), Decimal(0))
    if None not in scores and total != content.score:
        template = N_("评分要点合计 %(total)s 分，与本题分值 %(score)s 分不等")
        yield finding(
            "rubric_sum", template, field="rubric", total=decimal_text(total), score=decimal_text(content.score)
        )


def check_media(content: ItemContent) -> Iterable[Finding]:
    """Yield a finding for a picture that is named but not there, and one that has no alternative text."""
    texts = [content.stem, content.explanation, *(one.content for one in (*content.choices, *content.targets))]
    named = [name for text in texts for name in media_ids(text)]
    known = {str(medium.get("id")): medium for medium in content.media}
    for name in dict.fromkeys(named):
        if name not in known:
            yield finding("missing_medium", N_("图片 %(name)s 不在本题的附件中，请重新插入"), field="media", name=name)
    for number, medium in enumerate(known.values(), 1):
        if not str(medium.get("alt") or "").strip():
            template = N_("第 %(n)s 幅图片没有替代文字，请写明图中内容")
            yield finding("no_alt_text", template, field="media", severity=Severity.WARNING, n=number)


def check_formulas(content: ItemContent) -> Iterable[Finding]:
    r"""Yield a finding for each text whose ``\(`` and ``\)`` do not pair, and each formula outside the subset."""
    texts = [("stem", content.stem), ("explanation", content.explanation)]
    texts += [("choices", choice.content) for choice in content.choices]
    texts += [("targets", target.content) for target in content.targets]
    for field, text in texts:
        if text.count(r"\(") != text.count(r"\)"):
            template = N_(r"公式的 \( 与 \) 不成对，请检查")
            yield finding("unpaired_formula", template, field=field)
        for error in formula_errors(text):
            yield finding("unknown_formula", error.template, field=field, **error.params)


def as_decimal(value: Json) -> Decimal | None:
    """Return a finite decimal for a JSON number or decimal string, None for anything else.

    Examples
    --------
    >>> as_decimal("0.5"), as_decimal(2), as_decimal(True), as_decimal("x")
    (Decimal('0.5'), Decimal('2'), None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= 12 else None

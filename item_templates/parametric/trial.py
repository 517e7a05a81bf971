"""Trying a parametric item out: many seeds and all corners, before anybody may submit it."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from item_templates import registry
from item_templates.contract import BLANK_MARK, Finding, ItemContent, Severity
from item_templates.findings import TranslatableValueError, finding
from item_templates.parametric.drawing import Lot, NoInstanceError, complete, corners, draws
from item_templates.parametric.exact import as_decimal_text
from item_templates.parametric.expressions import ExpressionError, names_in, parse
from item_templates.parametric.instances import LETTERS, instance
from item_templates.parametric.model import ANSWER_NAME, PLACE, Model, read_model
from kernel.i18n import N_

N_SEEDS = 200
LEAST_INSTANCES = 10
MOST_FAULTS = 3
LEAST_DISTRACTORS = 2


def check_expressions(model: Model) -> Iterable[Finding]:
    """Yield a finding for each expression that cannot be read or names something that has no value yet."""
    known = {one.name for one in model.variables}
    for one in model.derived:
        yield from _check_expression(one.expression, known, "parameters")
        known.add(one.name)
    for text in model.constraints:
        yield from _check_expression(text, known, "parameters")
    for text in (*model.answer.expressions, *model.answer.distractors):
        yield from _check_expression(text, known, "key")


def _check_expression(text: str, known: set[str], field: str) -> Iterable[Finding]:
    try:
        unknown = sorted(names_in(parse(text)) - known)
    except ExpressionError as exc:
        yield finding("bad_expression", exc.template, field=field, **exc.params)
        return
    if unknown:
        template = N_("算式“%(text)s”里的 %(names)s 不是变量，或在它之后才算出")
        yield finding("unknown_variable", template, field=field, text=text, names="、".join(unknown))


def check_answer(content: ItemContent, model: Model) -> Iterable[Finding]:
    """Yield findings on the number of expressions and distractors."""
    answer, n_blanks = model.answer, len(BLANK_MARK.findall(content.stem))
    if not answer.expressions:
        yield finding("no_key", N_("没有写答案的算式"), field="key")
    elif answer.shape == "fill_in" and len(answer.expressions) != n_blanks:
        template = N_("题干有 %(blanks)s 个空位，答案有 %(keys)s 个算式，请改成一致")
        yield finding("blank_count", template, field="key", blanks=n_blanks, keys=len(answer.expressions))
    elif answer.shape != "fill_in" and len(answer.expressions) > 1:
        yield finding("several_keys", N_("这种形式只能有一个答案算式"), field="key")
    if answer.shape == "single_choice" and not LEAST_DISTRACTORS <= len(answer.distractors) < len(LETTERS):
        template = N_("单项选择的干扰项算式应有 %(least)s 到 %(most)s 个")
        yield finding("distractor_count", template, field="key", least=LEAST_DISTRACTORS, most=len(LETTERS) - 1)
    if answer.shape == "fill_in" and answer.tolerance:
        template = N_("填空按数值完全相等评分，允许误差不起作用")
        yield finding("unused_tolerance", template, field="key", severity=Severity.WARNING)


def check_places(content: ItemContent, model: Model) -> Iterable[Finding]:
    """Yield findings on places of the texts that name nothing, and on names that nothing uses."""
    names = set(model.names)
    keys = {ANSWER_NAME, *(f"{ANSWER_NAME}{n}" for n in range(1, len(model.answer.expressions) + 1))}
    for field, text, known in (("stem", content.stem, names), ("explanation", content.explanation, names | keys)):
        for name in dict.fromkeys(PLACE.findall(text)):
            if name not in known:
                template = N_("[[%(name)s]] 不是本题的变量，请改正或在变量表中补上")
                yield finding("unknown_place", template, field=field, name=name)
    used = set(PLACE.findall(content.stem)).union(*(names_in(parse(text)) for text in model.expressions))
    for name in (one.name for one in model.variables):
        if name not in used:
            template = N_("变量 %(name)s 在题干和算式中都没有用到")
            yield finding("unused_variable", template, field="parameters", severity=Severity.WARNING, name=name)


@dataclass(frozen=True, slots=True)
class _Trial:
    """One set of values and the instance or the fault it leads to."""

    values: dict[str, Fraction]
    made: ItemContent | None = None
    fault: Finding | None = None


def check_instances(content: ItemContent) -> list[Finding]:
    """Return what goes wrong when instances are made: for `N_SEEDS` seeds and for the corners of all ranges.

    Pages ask again and again for the same item, so what was found is remembered.
    """
    parameters = json.dumps(content.parameters, ensure_ascii=False, sort_keys=True)
    return list(_tried_out(content.stem, content.explanation, str(content.score), parameters))


@functools.lru_cache(512)
def _tried_out(stem: str, explanation: str, score: str, parameters: str) -> tuple[Finding, ...]:
    values = json.loads(parameters)
    content = ItemContent("parametric", stem, explanation=explanation, score=Decimal(score), parameters=values)
    return tuple(_find(content, read_model(values)))


def _find(content: ItemContent, model: Model) -> list[Finding]:
    try:
        trials = [*_seeded(content, model), *_cornered(content, model)]
    except NoInstanceError as exc:
        return [finding("no_instance", exc.template, field="parameters", **exc.params)]
    faults = _first_of_each([trial.fault for trial in trials if trial.fault])
    return [*faults, *_check_variety(trials, model)]


def _seeded(content: ItemContent, model: Model) -> Iterator[_Trial]:
    for seed in range(N_SEEDS):
        lot = Lot(seed)
        trial = next(found for values in draws(model, lot) if (found := _try(content, model, values, lot)))
        yield trial


def _cornered(content: ItemContent, model: Model) -> Iterator[_Trial]:
    for values in corners(model):
        if trial := _try(content, model, values, Lot(0)):
            yield trial


def _try(content: ItemContent, model: Model, values: dict[str, Fraction], lot: Lot) -> _Trial | None:
    """Return the trial of some values; None when a condition rules them out."""
    drawn = dict(values)
    try:
        if not complete(model, values):
            return None
        made = instance(content, model, values, lot)
    except TranslatableValueError as exc:
        return _Trial(drawn, fault=_fault(model, drawn, finding("unfit", exc.template, **exc.params)))
    found = [one for one in registry.get(made.type).validate(made) if one.severity is Severity.ERROR]
    other = [one for one in found if one.code not in {"missing_medium", "empty_stem", "unpaired_formula"}]
    if other:
        return _Trial(drawn, fault=_fault(model, drawn, other[0]))
    return _Trial(drawn, made)


def _fault(model: Model, values: dict[str, Fraction], reason: Finding) -> Finding:
    """Return the finding on some values; its reason is a finding itself, so that both are translated."""
    written = "，".join(f"{one.name} = {as_decimal_text(values[one.name])}" for one in model.variables)
    template = N_("取值 %(values)s 时不能用：%(reason)s。请加约束条件或改算式")
    said = finding("bad_instance", template, field="parameters", values=written, reason=reason.message)
    return replace(said, params={**said.params, "reason": reason})


def _first_of_each(faults: Sequence[Finding]) -> list[Finding]:
    by_reason = {one.params["reason"].message: one for one in reversed(faults)}
    return list(reversed(by_reason.values()))[:MOST_FAULTS]


def _check_variety(trials: Sequence[_Trial], model: Model) -> Iterable[Finding]:
    made = [trial.made for trial in trials[:N_SEEDS] if trial.made]
    n_different = len({_seen(one) for one in made})
    if made and n_different < LEAST_INSTANCES:
        template = N_("%(n)s 次抽取只得到 %(different)s 道不同的题，至少要有 %(least)s 道，请放宽变量的范围")
        yield finding(
            "few_instances", template, field="parameters", n=N_SEEDS, different=n_different, least=LEAST_INSTANCES
        )
    if len(made) > 1 and n_different > 1 and len({_key(one) for one in made}) == 1:
        template = N_("变量怎样取值答案都一样，请检查答案的算式 %(text)s")
        text = "；".join(model.answer.expressions)
        yield finding("constant_key", template, field="key", severity=Severity.WARNING, text=text)


def _seen(made: ItemContent) -> tuple[str, str]:
    return made.stem, _key(made)


def _key(made: ItemContent) -> str:
    """Return the key as candidates would have to give it: the option's text, not its letter."""
    if made.choices:
        return next(one.content for one in made.choices if one.id == made.key)
    return repr(made.key)

"""From a parametric item to an instance: an ordinary item with numbers in the places of names."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from item_templates.contract import Choice, ItemContent, Json
from item_templates.findings import TranslatableValueError
from item_templates.markup import from_plain
from item_templates.numbers import json_number
from item_templates.parametric.drawing import Lot, Values, complete, draws
from item_templates.parametric.evaluate import number
from item_templates.parametric.exact import as_decimal_text, round_half_up
from item_templates.parametric.expressions import ExpressionError
from item_templates.parametric.model import ANSWER_NAME, MAX_DECIMALS, PLACE, Model
from kernel.i18n import N_

LETTERS = "ABCDEFGH"
NOT_WRITTEN = N_("参数题的变量或答案没有写对，不能生成实例")


class UnfitInstanceError(TranslatableValueError):
    """Values that satisfy the conditions but make no good item."""


def freeze(content: ItemContent, model: Model, seed: int) -> ItemContent:
    """Return the instance of a seed: the first draw that makes a good item.

    Parameters
    ----------
    content : ItemContent
        The parametric item.
    model : Model
        What its parameters say.
    seed : int
        Decides everything; the same seed, the same instance, on every machine.

    Returns
    -------
    ItemContent
        Of the type that the answer's shape names, without parameters.

    Raises
    ------
    TranslatableValueError
        When no draw makes one; validation finds such items before they can be submitted.
    """
    if model.faults or not model.answer.expressions:
        raise UnfitInstanceError(NOT_WRITTEN)
    lot = Lot(seed)
    for values in draws(model, lot):
        try:
            if complete(model, values):
                return instance(content, model, values, lot)
        except (UnfitInstanceError, ExpressionError):
            continue
    raise UnfitInstanceError(NOT_WRITTEN)


def instance(content: ItemContent, model: Model, values: Values, lot: Lot) -> ItemContent:
    """Return the item that some values make; raises ExpressionError or UnfitInstanceError."""
    answer, texts = model.answer, value_texts(model, values)
    results = [_rounded(model, number(one, values, degrees=model.degrees)) for one in answer.expressions]
    written = [_result_text(model, result) for result in results]
    keys = {ANSWER_NAME: written[0]} | {f"{ANSWER_NAME}{n}": text for n, text in enumerate(written, 1)}
    frozen = replace(
        content, type=answer.shape, parameters={}, choices=(), targets=(), scoring={},
        stem=filled(content.stem, texts), explanation=filled(content.explanation, texts | keys),
    )  # fmt: skip
    if answer.shape == "single_choice":
        return _with_choices(frozen, model, values, lot, written[0])
    if answer.shape == "fill_in":
        return replace(frozen, key=[[text] for text in written], scoring={"method": "per_blank", "numeric": True})
    return replace(frozen, key=_numeric_key(model, results[0]))


def value_texts(model: Model, values: Values) -> dict[str, str]:
    """Return what the stem shows for each name."""
    texts = {one.name: one.text(values[one.name]) for one in model.variables}
    return texts | {one.name: as_decimal_text(values[one.name], one.decimals) for one in model.derived}


def filled(text: str, texts: dict[str, str]) -> str:
    """Return a text with values in the places of names; unknown names stay.

    Examples
    --------
    >>> filled("电压 [[U]] V，[[x]]", {"U": "220"})
    '电压 220 V，[[x]]'
    """
    return PLACE.sub(lambda match: texts.get(match[1], match[0]), text)


def _rounded(model: Model, value: Fraction) -> Fraction:
    decimals = model.answer.decimals
    return round_half_up(value, MAX_DECIMALS if decimals is None else decimals)


def _result_text(model: Model, value: Fraction) -> str:
    return as_decimal_text(value, model.answer.decimals)


def _numeric_key(model: Model, value: Fraction) -> dict[str, Json]:
    answer = model.answer
    key_value = json_number(Decimal(as_decimal_text(value)))
    return {"value": key_value, "tolerance": json_number(answer.tolerance), "unit": answer.unit}


def _with_choices(frozen: ItemContent, model: Model, values: Values, lot: Lot, right: str) -> ItemContent:
    answer = model.answer
    wrong = [
        _result_text(model, _rounded(model, number(one, values, degrees=model.degrees))) for one in answer.distractors
    ]
    every = [right, *wrong]
    repeated = next((text for place, text in enumerate(every) if text in every[:place]), "")
    if repeated:
        raise UnfitInstanceError(N_("有两个选项都是 %(value)s"), value=repeated)
    order = lot.shuffled(range(len(every)))
    choices = tuple(
        Choice(LETTERS[row], from_plain(f"{every[which]} {answer.unit}")) for row, which in enumerate(order)
    )
    return replace(frozen, choices=choices, key=LETTERS[order.index(0)])

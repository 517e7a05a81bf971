"""What the `parameters` of a parametric item say, read with forgiveness: what has a wrong shape becomes a finding."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from item_templates.checks import as_decimal
from item_templates.contract import Finding, Json
from item_templates.findings import finding
from item_templates.numbers import parse_number
from item_templates.parametric.exact import as_decimal_text, round_half_up
from item_templates.parametric.expressions import CONSTANTS, FUNCTIONS, NAME, WORDS
from kernel.i18n import N_

MAX_VARIABLES = 12
MAX_VALUES = 10_000
MAX_DECIMALS = 10
ANSWER_NAME = "答案"
SHAPES = ("numeric", "single_choice", "fill_in")
PLACE = re.compile(r"\[\[\s*([^\[\]\s]{1,40})\s*\]\]")
"""Where stem and explanation show a value: ``[[U]]``; neither LaTeX nor blanks (``{{1}}``) use these brackets."""
_RESERVED = frozenset(FUNCTIONS) | CONSTANTS | frozenset(WORDS) | {ANSWER_NAME}
_VALUE_SEPARATORS = re.compile(r"[\s,，;；、]+")


@dataclass(frozen=True, slots=True)
class Variable:
    """A name with the values it may take: from `start` in steps, or those listed."""

    name: str
    start: Fraction = Fraction(0)
    step: Fraction = Fraction(1)
    count: int = 0
    listed: tuple[Fraction, ...] = ()
    decimals: int | None = None

    def __len__(self) -> int:
        """Return how many values there are."""
        return len(self.listed) or self.count

    def value(self, index: int) -> Fraction:
        """Return the value at a place of the list."""
        return self.listed[index] if self.listed else self.start + index * self.step

    def text(self, value: Fraction) -> str:
        """Return a value as the stem shows it."""
        return as_decimal_text(value, self.decimals)


@dataclass(frozen=True, slots=True)
class Derived:
    """A name for the value of an expression, rounded when `decimals` are given."""

    name: str
    expression: str
    decimals: int | None = None

    def rounded(self, value: Fraction) -> Fraction:
        """Return the value as it is shown and used from here on."""
        return value if self.decimals is None else round_half_up(value, self.decimals)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an instance asks for: its shape, the expressions of the key, and how results are written."""

    shape: str = "numeric"
    expressions: tuple[str, ...] = ()
    distractors: tuple[str, ...] = ()
    decimals: int | None = None
    tolerance: Decimal = Decimal(0)
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """Variables, conditions and key of a parametric item; `faults` says what could not be read."""

    variables: tuple[Variable, ...] = ()
    derived: tuple[Derived, ...] = ()
    constraints: tuple[str, ...] = ()
    degrees: bool = True
    answer: Answer = field(default_factory=Answer)
    faults: tuple[Finding, ...] = ()

    @property
    def names(self) -> list[str]:
        """The names that stem and expressions may use, in the order in which they get their values."""
        return [*(one.name for one in self.variables), *(one.name for one in self.derived)]

    @property
    def expressions(self) -> list[str]:
        """All expressions of the item."""
        own = [one.expression for one in self.derived]
        return [*own, *self.constraints, *self.answer.expressions, *self.answer.distractors]


def read_model(parameters: Mapping[str, Json]) -> Model:
    """Return the model that a JSON object describes.

    Parameters
    ----------
    parameters : mapping
        ``variables``, ``derived``, ``constraints``, ``angles`` and ``answer``, see ``guide.md``.

    Returns
    -------
    Model
        With `faults` for everything of a wrong shape; never raises.

    Examples
    --------
    >>> model = read_model({"variables": [{"name": "U", "minimum": "1", "maximum": "5", "step": "2"}]})
    >>> [str(model.variables[0].value(index)) for index in range(len(model.variables[0]))]
    ['1', '3', '5']
    """
    faults: list[Finding] = []
    variables = [_variable(one, faults) for one in _objects(parameters.get("variables"))]
    derived = [_derived(one, faults) for one in _objects(parameters.get("derived"))]
    answer = _answer(parameters.get("answer"), faults)
    names = [*(one.name for one in variables), *(one.name for one in derived)]
    faults += _name_faults(names)
    if not variables:
        faults.append(finding("no_variable", N_("没有变量，请至少写一个"), field="parameters"))
    elif len(variables) > MAX_VARIABLES:
        template = N_("变量太多，最多 %(most)s 个")
        faults.append(finding("too_many_variables", template, field="parameters", most=MAX_VARIABLES))
    return Model(
        variables=tuple(variables[:MAX_VARIABLES]), derived=tuple(derived), answer=answer,
        constraints=_texts(parameters.get("constraints")), degrees=parameters.get("angles") != "radians",
        faults=tuple(faults),
    )  # fmt: skip


def _objects(value: Json) -> list[Mapping[str, Json]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []


def _texts(value: Json) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple):
        return ()
    return tuple(one for one in listed if isinstance(one, str) and one.strip())


def _text(value: Json) -> str:
    return value.strip() if isinstance(value, str) else ""


def _fraction(value: Json) -> Fraction | None:
    number = parse_number(value) if isinstance(value, str) else as_decimal(value)
    return Fraction(number) if number is not None and as_decimal(number) is not None else None


def _decimals(value: Json, name: str, field_name: str, faults: list[Finding]) -> int | None:
    if value is None or value == "":
        return None
    number = _fraction(value)
    if number is not None and number.denominator == 1 and 0 <= number <= MAX_DECIMALS:
        return int(number)
    template = N_("“%(name)s”的小数位数应是 0 到 %(most)s 的整数")
    faults.append(finding("bad_decimals", template, field=field_name, name=name, most=MAX_DECIMALS))
    return None


def _variable(source: Mapping[str, Json], faults: list[Finding]) -> Variable:
    name = _text(source.get("name"))
    decimals = _decimals(source.get("decimals"), name, "parameters", faults)
    values = source.get("values")
    if values:
        return Variable(name, listed=_listed(name, values, faults), decimals=decimals)
    ends = [_fraction(source.get(part)) for part in ("minimum", "maximum", "step")]
    if source.get("step") in (None, ""):
        ends[2] = Fraction(1)
    low, high, step = ends
    if low is None or high is None or step is None or high < low or step <= 0:
        template = N_("变量 %(name)s 的范围不对：请写出最小值、最大值和大于 0 的步长，或列出各个值")
        faults.append(finding("bad_range", template, field="parameters", name=name or "?"))
        return Variable(name)
    count = int((high - low) / step) + 1
    if count > MAX_VALUES:
        template = N_("变量 %(name)s 有 %(n)s 个值，太多了，最多 %(most)s 个，请加大步长")
        faults.append(finding("too_many_values", template, field="parameters", name=name, n=count, most=MAX_VALUES))
        return Variable(name)
    return Variable(name, start=low, step=step, count=count, decimals=decimals)


def _listed(name: str, values: Json, faults: list[Finding]) -> tuple[Fraction, ...]:
    split = _VALUE_SEPARATORS.split(values.strip()) if isinstance(values, str) else values
    parts = split if isinstance(split, list | tuple) else [split]
    numbers = [_fraction(part) for part in parts]
    wrong = [str(part) for part, number in zip(parts, numbers, strict=True) if number is None]
    if wrong:
        template = N_("变量 %(name)s 列出的“%(value)s”不是数")
        faults.append(finding("bad_value", template, field="parameters", name=name or "?", value=wrong[0][:20]))
    return tuple(dict.fromkeys(number for number in numbers if number is not None))[:MAX_VALUES]


def _derived(source: Mapping[str, Json], faults: list[Finding]) -> Derived:
    name, expression = _text(source.get("name")), _text(source.get("expression"))
    return Derived(name, expression, _decimals(source.get("decimals"), name, "parameters", faults))


def _answer(value: Json, faults: list[Finding]) -> Answer:
    source = value if isinstance(value, Mapping) else {}
    shape = _text(source.get("shape")) or "numeric"
    if shape not in SHAPES:
        faults.append(finding("bad_shape", N_("答案的形式只能是数值、单项选择或填空"), field="key"))
    tolerance = _fraction(source.get("tolerance") or "0")
    if tolerance is None or tolerance < 0:
        faults.append(finding("bad_tolerance", N_("允许误差必须是不小于 0 的数"), field="key"))
        tolerance = Fraction(0)
    return Answer(
        shape=shape, expressions=_texts(source.get("expressions")), distractors=_texts(source.get("distractors")),
        decimals=_decimals(source.get("decimals"), ANSWER_NAME, "key", faults),
        tolerance=Decimal(as_decimal_text(tolerance)), unit=_text(source.get("unit")),
    )  # fmt: skip


def _name_faults(names: Sequence[str]) -> Iterable[Finding]:
    for place, name in enumerate(names):
        if name in _RESERVED:
            template = N_("“%(name)s”是算式里的函数或保留字，请给变量换个名称")
            yield finding("reserved_name", template, field="parameters", name=name)
        elif not NAME.fullmatch(name):
            template = N_("变量名“%(name)s”不能用：请用字母或汉字开头，后面只能是字母、汉字、数字和下划线")
            yield finding("bad_name", template, field="parameters", name=name)
        elif name in names[:place]:
            yield finding("repeated_name", N_("有两个变量都叫 %(name)s"), field="parameters", name=name)

"""Parametric: variables with ranges, a computed key; every form carries the instance of its own seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from item_templates import forms, registry
from item_templates.base import BaseType, list_of_strings
from item_templates.contract import Finding, Interaction, ItemContent, ItemScore, Json, Severity
from item_templates.findings import KeyTextError, TranslatableValueError
from item_templates.parametric import instances, trial
from item_templates.parametric.form import parameters_of
from item_templates.parametric.model import read_model
from kernel.i18n import N_


class Parametric(BaseType):
    """`parameters` say what is drawn and computed; `freeze` makes an ordinary item of them.

    Notes
    -----
    Outside a form (practice, preview, `kaoku score`) the item stands for its instance of seed 0: that one is rendered, and
    responses are scored by its key. A sealed form carries the instance of the seed recorded for it, never this item.
    """

    name = "parametric"
    interaction = Interaction.NUMBER
    label = N_("参数题")
    aliases = ("参数题", "参数化题", "参数化试题", "随机参数题", "变量题", "parametric", "calculated", "canshu")
    position = 55

    def check(self, content: ItemContent) -> Iterable[Finding]:
        """Return findings on variables, expressions, and the instances that they make."""
        model = read_model(content.parameters)
        found = [*model.faults, *trial.check_expressions(model), *trial.check_answer(content, model)]
        if any(one.severity is Severity.ERROR for one in found):
            return found
        found += trial.check_places(content, model)
        return [*found, *trial.check_instances(content)]

    def freeze(self, content: ItemContent, seed: int) -> tuple[ItemContent, ...]:
        """Return the instance of a seed; raises TranslatableValueError for an item that has none."""
        return (instances.freeze(content, read_model(content.parameters), seed),)

    def render(self, content: ItemContent) -> dict[str, Json]:
        """Return the delivery view of the instance of seed 0; the bare stem when there is none."""
        made = first_instance(content)
        return registry.get(made.type).render(made) if made else super().render(content)

    def may_shuffle(self, content: ItemContent) -> bool:
        """Say what the instance says."""
        made = first_instance(content)
        return made is not None and registry.get(made.type).may_shuffle(made)

    def parse_response(self, content: ItemContent, raw: Json) -> list[Json]:
        """Return the response as the instance takes it."""
        made = first_instance(content)
        return registry.get(made.type).parse_response(made, raw) if made else list(list_of_strings(raw, most=1))

    def parse_cell(self, content: ItemContent, text: str) -> list[Json]:
        """Return the response in a cell as the instance takes it."""
        made = first_instance(content)
        return registry.get(made.type).parse_cell(made, text) if made else super().parse_cell(content, text)

    def score(self, content: ItemContent, response: Sequence[Json], max_score: Decimal) -> ItemScore:
        """Score by the key of the instance of seed 0; without one a person must say."""
        made = first_instance(content)
        if made is None:
            return super().score(content, response, max_score)
        return registry.get(made.type).score(made, response, max_score)

    def fraction(self, content: ItemContent, response: Sequence[Json]) -> Decimal | None:
        """Return None: only an instance has a key."""
        del content, response
        return None

    def key_text(self, content: ItemContent) -> str:
        """Return the expressions of the key, such as ``U/R``."""
        return "；".join(read_model(content.parameters).answer.expressions)

    def parse_key(self, text: str, content: ItemContent) -> Json:
        """Refuse: a key of a table cell cannot say how it is computed."""
        del content
        raise KeyTextError(N_("参数题的答案“%(text)s”要由算式算出，请在系统中编辑"), text=text.strip()[:30])

    def normalise_key(self, key: Json) -> Json:
        """Return None, the only key: the answer stands in `parameters`."""
        if key is None:
            return None
        raise KeyTextError(N_("参数题没有固定的答案，请把算式写在 parameters 的 answer 里"))

    def fill_from_form(self, content: ItemContent, fields: forms.Fields) -> ItemContent:
        """Return the content with variables, conditions and answer of the form."""
        return replace(content, parameters=parameters_of(fields), scoring={})


def first_instance(content: ItemContent) -> ItemContent | None:
    """Return the instance of seed 0, None when there is none."""
    try:
        return instances.freeze(content, read_model(content.parameters), 0)
    except TranslatableValueError:
        return None


TYPE = Parametric()

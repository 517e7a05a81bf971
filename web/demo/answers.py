"""What a simulated candidate answers: right, or wrong in the way that people are, for every way of answering."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from decimal import Decimal

from item_templates.contract import Interaction, ItemContent, Json
from item_templates.hotspot.pages import mode_of, regions_of
from item_templates.registry import get

GUESSING, SLOPE, HARDNESS_SPREAD = 0.2, 1.6, 0.8
BLANK, FORGOTTEN = "不清楚", "记不清了。"


def answer(content: ItemContent, ability: float, chance: random.Random) -> list[Json]:
    """Return the answer of somebody with an ability: right with the probability of a guessing model."""
    hardness = random.Random(content.stem).gauss(0, HARDNESS_SPREAD)  # noqa: S311 - the same item is as hard for all
    share = 1 / (1 + math.exp(-SLOPE * (ability - hardness)))
    if get(content.type).interaction is Interaction.EXTENDED_TEXT:
        return written(content, share, chance)
    is_right = chance.random() < GUESSING + (1 - GUESSING) * share
    return right_answer(content) if is_right else wrong_answer(content, chance)


def right_answer(content: ItemContent) -> list[Json]:
    """Return an answer that earns full marks, where a program or a marker with the rubric scores it."""
    return _RIGHT[get(content.type).interaction](content)


def wrong_answer(content: ItemContent, chance: random.Random) -> list[Json]:
    """Return an answer of the right shape that does not earn full marks."""
    return _WRONG[get(content.type).interaction](content, chance)


def written(content: ItemContent, share: float, chance: random.Random) -> list[Json]:
    """Return a text that holds each point of the rubric with a probability, and the results when all of them."""
    known = [str(point["text"]) for point in content.rubric if chance.random() < share]
    is_whole = len(known) == len(content.rubric)
    return ["；".join(known + (_results(content) if is_whole else [])) or FORGOTTEN]


def _results(content: ItemContent) -> list[str]:
    finals = content.key if isinstance(content.key, list) and content.key else []
    told = "，".join(f"{one['value']} {one.get('unit', '')}".strip() for one in finals if isinstance(one, dict))
    return [f"答：{told}"] if told else []


def _keys(content: ItemContent) -> list[str]:
    return [content.key] if isinstance(content.key, str) else list(content.key)


def _wrong_choice(content: ItemContent, chance: random.Random) -> list[Json]:
    keys = _keys(content)
    others = [choice.id for choice in content.choices if choice.id not in keys]
    return [chance.choice(others)] if len(keys) == 1 else sorted({*keys[:-1], *others[:1]})


def _wrong_blanks(content: ItemContent, chance: random.Random) -> list[Json]:
    place = chance.randrange(len(content.key))
    return [BLANK if number == place else blank[0] for number, blank in enumerate(content.key)]


def _wrong_number(content: ItemContent, chance: random.Random) -> list[Json]:
    """Return the result of a slip: a factor forgotten or a place lost."""
    value = Decimal(str(content.key["value"])) or Decimal(1)
    return [f"{(value * chance.choice([Decimal(2), Decimal(10), Decimal('0.1')])).normalize():f}"]


def _wrong_order(content: ItemContent, chance: random.Random) -> list[Json]:
    order, place = list(content.key), chance.randrange(len(content.key) - 1)
    order[place], order[place + 1] = order[place + 1], order[place]
    return order


def _pairs(content: ItemContent) -> list[Json]:
    return [list(pair) for pair in content.key["pairs"]]


def _wrong_pairs(content: ItemContent, chance: random.Random) -> list[Json]:
    """Return the pairs with one entry on a target that nobody else has, or two exchanged."""
    pairs, place = _pairs(content), chance.randrange(len(content.key["pairs"]))
    taken = {pair[1] for pair in pairs}
    free = [target.id for target in content.targets if target.id not in taken]
    other = (place + 1) % len(pairs)
    if free:
        pairs[place][1] = chance.choice(free)
    else:
        pairs[place][1], pairs[other][1] = pairs[other][1], pairs[place][1]
    return pairs


def _right_spot(content: ItemContent) -> list[Json]:
    return _spots(content, _keys(content))


def _wrong_spot(content: ItemContent, chance: random.Random) -> list[Json]:
    return _spots(content, _wrong_choice(content, chance))


def _spots(content: ItemContent, ids: list[Json]) -> list[Json]:
    """Return regions as they are chosen, or a point in the middle of each where the place is asked for."""
    if mode_of(content.parameters) != "point":
        return ids
    regions = regions_of(content.parameters)
    return [[str(at) for at in regions[one].centre] for one in ids]


def _each(content: ItemContent, chance: random.Random) -> list[Json]:
    return [wrong_answer(child, chance) for child in content.items]


_RIGHT: Mapping[Interaction, Callable[[ItemContent], list[Json]]] = {
    Interaction.TRUE_FALSE: lambda content: ["true" if content.key else "false"],
    Interaction.CHOICE: lambda content: list(_keys(content)),
    Interaction.TEXT_ENTRY: lambda content: [blank[0] for blank in content.key],
    Interaction.NUMBER: lambda content: [str(content.key["value"])],
    Interaction.ORDER: lambda content: list(content.key),
    Interaction.MATCH: _pairs,
    Interaction.HOTSPOT: _right_spot,
    Interaction.EXTENDED_TEXT: lambda content: written(content, 1.0, random.Random(0)),  # noqa: S311 - all is known
    Interaction.COMPOSITE: lambda content: [right_answer(child) for child in content.items],
}
_WRONG: Mapping[Interaction, Callable[[ItemContent, random.Random], list[Json]]] = {
    Interaction.TRUE_FALSE: lambda content, _chance: ["false" if content.key else "true"],
    Interaction.CHOICE: _wrong_choice,
    Interaction.TEXT_ENTRY: _wrong_blanks,
    Interaction.NUMBER: _wrong_number,
    Interaction.ORDER: _wrong_order,
    Interaction.MATCH: _wrong_pairs,
    Interaction.HOTSPOT: _wrong_spot,
    Interaction.EXTENDED_TEXT: lambda content, chance: written(content, 0.0, chance),
    Interaction.COMPOSITE: _each,
}

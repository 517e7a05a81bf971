"""Contents as interactions: what is declared, what stands in the body, and how it is scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from lxml.etree import _Element

from item_templates import registry
from item_templates.checks import as_decimal
from item_templates.contract import Choice, Interaction, ItemContent
from item_templates.numbers import parse_number
from item_templates.rounding import decimal_text
from item_templates.short_answer.type import is_automatic
from qbank.interchange.describing import rubric_text
from qbank.interchange.qti import rules_out as rules
from qbank.interchange.qti.build import append, element, leaf
from qbank.interchange.qti.desk import Desk, Part, declaration, map_table
from qbank.interchange.qti.flow import ANSWER
from qbank.interchange.qti.found import encode_id
from qbank.interchange.qti.markup_out import blocks, inline, put_in_blanks
from qbank.interchange.qti.read_choice import TARGET
from qbank.interchange.qti.write_hotspot import write_hotspot

TRUE, FALSE = "正确", "错误"


def write_part(content: ItemContent, desk: Desk) -> Part | None:
    """Return a content as QTI; None for an interaction that is not written."""
    writer = WRITERS.get(registry.get(content.type).interaction)
    if writer is None or (content.parameters and writer is not write_hotspot):
        return None
    part = writer(content, desk)
    if content.rubric:
        part.body.insert(0, _rubric(content))
    return part


def _rubric(content: ItemContent) -> _Element:
    lines = rubric_text(content.rubric).splitlines()
    return element("rubricBlock", {"view": "scorer"}, [leaf("p", line) for line in lines if line.strip()])


def _choice(content: ItemContent, desk: Desk) -> Part:
    item_type = registry.get(content.type)
    several = content.type == "multiple_choice"
    key = list(content.key) if several else [content.key]
    options = [
        element("simpleChoice", {"identifier": encode_id(one.id)}, inline(one.content, desk.address))
        for one in content.choices
    ]
    attributes = {
        "responseIdentifier": desk.response,
        "shuffle": str(item_type.may_shuffle(content)).lower(),
        "maxChoices": "0" if several else "1",
    }
    body = [*blocks(content.stem, desk.address), element("choiceInteraction", attributes, options)]
    table, template, steps = _choice_scoring(content, key, desk)
    cardinality = "multiple" if several else "single"
    declared = declaration(desk.response, cardinality, "identifier", map(encode_id, key), table)
    return Part([declared], body, template, steps)


Scored = tuple[_Element | None, str, list[_Element]]


def _choice_scoring(content: ItemContent, key: Sequence[str], desk: Desk) -> Scored:
    if content.scoring.get("weights"):
        return _weighted(content, key, desk)
    method = content.scoring.get("method")
    if content.type == "multiple_choice" and method == "per_option":
        return _per_option(content, key), rules.MAP, []
    if content.type == "multiple_choice" and method == "partial":
        return None, "", [_partial(content, desk)]
    return _exact(content, key, desk)


def _exact(content: ItemContent, key: Sequence[str], desk: Desk) -> Scored:
    """All or nothing: the matching template where the item carries 1, a mapping for one option, else a rule."""
    if content.score == 1:
        return None, rules.MATCH, []
    if len(key) == 1 and content.type != "multiple_choice":
        return map_table([(encode_id(key[0]), content.score)]), rules.MAP, []
    return None, "", [_all_or_nothing(content.score, desk)]


def _all_or_nothing(score: Decimal, desk: Desk) -> _Element:
    return rules.condition((rules.match(desk.response), rules.set_score(desk.outcome, score)))


def _weighted(content: ItemContent, key: Sequence[str], desk: Desk) -> Scored:
    weights = {name: as_decimal(value) or Decimal(0) for name, value in content.scoring["weights"].items()}
    worth = [(encode_id(name), (value * content.score).quantize(rules.SIXTH)) for name, value in weights.items()]
    lower = -content.score if content.scoring.get("allow_negative") is True else Decimal(0)
    mapping = map_table(worth, lower, content.score)
    if sum((weights.get(one, Decimal(0)) for one in key), Decimal(0)) == 1:
        return mapping, rules.MAP, []
    mapped = rules.set_score(desk.outcome, rules.map_response(desk.response))
    rule = _all_or_nothing(content.score, desk)
    append(rule, element("responseElse", None, [mapped]))
    return mapping, "", [rule]


def _per_option(content: ItemContent, key: Sequence[str]) -> _Element:
    """Right picks share the marks; one wrong pick takes all of them away."""
    part = rules.share(content.score, len(key))
    worth = [(encode_id(one.id), part if one.id in key else -content.score) for one in content.choices]
    return map_table(worth, Decimal(0), content.score)


def _partial(content: ItemContent, desk: Desk) -> _Element:
    fraction = as_decimal(content.scoring.get("fraction", "0.5")) or Decimal("0.5")
    some = element("contains", None, [rules.correct(desk.response), rules.variable(desk.response)])
    return rules.condition(
        (rules.match(desk.response), rules.set_score(desk.outcome, content.score)),
        (some, rules.set_score(desk.outcome, content.score * fraction)),
    )


def _true_false(content: ItemContent, desk: Desk) -> Part:
    options = [leaf("simpleChoice", text, identifier=name) for name, text in (("true", TRUE), ("false", FALSE))]
    attributes = {"responseIdentifier": desk.response, "shuffle": "false", "maxChoices": "1"}
    body = [*blocks(content.stem, desk.address), element("choiceInteraction", attributes, options)]
    table, template, steps = _exact(content, ["true" if content.key else "false"], desk)
    right = ["true" if content.key else "false"]
    return Part([declaration(desk.response, "single", "identifier", right, table)], body, template, steps)


def _text_entry(content: ItemContent, desk: Desk) -> Part:
    key: Sequence[Sequence[str]] = content.key
    numeric = content.scoring.get("numeric") is True and all(parse_number(one) is not None for ok in key for one in ok)
    part = rules.share(content.score, len(key))
    names = [desk.numbered(number) for number in range(1, len(key) + 1)]
    declarations = [
        _blank_declaration(name, accepted, part, content, numeric=numeric)
        for name, accepted in zip(names, key, strict=True)
    ]
    body = blocks(content.stem, desk.address)
    put_in_blanks(body, lambda number: _entry(desk.numbered(number)))
    if content.scoring.get("method") == "exact":
        test = element("and", None, map(rules.is_mapped, names))
        steps = [rules.condition((test, rules.set_score(desk.outcome, content.score)))]
    else:
        whole = element("sum", None, map(rules.map_response, names))
        exact = part * len(key) == content.score
        steps = [rules.set_score(desk.outcome, whole if exact else rules.at_most(whole, content.score))]
    return Part(declarations, body, "", steps)


def _entry(name: str) -> _Element:
    return element("textEntryInteraction", {"responseIdentifier": name, "expectedLength": "20"})


def _blank_declaration(
    name: str, accepted: Sequence[str], part: Decimal, content: ItemContent, *, numeric: bool
) -> _Element:
    texts = [_plain_number(one) if numeric else one for one in accepted]
    folds = not numeric and content.scoring.get("case_sensitive") is not True
    mapping = map_table([(one, part) for one in dict.fromkeys(texts)], folds_case=folds)
    return declaration(name, "single", "float" if numeric else "string", texts[:1], mapping)


def _plain_number(text: str) -> str:
    value = parse_number(text)
    return text if value is None else decimal_text(value)


def _number(content: ItemContent, desk: Desk) -> Part:
    value, tolerance = (decimal_text(Decimal(str(content.key.get(name) or 0))) for name in ("value", "tolerance"))
    exact = tolerance == "0"
    attributes = (
        {"toleranceMode": "exact"} if exact else {"toleranceMode": "absolute", "tolerance": f"{tolerance} {tolerance}"}
    )
    test = element("equal", attributes, [rules.correct(desk.response), rules.variable(desk.response)])
    unit = str(content.key.get("unit") or "")
    answer = element("p", {"class": ANSWER}, [_entry(desk.response), f" {unit}" if unit else ""])
    declared = declaration(desk.response, "single", "float", [value])
    steps = [rules.condition((test, rules.set_score(desk.outcome, content.score)))]
    return Part([declared], [*blocks(content.stem, desk.address), answer], "", steps)


def _order(content: ItemContent, desk: Desk) -> Part:
    options = [
        element("simpleChoice", {"identifier": encode_id(one.id)}, inline(one.content, desk.address))
        for one in content.choices
    ]
    attributes = {"responseIdentifier": desk.response, "shuffle": "true"}
    body = [*blocks(content.stem, desk.address), element("orderInteraction", attributes, options)]
    right = [encode_id(one) for one in content.key]
    declared = declaration(desk.response, "ordered", "identifier", right)
    if content.scoring.get("method") == "per_position":
        return Part([declared], body, "", _positions(content, right, desk))
    if content.score == 1:
        return Part([declared], body, rules.MATCH)
    return Part([declared], body, "", [_all_or_nothing(content.score, desk)])


def _positions(content: ItemContent, right: Sequence[str], desk: Desk) -> list[_Element]:
    """Add a share for each position that is right."""
    part = rules.share(content.score, len(right))
    steps = []
    for number, name in enumerate(right, 1):
        placed = element("index", {"n": str(number)}, [rules.variable(desk.response)])
        test = element("match", None, [placed, rules.base_value(name, "identifier")])
        more = element("sum", None, [rules.variable(desk.outcome), rules.base_value(decimal_text(part), "float")])
        steps.append(rules.condition((test, rules.set_score(desk.outcome, rules.at_most(more, content.score)))))
    return steps


def _match(content: ItemContent, desk: Desk) -> Part:
    pairs = [(encode_id(one), encode_id(two, TARGET)) for one, two in content.key["pairs"]]
    partners = [one for one, _ in pairs]
    single = len(set(partners)) == len(partners)
    sets = [
        _match_set(content.choices, "id_", "1" if single else "0", desk),
        _match_set(content.targets, TARGET, "0", desk),
    ]
    attributes = {"responseIdentifier": desk.response, "shuffle": "true", "maxAssociations": "0"}
    body = [*blocks(content.stem, desk.address), element("matchInteraction", attributes, sets)]
    right = [" ".join(pair) for pair in pairs]
    exact = content.scoring.get("method") == "exact"
    part = rules.share(content.score, len(pairs))
    mapping = None if exact else map_table([(one, part) for one in right], None, content.score)
    declared = declaration(desk.response, "multiple", "directedPair", right, mapping)
    if not exact:
        return Part([declared], body, rules.MAP)
    if content.score == 1:
        return Part([declared], body, rules.MATCH)
    return Part([declared], body, "", [_all_or_nothing(content.score, desk)])


def _match_set(choices: Sequence[Choice], prefix: str, most: str, desk: Desk) -> _Element:
    options = [
        element(
            "simpleAssociableChoice",
            {"identifier": encode_id(one.id, prefix), "matchMax": most},
            inline(one.content, desk.address),
        )
        for one in choices
    ]
    return element("simpleMatchSet", None, options)


def _extended(content: ItemContent, desk: Desk) -> Part:
    attributes = {"responseIdentifier": desk.response, "expectedLines": "6"}
    body = [*blocks(content.stem, desk.address), element("extendedTextInteraction", attributes)]
    accepted = content.key if content.type == "short_answer" and content.key else []
    folds = content.scoring.get("case_sensitive") is not True
    mapping = map_table([(one, content.score) for one in accepted], folds_case=folds) if accepted else None
    declared = declaration(desk.response, "single", "string", accepted[:1], mapping)
    automatic = accepted and is_automatic(content)
    return Part([declared], body, rules.MAP if automatic else "")


WRITERS: dict[Interaction, Callable[[ItemContent, Desk], Part]] = {
    Interaction.CHOICE: _choice,
    Interaction.TRUE_FALSE: _true_false,
    Interaction.TEXT_ENTRY: _text_entry,
    Interaction.NUMBER: _number,
    Interaction.ORDER: _order,
    Interaction.MATCH: _match,
    Interaction.EXTENDED_TEXT: _extended,
    Interaction.HOTSPOT: write_hotspot,
}
"""The interactions that are written; docs/qti.md lists them."""

"""Several interactions in one body: a testlet whose children are the interactions with the text before them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from lxml.etree import _Element

from item_templates import registry
from item_templates.contract import ItemContent
from item_templates.markup import has_substance
from kernel.i18n import N_
from qbank.interchange.qti.flow import PART, STEM, Flow, replace_signs, signs, split_at_signs, tidy
from qbank.interchange.qti.found import Given, Taken
from qbank.interchange.qti.notes import Notes
from qbank.interchange.qti.scoring import CUSTOM_SCORING, SAME, Rules, key_answer, settle
from qbank.interchange.qti.values import UnsupportedRuleError
from qbank.interchange.reading import SkippedRecord

Numbered = tuple[int, _Element]
_LAST_BLOCK = re.compile(r"^(.*(?:</p>|</table>|</ul>|</ol>))<p>((?:(?!<p>).)*)</p>$", re.DOTALL)


@dataclass(slots=True)
class Part:
    """One child to be: its interactions and the HTML in which they stand."""

    html: str
    interactions: list[Numbered] = field(default_factory=list)
    rubrics: list[_Element] = field(default_factory=list)


@dataclass(slots=True)
class Parts:
    """The shared stem and the children to be."""

    stem: str
    parts: list[Part]


def is_marked(root: _Element) -> bool:
    """Say whether the file marks its parts itself, as ours do."""
    return any(one.get("class") == PART for one in root.iter("div"))


def split(html: str, flow: Flow, interactions: Sequence[Numbered]) -> Parts:
    """Return the parts of a body; raises SkippedRecord while there is no type for them."""
    if "testlet" not in {one.name for one in registry.all_types()}:
        raise SkippedRecord("qti_composite", N_("一道题里有多个作答交互，无法导入"))
    holders = [one for one in flow_root(interactions).iter("div") if one.get("class") == PART] if interactions else []
    return _marked(flow, interactions, holders) if holders else _unmarked(html, flow, interactions)


def flow_root(interactions: Sequence[Numbered]) -> _Element:
    """Return the body in which the interactions stand."""
    element = interactions[0][1]
    while (parent := element.getparent()) is not None and element.tag != "itemBody":
        element = parent
    return element


def _marked(flow: Flow, interactions: Sequence[Numbered], holders: Sequence[_Element]) -> Parts:
    """Parts of our own making: each is a division of its own, behind the shared stem."""
    places = {id(element): place for place, element in interactions}
    parts = []
    for holder in holders:
        inside = [(places[id(one)], one) for one in holder.iter() if id(one) in places]
        if inside:
            again = Flow(flow.notes, flow.shelf)
            parts.append(Part(_inner_with_signs(holder, again, places), inside, again.rubrics))
    body = flow_root(interactions)
    shared = [one for one in body.findall("div") if one.get("class") == STEM]
    return Parts(tidy("".join(_inner_with_signs(one, Flow(flow.notes, flow.shelf), places) for one in shared)), parts)


def _inner_with_signs(element: _Element, flow: Flow, places: dict[int, int]) -> str:
    """Return the HTML inside a part with the numbers that its interactions have already."""
    html = flow.inner(element)
    for number, one in enumerate(flow.interactions):
        html = html.replace(f"\ue000{number}\ue001", f"\ue002{places[id(one)]}\ue001")
    return html.replace("\ue002", "\ue000")


def _unmarked(html: str, flow: Flow, interactions: Sequence[Numbered]) -> Parts:
    """Parts of others: each interaction with the text before it; entries that follow one another stay together."""
    known = dict(interactions)
    pieces, places = split_at_signs(html)
    asked = [place for place in places if place in known]
    parts: list[Part] = []
    for piece, place in zip(pieces, asked, strict=False):
        element = known[place]
        prompt = element.find("prompt")
        text = f"<p>{flow.inner(prompt)}</p>" if prompt is not None else ""
        entry = element.tag == "textEntryInteraction"
        if entry and parts and parts[-1].interactions[-1][1].tag == "textEntryInteraction":
            parts[-1].html += f"{piece}\ue000{place}\ue001"
            parts[-1].interactions.append((place, element))
        else:
            parts.append(Part(f"{piece}{text}\ue000{place}\ue001", [(place, element)]))
    stem, parts[0].html = _shared(parts[0].html)
    if len(pieces) > len(asked) and pieces[-1]:
        parts[-1].html += pieces[-1]
    return Parts(tidy(stem), _numbered(parts))


def _shared(html: str) -> tuple[str, str]:
    """Return what all parts share and what belongs to the first: its last paragraph, where there are several."""
    before, sign, after = html.partition("\ue000")
    found = _LAST_BLOCK.match(tidy(before))
    if found:
        return found[1], f"<p>{found[2]}</p>{sign}{after}"
    return before, f"{sign}{after}"


def _numbered(parts: Sequence[Part]) -> list[Part]:
    for number, part in enumerate(parts, 1):
        if not has_substance(replace_signs(part.html, {})):
            part.html = f"（{number}）{part.html}"
    return list(parts)


def settle_all(
    taken: Sequence[tuple[Part, Taken]], score: Callable[[Given], Decimal] | None, notes: Notes
) -> list[ItemContent]:
    """Return the children with stems and scoring; a whole that is not the sum of its parts is named as a loss."""
    children = []
    for part, one in taken:
        stem = replace_signs(part.html, dict.fromkeys(signs(part.html), "") | one.texts)
        content = replace(one.content, stem=stem)
        judge = None if score is None else _judge(score, one)
        rules = Rules(judge, one.worth, None, one.is_numeric, one.pair_limit)
        children.append(settle(content, rules, notes) if content.key is not None else content)
    if score is not None:
        _check_sum(taken, children, score, notes)
    return children


def _judge(score: Callable[[Given], Decimal], one: Taken) -> Callable[[Sequence[object]], Decimal]:
    return lambda answer: score(one.encode(list(answer)))


def _check_sum(
    taken: Sequence[tuple[Part, Taken]],
    children: Sequence[ItemContent],
    score: Callable[[Given], Decimal],
    notes: Notes,
) -> None:
    given: dict[str, Sequence[str]] = {}
    for (_, one), child in zip(taken, children, strict=True):
        given |= one.encode(key_answer(child)) if child.key is not None else {}
    total = sum((child.score for child in children if child.key is not None), Decimal(0))
    try:
        whole = score(given)
    except UnsupportedRuleError:
        return
    if abs(whole - total) > SAME:
        notes.lose(CUSTOM_SCORING, N_("整题的分数不是各小题分数之和，已按各小题分别计分，请核对"))

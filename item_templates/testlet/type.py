"""Testlet: items that share a text; a form carries each of them as a slot of its own, together and in order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from item_templates import forms, registry
from item_templates.base import BaseType, is_omitted, json_list
from item_templates.contract import (
    Finding,
    Interaction,
    ItemContent,
    ItemScore,
    Json,
    Outcome,
    ResponseFormatError,
)
from item_templates.findings import KeyTextError, finding
from item_templates.markup import media_ids
from item_templates.rounding import decimal_text, round_score
from item_templates.testlet.children import MAX_CHILDREN, children_of_form
from kernel.i18n import N_

SEED_BITS = 48


class Testlet(BaseType):
    """The stem is the shared text, `items` are the children; there is no key.

    Notes
    -----
    `freeze` gives one content for each child, with the shared text as its `stimulus`: from then on every child is shown,
    answered, scored and analysed as an item of its own type. A response to the whole is a list of the children's responses.
    """

    __test__ = False  # its name makes pytest look for tests in it
    name = "testlet"
    interaction = Interaction.COMPOSITE
    label = N_("组合题")
    aliases = (
        "组合",
        "案例题",
        "案例分析题",
        "案例分析",
        "材料题",
        "材料分析题",
        "共用题干题",
        "testlet",
        "case",
        "zuhe",
    )
    position = 90
    scoring_methods = {"sum": N_("各小题得分相加")}  # noqa: RUF012 - declared ClassVar by BaseType

    def check(self, content: ItemContent) -> Iterable[Finding]:
        """Return findings on the children, each with the child's number, and on the sum of their scores."""
        if content.key is not None:
            yield finding("bad_key", N_("组合题没有自己的答案，请写在各小题中"), field="key")
        if not content.items:
            yield finding("no_children", N_("没有小题，请至少添加一个"), field="items")
        if len(content.items) > MAX_CHILDREN:
            template = N_("小题太多，最多 %(most)s 个")
            yield finding("too_many_children", template, field="items", most=MAX_CHILDREN)
        for number, child in enumerate(content.items, 1):
            yield from self._check_child(content, child, number)
        total = _total(content.items)
        if content.items and total != content.score:
            template = N_("各小题合计 %(total)s 分，与本题分值 %(score)s 分不等")
            worth, own = decimal_text(total), decimal_text(content.score)
            yield finding("children_sum", template, field="score", total=worth, score=own)

    def _check_child(self, content: ItemContent, child: ItemContent, number: int) -> Iterable[Finding]:
        if child.type == self.name:
            yield finding("nested_testlet", N_("第 %(n)s 小题也是组合题，请拆开"), field="items", n=number)
            return
        shown = replace(child, media=_media_of_child(content, child))
        for one in registry.get(child.type).validate(shown):
            if one.code != "no_alt_text" or child.media:
                yield _of_child(one, number)

    def freeze(self, content: ItemContent, seed: int) -> tuple[ItemContent, ...]:
        """Return the children in order, each frozen by its own type, with the shared text and its pictures."""
        frozen = [
            one
            for number, child in enumerate(content.items, 1)
            for one in registry.get(child.type).freeze(child, child_seed(seed, number))
        ]
        return tuple(replace(one, stimulus=content.stem, media=_joined(content, one)) for one in frozen)

    def delivery_fields(self, content: ItemContent) -> dict[str, Json]:
        """Return the delivery views of the children."""
        return {"items": [registry.get(child.type).render(child) for child in content.items]}

    def parse_response(self, content: ItemContent, raw: Json) -> list[Json]:
        """Return one response for each child, fewer when the last ones were omitted."""
        if not isinstance(raw, list | tuple) or len(raw) > len(content.items):
            raise ResponseFormatError(N_("组合题的作答必须是各小题作答的列表"))
        parts = zip(content.items, raw, strict=False)
        parsed = [registry.get(child.type).parse_response(child, [] if part == "" else part) for child, part in parts]
        return parsed if any(parsed) else []

    def parse_cell(self, content: ItemContent, text: str) -> list[Json]:
        """Return the responses of a cell that holds a JSON list; anything else stays as text and is wrong."""
        listed = json_list(text)
        return listed if listed is not None else super().parse_cell(content, text)

    def score(self, content: ItemContent, response: Sequence[Json], max_score: Decimal) -> ItemScore:
        """Return the sum of the children's scores; a person must mark when one child needs it."""
        if is_omitted(response):
            return ItemScore(Decimal(0), max_score, Outcome.OMITTED)
        parts = [part if isinstance(part, list | tuple) else [] for part in response]
        if not content.items or len(parts) > len(content.items):
            return ItemScore(Decimal(0), max_score, Outcome.WRONG)
        parts += [[]] * (len(content.items) - len(parts))
        scored = [
            registry.get(one.type).score(one, part, one.score) for one, part in zip(content.items, parts, strict=True)
        ]
        if any(one.outcome is Outcome.NEEDS_MARKING for one in scored):
            return ItemScore(Decimal(0), max_score, Outcome.NEEDS_MARKING)
        return _summed(scored, max_score)

    def key_text(self, content: ItemContent) -> str:
        """Return an empty text: the children have keys."""
        del content
        return ""

    def parse_key(self, text: str, content: ItemContent) -> Json:
        """Return None for an empty cell; raises KeyTextError for any text."""
        del content
        if text.strip():
            raise KeyTextError(N_("组合题没有自己的答案，请写在各小题中"))

    def normalise_key(self, key: Json) -> Json:
        """Return None; a file that gives a key is refused, for it would be lost."""
        if key not in (None, "", [], {}):
            raise KeyTextError(N_("组合题没有自己的答案，请写在各小题中"))

    def fill_from_form(self, content: ItemContent, fields: forms.Fields) -> ItemContent:
        """Return the content with the children of the form and the sum of their scores."""
        children = children_of_form(fields, self.name)
        return replace(content, items=children, score=_total(children))


def child_seed(seed: int, number: int) -> int:
    """Return the seed of a child: its own, but given by that of the whole."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{number}".encode()).digest(), "big") >> (256 - SEED_BITS)


def _of_child(one: Finding, number: int) -> Finding:
    template = N_("第 %(n)s 小题：%(finding)s")
    field = f"items-{number}-{one.field}"
    return finding(one.code, template, field=field, severity=one.severity, n=number, finding=one)


def _total(children: Sequence[ItemContent]) -> Decimal:
    return sum((child.score for child in children), Decimal(0))


def _joined(content: ItemContent, child: ItemContent) -> tuple[dict[str, Json], ...]:
    """Return the pictures of the shared text and of the child, each once."""
    return tuple({str(one.get("id")): dict(one) for one in (*content.media, *child.media)}.values())


def _media_of_child(content: ItemContent, child: ItemContent) -> tuple[dict[str, Json], ...]:
    """Return the pictures that a child has or names; an author's pictures are kept once, with the whole."""
    texts = [child.stem, child.explanation, *(one.content for one in (*child.choices, *child.targets))]
    named = {name for text in texts for name in media_ids(text)}
    own = {str(one.get("id")) for one in child.media}
    return tuple(one for one in _joined(content, child) if str(one.get("id")) in named | own)


def _summed(scored: Sequence[ItemScore], max_score: Decimal) -> ItemScore:
    total = sum((one.max_score for one in scored), Decimal(0))
    earned = sum((one.score for one in scored), Decimal(0))
    if all(one.outcome is Outcome.CORRECT for one in scored):
        return ItemScore(max_score, max_score, Outcome.CORRECT)
    if not total or earned <= 0:
        return ItemScore(Decimal(0), max_score, Outcome.WRONG)
    score = min(round_score(max_score * earned / total), max_score)
    return ItemScore(score, max_score, Outcome.PARTIAL if score else Outcome.WRONG)


TYPE = Testlet()

"""What all item types of this package have in common."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import ClassVar

from item_templates import checks, forms
from item_templates.contract import (
    Finding,
    Interaction,
    ItemContent,
    ItemScore,
    Json,
    Outcome,
    ResponseFormatError,
    Suggestion,
)
from item_templates.findings import KeyTextError
from item_templates.rounding import round_score
from kernel.i18n import N_

MAX_RESPONSE_PARTS = 64
MAX_RESPONSE_CHARS = 20_000
DELIVERED_MEDIA_FIELDS = ("id", "digest", "mime", "alt")


class BaseType:
    """Defaults of an item type; a subclass says how a response compares with the key."""

    name: ClassVar[str]
    interaction: ClassVar[Interaction]
    label: ClassVar[str]
    aliases: ClassVar[Sequence[str]] = ()
    position: ClassVar[int] = 100
    has_choices: ClassVar[bool] = False
    scoring_methods: ClassVar[Mapping[str, str]] = {"exact": N_("全对得分")}

    def validate(self, content: ItemContent) -> list[Finding]:
        """Return what is wrong with the content; the order is that of the form."""
        common = (checks.check_stem, self.check, checks.check_score, checks.check_media, checks.check_formulas)
        found = [one for check in common for one in check(content)]
        return [*found, *checks.check_method(content, self.scoring_methods)]

    def check(self, content: ItemContent) -> Iterable[Finding]:
        """Return the findings that only this type can make."""
        raise NotImplementedError

    def freeze(self, content: ItemContent, seed: int) -> tuple[ItemContent, ...]:
        """Return the content itself: one item, one slot, no chance in it."""
        del seed
        return (content,)

    def render(self, content: ItemContent) -> dict[str, Json]:
        """Return the delivery view: the fields named here and in `delivery_fields`, nothing else."""
        media = [{name: medium[name] for name in DELIVERED_MEDIA_FIELDS if name in medium} for medium in content.media]
        view = {"type": self.name, "interaction": self.interaction.value, "stem": content.stem, "media": media}
        return view | self.delivery_fields(content)

    def delivery_fields(self, content: ItemContent) -> dict[str, Json]:
        """Return what a candidate needs beside stem and media."""
        del content
        return {}

    def may_shuffle(self, content: ItemContent) -> bool:
        """Say whether options may be reordered; there are none."""
        del content
        return False

    def parse_response(self, content: ItemContent, raw: Json) -> list[Json]:
        """Return a raw response as a list of at most `max_parts` strings, empty when omitted."""
        parts = list_of_strings(raw, most=self.max_parts(content))
        return [] if is_omitted(parts) else parts

    def max_parts(self, content: ItemContent) -> int:
        """Return how many parts a response may have."""
        del content
        return 1

    def parse_cell(self, content: ItemContent, text: str) -> list[Json]:
        """Return the response in one cell of a response sheet; one part unless the type knows better."""
        del content
        return [text.strip()] if text.strip() else []

    def score(self, content: ItemContent, response: Sequence[Json], max_score: Decimal) -> ItemScore:
        """Score a canonical response; what cannot be understood is wrong, what has no key needs a person."""
        if is_omitted(response):
            return ItemScore(Decimal(0), max_score, Outcome.OMITTED)
        return graded(self.fraction(content, response), max_score)

    def fraction(self, content: ItemContent, response: Sequence[Json]) -> Decimal | None:
        """Return the share of the marks that an answered response earns; None when a person must say."""
        raise NotImplementedError

    def suggest(self, content: ItemContent, response: Sequence[Json], max_score: Decimal) -> Suggestion | None:
        """Return None: the program scores the response itself or knows nothing of it."""
        del content, response, max_score
        return None

    def key_text(self, content: ItemContent) -> str:
        """Return the key as people write it; empty when there is none."""
        raise NotImplementedError

    def parse_key(self, text: str, content: ItemContent) -> Json:
        """Return the key that a table cell means."""
        raise NotImplementedError

    def normalise_key(self, key: Json) -> Json:
        """Return the key in its canonical shape."""
        raise NotImplementedError

    def with_answer(self, content: ItemContent, text: str) -> ItemContent:
        """Return the content with the key that a table cell means."""
        return replace(content, key=self.parse_key(text, content))

    def from_form(self, fields: forms.Fields, base: ItemContent | None = None) -> ItemContent:
        """Return the content that the fields of the authoring form describe."""
        content = ItemContent(
            type=self.name,
            stem=forms.rich(fields, "stem"),
            explanation=forms.rich(fields, "explanation"),
            score=forms.score_of(fields),
            scoring=forms.scoring_of(fields, base),
            media=base.media if base else (),
        )
        return self.fill_from_form(content, fields)

    def fill_from_form(self, content: ItemContent, fields: forms.Fields) -> ItemContent:
        """Return the content with what only this type's form has."""
        raise NotImplementedError

    def method(self, content: ItemContent) -> str:
        """Return the scoring method in force: the content's, or the first of the type."""
        method = content.scoring.get("method")
        known = isinstance(method, str) and method in self.scoring_methods
        return str(method) if known else next(iter(self.scoring_methods))


def graded(fraction: Decimal | None, max_score: Decimal) -> ItemScore:
    """Return the score of an answered response that earns a share of the marks.

    Examples
    --------
    >>> graded(Decimal(1) / 3, Decimal(2))
    ItemScore(score=Decimal('0.667'), max_score=Decimal('2'), outcome=<Outcome.PARTIAL: 'partial'>)
    """
    if fraction is None:
        return ItemScore(Decimal(0), max_score, Outcome.NEEDS_MARKING)
    if fraction >= 1:
        return ItemScore(max_score, max_score, Outcome.CORRECT)
    score = min(round_score(max_score * fraction), max_score)
    return ItemScore(score, max_score, Outcome.PARTIAL if fraction > 0 else Outcome.WRONG)


def is_omitted(response: Json) -> bool:
    """Say whether a response says nothing: no parts, or only empty ones.

    Examples
    --------
    >>> is_omitted([" ", ""]), is_omitted([["A", "1"]]), is_omitted([])
    (True, False, True)
    """
    if isinstance(response, str):
        return not response.strip()
    if isinstance(response, list | tuple):
        return all(is_omitted(part) for part in response)
    return response is None


def list_of_strings(raw: Json, *, most: int) -> list[str]:
    """Return a JSON list of strings; raises ResponseFormatError for any other shape or size."""
    if not isinstance(raw, list | tuple) or not all(isinstance(part, str) for part in raw):
        raise ResponseFormatError(N_("作答必须是字符串的列表"))
    if len(raw) > min(most, MAX_RESPONSE_PARTS):
        raise ResponseFormatError(N_("作答的项数超过这道题允许的数目"))
    if sum(map(len, raw)) > MAX_RESPONSE_CHARS:
        raise ResponseFormatError(N_("作答太长"))
    return [part.replace("\x00", "") for part in raw]


def json_list(text: str) -> list[Json] | None:
    """Return the list that a cell holds as JSON, None when it is no JSON list.

    Examples
    --------
    >>> json_list('["铁", "2"]'), json_list("[铁]")
    (['铁', '2'], None)
    """
    if not text.lstrip().startswith("["):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list) else None


def accepted_strings(value: Json) -> list[str]:
    """Return a JSON list of non-empty strings; raises KeyTextError for another shape."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) and one.strip() for one in value):
        raise KeyTextError(N_("可接受的答案必须是非空字符串的列表"))
    return list(value)

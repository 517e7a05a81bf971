"""Score = f(responses, key version, rule version), slot by slot, in Decimal."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from exam_delivery.rules.amendments import ANYWHERE, NEEDS_KEY, Amendment, KeyPolicy, Place
from exam_delivery.rules.receipts import responses_digest
from item_templates import registry
from item_templates.base import is_omitted
from item_templates.canonical import content_from_json
from item_templates.contract import ItemContent, Outcome, ResponseFormatError, Suggestion
from item_templates.rounding import decimal_text, round_score

RULE_VERSION = 1
"""Version of these rules; a change that can change a score raises it."""
UNREADABLE = "unreadable"
"""Outcome of a response that has not the shape its item asks for: a person looks at it, nobody else waits."""


GRANTED = "granted"
"""Outcome of a slot whose full marks everybody gets because its item was wrong."""
DROPPED = "dropped"
"""Outcome of a slot that was taken out because its item was wrong; the other slots carry the whole score."""


class Source(enum.StrEnum):
    """Who gave a slot its score."""

    AUTO = "auto"
    HUMAN = "human"


@dataclass(frozen=True, slots=True)
class KeyedSlot:
    """One slot of the scoring part, ready to score."""

    slot: int
    content: ItemContent
    max_score: Decimal
    point: str = ""
    item_version_id: str = ""
    part: int = 1
    """Which slot of its item this is, from 1; statistics belong to a version and a part."""


@dataclass(frozen=True, slots=True)
class ScoringKey:
    """The scoring part of a form, parsed once for all candidates, with the amendments that key-change cases made."""

    key_version: int
    slots: tuple[KeyedSlot, ...]
    amendments: tuple[Amendment, ...] = ()

    @property
    def max_score(self) -> Decimal:
        """Sum of the slots' scores."""
        return sum((slot.max_score for slot in self.slots), Decimal(0))

    def find(self, slot: int) -> KeyedSlot | None:
        """Return one slot."""
        return next((one for one in self.slots if one.slot == slot), None)

    def amended(self, *amendments: Amendment) -> ScoringKey:
        """Return the key with further amendments; each raises the key's version by one."""
        return replace(self, key_version=self.key_version + len(amendments), amendments=(*self.amendments, *amendments))

    def slots_for_statistics(self) -> tuple[KeyedSlot, ...]:
        """Return the slots worth analysing, with the keys that count now.

        A slot that everybody gets marks for, or that was taken out, says nothing any more. A slot with another key keeps
        its place but belongs to no item version: its figures would speak of a key that the version does not have.
        """
        newest = {one.slot: one for one in self.amendments}
        lost = {slot for slot, one in newest.items() if one.policy not in NEEDS_KEY}
        return tuple(_with_newest(slot, newest.get(slot.slot)) for slot in self.slots if slot.slot not in lost)


@dataclass(frozen=True, slots=True)
class SlotResult:
    """The score of one slot; None while a person must mark."""

    slot: int
    score: Decimal | None
    max_score: Decimal
    outcome: str
    source: Source = Source.AUTO


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The scores of one attempt; `score` is None until every slot has one."""

    slots: tuple[SlotResult, ...]
    max_score: Decimal

    @property
    def score(self) -> Decimal | None:
        """The sum, rounded by the one rule, when it is whole."""
        return None if any(slot.score is None for slot in self.slots) else round_score(self.earned)

    @property
    def earned(self) -> Decimal:
        """What the slots with a score give so far, unrounded; where a slot was dropped the rest carries all marks."""
        total = sum((slot.score for slot in self.slots if slot.score is not None), Decimal(0))
        kept = sum((slot.max_score for slot in self.slots), Decimal(0))
        return total * self.max_score / kept if kept and kept != self.max_score else total

    @property
    def unreadable(self) -> tuple[int, ...]:
        """Slots whose response nobody could read and no person has marked."""
        return tuple(slot.slot for slot in self.slots if slot.outcome == UNREADABLE and slot.score is None)


def parse_scoring(document: Mapping[str, Any], known: dict[str, ItemContent] | None = None) -> ScoringKey:
    """Return the scoring part of a form ready for use; `known` keeps contents that many forms have in common."""
    contents = {} if known is None else known
    slots = tuple(
        KeyedSlot(
            one["slot"], _parsed(one["content"], contents), Decimal(one["score"]), one.get("point") or "",
            one.get("item_version_id") or "", one.get("part") or 1,
        )
        for one in document["slots"]
    )  # fmt: skip
    return ScoringKey(int(document["key_version"]), slots)


def _parsed(raw: Mapping[str, Any], known: dict[str, ItemContent]) -> ItemContent:
    text = json.dumps(raw, sort_keys=True)
    if text not in known:
        known[text] = content_from_json(raw)
    return known[text]


def score_attempt(
    key: ScoringKey, responses: Mapping[int, str], marks: Mapping[int, Decimal], place: Place = ANYWHERE
) -> AttemptResult:
    """Score one attempt; `responses` are the stored JSON texts, `marks` what people gave.

    Amendments are taken one after the other, as they were decided; a later one about the same slot replaces the earlier.
    """
    scored = {slot.slot: _score_slot(slot, responses.get(slot.slot), marks.get(slot.slot)) for slot in key.slots}
    for amendment in key.amendments:
        if not amendment.covers(place) or (slot := key.find(amendment.slot)) is None:
            continue
        result = _amended(amendment, slot, responses.get(slot.slot), marks.get(slot.slot))
        trial = {**scored, slot.slot: result}
        if not amendment.is_harmless or _result(trial, key).earned >= _result(scored, key).earned:
            scored = trial
    return _result(scored, key)


def _result(scored: Mapping[int, SlotResult], key: ScoringKey) -> AttemptResult:
    return AttemptResult(tuple(scored.values()), key.max_score)


def _amended(amendment: Amendment, slot: KeyedSlot, stored: str | None, mark: Decimal | None) -> SlotResult:
    if amendment.policy is KeyPolicy.FULL_MARKS:
        return SlotResult(slot.slot, slot.max_score, slot.max_score, GRANTED)
    if amendment.policy is KeyPolicy.DROP:
        return SlotResult(slot.slot, Decimal(0), Decimal(0), DROPPED)
    renewed = _score_slot(_with_key(slot, amendment), stored, mark)
    if amendment.policy is KeyPolicy.NEW_KEY:
        return renewed
    former = _score_slot(slot, stored, mark)
    return max(renewed, former, key=lambda one: Decimal(-1) if one.score is None else one.score)


def _with_key(slot: KeyedSlot, amendment: Amendment) -> KeyedSlot:
    return replace(slot, content=replace(slot.content, key=amendment.key))


def _with_newest(slot: KeyedSlot, amendment: Amendment | None) -> KeyedSlot:
    return slot if amendment is None else replace(_with_key(slot, amendment), item_version_id="")


def _score_slot(slot: KeyedSlot, stored: str | None, mark: Decimal | None) -> SlotResult:
    result = _automatic(slot, stored)
    if result.score is not None or mark is None:
        return result
    score = min(mark, slot.max_score)
    return SlotResult(slot.slot, score, slot.max_score, marked_outcome(score, slot.max_score), Source.HUMAN)


def marked_outcome(score: Decimal, max_score: Decimal) -> str:
    """Return how a person's mark is named."""
    if score >= max_score:
        return Outcome.CORRECT.value
    return Outcome.PARTIAL.value if score > 0 else Outcome.WRONG.value


def _automatic(slot: KeyedSlot, stored: str | None) -> SlotResult:
    item_type = registry.get(slot.content.type)
    try:
        raw = json.loads(stored) if stored is not None else []
        response = [] if raw is None else item_type.parse_response(slot.content, raw)
        scored = item_type.score(slot.content, response, slot.max_score)
    except (ResponseFormatError, ValueError, RecursionError):
        return SlotResult(slot.slot, None, slot.max_score, UNREADABLE)
    if scored.outcome is Outcome.NEEDS_MARKING:
        return SlotResult(slot.slot, None, slot.max_score, Outcome.NEEDS_MARKING.value)
    return SlotResult(slot.slot, scored.score, slot.max_score, scored.outcome.value)


def stored_digest(responses: Mapping[int, str]) -> str:
    """Return the digest of an attempt's stored responses: the same that stands in the candidate's receipt."""
    return responses_digest({slot: _decoded(text) for slot, text in responses.items()})


def _decoded(text: str) -> Any:
    """Return a stored response; text that is no JSON stands for itself, so that it is at least covered."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def response_text(stored: str | None) -> str:
    """Return a stored response as people read it: option letters, texts, pairs."""
    try:
        raw = json.loads(stored) if stored is not None else []
    except ValueError:
        return stored or ""
    if not isinstance(raw, list) or is_omitted(raw):
        return "" if is_omitted(raw) else str(stored)
    return "；".join("=".join(map(str, part)) if isinstance(part, list) else str(part) for part in raw)


def suggestion_for(slot: KeyedSlot, text: str) -> Suggestion | None:
    """Return what the program can tell a marker about a typed answer, None when it knows nothing."""
    return registry.get(slot.content.type).suggest(slot.content, [text], slot.max_score)


def allowed_steps(max_score: Decimal) -> Sequence[str]:
    """Return the marks that have a button: whole marks up to nine, and the full mark.

    Examples
    --------
    >>> allowed_steps(Decimal(2)), allowed_steps(Decimal("2.5")), allowed_steps(Decimal(10))[-2:]
    (['0', '1', '2'], ['0', '1', '2', '2.5'], ['9', '10'])
    """
    steps = [str(mark) for mark in range(min(int(max_score), 9) + 1)]
    full = decimal_text(max_score)
    return steps if full in steps else [*steps, full]

"""Answers that come by another way or at another time than saves, and how they are merged with what the server holds.

Rescue files and late answers share it: the order is that of the answer protocol, and who decides about what came late is a person.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kernel.i18n import N_

Number = tuple[int, int]
"""Slot and sequence number: which answer of an attempt it is."""
ALL_LATE = datetime.min.replace(tzinfo=UTC)
"""A moment before which no answer was given."""


class Verdict(enum.StrEnum):
    """What becomes of one answer that is merged."""

    COUNTS = "counts"
    SAME = "same"
    OLDER = "older"
    LATE = "late"


VERDICT_LABELS: dict[Verdict, str] = {
    Verdict.COUNTS: N_("计入"),
    Verdict.SAME: N_("服务器已有，不变"),
    Verdict.OLDER: N_("服务器有更新的答案，不变"),
    Verdict.LATE: N_("迟到，保留待裁定"),
}


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """One answer as the page gave it; `answered_at` is the server's clock as the page carried it, None when it had none.

    `generation` is the sign-in under which it was given: a later one may seal what an earlier one left on the computer.
    """

    slot: int
    seq: int
    response: str
    client_time: str
    answered_at: datetime | None
    generation: int

    @property
    def number(self) -> Number:
        """Which answer of the attempt it is."""
        return self.slot, self.seq


@dataclass(frozen=True, slots=True)
class Known:
    """The newest answer in time that the server holds for a slot."""

    seq: int
    generation: int
    response: str


def judge(
    events: Sequence[GivenAnswer],
    known: Mapping[int, Known],
    *,
    until: datetime | None,
    apart: Collection[GivenAnswer] = (),
) -> list[tuple[GivenAnswer, Verdict]]:
    """Return what becomes of each answer, by slot; those given after `until` are late, None lets all of them count.

    The order is that of the answer protocol: first the sign-in (generation), then the sequence number, never the arrival. Late answers
    that the server keeps already, and about which it is decided apart, are no news.

    Examples
    --------
    >>> event = GivenAnswer(1, 4, '["b"]', "", None, 1)
    >>> judge([event], {1: Known(3, 1, '["a"]')}, until=None)[0][1].value
    'counts'
    >>> judge([event], {1: Known(3, 2, '["a"]')}, until=None)[0][1].value
    'older'
    """
    kept = {one.number: one for one in apart}
    ordered = sorted(events, key=lambda event: (event.slot, event.generation, event.seq))
    return [(event, _verdict(event, known.get(event.slot), until, kept.get(event.number))) for event in ordered]


def _verdict(event: GivenAnswer, known: Known | None, until: datetime | None, kept: GivenAnswer | None) -> Verdict:
    if known is not None:
        mine, theirs = (event.generation, event.seq), (known.generation, known.seq)
        if mine <= theirs:
            return Verdict.SAME if is_same(known.response, event.response) else Verdict.OLDER
    if until is None or (event.answered_at is not None and event.answered_at <= until):
        return Verdict.COUNTS
    return Verdict.SAME if kept is not None and is_same(kept.response, event.response) else Verdict.LATE


def is_same(first: str, second: str) -> bool:
    """Say whether two stored responses are the same answer, however they are written.

    Examples
    --------
    >>> is_same('["a", "b"]', '["a","b"]')
    True
    """
    return bool(json.loads(first) == json.loads(second))


def places_of(layout: Mapping[str, Any]) -> dict[int, int]:
    """Return the number that the candidate sees for each slot.

    Examples
    --------
    >>> places_of({"sections": [[2, 1], [3]]})
    {2: 1, 1: 2, 3: 3}
    """
    return {slot: place for place, slot in enumerate((slot for one in layout["sections"] for slot in one), 1)}

"""How much time a candidate lost: silences of the page while the clock ran, less what was already given back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from exam_delivery.rules.room import OFFLINE_AFTER

LARGE_MINUTES = 30
"""More than this is asked about once more where no loss of time was measured."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> int:
        """Its length in whole seconds."""
        return max(0, int((self.end - self.start).total_seconds()))


@dataclass(frozen=True, slots=True)
class LostTime:
    """The silences that count, what was given before, and how many minutes are proposed now."""

    silences: tuple[Span, ...]
    given_minutes: int

    @property
    def seconds(self) -> int:
        """How long the page was silent altogether."""
        return sum(span.seconds for span in self.silences)

    @property
    def minutes(self) -> int:
        """The proposal: lost time in full minutes, rounded up, less the minutes given so far."""
        return max(0, math.ceil(self.seconds / 60) - self.given_minutes)


def lost_time(
    noted: Iterable[Span],
    *,
    last_contact_at: datetime | None,
    ended_at: datetime | None,
    at: datetime,
    pauses: Sequence[Span] = (),
    given_minutes: int = 0,
) -> LostTime:
    """Return what a candidate lost until now.

    Silences that were noted when contact came back, and the one that still lasts; none reaches beyond the end of the attempt,
    and what lies in a pause does not count, because the pause gave it back.
    """
    end = min(at, ended_at) if ended_at else at
    spans = sorted(noted, key=lambda span: span.start)
    if last_contact_at and end - last_contact_at > OFFLINE_AFTER:
        spans.append(Span(last_contact_at, end))
    cut = [Span(span.start, min(span.end, end)) for span in spans]
    counted = [part for span in cut for part in _outside(span, pauses)]
    return LostTime(tuple(part for part in counted if part.seconds > 0), given_minutes)


def _outside(span: Span, pauses: Sequence[Span]) -> list[Span]:
    """Return the parts of a span that lie in no pause."""
    parts = [span]
    for pause in pauses:
        parts = [piece for part in parts for piece in _without(part, pause)]
    return parts


def _without(part: Span, pause: Span) -> list[Span]:
    before = Span(part.start, min(part.end, pause.start))
    after = Span(max(part.start, pause.end), part.end)
    return [piece for piece in (before, after) if piece.end > piece.start]


def is_large(minutes: int, proposed: int) -> bool:
    """Say whether an addition is asked about once more: more than was measured as lost, else more than half an hour.

    >>> is_large(100, 0), is_large(30, 0), is_large(45, 45), is_large(46, 45)
    (True, False, False, True)
    """
    return minutes > (proposed or LARGE_MINUTES)


def pause_span(ended_at: datetime, minutes: float) -> Span:
    """Return the pause behind a recorded change of a deadline: it ended when the change was made."""
    return Span(ended_at - timedelta(minutes=minutes), ended_at)

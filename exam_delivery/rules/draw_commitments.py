"""What is published of the draw of a session's forms before it begins, and when its seed may be told."""

from __future__ import annotations

import enum
from datetime import datetime

from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

PUBLISH_DRAW = "exam.publish_draw"
PUBLISH_OFF, PUBLISH_REQUIRED, PUBLISH_AUTOMATIC = (
    N_("不要求公布"),
    N_("开考前须公布"),
    N_("备考时自动公布，成绩发布时自动公开种子"),
)
PUBLISH_CHOICES = (PUBLISH_OFF, PUBLISH_REQUIRED, PUBLISH_AUTOMATIC)
SHORTEST_REASON, LONGEST_REASON = 5, 300

declare(RuleKey(PUBLISH_DRAW, PUBLISH_OFF, N_("抽题承诺（开考前公布种子与题库的摘要）"), choices=PUBLISH_CHOICES))


class EntryKind(enum.StrEnum):
    """Why an entry was published: the first of a session, forms chosen later, or a standby form that was given."""

    FIRST = "first"
    ADDED = "added"
    GIVEN = "given"


KIND_LABELS: dict[EntryKind, str] = {
    EntryKind.FIRST: N_("首次公布"),
    EntryKind.ADDED: N_("补充公布"),
    EntryKind.GIVEN: N_("启用备用卷"),
}


class Reveal(enum.StrEnum):
    """Where the seed of an entry stands."""

    NOTHING = "nothing"
    WAITS = "waits"
    DONE = "done"


REVEAL_LABELS: dict[Reveal, tuple[str, str]] = {
    Reveal.NOTHING: (N_("整卷收入，没有种子"), "neutral"),
    Reveal.WAITS: (N_("种子待公开"), "info"),
    Reveal.DONE: (N_("种子已公开"), "success"),
}


def is_late(starts_at: datetime, at: datetime) -> bool:
    """Say whether a publication comes after the start and so proves nothing of the time before."""
    return at >= starts_at

"""Results that another system sends in: whose they are by Standard Webhooks, and which rows a batch can take. Pure."""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from certification.rules.pass_decision import MODE_LABELS, AssessmentMode, ResultState
from certification.rules.score_sheet import EnteredScore, SheetProblem, read_score
from certification.rules.webhooks import signature
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

MOST_BYTES = 1024 * 1024
MOST_ROWS = 2_000
LONGEST_ID = 128
WINDOW = dt.timedelta(minutes=5)
"""How far the clock of the sender may be off, as the specification recommends; an older message is a replay."""

AUTOMATIC = "certification.inbound_automatic"
declare(RuleKey(AUTOMATIC, False, N_("来源系统送来的成绩不经人工确认，验签后直接计入批次")))

SENT_MODES = (
    AssessmentMode.THEORY,
    AssessmentMode.SKILLS,
    AssessmentMode.COMPREHENSIVE_REVIEW,
    AssessmentMode.WORK_PERFORMANCE,
    AssessmentMode.PROCESS,
)
"""What may come from outside; a route rests on a document that people look at."""

Held = tuple[ResultState, Decimal | None]


@dataclass(frozen=True, slots=True)
class Envelope:
    """The three headers of a message, as they came."""

    webhook_id: str
    timestamp: str
    signatures: str


@dataclass(frozen=True, slots=True)
class Places:
    """What a batch knows: names by admission number, components that may be sent, what is held and what is closed."""

    numbers: Collection[str]
    modes: Collection[AssessmentMode]
    held: Mapping[tuple[str, AssessmentMode], Held]
    closed: Collection[tuple[str, AssessmentMode]]


def is_signed(envelope: Envelope, body: str, secrets: Iterable[str], now: dt.datetime) -> bool:
    """Say whether a message was signed with one of the secrets, and lately.

    Examples
    --------
    >>> secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", '{"test": 2432232314}'
    >>> told = Envelope("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "v1,x v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    >>> moment = dt.datetime.fromtimestamp(1614265330, dt.UTC)
    >>> is_signed(told, body, [secret], moment), is_signed(told, body, [secret], moment + 2 * WINDOW)
    (True, False)
    >>> is_signed(told, body + " ", [secret], moment), is_signed(told, body, [], moment)
    (False, False)
    """
    key, stamp = envelope.webhook_id, envelope.timestamp
    is_named = 0 < len(key) <= LONGEST_ID and key.isascii() and key.isprintable()
    if not (is_named and stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):  # seconds since 1970
        return False
    if abs(now.timestamp() - int(stamp)) > WINDOW.total_seconds():
        return False
    expected = [signature(secret, key, int(stamp), body).encode() for secret in secrets]
    given = [one.encode() for one in envelope.signatures.split(" ")[:10]]
    matches = [
        hmac.compare_digest(one, other) for one in expected for other in given
    ]  # all of them: no early end tells which
    return any(matches)


def read_rows(rows: Sequence[Sequence[str]], places: Places) -> tuple[list[EnteredScore], list[SheetProblem]]:
    """Return the scores of a delivery's rows, each an admission number, a component and a text, and the complaints."""
    scores: list[EnteredScore] = []
    problems: list[SheetProblem] = []
    seen: dict[tuple[str, str], int] = {}
    for row, (number, mode, text) in enumerate(rows, start=1):
        first = seen.setdefault((number, mode), row)
        problem = _doubled(row, first) or _misplaced(row, number, mode, places)
        found = problem or _read(row, number, AssessmentMode(mode), text, places)
        if isinstance(found, EnteredScore):
            scores.append(found)
        else:
            problems.append(found)
    return scores, problems


def _doubled(row: int, first: int) -> SheetProblem | None:
    return SheetProblem(row, N_("与第 %(row)s 行是同一名考生的同一项目"), {"row": first}) if first != row else None


def _misplaced(row: int, number: str, mode: str, places: Places) -> SheetProblem | None:
    if number not in places.numbers:
        return SheetProblem(row, N_("准考证号“%(number)s”不在本批次，请核对"), {"number": number})
    if mode not in {one.value for one in places.modes}:
        return SheetProblem(row, N_("本批次的等级没有考核项目“%(mode)s”，或它不能由外部送入"), {"mode": mode})
    if (number, mode) in places.closed:
        return SheetProblem(row, N_("这个成绩由考评组评定，不能由外部送入"), {})
    return None


def _read(row: int, number: str, mode: AssessmentMode, text: str, places: Places) -> EnteredScore | SheetProblem:
    try:
        read = read_score(text)
    except InvalidInputError as error:
        return SheetProblem(row, error.template, error.context)
    if read is None:
        return SheetProblem(row, N_("没有成绩"), {})
    held = places.held.get((number, mode))
    if held is not None and held[0] is not ResultState.PENDING and held != read:
        return SheetProblem(
            row, N_("%(mode)s已有不同的成绩，外部送入的不能覆盖，请由认定管理员核对"), {"mode": MODE_LABELS[mode]}
        )
    return EnteredScore(number, mode, *read)

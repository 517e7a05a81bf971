"""Results that another system sends in: whose they are by Standard Webhooks, and which rows a batch can take. Pure."""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from certification.rules.competition import RankRule, grants
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
SECOND_PERSON = "certification.inbound_second_person"
declare(
    RuleKey(AUTOMATIC, False, N_("来源系统送来的成绩不经人工确认，验签后直接计入批次")),
    RuleKey(SECOND_PERSON, True, N_("从文件接收的成绩由上传人以外的人确认")),
)

SENT_MODES = (
    AssessmentMode.THEORY,
    AssessmentMode.SKILLS,
    AssessmentMode.COMPREHENSIVE_REVIEW,
    AssessmentMode.WORK_PERFORMANCE,
    AssessmentMode.PROCESS,
    AssessmentMode.COMPETITION,
)
"""What may come from outside; direct recognition rests on a document that people look at."""
AWARD_SEPARATOR = "|"
"""Between class, rank and certificate number in the text of a competition."""

Held = tuple[ResultState, Decimal | None]


@dataclass(frozen=True, slots=True)
class Envelope:
    """The three headers of a message, as they came."""

    webhook_id: str
    timestamp: str
    signatures: str


@dataclass(frozen=True, slots=True)
class Places:
    """What a batch knows: its admission numbers, components that may be sent, what is held and what is closed.

    `sent` are the places whose score came from the same system; `is_correction` lets those be replaced. `ranks` say which
    rank of a competition gives `level_code`.
    """

    numbers: Collection[str]
    modes: Collection[AssessmentMode]
    held: Mapping[tuple[str, AssessmentMode], Held]
    closed: Collection[tuple[str, AssessmentMode]]
    sent: Collection[tuple[str, AssessmentMode]] = ()
    is_correction: bool = False
    ranks: tuple[RankRule, ...] = field(default=())
    level_code: str = ""


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
    if mode is AssessmentMode.COMPETITION:
        problem = _award_problem(row, text, places)
        return problem or _against_held(row, EnteredScore(number, mode, ResultState.RECOGNISED, None), places)
    try:
        read = read_score(text)
    except InvalidInputError as error:
        return SheetProblem(row, error.template, error.context)
    if read is None:
        return SheetProblem(row, N_("没有成绩"), {})
    return _against_held(row, EnteredScore(number, mode, *read), places)


def _against_held(row: int, score: EnteredScore, places: Places) -> EnteredScore | SheetProblem:
    place = (score.admission_number, score.mode)
    held = places.held.get(place)
    if held is None or held[0] is ResultState.PENDING or held == (score.state, score.score):
        return score
    if places.is_correction and place in places.sent:
        return score
    values = {"mode": MODE_LABELS[score.mode]}
    if place in places.sent:
        return SheetProblem(
            row, N_("%(mode)s已有不同的成绩，外部送入的不能覆盖；确为更正的，请标明是更正后再送"), values
        )
    return SheetProblem(row, N_("%(mode)s已有不同的成绩，外部送入的不能覆盖，请由认定管理员核对"), values)


def _award_problem(row: int, text: str, places: Places) -> SheetProblem | None:
    """Return why an award ``class|rank|certificate number`` gives no recognition."""
    kind, rank, certificate = ([part.strip() for part in text.split(AWARD_SEPARATOR)] + ["", "", ""])[:3]
    if not kind or not rank.isdecimal() or not certificate:
        return SheetProblem(row, N_("请填写竞赛类别、名次（数字）和获奖证书编号"), {})
    if grants(places.ranks, kind, int(rank), places.level_code) is None:
        return SheetProblem(row, N_("按规则方案，%(kind)s第 %(rank)s 名不能认定本等级"), {"kind": kind, "rank": rank})
    return None

"""Score checks (复核) and appeals (申诉): until when one may ask, who may look into it, the steps of a request. Pure.

Sources: the state line "公示 → 复核" and the number of working days are DOMAIN 4.1 (a city's 工考 of 2021 gives ten working
days after publication, others three to ten); that staff must withdraw is DOMAIN 4.2 (回避); evidence, notice and appeal of
every misconduct case is DOMAIN 5. No national text fixes rounds or days, so every number is a value of the rule profile.
"""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kernel.errors import IllegalTransitionError
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare
from kernel.working_days import WorkingDate, add_working_days

CHECK_DAYS = "exam.check_working_days"
APPEAL_DAYS = "exam.appeal_working_days"
ANSWER_DAYS = "exam.appeal_answer_working_days"
CHECK_ROUNDS = "exam.check_rounds"
APPEAL_ROUNDS = "exam.appeal_rounds"
BLOCKS_ROSTER = "exam.appeal_blocks_roster"


class RequestKind(enum.StrEnum):
    """What a candidate asks for."""

    CHECK = "check"
    APPEAL = "appeal"


class RequestSubject(enum.StrEnum):
    """What a request is about."""

    TOTAL = "total"
    ITEMS = "items"
    RULING = "ruling"


class RequestState(enum.StrEnum):
    """How far a request is."""

    FILED = "filed"
    ACCEPTED = "accepted"
    REVIEWING = "reviewing"
    CONCLUDED = "concluded"
    CLOSED = "closed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class RequestOutcome(enum.StrEnum):
    """What the independent person found."""

    UPHELD = "upheld"
    CHANGED = "changed"
    REJECTED = "rejected"


class Remedy(enum.StrEnum):
    """By which of the ordinary ways a result is changed; nothing else changes a score."""

    NONE = "none"
    RESCORE = "rescore"
    REMARK = "remark"
    KEY_CHANGE = "key_change"
    RULING = "ruling"


KIND_LABELS: Mapping[RequestKind, str] = {RequestKind.CHECK: N_("成绩复核"), RequestKind.APPEAL: N_("申诉")}
SUBJECT_LABELS: Mapping[RequestSubject, str] = {
    RequestSubject.TOTAL: N_("总分（是否漏计、错加）"),
    RequestSubject.ITEMS: N_("某几道题的答案或评分"),
    RequestSubject.RULING: N_("缺考、违纪等处理决定"),
}
STATE_LABELS: Mapping[RequestState, str] = {
    RequestState.FILED: N_("待受理"),
    RequestState.ACCEPTED: N_("待指派"),
    RequestState.REVIEWING: N_("复核中"),
    RequestState.CONCLUDED: N_("待办结"),
    RequestState.CLOSED: N_("已办结"),
    RequestState.DECLINED: N_("不予受理"),
    RequestState.WITHDRAWN: N_("已撤回"),
}
OUTCOME_LABELS: Mapping[RequestOutcome, str] = {
    RequestOutcome.UPHELD: N_("维持原结果"),
    RequestOutcome.CHANGED: N_("予以更正"),
    RequestOutcome.REJECTED: N_("申请不成立"),
}
REMEDY_LABELS: Mapping[Remedy, str] = {
    Remedy.NONE: N_("不更正"),
    Remedy.RESCORE: N_("按现行答案重新计分"),
    Remedy.REMARK: N_("重新评阅人工评分题"),
    Remedy.KEY_CHANGE: N_("办理答案变更案"),
    Remedy.RULING: N_("撤销处理决定，或认定缺考有正当理由"),
}
OPEN_STATES = frozenset(
    {RequestState.FILED, RequestState.ACCEPTED, RequestState.REVIEWING, RequestState.CONCLUDED}
)  # fmt: skip
"""States in which a request still blocks the archive of its batch."""
ALLOWED: Mapping[RequestState, frozenset[RequestState]] = {
    RequestState.FILED: frozenset({RequestState.ACCEPTED, RequestState.DECLINED, RequestState.WITHDRAWN}),
    RequestState.ACCEPTED: frozenset({RequestState.REVIEWING, RequestState.WITHDRAWN}),
    RequestState.REVIEWING: frozenset({RequestState.REVIEWING, RequestState.CONCLUDED, RequestState.WITHDRAWN}),
    RequestState.CONCLUDED: frozenset({RequestState.CLOSED, RequestState.REVIEWING}),
    RequestState.CLOSED: frozenset(),
    RequestState.DECLINED: frozenset(),
    RequestState.WITHDRAWN: frozenset(),
}
"""A conclusion goes back to its reviewer when whoever closes it finds it wanting; another person may be assigned instead."""

declare(
    RuleKey(CHECK_DAYS, 5, N_("成绩发布后可申请复核的工作日"), "3–10", minimum=1, maximum=60),
    RuleKey(APPEAL_DAYS, 10, N_("成绩发布或收到告知后可申诉的工作日"), "5–15", minimum=1, maximum=60),
    RuleKey(ANSWER_DAYS, 15, N_("受理后答复复核、申诉的工作日"), "5–30", minimum=1, maximum=120),
    RuleKey(CHECK_ROUNDS, 1, N_("每人每批次可申请复核的次数"), "1", minimum=1, maximum=9),
    RuleKey(APPEAL_ROUNDS, 2, N_("每人每批次可申诉的次数"), "1–2", minimum=1, maximum=9),
    RuleKey(BLOCKS_ROSTER, default=True, label=N_("有未办结的复核、申诉时不得上报名册")),
)


def check_step(present: RequestState, wanted: RequestState) -> None:
    """Refuse a step that the table does not have.

    Raises
    ------
    IllegalTransitionError
        With the names of both states.
    """
    if wanted not in ALLOWED[present]:
        raise IllegalTransitionError(
            N_("申请现在是“%(present)s”，不能改为“%(wanted)s”"),
            present=STATE_LABELS[present],
            wanted=STATE_LABELS[wanted],
        )


def filing_deadline(kind: RequestKind, known_since: Sequence[dt.date], values: Mapping[str, object]) -> WorkingDate:
    """Return the last day on which a request may be filed.

    `known_since` are the days on which the candidate learned something new: the release, a decision, the answer to an
    earlier request. The latest one counts; the day itself is not counted, as in official notices (DOMAIN 4.1).

    Examples
    --------
    >>> filing_deadline(RequestKind.CHECK, [dt.date(2026, 9, 24)], {CHECK_DAYS: 5}).date
    datetime.date(2026, 10, 9)
    """
    n_days = values[CHECK_DAYS if kind is RequestKind.CHECK else APPEAL_DAYS]
    return add_working_days(max(known_since), int(str(n_days)))


def answer_deadline(accepted_on: dt.date, values: Mapping[str, object]) -> WorkingDate:
    """Return the last day on which an accepted request must be answered."""
    return add_working_days(accepted_on, int(str(values[ANSWER_DAYS])))


def rounds_left(kind: RequestKind, n_former: int, values: Mapping[str, object]) -> int:
    """Return how many more requests of a kind a candidate may file; those withdrawn or declined do not count."""
    limit = values[CHECK_ROUNDS if kind is RequestKind.CHECK else APPEAL_ROUNDS]
    return max(0, int(str(limit)) - n_former)


@dataclass(frozen=True, slots=True)
class Involvement:
    """Somebody who had a hand in a result; `role` is a word to translate."""

    user_id: uuid.UUID | None
    role: str


def reasons_against(user_id: uuid.UUID, involved: Iterable[Involvement]) -> tuple[str, ...]:
    """Return the roles in which somebody took part in what is looked into; empty means independent.

    Nobody judges their own work: who marked, made or approved the form, changed its key, scored, released or decided is
    out, and so is who looked into an earlier round (DOMAIN 4.2 回避; issue: "an independent person").

    Examples
    --------
    >>> me = uuid.uuid4()
    >>> reasons_against(me, [Involvement(me, "阅卷"), Involvement(uuid.uuid4(), "发布成绩"), Involvement(me, "阅卷")])
    ('阅卷',)
    """
    return tuple(dict.fromkeys(one.role for one in involved if one.user_id == user_id))


class Finding(enum.StrEnum):
    """What a score check proves by machine."""

    RECEIPT = "receipt"
    COMPLETE = "complete"
    SUM = "sum"
    REPEATED = "repeated"
    RELEASED = "released"


FINDING_LABELS: Mapping[Finding, str] = {
    Finding.RECEIPT: N_("作答与交卷回执的校验值一致"),
    Finding.COMPLETE: N_("每道题都有得分，没有漏评"),
    Finding.SUM: N_("各题得分之和与总分一致"),
    Finding.REPEATED: N_("按现行答案重新计分，结果相同"),
    Finding.RELEASED: N_("发布的成绩与最新评分版本一致"),
}


@dataclass(frozen=True, slots=True)
class Checked:
    """One proof with its result; None where there is nothing to compare."""

    finding: Finding
    is_right: bool | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a score: the two digests, slot scores, totals as stored, computed anew and released."""

    receipt_digest: str
    stored_digest: str
    slots: Sequence[Decimal | None]
    score: Decimal | None
    score_again: Decimal | None
    released: Decimal | None


def check_evidence(evidence: Evidence, rounded: Decimal | None) -> tuple[Checked, ...]:
    """Return what can be proved about a score without anybody's judgement; `rounded` is the sum after the one rounding."""
    is_whole = bool(evidence.slots) and all(slot is not None for slot in evidence.slots)
    receipt = evidence.receipt_digest == evidence.stored_digest if evidence.receipt_digest else None
    return (
        Checked(Finding.RECEIPT, receipt),
        Checked(Finding.COMPLETE, is_whole),
        Checked(Finding.SUM, is_whole and rounded == evidence.score),
        Checked(Finding.REPEATED, evidence.score_again == evidence.score),
        Checked(Finding.RELEASED, None if evidence.released is None else evidence.released == evidence.score),
    )

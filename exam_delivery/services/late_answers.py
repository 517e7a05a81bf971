"""Late answers: seen by who looks after the candidate, proposed by one person, confirmed or declined by another, before the release.

The order is always: session locked, attempt locked, proposal locked. Events stay as they came, whatever is decided about them.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from exam_delivery.models import Attempt, AttemptStatus, ExamSession, LateDecision, SessionStatus
from exam_delivery.repository import attempts as attempts_repository
from exam_delivery.repository import late_answers as repository
from exam_delivery.repository import merging as merging_repository
from exam_delivery.repository import planning
from exam_delivery.repository import rescue as rescue_repository
from exam_delivery.repository.attempts import SeatRow
from exam_delivery.rules.late_answers import (
    DECIDED,
    LATE_ANSWER_RULE,
    STATE_LABELS,
    UNDECIDED,
    LateAnswer,
    LateAnswerRule,
    LateState,
    Standing,
    seconds_after,
    standings,
)
from exam_delivery.rules.merging import ALL_LATE, GivenAnswer, Known, Number, Verdict, judge, places_of
from exam_delivery.rules.receipts import is_answered
from exam_delivery.services import merging, recusal
from exam_delivery.services.reach import check_attempt_in_reach, rooms_in_reach
from exam_delivery.services.readiness import Blocker
from exam_delivery.services.room_acts import Why, note_act, record_act
from kernel import audit, profiles
from kernel.clock import now
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

WAITING_SESSIONS = (SessionStatus.OPEN, SessionStatus.CLOSED, SessionStatus.SCORED)
"""Sessions in which a decision about late answers can still be made."""
MOST_SESSIONS = 200


@dataclass(frozen=True, slots=True)
class LateLine:
    """One late answer as people see it: its place, when it came, where it stands; never what it says."""

    late: LateAnswer
    place: int
    seconds: int
    standing: Standing
    had_answer: bool


@dataclass(frozen=True, slots=True)
class LateSeat:
    """The late answers of one candidate and what was decided about them."""

    attempt: Attempt
    sitting: ExamSession
    lines: Sequence[LateLine]
    decisions: Sequence[LateDecision]

    @property
    def has_ended(self) -> bool:
        """Whether the candidate writes no more: before, the page sends its answers again by itself."""
        return self.attempt.status is AttemptStatus.SUBMITTED

    @property
    def is_undecided(self) -> bool:
        """Whether somebody has to decide."""
        return self.has_ended and any(line.standing in UNDECIDED for line in self.lines)

    @property
    def counts(self) -> Counter[Standing]:
        """How many answers stand where."""
        return Counter(line.standing for line in self.lines)

    @property
    def waiting(self) -> LateDecision | None:
        """The proposal that waits for a second person."""
        return next((one for one in self.decisions if one.state is LateState.PROPOSED), None)


def view_seat(session: Session, exam_session_id: uuid.UUID, registration_id: uuid.UUID, *, actor: Actor) -> LateSeat:
    """Return the late answers of a candidate in the actor's reach; raises NotFoundError."""
    attempt = merging.open_seat(session, exam_session_id, registration_id, actor=actor)
    sitting = planning.get_session(session, exam_session_id, actor=actor)
    return _seats(session, [attempt], sitting)[0]


def list_seats(
    session: Session, exam_session_id: uuid.UUID, *, actor: Actor
) -> tuple[ExamSession, list[tuple[SeatRow, LateSeat]]]:
    """Return a session and who of it in the actor's reach has late answers, those that wait for a decision first."""
    require(actor, Permission.SESSION_INVIGILATE)
    sitting = planning.get_session(session, exam_session_id, actor=actor)
    rooms = {room.exam_room_id for room in rooms_in_reach(session, exam_session_id, actor=actor)}
    if not rooms:
        raise NotFoundError(N_("您没有被安排在这场考试监考，请联系考务管理员"))
    recusal.check_console(session, actor, sitting, rooms)
    people = attempts_repository.list_seats(session, exam_session_id, room_ids=rooms, actor=actor)
    rows = {row.attempt_id: row for row in people}
    attempts = repository.attempts_with_late(session, exam_session_id, actor=actor)
    mine = [attempt for attempt in attempts if attempt.attempt_id in rows]
    seats = [(rows[one.attempt.attempt_id], one) for one in _seats(session, mine, sitting)]
    return sitting, sorted(seats, key=lambda pair: (not pair[1].is_undecided, pair[0].admission_number or ""))


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept of late answers, and where each of them stands, by attempt."""

    late: Mapping[uuid.UUID, Sequence[LateAnswer]]
    known: Mapping[uuid.UUID, Mapping[int, Known]]
    decisions: Mapping[uuid.UUID, Sequence[LateDecision]]
    rule: str

    def standings(self, attempt_id: uuid.UUID) -> dict[Number, Standing]:
        """Return where each late answer of an attempt stands."""
        answers = [one.answer for one in self.late.get(attempt_id, ())]
        decided = _decided(self.decisions.get(attempt_id, ()))
        return standings(answers, self.known.get(attempt_id, {}), decided, rule=self.rule)


def _kept(session: Session, attempt_ids: Sequence[uuid.UUID], organisation_id: uuid.UUID) -> _Kept:
    late = repository.late_answers(session, attempt_ids)
    known = merging_repository.known_answers(session, list(late), beside_late=True)
    return _Kept(late, known, repository.decisions_of(session, attempt_ids), _rule(session, organisation_id))


def _rule(session: Session, organisation_id: uuid.UUID) -> str:
    return str(profiles.value(session, organisation_id, LATE_ANSWER_RULE))


def _seats(session: Session, attempts: Sequence[Attempt], sitting: ExamSession) -> list[LateSeat]:
    kept = _kept(session, [attempt.attempt_id for attempt in attempts], sitting.organisation_id)
    return [
        LateSeat(attempt, sitting, _lines(attempt, kept), kept.decisions.get(attempt.attempt_id, ()))
        for attempt in attempts
    ]


def _lines(attempt: Attempt, kept: _Kept) -> list[LateLine]:
    standing, known = kept.standings(attempt.attempt_id), kept.known.get(attempt.attempt_id, {})
    places = places_of(attempt.layout)
    lines = [
        LateLine(
            late=one,
            place=places.get(one.answer.slot, one.answer.slot),
            seconds=seconds_after(one.received_at, attempt.deadline_at, attempt.submitted_at),
            standing=standing[one.answer.number],
            had_answer=one.answer.slot in known and is_answered(json.loads(known[one.answer.slot].response)),
        )
        for one in kept.late.get(attempt.attempt_id, ())
    ]
    return sorted(lines, key=lambda line: (line.place, line.late.answer.generation, line.late.answer.seq))


def _decided(decisions: Sequence[LateDecision]) -> dict[Number, Standing]:
    return {(slot, seq): DECIDED[one.state] for one in decisions if one.state in DECIDED for slot, seq in one.answers}


def decided_here(session: Session, attempt: Attempt) -> list[GivenAnswer]:
    """Return the late answers of an attempt about which this way decides; a rescue file that holds them too leaves them to it."""
    if _rule(session, attempt.organisation_id) == LateAnswerRule.NEVER or attempt.registration_id is None:
        return []
    return [one.answer for one in repository.late_answers(session, [attempt.attempt_id])[attempt.attempt_id]]


def count_undecided(session: Session, sittings: Sequence[ExamSession], *, actor: Actor) -> dict[uuid.UUID, int]:
    """Return how many candidates of each session have late answers about which nobody has decided; the others are left out."""
    keys = [sitting.exam_session_id for sitting in sittings if sitting.cancelled_at is None]
    ended = repository.ended_with_late(session, keys, actor=actor)
    if not ended:
        return {}
    kept = _kept(session, list(ended), actor.organisation)
    return Counter(ended[key] for key in ended if not UNDECIDED.isdisjoint(kept.standings(key).values()))


def waiting_sessions(session: Session, *, actor: Actor) -> list[tuple[ExamSession, int]]:
    """Return the sessions, not released yet, with how many candidates wait for a decision."""
    rows, _n = planning.list_sessions(session, actor=actor, statuses=WAITING_SESSIONS, per_page=MOST_SESSIONS)
    sittings = [sitting for sitting, _batch in rows]
    waiting = count_undecided(session, sittings, actor=actor)
    return [(one, waiting[one.exam_session_id]) for one in sittings if one.exam_session_id in waiting]


def release_blockers(session: Session, sittings: Sequence[ExamSession], *, actor: Actor) -> Iterator[Blocker]:
    """Yield the sessions whose late answers, of the network or of rescue files, nobody has decided about."""
    here = [sitting for sitting in sittings if sitting.cancelled_at is None]
    late = count_undecided(session, here, actor=actor)
    files = rescue_repository.count_held_by_session(session, [one.exam_session_id for one in here])
    for sitting in here:
        if n := late.get(sitting.exam_session_id):
            message = N_("场次“%(name)s”有 %(n)s 名考生的迟到答案还没有裁定，裁定后才能发布")
            yield Blocker(message, "late_answers", {"name": sitting.name, "n": n})
        if n := files.get(sitting.exam_session_id):
            message = N_("场次“%(name)s”有 %(n)s 个应急文件的迟到答案还没有裁定，裁定后才能发布")
            yield Blocker(message, "rescue_files", {"name": sitting.name, "n": n})


def propose(
    uow: UnitOfWork,
    exam_session_id: uuid.UUID,
    registration_id: uuid.UUID,
    *,
    numbers: Collection[Number],
    does_count: bool,
    why: Why,
) -> LateDecision:
    """Propose to let late answers of one candidate count, or not; nothing changes until another person confirms it.

    Raises
    ------
    ConflictError
        If results are out, the candidate still writes, a proposal waits, or an answer is decided already.
    """
    require(uow.actor, Permission.SESSION_INVIGILATE)
    sitting = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    attempt = merging.open_seat(uow.session, exam_session_id, registration_id, actor=uow.actor)
    attempt = attempts_repository.lock_attempt(uow.session, attempt.attempt_id, actor=uow.actor)
    seat = _seats(uow.session, [attempt], sitting)[0]
    _check_open(seat)
    chosen = _chosen(seat, numbers)
    row = LateDecision(
        organisation_id=attempt.organisation_id, exam_session_id=exam_session_id, attempt_id=attempt.attempt_id,
        answers=[list(one) for one in chosen], does_count=does_count, reason_code=why.code.value, reason=why.text,
        state=LateState.PROPOSED, proposed_by=uow.actor.user_id, proposed_at=now(),
    )  # fmt: skip
    uow.add(row)
    uow.flush()
    _note(uow, row, attempt, why.text, row.proposed_at)
    record_act(uow, "late_answers.propose", attempt, why, {"answers": row.answers, "counts": does_count})
    return row


def _check_open(seat: LateSeat) -> None:
    merging.check_unreleased(seat.sitting)
    if not seat.has_ended:
        raise ConflictError(N_("考生还可以作答，电脑会自动重新上传，收卷以后再裁定"))
    if seat.waiting:
        raise ConflictError(N_("已有一项提议待另一人确认，请先确认或驳回"))


def _chosen(seat: LateSeat, numbers: Collection[Number]) -> list[Number]:
    if not numbers:
        raise InvalidInputError(N_("请选择要裁定的答案"), fields={"answer": [N_("请选择要裁定的答案")]})
    waiting = {line.late.answer.number for line in seat.lines if line.standing is Standing.OPEN}
    if not waiting.issuperset(numbers):
        raise ConflictError(N_("有答案已经裁定，或不再需要裁定，请刷新页面后重新选择"))
    return sorted(numbers)


def decide(uow: UnitOfWork, late_decision_id: uuid.UUID, *, confirms: bool, reason: str) -> LateDecision:
    """Confirm or decline what somebody else proposed; what was declined may be proposed otherwise.

    Raises
    ------
    ConflictError
        If it was decided meanwhile, the same person proposed it, or results are out.
    """
    require(uow.actor, Permission.SESSION_CONTROL)
    attempt, row, sitting = _locked(uow, late_decision_id)
    _check_decision(uow, row, sitting, reason)
    at = now()
    if confirms and row.does_count:
        merging.check_countable(attempt)
        merging.count_late(uow, attempt, sitting, _newest(uow.session, attempt, row), at)
    row.state = _state_of(confirms=confirms, does_count=row.does_count)
    row.decided_by, row.decided_at, row.decision_reason = uow.actor.user_id, at, reason.strip()
    _note(uow, row, attempt, reason.strip(), at)
    after = {"answers": row.answers, "state": row.state.value, "receipt": (attempt.receipt or {}).get("digest")}
    audit.record(uow, "late_answers.decide", "attempt", attempt.attempt_id, after=after, reason=reason.strip())
    return row


def _locked(uow: UnitOfWork, late_decision_id: uuid.UUID) -> tuple[Attempt, LateDecision, ExamSession]:
    row = repository.get_decision(uow.session, late_decision_id, actor=uow.actor)
    check_attempt_in_reach(uow.session, row.exam_session_id, row.attempt_id, actor=uow.actor)
    sitting = planning.lock_session(uow.session, row.exam_session_id, actor=uow.actor)
    attempt = attempts_repository.lock_attempt(uow.session, row.attempt_id, actor=uow.actor)
    return attempt, repository.get_decision(uow.session, late_decision_id, actor=uow.actor, lock=True), sitting


def _check_decision(uow: UnitOfWork, row: LateDecision, sitting: ExamSession, reason: str) -> None:
    if row.state is not LateState.PROPOSED:
        raise ConflictError(N_("这项提议已经裁定，请刷新页面"))
    if row.proposed_by == uow.actor.user_id:
        raise ConflictError(N_("提出的人不能裁定自己的提议，请另一名有权限的人员处理"))
    merging.check_unreleased(sitting)
    merging.check_reason(reason)


def _newest(session: Session, attempt: Attempt, row: LateDecision) -> list[GivenAnswer]:
    """Return the proposed answers that are still newer than what counts, in the order of the protocol."""
    numbers = {(slot, seq) for slot, seq in row.answers}
    late = repository.late_answers(session, [attempt.attempt_id])[attempt.attempt_id]
    known = merging_repository.known_answers(session, [attempt.attempt_id])[attempt.attempt_id]
    judged = judge([one.answer for one in late if one.answer.number in numbers], known, until=ALL_LATE)
    return [answer for answer, verdict in judged if verdict is Verdict.LATE]


def _state_of(*, confirms: bool, does_count: bool) -> LateState:
    if not confirms:
        return LateState.DECLINED
    return LateState.COUNTED if does_count else LateState.LEFT_OUT


def _note(uow: UnitOfWork, row: LateDecision, attempt: Attempt, reason: str, at: datetime) -> None:
    wanted = "计入" if row.does_count else "不计入"
    text = f"{len(row.answers)} 条迟到的答案，提议{wanted}，{STATE_LABELS[row.state]}：{reason}"
    note_act(uow, attempt, "late_answers", text, at)

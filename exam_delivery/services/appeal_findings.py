"""How a score came about, what a reviewer concludes from it, and how a conclusion takes effect by the ordinary ways."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    KeyChange,
    Mark,
    Registration,
    ResultRuling,
    ScoreRecord,
    ScoreReviewRequest,
    ScoreSource,
    SessionStatus,
    SlotScore,
)
from exam_delivery.repository import appeals as repository
from exam_delivery.repository import attempts_planning, candidates, planning
from exam_delivery.repository import rulings as rulings_repository
from exam_delivery.repository import scores as scores_repository
from exam_delivery.repository.marking_results import counted_marks
from exam_delivery.rules import appeals as rules
from exam_delivery.rules.appeals import Checked, Evidence, Remedy, RequestOutcome, RequestState, RequestSubject
from exam_delivery.rules.rulings import WITHOUT_LOSS, RulingState
from exam_delivery.rules.scoring import AttemptResult, KeyedSlot, ScoringKey, SlotResult, response_text, stored_digest
from exam_delivery.services import appeals, equated_scores, release, rulings, scoring
from exam_delivery.services.scoring import Answers, Keys
from item_templates import registry
from item_templates.rounding import decimal_text
from kernel.clock import now
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

SHORTEST_FINDING = 10
LONGEST_FINDING = 2000


@dataclass(frozen=True, slots=True)
class SlotLine:
    """How one slot got its score: the answer, the key that counts now, what is stored and what scoring again gives."""

    keyed: KeyedSlot
    response: str
    key_text: str
    stored: SlotScore | None
    again: SlotResult
    marks: Sequence[Mark]
    is_doubted: bool

    @property
    def is_marked(self) -> bool:
        """Whether a person gave the score."""
        return self.stored is not None and self.stored.source is ScoreSource.HUMAN

    @property
    def differs(self) -> bool:
        """Whether scoring again gives something else than what is stored."""
        return self.stored is not None and self.stored.score != self.again.score


@dataclass(frozen=True, slots=True)
class Derivation:
    """How a score came about, without the person's name."""

    attempt: Attempt
    record: ScoreRecord | None
    checks: tuple[Checked, ...]
    slots: tuple[SlotLine, ...]
    again: Decimal | None


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a reviewer concludes; `marks` are typed marks by slot."""

    outcome: str
    finding: str
    remedy: str = Remedy.NONE.value
    marks: Mapping[int, str] | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """Everything a derivation is made from."""

    attempt: Attempt
    key: ScoringKey
    answers: Answers
    record: ScoreRecord | None
    stored: Sequence[SlotScore]
    again: AttemptResult


def derive(session: Session, actor: Actor, request: ScoreReviewRequest) -> Derivation | None:
    """Return how the score of a request came about, None for somebody who never sat.

    Raises
    ------
    NotFoundError
        If the key of the form cannot be opened.
    """
    registration = candidates.get_registration(session, request.registration_id, actor=actor)
    attempt = attempts_planning.find_attempt_of(session, registration.registration_id)
    if attempt is None or attempt.submitted_at is None:
        return None
    known = _gather(session, attempt)
    checks = _checks(known, _released_raw(session, actor, registration, known))
    return Derivation(attempt, known.record, checks, tuple(_lines(session, known, request)), known.again.score)


def _gather(session: Session, attempt: Attempt) -> _Known:
    key = Keys(attempt.organisation_id).get(session, attempt.form_id)
    if not isinstance(key, ScoringKey):
        raise NotFoundError(N_("试卷的评分部分无法打开，请联系管理员"))
    answers = _answers(session, attempt.attempt_id)
    record = scoring.record_of(session, attempt.attempt_id)
    stored = scores_repository.slot_scores(session, record.score_record_id) if record else ()
    return _Known(attempt, key, answers, record, stored, scoring.score_answers(key, answers))


def _answers(session: Session, attempt_id: uuid.UUID) -> Answers:
    ids = [attempt_id]
    return Answers(
        scores_repository.load_responses(session, ids)[attempt_id],
        counted_marks(session, ids)[attempt_id],
        scores_repository.load_places(session, ids)[attempt_id],
    )


def _released_raw(session: Session, actor: Actor, registration: Registration, known: _Known) -> Decimal | None:
    """Return the score that was released last for a person; the raw score where that one, equated, is what was released."""
    raw = known.record.score if known.record else None
    for released in reversed(repository.releases_of_batch(session, registration.exam_batch_id, actor=actor)):
        for key, _outcome, score, _record in released.results:
            if key == str(registration.registration_id):
                said = None if score is None else Decimal(score)
                equated = equated_scores.equated_in(session, actor, released, known.attempt.form_id, raw)
                return raw if said == equated else said
    return None


def _checks(known: _Known, released: Decimal | None) -> tuple[Checked, ...]:
    slots = tuple(SlotResult(one.slot, one.score, one.max_score, one.outcome) for one in known.stored)
    kept = AttemptResult(slots, known.again.max_score)
    evidence = Evidence(
        receipt_digest=str((known.attempt.receipt or {}).get("digest") or ""),
        stored_digest=stored_digest(known.answers.responses), slots=[one.score for one in known.stored],
        score=known.record.score if known.record else None, score_again=known.again.score, released=released,
    )  # fmt: skip
    return rules.check_evidence(evidence, kept.score if slots else None)


def _lines(session: Session, known: _Known, request: ScoreReviewRequest) -> Iterator[SlotLine]:
    kept = {one.slot: one for one in known.stored}
    anew = {one.slot: one for one in known.again.slots}
    changed = {one.slot: one.key for one in known.key.amendments if one.key is not None}
    marks = repository.marks_of(session, known.attempt.attempt_id)
    for keyed in known.key.slots:
        slot = keyed.slot
        yield SlotLine(
            keyed, response_text(known.answers.responses.get(slot)), _key_text(keyed, changed), kept.get(slot),
            anew[slot], marks.get(slot, ()), slot in request.slots,
        )  # fmt: skip


def _key_text(keyed: KeyedSlot, changed: Mapping[int, object]) -> str:
    content = replace(keyed.content, key=changed[keyed.slot]) if keyed.slot in changed else keyed.content
    return registry.get(content.type).key_text(content) if content.key is not None else ""


# --- the reviewer's conclusion ---------------------------------------------------------------------------------------


def conclude(uow: UnitOfWork, request_id: uuid.UUID, conclusion: Conclusion) -> ScoreReviewRequest:
    """Write down what the reviewer found; nothing changes until another person closes the request.

    Raises
    ------
    ForbiddenError
        If the request is somebody else's.
    InvalidInputError
        With what to mend, by field.
    """
    request = repository.get_request(uow.session, request_id, actor=uow.actor, lock=True)
    if request.reviewer_id is None or request.reviewer_id != uow.actor.user_id:
        raise ForbiddenError(N_("这件申请不是由您复核"))
    rules.check_step(request.state, RequestState.CONCLUDED)
    outcome, remedy = _checked(request, conclusion)
    marks = _checked_marks(uow, request, conclusion.marks or {}) if remedy is Remedy.REMARK else None
    request.outcome, request.remedy, request.marks = outcome, remedy, marks
    request.finding, request.concluded_at = conclusion.finding.strip()[:LONGEST_FINDING], now()
    appeals.step(uow, request, RequestState.CONCLUDED, request.finding)
    return request


def _checked(request: ScoreReviewRequest, conclusion: Conclusion) -> tuple[RequestOutcome, Remedy]:
    problems: dict[str, list[str]] = {}
    if conclusion.outcome not in set(RequestOutcome):
        problems["outcome"] = [N_("请选择复核结论")]
    if len(conclusion.finding.strip()) < SHORTEST_FINDING:
        problems["finding"] = [N_("请写明复核的经过和依据，至少 10 个字")]
    is_changed = conclusion.outcome == RequestOutcome.CHANGED
    if is_changed and conclusion.remedy not in set(Remedy) - {Remedy.NONE}:
        problems["remedy"] = [N_("请选择怎样更正")]
    if is_changed and conclusion.remedy == Remedy.RULING and request.subject is not RequestSubject.RULING:
        problems["remedy"] = [N_("这件申请没有针对处理决定")]
    if problems:
        raise InvalidInputError(N_("请改正标出的内容"), fields=problems)
    outcome = RequestOutcome(conclusion.outcome)
    return outcome, Remedy(conclusion.remedy) if is_changed else Remedy.NONE


def _checked_marks(uow: UnitOfWork, request: ScoreReviewRequest, typed: Mapping[int, str]) -> dict[str, str]:
    """Return the marks that a reviewer gives, as text by slot; only what a person marks may be marked again."""
    found = derive(uow.session, uow.actor, request)
    lines = {line.keyed.slot: line for line in found.slots if line.is_marked} if found else {}
    given: dict[str, str] = {}
    problems: dict[str, list[str]] = {}
    for slot, text in typed.items():
        if slot not in lines or not text.strip():
            continue
        try:
            given[str(slot)] = decimal_text(_parse_mark(text, lines[slot].keyed.max_score))
        except InvalidInputError as error:
            problems[f"mark-{slot}"] = [error.template]
    if not given and not problems:
        problems["remedy"] = [N_("请填写重新评阅的分数")]
    if problems:
        raise InvalidInputError(N_("请改正标出的内容"), fields=problems)
    return given


def _parse_mark(text: str, max_score: Decimal) -> Decimal:
    try:
        score = Decimal(text.strip())
    except InvalidOperation:
        score = Decimal(-1)
    if not (score.is_finite() and 0 <= score <= max_score):
        raise InvalidInputError(N_("请填写 0 至满分之间的分数"))
    return score


# --- closing ---------------------------------------------------------------------------------------------------------


def close(uow: UnitOfWork, request_id: uuid.UUID, *, key_change_id: uuid.UUID | None = None) -> ScoreReviewRequest:
    """Close a request as it was concluded; what it changes goes the ordinary way, in the same transaction.

    Raises
    ------
    ForbiddenError
        If the reviewer tries to close it.
    ConflictError
        If the key-change case that it needs was not applied yet.
    """
    require(uow.actor, Permission.SCORE_RELEASE)
    request = repository.get_request(uow.session, request_id, actor=uow.actor, lock=True)
    rules.check_step(request.state, RequestState.CLOSED)
    appeals.require_not_reviewer(uow.actor, request)
    registration = candidates.get_registration(uow.session, request.registration_id, actor=uow.actor)
    _take_effect(uow, request, registration, key_change_id)
    uow.flush()  # the score and the release read what took effect
    _follow_up(uow, registration)
    request.score_after = appeals.score_of(uow.session, registration)
    request.closed_by, request.closed_by_name, request.closed_at = uow.actor.user_id, uow.actor.name[:100], now()
    appeals.step(uow, request, RequestState.CLOSED)
    return request


def _take_effect(
    uow: UnitOfWork, request: ScoreReviewRequest, registration: Registration, key_change_id: uuid.UUID | None
) -> None:
    if request.remedy is Remedy.KEY_CHANGE:
        request.key_change_id = _applied_case(uow, request, key_change_id).key_change_id
    elif request.remedy is Remedy.RULING and request.result_ruling_id is not None:
        rulings.reverse(uow, request.result_ruling_id, reason=f"{request.code}：{request.finding}")
    elif request.remedy is Remedy.RULING:
        request.result_ruling_id = _excusing_ruling(uow, request).result_ruling_id
    elif request.remedy in {Remedy.RESCORE, Remedy.REMARK}:
        attempt = _attempt_of(uow.session, registration)
        scores_repository.lock_attempt(uow.session, attempt.attempt_id, actor=uow.actor)
        for slot, text in (request.marks or {}).items():
            _add_mark(uow, attempt, request, int(slot), Decimal(text))
        uow.flush()  # scoring reads the marks
        scoring.score_attempts(uow, [attempt.attempt_id], Keys(attempt.organisation_id), None)


def _excusing_ruling(uow: UnitOfWork, request: ScoreReviewRequest) -> ResultRuling:
    """Return the ruling that excuses a plain absence: decided by two people after the request came."""
    for one in rulings_repository.rulings_of(uow.session, request.registration_id, actor=uow.actor):
        is_new = one.decided_at is not None and one.decided_at >= request.entered_at
        if is_new and one.state is RulingState.IN_FORCE and one.kind in WITHOUT_LOSS:
            return one
    message = N_("请先登记因病缺考或其他正当缺考的处理决定，并由另一人批准，再办结这件申请")
    raise ConflictError(message)


def _attempt_of(session: Session, registration: Registration) -> Attempt:
    attempt = attempts_planning.find_attempt_of(session, registration.registration_id)
    if attempt is None:
        raise ConflictError(N_("此人没有作答记录，不能重新计分"))
    return attempt


def _applied_case(uow: UnitOfWork, request: ScoreReviewRequest, key_change_id: uuid.UUID | None) -> KeyChange:
    """Return the applied key-change case that answers a request: about the same form, decided after the request came."""
    for change in possible_cases(uow.session, uow.actor, request):
        if change.key_change_id == key_change_id:
            return change
    message = N_("请选择为这件申请办理并已生效的答案变更案；还没有办理的请先办理")
    raise ConflictError(message)


def possible_cases(session: Session, actor: Actor, request: ScoreReviewRequest) -> Sequence[KeyChange]:
    """Return the key-change cases that may answer a request."""
    attempt = attempts_planning.find_attempt_of(session, request.registration_id)
    if attempt is None or request.remedy is not Remedy.KEY_CHANGE:
        return ()
    return repository.applied_since(session, attempt.form_id, request.entered_at, actor=actor)


def _add_mark(uow: UnitOfWork, attempt: Attempt, request: ScoreReviewRequest, slot: int, score: Decimal) -> None:
    """Add the reviewer's mark as the deciding one; the marks before it stay."""
    former = repository.marks_of(uow.session, attempt.attempt_id).get(slot, [])
    uow.add(
        Mark(
            organisation_id=attempt.organisation_id, attempt_id=attempt.attempt_id, slot=slot,
            number=max((one.number for one in former), default=0) + 1, score=score,
            max_score=former[-1].max_score if former else score, comment=f"{request.code} 复核"[:500], is_final=True,
            marked_by=request.reviewer_id, marked_at=now(),
        )
    )  # fmt: skip


def _follow_up(uow: UnitOfWork, registration: Registration) -> None:
    """Hand a correction over when the batch was released, else let the session's state follow."""
    if registration.exam_session_id is None:
        return
    row = planning.get_session(uow.session, registration.exam_session_id, actor=uow.actor)
    if row.status is SessionStatus.RELEASED:
        release.release_correction(uow, registration.exam_batch_id)
    else:
        scoring.settle(uow, row.exam_session_id)

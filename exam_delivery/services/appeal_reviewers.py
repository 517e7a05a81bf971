"""Who may look into a request: nobody who had a hand in the result, nobody whom a rule of recusal keeps from the candidate."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy.orm import Session

from blueprints import public as blueprints
from exam_delivery.models import Attempt, Registration, ScoreReviewRequest
from exam_delivery.repository import appeals as repository
from exam_delivery.repository import attempts_planning, candidates, planning
from exam_delivery.repository import rulings as rulings_repository
from exam_delivery.repository import scores as scores_repository
from exam_delivery.rules.appeals import Involvement, reasons_against
from exam_delivery.services.recusal import candidate_party
from kernel import conflicts
from kernel.conflicts import CycleRole, Party, Severity
from kernel.conflicts.rules import CYCLE_LABELS
from kernel.errors import ForbiddenError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor

MARKED, SCORED, RELEASED = N_("评阅了这份答卷"), N_("组织了评分"), N_("发布了这批成绩")
PROPOSED_KEY, APPROVED_KEY = N_("提出过这份试卷的答案变更"), N_("批准过这份试卷的答案变更")
REVIEWED, CLOSED = N_("复核过此人的上一件申请"), N_("办结过此人的上一件申请")
PROPOSED_RULING, DECIDED_RULING = N_("提出了处理决定"), N_("作出了处理决定")
INVIGILATED = N_("监考了此人的考场")


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Somebody who could look into a request; `reasons` are roles to translate, `rules` texts of recusal."""

    user_id: uuid.UUID
    name: str
    reasons: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()

    @property
    def is_independent(self) -> bool:
        """Whether nothing speaks against it."""
        return not (self.reasons or self.rules)


def involved(session: Session, actor: Actor, request: ScoreReviewRequest) -> list[Involvement]:
    """Return everybody who had a hand in the result that a request is about."""
    registration = candidates.get_registration(session, request.registration_id, actor=actor)
    attempt = attempts_planning.find_attempt_of(session, registration.registration_id)
    found = [*_of_batch(session, actor, request), *_of_room(session, actor, registration)]
    return [*found, *_of_attempt(session, actor, attempt)] if attempt else found


def _of_batch(session: Session, actor: Actor, request: ScoreReviewRequest) -> Iterator[Involvement]:
    for release in repository.releases_of_batch(session, request.exam_batch_id, actor=actor):
        yield Involvement(release.released_by, RELEASED)
    for former in repository.requests_of(session, request.registration_id, actor=actor):
        if former.score_review_request_id != request.score_review_request_id:
            yield Involvement(former.reviewer_id, REVIEWED)
            yield Involvement(former.closed_by, CLOSED)
    for ruling in rulings_repository.rulings_of(session, request.registration_id, actor=actor):
        yield Involvement(ruling.proposed_by, PROPOSED_RULING)
        yield Involvement(ruling.decided_by, DECIDED_RULING)


def _of_room(session: Session, actor: Actor, registration: Registration) -> Iterator[Involvement]:
    if registration.exam_session_id is None:
        return
    for used, _room in planning.rooms_of_session(session, registration.exam_session_id, actor=actor):
        if used.exam_room_id == registration.exam_room_id:
            yield from (Involvement(uuid.UUID(key), INVIGILATED) for key in used.invigilator_ids)


def _of_attempt(session: Session, actor: Actor, attempt: Attempt) -> Iterator[Involvement]:
    for key in sorted(repository.markers_of(session, attempt.attempt_id)):
        yield Involvement(key, MARKED)
    for party in blueprints.form_people(session, actor, [attempt.form_id]):
        yield Involvement(party.user_id, CYCLE_LABELS[party.role])
    for change in repository.changes_of_form(session, attempt.form_id, actor=actor):
        yield Involvement(change.proposed_by, PROPOSED_KEY)
        yield Involvement(change.decided_by, APPROVED_KEY)
    for record in scores_repository.records_of_attempt(session, attempt.attempt_id):
        yield Involvement(record.created_by, SCORED)


def possible_reviewers(session: Session, actor: Actor, request: ScoreReviewRequest) -> list[Reviewer]:
    """Return the people whose role allows it, the independent first, the others with what speaks against them."""
    known = involved(session, actor, request)
    registration = candidates.get_registration(session, request.registration_id, actor=actor)
    candidate = candidate_party(candidates.get_candidate(session, registration.candidate_id, actor=actor))
    people = repository.list_possible_reviewers(session, actor=actor)
    parties = [Party(CycleRole.MARKER, key, name) for key, name in people]
    refused: dict[uuid.UUID | None, list[str]] = {}
    for conflict in conflicts.find(session, actor.organisation, parties, [candidate]):
        if conflict.severity is Severity.REFUSE:
            refused.setdefault(conflict.first.user_id, []).append(conflict.rule.rule_id)
    found = [Reviewer(key, name, reasons_against(key, known), tuple(refused.get(key, ()))) for key, name in people]
    return sorted(found, key=lambda one: not one.is_independent)


def require_independent(session: Session, actor: Actor, request: ScoreReviewRequest, user_id: uuid.UUID) -> Reviewer:
    """Return somebody who may look into a request.

    Raises
    ------
    NotFoundError
        If there is nobody like that in the organisation.
    ForbiddenError
        If they had a hand in the result, or a rule of recusal forbids it; the message says which.
    """
    reviewer = next((one for one in possible_reviewers(session, actor, request) if one.user_id == user_id), None)
    if reviewer is None:
        raise NotFoundError(N_("复核人不存在，或没有阅卷、查看成绩的权限"))
    if reviewer.rules:
        raise ForbiddenError(N_("按回避规则 %(rules)s，不能由这个人复核"), rules="、".join(reviewer.rules))
    if reviewer.reasons:
        raise ForbiddenError(N_("这个人参与过这份成绩的产生，不能复核，请另选一人"))
    return reviewer

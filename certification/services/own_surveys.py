"""满意度调查 as candidates answer it: once, for good, and without a way from the answer back to the person.

The journal gets no entry of an answer: beside a sign-in it would tell the minute in which somebody answered.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from certification.models import BatchSurvey, CertificationBatch, SurveyAnswer, SurveyParticipation
from certification.repository import surveys as repository
from certification.rules.surveys import ASPECT_SETS, LONGEST_COMMENT, Grade, SurveyState
from certification.services.surveys import state_of
from exam_delivery.public_candidates import Proof
from kernel import crypto
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.spreadsheets import clean_text
from kernel.uow import UnitOfWork

PURPOSE = "survey-participation"
ANSWERED = N_("您已经提交过这份问卷。答卷不记名，提交后不能修改，也不能再次提交，谢谢您的参与。")
OVER = N_("这份问卷已经结束或还没有开始，不能提交")
UNCHOSEN = N_("请选择一项")


@dataclass(frozen=True, slots=True)
class OwnSurvey:
    """A survey that somebody may answer, or has answered."""

    survey: BatchSurvey
    batch: CertificationBatch
    is_open: bool
    has_answered: bool


def list_own_surveys(session: Session, actor: Actor, candidate_id: uuid.UUID) -> list[OwnSurvey]:
    """Return the surveys that are open to a person now, the newest first."""
    rows = repository.surveys_of(session, candidate_id, actor=actor)
    return [found for survey, batch in rows if (found := _own(session, survey, batch, candidate_id)).is_open]


def get_own_survey(session: Session, actor: Actor, candidate_id: uuid.UUID, survey_id: uuid.UUID) -> OwnSurvey:
    """Return a survey of a batch in which a person is; another does not exist."""
    for survey, batch in repository.surveys_of(session, candidate_id, actor=actor):
        if survey.batch_survey_id == survey_id:
            return _own(session, survey, batch, candidate_id)
    raise NotFoundError(repository.UNKNOWN)


def _own(session: Session, survey: BatchSurvey, batch: CertificationBatch, candidate_id: uuid.UUID) -> OwnSurvey:
    digest = _digest(survey, candidate_id)
    return OwnSurvey(
        survey, batch, state_of(survey) is SurveyState.OPEN, has_answered=repository.has_answered(session, digest)
    )


def _digest(survey: BatchSurvey, candidate_id: uuid.UUID) -> str:
    """Return by what is kept that somebody has answered: one digest a survey, so that two surveys tell nothing together."""
    return crypto.blind_index(crypto.purpose_key(PURPOSE), str(survey.batch_survey_id), str(candidate_id))


def answer_survey(
    uow: UnitOfWork, proof: Proof, survey_id: uuid.UUID, *, grades: Mapping[str, str], comment: str
) -> None:
    """Keep somebody's answer, and apart from it that they have answered.

    Raises
    ------
    ConflictError
        If they have answered already, or the survey is not open.
    InvalidInputError
        If a question was left out, or the comment is too long.
    """
    found = get_own_survey(uow.session, uow.actor, proof.candidate_id, survey_id)
    survey = repository.lock_survey(uow.session, found.batch.certification_batch_id, actor=uow.actor)
    digest = _digest(survey, proof.candidate_id)
    if repository.has_answered(uow.session, digest):
        raise ConflictError(ANSWERED)
    if state_of(survey) is not SurveyState.OPEN:
        raise ConflictError(OVER)
    chosen, words = _checked(survey.aspect_set, grades), _checked_comment(comment)
    shared = {"organisation_id": survey.organisation_id, "batch_survey_id": survey.batch_survey_id}
    uow.add(SurveyParticipation(participant_digest=digest, **shared))
    uow.add(SurveyAnswer(grades=chosen, comment=words, **shared))


def _checked(aspect_set: str, grades: Mapping[str, str]) -> dict[str, int]:
    known = {str(grade.value): grade.value for grade in Grade}
    aspects = ASPECT_SETS[aspect_set]
    missing = {code: [UNCHOSEN] for code in aspects if grades.get(code) not in known}
    if missing:
        raise InvalidInputError(UNCHOSEN, fields=missing)
    return {code: known[grades[code]] for code in aspects}


def _checked_comment(comment: str) -> str:
    words = clean_text("".join(one for one in comment if one.isprintable() or one in "\r\n"))
    if len(words) > LONGEST_COMMENT:
        message = N_("意见建议最多 500 个字")
        raise InvalidInputError(message, fields={"comment": [message]})
    return words

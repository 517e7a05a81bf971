"""Tables of exam delivery: planning, people, attempts and answers, scores."""

from exam_delivery.models.attempts import (
    Attempt,
    AttemptStatus,
    DeadlineChange,
    Incident,
    RenderedForm,
    ResponseEvent,
    ResponseState,
    SignInTry,
    SubmitKind,
)
from exam_delivery.models.planning import (
    BatchStatus,
    Candidate,
    ExamBatch,
    ExamRoom,
    ExamSession,
    Registration,
    RegistrationStatus,
    SessionRoom,
    SessionStatus,
)
from exam_delivery.models.scores import Mark, ScoreRecord, ScoreRelease, ScoreSource, ScoreStatus, SlotScore

__all__ = [
    "Attempt",
    "AttemptStatus",
    "BatchStatus",
    "Candidate",
    "DeadlineChange",
    "ExamBatch",
    "ExamRoom",
    "ExamSession",
    "Incident",
    "Mark",
    "Registration",
    "RegistrationStatus",
    "RenderedForm",
    "ResponseEvent",
    "ResponseState",
    "ScoreRecord",
    "ScoreRelease",
    "ScoreSource",
    "ScoreStatus",
    "SessionRoom",
    "SessionStatus",
    "SignInTry",
    "SlotScore",
    "SubmitKind",
]

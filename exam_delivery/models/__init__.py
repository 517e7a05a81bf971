"""Tables of exam delivery: planning, people, attempts and answers, scores."""

from exam_delivery.models.accommodations import Accommodation
from exam_delivery.models.analyses import SessionAnalysis
from exam_delivery.models.appeals import ScoreReviewEvent, ScoreReviewFile, ScoreReviewRequest
from exam_delivery.models.attempts import (
    Attempt,
    AttemptStatus,
    ContactGap,
    DeadlineChange,
    Incident,
    RenderedForm,
    ResponseEvent,
    ResponseState,
    SignInTry,
    SubmitKind,
)
from exam_delivery.models.devices import DeviceMove, RoomDevice
from exam_delivery.models.door_photos import DoorPhoto
from exam_delivery.models.draw_commitments import DrawCommitment, DrawReveal
from exam_delivery.models.equating import Equating
from exam_delivery.models.forensics import ForensicLead
from exam_delivery.models.key_changes import KeyChange
from exam_delivery.models.late_answers import LateDecision
from exam_delivery.models.leaving import LeaveEvent
from exam_delivery.models.lockdown import LockdownExemption, SessionLockdown
from exam_delivery.models.marking import (
    MarkingDesk,
    MarkingFlag,
    MarkingPause,
    MarkingPlan,
    MarkingStandard,
    MarkingTrial,
)
from exam_delivery.models.planning import (
    BatchStatus,
    Candidate,
    CandidatePhoto,
    ExamBatch,
    ExamDocument,
    ExamRoom,
    ExamSession,
    Registration,
    RegistrationStatus,
    RosterUpload,
    RosterUploadStatus,
    SessionRoom,
)
from exam_delivery.models.plans import ExamPlan, ExamPlanAmendment, ExamPlanLine, PlanStatus
from exam_delivery.models.readiness import LoadTrial, ReadinessOverride, RoomCheckCode, SeatCheck
from exam_delivery.models.reopening import SessionReopening
from exam_delivery.models.rescue import RescueFile
from exam_delivery.models.room import (
    IncidentEvidence,
    IncidentPerson,
    IncidentRoom,
    MisconductCase,
    MisconductSignature,
    RoomSignOff,
    SessionChange,
)
from exam_delivery.models.rulings import ResultRuling
from exam_delivery.models.scores import Mark, ScoreRecord, ScoreRelease, ScoreSource, ScoreStatus, SlotScore
from exam_delivery.models.standby import FormSwitch, SwitchedForm, VoidedAttempt
from exam_delivery.rules.states import SessionStatus

__all__ = [
    "Accommodation",
    "Attempt",
    "AttemptStatus",
    "BatchStatus",
    "Candidate",
    "CandidatePhoto",
    "ContactGap",
    "DeadlineChange",
    "DeviceMove",
    "DoorPhoto",
    "DrawCommitment",
    "DrawReveal",
    "Equating",
    "ExamBatch",
    "ExamDocument",
    "ExamPlan",
    "ExamPlanAmendment",
    "ExamPlanLine",
    "ExamRoom",
    "ExamSession",
    "ForensicLead",
    "FormSwitch",
    "Incident",
    "IncidentEvidence",
    "IncidentPerson",
    "IncidentRoom",
    "KeyChange",
    "LateDecision",
    "LeaveEvent",
    "LoadTrial",
    "LockdownExemption",
    "Mark",
    "MarkingDesk",
    "MarkingFlag",
    "MarkingPause",
    "MarkingPlan",
    "MarkingStandard",
    "MarkingTrial",
    "MisconductCase",
    "MisconductSignature",
    "PlanStatus",
    "ReadinessOverride",
    "Registration",
    "RegistrationStatus",
    "RenderedForm",
    "RescueFile",
    "ResponseEvent",
    "ResponseState",
    "ResultRuling",
    "RoomCheckCode",
    "RoomDevice",
    "RoomSignOff",
    "RosterUpload",
    "RosterUploadStatus",
    "ScoreRecord",
    "ScoreRelease",
    "ScoreReviewEvent",
    "ScoreReviewFile",
    "ScoreReviewRequest",
    "ScoreSource",
    "ScoreStatus",
    "SeatCheck",
    "SessionAnalysis",
    "SessionChange",
    "SessionLockdown",
    "SessionReopening",
    "SessionRoom",
    "SessionStatus",
    "SignInTry",
    "SlotScore",
    "SubmitKind",
    "SwitchedForm",
    "VoidedAttempt",
]

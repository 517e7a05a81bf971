"""Tables of certification."""

from certification.models.batches import (
    BatchStep,
    CertificationBatch,
    DeliveryStatus,
    FiledScope,
    ResultDelivery,
    ResultRecord,
)
from certification.models.blanks import CertificateBlank
from certification.models.candidates import CandidateConsent, ConsentAct, ConsentPurpose, CredentialEntry
from certification.models.certificates import (
    Certificate,
    CertificateAct,
    CertificateCounter,
    CertificateEvent,
    CertificateLookup,
    CertificateState,
    CertificationDocument,
)
from certification.models.decisions import (
    ComponentScore,
    Objection,
    ObjectionStatus,
    PassDecisionRecord,
    Publicity,
    RosterReturn,
    RosterStatus,
    RosterSubmission,
    ScoreOrigin,
)
from certification.models.double_entry import ScoreEntry
from certification.models.enterprise_levels import EnterpriseLevel
from certification.models.panels import (
    Assessment,
    AssessmentResult,
    AssessmentSignature,
    AssessmentState,
    AssessorGroup,
    AssessorMember,
    AssessorSheet,
    ScoreSheetTemplate,
)
from certification.models.part_scores import CarriedPart
from certification.models.proofs import ComponentProof, ProofStatus
from certification.models.retention import ErasureOrder, ErasureState
from certification.models.roster_files import AnswerFileStatus, RosterAnswerFile
from certification.models.senders import ScoreDelivery, ScoreDeliveryState, SendingSystem
from certification.models.seniors import (
    SeniorApplication,
    SeniorEvent,
    SeniorMaterial,
    SeniorObjection,
    SeniorPanelMember,
)
from certification.models.signing import CertificateStatement, EvidencePack, PackKind, SigningKey
from certification.models.surveys import BatchSurvey, SurveyAnswer, SurveyHandCount, SurveyParticipation
from certification.models.webhooks import MessageState, WebhookEndpoint, WebhookMessage

__all__ = [
    "AnswerFileStatus",
    "Assessment",
    "AssessmentResult",
    "AssessmentSignature",
    "AssessmentState",
    "AssessorGroup",
    "AssessorMember",
    "AssessorSheet",
    "BatchStep",
    "BatchSurvey",
    "CandidateConsent",
    "CarriedPart",
    "Certificate",
    "CertificateAct",
    "CertificateBlank",
    "CertificateCounter",
    "CertificateEvent",
    "CertificateLookup",
    "CertificateState",
    "CertificateStatement",
    "CertificationBatch",
    "CertificationDocument",
    "ComponentProof",
    "ComponentScore",
    "ConsentAct",
    "ConsentPurpose",
    "CredentialEntry",
    "DeliveryStatus",
    "EnterpriseLevel",
    "ErasureOrder",
    "ErasureState",
    "EvidencePack",
    "FiledScope",
    "MessageState",
    "Objection",
    "ObjectionStatus",
    "PackKind",
    "PassDecisionRecord",
    "ProofStatus",
    "Publicity",
    "ResultDelivery",
    "ResultRecord",
    "RosterAnswerFile",
    "RosterReturn",
    "RosterStatus",
    "RosterSubmission",
    "ScoreDelivery",
    "ScoreDeliveryState",
    "ScoreEntry",
    "ScoreOrigin",
    "ScoreSheetTemplate",
    "SendingSystem",
    "SeniorApplication",
    "SeniorEvent",
    "SeniorMaterial",
    "SeniorObjection",
    "SeniorPanelMember",
    "SigningKey",
    "SurveyAnswer",
    "SurveyHandCount",
    "SurveyParticipation",
    "WebhookEndpoint",
    "WebhookMessage",
]

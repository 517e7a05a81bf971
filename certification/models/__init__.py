"""Tables of certification."""

from certification.models.batches import (
    BatchStep,
    CertificationBatch,
    DeliveryStatus,
    FiledScope,
    ResultDelivery,
    ResultRecord,
)
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
from certification.models.part_scores import CarriedPart
from certification.models.signing import CertificateStatement, EvidencePack, PackKind, SigningKey
from certification.models.webhooks import MessageState, WebhookEndpoint, WebhookMessage

__all__ = [
    "BatchStep",
    "CarriedPart",
    "Certificate",
    "CertificateAct",
    "CertificateCounter",
    "CertificateEvent",
    "CertificateLookup",
    "CertificateState",
    "CertificateStatement",
    "CertificationBatch",
    "CertificationDocument",
    "ComponentScore",
    "DeliveryStatus",
    "EvidencePack",
    "FiledScope",
    "MessageState",
    "Objection",
    "ObjectionStatus",
    "PackKind",
    "PassDecisionRecord",
    "Publicity",
    "ResultDelivery",
    "ResultRecord",
    "RosterReturn",
    "RosterStatus",
    "RosterSubmission",
    "ScoreEntry",
    "ScoreOrigin",
    "SigningKey",
    "WebhookEndpoint",
    "WebhookMessage",
]

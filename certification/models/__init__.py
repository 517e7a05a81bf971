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

__all__ = [
    "BatchStep",
    "Certificate",
    "CertificateAct",
    "CertificateCounter",
    "CertificateEvent",
    "CertificateLookup",
    "CertificateState",
    "CertificationBatch",
    "CertificationDocument",
    "ComponentScore",
    "DeliveryStatus",
    "FiledScope",
    "Objection",
    "ObjectionStatus",
    "PassDecisionRecord",
    "Publicity",
    "ResultDelivery",
    "ResultRecord",
    "RosterReturn",
    "RosterStatus",
    "RosterSubmission",
    "ScoreOrigin",
]

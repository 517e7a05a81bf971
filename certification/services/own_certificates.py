"""What candidates see of their certification, what they agree to, and what they may download."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from certification.models import (
    CandidateConsent,
    Certificate,
    CertificateState,
    CertificationBatch,
    ComponentScore,
    ConsentAct,
    ConsentPurpose,
    Publicity,
    ResultRecord,
)
from certification.repository import candidates as repository
from certification.repository import publicity as publicity_repository
from certification.repository import scores as score_repository
from certification.rules.consents import CONSENT_TEXTS
from certification.rules.pass_decision import AssessmentMode, total_text
from certification.services import certificates, signing
from certification.services.lookup import state_on
from certification.services.scores import entered_text
from exam_delivery.public_candidates import Proof
from kernel import audit
from kernel.clock import now, today
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.uow import UnitOfWork

NOT_OFFERED = N_("发证机构还没有启用电子证书，请联系发证机构领取纸质证书")
NOT_VALID = N_("证书现在不是有效状态，不能下载，请联系发证机构")
NEEDS_CONSENT = N_("请先阅读并同意“%(label)s”的说明")


@dataclass(frozen=True, slots=True)
class OwnResult:
    """One result of a person; outcome and parts only once they were made public."""

    record: ResultRecord
    batch: CertificationBatch
    publicity: Publicity | None
    is_public: bool
    parts: tuple[tuple[AssessmentMode, str], ...]
    certificates: tuple[Certificate, ...]
    total: str = ""
    """The weighted total of the newest decision, empty where the rule asks for none."""


def list_results(session: Session, actor: Actor, candidate_id: uuid.UUID) -> list[OwnResult]:
    """Return what one person may see of their own results, the newest first."""
    rows = repository.records_of(session, candidate_id, actor=actor)
    issued = repository.certificates_of(session, [record.result_record_id for record, _batch in rows])
    return [_result(session, record, batch, issued) for record, batch in rows]


def _result(
    session: Session, record: ResultRecord, batch: CertificationBatch, issued: Sequence[Certificate]
) -> OwnResult:
    period = publicity_repository.find_publicity(session, batch.certification_batch_id)
    is_public = period is not None and period.starts_on <= today()
    scores = repository.scores_of(session, record.result_record_id) if is_public else {}
    own = tuple(one for one in issued if one.result_record_id == record.result_record_id)
    decided = score_repository.list_decisions(session, record.result_record_id)[:1] if is_public else ()
    total = "".join(total_text(one.reasons) for one in decided)
    return OwnResult(record, batch, period, is_public, tuple(_texts(scores)), own, total)


def _texts(scores: Mapping[AssessmentMode, ComponentScore]) -> list[tuple[AssessmentMode, str]]:
    return [(mode, entered_text(scores[mode])) for mode in AssessmentMode if mode in scores]


# --- consent ---------------------------------------------------------------------------------------------------------


def consents_of(session: Session, proof: Proof) -> dict[ConsentPurpose, CandidateConsent]:
    """Return the agreements of a person that hold: given, not taken back, in the present words."""
    return held_consents(session, proof.organisation_id, proof.candidate_id)


def held_consents(
    session: Session, organisation_id: uuid.UUID, candidate_id: uuid.UUID
) -> dict[ConsentPurpose, CandidateConsent]:
    """Return the agreements that hold, for those who make documents too."""
    rows = repository.newest_consents(session, organisation_id, candidate_id)
    return {
        purpose: row
        for purpose, row in rows.items()
        if row.act is ConsentAct.GIVEN and row.text_version == CONSENT_TEXTS[purpose].version
    }


def note_consent(
    uow: UnitOfWork, proof: Proof, *, purpose: str, act: str, text: str, address: str, device: str
) -> CandidateConsent:
    """Keep that a person agreed, or took an agreement back; `text` are the words they had before them.

    Raises
    ------
    InvalidInputError
        If there is no such purpose.
    ConflictError
        If there is nothing to take back.
    """
    if purpose not in set(ConsentPurpose) or act not in set(ConsentAct):
        raise InvalidInputError(N_("没有这一项同意"))
    wanted = ConsentPurpose(purpose)
    if act == ConsentAct.WITHDRAWN and wanted not in consents_of(uow.session, proof):
        raise ConflictError(N_("这一项没有同意过，或已经撤回"))
    row = CandidateConsent(
        organisation_id=proof.organisation_id, candidate_id=proof.candidate_id, purpose=wanted, act=ConsentAct(act),
        text_version=CONSENT_TEXTS[wanted].version, text=text, address=address[:64], device=device[:200], at=now(),
    )  # fmt: skip
    uow.add(row)
    after = {"purpose": wanted.value, "text_version": row.text_version}
    audit.record(uow, f"candidate.consent_{act}", "candidate", proof.candidate_id, after=after)
    return row


def require_consent(session: Session, proof: Proof, purpose: ConsentPurpose) -> None:
    """Refuse what a person has not agreed to."""
    if purpose not in consents_of(session, proof):
        raise ConflictError(NEEDS_CONSENT, label=CONSENT_TEXTS[purpose].label)


# --- downloads -------------------------------------------------------------------------------------------------------


def own_certificate(uow: UnitOfWork, proof: Proof, certificate_id: uuid.UUID) -> Certificate:
    """Return a certificate that its holder may take now.

    Raises
    ------
    NotFoundError
        If it is somebody else's.
    ConflictError
        Without the holder's agreement, while it is not valid, or when the organisation does not sign.
    """
    row = repository.lock_own_certificate(uow.session, proof.candidate_id, certificate_id, actor=uow.actor)
    require_consent(uow.session, proof, ConsentPurpose.E_CERTIFICATE)
    if state_on(row, today()) != CertificateState.VALID.value:
        raise ConflictError(NOT_VALID)
    if signing.find_key(uow.session, row.organisation_id) is None:
        raise ConflictError(NOT_OFFERED)
    return row


def take_ecertificate(uow: UnitOfWork, proof: Proof, certificate_id: uuid.UUID, *, base_url: str) -> tuple[str, bytes]:
    """Return name and content of a holder's own e-certificate; the taking is kept with the certificate."""
    row = own_certificate(uow, proof, certificate_id)
    name, content = certificates.make_ecertificate(uow, row, base_url=base_url, note=N_("考生本人下载电子证书"))
    audit.record(uow, "candidate.e_certificate", "certificate", certificate_id)
    return name, content

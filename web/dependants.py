"""Where a lower component asks what only a higher one knows: here the higher one is announced to it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from blueprints.public_panels import register_form_scores
from certification import public as certification
from exam_delivery import public_scores
from exam_delivery import public_sessions as exam_delivery
from exam_delivery.public import Consequences, HeldCertificate, register_consequences, register_doubts
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from qbank.public_changes import Affected, Dependant, register_dependant
from web.analysis.findings import count_alarms


def find_sessions(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> Sequence[Affected]:
    """Return the exam sessions of a level that have not ended."""
    return [
        Affected(
            N_("考试场次"),
            one.title,
            one.state,
            "exam_sessions.detail",
            {"exam_session_id": one.exam_session_id},
            Permission.SESSION_READ,
        )
        for one in exam_delivery.list_open_sessions(session, actor, standard_level_id)
    ]


register_dependant(Dependant("exam_delivery", find=find_sessions))


def find_certificates(
    session: Session, actor: Actor, attempt_ids: Sequence[uuid.UUID]
) -> Mapping[uuid.UUID, HeldCertificate]:
    """Return the certificates that rest on some attempts."""
    found = certification.find_certificates(session, actor, attempt_ids)
    return {key: HeldCertificate(number, state) for key, (number, state) in found.items()}


register_consequences(
    Consequences(passes=certification.theory_passes, certificates=find_certificates, outcomes=certification.try_scores)
)

register_doubts(count_alarms)

register_form_scores("exam_delivery", public_scores.form_scores_without_names)

"""Telling blueprints where and when forms are sat, for the ledger of exposure and for items taken out of use."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlalchemy.orm import Session

from blueprints.public_uses import FormSitting, register_uses
from exam_delivery.models import ExamSession, SessionStatus
from exam_delivery.repository import form_uses as repository
from exam_delivery.repository.form_uses import FormUse

NOT_BEGUN = frozenset({SessionStatus.PLANNED, SessionStatus.PREPARED})


def list_sittings(session: Session, organisation_id: uuid.UUID, form_ids: Collection[uuid.UUID]) -> list[FormSitting]:
    """Return each form's sittings by session and site; a session not yet prepared counts on a form without candidates."""
    wanted = set(form_ids)
    uses: dict[tuple[uuid.UUID, uuid.UUID], list[FormUse]] = {}
    for use in repository.count_uses(session, organisation_id, wanted):
        uses.setdefault((use.exam_session_id, use.form_id), []).append(use)
    found = []
    for row in repository.sessions_with_forms(session, organisation_id):
        for form_id in wanted & {uuid.UUID(str(one)) for one in row.form_ids}:
            here = uses.get((row.exam_session_id, form_id))
            if here is None and row.form_set_id is not None and row.status not in NOT_BEGUN:
                continue  # a form of a set that nobody was given is still unseen
            here = here or [FormUse(form_id, row.exam_session_id, "", 0, 0)]
            found += [_sitting(row, use) for use in here]
    return found


def _sitting(row: ExamSession, use: FormUse) -> FormSitting:
    return FormSitting(
        use.form_id, row.exam_session_id, row.name, use.site, row.starts_at, use.n_candidates, use.n_started,
        row.status not in NOT_BEGUN or use.n_started > 0, "exam_sessions.detail", {"exam_session_id": row.exam_session_id},
    )  # fmt: skip


register_uses("exam_delivery", list_sittings)

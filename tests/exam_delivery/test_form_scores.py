"""The marks of a form for standard setting: scored sittings only, the newest scoring, no other organisation's."""

from __future__ import annotations

import uuid

from sqlalchemy import select

from blueprints.services.panel_scores import scores_of_form
from exam_delivery.models import Attempt, ScoreRecord


def test_a_panel_learns_the_marks_of_scored_sittings_and_nothing_else(
    machine_world, session, organisation, other_organisation
):
    attempts = {row.attempt_id: row.form_id for row in session.scalars(select(Attempt))}
    records = session.scalars(select(ScoreRecord).order_by(ScoreRecord.number)).all()
    for form_id in set(attempts.values()):
        newest = {row.attempt_id: float(row.score) for row in records if attempts[row.attempt_id] == form_id}
        assert sorted(scores_of_form(session, organisation.organisation_id, form_id)) == sorted(newest.values())
        assert scores_of_form(session, other_organisation.organisation_id, form_id) == []
    assert scores_of_form(session, organisation.organisation_id, uuid.uuid4()) == []
    assert len(records) >= 2

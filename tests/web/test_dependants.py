"""A new edition names the sittings that count on the old one, though the bank knows no sitting."""

from __future__ import annotations

from datetime import timedelta

from exam_delivery.models import ExamBatch
from kernel.clock import now
from kernel.identity.actor import system_actor
from kernel.uow import unit_of_work
from qbank.services.dependants import find_affected
from tests.exam_delivery.sitting_cases import prepare


def test_open_sittings_of_a_level_are_named(session, organisation):
    actor = system_actor(organisation.organisation_id)
    with unit_of_work(actor) as uow:
        prepare(uow.session, organisation.organisation_id, n=1, n_rooms=1, starts_at=now() + timedelta(days=1))
    batch = session.query(ExamBatch).one()
    found = find_affected(session, actor, batch.standard_level_id)
    assert [(one.label, one.title) for one in found] == [("考试场次", f"{batch.name} 上午第一场")]
    assert find_affected(session, actor, batch.exam_batch_id) == []

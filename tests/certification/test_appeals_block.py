"""A batch with an open score check or appeal is not archived, and by rule its roster waits too."""

from __future__ import annotations

import datetime as dt

import pytest

from certification.rules.batch_states import BatchState
from certification.services import batches, rosters
from exam_delivery.public_appeals import OpenAppeals
from kernel.errors import ConflictError
from tests.factories.certification import candidate


@pytest.fixture
def appeals(monkeypatch):
    """Let a test say how many requests are open."""

    def say(n_open, *, blocks_roster):
        known = OpenAppeals(n_open, blocks_roster)
        monkeypatch.setattr(batches, "find_open_appeals", lambda *_args: known)

    return say


def test_a_batch_is_archived_only_when_no_request_is_open(office, appeals):
    batch_id = office.whole_way([candidate(1, score="80")], {"1": "75"})
    appeals(1, blocks_roster=False)
    with pytest.raises(ConflictError, match="复核或申诉没有办结"):
        office.act(batches.archive_batch, batch_id)
    appeals(0, blocks_roster=False)
    office.act(batches.archive_batch, batch_id)
    assert office.batch(batch_id).state is BatchState.ARCHIVED


def test_the_roster_waits_where_the_rule_profile_says_so(office, appeals):
    _parcel, batch_id = office.receive([candidate(1, score="80")])
    office.decide(batch_id, {"1": "75"})
    office.publish(batch_id)
    office.calendar.set(dt.date(2026, 11, 10))
    appeals(2, blocks_roster=True)
    with pytest.raises(ConflictError, match="还有 2 件"):
        office.act(rosters.submit_roster, batch_id)
    appeals(2, blocks_roster=False)
    office.act(rosters.submit_roster, batch_id)
    assert office.batch(batch_id).state is BatchState.ROSTER_SUBMITTED

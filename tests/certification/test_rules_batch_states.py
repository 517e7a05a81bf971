"""Batch states and publicity: only real steps, every blocker named at once."""

import datetime as dt
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certification.rules.batch_states import (
    ALLOWED,
    STATE_LABELS,
    BatchFacts,
    BatchState,
    blockers,
    require_transition,
)
from certification.rules.pass_decision import PassOutcome
from certification.rules.publicity import is_over, publicity_period, working_days_left
from kernel.errors import IllegalTransitionError, InvalidInputError

START = dt.date(2026, 11, 20)  # a Friday
PERIOD = publicity_period(START, n_working_days=5)
WAY = [s for s in BatchState if s not in {BatchState.RETURNED, BatchState.RESUBMITTED}]


def facts(**changes):
    complete = {
        "today": dt.date(2026, 11, 30),
        "n_registered": 30,
        "outcomes": {PassOutcome.PASSED: 24, PassOutcome.FAILED: 3, PassOutcome.ABSENT: 2, PassOutcome.VOID: 1},
        "publicity": PERIOD,
        "n_numbered": 24,
        "n_issued": 24,
    }
    return BatchFacts(**{**complete, **changes})


def codes(new, **changes):
    return {blocker.code for blocker in blockers(new, facts(**changes))}


def test_the_straight_way_leads_from_received_to_archived():
    for current, new in itertools.pairwise(WAY):
        require_transition(current, new)


def test_a_returned_roster_goes_round_until_it_is_approved():
    for current, new in [
        (BatchState.ROSTER_SUBMITTED, BatchState.RETURNED),
        (BatchState.RETURNED, BatchState.RESUBMITTED),
        (BatchState.RESUBMITTED, BatchState.RETURNED),
        (BatchState.RESUBMITTED, BatchState.APPROVED),
    ]:
        require_transition(current, new)


@settings(deadline=None)
@given(st.sampled_from(BatchState), st.sampled_from(BatchState))
def test_every_other_step_is_refused(current, new):
    if new in ALLOWED[current]:
        require_transition(current, new)
    else:
        with pytest.raises(IllegalTransitionError, match=STATE_LABELS[current]):
            require_transition(current, new)


def test_nothing_leaves_the_archive_and_every_state_can_reach_it():
    assert ALLOWED[BatchState.ARCHIVED] == frozenset()
    reachable = {BatchState.ARCHIVED}
    while grown := {s for s in BatchState if s not in reachable and ALLOWED[s] & reachable}:
        reachable |= grown
    assert reachable == set(BatchState)


@pytest.mark.parametrize("new", list(BatchState))
def test_a_complete_batch_is_blocked_nowhere(new):
    assert codes(new) == set()


def test_each_blocker_is_named():
    assert codes(BatchState.DECIDED, n_registered=31) == {"open_balance"}
    pending = {PassOutcome.PASSED: 24, PassOutcome.PENDING: 6}
    assert codes(BatchState.PUBLICITY, outcomes=pending) == {"pending"}
    assert codes(BatchState.ROSTER_SUBMITTED, publicity=None) == {"no_publicity"}
    assert codes(BatchState.NUMBERED, n_numbered=23) == {"unnumbered"}
    assert codes(BatchState.ISSUED, n_issued=0) == {"unissued"}
    together = {"n_registered": 31, "n_open_objections": 1, "n_compliance_errors": 4, "today": PERIOD.ends_on}
    expected = {"open_balance", "publicity_running", "objections", "compliance"}
    assert codes(BatchState.ROSTER_SUBMITTED, **together) == expected


def test_a_blocker_reads_as_a_sentence():
    (blocker,) = blockers(BatchState.DECIDED, facts(n_registered=31))
    assert str(blocker) == "人数不平：登记 31 人，各结论合计 30 人，请先核对"


def test_five_working_days_of_publicity_from_a_friday_end_the_next_friday():
    assert (PERIOD.ends_on, PERIOD.is_certain) == (dt.date(2026, 11, 27), True)
    assert not is_over(PERIOD, dt.date(2026, 11, 27))
    assert is_over(PERIOD, dt.date(2026, 11, 28))


def test_the_days_left_count_down_and_never_below_zero():
    left = [working_days_left(PERIOD, START + dt.timedelta(days)) for days in (-3, 0, 3, 4, 7, 20)]
    assert left == [5, 5, 4, 3, 0, 0]


def test_a_period_over_a_year_not_announced_says_so():
    assert not publicity_period(dt.date(2040, 1, 2), n_working_days=5).is_certain


@pytest.mark.parametrize("n_days", [0, 61])
def test_absurd_periods_are_refused(n_days):
    with pytest.raises(InvalidInputError, match="工作日"):
        publicity_period(START, n_working_days=n_days)

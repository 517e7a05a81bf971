"""The queue is looked at seldom when nothing has waited for a while, and often again with the first job."""

from __future__ import annotations

import pytest

from kernel.jobs import worker


@pytest.fixture
def clock(monkeypatch):
    moment = [100.0]
    monkeypatch.setattr(worker, "monotonic", lambda: moment[0])
    return moment


def test_the_pace_falls_after_a_quiet_while_and_rises_with_the_first_job(clock):
    told = []
    pace = worker.Pace(told.append)
    for later, has_work, expected in (
        (0.0, False, []),
        (worker.QUIET_SECONDS - 1, True, []),
        (worker.QUIET_SECONDS - 1, False, []),
        (1.0, False, [worker.IDLE_SECONDS]),
        (500.0, False, [worker.IDLE_SECONDS]),
        (0.5, True, [worker.IDLE_SECONDS, worker.BUSY_SECONDS]),
        (0.5, True, [worker.IDLE_SECONDS, worker.BUSY_SECONDS]),
    ):
        clock[0] += later
        pace.keep(has_work=has_work)
        assert told == expected
    assert worker.BUSY_SECONDS < worker.IDLE_SECONDS <= worker.POLL_SECONDS


def test_a_pace_that_could_not_be_told_is_told_again(clock):
    tries = []

    def tell(seconds):
        tries.append(seconds)
        if len(tries) == 1:
            raise OSError

    pace = worker.Pace(tell)
    clock[0] += worker.QUIET_SECONDS
    with pytest.raises(OSError):
        pace.keep(has_work=False)
    pace.keep(has_work=False)
    assert tries == [worker.IDLE_SECONDS] * 2

"""Speed against power: the limits, the published rule, and a loop as oracle."""

from __future__ import annotations

import numpy as np
import pytest

from psychometrics.arrays import ParameterError
from psychometrics.speededness import speededness


def sitting(seed: int, n: int = 80, k: int = 20, *, hurry: float = 0.0) -> np.ndarray:
    """Return marks of persons, some of whom ran out of time; each had the items in an order of the own."""
    rng = np.random.default_rng(seed)
    marks = (rng.random((n, k)) < 0.7).astype(float)
    for row in np.flatnonzero(rng.random(n) < hurry):
        marks[row, rng.permutation(k)[: rng.integers(1, k // 2)]] = np.nan
    return marks


def test_a_test_of_power_alone_has_no_speed_in_it_and_one_of_speed_alone_nothing_else():
    power = speededness(sitting(1))
    assert (power.finished, power.three_quarters, power.spread_ratio, power.is_speeded) == (1.0, 1.0, 0.0, False)
    speed = np.where(np.arange(20) < np.arange(1, 11)[:, None] * 2, 1.0, np.nan)
    found = speededness(speed)
    assert found.spread_ratio == pytest.approx(1.0), "Gulliksen (1950): what is lost is what was not reached"
    assert found.is_speeded


@pytest.mark.parametrize(
    ("n_unfinished", "n_missing", "is_speeded"), [(20, 5, False), (21, 5, True), (1, 6, True), (0, 0, False)]
)
def test_the_published_rule_asks_for_eighty_percent_at_the_end_and_all_at_three_quarters(
    n_unfinished, n_missing, is_speeded
):
    marks = sitting(2, n=100)
    marks[:n_unfinished, 20 - n_missing :] = np.nan
    assert speededness(marks).is_speeded is is_speeded


@pytest.mark.parametrize("seed", range(12))
def test_figures_equal_plain_loops_and_do_not_mind_the_order_of_items(seed):
    marks = sitting(seed, hurry=0.3)
    unreached = [sum(np.isnan(one) for one in row) for row in marks]
    lost = [sum(1.0 if np.isnan(one) else 1 - one for one in row) for row in marks]
    found = speededness(marks)
    assert found.finished == pytest.approx(np.mean([one == 0 for one in unreached]))
    assert found.three_quarters == pytest.approx(np.mean([one <= 5 for one in unreached]))
    assert found.spread_ratio == pytest.approx(np.std(unreached) / np.std(lost))
    assert 0 <= found.finished <= found.three_quarters <= 1
    assert speededness(marks[:, ::-1]) == found


def test_equal_losses_have_no_ratio_and_impossible_marks_are_refused():
    assert np.isnan(speededness(np.ones((3, 4))).spread_ratio)
    for marks in (np.empty((0, 3)), [[1.5, 0.0]], [[-0.1, 0.0]]):
        with pytest.raises(ParameterError):
            speededness(marks)

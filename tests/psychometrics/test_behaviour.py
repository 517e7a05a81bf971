"""Times, changes, gains and drift: known answers, false-alarm rates in simulation, limits."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from scipy.special import beta as beta_function

from psychometrics.arrays import ParameterError
from psychometrics.behaviour import (
    answer_changes,
    easier_than_expected,
    facility_drift,
    multiple_tests,
    response_time_effort,
    response_times,
    score_gains,
)
from psychometrics.irt import Parameters


def times(seed: int, n: int = 120, k: int = 40) -> np.ndarray:
    rng = np.random.default_rng(seed)
    speed, intensity, spread = rng.normal(0, 0.3, (n, 1)), rng.normal(3.5, 0.4, k), rng.uniform(0.3, 0.6, k)
    return np.exp(intensity - speed + spread * rng.normal(size=(n, k)))


def test_speed_and_intensity_are_recovered_and_residuals_are_standard():
    rng = np.random.default_rng(1)
    speed, intensity = rng.normal(0, 0.3, (300, 1)), rng.normal(3.5, 0.4, 50)
    found = response_times(np.exp(intensity - speed + 0.4 * rng.normal(size=(300, 50))))
    assert np.corrcoef(found.speed, speed.ravel())[0, 1] > 0.97
    assert found.intensity - found.intensity.mean() == pytest.approx(intensity - intensity.mean(), abs=0.1)
    assert found.spread == pytest.approx(0.4, abs=0.06)
    assert found.residuals.std() == pytest.approx(1, abs=0.03)


def test_regular_persons_are_flagged_as_often_as_stated():
    rates = [(response_times(times(seed)).p_value < 0.05).mean() for seed in range(20)]
    assert np.mean(rates) == pytest.approx(0.05, abs=0.02)


def test_a_person_who_knew_some_answers_beforehand_stands_out():
    seconds = times(3)
    seconds[7, :12] /= 8
    found = response_times(seconds)
    assert found.p_value.argmin() == 7
    assert (found.residuals[7, :12] < -1).all()


def test_items_that_were_not_seen_leave_the_rest_unchanged():
    seconds = times(4)
    seconds[0, 5:] = np.nan
    seconds[1, :] = np.nan
    found = response_times(seconds)
    assert np.isnan(found.p_value[1])
    assert found.speed[1] == 0
    assert np.isnan(found.residuals[0, 5:]).all()
    assert np.isfinite(found.residuals[0, :5]).all()


def test_effort_falls_with_the_share_of_rapid_guesses_and_long_items_have_a_ceiling():
    seconds = np.full((10, 4), 40.0)
    seconds[0, :2] = 1.0
    assert response_time_effort(seconds)[:2].tolist() == [0.5, 1.0]
    slow = np.full((10, 1), 400.0)
    slow[0] = 12.0
    assert response_time_effort(slow)[0] == 1.0
    assert np.isnan(response_time_effort([[np.nan], [3.0]])[0])


def test_the_chance_of_mended_answers_equals_the_plain_beta_binomial():
    mended, changes = np.array([5, 3, 4]), np.array([6, 8, 9])
    a, b = 7 + 0.5, 17 - 7 + 0.5
    slow = sum(comb(6, k) * beta_function(a + k, b + 6 - k) / beta_function(a, b) for k in (5, 6))
    assert answer_changes(mended, changes)[0] == pytest.approx(slow)


def test_honest_changes_are_flagged_no_more_often_than_stated():
    rng = np.random.default_rng(11)
    changes = rng.poisson(6, 2000)
    chance = answer_changes(rng.binomial(changes, 0.55), changes)
    assert (chance < 0.05).mean() < 0.06
    assert (chance[changes == 0] == 1).all()


def test_score_gains_equal_residuals_with_the_person_left_out():
    rng = np.random.default_rng(5)
    before = rng.normal(60, 10, 30)
    after = before + rng.normal(3, 5, 30)
    found = score_gains(before, after)
    for person in range(0, 30, 7):
        keep = np.arange(30) != person
        slope, start = np.polyfit(before[keep], after[keep], 1)
        rest = after[keep] - start - slope * before[keep]
        error = np.sqrt((rest**2).sum() / 27)
        gap = before[person] - before[keep].mean()
        width = error * np.sqrt(1 + 1 / 29 + gap**2 / ((before[keep] - before[keep].mean()) ** 2).sum())
        assert found[person] == pytest.approx((after[person] - start - slope * before[person]) / width)


def test_gains_need_scores_that_vary():
    assert np.isnan(score_gains([5, 5, 5, 5], [1, 2, 3, 4])).all()


def test_a_better_group_moves_no_item_and_a_leaked_one_is_named():
    rng = np.random.default_rng(2)
    logit = rng.normal(size=40)
    first = rng.binomial(400, 1 / (1 + np.exp(-logit)))
    better = 1 / (1 + np.exp(-(logit + 0.7)))
    better[9] = 0.98
    found = facility_drift(first, np.full(40, 400), rng.binomial(400, better), np.full(40, 400), limit=3)
    assert np.flatnonzero(found.is_flagged).tolist() == [9]
    assert np.median(found.change) == pytest.approx(0.7, abs=0.1)


def test_items_without_answers_on_both_occasions_do_not_drift():
    found = facility_drift([5, 0], [10, 0], [6, 4], [10, 10])
    assert np.isnan(found.change[1])
    nothing = facility_drift([0], [0], [0], [0])
    assert not nothing.is_flagged.any()


def test_a_window_in_which_the_model_holds_gives_normal_z_values():
    rng = np.random.default_rng(3)
    items = Parameters(np.ones(200), rng.normal(size=200), np.full(200, 0.1))
    theta = rng.normal(size=150)
    chance = items.c + (1 - items.c) / (1 + np.exp(-(np.outer(theta, items.a) + items.d)))
    scores = (rng.random(chance.shape) < chance).astype(float)
    scores[:40, 3] = np.nan
    z, p_value = easier_than_expected(scores, theta, items)
    assert z.std() == pytest.approx(1, abs=0.12)
    assert (p_value < 0.05).mean() == pytest.approx(0.05, abs=0.04)
    assert np.isnan(easier_than_expected([[np.nan]], [0.0], Parameters(np.ones(1), np.zeros(1), np.zeros(1)))[0]).all()


# Benjamini & Hochberg (1995), section 3.1: fifteen endpoints; their procedure rejects four, Bonferroni's kind three.
ENDPOINTS = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0,
]  # fmt: skip


@pytest.mark.parametrize(("method", "n"), [("bh", 4), ("holm", 3)])
def test_the_published_endpoints_are_decided_as_published(method, n):
    order = np.random.default_rng(0).permutation(15)
    found = multiple_tests(np.array(ENDPOINTS)[order], method=method)
    assert set(order[found].tolist()) == set(range(n))


def test_false_leads_stay_below_the_rate_when_nothing_is_there():
    rng = np.random.default_rng(7)
    any_lead = [multiple_tests(rng.random(100), method=method).any() for _ in range(400) for method in ("bh", "holm")]
    assert np.mean(any_lead) < 0.075


def test_what_was_not_tested_is_no_lead():
    assert multiple_tests([np.nan, 0.001]).tolist() == [False, True]
    assert multiple_tests([]).size == 0
    assert multiple_tests([0.001, 0.002], method="holm").all()


@pytest.mark.parametrize(
    "call",
    [
        lambda: response_times([[1.0, 2.0]]),
        lambda: response_times([[1.0, 0.0], [1.0, 1.0], [2.0, 2.0]]),
        lambda: answer_changes([3], [2]),
        lambda: score_gains([1, 2], [1, 2]),
        lambda: facility_drift([1], [2], [1, 1], [2, 2]),
        lambda: facility_drift([3], [2], [1], [2]),
        lambda: easier_than_expected([[1]], [0.0, 1.0], Parameters(np.ones(1), np.zeros(1), np.zeros(1))),
        lambda: multiple_tests([0.1], method="other"),
    ],
)
def test_impossible_data_are_refused(call):
    with pytest.raises(ParameterError):
        call()

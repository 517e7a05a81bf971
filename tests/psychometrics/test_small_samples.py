"""Facilities of items that few answered: coverage by simulation, direction of the pull, limits."""

from __future__ import annotations

import numpy as np
import pytest

from psychometrics.arrays import ParameterError
from psychometrics.small_samples import group_prior, pooled_facility


def simulate(seed: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return true facilities of 12 groups of 10 items, right answers of n persons, and the groups."""
    rng = np.random.default_rng([seed, n])
    groups = np.repeat(np.arange(12), 10)
    mean, weight = rng.beta(6, 3, 12), rng.uniform(6, 20, 12)
    truth = rng.beta(mean[groups] * weight[groups], (1 - mean[groups]) * weight[groups])
    return truth, rng.binomial(n, truth), groups


@pytest.mark.parametrize("n", [15, 30, 60, 100, 200])
def test_intervals_hold_the_truth_within_two_points_of_the_stated_rate(n):
    held = []
    for seed in range(15):
        truth, right, groups = simulate(seed, n)
        found = pooled_facility(right, np.full(truth.size, n), groups)
        held.append(((found.low <= truth) & (truth <= found.high)).mean())
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("n", [15, 30])
def test_borrowing_is_nearer_to_the_truth_than_the_plain_share(n):
    plain, pooled = [], []
    for seed in range(10):
        truth, right, groups = simulate(seed, n)
        found = pooled_facility(right, np.full(truth.size, n), groups)
        plain.append(((right / n - truth) ** 2).mean())
        pooled.append(((found.estimate - truth) ** 2).mean())
    assert np.mean(pooled) < 0.8 * np.mean(plain)


def test_the_estimate_lies_between_the_item_and_its_group_and_many_answers_win():
    right, few = np.array([2, 9, 8, 9, 10]), np.full(5, 12)
    found = pooled_facility(right, few, ["a"] * 5)
    assert right[0] / 12 < found.estimate[0] < right.sum() / few.sum()
    many = pooled_facility(right * 200, few * 200, ["a"] * 5)
    assert many.estimate == pytest.approx(right / 12, abs=0.01)
    assert (many.own_share > 0.9).all()


def test_an_item_without_answers_gets_its_groups_figures_and_is_marked():
    found = pooled_facility([18, 17, 19, 18, 0, 6, 5], [20, 20, 20, 20, 0, 20, 20], ["a"] * 5 + ["b"] * 2)
    assert found.estimate[4] == pytest.approx(0.88, abs=0.05)
    assert found.own_share[4] == 0
    assert found.is_enough.tolist() == [True] * 4 + [False] + [True] * 2


def test_the_posterior_equals_a_plain_sum_over_the_grid():
    right, n = np.array([3.0, 7.0]), np.array([8.0, 9.0])
    prior = group_prior(right, n)
    assert prior.chance.sum() == pytest.approx(1)
    found = pooled_facility(right, n, ["a", "a"])
    for item in range(2):
        mean = sum(
            chance * (a + right[item]) / (a + b + n[item])
            for a, b, chance in zip(prior.alpha, prior.beta, prior.chance, strict=True)
        )
        assert found.estimate[item] == pytest.approx(mean, abs=0.01)


def test_a_group_of_alike_items_weighs_more_than_one_of_different_items():
    same = group_prior([14, 15, 14, 15, 14, 15], [20] * 6)
    mixed = group_prior([4, 19, 8, 20, 11, 15], [20] * 6)
    assert same.weight > mixed.weight


@pytest.mark.parametrize(
    "call",
    [
        lambda: pooled_facility([0], [0], ["a"]),
        lambda: pooled_facility([3], [2], ["a"]),
        lambda: pooled_facility([], [], []),
        lambda: pooled_facility([1, 2], [3, 3], ["a"]),
        lambda: pooled_facility([1], [2], ["a"], confidence=1.0),
        lambda: group_prior([0, 0], [0, 0]),
    ],
)
def test_what_there_is_nothing_to_learn_from_is_refused(call):
    with pytest.raises(ParameterError):
        call()

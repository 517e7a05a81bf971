"""The partial credit models against the right-or-wrong model, recovery, derivatives and limits."""

from __future__ import annotations

import numpy as np
import pytest

from psychometrics.arrays import ParameterError
from psychometrics.irt import Model, calibrate
from psychometrics.partial_credit import (
    PartialCredit,
    calibrate_partial_credit,
    category_probabilities,
    information,
)
from tests.psychometrics import lsat


def simulate(seed: int, n: int, items: PartialCredit) -> np.ndarray:
    rng = np.random.default_rng(seed)
    theta, columns = rng.normal(size=n), []
    for a, d in zip(items.a, items.d, strict=True):
        limits = np.cumsum(category_probabilities(theta, float(a), d), axis=0)
        columns.append((rng.random(n) > limits[:-1]).sum(axis=0))
    return np.array(columns, dtype=float).T


TRUE = PartialCredit(
    np.array([0.8, 1.2, 1.0, 1.6, 0.7, 1.1]),
    tuple(np.array(one) for one in ([0, 1, 1], [0, 0.5], [0, 1.5, 1.0, -1], [0, -0.5, -1.5], [0, 1.0, 0.8], [0, -0.3])),
)


@pytest.mark.parametrize("table", [lsat.LSAT6, lsat.LSAT7])
def test_items_of_two_categories_give_the_two_parameter_model(table):
    scores = lsat.scores(table)
    wanted, found = calibrate(scores, Model.TWO_PL), calibrate_partial_credit(scores)
    assert found.log_likelihood == pytest.approx(wanted.log_likelihood, abs=1e-3)
    assert found.parameters.a == pytest.approx(wanted.parameters.a, abs=2e-3)
    assert [d[1] for d in found.parameters.d] == pytest.approx(wanted.parameters.d, abs=2e-3)


def test_a_common_slope_gives_the_rasch_model():
    scores = lsat.scores(lsat.LSAT7)
    wanted, found = calibrate(scores, Model.RASCH), calibrate_partial_credit(scores, common_slope=True)
    assert found.log_likelihood == pytest.approx(wanted.log_likelihood, abs=1e-3)
    assert found.parameters.a == pytest.approx(wanted.parameters.a, abs=1e-3)
    assert found.n_parameters == 6


def test_true_parameters_are_recovered():
    found = calibrate_partial_credit(simulate(1, 6000, TRUE))
    assert found.converged
    assert found.parameters.a == pytest.approx(TRUE.a, abs=0.2)
    for got, meant in zip(found.parameters.d, TRUE.d, strict=True):
        assert got == pytest.approx(meant, abs=0.25)


def test_answers_missing_by_design_leave_the_recovery_whole():
    scores = simulate(2, 3000, TRUE)
    scores[:1000, 0], scores[1000:2000, 3] = np.nan, np.nan
    found = calibrate_partial_credit(scores)
    assert found.parameters.a == pytest.approx(TRUE.a, abs=0.3)


def test_no_parameter_can_be_moved_to_a_better_likelihood():
    scores = simulate(3, 300, TRUE)
    found = calibrate_partial_credit(scores, tolerance=1e-7)
    theta = np.linspace(-6, 6, 61)
    weight = np.exp(-(theta**2) / 2) / np.exp(-(theta**2) / 2).sum()

    def likelihood(items: PartialCredit) -> float:
        joint = np.ones((len(scores), theta.size))
        for column, a, d in zip(scores.T, items.a, items.d, strict=True):
            joint *= category_probabilities(theta, float(a), d)[column.astype(int)]
        return float(np.log(joint @ weight).sum())

    best = likelihood(found.parameters)
    assert best == pytest.approx(found.log_likelihood, abs=1e-6)
    for item in range(len(TRUE.a)):
        for step in (-0.02, 0.02):
            a = found.parameters.a.copy()
            a[item] += step
            assert likelihood(PartialCredit(a, found.parameters.d)) < best
            d = [one.copy() for one in found.parameters.d]
            d[item][1] += step
            assert likelihood(PartialCredit(found.parameters.a, tuple(d))) < best


def test_step_difficulties_are_where_neighbouring_categories_cross():
    for a, d, steps in zip(TRUE.a, TRUE.d, TRUE.steps, strict=True):
        for k, place in enumerate(steps):
            chance = category_probabilities([place], float(a), d)[:, 0]
            assert chance[k] == pytest.approx(chance[k + 1])


def test_information_is_the_squared_slope_of_the_expected_score_over_its_variance():
    place, width = 0.4, 1e-5
    for item, (a, d) in enumerate(zip(TRUE.a, TRUE.d, strict=True)):
        k = np.arange(d.size)
        low, high = (k @ category_probabilities([place + sign * width], float(a), d)[:, 0] for sign in (-1, 1))
        p = category_probabilities([place], float(a), d)[:, 0]
        wanted = ((high - low) / (2 * width)) ** 2 / (k**2 @ p - (k @ p) ** 2)
        assert information([place], TRUE)[item, 0] == pytest.approx(wanted, rel=1e-4)


def test_passes_stop_at_the_limit_and_say_so():
    found = calibrate_partial_credit(simulate(4, 200, TRUE), max_iterations=2)
    assert found.n_iterations == 2
    assert not found.converged


@pytest.mark.parametrize(
    "scores",
    [np.zeros((0, 2)), [[0.5], [1.0]], [[0.0], [2.0]], [[0.0], [0.0]], [[-1.0], [1.0]], [[0.0], [30.0]], [[np.nan]]],
)
def test_marks_that_are_no_whole_categories_are_refused(scores):
    with pytest.raises(ParameterError):
        calibrate_partial_credit(scores)

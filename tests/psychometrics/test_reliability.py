"""Reliability against published figures, exact identities, simulation and limits."""

from __future__ import annotations

import numpy as np
import pytest

from psychometrics.arrays import ParameterError
from psychometrics.reliability import (
    alpha_if_deleted,
    alpha_interval,
    coefficient_alpha,
    conditional_sem,
    guttman_lambda2,
    guttman_lambda6,
    item_covariance,
    kr20,
    standard_error_of_measurement,
)
from tests.psychometrics import lsat


def marks(seed: int, n: int = 80, k: int = 7) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.random((n, k)) < 1 / (1 + np.exp(rng.normal(size=k) - rng.normal(size=(n, 1))))).astype(float)


@pytest.mark.parametrize(("table", "alpha"), [(lsat.LSAT6, 0.29500), (lsat.LSAT7, 0.45341)])
def test_alpha_and_kr20_of_the_lsat_tables_are_the_published_ones(table, alpha):
    scores = lsat.scores(table)
    assert coefficient_alpha(item_covariance(scores)) == pytest.approx(alpha, abs=5e-6)
    assert kr20(scores) == pytest.approx(alpha, abs=5e-6)


@pytest.mark.parametrize("seed", range(30))
def test_kr20_equals_alpha_and_guttmans_second_bound_is_never_lower(seed):
    covariance = item_covariance(marks(seed))
    alpha = coefficient_alpha(covariance)
    assert kr20(marks(seed)) == pytest.approx(alpha, abs=1e-12)
    assert guttman_lambda2(covariance) >= alpha - 1e-12


@pytest.mark.parametrize("seed", range(30))
def test_alpha_if_deleted_equals_alpha_of_the_shorter_test(seed):
    scores = marks(seed)
    found = alpha_if_deleted(item_covariance(scores))
    for j in range(scores.shape[1]):
        shorter = np.delete(scores, j, axis=1)
        assert found[j] == pytest.approx(coefficient_alpha(item_covariance(shorter)), abs=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_the_sixth_bound_uses_the_residuals_of_regression_on_the_other_items(seed):
    scores = marks(seed, n=200)
    centred, errors = scores - scores.mean(axis=0), 0.0
    for j in range(scores.shape[1]):
        others = np.delete(centred, j, axis=1)
        rest = centred[:, j] - others @ np.linalg.lstsq(others, centred[:, j], rcond=None)[0]
        errors += rest @ rest / (len(scores) - 1)
    expected = 1 - errors / scores.sum(axis=1).var(ddof=1)
    assert guttman_lambda6(item_covariance(scores)) == pytest.approx(expected, abs=1e-10)


def test_parallel_items_of_known_reliability_meet_every_bound():
    covariance = np.full((10, 10), 0.3) + 0.7 * np.eye(10)
    spearman_brown = 10 * 0.3 / (1 + 9 * 0.3)
    assert coefficient_alpha(covariance) == pytest.approx(spearman_brown)
    assert guttman_lambda2(covariance) == pytest.approx(spearman_brown)
    assert guttman_lambda6(covariance) < spearman_brown


def test_the_interval_of_alpha_covers_the_true_value_about_as_often_as_it_says():
    rng, k, n = np.random.default_rng(7), 12, 30
    truth = k * 0.3 / (1 + (k - 1) * 0.3)
    hits = 0
    for _ in range(3000):
        scores = np.sqrt(0.3) * rng.normal(size=(n, 1)) + np.sqrt(0.7) * rng.normal(size=(n, k))
        low, high = alpha_interval(coefficient_alpha(item_covariance(scores)), n, k)
        hits += low <= truth <= high
    assert hits / 3000 == pytest.approx(0.95, abs=0.015)


def test_figures_that_the_data_cannot_carry_are_nan():
    flat, single = item_covariance(np.ones((5, 3))), item_covariance(np.eye(3)[:, :1])
    for covariance in (flat, single):
        assert np.isnan([coefficient_alpha(covariance), guttman_lambda2(covariance), guttman_lambda6(covariance)]).all()
    assert np.isnan(item_covariance(np.ones((1, 2)))).all()
    assert np.isnan(alpha_if_deleted(item_covariance(np.eye(2)))).all()
    assert np.isnan(alpha_interval(float("nan"), 50, 10)).all()
    assert np.isnan(standard_error_of_measurement(3.0, float("nan")))
    assert np.isnan([kr20(np.ones((4, 3))), kr20(np.empty((0, 3)))]).all()


def test_a_repeated_item_leaves_the_sixth_bound_undefined():
    scores = marks(1)
    assert np.isnan(guttman_lambda6(item_covariance(np.column_stack([scores, scores[:, 0]]))))


def test_errors_of_measurement_follow_their_formulas():
    assert standard_error_of_measurement(8.0, 0.75) == pytest.approx(4.0)
    assert standard_error_of_measurement(8.0, 1.0) == 0
    assert conditional_sem([20], 40)[0] == pytest.approx(np.sqrt(20 * 20 / 39))


def test_the_mean_of_lords_squared_errors_is_that_of_kr21():
    scores = marks(3, n=400, k=20)
    total, k = scores.sum(axis=1), 20
    mean, variance = total.mean(), total.var()
    kr21 = k / (k - 1) * (1 - mean * (k - mean) / (k * variance))
    assert np.mean(conditional_sem(total, k) ** 2) == pytest.approx(variance * (1 - kr21))


def test_wrong_arguments_are_refused():
    with pytest.raises(ParameterError, match="right or wrong"):
        kr20([[2, 1]])
    with pytest.raises(ParameterError, match="confidence"):
        alpha_interval(0.5, 10, 10, confidence=0)
    with pytest.raises(ParameterError, match="raw scores"):
        conditional_sem([5], 4)

"""Item fit and local dependence against published figures, plain loops, limits and simulation."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from psychometrics import ability
from psychometrics.arrays import ParameterError
from psychometrics.irt import Model, Parameters, calibrate
from psychometrics.item_fit import residual_correlations, residual_fit, score_fit, summed_score_likelihoods
from tests.psychometrics import lsat

# S-X2 of the converged two-parameter solutions, as the R package mirt 1.47 prints them (statistic, degrees of freedom).
SCORE_FIT = [
    (lsat.LSAT6, [0.450, 1.691, 0.666, 0.175, 0.111], [2, 2, 1, 2, 2]),
    (lsat.LSAT7, [4.751, 14.453, 1.273, 5.236, 0.941], [2, 2, 2, 2, 2]),
]


def simulate(seed: int, n: int, items: Parameters) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=n)
    chance = items.c + (1 - items.c) / (1 + np.exp(-(np.outer(theta, items.a) + items.d)))
    return (rng.random(chance.shape) < chance).astype(float), theta


@pytest.mark.parametrize(("table", "statistic", "df"), SCORE_FIT)
def test_score_fit_gives_the_published_lsat_figures(table, statistic, df):
    scores = lsat.scores(table)
    found = score_fit(scores, calibrate(scores, Model.TWO_PL).parameters, Model.TWO_PL)
    assert found.statistic == pytest.approx(statistic, abs=1e-3)
    assert found.df.tolist() == df
    assert ((found.p_value > 0) & (found.p_value < 1)).all()


def test_summed_score_likelihoods_equal_the_sum_over_all_patterns():
    p = np.random.default_rng(3).uniform(0.1, 0.9, size=(4, 7))
    slow = np.zeros((5, 7))
    for pattern in product((0, 1), repeat=4):
        slow[sum(pattern)] += np.prod([p[i] if x else 1 - p[i] for i, x in enumerate(pattern)], axis=0)
    assert summed_score_likelihoods(p) == pytest.approx(slow)


def test_score_fit_rejects_about_one_item_in_twenty_when_the_model_holds():
    items = Parameters(np.linspace(0.7, 1.6, 12), np.linspace(1.5, -1.5, 12), np.zeros(12))
    rejected = []
    for seed in range(12):
        scores, _ = simulate(seed, 1000, items)
        found = score_fit(scores, calibrate(scores, Model.TWO_PL).parameters, Model.TWO_PL)
        rejected += (found.p_value < 0.05).tolist()
    assert 0.01 <= np.mean(rejected) <= 0.11


def test_score_fit_finds_an_item_that_able_persons_get_wrong():
    items = Parameters(np.full(15, 1.2), np.linspace(1.2, -1.2, 15), np.zeros(15))
    scores, theta = simulate(5, 2000, items)
    scores[theta > 1, 7] = 0
    found = score_fit(scores, calibrate(scores, Model.TWO_PL).parameters, Model.TWO_PL)
    assert found.p_value.argmin() == 7
    assert found.p_value[7] < 1e-6


def test_score_fit_says_nothing_where_no_degree_of_freedom_is_left():
    items = Parameters(np.ones(2), np.zeros(2), np.zeros(2))
    found = score_fit([[1, 0], [0, 1], [1, 1], [0, 0]], items, Model.TWO_PL)
    assert np.isnan(found.statistic).all()
    assert np.isnan(found.p_value).all()
    assert not found.df.any()


def test_score_fit_joins_thin_groups_in_the_middle():
    items = Parameters(np.full(8, 1.0), np.full(8, 0.0), np.zeros(8))
    low, high = np.tril(np.ones((8, 8)))[:2], np.tril(np.ones((8, 8)))[5:7]
    scores = np.concatenate([np.repeat(low, 200, axis=0), np.tril(np.ones((8, 8)))[3:4], np.repeat(high, 200, axis=0)])
    found = score_fit(scores, items, Model.RASCH, min_expected=5)
    assert (found.df <= 4).all()
    assert np.isfinite(found.statistic).all()


def test_score_fit_leaves_out_persons_who_did_not_reach_everything():
    items = Parameters(np.ones(4), np.linspace(1, -1, 4), np.zeros(4))
    scores, _ = simulate(1, 500, items)
    more = np.vstack([scores, [[1.0, np.nan, 1.0, 0.0]] * 50])
    assert score_fit(more, items, Model.RASCH).statistic == pytest.approx(
        score_fit(scores, items, Model.RASCH).statistic
    )


@pytest.mark.parametrize("scores", [[[1.0, np.nan]], [[0.5, 1.0]], [[1.0]]])
def test_score_fit_refuses_what_has_no_sum(scores):
    with pytest.raises(ParameterError):
        score_fit(scores, Parameters(np.ones(2), np.zeros(2), np.zeros(2)), Model.RASCH)


def test_mean_squares_equal_plain_loops():
    items = Parameters(np.array([0.8, 1.5, 1.0]), np.array([0.3, -0.2, 1.0]), np.array([0.0, 0.2, 0.0]))
    scores, theta = simulate(2, 40, items)
    scores[3, 1] = np.nan
    found = residual_fit(scores, theta, items)
    for item in range(3):
        squares, spreads, ratios = 0.0, 0.0, []
        for person in range(40):
            if np.isnan(scores[person, item]):
                continue
            c = items.c[item]
            p = c + (1 - c) / (1 + np.exp(-(items.a[item] * theta[person] + items.d[item])))
            squares += (scores[person, item] - p) ** 2
            spreads += p * (1 - p)
            ratios.append((scores[person, item] - p) ** 2 / (p * (1 - p)))
        assert found.infit[item] == pytest.approx(squares / spreads)
        assert found.outfit[item] == pytest.approx(np.mean(ratios))


def test_mean_squares_are_one_and_their_deviates_normal_when_the_model_holds():
    items = Parameters(np.ones(20), np.linspace(1.5, -1.5, 20), np.zeros(20))
    found = [residual_fit(*simulate(seed, 400, items), items) for seed in range(25)]
    for name in ("infit", "outfit"):
        assert np.mean([getattr(one, name) for one in found]) == pytest.approx(1, abs=0.02)
        deviates = np.concatenate([getattr(one, f"{name}_t") for one in found])
        assert deviates.mean() == pytest.approx(0, abs=0.15)
        assert deviates.std() == pytest.approx(1, abs=0.15)


def test_outfit_reacts_to_lucky_guesses_of_weak_persons():
    items = Parameters(np.ones(20), np.linspace(2, -2, 20), np.zeros(20))
    scores, theta = simulate(4, 600, items)
    scores[theta < -1, 19] = 1
    found = residual_fit(scores, theta, items)
    assert found.outfit.argmax() == 19
    assert found.outfit[19] > 2


def test_persons_without_a_finite_ability_and_items_without_an_answer_are_left_out():
    items = Parameters(np.ones(2), np.zeros(2), np.zeros(2))
    found = residual_fit([[1, np.nan], [0, np.nan], [1, 1]], [0.0, 0.0, np.inf], items)
    assert found.infit[0] == pytest.approx(1)
    assert np.isnan(found.infit[1])


def test_q3_is_near_its_expectation_without_and_far_above_with_dependence():
    items = Parameters(np.full(20, 1.3), np.linspace(0.5, -0.5, 20), np.zeros(20))
    scores, _ = simulate(9, 2000, items)
    twin = scores.copy()
    twin[:, 1] = np.where(np.random.default_rng(1).random(2000) < 0.6, twin[:, 0], twin[:, 1])
    for answers, low, high in ((scores, -0.2, 0.02), (twin, 0.3, 1.0)):
        fitted = calibrate(answers, Model.RASCH).parameters
        q3 = residual_correlations(answers, ability.eap(answers, fitted).theta, fitted)
        assert low < q3[0, 1] < high
        assert q3 == pytest.approx(q3.T)
        assert np.diag(q3) == pytest.approx(1)


def test_q3_is_unknown_without_three_common_persons():
    items = Parameters(np.ones(2), np.zeros(2), np.zeros(2))
    found = residual_correlations([[1, 0], [0, np.nan], [1, 1]], np.zeros(3), items)
    assert np.isnan(found[0, 1])


def test_residuals_need_matching_shapes():
    with pytest.raises(ParameterError):
        residual_fit([[1, 0]], [0.0], Parameters(np.ones(3), np.zeros(3), np.zeros(3)))

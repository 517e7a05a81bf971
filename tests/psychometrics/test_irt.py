"""Calibration, standard errors and abilities against published figures, derivatives, recovery and limits."""

from __future__ import annotations

import numpy as np
import pytest

from psychometrics import ability
from psychometrics.arrays import ParameterError
from psychometrics.irt import (
    GuessingPrior,
    Model,
    Parameters,
    calibrate,
    compress,
    expected_counts,
    posteriors,
    quadrature,
    usable_items,
)
from psychometrics.irt_errors import standard_errors
from psychometrics.logistic import (
    item_information,
    log_probabilities,
    probability,
    score_weight_slopes,
    score_weights,
)
from tests.psychometrics import lsat

# Rizopoulos (2006), J. Stat. Softw. 17(5), and the documentation of ltm quote the LSAT6 figures; Bock & Aitkin (1981),
# Psychometrika 46, the model for both sections. The last digits are those of a converged 61-point solution.
TWO_PL = [
    (
        lsat.LSAT6,
        [0.82566, 0.72274, 0.89087, 0.68837, 0.65686],
        [-3.35881, -1.37006, -0.27967, -1.86638, -3.12591],
        [0.258, 0.187, 0.233, 0.185, 0.210],
        -2466.653,
    ),
    (
        lsat.LSAT7,
        [0.98755, 1.08084, 1.70748, 0.76499, 0.73567],
        [-1.87926, -0.74754, -1.05724, -0.63530, -2.52076],
        [0.177, 0.169, 0.321, 0.134, 0.151],
        -2658.805,
    ),
]
RASCH = [
    (lsat.LSAT6, 0.7551346, [-3.61527, -1.32242, -0.31763, -1.73009, -2.78017], -2466.938),
    (lsat.LSAT7, 1.011268, [-1.84788, -0.78225, -1.44508, -0.51579, -1.97098], -2664.901),
]


def simulate(seed: int, n: int, a: np.ndarray, b: np.ndarray, c: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=(n, 1))
    return (rng.random((n, a.size)) < c + (1 - c) / (1 + np.exp(-a * (theta - b)))).astype(float)


@pytest.mark.parametrize(("table", "a", "b", "se", "log_likelihood"), TWO_PL)
def test_the_two_parameter_model_gives_the_published_lsat_figures(table, a, b, se, log_likelihood):
    scores = lsat.scores(table)
    found = calibrate(scores, Model.TWO_PL)
    assert found.converged
    assert found.parameters.a == pytest.approx(a, abs=1e-4)
    assert found.parameters.b == pytest.approx(b, abs=1e-4)
    assert found.log_likelihood == pytest.approx(log_likelihood, abs=1e-3)
    assert standard_errors(scores, found).a == pytest.approx(se, abs=5e-4)


@pytest.mark.parametrize(("table", "a", "b", "log_likelihood"), RASCH)
def test_the_rasch_model_gives_the_published_common_slope_and_difficulties(table, a, b, log_likelihood):
    found = calibrate(lsat.scores(table), Model.RASCH)
    assert found.parameters.a == pytest.approx(np.full(5, a), abs=5e-4)
    assert found.parameters.b == pytest.approx(b, abs=1e-3)
    assert found.log_likelihood == pytest.approx(log_likelihood, abs=1e-3)
    assert found.n_parameters == 6


def test_the_published_lsat6_figures_of_ltm_are_met_within_their_quadrature():
    found = calibrate(lsat.scores(lsat.LSAT6), Model.TWO_PL).parameters
    assert found.a == pytest.approx([0.82537, 0.72295, 0.89047, 0.68855, 0.65745], abs=1e-3)
    assert found.b == pytest.approx([-3.35973, -1.36965, -0.27990, -1.86592, -3.12357], abs=3e-3)


@pytest.mark.parametrize("model", list(Model))
def test_standard_errors_come_from_the_curvature_of_the_log_likelihood(model):
    scores = lsat.scores(lsat.LSAT7)
    found, patterns, prior = calibrate(scores, model, tolerance=1e-8), compress(scores), GuessingPrior()
    theta, weight = quadrature(61)
    now = found.parameters

    def objective(v):
        g = v[10:] if model is Model.THREE_PL else np.full(5, -np.inf)
        c = 1 / (1 + np.exp(-g))
        a, d = (np.full(5, v[0]), v[1:6]) if model is Model.RASCH else (v[:5], v[5:10])
        value = expected_counts(patterns, Parameters(a, d, c), theta, weight)[2]
        if model is Model.THREE_PL:
            value += ((prior.alpha - 1) * np.log(c) + (prior.beta - 1) * np.log1p(-c)).sum()
        return value

    parts = [now.a[:1] if model is Model.RASCH else now.a, now.d]
    if model is Model.THREE_PL:
        parts.append(np.log(now.c / (1 - now.c)))
    point = np.concatenate(parts)
    step = 1e-3 * np.eye(point.size)
    curvature = (
        np.array(
            [
                [
                    objective(point + i + j)
                    - objective(point + i - j)
                    - objective(point - i + j)
                    + objective(point - i - j)
                    for j in step
                ]
                for i in step
            ]
        )
        / 4e-6
    )
    expected = np.sqrt(np.diag(np.linalg.inv(-curvature)))
    errors = standard_errors(scores, found)
    n_slopes = 1 if model is Model.RASCH else 5
    assert errors.a[:n_slopes] == pytest.approx(expected[:n_slopes], rel=2e-4)
    if model is Model.THREE_PL:
        assert errors.c == pytest.approx(expected[10:] * now.c * (1 - now.c), rel=2e-4)
    assert np.isnan(errors.c).all() == (model is not Model.THREE_PL)


def test_intervals_of_difficulty_cover_the_truth_about_as_often_as_they_say():
    a, b = np.array([0.8, 1.0, 1.2, 1.5, 1.0, 0.9]), np.array([-1.5, -0.5, 0.0, 0.5, 1.0, 1.5])
    hits = []
    for seed in range(80):
        scores = simulate(seed, 500, a, b)
        found = calibrate(scores, Model.TWO_PL)
        errors = standard_errors(scores, found)
        hits.append(np.abs(found.parameters.b - b) <= 1.96 * errors.b)
    assert np.mean(hits) == pytest.approx(0.95, abs=0.02)


def test_cross_products_agree_with_the_observed_information_in_large_samples():
    scores = simulate(3, 20_000, np.full(8, 1.2), np.linspace(-1.5, 1.5, 8))
    found = calibrate(scores, Model.TWO_PL)
    exact, crossed = (standard_errors(scores, found, method=one) for one in ("observed", "cross_product"))
    assert crossed.b == pytest.approx(exact.b, rel=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_each_model_recovers_the_items_that_made_the_data(seed):
    rng = np.random.default_rng(100 + seed)
    b = rng.uniform(-1.5, 1.5, 20)
    two = calibrate(simulate(seed, 3000, rng.lognormal(0, 0.3, 20), b), Model.TWO_PL)
    one = calibrate(simulate(seed, 3000, np.ones(20), b), Model.RASCH)
    assert two.converged
    assert one.converged
    assert np.corrcoef(two.parameters.b, b)[0, 1] > 0.99
    assert one.parameters.b == pytest.approx(b, abs=0.2)
    assert one.parameters.a[0] == pytest.approx(1, abs=0.06)


def test_guessing_is_recovered_where_there_are_many_answers():
    a, b = np.full(16, 1.6), np.linspace(-1, 1.5, 16)
    found = calibrate(simulate(1, 6_000, a, b, c=0.25), Model.THREE_PL, prior=GuessingPrior(5, 13))
    assert found.converged
    assert found.parameters.c.mean() == pytest.approx(0.25, abs=0.03)
    assert np.abs(found.parameters.b - b).mean() < 0.15


@pytest.mark.parametrize("seed", range(20))
def test_the_log_likelihood_never_falls_below_that_of_the_start_and_rises_with_the_model(seed):
    scores = simulate(seed, 300, np.full(6, 1.0), np.linspace(-1, 1, 6))
    rasch, two = calibrate(scores, Model.RASCH), calibrate(scores, Model.TWO_PL)
    assert two.log_likelihood >= rasch.log_likelihood - 1e-6
    one_step = calibrate(scores, Model.TWO_PL, max_iterations=1)
    assert not one_step.converged
    assert one_step.log_likelihood <= two.log_likelihood


@pytest.mark.parametrize("seed", range(10))
def test_what_was_not_reached_leaves_the_other_items_as_they_are(seed):
    scores = simulate(seed, 5000, np.full(6, 1.2), np.linspace(-1, 1, 6))
    holes = scores.copy()
    holes[np.random.default_rng(seed).random(scores.shape) < 0.2] = np.nan
    full, part = calibrate(scores, Model.TWO_PL).parameters, calibrate(holes, Model.TWO_PL).parameters
    assert part.b == pytest.approx(full.b, abs=0.25)


def test_compressed_patterns_and_plain_rows_give_the_same_log_likelihood():
    rows, counts = lsat.patterns(lsat.LSAT7)
    items = Parameters(np.ones(5), np.zeros(5), np.full(5, 0.1))
    theta, weight = quadrature(41)
    whole = compress(np.repeat(rows, counts, axis=0))
    assert whole.counts.sum() == 1000
    assert len(whole.counts) == 32
    _, logs = posteriors(compress(rows), slice(None), items, theta, weight)
    plain = sum(n * one for n, one in zip(counts, logs[compress(rows).inverse], strict=True))
    assert expected_counts(whole, items, theta, weight)[2] == pytest.approx(plain, abs=1e-9)


def test_patterns_with_holes_are_kept_apart_from_those_without():
    found = compress([[1, 0], [1, np.nan], [1, 0], [np.nan, np.nan]])
    assert sorted(found.counts) == [1, 1, 2]
    assert found.inverse[0] == found.inverse[2]


def test_many_distinct_rows_are_not_sorted_and_lose_nothing():
    scores = simulate(0, 2500, np.ones(40), np.zeros(40))
    found = compress(scores)
    assert (found.right == scores).all()
    assert found.counts.sum() == 2500


def test_a_large_sample_starts_from_a_part_and_ends_where_the_whole_does(monkeypatch):
    scores = simulate(0, 4000, np.full(25, 1.1), np.linspace(-1, 1, 25))
    whole = calibrate(scores, Model.TWO_PL)
    monkeypatch.setattr("psychometrics.irt.SUBSAMPLE", 500)
    found = calibrate(scores, Model.TWO_PL)
    assert found.converged
    assert found.n_iterations <= whole.n_iterations
    assert found.parameters.b == pytest.approx(whole.parameters.b, abs=1e-3)
    assert found.log_likelihood == pytest.approx(whole.log_likelihood, abs=1e-2)


def test_items_that_do_not_vary_or_earn_part_marks_are_not_for_these_models():
    scores = np.array([[1, 0, 0.5, 1], [1, 1, 1, np.nan], [1, 0, 0, 0]])
    assert usable_items(scores).tolist() == [False, True, False, True]
    with pytest.raises(ParameterError, match="right and a wrong"):
        calibrate(scores[:, :2], Model.RASCH)
    with pytest.raises(ParameterError, match="0, 1 or NaN"):
        calibrate(scores[:, 2:], Model.RASCH)


def test_a_reversed_item_gets_a_negative_slope():
    scores = simulate(5, 2000, np.full(6, 1.5), np.zeros(6))
    scores[:, 0] = 1 - scores[:, 0]
    assert calibrate(scores, Model.TWO_PL).parameters.a[0] < -0.5


def test_repeated_items_leave_a_finite_answer_within_the_iterations():
    scores = simulate(2, 200, np.full(3, 1.0), np.zeros(3))
    found = calibrate(np.column_stack([scores, scores]), Model.TWO_PL, max_iterations=60)
    assert np.isfinite(found.parameters.a).all()
    assert found.n_iterations <= 61


# Abilities of LSAT patterns: converged figures for the parameters above; EAP also in Bock & Mislevy (1982) terms.
@pytest.mark.parametrize(
    ("table", "none", "none_se", "all_right", "all_se"),
    [(lsat.LSAT6, -1.897, 0.801, 0.646, 0.859), (lsat.LSAT7, -1.870, 0.693, 0.727, 0.801)],
)
def test_expected_abilities_of_the_extreme_lsat_patterns(table, none, none_se, all_right, all_se):
    items = calibrate(lsat.scores(table), Model.TWO_PL).parameters
    found = ability.eap([[0] * 5, [1] * 5], items)
    assert found.theta == pytest.approx([none, all_right], abs=5e-4)
    assert found.se == pytest.approx([none_se, all_se], abs=5e-4)


@pytest.mark.parametrize("seed", range(15))
def test_every_estimate_solves_its_own_equation(seed):
    rng = np.random.default_rng(seed)
    items = Parameters(rng.lognormal(0, 0.3, 12), rng.normal(size=12), np.full(12, 0.2 * (seed % 2)))
    scores = simulate(seed, 40, items.a, items.b)
    scores[rng.random(scores.shape) < 0.1] = np.nan
    step = 1e-4

    def log_likelihood(theta, person):
        p = items.c + (1 - items.c) / (1 + np.exp(-(items.a * theta + items.d)))
        return np.nansum(np.log(np.where(scores[person] == 1, p, 1 - p)) * ~np.isnan(scores[person]))

    mode, top = ability.maximum_a_posteriori(scores, items), ability.maximum_likelihood(scores, items)
    for person in range(40):
        theta = mode.theta[person]
        slope = (log_likelihood(theta + step, person) - log_likelihood(theta - step, person)) / (2 * step)
        assert slope - theta == pytest.approx(0, abs=1e-5)
        if np.isfinite(top.theta[person]):
            theta = top.theta[person]
            slope = (log_likelihood(theta + step, person) - log_likelihood(theta - step, person)) / (2 * step)
            assert slope == pytest.approx(0, abs=1e-5)


def test_warms_estimate_has_less_bias_than_maximum_likelihood_and_is_always_finite():
    items = Parameters(np.full(15, 1.2), np.linspace(-1.5, 1.5, 15), np.zeros(15))
    rng = np.random.default_rng(0)
    truth = 1.5
    scores = (rng.random((20_000, 15)) < 1 / (1 + np.exp(-(items.a * truth + items.d)))).astype(float)
    warm, plain = ability.weighted_likelihood(scores, items), ability.maximum_likelihood(scores, items)
    assert np.isfinite(warm.theta).all()
    assert np.isnan(plain.theta[scores.all(axis=1)]).all()
    assert abs(warm.theta.mean() - truth) < 0.03
    assert abs(warm.theta.mean() - truth) < abs(np.nanmean(plain.theta) - truth)


def test_warms_estimate_of_lsat6_extremes_is_that_of_the_converged_reference():
    items = calibrate(lsat.scores(lsat.LSAT6), Model.TWO_PL).parameters
    found = ability.weighted_likelihood([[0] * 5, [0, 0, 0, 0, 1], [0, 0, 0, 1, 1]], items)
    assert found.theta == pytest.approx([-5.70390, -3.95150, -2.75661], abs=2e-4)


def test_a_person_who_reached_nothing_is_at_the_mean_of_the_prior():
    items = Parameters(np.ones(3), np.zeros(3), np.zeros(3))
    assert ability.eap([[np.nan] * 3], items).theta[0] == pytest.approx(0, abs=1e-12)
    assert ability.eap([[np.nan] * 3], items).se[0] == pytest.approx(1, abs=1e-6)
    assert np.isnan(ability.maximum_likelihood([[np.nan] * 3], items).theta[0])


@pytest.mark.parametrize("seed", range(20))
def test_information_is_the_variance_of_the_score_and_the_curvature_of_the_2pl(seed):
    rng = np.random.default_rng(seed)
    a, b, c = rng.lognormal(0, 0.3, 4), rng.normal(size=4), np.array([0, 0.1, 0.25, 0.4])
    theta, step = rng.normal(size=3), 1e-5
    p = probability(theta, a, b, c, scale=1.7)
    slope = (probability(theta + step, a, b, c, scale=1.7) - probability(theta - step, a, b, c, scale=1.7)) / (2 * step)
    assert item_information(theta, a, b, c, scale=1.7) == pytest.approx(slope**2 / (p * (1 - p)), rel=1e-6)


def test_information_of_the_2pl_is_largest_at_the_difficulty():
    theta = np.linspace(-3, 3, 601)
    found = item_information(theta, [1.3], [0.5], [0.0], scale=1.0)[:, 0]
    assert theta[found.argmax()] == pytest.approx(0.5)
    assert found.max() == pytest.approx(1.3**2 / 4)


@pytest.mark.parametrize("guess", [0.0, 0.2])
def test_derivatives_of_an_answer_are_those_of_its_log_probability(guess):
    theta, step = np.array([-1.0, 0.3, 2.0]), 1e-5
    base = np.array([1.3, -0.4, np.log(0.2 / 0.8)])

    def at(v):
        c = 1 / (1 + np.exp(-v[2:])) if guess else np.zeros(1)
        return v[:1], v[1:2], c

    p, h = score_weights(theta, *at(base))
    slopes = score_weight_slopes(theta, *at(base))
    for i in range(3 if guess else 2):
        move = step * np.eye(3)[i]
        up, down = log_probabilities(theta, *at(base + move)), log_probabilities(theta, *at(base - move))
        assert (up[0] - down[0]) / (2 * step) == pytest.approx((1 - p) * h[i], abs=1e-8)
        assert (up[1] - down[1]) / (2 * step) == pytest.approx(-p * h[i], abs=1e-8)
        weights = (score_weights(theta, *at(base + move))[1] - score_weights(theta, *at(base - move))[1]) / (2 * step)
        for j in range(3 if guess else 2):
            assert weights[j] == pytest.approx(slopes[j, i], abs=1e-7)


def test_parameters_outside_their_range_are_refused():
    with pytest.raises(ParameterError, match="one length"):
        probability([0], [1, 1], [0], [0], scale=1)
    with pytest.raises(ParameterError, match="finite"):
        item_information([0], [1], [0], [1.0], scale=1)


def test_few_steps_leave_finite_estimates(monkeypatch):
    monkeypatch.setattr("psychometrics.irt.MAX_NEWTON", 1)
    monkeypatch.setattr("psychometrics.ability.MAX_STEPS", 1)
    scores = lsat.scores(lsat.LSAT7)
    found = calibrate(scores, Model.RASCH)
    assert found.parameters.a[0] == pytest.approx(1.011268, abs=1e-3)
    assert np.isfinite(ability.maximum_a_posteriori(scores[:50], found.parameters).theta).all()


def test_errors_of_answers_with_holes_come_from_the_curvature_too():
    scores = simulate(4, 3000, np.full(5, 1.2), np.linspace(-1, 1, 5))
    scores[::3, 3:] = np.nan
    found = calibrate(scores, Model.TWO_PL)
    exact, crossed = (standard_errors(scores, found, method=one) for one in ("observed", "cross_product"))
    assert crossed.b == pytest.approx(exact.b, rel=0.15)
    full = standard_errors(scores[1::3], calibrate(scores[1::3], Model.TWO_PL))
    assert (exact.b[:3] < full.b[:3]).all()


def test_parameters_that_the_data_do_not_fix_have_no_standard_error():
    two_patterns = np.repeat([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]], 30, axis=0)
    found = calibrate(two_patterns, Model.TWO_PL, max_iterations=40)
    assert np.isnan(standard_errors(two_patterns, found).a).all()

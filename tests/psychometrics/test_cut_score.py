"""Cut scores, decision consistency and person fit: formulas by hand, brute force, simulation and limits."""

from __future__ import annotations

import numpy as np
import pytest

from psychometrics import ability, cut_score
from psychometrics.arrays import ParameterError
from psychometrics.classification import beta_binomial, livingston_lewis
from psychometrics.irt import Parameters
from psychometrics.person_fit import h_transposed, standardised_log_likelihood, u3


@pytest.mark.parametrize("seed", range(20))
def test_the_angoff_cut_is_the_mean_of_the_judges_sums(seed):
    rng = np.random.default_rng(seed)
    ratings, marks = rng.random((7, 20)), rng.integers(1, 4, 20)
    found = cut_score.angoff(ratings, marks)
    sums = [sum(p * m for p, m in zip(row, marks, strict=True)) for row in ratings]
    assert found.cut == pytest.approx(np.mean(sums))
    assert found.se == pytest.approx(np.std(sums, ddof=1) / np.sqrt(7))


def test_judges_who_agree_leave_no_error_and_one_judge_no_estimate_of_it():
    assert cut_score.angoff(np.full((5, 10), 0.6)).se == 0
    assert np.isnan(cut_score.angoff([[0.5, 0.5]]).se)


def test_ebel_and_nedelsky_follow_their_formulas():
    assert cut_score.ebel([[1.0, 0.5], [0.8, 0.4]], [[10, 20], [10, 30]]).by_judge == pytest.approx([20, 20])
    assert cut_score.nedelsky(np.full((3, 40), 4)).cut == 10
    assert cut_score.nedelsky(np.ones((1, 40))).cut == 40
    assert cut_score.nedelsky([[2, 4]], [3, 2]).cut == 2


@pytest.mark.parametrize("seed", range(10))
def test_nedelsky_and_ebel_are_angoff_with_the_chances_that_they_imply(seed):
    rng = np.random.default_rng(seed)
    left, marks = rng.integers(1, 5, (6, 15)), rng.integers(1, 4, 15)
    assert cut_score.nedelsky(left, marks).by_judge == pytest.approx(cut_score.angoff(1 / left, marks).by_judge)
    cells, chances = rng.integers(0, 4, (6, 15)), rng.random((6, 4))
    worth = np.array([np.bincount(row, marks, 4) for row in cells])
    spread = np.take_along_axis(chances, cells, axis=1)
    assert cut_score.ebel(chances, worth).by_judge == pytest.approx(cut_score.angoff(spread, marks).by_judge)


def test_beuk_keeps_the_judges_mean_when_candidates_agree_with_it():
    scores = np.repeat(np.arange(101.0), 1)
    rate = float(np.mean(scores >= 60))
    found = cut_score.beuk([55, 60, 65], [rate - 0.1, rate, rate + 0.1], scores, 100)
    assert found == pytest.approx(60, abs=0.26)


def test_beuk_leans_to_the_opinion_on_which_judges_agree():
    scores = np.random.default_rng(0).normal(50, 10, 4000).clip(0, 100)
    sure_of_score = cut_score.beuk([59, 60, 61], [0.5, 0.7, 0.9], scores, 100)
    sure_of_rate = cut_score.beuk([50, 60, 70], [0.69, 0.70, 0.71], scores, 100)
    assert abs(sure_of_score - 60) < 3
    assert np.mean(scores >= sure_of_rate) == pytest.approx(0.7, abs=0.03)
    assert cut_score.beuk([60, 60], [0.2, 0.9], scores, 100) == 60


def test_hofstee_lies_in_the_rectangle_or_says_that_there_is_none():
    scores = np.random.default_rng(1).normal(60, 10, 3000).clip(0, 100)
    found = cut_score.hofstee((50, 70), (0.1, 0.6), scores, 100)
    assert 50 <= found <= 70
    assert 0.1 <= np.mean(scores < found) <= 0.61
    assert np.isnan(cut_score.hofstee((50, 70), (0.1, 0.2), scores * 0.5, 100))
    assert np.isnan(cut_score.hofstee((10, 20), (0.3, 0.6), scores, 100))


def test_groups_of_borderline_and_of_sure_persons_give_medians_and_best_splits():
    assert cut_score.borderline_group([50, 60, 70])[0] == 60
    assert np.isnan(cut_score.borderline_group([50])[1])
    rng = np.random.default_rng(2)
    able, unable = rng.normal(70, 8, 3000), rng.normal(50, 8, 3000)
    assert cut_score.contrasting_groups(able, unable) == pytest.approx(60, abs=1.5)


def test_the_error_of_a_borderline_median_is_that_of_simulation():
    rng = np.random.default_rng(3)
    draws = rng.normal(60, 10, (4000, 40))
    assert np.median(draws, axis=1).std() == pytest.approx(1.2533 * 10 / np.sqrt(40), rel=0.05)


@pytest.mark.parametrize(("alpha", "beta", "cut"), [(12.0, 6.0, 60), (6.0, 4.0, 50), (20.0, 8.0, 70)])
def test_consistency_and_accuracy_are_those_of_two_simulated_forms(alpha, beta, cut):
    rng = np.random.default_rng(4)
    true = rng.beta(alpha, beta, 200_000)
    one, other = rng.binomial(100, true), rng.binomial(100, true)
    reliability = float(np.corrcoef(one, other)[0, 1])
    found = livingston_lewis(one, cut, reliability, min_score=0, max_score=100)
    assert found.effective_length == pytest.approx(100, abs=3)
    assert found.consistency == pytest.approx(np.mean((one >= cut) == (other >= cut)), abs=0.01)
    assert found.accuracy == pytest.approx(np.mean((one >= cut) == (true >= cut / 100)), abs=0.01)
    assert found.accuracy + found.false_positive + found.false_negative == pytest.approx(1)
    assert found.accuracy > found.consistency > found.kappa


def test_a_cut_that_everybody_meets_decides_nothing():
    scores = np.random.default_rng(5).binomial(50, 0.7, 500)
    found = livingston_lewis(scores, 0, 0.5, min_score=0, max_score=50)
    assert found.consistency == found.accuracy == pytest.approx(1)
    assert np.isnan(found.kappa) or abs(found.kappa) < 1e-6


@pytest.mark.parametrize("seed", range(10))
def test_beta_binomial_chances_add_up_and_have_the_right_mean(seed):
    alpha, beta = np.random.default_rng(seed).uniform(0.5, 20, 2)
    found = beta_binomial(40, float(alpha), float(beta))
    assert found.sum() == pytest.approx(1)
    assert found @ np.arange(41) == pytest.approx(40 * alpha / (alpha + beta))


def items(seed: int, n: int = 40) -> Parameters:
    rng = np.random.default_rng(seed)
    return Parameters(rng.lognormal(0, 0.3, n), rng.normal(size=n), np.zeros(n))


def draw(one: Parameters, theta: np.ndarray, seed: int) -> np.ndarray:
    p = one.c + (1 - one.c) / (1 + np.exp(-(np.outer(theta, one.a) + one.d)))
    return (np.random.default_rng(seed).random(p.shape) < p).astype(float)


@pytest.mark.parametrize("seed", range(10))
def test_lz_is_the_standardised_log_likelihood(seed):
    one, theta = items(seed, 6), np.random.default_rng(seed).normal(size=5)
    scores = draw(one, theta, seed)
    found = standardised_log_likelihood(scores, theta, one).lz
    p = 1 / (1 + np.exp(-(np.outer(theta, one.a) + one.d)))
    log_likelihood = np.where(scores == 1, np.log(p), np.log(1 - p)).sum(axis=1)
    mean = (p * np.log(p) + (1 - p) * np.log(1 - p)).sum(axis=1)
    variance = (p * (1 - p) * np.log(p / (1 - p)) ** 2).sum(axis=1)
    assert found == pytest.approx((log_likelihood - mean) / np.sqrt(variance))


def test_the_corrected_figure_has_mean_zero_and_variance_one_where_the_plain_one_has_not():
    one, theta = items(1), np.random.default_rng(1).normal(size=20_000)
    scores = draw(one, theta, 2)
    estimate = ability.maximum_likelihood(scores, one).theta
    found = standardised_log_likelihood(scores[np.isfinite(estimate)], estimate[np.isfinite(estimate)], one)
    assert found.lz_star.mean() == pytest.approx(0, abs=0.1)
    assert found.lz_star.std() == pytest.approx(1, abs=0.06)
    assert found.lz.std() < found.lz_star.std()


def test_the_correction_for_a_prior_keeps_the_mean_near_zero():
    one, theta = items(3), np.random.default_rng(3).normal(size=20_000)
    scores = draw(one, theta, 4)
    estimate = ability.maximum_a_posteriori(scores, one).theta
    found = standardised_log_likelihood(scores, estimate, one, prior_slope=-estimate)
    assert found.lz_star.mean() == pytest.approx(0, abs=0.1)
    assert found.lz_star.std() == pytest.approx(1, abs=0.08)


def test_answers_by_chance_stand_out_by_every_figure():
    one, theta = items(5), np.random.default_rng(5).normal(1, 0.5, 500)
    scores = draw(one, theta, 6)
    scores[:25] = np.random.default_rng(7).integers(0, 2, (25, 40))
    estimate = ability.eap(scores, one).theta
    for figure in (standardised_log_likelihood(scores, estimate, one).lz, h_transposed(scores), -u3(scores)):
        assert np.nanmedian(figure[:25]) < np.nanquantile(figure[25:], 0.1)


@pytest.mark.parametrize("seed", range(15))
def test_h_transposed_equals_a_loop_over_pairs(seed):
    rng = np.random.default_rng(seed)
    scores = (rng.random((12, 9)) < rng.uniform(0.2, 0.9, 9)).astype(float)
    share, found = scores.mean(axis=1), h_transposed(scores)
    for i in range(12):
        others = [k for k in range(12) if k != i]
        top = sum((scores[i] * scores[k]).mean() - share[i] * share[k] for k in others)
        most = sum(min(share[i], share[k]) * (1 - max(share[i], share[k])) for k in others)
        if 0 < share[i] < 1:
            assert found[i] == pytest.approx(top / most, abs=1e-12)
        else:
            assert np.isnan(found[i])


def test_u3_is_zero_for_the_order_of_the_items_and_one_for_its_reverse():
    rng = np.random.default_rng(0)
    ease = np.linspace(0.9, 0.1, 10)
    base = (rng.random((400, 10)) < ease).astype(float)
    order = np.argsort(-base.mean(axis=0))
    good, bad = np.zeros(10), np.zeros(10)
    good[order[:4]], bad[order[-4:]] = 1, 1
    found = u3(np.vstack([base, good, bad]))
    assert found[-2:] == pytest.approx([0, 1], abs=1e-12)
    assert np.isnan(u3([[1, 1], [0, 0]])).all()
    assert np.nanmin(found) > -1e-9
    assert np.nanmax(found) < 1 + 1e-9


def test_wrong_arguments_are_refused():
    one = items(0, 2)
    for call in (
        lambda: cut_score.angoff([[1.2]]),
        lambda: cut_score.angoff([[0.5, 0.5]], [1]),
        lambda: cut_score.nedelsky([[0]]),
        lambda: cut_score.ebel([[0.5]], [1, 2]),
        lambda: cut_score.beuk([50], [0.5], [1.0], 100),
        lambda: cut_score.beuk([50, 60], [0.5, 0.6], [], 100),
        lambda: cut_score.hofstee((70, 50), (0.1, 0.2), [1.0], 100),
        lambda: cut_score.borderline_group([]),
        lambda: cut_score.contrasting_groups([], [1.0]),
        lambda: livingston_lewis([1, 2], 1, 1.0, min_score=0, max_score=3),
        lambda: livingston_lewis([1, 1], 1, 0.5, min_score=0, max_score=3),
        lambda: standardised_log_likelihood([[1, 0]], [0.0, 1.0], one),
        lambda: u3([[0.5, 1]]),
    ):
        with pytest.raises(ParameterError):
            call()

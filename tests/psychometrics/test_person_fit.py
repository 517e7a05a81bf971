"""Chances of lz* by simulation: right where the normal distribution is not, and silent where there is no fit."""

from __future__ import annotations

import numpy as np

from psychometrics.ability import maximum_a_posteriori
from psychometrics.irt import Parameters
from psychometrics.person_fit import simulated_chances, standardised_log_likelihood

ITEMS = Parameters(np.ones(25), np.linspace(-2.0, 2.0, 25), np.zeros(25))


def honest(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return lz* and abilities of persons who answer by the model."""
    rng = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(-(rng.normal(size=(n, 1)) + ITEMS.d)))
    scores = (rng.random(p.shape) < p).astype(float)
    theta = maximum_a_posteriori(scores, ITEMS).theta
    return standardised_log_likelihood(scores, theta, ITEMS, prior_slope=-theta).lz_star, theta


def test_honest_persons_have_chances_spread_evenly():
    fit, theta = honest(1, 120)
    chances = simulated_chances(fit, theta, ITEMS, n_samples=400, seed=5)
    assert 0.01 < np.mean(chances < 0.1) < 0.19
    assert 0.4 < chances.mean() < 0.6


def test_a_worse_fit_is_never_more_likely_and_the_seed_gives_the_same_again():
    one = simulated_chances([-4.0, -3.0, -1.0, 1.0], np.zeros(4), ITEMS, n_samples=2000)
    assert (np.diff(one) >= 0).all()
    assert one[0] < 0.01
    assert (one == simulated_chances([-4.0, -3.0, -1.0, 1.0], np.zeros(4), ITEMS, n_samples=2000)).all()


def test_the_far_tail_is_heavier_than_the_normal_one():
    assert simulated_chances([-3.5], [1.5], ITEMS)[0] > 0.000233


def test_no_fit_has_no_chance():
    assert np.isnan(simulated_chances([np.nan], [0.0], ITEMS)).all()

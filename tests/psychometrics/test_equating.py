"""Equating and linking against published examples, identities, simulation and limits."""

from __future__ import annotations

import numpy as np
import pytest

from psychometrics.arrays import ParameterError
from psychometrics.equating import (
    bootstrap_errors,
    equipercentile_equating,
    identity_equating,
    linear_equating,
    loglinear_smoothing,
    mean_equating,
    moments,
    percentile_ranks,
)
from psychometrics.irt import quadrature
from psychometrics.linking import (
    CommonItems,
    Link,
    bootstrap_link_errors,
    haebara,
    mean_mean,
    mean_sigma,
    stocking_lord,
    true_score_equating,
)
from psychometrics.logistic import probability

METHODS = [mean_mean, mean_sigma, lambda x, y: haebara(x, y, scale=1.7), lambda x, y: stocking_lord(x, y, scale=1.7)]


def counts(seed: int, n_items: int = 30, ease: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    share = 1 / (1 + np.exp(-(rng.normal(size=2000) + ease)))
    return np.bincount(rng.binomial(n_items, share), minlength=n_items + 1)


def pool(seed: int, n: int = 12) -> CommonItems:
    rng = np.random.default_rng(seed)
    return CommonItems(rng.lognormal(0, 0.3, n), rng.normal(size=n), rng.uniform(0.05, 0.3, n))


def test_the_hypothetical_forms_of_kolen_and_brennan_equate_as_published():
    """Kolen & Brennan (2014), Test Equating, Scaling, and Linking, 3rd ed., section 2.5.2, table 2.3."""
    x, y = [2, 3, 2, 2, 1], [1, 2, 2, 3, 2]
    assert percentile_ranks(x) == pytest.approx([0.10, 0.35, 0.60, 0.80, 0.95])
    assert equipercentile_equating(x, y) == pytest.approx([0.50, 1.75, 2.8333, 3.50, 4.25], abs=5e-5)


@pytest.mark.parametrize("seed", range(30))
def test_a_form_equates_to_itself_by_every_method(seed):
    x = counts(seed) + 1
    score = np.arange(x.size)
    for method in (mean_equating, linear_equating, equipercentile_equating):
        assert method(x, x) == pytest.approx(score, abs=1e-9)


@pytest.mark.parametrize("seed", range(30))
def test_linear_equivalents_have_mean_and_deviation_of_the_other_form(seed):
    x, y = counts(seed), counts(seed + 1000, ease=0.4)
    mean_y, sd_y = moments(y)
    found = linear_equating(x, y)
    mean = (found * x).sum() / x.sum()
    assert mean == pytest.approx(mean_y)
    assert np.sqrt((x * (found - mean) ** 2).sum() / x.sum()) == pytest.approx(sd_y)
    assert (mean_equating(x, y) * x).sum() / x.sum() == pytest.approx(mean_y)


@pytest.mark.parametrize("seed", range(30))
def test_equipercentile_equivalents_rise_and_invert(seed):
    x, y = loglinear_smoothing(counts(seed), 4), loglinear_smoothing(counts(seed + 1000, ease=0.4), 4)
    forth, back = equipercentile_equating(x, y), equipercentile_equating(y, x)
    assert (np.diff(forth) > 0).all()
    inside = (forth > 1) & (forth < y.size - 2)
    assert np.interp(forth[inside], np.arange(y.size), back) == pytest.approx(np.arange(x.size)[inside], abs=0.15)


def test_scores_that_nobody_has_lie_in_the_gap_or_at_the_ends():
    found = equipercentile_equating([0, 1, 0, 1, 0], [1, 0, 0, 1])
    assert found == pytest.approx([-0.5, 0.0, 1.5, 3.0, 3.5])


@pytest.mark.parametrize("degree", [1, 2, 4, 6])
def test_smoothing_keeps_as_many_moments_as_it_has_degrees(degree):
    for seed in range(10):
        table = counts(seed)
        smooth = loglinear_smoothing(table, degree)
        score = np.arange(table.size) / table.size
        for power in range(degree + 1):
            assert smooth @ score**power == pytest.approx(table @ score**power, rel=1e-6)
        assert (smooth > 0).all()


def test_smoothing_brings_equating_nearer_to_the_truth():
    share_x, share_y = (loglinear_smoothing(counts(0, ease=ease) + 1, 3) for ease in (0, 0.4))
    truth = equipercentile_equating(share_x, share_y)
    raw, smooth = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x, y = (rng.multinomial(300, one / one.sum()) for one in (share_x, share_y))
        raw.append((equipercentile_equating(x, y) - truth)[3:-3])
        smooth.append((equipercentile_equating(loglinear_smoothing(x, 3), loglinear_smoothing(y, 3)) - truth)[3:-3])
    assert np.mean(np.square(smooth)) < 0.8 * np.mean(np.square(raw))


def test_bootstrap_errors_shrink_with_the_root_of_the_sample():
    x, y = counts(1), counts(2)
    small, large = bootstrap_errors(x, y, seed=1), bootstrap_errors(x * 16, y * 16, seed=1)
    assert np.median(small[5:-5] / large[5:-5]) == pytest.approx(4, rel=0.15)


def test_the_bootstrap_error_of_a_mean_is_that_of_its_formula_and_the_identity_has_none():
    x, y = counts(1), counts(2)
    error = bootstrap_errors(x, y, method=mean_equating, n_samples=2000, seed=3)
    known = np.sqrt(moments(x)[1] ** 2 / x.sum() + moments(y)[1] ** 2 / y.sum())
    assert error == pytest.approx(np.full(x.size, known), rel=0.06)
    assert identity_equating(x) == pytest.approx(np.arange(x.size))
    assert (bootstrap_errors(x, y, method=lambda one, _other: identity_equating(one), n_samples=5) == 0).all()


def test_the_bootstrap_error_of_a_shift_is_the_spread_of_the_items_shifts():
    rng = np.random.default_rng(0)
    b = np.linspace(-2, 2, 30)
    shifts = rng.normal(0.3, 0.15, 30)
    source, target = (CommonItems(np.ones(30), one, np.zeros(30)) for one in (b, b + shifts))
    slope, intercept = bootstrap_link_errors(source, target, method=mean_mean, n_samples=1500)
    assert slope == 0
    assert intercept == pytest.approx(shifts.std() / np.sqrt(30), rel=0.08)
    two = CommonItems(np.ones(2), np.array([-1.0, 1.0]), np.zeros(2))
    assert bootstrap_link_errors(two, Link(1.1, 0.2).moved(two), n_samples=10) == pytest.approx((0, 0), abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(8))
def test_a_known_line_is_found_again_by_every_link(method, seed):
    rng = np.random.default_rng(seed)
    truth = Link(float(rng.uniform(0.7, 1.4)), float(rng.normal(0, 0.5)))
    found = method(pool(seed), truth.moved(pool(seed)))
    assert found.slope == pytest.approx(truth.slope, abs=1e-4)
    assert found.intercept == pytest.approx(truth.intercept, abs=1e-4)


def test_moving_items_and_abilities_together_changes_no_probability():
    link, items, theta = Link(1.3, -0.4), pool(0), np.linspace(-2, 2, 9)
    moved = link.moved(items)
    expected = probability(theta, items.a, items.b, items.c, scale=1.0)
    assert probability(1.3 * theta - 0.4, moved.a, moved.b, moved.c, scale=1.0) == pytest.approx(expected)


@pytest.mark.parametrize(("method", "together"), [(haebara, False), (stocking_lord, True)])
def test_characteristic_curve_links_are_where_their_loss_is_least(method, together):
    old, new = pool(1), Link(1.2, 0.3).moved(pool(1))
    rng = np.random.default_rng(0)
    new = CommonItems(new.a * rng.lognormal(0, 0.1, 12), new.b + rng.normal(0, 0.1, 12), new.c)
    theta, weight = quadrature(41, 4.0)
    found = method(old, new, scale=1.0, points=(theta, weight))

    def loss(slope: float, intercept: float) -> float:
        link, back = Link(slope, intercept), Link(1 / slope, -intercept / slope)
        total = 0.0
        for one, other in ((new, link.moved(old)), (old, back.moved(new))):
            rest = probability(theta, one.a, one.b, one.c, scale=1.0)
            rest = rest - probability(theta, other.a, other.b, other.c, scale=1.0)
            total += weight @ (rest.sum(axis=1) ** 2 if together else (rest**2).sum(axis=1))
        return total

    least = loss(found.slope, found.intercept)
    for move in ((1e-3, 0), (-1e-3, 0), (0, 1e-3), (0, -1e-3)):
        assert loss(found.slope + move[0], found.intercept + move[1]) > least


@pytest.mark.parametrize("seed", range(10))
def test_true_scores_equate_through_the_ability_that_gives_them(seed):
    x, y = pool(seed), pool(seed + 50)
    theta = np.linspace(-2, 2, 7)
    true_x = probability(theta, x.a, x.b, x.c, scale=1.0).sum(axis=1)
    true_y = probability(theta, y.a, y.b, y.c, scale=1.0).sum(axis=1)
    assert true_score_equating(true_x, x, y, scale=1.0) == pytest.approx(true_y, abs=1e-9)


def test_true_scores_below_guessing_follow_the_line_to_zero():
    x, y = pool(0), pool(1)
    found = true_score_equating(np.array([0.0, x.c.sum() / 2, 12.0]), x, y, scale=1.0)
    assert found == pytest.approx([0, y.c.sum() / 2, 12])


def test_wrong_arguments_are_refused():
    for call in (
        lambda: moments([0, 0]),
        lambda: moments([1, -1]),
        lambda: linear_equating([0, 5, 0], [1, 1, 1]),
        lambda: loglinear_smoothing([1, 2, 3], 3),
        lambda: mean_mean(pool(0), pool(0, n=5)),
        lambda: mean_sigma(CommonItems(*np.ones((3, 2))), CommonItems(*np.ones((3, 2)))),
    ):
        with pytest.raises(ParameterError):
            call()


def test_a_smoothing_that_is_cut_short_is_still_positive(monkeypatch):
    monkeypatch.setattr("psychometrics.equating.MAX_NEWTON", 1)
    assert (loglinear_smoothing(counts(0), 5) > 0).all()


def test_difficulties_that_shrink_to_nothing_keep_a_positive_slope():
    old = CommonItems(np.ones(4), np.array([-1.0, 0.0, 0.5, 1.0]), np.zeros(4))
    new = CommonItems(np.ones(4), old.b * 0.005, np.zeros(4))
    assert haebara(old, new, scale=1.0).slope > 0.01

"""Equating with an anchor against the textbook example, limits and simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from psychometrics.arrays import ParameterError
from psychometrics.nonequivalent import GroupMoments, bootstrap_link_errors, group_moments, levine, tucker

# Kolen & Brennan (2014), Test Equating, Scaling, and Linking, 3rd ed., chapter 4: 36 items, internal anchor of 12.
NEW = GroupMoments(15.8205, 6.5278, 5.1063, 2.3760, 13.4088)
OLD = GroupMoments(18.6728, 6.8784, 5.8626, 2.4515, 14.7603)


def test_tucker_gives_the_textbook_line():
    link = tucker(NEW, OLD)
    assert link.slope == pytest.approx(1.0289, abs=1e-4)
    assert link.intercept == pytest.approx(0.5370, abs=1e-4)
    assert link([0, 10]) == pytest.approx([0.5370, 10.826], abs=1e-3)


@pytest.mark.parametrize("method", [tucker, levine])
def test_bootstrap_errors_are_the_spread_of_the_link_over_fresh_groups(method):
    def group(rng: np.random.Generator, mean: float) -> tuple[np.ndarray, np.ndarray]:
        ability = rng.normal(mean, 1, 300)
        anchor = 6 + 2 * ability + rng.normal(0, 1, 300)
        return 20 + 6 * ability + anchor / 4 + rng.normal(0, 2, 300), anchor

    rng = np.random.default_rng(2)
    fresh = [method(group_moments(*group(rng, 0.0)), group_moments(*group(rng, 0.3)))([10, 20, 30]) for _ in range(400)]
    found = [
        bootstrap_link_errors(group(rng, 0.0), group(rng, 0.3), [10, 20, 30], method=method, n_samples=150, seed=seed)
        for seed in range(4)
    ]
    assert np.mean(found, axis=0) == pytest.approx(np.std(fresh, axis=0), rel=0.2)


def test_levine_follows_its_formula_step_by_step_with_the_textbook_moments():
    gamma_new, gamma_old = NEW.sd**2 / NEW.covariance, OLD.sd**2 / OLD.covariance
    mean_y = OLD.mean + gamma_old * (NEW.anchor_mean - OLD.anchor_mean)
    variance_y = OLD.sd**2 + gamma_old**2 * (NEW.anchor_sd**2 - OLD.anchor_sd**2)
    link = levine(NEW, OLD)
    assert link.slope == pytest.approx(variance_y**0.5 / NEW.sd)
    assert link.intercept == pytest.approx(mean_y - link.slope * NEW.mean)
    other = levine(NEW, OLD, weight=0)
    mean_x = NEW.mean - gamma_new * (NEW.anchor_mean - OLD.anchor_mean)
    assert other(mean_x) == pytest.approx(OLD.mean)


def test_equal_groups_make_all_methods_the_ordinary_linear_link():
    new = replace(NEW, anchor_mean=OLD.anchor_mean, anchor_sd=OLD.anchor_sd)
    for link in (tucker(new, OLD), levine(new, OLD), levine(new, OLD, internal=False), tucker(new, OLD, weight=0.3)):
        assert link.slope == pytest.approx(OLD.sd / new.sd)
        assert link(new.mean) == pytest.approx(OLD.mean)


def simulate(seed: int, shift: float, *, external: bool) -> tuple[GroupMoments, GroupMoments]:
    """Return two groups that differ by `shift` on tests whose true link is y = x + 3."""
    rng = np.random.default_rng(seed)
    moments = []
    for ability, bonus in ((rng.normal(shift, 1, 4000), 0.0), (rng.normal(0, 1, 4000), 3.0)):
        anchor = 6 + 2 * ability + rng.normal(0, 1, 4000)
        rest = 12 + bonus + 5 * ability + rng.normal(0, 1.5, 4000)
        moments.append(group_moments(rest if external else rest + anchor, anchor))
    return moments[0], moments[1]


@pytest.mark.parametrize("external", [False, True])
def test_levine_finds_the_true_link_where_groups_differ_much_and_tucker_leans_towards_equal_groups(external):
    found = []
    for seed in range(20):
        new, old = simulate(seed, 0.8, external=external)
        place = new.mean
        found.append((levine(new, old, internal=not external)(place) - place, tucker(new, old)(place) - place))
    by_levine, by_tucker = np.mean(found, axis=0)
    assert by_levine == pytest.approx(3, abs=0.25)
    assert abs(by_tucker - 3) > abs(by_levine - 3) + 0.3


@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
def test_equating_there_and_back_is_no_change(weight):
    there, back = tucker(NEW, OLD, weight=weight), tucker(OLD, NEW, weight=1 - weight)
    assert back(there([3.0, 17.0, 30.0])) == pytest.approx([3.0, 17.0, 30.0])


@pytest.mark.parametrize(
    "call",
    [
        lambda: group_moments([1, 2], [1]),
        lambda: group_moments([1, 1, 1], [1, 2, 3]),
        lambda: tucker(replace(NEW, anchor_sd=0.0), OLD),
        lambda: tucker(NEW, OLD, weight=1.5),
        lambda: levine(replace(NEW, covariance=0.0), OLD),
        lambda: tucker(
            replace(NEW, anchor_sd=0.5, covariance=3.2), replace(OLD, sd=1.0, anchor_sd=9.0, covariance=80.0)
        ),
    ],
)
def test_impossible_groups_are_refused(call):
    with pytest.raises(ParameterError):
        call()

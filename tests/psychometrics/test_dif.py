"""Differential item functioning against a published table, plain formulas, simulation and limits."""

from __future__ import annotations

import numpy as np
import pytest

from psychometrics.arrays import ParameterError
from psychometrics.dif import (
    logistic_dif,
    mantel_haenszel,
    purified_dif,
    purified_mantel_haenszel,
    standardised_difference,
)

# Bickel, Hammel & O'Connell (1975), Science 187, 398-404: admissions to Berkeley by department; men then women,
# admitted and rejected.
BERKELEY = [
    (512, 313, 89, 19),
    (353, 207, 17, 8),
    (120, 205, 202, 391),
    (138, 279, 131, 244),
    (53, 138, 94, 299),
    (22, 351, 24, 317),
]


def berkeley() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows = [
        (right, focal, department)
        for department, counts in enumerate(BERKELEY)
        for (right, focal), n in zip([(1, 0), (0, 0), (1, 1), (0, 1)], counts, strict=True)
        for _ in range(n)
    ]
    table = np.array(rows, float)
    return table[:, :1], table[:, 1] == 1, table[:, 2]


def answers(seed: int, shift: float, n: int = 1000, *, slope: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return answers of two equal groups in which item 4 is harder by `shift` for the focal group."""
    rng = np.random.default_rng(seed)
    focal, theta, b = np.arange(n) % 2 == 1, rng.normal(size=(n, 1)), np.linspace(-1, 1, 15)
    a = np.ones((n, 15))
    a[focal, 4] = slope
    harder = np.zeros((n, 15))
    harder[focal, 4] = shift
    return (rng.random((n, 15)) < 1 / (1 + np.exp(-a * (theta - b - harder)))).astype(float), focal


def test_the_berkeley_table_gives_the_published_common_odds_ratio_and_test():
    scores, focal, department = berkeley()
    found = mantel_haenszel(scores, focal, matching=department)
    assert found.odds_ratio[0] == pytest.approx(0.90470, abs=5e-6)
    assert found.chi_square[0] == pytest.approx(1.4269, abs=5e-5)
    assert found.p_value[0] == pytest.approx(0.2323, abs=5e-5)
    half = 1.959964 * found.delta_se[0] / 2.35
    low, high = np.exp(np.log(found.odds_ratio[0]) - half), np.exp(np.log(found.odds_ratio[0]) + half)
    assert [low, high] == pytest.approx([0.7719, 1.0603], abs=5e-5)
    assert found.ets_class[0] == "A"


@pytest.mark.parametrize("seed", range(20))
def test_figures_equal_those_of_a_plain_loop_over_the_totals(seed):
    scores, focal = answers(seed, 0.6, n=200)
    scores[np.random.default_rng(seed).random(scores.shape) < 0.05] = np.nan
    total = np.nansum(scores, axis=1)
    found = mantel_haenszel(scores, focal)
    for j in (0, 4, 9):
        top = bottom = 0.0
        for level in np.unique(total):
            here = (total == level) & ~np.isnan(scores[:, j])
            a, c = (np.sum(scores[here & who, j] == 1) for who in (~focal, focal))
            b, d = (np.sum(scores[here & who, j] == 0) for who in (~focal, focal))
            if here.any():
                top += a * d / here.sum()
                bottom += b * c / here.sum()
        assert found.odds_ratio[j] == pytest.approx(top / bottom)
        assert found.delta[j] == pytest.approx(-2.35 * np.log(top / bottom))


@pytest.mark.parametrize("seed", range(20))
def test_exchanging_the_groups_turns_every_sign(seed):
    scores, focal = answers(seed, 0.6, n=300)
    one, other = mantel_haenszel(scores, focal), mantel_haenszel(scores, ~focal)
    assert other.delta == pytest.approx(-one.delta)
    assert other.chi_square == pytest.approx(one.chi_square)
    assert logistic_dif(scores, ~focal).both == pytest.approx(logistic_dif(scores, focal).both, abs=1e-6)


def test_equal_groups_are_flagged_about_as_often_as_the_level_says():
    rates = [np.mean(mantel_haenszel(*answers(seed, 0.0)).p_value < 0.05) for seed in range(60)]
    assert 0.015 < np.mean(rates) < 0.06
    rates = [np.mean(logistic_dif(*answers(seed, 0.0)).p_value < 0.05) for seed in range(40)]
    assert 0.02 < np.mean(rates) < 0.08


def test_a_much_harder_item_is_class_c_and_negative_and_purification_clears_the_others():
    hits = others = 0
    for seed in range(20):
        scores, focal = answers(seed, 1.2, n=2000)
        found, flagged = purified_mantel_haenszel(scores, focal, significance=0.01)
        hits += found.ets_class[4] == "C" and found.delta[4] < 0 and flagged[4]
        others += flagged.sum() - flagged[4]
    assert hits == 20
    assert others <= 8


def test_logistic_regression_tells_uniform_from_non_uniform_differences():
    uniform, crossing = logistic_dif(*answers(1, 1.0, n=4000)), logistic_dif(*answers(1, 0.0, n=4000, slope=0.1))
    assert uniform.uniform[4] > 20 > uniform.non_uniform[4]
    assert crossing.non_uniform[4] > 20
    assert uniform.both == pytest.approx(uniform.uniform + uniform.non_uniform, abs=1e-6)


def test_an_item_without_both_groups_or_both_answers_has_no_figure():
    scores, focal = answers(0, 0.0, n=60)
    scores[focal, 0] = np.nan
    scores[:, 1] = 1
    found, logistic = mantel_haenszel(scores, focal), logistic_dif(scores, focal)
    assert np.isnan(found.delta[:2]).all()
    assert found.ets_class[:2].tolist() == ["", ""]
    assert np.isnan(logistic.both[:2]).all()


def test_purification_stops_where_everything_is_flagged():
    scores, focal = answers(0, 0.0, n=300)
    _, flagged = purified_mantel_haenszel(scores, focal, significance=1.1)
    assert flagged.all()


def test_wrong_arguments_are_refused():
    with pytest.raises(ParameterError, match="is_focal"):
        mantel_haenszel([[1, 0]], [True, False])
    with pytest.raises(ParameterError, match="0, 1 or NaN"):
        mantel_haenszel([[2, 0]], [True])


def test_one_round_of_purification_uses_the_items_of_the_first():
    scores, focal = answers(3, 1.2, n=2000)
    one, _ = purified_mantel_haenszel(scores, focal, max_rounds=1)
    first = mantel_haenszel(scores, focal)
    kept = first.p_value >= 0.05
    assert purified_mantel_haenszel(scores, focal, max_rounds=0)[0].delta == pytest.approx(first.delta)
    anchor = mantel_haenszel(scores[:, kept], focal)
    assert one.delta[kept] == pytest.approx(anchor.delta)


def test_an_item_that_separates_the_groups_leaves_logistic_regression_finite():
    scores, focal = answers(0, 0.0, n=200)
    scores[:, 0] = ~focal
    found = logistic_dif(scores, focal)
    assert np.isfinite(found.both[0])
    assert found.uniform[0] > 100


def test_the_standardised_difference_equals_plain_loops_over_the_levels():
    rng = np.random.default_rng(3)
    scores, focal = (rng.random((400, 6)) < 0.6).astype(float), rng.random(400) < 0.4
    scores[:30, 2] = np.nan
    total = np.nansum(scores, axis=1)
    found = standardised_difference(scores, focal)
    for item in range(6):
        top = bottom = 0.0
        for level in np.unique(total):
            own = [
                scores[(focal == side) & (total == level) & ~np.isnan(scores[:, item]), item] for side in (True, False)
            ]
            if len(own[0]) and len(own[1]):
                top += len(own[0]) * (own[0].mean() - own[1].mean())
                bottom += len(own[0])
        assert found[item] == pytest.approx(top / bottom)


def test_the_standardised_difference_is_unknown_without_equals():
    assert np.isnan(standardised_difference([[1, 1], [0, 0]], [True, False], matching=[1, 2])).all()


@pytest.mark.parametrize("seed", range(5))
def test_all_figures_of_a_purified_comparison_rest_on_one_anchor(seed):
    scores, focal = answers(seed, 1.2, n=800)
    found = purified_dif(scores, focal)
    anchor = ~found.is_suspect
    assert found.is_suspect[4]
    total = scores[:, anchor].sum(axis=1)
    assert found.difference[anchor] == pytest.approx(standardised_difference(scores[:, anchor], focal))
    for j in np.flatnonzero(found.is_suspect):
        level = total + scores[:, j]
        assert found.mantel_haenszel.delta[j] == pytest.approx(
            mantel_haenszel(scores[:, [j]], focal, matching=level).delta[0]
        )
        assert found.difference[j] == pytest.approx(standardised_difference(scores[:, [j]], focal, matching=level)[0])
        assert found.logistic.both[j] == pytest.approx(logistic_dif(scores[:, [j]], focal, matching=level).both[0])


def test_a_comparison_in_which_every_item_is_suspect_falls_back_on_the_whole_total():
    scores, focal = answers(0, 0.0, n=300)
    found = purified_dif(scores, focal, significance=1.1)
    assert found.is_suspect.all()
    assert found.difference == pytest.approx(standardised_difference(scores, focal))
    assert found.mantel_haenszel.delta == pytest.approx(mantel_haenszel(scores, focal).delta)

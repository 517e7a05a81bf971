"""Classical item statistics against published figures, limits, brute force and many seeds."""

from __future__ import annotations

import numpy as np
import pytest

from psychometrics.arrays import ParameterError, score_matrix
from psychometrics.ctt import (
    biserial,
    discrimination_index,
    facility,
    facility_interval,
    item_correlations,
    item_statistics,
    point_biserial,
    tail_weights,
    total_scores,
    wilson_interval,
)
from tests.psychometrics import lsat

SEEDS = range(40)


def answers(seed: int, n: int = 60, k: int = 8, missing: float = 0.0) -> np.ndarray:
    """Return random right-or-wrong marks with some items not reached."""
    rng = np.random.default_rng(seed)
    ability, difficulty = rng.normal(size=(n, 1)), rng.normal(size=k)
    marks = (rng.random((n, k)) < 1 / (1 + np.exp(difficulty - ability))).astype(float)
    return np.where(rng.random((n, k)) < missing, np.nan, marks)


@pytest.mark.parametrize(
    ("table", "p", "rest"),
    [
        (lsat.LSAT6, [0.924, 0.709, 0.553, 0.763, 0.870], [0.1128, 0.1532, 0.1728, 0.1444, 0.1216]),
        (lsat.LSAT7, [0.828, 0.658, 0.772, 0.606, 0.843], [0.2457, 0.2467, 0.3132, 0.2228, 0.1748]),
    ],
)
def test_the_lsat_tables_give_the_published_facilities_and_corrected_correlations(table, p, rest):
    found = item_statistics(lsat.scores(table), np.ones(5))
    assert found.facility == pytest.approx(p, abs=5e-4)
    assert found.item_rest == pytest.approx(rest, abs=5e-5)
    assert (found.n == 1000).all()


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_limits_are_those_of_newcombe_1998_table_i(hits, n, low, high):
    assert [float(limit) for limit in wilson_interval(hits / n, n)] == pytest.approx([low, high], abs=5e-5)


def test_wilson_limits_cover_a_true_proportion_about_as_often_as_they_say():
    rng = np.random.default_rng(1)
    for n in (15, 40, 200):
        p = rng.uniform(0.1, 0.9, 20_000)
        low, high = wilson_interval(rng.binomial(n, p) / n, np.full(20_000, n))
        assert np.mean((low <= p) & (p <= high)) == pytest.approx(0.95, abs=0.02)


def test_an_item_that_everybody_gets_right_has_an_interval_but_no_correlation():
    found = item_statistics([[1, 1, 0], [1, 0, 1], [1, 1, 1]], [1, 1, 1])
    assert found.facility[0] == 1 == found.facility_high[0]
    assert found.facility_low[0] == pytest.approx(0.4385, abs=5e-5)
    assert np.isnan([found.item_total[0], found.item_rest[0]]).all()


def test_an_item_that_nobody_reached_has_no_figure_at_all():
    found = item_statistics([[1, np.nan], [0, np.nan]], [1, 1])
    assert found.n[1] == 0
    for figures in (found.facility, found.facility_low, found.item_total, found.item_rest, found.discrimination):
        assert np.isnan(figures[1])


@pytest.mark.parametrize("seed", SEEDS)
def test_correlations_equal_those_of_a_plain_loop_over_who_reached_the_item(seed):
    marks = answers(seed, missing=0.1)
    total = total_scores(marks)
    with_item, without = item_correlations(marks)
    for j in range(marks.shape[1]):
        seen = ~np.isnan(marks[:, j])
        x, t = marks[seen, j], total[seen]
        assert with_item[j] == pytest.approx(np.corrcoef(x, t)[0, 1], abs=1e-12)
        assert without[j] == pytest.approx(np.corrcoef(x, t - x)[0, 1], abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_figures_do_not_depend_on_the_order_of_persons_and_follow_that_of_items(seed):
    rng = np.random.default_rng(seed)
    marks = answers(seed, missing=0.05)
    rows, columns = rng.permutation(marks.shape[0]), rng.permutation(marks.shape[1])
    first = item_statistics(marks, np.ones(8))
    second = item_statistics(marks[rows][:, columns], np.ones(8))
    for name in ("facility", "facility_low", "item_total", "item_rest", "discrimination"):
        assert getattr(second, name) == pytest.approx(getattr(first, name)[columns], abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_marks_on_another_scale_change_no_figure(seed):
    marks, factor = answers(seed), 2.5
    first, second = item_statistics(marks, np.ones(8)), item_statistics(marks * factor, np.full(8, factor))
    for name in ("facility", "facility_high", "item_total", "item_rest", "discrimination"):
        assert getattr(second, name) == pytest.approx(getattr(first, name), abs=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_the_27_percent_index_is_the_mean_over_random_ways_to_break_ties(seed):
    rng, marks = np.random.default_rng(seed), answers(seed, n=30, k=5)
    total, size = total_scores(marks), round(0.27 * 30)
    found = []
    for _ in range(2000):
        order = np.lexsort((rng.random(30), total))
        found.append(marks[order[-size:]].mean(axis=0) - marks[order[:size]].mean(axis=0))
    assert discrimination_index(marks, np.ones(5)) == pytest.approx(np.mean(found, axis=0), abs=0.02)


def test_a_perfect_item_discriminates_fully_and_a_reversed_one_negatively():
    ladder = np.array([[1.0] * r + [0.0] * (10 - r) for r in range(11)])
    marks = np.column_stack([ladder, ladder[:, 4], 1 - ladder[:, 4]])
    found = discrimination_index(marks, np.ones(12))
    assert found[10] == 1
    assert found[11] == -1


def test_equal_totals_leave_no_groups_to_compare():
    assert np.isnan(discrimination_index([[1, 0], [0, 1]], [1, 1])).all()
    assert np.isnan(discrimination_index(np.empty((0, 2)), [1, 1])).all()


def test_tail_weights_always_fill_the_group():
    rng = np.random.default_rng(3)
    for _ in range(50):
        values, size = rng.integers(0, 5, 20).astype(float), int(rng.integers(1, 10))
        assert tail_weights(values, size).sum() == pytest.approx(size)


def test_the_point_biserial_is_the_ordinary_correlation():
    chosen, total = np.array([1, 0, 1, 1, 0, 0]), np.array([9, 4, 7, 3, 5, 1.0])
    assert point_biserial(chosen, total) == pytest.approx(np.corrcoef(chosen, total)[0, 1])
    assert np.isnan(point_biserial([1, 1], [3, 4]))
    assert np.isnan(point_biserial([], []))


def test_the_biserial_recovers_the_correlation_behind_a_cut_normal_trait():
    rng = np.random.default_rng(5)
    trait = rng.normal(size=200_000)
    total = 0.6 * trait + 0.8 * rng.normal(size=200_000)
    right = trait > 0.7
    assert float(biserial(point_biserial(right, total), right.mean())) == pytest.approx(0.6, abs=0.01)


def test_wrong_arguments_are_refused():
    with pytest.raises(ParameterError, match="matrix"):
        score_matrix([1, 2])
    with pytest.raises(ParameterError, match="finite"):
        score_matrix([[np.inf]])
    with pytest.raises(ParameterError, match="max_scores"):
        facility([[1, 0]], [1, 0])
    with pytest.raises(ParameterError, match="confidence"):
        facility_interval([[1.0]], [1], confidence=1)
    with pytest.raises(ParameterError, match="fraction"):
        discrimination_index([[1, 0]], [1, 1], fraction=0.6)
    with pytest.raises(ParameterError, match="vectors"):
        point_biserial([[1]], [1])

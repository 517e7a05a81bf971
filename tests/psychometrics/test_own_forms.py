"""Forms of one's own: the same as ever where everybody had everything, loops as oracle where not, and honest reliability."""

from __future__ import annotations

import numpy as np
import pytest

from psychometrics import ctt, weights
from psychometrics.arrays import ParameterError
from psychometrics.dif import purified_dif, purified_mantel_haenszel
from psychometrics.own_forms import (
    mean_common_items,
    own_form_efficiency,
    own_form_reliability,
    own_form_shares,
    own_form_statistics,
)
from psychometrics.speededness import speededness

POOL, LENGTH = 60, 20


def drawn(seed: int, n: int = 120, *, pool: int = POOL, length: int = LENGTH, theta=None):
    """Return marks and forms of persons who each got items of the pool by chance; items are worth one mark."""
    rng = np.random.default_rng(seed)
    ability = rng.normal(size=(n, 1)) if theta is None else theta
    b = np.linspace(-1.5, 1.5, pool)
    presented = np.argsort(rng.random((n, pool)), axis=1) < length
    right = (rng.random((n, pool)) < 1 / (1 + np.exp(b - ability))).astype(float)
    return np.where(presented, right, np.nan), np.ones(pool), presented


def test_with_everything_given_to_everybody_the_figures_are_the_usual_ones():
    rng = np.random.default_rng(3)
    marks = rng.integers(0, 3, (40, 9)).astype(float)
    marks[rng.random(marks.shape) < 0.1] = np.nan
    top, everybody = np.full(9, 2.0), np.ones(marks.shape, bool)
    found, usual = own_form_statistics(marks, top, everybody), ctt.item_statistics(marks, top)
    for name in ("n", "facility", "facility_low", "facility_high", "item_total", "item_rest", "discrimination"):
        np.testing.assert_allclose(getattr(found, name), getattr(usual, name), err_msg=name)
    np.testing.assert_allclose(own_form_efficiency(marks, top, everybody), weights.item_weights(marks, top).efficiency)


@pytest.mark.parametrize("seed", range(2))
def test_every_figure_is_that_of_a_loop_over_the_persons_who_were_given_the_item(seed):
    rng = np.random.default_rng(seed)
    marks, _ones, presented = drawn(seed, 50)
    top = rng.choice([1.0, 2.0], POOL)
    marks = marks * top
    marks[presented & (rng.random(marks.shape) < 0.05)] = np.nan
    found, shares = own_form_statistics(marks, top, presented), own_form_shares(marks, top, presented)
    for j in range(POOL):
        x, rest, total = [], [], []
        for p in range(50):
            own = [i for i in range(POOL) if presented[p, i]]
            earned = sum(marks[p, i] for i in own if not np.isnan(marks[p, i]))
            most = sum(top[i] for i in own)
            assert shares[p] == pytest.approx(earned / most)
            if j in own and not np.isnan(marks[p, j]):
                x.append(marks[p, j])
                rest.append((earned - marks[p, j]) / (most - top[j]))
                total.append(earned / most)
        assert found.n[j] == len(x)
        assert found.facility[j] == pytest.approx(np.mean(x) / top[j])
        if np.std(x) > 0:
            assert found.item_rest[j] == pytest.approx(np.corrcoef(x, rest)[0, 1])
            assert found.item_total[j] == pytest.approx(np.corrcoef(x, total)[0, 1])
        else:
            assert np.isnan(found.item_rest[j])


def test_what_nobody_was_given_and_what_cannot_vary_has_no_figure():
    marks = np.array([[1, np.nan, np.nan], [0, np.nan, np.nan]])
    presented = np.array([[1, 0, 0], [1, 0, 1]], bool)
    found = own_form_statistics(marks, np.ones(3), presented)
    assert found.n.tolist() == [2, 0, 0]
    assert np.isnan(found.item_rest[[1, 2]]).all()
    assert np.isnan(found.discrimination[[1, 2]]).all()
    assert np.isnan(own_form_efficiency(marks, np.ones(3), presented)[1])
    assert np.isnan(own_form_shares(np.full((1, 3), np.nan), np.ones(3), np.zeros((1, 3)))[0])
    alone = own_form_statistics([[1.0], [0.0]], [1.0], np.ones((2, 1)))
    assert np.isnan(alone.item_rest[0]), "a form of one item has no rest"


def test_shapes_and_marks_outside_a_form_are_refused():
    with pytest.raises(ParameterError, match="given"):
        own_form_shares([[1.0]], [1.0], [[1, 1]])
    with pytest.raises(ParameterError, match="nothing was given"):
        own_form_shares([[1.0]], [1.0], [[0]])
    with pytest.raises(ParameterError, match="stratum"):
        own_form_reliability([[1.0]], [1.0], [[1]], [0, 0])
    with pytest.raises(ParameterError, match="confidence"):
        own_form_reliability([[1.0]], [1.0], [[1]], [0], confidence=1.0)
    with pytest.raises(ParameterError, match="given"):
        speededness([[1.0]], presented=[[1, 1]])
    with pytest.raises(ParameterError, match="given"):
        purified_dif([[1.0], [0.0]], [0, 1], presented=[[1, 1]])


def test_right_or_wrong_items_of_one_kind_have_the_reliability_of_kr21_and_the_error_of_lord():
    marks, top, presented = drawn(5)
    x = np.nansum(marks, axis=1)
    error = np.mean(x * (LENGTH - x) / (LENGTH - 1))
    found = own_form_reliability(marks, top, presented, np.zeros(POOL))
    assert found.value == pytest.approx(1 - error / x.var(ddof=1))
    assert found.sem == pytest.approx(np.sqrt(error))
    assert found.low < found.value < found.high


def test_a_kind_with_one_item_in_a_form_counts_all_its_spread_as_error():
    marks = np.array([[1, 1, 5, np.nan], [1, 0, np.nan, 3], [0, 0, 1, np.nan], [1, 1, np.nan, 4]])
    top, presented = np.array([1, 1, 5, 5.0]), ~np.isnan(marks)
    found = own_form_reliability(marks, top, presented, [0, 0, 1, 1])
    of_one = np.array([5, 3, 1, 4.0]).var(ddof=1)
    error = np.mean([of_one, 2 * 0.5 + of_one, of_one, of_one])
    assert found.value == pytest.approx(1 - error / np.array([7, 4, 1, 6.0]).var(ddof=1))
    lonely = own_form_reliability([[1, np.nan, 3], [0, np.nan, np.nan]], [1, 1, 5], [[1, 0, 1], [1, 0, 0]], [0, 0, 1])
    assert np.isnan(lonely.value), "no variance is seen inside any form"


@pytest.mark.parametrize("marks", [[[1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]])
def test_one_person_or_equal_totals_have_no_reliability(marks):
    found = own_form_reliability(marks, [1, 1], np.ones(np.shape(marks)), [0, 0])
    assert np.isnan([found.value, found.low, found.high, found.sem]).all()


def test_reliability_is_what_two_independent_draws_for_the_same_persons_agree_in():
    grid = np.linspace(-5, 5, 201)
    weight = np.exp(-(grid**2) / 2) / np.exp(-(grid**2) / 2).sum()
    mean = (1 / (1 + np.exp(np.linspace(-1.5, 1.5, POOL)[:, None] - grid))).mean(axis=0)
    spread = weight @ mean**2 - (weight @ mean) ** 2
    truth = spread / (spread + weight @ (mean * (1 - mean)) / LENGTH)
    values, agreement, covered = [], [], 0
    for seed in range(40):
        theta = np.random.default_rng(900 + seed).normal(size=(150, 1))
        first, top, given = drawn(seed, 150, theta=theta)
        second, _top, _given = drawn(seed + 500, 150, theta=theta)
        found = own_form_reliability(first, top, given, np.zeros(POOL))
        values.append(found.value)
        agreement.append(np.corrcoef(np.nansum(first, axis=1), np.nansum(second, axis=1))[0, 1])
        covered += found.low < truth < found.high
    assert np.mean(values) == pytest.approx(np.mean(agreement), abs=0.015)
    assert np.mean(values) == pytest.approx(truth, abs=0.015)
    assert covered / 40 >= 0.85


def test_persons_with_few_items_in_common_are_counted():
    assert mean_common_items(np.ones((5, 7))) == 7
    assert np.isnan(mean_common_items(np.ones((1, 7))))
    _marks, _top, presented = drawn(1, 200)
    assert mean_common_items(presented) == pytest.approx(LENGTH**2 / POOL, rel=0.02)


def test_speed_is_judged_by_each_persons_own_form():
    marks, _top, presented = drawn(2, 30)
    assert speededness(marks, presented=presented).finished == 1
    for row in range(9):
        marks[row, np.flatnonzero(presented[row])[-6:]] = np.nan
    found = speededness(marks, presented=presented)
    assert (found.finished, found.three_quarters, found.is_speeded) == (0.7, 0.7, True)


def test_an_item_that_is_harder_for_a_group_is_found_among_forms_of_different_items():
    rng = np.random.default_rng(4)
    n, hard = 1500, 7
    focal = np.arange(n) % 2 == 1
    theta = rng.normal(size=(n, 1)) - 0.3 * focal[:, None]
    b = np.linspace(-1.5, 1.5, POOL)
    shift = 1.5 * np.outer(focal, np.arange(POOL) == hard)
    presented = np.argsort(rng.random((n, POOL)), axis=1) < LENGTH
    right = (rng.random((n, POOL)) < 1 / (1 + np.exp(b + shift - theta))).astype(float)
    marks = np.where(presented, right, np.nan)
    found = purified_dif(marks, focal, presented=presented)
    assert found.mantel_haenszel.ets_class[hard] == "C"
    assert found.is_suspect[hard]
    assert found.difference[hard] < -0.1
    classes = np.delete(found.mantel_haenszel.ets_class, hard)
    assert np.isin(classes, ["A"]).mean() > 0.9
    _figures, flagged = purified_mantel_haenszel(marks, focal, presented=presented)
    assert (flagged == found.is_suspect).all()

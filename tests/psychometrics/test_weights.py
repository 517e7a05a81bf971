"""The figures that Moodle shows, against its definition worked by hand."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from psychometrics.arrays import ParameterError
from psychometrics.weights import item_weights


def test_every_figure_equals_the_definition_worked_with_plain_loops():
    rng = np.random.default_rng(4)
    ability = rng.normal(size=(60, 1))
    scores = np.clip(np.round(ability + rng.normal(size=(60, 5)) + 1.5), 0, [1, 2, 3, 2, 1])
    found = item_weights(scores, [1, 2, 3, 2, 1])
    total = scores.sum(axis=1)
    roots = [np.cov(column, total, bias=True)[0, 1] ** 0.5 for column in scores.T]
    for item in range(5):
        column, rest = scores[:, item], total - scores[:, item]
        best = np.cov(sorted(column), sorted(rest), bias=True)[0, 1]
        assert found.intended[item] == pytest.approx(100 * [1, 2, 3, 2, 1][item] / 9)
        assert found.effective[item] == pytest.approx(100 * roots[item] / sum(roots))
        assert found.discrimination[item] == pytest.approx(100 * np.corrcoef(column, rest)[0, 1])
        assert found.efficiency[item] == pytest.approx(100 * np.cov(column, rest, bias=True)[0, 1] / best)


def test_efficiency_is_full_where_the_best_have_the_marks_and_correlation_is_not():
    scores = np.array([[0, 0], [0, 1], [0, 2], [1, 3]])
    found = item_weights(scores, [1, 3])
    assert found.efficiency[0] == pytest.approx(100)
    assert found.discrimination[0] < 80


def test_an_item_against_the_total_has_no_effective_weight_and_the_others_share_all():
    scores = np.array([[1, 0, 0], [1, 0, 0], [0, 3, 3], [0, 3, 2]])
    found = item_weights(scores, [1, 3, 3])
    assert np.isnan(found.effective[0])
    assert found.effective[1:].sum() == pytest.approx(100)


def test_an_item_without_covariance_weighs_nothing_in_whatever_order_people_come():
    scores = np.array([[0, 0, 1, 1], [1, 0, 0, 0], [0, 1, 1, 1], [0, 1, 1, 0], [0, 1, 1, 1], [1, 1, 1, 1]])
    weights = [item_weights(scores[list(order)], [1] * 4).effective for order in permutations(range(6))]
    assert all(weight[0] == 0 for weight in weights)


def test_what_was_not_reached_counts_nothing():
    assert item_weights([[1, np.nan], [0, 1], [1, 1]], [1, 1]).discrimination == pytest.approx(
        item_weights([[1, 0], [0, 1], [1, 1]], [1, 1]).discrimination
    )


def test_one_person_or_no_spread_gives_no_figure_but_the_intended_weight():
    alone = item_weights([[1, 2]], [1, 3])
    assert alone.intended.tolist() == [25, 75]
    assert np.isnan(alone.efficiency).all()
    assert np.isnan(item_weights([[1, 2], [1, 2]], [1, 3]).discrimination).all()


def test_maxima_must_be_positive():
    with pytest.raises(ParameterError):
        item_weights([[1, 2], [0, 1]], [1, 0])

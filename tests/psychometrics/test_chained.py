"""Equating by chains and for small groups: textbook moments, geometry, and recovery of a known difference."""

from __future__ import annotations

import numpy as np
import pytest

from psychometrics.arrays import ParameterError
from psychometrics.chained import chained_equipercentile, chained_linear, circle_arc, nominal_weights_mean
from psychometrics.nonequivalent import GroupMoments, group_moments

# Kolen & Brennan (2014), Test Equating, Scaling, and Linking, 3rd ed., chapter 4: 36 items, internal anchor of 12.
NEW = GroupMoments(15.8205, 6.5278, 5.1063, 2.3760, 13.4088)
OLD = GroupMoments(18.6728, 6.8784, 5.8626, 2.4515, 14.7603)


def test_the_chain_of_lines_goes_through_the_anchor_with_the_textbook_moments():
    link = chained_linear(NEW, OLD)
    assert (link.slope, link.intercept) == (pytest.approx(1.0213, abs=1e-4), pytest.approx(0.3940, abs=1e-4))
    at_mean = OLD.mean + OLD.sd / OLD.anchor_sd * (NEW.anchor_mean - OLD.anchor_mean)
    assert link(NEW.mean) == pytest.approx(at_mean)
    with pytest.raises(ParameterError):
        chained_linear(NEW, GroupMoments(1.0, 1.0, 1.0, 0.0, 0.0))


def test_nominal_weights_move_every_score_by_the_means_in_proportion_to_the_marks():
    found = nominal_weights_mean([0, 10], NEW, OLD, ratios=(3, 3))
    assert found == pytest.approx([0.5834, 10.5834], abs=1e-4)  # 18.6728 - 15.8205 - 3 * 0.7563
    assert nominal_weights_mean([0, 10], NEW, OLD, ratios=(3, 3), weight=0.4) == pytest.approx(found)
    with pytest.raises(ParameterError):
        nominal_weights_mean([0], NEW, OLD, ratios=(3, 3), weight=2)


@pytest.mark.parametrize("rise", [5.0, -5.0])
def test_the_arc_goes_through_three_points_and_bends_as_a_circle(rise):
    x = np.arange(101)
    found = circle_arc(x, (62, 62 + rise), highest=(100, 100))
    assert found[[0, 62, 100]] == pytest.approx([0, 62 + rise, 100])
    assert (np.diff(found) > 0).all()
    points = np.column_stack([x, found - x])[[0, 20, 50, 80, 100]]
    matrix = np.column_stack([2 * points, np.ones(5)])
    _solution, residual, *_rest = np.linalg.lstsq(matrix, (points**2).sum(axis=1), rcond=None)
    assert residual.sum() == pytest.approx(0, abs=1e-9)


def test_the_arc_is_straight_where_forms_are_alike_and_has_fixed_ends_elsewhere():
    assert circle_arc([0, 30, 100], (60, 60), highest=(100, 100)) == pytest.approx([0, 30, 100])
    found = circle_arc([0, 25, 60, 100], (60, 66), highest=(100, 100), lowest=(25, 25))
    assert found == pytest.approx([0, 25, 66, 100])
    with pytest.raises(ParameterError, match="between"):
        circle_arc([0], (100, 60), highest=(100, 100))


def test_chains_find_a_known_difference_between_groups_that_are_not_alike():
    rng = np.random.default_rng(5)

    def group(mean: float, easier: float, n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
        ability = rng.normal(mean, 1, n)
        anchor = np.clip(np.rint(10 + 3 * ability + rng.normal(0, 0.7, n)), 0, 20)
        return np.clip(np.rint(50 + easier + 12 * ability + rng.normal(0, 2, n)), 0, 100), anchor

    new, old = group(0.4, -5.0), group(0.0, 0.0)
    assert chained_linear(group_moments(*new), group_moments(*old))(50) == pytest.approx(55, abs=0.7)
    counts = [
        (np.bincount(total.astype(int), minlength=101), np.bincount(anchor.astype(int), minlength=21))
        for total, anchor in (new, old)
    ]
    assert chained_equipercentile(counts[0], counts[1])[50] == pytest.approx(55, abs=1.0)

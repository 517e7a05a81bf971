"""Agreement of two raters against the textbook formula, and how it behaves at its ends."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from psychometrics.arrays import ParameterError
from psychometrics.rater_agreement import rater_agreement


def weighted_kappa_by_table(first, second, n_categories):
    """Return quadratically weighted kappa as Cohen wrote it: a table of counts and weights."""
    table = np.zeros((n_categories, n_categories))
    for one, two in zip(first, second, strict=True):
        table[one, two] += 1
    table /= table.sum()
    weights = np.subtract.outer(np.arange(n_categories), np.arange(n_categories)) ** 2
    chance = np.outer(table.sum(axis=1), table.sum(axis=0))
    return 1 - (weights * table).sum() / (weights * chance).sum()


RATINGS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=2, max_size=40)


@given(RATINGS)
def test_kappa_is_that_of_the_table(pairs):
    first, second = zip(*pairs, strict=True)
    found = rater_agreement(first, second, tolerance=1)
    if len({*first, *second}) == 1:
        assert math.isnan(found.kappa)
    else:
        assert found.kappa == pytest.approx(weighted_kappa_by_table(first, second, 7), abs=1e-9)
    assert 0 <= found.exact <= found.adjacent <= 1
    assert found.low <= found.difference <= found.high


def test_a_rater_who_is_always_a_mark_stricter_has_a_difference_without_doubt():
    found = rater_agreement([1, 2, 3, 4, 5], [2, 3, 4, 5, 6], tolerance=0.5)
    assert (found.exact, found.adjacent, found.difference, found.low, found.high) == (0, 0, -1, -1, -1)


def test_the_interval_is_student_s():
    found = rater_agreement([1, 0, 2, 1, 3], [0, 0, 0, 0, 0])
    gaps = np.array([1, 0, 2, 1, 3])
    half = 2.776445 * gaps.std(ddof=1) / math.sqrt(5)
    assert (found.low, found.high) == (pytest.approx(1.4 - half, abs=1e-5), pytest.approx(1.4 + half, abs=1e-5))


@pytest.mark.parametrize(("first", "second"), [([], []), ([1, 2], [1])])
def test_ratings_that_are_no_pairs_are_refused(first, second):
    with pytest.raises(ParameterError):
        rater_agreement(first, second)

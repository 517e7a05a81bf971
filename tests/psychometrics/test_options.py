"""Options of an item: counts, correlations, curves, the key in doubt, and items that were not reached."""

from __future__ import annotations

import numpy as np
import pytest

from psychometrics.arrays import ParameterError
from psychometrics.options import count_unreached, key_rivals, option_curves, option_statistics


@pytest.mark.parametrize("seed", range(40))
def test_option_figures_equal_plain_correlations_among_those_who_reached_the_item(seed):
    rng = np.random.default_rng(seed)
    membership = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 1], [0, 0, 0]], dtype=bool)
    answers, totals = rng.integers(-1, 4, 50), rng.normal(size=50)
    found = option_statistics(answers, membership, totals)
    seen = answers >= 0
    for option in range(3):
        chosen = membership[answers[seen], option]
        assert found.n[option] == chosen.sum()
        assert found.share[option] == pytest.approx(chosen.mean())
        assert found.point_biserial[option] == pytest.approx(np.corrcoef(chosen, totals[seen])[0, 1], abs=1e-12)


def test_shares_of_single_options_and_omissions_add_up_to_one():
    rng = np.random.default_rng(0)
    found = option_statistics(rng.integers(-1, 5, 300), np.eye(5, dtype=bool), rng.normal(size=300))
    assert found.share.sum() == pytest.approx(1)


def test_an_option_that_nobody_or_everybody_chose_has_no_correlation():
    found = option_statistics(np.zeros(4, dtype=int), np.eye(2, dtype=bool), np.arange(4.0))
    assert found.n.tolist() == [4, 0]
    assert np.isnan(found.point_biserial).all()


def test_equal_totals_or_nobody_leave_no_correlation():
    equal = option_statistics(np.array([0, 1]), np.eye(2, dtype=bool), np.array([3.0, 3.0]))
    nobody = option_statistics(np.array([-1, -1]), np.eye(2, dtype=bool), np.array([3.0, 4.0]))
    assert np.isnan(equal.point_biserial).all()
    assert np.isnan(nobody.share).all()


def test_curves_show_a_key_that_rises_and_keep_equal_totals_together():
    totals = np.repeat(np.arange(10.0), 10)
    answers = (totals < 5).astype(int)
    x, share = option_curves(answers, np.eye(2, dtype=bool), totals, n_groups=5)
    assert (np.diff(x) > 0).all()
    assert share[:, 0].tolist() == [0, 0, 0.5, 1, 1]
    assert share.sum(axis=1) == pytest.approx(np.ones(5))


def test_curves_of_equal_totals_are_one_group_and_of_nobody_none():
    x, share = option_curves(np.array([0, 1]), np.eye(2, dtype=bool), np.array([2.0, 2.0]))
    assert x.tolist() == [2]
    assert share.tolist() == [[0.5, 0.5]]
    x, share = option_curves(np.array([-1]), np.eye(2, dtype=bool), np.array([2.0]))
    assert x.size == share.size == 0


def test_a_wrong_key_is_found_in_simulated_answers_and_a_right_one_left_alone():
    found_wrong = found_right = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        ability = rng.normal(size=(150, 1))
        others = (rng.random((150, 19)) < 1 / (1 + np.exp(rng.normal(size=19) - 1.2 * ability))).astype(float)
        knows = rng.random(150) < 1 / (1 + np.exp(-1.2 * ability[:, 0]))
        answer = np.where(knows, 1, rng.integers(0, 4, 150))
        for key in (0, 1):
            totals = others.sum(axis=1) + (answer == key)
            found = option_statistics(answer, np.eye(4, dtype=bool), totals)
            rivals = key_rivals(found.point_biserial, found.n, np.arange(4) == key)
            found_wrong += key == 0 and rivals[:1].tolist() == [1]
            found_right += key == 1 and rivals.size > 0
    assert found_wrong == 60
    assert found_right == 0


def test_rivals_need_a_key_a_few_persons_and_a_positive_correlation():
    r, n = np.array([0.1, 0.5, 0.3, np.nan]), np.array([30, 1, 20, 0])
    assert key_rivals(r, n, np.array([True, False, False, False])).tolist() == [2]
    assert key_rivals(r, n, np.zeros(4, dtype=bool)).size == 0
    assert key_rivals(np.array([-0.4, -0.2]), np.array([9, 9]), np.array([True, False])).size == 0
    assert key_rivals(np.array([np.nan, 0.2]), np.array([0, 9]), np.array([True, False])).tolist() == [1]


def test_what_follows_the_first_blank_after_the_last_answer_was_not_reached():
    answered = np.array([[1, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1]], dtype=bool)
    assert count_unreached(answered).tolist() == [0, 1, 1, 1, 2, 2]


def test_answers_without_a_row_of_membership_are_refused():
    with pytest.raises(ParameterError, match="membership"):
        option_statistics(np.array([2]), np.eye(2, dtype=bool), np.array([1.0]))

"""The bookmark method and the judges of a panel: known answers, limits, properties."""

from __future__ import annotations

import numpy as np
import pytest

from psychometrics.arrays import ParameterError
from psychometrics.bookmark import (
    bookmark,
    item_locations,
    panel_agreement,
    rasch_from_facilities,
    rater_statistics,
)
from psychometrics.irt import Parameters

ITEMS = Parameters(np.array([1.0, 2.0, 0.5, 1.5]), np.array([1.0, 0.0, -0.25, -3.0]), np.array([0.0, 0.2, 0.0, 0.25]))


@pytest.mark.parametrize("chance", [0.5, 0.6, 2 / 3, 0.8])
def test_at_its_location_an_item_is_answered_with_that_chance_when_guessing_is_set_aside(chance):
    place = item_locations(ITEMS, response_probability=chance)
    assert 1 / (1 + np.exp(-(ITEMS.a * place + ITEMS.d))) == pytest.approx(chance)


def test_the_cut_is_the_median_of_the_judges_and_its_score_the_expected_one():
    ladder = np.sort(item_locations(ITEMS))
    found = bookmark([1, 3, 4], ITEMS)
    assert found.by_judge == pytest.approx(ladder[[0, 2, 3]])
    assert found.theta == pytest.approx(ladder[2])
    logistic = 1 / (1 + np.exp(-(ITEMS.a * found.theta + ITEMS.d)))
    assert found.score == pytest.approx((ITEMS.c + (1 - ITEMS.c) * logistic).sum())


def test_each_judges_marks_are_those_expected_at_the_own_cut_and_their_spread_is_the_error():
    worth = np.array([1.0, 2.0, 0.5, 3.0])
    found = bookmark([1, 3, 4], ITEMS, max_scores=worth)
    for place, marks in zip([1, 3, 4], found.score_by_judge, strict=True):
        alone = bookmark([place], ITEMS, max_scores=worth)
        assert alone.score == pytest.approx(marks)
        assert np.isnan(alone.se)
    assert found.se == pytest.approx(np.sqrt(np.pi / 2) * np.std(found.score_by_judge, ddof=1) / np.sqrt(3))
    assert bookmark([2, 2, 2], ITEMS).se == 0


@pytest.mark.parametrize("facility", [0.1, 0.3, 0.5, 0.7, 0.95])
def test_persons_of_normal_ability_answer_right_as_often_as_the_facility_says(facility):
    one = rasch_from_facilities([facility], spread=1.0)
    theta, weight = np.polynomial.hermite_e.hermegauss(61)
    share = (weight / (1 + np.exp(-(theta + one.d[0])))).sum() / weight.sum()
    assert share == pytest.approx(facility, abs=0.01)


SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], np.float64
).T


def test_agreement_of_a_panel_is_the_published_one():
    """Table 4 of Shrout & Fleiss (1979)."""
    found = panel_agreement(SHROUT_FLEISS)
    shown = [found.absolute, found.absolute_mean, found.consistent, found.consistent_mean]
    assert [round(value, 2) for value in shown] == [0.29, 0.62, 0.71, 0.91]


@pytest.mark.parametrize("seed", range(20))
def test_agreement_does_not_mind_scale_and_consistency_not_the_level_of_a_judge(seed):
    rng = np.random.default_rng(seed)
    ratings = rng.random((5, 12))
    found, stretched = panel_agreement(ratings), panel_agreement(3 * ratings + 1)
    assert found.absolute == pytest.approx(stretched.absolute)
    lifted = panel_agreement(ratings + rng.random((5, 1)))
    assert found.consistent == pytest.approx(lifted.consistent)
    assert found.consistent_mean >= found.consistent or found.consistent < 0


def test_a_panel_of_one_or_without_spread_has_no_agreement():
    for ratings in ([[0.5, 0.6]], [[0.5], [0.6]], [[0.5, 0.5], [0.5, 0.5]]):
        found = panel_agreement(ratings)
        assert np.isnan([found.absolute, found.absolute_mean, found.consistent, found.consistent_mean]).all()
    assert panel_agreement([[0.1, 0.9], [0.1, 0.9]]).absolute == pytest.approx(1)


def test_a_later_bookmark_never_lowers_the_cut():
    cuts = [bookmark([place], ITEMS).theta for place in range(5)]
    assert cuts == sorted(cuts)
    assert cuts[0] == cuts[1]


def test_a_severe_judge_and_one_who_rates_against_the_data_are_seen():
    rng = np.random.default_rng(6)
    facility = np.linspace(0.3, 0.9, 40)
    ratings = np.clip(facility + rng.normal(0, 0.04, (6, 40)), 0, 1)
    ratings[1] = np.clip(ratings[1] + 0.12, 0, 1)
    ratings[2] = ratings[2, ::-1]
    found = rater_statistics(ratings, facility)
    assert found.severity.argmax() == 1
    assert found.severity.sum() == pytest.approx(0)
    assert found.realism[2] < -0.9
    assert found.agreement[2] < -0.9
    assert found.distance.argmax() == 2
    assert (np.delete(found.realism, 2) > 0.9).all()


def test_what_cannot_be_said_is_not_said():
    alone = rater_statistics([[0.5, 0.6]])
    assert np.isnan(alone.agreement).all()
    assert np.isnan(alone.realism).all()
    flat = rater_statistics([[0.5, 0.5], [0.4, 0.6]], [0.3, 0.8])
    assert np.isnan(flat.agreement[0])
    assert np.isnan(flat.realism[0])
    assert flat.realism[1] == pytest.approx(1)


@pytest.mark.parametrize(
    "call",
    [
        lambda: item_locations(ITEMS, response_probability=1.0),
        lambda: item_locations(Parameters(np.zeros(1), np.zeros(1), np.zeros(1))),
        lambda: bookmark([5], ITEMS),
        lambda: bookmark([], ITEMS),
        lambda: bookmark([1], ITEMS, max_scores=[1.0]),
        lambda: rasch_from_facilities([1.0]),
        lambda: panel_agreement([[0.2, np.nan]]),
        lambda: rater_statistics([[1.2]]),
        lambda: rater_statistics([[0.2, 0.4]], [0.3]),
    ],
)
def test_impossible_ratings_are_refused(call):
    with pytest.raises(ParameterError):
        call()

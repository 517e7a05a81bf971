"""Copying indices against reference figures, plain loops, limits, and false alarms in simulation."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components

from psychometrics import ability
from psychometrics.arrays import ParameterError
from psychometrics.copying import omega, omega_matrix, poisson_binomial_tail, similarity_clusters, wrong_matches
from psychometrics.irt import Model, Parameters, calibrate

ANSWERS = Path(__file__).parent / "data" / "copied_answers.txt"
PRIOR_DEVIATION = 5**0.5  # the reference program estimates abilities with a prior variance of 5


@pytest.fixture(scope="module")
def calibrated() -> tuple[np.ndarray, np.ndarray, Parameters]:
    scores = np.array([[int(sign) for sign in line] for line in ANSWERS.read_text().split()], dtype=float)
    items = calibrate(scores, Model.TWO_PL).parameters
    wide = Parameters(items.a * PRIOR_DEVIATION, items.d, items.c)
    return scores, ability.maximum_a_posteriori(scores, wide).theta * PRIOR_DEVIATION, items


def test_the_copied_pair_has_the_reference_figures(calibrated):
    found = omega(*calibrated, 0, 1)
    assert found.matches == 39
    assert found.expected == pytest.approx(30.199, abs=2e-3)
    assert found.deviation == pytest.approx(3.168, abs=1e-3)
    assert found.omega == pytest.approx(2.7778, abs=1e-3)
    assert found.omega_p == pytest.approx(0.00274, abs=2e-5)
    assert found.gbt_p == pytest.approx(0.00355, abs=5e-5)


@pytest.mark.parametrize(("source", "copier", "wanted"), [(3, 2, -0.2262), (19, 9, 1.4350)])
def test_clean_pairs_have_the_reference_figures(calibrated, source, copier, wanted):
    assert omega(*calibrated, source, copier).omega == pytest.approx(wanted, abs=1e-3)


def test_matching_wrong_answers_have_the_reference_chances(calibrated):
    found = wrong_matches(calibrated[0], 0, 1)
    assert found.k == pytest.approx(0.0587, abs=5e-4)
    assert found.k1 == pytest.approx(0.034, abs=1e-3)
    assert found.k2 == pytest.approx(0.061, abs=1e-3)


def test_the_matrix_holds_the_figures_of_the_pairs(calibrated):
    scores, theta, items = calibrated
    scores = scores[:30].copy()
    scores[4, 10:20] = np.nan
    table = omega_matrix(scores, theta[:30], items)
    for source, copier in product((0, 4, 9), (1, 4, 20)):
        if source != copier:
            assert table[source, copier] == pytest.approx(omega(scores, theta[:30], items, source, copier).omega)
    assert np.isnan(np.diag(table)).all()


def test_the_exact_tail_equals_the_sum_over_all_outcomes():
    chances = np.random.default_rng(2).uniform(0.05, 0.95, 7)
    for least in range(9):
        slow = sum(
            np.prod([c if x else 1 - c for c, x in zip(chances, pattern, strict=True)])
            for pattern in product((0, 1), repeat=7)
            if sum(pattern) >= least
        )
        assert poisson_binomial_tail(chances, least) == pytest.approx(slow, abs=1e-12)


def test_honest_pairs_are_flagged_no_more_often_than_stated():
    rng = np.random.default_rng(8)
    items = Parameters(rng.uniform(0.7, 1.6, 60), rng.normal(size=60), np.zeros(60))
    theta = rng.normal(size=200)
    scores = (rng.random((200, 60)) < 1 / (1 + np.exp(-(np.outer(theta, items.a) + items.d)))).astype(float)
    table = omega_matrix(scores, theta, items)
    assert (table[~np.isnan(table)] > 1.645).mean() == pytest.approx(0.05, abs=0.02)
    gbt = [omega(scores, theta, items, i, i + 1).gbt_p for i in range(199)]
    assert np.mean(np.array(gbt) < 0.05) < 0.09


def test_options_make_a_match_of_wrong_answers_stricter():
    rng = np.random.default_rng(1)
    scores = (rng.random((150, 40)) < 0.6).astype(float)
    options = np.where(scores == 1, 0, rng.integers(1, 4, scores.shape))
    scores[1], options[1] = scores[0], options[0]
    scores[2], options[2] = scores[0], np.where(scores[0] == 1, 0, options[0] % 3 + 1)
    same, other = (wrong_matches(scores, 0, row, options=options) for row in (1, 2))
    assert same.matches == same.wrong_source
    assert other.matches == 0
    assert same.k2 < 1e-6 < other.k2 == 1.0


def test_a_source_without_a_wrong_answer_gives_no_lead():
    scores = np.ones((5, 4))
    scores[1:, 0] = 0
    found = wrong_matches(scores, 0, 1)
    assert (found.k, found.k1, found.k2) == (1.0, 1.0, 1.0)


def test_one_score_group_has_no_trend_to_fit():
    scores = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    found = wrong_matches(scores, 0, 2)
    assert found.k == found.k1 == found.k2


def test_pairs_that_share_members_are_one_cluster_and_the_largest_comes_first():
    flagged = np.zeros((7, 7), bool)
    flagged[0, 1] = flagged[2, 3] = flagged[4, 3] = True
    assert similarity_clusters(flagged) == [[2, 3, 4], [0, 1]]
    assert similarity_clusters(np.eye(3, dtype=bool)) == []


@pytest.mark.parametrize("seed", range(10))
def test_clusters_are_the_connected_parts_of_the_pairs_whoever_is_named_first(seed):
    flagged = np.random.default_rng(seed).random((30, 30)) < 0.03
    np.fill_diagonal(flagged, val=False)
    n_parts, part = connected_components(flagged, directed=False)
    wanted = [np.flatnonzero(part == one).tolist() for one in range(n_parts) if (part == one).sum() > 1]
    assert sorted(similarity_clusters(flagged)) == sorted(wanted)
    assert similarity_clusters(flagged.T) == similarity_clusters(flagged)
    assert similarity_clusters(np.zeros((4, 4), bool)) == []


def test_items_that_one_of_the_pair_did_not_reach_do_not_count():
    items = Parameters(np.ones(3), np.zeros(3), np.zeros(3))
    scores = np.array([[1.0, 0.0, np.nan], [1.0, np.nan, 1.0]])
    assert omega(scores, np.zeros(2), items, 0, 1).matches == 1
    nothing = np.array([[1.0, np.nan, np.nan], [np.nan, 1.0, 1.0]])
    assert np.isnan(omega(nothing, np.zeros(2), items, 0, 1).omega)


ONE = Parameters(np.ones(2), np.zeros(2), np.zeros(2))


@pytest.mark.parametrize(
    "call",
    [
        lambda: omega([[1, 0]], [0.0], ONE, 0, 1),
        lambda: omega([[1, 0]], [0.0, 1.0], ONE, 0, 0),
        lambda: wrong_matches([[1, 0.5]], 0, 0),
        lambda: wrong_matches([[1, 0], [0, 0]], 0, 0),
        lambda: wrong_matches([[1, 0], [0, 0]], 0, 1, options=[[1, 2]]),
        lambda: similarity_clusters(np.zeros((2, 3), bool)),
    ],
)
def test_impossible_requests_are_refused(call):
    with pytest.raises(ParameterError):
        call()

"""Sessions of a level on one scale: tied by what they share, nothing tied by nothing, and items that changed left out."""

from __future__ import annotations

import uuid

import numpy as np
import pytest

from psychometrics.irt import Model, calibrate
from psychometrics.irt_errors import standard_errors
from web.analysis.scale import Calibrated, common_scale, read_calibration

B = np.linspace(-2, 2, 40)
KEYS = [uuid.UUID(int=number + 1) for number in range(40)]


def calibrated(name: str, places: range, *, mean: float = 0.0, seed: int = 0, easier: int | None = None) -> Calibrated:
    """Return the calibration of 1,500 persons of some mean ability on some of forty items."""
    rng = np.random.default_rng(seed)
    b = B[places].copy()
    if easier is not None:
        b[easier] -= 2.5
    scores = (rng.random((1500, len(places))) < 1 / (1 + np.exp(b - rng.normal(mean, 1, (1500, 1))))).astype(float)
    found = calibrate(scores, Model.RASCH)
    errors = standard_errors(scores, found)
    items = {
        KEYS[place]: (float(found.parameters.a[j]), float(found.parameters.b[j]), float(errors.b[j]))
        for j, place in enumerate(places)
    }
    return Calibrated(name, name, 1500, items)


def test_sessions_of_different_ability_come_to_one_scale_over_a_chain_of_common_items():
    forms = [
        calibrated("一", range(20)),
        calibrated("二", range(12, 30), mean=1.0, seed=1),
        calibrated("三", range(22, 40), mean=-0.5, seed=2),
    ]
    scale = common_scale([forms[0], forms[2], forms[1]])
    assert (scale.base, scale.left_out, len(scale.items)) == ("一", (), 40)
    found = np.array([scale.items[key].b for key in KEYS])
    assert np.abs(found - B).max() < 0.35
    assert np.sqrt(np.mean((found - B) ** 2)) < 0.15
    shared = scale.items[KEYS[15]]
    assert shared.n == 3000
    assert shared.b_error < forms[0].items[KEYS[15]][2]


def test_an_item_that_became_easier_does_not_bend_the_scale():
    forms = [calibrated("一", range(20)), calibrated("二", range(10, 30), seed=1, easier=3)]
    scale = common_scale(forms)
    rest = np.array([scale.items[key].b - b for key, b in zip(KEYS[20:30], B[20:30], strict=True)])
    assert abs(rest.mean()) < 0.15


def test_what_shares_too_little_is_named_and_not_mixed_in():
    scale = common_scale([calibrated("一", range(20)), calibrated("二", range(17, 35), mean=1.5, seed=1)])
    assert scale.left_out == ("二",)
    assert KEYS[30] not in scale.items


def test_another_form_of_the_same_session_needs_no_common_items_because_candidates_get_forms_by_chance():
    first, second = calibrated("一", range(20)), calibrated("二", range(20, 40), seed=1)
    other = Calibrated("二", "一", second.n, second.items)
    scale = common_scale([first, other])
    assert scale.left_out == ()
    assert scale.items[KEYS[30]].b == pytest.approx(second.items[KEYS[30]][1])


def test_difficulties_without_errors_count_by_persons():
    items = {key: (1.0, float(b), None) for key, b in zip(KEYS[:6], B[:6], strict=True)}
    again = {
        key: (1.0, float(b) + (0.4 if place else 0.0), None)
        for place, (key, b) in enumerate(zip(KEYS[:6], B[:6], strict=True))
    }
    scale = common_scale([Calibrated("一", "一", 300, items), Calibrated("二", "一", 100, again)])
    assert scale.items[KEYS[0]].b_error is None
    assert scale.items[KEYS[3]].n == 400


def test_common_items_that_do_not_move_together_tie_nothing():
    items = {key: (1.0, float(b), 0.1) for key, b in zip(KEYS[:5], B[:5], strict=True)}
    moved = {
        key: (1.0, float(b) + shift, 0.1) for key, b, shift in zip(KEYS[:5], B[:5], (0, 0, 0, 0.1, 5), strict=True)
    }
    assert common_scale([Calibrated("一", "一", 300, items), Calibrated("二", "二", 300, moved)]).left_out == ("二",)
    assert common_scale([]) is None


def item(version: uuid.UUID | None, **changes: object) -> dict:
    return {"item_version_id": str(version or ""), "a": 1.0, "b": 0.2, "se": {"b": 0.1}, "flags": []} | changes


def test_only_converged_rasch_calibrations_are_read_and_groups_of_items_left_out():
    report = {
        "model": {"name": "rasch", "converged": True, "n_candidates": 120},
        "items": [
            item(KEYS[0]), item(KEYS[1]), item(KEYS[1]), item(None), item(KEYS[2], a=None),
            item(KEYS[3], flags=["extreme_parameter"]),
        ],
    }  # fmt: skip
    found = read_calibration("一", "场", report)
    assert found == Calibrated("一", "场", 120, {KEYS[0]: (1.0, 0.2, 0.1)})
    assert read_calibration("一", "场", report | {"model": {"name": "ctt"}}) is None
    assert read_calibration("一", "场", report | {"model": report["model"] | {"converged": False}}) is None
    assert read_calibration("一", "场", report | {"items": [item(None)]}) is None

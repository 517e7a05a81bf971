"""What a judgement is, what is missing, and what a round gives."""

from __future__ import annotations

import numpy as np
import pytest

from blueprints.rules.panel_profile import rounded_cut
from blueprints.rules.panel_results import assumed_facility, round_result, voices
from blueprints.rules.panels import (
    CELLS,
    PANEL_STEPS,
    Judged,
    PanelAct,
    PanelMethod,
    PanelSpec,
    PanelStatus,
    RatedItem,
    after,
    missing,
    needed,
    read_judgement,
    shown,
)
from kernel.errors import IllegalTransitionError, InvalidInputError
from psychometrics.cut_score import angoff, ebel, nedelsky

SCORES = [float(n) for n in range(41)]


def spec(method=PanelMethod.ANGOFF, judged=Judged.CHANCE, n=4, *, compromise=False, **known):
    items = tuple(RatedItem(k, k, 10.0, judged, **known) for k in range(1, n + 1))
    return PanelSpec(method, items, compromise)


def percents(*values):
    return {f"item-{place}": {"percent": value} for place, value in enumerate(values, 1)}


def test_the_cut_is_the_mean_of_the_raters_sums_with_its_error_and_impact():
    given = {1: percents(50, 60, 70, 80), 2: percents(70, 60, 90, 60)}
    found = round_result(spec(), given, SCORES, marks=[24.0])
    by_hand = angoff([[0.5, 0.6, 0.7, 0.8], [0.7, 0.6, 0.9, 0.6]], [10] * 4)
    assert (found["cut"], found["se"]) == (27.0, 1.0) == (by_hand.cut, by_hand.se)
    assert found["percent"] == 67.5
    assert [rater["cut"] for rater in found["raters"]] == [26.0, 28.0]
    assert found["items"][0] == {
        "place": 1, "mean": 0.6, "median": 0.6, "spread": pytest.approx(0.141421), "low": 0.5, "high": 0.7,
        "quarter": 0.55, "three_quarters": 0.65,
    }  # fmt: skip
    shares = found["impact"]["shares"]
    assert [one["cut"] for one in shares] == [27.0, 24.0]
    assert [one["share"] for one in shares] == pytest.approx([14 / 41, 17 / 41], abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_nedelsky_and_ebel_give_what_the_library_gives(seed):
    rng = np.random.default_rng(seed)
    letters = ("A", "B", "C", "D")
    choice = spec(PanelMethod.NEDELSKY, Judged.OPTIONS, options=letters)
    out = rng.integers(0, 4, (3, 4))
    given = {j: {f"item-{i + 1}": {"ruled_out": list(letters[: out[j, i]])} for i in range(4)} for j in range(3)}
    assert round_result(choice, given, [])["cut"] == pytest.approx(nedelsky(4 - out, [10] * 4).cut, abs=1e-5)
    cells, shares = rng.integers(0, 12, (3, 4)), rng.integers(0, 101, (3, 12))
    given = {
        j: {f"item-{i + 1}": {"cell": CELLS[cells[j, i]]} for i in range(4)}
        | {f"cell-{CELLS[k]}": {"percent": int(shares[j, k])} for k in range(12)}
        for j in range(3)
    }
    worth = np.array([np.bincount(row, minlength=12) * 10 for row in cells])
    found = round_result(spec(PanelMethod.EBEL, Judged.CELL), given, [])
    assert found["cut"] == pytest.approx(ebel(shares / 100, worth).cut, abs=1e-5)


def test_a_bookmark_behind_more_items_asks_for_more_marks():
    ladder = PanelSpec(
        PanelMethod.BOOKMARK,
        tuple(RatedItem(k, k, 1.0, Judged.PLACE, assumed=p) for k, p in enumerate((0.9, 0.7, 0.5, 0.3), 1)),
    )
    cuts = [round_result(ladder, {1: {"bookmark": {"before": n}}}, [])["cut"] for n in range(5)]
    assert cuts == sorted(cuts)
    assert cuts[1] < cuts[4] < 4
    found = round_result(ladder, {1: {"bookmark": {"before": 2}}, 2: {"bookmark": {"before": 3}}}, [])
    assert found["se"] > 0
    assert [rater["before"] for rater in found["raters"]] == [2, 3]


def test_who_left_something_open_does_not_count_and_is_named_by_number():
    given = {1: percents(50, 60, 70, 80), 2: percents(70, 60)}
    found = round_result(spec(), given, [])
    assert (found["n_raters"], found["left_out"], found["cut"], found["se"]) == (1, {"2": 2}, 26.0, None)
    assert found["impact"] is None
    nobody = round_result(spec(), {2: percents(70)}, SCORES)
    assert (nobody["cut"], nobody["n_raters"]) == (None, 0)


def test_realism_is_said_where_candidates_have_answered():
    known = PanelSpec(
        PanelMethod.ANGOFF,
        tuple(RatedItem(k, k, 1.0, Judged.CHANCE, facility=p) for k, p in enumerate((0.2, 0.5, None, 0.9), 1)),
    )
    found = round_result(known, {1: percents(20, 50, 0, 90), 2: percents(90, 50, 0, 20)}, [])
    assert [rater["realism"] for rater in found["raters"]] == pytest.approx([1, -1], abs=0.02)
    assert round_result(spec(), {1: percents(1, 2, 3, 4)}, [])["raters"][0]["realism"] is None


def compromise(**changed):
    values = {"required": 60, "pass_rate": 50, "cut_low": 40, "cut_high": 70, "fail_low": 20, "fail_high": 80}
    return {name: {"percent": value} for name, value in (values | changed).items()}


def test_compromises_meet_what_candidates_did_or_say_that_there_is_none():
    asked = spec(compromise=True)
    mine = percents(50, 60, 70, 80)
    given = {1: mine | compromise(), 2: mine | compromise(required=70, pass_rate=60)}
    found = round_result(asked, given, SCORES)["compromise"]
    assert 16 <= found["hofstee"] <= 28
    assert found["beuk"] is not None
    without = round_result(asked, given, [])["compromise"]
    assert (without["hofstee"], without["beuk"], without["has_scores"]) == (None, None, False)
    assert without["means"]["required"] == pytest.approx(0.65)
    assert round_result(asked, {1: given[1]}, SCORES)["compromise"]["beuk"] is None


def test_a_rater_whose_bounds_contradict_each_other_is_left_out():
    asked = spec(compromise=True)
    given = {1: percents(50, 60, 70, 80) | compromise(cut_low=70, cut_high=40)}
    assert voices(asked, given).left_out == {1: 1}


def test_ebels_table_asks_for_the_cells_that_are_used():
    table = spec(PanelMethod.EBEL, Judged.CELL, n=2)
    assert needed(table, {}) == ["item-1", "item-2"]
    assert missing(table, {"item-1": {"cell": "21"}}) == ["item-2", "cell-21"]


@pytest.mark.parametrize(
    ("subject", "text", "kept"),
    [("item-1", " 65 % ", {"percent": 65}), ("item-2", "0", {"percent": 0}), ("required", "100", {"percent": 100})],
)
def test_judgements_are_read_as_people_write_them(subject, text, kept):
    found = read_judgement(spec(compromise=True), subject, text)
    assert found == kept
    assert read_judgement(spec(compromise=True), subject, shown(found)) == kept


@pytest.mark.parametrize(
    ("method", "judged", "subject", "text"),
    [
        (PanelMethod.ANGOFF, Judged.CHANCE, "item-1", "101"),
        (PanelMethod.ANGOFF, Judged.CHANCE, "item-1", "½"),
        (PanelMethod.ANGOFF, Judged.CHANCE, "item-9", "50"),
        (PanelMethod.ANGOFF, Judged.CHANCE, "bookmark", "1"),
        (PanelMethod.ANGOFF, Judged.CHANCE, "required", "50"),
        (PanelMethod.EBEL, Judged.CELL, "item-1", "99"),
        (PanelMethod.EBEL, Judged.CELL, "cell-99", "50"),
        (PanelMethod.NEDELSKY, Judged.OPTIONS, "item-1", "A,B"),
        (PanelMethod.NEDELSKY, Judged.OPTIONS, "item-1", "X"),
        (PanelMethod.NEDELSKY, Judged.OPTIONS, "item-1", ""),
        (PanelMethod.BOOKMARK, Judged.PLACE, "item-1", "50"),
        (PanelMethod.BOOKMARK, Judged.PLACE, "bookmark", "5"),
    ],
)
def test_what_a_panel_does_not_ask_for_is_refused(method, judged, subject, text):
    with pytest.raises(InvalidInputError):
        read_judgement(spec(method, judged, options=("A", "B")), subject, text)


def test_nothing_follows_a_conclusion():
    for act in PanelAct:
        with pytest.raises(IllegalTransitionError):
            after(act, PanelStatus.CONCLUDED)
    assert {target for _sources, target in PANEL_STEPS.values()} | {PanelStatus.PREPARING} == set(PanelStatus)


def test_booklets_trust_what_enough_candidates_did_and_experts_otherwise():
    assert assumed_facility(1, 0.3, 200) == pytest.approx(0.301, abs=0.001)
    assert assumed_facility(1, 0.3, 29) == 0.9
    order = [assumed_facility(level, None, 0) for level in range(1, 6)]
    assert order == sorted(order, reverse=True)


@pytest.mark.parametrize(
    ("cut", "unit", "way", "wanted"),
    [(61.5, "1", "四舍五入", 62), (61.49, "1", "四舍五入", 61), (61.1, "1", "向上", 62), (60.0, "1", "向上", 60),
     (61.74, "0.5", "四舍五入", 61.5), (61.26, "0.1", "向下", 61.2)],
)  # fmt: skip
def test_cuts_are_rounded_by_the_rule(cut, unit, way, wanted):
    assert rounded_cut(cut, unit, way) == pytest.approx(wanted)

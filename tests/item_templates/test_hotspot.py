"""Hotspot items: what counts as inside, what earns marks, what is delivered and what the form keeps."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from item_templates import registry
from item_templates.contract import ItemContent, Outcome, ResponseFormatError, Severity
from item_templates.hotspot.pages import picture_parts, regions_of
from item_templates.hotspot.shapes import Region, contains, hits
from tests.item_templates.item_contents import choices, example, hotspot

TYPE = registry.get("hotspot")
PICTURE = '<img src="media:m1" alt="面板">'
MEDIA = ({"id": "m1", "digest": "0" * 64, "mime": "image/png", "alt": "面板"},)
SHAPES = {
    "A": {"shape": "rect", "coords": [0, 0, 200, 200]},
    "B": {"shape": "ellipse", "coords": [500, 500, 100, 50]},
    "C": {"shape": "polygon", "coords": [800, 800, 1000, 800, 1000, 1000]},
    "D": {"shape": "rect", "coords": [0, 800, 100, 1000]},
}
ONE = ItemContent(
    "hotspot", "点出" + PICTURE, choices("左上", "中间", "右下", "左下"), ["B"], media=MEDIA,
    parameters={"mode": "regions", "picks": 1, "regions": SHAPES},
)  # fmt: skip


def changed(content: ItemContent, **parts: object) -> ItemContent:
    return replace(content, parameters={**content.parameters, **parts})


MANY = changed(replace(ONE, key=["A", "B", "C"]), picks=4)
SHARE = replace(MANY, scoring={"method": "per_region"})
POINT = changed(ONE, mode="point")
POINTS = changed(replace(ONE, key=["A", "B", "C"]), mode="point", picks=3)
POINTS_SHARE = replace(POINTS, scoring={"method": "per_region"})
C, P, W, OM, M = Outcome.CORRECT, Outcome.PARTIAL, Outcome.WRONG, Outcome.OMITTED, Outcome.NEEDS_MARKING

TABLE = [
    # content, response, max score, score, outcome
    (ONE, ["B"], "2", "2", C),
    (ONE, ["A"], "2", "0", W),
    (ONE, ["A", "B"], "2", "0", W),
    (ONE, ["Z"], "2", "0", W),
    (ONE, [], "2", "0", OM),
    (replace(ONE, key=None), ["B"], "2", "0", M),
    (MANY, ["C", "A", "B"], "3", "3", C),
    (MANY, ["A", "B"], "3", "0", W),
    (MANY, ["A", "B", "C", "D"], "3", "0", W),
    (SHARE, ["A", "B"], "3", "2", P),
    (SHARE, ["C"], "2", "0.667", P),
    (SHARE, ["A", "D"], "3", "0", W),
    (SHARE, ["A", "B", "C"], "3", "3", C),
    (POINT, [["500", "500"]], "2", "2", C),
    (POINT, [["600", "500"]], "2", "2", C),
    (POINT, [["500", "550"]], "2", "2", C),
    (POINT, [["600.1", "500"]], "2", "0", W),
    (POINT, [["590", "540"]], "2", "0", W),
    (POINT, [["500", "500"], ["501", "501"]], "2", "0", W),
    (POINT, [["", ""]], "2", "0", OM),
    (POINT, [], "2", "0", OM),
    (POINT, ["B"], "2", "0", W),
    (POINT, [["500"]], "2", "0", W),
    (POINT, [["NaN", "500"]], "2", "0", W),
    (POINTS, [["100", "100"], ["500", "500"], ["950", "900"]], "3", "3", C),
    (POINTS, [["200", "200"], ["500", "500"], ["1000", "1000"]], "3", "3", C),
    (POINTS, [["100", "100"], ["500", "500"]], "3", "0", W),
    (POINTS_SHARE, [["100", "100"], ["500", "500"]], "3", "2", P),
    (POINTS_SHARE, [["100", "100"], ["110", "110"], ["120", "120"]], "3", "1", P),
    (POINTS_SHARE, [["100", "100"], ["500", "500"], ["700", "100"]], "3", "2", P),
    (POINTS_SHARE, [["50", "900"], ["850", "990"]], "3", "0", W),
]


@pytest.mark.parametrize(("content", "response", "max_score", "score", "outcome"), TABLE)
def test_a_response_earns_what_the_table_says(content, response, max_score, score, outcome):
    result = TYPE.score(content, response, Decimal(max_score))
    assert (result.score, result.max_score, result.outcome) == (Decimal(score), Decimal(max_score), outcome)


STAR = Region("S", "polygon", (500, 0, 800, 900, 0, 350, 1000, 350, 200, 900))
INSIDE = [
    (Region("A", "rect", (200, 200, 100, 100)), "150", "150", True),
    (Region("A", "rect", (100, 100, 200, 200)), "100", "200", True),
    (Region("A", "rect", (100, 100, 200, 200)), "99.999", "150", False),
    (Region("A", "ellipse", (500, 500, 100, 50)), "500", "450", True),
    (Region("A", "ellipse", (500, 500, 100, 50)), "571", "536", False),
    (Region("A", "ellipse", (500, 500, 5, 5)), "503", "504", True),
    (Region("A", "polygon", (0, 0, 100, 0, 0, 100)), "50", "50", True),
    (Region("A", "polygon", (0, 0, 100, 0, 0, 100)), "50.001", "50", False),
    (Region("A", "polygon", (0, 0, 100, 0, 0, 100)), "0", "100", True),
    (STAR, "500", "100", True),
    (STAR, "500", "500", False),
    (STAR, "500", "350", True),
]


@pytest.mark.parametrize(("region", "x", "y", "inside"), INSIDE)
def test_a_border_counts_as_inside_and_polygons_follow_the_even_odd_rule(region, x, y, inside):
    assert contains(region, (Decimal(x), Decimal(y))) is inside


corner = st.integers(0, 1000)


@given(corner, corner, corner, corner, st.lists(st.tuples(corner, corner), min_size=1, max_size=10))
@settings(max_examples=150, deadline=None)
def test_a_rectangle_and_its_four_corners_as_polygon_hold_the_same_points(left, top, right, bottom, points):
    box = Region("A", "rect", (left, top, right, bottom))
    outline = Region("A", "polygon", (left, top, right, top, right, bottom, left, bottom))
    for x, y in points:
        point = (Decimal(x), Decimal(y))
        assert contains(box, point) is contains(outline, point)


@given(st.lists(st.tuples(corner, corner), min_size=3, max_size=6), st.integers(0, 5))
@settings(max_examples=100, deadline=None)
def test_the_corner_at_which_a_polygon_begins_makes_no_difference(corners, turn):
    turned = corners[turn % len(corners) :] + corners[: turn % len(corners)]
    first, second = (Region("A", "polygon", tuple(v for one in row for v in one)) for row in (corners, turned[::-1]))
    for x in range(0, 1001, 125):
        for y in range(0, 1001, 125):
            point = (Decimal(x), Decimal(y))
            assert contains(first, point) is contains(second, point)


def test_overlapping_regions_are_hit_by_as_many_points_as_can_be_given_to_them():
    wide, narrow = Region("A", "rect", (0, 0, 500, 500)), Region("B", "rect", (0, 0, 100, 100))
    inner, outer = (Decimal(50), Decimal(50)), (Decimal(400), Decimal(400))
    assert hits([wide, narrow], [inner, outer]) == hits([narrow, wide], [inner, outer]) == 2
    assert hits([wide, narrow], [outer, outer]) == 1


def test_pointing_delivers_neither_shapes_nor_names():
    view = TYPE.render(POINTS)
    told = json.dumps(view, ensure_ascii=False)
    assert view["hotspot"] == {"mode": "point", "picks": 3}
    assert "choices" not in view
    assert not any(word in told for word in ("左上", "polygon", "coords", "500"))


def test_choosing_delivers_shapes_and_names_and_not_the_key():
    view = TYPE.render(ONE)
    assert view["hotspot"]["regions"] == SHAPES
    assert [one["content"] for one in view["choices"]] == ["左上", "中间", "右下", "左下"]
    assert view == TYPE.render(replace(ONE, key=["D"]))


def test_points_are_read_in_their_canonical_form_and_others_refused():
    assert TYPE.parse_response(POINTS, [["500.50", "0"], ["1000", "007"]]) == [["500.5", "0"], ["1000", "7"]]
    for raw in (["B"], [["1"]], [["1", "2", "3"]], [["1001", "0"]], [["-1", "0"]], [[1, 2]], "x", [["1", "2"]] * 4):
        with pytest.raises(ResponseFormatError):
            TYPE.parse_response(POINTS, raw)


CELLS = [
    (ONE, "b", ["B"]),
    (MANY, "A;C", ["A", "C"]),
    (POINT, "(512, 340)", [["512", "340"]]),
    (POINT, "512,340.5", [["512", "340.5"]]),
    (POINTS, "（1，2）；(3,4)", [["1", "2"], ["3", "4"]]),
    (POINTS, "(1,2) (3,4)", [["1", "2"], ["3", "4"]]),
    (POINTS, '[["1", "2"]]', [["1", "2"]]),
    (POINT, "左上角", ["左上角"]),
    (POINT, "", []),
]


@pytest.mark.parametrize(("content", "cell", "response"), CELLS)
def test_a_cell_of_a_response_sheet_is_read(content, cell, response):
    assert TYPE.parse_cell(content, cell) == response


FAULTS = [
    (replace(ONE, stem="点出"), "no_picture", "stem"),
    (replace(ONE, stem=PICTURE + PICTURE), "several_pictures", "stem"),
    (replace(ONE, choices=choices("左上", "", "右下", "左下")), "empty_choice", "choices"),
    (replace(ONE, choices=choices("左上", "中间", "右下")), "region_without_choice", "choices"),
    (replace(ONE, choices=choices("一", "二", "三", "四", "五")), "no_region", "choices"),
    (changed(ONE, regions={**SHAPES, "B": {"shape": "ellipse", "coords": [500, 500, 0, 50]}}), "bad_region", "choices"),
    (changed(ONE, regions={**SHAPES, "B": {"shape": "rect", "coords": [0, 0, 1001, 5]}}), "bad_region", "choices"),
    (changed(ONE, regions={**SHAPES, "B": {"shape": "polygon", "coords": [0, 0, 5, 5, 9, 9]}}), "bad_region", "choices"),
    (changed(ONE, regions={**SHAPES, "B": {"shape": "star", "coords": [1, 2, 3, 4]}}), "bad_region", "choices"),
    (changed(ONE, mode="guess"), "bad_mode", "parameters"),
    (changed(ONE, picks=0), "bad_picks", "parameters"),
    (changed(MANY, picks=2), "picks_and_key", "parameters"),
    (changed(POINT, picks=2), "picks_and_key", "parameters"),
    (replace(ONE, key=[]), "no_key", "key"),
    (replace(ONE, key=["Z"]), "key_outside_choices", "key"),
    (replace(MANY, key=["A", "A"]), "repeated_key", "key"),
    (replace(MANY, key=["A", "B", "C", "D"]), "all_are_keys", "key"),
    (replace(ONE, scoring={"method": "partial"}), "unknown_method", "scoring"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "code", "field"), FAULTS)
def test_a_fault_is_named_at_its_field(content, code, field):
    found = [one for one in TYPE.validate(content) if one.code == code]
    assert [one.field for one in found] == [field]
    assert found[0].severity is (Severity.WARNING if code == "all_are_keys" else Severity.ERROR)


def test_good_items_have_no_findings():
    for content in (ONE, MANY, SHARE, POINT, POINTS, POINTS_SHARE):
        assert TYPE.validate(content) == []


@given(hotspot())
@settings(max_examples=60, deadline=None)
def test_the_regions_of_a_valid_item_stand_on_its_page(content):
    assert TYPE.validate(content) == [] or {one.code for one in TYPE.validate(content)} == {"all_are_keys"}
    parts = picture_parts(content)
    assert [region.id for region in parts.regions] == [one.id for one in content.choices]
    assert parts.before + parts.image + parts.after == content.stem


def test_a_region_drawn_without_a_name_stays_in_the_form_and_is_named_as_a_fault():
    fields = {
        "stem": [PICTURE], "choice": ["甲", "", "", ""], "choice_id": list("ABCD"), "key": ["A"], "score": ["1"],
        "shape": ["rect"] * 4, "coords": ["0 0 100 100", "左上", "(200，200) (300，300)", ""], "mode": ["regions"],
    }  # fmt: skip
    content = TYPE.from_form(fields)
    assert [one.id for one in content.choices] == ["A", "B", "C"]
    assert content.parameters["regions"]["C"] == {"shape": "rect", "coords": [200, 200, 300, 300]}
    assert content.parameters["regions"]["B"]["coords"] == "左上"
    assert {"empty_choice", "bad_region"} <= {one.code for one in TYPE.validate(content)}


def test_the_picture_of_the_example_is_shipped():
    data = registry.FOLDER.joinpath("hotspot", "example.png").read_bytes()
    (medium,) = example("hotspot").media
    assert hashlib.sha256(data).hexdigest() == medium["digest"]
    assert set(regions_of(example("hotspot").parameters)) == {"A", "B", "C", "D"}


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(["A", "shape", "coords"]), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["mode", "picks", "regions"]), odd))
@settings(max_examples=100, deadline=None)
def test_parameters_of_any_shape_give_findings_and_no_crash(parameters):
    content = replace(ONE, parameters=parameters)
    assert TYPE.validate(content)
    TYPE.render(content)
    TYPE.score(content, [["1", "2"]], Decimal(1))
    picture_parts(content)

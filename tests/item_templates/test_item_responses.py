"""Raw responses from candidates: the canonical form, or a refusal."""

from __future__ import annotations

import pytest

from item_templates import registry
from item_templates.contract import ResponseFormatError
from tests.item_templates.item_contents import example

ACCEPTED = [
    ("single_choice", ["B"], ["B"]),
    ("single_choice", [], []),
    ("single_choice", [""], []),
    ("multiple_choice", ["C", "A"], ["A", "C"]),
    ("true_false", ["false"], ["false"]),
    ("true_false", [True], ["true"]),
    ("fill_in", ["50", ""], ["50", ""]),
    ("fill_in", ["", " "], []),
    ("numeric", [" 15.4 A"], [" 15.4 A"]),
    ("short_answer", ["断电\x00"], ["断电"]),
    ("essay", [""], []),
    ("matching", [["C", "4"]], [["C", "4"]]),
    ("matching", [], []),
    ("ordering", ["B", "A"], ["B", "A"]),
    ("ordering", [""], []),
]
REFUSED = [
    ("single_choice", "B"),
    ("single_choice", ["Z"]),
    ("single_choice", ["A", "B"]),
    ("single_choice", [1]),
    ("single_choice", None),
    ("multiple_choice", ["A", "A"]),
    ("multiple_choice", ["A"] * 99),
    ("true_false", ["对"]),
    ("true_false", ["true", "false"]),
    ("fill_in", ["1", "2", "3"]),
    ("numeric", [3.5]),
    ("essay", ["长" * 20_001]),
    ("essay", [["文"]]),
    ("matching", ["A=1"]),
    ("matching", [["A"]]),
    ("matching", [["A", 1]]),
    ("matching", [["A", "9"]]),
    ("matching", [["A", "1"], ["A", "1"]]),
    ("ordering", ["A", "A"]),
    ("ordering", ["Z"]),
]


@pytest.mark.parametrize(("name", "raw", "response"), ACCEPTED)
def test_a_response_takes_its_canonical_form(name, raw, response):
    assert registry.get(name).parse_response(example(name), raw) == response


@pytest.mark.parametrize(("name", "raw"), REFUSED)
def test_a_response_of_another_shape_is_refused_in_chinese(name, raw):
    with pytest.raises(ResponseFormatError) as refusal:
        registry.get(name).parse_response(example(name), raw)
    assert any("\u4e00" <= sign <= "\u9fff" for sign in str(refusal.value))

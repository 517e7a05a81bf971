"""What holds for every content and every response."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from item_templates import registry
from item_templates.canonical import (
    content_digest,
    content_from_json,
    content_to_json,
    item_from_json,
    item_to_json,
)
from item_templates.contract import CanonicalItem, Outcome, ResponseFormatError
from item_templates.markup import normalise_text, sanitise
from tests.item_templates.item_contents import STRATEGIES, TYPE_NAMES, any_content, example, is_marked, key_as_response

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.sampled_from("ABC12"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=8,
)
max_scores = st.integers(1, 20_000).map(lambda n: Decimal(n) / 1000)


EXAMPLES = 60


def test_every_type_has_a_strategy():
    assert set(STRATEGIES) == set(TYPE_NAMES)


@given(any_content, st.lists(json_values, max_size=5), max_scores)
@settings(max_examples=EXAMPLES, deadline=None)
def test_no_response_crashes_scoring_or_leaves_the_range(content, response, max_score):
    result = registry.get(content.type).score(content, response, max_score)
    assert 0 <= result.score <= max_score == result.max_score
    assert result.outcome is not Outcome.CORRECT or result.score == max_score
    assert result.outcome is not Outcome.WRONG or result.score == 0


@given(any_content, max_scores)
@settings(max_examples=EXAMPLES, deadline=None)
def test_the_key_earns_full_marks(content, max_score):
    result = registry.get(content.type).score(content, key_as_response(content), max_score)
    if is_marked(content):
        assert (result.score, result.outcome) == (0, Outcome.NEEDS_MARKING)
    else:
        assert (result.score, result.outcome) == (max_score, Outcome.CORRECT)


@given(any_content)
@settings(max_examples=EXAMPLES, deadline=None)
def test_the_key_as_a_response_is_accepted_by_the_candidate_interface(content):
    response = key_as_response(content)
    parsed = registry.get(content.type).parse_response(content, response)
    assert registry.get(content.type).score(content, parsed, Decimal(1)) == registry.get(content.type).score(
        content, response, Decimal(1)
    )


@given(any_content, json_values)
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_raw_response_is_parsed_or_refused_and_never_crashes(content, raw):
    with contextlib.suppress(ResponseFormatError):
        parsed = registry.get(content.type).parse_response(content, raw)
        assert registry.get(content.type).parse_response(content, parsed) == parsed


@given(any_content)
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_key_written_as_text_is_read_back(content):
    item_type = registry.get(content.type)
    text = item_type.key_text(content)
    if content.key is None:
        assert text == ("2*a+b" if content.type == "parametric" else "")
    else:
        assert item_type.parse_key(text, content) == content.key


@given(any_content, st.text(max_size=20), st.lists(st.text(max_size=5), max_size=3), st.none() | st.integers(1, 5))
@settings(max_examples=EXAMPLES, deadline=None)
def test_an_item_survives_the_file_format(content, source, points, difficulty):
    item = CanonicalItem("1", content, tuple(points), difficulty, source, {"批次": [1, None, "二"]})
    written = json.loads(json.dumps(item_to_json(item), ensure_ascii=False))
    assert item_from_json(written) == item


@given(any_content)
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_content_keeps_its_digest_through_json(content):
    read = content_from_json(json.loads(json.dumps(content_to_json(content))))
    assert content_digest(read) == content_digest(content)


@given(any_content)
@settings(max_examples=EXAMPLES, deadline=None)
def test_the_delivery_view_does_not_depend_on_the_key(content):
    bare = replace(content, explanation="", rubric=(), score=Decimal(1))
    other = replace(bare, key={"unit": content.key["unit"]} if content.type == "numeric" else None)
    render = registry.get(content.type).render
    assert json.dumps(render(content), ensure_ascii=False) == json.dumps(render(other), ensure_ascii=False)


@pytest.mark.parametrize("name", TYPE_NAMES)
def test_no_byte_of_key_explanation_or_rubric_is_delivered(name):
    secret = "绝密-7f3a9"
    content = replace(
        example(name),
        explanation=f"{secret}解析",
        rubric=({"text": f"{secret}要点", "score": "1"},),
        scoring={"method": "exact", "weights": {f"{secret}权重": 1}},
        media=({"id": "m1", "mime": "image/png", "alt": "图", "digest": "0" * 64, "note": secret},),
    )
    if name in {"fill_in", "short_answer"}:
        content = replace(content, key=[[f"{secret}答案"]] if name == "fill_in" else [f"{secret}答案"])
    delivered = json.dumps(registry.get(name).render(content), ensure_ascii=False).encode()
    assert secret.encode() not in delivered
    for field in ("key", "explanation", "rubric", "score", "scoring", "difficulty", "points"):
        assert f'"{field}"'.encode() not in delivered


@given(st.text(alphabet="<>&;\"'/= abpimgsrctd\\(){}铁\n\u00a0!-x1", max_size=60))
@settings(max_examples=EXAMPLES, deadline=None)
def test_sanitising_twice_changes_nothing(text):
    once = sanitise(text)
    assert sanitise(once) == once


@given(st.text(max_size=40))
@settings(max_examples=EXAMPLES, deadline=None)
def test_text_normalised_for_comparison_is_stable_under_surrounding_blanks(text):
    assert normalise_text(f"　 {text}\t") == normalise_text(text)

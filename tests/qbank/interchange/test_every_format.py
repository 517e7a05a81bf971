"""Whatever an item holds comes back the same from every format, or stands in the report as a loss."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from item_templates import registry
from item_templates.canonical import item_to_json
from item_templates.contract import CanonicalItem, Interaction, ItemContent, Severity
from qbank.interchange.convert import read_items, writable_formats, write_items
from tests.item_templates.item_contents import STRATEGIES
from tests.qbank.interchange.interchange_items import example, items, picture, with_picture

TYPES = [one.name for one in registry.all_types()]
WHOLE_LOSSES = {"item", "read_back"}
relaxed = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@st.composite
def scored_items(draw: st.DrawFn) -> CanonicalItem:
    """Return an item with any key and rule of its type, as far as there is a strategy for the type."""
    content = draw(st.sampled_from([STRATEGIES[name] for name in TYPES if name in STRATEGIES]).flatmap(lambda one: one))
    found = registry.get(content.type).validate(content)
    assume(not any(one.severity is Severity.ERROR for one in found))
    return CanonicalItem(
        draw(st.sampled_from(["q1", "题-7", "a b"])), content, ("A-001",), draw(st.none() | st.just(3))
    )


def scores(content: ItemContent) -> list[Decimal]:
    """Return what every possible pick of options earns."""
    ids = [one.id for one in content.choices]
    most = 1 if isinstance(content.key, str) else len(ids)
    picks = itertools.chain.from_iterable(itertools.combinations(ids, size) for size in range(1, most + 1))
    item_type = registry.get(content.type)
    return [item_type.score(content, list(pick), Decimal(10)).score for pick in itertools.islice(picks, 300)]


def is_same_scoring(one: ItemContent, other: ItemContent) -> bool:
    """Say whether two contents score alike: every pick of options, else the rule without what is the default."""
    item_type = registry.get(one.type)
    if item_type.interaction is Interaction.CHOICE:
        return scores(one) == scores(other)
    rules = [{"method": next(iter(item_type.scoring_methods)), **content.scoring} for content in (one, other)]
    if item_type.interaction is Interaction.EXTENDED_TEXT:
        strange = [item_type.score(content, ["?"], Decimal(1)).outcome for content in (one, other)]
        rules = [rule | {"method": outcome} for rule, outcome in zip(rules, strange, strict=True)]
    first, second = ({name: value for name, value in rule.items() if value is not False} for rule in rules)
    return first == second


def with_real_pictures(item: CanonicalItem) -> tuple[CanonicalItem, dict[str, bytes]]:
    """Return an item whose pictures are there, and their data by digest."""
    data = picture()
    digest = hashlib.sha256(data).hexdigest()
    media = tuple({**one, "digest": digest, "mime": "image/png"} for one in item.content.media)
    return replace(item, content=replace(item.content, media=media)), {digest: data}


def assert_equal_or_lost(item: CanonicalItem, fmt: str) -> None:
    item, media = with_real_pictures(item)
    data, losses = write_items([item], fmt, media)
    named = {one.code for one in losses}
    if named & WHOLE_LOSSES:
        return
    report = read_items(data, "a", fmt)
    assert report.error is None
    assert [one.message for one in report.skipped] == []
    back = report.items[0].item
    wanted, got = item_to_json(item), item_to_json(back)
    strange = {name for name in wanted | got if name != "scoring" and wanted.get(name) != got.get(name)}
    assert strange - named == set()
    assert "scoring" in named or is_same_scoring(item.content, back.content)


@pytest.mark.parametrize("fmt", writable_formats())
@given(data=st.data())
@relaxed
def test_any_text_in_any_place_comes_back_or_is_named(fmt: str, data: st.DataObject) -> None:
    assert_equal_or_lost(data.draw(st.sampled_from(TYPES).flatmap(items)), fmt)


@pytest.mark.parametrize("fmt", writable_formats())
@given(item=scored_items())
@relaxed
def test_any_key_and_scoring_rule_comes_back_or_is_named(fmt: str, item: CanonicalItem) -> None:
    assert_equal_or_lost(item, fmt)


@pytest.mark.parametrize("fmt", writable_formats())
@pytest.mark.parametrize("name", TYPES)
def test_the_example_of_every_type_comes_back_or_is_named(name: str, fmt: str) -> None:
    assert_equal_or_lost(example(name), fmt)


@pytest.mark.parametrize("fmt", ["json", "xlsx", "docx", "csv", "text"])
@pytest.mark.parametrize("name", TYPES)
def test_our_own_forms_lose_nothing(name: str, fmt: str) -> None:
    item, media = with_real_pictures(example(name))
    losses = {one.code for one in write_items([item], fmt, media)[1]}
    assert losses == ({"picture"} if fmt in {"csv", "text"} and item.content.media else set())


CARRIED = {
    "moodle-xml": {"single_choice", "true_false", "fill_in", "numeric", "short_answer", "essay", "ordering"},
    "gift": {"single_choice", "true_false", "numeric"},
    "aiken": {"single_choice"},
}
EXPECTED_LOSSES = {
    ("moodle-xml", "fill_in"): {"scoring"},
    ("gift", "numeric"): {"key"},
    ("aiken", "single_choice"): {"id", "explanation", "points", "difficulty", "source"},
}


@pytest.mark.parametrize(("fmt", "name"), [(fmt, name) for fmt, names in CARRIED.items() for name in sorted(names)])
def test_moodles_formats_carry_what_they_can(fmt: str, name: str) -> None:
    losses = {one.code for one in write_items([example(name)], fmt)[1]}
    assert losses == EXPECTED_LOSSES.get((fmt, name), set())


@pytest.mark.parametrize("fmt", writable_formats())
def test_a_picture_travels_or_is_named(fmt: str) -> None:
    item, media = with_picture()
    data, losses = write_items([item], fmt, media)
    report = read_items(data, "a", fmt)
    carried = [one.media for one in report.items]
    assert carried == [{"m1": next(iter(media.values()))}] or losses

"""The demonstration's own content: files that say what their source says, and people who answer in every way there is."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from decimal import Decimal

import pytest

from item_templates import registry
from item_templates.canonical import content_from_json, content_to_json, item_to_json
from item_templates.contract import Interaction, Outcome
from kernel.national_id import IdKind, check_id_number
from qbank.interchange.convert import read_items
from web.demo import answers, exams
from web.demo.files import EXCEL_FILE, TYPES_FILE, WORD_FILE, items_by_type, source_items, split
from web.demo.forms import SHARED, SHARING, TYPES, shared_items
from web.demo.people import read_people

KINDS = [one.name for one in registry.all_types()]


def every_item():
    return [*source_items(), *items_by_type()]


def slots():
    """Return one content for each slot that a form could carry, and of each type its share."""
    frozen = {}
    for item in every_item():
        for content in registry.get(item.content.type).freeze(item.content, 7):
            frozen.setdefault(content.type, []).append(content)
    return [content for contents in frozen.values() for content in contents[:40]]


def test_the_three_files_hold_what_their_sources_say():
    word, excel = split(source_items())
    for path, wanted in ((WORD_FILE, word), (EXCEL_FILE, excel), (TYPES_FILE, items_by_type())):
        report = read_items(path.read_bytes(), path.name)
        assert not report.skipped
        assert [item_to_json(one.item) for one in report.items] == [item_to_json(one) for one in wanted]


@pytest.mark.parametrize("kind", KINDS)
def test_the_bank_shows_every_type_without_a_fault(kind):
    items = [item.content for item in every_item() if item.content.type == kind]
    assert len(items) >= 3
    for content in items[:60]:
        assert registry.get(kind).validate(content) == []


def test_a_form_of_the_demonstration_shows_every_way_of_answering_and_has_100_marks():
    assert sum(one["count"] * one["score_each"] for one in TYPES) == 100
    shown = {registry.get(one["type"]).interaction for one in TYPES}
    assert shown == set(Interaction)


def is_marked(content):
    return registry.get(content.type).interaction is Interaction.EXTENDED_TEXT


def earned(content, response):
    item_type = registry.get(content.type)
    return item_type.score(content, item_type.parse_response(content, response), Decimal(2))


def test_a_right_answer_earns_all_and_a_wrong_one_does_not():
    chance = random.Random(5)
    for content in slots():
        right, wrong = (
            earned(content, one) for one in (answers.right_answer(content), answers.wrong_answer(content, chance))
        )
        if is_marked(content) and right.outcome is Outcome.NEEDS_MARKING:
            assert all(str(point["text"]) in answers.right_answer(content)[0] for point in content.rubric)
            continue
        assert right.outcome is Outcome.CORRECT, content.stem
        assert wrong.score < right.score, content.stem


def test_somebody_able_answers_more_rightly_than_somebody_weak():
    contents = [content for content in slots() if not is_marked(content)]

    def total(ability):
        chance = random.Random(3)
        return sum(earned(one, answers.answer(one, ability, chance)).score for one in contents)

    assert total(3.0) > total(0.0) > total(-3.0)


def test_a_calculation_worked_out_ends_with_the_results_that_its_key_wants():
    whole = next(one for one in items_by_type() if one.content.type == "calculation").content
    suggestion = registry.get("calculation").suggest(whole, answers.right_answer(whole), whole.score)
    assert suggestion is not None
    assert all(holds for _text, holds in suggestion.checks)


def test_contents_of_the_demonstration_survive_their_json():
    for item in items_by_type():
        assert content_from_json(content_to_json(item.content)) == item.content


def test_two_forms_share_enough_items_of_every_part_to_be_put_on_one_scale():
    word, excel = split(source_items())
    keys = {uuid.uuid4(): item for item in [*word, *excel]}
    chosen = [keys[key] for key in shared_items(list(keys))]
    assert len({item.points[0] for item in chosen}) == len(chosen) == sum(SHARED.values())
    each = next(one["score_each"] for one in SHARING if one["type"] == "single_choice")
    total = sum(one["count"] * one["score_each"] for one in SHARING)
    assert (total, {item.content.type for item in chosen}) == (100, {"single_choice"})
    assert len(chosen) * each * 100 >= 20 * total
    assert {item.points[0][:3] for item in chosen} == {item.points[0][:3] for item in source_items()}


def test_the_people_of_the_demonstration_are_marked_as_made_up_and_no_number_stands_twice():
    groups = read_people()
    people = [one for name in ("candidates", "past_candidates", "equated_candidates") for one in groups[name]]
    assert len({one["id_number"] for one in people}) == len({one["phone"] for one in people}) == len(people)
    assert all("演示" in one["name"] for one in [*people, *groups["staff"]])
    for one in people:
        found = check_id_number(IdKind.RESIDENT_ID, one["id_number"], today=dt.date(2026, 11, 23))
        assert found.is_valid
        assert (found.birth_date, found.sex) == (dt.date.fromisoformat(one["birth_date"]), exams.SEXES[one["sex"]])

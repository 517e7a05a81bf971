"""A form with items that share a text is dealt, sat, scored and marked; what belongs together stays together."""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.rules.freezing import freeze_item
from blueprints.rules.packages import FormHeader, SectionText, SlotContent, build_delivery, build_scoring
from exam_delivery.models import RenderedForm, ScoreStatus
from exam_delivery.repository import scores as scores_repository
from exam_delivery.rules.layout import make_layout
from exam_delivery.rules.scoring import parse_scoring, suggestion_for
from exam_delivery.services import forms as forms_service
from exam_delivery.services import marking
from item_templates.contract import ItemContent
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.exam_delivery.world import SealedForms, World, fake_blueprints
from tests.item_templates.item_contents import example

SET, WORKED = example("testlet"), example("calculation")
JUDGEMENT = ItemContent("true_false", "铁是金属。", key=True)


def frozen_slots(*contents: ItemContent) -> list[SlotContent]:
    """Freeze contents as sealing does, all in one section."""
    parts = [
        (place, content, part)
        for place, content in enumerate(contents, 1)
        for part in freeze_item(content, 7, content.score)
    ]
    return [
        SlotContent(
            number, 0, uuid.uuid4(), uuid.uuid4(), f"A-A-A-{number:03d}", part.score, part.content, place=place,
            part=part.part, seed=7, item_type=content.type,
        )
        for number, (place, content, part) in enumerate(parts, 1)
    ]  # fmt: skip


def header(form_id: uuid.UUID) -> FormHeader:
    return FormHeader(form_id, "理论知识试卷", "电工", "四级", Decimal(20))


class Packages(SealedForms):
    """Real documents of a form: a judgement, a set of three, a calculation, a judgement."""

    slots = frozen_slots(JUDGEMENT, SET, WORKED, JUDGEMENT)

    def __init__(self, organisation_id: uuid.UUID) -> None:
        super().__init__(organisation_id)
        self.contents = [{"score": str(slot.score)} for slot in self.slots]

    def open_delivery(self, where: Any, actor: Any, form_id: uuid.UUID) -> dict[str, Any]:
        del where, actor
        form_id = uuid.UUID(str(form_id))
        return build_delivery(header(form_id), [SectionText("一、综合题", "")], self.slots, _no_media)

    def open_scoring(self, where: Any, actor: Any, form_id: uuid.UUID) -> dict[str, Any]:
        del where, actor
        return build_scoring(uuid.UUID(str(form_id)), "d" * 64, self.slots)


def _no_media(name: str) -> tuple[bytes, str]:
    raise KeyError(name)


@pytest.fixture
def sat(officer, organisation, monkeypatch) -> Iterator[World]:
    """One who knows everything, one who knows a little."""
    packages = Packages(organisation.organisation_id)
    monkeypatch.setattr(forms_service, "blueprints", fake_blueprints(packages))
    world = World(officer, packages)
    world.register(2)
    world.arrange()
    world.prepare()
    world.open()
    db.session.expire_all()
    first, second = world.attempts()
    right = {1: '["true"]', 2: '["B"]', 3: '["false"]', 6: '["true"]'}
    world.sit(right | {4: '["按 15.4 A 整定"]', 5: '["I=220/10=22 A\\n答：22 A，4800 W"]'}, first)
    world.sit({2: '["B"]', 3: '["true"]'}, second)
    world.close_and_score()
    return world


def newest(attempt: Any) -> Any:
    return scores_repository.newest_records(db.session(), [attempt.attempt_id])[attempt.attempt_id]


def test_every_child_is_scored_for_itself_and_marked_where_it_needs_a_person(sat, make_actor):
    marker = make_actor(Role.MARKER, name="阅卷甲")
    first, second = sat.attempts()
    assert newest(first).status is ScoreStatus.NEEDS_MARKING
    assert (newest(second).status, newest(second).score) == (ScoreStatus.COMPLETE, Decimal(2))
    scored = scores_repository.slot_scores(db.session(), newest(first).score_record_id)
    assert {one.slot: one.score for one in scored} == {1: 1, 2: 2, 3: 2, 4: None, 5: None, 6: 1}
    script = marking.get_script(db.session(), marker, first.attempt_id, 4)
    assert script.slot.content.stimulus == SET.stem
    assert (script.slot.part, script.slot.max_score) == (3, 6)
    for slot, score in ((4, "5"), (5, "6")):
        with unit_of_work(marker) as uow:
            marking.give_mark(uow, first.attempt_id, slot, score, n_seen=0)
    db.session.expire_all()
    assert (newest(first).status, newest(first).score) == (ScoreStatus.COMPLETE, Decimal(17))


def test_the_marker_sees_the_shared_text_and_what_the_program_found(sat, sign_in):
    client = sign_in(Role.MARKER)
    first = sat.attempts()[0]
    shared = client.get(f"/marking/answers/{first.attempt_id}/4").text
    assert "热继电器整定值为 8 A" in shared
    worked = client.get(f"/marking/answers/{first.attempt_id}/5").text
    assert "22 A；4840±10 W" in worked
    assert worked.count("相符") == 1
    assert "只看最终答案可得 4 分" in worked


def test_the_rendered_form_carries_the_shared_text_once(sat):
    for attempt in sat.attempts():
        body = gzip.decompress(db.session.get(RenderedForm, attempt.attempt_id).body).decode()
        form = json.loads(body)
        assert form["stimuli"] == [SET.stem]
        assert body.count("热继电器整定值为 8 A") == 1
        assert [slot["slot"] for slot in form["slots"] if slot.get("stimulus") == 0] == [2, 3, 4]
        numbers = [slot["number"] for slot in form["slots"] if "stimulus" in slot]
        assert numbers == list(range(numbers[0], numbers[0] + 3))


def test_a_slot_names_the_version_and_the_part_that_it_measures():
    key = parse_scoring(build_scoring(uuid.uuid4(), "d" * 64, Packages.slots))
    assert [slot.part for slot in key.slots] == [1, 1, 2, 3, 1, 1]
    assert [slot.item_version_id for slot in key.slots] == [str(slot.item_version_id) for slot in Packages.slots]
    hint = suggestion_for(key.slots[4], "答：22 A，4800 W")
    assert hint is not None
    assert hint.score == 4


def test_a_package_that_was_sealed_before_parts_were_recorded_is_still_scored():
    document = build_scoring(uuid.uuid4(), "d" * 64, Packages.slots)
    for slot in document["slots"]:
        del slot["part"], slot["seed"], slot["item_version_id"]
    assert [slot.part for slot in parse_scoring(document).slots] == [1] * 6


@given(sizes=st.lists(st.integers(0, 4), min_size=1, max_size=12), seed=st.integers(0, 2**63), really=st.booleans())
def test_whatever_the_seed_slots_of_one_text_stay_together_and_in_order(sizes: list[int], seed: int, *, really: bool):
    contents = [
        ItemContent("testlet", f"材料{n}", items=(JUDGEMENT,) * size, score=Decimal(size)) if size else JUDGEMENT
        for n, size in enumerate(sizes)
    ]
    slots = frozen_slots(*contents)
    delivery = build_delivery(header(uuid.uuid4()), [SectionText("一", "")], slots, _no_media)
    layout = make_layout(delivery, seed=seed, shuffle_items=really, shuffle_choices=True)
    order = layout["sections"][0]
    assert sorted(order) == [slot.slot for slot in slots]
    assert really or order == sorted(order)
    for place in {slot.place for slot in slots}:
        own = [slot.slot for slot in slots if slot.place == place]
        start = order.index(own[0])
        assert order[start : start + len(own)] == own
    assert layout == make_layout(delivery, seed=seed, shuffle_items=really, shuffle_choices=True)


def test_sets_do_change_their_places():
    delivery = build_delivery(header(uuid.uuid4()), [SectionText("一", "")], Packages.slots, _no_media)
    orders = {
        tuple(make_layout(delivery, seed=n, shuffle_items=True, shuffle_choices=False)["sections"][0])
        for n in range(40)
    }
    assert len(orders) > 5

"""Items that share a text go through assembly as one pick and through sealing and print as slots of their own."""

from __future__ import annotations

import io
import re
import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from blueprints import public
from blueprints.documents.layout import FormSheet, key_parts, printed_parts
from blueprints.documents.pdf import form_pdf, key_pdf
from blueprints.documents.word import form_docx, key_docx
from blueprints.models import ExamForm, FormDecision, FormSlot
from blueprints.rules.freezing import freeze_item, freeze_seed, shared_out
from blueprints.rules.packages import FormHeader, SectionText, SlotContent, build_delivery, build_scoring
from blueprints.services import forms, runs, sealing, swaps
from item_templates.contract import ItemContent
from kernel.identity.actor import Actor, system_actor
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank.models.standards import AssessmentPoint, StandardLevel
from tests.blueprints.bank_cases import Bank, add_items, fill_bank, find_different
from tests.blueprints.conftest import RunFinished
from tests.blueprints.test_printed_forms import docx_text, pdf_text
from tests.item_templates.item_contents import example

SET = example("testlet")
SHARED = "共用材料第"
TYPES = [{"type": "single_choice", "count": 10, "score_each": 1}, {"type": "testlet", "count": 2, "score_each": 20}]


def a_set(number: int) -> ItemContent:
    """A testlet of three children, or of two for every second number."""
    children = SET.items if number % 2 else (replace(SET.items[0], score=Decimal(4)), SET.items[2])
    return replace(SET, stem=f"{SHARED}{number}号。", items=children)


@pytest.fixture
def bank(organisation: Any) -> Bank:
    bank = fill_bank(organisation.organisation_id)
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        level = uow.session.scalars(select(StandardLevel)).one()
        points = uow.session.scalars(select(AssessmentPoint).order_by(AssessmentPoint.full_code)).all()
        add_items(uow, level, [(point, a_set(number)) for number, point in enumerate(points)], prefix="S")
        find_different(uow.session, level.standard_level_id, "S")
    return bank


@pytest.fixture
def draft(run_finished: RunFinished, assembler: Actor) -> ExamForm:
    spec = {"n_items": 12, "total_score": 50, "types": TYPES, "weights": None, "max_per_point": None}
    run = run_finished(n_forms=1, **spec)
    assert run.status.value in {"optimal", "feasible"}, run.result
    with unit_of_work(assembler) as uow:
        return runs.accept_run(uow, run.assembly_run_id)[0]


def n_children(session: Session, form: ExamForm, actor: Actor) -> int:
    from qbank import public as qbank

    versions = [slot.item_version_id for slot in form.slots if slot.type == "testlet"]
    return sum(len(one.content.items) for one in qbank.load_contents(session, actor, versions).values())


def test_a_set_is_one_pick_and_as_many_slots_as_it_has_children(
    draft: ExamForm, assembler: Actor, approver: Actor, session: Session
) -> None:
    children = n_children(session, draft, assembler)
    assert (len(draft.slots), draft.n_slots, draft.total_score) == (12, 10 + children, 50)
    with unit_of_work(assembler) as uow:
        forms.submit_form(uow, draft.exam_form_id)
    with unit_of_work(approver) as uow:
        forms.approve_form(uow, draft.exam_form_id)
        forms.seal_form(uow, draft.exam_form_id)
    program = system_actor(draft.organisation_id)
    delivery = sealing.open_part(session, program, draft.exam_form_id, sealing.Part.DELIVERY)
    scoring = sealing.open_part(session, program, draft.exam_form_id, sealing.Part.SCORING)
    numbers = [slot["slot"] for slot in delivery["slots"]]
    assert numbers == list(range(1, 11 + children)) == [slot["slot"] for slot in scoring["slots"]]
    assert sum(Decimal(slot["score"]) for slot in delivery["slots"]) == 50
    assert [section["slots"] for section in delivery["sections"]] == [numbers[:10], numbers[10:]]
    assert "二、组合题" in delivery["sections"][1]["title"]
    assert len(delivery["stimuli"]) == 2
    assert [slot.get("stimulus") for slot in delivery["slots"][:10]] == [None] * 10
    shared = [slot["stimulus"] for slot in delivery["slots"][10:]]
    assert (shared, set(shared)) == (sorted(shared), {0, 1})
    parts = [(slot["item_version_id"], slot["part"]) for slot in scoring["slots"]]
    assert len(set(parts)) == len(parts)
    assert all(SHARED in slot["content"]["stimulus"] for slot in scoring["slots"][10:])
    places = {str(slot.item_version_id): slot.slot for slot in draft.slots}
    for slot in scoring["slots"]:
        version = slot["item_version_id"]
        assert slot["seed"] == freeze_seed(draft.exam_form_id, places[version], uuid.UUID(version))
    listed = public.list_sealed_forms(session, program)
    assert [(one.n_slots, one.total_score) for one in listed] == [(10 + children, 50)]


def test_the_page_of_a_form_counts_sets_and_items(
    draft: ExamForm, assembler: Actor, session: Session, sign_in: Any
) -> None:
    page = sign_in(Role.ASSEMBLER).get(f"/forms/{draft.exam_form_id}").text
    assert f"2 组 {n_children(session, draft, assembler)} 题" in page
    assert f"<dd>{draft.n_slots}</dd>" in "".join(page.split("\n"))


def test_a_swap_speaks_of_the_number_that_candidates_see_and_shows_every_part(
    draft: ExamForm, assembler: Actor, session: Session, make_user: Any, sign_in: Any
) -> None:
    client = sign_in(user=make_user(Role.ASSEMBLER))
    opened = client.post(f"/forms/{draft.exam_form_id}/view")
    ticket = opened.headers["Location"].split("ticket=")[1]
    page = client.get(f"/forms/{draft.exam_form_id}/swap/12?ticket={ticket}").text
    first = draft.n_slots - n_children_of(session, draft.slots[-1], assembler) + 1
    assert f"替换第 {first} 题" in page
    assert page.count(SHARED) >= 1
    assert "电动机停转的直接原因" in page
    assert "写出正确整定的步骤" in page
    chosen = re.search(r'name="item_id" value="([0-9a-f-]{36})"', page)[1]
    data = {"item_id": chosen, "version": draft.version, "ticket": ticket}
    done = client.post(f"/forms/{draft.exam_form_id}/swap/12", data=data)
    assert done.headers["Location"].endswith(f"#slot-{first}")
    note = session.scalars(select(FormDecision.comment).where(FormDecision.act == "swap")).one()
    assert note.startswith(f"第 {first} 题：")
    shown = client.get(opened.headers["Location"]).text
    assert shown.count("item-stimulus") == 2


def n_children_of(session: Session, slot: FormSlot, actor: Actor) -> int:
    from qbank import public as qbank

    return len(qbank.load_contents(session, actor, [slot.item_version_id])[slot.item_version_id].content.items)


def test_a_swapped_set_changes_the_number_of_slots(draft: ExamForm, assembler: Actor, session: Session) -> None:
    place = next(slot for slot in draft.slots if slot.type == "testlet")
    before = n_children(session, draft, assembler)
    offered = swaps.swap_candidates(swaps.load_bench(session, assembler, draft), place.slot)
    for entry in offered:
        with unit_of_work(assembler) as uow:
            form = swaps.swap_item(
                uow, draft.exam_form_id, slot=place.slot, item_id=entry.item_id, version=draft.version
            )  # fmt: skip
        if n_children(session, form, assembler) != before:
            break
    now = n_children(session, form, assembler)
    assert now != before
    assert (form.n_slots, len(form.slots), form.total_score) == (10 + now, 12, 50)
    assert session.scalars(select(FormSlot.score).where(FormSlot.slot == place.slot)).first() == 20


@given(st.integers(1, 40_000), st.lists(st.integers(1, 9000), min_size=1, max_size=20))
def test_marks_are_shared_out_without_losing_any(thousandths: int, weights: list[int]) -> None:
    shares = shared_out(Decimal(thousandths) / 1000, [Decimal(one) / 1000 for one in weights])
    assert sum(shares) == Decimal(thousandths) / 1000
    assert min(shares) >= 0
    assert all(one == round(one, 3) for one in shares)


def test_the_marks_of_the_form_are_shared_out_in_proportion() -> None:
    parts = freeze_item(SET, 1, Decimal(20))
    assert [(part.part, part.score) for part in parts] == [(1, Decimal(4)), (2, Decimal(4)), (3, Decimal(12))]


SHEET = FormSheet("演示机构", "电工", "6-31-01-03", "四级/中级工", "A", "2018年版", 90, "14")


def slots_of() -> list[SlotContent]:
    """One judgement, then two sets of three."""
    single = ItemContent("true_false", "操作前应当断电。", key=True)
    frozen = [(0, "true_false", freeze_item(single, 1, Decimal(1)))]
    frozen += [(1, "testlet", freeze_item(a_set(number), 1, Decimal(10))) for number in (1, 3)]
    flat = [(place, section, name, part) for place, (section, name, parts) in enumerate(frozen, 1) for part in parts]
    return [
        SlotContent(
            number, section, uuid.uuid4(), uuid.uuid4(), "A-A-001", part.score, part.content, place=place,
            part=part.part, item_type=name,
        )
        for number, (place, section, name, part) in enumerate(flat, 1)
    ]  # fmt: skip


@pytest.mark.parametrize("file_format", ["pdf", "docx"])
def test_a_shared_text_is_printed_once_before_its_items(file_format: str) -> None:
    parts = printed_parts(slots_of())
    text = pdf_text(form_pdf(SHEET, parts, {})) if file_format == "pdf" else docx_text(form_docx(SHEET, parts, {}))
    bare = "".join(text.split())
    for number in (1, 3):
        assert bare.count(f"{SHARED}{number}号") == 1
    assert bare.count("第2题~第4题") == 1
    order = [
        bare.index(mark)
        for mark in (f"{SHARED}1号", "2.电动机停转", "3.热继电器", "4.写出正确", f"{SHARED}3号", "5.电动机停转")
    ]
    assert order == sorted(order)


def test_a_shared_text_is_kept_on_the_page_of_the_first_of_its_items() -> None:
    document = docx.Document(io.BytesIO(form_docx(SHEET, printed_parts(slots_of()), {})))
    shared = [one for one in document.paragraphs if SHARED in one.text or "共用" in one.text]
    assert len(shared) >= 2
    assert all(one.paragraph_format.keep_with_next for one in shared)


@pytest.mark.parametrize("file_format", ["pdf", "docx"])
def test_the_key_of_every_child_is_printed_under_its_number(file_format: str) -> None:
    parts = key_parts(slots_of())
    text = pdf_text(key_pdf(SHEET, parts, {})) if file_format == "pdf" else docx_text(key_docx(SHEET, parts, {}))
    bare = "".join(text.split())
    for mark in ("2.（2分）B", "3.（2分）×", "4.（6分）", "按电动机额定电流整定"):
        assert mark in bare


def test_a_picture_of_the_shared_text_travels_once() -> None:
    media = ({"id": "m1", "mime": "image/png", "alt": "图"},)
    content = replace(SET, stem='看图<img src="media:m1" alt="图">', media=media)
    slots = [
        SlotContent(
            part.part, 0, uuid.uuid4(), uuid.uuid4(), "A-A-001", part.score, part.content, place=1, part=part.part,
            item_type="testlet",
        )
        for part in freeze_item(content, 1, Decimal(10))
    ]  # fmt: skip
    header = FormHeader(uuid.uuid4(), "演示卷", "电工", "四级/中级工", Decimal(10))
    document = build_delivery(header, [SectionText("一、组合题", "")], slots, lambda _name: (b"png", "image/png"))
    assert set(document["media"]) == {"m1"}
    assert [slot["stimulus"] for slot in document["slots"]] == [0, 0, 0]
    assert "看图" not in str(document["slots"])
    assert [one["part"] for one in build_scoring(header.form_id, "d" * 64, slots)["slots"]] == [1, 2, 3]

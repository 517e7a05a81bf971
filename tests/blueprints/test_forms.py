"""The way of a form: swap, review by a second person, seal, open, withdraw; and who may see what."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Mapping

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from blueprints import public
from blueprints.models import ExamForm, FormPackage, FormSlot
from blueprints.rules.states import FormAct, FormStatus
from blueprints.services import forms, sealing, swaps, views
from blueprints.services.releases import SealedPartError
from blueprints.services.reports import report_slot_error
from blueprints.services.sealing import Part
from kernel import audit
from kernel.audit.models import AuditEvent
from kernel.canonical import digest
from kernel.crypto import SealBrokenError
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.actor import Actor, system_actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank.models.corrections import CorrectionCase
from qbank.models.items import Item, ItemVersion
from tests.blueprints.bank_cases import EXPLANATION, open_place
from tests.blueprints.conftest import OpenByTwo

SCORING_WORDS = ("key", "explanation", "rubric", "scoring", "item_id", "item_version_id", "difficulty", "point")


def acts_of(session: Session, act: str) -> list[AuditEvent]:
    return list(session.scalars(select(AuditEvent).where(AuditEvent.act == act)))


def slots_of(session: Session, form_id: uuid.UUID) -> list[uuid.UUID]:
    session.expire_all()
    rows = session.execute(
        text("SELECT item_id FROM form_slots WHERE exam_form_id = :id ORDER BY slot"), {"id": form_id.hex}
    )
    return [uuid.UUID(str(row[0])) for row in rows]


def names_in(value: object) -> set[str]:
    """All field names anywhere in a document."""
    if isinstance(value, Mapping):
        return set(value) | {name for part in value.values() for name in names_in(part)}
    if isinstance(value, list):
        return {name for part in value for name in names_in(part)}
    return set()


def test_every_swap_offered_keeps_all_rules_and_takes_effect(
    drafts: list[ExamForm], assembler: Actor, session: Session
) -> None:
    form = drafts[0]
    bench = swaps.load_bench(session, assembler, form)
    assert all(check.met for check in bench.checks())
    place = open_place(bench)
    offered = swaps.swap_candidates(bench, place)
    taken = {slot.item_id for draft in drafts for slot in draft.slots}
    assert taken.isdisjoint(entry.item_id for entry in offered)
    before = form.slots[place - 1].item_id
    with unit_of_work(assembler) as uow:
        changed = swaps.swap_item(uow, form.exam_form_id, slot=place, item_id=offered[0].item_id, version=form.version)
    assert changed.slots[place - 1].item_id == offered[0].item_id != before
    assert Counter(slot.point[:3] for slot in changed.slots) == {"A-A": 4, "A-B": 6, "B-A": 10}


def test_a_swap_that_breaks_a_rule_or_comes_late_is_refused(
    drafts: list[ExamForm], assembler: Actor, session: Session
) -> None:
    form, sibling = drafts
    place, twin = next(
        (mine, theirs)
        for mine in form.slots
        for theirs in sibling.slots
        if (mine.type, mine.point[:3]) == (theirs.type, theirs.point[:3])
    )
    with pytest.raises(ConflictError, match="违反蓝图"), unit_of_work(assembler) as uow:
        swaps.swap_item(uow, form.exam_form_id, slot=place.slot, item_id=twin.item_id, version=form.version)
    bench = swaps.load_bench(session, assembler, form)
    number = open_place(bench)
    good = swaps.swap_candidates(bench, number)[0]
    with pytest.raises(ConflictError, match="已被他人修改"), unit_of_work(assembler) as uow:
        swaps.swap_item(uow, form.exam_form_id, slot=number, item_id=good.item_id, version=form.version + 5)


def submitted(form: ExamForm, assembler: Actor) -> uuid.UUID:
    with unit_of_work(assembler) as uow:
        forms.submit_form(uow, form.exam_form_id)
    return form.exam_form_id


def test_nobody_approves_a_form_they_assembled(
    drafts: list[ExamForm], assembler: Actor, make_actor: Callable[..., Actor]
) -> None:
    form_id = submitted(drafts[0], assembler)
    both = Actor(assembler.user_id, assembler.organisation_id, "两职", make_actor(Role.FORM_APPROVER).permissions)
    with pytest.raises(forms.OwnWorkError, match="第二人"), unit_of_work(both) as uow:
        forms.approve_form(uow, form_id)


def test_nobody_approves_a_form_they_swapped_items_in(
    drafts: list[ExamForm], assembler: Actor, make_actor: Callable[..., Actor], session: Session
) -> None:
    helper = make_actor(Role.ASSEMBLER, Role.FORM_APPROVER)
    form = drafts[0]
    bench = swaps.load_bench(session, helper, form)
    number = open_place(bench)
    entry = swaps.swap_candidates(bench, number)[0]
    with unit_of_work(helper) as uow:
        swaps.swap_item(uow, form.exam_form_id, slot=number, item_id=entry.item_id, version=form.version)
    form_id = submitted(form, assembler)
    with pytest.raises(forms.OwnWorkError), unit_of_work(helper) as uow:
        forms.approve_form(uow, form_id)


def test_nobody_approves_a_form_with_an_item_of_their_own(
    drafts: list[ExamForm], assembler: Actor, approver: Actor, session: Session
) -> None:
    form_id = submitted(drafts[0], assembler)
    own = drafts[0].slots[7].item_id
    session.execute(update(Item).where(Item.item_id == own).values(author_id=approver.user_id))
    with pytest.raises(forms.OwnWorkError, match="命题人"), unit_of_work(approver) as uow:
        forms.approve_form(uow, form_id)


def test_an_assembler_can_neither_approve_nor_seal(drafts: list[ExamForm], assembler: Actor) -> None:
    form_id = submitted(drafts[0], assembler)
    with pytest.raises(ForbiddenError), unit_of_work(assembler) as uow:
        forms.approve_form(uow, form_id)
    with pytest.raises(ForbiddenError), unit_of_work(assembler) as uow:
        forms.seal_form(uow, form_id)


def test_a_form_is_sent_back_with_a_reason_and_comes_again(
    drafts: list[ExamForm], assembler: Actor, approver: Actor, session: Session
) -> None:
    form_id = submitted(drafts[0], assembler)
    with pytest.raises(InvalidInputError), unit_of_work(approver) as uow:
        forms.return_form(uow, form_id, comment=" ")
    with unit_of_work(approver) as uow:
        assert forms.return_form(uow, form_id, comment="第 3 题过时").status is FormStatus.DRAFT
    with unit_of_work(assembler) as uow:
        assert forms.submit_form(uow, form_id).status is FormStatus.IN_REVIEW
    assert [event.details.get("reason") for event in acts_of(session, "form.return")] == ["第 3 题过时"]


def test_the_delivery_document_holds_no_key_and_no_item(
    sealed_form: uuid.UUID, make_actor: Callable[..., Actor], session: Session
) -> None:
    officer = make_actor(Role.EXAM_OFFICER)
    with unit_of_work(officer) as uow:
        document = public.open_delivery(uow, officer, sealed_form)
    assert document["format"] == "kaoku-form-delivery/1"
    assert names_in(document).isdisjoint(SCORING_WORDS)
    raw = sealing.canonical_json(document).decode()
    assert EXPLANATION not in raw
    for item_id, version_id in session.execute(select(ItemVersion.item_id, ItemVersion.item_version_id)):
        assert str(item_id) not in raw
        assert str(version_id) not in raw
        assert item_id.hex not in raw


def test_the_documents_say_what_the_neighbours_were_promised(
    sealed_form: uuid.UUID, make_actor: Callable[..., Actor], open_by_two: OpenByTwo
) -> None:
    open_by_two(sealed_form)
    officer = make_actor(Role.EXAM_OFFICER)
    with unit_of_work(officer) as uow:
        delivery = public.open_delivery(uow, officer, sealed_form)
        scoring = public.open_scoring(uow, officer, sealed_form)
        listed = public.list_sealed_forms(uow.session, officer)
    assert set(delivery) == {
        "format",
        "form_id",
        "title",
        "occupation",
        "level",
        "total_score",
        "sections",
        "slots",
        "media",
    }
    assert [section["slots"] for section in delivery["sections"]] == [list(range(1, 11)), list(range(11, 21))]
    first = delivery["slots"][0]
    assert set(first) == {
        "slot", "section", "type", "interaction", "multiple", "stem", "choices", "targets", "n_blanks", "score",
        "may_shuffle",
    }  # fmt: skip
    assert (first["type"], first["interaction"], first["multiple"]) == ("single_choice", "choice", False)
    assert scoring["delivery_digest"] == digest(delivery) == listed[0].delivery_digest
    assert [slot["slot"] for slot in scoring["slots"]] == [slot["slot"] for slot in delivery["slots"]]
    assert all(slot["content"]["key"] in ("A", "B", "C", "D", True, False) for slot in scoring["slots"])
    assert [(form.form_id, form.n_slots, form.total_score) for form in listed] == [(sealed_form, 20, 20)]


def test_flipping_any_byte_of_a_package_is_refused(
    sealed_form: uuid.UUID, make_actor: Callable[..., Actor], session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    officer = make_actor(Role.EXAM_OFFICER)
    package = session.scalar(select(FormPackage).where(FormPackage.exam_form_id == sealed_form))
    assert package
    fields = {column.key: getattr(package, column.key) for column in FormPackage.__table__.columns}
    for name in ("delivery_ciphertext", "delivery_key", "scoring_ciphertext", "scoring_key"):
        part = Part.DELIVERY if name.startswith("delivery") else Part.SCORING
        whole = fields[name]
        for place in {0, 1, 2, 13, 14, len(whole) // 2, len(whole) - 17, len(whole) - 1}:
            changed = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
            broken = FormPackage(**fields | {name: changed})
            monkeypatch.setattr(sealing.repository, "get_package", lambda *_args, _row=broken, **_kwargs: _row)
            with pytest.raises(SealBrokenError):
                sealing.open_part(session, officer, sealed_form, part)


def test_a_part_of_one_form_does_not_open_as_anothers(
    sealed_form: uuid.UUID, make_actor: Callable[..., Actor], session: Session
) -> None:
    package = session.scalar(select(FormPackage).where(FormPackage.exam_form_id == sealed_form))
    assert package
    fields = {c.key: getattr(package, c.key) for c in FormPackage.__table__.columns}
    moved = FormPackage(**fields | {"exam_form_id": uuid.uuid4()})
    swapped = FormPackage(
        **fields | {"delivery_ciphertext": package.scoring_ciphertext, "delivery_key": package.scoring_key}
    )  # fmt: skip
    for broken in (moved, swapped):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sealing.repository, "get_package", lambda *_args, _row=broken, **_kwargs: _row)
            with pytest.raises(SealBrokenError):
                sealing.open_part(session, make_actor(Role.EXAM_OFFICER), sealed_form, Part.DELIVERY)


def test_the_database_itself_refuses_to_change_a_package(sealed_form: uuid.UUID, session: Session) -> None:
    assert sealed_form
    for statement in ("UPDATE form_packages SET title = 'x'", "DELETE FROM form_packages"):
        with pytest.raises(DatabaseError, match="append-only"), session.begin_nested():
            session.execute(text(statement))


def test_a_sealed_form_is_never_changed(sealed_form: uuid.UUID, assembler: Actor, approver: Actor) -> None:
    for act in (
        lambda uow: swaps.swap_item(uow, sealed_form, slot=1, item_id=uuid.uuid4(), version=1),
        lambda uow: forms.submit_form(uow, sealed_form),
    ):
        with pytest.raises(ConflictError), unit_of_work(assembler) as uow:
            act(uow)
    with pytest.raises(ConflictError), unit_of_work(approver) as uow:
        forms.return_form(uow, sealed_form, comment="再改")
    with pytest.raises(ConflictError), unit_of_work(approver) as uow:
        forms.seal_form(uow, sealed_form)


def test_sealing_counts_the_use_of_every_item(sealed_form: uuid.UUID, session: Session) -> None:
    used = set(session.scalars(select(Item.item_id).where(Item.n_used == 1)))
    assert len(used) == 20
    assert used == set(slots_of(session, sealed_form))


def test_a_form_that_a_sitting_counts_on_is_not_withdrawn(
    sealed_form: uuid.UUID, approver: Actor, make_actor: Callable[..., Actor], session: Session
) -> None:
    officer = make_actor(Role.EXAM_OFFICER)
    with unit_of_work(officer) as uow:
        public.reserve_form(uow, sealed_form, reference="exam_session:1")
        public.reserve_form(uow, sealed_form, reference="exam_session:1")
    with pytest.raises(ConflictError, match="1 个场次"), unit_of_work(approver) as uow:
        forms.withdraw_form(uow, sealed_form, reason="泄题")
    with unit_of_work(officer) as uow:
        public.release_form(uow, sealed_form, reference="exam_session:1")
    with unit_of_work(approver) as uow:
        forms.withdraw_form(uow, sealed_form, reason="泄题")
    assert public.list_sealed_forms(session, officer) == []
    with pytest.raises(ConflictError, match="已撤回"), unit_of_work(officer) as uow:
        public.reserve_form(uow, sealed_form, reference="exam_session:2")


def test_opening_is_audited_and_a_person_cannot_open_unseen(
    sealed_form: uuid.UUID, make_actor: Callable[..., Actor], session: Session, open_by_two: OpenByTwo
) -> None:
    officer = make_actor(Role.EXAM_OFFICER)
    with pytest.raises(ForbiddenError, match="审计"):
        public.open_delivery(session, officer, sealed_form)
    with pytest.raises(SealedPartError, match="两名保管人"), unit_of_work(officer) as uow:
        public.open_scoring(uow, officer, sealed_form)
    open_by_two(sealed_form)
    with unit_of_work(officer) as uow:
        public.open_delivery(uow, officer, sealed_form)
        public.open_scoring(uow, officer, sealed_form)
    program = system_actor(officer.organisation_id)
    assert public.open_delivery(session, program, sealed_form)["form_id"] == str(sealed_form)
    assert public.open_scoring(session, program, sealed_form)["form_id"] == str(sealed_form)
    assert [event.actor_id for event in acts_of(session, "form_delivery.open")] == [officer.user_id]
    assert len(acts_of(session, "form_scoring.open")) == 1
    assert audit.verify(session).broken is None


def test_an_invigilator_opens_neither_part(sealed_form: uuid.UUID, make_actor: Callable[..., Actor]) -> None:
    invigilator = make_actor(Role.INVIGILATOR)
    for verb in (public.open_delivery, public.open_scoring):
        with pytest.raises(ForbiddenError), unit_of_work(invigilator) as uow:
            verb(uow, invigilator, sealed_form)


def test_another_organisation_sees_no_form_and_opens_none(
    sealed_form: uuid.UUID, make_actor: Callable[..., Actor], other_organisation: Organisation, session: Session
) -> None:
    roles = (Role.EXAM_OFFICER, Role.FORM_APPROVER, Role.ASSEMBLER)
    stranger = make_actor(*roles, organisation_id=other_organisation.organisation_id)
    assert public.list_sealed_forms(session, stranger) == []
    verbs: list[Callable[..., object]] = [
        lambda uow: public.open_delivery(uow, stranger, sealed_form),
        lambda uow: public.open_scoring(uow, stranger, sealed_form),
        lambda uow: public.get_sealed_form(uow.session, stranger, sealed_form),
        lambda uow: public.reserve_form(uow, sealed_form, reference="x"),
        lambda uow: forms.withdraw_form(uow, sealed_form, reason="x"),
        lambda uow: views.open_view(uow, sealed_form),
    ]
    for verb in verbs:
        with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
            verb(uow)


def test_a_look_is_audited_and_its_pass_serves_this_person_and_this_form_only(
    drafts: list[ExamForm], assembler: Actor, approver: Actor, session: Session
) -> None:
    with unit_of_work(approver) as uow:
        ticket = views.open_view(uow, drafts[0].exam_form_id)
    assert views.check_view(approver, drafts[0], ticket)
    until, _, signature = ticket.partition(".")
    for actor, form, text_given in (
        (assembler, drafts[0], ticket), (approver, drafts[1], ticket), (approver, drafts[0], ""),
        (approver, drafts[0], f"{int(until) + 3600}.{signature}"),
    ):  # fmt: skip
        with pytest.raises(ForbiddenError):
            views.check_view(actor, form, text_given)
    assert [event.actor_id for event in acts_of(session, "form.view")] == [approver.user_id]


def test_history_names_every_step(sealed_form: uuid.UUID, session: Session) -> None:
    steps = sealing.repository.list_decisions(session, sealed_form)
    assert [step.act for step in steps] == [FormAct.ACCEPT, FormAct.SUBMIT, FormAct.APPROVE, FormAct.SEAL]
    assert all(step.decided_by for step in steps)


def test_a_slot_reported_as_wrong_opens_a_case_for_its_item(
    session: Session, sealed_form: uuid.UUID, make_actor: Callable[..., Actor]
) -> None:
    with unit_of_work(make_actor(Role.INVIGILATOR)) as uow:
        code = report_slot_error(uow, sealed_form, 2, source="exam_room", text="两个选项完全相同", place="上午第一场")
    case = session.scalars(select(CorrectionCase).where(CorrectionCase.code == code)).one()
    slot = session.scalars(select(FormSlot).where(FormSlot.exam_form_id == sealed_form, FormSlot.slot == 2)).one()
    assert (case.item_id, case.item_version_id) == (slot.item_id, slot.item_version_id)
    assert "第 2 题 · 上午第一场" in case.place
    with pytest.raises(NotFoundError), unit_of_work(make_actor(Role.INVIGILATOR)) as uow:
        report_slot_error(uow, sealed_form, 999, source="exam_room", text="两个选项完全相同")

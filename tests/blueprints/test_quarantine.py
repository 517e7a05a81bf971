"""An item goes out of use: swapped out of every form nobody has sat, sized where it was sat, never touched once sealed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from blueprints import public, repository
from blueprints.models import ExamForm, FormPackage
from blueprints.rules.states import FormStatus
from blueprints.services import changes, forms, quarantine, sittings
from blueprints.services.bench import load_bench
from blueprints.services.quarantine import Outcome
from blueprints.services.sittings import FormSitting
from kernel.audit.models import AuditEvent
from kernel.db import db
from kernel.errors import ForbiddenError, NotFoundError
from kernel.identity.actor import Actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank.public_changes import Report, ReportSource
from qbank.services import corrections
from tests.blueprints.bank_cases import open_place

Hold = Callable[[uuid.UUID], None]


@pytest.fixture
def hold(make_actor: Callable[..., Actor]) -> Hold:
    """Put an item into quarantine as the bank's editor does."""
    editor = make_actor(Role.EDITOR)

    def put(item_id: uuid.UUID) -> None:
        with unit_of_work(editor) as uow:
            case = corrections.report_error(uow, Report(ReportSource.STAFF, "两个选项都对", item_id=item_id))
            corrections.quarantine(uow, case.correction_case_id, reason="答案有争议")

    return put


@pytest.fixture
def sat() -> Iterator[list[FormSitting]]:
    """Sittings as exam delivery would tell them."""
    rows: list[FormSitting] = []
    before = dict(sittings._SOURCES)
    sittings._SOURCES.clear()
    sittings.register_uses("test", lambda _s, _o, form_ids: [row for row in rows if row.form_id in form_ids])
    yield rows
    sittings._SOURCES.clear()
    sittings._SOURCES.update(before)


def sitting(form_id: uuid.UUID, n_started: int) -> FormSitting:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    return FormSitting(form_id, uuid.uuid4(), "三月第一场", "东江考点", moment, 30, n_started, n_started > 0)


def swept(actor: Actor, item_id: uuid.UUID) -> dict[str, Outcome]:
    with unit_of_work(actor) as uow:
        return {one.form.label: one.outcome for one in quarantine.sweep(uow, item_id)}


def reread(session: Session, actor: Actor, form_id: uuid.UUID) -> ExamForm:
    return repository.get_form(session, form_id, actor=actor, with_slots=True)


def replaceable(session: Session, actor: Actor, form_id: uuid.UUID) -> uuid.UUID:
    """An item of a form for which the bank has another."""
    form = reread(session, actor, form_id)
    return form.slots[open_place(load_bench(session, actor, form)) - 1].item_id


def test_a_draft_gets_another_item_that_keeps_every_rule(
    drafts: list[ExamForm], assembler: Actor, session: Session, hold: Hold
) -> None:
    form_id, item_id = drafts[0].exam_form_id, replaceable(session, assembler, drafts[0].exam_form_id)
    hold(item_id)
    assert quarantine.count_to_mend(session, assembler) == 1
    assert swept(assembler, item_id) == {"A": Outcome.REPLACED}
    form = reread(session, assembler, form_id)
    assert item_id not in {slot.item_id for slot in form.slots}
    assert load_bench(session, assembler, form).broken() == []
    assert quarantine.count_to_mend(session, assembler) == 0
    event = session.scalars(select(AuditEvent).where(AuditEvent.act == "item.sweep")).one()
    assert event.details["after"]["forms"] == {str(form_id): "replaced"}


def test_an_approved_form_is_reviewed_again_after_the_sweep(
    drafts: list[ExamForm], assembler: Actor, approver: Actor, session: Session, hold: Hold
) -> None:
    form_id, item_id = drafts[0].exam_form_id, replaceable(session, assembler, drafts[0].exam_form_id)
    with unit_of_work(assembler) as uow:
        forms.submit_form(uow, form_id)
    with unit_of_work(approver) as uow:
        forms.approve_form(uow, form_id)
    hold(item_id)
    swept(assembler, item_id)
    form = reread(session, assembler, form_id)
    assert (form.status, form.approved_by) == (FormStatus.IN_REVIEW, None)


def test_a_sealed_form_stays_as_it_is_and_a_copy_takes_its_place(
    sealed_form: uuid.UUID, assembler: Actor, approver: Actor, session: Session, hold: Hold
) -> None:
    digest = session.scalars(select(FormPackage.delivery_digest)).one()
    before = reread(session, assembler, sealed_form)
    item_id, items = replaceable(session, assembler, sealed_form), [slot.item_id for slot in before.slots]
    hold(item_id)
    assert swept(assembler, item_id) == {"A修1": Outcome.SUCCESSOR}
    assert swept(assembler, item_id) == {"A修1": Outcome.HAS_SUCCESSOR}
    old = reread(session, assembler, sealed_form)
    assert [slot.item_id for slot in old.slots] == items
    assert old.status is FormStatus.SEALED
    new = session.scalars(select(ExamForm).where(ExamForm.replaces_form_id == sealed_form)).one()
    with unit_of_work(approver) as uow:
        forms.approve_form(uow, new.exam_form_id)
        forms.seal_form(uow, new.exam_form_id)
    assert (
        session.scalars(select(FormPackage.delivery_digest).where(FormPackage.exam_form_id == sealed_form)).one()
        == digest
    )
    sealed = {one.form_id for one in public.list_sealed_forms(session, approver)}
    assert sealed == {sealed_form, new.exam_form_id}


def test_sessions_that_count_on_a_replaced_form_wait_for_the_officer(
    sealed_form: uuid.UUID, assembler: Actor, approver: Actor, hold: Hold, sat: list[FormSitting]
) -> None:
    session = db.session()
    sat += [sitting(sealed_form, 0), sitting(sealed_form, 0)]
    item_id = replaceable(session, assembler, sealed_form)
    hold(item_id)
    swept(assembler, item_id)
    assert quarantine.count_sessions_to_change(session, approver) == 0
    new = session.scalars(select(ExamForm.exam_form_id).where(ExamForm.replaces_form_id == sealed_form)).one()
    with unit_of_work(approver) as uow:
        forms.approve_form(uow, new)
        forms.seal_form(uow, new)
    assert quarantine.count_sessions_to_change(session, approver) == 2
    sat[:] = [sitting(sealed_form, 25), sat[1]]
    assert quarantine.count_sessions_to_change(session, approver) == 1


def test_a_form_that_was_sat_is_sized_and_left_alone(
    sealed_form: uuid.UUID, assembler: Actor, session: Session, hold: Hold, sat: list[FormSitting]
) -> None:
    item_id = reread(session, assembler, sealed_form).slots[0].item_id
    sat += [sitting(sealed_form, 28), sitting(sealed_form, 0)]
    hold(item_id)
    assert swept(assembler, item_id) == {}
    extent = quarantine.find_extent(session, assembler, item_id)
    (one,) = extent.delivered
    assert (one.n_started, one.slot.score, one.share_percent) == (28, Decimal(1), Decimal("5.0"))
    assert extent.n_candidate_marks == 28


def test_forms_left_as_they_are_say_why(drafts: list[ExamForm], assembler: Actor, session: Session, hold: Hold) -> None:
    form = drafts[0]
    locked, item_id = form.slots[1], form.slots[1].item_id
    with unit_of_work(assembler) as uow:
        changes.set_lock(uow, form.exam_form_id, slot=locked.slot, is_locked=True, version=form.version)
    hold(item_id)
    assert swept(assembler, item_id) == {"A": Outcome.LOCKED}
    for entry in load_bench(session, assembler, reread(session, assembler, form.exam_form_id)).pool.entries.values():
        if entry.type == locked.type and entry.item_id not in {s.item_id for d in drafts for s in d.slots}:
            hold(entry.item_id)
    with unit_of_work(assembler) as uow:
        version = reread(session, assembler, form.exam_form_id).version
        changes.set_lock(uow, form.exam_form_id, slot=locked.slot, is_locked=False, version=version)
    assert swept(assembler, item_id) == {"A": Outcome.NO_ITEM}


def test_no_stranger_sweeps(
    drafts: list[ExamForm], make_actor: Callable[..., Actor], hold: Hold, other_organisation: Organisation
) -> None:
    item_id = drafts[0].slots[0].item_id
    hold(item_id)
    stranger = make_actor(Role.ASSEMBLER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        quarantine.sweep(uow, item_id)


def test_only_assemblers_sweep_and_only_what_is_out_of_use(
    drafts: list[ExamForm], approver: Actor, assembler: Actor, hold: Hold
) -> None:
    item_id, free = drafts[0].slots[0].item_id, drafts[0].slots[1].item_id
    hold(item_id)
    with pytest.raises(ForbiddenError), unit_of_work(approver) as uow:
        quarantine.sweep(uow, item_id)
    with pytest.raises(NotFoundError, match="没有暂停使用"), unit_of_work(assembler) as uow:
        quarantine.sweep(uow, free)


def test_the_pages_lead_from_the_item_to_what_became_of_each_form(
    drafts: list[ExamForm], sign_in: Callable[..., FlaskClient], hold: Hold, session: Session, assembler: Actor
) -> None:
    item_id = replaceable(session, assembler, drafts[0].exam_form_id)
    client, code = sign_in(Role.ASSEMBLER), next(s.item_code for s in drafts[0].slots if s.item_id == item_id)
    assert "没有暂停使用的试题" in client.get("/quarantined-items/").get_data(as_text=True)
    hold(item_id)
    assert code in client.get("/quarantined-items/").get_data(as_text=True)
    assert "含有停用试题的试卷" in client.get("/").get_data(as_text=True)
    page = client.get(f"/quarantined-items/{item_id}").get_data(as_text=True)
    assert "一键替换" in page
    done = client.post(f"/quarantined-items/{item_id}/sweep").get_data(as_text=True)
    assert "已替换" in done
    assert "没有未考的试卷含有这道题" in done
    assert client.get(f"/quarantined-items/{uuid.uuid4()}").status_code == 404

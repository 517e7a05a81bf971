"""A session whose form is sealed and chosen last: everything else is done before, nothing goes on without it."""

from __future__ import annotations

import datetime as dt
import io
import uuid

import pypdf
import pytest

from exam_delivery.models import ExamDocument, ExamSession, SessionStatus
from exam_delivery.repository import planning
from exam_delivery.services import (
    batches,
    documents,
    draw_commitments,
    preparation,
    running,
    session_forms,
    sessions,
)
from exam_delivery.services import forms as forms_service
from exam_delivery.services.batches import BatchPlan, RoomPlan
from exam_delivery.services.documents import DocumentKind
from exam_delivery.services.readiness import find_blockers
from exam_delivery.services.session_forms import FROM_FORMS, KEPT, FormChoice
from kernel.audit.models import AuditEvent
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.identity.permissions import Role
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from tests.exam_delivery.world import ALL_RIGHT, SealedForms, World, fake_blueprints, session_plan
from tests.factories.standards import make_level
from tests.pages import words


class LateForms(SealedForms):
    """Two forms of a level of the bank that nobody has sealed yet."""

    def __init__(self, organisation_id, level_id):
        super().__init__(organisation_id, with_text=False)
        self.level_id, self.is_sealed = level_id, False

    def list_sealed_forms(self, session, actor, *, standard_level_id=None):
        if not self.is_sealed or standard_level_id not in (None, self.level_id):
            return []
        return super().list_sealed_forms(session, actor)


class LateWorld(World):
    """Batch, session, room and people of a level without forms."""

    def __init__(self, officer, forms, level_id):
        self.officer, self.forms = officer, forms
        self.batch = self._do(lambda uow: batches.create_batch(uow, BatchPlan("2026-01", "第一批", str(level_id))))
        self.room = self._do(lambda uow: batches.save_room(uow, None, RoomPlan("演示考点", "第 01 考场", 30)))
        plan = session_plan([], duration_minutes=60)
        self.session = self._do(lambda uow: sessions.create_session(uow, self.batch.exam_batch_id, plan))
        self._do(lambda uow: sessions.set_rooms(uow, self.key, {self.room.exam_room_id: []}))

    @property
    def row(self):
        return db.session.get(ExamSession, self.key, populate_existing=True)

    @property
    def address(self):
        return f"/exam-sessions/{self.key}"

    def choose(self, *forms, length=KEPT, **changes):
        choice = FormChoice(tuple(forms), length=length, **changes)
        return self._do(lambda uow: session_forms.choose_forms(uow, self.key, choice, version=self.row.version))


@pytest.fixture
def level_id(organisation):
    return make_level(organisation.organisation_id).standard_level_id


@pytest.fixture
def late(officer, organisation, level_id, monkeypatch):
    forms = LateForms(organisation.organisation_id, level_id)
    monkeypatch.setattr(forms_service, "blueprints", fake_blueprints(forms))
    return LateWorld(officer, forms, level_id)


@pytest.fixture
def desk(sign_in):
    return sign_in(Role.EXAM_OFFICER)


def print_tickets(late):
    job = late._do(lambda uow: documents.request_document(uow, late.key, DocumentKind.TICKETS))
    assert run_job(job.job_id) == "done"
    document = db.session.query(ExamDocument).filter_by(exam_session_id=late.key).one()
    _name, body = documents.read_document(db.session(), late.officer, document.exam_document_id)
    return pypdf.PdfReader(io.BytesIO(body))


def test_an_exam_is_planned_seated_and_ticketed_before_its_form_is_sealed_then_prepared_opened_and_sat(late, desk):
    late.register(3)
    late.arrange()
    assert "演示考生" in print_tickets(late).pages[0].extract_text()
    assert "还没有选择试卷" in words(desk.get(late.address).text)
    late.forms.is_sealed = True
    late.choose(late.forms.form_ids[0], length=FROM_FORMS)
    assert "还没有选择试卷" not in words(desk.get(late.address).text)
    late.prepare()
    late.open()
    db.session.expire_all()
    first, second, _third = late.attempts()
    assert first.duration_seconds == 90 * 60
    assert str(first.form_id) == late.forms.form_ids[0]
    late.sit(ALL_RIGHT, first)
    late.sit({}, second)
    late.close_and_score()
    assert late.row.status is SessionStatus.SCORED


def test_every_page_of_a_session_without_a_form_opens_and_leads_to_where_it_is_chosen(late, desk):
    late.register(2)
    late.arrange()
    for tail in (
        "",
        "/edit",
        "/people",
        "/rooms",
        "/lockdown",
        "/documents",
        "/conflicts",
        "/draw",
        "/standby",
        "/forms",
    ):
        assert desk.get(late.address + tail).status_code == 200, tail
    for address in (late.address, f"{late.address}/readiness", f"/exam-batches/{late.batch.exam_batch_id}"):
        page = desk.get(address).text
        assert "还没有选择试卷" in page
        assert f'href="{late.address}/forms"' in page
    assert "本职业和等级还没有封存的试卷" in desk.get(f"{late.address}/forms").text


def test_without_a_form_nothing_is_prepared_opened_or_promised(late):
    late.register(2)
    late.arrange()
    with pytest.raises(InvalidInputError, match="还没有选择试卷"):
        late._do(lambda uow: preparation.request_preparation(uow, late.key))
    with pytest.raises(ConflictError):
        late._do(lambda uow: running.open_session(uow, late.key, reason="考生都在等候"))
    with pytest.raises(ConflictError, match="还没有选择试卷"):
        late._do(lambda uow: draw_commitments.publish(uow, late.key))


def test_forms_of_another_level_and_forms_that_nobody_sealed_are_refused(late, organisation):
    late.forms.is_sealed, late.forms.level_id = True, uuid.uuid4()
    for form_id in (late.forms.form_ids[0], str(uuid.uuid4())):
        with pytest.raises(InvalidInputError) as refusal:
            late.choose(form_id)
        assert set(refusal.value.fields) == {"form_ids"}
    with pytest.raises(InvalidInputError) as refusal:
        late.choose()
    assert set(refusal.value.fields) == {"form_ids"}
    assert late.row.form_ids == []
    assert late.forms.reservations == set()


def test_the_length_is_taken_from_the_form_or_kept_but_never_silently(late, desk):
    late.forms.is_sealed = True
    form_id, before = late.forms.form_ids[0], late.row.starts_at
    data = {"form_ids": form_id, "version": str(late.row.version)}
    asked = desk.post(f"{late.address}/forms", data=data)
    assert asked.status_code == 422
    assert "试卷建议的时长与本场次的考试时长不一致" in asked.text
    assert late.row.form_ids == []
    late.choose(form_id, length=KEPT)
    assert late.row.duration_seconds == 60 * 60
    done = desk.post(f"{late.address}/forms", data=data | {"length": FROM_FORMS, "version": str(late.row.version)})
    assert done.status_code == 303
    assert (late.row.duration_seconds, late.row.starts_at) == (90 * 60, before)
    assert late.row.ends_at == before + dt.timedelta(minutes=90)
    late.choose(late.forms.form_ids[1], length="")
    assert late.row.form_ids == [late.forms.form_ids[1]]


def test_forms_are_changed_until_preparation_audited_and_with_the_consequences_said(late, desk):
    late.register(2)
    late.arrange()
    print_tickets(late)
    late.forms.is_sealed = True
    first, second = late.forms.form_ids
    late.choose(first)
    page = words(desk.get(f"{late.address}/forms").text)
    assert "换下来的试卷不再为本场次保留" in page
    assert "已生成 1 份准考证或考场文件" in page
    late.choose(second, standby_form_ids=(first,))
    assert {form for form, _reference in late.forms.reservations} == {first, second}
    late.choose(second)
    assert {form for form, _reference in late.forms.reservations} == {second}
    kept = db.session.query(AuditEvent).filter_by(act="exam_session.choose_forms").all()
    assert [one.details["after"]["forms"] for one in kept] == [[first], [second], [second]]
    late.prepare()
    with pytest.raises(ConflictError, match="撤销备考"):
        late.choose(first)
    refused = desk.post(f"{late.address}/forms", data={"form_ids": first, "version": str(late.row.version)})
    assert refused.status_code == 422
    assert "撤销备考" in refused.text
    late._do(lambda uow: preparation.undo_preparation(uow, late.key))
    late.choose(first)
    late.prepare()
    late.open()
    with pytest.raises(ConflictError, match="试卷不能再换"):
        late.choose(second)
    assert late.row.form_ids == [first]


def test_a_preparation_that_broke_off_keeps_its_form_until_it_is_undone(late, desk):
    late.register(2)
    late.arrange()
    late.forms.is_sealed = True
    first, second = late.forms.form_ids
    late.choose(first)
    with unit_of_work(late.officer) as uow:
        plan = preparation.begin_preparation(uow, late.key)
    late.choose(second)
    with pytest.raises(InvalidInputError, match="试卷有变动"), unit_of_work(late.officer) as uow:
        preparation.store_attempts(uow, plan, plan.missing)
    with unit_of_work(late.officer) as uow:
        plan = preparation.begin_preparation(uow, late.key)
        preparation.store_attempts(uow, plan, plan.missing[:1])
    with pytest.raises(ConflictError, match="撤销备考"):
        late.choose(first)
    assert "撤销备考" in words(desk.get(late.address).text)
    assert desk.post(f"{late.address}/undo-preparation").status_code == 303
    late.choose(first)
    late.prepare()
    assert {str(one.form_id) for one in late.attempts()} == {first}


def test_what_can_be_done_without_a_form_is_asked_for_first(late):
    def asked():
        return [one.step for one in find_blockers(db.session(), late.officer, late.row) if not one.is_hint]

    assert asked() == ["people", "forms"]
    late.register(2)
    assert asked() == ["seats", "seats", "forms"]
    late.arrange()
    assert asked() == ["forms"]


def test_only_who_plans_sessions_chooses_and_two_do_not_overwrite_each_other(late, make_actor, sign_in):
    late.forms.is_sealed = True
    form_id = late.forms.form_ids[0]
    assert sign_in(Role.CHIEF_INVIGILATOR).get(f"{late.address}/forms").status_code == 403
    with pytest.raises(ForbiddenError), unit_of_work(make_actor(Role.INVIGILATOR)) as uow:
        session_forms.choose_forms(uow, late.key, FormChoice((form_id,)), version=1)
    late.choose(form_id)
    with pytest.raises(ConflictError, match="他人修改"), unit_of_work(late.officer) as uow:
        session_forms.choose_forms(uow, late.key, FormChoice((form_id,), length=KEPT), version=1)


def test_a_batch_is_for_any_published_level_of_the_bank_and_no_other(late, desk, organisation):
    draft = make_level(organisation.organisation_id, code="6-31-01-04", is_published=False)
    page = words(desk.get("/exam-batches/new").text)
    assert "（还没有封存试卷）" in page
    for level in (draft.standard_level_id, uuid.uuid4()):
        with pytest.raises(InvalidInputError) as refusal:
            late._do(lambda uow, level=level: batches.create_batch(uow, BatchPlan("2026-02", "批", str(level))))
        assert set(refusal.value.fields) == {"standard_level_id"}
    batch = planning.get_batch(db.session(), late.batch.exam_batch_id, actor=late.officer)
    assert (batch.occupation_name, batch.level_code) == ("电工", "4")

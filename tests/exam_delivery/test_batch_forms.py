"""Forms of a batch: from one blueprint, shown side by side as parallel, and not sat twice at different times unnoticed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid

import pytest

from exam_delivery.models import ExamSession
from exam_delivery.services import batch_forms, rescheduling, sessions
from exam_delivery.services import forms as forms_service
from exam_delivery.services.readiness import find_blockers
from kernel import profiles
from kernel.clock import now, today
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.exam_delivery.world import session_plan

ONE, OTHER = uuid.uuid4(), uuid.uuid4()


@pytest.fixture
def made_by(world, monkeypatch):
    """Say from which blueprints the two forms come."""

    def say(first, second):
        by_form = dict(zip(world.forms.form_ids, (first, second), strict=True))
        every = world.forms.list_sealed_forms(db.session, world.officer)
        known = {one.form_id: dataclasses.replace(one, blueprint_id=by_form[str(one.form_id)]) for one in every}
        monkeypatch.setattr(forms_service, "titles", lambda _session, _organisation: known)

    return say


def another(world, forms, **changes):
    with unit_of_work(world.officer) as uow:
        plan = session_plan(forms, name="第二场", **({"starts_at": now() + dt.timedelta(days=2)} | changes))
        return sessions.create_session(uow, world.batch.exam_batch_id, plan)


def of_forms(world, row):
    db.session.expire_all()
    found = find_blockers(db.session, world.officer, db.session.get(ExamSession, row.exam_session_id))
    return [(one.text, one.is_hint) for one in found if "试卷" in one.text]


def publish(make_actor, **values):
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        profiles.publish(uow, {f"exam.{name}": one for name, one in values.items()}, effective_on=today())


def test_forms_of_different_blueprints_keep_a_session_from_being_prepared(world, made_by, make_actor):
    made_by(ONE, OTHER)
    ((text, is_hint),) = of_forms(world, world.session)
    assert "不同的组卷方案（理论知识试卷（A卷）、理论知识试卷（B卷））" in text
    assert not is_hint
    made_by(ONE, ONE)
    assert of_forms(world, world.session) == []
    made_by(ONE, OTHER)
    publish(make_actor, forms_of_one_blueprint=False)
    assert of_forms(world, world.session) == []


def test_another_session_of_the_batch_counts_until_it_is_cancelled(world, made_by, make_actor):
    made_by(ONE, OTHER)
    first, second = world.forms.form_ids
    with unit_of_work(world.officer) as uow:
        sessions.edit_session(uow, world.key, session_plan([first]), version=world.session.version)
    assert of_forms(world, world.session) == []
    row = another(world, [second])
    assert len(of_forms(world, world.session)) == 1
    chief = make_actor(Role.CHIEF_INVIGILATOR)
    found = rescheduling.consequences(db.session, row.exam_session_id, actor=chief)
    with unit_of_work(chief) as uow:
        rescheduling.cancel(uow, row.exam_session_id, reason="报名人数不足", fingerprint=found.fingerprint)
    assert of_forms(world, world.session) == []


def test_a_form_that_is_sat_at_another_time_is_pointed_out_or_refused(world, made_by, make_actor):
    made_by(ONE, ONE)
    first, second = world.forms.form_ids
    at_once = another(world, [first], starts_at=world.session.starts_at)
    assert of_forms(world, at_once) == []
    later = another(world, [second])
    ((text, is_hint),) = of_forms(world, later)
    assert "理论知识试卷（B卷）" in text
    assert "第一场" in text
    assert is_hint
    publish(make_actor, same_form_again="不允许")
    assert [is_hint for _text, is_hint in of_forms(world, later)] == [False]
    publish(make_actor, same_form_again="不检查")
    assert of_forms(world, later) == []


def test_the_batch_page_shows_forms_side_by_side(world, made_by, sign_in):
    made_by(ONE, ONE)
    officer, path = sign_in(Role.EXAM_OFFICER), f"/exam-batches/{world.batch.exam_batch_id}"
    page = officer.get(path).text
    assert "是平行卷" in page
    assert page.count("理论知识试卷（A卷）") == 1
    made_by(ONE, OTHER)
    rows = [db.session.get(ExamSession, world.key)]
    assert [line.is_parallel for line in batch_forms.list_forms(db.session, rows)] == [True, False]
    assert "不是所有试卷都平行" in officer.get(path).text

"""A wrong item is reported from the room and from the marking desk; what reaches the bank names the right slot."""

from __future__ import annotations

from datetime import timedelta

import pytest

from blueprints import public as blueprints
from exam_delivery.models import Attempt, Incident
from kernel.clock import now
from kernel.db import db
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.exam_delivery.sitting_cases import prepare


@pytest.fixture
def reported(monkeypatch):
    """What was handed to blueprints."""
    calls = []

    def note(_uow, form_id, slot, *, source, text, place=""):
        calls.append((form_id, slot, source, text, place))
        return "GZ-2026-00001"

    monkeypatch.setattr(blueprints, "report_slot_error", note)
    return calls


@pytest.fixture
def sitting(session, organisation):
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        return prepare(uow.session, organisation.organisation_id, n=2, n_rooms=1, starts_at=now() - timedelta(minutes=10))  # fmt: skip


@pytest.fixture
def attempt(session, sitting):
    """An attempt whose candidate sees the slots in another order than the form has them."""
    row = session.query(Attempt).filter_by(exam_session_id=sitting.exam_session_id).first()
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        order = [slot for section in row.layout["sections"] for slot in section]
        uow.session.get_one(Attempt, row.attempt_id).layout = row.layout | {"sections": [list(reversed(order))]}
    return row


def report(client, sitting, attempt, **values):
    address = f"/console/{sitting.exam_session_id}/candidates/{attempt.registration_id}/report-item"
    return client.post(address, data={"number": "1", "text": "两个选项相同"} | values, follow_redirects=True)


def test_the_number_on_the_screen_finds_the_slot_of_the_form(sign_in, session, sitting, attempt, reported):
    chief = sign_in(Role.CHIEF_INVIGILATOR)
    page = report(chief, sitting, attempt)
    assert "更正案 GZ-2026-00001" in page.text
    order = [slot for section in session.get_one(Attempt, attempt.attempt_id).layout["sections"] for slot in section]
    assert reported[0][:4] == (attempt.form_id, order[0], "exam_room", "两个选项相同")
    assert order[0] != 1
    db.session.expire_all()
    assert any("GZ-2026-00001" in one.text for one in session.query(Incident))


def test_a_number_that_is_not_on_the_screen_is_refused(sign_in, sitting, attempt, reported):
    page = report(sign_in(Role.CHIEF_INVIGILATOR), sitting, attempt, number="999")
    assert "考生屏幕上的题号" in page.text
    assert reported == []


def test_an_invigilator_of_another_room_reports_nothing(sign_in, sitting, attempt, reported):
    assert report(sign_in(Role.INVIGILATOR), sitting, attempt).status_code == 404
    assert reported == []


def test_the_console_offers_the_report(sign_in, sitting, attempt):
    chief = sign_in(Role.CHIEF_INVIGILATOR)
    page = chief.get(f"/console/{sitting.exam_session_id}/candidates/{attempt.registration_id}")
    assert "报告给题库" in page.text

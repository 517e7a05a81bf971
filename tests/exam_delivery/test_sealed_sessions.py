"""Sessions and sealed forms: what two custodians must open first, what goes on by itself, and when a form's time is over."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from blueprints.services.releases import _SOURCES
from exam_delivery.models import SessionStatus
from exam_delivery.services import preparation, running
from exam_delivery.services.readiness import find_blockers
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.uow import unit_of_work


def sittings_of(world, form_id):
    db.session.expire_all()
    return _SOURCES["exam_delivery"](db.session(), world.officer.organisation, uuid.UUID(str(form_id)))


def test_a_session_names_the_forms_that_two_custodians_have_to_open_before_it_is_prepared(world, monkeypatch):
    world.register(2)
    world.arrange()
    closed = ["电工四级（A卷）"]
    monkeypatch.setattr("exam_delivery.services.forms.blueprints.forms_to_open", lambda *_args: closed)
    found = [one.text for one in find_blockers(db.session(), world.officer, world.session)]
    assert "试卷“电工四级（A卷）”须先由两名保管人启封，才能备考" in found
    with pytest.raises(InvalidInputError, match="两名保管人"), unit_of_work(world.officer) as uow:
        preparation.request_preparation(uow, world.key)
    closed.clear()
    world.prepare()
    assert len(world.attempts()) == 2


def test_a_prepared_session_starts_without_opening_a_form_again(world, monkeypatch):
    world.register(2)
    world.arrange()
    world.prepare()

    def refuse(*_args):
        raise AssertionError("a start needs nobody and no form")

    monkeypatch.setattr("exam_delivery.services.forms.blueprints.open_delivery", refuse)
    with unit_of_work(world.officer) as uow:
        assert running.open_session(uow, world.key).status is SessionStatus.OPEN


def test_blueprints_learn_when_the_sittings_of_a_form_begin_and_end(world, other_organisation):
    form_id = world.session.form_ids[0]
    (sitting,) = sittings_of(world, form_id)
    assert (sitting.begins_at, sitting.is_over) == (world.session.starts_at, False)
    world.session.status = SessionStatus.CLOSED
    db.session.flush()
    assert sittings_of(world, form_id)[0].is_over
    assert sittings_of(world, uuid.uuid4()) == []
    assert _SOURCES["exam_delivery"](db.session(), other_organisation.organisation_id, uuid.UUID(str(form_id))) == []
    assert timedelta(0) < world.session.ends_at - sitting.begins_at

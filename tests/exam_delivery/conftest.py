"""People, sealed forms and a session for the tests of planning and scoring."""

from __future__ import annotations

import pytest

from exam_delivery.services import forms as forms_service
from kernel.db import db
from kernel.identity.permissions import Role
from tests.exam_delivery.world import ALL_RIGHT, SealedForms, World, fake_blueprints


@pytest.fixture
def sealed_forms(organisation, monkeypatch):
    forms = SealedForms(organisation.organisation_id)
    monkeypatch.setattr(forms_service, "blueprints", fake_blueprints(forms))
    return forms


@pytest.fixture
def officer(make_actor):
    return make_actor(Role.EXAM_OFFICER, name="考务")


@pytest.fixture
def world(officer, sealed_forms):
    return World(officer, sealed_forms)


@pytest.fixture
def machine_world(officer, organisation, monkeypatch):
    """A closed and scored session whose form needs no marker: all right, one right, nothing, absent."""
    forms = SealedForms(organisation.organisation_id, with_text=False)
    monkeypatch.setattr(forms_service, "blueprints", fake_blueprints(forms))
    world = World(officer, forms)
    world.register(4)
    world.arrange()
    world.prepare()
    world.open()
    db.session.expire_all()
    first, second, third, _absent = world.attempts()
    world.sit(ALL_RIGHT, first)
    world.sit({1: '["B"]', 2: '["A"]'}, second)
    world.sit({}, third)
    world.close_and_score()
    return world

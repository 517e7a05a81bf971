"""People, sealed forms and a session for the tests of planning and scoring."""

from __future__ import annotations

import pytest

from exam_delivery.services import forms as forms_service
from kernel.identity.permissions import Role
from tests.exam_delivery.world import SealedForms, World, fake_blueprints


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

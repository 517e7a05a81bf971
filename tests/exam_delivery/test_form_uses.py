"""What exam delivery tells of sittings: who sat which form, where and when."""

from __future__ import annotations

import uuid

from exam_delivery.services.form_uses import list_sittings


def test_sittings_count_who_began_by_form_and_site(machine_world, session):
    organisation_id = machine_world.officer.organisation
    form_ids = [uuid.UUID(one) for one in machine_world.forms.form_ids]
    found = list_sittings(session, organisation_id, form_ids)
    assert sum(one.n_candidates for one in found) == 4
    assert sum(one.n_started for one in found) == 3
    assert {one.site for one in found if one.n_candidates} == {machine_world.room.site}
    assert all(one.has_begun for one in found)
    assert list_sittings(session, uuid.uuid4(), form_ids) == []


def test_a_session_that_is_only_planned_counts_on_its_forms(world, session):
    world.register(2)
    form_ids = {uuid.UUID(one) for one in world.forms.form_ids}
    found = list_sittings(session, world.officer.organisation, form_ids)
    assert found
    assert {(one.n_candidates, one.has_begun) for one in found} == {(0, False)}

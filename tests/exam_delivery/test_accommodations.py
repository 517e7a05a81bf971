"""What candidates are granted: it follows the person, reaches clock, letters and seat, and leaves a trace."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from decimal import Decimal

import pytest

from exam_delivery.models import Accommodation, Attempt, Candidate, ExamRoom, Registration, RenderedForm
from exam_delivery.rules.accommodations import read_factor
from exam_delivery.rules.seating import Room, draw_seats
from exam_delivery.services import accommodations, batches, rosters, sessions
from exam_delivery.services import forms as session_forms
from exam_delivery.services.accommodations import Grant
from exam_delivery.services.batches import BatchPlan, RoomPlan
from kernel.clock import now
from kernel.db import db, new_id
from kernel.errors import InvalidInputError, NotFoundError
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.exam_delivery.world import LEVEL, SealedForms, World, fake_blueprints, people, session_plan

ALL = Grant("1.3", "large", separate_room=True, reason="残疾人证 第 0001 号")
TIME = Grant("1.5", "medium", separate_room=False, reason="证明一")


@pytest.fixture
def world(app, organisation, make_actor, monkeypatch) -> World:
    sealed = SealedForms(organisation.organisation_id)
    monkeypatch.setattr(session_forms, "blueprints", fake_blueprints(sealed))
    world = World(make_actor(Role.EXAM_OFFICER), sealed)
    world.register(4)
    return world


def give(world: World, wanted: Grant, place: int = 0) -> Candidate:
    candidate = db.session.query(Candidate).order_by(Candidate.name).all()[place]
    with unit_of_work(world.officer) as uow:
        accommodations.grant(uow, candidate.candidate_id, wanted)
    return candidate


def registration_of(candidate: Candidate) -> Registration:
    db.session.expire_all()
    rows = db.session.query(Registration).filter_by(candidate_id=candidate.candidate_id)
    return rows.order_by(Registration.created_at.desc(), Registration.registration_id.desc()).first()


def add_separate_room(world: World) -> ExamRoom:
    with unit_of_work(world.officer) as uow:
        room = batches.save_room(uow, None, RoomPlan("演示考点", "单独考场", 2, is_separate=True))
    with unit_of_work(world.officer) as uow:
        sessions.set_rooms(uow, world.key, {world.room.exam_room_id: [], room.exam_room_id: []})
    return room


def test_more_time_larger_letters_and_a_room_apart_reach_the_attempt(world):
    candidate = give(world, ALL)
    apart = add_separate_room(world)
    world.arrange()
    world.prepare()
    own = registration_of(candidate)
    assert own.exam_room_id == apart.exam_room_id
    attempts = {one.registration_id: one for one in db.session.query(Attempt)}
    assert attempts[own.registration_id].duration_seconds == 90 * 60 * 13 // 10
    others = [one for key, one in attempts.items() if key != own.registration_id]
    assert {one.duration_seconds for one in others} == {90 * 60}
    forms = {one.attempt_id: json.loads(gzip.decompress(one.body)) for one in db.session.query(RenderedForm)}
    assert forms[attempts[own.registration_id].attempt_id]["display"] == {"per_page": "one", "size": "large"}
    assert {json.dumps(forms[one.attempt_id]["display"]) for one in others} == {'{"per_page": "one"}'}
    common = db.session.query(Registration).filter(Registration.registration_id != own.registration_id)
    assert {one.exam_room_id for one in common} == {world.room.exam_room_id}


def test_it_survives_a_resit_in_another_batch(world):
    candidate = give(world, TIME)
    with unit_of_work(world.officer) as uow:
        second = batches.create_batch(uow, BatchPlan("2026-02", "补考", str(LEVEL)))
    with unit_of_work(world.officer) as uow:
        session = sessions.create_session(
            uow, second.exam_batch_id, session_plan(world.forms.form_ids, starts_at=now() + timedelta(days=1))
        )
    with unit_of_work(world.officer) as uow:
        sessions.set_rooms(uow, session.exam_session_id, {world.room.exam_room_id: []})
    with unit_of_work(world.officer) as uow:
        rosters.register_rows(uow, second.exam_batch_id, people(1), exam_session_id=session.exam_session_id)
    world.session = session
    world.arrange()
    again = db.session.query(Registration).filter_by(exam_batch_id=second.exam_batch_id).one()
    assert again.candidate_id == candidate.candidate_id
    assert again.time_factor == Decimal("1.5")


def test_a_new_grant_replaces_the_old_one_and_its_end_gives_the_usual_time_back(world):
    candidate = give(world, TIME)
    assert registration_of(candidate).time_factor == Decimal("1.5")
    give(world, Grant("1.2", "medium", separate_room=False, reason="证明二"))
    assert registration_of(candidate).time_factor == Decimal("1.2")
    with unit_of_work(world.officer) as uow:
        accommodations.end(uow, candidate.candidate_id)
    assert registration_of(candidate).time_factor == 1
    rows = db.session.query(Accommodation).filter_by(candidate_id=candidate.candidate_id).all()
    assert len(rows) == 2
    assert all(one.ended_at for one in rows)


def test_a_longer_time_of_the_roster_stays(world):
    candidate = db.session.query(Candidate).order_by(Candidate.name).first()
    with unit_of_work(world.officer) as uow:
        uow.session.query(Registration).filter_by(candidate_id=candidate.candidate_id).one().time_factor = Decimal(2)
    give(world, TIME)
    assert registration_of(candidate).time_factor == 2
    with unit_of_work(world.officer) as uow:
        accommodations.end(uow, candidate.candidate_id)
    assert registration_of(candidate).time_factor == 2


def test_seats_are_refused_while_nobody_can_sit_apart(world):
    give(world, ALL)
    with pytest.raises(InvalidInputError) as refused:
        world.arrange()
    assert refused.value.context == {"people": 1, "seats": 0}


def test_those_apart_and_the_others_never_share_a_room_for_any_seed():
    rooms = [Room(new_id(), 5), Room(new_id(), 3, is_separate=True), Room(new_id(), 6)]
    everybody = [new_id() for _ in range(12)]
    apart = set(everybody[:3])
    for seed in range(40):
        seats = draw_seats(everybody, rooms, seed=seed, apart=apart)
        assert {one.registration_id for one in seats} == set(everybody)
        assert len({(one.exam_room_id, one.number) for one in seats}) == len(everybody)
        assert {one.registration_id for one in seats if one.exam_room_id == rooms[1].exam_room_id} == apart


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Grant("0.5", "large", separate_room=False, reason="x"), "time_factor"),
        (Grant("9", "large", separate_room=False, reason="x"), "time_factor"),
        (Grant("1.333", "large", separate_room=False, reason="x"), "time_factor"),
        (Grant("NaN", "large", separate_room=False, reason="x"), "time_factor"),
        (Grant("1", "medium", separate_room=False, reason="x"), "time_factor"),
        (Grant("1.2", "huge", separate_room=False, reason="x"), "font_size"),
        (Grant("1.2", "large", separate_room=False, reason=" "), "reason"),
    ],
)
def test_what_cannot_be_granted_says_which_field(world, wanted, field):
    with pytest.raises(InvalidInputError) as refused:
        give(world, wanted)
    assert field in refused.value.fields
    assert db.session.query(Accommodation).count() == 0


def test_numbers_are_read_as_people_write_them():
    assert read_factor(" 1.30 ", 2) == Decimal("1.30")
    assert read_factor("abc", 2) is None
    assert read_factor("Infinity", 2) is None


def test_the_page_grants_shows_and_ends(world, sign_in):
    client = sign_in(Role.EXAM_OFFICER)
    candidate = db.session.query(Candidate).order_by(Candidate.name).first()
    address = f"/candidates/{candidate.candidate_id}/accommodations"
    assert address in client.get(f"/exam-batches/{world.batch.exam_batch_id}/people").text
    assert "没有便利措施的记录" in client.get(address).text
    bad = client.post(address, data={"time_factor": "9", "font_size": "large", "reason": "证明"})
    assert bad.status_code == 422
    assert 'value="9"' in bad.text
    good = {"time_factor": "1.5", "font_size": "large", "separate_room": "1", "reason": "证明"}
    assert client.post(address, data=good).status_code == 303
    assert "有效" in client.get(address).text
    assert client.post(f"{address}/end").status_code == 303
    assert "已终止" in client.get(address).text


def test_walls_and_permissions_hold(world, sign_in, make_actor, other_organisation):
    candidate = db.session.query(Candidate).first()
    address = f"/candidates/{candidate.candidate_id}/accommodations"
    assert sign_in(Role.INVIGILATOR).get(address).status_code == 403
    assert sign_in(Role.INVIGILATOR).post(address, data={}).status_code == 403
    stranger = make_actor(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        accommodations.grant(uow, candidate.candidate_id, ALL)

"""Recusal around a session: rooms, console, marking desk, forms, and the report that names all of it."""

from __future__ import annotations

import io
import uuid
import zipfile

import pytest
from PIL import Image

from blueprints.services import recusal as form_recusal
from exam_delivery.repository import candidates
from exam_delivery.rules.room import Reason
from exam_delivery.services import attempts, console, marking, photos, recusal, sessions
from exam_delivery.services.readiness import find_blockers
from exam_delivery.services.room_acts import Why
from kernel import conflicts
from kernel.clock import now
from kernel.conflicts import ConflictOfInterestError, CycleRole, RelationKind
from kernel.conflicts.services import Declaration, declare_relation
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.exam_delivery.test_marking import sat as sat
from tests.exam_delivery.world import id_number


def declare(actor, kind, **known):
    with unit_of_work(actor) as uow:
        return declare_relation(uow, Declaration(kind, **known))


@pytest.fixture
def invigilator(make_actor):
    return make_actor(Role.INVIGILATOR, name="监考甲")


@pytest.fixture
def seated(world):
    world.register(3)
    world.arrange()
    return world


def assign(world, person):
    with unit_of_work(world.officer) as uow:
        sessions.set_rooms(uow, world.key, {world.room.exam_room_id: [person.user_id]})


def test_kin_of_a_candidate_cannot_be_assigned_to_the_room(seated, invigilator):
    declare(invigilator, RelationKind.KIN, other_number=id_number(2))
    with pytest.raises(ConflictOfInterestError, match=r"COI-30.*监考甲"):
        assign(seated, invigilator)


def test_a_trainer_of_the_candidates_employer_cannot_be_assigned_but_a_stranger_can(seated, invigilator, make_actor):
    declare(invigilator, RelationKind.TRAINER, other_employer="演示企业")
    with pytest.raises(ConflictOfInterestError, match="COI-31"):
        assign(seated, invigilator)
    assign(seated, make_actor(Role.INVIGILATOR))


def test_the_same_employer_only_warns_and_stands_in_the_report(seated, invigilator, session):
    declare(invigilator, RelationKind.EMPLOYER, other_employer="演示企业")
    assign(seated, invigilator)
    row = session.get(type(seated.session), seated.key)
    found = recusal.session_conflicts(session, seated.officer, row)
    assert {one.conflict.rule.rule_id for one in found} == {"COI-32"}
    assert len(found) == 3
    assert not [one for one in find_blockers(session, seated.officer, row) if one.step == "conflicts"]


def test_a_relation_declared_after_the_assignment_blocks_preparation_and_closes_the_console(
    seated, invigilator, session
):
    assign(seated, invigilator)
    console.view_room(session, seated.key, room_id=None, actor=invigilator, at=now())
    declare(invigilator, RelationKind.TEACHER, other_number=id_number(1))
    row = session.get(type(seated.session), seated.key)
    blocked = [one.text for one in find_blockers(session, seated.officer, row) if one.step == "conflicts"]
    assert len(blocked) == 1
    assert "COI-31" in blocked[0]
    with pytest.raises(ConflictOfInterestError, match="COI-31"):
        console.view_room(session, seated.key, room_id=None, actor=invigilator, at=now())


def test_a_relation_declared_later_closes_the_photo_of_the_roster_too(seated, invigilator, make_actor, session):
    assign(seated, invigilator)
    registration, candidate, _room = candidates.registrations_of_session(session, seated.key, actor=seated.officer)[0]
    picture = io.BytesIO()
    Image.new("RGB", (300, 400), "#c08060").save(picture, "JPEG")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr(f"{registration.admission_number}.jpg", picture.getvalue())
    with unit_of_work(seated.officer) as uow:
        assert photos.import_photos(uow, seated.batch.exam_batch_id, photos.unpack(archive.getvalue())).n_stored == 1
    at = (session, seated.key, registration.registration_id)
    assert photos.read_for_check_in(*at, invigilator)[:2] == b"\xff\xd8"
    sequence = int(candidate.name.removeprefix("演示考生"))
    declare(invigilator, RelationKind.TEACHER, other_number=id_number(sequence))
    with pytest.raises(ConflictOfInterestError, match="COI-31"):
        photos.read_for_check_in(*at, invigilator)
    assert photos.read_for_check_in(*at, make_actor(Role.CHIEF_INVIGILATOR)), "the chief may look at all rooms"


def test_a_relation_declared_later_ends_every_act_in_the_room(seated, invigilator, make_actor, session):
    assign(seated, invigilator)
    seated.prepare()
    seated.open()
    one = seated.attempts()[0]
    why = Why(Reason.NETWORK)

    def more_time(actor, **of):
        with unit_of_work(actor) as uow:
            return attempts.add_time(uow, seated.key, minutes=5, why=why, **of)

    def note(actor):
        with unit_of_work(actor) as uow:
            return attempts.note_incident(uow, seated.key, text="说明", attempt_id=one.attempt_id)

    def absent(actor):
        with unit_of_work(actor) as uow:
            return attempts.mark_absent(uow, seated.key, one.registration_id, why=why)

    assert more_time(invigilator) == 3
    declare(invigilator, RelationKind.TEACHER, other_number=id_number(1))
    for act in (
        more_time, lambda actor: more_time(actor, attempt_id=one.attempt_id),
        lambda actor: more_time(actor, room_id=seated.room.exam_room_id), note, absent,
    ):  # fmt: skip
        with pytest.raises(ConflictOfInterestError, match="COI-31"):
            act(invigilator)
    assert more_time(make_actor(Role.CHIEF_INVIGILATOR)) == 3, "the chief may act in all rooms"


def test_a_marker_is_not_given_and_cannot_open_the_answer_of_an_own_pupil(sat, make_actor, session):
    marker = make_actor(Role.MARKER, name="阅卷甲")
    waiting = {marking.next_script(session, marker, sat.key)}
    entries = candidates.registrations_of_session(session, sat.key, actor=sat.officer)
    written = {attempt.registration_id: attempt for attempt in sat.attempts()}
    text = 11
    for registration, candidate, _room in entries:
        own = written[registration.registration_id]
        if (own.attempt_id, text) not in waiting:
            continue
        sequence = int(candidate.name.removeprefix("演示考生"))
        declare(marker, RelationKind.TEACHER, other_number=id_number(sequence))
        assert marking.next_script(session, marker, sat.key) not in waiting
        with pytest.raises(ConflictOfInterestError, match="COI-41"):
            marking.get_script(session, marker, own.attempt_id, text)
        with pytest.raises(ConflictOfInterestError, match="COI-41"), unit_of_work(marker) as uow:
            marking.give_mark(uow, own.attempt_id, text, "5", n_seen=0)
        return
    pytest.fail("no answer waits for a marker")


def test_who_trained_a_candidate_cannot_open_the_form_that_the_candidate_will_sit(seated, make_actor, session):
    form_id = uuid.UUID(seated.forms.form_ids[0])
    parties = conflicts.candidates_of_form(session, seated.officer.organisation, form_id)
    assert {one.role for one in parties} == {CycleRole.CANDIDATE}
    assert len(parties) == 3
    for role, rule in ((Role.ASSEMBLER, "COI-22"), (Role.FORM_APPROVER, "COI-23")):
        person = make_actor(role)
        form_recusal.check_opening(session, person, form_id)
        declare(person, RelationKind.TRAINER, other_number=id_number(3))
        with pytest.raises(ConflictOfInterestError, match=rule):
            form_recusal.check_opening(session, person, form_id)


def test_candidates_of_another_organisation_do_not_count(seated, other_organisation, session):
    form_id = uuid.UUID(seated.forms.form_ids[0])
    assert conflicts.candidates_of_form(session, other_organisation.organisation_id, form_id) == []


def test_the_officer_reads_the_report_and_a_refused_assignment_in_the_browser(seated, invigilator, sign_in, make_user):
    declare(invigilator, RelationKind.KIN, other_number=id_number(2))
    client = sign_in(Role.EXAM_OFFICER)
    room = seated.room.exam_room_id
    answer = client.post(
        f"/exam-sessions/{seated.key}/rooms", data={"rooms": [room], f"invigilators-{room}": [invigilator.user_id]}
    )
    assert answer.status_code == 422
    assert "COI-30" in answer.text
    report = client.get(f"/exam-sessions/{seated.key}/conflicts")
    assert "没有发现须回避的情况" in report.text
    db.session.expire_all()
    assert sign_in(Role.INVIGILATOR).get(f"/exam-sessions/{seated.key}/conflicts").status_code == 403


def test_the_interface_names_each_conflict_by_rule(seated, invigilator, sign_in):
    declare(invigilator, RelationKind.EMPLOYER, other_employer="演示企业")
    assign(seated, invigilator)
    found = sign_in(Role.EXAM_OFFICER).get(f"/api/v1/exam-sessions/{seated.key}/conflicts").json
    assert found["total"] == 3
    assert {(one["rule"], one["is_refused"], one["role"]) for one in found["conflicts"]} == {
        ("COI-32", False, "invigilator")
    }

"""Who sits where stays sealed until shortly before a session: on every page, paper and list, and nobody can compute it."""

from __future__ import annotations

import datetime as dt

import pytest

from exam_delivery.models import ExamSession, Registration, SessionChange
from exam_delivery.repository import attempts as attempts_repository
from exam_delivery.services import arranging, documents, rescheduling, seat_seal, sessions
from exam_delivery.services.documents import DocumentKind
from kernel import profiles
from kernel.audit.models import AuditEvent
from kernel.clock import now, today
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.exam_delivery.test_exam_documents import squeezed
from tests.exam_delivery.world import World, session_plan

SEED = 20261121


@pytest.fixture
def sealed(officer, sealed_forms):
    """Three people with seats in a session that is three days away."""
    world = World(officer, sealed_forms, starts_in=dt.timedelta(days=3))
    world.register(3)
    world.arrange(seed=SEED)
    db.session.expire_all()
    return world


def row_of(world):
    db.session.expire_all()
    return db.session.get(ExamSession, world.key)


def events(world, action):
    return db.session.query(AuditEvent).filter_by(object_id=str(world.key), act=action).all()


def numbers(world, actor):
    rows = attempts_repository.list_seats(db.session, world.key, room_ids=[world.room.exam_room_id], actor=actor)
    return [row.seat_number for row in rows]


def test_while_sealed_no_page_tells_seat_or_seed(sealed, sign_in):
    desk = sign_in(Role.EXAM_OFFICER)
    places = {one.seat_number for one in db.session.query(Registration)}
    assert places == {1, 2, 3}
    for path in (
        f"/exam-sessions/{sealed.key}/people", f"/exam-batches/{sealed.batch.exam_batch_id}/people",
        f"/scores/{sealed.batch.exam_batch_id}", f"/exam-sessions/{sealed.key}",
    ):  # fmt: skip
        page = desk.get(path)
        assert page.status_code == 200, path
        assert str(SEED) not in page.text
        assert not any(f">{place:02d}<" in page.text or f" {place:02d}<" in page.text for place in places), path
    people = desk.get(f"/exam-sessions/{sealed.key}/people").text
    assert people.count("密封</td>") == 3
    assert "提前启封" not in people, "that is the chief's"
    assert numbers(sealed, sealed.officer) == [None] * 3, "the console knows no seat either"
    (noted,) = events(sealed, "exam_session.arrange")
    assert str(SEED) not in str(noted.details)
    assert row_of(sealed).seat_digest in str(noted.details)


def test_papers_wait_for_the_seal_and_tickets_leave_the_seat_open(sealed):
    for kind in (DocumentKind.DOOR_LISTS, DocumentKind.SIGN_IN_SHEETS, DocumentKind.SEAT_MAPS):
        with unit_of_work(sealed.officer) as uow, pytest.raises(ConflictError, match="密封期"):
            documents.request_document(uow, sealed.key, kind)
        with pytest.raises(ConflictError, match="密封期"):
            documents.print_document(db.session, sealed.officer, sealed.key, kind)
    printed = squeezed(documents.print_document(db.session, sealed.officer, sealed.key, DocumentKind.TICKETS).body)
    assert printed.count("考前公布") == 3
    order = [printed.index(one.admission_number) for one in by_number()]
    assert order == sorted(order), "the order of the sheets tells no seat"


def by_number():
    return db.session.query(Registration).order_by(Registration.admission_number).all()


def test_the_seal_opens_by_the_clock_and_the_draw_can_be_proved(sealed, sign_in):
    row = row_of(sealed)
    assert row.seats_sealed_until == row.starts_at - dt.timedelta(hours=24)
    assert seat_seal.is_sealed(row, row.seats_sealed_until - dt.timedelta(seconds=1))
    assert not seat_seal.is_sealed(row, row.seats_sealed_until)
    with unit_of_work(sealed.officer) as uow:
        uow.session.get(ExamSession, sealed.key).seats_sealed_until = now()
    assert sorted(numbers(sealed, sealed.officer)) == [1, 2, 3]
    page = sign_in(Role.EXAM_OFFICER).get(f"/exam-sessions/{sealed.key}").text
    assert str(SEED) in page
    assert "与抽取时一致" in page
    with unit_of_work(sealed.officer) as uow:
        uow.session.query(Registration).filter_by(seat_number=1).one().seat_number = 9
    assert seat_seal.draw_state(db.session, row_of(sealed)) == seat_seal.CHANGED
    row = row_of(sealed)
    assert row.seat_digest != seat_seal.rules.draw_digest(SEED, "", []), "the seed alone gives nothing away"


def test_the_chief_breaks_the_seal_with_a_reason_that_stays(sealed, make_actor, sign_in):
    chief = make_actor(Role.CHIEF_INVIGILATOR)
    for actor, reason, error in (
        (sealed.officer, "停电换考场，需重新贴座位", ForbiddenError),
        (chief, "急", InvalidInputError),
    ):
        with unit_of_work(actor) as uow, pytest.raises(error):
            seat_seal.break_seal(uow, sealed.key, reason=reason)
    desk = sign_in(Role.CHIEF_INVIGILATOR)
    assert "提前启封" in desk.get(f"/exam-sessions/{sealed.key}/people").text
    answer = desk.post(f"/console/{sealed.key}/unseal-seats", data={"reason": "停电换考场，需重新贴座位"})
    assert answer.status_code == 303
    assert sorted(numbers(sealed, sealed.officer)) == [1, 2, 3]
    (change,) = db.session.query(SessionChange).filter_by(exam_session_id=sealed.key)
    assert (change.kind, change.reason) == ("seats_unsealed", "停电换考场，需重新贴座位")
    assert len(events(sealed, "exam_session.break_seat_seal")) == 1
    with unit_of_work(chief) as uow, pytest.raises(ConflictError, match="没有密封"):
        seat_seal.break_seal(uow, sealed.key, reason="停电换考场，需重新贴座位")
    with unit_of_work(sealed.officer) as uow:
        arranging.arrange(uow, sealed.key, seed=8)
    assert seat_seal.is_sealed(row_of(sealed)), "a new draw is sealed again"


def test_strangers_cannot_break_the_seal(sealed, sign_in, other_organisation):
    desk = sign_in(Role.CHIEF_INVIGILATOR, organisation_id=other_organisation.organisation_id)
    answer = desk.post(f"/console/{sealed.key}/unseal-seats", data={"reason": "停电换考场，需重新贴座位"})
    assert answer.status_code == 404
    assert seat_seal.is_sealed(row_of(sealed))


def test_the_seal_moves_with_the_times_but_what_was_seen_stays_open(sealed, make_actor):
    chief = make_actor(Role.CHIEF_INVIGILATOR)
    later = now() + dt.timedelta(days=9)
    found = rescheduling.consequences(db.session, sealed.key, actor=chief)
    with unit_of_work(chief) as uow:
        rescheduling.postpone(uow, sealed.key, starts_at=later, reason="考点停水改期", fingerprint=found.fingerprint)
    assert row_of(sealed).seats_sealed_until == later - dt.timedelta(hours=24)
    with unit_of_work(sealed.officer) as uow:
        uow.session.get(ExamSession, sealed.key).seats_sealed_until = now()
    plan = session_plan(sealed.forms.form_ids, starts_at=later + dt.timedelta(days=1))
    with unit_of_work(sealed.officer) as uow:
        sessions.edit_session(uow, sealed.key, plan, version=row_of(sealed).version)
    assert not seat_seal.is_sealed(row_of(sealed))


def test_without_a_seal_in_the_rule_profile_seats_are_told_at_once(officer, sealed_forms, make_actor):
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        profiles.publish(uow, {"exam.seats_sealed_hours": 0}, effective_on=today())
    world = World(officer, sealed_forms, starts_in=dt.timedelta(days=3))
    world.register(2)
    world.arrange()
    assert row_of(world).seats_sealed_until is None
    assert sorted(numbers(world, officer)) == [1, 2]

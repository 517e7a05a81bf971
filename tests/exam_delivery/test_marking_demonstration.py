"""The demonstration's marking shows every state that a leader meets."""

from __future__ import annotations

from types import SimpleNamespace

from exam_delivery.models import ExamSession, MarkingStandard
from exam_delivery.services import marking, marking_plans
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.exam_delivery.world import ALL_RIGHT
from web.demo.marking import begin

TEXT = 11


def test_the_demonstration_shows_settled_disputed_handed_over_agreed_and_waiting_answers(world, make_actor):
    with unit_of_work(world.officer) as uow:
        row = uow.session.get(ExamSession, world.key)
        row.form_ids = row.form_ids[:1]
    world.register(6)
    world.arrange()
    world.prepare()
    world.open()
    db.session.expire_all()
    for attempt in world.attempts():
        world.sit(ALL_RIGHT | {TEXT: '["评分要点甲，先采集。"]'}, attempt)
    world.close_and_score()
    markers = [make_actor(Role.MARKER, name=f"阅卷{name}") for name in "甲乙丙"]
    people = {Role.MARKER: markers, Role.EXAM_OFFICER: [world.officer]}
    staff = SimpleNamespace(
        organisation=SimpleNamespace(organisation_id=world.officer.organisation),
        actor=lambda role, number=1: people[role][number - 1],
    )
    begin(staff, db.session.get(ExamSession, world.key))
    db.session.expire_all()
    row = db.session.get(ExamSession, world.key)
    item = marking_plans.list_progress(db.session(), world.officer, row)[0]
    assert (item.n_answers, item.n_settled, item.n_first, item.n_decisions, item.n_blocked) == (6, 3, 1, 2, 0)
    assert db.session.query(MarkingStandard).count() == 1
    assert marking.list_queues(db.session(), markers[0])[0].n_decisions == 2
    assert marking.list_queues(db.session(), markers[1])[0].n_waiting == 1

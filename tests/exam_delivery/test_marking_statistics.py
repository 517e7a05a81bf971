"""Figures of each marker: agreement with the pair, severity, hits; too few answers say so; leaders see their own items."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest

from exam_delivery.models import ExamSession
from exam_delivery.rules.marking import MarkingMethod, MarkRule
from exam_delivery.services import marking, marking_plans, marking_statistics
from exam_delivery.services.marking_plans import PlanChoice
from kernel import profiles
from kernel.clock import today
from kernel.db import db
from kernel.errors import ForbiddenError
from kernel.identity.models import User
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.exam_delivery.world import ALL_RIGHT

TEXT = 11


@pytest.fixture
def markers(make_actor):
    return [make_actor(Role.MARKER, name=name) for name in ("=严某", "宽某", "组长某")]


@pytest.fixture
def marked(world, markers, make_actor):
    """Four answers marked by two people, one always two marks stricter."""
    with unit_of_work(world.officer) as uow:
        row = uow.session.get(ExamSession, world.key)
        row.form_ids = row.form_ids[:1]
    world.register(4)
    world.arrange()
    world.prepare()
    world.open()
    db.session.expire_all()
    for attempt in world.attempts():
        world.sit(ALL_RIGHT | {TEXT: '["先采集。"]'}, attempt)
    world.close_and_score()
    rule = MarkRule(MarkingMethod.DOUBLE, Decimal(1))
    with unit_of_work(world.officer) as uow:
        choice = PlanChoice(rule, markers[2].user_id, {one.user_id: None for one in markers[:2]})
        marking_plans.save_plan(uow, world.key, [(world.attempts()[0].form_id, TEXT)], choice)
    for place, attempt in enumerate(world.attempts()):
        for actor, score in ((markers[0], place), (markers[1], place + 2)):
            with unit_of_work(actor) as uow:
                marking.give_mark(uow, attempt.attempt_id, TEXT, str(score), n_seen=0)
    db.session.expire_all()
    return world


def least_pairs(make_actor, n):
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        profiles.publish(uow, {"marking.least_pairs": n}, effective_on=today())


def figures(world, actor):
    row = db.session.get(ExamSession, world.key)
    return {one.name: one for one in marking_statistics.collect(db.session(), actor, row)}


def test_a_stricter_marker_shows_with_the_interval_and_decisions_do_not_count(marked, markers, make_actor):
    least_pairs(make_actor, 4)
    with unit_of_work(markers[2]) as uow:
        marking.give_mark(uow, marked.attempts()[0].attempt_id, TEXT, "10", n_seen=0)
    found = figures(marked, marked.officer)
    strict, lenient = found["=严某"], found["宽某"]
    assert (strict.n_marked, strict.n_pairs, strict.agreement.difference, strict.is_severe) == (4, 4, -2, True)
    assert (lenient.agreement.exact, lenient.agreement.adjacent, lenient.is_lenient) == (0, 0, True)
    assert "组长某" not in found


def test_too_few_answers_give_no_figure_of_agreement(marked):
    assert [one.agreement for one in figures(marked, marked.officer).values()] == [None, None]


def test_a_leader_sees_the_own_items_and_others_nothing(marked, markers):
    assert len(figures(marked, markers[2])) == 2
    assert figures(marked, markers[0]) == {}
    with pytest.raises(ForbiddenError), unit_of_work(markers[0]) as uow:
        marking_statistics.export(uow, marked.key, {})


def test_the_page_says_what_it_cannot_know_and_the_file_holds_no_formula(marked, markers, sign_in):
    leader = sign_in(user=db.session.get(User, markers[2].user_id))
    address = f"/marking/statistics/{marked.key}"
    page = leader.get(address).text
    assert "数据不足" in page
    assert "不是对人的结论" in page
    assert sign_in(user=db.session.get(User, markers[0].user_id)).get(address).status_code == 403
    body = leader.post(f"{address}/csv").data.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(body)))
    assert sorted(row["阅卷员"] for row in rows) == ["'=严某", "宽某"]
    assert {row["评分份数"] for row in rows} == {"4"}
    assert address in sign_in(Role.EXAM_OFFICER).get(f"/marking/sessions/{marked.key}").text

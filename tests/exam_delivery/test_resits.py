"""Who resits other parts alone: registered without a session, released as not having sat theory, in a balance that closes."""

from __future__ import annotations

import re

import pytest

from exam_delivery.models import Registration, ScoreRelease
from exam_delivery.repository import candidates
from exam_delivery.repository import scores as scores_repository
from exam_delivery.repository.scores import ScoreFilter
from exam_delivery.services import arranging, release, rosters
from exam_delivery.services.packages import ResultOutcome, build_package
from kernel.db import db
from kernel.errors import ConflictError
from kernel.identity.permissions import Role
from kernel.spreadsheets import TableSheet, read_table, write_table
from kernel.uow import unit_of_work
from tests.exam_delivery.test_appeals import release_batch
from tests.exam_delivery.world import id_number, people


def roster(*lines):
    """Return a roster of (person, part) with the part to resit."""
    rows = [[f"演示考生{n}", id_number(n), part] for n, part in lines]
    return write_table([TableSheet("考生名单", ["姓名", "证件号码", "补考科目"], rows)])


def preview(world, *lines):
    return rosters.make_preview(db.session(), world.officer, world.batch, read_table(roster(*lines)))


def add(world, *lines):
    with unit_of_work(world.officer) as uow:
        rosters.register_rows(uow, world.batch.exam_batch_id, preview(world, *lines).valid, exam_session_id=world.key)
    db.session.expire_all()


def resits():
    query = db.session.query(Registration).filter(Registration.takes_theory.is_(False))
    return query.order_by(Registration.admission_number).all()


@pytest.mark.parametrize(
    ("text", "takes_theory"),
    [
        ("", True),
        ("理论知识", True),
        ("操作技能", False),
        ("操作技能、综合评审", False),
        ("理论，技能", True),
        ("全部", True),
    ],
)
def test_the_roster_says_which_part_is_sat_again(world, text, takes_theory):
    (row,) = preview(world, (7, text)).rows
    assert (row.problems, row.takes_theory) == ((), takes_theory)


def test_a_word_that_is_no_part_is_pointed_out(world):
    (row,) = preview(world, (7, "体能")).rows
    assert "不是考核科目" in row.problems[0].message


def test_who_sits_no_theory_gets_a_number_of_the_day_and_no_session(machine_world):
    add(machine_world, (21, "操作技能"), (22, "技能"))
    add(machine_world, (23, "综合评审"))
    found = resits()
    assert [one.exam_session_id for one in found] == [None, None, None]
    assert [(one.admission_number[:2], one.admission_number[-4:]) for one in found] == [
        ("BK", "0001"), ("BK", "0002"), ("BK", "0003"),
    ]  # fmt: skip
    left = candidates.unassigned_registrations(
        db.session(), machine_world.batch.exam_batch_id, actor=machine_world.officer
    )
    assert left == []


def test_they_hold_up_no_release_and_are_released_as_not_having_sat(machine_world):
    add(machine_world, (21, "操作技能"))
    shown = release.preview_release(db.session(), machine_world.officer, machine_world.batch.exam_batch_id)
    assert (shown.blockers, shown.n_not_taken, shown.n_pending) == ((), 1, 0)
    assert shown.n_registered == shown.n_scored + shown.n_absent + shown.n_void + shown.n_not_taken + shown.n_pending
    release_batch(machine_world)
    key = db.session.query(ScoreRelease).one().score_release_id
    results = build_package(db.session(), key).results
    assert [one.outcome for one in results if one.admission_number.startswith("BK")] == [ResultOutcome.NOT_TAKEN]


def test_lists_show_them_apart_from_those_who_have_not_begun(machine_world, sign_in):
    add(machine_world, (21, "操作技能"))
    wanted = ScoreFilter(exam_batch_id=machine_world.batch.exam_batch_id, state="not_taken")
    lines, total = scores_repository.list_scores(db.session(), wanted, actor=machine_world.officer)
    assert (total, lines[0].state, lines[0].score) == (1, "not_taken", None)
    page = sign_in(Role.EXAM_OFFICER).get(f"/scores/{machine_world.batch.exam_batch_id}?state=not_taken").text
    assert "本次不考理论" in page


def test_nobody_is_put_into_a_session_against_the_roster(world):
    world.register(1)
    add(world, (21, "操作技能"))
    with pytest.raises(ConflictError, match="没有尚未安排"), unit_of_work(world.officer) as uow:
        arranging.assign_to_session(uow, world.key)


def test_who_sits_no_theory_does_not_wait_for_a_session_on_the_batch_page(world, sign_in):
    with unit_of_work(world.officer) as uow:
        rosters.register_rows(uow, world.batch.exam_batch_id, people(2), exam_session_id=None)
    add(world, (21, "操作技能"))
    client, address = sign_in(Role.EXAM_OFFICER), f"/exam-batches/{world.batch.exam_batch_id}"
    tiles = re.findall(r'stat-label">([^<]+)</span>\s*<span class="stat-value">(\d+)', client.get(address).text)
    assert dict(tiles) == {"报名考生": "3", "未安排场次": "2", "场次": "1"}
    waiting = client.get(f"{address}/people?session=none").text
    assert ["演示考生1" in waiting, "演示考生2" in waiting, "演示考生21" in waiting] == [True, True, False]

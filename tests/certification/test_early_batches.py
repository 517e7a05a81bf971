"""Skill before theory, and levels without theory: the pass profile decides what a batch needs, not the release."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace

import pytest

from certification.public import receive_results
from certification.rules import keys
from certification.rules.batch_states import BatchState
from certification.services import batches, decisions, early_batches, inbound, senders
from certification.services.inbound import Parcel
from exam_delivery.models import ExamBatch, Registration
from exam_delivery.rules.roster import RosterRow
from exam_delivery.services.rosters import register_rows
from kernel.clock import now
from kernel.db import db
from kernel.errors import ConflictError, NotFoundError
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.certification.test_panels import House, marks, set_rules
from tests.factories.certification import OCCUPATION, candidate, id_number, package


def register(actor, people, batch_id=None):
    """Register people in an examination batch that has no session and no release; return its key."""
    with unit_of_work(system_actor(actor.organisation)) as uow:
        if batch_id is None:
            batch_id = uuid.uuid4()
            uow.add(
                ExamBatch(
                    exam_batch_id=batch_id, organisation_id=actor.organisation, code=f"E{batch_id.hex[:6]}",
                    name="2026 年第 12 批（演示）", standard_level_id=uuid.uuid4(), occupation_code=OCCUPATION[0],
                    occupation_name=OCCUPATION[1], level_code="3", level_name="三级/高级工", created_at=now(),
                )
            )  # fmt: skip
            uow.flush()
        rows = [
            RosterRow(n, f"演示考生{n}", id_number=id_number(n), sex="female", birth_date=dt.date(1990, 1, 1))
            for n in people
        ]
        register_rows(uow, batch_id, rows, exam_session_id=None)
    return batch_id


def released(actor, exam_batch_id, scores, leave_out=()):
    """Return the release of a batch: scores by the digit of the name, none for who was absent."""
    found = (
        db.session().query(Registration).filter_by(exam_batch_id=exam_batch_id).order_by(Registration.registration_id)
    )
    results = []
    for index, row in enumerate(found, start=1):
        text = scores.get(index)
        results.append(
            candidate(index, "scored" if text else "absent", text, candidate_id=row.candidate_id, admission_number=row.admission_number or f"N{index:04d}")
        )  # fmt: skip
    kept = [one for index, one in enumerate(results, start=1) if index not in leave_out]
    return package(actor.organisation, kept, batch_id=exam_batch_id)


def hand_over(actor, parcel):
    with unit_of_work(system_actor(actor.organisation)) as uow:
        return receive_results(uow, parcel)


def outcomes(office, batch_id):
    return [row.outcome.value for _key, row in sorted(office.records(batch_id).items())]


def theory(office, batch_id):
    page = {
        key: decisions.score_repository.list_scores(db.session(), row.result_record_id)
        for key, row in office.records(batch_id).items()
    }
    return {
        key: [(s.number, s.state.value) for s in reversed(rows) if s.mode.value == "theory"]
        for key, rows in page.items()
    }


@pytest.fixture
def exam_batch(office):
    return register(office.actor, [1, 2, 3])


def test_a_group_assesses_before_theory_and_the_release_fills_theory_in_once(
    office, exam_batch, make_actor, monkeypatch
):
    batch_id = office.act(early_batches.open_early, exam_batch)
    assert theory(office, batch_id) == {key: [(1, "pending")] for key in "123"}
    monkeypatch.setattr(office, "receive", lambda *_args, **_changes: (None, batch_id))
    house = House(office, make_actor)
    house.assign(house.set_up(), first=1)
    house.submit("1", marks("50"), marks("50"), marks("50"))
    house.sign("1")
    office.score(batch_id, {"2": "70", "3": "80"})
    office.act(batches.check_batch, batch_id)
    parcel = released(office.actor, exam_batch, {1: "75", 2: "59"})
    first, again = hand_over(office.actor, parcel), hand_over(office.actor, parcel)
    assert (first.certification_batch_id, first.is_new, first.is_correction, again.is_new) == (
        batch_id,
        True,
        False,
        False,
    )
    assert theory(office, batch_id)["1"] == [(1, "pending"), (2, "scored")]
    assert office.records(batch_id)["1"].attempt_id == parcel.results[0].attempt_id
    office.act(decisions.decide_batch, batch_id)
    assert outcomes(office, batch_id) == ["passed", "failed", "failed"]
    balance = office.balance(batch_id)
    assert sum(balance.outcomes.values()) == balance.n_registered == 3


def test_a_level_without_theory_is_decided_without_any_release(office, exam_batch, make_actor):
    set_rules(make_actor, **{keys.THEORY_LEVELS: "5,4"})
    batch_id = office.act(early_batches.open_early, exam_batch)
    office.decide(batch_id, {"1": "60", "2": "59", "3": "缺考"})
    assert outcomes(office, batch_id) == ["passed", "failed", "absent"]
    late = hand_over(office.actor, released(office.actor, exam_batch, {}))
    assert late.is_correction  # a release after the decision waits for a person, and changes nothing by itself
    assert outcomes(office, batch_id) == ["passed", "failed", "absent"]


def test_while_theory_is_required_nobody_is_decided_without_it(office, exam_batch):
    batch_id = office.act(early_batches.open_early, exam_batch)
    office.decide(batch_id, {"1": "60", "2": "70", "3": "80"})
    assert outcomes(office, batch_id) == ["pending"] * 3
    with pytest.raises(ConflictError, match="结论待定"):
        office.publish(batch_id)


def test_people_who_came_later_left_or_were_renumbered_still_close_the_balance(office, exam_batch):
    batch_id = office.act(early_batches.open_early, exam_batch)
    register(office.actor, [4], exam_batch)
    parcel = released(office.actor, exam_batch, {1: "70", 2: "70", 4: "70"}, leave_out=(3,))
    one, two, four = parcel.results
    swapped = replace(
        parcel,
        results=(
            replace(one, admission_number=two.admission_number),
            replace(two, admission_number=one.admission_number),
            four,
        ),
    )
    hand_over(office.actor, swapped)
    rows = {row.candidate_id: row for row in office.records(batch_id).values()}
    assert rows[one.candidate_id].admission_number == two.admission_number
    assert rows[four.candidate_id].name == "演示考生4"
    balance = office.balance(batch_id)
    assert sum(balance.outcomes.values()) == balance.n_registered == 4
    assert sorted(versions[-1][1] for versions in theory(office, batch_id).values()) == [
        "absent",
        "scored",
        "scored",
        "scored",
    ]


def test_theory_from_outside_that_differs_makes_the_release_a_correction(office, exam_batch):
    batch_id = office.act(early_batches.open_early, exam_batch)
    system = office.act(senders.source_of_files, "省考试院").sending_system_id
    number = office.records(batch_id)["1"].admission_number
    sent = office.act(inbound.receive, system, Parcel("A-1", "0" * 64, batch_id, [[number, "theory", "70"]]))
    office.act(inbound.accept, sent.delivery.score_delivery_id)
    assert hand_over(office.actor, released(office.actor, exam_batch, {1: "71", 2: "70"})).is_correction
    assert theory(office, batch_id) == {
        "1": [(1, "pending"), (2, "scored")],
        "2": [(1, "pending")],
        "3": [(1, "pending")],
    }
    assert batches.step_blockers(db.session(), office.batch(batch_id), BatchState.DECIDED)[0].code == "open_correction"


def test_numbers_are_given_once_and_walls_permissions_and_levels_hold(
    office, other_office, exam_batch, make_actor, sign_in
):
    with pytest.raises(NotFoundError):
        other_office.act(early_batches.open_early, exam_batch)
    address = f"/certification/early-batches/{exam_batch}"
    stranger = sign_in(Role.CERTIFICATION_OFFICER, organisation_id=other_office.actor.organisation)
    assert stranger.post(address).status_code == 404
    assert "E" + exam_batch.hex[:6] not in stranger.get("/certification/early-batches/").text
    assert sign_in(Role.SUPERVISOR).post(address).status_code == 403
    officer = sign_in(Role.CERTIFICATION_OFFICER)
    assert "E" + exam_batch.hex[:6] in officer.get("/certification/early-batches/").text
    assert "批次已建立" in officer.post(address, follow_redirects=True).text
    assert "这个批次已经建立" in officer.post(address, follow_redirects=True).text
    assert "没有可以提前建立的批次" in officer.get("/certification/early-batches/").text
    rows = db.session().query(Registration).filter_by(exam_batch_id=exam_batch).all()
    assert len({row.admission_number for row in rows}) == len({row.sign_in_index for row in rows}) == 3
    assert all(row.admission_number.startswith("RD") for row in rows)
    set_rules(make_actor, **{keys.SKILLS_LEVELS: "5", keys.REVIEW_LEVELS: ""})
    alone = register(office.actor, [7])
    assert "只考理论知识" in officer.get("/certification/early-batches/").text
    with pytest.raises(ConflictError, match="只考理论知识"):
        office.act(early_batches.open_early, alone)

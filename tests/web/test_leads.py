"""Leads from statistics: found where something was done, rarely elsewhere, and decided by a person with a reason."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from exam_delivery import public
from exam_delivery.models import ForensicLead, ResponseEvent
from exam_delivery.public import FormTable, FoundLead, LeadFilter, LeadKind, LeadState, SlotOfForm, Trace
from exam_delivery.services import forms as session_forms
from kernel.clock import now
from kernel.db import db
from kernel.errors import ConflictError, IllegalTransitionError, InvalidInputError, NotFoundError
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.exam_delivery.world import SealedForms, World, fake_blueprints
from web.analysis.leads import find_gains, find_leads

N, K = 60, 50


def table(seed: int, n: int = N) -> tuple[FormTable, dict[uuid.UUID, Trace], np.ndarray]:
    """Return honest answers of n persons to K items of four options, their traces, and the chosen options."""
    rng = np.random.default_rng(seed)
    theta, b = rng.normal(size=(n, 1)), rng.normal(size=K)
    right = rng.random((n, K)) < 1 / (1 + np.exp(b - theta))
    chosen = np.where(right, 0, rng.integers(1, 4, (n, K)))
    return build(chosen, rng)


def build(chosen: np.ndarray, rng: np.random.Generator) -> tuple[FormTable, dict[uuid.UUID, Trace], np.ndarray]:
    keys = tuple(uuid.UUID(int=int(rng.integers(1 << 60)) << 64 | row) for row in range(len(chosen)))
    slots = tuple(
        SlotOfForm(j + 1, "", 1, "", "single_choice", ("A", "B", "C", "D"), ("A",), Decimal(1)) for j in range(K)
    )
    scores = [[Decimal(int(one == 0)) for one in row] for row in chosen]
    names = [[("ABCD"[one],) for one in row] for row in chosen]
    spent = np.exp(3.5 + 0.4 * rng.normal(size=chosen.shape))
    traces = {
        key: Trace(f"考场{row % 2}", {j + 1: float(spent[row, j]) for j in range(K)}, int(rng.poisson(6)), 0)
        for row, key in enumerate(keys)
    }
    traces = {
        key: Trace(one.room, one.seconds, one.n_changes, int(rng.binomial(one.n_changes, 0.5)))
        for key, one in traces.items()
    }
    return FormTable(uuid.uuid4(), "卷", slots, scores, names, keys), traces, chosen


def test_a_copied_script_is_found_with_its_wrong_answers_and_nobody_else():
    form, traces, chosen = table(3)
    rng = np.random.default_rng(5)
    weak, strong = 4, 2  # the same room
    copied = rng.random(K) < 0.9
    chosen[weak] = np.where(copied, chosen[strong], chosen[weak])
    form, traces, _ = build(chosen, np.random.default_rng(1))
    found = [lead for lead in find_leads(form, traces) if lead.kind is LeadKind.COPYING]
    assert [set(lead.attempt_ids) for lead in found] == [{form.attempt_ids[weak], form.attempt_ids[strong]}]
    evidence = found[0].evidence
    assert evidence["matches"] > evidence["expected"] + 8
    assert evidence["same_wrong"] == len(evidence["slots"]) > 0
    for slot in evidence["slots"]:
        assert chosen[weak, slot - 1] == chosen[strong, slot - 1] != 0


def test_honest_sittings_give_hardly_any_lead():
    kinds = [lead.kind for seed in range(12) for lead in find_leads(*table(seed)[:2])]
    assert kinds.count(LeadKind.COPYING) == 0
    assert len(kinds) <= 2


def test_a_hurried_and_a_mending_candidate_are_found():
    form, traces, _chosen = table(8)
    hasty, mending = form.attempt_ids[10], form.attempt_ids[11]
    traces[hasty] = Trace("考场0", {j + 1: (0.4 if j % 2 else 40.0) for j in range(K)}, 3, 1)
    traces[mending] = Trace("考场1", traces[mending].seconds, 25, 24)
    found = {(lead.kind, lead.attempt_ids) for lead in find_leads(form, traces)}
    assert (LeadKind.TIMES, (hasty,)) in found
    assert (LeadKind.CHANGES, (mending,)) in found


def test_three_who_share_their_answers_are_one_lead_that_names_every_pair():
    _form, _traces, chosen = table(3)
    rng = np.random.default_rng(5)
    for copier in (4, 6):
        chosen[copier] = np.where(rng.random(K) < 0.95, chosen[2], chosen[copier])
    form, traces, _ = build(chosen, np.random.default_rng(1))
    places = {key: (row // 6, row % 6) for row, key in enumerate(form.attempt_ids)}
    traces = {key: replace(one, place=places[key]) for key, one in traces.items()}
    found = [lead for lead in find_leads(form, traces) if lead.kind in {LeadKind.COPYING, LeadKind.CLUSTER}]
    (group,) = found
    names = [form.attempt_ids[row] for row in (2, 4, 6)]
    assert (group.kind, sorted(group.attempt_ids)) == (LeadKind.CLUSTER, sorted(names))
    assert len(group.subjects) == 64, "three attempts have a digest for a key"
    assert group.kept_evidence()["attempts"] == sorted(map(str, names))
    links = group.evidence["links"]
    assert len(links) >= 2
    assert all(set(link["attempts"]) <= set(map(str, names)) for link in links)
    assert group.p_value == min(link["chance"] for link in links)
    assert group.evidence["n_pairs"] == 2 * (30 * 29 // 2)
    assert 0 < group.evidence["n_neighbours"] < group.evidence["n_pairs"]
    assert group.evidence["slots"]


def test_who_sits_together_is_held_against_fewer_pairs_and_so_found_sooner():
    found = {"apart": 0, "beside": 0}
    for seed in range(6):
        _form, _traces, chosen = table(seed)
        copied = np.random.default_rng(seed).random(K) < 0.62
        chosen[8] = np.where(copied, chosen[10], chosen[8])
        form, traces, _ = build(chosen, np.random.default_rng(1))
        for name, column in (("apart", 40), ("beside", 9)):
            seats = {key: replace(one, place=(0, 2 * row)) for row, (key, one) in enumerate(traces.items())}
            seats[form.attempt_ids[10]] = replace(
                traces[form.attempt_ids[10]], place=(0, column + 8 if name == "beside" else 200)
            )
            leads = [lead for lead in find_leads(form, seats) if form.attempt_ids[8] in lead.attempt_ids]
            found[name] += any(lead.kind is LeadKind.COPYING for lead in leads)
    assert found["beside"] > found["apart"]


def gain_tables(n: int, jump: float) -> tuple[list[FormTable], dict[uuid.UUID, float]]:
    """Return two forms whose candidates repeat an exam, one of whom gains by a jump."""
    rng = np.random.default_rng(4)
    before = rng.uniform(0.3, 0.6, n)
    after = np.clip(before + 0.1 + rng.normal(0, 0.06, n), 0, 1)
    after[3] = before[3] + jump
    keys = tuple(uuid.UUID(int=row + 1) for row in range(n))
    slot = SlotOfForm(1, "", 1, "", "single_choice", ("A", "B"), ("A",), Decimal(100))
    tables = [
        FormTable(
            uuid.UUID(int=90 + part), "卷", (slot,), [[Decimal(str(round(100 * one, 2)))] for one in after[part::2]],
            [[("A",)]] * len(after[part::2]), keys[part::2],
        )
        for part in (0, 1)
    ]  # fmt: skip
    return tables, dict(zip(keys, before.tolist(), strict=True))


def test_a_score_that_rises_far_beyond_the_course_of_the_others_is_a_lead():
    tables, earlier = gain_tables(40, 0.5)
    (form_id, (lead,)) = next(iter(find_gains(tables, earlier).items()))
    assert (form_id, lead.attempt_ids) == (tables[1].form_id, (uuid.UUID(int=4),))
    evidence = lead.evidence
    assert evidence["after"] == pytest.approx(evidence["before"] + 0.5, abs=0.01)
    assert evidence["expected"] == pytest.approx(evidence["before"] + 0.1, abs=0.06)
    assert evidence["n_persons"] == 40
    assert lead.p_value < 1e-4
    assert find_gains(*gain_tables(40, 0.12)) == {}
    assert find_gains(*gain_tables(19, 0.5)) == {}, "the course of so few is not known"
    flat = dict.fromkeys(earlier, 0.5)
    assert find_gains(tables, flat) == {}, "equal scores before say nothing of a course"


def test_too_few_candidates_carry_no_lead():
    assert find_leads(*table(1, n=29)[:2]) == []


@pytest.fixture
def world(app, organisation, make_actor, monkeypatch) -> World:
    sealed = SealedForms(organisation.organisation_id, with_text=False)
    monkeypatch.setattr(session_forms, "blueprints", fake_blueprints(sealed))
    world = World(make_actor(Role.EXAM_OFFICER, Role.SUPERVISOR), sealed)
    world.register(4)
    world.arrange()
    world.prepare()
    world.open()
    for attempt in world.attempts():
        world.sit({1: '["B"]', 2: '["A"]'}, attempt)
    return world


def test_changes_and_times_are_read_from_the_events(world):
    attempt = world.attempts()[0]
    with unit_of_work(world.officer) as uow:
        for seq, response in enumerate(('["A"]', '["B"]'), start=2):
            uow.add(ResponseEvent(attempt_id=attempt.attempt_id, slot=2, seq=seq, response=response, received_at=now()))
    traces = public.load_traces(db.session(), world.officer, {attempt.form_id: [attempt.attempt_id]})
    trace = traces[attempt.attempt_id]
    assert trace.room == "第 01 考场"
    seat = public.load_people(db.session(), world.officer, [attempt.attempt_id])[attempt.attempt_id].seat_number
    assert trace.place == (0, seat - 1)
    assert (trace.n_changes, trace.n_mended) == (1, 1)
    assert all(spent > 0 for spent in trace.seconds.values())


def leads_of(world: World) -> ForensicLead:
    first, second = (attempt.attempt_id for attempt in world.attempts()[:2])
    form_id = world.attempts()[0].form_id
    evidence = {
        "matches": 9, "expected": 6.0, "omega": 4.1, "n_items": 10, "same_wrong": 1, "k2": 0.01, "slots": [2],
        "n_pairs": 6,
    }  # fmt: skip
    found = FoundLead(LeadKind.COPYING, (first, second), 1e-5, evidence)
    with unit_of_work(world.officer) as uow:
        assert public.store_leads(uow, world.key, form_id, [found]) == 1
        uow.flush()
        assert public.store_leads(uow, world.key, form_id, [found]) == 0
    return db.session.query(ForensicLead).one()


def test_a_lead_is_decided_once_with_a_reason_and_can_be_opened_again(world):
    lead = leads_of(world)
    with pytest.raises(InvalidInputError), unit_of_work(world.officer) as uow:
        public.decide_lead(uow, lead.forensic_lead_id, LeadState.CONFIRMED, "", version=lead.version)
    version = lead.version
    with unit_of_work(world.officer) as uow:
        public.decide_lead(uow, lead.forensic_lead_id, LeadState.DISMISSED, "两人不在同一考场", version=version)
    with pytest.raises(ConflictError), unit_of_work(world.officer) as uow:
        public.decide_lead(uow, lead.forensic_lead_id, LeadState.CONFIRMED, "录像显示抄袭", version=version)
    db.session.expire_all()
    with pytest.raises(IllegalTransitionError), unit_of_work(world.officer) as uow:
        public.decide_lead(uow, lead.forensic_lead_id, LeadState.CONFIRMED, "录像显示抄袭", version=lead.version)
    with unit_of_work(world.officer) as uow:
        public.decide_lead(uow, lead.forensic_lead_id, LeadState.OPEN, "收到新的录像", version=lead.version)


def test_another_organisation_sees_no_lead(world, make_actor, other_organisation):
    lead = leads_of(world)
    stranger = make_actor(Role.SUPERVISOR, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError):
        public.get_lead(db.session(), stranger, lead.forensic_lead_id)
    assert public.list_leads(db.session(), stranger, LeadFilter(), page=1, per_page=50) == ([], 0)


def test_a_supervisor_reads_the_evidence_and_decides_in_the_browser(world, sign_in):
    lead = leads_of(world)
    client = sign_in(Role.SUPERVISOR)
    assert "雷同作答" in client.get("/leads/").text
    address = f"/leads/{lead.forensic_lead_id}"
    page = client.get(address).text
    assert "相同的错误选项" in page
    assert "演示考生1" in page
    refused = client.post(address, data={"state": "confirmed", "reason": "", "version": lead.version})
    assert refused.status_code == 422
    assert "请写明依据" in refused.text
    done = client.post(address, data={"state": "confirmed", "reason": "录像显示抄袭", "version": lead.version})
    assert done.status_code == 303
    assert "录像显示抄袭" in client.get(address).text
    assert "没有这样的线索" in client.get("/leads/").text
    assert "雷同作答" in client.get("/leads/?state=confirmed").text


def test_a_group_and_a_gain_are_shown_with_their_evidence(world, sign_in):
    attempts = [attempt.attempt_id for attempt in world.attempts()[:3]]
    link = {
        "attempts": [str(key) for key in attempts[:2]], "chance": 1e-6, "are_neighbours": True, "matches": 9,
        "expected": 5.5, "omega": 4.4, "same_wrong": 3, "k2": 0.001, "slots": [2],
    }  # fmt: skip
    evidence = {"n_persons": 3, "links": [link], "slots": [2, 5], "n_pairs": 6, "n_neighbours": 3, "n_items": 10}
    gain = {"before": 0.4, "after": 0.95, "expected": 0.5, "gain": 6.1, "n_persons": 44}
    found = [
        FoundLead(LeadKind.CLUSTER, tuple(attempts), 1e-6, evidence),
        FoundLead(LeadKind.GAINS, (attempts[3 - 1],), 1e-7, gain),
    ]
    form_id = world.attempts()[0].form_id
    for n_new in (2, 0):
        with unit_of_work(world.officer) as uow:
            assert public.store_leads(uow, world.key, form_id, found) == n_new
    client = sign_in(Role.SUPERVISOR)
    listed = client.get("/leads/").text
    assert "雷同群" in listed
    assert "成绩突增" in listed
    leads = {lead.kind: lead for lead in db.session.query(ForensicLead)}
    assert set(leads[LeadKind.CLUSTER].attempt_ids) == set(attempts)
    group = client.get(f"/leads/{leads[LeadKind.CLUSTER].forensic_lead_id}").text
    for text in ("演示考生1", "演示考生3", "雷同的人对", "相邻", "4.4"):
        assert text in group
    page = client.get(f"/leads/{leads[LeadKind.GAINS].forensic_lead_id}").text
    assert "按其他考生的变化应有" in page
    assert "0.95" in page


def test_the_last_score_before_a_session_is_found_by_trade_and_level(world, make_actor, other_organisation):
    world.close_and_score()
    again = World(world.officer, world.forms, code="2026-02", room="第 02 考场", starts_in=dt.timedelta(days=40))
    again.register(4)
    again.arrange()
    again.prepare()
    keys = [attempt.attempt_id for attempt in again.attempts()]
    found = public.load_earlier_shares(db.session(), world.officer, again.key, keys)
    assert found == dict.fromkeys(keys, 0.1)
    assert public.load_earlier_shares(db.session(), world.officer, world.key, keys) == {}
    stranger = make_actor(Role.SUPERVISOR, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError):
        public.load_earlier_shares(db.session(), stranger, again.key, keys)


def test_leads_are_for_supervisors(world, sign_in):
    assert sign_in(Role.EDITOR).get("/leads/").status_code == 403

"""Leads from statistics: found where something was done, rarely elsewhere, and decided by a person with a reason."""

from __future__ import annotations

import uuid
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
from web.analysis.leads import find_leads

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
    traces = public.load_traces(db.session(), world.officer, attempt.form_id, [attempt.attempt_id])
    trace = traces[attempt.attempt_id]
    assert trace.room == "第 01 考场"
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


def test_leads_are_for_supervisors(world, sign_in):
    assert sign_in(Role.EDITOR).get("/leads/").status_code == 403

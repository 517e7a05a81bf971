"""Misconduct, voids and excused absences: decided by two people, visible in the balance, reversible, barring for a while."""

from __future__ import annotations

import datetime as dt
import io
import re

import pytest

from exam_delivery.models import ExamBatch, Registration, RegistrationStatus, ResultRuling, ScoreRelease
from exam_delivery.public_rulings import find_barred, find_rulings
from exam_delivery.repository import candidates, scores
from exam_delivery.rules.rulings import (
    RulingKind,
    RulingScope,
    RulingState,
    Sanction,
    barred_until,
    months_later,
    sanction,
)
from exam_delivery.services import appeal_findings, appeal_letters, appeals, batches, release, rosters, rulings
from exam_delivery.services.appeal_findings import Conclusion
from exam_delivery.services.batches import BatchPlan
from exam_delivery.services.misconduct import DecidedCase
from exam_delivery.services.rulings import RulingProposal
from kernel.clock import now, today
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, IllegalTransitionError, InvalidInputError, NotFoundError
from kernel.identity.permissions import Role
from kernel.profiles.registry import all_keys
from kernel.spreadsheets import TableSheet, read_table, write_table
from kernel.uow import unit_of_work
from tests.exam_delivery.test_appeals import FINDING, file, registration_ids, release_batch, word_text
from tests.exam_delivery.world import LEVEL, id_number

FACTS = "开考 40 分钟时使用手机查找答案，监考员当场制止。"


@pytest.fixture
def chief(make_actor):
    return make_actor(Role.EXAM_OFFICER, name="考务主任")


def act(actor, verb, key, *args, **kwargs):
    with unit_of_work(actor) as uow:
        return verb(uow, key, *args, **kwargs)


def propose(world, place=1, kind="misconduct", tier=3, **changes):
    registration_id = registration_ids(world)[place]
    proposal = RulingProposal(kind, FACTS, tier if kind == "misconduct" else None, **changes)
    return act(world.officer, rulings.propose, registration_id, proposal).result_ruling_id


def in_force(world, chief, **changes):
    key = propose(world, **changes)
    act(chief, rulings.decide, key, is_approved=True, reason="事实清楚，同意")
    db.session.expire_all()
    return key


def status(world, place=1):
    db.session.expire_all()
    return db.session.get(Registration, registration_ids(world)[place]).status


def counts(world):
    """Return the balance of what would be released: it always closes."""
    preview = release.preview_release(db.session(), world.officer, world.batch.exam_batch_id)
    assert preview.n_registered == preview.n_scored + preview.n_absent + preview.n_void + preview.n_pending
    return preview.n_scored, preview.n_absent, preview.n_void


# --- the rules -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "tier", "has_sat", "wanted"),
    [
        ("misconduct", 1, True, Sanction(RulingScope.THIS_PART)),
        ("misconduct", 2, True, Sanction(RulingScope.THIS_PART)),
        ("misconduct", 3, True, Sanction(RulingScope.ALL_PARTS, 12)),
        ("misconduct", 4, False, Sanction(RulingScope.ALL_PARTS, 36)),
        ("void", None, True, Sanction(RulingScope.THIS_PART)),
        ("medical", None, False, Sanction(RulingScope.NOTHING)),
        ("medical", None, True, Sanction(RulingScope.THIS_PART)),
        ("excused", None, False, Sanction(RulingScope.NOTHING)),
    ],
)
def test_each_kind_means_what_the_rule_profile_says(kind, tier, has_sat, wanted):
    values = {name: key.default for name, key in all_keys().items()}
    assert sanction(RulingKind(kind), tier, values, has_sat=has_sat) == wanted


@pytest.mark.parametrize(
    ("day", "months", "end"),
    [
        (dt.date(2026, 11, 22), 12, dt.date(2027, 11, 22)), (dt.date(2026, 8, 31), 6, dt.date(2027, 2, 28)),
        (dt.date(2024, 2, 29), 12, dt.date(2025, 2, 28)), (dt.date(2026, 12, 31), 2, dt.date(2027, 2, 28)),
        (dt.date(2026, 1, 15), 36, dt.date(2029, 1, 15)), (dt.date(2026, 12, 5), 0, dt.date(2026, 12, 5)),
    ],
)  # fmt: skip
def test_months_end_on_the_same_day_or_the_last_of_a_shorter_month(day, months, end):
    assert months_later(day, months) == end


def test_without_months_nobody_is_barred():
    assert barred_until(dt.date(2026, 1, 1), 0) is None


# --- proposed by one, decided by another -----------------------------------------------------------------------------


def test_nothing_counts_until_another_person_has_decided(machine_world, chief):
    key = propose(machine_world)
    assert (status(machine_world), counts(machine_world)) == (RegistrationStatus.ADMITTED, (3, 1, 0))
    with pytest.raises(ForbiddenError, match="提出人以外"):
        act(machine_world.officer, rulings.decide, key, is_approved=True)
    act(chief, rulings.decide, key, is_approved=True)
    ruling = db.session.get(ResultRuling, key)
    assert (ruling.state, ruling.code[-5:], ruling.bar_months) == (RulingState.IN_FORCE, "00001", 12)
    assert ruling.barred_until == months_later(today(), 12)
    assert (status(machine_world), counts(machine_world)) == (RegistrationStatus.VOID, (2, 1, 1))
    with pytest.raises(IllegalTransitionError):
        act(chief, rulings.decide, key, is_approved=True)


def test_a_rejected_or_withdrawn_ruling_changes_nothing_and_makes_room_for_another(machine_world, chief):
    first = propose(machine_world)
    with pytest.raises(ConflictError, match="CL-"):
        propose(machine_world)
    with pytest.raises(InvalidInputError):
        act(chief, rulings.decide, first, is_approved=False)
    act(chief, rulings.decide, first, is_approved=False, reason="监控看不清，证据不足以认定")
    second = propose(machine_world)
    with pytest.raises(ForbiddenError, match="只有提出人"):
        act(chief, rulings.withdraw, second)
    act(machine_world.officer, rulings.withdraw, second)
    assert (status(machine_world), counts(machine_world)) == (RegistrationStatus.ADMITTED, (3, 1, 0))


@pytest.mark.parametrize(
    ("proposal", "field"),
    [
        (RulingProposal("", FACTS), "kind"), (RulingProposal("misconduct", FACTS), "tier"),
        (RulingProposal("misconduct", FACTS, 5), "tier"), (RulingProposal("void", "停电"), "facts"),
        (RulingProposal("excused", FACTS), "kind"),
    ],
)  # fmt: skip
def test_a_proposal_says_what_is_to_be_mended(machine_world, proposal, field):
    registration_id = registration_ids(machine_world)[1]
    with pytest.raises(InvalidInputError) as caught:
        act(machine_world.officer, rulings.propose, registration_id, proposal)
    assert list(caught.value.fields) == [field]


def test_illness_excuses_the_absent_without_a_void_and_voids_who_had_begun(machine_world, chief):
    in_force(machine_world, chief, place=3, kind="medical")
    assert (status(machine_world, 3), counts(machine_world)) == (RegistrationStatus.ABSENT, (3, 1, 0))
    in_force(machine_world, chief, place=1, kind="medical")
    assert (status(machine_world, 1), counts(machine_world)) == (RegistrationStatus.VOID, (2, 1, 1))
    found = find_rulings(db.session(), chief.organisation, machine_world.batch.exam_batch_id)
    assert [one.is_without_loss for one in found.values()] == [True, True]


def test_the_release_waits_for_open_rulings_and_for_cases_of_the_room_without_one(machine_world, chief, monkeypatch):
    key = propose(machine_world)
    preview = release.preview_release(db.session(), machine_world.officer, machine_world.batch.exam_batch_id)
    assert [one.step for one in preview.blockers] == ["rulings"]
    act(machine_world.officer, rulings.withdraw, key)
    case = decided_case(machine_world, chief, place=2)
    for module in (release, rulings):
        monkeypatch.setattr(module, "decided_misconduct", lambda *_args: [case])
    preview = release.preview_release(db.session(), machine_world.officer, machine_world.batch.exam_batch_id)
    assert [one.params["code"] for one in preview.blockers] == ["WJ-2026-00001"]
    waiting = rulings.cases_without_ruling(db.session(), machine_world.officer)
    assert [candidate.name for _case, candidate in waiting] == ["演示考生3"]
    ruling = act(machine_world.officer, rulings.take_over, case.registration_id)
    assert (ruling.proposed_by, ruling.tier, ruling.source_key) == (chief.user_id, 2, case.source_key)
    with pytest.raises(ForbiddenError):
        act(chief, rulings.decide, ruling.result_ruling_id, is_approved=True)
    act(machine_world.officer, rulings.decide, ruling.result_ruling_id, is_approved=True)
    assert counts(machine_world) == (2, 1, 1)
    assert rulings.cases_without_ruling(db.session(), machine_world.officer) == []
    with pytest.raises(ConflictError):
        act(machine_world.officer, rulings.take_over, case.registration_id)


def decided_case(world, decider, place):
    registration_id = registration_ids(world)[place]
    return DecidedCase(
        misconduct_case_id=registration_id, source_key=f"misconduct:{registration_id}", code="WJ-2026-00001",
        registration_id=registration_id, breach="copying", tier=2, facts=FACTS, statement="", decided_at=now(),
        signed_by=("监考甲", "监考乙"), decided_by=decider.user_id, decided_by_name=decider.name, reason="属实",
    )  # fmt: skip


# --- after the release, and back -------------------------------------------------------------------------------------


def test_a_ruling_after_the_release_hands_over_a_correction_and_its_reversal_another(machine_world, chief, make_actor):
    release_batch(machine_world)
    key = in_force(machine_world, chief)
    reviewer = make_actor(Role.MARKER, name="复核员")
    case = file(machine_world, chief, kind="appeal", subject="ruling", result_ruling_id=key)
    act(chief, appeals.accept, case)
    for person in (chief, machine_world.officer):
        with pytest.raises(ForbiddenError, match="参与过"):
            act(chief, appeals.assign, case, person.user_id)
    act(chief, appeals.assign, case, reviewer.user_id)
    act(reviewer, appeal_findings.conclude, case, Conclusion("changed", FINDING, "ruling"))
    act(chief, appeal_findings.close, case)
    db.session.expire_all()
    ruling = db.session.get(ResultRuling, key)
    assert (ruling.state, status(machine_world)) == (RulingState.REVERSED, RegistrationStatus.ADMITTED)
    releases = db.session.query(ScoreRelease).order_by(ScoreRelease.number).all()
    rows = [next(line for line in one.results if line[0] == str(ruling.registration_id)) for one in releases]
    assert [line[1:3] for line in rows] == [["scored", "1"], ["void", None], ["scored", "1"]]
    assert find_rulings(db.session(), chief.organisation, machine_world.batch.exam_batch_id) == {}
    assert "撤销处理决定告知书" in appeal_letters.ruling_letter(db.session(), chief, key).title


def test_answers_and_score_versions_stay_whatever_is_ruled(machine_world, chief):
    attempt_id = machine_world.attempts()[1].attempt_id
    before = scores.newest_records(db.session(), [attempt_id])[attempt_id].score_record_id
    in_force(machine_world, chief)
    after = scores.newest_records(db.session(), [attempt_id])[attempt_id]
    assert (after.score_record_id, after.score) == (before, 1)


# --- barred from registering -----------------------------------------------------------------------------------------


def test_who_is_barred_is_refused_in_the_next_roster_until_the_day_is_over(machine_world, chief, monkeypatch):
    key = in_force(machine_world, chief)
    until = db.session.get(ResultRuling, key).barred_until
    second = act(machine_world.officer, lambda uow, _key: new_batch(uow), None)
    book = read_table(roster_of(2, 5))
    preview = rosters.make_preview(db.session(), machine_world.officer, second, book)
    assert [bool(row.problems) for row in preview.rows] == [True, False]
    assert preview.bad[0].problems[0].params["date"] == until.isoformat()
    index = candidate_index(machine_world)
    organisation = chief.organisation
    assert find_barred(db.session(), organisation, [index], until) == {index: until}
    assert find_barred(db.session(), organisation, [index], until + dt.timedelta(days=1)) == {}


def candidate_index(world):
    registration = db.session.get(Registration, registration_ids(world)[1])
    return candidates.get_candidate(db.session(), registration.candidate_id, actor=world.officer).id_number_index


def new_batch(uow) -> ExamBatch:
    return batches.create_batch(uow, BatchPlan("2026-02", "2026 年第二批", str(LEVEL)))


def roster_of(*numbers):
    rows = [[f"演示考生{n}", id_number(n)] for n in numbers]
    return write_table([TableSheet("考生名单", ["姓名", "证件号码"], rows)])


# --- walls, letters, pages -------------------------------------------------------------------------------------------


def test_another_organisation_reaches_no_ruling(machine_world, make_actor, other_organisation):
    stranger = make_actor(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    key = propose(machine_world, evidence=("记录.pdf", b"%PDF-1.7"))
    for verb in (rulings.withdraw, rulings.reverse):
        with pytest.raises(NotFoundError):
            act(stranger, verb, key, **({"reason": "x"} if verb is rulings.reverse else {}))
    with pytest.raises(NotFoundError):
        rulings.read_evidence(db.session(), stranger, key)
    assert rulings.read_evidence(db.session(), machine_world.officer, key) == ("记录.pdf", b"%PDF-1.7")


def test_the_letter_says_what_was_found_what_follows_and_where_to_appeal(machine_world, chief):
    key = propose(machine_world)
    with pytest.raises(ConflictError):
        appeal_letters.ruling_letter(db.session(), chief, key)
    act(chief, rulings.decide, key, is_approved=True)
    text = word_text(act(chief, appeal_letters.take_ruling_letter, key, "docx")[1])
    for part in ("违纪违规处理决定书", FACTS, "取消本次全部科目成绩", "前不得报考", "书面申诉"):
        assert part in text
    assert act(chief, appeal_letters.take_ruling_letter, key, "pdf")[1][:5] == b"%PDF-"


def test_a_ruling_goes_its_way_in_the_browser(machine_world, sign_in):
    officer, other = sign_in(Role.EXAM_OFFICER), sign_in(Role.EXAM_OFFICER)
    assert "还没有处理决定" in officer.get("/rulings/").text
    assert "演示考生2" in officer.get("/rulings/new?q=演示考生2").text
    registration_id = registration_ids(machine_world)[1]
    address = f"/rulings/new/{registration_id}"
    assert "违纪违规" in officer.get(address).text
    refused = officer.post(address, data={"kind": "misconduct", "facts": FACTS})
    assert (refused.status_code, "请选择类别" in refused.text) == (422, True)
    sent = {"kind": "misconduct", "tier": "1", "facts": FACTS, "evidence": (io.BytesIO(b"%PDF-1"), "记录.pdf")}
    case = officer.post(address, data=sent, content_type="multipart/form-data").location
    assert "提出人不能决定" in officer.get(case).text
    assert officer.get(f"{case}/evidence").data == b"%PDF-1"
    page = other.get(case).text
    ids = re.findall(r' id="([^"]+)"', page)
    assert ("批准这个处理决定" in page, len(ids)) == (True, len(set(ids)))
    assert other.post(f"{case}/approve").status_code == 303
    assert other.post(f"{case}/letter", data={"format": "docx"}).data[:2] == b"PK"
    assert "登记对本决定的申诉" in other.get(case).text
    assert "没有符合条件" in other.get("/rulings/?kind=medical").text
    assert "提出处理" in other.get(f"/scores/people/{registration_id}").text
    assert sign_in(Role.MARKER).get("/rulings/").status_code == 403

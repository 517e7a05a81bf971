"""A passed part counts in the next batch for as long as the rule profile says; decisions name the batch it came from."""

from __future__ import annotations

import datetime as dt
import io
import uuid
from decimal import Decimal

import docx
import pytest

from certification.models import ComponentScore, PassDecisionRecord
from certification.rules.part_scores import PART_MONTHS, PART_RETAKES, EarlierPart, valid_parts, valid_until
from certification.rules.pass_decision import AssessmentMode, ComponentRule, PassOutcome, PassRule, ResultState
from certification.services import batches, decisions, part_scores, scores
from exam_delivery.public_rulings import RulingInfo
from kernel.clock import day_of
from kernel.db import db
from kernel.errors import ConflictError, NotFoundError
from kernel.identity.permissions import Role
from tests.factories.certification import candidate

THEORY, SKILLS = AssessmentMode.THEORY, AssessmentMode.SKILLS
RULE = PassRule((ComponentRule(THEORY, Decimal(60)), ComponentRule(SKILLS, Decimal(60))))
VALUES = {PART_MONTHS: 12, PART_RETAKES: 1}


def part(mode=SKILLS, score="75", day=dt.date(2026, 3, 2), n_retakes=0, state=ResultState.SCORED):
    value = None if score is None else Decimal(score)
    return EarlierPart(uuid.uuid4(), mode, state, value, day, "B1", n_retakes)


# --- the rules -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "months", "end"),
    [
        (dt.date(2026, 3, 2), 12, dt.date(2027, 3, 2)), (dt.date(2026, 1, 31), 1, dt.date(2026, 2, 28)),
        (dt.date(2024, 2, 29), 12, dt.date(2025, 2, 28)), (dt.date(2026, 12, 31), 24, dt.date(2028, 12, 31)),
    ],
)  # fmt: skip
def test_a_part_counts_to_the_same_day_so_many_months_later(day, months, end):
    assert valid_until(day, months) == end


@pytest.mark.parametrize(
    ("one", "on", "counts"),
    [
        (part(), dt.date(2027, 3, 2), True), (part(), dt.date(2027, 3, 3), False),
        (part(), dt.date(2026, 3, 1), False), (part(score="60"), dt.date(2026, 9, 1), True),
        (part(score="59.9"), dt.date(2026, 9, 1), False), (part(n_retakes=1), dt.date(2026, 9, 1), False),
        (part(score=None, state=ResultState.ABSENT), dt.date(2026, 9, 1), False),
        (part(AssessmentMode.COMPREHENSIVE_REVIEW), dt.date(2026, 9, 1), False),
    ],
)  # fmt: skip
def test_only_a_passed_part_in_time_and_not_retaken_too_often_counts(one, on, counts):
    assert bool(valid_parts(RULE, [one], on, VALUES)) is counts


def test_the_newest_of_several_valid_parts_counts_and_no_months_means_none():
    parts = [part(score="80"), part(score="70", day=dt.date(2026, 6, 1))]
    assert valid_parts(RULE, parts, dt.date(2026, 9, 1), VALUES)[SKILLS].part.score == Decimal(70)
    assert valid_parts(RULE, parts, dt.date(2026, 9, 1), VALUES | {PART_MONTHS: 0}) == {}


# --- from batch to batch ---------------------------------------------------------------------------------------------


def sat(n, **changes):
    return candidate(n, **changes)


def resit(n, **changes):
    """Somebody who resits skills alone."""
    return candidate(n, outcome="not_taken", admission_number=f"BK2611{n:06d}", **changes)


@pytest.fixture
def first(office):
    """A decided batch: both parts, theory alone, skills alone, neither."""
    results = [sat(1, score="80"), sat(2, score="80"), sat(3, score="50"), sat(4, score="40")]
    _parcel, batch_id = office.receive(results)
    office.decide(batch_id, {"1": "75", "2": "50", "3": "66", "4": "30"})
    return batch_id


def people(office, batch_id):
    return {record.name[-1]: record for record in office.records(batch_id).values()}


def outcomes(office, batch_id):
    balance = office.balance(batch_id)
    assert balance.is_closed
    return {outcome.value: n for outcome, n in balance.outcomes.items()}


def type_skills(office, batch_id, texts):
    known = people(office, batch_id)
    typed = {(known[key].result_record_id, SKILLS): text for key, text in texts.items()}
    office.act(scores.type_scores, batch_id, typed)


def test_what_stays_valid_after_a_failure_is_shown_with_its_day(office, first):
    known = people(office, first)
    batch = office.batch(first)
    kept = {key: part_scores.kept_until(db.session(), batch, record) for key, record in known.items()}
    assert {key: set(parts) for key, parts in kept.items()} == {"1": set(), "2": {THEORY}, "3": {SKILLS}, "4": set()}
    assert kept["2"][THEORY] > day_of(batch.received_at) + dt.timedelta(days=360)


def test_a_resit_of_the_failed_part_passes_with_the_part_of_the_earlier_batch(office, first):
    _parcel, second = office.receive([resit(2), sat(3, score="61"), resit(4)])
    offers = part_scores.find_offers(db.session(), office.batch(second))
    assert [(one.record.name[-1], one.mode, one.valid.part.score) for one in offers] == [
        ("3", SKILLS, Decimal(66)), ("2", THEORY, Decimal(80)),
    ]  # fmt: skip
    n_scores = db.session.query(ComponentScore).count()
    assert office.act(part_scores.carry_parts, second) == 2
    assert office.act(part_scores.carry_parts, second) == 0
    assert db.session.query(ComponentScore).count() == n_scores
    office.act(batches.check_batch, second)
    type_skills(office, second, {"2": "70", "4": "80"})
    assert scores.count_missing(db.session(), office.batch(second)) == 0
    assert [one.name[-1] for one in part_scores.untaken(db.session(), second)] == ["4"]
    office.act(part_scores.settle_untaken, second)
    office.act(decisions.decide_batch, second)
    assert outcomes(office, second) == {"passed": 2, "failed": 1}
    reasons = db.session.query(PassDecisionRecord).filter_by(
        result_record_id=people(office, second)["2"].result_record_id
    )
    carried = [reason for reason in reasons.one().reasons if reason[1] == "carried"]
    assert carried[0][3]["batch"] == office.batch(first).code


def test_without_carrying_over_a_resit_stays_open_and_nobody_is_passed_by_accident(office, first):
    _parcel, second = office.receive([resit(2)])
    office.act(batches.check_batch, second)
    type_skills(office, second, {"2": "70"})
    office.act(decisions.decide_batch, second)
    assert outcomes(office, second) == {"pending": 1}


def test_a_part_is_carried_once_and_not_into_a_second_retake(office, first):
    _parcel, second = office.receive([resit(2)])
    office.act(part_scores.carry_parts, second)
    office.act(batches.check_batch, second)
    type_skills(office, second, {"2": "55"})
    office.act(decisions.decide_batch, second)
    assert outcomes(office, second) == {"failed": 1}
    _parcel, third = office.receive([resit(2)])
    assert part_scores.find_offers(db.session(), office.batch(third)) == []


def ruled(monkeypatch, batch, record, *, cancels_all_parts, is_without_loss):
    info = RulingInfo("CL-2026-00001", "", "", cancels_all_parts, is_without_loss, None)

    def find(_session, _organisation, source_batch_id):
        return {record.candidate_id: info} if source_batch_id == batch.source_batch_id else {}

    monkeypatch.setattr(part_scores, "find_rulings", find)


def test_illness_uses_up_no_retake(office, first, monkeypatch):
    _parcel, second = office.receive([resit(2)])
    office.act(part_scores.carry_parts, second)
    office.act(batches.check_batch, second)
    type_skills(office, second, {"2": "缺考"})
    office.act(decisions.decide_batch, second)
    ruled(monkeypatch, office.batch(second), people(office, second)["2"], cancels_all_parts=False, is_without_loss=True)
    _parcel, third = office.receive([resit(2)])
    assert [one.mode for one in part_scores.find_offers(db.session(), office.batch(third))] == [THEORY]


def test_a_batch_cancelled_for_misconduct_leaves_no_valid_part(office, first, monkeypatch):
    ruled(monkeypatch, office.batch(first), people(office, first)["3"], cancels_all_parts=True, is_without_loss=False)
    _parcel, second = office.receive([sat(2, score="30"), sat(3, score="61")])
    assert part_scores.find_offers(db.session(), office.batch(second)) == []


def test_an_expired_part_is_not_offered(office, first):
    _parcel, second = office.receive([resit(2)])
    batch = office.batch(second)
    office.act(
        batches.update_batch, second, trade_name="", plan_filed_on=None,
        evaluation_starts_on=day_of(batch.received_at) + dt.timedelta(days=400),
    )  # fmt: skip
    assert part_scores.find_offers(db.session(), office.batch(second)) == []


def test_a_decided_batch_carries_nothing_over_and_other_houses_reach_nothing(office, first, other_office):
    with pytest.raises(ConflictError, match="已判定"):
        office.act(part_scores.carry_parts, first)
    for verb in (part_scores.carry_parts, part_scores.settle_untaken):
        with pytest.raises(NotFoundError):
            other_office.act(verb, first)
    _parcel, foreign = other_office.receive([resit(2)])
    assert part_scores.find_offers(db.session(), other_office.batch(foreign)) == []


def test_a_score_of_this_batch_stands_before_a_carried_one(office, first):
    _parcel, second = office.receive([sat(3, score="61")])
    office.act(part_scores.carry_parts, second)
    office.act(batches.check_batch, second)
    type_skills(office, second, {"3": "20"})
    office.act(decisions.decide_batch, second)
    assert people(office, second)["3"].outcome is PassOutcome.FAILED


def test_the_letter_says_what_is_kept_until_when_and_what_is_to_be_sat_again(office, first, sign_in, make_actor):
    known = people(office, first)
    client = sign_in(Role.CERTIFICATION_OFFICER)
    address = f"/certification/candidates/{known['2'].result_record_id}"
    assert "保留通知书（PDF）" in client.get(address).text
    word = client.post(f"{address}/part-letter/docx")
    document = docx.Document(io.BytesIO(word.data))
    text = "".join(
        [one.text for one in document.paragraphs] + [c.text for t in document.tables for r in t.rows for c in r.cells]
    )
    for told in ("单科合格成绩保留通知书", "演示考生2", "理论知识", "80 分，合格，保留至", "未合格科目：操作技能"):
        assert told in text
    assert client.post(f"{address}/part-letter/pdf").data.startswith(b"%PDF")
    nothing = f"/certification/candidates/{known['1'].result_record_id}"
    assert "保留通知书" not in client.get(nothing).text
    assert client.post(f"{nothing}/part-letter/pdf").status_code == 409
    assert client.post(f"{address}/part-letter/exe").status_code == 404
    assert sign_in(Role.SUPERVISOR).post(f"{address}/part-letter/pdf").status_code == 403


def test_parts_are_carried_over_in_the_browser(office, first, sign_in):
    _parcel, second = office.receive([resit(2), resit(4)])
    client = sign_in(Role.CERTIFICATION_OFFICER)
    address = f"/certification/batches/{second}/parts"
    assert "单科成绩沿用" in client.get(f"/certification/batches/{second}/candidates").text
    page = client.get(address).text
    assert ("沿用以上成绩" in page, "没有理论成绩可用" in page) == (True, True)
    assert client.post(address).status_code == 303
    assert "已沿用的单科成绩" in client.get(address).text
    assert client.post(f"{address}/untaken").status_code == 303
    assert "没有理论成绩可用" not in client.get(address).text
    assert "成绩保留到" in client.get(f"/certification/candidates/{people(office, first)['2'].result_record_id}").text
    assert "沿用批次" in client.get(f"/certification/candidates/{people(office, second)['2'].result_record_id}").text

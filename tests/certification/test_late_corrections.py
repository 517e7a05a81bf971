"""A wrong score found after the roster left, even after certificates were issued: settled one by one, the balance closed."""

from __future__ import annotations

import datetime as dt

import pytest

from certification.models import CertificateAct, CertificateState
from certification.repository import batches as repository
from certification.repository import certificates as certificate_repository
from certification.rules.batch_states import BatchState
from certification.rules.pass_decision import PassOutcome
from certification.services import batches, certificates, corrections, late_corrections, rosters, standing
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.factories.certification import candidate

SKILLS = {"1": "80", "2": "75", "3": "66"}
DAY = dt.date(2026, 11, 10)


def three(**scores):
    """Two above the mark in theory, the third below; `scores` by number of candidate."""
    known = {1: "80", 2: "60", 3: "59"} | {int(key[1:]): value for key, value in scores.items()}
    return [candidate(n, score=score) for n, score in known.items()]


def counts(office, batch_id):
    balance = office.balance(batch_id)
    assert balance.is_closed
    return {outcome.value: n for outcome, n in balance.outcomes.items()}


def correct(office, batch_id, batch_key, **scores):
    office.receive(three(**scores), batch_id=batch_key)
    delivery = next(d for d in repository.list_deliveries(db.session(), batch_id) if d.status.value == "open")
    office.act(corrections.apply_correction, delivery.result_delivery_id, reason="答案变更案 BG-2026-00001")
    db.session.expire_all()


@pytest.fixture
def issued(office, batch_key):
    _parcel, batch_id = office.receive(three(), batch_id=batch_key)
    office.decide(batch_id, SKILLS)
    office.publish(batch_id)
    office.approve(batch_id)
    office.issue(batch_id)
    assert counts(office, batch_id) == {"passed": 2, "failed": 1}
    return batch_id


def certificate_of(office, batch_id, number):
    record = office.records(batch_id)[number]
    rows = certificate_repository.list_batch_certificates(db.session(), batch_id)
    return next((row for row in rows if row.result_record_id == record.result_record_id), None)


def test_who_no_longer_passes_has_the_certificate_held_and_who_passes_now_waits(office, issued, batch_key):
    correct(office, issued, batch_key, n2="58", n3="61")
    assert counts(office, issued) == {"passed": 1, "failed": 1, "pending": 1}
    assert certificate_of(office, issued, "1").state is CertificateState.VALID
    held = certificate_of(office, issued, "2")
    assert (held.state, held.state_reason) == (CertificateState.HELD, "成绩更正后不再合格，暂停使用，待处理")
    assert certificate_of(office, issued, "3") is None
    assert office.batch(issued).state is BatchState.ISSUED


def test_a_batch_is_archived_only_when_nobody_waits_any_more(office, issued, batch_key):
    correct(office, issued, batch_key, n2="58", n3="61")
    with pytest.raises(ConflictError, match="待定"):
        office.act(batches.archive_batch, issued)
    record = office.records(issued)["3"]
    added = office.act(
        late_corrections.add_late, record.result_record_id, issued_on=DAY, reason="11 月 17 日补公示期满"
    )
    assert (added.state, added.number[-6:]) == (CertificateState.VALID, "000003")
    assert counts(office, issued) == {"passed": 2, "failed": 1}
    office.act(batches.archive_batch, issued)
    assert office.batch(issued).state is BatchState.ARCHIVED


def test_a_late_certificate_needs_a_day_and_a_reference(office, issued, batch_key):
    correct(office, issued, batch_key, n3="61")
    record = office.records(issued)["3"]
    for day, reason, field in [(DAY, "补", "late_reason"), (None, "11 月 17 日补公示期满", "late_issued_on")]:
        with pytest.raises(InvalidInputError) as caught:
            office.act(late_corrections.add_late, record.result_record_id, issued_on=day, reason=reason)
        assert list(caught.value.fields) == [field]
    assert counts(office, issued)["pending"] == 1


def test_nobody_gets_a_second_or_an_undeserved_certificate(office, issued, make_actor, other_organisation):
    for number in ("1", "3"):
        record = office.records(issued)[number]
        with pytest.raises(ConflictError, match="没有等待补发"):
            office.act(
                late_corrections.add_late, record.result_record_id, issued_on=DAY, reason="11 月 17 日补公示期满"
            )
    stranger = make_actor(Role.CERTIFICATION_OFFICER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        late_corrections.add_late(uow, record.result_record_id, issued_on=DAY, reason="11 月 17 日补公示期满")


def test_a_correction_that_turns_no_decision_leaves_certificates_alone(office, issued, batch_key):
    correct(office, issued, batch_key, n1="79", n2="60.5")
    assert counts(office, issued) == {"passed": 2, "failed": 1}
    assert {certificate_of(office, issued, n).state for n in ("1", "2")} == {CertificateState.VALID}


def test_whose_result_is_given_back_gets_the_held_certificate_back_and_no_second_one(office, issued, batch_key):
    correct(office, issued, batch_key, n2="58")
    assert certificate_of(office, issued, "2").state is CertificateState.HELD
    correct(office, issued, batch_key, n2="60")
    assert counts(office, issued) == {"passed": 2, "failed": 1}
    assert certificate_of(office, issued, "2").state is CertificateState.VALID
    rows = certificate_repository.list_batch_certificates(db.session(), issued)
    assert len(rows) == 2
    assert late_corrections.may_add(db.session(), office.batch(issued), office.records(issued)["2"]) is False


def test_a_hold_for_another_reason_is_not_lifted_by_a_correction(office, issued, batch_key):
    key = certificate_of(office, issued, "2").certificate_id
    office.act(certificates.change_state, key, CertificateAct.HELD, reason="调查中")
    correct(office, issued, batch_key, n2="58")
    correct(office, issued, batch_key, n2="60")
    assert (certificate_of(office, issued, "2").state_reason, counts(office, issued)["passed"]) == ("调查中", 2)


def test_between_roster_and_answer_a_correction_waits_and_after_approval_it_is_settled(office, batch_key):
    _parcel, batch_id = office.receive(three(), batch_id=batch_key)
    office.decide(batch_id, SKILLS)
    office.publish(batch_id)
    office.calendar.set(DAY)
    office.act(rosters.submit_roster, batch_id)
    with pytest.raises(ConflictError, match="正在评审"):
        correct(office, batch_id, batch_key, n2="58")
    with pytest.raises(ConflictError, match="成绩更正没有处理"):
        office.act(rosters.approve_roster, batch_id, reference="演示核〔2026〕1号")
    returned = [rosters.ReturnedField("score", "score", "261121010002", "成绩有更正")]
    office.act(rosters.return_roster, batch_id, returned)
    delivery = next(d for d in repository.list_deliveries(db.session(), batch_id) if d.status.value == "open")
    office.act(corrections.apply_correction, delivery.result_delivery_id, reason="答案变更案 BG-2026-00001")
    db.session.expire_all()
    assert counts(office, batch_id) == {"passed": 1, "failed": 2}


def test_a_number_given_before_the_correction_is_held_and_not_lost(office, batch_key):
    _parcel, batch_id = office.receive(three(), batch_id=batch_key)
    office.decide(batch_id, SKILLS)
    office.publish(batch_id)
    office.approve(batch_id)
    office.act(certificates.number_batch, batch_id, issued_on=DAY)
    correct(office, batch_id, batch_key, n2="58")
    office.act(certificates.issue_batch, batch_id)
    assert certificate_of(office, batch_id, "2").state is CertificateState.HELD
    assert office.batch(batch_id).state is BatchState.ISSUED


def test_what_a_theory_score_means_follows_the_rule_profile(office):
    passes = standing.theory_passes(db.session(), office.actor.organisation, "3")
    assert [passes(score) for score in (60, 59)] == [True, False]


def test_a_late_certificate_is_issued_in_the_browser(office, issued, batch_key, sign_in):
    correct(office, issued, batch_key, n3="61")
    record = office.records(issued)["3"]
    client = sign_in(Role.CERTIFICATION_OFFICER)
    address = f"/certification/candidates/{record.result_record_id}"
    assert "补公示和补报名册的依据" in client.get(address).text
    sent = {"late_reason": "11 月 17 日补公示期满", "late_issued_on": "2026-11-10"}
    refused = client.post(f"{address}/late-certificate", data=sent | {"late_reason": ""})
    assert refused.status_code == 422
    assert client.post(f"{address}/late-certificate", data=sent).status_code == 303
    assert office.records(issued)["3"].outcome is PassOutcome.PASSED
    assert "补公示和补报名册的依据" not in client.get(address).text

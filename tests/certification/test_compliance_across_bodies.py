"""Data compliance looks over the walls for duplicates, and every state of a batch has a day by which it should end."""

from __future__ import annotations

import datetime as dt

import pytest

from certification.models import Certificate
from certification.pages.heads import deadline_text
from certification.rules.batch_states import BatchState
from certification.rules.deadlines import key_of
from certification.services import batches, certificates, compliance, rosters
from kernel.db import db
from kernel.errors import ConflictError
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.certification.test_panels import set_rules
from tests.factories.certification import candidate


def findings(office, batch_id):
    return {
        (one.check_id, one.severity.value) for one in compliance.check_batch_data(db.session(), office.batch(batch_id))
    }


def test_a_certificate_of_another_body_stops_the_roster_and_names_nobody(office, other_office):
    other_office.whole_way([candidate(1, score="80")], {"1": "80"})
    office.calendar.set(dt.date(2026, 11, 2))
    _parcel, batch_id = office.receive([candidate(1, score="80"), candidate(2, score="80")])
    office.decide(batch_id, {"1": "80", "2": "80"})
    assert ("C07", "error") in findings(office, batch_id)
    told = [one for one in compliance.check_batch_data(db.session(), office.batch(batch_id)) if one.check_id == "C07"]
    assert len(told) == 1
    assert "另一演示机构" not in str(told[0])
    office.publish(batch_id)
    office.calendar.set(dt.date(2026, 11, 10))
    with pytest.raises(ConflictError, match="数据合规检查"):
        office.act(rosters.submit_roster, batch_id)


def test_who_let_a_certificate_expire_may_be_certified_anew(office, other_office):
    office.whole_way([candidate(1, score="80")], {"1": "80"})
    batches_of = {}
    for one in (office, other_office):
        one.calendar.set(dt.date(2026, 11, 20))
        _parcel, batches_of[one.actor.organisation] = one.receive([candidate(1, score="80")])
        one.decide(batches_of[one.actor.organisation], {"1": "80"})
    checks = {"C06": office, "C07": other_office}
    found = {
        check: (check, "error") in findings(one, batches_of[one.actor.organisation]) for check, one in checks.items()
    }
    assert found == {"C06": True, "C07": True}
    with unit_of_work(office.actor):
        for row in db.session().query(Certificate):
            row.expires_on = dt.date(2026, 11, 19)
    found = {
        check: (check, "error") in findings(one, batches_of[one.actor.organisation]) for check, one in checks.items()
    }
    assert found == {"C06": False, "C07": False}


def test_the_same_person_in_two_open_batches_is_pointed_out_until_one_is_over(office, other_office):
    _parcel, first = office.receive([candidate(1, score="80")])
    office.decide(first, {"1": "80"})
    assert ("P08", "warning") not in findings(office, first)
    _parcel, second = other_office.receive([candidate(1, score="80")])
    assert ("P08", "warning") in findings(office, first)
    other_office.decide(second, {"1": "50"})
    assert ("P08", "warning") not in findings(office, first)


def test_every_open_state_has_a_day_in_working_days_by_the_rule_profile(office, app, make_actor, sign_in):
    _parcel, batch_id = office.receive([candidate(1, score="80")])
    batch = office.batch(batch_id)
    batch.state_since = dt.datetime(2026, 11, 2, 2, tzinfo=dt.UTC)
    db.session.flush()
    due = batches.deadline_of(db.session(), batch)
    assert (due.date, due.n_left, due.is_overdue) == (dt.date(2026, 11, 9), 5, False)
    with app.test_request_context():
        assert "应于 2026-11-09 前完成，还剩 5 个工作日" in deadline_text(db.session(), batch)
        office.calendar.set(dt.date(2026, 11, 11))
        assert "已超过 2 个工作日" in deadline_text(db.session(), batch)
    set_rules(make_actor, **{key_of(BatchState.RECEIVED): 0})
    assert batches.deadline_of(db.session(), batch) is None
    for state in set(BatchState) - {BatchState.RECEIVED, BatchState.PUBLICITY, BatchState.ARCHIVED}:
        batch.state = state
        assert batches.deadline_of(db.session(), batch) is not None, state
    batch.state = BatchState.ARCHIVED
    assert batches.deadline_of(db.session(), batch) is None
    db.session.rollback()
    office.decide(batch_id, {"1": "80"})
    office.calendar.set(dt.date(2026, 11, 2))
    office.publish(batch_id)
    assert batches.deadline_of(db.session(), office.batch(batch_id)) is None
    office.calendar.set(dt.date(2026, 11, 11))
    page = sign_in(Role.CERTIFICATION_OFFICER).get("/certification/batches/").text
    assert "公示已于 2026-11-09 结束；上报名册应于 2026-11-16 前完成，还剩 3 个工作日" in page


def test_numbers_and_dates_are_checked_again_before_certificates_are_issued(office, sign_in):
    office.whole_way([candidate(1, score="80")], {"1": "80"})
    office.calendar.set(dt.date(2026, 11, 2))
    _parcel, batch_id = office.receive([candidate(2, score="80"), candidate(3, score="80")])
    office.decide(batch_id, {"2": "80", "3": "80"})
    office.publish(batch_id)
    office.approve(batch_id)
    office.act(certificates.number_batch, batch_id, issued_on=dt.date(2026, 11, 10))
    assert compliance.check_certificates(db.session(), office.batch(batch_id)) == []
    row = (
        db.session().query(Certificate).filter_by(certification_batch_id=batch_id).order_by(Certificate.number).first()
    )
    row.number, row.issued_on = row.number[:-6] + "000009", dt.date(2026, 11, 5)
    db.session().flush()
    told = {one.check_id for one in compliance.check_certificates(db.session(), office.batch(batch_id))}
    assert told == {"B03", "C05"}
    assert batches.step_blockers(db.session(), office.batch(batch_id), BatchState.ISSUED)[-1].code == "compliance"
    db.session().rollback()
    client = sign_in(Role.SUPERVISOR)
    page = client.get("/certification/compliance-rules/").text
    assert all(one in page for one in ("P01", "C07", "B04", "W05", "同一网络地址出现在不同考点"))
    assert sign_in(Role.MARKER).get("/certification/compliance-rules/").status_code == 403

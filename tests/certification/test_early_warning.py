"""Early warnings: each speaks where it should and keeps silent beside it; together they stand on the roster's page and forbid nothing."""

from __future__ import annotations

import datetime as dt

import pytest

from certification.models import FiledScope, ResultRecord
from certification.rules.compliance import ComplianceSeverity
from certification.rules.early_warning import (
    BURST_TIMES,
    EARLY_CHECKS,
    GAP_MINUTES,
    RATE_POINTS,
    SAME_CONTACT,
    History,
    Sitting,
    find_warnings,
)
from certification.services import compliance, early_warning, rosters
from exam_delivery.public_sittings import SittingInfo
from kernel.db import db
from kernel.identity.permissions import Role
from tests.factories.certification import candidate

LIMITS = {RATE_POINTS: 20, BURST_TIMES: 3, SAME_CONTACT: 3, GAP_MINUTES: 30}
NINE = dt.datetime(2026, 11, 10, 1, tzinfo=dt.UTC)


def found(**facts):
    return [one.check_id for one in find_warnings(History(**{"limits": LIMITS} | facts))]


def sat(person, site, begin, *, minutes=90, address="10.0.0.1", is_here=True):
    start = NINE + dt.timedelta(minutes=begin)
    return Sitting(f"r{person}", str(person), address, site, start, start + dt.timedelta(minutes=minutes), is_here)


@pytest.mark.parametrize(
    ("n_passed", "n_sat", "before", "sat_before", "speaks"),
    [
        (90, 100, 55, 100, True), (74, 100, 55, 100, False), (19, 19, 10, 100, False), (90, 100, 10, 19, False),
        (16, 20, 11, 20, False), (40, 100, 90, 100, False), (100, 100, 100, 100, False),
    ],
)  # fmt: skip
def test_a_pass_rate_far_above_the_former_one_is_pointed_out_unless_numbers_are_small(
    n_passed, n_sat, before, sat_before, speaks
):
    facts = {"n_passed": n_passed, "n_sat": n_sat, "n_passed_before": before, "n_sat_before": sat_before}
    assert found(**facts) == (["W01"] if speaks else [])
    assert found(**facts, limits=LIMITS | {RATE_POINTS: 0}) == []


@pytest.mark.parametrize(
    ("recent", "year", "speaks"), [(450, 1200, True), (299, 1200, False), (40, 12, False), (450, 0, False)]
)
def test_a_burst_is_measured_by_the_months_of_a_year_before(recent, year, speaks):
    assert found(n_recent=recent, n_year_before=year) == (["W02"] if speaks else [])


def test_a_contact_is_pointed_out_from_the_number_of_the_rule_on_and_not_repeated():
    contacts = {"13800000000": ["a", "b", "c"], "x@example.org": ["a", "b"]}
    (one,) = find_warnings(History(LIMITS, contacts=contacts))
    assert (one.check_id, one.record_id, one.severity) == ("W03", "a", ComplianceSeverity.WARNING)
    assert "13800000000" not in str(one)


def test_one_address_at_two_sites_is_pointed_out_and_at_one_site_it_is_ordinary():
    assert found(sittings=[sat(1, "甲考点", 0), sat(2, "乙考点", 0)]) == ["W04"]
    assert found(sittings=[sat(1, "甲考点", 0), sat(2, "甲考点", 0), sat(3, "乙考点", 0, address="")]) == []


@pytest.mark.parametrize(
    ("site", "begin", "speaks"),
    [("甲考点", 60, True), ("甲考点", 95, False), ("乙考点", 110, True), ("乙考点", 121, False)],
)
def test_nobody_sits_twice_at_once_or_travels_in_no_time(site, begin, speaks):
    two = [sat(1, "甲考点", 0, is_here=False, address="a"), sat(1, site, begin, address="b")]
    assert found(sittings=two) == (["W05"] if speaks else [])


def test_every_warning_names_its_title_and_an_example():
    assert [check.check_id for check in EARLY_CHECKS] == ["W01", "W02", "W03", "W04", "W05", "W06", "W07"]
    assert all(check.title and check.example and run.__doc__ for check, run in EARLY_CHECKS.items())


def test_warnings_stand_on_the_page_of_the_roster_and_do_not_hold_it_up(office, sign_in):
    _parcel, batch_id = office.receive([candidate(n, score="80") for n in (1, 2, 3)])
    office.decide(batch_id, {"1": "80", "2": "80", "3": "80"})
    office.publish(batch_id)
    checks = [one.check_id for one in compliance.check_batch_data(db.session(), office.batch(batch_id))]
    assert "W03" in checks
    page = sign_in(Role.CERTIFICATION_OFFICER).get(f"/certification/batches/{batch_id}/roster").text
    assert "本批有 3 人登记了与该考生相同的电话或邮箱" in page
    office.calendar.set(dt.date(2026, 11, 10))
    assert office.act(rosters.submit_roster, batch_id).n_warnings >= 1


def test_what_is_wrong_with_all_stands_on_one_line_with_the_level_by_name(office, sign_in, session):
    _parcel, batch_id = office.receive([candidate(n, score="80") for n in (1, 2, 3)])
    office.decide(batch_id, {"1": "80", "2": "80", "3": "80"})
    office.publish(batch_id)
    session.query(FiledScope).delete()
    session.commit()
    page = sign_in(Role.CERTIFICATION_OFFICER).get(f"/certification/batches/{batch_id}/roster").text
    assert page.count("不在本机构备案范围内") == 1
    assert "<summary>3 人</summary>" in page
    assert "等级“三级/高级工”不在本机构备案范围内" in page


def test_the_history_counts_earlier_batches_and_sees_the_same_person_elsewhere(office, monkeypatch):
    _parcel, first = office.receive([candidate(1, score="80")])
    office.decide(first, {"1": "40"})
    _parcel, second = office.receive([candidate(1, score="80"), candidate(2, score="80")])
    office.decide(second, {"1": "80", "2": "80"})
    keys = {row.attempt_id: row for row in db.session.query(ResultRecord)}
    begun = dict.fromkeys(keys, NINE)
    monkeypatch.setattr(
        early_warning, "find_sittings",
        lambda *_args: {k: SittingInfo(k, "", "甲考点", begun[k], NINE + dt.timedelta(minutes=90)) for k in begun},
    )  # fmt: skip
    batch = office.batch(second)
    assert [one.check_id for one in early_warning.warnings_of(db.session(), batch)] == ["W05"]

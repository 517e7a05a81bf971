"""Data compliance: a sound batch has no finding, each fault has exactly its own."""

import dataclasses
import datetime as dt
import re

import pytest

from certification.rules.compliance import (
    ComplianceContext,
    ComplianceRecord,
    ComplianceSeverity,
    HeldCertificate,
    catalogue,
    check_compliance,
)
from certification.rules.pass_decision import PassOutcome
from kernel.national_id import IdKind, Sex, check_character

PREFIX = "S000035001051"
CODE = "4-04-05-05"
ID_A, ID_B = "11010519491231002X", "440524188001010014"


def record(**changes):
    sound = ComplianceRecord(
        record_id="1",
        name="演示甲",
        id_kind=IdKind.RESIDENT_ID,
        id_number=ID_A,
        sex=Sex.FEMALE,
        birth_date=dt.date(1949, 12, 31),
        occupation_code=CODE,
        occupation_name="人工智能训练师",
        trade_name="",
        level="3",
        outcome=PassOutcome.PASSED,
        has_photo=True,
        certificate_number=f"{PREFIX}263000001",
        issued_on=dt.date(2026, 11, 30),
    )
    return dataclasses.replace(sound, **changes)


CONTEXT = ComplianceContext(
    today=dt.date(2026, 11, 30),
    institution_prefix=PREFIX,
    occupations={CODE: "人工智能训练师", "6-18-01-01": "车工"},
    trades={CODE: frozenset({"演示工种"})},
    filed_scope=frozenset({(CODE, "", "3"), (CODE, "演示工种", "3"), (CODE, "", "5"), ("6-18-01-01", "", "3")}),
    publicity_ends_on=dt.date(2026, 11, 27),
    plan_filed_on=dt.date(2026, 9, 1),
    evaluation_starts_on=dt.date(2026, 11, 1),
    held_certificates={ID_A: (HeldCertificate(CODE, "4", dt.date(2021, 11, 30)),)},
)


def found(*records, **changes):
    findings = check_compliance(records, dataclasses.replace(CONTEXT, **changes))
    return {(finding.check_id, finding.record_id) for finding in findings}


def test_a_sound_batch_has_no_finding():
    second = record(
        record_id="2",
        trade_name="演示工种",
        certificate_number=f"{PREFIX}263000002",
        id_kind=IdKind.PASSPORT,
        id_number="E12345678",
        sex=None,
    )
    held = {**CONTEXT.held_certificates, "E12345678": CONTEXT.held_certificates[ID_A]}
    assert found(record(), second, held_certificates=held) == set()


@pytest.mark.parametrize(
    ("changes", "check_id"),
    [
        ({"birth_date": dt.date(1949, 12, 30)}, "P03"),
        ({"birth_date": None}, "P03"),
        ({"sex": Sex.MALE}, "P04"),
        ({"name": "演示甲 "}, "P05"),
        ({"name": "\u3000"}, "P05"),
        ({"has_photo": False}, "P06"),
        ({"occupation_name": "车工"}, "O01"),
        ({"outcome": PassOutcome.FAILED}, "R01"),
        ({"certificate_number": f"{PREFIX}26300001"}, "C01"),
        ({"certificate_number": "S000035001052263000001"}, "C02"),
        ({"certificate_number": f"{PREFIX}253000001"}, "C03"),
        ({"certificate_number": f"{PREFIX}264000001"}, "C04"),
        ({"issued_on": dt.date(2026, 11, 26)}, "C05"),
        ({"certificate_number": f"{PREFIX}263000002"}, "B03"),
    ],
)
def test_each_fault_of_a_record_has_exactly_its_finding(changes, check_id):
    batch_wide = {"B03"}
    assert found(record(**changes)) == {(check_id, "" if check_id in batch_wide else "1")}


@pytest.mark.parametrize(
    ("changes", "check_id"),
    [
        ({"barred_id_numbers": frozenset({ID_A})}, "P07"),
        ({"issued_to": frozenset({(ID_A, CODE, "3")})}, "C06"),
        ({"issued_numbers": frozenset({f"{PREFIX}263000001"})}, "B02"),
        ({"filed_scope": frozenset()}, "O03"),
        ({"publicity_ends_on": None}, "C05"),
        ({"held_certificates": {}}, "O04"),
        ({"held_certificates": {ID_A: (HeldCertificate(CODE, "4", dt.date(2021, 12, 1)),)}}, "O04"),
        ({"held_certificates": {ID_A: (HeldCertificate("6-18-01-01", "4", dt.date(2010, 1, 1)),)}}, "O04"),
    ],
)
def test_each_fault_against_the_books_has_exactly_its_finding(changes, check_id):
    assert found(record(), **changes) == {(check_id, "1")}


def test_a_wrong_identity_number_and_an_unknown_occupation_are_found():
    assert ("P01", "1") in found(record(id_number="110105194912310021"))
    assert {("O01", "1"), ("O03", "1")} <= found(record(occupation_code="9-99-99-99"))
    assert {("O02", "1"), ("O03", "1")} <= found(record(trade_name="没有的工种"))


def test_a_doubtful_region_is_only_a_warning():
    body = "190105" + "19491231" + "002"
    number = body + check_character(body)
    held = {number: CONTEXT.held_certificates[ID_A]}
    assert found(record(id_number=number), held_certificates=held) == {("P02", "1")}


def test_the_lowest_level_needs_no_earlier_certificate():
    five = record(level="5", certificate_number=f"{PREFIX}265000001")
    assert found(five, held_certificates={}) == set()


def test_a_person_or_number_that_comes_twice_is_found_on_both_rows():
    assert found(record(), record(record_id="2")) == {(c, r) for c in ("B01", "B02") for r in ("1", "2")}


def test_serials_continue_from_the_last_one_issued():
    number = f"{PREFIX}263000008"
    assert found(record(certificate_number=number), last_serials={(2026, "3"): 7}) == set()
    assert found(record(certificate_number=number), last_serials={(2026, "3"): 6}) == {("B03", "")}


def test_a_plan_filed_late_or_without_dates_is_found():
    assert found(record(), plan_filed_on=dt.date(2026, 10, 23)) == {("B04", "")}
    assert found(record(), plan_filed_on=None) == {("B04", "")}
    assert found(record(), plan_filed_on=dt.date(2026, 10, 23), notice_working_days=5) == set()


def test_records_not_numbered_yet_are_checked_without_complaint_about_the_number():
    assert found(record(certificate_number="", issued_on=None)) == set()


def test_a_finding_reads_as_a_sentence_with_its_values():
    findings = check_compliance([record(certificate_number="S000035001052263000001")], CONTEXT)
    assert [str(finding) for finding in findings] == [f"证书编号前 13 位应为本机构的 {PREFIX}"]


def test_the_catalogue_documents_every_check_once():
    checks = catalogue()
    assert len({check.check_id for check in checks}) == len(checks) >= 21
    assert all(re.fullmatch(r"[A-Z]\d\d", c.check_id) and c.title and c.example for c in checks)
    assert {c.check_id for c in checks if c.severity is ComplianceSeverity.WARNING} == {"P02", "P08", "O04"}

"""Certificate numbers: 22 positions composed and read back, faults named, missing letters refused."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.certificate_numbers import (
    CERTIFICATE_PROVINCES,
    MAX_SERIAL,
    BodyCategory,
    InstitutionPrefix,
    InvalidCertificateNumberError,
    OldQualificationNumber,
    compose_number,
    next_serial,
    parse_number,
    parse_old_number,
    parse_prefix,
    parse_previous_certificate,
)

REAL = "S000035001051243000362"
OFFICIAL_FORM = re.compile(r"^[YS]\d{4}\d{2}\d{6}\d{2}[1-5]\d{6}$")
PREFIXES = st.builds(
    InstitutionPrefix,
    st.sampled_from(BodyCategory),
    st.integers(0, 9999).map("{:04d}".format),
    st.sampled_from(sorted(CERTIFICATE_PROVINCES)),
    st.integers(0, 999_999).map("{:06d}".format),
)


def test_a_real_number_is_read_part_by_part():
    number = parse_number(REAL)
    assert number.prefix == InstitutionPrefix(BodyCategory.TRAINING_BODY, "0000", "35", "001051")
    assert (number.year, number.level_code, number.serial) == (2024, "3", 362)
    assert str(number) == REAL


@settings(deadline=None)
@given(PREFIXES, st.integers(2000, 2099), st.sampled_from("12345"), st.integers(1, MAX_SERIAL))
def test_every_composed_number_has_the_official_form_and_reads_back(prefix, year, level, serial):
    number = compose_number(prefix, year=year, level=level, serial=serial)
    assert OFFICIAL_FORM.fullmatch(number)
    parsed = parse_number(number)
    assert (parsed.prefix, parsed.year, parsed.level_code, parsed.serial) == (prefix, year, level, serial)
    assert compose_number(str(prefix), year=year, level=level, serial=serial) == number


@pytest.mark.parametrize("level", ["apprentice", "special_tech", "chief_tech", "7"])
def test_a_level_without_a_code_gets_no_number(level):
    with pytest.raises(InvalidCertificateNumberError, match="等级码尚未设置"):
        compose_number("S000035001051", year=2026, level=level, serial=1)


def test_a_letter_entered_by_the_installation_is_used_and_recognised():
    codes = {"special_tech": "T"}
    number = compose_number("Y000123000456", year=2026, level="special_tech", serial=7, codes=codes)
    assert number == "Y00012300045626T000007"
    assert parse_number(number, codes).level_code == "T"
    with pytest.raises(InvalidCertificateNumberError, match="第 16 位"):
        parse_number(number)
    with pytest.raises(InvalidCertificateNumberError, match="一位数字或大写字母"):
        compose_number("Y000123000456", year=2026, level="x", serial=7, codes={"x": "t1"})


@pytest.mark.parametrize(
    ("number", "fragment"),
    [
        (REAL[:-1], "22 位"),
        ("X" + REAL[1:], "22 位"),
        (REAL[:5] + "99" + REAL[7:], "行政区划"),
        (REAL[:15] + "9" + REAL[16:], "第 16 位"),
        (REAL[:16] + "000000", "000000"),
    ],
)
def test_each_wrong_position_is_named(number, fragment):
    with pytest.raises(InvalidCertificateNumberError, match=fragment):
        parse_number(number)


@pytest.mark.parametrize("serial", [0, -1, MAX_SERIAL + 1])
def test_serials_outside_the_range_are_refused(serial):
    with pytest.raises(InvalidCertificateNumberError, match="序列码"):
        compose_number("S000035001051", year=2026, level="3", serial=serial)


def test_years_outside_the_century_are_refused():
    with pytest.raises(InvalidCertificateNumberError, match="年份"):
        compose_number("S000035001051", year=1999, level="3", serial=1)


def test_the_serials_end_with_six_nines():
    assert next_serial(0) == 1
    with pytest.raises(InvalidCertificateNumberError, match="用完"):
        next_serial(MAX_SERIAL)


@pytest.mark.parametrize("text", ["", "S00003500105", "A000035001051", "S00003500105１"])
def test_a_prefix_of_another_form_is_refused(text):
    with pytest.raises(InvalidCertificateNumberError, match="13 位"):
        parse_prefix(text)


def test_old_sixteen_digit_numbers_are_read():
    old = parse_old_number("1503000000400123")
    assert old == OldQualificationNumber(2015, "03", "00", "0", "000", "4", "00123")
    assert parse_old_number("9903001123300001").year == 1999
    assert parse_previous_certificate("1503000000400123") == old
    assert parse_previous_certificate(REAL) == parse_number(REAL)


@pytest.mark.parametrize("number", ["150300000040012", "1503009000400123", "1503000000900123", "15030000004001X3"])
def test_impossible_old_numbers_are_refused(number):
    with pytest.raises(InvalidCertificateNumberError, match="16 位"):
        parse_old_number(number)

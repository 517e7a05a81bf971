"""Identity numbers: what is refused, what is read from them, how they are shown."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.national_id import (
    PROVINCES,
    IdKind,
    Sex,
    check_character,
    check_id_number,
    mask_id,
    mask_id_public,
    mask_name,
)

TODAY = dt.date(2026, 11, 22)
VECTOR = "11010519491231002X"


def check(number, kind=IdKind.RESIDENT_ID):
    return check_id_number(kind, number, today=TODAY)


@st.composite
def resident_ids(draw):
    province = draw(st.sampled_from([p for p in PROVINCES if p[0] != "8"]))
    birth = draw(st.dates(dt.date(1900, 1, 1), TODAY))
    body = f"{province}{draw(st.integers(0, 9999)):04d}{birth:%Y%m%d}{draw(st.integers(0, 999)):03d}"
    return body + check_character(body)


def test_the_published_example_is_valid_and_read():
    result = check(VECTOR)
    assert (result.errors, result.warnings) == ((), ())
    assert result.birth_date == dt.date(1949, 12, 31)
    assert result.sex is Sex.FEMALE


@settings(deadline=None)
@given(resident_ids())
def test_every_well_formed_number_passes(number):
    result = check(number)
    assert result.is_valid
    assert result.birth_date == dt.date.fromisoformat(f"{number[6:10]}-{number[10:12]}-{number[12:14]}")
    assert (result.sex is Sex.MALE) == (number[16] in "13579")


@settings(deadline=None)
@given(resident_ids(), st.data())
def test_every_single_wrong_character_is_found(number, data):
    position = data.draw(st.integers(0, 17))
    allowed = "0123456789X" if position == 17 else "0123456789"
    other = data.draw(st.sampled_from([c for c in allowed if c != number[position]]))
    assert not check(number[:position] + other + number[position + 1 :]).is_valid


@settings(deadline=None)
@given(resident_ids(), st.integers(0, 16))
def test_every_swap_of_neighbours_is_found(number, position):
    left, right = number[position], number[position + 1]
    if left == right:
        assert check(number).is_valid
        return
    assert not check(number[:position] + right + left + number[position + 2 :]).is_valid


@pytest.mark.parametrize(
    ("number", "fragment"),
    [
        ("", "为空"),
        ("110105491231002", "一代身份证"),
        ("1.10105194912310E+17", "科学计数"),
        ("11010519491231002", "18 位"),
        ("1101051949123100AX", "前 17 位"),
        ("11010519490231002X", "出生日期"),
        ("110105205001010023", "晚于今天"),
        ("110105189912310021", "1900"),
        ("110105194912310021", "校验位"),
    ],
)
def test_each_fault_is_named(number, fragment):
    errors = check(number).errors
    assert any(fragment in error for error in errors), errors


def test_full_width_spaces_and_small_x_are_mended():
    assert check("１１０１０５ 19491231 002x").normalised == VECTOR
    assert check("１１０１０５ 19491231 002x").is_valid


def test_an_unknown_region_is_only_a_warning():
    body = "510202" + "19900101" + "001"
    assert check(body + check_character(body)).warnings == ()
    body = "190101" + "19900101" + "001"
    result = check(body + check_character(body))
    assert result.is_valid
    assert "省级代码" in result.warnings[0]


@pytest.mark.parametrize("prefix", ["810000", "820000", "830000"])
def test_residence_permits_of_hong_kong_macao_and_taiwan_pass(prefix):
    number = prefix + "19900307" + "123"
    number += check_character(number)
    assert check(number, IdKind.RESIDENCE_PERMIT_HMT).is_valid
    assert "证件类型" in check(number).errors[0]
    assert "开头" in check(VECTOR, IdKind.RESIDENCE_PERMIT_HMT).errors[0]


def test_the_new_foreign_card_begins_with_9_and_the_old_one_is_still_taken():
    number = "911" + "840" + "19850615" + "012"
    number += check_character(number)
    assert check(number, IdKind.FOREIGN_PERMANENT_RESIDENT).is_valid
    assert check(number, IdKind.FOREIGN_PERMANENT_RESIDENT).warnings == ()
    assert "外国人" in check(number).errors[0]
    assert "9 开头" in check(VECTOR, IdKind.FOREIGN_PERMANENT_RESIDENT).errors[0]
    old = check("USA310085061523", IdKind.FOREIGN_PERMANENT_RESIDENT)
    assert old.is_valid
    assert "旧版" in old.warnings[0]


def test_passports_and_officer_cards_have_their_own_form():
    assert check("e1234 5678", IdKind.PASSPORT).normalised == "E12345678"
    assert check("E12345678", IdKind.PASSPORT).is_valid
    assert not check("护照一号", IdKind.PASSPORT).is_valid
    assert check("军字第2001988号", IdKind.OFFICER_CARD).is_valid
    assert not check("2001988", IdKind.OFFICER_CARD).is_valid


def test_masks_hide_what_they_should():
    assert mask_id(VECTOR) == "110105********002X"
    assert mask_id_public(VECTOR) == "1****************X"
    assert mask_id("E12345678") == "E1*****78"
    assert mask_id("A1") == "**"
    assert mask_name("张三丰") == "张*"
    assert mask_name(" ") == ""


@settings(deadline=None)
@given(st.text(max_size=30))
def test_a_mask_keeps_the_length_and_never_shows_the_middle(number):
    masked = mask_id(number)
    assert len(masked) == len(number)
    assert masked[6:-4].strip("*") == ""

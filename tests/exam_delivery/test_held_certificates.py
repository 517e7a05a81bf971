"""The certificate that a candidate already holds: its number is checked when the roster is read."""

from __future__ import annotations

import datetime as dt

import pytest

from exam_delivery.rules.roster import RosterContext, read_rows
from exam_delivery.rules.roster_columns import REGISTRATION_HEADINGS, find_columns
from kernel.spreadsheets import Sheet
from tests.factories.certification import id_number

OLD = "1503000000400123"
NEW = "S000035001051243000362"


def rows_of(*held: tuple[str, str, str], refuses: bool = False) -> list:
    """Read the 33-column layout with one person for each (has one, level, number)."""
    lines = [REGISTRATION_HEADINGS]
    for n, (answer, level, number) in enumerate(held, 1):
        cells = {
            "证件号码": id_number(n), "姓名": "演示考生", "是否有职业资格证书": answer, "证书等级": level, "证书编号": number,
        }  # fmt: skip
        lines.append(tuple(cells.get(name, "") for name in REGISTRATION_HEADINGS))
    sheet = Sheet("名单", tuple(lines))
    context = RosterContext(
        dt.date(2026, 11, 22), "人工智能训练师", "3", "三级/高级工", 16, refuses_certificates=refuses
    )
    plan = find_columns(sheet.rows)
    assert plan
    return read_rows(sheet, plan, context)


def found(row) -> list:
    return [(one.column, one.message % one.params) for one in row.warnings]


def test_right_numbers_old_and_new_and_no_certificate_at_all_are_left_in_peace():
    rows = rows_of(("是", "四级/中级工", OLD), ("有", "三级", NEW.lower()), ("否", "", ""), ("", "", ""))
    assert [found(row) for row in rows] == [[], [], [], []]


@pytest.mark.parametrize(
    ("held", "column", "words"),
    [
        (("是", "四级", OLD[:-1]), "证书编号", "有 15 位"),
        (("是", "四级", OLD[:6] + "9" + OLD[7:]), "证书编号", "第 7 位为 0 至 4"),
        (("是", "三级/高级工", OLD), "证书等级", "编号表示 4 级"),
        (("是", "四级", NEW), "证书等级", "编号表示 3 级"),
        (("是", "三级", NEW.replace("S", "X", 1)), "证书编号", "Y 或 S"),
        (("是", "三级", NEW[:13] + "27" + NEW[15:]), "证书编号", "2027"),
        (("是", "三级", ""), "证书编号", "没有填证书编号"),
        (("否", "", OLD), "是否有职业资格证书", "填了没有"),
    ],
)
def test_a_wrong_number_is_pointed_out_in_its_row_and_column(held, column, words):
    (row,) = rows_of(held)
    assert row.is_valid
    ((told, message),) = found(row)
    assert told == column
    assert words in message


def test_one_certificate_of_two_people_is_pointed_out_at_both_and_refused_where_the_rules_say_so():
    first, second, other = rows_of(("是", "四级", OLD), ("是", "四级", f" {OLD}"), ("是", "三级", NEW))
    assert "第 3 行" in found(first)[0][1]
    assert "第 2 行" in found(second)[0][1]
    assert found(other) == []
    strict = rows_of(("是", "四级", OLD), ("是", "四级", OLD), ("是", "三级", NEW), refuses=True)
    assert [row.is_valid for row in strict] == [False, False, True]
    assert {one.column for one in strict[0].problems} == {"证书编号"}

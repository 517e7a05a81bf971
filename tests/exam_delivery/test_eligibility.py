"""Who may register: rules written as lines, held against the columns of a roster."""

from __future__ import annotations

import datetime as dt

import pytest

from exam_delivery.rules import keys
from exam_delivery.rules.eligibility import NOTE, judge, parse_ways
from exam_delivery.rules.roster import RosterContext, read_rows
from exam_delivery.rules.roster_columns import find_columns
from kernel.errors import InvalidInputError
from kernel.profiles.registry import all_keys
from kernel.spreadsheets import Sheet
from tests.exam_delivery.world import id_number

RULES = """\
# 四级两条，符合一条即可
四级：专业年限 >= 4
四级: 证书等级 不低于 五级 且 从事本职业(工种)时间≥1
三级/高级工：年龄 >= 20 且 文化程度 含 专
"""


@pytest.mark.parametrize(
    ("level", "values", "expected"),
    [
        ("四级/中级工", {"专业年限": "4年", "证书等级": ""}, True),
        ("四级/中级工", {"专业年限": "48个月"}, True),
        ("四级/中级工", {"专业年限": "3", "证书等级": "初级工", "从事本职业（工种）时间": "1"}, True),
        ("四级/中级工", {"专业年限": "3", "证书等级": "四级", "从事本职业（工种）时间": "2年"}, True),
        ("四级/中级工", {"专业年限": "3", "证书等级": "五级", "从事本职业（工种）时间": "0.5"}, False),
        ("四级/中级工", {"专业年限": "3", "证书等级": "5", "从事本职业（工种）时间": "1"}, True),
        ("四级/中级工", {"专业年限": "3"}, None),
        ("四级/中级工", {}, None),
        ("三级/高级工", {"年龄": "20", "文化程度": "大专"}, True),
        ("三级/高级工", {"年龄": "19", "文化程度": ""}, False),
        ("三级/高级工", {"年龄": "40", "文化程度": "初中"}, False),
        ("一级/高级技师", {}, True),
    ],
)
def test_one_way_that_holds_is_enough_and_what_is_not_told_makes_nobody_ineligible(level, values, expected):
    assert judge(parse_ways(RULES), level, values).is_eligible is expected


def test_a_refusal_names_the_ways_and_a_gap_names_the_columns():
    ways = parse_ways(RULES)
    refused = judge(ways, "四级", {"专业年限": "1", "证书等级": "五级", "从事本职业（工种）时间": "0"})
    assert len(refused.ways) == 2
    assert judge(ways, "四级", {"专业年限": "1", "证书等级": "五级"}).missing == ("从事本职业（工种）时间",)


@pytest.mark.parametrize(
    "line", ["四级 专业年限 >= 4", "大专：专业年限 >= 4", "四级：工龄 >= 4", "四级：专业年限", "四级："]
)
def test_a_line_that_cannot_be_read_is_named_before_the_rules_are_published(line):
    with pytest.raises(InvalidInputError, match=line.split("：")[0]):
        all_keys()[keys.ELIGIBILITY].check(line)


def test_what_ships_explains_itself_and_checks_nobody():
    assert all_keys()[keys.ELIGIBILITY].default == NOTE
    assert parse_ways(NOTE) == ()


def rows_of(*years: str, refuses: bool) -> list:
    """Read a roster with one person for each number of years."""
    head = ("姓名", "证件号码", "专业年限")
    lines = [head, *((f"演示考生{n}", id_number(n), text) for n, text in enumerate(years, 1))]
    sheet = Sheet("名单", tuple(tuple(line) for line in lines))
    context = RosterContext(
        dt.date(2026, 11, 22), "人工智能训练师", "4", "四级/中级工", 16, parse_ways("四级：专业年限 >= 4"),
        refuses_ineligible=refuses,
    )  # fmt: skip
    plan = find_columns(sheet.rows)
    assert plan
    return read_rows(sheet, plan, context)


def warned(row) -> list:
    return [one for one in row.warnings if one.column == "申报条件"]


def test_by_default_the_preview_points_out_and_imports_all_the_same():
    good, short, silent = rows_of("5", "2", "", refuses=False)
    assert (good.is_valid, short.is_valid, silent.is_valid) == (True, True, True)
    assert warned(good) == []
    assert "四级：专业年限 >= 4" in warned(short)[0].params["ways"]
    assert "专业年限" in warned(silent)[0].params["columns"]


def test_where_the_rules_say_so_the_ineligible_are_not_imported_and_name_the_column():
    good, short, silent = rows_of("5", "2", "", refuses=True)
    assert (good.is_valid, short.is_valid, silent.is_valid) == (True, False, True)
    assert short.problems[0].column == "申报条件"

"""The 21-column roster: the annex's columns in their order, out and back through Excel without loss."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certification.rules.roster import ROSTER_COLUMNS, RosterRow, read_roster, roster_cells, roster_header
from kernel.errors import InvalidInputError
from kernel.spreadsheets import TableSheet, clean_text, read_table, write_table

ROW = RosterRow(
    sequence=1,
    body_code="S000035001051",
    body_name="演示评价机构",
    name="演示甲",
    id_kind="居民身份证",
    id_number="11010519491231002X",
    sex="女",
    birth_date=dt.date(1949, 12, 31),
    phone="13800000000",
    email="demo@example.invalid",
    is_own_employee=False,
    employer="演示单位",
    years_in_occupation="6年",
    position="演示岗位",
    joined_on=dt.date(2020, 7, 1),
    occupation_code="4-04-05-05",
    occupation_name="人工智能训练师",
    trade_name="",
    skill_level="三级/高级工",
    certificate_number="S000035001051263000001",
    issued_on=dt.date(2026, 11, 30),
)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12).map(clean_text)
DATES = st.none() | st.dates(dt.date(1000, 1, 1))


def test_the_columns_are_those_of_the_annex_in_its_order():
    assert roster_header() == [
        "序号",
        "评价机构编码",
        "评价机构名称",
        "姓名",
        "证件类型",
        "证件号",
        "性别",
        "出生日期",
        "联系电话",
        "电子邮箱",
        "是否本企业职工",
        "所在单位",
        "从事本职业（工种）时间",
        "所在岗位",
        "入职时间",
        "职业编码",
        "职业名称",
        "工种名称",
        "职业技能等级",
        "证书编号",
        "发证日期",
    ]


def test_a_roster_survives_excel_with_its_title():
    data = write_table([TableSheet("名册", roster_header(), [roster_cells(ROW)], title="职业技能等级认定人员名册")])
    reading = read_roster(read_table(data)[0].rows)
    assert (reading.rows, reading.problems) == ((ROW,), ())


@settings(deadline=None)
@given(
    st.builds(
        RosterRow,
        sequence=st.integers(1, 10**6),
        is_own_employee=st.none() | st.booleans(),
        birth_date=DATES,
        joined_on=DATES,
        issued_on=DATES,
        **{name: TEXT for name in ROSTER_COLUMNS if RosterRow.__annotations__[name] == "str"},
    )
)
def test_every_row_reads_back_as_it_was(row):
    assert read_roster([roster_header(), roster_cells(row)]).rows == (row,)


def test_columns_in_another_order_with_line_breaks_and_narrow_brackets_are_found():
    header = [title.replace("（", "\n(").replace("）", ")\n") for title in roster_header()][::-1]
    assert read_roster([["演示名册"], header, roster_cells(ROW)[::-1], [], [""]]).rows == (ROW,)


def test_dates_in_the_usual_spellings_are_read():
    for text in ("1949/12/31", "1949.12.31", "1949年12月31日", "19491231"):
        cells = roster_cells(ROW)
        cells[7] = text
        assert read_roster([roster_header(), cells]).rows == (ROW,)


def test_a_cell_that_cannot_be_read_is_named_with_its_row_and_the_others_are_kept():
    bad = roster_cells(ROW)
    bad[0], bad[7], bad[10], bad[20] = "一", "1949-02-30", "可能", "明天"
    reading = read_roster([["标题"], roster_header(), bad, roster_cells(ROW)])
    assert reading.rows == (ROW,)
    assert [(p.row, p.column) for p in reading.problems] == [
        (3, "序号"),
        (3, "出生日期"),
        (3, "是否本企业职工"),
        (3, "发证日期"),
    ]
    assert "1949-02-30" in str(reading.problems[1])


def test_missing_and_doubled_columns_and_a_missing_header_are_refused():
    with pytest.raises(InvalidInputError, match="发证日期"):
        read_roster([roster_header()[:-1]])
    with pytest.raises(InvalidInputError, match="重复：姓名"):
        read_roster([[*roster_header(), "姓名"]])
    with pytest.raises(InvalidInputError, match="表头"):
        read_roster([["甲", "乙"]])

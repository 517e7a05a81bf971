from __future__ import annotations

import io
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.errors import InvalidInputError
from qbank.rules.figures import read_ratio
from qbank.rules.findings import Severity
from qbank.rules.outline import Importance, OutlineTree, PointRow, ScopeRow, build_tree, next_code
from qbank.rules.outline_layouts import ParsedOutline, parse_outline
from qbank.rules.standards import OutlineLayout
from qbank.rules.weight_layouts import KnownLevel, match_level, parse_weights
from qbank.services.outline_export import OutlineHead, template_tree, write_outline
from qbank.services.outline_import import compare_outlines, read_outline_file

HEAD = OutlineHead("演示职业", "四级", "演示版")
HEADER = [
    "一级名称",
    "一级代码",
    "一级重要程度比例",
    "一级鉴定比重",
    "二级名称",
    "二级代码",
    "二级重要程度比例",
    "二级鉴定比重",
    "三级名称",
    "三级代码",
    "三级重要程度比例",
    "三级鉴定比重",
    "鉴定点代码",
    "鉴定点名称",
    "重要程度",
]
FIRST = ["基本要求", "A", "01:01:00", "100", "职业道德", "A", "01:01:00", "100", "职业守则", "A", "01:01:00", "100", "001", "守则的概念", "Y"]  # fmt: skip
BLANK = [""] * 12


def facts(tree: OutlineTree) -> tuple[list[object], list[object]]:
    scopes = [(s.full_code, s.row.name, s.weight_percent, str(s.importance_counts)) for s in tree.walk()]
    points = [(p.full_code, p.row.name, p.row.importance, p.row.score) for p in tree.all_points()]
    return scopes, points


def parse(*rows: list[str], importance: Importance = Importance.CORE) -> ParsedOutline:
    parsed = parse_outline(list(rows), default_importance=importance)
    assert parsed is not None
    return parsed


def texts(parsed: ParsedOutline, severity: Severity) -> list[str]:
    return [f.template % f.context for f in parsed.findings if f.severity is severity]


def test_blank_range_cells_repeat_the_range_above():
    parsed = parse(HEADER, FIRST, [*BLANK, "002", "守则的内容", "X"])
    assert [p.full_code for p in parsed.tree.all_points()] == ["A-A-A-001", "A-A-A-002"]
    assert (parsed.differences, parsed.findings) == ((), ())
    assert parsed.tree.weight_percent == Decimal(100)


def test_a_blank_range_does_not_reach_into_the_next_higher_range():
    other = ["相关知识", "B", "", "", "线路", "A", "", "", "", "", "", "", "001", "导线", "X"]
    parsed = parse(HEADER, FIRST, other)
    assert [p.full_code for p in parsed.tree.all_points()] == ["A-A-A-001", "B-A-001"]


def test_planted_ratios_and_weights_are_reported_with_row_typed_and_computed():
    wrong = list(FIRST)
    wrong[2], wrong[7], wrong[10] = "02:01:00", "90", "01:00:00"
    parsed = parse(HEADER, wrong, [*BLANK, "002", "守则的内容", "X"])
    found = [(d.row, d.full_code, d.figure, d.typed, d.computed) for d in parsed.differences]
    assert found == [
        (2, "A", "ratio", "02:01:00", "01:01:00"),
        (2, "A-A", "weight", "90", "100"),
        (2, "A-A-A", "ratio", "01:00:00", "01:01:00"),
    ]
    assert parsed.is_usable


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [
        (14, "W", "重要程度“W”应为 X、Y 或 Z"),
        (12, "001", "鉴定点代码 A-A-A-001 与第 2 行重复"),
        (13, "", "鉴定点 002 没有名称"),
        (11, "很多", "“很多”不是 0 到 100 的数"),
        (8, "别的名称", "代码 A-A-A 已是“职业守则”（第 2 行），这里又写作“别的名称”"),
    ],
)
def test_a_bad_cell_stops_the_import_and_names_its_row(column, text, message):
    row = [*FIRST[:12], "002", "守则的内容", "X"]
    row[column] = text
    parsed = parse(HEADER, FIRST, row)
    errors = [f for f in parsed.findings if f.severity is Severity.ERROR]
    assert [(f.template % f.context, f.row) for f in errors] == [(message, 3)]
    assert not parsed.is_usable


def test_a_weight_that_two_rows_state_differently_is_told():
    row = [*FIRST[:12], "002", "守则的内容", "X"]
    row[11] = "40"
    assert texts(parse(HEADER, FIRST, row), Severity.WARNING) == [
        "A-A-A 的鉴定比重在第 2 行写作 100，这里写作 40；按前者处理"
    ]


def test_missing_codes_are_given_in_sequence_and_told():
    first, second = list(FIRST), [*FIRST[:12], "", "守则的内容", "X"]
    second[8], second[9] = "职业道德知识", ""
    parsed = parse(HEADER, first, second)
    assert [p.full_code for p in parsed.tree.all_points()] == ["A-A-A-001", "A-A-B-001"]
    assert "“职业道德知识”没有代码，已补为 B" in texts(parsed, Severity.NOTE)


def test_weights_kept_as_parts_of_one_become_percentages():
    row = list(FIRST)
    row[3] = row[7] = row[11] = "1"
    parsed = parse(HEADER, row)
    assert parsed.tree.weight_percent == Decimal(100)


def test_totals_and_repeated_headers_are_no_points():
    parsed = parse(HEADER, FIRST, HEADER, ["合计", "", "", "100"])
    assert parsed.tree.n_points == 1
    assert parsed.is_usable


def test_one_cell_may_hold_name_code_ratio_and_weight():
    header = ["一级鉴定范围", "二级鉴定范围", "三级鉴定范围", "代码", "鉴定点名称", "重要程度"]
    header[3] = "鉴定点代码"
    row = ["基本要求\nA\n(01:00:00)\n25", "职业道德 A (01:00:00) 25", "职业守则\nB\n(00:01:00)\n25", "001", "概念", "X"]
    parsed = parse(header, row)
    assert [p.full_code for p in parsed.tree.all_points()] == ["A-A-B-001"]
    assert [(d.full_code, d.typed) for d in parsed.differences] == [("A-A-B", "00:01:00")]
    assert parsed.tree.weight_percent == Decimal(25)


def test_the_chapter_layout_with_a_row_for_every_node():
    rows = [
        ["代码", "名称", "分值"],
        ["0", "基本要求", ""], ["0.1", "职业道德", ""], ["0.1.1", "职业守则", "10"],
        ["0.1.1.1", "守则的概念", "4"], ["0.1.1.2", "守则的内容", "5"],
    ]  # fmt: skip
    parsed = parse(*rows, importance=Importance.GENERAL)
    assert parsed.layout is OutlineLayout.CHAPTER
    assert [(p.full_code, p.row.score) for p in parsed.tree.all_points()] == [
        ("0.1.1.1", Decimal(4)), ("0.1.1.2", Decimal(5)),
    ]  # fmt: skip
    assert [(d.full_code, d.figure, d.typed, d.computed) for d in parsed.differences] == [("0.1.1", "score", "10", "9")]
    assert texts(parsed, Severity.NOTE) == ["2 个鉴定点没有重要程度，按 Y 处理"]


def test_the_chapter_layout_with_four_narrow_code_columns():
    rows = [
        ["章", "节", "单元", "点", "名称", "分值"],
        ["1", "", "", "", "数据采集", ""], ["1", "2", "", "", "数据整理", ""], ["1", "2", "1", "", "归类", ""],
        ["1", "2", "1", "1", "归类的方法", "3"], ["", "", "", "2", "归类的步骤", "2"],
    ]  # fmt: skip
    parsed = parse(*rows)
    assert [p.full_code for p in parsed.tree.all_points()] == ["1.2.1.1", "1.2.1.2"]
    assert parsed.tree.weight_percent == Decimal(5)


def test_a_code_with_too_many_parts_is_an_error():
    parsed = parse(["代码", "名称"], ["1", "章"], ["1.1.1.1.1", "太深"])
    assert texts(parsed, Severity.ERROR) == ["代码 1.1.1.1.1 应为 章.节.单元.点 四段数字"]


def test_a_workbook_with_title_rows_and_merged_cells_is_read():
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["理论知识鉴定要素细目表"])
    sheet.append(["职业：演示", "", "等级：四级"])
    sheet.append(["一级 鉴定范围", *[""] * 3, "二级 鉴定范围", *[""] * 3, "三级 鉴定范围", *[""] * 3, "鉴定点", "", ""])
    sheet.append([*["名称", "代码", "重要程度比例", "鉴定比重"] * 3, "代码", "名称", "重要程度"])
    sheet.append(FIRST)
    sheet.append([*BLANK, "002", "守则的内容", "Ｘ"])
    for column in "ABCDEFGHIJKL":
        sheet.merge_cells(f"{column}5:{column}6")
    buffer = io.BytesIO()
    book.save(buffer)
    parsed = read_outline_file(buffer.getvalue())
    assert [p.full_code for p in parsed.tree.all_points()] == ["A-A-A-001", "A-A-A-002"]
    assert parsed.differences == ()


@pytest.mark.parametrize("layout", list(OutlineLayout))
def test_the_template_reads_back_as_itself(layout):
    tree = template_tree(layout)
    parsed = read_outline_file(write_outline(tree, HEAD))
    assert facts(parsed.tree) == facts(tree)
    assert parsed.layout is layout


NAMES = st.text(alphabet="电工安全用导线变压器0123ABC", min_size=1, max_size=6)


@st.composite
def outlines(draw: st.DrawFn) -> OutlineTree:
    """Draw an outline three levels deep, with points in all leaves and weights in some."""
    layout = draw(st.sampled_from(list(OutlineLayout)))
    scopes: list[ScopeRow] = []
    points: list[PointRow] = []

    def grow(parent: str | None, depth: int) -> None:
        codes: list[str] = []
        for position in range(1, draw(st.integers(1, 2)) + 1):
            codes.append(next_code(layout, codes))
            key = f"{parent}/{codes[-1]}"
            weight = Decimal(draw(st.integers(2, 30))) if depth == 3 else None
            scopes.append(ScopeRow(key, parent, depth, codes[-1], "范围" + draw(NAMES), weight, position))
            if depth < 3:
                grow(key, depth + 1)
                continue
            held: list[str] = []
            for number in range(1, draw(st.integers(1, 4)) + 1):
                held.append(next_code(layout, held, is_point=True))
                importance = draw(st.sampled_from(list(Importance)))
                points.append(PointRow(f"{key}#{number}", key, held[-1], draw(NAMES), importance, None, number))

    grow(None, 1)
    return build_tree(layout, scopes, points)


@settings(max_examples=25, deadline=None)
@given(outlines())
def test_what_is_exported_imports_as_the_same_outline(tree):
    rows = [list(row) for row in exported_rows(write_outline(tree, HEAD))]
    parsed = parse(*rows)
    assert facts(parsed.tree) == facts(tree)
    assert (parsed.differences, parsed.findings) == ((), ())


def exported_rows(data: bytes):
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    for row in sheet.iter_rows(values_only=True):
        yield ["" if cell is None else str(cell) for cell in row]


def test_saving_again_tells_what_is_added_changed_and_removed():
    old = parse(HEADER, FIRST, [*BLANK, "002", "守则的内容", "X"], [*BLANK, "003", "删去的", "X"]).tree
    new = parse(HEADER, FIRST, [*BLANK, "002", "守则的要求", "X"], [*BLANK, "004", "新增的", "X"]).tree
    changes = compare_outlines(old, new)
    assert changes.n_same == 1
    assert (changes.added, changes.changed, changes.removed) == (("A-A-A-004",), ("A-A-A-002",), ("A-A-A-003",))


def test_a_table_of_something_else_is_refused_in_words():
    with pytest.raises(InvalidInputError, match="没有找到细目表"):
        read_outline_file("题干,选项A,答案\n一,二,A\n".encode())


@pytest.mark.parametrize(
    ("typed", "counts"),
    [
        ("(132:21:00)", "132:21:00"), ("（05：02：00）", "05:02:00"), ("17:09:01", "17:09:01"),
        ("5 days, 12:21:00", "132:21:00"), ("1900-01-05 12:21:00", "132:21:00"), ("0.5", "12:00:00"),
    ],
)  # fmt: skip
def test_a_ratio_that_a_spreadsheet_took_for_a_time_is_understood(typed, counts):
    assert str(read_ratio(typed)) == counts


def test_codes_go_on_after_z():
    assert next_code(OutlineLayout.CLASSIC, ["Z"]) == "AA"
    assert next_code(OutlineLayout.CLASSIC, ["AZ", "B"]) == "BA"


# --- weight tables ---------------------------------------------------------------------------------------------------

LEVELS = [KnownLevel("5", "五级/初级工"), KnownLevel("4", "四级/中级工"), KnownLevel("4A", "四级（甲等）")]


@pytest.mark.parametrize(
    ("label", "code"),
    [("L5", "5"), ("L4_middle", "4"), ("四级", "4"), ("中级工（%）", "4"), ("4A", "4A"), ("三级", ""), ("备注", "")],
)
def test_a_heading_names_a_level(label, code):
    assert match_level(label, LEVELS) == code


def test_a_printed_weight_table_with_merged_names_is_read_and_its_totals_are_checked():
    rows = [
        ["项目", "", "五级（%）", "四级（%）"],
        ["基本要求", "职业道德", "5", "5"], ["", "基础知识", "25", "20"],
        ["相关知识要求", "线路装调", "70", "—"], ["", "设备维护", "", "75"],
        ["合计", "", "100", "90"],
    ]  # fmt: skip
    parsed = parse_weights(rows, LEVELS)
    assert parsed is not None
    five, four = parsed.columns
    assert [(line.function_name, line.name, line.theory_percent) for line in five.lines] == [
        ("", "职业道德", Decimal(5)), ("", "基础知识", Decimal(25)), ("", "线路装调", Decimal(70)),
    ]  # fmt: skip
    assert four.total == Decimal(100)
    assert [f.template % f.context for f in parsed.findings] == ["“四级（%）”一列写明合计 90，实际合计 100"]


def test_tasks_belong_to_the_function_above_them():
    rows = [["group", "function", "item", "L5"], ["相关知识", "生活照料", "清洁", "15"], ["", "", "睡眠", "5"], ["", "技术护理", "给药", "80"]]  # fmt: skip
    parsed = parse_weights(rows, LEVELS)
    assert parsed is not None
    names = [(line.function_name, line.name) for line in parsed.columns[0].lines]
    assert names == [("生活照料", "清洁"), ("生活照料", "睡眠"), ("技术护理", "给药")]


def test_two_columns_for_one_level_are_refused():
    parsed = parse_weights([["项目", "L5", "五级"], ["职业道德", "100", "100"]], LEVELS)
    assert parsed is not None
    assert not parsed.is_usable

"""Two-way tables from Excel, tidy or not, with a report of every row; blueprints taken out; copies for other levels."""

from __future__ import annotations

import io
import json
import random
from decimal import Decimal

import pytest
from sqlalchemy import select

from blueprints.models import ExamBlueprint
from blueprints.rules.edition_mapping import map_spec
from blueprints.rules.scope_matching import NamedScope, match_scopes
from blueprints.rules.two_way_import import read_two_way, spec_of_table
from blueprints.services import blueprints, exchange
from kernel.errors import ForbiddenError
from kernel.identity.permissions import Role
from kernel.spreadsheets import TableSheet, read_table, write_table
from kernel.uow import unit_of_work
from qbank.models.standards import AssessmentScope, StandardLevel
from qbank.rules.standards import OutlineStatus
from tests.blueprints.bank_cases import MOMENT, fill_bank, small_spec

SCOPES = [
    NamedScope("A", "基本要求", 1, None), NamedScope("A-A", "职业道德", 2, "A"), NamedScope("A-B", "基础知识", 2, "A"),
    NamedScope("B", "相关知识要求", 1, None), NamedScope("B-A", "低压线路安装", 2, "B"),
    NamedScope("B-B", "低压线路检修", 2, "B"),
]  # fmt: skip


def read(*rows):
    return read_two_way(
        [("说明", [["某鉴定所"]]), ("细目", [[str(cell) for cell in row] for row in rows])], SCOPES, "a.xlsx"
    )


def test_a_tidy_table_becomes_counts_weights_and_marks():
    reading = read(
        ["范围代码", "鉴定范围", "比重（%）", "单项选择题", "判断题", "合计"],
        ["A-A", "职业道德", "10", "5", "5", "10"], ["A-B", "基础知识", "30%", "20", "10", ""],
        ["B-A", "低压线路安装", "0.6", "55", "5", ""], ["合计", "", "100", "80", "20", "100"], ["每题分值", "", "", "1", "1", ""],
    )  # fmt: skip
    assert reading.is_usable
    assert reading.weights == {"A-A": 10, "A-B": 30, "B-A": 60}
    assert reading.counts["A-B", "true_false"] == 10
    assert {kind: reading.totals[kind] for kind in reading.totals} == {"single_choice": 80, "true_false": 20}
    spec = spec_of_table(reading, {})
    assert (spec["n_items"], spec["total_score"]) == (100, 100)
    assert {"scope": "A-A", "type": "single_choice", "count": [5, 5]} in spec["cells"]


def test_a_messy_table_is_read_and_every_row_has_its_fate():
    reading = read(
        ["低压电工四级理论知识双向细目表"], [],
        ["鉴定范围", "", "单选题", "", "判断题（对错）", "", "备注"],
        ["一级", "二级", "题数", "分数", "题数", "分数", ""],
        ["基本要求", "职业道德", "5", "5", "5", "2.5", ""], ["", "基础 知识", "15", "15", "10", "5", "重点"],
        ["相关知识", "低压线路安装", "20", "20", "—", "", ""], ["", "没有的范围", "", "", "", "", ""],
        ["小计", "", "40", "40", "15", "7.5", ""],
    )  # fmt: skip
    assert reading.errors == []
    assert reading.counts == {
        ("A-A", "single_choice"): 5, ("A-A", "true_false"): 5, ("A-B", "single_choice"): 15,
        ("A-B", "true_false"): 10, ("B-A", "single_choice"): 20,
    }  # fmt: skip
    spec = spec_of_table(reading, {})
    assert [(rule["type"], rule["score_each"]) for rule in spec["types"]] == [("single_choice", 1), ("true_false", 0.5)]
    assert sum(rule["percent"] for rule in spec["weights"]) == pytest.approx(100, abs=0.01)
    assert [row.row for row in reading.rows] == [1, 3, 4, 5, 6, 7, 8, 9]
    assert {row.kind for row in reading.rows} == {"used", "skipped"}


def test_rows_that_cannot_be_taken_are_named_with_their_place():
    reading = read(
        ["代码", "单选", "多选"], ["A-A", "五", "2"], ["Z-Z", "3", ""], ["A-B", "2.5", ""], ["B-A", "1", ""], ["B-A", "1", ""]
    )  # fmt: skip
    assert not reading.is_usable
    said = [(row.file, row.sheet, row.row, row.message[0] % row.message[1]) for row in reading.errors]
    assert said == [
        ("a.xlsx", "细目", 2, "“五”不是题数"), ("a.xlsx", "细目", 3, "在细目表中没有找到这个范围，请核对代码或名称"),
        ("a.xlsx", "细目", 4, "“2.5”不是题数"), ("a.xlsx", "细目", 6, "范围 B-A 出现了不止一行，请合并"),
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(30))
def test_no_table_of_nonsense_breaks_the_reader(seed):
    rng = random.Random(seed)
    words = [
        "范围",
        "代码",
        "单选",
        "判断题",
        "题数",
        "分数",
        "合计",
        "A-A",
        "职业道德",
        "3",
        "-1",
        "1e9",
        "0.5",
        "",
        "%",
        "每题",
        "九",
    ]
    rows = [[rng.choice(words) for _ in range(rng.randint(0, 7))] for _ in range(rng.randint(0, 12))]
    reading = read(*rows)
    if reading.has_header:
        assert len(reading.rows) >= sum(1 for row in rows if any(row)) - 0
    assert all(count >= 0 for count in reading.counts.values())


def test_the_template_of_a_level_is_read_back(bank, assembler, session):
    template = exchange.template_file(session, assembler, bank.standard_level_id)
    rows = [list(row) for row in read_table(template)[0].rows]
    assert rows[0][:3] == ["范围代码", "鉴定范围", "比重（%）"]
    for row in rows:
        if row[0] == "A-A":
            row[3:5] = ["4", "6"]
    data = write_table([TableSheet("表", rows[0], rows[1:])])
    with unit_of_work(assembler) as uow:
        outcome = exchange.import_blueprint(
            uow, bank.standard_level_id, exchange.read_file(data), file="C:\\x\\表.xlsx"
        )
    assert outcome.row is not None
    assert outcome.row.n_items == 10
    assert {report.file for report in outcome.reports} == {"表.xlsx"}
    assert any("合计行" in template for template, _values in outcome.problems)


def test_what_is_taken_out_as_json_or_excel_comes_in_again(sign_in, bank, assembler, session):
    with unit_of_work(assembler) as uow:
        cells = [{"scope": "A-A", "type": "single_choice", "count": [4, 4]}]
        row = blueprints.create_blueprint(
            uow, standard_level_id=bank.standard_level_id, name="原稿", spec=small_spec(cells=cells)
        )
    client = sign_in(Role.ASSEMBLER)
    body = client.get(f"/blueprints/{row.exam_blueprint_id}/blueprint.json").data
    data = {"level": str(bank.standard_level_id), "name": "来自文件", "file": (io.BytesIO(body), "b.json")}
    assert "已建立草稿" in client.post("/blueprints/import", data=data).text
    made = session.scalars(select(ExamBlueprint).where(ExamBlueprint.name == "来自文件")).one()
    assert made.spec == json.loads(body) == row.spec
    sheets = read_table(client.get(f"/blueprints/{row.exam_blueprint_id}/blueprint.xlsx").data)
    assert ("A-A", "范围A", "20", "4") in [line[:4] for line in sheets[0].rows]
    assert any("比重容差" in line[0] for line in sheets[1].rows)


def test_a_file_in_error_makes_no_draft_and_says_why(sign_in, bank, session):
    client = sign_in(Role.ASSEMBLER)

    def send(body, name="表.xlsx"):
        data = {"level": str(bank.standard_level_id), "file": (io.BytesIO(body), name)}
        return client.post("/blueprints/import", data=data)

    broken = write_table([TableSheet("表", ["范围代码", "单选题"], [["A-A", "三"], ["Q", "2"]])])
    answer = send(broken)
    assert answer.status_code == 422
    assert "“三”不是题数" in answer.text
    assert "须改正 2 行" in answer.text
    assert "没有找到双向细目表" in send(write_table([TableSheet("表", ["甲", "乙"], [["1", "2"]])])).text
    for body in (b"", b"{", b'{"n_items": 3}', b"PK\x03\x04nonsense", b'{"x": 1}'):
        assert send(body).status_code == 422, body
    assert client.post("/blueprints/import", data={"level": ""}).status_code == 422
    assert session.scalars(select(ExamBlueprint)).all() == []


def test_only_those_who_write_blueprints_bring_them_in(bank, approver, sign_in):
    with pytest.raises(ForbiddenError), unit_of_work(approver) as uow:
        exchange.import_blueprint(uow, bank.standard_level_id, exchange.read_file(b"{}"), file="x")
    assert sign_in(Role.FORM_APPROVER).get("/blueprints/import").status_code == 403


def test_ranges_are_matched_by_their_names_on_the_way():
    new = [
        NamedScope("A", "基本要求", 1, None), NamedScope("A-A", "职业道德", 2, "A"), NamedScope("A-C", "基础知识", 2, "A"),
        NamedScope("C", "相关知识", 1, None), NamedScope("C-A", "低压电气线路安装", 2, "C"), NamedScope("C-B", "变频器", 2, "C"),
    ]  # fmt: skip
    assert match_scopes(SCOPES, new) == {
        "A": "A", "A-A": "A-A", "A-B": "A-C", "B": "C", "B-A": "C-A",
    }  # fmt: skip


def test_rules_of_every_kind_follow_to_the_new_ranges_or_are_named():
    spec = small_spec(
        sections=[{"name": "甲", "scopes": ["A", "B"], "n_items": 5}, {"name": "乙", "scopes": "B", "n_items": 5}],
        coverage=[{"scope": "B", "importance": "X", "forms": 2}], include=["i1"], earlier={"last": 2, "max_count": 1, "forms": [["a"]]},
    )  # fmt: skip
    mapped = map_spec(spec, {"A": "D", "A-A": "D-A"}, {"D-A": Decimal(20)}, keep_items=False)
    assert mapped.spec["sections"] == [{"name": "甲", "scopes": ["D"], "n_items": 5}]
    assert "coverage" not in mapped.spec
    assert "include" not in mapped.spec
    assert mapped.spec["earlier"] == {"last": 2, "max_count": 1}
    words = [template % values for template, values in mapped.remarks]
    assert sum("范围 B" in line for line in words) >= 3
    assert any("锚题" in line for line in words)


@pytest.fixture
def next_level(bank, session):
    """A level above the bank's with one range renamed and one missing."""
    level = session.get_one(StandardLevel, bank.standard_level_id)
    other = StandardLevel(
        organisation_id=bank.organisation_id, standard_edition_id=level.standard_edition_id, level_code="3",
        name="三级/高级工", rank=3, layout=level.layout, status=OutlineStatus.PUBLISHED, created_at=MOMENT,
    )  # fmt: skip
    session.add(other)
    session.flush()
    shared = {"organisation_id": bank.organisation_id, "standard_level_id": other.standard_level_id}
    root = AssessmentScope(**shared, code="A", name="范围A", position=0, depth=1)
    session.add(root)
    session.flush()
    child = {"parent_id": root.assessment_scope_id, "depth": 2, "weight_percent": 40}
    session.add(AssessmentScope(**shared, **child, code="X", name="范围A", position=0))
    session.flush()
    return other.standard_level_id


def test_a_copy_for_the_next_level_shows_what_maps_before_it_is_made(sign_in, bank, assembler, session, next_level):
    with unit_of_work(assembler) as uow:
        row = blueprints.create_blueprint(uow, standard_level_id=bank.standard_level_id, spec=small_spec())
    client, address = sign_in(Role.ASSEMBLER), f"/blueprints/{row.exam_blueprint_id}/copy"
    page = client.get(f"{address}?level={next_level}").text
    assert "A-A 范围A" in page
    assert "B-A（比重 50）在新版没有对应的范围" in page
    data = {"level": str(next_level), "map-A-A": "A-X", "map-A-B": "", "map-B-A": "A-X", "act": "refresh"}
    assert "比重已相加" in client.post(address, data=data).text
    assert client.post(address, data=data | {"act": "copy", "name": "三级蓝图"}).status_code == 303
    made = session.scalars(select(ExamBlueprint).where(ExamBlueprint.name == "三级蓝图")).one()
    assert made.spec["weights"] == [{"scope": "A-X", "percent": 70}]
    assert (made.standard_level_id, made.level_code, made.copied_from_id) == (next_level, "3", row.exam_blueprint_id)
    same = client.post(address, data={"level": str(bank.standard_level_id), "act": "copy"})
    assert same.status_code == 303
    copy = session.scalars(select(ExamBlueprint).where(ExamBlueprint.name.contains("（副本）"))).one()
    assert copy.spec == row.spec


def test_a_copy_goes_to_no_level_of_another_organisation(sign_in, bank, assembler, other_organisation):
    foreign = fill_bank(other_organisation.organisation_id).standard_level_id
    with unit_of_work(assembler) as uow:
        row = blueprints.create_blueprint(uow, standard_level_id=bank.standard_level_id, spec=small_spec())
    client, address = sign_in(Role.ASSEMBLER), f"/blueprints/{row.exam_blueprint_id}/copy"
    assert client.get(f"{address}?level={foreign}").status_code == 404
    assert client.post(address, data={"level": str(foreign), "act": "copy"}).status_code == 404
    assert client.get(f"/blueprints/template.xlsx?level={foreign}").status_code == 404

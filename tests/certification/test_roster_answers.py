"""The centre gives the roster back as a file: compared cell by cell with what was sent, and taken over as returns."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import json

import pytest

from certification.documents.rendering import roster_workbook
from certification.models import AnswerFileStatus, RosterAnswerFile, RosterReturn
from certification.rules.batch_states import BatchState
from certification.rules.roster import ROSTER_COLUMNS, roster_cells, roster_header
from certification.rules.roster_answers import SheetRows, compare
from certification.rules.roster_layouts import ROSTER_LAYOUT, layout_named, layout_of, read_layout, shipped_layouts
from certification.services import roster_answers, rosters
from kernel import profiles
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.permissions import Role
from kernel.spreadsheets import Sheet, TableSheet, read_table, write_table
from kernel.uow import unit_of_work
from tests.factories.certification import candidate, id_number

NATIONAL = layout_named("national-21")
EXTRA = ["审核结果", "退回项目", "退回原因", "说明"]


@pytest.fixture
def sent(office):
    """A roster of three that is under review."""
    _parcel, batch_id = office.receive([candidate(index) for index in (1, 2, 3)])
    office.decide(batch_id, {"1": "80", "2": "81", "3": "82"})
    office.publish(batch_id)
    office.calendar.set(dt.date(2026, 11, 10))
    office.act(rosters.submit_roster, batch_id)
    return batch_id


def rows_of(office, batch_id):
    batch = office.batch(batch_id)
    return [roster_cells(one) for one in rosters.roster_rows(db.session(), batch)]


def sheet(rows, header=None):
    return write_table(
        [TableSheet("退回", [*roster_header(), *EXTRA] if header is None else header, rows, title="退回名册")]
    )


def answered(rows, **extra):
    """Return rows with the centre's four columns; `extra` maps a place to their texts."""
    return [[*row, *extra.get(f"row{index}", ("通过", "", "", ""))] for index, row in enumerate(rows)]


def read(office, batch_id, content):
    found = roster_answers.sent_roster(db.session(), office.actor, batch_id)
    return found, roster_answers.compare_sheets(found, read_table(content))


def upload(office, batch_id, content):
    found, answer = read(office, batch_id, content)
    key = office.act(roster_answers.keep, found, answer, file_name="退回.xlsx", data=content).roster_answer_file_id
    db.session().expire_all()
    return roster_answers.load(db.session(), office.actor, key)


def test_the_roster_that_comes_back_unchanged_differs_nowhere_and_sends_nothing_back(office, sent):
    _found, answer = read(office, sent, sheet(answered(rows_of(office, sent))))
    assert (answer.n_returned, answer.n_differences, answer.missing, answer.problems) == (0, 0, (), ())
    loaded = upload(office, sent, sheet(answered(rows_of(office, sent))))
    with pytest.raises(InvalidInputError, match="至少登记一处"):
        office.act(roster_answers.apply, loaded, with_differences=True)


def test_reasons_by_field_are_taken_in_and_each_difference_is_named_by_column(office, sent):
    rows = rows_of(office, sent)
    places = {title: index for index, title in enumerate(ROSTER_COLUMNS.values())}
    rows[1][places["所在单位"]], rows[2][places["证件号"]] = "另一家企业", id_number(9)
    content = sheet(
        answered(rows, row0=("退回", "证件号、照片", "与证件不符", "请重扫"), row2=("退回", "", "出生日期格式不对", ""))
    )
    loaded = upload(office, sent, content)
    first, second, third = loaded.answer.lines
    assert [(one.field_name, one.reason_code, one.note) for one in first.returned] == [
        ("id_number", "not_matching_document", "请重扫"), ("photo", "not_matching_document", "请重扫"),
    ]  # fmt: skip
    assert [(one.heading, one.returned) for one in second.differences] == [("所在单位", "另一家企业")]
    assert [one.field_name for one in third.differences] == ["id_number"]
    assert [(one.field_name, one.reason_code) for one in third.returned] == [("birth_date", "format")]
    assert loaded.people[2].name == "演示考生3"
    assert office.act(roster_answers.apply, loaded, with_differences=True) == 5
    assert office.batch(sent).state is BatchState.RETURNED
    kept = db.session.query(RosterReturn).all()
    assert {one.field_name for one in kept} == {"id_number", "photo", "employer", "birth_date"}
    assert all(id_number(9) not in one.note for one in kept)
    file = db.session.query(RosterAnswerFile).one()
    assert (file.status, file.settled_by) == (AnswerFileStatus.APPLIED, office.actor.name)
    with pytest.raises(ConflictError, match="已经处理过"):
        roster_answers.load(db.session(), office.actor, file.roster_answer_file_id)


def test_strangers_doubles_unknown_fields_and_missing_people_are_named_and_nothing_is_taken_over(office, sent):
    rows = rows_of(office, sent)
    stranger = [*rows[0]]
    stranger[0], stranger[3], stranger[5] = "9", "外人", id_number(30)
    content = sheet(answered([rows[0], rows[0], stranger, rows[1]], row3=("退回", "血型", "其他", "")))
    loaded = upload(office, sent, content)
    assert [(one.row, one.message % one.values) for one in loaded.answer.problems] == [
        (4, "此人在文件中出现两次（另见第 3 行）"), (5, "此人不在上报的名册中"), (6, "没有名为“血型”的名册项目"),
    ]  # fmt: skip
    assert [loaded.people[index].name for index in loaded.answer.missing] == ["演示考生3"]
    with pytest.raises(ConflictError, match="3 处问题"):
        office.act(roster_answers.apply, loaded, with_differences=False)
    assert office.batch(sent).state is BatchState.ROSTER_SUBMITTED
    office.act(roster_answers.discard, loaded.file.roster_answer_file_id)
    assert db.session.query(RosterReturn).count() == 0


@pytest.mark.parametrize("content", [b"\x00\x01not a table", b"PK\x03\x04broken", sheet([["甲"]], header=["姓名"])])
def test_a_file_that_is_no_roster_is_refused(office, sent, content):
    with pytest.raises(InvalidInputError):
        read(office, sent, content)


def test_only_the_own_office_reads_a_roster_back_and_only_while_it_is_under_review(
    office, sent, other_office, make_actor
):
    loaded = upload(office, sent, sheet(answered(rows_of(office, sent), row0=("退回", "姓名", "缺项", ""))))
    key = loaded.file.roster_answer_file_id
    for verb in (roster_answers.load, roster_answers.sent_roster):
        with pytest.raises(NotFoundError):
            verb(db.session(), other_office.actor, key if verb is roster_answers.load else sent)
    with pytest.raises(NotFoundError):
        other_office.act(roster_answers.discard, key)
    with pytest.raises(ForbiddenError), unit_of_work(make_actor(Role.MARKER)) as uow:
        roster_answers.discard(uow, key)
    office.act(rosters.approve_roster, sent, reference="核〔2026〕1号")
    with pytest.raises(ConflictError):
        office.act(roster_answers.apply, loaded, with_differences=False)
    with pytest.raises(ConflictError, match="不在审核中"):
        roster_answers.sent_roster(db.session(), office.actor, sent)


def test_an_officer_uploads_previews_and_applies_in_the_browser_with_numbers_masked(office, sent, sign_in):
    rows = rows_of(office, sent)
    rows[0][5], rows[1][8] = id_number(77), "13911112222"
    content = sheet(answered(rows, row2=("退回", "所在单位", "缺项", "")))
    client = sign_in(Role.CERTIFICATION_OFFICER)
    roster = f"/certification/batches/{sent}/roster"
    assert "读入退回名册" in client.get(roster).text
    bad = client.post(f"{roster}/answers", data={"file": (io.BytesIO(b"x,y\n1,2"), "a.csv")}, follow_redirects=True)
    assert "没有与上报名册列名相同的表" in bad.text
    page = client.post(f"{roster}/answers", data={"file": (io.BytesIO(content), "退回.xlsx")}, follow_redirects=True)
    assert page.status_code == 200
    assert all(text in page.text for text in ("所在单位：缺项", "证件号 1", "联系电话 1", "演示考生3"))
    assert not any(text in page.text for text in (id_number(77), id_number(1), "13911112222", "13800000000"))
    key = db.session.query(RosterAnswerFile).one().roster_answer_file_id
    assert "等待登记" in client.get(roster).text
    done = client.post(f"/certification/roster-answers/{key}/apply", follow_redirects=True)
    assert "已登记退回 1 项" in done.text
    assert client.get(f"/certification/roster-answers/{key}").status_code == 409


# --- layouts as data -------------------------------------------------------------------------------------------------


def document(**changes):
    columns = [{"heading": "姓名", "fields": ["name"]}, {"heading": "证件号码", "fields": ["id_number"]}]
    return json.dumps({"format": "kaoku-roster-layout/1", "code": "x", "columns": columns} | changes)


def test_the_national_layout_is_the_annex_and_a_local_one_writes_other_names_order_codes_and_dates(office, sent):
    rows = rosters.roster_rows(db.session(), office.batch(sent))
    assert NATIONAL.header == roster_header()
    assert [NATIONAL.cells(row) for row in rows] == [roster_cells(row) for row in rows]
    local = layout_named("registration-33")
    cells = dict(zip(local.header, local.cells(dataclasses.replace(rows[0], trade_name="数据标注员")), strict=True))
    assert (cells["认定等级"], cells["出生日期"], cells["职业工种名称"]) == (
        "3",
        "19900101",
        "人工智能训练师/数据标注员",
    )
    read_back = read_table(roster_workbook(rows, layout=local))[0].rows
    assert layout_of(read_back, list(shipped_layouts().values())) == (local, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "JSON"),
        ('{"a":' * 3000, "JSON"),
        ("nowhere-1", "没有名为"),
        (document(format="other"), "format"),
        (document(extra=1), "规定的项"),
        (document(columns=[]), "1 至"),
        (document(columns=[{"heading": "姓名", "fields": ["name"]}]), "证件号"),
        (document(columns=[{"heading": "姓名", "fields": ["nickname"]}]), "第 1 列"),
        (document(columns=[{"heading": "姓名", "fields": ["name"], "date": "%Y"}]), "日期写法"),
        (document(columns=[{"heading": "性别", "fields": ["sex"], "values": {"男": "1", "女": "1"}}]), "一一对应"),
        (document(columns=[{"heading": "甲", "fields": ["name"]}, {"heading": "甲 ", "fields": ["id_number"]}]), "重复"),
        (document(answer={"verdict": "审核结果"}), "列表"),
    ],
)  # fmt: skip
def test_a_layout_that_cannot_be_is_refused_with_the_place(text, message):
    with pytest.raises(InvalidInputError, match=message):
        layout_named(text)


def test_an_organisations_own_layout_shapes_what_is_sent_and_what_is_read_back(office, make_actor):
    own = read_layout(document(answer={"verdict": ["审核"], "returned": ["退回"], "reason": ["意见"]}))
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        with pytest.raises(InvalidInputError, match="JSON"):
            profiles.publish(uow, {ROSTER_LAYOUT: "{"}, effective_on=dt.date(2020, 1, 1))
        profiles.publish(
            uow, {ROSTER_LAYOUT: document(answer={"verdict": ["审核"], "returned": ["退回"], "reason": ["意见"]})},
            effective_on=dt.date(2020, 1, 1),
        )  # fmt: skip
    _parcel, batch_id = office.receive([candidate(1)])
    office.decide(batch_id, {"1": "80"})
    office.publish(batch_id)
    office.calendar.set(dt.date(2026, 11, 10))
    office.act(rosters.submit_roster, batch_id)
    found = roster_answers.sent_roster(db.session(), office.actor, batch_id)
    assert found.layout == own
    returned = (("姓名", "证件号码", "审核", "意见"), ("演示考生1", id_number(1), "退回", "姓名与证件不符"))
    answer = roster_answers.compare_sheets(found, [Sheet("退回", returned)])
    assert [(one.field_name, one.reason_code) for one in answer.lines[0].returned] == [
        ("name", "not_matching_document")
    ]
    assert compare(found.sheet, SheetRows(returned, 0), own) == answer

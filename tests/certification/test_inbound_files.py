"""Component results from outside as a file: every bad cell named, nothing half taken in, once, after a second person's look."""

from __future__ import annotations

import io

import pytest

from certification.models import ComponentScore, ScoreDelivery
from certification.rules import keys
from certification.rules.competition import COMPETITION_RANKS
from certification.rules.inbound import SECOND_PERSON
from certification.services import inbound
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.spreadsheets import TableSheet, read_table, write_table
from tests.certification.test_panels import set_rules
from tests.factories.certification import candidate

HEADER = ("准考证号", "姓名", "理论知识成绩", "操作技能成绩")


@pytest.fixture
def waiting(office):
    """A batch of three of whom nothing is known but that they are registered; numbers by the last digit."""
    batch_id = office.receive([candidate(n, "not_taken") for n in (1, 2, 3)])[1]
    return batch_id, {key: row.admission_number for key, row in office.records(batch_id).items()}


@pytest.fixture
def officer(sign_in):
    return sign_in(Role.CERTIFICATION_OFFICER)


@pytest.fixture
def second(sign_in):
    return sign_in(Role.CERTIFICATION_OFFICER)


def workbook(rows, header=HEADER):
    return write_table([TableSheet("说明", ("请勿修改表头",), []), TableSheet("外部成绩", header, rows)])


def upload(client, batch_id, data, *, name="成绩.xlsx", source="省考试院", **form):
    address = f"/certification/inbound/batches/{batch_id}"
    return client.post(
        address, data={"source": source, "file": (io.BytesIO(data), name), **form}, follow_redirects=True
    )


def deliveries():
    db.session().expire_all()
    return db.session().query(ScoreDelivery).order_by(ScoreDelivery.received_at).all()


def accept(client, row):
    return client.post(f"/certification/inbound/{row.score_delivery_id}/accept", follow_redirects=True).text


def scores():
    db.session().expire_all()
    rows = db.session().query(ComponentScore).filter(ComponentScore.score_delivery_id.is_not(None))
    return {(row.mode.value, row.number, row.state.value, float(row.score or 0)) for row in rows}


def test_theory_and_skills_come_by_file_count_after_a_second_look_and_close_the_balance(
    office, waiting, officer, second
):
    batch_id, numbers = waiting
    told = officer.get(f"/certification/inbound/batches/{batch_id}/template.xlsx").data
    (sheet,) = read_table(told)
    assert sheet.rows[1] == HEADER
    assert [row[0] for row in sheet.rows[2:]] == [numbers[key] for key in "123"]
    rows = [
        (numbers["1"], "演示考生1", "80", "７５．5"),
        (numbers["2"], "演示考生2", "缺考", "缺考"),
        (numbers["3"], "", "", "90"),
    ]
    told = upload(officer, batch_id, workbook(rows)).text
    assert "请另一名认定管理员核对确认" in told
    assert "新成绩 5 个，与已有成绩相同 0 个，更正 0 个；本批次还有 0 人没有列入" in told
    assert "您上传的文件由另一名认定管理员确认" in told
    (row,) = deliveries()
    assert "上传文件的人不能自己确认" in accept(officer, row)
    assert scores() == set()
    assert "成绩已计入批次" in accept(second, row)
    assert scores() == {
        ("theory", 2, "scored", 80.0), ("skills", 1, "scored", 75.5), ("theory", 2, "absent", 0.0),
        ("skills", 1, "absent", 0.0), ("skills", 1, "scored", 90.0),
    }  # fmt: skip
    again = upload(officer, batch_id, workbook(rows), source="另一个名称").text
    assert "以前收到过（已接收），没有改变任何内容" in again
    assert len(deliveries()) == 1
    office.decide(batch_id, {})
    balance = office.balance(batch_id)
    assert sum(balance.outcomes.values()) == balance.n_registered == 3
    assert [office.records(batch_id)[key].outcome.value for key in "123"] == ["passed", "absent", "pending"]
    assert "批次已判定，成绩已锁定" in upload(officer, batch_id, workbook([(numbers["3"], "", "70", "")])).text
    record = office.records(batch_id)["1"]
    assert "省考试院 · 成绩.xlsx" in officer.get(f"/certification/candidates/{record.result_record_id}").text
    assert "省考试院" in officer.get(f"/certification/batches/{batch_id}").text


def test_every_bad_cell_is_named_by_row_and_column_and_nothing_is_kept(waiting, officer):
    batch_id, numbers = waiting
    rows = [
        (numbers["1"], "演示考生1", "101", "良好"), ("999", "", "80", "80"), (numbers["2"], "演示考生3", "70", "70"),
        (numbers["3"], "", "60", ""), (numbers["3"], "", "61", ""),
    ]  # fmt: skip
    told = upload(officer, batch_id, workbook(rows))
    assert told.status_code == 422
    for text in (
        "文件中有 5 处问题", "第 2 行 C 列：成绩“101”应为 0 至 100 的数", "第 2 行 D 列：成绩“良好”",
        "第 3 行 A 列：准考证号“999”不在本批次", "第 4 行 B 列：姓名与准考证号不符",
        f"第 6 行 A 列：准考证号“{numbers['3']}”与第 5 行重复",
    ):  # fmt: skip
        assert text in told.text
    told = upload(officer, batch_id, workbook([(numbers["1"], "", "80", "70")], (*HEADER[:3], "综合评审成绩"))).text
    assert "第 1 行 D 列：本批次的等级没有“综合评审成绩”这一项" in told
    assert "没有找到表头" in upload(officer, batch_id, workbook([("1",)], ("序号",))).text
    assert "没有任何成绩" in upload(officer, batch_id, workbook([(numbers["1"], "", "", "")])).text
    assert "请填写成绩来源" in upload(officer, batch_id, workbook([(numbers["1"], "", "80", "")]), source=" ").text
    assert upload(officer, batch_id, "准考证号,姓名\n".encode(), name="x.csv").status_code == 422
    assert upload(officer, batch_id, b"PK\x03\x04 broken").status_code == 422
    assert deliveries() == []


def test_an_outside_number_counts_once_and_a_refused_file_may_come_again(office, waiting, officer, second):
    batch_id, numbers = waiting
    first, other = (workbook([(numbers["1"], "", text, "")]) for text in ("80", "85"))
    upload(officer, batch_id, first, external_id="省院-2026-1")
    assert "这个 webhook-id 或批号已用于另一份内容" in upload(officer, batch_id, other, external_id="省院-2026-1").text
    assert "以前收到过（待确认）" in upload(second, batch_id, first, external_id="省院-2026-2").text
    (row,) = deliveries()
    second.post(f"/certification/inbound/{row.score_delivery_id}/reject", data={"reason": "与原件不符"})
    assert "请另一名认定管理员核对确认" in upload(officer, batch_id, first).text
    assert [one.state.value for one in deliveries()] == ["rejected", "waiting"]


def test_a_correction_of_the_same_source_makes_a_new_version_and_nothing_else_is_replaced(
    office, waiting, officer, second
):
    batch_id, numbers = waiting
    upload(officer, batch_id, workbook([(numbers["1"], "", "80", "70")]))
    accept(second, deliveries()[-1])
    changed = workbook([(numbers["1"], "", "85", "70")])
    assert (
        "第 2 行 C 列：理论知识已有不同的成绩，外部送入的不能覆盖；确为更正的，请标明是更正后再送"
        in upload(officer, batch_id, changed).text
    )
    assert "请由认定管理员核对" in upload(officer, batch_id, changed, source="别的单位", is_correction="1").text
    told = upload(officer, batch_id, changed, is_correction="1").text
    assert "新成绩 0 个，与已有成绩相同 1 个，更正 1 个" in told
    accept(second, deliveries()[-1])
    assert scores() == {("theory", 2, "scored", 80.0), ("theory", 3, "scored", 85.0), ("skills", 1, "scored", 70.0)}
    office.score(batch_id, {"2": "66"})
    told = upload(officer, batch_id, workbook([(numbers["2"], "", "", "67")]), is_correction="1").text
    assert "第 2 行 D 列：操作技能已有不同的成绩" in told


def test_an_award_is_recognised_by_the_rule_profile_and_one_person_may_do_both_where_the_rule_says_so(
    office, waiting, officer, make_actor
):
    set_rules(make_actor, **{COMPETITION_RANKS: "省级一类:1-3=3", keys.COMPETITION_LEVELS: "*", SECOND_PERSON: False})
    batch_id, numbers = waiting
    header = (*HEADER[:2], "竞赛类别", "竞赛名次", "获奖证书编号")
    told = upload(
        officer,
        batch_id,
        workbook([(numbers["1"], "", "省级一类", "4", "A1"), (numbers["2"], "", "省级一类", "", "A2")], header),
    ).text
    assert "第 2 行 C 列：按规则方案，省级一类第 4 名不能认定本等级" in told
    assert "第 3 行 C 列：请填写竞赛类别、名次（数字）和获奖证书编号" in told
    upload(officer, batch_id, workbook([(numbers["1"], "", "省级一类", "2", "A1")], header))
    assert "成绩已计入批次" in accept(officer, deliveries()[-1])
    office.decide(batch_id, {})
    assert office.records(batch_id)["1"].outcome.value == "passed"


def test_another_house_and_another_role_reach_nothing(office, other_office, waiting, sign_in):
    batch_id, numbers = waiting
    data = workbook([(numbers["1"], "", "80", "")])
    stranger = sign_in(Role.CERTIFICATION_OFFICER, organisation_id=other_office.actor.organisation)
    address = f"/certification/inbound/batches/{batch_id}"
    assert [stranger.get(one).status_code for one in (address, f"{address}/template.xlsx")] == [404, 404]
    assert upload(stranger, batch_id, data).status_code == 404
    assert upload(sign_in(Role.SUPERVISOR), batch_id, data).status_code == 403
    assert upload(sign_in(Role.ASSESSOR), batch_id, data).status_code == 403
    assert deliveries() == []
    assert inbound.sent_modes(db.session(), office.batch(batch_id))

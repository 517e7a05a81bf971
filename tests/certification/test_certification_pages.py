from __future__ import annotations

import datetime as dt
import io
import re
import uuid

import pypdf
import pytest
from sqlalchemy import delete

from certification.models import CertificateLookup, FiledScope
from certification.pages import todos
from certification.repository import certificates as certificate_repository
from certification.services import lookup
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.jobs.runner import run_job
from kernel.spreadsheets import read_table
from tests.certification.conftest import add_filing
from tests.factories.certification import candidate, id_number

PEOPLE = {"1": "80", "2": "90", "3": "50"}


@pytest.fixture
def officer(sign_in):
    return sign_in(Role.CERTIFICATION_OFFICER)


@pytest.fixture
def public(app):
    return app.test_client()


def post(client, address, **data):
    answer = client.post(address, data=data, follow_redirects=True)
    assert answer.status_code == 200, answer.text
    return answer.text


def three():
    return [candidate(n) for n in (1, 2, 3)]


def test_filing_and_plan_are_asked_for_from_the_day_the_batch_is_received(office, officer, session):
    _parcel, key = office.receive(three())
    home = f"/certification/batches/{key}"
    session.execute(delete(FiledScope))
    session.commit()
    page = officer.get(home).text
    assert "还缺" in page
    assert "不在本机构备案范围内" in page
    assert "缺少计划报备日期或评价日期" in page
    assert f'{home}#field-plan_filed_on"' in page
    assert 'id="field-plan_filed_on"' in page
    add_filing(office.actor)
    assert "不在本机构备案范围内" not in officer.get(home).text
    post(officer, f"{home}/details", plan_filed_on="2026-08-03", evaluation_starts_on="2026-10-26", trade_name="")
    assert "还缺" not in officer.get(home).text


def test_an_officer_walks_a_batch_from_receipt_to_the_public_page_in_the_browser(office, officer, public):
    _parcel, key = office.receive(three())
    home = f"/certification/batches/{key}"
    assert "登记 3 = 合格 0" in officer.get(home).text
    assert "已核对" in post(officer, f"{home}/check")
    people = office.records(key)
    typed = {f"skills-{people[n].result_record_id}": text for n, text in PEOPLE.items()}
    assert "已保存 3 个成绩" in post(officer, f"/skill-scores/{key}", **typed)
    assert "登记 3 = 合格 2 + 不合格 1" in post(officer, f"{home}/decide")
    details = {"plan_filed_on": "2026-08-03", "evaluation_starts_on": "2026-10-26", "trade_name": ""}
    post(officer, f"{home}/details", **details)
    shown = post(officer, f"{home}/publicity", starts_on="2026-11-02", contact="考评部 0571-00000000")
    assert "公示到 2026-11-09，还剩 5 个工作日" in shown
    assert officer.get(f"{home}/publicity.pdf").data.startswith(b"%PDF")
    blocked = post(officer, f"{home}/roster")
    assert "公示期到 2026-11-09 结束" in blocked
    office.calendar.set(dt.date(2026, 11, 10))
    assert "第 1 次上报" in post(officer, f"{home}/roster")
    returned = {"number-0": people["1"].admission_number, "field-0": "phone", "reason-0": "missing", "note-0": "停机"}
    assert "退回内容已登记" in post(officer, f"{home}/roster/return", **returned)
    assert "第 2 次上报" in post(officer, f"{home}/roster")
    workbook = officer.post(f"{home}/roster/file").data
    assert id_number(1) in str(read_table(workbook)[0].rows)
    assert "核准已登记" in post(officer, f"{home}/roster/approve", reference="演示核〔2026〕1号")
    assert "已编号 2 张证书" in post(officer, f"{home}/certificates/number", issued_on="2026-11-10")
    assert "签发 2 张证书？" in officer.get(f"{home}/certificates").text  # counted before anything is issued
    answer = officer.post(f"{home}/certificates/issue")
    run_job(uuid.UUID(answer.location.rsplit("/", 1)[1]))
    rows = certificate_repository.list_batch_certificates(db.session(), key)
    assert rows[0].number in officer.get(f"{home}/certificates").text
    pdf = officer.post(f"/certification/certificates/{rows[0].certificate_id}/print").data
    text = "".join("".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)
    assert rows[0].number in text
    assert rows[0].name in text
    verified = public.get(f"/verify/{rows[0].public_token}").text
    assert "该证书真实有效" in verified
    assert "演*" in verified
    assert id_number(1) not in verified
    assert "批次已归档" in post(officer, f"{home}/archive")


def test_every_page_of_a_batch_opens_in_every_state(office, officer, sign_in):
    key = office.whole_way(three(), PEOPLE)
    _parcel, fresh = office.receive(three())
    rows = certificate_repository.list_batch_certificates(db.session(), key)
    person = office.records(key)["1"].result_record_id
    pages = [
        "/certification/batches/", "/certification/batches/?state=issued&q=演示", "/certification/certificates/?year=2026&q=S0000",
        f"/certification/certificates/{rows[0].certificate_id}", f"/certification/candidates/{person}",
        "/certification/filing/", "/skill-scores/", f"/skill-scores/{key}", f"/skill-scores/{fresh}",
    ]  # fmt: skip
    pages += [
        f"/certification/batches/{batch}{tab}"
        for batch in (key, fresh)
        for tab in ("", "/candidates", "/candidates?outcome=passed", "/publicity", "/roster", "/certificates")
    ]
    for address in pages:
        answer = officer.get(address)
        assert answer.status_code == 200, address
        ids = re.findall(r'\sid="([^"]+)"', answer.text)
        assert len(ids) == len(set(ids)), (address, sorted(i for i in ids if ids.count(i) > 1))
    reader = sign_in(Role.SUPERVISOR)
    assert reader.get(f"/certification/batches/{key}").status_code == 200
    assert reader.post(f"/certification/batches/{key}/archive").status_code == 403


def test_a_stranger_gets_nothing_and_an_assessor_only_the_score_table(office, sign_in, public):
    _parcel, key = office.receive(three())
    assessor = sign_in(Role.ASSESSOR)
    assert public.get("/certification/batches/").status_code == 302
    assert assessor.get(f"/skill-scores/{key}").status_code == 200
    assert assessor.get(f"/certification/batches/{key}").status_code == 403
    sheet = read_table(assessor.get(f"/skill-scores/{key}/template.xlsx").data)[0].rows
    assert sheet[2][:2] == ("261121010001", "演示考生1")


def test_bad_rows_of_an_imported_sheet_are_listed_and_typed_errors_stand_beside_their_field(office, officer):
    _parcel, key = office.receive(three())
    csv = "准考证号,操作技能成绩\n261121010001,101\n".encode()
    answer = officer.post(f"/skill-scores/{key}/import", data={"file": (io.BytesIO(csv), "a.csv")})
    assert answer.status_code == 422
    assert "第 2 行：成绩“101”应为 0 至 100" in answer.text
    field = f"skills-{office.records(key)['1'].result_record_id}"
    answer = officer.post(f"/skill-scores/{key}", data={field: "abc"})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert 'value="abc"' in answer.text


def test_the_public_look_up_needs_number_and_name_and_answers_alike_for_everything_unknown(office, public):
    key = office.whole_way([candidate(1)], {"1": "80"})
    (row,) = certificate_repository.list_batch_certificates(db.session(), key)
    assert "该证书真实有效" in post(public, "/certificates", number=f" {row.number.lower()} ", name="演示考生 1")
    assert public.post("/certificates", data={"number": row.number}).status_code == 422
    assert public.post("/certificates", data={"name": row.name}).status_code == 422

    def plain(page, *typed):
        text = re.sub(r'name="(csrf_token|once_key)" value="[^"]*"', "", page)
        for word in typed:
            text = text.replace(word, "…")
        return text

    wrong_name = plain(post(public, "/certificates", number=row.number, name="张三"), row.number, "张三")
    no_number = plain(
        post(public, "/certificates", number="S000011000001263999999", name="李四"), "S000011000001263999999", "李四"
    )
    assert wrong_name == no_number
    assert "没有查到" in wrong_name


def test_the_interface_answers_an_unknown_token_in_the_same_shape(office, public):
    key = office.whole_way([candidate(1)], {"1": "80"})
    (row,) = certificate_repository.list_batch_certificates(db.session(), key)
    known = public.get(f"/api/v1/certificates/verify/{row.public_token}")
    unknown = public.get(f"/api/v1/certificates/verify/{'f' * 32}")
    nonsense = public.get("/api/v1/certificates/verify/x")
    assert known.status_code == unknown.status_code == nonsense.status_code == 200
    assert known.json["state"] == "valid"
    assert known.json["name"] == "演*"
    assert unknown.json == nonsense.json
    assert set(unknown.json) == set(known.json)
    assert unknown.json["state"] == "unknown"


def test_too_many_look_ups_from_one_address_are_slowed_down(office, public, monkeypatch):
    monkeypatch.setattr(lookup, "MAX_LOOKUPS", 3)
    for _ in range(3):
        assert public.get("/verify/x").status_code == 200
    refused = public.get("/verify/x")
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "600"
    assert public.get("/verify/x", environ_base={"REMOTE_ADDR": "10.0.0.9"}).status_code == 200
    assert all("127.0.0.1" not in row.subject for row in db.session().query(CertificateLookup))


def test_a_full_number_is_shown_once_with_a_reason(office, officer):
    _parcel, key = office.receive([candidate(1)])
    address = f"/certification/candidates/{office.records(key)['1'].result_record_id}"
    assert id_number(1) not in officer.get(address).text
    assert officer.post(f"{address}/number", data={"reveal_reason": ""}).status_code == 422
    assert id_number(1) in post(officer, f"{address}/number", reveal_reason="核对证件")


def test_waiting_batches_stand_on_the_home_page_with_their_deadline(office, app):
    _parcel, key = office.receive(three())
    office.decide(key, PEOPLE)
    office.publish(key)
    office.receive(three())
    with app.test_request_context():
        found = {todo.label: todo for todo in todos(db.session(), office.actor)}
    assert found["公示中的批次"].detail == "公示到 2026-11-09，还剩 5 个工作日"
    assert found["待核对的成绩"].count == 1


def test_revoking_asks_once_more_and_needs_a_reason(office, officer):
    key = office.whole_way([candidate(1)], {"1": "80"})
    (row,) = certificate_repository.list_batch_certificates(db.session(), key)
    address = f"/certification/certificates/{row.certificate_id}"
    assert "撤销后不能恢复" in officer.get(address).text
    assert "请写明原因" in post(officer, f"{address}/state", act="revoked", reason_revoked="")
    assert "证书状态已更改" in post(officer, f"{address}/state", act="revoked", reason_revoked="弄虚作假")
    assert "弄虚作假" in officer.get(address).text


def test_the_filing_takes_only_occupations_of_the_dictionary(office, officer):
    answer = officer.post(
        "/certification/filing/", data={"occupation_code": "9-99", "level_code": "3", "filed_on": "2026-01-05"}
    )
    assert answer.status_code == 422
    assert "不在职业目录中" in answer.text
    data = {"occupation_code": "4-04-05-05", "level_code": "4", "filed_on": "2026-01-05", "number": "演示"}
    assert "备案范围已添加" in post(officer, "/certification/filing/", **data)

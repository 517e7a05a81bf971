"""An enterprise's own levels: mapped, filed, never above the filing; certificates print the national level, registers keep both."""

from __future__ import annotations

import datetime as dt
import io
from contextlib import contextmanager

import pypdf
import pytest

from certification.models import CertificationBatch, EnterpriseLevel
from certification.repository import certificates as certificate_repository
from certification.rules.enterprise_levels import FiledLevel, LevelMapping, find_mapping, mapping_problems
from certification.services import certificates, enterprise_levels, register
from certification.services.materials import UploadedMaterial
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.models import OrganisationKind
from kernel.identity.permissions import Role
from kernel.skill_levels import all_levels
from kernel.spreadsheets import read_table
from kernel.uow import unit_of_work
from tests.factories.certification import OCCUPATION, candidate

PDF = UploadedMaterial("备案文件.pdf", b"%PDF-1.7 demonstration")
LEVELS = all_levels({})
FORM = {
    "code": "3A", "name": "三级（甲等）", "maps_to": "3", "occupation_code": "", "valid_from": "2026-01-01",
    "filed_on": "2025-12-01", "filing_number": "演示企备〔2025〕3号",
}  # fmt: skip


def entry(**changes):
    values = {
        "code": "3A", "name": "三级（甲等）", "maps_to": "3", "occupation_code": "", "valid_from": dt.date(2026, 1, 1),
        "valid_until": None, "filed_on": dt.date(2025, 12, 1), "filing_number": "演示企备〔2025〕3号",
    }  # fmt: skip
    return enterprise_levels.LevelEntry(**{**values, **changes})


def mapping(code="3A", maps_to="3", occupation="", since=dt.date(2026, 1, 1), until=None):
    return LevelMapping(code, "甲等", maps_to, occupation, since, until)


@contextmanager
def refused(*fields):
    with pytest.raises(InvalidInputError) as caught:
        yield
    assert set(caught.value.fields) == set(fields)


@pytest.fixture
def enterprise(office, organisation):
    organisation.kind = OrganisationKind.EMPLOYER
    db.session().commit()
    return office


def test_each_own_level_maps_to_one_level_at_a_time_and_to_none_above_the_filing():
    """鲁人社字〔2020〕20号 一（三）: levels inside a level or above 高级技师, each with its national level stated."""
    filed = [FiledLevel("4-04-05-05", "3")]
    assert mapping_problems(mapping(), [], filed, LEVELS) == {}
    assert "code" in mapping_problems(mapping(maps_to="4"), [mapping()], filed, LEVELS)
    ended = mapping(until=dt.date(2025, 12, 31), since=dt.date(2025, 1, 1))
    assert mapping_problems(mapping(maps_to="4"), [ended], filed, LEVELS) == {}
    assert mapping_problems(mapping(maps_to="4", occupation="4-04-05-05"), [mapping()], filed, LEVELS) == {}
    assert "高于" in mapping_problems(mapping(maps_to="2"), [], filed, LEVELS)["maps_to"][0]
    assert "没有备案" in mapping_problems(mapping(occupation="6-18-01-01"), [], filed, LEVELS)["maps_to"][0]
    assert set(mapping_problems(mapping("3", "ability"), [], filed, LEVELS)) == {"code", "maps_to"}
    assert set(mapping_problems(mapping("三级"), [], filed, LEVELS)) == {"code"}


def test_an_entry_of_the_occupation_goes_before_one_for_all_and_only_while_it_holds():
    both = [
        mapping(maps_to="4"),
        mapping(occupation="4-04-05-05", since=dt.date(2026, 6, 1), until=dt.date(2026, 6, 30)),
    ]
    assert find_mapping(both, "3A", "4-04-05-05", dt.date(2026, 6, 15)).maps_to == "3"
    assert find_mapping(both, "3A", "4-04-05-05", dt.date(2026, 7, 1)).maps_to == "4"
    assert find_mapping(both, "3A", "6-18-01-01", dt.date(2026, 6, 15)).maps_to == "4"
    assert find_mapping(both, "3A", "4-04-05-05", dt.date(2025, 12, 31)) is None


def test_a_batch_of_an_own_level_waits_for_its_mapping_and_prints_the_national_level(enterprise):
    own = {"level_code": "3A", "level_name": "三级（甲等）"}
    _parcel, batch_id = enterprise.receive([candidate(1)], **own)
    problem = certificates.numbering_problem(db.session(), enterprise.batch(batch_id))
    assert "先登记它对应的国家等级" in problem.template
    enterprise.act(enterprise_levels.add_level, entry(), PDF)
    batch = enterprise.batch(batch_id)
    assert (batch.level_code, batch.level_name, batch.own_level_code) == ("3", "三级/高级工", "3A")
    _parcel, later = enterprise.receive([candidate(2)], **own)
    assert enterprise.batch(later).own_level_name == "三级（甲等）"
    enterprise.decide(batch_id, {"1": "80"})
    enterprise.publish(batch_id)
    enterprise.approve(batch_id)
    enterprise.issue(batch_id)
    (row,) = certificate_repository.list_batch_certificates(db.session(), batch_id)
    assert (row.number[15], row.level_name, row.own_level_code) == ("3", "三级/高级工", "3A")
    sheet = certificates.sheet_of(db.session(), row, base_url="https://kaoku.invalid")
    pdf = certificates.certificates_pdf([sheet], created_at=certificates.issue_moment(row))
    said = "".join("".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)
    assert "职业技能等级三级/高级工" in said
    assert "甲等" not in said
    workbook = enterprise.act(register.export_register, certificate_repository.CertificateFilter())
    header, *rows = read_table(workbook)[0].rows
    assert dict(zip(header, rows[0], strict=True))["企业等级"] == "三级（甲等）"


def test_own_levels_are_for_enterprises_with_a_readable_filed_document(office, enterprise, organisation, make_actor):
    with refused("file", "filed_on", "filing_number"):
        enterprise.act(enterprise_levels.add_level, entry(filed_on=None, filing_number=" "), None)
    for name, data in (("备案.exe", b"MZ"), ("备案.pdf", b"MZ"), ("备案.png", b"%PDF-1.7")):
        with refused("file"):
            enterprise.act(enterprise_levels.add_level, entry(), UploadedMaterial(name, data))
    row = enterprise.act(enterprise_levels.add_level, entry(), PDF)
    with refused("until"):
        enterprise.act(enterprise_levels.end_level, row.enterprise_level_id, until=dt.date(2025, 12, 31))
    enterprise.act(enterprise_levels.end_level, row.enterprise_level_id, until=dt.date(2026, 6, 30))
    assert enterprise_levels.certified_level(db.session(), organisation.organisation_id, "3A") == "3A"
    with pytest.raises(ForbiddenError), unit_of_work(make_actor(Role.ASSESSOR)) as uow:
        enterprise_levels.add_level(uow, entry(), PDF)
    organisation.kind = OrganisationKind.SOCIAL
    db.session().commit()
    with pytest.raises(ConflictError, match="只有用人单位"):
        office.act(enterprise_levels.add_level, entry(code="3B"), PDF)


def test_own_levels_stay_inside_the_walls(enterprise, other_office):
    row = enterprise.act(enterprise_levels.add_level, entry(), PDF)
    with pytest.raises(NotFoundError):
        other_office.act(enterprise_levels.end_level, row.enterprise_level_id, until=dt.date(2026, 6, 30))
    with pytest.raises(NotFoundError):
        enterprise_levels.document(db.session(), other_office.actor, row.enterprise_level_id)
    _parcel, batch_id = other_office.receive([candidate(1)], level_code="3A", level_name="三级（甲等）")
    assert db.session().get(CertificationBatch, batch_id).own_level_code == ""


def test_an_officer_enters_filters_and_ends_own_levels_in_the_browser(enterprise, sign_in):
    officer = sign_in(Role.CERTIFICATION_OFFICER)
    assert "还没有登记企业等级" in officer.get("/certification/levels/").text
    again = officer.post("/certification/levels/", data={**FORM, "maps_to": "1"})
    assert again.status_code == 422
    assert "高于本单位备案的最高等级" in again.text
    assert "请上传备案文件" in again.text
    posted = {**FORM, "file": (io.BytesIO(PDF.data), "备案文件.pdf")}
    assert "企业等级已登记" in officer.post("/certification/levels/", data=posted, follow_redirects=True).text
    row = db.session.query(EnterpriseLevel).one()
    answer = officer.get(f"/certification/levels/{row.enterprise_level_id}/document")
    assert (answer.data, answer.mimetype) == (PDF.data, "application/pdf")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert PDF.data not in row.file_ciphertext
    assert "没有符合条件" in officer.get("/certification/levels/?q=4B").text
    end = f"/certification/levels/{row.enterprise_level_id}/end"
    until = {f"until-{row.enterprise_level_id}": "2026-06-30"}
    assert "结束日期已登记" in officer.post(end, data=until, follow_redirects=True).text
    assert "三级（甲等）" in officer.get("/certification/levels/?status=past").text
    assert OCCUPATION[0] not in officer.get("/certification/levels/?status=current").text
    assert sign_in(Role.EDITOR).post(end, data=until).status_code == 403

"""Numbered blanks: one a certificate in order, in the register and on the sheet, never one serial twice."""

from __future__ import annotations

import re
import uuid

import pytest

from certification.models import CertificateBlank
from certification.repository import certificates as certificate_repository
from certification.repository.certificates import CertificateFilter
from certification.rules.blank_serials import serial_run
from certification.services import printing, register
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.identity.permissions import Role
from kernel.jobs.models import JobStatus
from kernel.jobs.runner import run_job
from kernel.spreadsheets import read_table
from tests.certification.test_certification_documents import pages_of
from tests.factories.certification import candidate


def printed(client, key, first):
    answer = client.post(f"/certification/batches/{key}/certificates/print", data={"first_serial": first})
    assert answer.status_code == 303
    assert "/jobs/" in answer.location, client.get(answer.location).text
    assert run_job(uuid.UUID(answer.location.rsplit("/", 1)[1])) is JobStatus.DONE


def test_a_batch_is_printed_on_numbered_blanks_and_a_spoiled_one_is_never_used_again(office, sign_in):
    key = office.whole_way([candidate(1), candidate(2)], {"1": "80", "2": "85"})
    client, page = sign_in(Role.CERTIFICATION_OFFICER), f"/certification/batches/{key}/certificates"
    printed(client, key, "a0099")
    (document,) = certificate_repository.list_documents(db.session(), key)
    _name, content = office.act(printing.read_document, document.certification_document_id)
    sheets = pages_of(content)
    assert [re.search(r"印制流水号：(\w+)", text)[1] for text in sheets] == ["A0099", "A0100"]
    numbers = [row.number for row in certificate_repository.list_batch_certificates(db.session(), key)]
    lines = read_table(office.act(register.export_register, CertificateFilter()))[0].rows
    assert {row[0]: row[lines[0].index("印制流水号")] for row in lines[1:]} == dict(
        zip(numbers, ["A0099", "A0100"], strict=True)
    )
    assert "流水号 A0099" in client.get("/certification/certificates/").text
    again = client.post(f"{page}/print", data={"first_serial": "A0100"}, follow_redirects=True).text
    assert "流水号 A0100 已经使用或作废" in again
    spoil = {"serial": " a0101", "reason": "卡纸"}
    assert "已登记作废" in client.post(f"{page}/spoil", data=spoil, follow_redirects=True).text
    assert "流水号 A0101 已经作废" in client.post(f"{page}/spoil", data=spoil, follow_redirects=True).text
    assert "请填写作废的流水号和原因" in client.post(f"{page}/spoil", data={"serial": "A1"}, follow_redirects=True).text
    refused = client.post(f"{page}/print", data={"first_serial": "A0101"}, follow_redirects=True).text
    assert "流水号 A0101 已经使用或作废" in refused
    printed(client, key, "A0102")
    db.session().expire_all()
    kept = {row.serial: row.spoiled_reason for row in db.session().query(CertificateBlank)}
    again = "重新打印，原印件作废"
    assert kept == {"A0099": again, "A0100": again, "A0101": "卡纸", "A0102": "", "A0103": ""}
    shown = client.get(page).text
    assert again in shown
    assert "卡纸" in shown


def test_printing_without_serials_keeps_none_and_strangers_spoil_nothing(office, other_office, sign_in):
    key = office.whole_way([candidate(1)], {"1": "80"})
    printed(sign_in(Role.CERTIFICATION_OFFICER), key, "")
    assert db.session().query(CertificateBlank).count() == 0
    stranger = sign_in(Role.CERTIFICATION_OFFICER, organisation_id=other_office.actor.organisation)
    address = f"/certification/batches/{key}/certificates/print"
    assert stranger.post(address, data={"first_serial": "A1"}).status_code == 404
    address = f"/certification/batches/{key}/certificates/spoil"
    assert stranger.post(address, data={"serial": "A1", "reason": "测试"}).status_code == 404
    assert db.session().query(CertificateBlank).count() == 0
    assert sign_in(Role.SUPERVISOR).post(address, data={"serial": "A1", "reason": "测试"}).status_code == 403


def test_a_run_of_serials_keeps_its_width_and_refuses_what_cannot_count():
    assert serial_run("12", 1) == ["12"]
    for first, count in (("A99", 2), ("ABC", 1), ("流水1", 1), ("A" * 32 + "1", 1)):
        with pytest.raises(InvalidInputError, match="流水号"):
            serial_run(first, count)

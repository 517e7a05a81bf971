"""E-certificates: signed at issue, checked by anybody, on paper and on the screen, long after keys were replaced."""

from __future__ import annotations

import datetime as dt
import io
import json
import re

import pypdf
import pytest
from sqlalchemy import event

from certification.models import CertificateAct, CertificateLookup, CertificateStatement
from certification.repository import certificates as certificate_repository
from certification.repository import signing as key_repository
from certification.repository.certificates import CertificateFilter
from certification.rules.ecertificate import TYPE, read_statement
from certification.services import certificates, register, signing, statements
from kernel import profiles
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.identity.permissions import Role
from kernel.qr import qr_modules
from kernel.spreadsheets import read_table
from kernel.uow import unit_of_work
from tests.factories.certification import candidate, id_number

BASE = "https://kaoku.invalid"


@pytest.fixture
def admin(make_actor, office):
    return make_actor(Role.ORGANISATION_ADMIN)


def make_key(actor):
    with unit_of_work(actor) as uow:
        return signing.create_key(uow)


def issued(office, **changes):
    key = office.whole_way([candidate(1, **changes)], {"1": "80"})
    (row,) = certificate_repository.list_batch_certificates(db.session(), key)
    return row


def ecertificate(office, row):
    return office.act(certificates.ecertificate_pdf, row.certificate_id, base_url=BASE)[1]


def statement_in(pdf):
    return pypdf.PdfReader(io.BytesIO(pdf)).attachments[statements.ATTACHMENT][0].decode()


def changed(text, part, position=10):
    parts = text.split(".")
    old = parts[part]
    parts[part] = old[:position] + ("A" if old[position] != "A" else "B") + old[position + 1 :]
    return ".".join(parts)


def test_a_certificate_is_signed_when_it_is_issued_and_the_e_certificate_carries_that_statement(office, admin):
    make_key(admin)
    row = issued(office)
    stored = db.session().query(CertificateStatement).one()
    pdf = ecertificate(office, row)
    assert statement_in(pdf) == stored.statement
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) == 1
    said = read_statement(signing.verify(db.session(), stored.statement, kind=TYPE).payload)
    assert (said.number, said.name, said.issued_on) == (row.number, row.name, row.issued_on)
    assert id_number(1) not in stored.statement + str(said)
    assert 38 / qr_modules(stored.statement) > 0.33
    acts = [one.act for one in certificate_repository.list_events(db.session(), row.certificate_id)]
    assert acts[-1] is CertificateAct.PRINTED


def test_without_a_key_nothing_is_signed_and_the_officer_is_told_where_keys_are_made(office, sign_in):
    row = issued(office)
    assert db.session().query(CertificateStatement).count() == 0
    answer = sign_in(Role.CERTIFICATION_OFFICER).post(
        f"/certification/certificates/{row.certificate_id}/e-certificate", follow_redirects=True
    )
    assert "还没有签名密钥" in answer.text


def test_a_certificate_issued_before_the_first_key_is_signed_when_its_e_certificate_is_taken(office, admin):
    row = issued(office)
    make_key(admin)
    first, second = (statement_in(ecertificate(office, row)) for _ in range(2))
    assert first == second
    assert signing.verify(db.session(), first, kind=TYPE).issuer == "演示评价机构"


def test_anybody_can_check_a_pasted_or_uploaded_statement_and_sees_what_became_of_the_certificate(office, admin, app):
    make_key(admin)
    row = issued(office)
    pdf = ecertificate(office, row)
    public = app.test_client()
    wrapped = "\n".join(re.findall(".{1,60}", statement_in(pdf)))
    page = public.post("/certificates/statement", data={"text": wrapped}).text
    assert "签名真实" in page
    assert "该证书真实有效" in page
    assert row.number in page
    office.act(certificates.change_state, row.certificate_id, CertificateAct.REVOKED, reason="核查发现替考")
    upload = {"file": (io.BytesIO(pdf), "a.pdf")}
    page = public.post("/certificates/statement", data=upload).text
    assert "签名真实" in page
    assert "已撤销" in page
    assert id_number(1) not in page


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_statement_is_refused_wherever_it_was_changed(office, admin, part):
    make_key(admin)
    row = issued(office)
    text = statement_in(ecertificate(office, row))
    with pytest.raises(InvalidInputError):
        statements.check_statement(db.session(), changed(text, part))


def test_a_statement_of_nobody_known_or_of_another_use_of_the_key_is_refused(office, admin):
    key = make_key(admin)
    payload = json.dumps({"v": 1, "n": "S01", "d": "20260105"}).encode()
    other = signing.sign(key_repository.find_signing_key(db.session(), key.organisation_id), payload, kind="other")
    for text in (other, "eyJhbGciOiJub25lIn0.e30.", "", "x.y.z"):
        with pytest.raises(InvalidInputError):
            statements.check_statement(db.session(), text)


@pytest.mark.parametrize(
    "content", [b"%PDF-1.7 broken", b"\x00\xff", b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj trailer<</Root 1 0 R>>"]
)
def test_a_foreign_or_broken_upload_costs_a_message(app, content):
    answer = app.test_client().post("/certificates/statement", data={"file": (io.BytesIO(content), "a.pdf")})
    assert answer.status_code == 422


def test_replaced_keys_still_verify_and_revoked_ones_do_not(office, admin, app):
    first = make_key(admin)
    row = issued(office)
    old = statement_in(ecertificate(office, row))
    second = make_key(admin)
    assert signing.verify(db.session(), old, kind=TYPE).kid == first.kid
    with unit_of_work(admin) as uow:
        signing.revoke_key(uow, first.signing_key_id, reason="私钥疑似泄露")
    with pytest.raises(InvalidInputError, match="作废"):
        statements.check_statement(db.session(), old)
    fresh = statement_in(ecertificate(office, row))
    assert signing.verify(db.session(), fresh, kind=TYPE).kid == second.kid
    published = app.test_client().get("/.well-known/jwks.json").json["keys"]
    assert [key["kid"] for key in published] == [second.kid]
    assert all("d" not in key for key in published)
    with unit_of_work(admin) as uow, pytest.raises(ConflictError):
        signing.revoke_key(uow, first.signing_key_id, reason="私钥疑似泄露")


def test_a_private_key_is_never_stored_readable_and_only_administrators_of_the_house_touch_keys(
    office, admin, other_office, make_actor, sign_in
):
    key = make_key(admin)
    stored = key_repository.find_signing_key(db.session(), key.organisation_id).private_ciphertext
    assert len(stored) > 60
    assert key.public_key.encode() not in stored
    with pytest.raises(ForbiddenError), unit_of_work(office.actor) as uow:
        signing.create_key(uow)
    stranger = make_actor(Role.ORGANISATION_ADMIN, organisation_id=other_office.actor.organisation)
    client = sign_in(Role.ORGANISATION_ADMIN, organisation_id=stranger.organisation)
    address = f"/certification/signing-keys/{key.signing_key_id}/revoke"
    assert client.post(address, data={f"reason-{key.signing_key_id}": "不是我的密钥"}).status_code == 404
    assert sign_in(Role.CERTIFICATION_OFFICER).get("/certification/signing-keys/").status_code == 403


def test_an_administrator_makes_replaces_and_revokes_keys_on_the_page(office, sign_in):
    client = sign_in(Role.ORGANISATION_ADMIN)
    assert "还没有签名密钥" in client.get("/certification/signing-keys/").text
    assert "用于签名" in client.post("/certification/signing-keys/", follow_redirects=True).text
    page = client.post("/certification/signing-keys/", follow_redirects=True).text
    assert "只用于验证" in page
    newest = re.findall(r"signing-keys/([0-9a-f-]{36})/revoke", page)[0]
    page = client.post(
        f"/certification/signing-keys/{newest}/revoke", data={f"reason-{newest}": "离职交接"}, follow_redirects=True
    ).text
    assert "最新的密钥已作废，现在不能签名" in page


def test_a_certificate_with_a_validity_expires_by_itself(office, admin, app, sign_in):
    make_key(admin)
    with unit_of_work(admin) as uow:
        profiles.publish(uow, {"certification.validity_years": 3}, effective_on=dt.date(2020, 1, 1))
    row = issued(office)
    assert row.expires_on == dt.date(2029, 11, 9)
    assert "2029-11-09" in app.test_client().get(f"/verify/{row.public_token}").text
    office.calendar.set(dt.date(2029, 11, 10))
    page = app.test_client().get(f"/verify/{row.public_token}").text
    assert "已过有效期" in page
    listed = [
        certificate_repository.list_certificates(
            db.session(), actor=office.actor, wanted=CertificateFilter(is_expired=over, day=dt.date(2029, 11, 9 + over))
        )[1]
        for over in (True, False)
    ]
    assert listed == [1, 1]
    client = sign_in(Role.CERTIFICATION_OFFICER)
    assert row.number in client.get("/certification/certificates/?state=expired").text
    assert row.number not in client.get("/certification/certificates/?state=valid").text
    assert "已过有效期" in read_table(office.act(register.export_register, CertificateFilter()))[0].rows[1]
    assert certificates.sheet_of(db.session(), row, base_url=BASE).watermark == "已过有效期"
    assert certificates.printable(db.session(), row.certification_batch_id, actor=office.actor) == []
    office.act(certificates.change_state, row.certificate_id, CertificateAct.REVOKED, reason="核查发现替考")
    assert "已撤销" in app.test_client().get(f"/verify/{row.public_token}").text


def test_looking_up_a_few_certificates_writes_nothing_and_many_write_a_row_for_every_few(office, app):
    row = issued(office)
    public = app.test_client()
    written = []

    def note(_connection, _cursor, statement, *_rest):
        if statement.startswith(("INSERT", "UPDATE", "DELETE")):
            written.append(statement)

    event.listen(db.session().get_bind(), "before_cursor_execute", note)
    for _ in range(4):
        assert public.get(f"/verify/{row.public_token}").status_code == 200
    assert written == []
    public.get(f"/verify/{row.public_token}")
    (counted,) = db.session().query(CertificateLookup)
    assert counted.n_lookups == 5

"""Candidates take their certificate themselves: they prove who they are, agree in words that are kept, and may take it back."""

from __future__ import annotations

import datetime as dt
import io
import re

import pypdf
import pytest

from certification.models import CandidateConsent, Certificate, CertificateAct, CertificateLookup
from certification.repository import candidates as repository
from certification.repository import certificates as certificate_repository
from certification.services import candidate_access, certificates, own_certificates, signing
from certification.services.candidate_access import Proof
from kernel.audit.models import AuditEvent
from kernel.clock import shifted
from kernel.db import db
from kernel.errors import NotFoundError
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.factories.certification import candidate, id_number
from tests.pages import words


@pytest.fixture
def issued(office, make_actor):
    """Two people with certificates, and a key that signs."""
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        signing.create_key(uow)
    office.whole_way([candidate(1), candidate(2)], {"1": "80", "2": "81"})
    return {row.name: row for row in db.session.query(Certificate)}


@pytest.fixture
def client(app):
    return app.test_client()


def typed(row, index=1, **changes):
    return {"name": row.name, "id_number": id_number(index), "number": row.number} | changes


def inside(client, row, index=1):
    answer = client.post("/my-results", data=typed(row, index))
    assert answer.status_code == 303
    return client.get("/my-results")


def agree(client, purpose="e_certificate"):
    data = {"purpose": purpose, "act": "given", f"agree-{purpose}": "1"}
    return client.post("/my-results/consents", data=data, follow_redirects=True)


def acts():
    return [event.act for event in db.session.query(AuditEvent).order_by(AuditEvent.seq)]


def test_somebody_sees_their_own_result_and_certificate_and_nothing_of_others(issued, client):
    page = words(inside(client, issued["演示考生1"]).text)
    assert issued["演示考生1"].number in page
    assert all(text in page for text in ("合格", "理论知识", "75", "操作技能", "80", "有效"))
    for foreign in (issued["演示考生2"].number, "演示考生2", id_number(1), id_number(2), "81"):
        assert foreign not in page
    assert "candidate.sign_in" in acts()
    assert client.post("/my-results/leave", follow_redirects=True).text.count("已退出") == 1
    assert issued["演示考生1"].number not in client.get("/my-results").text


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "演示考生2"},
        {"id_number": id_number(2)},
        {"number": "S000011000001269999999"},
        {"number": "2611219999"},
    ],
)
def test_wrong_and_unknown_get_the_same_answer_and_never_a_cookie(issued, client, changes):
    answer = client.post("/my-results", data=typed(issued["演示考生1"], **changes))
    assert (answer.status_code, client.get_cookie("kaoku_own", path="/my-results")) == (422, None)
    assert "不一致，请核对后再试" in answer.text
    assert id_number(1) not in answer.text
    stored = "".join(str(event.details) + event.object_id for event in db.session.query(AuditEvent))
    assert not any(text in stored for text in (id_number(1), issued["演示考生1"].number, "演示考生"))
    assert acts()[-1] == "candidate.sign_in_failed"


def test_an_unknown_number_takes_the_same_steps_as_a_wrong_name(issued, monkeypatch):
    steps = []
    for place, name in (
        (candidate_access, "number_index"), (candidate_access.exams, "plain_name"), (candidate_access.exams, "prove"),
        (repository, "find_holder"),
    ):  # fmt: skip
        real = getattr(place, name)
        monkeypatch.setattr(
            place, name, lambda *a, _real=real, _step=name, **k: (steps.append(_step), _real(*a, **k))[1]
        )
    row = issued["演示考生1"]
    for number, name in ((row.number, "别人"), ("S0", row.name), (row.number, row.name)):
        candidate_access.prove(db.session(), name=name, id_number=id_number(1), number=number)
    assert steps == steps[:5] * 3


def test_too_many_failures_stop_the_number_the_person_and_the_address_each(issued, client):
    row = issued["演示考生1"]
    for _try in range(5):
        assert client.post("/my-results", data=typed(row, name="别人")).status_code == 422
    assert client.post("/my-results", data=typed(row)).status_code == 429
    assert client.post("/my-results", data=typed(row, number="999")).status_code == 429
    assert client.post("/my-results", data=typed(issued["演示考生2"], 2)).status_code == 303
    assert not any(row.number in one.subject for one in db.session.query(CertificateLookup))
    with shifted(dt.timedelta(minutes=11)):
        assert client.post("/my-results", data=typed(row)).status_code == 303


def test_a_visit_ends_after_twenty_minutes_and_a_changed_cookie_is_worth_nothing(issued, client):
    inside(client, issued["演示考生1"])
    cookie = client.get_cookie("kaoku_own", path="/my-results")
    assert cookie.http_only
    assert str(issued["演示考生1"].organisation_id) not in cookie.value
    with shifted(dt.timedelta(minutes=21)):
        assert "证件号码" in client.get("/my-results").text
    for bad in (cookie.value[:-4] + "AAAA", "", "x", "é"):
        assert candidate_access.read_visit(bad) is None
    assert isinstance(candidate_access.read_visit(cookie.value), Proof)


def test_the_e_certificate_needs_an_agreement_that_is_kept_word_for_word_and_may_be_taken_back(issued, client):
    row = issued["演示考生1"]
    page = inside(client, row).text
    address = f"/my-results/certificates/{row.certificate_id}/e-certificate"
    assert address not in page
    assert "请先阅读并同意" in client.post(address, follow_redirects=True).text
    assert "请先勾选" in client.post(
        "/my-results/consents", data={"purpose": "e_certificate", "act": "given"}, follow_redirects=True
    ).text  # fmt: skip
    assert "已记录您的同意" in agree(client).text
    kept = db.session.query(CandidateConsent).one()
    assert kept.text in client.get("/my-results").text
    assert (kept.text_version, kept.address, kept.act) == ("2026-11", "127.0.0.1", "given")
    answer = client.post(address)
    assert len(pypdf.PdfReader(io.BytesIO(answer.data)).pages) == 1
    events = certificate_repository.list_events(db.session(), row.certificate_id)
    assert (events[-1].act, events[-1].actor_name) == (CertificateAct.PRINTED, "考生本人")
    assert "candidate.e_certificate" in acts()
    data = {"purpose": "e_certificate", "act": "withdrawn"}
    assert "已撤回同意" in client.post("/my-results/consents", data=data, follow_redirects=True).text
    assert "请先阅读并同意" in client.post(address, follow_redirects=True).text
    assert [one.act for one in db.session.query(CandidateConsent).order_by(CandidateConsent.at)] == [
        "given",
        "withdrawn",
    ]
    assert (
        acts()[-2:] == ["candidate.consent_given", "candidate.consent_withdrawn"]
        or "candidate.consent_withdrawn" in acts()
    )


def test_a_certificate_of_somebody_else_does_not_exist_even_with_its_key(issued, client, other_organisation):
    inside(client, issued["演示考生1"])
    agree(client)
    foreign = issued["演示考生2"].certificate_id
    assert client.post(f"/my-results/certificates/{foreign}/e-certificate").status_code == 404
    own = issued["演示考生1"]
    _row, candidate_id = repository.find_holder(db.session(), own.number)
    outside = Proof(other_organisation.organisation_id, candidate_id)
    with pytest.raises(NotFoundError), unit_of_work(candidate_access.themselves(outside)) as uow:
        own_certificates.own_certificate(uow, outside, own.certificate_id)
    assert own_certificates.list_results(db.session(), candidate_access.themselves(outside), candidate_id) == []


def test_a_revoked_certificate_is_shown_and_not_handed_out(issued, client, office, make_actor):
    row = issued["演示考生1"]
    inside(client, row)
    agree(client)
    with unit_of_work(make_actor(Role.CERTIFICATION_OFFICER)) as uow:
        certificates.change_state(uow, row.certificate_id, CertificateAct.REVOKED, reason="查实冒名")
    page = client.get("/my-results").text
    assert "已撤销" in page
    assert "查实冒名" not in page
    answer = client.post(f"/my-results/certificates/{row.certificate_id}/e-certificate", follow_redirects=True)
    assert "不是有效状态" in answer.text


def test_without_a_visit_every_address_leads_to_the_form(app, client):
    paths = [str(rule) for rule in app.url_map.iter_rules() if rule.endpoint.startswith("cert_own.")]
    for path in paths:
        address = re.sub(r"<uuid:\w+>", "018f0000-0000-7000-8000-000000000001", path)
        for method in ("GET", "POST"):
            answer = client.open(address, method=method)
            assert answer.status_code in {200, 303, 405, 422}, (method, address)
            assert answer.status_code != 303 or answer.headers["Location"] == "/my-results"


def test_a_result_is_not_told_before_it_is_public(office, client, issued):
    _parcel, batch_id = office.receive(
        [candidate(1, candidate_id=holder(issued), admission_number="26112109999", score="61")]
    )
    office.decide(batch_id, {"9999": "62"})
    page = words(inside(client, issued["演示考生1"]).text)
    assert "还没有公示" in page
    assert "61" not in re.sub(r"S\d+", "", page)


def holder(issued):
    return repository.find_holder(db.session(), issued["演示考生1"].number)[1]

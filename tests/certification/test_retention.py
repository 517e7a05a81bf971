"""Erasing by rule: only what is due, on two people's word, and what proves stays whole."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest

from certification.models import (
    ComponentProof,
    ErasureState,
    ProofStatus,
    ResultRecord,
    SeniorApplication,
    SeniorMaterial,
)
from certification.repository import retention as repository
from certification.rules.pass_decision import AssessmentMode, ResultState
from certification.rules.retention import RetentionKind
from certification.services import batches, proofs, retention, seniors
from certification.services.personal import seal
from certification.services.retention import ERASED_NAME
from exam_delivery.models import Candidate, CandidatePhoto, ExamBatch, Registration, ResultRuling
from exam_delivery.rules.rulings import RulingKind, RulingScope
from exam_delivery.services import personal as exam_personal
from kernel import audit
from kernel.clock import now
from kernel.db import db, new_id
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.permissions import Role
from kernel.national_id import IdKind
from kernel.uow import unit_of_work
from tests.certification.test_seniors import apply_for
from tests.factories.certification import candidate, id_number

WHY = "档案管理办法第 12 条"


def years_later(n):
    """Return a day so many years after now: rows carry the real moment at which they were made."""
    return dt.date(now().year + n, 6, 15)


@pytest.fixture
def archived(office, calendar):
    """Two who hold certificates and one who failed, six years before the day that it is now."""
    batch_id = office.whole_way([candidate(n) for n in (1, 2, 3)], {"1": "80", "2": "80", "3": "40"})
    office.act(batches.archive_batch, batch_id)
    calendar.set(years_later(6))
    return batch_id


@pytest.fixture
def second(make_actor):
    return make_actor(Role.CERTIFICATION_OFFICER, name="另一认定员")


def due(office):
    db.session.expire_all()
    return {one.kind.value: one.n_records for one in retention.find_due(db.session(), office.actor) if one.n_records}


def decide(actor, order_id, **kwargs):
    with unit_of_work(actor) as uow:
        return retention.decide(uow, order_id, **kwargs)


def test_only_those_without_a_certificate_are_due_and_only_after_the_years_of_the_rule(office, archived, calendar):
    assert due(office) == {"people": 1}
    calendar.set(years_later(4))
    assert due(office) == {}


def test_one_person_proposes_another_erases_and_the_ledger_stays_whole(office, archived, second):
    failed = office.records(archived)["3"].result_record_id
    order = office.act(retention.propose, RetentionKind.PEOPLE, reason=WHY).erasure_order_id
    with pytest.raises(ConflictError, match="待批准"):
        office.act(retention.propose, RetentionKind.PEOPLE, reason=WHY)
    with pytest.raises(ForbiddenError, match="提出人以外"):
        office.act(retention.decide, order, is_approved=True)
    assert db.session.get(ResultRecord, failed).name == "演示考生3"
    decide(second, order, is_approved=True)
    db.session.expire_all()
    row = db.session.get(ResultRecord, failed)
    assert (row.name, row.id_number_mask, row.birth_date, row.phone, row.has_photo) == (
        ERASED_NAME,
        "—",
        None,
        "",
        False,
    )
    assert row.id_number_index == f"erased:{failed.hex}"
    assert {"演示考生1", "演示考生2"} <= {one.name for one in office.records(archived).values()}
    balance = office.balance(archived)
    assert (balance.is_closed, balance.n_registered) == (True, 3)
    assert audit.verify(db.session()).broken is None
    assert due(office) == {}
    with pytest.raises(ConflictError, match="处理过"):
        decide(second, order, is_approved=True)


def test_an_order_that_no_longer_fits_what_is_due_erases_nothing(office, archived, second, monkeypatch):
    order = office.act(retention.propose, RetentionKind.PEOPLE, reason=WHY)
    monkeypatch.setattr(repository, "due_keys", lambda *_args: [])
    with pytest.raises(ConflictError, match="与申请时不同"):
        decide(second, order.erasure_order_id, is_approved=True)
    db.session.expire_all()
    assert db.session.get(type(order), order.erasure_order_id).state is ErasureState.PROPOSED


def test_reasons_and_walls(office, archived, second, other_office):
    with pytest.raises(InvalidInputError):
        office.act(retention.propose, RetentionKind.PEOPLE, reason="无")
    with pytest.raises(ConflictError, match="没有到期"):
        office.act(retention.propose, RetentionKind.PHOTOS, reason=WHY)
    order = office.act(retention.propose, RetentionKind.PEOPLE, reason=WHY)
    with pytest.raises(NotFoundError):
        other_office.act(retention.decide, order.erasure_order_id, is_approved=True)
    with pytest.raises(InvalidInputError):
        decide(second, order.erasure_order_id, is_approved=False)
    assert (
        decide(second, order.erasure_order_id, is_approved=False, reason="还在复查期内").state is ErasureState.REJECTED
    )
    assert due(office) == {"people": 1}


def test_it_is_proposed_and_carried_out_in_the_browser(office, archived, sign_in):
    first, other = sign_in(Role.CERTIFICATION_OFFICER), sign_in(Role.CERTIFICATION_OFFICER)
    address = "/certification/retention/"
    assert "未取得证书的考生个人信息" in first.get(address).text
    assert first.post(address, data={"kind": "people", "reason": ""}).status_code == 422
    assert first.post(address, data={"kind": "people", "reason": WHY}).status_code == 303
    (order,) = repository.list_orders(db.session(), office.actor.organisation)
    assert "批准并删除" not in first.get(address).text
    assert "批准并删除" in other.get(address).text
    assert sign_in(Role.SUPERVISOR).post(f"{address}{order.erasure_order_id}").status_code == 403
    assert other.post(f"{address}{order.erasure_order_id}", data={"decision": "approve"}).status_code == 303
    assert ERASED_NAME in first.get(f"/certification/batches/{archived}/candidates").text


# --- proofs, applications of seniors, and what exam delivery keeps ----------------------------------------------------


def erase(office, second, kind):
    order = office.act(retention.propose, kind, reason=WHY)
    decide(second, order.erasure_order_id, is_approved=True)
    db.session.expire_all()
    return order


def test_the_file_of_a_proof_goes_and_what_it_gave_stays(office, archived, second):
    record = office.records(archived)["1"]
    key = new_id()
    with unit_of_work(office.actor) as uow:
        uow.add(
            ComponentProof(
                component_proof_id=key, organisation_id=office.actor.organisation, certification_batch_id=archived,
                result_record_id=record.result_record_id, mode=AssessmentMode.COMPETITION, title="获奖证书",
                facts={"number": "省赛2020-1"}, claim=ResultState.SCORED, score=90, file_name="获奖证书_演示考生1.pdf",
                file_kind="pdf", file_digest="0" * 64, status=ProofStatus.CONFIRMED, entered_by=office.actor.user_id,
                file_ciphertext=seal(b"%PDF", table="component_proofs", column="file", row_id=key),
                entered_by_name="甲", entered_at=now(), decided_by=second.user_id, decided_by_name="乙", decided_at=now(),
            )
        )  # fmt: skip
    assert proofs.read_file(db.session(), key, actor=office.actor)[1] == b"%PDF"
    erase(office, second, RetentionKind.PROOFS)
    row = db.session.get(ComponentProof, key)
    assert (row.file_kind, row.facts, row.score, row.file_digest) == ("", {}, 90, "0" * 64)
    with pytest.raises(NotFoundError, match="已按保存期限删除"):
        proofs.read_file(db.session(), key, actor=office.actor)


def test_an_application_without_appointment_is_forgotten_and_one_that_goes_on_is_not(office, second, calendar):
    withdrawn, going_on = apply_for(office, 1), apply_for(office, 2)
    office.act(seniors.withdraw, withdrawn, reason="本人放弃")
    office.act(seniors.submit, going_on)
    calendar.set(years_later(6))
    assert due(office) == {"seniors": 1}
    erase(office, second, RetentionKind.SENIORS)
    gone, stays = (db.session.get(SeniorApplication, key) for key in (withdrawn, going_on))
    assert (gone.name, gone.phone, gone.achievements, gone.birth_date) == (ERASED_NAME, "", "", None)
    assert stays.name == "演示申报人2"
    kept = db.session.query(SeniorMaterial.senior_application_id).all()
    assert [one.senior_application_id for one in kept] == [going_on]


@pytest.fixture
def sat_long_ago(office):
    """Three people of exam delivery with photos: one holds a certificate, one is barred, one is neither; and a printed list."""
    holder = office.whole_way([candidate(1)], {"1": "80"})
    body, moment = office.actor.organisation, now()
    people = [uuid.uuid5(uuid.NAMESPACE_OID, f"candidate-{n}") for n in (1, 2, 3)]
    with unit_of_work(office.actor) as uow:
        batch = ExamBatch(
            exam_batch_id=new_id(), organisation_id=body, code="B1", name="演示批次", standard_level_id=new_id(),
            occupation_code="", occupation_name="演示", level_code="3", level_name="三级", created_at=moment,
        )  # fmt: skip
        uow.add(batch)
        uow.flush()
        for n, key in enumerate(people, start=1):
            person = Candidate(
                candidate_id=key, organisation_id=body, name=f"演示考生{n}", phone="13800000000", employer="演示企业",
                extra={}, created_at=moment,
            )  # fmt: skip
            exam_personal.set_number(person, IdKind.RESIDENT_ID, id_number(n))
            place = Registration(
                registration_id=new_id(), organisation_id=body, exam_batch_id=batch.exam_batch_id, candidate_id=key,
                admission_number=f"A{n}", sign_in_index=f"{n}" * 64, created_at=moment,
            )  # fmt: skip
            for row in (person, place, CandidatePhoto(candidate_id=key, organisation_id=body, ciphertext=b"x")):
                uow.add(row)
                uow.flush()
        uow.add(
            ResultRuling(
                organisation_id=body, code="CL-1", exam_batch_id=batch.exam_batch_id, registration_id=place.registration_id,
                candidate_id=people[2], kind=RulingKind.MISCONDUCT, tier=2, scope=RulingScope.ALL_PARTS, facts="替考",
                barred_until=years_later(8), proposed_by_name="甲", proposed_at=moment,
            )
        )  # fmt: skip
    return holder, people


def test_people_of_exam_delivery_are_forgotten_but_holders_and_the_barred(
    office, other_office, second, calendar, sat_long_ago
):
    _batch, (holder, nobody, barred) = sat_long_ago
    assert due(office) == {}
    calendar.set(years_later(6))
    assert due(office) == {"candidates": 1, "exam_photos": 3}
    assert due(other_office) == {}
    erase(office, second, RetentionKind.CANDIDATES)
    names = {key: db.session.get(Candidate, key).name for key in (holder, nobody, barred)}
    assert names == {holder: "演示考生1", nobody: ERASED_NAME, barred: "演示考生3"}
    row = db.session.get(Candidate, nobody)
    assert (exam_personal.read_number(row), row.phone, row.employer) == ("", "", "")
    places = {one.candidate_id: one for one in db.session.query(Registration)}
    assert (places[nobody].admission_number, places[nobody].sign_in_index) == ("A2", None)
    assert {one.candidate_id for one in db.session.query(CandidatePhoto)} == {holder, barred}
    erase(office, second, RetentionKind.EXAM_PHOTOS)
    assert db.session.query(CandidatePhoto).count() == 0
    assert due(office) == {}
    assert audit.verify(db.session()).broken is None


def test_an_erasure_that_is_stopped_has_not_begun_and_can_be_done_again(
    office, second, calendar, sat_long_ago, monkeypatch
):
    _batch, (_holder, nobody, _barred) = sat_long_ago
    calendar.set(years_later(6))
    order = office.act(retention.propose, RetentionKind.CANDIDATES, reason=WHY).erasure_order_id

    def stop(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr("exam_delivery.repository.retention.delete_photos", stop)
        with pytest.raises(KeyboardInterrupt):
            decide(second, order, is_approved=True)
    db.session.expire_all()
    assert db.session.get(Candidate, nobody).name == "演示考生2"
    decide(second, order, is_approved=True)
    db.session.expire_all()
    assert db.session.get(Candidate, nobody).name == ERASED_NAME

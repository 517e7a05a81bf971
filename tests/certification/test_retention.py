"""Erasing by rule: only what is due, on two people's word, and what proves stays whole."""

from __future__ import annotations

import datetime as dt

import pytest

from certification.models import ErasureState, ResultRecord
from certification.repository import retention as repository
from certification.rules.retention import RetentionKind
from certification.services import batches, retention
from certification.services.retention import ERASED_NAME
from kernel import audit
from kernel.clock import now
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.factories.certification import candidate

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

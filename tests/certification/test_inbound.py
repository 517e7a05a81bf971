"""Component results from other systems: signed, exactly once, looked at, and never half of a delivery."""

from __future__ import annotations

import datetime as dt
import json
import threading
import uuid

import pytest

from certification.models import ComponentScore, ScoreDelivery, SendingSystem
from certification.public import receive_results
from certification.rules.inbound import AUTOMATIC, MOST_BYTES
from certification.rules.webhooks import signature
from certification.services import inbound, senders
from kernel import profiles
from kernel.audit.models import AuditEvent
from kernel.clock import iso, now, shifted
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, NotFoundError
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation, OrganisationKind
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.certification.test_numbering_under_concurrency import real_app
from tests.certification.test_panels import set_rules
from tests.factories.certification import candidate, package

__all__ = ["real_app"]


class Partner:
    """The other side: it signs and sends."""

    def __init__(self, app, system, secret):
        self.app, self.system, self.secret = app, system, secret

    def body(self, batch_id, scores, **changes):
        results = [
            {"admission_number": number, "component": "skills", **({"score": text} if text[0].isdigit() else {"state": text})}
            for number, text in scores.items()
        ]  # fmt: skip
        told = {
            "type": "results.recorded",
            "timestamp": iso(now()),
            "data": {"batch_id": str(batch_id), "results": results},
        }
        return json.dumps(told | changes)

    def send(self, body, key="msg_1", *, sent=None, system=None, at=None):
        """Send a body; `sent` replaces it after it was signed."""
        moment = int((at or now()).timestamp())
        headers = {
            "webhook-id": key, "webhook-timestamp": str(moment),
            "webhook-signature": signature(self.secret, key, moment, body), "content-type": "application/json",
        }  # fmt: skip
        address = f"/api/v1/certification/inbound/{system or self.system}/results"
        return self.app.test_client().post(address, data=body if sent is None else sent, headers=headers)


@pytest.fixture
def admin(make_actor, office):
    return make_actor(Role.ORGANISATION_ADMIN)


@pytest.fixture
def partner(app, admin):
    with unit_of_work(admin) as uow:
        row, secret = senders.add_system(uow, name="省技能考场")
        key = row.sending_system_id
    return Partner(app, key, secret)


@pytest.fixture
def batch(office):
    """A batch of three, and admission numbers by the last digit."""
    batch_id = office.receive([candidate(1), candidate(2), candidate(3)])[1]
    return batch_id, {key: row.admission_number for key, row in office.records(batch_id).items()}


def skills():
    db.session().expire_all()
    return {
        row.entered_by: str(row.score) for row in db.session().query(ComponentScore).filter_by(mode="skills", state="scored")
    }  # fmt: skip


def deliveries():
    db.session().expire_all()
    return db.session().query(ScoreDelivery).order_by(ScoreDelivery.received_at).all()


def test_a_signed_delivery_waits_for_a_look_counts_once_and_the_balance_closes(app, office, partner, batch):
    batch_id, numbers = batch
    body = partner.body(batch_id, {numbers["1"]: "81.5", numbers["2"]: "absent"})
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        first = partner.send(body)
    finally:
        app.config["WTF_CSRF_ENABLED"] = False
    assert (first.status_code, first.json["state"], first.json["n_rows"]) == (202, "waiting", 2)
    assert "Set-Cookie" not in first.headers
    again = partner.send(body)
    assert (again.status_code, again.json) == (202, first.json)
    changed = partner.send(partner.body(batch_id, {numbers["1"]: "99"}))
    assert (changed.status_code, changed.json["error"]) == (409, "delivery_changed")
    (row,) = deliveries()
    assert skills() == {}
    assert office.act(inbound.accept, row.score_delivery_id) == 2
    assert skills() == {f"省技能考场、{office.actor.name}": "81.500"}
    with pytest.raises(ConflictError, match="已经处理过"):
        office.act(inbound.accept, row.score_delivery_id)
    assert partner.send(body).json == first.json
    office.decide(batch_id, {"3": "70"})
    balance = office.balance(batch_id)
    assert sum(balance.outcomes.values()) == balance.n_registered == 3
    assert [office.records(batch_id)[key].outcome.value for key in "123"] == ["passed", "failed", "passed"]
    late = partner.send(partner.body(batch_id, {numbers["1"]: "90"}), "msg_2")
    assert (late.status_code, late.json["error"]) == (409, "scores_locked")
    acts = [one.act for one in db.session().query(AuditEvent) if one.act.startswith("certification.inbound")]
    assert acts == ["certification.inbound", "certification.inbound_settled"]


def test_what_is_not_signed_by_a_system_in_use_is_refused_alike(office, partner, batch, admin):
    batch_id, numbers = batch
    body = partner.body(batch_id, {numbers["1"]: "80"})
    told = [
        partner.send(body, sent=body.replace('"80"', '"99"')),
        partner.send(body, system=uuid.uuid4()),
        partner.send(body, at=now() - dt.timedelta(minutes=6)),
        partner.send(body, at=now() + dt.timedelta(minutes=6)),
        partner.send(body, key="x" * 129),
        partner.send(body, sent=b"\xff\xfe"),
    ]
    with unit_of_work(admin) as uow:
        _row, fresh = senders.renew_secret(uow, partner.system)
    assert partner.send(body, "msg_old").status_code == 202  # the old secret holds beside the new one
    with unit_of_work(admin) as uow:
        senders.renew_secret(uow, partner.system, at_once=True)
    told.append(partner.send(body, "msg_leaked"))
    with unit_of_work(admin) as uow:
        _row, partner.secret = senders.renew_secret(uow, partner.system)
    assert partner.send(body, "msg_new").status_code == 202
    with unit_of_work(admin) as uow:
        senders.switch(uow, partner.system, is_active=False)
    told.append(partner.send(body, "msg_ended"))
    assert {(one.status_code, one.data) for one in told} == {(401, told[0].data)}
    assert fresh.encode() not in db.session().query(SendingSystem).one().secret_ciphertext
    assert len(deliveries()) == 2


def test_one_wrong_row_keeps_the_whole_delivery_out_and_every_row_is_named(office, partner, batch):
    batch_id, numbers = batch
    body = json.loads(partner.body(batch_id, {numbers["1"]: "80", "999": "70", numbers["2"]: "101"}))
    rows = body["data"]["results"]
    rows += [rows[0], rows[0] | {"component": "process"}, rows[0] | {"component": "theory", "score": "99"}]
    answer = partner.send(json.dumps(body))
    assert (answer.status_code, answer.json["error"]) == (422, "bad_rows")
    fields = answer.json["details"]["fields"]
    assert sorted(fields) == ["results.2", "results.3", "results.4", "results.5", "results.6"]
    assert "不能覆盖" in fields["results.6"][0]
    for bad in (
        {"score": "1e2"}, {"score": 80}, {"state": "absent", "score": "80"}, {"state": "scored"}, {"name": "甲"},
        {"component": "competition", "score": "80"},
    ):  # fmt: skip
        told = json.loads(partner.body(batch_id, {numbers["1"]: "80"}))
        told["data"]["results"][0] = {"admission_number": numbers["1"], "component": "skills"} | bad
        assert partner.send(json.dumps(told)).status_code == 422, bad
    assert partner.send("[1").status_code == 422
    assert partner.send("[]").status_code == 422
    assert partner.send(" " * (MOST_BYTES + 1)).status_code == 413
    assert deliveries() == []


def test_another_houses_batch_is_as_unknown_as_none_and_its_deliveries_cannot_be_touched(
    office, other_office, partner, batch, sign_in
):
    other_batch = other_office.receive([candidate(9)])[1]
    number = next(iter(other_office.records(other_batch).values())).admission_number
    told = [partner.send(partner.body(key, {number: "80"})) for key in (other_batch, uuid.uuid4())]
    assert {(one.status_code, one.data) for one in told} == {(404, told[0].data)}
    batch_id, numbers = batch
    assert partner.send(partner.body(batch_id, {numbers["1"]: "80"})).status_code == 202
    (row,) = deliveries()
    with pytest.raises(NotFoundError):
        other_office.act(inbound.accept, row.score_delivery_id)
    stranger = sign_in(Role.CERTIFICATION_OFFICER, organisation_id=other_office.actor.organisation)
    assert numbers["1"] not in stranger.get("/certification/inbound/").text
    for act in ("accept", "reject"):
        address = f"/certification/inbound/{row.score_delivery_id}/{act}"
        assert stranger.post(address, data={"reason": "不属实"}, follow_redirects=True).status_code == 404
    foreign = sign_in(Role.ORGANISATION_ADMIN, organisation_id=other_office.actor.organisation)
    for act in ("secret", "switch"):
        assert foreign.post(f"/certification/inbound/systems/{partner.system}/{act}").status_code == 404
    with pytest.raises(ForbiddenError), unit_of_work(office.actor) as uow:
        senders.add_system(uow, name="x")
    assert deliveries()[0].state.value == "waiting"


def test_officers_see_accept_and_refuse_on_the_page_and_secrets_show_once(office, partner, batch, sign_in):
    batch_id, numbers = batch
    partner.send(partner.body(batch_id, {numbers["1"]: "80"}), "msg_1")
    partner.send(partner.body(batch_id, {numbers["1"]: "85"}), "msg_2")
    first, second = deliveries()
    officer = sign_in(Role.CERTIFICATION_OFFICER)
    shown = officer.get("/certification/inbound/").text
    assert shown.count(numbers["1"]) == 2
    assert "待您确认的外部成绩" in officer.get("/", follow_redirects=True).text
    told = officer.post(f"/certification/inbound/{first.score_delivery_id}/accept", follow_redirects=True).text
    assert "成绩已计入批次" in told
    told = officer.post(f"/certification/inbound/{second.score_delivery_id}/accept", follow_redirects=True).text
    assert "不能覆盖" in told
    told = officer.post(
        f"/certification/inbound/{second.score_delivery_id}/reject",
        data={"reason": "与原始评分表不符"},
        follow_redirects=True,
    ).text
    assert "与原始评分表不符" in told
    assert [one.state.value for one in deliveries()] == ["accepted", "rejected"]
    admin = sign_in(Role.ORGANISATION_ADMIN)
    told = admin.post("/certification/inbound/systems", data={"name": "考场二"}).text
    secret = next(one for one in told.replace('"', "<").split("<") if one.startswith("whsec_"))
    told = admin.get("/certification/inbound/systems").text
    assert "考场二" in told
    assert secret not in told
    assert admin.post("/certification/inbound/systems", data={"name": " "}).status_code == 422
    assert "/api/v1/certification/inbound/{system_id}/results" in admin.get("/api/v1/openapi.json").json["paths"]


def test_a_rule_takes_deliveries_at_once(office, partner, batch, make_actor):
    set_rules(make_actor, **{AUTOMATIC: True})
    batch_id, numbers = batch
    body = partner.body(batch_id, {numbers["1"]: "80", numbers["2"]: "90"})
    first = partner.send(body)
    assert (first.status_code, first.json["state"]) == (202, "accepted")
    (row,) = deliveries()
    assert (row.state.value, row.n_saved, row.settled_by) == ("accepted", 2, "省技能考场")
    with shifted(dt.timedelta(hours=1)):
        assert partner.send(body).data == first.data  # signed again: the id still stands for the same delivery
    assert db.session().query(ComponentScore).filter_by(mode="skills").count() == 2


def test_the_same_delivery_many_times_at_the_same_moment_counts_once(real_app):
    with real_app.app_context():
        with unit_of_work(system_actor()) as uow:
            body = Organisation(
                code="DEMO", name="演示评价机构", kind=OrganisationKind.SOCIAL, certificate_prefix="S000011000001",
                is_active=True, created_at=now(),
            )  # fmt: skip
            uow.add(body)
        actor = system_actor(body.organisation_id)
        with unit_of_work(actor) as uow:
            profiles.publish(uow, {AUTOMATIC: True}, effective_on=dt.date(2026, 1, 1))
        with unit_of_work(actor) as uow:
            batch_id = receive_results(uow, package(body.organisation_id, [candidate(1)])).certification_batch_id
            row, secret = senders.add_system(uow, name="省技能考场")
            partner = Partner(real_app, row.sending_system_id, secret)
    told, answers = partner.body(batch_id, {candidate(1).admission_number: "80"}), []
    threads = [threading.Thread(target=lambda: answers.append(partner.send(told))) for _n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert {(one.status_code, one.data) for one in answers} == {(202, answers[0].data)}
    assert len(answers) == len(threads)
    with real_app.app_context():
        assert len(deliveries()) == 1
        assert db.session().query(ComponentScore).filter_by(mode="skills").count() == 1

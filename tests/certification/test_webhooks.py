"""Messages to other systems: signed, tried again, dead after the last try, never into the house's own network."""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from certification import jobs
from certification.adapters import webhook_sender
from certification.adapters.webhook_sender import Answer
from certification.models import CertificateAct, MessageState, WebhookMessage
from certification.repository import certificates as certificate_repository
from certification.rules.webhooks import DELAYS, OVERLAP_HOURS, EventType, check_address, signature
from certification.services import certificates, pulling, webhooks
from kernel import profiles
from kernel.clock import now, shifted
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.identity.permissions import Role
from kernel.jobs.models import Job
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from tests.factories.certification import candidate, id_number

URL = "https://partner.invalid/hook"
ALL = [one.value for one in EventType]


@pytest.fixture
def admin(make_actor, office):
    return make_actor(Role.ORGANISATION_ADMIN)


@pytest.fixture
def endpoint(admin):
    with unit_of_work(admin) as uow:
        return webhooks.add_endpoint(uow, name="省平台", url=URL, event_types=ALL, may_be_private=False)


@pytest.fixture
def partner(monkeypatch):
    """The other side: it keeps what it gets and answers as it is told."""
    got, answers = [], [Answer(200)]

    def send(url, body, headers, *, may_be_private):
        got.append((url, body, headers))
        return answers[min(len(got), len(answers)) - 1]

    monkeypatch.setattr(webhook_sender, "send", send)
    return got, answers


def work():
    """Let the worker look once and run what it published."""
    jobs.publish_messages()
    for job in db.session().query(Job).filter_by(name=webhooks.JOB, status="waiting"):
        assert run_job(job.job_id) == "done", job.error
    db.session.expire_all()


def messages(**wanted):
    return db.session().query(WebhookMessage).filter_by(**wanted).order_by(WebhookMessage.webhook_message_id).all()


def test_issuing_and_revoking_tell_the_partner_in_signed_messages_without_personal_data(office, endpoint, partner):
    key = office.whole_way([candidate(1)], {"1": "80"})
    (row,) = certificate_repository.list_batch_certificates(db.session(), key)
    office.act(certificates.change_state, row.certificate_id, CertificateAct.REVOKED, reason="核查发现替考")
    work()
    got, _answers = partner
    told = [json.loads(body) for _url, body, _headers in got]
    assert {"type": "certificate.issued", "state": "valid"} in [
        {"type": one["type"], "state": one["data"].get("state")} for one in told
    ]
    last = next(one for one in told if one["type"] == "certificate.state_changed")
    assert (last["data"]["number"], last["data"]["state"]) == (row.number, "revoked")
    assert {one["data"]["after"] for one in told if one["type"] == "batch.state_changed"} >= {
        "received",
        "decided",
        "issued",
    }
    assert not [one for _u, one, _h in got if id_number(1) in one or row.name in one]
    for _url, body, headers in got:
        expected = signature(endpoint[1], headers["webhook-id"], int(headers["webhook-timestamp"]), body)
        assert headers["webhook-signature"] == expected
    assert {one.state for one in messages()} == {MessageState.DELIVERED}
    work()
    assert len(got) == len(told)


def test_a_refused_message_is_tried_again_later_and_later_and_is_dead_after_the_last_try(
    office, endpoint, admin, partner
):
    got, answers = partner
    answers[:] = [Answer(500, "对方返回 500")]
    with unit_of_work(admin) as uow:
        webhooks.ping(uow, endpoint[0].webhook_endpoint_id)
    later = dt.timedelta()
    for n_tries, delay in enumerate([*DELAYS, None], start=1):
        with shifted(later):
            work()
            (row,) = messages()
            assert (len(got), row.n_tries) == (n_tries, n_tries)
            if delay is not None:
                assert abs(row.due_at - now() - delay) < dt.timedelta(minutes=1)
                later += delay + dt.timedelta(minutes=1)
    assert row.state is MessageState.DEAD
    ids = {headers["webhook-id"] for _url, _body, headers in got}
    assert len(ids) == 1
    answers[:] = [Answer(204)]
    with unit_of_work(admin) as uow:
        webhooks.send_again(uow, row.webhook_message_id)
    work()
    assert messages()[0].state is MessageState.DELIVERED
    with pytest.raises(ConflictError), unit_of_work(admin) as uow:
        webhooks.send_again(uow, row.webhook_message_id)


def test_gone_stops_the_address_and_a_stopped_address_hears_nothing(office, endpoint, admin, partner):
    got, answers = partner
    answers[:] = [Answer(410, "对方返回 410")]
    with unit_of_work(admin) as uow:
        webhooks.ping(uow, endpoint[0].webhook_endpoint_id)
    work()
    assert messages()[0].state is MessageState.DEAD
    with pytest.raises(ConflictError), unit_of_work(admin) as uow:
        webhooks.ping(uow, endpoint[0].webhook_endpoint_id)
    office.receive([candidate(1)])
    work()
    assert len(got) == 1


def test_a_refused_act_leaves_no_message(office, endpoint):
    def refuse(uow):
        webhooks.announce(uow, office.actor.organisation, EventType.BATCH_STEP, {})
        raise ConflictError("no")

    with pytest.raises(ConflictError):
        office.act(refuse)
    assert messages() == []


@pytest.mark.parametrize(
    "url",
    ["http://partner.invalid/", "ftp://partner.invalid/", "https://user:word@partner.invalid/", "https:///x", "https://a:99999/",
     "javascript:alert(1)", "https://partner.invalid/" + "x" * 500, "https://合作.invalid/"],
)  # fmt: skip
def test_only_plain_https_addresses_are_taken(url):
    with pytest.raises(InvalidInputError):
        check_address(url, may_be_private=False)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.8", "172.16.3.4", "192.168.1.1", "169.254.169.254", "::1", "fd00::1", "100.64.0.1"]
)
def test_a_name_that_points_into_the_house_is_refused_when_sending(monkeypatch, address):
    family = [(0, 0, 0, "", ("8.8.8.8", 443)), (0, 0, 0, "", (address, 443))]
    monkeypatch.setattr(webhook_sender.socket, "getaddrinfo", lambda *_args, **_kwargs: family)
    monkeypatch.setattr(webhook_sender.socket, "create_connection", lambda *_args: pytest.fail("connected"))
    answer = webhook_sender.send(URL, "{}", {}, may_be_private=False)
    assert answer.status is None
    assert "内部网络" in answer.error


def test_a_real_server_gets_the_bytes_that_were_signed_and_redirects_are_not_followed():
    seen = []

    class Partner(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, body.decode(), self.headers["webhook-id"]))
            self.send_response(302 if "moved" in self.path else 200)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_args):
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Partner)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        home = f"http://127.0.0.1:{server.server_port}"
        good = webhook_sender.send(f"{home}/hook?a=1", '{"n":"证书"}', {"webhook-id": "msg_1"}, may_be_private=True)
        moved = webhook_sender.send(f"{home}/moved", "{}", {"webhook-id": "msg_2"}, may_be_private=True)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    refused = webhook_sender.send(f"{home}/hook", "{}", {}, may_be_private=True)
    assert (good.is_ok, moved.is_ok, moved.status, refused.status) == (True, False, 302, None)
    assert seen == [("/hook?a=1", '{"n":"证书"}', "msg_1"), ("/moved", "{}", "msg_2")]


def test_an_administrator_adds_tests_stops_and_renews_on_the_page_and_sees_secrets_once(office, sign_in, partner):
    client = sign_in(Role.ORGANISATION_ADMIN)
    home = "/certification/webhooks/"
    bad = client.post(home, data={"name": "", "url": URL})
    assert bad.status_code == 422
    page = client.post(home, data={"name": "省平台", "url": URL, "event_types": ["certificate.issued"]}).text
    secret = re.findall(r"whsec_[A-Za-z0-9+/=]+", page)[0]
    shown = client.get(home).text
    assert secret not in shown
    key = re.findall(r"webhooks/([0-9a-f-]{36})/ping", shown)[0]
    partner[1][:] = [Answer(410, "对方返回 410")]
    client.post(f"{home}{key}/ping")
    work()
    dead = client.get(f"{home}?state=dead").text
    assert "对方返回 410" in dead
    client.post(f"{home}{key}/switch", data={"active": "yes"})
    again = re.findall(r"messages/([0-9a-f-]{36})/again", dead)[0]
    assert "消息已重新排队" in client.post(f"{home}messages/{again}/again", follow_redirects=True).text
    renewed = client.post(f"{home}{key}/secret").text
    assert secret not in renewed
    assert "whsec_" in renewed


def test_old_and_new_secret_sign_together_for_some_hours_and_a_leaked_one_stops_at_once(admin, endpoint, partner):
    key, old = endpoint[0].webhook_endpoint_id, endpoint[1]

    def signed_by(*secrets):
        with unit_of_work(admin) as uow:
            row = webhooks.ping(uow, key)
        db.session().expire_all()
        headers = webhooks.parcel_of(db.session(), row).headers
        said = (headers["webhook-id"], int(headers["webhook-timestamp"]), row.body)
        return headers["webhook-signature"] == " ".join(signature(one, *said) for one in secrets)

    def renew(**how):
        with unit_of_work(admin) as uow:
            return webhooks.renew_secret(uow, key, **how)[1]

    assert signed_by(old)
    new = renew()
    assert signed_by(new, old)
    with shifted(dt.timedelta(hours=25)):
        assert signed_by(new)
    third = renew()
    assert signed_by(third, new)
    fourth = renew(at_once=True)
    assert signed_by(fourth)
    with unit_of_work(admin) as uow:
        profiles.publish(uow, {OVERLAP_HOURS: 0}, effective_on=dt.date(2020, 1, 1))
    assert signed_by(renew())


def test_addresses_of_another_house_do_not_exist_and_officers_may_not_touch_them(
    office, endpoint, other_office, sign_in
):
    key = endpoint[0].webhook_endpoint_id
    stranger = sign_in(Role.ORGANISATION_ADMIN, organisation_id=other_office.actor.organisation)
    for act in ("ping", "switch", "secret"):
        assert stranger.post(f"/certification/webhooks/{key}/{act}").status_code in {303, 404}
        assert stranger.post(f"/certification/webhooks/{key}/{act}", follow_redirects=True).status_code == 404
    assert messages() == []
    with pytest.raises(ForbiddenError), unit_of_work(office.actor) as uow:
        webhooks.ping(uow, key)


def test_another_system_pulls_everything_once_by_its_cursor(office, other_office, sign_in, monkeypatch):
    monkeypatch.setattr(pulling, "SETTLED", dt.timedelta(seconds=-1))
    key = office.whole_way([candidate(n) for n in (1, 2, 3)], {"1": "80", "2": "90", "3": "50"})
    rows = certificate_repository.list_batch_certificates(db.session(), key)
    office.act(certificates.change_state, rows[0].certificate_id, CertificateAct.HELD, reason="正在核查")
    client = sign_in(Role.CERTIFICATION_OFFICER)

    def pull(what, limit):
        found, cursor = [], None
        while True:
            asked = {"limit": limit} | ({"cursor": cursor} if cursor else {})
            answer = client.get(f"/api/v1/certification/{what}", query_string=asked).json
            found += answer["changes"]
            cursor = answer["next_cursor"]
            if not answer["has_more"]:
                return found, cursor

    changes, cursor = pull("certificates", 2)
    assert [(one["number"], one["act"]) for one in changes][-1] == (rows[0].number, "held")
    assert sorted(one["number"] for one in changes if one["act"] == "issued") == [row.number for row in rows]
    assert {one["state"] for one in changes if one["number"] == rows[0].number} == {"held"}
    results, _cursor = pull("results", 2)
    assert [one["outcome"] for one in sorted(results, key=lambda one: one["admission_number"])] == [
        "passed",
        "passed",
        "failed",
    ]
    assert id_number(1) not in json.dumps(changes + results)
    office.act(certificates.change_state, rows[0].certificate_id, CertificateAct.RELEASED, reason="核查无误")
    fresh = client.get("/api/v1/certification/certificates", query_string={"cursor": cursor}).json
    assert [one["act"] for one in fresh["changes"]] == ["released"]
    stranger = sign_in(Role.CERTIFICATION_OFFICER, organisation_id=other_office.actor.organisation)
    assert stranger.get("/api/v1/certification/certificates").json == {
        "changes": [],
        "next_cursor": None,
        "has_more": False,
    }
    assert client.get("/api/v1/certification/certificates", query_string={"limit": 9999}).status_code == 422


def test_what_was_done_a_moment_ago_waits_for_the_next_call(office, monkeypatch):
    monkeypatch.setattr(pulling, "SETTLED", dt.timedelta(hours=1))  # however long the machine takes for the acts below
    office.whole_way([candidate(1)], {"1": "80"})
    assert pulling.certificate_changes(db.session(), office.actor, None, limit=10)["changes"] == []
    with shifted(pulling.SETTLED + dt.timedelta(seconds=1)):
        assert len(pulling.certificate_changes(db.session(), office.actor, None, limit=10)["changes"]) == 1

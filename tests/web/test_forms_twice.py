"""Forms that make something are sent twice under the key they were shown with: one thing is made, and the answer is the same."""

from __future__ import annotations

import io
import re

from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from certification.models import WebhookEndpoint
from exam_delivery.models import ExamPlan
from kernel.audit.models import AuditEvent
from kernel.identity.models import User
from kernel.identity.permissions import Role
from tests.conftest import SignIn


def key_of(client: FlaskClient, page: str, field: str) -> str:
    """Return the key of the form on a page that has a field of this name."""
    forms = re.findall(r"<form\b.*?</form>", client.get(page).text, re.DOTALL)
    [form] = [one for one in forms if f'name="{field}"' in one]
    [key] = re.findall(r'name="once_key" value="([^"]+)"', form)
    return str(key)


def test_a_person_is_created_once_and_the_password_is_shown_to_the_second_click_as_well(
    session: Session, sign_in: SignIn
) -> None:
    client = sign_in(Role.ORGANISATION_ADMIN)
    form = {"name": "演示新人", "username": "newcomer", "roles": ["author"]}
    form["once_key"] = key_of(client, "/people/new", "username")
    first, second = (client.post("/people/", data=form) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert re.findall(r"<code>[^<]+</code>", first.text) == re.findall(r"<code>[^<]+</code>", second.text) != []
    assert session.scalar(select(func.count()).select_from(User).where(User.username == "newcomer")) == 1


def test_an_address_for_messages_is_registered_once(session: Session, sign_in: SignIn) -> None:
    client, home = sign_in(Role.ORGANISATION_ADMIN), "/certification/webhooks/"
    form = {"name": "省平台", "url": "https://example.org/hook", "event_types": ["certificate.issued"]}
    form["once_key"] = key_of(client, home, "url")
    for _ in range(2):
        assert client.post(home, data=form).status_code == 200
    assert session.scalar(select(func.count()).select_from(WebhookEndpoint)) == 1


def test_an_examination_plan_is_made_once_and_both_clicks_lead_to_it(session: Session, sign_in: SignIn) -> None:
    client = sign_in(Role.EXAM_OFFICER)
    form = {"title": "本年计划", "starts_on": "2026-01-01", "ends_on": "2026-12-31"}
    form["once_key"] = key_of(client, "/exam-plans/new", "title")
    first, second = (client.post("/exam-plans/new", data=form) for _ in range(2))
    assert first.location == second.location
    assert session.scalar(select(func.count()).select_from(ExamPlan)) == 1


def test_a_changed_form_is_asked_about_and_the_files_are_to_be_chosen_again(sign_in: SignIn) -> None:
    client = sign_in(Role.EXAM_OFFICER)
    form = {"title": "本年计划", "starts_on": "2026-01-01", "ends_on": "2026-12-31", "once_key": "key-1"}
    client.post("/exam-plans/new", data=form)
    asked = client.post("/exam-plans/new", data=form | {"title": "下年计划", "file": (io.BytesIO(b"x"), "名单.xlsx")})
    assert asked.status_code == 409
    assert "下年计划" in asked.text
    assert "刚才选的是：名单.xlsx" in asked.text


def test_a_file_to_download_is_made_and_noted_each_time(session: Session, sign_in: SignIn) -> None:
    client = sign_in(Role.EXAM_OFFICER)
    for _ in range(2):
        reply = client.post("/exam-batches/export", data={"once_key": "key-1"})
        assert reply.headers["Content-Disposition"].startswith("attachment")
        assert "Idempotency-Replayed" not in reply.headers
    noted = select(func.count()).select_from(AuditEvent).where(AuditEvent.act.contains("export"))
    assert session.scalar(noted) == 2


def test_a_refused_form_keeps_its_key_and_is_carried_out_when_it_is_mended(session: Session, sign_in: SignIn) -> None:
    client = sign_in(Role.EXAM_OFFICER)
    form = {"title": "", "starts_on": "2026-01-01", "ends_on": "2026-12-31", "once_key": "key-1"}
    assert client.post("/exam-plans/new", data=form).status_code == 422
    assert client.post("/exam-plans/new", data=form | {"title": "本年计划"}).status_code == 303
    assert session.scalar(select(func.count()).select_from(ExamPlan)) == 1

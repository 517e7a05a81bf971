"""The pages of blueprints, runs and forms, as each role meets them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from blueprints.models import AssemblyRun, ExamBlueprint, ExamForm, FormSlot
from blueprints.pages import todos
from blueprints.rules.states import FormStatus
from blueprints.services import forms
from kernel.db import db
from kernel.identity.actor import Actor
from kernel.identity.models import Organisation, User, UserRole
from kernel.identity.permissions import Role
from kernel.jobs.runner import run_job
from kernel.spreadsheets import read_table
from kernel.uow import unit_of_work
from tests.blueprints.bank_cases import Bank

SignIn = Callable[..., FlaskClient]
TYPES = {"type-single_choice-count": "10", "type-single_choice-score": "1", "type-true_false-count": "10",
         "type-true_false-score": "1"}  # fmt: skip
REST = {"weight-A-A": "20", "weight-A-B": "30", "weight-B-A": "50", "weight_tolerance": "1", "max_per_point": "4",
        "name": "四级蓝图", "duration_minutes": "90"}  # fmt: skip


def created(client: FlaskClient, bank: Bank) -> uuid.UUID:
    answer = client.post("/blueprints/new", data={"standard_level_id": str(bank.standard_level_id)})
    assert answer.status_code == 303
    return uuid.UUID(answer.location.split("/")[-2])


def version_of(session: Session, blueprint_id: uuid.UUID) -> str:
    session.expire_all()
    return str(session.get_one(ExamBlueprint, blueprint_id).version)


def saved(client: FlaskClient, session: Session, blueprint_id: uuid.UUID, **fields: str) -> tuple[int, str]:
    data = {"version": version_of(session, blueprint_id)} | TYPES | REST | fields
    answer = client.post(f"/blueprints/{blueprint_id}/edit", data=data)
    return answer.status_code, answer.get_data(as_text=True)


def assembled(client: FlaskClient, session: Session, blueprint_id: uuid.UUID, **fields: str) -> AssemblyRun:
    answer = client.post(f"/blueprints/{blueprint_id}/assemble", data={"n_forms": "2", "seed": "3"} | fields)
    assert answer.status_code == 303
    run = session.get_one(AssemblyRun, uuid.UUID(answer.location.split("/")[-1]))
    waiting = client.get(answer.location).get_data(as_text=True)
    assert "正在组卷" in waiting
    assert run.job_id
    run_job(run.job_id)
    session.expire_all()
    return session.get_one(AssemblyRun, run.assembly_run_id)


def test_a_blueprint_and_a_draw_that_were_asked_for_twice_are_made_once(
    sign_in: SignIn, bank: Bank, session: Session
) -> None:
    client = sign_in(Role.ASSEMBLER)

    def twice(page: str, address: str, data: dict[str, str]) -> str:
        form = client.get(page).text.partition(f'action="{address}"')[2]
        [key] = re.findall(r'name="once_key" value="([^"]+)"', form.partition("</form>")[0])
        first, second = (client.post(address, data=data | {"once_key": key}) for _ in range(2))
        assert (first.status_code, second.status_code) == (303, 303)
        assert second.location == first.location
        return first.location

    made = twice("/blueprints/new", "/blueprints/new", {"standard_level_id": str(bank.standard_level_id)})
    blueprint_id = uuid.UUID(made.split("/")[-2])
    saved(client, session, blueprint_id)
    twice(f"/blueprints/{blueprint_id}", f"/blueprints/{blueprint_id}/assemble", {"n_forms": "2", "seed": "3"})
    assert session.scalars(select(ExamBlueprint.exam_blueprint_id)).all() == [blueprint_id]
    assert len(session.scalars(select(AssemblyRun)).all()) == 1


def test_an_assembler_goes_from_a_level_to_forms_sent_to_review(sign_in: SignIn, bank: Bank, session: Session) -> None:
    client = sign_in(Role.ASSEMBLER)
    blueprint_id = created(client, bank)
    assert saved(client, session, blueprint_id)[0] == 303
    run = assembled(client, session, blueprint_id)
    page = client.get(f"/assembly-runs/{run.assembly_run_id}").get_data(as_text=True)
    assert "单选第" in page
    assert "采用试卷" in page
    client.post(f"/blueprints/{blueprint_id}/publish")
    client.post(f"/assembly-runs/{run.assembly_run_id}/accept", data={"name": "演示卷"})
    listed = client.get("/forms/").get_data(as_text=True)
    assert "演示卷（A卷）" in listed
    form = session.scalars(select(ExamForm).where(ExamForm.label == "A")).one()
    assert client.post(f"/forms/{form.exam_form_id}/submit").status_code == 303
    session.expire_all()
    assert session.get_one(ExamForm, form.exam_form_id).status is FormStatus.IN_REVIEW


def test_a_form_shows_its_items_only_after_the_look_was_recorded(
    sign_in: SignIn, drafts: list[ExamForm], make_user: Callable[..., User]
) -> None:
    client, form_id = sign_in(Role.FORM_APPROVER), drafts[0].exam_form_id
    assert "下列说法正确的是" not in client.get(f"/forms/{form_id}").get_data(as_text=True)
    assert client.get(f"/forms/{form_id}/content").status_code == 403
    opened = client.post(f"/forms/{form_id}/view")
    page = client.get(opened.location).get_data(as_text=True)
    assert page.count("下列说法正确的是") == 10
    assert "解析暗号" not in page
    assert "解析暗号" in client.get(f"{opened.location}&key=1").get_data(as_text=True)
    other = sign_in(Role.FORM_APPROVER, user=make_user(Role.FORM_APPROVER))
    assert other.get(opened.location).status_code == 403


def test_the_run_hides_stems_once_its_forms_are_taken_over(sign_in: SignIn, drafts: list[ExamForm]) -> None:
    page = sign_in(Role.ASSEMBLER).get(f"/assembly-runs/{drafts[0].assembly_run_id}").get_data(as_text=True)
    assert "下列说法正确的是" not in page
    assert drafts[0].slots[0].item_code in page


def test_an_item_is_swapped_in_the_browser(sign_in: SignIn, drafts: list[ExamForm], session: Session) -> None:
    client, form = sign_in(Role.ASSEMBLER), drafts[0]
    ticket = client.post(f"/forms/{form.exam_form_id}/view").location.partition("ticket=")[2]
    page = client.get(f"/forms/{form.exam_form_id}/swap/1?ticket={ticket}").get_data(as_text=True)
    wanted = re.findall(r'name="item_id" value="([0-9a-f-]{36})"', page)[0]
    data = {"item_id": wanted, "version": str(form.version), "ticket": ticket}
    assert client.post(f"/forms/{form.exam_form_id}/swap/1", data=data).status_code == 303
    assert client.post(f"/forms/{form.exam_form_id}/swap/1", data=data).status_code == 409
    session.expire_all()
    placed = session.scalars(select(FormSlot.item_id).where(FormSlot.exam_form_id == form.exam_form_id)).all()
    assert uuid.UUID(wanted) in placed


def test_a_refused_run_explains_itself_and_offers_ways_out(sign_in: SignIn, bank: Bank, session: Session) -> None:
    client = sign_in(Role.ASSEMBLER)
    blueprint_id = created(client, bank)
    saved(client, session, blueprint_id, max_per_point="1")
    run = assembled(client, session, blueprint_id, n_forms="1")
    page = client.get(f"/assembly-runs/{run.assembly_run_id}").get_data(as_text=True)
    assert "下列要求不能同时满足" in page
    assert "每个鉴定点" in page
    assert "采用试卷" not in page
    sheet = client.get(f"/assembly-runs/{run.assembly_run_id}/writing-order.xlsx")
    rows = read_table(sheet.data)[0].rows
    assert rows[1][:3] == ("鉴定点", "重要程度", "题型")
    tried = client.post(f"/assembly-runs/{run.assembly_run_id}/relaxations/0")
    assert tried.status_code == 303
    copy = session.get_one(ExamBlueprint, uuid.UUID(tried.location.split("/")[-1]))
    assert copy.copied_from_id == blueprint_id
    assert copy.spec["max_per_point"] > 1 or copy.spec["weight_tolerance_percent"] > 1


@pytest.mark.parametrize(
    "case",
    [
        ({"type-single_choice-score": ""}, "type-single_choice-score", "请填写每题分值"),
        ({"type-single_choice-count": "3.5"}, "type-single_choice-count", "应为整数"),
        ({"weight-A-A": "101"}, "weight-A-A", "应在 0 与 100 之间"),
        ({"weight-A-A": "甲"}, "weight-A-A", "不是数字"),
        ({"weight-A-A": "90"}, "weight-A-A", "占总分"),
        ({"difficulty-2-low": "5", "difficulty-2-high": "3"}, "difficulty-2-low", "不能大于"),
        ({"exclude": "没有这题"}, "exclude", "没有这题"),
        ({"duration_minutes": ""}, "duration_minutes", "请填写考试时间"),
        ({"name": ""}, "name", "请填写名称"),
        ({"type-single_choice-count": "", "type-true_false-count": ""}, "types", "至少要有一种题型"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(
    sign_in: SignIn, bank: Bank, session: Session, case: tuple[dict[str, str], str, str]
) -> None:
    client, (fields, name, message) = sign_in(Role.ASSEMBLER), case
    status, page = saved(client, session, created(client, bank), **fields, **{"weight-B": "49.9"})
    assert status == 422
    assert f'href="#field-{name}"' in page
    assert message in page
    assert 'value="49.9"' in page


def test_a_stale_edit_keeps_what_was_typed(sign_in: SignIn, bank: Bank, session: Session) -> None:
    client = sign_in(Role.ASSEMBLER)
    blueprint_id = created(client, bank)
    status, page = saved(client, session, blueprint_id, version="99", name="我的改动")
    assert status == 409
    assert "已被他人修改" in page
    assert 'value="我的改动"' in page


def test_what_is_saved_is_what_the_form_shows_again(sign_in: SignIn, bank: Bank, session: Session) -> None:
    client = sign_in(Role.ASSEMBLER)
    blueprint_id = created(client, bank)
    code = "T-0003"
    more = {
        "importance-X-min": "33.3", "difficulty-1-low": "2", "difficulty-5-high": "6", "difficulty-mean": "3",
        "difficulty-tolerance": "0.5", "max_n_used": "4", "max_overlap": "2", "exclude": code,
    }  # fmt: skip
    assert saved(client, session, blueprint_id, **more)[0] == 303
    page = client.get(f"/blueprints/{blueprint_id}/edit").get_data(as_text=True)
    for name, value in (more | TYPES | REST).items():
        shown = rf'name="{name}"[^>]*value="{re.escape(value)}"|value="{re.escape(value)}"[^>]*name="{name}"'
        assert name == "exclude" or re.search(shown, page), name
    assert code in page
    spec = client.get(f"/blueprints/{blueprint_id}/blueprint.json").get_json()
    assert spec["importance"] == {"X": {"min": 0.333}}
    assert spec["difficulty"] == {
        "counts": {"1": [2, 1000], "5": [0, 6]}, "mean": {"target": 3, "tolerance": 0.5}
    }  # fmt: skip
    assert len(spec["exclude"]) == 1


def test_the_table_follows_the_form_without_saving(sign_in: SignIn, bank: Bank, session: Session) -> None:
    client = sign_in(Role.ASSEMBLER)
    blueprint_id = created(client, bank)
    before = version_of(session, blueprint_id)
    data = TYPES | REST | {"type-matching-count": "3", "type-matching-score": "2"}
    page = client.post(f"/blueprints/{blueprint_id}/preview", data=data).get_data(as_text=True)
    assert "匹配题：一份试卷需要 3 题，可用 0 题" in page
    assert "<html" not in page
    assert version_of(session, blueprint_id) == before


def test_an_approver_sees_why_an_own_form_cannot_be_approved(
    sign_in: SignIn, drafts: list[ExamForm], assembler: Actor, session: Session
) -> None:
    with unit_of_work(assembler) as uow:
        forms.submit_form(uow, drafts[0].exam_form_id)
    user = session.get_one(User, assembler.user_id)
    user.roles.append(UserRole(role=Role.FORM_APPROVER))
    session.flush()
    page = sign_in(user=user).get(f"/forms/{drafts[0].exam_form_id}").get_data(as_text=True)
    assert "您不能批准这份试卷" in page
    assert f"/forms/{drafts[0].exam_form_id}/approve" not in page
    assert sign_in(user=user).post(f"/forms/{drafts[0].exam_form_id}/approve").status_code == 403


def test_an_approver_approves_and_seals_in_the_browser(
    sign_in: SignIn, drafts: list[ExamForm], assembler: Actor, session: Session
) -> None:
    form_id = drafts[0].exam_form_id
    with unit_of_work(assembler) as uow:
        forms.submit_form(uow, form_id)
    client = sign_in(Role.FORM_APPROVER)
    assert "待审核的试卷" in client.get("/").get_data(as_text=True)
    assert client.post(f"/forms/{form_id}/return", data={"comment": ""}).status_code == 422
    assert client.post(f"/forms/{form_id}/approve").status_code == 303
    assert client.post(f"/forms/{form_id}/seal").status_code == 303
    page = client.get(f"/forms/{form_id}").get_data(as_text=True)
    assert "封存卷包" in page
    session.expire_all()
    assert session.get_one(ExamForm, form_id).status is FormStatus.SEALED


@pytest.mark.parametrize("role", [Role.EDITOR, Role.EXAM_OFFICER, Role.MARKER])
def test_other_roles_find_the_doors_closed(sign_in: SignIn, drafts: list[ExamForm], role: Role) -> None:
    client = sign_in(role)
    for address in ("/blueprints/", "/assembly-runs/", "/forms/", f"/forms/{drafts[0].exam_form_id}"):
        assert client.get(address).status_code == 403


def test_another_organisation_finds_nothing_at_any_address(
    sign_in: SignIn, drafts: list[ExamForm], other_organisation: Organisation
) -> None:
    client = sign_in(Role.ASSEMBLER, Role.FORM_APPROVER, organisation_id=other_organisation.organisation_id)
    form = drafts[0]
    for address in (
        f"/blueprints/{form.exam_blueprint_id}", f"/assembly-runs/{form.assembly_run_id}", f"/forms/{form.exam_form_id}",
        f"/api/v1/blueprints/{form.exam_blueprint_id}",
    ):  # fmt: skip
        assert client.get(address).status_code == 404
    assert "还没有试卷" in client.get("/forms/").get_data(as_text=True)
    assert client.get("/api/v1/forms").get_json() == []


def test_the_lists_say_what_to_do_when_they_are_empty(sign_in: SignIn, organisation: Organisation) -> None:
    client = sign_in(Role.ASSEMBLER)
    assert "还没有组卷蓝图" in client.get("/blueprints/").get_data(as_text=True)
    assert "没有符合条件的蓝图" in client.get("/blueprints/?q=x").get_data(as_text=True)
    assert "还没有组卷记录" in client.get("/assembly-runs/").get_data(as_text=True)
    assert "还没有可以组卷的职业等级" in client.get("/blueprints/new").get_data(as_text=True)


def test_lists_and_pages_cost_a_bounded_number_of_queries(sign_in: SignIn, drafts: list[ExamForm]) -> None:
    client = sign_in(Role.ASSEMBLER)
    counted: list[str] = []

    def count(*args: object) -> None:
        counted.append(str(args[2]))

    event.listen(db.engine, "before_cursor_execute", count)
    try:
        for address in ("/forms/", "/blueprints/", f"/assembly-runs/{drafts[0].assembly_run_id}"):
            counted.clear()
            assert client.get(address).status_code == 200
            assert len(counted) <= 22, (address, len(counted))
    finally:
        event.remove(db.engine, "before_cursor_execute", count)


def test_things_to_do_are_counted_for_those_who_can_do_them(
    app: Flask, drafts: list[ExamForm], assembler: Actor, approver: Actor
) -> None:
    def labels(actor: Actor) -> dict[str, int]:
        with app.test_request_context():
            return {todo.label: todo.count for todo in todos(db.session(), actor)}

    assert labels(assembler)["待提交审核的试卷"] == 2
    with unit_of_work(assembler) as uow:
        forms.submit_form(uow, drafts[0].exam_form_id)
    assert labels(approver)["待审核的试卷"] == 1
    with unit_of_work(approver) as uow:
        forms.approve_form(uow, drafts[0].exam_form_id)
    assert {name: n for name, n in labels(approver).items() if "试卷" in name} == {"待审核的试卷": 0, "待封存的试卷": 1}


def test_the_json_interface_creates_and_answers_blueprints(sign_in: SignIn, bank: Bank) -> None:
    client = sign_in(Role.ASSEMBLER)
    made = client.post("/api/v1/blueprints", json={"standard_level_id": str(bank.standard_level_id)})
    assert made.status_code == 201
    body = made.get_json()
    assert client.get(f"/api/v1/blueprints/{body['blueprint_id']}").get_json()["spec"]["n_items"] == 100
    refused = client.post(
        "/api/v1/blueprints", json={"standard_level_id": str(bank.standard_level_id), "spec": {"x": 1}}
    )
    assert (refused.status_code, refused.get_json()["error"]) == (422, "invalid_blueprint")

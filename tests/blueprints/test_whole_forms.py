"""A whole form made elsewhere is held against a blueprint as the command does it, and becomes a form when it may."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from blueprints.assembly.command import assemble_command
from blueprints.assembly.pool import item_to_json
from blueprints.models import AssemblyRun, ExamForm, FormDecision, FormSlot
from blueprints.rules.states import FormStatus
from blueprints.services import blueprints, forms, whole_forms
from blueprints.services.bank import load_pool
from kernel import profiles
from kernel.clock import now
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.actor import Actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank.models.items import ImportRun, Item
from qbank.public_imports import codes_of_import
from qbank.rules.items import ImportState, ItemStatus
from qbank.services import duplicates
from tests.blueprints.bank_cases import fill_bank, small_spec

SignIn = Callable[..., FlaskClient]


def codes_of(run: AssemblyRun) -> list[str]:
    return [item["code"] for item in (run.result or {})["forms"][0]["items"]]


@pytest.fixture
def paper(run_finished: Callable[..., AssemblyRun]) -> tuple[uuid.UUID, list[str]]:
    """A published blueprint, and the codes of a form that keeps it."""
    run = run_finished(n_forms=1)
    return run.exam_blueprint_id, codes_of(run)


def imported(session: Session, actor: Actor, codes: list[str], **report: Any) -> uuid.UUID:
    """Say that some items came in by a file."""
    items = session.scalars(select(Item).where(Item.code.in_(codes), Item.organisation_id == actor.organisation)).all()
    with unit_of_work(actor) as uow:
        run = ImportRun(
            organisation_id=actor.organisation, standard_level_id=items[0].standard_level_id, file_name="套题.docx",
            file_digest="0" * 64, format="docx", state=ImportState.DONE, n_found=len(codes), n_imported=len(codes),
            report=report, created_at=now(), finished_at=now(),
        )  # fmt: skip
        uow.add(run)
        uow.flush()
        for item in items:
            item.import_run_id = run.import_run_id
            uow.add(item)
        return run.import_run_id


def test_broken_rules_bear_the_names_that_the_command_gives_them(
    paper: tuple[uuid.UUID, list[str]], assembler: Actor, session: Session, tmp_path: Path
) -> None:
    blueprint_id, codes = paper
    spare = session.scalars(select(Item.code).where(Item.type == "true_false", Item.code.not_in(codes))).first()
    given = [str(spare), *codes[1:], codes[5], "没有这题"]
    found = whole_forms.check_form_by_codes(session, assembler, blueprint_id, given)
    pool = load_pool(session, assembler, found.run.standard_level_id, found.run.spec)
    by_code = {entry.code: item_id for item_id, entry in pool.entries.items()}
    files = {
        "pool": {"items": [item_to_json(item) for item in pool.items]},
        "blueprint": found.blueprint.spec,
        "check": {"forms": [[by_code.get(code, code) for code in given]]},
    }
    arguments = ["--out", str(tmp_path / "out.json")]
    for name, value in files.items():
        (tmp_path / name).write_text(json.dumps(value))
        arguments += [f"--{name}", str(tmp_path / name)]
    assert CliRunner().invoke(assemble_command, arguments).exit_code == 1
    told = json.loads((tmp_path / "out.json").read_text())["forms"][0]
    mine = [check.to_json() for check in found.checks if check.constraint != whole_forms.CAPPED]
    assert mine == told
    broken = {check.constraint for check in found.broken}
    assert {"n_items", "types[true_false]", "known_items", "repeated_item"} <= broken
    assert (found.unusable, found.repeated, found.is_barred) == ({"没有这题": ""}, [codes[5]], True)


def test_an_imported_paper_that_keeps_the_blueprint_becomes_a_form_on_the_usual_way(
    paper: tuple[uuid.UUID, list[str]], sign_in: SignIn, assembler: Actor, approver: Actor, session: Session
) -> None:
    blueprint_id, codes = paper
    run_id = imported(session, assembler, codes)
    client = sign_in(Role.ASSEMBLER)
    address = f"/blueprints/{blueprint_id}/whole-form"
    assert address in client.get(f"/blueprints/{blueprint_id}").get_data(as_text=True)
    assert "套题.docx（20 题）" in client.get(address).get_data(as_text=True)
    answer = client.post(address, data={"import": str(run_id)})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    for words in ("全部符合蓝图", "双向细目表", "预计作答", "同一答案最多连续", "收为试卷", "单选第"):
        assert words in page
    answer = client.post(
        f"{address}/take-in", data={"codes": " ".join(reversed(codes)), "source": "套题.docx", "name": "外来卷"}
    )
    assert answer.status_code == 303
    form_id = uuid.UUID(answer.location.split("/")[-1])
    form = session.get_one(ExamForm, form_id)
    slots = session.scalars(select(FormSlot).where(FormSlot.exam_form_id == form_id).order_by(FormSlot.slot)).all()
    assert (form.status, form.name, form.total_score) == (FormStatus.DRAFT, "外来卷", Decimal(20))
    assert [slot.item_code for slot in slots] == [*reversed(codes[:10]), *reversed(codes[10:])]
    assert "套题.docx" in client.get(f"/assembly-runs/{form.assembly_run_id}").get_data(as_text=True)
    with unit_of_work(assembler) as uow:
        forms.submit_form(uow, form_id)
    with unit_of_work(approver) as uow:
        forms.approve_form(uow, form_id)
        forms.seal_form(uow, form_id)
    session.expire_all()
    assert session.get_one(ExamForm, form_id).status is FormStatus.SEALED
    used = session.scalars(select(Item.n_used).where(Item.code.in_(codes))).all()
    assert set(used) == {1}


def test_rules_are_waived_only_with_a_reason_and_where_the_rule_profile_lets(
    paper: tuple[uuid.UUID, list[str]],
    sign_in: SignIn,
    make_actor: Callable[..., Actor],
    assembler: Actor,
    session: Session,
) -> None:
    blueprint_id, codes = paper
    client, address = sign_in(Role.ASSEMBLER), f"/blueprints/{blueprint_id}/whole-form"
    file = (BytesIO("\r\n".join(codes[1:]).encode("gb18030")), "编号.txt")
    page = client.post(address, data={"file": file}).get_data(as_text=True)
    assert "不符合蓝图" in page
    assert "总题数" in page
    answer = client.post(f"{address}/take-in", data={"codes": " ".join(codes[1:])})
    assert answer.status_code == 422
    assert "请写明收为试卷的原因" in answer.get_data(as_text=True)
    assert session.scalars(select(ExamForm)).all() == []
    with unit_of_work(assembler) as uow:
        form = whole_forms.take_in(uow, blueprint_id, codes[1:], source="编号.txt", reason="省里下发，删去争议题")
    (step,) = session.scalars(select(FormDecision).where(FormDecision.exam_form_id == form.exam_form_id))
    assert "省里下发" in step.comment
    assert "总题数" in step.comment
    assert "n_items" in forms.waived_rules(session, assembler, form)
    with unit_of_work(assembler) as uow:
        forms.submit_form(uow, form.exam_form_id)
    admin = make_actor(Role.ORGANISATION_ADMIN)
    with unit_of_work(admin) as uow:
        profiles.publish(uow, {"blueprints.whole_form_waiver": "一律不收"}, effective_on=date(2026, 1, 1))
    with pytest.raises(ConflictError, match="规则方案"), unit_of_work(assembler) as uow:
        whole_forms.take_in(uow, blueprint_id, codes[1:], reason="再试")


def test_nothing_excuses_items_that_no_form_may_take(
    paper: tuple[uuid.UUID, list[str]], make_actor: Callable[..., Actor], assembler: Actor, session: Session
) -> None:
    blueprint_id, codes = paper
    first, second = (session.scalars(select(Item).where(Item.code == code)).one() for code in codes[:2])
    with unit_of_work(make_actor(Role.EDITOR)) as uow:
        duplicates.add_enemies(uow, first.item_id, second.code)
    found = whole_forms.check_form_by_codes(session, assembler, blueprint_id, codes)
    assert [tuple(sorted(pair)) for pair in found.enemies] == [tuple(sorted(codes[:2]))]
    assert [check.constraint for check in found.broken] == ["enemies"]
    for wrong in (codes, [*codes[1:], codes[1]]):
        with pytest.raises(ConflictError, match="不能收为试卷"), unit_of_work(assembler) as uow:
            whole_forms.take_in(uow, blueprint_id, wrong, reason="必须用")
    with unit_of_work(assembler) as uow:
        first.status = ItemStatus.RETIRED
        uow.add(first)
    found = whole_forms.check_form_by_codes(session, assembler, blueprint_id, codes)
    assert found.unusable == {codes[0]: "已停用"}
    with pytest.raises(InvalidInputError):
        whole_forms.check_form_by_codes(session, assembler, blueprint_id, [])


def test_what_the_bank_had_before_belongs_to_an_imported_paper(
    paper: tuple[uuid.UUID, list[str]], assembler: Actor, session: Session
) -> None:
    _, codes = paper
    same = {"locator": "第 3 题", "code": "duplicate_of", "message": f"与 {codes[0]} 的内容相同，未导入"}
    run_id = imported(
        session,
        assembler,
        codes[2:],
        warnings=[same],
        updated=[{"code": codes[1], "item_id": "", "before": "", "version": ""}],
    )
    name, found = codes_of_import(session, assembler, run_id)
    assert name == "套题.docx"
    assert set(found) == set(codes)
    assert set(found[-2:]) == set(codes[:2])


def test_nobody_reaches_over_the_wall_or_without_permission(
    *,
    paper: tuple[uuid.UUID, list[str]],
    other_organisation: Organisation,
    make_actor: Callable[..., Actor],
    sign_in: SignIn,
    assembler: Actor,
    session: Session,
) -> None:
    blueprint_id, codes = paper
    run_id = imported(session, assembler, codes)
    stranger = make_actor(Role.ASSEMBLER, organisation_id=other_organisation.organisation_id)
    bank = fill_bank(other_organisation.organisation_id, copies=1)
    with pytest.raises(NotFoundError):
        codes_of_import(session, stranger, run_id)
    with pytest.raises(NotFoundError):
        whole_forms.check_form_by_codes(session, stranger, blueprint_id, codes)
    with unit_of_work(stranger) as uow:
        theirs = blueprints.create_blueprint(uow, standard_level_id=bank.standard_level_id, spec=small_spec())
    foreign = [code for code in codes if code > "T-0035"]
    found = whole_forms.check_form_by_codes(session, stranger, theirs.exam_blueprint_id, foreign)
    assert foreign
    assert found.unusable == dict.fromkeys(foreign, "")
    assert found.form.slots == []
    with pytest.raises(ForbiddenError):
        whole_forms.check_form_by_codes(session, make_actor(Role.FORM_APPROVER), blueprint_id, codes)
    client, address = sign_in(Role.FORM_APPROVER), f"/blueprints/{blueprint_id}/whole-form"
    assert client.get(address).status_code == 403
    assert client.post(address, data={"codes": codes[0]}).status_code == 403
    assert client.post(f"{address}/take-in", data={"codes": codes[0]}).status_code == 403

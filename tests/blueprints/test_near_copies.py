"""Near-copies never go out in one form: draws keep them apart unasked, hand work and whole forms are stopped until mended."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from blueprints import repository, repository_sets
from blueprints.models import AssemblyRun, ExamForm, FormSlot
from blueprints.rules.states import FormStatus
from blueprints.services import form_sets, forms, runs, swaps
from blueprints.services.quality import NearCopiesError, copies_of_offers
from item_templates.contract import ItemContent
from kernel.identity.actor import Actor, system_actor
from kernel.identity.models import Organisation, User
from kernel.identity.permissions import Role
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from qbank import public as qbank
from qbank.models.curation import ItemPair
from qbank.models.items import Item
from qbank.models.standards import AssessmentPoint, StandardLevel
from qbank.rules.pairs import PairState
from qbank.services import duplicates, items
from tests.blueprints.bank_cases import Bank, add_items, single_choice

MakeActor = Callable[..., Actor]


def add_to_bank(session: Session, bank: Bank, point: str, contents: list[ItemContent]) -> list[Item]:
    """Put items into the bank that no check has seen yet."""
    with unit_of_work(system_actor(bank.organisation_id)) as uow:
        level = session.get_one(StandardLevel, bank.standard_level_id)
        where = session.scalars(select(AssessmentPoint).where(AssessmentPoint.full_code == point)).one()
        add_items(uow, level, [(where, content) for content in contents], prefix="C")
    return list(session.scalars(select(Item).where(Item.code.startswith("C-")).order_by(Item.code)))


def content_of(session: Session, actor: Actor, slot: FormSlot) -> ItemContent:
    return qbank.load_contents(session, actor, [slot.item_version_id])[slot.item_version_id].content


@pytest.fixture
def doubled(drafts: list[ExamForm], bank: Bank, assembler: Actor, session: Session) -> tuple[uuid.UUID, str, str]:
    """A draft into which somebody swapped a near-copy of its first item, with the codes of both."""
    form = repository.get_form(session, drafts[0].exam_form_id, actor=assembler, with_slots=True)
    first, second = (slot for slot in form.slots[:2] if slot.type == "single_choice")
    content = content_of(session, assembler, first)
    (copy,) = add_to_bank(session, bank, second.point, [replace(content, stem=content.stem + "请选择")])
    with unit_of_work(assembler) as uow:
        swaps.swap_item(uow, form.exam_form_id, slot=second.slot, item_id=copy.item_id, version=form.version)
    return form.exam_form_id, first.item_code, copy.code


def decide(actor: Actor, session: Session, state: PairState) -> None:
    pair = session.scalars(select(ItemPair)).one()
    with unit_of_work(actor) as uow:
        duplicates.decide(uow, pair.item_pair_id, version=pair.version, state=state)


def test_a_form_with_near_copies_waits_until_they_are_found_to_differ(
    doubled: tuple[uuid.UUID, str, str], assembler: Actor, make_actor: MakeActor,
    sign_in: Callable[..., FlaskClient], session: Session,
) -> None:  # fmt: skip
    form_id, *codes = doubled
    approver = make_actor(Role.FORM_APPROVER)
    with pytest.raises(NearCopiesError) as caught, unit_of_work(assembler) as uow:
        forms.submit_form(uow, form_id)
    assert all(code in caught.value.message for code in (*codes, "查重", "替换"))
    client = sign_in(Role.ASSEMBLER)
    page = client.get(f"/forms/{form_id}").get_data(as_text=True)
    assert "处理之前不能提交" in page
    assert "提交审核" not in page
    assert all(code in page for code in codes)
    assert client.post(f"/forms/{form_id}/ask-about-copies").status_code == 303
    page = client.get(f"/forms/{form_id}").get_data(as_text=True)
    assert "已提请判定" in page
    assert "ask-about-copies" not in page
    editor = make_actor(Role.EDITOR)
    decide(editor, session, PairState.DIFFERENT)
    assert "提交审核" in client.get(f"/forms/{form_id}").get_data(as_text=True)
    with unit_of_work(assembler) as uow:
        forms.submit_form(uow, form_id)
    decide(editor, session, PairState.OPEN)
    with pytest.raises(NearCopiesError), unit_of_work(approver) as uow:
        forms.approve_form(uow, form_id)
    decide(editor, session, PairState.DIFFERENT)
    with unit_of_work(approver) as uow:
        forms.approve_form(uow, form_id)
    decide(editor, session, PairState.ENEMY)
    with pytest.raises(NearCopiesError), unit_of_work(approver) as uow:
        forms.seal_form(uow, form_id)
    decide(editor, session, PairState.DIFFERENT)
    with unit_of_work(approver) as uow:
        forms.seal_form(uow, form_id)
    session.expire_all()
    assert session.get_one(ExamForm, form_id).status is FormStatus.SEALED


def test_nobody_asks_about_anothers_form_or_without_a_role_in_assembly(
    doubled: tuple[uuid.UUID, str, str], make_user: Callable[..., object], sign_in: Callable[..., FlaskClient],
    other_organisation: Organisation,
) -> None:  # fmt: skip
    address = f"/forms/{doubled[0]}/ask-about-copies"
    assert sign_in(Role.EXAM_OFFICER).post(address).status_code == 403
    stranger = make_user(Role.ASSEMBLER, organisation_id=other_organisation.organisation_id)
    assert sign_in(user=stranger).post(address).status_code == 404


def test_an_offer_that_is_a_near_copy_says_of_what_before_it_comes_in(
    doubled: tuple[uuid.UUID, str, str], assembler: Actor, sign_in: Callable[..., FlaskClient], session: Session
) -> None:
    form_id, code, copy = doubled
    form = repository.get_form(session, form_id, actor=assembler, with_slots=True)
    with unit_of_work(assembler) as uow:
        taken = next(slot for slot in form.slots if slot.item_code == copy)
        swaps.remove_item(uow, form_id, slot=taken.slot, version=form.version)
    client = sign_in(Role.ASSEMBLER)
    ticket = client.post(f"/forms/{form_id}/work").location.partition("ticket=")[2]
    for page in ("add", f"swap/{taken.slot + 1}"):
        shown = client.get(f"/forms/{form_id}/{page}?ticket={ticket}&q={copy}").get_data(as_text=True)
        assert f"与 {code} 相近" in shown
        assert f"仍然{'加入' if page == 'add' else '换入'} {copy}" in shown
    row = repository.get_form(session, form_id, actor=assembler, with_slots=True)
    entry = next(one for one in qbank.load_pool(session, assembler, row.standard_level_id) if one.code == copy)
    first = next(slot.slot for slot in row.slots if slot.item_code == code)
    assert set(copies_of_offers(session, assembler, row, [entry])) == {entry.item_id}
    assert copies_of_offers(session, assembler, row, [entry], but_slot=first) == {}


def test_a_draw_keeps_near_copies_apart_that_no_check_has_seen(
    bank: Bank, session: Session, run_finished: Callable[..., AssemblyRun]
) -> None:
    stem = single_choice(1).stem
    alike = add_to_bank(
        session, bank, "B-A-001", [replace(single_choice(1), stem=f"{stem}第{n}种说法") for n in range(8)]
    )
    names = {str(item.item_id) for item in alike}
    session.query(Item).filter(Item.code.startswith("T-")).update({"n_used": 5})  # the draw likes fresh items
    session.commit()
    run = run_finished(n_forms=2)
    chosen = [names & {item["id"] for item in form["items"]} for form in (run.result or {})["forms"]]
    assert [len(one) for one in chosen] == [1, 1]


@pytest.fixture
def alike_bank(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every item of a type say nearly the same; comes before the bank is filled."""
    monkeypatch.setattr(
        "tests.blueprints.bank_cases.own_words", lambda kind, _number: f"{kind}电机绝缘接地熔断变压开关"
    )


@pytest.mark.usefixtures("alike_bank")
@pytest.mark.parametrize("kind", ["parallel", "on the fly"])
def test_a_draw_that_cannot_keep_near_copies_apart_says_so_before_its_forms_are_taken_over(
    run_finished: Callable[..., AssemblyRun], assembler: Actor, sign_in: Callable[..., FlaskClient], kind: str
) -> None:  # fmt: skip
    run = run_finished()
    if kind == "on the fly":
        with unit_of_work(assembler) as uow:
            run = runs.start_run(uow, run.exam_blueprint_id, n_forms=3, seed=3, is_on_the_fly=True)
        assert run.job_id is not None
        run_job(run.job_id)
    client = sign_in(Role.ASSEMBLER)
    address = f"/assembly-runs/{run.assembly_run_id}"
    page = client.get(address).get_data(as_text=True)
    assert "没有能全部分开" in page
    assert "处理之前不能提交" in page
    assert any(f"{label} 卷：" in page for label in (["A", "B"] if kind == "parallel" else ["0001", "0002", "0003"]))
    assert "采用试卷" in page
    assert client.post(f"{address}/accept").status_code == 303
    assert "没有能全部分开" not in client.get(address).get_data(as_text=True)


def test_a_draw_whose_near_copies_are_apart_says_nothing_of_them(
    run_finished: Callable[..., AssemblyRun], sign_in: Callable[..., FlaskClient]
) -> None:
    page = sign_in(Role.ASSEMBLER).get(f"/assembly-runs/{run_finished().assembly_run_id}").get_data(as_text=True)
    assert "采用试卷" in page
    assert "相近的题" not in page


def test_a_blueprint_says_that_nobody_checked_the_bank_and_who_may(
    run_finished: Callable[..., AssemblyRun], bank: Bank, sign_in: Callable[..., FlaskClient],
    make_user: Callable[..., User], make_actor: MakeActor,
) -> None:  # fmt: skip
    address = f"/blueprints/{run_finished(n_forms=1).exam_blueprint_id}"
    check = f"/duplicates/{bank.standard_level_id}"
    page = sign_in(Role.ASSEMBLER).get(address).get_data(as_text=True)
    assert "还没有查重" in page
    assert "请题库管理员" in page
    assert f"{check}/run" not in page
    assert f"/bank-reports/{bank.standard_level_id}" in page
    both = sign_in(user=make_user(Role.ASSEMBLER, Role.EDITOR))
    page = both.get(address).get_data(as_text=True)
    assert f'action="{check}/run"' in page
    assert f'href="{check}"' in page
    with unit_of_work(make_actor(Role.EDITOR)) as uow:
        job = duplicates.start_check(uow, bank.standard_level_id)
    run_job(job.job_id)
    assert f"{check}/run" not in both.get(address).get_data(as_text=True)
    with unit_of_work(make_actor(Role.AUTHOR)) as uow:
        for number in (901, 902):
            items.create_item(uow, standard_level_id=bank.standard_level_id, content=single_choice(number))
    assert "上次查重以后新增或修改了 2 题" in both.get(address).get_data(as_text=True)


def test_a_set_with_near_copies_in_one_of_its_forms_is_not_handed_on(
    run_finished: Callable[..., AssemblyRun], bank: Bank, make_actor: MakeActor, session: Session,
    sign_in: Callable[..., FlaskClient],
) -> None:  # fmt: skip
    assembler = make_actor(Role.ASSEMBLER)
    blueprint = run_finished(n_forms=1).exam_blueprint_id
    with unit_of_work(assembler) as uow:
        run = runs.start_run(uow, blueprint, n_forms=4, seed=3, is_on_the_fly=True)
    assert run.job_id is not None
    run_job(run.job_id)
    session.expire_all()
    with unit_of_work(assembler) as uow:
        key = form_sets.accept_set(uow, run.assembly_run_id).form_set_id
    member = repository_sets.members(session, key)[2]
    form = repository.get_form(session, member.exam_form_id, actor=assembler, with_slots=True)
    first, second = form.slots[:2]
    content = content_of(session, assembler, first)
    (copy,) = add_to_bank(session, bank, second.point, [replace(content, stem=content.stem + "请选择")])
    second.item_id, second.item_version_id, second.item_code = copy.item_id, copy.current_version_id, copy.code
    session.commit()
    with pytest.raises(NearCopiesError, match="0003"), unit_of_work(assembler) as uow:
        form_sets.submit_set(uow, key)
    client = sign_in(Role.ASSEMBLER)
    page = client.get(f"/form-sets/{key}").get_data(as_text=True)
    assert "0003 卷" in page
    assert "提交审核" not in page
    assert client.post(f"/form-sets/{key}/ask-about-copies").status_code == 303
    decide(make_actor(Role.EDITOR), session, PairState.DIFFERENT)
    with unit_of_work(assembler) as uow:
        assert form_sets.submit_set(uow, key).status is FormStatus.IN_REVIEW

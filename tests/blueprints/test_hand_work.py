"""Hand work on a draft: locking, swapping, adding, taking out, undoing; two people at once; what stops a submission."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Callable
from decimal import Decimal

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.models import AssemblyRun, ExamForm, FormChange
from blueprints.rules.codes import engine_code
from blueprints.rules.states import ChangeKind
from blueprints.services import changes, forms, redraw, runs, swaps
from blueprints.services.bank import load_pool
from blueprints.services.bench import load_bench
from blueprints.services.changes import ChangedMeanwhileError
from kernel.audit.models import AuditEvent
from kernel.errors import ConflictError, ForbiddenError, NotFoundError
from kernel.identity.actor import Actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank.public_changes import Report, ReportSource
from qbank.services import corrections
from tests.blueprints.bank_cases import Bank, open_place

Shape = list[tuple[int, str, bool]]


def shape(session: Session, form_id: uuid.UUID, actor: Actor) -> Shape:
    form = repository.get_form(session, form_id, actor=actor, with_slots=True)
    return [(slot.slot, slot.item_code, slot.is_locked) for slot in form.slots]


def version_of(session: Session, form_id: uuid.UUID, actor: Actor) -> int:
    return repository.get_form(session, form_id, actor=actor, with_slots=True).version


def bench_of(session: Session, form_id: uuid.UUID, actor: Actor) -> swaps.Bench:
    return load_bench(session, actor, repository.get_form(session, form_id, actor=actor, with_slots=True))


def removed(session: Session, form: ExamForm, actor: Actor, slot: int) -> None:
    with unit_of_work(actor) as uow:
        swaps.remove_item(uow, form.exam_form_id, slot=slot, version=version_of(session, form.exam_form_id, actor))


def test_taking_out_shows_what_is_broken_and_the_best_addition_mends_it(
    drafts: list[ExamForm], assembler: Actor, session: Session
) -> None:
    form = drafts[0]
    removed(session, form, assembler, 4)
    bench = bench_of(session, form.exam_form_id, assembler)
    broken = {check.constraint for check in bench.broken()}
    assert {"n_items", "types[single_choice]", "total_score"} <= broken
    assert [slot for slot, _code, _locked in shape(session, form.exam_form_id, assembler)] == list(range(1, 20))
    offer = swaps.addition_offers(bench)[0]
    assert {effect.after.constraint for effect in offer.effects if effect.mends} == broken
    with unit_of_work(assembler) as uow:
        whole = swaps.add_item(uow, form.exam_form_id, item_id=offer.entry.item_id, version=bench.form.version)
    assert (whole.n_slots, whole.total_score) == (20, Decimal(20))
    assert bench_of(session, form.exam_form_id, assembler).broken() == []


def test_a_draft_at_odds_with_its_blueprint_is_not_submitted(
    drafts: list[ExamForm], assembler: Actor, session: Session
) -> None:
    form_id = drafts[0].exam_form_id
    removed(session, drafts[0], assembler, 1)
    with pytest.raises(ConflictError, match=r"还不符合蓝图.*总题数"), unit_of_work(assembler) as uow:
        forms.submit_form(uow, form_id)
    with unit_of_work(assembler) as uow:
        changes.undo_change(uow, form_id, version=version_of(session, form_id, assembler))
    with unit_of_work(assembler) as uow:
        forms.submit_form(uow, form_id)


def test_offers_say_what_changes_and_keep_what_holds(
    drafts: list[ExamForm], assembler: Actor, session: Session
) -> None:
    bench = bench_of(session, drafts[0].exam_form_id, assembler)
    offers = swaps.swap_offers(bench, open_place(bench))
    assert offers
    assert not any(offer.breaks for offer in offers)
    present = {item.id for item in bench.items}
    elsewhere = next(
        entry
        for entry in bench.pool.entries.values()
        if entry.type == "true_false" and str(entry.item_id) not in present
    )
    (found,) = swaps.swap_offers(bench, 2, elsewhere.code.lower())
    assert {effect.after.constraint for effect in found.breaks} >= {"types[single_choice]", "types[true_false]"}


def test_a_forced_swap_may_break_counts_but_never_bring_an_item_twice(
    drafts: list[ExamForm], assembler: Actor, session: Session
) -> None:
    form, sibling = drafts
    bench = bench_of(session, form.exam_form_id, assembler)
    form_id, version = form.exam_form_id, form.version
    twin, foreign = form.slots[5].item_id, sibling.slots[0].item_id
    taken = {slot.item_id for draft in drafts for slot in draft.slots}
    other = next(e for e in bench.pool.entries.values() if e.type == "short_answer" and e.item_id not in taken)
    for item_id in (twin, foreign):
        with pytest.raises(ConflictError, match="不能加入"), unit_of_work(assembler) as uow:
            swaps.swap_item(uow, form_id, slot=1, item_id=item_id, version=version, is_forced=True)
    with unit_of_work(assembler) as uow:
        swaps.swap_item(uow, form_id, slot=1, item_id=other.item_id, version=version, is_forced=True)
    assert bench_of(session, form_id, assembler).broken()


def test_a_locked_place_is_left_alone_until_it_is_freed(
    drafts: list[ExamForm], assembler: Actor, session: Session
) -> None:
    form_id = drafts[0].exam_form_id
    place = open_place(bench_of(session, form_id, assembler))
    with unit_of_work(assembler) as uow:
        changes.set_lock(uow, form_id, slot=place, is_locked=True, version=drafts[0].version)
    version = version_of(session, form_id, assembler)
    entry = swaps.swap_candidates(bench_of(session, form_id, assembler), place)[0]
    with pytest.raises(ConflictError, match="已锁定"), unit_of_work(assembler) as uow:
        swaps.swap_item(uow, form_id, slot=place, item_id=entry.item_id, version=version)
    with pytest.raises(ConflictError, match="已锁定"), unit_of_work(assembler) as uow:
        swaps.remove_item(uow, form_id, slot=place, version=version)
    with unit_of_work(assembler) as uow:
        changes.set_lock(uow, form_id, slot=place, is_locked=False, version=version)
    with unit_of_work(assembler) as uow:
        swaps.swap_item(
            uow, form_id, slot=place, item_id=entry.item_id, version=version_of(session, form_id, assembler)
        )  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_undoing_everything_gives_the_form_back_as_it_was(
    drafts: list[ExamForm], assembler: Actor, session: Session, seed: int
) -> None:
    form_id, draw = drafts[0].exam_form_id, random.Random(seed)
    before = shape(session, form_id, assembler)
    for _ in range(5):
        bench = bench_of(session, form_id, assembler)
        slot, version = draw.choice(bench.form.slots).slot, bench.form.version
        with unit_of_work(assembler) as uow:
            act, offered = draw.choice("sarl"), swaps.swap_candidates(bench, slot)
            if act == "s" and offered:
                swaps.swap_item(uow, form_id, slot=slot, item_id=draw.choice(offered).item_id, version=version)
            elif act == "a":
                swaps.add_item(uow, form_id, item_id=swaps.addition_offers(bench)[0].entry.item_id, version=version)
            elif act == "r":
                swaps.remove_item(uow, form_id, slot=slot, version=version)
            else:
                changes.set_lock(uow, form_id, slot=slot, is_locked=True, version=version)
                changes.set_lock(uow, form_id, slot=slot, is_locked=False, version=version + 2)
    while (standing := repository.last_standing_change(session, form_id)) is not None:
        with unit_of_work(assembler) as uow:
            undone = changes.undo_change(uow, form_id, version=version_of(session, form_id, assembler))
        assert undone.undoes == standing.number
    assert shape(session, form_id, assembler) == before
    with pytest.raises(NotFoundError, match="没有可以撤销"), unit_of_work(assembler) as uow:
        changes.undo_change(uow, form_id, version=version_of(session, form_id, assembler))


def test_the_rest_is_drawn_anew_around_what_is_locked(
    drafts: list[ExamForm], assembler: Actor, session: Session
) -> None:
    form_id, sibling = drafts[0].exam_form_id, {slot.item_id for slot in drafts[1].slots}
    before, version = shape(session, form_id, assembler), drafts[0].version
    for slot in (2, 15):
        with unit_of_work(assembler) as uow:
            changes.set_lock(uow, form_id, slot=slot, is_locked=True, version=version)
        version = version_of(session, form_id, assembler)
    chosen = redraw.draw_rest(session, assembler, form_id, seed=99)
    with pytest.raises(ChangedMeanwhileError), unit_of_work(assembler) as uow:
        redraw.put_rest(uow, form_id, item_ids=chosen, version=version - 1)
    with unit_of_work(assembler) as uow:
        redraw.put_rest(uow, form_id, item_ids=chosen, version=version)
    found = shape(session, form_id, assembler)
    assert (found[1][1], found[14][1]) == (before[1][1], before[14][1])
    assert {code for _slot, code, _locked in found} != {code for _slot, code, _locked in before}
    bench = bench_of(session, form_id, assembler)
    assert bench.broken() == []
    assert sibling.isdisjoint(slot.item_id for slot in bench.form.slots)
    for _ in range(3):
        with unit_of_work(assembler) as uow:
            changes.undo_change(uow, form_id, version=version_of(session, form_id, assembler))
    assert shape(session, form_id, assembler) == before


def test_an_item_gone_into_quarantine_does_not_come_back_by_undoing(
    drafts: list[ExamForm], assembler: Actor, make_actor: Callable[..., Actor], session: Session
) -> None:
    form = drafts[0]
    gone = form.slots[0].item_id
    removed(session, form, assembler, 1)
    with unit_of_work(make_actor(Role.EDITOR)) as uow:
        case = corrections.report_error(uow, Report(ReportSource.STAFF, "标准答案有误", item_id=gone))
        corrections.quarantine(uow, case.correction_case_id, reason="核对")
    with pytest.raises(ConflictError, match="不能撤销"), unit_of_work(assembler) as uow:
        changes.undo_change(uow, form.exam_form_id, version=version_of(session, form.exam_form_id, assembler))


def test_every_act_is_kept_with_who_did_it_and_audited(
    drafts: list[ExamForm], assembler: Actor, session: Session
) -> None:
    removed(session, drafts[0], assembler, 3)
    kept = session.scalars(select(FormChange)).one()
    assert (kept.kind, kept.changed_by, kept.number) == (ChangeKind.REMOVE, assembler.user_id, 1)
    events = session.scalars(select(AuditEvent).where(AuditEvent.act == "form.swap")).all()
    assert kept.before[0]["code"] in str(events[-1].details["reason"])


def test_the_second_of_two_people_keeps_their_change_and_sees_the_others(
    sign_in: Callable[..., FlaskClient], drafts: list[ExamForm], assembler: Actor, session: Session
) -> None:
    client, form_id = sign_in(Role.ASSEMBLER), drafts[0].exam_form_id
    ticket = client.post(f"/forms/{form_id}/work").location.partition("ticket=")[2]
    place = open_place(bench_of(session, form_id, assembler))
    page = client.get(f"/forms/{form_id}/swap/{place}?ticket={ticket}").get_data(as_text=True)
    wanted = re.findall(r'name="item_id" value="([0-9a-f-]{36})"', page)[0]
    seen = str(drafts[0].version)
    removed(session, drafts[0], assembler, 20)
    late = client.post(f"/forms/{form_id}/swap/{place}", data={"item_id": wanted, "version": seen, "ticket": ticket})
    text = late.get_data(as_text=True)
    assert late.status_code == 409
    assert "移出" in text
    assert assembler.name in text
    again = dict(re.findall(r'name="(item_id|version|ticket)" value="([^"]+)"', text))
    assert again["item_id"] == wanted
    assert client.post(f"/forms/{form_id}/swap/{place}", data=again).status_code == 303
    kinds = [one.kind for one in repository.list_changes(session, form_id)]
    assert kinds == [ChangeKind.REMOVE, ChangeKind.SWAP]


def test_a_late_change_is_refused_by_the_service(drafts: list[ExamForm], assembler: Actor, session: Session) -> None:
    version = drafts[0].version
    removed(session, drafts[0], assembler, 3)
    with pytest.raises(ChangedMeanwhileError), unit_of_work(assembler) as uow:
        swaps.remove_item(uow, drafts[0].exam_form_id, slot=3, version=version)


def test_the_bench_works_in_the_browser_from_end_to_end(
    sign_in: Callable[..., FlaskClient], drafts: list[ExamForm], session: Session, assembler: Actor
) -> None:
    client, form_id = sign_in(Role.ASSEMBLER), drafts[0].exam_form_id
    assert "手工调整" in client.get(f"/forms/{form_id}").get_data(as_text=True)
    opened = client.post(f"/forms/{form_id}/work").location
    ticket = opened.partition("ticket=")[2]
    assert "要求都符合" in client.get(opened).get_data(as_text=True)

    def post(path: str, **fields: str) -> int:
        data = {"version": str(version_of(session, form_id, assembler)), "ticket": ticket, **fields}
        return client.post(f"/forms/{form_id}/{path}", data=data).status_code

    assert post("remove/2") == 303
    page = client.get(opened).get_data(as_text=True)
    assert "补齐后才能提交审核" in page
    assert "撤销上一步" in page
    offered = client.get(f"/forms/{form_id}/add?ticket={ticket}").get_data(as_text=True)
    wanted = re.findall(r'name="item_id" value="([0-9a-f-]{36})"', offered)[0]
    assert post("add", item_id=wanted) == 303
    assert post("lock/1", locked="1") == 303
    assert "已锁定" in client.get(opened).get_data(as_text=True)
    assert post("undo") == 303
    assert "要求都符合" in client.get(opened).get_data(as_text=True)
    assert post("redraw") == 303
    assert "要求都符合" in client.get(opened).get_data(as_text=True)
    assert post("remove/99") == 404
    assert client.get(f"/forms/{form_id}/work").status_code == 403


def test_hand_work_keeps_what_the_forms_of_a_draw_owe_together(
    run_finished: Callable[..., AssemblyRun], bank: Bank, assembler: Actor, session: Session
) -> None:
    pool = load_pool(session, assembler, bank.standard_level_id).entries
    wanted = next(key for key, entry in pool.items() if entry.type == "true_false")
    run = run_finished(include=[wanted], coverage=[{"forms": 2}])
    with unit_of_work(assembler) as uow:
        drafts = runs.accept_run(uow, run.assembly_run_id)
    form = next(one for one in drafts if wanted in {str(slot.item_id) for slot in one.slots})
    points = {one.point for draft in drafts if draft is not form for one in draft.slots}
    slot = next(one.slot for one in form.slots if str(one.item_id) == wanted)
    bench = bench_of(session, form.exam_form_id, assembler)
    names = {check.constraint for check in bench.checks()}
    assert {f"include[{wanted}]", "coverage[*]"} <= names
    assert bench.broken() == []
    assert swaps.swap_candidates(bench, slot) == []
    removed(session, form, assembler, slot)
    assert f"include[{wanted}]" in {
        check.constraint for check in bench_of(session, form.exam_form_id, assembler).broken()
    }
    with pytest.raises(ConflictError), unit_of_work(assembler) as uow:
        forms.submit_form(uow, form.exam_form_id)
    rule = bench.blueprint.limits.coverage[0]
    every = {engine_code(entry.point) for entry in pool.values()}
    assert bench.owed_points(rule) == every - {engine_code(point) for point in points}


def test_nobody_works_on_anothers_form_or_without_the_role(
    drafts: list[ExamForm], make_actor: Callable[..., Actor], approver: Actor, other_organisation: Organisation
) -> None:
    form = drafts[0]
    stranger = make_actor(Role.ASSEMBLER, organisation_id=other_organisation.organisation_id)
    acts: list[Callable[..., object]] = [
        lambda uow: swaps.remove_item(uow, form.exam_form_id, slot=1, version=form.version),
        lambda uow: swaps.add_item(uow, form.exam_form_id, item_id=uuid.uuid4(), version=form.version),
        lambda uow: changes.set_lock(uow, form.exam_form_id, slot=1, is_locked=True, version=form.version),
        lambda uow: changes.undo_change(uow, form.exam_form_id, version=form.version),
    ]
    for act in acts:
        with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
            act(uow)
        with pytest.raises(ForbiddenError), unit_of_work(approver) as uow:
            act(uow)


def test_held_items_stand_on_the_form_page(
    drafts: list[ExamForm], sign_in: Callable[..., FlaskClient], make_actor: Callable[..., Actor]
) -> None:
    form = drafts[0]
    first = form.slots[0]
    with unit_of_work(make_actor(Role.EDITOR)) as uow:
        case = corrections.report_error(uow, Report(ReportSource.STAFF, "标准答案有误", item_id=first.item_id))
        corrections.quarantine(uow, case.correction_case_id, reason="核对")
    page = sign_in(Role.FORM_APPROVER).get(f"/forms/{form.exam_form_id}").get_data(as_text=True)
    assert "暂停使用的试题" in page
    assert first.item_code in page

"""Assembling from the bank, understanding a refusal, taking forms over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from blueprints.cli import replay
from blueprints.models import AssemblyPool, AssemblyRun, ExamForm
from blueprints.rules.states import BlueprintStatus, FormStatus, RunStatus
from blueprints.services import blueprints, runs
from kernel import audit
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.actor import Actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from qbank.models.items import Item
from qbank.rules.items import ItemStatus
from qbank.rules.standards import OutlineLayout
from tests.blueprints.bank_cases import Bank, fill_bank, small_spec


def test_two_parallel_forms_come_from_the_bank_and_share_nothing(drafts: list[ExamForm]) -> None:
    first, second = drafts
    assert [form.label for form in drafts] == ["A", "B"]
    assert {slot.item_id for slot in first.slots}.isdisjoint(slot.item_id for slot in second.slots)
    for form in drafts:
        assert Counter(slot.type for slot in form.slots) == {"single_choice": 10, "true_false": 10}
        assert [slot.slot for slot in form.slots] == list(range(1, 21))
        assert form.total_score == 20
        assert Counter(slot.point[:3] for slot in form.slots) == {"A-A": 4, "A-B": 6, "B-A": 10}


def test_the_same_seed_draws_the_same_forms_again(run_finished: Callable[..., AssemblyRun]) -> None:
    first, again, other = (run_finished(seed=seed) for seed in (5, 5, 6))
    chosen = [
        [item["id"] for form in (run.result or {})["forms"] for item in form["items"]] for run in (first, again, other)
    ]
    assert chosen[0] == chosen[1]
    assert chosen[0] != chosen[2]
    assert first.pool_digest == again.pool_digest
    assert len(first.pool_digest) == 64


def test_a_run_without_a_kept_pool_is_drawn_again_from_the_bank_until_that_changes(
    run_finished: Callable[..., AssemblyRun], assembler: Actor, session: Session
) -> None:
    run = run_finished(earlier={"last": 2, "max_count": 0})
    with unit_of_work(assembler) as uow:
        runs.accept_run(uow, run.assembly_run_id)
    session.execute(delete(AssemblyPool))
    session.commit()
    answer = CliRunner().invoke(replay, [str(run.assembly_run_id)])
    assert (answer.exit_code, run.pool_digest in answer.output) == (0, True), answer.output
    assert ("没有留存题库" in answer.output, "重放一致" in answer.output) == (True, True)
    drawn = [item["code"] for item in (run.result or {})["forms"][0]["items"]]
    session.execute(update(Item).where(Item.code.in_(drawn)).values(n_used=9))
    session.commit()
    answer = CliRunner().invoke(replay, [str(run.assembly_run_id)])
    assert (answer.exit_code, "题库与当时不同" in answer.output) == (1, True)
    assert CliRunner().invoke(replay, [str(assembler.organisation)]).exit_code == 2


def test_a_run_without_a_seed_keeps_the_one_it_drew(bank: Bank, assembler: Actor) -> None:
    with unit_of_work(assembler) as uow:
        blueprint = blueprints.create_blueprint(uow, standard_level_id=bank.standard_level_id, spec=small_spec())
        seeds = {runs.start_run(uow, blueprint.exam_blueprint_id, n_forms=1).seed for _ in range(5)}
    assert len(seeds) == 5


def test_an_outline_in_chapters_is_assembled_by_its_weights(
    organisation: Organisation, assembler: Actor, session: Session
) -> None:
    bank = fill_bank(organisation.organisation_id, layout=OutlineLayout.CHAPTER)
    with unit_of_work(assembler) as uow:
        blueprint = blueprints.create_blueprint(uow, standard_level_id=bank.standard_level_id, spec=small_spec())
        blueprints.publish_blueprint(uow, blueprint.exam_blueprint_id)
        run = runs.start_run(uow, blueprint.exam_blueprint_id, n_forms=1, seed=1)
    assert run.job_id
    run_job(run.job_id)
    session.expire_all()
    with unit_of_work(assembler) as uow:
        (form,) = runs.accept_run(uow, run.assembly_run_id)
    assert Counter(slot.point[:3] for slot in form.slots) == {"A.A": 4, "A.B": 6, "B.A": 10}


def test_new_blueprint_starts_with_the_profile_mix_and_the_outline_weights(bank: Bank, assembler: Actor) -> None:
    with unit_of_work(assembler) as uow:
        spec = blueprints.create_blueprint(uow, standard_level_id=bank.standard_level_id).spec
    assert spec["types"] == [
        {"type": "single_choice", "count": 80, "score_each": 1},
        {"type": "true_false", "count": 20, "score_each": 1},
    ]
    assert spec["weights"] == [
        {"scope": "A-A", "percent": 20},
        {"scope": "A-B", "percent": 30},
        {"scope": "B-A", "percent": 50},
    ]


def test_a_thin_bank_gives_rules_ways_out_and_a_writing_order(run_finished: Callable[..., AssemblyRun]) -> None:
    run = run_finished(n_forms=1, max_per_point=1)
    assert run.status is RunStatus.INFEASIBLE
    conflict = (run.result or {})["conflict"]
    assert any(part["rule"].startswith("max_per_point") for part in conflict["constraints"])
    assert conflict["relaxation"]
    assert conflict["writing_order"]
    assert (run.result or {})["forms"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"max_per_point": 1},
        {"importance": {"Z": {"min": 0.9}}},
        {"difficulty": {"mean": {"target": 5, "tolerance": 0}}},
        {"difficulty": {"counts": {"5": [19, 20]}}},
    ],
)
def test_every_relaxation_offered_makes_the_copied_blueprint_possible(
    run_finished: Callable[..., AssemblyRun], assembler: Actor, session: Session, changes: dict[str, object]
) -> None:
    run = run_finished(n_forms=1, **changes)
    ways = (run.result or {})["conflict"]["relaxation"]
    assert ways
    with unit_of_work(assembler) as uow:
        copies = [runs.try_relaxation(uow, run.assembly_run_id, number) for number in range(len(ways))]
        tries = [runs.start_run(uow, copy.exam_blueprint_id, n_forms=1, seed=1) for copy in copies]
    for attempt in tries:
        assert attempt.job_id
        run_job(attempt.job_id)
    session.expire_all()
    assert {session.get_one(AssemblyRun, attempt.assembly_run_id).status for attempt in tries} <= runs.DONE
    assert {copy.status for copy in copies} == {BlueprintStatus.DRAFT}


def test_forms_are_taken_over_once_and_only_from_a_published_blueprint(
    run_finished: Callable[..., AssemblyRun], assembler: Actor
) -> None:
    trial = run_finished(is_published=False)
    with pytest.raises(ConflictError, match="还没有发布"), unit_of_work(assembler) as uow:
        runs.accept_run(uow, trial.assembly_run_id)
    run = run_finished()
    with unit_of_work(assembler) as uow:
        assert {form.status for form in runs.accept_run(uow, run.assembly_run_id)} == {FormStatus.DRAFT}
    with pytest.raises(ConflictError, match="已经采用"), unit_of_work(assembler) as uow:
        runs.accept_run(uow, run.assembly_run_id)


def test_an_item_retired_after_the_draw_stops_the_taking_over(
    run_finished: Callable[..., AssemblyRun], assembler: Actor, session: Session
) -> None:
    run = run_finished()
    gone = (run.result or {})["forms"][0]["items"][0]
    session.execute(update(Item).where(Item.code == gone["code"]).values(status=ItemStatus.RETIRED))
    with pytest.raises(ConflictError, match=gone["code"]), unit_of_work(assembler) as uow:
        runs.accept_run(uow, run.assembly_run_id)


def test_numbers_out_of_range_are_named_by_field(bank: Bank, assembler: Actor) -> None:
    with unit_of_work(assembler) as uow:
        blueprint = blueprints.create_blueprint(uow, standard_level_id=bank.standard_level_id, spec=small_spec())
    with pytest.raises(InvalidInputError) as caught, unit_of_work(assembler) as uow:
        runs.start_run(uow, blueprint.exam_blueprint_id, n_forms=27, time_limit_seconds=0)
    assert set(caught.value.fields) == {"n_forms", "time_limit"}


def test_another_organisation_finds_neither_blueprint_nor_run(
    run_finished: Callable[..., AssemblyRun], make_actor: Callable[..., Actor], other_organisation: Organisation
) -> None:
    run = run_finished()
    stranger = make_actor(Role.ASSEMBLER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        blueprints.copy_blueprint(uow, run.exam_blueprint_id)
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        runs.accept_run(uow, run.assembly_run_id)
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        blueprints.create_blueprint(uow, standard_level_id=run.standard_level_id)


def test_an_approver_cannot_assemble(run_finished: Callable[..., AssemblyRun], approver: Actor) -> None:
    run = run_finished()
    with pytest.raises(ForbiddenError), unit_of_work(approver) as uow:
        runs.start_run(uow, run.exam_blueprint_id, n_forms=1)


def test_a_published_blueprint_and_a_stale_draft_are_not_changed(bank: Bank, assembler: Actor) -> None:
    with unit_of_work(assembler) as uow:
        row = blueprints.create_blueprint(uow, standard_level_id=bank.standard_level_id, spec=small_spec())
    with pytest.raises(ConflictError, match="已被他人修改"), unit_of_work(assembler) as uow:
        _rename(uow, row.exam_blueprint_id, row.version + 1)
    with unit_of_work(assembler) as uow:
        _rename(uow, row.exam_blueprint_id, row.version)
        blueprints.publish_blueprint(uow, row.exam_blueprint_id)
    with pytest.raises(ConflictError, match="不能修改"), unit_of_work(assembler) as uow:
        _rename(uow, row.exam_blueprint_id, row.version)


def _rename(uow: object, blueprint_id: object, version: int) -> None:
    blueprints.update_blueprint(
        uow,
        blueprint_id,
        version=version,
        name="新名",
        duration_minutes=90,
        spec=small_spec(),  # type: ignore[arg-type]
    )


def test_a_blueprint_at_odds_with_itself_is_not_published(bank: Bank, assembler: Actor) -> None:
    with unit_of_work(assembler) as uow:
        row = blueprints.create_blueprint(
            uow, standard_level_id=bank.standard_level_id, spec=small_spec(total_score=30)
        )
    with pytest.raises(ConflictError, match="总分为 30"), unit_of_work(assembler) as uow:
        blueprints.publish_blueprint(uow, row.exam_blueprint_id)


def test_every_act_stands_in_an_unbroken_audit_chain(drafts: list[ExamForm], session: Session) -> None:
    assert drafts
    result = audit.verify(session)
    assert result.broken is None
    assert result.n_events >= 6

"""Blueprints and forms on the way to a new edition of the standard."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from blueprints.models import ExamBlueprint, FormSlot
from blueprints.rules.edition_mapping import map_spec
from blueprints.services import blueprints, capacity, editions, forms, notices, runs
from kernel import profiles
from kernel.errors import ConflictError
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from qbank.models.editions import EditionTask
from qbank.models.items import Item
from qbank.models.standards import AssessmentPoint, StandardLevel
from qbank.repository import standards as standards_repository
from qbank.rules.corrections import ReportSource
from qbank.rules.edition_states import TaskKind
from qbank.services import corrections, edition_apply, edition_copy, outlines
from qbank.services import editions as qbank_editions
from tests.blueprints.bank_cases import small_spec

SPEC = {"weights": [{"scope": "A-A", "percent": 20}, {"scope": "A-B", "percent": 30}, {"scope": "B-A", "percent": 50}]}


def said(remarks):
    return [template % values for template, values in remarks]


def test_ranges_get_their_new_codes():
    mapped = map_spec(SPEC, {"A-A": "A-B", "A-B": "A-A", "B-A": "C-A"}, {"A-A": Decimal(30), "A-B": Decimal(20), "C-A": Decimal(50)})  # fmt: skip
    assert [rule["scope"] for rule in mapped.spec["weights"]] == ["A-B", "A-A", "C-A"]
    assert mapped.remarks == []


def test_what_does_not_fit_the_new_edition_is_named():
    spec = SPEC | {"cells": [{"scope": "A-B", "min": 1}, {"type": "essay", "min": 1}]}
    mapped = map_spec(spec, {"A-A": "A-A", "B-A": "A-A"}, {"A-A": Decimal(60), "D-A": Decimal(40)})
    assert mapped.spec["weights"] == [{"scope": "A-A", "percent": 70}]
    assert mapped.spec["cells"] == [{"type": "essay", "min": 1}]
    words = "\n".join(said(mapped.remarks))
    assert "A-B（比重 30）在新版没有对应的范围" in words
    assert "新版范围 A-A 的细目表比重为 60，蓝图沿用了旧版的 70" in words
    assert "D-A（细目表比重 40）在蓝图中没有比重" in words
    assert "合计 70，应为 100" in words


@pytest.fixture
def successor(bank, session):
    """The next edition of the bank's level, one range renamed in code, carried out and in force."""
    actor = system_actor(bank.organisation_id)
    level = session.get_one(StandardLevel, bank.standard_level_id)
    with unit_of_work(actor) as uow:
        edition = edition_copy.copy_edition(
            uow, level.standard_edition_id, label="2026年版", effective_on=date(2026, 1, 1)
        )
    new = session.scalars(
        select(StandardLevel).where(StandardLevel.standard_edition_id == edition.standard_edition_id)
    ).one()
    scope = next(s for s in standards_repository.list_scopes(session, new) if s.depth == 1 and s.code == "B")
    with unit_of_work(actor) as uow:
        outlines.update_scope(uow, scope.assessment_scope_id, outlines.ScopeData(scope.name, "D"))
    with unit_of_work(actor) as uow:
        outlines.publish_outline(uow, new.standard_level_id)
        migration = qbank_editions.create_migration(
            uow, old_level_id=level.standard_level_id, new_level_id=new.standard_level_id
        )
        qbank_editions.accept(uow, migration.outline_migration_id)

    def carry_out():
        with unit_of_work(actor) as uow:
            edition_apply.start_apply(uow, migration.outline_migration_id)
        run_job(session.get_one(type(migration), migration.outline_migration_id, populate_existing=True).job_id)
        session.expire_all()
        return new.standard_level_id

    return carry_out


def test_blueprints_follow_as_drafts_with_a_task(session, bank, assembler, successor):
    with unit_of_work(assembler) as uow:
        source = blueprints.create_blueprint(
            uow, standard_level_id=bank.standard_level_id, name="甲", spec=small_spec()
        )
        blueprints.publish_blueprint(uow, source.exam_blueprint_id)
    new_level_id = successor()
    draft = session.scalars(select(ExamBlueprint).where(ExamBlueprint.standard_level_id == new_level_id)).one()
    assert (draft.name, draft.status, draft.copied_from_id) == ("甲（2026年版）", "draft", source.exam_blueprint_id)
    assert {rule["scope"] for rule in draft.spec["weights"]} == {"A-A", "A-B", "D-A"}
    task = session.scalars(select(EditionTask).where(EditionTask.kind == TaskKind.BLUEPRINT)).one()
    assert task.subject_id == draft.exam_blueprint_id


def test_the_draft_gives_forms_of_the_new_edition(session, bank, assembler, approver, successor):
    with unit_of_work(assembler) as uow:
        blueprints.create_blueprint(uow, standard_level_id=bank.standard_level_id, spec=small_spec())
    new_level_id = successor()
    draft = session.scalars(select(ExamBlueprint).where(ExamBlueprint.standard_level_id == new_level_id)).one()
    with unit_of_work(assembler) as uow:
        blueprints.publish_blueprint(uow, draft.exam_blueprint_id)
        run = runs.start_run(uow, draft.exam_blueprint_id, n_forms=1, seed=1)
    run_job(run.job_id)
    session.expire_all()
    with unit_of_work(assembler) as uow:
        form = runs.accept_run(uow, run.assembly_run_id)[0]
    known = set(
        session.scalars(select(AssessmentPoint.full_code).where(AssessmentPoint.standard_level_id == new_level_id))
    )
    assert {slot.point for slot in form.slots} <= known


def test_new_work_on_the_replaced_edition_is_refused(session, bank, assembler, run_finished, successor):
    run = run_finished(n_forms=1)
    successor()
    with pytest.raises(ConflictError, match="请使用新版"), unit_of_work(assembler) as uow:
        blueprints.create_blueprint(uow, standard_level_id=bank.standard_level_id, spec=small_spec())
    with pytest.raises(ConflictError, match="请使用新版"), unit_of_work(assembler) as uow:
        runs.start_run(uow, run.exam_blueprint_id, n_forms=1)
    with pytest.raises(ConflictError, match="请使用新版"), unit_of_work(assembler) as uow:
        runs.accept_run(uow, run.assembly_run_id)


def test_a_form_that_mixes_editions_is_not_sealed(session, drafts, assembler, approver):
    form_id = drafts[0].exam_form_id
    with unit_of_work(assembler) as uow:
        forms.submit_form(uow, form_id)
    with unit_of_work(approver) as uow:
        forms.approve_form(uow, form_id)
    with unit_of_work(assembler) as uow:
        uow.session.get_one(type(drafts[0]), form_id).standard_level_id = uuid.uuid4()
    with pytest.raises(ConflictError, match="不属于本试卷所依据的标准版本"), unit_of_work(approver) as uow:
        forms.seal_form(uow, form_id)


def test_what_builds_on_a_level_is_listed(session, bank, assembler, drafts):
    affected = editions.find_affected(session, assembler, bank.standard_level_id)
    assert sorted({one.label for one in affected}) == ["组卷蓝图", "试卷"]
    assert len(affected) == 1 + len(drafts)


def test_a_level_with_a_published_blueprint_is_not_withdrawn(bank, run_finished):
    run_finished(n_forms=1)
    with pytest.raises(ConflictError, match="组卷蓝图或试卷"), unit_of_work(system_actor(bank.organisation_id)) as uow:
        outlines.withdraw_outline(uow, bank.standard_level_id)


def test_the_capacity_of_a_bank_is_that_of_its_narrowest_supply(session, bank, assembler):
    with unit_of_work(assembler) as uow:
        row = blueprints.create_blueprint(uow, standard_level_id=bank.standard_level_id, spec=small_spec())
    found = capacity.find_capacity(session, assembler, bank.standard_level_id, row.exam_blueprint_id)
    counts = {rule["type"]: rule["count"] for rule in row.spec["types"]}
    assert 1 <= found.n_forms <= min(48 // count for count in counts.values())
    assert found.limits
    assert session.scalars(select(FormSlot)).all() == []


def hold(bank, session, item_id):
    """Put an item into quarantine through a case."""
    actor = system_actor(bank.organisation_id)
    with unit_of_work(actor) as uow:
        case = corrections.report_error(uow, corrections.Report(ReportSource.STAFF, "两个选项完全相同", item_id))
        corrections.quarantine(uow, case.correction_case_id)


def test_a_form_with_an_item_in_quarantine_is_named_and_not_sealed(session, bank, drafts, assembler, approver):
    form = drafts[0]
    slot = form.slots[0]
    hold(bank, session, slot.item_id)
    words = [one.template % one.values for one in notices.bank_notices(session, assembler, bank.standard_level_id)]
    assert any(slot.item_code in line and "请替换" in line for line in words)
    with unit_of_work(assembler) as uow:
        forms.submit_form(uow, form.exam_form_id)
    with unit_of_work(approver) as uow:
        forms.approve_form(uow, form.exam_form_id)
    with pytest.raises(ConflictError, match="正在更正"), unit_of_work(approver) as uow:
        forms.seal_form(uow, form.exam_form_id)


def test_new_forms_take_no_item_in_quarantine(session, bank, run_finished):
    item_id = session.scalars(select(Item.item_id)).first()
    hold(bank, session, item_id)
    run = run_finished(n_forms=2)
    assert str(item_id) not in str(run.result["forms"])


def test_a_profile_refuses_to_draw_from_a_bank_nobody_approved(bank, assembler):
    with unit_of_work(system_actor(bank.organisation_id)) as uow:
        profiles.publish(uow, {"qbank.bank.unapproved": "refuse"}, effective_on=date(2026, 1, 1))
    with unit_of_work(assembler) as uow:
        row = blueprints.create_blueprint(uow, standard_level_id=bank.standard_level_id, spec=small_spec())
    with pytest.raises(ConflictError, match="没有批准启用"), unit_of_work(assembler) as uow:
        runs.start_run(uow, row.exam_blueprint_id, n_forms=1)


def test_the_page_of_a_blueprint_says_that_its_bank_was_not_approved(sign_in, bank, assembler):
    with unit_of_work(assembler) as uow:
        row = blueprints.create_blueprint(uow, standard_level_id=bank.standard_level_id, spec=small_spec())
    page = sign_in(Role.ASSEMBLER).get(f"/blueprints/{row.exam_blueprint_id}")
    assert "题库还没有批准启用" in page.text

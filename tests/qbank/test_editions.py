"""A new edition of an outline: copied, matched, decided on the board, carried out with items and tasks."""

from __future__ import annotations

import uuid
from datetime import date

import pytest
from sqlalchemy import select

from kernel import profiles
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from qbank import public
from qbank.models.editions import EditionTask
from qbank.models.items import Item, ItemPoint
from qbank.models.standards import AssessmentPoint, StandardLevel
from qbank.repository import editions as repository
from qbank.repository import items as items_repository
from qbank.repository import standards as standards_repository
from qbank.rules.edition_states import MigrationState, StepAct, TaskKind, TaskState
from qbank.rules.editions import Fate
from qbank.services import edition_apply, edition_copy, edition_tasks, editions, items, outlines
from tests.factories.standards import make_level
from tests.qbank.item_bank import choice, make_draft, point_id

CUT_OVER = date(2026, 1, 1)


@pytest.fixture
def editor(make_actor):
    return make_actor(Role.EDITOR)


@pytest.fixture
def old(organisation):
    return make_level(organisation.organisation_id)


@pytest.fixture
def new(session, editor, old):
    """The next edition, begun as a copy, still a draft."""
    with unit_of_work(editor) as uow:
        edition = edition_copy.copy_edition(uow, old.standard_edition_id, label="新版", effective_on=CUT_OVER)
    query = select(StandardLevel).where(StandardLevel.standard_edition_id == edition.standard_edition_id)
    return session.scalars(query).one()


def change(editor, level, at, **values):
    """Change a point of a draft outline."""
    with unit_of_work(editor) as uow:
        point = uow.session.get(AssessmentPoint, point_id(level.standard_level_id, at))
        data = outlines.PointData(values.get("name", point.name), values.get("code", point.code), point.importance)
        outlines.update_point(uow, point.assessment_point_id, data)


def remove(editor, level, code):
    with unit_of_work(editor) as uow:
        outlines.delete_point(uow, point_id(level.standard_level_id, code))


def publish(editor, level):
    with unit_of_work(editor) as uow:
        outlines.publish_outline(uow, level.standard_level_id)


@pytest.fixture
def migration(editor, old, new):
    with unit_of_work(editor) as uow:
        return editions.create_migration(uow, old_level_id=old.standard_level_id, new_level_id=new.standard_level_id)


def board_of(session, editor, migration):
    session.expire_all()
    return editions.load_board(session, editor, migration.outline_migration_id)


def row_of(board, code):
    return next(row for row in board.rows if row.point.code == code)


def put_into_use(organisation_id, *drafts):
    with unit_of_work(system_actor(organisation_id)) as uow:
        public.approve_by_system(uow, [item.item_id for item in drafts], reason="test")


def carry_out(session, editor, migration):
    with unit_of_work(editor) as uow:
        editions.accept(uow, migration.outline_migration_id)
        edition_apply.start_apply(uow, migration.outline_migration_id)
    run_job(repository.get_migration(session, migration.outline_migration_id, actor=editor).job_id)
    session.expire_all()
    return repository.get_migration(session, migration.outline_migration_id, actor=editor)


def pool_codes(session, editor, level):
    return {entry.code: entry.point for entry in public.load_pool(session, editor, level.standard_level_id)}


def test_a_copied_edition_has_the_same_outline_as_a_draft(session, old, new):
    before, after = (standards_repository.load_tree(session, level) for level in (old, new))
    assert [p.full_code for p in after.all_points()] == [p.full_code for p in before.all_points()]
    assert {p.row.key for p in after.all_points()}.isdisjoint({p.row.key for p in before.all_points()})
    assert (after.weight_percent, new.is_published) == (before.weight_percent, False)


def test_an_outline_is_copied_only_into_an_empty_draft(editor, old, new):
    with pytest.raises(ConflictError, match="不是空的"), unit_of_work(editor) as uow:
        edition_copy.copy_outline(uow, new.standard_level_id, source_level_id=old.standard_level_id)


def test_unchanged_points_are_kept_and_accepted_together(session, editor, migration):
    board = board_of(session, editor, migration)
    assert {row.fate for row in board.rows} == {Fate.KEPT}
    assert (board.n_undecided, board.n_sure, board.missing) == (9, 9, ())
    with unit_of_work(editor) as uow:
        assert editions.accept(uow, migration.outline_migration_id) == 9
    assert board_of(session, editor, migration).n_undecided == 0


def test_the_board_names_what_was_renamed_and_what_has_no_successor(session, editor, old, new):
    change(editor, new, "A-B-A-001", name="电工学基础要点1")
    remove(editor, new, "B-A-B-002")
    with unit_of_work(editor) as uow:
        ids = {"old_level_id": old.standard_level_id, "new_level_id": new.standard_level_id}
        migration = editions.create_migration(uow, **ids)
    board = board_of(session, editor, migration)
    assert row_of(board, "A-B-A-001").fate is Fate.RENAMED
    assert row_of(board, "B-A-B-002").fate is Fate.ORPHANED


def test_a_person_decides_and_takes_it_back(session, editor, migration, new):
    key = migration.outline_migration_id
    old_point = uuid.UUID(row_of(board_of(session, editor, migration), "A-A-A-001").point.key)
    targets = [point_id(new.standard_level_id, "A-A-A-001"), point_id(new.standard_level_id, "A-A-A-002")]
    with unit_of_work(editor) as uow:
        editions.decide(uow, key, [old_point], targets)
    row = row_of(board_of(session, editor, migration), "A-A-A-001")
    assert (row.fate, row.is_decided, len(row.targets)) == (Fate.SPLIT, True, 2)
    with unit_of_work(editor) as uow:
        assert editions.undo(uow, key).act is StepAct.DECIDE
    row = row_of(board_of(session, editor, migration), "A-A-A-001")
    assert (row.fate, row.is_decided) == (Fate.KEPT, False)
    with pytest.raises(ConflictError, match="没有可以撤销"), unit_of_work(editor) as uow:
        editions.undo(uow, key)


def test_steps_are_taken_back_one_after_the_other(session, editor, migration):
    key = migration.outline_migration_id
    first, second = (uuid.UUID(row.point.key) for row in board_of(session, editor, migration).rows[:2])
    with unit_of_work(editor) as uow:
        editions.accept(uow, key, [first])
        editions.accept(uow, key, [second])
        editions.undo(uow, key)
        editions.undo(uow, key)
    assert board_of(session, editor, migration).n_undecided == 9
    assert [step.act for step in repository.list_steps(session, key)][:2] == [StepAct.UNDO, StepAct.UNDO]


def test_a_point_of_another_outline_is_no_successor(session, editor, organisation, migration):
    old_point = uuid.UUID(board_of(session, editor, migration).rows[0].point.key)
    with pytest.raises(InvalidInputError, match="新版细目表中"), unit_of_work(editor) as uow:
        editions.decide(uow, migration.outline_migration_id, [old_point], [old_point])


def test_only_two_editions_of_one_standard_are_compared(organisation, editor, old):
    other = make_level(organisation.organisation_id, code="other")
    with pytest.raises(ConflictError, match="同一标准"), unit_of_work(editor) as uow:
        editions.create_migration(uow, old_level_id=old.standard_level_id, new_level_id=other.standard_level_id)


def test_a_migration_of_another_organisation_is_not_found(session, make_actor, other_organisation, migration):
    stranger = make_actor(Role.EDITOR, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError):
        editions.load_board(session, stranger, migration.outline_migration_id)


def test_an_undecided_or_unpublished_edition_is_not_carried_out(editor, migration, new):
    with pytest.raises(ConflictError, match="还有 9 个鉴定点"), unit_of_work(editor) as uow:
        edition_apply.start_apply(uow, migration.outline_migration_id)
    with unit_of_work(editor) as uow:
        editions.accept(uow, migration.outline_migration_id)
    with pytest.raises(ConflictError, match="还没有发布"), unit_of_work(editor) as uow:
        edition_apply.start_apply(uow, migration.outline_migration_id)


@pytest.fixture
def moved(session, editor, old, new, organisation):
    """An edition in which one point was renamed in code, one split and one dropped, carried out with four items."""
    change(editor, new, "A-B-A-001", code="101", name="电工基础要点1")
    remove(editor, new, "B-A-B-002")
    publish(editor, new)
    codes = {"kept": "A-A-A-001", "recoded": "A-B-A-001", "split": "B-A-A-001", "dropped": "B-A-B-002"}
    bank = {
        name: make_draft(editor, old.standard_level_id, choice(f"{name}：下列说法正确的是（　）。"), point_ids=[point_id(old.standard_level_id, code)])
        for name, code in codes.items()
    }  # fmt: skip
    put_into_use(organisation.organisation_id, *bank.values())
    with unit_of_work(editor) as uow:
        ids = {"old_level_id": old.standard_level_id, "new_level_id": new.standard_level_id}
        migration = editions.create_migration(uow, **ids)
        key = migration.outline_migration_id
        wanted = [point_id(new.standard_level_id, code) for code in ("B-A-A-001", "B-A-A-002")]
        editions.decide(uow, key, [point_id(old.standard_level_id, "B-A-A-001")], wanted)
        editions.decide(uow, key, [point_id(old.standard_level_id, "B-A-B-002")], [])
    return carry_out(session, editor, migration), bank


def test_items_follow_their_points_and_stay_in_the_old_pool(session, editor, moved, old, new):
    migration, bank = moved
    assert migration.state is MigrationState.APPLIED
    after = pool_codes(session, editor, new)
    assert after == {bank["kept"].code: "A-A-A-001", bank["recoded"].code: "A-B-A-101"}
    assert set(pool_codes(session, editor, old)) == {item.code for item in bank.values()}


def test_no_pool_mixes_editions(session, editor, moved, old, new):
    for level in (old, new):
        known = {point.full_code for point in items_repository.points_of_level(session, level.standard_level_id)}
        assert set(pool_codes(session, editor, level).values()) <= known


def test_items_of_split_and_dropped_points_become_tasks(session, editor, moved, new):
    migration, bank = moved
    tasks = session.scalars(select(EditionTask).where(EditionTask.state == TaskState.OPEN)).all()
    by_kind = {task.kind: task for task in tasks if task.kind is not TaskKind.POINT_MISSING}
    assert by_kind[TaskKind.ITEM_SPLIT].subject_id == bank["split"].item_id
    assert by_kind[TaskKind.ITEM_ORPHANED].subject_id == bank["dropped"].item_id
    assert (migration.outcome["n_items"], migration.outcome["n_item_tasks"]) == (2, 2)
    missing = {task.title.split()[0] for task in tasks if task.kind is TaskKind.POINT_MISSING}
    assert "A-A-A-001" not in missing
    assert "B-A-A-002" in missing


def test_a_task_ends_when_its_item_has_points_in_the_new_edition(session, editor, moved, new):
    _migration, bank = moved
    task = session.scalars(select(EditionTask).where(EditionTask.kind == TaskKind.ITEM_SPLIT)).one()
    with unit_of_work(editor) as uow:
        edition_tasks.assign_item(uow, task.edition_task_id, [point_id(new.standard_level_id, "B-A-A-002")])
    assert pool_codes(session, editor, new)[bank["split"].code] == "B-A-A-002"
    with pytest.raises(ConflictError, match="已经处理"), unit_of_work(editor) as uow:
        edition_tasks.end_task(uow, task.edition_task_id, is_done=True, resolution="")


def test_a_task_is_left_undone_only_with_a_reason(session, editor, moved):
    task = session.scalars(select(EditionTask).where(EditionTask.kind == TaskKind.ITEM_ORPHANED)).one()
    with pytest.raises(InvalidInputError), unit_of_work(editor) as uow:
        edition_tasks.end_task(uow, task.edition_task_id, is_done=False, resolution=" ")
    with unit_of_work(editor) as uow:
        edition_tasks.end_task(uow, task.edition_task_id, is_done=False, resolution="随旧版停用")
    assert task.state is TaskState.DISMISSED


def test_a_revision_after_the_migration_keeps_the_item_in_both_editions(session, editor, moved, old, new):
    _migration, bank = moved
    item = session.get(Item, bank["kept"].item_id, populate_existing=True)
    points = items_repository.points_of_versions(session, [item.current_version_id])[item.current_version_id]
    assert [point.standard_level_id for point in points] == [new.standard_level_id]
    with unit_of_work(editor) as uow:
        fresh = items.update_item(
            uow, item.item_id, version=item.version, content=choice("修订后的题干：下列说法正确的是（　）。"),
            point_ids=[points[0].assessment_point_id], difficulty=3,
        )  # fmt: skip
    links = session.scalars(select(ItemPoint).where(ItemPoint.item_version_id == fresh.item_version_id)).all()
    assert len(links) == 2
    put_into_use(editor.organisation, item)
    assert item.code in pool_codes(session, editor, old)
    assert item.code in pool_codes(session, editor, new)


def test_after_the_cut_over_the_old_edition_is_refused_by_default(session, editor, moved, old, new):
    with pytest.raises(ConflictError, match="由“新版”代替"):
        edition_apply.refuse_old_edition(session, editor, old.standard_level_id, on=CUT_OVER)
    edition_apply.refuse_old_edition(session, editor, old.standard_level_id, on=date(2025, 12, 31))
    edition_apply.refuse_old_edition(session, editor, new.standard_level_id, on=date(2030, 1, 1))


def test_a_profile_may_let_the_old_edition_go_on(session, editor, moved, old, organisation):
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        profiles.publish(uow, {"qbank.edition.after_cut_over": "warn"}, effective_on=CUT_OVER)
    state = edition_apply.edition_state(session, editor, old.standard_level_id, on=CUT_OVER)
    assert state.policy == "warn"
    edition_apply.refuse_old_edition(session, editor, old.standard_level_id, on=CUT_OVER)

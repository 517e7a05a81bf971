"""Numbered versions of a blueprint: a second person approves them, forms wait for that, and nothing that was published changes."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from blueprints import repository_versions
from blueprints.models import AssemblyRun, ExamBlueprint
from blueprints.services import blueprints, forms, runs, versions
from kernel import profiles
from kernel.clock import day_of
from kernel.errors import ConflictError, ForbiddenError, IllegalTransitionError, InvalidInputError, NotFoundError
from kernel.identity.actor import system_actor
from kernel.identity.models import User, UserRole
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.blueprints.bank_cases import small_spec


@pytest.fixture
def published(bank, assembler, session):
    with unit_of_work(assembler) as uow:
        row = blueprints.create_blueprint(
            uow, standard_level_id=bank.standard_level_id, name="甲卷蓝图", spec=small_spec()
        )
        blueprints.publish_blueprint(uow, row.exam_blueprint_id)
    return row.exam_blueprint_id


def changed(assembler, blueprint_id, session, **changes):
    """Revise a blueprint and publish it again."""
    with unit_of_work(assembler) as uow:
        versions.revise_blueprint(uow, blueprint_id)
    row = session.get_one(ExamBlueprint, blueprint_id, populate_existing=True)
    with unit_of_work(assembler) as uow:
        blueprints.update_blueprint(
            uow, blueprint_id, version=row.version, name=row.name, duration_minutes=row.duration_minutes,
            spec=small_spec(**changes),
        )  # fmt: skip
        blueprints.publish_blueprint(uow, blueprint_id)
    return session.get_one(ExamBlueprint, blueprint_id, populate_existing=True)


def waive(bank):
    with unit_of_work(system_actor(bank.organisation_id)) as uow:
        profiles.publish(uow, {"blueprints.approval": "免批准，只作记录"}, effective_on=date(2026, 1, 1))


def test_forms_are_sealed_only_after_a_second_person_approved_their_blueprint(
    run_finished, assembler, approver, session
):
    run = run_finished(n_forms=1, is_approved=False)
    with unit_of_work(assembler) as uow:
        form_id = runs.accept_run(uow, run.assembly_run_id)[0].exam_form_id
        forms.submit_form(uow, form_id)
    with unit_of_work(approver) as uow:
        forms.approve_form(uow, form_id)
    with pytest.raises(ConflictError, match="第 1 版还没有批准"), unit_of_work(approver) as uow:
        forms.seal_form(uow, form_id)
    with unit_of_work(approver) as uow:
        versions.approve_blueprint(uow, run.exam_blueprint_id)
        forms.seal_form(uow, form_id)
    assert session.get_one(AssemblyRun, run.assembly_run_id).blueprint_version == 1


def test_nobody_approves_a_blueprint_that_they_wrote(published, session, make_actor, assembler, approver):
    both = make_actor(Role.ASSEMBLER, Role.FORM_APPROVER)
    with unit_of_work(both) as uow:
        versions.revise_blueprint(uow, published)
    row = session.get_one(ExamBlueprint, published, populate_existing=True)
    with unit_of_work(both) as uow:
        blueprints.update_blueprint(
            uow, published, version=row.version, name="改过", duration_minutes=90, spec=small_spec(max_per_point=3)
        )  # fmt: skip
    with unit_of_work(assembler) as uow:
        blueprints.publish_blueprint(uow, published)
    with pytest.raises(ForbiddenError, match="第二人"), unit_of_work(both) as uow:
        versions.approve_blueprint(uow, published)
    with unit_of_work(approver) as uow:
        versions.approve_blueprint(uow, published)
    with pytest.raises(IllegalTransitionError), unit_of_work(approver) as uow:
        versions.approve_blueprint(uow, published)


def test_a_small_organisation_does_without_the_second_person_and_that_is_on_record(bank, published, assembler, session):
    waive(bank)
    row = changed(assembler, published, session, max_per_point=3)
    assert row.approved_at is not None
    steps = repository_versions.list_steps(session, published)
    assert [step.act.value for step in steps] == ["waive", "submit", "revise", "submit"]
    assert versions.is_approved(session, published, 2)
    assert not versions.is_approved(session, published, 1)


def test_a_returned_version_says_what_to_mend(published, approver, session):
    with pytest.raises(InvalidInputError), unit_of_work(approver) as uow:
        versions.return_blueprint(uow, published, comment=" ")
    with unit_of_work(approver) as uow:
        versions.return_blueprint(uow, published, comment="比重与权重表不符")
    row = session.get_one(ExamBlueprint, published, populate_existing=True)
    assert (row.status.value, row.version_number) == ("draft", 1)
    assert repository_versions.list_steps(session, published)[0].comment == "比重与权重表不符"


def test_publishing_the_same_words_again_makes_no_new_version(published, assembler, approver, session):
    with unit_of_work(approver) as uow:
        versions.approve_blueprint(uow, published)
    row = changed(assembler, published, session)
    assert row.version_number == 1
    assert row.approved_at is not None
    assert changed(assembler, published, session, max_per_point=3).version_number == 2


def test_a_revision_that_is_given_up_leaves_the_version_as_it_was(published, assembler, approver, session):
    with unit_of_work(approver) as uow:
        versions.approve_blueprint(uow, published)
    with unit_of_work(assembler) as uow:
        versions.revise_blueprint(uow, published)
    row = session.get_one(ExamBlueprint, published, populate_existing=True)
    with unit_of_work(assembler) as uow:
        blueprints.update_blueprint(
            uow, published, version=row.version, name="别的名称", duration_minutes=45, spec=small_spec(max_per_point=2)
        )  # fmt: skip
        versions.discard_revision(uow, published)
    row = session.get_one(ExamBlueprint, published, populate_existing=True)
    assert (row.name, row.spec["max_per_point"], row.status.value) == ("甲卷蓝图", 4, "published")
    assert row.approved_at is not None


def test_the_database_refuses_to_change_a_version(published, session):
    for statement in ("DELETE FROM exam_blueprint_versions", "UPDATE exam_blueprint_decisions SET number = 2"):
        with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
            session.execute(text(statement))


def test_a_trial_with_a_draft_is_no_version(run_finished):
    assert run_finished(n_forms=1, is_published=False).blueprint_version is None


def test_a_rest_period_is_counted_to_the_day_of_the_draw(bank, assembler, session, run_finished):
    run = run_finished(n_forms=1, cool_down={"days": 30})
    assert run.spec["cool_down"] == {"days": 30, "on": day_of(run.created_at).isoformat()}
    with unit_of_work(assembler) as uow:
        assert runs.accept_run(uow, run.assembly_run_id)


def test_the_pages_lead_from_submission_to_approval_and_show_what_changed(sign_in, published, assembler, session):
    reader = sign_in(Role.FORM_APPROVER)
    assert "待批准的蓝图" in reader.get("/").text
    assert "甲卷蓝图" in reader.get("/blueprints/?status=submitted").text
    assert "甲卷蓝图" not in reader.get("/blueprints/?status=approved").text
    page = reader.get(f"/blueprints/{published}").text
    assert "等待第二人批准" in page
    assert reader.post(f"/blueprints/{published}/approve").status_code == 303
    assert "已发布，已批准" in reader.get(f"/blueprints/{published}").text
    changed(assembler, published, session, max_per_point=3, importance={"X": {"min": 0.4}})
    shown = reader.get(f"/blueprints/{published}/versions/2").text
    assert "不少于 40%" in shown
    assert "最多 4 题" in shown
    assert "最多 3 题" in shown
    assert reader.get(f"/blueprints/{published}/versions/9").status_code == 404
    returned = reader.post(f"/blueprints/{published}/return", data={"comment": "请核对"})
    assert returned.status_code == 303
    assert "请核对" in reader.get(f"/blueprints/{published}").text


def test_the_assembler_sees_the_way_but_not_the_approval(sign_in, published):
    client = sign_in(Role.ASSEMBLER)
    assert client.post(f"/blueprints/{published}/approve").status_code == 403
    assert client.post(f"/blueprints/{published}/revise").status_code == 303
    assert client.get(f"/blueprints/{published}/edit").status_code == 200
    assert client.post(f"/blueprints/{published}/discard").status_code == 303


def test_one_who_wrote_it_reads_why_they_cannot_approve(sign_in, published, assembler, session):
    user = session.get_one(User, assembler.user_id)
    user.roles.append(UserRole(role=Role.FORM_APPROVER))
    session.flush()
    page = sign_in(user=user).get(f"/blueprints/{published}").text
    assert "蓝图须由第二人批准" in page
    assert f"/blueprints/{published}/approve" not in page


def test_the_json_interface_lists_versions(sign_in, published, assembler, session, other_organisation):
    changed(assembler, published, session, max_per_point=3)
    rows = sign_in(Role.ASSEMBLER).get(f"/api/v1/blueprints/{published}/versions").get_json()
    assert [(row["number"], row["spec"]["max_per_point"]) for row in rows] == [(2, 3), (1, 4)]
    stranger = sign_in(Role.ASSEMBLER, organisation_id=other_organisation.organisation_id)
    assert stranger.get(f"/api/v1/blueprints/{published}/versions").status_code == 404


def test_another_organisation_finds_no_version(sign_in, published, other_organisation, make_actor):
    client = sign_in(Role.ASSEMBLER, Role.FORM_APPROVER, organisation_id=other_organisation.organisation_id)
    assert client.get(f"/blueprints/{published}/versions/1").status_code == 404
    for act in ("publish", "approve", "return", "revise", "discard", "archive", "copy"):
        assert client.post(f"/blueprints/{published}/{act}", data={"comment": "x"}).status_code == 404, act
    for address in ("copy", "blueprint.xlsx", "items?item_search=T"):
        assert client.get(f"/blueprints/{published}/{address}").status_code == 404, address
    stranger = make_actor(Role.FORM_APPROVER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        versions.approve_blueprint(uow, published)

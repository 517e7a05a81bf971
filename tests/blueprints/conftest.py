"""People and a bank for the tests of blueprints and forms."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from blueprints.models import AssemblyRun, ExamForm, FormRelease
from blueprints.rules.releases import ReleasePart
from blueprints.services import blueprints, forms, releases, runs, versions
from kernel.identity.actor import Actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from tests.blueprints.bank_cases import Bank, fill_bank, small_spec


@pytest.fixture
def bank(organisation: Organisation) -> Bank:
    return fill_bank(organisation.organisation_id)


@pytest.fixture
def assembler(make_actor: Callable[..., Actor]) -> Actor:
    return make_actor(Role.ASSEMBLER)


@pytest.fixture
def approver(make_actor: Callable[..., Actor]) -> Actor:
    return make_actor(Role.FORM_APPROVER)


RunFinished = Callable[..., AssemblyRun]


@pytest.fixture
def run_finished(bank: Bank, assembler: Actor, approver: Actor, session: Session) -> RunFinished:
    """Publish and approve a blueprint, run its assembly as the worker would, and return the run."""

    def make(
        *, n_forms: int = 2, seed: int = 7, is_published: bool = True, is_approved: bool = True, **changes: object
    ) -> AssemblyRun:
        with unit_of_work(assembler) as uow:
            blueprint = blueprints.create_blueprint(
                uow, standard_level_id=bank.standard_level_id, spec=small_spec(**changes)
            )
            if is_published:
                blueprints.publish_blueprint(uow, blueprint.exam_blueprint_id)
        if is_published and is_approved:
            with unit_of_work(approver) as uow:
                versions.approve_blueprint(uow, blueprint.exam_blueprint_id)
        with unit_of_work(assembler) as uow:
            run = runs.start_run(uow, blueprint.exam_blueprint_id, n_forms=n_forms, seed=seed)
        assert run.job_id is not None
        run_job(run.job_id)
        session.expire_all()
        return session.get_one(AssemblyRun, run.assembly_run_id)

    return make


@pytest.fixture
def drafts(run_finished: RunFinished, assembler: Actor) -> list[ExamForm]:
    run = run_finished()
    with unit_of_work(assembler) as uow:
        return runs.accept_run(uow, run.assembly_run_id)


@pytest.fixture
def sealed_form(drafts: list[ExamForm], assembler: Actor, approver: Actor) -> uuid.UUID:
    form_id = drafts[0].exam_form_id
    with unit_of_work(assembler) as uow:
        forms.submit_form(uow, form_id)
    with unit_of_work(approver) as uow:
        forms.approve_form(uow, form_id)
        forms.seal_form(uow, form_id)
    return form_id


@pytest.fixture
def custodians(make_actor: Callable[..., Actor]) -> tuple[Actor, Actor]:
    return make_actor(Role.FORM_APPROVER), make_actor(Role.FORM_APPROVER)


OpenByTwo = Callable[..., FormRelease]


@pytest.fixture
def open_by_two(custodians: tuple[Actor, Actor]) -> OpenByTwo:
    """Open a part of a sealed form the way two custodians do."""

    def open_part(form_id: uuid.UUID, part: ReleasePart = ReleasePart.SCORING) -> FormRelease:
        first, second = custodians
        with unit_of_work(first) as uow:
            row = releases.request_release(uow, form_id, part=part, reason="考试结束后核对答案")
        with unit_of_work(second) as uow:
            return releases.confirm_release(uow, row.form_release_id)

    return open_part

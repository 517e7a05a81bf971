"""The demonstration's blueprint and its sealed A and B forms."""

from __future__ import annotations

import uuid
from typing import Any

from blueprints.models import AssemblyRun
from blueprints.services import blueprints, form_sets, forms, runs, versions, whole_forms
from kernel.identity.permissions import Role
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from web.demo.people import Staff

SEED = 20261122
N_OWN = 6
WHOLE_SOURCE = "某出版社套题（演示）"
TYPES: list[dict[str, Any]] = [
    {"type": "single_choice", "count": 40, "score_each": 1},
    {"type": "multiple_choice", "count": 7, "score_each": 2},
    {"type": "true_false", "count": 15, "score_each": 1},
    {"type": "fill_in", "count": 3, "score_each": 1},
    {"type": "numeric", "count": 2, "score_each": 1},
    {"type": "parametric", "count": 1, "score_each": 2},
    {"type": "matching", "count": 1, "score_each": 2},
    {"type": "ordering", "count": 1, "score_each": 2},
    {"type": "hotspot", "count": 1, "score_each": 2},
    {"type": "short_answer", "count": 1, "score_each": 5},
    {"type": "calculation", "count": 1, "score_each": 5},
    {"type": "testlet", "count": 1, "score_each": 8},
]
"""A mix that shows every way of answering, and leaves a marker something to do: 100 marks."""


REFUSED: list[dict[str, Any]] = [
    {"type": "single_choice", "count": 50, "score_each": 1},
    {"type": "essay", "count": 5, "score_each": 10},
]
"""More essays than the bank holds, so that a refusal with its reasons can be read."""


def load_forms(staff: Staff, level_id: uuid.UUID) -> list[uuid.UUID]:
    """Draw up the blueprint, assemble two parallel forms, approve and seal them; return the forms' ids."""
    assembler = staff.actor(Role.ASSEMBLER)
    run = _assemble(staff, level_id, "演示·电工四级理论知识", TYPES)
    _load_set(staff, run.exam_blueprint_id)
    _take_in(staff, run)
    with unit_of_work(assembler) as uow:
        form_ids = [form.exam_form_id for form in runs.accept_run(uow, run.assembly_run_id)]
    for form_id in form_ids:
        with unit_of_work(assembler) as uow:
            forms.submit_form(uow, form_id)
        with unit_of_work(staff.actor(Role.FORM_APPROVER, 1)) as uow:
            forms.approve_form(uow, form_id)
        with unit_of_work(staff.actor(Role.FORM_APPROVER, 2)) as uow:
            forms.seal_form(uow, form_id)
    return form_ids


def _load_set(staff: Staff, blueprint_id: uuid.UUID) -> None:
    """Draw a form for each of a few candidates and send them to review as one set."""
    assembler = staff.actor(Role.ASSEMBLER)
    with unit_of_work(assembler) as uow:
        run = runs.start_run(uow, blueprint_id, n_forms=N_OWN, seed=SEED, is_on_the_fly=True)
    if run.job_id is None:
        raise LookupError("the run has no job")
    run_job(run.job_id)
    with unit_of_work(assembler) as uow:
        row = form_sets.accept_set(uow, run.assembly_run_id, name="演示·电工四级一人一卷")
        form_sets.submit_set(uow, row.form_set_id)


def _take_in(staff: Staff, run: AssemblyRun) -> None:
    """Take in a whole form that somebody made elsewhere: here, the codes of the second one that was drawn."""
    *_others, last = (run.result or {})["forms"]
    codes = [one["code"] for one in last["items"]]
    with unit_of_work(staff.actor(Role.ASSEMBLER)) as uow:
        whole_forms.take_in(uow, run.exam_blueprint_id, codes, source=WHOLE_SOURCE, name="演示·外来套题")


def load_refusal(staff: Staff, level_id: uuid.UUID) -> None:
    """Draw up a blueprint that the bank cannot carry, and try it."""
    _assemble(staff, level_id, "演示·论述题不足的蓝图", REFUSED)


def _assemble(staff: Staff, level_id: uuid.UUID, name: str, types: list[dict[str, Any]]) -> AssemblyRun:
    """Publish a blueprint with this mix and let two parallel forms be drawn from it."""
    assembler = staff.actor(Role.ASSEMBLER)
    with unit_of_work(assembler) as uow:
        spec = blueprints.default_spec(uow.session, assembler, level_id)
        spec |= {"n_items": sum(one["count"] for one in types), "total_score": 100, "types": types}
        blueprint = blueprints.create_blueprint(uow, standard_level_id=level_id, name=name, spec=spec)
        uow.flush()  # the run names the blueprint
        blueprints.publish_blueprint(uow, blueprint.exam_blueprint_id)
    with unit_of_work(staff.actor(Role.FORM_APPROVER, 1)) as uow:
        versions.approve_blueprint(uow, blueprint.exam_blueprint_id)
    with unit_of_work(assembler) as uow:
        run = runs.start_run(uow, blueprint.exam_blueprint_id, n_forms=2, seed=SEED)
    if run.job_id is None:
        raise LookupError("the run has no job")
    run_job(run.job_id)
    return run

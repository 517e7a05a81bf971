"""The demonstration's blueprints and sealed forms: A, B and one in reserve, and two that share items."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from blueprints.models import AssemblyRun
from blueprints.services import blueprints, form_sets, forms, runs, versions, whole_forms
from kernel.identity.permissions import Role
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from web.demo.files import source_items, split
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


SHARING: list[dict[str, Any]] = [
    {"type": "single_choice", "count": 30, "score_each": 2},
    {"type": "true_false", "count": 20, "score_each": 2},
]
"""What a program scores alone, so that two whole sessions are marked at once: 100 marks."""

SHARED = {"A-A": 1, "A-B": 3, "B-A": 2, "B-B": 2, "B-C": 2, "B-D": 2}
"""How many single-choice items of each part of the content stand in both forms: together about as the outline weighs them."""

SHARING_NAME = "演示·电工四级（有共同题）"


@dataclass(frozen=True, slots=True)
class Forms:
    """The sealed forms of the demonstration: two that are planned, and those in reserve."""

    planned: list[uuid.UUID]
    standby: list[uuid.UUID]


def load_forms(staff: Staff, level_id: uuid.UUID) -> Forms:
    """Draw up the blueprint, assemble three parallel forms, approve and seal them."""
    run = _assemble(staff, level_id, "演示·电工四级理论知识", TYPES, n_forms=3)
    _load_set(staff, run.exam_blueprint_id)
    _take_in(staff, run)
    form_ids = _seal(staff, run)
    return Forms(form_ids[:2], form_ids[2:])


def load_sharing_forms(staff: Staff, level_id: uuid.UUID, bank_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Assemble and seal two forms that have some items in common; `bank_ids` are the items of the two large files."""
    anchor = {"items": [str(one) for one in shared_items(bank_ids)], "scored": True}
    return _seal(staff, _assemble(staff, level_id, SHARING_NAME, SHARING, anchor=anchor), name=SHARING_NAME)


def shared_items(bank_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Return the items that both forms have: of each part so many points, the first single-choice item of each."""
    word, excel = split(source_items())
    found: dict[str, uuid.UUID] = {}
    for item, key in zip([*word, *excel], bank_ids, strict=True):
        if item.content.type == "single_choice":
            found.setdefault(item.points[0], key)
    return [
        key
        for part, n in SHARED.items()
        for key in [found[point] for point in sorted(found) if point.startswith(part)][:n]
    ]


def _seal(staff: Staff, run: AssemblyRun, *, name: str = "") -> list[uuid.UUID]:
    """Take the forms of a run over and let two others approve and seal them."""
    assembler = staff.actor(Role.ASSEMBLER)
    with unit_of_work(assembler) as uow:
        form_ids = [form.exam_form_id for form in runs.accept_run(uow, run.assembly_run_id, name=name)]
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
    _first, second, *_others = (run.result or {})["forms"]
    codes = [one["code"] for one in second["items"]]
    with unit_of_work(staff.actor(Role.ASSEMBLER)) as uow:
        whole_forms.take_in(uow, run.exam_blueprint_id, codes, source=WHOLE_SOURCE, name="演示·外来套题")


def load_refusal(staff: Staff, level_id: uuid.UUID) -> None:
    """Draw up a blueprint that the bank cannot carry, and try it."""
    _assemble(staff, level_id, "演示·论述题不足的蓝图", REFUSED)


def _assemble(
    staff: Staff, level_id: uuid.UUID, name: str, types: list[dict[str, Any]], *, n_forms: int = 2, **rules: Any
) -> AssemblyRun:
    """Publish a blueprint with this mix and further rules, and let parallel forms be drawn from it."""
    assembler = staff.actor(Role.ASSEMBLER)
    with unit_of_work(assembler) as uow:
        spec = blueprints.default_spec(uow.session, assembler, level_id)
        spec |= {"n_items": sum(one["count"] for one in types), "total_score": 100, "types": types} | rules
        blueprint = blueprints.create_blueprint(uow, standard_level_id=level_id, name=name, spec=spec)
        uow.flush()  # the run names the blueprint
        blueprints.publish_blueprint(uow, blueprint.exam_blueprint_id)
    with unit_of_work(staff.actor(Role.FORM_APPROVER, 1)) as uow:
        versions.approve_blueprint(uow, blueprint.exam_blueprint_id)
    with unit_of_work(assembler) as uow:
        run = runs.start_run(uow, blueprint.exam_blueprint_id, n_forms=n_forms, seed=SEED)
    if run.job_id is None:
        raise LookupError("the run has no job")
    run_job(run.job_id)
    return run

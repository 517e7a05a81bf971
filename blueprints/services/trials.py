"""Trying a way out of a refused draw: drawn again under the relaxed rules, and nothing kept until somebody says so."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from blueprints import repository
from blueprints.models import AssemblyRun, ExamBlueprint
from blueprints.rules.relaxing import relaxed_n_forms, relaxed_spec
from blueprints.services import blueprints as blueprint_services
from blueprints.services.runs import publish_run, relaxation_of
from blueprints.services.versions import drawn_spec
from kernel import audit
from kernel.clock import now, today
from kernel.errors import IllegalTransitionError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork


def start_trial(uow: UnitOfWork, run_id: uuid.UUID, index: int) -> AssemblyRun:
    """Draw again with one of the ways out that a refused run proposed; the blueprint stays as it is.

    A way out that only asks for fewer forms leaves the blueprint alone, so its run is an ordinary one.
    """
    require(uow.actor, Permission.FORM_ASSEMBLE)
    run = repository.get_run(uow.session, run_id, actor=uow.actor)
    changes = relaxation_of(run, index)["changes"]
    n_forms = relaxed_n_forms(changes)
    spec = run.spec if n_forms else relaxed_spec(run.spec, changes)
    trial = AssemblyRun(
        organisation_id=run.organisation_id, exam_blueprint_id=run.exam_blueprint_id,
        standard_level_id=run.standard_level_id, blueprint_name=run.blueprint_name,
        spec=drawn_spec(_undated(spec), max_overlap=run.max_overlap, on=today(), max_rate=run.max_rate),
        n_forms=n_forms or run.n_forms,
        max_overlap=run.max_overlap, seed=run.seed, time_limit_seconds=run.time_limit_seconds,
        trial_of_id=run.assembly_run_id, relaxation_index=None if n_forms else index,
        is_on_the_fly=run.is_on_the_fly, max_rate=run.max_rate, regions=list(run.regions),
        created_by=uow.actor.user_id, created_at=now(),
    )  # fmt: skip
    return publish_run(uow, trial)


def _undated(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a drawn blueprint JSON without the day of the draw, which the blueprint itself does not name."""
    bare = deepcopy(dict(spec))
    if bare.get("cool_down"):
        bare["cool_down"].pop("on", None)
    return bare


def keep_trial(uow: UnitOfWork, run_id: uuid.UUID) -> ExamBlueprint:
    """Copy the blueprint with the relaxation that a trial was drawn under; the trial then belongs to the copy."""
    require(uow.actor, Permission.BLUEPRINT_WRITE)
    run = repository.get_run(uow.session, run_id, actor=uow.actor)
    if run.relaxation_index is None:
        raise IllegalTransitionError(N_("这次组卷不是试组，或者放宽后的蓝图已经保存"))
    name = f"{run.blueprint_name[:100]}（放宽 {run.relaxation_index + 1}）"
    copy = blueprint_services.copy_blueprint(uow, run.exam_blueprint_id, name=name, spec=_undated(run.spec))
    run.exam_blueprint_id, run.blueprint_name, run.relaxation_index = copy.exam_blueprint_id, copy.name, None
    audit.record(
        uow, "assembly.keep_trial", "assembly_run", run_id, after={"blueprint": str(copy.exam_blueprint_id)}
    )  # fmt: skip
    return copy

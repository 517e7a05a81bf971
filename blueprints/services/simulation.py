"""Asking how long a level's bank lasts: a job that draws a year of sessions and counts independent forms."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.rules.simulation import Plan, Progress, most_forms, simulate_year, year_to_json
from blueprints.rules.specs import blueprint_of
from blueprints.rules.two_way import usable_items
from blueprints.services.bank import load_pool
from blueprints.services.capacity import find_limits
from blueprints.services.ledger import within_caps
from kernel import audit
from kernel.clock import today
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.jobs import enqueue
from kernel.jobs.models import Job
from kernel.uow import UnitOfWork

JOB = "blueprints.capacity"
BOUNDS = {"n_sessions": (1, 104), "n_forms": (1, 20), "max_overlap": (0, 200), "rest_days": (0, 3650)}
MOST_FORMS = 60
YEAR_SHARE = 70


def start_simulation(uow: UnitOfWork, blueprint_id: uuid.UUID, plan: Plan) -> Job:
    """Publish the job that simulates a year with a blueprint."""
    require(uow.actor, Permission.FORM_ASSEMBLE)
    row = repository.get_blueprint(uow.session, blueprint_id, actor=uow.actor)
    message = N_("数值超出允许的范围")
    wrong = {name: [message] for name, (low, high) in BOUNDS.items() if not low <= getattr(plan, name) <= high}
    if wrong:
        raise InvalidInputError(N_("模拟参数有误，请按提示修改"), fields=wrong)
    wanted = asdict(plan)
    payload = {"blueprint_id": str(blueprint_id), "name": row.name, "plan": wanted}
    job = enqueue(uow, JOB, payload, title=f"题库承载力：{row.name}")
    audit.record(uow, "capacity.simulate", "exam_blueprint", blueprint_id, after=wanted)
    return job


def run_simulation(session: Session, actor: Actor, payload: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Return what a simulation found; writes nothing. `progress` is told per cent and a hundred."""
    row = repository.get_blueprint(session, uuid.UUID(payload["blueprint_id"]), actor=actor)
    plan, blueprint, day = Plan(**payload["plan"]), blueprint_of(row.spec), today()
    loaded = load_pool(session, actor, row.standard_level_id, row.spec)
    pool = within_caps(session, actor, row.standard_level_id, loaded).items
    year = simulate_year(
        pool, blueprint, plan, day, lambda done, every: progress(YEAR_SHARE * done // max(1, every), 100)
    )
    limits = [n for n, _template, _values in find_limits(blueprint, usable_items(pool, blueprint))]
    bound = min([*limits, MOST_FORMS])
    n_forms, is_proved = most_forms(
        pool, blueprint, bound, day,
        lambda done, every: progress(YEAR_SHARE + (100 - YEAR_SHARE) * done // max(1, every), 100),
    )  # fmt: skip
    return {
        **year_to_json(year), "name": row.name, "blueprint_id": str(row.exam_blueprint_id),
        "standard_level_id": str(row.standard_level_id), "plan": payload["plan"], "n_pool": len(pool),
        "most_forms": n_forms, "is_proved": is_proved, "is_cut": bound == MOST_FORMS and n_forms == MOST_FORMS,
    }  # fmt: skip

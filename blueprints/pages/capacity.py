"""How long the bank lasts: a year simulated as a job, its progress, and what it found."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from blueprints import repository
from blueprints.models import ExamBlueprint
from blueprints.pages import wording
from blueprints.pages.outcome import SupplyLine, supply_line
from blueprints.rules.profile import COOLDOWN_DAYS
from blueprints.rules.simulation import Plan
from blueprints.rules.states import BlueprintStatus
from blueprints.services import simulation as services
from blueprints.services.bank import scope_lines
from kernel import profiles
from kernel.db import db
from kernel.errors import InvalidInputError, NotFoundError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.jobs.models import OPEN, Job
from kernel.jobs.repository import get_job
from kernel.uow import unit_of_work

bp = Blueprint("bank_capacity", __name__, url_prefix="/bank-capacity")
MOST_BLUEPRINTS = 200
START = {"n_sessions": "12", "n_forms": "2", "max_overlap": "0"}


@dataclass(frozen=True, slots=True)
class CapacityPage:
    """What to simulate."""

    blueprints: Sequence[tuple[str, str]]
    values: Mapping[str, str]
    errors: Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class OutcomePage:
    """A simulation: its progress, then what it found."""

    job: Job
    is_open: bool
    result: Mapping[str, Any] | None
    rules: list[str]
    tightest: list[SupplyLine]
    bars: list[dict[str, Any]]


@bp.get("/")
@requires(Permission.FORM_ASSEMBLE)
def index() -> tuple[str, int]:
    """Ask what to simulate."""
    values = {"rest_days": str(profiles.value(db.session(), current_actor().organisation, COOLDOWN_DAYS.name))}
    return _ask(START | values | {"blueprint": request.args.get("blueprint", "")}, {})


def _ask(values: Mapping[str, str], errors: Mapping[str, list[str]]) -> tuple[str, int]:
    choices = [(str(row.exam_blueprint_id), f"{row.name}（{row.level_name}）") for row in _blueprints()]
    return render_page("blueprints/capacity.html", CapacityPage(choices, values, errors), status=422 if errors else 200)


def _blueprints() -> list[ExamBlueprint]:
    rows, _total = repository.list_blueprints(
        db.session(), repository.Filters(), actor=current_actor(), offset=0, limit=MOST_BLUEPRINTS
    )
    return [row for row in rows if row.status is not BlueprintStatus.ARCHIVED]


@bp.post("/")
@requires(Permission.FORM_ASSEMBLE)
def start() -> tuple[str, int] | Response:
    """Start a simulation."""
    texts = wording.form_text(request.form)
    try:
        blueprint_id, plan = _plan(texts)
        with unit_of_work(current_actor()) as uow:
            job = services.start_simulation(uow, blueprint_id, plan)
    except InvalidInputError as exc:
        return _ask(texts, wording.refusal_fields(exc))
    return redirect_with_message(url_for("bank_capacity.detail", job_id=job.job_id), _("正在模拟，可以离开本页"))


def _plan(texts: Mapping[str, str]) -> tuple[uuid.UUID, Plan]:
    message = N_("请填写整数")
    wrong = {name: [message] for name in services.BOUNDS if not texts.get(name, "").isdecimal()}
    try:
        blueprint_id = uuid.UUID(texts.get("blueprint", ""))
    except ValueError:
        wrong["blueprint"] = [N_("请选择蓝图")]
    if wrong:
        raise InvalidInputError(N_("模拟参数有误，请按提示修改"), fields=wrong)
    return blueprint_id, Plan(**{name: int(texts[name]) for name in services.BOUNDS})


@bp.get("/<uuid:job_id>")
@requires(Permission.FORM_ASSEMBLE)
def detail(job_id: uuid.UUID) -> tuple[str, int]:
    """Show a simulation."""
    session, actor = db.session(), current_actor()
    job = get_job(session, job_id, actor=actor)
    if job.name != services.JOB:
        raise NotFoundError(N_("没有这次模拟"))
    result = job.result or None
    level_id = uuid.UUID(result["standard_level_id"]) if result else None
    scopes = {line.code: line for line in scope_lines(session, actor, level_id)} if level_id else {}
    found = result or {"rules": [], "tightest": [], "sessions": []}
    page = OutcomePage(
        job=job, is_open=job.status in OPEN, result=result,
        rules=[wording.say(part["text"], scopes, part["rule"]) for part in found["rules"]],
        tightest=[supply_line(line, scopes, {part["rule"] for part in found["rules"]}) for line in found["tightest"]],
        bars=[
            {"label": _("第 %(n)s 场", n=one["number"]), "value": one["n_fresh"], "wanted": one["n_drawn"]}
            for one in found["sessions"]
        ],
    )  # fmt: skip
    return render_page("blueprints/capacity_outcome.html", page)

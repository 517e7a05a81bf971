"""Assembly runs: start one as a job, keep its outcome, try a relaxation, take its forms over."""

from __future__ import annotations

import secrets
import string
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.assembly.engine import assemble
from blueprints.assembly.on_the_fly import assemble_on_the_fly
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.result import AssemblyResult
from blueprints.models import AssemblyRun, ExamBlueprint, ExamForm, FormDecision, FormSlot
from blueprints.rules.fly_outcomes import fly_outcome_to_json
from blueprints.rules.outcomes import KnownItem, outcome_to_json
from blueprints.rules.packages import score_text
from blueprints.rules.relaxing import relaxed_spec
from blueprints.rules.specs import blueprint_of
from blueprints.rules.states import BlueprintStatus, FormAct, RunStatus
from blueprints.rules.supply import supply_checks, supply_to_json
from blueprints.services import blueprints as blueprint_services
from blueprints.services.apart import draw_apart
from blueprints.services.bank import Pool, load_pool, slot_contents
from blueprints.services.kept_pools import keep_pool
from blueprints.services.ledger import draw_regions, why_held_back, within_caps
from blueprints.services.versions import drawn_spec
from kernel import audit
from kernel.clock import day_of, now, today
from kernel.errors import ConflictError, IllegalTransitionError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.jobs import enqueue
from kernel.uow import UnitOfWork
from qbank import public as qbank
from qbank.public_changes import refuse_old_edition, refuse_unapproved

JOB = "blueprints.assemble"
MOST_FORMS = 26
MOST_ON_THE_FLY = 1000
LARGEST_SEED = 2**31 - 1
LONGEST_FORM_NAME = 120
DONE = frozenset({RunStatus.OPTIMAL, RunStatus.FEASIBLE})
Progress = Callable[[str, float], None]


def start_run(
    uow: UnitOfWork,
    blueprint_id: uuid.UUID,
    *,
    n_forms: int,
    max_overlap: int | None = None,
    seed: int | None = None,
    time_limit_seconds: int = 60,
    is_on_the_fly: bool = False,
    max_rate: Decimal | None = None,
) -> AssemblyRun:
    """Record a run and publish its job; without a seed one is drawn and kept, so that the run can be repeated.

    On the fly, every candidate gets a form of their own; `max_rate` is the share of the forms that may hold one item.
    """
    require(uow.actor, Permission.FORM_ASSEMBLE)
    blueprint = repository.get_blueprint(uow.session, blueprint_id, actor=uow.actor)
    if blueprint.status is BlueprintStatus.ARCHIVED:
        raise IllegalTransitionError(N_("蓝图已归档，请先复制一份"))
    refuse_old_edition(uow.session, uow.actor, blueprint.standard_level_id, on=today())
    refuse_unapproved(uow.session, uow.actor, blueprint.standard_level_id)
    _check_bounds(n_forms, seed, time_limit_seconds, most=MOST_ON_THE_FLY if is_on_the_fly else MOST_FORMS)
    _check_rate(max_rate)
    overlap = int(blueprint.spec.get("max_overlap", 0)) if max_overlap is None else max_overlap
    run = AssemblyRun(
        organisation_id=uow.actor.organisation, exam_blueprint_id=blueprint_id,
        standard_level_id=blueprint.standard_level_id, blueprint_name=blueprint.name,
        spec=drawn_spec(blueprint.spec, max_overlap=overlap, on=today(), max_rate=max_rate), n_forms=n_forms,
        max_overlap=overlap, is_on_the_fly=is_on_the_fly, max_rate=max_rate,
        blueprint_version=blueprint.version_number if blueprint.status is BlueprintStatus.PUBLISHED else None,
        seed=secrets.randbelow(LARGEST_SEED) if seed is None else seed, time_limit_seconds=time_limit_seconds,
        created_by=uow.actor.user_id, created_at=now(),
    )  # fmt: skip
    return publish_run(uow, run)


def aim_at(uow: UnitOfWork, run: AssemblyRun, regions: Collection[str]) -> None:
    """Say in which regions the forms of a new run will be sat: their caps count; none stands for all of one's own."""
    if not set(regions) <= draw_regions(uow.session, uow.actor, run.standard_level_id).keys():
        message = N_("规则方案中没有这个地区，请重新选择")
        raise InvalidInputError(N_("组卷参数有误，请按提示修改"), fields={"regions": [message]})
    run.regions = sorted(regions)


def publish_run(uow: UnitOfWork, run: AssemblyRun) -> AssemblyRun:
    """Add a new run with the job that draws its forms."""
    uow.add(run)
    uow.flush()  # the job and the page are addressed by the key
    job = enqueue(
        uow, JOB, {"assembly_run_id": str(run.assembly_run_id)}, title=f"组卷：{run.blueprint_name}",
        unique_key=f"{JOB}:{run.assembly_run_id}",
    )  # fmt: skip
    run.job_id = job.job_id
    trial = {"trial_of": str(run.trial_of_id)} if run.trial_of_id else {}
    audit.record(
        uow, "assembly.start", "assembly_run", run.assembly_run_id,
        after={"blueprint": str(run.exam_blueprint_id), "n_forms": run.n_forms, "seed": run.seed, **trial},
    )  # fmt: skip
    return run


def _check_rate(max_rate: Decimal | None) -> None:
    if max_rate is not None and not 0 < max_rate <= 1:
        message = N_("请填写 0 到 100 之间的百分数")
        raise InvalidInputError(N_("组卷参数有误，请按提示修改"), fields={"max_rate": [message]})


def _check_bounds(n_forms: int, seed: int | None, seconds: int, *, most: int) -> None:
    bounds = {
        "n_forms": (n_forms, 1, most),
        "seed": (seed or 0, 0, LARGEST_SEED),
        "time_limit": (seconds, 1, 3600),
    }
    message = N_("数值超出允许的范围")
    wrong = {name: [message] for name, (value, low, high) in bounds.items() if not low <= value <= high}
    if wrong:
        raise InvalidInputError(N_("组卷参数有误，请按提示修改"), fields=wrong)


def compute(
    session: Session,
    actor: Actor,
    run: AssemblyRun,
    progress: Progress,
    is_cancelled: Callable[[], bool] | None = None,
    *,
    but: Collection[uuid.UUID] = (),
) -> tuple[AssemblyResult, Pool]:
    """Draw the forms of a run from the pool as it is now; writes nothing.

    `is_cancelled` may raise to stop the search; `but` are forms that do not count as earlier.
    """
    loaded = load_pool(session, actor, run.standard_level_id, run.spec, but=but)
    pool = within_caps(session, actor, run.standard_level_id, loaded, run.regions)
    return draw_apart(session, actor, pool, lambda items: draw_from(items, run, progress, is_cancelled))


def draw_from(
    items: Sequence[PoolItem],
    run: AssemblyRun,
    progress: Progress | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> AssemblyResult:
    """Draw the forms of a run from a pool; equal pools give equal forms, for all else that counts stands in the run."""
    engine = assemble_on_the_fly if run.is_on_the_fly else assemble
    return engine(
        items, blueprint_of(run.spec), n_forms=run.n_forms, seed=run.seed, time_limit=run.time_limit_seconds,
        progress=progress, is_cancelled=is_cancelled,
    )  # fmt: skip


def finish_run(
    uow: UnitOfWork, run_id: uuid.UUID, result: AssemblyResult, pool: Pool, packed: bytes | None = None
) -> AssemblyRun:
    """Keep the outcome of a run and the pool it was drawn from; `packed` is that pool as `pack_new` gave it."""
    keep_pool(uow, result, packed)
    run = repository.get_run(uow.session, run_id, actor=uow.actor)
    known = {
        item_id: KnownItem(str(entry.item_version_id), entry.code, entry.point)
        for item_id, entry in pool.entries.items()
    }
    run.status, run.finished_at = RunStatus(result.status), now()
    run.pool_digest, run.n_pool = result.pool_digest, len(pool.items)
    blueprint = blueprint_of(run.spec)
    supply = supply_to_json(supply_checks(blueprint, pool.items, run.n_forms))
    to_json = fly_outcome_to_json if run.is_on_the_fly else outcome_to_json
    n_held_back = len(pool.entries) - len(pool.items)
    reasons = why_held_back(uow.session, uow.actor, run.standard_level_id, pool, run.regions) if n_held_back else []
    run.result = to_json(result, blueprint, known) | {
        "supply": supply, "n_held_back": n_held_back,
        "held_back": [[reached.cap.value, reached.place, n] for reached, n in reasons],
    }  # fmt: skip
    audit.record(
        uow, "assembly.finish", "assembly_run", run_id,
        after={"status": result.status, "pool_digest": result.pool_digest, "n_forms": len(result.forms)},
    )  # fmt: skip
    return run


def try_relaxation(uow: UnitOfWork, run_id: uuid.UUID, index: int) -> ExamBlueprint:
    """Copy the run's blueprint into a draft that holds one of the proposed relaxations."""
    require(uow.actor, Permission.BLUEPRINT_WRITE)
    run = repository.get_run(uow.session, run_id, actor=uow.actor)
    changes = relaxation_of(run, index)["changes"]
    name = f"{run.blueprint_name[:100]}（放宽 {index + 1}）"
    return blueprint_services.copy_blueprint(
        uow, run.exam_blueprint_id, name=name, spec=relaxed_spec(run.spec, changes)
    )  # fmt: skip


def relaxation_of(run: AssemblyRun, index: int) -> Mapping[str, Any]:
    """Return one of the relaxations that a refused run proposed."""
    ways = ((run.result or {}).get("conflict") or {}).get("relaxation") or []
    if not 0 <= index < len(ways):
        raise NotFoundError(N_("没有这种放宽办法，请刷新页面"))
    way: Mapping[str, Any] = ways[index]
    return way


def accept_run(uow: UnitOfWork, run_id: uuid.UUID, *, name: str = "", comment: str = "") -> list[ExamForm]:
    """Take the forms of a finished run over as drafts; once only, and only from a published blueprint."""
    origin = begin_acceptance(uow, run_id, name)
    run, found = origin.run, (origin.run.result or {})["forms"]
    labels = string.ascii_uppercase[: len(found)] if len(found) > 1 else [""]
    forms = [_form(uow, origin, label, entry["items"], comment) for label, entry in zip(labels, found, strict=True)]
    run.accepted_at = now()
    audit.record(
        uow, "assembly.accept", "assembly_run", run_id, after={"forms": [str(form.exam_form_id) for form in forms]}
    )  # fmt: skip
    return forms


def begin_acceptance(uow: UnitOfWork, run_id: uuid.UUID, name: str) -> Origin:
    """Check that a run's forms may be taken over, fix the version they are drawn from, and return where they come from."""
    require(uow.actor, Permission.FORM_ASSEMBLE)
    run = repository.get_run(uow.session, run_id, actor=uow.actor)
    blueprint = repository.get_blueprint(uow.session, run.exam_blueprint_id, actor=uow.actor)
    refuse_old_edition(uow.session, uow.actor, run.standard_level_id, on=today())
    _check_acceptable(run, blueprint)
    run.blueprint_version = blueprint.version_number
    _check_still_in_use(uow, run)
    level = qbank.get_level(uow.session, uow.actor, run.standard_level_id)
    title = " ".join(name.split())[:LONGEST_FORM_NAME] or f"{level.occupation_name}{level.level_name}理论知识试卷"
    return Origin(run, level, title, blueprint.duration_minutes)


def _check_acceptable(run: AssemblyRun, blueprint: ExamBlueprint) -> None:
    if run.status not in DONE or run.accepted_at is not None:
        raise IllegalTransitionError(N_("这次组卷没有结果，或者试卷已经采用"))
    if run.relaxation_index is not None:
        raise ConflictError(N_("这是一次试组，请先保存放宽后的蓝图，发布后再采用试卷"))
    if blueprint.status is not BlueprintStatus.PUBLISHED:
        raise ConflictError(N_("蓝图“%(name)s”还没有发布（或已归档），请先发布再采用试卷"), name=blueprint.name)
    fixed = drawn_spec(
        blueprint.spec, max_overlap=run.max_overlap, on=day_of(run.created_at), max_rate=run.max_rate
    )  # fmt: skip
    if blueprint_services.spec_digest(fixed) != blueprint_services.spec_digest(run.spec):
        raise ConflictError(N_("组卷之后蓝图又改过，请用现在的蓝图重新组卷"))


def _check_still_in_use(uow: UnitOfWork, run: AssemblyRun) -> None:
    entries = load_pool(uow.session, uow.actor, run.standard_level_id).entries
    result = run.result or {}
    chosen = result.get("catalogue") or [item for found in result["forms"] for item in found["items"]]
    gone = [
        item["code"]
        for item in chosen
        if item["id"] not in entries or str(entries[item["id"]].item_version_id) != item["version"]
    ]
    if gone:
        codes = "、".join(sorted(set(gone))[:10])
        raise ConflictError(N_("组卷之后有试题停用或修订（%(codes)s），请重新组卷"), codes=codes)


@dataclass(frozen=True)
class Origin:
    """Where the forms of a run come from, and what they are called."""

    run: AssemblyRun
    level: qbank.LevelInfo
    name: str
    duration_minutes: int


def _form(uow: UnitOfWork, origin: Origin, label: str, items: list[Mapping[str, Any]], comment: str) -> ExamForm:
    slots = [FormSlot(**values) for values in slot_values(items)]
    form = ExamForm(
        **form_values(uow, origin), label=label, total_score=sum(slot.score for slot in slots), n_slots=len(slots),
        slots=slots,
    )  # fmt: skip
    uow.add(form)
    uow.flush()  # decisions name the form by its key, and items are frozen by it
    form.n_slots = len(slot_contents(uow.session, uow.actor, form))
    note_decision(uow, form, FormAct.ACCEPT, comment)
    return form


def form_values(uow: UnitOfWork, origin: Origin) -> dict[str, Any]:
    """Return what all forms of a run have in common."""
    run, level = origin.run, origin.level
    return {
        "organisation_id": run.organisation_id, "assembly_run_id": run.assembly_run_id,
        "exam_blueprint_id": run.exam_blueprint_id, "standard_level_id": run.standard_level_id,
        "occupation_code": level.occupation_code, "occupation_name": level.occupation_name,
        "level_code": level.level_code, "level_name": level.level_name, "edition_label": level.edition_label,
        "name": origin.name, "duration_minutes": origin.duration_minutes, "created_by": uow.actor.user_id,
        "created_at": now(), "updated_at": now(),
    }  # fmt: skip


def slot_values(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the places of a form for the items of a kept outcome, in their order."""
    order = {name: number for number, name in enumerate(dict.fromkeys(item["type"] for item in items))}
    return [
        {
            "slot": number, "section": order[item["type"]], "item_id": uuid.UUID(item["id"]),
            "item_version_id": uuid.UUID(item["version"]), "item_code": item["code"], "type": item["type"],
            "point": item["point"], "importance": item["importance"], "difficulty": item["difficulty"],
            "score": Decimal(item["score"]),
        }
        for number, item in enumerate(items, 1)
    ]  # fmt: skip


def note_decision(uow: UnitOfWork, form: ExamForm, act: FormAct, comment: str) -> None:
    """Add a step to a form's history and to the audit chain."""
    form.updated_at = now()
    uow.add(
        FormDecision(
            exam_form_id=form.exam_form_id, act=act, comment=comment, decided_by=uow.actor.user_id,
            decided_by_name=uow.actor.name[:100], decided_at=now(),
        )
    )  # fmt: skip
    audit.record(
        uow, f"form.{act.value}", "exam_form", form.exam_form_id,
        after={"status": form.status.value, "total_score": score_text(form.total_score)}, reason=comment or None,
    )  # fmt: skip

"""Jobs of blueprints: the assembly itself."""

from __future__ import annotations

import time
import uuid

from blueprints import repository, repository_sets
from blueprints.rules.states import FormStatus
from blueprints.services import capacity, editions, form_sets, kept_pools, prints, runs, simulation
from blueprints.services.quarantine import sweep
from blueprints.services.quarantine_elsewhere import JOB as SWEEP_JOB
from kernel.db import db
from kernel.i18n import N_
from kernel.jobs import JobContext, every, handler
from kernel.uow import unit_of_work
from qbank.public import ReferenceSource, register_reference_source
from qbank.public_changes import Dependant, register_dependant

STEPS = {
    "compile": N_("编译规则，计算上界"), "explain": N_("没有可行的试卷，正在查找原因"), "verify": N_("逐条核对每份试卷"),
    "done": N_("完成"),
}  # fmt: skip
LARGEST_SHARE = 95
PURGE_SECONDS = 3600.0
DAY_SECONDS = 86400.0
ASK_SECONDS = 1.0

register_reference_source(ReferenceSource(N_("组卷蓝图或试卷"), count_by_level=editions.count_relying))
register_dependant(
    Dependant(
        "blueprints",
        find=editions.find_affected,
        follow=editions.follow_edition,
        capacity=capacity.find_capacity,
        blueprints=capacity.list_blueprints,
        draft_endpoint=("blueprints.detail", "blueprint_id"),
    )
)


class _Watch:
    """Shows how far a draw is, and asks within a long step whether somebody called the job off."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._last = (2, N_("读取题库"))
        self._asked = time.monotonic()

    def report(self, step: str, share: float) -> None:
        """Show a step."""
        self._last = (5 + int(share * (LARGEST_SHARE - 5)), STEPS.get(step, step))
        self._ask()

    def is_called_off(self) -> bool:
        """Ask every second; raises JobCancelledError as the job's own reports do."""
        if time.monotonic() - self._asked > ASK_SECONDS:
            self._ask()
        return False

    def _ask(self) -> None:
        self._asked = time.monotonic()
        self._context.progress(*self._last)


@handler(runs.JOB)
def run_assembly(context: JobContext) -> None:
    """Draw the forms of a run and keep the outcome."""
    run_id = uuid.UUID(context.payload["assembly_run_id"])
    context.progress(2, N_("读取题库"))
    run = repository.get_run(db.session(), run_id, actor=context.actor)
    watch = _Watch(context)
    result, pool = runs.compute(db.session(), context.actor, run, watch.report, watch.is_called_off)
    outcome = {"status": result.status, "n_forms": len(result.forms)}
    packed = kept_pools.pack_new(db.session(), context.actor, result)
    with context.finish(outcome, result_url=f"/assembly-runs/{run_id}") as uow:
        runs.finish_run(uow, run_id, result, pool, packed)


@handler(form_sets.SEAL_JOB)
def run_sealing(context: JobContext) -> None:
    """Seal the forms of a set, some in each transaction; what an earlier run sealed stays sealed."""
    key = uuid.UUID(context.payload["form_set_id"])
    n_forms = repository_sets.get_set(db.session(), key, actor=context.actor).n_forms
    n_sealed = repository_sets.count_members(db.session(), key, FormStatus.SEALED)
    while True:
        context.progress(LARGEST_SHARE * n_sealed // n_forms, f"{n_sealed} / {n_forms}")
        with unit_of_work(context.actor) as uow:
            done = form_sets.seal_some(uow, key)
        if not done:
            break
        n_sealed += done
    with context.finish({"n_forms": n_sealed}, result_url=f"/form-sets/{key}") as uow:
        form_sets.finish_sealing(uow, key)


@handler(simulation.JOB)
def run_capacity(context: JobContext) -> None:
    """Simulate a year of sessions with a blueprint and keep what was found."""
    found = simulation.run_simulation(
        db.session(), context.actor, context.payload,
        lambda done, _every: context.progress(min(LARGEST_SHARE, done), N_("正在逐场模拟")),
    )  # fmt: skip
    with context.finish(found, result_url=f"/bank-capacity/{context.job_id}"):
        pass


@handler(prints.JOB)
def run_print(context: JobContext) -> None:
    """Make a file of a form, prove it, and keep it for who asked for it."""
    payload = context.payload
    form_id = uuid.UUID(payload["exam_form_id"])
    wanted = prints.Wanted(form_id, payload["document"], payload["file_format"], payload["page_size"])
    context.progress(5, N_("正在准备"))
    made = prints.make_print(db.session(), context.actor, wanted, context.progress)
    context.progress(90, N_("正在保存"))
    with context.finish({"bytes": len(made.data)}, result_url=f"/forms/{form_id}/prints") as uow:
        prints.keep_print(uow, wanted, made, job_id=context.job_id)


@handler(SWEEP_JOB)
def run_sweep(context: JobContext) -> None:
    """Swap an item that its owner took out of use out of an organisation's forms that nobody has sat yet."""
    context.progress(5, N_("正在替换"))
    with context.finish({}, result_url=f"/quarantined-items/{context.payload['item_id']}") as uow:
        sweep(uow, uuid.UUID(context.payload["item_id"]))


@every(PURGE_SECONDS, "blueprints.purge_prints")
def purge_prints() -> None:
    """Delete printed files that nobody needs any more."""
    prints.purge_prints(db.session())


@every(DAY_SECONDS, "blueprints.purge_pools")
def purge_pools() -> None:
    """Delete the pools of draws that led to nothing."""
    kept_pools.purge_pools(db.session())

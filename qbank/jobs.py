"""Long work of the bank."""

from __future__ import annotations

import uuid

from kernel.db import db
from kernel.disk import require_room
from kernel.i18n import N_
from kernel.identity.actor import system_actor
from kernel.jobs import JobContext, every, handler
from kernel.uow import unit_of_work
from qbank.interchange.progress import Told
from qbank.repository.imports import get_run
from qbank.repository.reminders import active_organisations
from qbank.services import duplicates, edition_apply, import_runs, imports, lint, reminders

REMIND_SECONDS = 1800.0


@handler("qbank.import")
def run_import(context: JobContext) -> None:
    """Read a confirmed file once more and bring its items into the bank; the percentages follow the records."""
    require_room()
    run_id = uuid.UUID(context.payload["import_run_id"])
    context.progress(2, N_("正在读取文件"))
    run = get_run(db.session(), run_id, actor=context.actor)
    report = import_runs.report_of(run, told=_telling(context, (2, 45), N_("已读取 %(n)s / %(all)s 题")))
    tell = _telling(context, (45, 70), N_("已核对 %(n)s / %(all)s 题"))
    prepared = imports.prepare(report, progress=lambda n: tell(n, len(report.items)))
    context.progress(70, N_("正在写入 %(n)s 题") % {"n": len(prepared.items)})
    with context.finish(result_url=f"/imports/{run_id}/result") as uow:
        uow.pending["job_result"][0].update(import_runs.run_import(uow, run_id, prepared))


def _telling(context: JobContext, span: tuple[int, int], text: str) -> Told:
    """Return what shows as progress between two percentages how many of how many are done."""
    first, last = span

    def tell(n_done: int, n_all: int) -> None:
        share = min(1.0, n_done / n_all) if n_all else 1.0
        context.progress(first + round(share * (last - first)), text % {"n": n_done, "all": n_all})

    return tell


@handler(edition_apply.JOB)
def apply_migration(context: JobContext) -> None:
    """Carry out a migration between two editions."""
    migration_id = uuid.UUID(context.payload["outline_migration_id"])
    context.progress(10, N_("正在迁移试题和蓝图"))
    with context.finish(result_url=f"/editions/{migration_id}") as uow:
        uow.pending["job_result"][0].update(edition_apply.apply_migration(uow, migration_id))


@every(REMIND_SECONDS, "qbank.reminders")
def remind() -> None:
    """Say to people what is due: writing tasks, and items past the deadline of their stage."""
    for organisation_id in active_organisations(db.session()):
        with unit_of_work(system_actor(organisation_id, name="qbank.reminders")) as uow:
            reminders.remind(uow)


@handler("qbank.duplicates")
def check_duplicates(context: JobContext) -> None:
    """Look for near-copies and clues in a level and keep them as suggestions."""
    level_id = uuid.UUID(context.payload["standard_level_id"])
    n_items, found = duplicates.find_suggestions(db.session(), context.actor, level_id, progress=context.progress)
    context.progress(90, N_("正在保存 %(n)s 对") % {"n": len(found)})
    with context.finish(result_url=f"/duplicates/{level_id}") as uow:
        n = duplicates.keep_suggestions(uow, level_id, n_items=n_items, suggestions=found)
        uow.pending["job_result"][0].update({"items": n_items, "pairs": n})


@handler("qbank.lint")
def lint_level(context: JobContext) -> None:
    """Apply the rules of good items to a whole level and keep the report."""
    level_id = uuid.UUID(context.payload["standard_level_id"])
    report = lint.lint_level(db.session(), context.actor, level_id, progress=context.progress)
    with context.finish(result_url=f"/lint/levels/{level_id}") as uow:
        lint.keep_report(uow, level_id, report)
        uow.pending["job_result"][0].update({"items": report.n_items})

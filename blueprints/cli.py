"""Commands of blueprints: ``kaoku assemble``, which needs no database, and ``kaoku replay`` for draws made in the browser."""

from __future__ import annotations

import uuid

import click

from blueprints.assembly.command import REFUSED
from blueprints.assembly.command import assemble_command as assemble
from blueprints.models import AssemblyRun
from blueprints.services.replay import replay_run
from kernel.db import db
from kernel.i18n import N_
from kernel.identity.actor import system_actor


@click.command("replay")
@click.argument("run_id", metavar="RUN", type=click.UUID)
@click.pass_context
def replay(context: click.Context, run_id: uuid.UUID) -> None:
    """按一次组卷记录重新抽取，核对是否得到相同的试卷（RUN 为组卷结果页地址中的编号）。"""
    run = db.session().get(AssemblyRun, run_id)
    if run is None or run.finished_at is None:
        raise click.UsageError(str(N_("没有这次组卷，或者还没有完成")))
    found = replay_run(db.session(), system_actor(run.organisation_id), run)
    click.echo(f"种子 {run.seed}，当时的题库摘要 {run.pool_digest}，现在 {found.pool_digest}")
    if found.are_same_forms:
        click.echo("重放一致：试卷完全相同。")
        return
    click.echo("重放不一致：试卷不同。" if found.is_same_pool else "题库与当时不同（摘要不一致），不能重放。", err=True)
    context.exit(REFUSED)


commands = [assemble, replay]
NEEDS_APP = ("replay",)

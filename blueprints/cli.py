"""Commands of blueprints: ``kaoku assemble``, which needs no database, and ``kaoku replay`` for draws made in the browser."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from pathlib import Path

import click

from blueprints.assembly.command import REFUSED, other_engine_text
from blueprints.assembly.command import assemble_command as assemble
from blueprints.assembly.result import ENGINE
from blueprints.models import AssemblyRun
from blueprints.services.replay import Commitment, Replay, export_run, is_drawn, replay_run
from kernel.clock import OFFICIAL_ZONE
from kernel.db import db
from kernel.errors import DomainError
from kernel.i18n import N_
from kernel.identity.actor import system_actor
from kernel.uow import unit_of_work

FOR_OWNER_ONLY = 0o600
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command("replay")
@click.argument("run_id", metavar="RUN", type=click.UUID)
@click.option(
    "--files",
    "folder",
    type=_FOLDER,
    default=None,
    help="把当时的题库、蓝图和结果写入这个文件夹，供 kaoku assemble 使用。",
)
@click.pass_context
def replay(context: click.Context, run_id: uuid.UUID, folder: Path | None) -> None:
    """按一次组卷记录重新抽取，核对是否得到相同的试卷（RUN 为组卷结果页地址中的编号）。"""
    run = db.session().get(AssemblyRun, run_id)
    if run is None or run.finished_at is None:
        raise click.UsageError(str(N_("没有这次组卷，或者还没有完成")))
    if not is_drawn(run):
        raise click.UsageError(str(N_("这是收入的套题，试题不是抽取的，没有可以重放的内容")))
    try:
        if folder is not None:
            _export(run, folder)
        found = replay_run(db.session(), system_actor(run.organisation_id), run)
    except DomainError as error:
        click.echo(error.message, err=True)
        context.exit(REFUSED)
    click.echo(f"种子 {run.seed}，当时的题库摘要 {run.pool_digest}，重放的题库摘要 {found.pool_digest}")
    if not found.is_kept_pool:
        click.echo("这次组卷没有留存题库（组卷早于留存功能，或留存期已满），只能从现在的题库重放。", err=True)
    said = outcome_text(found)
    click.echo(said, err=not found.are_same_forms)
    for one in found.commitments:
        click.echo(commitment_text(one), err=not one.is_true)
    if not found.are_same_forms or not found.are_commitments_true:
        context.exit(REFUSED)


def commitment_text(one: Commitment) -> str:
    """Return in words whether what was published of a draw holds."""
    told = f"{one.published_at.astimezone(OFFICIAL_ZONE):%Y-%m-%d %H:%M} 公布的抽题承诺 {one.number[:16]}"
    if not one.is_true:
        return f"{told}：不一致，种子、随机数或题库摘要与公布的不符。"
    return f"{told}：一致，种子和随机数得到公布的摘要{'' if one.is_revealed else '（种子尚未公开）'}。"


def outcome_text(found: Replay) -> str:
    """Return in words what a replay gave."""
    if found.are_same_forms:
        return "重放一致：试卷完全相同。" if found.has_forms else "重放一致：同样没有可行的试卷，原因相同。"
    if not found.is_same_pool:
        return "题库与当时不同（摘要不一致），不能重放。"
    cut = "当时组卷用满了时限，结果与机器快慢有关。" if found.was_cut else ""
    other = "" if found.engine == ENGINE else other_engine_text(found.engine)
    return f"重放不一致：结果不同。{cut}{other}"


def _export(run: AssemblyRun, folder: Path) -> None:
    """Write a run's files for its owner only, and say how to use them."""

    def write(files: Mapping[str, bytes]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            _write(folder / name, data)

    with unit_of_work(system_actor(run.organisation_id, name="kaoku replay")) as uow:
        export_run(uow, run, write)
    click.echo(
        f"已写入 {folder}：pool.json、blueprint.json、forms.json（文件可能含有答案分布，请妥善保管）。可以在没有数据库的机器上重放："
    )
    click.echo("  kaoku assemble --pool pool.json --blueprint blueprint.json --replay forms.json")


def _write(path: Path, data: bytes) -> None:
    """Write a file that nobody else may read, also where one stood there before."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FOR_OWNER_ONLY), "wb") as file:
        file.write(data)


commands = [assemble, replay]
NEEDS_APP = ("replay",)

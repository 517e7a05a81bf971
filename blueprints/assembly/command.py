"""``kaoku assemble``: forms from a pool file and a blueprint file, without a database."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from blueprints.assembly.blueprint import read_blueprint
from blueprints.assembly.engine import assemble
from blueprints.assembly.pool import read_pool
from blueprints.assembly.result import AssemblyResult
from kernel.errors import InvalidInputError
from kernel.i18n import N_

REFUSED, WRONG_USAGE = 1, 2
STEPS = {"compile": N_("编译规则"), "explain": N_("查找原因"), "verify": N_("核对试卷"), "done": N_("完成")}
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("assemble", help=N_("按蓝图从题库文件组卷，不需要数据库。"))
@click.option("--pool", "pool_file", type=_FILE, required=True, help="题库文件（JSON 或 CSV）。")
@click.option("--blueprint", "blueprint_file", type=_FILE, required=True, help="蓝图文件（JSON）。")
@click.option("--forms", "n_forms", type=click.IntRange(min=1), required=True, help="组卷份数。")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="结果文件（JSON）。")
@click.option("--overlap", type=click.IntRange(min=0), default=None, help="任意两份试卷最多重复的题数。")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="随机种子。")
@click.option(
    "--time-limit", type=click.FloatRange(min=0, min_open=True), default=60.0, show_default=True, help="时限（秒）。"
)
@click.pass_context
def assemble_command(
    context: click.Context,
    *,
    pool_file: Path,
    blueprint_file: Path,
    n_forms: int,
    out: Path,
    overlap: int | None,
    seed: int,
    time_limit: float,
) -> None:
    """Assemble forms from a pool file by a blueprint file, without a database."""
    try:
        pool, blueprint = read_pool(pool_file), read_blueprint(blueprint_file)
    except InvalidInputError as error:
        click.echo(error.message, err=True)
        context.exit(WRONG_USAGE)
    result = assemble(
        pool, blueprint, n_forms=n_forms, max_overlap=overlap, seed=seed, time_limit=time_limit, progress=_report
    )
    out.write_text(json.dumps(result.to_json(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for line in _summary(result):
        click.echo(line, err=True)
    context.exit(0 if result.forms else REFUSED)


def _report(step: str, share: float) -> None:
    """Write the step on a terminal; stay silent in a pipe."""
    if sys.stderr.isatty():
        click.echo(f"\r{share:4.0%} {STEPS.get(step, step)}", err=True, nl=share >= 1)


def _summary(result: AssemblyResult) -> list[str]:
    if result.forms:
        return [f"组成 {len(result.forms)} 份试卷（{result.status}），用时 {result.seconds:.2f} 秒"]
    if result.conflict is None:
        return ["时限内未能得出结论，请放宽时限后重试"]
    rules = [f"  {part.rule}：{part.text}" for part in result.conflict.constraints]
    tasks = [
        f"  {task.point} {task.type} 难度 {task.difficulty}：{task.count} 题" for task in result.conflict.writing_order
    ]
    ways = ["；".join(str(change.text) for change in way.changes) for way in result.conflict.relaxation]
    return [
        "无法组卷，下列要求不能同时满足：", *rules,
        *(["可以放宽：", *(f"  {way}" for way in ways)] if ways else []),
        *(["或者补写：", *tasks] if tasks else []),
    ]  # fmt: skip

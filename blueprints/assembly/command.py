"""``kaoku assemble``: forms from a pool file and a blueprint file, without a database."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import click

from blueprints.assembly.blueprint import Blueprint, read_blueprint
from blueprints.assembly.engine import assemble, settle
from blueprints.assembly.on_the_fly import assemble_on_the_fly
from blueprints.assembly.papers import check_whole_form, with_checks
from blueprints.assembly.pool import PoolItem, pool_digest, read_pool
from blueprints.assembly.result import ENGINE, AssemblyResult, engine_of
from blueprints.rules.draw_commitments import wrong_parts
from kernel.clock import today
from kernel.errors import InvalidInputError
from kernel.i18n import N_

REFUSED, WRONG_USAGE = 1, 2
STEPS = {
    "compile": N_("编译规则"), "deal": N_("分配试题"), "explain": N_("查找原因"), "verify": N_("核对试卷"), "done": N_("完成"),
}  # fmt: skip
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUT = click.Path(dir_okay=False, path_type=Path)


@click.command("assemble", help=N_("按蓝图从题库文件组卷，不需要数据库。"))
@click.option("--pool", "pool_file", type=_FILE, required=True, help="题库文件（JSON 或 CSV）。")
@click.option("--blueprint", "blueprint_file", type=_FILE, required=True, help="蓝图文件（JSON）。")
@click.option("--forms", "n_forms", type=click.IntRange(min=1), default=None, help="组卷份数。")
@click.option("--out", type=_OUT, default=None, help="结果文件（JSON）。")
@click.option("--overlap", type=click.IntRange(min=0), default=None, help="任意两份试卷最多重复的题数。")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="随机种子。")
@click.option(
    "--time-limit", type=click.FloatRange(min=0, min_open=True), default=60.0, show_default=True, help="时限（秒）。"
)
@click.option("--on-the-fly", is_flag=True, help="一人一卷：试卷可以有相同的题，控制每题的使用率。")
@click.option("--replay", "replayed", type=_FILE, default=None, help="重放一个结果文件，核对是否得到相同的试卷。")
@click.option(
    "--commitment", "commitment", type=_FILE, default=None, help="抽题承诺页的 JSON：与 --replay 一起核对公开的种子。"
)
@click.option("--check", "checked", type=_FILE, default=None, help="用蓝图核对已有的套题（JSON，试题编号的列表）。")
@click.pass_context
def assemble_command(context: click.Context, /, *, pool_file: Path, blueprint_file: Path, **options: Any) -> None:
    """Assemble forms from a pool file by a blueprint file, without a database."""
    try:
        pool, blueprint = read_pool(pool_file), read_blueprint(blueprint_file)
        if options["checked"] is not None:
            context.exit(_check(pool, blueprint, options))
        if options["replayed"] is not None:
            context.exit(max(_replay(pool, blueprint, options), _hold_to_commitment(blueprint_file, options)))
    except InvalidInputError as error:
        click.echo(error.message, err=True)
        context.exit(WRONG_USAGE)
    if options["n_forms"] is None or options["out"] is None:
        raise click.UsageError(str(N_("须写明 --forms 和 --out")))
    result, out = _draw(pool, settle(blueprint, today()), options)
    _write(options["out"], out)
    for line in _summary(result):
        click.echo(line, err=True)
    context.exit(0 if result.forms else REFUSED)


def _draw(
    pool: Sequence[PoolItem], blueprint: Blueprint, options: Mapping[str, Any]
) -> tuple[AssemblyResult, dict[str, Any]]:
    """Return the outcome, and as JSON with everything that a replay needs."""
    n_forms, seed, limit = options["n_forms"], options["seed"], options["time_limit"]
    if options["on_the_fly"]:
        result = assemble_on_the_fly(pool, blueprint, n_forms=n_forms, seed=seed, time_limit=limit, progress=_report)
        result = with_checks(result, blueprint)
    else:
        result = assemble(
            pool, blueprint, n_forms=n_forms, max_overlap=options["overlap"], seed=seed, time_limit=limit,
            progress=_report,
        )  # fmt: skip
    mode = {"n_forms": n_forms, "overlap": options["overlap"], "on_the_fly": options["on_the_fly"]}
    return result, result.to_json() | {"request": mode}


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _replay(pool: Sequence[PoolItem], blueprint: Blueprint, options: Mapping[str, Any]) -> int:
    """Draw again as a result file says, and tell whether the forms are the same."""
    before = _read(options["replayed"], "forms")
    if before.get("pool_digest") != pool_digest(pool):
        click.echo("题库与当时不同（摘要不一致），不能重放。", err=True)
        return REFUSED
    day = date.fromisoformat(before["on"]) if before.get("on") else today()
    request = {"overlap": None, "on_the_fly": False, "n_forms": len(before["forms"]) or 1} | before.get("request", {})
    _, again = _draw(pool, settle(blueprint, day), {**options, **request, "seed": before.get("seed", 0)})
    if options["out"] is not None:
        _write(options["out"], again)
    same = [form["items"] for form in again["forms"]] == [form["items"] for form in before["forms"]]
    other = "" if engine_of(before) == ENGINE else other_engine_text(engine_of(before))
    click.echo("重放一致：试卷完全相同。" if same else f"重放不一致：试卷不同。{other}", err=True)
    return 0 if same else REFUSED


def _hold_to_commitment(blueprint_file: Path, options: Mapping[str, Any]) -> int:
    """Tell whether what was published before the exam fits the replayed draw; silent without a page to hold against."""
    if options["commitment"] is None:
        return 0
    outcome, spec = _read(options["replayed"], "forms"), json.loads(blueprint_file.read_text("utf-8"))
    entries = _read(options["commitment"], "entries")["entries"]
    wrong = [wrong_parts(one, outcome, spec) for one in entries]
    fits = [] in wrong
    words = "、".join(dict.fromkeys(part for parts in wrong for part in parts))
    click.echo("与公布的抽题承诺一致。" if fits else f"与公布的抽题承诺不一致：{words}。", err=True)
    return 0 if fits else REFUSED


def other_engine_text(engine: int) -> str:
    """Return what is to be said of forms that another engine gave."""
    return (
        f"当时由第 {engine} 版组卷引擎抽取，现在是第 {ENGINE} 版，同一种子可以得到不同的试卷，不能说明当时的结果有误。"
    )


def _read(path: Path, key: str) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(N_("%(file)s 不是有效的 JSON"), file=path.name) from error
    if not isinstance(value, dict) or not isinstance(value.get(key), list):
        raise InvalidInputError(N_("%(file)s 中没有 %(key)s 列表"), file=path.name, key=key)
    return value


def _check(pool: Sequence[PoolItem], blueprint: Blueprint, options: Mapping[str, Any]) -> int:
    """Hold whole forms against the blueprint."""
    forms = _read(options["checked"], "forms")["forms"]
    chosen = [form["items"] if isinstance(form, dict) else form for form in forms]
    checks = [check_whole_form(ids, pool, settle(blueprint, today())) for ids in chosen]
    broken = [
        f"第 {number} 份：{check.constraint} {check.text}"
        for number, held in enumerate(checks, 1)
        for check in held
        if not check.met
    ]
    if options["out"] is not None:
        _write(options["out"], {"forms": [[check.to_json() for check in held] for held in checks]})
    click.echo("\n".join(broken) or "全部符合蓝图。", err=True)
    return REFUSED if broken else 0


def _report(step: str, share: float) -> None:
    """Write the step on a terminal; stay silent in a pipe."""
    if sys.stderr.isatty():
        click.echo(f"\r{share:4.0%} {STEPS.get(step, step)}", err=True, nl=share >= 1)


def _summary(result: AssemblyResult) -> list[str]:
    if result.forms:
        return [f"组成 {len(result.forms)} 份试卷（{result.status}），用时 {result.seconds:.2f} 秒", *_evenness(result)]
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


def _evenness(result: AssemblyResult) -> list[str]:
    lines = []
    if result.exposure is not None:
        seen = result.exposure
        lines.append(f"最高使用率 {seen.rate:.2%}（理论下限 {seen.least_rate:.2%}，允许 {seen.allowed_uses} 次）")
    if result.parallel is not None:
        lines.append(f"各卷与平均的最大偏差 {result.parallel[1]:.2%}")
    return lines

"""Commands of the bank: ``kaoku bank import`` and ``kaoku bank export``; and ``kaoku convert``, which needs no database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from kernel.db import db
from kernel.errors import InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, system_actor
from kernel.identity.models import Organisation
from kernel.identity.repository import find_organisation_by_code, list_organisations
from kernel.uow import unit_of_work
from qbank import public
from qbank.interchange.command import NAMES, convert
from qbank.interchange.convert import writable_formats
from qbank.interchange.guard import LIMITS
from qbank.interchange.limited import read_limited
from qbank.interchange.model import ConversionReport, Notice
from qbank.repository.items import ItemFilter
from qbank.repository.standards import find_standard_by_code, list_levels
from qbank.rules.items import ItemStatus
from qbank.services import exports, imports
from qbank.services.media import write_whole

READABLE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
WRITABLE = click.Path(dir_okay=False, path_type=Path)
ORGANISATION_HELP = N_("机构代码；只有一个机构时可省略")


class DryRun(Exception):  # noqa: N818 - not an error: it ends a trial's transaction
    """Raised to end a trial: everything is rolled back."""


@click.group("bank")
def bank() -> None:
    """题库：导入与导出试题。"""


@bank.command("import")
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=READABLE)
@click.option("--standard", "standard_code", metavar="CODE", required=True, help=N_("职业标准代码"))
@click.option("--level", "level_code", metavar="L", required=True, help=N_("等级，如 4"))
@click.option("--point", "point_code", metavar="CODE", help=N_("题目没有写明鉴定点时归入的鉴定点"))
@click.option("--difficulty", type=click.IntRange(1, 5), help=N_("题目没有写明难度时填入的难度"))
@click.option("--organisation", "organisation_code", metavar="CODE", help=ORGANISATION_HELP)
@click.option("--dry-run", is_flag=True, help=N_("只报告，不写入题库"))
@click.option("--report", "report_path", metavar="R", type=WRITABLE, help=N_("把逐题报告写到这个 JSON 文件"))
@click.pass_context
def import_command(context: click.Context, /, files: tuple[Path, ...], **given: Any) -> None:
    """把题目文件导入题库，成为草稿。"""
    actor = _actor(given["organisation_code"])
    level = public.find_level(db.session(), actor, given["standard_code"], given["level_code"])
    options = imports.ImportOptions(difficulty=given["difficulty"], is_trial=given["dry_run"])
    outcomes = []
    for path in files:
        outcome = _import_file(actor, path, level, given["point_code"], options)
        click.echo(_summary(path, outcome, is_trial=options.is_trial), err=True)
        outcomes.append(outcome)
    if given["report_path"]:
        body = json.dumps(report_body(outcomes), ensure_ascii=False, indent=1)
        _write(given["report_path"], body.encode() + b"\n")
    context.exit(0 if all(outcome.is_complete for outcome in outcomes) else 1)


def _import_file(
    actor: Actor,
    path: Path,
    level: public.LevelInfo,
    point_code: str | None,
    options: imports.ImportOptions,
) -> imports.ImportOutcome:
    """Import one file in one transaction; an unreadable one opens none."""
    report = _read(path)
    if report.error:
        return imports.ImportOutcome(report)
    prepared = imports.prepare(report)
    try:
        with unit_of_work(actor) as uow:
            outcome = imports.import_prepared(
                uow, prepared, standard_level_id=level.standard_level_id, default_point=point_code, options=options
            )
            if options.is_trial:
                raise DryRun
    except DryRun:
        db.session().expunge_all()
    return outcome


def _read(path: Path) -> ConversionReport:
    if path.stat().st_size > LIMITS.file_bytes:
        message = N_("文件超过 20 MB，请拆分后分批导入")
        return ConversionReport(path.name, "", error=Notice("file", "file_too_large", message))
    return read_limited(path.read_bytes(), path.name)


def report_body(outcomes: list[imports.ImportOutcome]) -> dict[str, Any]:
    """Return the report of INTERFACE.md: of one file, or of several with their totals."""
    bodies = [outcome.to_json() for outcome in outcomes]
    if len(bodies) == 1:
        return bodies[0]
    totals = {name: sum(body[name] for body in bodies) for name in ("found", "imported", "duplicates")}
    totals |= {name: sum(len(body[name]) for body in bodies) for name in ("skipped", "losses", "warnings")}
    totals["errors"] = sum("error" in body for body in bodies)
    return {"files": bodies, "totals": totals}


def _summary(path: Path, outcome: imports.ImportOutcome, *, is_trial: bool) -> str:
    if outcome.report.error:
        return f"{path.name}：无法读取：{outcome.report.error.message}"
    verb = "可导入" if is_trial else "导入"
    balance = f"发现 {outcome.report.found} = {verb} {outcome.n_imported} + 重复 {len(outcome.duplicates)}"
    return f"{path.name}：{balance} + 跳过 {len(outcome.report.skipped)}"


@bank.command("export")
@click.option("--to", "fmt", metavar="FORMAT", type=click.Choice(NAMES), required=True, help=N_("写出的格式"))
@click.option("--out", "out_path", metavar="OUT", type=WRITABLE, required=True, help=N_("写出的文件"))
@click.option("--standard", "standard_code", metavar="CODE", help=N_("只导出这个职业标准的试题"))
@click.option("--level", "level_code", metavar="L", help=N_("只导出这个等级的试题"))
@click.option(
    "--status", metavar="S", type=click.Choice([s.value for s in ItemStatus]), help=N_("只导出这种状态的试题")
)
@click.option("--organisation", "organisation_code", metavar="CODE", help=ORGANISATION_HELP)
@click.pass_context
def export_command(context: click.Context, /, fmt: str, out_path: Path, **given: Any) -> None:
    """把题库中的试题写成文件。"""
    actor = _actor(given["organisation_code"])
    if fmt not in writable_formats():
        raise InvalidInputError(N_("当前版本还不支持格式 %(format)s"), format=fmt)
    status = ItemStatus(given["status"]) if given["status"] else None
    level_ids = _level_ids(actor, given["standard_code"], given["level_code"])
    with unit_of_work(actor) as uow:
        exported = exports.export_items(uow, ItemFilter(status=status, standard_level_ids=level_ids), fmt=fmt)
        _write(out_path, exported.data)
    click.echo(f"导出 {exported.n_items} 题到 {out_path.name}，损失 {len(exported.losses)} 处", err=True)
    for loss in exported.losses:
        click.echo(f"  {loss.locator}：{loss.message}", err=True)
    context.exit(1 if any(loss.code == "item" for loss in exported.losses) else 0)


def _level_ids(actor: Actor, standard_code: str | None, level_code: str | None) -> tuple[Any, ...] | None:
    """Return the levels that the codes name, in all editions; None when neither is given."""
    if standard_code is None and level_code is None:
        return None
    if standard_code and find_standard_by_code(db.session(), standard_code, actor=actor) is None:
        raise NotFoundError(N_("没有代码为 %(standard)s 的职业标准"), standard=standard_code)
    levels = [
        level
        for level in list_levels(db.session(), actor=actor, include_drafts=True)
        if standard_code in (None, level.edition.standard.code) and level_code in (None, level.level_code)
    ]
    if not levels:
        raise NotFoundError(N_("没有等级 %(level)s，请检查 --standard 与 --level"), level=level_code or "")
    return tuple(level.standard_level_id for level in levels)


def _actor(organisation_code: str | None) -> Actor:
    return system_actor(_organisation(organisation_code).organisation_id, "kaoku bank")


def _organisation(code: str | None) -> Organisation:
    if code:
        found = find_organisation_by_code(db.session(), code)
        if found is None:
            raise NotFoundError(N_("没有代码为 %(organisation)s 的机构"), organisation=code)
        return found
    organisations = list_organisations(db.session())
    if len(organisations) != 1:
        codes = "、".join(one.code for one in organisations)
        raise InvalidInputError(N_("请用 --organisation 指明机构：%(codes)s"), codes=codes or "（还没有机构）")
    return organisations[0]


def _write(path: Path, data: bytes) -> None:
    try:
        write_whole(path, data)
    except OSError as error:
        raise click.FileError(str(path), error.strerror or "") from error


commands = [convert, bank]
NEEDS_APP = ("bank",)

__all__ = ["NEEDS_APP", "bank", "commands", "convert", "report_body"]

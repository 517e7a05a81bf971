"""The commands ``kaoku analyse`` and ``kaoku score``: response sheets in, JSON out, without a database."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kernel.errors import DependencyError
from kernel.i18n import N_

if TYPE_CHECKING:
    from web.analysis.marking import Marked
    from web.analysis.sheet import Sheet

READABLE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
WRITABLE = click.Path(dir_okay=False, path_type=Path)
MODELS = ("ctt", "rasch", "2pl", "3pl")


@click.command("analyse")
@click.argument("responses", metavar="RESPONSES", type=READABLE)
@click.option("--key", metavar="KEY", type=READABLE, help=N_("答案文件 item,key[,score]；不写则作答单元格就是得分"))
@click.option("--out", metavar="FILE", type=WRITABLE, required=True, help=N_("写出的 JSON 报告"))
@click.option("--model", type=click.Choice(MODELS), default="ctt", show_default=True, help=N_("标定所用的模型"))
@click.option(
    "--groups",
    metavar="FILE",
    type=READABLE,
    help=N_("考生分组 candidate,列…：按每一列比较各组在每道题上的公平性；carrier 列是作答设备，另给各设备的指标"),
)
@click.option("--html", metavar="FILE", type=WRITABLE, help=N_("另写一份可打印的网页报告"))
@click.option(
    "--lang",
    type=click.Choice(("zh", "en")),
    default="zh",
    show_default=True,
    help=N_("网页报告的语言：zh 中文，en 英文"),
)
@click.pass_context
def analyse(context: click.Context, /, responses: Path, key: Path | None, out: Path, **options: Any) -> None:
    """分析题目与试卷：难度、区分度、选项、信度与标定，不需要数据库。"""
    from web.analysis import figures, page
    from web.analysis.calibration import add_calibration
    from web.analysis.marking import mark_sheet
    from web.analysis.sheet import read_key, read_sheet

    sheet = read_sheet(responses)
    rows, unused = read_key(key, sheet) if key else (None, ())
    marked = mark_sheet(sheet, rows)
    report = figures.analyse(marked)
    add_calibration(report, marked, options["model"])
    if options["groups"]:
        _add_groups(report, marked, sheet, options["groups"])
    write_json(out, report)
    if options["html"]:
        write_file(options["html"], page.render(report, responses.name, options["lang"]).encode())
    if unused:
        click.echo(N_("提醒：答案文件中有 %(n)s 道题不在作答文件里，未使用") % {"n": len(unused)}, err=True)
    line = N_("共 %(candidates)s 名考生、%(items)s 道题；%(flagged)s 道题有提示，详见 %(out)s")
    flagged = sum(bool(item["flags"]) for item in report["items"])
    values = {"candidates": report["n_candidates"], "items": report["n_items"], "flagged": flagged, "out": out}
    click.echo(line % values, err=True)
    context.exit(0)


def _add_groups(report: dict[str, Any], marked: Marked, sheet: Sheet, path: Path) -> None:
    """Put the comparison of groups and the figures by carrier into the report; say how many candidates the file does not know."""
    from web.analysis.bounds import USUAL
    from web.analysis.carriers import COLUMN, by_carrier
    from web.analysis.fairness import fairness_report
    from web.analysis.sheet import read_groups

    groups, n_unknown = read_groups(path, sheet)
    report["fairness"] = fairness_report(marked, groups)
    if COLUMN in groups:
        report["by_carrier"] = by_carrier(marked, groups[COLUMN], USUAL)
    if n_unknown:
        click.echo(N_("提醒：分组文件中没有 %(n)s 名考生，他们不参加分组比较") % {"n": n_unknown}, err=True)


@click.command("score")
@click.argument("items", metavar="ITEMS", type=READABLE)
@click.option("--responses", metavar="FILE", type=READABLE, required=True, help=N_("作答文件：首列考生，其余每题一列"))
@click.option("--out", metavar="FILE", type=WRITABLE, required=True, help=N_("写出的 JSON 成绩"))
def score(items: Path, responses: Path, out: Path) -> None:
    """按题目文件给作答评分，不需要数据库。"""
    from web.analysis.scoring import read_item_file, score_sheet
    from web.analysis.sheet import read_sheet

    file = read_item_file(items)
    sheet = read_sheet(responses)
    result = score_sheet(sheet, file.items)
    write_json(out, result)
    if file.n_skipped:
        click.echo(N_("提醒：题目文件中有 %(n)s 条记录无法识别，未用于评分") % {"n": file.n_skipped}, err=True)
    waiting = sum(one["n_needs_marking"] for one in result["totals"])
    line = N_("共评 %(candidates)s 名考生、%(items)s 道题；%(waiting)s 份作答需人工评分")
    click.echo(line % {"candidates": len(sheet.candidates), "items": len(sheet.items), "waiting": waiting}, err=True)


def write_json(path: Path, body: Any) -> None:
    """Write JSON in UTF-8, the whole file or nothing."""
    write_file(path, json.dumps(body, ensure_ascii=False, indent=1, allow_nan=False).encode() + b"\n")


def write_file(path: Path, data: bytes) -> None:
    """Write the whole file or nothing."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        message = N_("无法写出 %(file)s：%(reason)s")
        raise DependencyError(message, file=str(path), reason=error.strerror or str(error)) from error


commands = [analyse, score]

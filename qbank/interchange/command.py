"""The command ``kaoku convert``: item files from one format to another, without a database."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from kernel.i18n import N_
from qbank.interchange.columns import ColumnMapping
from qbank.interchange.convert import (
    FORMATS,
    media_by_digest,
    readable_formats,
    to_report,
    writable_formats,
    write_items,
)
from qbank.interchange.guard import LIMITS
from qbank.interchange.limited import read_limited
from qbank.interchange.model import ConversionReport, Notice

NAMES = tuple(FORMATS)
READABLE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
WRITABLE = click.Path(dir_okay=False, path_type=Path)


@click.command("convert")
@click.argument("source", metavar="IN", type=READABLE)
@click.option("--to", "target", metavar="FORMAT", type=click.Choice(NAMES), required=True, help=N_("写出的格式"))
@click.option("--out", metavar="FILE", type=WRITABLE, required=True, help=N_("写出的文件"))
@click.option("--from", "given", metavar="FORMAT", type=click.Choice(NAMES), help=N_("读入的格式；不写则按内容识别"))
@click.option("--mapping", metavar="FILE", type=READABLE, help=N_("列映射（JSON），用于没有表头的表格"))
@click.option("--report", metavar="FILE", type=WRITABLE, help=N_("把逐题报告写到这个 JSON 文件"))
@click.pass_context
def convert(context: click.Context, /, source: Path, target: str, out: Path, **options: Any) -> None:
    """把题目文件从一种格式转换为另一种，不需要数据库。"""
    columns = _read_mapping(options["mapping"]) if options["mapping"] else None
    result = _read(source, target, options["given"], columns)
    incomplete = bool(result.error or result.skipped)
    if not result.error:
        data, losses = write_items([one.item for one in result.items], target, media_by_digest(result))
        result.losses += losses
        incomplete = incomplete or any(loss.code == "item" for loss in losses)
        _write(out, _alone(data, target, out))
    if options["report"]:
        _write(options["report"], json.dumps(to_report([result]), ensure_ascii=False, indent=1).encode() + b"\n")
    click.echo(summary(result), err=True)
    context.exit(1 if incomplete else 0)


def _alone(data: bytes, target: str, out: Path) -> bytes:
    """Return the one item file of a QTI package where an XML file is asked for and one item without pictures is all."""
    if not target.startswith("qti") or out.suffix.casefold() != ".xml":
        return data
    from qbank.interchange.qti.package_writer import only_item_file

    return only_item_file(data) or data


def summary(result: ConversionReport) -> str:
    """Return one line for the terminal: what was found, converted and left out."""
    if result.error:
        return N_("无法转换：%(message)s") % {"message": result.error.message}
    line = N_("共 %(found)s 题，转换 %(converted)s 题，未转换 %(skipped)s 题，损失 %(losses)s 处，提醒 %(warnings)s 处")
    numbers: dict[str, Any] = {"found": result.found, "converted": len(result.items), "skipped": len(result.skipped)}
    return line % (numbers | {"losses": len(result.losses), "warnings": len(result.warnings)})


def _read(source: Path, target: str, given: str | None, columns: ColumnMapping | None) -> ConversionReport:
    for name, known in ((target, writable_formats()), (given, readable_formats())):
        if name and name not in known:
            message = N_("当前版本还不支持格式 %(format)s") % {"format": name}
            return ConversionReport(source.name, given or "", error=Notice("file", "unsupported_format", message))
    if source.stat().st_size > LIMITS.file_bytes:
        message = N_("文件超过 20 MB，请拆分后分批导入")
        return ConversionReport(source.name, given or "", error=Notice("file", "file_too_large", message))
    return read_limited(source.read_bytes(), source.name, given, columns)


def _read_mapping(path: Path) -> ColumnMapping:
    try:
        return ColumnMapping.from_json(json.loads(path.read_text("utf-8-sig")))
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(N_("列映射无法读取：%(error)s") % {"error": error}, param_hint="--mapping") from error


def _write(path: Path, data: bytes) -> None:
    """Write the whole file or nothing."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise click.FileError(str(path), error.strerror or "") from error

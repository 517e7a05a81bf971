"""The report of a standard-setting panel as PDF, Excel and CSV: raters by number, names only as a list."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from blueprints.rules.packages import score_text
from blueprints.rules.panels import METHOD_LABELS
from blueprints.services.panel_reports import PanelView
from item_templates import registry
from kernel.clock import day_of
from kernel.spreadsheets import Cell, TableSheet, write_table
from kernel.typesetting import render_pdf

_TEMPLATE = Path(__file__).with_name("panel_report.typ")
ITEM_HEAD = (
    "题号",
    "试题",
    "鉴定点",
    "题型",
    "分值",
    "均值",
    "中位数",
    "标准差",
    "最低",
    "最高",
    "实际得分率",
    "作答人数",
)
RATER_HEAD = ("编号", "合格线", "严宽", "与均值的距离", "与其他专家一致", "与实际难度一致")
ROUND_HEAD = (
    "轮次",
    "人数",
    "合格线",
    "占满分",
    "标准误",
    "专家间标准差",
    "一致性（单个）",
    "一致性（均值）",
    "评定摘要",
)


def statement(fixed: str) -> str:
    """Return what the conclusion is for; `fixed` is the pass mark of the regulation in percent, empty where there is none."""
    if not fixed:
        return "本结论供机构决定合格线时采用。"
    return f"规定的合格分是 {fixed} 分（百分制）。本结论只作各套试卷难度一致的证据，不改变合格分。"


def item_rows(view: PanelView) -> list[tuple[Cell, ...]]:
    """Return the items of the last closed round, as far as the method judges items."""
    by_place = {one["place"]: one for one in view.result.get("items", [])}
    return [
        (
            item.number, item.item_code if view.shows_codes else "", item.point, registry.get(item.type).label,
            float(item.score),
            *(by_place[item.place][name] for name in ("mean", "median", "spread", "low", "high")),
            item.proportion_correct, item.n_observed,
        )
        for item in view.items
        if item.place in by_place
    ]  # fmt: skip


def rater_rows(view: PanelView) -> list[tuple[Cell, ...]]:
    """Return the raters of the last closed round by number."""
    names = ("number", "cut", "severity", "distance", "agreement", "realism")
    return [tuple(one.get(name) for name in names) for one in view.result.get("raters", [])]


def round_rows(view: PanelView) -> list[tuple[Cell, ...]]:
    """Return the closed rounds."""
    return [
        (
            row.round.number, *(row.outcome.result.get(name) for name in ("n_raters", "cut", "percent", "se", "spread")),
            *((row.outcome.result.get("agreement") or {}).get(name) for name in ("one", "panel")),
            row.outcome.judgements_digest,
        )
        for row in view.rounds
        if row.outcome is not None
    ]  # fmt: skip


def facts(view: PanelView) -> list[tuple[str, str]]:
    """Return what stands at the head of a report: name and value."""
    panel = view.panel
    cut = view.result.get("cut")
    recommended = "" if panel.recommended is None else f"{score_text(panel.recommended)} 分（取整：{panel.rounding}）"
    return [
        ("机构", view.organisation),
        ("职业等级", f"{panel.occupation_name} {panel.level_name}"),
        ("试卷", panel.form_title),
        ("评定方法", METHOD_LABELS[panel.method]),
        ("满分", f"{score_text(panel.total_score)} 分，{len(view.items)} 题"),
        ("评定专家", "、".join(sorted(one.name for one in view.members if one.left_at is None))),
        ("合格线", "" if cut is None else f"{cut:.2f} 分，标准误 {_figure(view.result.get('se'))} 分"),
        ("专家组的结论", recommended),
        ("提出", view.name(panel.proposed_by)),
        ("复核", f"{view.name(panel.concluded_by)} {_day(panel.concluded_at)}".strip()),
    ]


def _figure(value: Any) -> str:
    return "—" if value is None else f"{float(value):.2f}"


def _day(moment: datetime | None) -> str:
    return day_of(moment).isoformat() if moment else ""


def report_pdf(view: PanelView, fixed: str) -> bytes:
    """Return the report as PDF."""
    data = {
        "title": f"合格线设定报告 {view.panel.name}", "facts": facts(view), "statement": statement(fixed),
        "borderline": view.panel.borderline, "conclusion": view.panel.conclusion,
        "rounds": _texts(ROUND_HEAD[:-1], [row[:-1] for row in round_rows(view)]),
        "digest": [f"第 {row[0]} 轮 {row[-1]}" for row in round_rows(view)],
        "raters": _texts(RATER_HEAD, rater_rows(view)), "items": _texts(ITEM_HEAD[:3] + ITEM_HEAD[4:], [row[:3] + row[4:] for row in item_rows(view)]),
        "impact": _impact(view.result), "compromise": _compromise(view.result),
    }  # fmt: skip
    return render_pdf(_TEMPLATE, data)


def _texts(head: tuple[str, ...], rows: list[tuple[Cell, ...]]) -> dict[str, Any]:
    return {"head": head, "rows": [[_cell(value) for value in row] for row in rows]}


def _cell(value: Cell) -> str:
    if value is None:
        return "—"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _impact(result: Mapping[str, Any]) -> list[str]:
    found = result.get("impact")
    if not found:
        return []
    return [f"共 {found['n']} 名考生，平均 {found['mean']:.2f} 分。"] + [
        f"合格线 {one['cut']:.2f} 分时，{one['share']:.1%} 的考生达到。" for one in found["shares"]
    ]


def _compromise(result: Mapping[str, Any]) -> list[str]:
    found = result.get("compromise")
    if not found:
        return []
    return [f"Beuk 法的合格线：{_figure(found['beuk'])}", f"Hofstee 法的合格线：{_figure(found['hofstee'])}"]


def report_xlsx(view: PanelView, fixed: str) -> bytes:
    """Return the report as a workbook: facts, rounds, raters, items."""
    lines: list[tuple[Cell, ...]] = [*facts(view), ("说明", statement(fixed)), ("最低合格者", view.panel.borderline)]
    lines += [("结论及其依据", view.panel.conclusion)]
    lines += [("影响", line) for line in _impact(view.result)] + [
        ("整体判断", line) for line in _compromise(view.result)
    ]
    sheets = [TableSheet("概况", ("项目", "内容"), lines, title=f"合格线设定报告 {view.panel.name}", widths=(18, 80))]
    for name, head, rows in (
        ("轮次", ROUND_HEAD, round_rows(view)), ("专家", RATER_HEAD, rater_rows(view)), ("各题", ITEM_HEAD, item_rows(view))
    ):  # fmt: skip
        sheets.append(TableSheet(name, head, rows))
    return write_table(sheets)


def report_csv(view: PanelView, fixed: str) -> bytes:  # noqa: ARG001 - all makers take the same
    """Return the items of the last round as CSV for other programs; a byte order mark lets Excel know UTF-8."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(ITEM_HEAD)
    writer.writerows(["" if value is None else value for value in row] for row in item_rows(view))
    return out.getvalue().encode("utf-8-sig")


MAKERS: Mapping[str, Callable[[PanelView, str], bytes]] = {
    "pdf": report_pdf, "xlsx": report_xlsx, "csv": report_csv,
}  # fmt: skip

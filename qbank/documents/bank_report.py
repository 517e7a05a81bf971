"""The report on a bank as PDF and Excel."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernel.spreadsheets import TableSheet, write_table
from kernel.typesetting import render_pdf
from qbank.rules.bank_report import AGE_BOUNDS, BankReport

_TEMPLATES = Path(__file__).parent
STATUS_NAMES = {"draft": "草稿", "in_review": "审核中", "approved": "已入库", "retired": "已停用"}
DIFFICULTY_NAMES = {"0": "未定", "1": "易", "2": "较易", "3": "中等", "4": "较难", "5": "难"}
LONGEST_LIST = 300


@dataclass(frozen=True, slots=True)
class ReportHead:
    """Whose bank it is, and what stands around the figures; texts are final."""

    organisation: str
    occupation: str
    level: str
    edition: str
    day: dt.date
    approval: str
    digest: str
    type_names: Mapping[str, str]
    capacity_text: str = ""
    capacity: Sequence[str] = ()


def figures(report: BankReport) -> list[tuple[str, str]]:
    """Return the figures of the first table: name and value."""
    return [
        ("鉴定点", str(report.n_points)),
        ("有题的鉴定点", f"{report.n_covered}（{report.covered_percent}%）"),
        (f"达到 {report.wanted_per_point} 题的鉴定点", f"{report.n_enough}（{report.enough_percent}%）"),
        ("可用试题", str(report.n_in_use)),
        ("经审核的试题", f"{report.n_reviewed}（{report.reviewed_percent}%）"),
        (f"超过 {report.old_after_years} 年未修订", str(report.n_old)),
        ("内容相同的试题", f"{len(report.duplicate_groups)} 组"),
        ("待处理的近似试题", f"{report.n_near_pairs} 对"),
        ("有统计数据的试题", str(report.n_with_statistics)),
        ("从未使用的试题", str(report.n_never_used)),
        ("暂停使用的试题", str(report.n_quarantined)),
        ("全部试题（含草稿）", str(report.n_items)),
    ]


def report_pdf(report: BankReport, head: ReportHead, *, created_at: dt.datetime | None = None) -> bytes:
    """Return the report as PDF."""
    thin = [point for point in report.points if point.n_missing]
    data: dict[str, Any] = {
        "title": f"题库评估报告 {head.occupation} {head.level}",
        "organisation": head.organisation, "occupation": head.occupation, "level": head.level,
        "edition": head.edition, "day": head.day.isoformat(), "figures": figures(report),
        "scopes": [
            {"code": s.code, "name": s.name, "weight": s.weight_percent, "n_points": s.n_points,
             "n_covered": s.n_covered, "n_thin": s.n_thin, "n_items": s.n_items}
            for s in report.scopes
        ],
        "types": [(head.type_names.get(name, name), str(n)) for name, n in report.by_type.items()] or [("题型", "0")],
        "difficulties": [(label, str(report.by_difficulty.get(key, 0))) for key, label in DIFFICULTY_NAMES.items()],
        "capacity_text": head.capacity_text, "capacity": list(head.capacity),
        "thin": [
            {"code": p.code, "name": p.name, "importance": p.importance, "n_items": p.n_items, "wanted": p.wanted}
            for p in thin[:LONGEST_LIST]
        ],
        "duplicates": ["、".join(group) for group in report.duplicate_groups[:LONGEST_LIST]],
        "approval": head.approval, "digest": head.digest,
    }  # fmt: skip
    return render_pdf(_TEMPLATES / "bank_report.typ", data, created_at=created_at)


def report_xlsx(report: BankReport, head: ReportHead) -> bytes:
    """Return the report as a workbook: figures, ranges, points, duplicates."""
    types = list(report.by_type)
    names = [head.type_names.get(name, name) for name in types]
    title = f"{head.occupation} {head.level}（{head.edition}）题库评估"
    sheets = [
        TableSheet("总体情况", ["项目", "数值"], [*figures(report), *_more(report, head)], title),
        TableSheet(
            "鉴定范围",
            ["代码", "鉴定范围", "比重", "鉴定点", "有题", "不足", "试题", *names],
            [
                (s.code, s.name, s.weight_percent, s.n_points, s.n_covered, s.n_thin, s.n_items, *tuple(s.by_type.get(name, 0) for name in types))
                for s in report.scopes
            ],
            title,
        ),
        TableSheet(
            "鉴定点",
            ["代码", "鉴定点", "重要程度", "范围", "试题", "应有", "缺", *names, *_difficulty_names()],
            [
                (p.code, p.name, p.importance, p.scope, p.n_items, p.wanted, p.n_missing, *tuple(p.by_type.get(name, 0) for name in types), *tuple(p.by_difficulty.get(int(key), 0) for key in DIFFICULTY_NAMES))
                for p in report.points
            ],
            title,
        ),
        TableSheet("内容相同", ["组", "试题"], [[n, "、".join(g)] for n, g in enumerate(report.duplicate_groups, 1)], title),
    ]  # fmt: skip
    return write_table(sheets)


def _difficulty_names() -> list[str]:
    return [f"难度 {label}" for label in DIFFICULTY_NAMES.values()]


def _more(report: BankReport, head: ReportHead) -> list[tuple[str, str]]:
    """Return the rows that the PDF shows in tables of their own."""
    rows = [(f"状态：{STATUS_NAMES.get(key, key)}", str(n)) for key, n in report.by_status.items()]
    rows += [(f"题型：{head.type_names.get(key, key)}", str(n)) for key, n in report.by_type.items()]
    rows += [(f"难度：{label}", str(report.by_difficulty.get(key, 0))) for key, label in DIFFICULTY_NAMES.items()]
    bounds = [*(f"{bound} 年以内" for bound in AGE_BOUNDS), f"{AGE_BOUNDS[-1]} 年以上"]
    rows += [(f"入库时间：{label}", str(n)) for label, n in zip(bounds, report.by_age, strict=True)]
    rows += [("承载力", head.capacity_text), *(("承载力依据", line) for line in head.capacity)]
    return [*rows, ("启用状态", head.approval), ("报告摘要", head.digest)]

"""The list of banks (题库或卷库目录清单) that goes with a filing, as PDF and Excel."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kernel.spreadsheets import TableSheet, write_table
from kernel.typesetting import render_pdf

_TEMPLATE = Path(__file__).with_name("bank_list.typ")
TITLE = "职业（工种）题库或卷库目录清单"
HEADER = (
    "序号", "职业编码", "职业（工种）", "等级", "依据的标准或规范", "标准版本", "鉴定点", "试题数", "题型及题量", "启用状态",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BankLine:
    """The bank of one level; texts are final."""

    number: int
    occupation_code: str
    occupation: str
    level: str
    standard: str
    edition: str
    n_points: int
    n_items: int
    types: str
    state: str


def list_pdf(rows: Sequence[BankLine], *, organisation: str, day: dt.date) -> bytes:
    """Return the list as PDF, on landscape A4."""
    data = {"organisation": organisation, "day": day.isoformat(), "rows": [dataclasses.asdict(row) for row in rows]}
    return render_pdf(_TEMPLATE, data)


def list_xlsx(rows: Sequence[BankLine], *, organisation: str) -> bytes:
    """Return the list as a workbook."""
    table = [list(dataclasses.astuple(row)) for row in rows]
    return write_table([TableSheet("题库目录清单", list(HEADER), table, f"{organisation}{TITLE}")])

"""How long a large Excel file takes to its report, beside the bare reading of the same cells; run it alone on the machine.

    .venv/bin/python benchmarks/interchange.py [ROWS]

Every figure is the best of three runs; processor time tells more than the clock on a machine that others use. The first line is the floor: python-calamine giving all cells as Python values.
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import xlsxwriter
from python_calamine import CalamineWorkbook

from qbank.interchange.convert import read_items, write_items
from qbank.interchange.limited import read_limited
from qbank.services import import_runs, imports

HEAD = ["题型", "题目", "A", "B", "C", "D", "答案", "解析", "难度", "鉴定点"]
RUNS = 3


def workbook(n_rows: int) -> bytes:
    """Return a workbook of choice and judgement items as people fill them in."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_numbers": False})
    sheet = book.add_worksheet("题库")
    sheet.write_row(0, 0, HEAD)
    for n in range(1, n_rows + 1):
        if n % 4:
            stem = f"{n}. 某三相异步电动机额定功率为 {n % 90 + 1} kW，起动时应采用的方法是（　）。"
            row = [
                "单选题",
                stem,
                f"直接起动{n}",
                "星三角降压起动",
                "自耦变压器起动",
                "变频起动",
                "ABCD"[n % 4],
                "按容量选择。",
            ]
        else:
            row = [
                "判断题",
                f"{n}. 第 {n} 号线路停电检修前必须验电、挂接地线。",
                "",
                "",
                "",
                "",
                "√×"[n % 2],
                "安全规程。",
            ]
        sheet.write_row(n, 0, [*row, str(n % 5 + 1), "A-A-A-001"])
    book.close()
    return buffer.getvalue()


def processor_seconds() -> float:
    """Return the processor time of this process and of those that it has waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def best(run: Callable[[], Any]) -> tuple[tuple[float, float], Any]:
    """Return the shortest times of several runs, on the clock and of the processor, and the last result."""
    clock, processor, result = [], [], None
    for _ in range(RUNS):
        start, used = time.perf_counter(), processor_seconds()
        result = run()
        clock.append(time.perf_counter() - start)
        processor.append(processor_seconds() - used)
    return (min(clock), min(processor)), result


def raw(data: bytes) -> int:
    """Read every cell of every sheet and nothing more."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    return sum(len(book.get_sheet_by_name(name).to_python()) for name in book.sheet_names)


def main() -> None:
    """Print the table."""
    n_rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    data = workbook(n_rows)
    floor, _ = best(lambda: raw(data))
    told: list[int] = []
    whole, report = best(lambda: read_items(data, "a.xlsx"))
    apart, _ = best(lambda: read_limited(data, "a.xlsx", told=lambda n, _all: told.append(n)))
    prepared, _ = best(lambda: imports.prepare(report))
    preview, _ = best(lambda: import_runs.build_preview(report))
    writing, _ = best(lambda: write_items([one.item for one in report.items], "xlsx"))
    assert (report.found, len(report.items), len(report.skipped)) == (n_rows, n_rows, 0)
    print(f"{n_rows} rows, {len(data) / 1e6:.2f} MB; {len(told)} figures of progress in {RUNS} readings")
    print(f"{'':34} {'clock':>8} {'processor':>10} {'rows a second of processor':>27} {'against cells alone':>20}")
    for words, (seconds, used) in (
        ("cells alone (python-calamine)", floor),
        ("report in this process", whole),
        ("report from the bounded process", apart),
        ("items as the bank keeps them", prepared),
        ("preview of the browser", preview),
        ("written to Excel again", writing),
    ):
        print(f"{words:34} {seconds:6.2f} s {used:8.2f} s {n_rows / used:27,.0f} {used / floor[1]:18.1f} ×")


if __name__ == "__main__":
    main()

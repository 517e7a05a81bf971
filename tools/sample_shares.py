"""Print, file by file, how many items of a folder of real banks are imported, against the counts in its expected.csv.

The last lines give three shares: of all that expected.csv counts; without the records that the rules of import forbid (a
letter key whose options are missing); and without those and the records that are not in the files.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

from qbank.interchange.columns import ColumnMapping
from qbank.interchange.convert import read_items

FORBIDDEN = "no_options"
READ = {".xlsx", ".xls", ".json", ".csv", ".docx", ".txt"}


def expected_counts(folder: Path) -> dict[str, int]:
    """Return the expected number of items by set and file."""
    counts: dict[str, int] = defaultdict(int)
    with (folder / "expected.csv").open(encoding="utf-8-sig") as stream:
        for row in csv.DictReader(stream):
            counts[f"{row['set']}/{row['file']}"] += int(row["items"].lstrip("~") or 0)
    return counts


def main() -> None:
    """Print the table; a second argument is a JSON file with column mappings by file."""
    folder = Path(sys.argv[1])
    mappings = json.loads(Path(sys.argv[2]).read_text("utf-8")) if len(sys.argv) > 2 else {}
    expected = expected_counts(folder)
    print(f"{'file':58} {'expected':>8} {'found':>6} {'items':>6} {'share':>7} {'sec':>5}  types / skipped / warnings")
    total = [0, 0]
    n_forbidden, n_absent = 0, 0
    for name, wanted in sorted(expected.items()):
        path = folder / name
        if path.suffix not in READ or not wanted:
            continue
        mapping = ColumnMapping.from_json(mappings[name]) if name in mappings else None
        start = time.perf_counter()
        report = read_items(path.read_bytes(), path.name, mapping=mapping)
        seconds = time.perf_counter() - start
        types = Counter(one.item.content.type for one in report.items)
        skips, warnings = Counter(n.code for n in report.skipped), Counter(n.code for n in report.warnings)
        share = len(report.items) / wanted
        total[0] += wanted
        total[1] += min(len(report.items), wanted)
        n_forbidden += skips[FORBIDDEN]
        n_absent += max(0, wanted - report.found)
        error = f" ERROR {report.error.code} {report.error.message}" if report.error else ""
        print(
            f"{name:58} {wanted:8} {report.found:6} {len(report.items):6} {share:7.1%} {seconds:5.2f}  {dict(types)} / {dict(skips)} / {dict(warnings)}{error}"
        )
    for words, left_out in (
        ("all", 0),
        (f"without {n_forbidden} letter keys that have no options", n_forbidden),
        (f"without those and {n_absent} records that the files do not hold", n_forbidden + n_absent),
    ):
        rest = total[0] - left_out
        print(f"{words}: {total[1]} of {rest} = {total[1] / rest:.2%}")


if __name__ == "__main__":
    main()

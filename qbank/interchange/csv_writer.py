"""Write items as CSV in our own layout, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from item_templates.contract import CanonicalItem
from kernel.i18n import N_
from qbank.interchange.csv_reader import guard_cell
from qbank.interchange.model import Notice
from qbank.interchange.template_rows import headers, is_grouped, item_rows, option_count


def write_csv(items: Sequence[CanonicalItem], media: Mapping[str, bytes]) -> tuple[bytes, list[Notice]]:
    """Return the file in UTF-8 with a byte order mark, and the pictures it cannot carry."""
    del media
    names = headers(option_count(items), grouped=is_grouped(items))
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, names, restval="")
    writer.writeheader()
    for item in items:
        for row in item_rows(item):
            writer.writerow({name: guard_cell(cell) for name, cell in row.items()})
    losses = [
        Notice(f"item {item.id}", "picture", N_("CSV 不能携带图片，只写出了图片的说明"))
        for item in items
        for _ in item.content.media
    ]
    return buffer.getvalue().encode("utf-8-sig"), losses

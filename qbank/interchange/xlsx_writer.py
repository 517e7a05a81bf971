"""Write items as an Excel workbook in our own layout, and the empty template for authors."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import xlsxwriter

from item_templates import registry
from item_templates.contract import CanonicalItem
from kernel.i18n import N_
from qbank.interchange import template_rows as layout
from qbank.interchange.guard import LIMITS
from qbank.interchange.model import Notice
from qbank.interchange.pictures import as_png, picture_type

HELP_LINE = N_(
    "每行一题。带 * 的列必填；选择题至少填两个选项，答案写字母（多选如 AC），判断题答案写 √ 或 ×，"
    "填空题用 ____ 标出空，各空答案以；分隔，一空有几种写法以 | 分隔。“附加信息”列请勿改动。"
)
HELP_LINES = (
    N_("一、在“试题”工作表中填写，第 1 行是提示，第 2 行是表头，从第 3 行起每行一题；请不要改动表头。"),
    N_("二、题型从下拉列表中选择；题干、选项和解析可以换行，上下标用 <sub>…</sub> 和 <sup>…</sup>，公式用 \\( … \\)。"),
    N_("三、单选题答案写一个字母，多选题写几个字母（AC 或 A;C），判断题写 √ 或 ×（对、错、正确、错误也可以）。"),
    N_("四、填空题在题干中用 ____ 标出每个空；答案按空的顺序以；分隔，一空可以有几种写法，以 | 分隔，例如：铁|Fe；2。"),
    N_("五、简答题的评分标准每行一个要点，行末写分值，例如：说明原理（2分）。各要点分值之和应等于本题分值。"),
    N_("六、组合题的材料占一行，题型写组合题并填编号；各小题各占一行写在下面，“组合题编号”都填材料那一行的编号。"),
    N_("七、难度写 1（易）到 5（难）；鉴定点写代码，几个代码以；分隔；图片插入到该题所在的行即可。"),
)
REQUIRED = {layout.TYPE, layout.STEM, layout.ANSWER}
WIDTHS = {layout.STEM: 48, layout.EXPLANATION: 32, layout.RUBRIC: 24, layout.TYPE: 12, layout.EXTRA: 10}
INSERTABLE = {"image/png", "image/jpeg", "image/gif", "image/bmp"}
OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def write_xlsx(items: Sequence[CanonicalItem], media: Mapping[str, bytes]) -> tuple[bytes, list[Notice]]:
    """Return the workbook and what it could not carry; `media` holds the pictures by digest."""
    names = layout.headers(layout.option_count(items), grouped=not items or layout.is_grouped(items))
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, OPTIONS)
    sheet = _item_sheet(book, names, len(items))
    text = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
    losses: list[Notice] = []
    position = 2
    for given in items:
        item, pictures, changed = _with_holdable_pictures(given, media)
        losses += changed
        rows = layout.item_rows(item)
        if any(len(cell) > LIMITS.cell_chars for row in rows for cell in row.values()):
            losses.append(Notice(f"item {item.id}", "item", N_("文字超过 Excel 单元格的 32767 字上限，整题未写出")))
            continue
        for place, row in enumerate(rows, position):
            for column, name in enumerate(names):
                sheet.write_string(place, column, row.get(name, ""), text)
        for index, (name, data) in enumerate(pictures):
            shown = {"image_data": io.BytesIO(data), "object_position": 1}
            sheet.insert_image(position, len(names) + index, name, shown)
        position += len(rows)
    _help_sheet(book)
    book.close()
    return buffer.getvalue(), losses


def write_template() -> bytes:
    """Return the empty workbook that authors fill in."""
    return write_xlsx([], {})[0]


def _item_sheet(book: Any, names: Sequence[str], n_items: int) -> Any:
    sheet = book.add_worksheet(layout.ITEM_SHEET)
    help_format = book.add_format({"text_wrap": True, "valign": "top", "font_color": "#555555", "bg_color": "#F5F5F5"})
    head = book.add_format({"bold": True, "bg_color": "#DDE7F3", "border": 1, "valign": "vcenter"})
    sheet.merge_range(0, 0, 0, 8, HELP_LINE, help_format)
    sheet.set_row(0, 48)
    for column, name in enumerate(names):
        sheet.write_string(1, column, f"*{name}" if name in REQUIRED else name, head)
        sheet.set_column(column, column, WIDTHS.get(name, 16 if name.startswith("选项") else 10))
    sheet.freeze_panes(2, 2)
    last = max(n_items + 1, 1001)
    kinds = [one.label for one in registry.all_types()]
    sheet.data_validation(2, 0, last, 0, {"validate": "list", "source": kinds, "error_type": "warning"})
    level = names.index(layout.DIFFICULTY)
    sheet.data_validation(2, level, last, level, {"validate": "list", "source": ["1", "2", "3", "4", "5"]})
    return sheet


def _help_sheet(book: Any) -> None:
    sheet = book.add_worksheet(layout.HELP_SHEET)
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 100)
    for row, line in enumerate(HELP_LINES):
        sheet.write_string(row, 0, line, wrap)


def _with_holdable_pictures(
    item: CanonicalItem, media: Mapping[str, bytes]
) -> tuple[CanonicalItem, list[tuple[str, bytes]], list[Notice]]:
    """Return an item with its pictures in formats that Excel shows, and what was encoded anew or cannot be written."""
    entries, pictures, losses = [], [], []
    for medium in item.content.media:
        data, entry = media.get(str(medium.get("digest")), b""), dict(medium)
        if picture_type(data) not in INSERTABLE:
            data, notice = _encoded_anew(item, str(medium.get("id")), data)
            losses.append(notice)
            if data:
                entry |= {"digest": hashlib.sha256(data).hexdigest(), "mime": "image/png"}
        if data:
            pictures.append((f"{medium.get('id')}.{picture_type(data).partition('/')[2]}", data))
        entries.append(entry)
    return replace(item, content=replace(item.content, media=tuple(entries))), pictures, losses


def _encoded_anew(item: CanonicalItem, name: str, data: bytes) -> tuple[bytes, Notice]:
    encoded = as_png(data)
    if encoded is None:
        message = N_("图片 %(name)s 不能写入 Excel，只写出了它的说明") % {"name": name}
        return b"", Notice(f"item {item.id}", "picture", message)
    message = N_("图片 %(name)s 的格式 Excel 不支持，已转为 PNG") % {"name": name}
    return encoded, Notice(f"item {item.id}", "picture_format", message)

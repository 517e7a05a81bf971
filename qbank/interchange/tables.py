"""Turn the rows of a sheet into records by a column mapping."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kernel.i18n import N_
from qbank.interchange.columns import ColumnMapping, SheetMapping, recognise_columns
from qbank.interchange.model import Notice, RawRecord, ReadResult
from qbank.interchange.options import LETTERS, split_options, strip_label
from qbank.interchange.template_rows import CELL_OF_FIELD, EXTRA, HELP_SHEET, exact_item, option_header

DESCRIBING = ("explanation", "score", "difficulty", "points", "identifier", "source", "rubric")
FIELD_KINDS = {
    "type": "type", "stem": "stem", "key": "answer", "explanation": "explanation", "score": "score",
    "difficulty": "difficulty", "points": "points", "rubric": "rubric", "source": "source", "id": "identifier",
}  # fmt: skip

SECTION = re.compile(
    r"^\s*(?:第?[一二三四五六七八九十\d]{1,3}\s*[、.．部分大题]*\s*)?"
    r"((?:单项?|多项?|不定项)?选择?题?|单选题?|多选题?|判断题?|是非题?|填空题?|简答题?|问答题?|论述题?|计算题?|名词解释)\s*(?:[（(].*)?[:：]?\s*$",
    re.DOTALL,
)
DEFAULT_SHEET = re.compile(r"^(sheet|工作表|表)\s*\d*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet as strings; `first_row` is the number a person sees beside the first of `rows`."""

    name: str
    rows: Sequence[Sequence[str]]
    first_row: int = 1
    first_column: int = 0
    pictures: Mapping[int, Sequence[tuple[int, str, bytes]]] = field(default_factory=dict)
    merged_columns: Sequence[tuple[int, int, int]] = ()
    remarks: Mapping[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Section:
    type_hint: str


def read_sheets(sheets: Sequence[Sheet], format_name: str, mapping: ColumnMapping | None = None) -> ReadResult:
    """Return the records of all sheets; a sheet that holds no items is named in the warnings."""
    result = ReadResult(format=format_name)
    for sheet in sheets:
        if any(any(cell.strip() for cell in row) for row in sheet.rows):
            _read_sheet(sheet, mapping.for_sheet(sheet.name) if mapping else None, result)
    return result


def sheet_mapping(sheet: Sheet) -> SheetMapping | None:
    """Return the recognised mapping of a sheet, columns counted from the sheet's column A."""
    found = recognise_columns(sheet.rows)
    if not found or not sheet.first_column:
        return found
    shift = sheet.first_column
    return SheetMapping(
        fields={name: column + shift for name, column in found.fields.items()},
        options=tuple(column + shift for column in found.options),
        metadata={name: column + shift for name, column in found.metadata.items()},
        header_row=found.header_row,
    )


def _read_sheet(sheet: Sheet, given: SheetMapping | None, result: ReadResult) -> None:
    mapping = given or sheet_mapping(sheet)
    if mapping is None:
        _report_unknown(sheet, result)
    elif not mapping.ignore:
        if given is None and mapping.header_row is None:
            result.warnings.append(_inferred(sheet, mapping))
        _read_rows(sheet, mapping, result)


def _inferred(sheet: Sheet, mapping: SheetMapping) -> Notice:
    """Return the notice that nobody named the columns, and what is missing to know the keys."""
    message = N_("没有表头，按内容推断：%(columns)s，请核对") % {"columns": "，".join(mapping.describe())}
    if "answer" not in mapping.fields:
        message += N_("；没有答案列，若第一个选项总是答案，请在列映射中选择这一规则")
    return Notice(_sheet_words(sheet), "columns_inferred", message)


def _report_unknown(sheet: Sheet, result: ReadResult) -> None:
    filled = [(index, row) for index, row in enumerate(sheet.rows) if sum(bool(cell.strip()) for cell in row) >= 2]
    if not filled or len(filled) * 2 < sum(any(cell.strip() for cell in row) for row in sheet.rows):
        message = N_("工作表没有题目表头，按说明页忽略")
        if sheet.name == HELP_SHEET:
            return
        result.warnings.append(Notice(_sheet_words(sheet), "sheet_ignored", message))
        return
    message = N_("找不到表头，无法确定各列含义；请在列映射中指定题干、选项和答案所在的列")
    for index, row in filled:
        excerpt = next(cell for cell in row if cell.strip())[:80]
        result.skipped.append(Notice(_locator(sheet, index), "columns_unknown", message, excerpt))


def _read_rows(sheet: Sheet, mapping: SheetMapping, result: ReadResult) -> None:
    start = 0 if mapping.header_row is None else mapping.header_row + 1
    header = list(sheet.rows[mapping.header_row]) if mapping.header_row is not None else None
    hint = "" if DEFAULT_SHEET.match(sheet.name.strip()) else sheet.name
    section = _Section(mapping.type_hint or hint)
    filled = _merged_values(sheet, mapping)
    for index in range(start, len(sheet.rows)):
        row = list(sheet.rows[index])
        if row == header or not any(cell.strip() for cell in row):
            continue
        for column, value in filled.get(index, {}).items():
            row[column] = row[column] or value
        _read_row(_Row(sheet, mapping, index, row), section, result)


def _merged_values(sheet: Sheet, mapping: SheetMapping) -> dict[int, dict[int, str]]:
    """Return the values that vertically merged cells of describing columns lend to the rows below."""
    describing = {
        mapping.fields.get("type"),
        mapping.fields.get("points"),
        mapping.fields.get("group"),
        *mapping.metadata.values(),
    }
    values: dict[int, dict[int, str]] = {}
    for column, first, last in sheet.merged_columns:
        if column + sheet.first_column in describing and first < len(sheet.rows):
            for index in range(first + 1, min(last + 1, len(sheet.rows))):
                values.setdefault(index, {})[column] = sheet.rows[first][column]
    return values


@dataclass(frozen=True, slots=True)
class _Row:
    sheet: Sheet
    mapping: SheetMapping
    index: int
    cells: Sequence[str]

    def at(self, column: int | None) -> str:
        return self.raw(column).strip(" \t\r\n\u3000\xa0")

    def raw(self, column: int | None) -> str:
        place = -1 if column is None else column - self.sheet.first_column
        return self.cells[place] if 0 <= place < len(self.cells) else ""

    def field(self, name: str) -> str:
        return self.at(self.mapping.fields.get(name))

    @property
    def locator(self) -> str:
        return _locator(self.sheet, self.index)


def _read_row(row: _Row, section: _Section, result: ReadResult) -> None:
    stem, answer = row.field("stem"), row.field("answer")
    cells = [row.at(column) for column in row.mapping.options]
    joined = row.field("options")
    pictures = list(row.sheet.pictures.get(row.index + row.sheet.first_row, ()))
    if not (answer or joined or any(cells) or pictures):
        heading = SECTION.match(stem) if stem else None
        if heading:
            section.type_hint = heading[1]
        if heading or not stem:
            return
    record = RawRecord(
        locator=row.locator,
        stem=stem,
        type_hint=row.field("type") or section.type_hint,
        answer=answer if "answer" in row.mapping.fields else None,
        media=[(name, data) for _, name, data in pictures],
    )
    for name in DESCRIBING:
        setattr(record, name, row.field(name))
    record.group = row.field("group")
    record.metadata = {name: row.at(column) for name, column in row.mapping.metadata.items() if row.at(column)}
    if EXTRA in row.mapping.metadata and _take_exact(record, row):
        result.records.append(record)
    elif _take_options(record, cells, joined, result):
        _apply_key_rule(record, row.mapping)
        _place_pictures(record, row.mapping, pictures)
        result.records.append(record)
        if row.index in row.sheet.remarks:
            result.warnings.append(Notice(record.locator, "date_cell", row.sheet.remarks[row.index], record.stem[:80]))


def _place_pictures(record: RawRecord, mapping: SheetMapping, pictures: Sequence[tuple[int, str, bytes]]) -> None:
    """Put a picture that stands in an option's cell into that option, any other behind the stem."""
    for column, name, _ in pictures:
        image = f'<img src="media:{name}">'
        label = LETTERS[mapping.options.index(column)] if column in mapping.options else ""
        if not label:
            record.stem += f"\n{image}"
        elif label in dict(record.options):
            record.options = [(one, f"{text}<br>{image}" if one == label else text) for one, text in record.options]
        else:
            record.options = sorted([*record.options, (label, image)])


def _take_exact(record: RawRecord, row: _Row) -> bool:
    """Take the item of a row in our own layout exactly as it was written; False when the row must be read freely."""
    record.metadata.pop(EXTRA, None)
    names = {EXTRA: row.mapping.metadata[EXTRA]}
    names |= {
        CELL_OF_FIELD[field]: row.mapping.fields[kind]
        for field, kind in FIELD_KINDS.items()
        if kind in row.mapping.fields
    }
    names |= {option_header(index): column for index, column in enumerate(row.mapping.options)}
    item = exact_item({name: row.raw(column) for name, column in names.items()})
    if item is None:
        return False
    by_digest = {hashlib.sha256(data).hexdigest(): data for _, data in record.media}
    record.media = [
        (str(one["id"]), by_digest[one["digest"]]) for one in item.content.media if one.get("digest") in by_digest
    ]
    record.item = item
    return True


def _take_options(record: RawRecord, cells: list[str], joined: str, result: ReadResult) -> bool:
    """Put the options into the record; False when they cannot be told apart and the row was listed as skipped."""
    record.options = [(LETTERS[i], strip_label(LETTERS[i], cell)) for i, cell in enumerate(cells) if cell]
    if record.options or not joined:
        return True
    split = split_options(joined)
    if not split.certain:
        message = N_("选项的分隔不明确，无法可靠地拆开，请在原文件中改正后再导入")
        result.skipped.append(
            Notice(record.locator, "ambiguous_options", message, f"{record.stem[:40]} … {joined[:60]}")
        )
        return False
    record.options = split.options
    if split.repaired:
        message = N_("选项文字中夹有分隔符，已去除，请核对")
        result.warnings.append(Notice(record.locator, "separator_removed", message, joined[:80]))
    if not split.options:
        record.metadata["选项"] = joined
    return True


def _apply_key_rule(record: RawRecord, mapping: SheetMapping) -> None:
    if mapping.key_rule == "first_option" and record.options:
        record.answer = record.options[0][0]
    if record.answer in mapping.true_words:
        record.answer = "√"
    elif record.answer in mapping.false_words:
        record.answer = "×"


def _sheet_words(sheet: Sheet) -> str:
    return f"sheet {sheet.name}" if sheet.name else "file"


def _locator(sheet: Sheet, index: int) -> str:
    row = f"row {index + sheet.first_row}"
    return f"sheet {sheet.name} {row}" if sheet.name else row

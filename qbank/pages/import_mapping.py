"""What the columns of a table mean, as a form shows it and as it comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from kernel.errors import InvalidInputError
from kernel.i18n import N_
from qbank.interchange.columns import FIELD_WORDS, KEY_RULES, ColumnMapping, SheetMapping, column_letters
from qbank.interchange.options import LETTERS
from qbank.interchange.tables import Sheet, sheet_mapping
from qbank.interchange.template_rows import HELP_SHEET
from qbank.models.items import ImportRun
from qbank.pages.item_wording import Options, int_or_none, type_options

N_OPTIONS = 10
N_SAMPLES = 3
SAMPLE_CHARS = 40
METADATA = "metadata"
ZERO_IS_TRUE = "zero"
"""Judgements are written 0 for right and 1 for wrong, against the usual way."""


@dataclass(frozen=True, slots=True)
class ColumnView:
    """One column of a sheet: its letter, its head, a few values, and what it means."""

    number: int
    letter: str
    header: str
    samples: list[str]
    meaning: str


@dataclass(frozen=True, slots=True)
class SheetView:
    """One sheet with what is made of it."""

    number: int
    name: str
    words: list[str]
    header_row: int | None
    columns: list[ColumnView]
    is_ignored: bool
    n_rows: int
    type_hint: str = ""
    key_rule: str = ""
    digits: str = ""

    @property
    def is_known(self) -> bool:
        """Say whether the meaning of the columns is known."""
        return bool(self.words)


def meanings() -> Options:
    """Return what a column may mean, for a choice."""
    options = [(f"option:{place}", _("选项 %(letter)s", letter=LETTERS[place])) for place in range(N_OPTIONS)]
    fields = [(kind, _(words)) for kind, words in FIELD_WORDS.items()]
    return [("", _("不导入")), *fields, *options, (METADATA, _("附加信息"))]


def key_rules() -> Options:
    """Return where the key of a row stands, for a choice."""
    return [("", _("按答案列")), ("first_option", _("没有答案列，第一个选项就是答案"))]


def digit_meanings() -> Options:
    """Return what 1 and 0 mean as keys of judgements, for a choice."""
    return [("", _("1 = 正确，0 = 错误")), (ZERO_IS_TRUE, _("0 = 正确，1 = 错误"))]


def sheet_types() -> Options:
    """Return the type that all items of a sheet have, for a choice."""
    return [("", _("按题型列、表名或内容"))] + [(label, label) for _name, label in type_options()]


def sheet_views(run: ImportRun, sheets: Sequence[Sheet]) -> list[SheetView]:
    """Return the sheets of a run's file under its mapping, recognised where nobody chose."""
    given = ColumnMapping.from_json(run.mapping) if run.mapping else None
    filled = [sheet for sheet in sheets if sheet.name != HELP_SHEET and _has_text(sheet)]
    mappings = [(given.for_sheet(sheet.name) if given else None) or sheet_mapping(sheet) for sheet in filled]
    is_any_known = any(mapping is not None for mapping in mappings)
    return [
        _sheet_view(number, sheet, mapping, is_other_known=is_any_known)
        for number, (sheet, mapping) in enumerate(zip(filled, mappings, strict=True))
    ]


def _has_text(sheet: Sheet) -> bool:
    return any(any(cell.strip() for cell in row) for row in sheet.rows)


def _sheet_view(number: int, sheet: Sheet, mapping: SheetMapping | None, *, is_other_known: bool) -> SheetView:
    """A sheet of which nothing is known beside sheets that are known is taken for instructions."""
    header_row = mapping.header_row if mapping else None
    width = max(map(len, sheet.rows), default=0)
    meaning_of = _meaning_by_column(mapping)
    columns = [_column_view(sheet, place, header_row, meaning_of) for place in range(width)]
    return SheetView(
        number=number,
        name=sheet.name,
        words=mapping.describe() if mapping else [],
        header_row=None if header_row is None else header_row + sheet.first_row,
        columns=[one for one in columns if one.header or one.samples],
        is_ignored=mapping.ignore if mapping else is_other_known,
        n_rows=len(sheet.rows),
        type_hint=mapping.type_hint if mapping else "",
        key_rule=mapping.key_rule if mapping else "",
        digits=ZERO_IS_TRUE if mapping and "0" in mapping.true_words else "",
    )


def _column_view(sheet: Sheet, place: int, header_row: int | None, meaning_of: Mapping[int, str]) -> ColumnView:
    number = place + sheet.first_column
    start = 0 if header_row is None else header_row + 1
    cells = (row[place].strip() for row in sheet.rows[start:] if place < len(row))
    samples = [_short(cell) for cell in cells if cell][:N_SAMPLES]
    header = ""
    if header_row is not None and place < len(sheet.rows[header_row]):
        header = _short(sheet.rows[header_row][place])
    return ColumnView(number, column_letters(number), header, samples, meaning_of.get(number, ""))


def _short(text: str) -> str:
    clean = " ".join(text.split())
    return clean if len(clean) <= SAMPLE_CHARS else clean[:SAMPLE_CHARS] + "…"


def _meaning_by_column(mapping: SheetMapping | None) -> dict[int, str]:
    if mapping is None:
        return {}
    found = dict.fromkeys(mapping.metadata.values(), METADATA)
    found |= {column: f"option:{place}" for place, column in enumerate(mapping.options)}
    return found | {column: kind for kind, column in mapping.fields.items()}


def mapping_from_form(
    form: MultiDict[str, str], sheets: Sequence[SheetView], first_rows: Sequence[int]
) -> ColumnMapping:
    """Return the mapping that the form says; raises InvalidInputError where a sheet lacks a stem or repeats a meaning."""
    found = {
        sheet.name: _sheet_from_form(form, sheet, first_row)
        for sheet, first_row in zip(sheets, first_rows, strict=True)
    }
    return ColumnMapping(found)


def _sheet_from_form(form: MultiDict[str, str], sheet: SheetView, first_row: int) -> SheetMapping:
    if form.get(f"ignore-{sheet.number}"):
        return SheetMapping(fields={}, ignore=True)
    fields: dict[str, int] = {}
    options: dict[int, int] = {}
    metadata: dict[str, int] = {}
    for column in sheet.columns:
        meaning = form.get(f"column-{sheet.number}-{column.number}", "")
        if meaning == METADATA:
            metadata[column.header or column.letter] = column.number
        elif meaning.startswith("option:") and (place := int_or_none(meaning[7:], 0, N_OPTIONS - 1)) is not None:
            _refuse_repeated(sheet, place in options)
            options[place] = column.number
        elif meaning in FIELD_WORDS:
            _refuse_repeated(sheet, meaning in fields)
            fields[meaning] = column.number
    rule = form.get(f"rule-{sheet.number}", "")
    is_zero_true = form.get(f"digits-{sheet.number}", "") == ZERO_IS_TRUE
    _check(sheet, fields, options)
    row = int_or_none(form.get(f"header-{sheet.number}", ""), first_row, first_row + sheet.n_rows - 1)
    return SheetMapping(
        fields=fields,
        options=tuple(options[place] for place in sorted(options)),
        metadata=metadata,
        header_row=None if row is None else row - first_row,
        type_hint=form.get(f"type-{sheet.number}", "")[:40],
        key_rule=rule if rule in KEY_RULES else "",
        true_words=("0",) if is_zero_true else (),
        false_words=("1",) if is_zero_true else (),
    )


def _refuse_repeated(sheet: SheetView, is_repeated: bool) -> None:  # noqa: FBT001 - a private check reads best so
    if is_repeated:
        raise InvalidInputError(N_("工作表“%(name)s”有两列选了同一含义，请改正"), name=sheet.name)


def _check(sheet: SheetView, fields: Mapping[str, int], options: Mapping[int, int]) -> None:
    if "stem" not in fields:
        raise InvalidInputError(N_("工作表“%(name)s”没有选“题干”列；不需要导入的工作表请勾选“忽略”"), name=sheet.name)
    if sorted(options) != list(range(len(options))):
        raise InvalidInputError(N_("工作表“%(name)s”的选项要从 A 起连续"), name=sheet.name)

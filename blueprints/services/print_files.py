"""How each kind of file is made of a form, and how it is proved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from sqlalchemy.orm import Session

from blueprints.assembly.blueprint import in_scope
from blueprints.documents import pdf, proof, word
from blueprints.documents.layout import FormSheet, key_parts, printed_parts
from blueprints.documents.lettered import for_print
from blueprints.documents.package import package_file
from blueprints.documents.page_size import A4
from blueprints.documents.proof import Piece
from blueprints.documents.scan_sheet import lay_out, scan_sheet_map, scan_sheet_pdf
from blueprints.documents.two_way import TwoWayLine, two_way_pdf, two_way_sheet
from blueprints.models import ExamForm
from blueprints.rules.codes import engine_code
from blueprints.rules.packages import SlotContent
from blueprints.rules.print_order import printed_ids
from blueprints.rules.releases import SHEET_DIGITS
from blueprints.services.bank import scope_lines
from blueprints.services.form_items import canonical_items
from item_templates import registry
from kernel import profiles
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.spreadsheets import write_table
from kernel.typesetting import picture_suffix

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DEPTH_OF_TABLE = 2
Made = tuple[bytes, str, str]
"""Bytes, media type and the end of the file's name."""


@dataclass(frozen=True, slots=True)
class PrintedFile:
    """A finished file."""

    data: bytes
    mime: str
    name: str


@dataclass(frozen=True, slots=True)
class Job:
    """All that a file is made from: `slots` as they are scored, `printed` as they stand on paper."""

    session: Session
    actor: Actor
    form: ExamForm
    slots: Sequence[SlotContent]
    printed: Sequence[SlotContent]
    media: Mapping[str, bytes]
    sheet: FormSheet


def make_form(job: Job, file_format: str) -> Made:
    """Make the form itself."""
    slots, media = for_print(job.printed, job.media, with_key=False)
    parts = printed_parts(slots, job.sheet.page_size)
    if file_format == "docx":
        data = word.form_docx(job.sheet, parts, media)
        proof.check(_word_proof(media).form(job.sheet, parts), proof.docx_text(data))
        return data, DOCX, ".docx"
    script = proof.Proof(pdf.picture_names(media))
    data = _named(lambda: pdf.form_pdf(job.sheet, parts, media), lambda: script.form(job.sheet, parts))
    proof.check(script.form(job.sheet, parts), _pdf_text(data, job.sheet, job.sheet.title))
    return data, PDF, ".pdf"


def make_key(job: Job, file_format: str) -> Made:
    """Make the key and scoring standard."""
    slots, media = for_print(job.printed, job.media, with_key=True)
    parts, sheet = key_parts(slots), replace(job.sheet, page_size=A4)
    if file_format == "docx":
        data = word.key_docx(sheet, parts, media)
        proof.check(_word_proof(media).key(sheet, parts), proof.docx_text(data))
        return data, DOCX, ".docx"
    script = proof.Proof(pdf.picture_names(media))
    data = _named(lambda: pdf.key_pdf(sheet, parts, media), lambda: script.key(sheet, parts))
    proof.check(script.key(sheet, parts), _pdf_text(data, sheet, "机密　启用前"))
    return data, PDF, ".pdf"


def make_scan_sheet(job: Job, file_format: str) -> Made:
    """Make the answer sheet, or the places of its marks for a scanner."""
    digits = int(profiles.value(job.session, job.form.organisation_id, SHEET_DIGITS.name))
    slots, _media = for_print(job.printed, job.media, with_key=False)
    laid_out = lay_out(slots, digits=digits)
    if file_format == "json":
        letters = {old.slot: printed_ids(old, new) for old, new in zip(job.slots, job.printed, strict=True)}
        return scan_sheet_map(job.sheet, laid_out, letters), "application/json", "-坐标.json"
    return scan_sheet_pdf(job.sheet, laid_out), PDF, ".pdf"


def make_two_way(job: Job, file_format: str) -> Made:
    """Make the two-way table of the form."""
    columns = [registry.get(name).label for name in _types(job.slots)]
    lines = _two_way_lines(job)
    if file_format == "xlsx":
        return write_table([two_way_sheet(job.sheet, columns, lines)]), XLSX, ".xlsx"
    return two_way_pdf(job.sheet, columns, lines), PDF, ".pdf"


def make_package(job: Job, file_format: str) -> Made:
    """Make the form as data: a QTI test, a workbook, or JSON."""
    items = canonical_items(job.session, job.actor, job.form, job.slots)
    return package_file(job.sheet, items, job.media, file_format)


MAKERS: dict[str, Callable[[Job, str], Made]] = {
    "form": make_form, "key": make_key, "scan_sheet": make_scan_sheet, "two_way": make_two_way,
    "package": make_package,
}  # fmt: skip


def _word_proof(media: Mapping[str, bytes]) -> proof.Proof:
    shown = {name for name, data in media.items() if picture_suffix(data) in word.READABLE}
    return proof.Proof(shown, is_word=True)


def _pdf_text(data: bytes, sheet: FormSheet, left_foot: str) -> str:
    return proof.pdf_text(data, watermark=sheet.watermark, foot=(left_foot, sheet.foot))


def _named(make: Callable[[], bytes], script: Callable[[], Iterator[Piece]]) -> bytes:
    """Make a PDF; a character that no font has is refused with the numbers of its items."""
    try:
        return make()
    except InvalidInputError as exc:
        text = str(exc.context.get("text", ""))
        numbers = proof.items_with(script(), text) if text else []
        if not numbers:
            raise
        raise InvalidInputError(
            N_("第 %(numbers)s 题中的“%(text)s”在字库中没有，打印会缺字，请修改试题"),
            numbers="、".join(map(str, numbers)), text=text,
        ) from exc  # fmt: skip


def _types(slots: Sequence[SlotContent]) -> list[str]:
    return list(dict.fromkeys(slot.chosen_type for slot in slots))


def _two_way_lines(job: Job) -> list[TwoWayLine]:
    """Return the scopes of the outline, two levels deep, with what the form has in them."""
    importance = {place.item_id: place.importance for place in job.form.slots}
    lines = []
    for scope in scope_lines(job.session, job.actor, job.form.standard_level_id):
        if scope.depth > DEPTH_OF_TABLE:
            continue
        here = [slot for slot in job.slots if in_scope(engine_code(slot.point), scope.code)]
        counts = Counter(slot.chosen_type for slot in here)
        marks = sum((slot.score for slot in here), Decimal(0))
        letters = Counter(importance[slot.item_id] for slot in here)
        lines.append(
            TwoWayLine(
                scope.label,
                scope.name,
                scope.depth,
                scope.weight_percent,
                tuple(counts[n] for n in _types(job.slots)),
                len(here),
                marks,
                tuple(letters[one] for one in "XYZ"),
            )
        )
    return lines

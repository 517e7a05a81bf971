"""Printing forms: recorded like every look into a form, with the reader's name on the sheet."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.documents import pdf, word
from blueprints.documents.layout import FormSheet, key_parts, printed_parts, unknown_formulas
from blueprints.documents.lettered import for_print
from blueprints.models import ExamForm
from blueprints.rules.packages import SlotContent, score_text
from blueprints.services import views
from blueprints.services.bank import media_reader, slot_contents
from blueprints.services.sealing import form_title
from item_templates.contract import ItemContent
from item_templates.markup import media_ids
from kernel.clock import now
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.identity.repository import get_organisation
from kernel.uow import UnitOfWork

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SUFFIXES = {"form": "", "key": "-标准答案与评分标准"}


@dataclass(frozen=True, slots=True)
class PrintedSheet:
    """A finished file."""

    data: bytes
    mime: str
    name: str


def print_form(session: Session, actor: Actor, form_id: uuid.UUID, *, document: str, file_format: str) -> PrintedSheet:
    """Return a form (``form``) or its key and scoring standard (``key``) as ``pdf`` or ``docx``.

    Typesetting takes a while, so it stands outside the transaction that recorded the look (`views.open_view`).
    """
    require(actor, Permission.FORM_READ)
    _check(document, file_format)
    form = repository.get_form(session, form_id, actor=actor, with_slots=True)
    slots = slot_contents(session, actor, form)
    slots, media = for_print(slots, _media(session, actor, slots), with_key=document == "key")
    sheet = _sheet(session, actor, form)
    name = f"{form_title(form)}{SUFFIXES[document]}.{file_format}"
    if document == "key":
        parts = key_parts(slots)
        data = pdf.key_pdf(sheet, parts, media) if file_format == "pdf" else word.key_docx(sheet, parts, media)
        return PrintedSheet(data, PDF if file_format == "pdf" else DOCX, name)
    printed = printed_parts(slots)
    data = pdf.form_pdf(sheet, printed, media) if file_format == "pdf" else word.form_docx(sheet, printed, media)
    return PrintedSheet(data, PDF if file_format == "pdf" else DOCX, name)


def unset_formulas(slots: Sequence[SlotContent]) -> list[int]:
    """Return the numbers of items with a formula that print shows as its source."""
    return unknown_formulas(printed_parts(slots))


def record_print(uow: UnitOfWork, form_id: uuid.UUID, *, document: str, file_format: str) -> None:
    """Record that this person takes a form away as a file."""
    _check(document, file_format)
    views.open_view(uow, form_id, way=f"{document}.{file_format}")


def _check(document: str, file_format: str) -> None:
    if document not in SUFFIXES or file_format not in {"pdf", "docx"}:
        raise InvalidInputError(N_("请选择要打印的文件和格式"))


def _sheet(session: Session, actor: Actor, form: ExamForm) -> FormSheet:
    organisation = get_organisation(session, actor.organisation).name
    return FormSheet(
        organisation=organisation, occupation=form.occupation_name, occupation_code=form.occupation_code,
        level=form.level_name, label=form.label, edition=form.edition_label, duration_minutes=form.duration_minutes,
        total_score=score_text(form.total_score), trace=f"{actor.name} {now():%Y%m%dT%H%M%SZ}",
    )  # fmt: skip


def _media(session: Session, actor: Actor, slots: list[SlotContent]) -> dict[str, bytes]:
    read = media_reader(session, actor)
    names = dict.fromkeys(name for slot in slots for html in _texts(slot.content) for name in media_ids(html))
    return {name: read(name)[0] for name in names}


def _texts(content: ItemContent) -> list[str]:
    return [
        content.stimulus,
        content.stem,
        content.explanation,
        *(part.content for part in (*content.choices, *content.targets)),
    ]

"""Files made of a form by a job: recorded like every look, proved against the source, kept encrypted for a while."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints import repository_release as stored
from blueprints.documents.layout import FormSheet, printed_parts, unknown_formulas
from blueprints.documents.page_size import PAGE_SIZES
from blueprints.models import ExamForm, FormPrint
from blueprints.rules.packages import SlotContent, score_text
from blueprints.rules.print_order import PRINT_SHUFFLE, as_printed, is_shuffled, order_code
from blueprints.rules.releases import PRINT_DAYS, ReleasePart
from blueprints.rules.states import FormStatus
from blueprints.services import print_files, releases, sealing, views
from blueprints.services.bank import media_reader, own_items, slot_contents
from blueprints.services.print_files import Job as PrintJob
from blueprints.services.print_files import PrintedFile
from blueprints.services.sealing import form_title
from item_templates.contract import ItemContent
from item_templates.markup import media_ids
from kernel import audit, crypto, profiles
from kernel.canonical import digest_bytes
from kernel.clock import OFFICIAL_ZONE, day_of, now
from kernel.db import new_id
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require, system_actor
from kernel.identity.permissions import Permission
from kernel.identity.repository import get_organisation
from kernel.jobs.models import Job
from kernel.jobs.services import enqueue
from kernel.uow import UnitOfWork, unit_of_work

JOB = "blueprints.print"
PURPOSE = "form-prints"
FORMATS: dict[str, tuple[str, ...]] = {
    "form": ("pdf", "docx"), "key": ("pdf", "docx"), "scan_sheet": ("pdf", "json"), "two_way": ("pdf", "xlsx"),
    "package": ("qti21", "qti22", "qti30", "xlsx", "json"),
}  # fmt: skip
LABELS = {
    "form": N_("试卷"), "key": N_("标准答案与评分标准"), "scan_sheet": N_("答题卡"), "two_way": N_("双向细目表"),
    "package": N_("试卷数据包"),
}  # fmt: skip
WITH_KEY = frozenset({"key", "package"})
WITHOUT_ITEMS = frozenset({"two_way"})
Told = Callable[[int, str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be made of which form."""

    form_id: uuid.UUID
    document: str
    file_format: str
    page_size: str = "a4"

    @property
    def way(self) -> str:
        """How the audit names it."""
        return f"{self.document}.{self.file_format}"


def request_print(uow: UnitOfWork, wanted: Wanted) -> Job:
    """Record that this person takes a form away as a file, and publish the job that makes it."""
    form = _check(uow.session, uow.actor, wanted)
    views.open_view(uow, wanted.form_id, way=wanted.way)
    payload = {
        "exam_form_id": str(wanted.form_id), "document": wanted.document, "file_format": wanted.file_format,
        "page_size": wanted.page_size,
    }  # fmt: skip
    return enqueue(uow, JOB, payload, title=f"{LABELS[wanted.document]}：{form_title(form)}")


def make_print(
    session: Session, actor: Actor, wanted: Wanted, told: Told = lambda _percent, _text: None
) -> PrintedFile:
    """Return a finished file, proved against what it was made from; nothing is written.

    Raises
    ------
    PrintMismatchError
        If the file shows anything else than the form says.
    SealBrokenError
        If an item of a sealed form is not what was sealed.
    """
    form = _check(session, actor, wanted)
    told(10, N_("读取试题"))
    slots = slot_contents(session, actor, form)
    if form.status is FormStatus.SEALED:
        sealing.check_unchanged(session, actor, form, slots)
    policy = profiles.value(session, form.organisation_id, PRINT_SHUFFLE.name, on=day_of(form.created_at))
    printed = as_printed(slots, shuffle=is_shuffled(policy, form.label))
    media = {} if wanted.document in WITHOUT_ITEMS else _media(session, actor, printed)
    job = PrintJob(session, actor, form, slots, printed, media, _sheet(session, actor, form, wanted, printed))
    told(30, N_("排版并逐字核对"))
    data, mime, suffix = print_files.MAKERS[wanted.document](job, wanted.file_format)
    name = form_title(form) if wanted.document == "form" else f"{form_title(form)}-{LABELS[wanted.document]}"
    return PrintedFile(data, mime, f"{name}{suffix}")


def keep_print(uow: UnitOfWork, wanted: Wanted, made: PrintedFile, *, job_id: uuid.UUID | None = None) -> FormPrint:
    """Keep a file, encrypted, until the day that the organisation's rule says."""
    form = repository.get_form(uow.session, wanted.form_id, actor=uow.actor)
    days = profiles.value(uow.session, form.organisation_id, PRINT_DAYS.name)
    key, moment = new_id(), now()
    row = FormPrint(
        form_print_id=key, organisation_id=form.organisation_id, exam_form_id=wanted.form_id, document=wanted.document,
        file_format=wanted.file_format, page_size=wanted.page_size, file_name=made.name[:200], mime=made.mime,
        ciphertext=crypto.encrypt(crypto.purpose_key(PURPOSE), made.data, bound_to=_place(key)),
        digest=digest_bytes(made.data), n_bytes=len(made.data), is_secret=not releases.is_over(uow.session, form),
        job_id=job_id, created_by=uow.actor.user_id, created_by_name=uow.actor.name[:100], created_at=moment,
        purge_after=moment + timedelta(days=days), n_taken=0,
    )  # fmt: skip
    uow.add(row)
    after = {"way": wanted.way, "page_size": wanted.page_size, "digest": row.digest, "status": form.status.value}
    audit.record(uow, "form.print", "exam_form", wanted.form_id, after=after)
    return row


def take_print(uow: UnitOfWork, form_print_id: uuid.UUID) -> PrintedFile:
    """Hand a kept file to the person who asked for it; every time is recorded."""
    row = stored.get_print(uow.session, form_print_id, actor=uow.actor)
    wanted = Wanted(row.exam_form_id, row.document, row.file_format, row.page_size)
    _check(uow.session, uow.actor, wanted)
    if row.ciphertext is None:
        raise ConflictError(N_("文件已过保留期并清除，请重新生成"))
    data = crypto.decrypt(crypto.purpose_key(PURPOSE), row.ciphertext, bound_to=_place(row.form_print_id))
    row.n_taken += 1
    audit.record(uow, "form.take_print", "exam_form", row.exam_form_id, after={"way": wanted.way, "digest": row.digest})
    return PrintedFile(data, row.mime, row.file_name)


def purge_prints(session: Session) -> int:
    """Delete the content of all files whose time is over; what they were stays on record."""
    due = stored.due_prints(session, now())
    owners = dict.fromkeys(row.organisation_id for row in due)
    keys = [(row.form_print_id, row.organisation_id) for row in due]
    for owner in owners:
        with unit_of_work(system_actor(owner, name="blueprints.purge")) as uow:
            for key, organisation_id in keys:
                if organisation_id == owner:
                    _purge(uow, key)
    return len(keys)


def unset_formulas(slots: Sequence[SlotContent]) -> list[int]:
    """Return the numbers of items with a formula that print shows as its source."""
    return unknown_formulas(printed_parts(slots))


def _purge(uow: UnitOfWork, form_print_id: uuid.UUID) -> None:
    row = uow.session.get_one(FormPrint, form_print_id)
    row.ciphertext, row.purged_at = None, now()
    audit.record(uow, "form.purge_print", "exam_form", row.exam_form_id, after={"digest": row.digest})


def _check(session: Session, actor: Actor, wanted: Wanted) -> ExamForm:
    """Return the form when this person may have this file of it now."""
    require(actor, Permission.FORM_READ)
    if wanted.file_format not in FORMATS.get(wanted.document, ()) or wanted.page_size not in PAGE_SIZES:
        raise InvalidInputError(N_("请选择要打印的文件和格式"))
    if wanted.document == "package":
        require(actor, Permission.FORM_SEAL)
    form = repository.get_form(session, wanted.form_id, actor=actor, with_slots=True)
    if wanted.document == "package":
        _refuse_shared(session, actor, form)
    if wanted.document not in WITHOUT_ITEMS:
        releases.check_open(session, form, ReleasePart.DELIVERY)
    if wanted.document in WITH_KEY:
        releases.check_open(session, form, ReleasePart.SCORING)
    return form


def _refuse_shared(session: Session, actor: Actor, form: ExamForm) -> None:
    """Refuse to hand out the items of others as data; raises ForbiddenError."""
    item_ids = {slot.item_id for slot in form.slots}
    if own_items(session, actor, item_ids) != item_ids:
        raise ForbiddenError(N_("试卷中有其他机构共享的试题，不能导出试卷数据包；可以印制试卷和标准答案"))


def _sheet(session: Session, actor: Actor, form: ExamForm, wanted: Wanted, printed: Sequence[SlotContent]) -> FormSheet:
    moment = now()
    stamp = f"{actor.name} {moment.astimezone(OFFICIAL_ZONE):%Y-%m-%d %H:%M}"
    words = {FormStatus.SEALED: N_("机密") if wanted.document in WITH_KEY else ""}.get(form.status, N_("草稿"))
    secret = bool(words) and not releases.is_over(session, form)
    return FormSheet(
        organisation=get_organisation(session, actor.organisation).name, occupation=form.occupation_name,
        occupation_code=form.occupation_code, level=form.level_name, label=form.label, edition=form.edition_label,
        duration_minutes=form.duration_minutes, total_score=score_text(form.total_score), trace=stamp,
        page_size=PAGE_SIZES[wanted.page_size], watermark=f"{words} {stamp}" if secret else "",
        order_code=f"选项顺序码 {order_code(printed)}", printed_at=moment,
    )  # fmt: skip


def _media(session: Session, actor: Actor, slots: Sequence[SlotContent]) -> dict[str, bytes]:
    read = media_reader(session, actor)
    names = dict.fromkeys(name for slot in slots for html in _texts(slot.content) for name in media_ids(html))
    return {name: read(name)[0] for name in names}


def _texts(content: ItemContent) -> list[str]:
    parts = (*content.choices, *content.targets)
    return [content.stimulus, content.stem, content.explanation, *(part.content for part in parts)]


def _place(form_print_id: uuid.UUID) -> str:
    return f"form_prints|ciphertext|{form_print_id}"

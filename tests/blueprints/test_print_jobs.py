"""Files of a form: made by a job, proved, kept encrypted for a while, taken by who asked; and forms as data."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from lxml import etree
from pypdf import PdfReader
from sqlalchemy import select
from sqlalchemy.orm import Session

from blueprints.documents import pdf, proof
from blueprints.models import ExamForm, FormPrint
from blueprints.rules.print_order import KEEP
from blueprints.services import prints
from blueprints.services.bank import slot_contents
from blueprints.services.prints import FORMATS, Wanted
from blueprints.services.releases import SealedPartError
from item_templates.canonical import content_digest
from kernel import profiles
from kernel.audit.models import AuditEvent
from kernel.canonical import digest_bytes
from kernel.clock import now, today
from kernel.crypto import SealBrokenError
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.actor import Actor, system_actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.jobs.models import Job, JobStatus
from kernel.jobs.runner import run_job
from kernel.spreadsheets import read_table
from kernel.uow import unit_of_work
from qbank.interchange.convert import read_items
from qbank.models.items import ItemVersion
from tests.blueprints.bank_cases import EXPLANATION
from tests.blueprints.conftest import OpenByTwo

STARTS = {"pdf": b"%PDF", "docx": b"PK", "xlsx": b"PK", "json": b"{", "qti21": b"PK", "qti22": b"PK", "qti30": b"PK"}


def made(session: Session, actor: Actor, form_id: uuid.UUID, document: str, file_format: str) -> prints.PrintedFile:
    return prints.make_print(session, actor, Wanted(form_id, document, file_format))


def acts_of(session: Session, act: str) -> list[AuditEvent]:
    return list(session.scalars(select(AuditEvent).where(AuditEvent.act == act)))


def kept(actor: Actor, form_id: uuid.UUID, document: str = "form", file_format: str = "pdf") -> FormPrint:
    """Have a file made by its job, as the worker would, and return its row."""
    with unit_of_work(actor) as uow:
        job_id = prints.request_print(uow, Wanted(form_id, document, file_format)).job_id
    assert run_job(job_id) is JobStatus.DONE
    with unit_of_work(actor) as uow:
        return uow.session.scalars(select(FormPrint).where(FormPrint.job_id == job_id)).one()


def test_every_file_of_a_draft_is_made_in_every_format(
    drafts: list[ExamForm], approver: Actor, session: Session
) -> None:
    for document, formats in FORMATS.items():
        for file_format in formats:
            file = made(session, approver, drafts[1].exam_form_id, document, file_format)
            assert file.data.startswith(STARTS[file_format]), (document, file_format)
            assert "四级" in file.name or "（B卷）" in file.name


def test_a_job_makes_a_file_that_only_who_asked_may_take(
    drafts: list[ExamForm], approver: Actor, assembler: Actor, session: Session
) -> None:
    form_id = drafts[0].exam_form_id
    row = kept(approver, form_id)
    assert row.ciphertext is not None
    assert b"%PDF" not in row.ciphertext
    with unit_of_work(approver) as uow:
        file = prints.take_print(uow, row.form_print_id)
    assert file.data.startswith(b"%PDF")
    assert digest_bytes(file.data) == row.digest
    with pytest.raises(NotFoundError, match="本人"), unit_of_work(assembler) as uow:
        prints.take_print(uow, row.form_print_id)
    assert [event.details["after"]["way"] for event in acts_of(session, "form.view")] == ["form.pdf"]
    assert [event.actor_id for event in acts_of(session, "form.take_print")] == [approver.user_id]


def test_a_file_goes_after_its_days_and_its_record_stays(
    drafts: list[ExamForm], approver: Actor, session: Session
) -> None:
    row = kept(approver, drafts[0].exam_form_id, "two_way", "xlsx")
    key = row.form_print_id
    with time_machine.travel(datetime.now(UTC) + timedelta(days=6)):
        assert prints.purge_prints(session) == 0
    with time_machine.travel(datetime.now(UTC) + timedelta(days=7, minutes=1)):
        assert prints.purge_prints(session) == 1
        assert prints.purge_prints(session) == 0
    session.expire_all()
    gone = session.get_one(FormPrint, key)
    assert (gone.ciphertext, gone.digest) == (None, row.digest)
    with pytest.raises(ConflictError, match="保留期"), unit_of_work(approver) as uow:
        prints.take_print(uow, key)
    assert len(acts_of(session, "form.purge_print")) == 1


def test_drafts_carry_who_and_when_across_the_page_and_sealed_forms_do_not(
    drafts: list[ExamForm], sealed_form: uuid.UUID, approver: Actor, session: Session
) -> None:
    def first_page(form_id: uuid.UUID) -> str:
        data = made(session, approver, form_id, "form", "pdf").data
        return proof.fold(PdfReader(io.BytesIO(data)).pages[0].extract_text())

    draft = next(form for form in drafts if form.exam_form_id != sealed_form)
    assert f"草稿{approver.name}{now():%Y-%m}"[:8] in first_page(draft.exam_form_id)
    assert "草稿" not in first_page(sealed_form)


def test_the_key_and_the_data_of_a_sealed_form_need_two_custodians(
    sealed_form: uuid.UUID, approver: Actor, open_by_two: OpenByTwo, session: Session
) -> None:
    assert made(session, approver, sealed_form, "scan_sheet", "pdf").data
    for document, file_format in (("key", "pdf"), ("package", "json")):
        with pytest.raises(SealedPartError):
            made(session, approver, sealed_form, document, file_format)
    open_by_two(sealed_form)
    row = kept(approver, sealed_form, "key", "docx")
    later = datetime.now(UTC) + timedelta(hours=3)
    with time_machine.travel(later), pytest.raises(SealedPartError), unit_of_work(approver) as uow:
        prints.take_print(uow, row.form_print_id)


def test_a_form_whose_item_was_changed_behind_the_seal_is_not_printed(
    sealed_form: uuid.UUID, approver: Actor, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dataclasses

    def changed(*args: object, **kwargs: object) -> list[object]:
        slots = slot_contents(*args, **kwargs)  # type: ignore[arg-type]
        content = dataclasses.replace(slots[2].content, stem="换了一道题（ ）。")
        return [*slots[:2], dataclasses.replace(slots[2], content=content), *slots[3:]]

    monkeypatch.setattr(prints, "slot_contents", changed)
    with pytest.raises(SealBrokenError, match="第 3 题"):
        made(session, approver, sealed_form, "form", "pdf")


def test_a_file_that_shows_something_else_is_never_handed_out(
    drafts: list[ExamForm], approver: Actor, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = pdf.form_pdf

    def wrong(sheet, parts, media):  # type: ignore[no-untyped-def]
        text = parts[0].items[4].stem.blocks[0]["runs"][0]
        before, text["v"] = text["v"], text["v"].replace("正确", "错误")
        try:
            return real(sheet, parts, media)
        finally:
            text["v"] = before

    monkeypatch.setattr(pdf, "form_pdf", wrong)
    form_id = drafts[0].exam_form_id
    with pytest.raises(proof.PrintMismatchError, match="第 5 题"):
        made(session, approver, form_id, "form", "pdf")
    with unit_of_work(approver) as uow:
        job_id = prints.request_print(uow, Wanted(form_id, "form", "pdf")).job_id
    with pytest.raises(proof.PrintMismatchError):
        raise_failed(session, job_id)
    assert session.scalar(select(FormPrint)) is None


def raise_failed(session: Session, job_id: uuid.UUID) -> None:
    """Run a job and raise what it failed with."""
    assert run_job(job_id) is JobStatus.FAILED
    session.expire_all()
    raise proof.PrintMismatchError(str(session.get_one(Job, job_id).error))


def test_who_may_have_what(
    drafts: list[ExamForm],
    assembler: Actor,
    make_actor: Callable[..., Actor],
    other_organisation: Organisation,
    session: Session,
) -> None:
    form_id = drafts[0].exam_form_id
    with pytest.raises(ForbiddenError):
        made(session, make_actor(Role.AUTHOR), form_id, "form", "pdf")
    with pytest.raises(ForbiddenError):
        made(session, assembler, form_id, "package", "qti21")
    stranger = make_actor(Role.FORM_APPROVER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError):
        made(session, stranger, form_id, "form", "pdf")
    for document, file_format, size in (("form", "exe", "a4"), ("x", "pdf", "a4"), ("form", "pdf", "b9")):
        with pytest.raises(InvalidInputError):
            prints.make_print(session, assembler, Wanted(form_id, document, file_format, size))


def test_reprinting_gives_the_same_order_and_a_new_rule_changes_no_old_form(
    drafts: list[ExamForm], approver: Actor, session: Session
) -> None:
    form_id = drafts[1].exam_form_id
    first = json.loads(made(session, approver, form_id, "scan_sheet", "json").data)
    with unit_of_work(system_actor(approver.organisation)) as uow:
        day = today() + timedelta(days=1)
        profiles.publish(uow, {"blueprints.print_shuffle": KEEP}, effective_on=day)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=3)):
        assert json.loads(made(session, approver, form_id, "scan_sheet", "json").data) == first


# --- forms as data ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["qti21", "qti22", "qti30"])
def test_a_qti_test_read_again_gives_the_same_items_in_order(
    drafts: list[ExamForm], approver: Actor, session: Session, version: str
) -> None:
    form = drafts[0]
    file = made(session, approver, form.exam_form_id, "package", version)
    report = read_items(file.data, file.name)
    assert report.error is None
    assert report.skipped == []
    versions = {
        row.item_version_id: row.content_digest
        for row in session.scalars(
            select(ItemVersion).where(ItemVersion.item_version_id.in_([s.item_version_id for s in form.slots]))
        )
    }
    assert [content_digest(one.item.content) for one in report.items] == [
        versions[s.item_version_id] for s in form.slots
    ]
    with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
        test = etree.fromstring(archive.read("test.xml"))
        manifest = archive.read("imsmanifest.xml").decode()
    sections = [
        node for node in test.iter() if etree.QName(node).localname in {"assessmentSection", "qti-assessment-section"}
    ]
    assert [node.get("title") for node in sections] == ["一、单项选择题", "二、判断题"]
    assert sum(len(node) for node in sections) == 20
    assert "草稿" in manifest
    assert approver.name in manifest


def test_json_and_excel_carry_items_keys_and_the_mark_of_who_took_them(
    drafts: list[ExamForm], approver: Actor, session: Session
) -> None:
    form_id = drafts[0].exam_form_id
    document = json.loads(made(session, approver, form_id, "package", "json").data)
    assert (document["format"], len(document["items"]), len(document["sections"])) == ("kaoku-form/1", 20, 2)
    assert approver.name in document["watermark"]
    assert [name for part in document["sections"] for name in part["items"]] == [
        item["id"] for item in document["items"]
    ]
    facts, items = read_table(made(session, approver, form_id, "package", "xlsx").data)
    assert any(approver.name in cell for row in facts.rows for cell in row)
    head, first = items.rows[1], items.rows[2]
    row = dict(zip(head, first, strict=False))
    assert (row["题号"], row["题型"], row["解析"]) == ("1", "单项选择题", EXPLANATION)
    assert row["答案"] in "ABCD"
    assert len(items.rows) == 22


def test_the_two_way_table_adds_up(drafts: list[ExamForm], approver: Actor, session: Session) -> None:
    (sheet,) = read_table(made(session, approver, drafts[0].exam_form_id, "two_way", "xlsx").data)
    head = list(sheet.rows[1])
    rows = {row[1]: dict(zip(head, row, strict=False)) for row in sheet.rows[2:]}
    assert head[:3] == ["代码", "鉴定范围", "比重（%）"]
    total = rows["合计"]
    assert (total["合计题数"], total["分值"], total["占总分（%）"]) == ("20", "20", "100")
    assert int(total["单项选择题"]) + int(total["判断题"]) == 20


# --- in the browser ---------------------------------------------------------------------------------------------------


def test_a_file_is_asked_for_followed_and_taken_in_the_browser(
    sign_in, drafts: list[ExamForm], session: Session
) -> None:  # type: ignore[no-untyped-def]
    client, form_id = sign_in(Role.FORM_APPROVER), drafts[0].exam_form_id
    assert client.post(f"/forms/{form_id}/print", data={"file": "form.exe"}).status_code == 422
    asked = client.post(f"/forms/{form_id}/print", data={"file": "form.pdf", "page_size": "b4"})
    assert asked.location.endswith(f"/forms/{form_id}/prints")
    job = session.scalars(select(Job).where(Job.name == prints.JOB)).one()
    address = f"/forms/{form_id}/prints/jobs/{job.job_id}"
    assert address in client.get(asked.location).get_data(as_text=True)
    assert client.get(address).get_json()["is_open"] is True
    assert sign_in(Role.FORM_APPROVER).get(address).status_code == 404
    run_job(job.job_id)
    told = client.get(address).get_json()
    assert (told["is_open"], told["percent"], told["result_url"]) == (False, 100, f"/forms/{form_id}/prints")
    row = session.scalars(select(FormPrint)).one()
    answer = client.post(f"/forms/{form_id}/prints/{row.form_print_id}")
    assert answer.data.startswith(b"%PDF")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert sign_in(Role.ASSEMBLER).post(f"/forms/{form_id}/prints/{row.form_print_id}").status_code == 404


def test_another_organisation_prints_and_takes_nothing(
    sign_in, drafts: list[ExamForm], approver: Actor, other_organisation: Organisation, session: Session
) -> None:  # type: ignore[no-untyped-def]
    form_id = drafts[0].exam_form_id
    row = kept(approver, form_id, "two_way", "xlsx")
    client = sign_in(Role.FORM_APPROVER, organisation_id=other_organisation.organisation_id)
    assert client.get(f"/forms/{form_id}/prints").status_code == 404
    assert client.post(f"/forms/{form_id}/print", data={"file": "form.pdf"}).status_code == 404
    assert client.post(f"/forms/{form_id}/prints/{row.form_print_id}").status_code == 404
    for address in (f"/forms/{form_id}/release", f"/forms/{form_id}/watermark.svg"):
        assert client.get(address).status_code == 404
    assert client.post(f"/forms/{form_id}/release", data={}).status_code in {404, 422}

"""Certificates as Word: every character of the PDF, the same pictures, on paper of the same size; single and whole batch."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import uuid
from collections import Counter

import docx
import pypdf
import pytest
from docx.oxml.ns import qn
from docx.shared import Mm
from PIL import Image

from certification.documents.certificate_word import certificates_docx
from certification.documents.rendering import certificates_pdf
from certification.models import CertificateAct, CertificateBlank
from certification.repository import certificates as certificate_repository
from certification.rules.english_names import EnglishNames
from certification.rules.levels import DOCUMENTS, DocumentKind
from certification.services import certificates, printing
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.identity.permissions import Role
from kernel.jobs.models import JobStatus
from kernel.jobs.runner import run_job
from kernel.qr import qr_png
from tests.certification.test_certification_documents import MADE_AT, SHEET, pages_of
from tests.factories.certification import candidate, photo

BASE = "https://kaoku.invalid"
PICTURE = qn("a:blip")


def changed(**changes):
    return dataclasses.replace(SHEET, **{"watermark": "", "photo": photo(), **changes})


ENGLISH = EnglishNames("Demo Centre", "AI Trainer", "Annotation", "Level 3")
SHEETS = {
    "plain": changed(),
    "without a photo": changed(photo=None),
    "two languages": changed(
        is_bilingual=True, english=ENGLISH, trade="数据标注员", expires_on=dt.date(2029, 11, 29), print_serial="A0042"
    ),
    "revoked": changed(watermark="已撤销"),
    "special ability": changed(wording=DOCUMENTS[DocumentKind.SPECIAL_ABILITY], occupation="咖啡制作"),
    "hostile": changed(name="<w:p>&演示\"'", body_name="甲&乙]]>"),
}


def word(*sheets):
    return docx.Document(io.BytesIO(certificates_docx(sheets, created_at=MADE_AT)))


def parts_of(document):
    """Every part of the file that prints: the pages, and the head and foot of each."""
    heads = [part for section in document.sections for part in (section.header, section.footer)]
    return [document.element.body, *(part._element for part in heads)]


def text_of(document):
    found = []
    for part in parts_of(document):
        found += [node.text or "" for node in part.iter(qn("w:t"))]
        found += [
            node.get("string") for node in part.iter("{urn:schemas-microsoft-com:vml}textpath") if node.get("string")
        ]
    return "".join("".join(found).split())


def pictures_of(document):
    """Pictures in order: content, width, height."""
    return [
        (document.part.related_parts[shape._inline.xpath(".//a:blip/@r:embed")[0]].blob, shape.width, shape.height)
        for shape in document.inline_shapes
    ]


@pytest.mark.parametrize("kind", SHEETS)
def test_every_printed_character_of_the_pdf_stands_in_the_word_file_and_none_besides(kind):
    sheet = SHEETS[kind]
    (printed,) = pages_of(certificates_pdf([sheet], created_at=MADE_AT))
    document = word(sheet)
    assert Counter(text_of(document)) == Counter(printed)
    pictures = pictures_of(document)
    code = pictures[-1]
    assert code == (qr_png(sheet.verify_address), Mm(30), Mm(30))
    if sheet.photo:
        content, width, height = pictures[0]
        assert (width, height) == (Mm(30), Mm(42))
        with Image.open(io.BytesIO(content)) as picture:
            assert abs(picture.width / picture.height - 30 / 42) < 0.01
    assert len(pictures) == (2 if sheet.photo else 1)


def test_a_batch_is_one_a4_page_each_in_order_in_fangsong_and_the_same_bytes_twice():
    sheets = [SHEETS["revoked"], *(changed(name=name, print_serial=name) for name in ("演示一", "演示二", "演示三"))]
    document = word(*sheets)
    assert [(round(one.page_width.mm), round(one.page_height.mm)) for one in document.sections] == [(210, 297)] * 4
    marks = [list(one.header._element.iter("{urn:schemas-microsoft-com:vml}textpath")) for one in document.sections]
    assert [bool(found) for found in marks] == [True, False, False, False]
    feet = [one.footer.paragraphs[0].text for one in document.sections]
    assert ["流水号" in foot for foot in feet] == [False, True, True, True]
    assert [foot[-3:] for foot in feet[1:]] == ["演示一", "演示二", "演示三"]
    text = text_of(document)
    assert text.index("演示一") < text.index("演示二") < text.index("演示三")
    fonts = {node.get(qn("w:eastAsia")) for node in document.element.body.iter(qn("w:rFonts"))}
    assert fonts == {"仿宋", "黑体"}
    first, second = (certificates_docx(sheets, created_at=MADE_AT) for _ in range(2))
    assert first == second
    with pytest.raises(InvalidInputError, match="分批"):
        certificates_docx([], created_at=MADE_AT)


def test_a_batch_is_printed_to_both_kinds_of_files_on_the_same_blanks(office, sign_in):
    key = office.whole_way([candidate(1), candidate(2)], {"1": "80", "2": "85"})
    client = sign_in(Role.CERTIFICATION_OFFICER)
    form = {"first_serial": "B01", "file_type": ["pdf", "docx"]}
    answer = client.post(f"/certification/batches/{key}/certificates/print", data=form)
    assert run_job(uuid.UUID(answer.location.rsplit("/", 1)[1])) is JobStatus.DONE
    made = {row.file_name.rsplit(".", 1)[1]: row for row in certificate_repository.list_documents(db.session(), key)}
    contents = {}
    for kind, row in made.items():
        answer = client.post(f"/certification/documents/{row.certification_document_id}")
        assert answer.mimetype == {"pdf": "application/pdf"}.get(kind, answer.mimetype)
        contents[kind] = answer.data
    document = docx.Document(io.BytesIO(contents["docx"]))
    assert len(document.sections) == made["docx"].n_pages == made["pdf"].n_pages == 2
    assert Counter(text_of(document)) == Counter("".join(pages_of(contents["pdf"])))
    assert sorted(row.serial for row in db.session().query(CertificateBlank)) == ["B01", "B02"]
    (first, _second) = certificate_repository.list_batch_certificates(db.session(), key)
    events = certificate_repository.list_events(db.session(), first.certificate_id)
    assert (events[-1].act, events[-1].reason) == (CertificateAct.PRINTED, "Word")
    wrong = client.post(
        f"/certification/batches/{key}/certificates/print", data={"file_type": "exe"}, follow_redirects=True
    )
    assert "请选择文件格式" in wrong.text


def test_one_certificate_goes_on_a_numbered_blank_and_the_one_before_is_spoiled(office, other_office, sign_in):
    key = office.whole_way([candidate(1)], {"1": "80"})
    (row,) = certificate_repository.list_batch_certificates(db.session(), key)
    client, page = sign_in(Role.CERTIFICATION_OFFICER), f"/certification/certificates/{row.certificate_id}"
    assert client.post(f"{page}/print", data={"first_serial": "C7"}).mimetype == "application/pdf"
    again = client.post(f"{page}/print", data={"first_serial": "c8", "file_type": "docx"})
    assert "印制流水号：C8" in text_of(docx.Document(io.BytesIO(again.data)))
    assert "C8" in client.get(page).text
    used = client.post(f"{page}/print", data={"first_serial": "C7"}, follow_redirects=True).text
    assert "流水号 C7 已经使用或作废" in used
    kept = {blank.serial: blank.spoiled_reason for blank in db.session().query(CertificateBlank)}
    assert kept == {"C7": "重新打印，原印件作废", "C8": ""}
    for who, status in ((Role.SUPERVISOR, 403), (Role.CERTIFICATION_OFFICER, 404)):
        outside = {} if status == 403 else {"organisation_id": other_office.actor.organisation}
        assert sign_in(who, **outside).post(f"{page}/print", data={"first_serial": "C9"}).status_code == status
    office.act(certificates.change_state, row.certificate_id, CertificateAct.REVOKED, reason="替考")
    with pytest.raises(ConflictError, match="证书芯"):
        office.act(printing.print_certificate, row.certificate_id, base_url=BASE, serial="C9")
    _name, content = office.act(printing.print_certificate, row.certificate_id, base_url=BASE)
    assert "已撤销" in pypdf.PdfReader(io.BytesIO(content)).pages[0].extract_text()

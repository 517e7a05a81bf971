"""What candidates add to their requests: told by content, re-encoded, encrypted, for those alone who deal with the request."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image

from exam_delivery import public_candidates as own
from exam_delivery.models import ScoreReviewFile
from exam_delivery.services import appeals, request_files
from kernel.audit.models import AuditEvent
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.identity.actor import Actor
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.exam_delivery.test_appeals import act, chief, released, reviewer
from tests.exam_delivery.test_own_results import STATEMENT, file, person, request_of, themselves
from tests.exam_delivery.world import id_number

__all__ = ["chief", "released", "reviewer"]
PDF = b"%PDF-1.7\ndemonstration\n%%EOF\n"
PLACE = "GPS 30.25N"


def picture(size=(3000, 1500)):
    exif = Image.Exif()
    exif[0x010E] = PLACE
    stream = io.BytesIO()
    Image.new("RGB", size, "white").save(stream, "JPEG", exif=exif)
    return stream.getvalue()


def attach(world, place, files, owner=None):
    registration, candidate = person(world, place)
    with unit_of_work(themselves(world)) as uow:
        return own.attach_files(uow, owner or candidate.candidate_id, registration.registration_id, files)


def test_a_candidate_adds_files_in_the_browser_and_those_who_deal_with_it_read_them(
    released, app, sign_in, make_user, chief
):
    registration, candidate = person(released, 1)
    reviewer = make_user(Role.MARKER)
    client, officer, marker = app.test_client(), sign_in(Role.EXAM_OFFICER), sign_in(user=reviewer)
    number = id_number(int(candidate.name.removeprefix("演示考生")))
    client.post(
        "/my-results", data={"name": candidate.name, "id_number": number, "number": registration.admission_number}
    )
    address = f"/my-results/requests/new/{registration.registration_id}"
    assert "最多 5 份" in client.get(address).text
    wanted = {"kind": "check", "subject": "total", "statement": STATEMENT}
    refused = client.post(address, data=wanted | {"files": [(io.BytesIO(b"MZ program"), "证明.pdf")]})
    assert (refused.status_code, "请上传 PDF 或图片" in refused.text) == (422, True)
    assert db.session.query(ScoreReviewFile).count() == 0
    assert client.get(address).text.count("还可提出 1 次") >= 1  # nothing of the refused request was kept
    files = [(io.BytesIO(PDF), "../../张三的证明.txt"), (io.BytesIO(picture()), "现场.png")]
    assert "已提交" in client.post(address, data=wanted | {"files": files}, follow_redirects=True).text
    more = f"/my-results/requests/files/{registration.registration_id}"
    page = client.post(more, data={"files": [(io.BytesIO(PDF), "补充.pdf")]}, follow_redirects=True).text
    assert all(text in page for text in ("材料已提交", "证明材料 3 份", "张三的证明.pdf", "现场.jpg", "补充.pdf"))
    key = request_of(released, 1).score_review_request_id
    shown = officer.get(f"/appeals/{key}").text
    first, second, _third = re.findall(rf'action="(/appeals/{key}/files/[0-9a-f-]{{36}})"', shown)
    assert "张三的证明.pdf" in shown
    got = officer.post(first)
    assert (got.data, got.mimetype, "attachment" in got.headers["Content-Disposition"]) == (
        PDF,
        "application/pdf",
        True,
    )
    photo = officer.post(second).data
    with Image.open(io.BytesIO(photo)) as kept:
        assert (kept.format, kept.size, dict(kept.getexif())) == ("JPEG", (2400, 1200), {})
    assert PLACE.encode() not in photo
    assert marker.post(first).status_code == 404
    act(chief, appeals.accept, key)
    assert f'<option value="{reviewer.user_id}"' in officer.get(f"/appeals/{key}").text
    act(chief, appeals.assign, key, reviewer.user_id)
    assert "张三" not in marker.get(f"/appeals/{key}").text
    assert "张三" not in marker.post(first).headers["Content-Disposition"]
    assert marker.post(first).data == PDF
    assert (
        "不能再添加材料" in client.post(more, data={"files": [(io.BytesIO(PDF), "晚.pdf")]}, follow_redirects=True).text
    )
    assert sign_in(Role.CERTIFICATION_OFFICER).post(first).status_code == 404
    acts = [event.act for event in db.session.query(AuditEvent).order_by(AuditEvent.seq)]
    assert (acts.count("appeal.evidence"), acts.count("appeal.evidence_read")) == (2, 4)
    for row in db.session.query(ScoreReviewFile):
        assert PDF not in row.ciphertext
        assert b"JFIF" not in row.ciphertext


def test_nobody_reaches_files_of_somebody_else_nor_adds_to_a_strangers_request(
    released, chief, other_organisation, make_actor
):
    file(released, 1)
    stranger = person(released, 0)[1].candidate_id
    with pytest.raises(NotFoundError):
        attach(released, 1, [("a.pdf", PDF)], owner=stranger)
    with pytest.raises(ConflictError, match="没有可以添加"):
        attach(released, 0, [("a.pdf", PDF)])
    assert attach(released, 1, [("a.pdf", PDF)]) == 1
    request = request_of(released, 1).score_review_request_id
    row = db.session.query(ScoreReviewFile).one()
    outside = make_actor(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError), unit_of_work(outside) as uow:
        request_files.read_file(uow, request, row.score_review_file_id)
    foreign = Actor(None, other_organisation.organisation_id, "考生本人")
    assert own.file_names(db.session(), foreign, [request]) == {}
    file(released, 2)
    other = request_of(released, 2).score_review_request_id
    with pytest.raises(NotFoundError), unit_of_work(chief) as uow:
        request_files.read_file(uow, other, row.score_review_file_id)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.pdf", b"%PDF-1.7 cut", "不完整"),
        ("a.jpg", b"\xff\xd8\xff broken", "PDF 或图片"),
        ("a.svg", b"<svg onload='x'/>", "PDF 或图片"),
        ("a.pdf", b"%PDF-" + b"0" * request_files.MAX_BYTES, "10 MB"),
    ],
)
def test_what_cannot_be_read_is_refused_whatever_its_name(name, data, message):
    with pytest.raises(InvalidInputError, match=message):
        request_files.kept_form(name, data)


def test_a_request_takes_five_files_and_no_more(released):
    file(released, 1)
    assert attach(released, 1, [(f"{n}.pdf", PDF) for n in range(4)]) == 4
    with pytest.raises(InvalidInputError, match="最多"):
        attach(released, 1, [("5.pdf", PDF), ("6.pdf", PDF)])
    assert attach(released, 1, [("5.pdf", PDF)]) == 1

"""Lists of batches and sessions as workbooks: what the filter shows, audited, without anybody's personal data."""

from __future__ import annotations

import io

import openpyxl
import pytest
from sqlalchemy import select

from exam_delivery.services import batches, list_exports
from exam_delivery.services.batches import BatchPlan
from kernel.audit.models import AuditEvent
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.exam_delivery.world import LEVEL


def rows(answer) -> list[list[object]]:
    assert answer.status_code == 200, answer.text
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


@pytest.fixture
def two_batches(world):
    with unit_of_work(world.officer) as uow:
        batches.create_batch(uow, BatchPlan("2026-02", "第二批", str(LEVEL)))
    world.register(3)
    return world


def test_batches_are_exported_as_the_search_shows_them(two_batches, sign_in):
    client = sign_in(Role.EXAM_OFFICER)
    head, *found = rows(client.post("/exam-batches/export"))
    assert sorted(row[0] for row in found) == ["2026-01", "2026-02"]
    (only,) = rows(client.post("/exam-batches/export", data={"q": "2026-01"}))[1:]
    told = dict(zip(head, only, strict=True))
    assert (told["场次数"], told["报名人数"], told["参考人数"], told["状态"]) == (1, 3, 0, "进行中")


def test_sessions_are_exported_as_the_filter_shows_them(two_batches, sign_in):
    client = sign_in(Role.EXAM_OFFICER)
    head, *found = rows(client.post("/exam-sessions/export", data={"status": "planned"}))
    (told,) = (dict(zip(head, row, strict=True)) for row in found)
    assert (told["场次"], told["批次编号"], told["考生"], told["状态"]) == ("第一场", "2026-01", 3, "编排中")
    assert len(rows(client.post("/exam-sessions/export", data={"status": "released"}))) == 1


def test_no_candidate_is_named_in_an_exported_list_and_the_audit_tells_of_it(two_batches, sign_in):
    client = sign_in(Role.EXAM_OFFICER)
    for path, act in (
        ("/exam-batches/export", "exam_batch.export_list"),
        ("/exam-sessions/export", "exam_session.export_list"),
    ):
        cells = [str(cell) for row in rows(client.post(path)) for cell in row]
        assert not any("演示考生" in cell for cell in cells)
        assert db.session.scalar(select(AuditEvent).where(AuditEvent.act == act)) is not None


def test_another_organisation_exports_nothing_of_ours(two_batches, sign_in, other_organisation):
    stranger = sign_in(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    assert len(rows(stranger.post("/exam-batches/export"))) == 1
    assert len(rows(stranger.post("/exam-sessions/export"))) == 1
    assert sign_in(Role.MARKER).post("/exam-batches/export").status_code == 403


def test_more_than_a_workbook_should_hold_is_refused_with_words(two_batches, monkeypatch):
    monkeypatch.setattr(list_exports, "MOST", 1)
    with pytest.raises(InvalidInputError), unit_of_work(two_batches.officer) as uow:
        list_exports.export_batches(uow, "")


def test_the_button_keeps_the_filter_in_view(two_batches, sign_in):
    client = sign_in(Role.EXAM_OFFICER)
    assert 'name="q" value="2026-01"' in client.get("/exam-batches/?q=2026-01").text
    assert 'name="status" value="planned"' in client.get("/exam-sessions/?status=planned").text

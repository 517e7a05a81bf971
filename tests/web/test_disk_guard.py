"""A disk that fills up, as people meet it: what may wait is refused in words, answers and reading go on."""

from __future__ import annotations

import io
from dataclasses import dataclass

import pytest

from exam_delivery.answering.commands import TouchCommand
from exam_delivery.answering.turns import Ticket
from exam_delivery.answering.writer import Writer
from kernel import disk
from kernel.clock import now
from kernel.disk import MEGABYTE, DiskGuard
from kernel.errors import DomainError
from kernel.identity.permissions import Role
from web.backup.writing import write_backup

SENTENCE = "上传、导入、导出、打印和备份已暂停"


@dataclass
class Disk:
    free: int
    total: int = 10_000 * MEGABYTE


@pytest.fixture
def room(app, monkeypatch) -> Disk:
    """The disk of the application, with 100 MB left."""
    made = Disk(100 * MEGABYTE)
    monkeypatch.setitem(disk._GUARD, "guard", DiskGuard(app.config["KAOKU"], lambda _folder: made))
    return made


def upload(client):
    data = {"file": (io.BytesIO(b"anything"), "items.xlsx")}
    return client.post("/imports/new", data=data, content_type="multipart/form-data")


def test_an_upload_is_refused_in_words_and_accepted_again_when_there_is_room(room, sign_in):
    client = sign_in(Role.EDITOR)
    refused = upload(client)
    assert refused.status_code == 507
    assert SENTENCE in refused.text
    assert "磁盘空间不足" in refused.text
    room.free = 9000 * MEGABYTE
    assert SENTENCE not in upload(client).text


def test_an_export_is_refused_and_reading_goes_on(room, sign_in, organisation):
    client = sign_in(Role.EDITOR)
    assert client.get("/items/").status_code == 200
    assert client.post("/items/export", data={"format": "json"}).status_code == 507


def test_a_script_gets_the_refusal_as_json(room, app):
    with app.test_request_context("/api/v1/items"):
        from web.errors import answer, error_message

        with pytest.raises(DomainError) as refused:
            disk.require_room()
        body = answer(refused.value.error_code, error_message(refused.value), refused.value.http_status, {})
    assert (body.status_code, body.json["error"]) == (507, "disk_short")


def test_a_backup_never_fills_the_disk(room, app, tmp_path):
    with pytest.raises(DomainError, match=SENTENCE):
        write_backup(app.config["KAOKU"], tmp_path / "backup.tar", with_key=False)
    assert list(tmp_path.iterdir()) == []


def test_the_platform_is_told_on_its_home_page_and_the_probe_names_it_but_stays_ready(room, sign_in):
    client = sign_in(Role.PLATFORM_ADMIN)
    assert "剩余 100 MB" in client.get("/").text
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ready", "disk": "short"})
    assert b"kaoku_disk_free_bytes 1.048576e+08" in client.get("/metrics").data
    room.free = 9000 * MEGABYTE
    assert client.get("/readyz").json["disk"] == "plenty"
    assert "磁盘空间不足" not in client.get("/").text


class FullUntilTheReserveIsGone:
    """A storage that says what SQLite says on a full disk, as long as the reserve stands."""

    n_writers = 1

    def __init__(self, guard: DiskGuard) -> None:
        self.guard = guard

    def transaction(self):
        if self.guard.reserve.exists():
            raise OSError(28, "database or disk is full")
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        return None

    def lock_attempts(self, _keys, _slots=()):
        return {}


class Answer(TouchCommand):
    """A command that only says that it was carried out."""

    attempt_id = None

    def __init__(self) -> None: ...

    def run(self, _tx, _attempt, _at):
        return "kept"


def test_the_answer_that_meets_the_full_disk_gives_up_the_reserve_and_is_kept(room, app, tmp_path, monkeypatch):
    guard = disk.guard()
    monkeypatch.setattr(guard, "reserve", tmp_path / "reserve")
    guard.reserve.write_bytes(b"room")
    writer = Writer(FullUntilTheReserveIsGone(guard), now)
    try:
        ticket = Ticket()
        writer.submit(Answer(), ticket)
        assert ticket.result(10) == "kept"
    finally:
        writer.close()
    assert not guard.reserve.exists()

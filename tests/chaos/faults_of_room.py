"""A disk fills up by uploads and then by a stranger while candidates answer: the guard of the disk on a real, small file system."""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask.testing import FlaskClient

from kernel import disk
from kernel.db import db
from kernel.disk import MEGABYTE, DiskGuard, DiskLevel
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.identity.services import open_session
from kernel.spreadsheets import TableSheet, write_table
from kernel.uow import unit_of_work
from tests.chaos.clients import Crowd, sit_in_bulk
from tests.chaos.faults_of_disks import CANNOT_MOUNT, SMALL_LOG, filled, small_disk
from tests.chaos.faults_of_flushes import go_on
from tests.chaos.ledger_office import add_person
from tests.chaos.matrix import N_BULK_SLOTS, SQLITE, Bench, Evidence, fault, under_load
from tests.chaos.sites import Cluster, Site, give_to_postgresql, new_database, serving, wait_for
from web.app import create_app

DISK_MEGABYTES, UPLOAD_MEGABYTES = 640, 12
LIMITS = {"disk_warn_mb": 128, "disk_stop_mb": 96, "disk_reserve_mb": 32}
"""What an administrator of a disk this small would set; with 48 MB left it is full."""
MOST_UPLOADS = DISK_MEGABYTES // UPLOAD_MEGABYTES
N_CANDIDATES = 6
N_ON_THE_RESERVE = 1000
"""So many more answers find room once the reserve was given up."""
SENTENCE = "磁盘空间不足"
STOPPED, MOVED_ON = 507, 303


@dataclass(frozen=True, slots=True)
class Place:
    """A small disk with everything of one installation on it."""

    folder: Path
    site: Site
    client: FlaskClient
    file: bytes
    cluster: Cluster | None

    def upload(self) -> tuple[int, str]:
        """Upload a workbook of questions, as an editor does; return how that ended and what the page says."""
        data = {"file": (io.BytesIO(self.file), "题.xlsx")}
        answer = self.client.post("/imports/new", data=data, content_type="multipart/form-data")
        return answer.status_code, answer.text

    def clear_uploads(self) -> None:
        """Make room, as an administrator does."""
        for original in list(self.site.settings.instance_dir.rglob("original")):
            shutil.rmtree(original.parent)


@fault(
    "F4d",
    "a disk of 640 MB fills up by uploads, then a stranger takes its last byte (where one may be mounted)",
    "uploads are refused first, in words; the reserve is given up; answers go on being saved; with room again all is as before",
    short=0,
    long=4,
)
def disk_fills_up(bench: Bench, tries: int) -> Evidence:
    """On SQLite nobody may notice; PostgreSQL may end itself for want of log, and goes on in the reserve's room."""
    evidence = Evidence()
    file = _workbook()
    for _ in range(tries):  # each on a disk of its own: on a quick machine the answers alone soon fill so small a one
        with small_disk(DISK_MEGABYTES) as folder:
            if folder is None:
                evidence.impossible = CANNOT_MOUNT
                return evidence
            with _installation(bench, folder) as (site, cluster), _editor(site) as client:
                place = Place(folder, site, client, file, cluster)
                with under_load(site, evidence, n=N_CANDIDATES, act=sit_in_bulk, seed=bench.seed) as crowd:
                    _fill_up(place, crowd, evidence)
                    site.engine.dispose()
    if bench.engine == SQLITE:
        evidence.demand(evidence.figures["unanswered"] == 0, f"{evidence.figures['unanswered']} saves were refused")
    return evidence


@contextmanager
def _installation(bench: Bench, folder: Path) -> Iterator[tuple[Site, Cluster | None]]:
    """Run a site whose database, files and log all stand on one small disk."""
    home = folder / "instance"
    home.mkdir()
    wishes = {"n": N_CANDIDATES, "n_slots": N_BULK_SLOTS, "limits": LIMITS}
    if bench.engine == SQLITE:
        with serving(home, f"sqlite:///{folder / 'site.sqlite3'}", **wishes) as site:
            yield site, None
        return
    (folder / "postgresql").mkdir()
    give_to_postgresql(folder / "postgresql")
    cluster = Cluster(folder / "postgresql", options=SMALL_LOG, preparation=["--wal-segsize=1"])
    try:
        with serving(home, new_database(cluster.url, "small"), **wishes) as site:
            yield site, cluster
    finally:
        cluster.close()


@contextmanager
def _editor(site: Site) -> Iterator[FlaskClient]:
    """Give the browser of an editor who is signed in to the staff's side of a site."""
    guards = dict(disk._GUARD)
    app = create_app(site.settings)
    app.config["WTF_CSRF_ENABLED"] = False
    organisation = site.sitting.organisation_id
    try:
        with app.app_context():
            editor = add_person(organisation, "editor", (Role.EDITOR,))
            assert editor.user_id is not None
            with unit_of_work(system_actor(organisation)) as uow:
                signed = open_session(uow, editor.user_id, hours=1, address="127.0.0.1", user_agent="test")
            client = app.test_client()
            client.set_cookie("kaoku_staff", signed.token)
            yield client
            db.session.remove()
            db.engine.dispose()
    finally:
        disk._GUARD.clear()
        disk._GUARD.update(guards)


def _workbook() -> bytes:
    """Return a workbook of one question that is as large as if it were full of pictures."""
    rows = [["安全色中红色表示（　）。", "禁止", "指令", "警告", "提示", "A"]]
    sheet = TableSheet("单选题", ["题干", "选项A", "选项B", "选项C", "选项D", "答案"], rows)
    book = io.BytesIO(write_table([sheet]))
    with zipfile.ZipFile(book, "a") as archive:
        archive.writestr("docProps/thumbnail.bin", os.urandom(UPLOAD_MEGABYTES * MEGABYTE))
    return book.getvalue()


def _fill_up(place: Place, crowd: Crowd, evidence: Evidence) -> None:
    guard = _guard()
    disk.watch()  # what the worker does every few seconds
    evidence.demand(guard.reserve.exists(), "there was room for a reserve, and none was made")
    _upload_until_refused(place, crowd, evidence, guard)
    with filled(place.folder) as fill:
        _give_up(place, guard, fill)
        _answer_on_the_reserve(place, crowd, evidence)
    place.clear_uploads()
    disk.watch()
    state = guard.state()
    evidence.demand(state.has_reserve, "there is room again, and no reserve was made")
    evidence.demand(state.level not in disk.STOPPED, f"there is room again, and the disk is called {state.level}")
    code, _text = place.upload()
    evidence.demand(code == MOVED_ON, f"there is room again, and an upload is answered with {code}")
    place.clear_uploads()


def _upload_until_refused(place: Place, crowd: Crowd, evidence: Evidence, guard: DiskGuard) -> None:
    n, (code, page) = 0, place.upload()
    while code == MOVED_ON and n < MOST_UPLOADS:
        n, (code, page) = n + 1, place.upload()
    evidence.note(uploads=n)
    state = guard.state()
    evidence.note(free_mb_when_refused=state.free_mb)
    evidence.demand(code == STOPPED and SENTENCE in page, f"after {n} uploads one was answered with {code}")
    evidence.demand(n > 0 and state.level is DiskLevel.SHORT, f"refused after {n} uploads with {state.free_mb} MB left")
    evidence.demand(state.has_reserve, "the reserve was given up while there was room for answers")
    crowd.wait_for_progress(N_ON_THE_RESERVE)


def _give_up(place: Place, guard: DiskGuard, fill: Callable[[], None]) -> None:
    """Leave no byte free until the reserve is gone: the process that cannot save an answer gives it up, or the worker."""

    def is_gone() -> bool:
        if not guard.reserve.exists():
            return True
        fill()
        if place.cluster is not None and not place.cluster.is_running():
            disk.watch()  # a PostgreSQL that has ended tells no process that the disk is full; the worker looks
        return False

    wait_for(is_gone, what="the reserve, which is to be given up")


def _answer_on_the_reserve(place: Place, crowd: Crowd, evidence: Evidence) -> None:
    if place.cluster is not None:
        go_on(place.cluster, crowd)
    crowd.wait_for_progress(N_ON_THE_RESERVE)
    code, page = place.upload()
    evidence.demand(code == STOPPED and SENTENCE in page, f"on a full disk an upload was answered with {code}")


def _guard() -> DiskGuard:
    found = disk.guard()
    assert found is not None
    return found

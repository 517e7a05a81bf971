from __future__ import annotations

import io
import json
import shutil
import tarfile
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine, make_url, text

from kernel import audit
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.identity.actor import system_actor
from kernel.identity.models import OrganisationKind
from kernel.identity.repository import find_organisation_by_code, list_organisations
from kernel.identity.services import create_organisation
from kernel.settings import Settings
from kernel.uow import unit_of_work
from web.app import create_app
from web.backup import backup, restore

SECRET = "the root secret of a test, long enough"


def new_organisation(code: str) -> None:
    with unit_of_work(system_actor()) as uow:
        create_organisation(uow, code=code, name=f"演示机构 {code}", kind=OrganisationKind.SOCIAL)


@pytest.fixture
def installation(tmp_path: Path, scratch_database_url: str) -> Iterator[Flask]:
    """A real installation with committed data, a medium and a root secret of its own."""
    folder = tmp_path / "old"
    (folder / "media").mkdir(parents=True)
    (folder / "media" / "picture").write_bytes(b"a picture")
    (folder / "secret_key").write_text(SECRET)
    app = create_app(Settings(instance_dir=folder, database_url=scratch_database_url, secret_key=SECRET))
    with app.app_context():
        new_organisation("KEPT")
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def empty(tmp_path: Path, scratch_database_url: str) -> Iterator[Settings]:
    """Settings of an empty installation on the same engine."""
    folder = tmp_path / "new"
    if scratch_database_url.startswith("sqlite"):
        yield Settings(instance_dir=folder, database_url=f"sqlite:///{folder / 'kaoku.sqlite3'}", secret_key=SECRET)
        return
    name = f"restored_{uuid.uuid4().hex[:12]}"
    admin = create_engine(scratch_database_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = make_url(scratch_database_url).set(database=name).render_as_string(hide_password=False)
    yield Settings(instance_dir=folder, database_url=url, secret_key=SECRET)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def organisation_codes(settings: Settings) -> list[str]:
    app = create_app(settings)
    with app.app_context():
        codes = [row.code for row in list_organisations(db.session())]
        assert audit.verify(db.session()).broken is None
        db.session.remove()
        db.engine.dispose()
    return codes


def test_a_restored_installation_has_the_rows_the_files_the_secret_and_a_whole_audit_chain(
    installation, empty, tmp_path
):
    out = tmp_path / "backup.tar"
    backup(installation, out)
    restore(empty, out)
    assert (empty.instance_dir / "media" / "picture").read_bytes() == b"a picture"
    assert (empty.instance_dir / "secret_key").read_text() == SECRET
    assert organisation_codes(empty) == ["KEPT"]


def test_the_database_still_refuses_to_change_audit_events_after_a_restore(installation, empty, tmp_path):
    backup(installation, tmp_path / "backup.tar")
    restore(empty, tmp_path / "backup.tar")
    engine = create_engine(empty.database_url)
    with engine.connect() as connection, pytest.raises(Exception, match="append-only"):
        connection.execute(text("DELETE FROM audit_events"))
    engine.dispose()


def test_a_backup_taken_while_people_work_is_one_consistent_moment(installation, empty, tmp_path):
    stop = threading.Event()

    def work() -> None:
        n = 0
        with installation.app_context():
            while not stop.is_set():
                new_organisation(f"BUSY-{n}")
                n += 1
            db.session.remove()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        backup(installation, tmp_path / "backup.tar")
    finally:
        stop.set()
        worker.join()
    restore(empty, tmp_path / "backup.tar")
    kept = organisation_codes(empty)
    n_busy = len([code for code in kept if code.startswith("BUSY")])
    assert sorted(kept) == sorted(["KEPT", *(f"BUSY-{n}" for n in range(n_busy))])


def test_a_backup_is_readable_by_its_owner_alone_and_never_overwritten(installation, tmp_path):
    out = tmp_path / "backup.tar"
    backup(installation, out)
    assert out.stat().st_mode & 0o077 == 0
    with pytest.raises(ConflictError, match="已存在"):
        backup(installation, out)
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".kaoku-backup-")]


def test_a_backup_into_a_missing_folder_says_so(installation, tmp_path):
    with pytest.raises(InvalidInputError, match="不存在"):
        backup(installation, tmp_path / "nowhere" / "backup.tar")


def test_an_installation_with_data_is_not_overwritten(installation, tmp_path):
    out = tmp_path / "backup.tar"
    backup(installation, out)
    with pytest.raises(ConflictError, match="不是空的"):
        restore(installation.config["KAOKU"], out)
    assert find_organisation_by_code(db.session(), "KEPT")


def test_the_other_engine_is_refused(installation, empty, tmp_path):
    out = tmp_path / "backup.tar"
    backup(installation, out)
    with tarfile.open(out) as archive:
        names = archive.getnames()
    assert names[-1] == "manifest.json"
    other = {"sqlite": "postgresql", "postgresql": "sqlite"}
    rewrite(out, lambda manifest: manifest | {"engine": other[manifest["engine"]]})
    with pytest.raises(ConflictError, match="同类数据库"):
        restore(empty, out)


def rewrite(path: Path, change) -> None:
    """Change the manifest of a backup."""
    old = path.with_suffix(".old")
    shutil.move(path, old)
    with tarfile.open(old) as source, tarfile.open(path, "w") as target:
        for member in source.getmembers():
            data = source.extractfile(member).read()
            if member.name == "manifest.json":
                data = json.dumps(change(json.loads(data))).encode()
                member.size = len(data)
            target.addfile(member, io.BytesIO(data))


def test_a_damaged_backup_restores_nothing(installation, empty, tmp_path):
    out = tmp_path / "backup.tar"
    backup(installation, out)
    rewrite(out, lambda manifest: manifest | {"digests": dict.fromkeys(manifest["digests"], "0" * 64)})
    with pytest.raises(InvalidInputError, match="已损坏"):
        restore(empty, out)
    assert not (empty.instance_dir / "media").exists()


@pytest.mark.parametrize("content", [b"", b"not a backup at all", b"PK\x03\x04"])
def test_what_is_no_backup_is_refused_in_words(empty, tmp_path, content):
    file = tmp_path / "other.tar"
    file.write_bytes(content)
    with pytest.raises(InvalidInputError, match="不是考库的备份文件"):
        restore(empty, file)


@pytest.mark.parametrize("name", ["../../escaped", "/tmp/kaoku-escaped", "link/escaped"])
def test_a_hostile_archive_writes_nothing_outside(empty, tmp_path, name):
    file = tmp_path / "hostile.tar"
    with tarfile.open(file, "w") as archive:
        if name.startswith("link"):
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
            archive.addfile(link)
        member = tarfile.TarInfo(name)
        member.size = 4
        archive.addfile(member, io.BytesIO(b"evil"))
    with pytest.raises(InvalidInputError, match="不是考库的备份文件"):
        restore(empty, file)
    assert not list(tmp_path.rglob("escaped"))
    assert not Path("/tmp/kaoku-escaped").exists()


def test_another_root_secret_in_the_environment_is_refused_before_anything_happens(installation, empty, tmp_path):
    out = tmp_path / "backup.tar"
    backup(installation, out)
    with pytest.raises(ConflictError, match="KAOKU_SECRET_KEY"):
        restore(replace(empty, secret_key="another secret than the one of the backup"), out)
    assert not (empty.instance_dir / "media").exists()

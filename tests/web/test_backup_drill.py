"""Restore drills: what they prove, and that they leave nothing behind."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from kernel import audit
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.identity.actor import system_actor
from kernel.settings import Settings
from kernel.uow import unit_of_work
from web.app import create_app
from web.backup import backup, drill
from web.backup.command import rehearse

SECRET = "the root secret of a test, long enough"


@pytest.fixture
def installation(tmp_path: Path, scratch_database_url: str):
    folder = tmp_path / "old"
    app: Flask = create_app(Settings(instance_dir=folder, database_url=scratch_database_url, secret_key=SECRET))
    with app.app_context():
        with unit_of_work(system_actor()) as uow:
            audit.record(uow, "organisation.create", "organisation", "one", after={"code": "KEPT"})
            audit.record(uow, "organisation.update", "organisation", "one", after={"code": "KEPT"})
        yield app
        db.session.remove()
        db.engine.dispose()


def settings_of(app: Flask) -> Settings:
    settings: Settings = app.config["KAOKU"]
    return settings


def databases(settings: Settings) -> list[str]:
    """Return the databases of the server, or the files beside the embedded one."""
    if settings.is_sqlite:
        return sorted(str(file) for file in settings.instance_dir.rglob("*"))
    engine = create_engine(settings.database_url)
    with engine.connect() as connection:
        rows = list(connection.scalars(text("SELECT datname FROM pg_database WHERE datname LIKE 'kaoku_drill_%'")))
    engine.dispose()
    return rows


def test_a_drill_proves_files_key_database_rows_and_audit_chain_beside_the_running_installation(installation, tmp_path):
    settings = settings_of(installation)
    backup(installation, tmp_path / "backup.tar")
    before = databases(settings)
    report = drill.drill(settings, tmp_path / "backup.tar")
    assert [proof.name for proof in report.proofs if not proof.ok] == []
    assert [proof.name for proof in report.proofs] == ["文件", "主密钥", "数据库", "行数", "审计链"]
    assert "2 条" in report.proofs[-1].text
    assert databases(settings) == before


class TestOnTheEmbeddedDatabase:
    """What does not differ by engine, and copies changed behind the manifest's back, which only a file allows."""

    @pytest.fixture
    def scratch_database_url(self, embedded_database_url: str) -> str:
        return embedded_database_url

    def test_a_drill_says_that_the_key_kept_apart_is_the_right_or_the_wrong_one(self, installation, tmp_path):
        settings = settings_of(installation)
        backup(installation, tmp_path / "backup.tar", keys=tmp_path / "keys")
        assert drill.drill(settings, tmp_path / "backup.tar", keys=tmp_path / "keys").ok
        (tmp_path / "wrong").write_text("another secret than the one of the backup")
        report = drill.drill(settings, tmp_path / "backup.tar", keys=tmp_path / "wrong")
        assert [proof.name for proof in report.proofs if not proof.ok] == ["主密钥"]

    def test_a_damaged_backup_fails_before_anything_is_loaded(self, installation, tmp_path):
        out = tmp_path / "backup.tar"
        backup(installation, out)
        out.write_bytes(out.read_bytes()[:-20_000])
        with pytest.raises(InvalidInputError):
            drill.drill(settings_of(installation), out)

    def test_the_command_prints_every_proof_and_writes_the_report(self, installation, tmp_path, capsys):
        backup(installation, tmp_path / "backup.tar")
        settings, report = settings_of(installation), tmp_path / "report.json"
        assert rehearse(settings, tmp_path / "backup.tar", keys=None, passphrase="", report=report)
        assert capsys.readouterr().out.count("ok  ") == 5
        assert json.loads(report.read_text("utf-8"))["ok"] is True

    @pytest.mark.parametrize(
        ("statements", "failed"),
        [
            (["DROP TRIGGER audit_events_no_update", "UPDATE audit_events SET act = 'x' WHERE seq = 1"], ["审计链"]),
            (["DROP TRIGGER audit_events_no_delete", "DELETE FROM audit_events WHERE seq = 2"], ["行数", "审计链"]),
            (["DELETE FROM audit_heads"], ["行数"]),
        ],
    )
    def test_rows_that_were_changed_or_taken_out_are_noticed(
        self, installation, tmp_path, monkeypatch, statements, failed
    ):
        real = drill.load

        def tampering(place, copy):
            with sqlite3.connect(copy) as connection:
                for statement in statements:
                    connection.execute(statement)
            connection.close()
            real(place, copy)

        backup(installation, tmp_path / "backup.tar")
        monkeypatch.setattr(drill, "load", tampering)
        report = drill.drill(settings_of(installation), tmp_path / "backup.tar")
        assert [proof.name for proof in report.proofs if not proof.ok] == failed

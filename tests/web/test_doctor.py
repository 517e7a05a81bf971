from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from click.testing import CliRunner

from kernel import audit, disk
from kernel.audit.models import AuditHead
from kernel.clock import now, shifted
from kernel.db import db
from kernel.disk import DiskGuard
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.jobs import enqueue
from kernel.jobs.models import Job, JobStatus, WorkerHeartbeat
from kernel.jobs.worker import beat
from kernel.uow import unit_of_work
from kernel.working_days import LAST_KNOWN_YEAR
from web import doctor
from web.backup import schedule
from web.checks import data, installation, running
from web.checks.finding import Level, Look, scalar
from web.cli import cli

SWITCHES = ("fsync", "full_page_writes", "synchronous_commit")
ROOM = SimpleNamespace(free=9 * 1024**3, total=10 * 1024**3)


@pytest.fixture
def checks(app, monkeypatch):
    """Run the checks on an installation in order: newest schema, clock in step, room on the disk, private folder.

    The cluster under test keeps nothing safe, for speed: the switches answer as those of a safe one do.
    """
    guard = DiskGuard(app.config["KAOKU"], lambda _folder: ROOM)
    monkeypatch.setattr(data, "revisions", lambda: ("0001_newest", "0001_newest"))
    monkeypatch.setattr(running, "is_synchronised", lambda: True)
    monkeypatch.setitem(disk._GUARD, "guard", guard)
    monkeypatch.setattr(data, "scalar", answering(dict.fromkeys(SWITCHES, "on")))
    guard.settings.instance_dir.chmod(0o700)

    def run() -> dict[str, doctor.Check]:
        return {check.code: check for check in doctor.run_checks(app)}

    return run


@pytest.fixture
def with_settings(app, monkeypatch):
    def change(**changes) -> None:
        monkeypatch.setitem(app.config, "KAOKU", replace(app.config["KAOKU"], **changes))

    return change


def answering(switches: dict[str, str]) -> Callable[[str], Any]:
    """Ask the database everything but how its switches stand."""
    return lambda query: switches.get(query.removeprefix("SHOW ")) or scalar(query)


def act() -> None:
    with unit_of_work(system_actor()) as uow:
        audit.record(uow, "organisation.create", "organisation", "one")


def test_a_sound_installation_passes_every_check(checks, tmp_path, with_settings):
    beat()
    act()
    found = checks()
    assert [check for check in found.values() if not check.ok] == []
    assert set(found) == {
        "settings", "transport", "secret", "permissions", "fonts", "solver", "database", "migrations", "audit", "backups",
        "clock", "disk", "worker",
    }  # fmt: skip


def test_whatever_is_not_in_order_says_how_to_mend_it(checks):
    assert all(check.mend for check in checks().values() if check.level is not Level.OK)


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_postgresql_that_may_lose_what_it_acknowledged_is_named(checks, monkeypatch, switch):
    answers = dict.fromkeys(SWITCHES, "on") | {switch: "off", "server_version_num": "150020", "server_version": "15.20"}
    monkeypatch.setattr(data, "is_sqlite", lambda: False)
    monkeypatch.setattr(data, "scalar", answering(answers))
    found = data.check_database()
    assert found.level is Level.FAIL
    assert f"{switch} = off" in found.text
    assert "postgresql.conf" in found.mend


@pytest.mark.parametrize(
    ("changes", "level", "word"),
    [
        ({}, Level.OK, ""),
        ({"public_url": "https://a.cn", "secure_cookies": False}, Level.FAIL, "KAOKU_SECURE_COOKIES"),
        ({"public_url": "https://a.cn", "secure_cookies": True}, Level.WARN, "KAOKU_TRUSTED_PROXIES"),
        ({"public_url": "https://a.cn", "secure_cookies": True, "trusted_proxies": 1}, Level.OK, ""),
        ({"public_url": "https://a.cn", "secure_cookies": True, "trusted_proxies": 1, "bind": "0.0.0.0:80"}, Level.WARN,
         "KAOKU_BIND"),
        ({"secure_cookies": True}, Level.WARN, "KAOKU_PUBLIC_URL"),
        ({"bind": "0.0.0.0:8000", "public_url": "http://10.0.0.2"}, Level.WARN, "https"),
    ],
)  # fmt: skip
def test_tls_cookies_proxies_and_address_are_held_against_each_other(checks, with_settings, changes, level, word):
    with_settings(**changes)
    found = checks()["transport"]
    assert found.level is level
    assert word in found.mend


def test_a_root_secret_that_somebody_typed_or_that_others_can_read_is_a_failure(checks, with_settings, tmp_path):
    with_settings(secret_key="abcabcabc" * 5)
    assert checks()["secret"].level is Level.FAIL
    secret = "Zx81-qwertyuiop-0123456789-asdfgh-KLM"
    (tmp_path / "secret_key").write_text(secret)
    (tmp_path / "secret_key").chmod(0o644)
    with_settings(secret_key=secret, instance_dir=tmp_path)
    assert "chmod 600" in checks()["secret"].mend
    (tmp_path / "secret_key").chmod(0o600)
    assert checks()["secret"].level is Level.OK
    with_settings(secret_key=secret[::-1])
    assert checks()["secret"].level is Level.WARN


def test_folders_that_other_users_can_look_into_are_named(checks, with_settings, tmp_path):
    tmp_path.chmod(0o755)
    with_settings(instance_dir=tmp_path)
    found = checks()["permissions"]
    assert found.level is Level.WARN
    assert str(tmp_path) in found.mend


def test_a_worker_that_never_ran_and_one_that_fell_silent_are_told_apart(checks):
    assert "从未运行" in checks()["worker"].text
    with unit_of_work(system_actor()) as uow:
        uow.add(WorkerHeartbeat(name="kaoku-worker", at=now() - timedelta(minutes=5), process_id=1))
    found = checks()["worker"]
    assert not found.ok
    assert "没有响应" in found.text
    assert "kaoku worker" in found.mend


def test_a_job_that_waits_for_long_is_a_warning(checks):
    with shifted(timedelta(minutes=-40)), unit_of_work(system_actor()) as uow:
        enqueue(uow, "example", {})
    beat()
    assert checks()["worker"].level is Level.WARN
    assert "40 分钟" in checks()["worker"].text


def test_an_old_schema_is_named_with_the_command_that_mends_it(checks, monkeypatch):
    monkeypatch.setattr(data, "revisions", lambda: ("0001_old", "0002_new"))
    found = checks()["migrations"]
    assert not found.ok
    assert "kaoku db upgrade" in found.mend


@pytest.mark.parametrize(("free_mb", "level"), [(9000, Level.WARN), (4000, Level.WARN), (500, Level.FAIL)])
def test_room_on_the_disk_and_the_missing_reserve(app, checks, monkeypatch, free_mb, level):
    room = SimpleNamespace(free=free_mb * 1024**2, total=10 * 1024**3)
    monkeypatch.setitem(disk._GUARD, "guard", DiskGuard(app.config["KAOKU"], lambda _folder: room))
    assert checks()["disk"].level is level


def test_an_audit_chain_whose_head_does_not_fit_is_a_failure(checks):
    act()
    assert checks()["audit"].level is Level.OK
    with unit_of_work(system_actor()) as uow:
        uow.session.get(AuditHead, 1).event_hash = "0" * 64
    found = checks()["audit"]
    assert found.level is Level.FAIL
    assert "kaoku audit verify" in found.mend


def test_the_end_of_a_long_chain_is_checked_from_where_it_links_to_the_rest(app):
    for _ in range(4):
        act()
    for n_events in (1, 3, 4, 9):
        result = audit.verify_end(db.session(), n_events)
        assert (result.n_events, result.broken) == (4, None)


def test_backups_go_from_missing_over_fresh_to_stale(checks, with_settings, tmp_path):
    act()
    assert checks()["backups"].level is Level.WARN
    (tmp_path / "own.tar").write_bytes(b"content")
    schedule.note_backup(tmp_path / "own.tar", 1.0)
    found = checks()["backups"]
    assert found.level is Level.WARN
    assert "恢复演练" in found.mend
    with shifted(timedelta(days=3)):
        assert checks()["backups"].level is Level.FAIL


@pytest.mark.postgresql
@pytest.mark.parametrize(("said", "is_well"), [("12.22 (Debian)", False), ("99.1", True), ("", False)])
def test_a_copying_program_older_than_the_server_is_named_before_the_first_backup_fails(
    checks, monkeypatch, tmp_path, said, is_well
):
    program = tmp_path / "pg_dump"
    program.write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {said}'\n")
    program.chmod(0o755)
    monkeypatch.setattr(data.shutil, "which", lambda _name: str(program))
    check = checks()["backups"]
    assert ("不能备份" in check.text) is not is_well
    assert (check.level is Level.FAIL) is not is_well


def test_an_installation_without_any_backup_for_days_is_a_failure(checks):
    act()
    with shifted(timedelta(days=3)):
        assert checks()["backups"].level is Level.FAIL


def test_a_failed_backup_is_a_failure(checks):
    with unit_of_work(system_actor()) as uow:
        enqueue(uow, schedule.BACKUP_JOB, {}).status = JobStatus.FAILED
    assert not checks()["backups"].ok
    with unit_of_work(system_actor()) as uow:
        uow.session.query(Job).delete()


def test_a_clock_that_no_time_server_steers_is_a_warning(checks, monkeypatch):
    monkeypatch.setattr(running, "is_synchronised", lambda: False)
    assert checks()["clock"].level is Level.WARN


def test_the_kernel_answers_about_its_clock():
    assert running.is_synchronised() in {True, False, None}


def test_a_calendar_that_has_ended_is_a_failure(checks):
    with time_machine.travel("2099-06-01T00:00:00Z", tick=True):
        assert not checks()["clock"].ok


@pytest.mark.parametrize(("day", "level"), [("10-31", Level.OK), ("11-02", Level.WARN)])
def test_a_calendar_that_ends_with_the_year_is_announced_from_november_on(checks, monkeypatch, day, level):
    monkeypatch.setattr(running, "_database_time", lambda: now().timestamp())
    with time_machine.travel(f"{LAST_KNOWN_YEAR}-{day}T00:00:00Z", tick=True):
        found = checks()["clock"]
    assert found.level is level
    assert (str(LAST_KNOWN_YEAR + 1) in found.mend) is (level is Level.WARN)


def test_a_missing_font_or_solver_is_a_failure(checks, monkeypatch):
    monkeypatch.setattr(installation, "FONT_PACKAGE", "no_such_package_of_fonts")
    monkeypatch.setattr(installation, "SOLVER_PACKAGE", "no_such_solver")
    found = checks()
    assert not found["fonts"].ok
    assert not found["solver"].ok


def test_a_check_that_breaks_is_a_failed_check_not_a_broken_report(checks, monkeypatch):
    def broken():
        raise OSError("the disk is gone")

    monkeypatch.setattr(doctor, "CHECKS", (Look("disk", "磁盘", broken),))
    found = checks()["disk"]
    assert not found.ok
    assert "the disk is gone" in found.text


@pytest.fixture
def run_command(app, checks, monkeypatch):
    """Run the command on the application under test, which its own start would replace."""
    monkeypatch.setattr("web.cli.LazyApp.get", lambda _lazy: app)
    return lambda *arguments: CliRunner().invoke(cli, ["doctor", *arguments])


def test_the_command_prints_a_line_a_check_and_ends_with_1_when_something_fails(run_command, tmp_path):
    done = run_command("--report", str(tmp_path / "report.json"))
    assert done.exit_code == 1, "no worker runs"
    lines = done.output.strip().splitlines()
    assert len(lines) == len(doctor.CHECKS)
    assert all(text[:4] in {"ok  ", "warn", "FAIL"} for text in lines)
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert report["ok"] is False
    assert {"code", "name", "level", "ok", "text", "mend"} == set(report["checks"][0])


def test_the_command_ends_with_0_when_there_are_warnings_at_most_and_speaks_json(run_command):
    beat()
    act()
    done = run_command("--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["ok"] is True


def test_the_platform_sees_the_state_and_others_do_not(checks, sign_in):
    page = sign_in(Role.PLATFORM_ADMIN).get("/system/")
    assert page.status_code == 200
    assert "任务队列" in page.text
    assert "处理：" in page.text
    assert db.engine.dialect.name in page.text.lower()
    assert sign_in(Role.ORGANISATION_ADMIN).get("/system/").status_code == 403


def test_a_new_instance_folder_is_private(tmp_path):
    from kernel.settings import Settings

    Settings.from_env({"KAOKU_INSTANCE_DIR": str(tmp_path / "fresh")})
    assert (tmp_path / "fresh").stat().st_mode & 0o077 == 0

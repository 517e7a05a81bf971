from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from kernel.clock import now
from kernel.db import db
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.jobs.models import WorkerHeartbeat
from kernel.jobs.worker import beat
from kernel.uow import unit_of_work
from web import doctor


@pytest.fixture
def checks(app, monkeypatch):
    monkeypatch.setattr(doctor, "revisions", lambda: ("0001_newest", "0001_newest"))

    def run() -> dict[str, doctor.Check]:
        return {check.name: check for check in doctor.run_checks(app)}

    return run


def test_a_sound_installation_passes_every_check(app, checks):
    beat()
    failed = [check for check in checks().values() if not check.ok]
    assert failed == []


def test_a_worker_that_never_ran_and_one_that_fell_silent_are_told_apart(app, checks):
    assert "从未运行" in checks()["任务进程"].text
    with unit_of_work(system_actor()) as uow:
        uow.add(WorkerHeartbeat(name="kaoku-worker", at=now() - timedelta(minutes=5), process_id=1))
    found = checks()["任务进程"]
    assert not found.ok
    assert "没有响应" in found.text


def test_an_old_schema_is_named_with_the_command_that_mends_it(app, checks, monkeypatch):
    monkeypatch.setattr(doctor, "revisions", lambda: ("0001_old", "0002_new"))
    found = checks()["数据库结构"]
    assert not found.ok
    assert "kaoku db upgrade" in found.text


def test_too_little_room_on_the_disk_is_a_failure(app, checks, monkeypatch):
    monkeypatch.setattr(doctor, "MIN_FREE_BYTES", 10**18)
    assert not checks()["磁盘"].ok


def test_a_calendar_that_has_ended_is_a_failure(app, checks):
    with time_machine.travel("2099-06-01T00:00:00Z", tick=True):
        assert not checks()["时钟"].ok


def test_a_missing_font_is_a_failure(app, checks, monkeypatch):
    monkeypatch.setattr(doctor, "FONT_PACKAGE", "no_such_package_of_fonts")
    assert not checks()["字体"].ok


def test_a_check_that_breaks_is_a_failed_check_not_a_broken_report(app, checks, monkeypatch):
    def broken():
        raise OSError("the disk is gone")

    monkeypatch.setattr(doctor, "CHECKS", (("磁盘", broken),))
    found = checks()["磁盘"]
    assert not found.ok
    assert "the disk is gone" in found.text


def test_the_platform_sees_the_state_and_others_do_not(checks, sign_in):
    page = sign_in(Role.PLATFORM_ADMIN).get("/system/")
    assert page.status_code == 200
    assert "任务队列" in page.text
    assert db.engine.dialect.name in page.text.lower()
    assert sign_in(Role.ORGANISATION_ADMIN).get("/system/").status_code == 403

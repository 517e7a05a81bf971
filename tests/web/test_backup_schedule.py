"""Backups that make themselves, what is kept of them, and the page that tells."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from kernel import audit
from kernel.audit.models import AuditEvent
from kernel.clock import now, shifted
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.jobs.models import Job, JobStatus
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from web.backup import schedule
from web.backup.archive import Manifest, check_archive, write_archive
from web.backup.drill import DrillReport, Proof

HEAD = {"engine": "sqlite", "program": "1", "created_at": "2026-11-22T00:00:00.000Z"}


@pytest.fixture
def chosen(app, tmp_path, monkeypatch):
    """The application keeps its backups in a folder of this test; copying a database is proved elsewhere."""
    changed = replace(app.config["KAOKU"], backup_dir=str(tmp_path / "kept"), backup_keep=3)
    monkeypatch.setitem(app.config, "KAOKU", changed)
    written = []

    def write(_settings, out, *, with_key, passphrase="") -> Manifest:
        written.append(with_key)
        note = tmp_path / "note"
        note.write_text("content")
        return write_archive(out, HEAD, [("instance/note", note)], passphrase=passphrase)

    monkeypatch.setattr(schedule, "write_backup", write)
    yield changed
    assert not any(written), "a scheduled backup must never hold the root secret"


def begin_chain() -> None:
    with unit_of_work(system_actor()) as uow:
        audit.record(uow, "organisation.create", "organisation", "one")


def backup_jobs() -> list[Job]:
    return list(db.session.scalars(select(Job).where(Job.name == schedule.BACKUP_JOB)))


def run_scheduled() -> JobStatus:
    schedule.request_when_due()
    (job,) = [job for job in backup_jobs() if job.status is JobStatus.WAITING]
    return run_job(job.job_id)


def test_a_new_installation_gets_its_first_backup_after_an_hour(chosen):
    begin_chain()
    schedule.request_when_due()
    assert backup_jobs() == []
    with shifted(timedelta(minutes=61)):
        schedule.request_when_due()
    assert len(backup_jobs()) == 1


def test_an_installation_that_recorded_acts_of_the_past_is_as_old_as_its_root_secret(
    app, chosen, monkeypatch, tmp_path
):
    with shifted(timedelta(days=-30)):
        begin_chain()
    (tmp_path / "secret_key").write_text("made just now")
    monkeypatch.setitem(app.config, "KAOKU", replace(chosen, instance_dir=tmp_path))
    schedule.request_when_due()
    assert backup_jobs() == []


def test_the_next_one_is_due_an_interval_after_the_last_and_not_before(chosen):
    begin_chain()
    with shifted(timedelta(hours=2)):
        assert run_scheduled() is JobStatus.DONE
    for hours, expected in ((25, 1), (26.1, 2)):
        with shifted(timedelta(hours=hours)):
            schedule.request_when_due()
        assert len(backup_jobs()) == expected


def test_a_failed_try_is_repeated_after_an_interval_and_not_every_five_minutes(chosen, monkeypatch):
    def refuse(*_args, **_options):
        raise InvalidInputError("磁盘不可写")

    begin_chain()
    monkeypatch.setattr(schedule, "write_backup", refuse)
    with shifted(timedelta(hours=2)):
        assert run_scheduled() is JobStatus.FAILED
        schedule.request_when_due()
    assert len(backup_jobs()) == 1


def test_zero_hours_make_no_backups(app, chosen, monkeypatch):
    monkeypatch.setitem(app.config, "KAOKU", replace(chosen, backup_hours=0))
    begin_chain()
    with shifted(timedelta(days=30)):
        schedule.request_when_due()
    assert backup_jobs() == []


def test_a_backup_written_by_hand_counts(app, chosen, tmp_path):
    begin_chain()
    (tmp_path / "own.tar").write_bytes(b"content")
    with shifted(timedelta(hours=2)):
        schedule.note_backup(tmp_path / "own.tar", 1.0)
    with shifted(timedelta(hours=3)):
        schedule.request_when_due()
    assert backup_jobs() == []


def test_only_the_newest_are_kept_and_files_of_other_names_stay(chosen):
    begin_chain()
    chosen.backup_folder.mkdir()
    (chosen.backup_folder / "own.tar").write_bytes(b"mine")
    for day in range(1, 6):
        with shifted(timedelta(days=day, hours=1)):
            assert run_scheduled() is JobStatus.DONE
    kept = schedule.kept_backups(chosen)
    assert len(kept) == 3
    assert (chosen.backup_folder / "own.tar").exists()
    assert all(check_archive(file) for file in kept)


def test_a_backup_that_does_not_read_back_fails_and_pushes_nothing_out(chosen, monkeypatch):
    begin_chain()
    with shifted(timedelta(hours=2)):
        run_scheduled()
    good = schedule.kept_backups(chosen)
    monkeypatch.setattr(schedule, "write_backup", lambda _settings, out, **_options: out.write_bytes(b"half a file"))
    with shifted(timedelta(days=3)):
        assert run_scheduled() is JobStatus.FAILED
    assert schedule.kept_backups(chosen) == good


def test_a_worker_that_died_after_writing_takes_its_own_file_up_again(chosen, monkeypatch):
    begin_chain()
    with shifted(timedelta(hours=2)):
        schedule.request_when_due()
    (job,) = backup_jobs()
    with monkeypatch.context() as dying:
        dying.setattr(schedule, "check_archive", lambda *_a, **_o: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            run_job(job.job_id)
    assert run_job(job.job_id) is JobStatus.DONE
    assert len(schedule.kept_backups(chosen)) == 1
    events = db.session.scalars(select(AuditEvent).where(AuditEvent.act == schedule.BACKUP_ACT)).all()
    assert len(events) == 1


def test_the_page_lists_backups_and_warns_when_none_is_fresh_or_none_was_ever_restored(chosen, sign_in):
    begin_chain()
    client = sign_in(Role.PLATFORM_ADMIN)
    assert "还没有备份。" in client.get("/system/backups/").text
    with shifted(timedelta(hours=2)):
        run_scheduled()
    page = client.get("/system/backups/").text
    assert schedule.kept_backups(chosen)[0].name in page
    assert "还没有做过恢复演练" in page
    with unit_of_work(system_actor()) as uow:
        uow.session.query(Job).delete()
    with shifted(timedelta(days=4)):
        assert "天前。请点“立即备份”" in find_stale()


def find_stale() -> str:
    from web.pages.backups import find_warnings

    return "".join(find_warnings(schedule.settings_now()))


def test_the_platform_asks_for_a_backup_and_a_drill_and_nobody_else_may(chosen, sign_in):
    begin_chain()
    with shifted(timedelta(hours=2)):
        run_scheduled()
    name = schedule.kept_backups(chosen)[0].name
    client = sign_in(Role.PLATFORM_ADMIN)
    assert client.post("/system/backups/").status_code == 303
    assert client.post(f"/system/backups/{name}/drill").status_code == 303
    assert client.post("/system/backups/kaoku-20200101T000000Z-00000000.tar/drill").status_code == 404
    assert client.post("/system/backups/..%2Fsecret_key/drill").status_code == 404
    other = sign_in(Role.ORGANISATION_ADMIN)
    assert other.get("/system/backups/").status_code == 403
    assert other.post("/system/backups/").status_code == 403
    assert other.post(f"/system/backups/{name}/drill").status_code == 403


def test_a_drill_as_a_job_is_kept_with_what_it_proved(chosen, sign_in, monkeypatch):
    begin_chain()
    with shifted(timedelta(hours=2)):
        run_scheduled()
    file = schedule.kept_backups(chosen)[0]
    proof = Proof("行数", ok=True, template="%(n)s 行", context={"n": 7})
    found = DrillReport(file.name, "", "1", "sqlite", 1.5, (proof,))
    monkeypatch.setattr(schedule, "drill", lambda *_a, **_o: found)
    with unit_of_work(system_actor()) as uow:
        job = schedule.request_drill(uow, uow.actor, file.name)
    assert run_job(job.job_id) is JobStatus.DONE
    page = sign_in(Role.PLATFORM_ADMIN).get("/system/backups/").text
    assert "行数: 7 行" in page
    assert "可以恢复" in page
    assert "还没有做过恢复演练" not in page


def test_only_the_owner_reads_the_folder_and_the_audit_learns_name_size_and_time_alone(chosen):
    begin_chain()
    with shifted(timedelta(hours=2)):
        run_scheduled()
    event = db.session.scalar(select(AuditEvent).where(AuditEvent.act == schedule.BACKUP_ACT))
    assert set(event.details["after"]) == {"name", "bytes", "seconds"}
    assert chosen.backup_folder.stat().st_mode & 0o077 == 0
    assert event.at > now()

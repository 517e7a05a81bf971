"""2,000 jobs, 20 kills of the whole worker with SIGKILL, every effect exactly once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from kernel.db import db
from kernel.identity.actor import system_actor
from kernel.jobs import enqueue
from kernel.settings import Settings
from kernel.uow import unit_of_work
from web.app import create_app

N_JOBS, N_KILLS = 2000, 20
SCRIPT = Path(__file__).with_name("killable_worker.py")


@pytest.fixture
def installation(tmp_path, scratch_database_url):
    settings = Settings(instance_dir=tmp_path, database_url=scratch_database_url, secret_key="k" * 40)
    app = create_app(settings)
    with app.app_context():
        with unit_of_work(system_actor()) as uow:
            uow.session.execute(text("CREATE TABLE effects (number INTEGER NOT NULL)"))
            for number in range(N_JOBS):
                enqueue(uow, "test.effect", {"number": number}, title=f"effect {number}")
        yield settings
        db.session.remove()
        db.engine.dispose()


def start(settings):
    arguments = [sys.executable, str(SCRIPT), str(settings.instance_dir), settings.database_url]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[2])}
    return subprocess.Popen(arguments, env=environment, start_new_session=True, stderr=subprocess.DEVNULL)


def counts(engine):
    with engine.connect() as connection:
        total = connection.scalar(text("SELECT count(*) FROM effects"))
        distinct = connection.scalar(text("SELECT count(DISTINCT number) FROM effects"))
    return total, distinct


@pytest.mark.slow
def test_every_job_has_its_effect_once_however_often_the_worker_is_killed(installation):
    engine = create_engine(installation.database_url)
    chance = random.Random(7)
    n_kills, deadline = 0, time.monotonic() + 900
    while n_kills < N_KILLS:
        before = counts(engine)[0]
        process = start(installation)
        while counts(engine)[0] < before + 20 and time.monotonic() < deadline:  # it must be at work when it dies
            time.sleep(0.02)
        time.sleep(chance.random() * 0.2)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        n_kills += 1
    process = start(installation)
    try:
        while counts(engine)[0] < N_JOBS and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(1)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)
    assert counts(engine) == (N_JOBS, N_JOBS)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM jobs WHERE status <> 'done'")) == 0
    engine.dispose()

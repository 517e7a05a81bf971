"""The worker process: takes committed jobs to the durable queue and runs them; also the installation's periodic duties.

Durability is layered. The `jobs` table is the truth, written in the transaction of the act. DBOS keeps the queue, the retries
and the recovery after a crash; a job's id is its workflow id, so handing it over twice is harmless. The effect itself is
guarded by the job row (`JobContext.finish`).
"""

from __future__ import annotations

import os
import signal
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import structlog
from dbos import DBOS, DBOSConfig, SetWorkflowID
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from kernel.clock import monotonic, now
from kernel.db import db
from kernel.identity.actor import system_actor
from kernel.jobs import registry, repository, runner
from kernel.jobs.models import WorkerHeartbeat
from kernel.uow import unit_of_work

log = structlog.get_logger()
POLL_SECONDS = 0.5
HEARTBEAT_SECONDS = 10
BUSY_SECONDS, IDLE_SECONDS = 0.05, 0.4
QUIET_SECONDS = 30.0
"""How often the queue is looked at while there is work, and after so long without any: each look costs what an idle server pays."""
MAX_TRIES = 5
QUEUE_NAME = "kaoku"


def queue_address(database_url: str, instance_dir: Path) -> str:
    """Return where the queue keeps its state: beside the embedded database, or in a schema of PostgreSQL."""
    return f"sqlite:///{instance_dir / 'queue.sqlite3'}" if database_url.startswith("sqlite") else database_url


class Worker:
    """One worker process."""

    def __init__(self, app: Flask, *, concurrency: int = 4) -> None:
        self.app = app
        self.stopping = threading.Event()
        self.handed_over: set[uuid.UUID] = set()
        settings = app.config["KAOKU"]
        config = DBOSConfig(
            name="kaoku",
            system_database_url=queue_address(settings.database_url, settings.instance_dir),
            executor_id="kaoku-worker",
            application_version="1",
            log_level="ERROR",
            notification_listener_polling_interval_sec=0.2,
        )
        self.dbos = DBOS(config=config)
        self.concurrency = concurrency
        self.workflow = self._define_workflow()

    def _define_workflow(self) -> Callable[[str], str]:
        app = self.app

        @DBOS.step(name="kaoku.run", retries_allowed=True, max_attempts=MAX_TRIES, interval_seconds=0.5)
        def run(job_id: str) -> str:
            with app.app_context():
                return str(runner.run_job(uuid.UUID(job_id)))

        @DBOS.workflow(name="kaoku.job")
        def job_workflow(job_id: str) -> str:
            try:
                return run(job_id)
            except Exception as exc:
                log.error("job_gave_up", job_id=job_id, exc_info=exc)
                with app.app_context():
                    runner.give_up(uuid.UUID(job_id))
                return "failed"

        return job_workflow

    def run(self) -> None:
        """Work until told to stop."""
        DBOS.launch()
        queue = DBOS.register_queue(
            QUEUE_NAME,
            worker_concurrency=self.concurrency,
            polling_interval_sec=BUSY_SECONDS,
            on_conflict="always_update",
        )
        pace = Pace(queue.set_polling_interval_sec)
        duties = [Duty("kernel.heartbeat", HEARTBEAT_SECONDS, beat), *map(Duty.of, registry.periodic_duties())]
        try:
            while not self.stopping.is_set():
                self._turn(duties, pace)
                self.stopping.wait(POLL_SECONDS)
        finally:
            DBOS.destroy(workflow_completion_timeout_sec=10)

    def _turn(self, duties: list[Duty], pace: Pace) -> None:
        with self.app.app_context():
            try:
                pace.keep(has_work=self._hand_over())
            except SQLAlchemyError as exc:
                log.error("hand_over_failed", exc_info=exc)
            for duty in duties:
                duty.run_when_due()

    def _hand_over(self) -> bool:
        """Give the queue every committed job that it does not have yet; say whether any job waits."""
        waiting = repository.list_waiting_ids(db.session())
        self.handed_over &= set(waiting)
        for job_id in waiting:
            if job_id not in self.handed_over:
                with SetWorkflowID(str(job_id)):
                    DBOS.enqueue_workflow(QUEUE_NAME, self.workflow, str(job_id))
                self.handed_over.add(job_id)
        return bool(waiting)

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Ask the loop to end after its present turn."""
        self.stopping.set()


class Pace:
    """How often the queue is looked at: often while jobs wait and for a while after, seldom in quiet times."""

    def __init__(self, tell: Callable[[float], None]) -> None:
        self.tell, self.seconds = tell, BUSY_SECONDS
        self.quiet_from = monotonic() + QUIET_SECONDS

    def keep(self, *, has_work: bool) -> None:
        """Note whether there is work, and change the pace when it is time to."""
        if has_work:
            self.quiet_from = monotonic() + QUIET_SECONDS
        wanted = BUSY_SECONDS if monotonic() < self.quiet_from else IDLE_SECONDS
        if wanted != self.seconds:
            self.tell(wanted)
            self.seconds = wanted


class Duty:
    """Something the worker does again and again."""

    def __init__(self, name: str, seconds: float, function: Callable[[], Any]) -> None:
        self.name, self.seconds, self.function = name, seconds, function
        self.due = monotonic()

    @classmethod
    def of(cls, registered: tuple[str, float, Callable[[], Any]]) -> Duty:
        """Return a duty as the registry knows it."""
        return cls(*registered)

    def run_when_due(self) -> None:
        """Run when its time has come; a failure is logged and tried again at the next time."""
        if monotonic() < self.due:
            return
        self.due = monotonic() + self.seconds
        try:
            self.function()
        except Exception as exc:
            log.error("duty_failed", duty=self.name, exc_info=exc)


def beat() -> None:
    """Write that this worker lives; `kaoku doctor` reads it."""
    with unit_of_work(system_actor()) as uow:
        row = uow.session.get(WorkerHeartbeat, "kaoku-worker")
        if row is None:
            row = WorkerHeartbeat(name="kaoku-worker", at=now(), process_id=os.getpid())
            uow.add(row)
        row.at, row.process_id = now(), os.getpid()


def main(app: Flask) -> None:
    """Run a worker in this process until SIGTERM or SIGINT."""
    worker = Worker(app)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, worker.stop)
    worker.run()

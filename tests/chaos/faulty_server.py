"""The candidates' side as gunicorn starts it, on a disk and by a clock that a test can disturb."""

from __future__ import annotations

from pathlib import Path

from exam_delivery.answering.app import AnsweringApp, create_answering_app
from exam_delivery.answering.entry import CandidateSite
from kernel import disk
from kernel.logs import configure_logging
from kernel.settings import Settings
from tests.chaos.disk import Control, FaultyDisk

DISKS: list[FaultyDisk] = []


def create(control_path: str) -> CandidateSite:
    """Build the candidates' side with its faults, which do nothing until a test wishes them."""
    control = Control(Path(control_path))
    settings = Settings.from_env()
    configure_logging(settings.log_level)
    disk.configure(settings)
    if settings.is_sqlite:
        DISKS.append(FaultyDisk(control))

    def make() -> AnsweringApp:
        app = create_answering_app(settings)
        app.now = app.writer.clock = control.now
        return app

    return CandidateSite(make)

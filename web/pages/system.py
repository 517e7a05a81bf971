"""The state of the installation for the platform's administrators."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

from flask import Blueprint, current_app
from flask_babel import gettext as _
from sqlalchemy import text

from kernel.db import db
from kernel.http import render_page, requires
from kernel.identity.permissions import Permission
from kernel.jobs.models import JobStatus
from kernel.jobs.repository import count_by_status, oldest_waiting
from web.checks.finding import Level
from web.doctor import Check, run_checks
from web.pages.jobs import STATUS_LABELS

bp = Blueprint("system", __name__, url_prefix="/system")
LIBRARIES = ("flask", "sqlalchemy", "dbos", "highspy", "cryptography", "typst")
MEGABYTE = 1024**2


@dataclass(frozen=True, slots=True)
class SystemPage:
    """Checks, versions, the queue and the database."""

    checks: list[Check]
    n_failed: int
    n_warned: int
    versions: list[tuple[str, str]]
    queue: list[tuple[str, int]]
    oldest_waiting_at: datetime | None
    database_mb: float


@bp.get("/")
@requires(Permission.SYSTEM_READ)
def index() -> tuple[str, int]:
    """Show what is in order and what is not."""
    checks = run_checks(current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001 - Flask's own way
    counts = count_by_status(db.session())
    page = SystemPage(
        checks=checks,
        n_failed=sum(not check.ok for check in checks),
        n_warned=sum(check.level is Level.WARN for check in checks),
        versions=versions(),
        queue=[(_(STATUS_LABELS[status]), counts.get(status, 0)) for status in JobStatus],
        oldest_waiting_at=oldest_waiting(db.session()),
        database_mb=database_bytes() / MEGABYTE,
    )
    return render_page("system/index.html", page)


def versions() -> list[tuple[str, str]]:
    """Return the versions that a report of a fault should name."""
    rows = [(_("考库"), version("kaoku")), ("Python", platform.python_version())]
    return rows + [(name, version(name)) for name in LIBRARIES]


def database_bytes() -> int:
    """Return how much room the database takes."""
    if db.engine.dialect.name == "sqlite":
        query = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    else:
        query = "SELECT pg_database_size(current_database())"
    return int(db.session().scalar(text(query)) or 0)

"""Whether this installation is fit to run: one check a line for ``kaoku doctor`` and the system page, each with its remedy."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from flask import Flask
from flask_babel import gettext as _
from sqlalchemy.exc import SQLAlchemyError

from kernel.clock import iso, now
from web.checks import data, installation, running
from web.checks.finding import Finding, Level, Look

CHECKS: tuple[Look, ...] = (*installation.LOOKS, *data.LOOKS, *running.LOOKS)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: what was found, and how to mend it when it is not in order."""

    code: str
    name: str
    level: Level
    text: str
    mend: str

    @property
    def ok(self) -> bool:
        """Whether the installation may run like this; a warning does not stop it."""
        return self.level is not Level.FAIL


def run_checks(app: Flask) -> list[Check]:
    """Look at everything; a check that itself breaks is a failed check, never a broken report."""
    with app.app_context():
        return [_run(look) for look in CHECKS]


def _run(look: Look) -> Check:
    try:
        found = look.function()
    except (SQLAlchemyError, OSError, ValueError, ImportError) as exc:
        reason = f"{type(exc).__name__}: {(str(exc).splitlines() or [''])[0]}"
        found = Finding(Level.FAIL, _("检查不能进行：%(reason)s", reason=reason), _("请先处理其他各项，再重新检查"))
    return Check(look.code, _(look.name), found.level, found.text, found.mend)


def line(check: Check) -> str:
    """Return a check as one line of the terminal."""
    mark = {Level.OK: "ok  ", Level.WARN: "warn", Level.FAIL: "FAIL"}[check.level]
    return f"{mark} {check.name}: {check.text}" + (f"。处理：{check.mend}" if check.mend else "")


def as_json(checks: list[Check]) -> dict[str, Any]:
    """Return the report for ``--json`` and ``--report``."""
    return {
        "ok": all(check.ok for check in checks),
        "program": version("kaoku"),
        "checked_at": iso(now()),
        "checks": [{**asdict(check), "ok": check.ok} for check in checks],
    }

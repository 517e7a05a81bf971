"""What a check has to say: a message that is translated at the edge, and where it belongs."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


class Severity(enum.StrEnum):
    """An error stands in the way, a warning wants to be read, a note tells what was done."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark; `row` counts from 1 as spreadsheets show it, 0 when it belongs to no row."""

    severity: Severity
    template: str
    context: dict[str, Any] = field(default_factory=dict)
    row: int = 0


def has_errors(findings: Iterable[Finding]) -> bool:
    """Say whether something stands in the way."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def error(template: str, *, row: int = 0, **context: Any) -> Finding:
    """Return a finding that stands in the way."""
    return Finding(Severity.ERROR, template, context, row)


def warning(template: str, *, row: int = 0, **context: Any) -> Finding:
    """Return a finding that wants to be read."""
    return Finding(Severity.WARNING, template, context, row)


def note(template: str, *, row: int = 0, **context: Any) -> Finding:
    """Return a finding that tells what was done."""
    return Finding(Severity.NOTE, template, context, row)

"""The audit trail as people read it, and the proof that nobody changed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, request
from flask_babel import gettext as _

from kernel.audit import VerifyResult, verify
from kernel.audit.models import AuditEvent, AuditHead
from kernel.audit.repository import AuditFilter, find_head, list_events
from kernel.canonical import canonical_json
from kernel.db import db
from kernel.http import Paging, current_actor, paging_from_request, render_page, requires
from kernel.identity.permissions import Permission
from web.forms import date_or_none
from web.pages.audit_words import FIELDS, REASONS, SUBJECTS, VERBS

bp = Blueprint("audit", __name__, url_prefix="/audit")
FILTERS = ("subject", "object_id", "person", "since", "until")


@dataclass(frozen=True, slots=True)
class EventLine:
    """One event in words."""

    event: AuditEvent
    words: str
    details: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class AuditPage:
    """The events inside the reader's walls, newest first."""

    lines: list[EventLine]
    paging: Paging
    filters: dict[str, str]
    subjects: list[tuple[str, str]]
    head: AuditHead | None


@dataclass(frozen=True, slots=True)
class VerifyPage:
    """The outcome of walking the whole chain."""

    result: VerifyResult
    reason: str


@bp.get("/")
@requires(Permission.AUDIT_READ)
def index() -> tuple[str, int]:
    """List recorded acts."""
    paging = paging_from_request()
    filters = {name: request.args.get(name, "").strip() for name in FILTERS}
    events, total = list_events(
        db.session(), actor=current_actor(), narrowed=_filter(filters), page=paging.page, per_page=paging.per_page
    )
    subjects = [(code, _(label)) for code, label in SUBJECTS.items()]
    page = AuditPage(_lines(events), paging.of(total), filters, subjects, find_head(db.session()))
    return render_page("audit/list.html", page)


def _filter(filters: dict[str, str]) -> AuditFilter:
    since, until = date_or_none(filters["since"]), date_or_none(filters["until"])
    return AuditFilter(
        subject=filters["subject"],
        object_id=filters["object_id"],
        person=filters["person"],
        since=_start_of(since) if since else None,
        until=_start_of(until + timedelta(days=1)) if until and until < date.max else None,
    )


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=ZoneInfo(current_app.config["KAOKU"].timezone))


def _lines(events: Sequence[AuditEvent]) -> list[EventLine]:
    return [EventLine(event, act_words(event.act), _details(event)) for event in events]


def act_words(act: str) -> str:
    """Return an act's code in words: 试题 · 新建."""
    subject, _dot, verb = act.partition(".")
    words = _(SUBJECTS[subject]) if subject in SUBJECTS else subject
    return f"{words} · {_(VERBS[verb]) if verb in VERBS else verb}" if verb else str(words)


def _details(event: AuditEvent) -> list[tuple[str, str]]:
    return [
        (
            _(FIELDS[name]) if name in FIELDS else name,
            value if isinstance(value, str) else canonical_json(value).decode(),
        )
        for name, value in event.details.items()
        if value not in ({}, None)
    ]


@bp.get("/verify")
@requires(Permission.AUDIT_READ)
def check() -> tuple[str, int]:
    """Walk the whole chain and say whether it holds."""
    result = verify(db.session())
    reason = result.broken.reason if result.broken else ""
    return render_page("audit/verify.html", VerifyPage(result, _(REASONS[reason]) if reason in REASONS else reason))

"""The audit trail as people read it, and the proof that nobody changed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from kernel.audit import VerifyResult, verify
from kernel.audit.models import AuditEvent, AuditHead
from kernel.audit.repository import AuditFilter, find_head, list_events
from kernel.canonical import canonical_json
from kernel.db import db
from kernel.http import Paging, current_actor, paging_from_request, render_page, requires
from kernel.http.lists import EVERYTHING, Listing, begin_with_view, open_list, send_list
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.lists import Column, ListDescription, Order, declare_list
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


def _content(line: EventLine) -> str:
    return "；".join(f"{label} {text}" for label, text in line.details)


LIST: ListDescription[EventLine] = declare_list(
    ListDescription(
        key="audit",
        title=N_("审计记录"),
        columns=(
            Column("seq", N_("序号"), lambda line: line.event.seq, is_fixed=True, is_numeric=True, is_sortable=True),
            Column("at", N_("时间"), lambda line: line.event.at),
            Column("person", N_("人员"), lambda line: line.event.actor_name),
            Column("act", N_("事项"), lambda line: line.words),
            Column("code", N_("事项代码"), lambda line: line.event.act, is_default=False),
            Column("object", N_("对象"), lambda line: line.event.object_id),
            Column("content", N_("内容"), _content),
        ),
        filters=FILTERS,
        readers=(Permission.AUDIT_READ,),
        sharers=(Permission.AUDIT_READ,),
        order=Order("seq", is_descending=True),
    )
)


@dataclass(frozen=True, slots=True)
class AuditPage:
    """The events inside the reader's walls, newest first."""

    listing: Listing[EventLine]
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
def index() -> tuple[str, int] | Response:
    """List recorded acts."""
    listing, paging = open_list(LIST), paging_from_request()
    if away := begin_with_view(listing):
        return away
    lines, total = _events(db.session(), listing, paging)
    subjects = [(code, _(label)) for code, label in SUBJECTS.items()]
    page = AuditPage(listing, lines, paging.of(total), _wanted(), subjects, find_head(db.session()))
    return render_page("audit/list.html", page)


def _wanted() -> dict[str, str]:
    return {name: request.args.get(name, "").strip() for name in FILTERS}


def _events(session: Session, listing: Listing[EventLine], paging: Paging) -> tuple[list[EventLine], int]:
    events, total = list_events(
        session, actor=current_actor(), narrowed=_filter(_wanted()), is_oldest_first=not listing.order.is_descending,
        page=paging.page, per_page=paging.per_page,
    )  # fmt: skip
    return _lines(events), total


@bp.post("/shown")
@requires(Permission.AUDIT_READ)
def export_shown() -> Response:
    """Download the recorded acts with the columns, filters and order that are shown."""
    listing = open_list(LIST)
    return send_list(listing, lambda: _events(db.session(), listing, EVERYTHING), {})


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

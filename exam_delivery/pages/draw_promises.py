"""What everybody may read of draws, without an account: what was promised before the exam, and the seeds told after it.

Nothing here can be guessed for or found out by trying, so visits are not counted; the JSON may be kept for a minute.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, jsonify
from flask_babel import gettext as _

from exam_delivery.models.draw_commitments import DrawCommitment
from exam_delivery.pages import reading
from exam_delivery.pages.draw_words import EntryView, entry_view, public_json, shown_time
from exam_delivery.repository import draw_commitments as repository
from exam_delivery.repository.draw_commitments import Entry
from kernel.db import db
from kernel.errors import NotFoundError
from kernel.http import Paging, paging_from_request, public, render_page
from kernel.i18n import N_
from kernel.identity.models import Organisation
from kernel.identity.repository import find_organisation_by_code

bp = Blueprint("draw_promises", __name__, url_prefix="/draws")
Page = tuple[str, int]
FRESH = "public, max-age=60"


@dataclass(frozen=True, slots=True)
class OrganisationsPage:
    """Who published anything."""

    rows: Sequence[Any]


@dataclass(frozen=True, slots=True)
class SessionsPage:
    """The sessions of an organisation of which something is published."""

    organisation: str
    code: str
    rows: Sequence[tuple[DrawCommitment, str, str]]
    paging: Paging
    href: Callable[[int], str]


@dataclass(frozen=True, slots=True)
class PromisePage:
    """What is published of one session."""

    organisation: str
    code: str
    exam_session_id: uuid.UUID
    facts: Mapping[str, str]
    starts_at: str
    entries: Sequence[EntryView]


@bp.get("/")
@public
def index() -> Page:
    """List the organisations that published commitments."""
    page = OrganisationsPage(repository.organisations_with_entries(db.session()))
    return render_page("exam_delivery/draws/organisations.html", page)


@bp.get("/<code>")
@public
def organisation(code: str) -> Page:
    """List the sessions of an organisation, newest first."""
    found, paging = _organisation(code), paging_from_request()
    session = db.session()
    rows, total = repository.first_entries(session, found.organisation_id, page=paging.page, per_page=paging.per_page)
    seeds = repository.promised_and_told(session, [row.exam_session_id for row in rows])
    page = SessionsPage(
        found.name, found.code, [(row, *_seed_badge(*seeds.get(row.exam_session_id, (0, 0)))) for row in rows],
        paging.of(total), reading.page_link("draw_promises.organisation", code=code),
    )  # fmt: skip
    return render_page("exam_delivery/draws/sessions.html", page)


def _seed_badge(n_promised: int, n_told: int) -> tuple[str, str]:
    if not n_promised:
        return str(_("没有种子")), "neutral"
    return (str(_("种子已公开")), "success") if n_told == n_promised else (str(_("种子待公开")), "info")


@bp.get("/<code>/<uuid:exam_session_id>")
@public
def session(code: str, exam_session_id: uuid.UUID) -> Page:
    """Show what is published of one session."""
    found, entries = _entries(code, exam_session_id)
    facts = entries[0][0].content["session"]
    page = PromisePage(
        found.name,
        found.code,
        exam_session_id,
        facts,
        shown_time(facts["starts_at"]),
        [entry_view(*one) for one in entries],
    )
    return render_page("exam_delivery/draws/promise.html", page)


@bp.get("/<code>/<uuid:exam_session_id>.json")
@public
def session_json(code: str, exam_session_id: uuid.UUID) -> Response:
    """Return what is published of one session as JSON."""
    found, entries = _entries(code, exam_session_id)
    answer = jsonify(public_json(found.name, entries))
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cache-Control"] = FRESH
    return answer


def _organisation(code: str) -> Organisation:
    found = find_organisation_by_code(db.session(), code)
    if found is None:
        raise NotFoundError(N_("没有公布过抽题承诺"))
    return found


def _entries(code: str, exam_session_id: uuid.UUID) -> tuple[Organisation, list[Entry]]:
    found = _organisation(code)
    entries = repository.entries_of_session(db.session(), found.organisation_id, exam_session_id)
    if not entries:
        raise NotFoundError(N_("没有公布过抽题承诺"))
    return found, entries

"""人才库: who holds which skill, as counts for everybody in certification and as people for those who may see them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.pages.wording import XLSX, download, page_address
from certification.repository import certificates as register
from certification.repository.talent import Person, TalentFilter
from certification.rules.talent import Cell
from certification.services import talent as services
from kernel.db import db
from kernel.http import Paging, current_actor, paging_from_request, render_page, requires
from kernel.identity.permissions import Permission
from kernel.national_id import PROVINCES
from kernel.uow import unit_of_work

bp = Blueprint("cert_talent", __name__, url_prefix="/certification/talent")
MOST_BARS = 12


@dataclass(frozen=True, slots=True)
class TalentTable:
    """One dimension: the table, and the bars of what is not withheld."""

    name: str
    title: str
    cells: list[Cell]
    bars: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class TalentPage:
    """The figures, or the people, by the filters of the address."""

    wanted: TalentFilter
    total: Cell
    smallest: int
    tables: list[TalentTable]
    occupations: list[tuple[str, str]]
    levels: list[tuple[str, str]]
    regions: list[tuple[str, str]]
    query: dict[str, str]
    may_see_people: bool


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """One page of the people."""

    people: list[Person]
    wanted: TalentFilter
    occupations: list[tuple[str, str]]
    levels: list[tuple[str, str]]
    regions: list[tuple[str, str]]
    query: dict[str, str]
    paging: Paging

    def page_href(self, number: int) -> str:
        """Return the address of another page of the same list."""
        return page_address(number)


def _wanted() -> TalentFilter:
    def text(name: str) -> str:
        return request.values.get(name, "").strip()

    return TalentFilter(
        text("occupation"), text("level"), text("region") if text("region") in PROVINCES else "", _key(text("body")),
        _day(text("first")), _day(text("last")),
    )  # fmt: skip


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _key(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _choices() -> tuple[list[tuple[str, str]], list[tuple[str, str]], list[tuple[str, str]]]:
    occupations, levels = register.list_register_choices(db.session(), actor=current_actor())
    return occupations, levels, list(PROVINCES.items())


def _query() -> dict[str, str]:
    return {name: value for name, value in request.args.items() if name != "page"}


@bp.get("/")
@requires(Permission.CERTIFICATION_READ)
def index() -> tuple[str, int]:
    """Show the figures."""
    session, actor, wanted = db.session(), current_actor(), _wanted()
    found = services.find_statistics(session, actor, wanted)
    tables = [
        TalentTable(name, _(title), found.tables[name], _bars(found.tables[name]))
        for name, title in services.DIMENSION_LABELS.items()
    ]
    may_see = actor.may(Permission.PERSONAL_DATA_REVEAL)
    page = TalentPage(wanted, found.total, found.smallest, tables, *_choices(), _query(), may_see)
    return render_page("certification/talent.html", page)


def _bars(cells: list[Cell]) -> list[dict[str, Any]]:
    shown = [cell for cell in cells if not cell.is_withheld]
    return [{"label": cell.label, "value": cell.n_people} for cell in shown[:MOST_BARS]]


@bp.get("/people")
@requires(Permission.PERSONAL_DATA_REVEAL)
def people() -> tuple[str, int]:
    """Show the people, numbers masked."""
    paging, wanted = paging_from_request(), _wanted()
    rows, total = services.list_people(
        db.session(), current_actor(), wanted, offset=paging.offset, limit=paging.per_page
    )
    page = PeoplePage(rows, wanted, *_choices(), _query(), paging.of(total))
    return render_page("certification/talent_people.html", page)


@bp.post("/export")
@requires(Permission.CERTIFICATION_READ)
def export() -> Response:
    """Download the tables; noted in the journal, hence a post."""
    return _export(services.export_statistics, "人才库统计.xlsx")


@bp.post("/people/export")
@requires(Permission.PERSONAL_DATA_REVEAL)
def export_people() -> Response:
    """Download the people; noted in the journal, hence a post."""
    return _export(services.export_people, "人才库名单.xlsx")


def _export(make: Callable[..., bytes], name: str) -> Response:
    with unit_of_work(current_actor()) as uow:
        content = make(uow, _wanted())
    return download(name, content, XLSX)

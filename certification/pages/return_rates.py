"""退回统计: how often rosters come back, by body, field and round; a centre sees the bodies under it, a body itself."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Blueprint, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.pages.wording import XLSX, download
from certification.repository import return_rates as repository
from certification.repository.return_rates import RateFilter
from certification.rules.return_rates import FieldTally, Tally
from certification.services import return_rates as services
from kernel.db import db
from kernel.http import current_actor, render_page, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("cert_return_rates", __name__, url_prefix="/certification/return-rates")
T = TypeVar("T")
MOST_BARS = 12
Columns = list[dict[str, object]]
_TALLY_SORTS: Mapping[str, Callable[[Tally], Any]] = {
    "name": lambda one: one.label, "rosters": lambda one: one.n_rosters, "returned": lambda one: one.n_returned,
    "rate": lambda one: one.roster_share or 0.0, "people": lambda one: one.n_people,
    "gone": lambda one: one.n_people_returned, "share": lambda one: one.people_share or 0.0,
    "items": lambda one: one.n_items,
}  # fmt: skip
_FIELD_SORTS: Mapping[str, Callable[[FieldTally], Any]] = {
    "items": lambda one: one.n_items, "part": lambda one: one.item_share or 0.0, "gone": lambda one: one.n_people,
    "share": lambda one: one.people_share or 0.0,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TallyTable:
    """A table of tallies with its sortable head and its bars."""

    title: str
    columns: Columns
    rows: list[Tally]
    bars: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ReturnRatesPage:
    """The rates by the filters of the address."""

    wanted: RateFilter
    rates: services.ReturnRates
    sentences: list[str]
    tables: list[TallyTable]
    field_columns: Columns
    fields: list[FieldTally]
    field_bars: list[dict[str, Any]]
    bodies: list[tuple[str, str]]
    occupations: list[tuple[str, str]]
    levels: list[tuple[str, str]]
    query: dict[str, str]

    def percent(self, value: float | None) -> str:
        """Return a rate as people read it."""
        return percent(value)


def percent(value: float | None) -> str:
    """Return a rate as people read it."""
    return "—" if value is None else f"{value:.1f}%"


def _wanted() -> RateFilter:
    values = {name: request.values.get(name, "").strip() for name in ("occupation", "level")}
    return RateFilter(
        _read("body", uuid.UUID), values["occupation"], values["level"], _read("first", dt.date.fromisoformat),
        _read("last", dt.date.fromisoformat),
    )  # fmt: skip


def _read(name: str, read: Callable[[str], T]) -> T | None:
    try:
        return read(request.values.get(name, ""))
    except ValueError:
        return None


@bp.get("/")
@requires(Permission.CERTIFICATION_READ)
def index() -> tuple[str, int]:
    """Show the rates."""
    session, actor, wanted = db.session(), current_actor(), _wanted()
    rates = services.find_rates(session, actor, wanted)
    table, key, order = _sort()
    tables = [
        _table("bodies", _("按评价机构"), rates.bodies, ("rate", "desc") if table != "bodies" else (key, order)),
        _table("rounds", _("按轮次"), _named_rounds(rates.rounds), ("", "") if table != "rounds" else (key, order)),
    ]
    by, way = (key, order) if table == "fields" and key in _FIELD_SORTS else ("items", "desc")
    occupations, levels = repository.list_choices(session, actor)
    page = ReturnRatesPage(
        wanted, rates, _sentences(rates), tables, _field_columns(by, way),
        sorted(rates.fields, key=_FIELD_SORTS[by], reverse=way == "desc"), _field_bars(rates.fields),
        [(str(body), name) for body, name in repository.list_bodies(session, actor)], occupations, levels,
        {name: value for name, value in request.args.items() if name != "sort"},
    )  # fmt: skip
    return render_page("certification/return_rates.html", page)


def _sort() -> tuple[str, str, str]:
    """Return the table, column and direction that the address asks for."""
    table, column, order = [*request.args.get("sort", "").split("-"), "", "", ""][:3]
    return table, column, "asc" if order == "asc" else "desc"


def _named_rounds(rounds: Sequence[Tally]) -> list[Tally]:
    return [
        Tally(
            one.key, _("第 %(n)s 轮", n=one.key), one.n_rosters, one.n_returned, one.n_people, one.n_people_returned,
            one.n_items,
        )
        for one in rounds
    ]  # fmt: skip


def _table(name: str, title: str, rows: list[Tally], sort: tuple[str, str]) -> TallyTable:
    key, order = sort
    if key in _TALLY_SORTS:
        rows = sorted(rows, key=_TALLY_SORTS[key], reverse=order == "desc")
    labels = {
        "name": _("评价机构") if name == "bodies" else _("轮次"), "rosters": _("已答复名册"), "returned": _("其中退回"),
        "rate": _("名册退回率"), "people": _("上报人次"), "gone": _("被退回人次"), "share": _("人次退回率"),
        "items": _("退回项数"),
    }  # fmt: skip
    bars = [{"label": one.label, "value": f"{one.roster_share or 0:.1f}"} for one in rows[:MOST_BARS]]
    return TallyTable(title, [_column(name, one, label, sort) for one, label in labels.items()], rows, bars)


def _field_columns(key: str, order: str) -> Columns:
    labels = {"items": _("退回项数"), "part": _("占全部退回项"), "gone": _("涉及人次"), "share": _("占上报人次")}
    sortable = [_column("fields", one, label, (key, order)) for one, label in labels.items()]
    return [{"label": _("退回项目")}, *sortable, {"label": _("原因")}]


def _column(table: str, key: str, label: str, sort: tuple[str, str]) -> dict[str, object]:
    is_here = sort[0] == key
    order = "asc" if is_here and sort[1] == "desc" else "desc"
    args = {name: value for name, value in request.args.items() if name != "sort" and value}
    href = "?" + urlencode({**args, "sort": f"{table}-{key}-{order}"})
    return {"label": label, "numeric": key != "name", "sort_href": href, "sorted": sort[1] if is_here else ""}


def _field_bars(fields: Sequence[FieldTally]) -> list[dict[str, Any]]:
    return [{"label": _(one.label), "value": one.n_items} for one in fields[:MOST_BARS]]


def _sentences(rates: services.ReturnRates) -> list[str]:
    """Return what the figures say, in words."""
    total = rates.total
    found = []
    if total.n_rosters:
        found.append(
            _("监管中心答复了 %(n)s 份名册（每报一轮算一份），退回 %(returned)s 份，名册退回率 %(rate)s；上报 %(people)s 人次，其中 %(gone)s 人次有内容被退回，人次退回率 %(share)s。",
              n=total.n_rosters, returned=total.n_returned, rate=percent(total.roster_share), people=total.n_people,
              gone=total.n_people_returned, share=percent(total.people_share))
        )  # fmt: skip
    if rates.fields:
        worst = rates.fields[0]
        found.append(
            _("退回最多的是“%(field)s”，%(n)s 项，占全部退回项的 %(rate)s，最常见的原因是“%(reason)s”。",
              field=_(worst.label), n=worst.n_items, rate=percent(worst.item_share), reason=_(worst.reasons[0][0]))
        )  # fmt: skip
    if rates.n_waiting:
        found.append(_("还有 %(n)s 份名册在等答复，不计入。", n=rates.n_waiting))
    return found


@bp.post("/export")
@requires(Permission.CERTIFICATION_READ)
def export() -> Response:
    """Download the tables; noted in the journal, hence a post."""
    with unit_of_work(current_actor()) as uow:
        content = services.export_rates(uow, _wanted())
    return download("名册退回统计.xlsx", content, XLSX)

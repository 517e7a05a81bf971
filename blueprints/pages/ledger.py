"""The ledger of exposure in the browser: items by how far they are known, one item use by use, the list as a workbook."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from flask import Blueprint, request, send_file
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from blueprints import repository_uses as uses
from blueprints.pages import wording
from blueprints.services.ledger import ItemUse, Ledger, LedgerFilter, LedgerRow, item_uses, read_ledger
from blueprints.services.sealing import form_title
from kernel.db import db
from kernel.http import Paging, current_actor, paging_from_request, render_page, requires
from kernel.identity.permissions import Permission
from kernel.spreadsheets import TableSheet, write_table

bp = Blueprint("exposure_ledger", __name__, url_prefix="/exposure")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NAMES = ("level", "q", "site", "region", "organisation", "since", "until", "state")


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """Items of a level by exposure."""

    levels: list[tuple[str, str]]
    values: Mapping[str, str]
    ledger: Ledger | None
    rows: Sequence[LedgerRow]
    paging: Paging
    href: Callable[[int], str]
    type_label: Callable[[str], str]

    @property
    def site_choices(self) -> list[tuple[str, str]]:
        """The sites as choices of a filter."""
        return [(site, site) for site in self.ledger.sites] if self.ledger else []

    @property
    def region_choices(self) -> list[tuple[str, str]]:
        """The regions as choices of a filter; none where no site has one."""
        found = self.ledger
        return [(one, one) for one in found.regions] if found and set(found.regions) != set(found.unplaced) else []

    def why_capped(self, row: LedgerRow) -> list[str]:
        """Return the caps that an item reached, in words."""
        return [wording.cap_text(one.cap, one.place) for one in row.reached]

    @property
    def organisation_choices(self) -> list[tuple[str, str]]:
        """The organisations that used the items, where there are several."""
        found = self.ledger.organisations.items() if self.ledger else ()
        return sorted(((str(key), name) for key, name in found), key=lambda pair: pair[1])

    @property
    def is_narrowed(self) -> bool:
        """Say whether a filter is set beyond the level."""
        return any(value for name, value in self.values.items() if name != "level")


@dataclass(frozen=True, slots=True)
class ItemPage:
    """Every use of one item."""

    code: str
    rows: Sequence[ItemUse]
    title: Callable[..., str]
    n_candidates: int


@bp.get("/")
@requires(Permission.BLUEPRINT_READ)
def index() -> tuple[str, int]:
    """List items by how far they are known."""
    levels, values = _levels(), _values()
    ledger = _ledger(values)
    paging = paging_from_request()
    rows = ledger.rows[paging.offset : paging.offset + paging.per_page] if ledger else []
    href = wording.page_address("exposure_ledger.index")
    page = LedgerPage(
        levels, values, ledger, rows, paging.of(len(ledger.rows) if ledger else 0), href, wording.type_label
    )
    return render_page("blueprints/ledger.html", page)


def _levels() -> list[tuple[str, str]]:
    return [(str(key), name) for key, name in uses.levels_with_forms(db.session(), actor=current_actor())]


def _values() -> dict[str, str]:
    values = {name: request.args.get(name, "").strip()[:100] for name in NAMES}
    levels = dict(_levels())
    if values["level"] not in levels:
        values["level"] = next(iter(levels), "")
    return values


def _ledger(values: Mapping[str, str]) -> Ledger | None:
    if not values["level"]:
        return None
    narrowed = LedgerFilter(
        values["q"], values["site"], _day(values["since"]), _day(values["until"]), values["state"],
        values["organisation"], values["region"],
    )  # fmt: skip
    return read_ledger(db.session(), current_actor(), uuid.UUID(values["level"]), narrowed)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@bp.get("/ledger.xlsx")
@requires(Permission.BLUEPRINT_READ)
def workbook() -> Response:
    """Answer the list, as filtered, as a workbook."""
    ledger = _ledger(_values())
    header = [
        _("编号"), _("题型"), _("鉴定点"), _("试卷份数"), _("场次"), _("考点数"), _("作答人次"), _("首次使用"), _("最近使用"),
        _("冷却中"), _("达到上限"), _("使用机构数"), _("地区数"),
    ]  # fmt: skip
    rows = [
        [
            row.code, wording.type_label(row.type), row.point, len(row.exposure.forms), len(row.exposure.sessions),
            len(row.exposure.sites), row.exposure.n_candidates, row.exposure.first, row.exposure.last,
            _("是") if row.rests else "", "；".join(wording.cap_text(one.cap, one.place) for one in row.reached),
            len(row.exposure.organisations), len(row.exposure.regions),
        ]
        for row in (ledger.rows if ledger else ())
    ]  # fmt: skip
    data = write_table([TableSheet(_("试题使用台账"), header, rows)])
    return send_file(io.BytesIO(data), XLSX, as_attachment=True, download_name="exposure-ledger.xlsx")


@bp.get("/<uuid:item_id>")
@requires(Permission.BLUEPRINT_READ)
def detail(item_id: uuid.UUID) -> tuple[str, int]:
    """Show every use of one item."""
    session, actor = db.session(), current_actor()
    rows = item_uses(session, actor, item_id)
    code = uses.code_of(session, item_id, actor=actor)
    page = ItemPage(code, rows, form_title, sum(row.sitting.n_started for row in rows))
    return render_page("blueprints/ledger_item.html", page)

"""Who saw which items with their keys, for the quality supervisor."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Blueprint, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel.db import db
from kernel.errors import NotFoundError
from kernel.http import MenuEntry, Paging, current_actor, paging_from_request, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.spreadsheets import Cell, TableSheet, write_table
from qbank.models.disclosures import ItemDisclosure
from qbank.repository import disclosures as repository
from qbank.repository.disclosures import SeenItem
from qbank.rules.disclosures import WAYS

bp = Blueprint("disclosures", __name__, url_prefix="/disclosures")
WATCH = (Permission.SUPERVISE, Permission.AUDIT_READ)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MENU = (MenuEntry(N_("监督"), N_("试题查看记录"), "disclosures.index", WATCH, icon="eye", order=60),)


@dataclass(frozen=True, slots=True)
class SeenPage:
    """Items that were seen."""

    rows: Sequence[SeenItem]
    paging: Paging
    href: Callable[[int], str]
    code: str
    person: str


@dataclass(frozen=True, slots=True)
class ViewsPage:
    """Who saw one item."""

    item_id: uuid.UUID
    code: str
    rows: Sequence[ItemDisclosure]
    ways: dict[str, str]


@bp.get("/")
@requires(*WATCH)
def index() -> tuple[str, int]:
    """List the items that were seen with their keys."""
    paging, code, person = paging_from_request(), _text("code"), _text("person")
    rows, total = repository.list_seen(
        db.session(), actor=current_actor(), code=code, person=person, page=paging.page, per_page=paging.per_page
    )
    page = SeenPage(
        rows, paging.of(total), lambda n: url_for("disclosures.index", code=code, person=person, page=n), code, person
    )
    return render_page("qbank/disclosures/list.html", page)


def _text(name: str) -> str:
    return request.args.get(name, "").strip()[:80]


def _views(item_id: uuid.UUID) -> ViewsPage:
    session, actor = db.session(), current_actor()
    code = repository.code_of(session, item_id, actor=actor)
    if not code:
        raise NotFoundError(N_("试题不存在，可能已被删除"))
    rows = repository.views_of(session, item_id, actor=actor)
    return ViewsPage(item_id, code, rows, {way: _(label) for way, label in WAYS.items()})


@bp.get("/<uuid:item_id>")
@requires(*WATCH)
def detail(item_id: uuid.UUID) -> tuple[str, int]:
    """Show who saw an item; its content is not shown."""
    return render_page("qbank/disclosures/item.html", _views(item_id))


@bp.get("/<uuid:item_id>.xlsx")
@requires(*WATCH)
def file(item_id: uuid.UUID) -> Response:
    """Answer who saw an item as a sheet."""
    page = _views(item_id)
    rows: list[list[Cell]] = [[row.user_name, page.ways.get(row.way, row.way), row.seen_at] for row in page.rows]
    sheet = TableSheet(_("查看记录"), [_("人员"), _("途径"), _("时间")], rows, title=page.code)
    name = f"views-{page.code}.xlsx"
    return send_file(io.BytesIO(write_table([sheet])), XLSX, as_attachment=True, download_name=name)

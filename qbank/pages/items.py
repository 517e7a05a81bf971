"""The list of items, one item with its tabs, bulk acts and exports."""

from __future__ import annotations

import io
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from flask import Blueprint, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel.clock import now
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import (
    MenuEntry,
    Paging,
    current_actor,
    paging_from_request,
    redirect_with_message,
    render_page,
    requires,
)
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank.interchange.convert import FORMATS, writable_formats
from qbank.models.items import Item
from qbank.models.standards import AssessmentPoint
from qbank.pages.item_wording import (
    Options,
    difficulty_label,
    difficulty_options,
    excerpt,
    int_or_none,
    level_options,
    status_options,
    status_view,
    type_label,
    type_options,
    uuid_or_none,
)
from qbank.pages.wording import form_text, page_address
from qbank.repository import items as repository
from qbank.repository.items import ItemFilter, ItemSort
from qbank.rules.items import ItemStatus
from qbank.services import exports, reviews
from qbank.services import items as services

bp = Blueprint("items", __name__, url_prefix="/items")

MENU = (
    MenuEntry(
        N_("标准与题库"),
        N_("试题列表"),
        "items.index",
        (Permission.ITEM_READ, Permission.ITEM_READ_OWN),
        icon="list",
        order=20,
    ),
)
READ = (Permission.ITEM_READ, Permission.ITEM_READ_OWN)
FILTER_FIELDS = ("q", "level", "scope", "type", "status", "difficulty", "author", "run", "returned")


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One item as a row of the list."""

    item: Item
    stem: str
    type_label: str
    points: Sequence[AssessmentPoint]
    difficulty: str
    status: tuple[str, str]
    author_name: str


@dataclass(frozen=True, slots=True)
class ItemListPage:
    """One page of items, with everything its filters need."""

    rows: list[ItemLine]
    paging: Paging
    values: dict[str, str]
    levels: Options
    types: Options
    statuses: Options
    difficulties: Options
    authors: Options
    chips: list[dict[str, str]]
    columns: list[dict[str, object]]
    exports: list[tuple[str, str]]
    may_write: bool
    may_retire: bool
    may_import: bool

    def page_href(self, number: int) -> str:
        """Return the address of another page of the same list."""
        return page_address(number)

    @property
    def is_filtered(self) -> bool:
        """Say whether the list is narrowed."""
        return bool(self.chips)


def filter_from_request() -> ItemFilter:
    """Return the filter that the address says; nonsense narrows nothing."""
    args = request.args
    status, sort = args.get("status", ""), args.get("sort", "")
    return ItemFilter(
        standard_level_id=uuid_or_none(args.get("level", "")),
        scope=args.get("scope", "").strip()[:60],
        type=args.get("type", "")[:40],
        status=ItemStatus(status) if status in set(ItemStatus) else None,
        difficulty=int_or_none(args.get("difficulty", ""), 1, 5),
        author_id=uuid_or_none(args.get("author", "")),
        search=args.get("q", "").strip()[:100],
        import_run_id=uuid_or_none(args.get("run", "")),
        is_returned=args.get("returned") == "1",
        sort=ItemSort(sort) if sort in set(ItemSort) else ItemSort.UPDATED,
        is_descending=args.get("order", "desc" if not sort else "asc") == "desc",
    )


@bp.get("/")
@requires(*READ)
def index() -> tuple[str, int]:
    """List items."""
    session, actor, paging, wanted = db.session(), current_actor(), paging_from_request(), filter_from_request()
    rows, total = repository.list_items(session, actor=actor, wanted=wanted, page=paging.page, per_page=paging.per_page)
    points = repository.points_of_versions(session, [row.item.current_version_id for row in rows])
    options = _filter_options()
    page = ItemListPage(
        rows=[_line(row, points[row.item.current_version_id]) for row in rows],
        paging=paging.of(total),
        values={name: request.args.get(name, "") for name in FILTER_FIELDS},
        **options,
        chips=_chips(options),
        columns=_columns(wanted),
        exports=[(fmt, _(FORMATS[fmt].label)) for fmt in writable_formats()]
        if actor.may(Permission.ITEM_EXPORT)
        else [],
        may_write=actor.may(Permission.ITEM_WRITE),
        may_retire=actor.may(Permission.ITEM_RETIRE),
        may_import=actor.may(Permission.ITEM_IMPORT),
    )
    return render_page("qbank/items/list.html", page)


def _line(row: repository.ItemRow, points: Sequence[AssessmentPoint]) -> ItemLine:
    item = row.item
    return ItemLine(
        item=item,
        stem=excerpt(row.content),
        type_label=type_label(item.type),
        points=points,
        difficulty=difficulty_label(item.difficulty),
        status=status_view(item),
        author_name=row.author_name,
    )


def _filter_options() -> dict[str, Options]:
    session, actor = db.session(), current_actor()
    authors = repository.list_authors(session, actor=actor) if actor.may(Permission.ITEM_READ) else []
    return {
        "levels": level_options(session, actor),
        "types": type_options(),
        "statuses": status_options(),
        "difficulties": difficulty_options(),
        "authors": [(str(key), name) for key, name in authors],
    }


def _chips(options: dict[str, Options]) -> list[dict[str, str]]:
    """Return the filters in force in words, each with the address without it."""
    lists = {
        "level": options["levels"], "type": options["types"], "status": options["statuses"],
        "difficulty": options["difficulties"], "author": options["authors"],
    }  # fmt: skip
    plain = {"q": _("关键词"), "scope": _("范围或鉴定点")}
    flags = {"run": _("同一次导入"), "returned": _("退回的试题")}
    chips = []
    for name in FILTER_FIELDS:
        value = request.args.get(name, "").strip()
        if not value:
            continue
        label = flags.get(name) or (f"{plain[name]}：{value}" if name in plain else dict(lists[name]).get(value, value))
        chips.append({"label": label, "href": _address_without(name)})
    return chips


def _address_without(name: str) -> str:
    return "?" + urlencode({k: v for k, v in request.args.items() if k not in {name, "page"} and v})


def _columns(wanted: ItemFilter) -> list[dict[str, object]]:
    def sortable(label: str, sort: ItemSort, *, numeric: bool = False) -> dict[str, object]:
        is_here = wanted.sort is sort
        order = "asc" if is_here and wanted.is_descending else "desc" if is_here else "asc"
        args = {k: v for k, v in request.args.items() if k not in {"page", "sort", "order"} and v}
        direction = ("desc" if wanted.is_descending else "asc") if is_here else ""
        href = "?" + urlencode({**args, "sort": sort.value, "order": order})
        return {"label": label, "numeric": numeric, "sort_href": href, "sorted": direction}

    return [
        sortable(_("编号"), ItemSort.CODE), {"label": _("题干")}, sortable(_("题型"), ItemSort.TYPE),
        {"label": _("鉴定点")}, sortable(_("难度"), ItemSort.DIFFICULTY), sortable(_("状态"), ItemSort.STATUS),
        {"label": _("命题人")}, sortable(_("使用"), ItemSort.USED, numeric=True),
        sortable(_("更新时间"), ItemSort.UPDATED),
    ]  # fmt: skip


def retire_selected(item_ids: list[uuid.UUID], address: str) -> Response:
    """Retire some items for the reason in the form and return to a page with the outcome."""
    try:
        with unit_of_work(current_actor()) as uow:
            n = services.retire_items(uow, item_ids, reason=form_text("reason"))
    except InvalidInputError as exc:
        return redirect_with_message(address, _(exc.template), "danger")
    return redirect_with_message(address, _("已停用 %(n)s 题", n=n))


@bp.post("/bulk")
@requires(Permission.ITEM_WRITE, Permission.ITEM_RETIRE)
def bulk() -> Response:
    """Do one thing with all selected items."""
    ids = [key for key in map(uuid_or_none, request.form.getlist("selected")) if key]
    address = request.referrer or url_for("items.index")
    if not ids:
        return redirect_with_message(address, _("请先勾选试题"), "warning")
    if form_text("act") == "retire":
        return retire_selected(ids, address)
    with unit_of_work(current_actor()) as uow:
        result = reviews.submit_items(uow, ids)
    return redirect_with_message(address, *_submission_words(result))


def _submission_words(result: reviews.SubmitResult) -> tuple[str, str]:
    message = _("已提交 %(n)s 题", n=result.n_submitted)
    if not result.refused:
        return message, "success"
    shown = "；".join(f"{one.code} {one.message}" for one in result.refused[:5])
    more = _(" 等") if len(result.refused) > 5 else ""
    refused = _("%(n)s 题未提交：%(shown)s%(more)s", n=len(result.refused), shown=shown, more=more)
    return f"{message}；{refused}", "warning"


@bp.post("/export")
@requires(Permission.ITEM_EXPORT)
def export() -> Response:
    """Hand out everything the filter of the list finds, as a file."""
    fmt = form_text("format")
    with unit_of_work(current_actor()) as uow:
        exported = exports.export_items(uow, filter_from_request(), fmt=fmt)
    return send_file(
        io.BytesIO(exported.data),
        mimetype=exported.mime,
        as_attachment=True,
        download_name=f"items-{_stamp(now())}{exported.extension}",
    )


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y%m%d-%H%M%S")

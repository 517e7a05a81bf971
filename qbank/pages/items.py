"""The list of items, one item with its tabs, bulk acts and exports."""

from __future__ import annotations

import io
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from flask import Blueprint, request, send_file
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel.clock import now
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import (
    MenuEntry,
    current_actor,
    paging_from_request,
    redirect_with_message,
    render_page,
    requires,
)
from kernel.http.lists import EVERYTHING, Listing, begin_with_view, open_list, send_list
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.lists import Column, ListDescription, Order, declare_list
from kernel.uow import unit_of_work
from qbank.interchange.convert import FORMATS, writable_formats
from qbank.models.curation import ItemStatistics
from qbank.models.items import Item
from qbank.models.standards import AssessmentPoint
from qbank.pages.item_wording import (
    Options,
    date_or_none,
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
from qbank.pages.wording import form_text
from qbank.repository import curation, item_lists
from qbank.repository import items as repository
from qbank.repository.items import ItemFilter, ItemSort
from qbank.rules.bulk import BULK_LABELS
from qbank.rules.item_flags import FLAG_LABELS, ItemFlag
from qbank.rules.items import ItemStatus
from qbank.services import bulk, exports, review_desk
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
FILTER_FIELDS = (
    "q", "level", "scope", "type", "status", "difficulty", "author", "tag", "flag", "stats", "since", "run", "returned",
)  # fmt: skip


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
    tags: Sequence[str]
    statistics: ItemStatistics | None


def _points(line: ItemLine) -> str:
    return "、".join(point.full_code for point in line.points)


def _figure(line: ItemLine, name: str) -> float | None:
    value = getattr(line.statistics, name, None)
    return None if value is None else round(value, 2)


LIST: ListDescription[ItemLine] = declare_list(
    ListDescription(
        key="items",
        title=N_("试题"),
        columns=(
            Column("code", N_("编号"), lambda line: line.item.code, is_fixed=True, is_sortable=True),
            Column("stem", N_("题干"), lambda line: line.stem),
            Column("type", N_("题型"), lambda line: line.type_label, is_sortable=True),
            Column("points", N_("鉴定点"), _points),
            Column("difficulty", N_("难度"), lambda line: line.difficulty, is_sortable=True),
            Column("status", N_("状态"), lambda line: line.status[0], is_sortable=True),
            Column("author", N_("命题人"), lambda line: line.author_name),
            Column("tags", N_("标签"), lambda line: "、".join(line.tags), is_default=False),
            Column("used", N_("使用"), lambda line: line.item.n_used, is_numeric=True, is_sortable=True),
            Column("last_used", N_("最近使用"), lambda line: line.item.last_used_on, is_default=False),
            Column("facility", N_("通过率"), lambda line: _figure(line, "proportion_correct"), is_numeric=True),
            Column("discrimination", N_("区分度"), lambda line: _figure(line, "item_total_r"), is_numeric=True),
            Column("updated", N_("更新时间"), lambda line: line.item.updated_at, is_sortable=True),
        ),
        filters=FILTER_FIELDS,
        readers=READ,
        sharers=(Permission.ITEM_READ,),
        order=Order("updated", is_descending=True),
    )
)


@dataclass(frozen=True, slots=True)
class ItemListPage:
    """One page of items, with everything its filters need."""

    rows: list[ItemLine]
    total: str
    next_href: str
    previous_href: str
    tags: Options
    flags: Options
    listing: Listing[ItemLine]
    acts: Options
    values: dict[str, str]
    levels: Options
    types: Options
    statuses: Options
    difficulties: Options
    authors: Options
    chips: list[dict[str, str]]
    exports: list[tuple[str, str]]
    may_write: bool
    may_import: bool


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
        author_id=_author_wanted(args.get("author", "")),
        search=args.get("q", "").strip()[:100],
        import_run_id=uuid_or_none(args.get("run", "")),
        is_returned=args.get("returned") == "1",
        tag=args.get("tag", "").strip()[:40],
        flag=ItemFlag(args.get("flag", "")) if args.get("flag", "") in set(ItemFlag) else None,
        has_statistics=args.get("stats") == "1",
        used_since=date_or_none(args.get("since", "")),
        sort=ItemSort(sort) if sort in set(ItemSort) else ItemSort.UPDATED,
        is_descending=args.get("order", "desc" if not sort else "asc") == "desc",
    )


@bp.get("/")
@requires(*READ)
def index() -> tuple[str, int] | Response:
    """List items."""
    listing = open_list(LIST)
    if away := begin_with_view(listing):
        return away
    session, actor, paging, wanted = db.session(), current_actor(), paging_from_request(), filter_from_request()
    cursor = request.args.get("cursor", "")[:400]
    found = item_lists.list_page(
        session, actor=actor, wanted=wanted, cursor=cursor, page=paging.page, per_page=paging.per_page
    )
    options = _filter_options()
    page = ItemListPage(
        rows=_lines(found.rows),
        total=_("%(n)s 以上", n=f"{found.total:,}") if found.is_at_least else f"{found.total:,}",
        next_href=_place_address(found.next_cursor),
        previous_href=_place_address(found.previous_cursor),
        values={name: request.args.get(name, "") for name in FILTER_FIELDS},
        **options,
        listing=listing,
        acts=[(act.value, _(BULK_LABELS[act])) for act in bulk.may_act(actor)],
        chips=_chips(options, listing),
        exports=[(fmt, _(FORMATS[fmt].label)) for fmt in writable_formats()]
        if actor.may(Permission.ITEM_EXPORT)
        else [],
        may_write=actor.may(Permission.ITEM_WRITE),
        may_import=actor.may(Permission.ITEM_IMPORT),
    )
    return render_page("qbank/items/list.html", page)


def _place_address(cursor: str) -> str:
    if not cursor:
        return ""
    return "?" + urlencode(
        {**{k: v for k, v in request.args.items() if k not in {"page", "cursor"} and v}, "cursor": cursor}
    )


def _lines(rows: Sequence[repository.ItemRow]) -> list[ItemLine]:
    session, ids = db.session(), [row.item.item_id for row in rows]
    points = repository.points_of_versions(session, [row.item.current_version_id for row in rows])
    tags, figures = curation.tags_of(session, ids), curation.latest_statistics(session, ids)
    is_blind = review_desk.hides_all_authors(session, current_actor())
    return [
        replace(
            _line(row, points[row.item.current_version_id]),
            author_name="" if is_blind and row.item.status is ItemStatus.IN_REVIEW else row.author_name,
            tags=tags[row.item.item_id],
            statistics=figures.get(row.item.item_id),
        )
        for row in rows
    ]


def _author_wanted(text: str) -> uuid.UUID | None:
    """Return whose items are asked for; under blind review a reviewer may ask for the own ones alone."""
    wanted, actor = uuid_or_none(text), current_actor()
    if wanted is None or wanted == actor.user_id:
        return wanted
    return uuid.UUID(int=0) if review_desk.hides_all_authors(db.session(), actor) else wanted


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
        tags=(),
        statistics=None,
    )


def _filter_options() -> dict[str, Options]:
    session, actor = db.session(), current_actor()
    may_know = actor.may(Permission.ITEM_READ) and not review_desk.hides_all_authors(session, actor)
    authors = repository.list_authors(session, actor=actor) if may_know else []
    return {
        "levels": level_options(session, actor),
        "types": type_options(),
        "statuses": status_options(),
        "difficulties": difficulty_options(),
        "authors": [(str(key), name) for key, name in authors],
        "tags": [(tag, f"{tag} ({n})") for tag, n in curation.list_tags(session, actor=actor)],
        "flags": [(flag.value, _(label)) for flag, label in FLAG_LABELS.items()],
    }


def _chips(options: dict[str, Options], listing: Listing[ItemLine]) -> list[dict[str, str]]:
    """Return the filters in force in words, each with the address without it."""
    lists = {
        "level": options["levels"], "type": options["types"], "status": options["statuses"],
        "difficulty": options["difficulties"], "author": options["authors"], "flag": options["flags"],
    }  # fmt: skip
    plain = {"q": _("关键词"), "scope": _("范围或鉴定点"), "tag": _("标签"), "since": _("此后用过")}
    flags = {"run": _("同一次导入"), "returned": _("退回的试题"), "stats": _("有统计数据")}
    chips = []
    for name in FILTER_FIELDS:
        value = request.args.get(name, "").strip()
        if not value:
            continue
        label = flags.get(name) or (f"{plain[name]}：{value}" if name in plain else dict(lists[name]).get(value, value))
        chips.append({"label": label, "href": listing.address((name, "page", "cursor"))})
    return chips


def retire_selected(item_ids: list[uuid.UUID], address: str) -> Response:
    """Retire some items for the reason in the form and return to a page with the outcome."""
    try:
        with unit_of_work(current_actor()) as uow:
            n = services.retire_items(uow, item_ids, reason=form_text("reason"))
    except InvalidInputError as exc:
        return redirect_with_message(address, _(exc.template), "danger")
    return redirect_with_message(address, _("已停用 %(n)s 题", n=n))


@bp.post("/shown")
@requires(Permission.ITEM_EXPORT)
def export_shown() -> Response:
    """Hand out the list itself as a table: columns, filters and order as shown, without contents and keys."""
    listing, wanted = open_list(LIST), filter_from_request()

    def find() -> tuple[list[ItemLine], int]:
        n = EVERYTHING.per_page
        found = item_lists.list_page(db.session(), actor=current_actor(), wanted=wanted, per_page=n)
        return _lines(found.rows), n + 1 if found.next_cursor else len(found.rows)

    return send_list(listing, find, {"sort": wanted.sort.value})


@bp.post("/export")
@requires(Permission.ITEM_EXPORT)
def export() -> Response:
    """Hand out everything the filter of the list finds, as a file."""
    selected = tuple(key for key in map(uuid_or_none, request.form.getlist("selected")) if key)
    wanted = ItemFilter(item_ids=selected) if selected else filter_from_request()
    with unit_of_work(current_actor()) as uow:
        exported = exports.export_items(uow, wanted, fmt=form_text("format"))
    return send_file(
        io.BytesIO(exported.data),
        mimetype=exported.mime,
        as_attachment=True,
        download_name=f"items-{_stamp(now())}{exported.extension}",
    )


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y%m%d-%H%M%S")

"""A list as one request shows it: columns, order and views from the address and from what the person chose."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic
from urllib.parse import urlencode

from flask import redirect, request, send_file
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel.clock import today
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http.access import current_actor
from kernel.http.paging import Paging
from kernel.http.rendering import redirect_with_message
from kernel.lists import repository
from kernel.lists.description import ListDescription, Order, Row
from kernel.lists.exporting import MIMES, MOST_ROWS
from kernel.lists.models import SavedView
from kernel.lists.services import note_export, write_rows
from kernel.uow import unit_of_work

WHOLE = "whole"
"""In an address: the list as the house has it, though the person begins with a view."""
ORDER_FIELDS = ("sort", "order")
MOST_OF_VALUE = 100
MOST_OF_COLUMNS = 600
EXPORT_SUFFIX = "shown"
EVERYTHING = Paging(1, MOST_ROWS)
"""What an export asks of a list: its rows in one page."""


@dataclass(frozen=True, slots=True)
class ViewLine:
    """A saved view as the menu offers it."""

    saved_view_id: uuid.UUID
    name: str
    href: str
    owner: str
    is_own: bool
    is_shared: bool
    is_default: bool
    is_here: bool


@dataclass(frozen=True, slots=True)
class Listing(Generic[Row]):
    """A list as this request shows it; the one context of its head, its menus and its export."""

    description: ListDescription[Row]
    path: str
    args: Mapping[str, str]
    columns: tuple[str, ...]
    has_own_columns: bool
    views: tuple[ViewLine, ...] = field(default=())
    may_share: bool = False

    @property
    def order(self) -> Order:
        """The order asked for."""
        return self.description.order_of(self.args.get("sort", ""), self.args.get("order", "asc"))

    @property
    def is_narrowed(self) -> bool:
        """Say whether a filter is in force."""
        names = (*self.description.filters, *self.description.local_filters)
        return any(self.args.get(name) for name in names)

    @property
    def heads(self) -> list[dict[str, object]]:
        """The head of the table, for the macro `table`."""
        return [self._head(column) for column in self.description.shown(self.columns)]

    def _head(self, column: Any) -> dict[str, object]:
        head: dict[str, object] = {"label": str(_(column.label)), "numeric": column.is_numeric}
        if not column.is_sortable:
            return head
        is_here = self.order.key == column.key
        turned = "desc" if is_here and not self.order.is_descending else "asc"
        head["sort_href"] = self.address(without=("page", "cursor", *ORDER_FIELDS), sort=column.key, order=turned)
        head["sorted"] = ("desc" if self.order.is_descending else "asc") if is_here else ""
        return head

    def shows(self, key: str) -> bool:
        """Say whether a column is shown."""
        return key in self.columns

    def address(self, without: Sequence[str] = (), **more: str) -> str:
        """Return the address of this list with some of its arguments left out and others put in."""
        kept = {name: value for name, value in self.args.items() if name not in without and value} | more
        query = urlencode(sorted((kept or self._whole()).items()))
        return f"{self.path}?{query}" if query else self.path

    @property
    def clear_href(self) -> str:
        """The list without filters, with its columns and order."""
        return self.address((*self.description.filters, *self.description.local_filters, "page", "cursor"))

    def _whole(self) -> dict[str, str]:
        return {WHOLE: "1"} if any(view.is_default for view in self.views) else {}

    @property
    def carried(self) -> list[tuple[str, str]]:
        """What a filter form carries along unseen: place, order, columns, and that it begins with no view."""
        names = (*self.description.places, *ORDER_FIELDS, "columns", "per_page")
        return [(name, self.args[name]) for name in names if self.args.get(name)] + list(self._whole().items())

    @property
    def export_href(self) -> str:
        """Where exactly what is shown comes as a file, by post: exports are audited."""
        query = urlencode(
            {name: value for name, value in self.args.items() if value and name not in {"page", "cursor"}}
        )
        return f"{self.path.rstrip('/')}/{EXPORT_SUFFIX}" + (f"?{query}" if query else "")

    @property
    def view_parameters(self) -> dict[str, str]:
        """What a view saved now would keep."""
        names = (*self.description.filters, *ORDER_FIELDS)
        kept = {name: value[:MOST_OF_VALUE] for name in names if (value := self.args.get(name, "").strip())}
        return kept | {"columns": ",".join(self.columns)}


def open_list(description: ListDescription[Row]) -> Listing[Row]:
    """Read the address, and what the person chose, for one list; one small query however long it is."""
    actor, session = current_actor(), db.session()
    choice, views = repository.choice_and_views(session, description.key, actor=actor)
    args = {name: value for name, value in request.args.items() if name in _known(description)}
    own = choice.columns if choice else None
    wanted = args["columns"][:MOST_OF_COLUMNS].split(",") if args.get("columns") else own
    path = request.path.removesuffix(EXPORT_SUFFIX) if request.method == "POST" else request.path
    return Listing(
        description=description,
        path=path,
        args=args,
        columns=tuple(column.key for column in description.shown(wanted)),
        has_own_columns=own is not None,
        views=tuple(_view_line(description, args, *each, choice.default_view_id if choice else None) for each in views),
        may_share=description.may_share(actor),
    )


def _known(description: ListDescription[Any]) -> frozenset[str]:
    own = (*description.filters, *description.local_filters, *description.places)
    return frozenset((*own, *ORDER_FIELDS, "columns", "per_page", "page", "cursor", WHOLE))


def _view_line(
    description: ListDescription[Any], args: Mapping[str, str], view: SavedView, owner: str, default: uuid.UUID | None
) -> ViewLine:
    user_id = current_actor().user_id
    kept = {name: value for name, value in view.parameters.items() if name in _known(description) and value}
    places = {name: args[name] for name in description.places if args.get(name)}
    here = {name: value for name, value in args.items() if name not in {"page", "cursor", WHOLE} and value}
    return ViewLine(
        saved_view_id=view.saved_view_id,
        name=view.name,
        href="?" + urlencode(places | kept | {WHOLE: "1"} if not kept else places | kept),
        owner="" if view.owner_id == user_id else owner,
        is_own=view.owner_id == user_id,
        is_shared=view.is_shared,
        is_default=view.saved_view_id == default,
        is_here=here == places | kept,
    )


def begin_with_view(listing: Listing[Any]) -> Response | None:
    """Send who asks for a list without saying what of it to the view it opens with, whose address can be shared."""
    first = next((view for view in listing.views if view.is_default), None)
    asks = any(value for name, value in request.args.items() if name not in listing.description.places)
    return redirect(request.path + first.href) if first and not asks else None


def send_list(
    listing: Listing[Row], find: Callable[[], tuple[Sequence[Row], int]], told: Mapping[str, object]
) -> Response:
    """Send exactly what the list shows as a file of the asked format, or go back and say why not.

    `find` returns the rows, `MOST_ROWS` at most, and how many there are. Reading them and writing the file take seconds for a
    long list: nobody else waits for that to write; only the audit's line is a transaction.
    """
    fmt = request.form.get("format", "")
    fmt = fmt if fmt in MIMES else "xlsx"
    title = str(_(listing.description.title))
    titles = [title, *(str(head["label"]) for head in listing.heads)]
    told = {**told, "filters": sorted(name for name in listing.description.filters if listing.args.get(name))}
    try:
        rows, total = find()
        body = write_rows(listing.description, listing.columns, rows, total, titles=titles, fmt=fmt)
        with unit_of_work(current_actor()) as uow:
            note_export(uow, listing.description, columns=listing.columns, n=len(rows), fmt=fmt, told=told)
    except InvalidInputError as exc:
        return redirect_with_message(listing.address(), _(exc.template) % exc.context, "danger")
    name = f"{title}_{today().isoformat()}.{fmt}"
    return send_file(io.BytesIO(body), mimetype=MIMES[fmt], as_attachment=True, download_name=name)

"""The occupation dictionary (职业目录)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel.db import db
from kernel.http import Paging, current_actor, paging_from_request, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank.models.standards import Occupation
from qbank.pages.wording import page_address
from qbank.repository import occupations as repository
from qbank.services.occupations import load_occupations

bp = Blueprint("occupations", __name__, url_prefix="/occupations")


@dataclass(frozen=True, slots=True)
class OccupationListPage:
    """One page of the dictionary."""

    rows: Sequence[Occupation]
    wanted: repository.OccupationFilter
    categories: list[tuple[str, str]]
    paging: Paging
    is_loaded: bool
    may_write: bool

    def page_href(self, number: int) -> str:
        """Return the address of another page of the same list."""
        return page_address(number)


@bp.get("/")
@requires(Permission.STANDARD_READ)
def index() -> tuple[str, int]:
    """Search the dictionary by code, name or work type."""
    wanted, paging = filter_from_request(), paging_from_request()
    rows, total = repository.list_occupations(db.session(), wanted, page=paging.page, per_page=paging.per_page)
    categories = repository.list_categories(db.session())
    may_write = current_actor().may(Permission.STANDARD_WRITE)
    page = OccupationListPage(rows, wanted, categories, paging.of(total), bool(categories), may_write)
    return render_page("qbank/standards/occupations.html", page)


def filter_from_request() -> repository.OccupationFilter:
    """Read the filter from the address; unknown values count as none."""
    args = request.args
    mark, check = args.get("mark", ""), args.get("check", "")
    return repository.OccupationFilter(
        search=args.get("q", "").strip()[:60],
        major_code=args.get("major", ""),
        mark=mark if mark in {"digital", "green"} else "",
        check=check if check in {"both", "open"} else "",
    )


@bp.post("/load")
@requires(Permission.STANDARD_WRITE)
def load() -> Response:
    """Load the shipped dictionary."""
    with unit_of_work(current_actor()) as uow:
        n_added = load_occupations(uow)
    return redirect_with_message(url_for("occupations.index"), _("职业目录已载入，新增 %(n)s 个职业", n=n_added))

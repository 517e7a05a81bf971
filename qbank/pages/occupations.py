"""The occupation dictionary (职业目录)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import Paging, current_actor, paging_from_request, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank.models.editions import OccupationAlias
from qbank.models.standards import Occupation
from qbank.pages.wording import Errors, act_and_return, field_errors, form_text, page_address
from qbank.repository import occupations as repository
from qbank.repository.editions import list_aliases
from qbank.services import occupations as services
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
        organisation_id=current_actor().organisation_id,
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


@dataclass(frozen=True, slots=True)
class AliasPage:
    """Other names and codes under which people look for occupations."""

    rows: Sequence[OccupationAlias]
    may_write: bool
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Errors = field(default_factory=dict)


@bp.get("/aliases")
@requires(Permission.STANDARD_READ)
def aliases() -> tuple[str, int]:
    """List the organisation's aliases."""
    return _aliases({})


def _aliases(errors: Errors) -> tuple[str, int]:
    actor = current_actor()
    rows = list_aliases(db.session(), actor=actor)
    page = AliasPage(rows, actor.may(Permission.STANDARD_WRITE), request.form.to_dict() if errors else {}, errors)
    return render_page("qbank/standards/aliases.html", page, status=422 if errors else 200)


@bp.post("/aliases")
@requires(Permission.STANDARD_WRITE)
def add_alias() -> tuple[str, int] | Response:
    """Add an alias."""
    try:
        with unit_of_work(current_actor()) as uow:
            code, alias = form_text("occupation_code"), form_text("alias")
            services.add_alias(uow, occupation_code=code, alias=alias, note=form_text("note"))
    except InvalidInputError as exc:
        return _aliases(field_errors(exc))
    return redirect_with_message(url_for("occupations.aliases"), _("别名已添加"))


@bp.post("/aliases/<uuid:alias_id>/remove")
@requires(Permission.STANDARD_WRITE)
def remove_alias(alias_id: uuid.UUID) -> Response:
    """Forget an alias."""
    address = url_for("occupations.aliases")
    return act_and_return(address, _("别名已删除"), lambda uow: services.remove_alias(uow, alias_id))

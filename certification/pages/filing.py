"""What the organisation has filed: occupations, trades, levels."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.models import FiledScope
from certification.pages.wording import Errors, act_and_return, field_errors, form_date, form_text
from certification.repository import rosters as repository
from certification.services import filing as services
from kernel import profiles
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.skill_levels import all_levels
from kernel.uow import unit_of_work

bp = Blueprint("cert_filing", __name__, url_prefix="/certification/filing")


@dataclass(frozen=True, slots=True)
class FilingPage:
    """The filing, and the form for one more entry."""

    rows: Sequence[FiledScope]
    may_write: bool
    values: dict[str, str]
    levels: dict[str, str]
    errors: Errors = field(default_factory=dict)


@bp.get("/")
@requires(Permission.CERTIFICATION_READ)
def index() -> tuple[str, int]:
    """Show the filing."""
    return _page(request.args.to_dict())


def _page(values: dict[str, str], errors: Errors | None = None) -> tuple[str, int]:
    actor = current_actor()
    rows = repository.list_filed_scopes(db.session(), actor.organisation)
    known = all_levels(profiles.values(db.session(), actor.organisation))
    levels = {code: level.name for code, level in known.items()}
    page = FilingPage(rows, actor.may(Permission.CERTIFICATION_WRITE), values, levels, errors or {})
    return render_page("certification/filing.html", page, status=422 if errors else 200)


@bp.post("/")
@requires(Permission.CERTIFICATION_WRITE)
def add() -> tuple[str, int] | Response:
    """Add an entry."""
    try:
        filed_on = form_date("filed_on")
        with unit_of_work(current_actor()) as uow:
            services.add_filed_scope(
                uow, occupation_code=form_text("occupation_code"), trade_name=form_text("trade_name"),
                level_code=form_text("level_code"), filed_on=filed_on, number=form_text("number"),
                ability_name=form_text("ability_name"),
            )  # fmt: skip
    except InvalidInputError as exc:
        return _page(request.form.to_dict(), field_errors(exc))
    return redirect_with_message(url_for("cert_filing.index"), _("备案范围已添加"))


@bp.post("/<uuid:filed_scope_id>/delete")
@requires(Permission.CERTIFICATION_WRITE)
def remove(filed_scope_id: uuid.UUID) -> Response:
    """Take an entry out."""
    return act_and_return(
        url_for("cert_filing.index"), _("备案范围已删除"),
        lambda uow: services.remove_filed_scope(uow, filed_scope_id),
    )  # fmt: skip

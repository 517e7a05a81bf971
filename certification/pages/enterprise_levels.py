"""Levels that an enterprise sets itself: the list, one more with its document, and the day one ends."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.models import EnterpriseLevel
from certification.pages.wording import Errors, act_and_return, download, field_errors, form_date, form_text, refusal
from certification.repository import enterprise_levels as repository
from certification.rules.materials import ACCEPT
from certification.services import enterprise_levels as services
from certification.services.materials import UploadedMaterial
from kernel import profiles
from kernel.clock import today
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.http.uploads import uploaded_file
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.skill_levels import scale
from kernel.uow import unit_of_work

bp = Blueprint("cert_levels", __name__, url_prefix="/certification/levels")
CURRENT, PAST = "current", "past"
STATUS_OPTIONS = ((CURRENT, N_("现行和将生效")), (PAST, N_("已结束")))


@dataclass(frozen=True, slots=True)
class LevelsPage:
    """The own levels, narrowed by a search, and the form for one more."""

    rows: Sequence[EnterpriseLevel]
    n_all: int
    levels: dict[str, str]
    options: list[tuple[str, str]]
    statuses: list[tuple[str, str]]
    search: str
    status: str
    may_write: bool
    is_enterprise: bool
    accept: str
    values: dict[str, str]
    errors: Errors = field(default_factory=dict)


@bp.get("/")
@requires(Permission.CERTIFICATION_READ)
def index() -> tuple[str, int]:
    """Show the own levels."""
    return _page({})


def _page(values: dict[str, str], errors: Errors | None = None) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    rows = repository.list_visible(session, actor=actor)
    search, status = request.args.get("q", "").strip()[:60], request.args.get("status", "")
    known = scale(profiles.values(session, actor.organisation))
    is_enterprise = services.may_define(session, actor.organisation)
    page = LevelsPage(
        rows=[row for row in rows if _is_wanted(row, search, status)], n_all=len(rows),
        levels={level.code: level.name for level in known},
        options=[(level.code, f"{level.name}（{level.code}）") for level in known],
        statuses=[(key, _(label)) for key, label in STATUS_OPTIONS], search=search, status=status,
        may_write=actor.may(Permission.CERTIFICATION_WRITE) and is_enterprise, is_enterprise=is_enterprise,
        accept=ACCEPT, values=values, errors=errors or {},
    )  # fmt: skip
    return render_page("certification/enterprise_levels.html", page, status=422 if errors else 200)


def _is_wanted(row: EnterpriseLevel, search: str, status: str) -> bool:
    is_past = row.valid_until is not None and row.valid_until < today()
    texts = (row.code, row.name, row.occupation_code, row.filing_number)
    fits = not search or any(search.casefold() in text.casefold() for text in texts)
    return fits and (status not in {CURRENT, PAST} or is_past == (status == PAST))


@bp.post("/")
@requires(Permission.CERTIFICATION_WRITE)
def add() -> tuple[str, int] | Response:
    """Add an own level."""
    try:
        entry = services.LevelEntry(
            code=form_text("code"), name=form_text("name"), maps_to=form_text("maps_to"),
            occupation_code=form_text("occupation_code"), valid_from=form_date("valid_from"),
            valid_until=form_date("valid_until"), filed_on=form_date("filed_on"),
            filing_number=form_text("filing_number"),
        )  # fmt: skip
        with unit_of_work(current_actor()) as uow:
            services.add_level(uow, entry, posted_material("file"))
    except InvalidInputError as exc:
        return _page(request.form.to_dict(), field_errors(exc))
    except ConflictError as exc:
        return redirect_with_message(url_for("cert_levels.index"), refusal(exc), "danger")
    return redirect_with_message(url_for("cert_levels.index"), _("企业等级已登记"))


def posted_material(name: str) -> UploadedMaterial | None:
    """Return an uploaded file of the form, None when none was chosen."""
    if not (request.files.get(name) and request.files[name].filename):
        return None
    upload = uploaded_file(name)
    return UploadedMaterial(upload.name, upload.data)


@bp.post("/<uuid:level_id>/end")
@requires(Permission.CERTIFICATION_WRITE)
def end(level_id: uuid.UUID) -> Response:
    """Let an own level end."""
    return act_and_return(
        url_for("cert_levels.index"), _("结束日期已登记"),
        lambda uow: services.end_level(uow, level_id, until=form_date(f"until-{level_id}")),
    )  # fmt: skip


@bp.get("/<uuid:level_id>/document")
@requires(Permission.CERTIFICATION_READ)
def document(level_id: uuid.UUID) -> Response:
    """Download the filed document."""
    return download(*services.document(db.session(), current_actor(), level_id))

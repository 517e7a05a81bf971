"""Editions of a standard, and their levels."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel import profiles
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.skill_levels import ABILITY, LevelKind, SkillLevel, scale
from kernel.uow import unit_of_work
from qbank.models.standards import StandardEdition
from qbank.pages.item_wording import uuid_or_none
from qbank.pages.standards import detail_page
from qbank.pages.wording import Errors, act_and_return, field_errors, form_date, form_text, form_version
from qbank.repository import standards as repository
from qbank.rules.standards import (
    EDITION_LABELS,
    LAYOUT_LABELS,
    NATIONAL_LEVELS,
    EditionStatus,
    OutlineLayout,
    StandardKind,
)
from qbank.services import edition_copy
from qbank.services import standards as services

bp = Blueprint("editions", __name__, url_prefix="/standards")


@dataclass(frozen=True, slots=True)
class EditionFormPage:
    """Changing an edition."""

    edition: StandardEdition
    statuses: list[tuple[str, str]]
    values: dict[str, str]
    errors: Errors = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LevelFormPage:
    """Adding or changing a level."""

    title: str
    edition: StandardEdition
    action: str
    values: dict[str, str]
    nationals: list[tuple[str, str]]
    free_nationals: list[tuple[str, str]]
    layouts: list[tuple[str, str]]
    is_new: bool
    delete_href: str = ""
    errors: Errors = field(default_factory=dict)


@bp.post("/<uuid:standard_id>/editions")
@requires(Permission.STANDARD_WRITE)
def create_edition(standard_id: uuid.UUID) -> tuple[str, int] | Response:
    """Add an edition."""
    try:
        with unit_of_work(current_actor()) as uow:
            source, day = uuid_or_none(form_text("source")), form_date("effective_on")
            if source:
                edition_copy.copy_edition(uow, source, label=form_text("label"), effective_on=day)
            else:
                services.create_edition(uow, standard_id, label=form_text("label"), effective_on=day)
    except InvalidInputError as exc:
        return detail_page(standard_id, field_errors(exc), request.form.to_dict())
    return redirect_with_message(url_for("standards.detail", standard_id=standard_id), _("版本已添加，请添加等级"))


@bp.get("/editions/<uuid:edition_id>/edit")
@requires(Permission.STANDARD_WRITE)
def edit_edition(edition_id: uuid.UUID) -> tuple[str, int]:
    """Show the form of an edition."""
    edition = repository.get_edition(db.session(), edition_id, actor=current_actor())
    day = edition.effective_on.isoformat() if edition.effective_on else ""
    values = {
        "label": edition.label, "effective_on": day, "status": edition.status.value, "version": str(edition.version),
    }  # fmt: skip
    return _edition_form(edition, values, {})


def _edition_form(edition: StandardEdition, values: dict[str, str], errors: Errors) -> tuple[str, int]:
    statuses = [(status.value, _(label)) for status, label in EDITION_LABELS.items()]
    page = EditionFormPage(edition, statuses, values, errors)
    return render_page("qbank/standards/edition_form.html", page, status=422 if errors else 200)


@bp.post("/editions/<uuid:edition_id>/edit")
@requires(Permission.STANDARD_WRITE)
def update_edition(edition_id: uuid.UUID) -> tuple[str, int] | Response:
    """Change an edition."""
    status = EditionStatus.RETIRED if form_text("status") == EditionStatus.RETIRED else EditionStatus.CURRENT
    try:
        with unit_of_work(current_actor()) as uow:
            edition = services.update_edition(
                uow, edition_id, label=form_text("label"), effective_on=form_date("effective_on"), status=status,
                version=form_version(),
            )  # fmt: skip
    except InvalidInputError as exc:
        edition = repository.get_edition(db.session(), edition_id, actor=current_actor())
        return _edition_form(edition, request.form.to_dict(), field_errors(exc))
    address = url_for("standards.detail", standard_id=edition.occupational_standard_id)
    return redirect_with_message(address, _("版本已保存"))


@bp.post("/editions/<uuid:edition_id>/delete")
@requires(Permission.STANDARD_WRITE)
def delete_edition(edition_id: uuid.UUID) -> Response:
    """Delete an edition without levels."""
    edition = repository.get_edition(db.session(), edition_id, actor=current_actor())
    address = url_for("standards.detail", standard_id=edition.occupational_standard_id)
    return act_and_return(address, _("版本已删除"), lambda uow: services.delete_edition(uow, edition_id))


# --- levels ----------------------------------------------------------------------------------------------------------


@bp.get("/editions/<uuid:edition_id>/levels/new")
@requires(Permission.STANDARD_WRITE)
def new_level(edition_id: uuid.UUID) -> tuple[str, int]:
    """Show the form for a new level."""
    edition = repository.get_edition(db.session(), edition_id, actor=current_actor())
    return _level_form(edition, {}, {}, level_id=None)


def _level_form(
    edition: StandardEdition, values: dict[str, str], errors: Errors, *, level_id: uuid.UUID | None
) -> tuple[str, int]:
    nationals = [(level.code, f"{level.name}（{level.code}）") for level in NATIONAL_LEVELS]
    taken = {level.level_code for level in edition.levels}
    known = [(level.code, f"{level.name}（{level.code}）") for level in _offered(edition)]
    page = LevelFormPage(
        title=_("修改等级") if level_id else _("添加等级"), edition=edition,
        action=url_for("editions.update_level", level_id=level_id) if level_id
        else url_for("editions.create_level", edition_id=edition.standard_edition_id),
        values=values, nationals=nationals, free_nationals=[n for n in known if n[0] not in taken],
        layouts=[(layout.value, _(label)) for layout, label in LAYOUT_LABELS.items()], is_new=level_id is None,
        delete_href=url_for("editions.delete_level", level_id=level_id) if level_id else "",
        errors=errors,
    )  # fmt: skip
    return render_page("qbank/standards/level_form.html", page, status=422 if errors else 200)


def _offered(edition: StandardEdition) -> list[SkillLevel]:
    """Return the levels that a standard may have: one for a special ability, else the scale of the rule profile."""
    if edition.standard.kind is StandardKind.SPECIAL_ABILITY:
        return [ABILITY]
    levels = scale(profiles.values(db.session(), current_actor().organisation))
    return sorted(levels, key=lambda level: level.kind is not LevelKind.NATIONAL)


def _level_data() -> services.LevelData:
    chosen, layout = form_text("national"), form_text("layout")
    return services.LevelData(
        level_code=chosen or form_text("level_code"), name="" if chosen else form_text("name"),
        maps_to=form_text("maps_to"),
        layout=OutlineLayout(layout) if layout in set(OutlineLayout) else OutlineLayout.CLASSIC,
    )  # fmt: skip


@bp.post("/editions/<uuid:edition_id>/levels/new")
@requires(Permission.STANDARD_WRITE)
def create_level(edition_id: uuid.UUID) -> tuple[str, int] | Response:
    """Add a level."""
    try:
        with unit_of_work(current_actor()) as uow:
            level = services.create_level(uow, edition_id, _level_data())
    except InvalidInputError as exc:
        edition = repository.get_edition(db.session(), edition_id, actor=current_actor())
        return _level_form(edition, request.form.to_dict(), field_errors(exc), level_id=None)
    address = url_for("outlines.show", level_id=level.standard_level_id)
    return redirect_with_message(address, _("等级已添加，请导入或填写细目表"))


@bp.get("/levels/<uuid:level_id>/edit")
@requires(Permission.STANDARD_WRITE)
def edit_level(level_id: uuid.UUID) -> tuple[str, int]:
    """Show the form of a level."""
    level = repository.get_level(db.session(), level_id, actor=current_actor())
    edition = repository.get_edition(db.session(), level.standard_edition_id, actor=current_actor())
    values = {
        "level_code": level.level_code, "name": level.name, "maps_to": level.maps_to or "",
        "version": str(level.version),
    }  # fmt: skip
    return _level_form(edition, values, {}, level_id=level_id)


@bp.post("/levels/<uuid:level_id>/edit")
@requires(Permission.STANDARD_WRITE)
def update_level(level_id: uuid.UUID) -> tuple[str, int] | Response:
    """Change a level."""
    try:
        with unit_of_work(current_actor()) as uow:
            services.update_level(uow, level_id, _level_data(), version=form_version())
    except InvalidInputError as exc:
        level = repository.get_level(db.session(), level_id, actor=current_actor())
        edition = repository.get_edition(db.session(), level.standard_edition_id, actor=current_actor())
        return _level_form(edition, request.form.to_dict(), field_errors(exc), level_id=level_id)
    return redirect_with_message(url_for("outlines.show", level_id=level_id), _("等级已保存"))


@bp.post("/levels/<uuid:level_id>/delete")
@requires(Permission.STANDARD_WRITE)
def delete_level(level_id: uuid.UUID) -> Response:
    """Delete a level with an empty outline."""
    level = repository.get_level(db.session(), level_id, actor=current_actor())
    address = url_for("standards.detail", standard_id=level.edition.occupational_standard_id)
    return act_and_return(address, _("等级已删除"), lambda uow: services.delete_level(uow, level_id))

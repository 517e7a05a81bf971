"""Standards, their editions and levels."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import (
    MenuEntry,
    Paging,
    Todo,
    current_actor,
    paging_from_request,
    redirect_with_message,
    render_page,
    requires,
)
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank.models.standards import Occupation, OccupationalStandard, StandardEdition, StandardLevel
from qbank.pages.wording import Errors, act_and_return, field_errors, form_text, form_version, page_address
from qbank.repository import occupations as dictionary
from qbank.repository import standards as repository
from qbank.rules.standards import (
    EDITION_LABELS,
    KIND_LABELS,
    OUTLINE_LABELS,
    EditionStatus,
    StandardKind,
)
from qbank.rules.weights import WeightLine
from qbank.services import standards as services
from qbank.services.weights import weight_tables

bp = Blueprint("standards", __name__, url_prefix="/standards")

MENU = (
    MenuEntry(N_("标准与题库"), N_("标准与细目表"), "standards.index", (Permission.STANDARD_READ,), icon="tree", order=10),
    MenuEntry(N_("标准与题库"), N_("职业目录"), "occupations.index", (Permission.STANDARD_READ,), icon="book", order=90),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StandardListPage:
    """One page of standards with their levels."""

    standards: Sequence[OccupationalStandard]
    n_points: dict[uuid.UUID, int]
    wanted: repository.StandardFilter
    kinds: list[tuple[str, str]]
    paging: Paging
    may_write: bool

    def page_href(self, number: int) -> str:
        """Return the address of another page of the same list."""
        return page_address(number)

    @property
    def is_filtered(self) -> bool:
        """Say whether the list is narrowed."""
        return bool(self.wanted.search or self.wanted.kind)


@dataclass(frozen=True, slots=True)
class StandardFormPage:
    """Creating or changing a standard; `found` are occupations that a search offered."""

    title: str
    action: str
    back_href: str
    values: dict[str, str]
    kinds: list[tuple[str, str]]
    search: str = ""
    found: Sequence[Occupation] = ()
    n_found: int = 0
    is_new: bool = True
    errors: Errors = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EditionView:
    """An edition with its levels and the weight tables side by side."""

    edition: StandardEdition
    levels: Sequence[StandardLevel]
    tables: dict[uuid.UUID, list[WeightLine]]

    @property
    def has_weights(self) -> bool:
        """Say whether any level has a weight table."""
        return any(self.tables.values())

    @property
    def has_skill_weights(self) -> bool:
        """Say whether any skill column is filled in."""
        return any(line.skill_percent is not None for lines in self.tables.values() for line in lines)

    @property
    def row_names(self) -> list[tuple[str, str]]:
        """Function and name of all rows, in the order of the first table that has them."""
        names = [(line.function_name, line.name) for lines in self.tables.values() for line in lines]
        return list(dict.fromkeys(names))

    def percent(self, level: StandardLevel, name: tuple[str, str], kind: str) -> object:
        """Return a cell of the table."""
        for line in self.tables[level.standard_level_id]:
            if (line.function_name, line.name) == name:
                return line.theory_percent if kind == "theory" else line.skill_percent
        return None


@dataclass(frozen=True, slots=True)
class StandardPage:
    """One standard with everything below it."""

    standard: OccupationalStandard
    kind_label: str
    occupation: Occupation | None
    editions: list[EditionView]
    n_points: dict[uuid.UUID, int]
    edition_labels: dict[EditionStatus, str]
    may_write: bool
    errors: Errors = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)


def todos(session: Session, actor: Actor) -> list[Todo]:
    """Return what waits for those who keep standards: outlines not yet published."""
    if not actor.may(Permission.STANDARD_WRITE) or actor.organisation_id is None:
        return []
    n_drafts = repository.count_drafts_with_points(session, actor=actor)
    detail = _("发布后才能据此命题和组卷")
    return [Todo(_("细目表尚未发布"), n_drafts, url_for("standards.index"), detail)]


def kind_options() -> list[tuple[str, str]]:
    """Return the kinds of standards for a choice."""
    return [(kind.value, _(label)) for kind, label in KIND_LABELS.items()]


# --- standards -------------------------------------------------------------------------------------------------------


@bp.get("/")
@requires(Permission.STANDARD_READ)
def index() -> tuple[str, int]:
    """List standards."""
    actor, paging = current_actor(), paging_from_request()
    kind = request.args.get("kind", "")
    wanted = repository.StandardFilter(
        request.args.get("q", "").strip()[:60], StandardKind(kind) if kind in set(StandardKind) else None
    )
    rows, total = repository.list_standards(
        db.session(), actor=actor, wanted=wanted, page=paging.page, per_page=paging.per_page
    )
    level_ids = [level.standard_level_id for row in rows for edition in row.editions for level in edition.levels]
    n_points = repository.count_points(db.session(), level_ids)
    may_write = actor.may(Permission.STANDARD_WRITE)
    page = StandardListPage(rows, n_points, wanted, kind_options(), paging.of(total), may_write)
    return render_page("qbank/standards/list.html", page)


@bp.get("/new")
@requires(Permission.STANDARD_WRITE)
def new() -> tuple[str, int]:
    """Show the form for a new standard; an occupation may be searched for and taken over."""
    code = request.args.get("occupation", "")
    chosen = dictionary.find_occupation(db.session(), code) if code else None
    values = {"kind": request.args.get("kind", StandardKind.NATIONAL.value)}
    if chosen is not None:
        values |= {
            "occupation_code": chosen.code, "occupation_name": chosen.name, "code": chosen.code,
            "name": _("%(occupation)s职业标准", occupation=chosen.name),
        }  # fmt: skip
    return _standard_form(values, {}, standard=None)


def _standard_form(values: dict[str, str], errors: Errors, *, standard: OccupationalStandard | None) -> tuple[str, int]:
    search = request.args.get("q", "").strip()[:60]
    found, n_found = _search_occupations(search)
    key = standard.occupational_standard_id if standard else None
    page = StandardFormPage(
        title=_("修改标准") if standard else _("新建标准"),
        action=url_for("standards.update", standard_id=key) if key else url_for("standards.create"),
        back_href=url_for("standards.detail", standard_id=key) if key else url_for("standards.index"),
        values=values, kinds=kind_options(), search=search, found=found, n_found=n_found, is_new=standard is None,
        errors=errors,
    )  # fmt: skip
    return render_page("qbank/standards/standard_form.html", page, status=422 if errors else 200)


def _search_occupations(search: str) -> tuple[Sequence[Occupation], int]:
    if not search:
        return (), 0
    return dictionary.list_occupations(
        db.session(), dictionary.OccupationFilter(search, current_actor().organisation_id), per_page=20
    )


def _standard_data() -> services.StandardData:
    kind = form_text("kind")
    return services.StandardData(
        code=form_text("code"), name=form_text("name"),
        kind=StandardKind(kind) if kind in set(StandardKind) else StandardKind.NATIONAL,
        occupation_code=form_text("occupation_code"), occupation_name=form_text("occupation_name"),
    )  # fmt: skip


@bp.post("/new")
@requires(Permission.STANDARD_WRITE)
def create() -> tuple[str, int] | Response:
    """Create a standard."""
    try:
        with unit_of_work(current_actor()) as uow:
            standard = services.create_standard(uow, _standard_data())
    except InvalidInputError as exc:
        return _standard_form(request.form.to_dict(), field_errors(exc), standard=None)
    address = url_for("standards.detail", standard_id=standard.occupational_standard_id)
    return redirect_with_message(address, _("标准已建立，请添加版本和等级"))


@bp.get("/<uuid:standard_id>")
@requires(Permission.STANDARD_READ)
def detail(standard_id: uuid.UUID) -> tuple[str, int]:
    """Show a standard with editions, levels and weight tables."""
    return detail_page(standard_id, {}, {})


def detail_page(standard_id: uuid.UUID, errors: Errors, values: dict[str, str]) -> tuple[str, int]:
    """Render a standard; with errors, the form for a new edition shows them."""
    session, actor = db.session(), current_actor()
    standard = repository.get_standard(session, standard_id, actor=actor)
    levels = [level for edition in standard.editions for level in edition.levels]
    ids = [level.standard_level_id for level in levels]
    tables = weight_tables(session, ids)
    page = StandardPage(
        standard=standard, kind_label=_(KIND_LABELS[standard.kind]),
        occupation=dictionary.find_occupation(session, standard.occupation_code),
        editions=[_edition_view(edition, tables) for edition in _newest_first(standard.editions)],
        n_points=repository.count_points(session, ids),
        edition_labels={status: _(label) for status, label in EDITION_LABELS.items()},
        may_write=actor.may(Permission.STANDARD_WRITE), errors=errors, values=values,
    )  # fmt: skip
    return render_page("qbank/standards/detail.html", page, status=422 if errors else 200)


def _newest_first(editions: Sequence[StandardEdition]) -> list[StandardEdition]:
    return sorted(sorted(editions, key=lambda e: e.label, reverse=True), key=lambda e: e.status.value)


def _edition_view(edition: StandardEdition, tables: dict[uuid.UUID, list[WeightLine]]) -> EditionView:
    levels = sorted(edition.levels, key=lambda level: (level.rank, level.level_code))
    return EditionView(edition, levels, {level.standard_level_id: tables[level.standard_level_id] for level in levels})


@bp.get("/<uuid:standard_id>/edit")
@requires(Permission.STANDARD_WRITE)
def edit(standard_id: uuid.UUID) -> tuple[str, int]:
    """Show the form of a standard."""
    standard = repository.get_standard(db.session(), standard_id, actor=current_actor())
    values = {
        "code": standard.code, "name": standard.name, "kind": standard.kind.value,
        "occupation_code": standard.occupation_code, "occupation_name": standard.occupation_name,
        "version": str(standard.version),
    }  # fmt: skip
    return _standard_form(values, {}, standard=standard)


@bp.post("/<uuid:standard_id>/edit")
@requires(Permission.STANDARD_WRITE)
def update(standard_id: uuid.UUID) -> tuple[str, int] | Response:
    """Change a standard."""
    try:
        with unit_of_work(current_actor()) as uow:
            services.update_standard(uow, standard_id, _standard_data(), version=form_version())
    except InvalidInputError as exc:
        standard = repository.get_standard(db.session(), standard_id, actor=current_actor())
        return _standard_form(request.form.to_dict(), field_errors(exc), standard=standard)
    return redirect_with_message(url_for("standards.detail", standard_id=standard_id), _("标准已保存"))


@bp.post("/<uuid:standard_id>/delete")
@requires(Permission.STANDARD_WRITE)
def delete(standard_id: uuid.UUID) -> Response:
    """Delete a standard without editions."""
    standard = repository.get_standard(db.session(), standard_id, actor=current_actor())
    address = url_for("standards.detail", standard_id=standard_id) if standard.editions else url_for("standards.index")
    return act_and_return(address, _("标准已删除"), lambda uow: services.delete_standard(uow, standard_id))


def outline_label(level: StandardLevel) -> str:
    """Return the state of a level's outline in words."""
    label: str = _(OUTLINE_LABELS[level.status])
    return label

"""The board between two editions of an outline (版本迁移), and what it leaves for people."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
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
from kernel.uow import UnitOfWork, unit_of_work
from qbank.models.editions import MigrationStep, OutlineMigration
from qbank.pages.item_wording import Options, level_title, uuid_or_none
from qbank.pages.wording import (
    Errors,
    act_and_return,
    field_errors,
    form_date,
    form_text,
    form_version,
    page_address,
    refusal,
)
from qbank.repository import editions as repository
from qbank.repository import standards
from qbank.rules.edition_states import MIGRATION_LABELS, STEP_LABELS, MigrationState
from qbank.rules.editions import FATE_LABELS, REASON_LABELS, Fate, PointFacts, plain_name, rank_candidates
from qbank.services import edition_apply
from qbank.services import editions as services
from qbank.services.dependants import Affected, find_affected
from qbank.services.editions import Board, BoardRow

bp = Blueprint("migrations", __name__, url_prefix="/editions")
MENU = (
    MenuEntry(N_("标准与题库"), N_("版本迁移"), "migrations.index", (Permission.STANDARD_READ,), icon="refresh", order=12),
)  # fmt: skip
FATE_KINDS = {
    Fate.KEPT: "success", Fate.RENAMED: "info", Fate.MOVED: "info", Fate.SPLIT: "warning", Fate.MERGED: "info",
    Fate.ORPHANED: "danger",
}  # fmt: skip
STATE_KINDS = {MigrationState.DRAFT: "info", MigrationState.APPLYING: "info", MigrationState.APPLIED: "success"}
N_CANDIDATES = 12


@dataclass(frozen=True, slots=True)
class MigrationLine:
    """A migration as a row of the list."""

    migration: OutlineMigration
    old_title: str
    new_title: str
    state: tuple[str, str]


@dataclass(frozen=True, slots=True)
class MigrationListPage:
    """All migrations, and the form for another one."""

    lines: list[MigrationLine]
    levels: Options
    values: Mapping[str, str]
    n_tasks: int
    may_write: bool
    errors: Errors = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RowView:
    """A point of the old edition as the board writes it."""

    row: BoardRow
    fate: tuple[str, str]
    reason: str
    href: str


@dataclass(frozen=True, slots=True)
class BoardHead:
    """What every tab of a board shows."""

    board: Board
    title: str
    state: tuple[str, str]
    tabs: list[dict[str, Any]]
    may_write: bool
    is_open: bool
    counts: list[tuple[str, int, str]]
    can_undo: bool


@dataclass(frozen=True, slots=True)
class BoardPage:
    """The table of old points with their successors."""

    head: BoardHead
    rows: list[RowView]
    paging: Paging
    wanted: Mapping[str, str]
    fates: Options
    ranges: Options

    def page_href(self, number: int) -> str:
        """Return the address of another page of the same list."""
        return page_address(number)


@dataclass(frozen=True, slots=True)
class PointPage:
    """One old point and the new points that it may have become."""

    head: BoardHead
    row: RowView
    candidates: list[tuple[PointFacts, int, bool]]
    options: list[str]
    is_fragment: bool
    errors: Errors = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MissingPage:
    """Points of the new edition that came from nowhere."""

    head: BoardHead
    rows: Sequence[tuple[PointFacts, int]]


@dataclass(frozen=True, slots=True)
class ImpactPage:
    """What builds on the old edition."""

    head: BoardHead
    affected: Sequence[Affected]
    items: Sequence[tuple[str, str, int, int]]


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """The steps of a board, newest first."""

    head: BoardHead
    steps: Sequence[tuple[MigrationStep, str]]


def todos(session: Session, actor: Actor) -> list[Todo]:
    """Return what waits for those who keep standards: follow-up tasks of migrations."""
    if not actor.may(Permission.STANDARD_WRITE) or actor.organisation_id is None:
        return []
    n_tasks = repository.count_open_tasks(session, actor=actor)
    return [
        Todo(_("标准换版后续任务"), n_tasks, url_for("edition_tasks.index"), _("试题归点、补题和核对蓝图"), "warning")
    ]


# --- the list --------------------------------------------------------------------------------------------------------


@bp.get("/")
@requires(Permission.STANDARD_READ)
def index() -> tuple[str, int]:
    """List migrations."""
    return _list(request.args.to_dict(), {})


def _list(values: Mapping[str, str], errors: Errors) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    levels = {one.standard_level_id: one for one in standards.list_levels(session, actor=actor, include_drafts=True)}
    lines = [
        MigrationLine(
            one, level_title(levels[one.old_level_id]), levels[one.new_level_id].edition.label,
            (_(MIGRATION_LABELS[one.state]), STATE_KINDS[one.state]),
        )
        for one in repository.list_migrations(session, actor=actor)
    ]  # fmt: skip
    page = MigrationListPage(
        lines, [(str(key), level_title(level)) for key, level in levels.items()], values,
        repository.count_open_tasks(session, actor=actor), actor.may(Permission.STANDARD_WRITE), errors,
    )  # fmt: skip
    return render_page("qbank/editions/list.html", page, status=422 if errors else 200)


@bp.post("/")
@requires(Permission.STANDARD_WRITE)
def create() -> tuple[str, int] | Response:
    """Open a board between two levels."""
    chosen = {name: uuid_or_none(form_text(name)) for name in ("old_level", "new_level")}
    missing = {name: [_("请选择")] for name, value in chosen.items() if value is None}
    if missing or not chosen["old_level"] or not chosen["new_level"]:
        return _list(request.form.to_dict(), missing)
    try:
        with unit_of_work(current_actor()) as uow:
            found = services.create_migration(uow, old_level_id=chosen["old_level"], new_level_id=chosen["new_level"])
    except ConflictError as exc:
        return _list(request.form.to_dict(), {"new_level": [refusal(exc)]})
    return redirect_with_message(_board_address(found.outline_migration_id), _("已自动对照两个版本，请逐项核对"))


def _board_address(migration_id: uuid.UUID, **values: Any) -> str:
    return url_for("migrations.board", migration_id=migration_id, **values)


# --- the board -------------------------------------------------------------------------------------------------------


def _head(migration_id: uuid.UUID, active: str) -> BoardHead:
    session, actor = db.session(), current_actor()
    board = services.load_board(session, actor, migration_id)
    state = board.migration.state
    is_open = state is MigrationState.DRAFT and actor.may(Permission.STANDARD_WRITE)
    steps = repository.list_steps(session, migration_id) if is_open else ()
    return BoardHead(
        board=board, title=_title(board), state=(_(MIGRATION_LABELS[state]), STATE_KINDS[state]),
        tabs=_tabs(board, active), may_write=actor.may(Permission.STANDARD_WRITE), is_open=is_open,
        counts=_counts(board), can_undo=services.undoable_step(steps) is not None,
    )  # fmt: skip


def _title(board: Board) -> str:
    standard, old, new = board.old_level.edition.standard, board.old_level, board.new_level
    return f"{standard.occupation_name} {old.name}：{old.edition.label} → {new.edition.label}"


def _tabs(board: Board, active: str) -> list[dict[str, Any]]:
    labels = {
        "board": (_("对照表"), len(board.rows)), "missing": (_("新增鉴定点"), len(board.missing)),
        "impact": (_("影响"), None), "history": (_("记录"), board.migration.n_steps),
    }  # fmt: skip
    key = board.migration.outline_migration_id
    return [
        {
            "label": label,
            "count": count,
            "active": name == active,
            "href": url_for(f"migrations.{name}", migration_id=key),
        }
        for name, (label, count) in labels.items()
    ]


def _counts(board: Board) -> list[tuple[str, int, str]]:
    return [(_(FATE_LABELS[fate]), sum(1 for row in board.rows if row.fate is fate), fate.value) for fate in Fate]


def row_view(board: Board, row: BoardRow) -> RowView:
    """Return a row in the reader's language."""
    href = url_for(
        "migrations.point", migration_id=board.migration.outline_migration_id, point_id=uuid.UUID(row.point.key)
    )
    return RowView(row, (_(FATE_LABELS[row.fate]), FATE_KINDS[row.fate]), _(REASON_LABELS[row.reason]), href)


@bp.get("/<uuid:migration_id>")
@requires(Permission.STANDARD_READ)
def board(migration_id: uuid.UUID) -> tuple[str, int]:
    """Show the board with its filters."""
    head, paging = _head(migration_id, "board"), paging_from_request(100)
    wanted = {name: request.args.get(name, "").strip()[:60] for name in ("q", "fate", "decided", "range")}
    rows = [row for row in head.board.rows if _is_wanted(row, wanted)]
    paging = paging.of(len(rows))
    shown = rows[paging.offset : paging.offset + paging.per_page]
    page = BoardPage(
        head, [row_view(head.board, row) for row in shown], paging, wanted,
        [(fate.value, _(label)) for fate, label in FATE_LABELS.items()], _ranges(head.board),
    )  # fmt: skip
    return render_page("qbank/editions/board.html", page)


def _ranges(shown: Board) -> Options:
    found = {code: name for row in shown.rows for code, name in zip(row.point.scopes, row.point.parents, strict=True)}
    return [(code, f"{code} {name}") for code, name in sorted(found.items())]


def _is_wanted(row: BoardRow, wanted: Mapping[str, str]) -> bool:
    texts = [row.point.code, row.point.name, *(part for target in row.targets for part in (target.code, target.name))]
    found = not wanted["q"] or any(plain_name(wanted["q"]) in plain_name(text) for text in texts)
    state = {"open": not row.is_decided, "done": row.is_decided, "sure": row.is_sure and not row.is_decided}
    return (
        found
        and wanted["fate"] in ("", row.fate.value)
        and state.get(wanted["decided"], True)
        and (not wanted["range"] or wanted["range"] in row.point.scopes)
    )


@bp.get("/<uuid:migration_id>/missing")
@requires(Permission.STANDARD_READ)
def missing(migration_id: uuid.UUID) -> tuple[str, int]:
    """Show the points of the new edition that no old one became."""
    head = _head(migration_id, "missing")
    rows = [(point, head.board.n_new_items.get(point.key, 0)) for point in head.board.missing]
    return render_page("qbank/editions/missing.html", MissingPage(head, rows))


@bp.get("/<uuid:migration_id>/impact")
@requires(Permission.STANDARD_READ)
def impact(migration_id: uuid.UUID) -> tuple[str, int]:
    """Show items by fate, blueprints, forms and whatever else builds on the old edition."""
    head = _head(migration_id, "impact")
    rows = head.board.rows
    items = [
        (_(label), FATE_KINDS[fate], sum(1 for r in rows if r.fate is fate), sum(r.n_items for r in rows if r.fate is fate))
        for fate, label in FATE_LABELS.items()
    ]  # fmt: skip
    affected = find_affected(db.session(), current_actor(), head.board.migration.old_level_id)
    return render_page("qbank/editions/impact.html", ImpactPage(head, affected, items))


@bp.get("/<uuid:migration_id>/history")
@requires(Permission.STANDARD_READ)
def history(migration_id: uuid.UUID) -> tuple[str, int]:
    """Show who did what on the board."""
    steps = [(step, _(STEP_LABELS[step.act])) for step in repository.list_steps(db.session(), migration_id)]
    return render_page("qbank/editions/history.html", HistoryPage(_head(migration_id, "history"), steps))


@bp.get("/<uuid:migration_id>/points/<uuid:point_id>")
@requires(Permission.STANDARD_READ)
def point(migration_id: uuid.UUID, point_id: uuid.UUID) -> tuple[str, int]:
    """Show one old point with the new points nearest to it."""
    return _point(migration_id, point_id, {})


def _point(migration_id: uuid.UUID, point_id: uuid.UUID, errors: Errors) -> tuple[str, int]:
    head = _head(migration_id, "board")
    row = next((row for row in head.board.rows if row.point.key == str(point_id)), None)
    if row is None:
        return board(migration_id)
    chosen = {target.key for target in row.targets}
    ranked = rank_candidates(row.point, head.board.new_points)
    near = [(p, score, p.key in chosen) for p, score in ranked[:N_CANDIDATES]]
    near += [(p, score, True) for p, score in ranked[N_CANDIDATES:] if p.key in chosen]
    page = PointPage(
        head, row_view(head.board, row), near, [f"{p.code} {p.name}" for p in head.board.new_points],
        request.headers.get("HX-Target") == "drawer", errors,
    )  # fmt: skip
    return render_page("qbank/editions/point.html", page, status=422 if errors else 200)


def _following(shown: Board, row: BoardRow) -> str:
    """Return the address of the next undecided point after a row, so that the board can be gone through."""
    place = shown.rows.index(row)
    ordered = (*shown.rows[place + 1 :], *shown.rows[:place])
    found = next((other for other in ordered if not other.is_decided), None)
    return row_view(shown, found).href if found else _board_address(shown.migration.outline_migration_id)


@bp.post("/<uuid:migration_id>/points/<uuid:point_id>")
@requires(Permission.STANDARD_WRITE)
def decide(migration_id: uuid.UUID, point_id: uuid.UUID) -> tuple[str, int] | Response:
    """Keep the successors that were chosen for one old point and go on to the next."""
    shown = services.load_board(db.session(), current_actor(), migration_id)
    row = next((row for row in shown.rows if row.point.key == str(point_id)), None)
    following = _following(shown, row) if row else _board_address(migration_id)
    chosen = [key for key in map(uuid_or_none, request.form.getlist("targets")) if key]
    if form_text("act") == "drop":
        chosen = []
    elif code := form_text("code").split(" ")[0]:
        found = next((p for p in shown.new_points if p.code == code), None)
        if found is None:
            return _point(migration_id, point_id, {"code": [_("新版没有代码为 %(code)s 的鉴定点", code=code)]})
        chosen.append(uuid.UUID(found.key))
    try:
        with unit_of_work(current_actor()) as uow:
            services.decide(uow, migration_id, [point_id], chosen)
    except InvalidInputError as exc:
        return _point(migration_id, point_id, field_errors(exc))
    return redirect_with_message(following, _("已保存"))


def _selected() -> list[uuid.UUID]:
    return [key for key in map(uuid_or_none, request.form.getlist("selected")) if key]


@bp.post("/<uuid:migration_id>/bulk")
@requires(Permission.STANDARD_WRITE)
def bulk(migration_id: uuid.UUID) -> Response:
    """Accept, drop or reopen the selected points."""
    chosen, act = _selected(), form_text("act")
    address = _board_address(migration_id, **request.args.to_dict())
    acts = {
        "accept": lambda uow: services.accept(uow, migration_id, chosen),
        "drop": lambda uow: services.decide(uow, migration_id, chosen, []),
        "reopen": lambda uow: services.reopen(uow, migration_id, chosen),
    }
    if not chosen or act not in acts:
        return redirect_with_message(address, _("请先选择鉴定点"), "warning")
    return act_and_return(address, _("已处理 %(n)s 个鉴定点", n=len(chosen)), acts[act])


@bp.post("/<uuid:migration_id>/<any(sure, undo, propose, release):act>")
@requires(Permission.STANDARD_WRITE)
def act_on(migration_id: uuid.UUID, act: str) -> Response:
    """Do one act with the whole board."""
    acts: dict[str, tuple[Callable[[UnitOfWork, uuid.UUID], object], str]] = {
        "sure": (services.accept, _("有把握的建议已全部采纳")),
        "undo": (services.undo, _("已撤销上一步")),
        "propose": (services.propose_again, _("未决定的鉴定点已重新对照")),
        "release": (edition_apply.release_failed, _("迁移已重新打开")),
    }
    verb, message = acts[act]
    return act_and_return(_board_address(migration_id), message, lambda uow: verb(uow, migration_id))


@bp.post("/<uuid:migration_id>/date")
@requires(Permission.STANDARD_WRITE)
def set_date(migration_id: uuid.UUID) -> Response:
    """Set the day from which the new edition holds."""
    try:
        day: date | None = form_date("effective_on")
    except InvalidInputError as exc:
        return redirect_with_message(_board_address(migration_id), refusal(exc), "danger")
    return act_and_return(
        _board_address(migration_id),
        _("施行日期已保存"),
        lambda uow: services.set_effective_date(uow, migration_id, day, version=form_version()),
    )


@bp.post("/<uuid:migration_id>/apply")
@requires(Permission.STANDARD_WRITE)
def apply(migration_id: uuid.UUID) -> Response:
    """Start the job that carries the migration out."""
    try:
        with unit_of_work(current_actor()) as uow:
            found = edition_apply.start_apply(uow, migration_id, version=form_version())
    except ConflictError as exc:
        return redirect_with_message(_board_address(migration_id), refusal(exc), "danger")
    return redirect_with_message(url_for("jobs.detail", job_id=found.job_id), _("迁移已开始执行"), "info")

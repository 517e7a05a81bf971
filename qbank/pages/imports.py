"""Importing a file in five steps: 上传, 识别, 核对, 导入, 结果."""

from __future__ import annotations

import io
import json
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, redirect, request, send_file, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from kernel.canonical import digest_bytes
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
    uploaded_file,
)
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.jobs.models import Job
from kernel.jobs.repository import get_job
from kernel.uow import unit_of_work
from qbank.interchange.convert import FORMATS
from qbank.models.items import ImportRun
from qbank.pages.import_cards import Card, KindLine, card_of, fate_of, is_of_kind, kind_lines, matches_of
from qbank.pages.import_mapping import (
    SheetView,
    digit_meanings,
    key_rules,
    mapping_from_form,
    meanings,
    sheet_types,
    sheet_views,
)
from qbank.pages.item_wording import (
    Options,
    difficulty_options,
    int_or_none,
    level_options,
    level_title,
    place,
    point_options,
    type_label,
    uuid_or_none,
    with_places,
)
from qbank.pages.wording import Errors, act_and_return, field_errors, form_text, form_version, page_address
from qbank.repository import imports as repository
from qbank.repository import items as items_repository
from qbank.repository import standards
from qbank.rules.items import IMPORT_LABELS, DuplicatePolicy, ImportState
from qbank.services import import_memory as memory
from qbank.services import import_runs as services
from qbank.services.workflows import stage_names

bp = Blueprint("imports", __name__, url_prefix="/imports")

MENU = (MenuEntry(N_("标准与题库"), N_("导入"), "imports.index", (Permission.ITEM_IMPORT,), icon="upload", order=25),)
CARDS_PER_PAGE = 20
MAX_SKIPPED_SHOWN = 200
STATE_KINDS = {
    ImportState.UPLOADED: "warning",
    ImportState.CHECKED: "warning",
    ImportState.RUNNING: "info",
    ImportState.DONE: "success",
    ImportState.UNDONE: "neutral",
    ImportState.CANCELLED: "neutral",
}
STEPS = (N_("上传"), N_("识别"), N_("核对"), N_("导入"), N_("结果"))


def steps() -> list[str]:
    """Return the names of the five steps."""
    return [_(name) for name in STEPS]


@dataclass(frozen=True, slots=True)
class RunLine:
    """One import as a row of the list."""

    run: ImportRun
    author_name: str
    label: str
    kind: str


@dataclass(frozen=True, slots=True)
class RunListPage:
    """The imports of an organisation, newest first."""

    rows: list[RunLine]
    paging: Paging

    def page_href(self, number: int) -> str:
        """Return the address of another page."""
        return page_address(number)


@dataclass(frozen=True, slots=True)
class UploadPage:
    """The first step."""

    steps: list[str]
    formats: list[str]
    accept: str
    errors: Errors = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DetectPage:
    """The second step: what the file is, and where its items are to go."""

    steps: list[str]
    run: ImportRun
    format_label: str
    sheets: list[SheetView]
    meanings: Options
    key_rules: Options
    digit_meanings: Options
    sheet_types: Options
    n_items: int
    n_skipped: int
    by_type: list[tuple[str, int]]
    warnings: list[str]
    levels: Options
    point_options: list[str]
    difficulties: Options
    values: dict[str, str]
    same_file: ImportRun | None
    remembered_from: str = ""
    errors: Errors = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckPage:
    """The third step: items as cards, what was said about them, and what will happen."""

    steps: list[str]
    run: ImportRun
    level_title: str
    n_found: int
    n_new: int
    n_known: int
    n_updates: int
    n_left_out: int
    skipped: list[dict[str, str]]
    n_skipped: int
    kinds: list[KindLine]
    by_type: list[tuple[str, int]]
    n_without_point: int
    n_unknown_point: int
    n_without_difficulty: int
    cards: list[Card]
    paging: Paging
    kind: str

    @property
    def place_query(self) -> dict[str, str]:
        """What an address needs to come back to this page of cards."""
        query = {"kind": self.kind, "page": str(self.paging.page) if self.paging.page > 1 else ""}
        return {name: value for name, value in query.items() if value}

    @staticmethod
    def place(locator: str) -> str:
        """Return where something stands in the file, in words."""
        return place(locator)

    @staticmethod
    def words(message: str) -> str:
        """Return a notice with the places it names in words."""
        return with_places(message)

    def page_href(self, number: int) -> str:
        """Return the address of another page of cards."""
        return page_address(number)


@dataclass(frozen=True, slots=True)
class ProgressPage:
    """The fourth step: the job at work."""

    steps: list[str]
    run: ImportRun
    job: Job


@dataclass(frozen=True, slots=True)
class ResultPage:
    """The last step: the balance, and the way back."""

    steps: list[str]
    run: ImportRun
    level_title: str
    skipped: list[dict[str, str]]
    warnings: list[dict[str, str]]
    losses: list[dict[str, str]]
    n_beyond_draft: int
    way: Sequence[str]

    @staticmethod
    def place(locator: str) -> str:
        """Return where something stands in the file, in words."""
        return place(locator)

    @staticmethod
    def words(message: str) -> str:
        """Return a notice with the places it names in words."""
        return with_places(message)


def todos(session: Session, actor: Actor) -> list[Todo]:
    """Return how many uploaded files wait for this person's confirmation."""
    if not actor.may(Permission.ITEM_IMPORT) or actor.organisation_id is None:
        return []
    n = repository.count_waiting(session, actor=actor)
    return [Todo(_("待确认的导入"), n, url_for("imports.index"), _("文件已上传，核对后才会写入题库"))]


def _run(run_id: uuid.UUID) -> ImportRun:
    return repository.get_run(db.session(), run_id, actor=current_actor())


@bp.get("/")
@requires(Permission.ITEM_IMPORT)
def index() -> tuple[str, int]:
    """List imports."""
    paging = paging_from_request()
    rows, total = repository.list_runs(db.session(), actor=current_actor(), page=paging.page, per_page=paging.per_page)
    lines = [RunLine(run, name, _(IMPORT_LABELS[run.state]), STATE_KINDS[run.state]) for run, name in rows]
    return render_page("qbank/imports/list.html", RunListPage(lines, paging.of(total)))


@bp.get("/new")
@requires(Permission.ITEM_IMPORT)
def new() -> tuple[str, int]:
    """Ask for a file."""
    return _upload_form({})


def _upload_form(errors: Errors) -> tuple[str, int]:
    labels = [_(one.label) for one in FORMATS.values()]
    accept = ",".join(dict.fromkeys(one.extension for one in FORMATS.values()))
    page = UploadPage(steps(), labels, accept, errors)
    return render_page("qbank/imports/upload.html", page, status=422 if errors else 200)


@bp.post("/new")
@requires(Permission.ITEM_IMPORT)
def create() -> tuple[str, int] | Response:
    """Keep a file and show what was understood of it."""
    try:
        upload = uploaded_file()
        reading = memory.read_remembering(db.session(), current_actor(), upload.data, upload.name)
        preview = services.build_preview(reading.report)
        with unit_of_work(current_actor()) as uow:
            run = services.start_run(uow, name=upload.name, data=upload.data, preview=preview)
            memory.note_reading(uow, run, reading)
    except InvalidInputError as exc:
        return _upload_form(field_errors(exc))
    return redirect(url_for("imports.detect", run_id=run.import_run_id), code=303)


@bp.get("/<uuid:run_id>")
@requires(Permission.ITEM_IMPORT)
def show(run_id: uuid.UUID) -> Response:
    """Go to the step at which an import stands."""
    endpoint = {
        ImportState.UPLOADED: "imports.detect",
        ImportState.CHECKED: "imports.check",
        ImportState.RUNNING: "imports.progress",
    }
    return redirect(url_for(endpoint.get(_run(run_id).state, "imports.result"), run_id=run_id))


@bp.get("/<uuid:run_id>/detect")
@requires(Permission.ITEM_IMPORT)
def detect(run_id: uuid.UUID) -> tuple[str, int] | Response:
    """Show what the file is and ask where its items are to go."""
    run = _run(run_id)
    if run.state not in repository.WAITING:
        return redirect(url_for("imports.show", run_id=run_id))
    return _detect(run, _target_values(run))


def _target_values(run: ImportRun) -> dict[str, str]:
    levels = level_options(db.session(), current_actor())
    only = levels[0][0] if len(levels) == 1 else ""
    level = str(run.standard_level_id or request.args.get("level", only))
    point = ""
    if run.standard_level_id and run.assessment_point_id:
        points = items_repository.points_of_level(db.session(), run.standard_level_id)
        point = next((p.full_code for p in points if p.assessment_point_id == run.assessment_point_id), "")
    return {"level": level, "point": point, "difficulty": str(run.default_difficulty or "")}


def _detect(run: ImportRun, values: dict[str, str], errors: Errors | None = None) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    preview = services.load_preview(run)
    level_id = uuid_or_none(values.get("level", ""))
    points = items_repository.points_of_level(session, level_id) if level_id else ()
    page = DetectPage(
        steps=steps(), run=run, format_label=_(FORMATS[run.format].label),
        sheets=sheet_views(run, services.read_sheets_of(run)), meanings=meanings(),
        key_rules=key_rules(), digit_meanings=digit_meanings(), sheet_types=sheet_types(), n_items=len(preview.items),
        n_skipped=len(preview.report["skipped"]), by_type=_by_type(preview),
        warnings=[
            w["message"] for w in preview.report["warnings"] if w["locator"] == "file" or w["code"] == "columns_inferred"
        ],
        levels=level_options(session, actor), point_options=point_options(points),
        difficulties=difficulty_options(), values=values,
        same_file=repository.find_same_file(session, run.file_digest, actor=actor),
        remembered_from=memory.remembered_from(session, actor, run), errors=errors or {},
    )  # fmt: skip
    return render_page("qbank/imports/detect.html", page, status=422 if errors else 200)


def _by_type(preview: services.Preview) -> list[tuple[str, int]]:
    return [(type_label(name), n) for name, n in preview.by_type.items()]


@bp.post("/<uuid:run_id>/mapping")
@requires(Permission.ITEM_IMPORT)
def remap(run_id: uuid.UUID) -> tuple[str, int] | Response:
    """Read a table once more under the columns that the form names."""
    run = _run(run_id)
    try:
        sheets = services.read_sheets_of(run)
        views = sheet_views(run, sheets)
        mapping = mapping_from_form(request.form, views, [_first_row(sheets, view.name) for view in views])
        report = services.read_upload(services.read_original(run), run.file_name, fmt=run.format, mapping=mapping)
        preview = services.build_preview(report)
        with unit_of_work(current_actor()) as uow:
            fresh = services.remap(uow, run_id, version=form_version() or 0, mapping=mapping, preview=preview)
            memory.remember(uow, fresh, mapping)
    except InvalidInputError as exc:
        return _detect(run, _target_values(run), field_errors(exc))
    return redirect_with_message(
        url_for("imports.detect", run_id=run_id), _("已按新的对应关系重新识别，以后同样的文件自动套用")
    )


@bp.post("/<uuid:run_id>/mapping/forget")
@requires(Permission.ITEM_IMPORT)
def forget_mapping(run_id: uuid.UUID) -> Response:
    """Read a table once more without what was remembered about files of its shape."""
    run = _run(run_id)
    preview = services.build_preview(services.read_upload(services.read_original(run), run.file_name, fmt=run.format))
    with unit_of_work(current_actor()) as uow:
        services.remap(uow, run_id, version=form_version() or 0, mapping=None, preview=preview)
        memory.forget(uow, run_id)
    return redirect_with_message(
        url_for("imports.detect", run_id=run_id), _("已忘记这类文件的对应关系，按表头重新识别")
    )


def _first_row(sheets: Sequence[Any], name: str) -> int:
    return int(next(sheet.first_row for sheet in sheets if sheet.name == name))


@bp.post("/<uuid:run_id>/target")
@requires(Permission.ITEM_IMPORT)
def target(run_id: uuid.UUID) -> tuple[str, int] | Response:
    """Set where the items are to go."""
    level_id = uuid_or_none(form_text("level"))
    if level_id is None:
        return _detect(_run(run_id), request.form.to_dict(), {"level": [_("请选择标准等级")]})
    try:
        with unit_of_work(current_actor()) as uow:
            wanted = services.Target(level_id, form_text("point"), int_or_none(form_text("difficulty"), 1, 5))
            services.choose_target(uow, run_id, version=form_version() or 0, target=wanted)
    except InvalidInputError as exc:
        return _detect(_run(run_id), request.form.to_dict(), field_errors(exc))
    return redirect(url_for("imports.check", run_id=run_id), code=303)


@bp.get("/<uuid:run_id>/check")
@requires(Permission.ITEM_IMPORT)
def check(run_id: uuid.UUID) -> tuple[str, int] | Response:
    """Show the items as they would stand in the bank, and what was said about them."""
    run = _run(run_id)
    if run.state is not ImportState.CHECKED:
        return redirect(url_for("imports.show", run_id=run_id))
    return render_page("qbank/imports/check.html", _check_page(run))


def _check_page(run: ImportRun) -> CheckPage:
    session, actor = db.session(), current_actor()
    preview = services.with_duplicates(session, actor, services.load_preview(run))
    level_id = run.standard_level_id or uuid.UUID(int=0)
    points = {point.full_code: point for point in items_repository.points_of_level(session, level_id)}
    matches = matches_of(session, actor, preview)
    fates = {one.number: fate_of(one, matches.get(one.number)) for one in preview.items}
    kind = request.args.get("kind", "")
    chosen = [one for one in preview.items if is_of_kind(one, fates[one.number], kind)]
    paging = Paging(max(1, request.args.get("page", 1, type=int)), CARDS_PER_PAGE, len(chosen))
    shown = chosen[paging.offset : paging.offset + CARDS_PER_PAGE]
    counts, has_point = Counter(fates.values()), run.assessment_point_id is not None
    default = next((one for one in points.values() if one.assessment_point_id == run.assessment_point_id), None)
    new = [one for one in preview.items if fates[one.number] == "new"]
    return CheckPage(
        steps=steps(), run=run, level_title=level_title(standards.get_level(session, level_id, actor=actor)),
        n_found=run.n_found, n_new=counts["new"], n_known=counts["known"] + counts["unchanged"],
        n_updates=counts["updates"], n_left_out=counts["left_out"] + counts["conflicts"],
        skipped=preview.report["skipped"][:MAX_SKIPPED_SHOWN], n_skipped=len(preview.report["skipped"]),
        kinds=kind_lines(preview, fates, kind), by_type=_by_type(preview),
        n_without_point=0 if has_point else sum(not set(one.points) & set(points) for one in new),
        n_unknown_point=sum(bool(set(one.points) - set(points)) for one in preview.items),
        n_without_difficulty=0 if run.default_difficulty else sum(one.difficulty is None for one in new),
        cards=[card_of(one, fates[one.number], matches.get(one.number), points, default) for one in shown], paging=paging,
        kind=kind,
    )  # fmt: skip


@bp.post("/<uuid:run_id>/confirm")
@requires(Permission.ITEM_IMPORT)
def confirm(run_id: uuid.UUID) -> Response:
    """Start the import."""
    policy = form_text("duplicates")
    duplicates = DuplicatePolicy(policy) if policy in set(DuplicatePolicy) else DuplicatePolicy.SKIP
    with unit_of_work(current_actor()) as uow:
        services.confirm(uow, run_id, version=form_version() or 0, duplicates=duplicates)
    return redirect(url_for("imports.progress", run_id=run_id), code=303)


@bp.get("/<uuid:run_id>/progress")
@requires(Permission.ITEM_IMPORT)
def progress(run_id: uuid.UUID) -> tuple[str, int] | Response:
    """Show the job at work."""
    run = _run(run_id)
    if run.state is not ImportState.RUNNING or run.job_id is None:
        return redirect(url_for("imports.show", run_id=run_id))
    job = get_job(db.session(), run.job_id, actor=current_actor())
    return render_page("qbank/imports/progress.html", ProgressPage(steps(), run, job))


@bp.post("/<uuid:run_id>/reopen")
@requires(Permission.ITEM_IMPORT)
def reopen(run_id: uuid.UUID) -> Response:
    """Go back to checking after the job failed or was cancelled."""
    address = url_for("imports.show", run_id=run_id)
    return act_and_return(address, _("可以重新核对并导入"), lambda uow: services.reopen_run(uow, run_id))


@bp.get("/<uuid:run_id>/result")
@requires(Permission.ITEM_IMPORT)
def result(run_id: uuid.UUID) -> tuple[str, int] | Response:
    """Show the balance."""
    session, actor, run = db.session(), current_actor(), _run(run_id)
    if run.state not in {ImportState.DONE, ImportState.UNDONE} or run.report is None:
        return redirect(
            url_for("imports.index" if run.state is ImportState.CANCELLED else "imports.show", run_id=run_id)
        )
    level = standards.get_level(session, run.standard_level_id, actor=actor) if run.standard_level_id else None
    page = ResultPage(
        steps=steps(), run=run, level_title=level_title(level) if level else "", way=stage_names(session, run.organisation_id),
        skipped=run.report["skipped"][:MAX_SKIPPED_SHOWN], warnings=run.report["warnings"][:MAX_SKIPPED_SHOWN],
        losses=run.report["losses"][:MAX_SKIPPED_SHOWN], n_beyond_draft=repository.count_beyond_draft(session, run),
    )  # fmt: skip
    return render_page("qbank/imports/result.html", page)


@bp.get("/<uuid:run_id>/report.json")
@requires(Permission.ITEM_IMPORT)
def report(run_id: uuid.UUID) -> Response:
    """Hand out the whole report."""
    run = _run(run_id)
    body = run.report or services.load_preview(run).report
    data = json.dumps(body, ensure_ascii=False, indent=1).encode()
    name = f"import-report-{digest_bytes(data)[:8]}.json"
    return send_file(io.BytesIO(data), mimetype="application/json", as_attachment=True, download_name=name)


@bp.post("/<uuid:run_id>/undo")
@requires(Permission.ITEM_IMPORT)
def undo(run_id: uuid.UUID) -> Response:
    """Take a whole import out of the bank."""
    address = url_for("imports.result", run_id=run_id)
    return act_and_return(address, _("整批导入已撤销"), lambda uow: services.undo_run(uow, run_id))


@bp.post("/<uuid:run_id>/cancel")
@requires(Permission.ITEM_IMPORT)
def cancel(run_id: uuid.UUID) -> Response:
    """Give up an import that has not begun."""
    return act_and_return(url_for("imports.index"), _("已放弃这次导入"), lambda uow: services.cancel_run(uow, run_id))

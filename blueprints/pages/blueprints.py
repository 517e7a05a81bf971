"""The list of blueprints, one blueprint with its table against the pool, and what can be done with it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from blueprints import repository, repository_versions
from blueprints.models import AssemblyRun, BlueprintDecision, BlueprintVersion, ExamBlueprint
from blueprints.pages import wording
from blueprints.pages.rules_text import rule_lines
from blueprints.pages.sources import SourcePanel, source_panel
from blueprints.pages.tables import SupplyView, supply_view
from blueprints.repository import Filters
from blueprints.rules.blueprint_states import ACT_LABELS, STAGE_LABELS, Stage
from blueprints.rules.profile import KNOWN_MIXES, TIME_LIMIT
from blueprints.rules.states import BlueprintStatus
from blueprints.services import blueprints as services
from blueprints.services import runs
from blueprints.services.ledger import draw_regions
from blueprints.services.notices import Place, bank_notices
from blueprints.services.versions import why_not_approve
from kernel import profiles
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import Paging, current_actor, paging_from_request, redirect_with_message, render_page, requires
from kernel.http.lists import EVERYTHING, Listing, begin_with_view, open_list, send_list
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.lists import Column, ListDescription, Order, declare_list
from kernel.uow import UnitOfWork, unit_of_work
from qbank import public as qbank

bp = Blueprint("blueprints", __name__, url_prefix="/blueprints")
RECENT_RUNS = 5
FLY_SECONDS = 300
DRAW_DEFAULTS = {
    "n_forms": "2", "seed": "", "time_limit": "60", "fly_n_forms": "300", "fly_seed": "",
    "fly_time_limit": str(FLY_SECONDS), "fly_max_rate": "",
    "regions": "", "fly_regions": "",
}  # fmt: skip
SMALLEST_SHARE = Decimal("0.00001")


LIST: ListDescription[ExamBlueprint] = declare_list(
    ListDescription(
        key="blueprints",
        title=N_("组卷蓝图"),
        columns=(
            Column("name", N_("名称"), lambda row: row.name, is_fixed=True, is_sortable=True),
            Column("version", N_("版本"), lambda row: row.version_number or None, is_default=False, is_numeric=True),
            Column(
                "occupation", N_("职业等级"), lambda row: f"{row.occupation_name} {row.level_name}", is_sortable=True
            ),
            Column("items", N_("题数"), lambda row: row.n_items, is_numeric=True, is_sortable=True),
            Column("score", N_("总分"), lambda row: row.total_score, is_numeric=True, is_sortable=True),
            Column("status", N_("状态"), lambda row: str(wording.blueprint_badge(row)["label"])),
            Column("updated", N_("最近修改"), lambda row: row.updated_at, is_sortable=True),
        ),
        filters=("q", "status"),
        readers=(Permission.BLUEPRINT_READ,),
        sharers=(Permission.BLUEPRINT_WRITE, Permission.FORM_APPROVE),
        order=Order("updated", is_descending=True),
    )
)


@dataclass(frozen=True, slots=True)
class BlueprintListPage:
    """Blueprints with their filters."""

    listing: Listing[ExamBlueprint]
    rows: Sequence[ExamBlueprint]
    paging: Paging
    href: Callable[[int], str]
    filters: Filters
    statuses: list[tuple[str, str]]
    badge: Callable[[ExamBlueprint], wording.Badge]
    may_write: bool


@dataclass(frozen=True, slots=True)
class NewBlueprintPage:
    """Choosing the level of a new blueprint."""

    levels: list[tuple[str, str]]
    values: dict[str, str]
    errors: dict[str, list[str]] = field(default_factory=dict)
    mixes: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class NoticeView:
    """What should be known of the bank, with the way to where it is mended; `run_href` starts the check at once."""

    text: str
    kind: str
    href: str = ""
    label: str = ""
    run_href: str = ""


@dataclass(frozen=True, slots=True)
class BlueprintPage:
    """One blueprint: its rules in words, its table, its runs, and the form that starts another."""

    row: ExamBlueprint
    badge: wording.Badge
    rules: list[tuple[str, str]]
    supply: SupplyView | None
    recent: Sequence[AssemblyRun]
    run_badge: Callable[[Any], wording.Badge]
    values: dict[str, str]
    errors: dict[str, list[str]]
    may_write: bool
    may_assemble: bool
    notices: list[NoticeView]
    versions: Sequence[BlueprintVersion]
    steps: Sequence[tuple[str, BlueprintDecision]]
    may_approve: bool
    why_not: str
    sources: SourcePanel | None = None
    regions: Sequence[tuple[str, str]] = ()


@bp.get("/")
@requires(Permission.BLUEPRINT_READ)
def index() -> tuple[str, int] | BaseResponse:
    """List blueprints."""
    listing, paging = open_list(LIST), paging_from_request()
    if away := begin_with_view(listing):
        return away
    rows, total = _rows(db.session(), listing, paging)
    statuses = [(stage.value, _(label)) for stage, label in STAGE_LABELS.items()]
    page = BlueprintListPage(
        listing, rows, paging.of(total), wording.page_address("blueprints.index"), _filters(), statuses,
        wording.blueprint_badge, current_actor().may(Permission.BLUEPRINT_WRITE),
    )  # fmt: skip
    return render_page("blueprints/list.html", page)


def _filters() -> Filters:
    status = request.args.get("status", "")
    return Filters(request.args.get("q", "").strip()[:100], None, status if status in set(Stage) else "")


def _rows(session: Session, listing: Listing[ExamBlueprint], paging: Paging) -> tuple[Sequence[ExamBlueprint], int]:
    return repository.list_blueprints(
        session, _filters(), actor=current_actor(), order=listing.order, offset=paging.offset, limit=paging.per_page
    )


@bp.post("/shown")
@requires(Permission.BLUEPRINT_READ)
def export_shown() -> BaseResponse:
    """Download the blueprints with the columns, filters and order that are shown."""
    listing = open_list(LIST)
    return send_list(listing, lambda: _rows(db.session(), listing, EVERYTHING), {})


def _new_page(values: dict[str, str], errors: dict[str, list[str]] | None = None) -> tuple[str, int]:
    levels = [
        (str(level.standard_level_id), _("%(title)s · %(n)s 题可用", title=level.title, n=level.n_approved_items))
        for level in qbank.list_levels(db.session(), current_actor())
    ]
    mixes = [(name, _(label)) for name, (label, _mix) in KNOWN_MIXES.items()]
    page = NewBlueprintPage(levels, values, errors or {}, mixes)
    return render_page("blueprints/new.html", page, status=422 if errors else 200)


@bp.get("/new")
@requires(Permission.BLUEPRINT_WRITE)
def new() -> tuple[str, int]:
    """Show the form for a new blueprint."""
    return _new_page({"standard_level_id": request.args.get("level", ""), "name": ""})


@bp.post("/new")
@requires(Permission.BLUEPRINT_WRITE)
def create() -> tuple[str, int] | BaseResponse:
    """Create a blueprint with the defaults of its level and open it for editing."""
    values = wording.form_text(request.form)
    try:
        level_id = uuid.UUID(values.get("standard_level_id", ""))
    except ValueError:
        return _new_page(values, {"standard_level_id": [_("请选择职业等级")]})
    try:
        with unit_of_work(current_actor()) as uow:
            row = services.create_blueprint(
                uow, standard_level_id=level_id, name=values.get("name", ""), mix=values.get("mix", "")
            )
    except InvalidInputError as exc:
        return _new_page(values, wording.refusal_fields(exc))
    address = url_for("blueprint_editor.edit", blueprint_id=row.exam_blueprint_id)
    return redirect_with_message(address, _("蓝图已建立，默认值来自规则方案和细目表，请核对"))


@bp.get("/<uuid:blueprint_id>")
@requires(Permission.BLUEPRINT_READ)
def detail(blueprint_id: uuid.UUID) -> tuple[str, int]:
    """Show one blueprint."""
    seconds = profiles.value(db.session(), current_actor().organisation, TIME_LIMIT.name)
    n_forms = request.args.get("n_forms", "2")
    values = {"n_forms": n_forms if n_forms.isdigit() else "2", "seed": "", "time_limit": str(seconds)}
    return _detail_page(blueprint_id, values, {})


def _detail_page(blueprint_id: uuid.UUID, values: dict[str, str], errors: dict[str, list[str]]) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    row = repository.get_blueprint(session, blueprint_id, actor=actor)
    values = DRAW_DEFAULTS | {"max_overlap": str(row.spec.get("max_overlap", 0))} | values
    recent, _total = repository.list_runs(session, actor=actor, blueprint_id=blueprint_id, limit=RECENT_RUNS)
    waits = row.status is BlueprintStatus.PUBLISHED and row.approved_at is None
    own = why_not_approve(actor, row) if waits and actor.may(Permission.FORM_APPROVE) else None
    page = BlueprintPage(
        row=row, badge=wording.blueprint_badge(row), rules=rule_lines(session, actor, row, row),
        supply=supply_view(session, actor, row.standard_level_id, row.spec), recent=recent,
        run_badge=wording.run_badge, values=values, errors=errors, may_write=actor.may(Permission.BLUEPRINT_WRITE),
        may_assemble=actor.may(Permission.FORM_ASSEMBLE) and row.status is not BlueprintStatus.ARCHIVED,
        notices=_notices(session, actor, row.standard_level_id),
        versions=repository_versions.list_versions(session, blueprint_id),
        steps=[(_(ACT_LABELS[one.act]), one) for one in repository_versions.list_steps(session, blueprint_id)],
        may_approve=waits and actor.may(Permission.FORM_APPROVE), why_not=wording.refusal_text(own) if own else "",
        sources=source_panel(session, actor, row), regions=_regions(session, actor, row.standard_level_id),
    )  # fmt: skip
    return render_page("blueprints/detail.html", page, status=422 if errors else 200)


def _regions(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> list[tuple[str, str]]:
    """Return the regions that a draw may be made for, each with its sites."""
    found = draw_regions(session, actor, standard_level_id)
    return [(region, wording.region_text(region, sites)) for region, sites in found.items()]


def _notices(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> list[NoticeView]:
    """Return what should be known of the bank before drawing from it."""
    return [
        NoticeView(
            wording.say({"template": one.template, "values": one.values}), one.kind,
            *_way(actor, one.place, standard_level_id),
        )
        for one in bank_notices(session, actor, standard_level_id)
    ]  # fmt: skip


def _way(actor: Actor, place: Place | None, level_id: uuid.UUID) -> tuple[str, ...]:
    """Return address and name of the page where something is mended, and how it is done from here; none for who may not."""
    if place is Place.APPROVAL and actor.may(Permission.STANDARD_READ):
        return url_for("bank_reports.show", level_id=level_id), str(_("到“题库评估”"))
    if place is Place.CHECK and actor.may(Permission.ITEM_RETIRE):
        address = url_for("duplicates.level", level_id=level_id), url_for("duplicates.run", level_id=level_id)
        return address[0], str(_("去查重")), address[1]
    return ()


@bp.post("/<uuid:blueprint_id>/assemble")
@requires(Permission.FORM_ASSEMBLE)
def assemble(blueprint_id: uuid.UUID) -> tuple[str, int] | BaseResponse:
    """Start an assembly and show its progress."""
    values = wording.form_text(request.form)
    numbers = {name: values.get(name, "") for name in ("n_forms", "max_overlap", "seed", "time_limit")}
    wrong = {name: [_("请填写整数")] for name, text in numbers.items() if text and not text.isdigit()}
    if wrong:
        return _detail_page(blueprint_id, values, wrong)
    try:
        with unit_of_work(current_actor()) as uow:
            run = runs.start_run(
                uow, blueprint_id, n_forms=int(numbers["n_forms"] or 1),
                max_overlap=int(numbers["max_overlap"]) if numbers["max_overlap"] else None,
                seed=int(numbers["seed"]) if numbers["seed"] else None,
                time_limit_seconds=int(numbers["time_limit"] or 60),
            )  # fmt: skip
            _aim(uow, run, values.get("regions", ""))
    except InvalidInputError as exc:
        return _detail_page(blueprint_id, values, wording.refusal_fields(exc))
    address = url_for("assembly_runs.detail", run_id=run.assembly_run_id)
    return redirect_with_message(address, _("组卷已开始"), "info")


@bp.post("/<uuid:blueprint_id>/assemble-on-the-fly")
@requires(Permission.FORM_ASSEMBLE)
def assemble_on_the_fly(blueprint_id: uuid.UUID) -> tuple[str, int] | BaseResponse:
    """Start a draw of one form for each candidate and show its progress."""
    values = wording.form_text(request.form)
    wrong = {
        f"fly_{name}": [_("请填写整数")]
        for name in ("n_forms", "seed", "time_limit")
        if (text := values.get(f"fly_{name}", "")) and not text.isdigit()
    }
    rate = _share(values.get("fly_max_rate", ""))
    if values.get("fly_max_rate") and rate is None:
        wrong["fly_max_rate"] = [_("请填写 0 到 100 之间的百分数")]
    if wrong:
        return _detail_page(blueprint_id, values, wrong)
    try:
        with unit_of_work(current_actor()) as uow:
            run = runs.start_run(
                uow, blueprint_id, n_forms=int(values.get("fly_n_forms") or 1), is_on_the_fly=True, max_rate=rate,
                seed=int(values["fly_seed"]) if values.get("fly_seed") else None,
                time_limit_seconds=int(values.get("fly_time_limit") or FLY_SECONDS),
            )  # fmt: skip
            _aim(uow, run, values.get("fly_regions", ""))
    except InvalidInputError as exc:
        named = {f"fly_{name}" if name else "": texts for name, texts in wording.refusal_fields(exc).items()}
        return _detail_page(blueprint_id, values, named)
    address = url_for("assembly_runs.detail", run_id=run.assembly_run_id)
    return redirect_with_message(address, _("组卷已开始"), "info")


def _aim(uow: UnitOfWork, run: AssemblyRun, region: str) -> None:
    if region:
        runs.aim_at(uow, run, [region])


def _share(text: str) -> Decimal | None:
    """Return a percentage as a share; None for what is none."""
    try:
        share = Decimal(text) / 100
    except InvalidOperation:
        return None
    return share.quantize(SMALLEST_SHARE) if 0 < share <= 1 else None


@bp.get("/<uuid:blueprint_id>/blueprint.json")
@requires(Permission.BLUEPRINT_READ)
def download(blueprint_id: uuid.UUID) -> BaseResponse:
    """Answer the blueprint as the file that `kaoku assemble` reads."""
    row = repository.get_blueprint(db.session(), blueprint_id, actor=current_actor())
    body = json.dumps(row.spec, ensure_ascii=False, indent=1)
    headers = {"Content-Disposition": f'attachment; filename="blueprint-{row.exam_blueprint_id}.json"'}
    return Response(body, mimetype="application/json", headers=headers)

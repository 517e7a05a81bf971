"""Results from other systems: what came and waits for a look, and the systems that may send."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.models import CertificationBatch, ScoreDelivery, ScoreDeliveryState, SendingSystem
from certification.pages.heads import state_label
from certification.pages.wording import (
    XLSX,
    Errors,
    act_and_return,
    base_url,
    download,
    field_errors,
    form_text,
    refusal,
    said,
)
from certification.repository import batches as batch_repository
from certification.repository import inbound as repository
from certification.rules.inbound import AUTOMATIC
from certification.rules.pass_decision import MODE_LABELS, AssessmentMode
from certification.rules.score_sheet import SheetProblem
from certification.services import inbound, inbound_files, senders
from certification.services.inbound_files import Preview, ResultFile
from certification.services.scores import OPEN_STATES
from kernel import profiles
from kernel.clock import now
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.http.uploads import uploaded_file
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.spreadsheets import read_table
from kernel.uow import unit_of_work

bp = Blueprint("cert_inbound", __name__, url_prefix="/certification/inbound")
STATE_LABELS = {
    ScoreDeliveryState.WAITING: (N_("待确认"), "warning"),
    ScoreDeliveryState.ACCEPTED: (N_("已接收"), "success"),
    ScoreDeliveryState.REJECTED: (N_("不接收"), "neutral"),
}


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """A delivery; while it waits, with what taking it in would change."""

    row: ScoreDelivery
    sender: str
    batch: CertificationBatch
    state_label: str
    state_kind: str
    preview: Preview | None
    may_confirm: bool

    @property
    def is_waiting(self) -> bool:
        """Whether somebody has to look at it."""
        return self.row.state is ScoreDeliveryState.WAITING


@dataclass(frozen=True, slots=True)
class InboundPage:
    """What came, the newest first."""

    lines: Sequence[DeliveryLine]
    is_automatic: bool
    may_connect: bool
    open_batches: Sequence[CertificationBatch]
    modes: Mapping[AssessmentMode, str]


@dataclass(frozen=True, slots=True)
class FilePage:
    """Where a file with results of one batch is taken, with the complaints about the last one."""

    batch: CertificationBatch
    state_label: str
    is_open: bool
    wanted: Sequence[str]
    sources: Sequence[str]
    lines: Sequence[DeliveryLine]
    modes: Mapping[AssessmentMode, str]
    values: dict[str, str]
    errors: Errors = field(default_factory=dict)
    problems: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class SystemLine:
    """A sending system with the address it sends to."""

    row: SendingSystem
    address: str
    overlap: dt.datetime | None


@dataclass(frozen=True, slots=True)
class SystemsPage:
    """The systems that may send; a fresh secret stands here once."""

    lines: Sequence[SystemLine]
    values: dict[str, str]
    may_accept: bool
    secret: str = ""
    secret_of: str = ""
    errors: Errors = field(default_factory=dict)


@bp.get("/")
@requires(Permission.CERTIFICATION_WRITE)
def index() -> tuple[str, int]:
    """Show what came."""
    session, actor = db.session(), current_actor()
    lines = [_delivery_line(*one) for one in repository.list_deliveries(session, actor.organisation)]
    is_automatic = bool(profiles.value(session, actor.organisation, AUTOMATIC))
    open_batches = [one for one in batch_repository.list_open_batches(session, actor=actor) if one.state in OPEN_STATES]
    page = InboundPage(lines, is_automatic, actor.may(Permission.CONNECTION_MANAGE), open_batches, _modes())
    return render_page("certification/inbound.html", page)


def _modes() -> dict[AssessmentMode, str]:
    return {mode: _(label) for mode, label in MODE_LABELS.items()}


def _delivery_line(row: ScoreDelivery, system: SendingSystem, batch: CertificationBatch) -> DeliveryLine:
    label, kind = STATE_LABELS[row.state]
    is_waiting = row.state is ScoreDeliveryState.WAITING
    preview = inbound_files.preview(db.session(), row) if is_waiting else None
    may_confirm = inbound.may_confirm(db.session(), current_actor(), row)
    return DeliveryLine(row, system.name, batch, _(label), kind, preview, may_confirm)


# --- files -----------------------------------------------------------------------------------------------------------


@bp.get("/batches/<uuid:batch_id>")
@requires(Permission.CERTIFICATION_WRITE)
def batch_files(batch_id: uuid.UUID) -> tuple[str, int]:
    """Show where a file with results of a batch is taken, and what came for it."""
    return _file_page(batch_id)


def _file_page(
    batch_id: uuid.UUID, errors: Errors | None = None, problems: Sequence[tuple[str, str]] = ()
) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    batch = inbound_files.own_batch(session, batch_id, actor=actor)
    page = FilePage(
        batch=batch, state_label=state_label(batch.state), is_open=batch.state in OPEN_STATES,
        wanted=[_(MODE_LABELS[mode]) for mode in inbound.sent_modes(session, batch)],
        sources=sorted({row.name for row in repository.list_systems(session, actor.organisation)}),
        lines=[_delivery_line(*one) for one in repository.list_deliveries(session, actor.organisation, batch_id)],
        modes=_modes(), values=request.form.to_dict() if errors or problems else {}, errors=errors or {}, problems=problems,
    )  # fmt: skip
    return render_page("certification/inbound_batch.html", page, status=422 if errors or problems else 200)


@bp.get("/batches/<uuid:batch_id>/template.xlsx")
@requires(Permission.CERTIFICATION_WRITE)
def template(batch_id: uuid.UUID) -> Response:
    """Download the sheet to fill in."""
    batch, content = inbound_files.template(db.session(), batch_id, actor=current_actor())
    return download(f"外部成绩_{batch.code}.xlsx", content, XLSX)


@bp.post("/batches/<uuid:batch_id>")
@requires(Permission.CERTIFICATION_WRITE)
def upload(batch_id: uuid.UUID) -> tuple[str, int] | Response:
    """Take a file for the second look; it is read before the transaction, so that nobody waits for a slow one."""
    try:
        chosen = uploaded_file()
        file = ResultFile(
            chosen.name, inbound.digest_of(chosen.data), form_text("source"), form_text("external_id"),
            form_text("is_correction") == "1",
        )  # fmt: skip
        sheets = read_table(chosen.data)
        with unit_of_work(current_actor()) as uow:
            received = inbound_files.receive_file(uow, batch_id, file, sheets)
    except inbound.BadRowsError as exc:
        return _file_page(batch_id, problems=[(_place(one), said(one.message, one.values)) for one in exc.problems])
    except InvalidInputError as exc:
        return _file_page(batch_id, field_errors(exc))
    except ConflictError as exc:
        return _file_page(batch_id, {"": [refusal(exc)]})
    address = url_for("cert_inbound.batch_files", batch_id=batch_id)
    if received.is_new:
        return redirect_with_message(address, _("文件已读取，请另一名认定管理员核对确认，确认前不改变任何成绩"), "info")
    label = _(STATE_LABELS[received.delivery.state][0])
    return redirect_with_message(
        address, _("这份文件以前收到过（%(state)s），没有改变任何内容", state=label), "warning"
    )


def _place(problem: SheetProblem) -> str:
    """Return where a complaint stands, as Excel shows it."""
    if not problem.row:
        return str(_("整个文件"))
    if not problem.column:
        return str(_("第 %(row)s 行", row=problem.row))
    return str(_("第 %(row)s 行 %(column)s 列", row=problem.row, column=problem.column))


# --- the second look -------------------------------------------------------------------------------------------------


@bp.post("/<uuid:delivery_id>/accept")
@requires(Permission.CERTIFICATION_WRITE)
def accept(delivery_id: uuid.UUID) -> Response:
    """Take a delivery into its batch."""
    return act_and_return(
        url_for("cert_inbound.index"), _("成绩已计入批次"), lambda uow: inbound.accept(uow, delivery_id)
    )


@bp.post("/<uuid:delivery_id>/reject")
@requires(Permission.CERTIFICATION_WRITE)
def reject(delivery_id: uuid.UUID) -> Response:
    """Put a delivery aside with a reason."""
    return act_and_return(
        url_for("cert_inbound.index"),
        _("这批成绩没有接收"),
        lambda uow: inbound.reject(uow, delivery_id, reason=form_text("reason")),
    )


@bp.get("/systems")
@requires(Permission.CONNECTION_MANAGE)
def systems() -> tuple[str, int]:
    """Show the systems that may send."""
    return _systems_page()


def _systems_page(errors: Errors | None = None, *, fresh: tuple[SendingSystem, str] | None = None) -> tuple[str, int]:
    actor = current_actor()
    page = SystemsPage(
        lines=[_system_line(row) for row in repository.list_systems(db.session(), actor.organisation)],
        values=request.form.to_dict() if errors else {}, may_accept=actor.may(Permission.CERTIFICATION_WRITE),
        secret=fresh[1] if fresh else "", secret_of=fresh[0].name if fresh else "", errors=errors or {},
    )  # fmt: skip
    return render_page("certification/sending_systems.html", page, status=422 if errors else 200)


def _system_line(row: SendingSystem) -> SystemLine:
    address = base_url() + url_for("api_certification_inbound.send_results", system_id=row.sending_system_id)
    return SystemLine(row, address, row.previous_until if row.previous_until and row.previous_until > now() else None)


@bp.post("/systems")
@requires(Permission.CONNECTION_MANAGE)
def add() -> tuple[str, int]:
    """Add a system and show its secret, this once."""
    try:
        with unit_of_work(current_actor()) as uow:
            fresh = senders.add_system(uow, name=form_text("name"))
    except InvalidInputError as exc:
        return _systems_page(field_errors(exc))
    return _systems_page(fresh=fresh)


@bp.post("/systems/<uuid:system_id>/secret")
@requires(Permission.CONNECTION_MANAGE)
def renew(system_id: uuid.UUID) -> tuple[str, int]:
    """Give a system a new secret and show it, this once."""
    with unit_of_work(current_actor()) as uow:
        fresh = senders.renew_secret(uow, system_id, at_once=form_text("at_once") == "1")
    return _systems_page(fresh=fresh)


@bp.post("/systems/<uuid:system_id>/switch")
@requires(Permission.CONNECTION_MANAGE)
def switch(system_id: uuid.UUID) -> Response:
    """End or resume taking what a system sends."""
    is_active = form_text("active") == "yes"
    with unit_of_work(current_actor()) as uow:
        senders.switch(uow, system_id, is_active=is_active)
    message = _("来源系统已恢复") if is_active else _("来源系统已停用")
    return redirect_with_message(url_for("cert_inbound.systems"), message)

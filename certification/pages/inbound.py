"""Results from other systems: what came and waits for a look, and the systems that may send."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.models import CertificationBatch, ScoreDelivery, ScoreDeliveryState, SendingSystem
from certification.pages.wording import Errors, act_and_return, base_url, field_errors, form_text
from certification.repository import inbound as repository
from certification.rules.inbound import AUTOMATIC
from certification.rules.pass_decision import MODE_LABELS, AssessmentMode
from certification.services import inbound, senders
from kernel import profiles
from kernel.clock import now
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("cert_inbound", __name__, url_prefix="/certification/inbound")
STATE_LABELS = {
    ScoreDeliveryState.WAITING: (N_("待确认"), "warning"),
    ScoreDeliveryState.ACCEPTED: (N_("已接收"), "success"),
    ScoreDeliveryState.REJECTED: (N_("不接收"), "neutral"),
}


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """A delivery with its rows in words."""

    row: ScoreDelivery
    sender: str
    batch: CertificationBatch
    state_label: str
    state_kind: str
    results: list[tuple[str, str, str]]

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
    page = InboundPage(lines, is_automatic, actor.may(Permission.CONNECTION_MANAGE))
    return render_page("certification/inbound.html", page)


def _delivery_line(row: ScoreDelivery, system: SendingSystem, batch: CertificationBatch) -> DeliveryLine:
    label, kind = STATE_LABELS[row.state]
    is_waiting = row.state is ScoreDeliveryState.WAITING
    results = [(number, _(MODE_LABELS[AssessmentMode(mode)]), text) for number, mode, text in row.rows if is_waiting]
    return DeliveryLine(row, system.name, batch, _(label), kind, results)


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

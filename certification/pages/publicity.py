"""Publicity of a batch and the objections to it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.models import Objection, ObjectionStatus, Publicity
from certification.pages.heads import BatchHead, batch_head
from certification.pages.wording import PDF, Errors, act_and_return, download, field_errors, form_date, form_text
from certification.repository import publicity as repository
from certification.rules import keys
from certification.rules.batch_states import BatchState
from certification.rules.publicity import PublicityPeriod, working_days_left
from certification.services import batches
from certification.services import publicity as services
from kernel import profiles
from kernel.clock import today
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from kernel.working_days import CALENDAR_UNKNOWN

bp = Blueprint("cert_publicity", __name__, url_prefix="/certification")

OBJECTION_LABELS = {
    ObjectionStatus.OPEN: (N_("待处理"), "warning"),
    ObjectionStatus.UPHELD: (N_("成立"), "danger"),
    ObjectionStatus.REJECTED: (N_("不成立"), "neutral"),
}


@dataclass(frozen=True, slots=True)
class PublicityPage:
    """The period that runs or would run, and the objections."""

    head: BatchHead
    publicity: Publicity | None
    planned: PublicityPeriod | None
    n_days_left: int
    caution: str
    objections: Sequence[Objection]
    labels: dict[ObjectionStatus, tuple[str, str]]
    today: dt.date
    values: dict[str, str]
    errors: Errors = field(default_factory=dict)


@bp.get("/batches/<uuid:batch_id>/publicity")
@requires(Permission.CERTIFICATION_READ)
def show(batch_id: uuid.UUID) -> tuple[str, int]:
    """Show the publicity of a batch."""
    return _page(batch_id)


def _page(batch_id: uuid.UUID, errors: Errors | None = None) -> tuple[str, int]:
    session = db.session()
    head = batch_head(session, current_actor(), batch_id, "publicity")
    publicity = repository.find_publicity(session, batch_id)
    period = batches.period_of(publicity)
    planned = services.planned_period(session, head.batch, today()) if head.batch.state is BatchState.DECIDED else None
    shown = period or planned
    contact = profiles.value(session, head.batch.organisation_id, keys.PUBLICITY_CONTACT)
    page = PublicityPage(
        head=head, publicity=publicity, planned=planned,
        n_days_left=working_days_left(period, today()) if period else 0,
        caution=_(CALENDAR_UNKNOWN) if shown and not shown.is_certain else "",
        objections=repository.list_objections(session, batch_id),
        labels={status: (_(label), kind) for status, (label, kind) in OBJECTION_LABELS.items()}, today=today(),
        values={"starts_on": today().isoformat(), "contact": contact, "raised_on": today().isoformat()}
        | (request.form.to_dict() if errors else {}),
        errors=errors or {},
    )  # fmt: skip
    return render_page("certification/publicity.html", page, status=422 if errors else 200)


@bp.post("/batches/<uuid:batch_id>/publicity")
@requires(Permission.CERTIFICATION_WRITE)
def begin(batch_id: uuid.UUID) -> tuple[str, int] | Response:
    """Begin the publicity of a batch."""
    try:
        starts_on = form_date("starts_on") or dt.date.min
        with unit_of_work(current_actor()) as uow:
            services.open_publicity(uow, batch_id, starts_on=starts_on, contact=form_text("contact"))
    except InvalidInputError as exc:
        return _page(batch_id, field_errors(exc))
    address = url_for("cert_publicity.show", batch_id=batch_id)
    return redirect_with_message(address, _("公示已开始，请下载名单张贴或发布"))


@bp.get("/batches/<uuid:batch_id>/publicity.pdf")
@requires(Permission.CERTIFICATION_READ)
def listing(batch_id: uuid.UUID) -> Response:
    """Download the list to hang out."""
    name, content = services.publicity_pdf(db.session(), batch_id, actor=current_actor())
    return download(name, content, PDF)


@bp.post("/batches/<uuid:batch_id>/objections")
@requires(Permission.CERTIFICATION_WRITE)
def add_objection(batch_id: uuid.UUID) -> tuple[str, int] | Response:
    """Keep an objection."""
    try:
        raised_on = form_date("raised_on") or today()
        with unit_of_work(current_actor()) as uow:
            services.note_objection(
                uow, batch_id, admission_number=form_text("admission_number"), raised_by=form_text("raised_by"),
                raised_on=raised_on, content=form_text("content"),
            )  # fmt: skip
    except InvalidInputError as exc:
        return _page(batch_id, field_errors(exc))
    return redirect_with_message(url_for("cert_publicity.show", batch_id=batch_id), _("异议已登记"))


@bp.post("/objections/<uuid:objection_id>")
@requires(Permission.CERTIFICATION_WRITE)
def settle(objection_id: uuid.UUID) -> Response:
    """Close an objection."""
    objection = repository.get_objection(db.session(), objection_id, actor=current_actor())
    address = url_for("cert_publicity.show", batch_id=objection.certification_batch_id)
    is_upheld, answer = form_text("act") == "uphold", form_text(f"answer-{objection_id}")
    return act_and_return(
        address, _("异议已处理"),
        lambda uow: services.settle_objection(uow, objection_id, is_upheld=is_upheld, answer=answer),
    )  # fmt: skip

"""Parts passed before: what may be carried over into a batch, and what was."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.models import CarriedPart, ComponentScore, ResultRecord
from certification.pages.heads import BatchHead, batch_head
from certification.pages.wording import act_and_return
from certification.repository import batches as repository
from certification.repository import scores as score_repository
from certification.rules.part_scores import PART_MONTHS, PART_RETAKES
from certification.rules.pass_decision import MODE_LABELS, AssessmentMode
from certification.services import part_scores as services
from certification.services.part_scores import Offer
from kernel import profiles
from kernel.db import db
from kernel.http import current_actor, render_page, requires
from kernel.identity.permissions import Permission

bp = Blueprint("cert_parts", __name__, url_prefix="/certification/batches")


@dataclass(frozen=True, slots=True)
class PartsPage:
    """What a batch carries over and could carry over."""

    head: BatchHead
    offers: Sequence[Offer]
    carried: Sequence[tuple[CarriedPart, ComponentScore]]
    untaken: Sequence[ResultRecord]
    people: Mapping[uuid.UUID, ResultRecord]
    modes: Mapping[AssessmentMode, str]
    n_months: int
    n_retakes: int
    is_open: bool


@bp.get("/<uuid:batch_id>/parts")
@requires(Permission.CERTIFICATION_READ)
def index(batch_id: uuid.UUID) -> tuple[str, int]:
    """Show which parts of earlier batches count in this one."""
    session = db.session()
    head = batch_head(session, current_actor(), batch_id, "candidates")
    values = profiles.values(session, head.batch.organisation_id)
    is_open = head.may_write and head.batch.state in services.OPEN_STATES
    page = PartsPage(
        head=head, offers=services.find_offers(session, head.batch) if is_open else (),
        carried=score_repository.carried_parts(session, batch_id),
        untaken=services.untaken(session, batch_id) if is_open else (),
        people={one.result_record_id: one for one in repository.list_records(session, batch_id)},
        modes={mode: _(label) for mode, label in MODE_LABELS.items()}, n_months=values[PART_MONTHS],
        n_retakes=values[PART_RETAKES], is_open=is_open,
    )  # fmt: skip
    return render_page("certification/parts.html", page)


@bp.post("/<uuid:batch_id>/parts")
@requires(Permission.CERTIFICATION_WRITE)
def carry(batch_id: uuid.UUID) -> Response:
    """Carry over every valid part."""
    address = url_for("cert_parts.index", batch_id=batch_id)
    return act_and_return(address, _("已沿用有效的单科成绩"), lambda uow: services.carry_parts(uow, batch_id))


@bp.post("/<uuid:batch_id>/parts/untaken")
@requires(Permission.CERTIFICATION_WRITE)
def settle_untaken(batch_id: uuid.UUID) -> Response:
    """Count theory as absent for those who neither sat it nor carry it over."""
    address = url_for("cert_parts.index", batch_id=batch_id)
    return act_and_return(address, _("已按缺考登记"), lambda uow: services.settle_untaken(uow, batch_id))

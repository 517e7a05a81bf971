"""Opening batches before theory is released: skill comes first, or the level has no theory."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.pages.wording import refusal
from certification.rules.pass_decision import MODE_LABELS
from certification.services import early_batches as services
from certification.services.early_batches import EarlyBatch
from kernel.db import db
from kernel.errors import ConflictError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("cert_early_batches", __name__, url_prefix="/certification/early-batches")


@dataclass(frozen=True, slots=True)
class EarlyBatchesPage:
    """Examination batches whose scores are not released."""

    rows: list[EarlyBatch]

    def modes_text(self, row: EarlyBatch) -> str:
        """Return what the level asks for, in words."""
        return "、".join(str(_(MODE_LABELS[mode])) for mode in row.modes)


@bp.get("/")
@requires(Permission.CERTIFICATION_WRITE)
def index() -> tuple[str, int]:
    """List what could be opened."""
    page = EarlyBatchesPage(services.list_early(db.session(), current_actor()))
    return render_page("certification/early_batches.html", page)


@bp.post("/<uuid:exam_batch_id>")
@requires(Permission.CERTIFICATION_WRITE)
def open_batch(exam_batch_id: uuid.UUID) -> Response:
    """Open a batch and show it."""
    try:
        with unit_of_work(current_actor()) as uow:
            batch_id = services.open_early(uow, exam_batch_id)
    except ConflictError as exc:
        return redirect_with_message(url_for("cert_early_batches.index"), refusal(exc), "danger")
    message = _("批次已建立，可以建立考评组、录入或接收成绩；理论成绩发布后自动补入")
    return redirect_with_message(url_for("cert_batches.detail", batch_id=batch_id), message)

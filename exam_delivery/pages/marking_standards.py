"""Agreed marks of an item for its leader, and paused markers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import ExamSession
from exam_delivery.pages import reading
from exam_delivery.pages.marking import reference_answer
from exam_delivery.repository.marking import Place
from exam_delivery.rules.marking import StandardKind
from exam_delivery.services import marking_standards as services
from exam_delivery.services.marking import Typed
from exam_delivery.services.marking_standards import Offered, StandardLine
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("marking_standards", __name__, url_prefix="/marking/standards")
Page = tuple[str, int]
KIND_LABELS = {StandardKind.TRAINING: N_("培训"), StandardKind.CHECK: N_("抽查")}
KIND_HINTS = {
    StandardKind.TRAINING: N_("正式阅卷之前评，评后告知定标分"), StandardKind.CHECK: N_("混在正式答案中，阅卷员看不出来"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class StandardsPage:
    """The agreed marks of an item, and an answer that may get one."""

    session: ExamSession
    item: Place
    lines: Sequence[StandardLine]
    kind_labels: Mapping[StandardKind, str]
    kinds: Sequence[tuple[str, str, str]]
    offered: Offered | None
    key_text: str
    typed: Typed
    kind: str
    errors: Mapping[str, list[str]]


@bp.get("/<uuid:exam_session_id>/<uuid:form_id>/<int:slot>")
@requires(Permission.RESPONSE_MARK)
def index(exam_session_id: uuid.UUID, form_id: uuid.UUID, slot: int) -> Page:
    """Show the agreed marks of an item and offer an answer for another."""
    return _index(exam_session_id, (form_id, slot), reading.key(request.args.get("after")), {}, Typed(""))


def _index(
    exam_session_id: uuid.UUID, item: Place, after: uuid.UUID | None, errors: Mapping[str, list[str]], typed: Typed
) -> Page:
    session, actor = db.session(), current_actor()
    row = services.check_leader(session, actor, exam_session_id, item)
    offered = services.offer(session, actor, row, item, after)
    page = StandardsPage(
        session=row, item=item, lines=services.list_standards(session, row, item),
        kind_labels={kind: _(label) for kind, label in KIND_LABELS.items()},
        kinds=[(kind.value, _(label), _(KIND_HINTS[kind])) for kind, label in KIND_LABELS.items()], offered=offered,
        key_text=reference_answer(offered.slot.content) if offered else "", typed=typed,
        kind=reading.text("kind") or StandardKind.TRAINING.value, errors=errors,
    )  # fmt: skip
    return render_page("exam_delivery/marking/standards.html", page, status=422 if errors else 200)


@bp.post("/<uuid:exam_session_id>/<uuid:form_id>/<int:slot>")
@requires(Permission.RESPONSE_MARK)
def set_standard(exam_session_id: uuid.UUID, form_id: uuid.UUID, slot: int) -> Page | Response:
    """Give the offered answer its agreed mark."""
    attempt_id = reading.key(reading.text("attempt_id")) or uuid.UUID(int=0)
    kind = StandardKind(found) if (found := reading.text("kind")) in set(StandardKind) else StandardKind.TRAINING
    typed = Typed(reading.text("score"), (), reading.text("reason"))
    address = url_for("marking_standards.index", exam_session_id=exam_session_id, form_id=form_id, slot=slot)
    try:
        with unit_of_work(current_actor()) as uow:
            services.set_standard(uow, attempt_id, slot, kind, typed)
    except InvalidInputError as exc:
        return _index(exam_session_id, (form_id, slot), None, reading.field_errors(exc), typed)
    except ConflictError as exc:
        return redirect_with_message(address, reading.message_of(exc), "warning")
    return redirect_with_message(address, _("已设为定标答案"))


@bp.post("/pauses/<uuid:pause_id>")
@requires(Permission.RESPONSE_MARK, Permission.SESSION_WRITE)
def lift_pause(pause_id: uuid.UUID) -> Response:
    """Let a paused marker go on."""
    session_id = reading.key(reading.text("exam_session_id"))
    back = url_for("marking_plans.overview", exam_session_id=session_id) if session_id else url_for("home.index")
    return reading.carry_out(back, _("已让阅卷员继续"), lambda uow: services.lift_pause(uow, pause_id))

"""便利措施 of one candidate: what holds, what held, and the form that grants anew."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.models import Accommodation, Candidate
from exam_delivery.pages import reading
from exam_delivery.repository import accommodations as repository
from exam_delivery.repository import candidates
from exam_delivery.rules import accommodations as rules
from exam_delivery.services import accommodations
from exam_delivery.services.accommodations import Grant
from kernel import profiles
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.identity.repository import user_names
from kernel.uow import unit_of_work

bp = Blueprint("accommodations", __name__, url_prefix="/candidates")
Page = tuple[str, int]


@dataclass(frozen=True, slots=True)
class AccommodationPage:
    """One candidate's grants, the newest first; the first without an end holds."""

    candidate: Candidate
    current: Accommodation | None
    rows: Sequence[Accommodation]
    names: Mapping[uuid.UUID, str]
    values: Grant
    fonts: Sequence[tuple[str, str]]
    font_labels: Mapping[str, str]
    most: float
    back: str
    errors: Mapping[str, list[str]]


@bp.get("/<uuid:candidate_id>/accommodations")
@requires(Permission.SESSION_WRITE)
def show(candidate_id: uuid.UUID) -> Page:
    """Show what a candidate is granted."""
    return _page(candidate_id, None, {}, request.args.get("back", ""))


@bp.post("/<uuid:candidate_id>/accommodations")
@requires(Permission.SESSION_WRITE)
def grant(candidate_id: uuid.UUID) -> Page | Response:
    """Grant what the form says."""
    wanted = Grant(
        reading.text("time_factor"), reading.text("font_size"), reading.ticked("separate_room"), reading.text("reason")
    )
    try:
        with unit_of_work(current_actor()) as uow:
            accommodations.grant(uow, candidate_id, wanted)
    except InvalidInputError as exc:
        return _page(candidate_id, wanted, reading.field_errors(exc), reading.text("back"))
    return redirect_with_message(_here(candidate_id), _("已保存；尚未备考的场次即时生效，重新编排座位后按单独考场安排"))


@bp.post("/<uuid:candidate_id>/accommodations/end")
@requires(Permission.SESSION_WRITE)
def end(candidate_id: uuid.UUID) -> Response:
    """End what holds."""
    return reading.carry_out(
        _here(candidate_id), _("已终止便利措施"), lambda uow: accommodations.end(uow, candidate_id)
    )  # fmt: skip


def _here(candidate_id: uuid.UUID) -> str:
    return url_for("accommodations.show", candidate_id=candidate_id, back=reading.text("back") or None)


def _page(candidate_id: uuid.UUID, typed: Grant | None, errors: Mapping[str, list[str]], back: str) -> Page:
    session, actor = db.session(), current_actor()
    candidate = candidates.get_candidate(session, candidate_id, actor=actor)
    rows = repository.list_of_candidate(session, candidate_id, actor=actor)
    current = next((row for row in rows if row.ended_at is None), None)
    people = {one for row in rows for one in (row.granted_by, row.ended_by) if one}
    page = AccommodationPage(
        candidate=candidate, current=current, rows=rows, names=user_names(session, sorted(people)),
        values=typed or _values(current), fonts=[(name, _(label)) for name, label in rules.FONT_SIZES.items()],
        font_labels={name: _(label) for name, label in rules.FONT_SIZES.items()},
        most=float(profiles.value(session, actor.organisation, rules.MAX_FACTOR.name)),
        back=back if back.startswith("/exam-") and "\\" not in back else url_for("exam_batches.index"), errors=errors,
    )  # fmt: skip
    return render_page("exam_delivery/people/accommodations.html", page, status=422 if errors else 200)


def _values(row: Accommodation | None) -> Grant:
    if row is None:
        return Grant("1", rules.USUAL_FONT, separate_room=False, reason="")
    return Grant(f"{row.time_factor.normalize():f}", row.font_size, row.separate_room, row.reason)

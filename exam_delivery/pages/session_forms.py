"""Choosing the forms of a planned session in the browser."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from blueprints.public import SealedForm
from blueprints.public_sets import SealedSet
from exam_delivery.models import ExamBatch, ExamSession
from exam_delivery.pages import reading
from exam_delivery.repository import planning
from exam_delivery.services import forms, session_forms
from exam_delivery.services.session_forms import FormChoice
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("session_forms", __name__)
Page = tuple[str, int]


@dataclass(frozen=True, slots=True)
class SessionFormsPage:
    """The forms that a session may use, and what choosing brings with it."""

    batch: ExamBatch
    session: ExamSession
    values: FormChoice
    forms: Sequence[SealedForm]
    sets: Sequence[SealedSet]
    consequences: Sequence[str]
    fixed: str
    errors: Mapping[str, list[str]]


@bp.get("/exam-sessions/<uuid:exam_session_id>/forms")
@requires(Permission.SESSION_WRITE)
def detail(exam_session_id: uuid.UUID) -> Page:
    """Show the sealed forms of the session's level."""
    return _page(exam_session_id, None, {})


def _page(exam_session_id: uuid.UUID, choice: FormChoice | None, errors: Mapping[str, list[str]]) -> Page:
    actor, session = current_actor(), db.session()
    row = planning.get_session(session, exam_session_id, actor=actor)
    batch = planning.get_batch(session, row.exam_batch_id, actor=actor)
    fixed = session_forms.why_fixed(row)
    page = SessionFormsPage(
        batch=batch, session=row, values=choice or session_forms.present_choice(row),
        forms=forms.sealed_forms(session, actor, batch.standard_level_id),
        sets=forms.sealed_sets(session, actor, batch.standard_level_id),
        consequences=[
            reading.translated(one.message, one.params)
            for one in session_forms.list_consequences(session, actor, row)
        ],
        fixed=_(fixed) if fixed else "", errors=errors,
    )  # fmt: skip
    return render_page("exam_delivery/sessions/forms.html", page, status=422 if errors else 200)


@bp.post("/exam-sessions/<uuid:exam_session_id>/forms")
@requires(Permission.SESSION_WRITE)
def save(exam_session_id: uuid.UUID) -> Page | Response:
    """Give the session its forms."""
    choice = FormChoice(
        tuple(str(one) for one in reading.keys("form_ids")), reading.text("form_set_id"),
        tuple(str(one) for one in reading.keys("standby_form_ids")), reading.text("length"),
    )  # fmt: skip
    try:
        with unit_of_work(current_actor()) as uow:
            session_forms.choose_forms(uow, exam_session_id, choice, version=reading.number("version") or 0)
    except (ConflictError, InvalidInputError) as exc:
        return _page(exam_session_id, choice, reading.field_errors(exc))
    return redirect_with_message(
        url_for("exam_sessions.detail", exam_session_id=exam_session_id), _("试卷已选定；备考以前还可以改")
    )

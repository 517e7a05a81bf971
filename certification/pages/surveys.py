"""满意度调查 of a batch: opened, counted, closed, and what it came to."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.pages.heads import BatchHead, batch_head
from certification.pages.wording import (
    XLSX,
    Errors,
    act_and_return,
    download,
    field_errors,
    form_date,
    form_text,
    refusal,
)
from certification.rules.surveys import (
    ASPECT_SETS,
    CURRENT_SET,
    GRADE_LABELS,
    SURVEY_STATE_LABELS,
    SURVEY_STATES,
    AspectTally,
    Grade,
    SurveyState,
)
from certification.services import surveys as services
from certification.services.surveys import SurveyResult
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork, unit_of_work

bp = Blueprint("cert_surveys", __name__, url_prefix="/certification/batches")


@dataclass(frozen=True, slots=True)
class SurveyPage:
    """The survey of a batch, or the form that opens one."""

    head: BatchHead
    found: SurveyResult | None
    state_label: str
    may_open: bool
    days: tuple[dt.date, dt.date]
    aspects: Sequence[tuple[str, str]]
    grades: Sequence[tuple[str, str]]
    filled: Mapping[str, str]
    errors: Errors = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether the result may be shown."""
        return self.found is not None and self.found.state is SurveyState.CLOSED

    @property
    def may_change(self) -> bool:
        """Whether the reader may extend or close it."""
        return self.head.may_write and self.found is not None and not self.is_over

    @property
    def may_count(self) -> bool:
        """Whether the reader may enter paper forms."""
        return self.head.may_write and self.found is not None and self.found.state is not SurveyState.PLANNED

    @property
    def grade_columns(self) -> list[dict[str, object]]:
        """The columns of a table of questions by grade."""
        return [{"label": _("调查内容")}, *({"label": label, "numeric": True} for _value, label in self.grades)]

    def verdict(self, one: AspectTally) -> tuple[str, str]:
        """Return in words, and as a kind of badge, whether a question reaches the target."""
        target = self.found.survey.target if self.found else 0
        return (_("达到目标"), "success") if one.meets(target) else (_("未达到目标"), "danger")


@bp.get("/<uuid:batch_id>/survey")
@requires(Permission.CERTIFICATION_READ)
def show(batch_id: uuid.UUID) -> tuple[str, int]:
    """Show the survey."""
    return _page(batch_id)


def _page(batch_id: uuid.UUID, errors: Errors | None = None) -> tuple[str, int]:
    session = db.session()
    head = batch_head(session, current_actor(), batch_id, "survey")
    found = services.result_of(session, head.batch)
    aspects = ASPECT_SETS[found.survey.aspect_set if found else CURRENT_SET]
    page = SurveyPage(
        head=head, found=found, state_label=_(SURVEY_STATE_LABELS[found.state]) if found else "",
        may_open=head.may_write and found is None and head.batch.state in SURVEY_STATES,
        days=services.default_days(session, head.batch),
        aspects=[(code, _(label)) for code, label in aspects.items()],
        grades=[(str(grade.value), _(label)) for grade, label in GRADE_LABELS.items()],
        filled=request.form if errors else _counted(found), errors=errors or {},
    )  # fmt: skip
    return render_page("certification/survey.html", page, status=422 if errors else 200)


def _counted(found: SurveyResult | None) -> dict[str, str]:
    """Return the paper forms as they were counted last, for the form that counts them anew."""
    if found is None or not found.hand_counts:
        return {}
    row = found.hand_counts[0]
    numbers = {
        f"{code}-{grade.value}": str(number)
        for code, counts in row.counts.items()
        for grade, number in zip(Grade, counts, strict=True)
    }
    return {"n_forms": str(row.n_forms), "note": row.note, **numbers}


def _act(batch_id: uuid.UUID, done: str, act: Callable[[UnitOfWork], object]) -> tuple[str, int] | Response:
    """Do something, or show the page again with what was typed and what is wrong."""
    address = url_for("cert_surveys.show", batch_id=batch_id)
    try:
        with unit_of_work(current_actor()) as uow:
            act(uow)
    except InvalidInputError as exc:
        return _page(batch_id, field_errors(exc))
    except ConflictError as exc:
        return redirect_with_message(address, refusal(exc), "danger")
    return redirect_with_message(address, done)


@bp.post("/<uuid:batch_id>/survey")
@requires(Permission.CERTIFICATION_WRITE)
def open_survey(batch_id: uuid.UUID) -> tuple[str, int] | Response:
    """Open the survey."""
    return _act(
        batch_id, _("满意度调查已开放，考生在“我的成绩和证书”中填写"),
        lambda uow: services.open_survey(
            uow, batch_id, opens_on=form_date("opens_on"), closes_on=form_date("closes_on")
        ),
    )  # fmt: skip


@bp.post("/<uuid:batch_id>/survey/extend")
@requires(Permission.CERTIFICATION_WRITE)
def extend(batch_id: uuid.UUID) -> tuple[str, int] | Response:
    """Let it go on until a later day."""
    return _act(
        batch_id, _("截止日期已改"),
        lambda uow: services.extend_survey(uow, batch_id, closes_on=form_date("closes_on")),
    )  # fmt: skip


@bp.post("/<uuid:batch_id>/survey/close")
@requires(Permission.CERTIFICATION_WRITE)
def close(batch_id: uuid.UUID) -> Response:
    """Close it before its last day."""
    address = url_for("cert_surveys.show", batch_id=batch_id)
    return act_and_return(address, _("调查已结束"), lambda uow: services.close_survey(uow, batch_id))


@bp.post("/<uuid:batch_id>/survey/hand-count")
@requires(Permission.CERTIFICATION_WRITE)
def count_by_hand(batch_id: uuid.UUID) -> tuple[str, int] | Response:
    """Keep the totals of the paper forms."""
    codes = {code for aspects in ASPECT_SETS.values() for code in aspects}
    counts = {code: [form_text(f"{code}-{grade.value}") for grade in Grade] for code in codes}
    return _act(
        batch_id, _("纸质问卷的合计已保存"),
        lambda uow: services.count_by_hand(
            uow, batch_id, n_forms=form_text("n_forms"), counts=counts, note=form_text("note")
        ),
    )  # fmt: skip


@bp.post("/<uuid:batch_id>/survey/export")
@requires(Permission.CERTIFICATION_READ)
def export(batch_id: uuid.UUID) -> Response:
    """Download the result; noted in the journal, hence a post."""
    try:
        with unit_of_work(current_actor()) as uow:
            name, content = services.export_result(uow, batch_id)
    except ConflictError as exc:
        return redirect_with_message(url_for("cert_surveys.show", batch_id=batch_id), refusal(exc), "danger")
    return download(name, content, XLSX)

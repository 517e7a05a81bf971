"""A roster that came back as a file: uploaded, previewed row by row, taken over or dropped."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.models import ResultRecord, RosterAnswerFile
from certification.pages.heads import BatchHead, batch_head
from certification.pages.wording import act_and_return, form_text, refusal, said
from certification.rules.roster_answers import AnswerLine
from certification.rules.roster_returns import RETURN_FIELDS, RETURN_REASONS
from certification.services import roster_answers as services
from certification.services.roster_answers import LoadedAnswer
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires, uploaded_file
from kernel.identity.permissions import Permission
from kernel.national_id import mask_id
from kernel.spreadsheets import read_table
from kernel.uow import unit_of_work

bp = Blueprint("cert_roster_answers", __name__, url_prefix="/certification")
MASKED = frozenset({"id_number", "phone"})
MOST_SHOWN = 500


@dataclass(frozen=True, slots=True)
class DifferenceView:
    """A differing cell in words; numbers of people are masked."""

    heading: str
    sent: str
    returned: str


@dataclass(frozen=True, slots=True)
class LineView:
    """A row that needs attention."""

    row: int
    person: ResultRecord | None
    differences: Sequence[DifferenceView]
    returned: Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class AnswerPage:
    """What a returned file says."""

    head: BatchHead
    file: RosterAnswerFile
    layout: str
    n_sent: int
    n_returned: int
    n_differences: int
    lines: Sequence[LineView]
    missing: Sequence[ResultRecord | None]
    problems: Sequence[tuple[int, str]]
    columns: Sequence[tuple[str, int]] = field(default_factory=list)


def _roster(batch_id: uuid.UUID) -> str:
    return url_for("cert_rosters.show", batch_id=batch_id)


@bp.post("/batches/<uuid:batch_id>/roster/answers")
@requires(Permission.CERTIFICATION_WRITE)
def upload(batch_id: uuid.UUID) -> Response:
    """Read a returned file and show what it says; the file is read before the transaction."""
    actor = current_actor()
    try:
        chosen = uploaded_file()
        sent = services.sent_roster(db.session(), actor, batch_id)
        answer = services.compare_sheets(sent, read_table(chosen.data))
        with unit_of_work(actor) as uow:
            row = services.keep(uow, sent, answer, file_name=chosen.name, data=chosen.data)
    except (ConflictError, InvalidInputError) as exc:
        return redirect_with_message(_roster(batch_id), refusal(exc), "danger")
    address = url_for("cert_roster_answers.show", answer_id=row.roster_answer_file_id)
    return redirect_with_message(address, _("文件已读取，请核对后登记"), "info")


@bp.get("/roster-answers/<uuid:answer_id>")
@requires(Permission.CERTIFICATION_WRITE)
def show(answer_id: uuid.UUID) -> tuple[str, int]:
    """Show what a returned file says beside what was sent."""
    session, actor = db.session(), current_actor()
    loaded = services.load(session, actor, answer_id)
    head = batch_head(session, actor, loaded.batch.certification_batch_id, "roster")
    answer = loaded.answer
    named = [line for line in answer.lines if line.differences or line.returned]
    page = AnswerPage(
        head=head, file=loaded.file, layout=loaded.layout.name, n_sent=len(loaded.people),
        n_returned=answer.n_returned, n_differences=answer.n_differences,
        lines=[_line(line, loaded) for line in named[:MOST_SHOWN]],
        missing=[loaded.people[index] for index in answer.missing[:MOST_SHOWN]],
        problems=[(one.row, said(one.message, one.values)) for one in answer.problems[:MOST_SHOWN]],
        columns=_columns(answer.lines),
    )  # fmt: skip
    return render_page("certification/roster_answer_file.html", page)


def _columns(lines: Sequence[AnswerLine]) -> list[tuple[str, int]]:
    """Return how many cells differ in each column, the most first."""
    counts: dict[str, int] = {}
    for line in lines:
        for one in line.differences:
            counts[one.heading] = counts.get(one.heading, 0) + 1
    return sorted(counts.items(), key=lambda pair: -pair[1])


def _line(line: AnswerLine, loaded: LoadedAnswer) -> LineView:
    shown = [
        DifferenceView(one.heading, *(mask_id(text) if one.field_name in MASKED else text for text in (one.sent, one.returned)))
        for one in line.differences
    ]  # fmt: skip
    items = [(_(RETURN_FIELDS[one.field_name]), _(RETURN_REASONS[one.reason_code]), one.note) for one in line.returned]
    return LineView(line.row, loaded.people[line.sent_index], shown, items)


@bp.post("/roster-answers/<uuid:answer_id>/apply")
@requires(Permission.CERTIFICATION_WRITE)
def take_over(answer_id: uuid.UUID) -> Response:
    """Take over what a file sends back."""
    loaded = services.load(db.session(), current_actor(), answer_id)
    with_differences = form_text("with_differences") == "1"
    try:
        with unit_of_work(current_actor()) as uow:
            n_returned = services.apply(uow, loaded, with_differences=with_differences)
    except (ConflictError, InvalidInputError) as exc:
        back = url_for("cert_roster_answers.show", answer_id=answer_id)
        return redirect_with_message(back, refusal(exc), "danger")
    message = _("已登记退回 %(n)s 项，改正后可重新上报", n=n_returned)
    return redirect_with_message(_roster(loaded.batch.certification_batch_id), message, "warning")


@bp.post("/roster-answers/<uuid:answer_id>/discard")
@requires(Permission.CERTIFICATION_WRITE)
def drop(answer_id: uuid.UUID) -> Response:
    """Drop a returned file."""
    loaded = services.load(db.session(), current_actor(), answer_id)
    return act_and_return(
        _roster(loaded.batch.certification_batch_id), _("退回文件已放弃"), lambda uow: services.discard(uow, answer_id)
    )

"""Skill scores: which batches wait for them, the table to type into, template and import."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.models import CarriedPart, CertificationBatch, ResultRecord, ScoreEntry
from certification.pages.heads import state_label
from certification.pages.wording import (
    XLSX,
    Errors,
    act_and_return,
    download,
    field_errors,
    page_address,
    refusal,
    said,
)
from certification.repository import batches as repository
from certification.repository import panels
from certification.repository import scores as score_repository
from certification.rules.pass_decision import MODE_LABELS, AssessmentMode
from certification.services import double_entry
from certification.services import scores as services
from certification.services.double_entry import DoubleState
from kernel.db import db
from kernel.errors import ForbiddenError, InvalidInputError
from kernel.http import Paging, current_actor, paging_from_request, redirect_with_message, render_page, requires
from kernel.http.uploads import uploaded_file
from kernel.identity.permissions import Permission
from kernel.spreadsheets import read_table
from kernel.uow import UnitOfWork, unit_of_work

bp = Blueprint("cert_scores", __name__, url_prefix="/skill-scores")


@dataclass(frozen=True, slots=True)
class ScoreBatch:
    """A batch with how much of it is entered."""

    batch: CertificationBatch
    state_label: str
    is_open: bool
    n_wanted: int
    n_entered: int


@dataclass(frozen=True, slots=True)
class ScoreBatchesPage:
    """The batches that want or have skill scores."""

    rows: list[ScoreBatch]


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """A candidate with one text field per component."""

    record: ResultRecord
    values: dict[AssessmentMode, str]
    carried: dict[AssessmentMode, CarriedPart]
    grouped: set[AssessmentMode]


@dataclass(frozen=True, slots=True)
class ScoreTablePage:
    """The table to type scores into."""

    batch: CertificationBatch
    state_label: str
    is_open: bool
    modes: list[tuple[AssessmentMode, str]]
    rows: list[ScoreRow]
    n_wanted: int
    n_entered: int
    paging: Paging
    double: DoubleState | None = None
    errors: Errors = field(default_factory=dict)
    problems: list[tuple[int, str]] = field(default_factory=list)

    def entry_text(self, entry: ScoreEntry) -> str:
        """Return what somebody typed."""
        return services.text_of(entry.state, entry.score)

    def page_href(self, number: int) -> str:
        """Return the address of another page of the same table."""
        return page_address(number)


@bp.get("/")
@requires(Permission.SKILL_SCORE_WRITE)
def index() -> tuple[str, int]:
    """List the batches whose scores are open, those waiting longest first."""
    batches = repository.list_open_batches(db.session(), actor=current_actor())
    rows = [row for row in map(_score_batch, batches) if row.n_wanted]
    return render_page("certification/score_batches.html", ScoreBatchesPage(rows))


def _score_batch(batch: CertificationBatch) -> ScoreBatch:
    modes = services.entered_modes(db.session(), batch)
    held = score_repository.counting_scores(db.session(), batch.certification_batch_id)
    n_entered = sum(mode in scores for scores in held.values() for mode in modes)
    is_open = batch.state in services.OPEN_STATES
    return ScoreBatch(batch, state_label(batch.state), is_open, batch.n_registered * len(modes), n_entered)


@bp.get("/<uuid:batch_id>")
@requires(Permission.SKILL_SCORE_WRITE)
def sheet(batch_id: uuid.UUID) -> tuple[str, int]:
    """Show the table."""
    return _table(batch_id)


def _table(
    batch_id: uuid.UUID,
    errors: Errors | None = None,
    problems: Sequence[tuple[int, str]] = (),
    typed: dict[str, str] | None = None,
) -> tuple[str, int]:
    session, paging = db.session(), paging_from_request(100)
    batch = repository.get_batch(session, batch_id, actor=current_actor())
    records, total = repository.page_records(
        session, batch_id, repository.RecordFilter(), offset=paging.offset, limit=paging.per_page
    )
    summary, modes = _score_batch(batch), services.entered_modes(session, batch)
    double = double_entry.state_of(session, batch, current_actor().user_id) if _is_double(batch) else None
    rows = _table_rows(batch_id, records, modes, _own_texts(double) | (typed or {}))
    page = ScoreTablePage(
        batch, summary.state_label, summary.is_open, [(mode, _(MODE_LABELS[mode])) for mode in modes], rows,
        summary.n_wanted, summary.n_entered, paging.of(total), double, errors or {}, list(problems),
    )  # fmt: skip
    return render_page("certification/score_table.html", page, status=422 if errors or problems else 200)


def _is_double(batch: CertificationBatch) -> bool:
    return batch.state in services.OPEN_STATES and double_entry.is_double(db.session(), batch)


def _own_texts(double: DoubleState | None) -> dict[str, str]:
    """Return what the reader typed, by field: where two people type, nobody sees the other's entries."""
    if double is None:
        return {}
    return {
        f"{mode.value}-{record_id}": services.text_of(one.state, one.score)
        for (record_id, mode), one in double.own.items()
    }


def _table_rows(
    batch_id: uuid.UUID, records: Sequence[ResultRecord], modes: Sequence[AssessmentMode], typed: dict[str, str]
) -> list[ScoreRow]:
    held = score_repository.current_scores(db.session(), batch_id)
    grouped = panels.grouped_places(db.session(), batch_id)
    carried: dict[uuid.UUID, dict[AssessmentMode, CarriedPart]] = {}
    for one, _score in score_repository.carried_parts(db.session(), batch_id):
        carried.setdefault(one.result_record_id, {})[one.mode] = one
    return [
        ScoreRow(
            record,
            {
                mode: typed.get(
                    f"{mode.value}-{record.result_record_id}",
                    services.entered_text(held.get(record.result_record_id, {}).get(mode)),
                )
                for mode in modes
            },
            carried.get(record.result_record_id, {}),
            {mode for mode in modes if (record.result_record_id, mode) in grouped},
        )
        for record in records
    ]


@bp.post("/<uuid:batch_id>")
@requires(Permission.SKILL_SCORE_WRITE)
def save(batch_id: uuid.UUID) -> tuple[str, int] | Response:
    """Save typed scores."""
    form = request.form.to_dict()
    try:
        with unit_of_work(current_actor()) as uow:
            n_saved = services.type_scores(uow, batch_id, _typed(form))
    except InvalidInputError as exc:
        return _table(batch_id, field_errors(exc), typed=form)
    address = url_for("cert_scores.sheet", batch_id=batch_id, page=request.args.get("page"))
    return redirect_with_message(address, _("已保存 %(n)s 个成绩", n=n_saved))


def _typed(form: dict[str, str]) -> dict[tuple[uuid.UUID, AssessmentMode], str]:
    found = {}
    for name, text in form.items():
        mode, _separator, key = name.partition("-")
        if mode in set(AssessmentMode) and len(key) == 36:
            try:
                found[uuid.UUID(key), AssessmentMode(mode)] = text
            except ValueError:
                continue
    return found


@bp.post("/<uuid:batch_id>/differences/<uuid:record_id>/<mode>")
@requires(Permission.SKILL_SCORE_WRITE)
def settle(batch_id: uuid.UUID, record_id: uuid.UUID, mode: str) -> Response:
    """Decide a score that two people typed differently."""
    address = url_for("cert_scores.sheet", batch_id=batch_id)
    if mode not in set(AssessmentMode):
        return redirect_with_message(address, _("这个成绩没有需要裁定的不一致"), "danger")
    text, reason = request.form.get("score", ""), request.form.get("reason", "")

    def act(uow: UnitOfWork) -> None:
        double_entry.settle(uow, batch_id, record_id, AssessmentMode(mode), text=text, reason=reason)

    try:
        return act_and_return(address, _("已裁定，成绩已采用"), act)
    except ForbiddenError as exc:
        return redirect_with_message(address, refusal(exc), "danger")


@bp.post("/<uuid:batch_id>/absent")
@requires(Permission.SKILL_SCORE_WRITE)
def absent(batch_id: uuid.UUID) -> Response:
    """Enter everybody without a score as absent."""
    address = url_for("cert_scores.sheet", batch_id=batch_id)
    return act_and_return(address, _("未录入的成绩已记为缺考"), lambda uow: services.mark_missing_absent(uow, batch_id))


@bp.get("/<uuid:batch_id>/template.xlsx")
@requires(Permission.SKILL_SCORE_WRITE)
def template(batch_id: uuid.UUID) -> Response:
    """Download the sheet to fill in."""
    actor = current_actor()
    batch = repository.get_batch(db.session(), batch_id, actor=actor)
    content = services.score_template(db.session(), batch_id, actor=actor)
    return download(f"技能成绩_{batch.code}.xlsx", content, XLSX)


@bp.post("/<uuid:batch_id>/import")
@requires(Permission.SKILL_SCORE_WRITE)
def import_sheet(batch_id: uuid.UUID) -> tuple[str, int] | Response:
    """Take the scores of a filled-in sheet."""
    try:
        sheets = read_table(uploaded_file().data)  # before the transaction: nobody waits for a slow file
        with unit_of_work(current_actor()) as uow:
            outcome = services.import_scores(uow, batch_id, sheets)
    except InvalidInputError as exc:
        return _table(batch_id, field_errors(exc))
    if outcome.problems:
        return _table(batch_id, problems=[(p.row, said(p.message, p.values)) for p in outcome.problems])
    message = _(
        "导入完成：保存 %(saved)s 个，未变 %(same)s 个，空白 %(empty)s 行",
        saved=outcome.n_saved, same=outcome.n_unchanged, empty=outcome.n_empty,
    )  # fmt: skip
    return redirect_with_message(url_for("cert_scores.sheet", batch_id=batch_id), message)

"""One candidate of a batch: scores, decisions, personal data, photo."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.models import (
    CarriedPart,
    ComponentScore,
    PassDecisionRecord,
    ResultRecord,
    ScoreDelivery,
    ScoreOrigin,
    SendingSystem,
)
from certification.pages.heads import BatchHead, batch_head, outcome_labels
from certification.pages.wording import Errors, act_and_return, field_errors, form_date, form_text, refusal, said
from certification.repository import batches as repository
from certification.repository import scores as score_repository
from certification.repository.inbound import deliveries_of
from certification.rules.pass_decision import MODE_LABELS
from certification.services import late_corrections, part_scores
from certification.services import records as services
from certification.services.scores import entered_text
from exam_delivery.public_rulings import RulingInfo, find_rulings
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.http.uploads import uploaded_file
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.national_id import ID_KIND_LABELS, SEX_LABELS
from kernel.uow import unit_of_work

bp = Blueprint("cert_records", __name__, url_prefix="/certification")

ORIGIN_LABELS = {
    ScoreOrigin.DELIVERY: N_("考试成绩发布"),
    ScoreOrigin.CORRECTION: N_("成绩更正"),
    ScoreOrigin.TYPED: N_("录入"),
    ScoreOrigin.IMPORTED: N_("导入"),
    ScoreOrigin.PANEL: N_("考评组评分"),
    ScoreOrigin.PROOF: N_("材料核定"),
}


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """A version of a component's score."""

    mode: str
    text: str
    origin: str
    row: ComponentScore
    source: str = ""


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """A decision with its reasons in words."""

    outcome: str
    reasons: list[str]
    row: PassDecisionRecord


@dataclass(frozen=True, slots=True)
class RecordPage:
    """One candidate."""

    head: BatchHead
    record: ResultRecord
    id_kind_label: str
    sex_label: str
    scores: list[ScoreLine]
    decisions: list[DecisionLine]
    ruling: RulingInfo | None
    carried: list[tuple[str, CarriedPart]]
    kept: list[tuple[str, date]]
    may_edit: bool
    may_reveal: bool
    may_add: bool
    may_prove: bool
    plain_number: str
    values: dict[str, object]
    id_kinds: list[tuple[str, str]]
    sexes: list[tuple[str, str]]
    errors: Errors = field(default_factory=dict)


@bp.get("/candidates/<uuid:record_id>")
@requires(Permission.CERTIFICATION_READ)
def detail(record_id: uuid.UUID) -> tuple[str, int]:
    """Show one candidate's result."""
    return _page(record_id)


def _page(
    record_id: uuid.UUID, errors: Errors | None = None, values: dict[str, object] | None = None, number: str = ""
) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    record = repository.get_record(session, record_id, actor=actor)
    head = batch_head(session, actor, record.certification_batch_id, "candidates")
    id_kinds, sexes = ({str(k): str(_(v)) for k, v in labels.items()} for labels in (ID_KIND_LABELS, SEX_LABELS))
    page = RecordPage(
        head=head, record=record, id_kind_label=id_kinds.get(record.id_kind, ""), sex_label=sexes.get(record.sex, ""),
        scores=_score_lines(score_repository.list_scores(session, record_id)),
        decisions=_decision_lines(score_repository.list_decisions(session, record_id)),
        carried=[(_(MODE_LABELS[one.mode]), one) for one in part_scores.parts_of_record(session, record)],
        kept=[(_(MODE_LABELS[m]), end) for m, end in part_scores.kept_until(session, head.batch, record).items()],
        ruling=find_rulings(session, record.organisation_id, head.batch.source_batch_id).get(record.candidate_id),
        may_edit=head.may_write and head.batch.state not in services.LOCKED,
        may_reveal=head.is_own and actor.may(Permission.PERSONAL_DATA_REVEAL),
        may_add=actor.may(Permission.CERTIFICATE_ISSUE) and late_corrections.may_add(session, head.batch, record),
        may_prove=head.is_own and actor.may(Permission.EVIDENCE_MAKE), plain_number=number,
        values=values or _values(record), id_kinds=list(id_kinds.items()), sexes=list(sexes.items()),
        errors=errors or {},
    )  # fmt: skip
    return render_page("certification/record.html", page, status=422 if errors else 200)


def _values(record: ResultRecord) -> dict[str, object]:
    own = {True: "yes", False: "no", None: ""}[record.is_own_employee]
    names = ("name", "id_kind", "sex", "phone", "email", "employer", "years_in_occupation", "position")
    days = {"birth_date": str(record.birth_date or ""), "joined_on": str(record.joined_on or "")}
    return {**{n: getattr(record, n) for n in names}, **days, "is_own_employee": own, "id_number": ""}


def _score_lines(rows: Sequence[ComponentScore]) -> list[ScoreLine]:
    brought = deliveries_of(db.session(), [row.score_delivery_id for row in rows if row.score_delivery_id])
    return [
        ScoreLine(
            _(MODE_LABELS[row.mode]), entered_text(row), _("外部成绩") if row.score_delivery_id else _(ORIGIN_LABELS[row.origin]),
            row, _source(*brought[row.score_delivery_id]) if row.score_delivery_id else "",
        )
        for row in rows
    ]  # fmt: skip


def _source(delivery: ScoreDelivery, system: SendingSystem) -> str:
    """Return who sent a score and how."""
    source = delivery.file_name or _("签名消息")
    return f"{system.name} · {source}"


def _decision_lines(rows: Sequence[PassDecisionRecord]) -> list[DecisionLine]:
    labels = outcome_labels()
    return [
        DecisionLine(labels[row.outcome], [said(message, values) for _m, _c, message, values in row.reasons], row)
        for row in rows
    ]


def _person() -> services.PersonData:
    own = {"yes": True, "no": False}.get(form_text("is_own_employee"))
    texts = ("name", "id_kind", "id_number", "sex", "phone", "email", "employer", "years_in_occupation", "position")
    return services.PersonData(
        **{name: form_text(name) for name in texts}, is_own_employee=own, birth_date=form_date("birth_date"),
        joined_on=form_date("joined_on"),
    )  # fmt: skip


@bp.post("/candidates/<uuid:record_id>")
@requires(Permission.CERTIFICATION_WRITE)
def update(record_id: uuid.UUID) -> tuple[str, int] | Response:
    """Mend a candidate's personal data."""
    try:
        with unit_of_work(current_actor()) as uow:
            services.update_person(uow, record_id, _person(), version=request.form.get("version", type=int))
    except InvalidInputError as exc:
        return _page(record_id, field_errors(exc), dict(request.form.to_dict()))
    return redirect_with_message(url_for("cert_records.detail", record_id=record_id), _("考生信息已保存"))


@bp.post("/candidates/<uuid:record_id>/number")
@requires(Permission.PERSONAL_DATA_REVEAL, repeatable=True)
def reveal(record_id: uuid.UUID) -> tuple[str, int]:
    """Show the plain number once; the reading is audited."""
    try:
        with unit_of_work(current_actor()) as uow:
            number = services.reveal_number(uow, record_id, reason=form_text("reveal_reason"))
    except InvalidInputError as exc:
        return _page(record_id, field_errors(exc))
    return _page(record_id, number=number)


@bp.post("/candidates/<uuid:record_id>/late-certificate")
@requires(Permission.CERTIFICATE_ISSUE)
def add_late(record_id: uuid.UUID) -> tuple[str, int] | Response:
    """Number and issue the certificate of somebody who passed by a late correction."""
    try:
        with unit_of_work(current_actor()) as uow:
            certificate = late_corrections.add_late(
                uow, record_id, issued_on=form_date("late_issued_on"), reason=form_text("late_reason")
            )
            number = certificate.number
    except InvalidInputError as exc:
        return _page(record_id, field_errors(exc))
    except ConflictError as exc:
        return redirect_with_message(url_for("cert_records.detail", record_id=record_id), refusal(exc), "danger")
    message = _("证书已补发，编号 %(number)s", number=number)
    return redirect_with_message(url_for("cert_records.detail", record_id=record_id), message)


@bp.post("/candidates/<uuid:record_id>/photo")
@requires(Permission.CERTIFICATION_WRITE)
def photo(record_id: uuid.UUID) -> Response:
    """Keep a candidate's photo."""
    address = url_for("cert_records.detail", record_id=record_id)
    return act_and_return(
        address, _("照片已保存"), lambda uow: services.save_photo(uow, record_id, uploaded_file("photo").data)
    )


@bp.post("/batches/<uuid:batch_id>/photos")
@requires(Permission.CERTIFICATION_WRITE)
def photos(batch_id: uuid.UUID) -> Response:
    """Keep a package of photos."""
    address = url_for("cert_batches.candidates", batch_id=batch_id)
    try:
        files = services.unpack_photos(uploaded_file("photos").data)
        with unit_of_work(current_actor()) as uow:
            outcome = services.import_photos(uow, batch_id, files)
    except InvalidInputError as exc:
        return redirect_with_message(address, refusal(exc), "danger")
    message = _(
        "照片 %(saved)s 张已保存，%(unknown)s 张找不到考生，%(bad)s 张无法读取",
        saved=outcome.n_saved, unknown=len(outcome.unknown), bad=len(outcome.unreadable),
    )  # fmt: skip
    is_clean = not outcome.unknown and not outcome.unreadable
    return redirect_with_message(address, message, "success" if is_clean else "warning")

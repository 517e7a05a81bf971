"""The assessor's tablet: own groups, one candidate's score sheet, the group's result, signing."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from flask import Blueprint, jsonify, request, url_for
from flask_babel import format_datetime
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.models import (
    Assessment,
    AssessmentState,
    AssessorGroup,
    CertificationBatch,
    ComponentProof,
    ResultRecord,
)
from certification.pages.panels import STATE_KINDS, STATE_LABELS
from certification.pages.wording import PDF, Errors, act_and_return, download, field_errors, form_text, refusal, said
from certification.repository import proofs as proof_repository
from certification.rules.pass_decision import MODE_LABELS, AssessmentMode, plain_number
from certification.services import panel_documents, panel_sheets, panel_work
from certification.services.panel_sheets import Desk, Typed
from certification.services.scores import text_of
from kernel.clock import now
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork, unit_of_work

bp = Blueprint("cert_assessing", __name__, url_prefix="/assessing")
METHOD_LABELS = {
    "mean": N_("各考评员评分的平均分"),
    "trimmed": N_("去掉最高分和最低分后的平均分"),
    "resolved": N_("组长组织合议"),
    "vote": N_("表决"),
    "absent": N_("全组确认缺考"),
}


@dataclass(frozen=True, slots=True)
class GroupOfMine:
    """A group of the reader with its candidates and what waits for the reader."""

    group: AssessorGroup
    batch: CertificationBatch
    mode: str
    lines: Sequence[tuple[Assessment, ResultRecord, str, str]]


@dataclass(frozen=True, slots=True)
class AssessingPage:
    """The reader's groups."""

    groups: Sequence[GroupOfMine]


@dataclass(frozen=True, slots=True)
class SheetPage:
    """One candidate's sheet."""

    desk: Desk
    mode: str
    typed: Typed
    state_label: str
    state_kind: str
    result_text: str
    method: str
    theses: Sequence[ComponentProof]
    may_score: bool
    has_signed: bool
    own_total: str
    errors: Mapping[str, list[str]] = field(default_factory=dict)


@bp.get("/")
@requires(Permission.SKILL_SCORE_WRITE)
def index() -> tuple[str, int]:
    """List the reader's groups with their candidates."""
    groups = [
        GroupOfMine(
            one.group, one.batch, _(MODE_LABELS[one.group.mode]),
            [(line.task, line.record, _(line.label), line.kind) for line in one.lines],
        )
        for one in panel_work.groups_of_mine(db.session(), current_actor())
    ]  # fmt: skip
    return render_page("certification/panels/assessing.html", AssessingPage(groups))


@bp.get("/<uuid:assessment_id>")
@requires(Permission.SKILL_SCORE_WRITE)
def sheet(assessment_id: uuid.UUID) -> tuple[str, int]:
    """Show a candidate's sheet."""
    return _sheet(assessment_id, None, {})


def _sheet(assessment_id: uuid.UUID, typed: Typed | None, errors: Errors) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    desk = panel_sheets.open_desk(session, assessment_id, actor=actor)
    result = next((one for one in desk.results if one.round == desk.task.round), None)
    theses = proof_repository.of_record(session, desk.record.result_record_id)
    is_review = desk.task.mode is AssessmentMode.COMPREHENSIVE_REVIEW
    page = SheetPage(
        desk=desk, mode=_(MODE_LABELS[desk.task.mode]), typed=typed or _typed_before(desk),
        state_label=_(STATE_LABELS[desk.task.state]), state_kind=STATE_KINDS[desk.task.state],
        result_text=text_of(result.state, result.score) if result else "",
        method=_(METHOD_LABELS[result.method]) if result else "",
        theses=[one for one in theses if one.mode is desk.task.mode] if is_review else (),
        may_score=desk.is_open and desk.task.state is AssessmentState.OPEN
        and not (desk.own and desk.own.submitted_at is not None),
        has_signed=actor.user_id in {one.user_id for one in desk.signatures},
        own_total=plain_number(desk.own.total) if desk.own and desk.own.total is not None else "", errors=errors,
    )  # fmt: skip
    return render_page("certification/panels/sheet.html", page, status=422 if errors else 200)


def _typed_before(desk: Desk) -> Typed:
    own = desk.own
    blank = [""] * len(desk.criteria)
    if own is None:
        return Typed(blank, round=desk.task.round)
    return Typed(own.marks or blank, own.comment, own.is_absent, own.vote, own.round, own.revision)


def _typed_now() -> Typed:
    votes = {"yes": True, "no": False}
    return Typed(
        request.form.getlist("mark"), form_text("comment"), form_text("is_absent") == "1",
        votes.get(form_text("vote")), request.form.get("round", 0, type=int), request.form.get("revision", 0, type=int),
    )  # fmt: skip


@bp.post("/<uuid:assessment_id>/draft")
@requires(Permission.SKILL_SCORE_WRITE, repeatable=True)
def save(assessment_id: uuid.UUID) -> Response | tuple[Response, int]:
    """Keep what was typed so far, and say in JSON what became of it."""
    try:
        with unit_of_work(current_actor()) as uow:
            kept = panel_sheets.save_sheet(uow, assessment_id, _typed_now())
    except InvalidInputError as exc:
        return jsonify(state="wrong", text=refusal(exc)), 422
    except (ConflictError, ForbiddenError) as exc:
        return jsonify(state="closed", text=refusal(exc)), exc.http_status
    text = _("已保存 %(time)s", time=format_datetime(now(), "HH:mm:ss"))
    return jsonify(state="saved", revision=kept.revision, text=text)


@bp.post("/<uuid:assessment_id>")
@requires(Permission.SKILL_SCORE_WRITE)
def submit(assessment_id: uuid.UUID) -> tuple[str, int] | Response:
    """Hand a sheet in."""
    typed, address = _typed_now(), url_for("cert_assessing.sheet", assessment_id=assessment_id)
    try:
        with unit_of_work(current_actor()) as uow:
            task = panel_sheets.submit_sheet(uow, assessment_id, typed)
    except InvalidInputError as exc:
        db.session().expire_all()
        desk = panel_sheets.open_desk(db.session(), assessment_id, actor=current_actor())
        marks = (list(typed.marks) + [""] * len(desk.criteria))[: len(desk.criteria)]
        return _sheet(assessment_id, replace(typed, marks=marks), field_errors(exc))
    except ConflictError as exc:
        return redirect_with_message(address, refusal(exc), "danger")
    if task.state is AssessmentState.OPEN:
        return redirect_with_message(url_for("cert_assessing.index"), _("评分表已提交，等其他考评员提交后显示全组评分"))
    return redirect_with_message(address, _("全组评分已齐"))


def _carry_out(assessment_id: uuid.UUID, message: str, verb: Callable[..., object], **values: object) -> Response:
    address = url_for("cert_assessing.sheet", assessment_id=assessment_id)

    def act(uow: UnitOfWork) -> None:
        verb(uow, assessment_id, **values)

    try:
        return act_and_return(address, message, act)
    except ForbiddenError as exc:
        return redirect_with_message(url_for("cert_assessing.index"), said(exc.template, exc.context), "danger")


@bp.post("/<uuid:assessment_id>/resolve")
@requires(Permission.SKILL_SCORE_WRITE)
def resolve(assessment_id: uuid.UUID) -> Response:
    """Enter what the group agreed on."""
    return _carry_out(
        assessment_id, _("合议成绩已登记，请全组签字"), panel_sheets.resolve, text=form_text("score"),
        reason=form_text("reason"),
    )  # fmt: skip


@bp.post("/<uuid:assessment_id>/again")
@requires(Permission.SKILL_SCORE_WRITE)
def again(assessment_id: uuid.UUID) -> Response:
    """Let the group score again."""
    return _carry_out(
        assessment_id, _("已开始重新评分，原评分保留"), panel_sheets.score_again, reason=form_text("reason")
    )


@bp.post("/<uuid:assessment_id>/sign")
@requires(Permission.SKILL_SCORE_WRITE)
def sign(assessment_id: uuid.UUID) -> Response:
    """Sign the result that was shown."""
    number = request.form.get("number", 0, type=int)
    return _carry_out(assessment_id, _("已签字"), panel_sheets.sign, number=number)


@bp.post("/<uuid:assessment_id>/minutes")
@requires(Permission.SKILL_SCORE_WRITE)
def minutes(assessment_id: uuid.UUID) -> Response:
    """Keep the minutes of the defence."""
    return _carry_out(
        assessment_id, _("答辩记录已保存"), panel_sheets.write_minutes, text=form_text("minutes"),
        seen=form_text("seen"),
    )  # fmt: skip


@bp.get("/<uuid:assessment_id>/sheet.pdf")
@requires(Permission.SKILL_SCORE_WRITE)
def sheet_pdf(assessment_id: uuid.UUID) -> Response:
    """Download the sheet to print and sign."""
    name, content = panel_documents.sheet_pdf(db.session(), assessment_id, actor=current_actor())
    return download(name, content, PDF)

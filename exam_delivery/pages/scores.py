"""Score lists, figures and release in the browser."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import Blueprint, request, send_file, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from exam_delivery.models import (
    Attempt,
    Candidate,
    ExamBatch,
    ExamSession,
    Registration,
    ScoreRecord,
    ScoreRelease,
    SlotScore,
)
from exam_delivery.pages import reading
from exam_delivery.pages.labels import score_badge, session_badge
from exam_delivery.pages.lists import SCORES, ResultLine
from exam_delivery.repository import attempts_planning, candidates, planning, releases
from exam_delivery.repository import scores as repository
from exam_delivery.repository.scores import ScoreFilter, ScoreLine
from exam_delivery.rules.statistics import Distribution, ItemFigure
from exam_delivery.services import release, results, seat_seal
from exam_delivery.services.doubts import Doubt, find_doubts
from exam_delivery.services.equated_scores import Scale, scale_of_batch
from exam_delivery.services.release import ReleasePreview
from exam_delivery.services.results import STATE_LABELS, SUBMIT_LABELS
from kernel.db import db
from kernel.errors import ConflictError
from kernel.http import Paging, current_actor, paging_from_request, redirect_with_message, render_page, requires
from kernel.http.lists import EVERYTHING, Listing, begin_with_view, open_list, send_list
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("scores", __name__, url_prefix="/scores")
Page = tuple[str, int]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class ScoreBatchesPage:
    """Batches with how far their scores are."""

    batches: Sequence[ExamBatch]
    sessions: Mapping[uuid.UUID, Sequence[ExamSession]]
    releases: Mapping[uuid.UUID, ScoreRelease]
    badge: Callable[[Any], tuple[str, str]]
    paging: Paging
    href: Callable[[int], str]


@dataclass(frozen=True, slots=True)
class ScoreListPage:
    """The scores of a batch."""

    listing: Listing[ResultLine]
    batch: ExamBatch
    sessions: Sequence[ExamSession]
    lines: Sequence[ResultLine]
    wanted: ScoreFilter
    states: Sequence[tuple[str, str]]
    paging: Paging
    href: Callable[[int], str]
    export_href: str
    release: ScoreRelease | None
    may_release: bool


@dataclass(frozen=True, slots=True)
class FiguresPage:
    """Spread and items of a batch."""

    batch: ExamBatch
    n_sessions: int
    distribution: Distribution
    items: Sequence[ItemFigure]


@dataclass(frozen=True, slots=True)
class ReleasePage:
    """A release before it is confirmed, or after."""

    preview: ReleasePreview
    release: ScoreRelease | None
    badge: Callable[[Any], tuple[str, str]]
    translated: Callable[..., str]
    doubts: Sequence[Doubt]

    @property
    def in_doubt(self) -> list[Doubt]:
        """Forms with items to look at before the scores are used."""
        return [one for one in self.doubts if one.n_items]

    @property
    def unanalysed(self) -> list[Doubt]:
        """Sessions whose items nothing was computed about yet."""
        return [one for one in self.doubts if not one.n_items]


@dataclass(frozen=True, slots=True)
class ScorePage:
    """One person's score versions."""

    batch: ExamBatch
    registration: Registration
    candidate: Candidate
    attempt: Attempt | None
    records: Sequence[ScoreRecord]
    slots: Sequence[SlotScore]
    badge: tuple[str, str]
    outcomes: Mapping[str, tuple[str, str]]
    submit_label: str
    may_write: bool
    equated: Decimal | None


@bp.get("/")
@requires(Permission.SCORE_READ)
def index() -> Page:
    """List batches with the state of their scores."""
    actor, session, paging = current_actor(), db.session(), paging_from_request()
    rows, total = planning.list_batches(session, actor=actor, page=paging.page, per_page=paging.per_page)
    known = planning.sessions_of_batches(session, [row.exam_batch_id for row in rows], actor=actor)
    released = {one.exam_batch_id: one for one, _batch in releases.list_releases(session, actor=actor)}
    page = ScoreBatchesPage(rows, known, released, session_badge, paging.of(total), reading.page_link("scores.index"))
    return render_page("exam_delivery/scores/batches.html", page)


def _filter(exam_batch_id: uuid.UUID) -> ScoreFilter:
    state = request.args.get("state", "")
    return ScoreFilter(
        exam_batch_id=exam_batch_id, exam_session_id=reading.key(request.args.get("session")),
        state=state if state in STATE_LABELS else "", text=request.args.get("q", "").strip(),
    )  # fmt: skip


@bp.get("/<uuid:exam_batch_id>")
@requires(Permission.SCORE_READ)
def detail(exam_batch_id: uuid.UUID) -> Page | Response:
    """List the scores of a batch."""
    listing, paging = open_list(SCORES), paging_from_request()
    if away := begin_with_view(listing):
        return away
    actor, session = current_actor(), db.session()
    batch, known, found = _of_batch(session, exam_batch_id)
    lines, total = _lines(session, listing, (batch, known, found), paging)
    page = ScoreListPage(
        listing=listing, batch=batch, sessions=known, lines=lines, wanted=_filter(exam_batch_id),
        states=[(state, _(label)) for state, label in STATE_LABELS.items() if state != "unscored"],
        paging=paging.of(total), href=reading.page_link("scores.detail", exam_batch_id=exam_batch_id),
        export_href=_export_address(exam_batch_id), release=found, may_release=actor.may(Permission.SCORE_RELEASE),
    )  # fmt: skip
    return render_page("exam_delivery/scores/list.html", page)


OfBatch = tuple[ExamBatch, Sequence[ExamSession], ScoreRelease | None]


def _of_batch(session: Session, exam_batch_id: uuid.UUID) -> OfBatch:
    actor = current_actor()
    return (
        results.batch_of(session, actor, exam_batch_id),
        planning.sessions_of_batch(session, exam_batch_id, actor=actor),
        releases.find_release_of_batch(session, exam_batch_id, actor=actor),
    )


def _lines(
    session: Session, listing: Listing[ResultLine], of_batch: OfBatch, paging: Paging
) -> tuple[list[ResultLine], int]:
    actor, (batch, known, found) = current_actor(), of_batch
    lines, total = repository.list_scores(
        session, _filter(batch.exam_batch_id), actor=actor, order=listing.order, page=paging.page,
        per_page=paging.per_page,
    )  # fmt: skip
    sealed = {row.exam_session_id for row in known if seat_seal.is_sealed(row)}
    scale = scale_of_batch(session, actor, batch.exam_batch_id, found)
    return [
        ResultLine(line, line.registration.exam_session_id in sealed, _counting(scale, line)) for line in lines
    ], total  # fmt: skip


def _counting(scale: Scale, line: ScoreLine) -> Decimal | None:
    """Return the score on the common scale where forms of the batch were equated, None where raw scores count."""
    return (
        scale.score(line.registration.registration_id, line.score)
        if scale.equating and line.score is not None
        else None
    )


@bp.post("/<uuid:exam_batch_id>/shown")
@requires(Permission.SCORE_READ)
def export_shown(exam_batch_id: uuid.UUID) -> Response:
    """Download the scores with the columns, filters and order that are shown, numbers masked."""
    listing, of_batch = open_list(SCORES), _of_batch(db.session(), exam_batch_id)
    told = {"batch": str(exam_batch_id)}
    return send_list(listing, lambda: _lines(db.session(), listing, of_batch, EVERYTHING), told)


def _export_address(exam_batch_id: uuid.UUID) -> str:
    """Return where exactly the shown list is exported."""
    address, query = url_for("scores.export", exam_batch_id=exam_batch_id), request.query_string.decode()
    return f"{address}?{query}" if query else address


@bp.post("/<uuid:exam_batch_id>/export")
@requires(Permission.SCORE_READ)
def export(exam_batch_id: uuid.UUID) -> Response:
    """Download the filtered list as Excel."""
    with unit_of_work(current_actor()) as uow:
        batch = planning.get_batch(uow.session, exam_batch_id, actor=uow.actor)
        body = results.export_scores(uow, _filter(exam_batch_id))
        name = str(_("%(code)s-成绩.xlsx", code=batch.code))
    return send_file(io.BytesIO(body), mimetype=XLSX, as_attachment=True, download_name=name)


@bp.get("/<uuid:exam_batch_id>/figures")
@requires(Permission.SCORE_READ)
def figures(exam_batch_id: uuid.UUID) -> Page:
    """Show the spread of scores and how each item was answered."""
    actor, session = current_actor(), db.session()
    batch = results.batch_of(session, actor, exam_batch_id)
    finished = results.finished_sessions(session, actor, exam_batch_id)
    page = FiguresPage(
        batch, len(finished), results.score_distribution(session, actor, finished),
        results.item_figures(session, actor, finished),
    )  # fmt: skip
    return render_page("exam_delivery/scores/figures.html", page)


@bp.get("/<uuid:exam_batch_id>/release")
@requires(Permission.SCORE_RELEASE)
def preview(exam_batch_id: uuid.UUID) -> Page:
    """Show what a release would hold."""
    actor, session = current_actor(), db.session()
    found = releases.find_release_of_batch(session, exam_batch_id, actor=actor)
    shown = release.preview_release(session, actor, exam_batch_id)
    doubts = find_doubts(session, actor, shown.sessions) if not found and shown.n_scored else []
    page = ReleasePage(shown, found, session_badge, reading.translated, doubts)
    return render_page("exam_delivery/scores/release.html", page)


@bp.post("/<uuid:exam_batch_id>/release")
@requires(Permission.SCORE_RELEASE)
def do_release(exam_batch_id: uuid.UUID) -> Response:
    """Release the scores of a batch."""
    address = url_for("scores.preview", exam_batch_id=exam_batch_id)
    digest = reading.text("digest")
    try:
        with unit_of_work(current_actor()) as uow:
            release.release_scores(uow, exam_batch_id, confirmed_digest=digest)
    except ConflictError as exc:
        return redirect_with_message(address, reading.message_of(exc), "danger")
    return redirect_with_message(address, _("成绩已发布，正在移交认定"))


@bp.get("/people/<uuid:registration_id>")
@requires(Permission.SCORE_READ)
def person(registration_id: uuid.UUID) -> Page:
    """Show one person's score versions and slots."""
    actor, session = current_actor(), db.session()
    registration = candidates.get_registration(session, registration_id, actor=actor)
    attempt = attempts_planning.find_attempt_of(session, registration_id)
    records = repository.records_of_attempt(session, attempt.attempt_id) if attempt else []
    candidate = candidates.get_candidate(session, registration.candidate_id, actor=actor)
    line = ScoreLine(registration, candidate, None, attempt, records[0] if records else None)
    page = ScorePage(
        batch=results.batch_of(session, actor, registration.exam_batch_id), registration=registration,
        candidate=candidate, attempt=attempt, records=records, badge=score_badge(line.state),
        slots=repository.slot_scores(session, records[0].score_record_id) if records else [],
        outcomes=_outcomes(), submit_label=_submit_label(attempt), may_write=actor.may(Permission.SESSION_WRITE),
        equated=_equated(session, actor, line),
    )  # fmt: skip
    return render_page("exam_delivery/scores/person.html", page)


def _equated(session: Session, actor: Actor, line: ScoreLine) -> Decimal | None:
    """Return the score that counts where forms of the batch were equated, None where raw scores count."""
    registration = line.registration
    found = releases.find_release_of_batch(session, registration.exam_batch_id, actor=actor)
    return _counting(scale_of_batch(session, actor, registration.exam_batch_id, found), line)


def _submit_label(attempt: Attempt | None) -> str:
    return _(SUBMIT_LABELS[attempt.submit_kind]) if attempt and attempt.submit_kind else ""


def _outcomes() -> dict[str, tuple[str, str]]:
    return {
        "correct": (_("正确"), "success"), "partial": (_("部分得分"), "info"), "wrong": (_("错误"), "danger"),
        "omitted": (_("未答"), "neutral"), "needs_marking": (_("待阅卷"), "warning"),
        "unreadable": (_("无法识别"), "danger"), "granted": (_("题目有误，给满分"), "info"),
        "dropped": (_("题目有误，不计分"), "neutral"),
    }  # fmt: skip

"""Releasing the scores of a batch: previewed, confirmed, fixed by a digest, announced exactly once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from exam_delivery.models import (
    BatchStatus,
    ExamBatch,
    ExamSession,
    Registration,
    RegistrationStatus,
    ScoreRecord,
    ScoreRelease,
    ScoreStatus,
    SessionStatus,
)
from exam_delivery.repository import candidates, key_changes, planning, releases, rulings
from exam_delivery.repository import scores as scores_repository
from exam_delivery.repository.rulings import RulingFilter
from exam_delivery.rules.rulings import RulingState
from exam_delivery.rules.states import SESSION_LABELS, check_step
from exam_delivery.rules.statistics import Distribution
from exam_delivery.services import draw_reveals, late_answers, results
from exam_delivery.services.equated_scores import Scale, scale_of_batch
from exam_delivery.services.misconduct import decided_misconduct
from exam_delivery.services.packages import ResultOutcome, results_digest
from exam_delivery.services.readiness import Blocker
from item_templates.rounding import decimal_text
from kernel import audit
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.jobs.services import enqueue
from kernel.uow import UnitOfWork

PENDING = "pending"
"""Outcome in a preview of somebody whose score is not there yet; a release never holds it."""
RELEASED = "results.released"
"""Name of the message; its handler brings the results to certification."""


@dataclass(frozen=True, slots=True)
class ReleasePreview:
    """What a release would hold; `digest` is what the officer confirms."""

    batch: ExamBatch
    sessions: Sequence[ExamSession]
    n_registered: int
    n_scored: int
    n_absent: int
    n_void: int
    n_pending: int
    blockers: tuple[Blocker, ...]
    distribution: Distribution
    digest: str
    rows: list[Any]
    scale: Scale
    n_not_taken: int = 0


def preview_release(session: Session, actor: Actor, exam_batch_id: uuid.UUID) -> ReleasePreview:
    """Return counts, spread and blockers of a batch as they would be released now."""
    require(actor, Permission.SCORE_RELEASE)
    batch = planning.get_batch(session, exam_batch_id, actor=actor)
    sessions = planning.sessions_of_batch(session, exam_batch_id, actor=actor)
    registrations = candidates.registrations_of_batch(session, exam_batch_id, actor=actor)
    records = scores_repository.records_of_batch(session, exam_batch_id, actor=actor)
    former = releases.find_release_of_batch(session, exam_batch_id, actor=actor)
    scale = scale_of_batch(session, actor, exam_batch_id, former)
    rows = [_row(one, records.get(one.registration_id), scale) for one in registrations]
    outcomes = [row[1] for row in rows]
    done = [one.exam_session_id for one in sessions if one.status in (SessionStatus.SCORED, SessionStatus.RELEASED)]
    return ReleasePreview(
        batch=batch, sessions=sessions, n_registered=len(rows), n_scored=outcomes.count("scored"),
        n_absent=outcomes.count("absent"), n_void=outcomes.count("void"),
        n_pending=outcomes.count(PENDING),
        blockers=(Blocker(N_("本批次成绩已经发布"), "release"),) if former else (
            *_scale_blockers(scale), *_blockers(session, actor, batch, sessions, registrations),
        ),
        distribution=_spread(session, actor, done, rows, scale),
        digest=results_digest(exam_batch_id, rows), rows=rows, scale=scale,
        n_not_taken=outcomes.count(ResultOutcome.NOT_TAKEN.value),
    )  # fmt: skip


def _spread(
    session: Session, actor: Actor, done: Sequence[uuid.UUID], rows: Sequence[Any], scale: Scale
) -> Distribution:
    """Return the spread of the scores as they are released."""
    if scale.equating is None:
        return results.score_distribution(session, actor, done)
    return results.spread_of(session, actor, done, [Decimal(row[2]) for row in rows if row[2] is not None])


def _scale_blockers(scale: Scale) -> Iterator[Blocker]:
    if scale.problem is not None:
        yield Blocker(scale.problem[0], "equating", scale.problem[1])


def _row(registration: Registration, record: ScoreRecord | None, scale: Scale) -> list[str | None]:
    """Return [registration, outcome, score, score record]; pending until there is a complete score.

    The score is what counts; the score record tells the raw score where forms were equated.
    """
    key = str(registration.registration_id)
    if registration.status is RegistrationStatus.VOID:
        return [key, ResultOutcome.VOID.value, None, None]
    if registration.status is RegistrationStatus.ABSENT:
        return [key, ResultOutcome.ABSENT.value, None, None]
    if not registration.takes_theory:
        return [key, ResultOutcome.NOT_TAKEN.value, None, None]
    if record is None or record.status is not ScoreStatus.COMPLETE or record.score is None:
        return [key, PENDING, None, None]
    score = scale.score(registration.registration_id, record.score)
    return [key, ResultOutcome.SCORED.value, decimal_text(score), str(record.score_record_id)]


def _blockers(
    session: Session,
    actor: Actor,
    batch: ExamBatch,
    sessions: Sequence[ExamSession],
    registrations: Sequence[Registration],
) -> list[Blocker]:
    found = []
    if not sessions and any(one.takes_theory for one in registrations):
        found.append(Blocker(N_("批次还没有场次"), "sessions"))
    for row in sessions:
        if row.status is not SessionStatus.SCORED and not row.cancelled_at:
            params = {"name": row.name, "status": SESSION_LABELS[row.status]}
            found.append(Blocker(N_("场次“%(name)s”现在是“%(status)s”，评分完成后才能发布"), "sessions", params))
    waiting = key_changes.pending_of_forms(
        session, sorted({uuid.UUID(key) for row in sessions for key in row.form_ids}), actor=actor
    )
    for code in sorted({change.case_code for change in waiting}):
        message = N_("答案变更案 %(code)s 还没有办结，办结后才能发布")
        found.append(Blocker(message, "key_changes", {"code": code}))
    found += _ruling_blockers(session, actor, batch, sessions)
    found += late_answers.release_blockers(session, sessions, actor=actor)
    left = [
        r for r in registrations
        if r.exam_session_id is None and r.status is RegistrationStatus.ADMITTED and r.takes_theory
    ]  # fmt: skip
    if left:
        message = N_("%(n)s 名考生没有安排场次，请安排、删除报名或取消成绩")
        found.append(Blocker(message, "people", {"n": len(left)}))
    return found


def _ruling_blockers(
    session: Session, actor: Actor, batch: ExamBatch, sessions: Sequence[ExamSession]
) -> Iterator[Blocker]:
    """Yield misconduct cases that were decided without a ruling, and rulings that wait for a second person."""
    known = rulings.list_rulings(session, RulingFilter(exam_batch_id=batch.exam_batch_id), actor=actor, per_page=10_000)
    rows = [entry[0] for entry in known[0]]
    for ruling in rows:
        if ruling.state is RulingState.PROPOSED:
            yield Blocker(N_("处理决定 %(code)s 还没有办结，办结后才能发布"), "rulings", {"code": ruling.code})
    taken = {ruling.source_key for ruling in rows}
    for row in sessions:
        for case in decided_misconduct(session, row.exam_session_id):
            if case.source_key not in taken:
                message = N_("违纪案 %(code)s 已认定，还没有处理决定")
                yield Blocker(message, "rulings", {"code": case.code})


def release_scores(uow: UnitOfWork, exam_batch_id: uuid.UUID, *, confirmed_digest: str) -> ScoreRelease:
    """Release a batch exactly as it was previewed; the message to certification is part of the same transaction.

    Raises
    ------
    ConflictError
        If something is missing, changed since the preview, or the batch is released already.
    """
    require(uow.actor, Permission.SCORE_RELEASE)
    for row in planning.sessions_of_batch(uow.session, exam_batch_id, actor=uow.actor):
        planning.lock_session(uow.session, row.exam_session_id, actor=uow.actor)
    preview = preview_release(uow.session, uow.actor, exam_batch_id)
    if preview.blockers:
        raise ConflictError(preview.blockers[0].text)
    if preview.n_pending:
        raise ConflictError(N_("还有 %(n)s 名考生没有成绩，不能发布"), n=preview.n_pending)
    if preview.digest != confirmed_digest:
        raise ConflictError(N_("成绩在预览之后有变化，没有发布；请核对最新预览后重新确认"))
    release = _store(uow, preview)
    after = {"digest": release.package_digest, "scored": preview.n_scored, "absent": preview.n_absent}
    if preview.scale.equating is not None:
        after["equating"] = preview.scale.equating.code
    audit.record(uow, "scores.release", "exam_batch", exam_batch_id, after=after)
    _announce(uow, release, f"移交成绩：{preview.batch.name}")
    draw_reveals.request_by_rule(uow, release.score_release_id)
    return release


def release_correction(uow: UnitOfWork, exam_batch_id: uuid.UUID) -> ScoreRelease | None:
    """Release a batch again after its scores were corrected; None when nothing differs from the newest release.

    The earlier release stays as it was; certification receives the new one as a correction that a person decides about.
    """
    preview = preview_release(uow.session, uow.actor, exam_batch_id)
    former = releases.find_release_of_batch(uow.session, exam_batch_id, actor=uow.actor)
    if former is None:
        return None
    if preview.scale.problem is not None:  # the approval of a new conversion releases the correction
        audit.record(
            uow, "scores.correction_waits", "exam_batch", exam_batch_id, after={"former": former.package_digest}
        )
        return None
    if former.package_digest == preview.digest:
        return None
    if preview.n_pending:
        raise ConflictError(N_("还有 %(n)s 名考生没有成绩，不能发布"), n=preview.n_pending)
    release = _new_release(uow, preview, former.number + 1)
    after = {"digest": release.package_digest, "former": former.package_digest}
    audit.record(uow, "scores.release_correction", "exam_batch", exam_batch_id, after=after)
    _announce(uow, release, f"移交成绩更正：{preview.batch.name}")
    return release


def _announce(uow: UnitOfWork, release: ScoreRelease, title: str) -> None:
    key = str(release.score_release_id)
    enqueue(uow, RELEASED, {"release_id": key}, title=title, unique_key=f"{RELEASED}:{key}")


def _store(uow: UnitOfWork, preview: ReleasePreview) -> ScoreRelease:
    for row in preview.sessions:
        check_step(row.status, SessionStatus.RELEASED)
        row.status = SessionStatus.RELEASED
    preview.batch.status = BatchStatus.CLOSED
    return _new_release(uow, preview, 1)


def _new_release(uow: UnitOfWork, preview: ReleasePreview, number: int) -> ScoreRelease:
    release = ScoreRelease(
        score_release_id=new_id(), organisation_id=preview.batch.organisation_id,
        exam_batch_id=preview.batch.exam_batch_id, number=number,
        exam_session_ids=[str(row.exam_session_id) for row in preview.sessions], results=preview.rows,
        package_digest=preview.digest, equating_id=preview.scale.equating.equating_id if preview.scale.equating else None,
        released_by=uow.actor.user_id, released_at=now(),
    )  # fmt: skip
    uow.add(release)
    return release

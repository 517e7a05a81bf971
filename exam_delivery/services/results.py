"""Score lists, figures and their Excel file."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from decimal import Decimal

from sqlalchemy.orm import Session

from exam_delivery.models import ExamBatch
from exam_delivery.repository import planning, releases
from exam_delivery.repository import scores as repository
from exam_delivery.repository.scores import ScoreFilter, ScoreLine
from exam_delivery.repository.seat_seal import sealed_among
from exam_delivery.rules.scoring import KeyedSlot, ScoringKey
from exam_delivery.rules.states import FINISHED
from exam_delivery.rules.statistics import Distribution, ItemFigure, distribution, share
from exam_delivery.services import forms
from exam_delivery.services.equated_scores import RAW, Scale, scale_of_batch
from exam_delivery.services.scoring import Keys
from item_templates import registry
from item_templates.rounding import round_score
from kernel import audit
from kernel.clock import OFFICIAL_ZONE, now
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.spreadsheets import TableSheet, write_table
from kernel.uow import UnitOfWork

STATE_LABELS = {
    "complete": N_("已评分"),
    "needs_marking": N_("待阅卷"),
    "blocked": N_("评分受阻"),
    "unscored": N_("待评分"),
    "not_started": N_("未开考"),
    "absent": N_("缺考"),
    "void": N_("取消成绩"),
    "not_taken": N_("本次不考理论"),
}
SUBMIT_LABELS = {"candidate": N_("考生交卷"), "forced": N_("强制收卷"), "timeout": N_("到时收卷")}
MAX_EXPORT = 100_000
HEADINGS = (
    "准考证号", "姓名", "证件号码", "所在单位", "考点", "考场", "座位", "状态", "成绩", "满分", "交卷时间", "交卷方式", "评分版本",
)  # fmt: skip


def finished_sessions(session: Session, actor: Actor, exam_batch_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the sessions of a batch that are over: only these have figures."""
    rows = planning.sessions_of_batch(session, exam_batch_id, actor=actor)
    return [row.exam_session_id for row in rows if row.status in FINISHED]


def score_distribution(session: Session, actor: Actor, exam_session_ids: Sequence[uuid.UUID]) -> Distribution:
    """Return how the complete scores of some sessions are spread."""
    require(actor, Permission.SCORE_READ)
    scores = repository.complete_scores(session, exam_session_ids) if exam_session_ids else []
    return distribution(scores, _max_score(session, actor, exam_session_ids))


def spread_of(
    session: Session, actor: Actor, exam_session_ids: Sequence[uuid.UUID], scores: Sequence[Decimal]
) -> Distribution:
    """Return how some scores of the people of these sessions are spread."""
    require(actor, Permission.SCORE_READ)
    return distribution(list(scores), _max_score(session, actor, exam_session_ids))


def _max_score(session: Session, actor: Actor, exam_session_ids: Sequence[uuid.UUID]) -> Decimal:
    used = {form_id for key in exam_session_ids for form_id in planning.get_session(session, key, actor=actor).form_ids}
    known = forms.titles(session, actor.organisation)
    totals = [form.total_score for key, form in known.items() if str(key) in used]
    return max(totals, default=Decimal(100))


def item_figures(session: Session, actor: Actor, exam_session_ids: Sequence[uuid.UUID]) -> list[ItemFigure]:
    """Return the share of marks earned by slot and form, from the newest complete scores."""
    require(actor, Permission.SCORE_READ)
    if not exam_session_ids:
        return []
    known = forms.titles(session, actor.organisation)
    keys = Keys(actor.organisation)
    figures = []
    for form_id, slot, n, total, best in repository.facility(session, exam_session_ids):
        key = keys.get(session, form_id)
        keyed = key.find(slot) if isinstance(key, ScoringKey) else None
        title = known[form_id].label or known[form_id].title if form_id in known else ""
        figures.append(_figure(title, keyed, (slot, n, total, best)))
    return figures


def _figure(title: str, keyed: KeyedSlot | None, row: tuple[int, int, Decimal, Decimal]) -> ItemFigure:
    slot, n, total, best = row
    return ItemFigure(
        form=title, slot=slot, point=keyed.point if keyed else "", type_label=_type_label(keyed), n=n,
        mean=round_score(total / n), max_score=best, share=share(total, n, best),
    )  # fmt: skip


def _type_label(keyed: KeyedSlot | None) -> str:
    return registry.get(keyed.content.type).label if keyed else ""


def export_scores(uow: UnitOfWork, wanted: ScoreFilter) -> bytes:
    """Return exactly the filtered score list as Excel, numbers masked; the export is audited."""
    require(uow.actor, Permission.SCORE_READ)
    lines, total = repository.list_scores(uow.session, wanted, actor=uow.actor, per_page=MAX_EXPORT)
    target = wanted.exam_session_id or wanted.exam_batch_id or uow.actor.organisation
    audit.record(uow, "scores.export", "scores", target, after={"rows": total})
    used = {line.registration.exam_session_id for line in lines}
    sealed = sealed_among(uow.session, [key for key in used if key], now())
    scale = _scale(uow, wanted)
    if scale.equating is None:
        return write_table([TableSheet("成绩", HEADINGS, [_row(line, sealed) for line in lines])])
    rows = [(*_row(line, sealed), _equated(scale, line)) for line in lines]
    return write_table([TableSheet("成绩", (*HEADINGS, "等值后成绩"), rows)])


def _scale(uow: UnitOfWork, wanted: ScoreFilter) -> Scale:
    if wanted.exam_batch_id is None:
        return RAW
    former = releases.find_release_of_batch(uow.session, wanted.exam_batch_id, actor=uow.actor)
    return scale_of_batch(uow.session, uow.actor, wanted.exam_batch_id, former)


def _equated(scale: Scale, line: ScoreLine) -> Decimal | None:
    return None if line.score is None else scale.score(line.registration.registration_id, line.score)


def _row(line: ScoreLine, sealed: Collection[uuid.UUID]) -> tuple[str | int | Decimal | None, ...]:
    attempt, record = line.attempt, line.record
    kind = SUBMIT_LABELS.get(attempt.submit_kind, "") if attempt and attempt.submit_kind else ""
    return (
        line.registration.admission_number or "",
        line.candidate.name,
        line.candidate.id_number_mask,
        line.candidate.employer,
        line.room.site if line.room else "",
        line.room.name if line.room else "",
        None if line.registration.exam_session_id in sealed else line.registration.seat_number,
        STATE_LABELS[line.state],
        line.score,
        record.max_score if record else None,
        _local_time(line),
        kind,
        record.number if record else None,
    )


def _local_time(line: ScoreLine) -> str:
    moment = line.attempt.submitted_at if line.attempt else None
    return moment.astimezone(OFFICIAL_ZONE).strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def batch_of(session: Session, actor: Actor, exam_batch_id: uuid.UUID) -> ExamBatch:
    """Return a batch for a reader of scores."""
    require(actor, Permission.SCORE_READ)
    return planning.get_batch(session, exam_batch_id, actor=actor)

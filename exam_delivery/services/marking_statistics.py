"""Figures of each marker for the leader: agreement with the pair, severity, pace, hits of agreed marks. Leads, no verdicts."""

from __future__ import annotations

import csv
import io
import math
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from sqlalchemy.orm import Session

from exam_delivery.models import ExamSession, Mark
from exam_delivery.repository import marking as marks_repository
from exam_delivery.repository import marking_training as training
from exam_delivery.repository.marking import Place
from exam_delivery.repository.marking_results import rule_of
from exam_delivery.rules import marking_keys as keys
from exam_delivery.rules.marking import StandardKind
from exam_delivery.services import marking_plans
from kernel import audit
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.identity.repository import user_names
from kernel.profiles import value
from kernel.uow import UnitOfWork
from psychometrics.rater_agreement import RaterAgreement, rater_agreement

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Hits:
    """How many agreed marks somebody met near enough."""

    n_hits: int
    n_tried: int


@dataclass(frozen=True, slots=True)
class MarkerFigures:
    """One marker on one item; `agreement` is None where too few answers were marked by two."""

    item: Place
    name: str
    n_marked: int
    mean: float | None
    seconds: float | None
    n_pairs: int
    agreement: RaterAgreement | None
    training: Hits
    checks: Hits

    @property
    def is_severe(self) -> bool:
        """Whether the interval of the difference lies below zero."""
        return self.agreement is not None and self.agreement.high < 0

    @property
    def is_lenient(self) -> bool:
        """Whether the interval of the difference lies above zero."""
        return self.agreement is not None and self.agreement.low > 0


def collect(session: Session, actor: Actor, row: ExamSession) -> list[MarkerFigures]:
    """Return the figures of each marker by item: all for the officer, of the own items for a leader."""
    plans = marks_repository.plans_of_session(session, row.exam_session_id)
    every = actor.may(Permission.SESSION_WRITE)
    by_item = {
        item: found
        for item, found in _independent(session, row).items()
        if every or (item in plans and plans[item].leader_id == actor.user_id)
    }
    hits = _hits(session, row)
    people = {key for found in by_item.values() for marks in found.values() for key in marks}
    people |= {user for item, user, _kind in hits if item in by_item}
    names = user_names(session, sorted(people))
    least = value(session, row.organisation_id, keys.LEAST_PAIRS.name)
    lines = []
    for item in sorted(by_item, key=lambda one: (str(one[0]), one[1])):
        tolerance = float(rule_of(plans.get(item)).tolerance)
        for user in sorted(people, key=lambda key: names.get(key, "")):
            own = [marks[user] for marks in by_item[item].values() if user in marks]
            tried = {kind: hits.get((item, user, kind), Hits(0, 0)) for kind in StandardKind}
            if not own and not any(one.n_tried for one in tried.values()):
                continue
            pairs = _pairs(by_item[item], user)
            agreement = _agreement(pairs, tolerance) if len(pairs) >= least else None
            lines.append(
                _figures(item, names.get(user, "—"), own, n_pairs=len(pairs), agreement=agreement, tried=tried)
            )
    return lines


def _figures(
    item: Place,
    name: str,
    own: Sequence[Mark],
    *,
    n_pairs: int,
    agreement: RaterAgreement | None,
    tried: Mapping[StandardKind, Hits],
) -> MarkerFigures:
    seconds = [mark.seconds for mark in own if mark.seconds is not None]
    mean = sum(float(mark.score) for mark in own) / len(own) if own else None
    return MarkerFigures(
        item, name, len(own), mean, median(seconds) if seconds else None, n_pairs, agreement,
        tried[StandardKind.TRAINING], tried[StandardKind.CHECK],
    )  # fmt: skip


def _independent(session: Session, row: ExamSession) -> dict[Place, dict[uuid.UUID, dict[uuid.UUID, Mark]]]:
    """Return the newest independent mark by item, attempt and marker."""
    found: dict[Place, dict[uuid.UUID, dict[uuid.UUID, Mark]]] = defaultdict(lambda: defaultdict(dict))
    for form_id, mark in marks_repository.marks_with_forms(session, row.exam_session_id):
        if not mark.is_final and mark.marked_by is not None:
            found[form_id, mark.slot][mark.attempt_id][mark.marked_by] = mark
    return found


def _pairs(answers: Mapping[uuid.UUID, Mapping[uuid.UUID, Mark]], user: uuid.UUID) -> list[Pair]:
    """Return the own mark and the other's of each answer that two have marked."""
    return [
        (float(marks[user].score), float(other.score))
        for marks in answers.values()
        if user in marks
        for key, other in marks.items()
        if key != user
    ]


def _agreement(pairs: Sequence[Pair], tolerance: float) -> RaterAgreement:
    first, second = zip(*pairs, strict=True)
    return rater_agreement(first, second, tolerance=tolerance)


def _hits(session: Session, row: ExamSession) -> dict[tuple[Place, uuid.UUID, StandardKind], Hits]:
    counts: dict[tuple[Place, uuid.UUID, StandardKind], list[int]] = defaultdict(lambda: [0, 0])
    for item, standards in training.standards_of_session(session, row.exam_session_id).items():
        kinds = {one.marking_standard_id: one.kind for one in standards}
        for user, trials in training.trials(session, standards).items():
            for trial in trials:
                count = counts[item, user, kinds[trial.marking_standard_id]]
                count[0] += trial.is_hit
                count[1] += 1
    return {key: Hits(*count) for key, count in counts.items()}


HEADINGS = (
    "试卷", "题号", "阅卷员", "评分份数", "平均分", "每份秒数（中位）", "双评份数", "完全一致", "允差以内", "加权kappa",
    "与对方平均分差", "分差下限", "分差上限", "培训评准", "培训份数", "抽查评准", "抽查份数",
)  # fmt: skip


def export(uow: UnitOfWork, exam_session_id: uuid.UUID, form_names: Mapping[uuid.UUID, str]) -> bytes:
    """Return the figures as CSV, a byte order mark lets Excel know UTF-8; the export is audited."""
    row = marking_plans.check_manager(uow.session, uow.actor, exam_session_id)
    lines = collect(uow.session, uow.actor, row)
    audit.record(uow, "marking_statistics.export", "exam_session", exam_session_id, after={"rows": len(lines)})
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(HEADINGS)
    writer.writerows(_export_row(one, form_names) for one in lines)
    return out.getvalue().encode("utf-8-sig")


def _export_row(one: MarkerFigures, form_names: Mapping[uuid.UUID, str]) -> list[str]:
    found = one.agreement
    figures = (
        [found.exact, found.adjacent, found.kappa, found.difference, found.low, found.high] if found else [None] * 6
    )  # fmt: skip
    return [
        _safe(form_names.get(one.item[0], "")), str(one.item[1]), _safe(one.name), str(one.n_marked), _text(one.mean),
        _text(one.seconds), str(one.n_pairs), *map(_text, figures), str(one.training.n_hits),
        str(one.training.n_tried), str(one.checks.n_hits), str(one.checks.n_tried),
    ]  # fmt: skip


def _text(figure: float | None) -> str:
    return "" if figure is None or math.isnan(figure) else f"{figure:.3f}"


def _safe(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t"} else text

"""The forms of a batch's sessions side by side: whether they are parallel, and whether one is sat twice at different times."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from blueprints.public import SealedForm
from exam_delivery.models import ExamSession
from exam_delivery.repository import planning
from exam_delivery.repository.recusal import sessions_using
from exam_delivery.rules.batch_forms import AGAIN_FREE, AGAIN_REFUSED, ONE_BLUEPRINT, SAME_FORM_AGAIN
from exam_delivery.services import forms
from kernel import profiles
from kernel.i18n import N_
from kernel.identity.actor import Actor

MOST_NAMED = 4


@dataclass(frozen=True, slots=True)
class FormLine:
    """A form of a batch, or all forms of a set: the facts that parallel forms share, and who sits it."""

    form_id: uuid.UUID
    title: str
    n_forms: int
    n_slots: int
    total_score: Decimal
    minutes: int
    sessions: Sequence[str]
    is_standby: bool
    is_parallel: bool


@dataclass(frozen=True, slots=True)
class FormProblem:
    """Something about the forms of a session beside those of others; a hint forbids nothing."""

    message: str
    params: Mapping[str, object]
    is_hint: bool


def list_forms(session: Session, sessions: Sequence[ExamSession]) -> list[FormLine]:
    """Return the forms of some sessions of one batch in the order of first use; the first one is what others are held against."""
    live = [row for row in sessions if row.cancelled_at is None]
    known = forms.titles(session, live[0].organisation_id) if live else {}
    used: dict[uuid.UUID, list[ExamSession]] = {}
    for row in live:
        for key in _shown(row):
            used.setdefault(key, []).append(row)
    found = [(known[key], rows) for key, rows in used.items() if key in known]
    return [_line(form, rows, found[0][0]) for form, rows in found]


def _shown(row: ExamSession) -> list[uuid.UUID]:
    """Return the forms that stand for a session: those of a set are made alike, so the first is enough."""
    return [uuid.UUID(one) for one in (row.form_ids[:1] if row.form_set_id else forms.used_forms(row))]


def _line(form: SealedForm, rows: Sequence[ExamSession], first: SealedForm) -> FormLine:
    of_set = next((row for row in rows if row.form_set_id), None)
    title = form.title.removesuffix(f"（{form.label}卷）") if of_set else form.title
    return FormLine(
        form.form_id, title, len(of_set.form_ids) if of_set else 1, form.n_slots, form.total_score,
        form.duration_minutes, [row.name for row in rows],
        all(str(form.form_id) in row.standby_form_ids for row in rows), _is_parallel(form, first),
    )  # fmt: skip


def _is_parallel(form: SealedForm, first: SealedForm) -> bool:
    same = (form.n_slots, form.total_score, form.blueprint_id) == (first.n_slots, first.total_score, first.blueprint_id)
    return same and (form.blueprint_id is not None or form.form_id == first.form_id)


def find_problems(session: Session, actor: Actor, row: ExamSession) -> Iterator[FormProblem]:
    """Yield what speaks against the forms of a session: another blueprint within the batch, a form that is sat elsewhere."""
    values = profiles.values(session, actor.organisation)
    known = forms.titles(session, row.organisation_id)
    if values[ONE_BLUEPRINT]:
        yield from _other_blueprints(session, actor, row, known)
    again = str(values[SAME_FORM_AGAIN])
    if again != AGAIN_FREE and row.form_set_id is None:
        yield from _sat_elsewhere(session, row, known, is_hint=again != AGAIN_REFUSED)


def _other_blueprints(
    session: Session, actor: Actor, row: ExamSession, known: Mapping[uuid.UUID, SealedForm]
) -> Iterator[FormProblem]:
    rows = [row, *planning.sessions_of_batch(session, row.exam_batch_id, actor=actor)]
    keys = [key for one in rows if one.cancelled_at is None for key in _shown(one) if key in known]
    by_blueprint = {known[key].blueprint_id: known[key].title for key in keys if known[key].blueprint_id is not None}
    if len(by_blueprint) > 1:
        titles = "、".join(sorted(by_blueprint.values())[:MOST_NAMED])
        message = N_("本批次的试卷出自不同的组卷方案（%(titles)s），成绩不能相比；请改用同一方案的平行卷")
        yield FormProblem(message, {"titles": titles}, is_hint=False)


def _sat_elsewhere(
    session: Session, row: ExamSession, known: Mapping[uuid.UUID, SealedForm], *, is_hint: bool
) -> Iterator[FormProblem]:
    message = N_("试卷“%(title)s”还用于“%(session)s”（%(day)s），先考的考生可能泄露试题")
    for key in map(uuid.UUID, row.form_ids):
        for other in sessions_using(session, row.organisation_id, key):
            if _is_other_time(row, other) and str(key) in other.form_ids and key in known:
                day = f"{other.starts_at:%Y-%m-%d}"
                yield FormProblem(message, {"title": known[key].title, "session": other.name, "day": day}, is_hint)
                break


def _is_other_time(row: ExamSession, other: ExamSession) -> bool:
    is_apart = other.ends_at <= row.starts_at or other.starts_at >= row.ends_at
    return is_apart and other.cancelled_at is None and other.exam_session_id != row.exam_session_id

"""Answers of a session as tables for statistics, and where the figures are kept."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

from sqlalchemy.orm import Session

from exam_delivery.models import Attempt, ExamSession, SessionStatus
from exam_delivery.models.analyses import SessionAnalysis
from exam_delivery.repository import analyses as repository
from exam_delivery.repository import planning
from exam_delivery.repository import scores as scores_repository
from exam_delivery.rules.scoring import KeyedSlot
from exam_delivery.services import forms, scoring_keys
from item_templates import registry
from item_templates.base import is_omitted
from item_templates.contract import Interaction
from kernel import audit
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.jobs.models import Job
from kernel.jobs.services import enqueue
from kernel.uow import UnitOfWork

ANALYSE_JOB = "exam_delivery.analyse"
ANALYSABLE = frozenset({SessionStatus.SCORED, SessionStatus.RELEASED})


@dataclass(frozen=True, slots=True)
class SlotOfForm:
    """One column of the table: an item version in its place."""

    slot: int
    item_version_id: str
    part: int
    point: str
    type: str
    options: tuple[str, ...]
    keys: tuple[str, ...]
    max_score: Decimal
    origin: str = ""
    """The version that stands here, even where its key was changed and `item_version_id` is therefore empty."""


@dataclass(frozen=True, slots=True)
class FormTable:
    """What the candidates of one form answered; rows are attempts without names.

    Attributes
    ----------
    form_id : UUID
    title : str
    slots : tuple of SlotOfForm
    scores : list of list of (Decimal or None)
        None where nobody has marked yet, or where the candidate did not reach the item.
    chosen : list of list of (tuple of str or None)
        Option names; None where not reached; empty when omitted.
    attempt_ids : tuple of UUID
        Which attempt each row is.
    given : tuple of frozenset of int, or None
        Which columns stood in the form of each row; None where all candidates had this one form. What was not given has
        neither a score nor an answer.
    n_forms : int
        How many forms of a set the table was put together from.
    """

    form_id: uuid.UUID
    title: str
    slots: tuple[SlotOfForm, ...]
    scores: list[list[Decimal | None]]
    chosen: list[list[tuple[str, ...] | None]]
    attempt_ids: tuple[uuid.UUID, ...] = ()
    given: tuple[frozenset[int], ...] | None = None
    n_forms: int = 1


def request_analysis(uow: UnitOfWork, exam_session_id: uuid.UUID) -> Job:
    """Publish an analysis of a scored session; again makes a new version."""
    require(uow.actor, Permission.STATISTICS_READ)
    row = planning.get_session(uow.session, exam_session_id, actor=uow.actor)
    if row.status not in ANALYSABLE:
        raise ConflictError(N_("评分完成后才能分析这个场次"))
    audit.record(uow, "exam_session.request_analysis", "exam_session", exam_session_id)
    return enqueue_analysis(uow, row)


def enqueue_analysis(uow: UnitOfWork, row: ExamSession) -> Job:
    """Publish an analysis; a session that becomes wholly scored does so by itself."""
    payload = {"exam_session_id": str(row.exam_session_id)}
    return enqueue(uow, ANALYSE_JOB, payload, title=f"题目与试卷分析：{row.name}")


def load_tables(
    session: Session, actor: Actor, exam_session_id: uuid.UUID, attempt_ids: Collection[uuid.UUID] | None = None
) -> list[FormTable]:
    """Return the answers of a session, or of some of its attempts, form by form, with the scores that count."""
    attempts = repository.counted_attempts(session, exam_session_id, actor=actor)
    if attempt_ids is not None:
        attempts = [attempt for attempt in attempts if attempt.attempt_id in attempt_ids]
    ids = [attempt.attempt_id for attempt in attempts]
    responses = scores_repository.load_responses(session, ids)
    scores = scores_repository.newest_slot_scores(session, ids)
    titles = forms.titles(session, actor.organisation)
    all_keys = scoring_keys.load_keys(
        session, actor.organisation, list(dict.fromkeys(attempt.form_id for attempt in attempts))
    )
    tables = []
    for form_id, group in groupby(attempts, key=lambda attempt: attempt.form_id):
        some = list(group)
        slots = all_keys[form_id].slots_for_statistics()
        origins = {slot.slot: slot.item_version_id for slot in all_keys[form_id].slots}
        rows = [_row(slots, one, responses[one.attempt_id], scores.get(one.attempt_id, {})) for one in some]
        title = titles[form_id].title if form_id in titles else ""
        marks, chosen = [row[0] for row in rows], [row[1] for row in rows]
        keys = tuple(attempt.attempt_id for attempt in some)
        tables.append(
            FormTable(form_id, title, tuple(_slot(slot, origins[slot.slot]) for slot in slots), marks, chosen, keys)
        )
    return tables


def _slot(keyed: KeyedSlot, origin: str) -> SlotOfForm:
    content = keyed.content
    options: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    interaction = registry.get(content.type).interaction
    if interaction is Interaction.CHOICE and content.key is not None:
        options = tuple(choice.id for choice in content.choices)
        keys = (content.key,) if isinstance(content.key, str) else tuple(content.key)
    elif interaction is Interaction.TRUE_FALSE and content.key is not None:
        options, keys = ("true", "false"), ("true" if content.key else "false",)
    return SlotOfForm(
        keyed.slot,
        keyed.item_version_id,
        keyed.part,
        keyed.point,
        content.type,
        options,
        keys,
        keyed.max_score,
        origin,
    )


def _row(
    slots: Sequence[KeyedSlot], attempt: Attempt, responses: Mapping[int, str], marks: Mapping[int, Decimal | None]
) -> tuple[list[Decimal | None], list[tuple[str, ...] | None]]:
    """Return scores and options of one attempt."""
    answers = {slot.slot: _options(responses.get(slot.slot)) for slot in slots}
    unreached = _unreached(attempt, answers)
    scores = [None if slot.slot in unreached else marks.get(slot.slot) for slot in slots]
    return scores, [None if slot.slot in unreached else answers[slot.slot] for slot in slots]


def _unreached(attempt: Attempt, answers: Mapping[int, tuple[str, ...]]) -> set[int]:
    """Return the slots after the first one that follows the candidate's last answer, in the candidate's own order."""
    order = [slot for section in attempt.layout.get("sections", []) for slot in section]
    answered = [place for place, slot in enumerate(order) if answers.get(slot)]
    return set(order[(answered[-1] if answered else -1) + 2 :])


def _options(stored: str | None) -> tuple[str, ...]:
    try:
        raw = json.loads(stored) if stored is not None else []
    except ValueError:
        return (stored or "",)
    if is_omitted(raw):
        return ()
    return tuple("=".join(map(str, one)) if isinstance(one, list) else str(one) for one in raw)


def store(uow: UnitOfWork, exam_session_id: uuid.UUID, reports: Mapping[uuid.UUID, Mapping[str, Any]]) -> None:
    """Keep the figures of a session's forms, or of its sets of forms, as a new version in place of all before."""
    row = planning.get_session(uow.session, exam_session_id, actor=uow.actor)
    number, moment = repository.next_number(uow.session, exam_session_id), now()
    for form_id, report in reports.items():
        uow.add(
            SessionAnalysis(
                session_analysis_id=new_id(), organisation_id=row.organisation_id, exam_session_id=exam_session_id,
                form_id=form_id, number=number, n_candidates=report["n_candidates"], report=dict(report), computed_at=moment,
            )
        )  # fmt: skip
    audit.record(uow, "exam_session.analyse", "exam_session", exam_session_id, after={"forms": len(reports)})

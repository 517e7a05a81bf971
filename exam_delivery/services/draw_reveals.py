"""Telling the seed of a published draw after the exam, never while it would tell a form that somebody has yet to sit."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy.orm import Session

from blueprints import public_draws as draws
from exam_delivery.models import ExamSession, SessionStatus
from exam_delivery.models.draw_commitments import DrawCommitment, DrawReveal
from exam_delivery.repository import draw_commitments as repository
from exam_delivery.repository import planning
from exam_delivery.repository.attempts_planning import forms_given
from exam_delivery.rules import draw_commitments as rules
from exam_delivery.rules.states import FINISHED
from exam_delivery.services.draw_commitments import nonce_of
from kernel import audit, profiles
from kernel.clock import now
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.jobs.services import enqueue
from kernel.uow import UnitOfWork

REVEAL_JOB = "exam_delivery.reveal_draws"
MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a seed is not told yet."""

    message: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What stands against telling a seed: `waits` nobody can pass over, `hints` a person may, with a reason.

    `spares` are forms that the seed would tell and nobody was given; told, they can never be given to anybody.
    """

    waits: Sequence[Wait]
    hints: Sequence[Wait]
    spares: Sequence[str]
    form_ids: Sequence[str]

    @property
    def is_free(self) -> bool:
        """Whether the seed may be told by itself."""
        return not self.waits and not self.hints and not self.spares


def outlook(session: Session, actor: Actor, row: ExamSession, entry: DrawCommitment) -> Outlook:
    """Return what stands against telling the seed of an entry now."""
    if entry.assembly_run_id is None:
        return Outlook([Wait(N_("这份试卷是整卷收入的，没有可以公开的种子"))], [], [], [])
    relatives, n_others = draws.secrets_of_draw(session, actor, entry.assembly_run_id)
    known = {str(one.form_id): one.title for one in relatives if not one.is_withdrawn}
    uses = repository.uses_of_forms(session, set(known), actor=actor)
    own = row.exam_session_id
    waits = [] if row.status in FINISHED else [Wait(N_("本场次还没有结束"))]
    waits += [
        Wait(N_("同一次抽取的试卷还用于场次“%(name)s”，要等它的成绩发布"), {"name": one.name})
        for one in uses
        if one.exam_session_id != own and one.status is not SessionStatus.RELEASED
    ]
    if n_others:
        waits.append(Wait(N_("共用题库的其他机构用同一种子抽取了 %(n)s 份试卷"), {"n": n_others}))
    hints = [] if row.status is SessionStatus.RELEASED else [Wait(N_("本场次的成绩还没有发布"))]
    given = forms_given(session, [uuid.UUID(form_id) for form_id in known])
    spares = [title for form_id, title in known.items() if uuid.UUID(form_id) not in given]
    return Outlook(waits, hints, spares, sorted(str(one.form_id) for one in relatives))


def reveal(uow: UnitOfWork, exam_session_id: uuid.UUID, *, reason: str, gives_up_spares: bool) -> list[DrawReveal]:
    """Tell the seeds of a session's published draws as a deliberate act; those that still have to wait stay secret.

    Raises
    ------
    ConflictError
        If none may be told, with the first reason; or forms that nobody was given would be told, and that is not wanted.
    InvalidInputError
        If a reason is needed and none is given.
    """
    require(uow.actor, Permission.SCORE_RELEASE)
    row = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    promised = _promised(uow.session, row)
    if not promised:
        raise ConflictError(N_("没有等待公开的种子"))
    seen = [(entry, outlook(uow.session, uow.actor, row, entry)) for entry in promised]
    free = [(entry, found) for entry, found in seen if not found.waits]
    if not free:
        first = seen[0][1].waits[0]
        raise ConflictError(first.message, **first.params)
    text = " ".join(reason.split())[: rules.LONGEST_REASON]
    _check_wanted([found for _entry, found in free], text, gives_up_spares=gives_up_spares)
    return [_tell(uow, row, entry, found.form_ids, text) for entry, found in free]


def _check_wanted(found: Sequence[Outlook], reason: str, *, gives_up_spares: bool) -> None:
    spares = [title for one in found for title in one.spares]
    if spares and not gives_up_spares:
        names = "、".join(spares[:MOST_NAMED])
        raise ConflictError(
            N_("这次抽取还有 %(n)s 份没有用过的试卷（%(names)s），公开种子以后不能再用；请先确认放弃"),
            n=len(spares),
            names=names,
        )
    if any(not one.is_free for one in found) and len(reason) < rules.SHORTEST_REASON:
        message = N_("请写明提前公开的原因（至少 5 个字，会公开）")
        raise InvalidInputError(message, fields={"reason": [message]})


def request_by_rule(uow: UnitOfWork, key: uuid.UUID) -> None:
    """Publish, with the act `key` that released scores, the job that tells what waits for nothing any more."""
    if _is_automatic(uow) and repository.sessions_to_reveal(uow.session, actor=uow.actor):
        enqueue(uow, REVEAL_JOB, {}, title=N_("公开抽题种子"), unique_key=f"{REVEAL_JOB}:{key}")


def _is_automatic(uow: UnitOfWork) -> bool:
    rule = profiles.value(uow.session, uow.actor.organisation, rules.PUBLISH_DRAW)
    return bool(rule == rules.PUBLISH_AUTOMATIC)


def reveal_by_rule(uow: UnitOfWork) -> list[DrawReveal]:
    """Tell by themselves all seeds of the organisation that wait for nothing, where the rule profile says so."""
    if not _is_automatic(uow):
        return []
    told: list[DrawReveal] = []
    for key in repository.sessions_to_reveal(uow.session, actor=uow.actor):
        row = repository.find_session(uow.session, key, actor=uow.actor)
        if row is not None:
            told += _tell_free(uow, row)
    return told


def _tell_free(uow: UnitOfWork, row: ExamSession) -> list[DrawReveal]:
    seen = [(entry, outlook(uow.session, uow.actor, row, entry)) for entry in _promised(uow.session, row)]
    return [_tell(uow, row, entry, found.form_ids, "") for entry, found in seen if found.is_free]


def _promised(session: Session, row: ExamSession) -> list[DrawCommitment]:
    entries = repository.entries_of_session(session, row.organisation_id, row.exam_session_id)
    return [entry for entry, told in entries if entry.assembly_run_id is not None and told is None]


def _tell(uow: UnitOfWork, row: ExamSession, entry: DrawCommitment, form_ids: Sequence[str], reason: str) -> DrawReveal:
    run_id = cast("uuid.UUID", entry.assembly_run_id)  # what is promised has a draw
    seed, nonce = draws.seed_of(uow.session, row.organisation_id, run_id), nonce_of(entry)
    if draws.seed_digest(seed, nonce) != entry.content["draw"]["seed_digest"]:
        raise ConflictError(N_("抽取记录与公布的承诺不符，没有公开；请停止使用并报告管理员"))
    told = DrawReveal(
        draw_commitment_id=entry.draw_commitment_id, organisation_id=row.organisation_id, seed=seed, nonce=nonce,
        form_ids=list(form_ids), reason=reason, revealed_by=uow.actor.user_id, revealed_at=now(),
    )  # fmt: skip
    uow.add(told)
    after = {"number": entry.number, "digest": entry.digest, "seed": seed}
    audit.record(uow, "draw_commitment.reveal", "exam_session", row.exam_session_id, after=after, reason=reason or None)
    return told


def refuse_told(uow: UnitOfWork, form_ids: Sequence[str]) -> None:
    """Refuse forms for a session that a published seed tells."""
    if set(form_ids) & repository.told_forms(uow.session, actor=uow.actor):
        raise ConflictError(N_("所选试卷的抽题种子已经公开，不能再用于考试，请另选试卷"))

"""Decisions about equating: proposed by one person with a reason, approved by another from the same figures."""

from __future__ import annotations

import uuid
from typing import Any

from exam_delivery.models import Equating, ScoreRelease
from exam_delivery.repository import equating_decisions as repository
from exam_delivery.repository import planning, releases
from exam_delivery.rules.equating import ENGINE, Design, Method, Way, four_decimals
from exam_delivery.rules.equating_states import EquatingState, check_proposed
from exam_delivery.services import equating, release
from exam_delivery.services.equating import Pair, Plan, SatForm, Study
from kernel import audit
from kernel.clock import now, today
from kernel.db import new_id
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

SHORTEST_REASON = 10
LONGEST_REASON = 2000


def propose(uow: UnitOfWork, exam_batch_id: uuid.UUID, plan: Plan, *, confirmed_digest: str, reason: str) -> Equating:
    """Propose the conversions that were shown; scores change only when another person approves.

    Raises
    ------
    ConflictError
        If the rules do not use equating, another proposal waits, something is missing, or scores changed meanwhile.
    InvalidInputError
        If the reason is missing.
    """
    require(uow.actor, Permission.SCORE_RELEASE)
    n_before = repository.lock_numbers(uow.session, uow.actor.organisation)
    study = equating.study(uow.session, uow.actor, exam_batch_id, plan)
    _refuse(uow, study, releases.find_release_of_batch(uow.session, exam_batch_id, actor=uow.actor))
    if study.digest != confirmed_digest:
        raise ConflictError(N_("成绩在计算之后有变化，没有提出；请核对最新结果后重新提出"))
    _check_reason(reason)
    found = _new(uow, study, plan, reason, n_before + 1)
    uow.add(found)
    audit.record(
        uow, "equating.propose", "equating", found.equating_id, after=_said(found), reason=found.reason[:300]
    )  # fmt: skip
    return found


def _refuse(uow: UnitOfWork, study: Study, former: ScoreRelease | None) -> None:
    if former is not None and former.equating_id is None:
        raise ConflictError(N_("本批次成绩已按原始分发布，不能再等值"))
    if former is None and not study.terms.is_official:
        raise ConflictError(N_("规则方案没有启用等值，正式成绩按原始分，不能提出"))
    waiting = repository.pending(uow.session, actor=uow.actor, exam_batch_id=study.batch.exam_batch_id)
    if waiting:
        raise ConflictError(N_("等值决定 %(code)s 还没有办结"), code=waiting[0].code)
    if not study.is_whole:
        raise ConflictError(N_("全部场次评分完成、每份试卷都能换算后才能提出"))


def _check_reason(reason: str) -> None:
    if len(reason.strip()) < SHORTEST_REASON:
        message = N_("请写明依据，至少 10 个字")
        raise InvalidInputError(message, fields={"reason": [message]})


def _new(uow: UnitOfWork, study: Study, plan: Plan, reason: str, number: int) -> Equating:
    reference = study.reference
    if reference is None:
        raise ConflictError(N_("没有可以等值的试卷"))
    return Equating(
        equating_id=new_id(), organisation_id=uow.actor.organisation, code=f"DZ-{today().year}-{number:05d}",
        exam_batch_id=study.batch.exam_batch_id, reference_form_id=reference.form_id,
        plan={
            "reference": str(reference.form_id), "dropped": sorted(plan.dropped),
            "ways": {str(one.form.form_id): [one.way.design.value, one.way.method.value] for one in study.pairs},
        },
        figures={
            "engine": ENGINE, "unit": str(study.terms.unit), "forms": [_form(one) for one in study.forms],
            "pairs": [_pair(one) for one in study.pairs],
        },
        figures_digest=study.digest, seed=study.seed, reason=reason.strip()[:LONGEST_REASON],
        state=EquatingState.PROPOSED, proposed_by=uow.actor.user_id, proposed_by_name=uow.actor.name[:100],
        proposed_at=now(),
    )  # fmt: skip


def _form(form: SatForm) -> dict[str, Any]:
    return {
        "form_id": str(form.form_id), "title": form.title, "sessions": [row.name for row in form.sessions], "n": form.n,
        "mean": str(four_decimals(form.mean)), "sd": str(four_decimals(form.sd)), "max_score": str(form.key.max_score),
        "n_key_changes": len(form.key.amendments),
    }  # fmt: skip


def _pair(pair: Pair) -> dict[str, Any]:
    if pair.conversion is None or pair.curve is None or pair.at_mark is None:
        raise ConflictError(N_("全部场次评分完成、每份试卷都能换算后才能提出"))
    return {
        "form_id": str(pair.form.form_id), "title": pair.form.title, "design": pair.way.design.value,
        "method": pair.way.method.value, "usual": [pair.usual.design.value, pair.usual.method.value],
        "is_by_chance": pair.is_by_chance, "gap": str(four_decimals(pair.gap)),
        "points": list(map(str, pair.conversion.points)), "values": list(map(str, pair.conversion.values)),
        "errors": [str(four_decimals(one)) for one in pair.curve.errors],
        "mark": [str(pair.mark), *map(str, pair.at_mark)], "gained": pair.n_gained, "lost": pair.n_lost,
        "anchors": [
            {"key": one.key, "slots": [one.new_slot, one.old_slot], "is_outlying": one.is_outlying, "is_dropped": one.is_dropped}
            for one in pair.anchors
        ],
        "uneven": [one.name for one in pair.parts if one.is_uneven],
    }  # fmt: skip


def plan_of(found: Equating) -> Plan:
    """Return the plan that a decision names."""
    ways = {uuid.UUID(key): Way(Design(design), Method(method)) for key, (design, method) in found.plan["ways"].items()}
    return Plan(found.reference_form_id, ways, frozenset(found.plan["dropped"]))


def approve(uow: UnitOfWork, equating_id: uuid.UUID, *, confirmed_digest: str, reason: str = "") -> Equating:
    """Approve a proposal: scores are released by it, and a batch released by equating before is corrected at once.

    Raises
    ------
    ForbiddenError
        If the same person proposed it.
    ConflictError
        If the figures are no longer those that were proposed.
    """
    found = _lock_proposed(uow, equating_id)
    if found.proposed_by == uow.actor.user_id:
        raise ForbiddenError(N_("等值须由提出人以外的人批准"))
    for row in planning.sessions_of_batch(uow.session, found.exam_batch_id, actor=uow.actor):
        planning.lock_session(uow.session, row.exam_session_id, actor=uow.actor)
    study = equating.study(uow.session, uow.actor, found.exam_batch_id, plan_of(found))
    if not study.is_whole or not study.digest == found.figures_digest == confirmed_digest:
        raise ConflictError(N_("成绩、答案或规则在提出之后有变化，没有批准；请不批准并重新提出"))
    _decide(uow, found, EquatingState.APPROVED, reason)
    uow.flush()  # the correction below reads the decision
    if releases.find_release_of_batch(uow.session, found.exam_batch_id, actor=uow.actor) is not None:
        release.release_correction(uow, found.exam_batch_id)
    return found


def reject(uow: UnitOfWork, equating_id: uuid.UUID, *, reason: str) -> Equating:
    """Turn a proposal down, with a reason."""
    found = _lock_proposed(uow, equating_id)
    _check_reason(reason)
    _decide(uow, found, EquatingState.REJECTED, reason)
    return found


def withdraw(uow: UnitOfWork, equating_id: uuid.UUID) -> Equating:
    """Take back a proposal of one's own."""
    found = _lock_proposed(uow, equating_id)
    if found.proposed_by != uow.actor.user_id:
        raise ForbiddenError(N_("只有提出人可以撤回"))
    _decide(uow, found, EquatingState.WITHDRAWN, "")
    return found


def _lock_proposed(uow: UnitOfWork, equating_id: uuid.UUID) -> Equating:
    require(uow.actor, Permission.SCORE_RELEASE)
    found = repository.get_equating(uow.session, equating_id, actor=uow.actor, lock=True)
    check_proposed(found.state)
    return found


def _decide(uow: UnitOfWork, found: Equating, state: EquatingState, reason: str) -> None:
    found.state, found.decided_at = state, now()
    found.decided_by, found.decided_by_name = uow.actor.user_id, uow.actor.name[:100]
    found.decision_reason = reason.strip()[:LONGEST_REASON]
    audit.record(
        uow, f"equating.{state.value}", "equating", found.equating_id, after=_said(found), reason=reason.strip()[:300]
    )  # fmt: skip


def _said(found: Equating) -> dict[str, Any]:
    return {
        "code": found.code, "batch": str(found.exam_batch_id), "reference": str(found.reference_form_id),
        "ways": found.plan["ways"], "digest": found.figures_digest, "seed": found.seed,
    }  # fmt: skip

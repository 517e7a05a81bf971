"""The panel of an application: members without conflicts, one vote and score each, and the conclusion."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from certification.models import SeniorApplication, SeniorPanelMember
from certification.repository import seniors as repository
from certification.rules import seniors as rules
from certification.rules.panel_scoring import PANEL_LEAST, PANEL_ODD
from certification.rules.pass_decision import plain_number
from certification.rules.seniors import Ballot, PanelOutcome, SeniorAct, SeniorState
from certification.services.seniors import move, note
from kernel import audit, conflicts, profiles
from kernel.clock import now
from kernel.conflicts import Conflict, CycleRole, Party
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork


def applicant_party(row: SeniorApplication) -> Party:
    """Return an applicant as the rules of recusal read one."""
    return Party(CycleRole.CANDIDATE, name=row.name, number_index=row.id_number_index, employer=row.employer)


def set_panel(uow: UnitOfWork, key: uuid.UUID, user_ids: Sequence[uuid.UUID]) -> list[Conflict]:
    """Name the members of the panel and return what the rules of recusal only warn of.

    Raises
    ------
    InvalidInputError
        If they are too few, even in number, or no assessors of the organisation.
    ConflictOfInterestError
        If a rule of recusal refuses one of them; the message names the rule and the person.
    ConflictError
        If somebody has voted already.
    """
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    row = repository.lock_application(uow.session, key, actor=uow.actor)
    _require_review(row)
    known = dict(repository.list_experts(uow.session, row.organisation_id))
    chosen = list(dict.fromkeys(user_ids))
    _check_members(uow, row, chosen, known)
    before = repository.list_members(uow.session, key)
    if any(member.voted_at for member in before):
        raise ConflictError(N_("已有评委投票，不能再调整评委"))
    parties = [Party(CycleRole.ASSESSOR, one, known[one]) for one in chosen]
    warnings = conflicts.require_none(uow.session, row.organisation_id, parties, [applicant_party(row)])
    for member in before:
        uow.session.delete(member)
    uow.flush()  # a member may be named again
    for one in chosen:
        uow.add(
            SeniorPanelMember(
                organisation_id=row.organisation_id, senior_application_id=key, user_id=one, name=known[one][:100]
            )
        )
    facts = {"members": [known[one] for one in chosen], "warnings": [one.rule.rule_id for one in warnings]}
    note(uow, row, SeniorAct.PANEL, facts)
    return warnings


def _require_review(row: SeniorApplication) -> None:
    if row.state is not SeniorState.REVIEW:
        raise ConflictError(N_("只有评审中的申报可以这样做"))


def _check_members(
    uow: UnitOfWork, row: SeniorApplication, chosen: Sequence[uuid.UUID], known: dict[uuid.UUID, str]
) -> None:
    if any(one not in known for one in chosen):
        message = N_("评委须是本机构的考评员")
        raise InvalidInputError(message, fields={"members": [message]})
    values = profiles.values(uow.session, row.organisation_id)
    problem = rules.panel_problem(len(chosen), least=values[PANEL_LEAST], is_odd=values[PANEL_ODD])
    if problem is not None:
        message, numbers = problem
        raise InvalidInputError(message, least=numbers.get("least"), n=numbers["n"])


def vote(uow: UnitOfWork, key: uuid.UUID, *, is_for: bool | None, score: str, comment: str) -> SeniorPanelMember:
    """Keep the vote and score of a member; once given they stay.

    Raises
    ------
    NotFoundError
        If the actor is not on the panel.
    ConflictOfInterestError
        If a relation was declared since the panel was named.
    """
    require(uow.actor, Permission.SKILL_SCORE_WRITE)
    member = repository.find_member(uow.session, key, actor=uow.actor)
    if member is None:
        raise NotFoundError(repository.MISSING)
    row = repository.lock_application(uow.session, key, actor=uow.actor)
    uow.session.refresh(member)
    _require_review(row)
    if member.voted_at is not None:
        raise ConflictError(N_("您已投票，不能再改"))
    given = _score(score)
    fields: dict[str, list[str]] = {}
    if is_for is None:
        fields["vote"] = [N_("请选择同意或不同意")]
    if given is None:
        fields["score"] = [N_("请填写 0 至 100 的评分，最多两位小数")]
    if is_for is False and not comment.strip():
        fields["comment"] = [N_("不同意的请写明理由")]
    if fields or is_for is None or given is None:
        raise InvalidInputError(N_("请补齐评审意见"), fields=fields)
    party = Party(CycleRole.ASSESSOR, member.user_id, member.name)
    conflicts.require_none(uow.session, row.organisation_id, [party], [applicant_party(row)])
    member.vote, member.score, member.comment, member.voted_at = is_for, given, comment.strip()[:500], now()
    audit.record(uow, "senior.vote", "senior_application", key, after={"number": row.number})
    return member


def _score(text: str) -> Decimal | None:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    fits = number.is_finite() and 0 <= number <= 100
    exponent = number.as_tuple().exponent
    return number if fits and isinstance(exponent, int) and exponent >= -2 else None


def conclude(uow: UnitOfWork, key: uuid.UUID) -> PanelOutcome:
    """Count votes and scores once every member has voted; the rule that held is kept with the result."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    row = repository.lock_application(uow.session, key, actor=uow.actor)
    _require_review(row)
    members = repository.list_members(uow.session, key)
    waiting = [member.name for member in members if member.voted_at is None]
    if not members:
        raise ConflictError(N_("还没有确定评委"))
    if waiting:
        raise ConflictError(N_("还有 %(n)s 名评委没有投票：%(names)s"), n=len(waiting), names="、".join(waiting))
    values = profiles.values(uow.session, row.organisation_id)
    share, mark = str(values[rules.VOTE_SHARE]), Decimal(str(values[rules.PASS_MARK]))
    ballots = [Ballot(bool(member.vote), member.score or Decimal(0)) for member in members]
    outcome = rules.panel_outcome(ballots, share=share, pass_mark=mark)
    move(row, SeniorState.PASSED if outcome.is_passed else SeniorState.REFUSED)
    facts = {
        "n_for": outcome.n_for, "n_members": outcome.n_members, "mean": plain_number(outcome.mean), "share": share,
        "pass_mark": plain_number(mark), "is_passed": outcome.is_passed,
        "ballots": [[member.name, bool(member.vote), plain_number(member.score or Decimal(0))] for member in members],
    }  # fmt: skip
    note(uow, row, SeniorAct.DECIDED, facts)
    return outcome

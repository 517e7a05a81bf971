"""Panels for standard setting: set up, invite, open and close rounds, discuss, propose and confirm a conclusion."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from blueprints import repository_panels as repository
from blueprints.models import ExamForm
from blueprints.models_panels import PanelMember, PanelNote, PanelOutcome, PanelRound, StandardPanel
from blueprints.repository_panels import RoundRow
from blueprints.rules import panel_profile
from blueprints.rules.panel_results import round_result
from blueprints.rules.panels import PanelAct, PanelMethod, PanelStatus, after
from blueprints.rules.states import FormStatus
from blueprints.services import panel_items
from blueprints.services.bank import authors_of
from blueprints.services.panel_scores import scores_of_form
from blueprints.services.sealing import form_title
from kernel import audit, conflicts, profiles
from kernel.canonical import digest
from kernel.clock import now
from kernel.conflicts import CycleRole, Party
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.models import User
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

LONGEST_NAME = 120
LONGEST_TEXT = 4000
HUNDRED = Decimal(100)
OPEN_STATES = frozenset({PanelStatus.PREPARING, PanelStatus.RATING, PanelStatus.FEEDBACK})


@dataclass(frozen=True, slots=True)
class NewPanel:
    """What the leader of a panel decides before anybody is invited."""

    form_id: uuid.UUID
    method: PanelMethod
    name: str = ""
    borderline: str = ""
    asks_compromise: bool = False


def create_panel(uow: UnitOfWork, new: NewPanel) -> StandardPanel:
    """Set up a panel for an approved or sealed form; the booklet is kept as the form is now."""
    require(uow.actor, Permission.PANEL_MANAGE)
    borderline = _needed(new.borderline, "borderline", N_("请写明“最低合格者”的描述：恰好合格的人知道什么、会做什么"))
    form, slots = panel_items.form_slots(uow.session, uow.actor.organisation, new.form_id)
    if form.status not in (FormStatus.APPROVED, FormStatus.SEALED):
        raise ConflictError(N_("只能为已批准或已封存的试卷设定合格线"))
    panel = StandardPanel(
        organisation_id=form.organisation_id, exam_form_id=form.exam_form_id, standard_level_id=form.standard_level_id,
        name=(new.name.strip() or form_title(form))[:LONGEST_NAME], form_title=form_title(form),
        occupation_name=form.occupation_name, level_name=form.level_name, method=new.method,
        asks_compromise=new.asks_compromise, borderline=borderline, total_score=sum(one.score for one in slots),
        items_digest=panel_items.items_digest(slots), created_by=uow.actor.user_id, created_at=now(), updated_at=now(),
    )  # fmt: skip
    uow.add(panel)
    uow.flush()
    for item in panel_items.build_items(uow.session, form, slots, new.method):
        item.standard_panel_id = panel.standard_panel_id
        uow.add(item)
    _record(uow, panel, "create", {"form": str(form.exam_form_id), "method": new.method.value, "n_items": len(slots)})
    return panel


def invite(uow: UnitOfWork, panel_id: uuid.UUID, user_ids: Sequence[uuid.UUID]) -> list[PanelMember]:
    """Invite experts of the organisation; whom a rule of recusal refuses is named, nobody is invited then."""
    panel = _led(uow, panel_id)
    if panel.status not in OPEN_STATES:
        raise ConflictError(N_("专家组已经提出结论，不能再邀请专家"))
    if not user_ids:
        raise InvalidInputError(N_("请选择要邀请的专家"), fields={"users": [N_("请选择要邀请的专家")]})
    possible = {one.user_id: one for one in repository.list_possible_raters(uow.session, actor=uow.actor)}
    form = panel_items.form_slots(uow.session, panel.organisation_id, panel.exam_form_id)[0]
    everybody = repository.list_members(uow.session, panel_id, with_left=True)
    known, number = {one.user_id: one for one in everybody}, len(everybody)
    invited = []
    for user_id in dict.fromkeys(user_ids):
        expert = possible.get(user_id)
        if expert is None:
            raise NotFoundError(N_("所选人员不是本机构的专家，请重新选择"))
        warnings = _warnings(uow, panel, form, expert)
        number += user_id not in known
        member = known.get(user_id) or _place(uow, panel, expert, number)
        member.left_at, member.left_reason, member.warnings = None, "", warnings
        invited.append(member)
    uow.flush()
    for member in invited:
        _record(uow, panel, "invite", {"user": str(member.user_id), "warnings": member.warnings})
    return invited


def _warnings(uow: UnitOfWork, panel: StandardPanel, form: ExamForm, expert: User) -> list[str]:
    """Return the rules that only warn; raises for those that refuse, and for who leads the panel."""
    if expert.user_id == panel.created_by:
        raise ForbiddenError(N_("%(name)s 主持这个专家组，不能同时担任评定专家"), name=expert.name)
    return recusal_warnings(uow.session, panel, Party(CycleRole.RATER, expert.user_id, expert.name), form=form)


def recusal_warnings(
    session: Session, panel: StandardPanel, rater: Party, *, form: ExamForm | None = None
) -> list[str]:
    """Return the ids of rules of recusal that warn of a rater; raises ConflictOfInterestError for one that refuses."""
    others = conflicts.candidates_of_form(session, panel.organisation_id, panel.exam_form_id)
    if form is not None:
        authors = authors_of(session, panel_items.program(panel.organisation_id), form)
        others += [Party(CycleRole.AUTHOR, author) for author in authors]
    found = conflicts.require_none(session, panel.organisation_id, [rater], others)
    return sorted({one.rule.rule_id for one in found})


def _place(uow: UnitOfWork, panel: StandardPanel, expert: User, number: int) -> PanelMember:
    row = PanelMember(
        standard_panel_id=panel.standard_panel_id, user_id=expert.user_id, number=number, name=expert.name[:100],
        invited_by=uow.actor.user_id, invited_at=now(),
    )  # fmt: skip
    uow.add(row)
    return row


def remove_member(uow: UnitOfWork, panel_id: uuid.UUID, member_id: uuid.UUID, *, reason: str) -> None:
    """Let a rater go; judgements stay, but count no more in rounds that are still open."""
    panel = _led(uow, panel_id)
    reason = _needed(reason, "reason", N_("请写明该专家退出的原因"))
    row = next((m for m in repository.list_members(uow.session, panel_id) if m.panel_member_id == member_id), None)
    if row is None:
        raise NotFoundError(N_("该专家不在专家组中"))
    if panel.status not in OPEN_STATES:
        raise ConflictError(N_("专家组已经提出结论，成员不能再变动"))
    row.left_at, row.left_reason = now(), reason[:300]
    _record(uow, panel, "remove_member", {"user": str(row.user_id)}, reason=reason)


def open_round(uow: UnitOfWork, panel_id: uuid.UUID) -> PanelRound:
    """Open the next round of rating."""
    panel = _step(uow, panel_id, PanelAct.OPEN_ROUND)
    panel_items.check_unchanged(uow.session, panel)
    if not repository.list_members(uow.session, panel_id):
        raise ConflictError(N_("还没有评定专家，请先邀请"))
    number = len(repository.list_rounds(uow.session, panel_id)) + 1
    row = PanelRound(
        standard_panel_id=panel_id, number=number, opened_by=uow.actor.user_id, opened_at=now()
    )  # fmt: skip
    uow.add(row)
    _record(uow, panel, "open_round", {"round": number})
    return row


def current_round(session: Session, panel: StandardPanel) -> PanelRound:
    """Return the open round of a panel; raises ConflictError while none is open."""
    last = repository.list_rounds(session, panel.standard_panel_id)[-1:]
    if panel.status is not PanelStatus.RATING or not last or last[0].outcome is not None:
        raise ConflictError(N_("现在没有开放的评定轮次"))
    return last[0].round


def close_round(uow: UnitOfWork, panel_id: uuid.UUID, *, seen: int) -> PanelOutcome:
    """Close the open round for good and compute what it gave.

    `seen` is how many judgements the leader saw before confirming: one that came in between must be looked at first.
    """
    panel = repository.lock_panel(uow.session, panel_id, actor=uow.actor)
    require(uow.actor, Permission.PANEL_MANAGE)
    row = current_round(uow.session, panel)
    if repository.count_judgements(uow.session, row.panel_round_id) != seen:
        raise ConflictError(N_("确认期间又有新的评定，请重新查看本轮情况后再关闭"))
    panel.status, panel.updated_at = after(PanelAct.CLOSE_ROUND, panel.status), now()
    given = _numbered(uow.session, panel, row)
    marks = [mark for mark in [fixed_mark(uow.session, panel)] if mark is not None]
    scores = scores_of_form(uow.session, panel.organisation_id, panel.exam_form_id)
    result = round_result(panel_items.spec_of(uow.session, panel), given, scores, marks=marks)
    outcome = PanelOutcome(
        panel_round_id=row.panel_round_id, n_judgements=seen, result=result, closed_by=uow.actor.user_id,
        judgements_digest=digest({str(number): mine for number, mine in given.items()}), closed_at=now(),
    )  # fmt: skip
    uow.add(outcome)
    after_closing = {"round": row.number, "digest": outcome.judgements_digest, "n_raters": result["n_raters"]}
    _record(uow, panel, "close_round", after_closing)
    return outcome


def _numbered(session: Session, panel: StandardPanel, row: PanelRound) -> dict[int, Any]:
    """Return the judgements of the raters who are in the panel, by number."""
    found = repository.judgements_of(session, row.panel_round_id)
    members = repository.list_members(session, panel.standard_panel_id)
    return {one.number: repository.plain(found.get(one.panel_member_id, {})) for one in members}


def add_note(uow: UnitOfWork, panel_id: uuid.UUID, *, text: str, place: int = 0) -> PanelNote:
    """Add a note to the discussion after a round; it stands under the rater's number."""
    panel = repository.lock_panel(uow.session, panel_id, actor=uow.actor, for_rating=True)
    text = _needed(text, "text", N_("请写下要记录的意见"))
    if panel.status is not PanelStatus.FEEDBACK:
        raise ConflictError(N_("讨论意见在一轮评定关闭之后、下一轮开放之前记录"))
    member = repository.find_member(uow.session, panel_id, uow.actor.user_id)
    if member is None and not uow.actor.may(Permission.PANEL_MANAGE):
        raise ForbiddenError(N_("只有专家组成员和主持人记录讨论意见"))
    if not 0 <= place <= len(repository.list_items(uow.session, panel_id)):
        raise InvalidInputError(N_("试卷没有第 %(slot)s 题"), slot=place)
    last = repository.list_rounds(uow.session, panel_id)[-1]
    note = PanelNote(
        panel_round_id=last.round.panel_round_id, place=place, text=text[:LONGEST_TEXT],
        member_number=member.number if member else 0, written_by=uow.actor.user_id, written_at=now(),
    )  # fmt: skip
    uow.add(note)
    return note


def propose(uow: UnitOfWork, panel_id: uuid.UUID, *, conclusion: str) -> StandardPanel:
    """Propose the last round's cut, rounded by the rule profile, for a second person to confirm."""
    panel = _step(uow, panel_id, PanelAct.PROPOSE)
    conclusion = _needed(conclusion, "conclusion", N_("请写明结论及其依据"))
    last = repository.list_rounds(uow.session, panel_id)[-1]
    cut = cut_of(last)
    if cut is None:
        raise ConflictError(N_("最后一轮没有完整的评定，不能得出结论；请再开一轮"))
    values = profiles.values(uow.session, panel.organisation_id)
    unit, way = values[panel_profile.ROUNDING_UNIT.name], values[panel_profile.ROUNDING_WAY.name]
    panel.recommended = Decimal(str(panel_profile.rounded_cut(cut, unit, way)))
    panel.rounding, panel.conclusion = f"{unit} {way}", conclusion[:LONGEST_TEXT]
    panel.fixed_mark, panel.proposed_by = fixed_percent(uow.session, panel), uow.actor.user_id
    _record(uow, panel, "propose", {"round": last.round.number, "recommended": str(panel.recommended)})
    return panel


def return_conclusion(uow: UnitOfWork, panel_id: uuid.UUID, *, reason: str) -> StandardPanel:
    """Send a proposed conclusion back to the panel for a reason."""
    reason = _needed(reason, "reason", N_("请写明退回的原因"))
    panel = _second_person(uow, panel_id, PanelAct.RETURN)
    panel.recommended, panel.proposed_by = None, None
    _record(uow, panel, "return", {}, reason=reason)
    return panel


def conclude(uow: UnitOfWork, panel_id: uuid.UUID) -> StandardPanel:
    """Confirm a proposed conclusion as a second person; nothing of the panel changes afterwards."""
    panel = _second_person(uow, panel_id, PanelAct.CONCLUDE)
    panel.concluded_by, panel.concluded_at = uow.actor.user_id, now()
    _record(uow, panel, "conclude", {"recommended": str(panel.recommended)})
    return panel


def cancel(uow: UnitOfWork, panel_id: uuid.UUID, *, reason: str) -> StandardPanel:
    """End a panel without a conclusion; its judgements stay."""
    reason = _needed(reason, "reason", N_("请写明取消的原因"))
    panel = _step(uow, panel_id, PanelAct.CANCEL)
    _record(uow, panel, "cancel", {}, reason=reason)
    return panel


def why_not_second(session: Session, actor: Actor, panel: StandardPanel) -> ForbiddenError | None:
    """Return why this person may not confirm or return a proposed conclusion, or None."""
    if not repository.leads(actor):
        return ForbiddenError(N_("没有权限进行此操作，请联系本机构管理员"))
    if actor.user_id is None or actor.user_id == panel.proposed_by:
        return ForbiddenError(N_("结论须由第二人复核：您提出了这个结论"), error_code="own_work")
    if repository.find_member(session, panel.standard_panel_id, actor.user_id) is not None:
        return ForbiddenError(N_("结论须由没有参加评定的人复核"), error_code="own_work")
    return None


def _second_person(uow: UnitOfWork, panel_id: uuid.UUID, act: PanelAct) -> StandardPanel:
    panel = repository.lock_panel(uow.session, panel_id, actor=uow.actor)
    if refused := why_not_second(uow.session, uow.actor, panel):
        raise refused
    panel.status, panel.updated_at = after(act, panel.status), now()
    return panel


def fixed_percent(session: Session, panel: StandardPanel) -> Decimal | None:
    """Return the percentage at which the regulation lets candidates pass, or None where it leaves that open."""
    values = profiles.values(session, panel.organisation_id)
    if not values[panel_profile.MARK_IS_FIXED.name]:
        return None
    return Decimal(str(values.get(panel_profile.THEORY_MARK, panel_profile.USUAL_MARK)))


def fixed_mark(session: Session, panel: StandardPanel) -> float | None:
    """Return the same in marks of the panel's form."""
    percent = fixed_percent(session, panel)
    return None if percent is None else float(panel.total_score * percent / HUNDRED)


def is_thin(session: Session, panel: StandardPanel, result: Mapping[str, Any]) -> bool:
    """Say whether fewer raters finished than the rule profile holds to be enough."""
    least = profiles.value(session, panel.organisation_id, panel_profile.LEAST_RATERS.name)
    return int(result.get("n_raters", 0)) < int(least)


def cut_of(row: RoundRow) -> float | None:
    """Return the cut of a closed round, or None where nobody judged everything."""
    return None if row.outcome is None else row.outcome.result.get("cut")


def _led(uow: UnitOfWork, panel_id: uuid.UUID) -> StandardPanel:
    require(uow.actor, Permission.PANEL_MANAGE)
    panel = repository.lock_panel(uow.session, panel_id, actor=uow.actor)
    panel.updated_at = now()
    return panel


def _step(uow: UnitOfWork, panel_id: uuid.UUID, act: PanelAct) -> StandardPanel:
    panel = _led(uow, panel_id)
    panel.status = after(act, panel.status)
    return panel


def _record(
    uow: UnitOfWork, panel: StandardPanel, act: str, details: dict[str, Any], *, reason: str | None = None
) -> None:
    after_act = {"status": panel.status.value, **details}
    audit.record(uow, f"panel.{act}", "standard_panel", panel.standard_panel_id, after=after_act, reason=reason)


def _needed(text: str, name: str, message: str) -> str:
    if not text.strip():
        raise InvalidInputError(message, fields={name: [message]})
    return text.strip()

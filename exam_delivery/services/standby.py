"""Giving a standby form: one person proposes with a reason, another carries it out.

Who has begun keeps the own form, unless the switch says that they begin anew (see `restarting`).
A switch renders the standby form anew for everybody concerned who waits. A page that holds the old form sealed cannot open it with
the new key and fetches the new one at the start, so nobody has to reload anything.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exam_delivery.models import Attempt, AttemptStatus, ExamRoom, ExamSession, FormSwitch, SwitchedForm
from exam_delivery.repository import accommodations, planning
from exam_delivery.repository import standby as repository
from exam_delivery.rules.standby import MAX_MINUTES, SWITCH_REASON_LABELS, SWITCHABLE, SwitchReason, SwitchState
from exam_delivery.services import draw_commitments, forms, preparation, restarting, scopes
from exam_delivery.services.room_acts import note_act
from kernel import audit
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

PROPOSERS = (Permission.SESSION_CONTROL, Permission.SESSION_WRITE)


@dataclass(frozen=True, slots=True)
class StandbyView:
    """The standby forms of a session and the switches to them."""

    session: ExamSession
    forms: Sequence[tuple[str, str]]
    to_open: Sequence[str]
    rooms: Sequence[tuple[uuid.UUID, str]]
    rows: Sequence[tuple[FormSwitch, str, str, ExamRoom | None]]
    counts: dict[uuid.UUID, dict[str, int]]
    begun: Mapping[uuid.UUID, Sequence[restarting.Begun]]


@dataclass(frozen=True, slots=True)
class SwitchPlan:
    """Which standby form, why, and for whom: one candidate by number, else one room, else the whole session."""

    form_id: str
    reason: str
    note: str = ""
    admission_number: str = ""
    exam_room_id: uuid.UUID | None = None
    restarts: bool = False
    includes_submitted: bool = False
    minutes: str = ""


def view_standby(session: Session, actor: Actor, exam_session_id: uuid.UUID) -> StandbyView:
    """Return the standby forms of a session with their titles, and what was proposed and done."""
    _require_proposer(actor)
    row = planning.get_session(session, exam_session_id, actor=actor)
    titles = {str(key): form.title for key, form in forms.titles(session, row.organisation_id).items()}
    known = [(one, titles.get(one, one[:8])) for one in _available(session, row)]
    rows = repository.list_switches(session, exam_session_id, actor=actor)
    counts = {
        one[0].form_switch_id: repository.count_in_scope(session, one[0])
        for one in rows
        if one[0].state is SwitchState.PROPOSED
    }
    begun = {
        one[0].form_switch_id: restarting.find_begun(session, one[0])
        for one in rows
        if one[0].form_switch_id in counts and one[0].restarts
    }
    rooms = [
        (room.exam_room_id, f"{room.site} {room.name}")
        for _used, room in planning.rooms_of_session(session, exam_session_id, actor=actor)
    ]
    return StandbyView(row, known, forms.standby_to_open(session, actor, row), rooms, rows, counts, begun)


def _require_proposer(actor: Actor) -> None:
    if not any(actor.may(one) for one in PROPOSERS):
        raise ForbiddenError(N_("没有权限进行此操作，请联系本机构管理员"))


def _available(session: Session, row: ExamSession) -> list[str]:
    """Return the standby forms that may be given: those in reserve, then those that somebody was given already."""
    given = repository.given_standbys(session, row.exam_session_id)
    return [*row.standby_form_ids, *sorted(given - set(row.standby_form_ids))]


def propose(uow: UnitOfWork, exam_session_id: uuid.UUID, plan: SwitchPlan) -> FormSwitch:
    """Propose to give a standby form; another person carries it out.

    Raises
    ------
    InvalidInputError
        With what to mend, by field.
    ConflictError
        If the session is not prepared or over, or another switch waits for a decision.
    """
    _require_proposer(uow.actor)
    row = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    _check_switchable(row)
    if repository.has_open_switch(uow.session, exam_session_id):
        raise ConflictError(N_("已有一次换卷等待批准，请先处理"))
    _check(plan, _available(uow.session, row))
    person = scopes.find_person(uow, exam_session_id, plan.admission_number)
    switch = FormSwitch(
        form_switch_id=new_id(), organisation_id=row.organisation_id, exam_session_id=exam_session_id,
        registration_id=person, exam_room_id=None if person else scopes.check_room(uow, row, plan.exam_room_id),
        form_id=uuid.UUID(plan.form_id), reason=SwitchReason(plan.reason), note=plan.note.strip()[:300],
        restarts=plan.restarts, includes_submitted=plan.restarts and plan.includes_submitted,
        minutes=int(plan.minutes) if plan.restarts and plan.minutes else None,
        proposed_by=uow.actor.user_id, proposed_by_name=uow.actor.name[:100], proposed_at=now(),
    )  # fmt: skip
    uow.add(switch)
    _record(uow, "propose", switch)
    return switch


def _check_switchable(row: ExamSession) -> None:
    if row.cancelled_at or row.status not in SWITCHABLE:
        raise ConflictError(N_("备考以后、考试结束以前才能换用备用卷；备考以前请直接编辑场次的试卷"))


def _check(plan: SwitchPlan, available: Sequence[str]) -> None:
    problems: dict[str, list[str]] = {}
    if plan.form_id not in available:
        problems["form_id"] = [N_("请选择本场次的备用卷")]
    if plan.reason not in set(SwitchReason):
        problems["reason"] = [N_("请选择原因")]
    elif plan.reason == SwitchReason.OTHER and not plan.note.strip():
        problems["note"] = [N_("请写明原因")]
    if plan.restarts and plan.minutes and not (plan.minutes.isdecimal() and 1 <= int(plan.minutes) <= MAX_MINUTES):
        problems["minutes"] = [N_("请填写 1–480 分钟，或留空给全部时间")]
    if problems:
        raise InvalidInputError(N_("请改正标出的内容"), fields=problems)


def decide(uow: UnitOfWork, exam_session_id: uuid.UUID, form_switch_id: uuid.UUID, wanted: SwitchState) -> FormSwitch:
    """Carry out or refuse what another person proposed, or take back an own proposal.

    Raises
    ------
    ForbiddenError
        If the actor proposed it, or has no command over the session.
    ConflictError
        If it is decided already, or nobody is left who has not begun.
    """
    _require_proposer(uow.actor)
    row = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    switch = repository.get_switch(uow.session, form_switch_id, actor=uow.actor)
    scopes.require_decider(
        uow.actor, switch.proposed_by, withdraws=wanted is SwitchState.WITHDRAWN,
        refusal=N_("自己提出的换卷须由另一人批准"),
    )  # fmt: skip
    if switch.state is not SwitchState.PROPOSED or switch.exam_session_id != exam_session_id:
        raise ConflictError(N_("这次换卷已经处理过，请刷新后再看"))
    if wanted is SwitchState.DONE:
        _carry_out(uow, row, switch)
    switch.state = wanted
    switch.decided_by, switch.decided_by_name, switch.decided_at = uow.actor.user_id, uow.actor.name[:100], now()
    _record(uow, wanted.value, switch)
    return switch


def _carry_out(uow: UnitOfWork, row: ExamSession, switch: FormSwitch) -> None:
    _check_switchable(row)
    form_id, concerned = str(switch.form_id), repository.lock_scope(uow.session, switch)
    waiting = [attempt for attempt in concerned if attempt.status is AttemptStatus.WAITING]
    text = f"{SWITCH_REASON_LABELS[switch.reason]} {switch.note}".strip()
    switch.n_restarted = restarting.restart(uow, row, switch, concerned, text)
    if not waiting and not switch.n_restarted:
        raise ConflictError(N_("所选范围内没有还没开始作答的考生，不能换卷"))
    if waiting:
        _give(uow, row, switch, waiting, text)
    switch.n_switched, switch.n_kept = len(waiting), len(concerned) - len(waiting) - switch.n_restarted
    row.standby_form_ids = [one for one in row.standby_form_ids if one != form_id]
    row.form_ids = [*row.form_ids, *({form_id} - set(row.form_ids))]
    draw_commitments.note_given(uow, row, form_id, SWITCH_REASON_LABELS[switch.reason])


def _give(uow: UnitOfWork, row: ExamSession, switch: FormSwitch, waiting: Sequence[Attempt], text: str) -> None:
    """Render the standby form for those who wait, in the place of theirs."""
    form_id = str(switch.form_id)
    plan = preparation.plan_for_form(uow, row, form_id)
    people = repository.load_people(uow.session, waiting)
    granted = accommodations.load_current(uow.session, [entry[2].candidate_id for entry, _f in people], actor=uow.actor)
    for (attempt, registration, candidate, room), rendered in people:
        uow.add(
            SwitchedForm(
                form_switch_id=switch.form_switch_id, attempt_id=attempt.attempt_id,
                previous_form_id=attempt.form_id, previous_seed=attempt.seed, previous_digest=rendered.digest,
            )
        )  # fmt: skip
        made = preparation.render_one(
            plan, form_id, (registration, candidate, room), attempt.duration_seconds,
            granted.get(candidate.candidate_id),
        )  # fmt: skip
        attempt.form_id, attempt.seed, attempt.layout, attempt.n_slots = (
            switch.form_id,
            made.seed,
            made.layout,
            made.n_slots,
        )
        rendered.body, rendered.digest = made.body, made.digest
        note_act(uow, attempt, "form_switch", text, now())


def _record(uow: UnitOfWork, act: str, switch: FormSwitch) -> None:
    after = {
        "exam_session_id": str(switch.exam_session_id), "form_id": str(switch.form_id),
        "registration_id": str(switch.registration_id) if switch.registration_id else None,
        "exam_room_id": str(switch.exam_room_id) if switch.exam_room_id else None,
        "switched": switch.n_switched, "restarted": switch.n_restarted, "kept": switch.n_kept,
        "restarts": switch.restarts, "includes_submitted": switch.includes_submitted, "minutes": switch.minutes,
    }  # fmt: skip
    audit.record(
        uow, f"form_switch.{act}", "form_switch", switch.form_switch_id, after=after, reason=switch.reason.value
    )

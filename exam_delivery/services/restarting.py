"""Beginning anew on a standby form: the old attempt is handed in and voided with all it holds, a new one counts instead.

Nothing of the old attempt is changed or deleted: answers, times, form and receipt stay, and answers that its page still sends are
kept there as late. It belongs to no registration any more, so nothing that goes by candidates (scores, lists, statistics, signing
in) finds it; whose it was stands in `voided_attempts`. The candidate signs in as before and gets the new attempt.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from exam_delivery.models import (
    Accommodation,
    Attempt,
    AttemptStatus,
    ExamSession,
    FormSwitch,
    SubmitKind,
    VoidedAttempt,
)
from exam_delivery.repository import accommodations, attempts_planning
from exam_delivery.repository import standby as repository
from exam_delivery.rules.standby import RESTART_WITHIN, TITLE_MARK, restart_times, voided_receipt
from exam_delivery.services import preparation
from exam_delivery.services.attempts import hand_in
from exam_delivery.services.preparation import Entry, Preparation
from exam_delivery.services.room_acts import make_incident
from kernel import audit, profiles
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.uow import UnitOfWork

NO_TIME = timedelta(0)


@dataclass(frozen=True, slots=True)
class Begun:
    """Somebody in the scope of a switch who has begun, with what a restart takes from them."""

    name: str
    admission_number: str
    place: str
    n_answered: int
    n_slots: int
    minutes_used: int
    minutes_left: int
    is_submitted: bool
    is_concerned: bool


def find_begun(session: Session, switch: FormSwitch) -> list[Begun]:
    """Return who has begun in the scope of a switch, and whether a restart would concern them."""
    at = now()
    return [_begun(switch, at, entry) for entry in repository.begun_in_scope(session, switch)]


def _begun(switch: FormSwitch, at: datetime, entry: repository.BegunEntry) -> Begun:
    attempt, name, number, room, seat = entry
    end = attempt.submitted_at or attempt.paused_at or at
    used = end - (attempt.started_at or end)
    left = NO_TIME if attempt.submitted_at else (attempt.deadline_at or attempt.ends_at) - end
    place = f"{room} {seat:02d}" if room and seat else room or ""
    return Begun(
        name, number or "", place, attempt.n_answered, attempt.n_slots, _minutes(used), _minutes(left),
        attempt.submitted_at is not None, is_concerned(switch, attempt),
    )  # fmt: skip


def _minutes(span: timedelta) -> int:
    return max(0, int(span.total_seconds() // 60))


def is_concerned(switch: FormSwitch, attempt: Attempt) -> bool:
    """Say whether somebody who has begun begins anew."""
    if attempt.status is AttemptStatus.IN_PROGRESS:
        return switch.restarts
    return switch.restarts and switch.includes_submitted and attempt.status is AttemptStatus.SUBMITTED


def restart(uow: UnitOfWork, row: ExamSession, switch: FormSwitch, locked: Sequence[Attempt], text: str) -> int:
    """Void the attempts that a switch concerns and give new ones; return how many. The attempts come locked."""
    keys = {entry[0].attempt_id for entry in repository.begun_in_scope(uow.session, switch)}
    old = [attempt for attempt in locked if attempt.attempt_id in keys and is_concerned(switch, attempt)]
    if not old:
        return 0
    at = now()
    had_handed_in = {one.attempt_id for one in old if one.status is AttemptStatus.SUBMITTED}
    hand_in(uow, [one for one in old if one.attempt_id not in had_handed_in], SubmitKind.FORCED, at)
    made = _make(uow, row, switch, old, at)
    numbers = [(attempt, attempt.registration_id, made[attempt.registration_id]) for attempt in old]
    for attempt, _owner, _new in numbers:
        attempt.receipt = voided_receipt(attempt.receipt or {}, at)
        attempt.registration_id = None  # type: ignore[assignment]  # only here: see the column's comment
    uow.flush()  # a registration has one attempt at most
    attempts_planning.add_attempts(
        uow.session, [new for _a, _o, (new, _f) in numbers], [f for _a, _o, (_n, f) in numbers]
    )
    for attempt, owner, (new, _form) in numbers:
        voided = VoidedAttempt(
            attempt_id=attempt.attempt_id, organisation_id=attempt.organisation_id, registration_id=owner,
            next_attempt_id=new["attempt_id"], form_switch_id=switch.form_switch_id,
            had_handed_in=attempt.attempt_id in had_handed_in, voided_by=uow.actor.user_id,
            voided_by_name=uow.actor.name[:100], voided_at=at,
        )  # fmt: skip
        _keep(uow, switch, attempt, voided)
        for kind, key in (("void", attempt.attempt_id), ("restart", new["attempt_id"])):
            uow.add(make_incident(uow, row.exam_session_id, key, kind=kind, text=text, at=at))
    return len(old)


Made = tuple[dict[str, Any], dict[str, Any]]


def _make(
    uow: UnitOfWork, row: ExamSession, switch: FormSwitch, old: Sequence[Attempt], at: datetime
) -> dict[uuid.UUID, Made]:
    """Return the rows of new attempts and of their forms, by registration."""
    plan = preparation.plan_for_form(uow, row, str(switch.form_id), mark=TITLE_MARK)
    people = repository.load_people(uow.session, old)
    if len(people) != len(old):
        raise ConflictError(N_("有考生的试卷不完整，不能换卷重考，请联系系统管理员"))
    granted = accommodations.load_current(uow.session, [entry[2].candidate_id for entry, _f in people], actor=uow.actor)
    within = int(profiles.value(uow.session, row.organisation_id, RESTART_WITHIN))
    seconds = switch.minutes * 60 if switch.minutes else row.duration_seconds
    return {
        registration.registration_id: _new_rows(
            plan, attempt, (registration, candidate, room), granted.get(candidate.candidate_id),
            restart_times(at, within, seconds, registration.time_factor),
        )
        for (attempt, registration, candidate, room), _form in people
    }  # fmt: skip


def _new_rows(
    plan: Preparation, old: Attempt, entry: Entry, granted: Accommodation | None, times: dict[str, Any]
) -> Made:
    row, key, form_id = plan.row, new_id(), next(iter(plan.deliveries))
    made = preparation.render_one(plan, form_id, entry, times["duration_seconds"], granted)
    attempt = {
        "attempt_id": key, "organisation_id": row.organisation_id, "exam_session_id": row.exam_session_id,
        "registration_id": old.registration_id, "form_id": uuid.UUID(form_id), "seed": made.seed, "layout": made.layout,
        "n_slots": made.n_slots, "status": AttemptStatus.WAITING, "holder_generation": 0, "n_answered": 0, "device": "",
        "grace_seconds": old.grace_seconds, "opens_at": old.opens_at, "starts_at": old.starts_at,
        "earliest_submit_seconds": old.earliest_submit_seconds, **times,
    }  # fmt: skip
    return attempt, {"attempt_id": key, "body": made.body, "digest": made.digest}


def _keep(uow: UnitOfWork, switch: FormSwitch, attempt: Attempt, voided: VoidedAttempt) -> None:
    uow.add(voided)
    receipt = attempt.receipt or {}
    after = {
        "registration_id": str(voided.registration_id), "next_attempt_id": str(voided.next_attempt_id),
        "form_id": str(attempt.form_id), "n_answers": receipt.get("n_answers"), "digest": receipt.get("digest"),
        "had_handed_in": voided.had_handed_in,
    }  # fmt: skip
    audit.record(uow, "attempt.void", "attempt", attempt.attempt_id, after=after, reason=switch.reason.value)

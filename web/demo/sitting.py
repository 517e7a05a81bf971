"""Simulated candidates: they answer by ability and difficulty, so that scores and item figures have something to show."""

from __future__ import annotations

import datetime as dt
import json
import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select

from exam_delivery.models import (
    Attempt,
    AttemptStatus,
    ExamSession,
    Registration,
    ResponseEvent,
    ResponseState,
    SubmitKind,
)
from exam_delivery.repository.scores import load_responses
from exam_delivery.rules.receipts import make_receipt
from exam_delivery.services import forms
from item_templates.canonical import content_from_json
from item_templates.contract import ItemContent, Json
from kernel.clock import now
from kernel.identity.permissions import Role
from kernel.uow import UnitOfWork, unit_of_work
from web.demo.answers import answer
from web.demo.people import Staff

SEED = 20261122
N_ABSENT = 3
MEAN_ABILITY, SPREAD = 1.1, 0.9
COPIER, COPIED_SHARE, COPIED_ABILITY = 20, 0.9, -0.2
"""The candidate in this place answers mostly as the one before on the same form does, so that the leads have one to show."""

TABLET_EVERY = 5
COMPUTER = "192.0.2.10 Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/130.0"
TABLET = "192.0.2.11 Mozilla/5.0 (Linux; Android 14; Pad) Chrome/130.0"
"""One in five sits on a tablet, so that reports show figures by device, and one for which there are not enough data."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """What the people of a session are like: how able, whether one copies, and who is cut off half-way (by place)."""

    ability: float = MEAN_ABILITY
    has_copier: bool = True
    cut_off: int | None = None


USUAL = Crowd()


def sit(staff: Staff, row: ExamSession, crowd: Crowd = USUAL) -> None:
    """Let all but the last few candidates of a session answer and hand in, at times inside the session."""
    chance = random.Random(SEED)  # noqa: S311 - a reproducible show, no secret
    officer = staff.actor(Role.EXAM_OFFICER)
    with unit_of_work(officer) as uow:
        entries = _attempts(uow, row)
        keys = {str(form_id): _contents(uow, staff, form_id) for form_id in row.form_ids}
        present = entries[: len(entries) - N_ABSENT]
        forms_given = [str(attempt.form_id) for attempt, _number in present]
        source = _place_before(forms_given, COPIER) if crowd.has_copier else None
        given: list[dict[int, Json]] = []
        for place, (attempt, number) in enumerate(present):
            ability = COPIED_ABILITY if place == source else chance.gauss(crowd.ability, SPREAD)
            contents = keys[str(attempt.form_id)]
            responses = {slot: answer(content, ability, chance) for slot, content in contents.items()}
            if place == COPIER and source is not None:
                responses |= {slot: one for slot, one in given[source].items() if chance.random() < COPIED_SHARE}
            given.append(responses)
            _begin(attempt, row, chance)
            attempt.device = TABLET if place % TABLET_EVERY == 0 else COMPUTER
            if place == crowd.cut_off:
                _keep(uow, attempt, _first_half(responses), chance)
                continue
            _keep(uow, attempt, responses, chance)
            _hand_in(attempt, number, responses, chance)


def go_on(staff: Staff, row: ExamSession) -> None:
    """Let who was cut off answer the rest and hand in, after the session was opened again."""
    chance = random.Random(SEED)  # noqa: S311 - a reproducible show, no secret
    with unit_of_work(staff.actor(Role.EXAM_OFFICER)) as uow:
        for attempt, number in _attempts(uow, row):
            if attempt.status is not AttemptStatus.IN_PROGRESS:
                continue
            stored = load_responses(uow.session, [attempt.attempt_id])[attempt.attempt_id]
            known = {slot: json.loads(text) for slot, text in stored.items()}
            contents = _contents(uow, staff, attempt.form_id)
            rest = {slot: answer(one, MEAN_ABILITY, chance) for slot, one in contents.items() if slot not in known}
            attempt.last_contact_at = now()
            _keep(uow, attempt, rest, chance, n_before=len(known))
            _hand_in(attempt, number, known | rest, chance)


def _first_half(responses: Mapping[int, Json]) -> dict[int, Json]:
    return {slot: responses[slot] for slot in sorted(responses)[: len(responses) // 2]}


def _place_before(forms_given: Sequence[str], place: int) -> int | None:
    """Return the nearest earlier place that has the same form."""
    if place >= len(forms_given):
        return None
    return next((one for one in reversed(range(place)) if forms_given[one] == forms_given[place]), None)


def _attempts(uow: UnitOfWork, row: ExamSession) -> Sequence[tuple[Attempt, str]]:
    query = (
        select(Attempt, Registration.admission_number)
        .join(Registration, Registration.registration_id == Attempt.registration_id)
        .where(Attempt.exam_session_id == row.exam_session_id)
        .order_by(Registration.admission_number)
    )
    return [(attempt, number or "") for attempt, number in uow.session.execute(query)]


def _contents(uow: UnitOfWork, staff: Staff, form_id: Any) -> dict[int, ItemContent]:
    scoring = forms.open_scoring(uow.session, staff.organisation.organisation_id, uuid.UUID(str(form_id)))
    return {one["slot"]: content_from_json(one["content"]) for one in scoring["slots"]}


def _begin(attempt: Attempt, row: ExamSession, chance: random.Random) -> None:
    started = row.starts_at + dt.timedelta(seconds=chance.randint(5, 90))
    attempt.started_at, attempt.deadline_at = started, min(started + dt.timedelta(minutes=90), row.ends_at)
    attempt.status, attempt.holder_generation, attempt.signed_in_at = AttemptStatus.IN_PROGRESS, 1, row.opens_at
    attempt.last_contact_at = started


def _keep(
    uow: UnitOfWork, attempt: Attempt, responses: Mapping[int, Json], chance: random.Random, *, n_before: int = 0
) -> None:
    moment, events, states = attempt.last_contact_at or now(), [], []
    for seq, slot in enumerate(sorted(responses), start=n_before + 1):
        moment += dt.timedelta(seconds=chance.randint(10, 50))
        body = {"attempt_id": attempt.attempt_id, "slot": slot, "seq": seq, "received_at": moment}
        text = json.dumps(responses[slot], ensure_ascii=False, separators=(",", ":"))
        events.append(body | {"response": text, "client_time": "", "generation": 1, "is_late": False})
        states.append(body | {"response": text})
    uow.session.execute(insert(ResponseEvent), events)
    uow.session.execute(insert(ResponseState), states)
    attempt.last_contact_at, attempt.n_answered = moment, n_before + len(responses)


def _hand_in(attempt: Attempt, number: str, responses: Mapping[int, Json], chance: random.Random) -> None:
    last = attempt.last_contact_at or now()
    at = min(last + dt.timedelta(seconds=chance.randint(20, 300)), attempt.ends_at)
    attempt.status, attempt.submit_kind, attempt.submitted_at = AttemptStatus.SUBMITTED, SubmitKind.CANDIDATE, at
    attempt.receipt = make_receipt(responses, number, at)

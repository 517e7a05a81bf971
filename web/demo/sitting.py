"""Simulated candidates: they answer by ability and difficulty, so that scores and item figures have something to show."""

from __future__ import annotations

import datetime as dt
import json
import math
import random
import uuid
from collections.abc import Mapping, Sequence
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
from exam_delivery.rules.receipts import make_receipt
from exam_delivery.services import forms
from item_templates.canonical import content_from_json
from item_templates.contract import Interaction, ItemContent, Json
from item_templates.registry import get
from kernel.identity.permissions import Role
from kernel.uow import UnitOfWork, unit_of_work
from web.demo.people import Staff

SEED = 20261122
N_ABSENT = 3
MEAN_ABILITY, SPREAD, GUESSING = 1.1, 0.9, 0.2
SLOPE, HARDNESS_SPREAD = 1.0, 0.8


def sit(staff: Staff, row: ExamSession) -> None:
    """Let all but the last few candidates of a session answer and hand in, at times inside the session."""
    chance = random.Random(SEED)  # noqa: S311 - a reproducible show, no secret
    officer = staff.actor(Role.EXAM_OFFICER)
    with unit_of_work(officer) as uow:
        entries = _attempts(uow, row)
        keys = {str(form_id): _contents(uow, staff, form_id) for form_id in row.form_ids}
        for attempt, number in entries[: len(entries) - N_ABSENT]:
            ability = chance.gauss(MEAN_ABILITY, SPREAD)
            contents = keys[str(attempt.form_id)]
            responses = {slot: answer(content, ability, chance) for slot, content in contents.items()}
            _keep(uow, attempt, responses, chance, row)
            _hand_in(attempt, number, responses, row, chance)


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


def answer(content: ItemContent, ability: float, chance: random.Random) -> list[Json]:
    """Return the answer of somebody with an ability: right with the probability of a guessing model."""
    hardness = random.Random(content.stem).gauss(0, HARDNESS_SPREAD)  # noqa: S311 - the same item is as hard for all
    share = 1 / (1 + math.exp(-SLOPE * (ability - hardness)))
    is_right = chance.random() < GUESSING + (1 - GUESSING) * share
    interaction = get(content.type).interaction
    if interaction is Interaction.TRUE_FALSE:
        return ["true" if content.key is is_right else "false"]
    if interaction is Interaction.CHOICE:
        return _choice(content, chance, is_right=is_right)
    if interaction is Interaction.TEXT_ENTRY:
        return [blank[0] if is_right or chance.random() < share else "不清楚" for blank in content.key]
    return [_text(content, share, chance)]


def _choice(content: ItemContent, chance: random.Random, *, is_right: bool) -> list[Json]:
    keys = [content.key] if isinstance(content.key, str) else list(content.key)
    if is_right:
        return list(keys)
    others = [choice.id for choice in content.choices if choice.id not in keys]
    if isinstance(content.key, str):
        return [chance.choice(others)]
    return sorted({*keys[:-1], *others[:1]})


def _text(content: ItemContent, share: float, chance: random.Random) -> str:
    known = [str(point["text"]) for point in content.rubric if chance.random() < share]
    return "；".join(known) or "记不清了。"


def _keep(
    uow: UnitOfWork, attempt: Attempt, responses: Mapping[int, Json], chance: random.Random, row: ExamSession
) -> None:
    started = row.starts_at + dt.timedelta(seconds=chance.randint(5, 90))
    attempt.started_at, attempt.deadline_at = started, min(started + dt.timedelta(minutes=90), row.ends_at)
    moment, events, states = started, [], []
    for seq, slot in enumerate(sorted(responses), start=1):
        moment += dt.timedelta(seconds=chance.randint(10, 50))
        body = {"attempt_id": attempt.attempt_id, "slot": slot, "seq": seq, "received_at": moment}
        text = json.dumps(responses[slot], ensure_ascii=False, separators=(",", ":"))
        events.append(body | {"response": text, "client_time": "", "generation": 1, "is_late": False})
        states.append(body | {"response": text})
    uow.session.execute(insert(ResponseEvent), events)
    uow.session.execute(insert(ResponseState), states)
    attempt.last_contact_at = moment


def _hand_in(
    attempt: Attempt, number: str, responses: Mapping[int, Json], row: ExamSession, chance: random.Random
) -> None:
    at = min((attempt.last_contact_at or row.starts_at) + dt.timedelta(seconds=chance.randint(20, 300)), row.ends_at)
    attempt.status, attempt.submit_kind, attempt.submitted_at = AttemptStatus.SUBMITTED, SubmitKind.CANDIDATE, at
    attempt.n_answered, attempt.holder_generation, attempt.signed_in_at = len(responses), 1, row.opens_at
    attempt.receipt = make_receipt(responses, number, at)

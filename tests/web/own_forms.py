"""A session in which every candidate sits a form of their own, drawn from a small bank; the sealed part stands in."""

from __future__ import annotations

import uuid
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np

from blueprints.public import SealedForm
from exam_delivery.models import Attempt, AttemptStatus, ResponseState
from exam_delivery.rules.receipts import make_receipt
from exam_delivery.services import batches, sessions
from exam_delivery.services.batches import RoomPlan
from item_templates.canonical import content_to_json
from kernel.clock import now
from kernel.db import db
from kernel.identity.actor import system_actor
from kernel.uow import unit_of_work
from qbank import public as qbank
from tests.blueprints.bank_cases import Bank
from tests.exam_delivery.world import OCCUPATION, SealedForms, World

N_CANDIDATES, LENGTH = 64, 16
SET_ID, SET_NAME = uuid.UUID(int=77), "第一批一人一卷"
MISKEYED = 3
"""Place in the pool of the item whose key is wrong."""


class OwnForms(SealedForms):
    """As many forms of one set as candidates, each with its own items."""

    def __init__(self, bank: Bank, seed: int = 1, n_forms: int = N_CANDIDATES, length: int = LENGTH) -> None:
        super().__init__(bank.organisation_id)
        rng = np.random.default_rng(seed)
        actor = system_actor(bank.organisation_id)
        pool = [
            one
            for one in qbank.load_pool(db.session(), actor, bank.standard_level_id)
            if one.type in {"single_choice", "true_false"}
        ]
        frozen = qbank.load_contents(db.session(), actor, [one.item_version_id for one in pool])
        self.pool = [(one.item_version_id, frozen[one.item_version_id].content) for one in pool]
        self.pool.sort(key=lambda one: (one[1].type, one[1].stem))
        self.form_ids = [str(uuid.UUID(int=1000 + n)) for n in range(n_forms)]
        drawn = [sorted(rng.permutation(len(self.pool))[:length].tolist()) for _ in self.form_ids]
        self.drawn = dict(zip(self.form_ids, drawn, strict=True))
        self.length = length
        self.level_id = bank.standard_level_id

    def slots(self, form_id: Any) -> list[dict[str, Any]]:
        return [content_to_json(self.pool[place][1]) | {"score": "1"} for place in self.drawn[str(form_id)]]

    def list_sealed_forms(self, session: Any, actor: Any, *, standard_level_id: Any = None) -> list[SealedForm]:
        return [
            SealedForm(
                uuid.UUID(key), uuid.uuid4(), f"一人一卷（{number:04d}卷）", f"{number:04d}", "6-31-01-03", OCCUPATION, "4",
                "四级/中级工", self.level_id, Decimal(self.length), self.length, 90, "0" * 64,
            )
            for number, key in enumerate(self.form_ids, 1)
        ]  # fmt: skip

    def open_delivery(self, where: Any, actor: Any, form_id: uuid.UUID) -> dict[str, Any]:
        self.contents = self.slots(form_id)
        return super().open_delivery(where, actor, form_id) | {"total_score": str(self.length)}

    def open_scoring(self, where: Any, actor: Any, form_id: uuid.UUID) -> dict[str, Any]:
        self.contents = self.slots(form_id)
        document = super().open_scoring(where, actor, form_id)
        for slot, place in zip(document["slots"], self.drawn[str(form_id)], strict=True):
            slot["item_version_id"] = str(self.pool[place][0])
        return document

    def as_sets(self) -> SimpleNamespace:
        """Return what stands in for `blueprints.public_sets`."""

        def sets_of_forms(session: Any, actor: Any, form_ids: Any) -> dict[uuid.UUID, tuple[uuid.UUID, str]]:
            return dict.fromkeys(form_ids, (SET_ID, SET_NAME))

        def open_scorings(session: Any, actor: Any, form_ids: Any) -> Any:
            return [(key, self.open_scoring(session, actor, key)) for key in form_ids]

        return SimpleNamespace(sets_of_forms=sets_of_forms, open_scorings=open_scorings)

    def answers(self, form_id: uuid.UUID, theta: float, rng: np.random.Generator) -> dict[int, str]:
        """Return what somebody of an ability answers; whoever knows the miskeyed item chooses the option after the key."""
        found = {}
        for slot, place in enumerate(self.drawn[str(form_id)], 1):
            content = self.pool[place][1]
            is_right = bool(rng.random() < 1 / (1 + np.exp(-2.2 * theta - 0.4)))
            if content.type == "true_false":
                found[slot] = f'["{str(bool(content.key) == is_right).lower()}"]'
                continue
            letter = content.key if is_right else "ABCD"[(("ABCD".index(content.key)) + 2) % 4]
            if place == MISKEYED:
                letter = "ABCD"[(("ABCD".index(content.key)) + 1) % 4] if is_right else content.key
            found[slot] = f'["{letter}"]'
        return found


def sat(world: World, forms: OwnForms, *, seed: int = 2) -> None:
    """Let everybody answer and hand in."""
    rng = np.random.default_rng(seed)
    moment = now()
    with unit_of_work(world.officer) as uow:
        for attempt in uow.session.query(Attempt).filter_by(exam_session_id=world.key).order_by(Attempt.form_id):
            answers = forms.answers(attempt.form_id, float(rng.normal()), rng)
            for slot, text in answers.items():
                uow.add(
                    ResponseState(attempt_id=attempt.attempt_id, slot=slot, seq=1, response=text, received_at=moment)
                )
            attempt.status, attempt.started_at, attempt.deadline_at = AttemptStatus.SUBMITTED, moment, moment
            attempt.submitted_at, attempt.submit_kind = moment, "candidate"
            attempt.receipt = make_receipt({key: [text[2:-2]] for key, text in answers.items()}, "x", moment)


def own_forms_world(officer: Any, forms: OwnForms) -> World:
    """Return a closed and scored session on own forms."""
    world = World(officer, forms)
    with unit_of_work(officer) as uow:
        hall = batches.save_room(uow, None, RoomPlan("演示考点", "大考场", 30))
        hall.capacity = len(forms.form_ids)
    with unit_of_work(officer) as uow:
        sessions.set_rooms(uow, world.key, {hall.exam_room_id: []})
    world.register(len(forms.form_ids))
    world.arrange()
    world.prepare()
    world.open()
    sat(world, forms)
    world.close_and_score()
    return world

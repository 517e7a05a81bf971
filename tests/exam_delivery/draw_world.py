"""Sessions on forms that were really drawn and sealed, for the tests of what is published of draws."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from blueprints.models import AssemblyRun, ExamForm
from blueprints.services import blueprints, forms, runs, versions
from exam_delivery.models import ExamSession, SessionStatus
from exam_delivery.services import batches, draw_commitments, draw_reveals, sessions
from exam_delivery.services.batches import BatchPlan, RoomPlan
from kernel.db import db
from kernel.identity.actor import Actor
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from tests.blueprints.bank_cases import Bank, small_spec
from tests.exam_delivery.world import World, session_plan

SEED = 1_234_567_891
"""Ten digits, so that no token holds them by chance."""


class Drawer:
    """Two people who draw, approve and seal forms of a bank."""

    def __init__(self, bank: Bank, assembler: Actor, approver: Actor) -> None:
        self.bank, self.assembler, self.approver = bank, assembler, approver

    def draw(self, n_forms: int = 2, seed: int = SEED) -> tuple[AssemblyRun, list[ExamForm]]:
        """Draw forms as the worker would and seal all of them."""
        with unit_of_work(self.assembler) as uow:
            row = blueprints.create_blueprint(uow, standard_level_id=self.bank.standard_level_id, spec=small_spec())
            blueprints.publish_blueprint(uow, row.exam_blueprint_id)
        with unit_of_work(self.approver) as uow:
            versions.approve_blueprint(uow, row.exam_blueprint_id)
        with unit_of_work(self.assembler) as uow:
            run = runs.start_run(uow, row.exam_blueprint_id, n_forms=n_forms, seed=seed)
        assert run_job(run.job_id) == "done"
        db.session.expire_all()
        with unit_of_work(self.assembler) as uow:
            made = runs.accept_run(uow, run.assembly_run_id)
            for form in made:
                forms.submit_form(uow, form.exam_form_id)
        for form in made:
            with unit_of_work(self.approver) as uow:
                forms.approve_form(uow, form.exam_form_id)
                forms.seal_form(uow, form.exam_form_id)
        db.session.expire_all()
        return db.session.get(AssemblyRun, run.assembly_run_id), made


class DrawnWorld(World):
    """A batch with one session on sealed forms of the organisation."""

    def __init__(
        self, officer: Actor, level: uuid.UUID, form_ids: Sequence[uuid.UUID], *, code: str = "2026-01", **plan: Any
    ) -> None:
        self.officer = officer
        self.forms = SimpleNamespace(form_ids=[str(one) for one in form_ids])
        self.batch = self._do(lambda uow: batches.create_batch(uow, BatchPlan(code, f"{code} 批次", str(level))))
        self.room = self._do(lambda uow: batches.save_room(uow, None, RoomPlan("演示考点", f"{code} 考场", 30)))
        wanted = session_plan(self.forms.form_ids, **plan)
        self.session = self._do(lambda uow: sessions.create_session(uow, self.batch.exam_batch_id, wanted))
        self._do(lambda uow: sessions.set_rooms(uow, self.key, {self.room.exam_room_id: []}))

    def publish(self, reason: str = "") -> list[Any]:
        return self._do(lambda uow: draw_commitments.publish(uow, self.key, reason=reason))

    def reveal(self, reason: str = "", *, gives_up_spares: bool = False) -> list[Any]:
        return self._do(lambda uow: draw_reveals.reveal(uow, self.key, reason=reason, gives_up_spares=gives_up_spares))

    def row(self) -> ExamSession:
        db.session.expire_all()
        return db.session.get(ExamSession, self.key)

    def put(self, **values: Any) -> None:
        """Set what time and other people would bring about."""
        with unit_of_work(self.officer) as uow:
            row = uow.session.get(ExamSession, self.key)
            for name, value in values.items():
                setattr(row, name, value)
        db.session.expire_all()

    def sit_and_release(self, n: int = 2) -> None:
        """Have people given the session's forms, and say that the scores are released."""
        if not self.row().seat_seed:
            self.register(n)
            self.arrange()
            self.prepare()
        self.put(status=SessionStatus.RELEASED)

"""A small sealed form and what a session around it needs; the sealed part stands in for blueprints."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from blueprints.public import SealedForm
from exam_delivery.models import Attempt, AttemptStatus, ExamBatch, ExamSession, ResponseEvent, ResponseState
from exam_delivery.repository import candidates
from exam_delivery.rules.planning import SessionPlan
from exam_delivery.rules.receipts import make_receipt
from exam_delivery.rules.roster import RosterRow
from exam_delivery.services import arranging, batches, rosters, running, sessions
from exam_delivery.services.batches import BatchPlan, RoomPlan
from kernel.clock import now
from kernel.db import db, new_id
from kernel.identity.actor import Actor
from kernel.jobs.runner import run_job
from kernel.national_id import IdKind, Sex, check_character
from kernel.uow import unit_of_work

LEVEL = uuid.UUID("018f0000-0000-7000-8000-000000000001")
OCCUPATION = "人工智能训练师"
N_SINGLE = 8
ALL_RIGHT = dict.fromkeys(range(1, 9), '["B"]') | {9: '["D"]', 10: '["true"]'}
"""The right answers of everything that a machine scores: ten marks."""


def id_number(sequence: int, birth: str = "19900101") -> str:
    """Return a valid number of an invented person."""
    first = f"110101{birth}{sequence:03d}"
    return first + check_character(first)


def contents() -> list[dict[str, Any]]:
    """Return the canonical contents of a form: choices that may move, one that may not, a judgement, a text to mark."""
    single = [
        {
            "type": "single_choice", "stem": f"第 {n} 题的题干（　）。", "key": "B", "explanation": f"解析甲{n}",
            "choices": [{"id": c, "content": f"选项{c}{n}"} for c in "ABCD"], "score": "1", "scoring": {},
        }
        for n in range(1, N_SINGLE + 1)
    ]  # fmt: skip
    fixed = {
        "type": "single_choice", "stem": "不可乱序的题（　）。", "key": "D", "explanation": "解析乙", "score": "1",
        "choices": [
            {"id": "A", "content": "一"}, {"id": "B", "content": "二"}, {"id": "C", "content": "三"},
            {"id": "D", "content": "以上都是"},
        ],
    }  # fmt: skip
    judgement = {"type": "true_false", "stem": "铁是金属。", "key": True, "explanation": "解析丙", "score": "1"}
    text = {
        "type": "short_answer", "stem": "简述数据标注的步骤。", "key": None, "explanation": "", "score": "10",
        "rubric": [{"text": "评分要点甲", "score": "5"}, {"text": "评分要点乙", "score": "5"}],
    }  # fmt: skip
    return [*single, fixed, judgement, text]


class SealedForms:
    """Stands in for `blueprints.public`: the same functions over two parallel forms held in memory."""

    def __init__(self, organisation_id: uuid.UUID, *, with_text: bool = True) -> None:
        self.organisation_id = organisation_id
        self.form_ids = [str(uuid.uuid4()), str(uuid.uuid4())]
        self.contents = contents() if with_text else contents()[:-1]
        self.reservations: set[tuple[str, str]] = set()
        self.broken: set[str] = set()

    def list_sealed_forms(
        self, session: Any, actor: Actor, *, standard_level_id: uuid.UUID | None = None
    ) -> list[SealedForm]:
        if actor.organisation != self.organisation_id or standard_level_id not in (None, LEVEL):
            return []
        total = sum((Decimal(one["score"]) for one in self.contents), Decimal(0))
        return [
            SealedForm(
                uuid.UUID(form_id), uuid.uuid4(), f"理论知识试卷（{label}卷）", label, "4-04-05-05", OCCUPATION, "3",
                "三级/高级工", LEVEL, total, len(self.contents), 90, "0" * 64,
            )
            for form_id, label in zip(self.form_ids, "AB", strict=True)
        ]  # fmt: skip

    def refuse_old_edition(self, session: Any, actor: Actor, standard_level_id: uuid.UUID, *, on: dt.date) -> None:
        """Nothing has replaced the edition of these forms."""

    def reserve_form(self, uow: Any, form_id: uuid.UUID, *, reference: str) -> None:
        self.reservations.add((str(form_id), reference))

    def release_form(self, uow: Any, form_id: uuid.UUID, *, reference: str) -> None:
        self.reservations.discard((str(form_id), reference))

    def forms_to_open(self, session: Any, actor: Actor, form_ids: list[uuid.UUID]) -> list[str]:
        return []

    def open_delivery(self, where: Any, actor: Actor, form_id: uuid.UUID) -> dict[str, Any]:
        from item_templates import registry
        from item_templates.canonical import content_from_json

        slots = []
        for number, raw in enumerate(self.contents, 1):
            content = content_from_json(raw)
            kind = registry.get(content.type)
            view = kind.render(content)
            slots.append(
                {
                    "slot": number, "section": self._section(content.type), "type": view["type"],
                    "interaction": view["interaction"], "multiple": False, "stem": view["stem"],
                    "choices": view.get("choices", []), "targets": [], "n_blanks": 0, "score": raw["score"],
                    "may_shuffle": kind.may_shuffle(content),
                }
            )  # fmt: skip
        sections = [
            {"title": title, "instructions": "", "slots": [s["slot"] for s in slots if s["section"] == index]}
            for index, title in enumerate(("一、单项选择题", "二、判断题", "三、简答题")[: slots[-1]["section"] + 1])
        ]
        return {
            "format": "kaoku-form-delivery/1", "form_id": str(form_id), "title": "理论知识试卷",
            "occupation": OCCUPATION, "level": "三级/高级工", "total_score": "20", "sections": sections,
            "slots": slots, "media": {},
        }  # fmt: skip

    @staticmethod
    def _section(kind: str) -> int:
        return {"single_choice": 0, "true_false": 1, "short_answer": 2}[kind]

    def open_scoring(self, where: Any, actor: Actor, form_id: uuid.UUID) -> dict[str, Any]:
        if str(form_id) in self.broken:
            from kernel.crypto import SealBrokenError

            raise SealBrokenError("密文校验失败")
        slots = [
            {"slot": n, "item_id": str(uuid.uuid4()), "point": f"A-A-A-{n:03d}", "score": raw["score"], "content": raw}
            for n, raw in enumerate(self.contents, 1)
        ]
        return {"format": "kaoku-form-scoring/1", "form_id": str(form_id), "key_version": 1, "slots": slots}


def people(n: int, *, first: int = 1) -> list[RosterRow]:
    """Return valid rows of invented people."""
    return [
        RosterRow(
            number=k, name=f"演示考生{k}", id_kind=IdKind.RESIDENT_ID, id_number=id_number(k),
            sex=Sex.MALE.value if k % 2 else Sex.FEMALE.value, birth_date=dt.date(1990, 1, 1), phone="13800000000",
            employer="演示企业",
        )
        for k in range(first, first + n)
    ]  # fmt: skip


def session_plan(forms: list[str], **changes: Any) -> SessionPlan:
    """Return a plan that starts in an hour."""
    values: dict[str, Any] = {
        "name": "第一场", "form_ids": tuple(forms), "starts_at": now() + dt.timedelta(hours=1),
        "duration_minutes": 90, "open_entry_minutes": 30, "late_cutoff_minutes": 30, "earliest_submit_minutes": 30,
        "leave_limit": 5,
    }  # fmt: skip
    return SessionPlan(**(values | changes))


class World:
    """An organisation's exam: batch, session, room and people, moved along by the real services."""

    def __init__(
        self,
        officer: Actor,
        forms: SealedForms,
        *,
        code: str = "2026-01",
        room: str = "第 01 考场",
        starts_in: dt.timedelta | None = None,
    ) -> None:
        self.officer = officer
        self.forms = forms
        self.batch: ExamBatch = self._do(
            lambda uow: batches.create_batch(uow, BatchPlan(code, "2026 年第一批", str(LEVEL)))
        )
        self.room = self._do(lambda uow: batches.save_room(uow, None, RoomPlan("演示考点", room, 30)))
        plan = session_plan(forms.form_ids)
        if starts_in is not None:
            plan = replace(plan, starts_at=now() + starts_in)
        self.session: ExamSession = self._do(lambda uow: sessions.create_session(uow, self.batch.exam_batch_id, plan))
        self._do(lambda uow: sessions.set_rooms(uow, self.key, {self.room.exam_room_id: []}))

    @property
    def key(self) -> uuid.UUID:
        return self.session.exam_session_id

    def _do(self, act: Any) -> Any:
        with unit_of_work(self.officer) as uow:
            return act(uow)

    def register(self, n: int, *, first: int = 1) -> list[uuid.UUID]:
        rows = people(n, first=first)
        return self._do(
            lambda uow: rosters.register_rows(uow, self.batch.exam_batch_id, rows, exam_session_id=self.key)
        )

    def arrange(self, seed: int = 7) -> None:
        self._do(lambda uow: arranging.arrange(uow, self.key, seed=seed))

    def prepare(self) -> None:
        from exam_delivery.services import preparation

        job = self._do(lambda uow: preparation.request_preparation(uow, self.key))
        assert run_job(job.job_id) == "done", db.session.get(type(job), job.job_id).error

    def sit(self, answers: dict[int, str], attempt: Attempt) -> None:
        """Let a candidate answer by slot with JSON text and hand in."""
        with unit_of_work(self.officer) as uow:
            row = uow.session.get(Attempt, attempt.attempt_id)
            moment = now()
            for slot, text in answers.items():
                uow.add(ResponseEvent(attempt_id=row.attempt_id, slot=slot, seq=1, response=text, received_at=moment))
                uow.add(ResponseState(attempt_id=row.attempt_id, slot=slot, seq=1, response=text, received_at=moment))
            row.status, row.started_at, row.deadline_at = AttemptStatus.SUBMITTED, moment, moment
            row.submitted_at, row.submit_kind = moment, "candidate"
            row.receipt = make_receipt({k: json.loads(v) for k, v in answers.items()}, "x", moment)

    def attempts(self) -> list[Attempt]:
        entries = candidates.registrations_of_session(db.session(), self.key, actor=self.officer)
        by_registration = {a.registration_id: a for a in db.session.query(Attempt).all()}
        ordered = sorted(entries, key=lambda entry: entry[0].admission_number)
        return [by_registration[entry[0].registration_id] for entry in ordered]

    def open(self) -> None:
        self._do(lambda uow: running.open_session(uow, self.key))

    def close_and_score(self) -> None:
        from kernel.jobs.models import Job

        self._do(lambda uow: running.close_session(uow, self.key))
        job = db.session.query(Job).filter_by(name="exam_delivery.score").order_by(Job.created_at.desc()).first()
        assert run_job(job.job_id) == "done", job.error
        db.session.expire_all()


def fake_blueprints(forms: SealedForms) -> SimpleNamespace:
    """Return what replaces the module that planning talks to."""
    names = (
        "list_sealed_forms", "refuse_old_edition", "reserve_form", "release_form", "open_delivery", "open_scoring",
        "forms_to_open",
    )  # fmt: skip
    return SimpleNamespace(**{name: getattr(forms, name) for name in names})


__all__ = ["SealedForms", "World", "fake_blueprints", "id_number", "new_id", "people", "session_plan"]

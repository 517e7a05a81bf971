"""A small prepared session in a database of its own, and a client that speaks to the answering program without a network."""

from __future__ import annotations

import gzip
import io
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    Candidate,
    ExamBatch,
    ExamRoom,
    ExamSession,
    Registration,
    RenderedForm,
    SessionRoom,
    SessionStatus,
)
from exam_delivery.rules.layout import CandidateFacts, FormRenderer, SessionFacts, make_layout
from kernel import crypto
from kernel.db import Base, engine_options, new_id, prepare_engine
from kernel.identity.models import Organisation, OrganisationKind

SECRET = "a secret of the tests, long enough to be one"
START = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
N_SLOTS = 5


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **span: float) -> None:
        self.at += timedelta(**span)


def delivery(n_slots: int = N_SLOTS) -> dict[str, Any]:
    """Return a delivery document with single-choice items."""
    slots = [
        {
            "slot": n, "section": 0, "type": "single_choice", "interaction": "choice", "multiple": False,
            "stem": f"<p>第 {n} 题的题干</p>", "score": "1", "may_shuffle": True,
            "choices": [{"id": c, "content": f"选项 {c}"} for c in "ABCD"],
        }
        for n in range(1, n_slots + 1)
    ]  # fmt: skip
    return {
        "form_id": str(uuid.UUID(int=9)), "title": "演示工（四级）理论知识", "occupation": "演示工", "level": "四级",
        "total_score": str(n_slots), "sections": [{"title": "单项选择题", "instructions": "", "slots": list(range(1, n_slots + 1))}],
        "slots": slots, "media": {},
    }  # fmt: skip


@dataclass
class Person:
    """One candidate with everything that is needed to sit."""

    admission_number: str
    id_number: str
    registration_id: uuid.UUID
    attempt_id: uuid.UUID
    token: str = ""


@dataclass
class Sitting:
    """Ids of what was prepared."""

    organisation_id: uuid.UUID
    exam_session_id: uuid.UUID
    room_ids: list[uuid.UUID]
    people: list[Person] = field(default_factory=list)


def prepare(
    session: Session, organisation_id: uuid.UUID, *, n: int = 3, starts_at: datetime = START, n_rooms: int = 1,
    n_slots: int = N_SLOTS, prefix: str = "261121", earliest_submit_seconds: int = 0,
) -> Sitting:  # fmt: skip
    """Add a prepared session with `n` admitted candidates, dealt over the rooms in turn."""
    batch = ExamBatch(
        exam_batch_id=new_id(), organisation_id=organisation_id, code=f"B{prefix}", name="演示批次", standard_level_id=new_id(),
        occupation_code="6-18-01-01", occupation_name="演示工", level_code="4", level_name="四级", created_at=starts_at,
    )  # fmt: skip
    session.add(batch)
    session.flush()
    sitting = ExamSession(
        exam_session_id=new_id(), organisation_id=organisation_id, exam_batch_id=batch.exam_batch_id, name="上午第一场",
        form_ids=[], opens_at=starts_at - timedelta(minutes=30), starts_at=starts_at, ends_at=starts_at + timedelta(minutes=90),
        duration_seconds=3600, late_cutoff_minutes=30, earliest_submit_minutes=0, leave_limit=5,
        status=SessionStatus.OPEN, created_at=starts_at,
    )  # fmt: skip
    rooms = [
        ExamRoom(
            exam_room_id=new_id(),
            organisation_id=organisation_id,
            site="演示考点",
            name=f"第 {k} 考场 {prefix}",
            capacity=500,
        )
        for k in range(1, n_rooms + 1)
    ]
    session.add_all([sitting, *rooms])
    session.flush()
    session.add_all(
        SessionRoom(
            exam_session_id=sitting.exam_session_id,
            exam_room_id=r.exam_room_id,
            organisation_id=organisation_id,
            invigilator_ids=[],
        )
        for r in rooms
    )
    result = Sitting(organisation_id, sitting.exam_session_id, [r.exam_room_id for r in rooms])
    renderer = FormRenderer(delivery(n_slots), SessionFacts("演示评价机构", sitting.name, ("遵守规则",), "诚信", "one"))
    for k in range(n):
        _admit(session, result, sitting, renderer, k, prefix=prefix, n_slots=n_slots, earliest=earliest_submit_seconds)
    session.flush()
    return result


def _admit(
    session: Session, sitting: Sitting, row: ExamSession, renderer: FormRenderer, k: int, *, prefix: str, n_slots: int,
    earliest: int,
) -> None:  # fmt: skip
    number, identity = f"{prefix}{k + 1:06}", f"1101011990{k:07}X"
    key = crypto.derive_key(SECRET, "personal-index")
    candidate = Candidate(
        candidate_id=new_id(), organisation_id=sitting.organisation_id, name=f"考生{k + 1}", id_kind="resident_id",
        id_number_ciphertext=b"-", id_number_index=f"{prefix}{k}", id_number_mask="1101****", extra={}, created_at=row.starts_at,
    )  # fmt: skip
    session.add(candidate)
    session.flush()
    registration = Registration(
        registration_id=new_id(), organisation_id=sitting.organisation_id, exam_batch_id=row.exam_batch_id,
        exam_session_id=row.exam_session_id, candidate_id=candidate.candidate_id, admission_number=number,
        sign_in_index=crypto.blind_index(key, "sign-in", number, identity),
        exam_room_id=sitting.room_ids[k % len(sitting.room_ids)], seat_number=k // len(sitting.room_ids) + 1, created_at=row.starts_at,
    )  # fmt: skip
    session.add(registration)
    session.flush()
    layout = make_layout(delivery(n_slots), seed=k, shuffle_items=True, shuffle_choices=True)
    facts = CandidateFacts(candidate.name, number, str(registration.seat_number), "第 1 考场", row.duration_seconds)
    body = gzip.compress(json.dumps(renderer.render(layout, facts), ensure_ascii=False).encode(), mtime=0)
    attempt = Attempt(
        attempt_id=new_id(), organisation_id=sitting.organisation_id, exam_session_id=row.exam_session_id,
        registration_id=registration.registration_id, form_id=uuid.UUID(int=9), seed=k, layout=layout, n_slots=n_slots,
        opens_at=row.opens_at, starts_at=row.starts_at, latest_start_at=row.starts_at + timedelta(minutes=30),
        duration_seconds=row.duration_seconds, ends_at=row.ends_at, earliest_submit_seconds=earliest,
    )  # fmt: skip
    session.add(attempt)
    session.flush()
    session.add(RenderedForm(attempt_id=attempt.attempt_id, body=body, digest="0" * 64))
    sitting.people.append(Person(number, identity, registration.registration_id, attempt.attempt_id))


def make_database(url: str, **wishes: Any) -> tuple[Engine, Sitting]:
    """Prepare one committed sitting in a database; create the tables unless it holds them."""
    engine = create_engine(url, **engine_options(url))
    prepare_engine(engine)
    if not inspect(engine).has_table(Attempt.__tablename__):
        Base.metadata.create_all(engine)
    with Session(engine) as session:
        organisation = Organisation(
            code="DEMO", name="演示评价机构", kind=OrganisationKind.SOCIAL, certificate_prefix="S000011000001",
            is_active=True, created_at=START,
        )  # fmt: skip
        session.add(organisation)
        session.flush()
        sitting = prepare(session, organisation.organisation_id, **wishes)
        session.commit()
    return engine, sitting


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        return str(self.json["error"])


class Caller:
    """Speaks to a WSGI callable as one device of one candidate."""

    def __init__(self, app: Callable[..., Any], *, address: str = "10.0.0.1", browser: str = "test") -> None:
        self.app, self.address, self.browser = app, address, browser
        self.token = ""
        self.attempt_id = ""

    def raw(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        environ = {
            "REQUEST_METHOD": method, "PATH_INFO": path, "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body),
            "REMOTE_ADDR": self.address, "HTTP_USER_AGENT": self.browser, **headers,
        }  # fmt: skip
        if self.token:
            environ.setdefault("HTTP_AUTHORIZATION", f"Bearer {self.token}")
        got: list[Any] = []
        content = b"".join(self.app(environ, lambda status, pairs: got.extend((status, pairs))))
        return Reply(int(got[0][:3]), dict(got[1]), content)

    def call(self, method: str, name: str, body: Any = None, *, attempt: str = "") -> Reply:
        data = b"" if body is None else json.dumps(body).encode()
        return self.raw(method, f"/api/v1/exam/attempts/{attempt or self.attempt_id}/{name}", data)

    def sign_in(self, person: Person) -> Reply:
        body = {"admission_number": person.admission_number, "id_number": person.id_number}
        reply = self.raw("POST", "/api/v1/exam/sign-in", json.dumps(body).encode())
        if reply.status == 200:
            self.token, self.attempt_id = reply.json["token"], reply.json["attempt_id"]
        return reply

    def begin(self, person: Person) -> Caller:
        assert self.sign_in(person).status == 200
        assert self.call("POST", "start", {}).status == 200
        return self

    def save(self, *events: tuple[int, int, Any]) -> Reply:
        rows = [{"slot": slot, "seq": seq, "response": response, "client_time": "t"} for slot, seq, response in events]
        return self.call("PUT", "responses", {"events": rows})

    def durable(self) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", "responses").json["responses"]
        return found


def count(engine: Engine, query: str, **values: Any) -> int:
    """Return the one number a query gives."""
    with engine.connect() as connection:
        return int(connection.execute(text(query), values).scalar_one())

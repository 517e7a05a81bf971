"""Rescue files: only the own file, whole and unchanged; merged by the protocol; late answers kept and decided by two people."""

from __future__ import annotations

import base64
import io
import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exam_delivery.answering.app import AnsweringApp, open_storage
from exam_delivery.models import (
    Attempt,
    AttemptStatus,
    ExamSession,
    Incident,
    RescueFile,
    ResponseEvent,
    ResponseState,
    SessionRoom,
    SessionStatus,
    SubmitKind,
)
from exam_delivery.rules import keys
from exam_delivery.rules.rescue import FORMAT, PURPOSE, LateRule, RescueState, attempt_key
from exam_delivery.services import rescue
from kernel import crypto, profiles
from kernel.audit.models import AuditEvent
from kernel.clock import iso, now
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.identity.actor import Actor, system_actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.jobs.models import Job
from kernel.settings import Settings
from kernel.uow import unit_of_work
from tests.conftest import MakeActor, MakeUser, SignIn
from tests.exam_delivery.sitting_cases import SECRET, START, Caller, Clock, Sitting, make_database, prepare

Slot = tuple[int, int, list[str]]


@pytest.fixture
def sitting(session: Session, organisation: Organisation) -> Sitting:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        made = prepare(
            uow.session, organisation.organisation_id, n=3, n_rooms=2, starts_at=now() - timedelta(minutes=10)
        )
        for person in made.people:
            row = uow.session.get_one(Attempt, person.attempt_id)
            row.status, row.started_at = AttemptStatus.IN_PROGRESS, now() - timedelta(minutes=10)
            row.deadline_at, row.holder_generation = now() + timedelta(minutes=50), 1
    return made


@pytest.fixture
def chief(make_actor: MakeActor) -> Actor:
    return make_actor(Role.CHIEF_INVIGILATOR, name="总控甲")


def seal_file(
    key: bytes, attempt_id: uuid.UUID, *slots: Slot, generation: int = 1, at: datetime | None = None, **outside: Any
) -> bytes:
    """Return a rescue file as a page writes it."""
    moment = iso(at or now())
    events = [
        {"slot": slot, "seq": seq, "response": response, "client_time": "t", "at": moment, "generation": generation}
        for slot, seq, response in slots
    ]
    bound_to = "\n".join((FORMAT, str(attempt_id), str(generation), moment)).encode()
    sealed = ChaCha20Poly1305(key).encrypt(b"n" * 12, json.dumps({"events": events}).encode(), bound_to)
    document = {
        "format": FORMAT, "attempt_id": str(attempt_id), "generation": generation, "made_at": moment,
        "nonce": base64.b64encode(b"n" * 12).decode(), "sealed": base64.b64encode(sealed).decode(),
    }  # fmt: skip
    return json.dumps(document | outside).encode()


def page_file(sitting: Sitting, *slots: Slot, who: int = 0, generation: int = 1, at: datetime | None = None) -> bytes:
    attempt_id = sitting.people[who].attempt_id
    key = attempt_key(crypto.purpose_key(PURPOSE), attempt_id, generation)
    return seal_file(key, attempt_id, *slots, generation=generation, at=at)


def bring(actor: Actor, sitting: Sitting, data: bytes, *, who: int = 0) -> RescueFile:
    with unit_of_work(actor) as uow:
        file = rescue.upload(uow, sitting.exam_session_id, sitting.people[who].registration_id, data)
        key = file.rescue_file_id
    with unit_of_work(actor) as uow:
        return rescue.import_file(uow, key)


def answered(session: Session, sitting: Sitting, *slots: Slot, generation: int = 1) -> None:
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        for slot, seq, response in slots:
            values = {
                "attempt_id": sitting.people[0].attempt_id,
                "slot": slot,
                "seq": seq,
                "response": json.dumps(response),
            }
            uow.add(ResponseEvent(**values, received_at=now(), generation=generation))
            uow.add(ResponseState(**values, received_at=now()))


def states(session: Session, sitting: Sitting) -> dict[int, Any]:
    session.expire_all()
    query = select(ResponseState).where(ResponseState.attempt_id == sitting.people[0].attempt_id)
    return {row.slot: json.loads(row.response) for row in session.scalars(query)}


def attempt(session: Session, sitting: Sitting) -> Attempt:
    session.expire_all()
    return session.get_one(Attempt, sitting.people[0].attempt_id)


def receipt(session: Session, sitting: Sitting) -> dict[str, Any]:
    return attempt(session, sitting).receipt or {}


def hand_in(sitting: Sitting, *, session_status: SessionStatus = SessionStatus.OPEN) -> None:
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        row = uow.session.get_one(Attempt, sitting.people[0].attempt_id)
        row.status, row.submitted_at, row.submit_kind = AttemptStatus.SUBMITTED, now(), SubmitKind.TIMEOUT
        row.deadline_at, row.receipt = now(), {"n_answers": 0, "digest": "before"}
        uow.session.get_one(ExamSession, sitting.exam_session_id).status = session_status


def test_answers_of_a_file_count_while_the_exam_runs(session: Session, sitting: Sitting, chief: Actor) -> None:
    answered(session, sitting, (1, 1, ["A"]), (2, 5, ["C"]))
    file = bring(chief, sitting, page_file(sitting, (1, 3, ["B"]), (2, 4, ["D"]), (3, 6, ["A"])))
    assert file.outcome == {"counts": 2, "same": 0, "older": 1, "late": 0}
    assert states(session, sitting) == {1: ["B"], 2: ["C"], 3: ["A"]}
    assert attempt(session, sitting).n_answered == 3
    assert (
        session.scalar(select(func.count()).select_from(AuditEvent).where(AuditEvent.act == "rescue_file.import")) == 1
    )
    assert "计入 2 题" in session.scalars(select(Incident.text).where(Incident.kind == "rescue")).one()


def test_importing_twice_changes_nothing(session: Session, sitting: Sitting, chief: Actor) -> None:
    data = page_file(sitting, (1, 3, ["B"]))
    first = bring(chief, sitting, data).rescue_file_id
    assert bring(chief, sitting, data).rescue_file_id == first
    assert session.scalar(select(func.count()).select_from(RescueFile)) == 1
    assert session.scalar(select(func.count()).select_from(ResponseEvent)) == 1
    assert session.scalar(select(func.count()).select_from(Incident).where(Incident.kind == "rescue")) == 1


def test_the_later_sign_in_wins_over_a_greater_number(session: Session, sitting: Sitting, chief: Actor) -> None:
    answered(session, sitting, (1, 2, ["C"]), generation=2)
    file = bring(chief, sitting, page_file(sitting, (1, 9, ["B"]), generation=1))
    assert file.outcome["older"] == 1
    assert states(session, sitting) == {1: ["C"]}
    kept = session.scalars(select(ResponseEvent.response).where(ResponseEvent.seq == 9)).one()
    assert json.loads(kept) == ["B"]  # superseded, not lost


def test_the_preview_changes_nothing_and_names_the_places_that_the_candidate_sees(
    session: Session, sitting: Sitting, chief: Actor
) -> None:
    with unit_of_work(chief) as uow:
        file = rescue.upload(
            uow, sitting.exam_session_id, sitting.people[0].registration_id, page_file(sitting, (4, 1, ["B"]))
        )
    found = rescue.preview(session, file.rescue_file_id, actor=chief, at=now())
    order = [slot for section in attempt(session, sitting).layout["sections"] for slot in section]
    assert [place for place, _event, _verdict in found.lines] == [order.index(4) + 1]
    assert found.counts["counts"] == 1
    assert states(session, sitting) == {}


def test_a_file_of_another_candidate_is_refused_with_the_number_of_its_owner(sitting: Sitting, chief: Actor) -> None:
    with pytest.raises(InvalidInputError) as caught:
        bring(chief, sitting, page_file(sitting, (1, 1, ["B"]), who=1))
    assert sitting.people[1].admission_number in caught.value.message


@pytest.mark.parametrize("damage", ["torn", "changed", "renamed", "foreign key", "no file", "other exam", "slot"])
def test_a_torn_or_changed_file_gets_a_clear_error_and_changes_nothing(
    session: Session, sitting: Sitting, chief: Actor, damage: str
) -> None:
    good = page_file(sitting, (1, 1, ["B"]))
    document = json.loads(good)
    sealed = base64.b64decode(document["sealed"])
    flipped = base64.b64encode(bytes([sealed[0] ^ 1]) + sealed[1:]).decode()
    other = attempt_key(b"x" * 32, sitting.people[0].attempt_id, 1)
    data = {
        "torn": good[: len(good) // 2],
        "changed": json.dumps(document | {"sealed": flipped}).encode(),
        "renamed": json.dumps(document | {"generation": 2}).encode(),
        "foreign key": seal_file(other, sitting.people[0].attempt_id, (1, 1, ["B"])),
        "no file": b"\x00\xff\x00",
        "other exam": json.dumps(document | {"attempt_id": str(uuid.UUID(int=1))}).encode(),
        "slot": page_file(sitting, (99, 1, ["B"])),
    }[damage]
    with pytest.raises(InvalidInputError, match="没有导入任何内容"):
        bring(chief, sitting, data)
    assert session.scalar(select(func.count()).select_from(RescueFile)) == 0


def test_after_the_end_answers_are_kept_as_late_and_two_people_decide(
    session: Session, sitting: Sitting, chief: Actor, make_actor: MakeActor
) -> None:
    hand_in(sitting, session_status=SessionStatus.CLOSED)
    file = bring(chief, sitting, page_file(sitting, (1, 3, ["B"]), at=now() - timedelta(minutes=5)))
    assert (file.state, file.outcome["late"]) == (RescueState.HELD, 1)
    assert states(session, sitting) == {}
    assert session.scalars(select(ResponseEvent.is_late)).one() is True
    key = file.rescue_file_id
    with pytest.raises(ConflictError, match="另一名"), unit_of_work(chief) as uow:
        rescue.decide(uow, key, does_count=True, reason="断网")
    second = make_actor(Role.CHIEF_INVIGILATOR, name="总控乙")
    with pytest.raises(InvalidInputError, match="理由"), unit_of_work(second) as uow:
        rescue.decide(uow, key, does_count=True, reason=" ")
    with unit_of_work(second) as uow:
        rescue.decide(uow, key, does_count=True, reason="考场断网有记录")
    assert states(session, sitting) == {1: ["B"]}
    assert receipt(session, sitting)["n_answers"] == 1
    assert session.scalar(select(func.count()).select_from(Job).where(Job.name == "exam_delivery.score")) == 1
    with pytest.raises(ConflictError, match="没有待裁定"), unit_of_work(second) as uow:
        rescue.decide(uow, key, does_count=False, reason="再想一次")


def test_late_answers_left_out_stay_on_record(
    session: Session, sitting: Sitting, chief: Actor, make_actor: MakeActor
) -> None:
    hand_in(sitting)
    file = bring(chief, sitting, page_file(sitting, (1, 3, ["B"])))
    with unit_of_work(make_actor(Role.CHIEF_INVIGILATOR)) as uow:
        rescue.decide(uow, file.rescue_file_id, does_count=False, reason="作答时间在截止之后")
    assert states(session, sitting) == {}
    assert receipt(session, sitting)["digest"] == "before"
    assert session.scalar(select(func.count()).select_from(ResponseEvent)) == 1


def test_no_decision_once_results_are_out_but_the_file_is_still_taken_in(
    session: Session, sitting: Sitting, chief: Actor, make_actor: MakeActor
) -> None:
    hand_in(sitting, session_status=SessionStatus.RELEASED)
    file = bring(chief, sitting, page_file(sitting, (1, 3, ["B"])))
    assert file.state is RescueState.HELD
    with pytest.raises(ConflictError, match="成绩已发布"), unit_of_work(make_actor(Role.CHIEF_INVIGILATOR)) as uow:
        rescue.decide(uow, file.rescue_file_id, does_count=True, reason="断网")


def test_the_rule_may_let_answers_count_that_were_given_in_time(
    session: Session, sitting: Sitting, chief: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = profiles.value
    monkeypatch.setattr(
        profiles, "value",
        lambda *a: LateRule.COUNT.value if a[2] == keys.RESCUE_LATE_RULE else real(*a),
    )  # fmt: skip
    hand_in(sitting)
    early = bring(chief, sitting, page_file(sitting, (1, 3, ["B"]), at=now() - timedelta(minutes=5)))
    late = bring(chief, sitting, page_file(sitting, (2, 4, ["C"]), at=now() + timedelta(minutes=5)))
    assert (early.state, late.state) == (RescueState.IMPORTED, RescueState.HELD)
    assert states(session, sitting) == {1: ["B"]}
    assert receipt(session, sitting)["n_answers"] == 1


def test_an_invigilator_imports_only_in_the_own_room_and_others_not_at_all(
    sitting: Sitting, sign_in: SignIn, make_user: MakeUser, other_organisation: Organisation
) -> None:
    user = make_user(Role.INVIGILATOR)
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        room = uow.session.get_one(SessionRoom, (sitting.exam_session_id, sitting.room_ids[0]))
        room.invigilator_ids = [str(user.user_id)]
    mine, others = address(sitting, 0), address(sitting, 1)
    client = sign_in(user=user)
    assert client.get(mine).status_code == 200
    assert client.get(others).status_code == 404
    assert post_file(client, others, page_file(sitting, (1, 1, ["B"]), who=1)).status_code == 404
    assert client.get("/console/rescue-files").status_code == 403
    stranger = sign_in(Role.CHIEF_INVIGILATOR, organisation_id=other_organisation.organisation_id)
    assert stranger.get(mine).status_code == 404
    assert sign_in(Role.MARKER).get(mine).status_code == 403


def address(sitting: Sitting, who: int) -> str:
    return f"/console/{sitting.exam_session_id}/candidates/{sitting.people[who].registration_id}/rescue"


def post_file(client: FlaskClient, path: str, data: bytes) -> Any:
    return client.post(path, data={"file": (io.BytesIO(data), "x.kaoku")}, follow_redirects=False)


def test_the_pages_lead_from_upload_over_review_to_import(
    session: Session, sitting: Sitting, sign_in: SignIn, other_organisation: Organisation
) -> None:
    client = sign_in(Role.CHIEF_INVIGILATOR)
    refused = post_file(client, address(sitting, 0), page_file(sitting, (1, 1, ["B"]), who=1))
    assert refused.status_code == 422
    assert "没有导入任何内容" in refused.text
    detail = post_file(client, address(sitting, 0), page_file(sitting, (1, 1, ["B"]))).location
    page = client.get(detail)
    assert "还没有改动任何答案" in page.text
    stranger = sign_in(Role.CHIEF_INVIGILATOR, organisation_id=other_organisation.organisation_id)
    for tail in ("/import", "/decision"):
        assert stranger.post(detail + tail, data={"decision": "count", "reason": "r"}).status_code == 404
    assert client.post(f"{detail}/import").status_code == 303
    assert states(session, sitting) == {1: ["B"]}
    assert "已导入" in client.get(detail).text
    assert "已导入" in client.get("/console/rescue-files").text
    assert "已导入" in client.get(address(sitting, 0)).text


def test_nobody_reaches_a_file_of_another_organisation(
    session: Session, sitting: Sitting, chief: Actor, make_actor: MakeActor, other_organisation: Organisation
) -> None:
    file = bring(chief, sitting, page_file(sitting, (1, 1, ["B"])))
    stranger = make_actor(Role.CHIEF_INVIGILATOR, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError):
        rescue.preview(session, file.rescue_file_id, actor=stranger, at=now())


def test_signing_in_gives_the_key_of_this_attempt_and_this_sign_in(scratch_database_url: str) -> None:
    engine, made = make_database(scratch_database_url)
    app = AnsweringApp(
        open_storage(Settings(database_url=scratch_database_url, secret_key=SECRET)), SECRET, now=Clock(START)
    )
    first, second = (Caller(app).sign_in(made.people[0]).json["rescue"] for _ in range(2))
    app.close()
    engine.dispose()
    assert (first["generation"], second["generation"]) == (1, 2)
    root = crypto.derive_key(SECRET, PURPOSE)
    assert base64.b64decode(second["key"]) == attempt_key(root, made.people[0].attempt_id, 2)
    assert first["key"] != second["key"]


def test_a_chief_finds_held_answers_among_the_things_to_do(sitting: Sitting, chief: Actor, sign_in: SignIn) -> None:
    client = sign_in(Role.CHIEF_INVIGILATOR)
    assert "待裁定的应急文件" not in client.get("/").text
    hand_in(sitting)
    bring(chief, sitting, page_file(sitting, (1, 3, ["B"])))
    assert "待裁定的应急文件" in client.get("/").text

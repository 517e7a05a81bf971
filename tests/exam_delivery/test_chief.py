"""The chief's overview, and postponing or cancelling a session with its consequences."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_delivery.models import Attempt, ExamSession, Registration, RegistrationStatus, SessionChange, SessionStatus
from exam_delivery.services import forms as forms_service
from exam_delivery.services import overview, rescheduling, running
from kernel import audit
from kernel.clock import now
from kernel.errors import ConflictError, InvalidInputError
from kernel.identity.actor import Actor, system_actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.conftest import MakeActor, SignIn
from tests.exam_delivery.sitting_cases import Sitting, prepare
from tests.exam_delivery.test_attempts import attempt_of, begin

REASON = "考点突发停水停电"


@pytest.fixture
def sitting(session: Session, organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> Sitting:
    monkeypatch.setattr(forms_service, "titles", lambda _session, _organisation_id: {})
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        return prepare(
            uow.session, organisation.organisation_id, n=6, n_rooms=2, starts_at=now() - timedelta(minutes=10)
        )


@pytest.fixture
def chief(make_actor: MakeActor) -> Actor:
    return make_actor(Role.CHIEF_INVIGILATOR)


@pytest.fixture
def desk(sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.CHIEF_INVIGILATOR)


def silent(sitting: Sitting, *people: int) -> None:
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        for k in people:
            attempt_of(uow.session, sitting, k).last_contact_at = now() - timedelta(minutes=2)


def test_rooms_that_look_cut_off_come_first(session: Session, sitting: Sitting, chief: Actor) -> None:
    begin(sitting, 0, 1, 2, 3, 5)
    silent(sitting, 1, 3)
    (line,) = overview.session_lines(session, actor=chief, at=now())
    first, second = line.rooms
    assert (first.counts.n_working, first.counts.n_offline, first.is_outage) == (3, 2, True)
    assert (second.counts.n_working, second.counts.n_offline, second.is_outage) == (2, 0, False)
    assert [line.total(name) for name in ("n_expected", "n_arrived", "n_submitted")] == [6, 5, 0]


def test_locked_and_paused_candidates_are_named_and_are_not_offline(
    session: Session, sitting: Sitting, chief: Actor
) -> None:
    begin(sitting, 0, 2)
    silent(sitting, 0, 2)
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        attempt_of(uow.session, sitting, 0).locked_at = now()
        attempt_of(uow.session, sitting, 2).paused_at = now()
    room = overview.session_lines(session, actor=chief, at=now())[0].rooms[0]
    assert (room.counts.n_offline, room.counts.n_locked, room.counts.n_paused) == (0, 1, 1)


def test_the_overview_is_a_page_and_a_fragment_for_chiefs_alone(
    sitting: Sitting, desk: FlaskClient, sign_in: SignIn, other_organisation: Organisation
) -> None:
    begin(sitting, 1, 3)
    silent(sitting, 1, 3)
    assert "疑似断网：2 人离线" in desk.get("/console/overview").text
    fragment = desk.get("/console/overview", headers={"HX-Request": "true"}).text
    assert "<html" not in fragment
    assert "上午第一场" in fragment
    assert sign_in(Role.INVIGILATOR).get("/console/overview").status_code == 403
    stranger = sign_in(Role.CHIEF_INVIGILATOR, organisation_id=other_organisation.organisation_id)
    assert "上午第一场" not in stranger.get("/console/overview").text
    assert stranger.get(f"/console/{sitting.exam_session_id}/change").status_code == 404
    for act in ("postpone", "cancel", "restore"):
        reply = stranger.post(f"/console/{sitting.exam_session_id}/{act}", data={"reason": REASON, "fingerprint": ""})
        assert reply.status_code == 404


def seen(session: Session, sitting: Sitting, chief: Actor) -> str:
    return rescheduling.consequences(session, sitting.exam_session_id, actor=chief).fingerprint


def postpone(session: Session, sitting: Sitting, chief: Actor, starts_at: datetime | None) -> None:
    fingerprint = seen(session, sitting, chief)
    with unit_of_work(chief) as uow:
        rescheduling.postpone(uow, sitting.exam_session_id, starts_at=starts_at, reason=REASON, fingerprint=fingerprint)


def cancel(session: Session, sitting: Sitting, chief: Actor) -> None:
    fingerprint = seen(session, sitting, chief)
    with unit_of_work(chief) as uow:
        rescheduling.cancel(uow, sitting.exam_session_id, reason=REASON, fingerprint=fingerprint)


def session_of(session: Session, sitting: Sitting) -> ExamSession:
    return session.get_one(ExamSession, sitting.exam_session_id, populate_existing=True)


def test_a_session_moves_as_a_whole_with_the_attempts_that_wait(
    session: Session, sitting: Sitting, chief: Actor
) -> None:
    later = now().replace(microsecond=0) + timedelta(days=1)
    length = session_of(session, sitting).ends_at - session_of(session, sitting).starts_at
    postpone(session, sitting, chief, later)
    row = session_of(session, sitting)
    assert (row.starts_at, row.ends_at - row.starts_at, row.status) == (later, length, SessionStatus.PREPARED)
    attempt = attempt_of(session, sitting, 0)
    assert (attempt.starts_at, attempt.opens_at) == (later, row.opens_at)
    change = session.scalars(select(SessionChange)).one()
    assert (change.kind, change.reason, change.after["people"]) == ("postponed", REASON, 6)
    assert audit.verify(session).broken is None


def test_nothing_is_postponed_once_somebody_has_begun_or_into_the_past(
    session: Session, sitting: Sitting, chief: Actor
) -> None:
    with pytest.raises(InvalidInputError, match="晚于现在"):
        postpone(session, sitting, chief, now() - timedelta(minutes=1))
    begin(sitting, 0)
    with pytest.raises(ConflictError, match="已有 1 人开始作答"):
        postpone(session, sitting, chief, now() + timedelta(days=1))


def test_what_changed_since_it_was_shown_is_shown_again(session: Session, sitting: Sitting, chief: Actor) -> None:
    fingerprint = seen(session, sitting, chief)
    begin(sitting, 0)
    with unit_of_work(chief) as uow, pytest.raises(ConflictError, match="重新核对"):
        rescheduling.cancel(uow, sitting.exam_session_id, reason=REASON, fingerprint=fingerprint)


def test_cancelling_before_anybody_began_can_be_taken_back(session: Session, sitting: Sitting, chief: Actor) -> None:
    cancel(session, sitting, chief)
    row = session_of(session, sitting)
    assert row.cancelled_at is not None
    assert row.status is SessionStatus.PREPARED
    assert attempt_of(session, sitting, 0).hold_reason == rescheduling.TOLD
    assert running.follow_the_clock() == 0, "the clock does not open it again"
    with unit_of_work(chief) as uow:
        rescheduling.restore(uow, sitting.exam_session_id, reason="供电恢复，照常考试")
    assert session_of(session, sitting).cancelled_at is None
    assert attempt_of(session, sitting, 0).locked_at is None


def test_cancelling_a_running_session_hands_in_and_blames_nobody(
    session: Session, sitting: Sitting, chief: Actor
) -> None:
    begin(sitting, 0)
    cancel(session, sitting, chief)
    attempt = attempt_of(session, sitting, 0)
    assert attempt.submit_kind == "forced"
    assert attempt.receipt is not None
    begun, waiting = (
        session.get_one(Registration, sitting.people[k].registration_id, populate_existing=True) for k in (0, 1)
    )
    assert (begun.status, begun.void_reason) == (RegistrationStatus.VOID, f"场次取消：{REASON}")
    assert waiting.status is RegistrationStatus.ADMITTED
    assert session_of(session, sitting).status is SessionStatus.CLOSED
    with unit_of_work(chief) as uow, pytest.raises(ConflictError, match="不能恢复"):
        rescheduling.restore(uow, sitting.exam_session_id, reason="供电恢复，照常考试")


def test_the_pages_show_the_consequences_and_carry_them_out(
    session: Session, sitting: Sitting, desk: FlaskClient, chief: Actor
) -> None:
    base = f"/console/{sitting.exam_session_id}"
    page = desk.get(f"{base}/change").text
    assert "6 人，其中 0 人留有电话" in page
    fingerprint = seen(session, sitting, chief)
    later = datetime.now(ZoneInfo("Asia/Shanghai")) + timedelta(days=2)
    data = {"reason": REASON, "fingerprint": fingerprint, "starts_at": later.strftime("%Y-%m-%dT%H:%M")}
    assert "已改期" in desk.post(f"{base}/postpone", data=data, follow_redirects=True).text
    assert "请写明理由" in desk.post(f"{base}/cancel", data=data | {"reason": ""}, follow_redirects=True).text
    assert "已取消" in desk.post(f"{base}/cancel", data=data, follow_redirects=True).text
    assert "已恢复场次" in desk.post(f"{base}/restore", data={"reason": REASON}, follow_redirects=True).text
    assert session.get_one(Attempt, sitting.people[0].attempt_id, populate_existing=True).locked_at is None

"""Pauses, locks, the door, other seats, and the proposal of added time, as acts of invigilators."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    AttemptStatus,
    ContactGap,
    DeadlineChange,
    ExamSession,
    Registration,
    RoomDevice,
)
from exam_delivery.rules.lost_time import Span, lost_time
from exam_delivery.rules.room import Reason, SeatState
from exam_delivery.rules.room_acts import ACT_LABELS, POSSIBLE, Act, acts_for
from exam_delivery.services import admitting, attempts, console, devices, holds, running
from exam_delivery.services.room_acts import Why
from kernel.clock import now
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.identity.actor import Actor, system_actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.conftest import MakeActor, SignIn
from tests.exam_delivery.sitting_cases import START, Sitting, prepare
from tests.exam_delivery.test_attempts import attempt_of, begin, incidents, invigilator_of

WHY = Why(Reason.POWER, "")
HoldAct = Callable[..., Attempt]


@pytest.fixture
def sitting(session: Session, organisation: Organisation) -> Sitting:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        return prepare(
            uow.session, organisation.organisation_id, n=4, n_rooms=2, starts_at=now() - timedelta(minutes=10)
        )


@pytest.fixture
def chief(make_actor: MakeActor) -> Actor:
    return make_actor(Role.CHIEF_INVIGILATOR)


def do(actor: Actor, verb: HoldAct, sitting: Sitting, k: int, **wishes: object) -> None:
    with unit_of_work(actor) as uow:
        verb(uow, sitting.exam_session_id, sitting.people[k].attempt_id, why=WHY, **wishes)


def change(sitting: Sitting, k: int, **columns: object) -> None:
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        attempt = attempt_of(uow.session, sitting, k)
        for name, value in columns.items():
            setattr(attempt, name, value)


def test_a_pause_moves_the_deadline_by_its_length_and_is_recorded(
    session: Session, sitting: Sitting, chief: Actor
) -> None:
    begin(sitting, 0)
    before = attempt_of(session, sitting, 0).deadline_at
    assert before is not None
    do(chief, holds.pause, sitting, 0)
    assert attempt_of(session, sitting, 0).hold_reason == "停电"
    change(sitting, 0, paused_at=now() - timedelta(minutes=7))
    do(chief, holds.resume, sitting, 0)
    attempt = attempt_of(session, sitting, 0)
    assert attempt.deadline_at is not None
    assert timedelta(minutes=7) <= attempt.deadline_at - before < timedelta(minutes=8)
    assert (attempt.paused_at, attempt.hold_reason) == (None, "")
    recorded = session.scalars(select(DeadlineChange)).one()
    assert recorded.is_pause
    assert timedelta(minutes=float(recorded.minutes)) == attempt.deadline_at - before
    assert [len(incidents(session, kind)) for kind in ("pause", "resume")] == [1, 1]


def test_the_clock_never_closes_who_is_paused(session: Session, sitting: Sitting, chief: Actor) -> None:
    begin(sitting, 0, minutes_left=5)
    do(chief, holds.pause, sitting, 0)
    change(sitting, 0, deadline_at=now() - timedelta(minutes=3), paused_at=now() - timedelta(minutes=8))
    assert attempts.sweep() == 0
    do(chief, holds.resume, sitting, 0)
    attempt = attempt_of(session, sitting, 0)
    assert attempt.deadline_at is not None
    assert timedelta(minutes=4) < attempt.deadline_at - now() < timedelta(minutes=6)


def test_a_forced_hand_in_ends_the_pause_so_that_undoing_it_finds_the_time(
    session: Session, sitting: Sitting, chief: Actor
) -> None:
    begin(sitting, 0, minutes_left=1)
    do(chief, holds.pause, sitting, 0)
    change(sitting, 0, paused_at=now() - timedelta(minutes=20), deadline_at=now() - timedelta(minutes=19))
    do(chief, attempts.force_hand_in, sitting, 0)
    assert attempt_of(session, sitting, 0).paused_at is None
    do(chief, attempts.reopen, sitting, 0)
    assert attempt_of(session, sitting, 0).status is AttemptStatus.IN_PROGRESS


def test_unlocking_gives_the_time_back_only_when_asked(session: Session, sitting: Sitting, chief: Actor) -> None:
    begin(sitting, 0, 1)
    before = [attempt_of(session, sitting, k).deadline_at for k in (0, 1)]
    for k, gives_back in ((0, False), (1, True)):
        do(chief, holds.lock, sitting, k)
        change(sitting, k, locked_at=now() - timedelta(minutes=3, seconds=10))
        do(chief, holds.unlock, sitting, k, gives_back=gives_back)
    after = [attempt_of(session, sitting, k).deadline_at for k in (0, 1)]
    assert [late - early for late, early in zip(after, before, strict=True) if late and early] == [
        timedelta(0),
        timedelta(minutes=4),
    ]


@pytest.mark.parametrize("verb", [holds.pause, holds.lock])
def test_only_who_is_working_and_in_reach_can_be_stopped_and_only_once(
    sitting: Sitting, chief: Actor, make_actor: MakeActor, verb: HoldAct
) -> None:
    begin(sitting, 0)
    with pytest.raises(ConflictError, match="不在作答中"):
        do(chief, verb, sitting, 1)
    with pytest.raises(NotFoundError):
        do(invigilator_of(sitting, 1, make_actor), verb, sitting, 0)
    do(chief, verb, sitting, 0)
    with pytest.raises(ConflictError, match="已经"):
        do(chief, verb, sitting, 0)
    with pytest.raises(ConflictError, match="没有"):
        do(chief, holds.unlock if verb is holds.pause else holds.resume, sitting, 0)


def registration_of(session: Session, sitting: Sitting, k: int) -> Registration:
    return session.get_one(Registration, sitting.people[k].registration_id, populate_existing=True)


def test_who_is_turned_away_may_be_let_in_again(session: Session, sitting: Sitting, chief: Actor) -> None:
    key = sitting.people[2].registration_id
    with unit_of_work(chief) as uow:
        admitting.refuse(uow, sitting.exam_session_id, key, why=WHY)
    assert registration_of(session, sitting, 2).refused_at is not None
    assert attempt_of(session, sitting, 2).holder_generation == 1
    with unit_of_work(chief) as uow:
        admitting.check_in(uow, sitting.exam_session_id, key)
    registration = registration_of(session, sitting, 2)
    assert registration.refused_at is None
    assert registration.checked_in_at is not None
    begin(sitting, 2)
    with unit_of_work(chief) as uow, pytest.raises(ConflictError, match="已开始作答"):
        admitting.refuse(uow, sitting.exam_session_id, key, why=WHY)


def test_a_check_of_the_wrong_person_is_taken_back_until_somebody_has_signed_in_on_it(
    session: Session, sitting: Sitting, chief: Actor, desk: FlaskClient
) -> None:
    key = sitting.people[0].registration_id
    address = f"/console/{sitting.exam_session_id}/candidates/{key}"
    data = {"reason": "mistake", "note": "点错了人"}
    desk.post(f"{address}/check-in")
    assert f"{address}/undo-check-in" in desk.get(address).text
    assert "已撤销入场核验" in desk.post(f"{address}/undo-check-in", data=data, follow_redirects=True).text
    assert registration_of(session, sitting, 0).checked_in_at is None
    assert "点错了人" in desk.get(address).text
    assert "还没有核验" in desk.post(f"{address}/undo-check-in", data=data, follow_redirects=True).text
    desk.post(f"{address}/check-in")
    change(sitting, 0, signed_in_at=now())
    assert "已经登录" in desk.post(f"{address}/undo-check-in", data=data, follow_redirects=True).text
    assert registration_of(session, sitting, 0).checked_in_at is not None


def test_absence_has_a_reason_of_its_own(session: Session, sitting: Sitting, desk: FlaskClient) -> None:
    key = sitting.people[0].registration_id
    address = f"/console/{sitting.exam_session_id}/candidates/{key}"
    assert ">未到场<" in desk.get(address).text
    desk.post(f"{address}/absent", data={"reason": "no_show", "note": ""})
    assert registration_of(session, sitting, 0).status == "absent"


def move(actor: Actor, sitting: Sitting, k: int, room: uuid.UUID | None, seat: int | None) -> None:
    with unit_of_work(actor) as uow:
        admitting.move(
            uow, sitting.exam_session_id, sitting.people[k].registration_id, exam_room_id=room, seat_number=seat,
            why=Why(Reason.DEVICE, ""),
        )  # fmt: skip


def test_a_candidate_moves_to_a_free_seat_and_signs_in_anew(session: Session, sitting: Sitting, chief: Actor) -> None:
    begin(sitting, 0)
    move(chief, sitting, 0, sitting.room_ids[1], 9)
    registration, attempt = registration_of(session, sitting, 0), attempt_of(session, sitting, 0)
    assert (registration.exam_room_id, registration.seat_number) == (sitting.room_ids[1], 9)
    assert (attempt.holder_generation, attempt.device) == (1, "")
    assert "第 2 考场 261121 09" in incidents(session, "move")[0].text


def swap(actor: Actor, sitting: Sitting, k: int, code: str) -> tuple[str, str]:
    with unit_of_work(actor) as uow:
        key = sitting.people[k].registration_id
        return admitting.swap_device(uow, sitting.exam_session_id, key, code=code, why=Why(Reason.DEVICE, ""))


def test_a_spare_machine_takes_the_place_of_a_broken_one_and_the_candidate_signs_in_anew(
    session: Session, sitting: Sitting, chief: Actor, make_actor: MakeActor, sign_in: SignIn
) -> None:
    room, other = sitting.room_ids
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        devices.save_list(uow, room, "1 PC-01\n2 PC-02\n9 PC-09")
        devices.save_list(uow, other, "1 PC-51\n8 PC-58")
    begin(sitting, 0)
    generation = attempt_of(session, sitting, 0).holder_generation
    client = sign_in(Role.CHIEF_INVIGILATOR)
    address = f"/console/{sitting.exam_session_id}/candidates/{sitting.people[0].registration_id}"
    assert "现在是 PC-01" in client.get(address).text
    data = {"device": "PC-09", "reason": "device"}
    done = client.post(f"{address}/swap-device", data=data, follow_redirects=True)
    assert "已换机器" in done.text
    session.expire_all()
    attempt = attempt_of(session, sitting, 0)
    assert (attempt.holder_generation, attempt.device, attempt.status) == (
        generation + 1,
        "",
        AttemptStatus.IN_PROGRESS,
    )
    places = {row.code: (row.exam_room_id, row.seat_number) for row in session.scalars(select(RoomDevice))}
    assert (places["PC-09"], places["PC-01"]) == ((room, 1), (room, None)), "the broken one goes into store"
    assert [note.text for note in incidents(session, "swap_device")] == ["PC-01 → PC-09 设备故障"]
    assert swap(chief, sitting, 0, "PC-58") == ("PC-09", "PC-58"), "a spare of another room comes along"
    with pytest.raises(ConflictError, match="本场另一名考生"):
        swap(chief, sitting, 0, "PC-02")
    with pytest.raises(ConflictError, match="已在这个座位"):
        swap(chief, sitting, 0, "PC-58")
    with pytest.raises(InvalidInputError, match="没有登记"):
        swap(chief, sitting, 0, "PC-99")
    with pytest.raises(NotFoundError):
        swap(make_actor(Role.INVIGILATOR), sitting, 0, "PC-09")


def test_nobody_moves_to_a_taken_seat_or_out_of_reach(sitting: Sitting, chief: Actor, make_actor: MakeActor) -> None:
    with pytest.raises(ConflictError, match="已有考生"):
        move(chief, sitting, 0, sitting.room_ids[0], 2)
    with pytest.raises(ConflictError, match="已在这个座位"):
        move(chief, sitting, 0, sitting.room_ids[0], 1)
    with pytest.raises(InvalidInputError, match="1–500"):
        move(chief, sitting, 0, sitting.room_ids[0], 501)
    with pytest.raises(NotFoundError):
        move(invigilator_of(sitting, 0, make_actor), sitting, 0, sitting.room_ids[1], 9)


def at(minutes: float) -> Span:
    return Span(START + timedelta(minutes=minutes), START + timedelta(minutes=minutes + 2))


@pytest.mark.parametrize(
    ("noted", "last", "ended", "rest"),
    [
        ([], 59.9, None, ([], 0, 0, 0)),
        ([at(10), at(20)], 60, None, ([], 0, 240, 4)),
        ([at(10)], 58.5, None, ([], 0, 210, 4)),
        ([at(10)], 58.5, None, ([], 3, 210, 1)),
        ([at(10)], 60, None, ([], 5, 120, 0)),
        ([at(10)], 60, None, ([at(11)], 0, 60, 1)),
        ([at(10)], 60, None, ([at(10)], 0, 0, 0)),
        ([at(39)], 40, 40, ([], 0, 60, 1)),
        ([], 30, 40, ([], 0, 600, 10)),
    ],
)
def test_the_proposal_counts_silences_up_to_the_end_less_pauses_and_what_was_given(
    noted: list[Span], last: float, ended: float | None, rest: tuple[list[Span], int, int, int]
) -> None:
    pauses, given, seconds, minutes = rest
    found = lost_time(
        noted, last_contact_at=START + timedelta(minutes=last),
        ended_at=START + timedelta(minutes=ended) if ended else None, at=START + timedelta(minutes=60),
        pauses=pauses, given_minutes=given,
    )  # fmt: skip
    assert (found.seconds, found.minutes) == (seconds, minutes)


def test_every_state_and_act_is_known() -> None:
    assert set(POSSIBLE) == set(SeatState)
    assert set(ACT_LABELS) == set(Act)
    assert acts_for(SeatState.SUBMITTED, submit_kind="candidate") == {Act.NOTE}
    assert Act.REOPEN in acts_for(SeatState.SUBMITTED, submit_kind="forced")
    assert Act.CHECK_IN not in acts_for(SeatState.WAITING, is_checked_in=True)


@pytest.fixture
def desk(sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.CHIEF_INVIGILATOR)


def lose(sitting: Sitting, k: int, *, minutes: int) -> None:
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        start = now() - timedelta(minutes=9)
        uow.add(
            ContactGap(
                attempt_id=sitting.people[k].attempt_id, started_at=start, ended_at=start + timedelta(minutes=minutes)
            )
        )


def test_the_room_is_offered_what_each_lost_and_gives_it_to_the_chosen(
    session: Session, sitting: Sitting, desk: FlaskClient
) -> None:
    begin(sitting, 0, 1)
    lose(sitting, 0, minutes=4)
    lose(sitting, 1, minutes=2)
    base = f"/console/{sitting.exam_session_id}"
    page = desk.get(f"{base}/lost-time").text
    assert "4 分 0 秒" in page
    assert "考生3" not in page
    keys = [str(sitting.people[k].attempt_id) for k in (0, 1)]
    data = {"selected": keys, f"minutes-{keys[0]}": "4", f"minutes-{keys[1]}": "2", "reason": "network", "note": ""}
    assert "已为 2 名考生延时" in desk.post(f"{base}/lost-time", data=data, follow_redirects=True).text
    given = {row.attempt_id: int(row.minutes) for row in session.scalars(select(DeadlineChange))}
    assert given == {sitting.people[0].attempt_id: 4, sitting.people[1].attempt_id: 2}
    drawer = desk.get(f"{base}/candidates/{sitting.people[0].registration_id}").text
    assert "已补 4 分钟，建议补 0 分钟" in drawer


def test_an_act_for_several_leaves_out_whom_it_does_not_fit_and_names_them(
    session: Session, sitting: Sitting, desk: FlaskClient
) -> None:
    begin(sitting, 0, 1)
    selected = [str(sitting.people[k].registration_id) for k in (0, 1, 2)]
    data = {"act": "pause", "selected": selected, "reason": "power", "note": ""}
    reply = desk.post(f"/console/{sitting.exam_session_id}/selected", data=data, follow_redirects=True).text
    assert "已处理 2 人；1 人未处理：考生3（考生不在作答中" in reply
    assert attempt_of(session, sitting, 1).paused_at is not None
    assert "已暂停" in reply
    everybody = {"reason": "power", "note": ""}
    address = f"/console/{sitting.exam_session_id}/room-acts/resume"
    assert "已处理 2 人" in desk.post(address, data=everybody, follow_redirects=True).text
    assert attempt_of(session, sitting, 1).paused_at is None


@pytest.mark.parametrize(
    "data", [{"act": "pause"}, {"act": "pause", "selected": "x"}, {"act": "move", "reason": "power"}]
)
def test_an_act_for_several_needs_people_a_reason_and_to_be_one_of_those_for_many(
    sitting: Sitting, desk: FlaskClient, data: dict[str, str]
) -> None:
    begin(sitting, 0)
    chosen = {"selected": str(sitting.people[0].registration_id)} | data if data["act"] == "move" else data
    reply = desk.post(f"/console/{sitting.exam_session_id}/selected", data=chosen, follow_redirects=True)
    assert "请选择考生和操作" in reply.text


def test_the_page_shows_what_fits_the_state(sitting: Sitting, desk: FlaskClient, chief: Actor) -> None:
    begin(sitting, 0)
    href = f"/console/{sitting.exam_session_id}/candidates/{sitting.people[0].registration_id}"
    assert f"{href}/pause" in desk.get(href).text
    do(chief, holds.lock, sitting, 0)
    page = desk.get(href).text
    assert f"{href}/unlock" in page
    assert f"{href}/pause" not in page
    data = {"reason": "power", "note": "", "gives_back": "1"}
    assert "已解锁" in desk.post(f"{href}/unlock", data=data, follow_redirects=True).text


def test_acts_of_another_organisation_or_role_are_refused(
    sitting: Sitting, sign_in: SignIn, other_organisation: Organisation
) -> None:
    begin(sitting, 0)
    stranger = sign_in(Role.CHIEF_INVIGILATOR, organisation_id=other_organisation.organisation_id)
    base = f"/console/{sitting.exam_session_id}"
    person = f"{base}/candidates/{sitting.people[0].registration_id}"
    why = {"reason": "power", "note": ""}
    for address in (f"{person}/pause", f"{person}/check-in", f"{base}/room-acts/pause"):
        assert stranger.post(address, data=why).status_code == 404
        assert sign_in(Role.MARKER).post(address, data=why).status_code == 403
    assert stranger.get(f"{base}/lost-time").status_code == 404
    assert console.PRESENT >= console.AT_WORK


@pytest.mark.parametrize(("minutes", "n_steps"), [(5, 0), (20, 1)])
def test_the_clock_leaves_a_session_open_for_a_while_when_it_collected_somebody(
    session: Session, sitting: Sitting, chief: Actor, minutes: int, n_steps: int
) -> None:
    begin(sitting, 0, minutes_left=-minutes)
    assert attempts.sweep() == 1
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        row = uow.session.get_one(ExamSession, sitting.exam_session_id)
        row.starts_at, row.ends_at = now() - timedelta(hours=2), now() - timedelta(minutes=minutes)
        uow.session.execute(update(Attempt).values(latest_start_at=row.starts_at))
    assert running.follow_the_clock() == n_steps
    if not n_steps:
        with unit_of_work(chief) as uow:
            assert attempts.add_time(uow, sitting.exam_session_id, minutes=10, why=WHY) == 4
        assert attempt_of(session, sitting, 0).status is AttemptStatus.IN_PROGRESS

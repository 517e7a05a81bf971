"""The gate before a session: what a seat measures, who may see it, and what opening needs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from re import match as matches
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_delivery.answering.static import PlayerFiles
from exam_delivery.models import (
    ExamSession,
    LoadTrial,
    ReadinessOverride,
    RoomCheckCode,
    SeatCheck,
    SessionLockdown,
    SessionStatus,
)
from exam_delivery.rules import readiness_keys, seb
from exam_delivery.rules.lockdown import LockdownMode
from exam_delivery.rules.readiness import SeatFigures, judge, judge_trial, read_figures
from exam_delivery.rules.seb import SebOptions
from exam_delivery.services import load_trials, readiness_gate, room_checks, running
from kernel import profiles
from kernel.clock import now, today
from kernel.errors import ConflictError, InvalidInputError
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.profiles.registry import all_keys
from kernel.uow import unit_of_work
from tests.conftest import SignIn
from tests.exam_delivery.sitting_cases import Sitting, prepare

CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
LIMITS = {name: key.default for name, key in all_keys().items()}
GOOD: dict[str, Any] = {
    "clock_skew_ms": 200, "round_trips_ms": [8, 9, 30], "n_lost": 0, "can_store": True, "storage_mb": 4000,
    "width": 1920, "height": 1080, "is_secure": True, "has_crypto": True,
}  # fmt: skip


@pytest.fixture
def sitting(session: Session, organisation: Organisation) -> Sitting:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        found = prepare(uow.session, organisation.organisation_id, n=4, n_rooms=2, starts_at=now() + timedelta(hours=1))
        uow.session.get_one(ExamSession, found.exam_session_id).status = SessionStatus.PREPARED
    return found


@pytest.fixture
def officer(sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.EXAM_OFFICER)


@pytest.fixture
def technician(app: Any) -> FlaskClient:
    """Somebody without an account."""
    client: FlaskClient = app.test_client()
    return client


def at(sitting: Sitting, tail: str = "") -> str:
    return f"/exam-sessions/{sitting.exam_session_id}/readiness{tail}"


def codes(session: Session, sitting: Sitting) -> list[str]:
    session.expire_all()
    rows = session.scalars(select(RoomCheckCode).where(RoomCheckCode.exam_session_id == sitting.exam_session_id))
    by_room = {row.exam_room_id: row.code for row in rows}
    return [by_room[key] for key in sitting.room_ids]


@pytest.fixture
def code(session: Session, sitting: Sitting, officer: FlaskClient) -> str:
    assert officer.post(at(sitting, "/codes")).status_code == 303
    return codes(session, sitting)[0]


def hand_in(client: FlaskClient, code: str, seat: int, figures: Any = None, **headers: str) -> Any:
    body = GOOD if figures is None else figures
    return client.post(f"/room-check/{code}/seats/{seat}", json=body, headers={"User-Agent": CHROME} | headers)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"n_lost": 2}, ["network_lost"]),
        ({"round_trips_ms": []}, ["network_lost"]),
        ({"round_trips_ms": [900, 800, 20]}, ["network_slow"]),
        ({"can_store": False}, ["storage_refused"]),
        ({"storage_mb": 3}, ["storage_small"]),
    ],
)
def test_what_endangers_answers_keeps_a_seat_from_being_ready(changes: dict[str, Any], found: list[str]) -> None:
    codes_found, is_ready = judge(read_figures(GOOD | changes), CHROME, LIMITS, lacks_seb=False)
    assert (codes_found, is_ready) == (found, not found)


@pytest.mark.parametrize(
    ("changes", "agent", "found"),
    [
        ({"storage_mb": -1}, CHROME, []),
        ({"clock_skew_ms": -500_000}, CHROME, ["clock_off"]),
        ({"width": 800}, CHROME, ["screen_small"]),
        ({"is_secure": False}, CHROME, ["no_crypto"]),
        ({}, "unknown", ["browser_unknown"]),
    ],
)
def test_what_endangers_nothing_is_a_hint(changes: dict[str, Any], agent: str, found: list[str]) -> None:
    assert judge(read_figures(GOOD | changes), agent, LIMITS, lacks_seb=False) == (found, True)


def test_an_old_browser_and_a_missing_safe_exam_browser_block() -> None:
    old = CHROME.replace("120", "78")
    assert judge(read_figures(GOOD), old, LIMITS, lacks_seb=True) == (["browser_old", "seb_missing"], False)


@pytest.mark.parametrize(
    ("agent", "found"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:91.0) Gecko/20100101 Firefox/91.0", ["browser_old"]),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:98.0) Gecko/20100101 Firefox/98.0", []),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Version/15.3 Safari/605.1.15 SEB/3.1", ["browser_old"]),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Version/15.4 Safari/605.1.15 SEB/3.1", []),
    ],
)
def test_a_browser_without_dialogs_in_which_nobody_could_hand_in_keeps_a_seat_from_being_ready(
    agent: str, found: list[str]
) -> None:
    assert judge(read_figures(GOOD), agent, LIMITS, lacks_seb=False) == (found, not found)


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        {},
        GOOD | {"width": "wide"},
        GOOD | {"width": True},
        GOOD | {"round_trips_ms": ["x"]},
        GOOD | {"n_lost": 1e300},
    ],
)
def test_nonsense_is_no_check(raw: Any) -> None:
    with pytest.raises(InvalidInputError):
        read_figures(raw)


def test_a_technician_checks_seats_with_a_code_and_learns_nothing_about_people(
    session: Session, sitting: Sitting, officer: FlaskClient, technician: FlaskClient, code: str
) -> None:
    assert technician.get("/room-check/").status_code == 200
    page = technician.get(
        "/room-check/", query_string={"code": f" {code.lower()[:5]}-{code.lower()[5:]}"}, follow_redirects=True
    )
    assert (page.status_code, "第 1 考场" in page.text) == (200, True)
    answer = hand_in(technician, code, 1)
    assert answer.json == {"seat": 1, "is_ready": True, "findings": []}
    assert technician.get(f"/room-check/{code}/clock").json["now"].endswith("Z")
    shown = page.text + answer.text
    assert not any(word in shown for word in ("考生1", *(one.admission_number for one in sitting.people)))
    row = session.scalars(select(SeatCheck)).one()
    assert (row.seat_number, row.is_ready, row.figures["round_trip_ms"]) == (1, True, 9)


def test_a_blocked_seat_is_told_what_to_do(technician: FlaskClient, code: str) -> None:
    answer = hand_in(technician, code, 1, GOOD | {"can_store": False}).json
    assert answer["is_ready"] is False
    assert answer["findings"][0]["is_blocking"] is True
    assert "无痕模式" in answer["findings"][0]["todo"]


def test_seats_that_do_not_exist_nonsense_and_haste_are_refused(technician: FlaskClient, code: str) -> None:
    assert hand_in(technician, code, 0).status_code == 422
    assert hand_in(technician, code, 501).status_code == 422
    assert hand_in(technician, code, 1, {"width": 1}).status_code == 422
    assert hand_in(technician, code, 1).status_code == 200
    assert hand_in(technician, code, 1).status_code == 429


def test_guessing_codes_is_stopped(technician: FlaskClient, code: str) -> None:
    tries = [technician.get(f"/room-check/NOTACODE{n:02}").status_code for n in range(20)]
    assert set(tries) == {404}
    assert technician.get(f"/room-check/{code}").status_code == 429
    assert hand_in(technician, code, 1).status_code == 429


def test_a_code_ends_with_its_session_and_with_a_new_one(
    session: Session, sitting: Sitting, officer: FlaskClient, technician: FlaskClient, code: str
) -> None:
    assert officer.post(at(sitting, "/codes")).status_code == 303
    assert codes(session, sitting)[0] == code
    officer.post(at(sitting, "/codes"), data={"renew": "1"})
    fresh = codes(session, sitting)[0]
    assert technician.get(f"/room-check/{code}").status_code == 404
    assert technician.get(f"/room-check/{fresh}").status_code == 200
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        uow.session.get_one(ExamSession, sitting.exam_session_id).status = SessionStatus.CLOSED
    assert technician.get(f"/room-check/{fresh}").status_code == 404


def test_where_safe_exam_browser_is_needed_the_seat_must_prove_it(
    sitting: Sitting, technician: FlaskClient, code: str
) -> None:
    key, base = "a" * 64, "https://exam.example.cn"
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        uow.add(
            SessionLockdown(
                exam_session_id=sitting.exam_session_id, organisation_id=sitting.organisation_id,
                mode=LockdownMode.SEB, base_url=base, options={}, config_key=key, exam_keys=[], launch_code="c",
                settings_file=b"", changed_at=now(),
            )
        )  # fmt: skip
    assert f"技术人员：检查这台考试机”，输入考场代码 {code}" in technician.get(f"/room-check/{code}").text
    assert hand_in(technician, code, 1).json["is_ready"] is False
    path = f"/room-check/{code}/seats/2"
    proof = {"X-SafeExamBrowser-ConfigKeyHash": seb.request_hash(base + path, key)}
    assert hand_in(technician, code, 2, **proof).json["is_ready"] is True
    page = f"{base}/room-check/{code}"
    proof = {"X-Kaoku-Seb-Page": page, "X-Kaoku-Seb-Config": seb.request_hash(page, key)}
    assert hand_in(technician, code, 3, **proof).json["is_ready"] is True


def test_the_check_is_reached_and_left_by_links_where_no_address_can_be_typed(
    technician: FlaskClient, code: str
) -> None:
    entry = PlayerFiles().files["views/before.js"]
    assert b'href: "/room-check/"' in entry[2]
    [rule] = seb.make_settings(SebOptions("https://exam.example.cn"), b"s" * 32)["URLFilterRules"]
    for path in ("/room-check/", f"/room-check/{code}"):
        assert matches(rule["expression"], f"https://exam.example.cn{path}")
        assert 'href="/exam/">回到考生登录页' in technician.get(path).text


def test_the_gate_names_every_blocker_and_turns_green_when_all_is_done(
    session: Session, sitting: Sitting, officer: FlaskClient, technician: FlaskClient, code: str
) -> None:
    page = officer.get(at(sitting)).text
    assert "2 个座位还没有检查（通过 0 / 2）" in page
    assert "有 2 名考生，监考员 0 名，应有 2 名" in page
    for room_code in codes(session, sitting):
        for seat in (1, 2):
            assert hand_in(technician, room_code, seat).json["is_ready"]
    staff(sitting, "a")
    assert "有 2 名考生，监考员 1 名，应有 2 名" in officer.get(at(sitting)).text, (
        "two in every room, however few sit in it"
    )
    staff(sitting, "a", "b")
    assert "可以开放" in officer.get(at(sitting)).text
    officer.post(at(sitting, "/forget"))
    assert "2 个座位还没有检查" in officer.get(at(sitting)).text


def staff(sitting: Sitting, *names: str) -> None:
    from exam_delivery.models import SessionRoom

    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        for number, key in enumerate(sitting.room_ids):
            uow.session.get_one(SessionRoom, (sitting.exam_session_id, key)).invigilator_ids = [
                f"{number}{name}" for name in names
            ]


def test_a_full_disk_and_an_old_check_are_blockers(
    session: Session, sitting: Sitting, technician: FlaskClient, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in(technician, code, 1)
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        uow.session.scalars(select(SeatCheck)).one().checked_at = now() - timedelta(days=4)
    monkeypatch.setattr(readiness_gate.shutil, "disk_usage", lambda _folder: type("Usage", (), {"free": 2**30})())
    gate = readiness_gate.view_gate(
        session, system_actor(sitting.organisation_id), sitting.exam_session_id, folder=Path()
    )
    told = [line.text for line in gate.blocked_one_by_one]
    assert "服务器磁盘只剩 1.0 GB，应有 5 GB" in told
    assert any("2 个座位还没有检查" in line for line in told)


@pytest.mark.parametrize("tail", ["/codes", "/forget", "/load-trial"])
def test_the_gate_is_for_officers_of_the_house(
    sitting: Sitting, sign_in: SignIn, other_organisation: Organisation, tail: str
) -> None:
    stranger = sign_in(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    chief, marker = sign_in(Role.CHIEF_INVIGILATOR), sign_in(Role.MARKER)
    assert (stranger.get(at(sitting)).status_code, stranger.post(at(sitting, tail)).status_code) == (404, 404)
    assert (chief.get(at(sitting)).status_code, chief.post(at(sitting, tail)).status_code) == (200, 403)
    assert (marker.get(at(sitting)).status_code, marker.post(at(sitting, tail)).status_code) == (403, 403)


def set_policy(sitting: Sitting, policy: str) -> None:
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        profiles.publish(uow, {readiness_keys.GATE: policy}, effective_on=today(), note="测试")


def status_of(session: Session, sitting: Sitting) -> SessionStatus:
    session.expire_all()
    return session.get_one(ExamSession, sitting.exam_session_id).status


def test_where_the_profile_refuses_opening_needs_a_reason_and_the_reason_stays(
    session: Session, sitting: Sitting, officer: FlaskClient
) -> None:
    set_policy(sitting, readiness_keys.GATE_REFUSE)
    address = f"/exam-sessions/{sitting.exam_session_id}"
    refused = officer.post(f"{address}/open", follow_redirects=True)
    assert "不能开放；确需开放请写明理由" in refused.text
    assert status_of(session, sitting) is SessionStatus.PREPARED
    officer.post(f"{address}/open", data={"reason": "机房刚通电，现场逐台看过"})
    assert status_of(session, sitting) is SessionStatus.OPEN
    row = session.scalars(select(ReadinessOverride)).one()
    assert "监考员 0 名" in " ".join(row.blockers)
    assert "现场逐台看过" in officer.get(at(sitting)).text


def test_by_default_the_gate_warns_and_lets_pass(session: Session, sitting: Sitting, officer: FlaskClient) -> None:
    address = f"/exam-sessions/{sitting.exam_session_id}"
    assert "考场检查还有" in officer.get(address).text
    officer.post(f"{address}/open")
    assert status_of(session, sitting) is SessionStatus.OPEN
    assert session.scalars(select(ReadinessOverride)).all() == []


@pytest.mark.parametrize(("policy", "n_opened"), [("GATE_REFUSE", 0), ("GATE_WARN", 1), ("GATE_OFF", 1)])
def test_the_clock_leaves_a_session_closed_where_a_person_must_decide(
    session: Session, sitting: Sitting, officer: FlaskClient, policy: str, n_opened: int
) -> None:
    set_policy(sitting, getattr(readiness_keys, policy))
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        uow.session.get_one(ExamSession, sitting.exam_session_id).opens_at = now() - timedelta(minutes=1)
    assert running.follow_the_clock() == n_opened
    assert (status_of(session, sitting) is SessionStatus.OPEN) is bool(n_opened)
    assert ("到时间还没有开放的场次" in officer.get("/").text) is not bool(n_opened)


def test_a_trial_is_kept_with_its_judgement_and_asked_for_once(
    session: Session, sitting: Sitting, officer: FlaskClient
) -> None:
    assert officer.post(at(sitting, "/load-trial")).status_code == 303
    trial = session.scalars(select(LoadTrial)).one()
    assert trial.n_candidates == 4
    assert "正在进行" in officer.post(at(sitting, "/load-trial"), follow_redirects=True).text
    figures = {
        "n_calls": 40, "n_errors": 0, "n_lost": 0, "sign_in_p50_ms": 5, "form_p50_ms": 3, "save_p50_ms": 4,
        "save_p99_ms": 20.0, "saves_per_second": 500,
    }  # fmt: skip
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        assert load_trials.keep_trial(uow, trial.load_trial_id, figures).is_ready
    assert "模拟负载通过：4 人" in officer.get(at(sitting)).text
    assert not judge_trial(figures | {"n_lost": 1}, LIMITS)
    assert not judge_trial(figures | {"save_p99_ms": 1500}, LIMITS)


def test_no_trial_runs_while_anybody_sits(session: Session, sitting: Sitting) -> None:
    from exam_delivery.models import Attempt, AttemptStatus

    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        attempt = uow.session.get_one(Attempt, sitting.people[0].attempt_id)
        attempt.status, attempt.started_at, attempt.deadline_at = AttemptStatus.IN_PROGRESS, now(), now()
    with unit_of_work(system_actor(sitting.organisation_id)) as uow, pytest.raises(ConflictError, match="正在作答"):
        load_trials.request_trial(uow, sitting.exam_session_id)


def test_codes_are_typed_however_people_write_them() -> None:
    assert room_checks.typed_code(" abcde-fgh23 ") == "ABCDEFGH23"
    assert len({room_checks.new_code() for _ in range(50)}) == 50


def test_figures_keep_the_middle_of_the_round_trips() -> None:
    figures = SeatFigures(
        0, (5, 100, 7), 0, can_store=True, storage_mb=1, width=1, height=1, is_secure=True, has_crypto=True
    )
    assert figures.round_trip_ms == 7

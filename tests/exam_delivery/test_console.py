"""The console in the browser's eyes: who sees which room, what changed, every act as a form."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy import event
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Attempt,
    AttemptStatus,
    CandidatePhoto,
    ExamSession,
    Incident,
    Registration,
    SessionRoom,
    SessionStatus,
)
from exam_delivery.pages.console_lines import Changing
from exam_delivery.pages.console_news import MAX_MARKS, marks_of, news
from exam_delivery.rules.room import SeatFacts, SeatState, extended, seat_state
from exam_delivery.services import personal
from kernel import clock
from kernel.clock import now
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.conftest import MakeUser, SignIn
from tests.exam_delivery.sitting_cases import START, Sitting, prepare
from tests.exam_delivery.test_attempts import begin
from tests.pages import words


@pytest.fixture
def sitting(session: Session, organisation: Organisation) -> Sitting:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        return prepare(
            uow.session, organisation.organisation_id, n=4, n_rooms=2, starts_at=now() - timedelta(minutes=10)
        )


@pytest.fixture
def chief(sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.CHIEF_INVIGILATOR)


@pytest.fixture
def invigilator(sitting: Sitting, sign_in: SignIn, make_user: MakeUser) -> FlaskClient:
    user = make_user(Role.INVIGILATOR)
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        uow.session.get_one(SessionRoom, (sitting.exam_session_id, sitting.room_ids[0])).invigilator_ids = [
            str(user.user_id)
        ]
    return sign_in(user=user)


def address(sitting: Sitting, tail: str = "") -> str:
    return f"/console/{sitting.exam_session_id}{tail}"


def test_the_list_shows_only_sessions_in_which_one_looks_after_a_room(
    invigilator: FlaskClient, sign_in: SignIn
) -> None:
    assert "上午第一场" in invigilator.get("/console/").text
    assert "现在没有您负责的场次" in sign_in(Role.INVIGILATOR).get("/console/").text


def test_an_invigilator_sees_the_own_room_and_the_chief_sees_all(
    sitting: Sitting, invigilator: FlaskClient, chief: FlaskClient
) -> None:
    mine, everything = invigilator.get(address(sitting)).text, chief.get(address(sitting)).text
    assert "考生1" in mine
    assert "考生2" not in mine
    assert "考生2" in everything
    assert invigilator.get(address(sitting, f"?room={sitting.room_ids[1]}")).status_code == 404
    assert invigilator.get(address(sitting, f"/candidates/{sitting.people[1].registration_id}")).status_code == 404


def test_other_organisations_and_roles_get_nothing(
    sitting: Sitting, sign_in: SignIn, other_organisation: Organisation
) -> None:
    stranger = sign_in(Role.CHIEF_INVIGILATOR, organisation_id=other_organisation.organisation_id)
    for tail in ("", "/state", f"/candidates/{sitting.people[0].registration_id}"):
        assert stranger.get(address(sitting, tail)).status_code == 404
        assert sign_in(Role.MARKER).get(address(sitting, tail)).status_code == 403


def test_counters_and_states_say_who_is_where(sitting: Sitting, chief: FlaskClient) -> None:
    begin(sitting, 0, 1)
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        uow.session.get_one(Attempt, sitting.people[1].attempt_id).last_contact_at = now() - timedelta(seconds=40)
        uow.session.get_one(Registration, sitting.people[3].registration_id).status = "absent"  # type: ignore[assignment]
    answer = chief.get(address(sitting, "/state")).get_json()
    states = {seat["key"]: seat["state"] for seat in answer["seats"]}
    assert [states[str(p.registration_id)] for p in sitting.people] == ["working", "offline", "not_arrived", "absent"]
    assert answer["seats"][0]["state"] == "offline"
    assert answer["counters"] == {
        "n_issues": 1, "n_expected": 4, "n_present": 2, "n_working": 2, "n_offline": 1, "n_submitted": 0, "n_absent": 1,
    }  # fmt: skip


def test_a_device_is_named_in_words_and_its_own_words_can_be_read_beside_it(
    sitting: Sitting, chief: FlaskClient
) -> None:
    begin(sitting, 0)
    line = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/108.0.5359.125 Safari/537.36 SEB/3.7.0"
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        uow.session.get_one(Attempt, sitting.people[0].attempt_id).device = f"10.0.0.7 {line}"
    page = html.document_fromstring(
        chief.get(address(sitting, f"/candidates/{sitting.people[0].registration_id}")).text
    )
    facts = {term.text_content(): term.getnext().text_content() for term in page.xpath("//dt")}
    assert facts["设备"] == "10.0.0.7 SEB 3.7 · Windows 10/11"
    assert [one.text_content() for one in page.xpath("//details[contains(@class, 'device-line')]/code")] == [line]


class Page:
    """A room's page in a browser: shows what it is told, and says so at the next poll."""

    def __init__(self, client: FlaskClient, sitting: Sitting) -> None:
        self.client, self.path = client, address(sitting, "/state")
        text = client.get(address(sitting)).text
        self.shown = unescape(text.partition('data-shown="')[2].partition('"')[0])

    def poll(self, *, arrives: bool = True) -> list[tuple[str, str]]:
        """Return key and state of whoever is told; an answer that does not arrive leaves the page as it was."""
        answer = self.client.get(self.path, headers={"X-Kaoku-Shown": self.shown}).get_json()
        self.shown = answer["shown"] if arrives else self.shown
        return [(seat["key"], seat["state"]) for seat in answer["seats"]]


def test_the_poll_tells_only_what_the_page_does_not_show(sitting: Sitting, chief: FlaskClient) -> None:
    begin(sitting, 0, 1)
    keys = [str(person.registration_id) for person in sitting.people]
    page = Page(chief, sitting)
    assert page.poll() == page.poll() == []
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        uow.session.get_one(Attempt, sitting.people[1].attempt_id).n_answered = 3
    assert page.poll(arrives=False) == [(keys[1], "working")]  # told until it has arrived
    assert page.poll() == [(keys[1], "working")]
    assert page.poll() == []
    for nonsense in ("", "nonsense", "AAAA", page.shown[:-8]):
        everybody = chief.get(page.path, headers={"X-Kaoku-Shown": nonsense}).get_json()["seats"]
        assert {seat["key"] for seat in everybody} == set(keys)


def test_silence_that_became_too_long_is_news_though_nobody_wrote_anything(
    sitting: Sitting, chief: FlaskClient
) -> None:
    begin(sitting, 0, 1)
    page = Page(chief, sitting)
    with clock.shifted(timedelta(seconds=40)):
        assert {state for _key, state in page.poll()} == {"offline"}
        assert page.poll() == []


def test_a_change_that_is_dated_before_the_last_poll_and_committed_after_it_is_told(
    sitting: Sitting, chief: FlaskClient
) -> None:
    begin(sitting, 0, 1)
    page = Page(chief, sitting)
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        attempt = uow.session.get_one(Attempt, sitting.people[0].attempt_id)
        attempt.last_contact_at = now() - timedelta(
            minutes=3
        )  # as a machine with a slow clock dates it, or a slow transaction
    assert page.poll() == [(str(sitting.people[0].registration_id), "offline")]


def test_an_act_is_news_for_the_next_poll(sitting: Sitting, chief: FlaskClient) -> None:
    page, person = Page(chief, sitting), sitting.people[2]
    chief.post(
        address(sitting, f"/candidates/{person.registration_id}/absent"), data={"reason": "other", "note": "未到"}
    )
    assert page.poll() == [(str(person.registration_id), "absent")]


def test_a_page_with_more_rows_than_a_header_holds_is_told_all_of_them() -> None:
    line = Changing(key="", state="working", rank=9, answered="1 / 5", contact="", deadline="", device="", flag="")
    few, many = ([Changing(**{**line, "key": str(k)}) for k in range(n)] for n in (MAX_MARKS, MAX_MARKS + 1))
    assert len(marks_of(few)) < 8000
    assert news(few, marks_of(few)) == []
    assert news(few[:-1], marks_of(few)) == few[:-1]
    assert news(many, marks_of(many)) == many


@pytest.mark.parametrize("view", ["", "?view=seats"])
def test_the_room_is_a_whole_page_without_scripts(sitting: Sitting, chief: FlaskClient, view: str) -> None:
    begin(sitting, 0)
    page = chief.get(address(sitting, view)).text
    for text in ("应到", "实到", "在考", "离线", "已交", "作答中", "未到", "延时", "情况记录"):
        assert text in page
    assert "1101" not in words(page)


def test_the_photo_stands_beside_the_facts_for_whoever_looks_after_the_room(
    sitting: Sitting, invigilator: FlaskClient, chief: FlaskClient, session: Session
) -> None:
    mine, other = sitting.people[0], sitting.people[1]
    for person in (mine, other):
        candidate_id = session.get_one(Registration, person.registration_id).candidate_id
        photo = personal.seal_bytes(b"\xff\xd8 a face", place=f"candidate_photos|ciphertext|{candidate_id}")
        session.add(
            CandidatePhoto(candidate_id=candidate_id, organisation_id=sitting.organisation_id, ciphertext=photo)
        )
    session.flush()
    href = address(sitting, f"/candidates/{mine.registration_id}/photo")
    assert href in invigilator.get(address(sitting, f"/candidates/{mine.registration_id}")).text
    shown = invigilator.get(href)
    assert (shown.data, shown.mimetype, bool(shown.cache_control.no_cache)) == (b"\xff\xd8 a face", "image/jpeg", True)
    assert invigilator.get(address(sitting, f"/candidates/{other.registration_id}/photo")).status_code == 404
    without = address(sitting, f"/candidates/{sitting.people[2].registration_id}")
    assert (chief.get(f"{without}/photo").status_code, "/photo" in chief.get(without).text) == (404, False)


def test_a_finished_room_offers_no_pause(sitting: Sitting, chief: FlaskClient, session: Session) -> None:
    assert "全部暂停" in chief.get(address(sitting)).text
    session.get_one(ExamSession, sitting.exam_session_id).status = SessionStatus.CLOSED
    session.flush()
    page = chief.get(address(sitting)).text
    assert "全部暂停" not in page
    assert "延时" in page


def test_a_candidate_opens_in_the_drawer_and_as_a_page(sitting: Sitting, chief: FlaskClient) -> None:
    begin(sitting, 0)
    href = address(sitting, f"/candidates/{sitting.people[0].registration_id}")
    page, fragment = chief.get(href).text, chief.get(href, headers={"HX-Request": "true"}).text
    assert page.lstrip().lower().startswith("<!doctype")
    assert "<html" not in fragment
    for text in ("考生1", "强制收卷", "重置登录", "延时"):
        assert text in page
        assert text in fragment


def test_the_acts_work_as_plain_forms(session: Session, sitting: Sitting, chief: FlaskClient) -> None:
    begin(sitting, 0)
    base = address(sitting, f"/candidates/{sitting.people[0].registration_id}")
    steps = [
        ("add-time", {"minutes": "10", "reason": "power", "note": ""}, "已延时"),
        ("reset-sign-in", {"reason": "device", "note": ""}, "已重置登录"),
        ("force-hand-in", {"reason": "misconduct", "note": "夹带"}, "已收卷"),
        ("reopen", {"reason": "mistake", "note": ""}, "已撤销收卷"),
        ("note", {"text": "换了一台鼠标"}, "情况已记录"),
    ]
    for act, data, said in steps:
        assert said in chief.post(f"{base}/{act}", data=data, follow_redirects=True).text
    attempt = session.get_one(Attempt, sitting.people[0].attempt_id, populate_existing=True)
    assert (attempt.status, attempt.holder_generation) == (AttemptStatus.IN_PROGRESS, 1)
    page = chief.get(address(sitting)).text
    assert "换了一台鼠标" in page
    assert "夹带" in page


def test_an_act_without_a_reason_is_refused_with_words(session: Session, sitting: Sitting, chief: FlaskClient) -> None:
    begin(sitting, 0)
    base = address(sitting, f"/candidates/{sitting.people[0].registration_id}")
    assert "请选择原因" in chief.post(f"{base}/force-hand-in", data={}, follow_redirects=True).text
    assert session.get_one(Attempt, sitting.people[0].attempt_id, populate_existing=True).status == "in_progress"


def test_more_time_for_the_whole_room_says_for_how_many(sitting: Sitting, invigilator: FlaskClient) -> None:
    begin(sitting, 0)
    data = {"minutes": "5", "reason": "network", "note": "", "room": str(sitting.room_ids[0])}
    assert "已为 2 名考生延时" in invigilator.post(address(sitting, "/add-time"), data=data, follow_redirects=True).text


def test_more_time_for_nobody_is_not_said_to_be_done(session: Session, sitting: Sitting, chief: FlaskClient) -> None:
    begin(sitting, *range(len(sitting.people)))
    for person in sitting.people:
        attempt = session.get_one(Attempt, person.attempt_id)
        attempt.status, attempt.submit_kind, attempt.submitted_at = AttemptStatus.SUBMITTED, "candidate", now()
    session.flush()
    data = {"minutes": "5", "reason": "network", "note": "", "room": str(sitting.room_ids[0])}
    reply = chief.post(address(sitting, "/add-time"), data=data, follow_redirects=True)
    assert "没有可以延时的考生" in reply.text


def test_an_act_leads_back_to_the_room_and_the_view_it_came_from(sitting: Sitting, chief: FlaskClient) -> None:
    begin(sitting, 0, 2)
    shown = f"?room={sitting.room_ids[0]}&view=seats"
    room = unescape(chief.get(address(sitting, shown)).text)
    opened = address(sitting, f"/candidates/{sitting.people[0].registration_id}{shown}")
    assert opened in room
    drawer = unescape(chief.get(opened, headers={"HX-Request": "true"}).text)
    action = address(sitting, f"/candidates/{sitting.people[0].registration_id}/lock{shown}")
    assert action in drawer
    reply = chief.post(action, data={"reason": "identity", "note": ""})
    assert reply.headers["Location"].split("_m=")[0].startswith(address(sitting, shown))
    whole = {"reason": "power", "note": "", "room": str(sitting.room_ids[0]), "view": "seats"}
    assert (
        chief.post(address(sitting, "/room-acts/pause"), data=whole)
        .headers["Location"]
        .startswith(address(sitting, shown))
    )


def test_a_note_about_the_room_is_kept(session: Session, sitting: Sitting, invigilator: FlaskClient) -> None:
    reply = invigilator.post(address(sitting, "/notes"), data={"text": "窗外施工噪声"}, follow_redirects=True)
    assert "窗外施工噪声" in reply.text
    assert session.query(Incident).one().attempt_id is None


@pytest.mark.parametrize(
    ("registration", "status", "signed_in", "contact", "expected"),
    [
        ("void", "in_progress", 0, 0, SeatState.VOID),
        ("absent", "waiting", None, None, SeatState.ABSENT),
        ("admitted", None, None, None, SeatState.UNPREPARED),
        ("admitted", "waiting", None, None, SeatState.NOT_ARRIVED),
        ("admitted", "waiting", 60, 60, SeatState.SIGNED_IN),
        ("admitted", "waiting", 60, 10, SeatState.WAITING),
        ("admitted", "in_progress", 60, 30, SeatState.WORKING),
        ("admitted", "in_progress", 60, 31, SeatState.OFFLINE),
        ("admitted", "in_progress", 60, None, SeatState.OFFLINE),
        ("admitted", "submitted", 60, 300, SeatState.SUBMITTED),
    ],
)
def test_states_of_a_seat(
    registration: str, status: str | None, signed_in: int | None, contact: int | None, expected: SeatState
) -> None:
    ago = [None if seconds is None else START - timedelta(seconds=seconds) for seconds in (signed_in, contact)]
    found = seat_state(SeatFacts(registration, status, *ago), START)
    assert found is expected


@pytest.mark.parametrize(("left", "expected"), [(30, 40), (-60, 10), (-5, 10), (0, 10)])
def test_an_extension_never_ends_in_the_past(left: int, expected: int) -> None:
    assert extended(START + timedelta(minutes=left), 10, START) == START + timedelta(minutes=expected)


def statements_of_a_poll(session: Session, client: FlaskClient, sitting: Sitting) -> int:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(session.get_bind(), "before_cursor_execute", note)
    assert client.get(address(sitting, "/state")).status_code == 200
    event.remove(session.get_bind(), "before_cursor_execute", note)
    return len(seen)


def test_a_poll_asks_equally_little_for_one_room_and_for_many(
    session: Session, organisation: Organisation, sign_in: SignIn, make_user: MakeUser
) -> None:
    user = make_user(Role.INVIGILATOR)
    client = sign_in(user=user)
    n_statements = []
    for n_rooms, prefix in ((1, "261122"), (8, "261123")):
        with unit_of_work(system_actor(organisation.organisation_id)) as uow:
            made = prepare(
                uow.session, organisation.organisation_id, n=16, n_rooms=n_rooms, prefix=prefix,
                starts_at=now() - timedelta(minutes=10),
            )  # fmt: skip
            for room_id in made.room_ids:
                used = uow.session.get_one(SessionRoom, (made.exam_session_id, room_id))
                used.invigilator_ids = [str(user.user_id)]
        n_statements.append(statements_of_a_poll(session, client, made))
    assert n_statements[0] == n_statements[1] < 20

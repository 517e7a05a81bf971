"""The report of a room: figures, two signatures, what is still possible afterwards, the printed sheet."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_delivery.models import ExamSession, RoomSignOff, SessionStatus
from exam_delivery.rules.room import Reason
from exam_delivery.services import attempts, incidents, room_reports
from exam_delivery.services.incidents import IncidentDraft
from exam_delivery.services.room_acts import Why
from kernel import clock
from kernel.audit.models import AuditEvent, AuditHead
from kernel.clock import now
from kernel.errors import ConflictError, ForbiddenError
from kernel.identity.actor import Actor, system_actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.conftest import MakeActor, MakeUser, SignIn
from tests.exam_delivery.sitting_cases import Sitting, prepare
from tests.exam_delivery.test_attempts import attempt_of, begin, invigilator_of
from tests.exam_delivery.test_misconduct import with_password
from tests.pages import words

WHY = Why(Reason.HEALTH, "考生要求提前离场")


@pytest.fixture
def sitting(session: Session, organisation: Organisation) -> Sitting:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        return prepare(
            uow.session, organisation.organisation_id, n=4, n_rooms=2, starts_at=now() - timedelta(minutes=10)
        )


@pytest.fixture
def chief(make_actor: MakeActor) -> Actor:
    return make_actor(Role.CHIEF_INVIGILATOR)


def sign(sitting: Sitting, actor: Actor, signer: Actor) -> RoomSignOff:
    with unit_of_work(actor) as uow:
        return room_reports.sign_off(
            uow, sitting.exam_session_id, sitting.room_ids[0], signer=signer, remarks="秩序良好"
        )


def hand_in(sitting: Sitting, actor: Actor, k: int) -> None:
    with unit_of_work(actor) as uow:
        attempts.force_hand_in(uow, sitting.exam_session_id, sitting.people[k].attempt_id, why=WHY)


def test_two_sign_when_nobody_writes_any_more_and_the_signature_keeps_figures_and_checkpoint(
    session: Session, sitting: Sitting, chief: Actor, make_actor: MakeActor
) -> None:
    begin(sitting, 0)
    invigilator = invigilator_of(sitting, 0, make_actor)
    with pytest.raises(ConflictError, match="没有交卷"):
        sign(sitting, invigilator, invigilator)
    with unit_of_work(chief) as uow:
        attempts.add_time(uow, sitting.exam_session_id, minutes=5, why=WHY, attempt_id=sitting.people[0].attempt_id)
    hand_in(sitting, invigilator, 0)
    head = session.scalars(select(AuditHead)).one()
    expected = (head.seq, head.event_hash)
    signed = sign(sitting, invigilator, invigilator)
    figures = {
        name: signed.figures[name]
        for name in ("expected", "present", "not_begun", "absent", "forced", "extended", "minutes")
    }
    assert figures == {
        "expected": 2, "present": 1, "not_begun": 1, "absent": 0, "forced": 1, "extended": 1, "minutes": 5,
    }  # fmt: skip
    assert (signed.checkpoint_seq, signed.checkpoint_hash) == expected
    event = session.get_one(AuditEvent, signed.checkpoint_seq)
    assert event.event_hash == signed.checkpoint_hash
    with pytest.raises(ConflictError, match="已经签过字"):
        sign(sitting, invigilator, invigilator)


def figures_of(sitting: Sitting, actor: Actor) -> tuple[int, int, int]:
    with unit_of_work(actor) as uow:
        room = sitting.room_ids[0]
        facts = room_reports.room_facts(uow.session, sitting.exam_session_id, room, actor=actor, at=now())
        return facts.figures["present"], facts.figures["not_begun"], facts.figures["absent"]


def test_who_has_not_begun_is_absent_only_when_late_entry_is_closed_or_the_session_is_over(
    sitting: Sitting, chief: Actor
) -> None:
    begin(sitting, 0)
    assert figures_of(sitting, chief) == (1, 1, 0)
    with clock.shifted(timedelta(minutes=21)):
        assert figures_of(sitting, chief) == (1, 0, 1)
    with unit_of_work(chief) as uow:
        attempts.mark_absent(uow, sitting.exam_session_id, sitting.people[2].registration_id, why=WHY)
    assert figures_of(sitting, chief) == (1, 0, 1)
    with unit_of_work(chief) as uow:
        attempts.mark_present(uow, sitting.exam_session_id, sitting.people[2].registration_id, why=WHY)
    assert figures_of(sitting, chief) == (1, 1, 0)
    with unit_of_work(system_actor(sitting.organisation_id)) as uow:
        uow.session.get_one(ExamSession, sitting.exam_session_id).status = SessionStatus.CLOSED
    assert figures_of(sitting, chief) == (1, 0, 1)


def test_the_printed_report_of_a_running_session_lists_nobody_as_absent_who_may_still_come(
    sitting: Sitting, desk: FlaskClient
) -> None:
    begin(sitting, 0)
    base = f"/console/{sitting.exam_session_id}/rooms/{sitting.room_ids[0]}/report"
    assert "还有 1 名考生没有开始" in words(desk.get(base).text)

    def printed() -> str:
        pages = PdfReader(io.BytesIO(desk.get(f"{base}/pdf").data)).pages
        return "".join("".join(page.extract_text() for page in pages).split())

    assert "未开始，还可以入场" in printed()
    assert "考生3" not in printed()
    with clock.shifted(timedelta(minutes=21)):
        assert "考生3" in printed()


def test_after_two_signatures_only_a_chief_acts_on_the_room(
    session: Session, sitting: Sitting, chief: Actor, make_actor: MakeActor
) -> None:
    begin(sitting, 0)
    invigilator = invigilator_of(sitting, 0, make_actor)
    hand_in(sitting, invigilator, 0)
    sign(sitting, invigilator, invigilator)
    sign(sitting, chief, chief)
    with pytest.raises(ConflictError, match="已由两人签字"):
        sign(sitting, chief, make_actor(Role.CHIEF_INVIGILATOR))
    person = sitting.people[0]
    with unit_of_work(invigilator) as uow:
        with pytest.raises(ConflictError, match="请联系总控"):
            attempts.reopen(uow, sitting.exam_session_id, person.attempt_id, why=WHY)
        with pytest.raises(ConflictError, match="请联系总控"):
            attempts.mark_absent(uow, sitting.exam_session_id, sitting.people[2].registration_id, why=WHY)
        assert attempts.add_time(uow, sitting.exam_session_id, minutes=5, why=WHY) == 0
    with unit_of_work(chief) as uow:
        attempts.reopen(uow, sitting.exam_session_id, person.attempt_id, why=WHY)
    assert attempt_of(session, sitting, 0).submitted_at is None


def test_only_people_of_the_room_sign(sitting: Sitting, chief: Actor, make_actor: MakeActor) -> None:
    with pytest.raises(ForbiddenError):
        sign(sitting, chief, invigilator_of(sitting, 1, make_actor))
    with pytest.raises(ForbiddenError):
        sign(sitting, chief, make_actor(Role.EXAM_OFFICER))


@pytest.fixture
def desk(sign_in: SignIn, make_user: MakeUser) -> FlaskClient:
    return sign_in(user=with_password(make_user(Role.CHIEF_INVIGILATOR, name="zongkong"), "first long password"))


def test_the_report_is_a_page_and_a_printed_sheet(
    session: Session, sitting: Sitting, desk: FlaskClient, chief: Actor
) -> None:
    begin(sitting, 0)
    hand_in(sitting, chief, 0)
    base = f"/console/{sitting.exam_session_id}/rooms/{sitting.room_ids[0]}/report"
    assert "考生要求提前离场" in desk.get(base).text
    data = {"username": "zongkong", "password": "wrong", "remarks": "秩序良好"}
    assert "没有签字" in desk.post(f"{base}/sign", data=data, follow_redirects=True).text
    reply = desk.post(f"{base}/sign", data=data | {"password": "first long password"}, follow_redirects=True)
    assert "zongkong 已签字" in reply.text
    pdf = desk.get(f"{base}/pdf")
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf.data)).pages)
    text = "".join(text.split())
    for wanted in ("考场情况记录单", "考生要求提前离场", "秩序良好", "KAOKU-AUDIT", "强制收卷"):
        assert wanted in text
    assert session.scalars(select(RoomSignOff)).one().remarks == "秩序良好"


def test_what_was_noted_or_signed_in_one_room_stands_in_no_other_rooms_report(
    session: Session, sitting: Sitting, chief: Actor, desk: FlaskClient, make_actor: MakeActor
) -> None:
    first, second = (invigilator_of(sitting, room, make_actor) for room in (0, 1))
    with unit_of_work(first) as uow:
        attempts.note_incident(uow, sitting.exam_session_id, text="窗外施工噪声")
    with unit_of_work(second) as uow, pytest.raises(ConflictError, match="没有被安排"):
        attempts.note_incident(uow, sitting.exam_session_id, text="不在自己的考场", room_id=sitting.room_ids[0])
    with unit_of_work(chief) as uow:
        attempts.note_incident(uow, sitting.exam_session_id, text="全场广播更正")
        draft = IncidentDraft("power", "第二考场跳闸", room_id=sitting.room_ids[1])
        incidents.record(uow, sitting.exam_session_id, draft)
    sign(sitting, first, first)
    base = f"/console/{sitting.exam_session_id}"
    texts = ("窗外施工噪声", "全场广播更正", "第二考场跳闸", "考场签字")
    for room, wanted in ((0, [True, True, False, True]), (1, [False, True, True, False])):
        for page in (f"{base}/rooms/{sitting.room_ids[room]}/report", f"{base}?room={sitting.room_ids[room]}"):
            shown = desk.get(page).text
            assert [text in shown for text in texts] == wanted
        listed = desk.get(f"{base}/incidents?room={sitting.room_ids[room]}").text
        assert [text in listed for text in texts[:3]] == wanted[:3]


def test_a_refused_signature_keeps_what_was_typed(sitting: Sitting, desk: FlaskClient) -> None:
    base = f"/console/{sitting.exam_session_id}/rooms/{sitting.room_ids[0]}/report"
    reply = desk.post(f"{base}/sign", data={"username": "zongkong", "password": "wrong", "remarks": "第 3 排网线松动"})
    assert reply.status_code == 422
    assert "没有签字" in reply.text
    assert "第 3 排网线松动" in reply.text


def test_the_report_of_another_room_or_organisation_does_not_exist(
    sitting: Sitting, sign_in: SignIn, other_organisation: Organisation
) -> None:
    base = f"/console/{sitting.exam_session_id}/rooms/{sitting.room_ids[0]}/report"
    stranger = sign_in(Role.CHIEF_INVIGILATOR, organisation_id=other_organisation.organisation_id)
    assert [stranger.get(one).status_code for one in (base, f"{base}/pdf")] == [404, 404]
    assert sign_in(Role.INVIGILATOR).get(base).status_code == 404
    assert sign_in(Role.MARKER).get(base).status_code == 403

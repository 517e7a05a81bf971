"""Misconduct: written down in the room, signed by two, decided by somebody else; incidents with photos that prove it."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_delivery.models import Incident, IncidentEvidence, IncidentPerson, MisconductCase
from exam_delivery.rules.misconduct import CaseState
from exam_delivery.services import incidents, misconduct
from exam_delivery.services.incidents import IncidentDraft
from exam_delivery.services.misconduct import CaseDraft, decided_misconduct
from kernel import audit
from kernel.clock import now
from kernel.errors import ConflictError, ForbiddenError, IllegalTransitionError, InvalidInputError, NotFoundError
from kernel.identity.actor import Actor, system_actor
from kernel.identity.models import Organisation, User
from kernel.identity.passwords import hash_password
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.conftest import MakeActor, MakeUser, SignIn
from tests.exam_delivery.sitting_cases import Sitting, prepare
from tests.exam_delivery.test_attempts import begin, invigilator_of

DRAFT = CaseDraft("phone", "开考二十分钟，在桌下使用手机查看资料。", "我只是看时间。")
REASON = "两名监考员的记录和照片相符。"


@pytest.fixture
def sitting(session: Session, organisation: Organisation) -> Sitting:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        return prepare(
            uow.session, organisation.organisation_id, n=4, n_rooms=2, starts_at=now() - timedelta(minutes=10)
        )


@pytest.fixture
def chief(make_actor: MakeActor) -> Actor:
    return make_actor(Role.CHIEF_INVIGILATOR)


@pytest.fixture
def officer(make_actor: MakeActor) -> Actor:
    return make_actor(Role.EXAM_OFFICER)


def open_case(sitting: Sitting, actor: Actor, k: int = 0, draft: CaseDraft = DRAFT) -> MisconductCase:
    with unit_of_work(actor) as uow:
        return misconduct.propose(uow, sitting.exam_session_id, sitting.people[k].registration_id, draft)


def sign(case: MisconductCase, actor: Actor, signer: Actor | None = None) -> None:
    with unit_of_work(actor) as uow:
        misconduct.sign(uow, case.misconduct_case_id, signer=signer or actor)


def state_of(session: Session, case: MisconductCase) -> CaseState:
    return session.get_one(MisconductCase, case.misconduct_case_id, populate_existing=True).state


def test_a_case_counts_only_after_two_signatures_and_a_decision_by_another(
    session: Session, sitting: Sitting, chief: Actor, officer: Actor, make_actor: MakeActor
) -> None:
    begin(sitting, 0)
    case = open_case(sitting, chief)
    assert case.code.startswith("WJ-")
    sign(case, chief)
    with pytest.raises(ConflictError, match="已经签过字"):
        sign(case, chief)
    assert state_of(session, case) is CaseState.PROPOSED
    with unit_of_work(officer) as uow, pytest.raises(IllegalTransitionError, match="待两人签字"):
        misconduct.decide(uow, case.misconduct_case_id, tier=2, reason=REASON)
    sign(case, chief, invigilator_of(sitting, 0, make_actor))
    assert state_of(session, case) is CaseState.CONFIRMED
    assert decided_misconduct(session, sitting.exam_session_id) == []
    with unit_of_work(officer) as uow:
        misconduct.decide(uow, case.misconduct_case_id, tier=3, reason=REASON)
    (decided,) = decided_misconduct(session, sitting.exam_session_id)
    assert (decided.tier, decided.registration_id) == (3, sitting.people[0].registration_id)
    assert decided.source_key == f"misconduct:{case.misconduct_case_id}"
    assert len(decided.signed_by) == 2
    assert audit.verify(session).broken is None


def test_who_signed_may_not_decide_and_a_dismissed_case_counts_for_nothing(
    session: Session, sitting: Sitting, make_actor: MakeActor, officer: Actor
) -> None:
    both = make_actor(Role.CHIEF_INVIGILATOR, Role.EXAM_OFFICER)
    case = open_case(sitting, both)
    sign(case, both)
    sign(case, make_actor(Role.CHIEF_INVIGILATOR))
    with unit_of_work(both) as uow, pytest.raises(ForbiddenError, match="以外的人决定"):
        misconduct.decide(uow, case.misconduct_case_id, tier=1, reason=REASON)
    with unit_of_work(officer) as uow:
        misconduct.decide(uow, case.misconduct_case_id, tier=None, reason="证据不足，不予认定违纪。")
    assert state_of(session, case) is CaseState.DISMISSED
    assert decided_misconduct(session, sitting.exam_session_id) == []
    open_case(sitting, both)  # a new case is possible again


def test_only_people_of_the_room_sign_and_nothing_changes_after_the_first_signature(
    session: Session, sitting: Sitting, chief: Actor, make_actor: MakeActor
) -> None:
    case = open_case(sitting, chief)
    with pytest.raises(ForbiddenError):
        sign(case, chief, make_actor(Role.INVIGILATOR))
    with pytest.raises(ForbiddenError):
        sign(case, chief, invigilator_of(sitting, 1, make_actor))
    with unit_of_work(chief) as uow:
        misconduct.amend(uow, case.misconduct_case_id, CaseDraft("phone", DRAFT.facts, is_statement_refused=True))
    sign(case, chief)
    with unit_of_work(chief) as uow, pytest.raises(ConflictError, match="已有人签字"):
        misconduct.amend(uow, case.misconduct_case_id, DRAFT)
    with unit_of_work(chief) as uow:
        misconduct.withdraw(uow, case.misconduct_case_id, reason="记错了座位，另立一案。")
    assert state_of(session, case) is CaseState.WITHDRAWN


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (CaseDraft("nonsense", DRAFT.facts, "无"), "breach"),
        (CaseDraft("phone", "太短", "无"), "facts"),
        (CaseDraft("phone", DRAFT.facts), "statement"),
    ],
)
def test_a_case_needs_its_facts_and_the_candidates_side(
    sitting: Sitting, chief: Actor, draft: CaseDraft, field: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        open_case(sitting, chief, draft=draft)
    assert set(refused.value.fields) == {field}


def test_nobody_has_two_open_cases_and_other_rooms_are_out_of_reach(
    sitting: Sitting, chief: Actor, make_actor: MakeActor
) -> None:
    open_case(sitting, chief)
    with pytest.raises(ConflictError, match="已有违纪案"):
        open_case(sitting, chief)
    with pytest.raises(NotFoundError):
        open_case(sitting, invigilator_of(sitting, 0, make_actor), k=1)


def picture(size: tuple[int, int] = (3000, 40), kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "white").save(buffer, kind)
    return buffer.getvalue()


def record(sitting: Sitting, actor: Actor, **wishes: Any) -> Incident:
    draft = IncidentDraft(**({"kind": "device", "text": "鼠标失灵"} | wishes))
    with unit_of_work(actor) as uow:
        return incidents.record(uow, sitting.exam_session_id, draft)


def test_an_incident_keeps_time_people_and_photos_encoded_anew(
    session: Session, sitting: Sitting, chief: Actor
) -> None:
    people = [sitting.people[k].registration_id for k in (0, 1)]
    happened = now() - timedelta(minutes=5)
    incident = record(sitting, chief, people=people, photos=[picture()], happened_at=happened)
    assert set(session.scalars(select(IncidentPerson.registration_id))) == set(people)
    kept = session.scalars(select(IncidentEvidence)).one()
    data = incidents.read_photo(session, chief, sitting.exam_session_id, kept.incident_evidence_id)
    with Image.open(io.BytesIO(data)) as shown:
        assert (shown.format, shown.width) == ("JPEG", 1600)
    assert kept.ciphertext != data
    assert incident.happened_at == happened


@pytest.mark.parametrize(
    ("wishes", "field"),
    [
        ({"kind": "add_time"}, "kind"),
        ({"text": " "}, "text"),
        ({"photos": [b"<svg onload=alert(1)>"]}, "photos"),
        ({"photos": [picture((4, 4))] * 11}, "photos"),
        ({"happened_at": now() + timedelta(days=30)}, "happened_at"),
    ],
)
def test_an_incident_that_cannot_be_kept_says_why(
    sitting: Sitting, chief: Actor, wishes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        record(sitting, chief, **wishes)
    assert set(refused.value.fields) == {field}


def with_password(user: User, password: str) -> User:
    with unit_of_work(system_actor()) as uow:
        uow.session.get_one(User, user.user_id).password_hash = hash_password(password)
    return user


@pytest.fixture
def desk(sign_in: SignIn, make_user: MakeUser) -> FlaskClient:
    return sign_in(user=with_password(make_user(Role.CHIEF_INVIGILATOR, name="zongkong"), "first long password"))


def test_two_sign_at_one_desk_with_their_own_passwords(
    session: Session, sitting: Sitting, desk: FlaskClient, make_user: MakeUser, sign_in: SignIn
) -> None:
    with_password(make_user(Role.CHIEF_INVIGILATOR, name="second"), "second long password")
    begin(sitting, 0)
    base = f"/console/{sitting.exam_session_id}/candidates/{sitting.people[0].registration_id}/misconduct"
    assert "违纪情形" in desk.get(base).text
    data = {"breach": "phone", "facts": DRAFT.facts, "statement": "我只是看时间。"}
    page = desk.post(base, data=data, follow_redirects=True)
    assert "待两人签字" in page.text
    case = session.scalars(select(MisconductCase)).one()
    address = f"/misconduct/{case.misconduct_case_id}"
    wrong = {"username": "zongkong", "password": "not this one"}
    assert "没有签字" in desk.post(f"{address}/sign", data=wrong, follow_redirects=True).text
    for username, password in (("zongkong", "first long password"), ("second", "second long password")):
        reply = desk.post(f"{address}/sign", data={"username": username, "password": password}, follow_redirects=True)
        assert "已签字" in reply.text
    assert "待考务决定" in reply.text
    officer = sign_in(Role.EXAM_OFFICER)
    assert case.code in officer.get("/misconduct/").text
    pdf = officer.get(f"{address}/pdf")
    assert pdf.data.startswith(b"%PDF")
    reply = officer.post(f"{address}/decide", data={"verdict": "2", "reason": REASON}, follow_redirects=True)
    assert "已认定违纪" in reply.text


def test_an_incident_with_a_photo_goes_by_the_form_and_the_photo_is_shown_to_the_room_alone(
    session: Session, sitting: Sitting, desk: FlaskClient, sign_in: SignIn, other_organisation: Organisation
) -> None:
    base = f"/console/{sitting.exam_session_id}/incidents"
    assert "照片" in desk.get(f"{base}/new?person={sitting.people[0].registration_id}").text
    data = {"kind": "order", "text": "手机放在桌下", "people": str(sitting.people[0].registration_id)}
    reply = desk.post(base, data=data | {"photos": (io.BytesIO(picture()), "a.png")}, follow_redirects=True)
    assert "手机放在桌下" in reply.text
    kept = session.scalars(select(IncidentEvidence)).one()
    photo = f"{base}/photos/{kept.incident_evidence_id}"
    assert desk.get(photo).mimetype == "image/jpeg"
    assert sign_in(Role.INVIGILATOR).get(photo).status_code == 404
    stranger = sign_in(Role.CHIEF_INVIGILATOR, organisation_id=other_organisation.organisation_id)
    assert [stranger.get(one).status_code for one in (photo, base, f"{base}/new")] == [404, 404, 404]
    assert stranger.post(base, data=data).status_code == 404


def test_cases_of_another_organisation_do_not_exist(
    session: Session, sitting: Sitting, chief: Actor, sign_in: SignIn, other_organisation: Organisation
) -> None:
    case = open_case(sitting, chief)
    stranger = sign_in(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    address = f"/misconduct/{case.misconduct_case_id}"
    assert [stranger.get(one).status_code for one in (address, f"{address}/pdf")] == [404, 404]
    assert stranger.post(f"{address}/decide", data={"verdict": "1", "reason": REASON}).status_code == 404
    assert case.code not in stranger.get("/misconduct/").text
    assert sign_in(Role.INVIGILATOR).get(address).status_code == 404
    assert sign_in(Role.MARKER).get(address).status_code == 403


def test_what_was_typed_survives_a_refusal(
    session: Session, sitting: Sitting, desk: FlaskClient, sign_in: SignIn, make_user: MakeUser
) -> None:
    begin(sitting, 0)
    base = f"/console/{sitting.exam_session_id}/candidates/{sitting.people[0].registration_id}/misconduct"
    desk.post(base, data={"breach": "phone", "facts": DRAFT.facts, "statement": "我只是看时间。"})
    case = session.scalars(select(MisconductCase)).one()
    address = f"/misconduct/{case.misconduct_case_id}"
    reply = desk.post(f"{address}/edit", data={"breach": "phone", "facts": "第三排靠窗的座位上有手机", "statement": ""})
    assert reply.status_code == 422
    assert "第三排靠窗的座位上有手机" in reply.text
    assert "请记下考生的陈述" in reply.text
    with_password(make_user(Role.CHIEF_INVIGILATOR, name="second"), "second long password")
    for username, password in (("zongkong", "first long password"), ("second", "second long password")):
        desk.post(f"{address}/sign", data={"username": username, "password": password})
    reply = sign_in(Role.EXAM_OFFICER).post(f"{address}/decide", data={"verdict": "", "reason": REASON})
    assert reply.status_code == 422
    assert REASON in reply.text
    assert "请选择违纪类别" in reply.text

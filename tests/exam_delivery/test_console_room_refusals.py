"""An act with a whole room, or with all rooms, that is refused gives back the reason and the words that were typed."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from kernel.clock import now
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.conftest import SignIn
from tests.exam_delivery.sitting_cases import Sitting, prepare
from tests.exam_delivery.test_attempts import attempt_of, begin
from tests.exam_delivery.test_console_time import address, field, given
from tests.pages import words

WHY = {"reason": "power", "note": "二楼跳闸"}


@pytest.fixture
def sitting(session: Session, organisation: Organisation) -> Sitting:
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        start = now() - timedelta(minutes=10)
        return prepare(uow.session, organisation.organisation_id, n=4, n_rooms=2, starts_at=start)


@pytest.fixture
def desk(sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.CHIEF_INVIGILATOR)


@pytest.mark.parametrize(
    ("act", "typed"),
    [
        (("/room-acts/pause", "pause-all", "暂停"), {"reason": ""}),
        (("/room-acts/resume", "resume-all", "恢复"), {"reason": "other"}),
        (("/add-time", "room", "延时"), {"reason": "other", "minutes": "300"}),
    ],
)
@pytest.mark.parametrize("is_one_room", [True, False])
def test_a_refused_act_shows_the_room_again_with_the_form_open_and_what_was_typed(
    sitting: Sitting, desk: FlaskClient, act: tuple[str, str, str], typed: dict[str, str], *, is_one_room: bool
) -> None:
    begin(sitting, 0)
    tail, prefix, label = act
    place = {"room": str(sitting.room_ids[0]), "view": "seats"} if is_one_room else {"room": ""}
    reply = desk.post(address(sitting, tail), data=typed | place | {"note": "二楼 跳闸"})
    assert reply.status_code in {409, 422}
    assert f"“{label}”没有执行" in words(reply.text)
    assert 'value="二楼 跳闸"' in field(reply.text, f"{prefix}-note")
    others = {"pause-all", "resume-all", "room"} - {prefix}
    assert all("跳闸" not in field(reply.text, f"{other}-note") for other in others)
    assert len(re.findall(r'<details class="confirm"[^>]* open', reply.text)) == 1
    assert ("考生2" in words(reply.text)) is not is_one_room, "the same room as before"
    back = address(sitting, f"?room={sitting.room_ids[0]}&amp;view=seats" if is_one_room else "")
    assert f'href="{back}">刷新' in reply.text


def test_minutes_and_reason_come_back_beside_what_is_wrong_and_the_corrected_form_is_carried_out(
    session: Session, sitting: Sitting, desk: FlaskClient
) -> None:
    begin(sitting, 0)
    reply = desk.post(address(sitting, "/add-time"), data={"reason": "other", "note": "", "minutes": "15", "room": ""})
    assert (reply.status_code, given(session)) == (422, [])
    assert 'value="15"' in field(reply.text, "room-minutes")
    assert 'aria-invalid="true"' in field(reply.text, "room-note")
    assert '<option value="other" selected>' in reply.text
    sent = {"reason": "other", "note": "停电", "minutes": "15", "room": ""}
    assert "名考生延时" in desk.post(address(sitting, "/add-time"), data=sent, follow_redirects=True).text
    assert set(given(session)) == {15}


def test_nobody_to_be_resumed_is_said_with_the_words_kept_and_the_page_is_whole_again_after_an_act(
    session: Session, sitting: Sitting, desk: FlaskClient
) -> None:
    begin(sitting, 0)
    refused = desk.post(address(sitting, "/room-acts/resume"), data=WHY | {"room": ""})
    assert refused.status_code == 409
    assert "现在没有可以这样处理的考生" in words(refused.text)
    assert '<option value="power" selected>' in refused.text
    done = desk.post(address(sitting, "/room-acts/pause"), data=WHY | {"room": ""}, follow_redirects=True)
    assert attempt_of(session, sitting, 0).paused_at is not None
    assert "没有执行" not in words(done.text)
    assert "跳闸" not in field(done.text, "pause-all-note")

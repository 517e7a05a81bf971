"""Opening what is sealed: two custodians within a time, alarms for early openings, and exams that go on by themselves."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from blueprints import public
from blueprints.models import ExamForm, FormRelease
from blueprints.pages import todos
from blueprints.rules.releases import BY_TWO, ReleasePart, ReleaseState, is_early
from blueprints.services import custodians as custody
from blueprints.services import forms, releases, views
from blueprints.services.releases import SealedPartError, Sitting
from kernel import audit, conflicts, profiles
from kernel.audit.models import AuditEvent
from kernel.clock import now, today
from kernel.conflicts import CycleRole, Party, RelationKind
from kernel.conflicts.services import Declaration, declare_relation
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.actor import Actor, system_actor
from kernel.identity.models import Organisation, User
from kernel.identity.passwords import hash_password
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.blueprints.conftest import OpenByTwo

SHANGHAI = ZoneInfo("Asia/Shanghai")

Pair = tuple[Actor, Actor]
REASON = "提前核对第二部分答案"
PASSWORD = "correct horse battery"


@pytest.fixture
def sittings() -> Iterator[list[Sitting]]:
    """The sittings that a source knows of; a test puts them in."""
    found: list[Sitting] = []
    before = dict(releases._SOURCES)
    releases._SOURCES.clear()
    releases.register_sittings("test", lambda _session, _organisation, _form: list(found))
    yield found
    releases._SOURCES.clear()
    releases._SOURCES.update(before)


def ask(actor: Actor, form_id: uuid.UUID, part: ReleasePart = ReleasePart.SCORING, reason: str = REASON) -> FormRelease:
    with unit_of_work(actor) as uow:
        return releases.request_release(uow, form_id, part=part, reason=reason)


def confirm(actor: Actor, row: FormRelease) -> FormRelease:
    with unit_of_work(actor) as uow:
        return releases.confirm_release(uow, row.form_release_id)


def publish(organisation_id: uuid.UUID, **values: object) -> None:
    overrides = {f"blueprints.{name}": value for name, value in values.items()}
    with unit_of_work(system_actor(organisation_id)) as uow:
        profiles.publish(uow, overrides, effective_on=today())


def acts_of(session: Session, act: str) -> list[AuditEvent]:
    return list(session.scalars(select(AuditEvent).where(AuditEvent.act == act)))


def test_keys_open_when_a_second_custodian_confirms_and_both_are_on_record(
    sealed_form: uuid.UUID, custodians: Pair, session: Session, sittings: list[Sitting]
) -> None:
    first, second = custodians
    form = session.get_one(ExamForm, sealed_form)
    with pytest.raises(SealedPartError):
        releases.check_open(session, form, ReleasePart.SCORING)
    row = confirm(second, ask(first, sealed_form))
    releases.check_open(session, form, ReleasePart.SCORING)
    assert (row.requested_by, row.decided_by, row.state) == (first.user_id, second.user_id, ReleaseState.CONFIRMED)
    assert [event.actor_id for event in acts_of(session, "form_release.request")] == [first.user_id]
    told = acts_of(session, "form_release.confirm")
    assert [(event.actor_id, event.details["reason"]) for event in told] == [(second.user_id, REASON)]
    assert audit.verify(session).broken is None


def test_nobody_opens_alone(sealed_form: uuid.UUID, custodians: Pair, session: Session) -> None:
    first, _second = custodians
    row = ask(first, sealed_form)
    with pytest.raises(ForbiddenError, match="两人"):
        confirm(first, row)
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(
            text("UPDATE form_releases SET state='confirmed', decided_by=requested_by, decided_at=requested_at")
        )


def test_a_request_that_nobody_confirmed_in_time_is_void(
    sealed_form: uuid.UUID, custodians: Pair, session: Session
) -> None:
    first, second = custodians
    row = ask(first, sealed_form)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=31)):
        with pytest.raises(ConflictError, match="时限"):
            confirm(second, row)
        assert confirm(second, ask(first, sealed_form)).state is ReleaseState.CONFIRMED


def test_opened_keys_close_again(sealed_form: uuid.UUID, open_by_two: OpenByTwo, session: Session) -> None:
    open_by_two(sealed_form)
    form = session.get_one(ExamForm, sealed_form)
    with (
        time_machine.travel(datetime.now(UTC) + timedelta(minutes=121)),
        pytest.raises(SealedPartError, match="答案与评分标准"),
    ):
        releases.check_open(session, form, ReleasePart.SCORING)


def test_only_named_custodians_open_once_a_pair_is_named(
    sealed_form: uuid.UUID, custodians: Pair, make_actor: Callable[..., Actor], session: Session
) -> None:
    administrator, outsider = make_actor(Role.ORGANISATION_ADMIN), make_actor(Role.FORM_APPROVER)
    assert releases.is_custodian(session, outsider)
    for one in custodians:
        assert one.user_id
        with unit_of_work(administrator) as uow:
            custody.appoint_custodian(uow, one.user_id)
    with pytest.raises(ForbiddenError, match="保管人"):
        ask(outsider, sealed_form)
    row = ask(custodians[0], sealed_form)
    with pytest.raises(ForbiddenError, match="保管人"):
        confirm(outsider, row)
    with unit_of_work(administrator) as uow:
        custody.dismiss_custodian(uow, custodians[1].user_id or uuid.uuid4())
    assert confirm(outsider, row).decided_by == outsider.user_id


def test_custodians_are_named_by_the_administrator_from_those_who_may_seal(
    custodians: Pair, make_actor: Callable[..., Actor], other_organisation: Organisation
) -> None:
    administrator = make_actor(Role.ORGANISATION_ADMIN, Role.FORM_APPROVER)
    author = make_actor(Role.AUTHOR)
    stranger = make_actor(Role.FORM_APPROVER, organisation_id=other_organisation.organisation_id)
    for wrong, error in ((administrator, ForbiddenError), (author, InvalidInputError), (stranger, InvalidInputError)):
        with pytest.raises(error), unit_of_work(administrator) as uow:
            custody.appoint_custodian(uow, wrong.user_id or uuid.uuid4())
    with pytest.raises(ForbiddenError), unit_of_work(custodians[0]) as uow:
        custody.appoint_custodian(uow, custodians[1].user_id or uuid.uuid4())


def test_an_assembler_asks_for_nothing_and_a_custodian_needs_a_reason(
    sealed_form: uuid.UUID, assembler: Actor, custodians: Pair
) -> None:
    with pytest.raises(ForbiddenError):
        ask(assembler, sealed_form)
    with pytest.raises(InvalidInputError, match="原因"):
        ask(custodians[0], sealed_form, reason="看看")
    row = ask(custodians[0], sealed_form)
    with pytest.raises(ConflictError, match="等待确认"):
        ask(custodians[1], sealed_form)
    with pytest.raises(ForbiddenError, match="本人"), unit_of_work(custodians[1]) as uow:
        releases.withdraw_release(uow, row.form_release_id)
    with unit_of_work(custodians[0]) as uow:
        releases.withdraw_release(uow, row.form_release_id)
    with pytest.raises(ConflictError, match="已经处理"):
        confirm(custodians[1], row)


def test_kin_of_a_candidate_does_not_confirm(
    sealed_form: uuid.UUID, custodians: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = custodians
    with unit_of_work(second) as uow:
        declare_relation(uow, Declaration(RelationKind.KIN, other_number="110101199001010015"))
        index = uow.session.query(conflicts.services.ConflictRelation).one().other_index
    candidate = Party(CycleRole.CANDIDATE, name="应考人", number_index=index)
    monkeypatch.setattr(conflicts, "candidates_of_form", lambda *_args: [candidate])
    row = ask(first, sealed_form)
    with pytest.raises(conflicts.ConflictOfInterestError):
        confirm(second, row)


def test_another_organisation_finds_no_request(
    sealed_form: uuid.UUID, custodians: Pair, make_actor: Callable[..., Actor], other_organisation: Organisation
) -> None:
    stranger = make_actor(
        Role.FORM_APPROVER, Role.ORGANISATION_ADMIN, organisation_id=other_organisation.organisation_id
    )
    row = ask(custodians[0], sealed_form)
    for verb in (releases.confirm_release, releases.refuse_release, releases.withdraw_release, releases.take_note):
        with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
            verb(uow, row.form_release_id)
    with pytest.raises(NotFoundError):
        ask(stranger, sealed_form)


@pytest.mark.parametrize(
    ("part", "begins_in", "over", "early"),
    [
        (ReleasePart.SCORING, 1, False, True),
        (ReleasePart.SCORING, None, True, False),
        (ReleasePart.DELIVERY, 71, False, False),
        (ReleasePart.DELIVERY, 73, False, True),
        (ReleasePart.DELIVERY, None, False, True),
        (ReleasePart.DELIVERY, None, True, False),
    ],
)
def test_what_counts_as_early(part: ReleasePart, begins_in: int | None, over: bool, early: bool) -> None:  # noqa: FBT001
    moment = datetime(2026, 11, 22, tzinfo=UTC)
    begins = moment + timedelta(hours=begins_in) if begins_in is not None else None
    assert is_early(part, begins, over, moment, 72) is early


def test_an_early_opening_alarms_administrators_until_one_takes_note(
    app, sealed_form: uuid.UUID, custodians: Pair, make_actor: Callable[..., Actor], session: Session
) -> None:
    administrator = make_actor(Role.ORGANISATION_ADMIN)

    def alarms(actor: Actor) -> int:
        with app.test_request_context():
            return sum(one.count for one in todos(session, actor) if one.label == "待知悉的应急启封")

    assert alarms(administrator) == 0
    row = ask(custodians[0], sealed_form)
    with app.test_request_context():
        waiting = {one.label: one.count for one in todos(session, custodians[1])}
    assert waiting["待确认的启封申请"] == 1
    confirm(custodians[1], row)
    assert (alarms(administrator), alarms(make_actor(Role.SUPERVISOR)), alarms(make_actor(Role.ASSEMBLER))) == (1, 1, 0)
    with pytest.raises(ForbiddenError), unit_of_work(custodians[0]) as uow:
        releases.take_note(uow, row.form_release_id)
    with unit_of_work(administrator) as uow:
        releases.take_note(uow, row.form_release_id)
    assert alarms(administrator) == 0
    assert acts_of(session, "form_release.take_note")[0].actor_id == administrator.user_id


def test_after_the_last_sitting_nothing_needs_opening(
    sealed_form: uuid.UUID, make_actor: Callable[..., Actor], sittings: list[Sitting], session: Session
) -> None:
    officer, form = make_actor(Role.EXAM_OFFICER), session.get_one(ExamForm, sealed_form)
    begin = datetime.now(UTC) - timedelta(days=1)
    sittings += [Sitting("上午", begin, is_over=True), Sitting("补考", begin + timedelta(days=9), is_over=False)]
    assert releases.needs_opening(session, form, ReleasePart.SCORING)
    sittings.pop()
    assert not releases.needs_opening(session, form, ReleasePart.SCORING)
    with unit_of_work(officer) as uow:
        assert public.open_scoring(uow, officer, sealed_form)["slots"]


def test_where_the_organisation_wants_two_persons_nothing_of_the_delivery_part_opens_before(
    sealed_form: uuid.UUID, approver: Actor, make_actor: Callable[..., Actor], open_by_two: OpenByTwo, session: Session
) -> None:
    officer = make_actor(Role.EXAM_OFFICER)
    program = system_actor(officer.organisation_id)
    assert public.open_delivery(session, program, sealed_form)
    assert public.forms_to_open(session, officer, [sealed_form]) == []
    publish(officer.organisation, delivery_release=BY_TWO)
    with pytest.raises(SealedPartError, match="启封后才能使用"):
        public.open_delivery(session, program, sealed_form)
    with pytest.raises(SealedPartError), unit_of_work(approver) as uow:
        views.open_view(uow, sealed_form)
    assert len(public.forms_to_open(session, officer, [sealed_form, uuid.uuid4()])) == 1
    row = open_by_two(sealed_form, ReleasePart.DELIVERY)
    assert row.valid_until is None
    assert public.forms_to_open(session, officer, [sealed_form]) == []
    assert public.open_delivery(session, program, sealed_form)["form_id"] == str(sealed_form)
    with unit_of_work(approver) as uow:
        assert views.open_view(uow, sealed_form)


def test_a_form_that_is_not_sealed_needs_no_opening(
    drafts: list[ExamForm], custodians: Pair, session: Session, assembler: Actor
) -> None:
    assert not releases.needs_opening(session, drafts[0], ReleasePart.SCORING)
    with pytest.raises(ConflictError, match="不需要启封"):
        ask(custodians[0], drafts[0].exam_form_id)
    with unit_of_work(assembler) as uow:
        forms.withdraw_form(uow, drafts[0].exam_form_id, reason="作废")
    with pytest.raises(ConflictError):
        ask(custodians[0], drafts[0].exam_form_id)


# --- in the browser ---------------------------------------------------------------------------------------------------


def with_password(session: Session, actor: Actor) -> None:
    session.get_one(User, actor.user_id).password_hash = hash_password(PASSWORD)
    session.commit()


def test_two_people_open_the_keys_in_the_browser_with_their_passwords(
    sign_in, sealed_form: uuid.UUID, session: Session
) -> None:
    first, second = sign_in(Role.FORM_APPROVER), sign_in(Role.FORM_APPROVER)
    for user in session.scalars(select(User)):
        user.password_hash = hash_password(PASSWORD)
    session.commit()
    address = f"/forms/{sealed_form}/release"
    page = first.get(address).get_data(as_text=True)
    assert "已封存，须双人启封" in page
    asked = {"part": "scoring", "reason": REASON}
    wrong = first.post(address, data=asked | {"password": "wrong"})
    assert wrong.status_code == 422
    assert "密码不正确" in wrong.get_data(as_text=True)
    assert first.post(address, data=asked | {"password": PASSWORD}).status_code == 303
    row = session.scalars(select(FormRelease)).one()
    assert second.post(f"/form-releases/{row.form_release_id}/confirm", data={"password": ""}).status_code == 422
    ticket = second.post(f"/forms/{sealed_form}/view").headers["Location"]
    assert second.get(f"{ticket}&key=1").status_code == 403
    assert (
        second.post(f"/form-releases/{row.form_release_id}/confirm", data={"password_1": PASSWORD}).status_code == 303
    )
    assert second.get(f"{ticket}&key=1").status_code == 200
    assert "应急" in second.get("/form-releases/").get_data(as_text=True)


def test_the_administrator_names_custodians_in_the_browser_and_takes_note(
    sign_in, sealed_form: uuid.UUID, open_by_two: OpenByTwo, custodians: Pair, session: Session
) -> None:
    row = open_by_two(sealed_form)
    client = sign_in(Role.ORGANISATION_ADMIN)
    assert "待知悉的应急启封" in client.get("/").get_data(as_text=True)
    assert client.post("/key-custodians/", data={"user_id": str(custodians[0].user_id)}).status_code == 303
    assert client.post("/key-custodians/", data={"user_id": ""}).status_code == 422
    assert custodians[0].name in client.get("/key-custodians/").get_data(as_text=True)
    assert client.post(f"/key-custodians/{custodians[0].user_id}/dismiss").status_code == 303
    assert client.post(f"/form-releases/{row.form_release_id}/note").status_code == 303
    session.expire_all()
    assert session.get_one(FormRelease, row.form_release_id).noted_at
    keeper = sign_in(Role.FORM_APPROVER)
    assert keeper.post("/key-custodians/", data={}).status_code == 403


def test_items_lie_under_the_viewers_name_and_time(sign_in, drafts: list[ExamForm]) -> None:
    client, form_id = sign_in(Role.FORM_APPROVER), drafts[0].exam_form_id
    page = client.get(client.post(f"/forms/{form_id}/view").headers["Location"])
    assert f"/forms/{form_id}/watermark.svg" in page.get_data(as_text=True)
    earlier = now().astimezone(SHANGHAI)
    picture = client.get(f"/forms/{form_id}/watermark.svg")
    assert picture.mimetype == "image/svg+xml"
    shown = picture.get_data(as_text=True)
    assert any(f"{day:%Y-%m}" in shown for day in (earlier, now().astimezone(SHANGHAI)))
    assert sign_in(Role.AUTHOR).get(f"/forms/{form_id}/watermark.svg").status_code == 403

"""Candidates see their own released results and ask about them on line; nobody sees anything else."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest

from exam_delivery import public_candidates as own
from exam_delivery.models import Candidate, Registration, ScoreReviewRequest
from exam_delivery.repository import appeals as appeal_repository
from exam_delivery.repository import own_results as repository
from exam_delivery.rules.appeals import RequestOutcome, RequestState
from exam_delivery.services import appeal_findings, appeals, rulings
from exam_delivery.services.appeal_findings import Conclusion
from kernel.clock import shifted
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.identity.actor import Actor
from kernel.uow import unit_of_work
from tests.exam_delivery.test_appeals import act, chief, release_batch, released, reviewer, row
from tests.exam_delivery.test_rulings import propose
from tests.exam_delivery.world import id_number
from web.filters import format_datetime

__all__ = ["chief", "released", "reviewer"]
STATEMENT = "总分好像少算了一道题，请核对。"


def person(world, place):
    """Return registration and candidate at a place of the list: 0 all right, 1 one right, 2 nothing, 3 absent."""
    query = db.session.query(Registration).filter_by(exam_session_id=world.key).order_by(Registration.admission_number)
    registration = query.all()[place]
    return registration, db.session.get(Candidate, registration.candidate_id)


def themselves(world):
    return Actor(None, world.officer.organisation_id, "考生本人")


def proof(registration, candidate, **changes):
    number = id_number(int(candidate.name.removeprefix("演示考生")))
    typed = {"admission_number": registration.admission_number, "id_number": number, "name": candidate.name}
    return own.prove(db.session(), **(typed | changes))


def sitting(world, place):
    return own.list_sittings(db.session(), themselves(world), person(world, place)[1].candidate_id)[0]


def file(world, place, owner=None, **changes):
    values = {"kind": "check", "subject": "total", "statement": STATEMENT} | changes
    registration, candidate = person(world, place)
    with unit_of_work(themselves(world)) as uow:
        return own.file_request(uow, owner or candidate.candidate_id, registration.registration_id, **values)


def request_of(world, place):
    registration, _candidate = person(world, place)
    (found,) = appeal_repository.requests_of(db.session(), registration.registration_id, actor=world.officer)
    return found


def test_name_identity_number_and_admission_number_prove_together_who_somebody_is(released):
    registration, candidate = person(released, 1)
    found = proof(registration, candidate)
    assert (found.candidate_id, found.organisation_id) == (candidate.candidate_id, candidate.organisation_id)
    assert proof(registration, candidate, id_number=f" {id_number(2).lower()} ") == found
    other = person(released, 0)
    for wrong in (
        {"name": other[1].name}, {"id_number": id_number(1)}, {"admission_number": other[0].admission_number},
        {"admission_number": ""}, {"admission_number": "99999999"}, {"name": ""}, {"id_number": ""},
    ):  # fmt: skip
        assert proof(registration, candidate, **wrong) is None


def test_an_unknown_number_takes_the_same_steps_as_a_wrong_name(released, monkeypatch):
    registration, candidate = person(released, 1)
    steps = []
    places = (
        (own.own_results, "sign_in_index"),
        (own.own_results, "plain_name"),
        (repository, "find_by_admission_number"),
    )
    for place, name in places:
        real = getattr(place, name)
        monkeypatch.setattr(place, name, lambda *args, real=real, name=name: (steps.append(name), real(*args))[1])
    proof(registration, candidate, name="别人")
    known, steps[:] = list(steps), []
    proof(registration, candidate, admission_number="99999999")
    assert steps == known
    assert len(known) == 4


def test_nothing_of_a_score_is_told_before_its_release_and_then_score_sections_and_receipt(machine_world):
    before = sitting(machine_world, 0)
    assert (before.outcome, before.score, before.sections, before.terms, before.released_at) == ("", None, (), (), None)
    release_batch(machine_world)
    after = sitting(machine_world, 0)
    assert (after.outcome, after.score) == ("scored", 10)
    assert sum(one.score for one in after.sections) == after.score
    assert [one.title for one in after.sections] == ["一、单项选择题", "二、判断题"]
    assert after.receipt["digest"]
    absent = sitting(machine_world, 3)
    assert (absent.outcome, absent.score, absent.sections) == ("absent", None, ())


def test_a_request_filed_on_line_is_the_same_as_one_that_an_officer_enters(released, chief):
    code = file(released, 1)
    found = request_of(released, 1)
    assert (found.code, found.state, found.entered_by, found.entered_by_name, found.is_late) == (
        code, RequestState.FILED, None, "考生本人", False,
    )  # fmt: skip
    assert sitting(released, 1).terms == ()
    with pytest.raises(ConflictError, match="没有办结"):
        file(released, 1)
    act(chief, appeals.accept, found.score_review_request_id)
    with unit_of_work(themselves(released)) as uow:
        name, content = own.take_request_letter(uow, person(released, 1)[1].candidate_id, found.score_review_request_id)
    assert name.startswith("受理通知书")
    assert content.startswith(b"%PDF")


def test_a_request_can_be_taken_back_only_while_nobody_looks_into_it(released, chief, reviewer):
    file(released, 1)
    key, owner = request_of(released, 1).score_review_request_id, person(released, 1)[1].candidate_id
    with unit_of_work(themselves(released)) as uow:
        own.withdraw_request(uow, owner, key)
    assert row(key).state is RequestState.WITHDRAWN
    file(released, 0)
    key, owner = request_of(released, 0).score_review_request_id, person(released, 0)[1].candidate_id
    act(chief, appeals.accept, key)
    act(chief, appeals.assign, key, reviewer.user_id)
    with pytest.raises(ConflictError, match="已在复核"), unit_of_work(themselves(released)) as uow:
        own.withdraw_request(uow, owner, key)


def test_nobody_reaches_anything_of_somebody_else_even_with_its_key(released, chief, other_organisation):
    file(released, 1)
    found, stranger = request_of(released, 1), person(released, 0)[1].candidate_id
    act(chief, appeals.accept, found.score_review_request_id)
    for verb in (own.withdraw_request, own.take_request_letter):
        with pytest.raises(NotFoundError), unit_of_work(themselves(released)) as uow:
            verb(uow, stranger, found.score_review_request_id)
    with pytest.raises(NotFoundError):
        file(released, 2, owner=stranger)
    outside = Actor(None, other_organisation.organisation_id, "考生本人")
    assert own.list_sittings(db.session(), outside, person(released, 1)[1].candidate_id) == []
    with pytest.raises(NotFoundError), unit_of_work(outside) as uow:
        own.take_request_letter(uow, person(released, 1)[1].candidate_id, found.score_review_request_id)
    assert db.session.query(ScoreReviewRequest).count() == 1


@pytest.mark.parametrize(
    ("place", "changes", "message"),
    [
        (1, {"statement": "少"}, "请改正"),
        (1, {"subject": "items"}, "请改正"),
        (1, {"subject": "ruling"}, "不能申请"),
        (3, {"subject": "total"}, "不能申请"),
        (1, {"kind": "wish"}, "请改正"),
        (1, {"result_ruling_id": uuid.uuid4(), "subject": "ruling"}, "不能申请"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_reason(released, place, changes, message):
    with pytest.raises(InvalidInputError, match=message):
        file(released, place, **changes)


def test_after_the_last_day_nothing_is_filed_on_line(released):
    with shifted(dt.timedelta(days=60)), pytest.raises(ConflictError, match="期限已过"):
        file(released, 1)
    with shifted(dt.timedelta(days=60)):
        assert sitting(released, 1).terms == ()


def test_a_plain_absence_may_be_appealed_and_is_excused_by_a_ruling_of_two_people(released, chief, reviewer):
    assert [str(one) for one in sitting(released, 3).subjects] == ["ruling"]
    file(released, 3, kind="appeal", subject="ruling", statement="当天住院，附有医院证明。")
    key = request_of(released, 3).score_review_request_id
    act(chief, appeals.accept, key)
    act(chief, appeals.assign, key, reviewer.user_id)
    found = Conclusion(RequestOutcome.CHANGED.value, "核对了住院证明，缺考有正当理由。", "ruling")
    act(reviewer, appeal_findings.conclude, key, found)
    with pytest.raises(ConflictError, match="处理决定"):
        act(chief, appeal_findings.close, key)
    ruling = propose(released, 3, kind="medical")
    act(chief, rulings.decide, ruling, is_approved=True, reason="证明属实")
    act(chief, appeal_findings.close, key)
    assert (row(key).state, row(key).result_ruling_id) == (RequestState.CLOSED, ruling)
    owner = person(released, 3)[1].candidate_id
    with unit_of_work(themselves(released)) as uow:
        assert own.take_ruling_letter(uow, owner, ruling)[0].startswith("因病缺考")
    with pytest.raises(NotFoundError), unit_of_work(themselves(released)) as uow:
        own.take_ruling_letter(uow, person(released, 1)[1].candidate_id, ruling)


def test_a_candidate_sees_the_score_and_files_a_request_in_the_browser(released, app):
    registration, candidate = person(released, 1)
    client = app.test_client()
    number = id_number(int(candidate.name.removeprefix("演示考生")))
    data = {"name": candidate.name, "id_number": number, "number": registration.admission_number}
    assert client.post("/my-results", data=data).status_code == 303
    page = client.get("/my-results").text
    assert all(text in page for text in ("一、单项选择题", "交卷回执", sitting(released, 1).receipt["digest"]))
    assert number not in page
    assert f"交卷时间 {format_datetime(sitting(released, 1).handed_in_at)}，" in page, "in China's time"
    address = f"/my-results/requests/new/{registration.registration_id}"
    assert "总分（是否漏计、错加）" in client.get(address).text
    wanted = {"kind": "check", "subject": "total", "statement": STATEMENT}
    assert client.post(address, data=wanted | {"statement": "少"}).status_code == 422
    assert client.post(address, data=wanted | {"slots": "第三题"}).status_code == 422
    assert "已提交" in client.post(address, data=wanted, follow_redirects=True).text
    key = request_of(released, 1).score_review_request_id
    assert "还没有可出具" in client.post(f"/my-results/requests/{key}/letter", follow_redirects=True).text
    assert "申请已撤回" in client.post(f"/my-results/requests/{key}/withdraw", follow_redirects=True).text
    foreign = person(released, 0)[0].registration_id
    assert client.get(f"/my-results/requests/new/{foreign}").status_code == 404
    assert client.post(f"/my-results/requests/new/{foreign}", data=wanted).status_code == 404

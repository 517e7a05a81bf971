"""A candidate doubts a result: filed in time, looked into by somebody independent, closed by another, letters and all."""

from __future__ import annotations

import datetime as dt
import io
import re
from decimal import Decimal

import docx
import pytest

from exam_delivery.models import KeyChange, Mark, Registration, ScoreRelease, ScoreReviewRequest
from exam_delivery.repository import appeals as repository
from exam_delivery.repository import scores as scores_repository
from exam_delivery.rules import appeals as rules
from exam_delivery.rules.appeals import Finding, RequestKind, RequestOutcome, RequestState
from exam_delivery.services import (
    appeal_findings,
    appeal_letters,
    appeal_reviewers,
    appeals,
    key_changes,
    marking,
    release,
)
from exam_delivery.services.appeal_findings import Conclusion
from exam_delivery.services.appeals import Filing
from exam_delivery.services.key_changes import Proposal
from kernel.clock import today
from kernel.conflicts import RelationKind
from kernel.conflicts.services import Declaration, declare_relation
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, IllegalTransitionError, InvalidInputError, NotFoundError
from kernel.identity.models import UserRole
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.exam_delivery.test_key_changes import approve as approve_case
from tests.exam_delivery.world import ALL_RIGHT, id_number

STATEMENT = "第 2 题的答案与教材不一致，请核对。"
FINDING = "核对了作答记录、标准答案和得分，计分无误。"


@pytest.fixture
def released(machine_world, make_actor):
    """A released batch of ten marks a form: all right, one right, nothing, absent."""
    release_batch(machine_world)
    return machine_world


def release_batch(world):
    batch = world.batch.exam_batch_id
    digest = release.preview_release(db.session(), world.officer, batch).digest
    with unit_of_work(world.officer) as uow:
        release.release_scores(uow, batch, confirmed_digest=digest)
    db.session.expire_all()


@pytest.fixture
def chief(make_actor):
    return make_actor(Role.EXAM_OFFICER, name="考务主任")


@pytest.fixture
def reviewer(make_actor):
    return make_actor(Role.MARKER, name="复核员")


def registration_ids(world):
    """Return everybody's registration by admission number, the void ones too."""
    query = db.session.query(Registration).filter_by(exam_session_id=world.key).order_by(Registration.admission_number)
    return [one.registration_id for one in query]


def file(world, actor, place=1, **changes):
    """File a request of the person at a place of the list: 1 had one answer right."""
    values = {"kind": "check", "subject": "total", "statement": STATEMENT, "filed_on": today()} | changes
    registration_id = registration_ids(world)[place]
    with unit_of_work(actor) as uow:
        return appeals.file_request(uow, registration_id, Filing(**values)).score_review_request_id


def act(actor, verb, key, *args, **kwargs):
    with unit_of_work(actor) as uow:
        return verb(uow, key, *args, **kwargs)


def under_review(world, chief, reviewer, **changes):
    key = file(world, chief, **changes)
    act(chief, appeals.accept, key)
    act(chief, appeals.assign, key, reviewer.user_id)
    return key


def row(key):
    db.session.expire_all()
    return db.session.get(ScoreReviewRequest, key)


def score(world, place=1):
    attempt_id = world.attempts()[place].attempt_id
    return scores_repository.newest_records(db.session(), [attempt_id])[attempt_id]


# --- the rules -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "days", "end"),
    [
        (RequestKind.CHECK, [dt.date(2025, 9, 26)], dt.date(2025, 10, 10)),
        (RequestKind.CHECK, [dt.date(2025, 9, 26), dt.date(2025, 10, 9)], dt.date(2025, 10, 15)),
        (RequestKind.APPEAL, [dt.date(2025, 3, 3)], dt.date(2025, 3, 17)),
    ],
)
def test_days_for_a_request_are_working_days_of_the_official_calendar_from_the_newest_news(kind, days, end):
    values = {rules.CHECK_DAYS: 5, rules.APPEAL_DAYS: 10}
    assert rules.filing_deadline(kind, days, values).date == end


def test_every_state_is_reached_and_only_open_ones_lead_on():
    reached = {state for targets in rules.ALLOWED.values() for state in targets}
    assert reached == set(RequestState) - {RequestState.FILED}
    assert {state for state, targets in rules.ALLOWED.items() if targets} == set(rules.OPEN_STATES)


# --- filing ----------------------------------------------------------------------------------------------------------


def test_nothing_can_be_questioned_before_it_is_released(machine_world, chief):
    with pytest.raises(ConflictError, match="还没有发布"):
        file(machine_world, chief)


def test_a_request_gets_a_number_its_deadline_and_the_score_it_is_about(released, chief):
    request = row(file(released, chief))
    assert (request.code[:3], request.code[-5:], request.round) == ("FH-", "00001", 1)
    assert (request.state, request.is_late, request.score_before) == (RequestState.FILED, False, Decimal(1))
    assert [event.text for event in repository.list_events(db.session(), request.score_review_request_id)] == [
        STATEMENT
    ]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "wish"}, "kind"), ({"subject": ""}, "subject"), ({"statement": "错"}, "statement"),
        ({"filed_on": None}, "filed_on"), ({"subject": "items"}, "slots"), ({"subject": "ruling"}, "result_ruling_id"),
    ],
)  # fmt: skip
def test_a_request_says_what_is_to_be_mended(released, chief, changes, field):
    with pytest.raises(InvalidInputError) as caught:
        file(released, chief, **changes)
    assert list(caught.value.fields) == [field]


def test_one_request_at_a_time_and_no_more_rounds_than_the_profile_gives(released, chief, reviewer, officer):
    key = file(released, chief)
    with pytest.raises(ConflictError, match="没有办结"):
        file(released, chief)
    act(chief, appeals.withdraw, key, reason="考生来电撤回，三月三日")
    key = under_review(released, chief, reviewer)
    act(reviewer, appeal_findings.conclude, key, Conclusion("upheld", FINDING))
    act(chief, appeal_findings.close, key)
    with pytest.raises(ConflictError, match="次数已用完"):
        file(released, chief)
    assert row(file(released, chief, kind="appeal")).round == 1


def test_a_request_that_came_too_late_is_kept_and_accepted_only_with_a_reason(released, chief, monkeypatch):
    late = today() + dt.timedelta(days=40)
    monkeypatch.setattr(appeals, "today", lambda: late)
    key = file(released, chief, filed_on=late)
    assert row(key).is_late
    with pytest.raises(InvalidInputError) as caught:
        act(chief, appeals.accept, key)
    assert list(caught.value.fields) == ["late_reason"]
    act(chief, appeals.decline, key, reason="超过申请期限，且没有正当理由")
    with pytest.raises(IllegalTransitionError):
        act(chief, appeals.accept, key, late_reason="考生住院，有证明")


def test_the_scanned_letter_is_kept_encrypted_and_given_back(released, chief, make_actor):
    key = file(released, chief, letter=("申请书.pdf", b"%PDF-1.7 letter"))
    _name, sealed = repository.read_letter(db.session(), key, actor=chief)
    assert b"letter" not in sealed
    assert appeals.read_letter(db.session(), chief, key) == ("申请书.pdf", b"%PDF-1.7 letter")
    with pytest.raises(NotFoundError):
        appeals.read_letter(db.session(), make_actor(Role.MARKER), key)


# --- who may look into it --------------------------------------------------------------------------------------------


def test_who_released_the_scores_does_not_review_them(released, chief, officer):
    key = file(released, chief)
    act(chief, appeals.accept, key)
    with pytest.raises(ForbiddenError, match="参与过"):
        act(chief, appeals.assign, key, officer.user_id)
    people = {one.user_id: one for one in appeal_reviewers.possible_reviewers(db.session(), chief, row(key))}
    assert "发布了这批成绩" in people[officer.user_id].reasons
    assert people[chief.user_id].is_independent


def test_who_is_related_to_the_candidate_is_refused_by_the_rules_of_recusal(released, chief, reviewer):
    with unit_of_work(reviewer) as uow:
        declare_relation(uow, Declaration(RelationKind.KIN, other_number=id_number(2)))
    key = file(released, chief)
    act(chief, appeals.accept, key)
    with pytest.raises(ForbiddenError, match="COI-40"):
        act(chief, appeals.assign, key, reviewer.user_id)


def test_only_people_of_the_house_with_a_role_for_it_are_chosen(released, chief, make_actor, other_organisation):
    key = file(released, chief)
    act(chief, appeals.accept, key)
    stranger = make_actor(Role.MARKER, organisation_id=other_organisation.organisation_id)
    for person in (stranger, make_actor(Role.AUTHOR)):
        with pytest.raises(NotFoundError):
            act(chief, appeals.assign, key, person.user_id)


def test_a_former_reviewer_does_not_see_the_next_round(released, chief, reviewer):
    key = under_review(released, chief, reviewer)
    act(reviewer, appeal_findings.conclude, key, Conclusion("rejected", FINDING))
    act(chief, appeal_findings.close, key)
    second = file(released, chief, kind="appeal")
    act(chief, appeals.accept, second)
    with pytest.raises(ForbiddenError, match="参与过"):
        act(chief, appeals.assign, second, reviewer.user_id)


# --- how the score came about ----------------------------------------------------------------------------------------


def test_the_reviewer_sees_answer_key_and_marks_of_every_slot_and_what_the_machine_proves(released, chief, reviewer):
    key = under_review(released, chief, reviewer, subject="items", slots=(2,))
    found = appeal_findings.derive(db.session(), reviewer, row(key))
    first, second = found.slots[:2]
    assert (first.response, first.key_text, first.stored.score, first.is_doubted) == ("B", "B", Decimal(1), False)
    assert (second.response, second.key_text, second.stored.score, second.is_doubted) == ("A", "B", Decimal(0), True)
    assert {one.finding: one.is_right for one in found.checks} == dict.fromkeys(Finding, True)


def test_what_was_released_and_is_not_the_newest_version_is_pointed_out(released, chief, reviewer):
    evidence = rules.Evidence("a", "b", [Decimal(1), None], Decimal(2), Decimal(3), Decimal(1))
    assert [one.is_right for one in rules.check_evidence(evidence, None)] == [False] * 5


def test_a_request_of_somebody_who_never_sat_has_nothing_to_derive(released, chief):
    assert appeal_findings.derive(db.session(), chief, row(file(released, chief, place=3))) is None


# --- conclusion and closing ------------------------------------------------------------------------------------------


def test_an_upheld_score_is_closed_by_another_person_and_nothing_changes(released, chief, reviewer, make_actor):
    key = under_review(released, chief, reviewer)
    with pytest.raises(ForbiddenError, match="不是由您"):
        act(make_actor(Role.MARKER), appeal_findings.conclude, key, Conclusion("upheld", FINDING))
    act(reviewer, appeal_findings.conclude, key, Conclusion("upheld", FINDING))
    act(chief, appeal_findings.close, key)
    request = row(key)
    assert (request.state, request.outcome, request.score_after) == (RequestState.CLOSED, RequestOutcome.UPHELD, 1)
    assert db.session.query(ScoreRelease).count() == 1
    assert score(released).number == 1
    with pytest.raises(IllegalTransitionError):
        act(chief, appeal_findings.close, key)


def test_a_reviewer_who_is_an_officer_too_does_not_close_the_own_conclusion(released, chief, make_actor):
    both = make_actor(Role.EXAM_OFFICER, name="考务乙")
    key = under_review(released, chief, both)
    act(both, appeal_findings.conclude, key, Conclusion("upheld", FINDING))
    with pytest.raises(ForbiddenError, match="复核人不能办结"):
        act(both, appeal_findings.close, key)


def test_a_conclusion_that_is_wanting_goes_back_to_its_reviewer(released, chief, reviewer):
    key = under_review(released, chief, reviewer)
    act(reviewer, appeal_findings.conclude, key, Conclusion("upheld", FINDING))
    act(chief, appeals.send_back, key, reason="没有说明第 2 题的依据")
    assert (row(key).state, row(key).outcome) == (RequestState.REVIEWING, None)


@pytest.mark.parametrize(
    ("conclusion", "field"),
    [
        (Conclusion("", FINDING), "outcome"), (Conclusion("upheld", "无误"), "finding"),
        (Conclusion("changed", FINDING), "remedy"), (Conclusion("changed", FINDING, "ruling"), "remedy"),
        (Conclusion("changed", FINDING, "remark", {2: "1"}), "remedy"),
    ],
)  # fmt: skip
def test_a_conclusion_says_what_is_to_be_mended(released, chief, reviewer, conclusion, field):
    key = under_review(released, chief, reviewer)
    with pytest.raises(InvalidInputError) as caught:
        act(reviewer, appeal_findings.conclude, key, conclusion)
    assert list(caught.value.fields) == [field]


def test_a_wrong_key_goes_through_a_key_change_case_and_the_batch_hands_over_a_correction(released, chief, reviewer):
    form_id = released.attempts()[1].form_id
    key = under_review(released, chief, reviewer, subject="items", slots=(2,))
    act(reviewer, appeal_findings.conclude, key, Conclusion("changed", FINDING, "key_change"))
    with pytest.raises(ConflictError, match="答案变更案"):
        act(chief, appeal_findings.close, key)
    with unit_of_work(released.officer) as uow:
        case = key_changes.propose(uow, Proposal(form_id, 2, "appeal", "new_key", STATEMENT, "A")).key_change_id
    approve_case(released, chief, case)
    act(chief, appeal_findings.close, key, key_change_id=case)
    request = row(key)
    assert (request.key_change_id, request.score_before, request.score_after) == (case, Decimal(1), Decimal(2))
    assert db.session.query(ScoreRelease).count() == 2
    assert db.session.query(KeyChange).count() == 1


def test_a_score_by_an_old_key_is_scored_again(released, chief, reviewer):
    key = under_review(released, chief, reviewer)
    act(reviewer, appeal_findings.conclude, key, Conclusion("changed", FINDING, "rescore"))
    act(chief, appeal_findings.close, key)
    assert (score(released).number, row(key).score_after) == (2, Decimal(1))
    former, newest = db.session.query(ScoreRelease).order_by(ScoreRelease.number)
    assert [line[:3] for line in former.results] == [line[:3] for line in newest.results]


@pytest.fixture
def marked(world, make_actor):
    """A released batch of one whose short answer a marker gave four of ten."""
    world.register(1)
    world.arrange()
    world.prepare()
    world.open()
    attempt = world.attempts()[0]
    world.sit(ALL_RIGHT | {11: '["评分要点甲，评分要点乙"]'}, attempt)
    world.close_and_score()
    with unit_of_work(make_actor(Role.MARKER, name="阅卷员")) as uow:
        marking.give_mark(uow, attempt.attempt_id, 11, "4", n_seen=0)
    release_batch(world)
    return world


def test_a_mark_is_given_again_by_the_reviewer_and_the_former_mark_stays(marked, chief, reviewer):
    key = under_review(marked, chief, reviewer, place=0, kind="appeal", subject="items", slots=(11,))
    with pytest.raises(InvalidInputError) as caught:
        act(reviewer, appeal_findings.conclude, key, Conclusion("changed", FINDING, "remark", {11: "11"}))
    assert list(caught.value.fields) == ["mark-11"]
    act(reviewer, appeal_findings.conclude, key, Conclusion("changed", FINDING, "remark", {11: "9"}))
    assert score(marked, 0).score == Decimal(14)
    act(chief, appeal_findings.close, key)
    assert (score(marked, 0).score, row(key).score_after) == (Decimal(19), Decimal(19))
    marks = db.session.query(Mark).order_by(Mark.number).all()
    assert [(one.score, one.marked_by == reviewer.user_id) for one in marks] == [(4, False), (9, True)]
    newest = db.session.query(ScoreRelease).order_by(ScoreRelease.number.desc()).first()
    assert (newest.number, newest.results[0][2]) == (2, "19")


def test_who_marked_the_answer_does_not_review_it(marked, chief):
    key = file(marked, chief, place=0)
    act(chief, appeals.accept, key)
    people = appeal_reviewers.possible_reviewers(db.session(), chief, row(key))
    assert "评阅了这份答卷" in next(one for one in people if one.name == "阅卷员").reasons


# --- lists, walls, letters, pages ------------------------------------------------------------------------------------


def test_another_organisation_reaches_no_request(released, chief, make_actor, other_organisation):
    stranger = make_actor(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    key = file(released, chief)
    for verb in (appeals.accept, appeal_findings.close):
        with pytest.raises(NotFoundError):
            act(stranger, verb, key)
    wanted = repository.RequestFilter()
    assert repository.list_requests(db.session(), wanted, actor=stranger, today=today())[1] == 0
    with pytest.raises(NotFoundError):
        file(released, stranger)


def test_open_requests_are_counted_until_they_are_closed(released, chief, reviewer):
    def n_open():
        return repository.count_open(db.session(), chief.organisation, released.batch.exam_batch_id)

    key = under_review(released, chief, reviewer)
    assert n_open() == 1
    overdue = repository.RequestFilter(is_overdue=True)
    later = today() + dt.timedelta(days=60)
    assert repository.count_requests(db.session(), overdue, actor=chief, today=today()) == 0
    assert repository.count_requests(db.session(), overdue, actor=chief, today=later) == 1
    act(reviewer, appeal_findings.conclude, key, Conclusion("upheld", FINDING))
    act(chief, appeal_findings.close, key)
    assert n_open() == 0


def word_text(data: bytes) -> str:
    document = docx.Document(io.BytesIO(data))
    cells = [cell.text for table in document.tables for line in table.rows for cell in line.cells]
    return "\n".join([*(one.text for one in document.paragraphs), *cells])


def test_letters_say_what_was_decided_and_where_the_way_goes_on(released, chief, reviewer):
    key = file(released, chief)
    with pytest.raises(ConflictError):
        appeal_letters.request_letter(db.session(), chief, key)
    act(chief, appeals.accept, key)
    name, data = act(chief, appeal_letters.take_request_letter, key, "docx")
    assert name.startswith("受理通知书-FH-")
    assert "演示考生2：" in word_text(data)
    act(chief, appeals.assign, key, reviewer.user_id)
    act(reviewer, appeal_findings.conclude, key, Conclusion("upheld", FINDING))
    act(chief, appeal_findings.close, key)
    text = word_text(act(chief, appeal_letters.take_request_letter, key, "docx")[1])
    assert "复核结论：维持原结果。成绩为 1 分。" in text
    assert "向我单位书面申诉" in text
    name, data = act(chief, appeal_letters.take_request_letter, key, "pdf")
    assert (name[-4:], data[:5]) == (".pdf", b"%PDF-")


def test_a_declined_request_gets_its_reason_in_the_letter(released, chief):
    key = file(released, chief)
    act(chief, appeals.decline, key, reason="不是本人提出，也没有委托书")
    assert "不是本人提出" in "".join(appeal_letters.request_letter(db.session(), chief, key).paragraphs)


def test_a_request_goes_its_way_in_the_browser(released, sign_in):
    officer = sign_in(Role.EXAM_OFFICER)
    assert "还没有复核或申诉申请" in officer.get("/appeals/").text
    assert "演示考生2" in officer.get("/appeals/new?q=演示考生2").text
    registration_id = released.attempts()[1].registration_id
    address = f"/appeals/new/{registration_id}"
    assert "还可提出 1 次" in officer.get(address).text
    sent = {"kind": "check", "subject": "items", "slots": "二", "statement": STATEMENT,
            "filed_on": today().isoformat()}  # fmt: skip
    refused = officer.post(address, data=sent)
    assert (refused.status_code, "题号请写数字" in refused.text) == (422, True)
    sent |= {"slots": "2，3", "letter": (io.BytesIO(b"%PDF-1.7 x"), "申请书.pdf")}
    case = officer.post(address, data=sent, content_type="multipart/form-data").location
    assert officer.get(f"{case}/scan").data == b"%PDF-1.7 x"
    ids = re.findall(r' id="([^"]+)"', officer.get(case).text)
    assert sorted(ids) == sorted(set(ids))
    assert officer.post(f"{case}/accept").status_code == 303
    marker = sign_in(Role.MARKER)
    assert marker.get(case).status_code == 404
    user_id = re.search(r'<option value="([0-9a-f-]{36})"', officer.get(case).text)[1]
    assert officer.post(f"{case}/assign", data={"reviewer": user_id}).status_code == 303
    shown = officer.get("/appeals/?q=演示考生2&kind=check").text
    assert ("复核中" in shown, "FH-" in shown) == (True, True)
    assert officer.post(f"{case}/withdraw", data={"withdraw_reason": "考生来电撤回"}).status_code == 303
    assert "已撤回" in officer.get(case).text
    assert "没有符合条件" in officer.get("/appeals/?overdue=1").text
    assert sign_in(Role.CERTIFICATION_OFFICER).get("/appeals/").status_code == 403


def test_the_reviewer_works_without_the_name_and_another_closes(released, sign_in, chief):
    marker, officer = sign_in(Role.MARKER), sign_in(Role.EXAM_OFFICER)
    key = file(released, chief, subject="items", slots=(2,))
    act(chief, appeals.accept, key)
    people = repository.list_possible_reviewers(db.session(), actor=chief)
    user_id = next(one for one, _name in people if is_marker(one))
    act(chief, appeals.assign, key, user_id)
    address = f"/appeals/{key}"
    assert row(key).code in marker.get("/appeals/mine").text
    page = marker.get(address).text
    assert ("第 2 题的题干" in page, "机器核对" in page, "演示考生2" in page) == (True, True, False)
    refused = marker.post(f"{address}/conclude", data={"outcome": "upheld", "finding": "无误"})
    assert (refused.status_code, "至少 10 个字" in refused.text) == (422, True)
    assert marker.post(f"{address}/conclude", data={"outcome": "upheld", "finding": FINDING}).status_code == 303
    assert marker.post(f"{address}/close").status_code == 403
    assert "按复核结论办结" in officer.get(address).text
    assert officer.post(f"{address}/close").status_code == 303
    letter = officer.post(f"{address}/letter", data={"format": "pdf"})
    assert letter.data[:5] == b"%PDF-"


def is_marker(user_id) -> bool:
    return db.session.query(UserRole).filter_by(user_id=user_id, role=Role.MARKER).count() == 1


def test_what_waits_stands_on_the_first_page(released, sign_in, chief):
    file(released, chief)
    assert "待受理的复核、申诉" in sign_in(Role.EXAM_OFFICER).get("/").text

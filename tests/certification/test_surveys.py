"""满意度调查: candidates answer once and without a name, paper forms are counted, and the result hides what few people said."""

from __future__ import annotations

import datetime as dt
import uuid
from functools import partial

import pytest
from sqlalchemy.exc import DatabaseError

from certification.models import BatchSurvey, Certificate, SurveyAnswer, SurveyHandCount, SurveyParticipation
from certification.rules.compliance import ComplianceSeverity
from certification.rules.surveys import ASPECT_SETS, CURRENT_SET, GRADE_LABELS, OVERALL, TARGET, percent, tally
from certification.services import batches, early_warning, surveys
from certification.services.surveys import result_of
from kernel import profiles
from kernel.audit.models import AuditEvent
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.identity.services import grant_organisation
from kernel.spreadsheets import read_table
from kernel.uow import unit_of_work
from tests.accessibility import NARROW, ZOOMED, sticking_out_at, violations
from tests.certification.conftest import FIRST_DAY
from tests.factories.certification import candidate, id_number
from tests.pages import words

ASPECTS = list(ASPECT_SETS[CURRENT_SET])
LAST_DAY = dt.date(2026, 12, 9)
N_PEOPLE = 8


@pytest.fixture
def batch_id(office):
    """A batch of eight people with certificates, on 10 November."""
    people = range(1, N_PEOPLE + 1)
    return office.whole_way([candidate(n) for n in people], {str(n): "80" for n in people})


@pytest.fixture
def survey(office, batch_id):
    return office.act(surveys.open_survey, batch_id, opens_on=dt.date(2026, 11, 10), closes_on=LAST_DAY)


@pytest.fixture
def enter(app, batch_id):
    """Sign somebody in on the candidates' own page."""

    def enter(index):
        client = app.test_client()
        row = db.session.query(Certificate).filter_by(name=f"演示考生{index}").one()
        typed = {"name": row.name, "id_number": id_number(index), "number": row.number}
        assert client.post("/my-results", data=typed).status_code == 303
        return client

    return enter


def address(survey):
    return f"/my-results/surveys/{survey.batch_survey_id}"


def answers(grade, **changes):
    return dict.fromkeys(ASPECTS, str(grade)) | changes


def typed_count(n_forms, **rows):
    counts = {code: [str(number) for number in rows.get(code, (0, 0, 0, 0, 0))] for code in ASPECTS}
    return {"n_forms": str(n_forms), "counts": counts, "note": "王某清点，存考务室"}


def found(office, batch_id):
    return result_of(db.session(), office.batch(batch_id))


def test_a_candidate_answers_once_and_nothing_leads_from_the_answer_to_the_person(office, survey, enter):
    client = enter(1)
    assert "填写问卷" in client.get("/my-results").text
    form = words(client.get(address(survey)).text)
    assert all(text in form for text in (*ASPECT_SETS[CURRENT_SET].values(), *GRADE_LABELS.values(), "不记名"))
    done = client.post(address(survey), data=answers(5, service="3", comment=" 很好 "), follow_redirects=True).text
    assert "问卷已提交，谢谢您的参与" in done
    assert "已提交，谢谢" in done
    again = client.post(address(survey), data=answers(1), follow_redirects=True).text
    assert "您已经提交过这份问卷" in again
    assert "提交问卷" not in client.get(address(survey)).text
    (answer,), (taken,) = db.session.query(SurveyAnswer).all(), db.session.query(SurveyParticipation).all()
    assert (answer.grades["service"], answer.grades[OVERALL], answer.comment) == (3, 5, "很好")
    assert {column.name for column in SurveyAnswer.__table__.columns} == {
        "survey_answer_id", "organisation_id", "batch_survey_id", "grades", "comment",
    }  # fmt: skip
    assert answer.survey_answer_id.version == 4  # a key by time would stand beside the sign-in
    assert str(candidate(1).candidate_id) not in taken.participant_digest
    assert [one.act for one in db.session.query(AuditEvent) if one.object_id == str(survey.batch_survey_id)] == [
        "survey.open"
    ]


def test_an_answer_with_a_question_left_out_comes_back_with_what_was_chosen(survey, enter):
    client = enter(1)
    answer = client.post(address(survey), data=answers(5, fairness="", comment="字" * 501))
    assert answer.status_code == 422
    assert "请选择一项" in answer.text
    answer = client.post(address(survey), data=answers(9, comment="x"))
    assert answer.status_code == 422
    answer = client.post(address(survey), data=answers(5, comment="字" * 501))
    assert "意见建议最多 500 个字" in answer.text
    assert db.session.query(SurveyAnswer).count() == db.session.query(SurveyParticipation).count() == 0


def test_a_double_click_is_one_answer(survey, enter):
    client = enter(2)
    data = answers(4, once_key="k" * 22)
    pages = [client.post(address(survey), data=data, follow_redirects=True).text for _click in range(2)]
    assert all("问卷已提交" in page for page in pages)
    assert db.session.query(SurveyAnswer).count() == 1


def test_shares_are_those_reckoned_by_hand_with_paper_forms_added(office, survey, batch_id, enter, sign_in):
    for index, grade in ((1, 5), (2, 4), (3, 4), (4, 3), (5, 2)):
        enter(index).post(address(survey), data=answers(grade, fairness="5", comment=f"意见{index}"))
    by_hand = typed_count(3, overall=(1, 1, 0, 0, 1), fairness=(2, 1, 0, 0, 0))
    office.act(surveys.count_by_hand, batch_id, **by_hand)
    home = f"/certification/batches/{batch_id}/survey"
    officer = sign_in(Role.CERTIFICATION_OFFICER)
    running = words(officer.get(home).text)
    assert "结果在调查结束后显示" in running
    assert "各项结果" not in running
    assert "意见1" not in running
    office.calendar.set(LAST_DAY + dt.timedelta(days=1))
    result = found(office, batch_id)
    lines = {one.code: one for one in result.lines}
    assert (lines[OVERALL].counts, lines[OVERALL].n, lines[OVERALL].share) == ((2, 3, 1, 1, 1), 8, "62.5%")
    assert (lines["fairness"].counts, lines["fairness"].share) == ((7, 1, 0, 0, 0), "100.0%")
    assert (lines["service"].n, lines["service"].share) == (5, "60.0%")
    assert (result.n_online, result.n_by_hand, result.return_rate) == (5, 3, "100.0%")
    page = words(officer.get(home).text)
    assert all(
        text in page for text in ("62.5%", "未达到目标", "达到目标", "意见1", "王某清点，存考务室", "核对、删去")
    )
    assert "演示考生" not in page
    book = officer.post(f"{home}/export").data
    rows = {sheet.name: sheet.rows for sheet in read_table(book)}
    assert ("总体评价", "2", "3", "1", "1", "1", "8", "62.5%", "90%", "未达到") in [
        tuple(row) for row in rows["各项结果"]
    ]
    assert "survey.export" in [event.act for event in db.session.query(AuditEvent)]


def test_few_answers_are_hidden_and_cannot_be_reckoned_from_the_paper_forms(office, survey, batch_id, enter, sign_in):
    enter(1).post(address(survey), data=answers(1, comment="不好"))
    office.act(surveys.count_by_hand, batch_id, **typed_count(6, overall=(6, 0, 0, 0, 0), service=(3, 0, 0, 0, 0)))
    office.act(surveys.close_survey, batch_id)
    result = found(office, batch_id)
    lines = {one.code: one for one in result.lines}
    assert (lines[OVERALL].counts, result.comments, result.counts_online) == ((6, 0, 0, 0, 0), (), False)
    assert lines["service"].is_withheld
    page = words(sign_in(Role.CERTIFICATION_OFFICER).get(f"/certification/batches/{batch_id}/survey").text)
    assert "网上答卷只有 1 份，没有计入下表" in page
    assert "少于 5" in page
    assert "不好" not in page


def test_a_survey_takes_answers_between_its_days_alone_and_never_again_once_closed(office, batch_id, enter):
    first, last = dt.date(2026, 11, 12), dt.date(2026, 11, 20)
    survey = office.act(surveys.open_survey, batch_id, opens_on=first, closes_on=last)
    assert "填写问卷" not in enter(1).get("/my-results").text
    with pytest.raises(ConflictError):
        office.act(surveys.count_by_hand, batch_id, **typed_count(1, overall=(1, 0, 0, 0, 0)))
    office.calendar.set(last)
    assert "填写问卷" in enter(1).get("/my-results").text
    office.calendar.set(last + dt.timedelta(days=1))
    client = enter(1)
    assert "现在不能提交" in client.get(address(survey)).text
    assert "不能提交" in client.post(address(survey), data=answers(5), follow_redirects=True).text
    assert db.session.query(SurveyAnswer).count() == 0
    with pytest.raises(ConflictError):
        office.act(surveys.extend_survey, batch_id, closes_on=LAST_DAY)
    with pytest.raises(ConflictError):
        office.act(surveys.open_survey, batch_id, opens_on=LAST_DAY, closes_on=LAST_DAY)


def test_an_officer_opens_extends_and_closes_in_the_browser(office, batch_id, sign_in):
    officer, home = sign_in(Role.CERTIFICATION_OFFICER), f"/certification/batches/{batch_id}"
    assert "还没有开展" in officer.get(home).text
    form = officer.get(f"{home}/survey").text
    assert 'value="2026-11-10"' in form
    assert 'value="2026-12-09"' in form  # thirty days
    early = officer.post(f"{home}/survey", data={"opens_on": "2026-11-09", "closes_on": "2026-11-20"})
    assert (early.status_code, "开始日期不能早于今天" in early.text) == (422, True)
    for closes_on in ("2026-11-09", "2028-01-01", "", "soon"):
        assert (
            officer.post(f"{home}/survey", data={"opens_on": "2026-11-10", "closes_on": closes_on}).status_code == 422
        )
    days = {"opens_on": "2026-11-10", "closes_on": "2026-11-20"}
    assert "已开放" in officer.post(f"{home}/survey", data=days, follow_redirects=True).text
    assert "进行中" in officer.get(home).text
    assert officer.post(f"{home}/survey/extend", data={"closes_on": "2026-11-20"}).status_code == 422
    assert (
        "截止日期已改"
        in officer.post(f"{home}/survey/extend", data={"closes_on": "2026-11-30"}, follow_redirects=True).text
    )
    assert "调查结束以后才能导出结果" in officer.post(f"{home}/survey/export", follow_redirects=True).text
    closed = officer.post(f"{home}/survey/close", follow_redirects=True).text
    assert "提前结束于" in closed
    acts = [event.act for event in db.session.query(AuditEvent) if event.act.startswith("survey.")]
    assert acts == ["survey.open", "survey.extend", "survey.close"]


def test_paper_totals_that_do_not_add_up_come_back_as_typed_and_a_later_count_replaces_an_earlier(
    office, survey, batch_id, sign_in
):
    officer, home = sign_in(Role.CERTIFICATION_OFFICER), f"/certification/batches/{batch_id}/survey"
    wrong = {"n_forms": "3", "overall-5": "2", "overall-4": "2", "note": "王某清点"}
    answer = officer.post(f"{home}/hand-count", data=wrong)
    assert (answer.status_code, "各等级合计多于问卷份数" in answer.text) == (422, True)
    assert 'name="overall-5" value="2"' in answer.text
    for changes in (
        {"n_forms": "9"},
        {"n_forms": "x"},
        {"overall-5": "-1"},
        {"note": ""},
        {"overall-5": "", "overall-4": ""},
    ):
        assert officer.post(f"{home}/hand-count", data=wrong | {"n_forms": "4"} | changes).status_code == 422
    assert db.session.query(SurveyHandCount).count() == 0
    assert "已保存" in officer.post(f"{home}/hand-count", data=wrong | {"n_forms": "4"}, follow_redirects=True).text
    officer.post(f"{home}/hand-count", data=wrong | {"n_forms": "5", "overall-3": "1"})
    held = found(office, batch_id)
    assert (held.n_by_hand, [one.number for one in held.hand_counts]) == (5, [2, 1])
    assert held.hand_counts[0].counts[OVERALL] == [2, 2, 1, 0, 0]
    noted = db.session.query(AuditEvent).filter_by(act="survey.count_by_hand").order_by(AuditEvent.seq).all()
    assert noted[1].details["before"]["n_forms"] == 4


def test_what_was_answered_and_counted_cannot_be_changed_in_the_database(office, survey, batch_id, enter):
    enter(1).post(address(survey), data=answers(5))
    office.act(surveys.count_by_hand, batch_id, **typed_count(1, overall=(1, 0, 0, 0, 0)))
    for model in (SurveyAnswer, SurveyParticipation, SurveyHandCount):
        with pytest.raises(DatabaseError, match="append-only"):
            db.session.query(model).delete()
        db.session.rollback()


def test_surveys_stop_at_the_walls_of_the_organisation(survey, batch_id, other_office, sign_in, other_organisation):
    home = f"/certification/batches/{batch_id}/survey"
    foreign = sign_in(Role.CERTIFICATION_OFFICER, organisation_id=other_organisation.organisation_id)
    assert foreign.get(home).status_code == 404
    days = {"opens_on": "2026-11-10", "closes_on": "2026-11-20"}
    assert {foreign.post(home + act, data=days).status_code for act in ("", "/extend", "/close", "/export")} == {404}
    with pytest.raises(NotFoundError):
        other_office.act(surveys.count_by_hand, batch_id, **typed_count(1, overall=(1, 0, 0, 0, 0)))


def test_a_supervising_centre_reads_and_exports_the_result_and_changes_nothing(
    office, survey, batch_id, sign_in, other_organisation
):
    with unit_of_work(system_actor()) as uow:
        grant_organisation(
            uow, organisation_id=office.actor.organisation, grantee_id=other_organisation.organisation_id
        )
    office.act(surveys.count_by_hand, batch_id, **typed_count(5, overall=(5, 0, 0, 0, 0)))
    office.act(surveys.close_survey, batch_id)
    home = f"/certification/batches/{batch_id}/survey"
    centre = sign_in(Role.SUPERVISOR, organisation_id=other_organisation.organisation_id)
    page = words(centre.get(home).text)
    assert "目标 90%：达到目标" in page
    assert "保存合计" not in page
    assert centre.post(f"{home}/export").data.startswith(b"PK")
    assert centre.post(f"{home}/hand-count", data={"n_forms": "1"}).status_code == 403


def test_an_assessor_changes_nothing_about_a_survey(survey, batch_id, make_actor):
    for act in (surveys.close_survey, surveys.export_result):
        with pytest.raises(ForbiddenError), unit_of_work(make_actor(Role.ASSESSOR)) as uow:
            act(uow, batch_id)


def test_a_candidate_finds_no_survey_of_another_batch(survey, other_office, enter):
    other_office.calendar.set(FIRST_DAY)
    others = other_office.whole_way([candidate(77)], {"77": "80"})
    strange = other_office.act(surveys.open_survey, others, opens_on=dt.date(2026, 11, 10), closes_on=LAST_DAY)
    client = enter(1)
    assert client.get(address(survey)).status_code == 200
    assert client.get(address(strange)).status_code == 404
    assert client.post(address(strange), data=answers(5)).status_code == 404
    assert client.get(f"/my-results/surveys/{uuid.uuid4()}").status_code == 404


def test_no_survey_before_the_results_are_public(office):
    _parcel, batch_id = office.receive([candidate(1)])
    with pytest.raises(ConflictError, match="结果公示以后"):
        office.act(surveys.open_survey, batch_id, opens_on=FIRST_DAY, closes_on=LAST_DAY)


def test_low_satisfaction_and_an_archived_batch_without_a_survey_are_pointed_out_on_the_page_of_checks(
    office, batch_id, sign_in
):
    office.act(batches.archive_batch, batch_id)
    officer, page = sign_in(Role.CERTIFICATION_OFFICER), f"/certification/batches/{batch_id}/roster"
    (one,) = early_warning.survey_warnings(db.session(), office.batch(batch_id))
    assert (one.check_id, one.severity) == ("W07", ComplianceSeverity.WARNING)
    assert "还没有开展满意度调查" in officer.get(page).text
    office.act(surveys.open_survey, batch_id, opens_on=dt.date(2026, 11, 10), closes_on=LAST_DAY)
    assert early_warning.survey_warnings(db.session(), office.batch(batch_id)) == []
    office.act(surveys.count_by_hand, batch_id, **typed_count(8, overall=(4, 3, 0, 1, 0)))
    office.act(surveys.close_survey, batch_id)
    assert "总体满意率为 87.5%，低于目标 90%" in words(officer.get(page).text)


def test_the_pages_hold_for_everybody(office, batch_id, enter, sign_in, chromium):
    survey = office.act(surveys.open_survey, batch_id, opens_on=dt.date(2026, 11, 10), closes_on=LAST_DAY)
    own, officer = enter(1), sign_in(Role.CERTIFICATION_OFFICER)
    home = f"/certification/batches/{batch_id}"
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    look = partial(looked_at, page)
    for client, place in ((own, "/my-results"), (own, address(survey)), (officer, home), (officer, f"{home}/survey")):
        look(client, client.get(place))
    look(own, own.post(address(survey), data=answers(5, service="")))
    look(officer, officer.post(f"{home}/survey/hand-count", data={"n_forms": "2", "overall-5": "3"}))
    for index in range(1, 6):
        enter(index).post(address(survey), data=answers(index, comment="字" * 120))
    office.act(surveys.count_by_hand, batch_id, **typed_count(2, overall=(1, 1, 0, 0, 0)))
    look(own, own.get(address(survey)))
    office.act(surveys.close_survey, batch_id)
    look(officer, officer.get(f"{home}/survey"))
    look(own, own.get(address(survey)))
    context.close()


def looked_at(page, client, answer):
    """Hold an answer against axe and a narrow window, as a browser shows it."""

    def fill(route):
        with client.get(route.request.url.removeprefix("http://kaoku.test")) as part:
            route.fulfill(status=part.status_code, body=part.data, content_type=part.content_type)

    page.unroute_all()
    page.route("http://kaoku.test/**", fill)
    page.route(
        "http://kaoku.test/shown", lambda route: route.fulfill(body=answer.data, content_type=answer.content_type)
    )
    page.goto("http://kaoku.test/shown")
    found = [(one["id"], one["nodes"][0]["html"]) for one in violations(page)]
    assert (found, sticking_out_at(page, NARROW, ZOOMED)) == ([], []), answer.request.path


def test_a_house_that_asks_for_no_survey_is_not_warned(office, batch_id, make_actor):
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        profiles.publish(uow, {TARGET: 0}, effective_on=dt.date(2020, 1, 1))
    office.act(batches.archive_batch, batch_id)
    assert early_warning.survey_warnings(db.session(), office.batch(batch_id)) == []


def test_a_share_below_the_target_is_never_rounded_up_to_it():
    (*_others, line) = tally(CURRENT_SET, [{OVERALL: 5}] * 8999 + [{OVERALL: 1}] * 1001, {}, 5)
    assert (line.share, line.meets(90), percent(9, 10)) == ("89.9%", False, "90.0%")
    assert tally(CURRENT_SET, [], {OVERALL: [9, 0, 1, 0, 0]}, 5)[-1].meets(90)


def test_a_survey_keeps_the_rules_with_which_it_was_opened(office, survey, make_actor):
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        profiles.publish(uow, {TARGET: 70}, effective_on=dt.date(2020, 1, 1))
    assert db.session.query(BatchSurvey).one().target == 90
    assert (survey.smallest, survey.aspect_set) == (5, CURRENT_SET)


def test_forms_are_refused_without_days(office, batch_id):
    with pytest.raises(InvalidInputError) as refused:
        office.act(surveys.open_survey, batch_id, opens_on=None, closes_on=None)
    assert set(refused.value.fields) == {"opens_on", "closes_on"}

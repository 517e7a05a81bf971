"""Skill scores typed by two people: equal ones count, nobody sees the other's, differences go to a third."""

from __future__ import annotations

import datetime as dt

import pytest

from certification.models import ComponentScore, ScoreEntry
from certification.rules.double_entry import DOUBLE_ENTRY, EntryState, TypedScore, compare
from certification.rules.pass_decision import AssessmentMode, ResultState
from certification.rules.score_sheet import sheet_header
from certification.services import batches, decisions, double_entry, scores
from kernel import profiles
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.permissions import Role
from kernel.spreadsheets import TableSheet, write_table
from kernel.uow import unit_of_work
from tests.factories.certification import candidate

SKILLS = AssessmentMode.SKILLS
SHEET = "核对了三名考评员签字的评分表"


@pytest.fixture
def batch_id(office, make_actor):
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        profiles.publish(uow, {DOUBLE_ENTRY: True}, effective_on=dt.date(2020, 1, 1), note="两人录入")
    _parcel, key = office.receive([candidate(n, score="80") for n in (1, 2, 3)])
    return key


@pytest.fixture
def typists(make_actor):
    return [make_actor(Role.ASSESSOR, name=name) for name in ("录入甲", "录入乙", "裁定丙")]


def act(actor, verb, *args, **kwargs):
    with unit_of_work(actor) as uow:
        return verb(uow, *args, **kwargs)


def type_in(office, actor, batch_id, texts):
    people = office.records(batch_id)
    typed = {(people[key].result_record_id, SKILLS): text for key, text in texts.items()}
    return act(actor, scores.type_scores, batch_id, typed)


def counting(office, batch_id):
    names = {one.result_record_id: key for key, one in office.records(batch_id).items()}
    rows = db.session.query(ComponentScore).filter_by(mode=SKILLS).all()
    return {names[one.result_record_id]: scores.entered_text(one) for one in rows}


def test_two_people_are_needed_and_a_person_does_not_count_twice():
    one = TypedScore(None, ResultState.SCORED, None)
    assert compare([one, one]) is EntryState.WAITING
    assert compare([]) is EntryState.WAITING


def test_what_two_people_typed_alike_counts_and_the_rest_waits(office, batch_id, typists):
    first, second, _third = typists
    assert type_in(office, first, batch_id, {"1": "75", "2": "60", "3": "缺考"}) == 3
    assert counting(office, batch_id) == {}
    assert type_in(office, second, batch_id, {"1": "75.0", "2": "66"}) == 2
    assert counting(office, batch_id) == {"1": "75"}
    state = double_entry.state_of(db.session(), office.batch(batch_id), second.user_id)
    assert (state.n_waiting, [one.record.name for one in state.differences]) == (1, ["演示考生2"])
    assert {one.entered_by for one in state.own.values()} == {second.user_id}
    row = db.session.query(ComponentScore).filter_by(mode=SKILLS).one()
    assert row.entered_by == "录入甲、录入乙"


def test_a_typist_mends_their_own_slip_and_both_agree(office, batch_id, typists):
    first, second, _third = typists
    type_in(office, first, batch_id, {"1": "57"})
    type_in(office, second, batch_id, {"1": "75"})
    type_in(office, first, batch_id, {"1": "75"})
    assert counting(office, batch_id) == {"1": "75"}
    assert type_in(office, first, batch_id, {"1": "99"}) == 0
    assert counting(office, batch_id) == {"1": "75"}


def test_a_difference_is_settled_by_a_third_person_with_a_reason(office, batch_id, typists):
    first, second, third = typists
    type_in(office, first, batch_id, {"1": "57"})
    type_in(office, second, batch_id, {"1": "75"})
    assert type_in(office, third, batch_id, {"1": "75"}) == 0
    place = (batch_id, office.records(batch_id)["1"].result_record_id, SKILLS)
    for typist in (first, second):
        with pytest.raises(ForbiddenError, match="录入人以外"):
            act(typist, double_entry.settle, *place, text="75", reason=SHEET)
    for text, reason, field in (("75", "", "reason"), ("", SHEET, "score")):
        with pytest.raises(InvalidInputError) as caught:
            act(third, double_entry.settle, *place, text=text, reason=reason)
        assert list(caught.value.fields) == [field]
    act(third, double_entry.settle, *place, text="75", reason=SHEET)
    assert counting(office, batch_id) == {"1": "75"}
    with pytest.raises(ConflictError, match="没有需要裁定"):
        act(third, double_entry.settle, *place, text="80", reason=SHEET)


def test_an_imported_sheet_is_one_persons_typing(office, batch_id, typists):
    first, second, _third = typists
    people = office.records(batch_id)
    rows = [[people["1"].admission_number, people["1"].name, "", "75"]]
    sheet = write_table([TableSheet("技能成绩", sheet_header([SKILLS]), rows)])
    act(first, scores.import_scores, batch_id, sheet)
    assert counting(office, batch_id) == {}
    type_in(office, second, batch_id, {"1": "75"})
    assert counting(office, batch_id) == {"1": "75"}


def test_what_only_one_person_typed_decides_nothing(office, batch_id, typists):
    type_in(office, typists[0], batch_id, {"1": "75", "2": "75", "3": "75"})
    office.act(batches.check_batch, batch_id)
    office.act(decisions.decide_batch, batch_id)
    assert {outcome.value: n for outcome, n in office.balance(batch_id).outcomes.items()} == {"pending": 3}


def test_without_the_rule_one_person_is_enough(office, typists):
    _parcel, key = office.receive([candidate(1, score="80")])
    type_in(office, typists[0], key, {"1": "75"})
    assert counting(office, key) == {"1": "75"}
    assert db.session.query(ScoreEntry).count() == 0


def test_another_house_settles_nothing(office, other_office, batch_id, typists):
    type_in(office, typists[0], batch_id, {"1": "57"})
    type_in(office, typists[1], batch_id, {"1": "75"})
    place = (batch_id, office.records(batch_id)["1"].result_record_id, SKILLS)
    with pytest.raises(NotFoundError):
        other_office.act(double_entry.settle, *place, text="75", reason=SHEET)


def test_nobody_sees_what_the_other_typed_until_it_is_settled_in_the_browser(office, batch_id, typists, sign_in):
    client, other = sign_in(Role.ASSESSOR), sign_in(Role.ASSESSOR)
    record_id = office.records(batch_id)["1"].result_record_id
    address, field = f"/skill-scores/{batch_id}", f"skills-{record_id}"
    client.post(address, data={field: "57.25"})
    assert 'value="57.25"' in client.get(address).text
    assert "57.25" not in other.get(address).text
    other.post(address, data={field: "75"})
    assert "57.25" not in other.get(address).text
    officer = sign_in(Role.CERTIFICATION_OFFICER)
    page = officer.get(address).text
    assert ("两人录入不一致" in page, "57.25" in page) == (True, True)
    place = f"{address}/differences/{record_id}/skills"
    assert other.post(place, data={"score": "75", "reason": SHEET}).status_code == 303
    assert counting(office, batch_id) == {}
    assert officer.post(place, data={"score": "75", "reason": SHEET}).status_code == 303
    assert counting(office, batch_id) == {"1": "75"}
    assert officer.post(f"{address}/differences/{record_id}/wish", data={}).status_code == 303

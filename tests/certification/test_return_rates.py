"""Return rates of rosters by body, field and round: counts against denominators, filters, walls, page and workbook."""

from __future__ import annotations

import datetime as dt

import pytest

from certification.models import RosterSubmission
from certification.repository.return_rates import RateFilter
from certification.services import return_rates, rosters
from certification.services.rosters import ReturnedField
from kernel.clock import OFFICIAL_ZONE, shifted
from kernel.db import db
from kernel.errors import ForbiddenError
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation, OrganisationKind
from kernel.identity.permissions import Role
from kernel.identity.services import grant_organisation
from kernel.spreadsheets import read_table
from kernel.uow import unit_of_work
from tests.factories.certification import candidate

SENT_ON = dt.date(2026, 11, 10)


def send(office, people, *returned):
    """Send a batch's roster; with items it comes back, is sent again and approved."""
    _parcel, batch_id = office.receive([candidate(n, score="80") for n in people])
    office.decide(batch_id, {str(n): "80" for n in people})
    office.publish(batch_id)
    office.calendar.set(SENT_ON)
    office.act(rosters.submit_roster, batch_id)
    if returned:
        numbers = {key: row.admission_number for key, row in office.records(batch_id).items()}
        items = [ReturnedField(name, reason, numbers.get(key, "")) for name, reason, key in returned]
        office.act(rosters.return_roster, batch_id, items)
        office.act(rosters.submit_roster, batch_id)
    office.act(rosters.approve_roster, batch_id, reference="演示核〔2026〕1号")
    office.calendar.set(dt.date(2026, 11, 2))
    return batch_id


@pytest.fixture
def sent(office):
    """Two rosters of four and three people; of the first, two people and the whole were sent back once."""
    send(office, range(1, 5), ("name", "format", "1"), ("phone", "missing", "1"), ("phone", "missing", "2"), ("whole", "other", ""))  # fmt: skip
    send(office, range(5, 8))


@pytest.fixture
def centre(make_actor, office):
    """A supervising centre that may look into the office's organisation."""
    with unit_of_work(system_actor()) as uow:
        house = Organisation(
            code="CENTRE",
            name="演示监管中心",
            kind=OrganisationKind.SOCIAL,
            is_active=True,
            created_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        )
        uow.add(house)
    grant(office.actor.organisation, house.organisation_id)
    return make_actor(Role.SUPERVISOR, organisation_id=house.organisation_id)


def grant(body, centre):
    with unit_of_work(system_actor()) as uow:
        grant_organisation(uow, organisation_id=body, grantee_id=centre)


def rates(actor, **wanted):
    return return_rates.find_rates(db.session(), actor, RateFilter(**wanted))


def test_rosters_people_and_fields_are_counted_against_what_was_reported(office, sent):
    found = rates(office.actor)
    assert (found.total.n_rosters, found.total.n_returned, found.total.n_people, found.total.n_items) == (3, 1, 11, 4)
    assert found.total.n_people_returned == 2
    assert [(one.label, one.n_rosters, one.n_returned, one.people_share) for one in found.rounds] == [
        ("1", 2, 1, pytest.approx(200 / 7)), ("2", 1, 0, 0.0),
    ]  # fmt: skip
    (body,) = found.bodies
    assert (body.label, body.roster_share) == ("演示评价机构", pytest.approx(100 / 3))
    fields = {one.name: (one.n_items, one.n_people, one.item_share) for one in found.fields}
    assert fields == {"phone": (2, 2, 50.0), "name": (1, 1, 25.0), "whole": (1, 0, 25.0)}
    assert found.reasons == [("缺项", 2), ("其他", 1), ("格式不符", 1)]
    assert sum(one.n_items for one in found.fields) == sum(n for _label, n in found.reasons) == found.total.n_items


def test_days_and_occupations_narrow_and_a_roster_without_an_answer_counts_apart(office, sent):
    _parcel, batch_id = office.receive([candidate(9, score="80")])
    office.decide(batch_id, {"9": "80"})
    office.publish(batch_id)
    office.calendar.set(SENT_ON)
    with shifted(dt.timedelta(days=-40)):
        office.act(rosters.submit_roster, batch_id)
    old = db.session().query(RosterSubmission).filter_by(certification_batch_id=batch_id).one().submitted_at
    day = old.astimezone(OFFICIAL_ZONE).date()
    found = rates(office.actor)
    assert (found.n_waiting, found.total.n_rosters) == (1, 3)
    on_that_day = rates(office.actor, first=day, last=day)
    assert (on_that_day.n_waiting, on_that_day.total.n_rosters) == (1, 0)
    assert rates(office.actor, last=day - dt.timedelta(days=1)).n_waiting == 0
    later = rates(office.actor, first=day + dt.timedelta(days=1))
    assert (later.n_waiting, later.total.n_rosters) == (0, 3)
    assert rates(office.actor, occupation_code="6-31-01-03").total.n_rosters == 0
    assert rates(office.actor, level_code="3", first=dt.date.min, last=dt.date.max).total.n_rosters == 3


def test_a_centre_compares_the_bodies_under_it_and_a_body_sees_itself_alone(
    office, other_office, sent, centre, make_actor
):
    send(other_office, [11, 12], ("name", "format", "11"))
    assert [one.label for one in rates(centre).bodies] == ["演示评价机构"]
    grant(other_office.actor.organisation, centre.organisation)
    assert {one.label: one.n_returned for one in rates(centre).bodies} == {"另一演示机构": 1, "演示评价机构": 1}
    assert rates(centre, body=other_office.actor.organisation).total.n_people == 4
    assert [one.label for one in rates(other_office.actor).bodies] == ["另一演示机构"]
    assert rates(other_office.actor, body=office.actor.organisation).total.n_rosters == 0
    own_supervisor = make_actor(Role.SUPERVISOR)
    assert [one.label for one in rates(own_supervisor).bodies] == ["演示评价机构"]
    with pytest.raises(ForbiddenError):
        rates(make_actor(Role.MARKER))


def test_the_page_says_sorts_and_exports_what_the_tables_show(office, other_office, sent, centre, sign_in):
    send(other_office, [11, 12], ("name", "format", "11"))
    grant(other_office.actor.organisation, centre.organisation)
    client = sign_in(Role.SUPERVISOR, organisation_id=centre.organisation)
    page = client.get("/certification/return-rates/").text
    assert "答复了 5 份名册" in page
    assert "退回 2 份，名册退回率 40.0%" in page
    assert ("退回最多的是“姓名”" in page or "退回最多的是“联系电话”" in page, 'class="chart-bar"' in page) == (
        True,
        True,
    )
    rows = [client.get(f"/certification/return-rates/?sort=bodies-people-{way}").text for way in ("desc", "asc")]
    places = [(text.rindex('"row">另一演示机构'), text.rindex('"row">演示评价机构')) for text in rows]
    assert [first > second for first, second in places] == [True, False]
    for odd in (
        "?sort=fields-share-asc",
        "?sort=x",
        "?sort=rounds-name-desc&first=x&body=y",
        "?last=9999-12-31&first=0001-01-01",
    ):
        assert client.get(f"/certification/return-rates/{odd}").status_code == 200
    told = client.post("/certification/return-rates/export", data={"body": str(office.actor.organisation)})
    sheets = {sheet.name: sheet.rows for sheet in read_table(told.data)}
    assert sheets["按评价机构"][1][:4] == ("演示评价机构", "3", "1", "33.3%")
    assert sheets["按轮次"][-1][0] == "合计"
    assert sheets["按退回项目"][1][:2] == ("联系电话", "2")
    assert sign_in(Role.MARKER).get("/certification/return-rates/").status_code == 403
    alone = sign_in(Role.CERTIFICATION_OFFICER).get("/certification/return-rates/").text
    assert "另一演示机构" not in alone

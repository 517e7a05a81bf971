"""人才库: counts without small cells for all, people for those who may see them; walls, filters, export."""

from __future__ import annotations

import datetime as dt

import pytest

from certification.models import Certificate
from certification.repository.talent import TalentFilter
from certification.rules.talent import SMALLEST_CELL
from certification.services import talent
from kernel import profiles
from kernel.db import db
from kernel.errors import ForbiddenError
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.spreadsheets import read_table
from kernel.uow import unit_of_work
from tests.factories.certification import candidate, id_number

SKILLS = {str(n): "80" for n in range(1, 6)}


@pytest.fixture
def certified(office):
    return office.whole_way([candidate(n, score="80") for n in range(1, 6)], SKILLS)


def test_people_and_certificates_are_counted_by_every_dimension_and_filtered(office, certified):
    found = talent.find_statistics(db.session(), office.actor, TalentFilter())
    assert (found.total.n_people, found.total.n_certificates) == (5, 5)
    shown = {name: [(cell.label, cell.n_people) for cell in cells] for name, cells in found.tables.items()}
    assert shown == {
        "occupation": [("人工智能训练师", 5)], "level": [("三级/高级工", 5)], "region": [("浙江省", 5)],
        "body": [("演示评价机构", 5)], "year": [("2026", 5)],
    }  # fmt: skip
    for wanted in (TalentFilter(level_code="4"), TalentFilter(region="11"), TalentFilter(last=dt.date(2026, 1, 1))):
        assert talent.find_statistics(db.session(), office.actor, wanted).total.n_people == 0


def test_fewer_than_the_rule_profile_allows_are_withheld_on_the_page_and_in_the_workbook(office, certified):
    with unit_of_work(system_actor(office.actor.organisation)) as uow:
        profiles.publish(uow, {SMALLEST_CELL: 6}, effective_on=dt.date(2020, 1, 1))
    found = talent.find_statistics(db.session(), office.actor, TalentFilter())
    assert found.total.is_withheld
    sheets = read_table(office.act(talent.export_statistics, TalentFilter()))
    assert {row[1] for sheet in sheets for row in sheet.rows[1:]} == {"少于 6"}


def test_the_people_are_listed_masked_and_only_for_those_who_may_see_them(office, certified, make_actor):
    people, total = talent.list_people(db.session(), office.actor, TalentFilter(), offset=0, limit=2)
    assert (len(people), total) == (2, 5)
    assert id_number(1) not in {one.id_number_mask for one in people}
    rows = read_table(office.act(talent.export_people, TalentFilter()))[0].rows
    assert len(rows) == 6
    assert id_number(1) not in str(rows)
    with pytest.raises(ForbiddenError):
        talent.list_people(db.session(), make_actor(Role.SUPERVISOR), TalentFilter(), offset=0, limit=2)


def test_who_let_a_certificate_expire_is_counted_no_more(office, certified):
    with unit_of_work(office.actor):
        db.session().query(Certificate).order_by(Certificate.number).first().expires_on = dt.date(2026, 11, 19)
    for day, n_people in ((19, 5), (20, 4)):
        office.calendar.set(dt.date(2026, 11, day))
        assert talent.find_statistics(db.session(), office.actor, TalentFilter()).total.n_people == n_people


def test_another_house_counts_none_of_them(office, certified, other_office):
    assert talent.find_statistics(db.session(), other_office.actor, TalentFilter()).total.n_people == 0


def test_the_pages_show_figures_charts_and_people(office, certified, sign_in):
    client = sign_in(Role.CERTIFICATION_OFFICER)
    page = client.get("/certification/talent/?first=2026-01-01").text
    assert ("共 5 人" in page, 'class="chart-bar"' in page, "查看名单" in page) == (True, True, True)
    assert "演示考生3" in client.get("/certification/talent/people").text
    assert client.post("/certification/talent/export").mimetype.endswith("sheet")
    assert client.post("/certification/talent/people/export").status_code == 200
    supervisor = sign_in(Role.SUPERVISOR)
    assert "查看名单" not in supervisor.get("/certification/talent/").text
    assert supervisor.get("/certification/talent/people").status_code == 403
    assert supervisor.post("/certification/talent/people/export").status_code == 403

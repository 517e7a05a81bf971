"""The supervising centre reviews rosters in the system: by the body's rule, through the grant, and nobody else."""

from __future__ import annotations

import datetime as dt

import pytest

from certification.models import BatchStep, RosterReturn
from certification.rules.roster_returns import CENTRE_REVIEWS
from certification.services import rosters
from certification.services.rosters import ReturnedField
from kernel.audit.models import AuditEvent
from kernel.db import db
from kernel.errors import ConflictError
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation, OrganisationKind
from kernel.identity.permissions import Role
from kernel.identity.services import grant_organisation
from kernel.uow import unit_of_work
from tests.certification.test_panels import set_rules
from tests.factories.certification import candidate


@pytest.fixture
def sent(office):
    """A roster of two that waits for its review."""
    _parcel, batch_id = office.receive([candidate(1, score="80"), candidate(2, score="80")])
    office.decide(batch_id, {"1": "80", "2": "80"})
    office.publish(batch_id)
    office.calendar.set(dt.date(2026, 11, 10))
    office.act(rosters.submit_roster, batch_id)
    return batch_id


class Centre:
    """A supervising centre, and how it comes to look into the office's body."""

    def __init__(self, office, sign_in, key):
        self.office, self.sign_in, self.key = office, sign_in, key

    def enter(self, *roles):
        return self.sign_in(*roles, organisation_id=self.key)

    def be_granted(self):
        with unit_of_work(system_actor()) as uow:
            grant_organisation(uow, organisation_id=self.office.actor.organisation, grantee_id=self.key)


@pytest.fixture
def centre(office, sign_in):
    with unit_of_work(system_actor()) as uow:
        house = Organisation(
            code="CENTRE", name="演示监管中心", kind=OrganisationKind.SOCIAL, is_active=True,
            created_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        )  # fmt: skip
        uow.add(house)
    return Centre(office, sign_in, house.organisation_id)


@pytest.fixture
def rule(make_actor):
    return lambda value: set_rules(make_actor, **{CENTRE_REVIEWS: value})


@pytest.fixture
def reviewer(centre):
    """Somebody of the centre who supervises and decides."""
    return centre.enter(Role.SUPERVISOR, Role.CERTIFICATION_OFFICER)


def item(office, batch_id, key="1"):
    return {
        "number-0": office.records(batch_id)[key].admission_number,
        "field-0": "name",
        "reason-0": "format",
        "note-0": "",
    }


def test_the_centre_returns_and_approves_and_the_body_reads_it(office, sent, centre, reviewer, rule):
    centre.be_granted()
    rule(True)
    assert "待您审核的名册" in reviewer.get("/", follow_redirects=True).text
    page = reviewer.get(f"/certification/batches/{sent}/roster").text
    assert ("登记核准" in page, "下载名册" in page, "读入退回名册" in page) == (True, True, False)
    told = reviewer.post(
        f"/certification/batches/{sent}/roster/return", data=item(office, sent), follow_redirects=True
    ).text
    assert "退回内容已登记" in told
    row = db.session().query(RosterReturn).one()
    assert (row.organisation_id, row.field_name, row.reason_code) == (office.actor.organisation, "name", "format")
    step = db.session().query(BatchStep).order_by(BatchStep.number.desc()).first()
    assert step.actor_name.startswith("演示监管中心 ")
    office.act(rosters.submit_roster, sent)
    officer = centre.sign_in(Role.CERTIFICATION_OFFICER)
    assert "名册由监管中心在系统内审核" in officer.get(f"/certification/batches/{sent}/roster").text
    with pytest.raises(ConflictError, match="监管中心在系统内审核"):
        office.act(rosters.approve_roster, sent, reference="自批 1 号")
    with pytest.raises(ConflictError, match="监管中心在系统内审核"):
        office.act(rosters.return_roster, sent, [ReturnedField("name", "format")])
    told = reviewer.post(
        f"/certification/batches/{sent}/roster/approve", data={"reference": "核 1"}, follow_redirects=True
    ).text
    assert "核准已登记" in told
    assert office.batch(sent).state.value == "approved"
    acts = db.session().query(AuditEvent).filter(AuditEvent.object_id == str(sent))
    assert {one.act for one in acts.filter_by(organisation_id=centre.key)} == {"certification.review"}
    assert "certification.roster_return" in {
        one.act for one in acts.filter_by(organisation_id=office.actor.organisation)
    }


def test_without_grant_rule_or_both_roles_the_centre_answers_nothing(office, sent, centre, reviewer, rule):
    address = f"/certification/batches/{sent}/roster/approve"
    assert reviewer.post(address, data={"reference": "核 1"}).status_code == 404
    rule(True)
    assert reviewer.post(address, data={"reference": "核 1"}).status_code == 404
    centre.be_granted()
    assert centre.enter(Role.SUPERVISOR).post(address, data={"reference": "核 1"}).status_code == 403
    alone = centre.enter(Role.CERTIFICATION_OFFICER)
    assert alone.post(address, data={"reference": "核 1"}).status_code == 404
    rule(False)
    assert reviewer.post(address, data={"reference": "核 1"}).status_code == 409
    assert "登记核准" not in reviewer.get(f"/certification/batches/{sent}/roster").text
    office.act(rosters.approve_roster, sent, reference="演示核 1 号")
    assert office.batch(sent).state.value == "approved"


def test_a_rule_without_a_centre_that_may_look_in_leaves_the_answer_to_the_body(office, sent, rule):
    rule(True)
    office.act(rosters.approve_roster, sent, reference="演示核 1 号")
    assert office.batch(sent).state.value == "approved"

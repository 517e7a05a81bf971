"""A certification office: its officer, its filing, and a calendar that can be moved."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

import pytest

from certification.public import receive_results
from certification.repository import batches as repository
from certification.rules.pass_decision import AssessmentMode
from certification.services import batches, certificates, decisions, filing, publicity, rosters, scores
from kernel.db import db
from kernel.identity.actor import Actor, system_actor
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank.models.standards import Occupation
from tests.factories.certification import OCCUPATION, package, photo

FIRST_DAY = dt.date(2026, 11, 2)


class Calendar:
    """The day that the component takes for today."""

    def __init__(self, monkeypatch):
        self._monkeypatch = monkeypatch
        self.set(FIRST_DAY)

    def set(self, day: dt.date) -> None:
        noon = dt.datetime.combine(day, dt.time(4), tzinfo=dt.UTC)
        self._monkeypatch.setattr("kernel.clock.now", lambda: noon)


@pytest.fixture
def calendar(monkeypatch):
    return Calendar(monkeypatch)


@dataclass
class Office:
    """What an officer does, step by step."""

    actor: Actor
    calendar: Calendar

    def act(self, verb, *args, **kwargs):
        with unit_of_work(self.actor) as uow:
            return verb(uow, *args, **kwargs)

    def receive(self, results, **changes):
        parcel = package(self.actor.organisation, results, **changes)
        photos = {result.candidate_id: photo() for result in results}
        with unit_of_work(system_actor(self.actor.organisation)) as uow:
            return parcel, receive_results(uow, parcel, photos=photos).certification_batch_id

    def batch(self, batch_id):
        db.session().expire_all()
        return repository.get_batch(db.session(), batch_id, actor=self.actor)

    def records(self, batch_id):
        return {r.admission_number[-4:].lstrip("0"): r for r in repository.list_records(db.session(), batch_id)}

    def balance(self, batch_id):
        return batches.balance_of(db.session(), self.batch(batch_id))

    def score(self, batch_id, texts):
        people = self.records(batch_id)
        typed = {(people[key].result_record_id, AssessmentMode.SKILLS): text for key, text in texts.items()}
        return self.act(scores.type_scores, batch_id, typed)

    def decide(self, batch_id, texts):
        self.act(batches.check_batch, batch_id)
        self.score(batch_id, texts)
        return self.act(decisions.decide_batch, batch_id)

    def publish(self, batch_id):
        day = FIRST_DAY
        row = self.act(publicity.open_publicity, batch_id, starts_on=day, contact="考评部 0571-00000000")
        self.act(
            batches.update_batch, batch_id, trade_name="", plan_filed_on=dt.date(2026, 8, 3),
            evaluation_starts_on=dt.date(2026, 10, 26),
        )  # fmt: skip
        return row

    def approve(self, batch_id):
        self.calendar.set(dt.date(2026, 11, 10))
        self.act(rosters.submit_roster, batch_id)
        self.act(rosters.approve_roster, batch_id, reference="演示核〔2026〕1号")

    def issue(self, batch_id):
        self.act(certificates.number_batch, batch_id, issued_on=dt.date(2026, 11, 10))
        self.act(certificates.issue_batch, batch_id)

    def whole_way(self, results, texts):
        _parcel, batch_id = self.receive(results)
        self.decide(batch_id, texts)
        self.publish(batch_id)
        self.approve(batch_id)
        self.issue(batch_id)
        return batch_id


def add_filing(actor):
    with unit_of_work(actor) as uow:
        filing.add_filed_scope(
            uow, occupation_code=OCCUPATION[0], trade_name="", level_code="3", filed_on=dt.date(2025, 1, 6), number="演示备〔2025〕1号",
        )  # fmt: skip


@pytest.fixture
def office(make_actor, calendar):
    actor = make_actor(Role.CERTIFICATION_OFFICER)
    with unit_of_work(system_actor(actor.organisation_id)) as uow:
        uow.add(
            Occupation(
                code=OCCUPATION[0], name=OCCUPATION[1], category="演示", major_code="4", mid_code="4-04", mid_name="演示",
                minor_code="4-04-05", minor_name="演示", edition="2022", work_types="数据标注员", source_check="both",
            )
        )  # fmt: skip
    add_filing(actor)
    return Office(actor, calendar)


@pytest.fixture
def other_office(make_actor, other_organisation, office, calendar):
    actor = make_actor(Role.CERTIFICATION_OFFICER, organisation_id=other_organisation.organisation_id)
    add_filing(actor)
    return Office(actor, calendar)


@pytest.fixture
def batch_key():
    return uuid.uuid4()

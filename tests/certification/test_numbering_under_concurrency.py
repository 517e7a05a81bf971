"""Numbers without gaps and without doubles, whoever asks at the same moment: a database with real commits."""

from __future__ import annotations

import datetime as dt
import threading
import uuid

import pytest

from certification.models import Certificate, CertificationBatch, Publicity
from certification.public import receive_results
from certification.repository import batches as repository
from certification.rules.batch_states import BatchState
from certification.rules.levels import ABILITY_NUMBERS, LEVEL_CODES
from certification.rules.pass_decision import PassOutcome
from certification.services import certificates
from kernel import profiles
from kernel.clock import now
from kernel.db import db
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation, OrganisationKind
from kernel.settings import Settings
from kernel.uow import unit_of_work
from tests.conftest import SECRET
from tests.factories.certification import candidate, package
from web.app import create_app

N_THREADS, N_PEOPLE = 8, 5
LEVELS = ("3", "special_tech", "ability")
HEADS = {"3": "S000011000001263", "special_tech": "S00001100000126T", "ability": "ZX112026"}
DAY = dt.date(2026, 11, 10)


@pytest.fixture
def real_app(scratch_database_url, tmp_path):
    app = create_app(Settings(instance_dir=tmp_path, database_url=scratch_database_url, secret_key=SECRET))
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def approved_batches(organisation_id):
    """Batches of three levels in turn as they stand after the centre's approval, everybody passed."""
    actor, keys = system_actor(organisation_id), []
    for index in range(N_THREADS):
        people = [candidate(100 * index + n) for n in range(1, N_PEOPLE + 1)]
        with unit_of_work(actor) as uow:
            key = receive_results(uow, package(organisation_id, people)).certification_batch_id
            for record in repository.list_records(uow.session, key):
                record.outcome = PassOutcome.PASSED
            batch = uow.session.get(CertificationBatch, key)
            batch.state, batch.level_code = BatchState.APPROVED, LEVELS[index % 3]
            uow.add(
                Publicity(
                    organisation_id=organisation_id, certification_batch_id=key, number=1,
                    starts_on=dt.date(2026, 11, 2), ends_on=dt.date(2026, 11, 9), n_working_days=5, is_certain=True,
                    contact="演示", published_by="演示", published_at=now(),
                )
            )  # fmt: skip
            keys.append(key)
    return keys


def number_at_once(app, organisation_id, keys, failures):
    start = threading.Barrier(len(keys))

    def run(key: uuid.UUID) -> None:
        with app.app_context():
            start.wait()
            try:
                with unit_of_work(system_actor(organisation_id)) as uow:
                    certificates.number_batch(uow, key, issued_on=DAY)
            except Exception as error:  # noqa: BLE001 - a thread's failure is judged by the test
                failures.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)


def test_eight_officers_numbering_three_levels_at_once_leave_no_gap_and_no_double(real_app, monkeypatch):
    noon = dt.datetime.combine(DAY, dt.time(4), tzinfo=dt.UTC)
    monkeypatch.setattr("kernel.clock.now", lambda: noon)
    failures: list[Exception] = []
    with real_app.app_context():
        with unit_of_work(system_actor()) as uow:
            body = Organisation(
                code="DEMO", name="演示评价机构", kind=OrganisationKind.SOCIAL, certificate_prefix="S000011000001",
                is_active=True, created_at=now(),
            )  # fmt: skip
            uow.add(body)
        with unit_of_work(system_actor(body.organisation_id)) as uow:
            given = {LEVEL_CODES: "特级技师=T", ABILITY_NUMBERS: "ZX{province}{yyyy}{serial:6}"}
            profiles.publish(uow, given, effective_on=dt.date(2026, 1, 1))
        keys = approved_batches(body.organisation_id)
        number_at_once(real_app, body.organisation_id, keys, failures)
        assert failures == []
        rows = db.session().query(Certificate.number, Certificate.certification_batch_id, Certificate.level_code).all()
    for level, head in HEADS.items():
        numbers = sorted(number for number, _batch, code in rows if code == level)
        n_batches = sum(LEVELS[index % 3] == level for index in range(N_THREADS))
        assert numbers == [f"{head}{serial:06d}" for serial in range(1, n_batches * N_PEOPLE + 1)]
    for key in keys:
        own = sorted(int(number[-6:]) for number, batch, _level in rows if batch == key)
        assert own == list(range(own[0], own[0] + N_PEOPLE))

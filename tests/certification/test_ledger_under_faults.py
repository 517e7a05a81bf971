"""The ledger under faults: stopped at any write, killed before the commit, or worked on by many at once, it is never half done."""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event

from certification.models import (
    Certificate,
    CertificateCounter,
    CertificateEvent,
    CertificateState,
    CertificationBatch,
    ComponentScore,
    DeliveryStatus,
    ResultDelivery,
    ResultRecord,
)
from certification.repository import batches as repository
from certification.services import batches, certificates, corrections, late_corrections
from kernel import audit
from kernel.audit.models import AuditEvent
from kernel.clock import now
from kernel.db import db
from kernel.errors import ConflictError, IllegalTransitionError
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation, OrganisationKind
from kernel.settings import Settings
from kernel.uow import unit_of_work
from tests.certification.test_numbering_under_concurrency import DAY, approved_batches
from tests.conftest import SECRET
from tests.factories.certification import candidate
from web.app import create_app

ROOT = Path(__file__).resolve().parents[2]
WRITES = ("INSERT", "UPDATE", "DELETE")
N_OFFICERS = 6


class StoppedError(Exception):
    """The program ends here, in the middle of an act."""


@contextmanager
def stopped_at(number):
    """Let the n-th write of the block be the last thing that happens."""
    seen = []

    def count(_connection, _cursor, statement, *_rest):
        if statement.lstrip().startswith(WRITES):
            seen.append(statement)
            if len(seen) == number:
                raise StoppedError

    event.listen(db.engine, "before_cursor_execute", count)
    try:
        yield
    finally:
        event.remove(db.engine, "before_cursor_execute", count)


def ledger():
    """Return everything that an act may change, as it stands in the database."""
    db.session.rollback()
    db.session.expire_all()
    session = db.session()
    return [
        sorted((c.number, c.state.value, c.superseded_by, c.issued_at is None) for c in session.query(Certificate)),
        sorted((c.prefix, c.year, c.level_code, c.last_serial) for c in session.query(CertificateCounter)),
        sorted((str(b.certification_batch_id), b.state.value) for b in session.query(CertificationBatch)),
        sorted((str(r.result_record_id), r.outcome.value) for r in session.query(ResultRecord)),
        sorted((str(d.result_delivery_id), d.status.value) for d in session.query(ResultDelivery)),
        [session.query(kind).count() for kind in (CertificateEvent, ComponentScore, AuditEvent)],
    ]


def check_books():
    """Every serial up to the counter is used once; every balance closes; who is replaced names a successor."""
    db.session.expire_all()
    session = db.session()
    rows = session.query(Certificate).all()
    for counter in session.query(CertificateCounter):
        head = f"{counter.prefix}{counter.year % 100:02d}{counter.level_code}"
        serials = sorted(int(row.number[16:]) for row in rows if row.number.startswith(head))
        assert serials == list(range(1, counter.last_serial + 1))
    for batch in session.query(CertificationBatch):
        assert batches.balance_of(session, batch).is_closed
    numbers = {row.number for row in rows}
    assert all(row.superseded_by in numbers for row in rows if row.state is CertificateState.SUPERSEDED)
    assert audit.verify(session).broken is None


def stop_everywhere(office, verb, *arguments, **named):
    """Stop an act at its first write, at its second, and so on until nothing stops it; return how many places there were."""
    before, place = ledger(), 1
    while True:
        try:
            with stopped_at(place):
                office.act(verb, *arguments, **named)
        except StoppedError:
            assert ledger() == before, (verb, place)
            place += 1
            continue
        check_books()
        return place - 1


def test_an_act_that_is_stopped_at_any_write_has_not_happened_at_all(office, batch_key):
    people = {1: "80", 2: "60", 3: "59"}

    def results(**scores):
        return [candidate(n, score=scores.get(f"n{n}", score)) for n, score in people.items()]

    _parcel, batch_id = office.receive(results(), batch_id=batch_key)
    office.decide(batch_id, {"1": "80", "2": "75", "3": "66"})
    office.publish(batch_id)
    office.approve(batch_id)
    places = [stop_everywhere(office, certificates.number_batch, batch_id, issued_on=DAY)]
    places += [stop_everywhere(office, certificates.issue_batch, batch_id)]
    office.receive(results(n2="58", n3="61"), batch_id=batch_key)
    (delivery,) = [d for d in repository.list_deliveries(db.session(), batch_id) if d.status is DeliveryStatus.OPEN]
    places += [stop_everywhere(office, corrections.apply_correction, delivery.result_delivery_id, reason="复核更正")]
    late = office.records(batch_id)["3"].result_record_id
    places += [stop_everywhere(office, late_corrections.add_late, late, issued_on=DAY, reason="补公示期满")]
    first = db.session.query(Certificate).order_by(Certificate.number).first().certificate_id
    places += [stop_everywhere(office, certificates.reissue, first, reason="损毁换发")]
    held = db.session.query(Certificate).filter_by(state=CertificateState.HELD).one().certificate_id
    act = certificates.CertificateAct.REVOKED
    places += [stop_everywhere(office, certificates.change_state, held, act, reason="更正后不合格")]
    assert min(places) >= 3, places
    assert db.session.query(Certificate).count() == 4


# --- real commits ----------------------------------------------------------------------------------------------------


@pytest.fixture
def real_app(scratch_database_url, tmp_path):
    app = create_app(Settings(instance_dir=tmp_path, database_url=scratch_database_url, secret_key=SECRET))
    with app.app_context():
        db.create_all()
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def body(real_app, monkeypatch):
    noon = dt.datetime.combine(DAY, dt.time(4), tzinfo=dt.UTC)
    monkeypatch.setattr("kernel.clock.now", lambda: noon)
    with unit_of_work(system_actor()) as uow:
        row = Organisation(
            code="DEMO", name="演示评价机构", kind=OrganisationKind.SOCIAL, certificate_prefix="S000011000001",
            is_active=True, created_at=now(),
        )  # fmt: skip
        uow.add(row)
    return row.organisation_id


def together(app, acts, refused):
    """Let every act begin at the same moment in a thread of its own; what is refused in words is counted."""
    start, failures = threading.Barrier(len(acts)), []

    def run(act):
        with app.app_context():
            start.wait()
            try:
                act()
            except (ConflictError, IllegalTransitionError) as error:
                refused.append(error)
            except Exception as error:  # noqa: BLE001 - a thread's failure is judged by the test
                failures.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert failures == []


def test_officers_who_number_issue_and_replace_the_same_batch_at_once_do_each_thing_once(real_app, body):
    key, *others = approved_batches(body)[::3]

    def act(verb, *arguments, **named):
        def run():
            with unit_of_work(system_actor(body)) as uow:
                verb(uow, *arguments, **named)

        return run

    refused: list[Exception] = []
    numbering = [act(certificates.number_batch, key, issued_on=DAY)] * N_OFFICERS
    numbering += [act(certificates.number_batch, other, issued_on=DAY) for other in others]
    together(real_app, numbering, refused)
    assert len(refused) == N_OFFICERS - 1
    check_books()
    refused.clear()
    together(real_app, [act(certificates.issue_batch, key)] * N_OFFICERS, refused)
    assert len(refused) == N_OFFICERS - 1
    rows = db.session.query(Certificate).filter_by(certification_batch_id=key).order_by(Certificate.number).all()
    ids = [row.certificate_id for row in rows]
    db.session.remove()
    refused.clear()
    replacing = [act(certificates.reissue, one, reason="损毁换发") for one in [*ids[:3], *ids[:3]]]
    together(real_app, replacing, refused)
    assert len(refused) == 3
    check_books()
    states = [row.state for row in db.session.query(Certificate).filter_by(certification_batch_id=key)]
    assert (states.count(CertificateState.SUPERSEDED), states.count(CertificateState.VALID)) == (3, len(ids))


KILLED = """
import datetime, os, signal, sys, uuid
from pathlib import Path
from sqlalchemy import event
from certification.services import certificates
from kernel import clock
from kernel.db import db
from kernel.identity.actor import system_actor
from kernel.settings import Settings
from kernel.uow import unit_of_work
from web.app import create_app
folder, url, secret, body, batch = sys.argv[1:]
app = create_app(Settings(instance_dir=Path(folder), database_url=url, secret_key=secret))
noon = datetime.datetime(2026, 11, 10, 4, tzinfo=datetime.UTC)
clock.now = lambda: noon
with app.app_context():
    event.listen(db.engine, "commit", lambda _connection: os.kill(os.getpid(), signal.SIGKILL))
    with unit_of_work(system_actor(uuid.UUID(body))) as uow:
        certificates.number_batch(uow, uuid.UUID(batch), issued_on=noon.date())
"""


def test_a_process_killed_at_the_commit_leaves_neither_number_nor_gap(real_app, body, scratch_database_url, tmp_path):
    key, other, _third = approved_batches(body)[::3]
    before = ledger()
    db.session.remove()
    command = [sys.executable, "-c", KILLED, str(tmp_path), scratch_database_url, SECRET, str(body), str(key)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
    assert ledger() == before
    for batch in (other, key):
        with unit_of_work(system_actor(body)) as uow:
            certificates.number_batch(uow, batch, issued_on=DAY)
    check_books()

"""Officers' processes die in the middle of whatever they do to the ledger, while others do the same work."""

from __future__ import annotations

import gc
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from typing import Any

from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session

from certification.models import (
    BatchStep,
    Certificate,
    CertificateAct,
    CertificateCounter,
    CertificateEvent,
    CertificateState,
    CertificationBatch,
    ComponentScore,
    MessageState,
    PassDecisionRecord,
    ResultDelivery,
    SeniorApplication,
    SeniorEvent,
    WebhookMessage,
)
from certification.rules.batch_states import ALLOWED, BatchState
from certification.rules.pass_decision import PassOutcome
from certification.services import batches
from certification.services.certificates import MESSAGES
from exam_delivery.models import ScoreRecord, ScoreRelease
from kernel import audit
from kernel.db import db
from kernel.jobs.models import Job, JobStatus
from kernel.settings import Settings
from tests.chaos.ledger_groups import find_half_done, find_missing
from tests.chaos.ledger_office import ACTS, Office, open_office, work
from tests.chaos.matrix import Bench, Evidence, fault
from tests.exam_delivery.sitting_cases import SECRET
from web.app import create_app

N_OFFICERS = 2
MEAN_LIFE = 30
"""How many calls of the database a process lives on average, once it has come to an act in which nobody has died yet."""
FORK = multiprocessing.get_context("fork")
LEDGER = (
    "no act is half done; balances close; numbers without gap or double; states follow one another, each with who and when; "
    "the audit chain is whole; each message once"
)


@dataclass
class Life:
    """How long the next process lives."""

    n_calls: int
    seeks: frozenset[str]
    acts: list[str] = field(default_factory=lambda: [""])

    def begin(self, name: str) -> None:
        """Note what is being done now."""
        self.acts.append(name)

    def call(self, tell: int) -> None:
        """Count a call of the database; end without a word when it was the last."""
        if self.seeks.isdisjoint(self.acts):
            return
        self.n_calls -= 1
        if self.n_calls == 0:
            os.write(tell, f"{self.acts[-1]}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)


@fault(
    "F23",
    "SIGKILL of officers' processes in every act of the ledger, two of them at the same work",
    LEDGER,
    short=16,
    long=1000,
    has_own_database=True,
)
def officers_killed(bench: Bench, tries: int) -> Evidence:
    """Let offices go their way from the exam to the archive, killed again and again; look at the books after each kill."""
    evidence, chance = Evidence(), random.Random(bench.seed)
    app = create_app(
        Settings(instance_dir=bench.folder, database_url=bench.url, secret_key=SECRET, log_level="CRITICAL")
    )
    with app.app_context():
        db.create_all()
        n_offices = 0
        while tries > 0:
            n_offices += 1
            office = open_office(f"LEDGER{n_offices:04}", bench.folder)
            tries = _whole_way(app, office, chance, tries, evidence, by_clock=bench.is_long)
        evidence.note(offices=n_offices)
        db.session.remove()
        db.engine.dispose()
    return evidence


def _whole_way(
    app: Flask, office: Office, chance: random.Random, tries: int, evidence: Evidence, *, by_clock: bool
) -> int:
    """Let one office come to its end; return how many tries are left."""
    struck: set[str] = set()
    is_over = False
    while not is_over:
        seeks = frozenset(one.name for one in ACTS) - struck if tries > 0 else frozenset()
        lives = [Life(1 + int(chance.expovariate(1 / MEAN_LIFE)), seeks) for _ in range(N_OFFICERS)]
        patience = chance.random() if by_clock and tries % 2 else None
        died, codes = _run(app, office, lives, patience)
        evidence.demand(set(codes) <= {0, -signal.SIGKILL}, f"an officer's process ended with {codes} after {died}")
        struck |= set(died) or set(seeks if 0 in codes and patience is None else ())
        tries -= codes.count(-signal.SIGKILL)
        is_over = all(code != -signal.SIGKILL for code in codes)
        evidence.violations += [f"{what} (killed in {', '.join(died) or 'no act'})" for what in find_broken(office)]
        if evidence.violations:
            return 0
        evidence.note(acts_struck=len(struck))
    evidence.violations += find_undone(office)
    return tries


def _run(app: Flask, office: Office, lives: list[Life], patience: float | None) -> tuple[list[str], list[int]]:
    """Let officers work side by side in processes of their own; return in which acts they died, and how they ended."""
    db.session.remove()
    db.engine.dispose()  # no process inherits a connection
    hear, tell = os.pipe()
    officers: list[BaseProcess] = [FORK.Process(target=_live, args=(app, office, one, tell)) for one in lives]
    for one in officers:
        one.start()
    os.close(tell)
    if patience is not None:
        time.sleep(patience)
        officers[0].kill()
    for one in officers:
        one.join()
    with os.fdopen(hear) as pipe:
        return pipe.read().split(), [one.exitcode or 0 for one in officers]


def _live(app: Flask, office: Office, life: Life, tell: int) -> None:
    """Work as one officer until the end of the work, or of this life."""
    gc.disable()  # such a life is short: looking for garbage would only copy what it shares with its parent
    with app.app_context():
        hook: Callable[..., None] = lambda *_rest: life.call(tell)  # noqa: E731 - one for all
        for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
            event.listen(db.engine, name, hook)
        event.listen(Session, "after_commit", hook)
        work(office, life.begin)


# --- what must hold --------------------------------------------------------------------------------------------------


def find_broken(office: Office) -> list[str]:
    """Return what is wrong with the books of an office, at whatever moment."""
    session = db.session()
    session.expire_all()
    own = Rows(session, office)
    found = [*_batches(own), *_certificates(own), *_versions(own), *_messages(own), *find_half_done(own.of)]
    if audit.verify(session).broken is not None:
        found.append("the audit chain is broken")
    return found


@dataclass
class Rows:
    """The rows of one body."""

    session: Session
    office: Office

    def of(self, model: Any) -> list[Any]:
        """Return all rows of a model."""
        return self.session.query(model).filter_by(organisation_id=self.office.organisation_id).all()


def _batches(own: Rows) -> Iterator[str]:
    """Each balance closes, and each state is reached step by step, with who and when."""
    for batch in own.of(CertificationBatch):
        if not batches.balance_of(own.session, batch).is_closed:
            yield f"the balance of {batch.code} does not close"
        steps = own.session.query(BatchStep).filter_by(certification_batch_id=batch.certification_batch_id)
        before = None
        for number, step in enumerate(steps.order_by(BatchStep.number), start=1):
            is_legal = step.before is None or step.after in ALLOWED[step.before]
            if not (is_legal and step.before == before and step.number == number and step.actor_name and step.at):
                yield f"step {step.number} of {batch.code} from {step.before} to {step.after} does not follow {before}"
            before = step.after
        if before is not batch.state:
            yield f"{batch.code} is {batch.state} and its last step says {before}"
        yield from _outcomes(own, batch)


def _outcomes(own: Rows, batch: CertificationBatch) -> Iterator[str]:
    """Nobody is pending once a batch is decided, but who waits for a late certificate."""
    if batch.state in {BatchState.RECEIVED, BatchState.CHECKED}:
        return
    n_pending = batches.balance_of(own.session, batch).count(PassOutcome.PENDING)
    if n_pending > (1 if batch.state is BatchState.ISSUED else 0):
        yield f"{n_pending} are pending in {batch.code}, which is {batch.state}"


def _certificates(own: Rows) -> Iterator[str]:
    """Serials without a gap, one certificate a person that is not replaced, each state from its own act."""
    rows: list[Certificate] = own.of(Certificate)
    for counter in own.of(CertificateCounter):
        head = f"{counter.prefix}{counter.year % 100:02d}{counter.level_code}"
        serials = sorted(int(row.number[16:]) for row in rows if row.number.startswith(head))
        if serials != list(range(1, counter.last_serial + 1)):
            yield f"the serials of {head} are {serials}, the counter says {counter.last_serial}"
    numbers = {row.number for row in rows}
    standing = Counter(row.result_record_id for row in rows if row.state is not CertificateState.SUPERSEDED)
    if any(n > 1 for n in standing.values()):
        yield "somebody holds two certificates"
    for row in rows:
        if (row.superseded_by in numbers) is not (row.state is CertificateState.SUPERSEDED):
            yield f"{row.number} is {row.state} and replaced by {row.superseded_by}"
        acts = own.session.query(CertificateEvent).filter_by(certificate_id=row.certificate_id)
        yield from _events(row, [one.act for one in acts.order_by(CertificateEvent.at) if one.actor_name])


STATES = {
    CertificateAct.HELD: CertificateState.HELD, CertificateAct.RELEASED: CertificateState.VALID,
    CertificateAct.SUPERSEDED: CertificateState.SUPERSEDED, CertificateAct.REVOKED: CertificateState.REVOKED,
}  # fmt: skip


def _events(row: Certificate, acts: list[CertificateAct]) -> Iterator[str]:
    said = [STATES[act] for act in acts if act in STATES]
    if acts.count(CertificateAct.NUMBERED) != 1 or (said[-1] if said else CertificateState.VALID) is not row.state:
        yield f"{row.number} is {row.state} after {[act.value for act in acts]}"
    if (row.issued_at is not None) is not (acts.count(CertificateAct.ISSUED) == 1):
        yield f"{row.number} was issued at {row.issued_at} and its acts are {[act.value for act in acts]}"


def _versions(own: Rows) -> Iterator[str]:
    """Versions of scores, decisions and deliveries are counted without a gap."""
    for model, key in (
        (ComponentScore, lambda row: (row.result_record_id, row.mode)),
        (PassDecisionRecord, lambda row: row.result_record_id),
        (ScoreRecord, lambda row: row.attempt_id),
    ):
        numbers: dict[Any, list[int]] = {}
        for row in own.of(model):
            numbers.setdefault(key(row), []).append(row.number)
        if any(sorted(found) != list(range(1, len(found) + 1)) for found in numbers.values()):
            yield f"versions of {model.__name__} are doubled or missing"
    releases, deliveries = own.of(ScoreRelease), own.of(ResultDelivery)
    if len({one.release_id for one in deliveries}) != len(deliveries) or len(deliveries) > len(releases):
        yield f"{len(releases)} releases were delivered {len(deliveries)} times"


def _messages(own: Rows) -> Iterator[str]:
    """Each step and each public act of a certificate is told once, and nothing else is."""
    told = Counter(row.event_type for row in own.of(WebhookMessage))
    acts = [MESSAGES[row.act].value for row in own.of(CertificateEvent) if row.act in MESSAGES]
    expected = Counter(acts) + Counter({"batch.state_changed": len(own.of(BatchStep))})
    if told != expected:
        yield f"messages {dict(told)} were written, {dict(expected)} happened"
    jobs = Counter(row.unique_key for row in own.session.query(Job) if row.unique_key)
    if any(n > 1 for n in jobs.values()):
        yield "a job was published twice"


def find_undone(office: Office) -> list[str]:
    """Return what is missing once an office has come to the end of its way."""
    own = Rows(db.session(), office)
    found = [*find_missing(own.of)]
    if office.place() != len(ACTS):
        found.append(f"the office stopped before {ACTS[office.place()].name}")
    found += [
        f"{row.name} ended as {row.status}: {row.error}"
        for row in own.session.query(Job)
        if row.status is not JobStatus.DONE
    ]
    heard = Counter(office.heard.read_text().split())
    sent = {f"msg_{row.webhook_message_id.hex}": row.state for row in own.of(WebhookMessage)}
    if set(heard) != set(sent) or set(sent.values()) != {MessageState.DELIVERED}:
        found.append(f"{len(sent)} messages were written, {len(heard)} were heard")
    states = Counter(row.state.value for row in own.of(Certificate))
    if states != {"valid": 3, "revoked": 1, "superseded": 1}:
        found.append(f"certificates ended as {dict(states)}")
    if len(own.of(ScoreRelease)) != len(own.of(ResultDelivery)):
        found.append("a release was not delivered")
    (applicant,) = own.of(SeniorApplication)
    events = [row.act.value for row in own.of(SeniorEvent)]
    if sorted(events) != sorted(set(events)) or applicant.certification_batch_id is None:
        found.append(f"the application went {events}")
    return found

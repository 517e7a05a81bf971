"""A centre's ledger in a database of its own: three hundred people, a desk for every office, and the balance after each act."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import uuid
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from blueprints.public_evidence import load_form_evidence
from certification.models import Certificate, CertificateCounter, CertificationBatch
from certification.repository import batches as batch_repository
from certification.repository import certificates as certificate_repository
from certification.repository import evidence as evidence_repository
from certification.rules.pass_decision import AssessmentMode
from certification.services import batches, scores
from exam_delivery.answering.app import create_answering_app
from exam_delivery.models import Attempt, ExamSession, Registration
from exam_delivery.rules.planning import SessionPlan
from exam_delivery.services import release, running
from kernel.clock import now
from kernel.db import db
from kernel.identity.actor import Actor, permissions_of, system_actor
from kernel.identity.models import Organisation, OrganisationKind, User, UserRole
from kernel.identity.permissions import Role
from kernel.jobs.models import OPEN, Job
from kernel.jobs.runner import run_job
from kernel.settings import Settings
from kernel.uow import unit_of_work
from tests.exam_delivery.sitting_cases import Caller, Person

PREFIX = "S000011000001"
Act = Callable[..., Any]


def add_house() -> Organisation:
    """Add the body that evaluates and certifies."""
    with unit_of_work(system_actor()) as uow:
        row = Organisation(
            code="LEDGER", name="演示评价机构", kind=OrganisationKind.SOCIAL, certificate_prefix=PREFIX, is_active=True,
            created_at=now(),
        )  # fmt: skip
        uow.add(row)
    return row


def employ(organisation_id: uuid.UUID, name: str, *roles: Role) -> Actor:
    """Add somebody who works there and return them at work."""
    with unit_of_work(system_actor()) as uow:
        user = User(
            username=name, name=name, password_hash="-", must_change_password=False, is_active=True,
            organisation_id=organisation_id, locale="zh_Hans_CN", created_at=now(), roles=[UserRole(role=r) for r in roles],
        )  # fmt: skip
        uow.add(user)
    return Actor(user.user_id, organisation_id, name, permissions_of(roles), frozenset(roles))


def do(actor: Actor, verb: Act, *arguments: Any, **named: Any) -> Any:
    """Let somebody do one thing in a transaction of its own."""
    with unit_of_work(actor) as uow:
        return verb(uow, *arguments, **named)


def run(name: str) -> None:
    """Run the one job of a name that waits, as the worker would."""
    db.session.expire_all()
    job = db.session.query(Job).filter(Job.name == name, Job.status.in_(OPEN)).one()
    assert run_job(job.job_id) == "done", job.error
    db.session.expire_all()


# --- the hall --------------------------------------------------------------------------------------------------------


def written(folder: Path) -> list[tuple[str, str]]:
    """Return admission and identity numbers of everybody who may sign in."""
    with (folder / "people.csv").open(encoding="utf-8", newline="") as file:
        return [(row["admission_number"], row["id_number"]) for row in csv.DictReader(file)]


def right_answers(organisation_id: uuid.UUID, form_id: uuid.UUID) -> dict[int, list[str]]:
    """Return what the sealed key asks for, as the candidate's page sends it."""
    slots = load_form_evidence(db.session(), organisation_id, form_id).scoring["slots"]
    return {slot["slot"]: _as_sent(slot["content"]["key"]) for slot in slots}


def _as_sent(key: Any) -> list[str]:
    return key if isinstance(key, list) else [json.dumps(key)] if isinstance(key, bool) else [key]


def single_choices(answers: dict[int, list[str]]) -> list[int]:
    """Return the slots that have one letter as their key."""
    return [slot for slot, key in sorted(answers.items()) if len(key) == 1 and key[0] in "ABCD"]


@dataclass
class Sheet:
    """What one person writes; the receipt must count it."""

    admission_number: str
    id_number: str
    answers: dict[int, list[str]]


def sit(settings: Settings, sheets: Sequence[Sheet]) -> None:
    """Let people sign in, answer and hand in, through the very program that serves them."""
    site = create_answering_app(settings)
    try:
        for sheet in sheets:
            caller = Caller(site).begin(
                Person(sheet.admission_number, sheet.id_number, uuid.UUID(int=0), uuid.UUID(int=0))
            )
            saved = caller.save(*((slot, 1, answer) for slot, answer in sheet.answers.items()))
            assert saved.status == 200, saved.body
            assert len(saved.json["acknowledged"]) == len(sheet.answers)
            assert caller.call("POST", "submit", {}).status == 200
    finally:
        site.close()


def session_plan(form_id: str, name: str) -> SessionPlan:
    """Return a sitting that is open now."""
    start = now().replace(microsecond=0) - dt.timedelta(minutes=1)
    return SessionPlan(
        name=name, form_ids=(form_id,), starts_at=start, ends_at=start + dt.timedelta(hours=12), duration_minutes=90,
        open_entry_minutes=0, late_cutoff_minutes=600, earliest_submit_minutes=0, leave_limit=5,
    )  # fmt: skip


# --- the books -------------------------------------------------------------------------------------------------------


@dataclass
class Books:
    """A certification batch and those who work on it."""

    officer: Actor
    batch_id: uuid.UUID
    told: list[str] = field(default_factory=list)

    @property
    def batch(self) -> CertificationBatch:
        db.session.expire_all()
        return batch_repository.get_batch(db.session(), self.batch_id, actor=self.officer)

    def act(self, verb: Act, *arguments: Any, **named: Any) -> Any:
        """Do something as the officer; afterwards the balance is closed and the numbers have no gap."""
        found = do(self.officer, verb, *arguments, **named)
        self.balance()
        return found

    def balance(self) -> dict[str, int]:
        """Return the balance sheet, which closes whenever one looks."""
        check_numbers()
        balance = batches.balance_of(db.session(), self.batch)
        assert balance.is_closed, balance
        known = {"passed", "failed", "absent", "void", "pending"}
        counts = {outcome.value: n for outcome, n in balance.outcomes.items()}
        assert set(counts) <= known
        assert sum(counts.values()) == self.batch.n_registered
        return {name: n for name, n in counts.items() if n}

    def record(self, admission_number: str) -> Any:
        db.session.expire_all()
        return evidence_repository.get_record_by_number(db.session(), self.batch_id, admission_number)

    def type_skills(self, texts: dict[str, str]) -> None:
        people = {one.admission_number: one for one in batch_repository.list_records(db.session(), self.batch_id)}
        typed = {(people[number].result_record_id, AssessmentMode.SKILLS): text for number, text in texts.items()}
        self.act(scores.type_scores, self.batch_id, typed)

    def certificates(self, admission_number: str) -> list[Certificate]:
        """Return everybody's certificates in the order of their numbers."""
        key = self.record(admission_number).result_record_id
        rows = certificate_repository.list_batch_certificates(db.session(), self.batch_id)
        return sorted((row for row in rows if row.result_record_id == key), key=lambda row: row.number)


def check_numbers() -> None:
    """Hold every number ever given against the counters: each serial once, none left out."""
    db.session.expire_all()
    series: dict[tuple[str, int, str], list[int]] = {}
    for (number,) in db.session.query(Certificate.number):
        series.setdefault((number[:13], 2000 + int(number[13:15]), number[15]), []).append(int(number[16:]))
    counters = {(c.prefix, c.year, c.level_code): c.last_serial for c in db.session.query(CertificateCounter)}
    for place, last in counters.items():
        assert sorted(series.get(place, [])) == list(range(1, last + 1)), place
    assert set(series) <= set(counters)


def photos_of(admission_numbers: Sequence[str]) -> bytes:
    """Return a package of photos by admission number."""
    picture, package = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (59, 83), "#dfe7f2").save(picture, "JPEG")
    with zipfile.ZipFile(package, "w") as archive:
        for number in admission_numbers:
            archive.writestr(f"{number}.jpg", picture.getvalue())
    return package.getvalue()


def close_and_score(actor: Actor, exam_session_id: uuid.UUID) -> None:
    do(actor, running.close_session, exam_session_id)
    run("exam_delivery.score")


def release_batch(actor: Actor, exam_batch_id: uuid.UUID) -> None:
    """Release what was scored; the hand-over to certification follows as a job."""
    preview = release.preview_release(db.session(), actor, exam_batch_id)
    assert preview.n_registered == (
        preview.n_scored + preview.n_absent + preview.n_void + preview.n_not_taken + preview.n_pending
    )
    do(actor, release.release_scores, exam_batch_id, confirmed_digest=preview.digest)
    run("results.released")


def certification_batch(actor: Actor, exam_batch_id: uuid.UUID) -> Books:
    batch = batch_repository.find_batch_by_source(db.session(), actor.organisation, exam_batch_id)
    assert batch is not None
    return Books(actor, batch.certification_batch_id)


def registrations(exam_session_id: uuid.UUID) -> Iterator[tuple[str, uuid.UUID]]:
    """Return everybody's admission number and registration."""
    db.session.expire_all()
    for row in db.session.query(Registration).filter_by(exam_session_id=exam_session_id):
        yield row.admission_number or "", row.registration_id


def attempt_of(registration_id: uuid.UUID) -> Attempt:
    return db.session.query(Attempt).filter_by(registration_id=registration_id).one()


def sitting_of(exam_session_id: uuid.UUID) -> ExamSession:
    return db.session.get_one(ExamSession, exam_session_id)

"""A small examination that really took place: written, sealed, sat, scored, released, decided, published, certified."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from blueprints.public_evidence import load_form_evidence
from certification.models import CertificationBatch
from certification.repository import batches as batch_repository
from certification.rules import keys
from certification.rules.batch_states import BatchState
from certification.rules.pass_decision import AssessmentMode, PassOutcome
from certification.services import batches, certificates, decisions, evidence, publicity, scores, signing
from certification.services.evidence_entries import PackScope
from exam_delivery.models import Attempt, AttemptStatus, ExamSession, ResponseEvent, ResponseState
from exam_delivery.rules.receipts import make_receipt
from exam_delivery.services import release, running
from kernel import profiles
from kernel.clock import now, shifted, today
from kernel.db import db
from kernel.identity.actor import Actor, system_actor
from kernel.identity.models import Organisation, OrganisationKind
from kernel.jobs.models import Job
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from web.simulation import simulate

N_ITEMS = 12


@dataclass
class Packs:
    """What came out: whole packs, the masked pack of one candidate, the published keys, and where the rest is."""

    whole: bytes
    masked: bytes
    one: bytes
    keys: bytes
    actor: Actor
    batch_id: uuid.UUID
    records: list[uuid.UUID]
    admission_numbers: list[str]
    id_numbers: list[str]
    names: list[str]


@contextmanager
def inside_a_transaction(app) -> Iterator[None]:
    """Let everything inside be undone at the end, as the fixture `app` does for one test."""
    with app.app_context():
        engine = db.engine
        connection = engine.connect()
        outer = connection.begin()
        db.engines[None] = connection
        db.session.remove()
        try:
            yield
        finally:
            db.session.remove()
            outer.rollback()
            connection.close()
            db.engines[None] = engine


def make_packs(folder) -> Packs:
    """Let three candidates sit (one is absent), certify those who pass, and make the packs."""
    organisation = add_organisation()
    actor = system_actor(organisation.organisation_id, name="认定员")
    batch_id = sat_and_released(actor, folder)
    certify(actor, batch_id)
    people = batch_repository.list_records(db.session(), batch_id)
    full, nothing = PackScope(is_personal=True, has_content=True), PackScope()

    def pack(record, scope):
        return evidence.build_pack(db.session(), actor, batch_id, record, scope).content

    first = next(one for one in people if one.outcome is PassOutcome.PASSED)
    lines = (folder / "people.csv").read_text(encoding="utf-8").splitlines()[1:]
    return Packs(
        pack(None, full), pack(None, nothing), pack(first.result_record_id, nothing),
        json.dumps(signing.published_keys(db.session())).encode(), actor, batch_id,
        [one.result_record_id for one in people], [one.admission_number for one in people],
        [line.split(",")[1] for line in lines], [one.name for one in people],
    )  # fmt: skip


def add_organisation() -> Organisation:
    with unit_of_work(system_actor()) as uow:
        row = Organisation(
            code="EVIDENCE", name="演示评价机构", kind=OrganisationKind.SOCIAL, certificate_prefix="S000011000001",
            is_active=True, created_at=now(),
        )  # fmt: skip
        uow.add(row)
    return row


def sat_and_released(actor, folder) -> uuid.UUID:
    """Return the certification batch of a session that was really sat."""
    made = simulate(3, N_ITEMS, folder / "people.csv", organisation_code="EVIDENCE", say=lambda _text: None)
    with unit_of_work(actor) as uow:
        session = uow.session.get(ExamSession, made.exam_session_id)
        attempts = (
            uow.session.query(Attempt).filter_by(exam_session_id=session.exam_session_id).order_by(Attempt.attempt_id)
        )
        right = right_answers(uow.session, actor.organisation, uuid.UUID(session.form_ids[0]))
        half = {slot: text for slot, text in right.items() if slot % 2}
        for attempt, answers in zip(attempts.limit(2), (right, half), strict=True):
            sit(uow, attempt, answers)
        batch_id = session.exam_batch_id
    with unit_of_work(actor) as uow:
        running.close_session(uow, made.exam_session_id)
    run("exam_delivery.score")
    preview = release.preview_release(db.session(), actor, batch_id)
    with unit_of_work(actor) as uow:
        release.release_scores(uow, batch_id, confirmed_digest=preview.digest)
    run("results.released")
    return batch_repository.find_batch_by_source(db.session(), actor.organisation, batch_id).certification_batch_id


def right_answers(session, organisation_id, form_id) -> dict[int, str]:
    """Return the answers that the sealed key asks for, as a browser sends them."""
    slots = load_form_evidence(session, organisation_id, form_id).scoring["slots"]
    keys = {slot["slot"]: slot["content"]["key"] for slot in slots}
    return {slot: json.dumps(key if isinstance(key, list) else [key]) for slot, key in keys.items()}


def sit(uow, attempt, answers) -> None:
    moment = now()
    for slot, text in answers.items():
        for seq, response in enumerate(('["C"]', text), start=1):
            uow.add(
                ResponseEvent(attempt_id=attempt.attempt_id, slot=slot, seq=seq, response=response, received_at=moment)
            )
        uow.add(ResponseState(attempt_id=attempt.attempt_id, slot=slot, seq=2, response=text, received_at=moment))
    attempt.status, attempt.started_at, attempt.deadline_at = AttemptStatus.SUBMITTED, moment, moment
    attempt.submitted_at, attempt.submit_kind = moment, "candidate"
    attempt.receipt = make_receipt({k: json.loads(v) for k, v in answers.items()}, "x", moment)


def run(name) -> None:
    db.session.expire_all()
    job = db.session.query(Job).filter_by(name=name).order_by(Job.created_at.desc()).first()
    assert run_job(job.job_id) == "done", job.error
    db.session.expire_all()


def certify(actor, batch_id) -> None:
    """Decide, publish, number and issue; the roster's review has tests of its own, here it is taken as approved."""
    with unit_of_work(actor) as uow:
        signing.create_key(uow)
        profiles.publish(uow, {keys.MARK_THEORY: 10}, effective_on=dt.date(2020, 1, 1))  # the form has one mark an item
        batches.check_batch(uow, batch_id)
    people = batch_repository.list_records(db.session(), batch_id)
    with unit_of_work(actor) as uow:
        typed = {(one.result_record_id, AssessmentMode.SKILLS): "80" for one in people}
        scores.type_scores(uow, batch_id, typed)
    with unit_of_work(actor) as uow:
        decisions.decide_batch(uow, batch_id)
    with shifted(dt.timedelta(days=-20)), unit_of_work(actor) as uow:
        publicity.open_publicity(uow, batch_id, starts_on=today(), contact="考评部")
    with unit_of_work(actor) as uow:
        uow.session.get(CertificationBatch, batch_id).state = BatchState.APPROVED
    with unit_of_work(actor) as uow:
        certificates.number_batch(uow, batch_id, issued_on=today() - dt.timedelta(days=1))
    with unit_of_work(actor) as uow:
        certificates.issue_batch(uow, batch_id)
    db.session.expire_all()

"""The people of a certification office and everything they do to the ledger, act by act; each act and its line in the book are one."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from certification import jobs as certification_jobs
from certification.adapters.webhook_sender import Answer
from certification.models import (
    Certificate,
    CertificateAct,
    CertificateState,
    CertificationBatch,
    DeliveryStatus,
    Objection,
    ResultDelivery,
    ResultRecord,
    SeniorApplication,
)
from certification.rules import keys
from certification.rules.levels import LEVEL_CODES
from certification.rules.pass_decision import AssessmentMode, PassOutcome
from certification.rules.webhooks import EventType
from certification.services import (
    batches,
    certificates,
    corrections,
    decisions,
    filing,
    late_corrections,
    printing,
    publicity,
    records,
    rosters,
    scores,
    senior_certificates,
    senior_panels,
    senior_terms,
    seniors,
    webhooks,
)
from certification.services.materials import UploadedMaterial
from exam_delivery.models import Attempt, Candidate, ExamBatch, ExamSession, KeyChange
from exam_delivery.services import key_changes, key_effects, photos, release, running
from exam_delivery.services.key_changes import Proposal
from kernel import profiles
from kernel.clock import now, shifted, today
from kernel.db import db
from kernel.errors import ConflictError
from kernel.identity.actor import Actor, permissions_of, system_actor
from kernel.identity.models import Organisation, OrganisationKind, User, UserRole
from kernel.identity.permissions import Role
from kernel.jobs.models import OPEN, Job
from kernel.jobs.runner import run_job
from kernel.uow import UnitOfWork, unit_of_work
from qbank.models.standards import Occupation
from tests.certification.evidence_world import right_answers, sit
from tests.factories.certification import OCCUPATION, id_number, photo
from web.simulation import simulate

N_PEOPLE, N_ITEMS, MARK = 4, 12, 6
BOOK = "CREATE TABLE IF NOT EXISTS officers_book (office VARCHAR(36), place INTEGER, PRIMARY KEY (office, place))"
LINE = "INSERT INTO officers_book (office, place) VALUES (:office, :place)"
ROLES = {
    "exam": (Role.EXAM_OFFICER,),
    "second": (Role.EXAM_OFFICER,),
    "certification": (Role.CERTIFICATION_OFFICER,),
    "checker": (Role.CERTIFICATION_OFFICER,),
    "admin": (Role.ORGANISATION_ADMIN,),
    **{f"assessor{n}": (Role.ASSESSOR,) for n in range(3)},
}


@dataclass
class Office:
    """One body with its people, its session that was sat, and the partner that hears its messages."""

    organisation_id: uuid.UUID
    people: dict[str, Actor]
    exam_session_id: uuid.UUID
    exam_batch_id: uuid.UUID
    form_id: uuid.UUID
    slot: int
    new_key: str
    heard: Path
    number: int

    def place(self) -> int:
        """Return how many acts are done."""
        found = db.session().scalar(
            text("SELECT count(*) FROM officers_book WHERE office = :office"), {"office": str(self.organisation_id)}
        )
        return int(found or 0)

    def one(self, model: Any, **wanted: Any) -> Any:
        """Return the one row of this body that fits."""
        return db.session().query(model).filter_by(organisation_id=self.organisation_id, **wanted).one()

    def batch(self, *, is_senior: bool = False) -> uuid.UUID:
        rows = db.session().query(CertificationBatch).filter_by(organisation_id=self.organisation_id)
        (found,) = [one for one in rows if (one.source_batch_id != self.exam_batch_id) is is_senior]
        return found.certification_batch_id

    def records(self, batch_id: uuid.UUID) -> list[ResultRecord]:
        rows = db.session().query(ResultRecord).filter_by(certification_batch_id=batch_id)
        return rows.order_by(ResultRecord.admission_number).all()


@dataclass(frozen=True)
class Act:
    """One act: whose, what, and on which day (counted from today)."""

    name: str
    who: str
    do: Callable[[UnitOfWork, Office], object]
    days: int = 0


ACTS: list[Act] = []


def act(who: str, days: int = 0) -> Callable[[Callable[[UnitOfWork, Office], object]], object]:
    """Enter an act into the way of the office."""

    def enter(do: Callable[[UnitOfWork, Office], object]) -> object:
        ACTS.append(Act(do.__name__, who, do, days))
        return do

    return enter


def work(office: Office, begin: Callable[[str], None]) -> None:
    """Do what is left to do; jobs and messages first, as a worker that was started again finds them."""
    certification_jobs.webhook_sender.send = partner(office.heard)  # type: ignore[assignment] # the other system's end
    while True:
        begin("jobs")
        run_jobs()
        place = office.place()
        if place == len(ACTS):
            return
        begin(ACTS[place].name)
        try:
            perform(office, place)
        except DBAPIError:
            raise
        except Exception:
            db.session.rollback()
            if office.place() == place:  # nobody else was faster: it is a real failure
                raise


def perform(office: Office, place: int) -> None:
    """Do one act, and write it down in the same transaction."""
    one = ACTS[place]
    with shifted(dt.timedelta(days=one.days)), unit_of_work(office.people[one.who]) as uow:
        one.do(uow, office)
        uow.session.execute(text(LINE), {"office": str(office.organisation_id), "place": place})


def run_jobs() -> None:
    """Run every job that is not over and send every message that is due, until nothing is left."""
    while True:
        db.session.rollback()
        with suppress(ConflictError):  # another worker was faster
            certification_jobs.publish_messages()
        open_jobs = db.session.scalars(select(Job.job_id).where(Job.status.in_(OPEN)).order_by(Job.created_at)).all()
        if not open_jobs:
            return
        for job_id in open_jobs:
            with suppress(ConflictError, DBAPIError):  # the queue tries again
                run_job(job_id)


def partner(heard: Path) -> Callable[..., Answer]:
    """Return the other system, which writes down what it heard."""

    def send(_url: str, _body: str, headers: dict[str, str], *, may_be_private: bool) -> Answer:
        with heard.open("a") as file:
            file.write(headers["webhook-id"] + "\n")
        return Answer(200, "")

    return send


# --- how an office begins --------------------------------------------------------------------------------------------


def open_office(code: str, folder: Path) -> Office:
    """Make a body whose session was sat by three of four people; nothing of the ledger is there yet."""
    with unit_of_work(system_actor()) as uow:
        body = Organisation(
            code=code, name="演示评价机构", kind=OrganisationKind.SOCIAL, is_active=True, created_at=now(),
            certificate_prefix=f"S000011{int(code[-4:]):06d}",
        )  # fmt: skip
        uow.add(body)
        uow.session.execute(text(BOOK))
        if uow.session.query(Occupation).first() is None:
            uow.add(occupation())
    people = {name: add_person(body.organisation_id, f"{code}-{name}", roles) for name, roles in ROLES.items()}
    number = int(code[-4:])  # other people in every body: nobody is certified twice
    made = simulate(
        N_PEOPLE,
        N_ITEMS,
        folder / f"{code}.csv",
        organisation_code=code,
        first=number * N_PEOPLE,
        say=lambda _text: None,
    )
    actor = system_actor(body.organisation_id)
    with unit_of_work(actor) as uow:
        row = uow.session.get_one(ExamSession, made.exam_session_id)
        form_id = uuid.UUID(row.form_ids[0])
        slot, new_key = let_them_sit(uow, made.exam_session_id, form_id)
        batch = uow.session.get_one(ExamBatch, row.exam_batch_id)
        batch.occupation_code, batch.occupation_name = OCCUPATION
        prepare_rules(uow)
        for one in uow.session.query(Candidate).filter_by(organisation_id=body.organisation_id):
            photos._store_photo(uow, one, photo())
    with unit_of_work(people["admin"]) as uow:
        webhooks.add_endpoint(
            uow, name="演示平台", url="https://partner.invalid/", event_types=[*EventType], may_be_private=True
        )
    return Office(
        body.organisation_id, people, made.exam_session_id, batch.exam_batch_id, form_id, slot, new_key,
        folder / f"{code}.heard", number,
    )  # fmt: skip


def occupation() -> Occupation:
    return Occupation(
        code=OCCUPATION[0], name=OCCUPATION[1], category="演示", major_code="4", mid_code="4-04", mid_name="演示",
        minor_code="4-04-05", minor_name="演示", edition="2022", work_types="数据标注员", source_check="both",
    )  # fmt: skip


def prepare_rules(uow: UnitOfWork) -> None:
    for level in ("4", "特级技师"):
        filing.add_filed_scope(
            uow, occupation_code=OCCUPATION[0], trade_name="", level_code=level, filed_on=dt.date(2025, 1, 6), number="演示备",
        )  # fmt: skip
    given = {keys.MARK_THEORY: MARK, LEVEL_CODES: "特级技师=T"}
    profiles.publish(uow, given, effective_on=dt.date(2020, 1, 1))


def add_person(organisation_id: uuid.UUID, username: str, roles: tuple[Role, ...]) -> Actor:
    with unit_of_work(system_actor()) as uow:
        row = User(
            username=username, name=username, password_hash="-", must_change_password=False, is_active=True,
            organisation_id=organisation_id, locale="zh_Hans_CN", created_at=now(),
            roles=[UserRole(role=role) for role in roles],
        )  # fmt: skip
        uow.add(row)
    return Actor(row.user_id, organisation_id, username, permissions_of(roles), frozenset(roles))


def let_them_sit(uow: UnitOfWork, exam_session_id: uuid.UUID, form_id: uuid.UUID) -> tuple[int, str]:
    """Let one know everything, one just enough by an item whose key is wrong, one just too little for it; the last stays away."""
    right = right_answers(uow.session, uow.actor.organisation, form_id)
    slot = next(number for number, key in right.items() if len(key) == len('["A"]') and key[2] in "ABCD")
    others = [number for number in right if number != slot][: MARK - 1]
    new_key = next(letter for letter in "ABCD" if letter != right[slot][2])
    enough = {number: right[number] for number in (*others, slot)}
    attempts = uow.session.query(Attempt).filter_by(exam_session_id=exam_session_id).order_by(Attempt.attempt_id)
    answers = (right, enough, enough | {slot: json.dumps([new_key])})
    for attempt, given in zip(attempts.limit(3), answers, strict=True):
        sit(uow, attempt, given)
    return slot, new_key


# --- from the end of the exam to the certificates --------------------------------------------------------------------


@act("exam")
def close_session(uow: UnitOfWork, office: Office) -> None:
    running.close_session(uow, office.exam_session_id)


@act("exam")
def release_scores(uow: UnitOfWork, office: Office) -> None:
    preview = release.preview_release(uow.session, uow.actor, office.exam_batch_id)
    release.release_scores(uow, office.exam_batch_id, confirmed_digest=preview.digest)


@act("certification")
def check(uow: UnitOfWork, office: Office) -> None:
    batches.check_batch(uow, office.batch())


@act("certification")
def type_scores(uow: UnitOfWork, office: Office) -> None:
    people = office.records(office.batch())
    scores.type_scores(uow, office.batch(), {(one.result_record_id, AssessmentMode.SKILLS): "80" for one in people})


@act("certification")
def decide(uow: UnitOfWork, office: Office) -> None:
    decisions.decide_batch(uow, office.batch())


@act("certification")
def reopen(uow: UnitOfWork, office: Office) -> None:
    batches.reopen_batch(uow, office.batch(), reason="漏登一项")


@act("certification")
def decide_again(uow: UnitOfWork, office: Office) -> None:
    decisions.decide_batch(uow, office.batch())


@act("certification", days=-20)
def open_publicity(uow: UnitOfWork, office: Office) -> None:
    publicity.open_publicity(uow, office.batch(), starts_on=today(), contact="考评部")


@act("certification")
def describe(uow: UnitOfWork, office: Office) -> None:
    batches.update_batch(uow, office.batch(), trade_name="", **filed_in_time())


def filed_in_time() -> dict[str, dt.date]:
    return {
        "plan_filed_on": today() - dt.timedelta(days=90),
        "evaluation_starts_on": today() - dt.timedelta(days=30),
    }


@act("certification")
def object_to(uow: UnitOfWork, office: Office) -> None:
    person = office.records(office.batch())[0]
    publicity.note_objection(
        uow, office.batch(), admission_number=person.admission_number, raised_by="李四", raised_on=today(), content="不实",
    )  # fmt: skip


@act("certification")
def settle_objection(uow: UnitOfWork, office: Office) -> None:
    publicity.settle_objection(uow, office.one(Objection).objection_id, is_upheld=False, answer="经查属实")


@act("certification")
def submit_roster(uow: UnitOfWork, office: Office) -> None:
    rosters.submit_roster(uow, office.batch())


@act("certification")
def return_roster(uow: UnitOfWork, office: Office) -> None:
    rosters.return_roster(uow, office.batch(), [rosters.ReturnedField("phone", "missing", note="电话缺失")])


@act("certification")
def resubmit_roster(uow: UnitOfWork, office: Office) -> None:
    rosters.submit_roster(uow, office.batch())


@act("certification")
def approve_roster(uow: UnitOfWork, office: Office) -> None:
    rosters.approve_roster(uow, office.batch(), reference="演示核〔2026〕1号")


@act("certification")
def number(uow: UnitOfWork, office: Office) -> None:
    certificates.number_batch(uow, office.batch(), issued_on=today())


@act("certification")
def issue_and_print(uow: UnitOfWork, office: Office) -> None:
    printing.request_issue(uow, office.batch(), base_url="https://kaoku.invalid")


# --- a key that was wrong --------------------------------------------------------------------------------------------


@act("exam")
def propose_key(uow: UnitOfWork, office: Office) -> None:
    key_changes.propose(
        uow,
        Proposal(
            office.form_id, office.slot, "appeal", "new_key", "教材与原答案不符，经专家组复核认定", office.new_key
        ),
    )


@act("second")
def approve_key(uow: UnitOfWork, office: Office) -> None:
    change = office.one(KeyChange)
    found = key_effects.find_effects(uow.session, uow.actor, change)
    key_changes.approve(uow, change.key_change_id, confirmed_digest=found.digest, reason="已核对教材")


@act("certification")
def apply_correction(uow: UnitOfWork, office: Office) -> None:
    delivery = office.one(ResultDelivery, status=DeliveryStatus.OPEN)
    corrections.apply_correction(uow, delivery.result_delivery_id, reason="答案变更")


@act("certification")
def add_late(uow: UnitOfWork, office: Office) -> None:
    waiting = office.one(ResultRecord, outcome=PassOutcome.PENDING)
    late_corrections.add_late(uow, waiting.result_record_id, issued_on=today(), reason="补公示期满")


@act("certification")
def revoke(uow: UnitOfWork, office: Office) -> None:
    held = office.one(Certificate, state=CertificateState.HELD)
    certificates.change_state(uow, held.certificate_id, CertificateAct.REVOKED, reason="更正后不合格")


@act("certification")
def supersede(uow: UnitOfWork, office: Office) -> None:
    rows = db.session().query(Certificate).filter_by(organisation_id=office.organisation_id)
    first = rows.order_by(Certificate.number).filter_by(state=CertificateState.VALID).first()
    assert first is not None
    certificates.reissue(uow, first.certificate_id, reason="损毁换发")


@act("certification")
def archive(uow: UnitOfWork, office: Office) -> None:
    batches.archive_batch(uow, office.batch())


# --- an application for 特级技师 --------------------------------------------------------------------------------------


def application(office: Office) -> uuid.UUID:
    return office.one(SeniorApplication).senior_application_id


@act("certification")
def apply_as_senior(uow: UnitOfWork, office: Office) -> None:
    data = seniors.SeniorData(
        level_code="special_tech", occupation_code=OCCUPATION[0], trade_name="", name="演示申报人", id_number=id_number(office.number),
        phone="13800000000", employer="演示企业", position="班长", current_level="1", current_since=dt.date(2020, 5, 1),
        current_certificate="", years_in_occupation="20", joined_on=dt.date(2006, 7, 1), achievements="主持技术攻关三项。",
    )  # fmt: skip
    row = seniors.create(uow, data)
    uow.flush()
    file = UploadedMaterial("业绩证明.pdf", b"%PDF-1.7 demonstration")
    seniors.add_material(uow, row.senior_application_id, title="业绩证明", file=file)


@act("certification")
def submit_application(uow: UnitOfWork, office: Office) -> None:
    seniors.submit(uow, application(office))


@act("certification")
def name_panel(uow: UnitOfWork, office: Office) -> None:
    panel = [office.people[f"assessor{n}"].user_id for n in range(3)]
    senior_panels.set_panel(uow, application(office), [one for one in panel if one])


def vote_as(who: str) -> None:
    def vote(uow: UnitOfWork, office: Office) -> None:
        senior_panels.vote(uow, application(office), is_for=True, score="90", comment="")

    ACTS.append(Act(f"vote_{who}", who, vote))


for one_of_three in range(3):
    vote_as(f"assessor{one_of_three}")


@act("certification")
def conclude(uow: UnitOfWork, office: Office) -> None:
    senior_panels.conclude(uow, application(office))


@act("certification", days=-20)
def show_senior(uow: UnitOfWork, office: Office) -> None:
    senior_terms.open_publicity(uow, application(office), starts_on=today(), contact="考评部")


@act("certification")
def appoint(uow: UnitOfWork, office: Office) -> None:
    senior_terms.appoint(uow, application(office), first=today(), last=None, number="演示聘〔2026〕1号")


@act("certification")
def make_senior_batch(uow: UnitOfWork, office: Office) -> None:
    senior_certificates.make_batch(uow, application(office))


@act("certification")
def submit_senior_roster(uow: UnitOfWork, office: Office) -> None:
    batch_id = office.batch(is_senior=True)
    records.save_photo(uow, office.records(batch_id)[0].result_record_id, photo())
    batches.update_batch(uow, batch_id, trade_name="", **filed_in_time())
    uow.flush()
    rosters.submit_roster(uow, batch_id)


@act("certification")
def approve_senior_roster(uow: UnitOfWork, office: Office) -> None:
    rosters.approve_roster(uow, office.batch(is_senior=True), reference="演示核〔2026〕2号")


@act("certification")
def number_senior(uow: UnitOfWork, office: Office) -> None:
    certificates.number_batch(uow, office.batch(is_senior=True), issued_on=today())


@act("certification")
def issue_senior(uow: UnitOfWork, office: Office) -> None:
    certificates.issue_batch(uow, office.batch(is_senior=True))


@act("certification")
def archive_senior(uow: UnitOfWork, office: Office) -> None:
    batches.archive_batch(uow, office.batch(is_senior=True))

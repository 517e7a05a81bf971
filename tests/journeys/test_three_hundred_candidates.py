"""Three hundred candidates from the examination room to certificates, and on through all that can come after.

Absent, void, a part failed and sat again, a wrong key found when certificates are out, an appeal that gives one of them back:
after each act of an office the balance sheet closes and the numbers have neither gap nor double; the pack verifies alone.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from certification.models import CertificateState, ResultRecord, WebhookMessage
from certification.repository import batches as batch_repository
from certification.repository import certificates as certificate_repository
from certification.repository import publicity as publicity_repository
from certification.repository import scores as score_repository
from certification.rules import keys
from certification.rules.batch_states import BatchState
from certification.rules.pass_decision import PassOutcome
from certification.rules.webhooks import EventType
from certification.services import (
    batches,
    certificates,
    corrections,
    decisions,
    evidence,
    late_corrections,
    lookup,
    part_scores,
    publicity,
    records,
    rosters,
    signing,
    webhooks,
)
from certification.services.evidence_entries import PackScope
from certification.verifier import kaoku_verify
from exam_delivery.models import KeyChange, Registration, ScoreRecord
from exam_delivery.rules.roster import RosterRow
from exam_delivery.services import (
    appeal_findings,
    appeals,
    arranging,
    key_changes,
    key_effects,
    preparation,
    rulings,
    running,
    sessions,
)
from exam_delivery.services import batches as exam_batches
from exam_delivery.services import rosters as exam_rosters
from exam_delivery.services.appeal_findings import Conclusion
from exam_delivery.services.appeals import Filing
from exam_delivery.services.key_changes import Proposal
from exam_delivery.services.rulings import RulingProposal
from kernel import audit, profiles
from kernel.clock import now, shifted, today
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.settings import Settings
from kernel.uow import unit_of_work
from tests.conftest import SECRET
from tests.journeys.ledger import (
    PREFIX,
    Books,
    Sheet,
    add_house,
    attempt_of,
    certification_batch,
    close_and_score,
    do,
    employ,
    photos_of,
    registrations,
    release_batch,
    right_answers,
    run,
    session_plan,
    single_choices,
    sit,
    sitting_of,
    written,
)
from web.app import create_app
from web.simulation import simulate

N_PEOPLE, N_ITEMS, PASS_MARK = 300, 20, 12
ABSENT, VOID = range(10), range(10, 14)
FAIL_THEORY, FAIL_SKILLS, ABSENT_SKILLS = range(20, 50), range(50, 80), range(80, 85)
LOSERS, GAINERS = range(85, 90), range(90, 95)
APPELLANT, REPRINTED = 89, 95
WHY = "教材第 3 章写明的答案与原答案不同，原答案抄错"
MONTH = dt.timedelta(days=30)


@pytest.fixture
def settings_here(scratch_database_url: str, tmp_path: Path) -> Settings:
    return Settings(instance_dir=tmp_path, database_url=scratch_database_url, secret_key=SECRET)


@pytest.fixture
def house(settings_here: Settings) -> Iterator[Flask]:
    """The program on an empty database with real commits."""
    app = create_app(settings_here)
    with app.app_context():
        db.create_all()
        yield app
        db.session.remove()
        db.engine.dispose()


class Journey:
    """The people of one centre and what they do, in the order in which it happens."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        self.organisation_id = add_house().organisation_id
        self.exams = employ(self.organisation_id, "考务员", Role.EXAM_OFFICER)
        self.chief = employ(self.organisation_id, "考务主任", Role.EXAM_OFFICER)
        self.reviewer = employ(self.organisation_id, "复核员", Role.MARKER)
        self.officer = employ(self.organisation_id, "认定员", Role.CERTIFICATION_OFFICER)
        self.admin = employ(self.organisation_id, "机构管理员", Role.ORGANISATION_ADMIN)

    # --- the examination

    def examine(self) -> None:
        """Let everybody sit who comes, score, put misconduct to a ruling, release."""
        made = simulate(
            N_PEOPLE, N_ITEMS, self.folder / "people.csv", organisation_code="LEDGER", say=lambda _text: None
        )
        self.session_id = made.exam_session_id
        self.exam_batch_id = sitting_of(self.session_id).exam_batch_id
        self.form_id = sitting_of(self.session_id).form_ids[0]
        self.people = written(self.folder)
        self.numbers = [number for number, _id in self.people]
        self.right = right_answers(self.organisation_id, uuid.UUID(self.form_id))
        self.wrong_slot, self.doubted_slot = single_choices(self.right)[:2]
        self.new_key, self.other_key = (self._other(slot) for slot in (self.wrong_slot, self.doubted_slot))
        db.session.remove()
        sit(self.settings, [Sheet(*self.people[n], self.answers(n)) for n in range(N_PEOPLE) if n not in ABSENT])
        close_and_score(self.exams, self.session_id)
        known = dict(registrations(self.session_id))
        self.registered = [known[number] for number in self.numbers]
        for n in VOID:
            proposal = RulingProposal("misconduct", "开考 40 分钟时使用手机查找答案，监考员当场制止。", 3)
            ruling = do(self.exams, rulings.propose, self.registered[n], proposal)
            do(self.chief, rulings.decide, ruling.result_ruling_id, is_approved=True, reason="事实清楚，同意")
        release_batch(self.exams, self.exam_batch_id)
        self.books = certification_batch(self.officer, self.exam_batch_id)

    def _other(self, slot: int) -> str:
        return "A" if self.right[slot] != ["A"] else "B"

    def answers(self, n: int) -> dict[int, list[str]]:
        """Return what one of them writes: right, or nothing where a mark is to be lost."""
        special = {self.wrong_slot, self.doubted_slot}
        plain = {slot: answer for slot, answer in self.right.items() if slot not in special}
        some = dict(list(plain.items())[: PASS_MARK - 1])
        if n in FAIL_THEORY:
            return dict(list(plain.items())[:5])
        if n == APPELLANT:
            return some | {self.wrong_slot: self.right[self.wrong_slot], self.doubted_slot: [self.other_key]}
        if n in LOSERS:
            return some | {self.wrong_slot: self.right[self.wrong_slot]}
        return some | {self.wrong_slot: [self.new_key]} if n in GAINERS else self.right

    # --- the ledger

    def decide(self) -> None:
        books = self.books
        assert books.balance() == {"pending": N_PEOPLE}
        do(self.admin, signing.create_key)
        with unit_of_work(self.admin) as uow:
            softened = {
                keys.MARK_THEORY: float(PASS_MARK),
                keys.WARNING_CHECKS: "O01,O03",
            }  # a standard of the house itself
            profiles.publish(uow, softened, effective_on=dt.date(2020, 1, 1))
            webhooks.add_endpoint(
                uow, name="省平台", url="https://province.example/hook", event_types=[str(one) for one in EventType],
                may_be_private=False,
            )  # fmt: skip
        books.act(batches.check_batch, books.batch_id)
        assert (
            books.act(records.import_photos, books.batch_id, records.unpack_photos(photos_of(self.numbers))).n_saved
            == N_PEOPLE
        )
        books.type_skills({number: self.skills(n) for n, number in enumerate(self.numbers)})
        books.act(decisions.decide_batch, books.batch_id)
        assert books.balance() == {"passed": 216, "failed": 70, "absent": 10, "void": 4}

    def skills(self, n: int) -> str:
        if n in ABSENT or n in ABSENT_SKILLS:
            return "缺考"
        return "40" if n in FAIL_SKILLS else "75"

    def publish(self, books: Books) -> None:
        """Publish, answer an objection, have the roster returned once and approved, number and issue."""
        day = today()
        books.act(publicity.open_publicity, books.batch_id, starts_on=day, contact="考评部 0571-00000000")
        books.act(
            batches.update_batch, books.batch_id, trade_name="", plan_filed_on=day - dt.timedelta(days=90),
            evaluation_starts_on=day,
        )  # fmt: skip
        person = next(r for r in self.list_people(books) if r.outcome is PassOutcome.PASSED)
        books.act(
            publicity.note_objection, books.batch_id, admission_number=person.admission_number, raised_by="考生本人",
            raised_on=day, content="对技能成绩有异议",
        )  # fmt: skip
        (objection,) = publicity_repository.list_objections(db.session(), books.batch_id)
        with shifted(_later(MONTH / 2)):
            books.act(publicity.settle_objection, objection.objection_id, is_upheld=False, answer="复核无误")
            books.act(rosters.submit_roster, books.batch_id)
            returned = [rosters.ReturnedField("phone", "missing", person.admission_number, "缺电话")]
            books.act(rosters.return_roster, books.batch_id, returned)
            books.act(rosters.submit_roster, books.batch_id)
            books.act(rosters.approve_roster, books.batch_id, reference="演示核〔2026〕1号")
            books.act(certificates.number_batch, books.batch_id, issued_on=today())
            books.act(certificates.issue_batch, books.batch_id)
        assert books.batch.state is BatchState.ISSUED

    def list_people(self, books: Books) -> list[ResultRecord]:
        return list(batch_repository.list_records(db.session(), books.batch_id))

    def certify(self) -> None:
        before = self.books.balance()
        self.publish(self.books)
        assert self.books.balance() == before
        rows = certificate_repository.list_batch_certificates(db.session(), self.books.batch_id)
        assert len(rows) == before["passed"]
        numbers = sorted(row.number for row in rows)
        assert {number[: len(PREFIX)] for number in numbers} == {PREFIX}
        assert [int(number[-6:]) for number in numbers] == list(range(1, before["passed"] + 1))

    # --- a wrong key, found when the certificates are out

    def change_key(self, slot: int, policy: str, key: str, source: str) -> KeyChange:
        """Let one person propose and another approve; the corrected results arrive and are taken over."""
        proposal = Proposal(uuid.UUID(self.form_id), slot, source, policy, WHY, key)
        change = do(self.exams, key_changes.propose, proposal)
        self.books.balance()
        effects = key_effects.find_effects(db.session(), self.chief, change)
        do(self.chief, key_changes.approve, change.key_change_id, confirmed_digest=effects.digest, reason="已核对教材")
        run(key_changes.APPLY_JOB)
        run("results.released")
        self.books.balance()
        return db.session.get_one(KeyChange, change.key_change_id)

    def take_over(self, reason: str) -> None:
        rows = batch_repository.list_deliveries(db.session(), self.books.batch_id)
        (delivery,) = [one for one in rows if one.status.value == "open"]
        self.books.act(corrections.apply_correction, delivery.result_delivery_id, reason=reason)

    def states(self, who: range) -> list[list[str]]:
        return [[row.state.value for row in self.books.certificates(self.numbers[n])] for n in who]

    def find_wrong_key(self) -> None:
        change = self.change_key(self.wrong_slot, "new_key", self.new_key, "statistics")
        assert (change.effects["lost"], change.effects["gained"]) == (len(LOSERS), len(GAINERS)), change.effects
        self.take_over(f"答案变更案 {change.code}")
        assert self.books.balance() == {"passed": 211, "failed": 70, "absent": 10, "void": 4, "pending": 5}
        assert self.states(LOSERS) == [["held"]] * 5
        assert self.states(GAINERS) == [[]] * 5
        assert self.told("held") == self.certificate_numbers(LOSERS)

    def told(self, act: str) -> set[str]:
        """Return the certificates of which other systems were told that this became of them."""
        found = db.session.query(WebhookMessage).filter_by(event_type=EventType.CERTIFICATE_STATE).all()
        data = [json.loads(one.body)["data"] for one in found]
        return {one["number"] for one in data if one["act"] == act}

    def certificate_numbers(self, who: range) -> set[str]:
        return {row.number for n in who for row in self.books.certificates(self.numbers[n])}

    def appeal(self) -> None:
        """One of those who lost shows that the other letter is right too; an independent person agrees."""
        before = db.session.query(ScoreRecord).count()
        filing = Filing(
            kind="check", subject="items", slots=(self.doubted_slot,), statement="第 2 题另一选项也正确，请核对教材。", filed_on=today()
        )  # fmt: skip
        request = do(self.chief, appeals.file_request, self.registered[APPELLANT], filing).score_review_request_id
        do(self.chief, appeals.accept, request)
        do(self.chief, appeals.assign, request, self.reviewer.user_id)
        do(self.reviewer, appeal_findings.conclude, request, Conclusion("changed", WHY, "key_change"))
        change = self.change_key(self.doubted_slot, "either_key", self.other_key, "appeal")
        do(self.chief, appeal_findings.close, request, key_change_id=change.key_change_id)
        assert db.session.query(ScoreRecord).count() == before + 1
        attempt_id = attempt_of(self.registered[APPELLANT]).attempt_id
        versions = db.session.query(ScoreRecord).filter_by(attempt_id=attempt_id).order_by(ScoreRecord.number)
        assert [(one.number, one.score) for one in versions] == [(1, 12), (2, 11), (3, 12)]
        self.take_over("复核结论")
        assert self.books.balance() == {"passed": 212, "failed": 69, "absent": 10, "void": 4, "pending": 5}
        assert self.states(LOSERS) == [["held"]] * 4 + [["valid"]]
        assert self.told("released") == self.certificate_numbers(range(APPELLANT, APPELLANT + 1))

    def settle(self) -> None:
        """Revoke what does not stand, add what was earned late, replace one; the public sees each."""
        books = self.books
        for n in LOSERS[:-1]:
            (row,) = books.certificates(self.numbers[n])
            books.act(certificates.change_state, row.certificate_id, certificates.CertificateAct.REVOKED, reason=WHY)
            assert lookup.verify_token(db.session(), row.public_token).state == "revoked"
        assert self.told("revoked") == self.certificate_numbers(LOSERS[:-1])
        for n in GAINERS:
            key = books.record(self.numbers[n]).result_record_id
            books.act(late_corrections.add_late, key, issued_on=today(), reason="补公示期满，补报名册演示核〔2026〕2号")
        (old,) = books.certificates(self.numbers[REPRINTED])
        new = books.act(certificates.reissue, old.certificate_id, reason="证书损毁，申请换发")
        assert old.superseded_by == new.number
        assert self.states(range(REPRINTED, REPRINTED + 1)) == [["superseded", "valid"]]
        assert lookup.verify_token(
            db.session(), books.certificates(self.numbers[REPRINTED])[0].public_token
        ).superseded_by
        assert books.balance() == {"passed": 217, "failed": 69, "absent": 10, "void": 4}
        rows = certificate_repository.list_batch_certificates(db.session(), books.batch_id)
        assert sum(row.state is CertificateState.VALID for row in rows) == books.balance()["passed"]
        books.act(batches.archive_batch, books.batch_id)

    # --- a part sat again

    def sit_again(self) -> Books:
        """Ten sit theory again, ten skills alone."""
        theory, skills = FAIL_THEORY[:10], FAIL_SKILLS[:10]
        session_id, batch_id = self.plan_resit([*theory, *skills], skills)
        sheets = [Sheet(number, id_number, self.right) for number, id_number in self.prepared(session_id)]
        assert {sheet.id_number for sheet in sheets} == {self.people[n][1] for n in theory}
        db.session.remove()
        sit(self.settings, sheets)
        close_and_score(self.exams, session_id)
        release_batch(self.exams, batch_id)
        return certification_batch(self.officer, batch_id)

    def decide_resit(self, books: Books) -> None:
        """The part that was passed is carried over; one of them fails the other part once more."""
        assert books.balance() == {"pending": 20}
        assert books.act(part_scores.carry_parts, books.batch_id) == 20
        books.act(batches.check_batch, books.batch_id)
        everybody = [one.admission_number for one in self.list_people(books)]
        books.act(records.import_photos, books.batch_id, records.unpack_photos(photos_of(everybody)))
        alone = sorted(number for number in everybody if number.startswith("BK"))
        books.type_skills({number: "66" if place else "30" for place, number in enumerate(alone)})
        books.act(decisions.decide_batch, books.batch_id)
        assert books.balance() == {"passed": 19, "failed": 1}
        newest = score_repository.current_decisions(db.session(), books.batch_id)
        carried = [reason for one in newest.values() for reason in one.reasons if reason[1] == "carried"]
        assert [reason[3]["batch"] for reason in carried] == [self.books.batch.code] * 20
        self.publish(books)
        assert books.balance() == {"passed": 19, "failed": 1}
        assert len(certificate_repository.list_batch_certificates(db.session(), books.batch_id)) == 19

    def plan_resit(self, who: list[int], skills: range) -> tuple[uuid.UUID, uuid.UUID]:
        level = str(batch_repository.get_batch(db.session(), self.books.batch_id, actor=self.officer).standard_level_id)
        batch = do(self.exams, exam_batches.create_batch, exam_batches.BatchPlan("BK-01", "补考批次", level))
        room = do(self.exams, exam_batches.save_room, None, exam_batches.RoomPlan("演示考点", "补考考场", 30))
        row = do(self.exams, sessions.create_session, batch.exam_batch_id, session_plan(self.form_id, "补考"))
        do(self.exams, sessions.set_rooms, row.exam_session_id, {room.exam_room_id: []})
        people = {one.admission_number: one for one in self.list_people(self.books)}
        lines = []
        for n in who:
            number, known = self.people[n][1], people[self.numbers[n]]
            lines.append(
                RosterRow(number=n, name=known.name, id_number=number, sex=known.sex, birth_date=known.birth_date, takes_theory=n not in skills)
            )  # fmt: skip
        do(self.exams, exam_rosters.register_rows, batch.exam_batch_id, lines, exam_session_id=row.exam_session_id)
        do(self.exams, arranging.arrange, row.exam_session_id, seed=7)
        do(self.exams, preparation.request_preparation, row.exam_session_id)
        run("exam_delivery.prepare")
        do(self.exams, running.open_session, row.exam_session_id)
        return row.exam_session_id, batch.exam_batch_id

    def prepared(self, session_id: uuid.UUID) -> list[tuple[str, str]]:
        """Return admission and identity numbers of those who sit."""
        persons = {candidate_of(key): self.people[n][1] for n, key in enumerate(self.registered)}
        return [(number, persons[candidate_of(key)]) for number, key in registrations(session_id)]

    # --- what remains

    def prove(self) -> None:
        """Make the whole pack; it verifies in a bare interpreter, and a flipped byte is named."""
        actor = self.officer
        scope = PackScope(is_personal=True)
        made = evidence.build_pack(db.session(), actor, self.books.batch_id, None, scope)
        files = {"pack.jsonl": made.content, "keys.json": json.dumps(signing.published_keys(db.session())).encode()}
        files["kaoku_verify.py"] = Path(kaoku_verify.__file__).read_bytes()
        lines = made.content.splitlines(keepends=True)
        place = next(n for n, line in enumerate(lines) if b'"kind":"certificate"' in line)
        broken = bytearray(lines[place])
        at = broken.index(b"S0000")
        broken[at] ^= 1
        files["broken.jsonl"] = b"".join([*lines[:place], bytes(broken), *lines[place + 1 :]])
        for name, content in files.items():
            (self.folder / name).write_bytes(content)
        good, bad = self.verify("pack.jsonl", "--keys", "keys.json"), self.verify("broken.jsonl")
        assert (good.returncode, bad.returncode) == (0, 1), good.stdout
        assert "证据包完整" in good.stdout
        assert f"第 {place + 1} 行" in bad.stdout
        texts = [json.loads(line) for line in lines[2:]]
        assert sum(one["kind"] == "candidate" for one in texts) == N_PEOPLE
        assert audit.verify(db.session()).broken is None

    def verify(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "kaoku_verify.py", *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)


def _later(by: dt.timedelta) -> dt.timedelta:
    """Return a shift of the clock that many days after the one in force."""
    return by + round((now() - dt.datetime.now(dt.UTC)) / dt.timedelta(days=1)) * dt.timedelta(days=1)


def candidate_of(registration_id: uuid.UUID) -> uuid.UUID:
    return db.session.get_one(Registration, registration_id).candidate_id


def test_three_hundred_candidates_go_the_whole_way_and_the_books_are_right_after_every_act(
    house: Flask, settings_here: Settings, tmp_path: Path
) -> None:
    journey = Journey(settings_here, tmp_path)
    journey.examine()
    journey.decide()
    journey.certify()
    with shifted(MONTH):
        journey.find_wrong_key()
        journey.appeal()
        journey.settle()
    again = journey.sit_again()
    with shifted(MONTH):
        journey.decide_resit(again)
        journey.prove()

from __future__ import annotations

import datetime as dt
import io

import pypdf
import pytest
from sqlalchemy import event

from certification.models import CertificateAct, CertificateState, CertificationBatch, DeliveryStatus
from certification.public import receive_results
from certification.repository import batches as repository
from certification.repository import certificates as certificate_repository
from certification.repository import scores as score_repository
from certification.rules.batch_states import BatchState
from certification.rules.pass_decision import AssessmentMode, PassOutcome
from certification.rules.roster import ROSTER_COLUMNS, read_roster
from certification.services import (
    batches,
    certificates,
    corrections,
    decisions,
    lookup,
    printing,
    publicity,
    records,
    rosters,
    scores,
)
from kernel import crypto
from kernel.crypto import SealBrokenError
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, IllegalTransitionError, InvalidInputError, NotFoundError
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation, OrganisationGrant
from kernel.identity.permissions import Role
from kernel.jobs.models import JobStatus
from kernel.jobs.runner import run_job
from kernel.spreadsheets import read_table
from kernel.uow import unit_of_work
from tests.factories.certification import candidate, id_number

SKILLS = {"1": "80", "2": "60", "3": "59.99", "4": "缺考", "5": "88", "6": "缺考", "7": "90", "8": "71.5", "9": "60", "10": "61", "11": "62", "12": "63"}  # fmt: skip


def twelve():
    """Nine scored, one below the mark in theory, one absent, one void."""
    return [
        *(candidate(n) for n in (1, 2, 3, 4)),
        candidate(5, score="59.5"),
        candidate(6, "absent"),
        candidate(7, "void"),
        *(candidate(n, score="60") for n in (8, 9, 10, 11, 12)),
    ]


def text_of(pdf):
    return "".join("".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def counts(office, batch_id):
    balance = office.balance(batch_id)
    assert balance.is_closed, balance
    return {outcome.value: n for outcome, n in balance.outcomes.items()}


def test_twelve_candidates_go_from_results_to_certificates_and_the_balance_closes_at_every_step(office):
    _parcel, batch_id = office.receive(twelve())
    assert counts(office, batch_id) == {"pending": 12}
    office.decide(batch_id, SKILLS)
    decided = {"passed": 7, "failed": 3, "absent": 1, "void": 1}
    assert counts(office, batch_id) == decided
    office.publish(batch_id)
    office.approve(batch_id)
    assert counts(office, batch_id) == decided
    assert office.act(certificates.number_batch, batch_id, issued_on=dt.date(2026, 11, 10)) == 7
    job = office.act(printing.request_issue, batch_id, base_url="https://kaoku.invalid")
    assert run_job(job.job_id) is JobStatus.DONE
    assert counts(office, batch_id) == decided
    assert office.batch(batch_id).state is BatchState.ISSUED
    office.act(batches.archive_batch, batch_id)
    rows = certificate_repository.list_batch_certificates(db.session(), batch_id)
    assert [row.number for row in rows] == [f"S000011000001263{serial:06d}" for serial in range(1, 8)]
    (document,) = certificate_repository.list_documents(db.session(), batch_id)
    _name, content = office.act(printing.read_document, document.certification_document_id)
    printed = text_of(content)
    assert document.n_pages == len(pypdf.PdfReader(io.BytesIO(content)).pages) == 7
    for row in rows:
        assert row.number in printed
        assert row.name in printed
    assert [step.after for step in repository.list_steps(db.session(), batch_id)] == [
        BatchState.RECEIVED, BatchState.CHECKED, BatchState.DECIDED, BatchState.PUBLICITY,
        BatchState.ROSTER_SUBMITTED, BatchState.APPROVED, BatchState.NUMBERED, BatchState.ISSUED, BatchState.ARCHIVED,
    ]  # fmt: skip


def test_every_decision_says_why(office):
    _parcel, batch_id = office.receive(twelve())
    office.decide(batch_id, SKILLS)
    people, decided = office.records(batch_id), score_repository.current_decisions(db.session(), batch_id)

    def reasons(key):
        return [message % values for _m, _c, message, values in decided[people[key].result_record_id].reasons]

    assert reasons("3") == ["理论知识：75 分，达到合格分 60", "操作技能：59.99 分，低于合格分 60"]
    assert people["4"].outcome is PassOutcome.FAILED
    assert people["5"].outcome is PassOutcome.FAILED
    assert people["6"].outcome is PassOutcome.ABSENT
    assert people["7"].outcome is PassOutcome.VOID


def test_the_same_release_delivered_twice_changes_nothing(office):
    parcel, batch_id = office.receive(twelve())
    with unit_of_work(system_actor(office.actor.organisation_id)) as uow:
        again = receive_results(uow, parcel)
    assert (again.certification_batch_id, again.is_new) == (batch_id, False)
    assert len(repository.list_records(db.session(), batch_id)) == 12
    assert len(repository.list_deliveries(db.session(), batch_id)) == 1


def test_another_release_of_the_batch_is_a_correction_that_blocks_until_it_is_settled(office, batch_key):
    _parcel, batch_id = office.receive(twelve(), batch_id=batch_key)
    office.decide(batch_id, SKILLS)
    corrected = [candidate(5, score="60.5") if r.admission_number.endswith("0005") else r for r in twelve()]
    office.receive(corrected, batch_id=batch_key)
    (delivery,) = [d for d in repository.list_deliveries(db.session(), batch_id) if d.is_correction]
    assert delivery.differences == [["261121010005", "theory", "59.5", "60.5"]]
    with pytest.raises(ConflictError, match="成绩更正没有处理"):
        office.publish(batch_id)
    office.act(corrections.apply_correction, delivery.result_delivery_id, reason="复核后更正")
    assert office.batch(batch_id).state is BatchState.CHECKED
    assert counts(office, batch_id) == {"pending": 12}
    assert office.act(decisions.decide_batch, batch_id).count(PassOutcome.PASSED) == 8
    assert delivery.status is DeliveryStatus.APPLIED
    assert delivery.package_ciphertext is None


def test_numbers_are_stored_under_this_components_own_binding(office):
    _parcel, batch_id = office.receive(twelve())
    first, second = (office.records(batch_id)[key] for key in ("1", "2"))
    assert records.read_number(first, table="result_records", row_id=first.result_record_id) == id_number(1)
    assert id_number(1).encode() not in first.id_number_ciphertext
    with pytest.raises(SealBrokenError):
        records.read_number(first, table="result_records", row_id=second.result_record_id)


def test_a_published_period_ends_by_working_days_and_the_roster_waits_for_it(office):
    _parcel, batch_id = office.receive(twelve())
    office.decide(batch_id, SKILLS)
    row = office.publish(batch_id)
    assert row.ends_on == dt.date(2026, 11, 9)
    for day in (dt.date(2026, 11, 2), dt.date(2026, 11, 9)):
        office.calendar.set(day)
        with pytest.raises(ConflictError, match="公示期到 2026-11-09 结束"):
            office.act(rosters.submit_roster, batch_id)
    office.calendar.set(dt.date(2026, 11, 10))
    office.act(rosters.submit_roster, batch_id)


def test_an_open_objection_blocks_the_roster(office):
    _parcel, batch_id = office.receive(twelve())
    office.decide(batch_id, SKILLS)
    office.publish(batch_id)
    office.act(
        publicity.note_objection, batch_id, admission_number="261121010003", raised_by="演示考生3",
        raised_on=dt.date(2026, 11, 4), content="对技能成绩有异议",
    )  # fmt: skip
    office.calendar.set(dt.date(2026, 11, 10))
    with pytest.raises(ConflictError, match="1 件异议"):
        office.act(rosters.submit_roster, batch_id)


def test_the_public_list_masks_numbers_and_names_the_outcomes(office):
    _parcel, batch_id = office.receive(twelve())
    office.decide(batch_id, SKILLS)
    office.publish(batch_id)
    _name, content = publicity.publicity_pdf(db.session(), batch_id, actor=office.actor)
    text = text_of(content)
    assert "演示考生1" in text
    assert "成绩无效" in text
    assert id_number(1) not in text


def test_compliance_errors_block_the_roster_and_name_the_person(office):
    results = [candidate(1), candidate(2, sex="male")]
    _parcel, batch_id = office.receive(results)
    office.decide(batch_id, {"1": "80", "2": "80"})
    office.publish(batch_id)
    office.calendar.set(dt.date(2026, 11, 10))
    with pytest.raises(ConflictError, match="数据合规检查还有 1 处错误"):
        office.act(rosters.submit_roster, batch_id)


def test_the_roster_has_exactly_the_21_columns_and_only_those_who_passed(office):
    _parcel, batch_id = office.receive(twelve())
    office.decide(batch_id, SKILLS)
    office.publish(batch_id)
    office.calendar.set(dt.date(2026, 11, 10))
    submission = office.act(rosters.submit_roster, batch_id)
    _name, workbook = office.act(rosters.submitted_workbook, submission.roster_submission_id)
    sheet = read_table(workbook)[0].rows
    header = next(row for row in sheet if "姓名" in row)
    assert list(header) == list(ROSTER_COLUMNS.values())
    reading = read_roster(sheet)
    assert not reading.problems
    assert [row.name for row in reading.rows] == [f"演示考生{n}" for n in (1, 2, 8, 9, 10, 11, 12)]
    assert reading.rows[0].id_number == id_number(1)
    assert reading.rows[0].skill_level == "三级/高级工"


def test_a_returned_roster_is_mended_and_sent_again(office):
    _parcel, batch_id = office.receive(twelve())
    office.decide(batch_id, SKILLS)
    office.publish(batch_id)
    office.calendar.set(dt.date(2026, 11, 10))
    office.act(rosters.submit_roster, batch_id)
    person = office.records(batch_id)["1"]
    data = records.PersonData(
        person.name, "resident_id", "", "female", person.birth_date, "13900000000", "", "演示企业", True, "5 年", "训练师", None
    )  # fmt: skip
    with pytest.raises(ConflictError, match="不能再改"):
        office.act(records.update_person, person.result_record_id, data)
    office.act(
        rosters.return_roster,
        batch_id,
        [rosters.ReturnedField("phone", "missing", person.admission_number, "电话停机")],
    )
    office.act(records.update_person, person.result_record_id, data)
    submission = office.act(rosters.submit_roster, batch_id)
    assert submission.round == 2
    assert office.batch(batch_id).state is BatchState.RESUBMITTED
    _name, workbook = office.act(rosters.submitted_workbook, submission.roster_submission_id)
    assert read_roster(read_table(workbook)[0].rows).rows[0].phone == "13900000000"


def test_steps_that_the_state_machine_lacks_are_refused(office):
    _parcel, batch_id = office.receive(twelve())
    for verb, kwargs in (
        (decisions.decide_batch, {}),
        (publicity.open_publicity, {"starts_on": dt.date(2026, 11, 2), "contact": "x"}),
        (rosters.submit_roster, {}),
        (certificates.number_batch, {"issued_on": dt.date(2026, 11, 2)}),
        (certificates.issue_batch, {}),
        (batches.archive_batch, {}),
        (batches.reopen_batch, {"reason": "x"}),
    ):
        with pytest.raises(IllegalTransitionError):
            office.act(verb, batch_id, **kwargs)
    assert office.batch(batch_id).state is BatchState.RECEIVED


def test_pending_candidates_block_publicity(office):
    _parcel, batch_id = office.receive([candidate(1), candidate(2)])
    office.decide(batch_id, {"1": "80"})
    with pytest.raises(ConflictError, match="1 名考生的结论待定"):
        office.publish(batch_id)


def test_scores_are_locked_by_the_decision_until_the_batch_is_reopened(office):
    _parcel, batch_id = office.receive([candidate(1)])
    office.decide(batch_id, {"1": "50"})
    with pytest.raises(ConflictError, match="已锁定"):
        office.score(batch_id, {"1": "70"})
    office.act(batches.reopen_batch, batch_id, reason="漏登一项")
    office.score(batch_id, {"1": "70"})
    assert office.act(decisions.decide_batch, batch_id).count(PassOutcome.PASSED) == 1
    assert len(score_repository.list_decisions(db.session(), office.records(batch_id)["1"].result_record_id)) == 2


@pytest.mark.parametrize("text", ["100.5", "-1", "abc", "60.123", "１０１", "NaN", "1e2"])
def test_a_score_outside_0_to_100_is_refused_beside_its_field(office, text):
    _parcel, batch_id = office.receive([candidate(1)])
    with pytest.raises(InvalidInputError) as refused:
        office.score(batch_id, {"1": text})
    key = f"skills-{office.records(batch_id)['1'].result_record_id}"
    assert list(refused.value.fields) == [key]


def test_an_imported_sheet_reports_each_bad_row_and_saves_all_or_nothing(office):
    _parcel, batch_id = office.receive([candidate(1), candidate(2), candidate(3)])
    template = read_table(scores.score_template(db.session(), batch_id, actor=office.actor))[0].rows
    assert [row[0] for row in template[2:]] == ["261121010001", "261121010002", "261121010003"]
    csv = "准考证号,姓名,操作技能成绩\n261121010001,演示考生1,80\n261121010002,演示考生1,70\n99,谁,1\n261121010003,演示考生3,101\n"
    outcome = office.act(scores.import_scores, batch_id, csv.encode())
    assert [problem.row for problem in outcome.problems] == [3, 4, 5]
    assert outcome.n_saved == 0
    good = (
        "准考证号,姓名,操作技能成绩\n261121010001,演示考生1,80\n261121010002,演示考生2,缺考\n261121010003,演示考生3,\n"
    )
    outcome = office.act(scores.import_scores, batch_id, good.encode())
    assert (outcome.n_saved, outcome.n_empty, outcome.problems) == (2, 1, ())


def test_an_assessor_enters_scores_but_decides_nothing(office, make_actor):
    _parcel, batch_id = office.receive([candidate(1)])
    assessor = make_actor(Role.ASSESSOR)
    person = office.records(batch_id)["1"]
    with unit_of_work(assessor) as uow:
        scores.type_scores(uow, batch_id, {(person.result_record_id, AssessmentMode.SKILLS): "77"})
    with pytest.raises(ForbiddenError), unit_of_work(assessor) as uow:
        batches.check_batch(uow, batch_id)


def test_numbering_is_blocked_with_a_clear_message_while_prefix_or_level_code_is_missing(office, organisation):
    _parcel, batch_id = office.receive([candidate(1)])
    office.decide(batch_id, {"1": "80"})
    office.publish(batch_id)
    office.approve(batch_id)
    organisation.certificate_prefix = None
    db.session().flush()
    with pytest.raises(InvalidInputError, match="没有登记 13 位机构代码"):
        office.act(certificates.number_batch, batch_id, issued_on=dt.date(2026, 11, 10))
    with unit_of_work(system_actor()) as uow:
        uow.session.get(Organisation, organisation.organisation_id).certificate_prefix = "S000011000001"
        uow.session.get(CertificationBatch, batch_id).level_code = "special_tech"
    with pytest.raises(InvalidInputError, match="等级码尚未设置"):
        office.act(certificates.number_batch, batch_id, issued_on=dt.date(2026, 11, 10))


def test_a_date_of_issue_before_the_end_of_publicity_is_refused(office):
    _parcel, batch_id = office.receive([candidate(1)])
    office.decide(batch_id, {"1": "80"})
    office.publish(batch_id)
    office.approve(batch_id)
    with pytest.raises(InvalidInputError, match="早于公示结束"):
        office.act(certificates.number_batch, batch_id, issued_on=dt.date(2026, 11, 6))


def test_a_revoked_certificate_is_shown_as_revoked_and_stays_so(office):
    batch_id = office.whole_way([candidate(1)], {"1": "80"})
    (row,) = certificate_repository.list_batch_certificates(db.session(), batch_id)
    assert lookup.verify_token(db.session(), row.public_token).state == "valid"
    office.act(certificates.change_state, row.certificate_id, CertificateAct.REVOKED, reason="弄虚作假")
    shown = lookup.verify_token(db.session(), row.public_token)
    assert (shown.state, shown.name, shown.id_number) == ("revoked", "演*", "3****************" + id_number(1)[-1])
    for act in (CertificateAct.RELEASED, CertificateAct.HELD, CertificateAct.REVOKED):
        with pytest.raises(ConflictError):
            office.act(certificates.change_state, row.certificate_id, act, reason="x")
    events = certificate_repository.list_events(db.session(), row.certificate_id)
    assert [(e.act, e.reason) for e in events][-1] == (CertificateAct.REVOKED, "弄虚作假")


def test_a_reissued_certificate_gets_the_next_number_and_replaces_the_old_one(office):
    batch_id = office.whole_way([candidate(1), candidate(2)], {"1": "80", "2": "80"})
    first, _second = certificate_repository.list_batch_certificates(db.session(), batch_id)
    new = office.act(certificates.reissue, first.certificate_id, reason="姓名更正")
    assert new.number == "S000011000001263000003"
    assert lookup.verify_token(db.session(), first.public_token).superseded_by == new.number
    assert first.state is CertificateState.SUPERSEDED
    assert lookup.verify_token(db.session(), new.public_token).is_valid


def test_a_certificate_before_issue_and_an_unknown_one_look_alike_to_the_public(office):
    _parcel, batch_id = office.receive([candidate(1)])
    office.decide(batch_id, {"1": "80"})
    office.publish(batch_id)
    office.approve(batch_id)
    office.act(certificates.number_batch, batch_id, issued_on=dt.date(2026, 11, 10))
    (row,) = certificate_repository.list_batch_certificates(db.session(), batch_id)
    assert lookup.verify_token(db.session(), row.public_token) == lookup.UNKNOWN
    assert lookup.look_up(db.session(), number=row.number, name=row.name) == lookup.UNKNOWN


def test_a_look_up_costs_the_same_whether_it_finds_something_or_not(office, monkeypatch):
    key = office.whole_way([candidate(1)], {"1": "80"})
    (row,) = certificate_repository.list_batch_certificates(db.session(), key)
    number, name, token = row.number, row.name, row.public_token
    lookup.look_up(db.session(), number="S0", name="甲")  # the decoy is sealed once in a process
    counts = []

    def counted(name):
        real = getattr(crypto, name)
        return lambda *args, **kwargs: (counts.append(name), real(*args, **kwargs))[1]

    for step in ("encrypt", "decrypt"):
        monkeypatch.setattr(crypto, step, counted(step))
    engine = db.session().get_bind()

    def statement(*_args):
        counts.append("query")

    event.listen(engine, "before_cursor_execute", statement)
    try:
        costs = []
        for typed in ((number, name), (number, "别人"), ("S000011000001263999999", name), ("x" * 99, "甲")):
            db.session().expunge_all()
            counts.clear()
            lookup.look_up(db.session(), number=typed[0], name=typed[1])
            costs.append(list(counts))
        for shown in (token, "f" * 32, "no token"):
            db.session().expunge_all()
            counts.clear()
            lookup.verify_token(db.session(), shown)
            costs.append(list(counts))
    finally:
        event.remove(engine, "before_cursor_execute", statement)
    assert costs == [["query", "decrypt"]] * 7


def test_a_neighbour_cannot_see_or_touch_a_batch_and_a_centre_reads_by_grant(office, other_office, make_actor):
    batch_id = office.whole_way([candidate(1)], {"1": "80"})
    (row,) = certificate_repository.list_batch_certificates(db.session(), batch_id)
    with pytest.raises(NotFoundError):
        repository.get_batch(db.session(), batch_id, actor=other_office.actor)
    with pytest.raises(NotFoundError):
        other_office.act(certificates.change_state, row.certificate_id, CertificateAct.REVOKED, reason="x")
    supervisor = make_actor(Role.SUPERVISOR, organisation_id=other_office.actor.organisation_id)
    with pytest.raises(NotFoundError):
        repository.get_batch(db.session(), batch_id, actor=supervisor)
    with unit_of_work(system_actor()) as uow:
        uow.add(
            OrganisationGrant(
                organisation_id=office.actor.organisation_id, grantee_id=other_office.actor.organisation_id,
                created_at=row.created_at,
            )
        )  # fmt: skip
    assert repository.get_batch(db.session(), batch_id, actor=supervisor).n_registered == 1
    with pytest.raises(ForbiddenError), unit_of_work(supervisor) as uow:
        batches.archive_batch(uow, batch_id)


def test_the_register_exports_plain_numbers_only_by_permission(office, make_actor):
    from certification.repository.certificates import CertificateFilter
    from certification.services.register import export_register

    office.whole_way([candidate(1)], {"1": "80"})
    cells = read_table(office.act(export_register, CertificateFilter()))[0].rows[1]
    assert cells[3] == id_number(1)
    with unit_of_work(make_actor(Role.SUPERVISOR)) as uow:
        masked = read_table(export_register(uow, CertificateFilter()))[0].rows[1]
    assert masked[3] == "330102********" + id_number(1)[-4:]

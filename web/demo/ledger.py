"""The demonstration's certificates: skill scores, decision, publicity, roster, numbers, issue, at the times they would have happened."""

from __future__ import annotations

import datetime as dt
import random
import uuid

from certification.repository import panels
from certification.repository.batches import find_batch_by_source, list_records
from certification.repository.certificates import list_batch_certificates
from certification.repository.surveys import find_survey
from certification.rules.keys import WARNING_CHECKS
from certification.rules.pass_decision import AssessmentMode, PassOutcome
from certification.rules.surveys import ASPECT_SETS, Grade
from certification.services import (
    batches,
    blanks,
    certificates,
    decisions,
    filing,
    own_surveys,
    panel_groups,
    panel_sheets,
    printing,
    publicity,
    rosters,
    scores,
    signing,
    surveys,
)
from certification.services.candidate_access import themselves
from certification.services.panel_groups import GroupPlan
from certification.services.panel_sheets import Typed
from exam_delivery.public_candidates import Proof
from kernel import profiles
from kernel.clock import shifted, today
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from web.demo.people import Staff

DECIDED, APPROVED, ISSUED = dt.timedelta(days=-22), dt.timedelta(days=-4), dt.timedelta(days=-3)
SEED = 5
N_ASSESSED = 2
SURVEYED = dt.timedelta(days=14)
N_BY_HAND = 2
GRADES, GRADE_WEIGHTS = [grade.value for grade in Grade], (60, 33, 5, 1, 1)
COMMENTS = ("考场指引清楚，工作人员耐心。（演示）", "候考区座位少，建议增加。（演示）")
SCORE_SHEET = """# 准备
工具、材料齐全，穿戴劳动防护用品 | 20
# 操作
步骤符合规程 | 50
质量符合要求 | 30
违反安全规程 | -20"""
CONTACT = "演示评价中心质量部（演示）"


def load_certificates(staff: Staff, exam_batch_id: uuid.UUID) -> None:
    """Take the received batch to issued certificates."""
    officer = staff.actor(Role.CERTIFICATION_OFFICER)
    batch = find_batch_by_source(db.session(), staff.organisation.organisation_id, exam_batch_id)
    if batch is None:
        raise LookupError("the results were not received")
    key = batch.certification_batch_id
    with shifted(DECIDED):
        file_plan(staff, key)
        enter_skill_scores(staff, key)
        with unit_of_work(officer) as uow:
            batches.check_batch(uow, key)
        with unit_of_work(officer) as uow:
            decisions.decide_batch(uow, key)
        with unit_of_work(officer) as uow:
            publicity.open_publicity(uow, key, starts_on=today(), contact=CONTACT)
        with unit_of_work(officer) as uow:
            surveys.open_survey(uow, key, opens_on=today(), closes_on=today() + SURVEYED)
        answer_survey(staff, key)
    with shifted(APPROVED):
        with unit_of_work(officer) as uow:
            rosters.submit_roster(uow, key)
        return_once(staff, key)
        with unit_of_work(officer) as uow:
            rosters.approve_roster(uow, key, reference="演示审核 001")
    with shifted(ISSUED):
        with unit_of_work(staff.actor(Role.ORGANISATION_ADMIN)) as uow:
            signing.create_key(uow)
        with unit_of_work(officer) as uow:
            certificates.number_batch(uow, key, issued_on=today())
        with unit_of_work(officer) as uow:
            certificates.issue_batch(uow, key)
        print_on_blanks(staff, key)


def answer_survey(staff: Staff, key: uuid.UUID) -> None:
    """Let most of those who sat say how satisfied they are, and count the forms of some on paper."""
    chance = random.Random(SEED)  # noqa: S311 - a reproducible show
    sat = [one for one in list_records(db.session(), key) if one.outcome is not PassOutcome.ABSENT]
    people = chance.sample(sat, k=len(sat) * 4 // 5)
    survey = find_survey(db.session(), key)
    if survey is None:
        raise LookupError("the survey was not opened")
    for number, person in enumerate(people[:-N_BY_HAND]):
        proof = Proof(person.organisation_id, person.candidate_id)
        grades = {code: str(chance.choices(GRADES, GRADE_WEIGHTS)[0]) for code in ASPECT_SETS[survey.aspect_set]}
        comment = COMMENTS[number] if number < len(COMMENTS) else ""
        with unit_of_work(themselves(proof)) as uow:
            own_surveys.answer_survey(uow, proof, survey.batch_survey_id, grades=grades, comment=comment)
    counts = {code: (str(N_BY_HAND - 1), "1", "", "", "") for code in ASPECT_SETS[survey.aspect_set]}
    with unit_of_work(staff.actor(Role.CERTIFICATION_OFFICER)) as uow:
        surveys.count_by_hand(uow, key, n_forms=str(N_BY_HAND), counts=counts, note="演示清点，存考务室")


def print_on_blanks(staff: Staff, key: uuid.UUID) -> None:
    """Print the first certificate on a numbered blank, after the blank before it jammed in the printer."""
    officer = staff.actor(Role.CERTIFICATION_OFFICER)
    first, *_rest = list_batch_certificates(db.session(), key)
    with unit_of_work(officer) as uow:
        blanks.spoil_blank(uow, key, "YS00000100", reason="卡纸（演示）")
    with unit_of_work(officer) as uow:
        printing.print_certificate(uow, first.certificate_id, base_url="https://kaoku.invalid", serial="YS00000101")


def return_once(staff: Staff, key: uuid.UUID) -> None:
    """Let the supervising centre send fields of two people back, and send the roster again."""
    officer = staff.actor(Role.CERTIFICATION_OFFICER)
    passed = [one for one in list_records(db.session(), key) if one.outcome is PassOutcome.PASSED][:2]
    returned = [
        rosters.ReturnedField("employer", "format", one.admission_number, "应写单位全称（演示）") for one in passed
    ]
    returned.append(rosters.ReturnedField("phone", "missing", passed[0].admission_number))
    with unit_of_work(officer) as uow:
        rosters.return_roster(uow, key, returned)
    with unit_of_work(officer) as uow:
        rosters.submit_roster(uow, key)


def file_plan(staff: Staff, key: uuid.UUID) -> None:
    """Enter the filing of the organisation and of the plan; missing photos only warn in the demonstration."""
    with unit_of_work(staff.actor(Role.ORGANISATION_ADMIN)) as uow:
        note = "演示数据没有照片，缺照片只提醒"
        profiles.publish(uow, {WARNING_CHECKS: "P06"}, effective_on=today() - dt.timedelta(days=30), note=note)
    with unit_of_work(staff.actor(Role.CERTIFICATION_OFFICER)) as uow:
        filed_on = today() - dt.timedelta(days=90)
        filing.add_filed_scope(
            uow, occupation_code="6-31-01-03", trade_name="", level_code="4", filed_on=filed_on, number="演示备案 001"
        )
        batches.update_batch(
            uow, key, trade_name="", plan_filed_on=filed_on, evaluation_starts_on=today() - dt.timedelta(days=3)
        )


def enter_skill_scores(staff: Staff, key: uuid.UUID) -> None:
    """Type a skill score for everybody; who was absent from the theory examination is absent here too."""
    chance = random.Random(SEED)  # noqa: S311 - a reproducible show
    records = list_records(db.session(), key)
    score_by_group(staff, key)
    present = records[: len(records) - 3]
    typed = {
        (one.result_record_id, AssessmentMode.SKILLS): str(min(98, max(35, round(chance.gauss(76, 11)))))
        for one in present
    }
    with unit_of_work(staff.actor(Role.ASSESSOR)) as uow:
        scores.type_scores(uow, key, typed)
    with unit_of_work(staff.actor(Role.ASSESSOR)) as uow:
        scores.mark_missing_absent(uow, key)


def score_by_group(staff: Staff, key: uuid.UUID) -> None:
    """Let a group of three assess the first candidates at their workstations; all agree within the tolerance and sign."""
    officer = staff.actor(Role.CERTIFICATION_OFFICER)
    assessors = [staff.actor(Role.ASSESSOR, number) for number in (1, 2, 3)]
    members = [one.user_id for one in assessors if one.user_id is not None]
    with unit_of_work(officer) as uow:
        panel_groups.save_template(
            uow, occupation_code="6-31-01-03", level_code="4", mode=AssessmentMode.SKILLS, name="操作技能评分表（演示）",
            text=SCORE_SHEET,
        )  # fmt: skip
    with unit_of_work(officer) as uow:
        plan = GroupPlan(AssessmentMode.SKILLS, "第一组", "演示实训楼 101", members, members[0])
        group_id = panel_groups.set_up(uow, key, plan).assessor_group_id
    with unit_of_work(officer) as uow:
        panel_groups.assign(uow, group_id, first=N_ASSESSED, n_stations=2)
    for row, (task, _record) in enumerate(panels.list_assessments(db.session(), key)):
        for number, actor in enumerate(assessors):
            marks = ["20", str(40 + row), str(22 + number), "5" if row == 1 else ""]
            with unit_of_work(actor) as uow:
                panel_sheets.submit_sheet(uow, task.assessment_id, Typed(marks))
        for actor in assessors:
            with unit_of_work(actor) as uow:
                panel_sheets.sign(uow, task.assessment_id, number=1)

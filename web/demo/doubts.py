"""The demonstration's doubts about results: a score check that was answered, an appeal under review, a late request, a ruling."""

from __future__ import annotations

import datetime as dt
import uuid

from exam_delivery.models import ExamSession, Registration, RegistrationStatus, ScoreReviewRequest
from exam_delivery.repository import candidates
from exam_delivery.services import appeal_findings, appeals, request_files, rulings
from exam_delivery.services.appeal_findings import Conclusion
from exam_delivery.services.appeals import Filing
from exam_delivery.services.rulings import RulingProposal
from kernel.clock import shifted, today
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.typesetting import render_png
from kernel.uow import unit_of_work
from web.demo.people import Staff

FILED, ANSWERED, APPEALED = dt.timedelta(days=-22), dt.timedelta(days=-19), dt.timedelta(days=-14)
FINDING = "核对了作答记录与交卷回执、各题得分与总分，并按现行答案重新计分，结果一致，没有漏计和错加。"

EVIDENCE = """#import "kaoku.typ": *
#show: sheet.with(size: 16pt)
本页为演示用的证明材料，内容虚构。"""


def load_doubts(staff: Staff, row: ExamSession) -> None:
    """Enter the requests and the ruling; the reviewer is somebody who had no hand in the scores."""
    officer = staff.actor(Role.EXAM_OFFICER)
    people = candidates.registrations_of_batch(db.session(), row.exam_batch_id, actor=officer)
    present = [one for one in people if one.status is RegistrationStatus.ADMITTED]
    absent = [one for one in people if one.status is RegistrationStatus.ABSENT]
    with shifted(FILED):
        first = file_request(staff, present[4], "check", "total", "成绩比自己估计的低，请核对总分是否漏计。")
        review(staff, first)
    with shifted(ANSWERED):
        with unit_of_work(staff.actor(Role.CERTIFICATION_OFFICER)) as uow:
            appeal_findings.conclude(uow, first, Conclusion("upheld", FINDING))
        with unit_of_work(officer) as uow:
            appeal_findings.close(uow, first)
    with shifted(APPEALED):
        statement = "第 3 题所给答案与教材第二章的说法不一致，请核对答案。"
        review(staff, file_request(staff, present[9], "appeal", "items", statement, slots=(3, 7)))
    fresh = file_request(staff, present[12], "check", "total", "刚刚得知可以申请复核，请核对总分。")
    add_evidence(staff, fresh)
    if absent:
        facts = "考试当日因急性阑尾炎住院，考后第二天由家属交来医院诊断证明和住院记录。"
        with unit_of_work(officer) as uow:
            rulings.propose(uow, absent[0].registration_id, RulingProposal("medical", facts))


def file_request(
    staff: Staff, registration: Registration, kind: str, subject: str, statement: str, *, slots: tuple[int, ...] = ()
) -> uuid.UUID:
    """Enter a request of the day and return its key."""
    filing = Filing(kind, subject, statement, today(), slots=slots)
    with unit_of_work(staff.actor(Role.EXAM_OFFICER)) as uow:
        request: ScoreReviewRequest = appeals.file_request(uow, registration.registration_id, filing)
    return request.score_review_request_id


def add_evidence(staff: Staff, request_id: uuid.UUID) -> None:
    """Add a picture to a request, as a candidate would."""
    (picture,) = render_png(EVIDENCE, {})
    with unit_of_work(staff.actor(Role.EXAM_OFFICER)) as uow:
        request = appeals.visible_request(uow.session, uow.actor, request_id)
        request_files.attach(uow, request, [("演示证明材料.png", picture)])


def review(staff: Staff, request_id: uuid.UUID) -> None:
    """Accept a request and give it to the certification officer, who had no hand in the scores."""
    officer, reviewer = staff.actor(Role.EXAM_OFFICER), staff.actor(Role.CERTIFICATION_OFFICER)
    with unit_of_work(officer) as uow:
        appeals.accept(uow, request_id)
    with unit_of_work(officer) as uow:
        appeals.assign(uow, request_id, reviewer.user_id or uuid.UUID(int=0))

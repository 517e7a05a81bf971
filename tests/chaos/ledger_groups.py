"""More acts of the office: a group of assessors scores one candidate, a file from outside another, and years later names are erased."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from certification.models import (
    Assessment,
    AssessmentResult,
    AssessmentSignature,
    AssessmentState,
    AssessorGroup,
    AssessorSheet,
    CertificationBatch,
    ComponentScore,
    ErasureOrder,
    ErasureState,
    ResultRecord,
    ScoreDelivery,
    ScoreDeliveryState,
    ScoreOrigin,
)
from certification.rules.inbound_sheet import result_header
from certification.rules.pass_decision import AssessmentMode
from certification.rules.retention import RetentionKind
from certification.services import inbound, inbound_files, panel_groups, panel_sheets, retention
from certification.services.panel_groups import GroupPlan
from certification.services.panel_sheets import Typed
from kernel.db import db
from kernel.spreadsheets import Sheet
from kernel.uow import UnitOfWork
from tests.chaos.ledger_office import ACTS, Act, Office
from tests.factories.certification import OCCUPATION

SKILLS = AssessmentMode.SKILLS
SHEET_TEXT = "# 操作\n步骤规范 | 60\n质量 | 40"
MARKS = ("48", "32")
SIX_YEARS = 6 * 366
ASSESSORS = [f"assessor{n}" for n in range(3)]


def _batch(office: Office) -> CertificationBatch:
    return db.session().get_one(CertificationBatch, office.batch())


def save_sheet_template(uow: UnitOfWork, office: Office) -> None:
    """Say how the group is to score."""
    level = _batch(office).level_code
    panel_groups.save_template(
        uow, occupation_code=OCCUPATION[0], level_code=level, mode=SKILLS, name="技能评分表", text=SHEET_TEXT
    )


def set_up_group(uow: UnitOfWork, office: Office) -> None:
    """Name the three assessors and their leader."""
    people = [user_id for who in ASSESSORS if (user_id := office.people[who].user_id)]
    panel_groups.set_up(uow, office.batch(), GroupPlan(SKILLS, "第一组", "实训楼 101", people, people[0]))


def assign_group(uow: UnitOfWork, office: Office) -> None:
    """Give the group its candidate."""
    panel_groups.assign(uow, office.one(AssessorGroup).assessor_group_id, first=1)


def hand_in_sheet(uow: UnitOfWork, office: Office) -> None:
    """Score as one of the group; the last one makes the result."""
    panel_sheets.submit_sheet(uow, office.one(Assessment).assessment_id, Typed(MARKS))


def sign_result(uow: UnitOfWork, office: Office) -> None:
    """Sign the result; the last signature makes it count."""
    panel_sheets.sign(uow, office.one(Assessment).assessment_id, number=1)


def receive_file(uow: UnitOfWork, office: Office) -> None:
    """Take a file with the result of the next candidate in."""
    batch = _batch(office)
    person = panel_groups.waiting_records(uow.session, batch, SKILLS)[0]
    modes = inbound.sent_modes(uow.session, batch)
    scores = ["80" if mode is SKILLS else "" for mode in modes if mode is not AssessmentMode.COMPETITION]
    rows = (tuple(result_header(modes)), (person.admission_number, person.name, *scores))
    file = inbound_files.ResultFile("外部成绩.xlsx", f"{office.number:064}", "省考试院")
    inbound_files.receive_file(uow, batch.certification_batch_id, file, [Sheet("外部成绩", rows)])


def accept_file(uow: UnitOfWork, office: Office) -> None:
    """Confirm what somebody else took in."""
    inbound.accept(uow, office.one(ScoreDelivery).score_delivery_id)


def propose_erasure(uow: UnitOfWork, _office: Office) -> None:
    """Ask for the names of those without a certificate to be erased."""
    retention.propose(uow, RetentionKind.PEOPLE, reason="档案管理办法第 12 条")


def approve_erasure(uow: UnitOfWork, office: Office) -> None:
    """Erase them, as another person."""
    retention.decide(uow, office.one(ErasureOrder).erasure_order_id, is_approved=True)


def as_each(do: Callable[[UnitOfWork, Office], object]) -> list[Act]:
    """Return an act of every assessor."""
    return [Act(f"{do.__name__}_as_{who}", who, do) for who in ASSESSORS]


SCORING = [
    *(Act(one.__name__, "certification", one) for one in (save_sheet_template, set_up_group, assign_group)),
    *as_each(hand_in_sheet),
    *as_each(sign_result),
    Act("receive_file", "certification", receive_file),
    Act("accept_file", "checker", accept_file),
]
ERASING = [
    Act("propose_erasure", "certification", propose_erasure, SIX_YEARS),
    Act("approve_erasure", "checker", approve_erasure, SIX_YEARS),
]
PLACE = next(position for position, one in enumerate(ACTS) if one.name == "type_scores")
ACTS[PLACE:PLACE] = SCORING
ACTS += ERASING


def find_half_done(of: Callable[[Any], list[Any]]) -> Iterator[str]:
    """Tell what of these acts is half done; `of` gives the rows of the body."""
    scores = of(ComponentScore)
    from_groups = {row.result_record_id for row in scores if row.origin is ScoreOrigin.PANEL}
    signed = {row.result_record_id for row in of(Assessment) if row.state is AssessmentState.SIGNED}
    if signed != from_groups or len(from_groups) != sum(row.origin is ScoreOrigin.PANEL for row in scores):
        yield f"{len(signed)} results of groups are signed, {len(from_groups)} count"
    n_sheets = sum(row.submitted_at is not None for row in of(AssessorSheet))
    n_results, n_signatures = len(of(AssessmentResult)), len(of(AssessmentSignature))
    if n_results != n_sheets // len(ASSESSORS) or len(signed) != n_signatures // len(ASSESSORS):
        yield f"{n_sheets} sheets were handed in and {n_signatures} signed, {n_results} results came of it"
    taken = {row.score_delivery_id for row in of(ScoreDelivery) if row.state is ScoreDeliveryState.ACCEPTED}
    if taken != {row.score_delivery_id for row in scores if row.score_delivery_id}:
        yield "a file was taken in and does not count, or counts and was not taken in"
    ordered = sum(row.n_records for row in of(ErasureOrder) if row.state is ErasureState.DONE)
    erased = sum(row.erased_at is not None for row in of(ResultRecord))
    if ordered != erased:
        yield f"{ordered} people were to be erased, {erased} are"


def find_missing(of: Callable[[Any], list[Any]]) -> Iterator[str]:
    """Tell what is missing of these acts once everything is over."""
    counts = (len(of(AssessmentSignature)), len(of(ScoreDelivery)), len(of(ErasureOrder)))
    if counts != (len(ASSESSORS), 1, 1):
        yield f"signatures, files and orders of erasure ended as {counts}"
    if sum(row.erased_at is not None for row in of(ResultRecord)) != 1:
        yield "nobody was erased, or too many were"

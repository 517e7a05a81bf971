"""Letters about a request or a ruling: 受理通知, 不予受理告知, 复核结果告知, 处理决定; as Word and as PDF.

A letter is made anew from what is kept, so it always says what was decided; handing it out is audited.
"""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

from sqlalchemy.orm import Session

from exam_delivery.documents.letters import Letter, letter_docx, letter_pdf
from exam_delivery.models import Candidate, ExamBatch, Registration, ResultRuling, ScoreReviewRequest
from exam_delivery.repository import appeals as repository
from exam_delivery.repository import rulings as rulings_repository
from exam_delivery.rules import appeals as rules
from exam_delivery.rules import rulings as ruling_rules
from exam_delivery.rules.appeals import RequestOutcome, RequestState
from exam_delivery.rules.rulings import WITHOUT_LOSS, RulingKind, RulingScope, RulingState
from item_templates.rounding import decimal_text
from kernel import audit, profiles
from kernel.clock import OFFICIAL_ZONE
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.identity.repository import get_organisation
from kernel.uow import UnitOfWork

FORMATS = {"docx": letter_docx, "pdf": letter_pdf}
RULING_TITLES = {
    RulingKind.MISCONDUCT: "违纪违规处理决定书",
    RulingKind.VOID: "成绩无效告知书",
    RulingKind.MEDICAL: "因病缺考（中止）确认书",
    RulingKind.EXCUSED: "缺考情况确认书",
}
NO_LETTER = N_("这件申请现在还没有可出具的告知书")
NO_RULING_LETTER = N_("处理决定作出后才能出具决定书")


def request_letter(session: Session, actor: Actor, request_id: uuid.UUID) -> Letter:
    """Return the letter that a request calls for in its present state.

    Raises
    ------
    ConflictError
        Before the request is accepted or declined.
    """
    request, registration, candidate, batch = repository.get_entry(session, request_id, actor=actor)
    if request.state in {RequestState.FILED, RequestState.WITHDRAWN}:
        raise ConflictError(NO_LETTER)
    organisation = get_organisation(session, request.organisation_id).name
    if request.state is RequestState.CLOSED:
        title, paragraphs, notes = "成绩复核结果告知书", _answer(request, batch), _way_on(session, request)
        if request.kind is rules.RequestKind.APPEAL:
            title = "申诉处理结果告知书"
        day = _day(request.closed_at)
    elif request.state is RequestState.DECLINED:
        title, paragraphs, notes = "不予受理告知书", _declined(session, request, batch), ()
        day = _day(repository.list_events(session, request_id)[-1].at)
    else:
        title, paragraphs, notes = "受理通知书", _accepted(request, batch), ()
        day = request.accepted_on
    return Letter(
        organisation, title, f"编号：{request.code}", candidate.name, paragraphs,
        _facts(request, registration, candidate, batch), day or request.filed_on, notes,
    )  # fmt: skip


def _day(moment: dt.datetime | None) -> dt.date | None:
    return moment.astimezone(OFFICIAL_ZONE).date() if moment else None


def _text(day: dt.date | None) -> str:
    return f"{day.year}年{day.month}月{day.day}日" if day else ""


def _received(request: ScoreReviewRequest, batch: ExamBatch) -> str:
    kind = rules.KIND_LABELS[request.kind]
    return f"你对“{batch.name}”成绩提出的{kind}申请，我单位已于{_text(request.filed_on)}收到。"


def _accepted(request: ScoreReviewRequest, batch: ExamBatch) -> tuple[str, ...]:
    promise = f"经审查，符合受理条件，现予受理。我单位将指派未参与该成绩产生的人员独立复核，并在{_text(request.answer_deadline)}前（含当日）书面告知结果。"
    return (_received(request, batch), promise)


def _declined(session: Session, request: ScoreReviewRequest, batch: ExamBatch) -> tuple[str, ...]:
    reason = repository.list_events(session, request.score_review_request_id)[-1].text
    return (_received(request, batch), f"经审查，不予受理。理由：{reason}")


def _answer(request: ScoreReviewRequest, batch: ExamBatch) -> tuple[str, ...]:
    outcome = rules.OUTCOME_LABELS[request.outcome or RequestOutcome.UPHELD]
    return (
        _received(request, batch),
        f"我单位指派未参与该成绩产生的人员进行了独立复核。复核情况：{request.finding}",
        f"复核结论：{outcome}。{_scores(request)}",
    )


def _scores(request: ScoreReviewRequest) -> str:
    before, after = _score(request.score_before), _score(request.score_after)
    if request.outcome is RequestOutcome.CHANGED and before != after:
        return f"成绩由 {before or '无'} 更正为 {after or '无'}。"
    return f"成绩为 {after}。" if after else ""


def _score(score: Decimal | None) -> str:
    return f"{decimal_text(score)} 分" if score is not None else ""


def _way_on(session: Session, request: ScoreReviewRequest) -> tuple[str, ...]:
    if request.outcome is RequestOutcome.CHANGED or request.closed_at is None:
        return ()
    values = profiles.values(session, request.organisation_id)
    former = repository.count_of_kind(session, request.registration_id, rules.RequestKind.APPEAL)
    if rules.rounds_left(rules.RequestKind.APPEAL, former, values) == 0:
        return ("本结果为本单位的最终处理结果。",)
    day = request.closed_at.astimezone(OFFICIAL_ZONE).date()
    end = rules.filing_deadline(rules.RequestKind.APPEAL, [day], values).date
    return (f"如对本结果有异议，可在{_text(end)}前（含当日）向我单位书面申诉。",)


def _facts(
    request: ScoreReviewRequest, registration: Registration, candidate: Candidate, batch: ExamBatch
) -> tuple[tuple[str, str], ...]:
    return (
        *_person(registration, candidate, batch),
        ("申请事项", rules.SUBJECT_LABELS[request.subject]),
        ("收到日期", _text(request.filed_on)),
    )


def _person(registration: Registration, candidate: Candidate, batch: ExamBatch) -> tuple[tuple[str, str], ...]:
    return (
        ("姓名", candidate.name),
        ("准考证号", registration.admission_number or ""),
        ("证件号码", candidate.id_number_mask),
        ("职业（工种）和等级", f"{batch.occupation_name} {batch.level_name}"),
    )


# --- rulings ---------------------------------------------------------------------------------------------------------


def ruling_letter(session: Session, actor: Actor, ruling_id: uuid.UUID) -> Letter:
    """Return the letter about a ruling: what was decided, or that it was reversed.

    Raises
    ------
    ConflictError
        Before it is decided.
    """
    ruling, registration, candidate, batch = rulings_repository.get_entry(session, ruling_id, actor=actor)
    if ruling.state not in {RulingState.IN_FORCE, RulingState.REVERSED}:
        raise ConflictError(NO_RULING_LETTER)
    organisation = get_organisation(session, ruling.organisation_id).name
    is_reversed = ruling.state is RulingState.REVERSED
    paragraphs = _reversed(ruling, batch) if is_reversed else _decided(ruling, batch)
    notes = () if is_reversed else _appeal_notes(session, ruling)
    return Letter(
        organisation, _ruling_title(ruling), f"编号：{ruling.code}", candidate.name, paragraphs,
        _person(registration, candidate, batch),
        _day(ruling.reversed_at if is_reversed else ruling.decided_at) or dt.date.min, notes,
    )  # fmt: skip


def _ruling_title(ruling: ResultRuling) -> str:
    if ruling.state is RulingState.REVERSED:
        return "撤销处理决定告知书"
    return RULING_TITLES[ruling.kind]


def _decided(ruling: ResultRuling, batch: ExamBatch) -> tuple[str, ...]:
    kind = ruling_rules.TIER_LABELS[ruling.tier] if ruling.tier else ruling_rules.KIND_LABELS[ruling.kind]
    found = f"你在“{batch.name}”中，经查：{ruling.facts}"
    return (found, f"认定为：{kind}。决定：{_effect(ruling)}")


def _effect(ruling: ResultRuling) -> str:
    texts = {
        RulingScope.NOTHING: "按缺考登记，不计为不合格。",
        RulingScope.THIS_PART: "取消本科目成绩。",
        RulingScope.ALL_PARTS: "取消本次全部科目成绩。",
    }
    bar = f"{_text(ruling.barred_until)}（含当日）前不得报考。" if ruling.barred_until else ""
    again = "可参加下一次考试，不占用补考次数。" if ruling.kind in WITHOUT_LOSS else ""
    return texts[ruling.scope] + bar + again


def _reversed(ruling: ResultRuling, batch: ExamBatch) -> tuple[str, ...]:
    return (
        f"关于你在“{batch.name}”中的处理决定（编号 {ruling.code}），经复核予以撤销，成绩恢复为处理前的状态。",
        f"理由：{ruling.reversal_reason}",
    )


def _appeal_notes(session: Session, ruling: ResultRuling) -> tuple[str, ...]:
    day = _day(ruling.decided_at)
    if day is None:
        return ()
    values = profiles.values(session, ruling.organisation_id)
    end = rules.filing_deadline(rules.RequestKind.APPEAL, [day], values).date
    return (f"如对本决定不服，可在{_text(end)}前（含当日）向我单位书面申诉。",)


# --- handing out -----------------------------------------------------------------------------------------------------


def take_request_letter(uow: UnitOfWork, request_id: uuid.UUID, file_format: str) -> tuple[str, bytes]:
    """Return name and content of a request's letter; handing it out is audited."""
    require(uow.actor, Permission.SCORE_RELEASE)
    return hand_out_request_letter(uow, request_id, file_format)


def hand_out_request_letter(uow: UnitOfWork, request_id: uuid.UUID, file_format: str) -> tuple[str, bytes]:
    """Return a request's letter for the officer, or for the candidate who proved who they are; audited."""
    letter = request_letter(uow.session, uow.actor, request_id)
    audit.record(uow, "appeal.letter", "score_review_request", request_id, after={"format": file_format})
    return _file(letter, file_format)


def take_ruling_letter(uow: UnitOfWork, ruling_id: uuid.UUID, file_format: str) -> tuple[str, bytes]:
    """Return name and content of a ruling's letter; handing it out is audited."""
    require(uow.actor, Permission.SCORE_RELEASE)
    return hand_out_ruling_letter(uow, ruling_id, file_format)


def hand_out_ruling_letter(uow: UnitOfWork, ruling_id: uuid.UUID, file_format: str) -> tuple[str, bytes]:
    """Return a ruling's letter for the officer, or for the candidate whom it concerns; audited."""
    letter = ruling_letter(uow.session, uow.actor, ruling_id)
    audit.record(uow, "ruling.letter", "result_ruling", ruling_id, after={"format": file_format})
    return _file(letter, file_format)


def _file(letter: Letter, file_format: str) -> tuple[str, bytes]:
    ending = file_format if file_format in FORMATS else "pdf"
    code = letter.number.removeprefix("编号：")
    return f"{letter.title}-{code}.{ending}", FORMATS[ending](letter)

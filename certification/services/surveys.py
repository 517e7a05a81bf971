"""满意度调查 as staff hold it: opening, closing, counting paper forms, and what the answers come to once it is closed."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from certification.models import BatchSurvey, CertificationBatch, SurveyHandCount
from certification.repository import batches as batch_repository
from certification.repository import surveys as repository
from certification.rules import surveys as rules
from certification.rules.surveys import ASPECT_SETS, GRADE_LABELS, AspectTally, Grade, SurveyState
from kernel import audit, profiles
from kernel.clock import now, today
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.spreadsheets import Cell, TableSheet, clean_text, write_table
from kernel.uow import UnitOfWork

OBJECT = "batch_survey"
MOST_FORMS = 100_000
SHORTEST_NOTE = 2
BAD_NUMBER = N_("请填写 0 至 100000 的整数")


@dataclass(frozen=True, slots=True)
class SurveyResult:
    """A survey as staff see it; lines and comments only once it is closed, and no comments while answers are withheld."""

    survey: BatchSurvey
    state: SurveyState
    n_candidates: int
    n_online: int
    hand_counts: Sequence[SurveyHandCount]
    lines: tuple[AspectTally, ...] = ()
    comments: tuple[str, ...] = ()

    @property
    def n_by_hand(self) -> int:
        """How many paper forms were counted."""
        return self.hand_counts[0].n_forms if self.hand_counts else 0

    @property
    def n_all(self) -> int:
        """How many answers there are, on line and on paper."""
        return self.n_online + self.n_by_hand

    @property
    def return_rate(self) -> str:
        """The share of the candidates who answered."""
        return rules.percent(self.n_all, self.n_candidates)

    @property
    def counts_online(self) -> bool:
        """Whether there are enough answers given on line to count them."""
        return rules.counts_online(self.n_online, self.survey.smallest)

    @property
    def overall(self) -> AspectTally | None:
        """The overall question, none before the end and where there are too few answers."""
        return rules.overall(self.lines) if self.lines else None


def state_of(survey: BatchSurvey) -> SurveyState:
    """Return where a survey stands today."""
    return rules.state_on(today(), survey.opens_on, survey.closes_on, is_closed=survey.closed_at is not None)


def result_of(session: Session, batch: CertificationBatch) -> SurveyResult | None:
    """Return the survey of a batch that the caller may read, with what may be shown of it, or None without one."""
    survey = repository.find_survey(session, batch.certification_batch_id)
    if survey is None:
        return None
    state, key = state_of(survey), survey.batch_survey_id
    counted = repository.list_hand_counts(session, key)
    if state is not SurveyState.CLOSED:
        return SurveyResult(survey, state, batch.n_registered, repository.count_answers(session, key), counted)
    answers = repository.list_answers(session, key)
    by_hand = counted[0].counts if counted else {}
    lines = rules.tally(survey.aspect_set, [one.grades for one in answers], by_hand, survey.smallest)
    shown = answers if rules.counts_online(len(answers), survey.smallest) else ()
    comments = tuple(one.comment for one in shown if one.comment)
    return SurveyResult(survey, state, batch.n_registered, len(answers), counted, lines, comments)


# --- opening and closing ---------------------------------------------------------------------------------------------


def default_days(session: Session, batch: CertificationBatch) -> tuple[dt.date, dt.date]:
    """Return the first and last day that the rule profile proposes."""
    n_days = int(profiles.value(session, batch.organisation_id, rules.DAYS_OPEN))
    return today(), today() + dt.timedelta(days=n_days - 1)


def open_survey(
    uow: UnitOfWork, batch_id: uuid.UUID, *, opens_on: dt.date | None, closes_on: dt.date | None
) -> BatchSurvey:
    """Open the survey of a batch, with target and smallest number as the rule profile has them now.

    Raises
    ------
    ConflictError
        If the results were not shown to the public yet, or there is a survey already.
    InvalidInputError
        If the days are missing, past, in the wrong order or more than a year apart.
    """
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    batch = batch_repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    if batch.state not in rules.SURVEY_STATES:
        raise ConflictError(N_("结果公示以后才能开展满意度调查"))
    if repository.find_survey(uow.session, batch_id) is not None:
        raise ConflictError(N_("这个批次已经开展过满意度调查"))
    first, last = _checked_days(opens_on, closes_on)
    values = profiles.values(uow.session, batch.organisation_id)
    survey = BatchSurvey(
        organisation_id=batch.organisation_id, certification_batch_id=batch_id, aspect_set=rules.CURRENT_SET,
        opens_on=first, closes_on=last, target=int(values[rules.TARGET]), smallest=int(values[rules.SMALLEST]),
        opened_by=uow.actor.name[:100], opened_at=now(),
    )  # fmt: skip
    uow.add(survey)
    uow.flush()  # the entry names the survey's key
    audit.record(uow, "survey.open", OBJECT, survey.batch_survey_id, after={"batch": batch.code, **_facts(survey)})
    return survey


def _checked_days(opens_on: dt.date | None, closes_on: dt.date | None) -> tuple[dt.date, dt.date]:
    missing = {
        name: [N_("请填写日期")] for name, day in (("opens_on", opens_on), ("closes_on", closes_on)) if day is None
    }
    if opens_on is None or closes_on is None:
        raise InvalidInputError(N_("请填写日期"), fields=missing)
    if opens_on < today():
        message = N_("开始日期不能早于今天")
        raise InvalidInputError(message, fields={"opens_on": [message]})
    _check_last_day(opens_on, closes_on)
    return opens_on, closes_on


def _check_last_day(opens_on: dt.date, closes_on: dt.date) -> None:
    if not opens_on <= closes_on < opens_on + dt.timedelta(days=rules.MOST_DAYS):
        message = N_("截止日期应在开始日期之后一年以内")
        raise InvalidInputError(message, fields={"closes_on": [message]})


def _facts(survey: BatchSurvey) -> dict[str, str | int]:
    days = {"opens_on": survey.opens_on.isoformat(), "closes_on": survey.closes_on.isoformat()}
    return {**days, "target": survey.target, "smallest": survey.smallest, "aspect_set": survey.aspect_set}


def extend_survey(uow: UnitOfWork, batch_id: uuid.UUID, *, closes_on: dt.date | None) -> None:
    """Let a survey that is not over go on until a later day; one that is over stays so, because its result was shown."""
    survey = _locked_running(uow, batch_id)
    if closes_on is None or closes_on <= survey.closes_on:
        message = N_("新的截止日期应晚于原来的截止日期")
        raise InvalidInputError(message, fields={"closes_on": [message]})
    _check_last_day(survey.opens_on, closes_on)
    before, survey.closes_on = survey.closes_on, closes_on
    audit.record(
        uow, "survey.extend", OBJECT, survey.batch_survey_id, before={"closes_on": before.isoformat()},
        after={"closes_on": closes_on.isoformat()},
    )  # fmt: skip


def close_survey(uow: UnitOfWork, batch_id: uuid.UUID) -> None:
    """Close a survey before its last day, for good."""
    survey = _locked_running(uow, batch_id)
    survey.closed_at, survey.closed_by = now(), uow.actor.name[:100]
    audit.record(uow, "survey.close", OBJECT, survey.batch_survey_id)


def _locked_running(uow: UnitOfWork, batch_id: uuid.UUID) -> BatchSurvey:
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    survey = repository.lock_survey(uow.session, batch_id, actor=uow.actor)
    if state_of(survey) is SurveyState.CLOSED:
        raise ConflictError(N_("调查已经结束，不能再延期或重开"))
    return survey


# --- paper forms -----------------------------------------------------------------------------------------------------


def count_by_hand(
    uow: UnitOfWork, batch_id: uuid.UUID, *, n_forms: str, counts: Mapping[str, Sequence[str]], note: str
) -> SurveyHandCount:
    """Keep the totals of all paper forms of a survey; they replace what was counted before, which stays on record.

    Parameters
    ----------
    n_forms
        Number of forms, as typed.
    counts
        By question the numbers as typed, the best grade first; an empty one is 0.
    note
        Who counted, where the forms are kept.

    Raises
    ------
    InvalidInputError
        If something is no number, a question has more answers than there are forms, or the note is missing.
    """
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    batch = batch_repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    survey = repository.lock_survey(uow.session, batch_id, actor=uow.actor)
    if state_of(survey) is SurveyState.PLANNED:
        raise ConflictError(N_("调查还没有开始"))
    n_all, read = _read_hand_count(survey.aspect_set, n_forms, counts, note, batch.n_registered)
    held = repository.list_hand_counts(uow.session, survey.batch_survey_id)
    row = SurveyHandCount(
        organisation_id=survey.organisation_id, batch_survey_id=survey.batch_survey_id,
        number=held[0].number + 1 if held else 1, n_forms=n_all, counts=read, note=_one_line(note)[:200],
        entered_by=uow.actor.name[:100], entered_at=now(),
    )  # fmt: skip
    uow.add(row)
    before = {"n_forms": held[0].n_forms, "counts": held[0].counts} if held else None
    after = {"n_forms": n_all, "counts": read}
    audit.record(
        uow, "survey.count_by_hand", OBJECT, survey.batch_survey_id, before=before, after=after, reason=row.note
    )
    return row


def _read_hand_count(
    aspect_set: str, n_forms: str, counts: Mapping[str, Sequence[str]], note: str, n_candidates: int
) -> tuple[int, dict[str, list[int]]]:
    errors: dict[str, list[str]] = {}
    n_all = _number(n_forms)
    if not n_all or n_all > n_candidates:
        errors["n_forms"] = [N_("请填写问卷份数，至少 1 份，不多于批次的登记人数")]
    read: dict[str, list[int]] = {}
    for code in ASPECT_SETS[aspect_set]:
        numbers = [_number(text) for text in counts.get(code, ())]
        read[code] = [number or 0 for number in numbers]
        if None in numbers or len(numbers) != len(Grade):
            errors[code] = [BAD_NUMBER]
        elif n_all and sum(read[code]) > n_all:
            errors[code] = [N_("各等级合计多于问卷份数，请核对")]
    if len(_one_line(note)) < SHORTEST_NOTE:
        errors["note"] = [N_("请写明清点人和问卷存放处")]
    if not errors and not any(map(sum, read.values())):
        errors[rules.OVERALL] = [N_("请填写各等级的份数")]
    if errors:
        raise InvalidInputError(next(iter(errors.values()))[0], fields=errors)
    return n_all or 0, read


def _one_line(text: str) -> str:
    return clean_text("".join(one for one in text if one.isprintable()))


def _number(text: str) -> int | None:
    """Return a count as typed, 0 for an empty field, None for what is no count."""
    plain = text.strip()
    if not plain:
        return 0
    is_count = plain.isascii() and plain.isdecimal() and len(plain) <= len(str(MOST_FORMS))
    return int(plain) if is_count and int(plain) <= MOST_FORMS else None


# --- the workbook ----------------------------------------------------------------------------------------------------


def export_result(uow: UnitOfWork, batch_id: uuid.UUID) -> tuple[str, bytes]:
    """Return name and content of a closed survey's result as a workbook; noted in the journal."""
    require(uow.actor, Permission.CERTIFICATION_READ)
    batch = batch_repository.get_batch(uow.session, batch_id, actor=uow.actor)
    found = result_of(uow.session, batch)
    if found is None or found.state is not SurveyState.CLOSED:
        raise ConflictError(N_("调查结束以后才能导出结果"))
    after = {"batch": batch.code, "n_answers": found.n_all, "n_comments": len(found.comments)}
    audit.record(uow, "survey.export", OBJECT, found.survey.batch_survey_id, after=after)
    return f"{batch.code}满意度调查.xlsx", write_table(_sheets(batch, found))


def _sheets(batch: CertificationBatch, found: SurveyResult) -> list[TableSheet]:
    survey, overall = found.survey, found.overall
    verdict = "未显示（答卷太少）" if overall is None else "达到" if overall.meets(survey.target) else "未达到"
    summary: list[list[Cell]] = [
        ["批次", batch.name], ["批次编号", batch.code], ["开始日期", survey.opens_on.isoformat()],
        ["截止日期", survey.closes_on.isoformat()], ["登记人数", found.n_candidates], ["网上答卷", found.n_online],
        ["纸质问卷（人工清点）", found.n_by_hand], ["回收率", found.return_rate],
        ["网上答卷是否计入", "计入" if found.counts_online else f"不计入（少于 {survey.smallest} 份）"],
        ["总体满意率", overall.share if overall else f"少于 {survey.smallest} 份，不显示"],
        ["满意度目标", f"{survey.target}%"], ["是否达到", verdict],
        ["口径", "（很满意＋满意）÷ 回答了该题的答卷，保留一位小数，不进位"],
    ]  # fmt: skip
    header = ("内容", *GRADE_LABELS.values(), "答卷", "满意率", "目标", "是否达到")
    sheets = [
        TableSheet("概况", ("项目", "内容"), summary),
        TableSheet("各项结果", header, [_line(one, survey) for one in found.lines]),
    ]
    comments: list[list[Cell]] = [[text] for text in found.comments]
    return [*sheets, TableSheet("意见建议", ("意见建议",), comments)] if comments else sheets


def _line(one: AspectTally, survey: BatchSurvey) -> list[Cell]:
    if one.is_withheld:
        return [one.label, *["—"] * len(Grade), f"少于 {survey.smallest}", "—", f"{survey.target}%", "—"]
    met = "达到" if one.meets(survey.target) else "未达到"
    return [one.label, *one.counts, one.n, one.share, f"{survey.target}%", met]

"""Scores that people enter: one text per component, typed in a table or read from a sheet."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from certification.rules.pass_decision import MODE_LABELS, AssessmentMode, ResultState
from kernel.errors import InvalidInputError
from kernel.i18n import N_

ADMISSION_TITLE = "准考证号"
NAME_TITLE = "姓名"
MAX_SCORE = Decimal(100)
ENTERED_MODES = (AssessmentMode.SKILLS, AssessmentMode.COMPREHENSIVE_REVIEW)
_NUMBER = re.compile(r"[0-9]{1,3}(\.[0-9]{1,2})?")
_STATE_WORDS: Mapping[str, ResultState] = {
    "缺考": ResultState.ABSENT,
    "作废": ResultState.VOID,
    "无效": ResultState.VOID,
}
STATE_TEXTS: Mapping[ResultState, str] = {ResultState.ABSENT: "缺考", ResultState.VOID: "作废", ResultState.PENDING: ""}
_TO_HALF_WIDTH = str.maketrans("０１２３４５６７８９．", "0123456789.")


@dataclass(frozen=True, slots=True)
class EnteredScore:
    """One component's result of one candidate as a person entered it."""

    admission_number: str
    mode: AssessmentMode
    state: ResultState
    score: Decimal | None


@dataclass(frozen=True, slots=True)
class SheetProblem:
    """A row that cannot be taken; `row` counts from 1 and `column` is a letter as Excel shows them, `values` fills the placeholders."""

    row: int
    message: str
    values: Mapping[str, object]
    column: str = ""

    def __str__(self) -> str:
        return self.message % self.values


@dataclass(frozen=True, slots=True)
class ScoreSheet:
    """The scores of a sheet and the complaints about its rows."""

    scores: tuple[EnteredScore, ...]
    problems: tuple[SheetProblem, ...]
    n_empty: int


def sheet_header(modes: Sequence[AssessmentMode]) -> list[str]:
    """Return the column titles of the template."""
    return [ADMISSION_TITLE, NAME_TITLE, "证件号码", *(score_title(mode) for mode in modes)]


def score_title(mode: AssessmentMode) -> str:
    """Return the title of a component's column."""
    return f"{MODE_LABELS[mode]}成绩"


def read_score(text: str) -> tuple[ResultState, Decimal | None] | None:
    """Return what a text says of a component, or None for an empty one.

    Raises
    ------
    InvalidInputError
        If it is neither a number between 0 and 100 with at most two decimals nor 缺考 or 作废.
    """
    plain = text.strip().translate(_TO_HALF_WIDTH)
    if not plain:
        return None
    if state := _STATE_WORDS.get(plain):
        return state, None
    if not _NUMBER.fullmatch(plain) or Decimal(plain) > MAX_SCORE:
        raise InvalidInputError(
            N_("成绩“%(text)s”应为 0 至 100 的数（最多两位小数），或“缺考”“作废”"), text=text.strip()[:20]
        )
    return ResultState.SCORED, Decimal(plain)


def read_sheet(
    rows: Sequence[Sequence[str]], *, names: Mapping[str, str], modes: Sequence[AssessmentMode]
) -> ScoreSheet:
    """Read a filled-in template; `names` holds the candidates by admission number.

    Raises
    ------
    InvalidInputError
        If the header has no admission numbers or no score column.
    """
    header_index, columns = _columns(rows, modes)
    scores: list[EnteredScore] = []
    problems: list[SheetProblem] = []
    seen: dict[str, int] = {}
    n_empty = 0
    for number, cells in enumerate(rows[header_index + 1 :], start=header_index + 2):
        texts = {title: cells[i].strip() if i < len(cells) else "" for title, i in columns.items()}
        if not any(texts.values()):
            continue
        if problem := _identity_problem(number, texts, names, seen):
            problems.append(problem)
            continue
        found, complaints = _row_scores(number, texts, modes)
        scores += found
        problems += complaints
        n_empty += not found and not complaints
    return ScoreSheet(tuple(scores), tuple(problems), n_empty)


def _columns(rows: Sequence[Sequence[str]], modes: Sequence[AssessmentMode]) -> tuple[int, dict[str, int]]:
    for index, row in enumerate(rows[:10]):
        titles = [re.sub(r"\s", "", cell) for cell in row]
        if ADMISSION_TITLE in titles:
            wanted = (ADMISSION_TITLE, NAME_TITLE, *(score_title(mode) for mode in modes))
            columns = {title: titles.index(title) for title in wanted if title in titles}
            if any(score_title(mode) in columns for mode in modes):
                return index, columns
    raise InvalidInputError(
        N_("没有找到表头：前 10 行内应有“准考证号”和“%(title)s”两列，请使用下载的模板"), title=score_title(modes[0])
    )


def _identity_problem(
    number: int, texts: Mapping[str, str], names: Mapping[str, str], seen: dict[str, int]
) -> SheetProblem | None:
    admission = texts[ADMISSION_TITLE]
    if admission not in names:
        return SheetProblem(number, N_("准考证号“%(number)s”不在本批次，请核对"), {"number": admission})
    if admission in seen:
        message = N_("准考证号“%(number)s”与第 %(row)s 行重复")
        return SheetProblem(number, message, {"number": admission, "row": seen[admission]})
    seen[admission] = number
    name = texts.get(NAME_TITLE, "")
    if name and name != names[admission]:
        return SheetProblem(number, N_("姓名与准考证号不符，请核对是否错行"), {})
    return None


def _row_scores(
    number: int, texts: Mapping[str, str], modes: Sequence[AssessmentMode]
) -> tuple[list[EnteredScore], list[SheetProblem]]:
    scores, problems = [], []
    for mode in modes:
        try:
            read = read_score(texts.get(score_title(mode), ""))
        except InvalidInputError as error:
            problems.append(SheetProblem(number, error.template, error.context))
        else:
            scores += [EnteredScore(texts[ADMISSION_TITLE], mode, *read)] if read else []
    return scores, problems

"""Component results from outside as a sheet: one row a candidate, one column a component. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from certification.rules.inbound import AWARD_SEPARATOR
from certification.rules.pass_decision import MODE_LABELS, AssessmentMode
from certification.rules.score_sheet import ADMISSION_TITLE, NAME_TITLE, SheetProblem, score_title
from kernel.i18n import N_
from kernel.spreadsheets import Sheet, column_letter

AWARD_TITLES = ("竞赛类别", "竞赛名次", "获奖证书编号")
TOP_ROWS = 10
MOST_CELLS = 20_000


@dataclass(frozen=True, slots=True)
class ResultCell:
    """One component of one candidate: where it stands in the sheet, and ``[admission number, component, text]``."""

    row: int
    column: str
    values: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class ResultSheet:
    """What a sheet holds, and the complaints about it."""

    cells: tuple[ResultCell, ...]
    problems: tuple[SheetProblem, ...]


def result_header(modes: Sequence[AssessmentMode]) -> list[str]:
    """Return the headings of the template.

    Examples
    --------
    >>> result_header([AssessmentMode.THEORY, AssessmentMode.COMPETITION])
    ['准考证号', '姓名', '理论知识成绩', '竞赛类别', '竞赛名次', '获奖证书编号']
    """
    titles = [score_title(mode) for mode in modes if mode is not AssessmentMode.COMPETITION]
    awards = AWARD_TITLES if AssessmentMode.COMPETITION in modes else ()
    return [ADMISSION_TITLE, NAME_TITLE, *titles, *awards]


def read_results(sheets: Sequence[Sheet], *, names: Mapping[str, str], modes: Sequence[AssessmentMode]) -> ResultSheet:
    """Return the results of the first sheet with the headings; `names` holds the candidates by admission number."""
    wanted = result_header(modes)
    for sheet in sheets:
        for index, row in enumerate(sheet.rows[:TOP_ROWS]):
            titles = [re.sub(r"\s", "", cell) for cell in row]
            if ADMISSION_TITLE in titles and set(titles) & set(wanted[2:]):
                return _Reader(sheet, index, titles, names, modes).read()
    message = N_("没有找到表头：前 10 行内应有“准考证号”和本批次的考核项目，请使用下载的模板")
    return ResultSheet((), (SheetProblem(0, message, {}),))


class _Reader:
    """Reads the rows below the headings of one sheet."""

    def __init__(
        self, sheet: Sheet, top: int, titles: list[str], names: Mapping[str, str], modes: Sequence[AssessmentMode]
    ) -> None:
        self._sheet, self._top, self._titles, self._names = sheet, top, titles, names
        self._by_title = {score_title(mode): mode for mode in modes if mode is not AssessmentMode.COMPETITION}
        self._has_awards = AssessmentMode.COMPETITION in modes
        self._seen: dict[str, int] = {}
        self._lost = {(one.row, one.column): one.message for one in sheet.problems}

    def read(self) -> ResultSheet:
        problems = self._head_problems()
        cells: list[ResultCell] = []
        for number, row in enumerate(self._sheet.rows[self._top + 1 :], start=self._top + 2):
            if not any(row):
                continue
            texts = {title: row[i] if i < len(row) else "" for i, title in enumerate(self._titles) if title}
            problem = self._person_problem(number, texts)
            found = [] if problem else self._cells_of(number, texts)
            problems += [problem] if problem else [one for cell in found if (one := self._lost_problem(cell))]
            cells += found
        if len(cells) > MOST_CELLS:
            problems.append(SheetProblem(0, N_("一份文件最多 %(n)s 个成绩，请拆分后再送"), {"n": MOST_CELLS}))
        if not cells and not problems:
            problems.append(SheetProblem(0, N_("表格中没有任何成绩，请填写后再导入"), {}))
        return ResultSheet(tuple(cells), tuple(problems))

    def _head_problems(self) -> list[SheetProblem]:
        found = []
        others = {f"{label}成绩" for label in MODE_LABELS.values()} - set(self._by_title)
        for index, title in enumerate(self._titles):
            letter, values = column_letter(index), {"title": title}
            if title and self._titles.index(title) != index:
                found.append(SheetProblem(self._top + 1, N_("“%(title)s”列重复，请删去多余的列"), values, letter))
            elif title in others:
                message = N_("本批次的等级没有“%(title)s”这一项，请删去这一列或核对批次")
                found.append(SheetProblem(self._top + 1, message, values, letter))
        return found

    def _person_problem(self, number: int, texts: Mapping[str, str]) -> SheetProblem | None:
        admission, name = texts[ADMISSION_TITLE], re.sub(r"\s", "", texts.get(NAME_TITLE, ""))
        column, first = self._letter(ADMISSION_TITLE), self._seen.setdefault(admission, number)
        if admission not in self._names:
            return SheetProblem(number, N_("准考证号“%(number)s”不在本批次，请核对"), {"number": admission}, column)
        if first != number:
            message = N_("准考证号“%(number)s”与第 %(row)s 行重复")
            return SheetProblem(number, message, {"number": admission, "row": first}, column)
        if name and name != re.sub(r"\s", "", self._names[admission]):
            return SheetProblem(number, N_("姓名与准考证号不符，请核对是否错行"), {}, self._letter(NAME_TITLE))
        return None

    def _cells_of(self, number: int, texts: Mapping[str, str]) -> list[ResultCell]:
        admission = texts[ADMISSION_TITLE]
        found = [
            ResultCell(number, self._letter(title), (admission, mode.value, texts[title].strip()))
            for title, mode in self._by_title.items()
            if texts.get(title, "").strip()
        ]
        parts = [texts.get(title, "").replace(AWARD_SEPARATOR, " ").strip() for title in AWARD_TITLES]
        if self._has_awards and any(parts):
            text, mode = AWARD_SEPARATOR.join(parts), AssessmentMode.COMPETITION
            found.append(ResultCell(number, self._letter(AWARD_TITLES[0]), (admission, mode.value, text)))
        return found

    def _lost_problem(self, cell: ResultCell) -> SheetProblem | None:
        message = self._lost.get((cell.row, cell.column))
        return SheetProblem(cell.row, message, {}, cell.column) if message else None

    def _letter(self, title: str) -> str:
        return column_letter(self._titles.index(title)) if title in self._titles else ""


def placed(problem: SheetProblem, cells: Sequence[ResultCell]) -> SheetProblem:
    """Return a complaint about the n-th result with the row and column where it stands."""
    cell = cells[problem.row - 1]
    return replace(problem, row=cell.row, column=cell.column)

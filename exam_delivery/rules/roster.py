"""Reading a roster: every row becomes a person or a list of what to mend in it."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation

from exam_delivery.rules import roster_columns as columns
from exam_delivery.rules.eligibility import AGE, Way, judge
from exam_delivery.rules.held_certificates import NUMBER_COLUMN, held_certificate_findings, repeated_numbers
from kernel.i18n import N_
from kernel.national_id import ID_KIND_LABELS, SEX_LABELS, IdCheck, IdKind, Sex, check_id_number, mask_id
from kernel.spreadsheets import Sheet, column_letter

MOBILE = re.compile(r"1[3-9]\d{9}")
LANDLINE = re.compile(r"0\d{2,3}-?\d{7,8}(-\d{1,6})?")
DATE = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?")
MAX_ROWS = 5000
MAX_FACTOR = Decimal(3)
THEORY_WORDS = frozenset({"理论", "理论知识", "全部"})
ELIGIBILITY_COLUMN = "申报条件"
RESIT_WORDS = THEORY_WORDS | {"技能", "操作技能", "实操", "综合评审", "综合"}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in one row: the column's heading, and a finished message that says how to mend it."""

    column: str
    message: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One row: `number` is Excel's; with `problems` it is not imported, `warnings` are only shown."""

    number: int
    name: str = ""
    id_kind: IdKind = IdKind.RESIDENT_ID
    id_number: str = ""
    sex: str = ""
    birth_date: dt.date | None = None
    phone: str = ""
    employer: str = ""
    time_factor: Decimal = Decimal(1)
    takes_theory: bool = True
    extra: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Whether the row may be imported."""
        return not self.problems

    @property
    def masked(self) -> str:
        """The number as lists show it."""
        return mask_id(self.id_number)

    def with_problems(self, problems: Iterable[Problem]) -> RosterRow:
        """Return the row with more problems."""
        return replace(self, problems=(*self.problems, *problems))

    def with_warnings(self, warnings: Iterable[Problem]) -> RosterRow:
        """Return the row with more warnings."""
        return replace(self, warnings=(*self.warnings, *warnings))


@dataclass(frozen=True, slots=True)
class RosterContext:
    """What rows are held against."""

    today: dt.date
    occupation_name: str
    level_code: str
    level_name: str
    minimum_age: int
    ways: tuple[Way, ...] = ()
    refuses_ineligible: bool = False
    refuses_certificates: bool = False


def read_rows(sheet: Sheet, plan: columns.ColumnPlan, context: RosterContext) -> list[RosterRow]:
    """Return all rows below the head that hold anything, checked one by one and against each other."""
    lost = {(p.row, p.column): p.message for p in sheet.problems}
    rows = []
    for index, cells in enumerate(sheet.rows[plan.head_row + 1 :], start=plan.head_row + 2):
        if any(cells):
            rows.append(_read_row(index, cells, plan, context, lost))
    return _with_certificates(_with_repeats(rows), context)


def _read_row(
    number: int,
    cells: Sequence[str],
    plan: columns.ColumnPlan,
    context: RosterContext,
    lost: Mapping[tuple[int, str], str],
) -> RosterRow:
    texts = {name: _cell(cells, index) for name, index in plan.fields.items()}
    problems: list[Problem] = []
    id_column = plan.fields[columns.ID_NUMBER]
    if message := lost.get((number, column_letter(id_column))):
        problems.append(_problem(columns.ID_NUMBER, message))
    kind = _id_kind(texts.get(columns.ID_KIND, ""), problems)
    check = check_id_number(kind, texts[columns.ID_NUMBER], today=context.today)
    if not problems:
        problems += [_problem(columns.ID_NUMBER, message) for message in check.errors]
    row = RosterRow(
        number=number,
        name=_name(texts[columns.NAME], problems),
        id_kind=kind,
        id_number=check.normalised,
        sex=_sex(texts.get(columns.SEX, ""), check, problems),
        birth_date=_birth_date(texts.get(columns.BIRTH_DATE, ""), check, problems),
        phone=_phone(texts.get(columns.PHONE, ""), problems),
        employer=texts.get(columns.EMPLOYER, "")[:200],
        time_factor=_time_factor(texts.get(columns.TIME_FACTOR, ""), problems),
        takes_theory=_takes_theory(texts.get(columns.RESIT, ""), problems),
        extra=_extra(cells, plan, check.normalised),
        warnings=tuple(_warnings(texts[columns.NAME], check, context)),
    )
    _check_target(texts, context, problems)
    against = list(_against_eligibility(row, check.birth_date, context))
    refused = against if context.refuses_ineligible else []
    shown = [] if context.refuses_ineligible else against
    return replace(row, problems=(*problems, *refused), warnings=(*row.warnings, *shown))


def _with_certificates(rows: Sequence[RosterRow], context: RosterContext) -> list[RosterRow]:
    """Return the rows with what is wrong about the certificates that people hold: refused or only shown, as the rules say."""
    repeats = repeated_numbers((row.number, row.extra) for row in rows)
    found = []
    for row in rows:
        problems = [Problem(*one) for one in held_certificate_findings(row.extra, context.today.year)]
        if others := repeats.get(row.number):
            message = N_("证书编号与第 %(rows)s 行相同，请核对是谁的证书")
            problems.append(Problem(NUMBER_COLUMN, message, {"rows": "、".join(map(str, others))}))
        is_refused = context.refuses_certificates
        found.append(row.with_problems(problems) if is_refused else row.with_warnings(problems))
    return found


def _against_eligibility(row: RosterRow, birth: dt.date | None, context: RosterContext) -> Iterable[Problem]:
    """Yield what speaks against a person's right to register; what the roster does not tell is only pointed out."""
    age = str(age_on(birth, context.today)) if birth else ""
    verdict = judge(context.ways, context.level_name or context.level_code, {**row.extra, AGE: age})
    if verdict.is_eligible is False:
        yield Problem(
            ELIGIBILITY_COLUMN, N_("不符合申报条件，应符合其中一条：%(ways)s"), {"ways": "；".join(verdict.ways)}
        )
    elif verdict.missing and not context.refuses_ineligible:
        missing = "、".join(verdict.missing)
        yield Problem(ELIGIBILITY_COLUMN, N_("没有填“%(columns)s”，不能核对申报条件"), {"columns": missing})


def _cell(cells: Sequence[str], index: int) -> str:
    return cells[index].strip() if index < len(cells) else ""


def _problem(name: str, message: str, **params: object) -> Problem:
    return Problem(columns.LABELS[name], message, params)


def _name(text: str, problems: list[Problem]) -> str:
    name = re.sub(r"\s+", " ", text)
    if not name:
        problems.append(_problem(columns.NAME, N_("姓名为空，请填写")))
    elif len(name) > 60 or re.search(r"[@#￥$%&*<>]", name):
        problems.append(_problem(columns.NAME, N_("姓名中有符号，或超过 60 字，请核对")))
    return name[:60]


def _id_kind(text: str, problems: list[Problem]) -> IdKind:
    if not text or text in {"身份证", "二代身份证", "居民身份证"}:
        return IdKind.RESIDENT_ID
    for kind, label in ID_KIND_LABELS.items():
        if text in {label, kind.value}:
            return kind
    kinds = "、".join(ID_KIND_LABELS.values())
    problems.append(
        _problem(columns.ID_KIND, N_("没有“%(text)s”这种证件类型，可填：%(kinds)s"), text=text, kinds=kinds)
    )
    return IdKind.RESIDENT_ID


def _sex(text: str, check: IdCheck, problems: list[Problem]) -> str:
    by_label = {label: sex for sex, label in SEX_LABELS.items()}
    stated = by_label.get(text.removesuffix("性"))
    if text and stated is None:
        problems.append(_problem(columns.SEX, N_("性别应填“男”或“女”")))
    elif stated and check.sex and stated is not check.sex:
        told = SEX_LABELS[check.sex]
        problems.append(
            _problem(columns.SEX, N_("性别与证件号码不一致：证件号码表示“%(told)s”，请核对其中哪个填错"), told=told)
        )
    found: Sex | None = check.sex or stated
    return found.value if found else ""


def _birth_date(text: str, check: IdCheck, problems: list[Problem]) -> dt.date | None:
    if not text:
        return check.birth_date
    stated = parse_date(text)
    if stated is None:
        problems.append(
            _problem(columns.BIRTH_DATE, N_("出生日期“%(text)s”无法识别，请写成 1990-01-31 的样子"), text=text)
        )
    elif check.birth_date and stated != check.birth_date:
        told = check.birth_date.isoformat()
        problems.append(
            _problem(
                columns.BIRTH_DATE, N_("出生日期与证件号码不一致：证件号码表示 %(told)s，请核对其中哪个填错"), told=told
            )
        )
    return check.birth_date or stated


def parse_date(text: str) -> dt.date | None:
    """Return the day that a cell means.

    Examples
    --------
    >>> parse_date("1990年1月5日"), parse_date("19900105"), parse_date("昨天")
    (datetime.date(1990, 1, 5), datetime.date(1990, 1, 5), None)
    """
    if re.fullmatch(r"\d{8}", text):
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    match = DATE.fullmatch(text.split(" ")[0])
    if match is None:
        return None
    try:
        return dt.date(*(int(part) for part in match.groups()))
    except ValueError:
        return None


def _phone(text: str, problems: list[Problem]) -> str:
    phone = re.sub(r"[\s　]+", "", text).removeprefix("+86")
    if phone and not MOBILE.fullmatch(phone) and not LANDLINE.fullmatch(phone):
        problems.append(_problem(columns.PHONE, N_("电话号码不是 11 位手机号，也不是带区号的固定电话，请核对")))
    return phone[:30]


def _takes_theory(text: str, problems: list[Problem]) -> bool:
    """Return whether somebody sits theory: all do, but for those who resit other parts alone."""
    parts = {part for part in re.split(r"[、,，;；/\s]+", text) if part}
    if parts - RESIT_WORDS:
        message = N_("“%(text)s”不是考核科目；全部都考的留空，补考填“理论知识”“操作技能”“综合评审”")
        problems.append(_problem(columns.RESIT, message, text=text[:20]))
    return not parts or bool(parts & THEORY_WORDS)


def _time_factor(text: str, problems: list[Problem]) -> Decimal:
    if not text:
        return Decimal(1)
    try:
        factor = Decimal(text)
    except InvalidOperation:
        factor = Decimal(0)
    if not (factor.is_finite() and 1 <= factor <= MAX_FACTOR and factor == round(factor, 2)):
        problems.append(_problem(columns.TIME_FACTOR, N_("加时系数应为 1 至 3 之间、最多两位小数的数，不加时请留空")))
        return Decimal(1)
    return factor


def _extra(cells: Sequence[str], plan: columns.ColumnPlan, number: str) -> dict[str, str]:
    """Return the kept columns; a cell that repeats the identity number is left out, so that it is nowhere in plain."""
    texts = {name: _cell(cells, index)[:500] for name, index in plan.kept.items()}
    return {name: text for name, text in texts.items() if text and not (number and number in text.upper())}


def _warnings(name: str, check: IdCheck, context: RosterContext) -> Iterable[Problem]:
    if re.search(r"\d", name):
        yield _problem(columns.NAME, N_("姓名中有数字，请核对"))
    for message in check.warnings:
        yield _problem(columns.ID_NUMBER, message)
    if check.birth_date and age_on(check.birth_date, context.today) < context.minimum_age:
        yield _problem(columns.BIRTH_DATE, N_("不满 %(age)s 周岁，请核对申报条件"), age=context.minimum_age)


def age_on(birth: dt.date, day: dt.date) -> int:
    """Return the completed years of age on a day."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def _check_target(texts: Mapping[str, str], context: RosterContext, problems: list[Problem]) -> None:
    occupation, level = texts.get(columns.OCCUPATION, ""), texts.get(columns.LEVEL, "")
    if occupation and context.occupation_name not in occupation and occupation not in context.occupation_name:
        wanted = context.occupation_name
        problems.append(
            _problem(columns.OCCUPATION, N_("职业与本批次的“%(wanted)s”不同，请核对，或导入到对应批次"), wanted=wanted)
        )
    if level and level != context.level_code and level not in context.level_name and context.level_name not in level:
        problems.append(
            _problem(
                columns.LEVEL, N_("等级与本批次的“%(wanted)s”不同，请核对，或导入到对应批次"), wanted=context.level_name
            )
        )


def _with_repeats(rows: Sequence[RosterRow]) -> list[RosterRow]:
    places: dict[tuple[IdKind, str], list[int]] = defaultdict(list)
    for row in rows:
        if row.id_number:
            places[(row.id_kind, row.id_number)].append(row.number)
    return [_with_repeat(row, places.get((row.id_kind, row.id_number), [])) for row in rows]


def _with_repeat(row: RosterRow, numbers: Sequence[int]) -> RosterRow:
    others = [str(number) for number in numbers if number != row.number]
    if not others:
        return row
    message = N_("证件号码与第 %(rows)s 行相同，同一人只能报名一次，请删去多余的行或改正号码")
    return row.with_problems([_problem(columns.ID_NUMBER, message, rows="、".join(others))])

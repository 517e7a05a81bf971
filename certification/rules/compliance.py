"""Data-compliance checks before a roster is reported; each is a small function with an id, a severity and an example.

A record check looks at one person, a batch check at all of them together. Run both with `check_compliance`.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from certification.rules.pass_decision import PassOutcome
from kernel.certificate_numbers import (
    NATIONAL_LEVEL_CODES,
    CertificateNumber,
    InvalidCertificateNumberError,
    parse_number,
)
from kernel.i18n import N_
from kernel.national_id import IdKind, Sex, check_id_number
from kernel.skill_levels import ABILITY_CODE
from kernel.spreadsheets import clean_text
from kernel.working_days import working_days_between


class ComplianceSeverity(enum.StrEnum):
    """An error forbids reporting, a warning wants a look."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class ComplianceRecord:
    """One person as the roster will report them; `level` is the rule profile's key such as "3"."""

    record_id: str
    name: str
    id_kind: IdKind
    id_number: str
    sex: Sex | None
    birth_date: dt.date | None
    occupation_code: str
    occupation_name: str
    trade_name: str
    level: str
    outcome: PassOutcome
    has_photo: bool
    certificate_number: str = ""
    issued_on: dt.date | None = None


@dataclass(frozen=True, slots=True)
class HeldCertificate:
    """A certificate that a candidate already has."""

    occupation_code: str
    level: str
    issued_on: dt.date


@dataclass(frozen=True, slots=True)
class ComplianceContext:
    """What the records are held against; an empty mapping or set means that nothing is known of it, and says so."""

    today: dt.date
    institution_prefix: str
    occupations: Mapping[str, str]  # code -> name
    trades: Mapping[str, frozenset[str]]  # occupation code -> trade names
    filed_scope: frozenset[tuple[str, str, str]]  # occupation code (a special ability's name), trade name or "", level
    level_codes: Mapping[str, str | None] = field(default_factory=lambda: NATIONAL_LEVEL_CODES)
    publicity_ends_on: dt.date | None = None
    plan_filed_on: dt.date | None = None
    evaluation_starts_on: dt.date | None = None
    notice_working_days: int = 15
    issued_numbers: frozenset[str] = frozenset()
    issued_to: frozenset[tuple[str, str, str]] = frozenset()  # id number, occupation key, level
    issued_elsewhere: frozenset[tuple[str, str, str]] = frozenset()  # the same, from other bodies
    applied_elsewhere: frozenset[str] = frozenset()  # id numbers in another open batch of the same occupation and level
    last_serials: Mapping[tuple[int, str], int] = field(default_factory=dict)  # year, level code -> last serial issued
    other_serials: Mapping[tuple[int, str], frozenset[int]] = field(default_factory=dict)  # of other batches
    barred_id_numbers: frozenset[str] = frozenset()
    held_certificates: Mapping[str, tuple[HeldCertificate, ...]] = field(default_factory=dict)  # by id number
    previous_level: Mapping[str, str] = field(default_factory=lambda: {"4": "5", "3": "4", "2": "3", "1": "2"})
    years_at_previous_level: Mapping[str, int] = field(default_factory=lambda: {"4": 4, "3": 5, "2": 4, "1": 4})


@dataclass(frozen=True, slots=True)
class ComplianceFinding:
    """One complaint; `record_id` is empty when it concerns the batch, `values` fills the placeholders."""

    check_id: str
    severity: ComplianceSeverity
    field_name: str
    message: str
    record_id: str = ""
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message % self.values


# What a check yields: the field concerned, the message, and the values of its placeholders.
Complaint = tuple[str, str, Mapping[str, object]]
RecordCheckFunction = Callable[[ComplianceRecord, ComplianceContext], Iterator[Complaint]]
BatchCheckFunction = Callable[[Sequence[ComplianceRecord], ComplianceContext], Iterator[tuple[str, Complaint]]]


@dataclass(frozen=True, slots=True)
class ComplianceCheck:
    """A check as the rule catalogue shows it."""

    check_id: str
    severity: ComplianceSeverity
    title: str
    example: str


RECORD_CHECKS: dict[ComplianceCheck, RecordCheckFunction] = {}
BATCH_CHECKS: dict[ComplianceCheck, BatchCheckFunction] = {}


STANDING_CHECKS = frozenset({"O01", "O02", "O03", "B04"})
"""Checks on which nobody's result bears: what they ask for can be mended from the day a batch is received."""


def check_standing(record: ComplianceRecord, context: ComplianceContext) -> list[ComplianceFinding]:
    """Return what will be wrong whoever passes; of the record only occupation, trade and level count."""
    return [
        ComplianceFinding(check.check_id, check.severity, name, message, record.record_id, values)
        for check, run in RECORD_CHECKS.items()
        if check.check_id in STANDING_CHECKS
        for name, message, values in run(record, context)
    ] + [
        ComplianceFinding(check.check_id, check.severity, name, message, record_id, values)
        for check, run_batch in BATCH_CHECKS.items()
        if check.check_id in STANDING_CHECKS
        for record_id, (name, message, values) in run_batch([], context)
    ]


def check_compliance(records: Sequence[ComplianceRecord], context: ComplianceContext) -> list[ComplianceFinding]:
    """Return all findings, those of a record in the order of the records, those of the batch last."""
    findings = [
        ComplianceFinding(check.check_id, check.severity, name, message, record.record_id, values)
        for record in records
        for check, run in RECORD_CHECKS.items()
        for name, message, values in run(record, context)
    ]
    findings += [
        ComplianceFinding(check.check_id, check.severity, name, message, record_id, values)
        for check, run in BATCH_CHECKS.items()
        for record_id, (name, message, values) in run(records, context)
    ]
    return findings


def catalogue() -> tuple[ComplianceCheck, ...]:
    """Return all checks in the order of their ids."""
    return tuple(sorted([*RECORD_CHECKS, *BATCH_CHECKS], key=lambda check: check.check_id))


def _record_check(
    check_id: str, severity: ComplianceSeverity, title: str, example: str
) -> Callable[[RecordCheckFunction], RecordCheckFunction]:
    def register(function: RecordCheckFunction) -> RecordCheckFunction:
        RECORD_CHECKS[ComplianceCheck(check_id, severity, title, example)] = function
        return function

    return register


def _batch_check(
    check_id: str, severity: ComplianceSeverity, title: str, example: str
) -> Callable[[BatchCheckFunction], BatchCheckFunction]:
    def register(function: BatchCheckFunction) -> BatchCheckFunction:
        BATCH_CHECKS[ComplianceCheck(check_id, severity, title, example)] = function
        return function

    return register


_ERROR, _WARNING = ComplianceSeverity.ERROR, ComplianceSeverity.WARNING


# --- the person ------------------------------------------------------------------------------------------------------


@_record_check("P01", _ERROR, N_("证件号码有效"), N_("校验位不对的身份证号码"))
def check_id_number_valid(record: ComplianceRecord, context: ComplianceContext) -> Iterator[Complaint]:
    """Hold the document number against its own check character, date and form."""
    for message in check_id_number(record.id_kind, record.id_number, today=context.today).errors:
        yield "id_number", message, {}


@_record_check("P02", _WARNING, N_("证件号码地区代码"), N_("省级代码不在行政区划代码表中"))
def check_id_region(record: ComplianceRecord, context: ComplianceContext) -> Iterator[Complaint]:
    """Pass on the soft doubts about the document number."""
    for message in check_id_number(record.id_kind, record.id_number, today=context.today).warnings:
        yield "id_number", message, {}


@_record_check("P03", _ERROR, N_("出生日期与证件一致"), N_("证件号码中的出生日期是 1990-01-01，登记为 1990-10-01"))
def check_birth_date(record: ComplianceRecord, context: ComplianceContext) -> Iterator[Complaint]:
    """Hold the birth date against the one in the number."""
    stated = check_id_number(record.id_kind, record.id_number, today=context.today).birth_date
    if stated and record.birth_date != stated:
        yield "birth_date", N_("出生日期与证件号码不一致，证件号码中是 %(stated)s"), {"stated": stated.isoformat()}


@_record_check("P04", _ERROR, N_("性别与证件一致"), N_("证件号码第 17 位为奇数（男），登记为女"))
def check_sex(record: ComplianceRecord, context: ComplianceContext) -> Iterator[Complaint]:
    """Hold the sex against the one in the number."""
    stated = check_id_number(record.id_kind, record.id_number, today=context.today).sex
    if stated and record.sex != stated:
        yield "sex", N_("性别与证件号码不一致，请对照证件核对"), {}


@_record_check("P05", _ERROR, N_("姓名完整"), N_("姓名前后有空格，或姓名为空"))
def check_name(record: ComplianceRecord, _context: ComplianceContext) -> Iterator[Complaint]:
    """Refuse an empty name and one with white space at its ends."""
    if not clean_text(record.name):
        yield "name", N_("姓名为空，请填写"), {}
    elif record.name != clean_text(record.name):
        yield "name", N_("姓名前后有空格或不可见字符，请删去"), {}


@_record_check("P06", _ERROR, N_("有照片"), N_("没有上传证件照"))
def check_photo(record: ComplianceRecord, _context: ComplianceContext) -> Iterator[Complaint]:
    """Demand a photo, which the certificate prints."""
    if not record.has_photo:
        yield "photo", N_("没有照片，请补传一寸白底彩色证件照"), {}


@_record_check("P07", _ERROR, N_("不在违纪名单"), N_("该考生在禁考期内"))
def check_not_barred(record: ComplianceRecord, context: ComplianceContext) -> Iterator[Complaint]:
    """Refuse a person on the violation list."""
    if record.id_number in context.barred_id_numbers:
        yield "id_number", N_("该考生在违纪名单的禁考期内，请先核实"), {}


@_record_check("P08", _WARNING, N_("没有同时在别处申报"), N_("该考生还在另一机构的同一职业同一等级批次中"))
def check_not_applied_twice(record: ComplianceRecord, context: ComplianceContext) -> Iterator[Complaint]:
    """Point out a person who stands in another open batch for the same, whichever body's; it is not named."""
    if record.id_number in context.applied_elsewhere:
        message = N_("该考生同时在另一批次（本机构或其他机构）申报同一职业同一等级，请核对")
        yield "id_number", message, {}


# --- occupation and level --------------------------------------------------------------------------------------------


@_record_check("O01", _ERROR, N_("职业在职业目录中"), N_("职业编码 4-04-05-05 的名称应为“人工智能训练师”"))
def check_occupation(record: ComplianceRecord, context: ComplianceContext) -> Iterator[Complaint]:
    """Find the occupation code and its name in the dictionary."""
    name = context.occupations.get(record.occupation_code)
    if is_ability(record):
        return
    if name is None:
        yield "occupation_code", N_("职业编码“%(code)s”不在职业目录中"), {"code": record.occupation_code}
    elif name != record.occupation_name:
        yield "occupation_name", N_("职业名称与编码不符，目录中是“%(name)s”"), {"name": name}


@_record_check("O02", _ERROR, N_("工种在职业目录中"), N_("该职业下没有这个工种"))
def check_trade(record: ComplianceRecord, context: ComplianceContext) -> Iterator[Complaint]:
    """Find the trade below its occupation."""
    trades = context.trades.get(record.occupation_code, frozenset())
    if record.trade_name and record.trade_name not in trades and not is_ability(record):
        yield "trade_name", N_("职业“%(code)s”下没有工种“%(trade)s”"), _scope_values(record)


@_record_check("O03", _ERROR, N_("在备案范围内"), N_("机构没有备案该职业的二级"))
def check_filed_scope(record: ComplianceRecord, context: ComplianceContext) -> Iterator[Complaint]:
    """Find occupation, trade and level in the body's own filing."""
    if is_ability(record):
        if (record.occupation_name, "", record.level) not in context.filed_scope:
            yield "level", N_("专项职业能力“%(name)s”不在本机构备案范围内"), {"name": record.occupation_name}
    elif (record.occupation_code, record.trade_name, record.level) not in context.filed_scope:
        message = N_("职业“%(code)s”、工种“%(trade)s”、等级“%(level)s”不在本机构备案范围内")
        yield "level", message, _scope_values(record)


def is_ability(record: ComplianceRecord) -> bool:
    """Say whether a record is about a special ability, which is filed by its name and stands in no dictionary."""
    return record.level == ABILITY_CODE


@_record_check("O04", _WARNING, N_("等级顺序"), N_("申报三级，未查到满 5 年的四级证书"))
def check_level_order(record: ComplianceRecord, context: ComplianceContext) -> Iterator[Complaint]:
    """Look for the certificate of the level below, held long enough; other entry conditions may stand instead."""
    previous = context.previous_level.get(record.level)
    if previous is None:
        return
    years = context.years_at_previous_level.get(record.level, 0)
    held = context.held_certificates.get(record.id_number, ())
    if not any(_counts_as_previous(item, record, previous, years, context.today) for item in held):
        message = N_("没有查到取得满 %(years)s 年的“%(previous)s”级证书，请核对申报条件")
        yield "level", message, {"years": years, "previous": previous}


def _counts_as_previous(
    held: HeldCertificate, record: ComplianceRecord, previous: str, years: int, today: dt.date
) -> bool:
    same = (held.occupation_code, held.level) == (record.occupation_code, previous)
    anniversary = (held.issued_on.year + years, held.issued_on.month, held.issued_on.day)
    return same and anniversary <= (today.year, today.month, today.day)


def _scope_values(record: ComplianceRecord) -> dict[str, object]:
    return {"code": record.occupation_code, "trade": record.trade_name or "--", "level": record.level}


# --- result and certificate ------------------------------------------------------------------------------------------


@_record_check("R01", _ERROR, N_("各科均合格"), N_("技能成绩 58 分，未达到合格分"))
def check_passed(record: ComplianceRecord, _context: ComplianceContext) -> Iterator[Complaint]:
    """Refuse anybody in the roster who has not passed."""
    if record.outcome is not PassOutcome.PASSED:
        yield "outcome", N_("该考生的结论不是合格，不应列入名册"), {}


@_record_check("C01", _ERROR, N_("证书编号符合规则"), N_("证书编号少了一位"))
def check_number_form(record: ComplianceRecord, context: ComplianceContext) -> Iterator[Complaint]:
    """Hold the number against the 22-position rule; special abilities are numbered by a rule of their own."""
    if not record.certificate_number or is_ability(record):
        return
    try:
        parse_number(record.certificate_number, context.level_codes)
    except InvalidCertificateNumberError as error:
        yield "certificate_number", error.template, error.context


@_record_check("C02", _ERROR, N_("机构代码是本机构"), N_("证书编号前 13 位属于另一机构"))
def check_number_prefix(record: ComplianceRecord, context: ComplianceContext) -> Iterator[Complaint]:
    """Hold positions 1-13 against the body's own prefix."""
    number = _parsed(record, context)
    if number and str(number.prefix) != context.institution_prefix:
        message = N_("证书编号前 13 位应为本机构的 %(prefix)s")
        yield "certificate_number", message, {"prefix": context.institution_prefix}


@_record_check("C03", _ERROR, N_("编号年份与发证日期一致"), N_("编号年份 25，发证日期在 2026 年"))
def check_number_year(record: ComplianceRecord, context: ComplianceContext) -> Iterator[Complaint]:
    """Hold positions 14-15 against the date of issue."""
    number = _parsed(record, context)
    if number and record.issued_on and number.year != record.issued_on.year:
        yield "issued_on", N_("证书编号中的年份 %(year)s 与发证日期不一致"), {"year": number.year}


@_record_check("C04", _ERROR, N_("编号等级与申报等级一致"), N_("编号第 16 位为 4，申报三级"))
def check_number_level(record: ComplianceRecord, context: ComplianceContext) -> Iterator[Complaint]:
    """Hold position 16 against the level."""
    number = _parsed(record, context)
    if number and number.level_code != context.level_codes.get(record.level):
        yield "certificate_number", N_("证书编号第 16 位“%(code)s”与等级不一致"), {"code": number.level_code}


@_record_check("C05", _ERROR, N_("公示结束后发证"), N_("公示期到 11 月 27 日，发证日期为 11 月 25 日"))
def check_issued_after_publicity(record: ComplianceRecord, context: ComplianceContext) -> Iterator[Complaint]:
    """Refuse a date of issue before the publicity period has ended."""
    end = context.publicity_ends_on
    if record.issued_on and (end is None or record.issued_on < end):
        message = N_("发证日期早于公示结束日期 %(end)s")
        yield "issued_on", message, {"end": end.isoformat() if end else "--"}


@_record_check("C06", _ERROR, N_("没有重复发证"), N_("该考生已有同职业同等级的证书"))
def check_not_issued_before(record: ComplianceRecord, context: ComplianceContext) -> Iterator[Complaint]:
    """Refuse a second certificate for the same person, occupation and level."""
    if _person_key(record) in context.issued_to:
        yield "id_number", N_("该考生已有同一职业同一等级的证书，请核对是否重复申报"), {}


@_record_check("C07", _ERROR, N_("没有在其他机构取得同样的证书"), N_("另一评价机构已向该考生颁发同职业同等级的证书"))
def check_not_issued_elsewhere(record: ComplianceRecord, context: ComplianceContext) -> Iterator[Complaint]:
    """Refuse a certificate that another body has given the same person already; the body is not named."""
    if _person_key(record) in context.issued_elsewhere:
        yield "id_number", N_("该考生已由其他评价机构颁发同一职业同一等级的证书，请核对是否重复申报"), {}


def _parsed(record: ComplianceRecord, context: ComplianceContext) -> CertificateNumber | None:
    """Return the number taken apart, or None where C01 speaks already or another rule numbers."""
    if not record.certificate_number or is_ability(record):
        return None
    try:
        return parse_number(record.certificate_number, context.level_codes)
    except InvalidCertificateNumberError:
        return None


def _person_key(record: ComplianceRecord) -> tuple[str, str, str]:
    return record.id_number, occupation_key(record.occupation_code, record.occupation_name, record.level), record.level


def occupation_key(code: str, name: str, level: str) -> str:
    """Return what tells occupations apart at a level: the code, of a special ability its name."""
    return name if level == ABILITY_CODE else code


# --- the batch -------------------------------------------------------------------------------------------------------


@_batch_check("B01", _ERROR, N_("批内没有重复人员"), N_("同一证件号、职业、等级出现两次"))
def check_no_double_person(
    records: Sequence[ComplianceRecord], _context: ComplianceContext
) -> Iterator[tuple[str, Complaint]]:
    """Find a person who stands in the batch twice for the same occupation and level."""
    counts = Counter(map(_person_key, records))
    for record in records:
        if counts[_person_key(record)] > 1:
            yield record.record_id, ("id_number", N_("同一考生在本批名册中重复出现，请删去多余的一行"), {})


@_batch_check("B02", _ERROR, N_("证书编号唯一"), N_("编号与已发证书相同"))
def check_numbers_unique(
    records: Sequence[ComplianceRecord], context: ComplianceContext
) -> Iterator[tuple[str, Complaint]]:
    """Find a number that is used twice, here or in certificates issued before."""
    counts = Counter(record.certificate_number for record in records)
    for record in records:
        number = record.certificate_number
        if number and (counts[number] > 1 or number in context.issued_numbers):
            yield record.record_id, ("certificate_number", N_("证书编号“%(number)s”重复"), {"number": number})


@_batch_check("B03", _ERROR, N_("证书编号连续"), N_("序列码从 000012 跳到 000014"))
def check_numbers_in_sequence(
    records: Sequence[ComplianceRecord], context: ComplianceContext
) -> Iterator[tuple[str, Complaint]]:
    """Demand that the serials of a year and level follow the last one issued without a gap."""
    numbers = (_parsed(record, context) for record in records)
    for (year, level_code), serials in sorted(_serials_by_series(numbers).items()):
        expected = context.last_serials.get((year, level_code), 0) + 1
        others = context.other_serials.get((year, level_code), frozenset())
        missing = sorted(set(range(expected, max(serials) + 1)) - serials - others)
        if missing:
            values = {"year": year, "code": level_code, "serial": f"{missing[0]:06d}"}
            message = N_("%(year)s 年等级码 %(code)s 的序列码不连续，缺 %(serial)s")
            yield "", ("certificate_number", message, values)


def serials_by_series(
    numbers: Iterable[str], level_codes: Mapping[str, str | None]
) -> dict[tuple[int, str], frozenset[int]]:
    """Return the serials of well-formed numbers by year and level code.

    Examples
    --------
    >>> serials_by_series(["S000035001052263000001", "nothing"], NATIONAL_LEVEL_CODES)
    {(2026, '3'): frozenset({1})}
    """
    read = []
    for number in numbers:
        try:
            read.append(parse_number(number, level_codes))
        except InvalidCertificateNumberError:
            continue
    return {series: frozenset(found) for series, found in _serials_by_series(read).items()}


def _serials_by_series(numbers: Iterable[CertificateNumber | None]) -> dict[tuple[int, str], set[int]]:
    series: dict[tuple[int, str], set[int]] = {}
    for number in numbers:
        if number:
            series.setdefault((number.year, number.level_code), set()).add(number.serial)
    return series


@_batch_check("B04", _ERROR, N_("计划提前报备"), N_("评价前 12 个工作日才报备，应为 15 个"))
def check_filed_ahead(
    _records: Sequence[ComplianceRecord], context: ComplianceContext
) -> Iterator[tuple[str, Complaint]]:
    """Count the working days between filing the plan and the evaluation."""
    filed, starts, needed = context.plan_filed_on, context.evaluation_starts_on, context.notice_working_days
    if filed is None or starts is None:
        yield (
            "",
            ("plan_filed_on", N_("缺少计划报备日期或评价日期，无法核对报备是否提前 %(n)s 个工作日"), {"n": needed}),
        )
        return
    n_days = working_days_between(filed, starts).n_days
    if n_days < needed:
        message = N_("计划提前 %(days)s 个工作日报备，应不少于 %(n)s 个工作日")
        yield "", ("plan_filed_on", message, {"days": n_days, "n": needed})

"""What stands on a certificate and in which order, once for every kind of file it is printed to. Pure."""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass

from certification.documents.model import NO_TRADE, CertificateSheet

NAME, ID_KIND, ID_NUMBER = ("姓　　名", "Name"), ("证件类型", "ID type"), ("证件号码", "ID number")
TRADE = ("工种/职业方向", "Trade / specialisation")
LEVEL = ("职业技能等级", "Skill level")
NUMBER = ("证书编号", "Certificate number")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the middle part: what it is called and what it says; English texts are empty where none is printed."""

    label: str
    label_english: str
    value: str
    value_english: str = ""


@dataclass(frozen=True, slots=True)
class CertificateLayout:
    """The texts of one certificate from top to bottom; an empty one is left out."""

    title: str
    title_english: str
    statement: str
    statement_english: str
    no_photo: tuple[str, str]
    qr_note: str
    lines: tuple[Line, ...]
    issuer: str
    issuer_english: str
    seal: str
    issued_on: str
    issued_on_english: str
    expires_on: str
    query_addresses: tuple[str, ...]
    print_serial: str
    watermark: str
    is_bilingual: bool


def certificate_layout(sheet: CertificateSheet) -> CertificateLayout:
    """Return the texts of a certificate; English only where it is printed in two languages."""
    wording, is_bilingual = sheet.wording, sheet.is_bilingual
    lines = _lines(sheet)
    return CertificateLayout(
        title=wording.title,
        title_english=wording.english_title if is_bilingual else "",
        statement=wording.statement % {"body": sheet.body_name},
        statement_english=wording.statement_english if is_bilingual else "",
        no_photo=("一寸", "白底彩色照片"),
        qr_note="扫码查验证书",
        lines=lines if is_bilingual else tuple(Line(one.label, "", one.value) for one in lines),
        issuer=sheet.body_name,
        issuer_english=sheet.english.body if is_bilingual else "",
        seal="（盖章）",
        issued_on=f"发证日期：{chinese_date(sheet.issued_on)}",
        issued_on_english=f"Date of issue: {sheet.issued_on.isoformat()}" if is_bilingual else "",
        expires_on=f"有效期至：{chinese_date(sheet.expires_on)}" if sheet.expires_on else "",
        query_addresses=tuple(f"{label}：{address}" for label, address in sheet.query_addresses),
        print_serial=f"印制流水号：{sheet.print_serial}" if sheet.print_serial else "",
        watermark=sheet.watermark,
        is_bilingual=is_bilingual,
    )


def _lines(sheet: CertificateSheet) -> tuple[Line, ...]:
    english, wording = sheet.english, sheet.wording
    level = (
        Line(*TRADE, sheet.trade.strip() or NO_TRADE, english.trade),
        Line(*LEVEL, sheet.skill_level, english.skill_level),
    )
    return (
        Line(*NAME, sheet.name),
        Line(*ID_KIND, sheet.id_kind),
        Line(*ID_NUMBER, sheet.id_number),
        Line(wording.occupation_label, wording.occupation_english, sheet.occupation, english.occupation),
        *(level if wording.has_level else ()),
        Line(*NUMBER, sheet.certificate_number),
    )


def as_data(layout: CertificateLayout) -> dict[str, object]:
    """Return the texts as a template reads them."""
    return dataclasses.asdict(layout)


def chinese_date(date: dt.date) -> str:
    """Return a date as official documents write it.

    >>> chinese_date(dt.date(2026, 1, 5))
    '2026年1月5日'
    """
    return f"{date.year}年{date.month}月{date.day}日"

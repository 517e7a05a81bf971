"""Turn certificates, publicity lists and rosters into PDF and Excel."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from certification.documents.certificate_layout import as_data, certificate_layout
from certification.documents.certificate_layout import chinese_date as chinese_date
from certification.documents.model import CertificateSheet, PublicityList
from certification.rules.roster import RosterRow
from certification.rules.roster_layouts import NATIONAL, RosterLayout, shipped_layouts
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.qr import qr_modules, qr_svg
from kernel.spreadsheets import TableSheet, write_table
from kernel.typesetting import printable_photo, render_pdf

_TEMPLATES = Path(__file__).parent
MAX_CERTIFICATES = 1_000
STATEMENT_MM = 38
"""Width of the signed statement's code on the sheet, the white around it included."""
SMALLEST_MODULE_MM = 0.33
"""A module below this is lost on ordinary printers and telephone cameras."""


def certificates_pdf(
    sheets: Sequence[CertificateSheet], *, created_at: dt.datetime, font_directories: Sequence[Path] = ()
) -> bytes:
    """Return certificates as PDF/A-2b, one A4 page each, in the order given.

    One with a signed statement is an e-certificate: it carries the statement as a second code and attached (PDF/A-3b).

    Raises
    ------
    InvalidInputError
        If there are none or too many, or a text holds a character that no font has.
    """
    require_printable_number(sheets)
    assets: dict[str, bytes] = {}
    pages = [_certificate_page(sheet, str(index), assets) for index, sheet in enumerate(sheets)]
    data = {"certificates": pages}
    return render_pdf(
        _TEMPLATES / "certificate.typ",
        data,
        assets=assets,
        created_at=created_at,
        archival=True,
        has_attachments=any(sheet.signed_statement for sheet in sheets),
        font_directories=font_directories,
    )


def require_printable_number(sheets: Sequence[CertificateSheet]) -> None:
    """Refuse no certificates at all, and more than one file may hold."""
    if not 1 <= len(sheets) <= MAX_CERTIFICATES:
        raise InvalidInputError(
            N_("一次可制作 1 至 %(limit)s 张证书，现在是 %(n)s 张，请分批制作"), limit=MAX_CERTIFICATES, n=len(sheets)
        )


def _certificate_page(sheet: CertificateSheet, key: str, assets: dict[str, bytes]) -> dict[str, Any]:
    assets[f"qr-{key}.svg"] = qr_svg(sheet.verify_address).encode()
    photo = printable_photo(sheet.photo) if sheet.photo else None
    if photo is not None:
        assets[f"photo-{key}.jpg"] = photo
    if sheet.signed_statement:
        assets[f"statement-{key}.svg"] = _scannable(sheet.signed_statement).encode()
    return {
        **as_data(certificate_layout(sheet)),
        "signed_statement": sheet.signed_statement,
        "qr": f"qr-{key}.svg",
        "statement_qr": f"statement-{key}.svg" if sheet.signed_statement else None,
        "photo": None if photo is None else f"photo-{key}.jpg",
    }


def _scannable(statement: str) -> str:
    """Return the code of a statement; refuse one whose modules a telephone could not tell apart."""
    if STATEMENT_MM / qr_modules(statement) < SMALLEST_MODULE_MM:
        raise InvalidInputError(N_("证书上的文字过长，签名二维码印出来无法扫描，请缩短机构、职业或工种名称"))
    return qr_svg(statement)


def publicity_list_pdf(publicity: PublicityList, *, created_at: dt.datetime | None = None) -> bytes:
    """Return the list of results that is shown to the public (公示名单)."""
    data = {
        "body_name": publicity.body_name,
        "batch_name": publicity.batch_name,
        "period": f"{chinese_date(publicity.starts_on)}至{chinese_date(publicity.ends_on)}",
        "n_working_days": publicity.n_working_days,
        "contact": publicity.contact,
        "published_on": chinese_date(publicity.published_on),
        "has_review": any(row.review for row in publicity.rows),
        "further": list(publicity.further),
        "rows": [dataclasses.asdict(row) for row in publicity.rows],
    }
    return render_pdf(_TEMPLATES / "publicity_list.typ", data, created_at=created_at)


def roster_workbook(
    rows: Sequence[RosterRow], *, created_at: dt.datetime | None = None, layout: RosterLayout | None = None
) -> bytes:
    """Return the roster as an Excel workbook, every cell a text: the national 21 columns, or those of another layout."""
    chosen = layout or shipped_layouts()[NATIONAL]
    sheet = TableSheet("人员名册", chosen.header, [chosen.cells(row) for row in rows], title=chosen.title)
    return write_table([sheet], created_at=created_at)

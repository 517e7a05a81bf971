"""Three invented candidates with valid identity numbers, and the files in which an organisation sends them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass

from openpyxl import load_workbook
from playwright.sync_api import FilePayload

from kernel.national_id import check_character
from tests.factories.certification import photo

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class Candidate:
    """Somebody who sits the examination."""

    name: str
    id_number: str
    sex: str
    birth_date: str


def candidates() -> list[Candidate]:
    """Return three people."""
    return [
        _candidate("欧阳考生", "1990-03-07", 1, "男"),
        _candidate("司徒考生", "1995-11-23", 2, "女"),
        _candidate("端木考生", "1988-06-15", 3, "男"),
    ]


def _candidate(name: str, birth_date: str, serial: int, sex: str) -> Candidate:
    first17 = f"110101{birth_date.replace('-', '')}99{2 * serial - (sex == '男')}"
    return Candidate(name, first17 + check_character(first17), sex, birth_date)


def roster_file(template: bytes, people: Sequence[Candidate]) -> FilePayload:
    """Fill the product's own template, as a secretary would."""
    book = load_workbook(io.BytesIO(template))
    sheet = book.worksheets[0]
    head = next(row for row in sheet.iter_rows() if "姓名" in [cell.value for cell in row])
    columns = {str(cell.value).strip("*"): cell.column for cell in head}
    for number, one in enumerate(people, start=head[0].row + 1):
        values = {
            "姓名": one.name, "证件类型": "居民身份证", "证件号码": one.id_number, "性别": one.sex,
            "出生日期": one.birth_date, "手机号码": f"1380000000{number % 10}", "所在单位": "东江电器厂",
        }  # fmt: skip
        for label, value in values.items():
            sheet.cell(number, columns[label], value)
    data = io.BytesIO()
    book.save(data)
    return {"name": "考生名单.xlsx", "mimeType": XLSX, "buffer": data.getvalue()}


def photo_archive(people: Sequence[Candidate]) -> FilePayload:
    """Return an archive of photos named by identity number."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for one in people:
            archive.writestr(f"{one.id_number}.jpg", photo())
    return {"name": "照片.zip", "mimeType": "application/zip", "buffer": data.getvalue()}

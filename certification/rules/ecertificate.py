"""What an e-certificate's signed statement says: short names, so that it fits a code that a telephone can read."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass

from kernel.errors import InvalidInputError
from kernel.i18n import N_

TYPE = "kaoku-cert"
"""`typ` of the signed statement: it can never be taken for anything else that the same key signed."""
VERSION = 1
MAX_STATEMENT = 2000
NOT_A_STATEMENT = N_("这不是电子证书的签名内容，请完整粘贴二维码中的文字")
_NAMES = {
    "number": "n", "name": "p", "id_number": "m", "occupation": "o", "trade": "w", "level": "l", "issuer": "i",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Statement:
    """What an organisation states about a certificate; the identity number shows its first and last character only."""

    number: str
    name: str
    id_number: str
    occupation: str
    trade: str
    level: str
    issuer: str
    issued_on: dt.date
    expires_on: dt.date | None = None


def statement_bytes(statement: Statement) -> bytes:
    """Return a statement as it is signed; empty texts are left out.

    Examples
    --------
    >>> one = Statement("S01", "张三", "1****X", "焊工", "", "三级/高级工", "甲", dt.date(2026, 1, 5))
    >>> statement_bytes(one).decode()
    '{"v":1,"n":"S01","p":"张三","m":"1****X","o":"焊工","l":"三级/高级工","i":"甲","d":"20260105"}'
    >>> read_statement(statement_bytes(one)) == one
    True
    """
    texts = {short: getattr(statement, name) for name, short in _NAMES.items() if getattr(statement, name)}
    body = {"v": VERSION, **texts, "d": f"{statement.issued_on:%Y%m%d}"}
    if statement.expires_on:
        body["x"] = f"{statement.expires_on:%Y%m%d}"
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def read_statement(payload: bytes) -> Statement:
    """Return what a signed payload states; raises InvalidInputError for any other payload."""
    try:
        body = json.loads(payload)
        if body["v"] != VERSION:
            raise InvalidInputError(
                N_("签名内容的版本 %(version)s 较新，请升级系统后再验证"), version=str(body["v"])[:10]
            )
        texts = {name: str(body.get(short, "")) for name, short in _NAMES.items()}
        return Statement(**texts, issued_on=_day(body["d"]), expires_on=_day(body["x"]) if "x" in body else None)
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise InvalidInputError(NOT_A_STATEMENT) from exc


def _day(text: str) -> dt.date:
    return dt.datetime.strptime(text, "%Y%m%d").replace(tzinfo=dt.UTC).date()


def last_day(issued_on: dt.date, years: int) -> dt.date | None:
    """Return the last day of a certificate that is valid for some years, None for one without end.

    Examples
    --------
    >>> last_day(dt.date(2024, 2, 29), 3), last_day(dt.date(2026, 1, 5), 0)
    (datetime.date(2027, 2, 27), None)
    """
    if not years:
        return None
    try:
        anniversary = issued_on.replace(year=issued_on.year + years)
    except ValueError:  # the 29th of February
        anniversary = issued_on.replace(year=issued_on.year + years, day=28)
    return anniversary - dt.timedelta(days=1)

"""Serials of the blanks on which certificates are printed (证书芯、印制流水号): one after the other, never shorter. Pure."""

from __future__ import annotations

import re

from kernel.errors import InvalidInputError
from kernel.i18n import N_

MAX_SERIAL = 32
_FORM = re.compile(r"([A-Z0-9\-]*?)([0-9]{1,12})")


def plain_serial(text: str) -> str:
    """Return a serial as it is kept and compared.

    >>> plain_serial(" a 0012 ")
    'A0012'
    """
    return "".join(text.split()).upper()


def serial_run(first: str, count: int) -> list[str]:
    """Return as many serials as there are certificates, from the first one on.

    Examples
    --------
    >>> serial_run("A0099", 3)
    ['A0099', 'A0100', 'A0101']

    Raises
    ------
    InvalidInputError
        If the first one does not end with digits, or its digits do not suffice.
    """
    plain = plain_serial(first)
    match = _FORM.fullmatch(plain)
    if match is None or len(plain) > MAX_SERIAL:
        message = N_("起始流水号应由字母、数字组成，并以数字结尾，例如 A00000123")
        raise InvalidInputError(message, fields={"first_serial": [message]})
    head, digits = match.groups()
    last = int(digits) + count - 1
    if len(str(last)) > len(digits):
        message = N_("起始流水号的位数不够排完这一批，请核对")
        raise InvalidInputError(message, fields={"first_serial": [message]})
    return [f"{head}{number:0{len(digits)}d}" for number in range(int(digits), last + 1)]

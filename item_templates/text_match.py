"""Whether a typed text is one of the accepted ones."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from item_templates.contract import Json
from item_templates.markup import normalise_text
from item_templates.numbers import parse_number


def is_accepted(text: str, accepted: Iterable[str], scoring: Mapping[str, Json]) -> bool:
    """Say whether a response text equals an accepted string.

    Full and half width, case and spaces make no difference. ``{"case_sensitive": true}`` lets case count,
    ``{"numeric": true}`` compares two numbers by value.

    Examples
    --------
    >>> is_accepted("ｆｅ", ["铁", "Fe"], {}), is_accepted(".5", ["0.50"], {"numeric": True})
    (True, True)
    >>> is_accepted("fe", ["Fe"], {"case_sensitive": True})
    False
    """
    fold = _with_case if scoring.get("case_sensitive") is True else normalise_text
    wanted = list(accepted)
    if fold(text) in {fold(one) for one in wanted}:
        return bool(text.strip())
    number = parse_number(text) if scoring.get("numeric") is True else None
    return number is not None and any(parse_number(one) == number for one in wanted)


def _with_case(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())

"""Whether a typed text is one of the accepted ones."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from item_templates.chinese_numerals import with_digits
from item_templates.contract import Json
from item_templates.markup import normalise_text
from item_templates.numbers import parse_number


def is_accepted(text: str, accepted: Iterable[str], scoring: Mapping[str, Json]) -> bool:
    """Say whether a response text equals an accepted string.

    Full and half width, case and spaces beside Chinese characters make no difference. ``{"case_sensitive": true}`` lets
    case count, ``{"keep_width": true}`` the width; ``{"ignore_spaces": true}`` takes all spaces out;
    ``{"chinese_numerals": true}`` reads 一百二十 as 120; ``{"numeric": true}`` compares two numbers by value.

    Examples
    --------
    >>> is_accepted("ｆｅ", ["铁", "Fe"], {}), is_accepted(".5", ["0.50"], {"numeric": True})
    (True, True)
    >>> is_accepted("fe", ["Fe"], {"case_sensitive": True})
    False
    >>> is_accepted("一百二十 V", ["120V"], {"chinese_numerals": True, "ignore_spaces": True})
    True
    """
    wanted = [_digits(one, scoring) for one in accepted]
    given = _digits(text, scoring)
    if _folded(given, scoring) in {_folded(one, scoring) for one in wanted}:
        return bool(text.strip())
    number = parse_number(given) if scoring.get("numeric") is True else None
    return number is not None and any(parse_number(one) == number for one in wanted)


def _digits(text: str, scoring: Mapping[str, Json]) -> str:
    return with_digits(text) if scoring.get("chinese_numerals") is True else text


def _folded(text: str, scoring: Mapping[str, Json]) -> str:
    """Return a text in the form in which the rule compares it."""
    keeps_case, keeps_width = (scoring.get(name) is True for name in ("case_sensitive", "keep_width"))
    if keeps_width:
        folded = " ".join((text if keeps_case else text.casefold()).split())
    else:
        folded = unicodedata.normalize("NFKC", text) if keeps_case else normalise_text(text)
    return "".join(folded.split()) if keeps_case or scoring.get("ignore_spaces") is True else folded

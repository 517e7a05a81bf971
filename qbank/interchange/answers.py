"""Read keys as people write them: letters and judgement marks."""

from __future__ import annotations

import functools
import re
import unicodedata

from item_templates.keys import judgement, tidy_key

LETTER_SEPARATORS = re.compile(r"[\s,，、;；/|&+.。·和与及]+")
EXTRA_JUDGEMENTS = {"v": True, "🗸": True, "非": False, "╳": False, "х": False, "ⅹ": False}


@functools.lru_cache(maxsize=4096)
def read_judgement(text: str) -> bool | None:
    """Return what a judgement key says, or None when it is none of the known spellings."""
    said = judgement(text)
    return EXTRA_JUDGEMENTS.get(tidy_key(text).casefold()) if said is None else said


def is_numeric_judgement(text: str) -> bool:
    """Say whether a judgement key is a bare 1 or 0, whose meaning differs between files."""
    return tidy_key(text) in {"1", "0"}


def read_letters(text: str) -> list[str] | None:
    """Return option letters in the order written, or None when the text is more than letters."""
    plain = LETTER_SEPARATORS.sub("", unicodedata.normalize("NFKC", tidy_key(text)))
    if not re.fullmatch(r"[A-Za-z]{1,26}", plain):
        return None
    letters = list(plain.upper())
    return letters if len(set(letters)) == len(letters) else None

"""Fields of authoring forms, as browsers send them, turned into parts of an item."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import zip_longest
from string import ascii_uppercase

from item_templates.checks import as_decimal
from item_templates.contract import Choice, ItemContent, Json
from item_templates.markup import sanitise

Fields = Mapping[str, Sequence[str]]
CHOICE_ROWS = 8
"""Rows of options that an empty authoring form offers."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def first(fields: Fields, name: str) -> str:
    """Return the first value of a field without blanks at its ends, empty when it was not sent.

    Examples
    --------
    >>> first({"score": [" 2 ", "3"]}, "score"), first({}, "score")
    ('2', '')
    """
    values = fields.get(name) or [""]
    return values[0].strip()


def rich(fields: Fields, name: str) -> str:
    """Return the first value of a field as sanitised HTML, typed line ends kept as ``<br>`` in plain text."""
    return rich_text(first(fields, name))


def rich_text(text: str) -> str:
    r"""Return typed text as item HTML: line ends count where no block tag makes the lines.

    Examples
    --------
    >>> rich_text("第一行\n第二行 <b>粗</b>")
    '第一行<br>第二行 <b>粗</b>'
    """
    clean = sanitise(text)
    if re.search(r"<(?:p|br|table|ul|ol|tr|li)\b", clean):
        return clean
    return clean.replace("\n", "<br>")


def score_of(fields: Fields) -> Decimal:
    """Return the score typed; 0, which validation refuses, when it is no number."""
    return as_decimal(first(fields, "score")) or Decimal(0)


def choices_of(fields: Fields, name: str = "choice", *, letters: Sequence[str] = ascii_uppercase) -> tuple[Choice, ...]:
    """Return the options typed in the rows of a form; blank rows at the end are ignored.

    A blank row between filled ones stays, so that validation can point at it and letters do not shift under the key.

    Parameters
    ----------
    fields : mapping of str to sequence of str
        `name` holds one text a row, `name` + ``_id`` the ids the rows had when the form was opened.
    name : str
        Field name of the texts.
    letters : sequence of str
        Ids for rows that are new.

    Returns
    -------
    tuple of Choice

    Examples
    --------
    >>> [one.id for one in choices_of({"choice": ["铁", "铜", "", ""]})]
    ['A', 'B']
    """
    texts = [text.strip() for text in fields.get(name, ())]
    ids = row_ids(len(texts), fields.get(f"{name}_id", ()), letters)
    while texts and not texts[-1]:
        texts.pop()
    return tuple(Choice(ids[row], rich_text(text)) for row, text in enumerate(texts))


def row_ids(n_rows: int, known: Sequence[str] = (), letters: Sequence[str] = ascii_uppercase) -> list[str]:
    """Return ids for rows: those known, then letters that are still free.

    Examples
    --------
    >>> row_ids(4, ["A", "C"])
    ['A', 'C', 'B', 'D']
    """
    kept = [text for text in known if _ID.fullmatch(text)][:n_rows]
    free = (letter for letter in letters if letter not in kept)
    return [*kept, *(next(free, f"R{row}") for row in range(n_rows - len(kept)))]


def rubric_of(fields: Fields) -> tuple[Mapping[str, Json], ...]:
    """Return the scoring points of a form; rows without text and score are ignored."""
    rows = zip_longest(fields.get("rubric_text", ()), fields.get("rubric_score", ()), fillvalue="")
    return tuple(
        {"text": text.strip(), "score": score.strip()} for text, score in rows if text.strip() or score.strip()
    )


def scoring_of(fields: Fields, base: ItemContent | None) -> dict[str, Json]:
    """Return the scoring rule: what the item had before, with the method and fraction chosen in the form."""
    scoring = dict(base.scoring) if base else {}
    method = first(fields, "method")
    if "method" in fields:
        scoring.pop("method", None)
    if method:
        scoring["method"] = method
    if scoring.get("method") != "partial":
        scoring.pop("fraction", None)
    elif first(fields, "fraction"):
        scoring["fraction"] = first(fields, "fraction")
    return scoring

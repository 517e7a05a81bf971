"""Options as they stand in lists: one a line, several on one line, with or without blanks between them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from qbank.interchange.lines import BLANKS

LETTERS = "ABCDEFGHIJKL"
_FULL_WIDTH = {ord("Ａ") + i: ord("A") + i for i in range(26)} | {ord("ａ") + i: ord("a") + i for i in range(26)}
_BLANK = rf"[{BLANKS}]*"
_SIGN = r"[、.．,，:：;；。)）]"
_HEAD = re.compile(
    rf"^{_BLANK}(?:(?P<round>[（(]{_BLANK}(?P<r>[A-La-l]){_BLANK}[)）]){_SIGN}?|[【\[](?P<s>[A-La-l])[】\]]"
    rf"|(?P<m>[A-La-l]){_BLANK}{_SIGN}|(?P<w>[A-L])(?=[{BLANKS}]|[\u4e00-\u9fff-]))"
)


@dataclass(frozen=True, slots=True)
class OptionMark:
    """A label: its letter, its manner (round, sign, weak), where the label starts and where its text starts."""

    letter: str
    style: str
    start: int
    end: int


def option_head(text: str) -> OptionMark | None:
    """Return the option label in front of a line, or None."""
    match = _HEAD.match(text.translate(_FULL_WIDTH))
    if not match:
        return None
    for group, style in (("r", "round"), ("s", "square"), ("m", "sign"), ("w", "weak")):
        if match[group]:
            return OptionMark(match[group].upper(), style, 0, match.end())
    return None


def option_marks(text: str, *, before: str = "") -> list[OptionMark]:
    """Return the labels of an option line in the order of the alphabet; `before` is the letter the next line starts with."""
    plain = text.translate(_FULL_WIDTH)
    head = option_head(plain)
    if head is None:
        return []
    marks = [head]
    stop = LETTERS.find(before) if before and before > head.letter else len(LETTERS)
    small = plain[head.start : head.end].strip(BLANKS + "（(【[")[:1].islower()
    for letter in LETTERS[LETTERS.find(head.letter) + 1 : stop]:
        found = _next_mark(plain, letter.lower() if small else letter, marks[-1])
        if found is None or (found.start <= marks[-1].end and not plain[marks[-1].end : found.start].strip(BLANKS)):
            break
        marks.append(found)
    return _without_doubt(marks, before)


def _without_doubt(marks: list[OptionMark], before: str) -> list[OptionMark]:
    """Keep labels glued to their text without any sign only where a whole list A B C is there, here or with the next line."""
    goes_on = before == LETTERS[LETTERS.find(marks[-1].letter) + 1 :][:1]
    if marks[0].letter == "A" and (len(marks) > 2 or (before and goes_on)):
        return marks
    doubtful = ("glued",) if marks[0].style == "weak" else ("glued", "weak")
    certain = next((index for index, mark in enumerate(marks) if index and mark.style in doubtful), len(marks))
    return marks[:certain]


def _patterns(letter: str, style: str) -> list[tuple[str, str]]:
    if style in ("round", "square"):
        opening, closing = ("（(", ")）") if style == "round" else ("【[", "】]")
        return [
            (style, rf"[{opening}]{_BLANK}{letter}{_BLANK}[{re.escape(closing)}]{_SIGN}?"),
            (style, rf"(?<![A-Za-z_\-<&/、]){letter}{_BLANK}[、.．](?!\d)"),
        ]
    guard = r"(?<![A-Za-z0-9_\-<&/])" if letter.islower() else r"(?<![A-Za-z_\-<&/])"
    patterns = [
        ("sign", rf"(?<=[{BLANKS}]){letter}{_BLANK}[、.．,，:：;；)）]"),
        ("sign", rf"{guard}{letter}{_BLANK}[、.．,，:：;；。](?!\d)"),
        ("sign", rf"(?<=[^A-Za-z_\-<&/{BLANKS}]){letter}{_BLANK}[、.．](?=\S)"),
    ]
    if letter.upper() <= "D":
        patterns.append(("weak", rf"(?<=[{BLANKS}]){letter}(?=[{BLANKS}]|[\u4e00-\u9fff-])"))
        patterns.append(("glued", rf"{guard}{letter}(?=[\u4e00-\u9fff{BLANKS}])"))
    return patterns


def _next_mark(text: str, letter: str, last: OptionMark) -> OptionMark | None:
    for style, pattern in _patterns(letter, last.style):
        match = re.compile(pattern).search(text, last.end)
        if match:
            return OptionMark(letter.upper(), style, match.start(), match.end())
    return None


def is_option_line(text: str, expected: str, *, before: str = "") -> bool:
    """Say whether a line continues an option list at the expected letter; a weak first label needs a second option."""
    head = option_head(text)
    if head is None:
        return False
    if head.letter != expected:
        return head.style != "weak" and head.letter > "A" and expected > "A"
    return head.style != "weak" or expected > "A" or len(option_marks(text, before=before)) > 1


def with_letter(text: str, letter: str) -> str:
    """Return an option line with another letter in its first label."""
    return re.sub(r"[A-La-lＡ-Ｌａ-ｌ]", letter, text, count=1)

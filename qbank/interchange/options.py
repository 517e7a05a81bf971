"""Take options apart that stand together in one cell, one line or behind the stem."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass

LETTERS = string.ascii_uppercase[:12]
FULL_WIDTH = {ord("Ａ") + i: ord("A") + i for i in range(26)} | {ord("ａ") + i: ord("a") + i for i in range(26)}
SEPARATOR = r"(?:\*{2,}|#{1,}|\${1,}|\n|\t|^)"
PUNCTUATION = r"[.．、:：,，)）]"
PLAIN_SEPARATORS = (r"\*{2,}", r"#{2,}", r"\n", r"\|", r"\$")


@dataclass(frozen=True, slots=True)
class SplitOptions:
    """Options found in a text, what stood before them, and whether the division is beyond doubt."""

    options: list[tuple[str, str]]
    before: str = ""
    certain: bool = True
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class _Mark:
    letter: str
    start: int
    end: int
    strong: bool = True


def split_options(text: str) -> SplitOptions:
    """Return the options of a cell that holds nothing else."""
    found = _split_lettered(text)
    return _check_head(found) if found.options else SplitOptions(_unlettered(text))


def split_stem(text: str) -> SplitOptions:
    """Return stem and options of a text in which the options follow the stem; no options when unsure."""
    plain = _plain(text)
    starts = [
        m.start() for m in re.finditer(rf"(?:(?<=\n)|(?<=\s)|(?<=[)）。？?：:]))\s*[（(]?A[)）]?{PUNCTUATION}?", plain)
    ]
    for start in reversed(starts):
        found = _split_lettered(text[start:])
        if len(found.options) >= 2 and found.certain and not found.before.strip() and plain[:start].strip():
            return SplitOptions(found.options, text[:start].rstrip(), repaired=found.repaired)
    return SplitOptions([], text)


def strip_label(label: str, text: str) -> str:
    """Return an option's text without its own letter in front: （A）kg, A．kg, A kg; nothing for （A） alone."""
    if re.fullmatch(rf"\s*(?:[（(]\s*{label}\s*[)）]|{label}\s*{PUNCTUATION})\s*", _plain(text), re.IGNORECASE):
        return ""
    match = re.match(
        rf"^\s*(?:[（(]\s*([A-Za-z])\s*[)）]{PUNCTUATION}?|([A-Za-z])\s*{PUNCTUATION}|([A-Z])[ \u3000\xa0]+)\s*",
        _plain(text),
    )
    letter = next((group for group in match.groups() if group), "") if match else ""
    if match and letter.upper() == label.upper() and text[match.end() :].strip():
        return text[match.end() :].strip()
    return text.strip()


def _plain(text: str) -> str:
    return text.translate(FULL_WIDTH)


def _strong(letter: str) -> re.Pattern[str]:
    return re.compile(
        rf"{SEPARATOR}[\s*]*(?:[（(]\s*{letter}\s*[)）]{PUNCTUATION}?|{letter}\s*{PUNCTUATION}|{letter}(?![A-Za-z]))\s*"
        rf"|[ \u3000\xa0]{{2,}}(?:[（(]\s*{letter}\s*[)）]|{letter}\s*{PUNCTUATION})\s*"
    )


def _weak(letter: str) -> re.Pattern[str]:
    return re.compile(rf"[（(]\s*{letter}\s*[)）]{PUNCTUATION}?\s*|(?<![A-Za-z]){letter}\s*[.．、:：)）]\s*")


STRONG = {letter: _strong(letter) for letter in LETTERS}
WEAK = {letter: _weak(letter) for letter in LETTERS}
LEFTOVER = re.compile(rf"(?:\*{{2,}}|#{{2,}}|\n)\s*([A-L])\s*{PUNCTUATION}")
UNIT_REPAIR = re.compile(r"(?<=\d)\s*\*{2}([A-Z])\.?m(?![A-Za-z])")


def _split_lettered(text: str) -> SplitOptions:
    first = _divide(text)
    if first.certain or not UNIT_REPAIR.search(text):
        return first
    second = _divide(UNIT_REPAIR.sub(r"\1m", text))
    if second.certain:
        return SplitOptions(second.options, second.before, repaired=True)
    return first


def _divide(text: str) -> SplitOptions:
    marks = _marks(_plain(text))
    if len(marks) < 2:
        return SplitOptions([], text)
    ends = [mark.start for mark in marks[1:]] + [len(text)]
    raw = [(mark.letter, text[mark.end : end]) for mark, end in zip(marks, ends, strict=True)]
    certain = not any(_suspicious(letter, content) for letter, content in raw)
    options = [(letter, _clean(content)) for letter, content in raw]
    repaired = any("**" in content.strip().strip("*") for _, content in raw)
    return SplitOptions(options, text[: marks[0].start], certain, repaired)


def _marks(text: str) -> list[_Mark]:
    marks: list[_Mark] = []
    position = 0
    for index, letter in enumerate(LETTERS):
        limit = _next_strong(text, LETTERS[index + 1 : index + 2], position)
        match = STRONG[letter].search(text, position, limit)
        weak = None if match else _weak_mark(text, letter, position, limit, marks)
        match = match or weak
        if match:
            marks.append(_Mark(letter, match.start(), match.end(), strong=weak is None))
            position = match.end()
        elif limit == len(text) or not marks:
            break
    return marks


def _weak_mark(text: str, letter: str, position: int, limit: int, marks: list[_Mark]) -> re.Match[str] | None:
    """Find a mark without separator; behind the last strong mark only where the text goes on in that manner."""
    match = WEAK[letter].search(text, position, limit)
    if not match or limit < len(text) or len(marks) < 2 or not marks[-1].strong:
        return match
    return match if text[match.start() - 1].isspace() else None


def _next_strong(text: str, letters: str, position: int) -> int:
    match = STRONG[letters].search(text, position) if letters else None
    return match.start() if match else len(text)


def _suspicious(letter: str, content: str) -> bool:
    """Say whether an option's text still holds marks of its own or later letters."""
    following = LETTERS[LETTERS.find(letter) + 1 :][:2]
    hidden = rf"{following[:1]}\s*{PUNCTUATION}.*{following[1:]}\s*{PUNCTUATION}"
    if len(following) == 2 and re.search(hidden, content, re.DOTALL):
        return True
    return any(match[1] >= letter for match in LEFTOVER.finditer(content))


def _clean(content: str) -> str:
    return re.sub(r"\*{2,}|#{2,}", "", content).strip(" \t\r\n\u3000\xa0$")


def _check_head(found: SplitOptions) -> SplitOptions:
    if found.before.strip(" \t\r\n\u3000\xa0*#"):
        return SplitOptions(found.options, found.before, certain=False)
    return found


def _unlettered(text: str) -> list[tuple[str, str]]:
    for separator in PLAIN_SEPARATORS:
        parts = [part.strip() for part in re.split(separator, text) if part.strip()]
        if len(parts) >= 2:
            return list(zip(LETTERS, parts, strict=False)) if len(parts) <= len(LETTERS) else []
    return []

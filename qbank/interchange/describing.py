"""Read the columns beside the item itself: difficulty, score, points."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal

from item_templates.contract import Json
from item_templates.rounding import plain_decimal

DIFFICULTY_WORDS = {
    1: ("易", "容易", "简单", "很易", "很容易", "极易", "很简单", "低", "easy"),
    2: ("较易", "较容易", "较简单", "偏易", "中偏易"),
    3: ("中", "中等", "适中", "一般", "普通", "medium", "normal"),
    4: ("较难", "偏难", "中偏难", "较困难"),
    5: ("难", "困难", "很难", "极难", "高", "hard", "difficult"),
}
DIFFICULTY = {word: level for level, words in DIFFICULTY_WORDS.items() for word in words}
CHINESE_DIGITS = "一二三四五"
CODE = re.compile(r"[A-Za-z0-9]+(?:[-.—_][A-Za-z0-9]+)*")


def read_difficulty(text: str) -> int | None:
    """Return the difficulty 1 (easy) to 5 (hard); a fraction is taken as the share of candidates who are right."""
    word = unicodedata.normalize("NFKC", text).strip().casefold()
    word = re.sub(r"^难度(?:系数|等级)?[:为]?|(?:级|星|度|题)$", "", word).strip()
    if word in DIFFICULTY:
        return DIFFICULTY[word]
    if len(word) == 1 and word in CHINESE_DIGITS:
        return CHINESE_DIGITS.index(word) + 1
    if re.fullmatch(r"[1-5](?:\.0+)?", word):
        return int(word[0])
    if re.fullmatch(r"0?\.\d+", word):
        return 5 - min(4, int(Decimal(word) * 5))
    return None


def read_score(text: str) -> Decimal | None:
    """Return the marks in a cell such as ``2``, ``1.5 分``; None when there are none above zero."""
    match = re.fullmatch(
        r"\s*[（(【\[]?\s*(\d{1,3}(?:\.\d{1,3})?)\s*分?\s*[)）】\]]?\s*", unicodedata.normalize("NFKC", text)
    )
    score = Decimal(match[1]) if match else Decimal(0)
    return plain_decimal(score) if score > 0 else None


def read_points(text: str) -> tuple[str, ...] | None:
    """Return assessment-point codes, or None when the cell holds words instead of codes."""
    parts = [part.strip() for part in re.split(r"[;；,，、\s]+", text) if part.strip()]
    return tuple(dict.fromkeys(parts)) if all(CODE.fullmatch(part) for part in parts) else None


RUBRIC_LINE = re.compile(r"^(.*\S)\s*[（(\[【]\s*(\d{1,3}(?:\.\d{1,3})?)\s*分\s*[)）\]】]\s*[;；。]?\s*$")


def read_rubric(text: str) -> tuple[Mapping[str, Json], ...] | None:
    """Return the scoring points of lines such as ``说明原理（2 分）``; None when a line has no marks."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    matches = [RUBRIC_LINE.match(line) for line in lines]
    if not all(matches):
        return None
    return tuple({"text": match[1], "score": str(plain_decimal(Decimal(match[2])))} for match in matches if match)


def rubric_text(rubric: Sequence[Mapping[str, Json]]) -> str:
    """Return scoring points one a line, with their marks in brackets."""
    return "\n".join(f"{point.get('text', '')}（{point.get('score', '')}分）" for point in rubric)

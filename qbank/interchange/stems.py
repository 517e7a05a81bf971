"""Take out of a stem what does not belong there: its number, its key, the correction behind it; find its blanks."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from qbank.interchange.answers import read_judgement, read_letters

BLANK = "（　）"
GAP = r"[\s\u3000\xa0_＿]*"
SERIAL = re.compile(
    r"^\s*(?:第\s*\d{1,4}\s*题\s*[、.．:：]?|[（(]\s*\d{1,4}\s*[)）]\s*[、.．]?|\d{1,4}\s*(?:[、．:：]|\.(?!\d))[.．、]*)\s*(?=\S)"
)
POINTS_MARK = re.compile(
    r"^\s*[\[【（(]\s*(\d+(?:\.\d+)?)\s*分\s*[\]】)）]\s*|\s*[\[【（(]\s*(\d+(?:\.\d+)?)\s*分\s*[\]】)）]\s*$"
)
BRACKETED = re.compile(
    rf"[（(【\[]{GAP}([A-Za-zＡ-Ｚａ-ｚ](?:[\s,，、;；/]*[A-Za-zＡ-Ｚａ-ｚ])*|[√✓✔×✗✘xX对错]|正确|错误){GAP}[)）】\]]"
)
TAIL_KEY = re.compile(
    r"[\s（(【\[]{0,20}(?:正确|标准|参考)?答案\s*[】\]]?\s*[:：是为]\s*([A-Za-zＡ-Ｚ](?:[\s,，、;；/]*[A-Za-zＡ-Ｚ])*|[√✓✔×✗✘]|对|错|正确|错误)\s*[)）】\]。.]*\s*$"
)
CORRECTION = re.compile(
    r"\s*(?:[（(【\[]\s*)?((?:正确答案|正确的说法|正确说法|改正|更正|解析)\s*[】\]]?\s*[:：]\s*\S[\s\S]*)$"
)
BLANKS = re.compile(
    rf"\{{\{{\d{{1,2}}\}}\}}|[（(【]{GAP}[)）】]|[_＿]{{2,}}(?:\s*[_＿]{{2,}})*|﹏{{2,}}|<u>(?:\s|&nbsp;)+</u>"
)
UNDERSCORES = re.compile(r"[_＿]{2,}(?:\s*[_＿]{2,})*|﹏{2,}|<u>(?:\s|&nbsp;)+</u>")
BRACKETS = re.compile(rf"[（(【]{GAP}[)）】]")
UNITS = ("安培A", "法拉F", "库仑C", "亨利H", "电流A", "电容C", "温度T", "频率F", "时间T")
SENTENCE_END = re.compile(r"[。．.？?！!]\s*$")
MARKS = re.compile(r"\{\{\d{1,2}\}\}")
ENDING = frozenset('。．.！!？?；;…”"』」)）]】')
CONTINUING = frozenset("。，、；,;℃%‰°≤≥<>＜＞）)")
WANTING = ("为", "是", "要求", "、", "，", "和", "或", "≤", "≥", "=", "：", ":")


@dataclass(frozen=True, slots=True)
class StemKey:
    """A key that stood inside the stem, and the stem with a blank in its place."""

    stem: str
    answer: str


def strip_serial(stem: str) -> str:
    """Return the stem without the running number in front."""
    return SERIAL.sub("", stem.strip(), count=1)


def take_score(stem: str) -> tuple[str, str]:
    """Return the stem without ``[1分]`` at its start or end, and the number in it."""
    match = POINTS_MARK.search(stem)
    return (POINTS_MARK.sub("", stem, count=1), match[1] or match[2]) if match else (stem, "")


def take_correction(stem: str) -> tuple[str, str]:
    """Return the stem and the correction of a false statement (正确答案：…) that stands behind it."""
    match = CORRECTION.search(stem)
    return (stem[: match.start()].rstrip(), match[1].strip(" ）)】]")) if match and match.start() else (stem, "")


def is_cut(stem: str, explanation: str) -> bool:
    """Say whether an explanation goes on where the stem stops, as after a statement that was torn in two.

    Examples
    --------
    >>> is_cut("再沸器所用蒸汽压力为", "0.4MPa。"), is_cut("热点温度≤210", "℃。"), is_cut("水往低处流", "重力所致。")
    (True, True, False)
    """
    stem, explanation = stem.strip(), explanation.strip()
    if not stem or not explanation or stem[-1] in ENDING:
        return False
    return explanation[0] in CONTINUING or (stem.endswith(WANTING) and len(explanation) <= 20)


def find_keys(stem: str, *, judged: bool, labels: set[str]) -> list[StemKey]:
    """Return every key that stands in the stem's brackets or behind the stem after 答案：."""
    tail = TAIL_KEY.search(stem)
    if tail and stem[: tail.start()].strip():
        return [StemKey(stem[: tail.start()].rstrip(), tail[1])]
    return [
        StemKey(stem[: match.start()] + BLANK + stem[match.end() :], match[1])
        for match in BRACKETED.finditer(stem)
        if _is_key(match, judged=judged, labels=labels)
    ]


def _is_key(match: re.Match[str], *, judged: bool, labels: set[str]) -> bool:
    letters = read_letters(match[1])
    if not letters:
        return judged and read_judgement(match[1]) is not None
    if (match.string[: match.start()].rstrip() + letters[0]).endswith(UNITS):
        return False
    if labels and set(letters) <= labels:
        return True
    if judged and read_judgement(match[1]) is not None:
        return bool(SENTENCE_END.search(match.string[: match.start()]))
    return (
        not labels and match[1] == match[1].upper() and set(letters) <= set("ABCDEFGH") and letters == sorted(letters)
    )


def blank_variants(stem: str) -> list[str]:
    """Return the stem with its blanks as ``{{1}}``, ``{{2}}`` …, in each way in which they can be counted.

    Where both underscores and empty brackets stand in the stem, all of them come first, then one kind alone.
    """
    if MARKS.search(stem):
        return [stem]
    variants = [_numbered(pattern, stem) for pattern in (BLANKS, UNDERSCORES, BRACKETS) if pattern.search(stem)]
    return list(dict.fromkeys(variants))


def _numbered(pattern: re.Pattern[str], stem: str) -> str:
    count = itertools.count(1)
    return pattern.sub(lambda _match: f"{{{{{next(count)}}}}}", stem)

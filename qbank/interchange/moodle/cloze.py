"""Moodle's embedded answers (cloze): ``{1:SHORTANSWER:=铁~=Fe}`` in running text."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from item_templates import registry
from item_templates.contract import BLANK_MARK, ItemContent, Json
from item_templates.markup import sanitise
from item_templates.numbers import parse_number
from item_templates.rounding import round_score
from kernel.i18n import N_
from qbank.interchange.moodle import answers as meanings
from qbank.interchange.moodle.answers import Answer, Lose
from qbank.interchange.reading import SkippedRecord

TESTLET = "testlet"
_TEXT = {"SHORTANSWER": False, "SA": False, "MW": False, "SHORTANSWER_C": True, "SAC": True, "MWC": True}
_NUMBER = frozenset({"NUMERICAL", "NM"})
_CHOICE = frozenset(
    f"{name}{suffix}{shuffled}"
    for name, suffixes in (("MULTICHOICE", ("", "_V", "_H")), ("MC", ("", "V", "H")))
    for suffix in suffixes
    for shuffled in (("", "S") if suffix or name == "MC" else ("", "_S"))
)
_SEVERAL = frozenset(
    {"MULTIRESPONSE", "MULTIRESPONSE_H", "MULTIRESPONSE_S", "MULTIRESPONSE_HS", "MR", "MRH", "MRS", "MRHS"}
)
_BLANK = re.compile(r"\{(\d{0,4}):([A-Z_]{2,18}):((?:\\[^\n]|[^}\\])*)\}")
_ANSWERS = re.compile(r"(?<!\\)~")
_ANSWER = re.compile(r"\s*(?:(=)|%(-?[\d.]+)%|)(.*)", re.DOTALL)
_FEEDBACK = re.compile(r"(?<![\\&])#")
_ESCAPE = re.compile(r"\\([\\}#~/\"'=])")


@dataclass(frozen=True, slots=True)
class Blank:
    """One embedded answer: its weight, Moodle's word for its kind, and its answers."""

    weight: int
    kind: str
    answers: Sequence[Answer]


def cloze_content(text: str, *, score: Decimal, lose: Lose) -> ItemContent:
    """Return the item that an embedded-answers text is: a fill-in where that is exact, else a testlet."""
    blanks: list[Blank] = []

    def mark(match: re.Match[str]) -> str:
        blanks.append(Blank(int(match[1] or 1), match[2], [_answer(part) for part in _ANSWERS.split(match[3])]))
        return f"{{{{{len(blanks)}}}}}"

    stem = _BLANK.sub(mark, text)
    if not blanks:
        raise SkippedRecord("no_blank", N_("内嵌答案题的题干里没有可识别的空"))
    lose_feedback(blanks, lose)
    content = _fill_in(stem, blanks, lose) or _testlet(stem, blanks, score, lose)
    if content is None:
        kinds = "、".join(dict.fromkeys(one.kind for one in blanks))
        raise SkippedRecord("cloze", N_("内嵌答案题（%(kinds)s）不能等价地转换") % {"kinds": kinds})
    return content


def lose_feedback(blanks: Sequence[Blank], lose: Lose) -> None:
    """Name the feedback of embedded answers as a loss."""
    if any(one.feedback for blank in blanks for one in blank.answers):
        lose("feedback", N_("各空的反馈未能保留"))


def _answer(part: str) -> Answer:
    match = _ANSWER.match(part)
    sign, percent, rest = match.groups() if match else ("", "", part)
    text, _, feedback = _split_once(_FEEDBACK, rest)
    fraction = Decimal(1) if sign else meanings.read_fraction(percent or "0")
    plain = html.unescape(_ESCAPE.sub(r"\1", text)).strip()
    return Answer(sanitise(html.escape(plain, quote=False)), fraction, feedback.strip())


def _split_once(pattern: re.Pattern[str], text: str) -> tuple[str, str, str]:
    match = pattern.search(text)
    return (text[: match.start()], match[0], text[match.end() :]) if match else (text, "", "")


def _fill_in(stem: str, blanks: Sequence[Blank], lose: Lose) -> ItemContent | None:
    """Return a fill-in item when every blank is typed text, or every blank an exact number."""
    scoring: dict[str, Json] = {}
    if all(one.kind in _TEXT for one in blanks):
        cases = {_TEXT[one.kind] for one in blanks}
        if len(cases) > 1:
            return None
        scoring = {"case_sensitive": True} if cases == {True} else {}
        key = [meanings.accepted_texts(one.answers, lose) for one in blanks]
    elif all(one.kind in _NUMBER and _is_exact(one) for one in blanks):
        scoring = {"numeric": True}
        key = [[one.text.partition(":")[0] for one in blank.answers if one.fraction == 1] for blank in blanks]
    else:
        return None
    if len({one.weight for one in blanks}) > 1:
        lose("weights", N_("各空的分值权重不同，导入后各空平分"))
    return ItemContent("fill_in", stem, key=key, scoring=scoring)


def _is_exact(blank: Blank) -> bool:
    whole = [one.text.partition(":") for one in blank.answers if one.fraction == 1]
    return bool(whole) and all(not Decimal(parse_number(one[2] or "0") or 0) for one in whole)


def _testlet(stem: str, blanks: Sequence[Blank], score: Decimal, lose: Lose) -> ItemContent | None:
    if TESTLET not in {one.name for one in registry.all_types()}:
        return None
    total = sum(blank.weight for blank in blanks) or 1
    children = [
        replace(child, score=round_score(score * blank.weight / total))
        for number, blank in enumerate(blanks, 1)
        if (child := _child(f"（{number}）", blank, lose)) is not None
    ]
    if len(children) < len(blanks) or sum((one.score for one in children), Decimal(0)) != score:
        return None
    shown = BLANK_MARK.sub(lambda match: f"（{match[1]}）____", stem)
    return ItemContent(TESTLET, shown, items=tuple(children))


def _child(stem: str, blank: Blank, lose: Lose) -> ItemContent | None:
    if blank.kind in _TEXT:
        return meanings.text_content(stem, blank.answers, case_sensitive=_TEXT[blank.kind], lose=lose)
    if blank.kind in _NUMBER:
        return meanings.number_content(stem, [_with_tolerance(one) for one in blank.answers], "", lose)
    if blank.kind in _CHOICE or blank.kind in _SEVERAL:
        return meanings.choice_content(stem, blank.answers, is_single=blank.kind in _CHOICE)
    return None


def _with_tolerance(answer: Answer) -> Answer:
    value, _, tolerance = answer.html.partition(":")
    return replace(answer, html=value, tolerance=tolerance)


def write_cloze(content: ItemContent) -> str:
    """Return the text of a fill-in item with its accepted strings in the places of its blanks."""
    kind = "SHORTANSWER_C" if content.scoring.get("case_sensitive") is True else "SHORTANSWER"

    def blank(match: re.Match[str]) -> str:
        accepted = content.key[int(match[1]) - 1]
        return f"{{1:{kind}:{'~'.join('=' + _escaped(one) for one in accepted)}}}"

    return BLANK_MARK.sub(blank, content.stem)


def _escaped(text: str) -> str:
    guarded = re.sub(r"([\\}#~/\"])", r"\\\1", text.replace("*", "\x00"))
    return html.escape(guarded, quote=False).replace("\x00", "\\\\*")

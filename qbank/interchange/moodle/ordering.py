"""Moodle's ordering questions: answers stand in the right order, candidates see them in another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from item_templates.contract import Choice, ItemContent
from kernel.i18n import N_
from qbank.interchange.moodle.answers import Answer, Lose
from qbank.interchange.options import LETTERS
from qbank.interchange.reading import SkippedRecord

ALL_OR_NOTHING = frozenset({"ALL_OR_NOTHING", "-1"})
BY_POSITION = frozenset({"ABSOLUTE_POSITION", "0"})


def ordering_content(
    stem: str, answers: Sequence[Answer], listed: Sequence[str], settings: Mapping[str, str], lose: Lose
) -> ItemContent:
    """Return the ordering item of answers in their right order.

    Parameters
    ----------
    stem : str
        Item HTML.
    answers : sequence of Answer
        In the right order.
    listed : sequence of str
        The place of each answer in the list of options, as our own files say it; empty texts in others.
    settings : mapping
        Moodle's ``gradingtype`` and ``selecttype``.
    lose : callable
        Is told which of the settings cannot stay.
    """
    if len(answers) > len(LETTERS):
        raise SkippedRecord("too_many_choices", N_("选项超过 26 个"))
    places = _places(answers, listed)
    by_place = [index for _, index in sorted((place, index) for index, place in enumerate(places))]
    choices = tuple(Choice(LETTERS[place], answers[index].html) for place, index in enumerate(by_place))
    key = [LETTERS[by_place.index(index)] for index in range(len(answers))]
    if settings.get("selecttype", "") not in {"", "ALL", "0"}:
        lose("selection", N_("只出示部分选项的设置未导入，全部选项都会出示"))
    return ItemContent("ordering", stem, choices, key, scoring={"method": _method(settings, lose)})


def _method(settings: Mapping[str, str], lose: Lose) -> str:
    grading = settings.get("gradingtype", "")
    if grading in ALL_OR_NOTHING:
        return "exact"
    if grading and grading not in BY_POSITION:
        lose("scoring", N_("排序题的评分方式 %(method)s 改为按位置给分") % {"method": grading[:40]})
    return "per_position"


def _places(answers: Sequence[Answer], listed: Sequence[str]) -> list[str]:
    """Return sort keys for the list of options; an order that the file does not give must not show the key."""
    if all(one.isdigit() and len(one) < 4 for one in listed) and len(set(listed)) == len(answers):
        return [one.zfill(3) for one in listed]
    digests = [hashlib.sha256(one.html.encode("utf-8", "replace")).hexdigest() for one in answers]
    if digests == sorted(digests):
        return [f"{place:03}" for place in range(len(answers), 0, -1)]
    return digests

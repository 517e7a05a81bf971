"""Panels for standard setting: methods, states, and what one judgement is. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kernel.errors import IllegalTransitionError, InvalidInputError
from kernel.i18n import N_


class PanelMethod(enum.StrEnum):
    """How raters judge; Hofstee's and Beuk's judgements may be asked beside each of them."""

    ANGOFF = "angoff"
    EBEL = "ebel"
    NEDELSKY = "nedelsky"
    BOOKMARK = "bookmark"


class PanelStatus(enum.StrEnum):
    """Where a panel stands; FEEDBACK lies between two rounds, PROPOSED waits for a second person."""

    PREPARING = "preparing"
    RATING = "rating"
    FEEDBACK = "feedback"
    PROPOSED = "proposed"
    CONCLUDED = "concluded"
    CANCELLED = "cancelled"


class PanelAct(enum.StrEnum):
    """A step of a panel."""

    OPEN_ROUND = "open_round"
    CLOSE_ROUND = "close_round"
    PROPOSE = "propose"
    RETURN = "return"
    CONCLUDE = "conclude"
    CANCEL = "cancel"


class Judged(enum.StrEnum):
    """What a rater gives for one item: a chance, the options that can be ruled out, or a cell of Ebel's table."""

    CHANCE = "chance"
    OPTIONS = "options"
    CELL = "cell"
    PLACE = "place"


METHOD_LABELS = {
    PanelMethod.ANGOFF: N_("改进的 Angoff 法"),
    PanelMethod.EBEL: N_("Ebel 法"),
    PanelMethod.NEDELSKY: N_("Nedelsky 法"),
    PanelMethod.BOOKMARK: N_("书签法"),
}
STATUS_LABELS = {
    PanelStatus.PREPARING: N_("筹备中"),
    PanelStatus.RATING: N_("评定中"),
    PanelStatus.FEEDBACK: N_("反馈讨论"),
    PanelStatus.PROPOSED: N_("待复核结论"),
    PanelStatus.CONCLUDED: N_("已有结论"),
    PanelStatus.CANCELLED: N_("已取消"),
}
ACT_LABELS = {
    PanelAct.OPEN_ROUND: N_("开放评定"),
    PanelAct.CLOSE_ROUND: N_("关闭本轮"),
    PanelAct.PROPOSE: N_("提出结论"),
    PanelAct.RETURN: N_("退回结论"),
    PanelAct.CONCLUDE: N_("确认结论"),
    PanelAct.CANCEL: N_("取消专家组"),
}
S = PanelStatus
PANEL_STEPS: dict[PanelAct, tuple[frozenset[PanelStatus], PanelStatus]] = {
    PanelAct.OPEN_ROUND: (frozenset({S.PREPARING, S.FEEDBACK}), S.RATING),
    PanelAct.CLOSE_ROUND: (frozenset({S.RATING}), S.FEEDBACK),
    PanelAct.PROPOSE: (frozenset({S.FEEDBACK}), S.PROPOSED),
    PanelAct.RETURN: (frozenset({S.PROPOSED}), S.FEEDBACK),
    PanelAct.CONCLUDE: (frozenset({S.PROPOSED}), S.CONCLUDED),
    PanelAct.CANCEL: (frozenset({S.PREPARING, S.RATING, S.FEEDBACK, S.PROPOSED}), S.CANCELLED),
}
RELEVANCE = {"1": N_("必备"), "2": N_("重要"), "3": N_("可接受"), "4": N_("存疑")}
EASE = {"1": N_("易"), "2": N_("中"), "3": N_("难")}
CELLS = tuple(relevance + ease for relevance in RELEVANCE for ease in EASE)
COMPROMISE = ("required", "pass_rate", "cut_low", "cut_high", "fail_low", "fail_high")
"""Beuk's two judgements, then Hofstee's four; all in percent."""
NOTHING_RULED_OUT = "-"


def may(act: PanelAct, status: PanelStatus) -> bool:
    """Say whether a step is possible in a state.

    Examples
    --------
    >>> may(PanelAct.PROPOSE, PanelStatus.FEEDBACK), may(PanelAct.CLOSE_ROUND, PanelStatus.CONCLUDED)
    (True, False)
    """
    return status in PANEL_STEPS[act][0]


def after(act: PanelAct, status: PanelStatus) -> PanelStatus:
    """Return the state that a step leads to; raises IllegalTransitionError where it is not possible."""
    sources, target = PANEL_STEPS[act]
    if status not in sources:
        raise IllegalTransitionError(
            N_("专家组状态为“%(status)s”，不能进行“%(act)s”，请刷新页面查看最新状态"),
            status=STATUS_LABELS[status], act=ACT_LABELS[act],
        )  # fmt: skip
    return target


@dataclass(frozen=True, slots=True)
class RatedItem:
    """One item as a panel rates it.

    `place` orders the booklet from 1, `number` is the item's number in the form. `facility` is what candidates did, where
    enough of them did; `assumed` is what stands for it in a booklet without statistics.
    """

    place: int
    number: int
    score: float
    judged: Judged
    options: tuple[str, ...] = ()
    facility: float | None = None
    assumed: float = 0.5

    @property
    def subject(self) -> str:
        """Under which name its judgement is kept."""
        return item_subject(self.place)


@dataclass(frozen=True, slots=True)
class PanelSpec:
    """What a panel asks of each rater."""

    method: PanelMethod
    items: tuple[RatedItem, ...]
    asks_compromise: bool = False
    by_place: Mapping[str, RatedItem] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_place", {item.subject: item for item in self.items})

    @property
    def total(self) -> float:
        """Full marks of the form."""
        return sum(item.score for item in self.items)


def item_subject(place: int) -> str:
    """Return the name under which an item's judgement is kept."""
    return f"item-{place}"


def cell_subject(cell: str) -> str:
    """Return the name under which the share of a cell of Ebel's table is kept."""
    return f"cell-{cell}"


Judgements = Mapping[str, Mapping[str, Any]]
"""What one rater said, by subject."""


def needed(spec: PanelSpec, mine: Judgements) -> list[str]:
    """Return the subjects that a rater has to judge, items first; Ebel's table asks for the cells that are used."""
    subjects = [] if spec.method is PanelMethod.BOOKMARK else [item.subject for item in spec.items]
    if spec.method is PanelMethod.EBEL:
        used = {mine[one]["cell"] for one in subjects if one in mine}
        subjects += [cell_subject(cell) for cell in CELLS if cell in used]
    if spec.method is PanelMethod.BOOKMARK:
        subjects.append("bookmark")
    return subjects + list(COMPROMISE if spec.asks_compromise else ())


def missing(spec: PanelSpec, mine: Judgements) -> list[str]:
    """Return the subjects that a rater has not judged yet."""
    return [subject for subject in needed(spec, mine) if subject not in mine]


def read_judgement(spec: PanelSpec, subject: str, text: str) -> dict[str, Any]:
    """Return a judgement as it is kept; raises InvalidInputError for what the subject does not allow.

    `text` is a percentage, a cell such as ``21``, the options that are ruled out joined by commas (``-``: none), or a
    number of items.

    Examples
    --------
    >>> spec = PanelSpec(PanelMethod.ANGOFF, (RatedItem(1, 1, 1.0, Judged.CHANCE),))
    >>> read_judgement(spec, "item-1", "65")
    {'percent': 65}
    """
    text = text.strip().removesuffix("%").strip()
    if item := spec.by_place.get(subject):
        return _of_item(item, text)
    if subject == "bookmark" and spec.method is PanelMethod.BOOKMARK:
        return {"before": _number(text, len(spec.items))}
    is_cell = spec.method is PanelMethod.EBEL and subject.removeprefix("cell-") in CELLS
    if is_cell or (subject in COMPROMISE and spec.asks_compromise):
        return {"percent": _number(text, 100)}
    raise InvalidInputError(N_("这个专家组不评定“%(subject)s”"), subject=subject)


def _of_item(item: RatedItem, text: str) -> dict[str, Any]:
    if item.judged is Judged.CELL:
        if text not in CELLS:
            raise InvalidInputError(N_("请为第 %(n)s 题选择一格：重要性与难度"), n=item.number)
        return {"cell": text}
    if item.judged is Judged.OPTIONS:
        return {"ruled_out": _ruled_out(item, text)}
    if item.judged is Judged.PLACE:
        raise InvalidInputError(N_("书签法不逐题评定，请只放置书签"))
    return {"percent": _number(text, 100)}


def _ruled_out(item: RatedItem, text: str) -> list[str]:
    chosen = {part.strip() for part in text.split(",")} - {"", NOTHING_RULED_OUT}
    if not text or not chosen <= set(item.options) or len(chosen) >= len(item.options):
        raise InvalidInputError(N_("第 %(n)s 题：请勾选能排除的错误选项，至少留下一个选项"), n=item.number)
    return [option for option in item.options if option in chosen]


def _number(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > most:
        raise InvalidInputError(N_("请填写 0 到 %(most)s 之间的整数"), most=most)
    return int(text)


def shown(judgement: Mapping[str, Any] | None) -> str:
    """Return a judgement as the text that `read_judgement` reads; empty while there is none.

    Examples
    --------
    >>> shown({"percent": 65}), shown({"ruled_out": []}), shown({"ruled_out": ["B", "C"]}), shown(None)
    ('65', '-', 'B,C', '')
    """
    if not judgement:
        return ""
    value = next(iter(judgement.values()))
    return (",".join(value) or NOTHING_RULED_OUT) if isinstance(value, list) else str(value)


def chance_of(item: RatedItem, mine: Judgements) -> float | None:
    """Return the chance that a rater's judgement of an item means, or None while something is missing."""
    judgement = mine.get(item.subject)
    if judgement is None:
        return None
    if "ruled_out" in judgement:
        return 1 / (len(item.options) - len(judgement["ruled_out"]))
    if "cell" in judgement:
        judgement = mine.get(cell_subject(judgement["cell"]))
    return None if judgement is None else judgement["percent"] / 100


def contradictions(mine: Judgements) -> list[str]:
    """Return sentences about judgements that contradict each other."""
    found = []
    for low, high, message in (
        ("cut_low", "cut_high", N_("可接受的合格线：最低应小于最高")),
        ("fail_low", "fail_high", N_("可接受的不合格率：最低应小于最高")),
    ):
        if low in mine and high in mine and mine[low]["percent"] >= mine[high]["percent"]:
            found.append(message)
    return found

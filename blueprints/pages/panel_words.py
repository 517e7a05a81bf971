"""Words and figures of the pages of standard setting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from blueprints.rules.panels import (
    EASE,
    METHOD_LABELS,
    RELEVANCE,
    STATUS_LABELS,
    PanelMethod,
    PanelStatus,
    RatedItem,
)
from kernel.i18n import N_

STATUS_KINDS = {
    PanelStatus.PREPARING: "neutral", PanelStatus.RATING: "info", PanelStatus.FEEDBACK: "info",
    PanelStatus.PROPOSED: "warning", PanelStatus.CONCLUDED: "success", PanelStatus.CANCELLED: "neutral",
}  # fmt: skip
HOW_TO = {
    PanelMethod.ANGOFF: N_(
        "设想一百名恰好合格的人：他们中有多少人能答对这道题？填写这个百分数。有部分得分的题，填写他们平均得到的分数占满分的百分比。"
    ),
    PanelMethod.EBEL: N_("先为每道题选定重要性与难度，再为用到的每一格填写：恰好合格的人能答对这一格试题的百分之几。"),
    PanelMethod.NEDELSKY: N_(
        "勾选恰好合格的人能够看出是错误的选项；一个也排除不了时勾选“都不能排除”。不是单选或判断的试题，填写恰好合格的人答对的百分数。"
    ),
    PanelMethod.BOOKMARK: N_(
        "试题已按从易到难排列。从头读起，想一想恰好合格的人能否以三分之二的把握答对；把书签放在他们还能掌握的最后一题之后。"
    ),
}
COMPROMISE_LABELS = {
    "required": N_("您认为合格者至少应得到的分数（百分制）"),
    "pass_rate": N_("您预计参加考试的人中合格的百分比"),
    "cut_low": N_("可以接受的最低合格线（百分制）"),
    "cut_high": N_("可以接受的最高合格线（百分制）"),
    "fail_low": N_("可以接受的最低不合格率（百分比）"),
    "fail_high": N_("可以接受的最高不合格率（百分比）"),
}
WIDE_SPREAD = 0.15
FAR_FROM_PANEL = 0.2
NONE = "—"


def method_label(method: PanelMethod) -> str:
    """Return a method's name."""
    return str(_(METHOD_LABELS[method]))


def method_choices() -> list[tuple[str, str, str]]:
    """Return the methods with their names and what a rater does."""
    return [(method.value, method_label(method), str(_(HOW_TO[method]))) for method in PanelMethod]


def status_badge(status: PanelStatus) -> dict[str, str]:
    """Return the badge of a panel's state."""
    return {"label": _(STATUS_LABELS[status]), "kind": STATUS_KINDS[status]}


def subject_label(subject: str, by_place: Mapping[str, RatedItem]) -> str:
    """Return what people call a subject of judgement."""
    if item := by_place.get(subject):
        return str(_("第 %(n)s 题", n=item.number))
    if subject == "bookmark":
        return str(_("书签"))
    if subject.startswith("cell-"):
        return cell_label(subject.removeprefix("cell-"))
    return str(_(COMPROMISE_LABELS[subject]))


def cell_label(cell: str) -> str:
    """Return the name of a cell of Ebel's table."""
    return f"{_(RELEVANCE[cell[0]])} · {_(EASE[cell[1]])}"


def rounding(text: str) -> str:
    """Return the rule by which a cut was rounded, as it was kept: a unit and a direction."""
    unit, _space, way = text.partition(" ")
    return str(_("到 %(unit)s 分，%(way)s", unit=unit, way=_(way))) if text else ""


def percent(value: Any) -> str:
    """Return a share as a percentage, or a dash."""
    return NONE if value is None else f"{100 * float(value):.0f}%"


def figure(value: Any, digits: int = 2) -> str:
    """Return a figure, or a dash."""
    return NONE if value is None else f"{float(value):.{digits}f}"


def signed(value: Any) -> str:
    """Return a difference of shares in points with its sign, or a dash."""
    return NONE if value is None else f"{100 * float(value):+.1f}"

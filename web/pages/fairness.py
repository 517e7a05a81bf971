"""Whether items of a form are equally hard for equally able candidates of different groups."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from exam_delivery import public as exam_delivery
from kernel.db import db
from kernel.errors import NotFoundError
from kernel.http import current_actor, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from web.analysis import charts
from web.analysis.fairness import FIGURES, findings_of
from web.analysis.findings import MEANINGS

bp = Blueprint("fairness", __name__, url_prefix="/analyses")
VERDICTS: Mapping[str, tuple[str, str]] = {
    "large": (N_("差异大"), "danger"),
    "moderate": (N_("差异中等"), "warning"),
    "crossing": (N_("差异随水平而变"), "warning"),
}
MARKS = {"large": "alarm", "moderate": "caution", "crossing": "caution"}
OWN_WORDS = (N_("男"), N_("女"), N_("电脑"), N_("平板"), N_("手机"))


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """One focal group against the others."""

    title: str
    figures: Mapping[str, Any]
    n_found: int
    note: str
    href: str
    active: bool


@dataclass(frozen=True, slots=True)
class GroupingView:
    """One way to divide candidates, with its comparisons or the reason why there are none."""

    label: str
    figures: Mapping[str, Any]
    groups: str
    reasons: Sequence[str]
    comparisons: Sequence[ComparisonView]


@dataclass(frozen=True, slots=True)
class FindingView:
    """An item that stands out."""

    item: str
    href: str
    comparison: str
    verdict: str
    kind: str
    harder_for: str
    figures: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DetailView:
    """All items of one comparison."""

    title: str
    rows: Sequence[Mapping[str, Any]]
    chart: Markup


@dataclass(frozen=True, slots=True)
class FairnessPage:
    """Fairness of one form; `report` is None where the analysis is older than this comparison."""

    exam_session: Any
    analyses: Sequence[Any]
    chosen: Any
    report: Mapping[str, Any] | None
    groupings: Sequence[GroupingView]
    findings: Sequence[FindingView]
    detail: DetailView | None


@bp.get("/sessions/<uuid:exam_session_id>/forms/<uuid:form_id>/fairness")
@requires(Permission.STATISTICS_READ)
def show(exam_session_id: uuid.UUID, form_id: uuid.UUID) -> tuple[str, int]:
    """Show what differs between groups, grouping by grouping."""
    row, analyses = exam_delivery.find_analyses(db.session(), current_actor(), exam_session_id)
    chosen = next((one for one in analyses if one.form_id == form_id), None)
    if chosen is None:
        raise NotFoundError(N_("这个场次没有这份试卷的分析"))
    report = chosen.report.get("fairness")
    if report is None:
        return render_page("analyses/fairness.html", FairnessPage(row, analyses, chosen, None, (), (), None))
    groupings = [_grouping(one, exam_session_id, form_id) for one in report["groupings"]]
    findings = [_finding(one, exam_session_id, form_id) for one in findings_of(report)]
    page = FairnessPage(row, analyses, chosen, report, groupings, findings, _detail(report))
    return render_page("analyses/fairness.html", page)


def _grouping(figures: Mapping[str, Any], exam_session_id: uuid.UUID, form_id: uuid.UUID) -> GroupingView:
    label = grouping_label(figures["grouping"])
    here = url_for(".show", exam_session_id=exam_session_id, form_id=form_id)
    groups = _("、").join(_("%(group)s %(n)s 人", group=_group(one["group"]), n=one["n"]) for one in figures["groups"])
    views = [
        ComparisonView(
            _title(one), one, sum(map(bool, one["verdict"])), "".join(_(MEANINGS[flag].text) for flag in one["flags"]),
            f"{here}?grouping={figures['grouping']}&place={place}#detail", _wanted() == (figures["grouping"], place),
        )
        for place, one in enumerate(figures["comparisons"])
    ]  # fmt: skip
    return GroupingView(label, figures, groups, [_(MEANINGS[flag].text) for flag in figures["flags"]], views)


def _finding(found: Mapping[str, Any], exam_session_id: uuid.UUID, form_id: uuid.UUID) -> FindingView:
    comparison = found["comparison"]
    label, kind = VERDICTS[found["verdict"]]
    others = _group(comparison["reference"]) if comparison["reference"] else _("其他考生")
    href = url_for("analyses.item", exam_session_id=exam_session_id, form_id=form_id, slot=int(found["item"]))
    return FindingView(
        item=found["item"],
        href=href,
        comparison=_("%(grouping)s：%(title)s", grouping=grouping_label(found["grouping"]), title=_title(comparison)),
        verdict=_(label),
        kind=kind,
        harder_for=_harder_for(found, _group(comparison["focal"]), others),
        figures=found,
    )


def _harder_for(found: Mapping[str, Any], focal: str, others: str) -> str:
    """Return for whom the item is harder; nobody in particular where it depends on ability."""
    if found["verdict"] == "crossing" or found["delta"] is None:
        return ""
    return focal if found["delta"] < 0 else others


def _detail(report: Mapping[str, Any]) -> DetailView | None:
    """Return the items of the comparison that the address names."""
    grouping, place = _wanted()
    found = next((one for one in report["groupings"] if one["grouping"] == grouping), None)
    if found is None or not 0 <= place < len(found["comparisons"]):
        return None
    one = found["comparisons"][place]
    rows = [
        {"item": item, "class": one["class"][j], "verdict": one["verdict"][j], "is_suspect": one["is_suspect"][j]}
        | {name: one["figures"][name][j] for name in FIGURES}
        for j, item in enumerate(report["items"])
    ]
    return DetailView(f"{grouping_label(grouping)}：{_title(one)}", rows, _chart(rows))


def _chart(rows: Sequence[Mapping[str, Any]]) -> Markup:
    """Return delta by item with the limits of the classes; the chart escapes the names in it."""
    points = [
        (float(place), row["delta"], row["item"], MARKS.get(row["verdict"], ""))
        for place, row in enumerate(rows, 1) if row["delta"] is not None
    ]  # fmt: skip
    if not points:
        return Markup()
    limit = 1.25 * max(1.6, *(abs(delta) for _x, delta, _name, _mark in points))
    frame = charts.Frame(0, len(rows) + 1, -limit, limit)
    title, axes = _("各题的组间差异"), (_("题目的次序"), _("MH D-DIF（负：该组更难）"))
    drawn = charts.scatter(points, frame, title=title, axes=axes, levels=(-1.5, -1.0, 1.0, 1.5))
    return Markup(drawn)  # noqa: S704 - names are escaped where they are drawn


def _wanted() -> tuple[str, int]:
    return request.args.get("grouping", ""), request.args.get("place", 0, type=int)


def _title(one: Mapping[str, Any]) -> str:
    """Return who is compared with whom."""
    if one["reference"]:
        return str(_("%(focal)s 与 %(reference)s", focal=_group(one["focal"]), reference=_group(one["reference"])))
    return str(_("%(focal)s 与其他考生", focal=_group(one["focal"])))


def grouping_label(name: str) -> str:
    """Return the name of a grouping for people."""
    return str(_(exam_delivery.GROUPINGS[name])) if name in exam_delivery.GROUPINGS else name


def _group(label: str) -> str:
    """Return the name of a group; the program's own words are translated."""
    return str(_(label)) if label in OWN_WORDS else label

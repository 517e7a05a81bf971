"""Statistics of a level's bank over time: distributions, course of the sessions, items that ask for a look, and drift."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from exam_delivery import public_statistics as sittings
from exam_delivery.public_statistics import AnalysedLevel, FormTrend
from kernel.db import db
from kernel.errors import NotFoundError
from kernel.http import MenuEntry, current_actor, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.profiles import values
from qbank import public_statistics as bank
from qbank.public_statistics import CARRIER_LABELS, Carrier, CaseInfo, ItemMeasure
from web.analysis import charts
from web.analysis.bank_overview import FLAGS, ItemLine, item_lines, spread
from web.analysis.bounds import bounds_of
from web.analysis.drift import Anchor, Comparison, Sitting
from web.analysis.findings import MEANINGS
from web.analysis.levels import changes_over_time, level_anchors

bp = Blueprint("bank_statistics", __name__, url_prefix="/analyses/levels")
MENU = (
    MenuEntry(
        N_("阅卷与成绩"), N_("题库统计"), "bank_statistics.index", (Permission.STATISTICS_READ,), icon="chart", order=35
    ),
)
MOST_SESSIONS = 60
MOST_CASES = 20
MOST_FLAGGED = 200


@dataclass(frozen=True, slots=True)
class LevelsPage:
    """Levels with analysed sessions."""

    levels: Sequence[AnalysedLevel]


@dataclass(frozen=True, slots=True)
class Distribution:
    """A chart with the numbers beside it."""

    title: str
    chart: Markup
    rows: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class FlaggedView:
    """An item that asks for a look."""

    line: ItemLine
    text: str
    kind: str
    href: str


@dataclass(frozen=True, slots=True)
class SessionView:
    """One session: its forms, and the mean over them."""

    number: int
    name: str
    starts_at: Any
    forms: Sequence[FormTrend]
    n: int
    facility: float | None


@dataclass(frozen=True, slots=True)
class LevelPage:
    """One level, all carriers together or one of them."""

    level: AnalysedLevel
    carriers: Sequence[tuple[str, str]]
    carrier: str
    n_items: int
    n_measured: int
    n_on_scale: int
    distributions: Sequence[Distribution]
    sessions: Sequence[SessionView]
    course: Markup
    flagged: Sequence[FlaggedView]
    least: int
    cases: Sequence[CaseInfo]
    may_open_cases: bool
    may_open_items: bool


@dataclass(frozen=True, slots=True)
class DriftPage:
    """One session against those before it, and the course of one version."""

    level: AnalysedLevel
    carriers: Sequence[tuple[str, str]]
    carrier: str
    choices: Sequence[tuple[str, str]]
    chosen: Comparison | None
    chart: Markup
    anchor: Anchor | None
    course: Markup
    may_open_items: bool


@bp.get("/")
@requires(Permission.STATISTICS_READ)
def index() -> tuple[str, int]:
    """List the levels of which sessions were analysed."""
    return render_page("analyses/levels.html", LevelsPage(sittings.list_analysed_levels(db.session(), current_actor())))


@bp.get("/<uuid:standard_level_id>")
@requires(Permission.STATISTICS_READ)
def show(standard_level_id: uuid.UUID) -> tuple[str, int]:
    """Show the figures of one level."""
    level, actor = _level(standard_level_id), current_actor()
    bounds = bounds_of(values(db.session(), actor.organisation))
    carrier = _carrier()
    lines = item_lines(bank.load_history(db.session(), actor, standard_level_id, carrier=carrier), bounds)
    measures = bank.load_measures(db.session(), actor, standard_level_id)
    sessions = _sessions(sittings.list_trends(db.session(), actor, standard_level_id))
    page = LevelPage(
        level=level,
        carriers=_carriers(standard_level_id),
        carrier=carrier.value,
        n_items=len(lines),
        n_measured=_count(measures, "p_value"),
        n_on_scale=_count(measures, "b"),
        distributions=_distributions(lines),
        sessions=sessions,
        course=_course_of_sessions(sessions),
        flagged=_flagged(lines),
        least=bounds.few,
        cases=bank.list_cases(db.session(), actor, standard_level_id, limit=MOST_CASES),
        may_open_cases=actor.may(Permission.ITEM_RETIRE),
        may_open_items=actor.may(Permission.ITEM_READ),
    )
    return render_page("analyses/level.html", page)


@bp.get("/<uuid:standard_level_id>/drift")
@requires(Permission.STATISTICS_READ)
def drift(standard_level_id: uuid.UUID) -> tuple[str, int]:
    """Show how the versions of a session did against the sessions before it."""
    level, actor = _level(standard_level_id), current_actor()
    carrier = _carrier()
    found, known = level_anchors(db.session(), actor, standard_level_id, carrier=carrier)
    comparisons = changes_over_time(found, known, limit=MOST_SESSIONS)
    wanted = request.args.get("session", type=uuid.UUID)
    chosen = _chosen(comparisons, wanted)
    version = request.args.get("version", type=uuid.UUID)
    anchor = next((one for one in found if one.item_version_id == version), None)
    page = DriftPage(
        level=level,
        carriers=_carriers(standard_level_id),
        carrier=carrier.value,
        choices=[(str(one.sitting.exam_session_id), _choice(one)) for one in comparisons],
        chosen=chosen,
        chart=_change_chart(chosen),
        anchor=anchor,
        course=_course_of_anchor(anchor),
        may_open_items=actor.may(Permission.ITEM_READ),
    )
    return render_page("analyses/drift.html", page)


def _carrier() -> Carrier:
    """Return the carrier that the address names, all together by default."""
    return request.args.get("carrier", Carrier.ALL, type=Carrier)


def _carriers(standard_level_id: uuid.UUID) -> list[tuple[str, str]]:
    """Return the carriers to choose from: none where all answers were given on one."""
    found = bank.list_carriers(db.session(), current_actor(), standard_level_id)
    return [(one.value, _(CARRIER_LABELS[one])) for one in found] if len(found) > 1 else []


def _level(standard_level_id: uuid.UUID) -> AnalysedLevel:
    levels = sittings.list_analysed_levels(db.session(), current_actor())
    found = next((one for one in levels if one.standard_level_id == standard_level_id), None)
    if found is None:
        raise NotFoundError(N_("这个等级还没有分析过的场次"))
    return found


def _count(measures: Mapping[uuid.UUID, ItemMeasure], name: str) -> int:
    return sum(getattr(one, name) is not None for one in measures.values())


def _distributions(lines: Sequence[ItemLine]) -> list[Distribution]:
    return [
        _distribution(_("得分率的分布"), _("得分率"), spread((one.proportion for one in lines), 0, 1)),
        _distribution(
            _("题总相关的分布"), _("题总相关（去本题）"), spread((one.correlation for one in lines), -0.3, 0.8)
        ),
    ]


def _distribution(title: str, axis: str, steps: Sequence[tuple[float, int]]) -> Distribution:
    starts, counts = [start for start, _n in steps], [n for _start, n in steps]
    drawn = charts.histogram(starts, 0.1, counts, title=title, axis=axis)
    rows = [(f"{start:.1f} – {start + 0.1:.1f}", n) for start, n in steps]
    return Distribution(title, Markup(drawn), rows)  # noqa: S704 - drawn from numbers and our own words


def _sessions(trends: Sequence[FormTrend]) -> list[SessionView]:
    """Return the sessions in the order of time, numbered, the latest that a chart can hold."""
    by_session: dict[uuid.UUID, list[FormTrend]] = {}
    for one in trends:
        by_session.setdefault(one.exam_session_id, []).append(one)
    latest = list(by_session.values())[:MOST_SESSIONS][::-1]
    return [_session(number, forms) for number, forms in enumerate(latest, 1)]


def _session(number: int, forms: Sequence[FormTrend]) -> SessionView:
    known = [(one.mean_facility, one.n_candidates) for one in forms if one.mean_facility is not None]
    total = sum(n for _value, n in known)
    facility = sum(value * n for value, n in known) / total if total else None
    n = sum(one.n_candidates for one in forms)
    return SessionView(number, forms[0].session_name, forms[0].starts_at, forms, n, facility)


def _course_of_sessions(sessions: Sequence[SessionView]) -> Markup:
    marks = [charts.Mark(float(one.number), one.facility, one.name) for one in sessions if one.facility is not None]
    return _timeline(marks, _("各场次的平均得分率"), _("平均得分率"))


def _timeline(marks: Sequence[charts.Mark], title: str, axis: str) -> Markup:
    if len(marks) < 2:
        return Markup()
    frame = charts.Frame(marks[0].x, marks[-1].x, 0, 1, x_least_step=1)
    drawn = charts.timeline(marks, frame, title=title, axes=(_("场次（按时间）"), axis))
    return Markup(drawn)  # noqa: S704 - names are escaped where they are drawn


def _flagged(lines: Sequence[ItemLine]) -> list[FlaggedView]:
    found = [one for one in lines if one.flags]
    found.sort(key=lambda one: (FLAGS.index(one.flags[0]), one.correlation if one.correlation is not None else 1.0))
    return [_flagged_view(one) for one in found[:MOST_FLAGGED]]


def _flagged_view(line: ItemLine) -> FlaggedView:
    text = "".join(_(MEANINGS[flag].text) for flag in line.flags)
    kind = {"alarm": "danger", "caution": "warning"}.get(MEANINGS[line.flags[0]].weight, "neutral")
    return FlaggedView(line, text, kind, url_for("items.detail", item_id=line.item_id))


def _chosen(comparisons: Sequence[Comparison], wanted: uuid.UUID | None) -> Comparison | None:
    """Return the wanted session, or the latest with a comparison, or the latest."""
    if wanted is not None:
        return next((one for one in comparisons if one.sitting.exam_session_id == wanted), None)
    return next((one for one in comparisons if one.changes), comparisons[0] if comparisons else None)


def _choice(one: Comparison) -> str:
    return str(_("%(session)s（%(n)s 道共同题）", session=_named(one.sitting), n=one.n_common))


def _named(sitting: Sitting) -> str:
    return f"{sitting.starts_at:%Y-%m-%d} {sitting.name}"


def _change_chart(chosen: Comparison | None) -> Markup:
    if chosen is None or not chosen.changes:
        return Markup()
    points = [(one.p_before, one.p_now, one.anchor.code, "alarm" if one.is_flagged else "") for one in chosen.changes]
    title, axes = _("共同题在以前和本场的得分率"), (_("以前的得分率"), _("本场得分率"))
    drawn = charts.scatter(points, charts.Frame(0, 1, 0, 1), title=title, axes=axes)
    return Markup(drawn)  # noqa: S704 - names are escaped where they are drawn


def _course_of_anchor(anchor: Anchor | None) -> Markup:
    if anchor is None:
        return Markup()
    marks = [
        charts.Mark(float(number), use.proportion, use.sitting.name, *use.interval)
        for number, use in enumerate(anchor.uses, 1)
    ]
    return _timeline(marks, _("各场次的得分率与 95% 区间"), _("得分率"))

"""Statistics of scored sessions: the list, the report of a form, and one item with its option curves."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Blueprint, request, send_file, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.wrappers import Response

from exam_delivery import public as exam_delivery
from item_templates import registry
from kernel.db import db
from kernel.errors import NotFoundError
from kernel.http import (
    MenuEntry,
    Paging,
    current_actor,
    paging_from_request,
    redirect_with_message,
    render_page,
    requires,
)
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank import public as qbank
from qbank import public_statistics as bank
from qbank.public_statistics import ALIKE_LABELS, CARRIER_LABELS, Carrier, PooledRow
from web.analysis import charts
from web.analysis.bounds import USUAL
from web.analysis.comparing import Comparison, compare_forms
from web.analysis.fairness import findings_of
from web.analysis.findings import MEANINGS, Finding, count_alarms, explain, explain_item
from web.analysis.numbers import shown

bp = Blueprint("analyses", __name__, url_prefix="/analyses")
MENU = (
    MenuEntry(
        N_("阅卷与成绩"), N_("统计分析"), "analyses.index", (Permission.STATISTICS_READ,), icon="chart", order=30
    ),
)
KINDS = {"alarm": "danger", "caution": "warning", "note": "neutral"}
FIGURES = (
    "item", "slot", "part", "point", "type", "n", "facility", "item_rest_correlation", "discrimination_27", "n_omitted",
    "n_not_reached", "effective_weight", "flags", "carrier", "code",
)  # fmt: skip
ITEMS_OF_SET = 100
"""Items of a set of forms on one page: a set may hold half the bank."""
WEIGHTS = ("alarm", "caution")


@dataclass(frozen=True, slots=True)
class AnalysesPage:
    """Analysed sessions, the latest first."""

    rows: Sequence[tuple[Any, Any, int]]
    paging: Paging


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One item of a report with its findings in words."""

    figures: Mapping[str, Any]
    findings: Sequence[Finding]
    type_label: str
    href: str
    pooled: PooledRow | None = None
    code: str = ""

    @property
    def title(self) -> str:
        """What people call the item: its number on the form, or its code where every candidate had a form of their own."""
        return self.code or str(_("第 %(slot)s 题", slot=self.figures["slot"]))

    @property
    def alike(self) -> str:
        """What the items have in common from which the pooled facility borrows."""
        return str(_(ALIKE_LABELS[self.pooled.alike])) if self.pooled else ""

    @property
    def worst(self) -> Finding | None:
        """The finding that weighs most, if one is more than a note."""
        return next((one for weight in WEIGHTS for one in self.findings if one.weight == weight), None)

    @property
    def rank(self) -> int:
        """How urgent it is, 0 for an alarm."""
        return WEIGHTS.index(self.worst.weight) if self.worst else len(WEIGHTS)


@dataclass(frozen=True, slots=True)
class CarrierView:
    """What the answers on one carrier came to, or of all together; `figures` is a report, or of one item."""

    label: str
    figures: Mapping[str, Any]
    n: int
    is_enough: bool
    href: str
    active: bool


@dataclass(frozen=True, slots=True)
class ReportPage:
    """The report of a session: one form, or set of forms, at a time, of all carriers or of one."""

    exam_session: Any
    analyses: Sequence[Any]
    chosen: Any
    report: Mapping[str, Any]
    carriers: Sequence[CarrierView] = ()
    rows: Sequence[ItemRow] = ()
    alarms: Sequence[ItemRow] = ()
    paging: Paging | None = None
    findings: Sequence[Finding] = ()
    bins: Sequence[Mapping[str, Any]] = ()
    overview: Markup = field(default_factory=Markup)
    kinds: Mapping[str, str] = field(default_factory=lambda: KINDS)
    comparisons: Sequence[Comparison] = ()
    n_unfair: int = 0


@dataclass(frozen=True, slots=True)
class ItemPage:
    """One item of a report."""

    exam_session: Any
    chosen: Any
    carriers: Sequence[CarrierView]
    row: ItemRow
    curves: Markup
    kinds: Mapping[str, str]
    item_href: str
    carrier: str | None
    before: str
    after: str


@bp.get("/")
@requires(Permission.STATISTICS_READ)
def index() -> tuple[str, int]:
    """List analysed sessions."""
    paging = paging_from_request()
    rows, total = exam_delivery.list_analyses(db.session(), current_actor(), page=paging.page, per_page=paging.per_page)
    counted = [(row, one, count_alarms(one.report["items"])) for row, one in rows]
    return render_page("analyses/list.html", AnalysesPage(counted, paging.of(total)))


@bp.get("/sessions/<uuid:exam_session_id>")
@bp.get("/sessions/<uuid:exam_session_id>/forms/<uuid:form_id>")
@requires(Permission.STATISTICS_READ)
def report(exam_session_id: uuid.UUID, form_id: uuid.UUID | None = None) -> tuple[str, int]:
    """Show the report of one form or set, the first by default, of all carriers or of the one that the address names."""
    row, analyses, chosen = _chosen(exam_session_id, form_id)
    if chosen is None:
        return render_page("analyses/report.html", ReportPage(row, (), None, {}))
    found = _of_carrier(chosen.report)
    carriers = _carriers(chosen)
    if found["test"] is None:
        return render_page("analyses/report.html", ReportPage(row, analyses, chosen, found, carriers))
    whole = found is chosen.report
    rows = [_item_row(item, exam_session_id, chosen.form_id) for item in found["items"]]
    alarms = [one for one in rows if one.rank == 0]
    shown, paging = _page_of_items(rows) if _is_set(chosen) else (rows, None)
    flags = (*found["test"]["flags"], *found["model"].get("flags", ()))
    page = ReportPage(
        row, analyses, chosen, found, carriers, _filled(shown, chosen, may_pool=whole), _filled(alarms, chosen), paging,
        [_translated(explain(flag), flag) for flag in flags], _bins(found["test"]), _overview(rows), KINDS,
        _comparisons(analyses) if whole and not _is_set(chosen) else (), _n_unfair(chosen.report),
    )  # fmt: skip
    return render_page("analyses/report.html", page)


def _is_set(analysis: Any) -> bool:
    """Say whether an analysis is about the forms of a set, of which each candidate had one."""
    return bool(analysis.report.get("is_form_set"))


def _comparisons(analyses: Sequence[Any]) -> Sequence[Comparison]:
    """Return how hard the ordinary forms are beside each other; forms of a set, each given to one person, are not compared."""
    reports = [one.report for one in analyses if not _is_set(one)]
    return compare_forms(reports) if len(reports) > 1 else ()


def _page_of_items(rows: Sequence[ItemRow]) -> tuple[Sequence[ItemRow], Paging]:
    """Return one page of a set's items, those that ask for something first."""
    ordered = sorted(rows, key=lambda one: (one.rank, one.figures["slot"]))
    paging = paging_from_request(ITEMS_OF_SET).of(len(rows))
    return ordered[paging.offset : paging.offset + paging.per_page], paging


def _filled(rows: Sequence[ItemRow], chosen: Any, *, may_pool: bool = False) -> Sequence[ItemRow]:
    """Return rows with what the bank says of them: pooled facilities where few answered, codes in a set of forms."""
    few = chosen.report.get("bounds", USUAL.as_json())["few"]
    is_thin = any(one.figures["n"] < few for one in rows) if _is_set(chosen) else chosen.n_candidates < few
    if may_pool and is_thin:
        pooled = _pooled([one.figures for one in rows])
        rows = [replace(one, pooled=pooled.get(one.figures["item_version_id"])) for one in rows]
    if not _is_set(chosen):
        return rows
    codes = _codes([one.figures for one in rows])
    return [replace(one, code=codes.get(version_of(one.figures), "")) for one in rows]


def version_of(figures: Mapping[str, Any]) -> str:
    """Return the version that an item of a report is about, even where its key was changed after the exam."""
    return str(figures.get("origin") or figures["item_version_id"])


def _codes(items: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """Return the codes of some items of a report by version."""
    versions = dict.fromkeys(uuid.UUID(key) for one in items if (key := version_of(one)))
    return {
        str(key): one.code for key, one in bank.name_versions(db.session(), current_actor(), list(versions)).items()
    }


@bp.get("/sessions/<uuid:exam_session_id>/forms/<uuid:form_id>/items/<int:slot>")
@requires(Permission.STATISTICS_READ)
def item(exam_session_id: uuid.UUID, form_id: uuid.UUID, slot: int) -> tuple[str, int]:
    """Show one item: figures, options with their curves, carriers beside each other, and the way to it in the bank."""
    row, _analyses, chosen = _chosen(exam_session_id, form_id)
    found = _of_carrier(chosen.report) if chosen else {"items": [], "test": None}
    items = found["items"] if found["test"] else []
    place = next((number for number, one in enumerate(items) if one["slot"] == slot), None)
    if chosen is None or place is None:
        raise NotFoundError(N_("这份分析里没有第 %(slot)s 题"), slot=slot)
    links = [
        url_for(".item", exam_session_id=exam_session_id, form_id=form_id, slot=items[near]["slot"], carrier=_wanted())
        if 0 <= near < len(items) else ""
        for near in (place - 1, place + 1)
    ]  # fmt: skip
    (own,) = _filled([_item_row(items[place], exam_session_id, form_id)], chosen, may_pool=True)
    page = ItemPage(
        row, chosen, _carriers(chosen, slot=slot, place=place), own, _curves(items[place]), KINDS,
        _in_the_bank(items[place]), _wanted(), *links,
    )  # fmt: skip
    return render_page("analyses/item.html", page)


@bp.get("/sessions/<uuid:exam_session_id>/forms/<uuid:form_id>/figures.csv")
@requires(Permission.STATISTICS_READ)
def figures(exam_session_id: uuid.UUID, form_id: uuid.UUID) -> Response:
    """Download the figures of every item as CSV, for a spreadsheet or R: all together, then carrier by carrier."""
    row, _analyses, chosen = _chosen(exam_session_id, form_id)
    if chosen is None:
        raise NotFoundError(N_("这个场次还没有分析"))
    parts = chosen.report.get("by_carrier", ())
    only = parts[0]["carrier"] if len(parts) == 1 else Carrier.ALL.value
    lines = [one | {"carrier": only} for one in chosen.report["items"]]
    if len(parts) > 1:
        lines += [
            one | {"carrier": part["carrier"], "flags": [*part["flags"], *one.get("flags", ())]}
            for part in parts
            for one in part["items"]
        ]
    out = io.StringIO()
    writer = csv.DictWriter(out, FIGURES, extrasaction="ignore")
    writer.writeheader()
    codes = _codes(chosen.report["items"])
    for one in lines:
        writer.writerow(one | {"flags": ";".join(one["flags"]), "code": codes.get(version_of(one), "")})
    data = io.BytesIO(out.getvalue().encode("utf-8-sig"))
    return send_file(data, mimetype="text/csv", as_attachment=True, download_name=f"{row.name}-题目指标.csv")


@bp.post("/sessions/<uuid:exam_session_id>/run")
@requires(Permission.STATISTICS_READ)
def run(exam_session_id: uuid.UUID) -> Response:
    """Analyse a session again."""
    with unit_of_work(current_actor()) as uow:
        job = exam_delivery.request_analysis(uow, exam_session_id)
    target = (
        url_for("jobs.detail", job_id=job.job_id) if current_actor().may(Permission.JOB_READ) else url_for(".index")
    )
    return redirect_with_message(target, _("已开始分析，完成后报告会更新。"))


def _wanted() -> str | None:
    """Return the carrier that the address names."""
    return request.args.get("carrier") or None


def _of_carrier(report: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the report, or the part of the carrier that the address names, which has no model of its own."""
    wanted = _wanted()
    if wanted is None:
        return report
    part = next((one for one in report.get("by_carrier", ()) if one["carrier"] == wanted), None)
    if part is None:
        raise NotFoundError(N_("这份分析里没有用这种设备作答的考生"))
    return {**report, **part, "model": {"name": "ctt"}}


def _carriers(chosen: Any, *, slot: int | None = None, place: int | None = None) -> list[CarrierView]:
    """Return all together and every carrier, for the form or one of its items; one line where there is one carrier."""
    parts, wanted = chosen.report.get("by_carrier", ()), _wanted()
    shown = parts if len(parts) == 1 else (chosen.report | {"carrier": None}, *parts)
    views = []
    for one in shown:
        name = one.get("carrier") if len(parts) > 1 else None
        where = {"exam_session_id": chosen.exam_session_id, "form_id": chosen.form_id, "carrier": name}
        href = url_for(".report", **where) if slot is None else url_for(".item", **where, slot=slot)
        label = _(CARRIER_LABELS[Carrier(one.get("carrier") or Carrier.ALL)])
        figures = one["items"][place] if place is not None else one
        views.append(
            CarrierView(label, figures, one["n_candidates"], one["test"] is not None, href, active=name == wanted)
        )
    return views


def _n_unfair(report: Mapping[str, Any]) -> int:
    """Return how many items stand out between groups; none where the analysis is older than the comparison."""
    fairness = report.get("fairness")
    return len({one["item"] for one in findings_of(fairness)}) if fairness else 0


def _chosen(exam_session_id: uuid.UUID, form_id: uuid.UUID | None) -> tuple[Any, Sequence[Any], Any]:
    """Return session, analyses and the one that is wanted, a set of forms before single forms; None where there is none yet."""
    row, analyses = exam_delivery.find_analyses(db.session(), current_actor(), exam_session_id)
    if form_id is None:
        return row, analyses, min(analyses, key=lambda one: not _is_set(one), default=None)
    chosen = next((one for one in analyses if one.form_id == form_id), None)
    if chosen is None:
        raise NotFoundError(N_("这个场次没有这份试卷的分析"))
    return row, analyses, chosen


def _pooled(items: Sequence[Mapping[str, Any]]) -> Mapping[str, PooledRow]:
    """Return by version what the bank's items alike and all sessions together say of some items."""
    versions = [uuid.UUID(one["item_version_id"]) for one in items if one["item_version_id"]]
    found = bank.load_pooled(db.session(), current_actor(), list(dict.fromkeys(versions)))
    return {str(key): one for key, one in found.items()}


def _item_row(figures: Mapping[str, Any], exam_session_id: uuid.UUID, form_id: uuid.UUID) -> ItemRow:
    href = url_for(".item", exam_session_id=exam_session_id, form_id=form_id, slot=figures["slot"], carrier=_wanted())
    label = _(registry.get(figures["type"]).label)
    return ItemRow(
        figures,
        [_translated(one, flag) for one, flag in zip(explain_item(figures["flags"]), figures["flags"], strict=True)],
        label,
        href,
    )


def _translated(found: Finding, flag: str) -> Finding:
    """Return a finding in the reader's language."""
    _code, _colon, what = flag.partition(":")
    text = MEANINGS[found.code].text
    return replace(found, text=str(_(text, what=what) if what else _(text)))


def _bins(test: Mapping[str, Any]) -> list[dict[str, Any]]:
    bars = test["score_distribution"]
    return [
        {"label": f"{low:g}–{low + bars['width']:g}", "count": n}
        for low, n in zip(bars["from"], bars["n"], strict=True)
    ]


def _overview(rows: Sequence[ItemRow]) -> Markup:
    """Return facility against discrimination; the chart escapes the names in it."""
    points = [
        (row.figures["facility"], row.figures["item_rest_correlation"], row.figures["item"], row.worst.weight if row.worst else "")
        for row in rows
        if None not in (row.figures["facility"], row.figures["item_rest_correlation"])
    ]  # fmt: skip
    if not points:
        return Markup()
    frame = charts.Frame(0, 1, min(-0.2, *(y for _x, y, _name, _weight in points), -0.2), 1)
    title, axes = _("得分率与区分度"), (_("得分率"), _("题总相关（去本题）"))
    return Markup(charts.scatter(points, frame, title=title, axes=axes))  # noqa: S704 - names are escaped where they are drawn


def _curves(figures: Mapping[str, Any]) -> Markup:
    """Return the share of every option over the groups from weak to strong."""
    found = figures.get("option_curves")
    if not found or len(found["mean_total"]) < 2:
        return Markup()
    x = found["mean_total"]
    named = {f"{name}★" if figures["options"][name]["key"] else name: share for name, share in found["share"].items()}
    title, axes = _("各选项的选择比例随总分的变化"), (_("本组平均总分"), _("选择比例"))
    drawn = charts.lines(x, named, charts.Frame(x[0], x[-1], 0, 1), title=title, axes=axes)
    return Markup(drawn)  # noqa: S704 - names are escaped where they are drawn


def _in_the_bank(figures: Mapping[str, Any]) -> str:
    """Return where the item stands in the bank for those who may read it there."""
    actor = current_actor()
    if not actor.may(Permission.ITEM_READ) or not figures["item_version_id"]:
        return ""
    frozen = qbank.load_contents(db.session(), actor, [uuid.UUID(figures["item_version_id"])])
    return next((url_for("items.detail", item_id=one.item_id) for one in frozen.values()), "")


bp.add_app_template_filter(shown, "figure")

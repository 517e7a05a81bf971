"""The report of a form as a page that prints, and as a workbook."""

from __future__ import annotations

import io
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, send_file
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from blueprints.documents.curves import CurveChart, curve_chart
from blueprints.pages.outcome import CheckLine, Scopes, check_line
from blueprints.pages.wording import form_badge, type_label
from blueprints.rules.measures import ABILITIES
from blueprints.rules.packages import score_text
from blueprints.services.bank import scope_lines
from blueprints.services.form_report import FormReport, Parallel, build_report
from blueprints.services.sealing import form_title
from kernel.db import db
from kernel.http import current_actor, render_page, requires
from kernel.identity.permissions import Permission
from kernel.spreadsheets import Cell, TableSheet, write_table

bp = Blueprint("form_reports", __name__, url_prefix="/forms")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MINUTE = 60


@dataclass(frozen=True, slots=True)
class ScopeRow:
    """One scope of the two-way table in words."""

    label: str
    percent: str
    counts: Sequence[int]
    n_items: int
    wanted: str
    got: str
    met: bool


@dataclass(frozen=True, slots=True)
class ReportPage:
    """A form's report in words."""

    report: FormReport
    title: str
    badge: dict[str, str]
    columns: list[str]
    rows: list[ScopeRow]
    checks: list[CheckLine]
    keys: list[tuple[str, list[dict[str, Any]], int]]
    difficulty: list[dict[str, Any]]
    importance: list[dict[str, Any]]
    chart: CurveChart | None

    @property
    def n_broken(self) -> int:
        """How many rules are broken."""
        return sum(1 for check in self.checks if not check.met)

    def minutes(self, seconds: int) -> int:
        """Return whole minutes, rounded up."""
        return -(-seconds // MINUTE)


@bp.get("/<uuid:form_id>/report")
@requires(Permission.FORM_READ)
def report(form_id: uuid.UUID) -> tuple[str, int]:
    """Show the report of a form."""
    return render_page("blueprints/report.html", _page(form_id))


def _page(form_id: uuid.UUID) -> ReportPage:
    session, actor = db.session(), current_actor()
    found = build_report(session, actor, form_id)
    scopes = {line.code: line for line in scope_lines(session, actor, found.form.standard_level_id)}
    known = [one for one in found.parallel if one.information.n_known]
    chart = curve_chart(ABILITIES, {_name(one): one.information.values for one in known}) if known else None
    return ReportPage(
        report=found, title=form_title(found.form), badge=form_badge(found.form.status),
        columns=[type_label(name) for name in found.columns], rows=_rows(found, scopes),
        checks=[check_line(check, scopes) for check in found.checks],
        keys=[
            (type_label(use.type), [{"label": key, "value": n, "wanted": None} for key, n in use.counts], use.longest_run)
            for use in found.keys
        ],
        difficulty=[
            {"label": _("难度 %(n)s", n=level), "value": n, "wanted": None}
            for level, n in enumerate(found.own.difficulty, 1)
        ],
        importance=[{"label": letter or "–", "value": n, "wanted": None} for letter, n in found.importance.items()],
        chart=chart,
    )  # fmt: skip


def _name(one: Parallel) -> str:
    return str(_("%(label)s卷", label=one.label)) if one.label else str(_("本卷"))


def _rows(found: FormReport, scopes: Scopes) -> list[ScopeRow]:
    return [
        ScopeRow(
            scopes[row.scope].title if row.scope in scopes else row.scope, score_text(row.percent), row.counts,
            row.n_items, row.wanted, score_text(row.got), row.met,
        )
        for row in found.rows
    ]  # fmt: skip


@bp.get("/<uuid:form_id>/report.xlsx")
@requires(Permission.FORM_READ)
def workbook(form_id: uuid.UUID) -> Response:
    """Answer the report as a workbook."""
    page = _page(form_id)
    sheets = [
        _two_way_sheet(page),
        _check_sheet(page),
        _figure_sheet(page),
        _parallel_sheet(page),
        _earlier_sheet(page),
    ]
    name = f"form-report-{form_id}.xlsx"
    return send_file(io.BytesIO(write_table(sheets)), XLSX, as_attachment=True, download_name=name)


def _two_way_sheet(page: ReportPage) -> TableSheet:
    header = [_("范围"), _("比重"), *page.columns, _("题数"), _("应有分数"), _("实有分数")]
    rows: list[list[Cell]] = [
        [row.label, f"{row.percent}%", *row.counts, row.n_items, row.wanted, row.got] for row in page.rows
    ]
    return TableSheet(_("双向细目表"), header, rows, title=page.title)


def _check_sheet(page: ReportPage) -> TableSheet:
    header = [_("要求"), _("应有"), _("实有"), _("结论")]
    rows: list[list[Cell]] = [
        [check.text, check.wanted, check.got, str(_("符合") if check.met else _("不符"))] for check in page.checks
    ]  # fmt: skip
    return TableSheet(_("逐条核对"), header, rows)


def _figure_sheet(page: ReportPage) -> TableSheet:
    rows: list[list[Cell]] = [[_("难度"), bar["label"], bar["value"]] for bar in page.difficulty]
    rows += [[_("重要程度"), bar["label"], bar["value"]] for bar in page.importance]
    for name, bars, run in page.keys:
        rows += [[_("%(type)s的答案", type=name), bar["label"], bar["value"]] for bar in bars]
        rows.append([_("%(type)s的答案", type=name), _("同一答案最多连续"), run])
    values = page.report.own.information.values
    rows += [[_("信息量"), f"θ = {theta:g}", value] for theta, value in zip(ABILITIES, values, strict=True)]
    return TableSheet(_("分布"), [_("项目"), _("取值"), _("数值")], rows)


def _parallel_sheet(page: ReportPage) -> TableSheet:
    header = [
        _("试卷"), _("题数"), _("总分"), _("平均难度"), _("平均通过率"), _("预计分钟"), _("信息量最大差异%%"),
        *(_("与%(label)s重复", label=_name(one)) for one in page.report.parallel),
    ]  # fmt: skip
    rows: list[list[Cell]] = [
        [
            one.title, one.n_items, one.total_score, one.mean_difficulty, one.mean_p, page.minutes(one.seconds), one.gap,
            *row,
        ]
        for one, row in zip(page.report.parallel, page.report.matrix, strict=True)
    ]  # fmt: skip
    return TableSheet(_("平行卷对照"), header, rows)


def _earlier_sheet(page: ReportPage) -> TableSheet:
    rows: list[list[Cell]] = [
        [one.title, one.form.created_at, one.n_shared, one.n_items] for one in page.report.earlier
    ]  # fmt: skip
    return TableSheet(_("与以往试卷重复"), [_("试卷"), _("组成时间"), _("重复题数"), _("该卷题数")], rows)

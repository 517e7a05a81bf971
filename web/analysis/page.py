"""The analysis report as one HTML file: tables, charts that print, findings in words; no script, nothing from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kernel.i18n import N_
from web.analysis import charts
from web.analysis.fairness import findings_of
from web.analysis.findings import MEANINGS, explain, explain_item
from web.analysis.numbers import shown

MODEL_NAMES = {"ctt": N_("经典测量理论"), "rasch": "Rasch", "2pl": "2PL", "3pl": "3PL"}
VERDICTS = {"large": N_("差异大"), "moderate": N_("差异中等"), "crossing": N_("差异随水平而变")}
MAX_CURVES = 300
"""Beyond this many items option curves are drawn only for those with findings, so that the file stays readable."""


def render(report: dict[str, Any], source: str) -> str:
    """Return the whole page."""
    folder = Path(__file__).parent / "templates"
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(shown=shown)
    items = [_item_view(item, len(report["items"])) for item in report["items"]]
    return environment.get_template("report.html").render(
        report=report,
        test=report["test"],
        model=report["model"],
        model_name=MODEL_NAMES[report["model"]["name"]],
        source=source,
        items=items,
        alarms=[item for item in items if item["findings"]],
        test_findings=[explain(flag) for flag in (*report["test"]["flags"], *report["model"].get("flags", ()))],
        distribution=_distribution(report["test"]),
        overview=_overview(items),
        information=_information(report["model"]),
        fairness=_fairness(report.get("fairness")),
    )


def _item_view(item: dict[str, Any], n_items: int) -> dict[str, Any]:
    findings = explain_item(item["flags"])
    serious = [one for one in findings if one.weight != "note"]
    draw = item.get("option_curves") and (n_items <= MAX_CURVES or serious)
    chart = _option_chart(item) if draw else ""
    weight = next((name for name in ("alarm", "caution") if any(one.weight == name for one in findings)), "")
    return item | {"findings": findings, "weight": weight, "chart": chart}


def _distribution(test: dict[str, Any]) -> str:
    bars = test["score_distribution"]
    return charts.histogram(bars["from"], bars["width"], bars["n"], title=N_("总分分布"), axis=N_("总分"))


def _overview(items: list[dict[str, Any]]) -> str:
    known = [item for item in items if None not in (item["facility"], item["item_rest_correlation"])]
    points = [(item["facility"], item["item_rest_correlation"], item["item"], item["weight"]) for item in known]
    low = min([0.0, *(y for _x, y, _name, _weight in points)])
    frame = charts.Frame(0, 1, min(low, -0.2), 1)
    return charts.scatter(points, frame, title=N_("得分率与区分度"), axes=(N_("得分率"), N_("题总相关（去本题）")))


def _option_chart(item: dict[str, Any]) -> str:
    curves = item["option_curves"]
    x = curves["mean_total"]
    if len(x) < 2:
        return ""
    frame = charts.Frame(x[0], x[-1], 0, 1, width=420, height=200)
    named = {f"{name}★" if item["options"][name]["key"] else name: share for name, share in curves["share"].items()}
    title = N_("第 %(item)s 题各选项的选择比例随总分的变化") % {"item": item["item"]}
    return charts.lines(x, named, frame, title=title, axes=(N_("本组平均总分"), N_("选择比例")))


def _information(model: dict[str, Any]) -> str:
    found = model.get("information")
    if not found:
        return ""
    frame = charts.Frame(found["theta"][0], found["theta"][-1], 0, max(found["information"]))
    curves = {N_("信息量"): found["information"]}
    return charts.lines(found["theta"], curves, frame, title=N_("测验信息函数"), axes=(N_("能力 θ"), N_("信息量")))


def _fairness(report: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the comparison of groups for the page: what stands out, and what was compared or why not."""
    if report is None:
        return None
    findings = [one | {"verdict_text": VERDICTS[one["verdict"]]} for one in findings_of(report)]
    reasons = {
        one["grouping"]: [MEANINGS[flag].text for flag in one["flags"]] for one in report["groupings"] if one["flags"]
    }
    return {"report": report, "findings": findings, "reasons": reasons}

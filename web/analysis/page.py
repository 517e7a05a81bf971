"""The analysis report as one HTML file: tables, charts that print, findings in words; no script, nothing from outside."""

from __future__ import annotations

import gettext
from pathlib import Path
from typing import Any, Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kernel.i18n import N_
from web.analysis import charts
from web.analysis.carriers import LABELS
from web.analysis.fairness import findings_of
from web.analysis.findings import MEANINGS, Finding, explain, explain_item
from web.analysis.guide import SECTIONS, Entry
from web.analysis.numbers import shown

MODEL_NAMES = {"ctt": N_("经典测量理论"), "rasch": "Rasch", "2pl": "2PL", "3pl": "3PL"}
VERDICTS = {"large": N_("差异大"), "moderate": N_("差异中等"), "crossing": N_("差异随水平而变")}
MAX_CURVES = 300
"""Beyond this many items option curves are drawn only for those with findings, so that the file stays readable."""


LANGUAGES = {"zh": "zh-CN", "en": "en"}
CATALOGUE = Path(__file__).parents[1] / "translations/en/LC_MESSAGES/messages.mo"
MEANT = ("facility", "item-rest", "discrimination", "options", "omitted", "weights", "alpha", "sem")
MEANT_OF_MODELS = ("parameters", "fit", "q3")
"""Figures that the page explains, by their anchors in the guide."""


class Say(Protocol):
    """A message in the language of the page, with its values filled in."""

    def __call__(self, text: str, /, **values: object) -> str:
        """Return the message."""


def speaker(language: str) -> Say:
    """Return what turns messages into a language: Chinese stands as it is written."""
    found = gettext.NullTranslations()
    if language != "zh":
        with CATALOGUE.open("rb") as file:
            found = gettext.GNUTranslations(file)

    def say(text: str, /, **values: object) -> str:
        return found.gettext(text) % values if values else found.gettext(text)

    return say


def render(report: dict[str, Any], source: str, language: str = "zh") -> str:
    """Return the whole page."""
    folder, say = Path(__file__).parent / "templates", speaker(language)
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(shown=shown)
    environment.globals.update(_=say)
    items = [_item_view(item, len(report["items"]), say) for item in report["items"]]
    return environment.get_template("report.html").render(
        report=report,
        test=report["test"],
        model=report["model"],
        model_name=say(MODEL_NAMES[report["model"]["name"]]),
        html_lang=LANGUAGES[language],
        meanings=_meanings(report["model"]["name"]),
        source=source,
        items=items,
        alarms=[item for item in items if item["findings"]],
        test_findings=[
            _said(explain(flag), flag, say) for flag in (*report["test"]["flags"], *report["model"].get("flags", ()))
        ],
        distribution=_distribution(report["test"], say),
        overview=_overview(items, say),
        information=_information(report["model"], say),
        fairness=_fairness(report.get("fairness"), say),
        carriers=[
            one | {"label": say(LABELS.get(one["carrier"], one["carrier"]))} for one in report.get("by_carrier", ())
        ],
    )


def _meanings(model: str) -> list[Entry]:
    """Return what the guide says of the figures on the page."""
    wanted = MEANT if model == "ctt" else (*MEANT, *MEANT_OF_MODELS)
    return [one for section in SECTIONS for one in section.entries if one.anchor in wanted]


def _said(found: Finding, flag: str, say: Say) -> dict[str, str]:
    """Return a finding in the language of the page."""
    what = flag.partition(":")[2]
    text = MEANINGS[found.code].text
    return {"weight": found.weight, "label": say(found.label), "text": say(text, what=what) if what else say(text)}


def _item_view(item: dict[str, Any], n_items: int, say: Say) -> dict[str, Any]:
    found = explain_item(item["flags"])
    findings = [_said(one, flag, say) for one, flag in zip(found, item["flags"], strict=True)]
    serious = [one for one in findings if one["weight"] != "note"]
    draw = item.get("option_curves") and (n_items <= MAX_CURVES or serious)
    chart = _option_chart(item, say) if draw else ""
    weight = next((name for name in ("alarm", "caution") if any(one["weight"] == name for one in findings)), "")
    return item | {"findings": findings, "weight": weight, "chart": chart}


def _distribution(test: dict[str, Any], say: Say) -> str:
    bars = test["score_distribution"]
    return charts.histogram(bars["from"], bars["width"], bars["n"], title=say(N_("总分分布")), axis=say(N_("总分")))


def _overview(items: list[dict[str, Any]], say: Say) -> str:
    known = [item for item in items if None not in (item["facility"], item["item_rest_correlation"])]
    points = [(item["facility"], item["item_rest_correlation"], item["item"], item["weight"]) for item in known]
    low = min([0.0, *(y for _x, y, _name, _weight in points)])
    frame = charts.Frame(0, 1, min(low, -0.2), 1)
    axes = (say(N_("得分率")), say(N_("题总相关（去本题）")))
    return charts.scatter(points, frame, title=say(N_("得分率与区分度")), axes=axes)


def _option_chart(item: dict[str, Any], say: Say) -> str:
    curves = item["option_curves"]
    x = curves["mean_total"]
    if len(x) < 2:
        return ""
    frame = charts.Frame(x[0], x[-1], 0, 1, width=420, height=200)
    named = {f"{name}★" if item["options"][name]["key"] else name: share for name, share in curves["share"].items()}
    title = say(N_("第 %(item)s 题各选项的选择比例随总分的变化"), item=item["item"])
    return charts.lines(x, named, frame, title=title, axes=(say(N_("本组平均总分")), say(N_("选择比例"))))


def _information(model: dict[str, Any], say: Say) -> str:
    found = model.get("information")
    if not found:
        return ""
    frame = charts.Frame(found["theta"][0], found["theta"][-1], 0, max(found["information"]))
    name = say(N_("信息量"))
    axes = (say(N_("能力 θ")), name)
    return charts.lines(found["theta"], {name: found["information"]}, frame, title=say(N_("测验信息函数")), axes=axes)


def _fairness(report: dict[str, Any] | None, say: Say) -> dict[str, Any] | None:
    """Return the comparison of groups for the page: what stands out, and what was compared or why not."""
    if report is None:
        return None
    findings = [one | {"verdict_text": say(VERDICTS[one["verdict"]])} for one in findings_of(report)]
    reasons = {
        one["grouping"]: [say(MEANINGS[flag].text) for flag in one["flags"]]
        for one in report["groupings"]
        if one["flags"]
    }
    return {"report": report, "findings": findings, "reasons": reasons}

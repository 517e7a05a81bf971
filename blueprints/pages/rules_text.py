"""A blueprint's rules in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from blueprints.models import ExamBlueprint
from blueprints.pages.wording import type_label
from blueprints.services.stock import codes_of_items
from kernel.identity.actor import Actor


def rule_lines(session: Session, actor: Actor, row: ExamBlueprint) -> list[tuple[str, str]]:
    """Return pairs of a rule's name and what it says; rules that are not set are left out."""
    spec = row.spec
    lines = [
        (_("题型"), "；".join(_type_text(rule) for rule in spec.get("types", ()))),
        (_("比重容差"), _("%(n)s 个百分点", n=spec.get("weight_tolerance_percent", 0))),
        (_("重要程度"), _importance(spec.get("importance") or {})),
        (_("难度题数"), _counts((spec.get("difficulty") or {}).get("counts") or {})),
        (_("平均难度"), _mean((spec.get("difficulty") or {}).get("mean") or {})),
        (_("同一鉴定点"), _("最多 %(n)s 题", n=spec["max_per_point"]) if spec.get("max_per_point") else ""),
        (_("平行卷重复"), _("最多 %(n)s 题", n=spec.get("max_overlap", 0))),
        (_("使用次数"), _exposure(spec.get("exposure") or {})),
        (_("单元要求"), _("%(n)s 条", n=len(spec["cells"])) if spec.get("cells") else ""),
        (_("排除的试题"), _excluded(session, actor, row)),
        (_("考试时间"), _("%(n)s 分钟", n=row.duration_minutes)),
    ]
    return [(name, text) for name, text in lines if text]


def _type_text(rule: Mapping[str, Any]) -> str:
    values = {"type": type_label(rule["type"]), "n": rule["count"], "score": rule.get("score_each")}
    if values["score"] is None:
        return str(_("%(type)s %(n)s 题", type=values["type"], n=values["n"]))
    return str(_("%(type)s %(n)s 题 × %(score)s 分", **values))


def _importance(rules: Mapping[str, Any]) -> str:
    texts = []
    for letter, bounds in rules.items():
        if bounds.get("min") is not None:
            texts.append(str(_("%(letter)s 不少于 %(n)s%%", letter=letter, n=f"{100 * bounds['min']:g}")))
        if bounds.get("max") is not None:
            texts.append(str(_("%(letter)s 不多于 %(n)s%%", letter=letter, n=f"{100 * bounds['max']:g}")))
    return "；".join(texts)


def _counts(counts: Mapping[str, Any]) -> str:
    pairs = [(level, bounds if isinstance(bounds, list) else [bounds, bounds]) for level, bounds in counts.items()]
    return "；".join(
        str(_("难度 %(level)s：%(low)s～%(high)s 题", level=level, low=b[0], high=b[1])) for level, b in pairs
    )


def _mean(mean: Mapping[str, Any]) -> str:
    return f"{mean['target']} ± {mean.get('tolerance', 0)}" if mean else ""


def _exposure(exposure: Mapping[str, Any]) -> str:
    limit = exposure.get("max_n_used")
    return "" if limit is None else str(_("只用已使用不超过 %(n)s 次的试题", n=limit))


def _excluded(session: Session, actor: Actor, row: ExamBlueprint) -> str:
    if not row.spec.get("exclude"):
        return ""
    return "、".join(codes_of_items(session, actor, row.spec["exclude"]))

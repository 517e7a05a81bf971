"""What the fields of the blueprint form are called where something is wrong with them, and what rounding did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask_babel import gettext as _

from blueprints.pages.wording import IMPORTANCE_LABELS
from blueprints.rules.packages import score_text
from blueprints.rules.refining import RefinedWeights
from blueprints.services.bank import ScopeLine

SHOWN_ROUNDINGS = 40
ROW_PARTS = ("scope", "low", "high", "name", "score", "mean", "theta", "target", "percent")


def field_labels(
    types: Sequence[tuple[str, str]],
    scopes: Sequence[ScopeLine],
    rows: Mapping[str, int],
    cognitive: Sequence[str] = (),
) -> dict[str, str]:
    """Return the labels of all fields; `rows` counts the rows of cells and sections."""
    labels = {
        "name": _("名称"), "duration_minutes": _("考试时间"), "exclude": _("排除的试题"), "include": _("指定的试题"),
        "anchor": _("锚题"), "earlier-last": _("与以往试卷"), "earlier-count": _("与以往试卷"), "cool-days": _("冷却期"),
        "max_n_used": _("使用次数"), "p-mean": _("平均通过率"), "p-low": _("通过率范围"), "reading-low": _("阅读量"),
        "minutes-low": _("预计作答时间"), "weight_tolerance": _("比重容差"), "difficulty-mean": _("平均难度"),
        "max_per_point": _("同一鉴定点"), "max_overlap": _("平行卷重复"), "types": _("题型"),
        "pretest-count": _("试测题"), "pretest-point": _("试测题"),
    }  # fmt: skip
    labels |= {f"weight-{line.code}": line.title for line in scopes}
    for letter, label in IMPORTANCE_LABELS.items():
        labels[f"importance-{letter}-min"] = labels[f"importance-{letter}-max"] = f"{letter} {_(label)}"
        labels[f"coverage-{letter}"] = _("%(letter)s 鉴定点的覆盖", letter=letter)
    for name in cognitive:
        labels[f"cognitive-{name}-min"] = labels[f"cognitive-{name}-max"] = _("认知层次“%(name)s”", name=name)
    for level in range(1, 6):
        labels[f"difficulty-{level}-low"] = labels[f"difficulty-{level}-high"] = _("难度 %(level)s", level=level)
    for name, label in types:
        labels |= {
            f"type-{name}-count": _("%(type)s题数", type=label),
            f"type-{name}-score": _("%(type)s分值", type=label),
            f"type-{name}-order": _("%(type)s次序", type=label),
        }
        labels[f"keys-{name}-min"] = labels[f"keys-{name}-max"] = _("%(type)s的答案分布", type=label)
    for kind, title in (("cell", _("单元要求")), ("section", _("部分")), ("information", _("信息量"))):
        for number in range(rows[kind]):
            text = _("%(title)s第 %(n)s 行", title=title, n=number + 1)
            labels |= {f"{kind}-{number}-{part}": text for part in ROW_PARTS}
    return labels


def rounding_lines(refined: RefinedWeights, scopes: Mapping[str, ScopeLine]) -> list[str]:
    """Return what rounding the weights did, in sentences; families whose parts are more than their whole come first."""
    lines = [
        str(_("范围 %(scope)s 之下已填的比重超过了它自己的比重，没有细分", scope=scopes[code].title))
        for code in refined.overfull
    ]
    lines += [
        str(
            _(
                "%(scope)s：按比例应为 %(exact)s%%，取整为 %(given)s%%",
                scope=scopes[one.code].title,
                exact=score_text(one.exact),
                given=score_text(one.given),
            )
        )
        for one in refined.roundings[:SHOWN_ROUNDINGS]
    ]
    if len(refined.roundings) > SHOWN_ROUNDINGS:
        lines.append(str(_("另有 %(n)s 个范围取整", n=len(refined.roundings) - SHOWN_ROUNDINGS)))
    return lines

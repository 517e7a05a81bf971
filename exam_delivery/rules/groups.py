"""By what candidates may be told apart when the fairness of items is studied: labels of groups, never of persons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kernel.i18n import N_
from kernel.national_id import Sex

GROUPINGS: Mapping[str, str] = {
    "site": N_("考点"),
    "region": N_("所在省（市）区"),
    "training_body": N_("报名单位"),
    "employer": N_("所在单位"),
    "source": N_("考生来源"),
    "education": N_("文化程度"),
    "sex": N_("性别"),
}
"""What registration knows of a candidate that divides candidates into groups, by name."""

FROM_ROSTER = {"region": "所在省（市）区", "training_body": "报名单位", "source": "考生来源", "education": "文化程度"}
"""Groupings that stand in the kept columns of the roster."""

SEX_LABELS: Mapping[str, str] = {Sex.MALE.value: N_("男"), Sex.FEMALE.value: N_("女")}


def group_labels(*, site: str, sex: str, employer: str, extra: Mapping[str, Any]) -> dict[str, str]:
    """Return the label of a candidate's group in every grouping; empty where registration does not say.

    Examples
    --------
    >>> group_labels(site=" 一号考点", sex="male", employer="", extra={"文化程度": "大专", "民族": "汉"})["site"]
    '一号考点'
    """
    kept = {name: str(extra.get(heading) or "") for name, heading in FROM_ROSTER.items()}
    found = {"site": site, "employer": employer, "sex": SEX_LABELS.get(sex, ""), **kept}
    return {name: " ".join(found[name].split()) for name in GROUPINGS}

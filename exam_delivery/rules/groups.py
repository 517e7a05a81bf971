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
    "carrier": N_("作答设备"),
}
"""What registration and the sitting know of a candidate that divides candidates into groups, by name."""

FROM_ROSTER = {"region": "所在省（市）区", "training_body": "报名单位", "source": "考生来源", "education": "文化程度"}
"""Groupings that stand in the kept columns of the roster."""

SEX_LABELS: Mapping[str, str] = {Sex.MALE.value: N_("男"), Sex.FEMALE.value: N_("女")}


COMPUTER, TABLET, PHONE = N_("电脑"), N_("平板"), N_("手机")
CARRIERS: Mapping[str, str] = {COMPUTER: "computer", TABLET: "tablet", PHONE: "phone"}
"""Labels of the grouping ``carrier`` to their names in data."""


def carrier_of(device: str) -> str:
    """Return on what a candidate sat, from address and browser of the device; empty where the browser did not say.

    A tablet names itself so, or says Android without Mobile; a tablet that pretends to be a computer counts as one.

    Examples
    --------
    >>> carrier_of("10.0.0.7 Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0"), carrier_of("10.0.0.7")
    ('电脑', '')
    >>> carrier_of("10.0.0.7 Mozilla/5.0 (iPad; CPU OS 16_0 like Mac OS X)"), carrier_of("10.0.0.7 X (Linux; Android 13; Pad)")
    ('平板', '平板')
    >>> carrier_of("10.0.0.7 Mozilla/5.0 (Linux; Android 13; M2) Mobile Safari")
    '手机'
    """
    browser = device.partition(" ")[2].lower()
    if "ipad" in browser or "tablet" in browser or ("android" in browser and "mobile" not in browser):
        return TABLET
    if "mobile" in browser or "iphone" in browser:
        return PHONE
    return COMPUTER if browser else ""


def group_labels(*, site: str, sex: str, employer: str, extra: Mapping[str, Any], device: str = "") -> dict[str, str]:
    """Return the label of a candidate's group in every grouping; empty where nobody knows.

    Examples
    --------
    >>> group_labels(site=" 一号考点", sex="male", employer="", extra={"文化程度": "大专", "民族": "汉"})["site"]
    '一号考点'
    """
    kept = {name: str(extra.get(heading) or "") for name, heading in FROM_ROSTER.items()}
    sat = {"site": site, "carrier": carrier_of(device)}
    found = {"employer": employer, "sex": SEX_LABELS.get(sex, ""), **sat, **kept}
    return {name: " ".join(found[name].split()) for name in GROUPINGS}

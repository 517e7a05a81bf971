"""Why a reviewing centre sends a field of the roster back."""

from __future__ import annotations

from collections.abc import Mapping

from certification.rules.roster import ROSTER_COLUMNS, SCORE_COLUMNS
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

RETURN_REASONS: Mapping[str, str] = {
    "not_matching_document": N_("与证件不符"),
    "missing": N_("缺项"),
    "format": N_("格式不符"),
    "duplicate": N_("重复申报"),
    "out_of_scope": N_("超出备案范围"),
    "entry_conditions": N_("申报条件不足"),
    "photo": N_("照片不合格"),
    "score": N_("成绩存疑"),
    "other": N_("其他"),
}
EXTRA_FIELDS: Mapping[str, str] = {"photo": N_("照片"), "score": N_("成绩"), "whole": N_("整批")}
RETURN_FIELDS: Mapping[str, str] = {**ROSTER_COLUMNS, **SCORE_COLUMNS, **EXTRA_FIELDS}

CENTRE_REVIEWS = "certification.centre_reviews"
declare(RuleKey(CENTRE_REVIEWS, False, N_("名册由监管中心在系统内审核（须已授权监管中心查看本机构）")))

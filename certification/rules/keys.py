"""Rule-profile values of certification; every value on which provinces differ stands here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from certification.rules.levels import items_of as items_of
from certification.rules.levels import level_codes as level_codes
from certification.rules.pass_decision import (
    MODE_LABELS,
    AssessmentMode,
    PassRule,
    pass_rule_from_profile,
    plain_number,
)
from certification.rules.total_rules import ANY_LEVEL, NOTE, TOTALS, parse_totals, total_for
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare
from kernel.skill_levels import ABILITY_CODE, CHIEF, SENIOR

MARK_THEORY = "certification.pass_mark_theory"
MARK_SKILLS = "certification.pass_mark_skills"
MARK_REVIEW = "certification.pass_mark_review"
THEORY_LEVELS = "certification.theory_levels"
SKILLS_LEVELS = "certification.skills_levels"
REVIEW_LEVELS = "certification.review_levels"
MARK_WORK = "certification.pass_mark_work"
MARK_PROCESS = "certification.pass_mark_process"
WORK_LEVELS = "certification.work_levels"
PROCESS_LEVELS = "certification.process_levels"
DIRECT_LEVELS = "certification.direct_levels"
COMPETITION_LEVELS = "certification.competition_levels"
ROUNDING_UNIT = "certification.rounding_unit"
PUBLICITY_WORKING_DAYS = "certification.publicity_working_days"
PUBLICITY_CONTACT = "certification.publicity_contact"
PLAN_NOTICE_WORKING_DAYS = "certification.plan_notice_working_days"
WARNING_CHECKS = "certification.warning_checks"
VALIDITY_YEARS = "certification.validity_years"
ABILITY_VALIDITY_YEARS = "certification.ability_validity_years"
ALL_LEVELS = "*"

_MARKS: Mapping[AssessmentMode, str] = {
    AssessmentMode.THEORY: MARK_THEORY,
    AssessmentMode.SKILLS: MARK_SKILLS,
    AssessmentMode.COMPREHENSIVE_REVIEW: MARK_REVIEW,
    AssessmentMode.WORK_PERFORMANCE: MARK_WORK,
    AssessmentMode.PROCESS: MARK_PROCESS,
}
_LEVELS: Mapping[AssessmentMode, str] = {
    AssessmentMode.THEORY: THEORY_LEVELS,
    AssessmentMode.SKILLS: SKILLS_LEVELS,
    AssessmentMode.COMPREHENSIVE_REVIEW: REVIEW_LEVELS,
    AssessmentMode.WORK_PERFORMANCE: WORK_LEVELS,
    AssessmentMode.PROCESS: PROCESS_LEVELS,
}
_ROUTES: Mapping[AssessmentMode, str] = {
    AssessmentMode.DIRECT_RECOGNITION: DIRECT_LEVELS,
    AssessmentMode.COMPETITION: COMPETITION_LEVELS,
}


@dataclass(frozen=True, slots=True)
class TotalsKey(RuleKey):
    """The rules of totals, read before they are published, and held against the components that the levels have."""

    def check_among(self, values: Mapping[str, Any]) -> None:
        """Refuse a line that cannot be read, or weighs a component its level does not have; the message names it."""
        for line in parse_totals(str(values[TOTALS]), values):
            unasked = set() if line.level == ANY_LEVEL else set(line.weights) - required_modes(values, line.level)
            if unasked:
                message = N_(
                    "总分规则“%(line)s”计入了这个等级不考的项目“%(mode)s”；请先在考核项目的等级中加上，或改正这一条"
                )
                raise InvalidInputError(message, line=line.text, mode=MODE_LABELS[min(unasked)])


declare(
    TotalsKey(
        TOTALS, NOTE, N_("总分：各考核项目的权重和合格分（按职业、等级）"), N_("各省、各职业技能等级认定实施办法")
    ),
    RuleKey(MARK_THEORY, 60.0, N_("理论知识合格分"), "60", minimum=1, maximum=100),
    RuleKey(MARK_SKILLS, 60.0, N_("操作技能合格分"), "60", minimum=1, maximum=100),
    RuleKey(MARK_REVIEW, 60.0, N_("综合评审合格分"), "60", minimum=1, maximum=100),
    RuleKey(THEORY_LEVELS, ALL_LEVELS, N_("考理论知识的等级代码（逗号分隔，* 为全部）"), "*"),
    RuleKey(SKILLS_LEVELS, ALL_LEVELS, N_("考操作技能的等级代码（逗号分隔，* 为全部）"), "*"),
    RuleKey(REVIEW_LEVELS, f"2,1,{SENIOR},{CHIEF}", N_("须综合评审的等级代码（逗号分隔，* 为全部）"), "2,1"),
    RuleKey(MARK_WORK, 60.0, N_("业绩评价合格分"), "60", minimum=1, maximum=100),
    RuleKey(MARK_PROCESS, 60.0, N_("过程化考核合格分"), "60", minimum=1, maximum=100),
    RuleKey(WORK_LEVELS, "", N_("须业绩评价的等级代码（逗号分隔，* 为全部）")),
    RuleKey(PROCESS_LEVELS, "", N_("须过程化考核的等级代码（逗号分隔，* 为全部）")),
    RuleKey(DIRECT_LEVELS, "", N_("可以直接认定的等级代码（逗号分隔，* 为全部）")),
    RuleKey(COMPETITION_LEVELS, "", N_("可以凭竞赛成绩认定的等级代码（逗号分隔，* 为全部）")),
    RuleKey(ROUNDING_UNIT, "", N_("判定前成绩四舍五入到（空为不取舍）"), choices=("", "1", "0.5", "0.1")),
    RuleKey(PUBLICITY_WORKING_DAYS, 5, N_("成绩公示期（工作日）"), "3–10", minimum=1, maximum=60),
    RuleKey(PUBLICITY_CONTACT, "", N_("公示名单上的异议受理方式（部门、电话）")),
    RuleKey(PLAN_NOTICE_WORKING_DAYS, 15, N_("评价计划提前报备（工作日）"), "15", minimum=0, maximum=60),
    RuleKey(VALIDITY_YEARS, 0, N_("证书有效年限（0 为长期有效）"), "0", minimum=0, maximum=30),
    RuleKey(ABILITY_VALIDITY_YEARS, 0, N_("专项职业能力证书有效年限（0 为长期有效）"), "0", minimum=0, maximum=30),
    RuleKey(WARNING_CHECKS, "", N_("只提醒、不拦截的数据合规检查编号（如 P06，逗号分隔）")),
)


def required_modes(values: Mapping[str, Any], level_code: str) -> frozenset[AssessmentMode]:
    """Return the components that a level has."""
    return frozenset(mode for mode, name in _LEVELS.items() if _is_named(level_code, values[name]))


def pass_profile(values: Mapping[str, Any], level_code: str, occupation_code: str = "") -> dict[str, Any]:
    """Return the part of a rule profile that decides about one level, in the shape `pass_rule_from_profile` reads.

    An occupation may have a total of its own; components and marks go by level.
    """
    components = [
        {"mode": mode.value, "pass_mark": plain_number(Decimal(str(values[_MARKS[mode]])))}
        for mode, name in _LEVELS.items()
        if _is_named(level_code, values[name])
    ]
    total = total_for(values, level_code, occupation_code, required_modes(values, level_code))
    routes = [mode.value for mode, name in _ROUTES.items() if _is_named(level_code, values[name])]
    return {
        "components": components,
        "rounding_unit": values[ROUNDING_UNIT] or None,
        **({"routes": routes} if routes else {}),
        **({"total": total} if total else {}),
    }


def _is_named(level_code: str, levels: object) -> bool:
    """Say whether a list names a level; "all" leaves out those that are reached by application instead."""
    named = set(items_of(str(levels)))
    return level_code in named or (ALL_LEVELS in named and level_code not in {SENIOR, CHIEF})


def pass_rule(values: Mapping[str, Any], level_code: str, occupation_code: str = "") -> PassRule:
    """Return the rule by which candidates of a level pass."""
    return pass_rule_from_profile(pass_profile(values, level_code, occupation_code))


def validity_years(values: Mapping[str, Any], level_code: str) -> int:
    """Return for how many years a level's certificates are valid; 0 is without end."""
    return int(values[ABILITY_VALIDITY_YEARS if level_code == ABILITY_CODE else VALIDITY_YEARS])

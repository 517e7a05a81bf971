"""Pass decisions: exact at the mark, one reason per component, nothing decided too early."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certification.rules.pass_decision import (
    AssessmentMode,
    ComponentResult,
    PassOutcome,
    ResultState,
    decide,
    pass_rule_from_profile,
    rounded_score,
)
from kernel.errors import InvalidInputError

THEORY, SKILLS, REVIEW, *OTHERS = AssessmentMode
PROFILE = {"components": [{"mode": "theory", "pass_mark": "60"}, {"mode": "skills", "pass_mark": "60"}]}
RULE = pass_rule_from_profile(PROFILE)


def scored(mode, score):
    return ComponentResult(mode, ResultState.SCORED, Decimal(score))


def state(mode, value):
    return ComponentResult(mode, value)


def outcome(*results, rule=RULE):
    return decide(rule, results).outcome


def test_exactly_the_mark_passes_and_a_thousandth_below_does_not():
    assert outcome(scored(THEORY, "60"), scored(SKILLS, "60.000")) is PassOutcome.PASSED
    assert outcome(scored(THEORY, "59.999"), scored(SKILLS, "90")) is PassOutcome.FAILED


@settings(deadline=None)
@given(st.decimals(0, 100, places=1), st.decimals(0, 100, places=1))
def test_both_parts_must_reach_sixty(theory, skills):
    passed = outcome(scored(THEORY, theory), scored(SKILLS, skills)) is PassOutcome.PASSED
    assert passed == (theory >= 60 and skills >= 60)


def test_every_required_component_has_a_reason_a_person_can_read():
    decision = decide(RULE, [scored(THEORY, "72.5"), scored(SKILLS, "58")])
    assert [str(reason) for reason in decision.reasons] == [
        "理论知识：72.5 分，达到合格分 60",
        "操作技能：58 分，低于合格分 60",
    ]
    assert [reason.code for reason in decision.reasons] == ["reached", "not_reached"]


def test_a_missing_or_pending_component_leaves_the_decision_open_even_after_a_failure():
    assert outcome(scored(THEORY, "30")) is PassOutcome.PENDING
    assert outcome(scored(THEORY, "30"), state(SKILLS, ResultState.PENDING)) is PassOutcome.PENDING


def test_absence_from_all_is_absent_and_from_one_is_failed():
    absent = [state(mode, ResultState.ABSENT) for mode in (THEORY, SKILLS)]
    assert outcome(*absent) is PassOutcome.ABSENT
    assert outcome(scored(THEORY, "99"), absent[1]) is PassOutcome.FAILED


def test_one_void_component_voids_all():
    assert outcome(scored(THEORY, "99"), state(SKILLS, ResultState.VOID)) is PassOutcome.VOID
    assert outcome(state(THEORY, ResultState.VOID)) is PassOutcome.VOID


def test_a_component_the_level_does_not_require_is_ignored():
    assert outcome(scored(THEORY, "60"), scored(SKILLS, "60"), scored(REVIEW, "0")) is PassOutcome.PASSED


def test_comprehensive_review_counts_where_the_profile_asks_for_it():
    rule = pass_rule_from_profile(
        {"components": [*PROFILE["components"], {"mode": "comprehensive_review", "pass_mark": 60}]}
    )
    assert outcome(scored(THEORY, "60"), scored(SKILLS, "60"), scored(REVIEW, "59.9"), rule=rule) is PassOutcome.FAILED


def test_rounding_is_half_up_and_happens_before_the_comparison():
    rule = pass_rule_from_profile({**PROFILE, "rounding_unit": "0.1"})
    assert outcome(scored(THEORY, "59.95"), scored(SKILLS, "60"), rule=rule) is PassOutcome.PASSED
    assert outcome(scored(THEORY, "59.949"), scored(SKILLS, "60"), rule=rule) is PassOutcome.FAILED
    assert rounded_score(Decimal("0.25"), Decimal("0.1")) == Decimal("0.3")
    assert rounded_score(Decimal("72.3"), Decimal("0.5")) == Decimal("72.5")


@pytest.mark.parametrize("score", ["-0.1", "100.1", "NaN"])
def test_an_impossible_score_is_refused(score):
    with pytest.raises(InvalidInputError, match="理论知识"):
        outcome(scored(THEORY, score))


def test_a_scored_component_without_a_score_and_a_double_component_are_refused():
    with pytest.raises(InvalidInputError, match="理论知识"):
        outcome(state(THEORY, ResultState.SCORED))
    with pytest.raises(InvalidInputError, match="两个成绩"):
        outcome(scored(THEORY, "60"), scored(THEORY, "70"))


@pytest.mark.parametrize(
    ("profile", "fragment"),
    [
        ({}, "至少设置一项"),
        ({"components": [{"mode": "theory", "pass_mark": "60"}] * 2}, "两次"),
        ({"components": [{"mode": "dance", "pass_mark": "60"}]}, "不存在"),
        ({"components": [{"mode": "theory", "pass_mark": "101"}]}, "高于满分"),
        ({"components": [{"mode": "theory", "pass_mark": 59.95}]}, "大于 0"),
        ({"components": [{"mode": "theory", "pass_mark": "六十"}]}, "大于 0"),
        ({"components": [{"mode": "theory"}]}, "大于 0"),
        ({**PROFILE, "rounding_unit": "0"}, "大于 0"),
    ],
)
def test_a_profile_that_makes_no_sense_is_refused(profile, fragment):
    with pytest.raises(InvalidInputError, match=fragment):
        pass_rule_from_profile(profile)

"""Weighted totals: exact, rounded once, set by line for level and occupation, shown wherever a result is shown."""

from __future__ import annotations

import datetime as dt
import json
import random
import uuid
from decimal import Decimal
from fractions import Fraction

import pytest

from certification.repository import scores as score_repository
from certification.rules import keys
from certification.rules.pass_decision import (
    TOTAL,
    AssessmentMode,
    ComponentResult,
    PassOutcome,
    ResultState,
    decide,
    pass_rule_from_profile,
    total_text,
)
from certification.rules.roster_layouts import ROSTER_LAYOUT, shipped_layouts
from certification.rules.total_rules import TOTALS, parse_totals
from certification.services import evidence, own_certificates, publicity, rosters, signing, standing
from certification.services.evidence_entries import PackScope
from certification.verifier import kaoku_verify
from kernel import profiles
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.profiles.registry import all_keys
from kernel.spreadsheets import read_table
from kernel.uow import unit_of_work
from tests.certification.test_certification_documents import pages_of
from tests.factories.certification import candidate

THEORY, SKILLS, REVIEW, *OTHERS = AssessmentMode
VALUES = {name: key.default for name, key in all_keys().items()}
MARKS = [{"mode": mode.value, "pass_mark": "50"} for mode in (THEORY, SKILLS, REVIEW)]
SIXTY = "三级：理论知识 40%、操作技能 60%，合格 75"


def rule(weights, mark="60", unit=None, components=MARKS):
    total = {"weights": weights, "pass": mark}
    return pass_rule_from_profile({"components": components, "rounding_unit": unit, "total": total})


def scored(mode, score):
    return ComponentResult(mode, ResultState.SCORED, Decimal(score))


def total_reason(decision):
    return next((one for one in decision.reasons if one.about == TOTAL), None)


def half_up(number: Fraction, unit: Fraction) -> Fraction:
    return Fraction((number / unit + Fraction(1, 2)).__floor__()) * unit


@pytest.mark.parametrize("seed", range(40))
def test_totals_are_exact_rounded_once_and_decide_at_the_mark(seed):
    chance = random.Random(seed)
    cuts = sorted(chance.sample(range(1, 10_000), 2))
    shares = [cuts[0], cuts[1] - cuts[0], 10_000 - cuts[1]]
    weights = {mode: Fraction(share, 10_000) for mode, share in zip((THEORY, SKILLS, REVIEW), shares, strict=True)}
    scores = {mode: Fraction(chance.randrange(50_000, 100_001), 1000) for mode in weights}
    unit = chance.choice([None, "0.1", "0.5", "1"])
    counted = {mode: half_up(one, Fraction(unit)) if unit else one for mode, one in scores.items()}
    wanted = sum(counted[mode] * weights[mode] for mode in weights)
    wanted = half_up(wanted, Fraction(unit)) if unit else wanted
    texts = {mode.value: str(Decimal(share) / 10_000) for mode, share in zip(weights, shares, strict=True)}
    results = [scored(mode, Decimal(int(one * 1000)) / 1000) for mode, one in scores.items()]
    chance.shuffle(results)
    exact = str(Decimal(wanted.numerator) / Decimal(wanted.denominator))
    above = str(Decimal(exact) + Decimal("0.0000001"))
    for mark, outcome in ((exact, PassOutcome.PASSED), (above, PassOutcome.FAILED)):
        if Decimal(mark) <= 100:
            decision = decide(rule(texts, mark, unit), results)
            assert Fraction(total_reason(decision).values["total"]) == wanted
            assert decision.outcome is outcome
    shown = decide(rule(texts, None, unit), results)
    assert (shown.outcome, total_reason(shown).code) == (PassOutcome.PASSED, "shown")


def test_what_has_no_score_leaves_no_total_and_the_components_decide():
    weighted = rule({"theory": "0.4", "skills": "0.6"}, components=MARKS[:2])
    both = [scored(THEORY, "60"), scored(SKILLS, "60")]
    assert str(total_reason(decide(weighted, both))) == "总分：60×40% + 60×60% = 60 分，达到合格分 60"
    assert decide(weighted, [scored(THEORY, "55"), scored(SKILLS, "60")]).outcome is PassOutcome.FAILED
    assert decide(weighted, [scored(THEORY, "49"), scored(SKILLS, "100")]).outcome is PassOutcome.FAILED
    states = {
        ResultState.ABSENT: PassOutcome.FAILED, ResultState.VOID: PassOutcome.VOID, ResultState.PENDING: PassOutcome.PENDING,
        ResultState.RECOGNISED: PassOutcome.PASSED,
    }  # fmt: skip
    for state, outcome in states.items():
        decision = decide(weighted, [scored(THEORY, "90"), ComponentResult(SKILLS, state)])
        assert decision.outcome is outcome
        assert (total_reason(decision) is None) is (state is not ResultState.RECOGNISED)
    assert decide(weighted, [both[0]]).outcome is PassOutcome.PENDING
    absent = [ComponentResult(mode, ResultState.ABSENT) for mode in (THEORY, SKILLS)]
    assert decide(weighted, absent).outcome is PassOutcome.ABSENT


@pytest.mark.parametrize(
    ("total", "fragment"),
    [
        ({"weights": {"theory": "0.4", "skills": "0.5"}, "pass": "60"}, "现在是 90%"),
        ({"weights": {"theory": "0.4", "process": "0.6"}}, "不考的项目“过程化考核”"),
        ({"weights": {"theory": "0.4", "dance": "0.6"}}, "dance"),
        ({"weights": {"theory": 0.4, "skills": "0.6"}}, "大于 0"),
        ({"weights": {"theory": "0.4", "skills": "0.6"}, "pass": "101"}, "高于满分"),
        ({"weights": {}}, "现在是 0%"),
    ],
)
def test_weights_that_make_no_sense_are_refused(total, fragment):
    with pytest.raises(InvalidInputError) as caught:
        pass_rule_from_profile({"components": MARKS, "total": total})
    assert fragment in caught.value.template % caught.value.context
    hundred = [{"mode": "theory", "pass_mark": "60", "max_score": "120"}, MARKS[1]]
    with pytest.raises(InvalidInputError, match="百分制"):
        rule({"theory": "0.4", "skills": "0.6"}, components=hundred)


@pytest.mark.parametrize(
    ("line", "fragment"),
    [
        ("三级 理论知识 40%", "应写作"),
        ("九级：理论知识 100%", "不在等级序列"),
        ("三级：理论知识 40%、操作技能 50%", "现在是 90%"),
        ("三级：理论知识 40%、舞蹈 60%", "“舞蹈 60%”看不懂"),
        ("三级：理论知识 40%、理论 60%", "写了两次"),
        ("三级：理论知识 0%、操作技能 100%", "大于 0"),
        ("三级：理论知识 40%、操作技能 60%，合格 120", "不超过 100"),
        ("三级：理论知识 100%\n三级：操作技能 100%", "只留一条"),
        ("三级：理论知识 40%、综合评审 60%", "不考的项目“综合评审”"),
    ],
)
def test_a_line_that_cannot_hold_is_refused_by_name_when_it_is_published(line, fragment, organisation):
    with pytest.raises(InvalidInputError) as caught, unit_of_work(system_actor(organisation.organisation_id)) as uow:
        profiles.publish(uow, {TOTALS: line}, effective_on=dt.date(2026, 1, 1))
    assert fragment in caught.value.template % caught.value.context
    assert line.splitlines()[-1] in str(caught.value.context["line"])


def test_the_closest_line_holds_and_the_star_only_where_all_its_components_are_asked():
    text = "*：理论 0.3、技能 0.5、评审 0.2\n三级：理论知识 40％；操作技能 60％\n4-04-05-05 三级：理论知识 50%，操作技能 50%，合格 70分"
    assert len(parse_totals(text, VALUES)) == 3
    values = {**VALUES, TOTALS: text}
    assert keys.pass_profile(values, "3", "4-04-05-05")["total"] == {
        "weights": {"theory": "0.5", "skills": "0.5"}, "pass": "70",
    }  # fmt: skip
    assert keys.pass_profile(values, "3", "6-31-01-03")["total"]["weights"] == {"theory": "0.4", "skills": "0.6"}
    assert keys.pass_profile(values, "2")["total"]["weights"]["comprehensive_review"] == "0.2"
    assert "total" not in keys.pass_profile(values, "4")
    assert "total" not in keys.pass_profile(VALUES, "3")


def test_the_total_stands_on_every_page_list_and_pack_and_the_verifier_adds_it_up_again(office, organisation, sign_in):
    layout = shipped_layouts()["national-21"]
    columns = [{"heading": one.heading, "fields": list(one.fields)} for one in layout.columns]
    own = {
        "format": "kaoku-roster-layout/1",
        "code": "own",
        "columns": [*columns, {"heading": "总分", "fields": ["total_score"]}],
    }
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        signing.create_key(uow)
        profiles.publish(uow, {TOTALS: SIXTY, ROSTER_LAYOUT: json.dumps(own)}, effective_on=dt.date(2026, 1, 1))
    key = office.whole_way([candidate(1, score="80"), candidate(2, score="80")], {"1": "75.5", "2": "71"})
    people = office.records(key)
    decided = score_repository.current_decisions(db.session(), key)
    totals = {n: total_text(decided[one.result_record_id].reasons) for n, one in people.items()}
    assert totals == {"1": "77.3", "2": "74.6"}
    assert [people[n].outcome for n in "12"] == [PassOutcome.PASSED, PassOutcome.FAILED]
    client = sign_in(Role.CERTIFICATION_OFFICER)
    assert "77.3" in client.get(f"/certification/batches/{key}/candidates").text
    assert (
        "总分：80×40% + 71×60% = 74.6 分，低于合格分 75"
        in client.get(f"/certification/candidates/{people['2'].result_record_id}").text
    )
    _name, listing = publicity.publicity_pdf(db.session(), key, actor=office.actor)
    assert all(text in pages_of(listing)[0] for text in ("总分", "77.3", "74.6"))
    rows = rosters.roster_rows(db.session(), office.batch(key))
    assert [row.total_score for row in rows] == ["77.3"]
    (sheet,) = read_table(
        rosters.roster_workbook(rows, layout=rosters.layout_for(db.session(), organisation.organisation_id))
    )
    assert [line[-1] for line in sheet.rows[-2:]] == ["总分", "77.3"]
    (mine,) = own_certificates.list_results(db.session(), office.actor, people["1"].candidate_id)
    assert mine.total == "77.3"
    pack = evidence.build_pack(
        db.session(), office.actor, key, None, PackScope(is_personal=False, has_content=False),
        progress=lambda _percent: None,
    )  # fmt: skip
    assert not kaoku_verify.verify(pack.content).problems
    entries = [json.loads(line) for line in pack.content.splitlines()[2:]]
    found = [one for one in entries if one["kind"] == "decision"]
    assert [kaoku_verify.check_decision(None, one) for one in found] == ["", ""]
    for one in found:
        (stated,) = [reason for reason in one["body"]["decisions"][0]["reasons"] if reason[0] == TOTAL]
        stated[1] = {"reached": "not_reached", "not_reached": "reached"}[stated[1]]
        assert kaoku_verify.check_decision(None, one) == "总分是否合格与合格分不符"
        stated[3]["total"] = "99"
        assert kaoku_verify.check_decision(None, one) == "总分与各项成绩和权重不符"


def test_a_dry_run_of_theory_scores_says_how_the_whole_decision_turns(
    office, organisation, make_actor, other_organisation
):
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        profiles.publish(uow, {TOTALS: SIXTY}, effective_on=dt.date(2026, 1, 1))
    key = office.whole_way([candidate(1, score="80"), candidate(2, score="80")], {"1": "75.5", "2": "71"})
    first, second = (office.records(key)[n].attempt_id for n in "12")
    scores = {first: Decimal(74), second: Decimal(82), uuid.uuid4(): Decimal(100)}
    turned = standing.try_scores(db.session(), office.actor, scores)
    assert turned == {first: ("合格", "不合格"), second: ("不合格", "合格")}, "74 reaches 60, but the total is 74.9"
    stranger = make_actor(Role.CERTIFICATION_OFFICER, organisation_id=other_organisation.organisation_id)
    assert standing.try_scores(db.session(), stranger, scores) == {}
    assert {n: one.outcome for n, one in office.records(key).items()} == {
        "1": PassOutcome.PASSED,
        "2": PassOutcome.FAILED,
    }

"""Components and routes beside theory and skill: which a level needs, what recognition does, what competitions give."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from certification.models import ComponentProof, ComponentScore
from certification.repository import scores as score_repository
from certification.rules import keys
from certification.rules.competition import COMPETITION_RANKS, rank_rules
from certification.rules.pass_decision import (
    AssessmentMode,
    ComponentResult,
    ComponentRule,
    PassOutcome,
    PassRule,
    ResultState,
    decide,
    pass_rule_from_profile,
)
from certification.services import batches, decisions, proofs, publicity
from certification.services.proofs import ProofForm
from kernel.conflicts import ConflictOfInterestError, RelationKind
from kernel.conflicts.services import Declaration, declare_relation
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.certification.test_certification_documents import pages_of
from tests.certification.test_panels import act, set_rules
from tests.factories.certification import candidate, id_number

M, S = AssessmentMode, ResultState
RULE = PassRule(
    (ComponentRule(M.THEORY, Decimal(60)), ComponentRule(M.SKILLS, Decimal(60))), routes=frozenset({M.COMPETITION})
)
FILE = {"name": "证明.pdf", "data": b"%PDF-1.7 demonstration"}


def result(mode, score=None, state=None):
    return ComponentResult(mode, state or S.SCORED, None if score is None else Decimal(score))


PRIZE = result(M.COMPETITION, state=S.RECOGNISED)


@pytest.mark.parametrize(
    ("results", "outcome", "modes"),
    [
        ([result(M.THEORY, 30), PRIZE], PassOutcome.PASSED, [M.COMPETITION]),
        ([result(M.THEORY, state=S.ABSENT), PRIZE], PassOutcome.PASSED, [M.COMPETITION]),
        ([PRIZE], PassOutcome.PASSED, [M.COMPETITION]),
        ([result(M.THEORY, state=S.VOID), PRIZE], PassOutcome.VOID, [M.THEORY, M.SKILLS]),
        ([result(M.THEORY, 80), result(M.SKILLS, state=S.RECOGNISED)], PassOutcome.PASSED, [M.THEORY, M.SKILLS]),
        ([result(M.THEORY, 59), result(M.SKILLS, state=S.RECOGNISED)], PassOutcome.FAILED, [M.THEORY, M.SKILLS]),
        ([result(M.THEORY, 80), result(M.COMPETITION, state=S.PENDING)], PassOutcome.PENDING, [M.THEORY, M.SKILLS]),
    ],
)
def test_a_recognised_route_passes_alone_but_misconduct_still_voids(results, outcome, modes):
    decision = decide(RULE, results)
    assert decision.outcome is outcome
    assert [reason.mode for reason in decision.reasons] == modes
    without = decide(PassRule(RULE.components), [one for one in results if one.mode is not M.COMPETITION])
    assert without.outcome is not PassOutcome.PASSED or M.COMPETITION not in modes


def test_the_rule_profile_says_which_components_and_routes_a_level_has():
    values = {key.name: key.default for key in _declared()} | {keys.WORK_LEVELS: "2", keys.DIRECT_LEVELS: "2,1"}
    modes = {level: [part.mode for part in keys.pass_rule(values, level).components] for level in ("3", "2")}
    assert modes == {"3": [M.THEORY, M.SKILLS], "2": [M.THEORY, M.SKILLS, M.COMPREHENSIVE_REVIEW, M.WORK_PERFORMANCE]}
    assert keys.pass_rule(values, "2").routes == {M.DIRECT_RECOGNITION}
    assert pass_rule_from_profile(keys.pass_profile(values, "1")).routes == {M.DIRECT_RECOGNITION}
    assert keys.pass_rule(values, "3").routes == frozenset()


def _declared():
    from kernel.profiles.registry import all_keys

    return [key for name, key in all_keys().items() if name.startswith("certification.")]


@pytest.mark.parametrize("entry", ["国家级", "国家级:a=2", "国家级:1-5"])
def test_ranks_that_cannot_be_read_are_refused_by_name(entry):
    with pytest.raises(InvalidInputError, match="应写作"):
        rank_rules({COMPETITION_RANKS: f"省级:1=3，{entry}"})


@pytest.fixture
def batch_id(office, make_actor):
    rules = {
        keys.COMPETITION_LEVELS: "3",
        keys.DIRECT_LEVELS: "3",
        keys.PROCESS_LEVELS: "3",
        COMPETITION_RANKS: "国家级一类:1-5=2",
    }
    set_rules(make_actor, **rules)
    return office.receive([candidate(1, score="80"), candidate(2, score="80"), candidate(3, score="80")])[1]


def enter(actor, office, batch_id, key, mode, **changes):
    number = office.records(batch_id)[key].admission_number
    form = ProofForm(number, mode, "证明材料", **changes)
    return act(actor, proofs.submit_proof, batch_id, form, **FILE)


def test_a_checked_document_decides_and_carries_both_names(office, batch_id, make_actor):
    second = make_actor(Role.ASSESSOR, name="核对人")
    prize = {"contest": "国家级一类", "rank": "3", "certificate": "G-3"}
    rows = {
        "1": enter(office.actor, office, batch_id, "1", M.COMPETITION, facts=prize),
        "2": enter(office.actor, office, batch_id, "2", M.DIRECT_RECOGNITION),
        "3": enter(office.actor, office, batch_id, "3", M.PROCESS, score="75"),
    }
    with pytest.raises(ForbiddenError, match="登记人以外"):
        office.act(proofs.decide_proof, rows["1"].component_proof_id, version=1, is_true=True)
    for key in ("1", "2", "3"):
        act(second, proofs.decide_proof, rows[key].component_proof_id, version=1, is_true=True)
    with pytest.raises(ConflictError, match="刚被他人处理"):
        act(second, proofs.decide_proof, rows["1"].component_proof_id, version=2, is_true=False, reason="证书不属实")
    names = {row.entered_by for row in db.session.query(ComponentScore).filter_by(mode=M.PROCESS)}
    assert names == {f"{office.actor.name}、核对人"}
    office.act(batches.check_batch, batch_id)
    office.act(decisions.decide_batch, batch_id)
    people = office.records(batch_id)
    assert [people[key].outcome.value for key in ("1", "2", "3")] == ["passed", "passed", "pending"]
    reason = score_repository.list_decisions(db.session(), people["1"].result_record_id)[0].reasons
    assert [one[:2] for one in reason] == [["competition", "recognised"]]
    with pytest.raises(ConflictError, match="已锁定"):
        enter(office.actor, office, batch_id, "3", M.PROCESS, score="80")


def test_the_public_list_names_routes_and_the_further_components_of_the_level(office, batch_id, make_actor):
    second = make_actor(Role.ASSESSOR, name="核对人")
    prize = {"contest": "国家级一类", "rank": "3", "certificate": "G-3"}
    for row in (
        enter(office.actor, office, batch_id, "1", M.COMPETITION, facts=prize),
        enter(office.actor, office, batch_id, "2", M.DIRECT_RECOGNITION),
        enter(office.actor, office, batch_id, "3", M.PROCESS, score="75"),
    ):
        act(second, proofs.decide_proof, row.component_proof_id, version=1, is_true=True)
    office.decide(batch_id, {"3": "66"})
    office.publish(batch_id)
    listing = "".join(pages_of(publicity.publicity_pdf(db.session(), batch_id, actor=office.actor)[1]))
    header, first, other, third = re.split("演示考生[123]", listing)
    assert "理论技能过程化考核结论" in header
    assert "业绩评价" not in listing
    assert "综合评审" not in listing
    assert "竞赛成绩合格" in first
    assert "直接认定合格" in other
    assert "806675合格" in third


def test_a_rank_that_gives_nothing_a_relative_and_another_house_are_refused(office, other_office, batch_id, make_actor):
    for facts, told in (
        ({"contest": "国家级一类", "rank": "6", "certificate": "G-6"}, "不能认定本等级"),
        ({"contest": "国家级一类", "rank": "3"}, "证书编号"), ({"certificate": "x"}, "名次"),
    ):  # fmt: skip
        with pytest.raises(InvalidInputError, match=told):
            enter(office.actor, office, batch_id, "1", M.COMPETITION, facts=facts)
    row = enter(office.actor, office, batch_id, "1", M.DIRECT_RECOGNITION)
    kin = make_actor(Role.ASSESSOR, name="亲属")
    with unit_of_work(kin) as uow:
        declare_relation(uow, Declaration(RelationKind.KIN, other_number=id_number(1)))
    with pytest.raises(ConflictOfInterestError):
        act(kin, proofs.decide_proof, row.component_proof_id, version=1, is_true=True)
    with pytest.raises(ConflictOfInterestError):
        proofs.read_file(db.session(), row.component_proof_id, actor=kin)
    with pytest.raises(NotFoundError):
        other_office.act(proofs.decide_proof, row.component_proof_id, version=1, is_true=True)
    assert db.session.query(ComponentProof).one().status.value == "submitted"
    assert db.session.query(ComponentScore).filter_by(mode=M.DIRECT_RECOGNITION).count() == 0

"""A parametric item gives every form numbers of its own, and the sealed key is the one that scores."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from blueprints.models import ExamForm
from blueprints.services import forms, runs, sealing
from exam_delivery.rules.scoring import parse_scoring, score_attempt
from item_templates import registry
from item_templates.canonical import content_from_json
from item_templates.contract import Choice, ItemContent
from kernel.clock import now, today
from kernel.identity.actor import Actor, system_actor
from kernel.profiles.models import RuleProfile
from kernel.uow import unit_of_work
from qbank.models.standards import AssessmentPoint, StandardLevel
from tests.blueprints.bank_cases import Bank, add_items, fill_bank, find_different
from tests.blueprints.conftest import RunFinished
from tests.item_templates.item_contents import example, key_as_response

TYPES = [
    {"type": "single_choice", "count": 8, "score_each": 1},
    {"type": "multiple_choice", "count": 1, "score_each": 2},
    {"type": "parametric", "count": 3, "score_each": 2},
]
SPEC = {"n_items": 12, "total_score": 16, "types": TYPES, "weights": None, "max_per_point": None}
SEVERAL = ItemContent(
    "multiple_choice", "安全用具有（ ）。", tuple(Choice(one, f"用具{one}") for one in "ABCD"), ["A", "B"]
)  # fmt: skip


@pytest.fixture
def bank(organisation: Any) -> Bank:
    """A bank with just three parametric items, so that every form holds the same ones."""
    bank = fill_bank(organisation.organisation_id)
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        level = uow.session.scalars(select(StandardLevel)).one()
        points = uow.session.scalars(select(AssessmentPoint).order_by(AssessmentPoint.full_code)).all()
        add_items(uow, level, [(point, example("parametric")) for point in points[::4]], prefix="P")
        add_items(uow, level, [(points[1], SEVERAL)], prefix="M")
        find_different(uow.session, level.standard_level_id, "P")
    return bank


def sealed(run_finished: RunFinished, assembler: Actor, approver: Actor) -> ExamForm:
    run = run_finished(n_forms=1, **SPEC)
    assert run.status.value in {"optimal", "feasible"}, run.result
    with unit_of_work(assembler) as uow:
        form = runs.accept_run(uow, run.assembly_run_id)[0]
    with unit_of_work(assembler) as uow:
        forms.submit_form(uow, form.exam_form_id)
    with unit_of_work(approver) as uow:
        forms.approve_form(uow, form.exam_form_id)
        forms.seal_form(uow, form.exam_form_id)
    return form


def scoring_of(session: Session, form: ExamForm) -> dict[str, Any]:
    program = system_actor(form.organisation_id)
    return sealing.open_part(session, program, form.exam_form_id, sealing.Part.SCORING)


def computed(scoring: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the slots that came of parametric items, by the item's version: their explanation names the power."""
    return {one["item_version_id"]: one for one in scoring["slots"] if "电炉" in one["content"]["stem"]}


def test_two_forms_carry_different_instances_and_each_is_scored_by_its_own_key(
    bank: Bank, run_finished: RunFinished, assembler: Actor, approver: Actor, session: Session
) -> None:
    first, second = (scoring_of(session, sealed(run_finished, assembler, approver)) for _ in range(2))
    ours, theirs = computed(first), computed(second)
    assert set(ours) == set(theirs)
    assert len(ours) == 3
    assert [one["content"]["stem"] for one in ours.values()] != [theirs[key]["content"]["stem"] for key in ours]
    for version, slot in ours.items():
        content = content_from_json(slot["content"])
        assert content.type == "single_choice"
        assert content.parameters == {}
        assert content == registry.get("parametric").freeze(example("parametric"), slot["seed"])[0]
        assert slot["seed"] != theirs[version]["seed"]
    answers = {one["slot"]: json.dumps(key_as_response(content_from_json(one["content"]))) for one in ours.values()}
    result = score_attempt(parse_scoring(first), answers, {})
    assert [one.score for one in result.slots if one.slot in answers] == [Decimal(2)] * 3


def test_multiple_choice_is_scored_by_the_organisation_where_the_item_says_nothing(
    bank: Bank, run_finished: RunFinished, assembler: Actor, approver: Actor, session: Session
) -> None:
    plain = scoring_of(session, sealed(run_finished, assembler, approver))
    rules = {"blueprints.multiple_choice_method": "少选按选对的个数给分"}
    with unit_of_work(system_actor(bank.organisation_id)) as uow:
        uow.add(
            RuleProfile(
                organisation_id=bank.organisation_id, number=1, effective_on=today(), overrides=rules, note="",
                created_at=now(),
            )
        )  # fmt: skip
    ruled = scoring_of(session, sealed(run_finished, assembler, approver))
    for scoring, score in ((plain, 0), (ruled, 1)):
        (slot,) = [one["slot"] for one in scoring["slots"] if one["content"]["type"] == "multiple_choice"]
        result = score_attempt(parse_scoring(scoring), {slot: '["A"]'}, {})
        assert [one.score for one in result.slots if one.slot == slot] == [score]

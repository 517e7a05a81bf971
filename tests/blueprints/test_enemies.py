"""Items that a person set as enemies never meet in an assembled form."""

from __future__ import annotations

import itertools

import pytest

from kernel import profiles
from kernel.clock import now, today
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank import public
from qbank.models.curation import ItemPair
from qbank.models.items import Item
from qbank.rules.pairs import PairOrigin, PairState
from qbank.services import duplicates


def test_a_form_holds_at_most_one_of_a_group_of_enemies(session, bank, make_actor, run_finished):
    editor = make_actor(Role.EDITOR)
    group = session.query(Item).filter_by(type="single_choice").order_by(Item.code).limit(12).all()
    with unit_of_work(editor) as uow:
        for one, other in itertools.pairwise(group):
            duplicates.add_enemies(uow, one.item_id, other.code, is_transitive=True)
    run = run_finished(n_forms=2, max_overlap=None)
    assert run.result is not None
    chosen = [{item["id"] for item in form["items"]} for form in run.result["forms"]]
    enemies = {str(item.item_id) for item in group}
    assert [len(form) for form in chosen] == [20, 20]
    assert all(len(form & enemies) <= 1 for form in chosen)


def suspect(bank, pair, state=PairState.OPEN, origin=PairOrigin.NEAR):
    first, second = sorted(item.item_id for item in pair)
    return ItemPair(
        organisation_id=bank.organisation_id, standard_level_id=bank.standard_level_id, first_item_id=first,
        second_item_id=second, state=state, origin=origin, similarity=92, created_at=now(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "meets"),
    [
        ((PairState.OPEN, PairOrigin.NEAR), False),
        ((PairState.OPEN, PairOrigin.CLUE), False),
        ((PairState.DUPLICATE, PairOrigin.EXACT), False),
        ((PairState.OPEN, PairOrigin.SAME_POINT), True),
        ((PairState.DIFFERENT, PairOrigin.NEAR), True),
    ],
)
def test_near_copies_stay_apart_until_somebody_finds_them_to_differ(session, bank, assembler, kind, meets):
    one, other = session.query(Item).order_by(Item.code).limit(2).all()
    session.add(suspect(bank, (one, other), *kind))
    session.commit()
    pool = {entry.item_id: entry for entry in public.load_pool(session, assembler, bank.standard_level_id)}
    assert (other.item_id not in pool[one.item_id].enemies) is meets


def test_a_draw_takes_one_of_a_group_of_near_copies_unless_the_rules_say_otherwise(
    session, bank, make_actor, assembler, run_finished
):
    group = session.query(Item).filter_by(type="single_choice").order_by(Item.code).limit(9).all()
    session.add_all(suspect(bank, pair) for pair in itertools.combinations(group, 2))
    session.commit()
    names = {str(item.item_id) for item in group}
    run = run_finished(n_forms=2, max_overlap=None)
    assert all(len(names & {item["id"] for item in form["items"]}) <= 1 for form in run.result["forms"])
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        profiles.publish(uow, {"qbank.pairs.keep_open_apart": False}, effective_on=today())
    pool = public.load_pool(session, assembler, bank.standard_level_id)
    assert not any(entry.enemies for entry in pool)

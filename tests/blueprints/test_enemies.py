"""Items that a person set as enemies never meet in an assembled form."""

from __future__ import annotations

import itertools

from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank.models.items import Item
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

"""An item form that was open while the standard changed: a clear message, and nothing typed is lost."""

from __future__ import annotations

import re
from datetime import date

import pytest
from sqlalchemy import select

from kernel.identity.actor import Actor, permissions_of
from kernel.identity.permissions import Role
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from qbank.models.items import Item
from qbank.models.standards import AssessmentPoint, StandardLevel
from qbank.repository import editions as repository
from qbank.services import edition_apply, edition_copy, editions, outlines
from tests.factories.standards import make_level
from tests.qbank.item_bank import POINT, make_draft, point_id, submit

TYPED = {
    "stem": "保险丝熔断后应换（　）的熔体。", "choice": ["铜丝", "同规格", "更大", ""], "choice_id": ["A", "B", "C", "D"],
    "key": "B", "explanation": "我写的解析", "score": "1", "difficulty": "4", "source": "教材", "act": "save",
}  # fmt: skip


@pytest.fixture
def user(make_user):
    return make_user(Role.EDITOR)


@pytest.fixture
def editor(user):
    return Actor(user.user_id, user.organisation_id, user.name, permissions_of([Role.EDITOR]), frozenset({Role.EDITOR}))


@pytest.fixture
def client(sign_in, user):
    return sign_in(user=user)


@pytest.fixture
def old(organisation):
    return make_level(organisation.organisation_id)


@pytest.fixture
def replace_edition(session, editor, old):
    """Give a function that puts a new edition in the place of the old one; its first point has another code."""

    def act() -> StandardLevel:
        with unit_of_work(editor) as uow:
            edition = edition_copy.copy_edition(
                uow, old.standard_edition_id, label="新版", effective_on=date(2026, 1, 1)
            )
        query = select(StandardLevel).where(StandardLevel.standard_edition_id == edition.standard_edition_id)
        new = session.scalars(query).one()
        with unit_of_work(editor) as uow:
            point = uow.session.get(AssessmentPoint, point_id(new.standard_level_id, POINT))
            outlines.update_point(
                uow, point.assessment_point_id, outlines.PointData(point.name, "901", point.importance)
            )
            outlines.publish_outline(uow, new.standard_level_id)
        with unit_of_work(editor) as uow:
            row = editions.create_migration(uow, old_level_id=old.standard_level_id, new_level_id=new.standard_level_id)
            editions.accept(uow, row.outline_migration_id)
        with unit_of_work(editor) as uow:
            edition_apply.start_apply(uow, row.outline_migration_id)
        run_job(repository.get_migration(session, row.outline_migration_id, actor=editor).job_id)
        session.expire_all()
        return new

    return act


def hidden(page) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(edition|version)" value="([^"]*)"', page.text))


def points_in(page) -> list[str]:
    return [text for text in re.findall(r'name="points"[^>]* value="([^"]*)"', page.text) if text]


def test_an_item_that_moved_while_it_was_edited_comes_back_with_its_new_points(
    session, client, editor, old, replace_edition
):
    item = make_draft(editor, old.standard_level_id)
    address = f"/items/{item.item_id}/edit"
    opened = client.get(address)
    new = replace_edition()
    typed = TYPED | {"points": [POINT]}
    answer = client.post(address, data=typed | hidden(opened))
    assert answer.status_code == 409
    assert "已随标准换版转到" in answer.text
    assert "我写的解析" in answer.text
    assert [text.split()[0] for text in points_in(answer)] == ["A-A-A-901"]
    assert session.get(Item, item.item_id).n_versions == 1
    saved = client.post(address, data=TYPED | hidden(answer) | {"points": points_in(answer)})
    assert saved.status_code == 303
    session.expire_all()
    kept = session.get(Item, item.item_id)
    assert (kept.n_versions, kept.standard_level_id, kept.difficulty) == (2, new.standard_level_id, 4)


def test_who_edited_meanwhile_besides_the_move_is_still_noticed(client, editor, old, replace_edition):
    item = make_draft(editor, old.standard_level_id)
    address = f"/items/{item.item_id}/edit"
    opened = hidden(client.get(address))
    replace_edition()
    moved = client.post(address, data=TYPED | {"points": [POINT]} | opened)
    other = client.post(address, data=TYPED | {"stem": "他人改的（　）。", "points": points_in(moved)} | hidden(moved))
    assert other.status_code == 303
    late = client.post(address, data=TYPED | {"points": [POINT]} | opened)
    again = client.post(address, data=TYPED | {"points": points_in(late)} | hidden(late))
    assert (again.status_code, "刚被他人修改过" in again.text) == (409, True)


def test_a_new_item_is_told_that_its_edition_was_replaced_and_can_go_on_in_the_new_one(
    session, client, old, replace_edition
):
    address = f"/items/new?type=single_choice&level={old.standard_level_id}"
    opened = client.get(address)
    assert "由“新版”代替" not in opened.text
    new = replace_edition()
    typed = TYPED | {"points": [POINT]}
    answer = client.post(address, data=typed | hidden(opened))
    assert answer.status_code == 409
    assert "由“新版”代替" in answer.text
    assert "我写的解析" in answer.text
    assert session.scalars(select(Item)).all() == []
    there = re.search(r'formaction="([^"]+)"', answer.text)[1].replace("&amp;", "&")
    carried = client.post(there, data=typed | hidden(answer) | {"act": "edition"})
    assert "我写的解析" in carried.text
    assert "由“新版”代替" not in carried.text
    saved = client.post(there, data=typed | hidden(carried) | {"points": ["A-A-A-901"]})
    assert saved.status_code == 303
    assert session.scalars(select(Item)).one().standard_level_id == new.standard_level_id


def test_who_insists_saves_in_the_edition_that_is_out_of_force(session, client, old, replace_edition):
    address = f"/items/new?type=single_choice&level={old.standard_level_id}"
    opened = client.get(address)
    replace_edition()
    typed = TYPED | {"points": [POINT]}
    told = client.post(address, data=typed | hidden(opened))
    assert client.post(address, data=typed | hidden(told)).status_code == 303
    assert session.scalars(select(Item)).one().standard_level_id == old.standard_level_id


def test_what_was_typed_survives_that_somebody_submitted_the_item_meanwhile(client, editor, old):
    item = make_draft(editor, old.standard_level_id)
    address = f"/items/{item.item_id}/edit"
    opened = client.get(address)
    submit(editor, item)
    answer = client.post(address, data=TYPED | {"points": [POINT]} | hidden(opened))
    assert answer.status_code == 409
    assert "请先撤回" in answer.text
    assert "我写的解析" in answer.text

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from item_templates.contract import ItemContent
from kernel import audit
from kernel.clock import now, today
from kernel.errors import ConflictError, ForbiddenError, IllegalTransitionError, InvalidInputError, NotFoundError
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank import public
from qbank.repository import items as repository
from qbank.repository.items import ItemFilter
from qbank.rules.items import ChangeKind, ItemStatus
from qbank.services import items
from tests.factories.standards import make_level
from tests.qbank.item_bank import approve, choice, make_draft, picture, point_id, submit


@pytest.fixture
def level_id(organisation):
    return make_level(organisation.organisation_id).standard_level_id


@pytest.fixture
def author(make_actor):
    return make_actor(Role.AUTHOR)


@pytest.fixture
def reviewers(make_actor):
    return [make_actor(Role.REVIEWER) for _ in range(3)]


def find(session, actor, **wanted):
    return {row.item.code for row in repository.list_items(session, actor=actor, wanted=ItemFilter(**wanted))[0]}


def test_codes_run_on_within_occupation_and_level(author, level_id):
    codes = [make_draft(author, level_id, choice(f"第 {n} 题（　）。")).code for n in range(3)]
    assert codes == ["6-31-01-03-4-000001", "6-31-01-03-4-000002", "6-31-01-03-4-000003"]


def test_an_item_of_another_organisation_does_not_exist(session, author, level_id, make_actor, other_organisation):
    item = make_draft(author, level_id)
    stranger = make_actor(Role.EDITOR, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError):
        repository.get_item(session, item.item_id, actor=stranger)
    assert find(session, stranger) == set()
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        items.retire_items(uow, [item.item_id], reason="x")
    with pytest.raises(NotFoundError):
        public.load_contents(session, stranger, [item.current_version_id])
    assert public.load_pool(session, stranger, level_id) == []


def test_an_author_sees_only_items_of_their_own(session, author, level_id, make_actor):
    item = make_draft(author, level_id)
    other = make_actor(Role.AUTHOR)
    assert find(session, author) == {item.code}
    assert find(session, other) == set()
    with pytest.raises(NotFoundError):
        repository.get_item(session, item.item_id, actor=other)
    assert find(session, make_actor(Role.REVIEWER)) == {item.code}


def test_the_database_itself_refuses_to_change_or_delete_a_version(session, author, level_id):
    item = make_draft(author, level_id)
    for statement in ("UPDATE item_versions SET number = 7", "DELETE FROM item_versions", "DELETE FROM item_points"):
        with pytest.raises(DatabaseError, match="append-only"), session.begin_nested():
            session.execute(text(statement))
    assert repository.get_versions(session, [item.current_version_id])[item.current_version_id].number == 1


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda c: replace(c, stem="熔丝熔断后应更换（　）的熔体。"), ChangeKind.WORDING),
        (lambda c: replace(c, key="C"), ChangeKind.SUBSTANCE),
    ],
)
def test_a_revision_is_a_new_version_that_knows_what_kind_of_change_it_is(author, level_id, change, kind):
    item = make_draft(author, level_id)
    with unit_of_work(author) as uow:
        version = items.update_item(
            uow, item.item_id, version=item.version, content=change(choice()),
            point_ids=[point_id(level_id)], difficulty=3,
        )  # fmt: skip
    assert (version.number, version.change_kind) == (2, kind)
    assert item.current_version_id == version.item_version_id


def test_saving_without_a_change_makes_no_version(author, level_id):
    item = make_draft(author, level_id)
    same = {"content": choice(), "point_ids": [point_id(level_id)]}
    with unit_of_work(author) as uow:
        assert items.update_item(uow, item.item_id, version=item.version, difficulty=3, **same) is None
    with unit_of_work(author) as uow:
        harder = items.update_item(uow, item.item_id, version=item.version, difficulty=4, **same)
    assert harder.change_kind is ChangeKind.DESCRIPTION
    assert item.n_versions == 2


def test_an_approved_version_stays_in_use_until_its_revision_is_approved(session, author, level_id, reviewers):
    item = make_draft(author, level_id)
    submit(author, item)
    approve(item, reviewers)
    first = item.current_version_id
    with unit_of_work(author) as uow:
        items.update_item(
            uow, item.item_id, version=item.version, content=choice("熔体熔断后应更换（　）。"),
            point_ids=[point_id(level_id)], difficulty=3,
        )  # fmt: skip
    assert item.status is ItemStatus.DRAFT
    assert item.has_revision
    pool = public.load_pool(session, reviewers[0], level_id)
    assert [entry.item_version_id for entry in pool] == [first]
    submit(author, item)
    approve(item, reviewers)
    pool = public.load_pool(session, reviewers[0], level_id)
    assert [entry.item_version_id for entry in pool] == [item.current_version_id] != [first]


def test_an_item_in_review_cannot_be_changed(author, level_id):
    item = make_draft(author, level_id)
    submit(author, item)
    with pytest.raises(ConflictError, match="正在审核"), unit_of_work(author) as uow:
        items.update_item(uow, item.item_id, version=item.version, content=choice("新题干（　）。"))


def test_search_finds_one_and_two_chinese_characters_and_takes_wildcards_literally(session, author, level_id):
    wire = make_draft(author, level_id, choice("电缆的型号是（　）。"))
    share = make_draft(author, level_id, choice("利用率为 50% 时应（　）。"))
    assert find(session, author, search="缆") == {wire.code}
    assert find(session, author, search="型号") == {wire.code}
    assert find(session, author, search="%") == {share.code}
    assert find(session, author, search="＿") == set()
    assert find(session, author, search="铁丝 电缆") == {wire.code}
    assert find(session, author, search=share.code[-6:]) == {share.code}


def test_a_scope_code_finds_everything_below_it(session, author, level_id):
    moral = make_draft(author, level_id, choice("甲（　）。"))
    basic = make_draft(author, level_id, choice("乙（　）。"), point_ids=[point_id(level_id, "A-B-A-002")])
    assert find(session, author, scope="A") == {moral.code, basic.code}
    assert find(session, author, scope="a-b") == {basic.code}
    assert find(session, author, scope="A-B-A-002") == {basic.code}
    assert find(session, author, scope="职业守则") == {moral.code}
    assert find(session, author, scope="A-") == set()


def test_a_point_of_another_level_is_refused(author, level_id, organisation):
    other = make_level(organisation.organisation_id, level_code="3", code="OTHER")
    with pytest.raises(NotFoundError, match="细目表"):
        make_draft(author, level_id, point_ids=[point_id(other.standard_level_id)])


def test_retiring_needs_a_reason_and_takes_the_item_out_of_the_pool(session, author, level_id, reviewers, make_actor):
    item, editor = make_draft(author, level_id), make_actor(Role.EDITOR)
    submit(author, item)
    approve(item, reviewers)
    assert len(public.load_pool(session, editor, level_id)) == 1
    with pytest.raises(InvalidInputError), unit_of_work(editor) as uow:
        items.retire_items(uow, [item.item_id], reason="  ")
    with unit_of_work(editor) as uow:
        items.retire_items(uow, [item.item_id], reason="标准已废止")
    assert public.load_pool(session, editor, level_id) == []
    with unit_of_work(editor) as uow:
        items.restore_item(uow, item.item_id)
    assert (item.status, item.approved_version_id) == (ItemStatus.DRAFT, None)


def test_only_drafts_that_were_never_approved_can_be_thrown_away(session, author, level_id):
    draft, waiting = (
        make_draft(author, level_id, choice("甲（　）。")),
        make_draft(author, level_id, choice("乙（　）。")),
    )
    submit(author, waiting)
    with pytest.raises(ConflictError), unit_of_work(author) as uow:
        items.remove_draft(uow, waiting.item_id)
    with unit_of_work(author) as uow:
        items.remove_draft(uow, draft.item_id)
    assert find(session, author) == {waiting.code}
    assert make_draft(author, level_id, choice("丙（　）。")).code.endswith("000003")


def test_a_copy_is_a_draft_of_the_person_who_copied(author, level_id, make_actor):
    item, editor = make_draft(author, level_id), make_actor(Role.EDITOR)
    with unit_of_work(editor) as uow:
        copy = items.copy_item(uow, item.item_id)
    assert (copy.author_id, copy.status) == (editor.user_id, ItemStatus.DRAFT)
    assert copy.content_digest == item.content_digest
    assert copy.code != item.code


def test_states_that_do_not_follow_each_other_are_refused(author, level_id, make_actor):
    item, editor = make_draft(author, level_id), make_actor(Role.EDITOR)
    with unit_of_work(editor) as uow:
        items.retire_items(uow, [item.item_id], reason="重复")
    with pytest.raises(IllegalTransitionError), unit_of_work(editor) as uow:
        items.retire_items(uow, [item.item_id], reason="重复")


def test_the_pool_and_contents_say_what_assembly_and_sealing_need(session, author, level_id, reviewers):
    item = make_draft(author, level_id, difficulty=None)
    submit(author, item)
    approve(item, reviewers)
    (entry,) = public.load_pool(session, reviewers[0], level_id)
    assert (entry.point, entry.importance.value, entry.difficulty, str(entry.score)) == ("A-A-A-001", "X", 3, "1")
    (frozen,) = public.load_contents(session, reviewers[0], [entry.item_version_id]).values()
    assert (frozen.content, frozen.points, frozen.author_id) == (choice(), ("A-A-A-001",), author.user_id)
    assert public.get_level(session, reviewers[0], level_id).n_approved_items == 1


def test_use_is_counted_inside_the_walls_alone(session, author, level_id, make_actor, other_organisation):
    item = make_draft(author, level_id)
    stranger = system_actor(other_organisation.organisation_id)
    with unit_of_work(stranger) as uow:
        assert public.record_use(uow, [item.item_id], used_at=now()) == 0
    with unit_of_work(system_actor(author.organisation_id)) as uow:
        assert public.record_use(uow, [item.item_id, item.item_id], used_at=now()) == 1
    session.refresh(item)
    assert (item.n_used, item.last_used_on) == (1, today())


def test_an_item_used_after_midnight_in_china_was_used_on_the_new_day(session, author, level_id):
    item = make_draft(author, level_id)
    with unit_of_work(system_actor(author.organisation_id)) as uow:
        public.record_use(uow, [item.item_id], used_at=datetime(2026, 12, 31, 16, 30, tzinfo=UTC))
    session.refresh(item)
    assert item.last_used_on == date(2027, 1, 1)


def test_points_that_items_ask_for_cannot_be_deleted(author, level_id, make_actor):
    from qbank.services import outlines

    make_draft(author, level_id)
    editor = make_actor(Role.EDITOR)
    with unit_of_work(editor) as uow:
        outlines.withdraw_outline(uow, level_id)
    with pytest.raises(ConflictError, match="试题"), unit_of_work(editor) as uow:
        outlines.delete_point(uow, point_id(level_id))


def test_an_assembler_may_not_write(make_actor, level_id):
    with pytest.raises(ForbiddenError):
        make_draft(make_actor(Role.ASSEMBLER), level_id)


def test_every_act_is_in_a_whole_audit_chain_without_item_texts(session, author, level_id, reviewers):
    from kernel.audit.models import AuditEvent

    item = make_draft(author, level_id)
    submit(author, item)
    approve(item, reviewers)
    events = session.query(AuditEvent).order_by(AuditEvent.seq).all()
    acts = [event.act for event in events if event.object_id == str(item.item_id)]
    assert acts == ["item.create", "item.submit", *["item.review"] * 3, "item.approve"]
    assert "保险丝" not in "".join(str(event.details) for event in events)
    assert audit.verify(session).broken is None


def test_pictures_are_kept_without_metadata_and_encoding_twice_changes_nothing():
    from qbank.services.media import clean_picture

    for fmt in ("PNG", "JPEG", "GIF", "WEBP", "BMP"):
        once = clean_picture(picture(fmt=fmt))
        assert clean_picture(once.data) == once
        assert once.mime in {"image/png", "image/jpeg"}
    tall = clean_picture(picture(size=(100, 5000)))
    assert max(tall.width, tall.height) == 2400


@pytest.mark.parametrize("data", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x89PNG\r\n\x1a\nbroken", b"GIF89a"])
def test_what_is_no_picture_is_refused(data):
    from qbank.services.media import clean_picture

    with pytest.raises(InvalidInputError, match="不是可用的图片"):
        clean_picture(data)


def test_a_jpeg_with_a_script_in_its_comment_loses_it():
    from qbank.services.media import clean_picture

    plain = picture(fmt="JPEG")
    comment = b"<script>alert(1)</script>"
    laden = plain[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + plain[2:]
    assert comment not in clean_picture(laden).data
    assert comment not in clean_picture(plain + comment).data


def test_a_picture_nobody_uploaded_is_named_as_missing(session, author, level_id, organisation):
    from qbank.services.media import with_known_media

    content = ItemContent("true_false", f'看图判断。<img src="media:{"0" * 64}" alt="图">', key=True)
    known = with_known_media(session, content, organisation_id=organisation.organisation_id)
    item = make_draft(author, level_id, known)
    assert "不在本题的附件中" in submit(author, item).refused[0].message

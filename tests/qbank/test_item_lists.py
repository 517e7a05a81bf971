"""Finding items: Chinese words of any length, filters, places in a list, views, tags, acts on many."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import text

from item_templates.contract import ItemContent
from kernel.clock import today
from kernel.errors import ForbiddenError, InvalidInputError
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank.models.curation import ItemSearch, ItemStatistics, ItemTag
from qbank.models.items import Item
from qbank.public import StatisticsRow, load_statistics, record_statistics
from qbank.repository import curation as views
from qbank.repository import item_lists, item_search
from qbank.repository.items import ItemFilter, ItemSort
from qbank.rules.bulk import BulkAct
from qbank.rules.item_flags import ItemFlag
from qbank.rules.items import ItemStatus
from qbank.rules.review import Decision
from qbank.services import bulk, curation, items, reviews
from qbank.services.bulk import BulkRequest
from tests.factories.standards import make_level
from tests.qbank.item_bank import approve, choice, make_draft, submit


@pytest.fixture
def level_id(organisation):
    return make_level(organisation.organisation_id).standard_level_id


@pytest.fixture
def editor(make_actor):
    return make_actor(Role.EDITOR)


def judged(stem: str) -> ItemContent:
    return ItemContent("true_false", stem, key=True)


def found(session, actor, search: str = "", **narrowed) -> list[str]:
    page = item_lists.list_page(session, actor=actor, wanted=ItemFilter(search=search, **narrowed))
    return [row.content["stem"] for row in page.rows]


PUMP = "离心泵启动前应关闭出口阀。"
DRIVE = "变频器的输入电压为 1.5 kV（ＰＬＣ控制）。"
RARE = "𠮷字与 é 也要找得到。"


@pytest.fixture
def three(editor, level_id):
    return [make_draft(editor, level_id, judged(stem)) for stem in (PUMP, DRIVE, RARE)]


@pytest.mark.parametrize(
    ("search", "stems"),
    [
        ("泵", [PUMP]),
        ("变频", [DRIVE]),
        ("变频器的输入", [DRIVE]),
        ("离心泵启动前应关闭出口阀", [PUMP]),
        ("plc", [DRIVE]),
        ("ＰＬ", [DRIVE]),
        ("1.5", [DRIVE]),
        ("1.6", []),
        ("变频 电压", [DRIVE]),
        ("变频 出口", []),
        ("频变", []),
        ("𠮷", [RARE]),
        ("é", [RARE]),
        ("%", []),
        ('"', []),
        ("前应", [PUMP]),
    ],
)
def test_any_run_of_characters_is_found(session, editor, three, search, stems):
    assert found(session, editor, search) == stems


def test_an_item_is_found_by_its_code_and_its_end(session, editor, three):
    assert found(session, editor, three[1].code) == [DRIVE]
    assert found(session, editor, three[1].code[-6:]) == [DRIVE]


def test_the_index_follows_a_revision(session, editor, three):
    with unit_of_work(editor) as uow:
        items.update_item(uow, three[0].item_id, version=three[0].version, content=judged("齿轮泵用作加药。"))
    assert found(session, editor, "离心") == []
    assert found(session, editor, "齿轮") == ["齿轮泵用作加药。"]
    assert session.query(ItemSearch).count() == 3


def test_an_item_that_the_index_lacks_is_indexed_when_it_is_saved(session, editor, three):
    with unit_of_work(editor) as uow:
        row = uow.session.query(ItemSearch).filter_by(item_id=three[0].item_id).one()
        uow.session.delete(row)
    assert found(session, editor, "离心泵") == []
    with unit_of_work(editor) as uow:
        items.update_item(uow, three[0].item_id, version=three[0].version, content=judged("离心泵不得空转。"))
    assert found(session, editor, "离心泵") == ["离心泵不得空转。"]


@pytest.mark.parametrize("most", [0, 1, 1000])
def test_many_matches_are_found_like_few(session, editor, three, monkeypatch, most):
    monkeypatch.setattr(item_search, "FEW_MATCHES", 0)
    monkeypatch.setattr(item_search, "MANY_MATCHES", most + 1)
    make_draft(editor, three[0].standard_level_id, judged("阀门关闭后挂牌。"))
    assert sorted(found(session, editor, "关闭")) == sorted([PUMP, "阀门关闭后挂牌。"])


def test_others_see_nothing_of_it(session, make_actor, other_organisation, three):
    stranger = make_actor(Role.EDITOR, organisation_id=other_organisation.organisation_id)
    assert found(session, stranger, "泵") == []


@pytest.mark.parametrize("sort", list(ItemSort))
def test_pages_follow_each_other_forth_and_back_in_every_order(session, editor, level_id, sort):
    for n in range(7):
        make_draft(editor, level_id, choice(f"第 {n} 题（　）。"), difficulty=None if n == 3 else 1 + n % 3)
    wanted = ItemFilter(sort=sort, is_descending=sort is not ItemSort.CODE)
    pages, cursor = [], ""
    while True:
        page = item_lists.list_page(session, actor=editor, wanted=wanted, cursor=cursor, per_page=3)
        pages.append([row.item.item_id for row in page.rows])
        if not page.next_cursor:
            break
        cursor = page.next_cursor
    assert [len(one) for one in pages] == [3, 3, 1]
    assert len({key for one in pages for key in one}) == 7
    back = item_lists.list_page(session, actor=editor, wanted=wanted, cursor=page.previous_cursor, per_page=3)
    assert [row.item.item_id for row in back.rows] == pages[1]
    assert back.next_cursor
    first = item_lists.list_page(session, actor=editor, wanted=wanted, cursor=back.previous_cursor, per_page=3)
    assert [row.item.item_id for row in first.rows] == pages[0]
    assert first.previous_cursor == ""


def test_a_place_that_makes_no_sense_shows_the_first_page(session, editor, three):
    page = item_lists.list_page(session, actor=editor, wanted=ItemFilter(), cursor="nonsense!")
    assert len(page.rows) == 3


def test_filters_narrow_by_tag_flag_use_and_statistics(session, editor, three):
    pump, drive, rare = three
    with unit_of_work(editor) as uow:
        curation.add_tag(uow, [pump.item_id, drive.item_id], "2026年赛题")
        items.record_use(uow, [pump.item_id], used_at=date(2026, 5, 1))
        row = StatisticsRow(drive.current_version_id, "2026年第1批", 120, date(2026, 6, 1), 0.62, 0.31)
        assert record_statistics(uow, [row]) == 1
    with unit_of_work(editor) as uow:
        items.update_item(uow, rare.item_id, version=rare.version, content=judged(RARE), point_ids=[], difficulty=None)
    assert sorted(found(session, editor, tag="2026年赛题")) == sorted([PUMP, DRIVE])
    assert found(session, editor, used_since=date(2026, 1, 1)) == [PUMP]
    assert found(session, editor, used_since=date(2026, 6, 1)) == []
    assert found(session, editor, has_statistics=True) == [DRIVE]
    assert found(session, editor, flag=ItemFlag.NO_DIFFICULTY) == [RARE]
    assert found(session, editor, flag=ItemFlag.NO_POINT) == [RARE]
    assert sorted(found(session, editor, flag=ItemFlag.NEVER_USED)) == sorted([DRIVE, RARE])
    assert found(session, editor, flag=ItemFlag.REVISION) == []
    assert sorted(found(session, editor, scope="A-A")) == sorted([PUMP, DRIVE])


def test_statistics_of_the_same_source_are_replaced_and_those_of_others_refused(
    session, editor, make_actor, other_organisation, three
):
    version_id = three[0].current_version_id
    for share in (0.5, 0.7):
        with unit_of_work(editor) as uow:
            record_statistics(uow, [StatisticsRow(version_id, "批次一", 80, date(2026, 6, 1), share, None)])
    assert [row.proportion_correct for row in session.query(ItemStatistics)] == [0.7]
    assert load_statistics(session, editor, [three[0].item_id])[three[0].item_id].n == 80
    stranger = make_actor(Role.EDITOR, organisation_id=other_organisation.organisation_id)
    with unit_of_work(stranger) as uow:
        assert record_statistics(uow, [StatisticsRow(version_id, "x", 1, date(2026, 6, 1))]) == 0
    assert load_statistics(session, stranger, [three[0].item_id]) == {}


def test_a_tag_is_put_on_once_and_taken_off(session, editor, three):
    with unit_of_work(editor) as uow:
        assert curation.add_tag(uow, [three[0].item_id], "重点") == 1
    with unit_of_work(editor) as uow:
        assert curation.add_tag(uow, [one.item_id for one in three], "重点") == 2
    assert views.list_tags(session, actor=editor) == [("重点", 3)]
    with unit_of_work(editor) as uow:
        assert curation.remove_tag(uow, [three[0].item_id], "重点") == 1
    assert session.query(ItemTag).count() == 2
    with pytest.raises(InvalidInputError), unit_of_work(editor) as uow:
        curation.add_tag(uow, [three[0].item_id], "两个 词")


def request_for(act: BulkAct, *chosen: Item, **kwargs) -> BulkRequest:
    return BulkRequest(act, tuple(item.item_id for item in chosen), **kwargs)


def test_moving_items_to_a_point_makes_versions_and_names_those_that_cannot_move(
    session, editor, make_actor, level_id, three
):
    reviewers = [make_actor(Role.REVIEWER) for _ in range(3)]
    pump, drive, waiting = three
    submit(editor, drive)
    approve(drive, reviewers)
    submit(editor, waiting)
    wanted = request_for(BulkAct.POINT, pump, drive, waiting, point="a-a-a-002")
    lines = bulk.plan(session, editor, wanted)
    assert [line.is_refused for line in lines] == [False, False, True]
    with unit_of_work(editor) as uow:
        result = bulk.carry_out(uow, wanted)
    assert (result.n_done, [line.item.code for line in result.refused]) == (2, [waiting.code])
    for item in (pump, drive):
        session.refresh(item)
        assert (item.n_versions, item.status) == (2, ItemStatus.DRAFT)
    assert found(session, editor, scope="A-A-A-002") == [PUMP, DRIVE] or found(session, editor, scope="A-A-A-002") == [
        DRIVE,
        PUMP,
    ]
    again = bulk.plan(session, editor, wanted)
    assert [line.refusal for line in again][:2] == ["已在这个鉴定点"] * 2


def test_a_difficulty_is_set_where_it_differs(session, editor, three):
    wanted = request_for(BulkAct.DIFFICULTY, *three, difficulty=5)
    with unit_of_work(editor) as uow:
        assert bulk.carry_out(uow, wanted).n_done == 3
    assert {line.refusal for line in bulk.plan(session, editor, wanted)} == {"已是这个难度"}


@pytest.mark.parametrize("act", [BulkAct.RETIRE, BulkAct.POINT, BulkAct.DIFFICULTY, BulkAct.TAG])
def test_an_act_that_lacks_what_it_needs_is_refused(session, editor, three, act):
    with pytest.raises(InvalidInputError):
        bulk.plan(session, editor, request_for(act, *three))


def test_an_author_may_not_retire(session, make_actor, level_id):
    author = make_actor(Role.AUTHOR)
    draft = make_draft(author, level_id)
    with pytest.raises(ForbiddenError):
        bulk.plan(session, author, request_for(BulkAct.RETIRE, draft, reason="旧"))


def test_in_the_browser_a_view_is_kept_and_a_selection_is_tagged_after_a_preview(session, sign_in, make_user, level_id):
    from kernel.identity.actor import Actor, permissions_of

    user = make_user(Role.EDITOR)
    actor = Actor(
        user.user_id, user.organisation_id, user.name, permissions_of([Role.EDITOR]), frozenset({Role.EDITOR})
    )
    client = sign_in(user=user)
    drafts = [
        make_draft(actor, level_id, judged(f"{stem}（{today().year}）")) for stem in ("甲阀门", "乙阀门", "丙水泵")
    ]
    kept = {"name": "阀门题", "shared": "1", "back": "/items/?q=阀&sort=code"}
    saved = client.post("/lists/items/views", data=kept)
    assert saved.status_code == 303
    page = client.get("/items/?q=阀").text
    assert "阀门题" in page
    assert "共 2 条" in page
    chosen = {"act": "tag", "whole": "1", "selected": [str(drafts[0].item_id)]}
    first = client.post("/items/bulk?q=阀", data=chosen)
    assert first.status_code == 200
    assert "已选 2 题" in first.text
    asked = chosen | {
        "whole": "",
        "selected": [str(one.item_id) for one in drafts[:2]],
        "tag": "阀门",
        "step": "preview",
    }
    shown = client.post("/items/bulk/do", data=asked)
    assert "加上标签“阀门”" in shown.text
    done = client.post("/items/bulk/do", data=asked | {"step": "do"}, follow_redirects=True)
    assert "加标签：完成 2 题" in done.text
    assert "共 2 条" in client.get("/items/?tag=阀门").text
    exported = client.post("/items/export", data={"format": "json", "selected": [str(drafts[2].item_id)]})
    assert "丙水泵" in exported.text
    assert "甲阀门" not in exported.text


def test_sqlite_keeps_one_entry_an_item(session, editor, three):
    if session.get_bind().dialect.name == "sqlite":
        assert session.scalar(text("SELECT count(*) FROM item_search_fts")) == 3


def test_what_was_returned_to_its_author_is_found_by_that_alone(session, editor, make_actor, three):
    submit(editor, three[0])
    with unit_of_work(make_actor(Role.REVIEWER)) as uow:
        reviews.decide(
            uow, three[0].item_id, item_version_id=three[0].current_version_id, decision=Decision.RETURN,
            comment="选项与题干重复，请改写",
        )  # fmt: skip
    session.expire_all()
    assert found(session, editor, is_returned=True) == [PUMP]
    assert len(found(session, editor)) == 3

from __future__ import annotations

import io
import re

import pytest

from kernel.clock import now
from kernel.errors import NotFoundError
from kernel.identity.permissions import Role
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from qbank.interchange.convert import write_items
from qbank.models.items import ImportRun, Item
from qbank.repository import items as repository
from qbank.rules.items import ImportState, ItemStatus
from qbank.services import items
from tests.factories.standards import make_level
from tests.qbank.item_bank import approve, choice, counted_queries, make_draft, picture, submit
from tests.qbank.test_imports import canonical

FORM = {
    "stem": "保险丝熔断后应更换（　）的熔体。", "choice": ["铜丝", "同规格", "更大", ""], "choice_id": ["A", "B", "C", "D"],
    "key": "B", "explanation": "应一致", "score": "1", "points": ["A-A-A-001 职业守则要点1", ""], "difficulty": "3",
    "source": "教材", "act": "save",
}  # fmt: skip


@pytest.fixture
def level_id(organisation):
    return make_level(organisation.organisation_id).standard_level_id


@pytest.fixture
def people(make_user, sign_in):
    """Give a user and a client signed in as them."""

    def make(*roles, **kwargs):
        user = make_user(*roles, **kwargs)
        return user, sign_in(user=user)

    return make


@pytest.fixture
def actor_of():
    from kernel.identity.actor import Actor, permissions_of

    def make(user):
        roles = frozenset(role.role for role in user.roles)
        return Actor(user.user_id, user.organisation_id, user.name, permissions_of(roles), roles)

    return make


def new_address(level_id):
    return f"/items/new?type=single_choice&level={level_id}"


def test_an_author_writes_an_item_and_submits_it(session, people, level_id):
    _, client = people(Role.AUTHOR)
    assert "先选标准等级和题型" in client.get("/items/new").text
    assert "鉴定点" in client.get(new_address(level_id)).text
    answer = client.post(new_address(level_id), data=FORM | {"act": "submit"})
    assert answer.status_code == 303, answer.text
    item = session.query(Item).one()
    assert (item.status, item.difficulty, item.source) == (ItemStatus.IN_REVIEW, 3, "教材")
    page = client.get(f"/items/{item.item_id}")
    assert item.code in page.text
    assert "初审" in page.text


def test_faults_stand_beside_their_fields_and_nothing_typed_is_lost(session, people, level_id):
    _, client = people(Role.AUTHOR)
    answer = client.post(new_address(level_id), data=FORM | {"points": ["Z-9"], "key": "", "act": "submit"})
    assert answer.status_code == 422
    assert "细目表中没有鉴定点“Z-9”" in answer.text
    assert 'value="Z-9"' in answer.text
    assert "保险丝熔断后应更换" in answer.text
    assert session.query(Item).count() == 0


def test_a_draft_may_be_saved_with_faults_and_shows_them(session, people, level_id):
    _, client = people(Role.AUTHOR)
    answer = client.post(new_address(level_id), data=FORM | {"key": "", "points": []}, follow_redirects=True)
    assert answer.status_code == 200
    assert session.query(Item).one().status is ItemStatus.DRAFT
    assert "没有选择鉴定点" in answer.text


def test_a_stale_form_answers_409_and_keeps_what_was_typed(session, people, actor_of, level_id):
    user, client = people(Role.AUTHOR)
    item = make_draft(actor_of(user), level_id)
    stale = item.version
    with unit_of_work(actor_of(user)) as uow:
        items.update_item(uow, item.item_id, version=item.version, content=choice("他人先改（　）。"))
    answer = client.post(f"/items/{item.item_id}/edit", data=FORM | {"stem": "我的修改（　）。", "version": stale})
    assert answer.status_code == 409
    assert "我的修改" in answer.text
    assert "刚被他人修改过" in answer.text
    fresh = re.search(r'name="version" value="(\d+)"', answer.text)[1]
    again = client.post(f"/items/{item.item_id}/edit", data=FORM | {"stem": "我的修改（　）。", "version": fresh})
    assert again.status_code == 303
    session.refresh(item)
    assert "我的修改" in item.search_text


def test_the_preview_shows_the_item_as_typed_and_saves_nothing(session, people, level_id):
    _, client = people(Role.AUTHOR)
    answer = client.post(f"/items/preview?type=single_choice&level={level_id}", data=FORM)
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "同规格" in answer.text
    assert session.query(Item).count() == 0
    client.post(new_address(level_id), data=FORM)
    again = client.post(f"/items/preview?type=single_choice&level={level_id}", data=FORM)
    assert "内容完全相同" in again.text


def test_a_picture_is_inserted_and_shown_to_the_own_organisation_alone(people, level_id, other_organisation):
    _, client = people(Role.AUTHOR)
    sent = {"image": (io.BytesIO(picture()), "x.png"), "image_alt": "接线图", "act": "picture"}
    page = client.post(new_address(level_id), data=FORM | sent, content_type="multipart/form-data")
    assert page.status_code == 200
    name = re.search(r"media:([0-9a-f]{64})", page.text)[1]
    shown = client.get(f"/media/{name}")
    assert (shown.status_code, shown.mimetype) == (200, "image/png")
    _, stranger = people(Role.AUTHOR, organisation_id=other_organisation.organisation_id)
    assert stranger.get(f"/media/{name}").status_code == 404
    refused = client.post("/items/pictures", data={"image": (io.BytesIO(b"<svg/>"), "x.svg")})
    assert refused.status_code == 422


def test_an_editor_finds_filters_and_pages_with_few_queries(people, actor_of, level_id):
    user, client = people(Role.EDITOR)
    for n in range(60):
        make_draft(actor_of(user), level_id, choice(f"第 {n} 题（　）。"))
    client.get("/items/")
    with counted_queries() as sent:
        page = client.get(f"/items/?q=题&level={level_id}&status=draft&sort=code&order=asc")
    assert page.status_code == 200
    assert "共 60 条" in page.text
    assert len([s for s in sent if s.lstrip().upper().startswith("SELECT")]) <= 16, "\n".join(sent)
    assert "第 59 题" in client.get("/items/?page=2&sort=code&order=asc").text
    assert "没有符合条件的试题" in client.get("/items/?q=不存在").text


def test_an_empty_bank_says_what_to_do(people):
    assert "从 Word、Excel 等文件成批导入" in people(Role.EDITOR)[1].get("/items/").text
    assert "您还没有写过试题" in people(Role.AUTHOR)[1].get("/items/").text


def test_selected_items_are_submitted_together_and_the_faulty_ones_named(session, people, actor_of, level_id):
    user, client = people(Role.EDITOR)
    good = make_draft(actor_of(user), level_id, choice("甲（　）。"))
    bad = make_draft(actor_of(user), level_id, choice("乙（　）。"), point_ids=[])
    chosen = {"selected": [str(good.item_id), str(bad.item_id)], "act": "submit"}
    shown = client.post("/items/bulk", data=chosen)
    assert "确认处理 1 题" in shown.text
    assert "没有选择鉴定点" in shown.text
    answer = client.post("/items/bulk/do", data=chosen, follow_redirects=True)
    assert "提交审核：完成 1 题" in answer.text
    assert bad.code in answer.text
    retired = client.post("/items/bulk/do", data={"selected": [str(bad.item_id)], "act": "retire", "reason": "重复"})
    assert retired.status_code == 303
    session.refresh(bad)
    assert bad.status is ItemStatus.RETIRED


def test_every_tab_the_drawer_and_the_difference_open(people, actor_of, level_id):
    user, client = people(Role.EDITOR)
    item = make_draft(actor_of(user), level_id, choice("额定电压为 220 V（　）。"))
    with unit_of_work(actor_of(user)) as uow:
        items.update_item(uow, item.item_id, version=item.version, content=choice("额定电压为 380 V（　）。"))
    for tab in ("content", "key", "versions", "reviews", "nonsense"):
        assert client.get(f"/items/{item.item_id}?tab={tab}").status_code == 200
    drawer = client.get(f"/items/{item.item_id}", headers={"HX-Request": "true", "HX-Target": "drawer"})
    assert "<html" not in drawer.text
    shown = client.get(f"/items/{item.item_id}/difference").text
    assert "220</del>" in shown
    assert "380</ins>" in shown


def test_the_candidates_view_holds_no_key(people, actor_of, level_id):
    user, client = people(Role.EDITOR)
    item = make_draft(actor_of(user), level_id)
    assert "应与原规格一致" not in client.get(f"/items/{item.item_id}?tab=content").text
    assert "应与原规格一致" in client.get(f"/items/{item.item_id}?tab=key").text


def test_items_of_others_answer_404_everywhere(people, actor_of, level_id, other_organisation):
    user, _ = people(Role.EDITOR)
    item = make_draft(actor_of(user), level_id)
    _, stranger = people(Role.EDITOR, Role.REVIEWER, organisation_id=other_organisation.organisation_id)
    for path in ("", "/edit", "/difference"):
        assert stranger.get(f"/items/{item.item_id}{path}").status_code == 404
    assert stranger.get(f"/reviews/{item.item_id}").status_code == 404
    assert stranger.get(f"/api/v1/items/{item.item_id}").status_code == 404
    for path in ("submit", "copy", "remove", "retire"):
        assert stranger.post(f"/items/{item.item_id}/{path}", data={"reason": "x"}).status_code == 404


def test_exports_carry_what_the_filter_finds(people, actor_of, level_id, session):
    from kernel.audit.models import AuditEvent

    user, client = people(Role.EDITOR)
    make_draft(actor_of(user), level_id, choice("甲（　）。"))
    make_draft(actor_of(user), level_id, choice("乙（　）。"))
    answer = client.post("/items/export?q=甲", data={"format": "json"})
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert [one["stem"] for one in answer.json["items"]] == ["甲（　）。"]
    event = session.query(AuditEvent).filter_by(act="item.export").one()
    assert (event.details["after"]["items"], event.details["after"]["format"]) == (1, "json")
    assert people(Role.AUTHOR)[1].post("/items/export", data={"format": "json"}).status_code == 403


# --- review ----------------------------------------------------------------------------------------------------------


def test_the_desk_hides_the_key_until_asked_and_goes_on_to_the_next_item(session, people, actor_of, level_id):
    user, _ = people(Role.AUTHOR)
    first, second = (make_draft(actor_of(user), level_id, choice(f"{name}（　）。")) for name in "甲乙")
    submit(actor_of(user), first)
    submit(actor_of(user), second)
    _, reviewer = people(Role.REVIEWER)
    assert "共 2 题等您审核" in reviewer.get("/reviews/").text
    assert reviewer.get("/reviews/next").headers["Location"].startswith(f"/reviews/{first.item_id}")
    page = reviewer.get(f"/reviews/{first.item_id}").text
    before_key = page.split("应与原规格一致")[0]
    assert before_key.rfind('<details class="key-details">') > before_key.rfind("</details>")
    data = {"decision": "return", "comment": "", "item_version_id": str(first.current_version_id)}
    refused = reviewer.post(f"/reviews/{first.item_id}", data=data)
    assert refused.status_code == 422
    assert "写明意见" in refused.text
    answer = reviewer.post(f"/reviews/{first.item_id}", data=data | {"decision": "approve"})
    assert answer.headers["Location"].startswith(f"/reviews/{second.item_id}")


def test_a_reviewer_who_opens_an_own_item_reads_why_not(people, actor_of, level_id):
    user, client = people(Role.AUTHOR, Role.REVIEWER)
    item = make_draft(actor_of(user), level_id)
    submit(actor_of(user), item)
    page = client.get(f"/reviews/{item.item_id}")
    assert page.status_code == 403
    assert "命题人不能审核自己的试题" in page.text
    assert 'name="decision"' not in page.text
    data = {"decision": "approve", "item_version_id": str(item.current_version_id)}
    assert client.post(f"/reviews/{item.item_id}", data=data).status_code == 403


def test_home_pages_say_what_waits(session, people, actor_of, make_actor, level_id):
    from qbank.services import reviews

    user, author = people(Role.AUTHOR)
    item = make_draft(actor_of(user), level_id)
    submit(actor_of(user), item)
    reviewer, client = people(Role.REVIEWER)
    assert "待审试题" in client.get("/").text
    with unit_of_work(actor_of(reviewer)) as uow:
        reviews.decide(
            uow, item.item_id, item_version_id=item.current_version_id, decision=reviews.Decision.RETURN, comment="改"
        )
    assert "待审试题" not in client.get("/").text
    assert "退回给我的试题" in author.get("/").text
    assert item.code in author.get(f"/items/?returned=1&author={user.user_id}").text


def test_the_workflow_page_starts_changes_and_refuses(people, session):
    from qbank.models.items import WorkflowStage

    _, admin = people(Role.ORGANISATION_ADMIN)
    assert "启用默认流程" in admin.get("/workflow/").text
    admin.post("/workflow/start")
    stages = session.query(WorkflowStage).order_by(WorkflowStage.position).all()
    assert [one.name for one in stages] == ["初审", "复审", "终审"]
    address = f"/workflow/{stages[0].workflow_stage_id}"
    assert "表决方式" in admin.get(address).text
    data = {"base": 1, "name": "双人初审", "quorum": "2", "role": "reviewer", "vote": "unanimous"}
    assert admin.post(address, data=data | {"escalate_to": "editor"}).status_code == 422
    assert admin.post(address, data=data).status_code == 303
    assert "双人初审" in admin.get("/workflow/").text
    assert "刚被他人修改" in admin.post(address, data=data, follow_redirects=True).text
    assert admin.post("/workflow/", data={"name": "", "quorum": "1"}).status_code == 422
    assert admin.post("/workflow/", data={"name": "抽查", "quorum": "1"}).status_code == 303
    last = session.query(WorkflowStage).filter_by(name="抽查").one()
    admin.post(f"/workflow/{last.workflow_stage_id}/remove")
    page = admin.get("/workflow/").text
    assert "删除“抽查”" in page
    admin.post("/workflow/reset", data={"base": 4})
    assert "恢复默认流程" in admin.get("/workflow/").text
    assert people(Role.EDITOR)[1].get("/workflow/").status_code == 403


# --- import ----------------------------------------------------------------------------------------------------------


def upload(client, data, name):
    return client.post("/imports/new", data={"file": (io.BytesIO(data), name)}, content_type="multipart/form-data")


def test_the_whole_way_of_an_import(session, people, level_id):
    _, client = people(Role.EDITOR)
    data, _ = write_items([canonical(n, points=()) for n in range(30)], "xlsx")
    answer = upload(client, data, "演示题.xlsx")
    assert answer.status_code == 303, answer.text
    run = session.query(ImportRun).one()
    page = client.get(f"/imports/{run.import_run_id}/detect")
    assert "题干" in page.text
    assert "Excel 工作簿" in page.text
    assert "待确认的导入" in client.get("/").text
    target = {"version": run.version, "level": str(level_id), "point": "没有这个", "difficulty": "3"}
    refused = client.post(f"/imports/{run.import_run_id}/target", data=target)
    assert refused.status_code == 422
    assert "没有鉴定点" in refused.text
    client.post(f"/imports/{run.import_run_id}/target", data=target | {"point": "A-A-A-002"})
    session.refresh(run)
    check = client.get(f"/imports/{run.import_run_id}/check").text
    assert "发现 30 = 新题 30 + 重复 0 + 跳过 0" in check
    assert check.count("item-card") >= 20
    assert "A-A-A-002" in check, "the point chosen on the page before stands at items that name none"
    assert "（默认）" in check
    answer = client.post(f"/imports/{run.import_run_id}/confirm", data={"version": run.version, "duplicates": "skip"})
    assert answer.headers["Location"].endswith("/progress")
    assert client.get(answer.headers["Location"]).status_code == 200
    session.refresh(run)
    run_job(run.job_id)
    result = client.get(f"/imports/{run.import_run_id}/result").text
    assert "发现 30 = 导入 30 + 重复 0 + 跳过 0" in result
    assert "提交审核 → 初审 → 复审 → 终审 → 入库" in result
    assert client.get(f"/imports/{run.import_run_id}/report.json").json["imported"] == 30
    assert "共 30 条" in client.get(f"/items/?run={run.import_run_id}").text
    client.post(f"/imports/{run.import_run_id}/undo")
    assert "已撤销" in client.get(f"/imports/{run.import_run_id}/result").text
    assert session.query(Item).filter(Item.removed_at.is_(None)).count() == 0


def test_columns_of_an_unknown_sheet_are_named_by_hand(session, people):
    _, client = people(Role.EDITOR)
    sheet = "序,甲栏,乙栏,丙栏,丁栏\n1,铜能导电吗（　）。,能,不能,A\n2,铁能导电吗（　）。,能,不能,A\n"
    upload(client, sheet.encode(), "t.csv")
    run = session.query(ImportRun).one()
    page = client.get(f"/imports/{run.import_run_id}/detect").text
    assert "没有认出表头" in page
    columns = {"column-0-1": "stem", "column-0-2": "option:0", "column-0-3": "option:1", "column-0-4": "answer"}
    wrong = client.post(f"/imports/{run.import_run_id}/mapping", data={"version": run.version, "header-0": "1"})
    assert wrong.status_code == 422
    assert "没有选“题干”列" in wrong.text
    done = client.post(
        f"/imports/{run.import_run_id}/mapping", data={"version": run.version, "header-0": "1", **columns},
        follow_redirects=True,
    )  # fmt: skip
    assert "B 列 = 题干" in done.text
    session.refresh(run)
    assert run.n_found == 2


def test_an_upload_that_is_no_item_file_is_refused_on_the_form(people):
    _, client = people(Role.EDITOR)
    refused = upload(client, b"PK\x03\x04 no zip", "x.docx")
    assert refused.status_code == 422
    assert "文件已损坏" in refused.text
    missing = client.post("/imports/new", data={})
    assert missing.status_code == 422
    assert "请选择要上传的文件" in missing.text


def test_an_import_can_be_given_up(session, people):
    _, client = people(Role.EDITOR)
    upload(client, write_items([canonical(1)], "json")[0], "x.json")
    run = session.query(ImportRun).one()
    client.post(f"/imports/{run.import_run_id}/cancel")
    session.refresh(run)
    assert run.state is ImportState.CANCELLED
    assert "还没有导入过文件" in client.get("/imports/").text


def test_imports_of_others_answer_404(session, people, other_organisation):
    _, client = people(Role.EDITOR)
    upload(client, write_items([canonical(1)], "json")[0], "x.json")
    run = session.query(ImportRun).one()
    _, stranger = people(Role.EDITOR, organisation_id=other_organisation.organisation_id)
    for path in ("", "/detect", "/check", "/progress", "/result", "/report.json"):
        assert stranger.get(f"/imports/{run.import_run_id}{path}").status_code == 404


# --- the JSON interface ----------------------------------------------------------------------------------------------


def test_the_api_lists_creates_and_returns_items(people, level_id):
    _, client = people(Role.EDITOR)
    body = {
        "standard_level_id": str(level_id), "type": "single_choice", "stem": "甲（　）。", "key": "A",
        "choices": [{"id": "A", "content": "对"}, {"id": "B", "content": "错"}], "points": ["A-A-A-001"], "difficulty": 2,
    }  # fmt: skip
    made = client.post("/api/v1/items", json=body)
    assert made.status_code == 201, made.text
    assert made.json["key"] == "A"
    listed = client.get("/api/v1/items?q=甲").json
    assert (listed["total"], listed["items"][0]["code"]) == (1, made.json["code"])
    assert "key" not in listed["items"][0]
    one = client.get(f"/api/v1/items/{made.json['item_id']}").json
    assert one["points"] == ["A-A-A-001"]
    wrong = client.post("/api/v1/items", json=body | {"points": ["Z-1"]})
    assert (wrong.status_code, list(wrong.json["details"]["fields"])) == (422, ["points"])
    wrong = client.post("/api/v1/items", json=body | {"key": 7})
    assert (wrong.status_code, list(wrong.json["details"]["fields"])) == (422, ["key"])
    assert client.post("/api/v1/items", json=body | {"colour": "red"}).status_code == 422


def test_the_api_knows_the_walls_of_authors(people, actor_of, level_id):
    user, author = people(Role.AUTHOR)
    item = make_draft(actor_of(user), level_id)
    assert author.get(f"/api/v1/items/{item.item_id}").json["key"] == "B"
    _, other = people(Role.AUTHOR)
    assert other.get("/api/v1/items").json["total"] == 0
    assert other.get(f"/api/v1/items/{item.item_id}").status_code == 404
    assert people(Role.MARKER)[1].get("/api/v1/items").status_code == 403


def test_an_approved_item_is_marked_in_the_list(session, people, actor_of, make_actor, level_id):
    user, client = people(Role.EDITOR)
    item = make_draft(actor_of(user), level_id)
    submit(actor_of(user), item)
    approve(item, [make_actor(Role.REVIEWER) for _ in range(3)])
    assert "已入库" in client.get("/items/?status=approved").text
    edit = client.post(f"/items/{item.item_id}/edit", data=FORM | {"stem": "修订（　）。", "version": item.version})
    assert edit.status_code == 303
    assert "旧版在用" in client.get("/items/").text
    with pytest.raises(NotFoundError):
        repository.get_version(session, item, 9)
    assert now() >= item.updated_at

"""The steps from an empty installation to approved items."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.journeys.conftest import ROOT, Desk
from tests.journeys.way import Journey, confirm, here, press, tile, told, wait_for_job

DEMO = ROOT / "web/demo"
ORGANISATION, CODE, PREFIX = "东江职业技能评价中心", "DONGJIANG", "S000011999001"
STAFF = {
    "editor": ["题库管理员"], "reviewer1": ["审题专家"], "reviewer2": ["审题专家"], "reviewer3": ["审题专家"],
    "assembler": ["组卷员", "审卷人"], "approver1": ["审卷人"], "approver2": ["审卷人"], "officer": ["考务管理员"],
    "invigilator": ["监考员"], "marker": ["阅卷员"], "certifier": ["认定管理员"],
}  # fmt: skip
"""The assembler may approve forms as well: only the rule of the second person keeps them from their own."""
LEVEL = "电工 四级/中级工（2026 年版）"
N_ITEMS = 496


def found_the_organisation(journey: Journey) -> None:
    """The platform's first person replaces the one-time password, founds an organisation and names its administrator."""
    desk = journey.desk("first-admin")
    page = desk.open("/organisations/")
    page.get_by_role("link", name="新建机构").first.click()
    page.get_by_label("机构名称").fill(ORGANISATION)
    page.get_by_label("机构代码").fill(CODE)
    page.get_by_label("社会培训评价组织").check()
    page.get_by_label("证书编号前 13 位").fill(PREFIX)
    desk.check()
    press(page, "保存")
    told(page, "机构已建立")
    desk.check()
    journey.one_time["admin"] = add_person(desk, "admin", ["机构管理员"], ORGANISATION)


def add_person(desk: Desk, username: str, roles: list[str], organisation: str = "") -> str:
    """Add a person in the browser and return the one-time password that the page shows."""
    page = desk.visit("/people/new")
    page.get_by_label("姓名").fill(f"{roles[0]} {username}")
    page.get_by_label("登录名").fill(username)
    if organisation:
        page.get_by_label("机构", exact=False).first.select_option(label=organisation)
    for role in roles:
        page.get_by_role("checkbox", name=role).check()
    press(page, "新建")
    page.get_by_role("heading", name="一次性密码", level=1).wait_for()
    return page.locator("main .copy code").last.inner_text()


def appoint_the_staff(journey: Journey) -> None:
    """The organisation's administrator adds everybody else."""
    desk = journey.desk("admin")
    for username, roles in STAFF.items():
        journey.one_time[username] = add_person(desk, username, roles)
    desk.check()
    desk.open("/people/")
    assert "共 12 条" in desk.page.locator(".pager").inner_text()


def write_the_standard(journey: Journey) -> None:
    """The editor founds a standard from the occupation dictionary, imports weights and outline, and publishes level 4."""
    desk = journey.desk("editor")
    page = desk.open("/occupations/")
    page.get_by_label("关键词").fill("6-31-01-03")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="建立标准 电工").click()
    assert page.get_by_label("标准名称").input_value() == "电工职业标准"
    desk.check()
    press(page, "保存")
    told(page, "标准已建立")
    journey.paths["standard"] = here(page)
    page.get_by_label("版本名称").fill("2026 年版")
    page.get_by_label("施行日期").fill("2026-01-01")
    press(page, "添加版本")
    add_levels(journey, desk)
    import_weights(desk)
    import_outline(journey, desk)


def add_levels(journey: Journey, desk: Desk) -> None:
    """Add the levels that the weight table names."""
    page = desk.page
    for code in ("5", "4", "3"):
        desk.visit(journey.paths["standard"])
        page.get_by_role("link", name="添加等级").first.click()
        page.get_by_label("国家等级", exact=False).first.select_option(code)
        press(page, "保存")
        told(page, "等级已添加")
        if code == "4":
            journey.paths["level"] = here(page)
    desk.visit(journey.paths["standard"])
    desk.check()


def import_weights(desk: Desk) -> None:
    """Upload the weight table, look at it, save it."""
    page = desk.page
    page.get_by_role("link", name="导入权重表").click()
    page.get_by_label("权重表文件").set_input_files(DEMO / "weights.csv")
    press(page, "上传并核对")
    told(page, "尚未保存")
    assert page.locator("tfoot .state-success").count() == 3, "each column sums to 100"
    desk.check()
    press(page, "确认导入")
    told(page, "已更新 3 个等级的权重表")


def import_outline(journey: Journey, desk: Desk) -> None:
    """Upload the outline, read what was recomputed, save it, and publish the level."""
    page = desk.open(journey.paths["level"])
    page.get_by_role("link", name="导入细目表").click()
    page.get_by_label("细目表文件").set_input_files(DEMO / "outline.csv")
    press(page, "上传并核对")
    assert tile(page, "鉴定点") == "72"
    assert tile(page, "鉴定比重合计") == "100"
    assert tile(page, "与填写不符") == "0"
    desk.check()
    press(page, "确认导入")
    page.get_by_role("link", name="检查与发布").first.click()
    told(page, "可以发布")
    desk.check()
    confirm(page, "发布细目表", "确认发布")
    told(page, "细目表已于")


def import_the_items(journey: Journey) -> None:
    """The editor brings in the Word and the Excel file, each balanced to the last item, and submits all for review."""
    desk = journey.desk("editor")
    found = [import_file(desk, name) for name in ("演示题库一.docx", "演示题库二.xlsx")]
    assert sum(found) == N_ITEMS
    page = desk.open("/items/?status=draft")
    page.get_by_label("选中本页全部").check()
    page.get_by_label(f"包括其他页，共 {N_ITEMS} 题").check()
    press(page, "提交审核")
    press(page, f"确认处理 {N_ITEMS} 题")
    told(page, f"提交审核：完成 {N_ITEMS} 题")
    desk.open("/items/?status=in_review")
    assert f"共 {N_ITEMS} 条" in desk.page.locator(".pager").inner_text()


def import_file(desk: Desk, name: str) -> int:
    """Take a file through upload, recognition, check and import; return how many items it held."""
    page = desk.visit("/imports/new")
    page.get_by_label("题目文件").set_input_files(DEMO / name)
    press(page, "上传并识别")
    page.get_by_role("button", name="下一步：核对").wait_for()
    n = int(tile(page, "发现"))
    assert tile(page, "看不懂") == "0"
    desk.check()
    page.get_by_label("标准等级").select_option(label=LEVEL)
    press(page, "下一步：核对")
    assert f"发现 {n} = 新题 {n} + 重复 0 + 跳过 0" in page.locator(".balance").inner_text()
    assert not page.locator(".notice-warning").count(), "every item names a point of the outline"
    desk.check()
    wait_for_job(page, lambda: press(page, "开始导入"))
    assert f"发现 {n} = 导入 {n} + 重复 0 + 跳过 0" in page.locator(".balance").inner_text()
    desk.check()
    return n


def review_the_items(journey: Journey) -> None:
    """Three reviewers take three items each through their stage in the browser; their other approvals are given at once."""
    for stage, reviewer in enumerate(("reviewer1", "reviewer2", "reviewer3"), start=1):
        desk = journey.desk(reviewer)
        desk.visit("/reviews/")
        press(desk.page, "开始审题")
        review_at_the_desk(desk, returns_one=stage == 1)
        n_left = approve_the_rest(journey, reviewer)
        assert n_left == N_ITEMS - 3, f"{n_left}: two passed here, one went back in the first stage"
    desk = journey.desk("editor")
    page = desk.open("/")
    page.get_by_role("link", name="退回给我的试题").click()
    page.wait_for_url("**/items/?**")  # which waits for the whole page
    told = page.locator(".pager").inner_text()
    assert "共 1 条" in told, f"{page.url}: {told}"
    desk.open("/items/?status=approved")
    assert f"共 {N_ITEMS - 1} 条" in page.locator(".pager").inner_text()


def review_at_the_desk(desk: Desk, *, returns_one: bool) -> None:
    """Answer first, look at the key after asking, approve by button and by key, and return one with a reason."""
    page = desk.page
    page.get_by_role("heading", name="审题：").wait_for()
    key = page.locator(".key-details > div")
    expect(key).to_be_hidden()
    page.get_by_text("显示答案与解析").click()
    expect(key).to_be_visible()
    desk.check()
    press(page, "1 通过")
    told(page, "已记录")
    first = here(page)
    page.keyboard.press("1")
    page.wait_for_url(lambda address: not address.endswith(first))
    told(page, "已记录")
    if returns_one:
        page.keyboard.press("2")
        expect(page.get_by_label("意见")).to_be_focused()  # a reason is asked for first
        page.get_by_label("意见").fill("选项 B 与题干重复，请改写。")
        press(page, "2 退回修改")
        told(page, "已记录：退回")


BULK_APPROVAL = """
import sys
from kernel.db import db
from kernel.identity.repository import find_user_by_name
from kernel.identity.services import actor_of_user
from kernel.uow import unit_of_work
from qbank.services.review_desk import queue
from qbank.services.reviews import decide_items
from web.app import create_app
with create_app().app_context():
    actor = actor_of_user(find_user_by_name(db.session(), sys.argv[1]))
    waiting = [row.item.item_id for row in queue(db.session(), actor, limit=1000)]
    with unit_of_work(actor) as uow:
        print(len(decide_items(uow, waiting)))
"""


def approve_the_rest(journey: Journey, reviewer: str) -> int:
    """Approve what waits for a reviewer through the service behind the desk; return how many items that were."""
    return int(journey.installation.python(BULK_APPROVAL, reviewer).splitlines()[-1])

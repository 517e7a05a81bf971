"""Before an import: items mended in the preview, columns remembered, items left out."""

from __future__ import annotations

import io
import uuid

import pytest
from lxml import html

from kernel.identity.permissions import Role
from kernel.jobs import JobContext
from kernel.jobs.runner import run_job
from qbank.interchange.limited import read_limited
from qbank.models.items import ImportRun
from qbank.repository import items as repository
from qbank.repository.items import ItemFilter
from qbank.rules.items import ImportState
from qbank.services import import_runs
from qbank.services.items import content_of
from tests.factories.standards import make_level
from tests.qbank.interchange.interchange_items import workbook

HEAD = ["题型", "题目", "A", "B", "C", "D", "答案"]
ROWS = [
    ["单选题", "停电检修前应先（　）。", "验电", "接地", "挂牌", "合闸", "A"],
    ["单选题", "电流的单位是（　）。", "伏特", "安培", "欧姆", "瓦特", "B"],
    ["判断题", "接地线可以不挂。", "", "", "", "", "×"],
]
NO_HEAD = [
    ["安全色中红色表示（　）。", "禁止", "指令", "警告"],
    ["绿色表示（　）。", "提示", "指令", "禁止"],
    ["黄色表示（　）。", "警告", "指令", "禁止"],
]
DIGITS = [["停电后应验电。", 0], ["接地线可以不挂。", 1], ["电流的单位是安培。", 0]]


@pytest.fixture
def level_id(organisation):
    return make_level(organisation.organisation_id).standard_level_id


@pytest.fixture
def editor(make_user, sign_in):
    user = make_user(Role.EDITOR)
    return user, sign_in(user=user)


@pytest.fixture
def stranger(make_user, sign_in, other_organisation):
    return sign_in(user=make_user(Role.EDITOR, organisation_id=other_organisation.organisation_id))


def upload(client, data, name="题.xlsx"):
    answer = client.post("/imports/new", data={"file": (io.BytesIO(data), name)}, content_type="multipart/form-data")
    assert answer.status_code == 303, answer.get_data(as_text=True)[-400:]
    return answer.location.split("/")[2]


def run_of(session, run_id) -> ImportRun:
    session.expire_all()
    return session.get(ImportRun, uuid.UUID(run_id))


def to_check(client, session, run_id, level_id):
    version = run_of(session, run_id).version
    answer = client.post(f"/imports/{run_id}/target", data={"version": version, "level": str(level_id)})
    assert answer.status_code == 303


def confirm(client, session, run_id):
    client.post(f"/imports/{run_id}/confirm", data={"version": run_of(session, run_id).version, "duplicates": "skip"})
    run_job(run_of(session, run_id).job_id)
    return run_of(session, run_id)


def contents(session, actor):
    rows = repository.list_items(session, actor=actor, wanted=ItemFilter(), per_page=200)[0]
    versions = repository.get_versions(session, [row.item.current_version_id for row in rows])
    return {content_of(one).stem: (one, content_of(one)) for one in versions.values()}


def edit_form(client, address):
    """The names and values that the form of an item shows, as a browser would send them."""
    page = client.get(address)
    assert page.status_code == 200
    form = next(one for one in html.fromstring(page.get_data(as_text=True)).forms if "stem" in one.fields)
    found: dict[str, list[str]] = {}
    for name, value in form.form_values():
        found.setdefault(name, []).append(value)
    return found


def test_an_item_is_mended_in_the_preview_and_comes_into_the_bank_mended(session, editor, level_id, make_actor):
    _user, client = editor
    run_id = upload(client, workbook({"题": [HEAD, *ROWS]}))
    to_check(client, session, run_id, level_id)
    address = f"/imports/{run_id}/items/0"
    form = edit_form(client, address) | {"stem": ["停电检修前应先做（　）。"], "difficulty": ["4"], "act": ["save"]}
    answer = client.post(address, data=form)
    assert answer.status_code == 303
    assert answer.location.endswith("#item-0")
    page = client.get(f"/imports/{run_id}/check").get_data(as_text=True)
    assert "已修改" in page
    assert "停电检修前应先做" in page
    run = confirm(client, session, run_id)
    assert (run.state, run.n_found, run.n_imported) == (ImportState.DONE, 3, 3)
    found = contents(session, make_actor(Role.EDITOR))
    version, content = found["停电检修前应先做（　）。"]
    assert (version.difficulty, content.key) == (4, "A")
    assert "停电检修前应先（　）。" not in found


def test_every_part_of_an_item_can_be_mended_and_is_checked_after_it(session, editor, level_id):
    _user, client = editor
    run_id = upload(client, workbook({"题": [HEAD, *ROWS]}))
    to_check(client, session, run_id, level_id)
    address = f"/imports/{run_id}/items/1"
    form = edit_form(client, address)
    retyped = client.post(address, data=form | {"act": ["type"], "new_type": ["multiple_choice"]})
    assert retyped.status_code == 200
    assert 'name="type" value="multiple_choice"' in retyped.get_data(as_text=True)
    broken = client.post(address, data=form | {"stem": [""], "act": ["save"]})
    assert broken.status_code == 422
    assert "题干是空的" in broken.get_data(as_text=True)
    form = {name: values for name, values in form.items() if not name.startswith("choice")}
    saved = client.post(address, data=form | {"act": ["save"], "score": ["3"]}, follow_redirects=True)
    assert "还有" in saved.get_data(as_text=True)
    (one,) = [item for item in import_runs.load_preview(run_of(session, run_id)).items if item.is_edited]
    assert str(one.content.score) == "3"
    assert {notice.code for notice in one.notices} >= {"no_choices"}


def test_an_edit_can_be_taken_back_and_an_item_left_out(session, editor, level_id):
    _user, client = editor
    run_id = upload(client, workbook({"题": [HEAD, *ROWS]}))
    to_check(client, session, run_id, level_id)
    form = edit_form(client, f"/imports/{run_id}/items/0") | {"stem": ["改过"], "act": ["save"]}
    client.post(f"/imports/{run_id}/items/0", data=form)
    client.post(f"/imports/{run_id}/items/0/reset", data={"version": run_of(session, run_id).version})
    assert not any(one.is_edited for one in import_runs.load_preview(run_of(session, run_id)).items)
    version = run_of(session, run_id).version
    client.post(f"/imports/{run_id}/items/2/decision", data={"version": version, "decision": "skip"})
    assert "不导入" in client.get(f"/imports/{run_id}/check?kind=left_out").get_data(as_text=True)
    run = confirm(client, session, run_id)
    assert (run.n_found, run.n_imported, run.n_skipped) == (3, 2, 1)
    assert [one["code"] for one in run.report["skipped"]] == ["left_out"]


def test_a_stale_form_changes_nothing(session, editor, level_id):
    _user, client = editor
    run_id = upload(client, workbook({"题": [HEAD, *ROWS]}))
    to_check(client, session, run_id, level_id)
    form = edit_form(client, f"/imports/{run_id}/items/0") | {"act": ["save"], "version": ["1"]}
    assert client.post(f"/imports/{run_id}/items/0", data=form).status_code == 409


def test_the_items_of_another_organisation_answer_404(session, editor, level_id, stranger):
    _user, client = editor
    run_id = upload(client, workbook({"题": [HEAD, *ROWS]}))
    assert stranger.get(f"/imports/{run_id}/items/0").status_code == 404


def mapping_form(session, run_id):
    return {
        "version": run_of(session, run_id).version, "column-0-0": "stem", "column-0-1": "option:0",
        "column-0-2": "option:1", "column-0-3": "option:2", "rule-0": "first_option", "type-0": "单项选择题",
        "column-1-0": "stem", "column-1-1": "answer", "type-1": "判断题", "digits-1": "zero",
    }  # fmt: skip


def test_what_the_columns_mean_is_remembered_for_files_of_the_same_shape(session, editor, level_id):
    _user, client = editor
    run_id = upload(client, workbook({"xz": NO_HEAD, "pd": DIGITS}), "一.xlsx")
    assert import_runs.load_preview(run_of(session, run_id)).items == ()
    page = client.get(f"/imports/{run_id}/detect").get_data(as_text=True)
    assert "没有表头，按内容推断" in page
    client.post(f"/imports/{run_id}/mapping", data=mapping_form(session, run_id))
    keys = [one.content.key for one in import_runs.load_preview(run_of(session, run_id)).items]
    assert keys == ["A", "A", "A", True, False, True]

    other = [[f"{row[0]}第二批", *row[1:]] for row in NO_HEAD]
    second = upload(client, workbook({"xz": other, "pd": DIGITS}), "二.xlsx")
    assert len(import_runs.load_preview(run_of(session, second)).items) == 6
    assert "一.xlsx" in client.get(f"/imports/{second}/detect").get_data(as_text=True)

    client.post(f"/imports/{second}/mapping/forget", data={"version": run_of(session, second).version})
    assert import_runs.load_preview(run_of(session, second)).items == ()
    third = upload(client, workbook({"xz": other, "pd": DIGITS}), "三.xlsx")
    assert run_of(session, third).mapping is None


def test_a_file_of_another_shape_or_organisation_remembers_nothing(session, editor, level_id, stranger):
    _user, client = editor
    run_id = upload(client, workbook({"xz": NO_HEAD, "pd": DIGITS}))
    client.post(f"/imports/{run_id}/mapping", data=mapping_form(session, run_id))
    wider = upload(client, workbook({"xz": [[*row, "注"] for row in NO_HEAD], "pd": DIGITS}))
    assert run_of(session, wider).mapping is None
    foreign = upload(stranger, workbook({"xz": NO_HEAD, "pd": DIGITS}))
    assert run_of(session, foreign).mapping is None


def test_a_large_import_shows_how_far_it_has_come(session, editor, level_id, monkeypatch):
    _user, client = editor
    rows = [["判断题", f"第 {n} 条：停电后应验电。", "", "", "", "", "√"] for n in range(3000)]
    run_id = upload(client, workbook({"题": [HEAD, *rows]}))
    to_check(client, session, run_id, level_id)
    seen: list[tuple[int, str]] = []
    real = JobContext.progress
    monkeypatch.setattr(
        JobContext, "progress", lambda self, n, text="": (seen.append((n, text)), real(self, n, text))[1]
    )
    run = confirm(client, session, run_id)
    assert run.n_imported == 3000
    percents = [percent for percent, _text in seen]
    assert percents == sorted(percents)
    assert len(set(percents)) >= 8
    assert any(text.startswith("已核对") and text.endswith("/ 3000 题") for _percent, text in seen)


def test_a_process_that_reads_tells_how_far_it_is(session, editor, level_id):
    rows = [["判断题", f"第 {n} 条：停电后应验电。", "", "", "", "", "√"] for n in range(6000)]
    told: list[tuple[int, int]] = []
    report = read_limited(workbook({"题": [HEAD, *rows]}), "a.xlsx", told=lambda n, whole: told.append((n, whole)))
    assert len(report.items) == 6000
    assert told
    assert told == sorted(told)
    assert {whole for _n, whole in told} == {6000}


def test_what_repeats_an_earlier_row_says_where_in_the_reader_s_words(session, editor, level_id):
    _user, client = editor
    run_id = upload(client, workbook({"题": [HEAD, ROWS[0], ROWS[0]]}))
    to_check(client, session, run_id, level_id)
    page = client.get(f"/imports/{run_id}/check").get_data(as_text=True)
    assert "与 工作表“题”第 2 行" in page
    assert "sheet 题 row" not in page

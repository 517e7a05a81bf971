from __future__ import annotations

import base64
import io
import re
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import event, func, select

from kernel import audit
from kernel.db import db
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank.models.standards import AssessmentPoint, OccupationalStandard, StandardEdition, StandardLevel
from qbank.services.occupations import load_occupations
from tests.factories.standards import make_edition, make_level

DEMO = Path(__file__).parents[2] / "web" / "demo"


@pytest.fixture
def editor(sign_in):
    return sign_in(Role.EDITOR)


@pytest.fixture
def dictionary(organisation):
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        load_occupations(uow)


def upload(client, address, path, **data):
    file = (io.BytesIO(path.read_bytes()), path.name)
    return client.post(address, data={"file": file, **data}, content_type="multipart/form-data")


def payload_of(page):
    return re.search(r'name="payload" value="([^"]+)"', page.text).group(1)


def count_queries(client, address):
    statements = []

    def note(_connection, _cursor, statement, *_rest):
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert client.get(address).status_code == 200
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return len([s for s in statements if s.startswith("SELECT")])


def test_an_empty_list_says_why_and_offers_the_next_step(editor):
    page = editor.get("/standards/")
    assert "还没有职业标准" in page.text
    assert 'href="/standards/new"' in page.text


def test_the_dictionary_is_loaded_searched_and_filtered(editor):
    assert "职业目录还没有载入" in editor.get("/occupations/").text
    done = editor.post("/occupations/load", follow_redirects=True)
    assert "新增 1686 个职业" in done.text
    assert "新增 0 个职业" in editor.post("/occupations/load", follow_redirects=True).text
    found = editor.get("/occupations/?q=电工&major=6")
    assert "6-31-01-03" in found.text
    assert "4-04-05-05" not in found.text
    assert "没有符合条件的职业" in editor.get("/occupations/?q=%25").text  # a percent sign means itself


def test_an_occupation_whose_sources_differ_says_so(editor, dictionary):
    page = editor.get("/occupations/?check=open")
    assert "须对照原书" in page.text
    assert "names differ" in page.text


def test_an_editor_goes_from_the_dictionary_to_a_level(editor, dictionary):
    assert "选用" in editor.get("/standards/new?q=电工").text
    assert 'value="电工"' in editor.get("/standards/new?occupation=6-31-01-03").text
    values = {"code": "6-31-01-03", "name": "演示标准·电工", "kind": "national", "occupation_code": "6-31-01-03"}
    created = editor.post("/standards/new", data=values)
    assert created.status_code == 303
    standard = created.headers["Location"]
    editor.post(f"{standard}/editions", data={"label": "2025 演示版", "effective_on": "2025-01-01"})
    page = editor.get(standard)
    assert "2025 演示版" in page.text
    assert "电工" in page.text  # the name came from the dictionary
    new_level = re.search(r'href="(/standards/editions/[^"]+/levels/new)"', page.text).group(1)
    level = editor.post(new_level, data={"national": "4"}, follow_redirects=True)
    assert "电工 四级/中级工" in level.text
    assert "细目表还是空的" in level.text


def test_a_refused_form_keeps_what_was_typed_and_names_the_field(editor):
    page = editor.post("/standards/new", data={"code": "有空格 的", "name": "企业标准", "kind": "enterprise"})
    assert page.status_code == 422
    assert 'value="企业标准"' in page.text
    assert "请选择职业，或填写岗位名称" in page.text
    assert 'id="error-code"' in page.text


def test_two_standards_cannot_share_a_code(editor, organisation):
    make_edition(system_actor(organisation.organisation_id))
    values = {"code": "6-31-01-03", "name": "又一个", "kind": "national", "occupation_name": "电工"}
    page = editor.post("/standards/new", data=values)
    assert page.status_code == 422
    assert "代码已被另一个标准使用" in page.text


def test_a_custom_level_maps_to_a_national_one(editor, organisation):
    edition = make_edition(system_actor(organisation.organisation_id))
    address = f"/standards/editions/{edition.standard_edition_id}/levels/new"
    editor.post(address, data={"level_code": "4A", "name": "四级（甲等）", "maps_to": "4"})
    level = db.session.query(StandardLevel).one()
    assert (level.level_code, level.maps_to, level.rank) == ("4A", "4", 2)
    again = editor.post(address, data={"level_code": "4A", "name": "重复"})
    assert again.status_code == 422
    assert "这个版本已有该等级" in again.text


def test_a_special_ability_has_one_level_and_occupations_have_the_scale(editor, organisation):
    edition = make_edition(system_actor(organisation.organisation_id))
    address = f"/standards/editions/{edition.standard_edition_id}/levels/new"
    assert "特级技师（special_tech）" in editor.get(address).text
    editor.post(address, data={"national": "special_tech"})
    level = db.session.query(StandardLevel).one()
    assert (level.level_code, level.name, level.rank) == ("special_tech", "特级技师", 6)
    assert editor.post(address, data={"level_code": "ability", "name": "专项"}).status_code == 422

    values = {"code": "ZX-01", "name": "手工面点制作", "kind": "special_ability", "occupation_name": "手工面点制作"}
    editor.post("/standards/new", data=values)
    standard = db.session.query(OccupationalStandard).filter_by(code="ZX-01").one()
    editor.post(f"/standards/{standard.occupational_standard_id}/editions", data={"label": "2026"})
    own = db.session.query(StandardEdition).filter_by(occupational_standard_id=standard.occupational_standard_id).one()
    address = f"/standards/editions/{own.standard_edition_id}/levels/new"
    assert "四级/中级工（4）</option>" not in editor.get(address).text.split('name="maps_to"')[0]
    refused = editor.post(address, data={"national": "4"})
    assert refused.status_code == 422
    assert "只有一个等级" in refused.text
    editor.post(address, data={"national": "ability"})
    level = db.session.query(StandardLevel).filter_by(standard_edition_id=own.standard_edition_id).one()
    assert (level.level_code, level.name) == ("ability", "专项职业能力")


def test_the_outline_of_the_demonstration_imports_cleanly_after_a_preview(editor, organisation):
    edition = make_edition(system_actor(organisation.organisation_id))
    editor.post(f"/standards/editions/{edition.standard_edition_id}/levels/new", data={"national": "4"})
    level = db.session.query(StandardLevel).one()
    weights = f"/standards/editions/{edition.standard_edition_id}/weights/import"
    for code in ("5", "3"):
        editor.post(f"/standards/editions/{edition.standard_edition_id}/levels/new", data={"national": code})
    seen = upload(editor, weights, DEMO / "weights.csv", kind="theory")
    assert "L4" in seen.text
    done = editor.post(
        f"{weights}/confirm", data={"kind": "theory", "payload": payload_of(seen)}, follow_redirects=True
    )
    assert "已更新 3 个等级的权重表" in done.text

    address = f"/standards/levels/{level.standard_level_id}"
    seen = upload(editor, f"{address}/import", DEMO / "outline.csv", importance="X")
    assert "填写与计算一致" in seen.text
    assert "还没有鉴定点" not in seen.text
    assert "细目表还是空的" in editor.get(address).text  # nothing is saved before the confirmation
    done = editor.post(
        f"{address}/import/confirm", data={"payload": payload_of(seen), "importance": "X"}, follow_redirects=True
    )
    assert "新增 72 个鉴定点" in done.text
    assert "44:20:08" in done.text
    assert "没有须改正的问题" in editor.get(f"{address}/check").text
    assert "细目表已发布" in editor.post(f"{address}/publish", follow_redirects=True).text


def test_a_file_without_an_outline_is_refused_beside_the_field(editor, organisation, tmp_path):
    level = make_level(organisation.organisation_id, is_published=False)
    wrong = tmp_path / "items.csv"
    wrong.write_text("题干,答案\n一,A\n", encoding="utf-8")
    page = upload(editor, f"/standards/levels/{level.standard_level_id}/import", wrong)
    assert page.status_code == 422
    assert "没有找到细目表" in page.text
    assert 'id="error-file"' in page.text


def test_a_hostile_workbook_is_refused_in_words_and_nothing_is_written(editor, organisation, session, tmp_path):
    level = make_level(organisation.organisation_id, is_published=False)
    before = session.scalar(select(func.count()).select_from(AssessmentPoint))
    bomb = tmp_path / "outline.xlsx"
    with zipfile.ZipFile(bomb, "w") as archive:
        for n in range(2_001):
            archive.writestr(f"xl/worksheets/sheet{n}.xml", b"")
    address = f"/standards/levels/{level.standard_level_id}/import"
    payload = base64.b64encode(bomb.read_bytes()).decode()
    for page in (upload(editor, address, bomb), editor.post(f"{address}/confirm", data={"payload": payload})):
        assert page.status_code == 422
        assert "展开后过大" in page.text
    assert session.scalar(select(func.count()).select_from(AssessmentPoint)) == before


def test_a_cut_payload_is_refused(editor, organisation):
    level = make_level(organisation.organisation_id, is_published=False)
    page = editor.post(f"/standards/levels/{level.standard_level_id}/import/confirm", data={"payload": "%%%"})
    assert page.status_code == 422
    assert "请重新上传" in page.text


def test_the_tree_is_edited_by_plain_forms(editor, organisation):
    level = make_level(organisation.organisation_id, is_published=False)
    address = f"/standards/levels/{level.standard_level_id}"
    tree = editor.get(address).text
    scope = re.search(r"scope=([0-9a-f-]{36})[^>]*>室内线路", tree).group(1)
    pane = editor.get(f"{address}?scope={scope}").text
    assert "B-A-B-002" in pane
    editor.post(f"/standards/scopes/{scope}/points", data={"name": "新增要点", "importance": "Z"})
    pane = editor.get(f"{address}?scope={scope}").text
    assert "B-A-B-003" in pane
    assert "02:00:01" in pane
    version = re.search(r'name="version" value="(\d+)"', pane).group(1)
    values = {"code": "C", "name": "室内线路装调", "weight_percent": "31", "version": version}
    saved = editor.post(f"/standards/scopes/{scope}", data=values, follow_redirects=True).text
    assert "B-A-C-003" in saved
    assert "应为 100" in saved
    assert editor.post(f"/standards/scopes/{scope}", data=values).status_code == 409  # the form is old now


def test_a_scope_code_that_is_taken_is_refused_beside_the_field(editor, organisation):
    level = make_level(organisation.organisation_id, is_published=False)
    page = editor.post(f"/standards/levels/{level.standard_level_id}/scopes", data={"name": "重复", "code": "A"})
    assert page.status_code == 422
    assert "同一范围内已有这个代码" in page.text
    assert 'value="重复"' in page.text


def test_a_published_outline_is_changed_only_after_it_is_withdrawn(editor, organisation):
    level = make_level(organisation.organisation_id)
    address = f"/standards/levels/{level.standard_level_id}"
    assert "添加范围" not in editor.get(address).text
    assert editor.post(f"{address}/scopes", data={"name": "偷改"}).status_code == 409
    withdrawn = editor.post(f"{address}/withdraw", data={"reason": "改错字"}, follow_redirects=True)
    assert "已退回草稿" in withdrawn.text
    assert editor.post(f"{address}/scopes", data={"name": "补充"}).status_code == 303
    refused = editor.post(f"{address}/publish", follow_redirects=True)
    assert "不能发布" in refused.text
    assert "没有鉴定点" in refused.text
    assert audit.verify(db.session()).broken is None


def test_readers_see_the_outline_but_no_way_to_change_it(sign_in, organisation):
    level = make_level(organisation.organisation_id, is_published=False)
    author = sign_in(Role.AUTHOR)
    page = author.get(f"/standards/levels/{level.standard_level_id}")
    assert "室内线路" in page.text
    assert "添加范围" not in page.text
    assert author.post(f"/standards/levels/{level.standard_level_id}/scopes", data={"name": "x"}).status_code == 403
    assert author.get("/standards/new").status_code == 403


def test_another_organisation_sees_nothing(sign_in, organisation, other_organisation):
    level = make_level(organisation.organisation_id)
    standard = db.session.query(OccupationalStandard).one()
    stranger = sign_in(Role.EDITOR, organisation_id=other_organisation.organisation_id)
    assert "演示标准·电工" not in stranger.get("/standards/").text
    for address in (
        f"/standards/{standard.occupational_standard_id}",
        f"/standards/levels/{level.standard_level_id}",
        f"/standards/levels/{level.standard_level_id}/weights",
        f"/standards/levels/{level.standard_level_id}/outline.xlsx",
        f"/standards/editions/{level.standard_edition_id}/edit",
        f"/api/v1/levels/{level.standard_level_id}/outline",
    ):
        assert stranger.get(address).status_code == 404, address
    assert stranger.post(f"/standards/levels/{level.standard_level_id}/withdraw").status_code == 404


def test_weights_are_typed_and_their_sum_is_shown(editor, organisation):
    level = make_level(organisation.organisation_id, is_published=False)
    address = f"/standards/levels/{level.standard_level_id}/weights"
    assert "职业道德" in editor.get(address).text
    rows = {
        "function_name": ["", "", "线路装调", ""], "name": ["职业道德", "基础知识", "配电装置", ""],
        "theory_percent": ["5", "20", "70", ""], "skill_percent": ["", "", "100", ""],
    }  # fmt: skip
    saved = editor.post(address, data=rows, follow_redirects=True)
    assert "理论知识合计 95，应为 100" in saved.text
    assert "“基础知识”：权重表为 20，细目表（A-B）合计为 25" in saved.text
    wrong = editor.post(address, data={**rows, "theory_percent": ["5", "二十", "70", ""]})
    assert wrong.status_code == 422
    assert "第 2 行：“二十”不是 0 到 100 的数" in wrong.text
    assert 'value="二十"' in wrong.text


def test_the_number_of_queries_does_not_grow_with_the_list(editor, organisation):
    make_level(organisation.organisation_id, code="demo-1", is_published=False)
    few = count_queries(editor, "/standards/")
    for number in range(2, 6):
        make_level(organisation.organisation_id, code=f"demo-{number}", is_published=False)
    assert 0 < count_queries(editor, "/standards/") <= few <= 10


def test_the_outline_page_needs_few_queries(editor, organisation):
    level = make_level(organisation.organisation_id)
    assert 0 < count_queries(editor, f"/standards/levels/{level.standard_level_id}") <= 10


def test_scripts_read_standards_and_outlines(editor, organisation):
    level = make_level(organisation.organisation_id)
    listed = editor.get("/api/v1/standards?q=电工").get_json()
    assert listed["total"] == 1
    assert listed["standards"][0]["editions"][0]["levels"][0]["status"] == "published"
    outline = editor.get(f"/api/v1/levels/{level.standard_level_id}/outline").get_json()
    assert outline["scopes"][0]["importance_counts"] == [3, 1, 1]
    assert outline["scopes"][0]["weight_percent"] in {"30", "30.000"}
    assert outline["scopes"][1]["scopes"][0]["scopes"][1]["points"][0]["full_code"] == "B-A-B-001"


def test_a_draft_with_points_waits_on_the_home_page(editor, organisation):
    make_level(organisation.organisation_id, is_published=False)
    assert "细目表尚未发布" in editor.get("/").text


def test_adding_points_goes_on_in_the_name_field(editor, organisation):
    level = make_level(organisation.organisation_id, is_published=False)
    tree = editor.get(f"/standards/levels/{level.standard_level_id}").text
    scope = re.search(r"scope=([0-9a-f-]{36})[^>]*>室内线路", tree).group(1)
    page = editor.post(
        f"/standards/scopes/{scope}/points", data={"name": "又一个", "importance": "X"}, follow_redirects=True
    )
    assert re.search(r'id="new-point-name"[^>]*autofocus', page.text)


def test_an_empty_level_is_deleted_from_its_form(editor, organisation):
    edition = make_edition(system_actor(organisation.organisation_id))
    editor.post(f"/standards/editions/{edition.standard_edition_id}/levels/new", data={"national": "5"})
    level = db.session.query(StandardLevel).one()
    form = editor.get(f"/standards/levels/{level.standard_level_id}/edit")
    assert f"/standards/levels/{level.standard_level_id}/delete" in form.text
    done = editor.post(f"/standards/levels/{level.standard_level_id}/delete", follow_redirects=True)
    assert "等级已删除" in done.text
    assert "这个版本还没有等级" in done.text

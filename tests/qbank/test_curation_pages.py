"""Checks, duplicates and words in the browser."""

from __future__ import annotations

import io

import pytest

from item_templates.contract import CanonicalItem
from kernel.identity.actor import Actor, permissions_of
from kernel.identity.permissions import Role
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from qbank.interchange.convert import write_items
from qbank.models.curation import ItemPair, LintWaiver, SensitiveWord
from qbank.models.items import ImportRun
from qbank.rules.items import ItemStatus
from qbank.rules.pairs import PairState
from qbank.services import duplicates, lint
from tests.factories.standards import make_level
from tests.qbank.item_bank import make_draft
from tests.qbank.test_curation import ABSOLUTE, OIL, OIL_EDITED, judged


@pytest.fixture
def level_id(organisation):
    return make_level(organisation.organisation_id).standard_level_id


@pytest.fixture
def user(make_user):
    return make_user(Role.EDITOR)


@pytest.fixture
def editor(user):
    return Actor(user.user_id, user.organisation_id, user.name, permissions_of([Role.EDITOR]), frozenset({Role.EDITOR}))


@pytest.fixture
def client(sign_in, user):
    return sign_in(user=user)


def test_what_stands_beside_an_item_is_waived_and_shown_to_reviewers(session, editor, client, sign_in, level_id):
    item = make_draft(editor, level_id, ABSOLUTE)
    address = f"/items/{item.item_id}"
    assert f'hx-get="{address}/checks"' in client.get(address).text
    fragment = client.get(f"{address}/checks", headers={"HX-Request": "true"}).text
    assert "<html" not in fragment
    assert "绝对化的词" in fragment
    answer = client.post(
        f"{address}/waivers", data={"rule": "absolute_words", "reason": "规程原文如此规定"}, follow_redirects=True
    )
    assert "已豁免" in answer.text
    reviewer = sign_in(Role.REVIEWER)
    seen = reviewer.get(f"{address}/checks").text
    assert "规程原文如此规定" in seen
    assert "撤销豁免" not in seen
    client.post(f"{address}/waivers", data={"rule": "absolute_words", "act": "withdraw"})
    session.expire_all()
    assert session.query(LintWaiver).one().withdrawn_at is not None


def test_the_preview_of_the_editor_names_hits_and_similar_items(editor, client, level_id):
    make_draft(editor, level_id, judged(OIL))
    form = {"stem": OIL_EDITED.replace("一般", "任何情况下"), "key": "true", "score": "1"}
    page = client.post(f"/items/preview?type=true_false&level={level_id}", data=form).text
    assert "绝对化的词" in page
    assert "相似试题" in page


def test_enemies_and_tags_are_set_on_the_page_of_an_item(session, editor, client, level_id):
    one, other = (make_draft(editor, level_id, judged(stem)) for stem in (OIL, "母线涂漆以便识别相序。"))
    client.post(f"/items/{one.item_id}/enemies", data={"code": other.code, "reason": "互相提示", "transitive": "1"})
    pair = session.query(ItemPair).one()
    assert (pair.state, pair.is_transitive) == (PairState.ENEMY, True)
    assert other.code in client.get(f"/items/{one.item_id}/checks").text
    wrong = client.post(f"/items/{one.item_id}/enemies", data={"code": "没有"}, follow_redirects=True)
    assert "没有编号为 没有 的其他试题" in wrong.text
    client.post(f"/items/{one.item_id}/tags", data={"tag": "重点"})
    assert "重点" in client.get(f"/items/{one.item_id}/checks").text


def test_pairs_are_shown_side_by_side_and_decided(session, editor, client, level_id):
    drafts = [make_draft(editor, level_id, judged(stem)) for stem in (OIL, OIL_EDITED)]
    assert "查重" in client.get("/duplicates/").text
    unchecked = client.get(f"/duplicates/{level_id}").text
    assert "没有这样的试题对" not in unchecked
    assert "点“开始查重”" in unchecked
    assert client.post(f"/duplicates/{level_id}/run").status_code == 303
    with unit_of_work(editor) as uow:
        job = duplicates.start_check(uow, level_id)
    run_job(job.job_id)
    page = client.get(f"/duplicates/{level_id}").text
    assert "<ins>" in page
    assert drafts[1].code in page
    assert "相似或互相提示的试题" in client.get("/").text
    pair = session.query(ItemPair).one()
    stale = client.post(
        f"/duplicates/pairs/{pair.item_pair_id}", data={"decision": "enemy", "version": "9"}, follow_redirects=True
    )
    assert "刚被他人处理" in stale.text
    decision = {"decision": "retire_second", "version": str(pair.version), "reason": "同一考点"}
    client.post(f"/duplicates/pairs/{pair.item_pair_id}", data=decision)
    session.expire_all()
    states = {session.get(type(one), one.item_id).status for one in drafts}
    assert states == {ItemStatus.DRAFT, ItemStatus.RETIRED}
    assert "同一考点" in client.get(f"/duplicates/{level_id}?state=duplicate").text
    assert "没有这样的试题对" in client.get(f"/duplicates/{level_id}?state=enemy").text


def test_the_catalogue_shows_every_rule_and_a_level_s_report_counts_them(editor, client, sign_in, level_id):
    make_draft(editor, level_id, ABSOLUTE)
    assert "答案位置分布" in sign_in(Role.AUTHOR).get("/lint/").text
    assert "还没有检查过" in client.get(f"/lint/levels/{level_id}").text
    assert client.post(f"/lint/levels/{level_id}/run").status_code == 303
    with unit_of_work(editor) as uow:
        job = lint.start_lint(uow, level_id)
    run_job(job.job_id)
    page = client.get(f"/lint/levels/{level_id}?rule=absolute_words").text
    assert "所有电气设备在任何情况下都必须停电检修" in page
    assert client.get("/lint/levels?level=").status_code == 303


def test_words_are_listed_and_taken_off(session, client, sign_in):
    assert client.post("/lint/words", data={"words": " "}).status_code == 422
    client.post("/lint/words", data={"words": "残废、聋哑", "advice": "改为规范称谓"})
    client.post("/lint/words", data={"words": "AGV", "kind": "known"})
    page = client.get("/lint/words").text
    assert "聋哑" in page
    word = session.query(SensitiveWord).filter_by(word="聋哑").one()
    client.post(f"/lint/words/{word.sensitive_word_id}/remove")
    assert "聋哑" not in client.get("/lint/words").text
    assert sign_in(Role.AUTHOR).get("/lint/words").status_code == 403


def test_a_file_s_summary_names_hits_and_what_its_items_are_like(session, editor, client, level_id):
    known = make_draft(editor, level_id, judged(OIL))
    file = [
        CanonicalItem("Q1", judged(OIL_EDITED)),
        CanonicalItem("Q2", ABSOLUTE),
        CanonicalItem("Q3", judged("别的话。")),
    ]
    data, _losses = write_items(file, "json")
    client.post("/imports/new", data={"file": (io.BytesIO(data), "题.json")}, content_type="multipart/form-data")
    run = session.query(ImportRun).one()
    address = f"/imports/{run.import_run_id}/quality"
    assert "选定标准等级后与题库比较" in client.get(address).text
    client.post(f"/imports/{run.import_run_id}/target", data={"version": run.version, "level": str(level_id)})
    page = client.get(address).text
    assert "绝对化的词" in page
    assert known.code in page
    assert address in client.get(f"/imports/{run.import_run_id}/check").text

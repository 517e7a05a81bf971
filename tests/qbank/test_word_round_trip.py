"""Items that go to an expert as a Word file and come back: what changed is a new version, everything else stays."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import docx
import pytest

from item_templates.contract import Choice, ItemContent
from kernel.identity.permissions import Permission, Role
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from qbank.models.items import ImportRun, Item
from qbank.repository import items as repository
from qbank.repository.items import ItemFilter
from qbank.rules.items import ImportState, ItemStatus
from qbank.rules.marks import StatedMarks
from qbank.services import exports, import_runs, items
from qbank.services.import_updates import match_items
from qbank.services.items import content_of
from tests.factories.standards import make_level
from tests.qbank.item_bank import choice, make_draft, submit

FORMULA = ItemContent(
    "single_choice", r"欧姆定律是（　）。", (Choice("A", r"\(I=\dfrac{U}{R}\)"), Choice("B", r"\(I=UR\)")), key="A"
)


@pytest.fixture
def level_id(organisation):
    return make_level(organisation.organisation_id).standard_level_id


@pytest.fixture
def editor(make_actor):
    return make_actor(Role.EDITOR)


@pytest.fixture
def bank(editor, level_id):
    """Four drafts, one of them with formulas."""
    texts = ["第一题：验电应（　）。", "第二题：挂牌应（　）。", "第三题：接地应（　）。"]
    return [make_draft(editor, level_id, choice(text)) for text in texts] + [make_draft(editor, level_id, FORMULA)]


@pytest.fixture
def client(sign_in, make_user):
    return sign_in(user=make_user(Role.EDITOR))


@pytest.fixture
def stranger(make_actor, other_organisation):
    return make_actor(Role.EDITOR, organisation_id=other_organisation.organisation_id)


def exported(editor, fmt="docx"):
    with unit_of_work(editor) as uow:
        return exports.export_items(uow, ItemFilter(), fmt=fmt).data


def edited(data, changes, *, added=()):
    """The file after an expert has changed words in Word and added paragraphs at its end."""
    document = docx.Document(io.BytesIO(data))
    for paragraph in document.paragraphs:
        for run in paragraph.runs:
            for old, new in changes.items():
                if old in run.text:
                    run.text = run.text.replace(old, new)
    for text in added:
        document.add_paragraph(text)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def upload(editor, level_id, data, name="专家.docx"):
    preview = import_runs.build_preview(import_runs.read_upload(data, name))
    with unit_of_work(editor) as uow:
        run = import_runs.start_run(uow, name=name, data=data, preview=preview)
    with unit_of_work(editor) as uow:
        target = import_runs.Target(level_id)
        return import_runs.choose_target(uow, run.import_run_id, version=run.version, target=target)


def place(run, item):
    """Where the file holds an item of the bank."""
    return next(one.number for one in import_runs.load_preview(run).items if one.code == item.code)


def brought_in(session, editor, run):
    with unit_of_work(editor) as uow:
        run = import_runs.confirm(uow, run.import_run_id, version=run.version, duplicates=run.duplicates)
    run_job(run.job_id)
    session.expire_all()
    return session.get(ImportRun, run.import_run_id)


def current(session, item) -> tuple[int, ItemContent]:
    session.expire_all()
    row = session.get(Item, item.item_id)
    version = repository.get_versions(session, [row.current_version_id])[row.current_version_id]
    return version.number, content_of(version)


def test_only_what_an_expert_changed_becomes_a_new_version(session, editor, level_id, bank):
    data = edited(exported(editor), {"第二题：挂牌应": "第二题：悬挂标示牌应"})
    run = brought_in(session, editor, upload(editor, level_id, data))
    assert (run.state, run.n_found, run.n_imported, run.n_updated, run.n_duplicates) == (ImportState.DONE, 4, 1, 1, 3)
    numbers = [current(session, item)[0] for item in bank]
    assert numbers == [1, 2, 1, 1]
    assert current(session, bank[1])[1].stem == "第二题：悬挂标示牌应（　）。"
    assert session.query(Item).count() == 4


def test_the_difference_is_shown_before_anything_is_saved(session, editor, level_id, bank, client):
    data = edited(exported(editor), {"第二题：挂牌应": "第二题：悬挂标示牌应"})
    run = upload(editor, level_id, data)
    page = client.get(f"/imports/{run.import_run_id}/check").get_data(as_text=True)
    assert "更新 1" in page
    assert bank[1].code in page
    assert "<ins>" in page
    assert "悬" in page
    assert page.count("将保存为新版本") >= 1
    assert current(session, bank[1])[0] == 1


def test_an_update_may_be_left_out(session, editor, level_id, bank, client):
    run = upload(editor, level_id, edited(exported(editor), {"第二题：挂牌应": "第二题：悬挂标示牌应"}))
    address = f"/imports/{run.import_run_id}/items/{place(run, bank[1])}/decision"
    client.post(address, data={"version": run.version, "decision": "skip"})
    session.expire_all()
    run = brought_in(session, editor, session.get(ImportRun, run.import_run_id))
    assert (run.n_updated, run.n_skipped) == (0, 1)
    assert current(session, bank[1])[0] == 1


def test_an_item_changed_in_the_bank_meanwhile_is_named_and_not_overwritten(session, editor, level_id, bank):
    data = edited(exported(editor), {"第一题：验电应": "第一题：验电前应", "第二题：挂牌应": "第二题：悬挂标示牌应"})
    with unit_of_work(editor) as uow:
        items.update_item(
            uow, bank[0].item_id, version=bank[0].version, content=choice("第一题：另一人的改法（　）。"), difficulty=3
        )
    run = brought_in(session, editor, upload(editor, level_id, data))
    assert (run.n_updated, run.n_skipped, run.n_duplicates) == (1, 1, 2)
    (notice,) = run.report["skipped"]
    assert notice["code"] == "item_changed_meanwhile"
    assert bank[0].code in notice["message"]
    assert "第 2 版" in notice["message"]
    assert current(session, bank[0])[1].stem == "第一题：另一人的改法（　）。"


def test_a_conflict_is_overwritten_only_when_a_person_says_so(session, editor, level_id, bank, client):
    data = edited(exported(editor), {"第一题：验电应": "第一题：验电前应"})
    with unit_of_work(editor) as uow:
        items.update_item(
            uow, bank[0].item_id, version=bank[0].version, content=choice("第一题：另一人的改法（　）。"), difficulty=3
        )
    run = upload(editor, level_id, data)
    page = client.get(f"/imports/{run.import_run_id}/check?kind=conflicts").get_data(as_text=True)
    assert "仍按文件更新" in page
    address = f"/imports/{run.import_run_id}/items/{place(run, bank[0])}/decision"
    client.post(address, data={"version": run.version, "decision": "update"})
    session.expire_all()
    run = brought_in(session, editor, session.get(ImportRun, run.import_run_id))
    assert run.n_updated == 1
    assert current(session, bank[0]) == (3, choice("第一题：验电前应（　）。"))


def test_what_an_expert_did_not_touch_is_no_conflict_when_the_bank_went_on(session, editor, level_id, bank):
    data = exported(editor)
    with unit_of_work(editor) as uow:
        items.update_item(
            uow, bank[0].item_id, version=bank[0].version, content=choice("第一题：另一人的改法（　）。"), difficulty=3
        )
    run = brought_in(session, editor, upload(editor, level_id, data))
    assert (run.n_updated, run.n_skipped, run.n_duplicates) == (0, 0, 4)


def test_items_taken_out_of_the_file_stay_in_the_bank_and_new_ones_come_in_as_drafts(session, editor, level_id, bank):
    document = docx.Document(io.BytesIO(exported(editor)))
    texts = [paragraph.text for paragraph in document.paragraphs]
    start = next(i for i, text in enumerate(texts) if "第三题" in text)
    end = next(i for i, text in enumerate(texts) if i > start and text.startswith("附加信息")) + 1
    for paragraph in document.paragraphs[start:end]:
        paragraph._p.getparent().remove(paragraph._p)
    buffer = io.BytesIO()
    document.save(buffer)
    added = ["5. 新加的题：绝缘手套应（　）。", "A. 定期试验", "B. 随意使用", "答案：A"]
    run = brought_in(session, editor, upload(editor, level_id, edited(buffer.getvalue(), {}, added=added)))
    assert (run.n_found, run.n_imported, run.n_updated, run.n_duplicates) == (4, 1, 0, 3)
    assert session.query(Item).filter(Item.removed_at.is_(None)).count() == 5
    fresh = session.query(Item).filter_by(import_run_id=run.import_run_id).one()
    assert fresh.status is ItemStatus.DRAFT
    assert "题库版本" not in fresh.extra


def test_an_item_in_review_is_named_and_left_alone(session, editor, level_id, bank):
    data = edited(exported(editor), {"第一题：验电应": "第一题：验电前应"})
    submit(editor, bank[0])
    run = brought_in(session, editor, upload(editor, level_id, data))
    assert [one["code"] for one in run.report["skipped"]] == ["item_locked"]
    assert current(session, bank[0])[0] == 1


def test_a_file_that_lost_its_hidden_text_still_finds_its_items_and_versions(session, editor, level_id, bank):
    document = docx.Document(io.BytesIO(exported(editor)))
    for paragraph in list(document.paragraphs):
        if paragraph.text.startswith("附加信息"):
            paragraph._p.getparent().remove(paragraph._p)
    buffer = io.BytesIO()
    document.save(buffer)
    data = edited(buffer.getvalue(), {"第二题：挂牌应": "第二题：悬挂标示牌应"})
    assert any(name.startswith("customXml/") for name in zipfile.ZipFile(io.BytesIO(data)).namelist())
    with unit_of_work(editor) as uow:
        items.update_item(
            uow, bank[1].item_id, version=bank[1].version, content=choice("第二题：另一人的改法（　）。"), difficulty=3
        )
    run = brought_in(session, editor, upload(editor, level_id, data))
    assert [one["code"] for one in run.report["skipped"]] == ["item_changed_meanwhile"]
    assert (run.n_updated, run.n_duplicates) == (0, 3)


def test_undoing_the_import_gives_updated_items_their_old_content_back(session, editor, level_id, bank):
    data = edited(exported(editor), {"第一题：验电应": "第一题：验电前应", "第二题：挂牌应": "第二题：悬挂标示牌应"})
    run = brought_in(session, editor, upload(editor, level_id, data))
    with unit_of_work(editor) as uow:
        item = session.get(Item, bank[1].item_id)
        items.update_item(
            uow, item.item_id, version=item.version, content=choice("第二题：又改了（　）。"), difficulty=3
        )
    with unit_of_work(editor) as uow:
        assert import_runs.undo_run(uow, run.import_run_id) == 1
    assert current(session, bank[0]) == (3, choice("第一题：验电应（　）。"))
    assert current(session, bank[1]) == (3, choice("第二题：又改了（　）。"))


@pytest.mark.parametrize("fmt", ["xlsx", "json", "csv"])
def test_other_formats_go_the_same_way(session, editor, level_id, bank, fmt):
    data = exported(editor, fmt)
    run = brought_in(session, editor, upload(editor, level_id, data, f"a.{fmt}"))
    assert (run.n_found, run.n_updated, run.n_duplicates) == (4, 0, 4)


def test_codes_of_another_organisation_mean_nothing_here(session, editor, bank, stranger):
    data = exported(editor)
    other_level = make_level(stranger.organisation).standard_level_id
    run = brought_in(session, stranger, upload(stranger, other_level, data))
    assert (run.n_imported, run.n_updated) == (4, 0)
    assert [current(session, item)[0] for item in bank] == [1, 1, 1, 1]
    assert run.organisation_id == stranger.organisation


def test_marks_changed_in_a_file_come_back_without_a_new_version_and_can_be_undone(
    session, editor, level_id, bank, client
):
    file = json.loads(exported(editor, "json"))
    by_code = {one["id"]: one["metadata"] for one in file["items"]}
    by_code[bank[0].code] |= {"认知层次": "应用", "试测": "是"}
    by_code[bank[1].code] |= {"认知层次": "没有这一层"}
    by_code[bank[2].code] |= {"试测": "否"}
    submit(editor, bank[0])
    run = upload(editor, level_id, json.dumps(file).encode(), "a.json")
    page = client.get(f"/imports/{run.import_run_id}/check").text
    assert "更新 1" in page
    assert "试测" in page
    run = brought_in(session, editor, run)
    assert (run.n_found, run.n_updated, run.n_duplicates) == (4, 1, 3)
    marks = {item.code: (item.cognitive, item.is_trial) for item in session.query(Item)}
    assert marks == dict.fromkeys(by_code, ("", False)) | {bank[0].code: ("应用", True)}
    assert current(session, bank[0])[0] == 1
    with unit_of_work(editor) as uow:
        assert import_runs.undo_run(uow, run.import_run_id) == 1
    session.expire_all()
    item = session.get(Item, bank[0].item_id)
    assert (item.cognitive, item.is_trial, item.status) == ("", False, ItemStatus.IN_REVIEW)


def test_who_may_put_nothing_on_trial_does_not_do_so_by_a_file(session, editor, level_id, bank):
    file = json.loads(exported(editor, "json"))
    file["items"][0]["metadata"] |= {"认知层次": "识记", "试测": "是"}
    candidates = [
        one.candidate
        for one in import_runs.load_preview(upload(editor, level_id, json.dumps(file).encode(), "a.json")).items
    ]
    limited = replace(editor, permissions=editor.permissions - {Permission.ITEM_RETIRE})
    assert match_items(session, editor, candidates)[0].marks == StatedMarks("识记", is_trial=True)
    assert match_items(session, limited, candidates)[0].marks == StatedMarks("识记")

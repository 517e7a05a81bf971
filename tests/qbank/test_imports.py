from __future__ import annotations

import json
import uuid
from dataclasses import replace

import pytest

from item_templates.canonical import content_digest
from item_templates.contract import CanonicalItem, ItemContent
from kernel import audit
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.permissions import Role
from kernel.jobs.models import Job, JobStatus
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from qbank.interchange.convert import read_items, write_items
from qbank.repository import items as repository
from qbank.repository.items import ItemFilter
from qbank.rules.items import DuplicatePolicy, ImportState
from qbank.services import exports, import_runs, imports, items
from tests.factories.standards import make_level
from tests.qbank.item_bank import choice, picture, submit


@pytest.fixture
def level_id(organisation):
    return make_level(organisation.organisation_id).standard_level_id


@pytest.fixture
def editor(make_actor):
    return make_actor(Role.EDITOR)


def canonical(n: int, *, points=("A-A-A-001",), **kwargs) -> CanonicalItem:
    return CanonicalItem(f"Q{n}", choice(f"第 {n} 题应选（　）。"), points=points, difficulty=2, **kwargs)


def with_picture(n: int) -> tuple[CanonicalItem, dict[str, bytes]]:
    data = picture()
    import hashlib

    digest = hashlib.sha256(data).hexdigest()
    content = ItemContent(
        "true_false", f'第 {n} 题：<img src="media:p1" alt="接线图">所示接法正确。', key=True,
        media=({"id": "p1", "digest": digest, "mime": "image/png", "alt": "接线图"},),
    )  # fmt: skip
    return CanonicalItem(f"P{n}", content, points=("A-A-A-001",)), {digest: data}


def import_all(editor, data, level_id, name="items.json", **kwargs):
    report = read_items(data, name)
    with unit_of_work(editor) as uow:
        return imports.import_items(uow, report, standard_level_id=level_id, **kwargs)


def listed(session, actor):
    return [row.item for row in repository.list_items(session, actor=actor, wanted=ItemFilter(), per_page=200)[0]]


def balance(body):
    return body["found"] == body["imported"] + body["duplicates"] + len(body["skipped"])


@pytest.mark.parametrize("fmt", ["xlsx", "docx", "csv", "text", "json", "moodle-xml", "gift"])
def test_every_format_comes_in_with_a_balance_that_closes(session, editor, level_id, fmt):
    data, _losses = write_items([canonical(n) for n in range(12)], fmt)
    body = import_all(editor, data, level_id, f"items.{fmt}").to_json()
    assert (body["found"], body["imported"], body["duplicates"]) == (12, 12, 0)
    assert balance(body)
    again = import_all(editor, data, level_id, f"items.{fmt}").to_json()
    assert (again["found"], again["imported"], again["duplicates"]) == (12, 0, 12)
    assert balance(again)
    assert len(listed(session, editor)) == 12
    assert audit.verify(session).broken is None


def test_faulty_items_of_a_sheet_are_named_and_the_rest_comes_in(editor, level_id):
    rows = (
        "题干,选项A,选项B,答案,题型\n甲（　）。,对,错,A,单选题\n乙（　）。,对,错,,单选题\n甲（　）。,对,错,A,单选题\n"
    )
    body = import_all(editor, rows.encode(), level_id, "t.csv").to_json()
    assert (body["found"], body["imported"], body["duplicates"], len(body["skipped"])) == (3, 1, 1, 1)
    assert body["skipped"][0]["code"] == "no_key"
    assert balance(body)


def test_points_are_found_by_full_code_and_unknown_ones_fall_back(session, editor, level_id):
    given = [canonical(1), canonical(2, points=("Z-Z-Z-999",)), canonical(3, points=())]
    data, _ = write_items(given, "json")
    outcome = import_all(editor, data, level_id, default_point="B-A-A-002")
    codes = {item.origin_code: item for item in listed(session, editor)}
    points = repository.points_of_versions(session, [item.current_version_id for item in codes.values()])
    found = {name: [p.full_code for p in points[item.current_version_id]] for name, item in codes.items()}
    assert found == {"Q1": ["A-A-A-001"], "Q2": ["B-A-A-002"], "Q3": ["B-A-A-002"]}
    assert [notice.code for notice in outcome.warnings] == ["unknown_point"]
    assert codes["Q2"].extra == {"鉴定点": "Z-Z-Z-999"}


def test_a_default_point_that_the_level_does_not_have_is_refused(editor, level_id):
    data, _ = write_items([canonical(1)], "json")
    with pytest.raises(InvalidInputError, match="X-9"):
        import_all(editor, data, level_id, default_point="X-9")


def test_duplicates_may_be_imported_all_the_same(session, editor, level_id):
    data, _ = write_items([canonical(1)], "json")
    import_all(editor, data, level_id)
    outcome = import_all(editor, data, level_id, options=imports.ImportOptions(duplicates=DuplicatePolicy.IMPORT))
    assert (outcome.n_imported, len(outcome.duplicates)) == (1, 0)
    assert [notice.code for notice in outcome.warnings] == ["duplicate_of"]
    assert balance(outcome.to_json())


def test_pictures_come_along_and_go_out_again_with_equal_digests(
    session, editor, level_id, make_actor, other_organisation
):
    item, media = with_picture(1)
    data, _ = write_items([item, canonical(2)], "json", media)
    import_all(editor, data, level_id)
    with unit_of_work(editor) as uow:
        exported = exports.export_items(uow, ItemFilter(), fmt="json")
    elsewhere = make_level(other_organisation.organisation_id, code="ELSEWHERE")
    stranger = make_actor(Role.EDITOR, organisation_id=other_organisation.organisation_id)
    import_all(stranger, exported.data, elsewhere.standard_level_id)
    here, there = ({one.content_digest for one in listed(session, actor)} for actor in (editor, stranger))
    assert here == there
    shown = next(one for one in listed(session, stranger) if one.type == "true_false")
    version = repository.get_versions(session, [shown.current_version_id])[shown.current_version_id]
    (medium,) = version.content["media"]
    assert medium["alt"] == "接线图"
    from qbank import public

    data, mime = public.read_media(session, stranger.organisation, medium["id"])
    assert (mime, data[:4]) == ("image/png", b"\x89PNG")


@pytest.mark.parametrize("fmt", ["xlsx", "docx", "json"])
def test_what_is_exported_reads_back_to_the_same_contents(session, editor, level_id, fmt):
    data, _ = write_items([canonical(n) for n in range(5)], "json")
    import_all(editor, data, level_id)
    with unit_of_work(editor) as uow:
        exported = exports.export_items(uow, ItemFilter(), fmt=fmt)
    read = read_items(exported.data, f"x{exported.extension}")
    assert {content_digest(one.item.content) for one in read.items} == {
        one.content_digest for one in listed(session, editor)
    }


def test_four_hundred_items_come_in_within_seconds_and_few_statements(session, editor, level_id):
    from kernel.clock import monotonic
    from tests.qbank.item_bank import counted_queries

    data, _ = write_items([canonical(n) for n in range(400)], "json")
    report = read_items(data, "items.json")
    begin = monotonic()
    with counted_queries() as sent, unit_of_work(editor) as uow:
        outcome = imports.import_items(uow, report, standard_level_id=level_id)
    assert outcome.n_imported == 400
    assert len(sent) < 30
    assert monotonic() - begin < 10


def test_only_those_who_may_import_do(make_actor, level_id):
    data, _ = write_items([canonical(1)], "json")
    with pytest.raises(ForbiddenError):
        import_all(make_actor(Role.AUTHOR), data, level_id)


def test_a_level_of_another_organisation_is_not_found(editor, other_organisation):
    level = make_level(other_organisation.organisation_id)
    data, _ = write_items([canonical(1)], "json")
    with pytest.raises(NotFoundError):
        import_all(editor, data, level.standard_level_id)


# --- in the browser --------------------------------------------------------------------------------------------------


def upload(editor, data, name="items.csv", level_id=None, **target):
    preview = import_runs.build_preview(import_runs.read_upload(data, name))
    with unit_of_work(editor) as uow:
        run = import_runs.start_run(uow, name=name, data=data, preview=preview)
    if level_id:
        with unit_of_work(editor) as uow:
            wanted = import_runs.Target(level_id, **target)
            run = import_runs.choose_target(uow, run.import_run_id, version=run.version, target=wanted)
    return run


def confirm(editor, run, duplicates=DuplicatePolicy.SKIP):
    with unit_of_work(editor) as uow:
        run = import_runs.confirm(uow, run.import_run_id, version=run.version, duplicates=duplicates)
    return run_job(run.job_id)


def test_nothing_is_in_the_bank_before_somebody_confirms(session, editor, level_id):
    data, _ = write_items([canonical(n) for n in range(3)], "xlsx")
    run = upload(editor, data, "items.xlsx", level_id)
    assert listed(session, editor) == []
    assert len(import_runs.load_preview(run).items) == 3
    assert confirm(editor, run) is JobStatus.DONE
    session.refresh(run)
    assert (run.state, run.n_found, run.n_imported) == (ImportState.DONE, 3, 3)
    assert {item.import_run_id for item in listed(session, editor)} == {run.import_run_id}
    assert session.get(Job, run.job_id).result == {"found": 3, "imported": 3, "duplicates": 0, "skipped": 0}


def test_running_the_job_twice_imports_once(session, editor, level_id):
    data, _ = write_items([canonical(1)], "json")
    run = upload(editor, data, "items.json", level_id)
    confirm(editor, run)
    session.refresh(run)
    assert run_job(run.job_id) is JobStatus.DONE
    assert len(listed(session, editor)) == 1


def test_the_preview_marks_what_the_bank_has_and_what_the_file_repeats(session, editor, level_id):
    import_all(editor, write_items([canonical(1)], "json")[0], level_id)
    data, _ = write_items([canonical(1), canonical(2), replace(canonical(2), id="Q2b")], "json")
    run = upload(editor, data, "items.json", level_id)
    preview = import_runs.with_duplicates(session, editor, import_runs.load_preview(run))
    marked = [any(n.code == "duplicate_of" for n in one.notices) for one in preview.items]
    assert marked == [True, False, True]


def test_a_whole_import_can_be_undone_while_its_items_are_drafts_and_repeated_afterwards(session, editor, level_id):
    data, _ = write_items([canonical(n) for n in range(3)], "json")
    run = upload(editor, data, "items.json", level_id)
    confirm(editor, run)
    with unit_of_work(editor) as uow:
        assert import_runs.undo_run(uow, run.import_run_id) == 3
    assert listed(session, editor) == []
    second = upload(editor, data, "items.json", level_id)
    confirm(editor, second)
    session.refresh(second)
    assert (second.n_imported, second.n_duplicates) == (3, 0)


def test_an_import_with_submitted_items_cannot_be_undone(session, editor, level_id):
    data, _ = write_items([canonical(n) for n in range(2)], "json")
    run = upload(editor, data, "items.json", level_id)
    confirm(editor, run)
    submit(editor, listed(session, editor)[0])
    with pytest.raises(ConflictError, match="1 题已提交"), unit_of_work(editor) as uow:
        import_runs.undo_run(uow, run.import_run_id)
    assert len(listed(session, editor)) == 2


def test_a_draft_that_was_edited_goes_with_its_import(session, editor, level_id):
    run = upload(editor, write_items([canonical(1)], "json")[0], "items.json", level_id)
    confirm(editor, run)
    (item,) = listed(session, editor)
    with unit_of_work(editor) as uow:
        items.update_item(uow, item.item_id, version=item.version, content=choice("改过（　）。"))
    with unit_of_work(editor) as uow:
        assert import_runs.undo_run(uow, run.import_run_id) == 1


def test_an_unreadable_upload_is_refused_with_the_reason(editor):
    with pytest.raises(InvalidInputError) as refused:
        import_runs.read_upload(b"PK\x03\x04 no zip", "x.docx")
    assert "file" in refused.value.fields


def test_the_run_of_another_organisation_does_not_exist(session, editor, level_id, make_actor, other_organisation):
    run = upload(editor, write_items([canonical(1)], "json")[0], "items.json", level_id)
    stranger = make_actor(Role.EDITOR, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        import_runs.undo_run(uow, run.import_run_id)
    with pytest.raises(NotFoundError):
        import_runs.read_preview_medium(session, stranger, f"import.{run.import_run_id.hex}.{'0' * 64}")


def test_the_pictures_of_a_preview_are_seen_before_anything_is_saved(session, editor, level_id):
    item, media = with_picture(1)
    run = upload(editor, write_items([item], "json", media)[0], "items.json", level_id)
    (one,) = import_runs.load_preview(run).items
    (medium,) = one.content.media
    data, mime = import_runs.read_preview_medium(session, editor, medium["id"])
    assert (data[:4], mime) == (b"\x89PNG", "image/png")
    assert f'src="media:{medium["id"]}"' in one.content.stem
    assert import_runs.read_preview_medium(session, editor, "0" * 64) is None


def test_a_failed_job_can_be_confirmed_anew(session, editor, level_id):
    run = upload(editor, write_items([canonical(1)], "json")[0], "items.json", level_id)
    original = import_runs.folder_of(run.import_run_id) / "original"
    kept = original.read_bytes()
    original.unlink()
    assert confirm(editor, run) is JobStatus.FAILED
    original.write_bytes(kept)
    session.refresh(run)
    with unit_of_work(editor) as uow:
        import_runs.reopen_run(uow, run.import_run_id)
    assert confirm(editor, run) is JobStatus.DONE
    assert len(listed(session, editor)) == 1


def test_the_point_picker_understands_codes_names_and_parts_of_names():
    from types import SimpleNamespace

    points = [
        SimpleNamespace(full_code="A-A-A-001", name="职业守则"),
        SimpleNamespace(full_code="A-A-A-002", name="守则细则"),
    ]
    for text in ("a-a-a-001", "A-A-A-001 职业守则", "职业守则", "职业"):
        assert import_runs.match_point(points, text) is points[0], text
    assert import_runs.match_point(points, "守则") is None
    assert import_runs.match_point(points, "") is None


def test_the_report_of_a_run_is_that_of_the_command(session, editor, level_id):
    run = upload(editor, write_items([canonical(1)], "json")[0], "items.json", level_id)
    confirm(editor, run)
    session.refresh(run)
    body = json.loads(json.dumps(run.report))
    assert set(body) == {"source", "format", "found", "imported", "duplicates", "skipped", "losses", "warnings"}
    assert uuid.UUID(str(run.import_run_id))

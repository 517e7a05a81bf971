from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from item_templates.contract import CanonicalItem
from kernel.audit.models import AuditEvent
from kernel.errors import InvalidInputError, NotFoundError
from qbank.cli import bank
from qbank.interchange.convert import read_items, write_items
from qbank.models.items import Item, ItemVersion, Media
from qbank.services.media import media_folder
from tests.factories.standards import make_level
from tests.qbank.item_bank import choice


@pytest.fixture
def level(organisation):
    return make_level(organisation.organisation_id)


@pytest.fixture
def source(tmp_path) -> Path:
    path = tmp_path / "items.docx"
    items = [CanonicalItem(f"Q{n}", choice(f"第 {n} 题应选（　）。"), points=("A-A-A-001",)) for n in range(4)]
    path.write_bytes(write_items(items, "docx")[0])
    return path


def run(*args: object):
    return CliRunner().invoke(bank, [str(arg) for arg in args])


def import_file(*args: object):
    return run("import", *args, "--standard", "6-31-01-03", "--level", "4")


def counts(session):
    return [session.scalar(select(func.count()).select_from(table)) for table in (Item, ItemVersion, Media, AuditEvent)]


def test_a_word_file_comes_into_the_bank_with_the_promised_report(session, level, source, tmp_path):
    report = tmp_path / "report.json"
    result = import_file(source, "--report", report)
    assert result.exit_code == 0, result.output
    body = json.loads(report.read_text("utf-8"))
    assert (body["found"], body["imported"], body["duplicates"], body["skipped"]) == (4, 4, 0, [])
    assert "converted" not in body
    assert counts(session)[0] == 4
    import_file(source, "--report", report)
    body = json.loads(report.read_text("utf-8"))
    assert (body["found"], body["imported"], body["duplicates"]) == (4, 0, 4)
    assert counts(session)[0] == 4


def test_a_dry_run_reports_the_same_and_changes_nothing(session, level, source, tmp_path):
    before, report = counts(session), tmp_path / "report.json"
    files = set(media_folder().glob("*"))
    result = import_file(source, "--dry-run", "--report", report)
    assert result.exit_code == 0, result.output
    assert json.loads(report.read_text("utf-8"))["imported"] == 4
    assert counts(session) == before
    assert set(media_folder().glob("*")) == files


def test_an_unreadable_file_leaves_the_database_as_it_was(session, level, tmp_path):
    broken, report = tmp_path / "broken.docx", tmp_path / "report.json"
    broken.write_bytes(b"PK\x03\x04 this is no archive")
    before = counts(session)
    result = import_file(broken, "--report", report)
    assert result.exit_code == 1
    body = json.loads(report.read_text("utf-8"))
    assert body["found"] == 0
    assert body["error"]["code"] == "damaged_file"
    assert counts(session) == before


def test_several_files_are_reported_one_by_one_with_totals(session, level, source, tmp_path):
    broken, report = tmp_path / "broken.xlsx", tmp_path / "report.json"
    broken.write_bytes(b"PK\x03\x04")
    result = import_file(source, broken, source, "--report", report)
    assert result.exit_code == 1
    body = json.loads(report.read_text("utf-8"))
    assert [one["source"] for one in body["files"]] == ["items.docx", "broken.xlsx", "items.docx"]
    totals = body["totals"]
    assert (totals["found"], totals["imported"], totals["duplicates"], totals["errors"]) == (8, 4, 4, 1)
    assert counts(session)[0] == 4


def test_skipped_items_make_the_exit_status_one(level, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("题干,选项A,选项B,答案,题型\n甲（　）。,对,错,A,单选题\n乙（　）。,对,错,,单选题\n", "utf-8")
    result = import_file(path)
    assert result.exit_code == 1
    assert "发现 2 = 导入 1 + 重复 0 + 跳过 1" in result.output


def test_items_without_a_point_go_to_the_named_one(session, level, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("题干,选项A,选项B,答案,题型\n甲（　）。,对,错,A,单选题\n", "utf-8")
    assert import_file(path, "--point", "B-A-B-001", "--difficulty", "4").exit_code == 0
    assert session.scalars(select(Item.difficulty)).one() == 4
    out = tmp_path / "out.json"
    assert run("export", "--to", "json", "--out", out).exit_code == 0
    assert json.loads(out.read_text("utf-8"))["items"][0]["points"] == ["B-A-B-001"]


def test_export_writes_what_was_asked_for_in_every_format(level, source, tmp_path):
    import_file(source)
    for fmt in ("json", "xlsx", "docx", "csv", "text"):
        out = tmp_path / f"out.{fmt}"
        result = run("export", "--to", fmt, "--out", out, "--standard", "6-31-01-03", "--level", "4")
        assert result.exit_code == 0, result.output
        assert len(read_items(out.read_bytes(), out.name).items) == 4
    out = tmp_path / "approved.json"
    run("export", "--to", "json", "--out", out, "--status", "approved")
    assert json.loads(out.read_text("utf-8")) == {"items": []}


def test_unknown_standards_and_levels_are_refused_by_name(level, source, tmp_path):
    result = run("import", source, "--standard", "NONE", "--level", "4")
    assert isinstance(result.exception, NotFoundError)
    assert "NONE" in result.exception.message
    result = run("export", "--to", "json", "--out", tmp_path / "x.json", "--standard", "NONE")
    assert isinstance(result.exception, NotFoundError)


def test_the_organisation_must_be_named_when_there_are_several(level, source, other_organisation):
    result = import_file(source)
    assert isinstance(result.exception, InvalidInputError)
    assert "DEMO" in result.exception.message
    assert "OTHER" in result.exception.message
    assert import_file(source, "--organisation", "DEMO").exit_code == 0


def test_wrong_usage_is_told_apart_from_refused_work(level, tmp_path):
    assert run("import", tmp_path / "missing.docx", "--standard", "x", "--level", "4").exit_code == 2
    assert run("import", "--standard", "x", "--level", "4").exit_code == 2
    assert run("export", "--to", "parchment", "--out", tmp_path / "x").exit_code == 2

"""``kaoku convert`` from outside: files, reports and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from qbank.interchange.command import convert
from qbank.interchange.convert import UnsupportedFormatError, read_items, to_report, write_items
from tests.qbank.interchange.interchange_items import choice_json, workbook


def run(*arguments: object) -> Result:
    return CliRunner().invoke(convert, [str(one) for one in arguments])


def test_a_clean_file_is_converted_with_status_0(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(choice_json())
    out, report = tmp_path / "b.xlsx", tmp_path / "r.json"
    result = run(tmp_path / "a.json", "--to", "xlsx", "--out", out, "--report", report)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "共 1 题" in result.stderr
    assert len(read_items(out.read_bytes(), "b").items) == 1
    body = json.loads(report.read_text("utf-8"))
    assert body == {
        "source": "a.json",
        "format": "json",
        "found": 1,
        "converted": 1,
        "skipped": [],
        "losses": [],
        "warnings": [],
    }


def test_a_file_with_a_skipped_item_has_status_1_and_writes_the_rest(tmp_path: Path) -> None:
    rows = [
        ["题干", "选项A", "选项B", "答案"],
        ["红色表示（ ）。", "禁止", "指令", "A"],
        ["绿色表示（ ）。", "提示", "指令", "C"],
    ]
    (tmp_path / "a.xlsx").write_bytes(workbook({"单选": rows}))
    out, report = tmp_path / "b.json", tmp_path / "r.json"
    assert run(tmp_path / "a.xlsx", "--to", "json", "--out", out, "--report", report).exit_code == 1
    body = json.loads(report.read_text("utf-8"))
    assert (body["found"], body["converted"], len(json.loads(out.read_text("utf-8"))["items"])) == (2, 1, 1)
    assert body["skipped"][0] == {
        "locator": "sheet 单选 row 3", "code": "key_outside_options", "message": body["skipped"][0]["message"], "excerpt": "绿色表示（ ）。",
    }  # fmt: skip


def test_an_unreadable_file_has_status_1_an_error_in_the_report_and_no_output(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04 broken")
    out, report = tmp_path / "b.json", tmp_path / "r.json"
    result = run(tmp_path / "a.xlsx", "--to", "json", "--out", out, "--report", report)
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert not out.exists()
    body = json.loads(report.read_text("utf-8"))
    assert (body["found"], body["error"]["code"]) == (0, "damaged_file")


@pytest.mark.parametrize("name", ["qti12", "xls"])
def test_a_format_that_can_only_be_read_is_refused_with_a_report(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.json").write_bytes(choice_json())
    report = tmp_path / "r.json"
    assert run(tmp_path / "a.json", "--to", name, "--out", tmp_path / "b", "--report", report).exit_code == 1
    assert json.loads(report.read_text("utf-8"))["error"]["code"] == "unsupported_format"
    assert not (tmp_path / "b").exists()


def test_wrong_usage_has_status_2(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(choice_json())
    (tmp_path / "m.json").write_text("[]")
    source, out = tmp_path / "a.json", tmp_path / "b"
    assert run(source, "--to", "pdf", "--out", out).exit_code == 2
    assert run(source, "--out", out).exit_code == 2
    assert run(tmp_path / "missing", "--to", "json", "--out", out).exit_code == 2
    assert run(source, "--to", "json", "--out", out, "--mapping", tmp_path / "m.json").exit_code == 2


def test_a_named_format_that_the_file_has_not_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(choice_json())
    assert run(tmp_path / "a.json", "--to", "json", "--from", "xlsx", "--out", tmp_path / "b").exit_code == 1


def test_writing_a_format_that_is_for_reading_alone_is_refused() -> None:
    with pytest.raises(UnsupportedFormatError):
        write_items([], "xls")


def test_several_reports_have_totals_that_balance() -> None:
    reports = [read_items(choice_json(), "a"), read_items(choice_json(key="C"), "b"), read_items(b"", "c")]
    body = to_report(reports)
    assert [one["source"] for one in body["files"]] == ["a", "b", "c"]
    assert body["totals"] == {"found": 2, "converted": 1, "skipped": 1, "losses": 0, "warnings": 0, "errors": 1}

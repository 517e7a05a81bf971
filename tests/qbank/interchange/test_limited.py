"""Reading in a process of its own says the same as reading here, and its limits hold."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from kernel import confined, confined_process
from kernel.settings import SettingsError
from qbank.interchange.columns import ColumnMapping
from qbank.interchange.convert import read_items, write_items
from qbank.interchange.guard import UnreadableFileError
from qbank.interchange.limited import ReadLimits, read_limited, sheets_limited
from qbank.interchange.preview import sheets_of
from tests.qbank.interchange.interchange_items import choice_json, example, with_picture, workbook

TABLE = workbook(
    {"单选": [["题干", "选项A", "选项B", "答案"], ["红色表示（ ）。", "禁止", "指令", "A"], ["坏", "", "", "Z"]]}
)


@pytest.mark.parametrize("fmt", ["json", "xlsx", "docx", "text", "moodle-xml", "gift"])
def test_the_report_is_the_same_as_without_the_process(fmt: str) -> None:
    picture, media = with_picture()
    data, _ = write_items([picture, example("numeric"), example("matching"), example("fill_in")], fmt, media)
    assert read_limited(data, "题目") == read_items(data, "题目")


def test_the_mapping_goes_along() -> None:
    mapping = ColumnMapping.from_json(
        {"sheets": {"*": {"header_row": 0, "fields": {"stem": 1, "answer": 3}, "options": [0, 2]}}}
    )
    assert read_limited(TABLE, "a.xlsx", "xlsx", mapping) == read_items(TABLE, "a.xlsx", "xlsx", mapping)


def test_sheets_are_the_same_and_refusals_too() -> None:
    assert sheets_limited(TABLE, "xlsx") == sheets_of(TABLE, "xlsx")
    with pytest.raises(UnreadableFileError, match="损坏"):
        sheets_limited(b"PK\x03\x04", "xlsx")
    with pytest.raises(UnreadableFileError, match="不是表格"):
        sheets_limited(b"x", "text")


def big_json() -> bytes:
    one = json.loads(choice_json())["items"][0]
    return json.dumps({"items": [one | {"id": str(n), "stem": f"第{n}题" + "长" * 40} for n in range(15_000)]}).encode()


@pytest.mark.parametrize(
    ("limits", "code", "setting"),
    [
        (ReadLimits(memory_mb=96), "memory_limit", "KAOKU_IMPORT_MEMORY_MB"),
        (ReadLimits(cpu_seconds=1), "cpu_limit", "KAOKU_IMPORT_CPU_SECONDS"),
        (ReadLimits(seconds=1), "time_limit", "KAOKU_IMPORT_SECONDS"),
        (ReadLimits(answer_bytes=100_000), "result_too_large", "MB"),
    ],
)
def test_each_limit_is_named_and_this_process_goes_on(limits: ReadLimits, code: str, setting: str) -> None:
    report = read_limited(big_json(), "大.json", limits=limits)
    assert report.error is not None
    assert report.error.code == code
    assert setting in report.error.message
    assert (report.source, report.found) == ("大.json", 0)


def test_the_process_gets_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KAOKU_SECRET_KEY", "x" * 40)
    monkeypatch.setenv("PGPASSWORD", "x")
    assert set(confined._environment(tmp_path)) <= {"PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "LC_ALL", "HOME", "TMPDIR"}


def test_limits_come_from_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAOKU_IMPORT_MEMORY_MB", "512")
    assert ReadLimits.from_settings() == ReadLimits(memory_mb=512)
    for wrong in ("10", "viel"):
        monkeypatch.setenv("KAOKU_IMPORT_MEMORY_MB", wrong)
        with pytest.raises(SettingsError, match="KAOKU_IMPORT_MEMORY_MB"):
            ReadLimits.from_settings()


def test_a_process_cannot_write_more_than_it_may(tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:  # pragma: no cover - the bounded process
        try:
            confined_process.bound_process(1 << 30, 5, 1000)
            (tmp_path / "big").write_bytes(b"0" * 5000)
        except OSError as error:
            os._exit(40 if error.errno == 27 else 41)
        os._exit(42)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 40

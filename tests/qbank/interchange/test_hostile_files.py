"""A hostile file costs a clear error or a plain reading, in bounded time and memory, and leaves nothing behind."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest

from qbank.interchange.limited import ReadLimits, read_limited
from tests.qbank.interchange.hostile_files import CORPUS, Hostile

LIMITS = ReadLimits(cpu_seconds=4, seconds=100)
CHILD_LIMITS = {"cpu_limit", "memory_limit", "time_limit", "result_too_large"}
MOST_GROWTH_KB = 64 * 1024


def peak_kb() -> int:
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, which is the place for temporary files too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) >= 60
    assert len({one.name for one in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("one", CORPUS, ids=[one.name for one in CORPUS])
def test_a_hostile_file_is_refused_or_handled(one: Hostile, empty_folder: Path) -> None:
    data = one.data()
    Path("/proc/self/clear_refs").write_text("5")
    before, start = peak_kb(), time.monotonic()
    report = read_limited(data, one.file, limits=LIMITS)
    assert time.monotonic() - start < LIMITS.seconds + 20
    assert peak_kb() - before < MOST_GROWTH_KB
    assert list(empty_folder.iterdir()) == []
    if report.error:
        assert report.error.code in one.codes or (one.check and report.error.code in CHILD_LIMITS | {"damaged_file"})
        assert any("\u4e00" <= sign <= "\u9fff" for sign in report.error.message)
        assert report.items == []
    else:
        assert one.check is not None
        assert one.check(report)
    assert report.source == one.file

"""Word 97-2003 documents: read by a program of the system when there is one, refused with a clear word when there is none.

The programs here are small scripts that stand in for LibreOffice and antiword and keep to their command lines.
"""

from __future__ import annotations

import stat
import sys
import time
from pathlib import Path

import pytest

from qbank.interchange import word97
from qbank.interchange.convert import read_items
from qbank.interchange.guard import OLE_HEAD, UnreadableFileError
from qbank.interchange.limited import read_limited
from tests.qbank.interchange.word_files import WordFile

DOC = OLE_HEAD + b"\x00" * 600 + "WordDocument".encode("utf-16-le") + b"\x00" * 600
TEXT = "一、判断题\n1. 停电后应验电。（√）\n2. 接地线可以不挂。（×）\n"


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Put scripts on the path, and nothing else but the Python that runs them."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def add(name: str, body: str) -> Path:
        script = folder / name
        script.write_text(f"#!{sys.executable} -S\nimport os, sys, time, shutil\n{body}\n", encoding="utf-8")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        return script

    return add


def test_without_a_program_the_refusal_says_what_to_do(programs):
    report = read_limited(DOC, "旧.doc")
    assert report.error is not None
    assert report.error.code == "converter_missing"
    assert "另存为 docx" in report.error.message
    assert "LibreOffice" in report.error.message


def test_libreoffice_turns_the_document_into_one_that_is_read_as_word(programs, tmp_path):
    made = tmp_path / "made.docx"
    made.write_bytes(WordFile().lines(*TEXT.splitlines()).data())
    programs(
        "soffice",
        "out = sys.argv[sys.argv.index('--outdir') + 1]\n"
        "assert '--headless' in sys.argv and sys.argv[-1].endswith('source.doc')\n"
        f"shutil.copy({str(made)!r}, os.path.join(out, 'source.docx'))",
    )
    programs("antiword", "sys.exit('the better program comes first')")
    for report in (read_limited(DOC, "旧.doc"), read_items(DOC, "旧.doc")):
        assert report.error is None
        assert report.format == "doc"
        assert [one.item.content.key for one in report.items] == [True, False]
        assert report.warnings[0].code == "converted_doc"


def test_antiword_gives_the_text_alone_and_the_report_says_so(programs):
    programs(
        "antiword",
        f"assert sys.argv[1:5] == ['-m', 'UTF-8.txt', '-w', '0']\nsys.stdout.buffer.write({TEXT.encode()!r})",
    )
    report = read_limited(DOC, "旧.doc")
    assert [one.item.content.key for one in report.items] == [True, False]
    assert report.warnings[0].code == "doc_as_text"
    assert "antiword" in report.warnings[0].message


@pytest.mark.parametrize("body", ["sys.exit(1)", "pass"])
def test_a_program_that_cannot_read_the_document_costs_a_clear_refusal(programs, body):
    programs("antiword", body)
    report = read_limited(DOC, "旧.doc")
    assert report.error is not None
    assert "转换失败" in report.error.message


def test_a_program_that_hangs_is_stopped_with_everything_it_started(programs, tmp_path):
    mark = tmp_path / "child"
    programs(
        "antiword",
        f"pid = os.fork()\nif pid == 0:\n    open({str(mark)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)",
    )
    with pytest.raises(UnreadableFileError, match="超过 2 秒"):
        word97.convert_word97(DOC, seconds=2)
    ends(int(mark.read_text()))


def ends(pid: int, seconds: float = 10) -> None:
    """Wait until a process that was killed has ended: the system takes its time where much else runs."""
    deadline = time.monotonic() + seconds
    while not is_gone(pid):
        assert time.monotonic() < deadline, "the process goes on"
        time.sleep(0.05)


def is_gone(pid: int) -> bool:
    """Say whether a process has ended (or only waits to be taken from the table of processes)."""
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_program_that_eats_memory_is_stopped(programs):
    programs("antiword", "held = bytearray(6 * 1024 ** 3)\nsys.stdout.write('text')")
    report = read_limited(DOC, "旧.doc")
    assert report.error is not None
    assert report.items == []

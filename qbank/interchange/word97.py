"""Word 97-2003 documents: turned into something readable by a program of the system, when one is installed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kernel.i18n import N_
from qbank.interchange.guard import OLE_HEAD, UnreadableFileError
from qbank.interchange.model import Notice

MEMORY_MB, CPU_SECONDS, SECONDS, MAX_OUTPUT = 3072, 60, 90, 128 * 1024 * 1024
MISSING = N_(
    "这是 Word 97-2003 文档（.doc），服务器上没有能读取它的程序（LibreOffice、antiword 或 catdoc）；"
    "请在 Word 或 WPS 中另存为 docx 再上传，或请管理员安装 LibreOffice"
)
FAILED = N_("Word 97-2003 文档（.doc）转换失败，文件可能已损坏或加密；请在 Word 或 WPS 中另存为 docx 再上传")
TOO_LONG = N_("Word 97-2003 文档（.doc）转换超过 %(n)s 秒，已停止；请在 Word 或 WPS 中另存为 docx 再上传")
BY_OFFICE = N_("由 LibreOffice 从 .doc 转换而来，请核对公式、图片和自动编号")
TEXT_ALONE = N_("由 %(program)s 从 .doc 读出文字，图片、公式和表格线没有读入；安装 LibreOffice 后可以读得更全")
Command = Callable[[str, Path, Path], list[str]]


@dataclass(frozen=True, slots=True)
class Converted:
    """What a program made of a document: bytes in a format that we read, and what a reader should know about it."""

    data: bytes
    format: str
    notice: Notice


@dataclass(frozen=True, slots=True)
class _Program:
    """One program that reads such documents; `out` names the file that it writes, its output is taken without one."""

    name: str
    format: str
    arguments: Command
    out: str = ""


def _office(program: str, source: Path, folder: Path) -> list[str]:
    profile = f"-env:UserInstallation=file://{folder}/profile"
    flags = ["--headless", "--norestore", "--nolockcheck", "--nodefault", "--nofirststartwizard"]
    return [program, profile, *flags, "--convert-to", "docx", "--outdir", str(folder / "out"), str(source)]


PROGRAMS = (
    _Program("soffice", "docx", _office, "out/source.docx"),
    _Program("libreoffice", "docx", _office, "out/source.docx"),
    _Program("antiword", "text", lambda program, source, _folder: [program, "-m", "UTF-8.txt", "-w", "0", str(source)]),
    _Program("catdoc", "text", lambda program, source, _folder: [program, "-w", "-d", "utf-8", str(source)]),
)


def is_word97(data: bytes) -> bool:
    """Say whether a file is a Word 97-2003 document."""
    return data.startswith(OLE_HEAD) and "WordDocument".encode("utf-16-le") in data


def convert_word97(data: bytes, *, seconds: int = SECONDS) -> Converted:
    """Return what the best program at hand makes of a document.

    Parameters
    ----------
    data : bytes
        A file of which `is_word97` says yes.
    seconds : int, optional
        How long the program may take.

    Returns
    -------
    Converted

    Raises
    ------
    UnreadableFileError
        When no such program is installed, or the one that is cannot read the document in the time it has.
    """
    for program in PROGRAMS:
        path = shutil.which(program.name)
        if path is not None:
            return _convert(program, path, data, seconds)
    raise UnreadableFileError("converter_missing", MISSING)


def _convert(program: _Program, path: str, data: bytes, seconds: int) -> Converted:
    with tempfile.TemporaryDirectory(prefix="kaoku-doc-") as name:
        folder = Path(name)
        source = folder / "source.doc"
        source.write_bytes(data)
        (folder / "out").mkdir()
        output = folder / "output"
        _run(program.arguments(path, source, folder), folder, output, seconds)
        made = folder / program.out if program.out else output
        found = made.read_bytes() if made.is_file() else b""
    if not found.strip():
        raise UnreadableFileError("damaged_file", FAILED)
    if program.out:
        return Converted(found, program.format, Notice("file", "converted_doc", BY_OFFICE))
    return Converted(found, program.format, Notice("file", "doc_as_text", TEXT_ALONE % {"program": program.name}))


def _run(command: Sequence[str], folder: Path, output: Path, seconds: int) -> None:
    """Run a program with bounded memory, time and output, without our secrets in its environment."""
    limits = [str(MEMORY_MB * 1024 * 1024), str(CPU_SECONDS), str(MAX_OUTPUT)]
    bounded = [sys.executable, "-P", "-s", str(Path(__file__).with_name("bounded.py")), *limits, *command]
    environment = {"PATH": os.defpath, "HOME": str(folder), "TMPDIR": str(folder), "LC_ALL": "C.UTF-8"}
    with (
        output.open("wb") as stream,
        subprocess.Popen(
            bounded,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=environment,
            start_new_session=True,
        ) as process,
    ):
        try:
            status = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise UnreadableFileError("time_limit", TOO_LONG % {"n": seconds}) from error
        finally:
            _end(process)
    if status != 0:
        raise UnreadableFileError("damaged_file", FAILED)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the program and whatever it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()

"""Read a foreign file in a process of its own, whose memory, time and output are bounded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from kernel.i18n import N_
from kernel.settings import whole_number
from qbank.interchange import wire
from qbank.interchange.child import EXIT_FILE_SIZE, EXIT_MEMORY
from qbank.interchange.columns import ColumnMapping
from qbank.interchange.guard import UnreadableFileError, check_size
from qbank.interchange.model import ConversionReport, Notice
from qbank.interchange.progress import Told, from_file
from qbank.interchange.tables import Sheet
from qbank.interchange.word97 import convert_word97, is_word97

ROOT = Path(__file__).resolve().parents[2]
MEBIBYTE = 1024 * 1024
LOOK_SECONDS = 0.5
MAX_ANSWER_BYTES = 256 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What reading one file may cost; see ``docs/settings.md``."""

    memory_mb: int = 1024
    cpu_seconds: int = 60
    seconds: int = 120
    answer_bytes: int = MAX_ANSWER_BYTES

    @classmethod
    def from_settings(cls) -> ReadLimits:
        """Return the limits of this installation; raises SettingsError when one is malformed."""
        return cls(
            memory_mb=whole_number("import_memory_mb"),
            cpu_seconds=whole_number("import_cpu_seconds"),
            seconds=whole_number("import_seconds"),
        )


def read_limited(
    data: bytes,
    name: str,
    fmt: str | None = None,
    mapping: ColumnMapping | None = None,
    *,
    limits: ReadLimits | None = None,
    told: Told | None = None,
) -> ConversionReport:
    """Return what `convert.read_items` says of a file; one that is too much for the limits costs an error alone.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name, for the report.
    fmt : str, optional
        Its format; found from the content when missing.
    mapping : ColumnMapping, optional
        What the columns of a table mean.
    limits : ReadLimits, optional
        Those of the settings when missing.
    told : callable, optional
        Is told while the reading goes on how many of how many records are done.

    Returns
    -------
    ConversionReport
        With an `error` when the file could not be read within the limits.
    """
    try:
        check_size(data)
        if is_word97(data) and fmt in {None, "doc"}:
            return _read_word97(data, name, limits, told)
        request = wire.Request(data, _portable(name), fmt, mapping.to_json() if mapping else None)
        found = _ask(request, limits or ReadLimits.from_settings(), told).report
    except UnreadableFileError as error:
        return ConversionReport(name, fmt or "", error=Notice("file", error.code, error.message))
    return found or ConversionReport(name, fmt or "", error=_died())


def _read_word97(data: bytes, name: str, limits: ReadLimits | None, told: Told | None) -> ConversionReport:
    """Let a program of the system turn the document into a format of ours first: it needs more than the reader may have."""
    converted = convert_word97(data)
    report = read_limited(converted.data, name, converted.format, limits=limits, told=told)
    report.format = "doc"
    report.warnings.insert(0, converted.notice)
    return report


def sheets_limited(data: bytes, fmt: str, *, limits: ReadLimits | None = None) -> list[Sheet]:
    """Return the sheets of a table file; raises UnreadableFileError when it is none, or too much for the limits."""
    check_size(data)
    found = _ask(wire.Request(data, "", fmt, sheets=True), limits or ReadLimits.from_settings())
    if found.error:
        raise UnreadableFileError(found.error.code, found.error.message)
    return list(found.sheets)


def _portable(name: str) -> str:
    return name.encode("utf-8", "replace").decode()


def _ask(request: wire.Request, limits: ReadLimits, told: Told | None = None) -> wire.Answer:
    with tempfile.TemporaryDirectory(prefix="kaoku-read-") as folder:
        out = Path(folder) / "answer"
        status = _run(wire.pack(request), out, limits, told)
        if status != 0 or not out.is_file():
            raise _refusal(status, limits)
        return wire.unpack(out.read_bytes())


def _run(request: bytes, out: Path, limits: ReadLimits, told: Told | None) -> int:
    """Run the reading process to its end or to the limit of time; return its exit status, below zero for a signal."""
    sizes = (limits.memory_mb * MEBIBYTE, limits.cpu_seconds, limits.answer_bytes)
    command = [sys.executable, "-P", "-s", "-m", "qbank.interchange.child", str(out), *map(str, sizes)]
    with (
        _asked(request) as asked,
        subprocess.Popen(
            command,
            stdin=asked,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=out.parent,
            env=_environment(out.parent),
            start_new_session=True,
        ) as process,
    ):
        try:
            _wait(process, limits, lambda: _pass_on(Path(f"{out}.progress"), told))
        finally:
            _end(process)
        return process.returncode


@contextmanager
def _asked(request: bytes) -> Iterator[IO[bytes]]:
    """Give the request as a file without a name, from which the process reads at its own pace."""
    with tempfile.TemporaryFile(prefix="kaoku-read-") as asked:
        asked.write(request)
        asked.seek(0)
        yield asked


def _wait(process: subprocess.Popen[bytes], limits: ReadLimits, look: Callable[[], None]) -> None:
    """Wait for the end, looking now and then how far the reading has come."""
    until = time.monotonic() + limits.seconds
    while True:
        try:
            process.wait(timeout=max(0.01, min(LOOK_SECONDS, until - time.monotonic())))
        except subprocess.TimeoutExpired as error:
            if time.monotonic() >= until:
                raise _too_long(limits) from error
            look()
        else:
            return


def _pass_on(path: Path, told: Told | None) -> None:
    found = from_file(path) if told is not None else None
    if found is not None and told is not None:
        told(*found)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and whatever it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _environment(folder: Path) -> dict[str, str]:
    """Return an environment without the secrets of ours."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", "HOME": str(folder), "TMPDIR": str(folder)}


def _too_long(limits: ReadLimits) -> UnreadableFileError:
    message = N_("读取文件超过 %(n)s 秒，已停止；请拆分文件后再试（上限由 KAOKU_IMPORT_SECONDS 设定）")
    return UnreadableFileError("time_limit", message % {"n": limits.seconds})


def _refusal(status: int, limits: ReadLimits) -> UnreadableFileError:
    if status in {-signal.SIGXCPU, -signal.SIGKILL}:
        message = N_(
            "读取文件用去的处理器时间超过 %(n)s 秒，已停止；请拆分文件后再试（上限由 KAOKU_IMPORT_CPU_SECONDS 设定）"
        )
        return UnreadableFileError("cpu_limit", message % {"n": limits.cpu_seconds})
    if status in {EXIT_MEMORY, -signal.SIGABRT, -signal.SIGSEGV}:
        message = N_("读取文件需要的内存超过 %(n)s MB，已停止；请拆分文件后再试（上限由 KAOKU_IMPORT_MEMORY_MB 设定）")
        return UnreadableFileError("memory_limit", message % {"n": limits.memory_mb})
    if status == EXIT_FILE_SIZE:
        message = N_("文件展开后的内容超过 %(n)s MB，已停止；请拆分文件后再试")
        return UnreadableFileError("result_too_large", message % {"n": limits.answer_bytes // MEBIBYTE})
    died = _died()
    return UnreadableFileError(died.code, died.message)


def _died() -> Notice:
    return Notice("file", "reader_failed", N_("读取文件的进程异常结束，文件可能已损坏，请用原软件另存一份再上传"))

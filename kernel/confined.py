"""Have a foreign file read in a process of its own, whose memory, time and output are bounded: the one way for all components."""

from __future__ import annotations

import enum
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

from kernel.confined_process import EXIT_FILE_SIZE, EXIT_MEMORY
from kernel.i18n import N_
from kernel.settings import whole_number

ROOT = Path(__file__).resolve().parents[1]
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


class Bound(enum.StrEnum):
    """What ended a reading before its end."""

    TIME = "time_limit"
    CPU = "cpu_limit"
    MEMORY = "memory_limit"
    ANSWER = "result_too_large"
    DIED = "reader_failed"


REFUSALS = {
    Bound.TIME: N_("读取文件超过 %(n)s 秒，已停止；请拆分文件后再试（上限由 KAOKU_IMPORT_SECONDS 设定）"),
    Bound.CPU: N_("读取文件用去的处理器时间超过 %(n)s 秒，已停止；请拆分文件后再试（上限由 KAOKU_IMPORT_CPU_SECONDS 设定）"),
    Bound.MEMORY: N_("读取文件需要的内存超过 %(n)s MB，已停止；请拆分文件后再试（上限由 KAOKU_IMPORT_MEMORY_MB 设定）"),
    Bound.ANSWER: N_("文件展开后的内容超过 %(n)s MB，已停止；请拆分文件后再试"),
    Bound.DIED: N_("读取文件的进程异常结束，文件可能已损坏，请用原软件另存一份再上传"),
}  # fmt: skip


class ReadingEndedError(Exception):
    """A reading that came to no end of its own: `bound` says why, `template` and `context` say it to a person."""

    def __init__(self, bound: Bound, limits: ReadLimits) -> None:
        self.bound = bound
        self.template = REFUSALS[bound]
        figures = {
            Bound.TIME: limits.seconds,
            Bound.CPU: limits.cpu_seconds,
            Bound.MEMORY: limits.memory_mb,
            Bound.ANSWER: limits.answer_bytes // MEBIBYTE,
        }
        self.context = {"n": figures[bound]} if bound in figures else {}
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The Chinese message with its placeholders filled."""
        return self.template % self.context if self.context else self.template


def ask_confined(
    module: str, request: bytes, limits: ReadLimits, *, look: Callable[[Path], None] | None = None
) -> bytes:
    """Return what a module answers to a request from inside its own bounded process.

    Parameters
    ----------
    module : str
        Name of a module that calls `kernel.confined_process.serve` when run.
    request : bytes
        What it reads from its standard input.
    limits : ReadLimits
        What it may cost.
    look : callable, optional
        Is called now and then with the path of the answer, beside which the process may note its progress.

    Raises
    ------
    ReadingEndedError
        If a limit was reached, or the process died.
    """
    with tempfile.TemporaryDirectory(prefix="kaoku-read-") as folder:
        out = Path(folder) / "answer"
        status = _run(module, request, out, limits, look)
        if status != 0 or not out.is_file():
            raise ReadingEndedError(_bound_of(status), limits)
        return out.read_bytes()


def _run(module: str, request: bytes, out: Path, limits: ReadLimits, look: Callable[[Path], None] | None) -> int:
    """Run the process to its end or to the limit of time; return its exit status, below zero for a signal."""
    sizes = (limits.memory_mb * MEBIBYTE, limits.cpu_seconds, limits.answer_bytes)
    command = [sys.executable, "-P", "-s", "-m", module, str(out), *map(str, sizes)]
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
            _wait(process, limits, lambda: look(out) if look else None)
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
                raise ReadingEndedError(Bound.TIME, limits) from error
            look()
        else:
            return


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and whatever it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _environment(folder: Path) -> dict[str, str]:
    """Return an environment without the secrets of ours."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", "HOME": str(folder), "TMPDIR": str(folder)}


def _bound_of(status: int) -> Bound:
    if status in {-signal.SIGXCPU, -signal.SIGKILL}:
        return Bound.CPU
    if status in {EXIT_MEMORY, -signal.SIGABRT, -signal.SIGSEGV}:
        return Bound.MEMORY
    return Bound.ANSWER if status == EXIT_FILE_SIZE else Bound.DIED

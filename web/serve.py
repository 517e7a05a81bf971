"""`kaoku serve`: the web processes and the job worker side by side, each started again when it dies.

When it is killed itself, so that it can tell nobody, the kernel tells its children (Linux: the signal of a parent's death): they
finish what they are at and end within seconds, so that the next start finds the address free and one worker, not two.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from types import FrameType

import structlog

from kernel.clock import monotonic
from kernel.settings import PREFIX, Settings

log = structlog.get_logger()
ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 30
RESTART_SECONDS = 1.0
CHECK_SECONDS = 0.2
PR_SET_PDEATHSIG = 1
"""From Linux' ``sys/prctl.h``."""
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
COMMANDS = {
    "web": [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "gunicorn.conf.py"), "--chdir", str(ROOT)],
    "worker": [sys.executable, "-m", "web.cli", "worker"],
}


def child_environment(settings: Settings) -> dict[str, str]:
    """Return the environment that gives child processes exactly these settings."""
    given = {PREFIX + field.name.upper(): str(getattr(settings, field.name)) for field in fields(settings)}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    return {**os.environ, **given, "PYTHONPATH": path}


def end_with_parent(parent: int) -> Callable[[], None] | None:
    """Return what a child calls before it becomes its program: ask the kernel to be told when this thread of its parent dies."""
    libc = LIBC
    if libc is None:
        return None

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before it could be watched
            os._exit(1)

    return ask


class Child:
    """One child process that is to live as long as the supervisor."""

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        self.name, self.environment = name, environment
        self.started_at = 0.0
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        self.started_at = monotonic()
        return subprocess.Popen(
            COMMANDS[self.name],
            env=dict(self.environment),
            preexec_fn=end_with_parent(os.getpid()),  # noqa: PLW1509 - the supervisor has one thread, and this only calls the kernel
        )

    def keep_alive(self) -> None:
        """Start the process again if it has ended, at most once a second."""
        code = self.process.poll()
        if code is None or monotonic() - self.started_at < RESTART_SECONDS:
            return
        log.error("process_ended", process=self.name, code=code)
        self.process = self._start()

    def stop(self) -> None:
        """Ask the process to finish; end it when it does not."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Supervisor:
    """Starts the children, keeps them alive, and ends them together."""

    def __init__(self, settings: Settings) -> None:
        self.environment = child_environment(settings)
        self.stopping = threading.Event()

    def run(self) -> int:
        """Run until told to stop; return the exit status. A site that cannot even start ends at once."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        web = Child("web", self.environment)
        worker = Child("worker", self.environment)
        try:
            return self._watch(web, worker)
        finally:
            worker.stop()
            web.stop()

    def _watch(self, web: Child, worker: Child) -> int:
        while not self.stopping.wait(CHECK_SECONDS):
            code = web.process.poll()
            if (
                code is not None
            ):  # gunicorn restarts its own processes; its master ends when the address or the program is bad
                return code or 1
            worker.keep_alive()
        return 0

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Ask the supervisor to end."""
        self.stopping.set()


def serve(settings: Settings, *, bind: str | None = None, workers: int | None = None) -> int:
    """Serve until SIGTERM or SIGINT; return the exit status."""
    chosen = replace(settings, bind=bind or settings.bind, workers=workers or settings.workers)
    if reason := find_obstacle(chosen.bind):
        sys.stderr.write(f"无法监听 {chosen.bind}：{reason}\n")
        return 1
    sys.stderr.write(f"考库正在启动，几秒后可以打开 {opening_address(chosen)} （按 Ctrl+C 停止）\n")
    return Supervisor(chosen).run()


def opening_address(settings: Settings) -> str:
    """Return the address that a person types: the public one where it is set, else the one that is served."""
    host, _, port = settings.bind.rpartition(":")
    return settings.public_url or f"http://{'127.0.0.1' if host in ('', '0.0.0.0', '[::]') else host}:{port}"  # noqa: S104


def find_obstacle(bind: str) -> str:
    """Return why the address cannot be served, or an empty text; asked before anything is started."""
    host, _, port = bind.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host.strip("[]"), int(port)))
    except (OSError, ValueError) as exc:
        return str(exc)
    return ""

"""Real servers and databases for the faults: gunicorn on a free port, a SQLite file or a PostgreSQL cluster of its own."""

from __future__ import annotations

import copy
import http.client
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import URL, create_engine, make_url, text

from kernel.clock import now
from kernel.settings import Settings
from tests.chaos.disk import Control
from tests.exam_delivery.sitting_cases import N_SLOTS, SECRET, make_database
from tests.ports import kept_port
from tools.check import as_database_user, postgres_bin
from web.serve import COMMANDS, child_environment

NO_LIMITS: Mapping[str, Any] = MappingProxyType({})


def children(pid: int) -> list[int]:
    """Return the children of a process."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def wait_for(condition: Callable[[], Any], seconds: float = 120, *, what: str = "the condition") -> None:
    """Wait for something that must come, in whatever time that takes."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)


class Server:
    """The real server of one database, whatever becomes of its processes."""

    def __init__(self, folder: Path, url: str, *, workers: int = 2, limits: Mapping[str, Any] = NO_LIMITS) -> None:
        self.port = kept_port()
        self.control = Control(folder / "control")
        self.settings = Settings(
            instance_dir=folder, database_url=url, secret_key=SECRET, bind=f"127.0.0.1:{self.port}", workers=workers,
            log_level="ERROR", **limits,
        )  # fmt: skip
        self.log = folder / "server.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.entry = f"tests.chaos.faulty_server:create('{folder / 'control'}')"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*COMMANDS["web"], self.entry],
                env=child_environment(self.settings),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(self.answers, what="the server")

    def answers(self) -> bool:
        """Say whether the server answers."""
        assert self.process is None or self.process.poll() is None, f"the server ended: {self.log.read_text()[-2000:]}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/exam/")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def workers(self) -> list[int]:
        """Return the processes that answer."""
        return children(self.process.pid) if self.process else []

    def kill_tree(self) -> None:
        """End the whole server without a word, and wait until nothing of it is left."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def hang_up(self) -> None:
        """Have the server replace its processes, as a deployment does."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGHUP)

    def stop(self) -> None:
        """Have the server finish and end."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(90)
        self.process = None


class Site:
    """A prepared sitting and the real server in front of it."""

    def __init__(
        self, folder: Path, url: str, *, n: int, workers: int = 2, n_slots: int = N_SLOTS,
        limits: Mapping[str, Any] = NO_LIMITS,
    ) -> None:  # fmt: skip
        self.engine, self.sitting = make_database(url, n=n, starts_at=now(), n_slots=n_slots)
        self.n_slots = n_slots
        self.server = Server(folder, url, workers=workers, limits=limits)
        self.port, self.control, self.settings = self.server.port, self.server.control, self.server.settings
        self.start, self.stop, self.hang_up = self.server.start, self.server.stop, self.server.hang_up
        self.workers, self.kill_tree = self.server.workers, self.server.kill_tree

    def part(self, n: int) -> Site:
        """Return the same running site with `n` candidates whom nobody else will use."""
        if self.server.process is None or not self.server.answers():
            self.kill_tree()
            self.start()
        part = copy.copy(self)
        part.sitting = replace(self.sitting, people=[self.sitting.people.pop() for _ in range(n)])
        return part

    def kill(self, pid: int) -> None:
        """End a process without a word."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """End the server and let go of the database."""
        self.kill_tree()
        self.engine.dispose()

    def integrity(self) -> list[str]:
        """Return what SQLite itself finds wrong with its file."""
        if self.engine.dialect.name != "sqlite":
            return []
        with self.engine.connect() as connection:
            rows = connection.execute(text("PRAGMA integrity_check")).scalars().all()
        return [] if rows == ["ok"] else [f"integrity: {row}" for row in rows]


@contextmanager
def serving(folder: Path, url: str, **wishes: Any) -> Iterator[Site]:
    """Run a site for the length of a block; nothing of it stays."""
    site = Site(folder, url, **wishes)
    try:
        site.start()
        yield site
    finally:
        site.close()


class Cluster:
    """A PostgreSQL of our own that may be killed, stopped, or live on a disk of its own."""

    def __init__(self, place: Path | None = None, *, options: str = "", preparation: Sequence[str] = ()) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="kaoku-chaos-"))
        self.home = place or self.folder
        for folder in (self.folder, self.home):
            give_to_postgresql(folder)
        self.data, self.tools, self.options = self.home / "data", postgres_bin(), options
        self.url = f"postgresql+psycopg://kaoku@/postgres?host={self.folder}"
        self._run(
            "initdb", "-D", str(self.data), "-U", "kaoku", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "-N",
            *preparation,
        )  # fmt: skip
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            as_database_user([str(self.tools / program), *arguments]), check=True, cwd=self.folder,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def start(self) -> None:
        """Start it, as a service manager does: again, while the last breath of the one before is still in memory."""
        for _ in range(40):
            with suppress(subprocess.CalledProcessError):
                return self._start()
            time.sleep(0.1)
        raise AssertionError(f"PostgreSQL does not start: {(self.folder / 'log').read_text()[-2000:]}")

    def _start(self) -> None:
        options = (
            f"-k {self.folder} -c listen_addresses='' -c shared_buffers=64MB -c max_connections=200 {self.options}"
        )
        self._run("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def family(self) -> list[int]:
        """Return all its processes that live, the eldest first."""
        try:
            postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return []
        return [pid for pid in (postmaster, *children(postmaster)) if _is_alive(pid)]

    def named(self, *words: str) -> list[int]:
        """Return its processes whose title holds one of some words: those that serve a local connection say ``[local]``."""
        return [pid for pid in self.family() if any(word in _title(pid) for word in words)]

    def signal(self, number: signal.Signals) -> list[int]:
        """Send a signal to all its processes; return them."""
        family = self.family()
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return family

    def n_panics(self) -> int:
        """Return how often it ended itself."""
        return (self.folder / "log").read_text(errors="replace").count(" PANIC: ")

    def is_running(self) -> bool:
        """Say whether it takes connections or is about to."""
        tool = [str(self.tools / "pg_ctl"), "-D", str(self.data), "status"]
        return not subprocess.run(as_database_user(tool), check=False, cwd=self.folder, capture_output=True).returncode

    def kill(self) -> None:
        """End all its processes without a word."""
        family = self.signal(signal.SIGKILL)
        wait_for(lambda: not any(_is_alive(pid) for pid in family), what="PostgreSQL's end")

    def close(self) -> None:
        """End it and leave nothing of it."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def give_to_postgresql(folder: Path) -> None:
    """Let the account that runs PostgreSQL own a folder."""
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _title(pid: int) -> str:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    return ""


def new_database(address: str, name: str, pattern: str = "template1") -> str:
    """Create a database in a cluster, as a copy of another one, and return its address."""
    _command(address, f"CREATE DATABASE {name} TEMPLATE {pattern}")
    return make_url(address).set(database=name).render_as_string(hide_password=False)


def drop_database(address: str) -> None:
    """Drop a database that `new_database` created."""
    url = make_url(address)
    _command(url.set(database="postgres"), f"DROP DATABASE {url.database} WITH (FORCE)")


def _command(address: str | URL, statement: str) -> None:
    """Carry out a command over whole databases, and leave no connection behind whatever comes of it."""
    admin = create_engine(address, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(text(statement))
    finally:
        admin.dispose()

"""PostgreSQL's flushes fail: strace answers its calls of ``fsync`` and ``fdatasync`` with an error instead of carrying them out.

strace attaches to processes that run already, so the same PostgreSQL works before, fails for a while, and works again; it needs
neither a compiler nor a kernel module. Where it is missing or may not attach, the scenario says so instead of passing.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.chaos.clients import Crowd, sit_in_bulk
from tests.chaos.matrix import POSTGRESQL, Bench, Evidence, fault, site_on_own_cluster, under_load
from tests.chaos.sites import Cluster, Site, wait_for

N_CANDIDATES = 8
BETWEEN_LONG, BETWEEN_SHORT = 500, 50
"""How many more answers are acknowledged before the next flush fails."""
NEVER = 60_000
"""strace counts up to 65,535."""
LATEST = 8
"""Of each process the first, or up to the eighth, flush fails, and all after it."""
WORN_OUT_SECONDS = 1.5
"""How long the disk stays bad at most once PostgreSQL has ended itself: its recovery meets it too."""


class CannotTraceError(Exception):
    """strace is missing here, or may not attach to other processes."""


@dataclass(frozen=True, slots=True)
class Tracer:
    """The strace that makes flushes fail, and what it wrote down."""

    process: subprocess.Popen[str]
    log: Path

    def n_failed(self) -> int:
        """Return how many flushes failed so far."""
        return self.log.read_text(errors="replace").count("(INJECTED)")


@contextmanager
def failing_flushes(pids: Sequence[int], first: int, *, with_children: bool = False) -> Iterator[Tracer]:
    """Let flushes of some processes fail, from the `first` of each on, for the length of a block."""
    if shutil.which("strace") is None:
        raise CannotTraceError("strace is not installed: apt-get install strace")
    with tempfile.TemporaryDirectory(prefix="kaoku-strace-") as name:
        log = Path(name) / "log"
        log.touch()
        command = [
            "strace", "-qq", "-o", str(log), "-e", "trace=fsync,fdatasync",
            "-e", f"inject=fsync,fdatasync:error=EIO:when={first}+",
        ]  # fmt: skip
        command += ["-f"] * with_children + [word for pid in pids for word in ("-p", str(pid))]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            wait_for(lambda: _is_attached(process, pids), what="strace")
            yield Tracer(process, log)
        finally:
            _end(process)


def _is_attached(process: subprocess.Popen[str], pids: Sequence[int]) -> bool:
    """Say whether all processes that live are traced.

    Raises
    ------
    CannotTraceError
        When strace gave up.
    """
    if process.poll() is not None and any(_tracer_of(pid) == 0 for pid in pids):
        assert process.stderr is not None
        raise CannotTraceError(f"strace cannot attach here: {process.stderr.read().strip()[:300]}")
    return all(_tracer_of(pid) != 0 for pid in pids)


def _tracer_of(pid: int) -> int | None:
    """Return who traces a process: 0 nobody, None when it is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("TracerPid:")))
    return None


def _end(process: subprocess.Popen[str]) -> None:
    """Let go of whom is traced: they go on alone."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stderr:
        process.stderr.close()


def why_impossible(cluster: Cluster) -> str:
    """Return why flushes cannot be made to fail here, or nothing."""
    try:
        with failing_flushes(cluster.family()[:1], NEVER):
            return ""
    except CannotTraceError as exc:
        return str(exc)


@dataclass(frozen=True, slots=True)
class Harm:
    """Whose flushes fail, and what brings them about where answers alone do not."""

    of: Callable[[Cluster], list[int]]
    provoke: Callable[[Site], None] = lambda _site: None
    with_children: bool = False


def _checkpoint(site: Site) -> None:
    with suppress(DBAPIError), site.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CHECKPOINT"))


HARMS = (
    Harm(lambda cluster: cluster.named("[local]", "walwriter")),  # its log, at a commit
    Harm(lambda cluster: cluster.named("checkpointer"), _checkpoint),  # its tables, at a checkpoint
    Harm(Cluster.family, with_children=True),  # everything, its recovery too
)


@fault(
    "F6b",
    "PostgreSQL's flushes fail (strace): of its log at a commit, of its tables at a checkpoint, or all, its recovery too",
    "PostgreSQL ends itself rather than go on; no answer is called saved that is not; saving goes on by itself",
    short=1,
    long=60,
    engines=[POSTGRESQL],
)
def flush_fails(bench: Bench, tries: int) -> Evidence:
    """Each kind of harm in turn; the first one by the seed."""
    evidence, chance = Evidence(), random.Random(bench.seed)
    with site_on_own_cluster(bench, n=N_CANDIDATES) as (cluster, site):
        evidence.impossible = why_impossible(cluster)
        if evidence.impossible:
            return evidence
        with under_load(site, evidence, n=N_CANDIDATES, act=sit_in_bulk, seed=bench.seed) as crowd:
            scene = Scene(cluster, site, crowd, evidence)
            first = chance.randrange(len(HARMS)) if bench.is_long else 0
            for k in range(tries):
                crowd.wait_for_progress(BETWEEN_LONG if bench.is_long else BETWEEN_SHORT)
                scene.suffer(HARMS[(first + k) % len(HARMS)], chance)
            site.engine.dispose()  # the connections of the test died too
    return evidence


@dataclass(frozen=True, slots=True)
class Scene:
    """Who answers, and through what."""

    cluster: Cluster
    site: Site
    crowd: Crowd
    evidence: Evidence

    def suffer(self, harm: Harm, chance: random.Random) -> None:
        """Let flushes fail until PostgreSQL ended itself for it; then the disk is well again, and answers must be saved."""
        cluster, first, began = self.cluster, chance.randint(1, LATEST), time.monotonic()
        n_ends = cluster.n_panics()
        with failing_flushes(harm.of(cluster), first, with_children=harm.with_children) as tracer:

            def has_ended() -> bool:
                harm.provoke(self.site)
                return cluster.n_panics() > n_ends

            wait_for(has_ended, what="the end of PostgreSQL, whose flushes fail")
            if harm.with_children:
                time.sleep(chance.random() * WORN_OUT_SECONDS)
            n_failed = tracer.n_failed()
        self.evidence.demand(n_failed > 0, "PostgreSQL ended itself although no flush had failed")
        go_on(cluster, self.crowd)
        self.evidence.note(
            longest_outage_ms=round(1000 * (time.monotonic() - began)), failed_flushes=n_failed,
            ended_itself=cluster.n_panics() - n_ends,
        )  # fmt: skip


def go_on(cluster: Cluster, crowd: Crowd) -> None:
    """Start PostgreSQL when it ended wholly, as a service manager does, and wait until answers are saved again."""
    before = crowd.n_acknowledged()

    def is_saving() -> bool:
        if not cluster.family():
            cluster.start()
        return crowd.n_acknowledged() > before

    wait_for(is_saving, what="answers that are saved again")

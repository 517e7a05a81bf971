"""The fault matrix: every fault with what must hold, how often it is tried in short and in long, and the scenario that tries it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.clients import Crowd, Device, sit_in_bulk, sit_steadily
from tests.chaos.history import OK, Books, Call, find_violations
from tests.chaos.sites import Cluster, Site, new_database, serving
from tests.exam_delivery.sitting_cases import N_SLOTS

SQLITE, POSTGRESQL = "sqlite", "postgresql"
N_BULK_SLOTS = 50
N_WORKERS = 2
ADDED_UP = {"unanswered", "failed calls", "failed flushes", "offices", "ended itself", "uploads", "ways"}
"""Figures that are counts; of the others the greatest is told."""


@dataclass(slots=True)
class Evidence:
    """What a scenario found."""

    violations: list[str] = field(default_factory=list)
    n_acknowledged: int = 0
    figures: dict[str, float] = field(default_factory=dict)
    impossible: str = ""
    """Why nothing could be tried on this machine; said loudly, never counted as passed."""

    def demand(self, holds: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence
        """Note a violation unless something holds."""
        if not holds:
            self.violations.append(what)

    def note(self, **figures: float) -> None:
        """Note figures beside those that are there: counts are added up, of everything else the greatest counts."""
        for name, value in figures.items():
            words = name.replace("_", " ") if not name.endswith("_ms") else name
            known = self.figures.get(words, 0)
            self.figures[words] = known + value if words in ADDED_UP else max(known, value)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a scenario runs: a folder, an empty database, a seed, how much may be spent, and perhaps what runs already.

    `shared` gives a running site, whose server may be disturbed as long as it is well again at the end; `own` the same in front of a
    PostgreSQL that may be disturbed too.
    """

    folder: Path
    url: str
    seed: int
    is_long: bool = False
    shared: Callable[[], Site] | None = None
    own: Callable[[], tuple[Cluster, Site]] | None = None

    @property
    def engine(self) -> str:
        return SQLITE if self.url.startswith("sqlite") else POSTGRESQL


Scenario = Callable[[Bench, int], Evidence]


@dataclass(frozen=True, slots=True)
class Fault:
    """A row of the matrix."""

    number: str
    fault: str
    invariant: str
    n_short: int
    n_long: int
    scenario: Scenario
    engines: Sequence[str] = (SQLITE, POSTGRESQL)
    is_of_one_piece: bool = False
    """Whether all tries are made at once, so that half of them would be another fault."""
    has_own_database: bool = True
    """Whether it needs the database of its bench even where a site runs already."""


FAULTS: list[Fault] = []


def fault(
    number: str, name: str, invariant: str, *, short: int, long: int, engines: Sequence[str] = (SQLITE, POSTGRESQL),
    is_of_one_piece: bool = False, has_own_database: bool = False,
) -> Callable[[Scenario], Scenario]:  # fmt: skip
    """Enter a scenario into the matrix."""

    def enter(scenario: Scenario) -> Scenario:
        FAULTS.append(Fault(number, name, invariant, short, long, scenario, engines, is_of_one_piece, has_own_database))
        return scenario

    return enter


Act = Callable[..., None]


@contextmanager
def under_load(site: Site, evidence: Evidence, *, n: int, act: Act = sit_steadily, seed: int = 1) -> Iterator[Crowd]:
    """Let `n` candidates answer while the block disturbs; afterwards hold what they saw against what is kept."""
    history: list[Call] = []
    devices = [Device(site.port, person, history) for person in site.sitting.people[:n]]
    for device in devices:
        device.n_slots = site.n_slots
    crowd = Crowd(devices, act, seed).begin()
    try:
        crowd.wait_for_progress(2 * n)
        yield crowd
        crowd.wait_for_progress(2 * n)
    finally:
        crowd.finish()
    conclude(site, evidence, crowd, history)


def conclude(site: Site, evidence: Evidence, crowd: Crowd, history: list[Call]) -> None:
    """Add what the devices, the history and the database say."""
    evidence.violations += crowd.errors
    evidence.violations += find_violations(history, Books(site.engine))
    evidence.violations += site.integrity()
    evidence.n_acknowledged += crowd.n_acknowledged()
    waits = sorted(call.ended - call.began for call in history if call.kind == "save" and call.outcome == OK)
    if waits:
        evidence.note(p99_ms=round(1000 * waits[int(0.99 * (len(waits) - 1))]), slowest_ms=round(1000 * waits[-1]))
    evidence.note(unanswered=sum(call.outcome == "unknown" for call in history))


@contextmanager
def any_site(bench: Bench, *, n: int, n_slots: int = N_SLOTS) -> Iterator[Site]:
    """Give a running site with `n` candidates, well at the beginning and at the end: a shared one where there is one."""
    if bench.shared:
        yield bench.shared().part(n)
        return
    with serving(bench.folder, bench.url, n=n, n_slots=n_slots) as site:
        yield site


@contextmanager
def site_under_load(
    bench: Bench, *, n: int, workers: int = 2, act: Act = sit_steadily
) -> Iterator[tuple[Site, Crowd, Evidence]]:
    """Run a site with `n` candidates at work; one with another number of processes is one of its own."""
    evidence = Evidence()
    n_slots = N_BULK_SLOTS if act is sit_in_bulk else N_SLOTS
    place = any_site(bench, n=n, n_slots=n_slots)
    if workers != N_WORKERS:
        place = serving(bench.folder, bench.url, n=n, workers=workers, n_slots=n_slots)
    with place as site, under_load(site, evidence, n=n, act=act, seed=bench.seed) as crowd:
        yield site, crowd, evidence


@contextmanager
def site_on_own_cluster(bench: Bench, *, n: int) -> Iterator[tuple[Cluster, Site]]:
    """Give a site in front of a PostgreSQL that may be disturbed: a shared one where there is one."""
    if bench.own:
        cluster, site = bench.own()
        yield cluster, site.part(n)
        return
    cluster = Cluster()
    try:
        with serving(bench.folder, new_database(cluster.url, "own"), n=n, n_slots=N_BULK_SLOTS) as site:
            yield cluster, site
    finally:
        cluster.close()

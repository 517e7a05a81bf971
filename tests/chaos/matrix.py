"""The fault matrix: every fault with what must hold, how often it is tried in short and in long, and the scenario that tries it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.clients import Crowd, Device, sit_steadily
from tests.chaos.history import OK, Call, find_violations, read_kept
from tests.chaos.sites import Site, borrowed, serving

SQLITE, POSTGRESQL = "sqlite", "postgresql"


@dataclass(slots=True)
class Evidence:
    """What a scenario found."""

    violations: list[str] = field(default_factory=list)
    n_acknowledged: int = 0
    figures: dict[str, float] = field(default_factory=dict)

    def demand(self, holds: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence
        """Note a violation unless something holds."""
        if not holds:
            self.violations.append(what)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a scenario runs: a folder, an empty database, a seed, how much may be spent, and perhaps a site that runs already."""

    folder: Path
    url: str
    seed: int
    is_long: bool = False
    shared: Callable[[], Site] | None = None

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


FAULTS: list[Fault] = []


def fault(
    number: str, name: str, invariant: str, *, short: int, long: int, engines: Sequence[str] = (SQLITE, POSTGRESQL)
) -> Callable[[Scenario], Scenario]:
    """Enter a scenario into the matrix."""

    def enter(scenario: Scenario) -> Scenario:
        FAULTS.append(Fault(number, name, invariant, short, long, scenario, engines))
        return scenario

    return enter


@contextmanager
def under_load(
    site: Site, evidence: Evidence, *, n: int, act: Callable[..., None] = sit_steadily, seed: int = 1
) -> Iterator[Crowd]:
    """Let `n` candidates answer while the block disturbs; afterwards hold what they saw against what is kept."""
    history: list[Call] = []
    crowd = Crowd([Device(site.port, person, history) for person in site.sitting.people[:n]], act, seed).begin()
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
    evidence.violations += find_violations(history, read_kept(site.engine))
    evidence.violations += site.integrity()
    evidence.n_acknowledged += crowd.n_acknowledged()
    waits = sorted(call.ended - call.began for call in history if call.kind == "save" and call.outcome == OK)
    if waits:
        evidence.figures |= {
            "p99_ms": round(1000 * waits[int(0.99 * (len(waits) - 1))]),
            "slowest_ms": round(1000 * waits[-1]),
        }
    evidence.figures["unanswered"] = sum(call.outcome == "unknown" for call in history)


@contextmanager
def undisturbed_site(bench: Bench, *, n: int) -> Iterator[Site]:
    """Give a running site with `n` candidates to a scenario that leaves the server alone: a shared one where there is one."""
    if bench.shared:
        yield borrowed(bench.shared(), n)
        return
    with serving(bench.folder, bench.url, n=n) as site:
        yield site


@contextmanager
def site_under_load(bench: Bench, *, n: int, workers: int = 2) -> Iterator[tuple[Site, Crowd, Evidence]]:
    """Run a fresh site with `n` candidates at work."""
    evidence = Evidence()
    with (
        serving(bench.folder, bench.url, n=n, workers=workers) as site,
        under_load(site, evidence, n=n, seed=bench.seed) as crowd,
    ):
        yield site, crowd, evidence

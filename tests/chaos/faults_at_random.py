"""Clients that do anything, and a nemesis that does anything to the server: only the history is judged."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text

from tests.chaos.clients import Crowd, Device, sit_at_random
from tests.chaos.disk import FAIL_FOR, FAIL_IN, IS_FULL, SYNC_DELAY_MS
from tests.chaos.history import Call
from tests.chaos.matrix import POSTGRESQL, SQLITE, Bench, Evidence, conclude, fault
from tests.chaos.sites import Site, drop_database, new_database, serving

INVARIANT = (
    "acknowledged ⇒ kept once; state = newest of the newest holder; one holder; one receipt that names what is kept"
)


class Nemesis:
    """Does harm by a seed."""

    def __init__(self, site: Site, chance: random.Random) -> None:
        self.site, self.chance = site, chance
        self.harms: list[Callable[[], None]] = [
            self.kill_a_worker,
            self.kill_everything,
            self.replace_processes,
            self.rest,
        ]
        if site.engine.dialect.name == SQLITE:
            self.harms += [self.slow_disk, self.full_disk, self.failing_disk]
        else:
            self.harms += [self.cut_connections]

    def strike(self) -> None:
        self.chance.choice(self.harms)()

    def rest(self) -> None:
        time.sleep(self.chance.random() * 0.3)

    def kill_a_worker(self) -> None:
        for pid in self.site.workers()[:1]:
            self.site.kill(pid)
        self.rest()

    def kill_everything(self) -> None:
        self.site.kill_tree()
        self.site.start()

    def replace_processes(self) -> None:
        self.site.hang_up()
        self.rest()

    def slow_disk(self) -> None:
        self.site.control[SYNC_DELAY_MS] = 50
        self.rest()
        self.site.control[SYNC_DELAY_MS] = 0

    def full_disk(self) -> None:
        self.site.control[IS_FULL] = 1
        self.rest()
        self.site.control[IS_FULL] = 0

    def failing_disk(self) -> None:
        self.site.control[FAIL_IN], self.site.control[FAIL_FOR] = self.chance.randint(1, 9), self.chance.randint(1, 12)
        self.rest()
        self.site.control[FAIL_FOR] = 0

    def cut_connections(self) -> None:
        """End every connection to the database, as a restart or a fail-over does."""
        with self.site.engine.connect() as connection:
            connection.execute(text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ))  # fmt: skip
        self.rest()


def one_history(
    bench: Bench, folder: Path, url: str, *, seed: int, n_devices: int, n_strikes: int, evidence: Evidence
) -> None:
    """Let `n_devices` sit at random, every third candidate on two machines, while the nemesis strikes."""
    chance, history = random.Random(seed), list[Call]()
    n_people = max(1, 3 * n_devices // 4)
    with serving(folder, url, n=n_people) as site:
        people = site.sitting.people
        devices = [
            Device(site.port, people[k % n_people], history, f"machine {k // n_people + 1}") for k in range(n_devices)
        ]
        crowd = Crowd(devices, sit_at_random, seed).begin()
        crowd.wait_for_progress(n_devices)
        nemesis = Nemesis(site, chance)
        for _ in range(n_strikes):
            nemesis.strike()
            crowd.wait_for_progress(3)
        crowd.finish()
        before = len(evidence.violations)
        conclude(site, evidence, crowd, history)
        evidence.violations[before:] = [f"seed {seed}: {what}" for what in evidence.violations[before:]]


def _fresh(bench: Bench, seed: int) -> tuple[Path, str]:
    """Return a folder and an empty database for one seed."""
    folder = bench.folder / str(seed)
    folder.mkdir()
    if bench.engine == SQLITE:
        return folder, f"sqlite:///{folder / 'site.sqlite3'}"
    return folder, new_database(bench.url, f"seed_{seed}_{bench.folder.name[-8:].lower().replace('-', '_')}")


@fault("F22", "random clients under a random nemesis; a try is a seed", INVARIANT, short=1, long=50)
def random_histories(bench: Bench, tries: int) -> Evidence:
    evidence = Evidence()
    for seed in range(bench.seed, bench.seed + tries):
        folder, url = _fresh(bench, seed)
        one_history(bench, folder, url, seed=seed, n_devices=16, n_strikes=6 if bench.is_long else 4, evidence=evidence)
        if bench.engine == POSTGRESQL:
            drop_database(url)
    return evidence


@fault(
    "F22b", "200 random clients at once (in short 32); a try is a strike of the nemesis", INVARIANT, short=2, long=60
)
def large_history(bench: Bench, tries: int) -> Evidence:
    evidence = Evidence()
    n_devices = 200 if bench.is_long else 32
    one_history(
        bench, bench.folder, bench.url, seed=bench.seed, n_devices=n_devices, n_strikes=tries, evidence=evidence
    )
    return evidence

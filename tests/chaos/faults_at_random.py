"""Clients that do anything, and a nemesis that does anything to the server: only the history is judged."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

from sqlalchemy import text

from tests.chaos.clients import Crowd, Device, sit_at_random
from tests.chaos.disk import FAIL_FOR, FAIL_IN, IS_FULL, SYNC_DELAY_MS
from tests.chaos.history import Call
from tests.chaos.matrix import SQLITE, Bench, Evidence, any_site, conclude, fault
from tests.chaos.sites import Site, wait_for
from tests.exam_delivery.sitting_cases import Person

N_DEVICES = 16

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
    site: Site, people: Sequence[Person], *, seed: int, n_devices: int, n_strikes: int, evidence: Evidence
) -> None:
    """Let `n_devices` sit at random, every third candidate on two machines, while the nemesis strikes."""
    chance, history = random.Random(seed), list[Call]()
    n_people = len(people)
    devices = [
        Device(site.port, people[k % n_people], history, f"machine {k // n_people + 1}") for k in range(n_devices)
    ]
    crowd = Crowd(devices, sit_at_random, seed).begin()
    before = len(evidence.violations)
    try:
        crowd.wait_for_progress(n_devices)
        nemesis = Nemesis(site, chance)
        for _ in range(n_strikes):
            nemesis.strike()
            crowd.wait_for_progress(3)
    finally:
        crowd.finish()
    conclude(site, evidence, crowd, history)
    evidence.violations[before:] = [f"seed {seed}: {what}" for what in evidence.violations[before:]]


def people_for(n_devices: int) -> int:
    """Return how many people sit at so many devices."""
    return max(1, 3 * n_devices // 4)


@fault("F22", "random clients under a random nemesis; a try is a seed", INVARIANT, short=1, long=50)
def random_histories(bench: Bench, tries: int) -> Evidence:
    """Each seed has candidates of its own, before the server as the seed before it left it."""
    evidence = Evidence()
    n = people_for(N_DEVICES)
    with any_site(bench, n=n * tries) as site:
        for k in range(tries):
            wait_for(site.server.answers, what="the server between two seeds")
            people = site.sitting.people[n * k : n * (k + 1)]
            n_strikes = 6 if bench.is_long else 3
            one_history(site, people, seed=bench.seed + k, n_devices=N_DEVICES, n_strikes=n_strikes, evidence=evidence)
    return evidence


@fault(
    "F22b", "200 random clients at once (in short 32); a try is a strike of the nemesis", INVARIANT, short=2, long=60
)
def large_history(bench: Bench, tries: int) -> Evidence:
    evidence = Evidence()
    n_devices = 200 if bench.is_long else 32
    with any_site(bench, n=people_for(n_devices)) as site:
        people = site.sitting.people
        one_history(site, people, seed=bench.seed, n_devices=n_devices, n_strikes=tries, evidence=evidence)
    return evidence

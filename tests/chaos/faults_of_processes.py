"""Processes die or stand still: workers, the one that writes, the whole server, PostgreSQL; and a deployment replaces them.

The candidates here send their answers in calls of ten to a hundred, so that many thousand are on their way when something dies.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable

from sqlalchemy import text

from kernel.turns import one_turn
from tests.chaos.clients import Crowd, sit_in_bulk
from tests.chaos.matrix import (
    POSTGRESQL,
    SQLITE,
    Bench,
    Evidence,
    any_site,
    fault,
    site_on_own_cluster,
    site_under_load,
    under_load,
)
from tests.chaos.sites import Cluster, Site, wait_for

KEPT_ONCE = "acknowledged ⇒ kept once; states, counts and events agree; clients drain alone"
LONG_BETWEEN_KILLS, SHORT_BETWEEN_KILLS = 500, 50
"""How many more answers are acknowledged before the next worker dies."""
LONG_BETWEEN_STARTS, SHORT_BETWEEN_STARTS = 1500, 50
"""The same, before something dies that takes a second to come back."""


@fault("F1", "SIGKILL of a worker while answers come in", KEPT_ONCE, short=6, long=500)
def worker_killed(bench: Bench, tries: int) -> Evidence:
    chance = random.Random(bench.seed)
    n_between = LONG_BETWEEN_KILLS if bench.is_long else SHORT_BETWEEN_KILLS
    with site_under_load(bench, n=8, act=sit_in_bulk) as (site, crowd, evidence):
        for _ in range(tries):
            crowd.wait_for_progress(n_between)
            wait_for(lambda: len(site.workers()) == 2, what="two workers")
            site.kill(chance.choice(site.workers()))
            time.sleep(chance.random() * 0.12)
    return evidence


@fault(
    "F2",
    "SIGKILL of the only writer of a SQLite file",
    f"{KEPT_ONCE}; the file is sound",
    short=6,
    long=1000,
    engines=[SQLITE],
    has_own_database=True,
)
def writer_killed(bench: Bench, tries: int) -> Evidence:
    chance = random.Random(bench.seed)
    n_between = LONG_BETWEEN_KILLS // 2 if bench.is_long else SHORT_BETWEEN_KILLS
    with site_under_load(bench, n=6, workers=1, act=sit_in_bulk) as (site, crowd, evidence):
        for _ in range(tries):
            crowd.wait_for_progress(n_between)
            wait_for(site.workers, what="a worker")
            site.kill(site.workers()[0])
            time.sleep(chance.random() * 0.05)
    return evidence


@fault("F1b", "SIGKILL of the whole server, then a new start", KEPT_ONCE, short=1, long=60)
def tree_killed(bench: Bench, tries: int) -> Evidence:
    with site_under_load(bench, n=8, act=sit_in_bulk) as (site, crowd, evidence):
        for _ in range(tries):
            crowd.wait_for_progress(_between_starts(bench))
            site.kill_tree()
            site.start()
    return evidence


def _between_starts(bench: Bench) -> int:
    return LONG_BETWEEN_STARTS if bench.is_long else SHORT_BETWEEN_STARTS


@fault(
    "F3",
    "SIGKILL of all of PostgreSQL",
    f"{KEPT_ONCE}; the server reconnects by itself",
    short=1,
    long=100,
    engines=[POSTGRESQL],
)
def postgresql_killed(bench: Bench, tries: int) -> Evidence:
    def kill(cluster: Cluster, _chance: random.Random) -> None:
        cluster.kill()
        cluster.start()

    return _disturb_postgresql(bench, tries, kill)


@fault(
    "F3b",
    "all of PostgreSQL stands still for up to three seconds (SIGSTOP), as on a host that is gone for a moment",
    f"{KEPT_ONCE}; what waits meanwhile is saved afterwards",
    short=1,
    long=40,
    engines=[POSTGRESQL],
)
def postgresql_stands_still(bench: Bench, tries: int) -> Evidence:
    def stop(cluster: Cluster, chance: random.Random) -> None:
        stopped = cluster.signal(signal.SIGSTOP)
        try:
            time.sleep(chance.random() * (3 if bench.is_long else 1))
        finally:
            cluster.signal(signal.SIGCONT)
        assert stopped, "there was nothing to stop"

    return _disturb_postgresql(bench, tries, stop)


def _disturb_postgresql(bench: Bench, tries: int, disturb: Callable[[Cluster, random.Random], None]) -> Evidence:
    """Let candidates answer while PostgreSQL is disturbed again and again; measure how long nobody was answered."""
    evidence, chance = Evidence(), random.Random(bench.seed)
    with (
        site_on_own_cluster(bench, n=8) as (cluster, site),
        under_load(site, evidence, n=8, act=sit_in_bulk, seed=bench.seed) as crowd,
    ):
        for _ in range(tries):
            crowd.wait_for_progress(_between_starts(bench))
            began = time.monotonic()
            disturb(cluster, chance)
            crowd.wait_for_progress(1)
            evidence.note(longest_outage_ms=round(1000 * (time.monotonic() - began)))
        site.engine.dispose()  # the connections of the test died too
    return evidence


@fault(
    "F20",
    "deployment during the exam: processes replaced, then the whole server stopped and started",
    KEPT_ONCE,
    short=2,
    long=40,
)
def deployed(bench: Bench, tries: int) -> Evidence:
    with site_under_load(bench, n=8, act=sit_in_bulk) as (site, crowd, evidence):
        for k in range(tries):
            crowd.wait_for_progress(_between_starts(bench))
            if k % 2:
                site.stop()
                site.start()
                continue
            _replace_processes(site)
    return evidence


def _replace_processes(site: Site) -> None:
    """Have all processes replaced, and wait until none of the old ones is left."""
    before = set(site.workers())
    site.hang_up()
    wait_for(lambda: site.workers() and not before & set(site.workers()), what="new processes")


@fault(
    "F24",
    "somebody else's transaction holds what the answers need, for up to two seconds",
    f"{KEPT_ONCE}; saves wait, none is refused",
    short=2,
    long=40,
)
def somebody_holds_the_lock(bench: Bench, tries: int) -> Evidence:
    """On PostgreSQL it holds the rows of half the candidates and says nothing more; on SQLite it is the writer."""
    evidence, chance = Evidence(), random.Random(bench.seed)
    with any_site(bench, n=8) as site, under_load(site, evidence, n=8, seed=bench.seed) as crowd:
        for _ in range(tries):
            crowd.wait_for_progress(20)
            _hold(site, crowd, chance.random() * (2 if bench.is_long else 0.3))
            crowd.wait_for_progress(8)
    evidence.demand(evidence.figures["unanswered"] == 0, f"{evidence.figures['unanswered']} saves were refused")
    return evidence


def _hold(site: Site, crowd: Crowd, seconds: float) -> None:
    ids = [str(device.person.attempt_id) for device in crowd.devices[::2]]
    with one_turn(site.engine), site.engine.begin() as connection:
        if site.engine.dialect.name == POSTGRESQL:
            query = "SELECT attempt_id FROM attempts WHERE attempt_id = ANY(CAST(:ids AS uuid[])) ORDER BY attempt_id FOR UPDATE"
            connection.execute(text(query), {"ids": ids})
        time.sleep(seconds)

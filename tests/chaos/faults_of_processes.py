"""Processes die: workers, the one that writes, the whole server, PostgreSQL; and a deployment replaces them."""

from __future__ import annotations

import random
import time

from tests.chaos.matrix import POSTGRESQL, SQLITE, Bench, Evidence, fault, site_under_load, under_load
from tests.chaos.sites import Cluster, Site, new_database, serving, wait_for

KEPT_ONCE = "acknowledged ⇒ kept once; states, counts and events agree; clients drain alone"


@fault("F1", "SIGKILL of a worker while answers come in", KEPT_ONCE, short=6, long=500)
def worker_killed(bench: Bench, tries: int) -> Evidence:
    chance = random.Random(bench.seed)
    with site_under_load(bench, n=8) as (site, crowd, evidence):
        for _ in range(tries):
            crowd.wait_for_progress(4)
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
)
def writer_killed(bench: Bench, tries: int) -> Evidence:
    chance = random.Random(bench.seed)
    with site_under_load(bench, n=6, workers=1) as (site, crowd, evidence):
        for _ in range(tries):
            crowd.wait_for_progress(3)
            wait_for(site.workers, what="a worker")
            site.kill(site.workers()[0])
            time.sleep(chance.random() * 0.05)
    return evidence


@fault("F1b", "SIGKILL of the whole server, then a new start", KEPT_ONCE, short=1, long=60)
def tree_killed(bench: Bench, tries: int) -> Evidence:
    with site_under_load(bench, n=8) as (site, crowd, evidence):
        for _ in range(tries):
            crowd.wait_for_progress(20)
            site.kill_tree()
            site.start()
    return evidence


@fault(
    "F3",
    "SIGKILL of all of PostgreSQL",
    f"{KEPT_ONCE}; the server reconnects by itself",
    short=1,
    long=100,
    engines=[POSTGRESQL],
)
def postgresql_killed(bench: Bench, tries: int) -> Evidence:
    evidence = Evidence()
    cluster = Cluster()
    longest = 0.0
    try:
        with serving(bench.folder, new_database(cluster.url, "killed"), n=8) as site:
            with under_load(site, evidence, n=8, seed=bench.seed) as crowd:
                for _ in range(tries):
                    crowd.wait_for_progress(20)
                    cluster.kill()
                    began = time.monotonic()
                    cluster.start()
                    crowd.wait_for_progress(1)
                    longest = max(longest, time.monotonic() - began)
                site.engine.dispose()  # the connections of the test died too
            evidence.figures["longest_outage_ms"] = round(1000 * longest)
    finally:
        cluster.close()
    return evidence


@fault(
    "F20",
    "deployment during the exam: processes replaced, then the whole server stopped and started",
    KEPT_ONCE,
    short=2,
    long=40,
)
def deployed(bench: Bench, tries: int) -> Evidence:
    with site_under_load(bench, n=8) as (site, crowd, evidence):
        for k in range(tries):
            crowd.wait_for_progress(20)
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

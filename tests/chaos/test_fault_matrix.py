"""The fault matrix in its short form; ``make chaos`` runs the same scenarios as often as docs/faults.md says."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from functools import cache
from pathlib import Path

import pytest

from tests.chaos.all_faults import FAULTS
from tests.chaos.matrix import POSTGRESQL, SQLITE, Bench, Fault
from tests.chaos.sites import Cluster, Site, new_database, serving
from tests.databases import Embedded, Served

SEED = 20260101
ADDRESS = os.environ.get("KAOKU_TEST_DATABASE_URL") or "sqlite://"
ENGINE = POSTGRESQL if ADDRESS.startswith(POSTGRESQL) else SQLITE
HERE = [fault for fault in FAULTS if ENGINE in fault.engines and fault.n_short]


N_SHARED, N_OWN = 112, 24


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, databases: Embedded | Served) -> Iterator[Callable[[], Site]]:
    """One running site for all scenarios that leave it as well as they found it, started when the first of them asks."""
    folder = tmp_path_factory.mktemp("shared")
    with ExitStack() as stack:

        def running() -> Site:
            url = stack.enter_context(databases.with_schema(folder))
            return stack.enter_context(serving(folder, url, n=N_SHARED))

        yield cache(running)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], tuple[Cluster, Site]]]:
    """One running site in front of a PostgreSQL that may be killed, started when the first scenario asks."""
    folder = tmp_path_factory.mktemp("own")
    with ExitStack() as stack:

        def running() -> tuple[Cluster, Site]:
            cluster = Cluster()
            stack.callback(cluster.close)
            url = new_database(cluster.url, "own")
            return cluster, stack.enter_context(serving(folder, url, n=N_OWN))

        yield cache(running)


@pytest.mark.slow
@pytest.mark.filterwarnings("default:.*was not tried here")
@pytest.mark.parametrize("fault", HERE, ids=[fault.number for fault in HERE])
def test_what_must_hold_under_a_fault_holds(
    fault: Fault, databases: Embedded | Served, tmp_path: Path, shared: Callable[[], Site],
    own: Callable[[], tuple[Cluster, Site]],
) -> None:  # fmt: skip
    with databases.with_schema(tmp_path) if fault.has_own_database else nullcontext(ADDRESS) as url:
        evidence = fault.scenario(Bench(tmp_path, url, SEED, shared=shared, own=own), fault.n_short)
    assert evidence.violations == []
    if evidence.impossible:
        warnings.warn(f"{fault.number} was not tried here: {evidence.impossible}", stacklevel=1)

"""The fault matrix in its short form; ``make chaos`` runs the same scenarios as often as docs/faults.md says."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.chaos.all_faults import FAULTS
from tests.chaos.matrix import POSTGRESQL, SQLITE, Bench, Fault
from tests.chaos.sites import Site, drop_database, new_database, serving

SEED = 20260101
ENGINE = POSTGRESQL if os.environ.get("KAOKU_TEST_DATABASE_URL", "").startswith(POSTGRESQL) else SQLITE
HERE = [fault for fault in FAULTS if ENGINE in fault.engines]


N_SHARED = 40


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Site]]:
    """One running site for all scenarios that leave the server alone, started when the first of them asks."""
    folder = tmp_path_factory.mktemp("shared")
    sites: list[Site] = []
    with database_of_own(folder) as url, ExitStack() as stack:

        def running() -> Site:
            if not sites:
                sites.append(stack.enter_context(serving(folder, url, n=N_SHARED)))
            return sites[0]

        yield running


@contextmanager
def database_of_own(folder: Path) -> Iterator[str]:
    """Give an empty database of the engine under test."""
    if ENGINE == SQLITE:
        yield f"sqlite:///{folder / 'site.sqlite3'}"
        return
    url = new_database(os.environ["KAOKU_TEST_DATABASE_URL"], f"shared_{uuid.uuid4().hex[:12]}")
    yield url
    drop_database(url)


@pytest.mark.slow
@pytest.mark.parametrize("fault", HERE, ids=[fault.number for fault in HERE])
def test_what_must_hold_under_a_fault_holds(
    fault: Fault, scratch_database_url: str, tmp_path: Path, shared: Callable[[], Site]
) -> None:
    evidence = fault.scenario(Bench(tmp_path, scratch_database_url, SEED, shared=shared), fault.n_short)
    assert evidence.violations == []

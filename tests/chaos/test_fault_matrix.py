"""The fault matrix in its short form; ``make chaos`` runs the same scenarios as often as docs/faults.md says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.chaos.all_faults import FAULTS
from tests.chaos.matrix import POSTGRESQL, SQLITE, Bench, Fault

SEED = 20260101
ENGINE = POSTGRESQL if os.environ.get("KAOKU_TEST_DATABASE_URL", "").startswith(POSTGRESQL) else SQLITE
HERE = [fault for fault in FAULTS if ENGINE in fault.engines]


@pytest.mark.slow
@pytest.mark.parametrize("fault", HERE, ids=[fault.number for fault in HERE])
def test_what_must_hold_under_a_fault_holds(fault: Fault, scratch_database_url: str, tmp_path: Path) -> None:
    evidence = fault.scenario(Bench(tmp_path, scratch_database_url, SEED), fault.n_short)
    assert evidence.violations == []

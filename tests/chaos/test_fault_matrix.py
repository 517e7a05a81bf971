"""The fault matrix in its short form; ``make chaos`` runs the same scenarios as often as docs/faults.md says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import all_faults
from tests.chaos.matrix import Bench, Fault

SEED = 20260101


@pytest.mark.slow
@pytest.mark.parametrize("fault", all_faults.FAULTS, ids=lambda fault: fault.number)
def test_what_must_hold_under_a_fault_holds(fault: Fault, scratch_database_url: str, tmp_path: Path) -> None:
    bench = Bench(tmp_path, scratch_database_url, SEED)
    if bench.engine not in fault.engines:
        return
    evidence = fault.scenario(bench, fault.n_short)
    assert evidence.violations == []

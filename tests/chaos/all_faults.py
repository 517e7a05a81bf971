"""All rows of the matrix, in order."""

from __future__ import annotations

from tests.chaos import (  # noqa: F401 - each enters its scenarios
    faults_at_random,
    faults_of_care,
    faults_of_disks,
    faults_of_flushes,
    faults_of_ledger,
    faults_of_lines,
    faults_of_processes,
    faults_of_revisions,
    faults_of_room,
)
from tests.chaos.matrix import FAULTS

FAULTS.sort(key=lambda fault: (int(fault.number[1:].rstrip("bcd")), fault.number))

__all__ = ["FAULTS"]

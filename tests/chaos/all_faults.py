"""All rows of the matrix, in order."""

from __future__ import annotations

from tests.chaos import (  # noqa: F401 - each enters its scenarios
    faults_of_disks,
    faults_of_processes,
)
from tests.chaos.matrix import FAULTS

__all__ = ["FAULTS"]

"""What the lockdown adds to a call of a candidate: the check alone, without network and database.

    .venv/bin/python benchmarks/lockdown.py

Three cases: no session asks for a browser; one does and the call proves it by headers; one does and the candidate is exempt.
The best of several runs is told, since everything else on the machine only adds.
"""

from __future__ import annotations

import sys
import timeit
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from exam_delivery.answering.lockdown import LockdownGate
from exam_delivery.answering.storage import LockdownRow, Lockdowns
from exam_delivery.rules.seb import request_hash

BASE, KEY = "https://exam.example.cn", "a" * 64
SESSION, ATTEMPT = uuid.uuid4(), uuid.uuid4()
N_CALLS, N_RUNS = 50_000, 5


class Fixed:
    """A storage whose answers stay the same."""

    def __init__(self, known: Lockdowns) -> None:
        self.known = known

    def find_lockdowns(self) -> Lockdowns:
        """Return what is known."""
        return self.known

    def find_attempt(self, _attempt_id: uuid.UUID) -> Any:
        """Return the one attempt."""
        return SimpleNamespace(exam_session_id=SESSION)


def microseconds(known: Lockdowns) -> float:
    """Return the time of one check."""
    gate: Any = LockdownGate(Fixed(known))  # type: ignore[arg-type] # two calls of the storage are enough here
    path = f"/api/v1/exam/attempts/{ATTEMPT}/responses"
    call = {"PATH_INFO": path, "HTTP_X_SAFEEXAMBROWSER_CONFIGKEYHASH": request_hash(BASE + path, KEY)}
    return min(timeit.repeat(lambda: gate.check(call, ATTEMPT), number=N_CALLS, repeat=N_RUNS)) / N_CALLS * 1e6


def main() -> None:
    """Print the three cases."""
    rows = {SESSION: LockdownRow(BASE, KEY, (), "c" * 32)}
    cases = {
        "no session is locked down": Lockdowns({}, frozenset()),
        "proved by headers": Lockdowns(rows, frozenset()),
        "exempt": Lockdowns(rows, frozenset({ATTEMPT})),
    }
    for name, known in cases.items():
        print(f"{name:<28}{microseconds(known):>8.1f} µs")


if __name__ == "__main__":
    main()

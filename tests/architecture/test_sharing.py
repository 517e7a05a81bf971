"""Processes that share one run of the suite: no test is left out, and none runs twice."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from tests.sharing import Claims, by_file, run_shared


@dataclass(frozen=True)
class Case:
    nodeid: str


FILES = {"tests/a/test_one.py": 3, "tests/a/test_two.py": 1, "tests/b/test_one.py": 40, "kernel/clock.py": 2}
CASES = [Case(f"{file}::test_{number}") for file, n in FILES.items() for number in range(n)]


def file_of(case):
    return case.nodeid.partition("::")[0]


def test_one_process_alone_runs_everything_in_order_and_knows_what_follows(tmp_path):
    seen = []
    run_shared(CASES, Claims(tmp_path), lambda *pair: seen.append(pair))
    assert seen == list(zip(CASES, [*CASES[1:], None], strict=True))
    run_shared(CASES, Claims(tmp_path), lambda *pair: seen.append(pair))
    assert len(seen) == len(CASES), "whoever comes when all is taken runs nothing"


def test_whoever_joins_late_goes_on_where_no_file_is_taken(tmp_path):
    late = []

    def run(case, _following):
        if case is CASES[1]:  # the second test of the first file: that file is taken, no other one is
            run_shared(CASES, Claims(tmp_path), lambda *pair: late.append(pair))
        early.append(case)

    early = []
    run_shared(CASES, Claims(tmp_path), run)
    assert early == CASES[:3]
    assert [case for case, _following in late] == CASES[3:]
    assert late[-1][1] is None


def test_processes_at_once_run_every_test_once_and_no_file_in_two_of_them(tmp_path):
    cases = [Case(f"tests/test_{file}.py::test_{number}") for file in range(60) for number in range(3)]
    ran = [[] for _ in range(4)]
    barrier = threading.Barrier(len(ran))

    def process(mine):
        barrier.wait()
        run_shared(cases, Claims(tmp_path), lambda case, _following: mine.append(case))

    threads = [threading.Thread(target=process, args=(mine,)) for mine in ran]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(case.nodeid for mine in ran for case in mine) == sorted(case.nodeid for case in cases)
    owners = [{file_of(case) for case in mine} for mine in ran]
    assert sum(map(len, owners)) == len(by_file(cases))

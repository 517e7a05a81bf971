"""Run every check of the project: ``python tools/check.py [fast|all]``.

`fast`: lint, types, contracts, catalogues and the tests that need neither a browser nor PostgreSQL. `all` (what CI runs): the
same, plus the whole suite on SQLite and on a private PostgreSQL cluster that this script starts, both at the same time. A lane
that has nothing left to do of one engine goes on with what nobody has begun of the other.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv/bin"
BUILD = ROOT / "build"
UNSAFE_AND_FAST = "".join(f" -c {name}=off" for name in ["fsync", "synchronous_commit", "full_page_writes"])
"""Nothing of the cluster under test is kept; the tests that kill PostgreSQL start safe clusters of their own."""
N_LANES = max(2, os.cpu_count() or 2)
"""Processes at once, first half of them on each engine; four on two cores keep each other waiting: the longest journey took
675 s instead of about 400."""
SIDE_BY_SIDE = [f"--numprocesses={max(1, N_LANES // 2)}", "--dist=loadfile", "--no-loadscope-reorder"]
"""In a quick run, files go to whichever process is free, in the order that tests/conftest.py gives them: the longest first."""
NEED_A_DATABASE = [
    f"tests/{name}"
    for name in ["kernel", "web", "qbank", "blueprints", "exam_delivery", "certification", "chaos", "journeys"]
]
NEED_NONE = [
    "tests/qbank/interchange", "tests/blueprints/assembly", "tests/exam_delivery/player", "tests/exam_delivery/practice",
    "tests/web/test_components.py", "tests/web/test_components_in_browser.py", "tests/web/test_vendor.py",
]  # fmt: skip
"""Pure tests, and the player's against its own small server: nothing in them differs by the database. tests/conftest.py leaves
out more, test by test: whatever asks for no database."""


def static_checks() -> list[tuple[str, list[str]]]:
    """Return the checks that run no test, by name."""
    python = str(BIN / "python")
    return [
        ("locks", [python, "tools/locks.py", "check"]),
        ("ruff", [str(BIN / "ruff"), "check", "."]),
        ("format", [str(BIN / "ruff"), "format", "--check", "."]),
        ("mypy", [str(BIN / "mypy")]),
        ("imports", [str(BIN / "lint-imports")]),
        ("catalogues", [python, "tools/i18n.py", "check"]),
    ]


def run_static() -> list[str]:
    """Run all static checks; return the names of those that failed."""
    failed = []
    for name, command in static_checks():
        started = time.monotonic()
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - started
        print(f"{'ok  ' if result.returncode == 0 else 'FAIL'} {name} ({seconds:.1f} s)", flush=True)
        if result.returncode:
            print(result.stdout[-6000:], result.stderr[-3000:], flush=True)
            failed.append(name)
    return failed


def postgres_bin() -> Path:
    """Return the folder of PostgreSQL's programs."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
    if folders:
        return folders[0]
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    sys.exit("PostgreSQL is not installed: run 'make setup-dev' or install the package postgresql")


def as_database_user(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root; Debian's own account runs it then."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


@contextlib.contextmanager
def private_postgresql(*, is_durable: bool = False) -> Iterator[str]:
    """Start a cluster of our own in a temporary folder, reached by a socket alone; yield its address."""
    folder = Path(tempfile.mkdtemp(prefix="kaoku-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data, tools = folder / "data", postgres_bin()
    options = f"-k {folder} -c listen_addresses='' -c shared_buffers=256MB -c max_connections=200{'' if is_durable else UNSAFE_AND_FAST}"
    quiet: dict[str, Any] = {"cwd": folder, "stdout": subprocess.DEVNULL}
    create = [
        str(tools / "initdb"),
        "-D",
        str(data),
        "-U",
        "kaoku",
        "--auth=trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "-N",
    ]
    subprocess.run(as_database_user(create), check=True, **quiet)
    control = [str(tools / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log")]
    subprocess.run(as_database_user([*control, "-o", options, "start"]), check=True, **quiet)
    try:
        yield f"postgresql+psycopg://kaoku@/postgres?host={folder}"
    finally:
        subprocess.run(
            as_database_user([*control, "-m", "immediate", "stop"]), check=False, cwd="/", stdout=subprocess.DEVNULL
        )
        shutil.rmtree(folder, ignore_errors=True)


def run_pytest(name: str, extra: list[str], environment: dict[str, str]) -> tuple[int, Path]:
    """Run the suite, or a part of it, to its end with the output in a file; return the exit status and the file."""
    log = BUILD / f"pytest-{name}.log"
    arguments = [str(BIN / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", *extra]
    with log.open("w") as out:
        done = subprocess.run(
            arguments, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **environment}, check=False
        )
    return done.returncode, log


@dataclass
class Suite:
    """The suite on one engine, of which any number of processes take files until none is left."""

    name: str
    arguments: list[str]
    environment: dict[str, str]
    is_through: bool = False

    def run(self, lane: int) -> tuple[str, bool]:
        """Run what is left of it in one process; return what it says and whether all was well."""
        started = time.monotonic()
        status, log = run_pytest(f"{self.name}-{lane}", self.arguments, self.environment)
        self.is_through = self.is_through or status in {0, 1}  # a process ends so when every file has been taken
        return (
            f"----- {self.name}, lane {lane}, {time.monotonic() - started:.0f} s -----\n{tail(log)}",
            status == 0,
        )


def suites(address: str, claims: Path) -> list[Suite]:
    """Return the suite on each engine; files are marked as taken in a folder."""
    on_sqlite, on_postgresql = claims / "sqlite", claims / "postgresql"
    for folder in (on_sqlite, on_postgresql):
        folder.mkdir()
    return [
        Suite("sqlite", ["--doctest-modules", *doctest_folders(), "tests"], {"KAOKU_TEST_CLAIMS": str(on_sqlite)}),
        Suite(
            "postgresql",
            [*NEED_A_DATABASE, *without(NEED_NONE)],
            {"KAOKU_TEST_CLAIMS": str(on_postgresql), "KAOKU_TEST_DATABASE_URL": address},
        ),
    ]


def run_lane(lane: int, shared: list[Suite]) -> list[str]:
    """Run one engine's suite and then what nobody has begun of the others; return the names of those that failed here."""
    failed, first = [], lane % len(shared)
    for suite in [*shared[first:], *shared[:first]]:
        if suite.is_through:
            continue
        report, is_well = suite.run(lane)
        print(report, flush=True)
        if not is_well:
            failed.append(f"{suite.name} (lane {lane})")
    return failed


def run_suites() -> list[str]:
    """Run the static checks, then the suite on both engines at once; return the names of those that failed.

    The longest files come first and start demonstrations and browsers: the static checks beside them would only delay both.
    """
    failed = run_static()
    with private_postgresql() as address, tempfile.TemporaryDirectory(prefix="kaoku-claims-") as claims:
        shared = suites(address, Path(claims))
        with ThreadPoolExecutor(N_LANES) as lanes:
            for found in lanes.map(lambda lane: run_lane(lane, shared), range(N_LANES)):
                failed += found
    return failed


def run_fast() -> list[str]:
    """Run the static checks and then the quick tests; return the names of those that failed."""
    failed = run_static()
    status, log = run_pytest("fast", [*SIDE_BY_SIDE, "-m", "not journey and not slow", "tests"], {})
    if status:
        failed.append("tests")
    print(tail(log))
    return failed


def without(paths: list[str]) -> list[str]:
    """Return the options that leave paths out."""
    return [f"--ignore={path}" for path in paths]


def doctest_folders() -> list[str]:
    """Return the packages whose examples are tests."""
    return ["kernel", "psychometrics", "item_templates", "qbank", "blueprints", "exam_delivery", "certification"]


def tail(log: Path, limit: int = 24000) -> str:
    """Return the end of a log."""
    return log.read_text(errors="replace")[-limit:]


def main(mode: str) -> int:
    """Run the checks of a mode."""
    BUILD.mkdir(exist_ok=True)
    failed = run_fast() if mode == "fast" else run_suites()
    print(f"FAILED: {', '.join(failed)}" if failed else "all checks passed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "all"))

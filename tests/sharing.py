"""Several processes share one run of the suite: each takes the next file that nobody has taken, and runs it to its last test.

A file belongs to the first process that marks it in a folder. A process ends when no file is left, so that whoever ends knows
that every file was taken; whoever dies with a file in hand fails the run by its exit status.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar

ADDRESS = "KAOKU_TEST_CLAIMS"
"""The folder of the marks, told to processes by the environment; without it a process runs whatever it was asked for."""


class Placed(Protocol):
    """A test that knows its file."""

    @property
    def nodeid(self) -> str:
        """Return the address of the test, which begins with its file."""


Test = TypeVar("Test", bound=Placed)


def by_file(tests: Iterable[Test]) -> dict[str, list[Test]]:
    """Return the tests of each file, files in the order of their first tests."""
    files: dict[str, list[Test]] = {}
    for test in tests:
        files.setdefault(test.nodeid.partition("::")[0], []).append(test)
    return files


class Claims:
    """The marks that processes leave in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, file: str) -> bool:
        """Take a file, and say whether it was free: of many who ask at once, one gets it."""
        mark = self._folder / file.replace("/", "!")
        try:
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return False
        return True


def run_shared(tests: Iterable[Test], claims: Claims, run: Callable[[Test, Test | None], object]) -> None:
    """Run the tests of every file that can be taken; `run` is told what follows, for it clears away what that does not need."""
    for test, following in with_following(taken(by_file(tests), claims)):
        run(test, following)


def taken(files: dict[str, list[Test]], claims: Claims) -> Iterator[Test]:
    """Yield the tests of the files that are taken, each file at the moment when its first test is asked for."""
    for file, tests in files.items():
        if claims.take(file):
            yield from tests


def with_following(tests: Iterator[Test]) -> Iterator[tuple[Test, Test | None]]:
    """Yield each test with the one after it: a file is taken when the last test of the one before is about to run."""
    test = next(tests, None)
    while test is not None:
        following = next(tests, None)
        yield test, following
        test = following

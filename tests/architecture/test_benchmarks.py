"""Every benchmark can be started as `make bench` starts it."""

from __future__ import annotations

import importlib
import re

import pytest

from tests.architecture.sources import ROOT

STARTED = [path for path in sorted((ROOT / "benchmarks").glob("*.py")) if "__main__" in path.read_text("utf-8")]


@pytest.mark.parametrize("path", STARTED, ids=lambda path: path.stem)
def test_a_benchmark_is_imported_as_a_module_and_has_a_start(path):
    assert callable(importlib.import_module(f"benchmarks.{path.stem}").main)


def test_make_starts_them_as_modules():
    recipe = (ROOT / "Makefile").read_text("utf-8")
    assert re.search(r"-m benchmarks\.\$\$\(basename \$\$file \.py\)", recipe)
    assert len(STARTED) >= 7

"""The front-end libraries in the repository are exactly the recorded ones."""

import importlib.util
import json
import re
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def load_tool(name):
    """Import a maintainer's script, which belongs to no package."""
    spec = importlib.util.spec_from_file_location(f"tools_{name}", ROOT / "tools" / f"{name}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


vendor = load_tool("vendor")
HOMES = [ROOT / home for home in vendor.homes()]


@pytest.mark.parametrize("home", HOMES, ids=lambda home: home.name)
def test_every_vendored_file_has_its_recorded_digest(home):
    assert vendor.check(home) == []


def test_a_changed_a_missing_and_a_stray_file_are_named(tmp_path):
    home = tmp_path / "vendor"
    shutil.copytree(HOMES[0], home)
    script, css = next(home.rglob("htmx.min.js")), next(home.rglob("bootstrap.min.css"))
    script.write_text("alert(1)", encoding="utf-8")
    css.unlink()
    (home / "left-over.js").write_text("", encoding="utf-8")
    assert vendor.check(home) == [
        f"missing: {css.relative_to(home).as_posix()}",
        "stray: left-over.js",
        f"changed: {script.relative_to(home).as_posix()}",
    ]


@pytest.mark.parametrize("package", vendor.PACKAGES, ids=lambda package: package.folder)
def test_every_library_comes_with_its_licence_and_pinned_version(package):
    rows = json.loads((ROOT / package.home / vendor.MANIFEST).read_text(encoding="utf-8"))
    mine = [row for row in rows if row["package"] == package.name]
    assert {(row["version"], row["licence"]) for row in mine} == {(package.version, package.licence)}
    assert any(Path(row["file"]).name == "LICENSE" for row in mine)


def test_templates_name_only_vendored_files_that_exist():
    templates = (ROOT / "web" / "templates").rglob("*.html")
    named = {name for path in templates for name in re.findall(r"vendor/[\w./-]+", path.read_text(encoding="utf-8"))}
    assert named
    assert [name for name in sorted(named) if not (ROOT / "web" / "static" / name).is_file()] == []

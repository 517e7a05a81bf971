"""Copy the front-end libraries into the repository, with their licences and digests.

For the maintainer only: `python tools/vendor.py` packs each pinned version with npm, checks the archive against its
recorded digest, copies the few files we serve and rewrites the manifests; `python tools/vendor.py --check` re-hashes
what is there. Nobody else needs Node, and nothing is fetched when the product runs.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATIC = Path("web/static/vendor")
TEST_ASSETS = Path("tests/assets/axe-core")
MANIFEST = "vendor.json"


@dataclass(frozen=True, slots=True)
class Package:
    """One pinned npm package: `keep` maps patterns inside the archive to folders of the copy."""

    name: str
    version: str
    licence: str
    folder: str
    sha512: str
    keep: dict[str, str]
    home: Path = STATIC
    licence_text: Path | None = None
    """Text kept by us where the archive carries none."""

    @property
    def target(self) -> Path:
        """Return the folder of the copy, relative to the repository."""
        return self.home / f"{self.folder}-{self.version}"


PACKAGES = (
    Package(
        name="bootstrap",
        version="5.3.8",
        licence="MIT",
        folder="bootstrap",
        sha512="HP1SZDqaLDPwsNiqRqi5NcP0SSXciX2s9E+RyqJIIqGo+vJeN5AJVM98CXmW/Wux0nQ5L7jeWUdplCEf0Ee+tg==",
        keep={
            "LICENSE": "",
            "dist/css/bootstrap.min.css": "css",
            "dist/js/bootstrap.bundle.min.js": "js",
        },
    ),
    Package(
        name="htmx.org",
        version="2.0.11",
        licence="0BSD",
        folder="htmx",
        sha512="Thx/WtpeOQqSrqBCw/A1cwGJGg4UrVa3+sW0GmrM3p4gJgO89ecH4qtbnyzDDWFvBTqjnIMCgELTNt636dtamA==",
        keep={"LICENSE": "", "dist/htmx.min.js": ""},
    ),
    Package(
        name="@alpinejs/csp",
        version="3.17.4",
        licence="MIT",
        folder="alpinejs-csp",
        sha512="SlRXmqO6kYhnxlg+99etmuzJtE9Lk4QbKjBHqerXzaMflJqoJXdz/SI3IvHJGZ/vRVyC3bR0SSBz40oY7goBeg==",
        keep={"dist/cdn.min.js": ""},
        licence_text=Path("tools/licences/alpinejs-csp.txt"),
    ),
    Package(
        name="katex",
        version="0.19.1",
        licence="MIT",
        folder="katex",
        sha512="jG8uKntjSEcm2EpQOh0XturpPuuC9r3Sq5HLHdsFdWZT27E672SF19QEi+of0/YeOy15lDgRhKvr5614uRrEfA==",
        keep={"LICENSE": "", "dist/katex.min.css": "", "dist/katex.min.js": "", "dist/fonts/*.woff2": "fonts"},
    ),
    Package(
        name="axe-core",
        version="4.14.1",
        licence="MPL-2.0",
        folder="axe-core",
        sha512="FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
        keep={"LICENSE": "", "LICENSE-3RD-PARTY.txt": "", "axe.min.js": ""},
        home=TEST_ASSETS,
    ),
)


def main() -> int:
    """Copy everything anew, or only check what is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="re-hash the copies and change nothing")
    if not parser.parse_args().check:
        fetch_all()
    problems = [problem for home in homes() for problem in check(ROOT / home)]
    print("\n".join(problems) or "vendored files agree with their manifests")
    return 1 if problems else 0


def homes() -> tuple[Path, ...]:
    """Return the folders that hold vendored files, each with its own manifest."""
    return tuple(dict.fromkeys(package.home for package in PACKAGES))


def fetch_all() -> None:
    """Replace every vendored folder by what the pinned archives hold."""
    for home in homes():
        shutil.rmtree(ROOT / home, ignore_errors=True)
        packages = [package for package in PACKAGES if package.home == home]
        for package in packages:
            copy_package(package)
        write_manifest(ROOT / home, packages)


def copy_package(package: Package) -> None:
    """Unpack one archive and copy the files we keep."""
    with tempfile.TemporaryDirectory() as folder:
        archive = pack(package, Path(folder))
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        source = Path(folder, "package")
        for path, target in kept_files(source, package.keep):
            destination = ROOT / package.target / target / path.name
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, destination)
    if package.licence_text:
        shutil.copyfile(ROOT / package.licence_text, ROOT / package.target / "LICENSE")


def pack(package: Package, folder: Path) -> Path:
    """Let npm fetch the archive and refuse one that is not the recorded one."""
    spec = f"{package.name}@{package.version}"
    command = ["npm", "pack", spec, "--silent", "--ignore-scripts", "--pack-destination", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    archive = next(folder.glob("*.tgz"))
    found = digest(archive, "sha512")
    if found != package.sha512:
        message = f"{spec}: archive has sha512 {found}, recorded is {package.sha512}"
        raise SystemExit(message)
    return archive


def kept_files(source: Path, keep: dict[str, str]) -> Iterable[tuple[Path, str]]:
    """Yield each file to keep with its folder; a pattern that matches nothing stops the run."""
    files = sorted(path for path in source.rglob("*") if path.is_file())
    for pattern, target in keep.items():
        found = [path for path in files if fnmatch(path.relative_to(source).as_posix(), pattern)]
        if not found:
            message = f"{source.name}: nothing matches {pattern}"
            raise SystemExit(message)
        yield from ((path, target) for path in found)


def write_manifest(home: Path, packages: Iterable[Package]) -> None:
    """Write package, version, licence, file and digest of every copied file."""
    rows = [
        {
            "package": package.name,
            "version": package.version,
            "licence": package.licence,
            "file": path.relative_to(home).as_posix(),
            "sha384": digest(path, "sha384"),
        }
        for package in packages
        for path in sorted((ROOT / package.target).rglob("*"))
        if path.is_file()
    ]
    (home / MANIFEST).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def digest(path: Path, algorithm: str) -> str:
    """Return a file's digest in the base64 form of integrity attributes."""
    return base64.b64encode(hashlib.new(algorithm, path.read_bytes()).digest()).decode("ascii")


def check(home: Path) -> list[str]:
    """Name every file that is missing, changed, or not in the manifest of a vendored folder."""
    rows = {row["file"]: row["sha384"] for row in json.loads((home / MANIFEST).read_text(encoding="utf-8"))}
    present = {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()} - {MANIFEST}
    return [
        *(f"missing: {name}" for name in sorted(rows.keys() - present)),
        *(f"stray: {name}" for name in sorted(present - rows.keys())),
        *(f"changed: {name}" for name in sorted(rows.keys() & present) if digest(home / name, "sha384") != rows[name]),
    ]


if __name__ == "__main__":
    sys.exit(main())

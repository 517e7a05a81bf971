"""Keep the locks: ``python tools/locks.py update|check``. Hashes are written, index addresses never."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {"requirements.lock": [], "requirements-dev.lock": ["--extra", "dev"]}


def compile_lock(name: str, extra: list[str], out: Path) -> None:
    """Resolve pyproject.toml into `out`; versions that `out` already names are kept while they fit."""
    command = [
        str(ROOT / ".venv/bin/uv"), "pip", "compile", "--quiet", "--generate-hashes", "--no-emit-index-url", "--universal",
        "--python-version", "3.11", *extra, "pyproject.toml", "-o", str(out),
        "--custom-compile-command", f"make lock  # {name}",
    ]  # fmt: skip
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "UV_NO_PROGRESS": "1"})


def is_fresh(name: str, extra: list[str]) -> bool:
    """Say whether compiling again would change nothing."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / name
        shutil.copy(ROOT / name, copy)
        compile_lock(name, extra, copy)
        return copy.read_bytes() == (ROOT / name).read_bytes()


def main(verb: str) -> int:
    """Update the locks, or fail when they do not fit pyproject.toml."""
    if verb == "update":
        for name, extra in LOCKS.items():
            compile_lock(name, extra, ROOT / name)
        return 0
    stale = [name for name, extra in LOCKS.items() if not is_fresh(name, extra)]
    print(f"stale: {', '.join(stale)}; run 'make lock'" if stale else "locks are fresh")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

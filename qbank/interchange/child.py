"""The process that reads one foreign file of items: started by `limited` through `kernel.confined`."""

from __future__ import annotations

import sys
from pathlib import Path

from kernel.confined_process import serve


def answer(request: bytes, out: Path) -> bytes:
    """Return the packed report of the file, noting on the way beside the answer how far the reading has come."""
    from qbank.interchange import progress, wire

    progress.listen(progress.into_file(Path(f"{out}.progress")))
    return wire.answer(request)


if __name__ == "__main__":
    sys.exit(serve(sys.argv[1:], answer))

"""Walk the product in WebKit: ``python tools/webkit_walk.py [--pictures FOLDER] [walk …]``.

Takes the walks of `old_engine_walks.py` in the distribution's WebKit (`webkit_page.py`) and tells what `old_engine.py` tells. The page is
reached through a cable that can be pulled.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

from cable import Cable
from old_engine_walks import WALKS
from picture_seat import Seat
from pictures import demonstration
from playwright.sync_api import Page
from webkit_page import WebKitPage, opened

WITHOUT_MORE = ("practice", "exam", "two-windows", "console")


def take(name: str, given: argparse.Namespace, server: str, facts: dict[str, Any]) -> list[str]:
    """Take a walk in a browser of its own; return what went wrong."""
    host, port = server.removeprefix("http://").split(":")
    cable = Cable((host, int(port)), given.host)

    def save(picture: str, shot: bytes) -> None:
        if given.pictures:
            (given.pictures / f"{picture}.png").write_bytes(shot)

    with tempfile.TemporaryDirectory(prefix="kaoku-webkit-") as home, opened(Path(home)) as wire:
        page = WebKitPage(wire, Path(home), cable.plug)
        try:
            WALKS[name](Seat(cast("Page", page), cable.url, facts, save))
        except Exception as error:  # noqa: BLE001 - one walk that fails must not cost the others
            save(f"{name}-stopped", page.screenshot())
            page.faults.append(f"the walk stopped: {error!r}")
        page.watch()
    print(f"{name}: {len(page.faults)} faults", flush=True)
    return [f"{name}: {one}" for one in page.faults]


def walk(given: argparse.Namespace, server: str, facts: dict[str, Any]) -> list[str]:
    """Take all walks that were asked for."""
    return [fault for name in given.walks or WITHOUT_MORE for fault in take(name, given, server, facts)]


def main() -> None:
    """Walk the demonstration and tell what WebKit could not do."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("walks", nargs="*", help=f"which walks to take; without a name {', '.join(WITHOUT_MORE)}")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of what was seen")
    parser.add_argument(
        "--host", default="127.0.0.1",
        help="by which of this machine's addresses the page is opened; with any but 127.0.0.1 it is a page without TLS",
    )  # fmt: skip
    parser.add_argument("--served", nargs=2, metavar=("URL", "FACTS"), help="a demonstration that is served already")
    given = parser.parse_args()
    if given.pictures:
        given.pictures.mkdir(parents=True, exist_ok=True)
    if given.served:
        faults = walk(given, given.served[0], json.loads(Path(given.served[1]).read_text(encoding="utf-8")))
    else:
        with demonstration() as (url, facts):
            faults = walk(given, url, facts)
    sys.exit("\n".join(faults) if faults else 0)


if __name__ == "__main__":
    main()

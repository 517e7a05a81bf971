"""Take the pictures of the documentation: ``python tools/pictures.py [name …]``, all of them without a name.

Loads the demonstration into a temporary folder, serves it, walks through it in Chromium as the people whose work it is, and
writes what they see into ``docs/images``. `picture_walks.py` says which pictures there are and how each is reached.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from picture_seat import Seat
from picture_walks import WALKS
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs/images"
KAOKU = Path(sys.executable).with_name("kaoku")
WIDTH, HEIGHT = 1440, 900
MOST_BYTES = 150_000
COLOURS = (256, 128, 64, 32)
START_SECONDS = 300


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def demonstration() -> Iterator[tuple[str, dict[str, Any]]]:
    """Serve the demonstration from a folder that is removed afterwards; yield its address and its sign-ins."""
    folder, port = Path(tempfile.mkdtemp(prefix="kaoku-pictures-")), free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KAOKU_")}
    environment |= {"KAOKU_INSTANCE_DIR": str(folder / "instance"), "KAOKU_LOG_LEVEL": "WARNING"}
    with (folder / "serve.log").open("w") as log:
        server = subprocess.Popen(
            [str(KAOKU), "demo", "--port", str(port)],
            env=environment, cwd=folder, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            wait_until_ready(f"http://127.0.0.1:{port}", server, folder / "serve.log")
            facts = json.loads((folder / "instance/demo.json").read_text(encoding="utf-8"))
            yield f"http://127.0.0.1:{port}", facts
        finally:
            stop(server)
    shutil.rmtree(folder, ignore_errors=True)


def wait_until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the demonstration is loaded and answers; its log says why when it does not."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:  # noqa: S310 - our own address
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.5)
    sys.exit(f"the demonstration did not come up:\n{log.read_text(encoding='utf-8')[-3000:]}")


def stop(server: subprocess.Popen[bytes]) -> None:
    """End the server and its worker."""
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGTERM)
    try:
        server.wait(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)


def take(browser: Browser, url: str, facts: dict[str, Any], names: list[str]) -> list[str]:
    """Take the named pictures, each walk in a browser context of its own; return the names of those that failed."""
    failed: list[str] = []
    for walk in WALKS:
        if not any(name in names for name in walk.pictures):
            continue
        context = browser.new_context(
            viewport={"width": WIDTH, "height": HEIGHT}, locale="zh-CN", timezone_id="Asia/Shanghai"
        )
        context.set_default_timeout(30_000)
        try:
            walk.take(Seat(context.new_page(), url, facts, save))
        except Exception as error:  # noqa: BLE001 - one walk that fails must not cost the others
            print(f"FAIL {'、'.join(walk.pictures)}: {error}", flush=True)
            failed += walk.pictures
        context.close()
    return failed


def save(name: str, shot: bytes) -> None:
    """Write a picture with as few colours as its size asks for."""
    data = optimised(shot)
    IMAGES.mkdir(parents=True, exist_ok=True)
    (IMAGES / f"{name}.png").write_bytes(data)
    print(f"{name}.png  {len(data) // 1024} KB", flush=True)


def optimised(shot: bytes) -> bytes:
    """Return a picture with a palette, so small that a page of documentation loads quickly."""
    data = b""
    with Image.open(io.BytesIO(shot)) as image:
        pixels = image.convert("RGB")
        for colours in COLOURS:
            out = io.BytesIO()
            pixels.quantize(colours, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
            data = out.getvalue()
            if len(data) <= MOST_BYTES:
                break
    return data


def main() -> None:
    """Take the pictures that the command line names, or all."""
    known = [name for walk in WALKS for name in walk.pictures]
    names = sys.argv[1:] or known
    if unknown := sorted(set(names) - set(known)):
        sys.exit(f"there is no picture {', '.join(unknown)}; there are {', '.join(known)}")
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("Debian's chromium is not installed: run 'make setup-dev'")
    with demonstration() as (url, facts), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--font-render-hinting=none"]
        )
        failed = take(browser, url, facts, names)
        browser.close()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

"""Make every document of the demonstration and turn it into pictures: ``python tools/document_pictures.py [FOLDER]``.

Loads the demonstration into a folder of its own, signs in as each of its people, follows every link to a page of each kind and
keeps what is a file: PDF, Word, Excel. The pictures are made with ``pdftoppm`` (poppler); Word and Excel files become pictures
where LibreOffice (``soffice``) is installed. Everything stands in FOLDER (``build/documents``) for people to look at.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{64}|(?<=/)\d+(?=/|$)")
FORMATS = {
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
}
LEFT_ALONE = ("/static", "/language", "/api/", "/exam/", "/sign-out")
DOTS_PER_INCH = "72"
MOST_PAGES = "6"
CONVERSION_SECONDS = 300


def main(arguments: list[str]) -> int:
    """Make the documents and their pictures; returns the exit status."""
    target = Path(arguments[0]) if arguments else ROOT / "build/documents"
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kaoku-documents-") as name:
        os.environ |= {"KAOKU_INSTANCE_DIR": str(Path(name) / "instance"), "KAOKU_LOG_LEVEL": "WARNING"}
        n_files = sum(1 for _path in written(target, Path(name)))
    make_pictures(target)
    sys.stdout.write(f"{n_files} documents in {target}\n")
    return 0


def written(target: Path, folder: Path) -> Iterator[Path]:
    """Write each document of the demonstration into a folder, under its address and the name that people see."""
    for kind, disposition, suffix, content in documents(folder):
        stem = Path(unquote(disposition.rpartition("''")[2]) if "''" in disposition else "").stem
        path = target / f"{re.sub(r'[^A-Za-z0-9]+', '-', kind).strip('-')}__{stem[:40]}{suffix}"
        path.write_bytes(content)
        yield path


def documents(folder: Path) -> Iterator[tuple[str, str, str, bytes]]:
    """Load the demonstration and yield the documents that its people can reach: kind of address, name, ending, content."""
    sys.path.insert(0, str(ROOT))
    from kernel.identity.actor import system_actor
    from kernel.identity.repository import find_user_by_name
    from kernel.identity.services import open_session
    from kernel.settings import Settings
    from kernel.uow import unit_of_work
    from web import database
    from web.app import create_app
    from web.demo.load import ensure_loaded
    from web.demo.people import read_people

    app = create_app(Settings.from_env())
    seen: set[str] = set()
    with app.app_context():
        database.upgrade()
        database.load_reference_data()
        ensure_loaded(folder / "demo.json")
    for one in read_people()["staff"]:
        with app.app_context(), unit_of_work(system_actor()) as uow:
            user = find_user_by_name(uow.session, one["username"])
            if user is None:
                raise LookupError(one["username"])
            signed = open_session(uow, user.user_id, hours=1, address="127.0.0.1", user_agent="pictures")
        client = app.test_client()
        client.set_cookie("kaoku_staff", signed.token)
        yield from reached(client, seen)


def reached(client: Any, seen: set[str]) -> Iterator[tuple[str, str, str, bytes]]:
    """Follow the links of a signed-in person; `seen` holds the kinds of documents that others have shown already."""
    waiting, asked = ["/"], set()
    while waiting:
        address = waiting.pop(0)
        kind = kind_of(address)
        if kind in asked or kind.startswith(LEFT_ALONE):
            continue
        asked.add(kind)
        answer = client.get(address)
        if answer.mimetype == "text/html":
            waiting += re.findall(r'href="(/[^"#]*)"', answer.text.replace("&amp;", "&"))
        elif answer.mimetype in FORMATS and kind not in seen:
            seen.add(kind)
            yield kind, answer.headers.get("content-disposition", ""), FORMATS[answer.mimetype], answer.data


def kind_of(address: str) -> str:
    """Return an address without keys; what it asks for beside them makes a document of another kind.

    Examples
    --------
    >>> kind_of("/sessions/12/documents?kind=door&page=2#top")
    '/sessions/ID/documents?kind=door'
    """
    path, _, query = address.partition("#")[0].partition("?")
    chosen = [one for one in query.split("&") if one.startswith(("kind=", "format=", "document="))]
    return "?".join([ID.sub("ID", path), *(["&".join(chosen)] if chosen else [])])


def make_pictures(folder: Path) -> None:
    """Turn the files of a folder into pictures, as far as the programs for it are there."""
    office, poppler = shutil.which("soffice"), shutil.which("pdftoppm")
    others = [str(path) for path in sorted(folder.iterdir()) if path.suffix in {".xlsx", ".docx"}]
    if office and others:
        command = [office, "--headless", "--convert-to", "pdf", "--outdir", str(folder / "office"), *others]
        subprocess.run(command, check=True, capture_output=True, timeout=CONVERSION_SECONDS)
    if poppler is None:
        sys.exit("pdftoppm is not installed (Debian: poppler-utils)")
    for path in sorted(folder.glob("**/*.pdf")):
        command = [poppler, "-r", DOTS_PER_INCH, "-l", MOST_PAGES, "-png", str(path), str(path.with_suffix(""))]
        subprocess.run(command, check=True, timeout=CONVERSION_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

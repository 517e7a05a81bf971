"""Keep the English catalogues: ``python tools/i18n.py update|compile|check [package…]``.

The Chinese text is the message id, so only English has a catalogue. ``update`` extracts every marked message of a package and
adds what is new to ``<package>/translations/en/LC_MESSAGES/messages.po`` (dropping what is gone), ``compile`` writes the ``.mo``
files, ``check`` fails when a message has no translation or a compiled file is stale.
"""

from __future__ import annotations

import io
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("kernel", "item_templates", "qbank", "blueprints", "exam_delivery", "certification", "web")
METHODS = [("**/templates/**.html", "jinja2"), ("**.html", "jinja2"), ("**.py", "python")]
OPTIONS = {"**.html": {"silent": "false", "trimmed": "true"}, "**/templates/**.html": {"silent": "false"}}
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None, "lazy_gettext": None}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def extract(package: str) -> Catalog:
    """Return every marked message of a package."""
    catalog = Catalog(locale="en", project="Kaoku", charset="utf-8", fuzzy=False)
    for name, _line, message, comments, _context in extract_from_dir(
        str(ROOT / package), METHODS, OPTIONS, keywords=KEYWORDS, strip_comment_tags=True
    ):
        if "/player/" not in f"/{name}":
            catalog.add(message, None, [(f"{package}/{name}", 0)], auto_comments=comments)
    return catalog


def po_path(package: str) -> Path:
    """Return where a package's catalogue lies."""
    return ROOT / package / "translations/en/LC_MESSAGES/messages.po"


def load(package: str) -> Catalog:
    """Return a package's catalogue, empty when it has none."""
    path = po_path(package)
    if not path.exists():
        return Catalog(locale="en", charset="utf-8", fuzzy=False)
    return read_po(io.BytesIO(path.read_bytes()), locale="en", charset="utf-8")


def text_of(catalog: Catalog) -> bytes:
    """Return a catalogue as text without dates and places, so that two people's changes merge."""
    out = io.BytesIO()
    write_po(out, catalog, no_location=True, omit_header=True, sort_output=True, width=0, ignore_obsolete=True)
    return b'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n' + out.getvalue()


def update(package: str) -> None:
    """Merge the extracted messages into the catalogue."""
    merged, old = extract(package), load(package)
    for message in merged:
        if message.id and (known := old.get(message.id)) and known.string:
            message.string = known.string
    path = po_path(package)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text_of(merged))
    missing = [m.id for m in merged if m.id and not is_translated(m)]
    print(f"{package}: {len(merged)} messages, {len(missing)} without a translation")


def is_translated(message: object) -> bool:
    """Say whether a message that needs English has it; one without Chinese stands for itself."""
    ids = message.id if isinstance(message.id, tuple) else (message.id,)
    strings = message.string if isinstance(message.string, tuple) else (message.string,)
    return not any(CHINESE.search(i) for i in ids) or all(strings)


def compiled(package: str) -> bytes:
    """Return the compiled catalogue."""
    out, catalog = io.BytesIO(), load(package)
    catalog.creation_date = datetime.fromtimestamp(0, UTC)  # else babel writes this minute's, and no two builds agree
    write_mo(out, catalog)
    return out.getvalue()


def problems(package: str) -> list[str]:
    """Return what is wrong with a package's catalogue."""
    catalog, mo = load(package), po_path(package).with_suffix(".mo")
    found = [f"{package}: no English for {m.id!r}" for m in extract(package) if m.id and not known(catalog, m)]
    if po_path(package).exists() and (not mo.exists() or mo.read_bytes() != compiled(package)):
        found.append(f"{package}: messages.mo is stale, run 'make i18n'")
    return found


def known(catalog: Catalog, message: object) -> bool:
    """Say whether an extracted message has its translation in the catalogue."""
    entry = catalog.get(message.id)
    return is_translated(entry) if entry else not any(CHINESE.search(i) for i in _ids(message))


def _ids(message: object) -> tuple[str, ...]:
    return message.id if isinstance(message.id, tuple) else (message.id,)


def main(arguments: list[str]) -> int:
    """Run one of the three commands."""
    verb, packages = arguments[0], arguments[1:] or PACKAGES
    if verb == "update":
        for package in packages:
            update(package)
    if verb in {"update", "compile"}:
        for package in packages:
            if po_path(package).exists():
                po_path(package).with_suffix(".mo").write_bytes(compiled(package))
        return 0
    found = [line for package in packages for line in problems(package)]
    print("\n".join(found) or "all messages are translated")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

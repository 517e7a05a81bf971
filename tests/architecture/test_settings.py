"""Every setting is documented, and nothing else reads the environment."""

from __future__ import annotations

import re
from dataclasses import fields

from kernel.settings import PREFIX, Settings
from tests.architecture.sources import ROOT, calls, python_files, short, tree

DOCUMENT = ROOT / "docs" / "settings.md"


def test_the_document_lists_exactly_the_settings_with_their_defaults():
    rows = dict(re.findall(r"^\| `(KAOKU_[A-Z_]+)` \| (.*?) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE))
    assert set(rows) == {PREFIX + field.name.upper() for field in fields(Settings)}
    for field in fields(Settings):
        if field.default not in ("", None):
            assert (
                f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"
                in rows[PREFIX + field.name.upper()]
            )


def test_the_settings_are_read_in_one_place():
    readers = {
        short(f) for f in python_files() if re.search(r"environ(\.get)?[\[(]\s*[\"']KAOKU_", f.read_text("utf-8"))
    }
    assert readers == set()
    found = {
        short(f) for f in python_files() for name, _line in calls(tree(f)) if name in {"os.getenv", "os.environ.get"}
    }
    assert found <= {"kernel/settings.py", "web/serve.py"}, "serve hands the environment on to its processes"

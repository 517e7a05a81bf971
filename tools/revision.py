"""Write a new revision from the difference between the models and the newest schema: ``make db-new NAME=add_something``."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

from kernel.settings import Settings
from web.app import create_app
from web.database import MIGRATIONS, alembic_config, upgrade

HEAD_FILE = MIGRATIONS / ".current-head"


def next_name(slug: str) -> str:
    """Return ``NNNN_slug``; the revision id equals the file's stem."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{2,50}", slug):
        sys.exit("NAME must look like add_something: small letters, digits and underscores")
    numbers = [int(path.name[:4]) for path in (MIGRATIONS / "versions").glob("[0-9]*.py")]
    return f"{max(numbers, default=0) + 1:04d}_{slug}"


def main(slug: str) -> None:
    """Write the revision and point the head file at it."""
    name = next_name(slug)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            instance_dir=Path(folder), database_url=f"sqlite:///{folder}/scratch.sqlite3", secret_key="revision" * 8
        )
        with create_app(settings).app_context():
            config = alembic_config()
            config.set_main_option("file_template", "%%(rev)s")
            if ScriptDirectory.from_config(config).get_current_head():
                upgrade()
            command.revision(config, message=slug.replace("_", " "), autogenerate=True, rev_id=name)
    HEAD_FILE.write_text(f"{name}\n", encoding="ascii")
    print(f"wrote migrations/versions/{name}.py: read it, add what autogenerate cannot see (triggers, data), test it")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")

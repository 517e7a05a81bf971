"""Bringing the configured database to the newest schema."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from kernel.db import db
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import system_actor
from kernel.uow import unit_of_work

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


def alembic_config() -> Config:
    """Return Alembic's configuration for the current application's database."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = db.engine
    config.attributes["metadata"] = db.metadata
    return config


def upgrade(revision: str = "head") -> None:
    """Run all revisions up to one; runs inside an application context."""
    _check_encoding()
    command.upgrade(alembic_config(), revision)


def _check_encoding() -> None:
    """Refuse a PostgreSQL database that cannot hold every character, as `createdb` makes one where no locale is set."""
    if db.engine.dialect.name != "postgresql":
        return
    with db.engine.connect() as connection:
        encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise ConflictError(
            N_("数据库的编码是 %(encoding)s，不能可靠地保存汉字。请删除这个空库，按 UTF8 重建：%(command)s"),
            encoding=encoding,
            command="createdb --owner=kaoku --encoding=UTF8 --locale=C.UTF-8 --template=template0 kaoku",
        )


def downgrade(revision: str) -> None:
    """Go back to a revision."""
    command.downgrade(alembic_config(), revision)


def revisions() -> tuple[str | None, str | None]:
    """Return the database's revision and the newest one."""
    newest = ScriptDirectory.from_config(alembic_config()).get_current_head()
    with db.engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    return present, newest


def is_current() -> bool:
    """Say whether the database has the newest schema, or cannot be asked at all."""
    try:
        present, newest = revisions()
    except OperationalError:
        return True
    return present == newest


def load_reference_data() -> None:
    """Load what every installation needs from the files that ship with it: the dictionary of occupations."""
    from qbank.services.occupations import load_occupations

    with unit_of_work(system_actor()) as uow:
        load_occupations(uow)


def instance_folder() -> Path:
    """Return the installation's instance folder."""
    folder: Path = current_app.config["KAOKU"].instance_dir
    return folder

"""The revisions build what the models describe, go down and up again with data, and are one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from kernel.db import db
from kernel.identity.actor import system_actor
from kernel.identity.models import OrganisationKind
from kernel.identity.services import create_organisation
from kernel.settings import Settings
from kernel.uow import unit_of_work
from web import database
from web.app import create_app

VERSIONS = Path(database.MIGRATIONS) / "versions"


@pytest.fixture
def empty(tmp_path, empty_database_url):
    settings = Settings(instance_dir=tmp_path, database_url=empty_database_url, secret_key="m" * 40)
    app = create_app(settings)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def add_an_organisation():
    with unit_of_work(system_actor()) as uow:
        create_organisation(uow, code="DEMO", name="演示机构", kind=OrganisationKind.SOCIAL)


def test_the_newest_schema_is_what_the_models_describe(empty):
    database.upgrade()
    command.check(database.alembic_config())


def test_every_revision_goes_down_and_up_again_with_data(empty):
    database.upgrade()
    add_an_organisation()
    names = [revision.revision for revision in ScriptDirectory.from_config(database.alembic_config()).walk_revisions()]
    for _ in names:
        db.session.remove()
        database.downgrade("-1")
    assert inspect(db.engine).get_table_names() == ["alembic_version"]
    database.upgrade()
    add_an_organisation()


def test_the_database_itself_refuses_to_change_the_audit(empty):
    database.upgrade()
    add_an_organisation()
    for statement in ("UPDATE audit_events SET act = 'x'", "DELETE FROM audit_events"):
        with pytest.raises(DBAPIError, match="append-only"), db.engine.begin() as connection:
            connection.execute(text(statement))


def test_revisions_are_one_line_named_by_their_files():
    script = ScriptDirectory(str(database.MIGRATIONS))
    revisions = list(script.walk_revisions())
    assert len(script.get_heads()) == 1
    assert {r.revision for r in revisions} == {path.stem for path in VERSIONS.glob("[0-9]*.py")}
    assert (Path(database.MIGRATIONS) / ".current-head").read_text().strip() == script.get_current_head()
    assert not [path.name for path in VERSIONS.glob("*.py") if "from kernel" in path.read_text()]

"""Bringing a database to the newest schema, and what is refused before."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import create_engine, make_url, text

from kernel.db import db
from kernel.errors import ConflictError
from kernel.settings import Settings
from web import database as schema
from web.app import create_app

pytestmark = pytest.mark.postgresql


@pytest.fixture
def without_encoding(scratch_database_url):
    """Give a database as `createdb` makes it on a machine without a locale."""
    name = f"ascii_{uuid.uuid4().hex[:12]}"
    admin = create_engine(scratch_database_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        kind = "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'"
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0 {kind}"))
        yield make_url(scratch_database_url).set(database=name).render_as_string(hide_password=False)
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def test_a_database_that_holds_no_chinese_is_refused_with_the_way_to_mend_it(without_encoding, tmp_path):
    app = create_app(
        Settings(instance_dir=tmp_path, database_url=without_encoding, secret_key="a secret of these tests")
    )
    with app.app_context():
        with pytest.raises(ConflictError, match=r"SQL_ASCII.*createdb .*--encoding=UTF8"):
            schema.upgrade()
        with db.engine.connect() as connection:
            query = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
            assert connection.scalar(text(query)) == 0
        db.engine.dispose()

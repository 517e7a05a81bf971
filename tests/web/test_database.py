"""Bringing a database to the newest schema, from the command line."""

from __future__ import annotations

import uuid

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, make_url, text

from kernel.errors import ConflictError
from web.cli import cli

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
    settings = {"KAOKU_DATABASE_URL": without_encoding, "KAOKU_INSTANCE_DIR": str(tmp_path)}
    with pytest.raises(ConflictError, match=r"SQL_ASCII.*createdb .*--encoding=UTF8"):
        CliRunner().invoke(cli, ["db", "upgrade"], env=settings, catch_exceptions=False)
    engine = create_engine(without_encoding, connect_args={"client_encoding": "utf8"})
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")) == 0
    engine.dispose()

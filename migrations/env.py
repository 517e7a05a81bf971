"""Alembic's environment: run inside the application context that `web.database` gives."""

from alembic import context
from sqlalchemy import text

LOCK = 7_202_611_220
VERSION_TABLE = (
    "CREATE TABLE IF NOT EXISTS alembic_version "
    "(version_num VARCHAR(80) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY)"
)
config = context.config
metadata = config.attributes["metadata"]
engine = config.attributes["engine"]


def render_item(type_, obj, autogen_context):
    """Write our column types as plain SQLAlchemy types: a revision imports nothing of ours."""
    if type_ == "type" and type(obj).__name__ == "UtcDateTime":
        return "sa.DateTime(timezone=True)"
    return False


def include_name(name, type_, parent_names):
    """Leave out full-text indexes and the tables that SQLite keeps for them: the mapper cannot describe them."""
    return not (type_ in {"table", "index"} and name and name.startswith("item_search_fts"))


def prepare_postgresql(connection):
    """Never wait long for a lock, never run twice at once; keep revision ids longer than alembic's own 32 characters."""
    connection.execute(text("SET lock_timeout = '10s'"))
    connection.execute(text("SET statement_timeout = '15min'"))
    connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    connection.execute(text(VERSION_TABLE))
    connection.execute(text("ALTER TABLE alembic_version ALTER COLUMN version_num TYPE VARCHAR(80)"))


def run():
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_as_batch=True,
            compare_type=True,
            render_item=render_item,
            include_name=include_name,
            transaction_per_migration=False,
        )
        with context.begin_transaction():
            if connection.dialect.name == "postgresql":
                prepare_postgresql(connection)
            context.run_migrations()


run()

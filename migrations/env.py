"""Alembic's environment: run inside the application context that `web.database` gives."""

from contextlib import contextmanager, nullcontext

from alembic import context
from sqlalchemy import text

from kernel.turns import one_turn

LOCK = 7_202_611_220
VERSION_TABLE = (
    "CREATE TABLE IF NOT EXISTS alembic_version "
    "(version_num VARCHAR(80) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY)"
)
ROWS_OF_A_STEP = 1
"""Alembic writes the number of the revision."""
seen = {}
"""How the database looked when the last revision had been applied; before the first one that is not known."""
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
    """Never wait long for a lock, never run twice at once; keep revision ids longer than alembic's own 32 characters.

    Should this process die, the server notices within seconds, even inside a long statement, and takes all of it back: otherwise
    the next run would meet the locks of a dead one.
    """
    connection.execute(text("SET lock_timeout = '10s'"))
    connection.execute(text("SET statement_timeout = '15min'"))
    connection.execute(text("SET client_connection_check_interval = '2s'"))
    connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    connection.execute(text(VERSION_TABLE))
    connection.execute(text("ALTER TABLE alembic_version ALTER COLUMN version_num TYPE VARCHAR(80)"))


@contextmanager
def prepare_sqlite(connection):
    """Let revisions write tables anew to which others refer: SQLite would take dropping the old one for losing its rows.

    This is the way its manual gives ("ALTER TABLE", section 7): references are not enforced meanwhile, which only works outside a
    transaction, and `refuse_lost_references` looks at them before each revision is committed.
    """
    driver = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        connection.rollback()
        driver.execute("PRAGMA foreign_keys=ON")


def look(connection):
    """Return how many rows this connection of SQLite has written, and which tables there are."""
    names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars()
    return connection.connection.driver_connection.total_changes, set(names)


def refuse_lost_references(ctx, step, **_rest):
    """Take a revision back that leaves rows referring to nothing; only one that wrote rows or removed a table can."""
    if ctx.connection.dialect.name != "sqlite":
        return
    (rows_before, tables_before), (rows, tables) = seen.get("last", (0, set())), look(ctx.connection)
    seen["last"] = rows, tables
    if rows - rows_before <= ROWS_OF_A_STEP and tables_before and tables_before <= tables:
        return
    lost = ctx.connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(5)
    if lost:
        raise RuntimeError(f"{step.up_revision_id}: rows refer to nothing: {[tuple(row) for row in lost]}")


def run():
    """Run the revisions: on PostgreSQL all in one transaction; on SQLite one each, in the turn of its one writer."""
    with one_turn(engine), engine.connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_as_batch=True,
            compare_type=True,
            render_item=render_item,
            include_name=include_name,
            transaction_per_migration=False,
            on_version_apply=refuse_lost_references,
        )
        with prepare_sqlite(connection) if is_sqlite else nullcontext(), context.begin_transaction():
            if connection.dialect.name == "postgresql":
                prepare_postgresql(connection)
            context.run_migrations()


run()

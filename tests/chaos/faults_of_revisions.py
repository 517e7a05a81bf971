"""``kaoku db upgrade`` dies half-way on a database with rows in every table, a million and more in some.

An older schema is built (in the long form revision by revision, each new table filled as it appears); large tables are then grown. The command runs in a
process of its own and dies at a call of the database that the seed drew, or at a moment of the clock; on PostgreSQL the database dies
in turn. Behind the newest revision stands one more, of this test alone, that writes the largest tables anew.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError

from kernel.db import Base, db, prepare_engine
from kernel.settings import Settings
from tests.chaos.matrix import POSTGRESQL, SQLITE, Bench, Evidence, fault
from tests.chaos.rows import LEFT_OUT, Filler, grow
from tests.chaos.sites import Cluster, drop_database, new_database
from tests.exam_delivery.sitting_cases import SECRET
from web import database
from web.cli import cli
from web.serve import child_environment

FORK = multiprocessing.get_context("fork")
OLD = "0032_add_score_entries"
"""Where the upgrade begins: revisions after it write whole tables anew and add columns to large ones."""
PROBE = "9999_probe"
N_LONG, N_SHORT = 1_000_000, 2_000
ROWS_A_TABLE = 2
NEW_ID = {SQLITE: "lower(hex(randomblob(16)))", POSTGRESQL: "gen_random_uuid()"}
NEW_TEXT = {SQLITE: "lower(hex(randomblob(16)))", POSTGRESQL: "md5(random()::text)"}
LARGE = {"response_events": 1.0, "response_states": 0.5, "item_statistics": 0.25, "forensic_leads": 0.1}
WRITTEN = {"occupations", "audit_events", "audit_heads"}
"""The command brings the dictionary of occupations up to date and says so in the journal."""
REVISION = '''"""Write large tables anew and fill a new column, as a later revision may have to."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "{probe}", "{head}"


def upgrade():
    op.add_column("response_states", sa.Column("probe", sa.BigInteger()))
    op.execute("UPDATE response_states SET probe = seq")
    with op.batch_alter_table("item_statistics") as batch:
        batch.alter_column("source", type_=sa.String(200), existing_nullable=False)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE response_events ADD COLUMN probe DOUBLE PRECISION DEFAULT random() NOT NULL")
        op.create_index("ix_response_events_probe", "response_events", ["probe"])
        return
    with op.batch_alter_table("response_events", recreate="always") as batch:
        batch.add_column(sa.Column("probe", sa.Integer(), server_default="0", nullable=False))
    op.create_index("ix_response_events_probe", "response_events", ["probe", "received_at"])


def downgrade():
    raise NotImplementedError
'''
SHAPE = {
    SQLITE: "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name",
    POSTGRESQL: """
        SELECT table_name, column_name, data_type || coalesce(column_default, '') || is_nullable
          FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
          WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
        ORDER BY 1, 2, 3""",
}
Digests = dict[str, tuple[int, str]]


@dataclass
class Way:
    """What the database looks like at each step, when nothing disturbs."""

    columns: dict[str, list[str]]
    before: Digests
    shapes: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    after: Digests = field(default_factory=dict)
    n_calls: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Strike:
    """When the next process, or the database under it, dies: at a call, or so long after the first one."""

    call: int = 0
    seconds: float | None = None
    hits_database: bool = False

    def earlier(self) -> Strike:
        """Return the same at half the time, for one that came too late."""
        return replace(self, call=(self.call + 1) // 2, seconds=self.seconds and self.seconds / 2)


@fault(
    "F16",
    "SIGKILL half-way through `kaoku db upgrade` on a database with rows in every table, a million answers (in short 2,000)",
    "the database stands wholly at a revision; no row is lost or changed; `kaoku db upgrade` again comes to the end",
    short=2,
    long=24,
)
def upgrade_killed(bench: Bench, tries: int) -> Evidence:
    evidence, chance = Evidence(), random.Random(bench.seed)
    with _store(bench) as store:
        n = N_LONG if bench.is_long else N_SHORT
        way = _prepare(store, bench, n, evidence)
        strikes = [_draw(way, chance, store) for _ in range(tries)]
        while strikes and not evidence.violations:
            with store.copy() as url:
                _go_the_whole_way(store, url, way, strikes, evidence)
    return evidence


def _go_the_whole_way(store: Store, url: str, way: Way, strikes: list[Strike], evidence: Evidence) -> None:
    """Bring one copy to its end, struck on the way as long as strikes are left; one that came too late comes earlier, elsewhere."""
    for n_deaths in count():
        strike = strikes.pop() if strikes else Strike()
        has_ended = store.run(url, strike).has_ended
        evidence.violations += _judge(store, url, way, has_ended)
        if not has_ended and strike == Strike():
            evidence.violations.append(f"kaoku db upgrade did not come to its end: {store.said()}")
        if has_ended and strike != Strike():
            strikes.append(strike.earlier())
        if has_ended or evidence.violations:
            evidence.note(ways=1, most_deaths_on_a_way=n_deaths)
            return


def _draw(way: Way, chance: random.Random, store: Store) -> Strike:
    """Most calls are short: by the clock, a death is in a long one."""
    if chance.random() < 0.4:
        return Strike(call=1 + int(chance.random() * way.n_calls))
    return Strike(
        seconds=chance.random() * way.seconds, hits_database=store.cluster is not None and chance.random() < 0.4
    )


def _judge(store: Store, url: str, way: Way, has_ended: bool) -> list[str]:  # noqa: FBT001 - one of two judgements
    """Hold a database against what it was before, and is after an upgrade that nobody disturbed."""
    with _engine(url) as engine:
        shape = _shape(engine)
        with engine.connect() as connection:
            revision = str(connection.scalar(text("SELECT version_num FROM alembic_version")))
        now = _digests(engine, way.columns)
    found = [
        f"{name} holds {now.get(name, (0, ''))[0]} rows at {revision}, {rows[0]} before, or others"
        for name, rows in way.before.items()
        if now.get(name) not in (rows, way.after.get(name)) and not _has_grown(name, now, rows)
    ]
    if shape != way.shapes.get(revision):
        odd = set(shape) ^ set(way.shapes.get(revision, ()))
        found.append(f"the schema is not that of {revision}: {sorted(odd, key=str)[:3]}")
    if store.engine == POSTGRESQL and revision not in {OLD, PROBE}:
        found.append(f"a half of the revisions is kept: it stands at {revision}")
    if has_ended and revision != PROBE:
        found.append(f"the upgrade said that it came to its end, at {revision}")
    return found


def _has_grown(name: str, now: Digests, rows: tuple[int, str]) -> bool:
    return name in WRITTEN and now.get(name, (0, ""))[0] >= rows[0]


# --- what is prepared ------------------------------------------------------------------------------------------------


def _prepare(store: Store, bench: Bench, n: int, evidence: Evidence) -> Way:
    """Build the old database and grow it; note what each later revision makes of its schema, and an undisturbed end of its rows."""
    with _engine(store.first) as engine:
        config = store.config(engine)
        order = [one.revision for one in ScriptDirectory.from_config(config).walk_revisions()][::-1]
        filler = Filler(engine, bench.seed)
        for revision in order[: order.index(OLD) + 1] if bench.is_long else [OLD]:
            command.upgrade(config, revision)
            filler.fill(ROWS_A_TABLE)
        columns = _columns(engine)
    store.keep_pattern()
    with _engine(store.first) as engine:
        config, shapes = store.config(engine), {OLD: _shape(engine)}
        filler.engine = engine
        for revision in order[order.index(OLD) + 1 :]:
            command.upgrade(config, revision)
            shapes[revision] = _shape(engine)
            if revision != PROBE:
                filler.fill(ROWS_A_TABLE)
    evidence.note(tables=len(filler.rows), tables_without_rows=len(filler.refused))
    evidence.demand(not filler.refused, f"no row could be made for {filler.refused}")
    return _measure(store, columns, shapes, n, evidence)


def _measure(
    store: Store, columns: dict[str, list[str]], shapes: dict[str, list[tuple[Any, ...]]], n: int, evidence: Evidence
) -> Way:
    with _engine(store.pattern) as engine:
        changes = _changes(store.engine)
        n_rows = sum(grow(engine, name, changes[name], int(share * n)) for name, share in LARGE.items())
        way = Way(columns, _digests(engine, columns), shapes)
    evidence.note(rows=n_rows)
    with store.copy() as url:
        run = store.run(url, Strike())
        assert run.has_ended, f"undisturbed, the upgrade failed: {store.said()}"
        way.n_calls, way.seconds = run.n_calls, run.seconds
        with _engine(url) as engine:
            way.after = _digests(engine, columns)
    evidence.note(upgrade_ms=round(1000 * way.seconds), calls=way.n_calls)
    return way


def _changes(engine: str) -> dict[str, dict[str, str]]:
    """Return what a copied row has of its own, of each large table."""
    new_id, new_text = NEW_ID[engine], NEW_TEXT[engine]
    return {
        "response_events": {"seq": "seq + (SELECT max(seq) FROM response_events)"},
        "response_states": {"slot": "slot + (SELECT max(slot) FROM response_states) + 1"},
        "item_statistics": {"item_statistics_id": new_id, "source": new_text},
        "forensic_leads": {"forensic_lead_id": new_id, "subjects": new_text},
    }


def _columns(engine: Engine) -> dict[str, list[str]]:
    inspector = inspect(engine)
    names = [name for name in inspector.get_table_names() if not name.startswith(LEFT_OUT)]
    return {name: [one["name"] for one in inspector.get_columns(name)] for name in names}


def _shape(engine: Engine) -> list[tuple[Any, ...]]:
    """Return how the schema is defined; in what order a table written anew has its constraints is chance."""
    with engine.connect() as connection:
        rows = connection.execute(text(SHAPE[engine.dialect.name])).all()
    return [(kind, name, *sorted(line.strip(" \t,") for line in str(sql).splitlines())) for kind, name, sql in rows]


def _digests(engine: Engine, columns: Mapping[str, list[str]]) -> Digests:
    """Return how many rows each table holds, and a digest over the columns it had before; tables and columns that are gone, without."""
    there = _columns(engine)
    found: Digests = {}
    with engine.connect() as connection:
        if engine.dialect.name == SQLITE:
            driver: Any = connection.connection.driver_connection
            driver.create_aggregate("digest", -1, RowSum)
        for name, all_columns in columns.items():
            kept = [column for column in all_columns if column in there.get(name, ())]
            if kept:
                total = DIGEST[engine.dialect.name].format(columns=", ".join(kept))
                row = connection.exec_driver_sql(f"SELECT count(*), {total} FROM {name}").one()  # noqa: S608 - names of our own
                found[name] = (int(row[0]), str(row[1]))
    return found


DIGEST = {
    SQLITE: "digest({columns})",
    POSTGRESQL: "coalesce(sum(hashtextextended(ROW({columns})::text, 0)::numeric), 0)",
}


class RowSum:
    """An aggregate for SQLite: a sum over digests of rows, in whatever order they come."""

    def __init__(self) -> None:
        self.total = 0

    def step(self, *values: object) -> None:
        raw = hashlib.blake2b(repr(values).encode(), digest_size=8).digest()
        self.total = (self.total + int.from_bytes(raw, "big")) % 2**64

    def finalize(self) -> str:
        return f"{self.total:016x}"


@contextmanager
def _engine(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    prepare_engine(engine)
    try:
        yield engine
    finally:
        engine.dispose()


# --- where it stands, and the process that dies ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Run:
    """How one process with the command ended."""

    has_ended: bool
    n_calls: int = 0
    seconds: float = 0.0


class Store:
    """Databases of one scenario: the first, in which the schema grows, its old state as a pattern, and copies of that."""

    def __init__(self, folder: Path, cluster: Cluster | None) -> None:
        self.folder, self.cluster = folder, cluster
        self.engine = SQLITE if cluster is None else POSTGRESQL
        self.log = folder / "upgrade.log"
        self.first, self.pattern = self._address("growing"), self._address("old")
        self.n_copies = 0
        self.versions = folder / "versions"
        self.versions.mkdir()
        head = (Path(database.MIGRATIONS) / ".current-head").read_text().strip()
        (self.versions / f"{PROBE}.py").write_text(REVISION.format(probe=PROBE, head=head))
        if cluster is not None:
            for name in ("growing", "old"):
                with suppress(DBAPIError):
                    drop_database(self._address(name))
            new_database(cluster.url, "growing")

    def _address(self, name: str) -> str:
        if self.cluster is None:
            return f"sqlite:///{self.folder / name}.sqlite3"
        return make_url(self.cluster.url).set(database=name).render_as_string(hide_password=False)

    def config(self, engine: Engine) -> Config:
        """Return Alembic's configuration for one of the databases, with the revision of this test behind all others."""
        config = Config()
        config.set_main_option("script_location", str(database.MIGRATIONS))
        config.set_main_option("path_separator", "os")
        config.set_main_option("version_locations", f"{database.MIGRATIONS / 'versions'}{os.pathsep}{self.versions}")
        config.attributes.update(engine=engine, metadata=Base.metadata)
        return config

    def keep_pattern(self) -> None:
        """Keep the first database as it stands."""
        if self.cluster is None:
            shutil.copyfile(self.folder / "growing.sqlite3", self.folder / "old.sqlite3")
        else:
            new_database(self.cluster.url, "old", "growing")

    @contextmanager
    def copy(self) -> Iterator[str]:
        """Give a copy of the pattern for the length of a block."""
        self.n_copies += 1
        name = f"copy_{os.getpid()}_{self.n_copies}"
        if self.cluster is not None:
            url = new_database(self.cluster.url, name, "old")
            yield url
            drop_database(url)
            return
        shutil.copyfile(self.folder / "old.sqlite3", self.folder / f"{name}.sqlite3")
        yield self._address(name)
        for file in self.folder.glob(f"{name}.*"):
            file.unlink()

    def run(self, url: str, strike: Strike) -> Run:
        """Run the command in a process of its own until it ends or is struck."""
        hear, tell = os.pipe()
        process = FORK.Process(target=self._live, args=(url, strike, tell))
        process.start()
        os.close(tell)
        with os.fdopen(hear) as pipe:
            pipe.readline()
            began = time.monotonic()
            if strike.seconds is not None:
                process.join(strike.seconds)
                self._strike(process, strike)
            process.join()
            seconds, last = time.monotonic() - began, pipe.readline()
        return Run(process.exitcode == 0, int(last or 0), seconds)

    def _strike(self, process: Any, strike: Strike) -> None:
        if strike.hits_database and self.cluster is not None and process.is_alive():
            self.cluster.kill()
            process.join()
            self.cluster.start()
        process.kill()

    def said(self) -> str:
        """Return the end of what the command said last."""
        return self.log.read_text(errors="replace")[-1500:]

    def _live(self, url: str, strike: Strike, tell: int) -> None:
        """Be the command ``kaoku db upgrade``; tell of the first call, and at the end how many there were."""
        with self.log.open("wb") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        home = self.folder / "instance"
        os.environ.update(child_environment(Settings(instance_dir=home, database_url=url, secret_key=SECRET)))
        database.alembic_config = lambda: self.config(db.engine)
        calls = Calls(strike.call, tell)
        for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
            event.listen(Engine, name, calls.count)
        cli.main(["db", "upgrade"], standalone_mode=False)
        os.write(tell, f"{calls.n}\n".encode())


class Calls:
    """Counts calls of the database, and ends this process without a word at the last one."""

    def __init__(self, last: int, tell: int) -> None:
        self.last, self.tell, self.n = last, tell, 0

    def count(self, *_rest: object) -> None:
        self.n += 1
        if self.n == 1:
            os.write(self.tell, b"begun\n")
        if self.n == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def _store(bench: Bench) -> Iterator[Store]:
    folder = bench.folder / "revisions"
    folder.mkdir()
    if bench.engine == SQLITE:
        yield Store(folder, None)
    elif bench.own:
        yield Store(folder, bench.own()[0])
    else:
        cluster = Cluster()
        try:
            yield Store(folder, cluster)
        finally:
            cluster.close()

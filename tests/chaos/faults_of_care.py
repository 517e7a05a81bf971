"""What those who run the site do during an exam: they take backups, and restore one elsewhere."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import create_engine

from kernel.settings import Settings
from tests.chaos.history import OK, UNKNOWN, Call, Kept, find_violations, read_kept
from tests.chaos.matrix import SQLITE, Bench, Evidence, fault, site_under_load
from tests.chaos.sites import drop_database, new_database
from web.backup import backup, restore


@fault(
    "F14", "a backup is taken while answers come in, and restored into an empty installation",
    "the copy holds everything acknowledged before it began, and agrees with itself; answering goes on", short=1, long=20,
)  # fmt: skip
def backed_up(bench: Bench, tries: int) -> Evidence:
    copies: list[tuple[float, dict[str, Kept]]] = []
    with site_under_load(bench, n=6) as (site, crowd, evidence):
        for k in range(tries):
            crowd.wait_for_progress(10)
            began = time.monotonic()
            archive = bench.folder.parent / f"{bench.folder.name}-{k}.tar"
            application: Any = SimpleNamespace(config={"KAOKU": site.settings})
            backup(application, archive)
            attempts = [device.person.attempt_id for device in crowd.devices]
            copies.append((began, _restored(_empty_installation(bench, site.settings, k), archive, attempts)))
            archive.unlink()
    for began, kept in copies:  # now that everybody has ended, all that was ever sent is known
        _judge_copy(evidence, began, kept, crowd.devices[0].history)
    return evidence


def _empty_installation(bench: Bench, settings: Settings, k: int) -> Settings:
    folder = bench.folder.parent / f"{bench.folder.name}-restored-{k}"
    url = f"sqlite:///{folder / 'kaoku.sqlite3'}"
    if bench.engine != SQLITE:
        url = new_database(bench.url, f"restored_{bench.folder.name[-8:].lower().replace('-', '_')}_{k}")
    return replace(settings, instance_dir=folder, database_url=url)


def _restored(settings: Settings, archive: Path, attempts: Sequence[uuid.UUID]) -> dict[str, Kept]:
    """Restore a backup and return what the copy holds of some attempts."""
    restore(settings, archive)
    engine = create_engine(settings.database_url)
    kept = read_kept(engine, attempts)
    engine.dispose()
    shutil.rmtree(settings.instance_dir)
    if not settings.is_sqlite:
        drop_database(settings.database_url)
    return kept


def _judge_copy(evidence: Evidence, began: float, kept: dict[str, Kept], history: list[Call]) -> None:
    """Hold a copy against the calls that had ended before it began, and against itself; later ones may be in it or not."""
    before = [call for call in history if call.ended < began]
    perhaps = [replace(call, kind="sent", outcome=UNKNOWN) for call in history if call.ended >= began]
    evidence.violations += [f"restored copy: {what}" for what in find_violations([*before, *perhaps], kept)]
    n_kept = sum(len(one.events) for one in kept.values())
    n_before = len({(c.attempt, e.slot, e.seq) for c in before if c.outcome == OK for e in c.events})
    evidence.demand(n_kept >= n_before > 0, f"the copy holds {n_kept} answers of {n_before}")

"""Score the matching of two editions against a known truth, and time carrying a bank over.

    .venv/bin/python -m benchmarks.editions [--points 600] [--items 20000]

The old outline is invented; the new one is made from it with known fates. `right` means that the proposed successors are
exactly the true ones. Carrying over runs on SQLite: a level with its items, copied, matched, accepted and applied.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

from benchmarks.synthetic_bank import ACTS, PARTS, QUALITIES, make_contents
from kernel.clock import now
from kernel.db import db
from kernel.identity.actor import Actor, system_actor
from kernel.identity.models import OrganisationKind
from kernel.identity.services import create_organisation
from kernel.jobs.runner import run_job
from kernel.settings import Settings
from kernel.uow import unit_of_work
from qbank import public
from qbank.models.standards import AssessmentPoint, StandardLevel
from qbank.repository import editions as repository
from qbank.repository import standards as standards_repository
from qbank.rules.editions import PointFacts, match_points
from qbank.rules.standards import StandardKind
from qbank.services import edition_apply, edition_copy, editions, items, outlines, standards

FATES = ["kept"] * 58 + ["reworded"] * 12 + ["rewritten"] * 6 + ["moved"] * 8 + ["split"] * 5 + ["dropped"] * 8
PER_RANGE = 10


def old_outline(n: int, lot: random.Random) -> list[PointFacts]:
    """Return invented points, ten to a range."""
    names = [f"{part}的{what}" for part in PARTS for what in (*QUALITIES, *ACTS)]
    lot.shuffle(names)
    return [_point(f"o{i}", name, i // PER_RANGE, i % PER_RANGE) for i, name in enumerate(names[:n])]


def _point(key: str, name: str, scope: int, place: int) -> PointFacts:
    code = f"B-{scope:02}"
    return PointFacts(key, f"{code}-{place + 1:03}", name, ("B", code), ("相关知识要求", f"范围{scope:02}"))


def new_outline(old: list[PointFacts], lot: random.Random) -> tuple[list[PointFacts], dict[str, tuple[str, set[str]]]]:
    """Return the next edition, numbered anew, and what truly became of every old point."""
    truth: dict[str, tuple[str, set[str]]] = {}
    held: dict[int, list[tuple[str, str]]] = {}
    for i, point in enumerate(old):
        fate, scope = lot.choice(FATES), i // PER_RANGE
        names = list(_names(point.name, fate, lot))
        if fate == "moved":
            scope = (scope + lot.randrange(1, 9)) % (len(old) // PER_RANGE)
        keys = [f"n{i}-{part}" for part in range(len(names))]
        truth[point.key] = (fate, set(keys))
        held.setdefault(scope, []).extend(zip(keys, names, strict=True))
        if lot.random() < 0.1:
            held[scope].append((f"new{i}", f"{lot.choice(PARTS)}的{lot.choice(ACTS)}新工艺{i}"))
    points = [_point(key, name, scope, place) for scope, rows in held.items() for place, (key, name) in enumerate(rows)]
    return points, truth


def _names(name: str, fate: str, lot: random.Random) -> Iterator[str]:
    subject, _, what = name.partition("的")
    if fate == "reworded":
        yield lot.choice([f"{subject}{what}", f"{subject}的{what}要求", f"常用{subject}的{what}"])
    elif fate == "rewritten":
        yield f"{lot.choice(['现场', '岗位'])}{what}：{subject}部分"
    elif fate == "split":
        yield f"{subject}的{what}方法"
        yield f"{subject}的{what}标准"
    elif fate != "dropped":
        yield name


def score_matching(n: int) -> None:
    """Print how many proposals are right, by true fate, and of the sure ones."""
    lot = random.Random(7)
    old = old_outline(n, lot)
    new, truth = new_outline(old, lot)
    started = time.perf_counter()
    found = match_points(old, new)
    seconds = time.perf_counter() - started
    total, right = Counter(fate for fate, _keys in truth.values()), Counter[str]()
    sure = [match for match in found if match.is_sure]
    for match in found:
        right[truth[match.key][0]] += set(match.targets) == truth[match.key][1]
    sure_right = sum(set(match.targets) == truth[match.key][1] for match in sure)
    print(f"{len(old)} old, {len(new)} new points matched in {seconds:.2f} s")
    print(f"right {sum(right.values())}/{len(old)}; sure {len(sure)}, of these right {sure_right}")
    print("; ".join(f"{fate} {right[fate]}/{total[fate]}" for fate in sorted(total)))


def time_carrying_over(n_items: int) -> None:
    """Print how long it takes to carry a level with its items to a copied edition."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bank.sqlite3"
        from web.app import create_app

        app = create_app(Settings(instance_dir=Path(folder), database_url=url, secret_key="benchmark" * 6))
        with app.app_context():
            db.create_all()
            _carry_over(n_items)
            db.session.remove()
            db.engine.dispose()


def _carry_over(n_items: int) -> None:
    with unit_of_work(system_actor()) as uow:
        organisation = create_organisation(uow, code="BENCH", name="测量", kind=OrganisationKind.SOCIAL)
    actor = system_actor(organisation.organisation_id)
    level = _level(actor, 200)
    points = [point.assessment_point_id for point in standards_repository.list_points(db.session(), level)]
    contents, _copies = make_contents(n_items)
    with unit_of_work(actor) as uow:
        rows = [items.NewItem(one, (points[i % len(points)],), 3) for i, one in enumerate(contents)]
        item_ids = items.insert_items(uow, level, rows)
    with unit_of_work(actor) as uow:
        public.approve_by_system(uow, item_ids, reason="benchmark")
    with unit_of_work(actor) as uow:
        edition = edition_copy.copy_edition(uow, level.standard_edition_id, label="新版", effective_on=date(2030, 1, 1))
    new = next(iter(standards_repository.get_edition(db.session(), edition.standard_edition_id, actor=actor).levels))
    with unit_of_work(actor) as uow:
        outlines.publish_outline(uow, new.standard_level_id)
        migration = editions.create_migration(
            uow, old_level_id=level.standard_level_id, new_level_id=new.standard_level_id
        )
        editions.accept(uow, migration.outline_migration_id)
        edition_apply.start_apply(uow, migration.outline_migration_id)
    started = time.perf_counter()
    job_id = repository.get_migration(db.session(), migration.outline_migration_id, actor=actor).job_id
    if job_id is not None:
        run_job(job_id)
    print(f"{n_items} items carried over in {time.perf_counter() - started:.1f} s")
    for name, one in (("old", level), ("new", new)):
        started = time.perf_counter()
        n = len(public.load_pool(db.session(), actor, one.standard_level_id))
        print(f"{name} pool: {n} items in {time.perf_counter() - started:.2f} s")


def _level(actor: Actor, n_points: int) -> StandardLevel:
    with unit_of_work(actor) as uow:
        data = standards.StandardData("BENCH", "测量标准", StandardKind.ENTERPRISE, "", "测量岗位")
        standard = standards.create_standard(uow, data)
        edition = standards.create_edition(uow, standard.occupational_standard_id, label="旧版")
    with unit_of_work(actor) as uow:
        level = standards.create_level(uow, edition.standard_edition_id, standards.LevelData("4"))
        scope = outlines.create_scope(uow, level.standard_level_id, outlines.ScopeData("范围", "A", Decimal(100)))
        uow.session.add_all(
            AssessmentPoint(
                organisation_id=level.organisation_id, standard_level_id=level.standard_level_id,
                assessment_scope_id=scope.assessment_scope_id, code=f"{n:03}", name=f"鉴定点{n}", importance="X",
                full_code=f"A-{n:03}", position=n,
            )
            for n in range(1, n_points + 1)
        )  # fmt: skip
    with unit_of_work(actor) as uow:
        outlines.publish_outline(uow, level.standard_level_id)
    return level


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=600)
    parser.add_argument("--items", type=int, default=20_000)
    arguments = parser.parse_args()
    print(f"{now():%Y-%m-%d}")
    score_matching(arguments.points)
    if arguments.items:
        time_carrying_over(arguments.items)


if __name__ == "__main__":
    main()

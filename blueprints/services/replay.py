"""Drawing the forms of a kept run again, to show that the same pool, blueprint and seed give the same forms."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.assembly.result import AssemblyResult, engine_of
from blueprints.models import AssemblyRun
from blueprints.rules.draw_commitments import seed_digest
from blueprints.rules.fly_outcomes import dealt_items
from blueprints.services.kept_pools import kept_file, read_kept
from blueprints.services.runs import compute, draw_from
from kernel import audit
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.uow import UnitOfWork

SHARE_OF_LIMIT = 0.9
Files = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Commitment:
    """What was published of a draw before its forms were sat, and the seed and nonce that open it.

    `is_true` says whether that seed, with that nonce, gives the published digest and is the seed of the draw.
    """

    number: str
    published_at: datetime
    seed_digest: str
    pool_digest: str
    seed: int
    nonce: str
    is_revealed: bool
    is_true: bool = False


CommitmentSource = Callable[[Session, uuid.UUID, uuid.UUID], list[Commitment]]
_SOURCES: dict[str, CommitmentSource] = {}


def register_commitments(name: str, source: CommitmentSource) -> None:
    """Announce who knows what was published of a draw: `source(session, organisation_id, run_id)`."""
    _SOURCES[name] = source


def check_commitments(session: Session, run: AssemblyRun) -> tuple[Commitment, ...]:
    """Return what was published of a run, by time, each held against the run."""
    found = [one for source in _SOURCES.values() for one in source(session, run.organisation_id, run.assembly_run_id)]
    return tuple(replace(one, is_true=_is_true(one, run)) for one in sorted(found, key=lambda one: one.published_at))


def _is_true(one: Commitment, run: AssemblyRun) -> bool:
    is_same = one.seed == run.seed and one.pool_digest == run.pool_digest
    return is_same and seed_digest(one.seed, one.nonce) == one.seed_digest


@dataclass(frozen=True, slots=True)
class Replay:
    """What drawing again gave: whether from the pool of then, whether that pool is kept, and whether the forms are equal.

    `was_cut` says that the draw of then ended by its time limit, so that what it found depends on the machine; `engine` is
    the number of the engine of then; `commitments` are what was published of the draw.
    """

    is_kept_pool: bool
    is_same_pool: bool
    are_same_forms: bool
    pool_digest: str
    has_forms: bool = True
    was_cut: bool = False
    engine: int = 1
    commitments: tuple[Commitment, ...] = ()

    @property
    def are_commitments_true(self) -> bool:
        """Whether everything that was published of the draw holds."""
        return all(one.is_true for one in self.commitments)


def is_drawn(run: AssemblyRun) -> bool:
    """Say whether a run's forms were drawn; forms made elsewhere were only checked."""
    return "checked" not in (run.result or {})


def replay_run(session: Session, actor: Actor, run: AssemblyRun) -> Replay:
    """Draw a finished run again from the pool kept with it, or else from the bank as it is now; writes nothing."""
    kept = read_kept(session, actor, run.pool_digest)
    result = draw_from(kept, run) if kept is not None else _draw_from_bank(session, actor, run)
    known = run.result or {}
    found, before = [list(form.items) for form in result.forms], kept_forms(run)
    is_same_pool = result.pool_digest == run.pool_digest
    return Replay(
        is_kept_pool=kept is not None, is_same_pool=is_same_pool, pool_digest=result.pool_digest,
        are_same_forms=is_same_pool and found == before and _conflict_of(result) == _kept_conflict(known),
        has_forms=bool(before), was_cut=known.get("seconds", 0) >= SHARE_OF_LIMIT * run.time_limit_seconds,
        engine=engine_of(known), commitments=check_commitments(session, run),
    )  # fmt: skip


def _draw_from_bank(session: Session, actor: Actor, run: AssemblyRun) -> AssemblyResult:
    own = repository.list_forms_of_run(session, run.assembly_run_id, actor=actor)
    result, _pool = compute(session, actor, run, lambda _step, _share: None, but=[form.exam_form_id for form in own])
    return result


def _conflict_of(result: AssemblyResult) -> list[str]:
    return [] if result.conflict is None else sorted(part.rule for part in result.conflict.constraints)


def _kept_conflict(known: dict[str, Any]) -> list[str]:
    return sorted(part["rule"] for part in (known.get("conflict") or {}).get("constraints") or [])


def kept_forms(run: AssemblyRun) -> list[list[str]]:
    """Return the items of the forms that a run kept, by form."""
    kept = run.result or {}
    if "dealt" in kept:
        return [[item["id"] for item in dealt_items(kept, index)] for index in range(len(kept["dealt"]))]
    return [[item["id"] for item in form["items"]] for form in kept.get("forms") or []]


def export_run(uow: UnitOfWork, run: AssemblyRun, write: Callable[[Files], None]) -> None:
    """Write the files with which ``kaoku assemble`` draws a run again without a database, and record that they left.

    Raises
    ------
    NotFoundError
        If no pool is kept with the run.
    """
    pool = kept_file(uow.session, uow.actor, run.pool_digest)
    if pool is None:
        raise NotFoundError(N_("这次组卷没有留存题库，不能写出"))
    files = {"pool.json": pool, "blueprint.json": _json(run.spec), "forms.json": _json(_outcome(run))}
    write(files)
    after = {"pool_digest": run.pool_digest, "files": sorted(files)}
    audit.record(uow, "assembly.export_pool", "assembly_run", run.assembly_run_id, after=after)


def _outcome(run: AssemblyRun) -> dict[str, Any]:
    """Return what a run found as ``kaoku assemble`` writes it."""
    return {
        "status": run.status.value, "forms": [{"items": items} for items in kept_forms(run)], "seed": run.seed,
        "pool_digest": run.pool_digest, "on": ((run.spec.get("cool_down") or {}).get("on")),
        "engine": engine_of(run.result or {}),
        "request": {
            "n_forms": run.n_forms, "overlap": None, "on_the_fly": run.is_on_the_fly,
            "time_limit": run.time_limit_seconds,
        },
    }  # fmt: skip


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"

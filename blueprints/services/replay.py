"""Drawing the forms of a kept run again, to show that the same bank, blueprint and seed give the same forms."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.models import AssemblyRun
from blueprints.rules.fly_outcomes import dealt_items
from blueprints.services.runs import compute
from kernel.identity.actor import Actor


@dataclass(frozen=True, slots=True)
class Replay:
    """What drawing again gave: whether the pool is the one of then, and whether the forms are."""

    is_same_pool: bool
    are_same_forms: bool
    pool_digest: str


def replay_run(session: Session, actor: Actor, run: AssemblyRun) -> Replay:
    """Draw a finished run again from the bank as it is now; writes nothing."""
    own = repository.list_forms_of_run(session, run.assembly_run_id, actor=actor)
    result, _pool = compute(session, actor, run, lambda _step, _share: None, but=[form.exam_form_id for form in own])
    found = [list(form.items) for form in result.forms]
    return Replay(result.pool_digest == run.pool_digest, found == kept_forms(run), result.pool_digest)


def kept_forms(run: AssemblyRun) -> list[list[str]]:
    """Return the items of the forms that a run kept, by form."""
    kept = run.result or {}
    if "dealt" in kept:
        return [[item["id"] for item in dealt_items(kept, index)] for index in range(len(kept["dealt"]))]
    return [[item["id"] for item in form["items"]] for form in kept.get("forms") or []]

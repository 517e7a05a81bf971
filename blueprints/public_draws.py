"""What sittings may use of draws: what can be published of them beforehand, and what their seeds would tell."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints import repository_draws as stored
from blueprints.assembly.result import engine_of
from blueprints.models import AssemblyRun, ExamForm, FormPackage
from blueprints.rules.draw_commitments import FORMAT as FORMAT
from blueprints.rules.draw_commitments import NONCE_BYTES as NONCE_BYTES
from blueprints.rules.draw_commitments import forms_digest as forms_digest
from blueprints.rules.draw_commitments import seed_digest as seed_digest
from blueprints.rules.draw_commitments import seed_text as seed_text
from blueprints.rules.draw_commitments import spec_digest
from blueprints.rules.states import FormStatus
from blueprints.services.replay import Commitment as Commitment
from blueprints.services.replay import is_drawn, kept_forms
from blueprints.services.replay import register_commitments as register_commitments
from blueprints.services.sealing import form_title
from kernel.identity.actor import Actor, system_actor


@dataclass(frozen=True, slots=True)
class DrawnForm:
    """A sealed form of a draw: never what stands in it; `n_changed` items were put in by hand after the draw."""

    form_id: uuid.UUID
    label: str
    digest: str
    sealed_at: datetime
    n_changed: int
    is_of_set: bool


@dataclass(frozen=True, slots=True)
class Draw:
    """How some sealed forms came about; without a run they were taken in whole, and there is no seed.

    The seed is secret: whoever knows pool and seed can draw the forms again.
    """

    run_id: uuid.UUID | None
    seed: int
    pool_digest: str
    n_pool: int
    blueprint_digest: str
    blueprint_version: int | None
    engine: int
    n_forms: int
    is_on_the_fly: bool
    drawn_at: datetime | None
    forms: tuple[DrawnForm, ...]


@dataclass(frozen=True, slots=True)
class Relative:
    """A form that a seed would tell, wholly or in part; a withdrawn one is no secret any more."""

    form_id: uuid.UUID
    title: str
    is_withdrawn: bool


def draws_of_forms(session: Session, actor: Actor, form_ids: Sequence[uuid.UUID]) -> list[Draw]:
    """Return how some sealed forms were drawn, one entry for each draw.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Sees the own organisation only.
    form_ids : sequence of UUID
        Forms; those that are not sealed are left out.
    """
    found = stored.sealed_forms(session, form_ids, actor=actor)
    runs = stored.runs_by_id(session, {form.assembly_run_id for form, _p in found if form.assembly_run_id}, actor=actor)
    groups: dict[uuid.UUID | None, list[tuple[ExamForm, FormPackage]]] = {}
    for form, package in found:
        run = runs.get(form.assembly_run_id) if form.assembly_run_id else None
        groups.setdefault(run.assembly_run_id if run and is_drawn(run) else None, []).append((form, package))
    return [_draw(runs[key] if key else None, members) for key, members in groups.items()]


def _draw(run: AssemblyRun | None, members: Sequence[tuple[ExamForm, FormPackage]]) -> Draw:
    drawn = [frozenset(items) for items in kept_forms(run)] if run else []
    forms = tuple(
        DrawnForm(
            form.exam_form_id, form.label, package.delivery_digest, package.sealed_at, _n_changed(form, drawn),
            form.form_set_id is not None,
        )
        for form, package in members
    )  # fmt: skip
    if run is None:
        return Draw(None, 0, "", 0, "", None, 0, len(forms), False, None, forms)
    return Draw(
        run_id=run.assembly_run_id, seed=run.seed, pool_digest=run.pool_digest, n_pool=run.n_pool,
        blueprint_digest=spec_digest(run.spec), blueprint_version=run.blueprint_version,
        engine=engine_of(run.result or {}), n_forms=run.n_forms, is_on_the_fly=run.is_on_the_fly,
        drawn_at=run.finished_at, forms=forms,
    )  # fmt: skip


def _n_changed(form: ExamForm, drawn: Sequence[frozenset[str]]) -> int:
    """Return how many items of a form stand in none of the drawn forms that is nearest to it."""
    items = {str(slot.item_id) for slot in form.slots}
    return min((len(items - one) for one in drawn), default=0)


def secrets_of_draw(session: Session, actor: Actor, run_id: uuid.UUID) -> tuple[list[Relative], int]:
    """Return which forms the seed of a draw would tell, and how many such forms other organisations have.

    Parameters
    ----------
    session : Session
        For reading.
    actor : Actor
        Sees the own organisation's forms; of others it learns a number only.
    run_id : UUID
        The draw.

    Returns
    -------
    list of Relative
        Forms of every draw with the same pool and seed, and forms that took the place of one of them.
    int
        Forms of other organisations that share the pool and drew with the same seed.
    """
    run = repository.get_run(session, run_id, actor=actor)
    own, n_others = stored.twins_of(session, run)
    forms = stored.forms_of_runs(session, own, actor=actor).values()
    return [Relative(one.exam_form_id, form_title(one), one.status is FormStatus.WITHDRAWN) for one in forms], n_others


def seed_of(session: Session, organisation_id: uuid.UUID, run_id: uuid.UUID) -> int:
    """Return the seed of a draw, for programs that tell it or hold a commitment against it; pages show it to nobody.

    Raises
    ------
    NotFoundError
        If the organisation has no such draw.
    """
    return repository.get_run(session, run_id, actor=system_actor(organisation_id, name="draws")).seed

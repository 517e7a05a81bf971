"""Drawing the rest of a draft anew around its locked places: found outside the transaction, put in if nobody was faster."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.assembly.engine import assemble
from blueprints.assembly.limits import CoverageRule
from blueprints.models import ExamForm
from blueprints.rules.changes import Place
from blueprints.rules.states import ChangeKind, FormAct, after
from blueprints.services.apart import draw_apart
from blueprints.services.bench import Bench, load_bench
from blueprints.services.changes import change_form, lock_draft, place_of
from blueprints.services.swaps import end_of, new_place
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

SECONDS = 20.0


def draw_rest(session: Session, actor: Actor, form_id: uuid.UUID, *, seed: int) -> list[uuid.UUID]:
    """Return the items of a form that keeps every rule and holds what is locked; writes nothing.

    Raises
    ------
    ConflictError
        If a locked item left the bank, or no such form exists; says which rules collide.
    """
    require(actor, Permission.FORM_ASSEMBLE)
    form = repository.get_form(session, form_id, actor=actor, with_slots=True)
    after(FormAct.SWAP, form.status)
    bench = load_bench(session, actor, form)
    locked = [slot for slot in form.slots if slot.is_locked]
    if gone := [slot.item_code for slot in locked if str(slot.item_id) not in bench.pool.entries]:
        raise ConflictError(N_("锁定的试题 %(codes)s 已不在题库，请先解锁并替换"), codes="、".join(gone))
    kept = tuple(str(slot.item_id) for slot in locked)
    taken = bench.barred.union(*bench.siblings) - set(kept)
    limits = replace(bench.blueprint.limits, **_owed(bench))
    limits = replace(limits, include=(*limits.include, *kept))
    rules = replace(bench.blueprint, max_overlap=0, limits=limits)
    pool = replace(bench.pool, items=tuple(item for item in bench.pool.items if item.id not in taken))
    found, _pool = draw_apart(
        session, actor, pool, lambda items: assemble(items, rules, n_forms=1, seed=seed, time_limit=SECONDS)
    )
    if not found.forms:
        reasons = "；".join(str(part.text) for part in found.conflict.constraints) if found.conflict else ""
        raise ConflictError(N_("保留锁定的试题之后，其余的题组不成试卷。%(reasons)s"), reasons=reasons)
    return [uuid.UUID(item_id) for item_id in found.forms[0].items]


def _owed(bench: Bench) -> dict[str, Any]:
    """Return what rules on all forms of the draw ask of this one: what no other form of it has."""
    limits, others = bench.blueprint.limits, frozenset[str]().union(*bench.siblings)
    sets = {item.item_set for form in bench.drawn for item in form or ()}
    points = frozenset(point for rule in limits.coverage for point in bench.owed_points(rule))
    return {
        "coverage": (CoverageRule(None, None, 1, points),) if points else (),
        "include": tuple(name for name in limits.include if name not in others),
        "include_sets": tuple(name for name in limits.include_sets if name not in sets),
    }


def put_rest(uow: UnitOfWork, form_id: uuid.UUID, *, item_ids: Sequence[uuid.UUID], version: int) -> ExamForm:
    """Make a draft hold these items; new ones take the places of those of their type that go."""
    form = lock_draft(uow, form_id, version=version)
    bench, wanted = load_bench(uow.session, uow.actor, form), set(item_ids)
    places = [place_of(slot) for slot in form.slots]
    take = [place for place in places if place.item_id not in wanted]
    if any(place.is_locked for place in take):
        raise ConflictError(N_("锁定的试题有变化，请刷新后重新抽取"))
    put = _placed(bench, form, take, [key for key in item_ids if key not in {place.item_id for place in places}])
    if take or put:
        comment = f"其余重抽：换下 {len(take)} 题，换入 {len(put)} 题"
        change_form(uow, form, ChangeKind.SWAP, take=take, put=put, comment=comment)
    return form


def _placed(bench: Bench, form: ExamForm, take: Sequence[Place], item_ids: Sequence[uuid.UUID]) -> list[Place]:
    free = list(take)
    put = []
    for item_id in item_ids:
        entry = bench.pool.entries.get(str(item_id))
        if entry is None:
            raise ConflictError(N_("抽取期间题库有变化，请重新抽取"))
        place = next((one for one in free if one.type == entry.type), None)
        if place is not None:
            free.remove(place)
        slot, section = (place.slot, place.section) if place else end_of(form, entry.type)
        put.append(new_place(bench, entry, slot, section))
    return put

"""Swapping one item of a draft for another that keeps every rule of the blueprint."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.assembly.blueprint import Blueprint, in_scope
from blueprints.assembly.columns import build_columns
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.result import Check
from blueprints.assembly.verify import check_assembly, check_form, marks
from blueprints.assembly.weights import WeightTarget, weight_targets
from blueprints.models import ExamForm, FormSlot
from blueprints.rules.codes import engine_code
from blueprints.rules.packages import SlotContent
from blueprints.rules.specs import blueprint_of
from blueprints.rules.states import FormAct, after
from blueprints.services.bank import Pool, load_pool, slot_contents
from blueprints.services.runs import note_decision
from kernel.errors import ConflictError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank import public as qbank

MOST_CANDIDATES = 60


@dataclass(frozen=True)
class Bench:
    """A form on the bench: its rules, its items as assembly sees them, the pool, and the forms it runs parallel to."""

    form: ExamForm
    blueprint: Blueprint
    targets: tuple[WeightTarget, ...]
    items: tuple[PoolItem, ...]
    pool: Pool
    siblings: tuple[frozenset[str], ...]

    def checks(self) -> tuple[Check, ...]:
        """Return every rule held against the form as it is."""
        return check_form(self.items, self.blueprint, self.targets)

    def may_stand(self, index: int, candidate: PoolItem) -> bool:
        """Say whether an item that is not in the form yet may stand in a place."""
        return all(item.id != candidate.id for item in self.items) and self.keeps_rules(index, candidate)

    def keeps_rules(self, index: int, candidate: PoolItem) -> bool:
        """Say whether the form with another item in a place keeps every rule."""
        changed = (*self.items[:index], candidate, *self.items[index + 1 :])
        if not all(check.met for check in check_form(changed, self.blueprint, self.targets)):
            return False
        if check_assembly([changed], self.pool.items, self.blueprint):
            return False
        ids = {item.id for item in changed}
        return all(len(ids & other) <= self.blueprint.max_overlap for other in self.siblings)


def load_bench(session: Session, actor: Actor, form: ExamForm) -> Bench:
    """Return a form, whose slots are loaded, with everything that its rules are held against."""
    if form.assembly_run_id is None:
        raise ConflictError(N_("这份试卷不是按蓝图组成的，不能替换试题"))
    run = repository.get_run(session, form.assembly_run_id, actor=actor)
    blueprint, pool = blueprint_of(run.spec), load_pool(session, actor, form.standard_level_id)
    items = tuple(_slot_item(slot, pool) for slot in form.slots)
    siblings = repository.list_forms_of_run(session, run.assembly_run_id, actor=actor)
    others = [
        frozenset(str(slot.item_id) for slot in other.slots)
        for other in siblings
        if other.exam_form_id != form.exam_form_id
    ]
    step = build_columns(pool.items, blueprint).step
    return Bench(form, blueprint, weight_targets(blueprint, step), items, pool, tuple(others))


def _slot_item(slot: FormSlot, pool: Pool) -> PoolItem:
    entry = pool.entries.get(str(slot.item_id))
    return PoolItem(
        id=str(slot.item_id), type=slot.type, point=engine_code(slot.point), importance=slot.importance,
        difficulty=slot.difficulty, score=slot.score, n_used=entry.n_used if entry else 0,
    )  # fmt: skip


def swap_candidates(bench: Bench, slot: int) -> list[qbank.PoolEntry]:
    """Return items that may stand in a place instead, nearest first: same point, same scope, same difficulty, least used."""
    index = _index(bench, slot)
    return [
        bench.pool.entries[item.id] for item, _ in zip(_fitting(bench, index), range(MOST_CANDIDATES), strict=False)
    ]


def _fitting(bench: Bench, index: int) -> Iterator[PoolItem]:
    present = bench.items[index]
    taken = {item.id for item in bench.items}
    score = marks(present, bench.blueprint)
    options = [
        item
        for item in bench.pool.items
        if item.type == present.type and item.id not in taken and marks(item, bench.blueprint) == score
    ]
    options.sort(key=lambda item: _distance(item, present))
    return (item for item in options if bench.keeps_rules(index, item))


def _distance(item: PoolItem, present: PoolItem) -> tuple[bool, bool, int, int, str]:
    scope = present.point.rpartition("-")[0]
    return (
        item.point != present.point,
        not in_scope(item.point, scope),
        abs((item.difficulty or 3) - (present.difficulty or 3)),
        item.n_used,
        item.point,
    )


def swap_item(uow: UnitOfWork, form_id: uuid.UUID, *, slot: int, item_id: uuid.UUID, version: int) -> ExamForm:
    """Put another item into a place of a draft; refused when a rule would break or the form changed meanwhile."""
    require(uow.actor, Permission.FORM_ASSEMBLE)
    form = repository.lock_form(uow.session, form_id, actor=uow.actor)
    form.status = after(FormAct.SWAP, form.status)
    if form.version != version:
        raise ConflictError(N_("试卷已被他人修改，请刷新后重新选择"))
    bench = load_bench(uow.session, uow.actor, form)
    index, entry = _index(bench, slot), bench.pool.entries.get(str(item_id))
    if entry is None:
        raise NotFoundError(N_("要换入的试题不在可用题库中，可能已停用"))
    candidate = next(item for item in bench.pool.items if item.id == str(item_id))
    if candidate.type != bench.items[index].type or not bench.may_stand(index, candidate):
        raise ConflictError(N_("换入这道题会违反蓝图的要求，请从候选试题中选择"))
    place = form.slots[index]
    number = first_number(slot_contents(uow.session, uow.actor, form), slot)
    note_decision(uow, form, FormAct.SWAP, f"第 {number} 题：{place.item_code} → {entry.code}")
    _put(place, entry)
    form.n_slots = len(slot_contents(uow.session, uow.actor, form))
    return form


def first_number(slots: Sequence[SlotContent], place: int) -> int:
    """Return the number under which candidates find the first slot of the item in a place."""
    return next(one.slot for one in slots if one.place == place)


def _put(place: FormSlot, entry: qbank.PoolEntry) -> None:
    place.item_id, place.item_version_id, place.item_code = entry.item_id, entry.item_version_id, entry.code
    place.point, place.importance, place.difficulty = entry.point, str(entry.importance.value), entry.difficulty


def _index(bench: Bench, slot: int) -> int:
    for index, place in enumerate(bench.form.slots):
        if place.slot == slot:
            return index
    raise NotFoundError(N_("试卷没有第 %(slot)s 题"), slot=slot)

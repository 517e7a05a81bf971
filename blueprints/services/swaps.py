"""Hand work on a draft: items offered for a place or to add, with what they would change; swapping, adding, taking out."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice

from blueprints.assembly.blueprint import in_scope
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.verify import marks
from blueprints.models import ExamForm
from blueprints.rules.changes import Place
from blueprints.rules.packages import SlotContent
from blueprints.rules.states import ChangeKind
from blueprints.services.bank import slot_contents
from blueprints.services.bench import Bench, Effect, deviation, load_bench, memoised
from blueprints.services.changes import change_form, find_place, lock_draft, place_of, refuse_locked
from kernel.errors import ConflictError, NotFoundError
from kernel.i18n import N_
from kernel.uow import UnitOfWork
from qbank import public as qbank

__all__ = ["Bench", "load_bench", "swap_candidates", "swap_item"]
MOST_CANDIDATES = 60
MOST_TRIED = 400


@dataclass(frozen=True, slots=True)
class Offer:
    """An item that may come in, and the rules whose figures it would change."""

    entry: qbank.PoolEntry
    effects: Sequence[Effect]

    @property
    def breaks(self) -> list[Effect]:
        """The rules that would be broken."""
        return [effect for effect in self.effects if effect.breaks]


def swap_candidates(bench: Bench, slot: int) -> list[qbank.PoolEntry]:
    """Return items that may stand in a place instead, nearest first: same point, same scope, same difficulty, least used."""
    return [bench.pool.entries[item.id] for item in islice(_fitting(bench, index_of(bench, slot)), MOST_CANDIDATES)]


def swap_offers(bench: Bench, slot: int, query: str = "") -> list[Offer]:
    """Return what may stand in a place instead; with a query, items by code or point, also those that break rules."""
    index = index_of(bench, slot)
    found = _searched(bench, query) if query else _fitting(bench, index)
    return [_offer(bench, item, bench.with_item(index, item)) for item in islice(found, MOST_CANDIDATES)]


def addition_offers(bench: Bench, query: str = "") -> list[Offer]:
    """Return items to add, those first that leave the fewest rules broken; with a query, items by code or point."""
    if query:
        found = list(islice(_searched(bench, query), MOST_CANDIDATES))
        return [_offer(bench, item, (*bench.items, item)) for item in found]
    rated = [(deviation(bench.checks_of((*bench.items, item))), item) for item in _helpful(bench)]
    rated.sort(key=lambda pair: (pair[0], pair[1].n_used, pair[1].point, pair[1].id))
    sound = (item for _rate, item in rated if bench.is_sound((*bench.items, item)))
    return [_offer(bench, item, (*bench.items, item)) for item in islice(sound, MOST_CANDIDATES)]


def _offer(bench: Bench, item: PoolItem, items: tuple[PoolItem, ...]) -> Offer:
    return Offer(bench.pool.entries[item.id], bench.effects(items))


def _helpful(bench: Bench) -> Iterable[PoolItem]:
    """Return items worth trying: of a type that is short, least used first, from every point in turn."""
    taken = {item.id for item in bench.items}
    wanted = {rule.type: rule.count for rule in bench.blueprint.types}
    short = {name for name, n in wanted.items() if sum(1 for item in bench.items if item.type == name) < n}
    taken |= bench.barred
    options = [item for item in bench.pool.items if item.id not in taken and item.type in (short or wanted)]
    turns: dict[str, int] = {}
    order: list[tuple[int, int, str, PoolItem]] = []
    for item in sorted(options, key=lambda one: (one.n_used, one.id)):
        turns[item.point] = turns.get(item.point, -1) + 1
        order.append((turns[item.point], item.n_used, item.id, item))
    order.sort(key=lambda entry: entry[:3])
    return [entry[3] for entry in order[:MOST_TRIED]]


def _searched(bench: Bench, query: str) -> Iterator[PoolItem]:
    taken, wanted = {item.id for item in bench.items}, query.strip().casefold()
    for item in bench.pool.items:
        entry = bench.pool.entries[item.id]
        if item.id not in taken and (wanted in entry.code.casefold() or entry.point.casefold().startswith(wanted)):
            yield item


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
    keeps = memoised(lambda item: bench.breaks_nothing(bench.with_item(index, item)))
    return (item for item in options if item.id not in bench.barred and keeps(item) and bench.keeps_rules(index, item))


def _distance(item: PoolItem, present: PoolItem) -> tuple[bool, bool, int, int, str]:
    scope = present.point.rpartition("-")[0]
    return (
        item.point != present.point,
        not in_scope(item.point, scope),
        abs((item.difficulty or 3) - (present.difficulty or 3)),
        item.n_used,
        item.point,
    )


def swap_item(
    uow: UnitOfWork, form_id: uuid.UUID, *, slot: int, item_id: uuid.UUID, version: int, is_forced: bool = False
) -> ExamForm:
    """Put another item into a place of a draft; refused when a rule would break, unless forced, or the form changed.

    A forced swap may break counts and shares, which then show on the form and stop its submission; never may an item
    stand twice, beside an enemy, or in a parallel form beyond the allowed overlap.
    """
    form = lock_draft(uow, form_id, version=version)
    bench = load_bench(uow.session, uow.actor, form)
    index, place = index_of(bench, slot), find_place(form, slot)
    refuse_locked(place)
    entry, candidate = _chosen(bench, item_id)
    items = bench.with_item(index, candidate)
    if is_forced:
        _refuse_unsound(bench, items)
    elif candidate.type != place.type or not bench.may_stand(index, candidate):
        raise ConflictError(N_("换入这道题会违反蓝图的要求，请从候选试题中选择"))
    number = first_number(slot_contents(uow.session, uow.actor, form), slot)
    change_form(
        uow, form, ChangeKind.SWAP, take=[place], put=[new_place(bench, entry, place.slot, place.section)],
        comment=f"第 {number} 题：{place.item_code} → {entry.code}",
    )  # fmt: skip
    return form


def add_item(uow: UnitOfWork, form_id: uuid.UUID, *, item_id: uuid.UUID, version: int) -> ExamForm:
    """Add an item behind those of its type; counts and shares are shown broken until the form is whole again."""
    form = lock_draft(uow, form_id, version=version)
    bench = load_bench(uow.session, uow.actor, form)
    entry, candidate = _chosen(bench, item_id)
    _refuse_unsound(bench, (*bench.items, candidate))
    slot, section = end_of(form, entry.type)
    change_form(uow, form, ChangeKind.ADD, take=[], put=[new_place(bench, entry, slot, section)])
    return form


def remove_item(uow: UnitOfWork, form_id: uuid.UUID, *, slot: int, version: int) -> ExamForm:
    """Take an item out of a draft; the last one stays."""
    form = lock_draft(uow, form_id, version=version)
    place = find_place(form, slot)
    refuse_locked(place)
    if len(form.slots) == 1:
        raise ConflictError(N_("试卷至少要有一道题"))
    change_form(uow, form, ChangeKind.REMOVE, take=[place], put=[])
    return form


def new_place(bench: Bench, entry: qbank.PoolEntry, slot: int, section: int) -> Place:
    """Return a place with an item of the pool, worth what the blueprint says."""
    item = next(one for one in bench.pool.items if one.id == str(entry.item_id))
    return Place(
        slot, section, entry.item_id, entry.item_version_id, entry.code, entry.type, entry.point,
        str(entry.importance.value), entry.difficulty, Decimal(0) if item.pretest else marks(item, bench.blueprint),
    )  # fmt: skip


def end_of(form: ExamForm, name: str) -> tuple[int, int]:
    """Return the number behind the last item of a type, and its section; a new type stands at the end."""
    places = [place_of(slot) for slot in form.slots]
    same = [place for place in places if place.type == name]
    if same:
        return same[-1].slot + 1, same[-1].section
    return len(places) + 1, max(place.section for place in places) + 1


def _chosen(bench: Bench, item_id: uuid.UUID) -> tuple[qbank.PoolEntry, PoolItem]:
    entry = bench.pool.entries.get(str(item_id))
    if entry is None:
        raise NotFoundError(N_("要换入的试题不在可用题库中，可能已停用"))
    item = next(item for item in bench.pool.items if item.id == str(item_id))
    return entry, replace(item, score=marks(item, bench.blueprint))


def _refuse_unsound(bench: Bench, items: tuple[PoolItem, ...]) -> None:
    if not bench.is_sound(items):
        raise ConflictError(N_("这道题不能加入：试卷中已有这道题或与它互斥的试题，或者与平行卷重复过多"))


def first_number(slots: Sequence[SlotContent], place: int) -> int:
    """Return the number under which candidates find the first slot of the item in a place."""
    return next(one.slot for one in slots if one.place == place)


def index_of(bench: Bench, slot: int) -> int:
    """Return where a place stands among the bench's items; raises NotFoundError."""
    for index, place in enumerate(bench.form.slots):
        if place.slot == slot:
            return index
    raise NotFoundError(N_("试卷没有第 %(slot)s 题"), slot=slot)

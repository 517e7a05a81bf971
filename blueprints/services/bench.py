"""A form on the bench: its rules, its items as assembly sees them, and what a change would do to every rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property

from sqlalchemy.orm import Session

from blueprints import repository, repository_sets
from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.columns import build_columns
from blueprints.assembly.limits import CoverageRule
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.result import Check
from blueprints.assembly.verify import check_assembly, check_form, check_together
from blueprints.assembly.verify_further import anchor_ids, split_form
from blueprints.assembly.weights import WeightTarget, weight_targets
from blueprints.models import AssemblyRun, ExamForm, FormSlot
from blueprints.rules.codes import engine_code
from blueprints.rules.specs import blueprint_of
from blueprints.rules.states import FormStatus
from blueprints.services.bank import Pool, load_pool
from blueprints.services.ledger import capped_items
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import Actor

Items = tuple[PoolItem, ...]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change does to one rule: the check before and after."""

    before: Check
    after: Check

    @property
    def breaks(self) -> bool:
        """Say whether the change breaks the rule."""
        return self.before.met and not self.after.met

    @property
    def mends(self) -> bool:
        """Say whether the change mends the rule."""
        return self.after.met and not self.before.met


@dataclass(frozen=True)
class Bench:
    """A form with everything that its rules are held against; `siblings` are the items of the forms it runs parallel to.

    `drawn` are the forms of its draw in their order, its own place left empty, where rules bind them together. `barred` are items that may not come in: those the blueprint excludes, and those that reached a cap on their use.
    """

    form: ExamForm
    blueprint: Blueprint
    targets: tuple[WeightTarget, ...]
    items: Items
    pool: Pool
    siblings: tuple[frozenset[str], ...]
    barred: frozenset[str] = frozenset()
    drawn: tuple[Items | None, ...] = ()

    @cached_property
    def _present(self) -> tuple[Check, ...]:
        return self.checks_of(self.items)

    def checks(self) -> tuple[Check, ...]:
        """Return every rule held against the form as it is."""
        return self._present

    def checks_of(self, items: Items) -> tuple[Check, ...]:
        """Return every rule held against other items, those on the forms of a draw together among them."""
        alone = check_form(items, self.blueprint, self.targets)
        if not self.drawn:
            return alone
        forms = [items if form is None else form for form in self.drawn]
        return (*alone, *_once_each(check_together(forms, self.pool.items, self.blueprint)))

    def broken(self) -> list[Check]:
        """Return the rules that the form breaks as it is."""
        return [check for check in self.checks() if not check.met]

    def with_item(self, index: int, candidate: PoolItem) -> Items:
        """Return the items with another one in a place."""
        return (*self.items[:index], candidate, *self.items[index + 1 :])

    def effects(self, items: Items) -> list[Effect]:
        """Return the rules whose figures would change."""
        after = {check.constraint: check for check in self.checks_of(items)}
        return [
            Effect(check, after[check.constraint])
            for check in self.checks()
            if check.constraint in after and after[check.constraint].got != check.got
        ]

    def is_sound(self, items: Items) -> bool:
        """Say whether items may stand together at all: none twice, no enemies, sets whole, little shared with others."""
        if check_assembly([items], self.pool.items, self.blueprint):
            return False
        ids = {item.id for item in items} - anchor_ids(self.blueprint)
        return all(len(ids & other) <= self.blueprint.max_overlap for other in self.siblings)

    def may_stand(self, index: int, candidate: PoolItem) -> bool:
        """Say whether an item that is not in the form yet may stand in a place."""
        return all(item.id != candidate.id for item in self.items) and self.keeps_rules(index, candidate)

    def keeps_rules(self, index: int, candidate: PoolItem) -> bool:
        """Say whether another item in a place breaks nothing that holds now."""
        changed = self.with_item(index, candidate)
        return self.breaks_nothing(changed) and self.is_sound(changed)

    def breaks_nothing(self, items: Items) -> bool:
        """Say whether every rule that the form keeps now would still be kept."""
        return self.unmet(items) <= {check.constraint for check in self.broken()}

    def owed_points(self, rule: CoverageRule) -> frozenset[str]:
        """Return the points of a rule that no other form of the same group examines."""
        period, own = min(rule.forms, len(self.drawn)), self.drawn.index(None)
        if own >= len(self.drawn) - len(self.drawn) % period:
            return frozenset()
        first = own - own % period
        forms = [form for form in self.drawn[first : first + period] if form is not None]
        held = {item.point for form in forms for item in split_form(form, self.blueprint)[0]}
        earlier = set(range(1, rule.forms - period + 1))
        held |= {item.point for item in self.pool.items if earlier.intersection(item.earlier_forms)}
        wanted = {item.point for item in self.pool.items if rule.concerns(item.point, item.importance)}
        return frozenset((wanted | (rule.points or frozenset())) - held)

    def unmet(self, items: Items) -> frozenset[str]:
        """Return the names of the rules that some items break."""
        return frozenset(check.constraint for check in self.checks_of(items) if not check.met)


def load_bench(session: Session, actor: Actor, form: ExamForm) -> Bench:
    """Return a form, whose slots are loaded, with everything that its rules are held against."""
    if form.assembly_run_id is None:
        raise ConflictError(N_("这份试卷不是按蓝图组成的，不能替换试题"))
    run = repository.get_run(session, form.assembly_run_id, actor=actor)
    siblings = () if run.is_on_the_fly else repository.list_forms_of_run(session, run.assembly_run_id, actor=actor)
    own = [form.exam_form_id, *(other.exam_form_id for other in siblings)]
    blueprint, pool = blueprint_of(run.spec), load_pool(session, actor, form.standard_level_id, run.spec, but=own)
    known = {item.id: item for item in pool.items}
    items = tuple(slot_item(slot, known.get(str(slot.item_id))) for slot in form.slots)
    step = build_columns(pool.items, blueprint).step
    capped = capped_items(session, actor, form.standard_level_id, run.regions)
    barred = blueprint.exclude | capped | _used_up(session, run, form)
    others = _others(form, siblings)
    sets = tuple(frozenset(str(slot.item_id) for slot in other.slots) for other in others)
    drawn = _drawn(form, others, known) if _binds_together(blueprint) else ()
    return Bench(form, blueprint, weight_targets(blueprint, step), items, pool, sets, barred, drawn)


def _binds_together(blueprint: Blueprint) -> bool:
    limits = blueprint.limits
    return bool(limits.coverage or limits.include or limits.include_sets)


def _drawn(form: ExamForm, others: Sequence[ExamForm], known: Mapping[str, PoolItem]) -> tuple[Items | None, ...]:
    """Return the items of the forms of a draw in their order; None in the form's own place."""
    order = sorted([form, *others], key=lambda one: one.label)
    return tuple(
        None if one is form else tuple(slot_item(slot, known.get(str(slot.item_id))) for slot in one.slots)
        for one in order
    )


def _once_each(checks: Sequence[Check]) -> list[Check]:
    """Return one check for each rule: of several groups of forms the one that is furthest from its bounds."""
    worst: dict[str, Check] = {}
    for one in checks:
        before = worst.get(one.constraint)
        if before is None or _off(one) > _off(before):
            worst[one.constraint] = one
    return list(worst.values())


def _used_up(session: Session, run: AssemblyRun, form: ExamForm) -> frozenset[str]:
    """Return the items that stand in as many forms of a set, one for each candidate, as its draw allowed."""
    if form.form_set_id is None:
        return frozenset()
    allowed = int(((run.result or {}).get("exposure") or {}).get("allowed_uses", run.n_forms))
    used = repository_sets.items_of_set(session, form.form_set_id)
    return frozenset(str(item_id) for item_id, n in used.items() if n >= allowed)


def _others(form: ExamForm, siblings: Sequence[ExamForm]) -> list[ExamForm]:
    """Return the parallel forms; a form and the one whose place it takes are not parallel, nor is what is withdrawn."""
    return [
        other
        for other in siblings
        if other.exam_form_id not in (form.exam_form_id, form.replaces_form_id)
        and other.replaces_form_id != form.exam_form_id
        and other.status is not FormStatus.WITHDRAWN
    ]


def slot_item(slot: FormSlot, known: PoolItem | None) -> PoolItem:
    """Return the item of a slot as assembly sees it: what the slot keeps, and the rest as the bank says now."""
    if known is not None:
        return replace(
            known, point=engine_code(slot.point), importance=slot.importance, difficulty=slot.difficulty, score=slot.score
        )  # fmt: skip
    return PoolItem(
        id=str(slot.item_id), type=slot.type, point=engine_code(slot.point), importance=slot.importance,
        difficulty=slot.difficulty, score=slot.score,
    )  # fmt: skip


def memoised(verdict: Callable[[PoolItem], bool]) -> Callable[[PoolItem], bool]:
    """Return a verdict that is asked once for items that differ in nothing but who they are."""
    known: dict[PoolItem, bool] = {}

    def ask(item: PoolItem) -> bool:
        likeness = replace(item, id="", enemies=(), item_set=None)
        if likeness not in known:
            known[likeness] = verdict(item)
        return known[likeness]

    return ask


def deviation(checks: Sequence[Check]) -> tuple[int, Decimal]:
    """Return how many rules are broken, and how far off they are together."""
    broken = [check for check in checks if not check.met]
    return len(broken), sum((_off(check) for check in broken), Decimal(0))


def _off(check: Check) -> Decimal:
    low, high = check.wanted
    if low is not None and check.got < low:
        return low - check.got
    return check.got - high if high is not None and check.got > high else Decimal(0)

"""The forms of a batch on one scale: who sat what, which items they share, what each raw score would be worth, and who turns."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
from sqlalchemy.orm import Session

from exam_delivery.models import ExamBatch, ExamSession, SessionStatus
from exam_delivery.repository import equating as repository
from exam_delivery.repository import planning
from exam_delivery.repository.equating import Sitter
from exam_delivery.rules import equating as rules
from exam_delivery.rules.anchors import Anchor, Earned, Part, content_parts, find_anchors
from exam_delivery.rules.equating import Conversion, Curve, Design, Group, Method, Way
from exam_delivery.rules.equating_keys import Terms, read_terms
from exam_delivery.rules.scoring import ScoringKey
from exam_delivery.services import consequences, forms, scoring_keys
from item_templates.rounding import decimal_text
from kernel import profiles
from kernel.canonical import digest
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from psychometrics.arrays import ParameterError

USUAL_PASS = Decimal("0.6")
"""Share of the full marks that passes where nobody has said another."""
LARGEST_SEED = 2**31


@dataclass(frozen=True, slots=True)
class Plan:
    """What a person chose: the reference form, a way for each other form, common items left out; the rest is usual."""

    reference: uuid.UUID | None = None
    ways: Mapping[uuid.UUID, Way] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SatForm:
    """A form that was sat in the batch, with the scores of everybody who did, over all its sessions."""

    form_id: uuid.UUID
    title: str
    key: ScoringKey
    sessions: tuple[ExamSession, ...]
    sitters: tuple[Sitter, ...]

    @property
    def n(self) -> int:
        """How many scores."""
        return len(self.sitters)

    @property
    def totals(self) -> list[float]:
        """The scores."""
        return [float(one.score) for one in self.sitters]

    @property
    def mean(self) -> float:
        """Of the scores."""
        return float(np.mean(self.totals))

    @property
    def sd(self) -> float:
        """Standard deviation (divisor n) of the scores."""
        return float(np.std(self.totals))


@dataclass(frozen=True, slots=True)
class Turn:
    """One candidate whose pass decision in theory would turn."""

    registration_id: uuid.UUID
    raw: Decimal
    equated: Decimal
    is_gain: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """One form against the reference: common items, the way that was taken, the conversion and what it would do.

    Attributes
    ----------
    ways : tuple of Way
        What the data carry.
    usual : Way
        What is proposed without a choice.
    curve : Curve or None
        None where the data do not carry the way after all.
    gap : float
        How much better the group of this form did on the common items, in standard deviations.
    mark : Decimal
        The lowest step of the table that passes, as a raw score.
    """

    form: SatForm
    anchors: tuple[Anchor, ...]
    parts: tuple[Part, ...]
    is_by_chance: bool
    ways: tuple[Way, ...]
    usual: Way
    way: Way
    curve: Curve | None
    conversion: Conversion | None
    gap: float
    mark: Decimal
    turns: tuple[Turn, ...]

    @property
    def kept(self) -> list[Anchor]:
        """The common items that count."""
        return [one for one in self.anchors if not one.is_dropped]

    @property
    def n_gained(self) -> int:
        """How many would pass who do not."""
        return sum(one.is_gain for one in self.turns)

    @property
    def n_lost(self) -> int:
        """How many would not pass who do."""
        return len(self.turns) - self.n_gained

    @property
    def at_mark(self) -> tuple[Decimal, Decimal] | None:
        """What the pass mark is worth on the reference form, and the standard error."""
        if self.curve is None:
            return None
        place = int(np.argmin(np.abs(self.curve.points - float(self.mark))))
        return rules.four_decimals(self.curve.values[place]), rules.four_decimals(self.curve.errors[place])


@dataclass(frozen=True, slots=True)
class Study:
    """All forms of a batch on the scale of one; `digest` is what a second person confirms."""

    batch: ExamBatch
    terms: Terms
    forms: tuple[SatForm, ...]
    reference: SatForm | None
    pairs: tuple[Pair, ...]
    waiting: tuple[str, ...]
    seed: int
    digest: str

    @property
    def is_possible(self) -> bool:
        """Whether there is anything to equate."""
        return bool(self.pairs)

    @property
    def is_whole(self) -> bool:
        """Whether every conversion could be made and every session is scored."""
        return self.is_possible and not self.waiting and all(pair.conversion is not None for pair in self.pairs)

    @property
    def key_versions(self) -> dict[str, int]:
        """The version of every form's key."""
        return {str(form.form_id): form.key.key_version for form in self.forms}


def study(session: Session, actor: Actor, exam_batch_id: uuid.UUID, plan: Plan) -> Study:
    """Return what equating the forms of a batch would do; nothing is stored.

    Raises
    ------
    NotFoundError
        If there is no such batch in the actor's organisation.
    InvalidInputError
        If the plan names a form that was not sat, or a way that the data do not carry.
    """
    require(actor, Permission.SCORE_READ)
    batch = planning.get_batch(session, exam_batch_id, actor=actor)
    sittings = planning.sessions_of_batch(session, exam_batch_id, actor=actor)
    terms = read_terms(profiles.values(session, actor.organisation))
    sat = sat_forms(session, actor, batch, sittings)
    if plan.reference is not None and plan.reference not in {one.form_id for one in sat}:
        raise InvalidInputError(N_("参照试卷不是本批次考过的试卷"))
    reference = next((one for one in sat if one.form_id == plan.reference), sat[0] if sat else None)
    waiting = tuple(row.name for row in sittings if _waits(row))
    seed = exam_batch_id.int % LARGEST_SEED
    if reference is None or len(sat) < 2:
        return Study(batch, terms, tuple(sat), reference, (), waiting, seed, "")
    bench = _Bench(
        session=session, actor=actor, batch=batch, terms=terms, reference=reference, plan=plan, seed=seed,
        earned=repository.earned_by_slot(session, exam_batch_id, actor=actor),
        passes=consequences.passes(session, actor.organisation, batch.level_code),
    )  # fmt: skip
    pairs = tuple(bench.pair(form) for form in sat if form is not reference)
    return Study(
        batch, terms, tuple(sat), reference, pairs, waiting, seed, _digest(batch, reference, pairs, plan, bench.sums)
    )


def _waits(row: ExamSession) -> bool:
    return row.status not in {SessionStatus.SCORED, SessionStatus.RELEASED} and not row.cancelled_at


def sat_forms(session: Session, actor: Actor, batch: ExamBatch, sittings: Sequence[ExamSession]) -> list[SatForm]:
    """Return the forms that were sat, in the order of their first session; forms made for one candidate each are left out."""
    everybody = repository.sitters(session, batch.exam_batch_id, actor=actor)
    by_form: dict[uuid.UUID, list[Sitter]] = {}
    for one in everybody:
        by_form.setdefault(one.form_id, []).append(one)
    titles = forms.titles(session, actor.organisation)
    keys = scoring_keys.load_keys(session, actor.organisation, sorted(by_form)) if len(by_form) > 1 else {}
    found = []
    for form_id, some in by_form.items():
        used = {one.exam_session_id for one in some}
        rows = tuple(row for row in sittings if row.exam_session_id in used)
        key = keys.get(form_id) or scoring_keys.load_key(session, actor.organisation, form_id)
        title = titles[form_id].title if form_id in titles else str(form_id)
        found.append(SatForm(form_id, title, key, rows, tuple(some)))
    return sorted(found, key=lambda one: (min(row.starts_at for row in one.sessions), one.title, one.form_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    """What the conversions of one batch share while they are worked out; `sums` gathers the anchor sums for the digest."""

    session: Session
    actor: Actor
    batch: ExamBatch
    terms: Terms
    reference: SatForm
    plan: Plan
    seed: int
    earned: Mapping[uuid.UUID, Earned]
    passes: Callable[[Decimal], bool] | None
    sums: dict[str, Mapping[uuid.UUID, Decimal]] = field(default_factory=dict)

    def pair(self, form: SatForm) -> Pair:
        """Return one form against the reference."""
        old = self.reference
        earned = self.earned.get(form.form_id, {}), self.earned.get(old.form_id, {})
        anchors = tuple(find_anchors(form.key, old.key, earned, self.plan.dropped))
        kept = [one for one in anchors if not one.is_dropped]
        groups = (
            self._group(form, [one.new_slot for one in kept], form),
            self._group(old, [one.old_slot for one in kept], form),
        )
        parts = tuple(content_parts(form.key, anchors))
        is_by_chance = {row.exam_session_id for row in form.sessions} == {row.exam_session_id for row in old.sessions}
        ways = self._ways(groups, kept)
        usual = self._usual(groups, ways, parts, is_by_chance=is_by_chance)
        way = self.plan.ways.get(form.form_id, usual)
        if way not in ways:
            raise InvalidInputError(N_("人数或共同题不够，不能用所选的办法；请重新选择"))
        curve = self._curve(way, groups, form)
        conversion = rules.conversion_of(way, curve, self.terms.unit) if curve is not None else None
        passes = self._passing(form)
        return Pair(
            form, anchors, parts, is_by_chance, ways, usual, way, curve, conversion, rules.gap_of(*groups),
            self._mark(form, passes), tuple(_turns(form, conversion, passes)),
        )  # fmt: skip

    def _group(self, form: SatForm, slots: Collection[int], pair: SatForm) -> Group:
        totals = np.array(form.totals)
        slots = list(slots)
        if not slots:
            return Group(float(form.key.max_score), totals, np.empty(0))
        sums = repository.earned_on(self.session, self.batch.exam_batch_id, form.form_id, slots, actor=self.actor)
        self.sums[f"{pair.form_id}:{form.form_id}"] = sums
        own = np.array([float(sums.get(one.attempt_id, 0)) for one in form.sitters])
        highest = sum((one.max_score for one in form.key.slots if one.slot in slots), Decimal(0))
        return Group(float(form.key.max_score), totals, own, float(highest))

    def _ways(self, groups: tuple[Group, Group], kept: Sequence[Anchor]) -> tuple[Way, ...]:
        n = min(groups[0].n, groups[1].n)
        designs = [Design.EQUIVALENT]
        if len(kept) >= self.terms.anchor_items:
            designs.append(Design.COMMON_ITEMS)
        return tuple(
            Way(design, method)
            for design in designs
            for method in rules.offered(design, n, self.terms.sizes)
            if method is not Method.IDENTITY or design is Design.EQUIVALENT
        )

    def _usual(
        self, groups: tuple[Group, Group], ways: Sequence[Way], parts: Sequence[Part], *, is_by_chance: bool
    ) -> Way:
        """Return chance before common items; without either, groups are not taken to be alike unless somebody says so."""
        common = any(way.design is Design.COMMON_ITEMS for way in ways)
        share = groups[0].anchor_max / groups[0].max_score if groups[0].max_score else 0.0
        is_fit = common and share * 100 >= self.terms.anchor_percent and not any(one.is_uneven for one in parts)
        if not is_by_chance and not is_fit:
            return Way(Design.EQUIVALENT, Method.IDENTITY)
        design = Design.EQUIVALENT if is_by_chance else Design.COMMON_ITEMS
        way = Way(design, rules.usual(design, *groups, self.terms.sizes))
        return way if way in ways else Way(Design.EQUIVALENT, Method.IDENTITY)

    def _curve(self, way: Way, groups: tuple[Group, Group], form: SatForm) -> Curve | None:
        scores = [one.score for one in (*form.sitters, *self.reference.sitters)]
        step = rules.step_of([*scores, form.key.max_score, self.reference.key.max_score])
        try:
            return rules.fit(way, *groups, step=float(step), seed=self.seed)
        except ParameterError:
            return None

    def _passing(self, form: SatForm) -> Callable[[Decimal], bool]:
        return self.passes or (lambda score: score >= form.key.max_score * USUAL_PASS)

    @staticmethod
    def _mark(form: SatForm, passes: Callable[[Decimal], bool]) -> Decimal:
        """Return the lowest whole score that passes, the full marks where none does."""
        whole = (Decimal(score) for score in range(int(form.key.max_score) + 1))
        return next((score for score in whole if passes(score)), form.key.max_score)


def _turns(form: SatForm, conversion: Conversion | None, passes: Callable[[Decimal], bool]) -> list[Turn]:
    if conversion is None:
        return []
    both = [(one, conversion.apply(one.score)) for one in form.sitters]
    return [
        Turn(one.registration_id, one.score, equated, passes(equated))
        for one, equated in both
        if passes(one.score) != passes(equated)
    ]


def _digest(
    batch: ExamBatch,
    reference: SatForm,
    pairs: Sequence[Pair],
    plan: Plan,
    sums: Mapping[str, Mapping[uuid.UUID, Decimal]],
) -> str:
    """Return what fixes a study: scores and anchor sums of everybody, keys, ways, tables and the rounding."""
    said = {
        "batch": str(batch.exam_batch_id),
        "reference": str(reference.form_id),
        "dropped": sorted(plan.dropped),
        "scores": {
            str(form.form_id): [[str(one.attempt_id), decimal_text(one.score)] for one in form.sitters]
            for form in (reference, *(pair.form for pair in pairs))
        },
        "keys": {str(form.form_id): form.key.key_version for form in (reference, *(pair.form for pair in pairs))},
        "anchors": {
            name: sorted([str(key), decimal_text(value)] for key, value in own.items()) for name, own in sums.items()
        },
        "tables": {str(pair.form.form_id): _table(pair) for pair in pairs},
    }
    return digest(said)


def _table(pair: Pair) -> list[str]:
    one = pair.conversion
    if one is None:
        return []
    return [pair.way.design.value, pair.way.method.value, str(one.unit), *map(str, one.values)]

"""The report of a form: everything that a reviewer weighs, counted from the form as it is; no text of an item is in it."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints import repository_uses as uses
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.result import Check
from blueprints.models import ExamForm
from blueprints.rules.measures import Information, KeyUse, form_information, key_uses, largest_gap
from blueprints.rules.packages import SlotContent
from blueprints.rules.parallel import difficulty_counts, mean_difficulty
from blueprints.rules.profile import ANSWER_SECONDS, READING_SPEED
from blueprints.rules.states import FormStatus
from blueprints.rules.timing import estimated_seconds, parse_seconds
from blueprints.rules.two_way import FormRow, form_table
from blueprints.services.bank import slot_contents
from blueprints.services.bench import Bench, load_bench, slot_item
from blueprints.services.quality import FormQuality, form_quality
from blueprints.services.sealing import form_title
from item_templates.contract import ItemContent
from item_templates.markup import plain_text
from kernel import profiles
from kernel.identity.actor import Actor

MOST_EARLIER = 20
LETTERED = {"single_choice", "true_false"}


@dataclass(frozen=True, slots=True)
class Earlier:
    """Another form of the level, and how many items it shares with this one."""

    form: ExamForm
    title: str
    n_shared: int
    n_items: int


@dataclass(frozen=True, slots=True)
class Parallel:
    """A form of the same draw beside this one; `gap` is the largest difference of information in per cent."""

    form_id: uuid.UUID
    title: str
    label: str
    n_items: int
    total_score: Decimal
    mean_difficulty: Decimal | None
    mean_p: float | None
    difficulty: list[int]
    seconds: int
    information: Information
    gap: float | None


@dataclass(frozen=True, slots=True)
class FormReport:
    """Everything counted; `parallel` begins with the form itself."""

    form: ExamForm
    columns: list[str]
    rows: list[FormRow]
    checks: tuple[Check, ...]
    importance: dict[str, int]
    keys: list[KeyUse]
    quality: FormQuality
    earlier: list[Earlier]
    parallel: list[Parallel]
    matrix: list[list[int]]

    @property
    def own(self) -> Parallel:
        """The figures of the form itself."""
        return self.parallel[0]


def build_report(session: Session, actor: Actor, form_id: uuid.UUID) -> FormReport:
    """Return the report of a form of the actor's organisation."""
    form = repository.get_form(session, form_id, actor=actor, with_slots=True)
    bench = load_bench(session, actor, form)
    group = [form, *_siblings(session, actor, form)]
    times = form_seconds(session, actor, group)
    known = {item.id: item for item in bench.pool.items}
    own = form_information(bench.items)
    parallel = [
        _parallel(one, [slot_item(s, known.get(str(s.item_id))) for s in one.slots], times, own) for one in group
    ]
    slots = slot_contents(session, actor, form)
    return FormReport(
        form=form, columns=[rule.type for rule in bench.blueprint.types if rule.count], rows=_table(bench),
        checks=bench.checks(), importance=dict(sorted(Counter(item.importance for item in bench.items).items())),
        keys=key_spread(slots),
        quality=form_quality(session, actor, form), earlier=earlier_forms(session, actor, form, group), parallel=parallel,
        matrix=_matrix(group),
    )  # fmt: skip


def key_spread(slots: Sequence[SlotContent]) -> list[KeyUse]:
    """Return how the keys of a form's lettered items are spread."""
    return key_uses([(slot.content.type, _letter(slot.content)) for slot in slots if slot.content.type in LETTERED])


def _siblings(session: Session, actor: Actor, form: ExamForm) -> list[ExamForm]:
    if form.assembly_run_id is None or form.form_set_id is not None:
        return []
    found = repository.list_forms_of_run(session, form.assembly_run_id, actor=actor)
    return [one for one in found if one.exam_form_id != form.exam_form_id and one.status is not FormStatus.WITHDRAWN]


def _table(bench: Bench) -> list[FormRow]:
    scores = {item.id: item.score or Decimal(0) for item in bench.items}
    return form_table(bench.blueprint, bench.items, scores)


def _letter(content: ItemContent) -> str:
    if isinstance(content.key, bool):
        return "√" if content.key else "×"
    return str(content.key or "")


def form_seconds(session: Session, actor: Actor, forms: Sequence[ExamForm]) -> Mapping[uuid.UUID, int]:
    """Return how long each form usually takes: reading every text, then the time its types need."""
    per_minute = float(profiles.value(session, actor.organisation, READING_SPEED.name))
    by_type = parse_seconds(str(profiles.value(session, actor.organisation, ANSWER_SECONDS.name)))
    return {
        form.exam_form_id: round(
            sum(
                estimated_seconds(slot.content.type, _length(slot.content), by_type, per_minute)
                for slot in slot_contents(session, actor, form)
            )
        )
        for form in forms
    }


def _length(content: ItemContent) -> int:
    texts = [content.stem, *(choice.content for choice in content.choices)]
    return sum(len(plain_text(text)) for text in texts)


def _parallel(form: ExamForm, items: Sequence[PoolItem], times: Mapping[uuid.UUID, int], own: Information) -> Parallel:
    levels = [item.difficulty for item in items]
    p_values = [item.p_value for item in items if item.p_value is not None]
    told = form_information(items)
    return Parallel(
        form.exam_form_id, form_title(form), form.label, len(items), form.total_score, mean_difficulty(levels),
        round(sum(p_values) / len(p_values), 3) if p_values else None, difficulty_counts(levels),
        times[form.exam_form_id], told, largest_gap(own.values, told.values),
    )  # fmt: skip


def earlier_forms(session: Session, actor: Actor, form: ExamForm, group: Sequence[ExamForm]) -> list[Earlier]:
    """Return the last other forms of the level with the items they share; forms of the same draw are compared apart."""
    own = {slot.item_id for slot in form.slots}
    but = [one.exam_form_id for one in group]
    found = uses.last_forms(session, form.standard_level_id, but=but, limit=MOST_EARLIER, actor=actor)
    return [
        Earlier(one, form_title(one), sum(1 for slot in one.slots if slot.item_id in own), len(one.slots))
        for one in found
    ]


def _matrix(forms: Sequence[ExamForm]) -> list[list[int]]:
    items = [{slot.item_id for slot in form.slots} for form in forms]
    return [[len(first & second) for second in items] for first in items]

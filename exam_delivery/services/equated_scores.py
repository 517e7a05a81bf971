"""Which conversion a batch's scores follow when they are released; raw scores unless the rules and two persons say otherwise."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy.orm import Session

from exam_delivery.models import Equating, ScoreRelease
from exam_delivery.repository import equating as sitters_repository
from exam_delivery.repository import equating_decisions as repository
from exam_delivery.repository import key_changes
from exam_delivery.repository.equating import Sitter
from exam_delivery.rules.equating import Conversion, Method
from exam_delivery.rules.equating_keys import Terms, read_terms
from kernel import profiles
from kernel.i18n import N_
from kernel.identity.actor import Actor


@dataclass(frozen=True, slots=True)
class Scale:
    """What raw scores of a batch become; `problem` says why they cannot be released yet, with its values.

    Attributes
    ----------
    equating : Equating or None
        The decision that is followed; None for raw scores.
    conversions : mapping of UUID to Conversion
        By form; the reference form and forms that nobody shares have none.
    form_of : mapping of UUID to UUID
        The form of each counted registration.
    """

    equating: Equating | None = None
    conversions: Mapping[uuid.UUID, Conversion] = field(default_factory=dict)
    form_of: Mapping[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    problem: tuple[str, Mapping[str, object]] | None = None

    def score(self, registration_id: uuid.UUID, raw: Decimal) -> Decimal:
        """Return the score of a registration that counts."""
        form_id = self.form_of.get(registration_id)
        conversion = self.conversions.get(form_id) if form_id else None
        return conversion.apply(raw) if conversion else raw


RAW = Scale()


def scale_of_batch(session: Session, actor: Actor, exam_batch_id: uuid.UUID, former: ScoreRelease | None) -> Scale:
    """Return the scale of a batch's scores: after a release that of the release, before it what the rule profile says."""
    terms = read_terms(profiles.values(session, actor.organisation))
    is_needed = former.equating_id is not None if former else terms.is_official
    if not is_needed:
        return RAW
    people = sitters_repository.sitters(session, exam_batch_id, actor=actor)
    sat = {one.form_id for one in people}
    if len(sat) < 2:
        return RAW
    waiting = repository.pending(session, actor=actor, exam_batch_id=exam_batch_id)
    if waiting:
        message = N_("等值决定 %(code)s 还没有办结，办结后才能发布")
        return Scale(problem=(message, {"code": waiting[0].code}))
    found = repository.find_in_force(session, exam_batch_id, actor=actor)
    if found is None:
        message = N_("本批次考了 %(n)s 份不同的试卷，按规则方案须先作出等值决定（可以决定不换算）")
        return Scale(problem=(message, {"n": len(sat)}))
    if why := staleness(session, found, people, terms):
        message = N_("等值决定 %(code)s 批准以后，试卷、答案或成绩有变化，须重新等值并批准")
        return Scale(problem=(message, {"code": found.code, "why": why}))
    return Scale(found, read_conversions(found), {one.registration_id: one.form_id for one in people})


def equated_in(
    session: Session, actor: Actor, released: ScoreRelease, form_id: uuid.UUID, raw: Decimal | None
) -> Decimal | None:
    """Return what a raw score became in a release: itself where the release followed no conversion."""
    if raw is None or released.equating_id is None:
        return raw
    found = read_conversions(repository.get_equating(session, released.equating_id, actor=actor))
    return found[form_id].apply(raw) if form_id in found else raw


def staleness(session: Session, equating: Equating, people: Sequence[Sitter], terms: Terms) -> str:
    """Return why a decision no longer fits the scores: ``forms``, ``keys`` or ``scores``; empty where it does."""
    decided = {uuid.UUID(one["form_id"]): one for one in equating.figures["forms"]}
    sat = {one.form_id for one in people}
    if not sat <= decided.keys():
        return "forms"
    applied = key_changes.applied_to_forms(session, sorted(decided), organisation_id=equating.organisation_id)
    if any(len(applied.get(key, ())) != one["n_key_changes"] for key, one in decided.items()):
        return "keys"
    n_before = sum(one["n"] for one in decided.values())
    moment = equating.decided_at
    n_changed = sum(moment is not None and one.scored_at > moment for one in people)
    n_gone = max(n_before - (len(people) - n_changed), 0)
    return "scores" if max(n_changed, n_gone) * 100 > terms.sample_change * max(n_before, 1) else ""


def read_conversions(equating: Equating) -> dict[uuid.UUID, Conversion]:
    """Return the conversions of a decision by form."""
    unit = Decimal(equating.figures["unit"])
    return {
        uuid.UUID(one["form_id"]): Conversion(
            one["method"] == Method.IDENTITY, tuple(map(Decimal, one["points"])), tuple(map(Decimal, one["values"])), unit
        )
        for one in equating.figures["pairs"]
    }  # fmt: skip


def engine_of(equating: Equating) -> int:
    """Return which computation made a decision's figures; those without a number are of the first."""
    return int(equating.figures.get("engine", 1))

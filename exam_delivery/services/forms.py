"""Sealed forms, as planning and scoring see them: the one place that talks to blueprints."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from blueprints import public as blueprints
from blueprints import public_sets as sets
from blueprints.public import SealedForm, Sitting
from blueprints.public_levels import list_levels
from blueprints.public_sets import SealedSet
from exam_delivery.models import ExamSession, SessionStatus
from exam_delivery.repository.attempts_planning import forms_given
from exam_delivery.repository.recusal import sessions_using
from exam_delivery.services import draw_reveals
from kernel.clock import day_of
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, system_actor
from kernel.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class LevelChoice:
    """An occupation and level, and how many sealed forms there are for it; the edition where it is a current one."""

    standard_level_id: uuid.UUID
    occupation_code: str
    occupation_name: str
    level_code: str
    level_name: str
    n_forms: int
    edition: str = ""


def sealed_forms(session: Session, actor: Actor, standard_level_id: uuid.UUID | None = None) -> list[SealedForm]:
    """Return the sealed forms that a session of this level may use."""
    return blueprints.list_sealed_forms(session, actor, standard_level_id=standard_level_id)


def levels_with_forms(session: Session, actor: Actor) -> list[LevelChoice]:
    """Return the occupations and levels that have sealed forms, by name."""
    by_level: dict[uuid.UUID, list[SealedForm]] = {}
    for form in [*sealed_forms(session, actor), *sets.list_set_forms(session, actor)]:
        by_level.setdefault(form.standard_level_id, []).append(form)
    choices = [_choice(forms) for forms in by_level.values()]
    return sorted(choices, key=lambda one: (one.occupation_name, one.level_code))


def levels_of_batches(session: Session, actor: Actor) -> list[LevelChoice]:
    """Return the occupations and levels that a batch may be for, by name: those of the bank's standards and of sealed forms."""
    reader = system_actor(actor.organisation, name="batches")  # who plans batches need not be a reader of standards
    found = {
        one.standard_level_id: LevelChoice(
            one.standard_level_id, one.occupation_code, one.occupation_name, one.level_code, one.level_name, 0,
            one.edition_label,
        )
        for one in list_levels(session, reader)
    }  # fmt: skip
    for one in levels_with_forms(session, actor):
        known = found.get(one.standard_level_id)
        found[one.standard_level_id] = replace(one, edition=known.edition if known else "")
    return sorted(found.values(), key=lambda one: (one.occupation_name, one.level_code, one.edition))


def _choice(forms: list[SealedForm]) -> LevelChoice:
    first = forms[0]
    return LevelChoice(
        first.standard_level_id, first.occupation_code, first.occupation_name, first.level_code, first.level_name,
        len(forms),
    )  # fmt: skip


def refuse_old_edition(uow: UnitOfWork, standard_level_id: uuid.UUID, begin: datetime) -> None:
    """Refuse a session that begins when the level's edition is replaced, where the rule profile says so."""
    blueprints.refuse_old_edition(uow.session, uow.actor, standard_level_id, on=day_of(begin))


def reserve(uow: UnitOfWork, exam_session: ExamSession, *, before: list[str]) -> None:
    """Tell blueprints which forms this session counts on, and which not any more."""
    reference = _reference(exam_session)
    if exam_session.form_set_id is not None:
        found = sets.reserve_set(uow, exam_session.form_set_id, reference=reference)
        exam_session.form_ids = [str(form_id) for form_id in found]
        draw_reveals.refuse_told(uow, exam_session.form_ids)
        return
    draw_reveals.refuse_told(uow, [one for one in used_forms(exam_session) if one not in before])
    for form_id in set(before) - set(used_forms(exam_session)):
        blueprints.release_form(uow, uuid.UUID(form_id), reference=reference)
    for form_id in used_forms(exam_session):
        blueprints.reserve_form(uow, uuid.UUID(form_id), reference=reference)


def used_forms(exam_session: ExamSession) -> list[str]:
    """Return the forms that a session counts on, with those in reserve."""
    return [*exam_session.form_ids, *exam_session.standby_form_ids]


def standby_to_open(session: Session, actor: Actor, exam_session: ExamSession) -> list[str]:
    """Return the titles of the standby forms that two custodians have to open before they can be given."""
    return blueprints.forms_to_open(session, actor, [uuid.UUID(one) for one in exam_session.standby_form_ids])


def release_all(uow: UnitOfWork, exam_session: ExamSession) -> None:
    """Tell blueprints that this session counts on no form any more."""
    sets.release_all(uow, reference=_reference(exam_session))


def _reference(exam_session: ExamSession) -> str:
    return f"exam_session:{exam_session.exam_session_id}"


def forms_to_open(session: Session, actor: Actor, exam_session: ExamSession) -> list[str]:
    """Return the titles of the session's forms that two custodians have to open before it can be prepared."""
    chosen = exam_session.form_ids[:1] if exam_session.form_set_id else exam_session.form_ids
    return blueprints.forms_to_open(session, actor, [uuid.UUID(one) for one in chosen])


def open_delivery(uow: UnitOfWork, form_id: str) -> dict[str, Any]:
    """Return the delivery document for preparation; the opening is audited."""
    return blueprints.open_delivery(uow, uow.actor, uuid.UUID(form_id))


def open_scoring(session: Session, organisation_id: uuid.UUID, form_id: str | uuid.UUID) -> dict[str, Any]:
    """Return the scoring document for the program's own scoring and for analysis after the sitting."""
    return blueprints.open_scoring(session, system_actor(organisation_id, name="scoring"), uuid.UUID(str(form_id)))


def titles(session: Session, organisation_id: uuid.UUID) -> dict[uuid.UUID, SealedForm]:
    """Return the sealed forms by key for readers of scores, who need not be readers of forms."""
    actor = system_actor(organisation_id, name="scores")
    every = [*sets.list_set_forms(session, actor), *blueprints.list_sealed_forms(session, actor)]
    return {form.form_id: form for form in every}


def holding(
    session: Session, organisation_id: uuid.UUID, form_ids: Collection[uuid.UUID], item_version_id: uuid.UUID
) -> list[uuid.UUID]:
    """Return those of some forms that hold a version of an item."""
    return sets.forms_holding(session, system_actor(organisation_id, name="scores"), form_ids, item_version_id)


def sealed_sets(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> list[SealedSet]:
    """Return the sealed sets that give every candidate of a session of this level a form of their own."""
    return sets.list_sealed_sets(session, actor, standard_level_id=standard_level_id)


def free_forms(session: Session, actor: Actor, form_set_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the forms of a set that no candidate was ever given."""
    live = sets.live_forms(session, actor, form_set_id)
    given = forms_given(session, live)
    return [form_id for form_id in live if form_id not in given]


def take_forms(uow: UnitOfWork, form_set_id: uuid.UUID, n: int) -> list[str]:
    """Choose forms by lot for so many candidates; the set is held until the transaction ends.

    Raises
    ------
    InvalidInputError
        If fewer are left; the message says how many are missing.
    """
    sets.lock_set(uow, form_set_id)
    free = free_forms(uow.session, uow.actor, form_set_id)
    if len(free) < n:
        message = N_("一人一卷的试卷不够，还差 %(n)s 份；请另选卷组，或把部分考生排到其他场次")
        raise InvalidInputError(message, n=n - len(free))
    return [str(form_id) for form_id in secrets.SystemRandom().sample(free, n)]


def replaced_titles(session: Session, actor: Actor, form_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return those of some sealed forms whose place another has taken: own title and the other's, by key."""
    found = sets.replaced_forms(session, actor, [uuid.UUID(one) for one in form_ids])
    return {str(key): (title, other) for key, title, other in found}


OVER = frozenset({SessionStatus.CLOSED, SessionStatus.SCORED, SessionStatus.RELEASED})


def _sittings(session: Session, organisation_id: uuid.UUID, form_id: uuid.UUID) -> list[Sitting]:
    """Return the sessions that use a form, for those who decide whether it is still secret."""
    return [
        Sitting(row.name, row.starts_at, row.status in OVER)
        for row in sessions_using(session, organisation_id, form_id)
    ]


blueprints.register_sittings("exam_delivery", _sittings)

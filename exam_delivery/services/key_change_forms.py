"""The forms that a key change may be about, as a list: a set of forms for as many candidates is one line of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from exam_delivery.services.form_sets import sets_of_forms
from exam_delivery.services.key_changes import FormInUse, forms_in_use
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor

MOST_SINGLE = 50


@dataclass(slots=True)
class FormLine:
    """A form, or a set with how many of its forms the sessions over count on; `sessions` by name, the latest first."""

    key: uuid.UUID
    title: str
    is_set: bool = False
    n_forms: int = 0
    sessions: list[str] = field(default_factory=list)

    def add(self, form: FormInUse) -> None:
        """Count one more form."""
        self.n_forms += 1
        known = set(self.sessions)
        self.sessions += [row.name for row in form.sessions if row.name not in known]

    def says(self, text: str) -> bool:
        """Say whether title or sessions hold a text."""
        return any(text in words.casefold() for words in (self.title, *self.sessions))


def list_lines(session: Session, actor: Actor, text: str = "") -> list[FormLine]:
    """Return single forms and sets, latest session first; with a text those that say it, and such forms of other sets.

    Of a set whose own name or sessions say it the forms are not listed singly.
    """
    found = forms_in_use(session, actor)
    sets = sets_of_forms(session, actor.organisation, [one.form_id for one in found])
    lines: dict[uuid.UUID, FormLine] = {}
    for one in found:
        key, title = sets.get(one.form_id, (one.form_id, one.title))
        lines.setdefault(key, FormLine(key, title, one.form_id in sets)).add(one)
    wanted = text.casefold()
    if not wanted:
        return list(lines.values())
    whole = [line for line in lines.values() if line.says(wanted)]
    named = {line.key for line in whole}
    inside = [one for one in found if one.form_id in sets and sets[one.form_id][0] not in named]
    return whole + _singly(inside, wanted)[:MOST_SINGLE]


def list_set(session: Session, actor: Actor, form_set_id: uuid.UUID, text: str = "") -> tuple[str, list[FormLine]]:
    """Return the name of a set and those of its forms that say a text, by title."""
    found = forms_in_use(session, actor)
    sets = sets_of_forms(session, actor.organisation, [one.form_id for one in found])
    inside = [one for one in found if sets.get(one.form_id, (None, ""))[0] == form_set_id]
    if not inside:
        raise NotFoundError(N_("没有用这份试卷考完的场次"))
    return sets[inside[0].form_id][1], _singly(inside, text.casefold())


def _singly(forms: Iterable[FormInUse], text: str) -> list[FormLine]:
    lines: Sequence[FormLine] = [
        FormLine(one.form_id, one.title, n_forms=1, sessions=[row.name for row in one.sessions]) for one in forms
    ]
    return sorted((line for line in lines if line.says(text)), key=lambda line: line.title)

"""What a session still lacks before candidates may come, each thing by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from exam_delivery.models import ExamSession
from exam_delivery.repository import planning
from exam_delivery.repository.planning import SessionCounts
from exam_delivery.rules import keys
from exam_delivery.rules.room_groups import FEW_INVIGILATORS, gather
from exam_delivery.rules.standby import STANDBY_FORMS
from exam_delivery.services import batch_forms, collisions, forms, photo_gaps, recusal
from kernel import profiles
from kernel.clock import now
from kernel.i18n import N_
from kernel.identity.actor import Actor

STANDBY = 2
"""Forms of a set that should be left for people who are registered late."""


@dataclass(frozen=True, slots=True)
class Blocker:
    """One thing that is missing; a hint does not forbid preparation. `step` names the part of the page that mends it."""

    message: str
    step: str
    params: Mapping[str, object] = field(default_factory=dict)
    is_hint: bool = False
    parts: tuple[Blocker, ...] = ()

    @property
    def text(self) -> str:
        """The Chinese message with its placeholders filled."""
        return self.message % self.params if self.params else self.message


def find_blockers(session: Session, actor: Actor, row: ExamSession) -> list[Blocker]:
    """Return what must be mended before preparation, then what should be looked at."""
    counts = planning.count_people(session, [row.exam_session_id]).get(row.exam_session_id, SessionCounts())
    rooms = gather(list(_room_blockers(session, actor, row)))
    found = [*_form_blockers(session, actor, row), *_people_blockers(counts), *rooms, *_seat_blockers(counts)]
    found += find_collisions(session, actor, row)
    found += [Blocker(one.rule.explanation, "conflicts", one.context) for one in recusal.blockers(session, actor, row)]
    if gap := photo_gaps.find_gap(session, actor, row):  # forms can be made without; the gate may ask for it
        found.append(Blocker(gap.message, "photos", {"n": gap.n}, is_hint=True))
    if not row.form_ids:  # last, as it may come last: everything else can be done before
        found.append(Blocker(N_("还没有选择试卷"), "forms"))
    if row.ends_at <= now():
        found.append(Blocker(N_("结束时间已过，请修改开考时间"), "plan"))
    return sorted(found, key=lambda one: one.is_hint)


def find_collisions(session: Session, actor: Actor, row: ExamSession) -> Iterator[Blocker]:
    """Yield who would have to sit in two sessions at one time; a hint where one of them leaves time for both."""
    for name, other, is_hint in collisions.people_elsewhere(session, actor, row):
        message = N_("%(name)s 在同一时间还要参加“%(session)s”，请把其中一场的报名移走或改时间")
        yield Blocker(message, "people", {"name": name, "session": other.name}, is_hint=is_hint)


def _form_blockers(session: Session, actor: Actor, row: ExamSession) -> Iterator[Blocker]:
    yield from _single_forms(session, actor, row) if row.form_set_id is None else _set_blockers(session, actor, row)
    for one in batch_forms.find_problems(session, actor, row):
        yield Blocker(one.message, "forms", one.params, is_hint=one.is_hint)
    wanted = int(profiles.value(session, actor.organisation, STANDBY_FORMS))
    if row.form_set_id is None and len(row.standby_form_ids) < wanted:
        message = N_("规则要求 %(wanted)s 份备用卷，现在只有 %(n)s 份")
        yield Blocker(message, "forms", {"wanted": wanted, "n": len(row.standby_form_ids)})
    for title in forms.forms_to_open(session, actor, row):
        yield Blocker(N_("试卷“%(title)s”须先由两名保管人启封，才能备考"), "plan", {"title": title})


def _single_forms(session: Session, actor: Actor, row: ExamSession) -> Iterator[Blocker]:
    sealed = {str(form.form_id) for form in forms.sealed_forms(session, actor)}
    missing = [one for one in forms.used_forms(row) if one not in sealed]
    if missing:
        yield Blocker(N_("%(n)s 份试卷已撤回或不再可用，请重新选择"), "forms", {"n": len(missing)})
    for title, other in forms.replaced_titles(session, actor, row.form_ids).values():
        message = N_("试卷“%(title)s”含有停用的试题，已由“%(other)s”替代，请改用替代卷")
        yield Blocker(message, "forms", {"title": title, "other": other}, is_hint=True)


def _set_blockers(session: Session, actor: Actor, row: ExamSession) -> Iterator[Blocker]:
    """Yield what a set of forms, one for each candidate, lacks for the people of a session."""
    if row.form_set_id is None:
        return
    counts = planning.count_people(session, [row.exam_session_id]).get(row.exam_session_id, SessionCounts())
    needed, n_free = counts.n_admitted - counts.n_prepared, len(forms.free_forms(session, actor, row.form_set_id))
    if n_free < needed:
        message = N_("一人一卷的试卷不够，还差 %(n)s 份；请另选卷组，或把部分考生排到其他场次")
        yield Blocker(message, "forms", {"n": needed - n_free})
    elif n_free < needed + STANDBY:
        message = N_("卷组只余 %(n)s 份备用试卷，临时增加的考生可能没有试卷")
        yield Blocker(message, "forms", {"n": n_free - needed}, is_hint=True)


def _people_blockers(counts: SessionCounts) -> Iterator[Blocker]:
    if not counts.n_admitted:
        yield Blocker(N_("还没有考生"), "people")


def _seat_blockers(counts: SessionCounts) -> Iterator[Blocker]:
    admitted = counts.n_admitted
    if counts.n_numbered < admitted:
        yield Blocker(N_("%(n)s 名考生没有准考证号"), "seats", {"n": admitted - counts.n_numbered})
    if counts.n_seated < admitted:
        yield Blocker(N_("%(n)s 名考生没有座位"), "seats", {"n": admitted - counts.n_seated})


def _room_blockers(session: Session, actor: Actor, row: ExamSession) -> Iterator[Blocker]:
    rooms = planning.rooms_of_session(session, row.exam_session_id, actor=actor)
    if not rooms:
        yield Blocker(N_("还没有选择考场"), "rooms")
    wanted = profiles.value(session, actor.organisation, keys.INVIGILATORS_PER_ROOM)
    for used, room in rooms:
        if len(used.invigilator_ids) < wanted:
            params = {"room": f"{room.site} {room.name}", "n": len(used.invigilator_ids), "wanted": wanted}
            yield Blocker(FEW_INVIGILATORS, "rooms", params, is_hint=True)

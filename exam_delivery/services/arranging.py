"""Sessions, admission numbers and seats for registered people."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence

from sqlalchemy import update

from exam_delivery.models import Accommodation, Candidate, ExamBatch, ExamSession, Registration, SessionStatus
from exam_delivery.repository import accommodations, planning
from exam_delivery.repository import candidates as repository
from exam_delivery.repository import moving as moving_repository
from exam_delivery.rules import admission, keys
from exam_delivery.rules.admission import NumberContext
from exam_delivery.rules.seating import Room, draw_seats
from exam_delivery.services import moving, personal, seat_seal
from kernel import audit, profiles
from kernel.clock import OFFICIAL_ZONE
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

SEED_BITS = 31


def assign_to_session(uow: UnitOfWork, exam_session_id: uuid.UUID, *, limit: int | None = None) -> int:
    """Put people of the batch who have no session yet into a session, oldest registration first; return how many."""
    row = lock_planned(uow, exam_session_id)
    free = repository.unassigned_registrations(uow.session, row.exam_batch_id, actor=uow.actor)[:limit]
    if not free:
        raise ConflictError(N_("本批次没有尚未安排场次的考生"))
    kept = moving_repository.attempts_of(uow.session, [one.registration_id for one in free])
    for registration in free:
        registration.exam_session_id = exam_session_id
        moving.await_form(kept.get(registration.registration_id), row, registration)
    moving_repository.forget_forms(uow.session, [one.attempt_id for one in kept.values()])
    audit.record(uow, "exam_session.assign", "exam_session", exam_session_id, after={"people": len(free)})
    return len(free)


def lock_planned(uow: UnitOfWork, exam_session_id: uuid.UUID) -> ExamSession:
    """Return a session locked while people and seats may still change."""
    require(uow.actor, Permission.SESSION_WRITE)
    row = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    if row.status is not SessionStatus.PLANNED and not row.cancelled_at:
        raise ConflictError(N_("场次已备考或已开放，人员和座位不能再改；需要改时请先“撤销备考”"))
    return row


def arrange(uow: UnitOfWork, exam_session_id: uuid.UUID, *, seed: int | None = None) -> int:
    """Give everybody of a planned session an admission number and a seat by lot; return the seed that was used."""
    row = lock_planned(uow, exam_session_id)
    entries = repository.registrations_of_session(uow.session, exam_session_id, actor=uow.actor)
    if not entries:
        raise ConflictError(N_("场次中还没有考生，请先导入名单"))
    accommodations.set_time_factors(uow.session, [registration for registration, _c, _r in entries], actor=uow.actor)
    seed = secrets.randbits(SEED_BITS) if seed is None else seed
    _number(uow, row, [(registration, candidate) for registration, candidate, _room in entries])
    _seat(uow, row, [registration for registration, _candidate, _room in entries], seed)
    seat_seal.seal_draw(uow, row, seed)
    after = {"people": len(entries), "digest": row.seat_digest}
    if not seat_seal.is_sealed(row):  # with the seed anybody could draw again who sits where
        after["seed"] = seed
    audit.record(uow, "exam_session.arrange", "exam_session", exam_session_id, after=after)
    return seed


def _number(uow: UnitOfWork, row: ExamSession, people: Sequence[tuple[Registration, Candidate]]) -> None:
    """Number those who have none, in the order of registration, after the highest number of the session."""
    missing = [pair for pair in people if not pair[0].admission_number]
    if not missing:
        return
    pattern = admission.check_pattern(profiles.value(uow.session, row.organisation_id, keys.ADMISSION_PATTERN))
    context, n_used = _free_plan(uow, row, pattern)
    missing.sort(key=lambda pair: pair[0].registration_id)
    for sequence, (registration, candidate) in enumerate(missing, start=n_used + 1):
        number = admission.format_number(pattern, context, sequence)
        registration.admission_number = number
        registration.sign_in_index = personal.sign_in_index(number, personal.read_number(candidate))
    uow.flush()  # numbers first: the seats follow by bulk statements


def _sits_apart(granted: Accommodation | None) -> bool:
    return granted is not None and granted.separate_room


def _free_plan(uow: UnitOfWork, row: ExamSession, pattern: str) -> tuple[NumberContext, int]:
    """Return the first plan number of the day that no other session uses, and how many numbers this one has used."""
    batch = planning.get_batch(uow.session, row.exam_batch_id, actor=uow.actor)
    highest = 10 ** int(pattern.partition("{plan")[2][:1] or 1) if admission.has_plan(pattern) else 2
    for plan in range(1, highest):
        context = _context(row, batch, plan)
        taken = repository.numbers_with_prefix(uow.session, admission.prefix_of(pattern, context))
        if all(owner == row.exam_session_id for _number, owner in taken):
            return context, _highest_sequence(pattern, context, [number for number, _owner in taken])
    raise ConflictError(
        N_("按规则“%(pattern)s”编出的准考证号与其他场次重复；请在规则方案中给编排规则加上 {plan2}"), pattern=pattern
    )


def _context(row: ExamSession, batch: ExamBatch, plan: int) -> NumberContext:
    return NumberContext(row.starts_at.astimezone(OFFICIAL_ZONE).date(), plan, batch.occupation_code, batch.level_code)


def _highest_sequence(pattern: str, context: NumberContext, numbers: Sequence[str]) -> int:
    return max((_sequence_in(pattern, context, number) for number in numbers), default=0)


def _sequence_in(pattern: str, context: NumberContext, number: str) -> int:
    """Return the running number inside an admission number of the same pattern."""
    prefix = admission.prefix_of(pattern, context)
    n_digits = int(pattern.partition("{seq")[2][0])
    return int(number[len(prefix) : len(prefix) + n_digits])


def _seat(uow: UnitOfWork, row: ExamSession, registrations: Sequence[Registration], seed: int) -> None:
    rooms = planning.rooms_of_session(uow.session, row.exam_session_id, actor=uow.actor)
    if not rooms:
        raise ConflictError(N_("场次还没有考场，请先选择考场"))
    granted = accommodations.load_current(uow.session, [one.candidate_id for one in registrations], actor=uow.actor)
    places = [Room(room.exam_room_id, room.capacity, is_separate=room.is_separate) for _used, room in rooms]
    apart = {one.registration_id for one in registrations if _sits_apart(granted.get(one.candidate_id))}
    seats = draw_seats([one.registration_id for one in registrations], places, seed=seed, apart=apart)
    clear = update(Registration).where(Registration.exam_session_id == row.exam_session_id)
    uow.session.execute(clear.values(seat_number=None, exam_room_id=None))
    rows = [
        {"registration_id": seat.registration_id, "exam_room_id": seat.exam_room_id, "seat_number": seat.number}
        for seat in seats
    ]
    uow.session.execute(update(Registration), rows)

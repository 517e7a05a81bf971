"""Seats by lot from a recorded seed, and who gets which form."""

from __future__ import annotations

import random
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from kernel.errors import InvalidInputError
from kernel.i18n import N_


@dataclass(frozen=True, slots=True)
class Room:
    """A room with its number of seats; a separate one is for those who sit apart."""

    exam_room_id: uuid.UUID
    capacity: int
    is_separate: bool = False


@dataclass(frozen=True, slots=True)
class Seat:
    """A seat given to a registration; seats count from 1."""

    registration_id: uuid.UUID
    exam_room_id: uuid.UUID
    number: int


def draw_seats(
    registrations: Sequence[uuid.UUID], rooms: Sequence[Room], *, seed: int, apart: Collection[uuid.UUID] = ()
) -> list[Seat]:
    """Return a seat for everybody: order by lot from the seed, rooms filled to capacity in the order given.

    Those who sit `apart` are in separate rooms, and nobody else is. The same registrations, rooms and seed always give the
    same seats.

    Raises
    ------
    InvalidInputError
        If there are fewer seats than people; the message says how many are missing, and of which kind.
    """
    together = [one for one in registrations if one not in apart]
    alone = [one for one in registrations if one in apart]
    separate = [room for room in rooms if room.is_separate]
    if alone and sum(room.capacity for room in separate) < len(alone):
        raise InvalidInputError(
            N_("有 %(people)s 名考生需要单独考场，所选的单独考场只有 %(seats)s 个座位；请给场次增加单独考场"),
            people=len(alone),
            seats=sum(room.capacity for room in separate),
        )
    common = [room for room in rooms if not room.is_separate]
    return _drawn(together, common, seed) + _drawn(alone, separate, seed)


def _drawn(registrations: Sequence[uuid.UUID], rooms: Sequence[Room], seed: int) -> list[Seat]:
    n_seats = sum(room.capacity for room in rooms)
    if n_seats < len(registrations):
        raise InvalidInputError(
            N_("座位不够：%(people)s 名考生，所选考场共 %(seats)s 个座位，还差 %(missing)s 个；请增加考场"),
            people=len(registrations),
            seats=n_seats,
            missing=len(registrations) - n_seats,
        )
    order = sorted(registrations)
    random.Random(seed).shuffle(order)  # noqa: S311 - a lot that must be repeatable, no secret
    places = [(room.exam_room_id, number) for room in rooms for number in range(1, room.capacity + 1)]
    return [Seat(person, *place) for person, place in zip(order, places, strict=False)]


def dealt_form(form_ids: Sequence[str], seat_number: int) -> str:
    """Return the form of a seat: A, B, A, B … so that neighbours never share one.

    Examples
    --------
    >>> [dealt_form(["A", "B"], seat) for seat in (1, 2, 3)]
    ['A', 'B', 'A']
    """
    return form_ids[(seat_number - 1) % len(form_ids)]

"""Seats by lot from a recorded seed, and who gets which form."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from kernel.errors import InvalidInputError
from kernel.i18n import N_


@dataclass(frozen=True, slots=True)
class Room:
    """A room with its number of seats."""

    exam_room_id: uuid.UUID
    capacity: int


@dataclass(frozen=True, slots=True)
class Seat:
    """A seat given to a registration; seats count from 1."""

    registration_id: uuid.UUID
    exam_room_id: uuid.UUID
    number: int


def draw_seats(registrations: Sequence[uuid.UUID], rooms: Sequence[Room], *, seed: int) -> list[Seat]:
    """Return a seat for everybody: order by lot from the seed, rooms filled to capacity in the order given.

    The same registrations, rooms and seed always give the same seats.

    Raises
    ------
    InvalidInputError
        If there are fewer seats than people; the message says how many are missing.
    """
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

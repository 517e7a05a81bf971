"""What the printed documents of an exam are told; texts stand as they shall appear."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AdmissionTicket:
    """One candidate's ticket for one sitting; `id_number` is printed as given, so mask it where that is wanted."""

    organisation: str
    exam_title: str
    admission_number: str
    name: str
    sex: str
    id_kind: str
    id_number: str
    occupation: str
    level: str
    subject: str
    exam_time: str
    site: str
    address: str
    room: str
    seat: str
    photo: bytes | None = None


@dataclass(frozen=True, slots=True)
class RoomEntry:
    """One seat of a room; the identity number comes masked."""

    seat: str
    admission_number: str
    name: str
    sex: str = ""
    masked_id_number: str = ""
    occupation_level: str = ""
    photo: bytes | None = None


@dataclass(frozen=True, slots=True)
class RoomSheet:
    """One room in one sitting with its seats in order."""

    organisation: str
    exam_title: str
    occupation_level: str
    subject: str
    exam_time: str
    site: str
    room: str
    entries: tuple[RoomEntry, ...]
    capacity: int = 0


@dataclass(frozen=True, slots=True)
class SeatPlan:
    """How a seat map counts: seats in a row as seen from the front, and whether every second row runs back."""

    in_a_row: int
    is_snake: bool


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """One incident or violation as the room report lists it."""

    time: str
    seat: str
    admission_number: str
    name: str
    kind: str
    description: str
    noted_by: str


@dataclass(frozen=True, slots=True)
class RoomReport:
    """What happened in a room; `checkpoint` is the text of the audit checkpoint printed as QR code, if there is one."""

    room: RoomSheet
    started_at: str
    ended_at: str
    n_present: int
    n_submitted: int
    n_forced: int
    absent: tuple[RoomEntry, ...] = ()
    incidents: tuple[IncidentLine, ...] = ()
    assurance: str = ""
    checkpoint: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    signatures: tuple[tuple[str, str, str], ...] = ()

    @property
    def n_expected(self) -> int:
        """Return how many candidates the room was arranged for."""
        return len(self.room.entries)

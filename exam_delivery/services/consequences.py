"""What a changed score would mean further on; the component that decides it announces itself here."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from kernel.identity.actor import Actor


@dataclass(frozen=True, slots=True)
class HeldCertificate:
    """A certificate that rests on an attempt; `state` is a label to translate."""

    number: str
    state: str


@dataclass(frozen=True, slots=True)
class Consequences:
    """What only certification knows: whether a theory score passes, who holds a certificate, and how decisions would turn.

    Attributes
    ----------
    passes : callable
        ``(session, organisation_id, level_code) -> (score -> bool)``.
    certificates : callable
        ``(session, actor, attempt_ids) -> {attempt_id: HeldCertificate}``.
    outcomes : callable
        ``(session, actor, {attempt_id: theory score}) -> {attempt_id: (outcome now, outcome then)}``, labels to translate; all
        components and the weighted total count. Attempts without a decision are left out.
    """

    passes: Callable[[Session, uuid.UUID, str], Callable[[Decimal], bool]]
    certificates: Callable[[Session, Actor, Sequence[uuid.UUID]], Mapping[uuid.UUID, HeldCertificate]]
    outcomes: Callable[[Session, Actor, Mapping[uuid.UUID, Decimal]], Mapping[uuid.UUID, tuple[str, str]]]


_KNOWN: list[Consequences] = []


def register_consequences(consequences: Consequences) -> None:
    """Announce who knows about passing and certificates; a later one replaces the earlier."""
    _KNOWN[:] = [consequences]


def passes(session: Session, organisation_id: uuid.UUID, level_code: str) -> Callable[[Decimal], bool] | None:
    """Return what says whether a theory score of a level passes, None where nobody knows."""
    return _KNOWN[0].passes(session, organisation_id, level_code) if _KNOWN else None


def certificates(
    session: Session, actor: Actor, attempt_ids: Sequence[uuid.UUID]
) -> Mapping[uuid.UUID, HeldCertificate]:
    """Return the certificates that rest on some attempts."""
    return _KNOWN[0].certificates(session, actor, attempt_ids) if _KNOWN else {}


def outcomes(
    session: Session, actor: Actor, scores: Mapping[uuid.UUID, Decimal]
) -> Mapping[uuid.UUID, tuple[str, str]]:
    """Return the decisions about some candidates as they are and with other theory scores."""
    return _KNOWN[0].outcomes(session, actor, scores) if _KNOWN and scores else {}

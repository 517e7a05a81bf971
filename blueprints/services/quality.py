"""What stands against the items of a form: items out of use, near-copies and items that give each other away."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from blueprints import repository, repository_sets
from blueprints.models import AssemblyRun, ExamForm
from blueprints.rules.fly_outcomes import outcome_forms
from blueprints.services.held import find_held
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.uow import UnitOfWork
from qbank import public_pairs
from qbank.public import PoolEntry
from qbank.public_changes import QuarantineInfo
from qbank.public_pairs import COPY_ORIGINS, VersionPair

Pair = tuple[int, int]
SHOWN_PAIRS = 5


class NearCopiesError(ConflictError):
    """No form goes out with two items that are near-copies of each other."""

    code = "near_copies"


@dataclass(frozen=True, slots=True)
class AlikePair:
    """Two places of a form whose items are alike or give each other away; `similarity` is 0 for a give-away.

    `is_copy`: the pair keeps the form from going out; `is_waiting`: somebody of the bank was asked about it.
    """

    slots: Pair
    codes: tuple[str, str]
    similarity: int
    clue: str
    is_copy: bool = False
    is_waiting: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class FormQuality:
    """What to mend before a form goes out."""

    held: dict[uuid.UUID, QuarantineInfo]
    alike: Sequence[AlikePair]

    @property
    def held_codes(self) -> list[str]:
        """Codes of the items in quarantine."""
        return sorted(one.code for one in self.held.values())

    @property
    def copies(self) -> list[AlikePair]:
        """The pairs of near-copies: while one stands, the form does not go out."""
        return [pair for pair in self.alike if pair.is_copy]

    @property
    def clues(self) -> list[AlikePair]:
        """The pairs of which one item gives the other away."""
        return [pair for pair in self.alike if not pair.is_copy]

    @property
    def slots(self) -> set[int]:
        """The places that belong to an alike pair."""
        return {slot for pair in self.alike for slot in pair.slots}


def form_quality(session: Session, actor: Actor, form: ExamForm) -> FormQuality:
    """Return what stands against a form whose slots are loaded."""
    places = {slot.item_version_id: slot for slot in form.slots}
    pairs = public_pairs.similar_among(session, actor, list(places))
    found = []
    for pair in pairs:
        first, second = sorted((places[pair.first_version_id], places[pair.second_version_id]), key=lambda s: s.slot)
        found.append(
            AlikePair(
                (first.slot, second.slot), (first.item_code, second.item_code), pair.similarity, pair.clue,
                pair.origin in COPY_ORIGINS, pair.is_waiting,
            )
        )  # fmt: skip
    found.sort(key=lambda pair: (-pair.similarity, pair.slots))
    return FormQuality(find_held(session, actor, [slot.item_id for slot in form.slots]), found)


def form_copies(session: Session, actor: Actor, form: ExamForm) -> list[AlikePair]:
    """Return the near-copies in a form whose slots are loaded."""
    places = {slot.item_version_id: slot for slot in form.slots}
    pairs = public_pairs.similar_among(session, actor, list(places), with_clues=False)
    codes = {key: slot.item_code for key, slot in places.items()}
    return [_told(pair, codes) for pair in pairs]


def set_copies(session: Session, actor: Actor, form_set_id: uuid.UUID) -> list[AlikePair]:
    """Return the near-copies that stand in one and the same form of a set; `label` names the first such form."""
    return _met(session, actor, repository_sets.places_of_set(session, form_set_id))


def run_copies(session: Session, actor: Actor, run: AssemblyRun) -> list[AlikePair]:
    """Return the near-copies that stand in one and the same form of a finished draw, whose forms nobody took over yet.

    A draw keeps near-copies apart. Where the bank has too few other items it cannot, and they stay in its forms.
    """
    result: Mapping[str, Any] = run.result or {}
    forms = {
        label: {uuid.UUID(item["version"]): str(item["code"]) for item in items}
        for label, items in outcome_forms(result)
    }
    return _met(session, actor, forms)


def _met(session: Session, actor: Actor, forms: Mapping[str, Mapping[uuid.UUID, str]]) -> list[AlikePair]:
    codes = {key: code for places in forms.values() for key, code in places.items()}
    return [_told(pair, codes, label) for pair, label in _meeting(session, actor, forms)]


def _meeting(
    session: Session, actor: Actor, forms: Mapping[str, Mapping[uuid.UUID, str]]
) -> list[tuple[VersionPair, str]]:
    """Return the near-copies that stand in one and the same of some forms, with the label of the first."""
    found = []
    keys = list({key for places in forms.values() for key in places})
    for pair in public_pairs.similar_among(session, actor, keys, with_clues=False):
        both = {pair.first_version_id, pair.second_version_id}
        label = next((label for label, places in forms.items() if both <= places.keys()), None)
        if label is not None:
            found.append((pair, label))
    return found


def _told(pair: VersionPair, codes: dict[uuid.UUID, str], label: str = "") -> AlikePair:
    named = sorted((codes[pair.first_version_id], codes[pair.second_version_id]))
    return AlikePair(
        (0, 0), (named[0], named[1]), pair.similarity, "", is_copy=True, is_waiting=pair.is_waiting, label=label
    )


def refuse_copies(copies: Sequence[AlikePair]) -> None:
    """Refuse a form, or the forms of a set, in which near-copies stand together.

    Raises
    ------
    NearCopiesError
        Names both items and what to do.
    """
    if not copies:
        return
    words = "；".join(_words(pair) for pair in copies[:SHOWN_PAIRS])
    raise NearCopiesError(
        N_(
            "试卷内有 %(n)s 对相近的试题：%(pairs)s。请替换其中一题，或请题库管理员在“查重”中判定为“不同”后再继续"
        ),
        n=len(copies), pairs=words,
    )  # fmt: skip


def _words(pair: AlikePair) -> str:
    words = f"{pair.codes[0]} — {pair.codes[1]}（{pair.similarity}%）"
    return f"{pair.label} {words}" if pair.label else words


def copies_of_offers(
    session: Session, actor: Actor, form: ExamForm, entries: Iterable[PoolEntry], *, but_slot: int | None = None
) -> dict[uuid.UUID, list[tuple[str, int]]]:
    """Return, by item, the codes of the items of a form that an item which may come in is a near-copy of.

    `but_slot` is the place that it would take.
    """
    stays = {slot.item_version_id: slot.item_code for slot in form.slots if slot.slot != but_slot}
    coming = {entry.item_version_id: entry.item_id for entry in entries}
    found: dict[uuid.UUID, list[tuple[str, int]]] = {}
    for pair in public_pairs.copies_of(session, actor, list(coming), list(stays)):
        found.setdefault(coming[pair.first_version_id], []).append((stays[pair.second_version_id], pair.similarity))
    return found


def ask_about_copies(uow: UnitOfWork, form_id: uuid.UUID) -> int:
    """Put the near-copies of a form before those who judge pairs; return how many they had not been asked about yet."""
    form = repository.lock_form(uow.session, form_id, actor=uow.actor)
    keys = [slot.item_version_id for slot in form.slots]
    return public_pairs.ask_about(uow, public_pairs.similar_among(uow.session, uow.actor, keys, with_clues=False))


def ask_about_copies_of_set(uow: UnitOfWork, form_set_id: uuid.UUID) -> int:
    """Put the near-copies that meet in a form of a set before those who judge pairs; return how many were new."""
    row = repository_sets.get_set(uow.session, form_set_id, actor=uow.actor)
    forms = repository_sets.places_of_set(uow.session, row.form_set_id)
    return public_pairs.ask_about(uow, [pair for pair, _label in _meeting(uow.session, uow.actor, forms)])

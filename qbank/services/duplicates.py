"""Near-copies and enemies: the whole check of a level, the items like one item, and what a person decides."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from item_templates.contract import ItemContent
from kernel import audit, profiles
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.jobs import enqueue
from kernel.jobs.models import Job
from kernel.uow import UnitOfWork
from qbank.models.curation import ItemPair
from qbank.repository import items as item_repository
from qbank.repository import pairs as repository
from qbank.repository import standards
from qbank.repository.pairs import TextRow
from qbank.rules.clues import Asked, asked, clues, like_stems
from qbank.rules.items import search_text
from qbank.rules.pairs import KEEP_APART_KEY, PairOrigin, PairState, enemy_sets, within
from qbank.rules.search import fingerprint
from qbank.rules.similarity import comparable, near_pairs
from qbank.services.curation import keep_run
from qbank.services.items import content_of, retire_items

MOST_SUGGESTIONS = 5_000
MOST_FOR_CLUES = 20_000
Progress = Callable[[int, str], None]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Two items that a check puts beside each other."""

    first: uuid.UUID
    second: uuid.UUID
    origin: PairOrigin
    similarity: int
    clue: str = ""


def start_check(uow: UnitOfWork, standard_level_id: uuid.UUID) -> Job:
    """Ask for the check of a level; one at a time."""
    require(uow.actor, Permission.ITEM_WRITE)
    require(uow.actor, Permission.ITEM_READ)
    level = standards.get_level(uow.session, standard_level_id, actor=uow.actor)
    title = N_("查重：%(level)s") % {"level": f"{level.edition.standard.occupation_name} {level.name}"}
    return enqueue(uow, "qbank.duplicates", {"standard_level_id": str(standard_level_id)}, title=title)


def find_suggestions(
    session: Session, actor: Actor, standard_level_id: uuid.UUID, *, progress: Progress = lambda _percent, _text: None
) -> tuple[int, list[Suggestion]]:
    """Return how many items a level has and which of them are alike or give each other away."""
    rows = repository.texts_of_level(session, standard_level_id, actor=actor)
    progress(10, N_("正在比较 %(n)s 题") % {"n": len(rows)})
    found = _near(rows)
    progress(60, N_("正在查找互相提示的题"))
    for one in _giving_away(session, rows[:MOST_FOR_CLUES]):
        found.setdefault((one.first, one.second), one)
    return len(rows), sorted(found.values(), key=_order)[:MOST_SUGGESTIONS]


def _order(one: Suggestion) -> tuple[int, int]:
    return list(PairOrigin).index(one.origin), -one.similarity


def _near(rows: Sequence[TextRow]) -> dict[tuple[uuid.UUID, uuid.UUID], Suggestion]:
    found: dict[tuple[uuid.UUID, uuid.UUID], Suggestion] = {}
    groups: defaultdict[str, list[TextRow]] = defaultdict(list)
    for row in rows:
        groups[row.fingerprint].append(row)
    for own_print, same in groups.items():
        for other in same[1:] if own_print else ():
            _add(found, same[0], other, PairOrigin.EXACT, similarity=100)
    for pair in near_pairs([comparable(row.search_text) for row in rows]):
        one, other = rows[pair.first], rows[pair.second]
        if not one.fingerprint or one.fingerprint != other.fingerprint:
            _add(found, one, other, PairOrigin.NEAR, similarity=pair.similarity)
    return found


def _add(
    found: dict[tuple[uuid.UUID, uuid.UUID], Suggestion],
    one: TextRow,
    other: TextRow,
    origin: PairOrigin,
    *,
    similarity: int = 0,
    clue: str = "",
) -> None:
    first, second = sorted((one.item_id, other.item_id))
    found.setdefault((first, second), Suggestion(first, second, origin, similarity, clue[:200]))


def _giving_away(session: Session, rows: Sequence[TextRow]) -> list[Suggestion]:
    items = _asked(session, rows)
    found: dict[tuple[uuid.UUID, uuid.UUID], Suggestion] = {}
    for clue in clues(items):
        _add(found, rows[clue.teller], rows[clue.asker], PairOrigin.CLUE, clue=clue.words)
    for pair in like_stems(items):
        _add(found, rows[pair.first], rows[pair.second], PairOrigin.SAME_POINT, similarity=pair.similarity)
    return list(found.values())


def _asked(session: Session, rows: Sequence[TextRow]) -> list[Asked]:
    version_ids = [row.current_version_id for row in rows]
    versions = item_repository.get_versions(session, version_ids)
    points = item_repository.points_of_versions(session, version_ids)
    return [asked(content_of(versions[key]), points[key][0].full_code if points[key] else "") for key in version_ids]


def keep_suggestions(
    uow: UnitOfWork, standard_level_id: uuid.UUID, *, n_items: int, suggestions: Sequence[Suggestion]
) -> int:
    """Replace the open suggestions of a level; pairs about which somebody decided are left alone."""
    decided = repository.known_pairs(uow.session, standard_level_id, actor=uow.actor)
    repository.remove_open(uow.session, standard_level_id, actor=uow.actor)
    fresh = [one for one in suggestions if (one.first, one.second) not in decided]
    moment = now()
    rows: list[dict[str, Any]] = [
        {
            "item_pair_id": new_id(), "organisation_id": uow.actor.organisation, "standard_level_id": standard_level_id,
            "first_item_id": one.first, "second_item_id": one.second, "origin": one.origin, "state": PairState.OPEN,
            "similarity": one.similarity, "clue": one.clue, "is_transitive": False, "reason": "", "created_at": moment,
            "version": 1,
        }
        for one in fresh
    ]  # fmt: skip
    if rows:
        uow.session.execute(insert(ItemPair), rows)
    keep_run(uow, standard_level_id, "duplicates", n_items=n_items, report={"suggested": len(fresh)})
    after = {"items": n_items, "suggested": len(fresh)}
    audit.record(uow, "pair.check", "standard_level", standard_level_id, after=after)
    return len(fresh)


def decide(
    uow: UnitOfWork,
    item_pair_id: uuid.UUID,
    *,
    version: int,
    state: PairState,
    retired_item_id: uuid.UUID | None = None,
    is_transitive: bool = False,
    reason: str = "",
) -> ItemPair:
    """Record what a person decided about a pair; of duplicates one is retired.

    Raises
    ------
    ConflictError
        If somebody else decided meanwhile.
    InvalidInputError
        If the item to retire is none of the two.
    """
    _require_deciding(uow)
    pair = repository.lock_pair(uow.session, item_pair_id, actor=uow.actor)
    if pair.version != version:
        raise ConflictError(N_("这一对试题刚被他人处理，请刷新后查看"))
    if state is PairState.DUPLICATE:
        _retire_one(uow, pair, retired_item_id, reason)
    before = {"state": pair.state.value}
    _settle(uow, pair, state, is_transitive=is_transitive and state is PairState.ENEMY, reason=reason)
    after = {"state": state.value, "transitive": pair.is_transitive}
    audit.record(uow, "pair.decide", "item_pair", item_pair_id, before=before, after=after, reason=reason or None)
    return pair


def _require_deciding(uow: UnitOfWork) -> None:
    require(uow.actor, Permission.ITEM_WRITE)
    require(uow.actor, Permission.ITEM_READ)


def _settle(uow: UnitOfWork, pair: ItemPair, state: PairState, *, is_transitive: bool, reason: str) -> None:
    is_open = state is PairState.OPEN
    pair.state, pair.is_transitive, pair.reason = state, is_transitive, reason.strip()[:300]
    pair.decided_by, pair.decided_at = (None, None) if is_open else (uow.actor.user_id, now())


def _retire_one(uow: UnitOfWork, pair: ItemPair, retired_item_id: uuid.UUID | None, reason: str) -> None:
    if retired_item_id not in (pair.first_item_id, pair.second_item_id):
        raise InvalidInputError(N_("请选择停用哪一题"))
    kept = pair.second_item_id if retired_item_id == pair.first_item_id else pair.first_item_id
    code = item_repository.get_item(uow.session, kept, actor=uow.actor).code
    words = N_("与 %(code)s 重复") % {"code": code}
    retire_items(uow, [retired_item_id], reason=f"{words}：{reason.strip()}" if reason.strip() else words)


def add_enemies(
    uow: UnitOfWork, item_id: uuid.UUID, other_code: str, *, is_transitive: bool = False, reason: str = ""
) -> ItemPair:
    """Declare two items enemies, by one's id and the other's code."""
    _require_deciding(uow)
    item = item_repository.get_item(uow.session, item_id, actor=uow.actor)
    other = item_repository.find_by_code(uow.session, other_code.strip(), actor=uow.actor)
    if other is None or other.item_id == item_id:
        message = N_("没有编号为 %(code)s 的其他试题")
        raise InvalidInputError(message, fields={"code": [message % {"code": other_code}]}, code=other_code)
    pair = repository.find_pair(uow.session, item_id, other.item_id)
    if pair is None:
        first, second = sorted((item_id, other.item_id))
        pair = ItemPair(
            item_pair_id=new_id(), organisation_id=uow.actor.organisation, standard_level_id=item.standard_level_id,
            first_item_id=first, second_item_id=second, origin=PairOrigin.PERSON, similarity=0, created_at=now(),
        )  # fmt: skip
        uow.add(pair)
    _settle(uow, pair, PairState.ENEMY, is_transitive=is_transitive, reason=reason)
    after = {"state": "enemy", "items": [item.code, other.code], "transitive": is_transitive}
    audit.record(uow, "pair.decide", "item_pair", pair.item_pair_id, after=after, reason=reason or None)
    return pair


@dataclass(frozen=True, slots=True)
class VersionPair:
    """Two versions whose items are alike, are enemies, or give each other away; `similarity` in per cent.

    `is_waiting`: the pair is on the list of those who judge pairs.
    """

    first_version_id: uuid.UUID
    second_version_id: uuid.UUID
    similarity: int
    origin: PairOrigin
    clue: str = ""
    is_waiting: bool = False


def similar_among(contents: Mapping[uuid.UUID, ItemContent], *, with_clues: bool = True) -> list[VersionPair]:
    """Return the pairs of some versions that are near-copies or give each other away; for a form before it is approved."""
    keys = list(contents)
    prints = [fingerprint(contents[key]) for key in keys]
    found: dict[tuple[int, int], VersionPair] = {}
    for pair in near_pairs([comparable(search_text(contents[key])) for key in keys]):
        origin = _copy_origin(prints[pair.first], prints[pair.second])
        found[(pair.first, pair.second)] = VersionPair(keys[pair.first], keys[pair.second], pair.similarity, origin)
    for clue in clues([asked(contents[key], "") for key in keys]) if with_clues else ():
        place = (min(clue.teller, clue.asker), max(clue.teller, clue.asker))
        one = VersionPair(keys[place[0]], keys[place[1]], 0, PairOrigin.CLUE, clue.words)
        found.setdefault(place, one)
    return list(found.values())


def copies_of(
    candidates: Mapping[uuid.UUID, ItemContent], present: Mapping[uuid.UUID, ItemContent]
) -> list[VersionPair]:
    """Return the pairs in which a candidate is a near-copy of what is present; the candidate comes first."""
    contents = {**candidates, **present}
    keys, texts = list(contents), [comparable(search_text(content)) for content in contents.values()]
    return [
        VersionPair(
            keys[pair.first], keys[pair.second], pair.similarity,
            _copy_origin(fingerprint(contents[keys[pair.first]]), fingerprint(contents[keys[pair.second]])),
        )
        for pair in near_pairs(texts, n_new=len(candidates))
        if pair.second >= len(candidates)
    ]  # fmt: skip


def _copy_origin(one: str, other: str) -> PairOrigin:
    return PairOrigin.EXACT if one == other else PairOrigin.NEAR


def suggest(uow: UnitOfWork, suggestions: Sequence[Suggestion]) -> int:
    """Put pairs that somebody met outside of a check on the list; return how many were new.

    What is known already, or holds an item of another organisation, is left alone.
    """
    ids = {key for one in suggestions for key in (one.first, one.second)}
    levels = repository.own_items(uow.session, ids, actor=uow.actor)
    added = 0
    for one in suggestions:
        is_own = one.first in levels and one.second in levels
        if not is_own or repository.find_pair(uow.session, one.first, one.second) is not None:
            continue
        pair = ItemPair(
            item_pair_id=new_id(), organisation_id=uow.actor.organisation, standard_level_id=levels[one.first],
            first_item_id=one.first, second_item_id=one.second, origin=one.origin, similarity=one.similarity,
            clue=one.clue, created_at=now(),
        )  # fmt: skip
        uow.add(pair)
        audit.record(uow, "pair.ask", "item_pair", pair.item_pair_id, after={"similarity": one.similarity})
        added += 1
    return added


def kept_apart(
    session: Session, organisation_id: uuid.UUID, item_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, tuple[uuid.UUID, ...]]:
    """Return which of some items must not share a form: enemies, and by rule what looks like a copy and nobody has judged."""
    also_suspect = bool(profiles.value(session, organisation_id, KEEP_APART_KEY))
    edges = repository.enemies(session, organisation_id, also_suspect=also_suspect)
    return within(enemy_sets(edges), item_ids) if edges else {}

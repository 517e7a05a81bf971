"""Two editions of an outline: which point of the old one became which of the new one, and how sure that is."""

from __future__ import annotations

import enum
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from rapidfuzz import fuzz, process

from kernel.i18n import N_

SURE = 90
"""Confidence from which proposals may be accepted together."""
NAME_SHARE = 0.8
LEAST_SCORE = 70
SAME_CODE_SURE, SAME_CODE_LEAST = 80, 55
CLOSE_SECOND = 5
MOST_GUESSED = 89
MOST_PIECES = 4
SAME_SIGNS_SHARE = 0.9
_PUNCTUATION = re.compile(r"[\W_]+")
_JOINTS = re.compile(r"[、，,；;/]|以及|及其|和|与|及|或")


class Fate(enum.StrEnum):
    """What became of a point of the old edition; it follows from the points that it was assigned to."""

    KEPT = "kept"
    RENAMED = "renamed"
    MOVED = "moved"
    SPLIT = "split"
    MERGED = "merged"
    ORPHANED = "orphaned"


class MatchReason(enum.StrEnum):
    """Why two points were held to be the same."""

    SAME_PLACE = "same_place"
    SAME_NAME = "same_name"
    SAME_CODE = "same_code"
    PARTS = "parts"
    SIMILAR = "similar"
    NONE = "none"
    BY_HAND = "by_hand"


FATE_LABELS = {
    Fate.KEPT: N_("保留"),
    Fate.RENAMED: N_("改名"),
    Fate.MOVED: N_("移动"),
    Fate.SPLIT: N_("拆分"),
    Fate.MERGED: N_("合并"),
    Fate.ORPHANED: N_("取消"),
}
REASON_LABELS = {
    MatchReason.SAME_PLACE: N_("范围和名称都相同"),
    MatchReason.SAME_NAME: N_("名称相同，范围不同"),
    MatchReason.SAME_CODE: N_("代码相同，名称相近"),
    MatchReason.PARTS: N_("名称由几部分组成，各部分分别对应"),
    MatchReason.SIMILAR: N_("名称和范围相近"),
    MatchReason.NONE: N_("没有找到相近的鉴定点"),
    MatchReason.BY_HAND: N_("人工指定"),
}
FOLLOWED = frozenset({Fate.KEPT, Fate.RENAMED, Fate.MOVED, Fate.MERGED})
"""Fates with one clear successor: items go along by themselves."""


@dataclass(frozen=True, slots=True)
class PointFacts:
    """A point as matching sees it: `scopes` are the full codes of its ranges from the top, `parents` their names."""

    key: str
    code: str
    name: str
    scopes: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """The names of its ranges as one comparable text."""
        return "/".join(plain_name(parent) for parent in self.parents)


@dataclass(frozen=True, slots=True)
class Match:
    """The points of the new edition that an old one probably became; none when nothing is near."""

    key: str
    targets: tuple[str, ...]
    confidence: int
    reason: MatchReason

    @property
    def is_sure(self) -> bool:
        """Say whether it may be accepted without looking closely."""
        return self.confidence >= SURE


@lru_cache(maxsize=16_384)
def plain_name(name: str) -> str:
    """Return a name for comparison: narrow signs, small letters, no white space or punctuation.

    >>> plain_name("安全用电 （常识）")
    '安全用电常识'
    """
    return _PUNCTUATION.sub("", unicodedata.normalize("NFKC", name)).casefold()


def match_points(old: Sequence[PointFacts], new: Sequence[PointFacts]) -> list[Match]:
    """Return a proposal for every point of the old edition, in its order.

    Parameters
    ----------
    old, new : sequence of PointFacts
        All points of both outlines.
    """
    matcher = _Matcher({p.key: p for p in old}, {p.key: p for p in new})
    for stage in (matcher.same_place, matcher.same_name, matcher.parts, matcher.same_code, matcher.similar):
        stage()
    return [matcher.found.get(point.key) or Match(point.key, (), 0, MatchReason.NONE) for point in old]


@dataclass(slots=True)
class _Matcher:
    """The points of both sides that are still free, and what was found."""

    old: dict[str, PointFacts]
    new: dict[str, PointFacts]
    found: dict[str, Match] = field(default_factory=dict)

    def take(self, old: PointFacts, targets: Sequence[PointFacts], confidence: int, reason: MatchReason) -> None:
        """Keep a proposal and take its points out of the search."""
        self.found[old.key] = Match(old.key, tuple(p.key for p in targets), confidence, reason)
        self.old.pop(old.key, None)
        for point in targets:
            self.new.pop(point.key, None)

    def same_place(self) -> None:
        """Pair points of the same name in ranges of the same names."""
        new = _groups(self.new.values(), in_place=True)
        for key, olds in _groups(self.old.values(), in_place=True).items():
            for old, other in zip(olds, new.get(key, ()), strict=False):
                self.take(old, [other], 100, MatchReason.SAME_PLACE)

    def same_name(self) -> None:
        """Pair points whose name stands once on either side, wherever it stands."""
        new = _groups(self.new.values(), in_place=False)
        for key, olds in _groups(self.old.values(), in_place=False).items():
            others = new.get(key, [])
            if len(olds) == len(others) == 1:
                self.take(olds[0], others, 95, MatchReason.SAME_NAME)

    def parts(self) -> None:
        """Find a name that was taken apart into several, and several that were put together into one."""
        for old in list(self.old.values()):
            pieces = _pieces(old, list(self.new.values()))
            if len(pieces) > 1:
                self.take(old, pieces, 80, MatchReason.PARTS)
        for new in list(self.new.values()):
            pieces = _pieces(new, list(self.old.values()))
            for old in pieces if len(pieces) > 1 else ():
                self.take(old, [new], 80, MatchReason.PARTS)

    def same_code(self) -> None:
        """Pair points that kept their code and most of their name."""
        by_code = {point.code: point for point in self.new.values()}
        for old in list(self.old.values()):
            other = by_code.get(old.code)
            if other is None or other.key not in self.new:
                continue
            likeness = _likeness(old, other)
            if likeness >= SAME_CODE_LEAST:
                sure = likeness >= SAME_CODE_SURE and old.place == other.place
                self.take(old, [other], SURE if sure else min(MOST_GUESSED, int(likeness)), MatchReason.SAME_CODE)

    def similar(self) -> None:
        """Pair what is left by likeness of names and ranges, the most alike first."""
        olds, news = list(self.old.values()), list(self.new.values())
        if not olds or not news:
            return
        scores = _scores(olds, news)
        pairs = [(s, i, j) for i, row in enumerate(scores) for j, s in enumerate(row) if s >= LEAST_SCORE]
        for score, i, j in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
            if olds[i].key in self.old and news[j].key in self.new:
                rivals = [s for k, s in enumerate(scores[i]) if k != j and news[k].key in self.new]
                doubt = 10 if rivals and max(rivals) > score - CLOSE_SECOND else 0
                self.take(olds[i], [news[j]], min(MOST_GUESSED, int(score)) - doubt, MatchReason.SIMILAR)


def _groups(points: Iterable[PointFacts], *, in_place: bool) -> dict[tuple[str, str], list[PointFacts]]:
    groups: dict[tuple[str, str], list[PointFacts]] = {}
    for point in points:
        groups.setdefault((point.place if in_place else "", plain_name(point.name)), []).append(point)
    return groups


def _likeness(one: PointFacts, other: PointFacts) -> float:
    return fuzz.ratio(plain_name(one.name), plain_name(other.name))


def _scores(olds: Sequence[PointFacts], news: Sequence[PointFacts]) -> list[list[float]]:
    """Return likeness of every pair: mostly of the names, somewhat of the ranges."""
    names = process.cdist([plain_name(p.name) for p in olds], [plain_name(p.name) for p in news], scorer=fuzz.ratio)
    signs = process.cdist([_signs(p.name) for p in olds], [_signs(p.name) for p in news], scorer=fuzz.ratio)
    names = np.maximum(names, SAME_SIGNS_SHARE * signs)
    places = process.cdist([p.place for p in olds], [p.place for p in news], scorer=fuzz.ratio)
    scores: list[list[float]] = (NAME_SHARE * names + (1 - NAME_SHARE) * places).tolist()
    return scores


def _signs(name: str) -> str:
    """Return the signs of a name in order: names that say the same the other way round are alike."""
    return "".join(sorted(plain_name(name)))


def _split(name: str) -> list[str]:
    return [part for part in (plain_name(piece) for piece in _JOINTS.split(name)) if part]


def _pieces(whole: PointFacts, others: Sequence[PointFacts]) -> list[PointFacts]:
    """Return the points that each stand for one part of a name, when every part has its own; else nothing.

    Without parts in the name, points of the same range whose names only go on after it stand for it together.
    """
    parts = _split(whole.name)
    if len(parts) < 2:
        name = plain_name(whole.name)
        longer = [p for p in others if p.place == whole.place and plain_name(p.name).startswith(name)]
        return longer if len(name) > 2 and 1 < len(longer) <= MOST_PIECES else []
    taken: list[PointFacts] = []
    for part in parts:
        candidates = [p for p in others if p not in taken and _stands_for(p, part, whole)]
        if not candidates:
            return []
        taken.append(max(candidates, key=lambda p: fuzz.ratio(plain_name(p.name), part)))
    return taken


def _stands_for(point: PointFacts, part: str, whole: PointFacts) -> bool:
    name = plain_name(point.name)
    if name == part:
        return True
    near = bool(point.parents) and point.parents[-1] == (whole.parents or ("",))[-1]
    return near and len(part) > 1 and name.endswith(part) and fuzz.partial_ratio(name, plain_name(whole.name)) >= 60


def rank_candidates(old: PointFacts, new: Sequence[PointFacts]) -> list[tuple[PointFacts, int]]:
    """Return all new points with their likeness to an old one (0 to 100), the most alike first."""
    if not new:
        return []
    scores = _scores([old], new)[0]
    ranked = sorted(zip(new, scores, strict=True), key=lambda pair: -pair[1])
    return [(point, int(score)) for point, score in ranked]


# --- what follows from the assignment --------------------------------------------------------------------------------


Targets = Mapping[str, Sequence[str]]


def find_fates(old: Sequence[PointFacts], new: Sequence[PointFacts], targets: Targets) -> dict[str, Fate]:
    """Return what became of every old point, given the new points it was assigned to.

    Parameters
    ----------
    old, new : sequence of PointFacts
        All points of both outlines.
    targets : mapping
        Keys of new points by key of the old one; a key left out has none.
    """
    by_key = {point.key: point for point in new}
    n_sources = Counter(key for keys in targets.values() for key in keys)
    home = _homes(old, by_key, targets)
    return {point.key: _fate(point, targets.get(point.key, ()), by_key, n_sources, home) for point in old}


def _homes(old: Sequence[PointFacts], new: Mapping[str, PointFacts], targets: Targets) -> dict[str, str]:
    """Return where most points of each old range went: a range that was only renamed has not moved its points."""
    went: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for point in old:
        for key in targets.get(point.key, ()):
            went[_range(point)][_range(new[key])] += 1
    return {scope: counter.most_common(1)[0][0] for scope, counter in went.items()}


def _range(point: PointFacts) -> str:
    return point.scopes[-1] if point.scopes else ""


def _fate(
    point: PointFacts,
    keys: Sequence[str],
    new: Mapping[str, PointFacts],
    n_sources: Mapping[str, int],
    home: Mapping[str, str],
) -> Fate:
    if len(keys) != 1:
        return Fate.SPLIT if keys else Fate.ORPHANED
    target = new[keys[0]]
    if n_sources[target.key] > 1:
        return Fate.MERGED
    if target.place != point.place and _range(target) != home[_range(point)]:
        return Fate.MOVED
    return Fate.KEPT if plain_name(target.name) == plain_name(point.name) else Fate.RENAMED


def find_missing(new: Sequence[PointFacts], targets: Targets) -> list[PointFacts]:
    """Return the points of the new edition that no old one became."""
    reached = {key for keys in targets.values() for key in keys}
    return [point for point in new if point.key not in reached]


def map_scopes(old: Sequence[PointFacts], new: Sequence[PointFacts], targets: Targets) -> dict[str, str]:
    """Return the range of the new edition that took over most points of each old range, at the same depth.

    A range from which no point went on, or whose points went to several ranges without a majority, is left out.
    """
    by_key = {point.key: point for point in new}
    went: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for point in old:
        for key in targets.get(point.key, ()):
            for source, target in zip(point.scopes, by_key[key].scopes, strict=False):
                went[source][target] += 1
    found = {}
    for source, counter in went.items():
        (target, n), total = counter.most_common(1)[0], sum(counter.values())
        if 2 * n > total:
            found[source] = target
    return found

"""Finding near-copies by shared character triples, weighted by rarity, and confirming them by edit distance.

Rarity-weighted triples (TF-IDF) find the candidates by one sparse product in tiles that fit the processor's cache;
rapidfuzz confirms. Triples that occur in very many items say nothing and would make the product large; those of one item
alone cannot be shared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process
from scipy import sparse

LEAST_SIMILARITY = 70
"""Per cent of equal characters (edit ratio) from which two items count as near-copies."""
LEAST_COSINE = 0.25
MOST_ITEMS_OF_A_TRIPLE = 600
TILE = 8_192
"""Items on a side of a tile: the sums of one row of it stay in the nearest cache."""
BITS = 22
"""Triples are told apart by so many bits of their hash: a chance meeting only adds a candidate, which is then refuted."""
_SKIPPED = re.compile(r"[^\w%‰<>=≤≥±+℃°×÷/.-]|_")
_MULTIPLIERS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class NearPair:
    """Two places of a list of texts, and how many per cent of the characters are equal."""

    first: int
    second: int
    similarity: int


def comparable(search_text: str) -> str:
    """Return the folded text of an item without blanks and signs that carry no meaning.

    Examples
    --------
    >>> comparable("额定电压为( )v。 220 380")
    '额定电压为v220380'
    """
    return _SKIPPED.sub("", search_text)


def near_pairs(texts: Sequence[str], *, n_new: int | None = None, least: int = LEAST_SIMILARITY) -> list[NearPair]:
    """Return the pairs of texts that are near-copies, the most alike first.

    With `n_new`, only pairs are sought of which the first is among the first `n_new` texts: those of a file, say,
    before those of the bank.

    Examples
    --------
    >>> near_pairs(["变压器油温不得超过85度", "断路器的作用是灭弧", "变压器的油温不得超过85度"])
    [NearPair(first=0, second=2, similarity=96)]
    """
    if len(texts) < 2:
        return []
    vectors = _triples(texts).vectors
    firsts, seconds = _candidates(vectors, len(texts) if n_new is None else n_new)
    return _confirmed(texts, firsts, seconds, least)


class NearIndex:
    """Texts made ready to be asked many times which of them a text is like.

    Parameters
    ----------
    texts : sequence of str
        As `comparable` gives them.

    Examples
    --------
    >>> NearIndex(["变压器油温不得超过85度", "断路器的作用是灭弧"]).like("变压器的油温不得超过85度")
    [(0, 96)]
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = list(texts)
        self._triples = _triples(self._texts, least_items=1)
        self._by_triple = self._triples.vectors.T.tocsr()

    def like(self, text: str, *, least: int = LEAST_SIMILARITY) -> list[tuple[int, int]]:
        """Return place and similarity of the texts that are near-copies of a text, the most alike first."""
        _owner, hashed = _hashed([text])
        columns = self._triples.columns[np.unique(hashed >> np.uint64(64 - BITS)).astype(np.int64)]
        columns = columns[columns >= 0]
        if not len(columns):
            return []
        weights = self._triples.weights[columns]
        shared = self._by_triple[columns]
        factors = np.repeat(weights / np.sqrt((weights**2).sum()), np.diff(shared.indptr))
        cosines = np.bincount(shared.indices, weights=shared.data * factors, minlength=len(self._texts))
        rated = [(int(place), ratio(text, self._texts[place])) for place in np.flatnonzero(cosines > LEAST_COSINE)]
        return sorted((one for one in rated if one[1] >= least), key=lambda one: (-one[1], one[0]))


@dataclass(frozen=True, slots=True)
class _Triples:
    """Texts as rows of rarity-weighted triples, which column a triple has (none: -1), and what it weighs."""

    vectors: sparse.csr_array
    columns: NDArray[np.int32]
    weights: NDArray[np.float32]


def _triples(texts: Sequence[str], *, least_items: int = 2) -> _Triples:
    """Return the texts as rows of length one; triples of fewer items than asked, or of very many, are left out."""
    owner, hashed = _hashed(texts)
    return _weighted(owner, hashed, len(texts), least_items)


def _hashed(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Return the hashes of all triples of neighbouring characters and to which text each belongs."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    owner = np.repeat(np.arange(len(texts), dtype=np.int64), lengths)
    if len(codes) < 3:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint64)
    with np.errstate(over="ignore"):
        hashed = codes[:-2] * _MULTIPLIERS[0] ^ codes[1:-1] * _MULTIPLIERS[1] ^ codes[2:] * _MULTIPLIERS[2]
    inside = owner[:-2] == owner[2:]
    return owner[:-2][inside], hashed[inside]


def _weighted(owner: NDArray[np.int64], hashed: NDArray[np.uint64], n: int, least_items: int) -> _Triples:
    columns = (hashed >> np.uint64(64 - BITS)).astype(np.int64)
    pairs = np.sort((owner << BITS) | columns)
    pairs = pairs[np.diff(pairs, prepend=-1) != 0]  # a triple counts once an item
    rows, columns = pairs >> BITS, pairs & ((1 << BITS) - 1)
    n_items = np.bincount(columns, minlength=1 << BITS)
    is_useful = (n_items >= least_items) & (n_items <= MOST_ITEMS_OF_A_TRIPLE)
    useful = is_useful[columns]
    rows, columns = rows[useful], columns[useful]
    weights = (np.log(n / n_items[is_useful]) + 1.0).astype(np.float32)
    places = np.where(is_useful, np.cumsum(is_useful) - 1, -1).astype(np.int32)  # numbers without gaps: small tables
    weight = weights[places[columns]]
    norms = np.sqrt(np.bincount(rows, weights=weight**2, minlength=n))
    pointers = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n))]).astype(np.int32)
    values = (weight / norms[rows]).astype(np.float32)
    vectors = sparse.csr_array((values, places[columns], pointers), shape=(n, max(1, len(weights))))
    return _Triples(vectors, places, weights)


def _candidates(vectors: sparse.csr_array, n_new: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs with much in common, the first before the second; tiles below the diagonal are left out."""
    firsts, seconds = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for left in range(0, vectors.shape[0], TILE):
        others = vectors[left : left + TILE].T.tocsr()
        for top in range(0, min(left + TILE, n_new), TILE):
            product = vectors[top : min(top + TILE, n_new)] @ others
            near = np.flatnonzero(product.data > LEAST_COSINE)
            rows = np.searchsorted(product.indptr, near, side="right") - 1 + top
            columns = product.indices[near].astype(np.int64) + left
            later = rows < columns
            firsts.append(rows[later])
            seconds.append(columns[later])
    return np.concatenate(firsts), np.concatenate(seconds)


def _confirmed(
    texts: Sequence[str], firsts: NDArray[np.int64], seconds: NDArray[np.int64], least: int
) -> list[NearPair]:
    if not len(firsts):
        return []
    ratios = process.cpdist(
        [texts[n] for n in firsts], [texts[n] for n in seconds], scorer=fuzz.ratio, score_cutoff=least
    )
    found = [
        NearPair(int(firsts[n]), int(seconds[n]), round(float(ratios[n]))) for n in np.flatnonzero(ratios >= least)
    ]
    return sorted(found, key=lambda pair: (-pair.similarity, pair.first, pair.second))


def ratio(one: str, other: str) -> int:
    """Return how many per cent of the characters of two comparable texts are equal.

    Examples
    --------
    >>> ratio("变压器油温", "变压器的油温")
    91
    """
    return round(fuzz.ratio(one, other))


def differs_in_numbers_alone(one: str, other: str) -> bool:
    """Say whether two texts are equal but for their numbers.

    Examples
    --------
    >>> differs_in_numbers_alone("油温不超过85度", "油温不超过95度")
    True
    """
    return one != other and re.sub(r"[\d.]+", "#", one) == re.sub(r"[\d.]+", "#", other)

"""Check a bank of 100,000 items against itself for near-copies, score it, and compare with all pairs on a part.

    .venv/bin/python -m benchmarks.near_duplicates [--items 100000] [--part 5000]

The bank is invented; five items in a hundred are edited copies at 3, 8, 15 and 25 per cent of the stem's characters, so
recall by rate of edits is known. On a part of the bank every pair is compared with rapidfuzz in the same run: the pairs
that the quick way misses there are counted. One new item against the bank is timed as an import of one.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections import defaultdict

import numpy as np
from rapidfuzz import fuzz, process

from benchmarks.synthetic_bank import make_contents
from qbank.rules.clues import asked, clues, like_stems
from qbank.rules.items import search_text
from qbank.rules.similarity import LEAST_SIMILARITY, comparable, near_pairs


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--part", type=int, default=5_000)
    arguments = parser.parse_args()
    contents, copies = make_contents(arguments.items)
    started = time.perf_counter()
    texts = [comparable(search_text(content)) for content in contents]
    print(f"{len(texts):,} items, {np.mean([len(text) for text in texts]):.0f} characters on average")
    print(f"texts made ready in {time.perf_counter() - started:.1f} s (they stand in the bank)")
    started, worked = time.perf_counter(), time.process_time()
    pairs = near_pairs(texts)
    print(
        f"bank against itself: {time.perf_counter() - started:.1f} s, processor {time.process_time() - worked:.1f} s,",
        end="",
    )
    print(f" {len(pairs):,} pairs, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB at most")
    found = {(pair.first, pair.second) for pair in pairs}
    by_rate: defaultdict[float, list[bool]] = defaultdict(list)
    for copy in copies:
        if fuzz.ratio(texts[copy.original], texts[copy.place]) >= LEAST_SIMILARITY:
            by_rate[copy.rate].append((copy.original, copy.place) in found)
    for rate, hits in sorted(by_rate.items()):
        print(f"  recall of copies with {rate:.0%} of the stem edited: {np.mean(hits):.4f} of {len(hits)}")
    compare_with_all_pairs(texts[: arguments.part])
    started, worked = time.perf_counter(), time.process_time()
    near_pairs([*texts[:1000], *texts], n_new=1000)
    print(
        f"a file of 1,000 against the bank: {time.perf_counter() - started:.1f} s,"
        f" processor {time.process_time() - worked:.1f} s"
    )
    level = [asked(content, str(n % 200)) for n, content in enumerate(contents[:20_000])]
    started = time.perf_counter()
    n_clues, n_stems = len(clues(level)), len(like_stems(level))
    print(f"clues and like stems of 20,000 items: {time.perf_counter() - started:.1f} s ({n_clues} and {n_stems})")
    return 0


def compare_with_all_pairs(texts: list[str]) -> None:
    """Compare the quick way with every pair of a part."""
    started = time.perf_counter()
    quick = {(pair.first, pair.second) for pair in near_pairs(texts)}
    quick_seconds = time.perf_counter() - started
    started = time.perf_counter()
    ratios = process.cdist(texts, texts, scorer=fuzz.ratio, score_cutoff=LEAST_SIMILARITY, dtype=np.uint8)
    all_pairs = {(int(a), int(b)) for a, b in np.argwhere(ratios) if a < b}
    print(
        f"part of {len(texts):,}: quick {quick_seconds:.2f} s, all pairs {time.perf_counter() - started:.1f} s,", end=""
    )
    print(f" of {len(all_pairs):,} near pairs {len(all_pairs & quick):,} found")


if __name__ == "__main__":
    sys.exit(main())

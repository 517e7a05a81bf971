"""What proves a draw later without telling it now: the digest of its seed with a random nonce, and how anybody checks it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from kernel.canonical import digest, digest_bytes
from kernel.i18n import N_

FORMAT = "kaoku-draw-commitment/1"
PREFIX = "kaoku-draw/1"
NONCE_BYTES = 32
"""A seed has 31 bits and could be found by trying; nobody tries 256 more."""


def seed_text(seed: int, nonce: str) -> str:
    """Return the text whose SHA-256 is published: plain, so that any program for digests checks it.

    Examples
    --------
    >>> seed_text(7, "00ff")
    'kaoku-draw/1:7:00ff'
    """
    return f"{PREFIX}:{seed}:{nonce}"


def seed_digest(seed: int, nonce: str) -> str:
    """Return the commitment to a seed: the SHA-256 of `seed_text`, 64 lower-case hexadecimal digits.

    Examples
    --------
    >>> seed_digest(7, "00ff")[:16]
    '4cb9a5192971b239'
    """
    return hashlib.sha256(seed_text(seed, nonce).encode("ascii")).hexdigest()


def spec_digest(spec: Mapping[str, Any]) -> str:
    """Return the digest of a blueprint JSON, by which runs know whether it is still the same."""
    return digest_bytes(msgspec.json.encode(spec, order="deterministic"))


def forms_digest(digests: Sequence[str]) -> str:
    """Return one digest for very many sealed forms, whatever their order."""
    return digest(sorted(digests))


def wrong_parts(entry: Mapping[str, Any], outcome: Mapping[str, Any], spec: Mapping[str, Any]) -> list[str]:
    """Return what of a published entry does not fit a draw, in words; nothing where all fits.

    Parameters
    ----------
    entry : mapping
        One of the entries of the public page's JSON, its seed and nonce revealed.
    outcome : mapping
        The outcome of the draw as ``kaoku replay --files`` or ``kaoku assemble`` wrote it.
    spec : mapping
        The blueprint file of the draw.
    """
    draw, revealed = entry.get("draw") or {}, entry.get("revealed")
    if not draw or not isinstance(revealed, Mapping):
        return [N_("种子还没有公开")]
    seed, nonce = revealed.get("seed"), str(revealed.get("nonce", ""))
    checks = {
        N_("种子和随机数算不出公布的摘要"): not isinstance(seed, int)
        or not nonce.isascii()
        or seed_digest(seed, nonce) != draw.get("seed_digest"),
        N_("公开的种子不是这次抽取的种子"): outcome.get("seed") != seed,
        N_("题库摘要与公布的不同"): outcome.get("pool_digest") != draw.get("pool_digest"),
        N_("蓝图摘要与公布的不同"): spec_digest(spec) != draw.get("blueprint_digest"),
    }
    return [words for words, is_wrong in checks.items() if is_wrong]

"""The form of a pack of evidence: lines of canonical JSON, each bound to those that it rests on by their digests.

Line 1 is the manifest: what the pack is about, every entry's path and digest, the key. Line 2 is the signature over line 1.
Every further line is an entry: path, kind, links (relation, path, digest of the other line) and body. Entries stand in the
order of the way from standard to certificate, so a link always points upwards. `docs/evidence.md` describes it all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kernel.canonical import canonical_json, digest_bytes

FORMAT = "kaoku-evidence/1"
SIGNATURE_TYPE = "kaoku-evidence"
WITHHELD = "withheld"
"""Name in a body under which stand the fields that were left out of it."""


@dataclass(slots=True)
class PackBuilder:
    """Collects entries in order; a link to an entry that does not stand yet is a mistake of the program."""

    lines: list[bytes] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def add(self, path: str, kind: str, body: Mapping[str, Any], links: Iterable[tuple[str, str]] = ()) -> str:
        """Add an entry and return its path; adding a path twice is refused.

        Examples
        --------
        >>> pack = PackBuilder()
        >>> first = pack.add("standard", "standard", {"code": "A"})
        >>> _ = pack.add("item/1", "item", {"code": "B"}, [("point", first)])
        >>> len(pack.lines), sorted(pack.digests)
        (2, ['item/1', 'standard'])
        """
        if path in self.digests:
            raise ValueError(f"{path} stands in the pack already")
        bound = [{"rel": rel, "path": other, "sha256": self.digests[other]} for rel, other in links]
        line = canonical_json({"path": path, "kind": kind, "links": bound, "body": body})
        self.lines.append(line)
        self.digests[path] = digest_bytes(line)
        return path

    def has(self, path: str) -> bool:
        """Say whether an entry stands."""
        return path in self.digests

    def manifest(self, facts: Mapping[str, Any], root: str) -> bytes:
        """Return line 1."""
        entries = [[path, sha256] for path, sha256 in self.digests.items()]
        return canonical_json({**facts, "format": FORMAT, "root": root, "entries": entries, "missing": self.missing})


def signed_digest(manifest: bytes) -> bytes:
    """Return what is signed: the digest of line 1, with the pack's format so that it fits nothing else."""
    return canonical_json({"format": FORMAT, "manifest": digest_bytes(manifest)})


def whole_pack(manifest: bytes, signature: str, lines: Iterable[bytes]) -> bytes:
    """Return the file."""
    return b"\n".join([manifest, canonical_json({"signature": signature}), *lines]) + b"\n"


def without(body: Mapping[str, Any], names: Iterable[str], *, leave_out: bool) -> dict[str, Any]:
    """Return a body, without some fields when they must not leave the house; it names what is missing.

    Examples
    --------
    >>> without({"a": 1, "key": "B"}, ["key"], leave_out=True)
    {'a': 1, 'withheld': ['key']}
    """
    if not leave_out:
        return dict(body)
    gone = sorted(set(names) & set(body))
    return {name: value for name, value in body.items() if name not in gone} | ({WITHHELD: gone} if gone else {})

"""What readers and writers of item files exchange, and the balanced report of an import or conversion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from item_templates.contract import CanonicalItem


@dataclass(slots=True)
class RawRecord:
    """One thing in a file that looks like an item, as plain strings, before anybody decides what it means.

    A reader that already knows the canonical item (JSON) gives `item`; all others give the strings.

    Attributes
    ----------
    locator : str
        Where it stands, in words a person can follow: ``paragraph 88``, ``sheet 单选 row 12``, ``line 40``, ``item 3``.
    type_hint : str
        What heading, sheet name or type column says, untouched: 单选题, 判断, multiple …
    stem : str
        May still carry the key in its brackets or its options on the same line; `interpret` takes them out.
    options : list of (label, text)
        Label is ``A``, ``B`` … or empty when the file has none.
    answer : str or None
        The answer as written; None when the file has no place for it here.
    group : str
        For an item that shares a text with others: the id of the record that holds the text.
    media : list of (name, bytes)
        Pictures that belong to the record; the stem or an option names one as ``<img src="media:NAME">``.
    """

    locator: str
    stem: str = ""
    type_hint: str = ""
    options: list[tuple[str, str]] = field(default_factory=list)
    answer: str | None = None
    explanation: str = ""
    score: str = ""
    difficulty: str = ""
    points: str = ""
    identifier: str = ""
    source: str = ""
    rubric: str = ""
    group: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    media: list[tuple[str, bytes]] = field(default_factory=list)
    item: CanonicalItem | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """One line of a report: why a record was skipped, what was lost, or what deserves a look."""

    locator: str
    code: str
    message: str
    excerpt: str = ""


@dataclass(slots=True)
class ReadResult:
    """What a reader found in one file: records plus what it could not even take as a record."""

    format: str
    records: list[RawRecord] = field(default_factory=list)
    skipped: list[Notice] = field(default_factory=list)
    losses: list[Notice] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ConvertedItem:
    """An item that was understood, with the place it came from and its pictures by media id."""

    locator: str
    item: CanonicalItem
    media: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class ConversionReport:
    """The report of INTERFACE.md; `found` always equals the converted items plus the skipped records."""

    source: str
    format: str
    items: list[ConvertedItem] = field(default_factory=list)
    skipped: list[Notice] = field(default_factory=list)
    losses: list[Notice] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)
    error: Notice | None = None

    @property
    def found(self) -> int:
        """Number of records found in the file."""
        return len(self.items) + len(self.skipped)

    def to_json(self) -> dict[str, Any]:
        """Return the report in the shape that INTERFACE.md promises."""
        body: dict[str, Any] = {
            "source": self.source,
            "format": self.format,
            "found": self.found,
            "converted": len(self.items),
            "skipped": [
                {"locator": n.locator, "code": n.code, "message": n.message, "excerpt": n.excerpt} for n in self.skipped
            ],
            "losses": [{"locator": n.locator, "construct": n.code, "message": n.message} for n in self.losses],
            "warnings": [{"locator": n.locator, "code": n.code, "message": n.message} for n in self.warnings],
        }
        if self.error:
            body["error"] = {"code": self.error.code, "message": self.error.message}
        return body

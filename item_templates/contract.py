"""What every item type promises, and the canonical item that all components pass around.

An item type is one folder in ``item_templates/``: ``type.py`` holds a class that meets `ItemType`, ``item.html`` the
candidate's view, ``review.html`` the view with the key, ``edit.html`` the authoring fields, ``example.json`` one good
item. Nothing outside that folder changes when a type is added: formats map *interactions*, never types.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import field as field_of_dataclass  # `Finding.field` hides the short name inside its class
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

Json: TypeAlias = Any
"""A value that `json.loads` may give: None, bool, int, float, str, list or dict."""

BLANK_MARK = re.compile(r"\{\{(\d{1,2})\}\}")
"""A blank of ``fill_in`` as it stands in the stem: ``{{1}}``."""


class Interaction(enum.StrEnum):
    """The shape of what a candidate does; a format or a player knows these and nothing else."""

    CHOICE = "choice"
    TRUE_FALSE = "true_false"
    TEXT_ENTRY = "text_entry"
    NUMBER = "number"
    ORDER = "order"
    MATCH = "match"
    EXTENDED_TEXT = "extended_text"
    HOTSPOT = "hotspot"
    COMPOSITE = "composite"


class Outcome(enum.StrEnum):
    """How one response was judged."""

    CORRECT = "correct"
    PARTIAL = "partial"
    WRONG = "wrong"
    OMITTED = "omitted"
    NEEDS_MARKING = "needs_marking"


class Severity(enum.StrEnum):
    """ERROR forbids saving as submitted work; WARNING is shown and may stay."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One complaint about an item: `field` names the form field, `message` is Chinese and says how to mend it.

    `message` is finished text; `template` with `params` is what the edge translates, as `findings.finding` fills them.
    """

    code: str
    message: str
    field: str = "stem"
    severity: Severity = Severity.ERROR
    template: str = ""
    params: Mapping[str, Json | Finding] = field_of_dataclass(default_factory=dict)

    def __str__(self) -> str:
        """Return the message, so that a finding may be the value of another one's place."""
        return self.message


@dataclass(frozen=True, slots=True)
class Choice:
    """One option (or match target): `id` is what responses and keys name, `content` sanitised HTML."""

    id: str
    content: str


@dataclass(frozen=True, slots=True)
class ItemContent:
    r"""The part of an item that a version freezes: change it and there is a new version.

    Attributes
    ----------
    type : str
        Registry name of the item type, such as ``single_choice``.
    stem : str
        Sanitised HTML; formulas as LaTeX between ``\(`` and ``\)``; blanks of ``fill_in`` as ``{{1}}``, ``{{2}}``.
    choices, targets : tuple of Choice
        Options; `targets` is the second column of matching items.
    key : Json
        By type, as the canonical item format says; None where a person marks.
    rubric : tuple of mappings
        Scoring points of marked items: ``{"text": str, "score": "2"}``.
    score : Decimal
        Marks the item carries when nothing else is said (a form may set its own).
    scoring : mapping
        ``method`` and what it needs, e.g. ``{"method": "exact"}`` or ``{"weights": {"A": 0.5}}``.
    media : tuple of mappings
        ``{"id", "digest", "mime", "alt"}``; the stem names a medium as ``<img src="media:ID">``.
    items : tuple of ItemContent
        Children of a testlet.
    parameters : mapping
        Variables, constraints and expressions of a parametric item, regions of a hotspot item; empty for every other type.
    stimulus : str
        Sanitised HTML that a frozen child shares with its siblings; only `ItemType.freeze` sets it, no author does.
    """

    type: str
    stem: str
    choices: tuple[Choice, ...] = ()
    key: Json = None
    explanation: str = ""
    rubric: tuple[Mapping[str, Json], ...] = ()
    score: Decimal = Decimal(1)
    scoring: Mapping[str, Json] = field(default_factory=dict)
    targets: tuple[Choice, ...] = ()
    media: tuple[Mapping[str, Json], ...] = ()
    items: tuple[ItemContent, ...] = ()
    parameters: Mapping[str, Json] = field(default_factory=dict)
    stimulus: str = ""

    @property
    def n_blanks(self) -> int:
        """Number of blanks that stand in the stem."""
        return len(BLANK_MARK.findall(self.stem))


@dataclass(frozen=True, slots=True)
class CanonicalItem:
    """An item as files carry it: content plus what describes it (`difficulty` 1–5 or None)."""

    id: str
    content: ItemContent
    points: tuple[str, ...] = ()
    difficulty: int | None = None
    source: str = ""
    metadata: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ItemScore:
    """Result of scoring one response: ``0 <= score <= max_score`` unless the rule allows negative marks."""

    score: Decimal
    max_score: Decimal
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the program tells a marker about a response: the marks it would earn, and each part that was checked."""

    score: Decimal
    checks: tuple[tuple[str, bool], ...]


class ResponseFormatError(ValueError):
    """A raw response does not have the shape its interaction asks for."""


class ItemType(Protocol):
    """One kind of item. Implementations are stateless; every method is a pure function of its arguments.

    Responses are JSON lists, as the candidate API carries them: choice ``["B"]``, true/false ``["true"]``, text entry one
    string a blank, number ``["3.5"]``, order ``["C", "A", "B"]``, match ``[["A", "1"]]``, extended text ``["…"]``.
    An empty list, or a list of empty strings, means omitted.
    """

    name: str
    interaction: Interaction
    label: str
    """Chinese name, such as 单项选择题; the English one is in the catalogue."""
    aliases: Sequence[str]
    """Words by which files and headings name this type: 单选, 单项选择, single …"""
    position: int
    """Place in lists of types, low first."""
    has_choices: bool
    """Whether its content has `choices`."""
    scoring_methods: Mapping[str, str]
    """Scoring methods an author may choose, method -> Chinese label; the first is the default."""

    def validate(self, content: ItemContent) -> list[Finding]:
        """Return what is wrong with the content; empty when it may be submitted for review."""
        ...

    def freeze(self, content: ItemContent, seed: int) -> tuple[ItemContent, ...]:
        """Return what a sealed form carries for this item, one content for each slot: usually the item itself.

        A testlet gives its children with their shared `stimulus`, a parametric item the instance that `seed` makes.
        What comes back is scored, shown and printed by the type that it names; scores add up to the item's.
        """
        ...

    def render(self, content: ItemContent) -> dict[str, Json]:
        """Return the delivery view, built from an allow-list: never key, explanation, rubric or statistics."""
        ...

    def may_shuffle(self, content: ItemContent) -> bool:
        """Say whether options may be reordered: no where an option refers to another (以上都是, A和B)."""
        ...

    def parse_response(self, content: ItemContent, raw: Json) -> list[Json]:
        """Return the canonical response; raises ResponseFormatError."""
        ...

    def parse_cell(self, content: ItemContent, text: str) -> list[Json]:
        """Return the response written in one cell of a response sheet: ``A;C``, ``true``, text, ``A=1;B=3``."""
        ...

    def score(self, content: ItemContent, response: Sequence[Json], max_score: Decimal) -> ItemScore:
        """Score a canonical response; marked types answer NEEDS_MARKING (or OMITTED with 0)."""
        ...

    def suggest(self, content: ItemContent, response: Sequence[Json], max_score: Decimal) -> Suggestion | None:
        """Return what helps a marker with a canonical response, None where the program knows nothing."""
        ...

    def key_text(self, content: ItemContent) -> str:
        """Return the key as people write it in a table cell: ``B``, ``AC``, ``√``, ``铁|Fe；2``."""
        ...

    def parse_key(self, text: str, content: ItemContent) -> Json:
        """Return the key meant by a table cell; raises ValueError when it is not certain what is meant."""
        ...

    def normalise_key(self, key: Json) -> Json:
        """Return the key in its canonical shape; raises KeyTextError when a file's key has another shape."""
        ...

    def with_answer(self, content: ItemContent, text: str) -> ItemContent:
        """Return the content with the answer of a file put where this type keeps it: key, or rubric of marked items.

        Raises ValueError as `parse_key` does.
        """
        ...

    def from_form(self, fields: Mapping[str, Sequence[str]], base: ItemContent | None = None) -> ItemContent:
        """Return the content that the fields of ``edit.html`` describe; it may have findings, it never raises.

        What the form has no field for (media, option weights) comes from `base`, the content that was opened.
        """
        ...

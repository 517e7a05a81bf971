"""Tables for keeping a bank in order: search index, tags, saved views, statistics, checks and pairs of items."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import DDL, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, event
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, UuidPk
from qbank.rules.pairs import PairOrigin, PairState
from qbank.rules.statistics import Carrier

ORGANISATION = "organisations.organisation_id"
ITEM = "items.item_id"
LEVEL = "standard_levels.standard_level_id"


class ItemSearch(Base):
    """The row of an item in the text index; its number is the row of SQLite's full-text table.

    The row is kept thin, because a search looks up thousands: SQLite keeps the text in the full-text table alone,
    PostgreSQL in `body`.
    """

    __tablename__ = "item_search"
    __table_args__ = (Index("ix_item_search_organisation_id_fingerprint", "organisation_id", "fingerprint"),)
    item_search_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    item_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ITEM), unique=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    fingerprint: Mapped[str] = mapped_column(String(64))
    body: Mapped[str | None] = mapped_column(Text)


SEARCH_DDL = {
    "sqlite": [
        "CREATE VIRTUAL TABLE item_search_fts USING fts5(body, columnsize=0, tokenize='unicode61 remove_diacritics 0')",
        (
            "CREATE TRIGGER item_search_delete AFTER DELETE ON item_search "
            "BEGIN DELETE FROM item_search_fts WHERE rowid = old.item_search_id; END"
        ),
    ],
    "postgresql": ["CREATE INDEX item_search_fts ON item_search USING gin (string_to_array(body, ' '))"],
}
"""The index itself, which the mapper cannot describe; the migration repeats the statements."""

for _dialect, _statements in SEARCH_DDL.items():
    for _statement in _statements:
        _ddl = DDL(_statement)  # type: ignore[no-untyped-call]
        event.listen(ItemSearch.__table__, "after_create", _ddl.execute_if(dialect=_dialect))
_drop = DDL("DROP TABLE IF EXISTS item_search_fts")  # type: ignore[no-untyped-call]
event.listen(ItemSearch.__table__, "before_drop", _drop.execute_if(dialect="sqlite"))


class ItemTag(Base):
    """A word that somebody put on an item."""

    __tablename__ = "item_tags"
    __table_args__ = (Index("ix_item_tags_organisation_id_tag", "organisation_id", "tag"),)
    item_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ITEM), primary_key=True)
    tag: Mapped[str] = mapped_column(String(40), primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]


class ItemStatistics(Base):
    """What one analysis found about one version of an item; a later analysis of the same source replaces it.

    Every source has a row of all its answers and one for each carrier on which some were given; sums over sources take
    rows of one carrier, or the rows of all.
    """

    __tablename__ = "item_statistics"
    __table_args__ = (
        UniqueConstraint("item_version_id", "source", "carrier"),
        Index("ix_item_statistics_item_id_computed_on", "item_id", "computed_on"),
        CheckConstraint("n >= 0", name="n_not_negative"),
        CheckConstraint(
            "proportion_correct IS NULL OR proportion_correct BETWEEN 0 AND 1", name="proportion_correct_range"
        ),
        CheckConstraint("item_total_r IS NULL OR item_total_r BETWEEN -1 AND 1", name="item_total_r_range"),
    )
    item_statistics_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    item_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ITEM))
    item_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("item_versions.item_version_id"))
    source: Mapped[str] = mapped_column(String(120), comment="the session or analysis the figures come from")
    carrier: Mapped[Carrier] = mapped_column(
        default=Carrier.ALL, server_default=Carrier.ALL.value, comment="on what the answers were given; all: together"
    )
    n: Mapped[int] = mapped_column(comment="responses")
    proportion_correct: Mapped[float | None]
    item_total_r: Mapped[float | None] = mapped_column(comment="corrected item-total correlation")
    computed_on: Mapped[date]


class LintWaiver(Base):
    """Why a rule does not count for an item; `withdrawn_at` is set when it counts again."""

    __tablename__ = "lint_waivers"
    __table_args__ = (Index("ix_lint_waivers_item_id", "item_id"),)
    lint_waiver_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    item_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ITEM))
    rule: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(String(300))
    version_number: Mapped[int] = mapped_column(comment="the version that was looked at")
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class SensitiveWord(Base):
    """A word that an organisation does not want in its items, and what to write instead."""

    __tablename__ = "sensitive_words"
    sensitive_word_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    word: Mapped[str] = mapped_column(String(40))
    advice: Mapped[str] = mapped_column(String(200), default="")
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("organisation_id", "word"),)


class CurationRun(Base):
    """The latest whole check of a level, by kind: its rules (lint) or its near-duplicates."""

    __tablename__ = "curation_runs"
    __table_args__ = (
        UniqueConstraint("standard_level_id", "kind"),
        CheckConstraint("kind IN ('lint', 'duplicates')", name="kind_known"),
    )
    curation_run_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    standard_level_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(LEVEL))
    kind: Mapped[str] = mapped_column(String(20))
    n_items: Mapped[int]
    report: Mapped[dict[str, Any]]
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]


class ItemPair(Base):
    """Two items of a level that are alike or give each other away, and what a person decided about them.

    The smaller id comes first, so a pair stands once. A suggestion that the next check does not find again goes; what
    somebody decided stays.
    """

    __tablename__ = "item_pairs"
    __table_args__ = (
        UniqueConstraint("first_item_id", "second_item_id"),
        Index("ix_item_pairs_level_state", "standard_level_id", "state"),
        Index("ix_item_pairs_second_item_id", "second_item_id"),
        CheckConstraint("first_item_id < second_item_id", name="ordered"),
        CheckConstraint("similarity BETWEEN 0 AND 100", name="similarity_range"),
    )
    item_pair_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ORGANISATION))
    standard_level_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(LEVEL))
    first_item_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ITEM))
    second_item_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ITEM))
    origin: Mapped[PairOrigin]
    state: Mapped[PairState] = mapped_column(default=PairState.OPEN)
    similarity: Mapped[int] = mapped_column(comment="percent")
    clue: Mapped[str] = mapped_column(String(200), default="", comment="the words that give the other key away")
    is_transitive: Mapped[bool] = mapped_column(default=False, comment="enemies of enemies are enemies, too")
    reason: Mapped[str] = mapped_column(String(300), default="")
    decided_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}

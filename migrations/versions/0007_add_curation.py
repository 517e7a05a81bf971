"""Add the text index, tags, saved views, statistics, checks and pairs of items."""

import hashlib
import html
import itertools
import json
import re
import unicodedata

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007_add_curation"
down_revision = "0006_add_editions_corrections_approvals"
branch_labels = None
depends_on = None


SEARCH_DDL = {
    "sqlite": [
        "CREATE VIRTUAL TABLE item_search_fts USING fts5(body, columnsize=0, tokenize='unicode61 remove_diacritics 0')",
        "CREATE TRIGGER item_search_delete AFTER DELETE ON item_search "
        "BEGIN DELETE FROM item_search_fts WHERE rowid = old.item_search_id; END",
    ],
    "postgresql": ["CREATE INDEX item_search_fts ON item_search USING gin (string_to_array(body, ' '))"],
}
PORTION = 1000


def index_present_items():
    """Index the items that are in the bank already, as the program indexes new ones."""
    bind = op.get_bind()
    names = ("item_id", "organisation_id", "search_text", "current_version_id")
    items = sa.table("items", *(sa.column(name) for name in names))
    versions = sa.table("item_versions", sa.column("item_version_id"), sa.column("content"))
    names = ("item_id", "organisation_id", "fingerprint", "body")
    search = sa.table("item_search", *(sa.column(name) for name in names))
    query = sa.select(items.c.item_id, items.c.organisation_id, items.c.search_text, versions.c.content)
    query = query.join_from(items, versions, versions.c.item_version_id == items.c.current_version_id)
    rows = bind.execute(query).all()
    for start in range(0, len(rows), PORTION):
        bind.execute(search.insert(), [row_of(row, bind.dialect.name) for row in rows[start : start + PORTION]])
    if bind.dialect.name == "sqlite":
        bind.exec_driver_sql("INSERT INTO item_search_fts(rowid, body) SELECT item_search_id, body FROM item_search")
        bind.exec_driver_sql("UPDATE item_search SET body = NULL")


def row_of(row, dialect):
    words = [word_of(sign) for sign in row.search_text if not sign.isspace()]
    if dialect == "postgresql":
        words = dict.fromkeys([*words, *(a + b for a, b in itertools.pairwise(words))])
    content = json.loads(row.content) if isinstance(row.content, str) else row.content
    essence = "\n".join(essence_of(content))
    return {
        "item_id": row.item_id, "organisation_id": row.organisation_id, "body": " ".join(words),
        "fingerprint": hashlib.sha256(essence.encode()).hexdigest(),
    }  # fmt: skip


def word_of(sign):
    return sign if sign.isalnum() and sign.isprintable() and ord(sign) < 0x10000 else f"x{ord(sign):x}"


def essence_of(content):
    yield bare(content["stem"])
    yield from sorted(bare(one["content"]) for one in [*content.get("choices", []), *content.get("targets", [])])
    for child in content.get("items", []):
        yield from essence_of(child)


def bare(text):
    text = re.sub(r'<img[^>]*alt="([^"]*)"[^>]*>', r"[\1]", text)
    text = html.unescape(re.sub(r"<[^>]+>", " ", text))
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(sign for place, sign in enumerate(text) if sign.isalnum() or belongs(text, place))


def belongs(text, place):
    sign = text[place]
    return sign in "%‰<>=≤≥±+℃°×÷/√" or (sign in ".-" and text[place + 1 : place + 2].isdigit())


def upgrade():
    op.create_table(
        "saved_views",
        sa.Column("saved_view_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column(
            "parameters", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_saved_views_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("saved_view_id", name=op.f("pk_saved_views")),
        sa.UniqueConstraint(
            "organisation_id", "owner_id", "name", name=op.f("uq_saved_views_organisation_id_owner_id_name")
        ),
    )
    op.create_table(
        "sensitive_words",
        sa.Column("sensitive_word_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("word", sa.String(length=40), nullable=False),
        sa.Column("advice", sa.String(length=200), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_sensitive_words_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("sensitive_word_id", name=op.f("pk_sensitive_words")),
        sa.UniqueConstraint("organisation_id", "word", name=op.f("uq_sensitive_words_organisation_id_word")),
    )
    op.create_table(
        "curation_runs",
        sa.Column("curation_run_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("standard_level_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("n_items", sa.Integer(), nullable=False),
        sa.Column(
            "report", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('lint', 'duplicates')", name=op.f("ck_curation_runs_kind_known")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_curation_runs_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["standard_level_id"],
            ["standard_levels.standard_level_id"],
            name=op.f("fk_curation_runs_standard_level_id_standard_levels"),
        ),
        sa.PrimaryKeyConstraint("curation_run_id", name=op.f("pk_curation_runs")),
        sa.UniqueConstraint("standard_level_id", "kind", name=op.f("uq_curation_runs_standard_level_id_kind")),
    )
    op.create_table(
        "item_pairs",
        sa.Column("item_pair_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("standard_level_id", sa.Uuid(), nullable=False),
        sa.Column("first_item_id", sa.Uuid(), nullable=False),
        sa.Column("second_item_id", sa.Uuid(), nullable=False),
        sa.Column(
            "origin",
            sa.Enum(
                "exact",
                "near",
                "same_point",
                "clue",
                "person",
                name="pairorigin",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "duplicate",
                "enemy",
                "different",
                name="pairstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("similarity", sa.Integer(), nullable=False, comment="percent"),
        sa.Column("clue", sa.String(length=200), nullable=False, comment="the words that give the other key away"),
        sa.Column("is_transitive", sa.Boolean(), nullable=False, comment="enemies of enemies are enemies, too"),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("first_item_id < second_item_id", name=op.f("ck_item_pairs_ordered")),
        sa.CheckConstraint("similarity BETWEEN 0 AND 100", name=op.f("ck_item_pairs_similarity_range")),
        sa.ForeignKeyConstraint(["first_item_id"], ["items.item_id"], name=op.f("fk_item_pairs_first_item_id_items")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_item_pairs_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(["second_item_id"], ["items.item_id"], name=op.f("fk_item_pairs_second_item_id_items")),
        sa.ForeignKeyConstraint(
            ["standard_level_id"],
            ["standard_levels.standard_level_id"],
            name=op.f("fk_item_pairs_standard_level_id_standard_levels"),
        ),
        sa.PrimaryKeyConstraint("item_pair_id", name=op.f("pk_item_pairs")),
        sa.UniqueConstraint("first_item_id", "second_item_id", name=op.f("uq_item_pairs_first_item_id_second_item_id")),
    )
    with op.batch_alter_table("item_pairs", schema=None) as batch_op:
        batch_op.create_index("ix_item_pairs_level_state", ["standard_level_id", "state"], unique=False)
        batch_op.create_index("ix_item_pairs_second_item_id", ["second_item_id"], unique=False)

    op.create_table(
        "item_search",
        sa.Column("item_search_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["items.item_id"], name=op.f("fk_item_search_item_id_items")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_item_search_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("item_search_id", name=op.f("pk_item_search")),
        sa.UniqueConstraint("item_id", name=op.f("uq_item_search_item_id")),
    )
    with op.batch_alter_table("item_search", schema=None) as batch_op:
        batch_op.create_index(
            "ix_item_search_organisation_id_fingerprint", ["organisation_id", "fingerprint"], unique=False
        )

    op.create_table(
        "item_tags",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("tag", sa.String(length=40), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.item_id"], name=op.f("fk_item_tags_item_id_items")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_item_tags_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("item_id", "tag", name=op.f("pk_item_tags")),
    )
    with op.batch_alter_table("item_tags", schema=None) as batch_op:
        batch_op.create_index("ix_item_tags_organisation_id_tag", ["organisation_id", "tag"], unique=False)

    op.create_table(
        "lint_waivers",
        sa.Column("lint_waiver_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("version_number", sa.Integer(), nullable=False, comment="the version that was looked at"),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["items.item_id"], name=op.f("fk_lint_waivers_item_id_items")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_lint_waivers_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("lint_waiver_id", name=op.f("pk_lint_waivers")),
    )
    with op.batch_alter_table("lint_waivers", schema=None) as batch_op:
        batch_op.create_index("ix_lint_waivers_item_id", ["item_id"], unique=False)

    op.create_table(
        "item_statistics",
        sa.Column("item_statistics_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("item_version_id", sa.Uuid(), nullable=False),
        sa.Column(
            "source", sa.String(length=120), nullable=False, comment="the session or analysis the figures come from"
        ),
        sa.Column("n", sa.Integer(), nullable=False, comment="responses"),
        sa.Column("proportion_correct", sa.Double(), nullable=True),
        sa.Column("item_total_r", sa.Double(), nullable=True, comment="corrected item-total correlation"),
        sa.Column("computed_on", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "item_total_r IS NULL OR item_total_r BETWEEN -1 AND 1", name=op.f("ck_item_statistics_item_total_r_range")
        ),
        sa.CheckConstraint("n >= 0", name=op.f("ck_item_statistics_n_not_negative")),
        sa.CheckConstraint(
            "proportion_correct IS NULL OR proportion_correct BETWEEN 0 AND 1",
            name=op.f("ck_item_statistics_proportion_correct_range"),
        ),
        sa.ForeignKeyConstraint(["item_id"], ["items.item_id"], name=op.f("fk_item_statistics_item_id_items")),
        sa.ForeignKeyConstraint(
            ["item_version_id"],
            ["item_versions.item_version_id"],
            name=op.f("fk_item_statistics_item_version_id_item_versions"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_item_statistics_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("item_statistics_id", name=op.f("pk_item_statistics")),
        sa.UniqueConstraint("item_version_id", "source", name=op.f("uq_item_statistics_item_version_id_source")),
    )
    with op.batch_alter_table("item_statistics", schema=None) as batch_op:
        batch_op.create_index("ix_item_statistics_item_id_computed_on", ["item_id", "computed_on"], unique=False)

    with op.batch_alter_table("items", schema=None) as batch_op:
        batch_op.create_index(
            "ix_items_list",
            [
                "organisation_id",
                "removed_at",
                "updated_at",
                "item_id",
                "standard_level_id",
                "status",
                "type",
                "difficulty",
                "author_id",
                "n_used",
                "last_used_on",
                "current_version_id",
                "code",
            ],
            unique=False,
        )
    op.create_index("ix_item_points_point_version", "item_points", ["assessment_point_id", "item_version_id"])
    for statement in SEARCH_DDL[op.get_bind().dialect.name]:
        op.execute(statement)
    index_present_items()


def downgrade():
    op.drop_index("ix_item_points_point_version", table_name="item_points")
    with op.batch_alter_table("items", schema=None) as batch_op:
        batch_op.drop_index("ix_items_list")

    with op.batch_alter_table("item_statistics", schema=None) as batch_op:
        batch_op.drop_index("ix_item_statistics_item_id_computed_on")

    op.drop_table("item_statistics")
    with op.batch_alter_table("lint_waivers", schema=None) as batch_op:
        batch_op.drop_index("ix_lint_waivers_item_id")

    op.drop_table("lint_waivers")
    with op.batch_alter_table("item_tags", schema=None) as batch_op:
        batch_op.drop_index("ix_item_tags_organisation_id_tag")

    op.drop_table("item_tags")
    with op.batch_alter_table("item_search", schema=None) as batch_op:
        batch_op.drop_index("ix_item_search_organisation_id_fingerprint")

    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE item_search_fts")
    op.drop_table("item_search")
    with op.batch_alter_table("item_pairs", schema=None) as batch_op:
        batch_op.drop_index("ix_item_pairs_second_item_id")
        batch_op.drop_index("ix_item_pairs_level_state")

    op.drop_table("item_pairs")
    op.drop_table("curation_runs")
    op.drop_table("sensitive_words")
    op.drop_table("saved_views")

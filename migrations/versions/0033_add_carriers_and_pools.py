"""Keep figures of items by carrier and pooled over items alike; leads may be about a group of people or a gain."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033_add_carriers_and_pools"
down_revision = "0032_add_score_entries"
branch_labels = None
depends_on = None

OLD_KINDS = ("copying", "pattern", "changes", "times", "drift")
NEW_KINDS = ("copying", "cluster", "pattern", "changes", "times", "gains", "drift")
KINDS_CHECK = "ck_forensic_leads_leadkind"
OLD_UNIQUE = "uq_item_statistics_item_version_id_source"
NEW_UNIQUE = "uq_item_statistics_item_version_id_source_carrier"
CARRIERS = ("all", "computer", "tablet", "phone", "unknown")


def one_of(column, values):
    """Return the condition that a column is one of some words."""
    return "{} IN ({})".format(column, ", ".join(f"'{value}'" for value in values))


def leads_table(kinds):
    """Return the whole table of leads with the kinds that it may hold, for SQLite, which must write it anew."""
    return sa.Table(
        "forensic_leads",
        sa.MetaData(),
        sa.Column("forensic_lead_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_session_id", sa.Uuid(), nullable=False),
        sa.Column("form_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subjects", sa.String(length=80), nullable=False),
        sa.Column("p_value", sa.Double(), nullable=False),
        sa.Column(
            "evidence", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(one_of("kind", kinds), name=op.f(KINDS_CHECK)),
        sa.CheckConstraint(
            one_of("state", ("open", "dismissed", "confirmed")), name=op.f("ck_forensic_leads_leadstate")
        ),
        sa.CheckConstraint("(state = 'open') = (decided_at IS NULL)", name=op.f("ck_forensic_leads_decided_has_time")),
        sa.ForeignKeyConstraint(
            ["exam_session_id"],
            ["exam_sessions.exam_session_id"],
            name=op.f("fk_forensic_leads_exam_session_id_exam_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_forensic_leads_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("forensic_lead_id", name=op.f("pk_forensic_leads")),
        sa.UniqueConstraint(
            "exam_session_id", "kind", "subjects", name=op.f("uq_forensic_leads_exam_session_id_kind_subjects")
        ),
        sa.Index("ix_forensic_leads_organisation_id_state", "organisation_id", "state"),
    )


def statistics_table(*, has_carrier):
    """Return the whole table of item statistics before or after this revision, for SQLite."""
    carrier = [
        carrier_column(),
        sa.CheckConstraint(one_of("carrier", CARRIERS), name=op.f("ck_item_statistics_carrier")),
        sa.UniqueConstraint("item_version_id", "source", "carrier", name=op.f(NEW_UNIQUE)),
    ]
    return sa.Table(
        "item_statistics",
        sa.MetaData(),
        sa.Column("item_statistics_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("item_version_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("proportion_correct", sa.Double(), nullable=True),
        sa.Column("item_total_r", sa.Double(), nullable=True),
        sa.Column("computed_on", sa.Date(), nullable=False),
        sa.CheckConstraint("n >= 0", name=op.f("ck_item_statistics_n_not_negative")),
        sa.CheckConstraint(
            "proportion_correct IS NULL OR proportion_correct BETWEEN 0 AND 1",
            name=op.f("ck_item_statistics_proportion_correct_range"),
        ),
        sa.CheckConstraint(
            "item_total_r IS NULL OR item_total_r BETWEEN -1 AND 1", name=op.f("ck_item_statistics_item_total_r_range")
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
        sa.Index("ix_item_statistics_item_id_computed_on", "item_id", "computed_on"),
        *(carrier if has_carrier else [sa.UniqueConstraint("item_version_id", "source", name=op.f(OLD_UNIQUE))]),
    )


def carrier_column():
    """Return the new column; figures from before it are of all carriers together."""
    return sa.Column(
        "carrier",
        sa.String(length=32),
        server_default="all",
        nullable=False,
        comment="on what the answers were given; all: together",
    )


def let_kinds_be(kinds):
    """Put another list of kinds in the place of the one that the table checks."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f(KINDS_CHECK), "forensic_leads", type_="check")
        op.create_check_constraint(op.f(KINDS_CHECK), "forensic_leads", one_of("kind", kinds))
        return
    with op.batch_alter_table("forensic_leads", copy_from=leads_table(kinds), recreate="always"):
        pass


def add_carriers():
    """Add the column; what is unique has it too."""
    if op.get_bind().dialect.name != "postgresql":
        op.add_column("item_statistics", carrier_column())
        with op.batch_alter_table(
            "item_statistics", copy_from=statistics_table(has_carrier=True), recreate="always"
        ):
            pass
        return
    op.add_column("item_statistics", carrier_column())
    op.create_check_constraint(op.f("ck_item_statistics_carrier"), "item_statistics", one_of("carrier", CARRIERS))
    op.drop_constraint(op.f(OLD_UNIQUE), "item_statistics", type_="unique")
    op.create_unique_constraint(op.f(NEW_UNIQUE), "item_statistics", ["item_version_id", "source", "carrier"])


def take_carriers_away():
    """Keep the figures of all carriers together alone, in a table without the column."""
    op.execute("DELETE FROM item_statistics WHERE carrier <> 'all'")
    if op.get_bind().dialect.name != "postgresql":
        with op.batch_alter_table(
            "item_statistics", copy_from=statistics_table(has_carrier=False), recreate="always"
        ):
            pass
        return
    op.drop_constraint(op.f(NEW_UNIQUE), "item_statistics", type_="unique")
    op.drop_constraint(op.f("ck_item_statistics_carrier"), "item_statistics", type_="check")
    op.drop_column("item_statistics", "carrier")
    op.create_unique_constraint(op.f(OLD_UNIQUE), "item_statistics", ["item_version_id", "source"])


def upgrade():
    add_carriers()
    let_kinds_be(NEW_KINDS)
    op.create_table(
        "pooled_facilities",
        sa.Column("item_version_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("standard_level_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False, comment="own responses, all carriers and sources together"),
        sa.Column("estimate", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column(
            "own_share",
            sa.Double(),
            nullable=False,
            comment="how much of the estimate is the version's own answers",
        ),
        sa.Column("n_alike", sa.Integer(), nullable=False, comment="items of the group, this one included"),
        sa.Column(
            "alike_by",
            sa.String(length=20),
            nullable=False,
            comment="the closest that the items of the group share",
        ),
        sa.Column("computed_on", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "0 <= low AND low <= estimate AND estimate <= high AND high <= 1",
            name=op.f("ck_pooled_facilities_estimate_in_interval"),
        ),
        sa.CheckConstraint("n > 0", name=op.f("ck_pooled_facilities_n_positive")),
        sa.CheckConstraint("own_share BETWEEN 0 AND 1", name=op.f("ck_pooled_facilities_own_share_range")),
        sa.ForeignKeyConstraint(
            ["item_version_id"],
            ["item_versions.item_version_id"],
            name=op.f("fk_pooled_facilities_item_version_id_item_versions"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_pooled_facilities_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["standard_level_id"],
            ["standard_levels.standard_level_id"],
            name=op.f("fk_pooled_facilities_standard_level_id_standard_levels"),
        ),
        sa.PrimaryKeyConstraint("item_version_id", name=op.f("pk_pooled_facilities")),
    )
    with op.batch_alter_table("pooled_facilities", schema=None) as batch_op:
        batch_op.create_index("ix_pooled_facilities_standard_level_id", ["standard_level_id"], unique=False)


def downgrade():
    with op.batch_alter_table("pooled_facilities", schema=None) as batch_op:
        batch_op.drop_index("ix_pooled_facilities_standard_level_id")

    op.drop_table("pooled_facilities")
    op.execute("DELETE FROM forensic_leads WHERE kind IN ('cluster', 'gains')")
    let_kinds_be(OLD_KINDS)
    take_carriers_away()

"""Add parameters of item versions; leads may be about an item that became easier."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016_add_item_parameters"
down_revision = "0015_add_form_changes"
branch_labels = None
depends_on = None

OLD_KINDS = ("copying", "pattern", "changes", "times")
NEW_KINDS = (*OLD_KINDS, "drift")
CHECK = "ck_forensic_leads_leadkind"


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
        sa.CheckConstraint(kinds_check(kinds), name=op.f(CHECK)),
        sa.CheckConstraint(
            "state IN ('open', 'dismissed', 'confirmed')", name=op.f("ck_forensic_leads_leadstate")
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


def kinds_check(kinds):
    """Return the condition that a kind is one of some."""
    return "kind IN ({})".format(", ".join(f"'{kind}'" for kind in kinds))


def let_kinds_be(kinds):
    """Put another list of kinds in the place of the one that the table checks."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f(CHECK), "forensic_leads", type_="check")
        op.create_check_constraint(op.f(CHECK), "forensic_leads", kinds_check(kinds))
        return
    with op.batch_alter_table("forensic_leads", copy_from=leads_table(kinds), recreate="always"):
        pass


def upgrade():
    op.create_table(
        "item_parameters",
        sa.Column("item_version_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("standard_level_id", sa.Uuid(), nullable=False),
        sa.Column("model", sa.String(length=20), nullable=False),
        sa.Column("a", sa.Double(), nullable=False),
        sa.Column("b", sa.Double(), nullable=False),
        sa.Column("c", sa.Double(), nullable=False),
        sa.Column("b_error", sa.Double(), nullable=True),
        sa.Column("n", sa.Integer(), nullable=False, comment="responses of all calibrations together"),
        sa.Column(
            "scale",
            sa.String(length=120),
            nullable=False,
            comment="the analysis whose candidates have mean 0 and deviation 1",
        ),
        sa.Column("computed_on", sa.Date(), nullable=False),
        sa.CheckConstraint("a > 0", name=op.f("ck_item_parameters_a_positive")),
        sa.CheckConstraint("c >= 0 AND c < 1", name=op.f("ck_item_parameters_c_range")),
        sa.CheckConstraint("n > 0", name=op.f("ck_item_parameters_n_positive")),
        sa.ForeignKeyConstraint(
            ["item_version_id"],
            ["item_versions.item_version_id"],
            name=op.f("fk_item_parameters_item_version_id_item_versions"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_item_parameters_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["standard_level_id"],
            ["standard_levels.standard_level_id"],
            name=op.f("fk_item_parameters_standard_level_id_standard_levels"),
        ),
        sa.PrimaryKeyConstraint("item_version_id", name=op.f("pk_item_parameters")),
    )
    with op.batch_alter_table("item_parameters", schema=None) as batch_op:
        batch_op.create_index("ix_item_parameters_standard_level_id", ["standard_level_id"], unique=False)
    let_kinds_be(NEW_KINDS)


def downgrade():
    op.execute("DELETE FROM forensic_leads WHERE kind = 'drift'")
    let_kinds_be(OLD_KINDS)
    with op.batch_alter_table("item_parameters", schema=None) as batch_op:
        batch_op.drop_index("ix_item_parameters_standard_level_id")

    op.drop_table("item_parameters")

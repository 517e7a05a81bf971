"""Add leads from statistics."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014_add_forensic_leads"
down_revision = "0013_add_item_disclosures"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "forensic_leads",
        sa.Column("forensic_lead_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_session_id", sa.Uuid(), nullable=False),
        sa.Column("form_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "copying",
                "pattern",
                "changes",
                "times",
                name="leadkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "subjects",
            sa.String(length=80),
            nullable=False,
            comment="keys of up to two attempts in order, of a version, or a digest",
        ),
        sa.Column("p_value", sa.Double(), nullable=False),
        sa.Column(
            "evidence", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column(
            "state",
            sa.Enum(
                "open", "dismissed", "confirmed", name="leadstate", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
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
    )
    with op.batch_alter_table("forensic_leads", schema=None) as batch_op:
        batch_op.create_index("ix_forensic_leads_organisation_id_state", ["organisation_id", "state"], unique=False)


def downgrade():
    with op.batch_alter_table("forensic_leads", schema=None) as batch_op:
        batch_op.drop_index("ix_forensic_leads_organisation_id_state")

    op.drop_table("forensic_leads")

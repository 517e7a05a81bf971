"""Keep decisions about equating the forms of a batch, and which of them a release followed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0053_equate_batches"
down_revision = "0052_restart_on_standby_forms"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "equatings",
        sa.Column("equating_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("exam_batch_id", sa.Uuid(), nullable=False),
        sa.Column("reference_form_id", sa.Uuid(), nullable=False),
        sa.Column(
            "plan",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="reference, design and method by form, items left out",
        ),
        sa.Column(
            "figures",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="groups, anchors, tables with errors, effects, rounding",
        ),
        sa.Column("figures_digest", sa.String(length=64), nullable=False, comment="what both persons confirmed"),
        sa.Column("seed", sa.BigInteger(), nullable=False, comment="of the bootstrap"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "proposed",
                "approved",
                "rejected",
                "withdrawn",
                name="equatingstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("proposed_by_name", sa.String(length=100), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_by_name", sa.String(length=100), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name=op.f("ck_equatings_decided_has_time")),
        sa.ForeignKeyConstraint(
            ["exam_batch_id"], ["exam_batches.exam_batch_id"], name=op.f("fk_equatings_exam_batch_id_exam_batches")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_equatings_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("equating_id", name=op.f("pk_equatings")),
        sa.UniqueConstraint("organisation_id", "code", name=op.f("uq_equatings_organisation_id_code")),
    )
    op.create_index("ix_equatings_exam_batch_id", "equatings", ["exam_batch_id"])
    op.add_column(
        "score_releases",
        sa.Column(
            "equating_id", sa.Uuid(), nullable=True, comment="the decision that scores follow; empty: raw scores"
        ),
    )


def downgrade():
    op.drop_column("score_releases", "equating_id")
    op.drop_index("ix_equatings_exam_batch_id", "equatings")
    op.drop_table("equatings")

"""Add orders to erase what was kept long enough, and the mark of erased people."""

import sqlalchemy as sa
from alembic import op

revision = "0039_add_erasure_orders"
down_revision = "0038_add_senior_levels"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "erasure_orders",
        sa.Column("erasure_order_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "people",
                "photos",
                "documents",
                "packs",
                name="retentionkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("kept_until", sa.Date(), nullable=False, comment="records of before this day are erased"),
        sa.Column("n_records", sa.Integer(), nullable=False),
        sa.Column(
            "records_digest", sa.String(length=64), nullable=False, comment="over the sorted keys of the records"
        ),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "proposed",
                "done",
                "rejected",
                name="erasurestate",
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
        sa.Column("decision_reason", sa.String(length=300), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("n_records > 0", name=op.f("ck_erasure_orders_n_records")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_erasure_orders_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("erasure_order_id", name=op.f("pk_erasure_orders")),
    )
    op.create_index(
        "ix_erasure_orders_organisation_id_proposed_at", "erasure_orders", ["organisation_id", "proposed_at"]
    )
    with op.batch_alter_table("result_records") as batch:
        batch.add_column(
            sa.Column(
                "erased_at",
                sa.DateTime(timezone=True),
                nullable=True,
                comment="when what names the person was erased by rule",
            )
        )


def downgrade():
    with op.batch_alter_table("result_records") as batch:
        batch.drop_column("erased_at")
    op.drop_index("ix_erasure_orders_organisation_id_proposed_at", table_name="erasure_orders")
    op.drop_table("erasure_orders")

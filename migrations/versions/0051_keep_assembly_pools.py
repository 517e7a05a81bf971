"""Keep the pool of each draw, and for which regions it was made."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0051_keep_assembly_pools"
down_revision = "0050_replace_assessors"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "assembly_pools",
        sa.Column("assembly_pool_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column(
            "digest", sa.String(length=64), nullable=False, comment="assembly_runs.pool_digest of the draws made from it"
        ),
        sa.Column("n_items", sa.Integer(), nullable=False),
        sa.Column(
            "ciphertext", sa.LargeBinary(), nullable=False, comment="the pool file, compressed and encrypted"
        ),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.organisation_id"],
            name=op.f("fk_assembly_pools_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("assembly_pool_id", name=op.f("pk_assembly_pools")),
        sa.UniqueConstraint("organisation_id", "digest", name=op.f("uq_assembly_pools_organisation_id_digest")),
    )  # fmt: skip
    op.add_column(
        "assembly_runs",
        sa.Column(
            "regions", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            server_default="[]", nullable=False, comment="where its forms are sat; none: the organisation's own regions",
        ),
    )  # fmt: skip


def downgrade():
    with op.batch_alter_table("assembly_runs") as batch_op:
        batch_op.drop_column("regions")
    op.drop_table("assembly_pools")

"""Add import memory."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


revision = "0011_add_import_memory"
down_revision = "0010_add_session_analyses"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade():
    op.create_table(
        "import_mappings",
        sa.Column("import_mapping_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("shape", sa.String(length=64), nullable=False, comment="digest of the sheets' names and heads"),
        sa.Column("file_name", sa.String(length=200), nullable=False, comment="the file for which it was said"),
        sa.Column("mapping", JSON, nullable=False),
        sa.Column("n_used", sa.Integer(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_import_mappings_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("import_mapping_id", name=op.f("pk_import_mappings")),
        sa.UniqueConstraint("organisation_id", "shape", name=op.f("uq_import_mappings_organisation_id_shape")),
    )
    with op.batch_alter_table("import_runs", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "shape",
                sa.String(length=64),
                nullable=False,
                server_default="",
                comment="digest of the sheets' names and heads",
            )
        )
        batch_op.add_column(
            sa.Column(
                "is_mapping_recalled",
                sa.Boolean(),
                nullable=False,
                server_default=sa.false(),
                comment="from an earlier file of the same shape",
            )
        )
        batch_op.add_column(
            sa.Column(
                "edits", JSON, nullable=True, comment="what was changed before importing, by place in the file"
            )
        )
        batch_op.add_column(
            sa.Column(
                "n_updated",
                sa.Integer(),
                nullable=False,
                server_default="0",
                comment="among the imported: new versions of items in the bank",
            )
        )


def downgrade():
    with op.batch_alter_table("import_runs", schema=None) as batch_op:
        batch_op.drop_column("n_updated")
        batch_op.drop_column("edits")
        batch_op.drop_column("is_mapping_recalled")
        batch_op.drop_column("shape")
    op.drop_table("import_mappings")

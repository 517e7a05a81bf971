"""Keep which assessor dropped out of a group, why, and who took the place."""

import sqlalchemy as sa
from alembic import op

revision = "0050_replace_assessors"
down_revision = "0049_let_more_kinds_be_erased"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column(
        "assessor_members",
        sa.Column(
            "withdrawn_at", sa.DateTime(timezone=True), nullable=True, comment="when another took the place"
        ),
    )
    op.add_column(
        "assessor_members", sa.Column("withdrawn_reason", sa.String(length=300), server_default="", nullable=False)
    )
    op.add_column(
        "assessor_members",
        sa.Column(
            "replaced_by",
            sa.String(length=100),
            server_default="",
            nullable=False,
            comment="name of who took the place",
        ),
    )


def downgrade():
    for column in ("replaced_by", "withdrawn_reason", "withdrawn_at"):
        op.drop_column("assessor_members", column)

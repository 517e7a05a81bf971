"""Keep the serials of the blanks on which certificates are printed."""

import sqlalchemy as sa
from alembic import op

revision = "0041_add_certificate_blanks"
down_revision = "0040_add_check_in_first"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "certificate_blanks",
        sa.Column("certificate_blank_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("serial", sa.String(length=32), nullable=False),
        sa.Column("certificate_id", sa.Uuid(), nullable=True, comment="none: spoiled before anything was printed"),
        sa.Column("used_by", sa.String(length=100), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("spoiled_reason", sa.String(length=300), server_default="", nullable=False, comment="empty: good"),
        sa.Column("spoiled_by", sa.String(length=100), server_default="", nullable=False),
        sa.Column("spoiled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificates.certificate_id"],
            name=op.f("fk_certificate_blanks_certificate_id_certificates"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_certificate_blanks_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("certificate_blank_id", name=op.f("pk_certificate_blanks")),
        sa.UniqueConstraint("organisation_id", "serial", name=op.f("uq_certificate_blanks_organisation_id_serial")),
    )
    with op.batch_alter_table("certificate_blanks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_certificate_blanks_certificate_id"), ["certificate_id"], unique=False)


def downgrade():
    op.drop_table("certificate_blanks")
